"""Certified accuracy at every radius, and what follows from radii; exact.

A sample is certified at r if its closed ball of radius r keeps its label. What is known of it is an
interval (`radii.Known`), so that two counts bound the certified samples: those that are proved, and
those of which no flip is shown. Between the ends of the intervals neither changes.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

from reports.numbers import Distance, Root, square
from reports.radii import Known

_DIGITS = 12  # of the ends between which a sum of roots is shown


@dataclass(frozen=True, slots=True)
class Step:
    """Counts at `radius` and just beyond, where they stay until the next step.

    At least `proved` and at most `possible` samples are certified there.
    """

    radius: Distance
    proved: int
    possible: int
    proved_beyond: int
    possible_beyond: int


def steps(known: Iterable[Known]) -> tuple[Step, ...]:
    """The two counts as functions of the radius, of samples that are read right themselves.

    The first step is at radius 0, where all are certified; another is at every end of an interval.
    """
    listed = list(known)
    ends: dict[Fraction, Distance] = {Fraction(0): _zero(listed)}
    for one in listed:
        for end in (one.lower, one.upper):
            if end is not None:
                ends.setdefault(square(end), end)
    # A closed ball is proved below `open_ends`, up to and with `closed_ends`; flips are at `flips`.
    open_ends = sorted(square(one.lower) for one in listed if one.exact)
    closed_ends = sorted(square(one.lower) for one in listed if not one.exact)
    flips = sorted(square(one.upper) for one in listed if one.upper is not None)
    total, exact, other = len(listed), len(open_ends), len(closed_ends)
    found = []
    for size, radius in sorted(ends.items()):
        lost = bisect_right(flips, size)
        shown = exact - bisect_right(open_ends, size)
        found.append(
            Step(
                radius,
                shown + other - bisect_left(closed_ends, size),
                total - lost,
                shown + other - bisect_right(closed_ends, size),
                total - lost,
            )
        )
    return tuple(found)


def _zero(known: Sequence[Known]) -> Distance:
    roots = any(isinstance(one.lower, Root) for one in known)
    return Root(Fraction(0)) if roots else Fraction(0)


def at_radius(curve: Sequence[Step], radius: Distance) -> tuple[int, int]:
    """How many samples are proved, and how many are possible, at this radius."""
    sizes = [square(step.radius) for step in curve]
    place = bisect_right(sizes, square(radius)) - 1
    step = curve[place]
    if sizes[place] == square(radius):
        return step.proved, step.possible
    return step.proved_beyond, step.possible_beyond


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean lies in [low, high]; `high` is None if nothing bounds it, and `exact` says low = high.

    Of roots, sums are irrational: the ends are then decimals around it.
    """

    low: Fraction
    high: Fraction | None
    exact: bool


def mean(known: Sequence[Known]) -> Mean:
    """The mean of the radii of which these are known. Raises ValueError if there is none."""
    if not known:
        raise ValueError("the mean of no radii")
    low = sum((_below(one.lower) for one in known), Fraction(0)) / len(known)
    uppers = [one.upper for one in known if one.upper is not None]
    if len(uppers) < len(known):
        return Mean(low, None, False)
    high = sum((_above(upper) for upper in uppers), Fraction(0)) / len(known)
    return Mean(low, high, low == high and all(one.exact for one in known))


def _below(distance: Distance) -> Fraction:
    if not isinstance(distance, Root):
        return distance
    scale = 10 ** (2 * _DIGITS)
    scaled = distance.square * scale
    return Fraction(math.isqrt(scaled.numerator // scaled.denominator), 10**_DIGITS)


def _above(distance: Distance) -> Fraction:
    if not isinstance(distance, Root):
        return distance
    low = _below(distance)
    return low if low * low == distance.square else low + Fraction(1, 10**_DIGITS)


def quantile(values: Sequence[Distance], share: Fraction) -> Distance:
    """The least of the values such that at least this share of them is not above it."""
    order = sorted(values, key=square)
    return order[max(0, math.ceil(share * len(order)) - 1)]


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The log-normal distribution with mean and deviation of the logarithms, in floats, and the
    largest distance of its distribution function to that of the values (Kolmogorov, Smirnov)."""

    centre: float
    deviation: float
    largest_gap: float

    def share(self, radius: float) -> float:
        """How much of it is not above this radius."""
        if radius <= 0:
            return 0.0
        return NormalDist(self.centre, self.deviation).cdf(math.log(radius))


def log_normal(values: Sequence[Distance]) -> LogNormal | None:
    """The fit to positive values, or None if they are fewer than three or all the same."""
    logs = sorted(0.5 * _log(square(value)) for value in values if square(value) > 0)
    count = len(logs)
    if count < 3 or logs[0] == logs[-1]:
        return None
    centre = math.fsum(logs) / count
    deviation = math.sqrt(math.fsum((x - centre) ** 2 for x in logs) / (count - 1))
    normal = NormalDist(centre, deviation)
    gaps = [max(abs(normal.cdf(x) - k / count), abs(normal.cdf(x) - (k + 1) / count))
            for k, x in enumerate(logs)]  # fmt: skip
    return LogNormal(centre, deviation, max(gaps))


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)
