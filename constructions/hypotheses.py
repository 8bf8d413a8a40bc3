"""The hypotheses that all constructions share, enforced with both sides in the message."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.construction import Norm
from verifier.dataset import Dataset, check_labelled
from verifier.errors import UserError
from verifier.trusted.rational import format_rational, sqrt_lower


def power_separation(dataset: Dataset, norm: Norm) -> Fraction:
    """The least ||x - x'||_p^p over differently labelled samples; for p = inf not a power.

    Raises UserError for a data set with one class, or identical inputs with different labels.
    """
    check_labelled(dataset)
    points, labels = dataset.numerators, dataset.labels
    largest = 2 * int(abs(points).max())
    exponent = 1 if norm == "inf" else int(norm)
    if points.dtype == np.int64 and largest**exponent * dataset.dimension >= 1 << 62:
        points = points.astype(object)
    best: int | None = None
    for i in range(dataset.size - 1):
        rivals = points[i + 1 :][labels[i + 1 :] != labels[i]]
        if len(rivals):
            gaps = abs(rivals - points[i])
            totals = gaps.max(axis=1) if norm == "inf" else (gaps**exponent).sum(axis=1)
            nearest = int(totals.min())
            best = nearest if best is None else min(best, nearest)
    if best is None:
        raise UserError(f"{dataset.name}: no two samples have different labels")
    return Fraction(best, dataset.denominator**exponent)


def check_budget(
    dataset: Dataset, norm: Norm, budget: Fraction, separation: Fraction | None = None
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
    if separation is None:
        separation = power_separation(dataset, norm)
    exponent = 1 if norm == "inf" else norm
    if (2 * budget) ** exponent >= separation:
        half = separation / 2**exponent
        if exponent == 1:
            raise UserError(
                f"budget {format_rational(budget)} is not below half the separation, "
                f"{format_rational(half)}"
            )
        raise UserError(
            f"budget {format_rational(budget)} is not below half the separation: its power "
            f"{exponent}, {format_rational(budget**exponent)}, is not below "
            f"{format_rational(half)}"
        )
    return separation


def half_separation_lower(separation: Fraction, norm: Norm, bits: int = 64) -> Fraction:
    """A rational at most half the separation, whose p-th power is given; equal for p = 1, inf.

    For p = 2 it is rounded down to a multiple of 2^-`bits`, for larger p by bisection likewise.
    """
    if norm in ("inf", 1):
        return separation / 2
    if norm == 2:
        return sqrt_lower(separation / 4, bits)
    exponent = int(norm)
    target = separation / 2**exponent
    scale = 1 << bits
    low, high = 0, int(target) + 1 << bits
    while high - low > 1:
        middle = (low + high) // 2
        if Fraction(middle, scale) ** exponent <= target:
            low = middle
        else:
            high = middle
    return Fraction(low, scale)


def budget_of_ratio(ratio: Fraction, separation: Fraction, norm: Norm) -> Fraction:
    """The budget ratio * (separation / 2), exactly for p = 1 and inf.

    For other p half the separation is irrational in general; it is rounded *down* to a multiple of
    2^-64, and the budget is that times the ratio. So a ratio below 1 always gives a budget below
    half the separation, and the true ratio is smaller than the asked one by less than 2^-63 over
    the separation. Where that matters, say the budget itself.
    """
    if ratio < 0:
        raise UserError(f"ratio {format_rational(ratio)} is negative")
    return ratio * half_separation_lower(separation, norm)
