"""Rational numbers as text, and square roots rounded to a known side.

A text is read as the number it prints: "0.1" is one tenth. Floats never enter here; a caller who
holds a float says `Fraction(value)`, which is the dyadic rational that the float is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from math import gcd, isqrt
from operator import index
from typing import TypeGuard

from verifier.question.errors import UserError

MAX_TEXT = 1 << 20  # characters of one number
MAX_EXPONENT = 5000  # of a decimal: 1e999999999 would fill the memory
_DECIMAL_BITS = 4096  # above, integers are printed in hexadecimal (linear time, no digit limit)

_INTEGER = re.compile(r"[+-]?(?:[0-9]{1,4000}|0x[0-9a-f]+)\Z")
_DECIMAL = re.compile(r"([+-]?)([0-9]{0,4000})(?:\.([0-9]{0,4000}))?(?:[eE]([+-]?[0-9]{1,6}))?\Z")


def parse_rational(text: str) -> Fraction:
    """The number that `text` prints: an integer, p/q, or a decimal with an optional exponent.

    Integers may be hexadecimal (0x..). Raises UserError for anything else, NaN and infinity
    included, for a zero denominator, and for an exponent beyond +-5000.
    """
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise UserError(f"a number of {len(text)} characters; the limit is {MAX_TEXT}")
    numerator, slash, denominator = text.partition("/")
    if slash or text.lstrip("+-").startswith("0x"):
        if not _INTEGER.match(numerator) or (slash and not _INTEGER.match(denominator)):
            raise UserError(f"not a rational number: {_shown(text)}")
        bottom = int(denominator, 0 if "x" in denominator else 10) if slash else 1
        if bottom == 0:
            raise UserError(f"denominator zero: {_shown(text)}")
        return Fraction(int(numerator, 0 if "x" in numerator else 10), bottom)
    match = _DECIMAL.match(text)
    if not match or not (match[2] or match[3]):
        raise UserError(f"not a rational number: {_shown(text)}")
    sign, whole, places, exponent = match[1], match[2] or "", match[3] or "", int(match[4] or 0)
    if abs(exponent) > MAX_EXPONENT:
        raise UserError(f"exponent beyond {MAX_EXPONENT}: {_shown(text)}")
    shift = exponent - len(places)
    digits = _long_integer(whole + places)
    value = Fraction(digits * 10**shift) if shift >= 0 else Fraction(digits, 10**-shift)
    return -value if sign == "-" else value


def format_rational(value: Fraction | int) -> str:
    """The canonical text of `value`: lowest terms, "p" or "p/q", hexadecimal above 4096 bits."""
    top, bottom = value.numerator, value.denominator
    return (
        _format_integer(top) if bottom == 1 else f"{_format_integer(top)}/{_format_integer(bottom)}"
    )


def decimal_text(value: Fraction | int) -> str:
    """The text of `value` in decimal digits, however many: "p" or "p/q" in lowest terms."""
    fraction = Fraction(value)
    top = _digits(fraction.numerator)
    return top if fraction.denominator == 1 else f"{top}/{_digits(fraction.denominator)}"


def is_exact(value: object) -> TypeGuard[Fraction]:
    """Whether it is a Fraction of Python's integers in lowest terms. A float rounds; and of a
    numpy integer, which `Fraction(array[0])` keeps, arithmetic wraps around."""
    if type(value) is not Fraction:
        return False
    top, bottom = value.numerator, value.denominator
    return type(top) is int and type(bottom) is int and bottom > 0 and gcd(top, bottom) == 1


def require_exact(where: str, values: Iterable[object]) -> None:
    """Raises UserError unless every value `is_exact`."""
    for value in values:
        if not is_exact(value):
            raise UserError(
                f"{where}: {str(value)[:40]!r} is not an exact number (a Fraction of Python's "
                "integers, as Fraction(int(v)) is for a numpy integer v)"
            )


def exact(value: object) -> int | Fraction:
    """The same number in Python's integers, whatever integers it is made of.

    Raises UserError for a float and all else that is no rational number.
    """
    if type(value) is int or is_exact(value):
        return value
    try:
        if isinstance(value, Fraction):
            return Fraction(index(value.numerator), index(value.denominator))
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise UserError(
            f"{str(value)[:40]!r} is not an exact number; of a float v, Fraction(v) is"
        ) from None


def sqrt_lower(value: Fraction, bits: int = 64) -> Fraction:
    """The largest multiple of 2^-bits whose square is at most `value` >= 0."""
    if value < 0:
        raise UserError(f"square root of a negative number: {format_rational(value)}")
    return Fraction(isqrt((value.numerator << (2 * bits)) // value.denominator), 1 << bits)


def sqrt_upper(value: Fraction, bits: int = 64) -> Fraction:
    """The smallest multiple of 2^-bits whose square is at least `value` >= 0."""
    root = sqrt_lower(value, bits)
    return root if root * root == value else root + Fraction(1, 1 << bits)


def _format_integer(value: int) -> str:
    return str(value) if value.bit_length() <= _DECIMAL_BITS else hex(value)


def _digits(value: int) -> str:
    if value < 0:
        return "-" + _digits(-value)
    if value.bit_length() <= 10_000:  # `str` refuses more than 4300 digits
        return str(value)
    half = value.bit_length() * 3 // 20
    high, low = divmod(value, 10**half)
    return _digits(high) + _digits(low).rjust(half, "0")


def _long_integer(digits: str) -> int:
    half = len(digits) // 2  # each half stays below the interpreter's limit of 4300 digits
    shift: int = 10 ** (len(digits) - half)
    return int(digits[:half] or "0") * shift + int(digits[half:])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
