"""Texts for people: in one line, and nothing in them that a terminal obeys."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.question.errors import RefusedError, UserError
from verifier.question.printable import printable, ranges_text, size_text
from verifier.question.rational import decimal_text


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_written_can_be_printed(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert (shown == text) == text.isprintable()
    assert str(UserError(text)) == shown
    assert str(RefusedError("flaw", text)) == f"flaw: {shown}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, \u00e9 and \u03c1", "plain text, \u00e9 and \u03c1"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202eleft", r"\u202eleft"),
        ("\ud800", r"\ud800"),
    ],
)
def test_signs_that_a_terminal_obeys(text, shown):
    assert printable(text) == shown
    assert printable(text, 3) == f"{shown[:3]}.."


@given(st.sets(st.integers(0, 60)))
def test_ranges_name_the_same_numbers(numbers):
    named = set()
    for part in filter(None, ranges_text(sorted(numbers)).split(",")):
        first, _, last = part.partition(":")
        named |= set(range(int(first), int(last or int(first) + 1)))
    assert named == numbers


def test_long_ranges_are_cut():
    assert ranges_text([0, 1, 2, 5, 7, 8]) == "0:3,5,7:9"
    assert ranges_text([0, 2, 4, 6], 2) == "0,2,.. (4 samples)"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")],
)
def test_sizes(count, text):
    assert size_text(count) == text


def test_numbers_of_any_length_are_written_out():
    assert decimal_text(10**9000 + 7) == "1" + "0" * 8999 + "7"
    assert decimal_text(-(10**9000) + 1) == "-" + "9" * 9000
    assert decimal_text(Fraction(-1, 10**9000)) == "-1/1" + "0" * 9000
    assert decimal_text(Fraction(6, 4)) == "3/2"
    assert decimal_text(Fraction(-4, 2)) == "-2"
