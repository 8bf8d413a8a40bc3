"""Texts from elsewhere on one line, with nothing in them that a terminal or a reader would obey."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str, limit: int | None = None) -> str:
    """The text on one line: what is no letter, digit, sign or blank is written as its code.

    So are line breaks, control characters, marks that turn the direction of writing, and halves
    of surrogate pairs. Longer texts than `limit` are cut.
    """
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else _code(sign) for sign in text)
    return text if limit is None or len(text) <= limit else f"{text[:limit]}.."


def ranges_text(numbers: Sequence[int], limit: int | None = None) -> str:
    """The numbers, which increase, as a:b where they are consecutive; `limit` parts at most."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number:
            parts[-1][1] = number + 1
        else:
            parts.append([number, number + 1])
    texts = [f"{a}:{b}" if b > a + 1 else str(a) for a, b in parts]
    if limit is None or len(texts) <= limit:
        return ",".join(texts)
    return ",".join(texts[:limit]) + f",.. ({len(numbers)} samples)"


def size_text(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _code(sign: str) -> str:
    return ascii(sign)[1:-1]
