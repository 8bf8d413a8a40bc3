"""The hypotheses that all constructions share, enforced with both sides in the message."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.separation import separation
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset, check_labelled
from verifier.question.errors import UserError
from verifier.question.rational import format_rational, sqrt_lower
from verifier.question.region import Norm
from verifier.question.region import power as exponent_of
from verifier.question.shown import brief


def power_separation(dataset: Dataset, norm: Norm) -> Fraction:
    """The least ||x - x'||_p^p over differently labelled samples; for p = inf not a power.

    Raises UserError for a data set with one class, or identical inputs with different labels.
    """
    check_labelled(dataset)
    if exponent_of(norm) <= 2:
        return separation(dataset, norm).value
    points, labels = dataset.numerators, dataset.labels
    largest = 2 * int(abs(points).max())
    exponent = exponent_of(norm)
    if points.dtype == np.int64 and largest**exponent * dataset.dimension >= 1 << 62:
        points = points.astype(object)
    best: int | None = None
    for i in range(dataset.size - 1):
        rivals = points[i + 1 :][labels[i + 1 :] != labels[i]]
        if len(rivals):
            gaps = abs(rivals - points[i])
            nearest = int((gaps**exponent).sum(axis=1).min())
            best = nearest if best is None else min(best, nearest)
    if best is None:
        raise UserError(f"{dataset.name}: no two samples have different labels")
    return Fraction(best, dataset.denominator**exponent)


def about(value: Fraction) -> str:
    """A positive number to be read, also where floats do not hold it."""
    try:
        return f"about {float(value):.6g}"
    except OverflowError:
        return f"about 2^{value.__floor__().bit_length()}"


def check_budget(
    dataset: Dataset, norm: Norm, budget: Fraction, power: Fraction | None = None
) -> Fraction:
    """The separation of the data set, after 0 <= budget < separation / 2 has been checked.

    The separation is the p-th power of a distance, as `power_separation` gives it; a caller who
    has it already may pass it.

    Raises:
        UserError: One class; identical inputs with different labels; a negative budget; a budget
            that is not below half the separation.
    """
    if budget < 0:
        raise UserError(f"budget {format_rational(budget)} is negative")
    if power is None:
        power = power_separation(dataset, norm)
    exponent = exponent_of(norm)
    if (2 * budget) ** exponent >= power:
        half = power / 2**exponent
        if exponent == 1:
            raise UserError(
                f"budget {brief(budget)} is not below half the separation, {brief(half)}"
            )
        raise UserError(
            f"budget {brief(budget)} is not below half the separation, "
            f"{about(root_lower(half, exponent))}: its power "
            f"{exponent}, {brief(budget**exponent)}, is not below {brief(half)}"
        )
    return power


def root_lower(value: Fraction, exponent: int, bits: int = 64) -> Fraction:
    """The greatest multiple of 2^-bits whose power `exponent` is at most `value` >= 0."""
    if exponent == 1:
        return value
    if exponent == 2:
        return sqrt_lower(value, bits)
    scaled = (value.numerator << (bits * exponent)) // value.denominator
    low, high = 0, 1 << (scaled.bit_length() // exponent + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**exponent <= scaled else (low, middle)
    return Fraction(low, 1 << bits)


def separation_above(budget: Fraction, power: Fraction, exponent: int = 2) -> Fraction:
    """A rational at most the separation, whose `exponent`-th power is given, and above 2 budget.

    Needs (2 budget)^exponent < power. The root is taken with as many bits as that needs, and with
    so many more that the room above 2 budget keeps all but a thousandth of its size.
    """
    bits = 32
    while True:
        root = root_lower(power, exponent, bits)
        if root > 2 * budget and (root - 2 * budget) * (1 << bits) > 1000:
            return root
        bits *= 2


def half_separation_lower(power: Fraction, norm: Norm) -> Fraction:
    """Half the separation for p = 1 and inf, and otherwise a rational less than 2^-64 below it."""
    return root_lower(power, exponent_of(norm)) / 2


def budget_of_ratio(ratio: Fraction, power: Fraction, norm: Norm) -> Fraction:
    """The budget ratio * (separation / 2), rounded *up* where the separation is irrational.

    `power` is what `power_separation` gives. For p = 1 and inf, and wherever the root is rational,
    the budget is exact. Else it is the simplest rational that is at least that and exceeds it by
    less than a share (1 - ratio) / 1000: so what is certified for it is certified for the asked
    ratio, and a ratio below 1 gives a budget below half the separation.

    Raises UserError for a negative ratio.
    """
    if ratio < 0:
        raise UserError(f"ratio {format_rational(ratio)} is negative")
    exponent = exponent_of(norm)
    numerator, denominator = (
        int(root_lower(Fraction(part), exponent, 0))
        for part in (power.numerator, power.denominator)
    )
    if Fraction(numerator, denominator) ** exponent == power:
        return ratio * Fraction(numerator, denominator) / 2
    share = (1 - ratio if ratio < 1 else Fraction(1)) / 1000
    bits = 16 + power.denominator.bit_length() + (1 / share).numerator.bit_length()
    root = root_lower(power, exponent, bits) + Fraction(1, 1 << bits)
    low = ratio * root / 2
    return simplest_between(low, low * (1 + share / 2))


def least_entry(dataset: Dataset) -> Fraction:
    """The least coordinate of all samples."""
    return Fraction(int(dataset.numerators.min()), dataset.denominator)
