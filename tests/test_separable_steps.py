"""What a separable step leaves is the same in both checkers, unit after unit to the last digit, and
true of every point of the region."""

from fractions import Fraction
from random import Random

import pytest

from tests.random_queries import number, points_of, random_goals, random_region
from tests.test_univariate import separable_network
from verifier.builder import Affine, NetworkBuilder
from verifier.trusted.certificate import SeparableStep
from verifier.trusted.fast import FastChecker
from verifier.trusted.intervals import interval_bounds
from verifier.trusted.query import Query
from verifier.trusted.reference import _Checker
from verifier.trusted.reference_univariate import short_bound
from verifier.trusted.region import ball
from verifier.trusted.scaled import ScaledNetwork, common_denominator
from verifier.trusted.univariate import short

F = Fraction


def with_units_above(network, rng):
    """The network and units that read no direction, but sums of functions of several."""
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            forms.append(Affine.sum([known[j] * w for j, w in weights.items()]) + constant)
        known += build.layer(forms)
    sums = known[-1:] if rng.random() < 0.3 else known[-2:]
    upper = build.layer(
        [Affine.sum([s * number(rng, "halves") for s in sums]) + number(rng, "decimals")
         for _ in range(3)]
    )  # fmt: skip
    last = build.layer([Affine.sum([u * number(rng, "integers") for u in upper]) + F(1, 3)])
    return build.network(last)


def bounds_of(query, steps):
    """Lower and upper bounds of all units, by the fast checker and by the reference."""
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    fast = FastChecker(query, scaled, interval_bounds(scaled, [region])[0])
    slow = _Checker(query)
    for step in steps:
        fast.apply(step)
        slow.apply(step)
    scales = scaled.scales[query.network.inputs :]
    found = [(F(fast.lower(v)) / s, F(fast.upper(v)) / s) for v, s in enumerate(scales)]
    return found, list(zip(slow.lower, slow.upper, strict=True))


@pytest.mark.parametrize("seed", range(60))
def test_the_bounds_of_all_units(seed):
    rng = Random(seed)
    inputs = rng.randint(1, 3)
    network = with_units_above(separable_network(rng, inputs), rng)
    region = random_region(rng, inputs, rng.choice(("inf", "1", "2")))
    if rng.random() < 0.5 and region.norm != "inf":  # larger, so that units are on and off
        region = ball(region.norm, region.center, F(rng.randint(1, 40), 3))
    query = Query(network, region, random_goals(rng, network, region))
    t = F(rng.randint(1, 40), 3 ** rng.choice((1, 60)))  # the last gives long denominators
    steps = (SeparableStep((F(0), t) if region.norm != "inf" else (F(0),)),) * rng.randint(1, 2)
    fast, slow = bounds_of(query, steps)
    assert fast == slow
    for point in points_of(rng, region, 6):
        values = list(point)
        for v, (low, high) in enumerate(fast):
            weights, constant = network.units.fractions(v)
            a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
            assert low <= a <= high
            values.append(max(a, F(0)))


def test_a_unit_above_has_the_bounds_of_what_it_reads():
    """By intervals of z and w below, with weights of both signs; z and w by their sums."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    parts = build.layer([x, y, -x, -y])
    z, w = build.layer([parts[0] + parts[1] + 1, parts[2] + parts[3] - F(1, 2)])
    network = build.network(build.layer([2 * z - 3 * w + F(1, 3), w * 5 - z]))
    region = ball("1", [F(0), F(0)], F(1))
    query = Query(network, region, random_goals(Random(0), network, region))
    fast, slow = bounds_of(query, (SeparableStep((F(1),)),))
    assert fast == slow
    below, above = fast[4:6], fast[6:]
    assert below == [(1, 2), (F(-1, 2), F(1, 2))]
    assert above == [(2 - F(3, 2) + F(1, 3), 4 + F(1, 3)), (-2, F(5, 2) - 1)]


def test_short_bounds_are_the_next_multiples_outside():
    whole = 2**64
    for value in (F(0), F(-5), F(1, 3), F(-7, 2**64), F(9, 2**64 - 1)):
        for upper in (False, True):
            assert short(value, upper=upper) == short_bound(value, upper=upper) == value
    for value in (F(1, 2**64 + 1), F(-1, 2**64 + 1), F(10**30, 3**50), F(-(10**30), 3**50),
                  F(1, 2**65), F(-3, 2**65), F(2**70 + 1, 2**66)):  # fmt: skip
        low, high = value * whole // 1, -(-value * whole // 1)
        assert high == low + 1
        for upper, expected in ((False, F(low, whole)), (True, F(high, whole))):
            assert short(value, upper=upper) == short_bound(value, upper=upper) == expected
