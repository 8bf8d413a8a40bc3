"""Texts from elsewhere on one line, with nothing in them that a terminal or a reader would obey."""

from __future__ import annotations


def printable(text: str, limit: int | None = None) -> str:
    """The text on one line: what is no letter, digit, sign or blank is written as its code.

    So are line breaks, control characters, marks that turn the direction of writing, and halves
    of surrogate pairs. Longer texts than `limit` are cut.
    """
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else _code(sign) for sign in text)
    return text if limit is None or len(text) <= limit else f"{text[:limit]}.."


def _code(sign: str) -> str:
    return ascii(sign)[1:-1]
