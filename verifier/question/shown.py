"""Values on one short line and as small tables of a notebook; numbers beside their decimals."""

from __future__ import annotations

import html
import reprlib
from dataclasses import fields
from fractions import Fraction
from typing import Any

from verifier.question.printable import printable

MOST = 60  # characters of one part of a value
ENTRIES = 3  # of a tuple, from its beginning


class Shown:
    """A dataclass, declared with repr=False, whose repr names its fields, each of them cut."""

    __slots__ = ()

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={text}" for name, text in self._facts())
        return f"{type(self).__name__}({parts})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        """What is shown, as names and texts."""
        return [(entry.name, brief(getattr(self, entry.name))) for entry in fields(self)]  # type: ignore[arg-type]


def brief(value: Any) -> str:
    """The value in about `MOST` characters.

    >>> brief(Fraction(1, 3)), brief(tuple(range(5)))
    ('1/3 (0.333333)', '(0, 1, 2, .. 5 in all)')
    """
    if isinstance(value, tuple | list):
        listed = ", ".join(brief(entry) for entry in value[:ENTRIES])
        if len(value) > ENTRIES:
            return f"({listed}, .. {len(value)} in all)"
        return f"({listed})"
    if isinstance(value, Fraction):
        return _number(value)
    text = printable(repr(value) if isinstance(value, str | Shown) else reprlib.repr(value))
    return text if isinstance(value, Shown) else printable(text, 2 * MOST)


def _number(value: Fraction) -> str:
    value = Fraction(int(value.numerator), int(value.denominator))  # these may be numpy's
    if value.denominator == 1 and abs(value.numerator) < 10**12:
        return str(value.numerator)
    try:
        about = f"{float(value):.6g}"
    except OverflowError:
        return f"a number of {value.numerator.bit_length()} bits"
    if value.numerator.bit_length() + value.denominator.bit_length() > 64:
        return f"about {about}"
    return f"{value} ({about})"
