"""Exact numbers for readers: short where that is exact, and never a float where it matters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.question.rational import format_rational

TILE = 8  # characters of an exact number that a tile can carry
TABLE = 14  # characters of an exact number that a table can carry
LONG = 24  # characters of an exact number that a sentence can carry
_ABOUT = "\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}"  # before a rounded number


@dataclass(frozen=True, slots=True)
class Root:
    """The non-negative square root of `square`, which is how L2 distances are known exactly."""

    square: Fraction

    def __float__(self) -> float:
        return root_float(self.square)


@dataclass(frozen=True, slots=True)
class Hash:
    """A hexadecimal digest: shown by its beginning where there is little room."""

    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, which is not 0: an exact count, with its percentage beside it."""

    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in plain text, which LaTeX shows as mathematics."""

    text: str


Number = int | float | Fraction | Root
Distance = Fraction | Root
Cell = Number | str | bool | Hash | Share | Formula | None


def square(distance: Distance) -> Fraction:
    """The square of the distance, exactly."""
    return distance.square if isinstance(distance, Root) else distance * distance


def half(distance: Distance) -> Distance:
    """Half the distance, exactly."""
    return Root(distance.square / 4) if isinstance(distance, Root) else distance / 2


def ratio(a: Distance, b: Distance) -> float:
    """a / b as a float, from the exact quotient of powers; infinite for b = 0."""
    if isinstance(a, Root) or isinstance(b, Root):
        below = square(b)
        return math.inf if below == 0 else root_float(square(a) / below)
    return math.inf if b == 0 else float(a / b)


def root_float(square: Fraction) -> float:
    """The square root as a float, also where the square is beyond the floats."""
    if square <= 0:
        return 0.0
    half = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    try:
        return math.ldexp(math.sqrt(square / Fraction(4) ** half), half)
    except OverflowError:
        return math.inf


def approximately(value: Number) -> float:
    """The nearest float or so, infinite beyond their range; to be drawn, not to be believed."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if float_sign(value) > 0 else -math.inf


def float_sign(value: Number) -> int:
    """-1, 0 or 1, exactly."""
    if isinstance(value, Root):
        return 1 if value.square > 0 else 0
    return (value > 0) - (value < 0)


def exact_text(value: Cell) -> str:
    """The value in full, as machines read it: `p/q`, `sqrt(p/q)`, the empty text for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Root(square):
            return f"sqrt({format_rational(square)})"
        case Fraction() | int():
            return format_rational(value)
        case float():
            return repr(round(value, 6))
        case Hash(text) | Formula(text):
            return text
        case Share(count, total):
            return f"{grouped(count)} of {grouped(total)}"
    return value


def shown(value: Cell, *, long: int = LONG) -> str:
    """The value for people: exact if it is short, else to six digits, and said to be about it."""
    match value:
        case None:
            return "\N{EN DASH}"
        case bool():
            return "yes" if value else "no"
        case int():
            return grouped(value)
        case float():
            return f"{value:.4g}"
        case Root(square):
            return _shown_root(square, long)
        case Fraction():
            return _shown_fraction(value, long)
        case Hash(text):
            return text[:16]
        case Share() | Formula():
            return exact_text(value)
    return value


def with_decimal(value: Fraction | Root) -> str:
    """The number, and beside it what it is or is about as a decimal: 693/200 = 3.465."""
    return in_full(value)


def in_full(value: Cell, *, long: int = LONG) -> str:
    """The value as `shown`, and an exact number that is no decimal with its decimal beside it."""
    decimal = decimal_of(value, long=long)
    return f"{shown(value, long=long)} {decimal}" if decimal else shown(value, long=long)


def decimal_of(value: Cell, *, long: int = LONG) -> str:
    """What stands beside the number as it is shown: `= 3.465`, or about; nothing if it is one."""
    if isinstance(value, Share):
        percent = Fraction(100 * value.count, value.total)
        short = percent.denominator == 1 or _terminating(percent) == f"{float(percent):.4g}"
        return f"{'= ' if short else _ABOUT}{float(percent):.4g} %"
    if isinstance(value, Root):
        root = exact_root(value.square)
        if root is not None:
            return decimal_of(root, long=long)
        rounded = shown(value, long=long).startswith(_ABOUT)
        return "" if rounded else f"{_ABOUT}{root_float(value.square):.6g}"
    if not isinstance(value, Fraction) or value.denominator == 1:
        return ""
    if shown(value, long=long).startswith(_ABOUT):
        return ""
    decimal = _terminating(value)
    return f"= {decimal}" if decimal is not None else f"{_ABOUT}{_six_digits(value)}"


def listed(values: Sequence[Fraction]) -> str:
    """Numbers one after another: exact if all are short, else to four digits, and said to be so."""
    exact = [shown(value, long=8) for value in values]
    if not any(text.startswith(_ABOUT) for text in exact):
        return ", ".join(exact)
    return _ABOUT + ", ".join(f"{approximately(value):.4g}" for value in values)


def grouped(value: int) -> str:
    """An integer with commas between thousands; a very long one by its length."""
    if abs(value) >= 10**30:
        return f"about 2^{value.bit_length()}"
    return f"{value:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 sample`, `1,797 samples`."""
    return f"{grouped(count)} {noun if count == 1 else plural or noun + 's'}"


def _shown_fraction(value: Fraction, long: int) -> str:
    if value.denominator == 1 and abs(value.numerator) < 10**long:
        return grouped(value.numerator)
    if value.numerator.bit_length() + value.denominator.bit_length() <= 4 * long:
        text = format_rational(value)
        if len(text) <= long:
            return text
    return f"{_ABOUT}{_six_digits(value)}"


def _shown_root(square: Fraction, long: int) -> str:
    root = exact_root(square)
    if root is not None:
        return _shown_fraction(root, long)
    text = format_rational(square)
    if len(text) <= long - 3:
        return f"\N{SQUARE ROOT}({text})" if "/" in text else f"\N{SQUARE ROOT}{text}"
    return f"{_ABOUT}{root_float(square):.6g}"


def exact_root(square: Fraction) -> Fraction | None:
    """The square root, if it is rational."""
    top, bottom = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if top * top == square.numerator and bottom * bottom == square.denominator:
        return Fraction(top, bottom)
    return None


def _six_digits(value: Fraction) -> str:
    number = approximately(value)
    if math.isfinite(number) and (number or not value):
        return f"{number:.6g}"
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return f"{'-' if value < 0 else ''}2^{exponent}"


def _terminating(value: Fraction) -> str | None:
    """The finite decimal expansion, if there is one of at most nine places."""
    scaled = value * 10**9
    if scaled.denominator != 1 or abs(value) >= 10**9:
        return None
    sign, digits = "-" if value < 0 else "", abs(int(scaled))
    whole, places = divmod(digits, 10**9)
    return f"{sign}{whole}.{places:09d}".rstrip("0").rstrip(".")
