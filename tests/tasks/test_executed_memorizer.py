"""The memorizer of digits that is right as executed in float32: the network beside the reports."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from verifier.checker.manifest import Question, sample_query
from verifier.data.load import load
from verifier.evidence.certificate import Robust
from verifier.formats.load import load_any_network
from verifier.runs.run import points_of
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

NETWORK = Path(__file__).parents[2] / "reports/least/digits-mlp.npz"
EVERY = [pytest.param(1, marks=pytest.mark.slow), 100]


@pytest.mark.parametrize("step", EVERY)
def test_no_execution_misreads_a_digit_within_half_a_grey_level(step: int) -> None:
    network, points = load_any_network(str(NETWORK)), points_of(load("digits"))
    assert network.layers == (128,) and points.size == 1797
    question = Question("inf", "argmax", Fraction(1, 2), semantics="float32")
    queries = [sample_query(network, points, question, k) for k in range(0, points.size, step)]
    for outcome in verify_batch(queries[0].network, queries, Options()):
        assert isinstance(outcome.verdict, Robust) and outcome.checked is not None


def test_numpy_reads_all_digits_as_well() -> None:
    """One execution of many: products and sums of float32 as numpy orders them."""
    weights, points = np.load(NETWORK), points_of(load("digits"))
    assert all(weights[name].dtype == np.float32 for name in weights)
    x = (points.numerators / points.denominator).astype(np.float32)
    hidden = np.maximum(x @ weights["W0"].T + weights["b0"], 0)
    assert ((hidden @ weights["W1"].T + weights["b1"]).argmax(1) == points.labels).all()
