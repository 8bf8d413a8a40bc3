"""Certified accuracy over the radius, means and quantiles: against their definitions, exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import pytest

from reports.accuracy import at_radius, log_normal, mean, quantile, steps
from reports.numbers import Root, square
from reports.radii import Known


def random_known(random: Random, *, roots: bool) -> Known:
    """What may be known of a radius: exact, an interval, or a lower end alone."""

    def distance(value: int) -> Fraction | Root:
        return Root(Fraction(value, 6)) if roots else Fraction(value, 6)

    low = random.randint(0, 20)
    match random.randint(0, 2):
        case 0:
            return Known(distance(low), distance(low), exact=True)
        case 1:
            return Known(distance(low), distance(low + random.randint(1, 9)))
    return Known(distance(low), None)


def proved(one: Known, size: Fraction) -> bool:
    """Whether the closed ball of this size, a square, is shown to have no flip."""
    if one.exact:
        return size < square(one.lower)
    return size <= square(one.lower)


def possible(one: Known, size: Fraction) -> bool:
    """Whether no flip is shown in the closed ball."""
    return one.upper is None or size < square(one.upper)


@pytest.mark.parametrize("roots", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_the_curve_counts_at_every_radius(seed: int, roots: bool) -> None:
    """At each step, just beyond it, and between any two, both counts are those of the balls."""
    random = Random(seed)
    known = [random_known(random, roots=roots) for _ in range(random.randint(1, 12))]
    curve = steps(known)
    sizes = [square(step.radius) for step in curve]
    assert sizes == sorted(set(sizes)) and sizes[0] == 0
    for step, size in zip(curve, sizes, strict=True):
        assert step.proved == sum(proved(one, size) for one in known)
        assert step.possible == sum(possible(one, size) for one in known)
    gaps = zip(curve, sizes, [*sizes[1:], sizes[-1] + 1], strict=True)
    for step, size, after in gaps:
        for share in (Fraction(1, 1000), Fraction(1, 2), Fraction(999, 1000)):
            between = size + (after - size) * share
            assert step.proved_beyond == sum(proved(one, between) for one in known)
            assert step.possible_beyond == sum(possible(one, between) for one in known)
    for value in range(0, 200, 7):
        radius = Root(Fraction(value, 12)) if roots else Fraction(value, 12)
        size = square(radius)
        assert at_radius(curve, radius) == (
            sum(proved(one, size) for one in known),
            sum(possible(one, size) for one in known),
        )


def test_an_exact_radius_is_lost_at_itself_and_a_proved_ball_is_not() -> None:
    """At distance 1 lies a flip: the closed ball loses it; a proof of the closed ball keeps it."""
    one = Fraction(1)
    assert at_radius(steps([Known(one, one, exact=True)]), one) == (0, 0)
    assert at_radius(steps([Known(one, None)]), one) == (1, 1)
    assert at_radius(steps([Known(one, Fraction(2))]), Fraction(3, 2)) == (0, 1)


def test_means_of_roots_lie_between_their_ends() -> None:
    """sqrt(2) and sqrt(9/4): the ends are within 10^-12 and their squares on either side."""
    two = [Known(Root(Fraction(2)), Root(Fraction(2)), exact=True)]
    found = mean(two)
    assert found.high is not None
    assert found.low**2 < 2 < found.high**2 and found.high - found.low == Fraction(1, 10**12)
    assert not found.exact
    rational = [Known(Root(Fraction(9, 4)), Root(Fraction(9, 4)), exact=True)]
    assert mean(rational) == mean([Known(Fraction(3, 2), Fraction(3, 2), exact=True)])
    assert mean(rational).exact and mean(rational).low == Fraction(3, 2)
    random = Random(2)
    for _ in range(50):
        known = [random_known(random, roots=True) for _ in range(5)]
        found = mean(known)
        lows = math.fsum(float(one.lower) for one in known) / 5
        assert abs(float(found.low) - lows) < 1e-9
        if any(one.upper is None for one in known):
            assert found.high is None
        else:
            highs = math.fsum(float(one.upper or 0) for one in known) / 5
            assert found.high is not None and abs(float(found.high) - highs) < 1e-9
    with pytest.raises(ValueError, match="no radii"):
        mean([])


def test_quantiles_are_values_with_enough_below() -> None:
    random = Random(4)
    for _ in range(50):
        values = [Fraction(random.randint(0, 30), 7) for _ in range(random.randint(1, 15))]
        for share in (Fraction(0), Fraction(1, 20), Fraction(1, 2), Fraction(3, 4), Fraction(1)):
            found = quantile(values, share)
            assert found in values
            assert sum(value <= found for value in values) >= share * len(values)
            below = [value for value in values if value < found]
            assert len(below) < share * len(values) or found == min(values)


def test_the_fit_is_that_of_the_logarithms() -> None:
    """Of e^-1, 1, e: mean 0, deviation 1, and the largest gap stands at a step."""
    values = [Fraction(math.exp(k)) for k in (-1, 0, 1)]
    found = log_normal(values)
    assert found is not None
    assert found.centre == pytest.approx(0) and found.deviation == pytest.approx(1)
    normal = 0.5 * (1 + math.erf(-1 / math.sqrt(2)))
    assert found.largest_gap == pytest.approx(max(1 / 3 - normal, 0.5 - 1 / 3))
    assert found.share(1.0) == pytest.approx(0.5) and found.share(0) == 0
    assert log_normal(values[:2]) is None and log_normal([Fraction(1)] * 5) is None
    assert log_normal([Root(Fraction(4))] * 2 + [Root(Fraction(9))]) is not None
