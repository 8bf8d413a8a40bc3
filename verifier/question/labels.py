"""Label names in their order, and the labels that a decoder reads where no data set has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.query import DECODERS
from verifier.question.rational import format_rational

MAX_DIGITS = 1200
"""Most digits of a label that counts as a number."""
_INTEGER = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_DIGITS = re.compile(r"([0-9]+)")


def is_integer(name: str) -> bool:
    """Whether the label is an integer, such as 3, +3 or 3.0."""
    return _INTEGER.fullmatch(name) is not None and len(name) <= MAX_DIGITS


def sorted_labels(names: Iterable[str]) -> list[str]:
    """The distinct names: by value if all are numbers, else naturally, "class 2" before
    "class 10"."""
    distinct = set(names)
    if all(_NUMBER.fullmatch(name) and len(name) <= MAX_DIGITS for name in distinct):
        return sorted(distinct, key=lambda name: (Fraction(name), name))
    return sorted(distinct, key=_natural)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Text as text and digits by value; whatever is equal then, as text."""
    parts = _DIGITS.split(name)  # text and digits in turns
    digits = [part.lstrip("0") if turn % 2 else "" for turn, part in enumerate(parts)]
    return [
        (len(digits[turn]), digits[turn]) if turn % 2 else (0, part)
        for turn, part in enumerate(parts)
    ], name


def default_decoder(outputs: int) -> str:
    """argmax for several outputs, nearest for one."""
    return "argmax" if outputs > 1 else "nearest"


def label_values(
    decoder: str, own: Fraction, outputs: int, labels: Sequence[int | Fraction] | None = None
) -> list[Fraction]:
    """All labels, increasing, of which `own` is one.

    Without `labels`: for argmax 0, 1, .. as many as outputs; for sign -1 and 1; for value, where
    the others do not matter, none are needed; nearest needs them. Raises UserError for an unknown
    decoder, and for a label that is not among them.
    """
    if decoder not in DECODERS:
        raise UserError(f"decoder {decoder!r} is not one of {', '.join(DECODERS)}")
    values = sorted(map(Fraction, labels or ()))
    if not values and decoder == "argmax":
        values = [Fraction(j) for j in range(outputs)]
    elif not values and decoder == "sign":
        values = [Fraction(-1), Fraction(1)]
    elif not values and decoder == "value":
        values = [own, own + 1]  # the output equals its own value, whatever the others are
    elif not values:
        raise UserError("decoder nearest needs --labels, the labels of the whole data set")
    if own not in values:
        listed = ", ".join(map(format_rational, values[:10])) + (", .." if len(values) > 10 else "")
        raise UserError(f"--label: {format_rational(own)} is not one of the labels {listed}")
    return values
