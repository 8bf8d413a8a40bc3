"""Numbers in texts, read as the fractions they print."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.rational import parse_rational

MAX_DIGITS = 1200
"""Most digits, and largest exponent, of one number in a text; a float64 needs 1075."""
NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]+))?")


FRACTION = re.compile(r"[+-]?[0-9]{1,1200}/0*[1-9][0-9]{0,1199}")


def decimal(text: str) -> tuple[int, int] | None:
    """Integers (m, d) with d >= 0 and text = m / 10^d; None if `text` is not a number.

    Raises:
        ValueError: If it is one, but too long to be written out.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text), 0  # most cells of most tables
    match = NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, part, exponent_sign, exponent = match.groups(default="")
    digits = whole + part
    if not digits:
        return None
    if len(digits) > MAX_DIGITS or len(exponent) > 5 or int(exponent or 0) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits or too large an exponent")
    mantissa = -int(digits) if sign == "-" else int(digits)
    decimals = len(part) - int(exponent_sign + (exponent or "0"))
    if decimals < 0:
        return mantissa * 10**-decimals, 0
    return mantissa, decimals


def decimal_row(
    cells: Sequence[str], place: str, columns: Sequence[int] | None = None
) -> tuple[list[int], int]:
    """The cells, decimals or fractions p/q, as (numerators, common denominator).

    Raises:
        UserError: If one is not a number, at `place` and its column, which `columns`
            gives, counted from 1 where they are not given.
    """
    if any("/" in cell for cell in cells):
        return _fraction_row(cells, place, columns)
    mantissas: list[int] = []
    decimals: list[int] = []
    for column, cell in zip(columns or range(1, len(cells) + 1), cells, strict=True):
        try:
            pair = decimal(cell)
        except ValueError as error:
            raise UserError(f"{place}, column {column}: {shown(cell)} {error}") from error
        if pair is None:
            remedy = "" if cell.strip() else ": fill it in or leave the row out"
            raise UserError(f"{place}, column {column}: {shown(cell)} is not a number{remedy}")
        mantissas.append(pair[0])
        decimals.append(pair[1])
    most = max(decimals)
    if most == 0:
        return mantissas, 1
    scaled = [m * 10 ** (most - d) for m, d in zip(mantissas, decimals, strict=True)]
    return scaled, 10**most


def _fraction_row(
    cells: Sequence[str], place: str, columns: Sequence[int] | None
) -> tuple[list[int], int]:
    values = []
    for column, cell in zip(columns or range(1, len(cells) + 1), cells, strict=True):
        if FRACTION.fullmatch(cell):
            values.append(parse_rational(cell))
        elif "/" in cell:
            raise UserError(f"{place}, column {column}: {shown(cell)} is not a number")
        else:
            (top,), below = decimal_row([cell], place, [column])
            values.append(Fraction(top, below))
    common = math.lcm(*(value.denominator for value in values))
    return [value.numerator * (common // value.denominator) for value in values], common


def shown(cell: str) -> str:
    return repr(cell) if len(cell) <= 40 else repr(cell[:40]) + "..."
