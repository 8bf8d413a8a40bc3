"""Short rationals near floats."""

from __future__ import annotations

from fractions import Fraction

ZERO = Fraction(0)


def shortened(value: float) -> list[Fraction]:
    """Short rationals near a float, from rough to as exact as it is."""
    if not value > 0:
        return [ZERO]
    exact = Fraction(value)
    found: list[Fraction] = []
    for part in (1 << 10, 1 << 40):
        short_one = simplest(exact * (1 - Fraction(1, part)), exact * (1 + Fraction(1, part)))
        if short_one not in found:
            found.append(short_one)
    return found


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the least denominator in [low, high], 0 < low <= high."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    floor = low.numerator // low.denominator
    return floor + 1 / simplest(1 / (high - floor), 1 / (low - floor))
