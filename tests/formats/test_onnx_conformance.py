"""The official test data of ONNX agree or are refused, none is read wrong; the report says so."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest

from tests.oracles.conformance import REPORT, Case, cases, is_claimed, outcome, report

EVERY = 12  # of the claimed cases, in the quick test
MOST = 1 << 16  # numbers of a case there; one of a million takes a minute


def numbers(case: Case) -> int:
    return sum(np.size(array) for array in case.inputs)


def test_no_case_is_read_wrong() -> None:
    claimed = [case for case in cases() if is_claimed(case) and numbers(case) <= MOST][::EVERY]
    assert len(claimed) > 100
    found = {case.name: outcome(case) for case in claimed}
    assert {name: o.why for name, o in found.items() if o.verdict == "wrong"} == {}
    agree = sum(o.verdict in ("agree", "order") for o in found.values())
    assert agree > len(claimed) * 3 // 5


def test_the_report_says_that_none_is_wrong() -> None:
    text = REPORT.read_text()
    (row,) = re.findall(r"^\| all \| (.*) \|$", text, re.MULTILINE)
    agree, order, _, _, wrong, _ = map(int, row.split(" | "))
    assert wrong == 0 and agree + order > 1000


@pytest.mark.slow
def test_the_report_is_what_the_cases_give() -> None:
    text = REPORT.read_text()
    if f"onnx {onnx.__version__}," not in text:
        pytest.skip("the report is of another version of onnx")
    assert report() == text
