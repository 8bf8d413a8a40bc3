"""What a separable step leaves is the same in both checkers, unit after unit to the last digit, and
true of every point of the region."""

from random import Random

import pytest

from tests.oracles.random_queries import points_of, random_goals, random_region
from tests.oracles.reference_ridge import short_bound
from tests.oracles.ridge_networks import separable_network
from tests.oracles.ridge_steps import F, bounds_of, with_units_above
from verifier.checker.ridge import short
from verifier.evidence.certificate import SeparableStep
from verifier.question.build import NetworkBuilder
from verifier.question.query import Query
from verifier.question.region import ball


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
