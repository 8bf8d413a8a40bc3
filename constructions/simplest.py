"""Rational numbers with small numerators, where an inequality leaves the choice."""

from __future__ import annotations

from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.rational import format_rational


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the least denominator in [low, high], and of those the one nearest zero.

    By continued fractions. Raises UserError if low > high.
    """
    if low > high:
        raise UserError(f"no number from {format_rational(low)} to {format_rational(high)}")
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest_between(-high, -low)
    # Invariant: the answer is (a t + b) / (c t + d) for the simplest t in [low, high].
    a, b, c, d = 1, 0, 0, 1
    while True:
        whole = -(-low.numerator // low.denominator)  # the least integer >= low
        if whole <= high:
            return Fraction(a * whole + b, c * whole + d)
        floor = whole - 1
        a, b, c, d = a * floor + b, a, c * floor + d, c
        low, high = 1 / (high - floor), 1 / (low - floor)
