"""Readers of JSON values: each takes one kind, and names what it refuses."""

from __future__ import annotations

import pytest

from verifier.evidence.fields import check_fields, index_in, list_in, text_in, truth_in
from verifier.question.errors import RefusedError

VALUES = (None, True, False, 0, 1, -1, 1.5, "", "0", [], [0], [0, 0], {}, {"a": 1})
ACCEPTED = {
    index_in: lambda v: type(v) is int and v >= 0,
    text_in: lambda v: isinstance(v, str),
    truth_in: lambda v: v is True or v is False,
    lambda v: list_in(v, "it"): lambda v: isinstance(v, list),
    lambda v: list_in(v, "it", 1): lambda v: v == [0],
    lambda v: list_in(v, "it", 0): lambda v: v == [],
}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_each_reader_takes_one_kind(value):
    for read, accepts in ACCEPTED.items():
        if accepts(value):
            assert read(value) is value
            continue
        with pytest.raises(RefusedError) as caught:
            read(value)
        assert caught.value.flaw == "malformed"


def test_fields_are_those_and_no_others():
    check_fields({"a": 1, "b": 2}, ("a", "b"))
    check_fields({"a": 1}, ("a",), ("b",))
    check_fields({"b": 1, "a": 1}, ("a",), ("b",))
    check_fields({}, ())
    for value, flaw in (
        ({"a": 1}, "missing field: b"),
        ({"a": 1, "b": 2, "c": 3}, "unknown field: 'c'"),
        ([], "malformed: expected an object with a, b"),
        (None, "malformed: expected an object"),
        ("ab", "malformed: expected an object"),
    ):
        with pytest.raises(RefusedError, match=f"^{flaw}"):
            check_fields(value, ("a", "b"))
    with pytest.raises(RefusedError, match="^malformed: expected an object with fields"):
        check_fields([], (), ("a",))


def test_a_message_shows_40_characters_of_a_value():
    for read in (index_in, truth_in, lambda v: text_in([v], "a name")):
        with pytest.raises(RefusedError) as caught:
            read("x" * 1000)
        assert len(str(caught.value)) < 90
    with pytest.raises(RefusedError, match="it is not a list of 2"):
        list_in([1], "it", 2)
    with pytest.raises(RefusedError, match="it is not a list$"):
        list_in(1, "it")
