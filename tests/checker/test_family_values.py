"""Members, unit by unit, and values of units within the affine bounds of a family's root."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions.families import LIFTABLE, UP_TO, WITHOUT_BUDGET, family_of, family_up_to
from constructions.hypotheses import budget_of_ratio, power_separation
from constructions.registry import entry_of
from constructions.spheres import ball_points
from tests.oracles.random_data import random_data
from tests.oracles.random_families import label_families
from verifier.checker.family import family_roots, family_scaled
from verifier.question.rational import sqrt_lower

F = Fraction
ALMOST = 1 - F(1, 10**30)


def values_at(network, point):
    """Pre-activations at the point, by the rows alone."""
    values, found = list(point), []
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        a = sum((w * values[j] for j, w in weights.items()), constant)
        found.append(a)
        values.append(max(a, F(0)))
    return found


def family_on(dataset, name):
    """The family of a construction, up to nine tenths of half the separation if it needs an end."""
    if name not in UP_TO:
        return family_of(dataset, name)
    norm = entry_of(name).norm
    budget = budget_of_ratio(F(9, 10), power_separation(dataset, norm), norm)
    return family_up_to(dataset, name, budget)


def parameters(rng, count):
    return [F(0), ALMOST, *(F(rng.randrange(10**9), 10**9) for _ in range(count - 2))]


def members_agree(name, size, count, points):
    """How many values of units of G and of members, times their scales, are the same."""
    classes = 2 if name in ("lipschitz", "lipschitz-parallel") else 3
    dataset, rng, compared = random_data(7, size, 3, classes), Random(11), 0
    family = family_on(dataset, name)
    for share in parameters(rng, count):
        m = share * family.end
        member = family.member(m)
        scales = [1 + family.slopes[kind] * m for kind in family.kinds.tolist()[:-1]]
        for k in range(points):
            spread = 5 if k % 2 else 60  # near a sample, or anywhere
            x = [c + F(rng.randrange(-spread, spread), 7) for c in dataset.point(k % size)]
            whole, own = values_at(family.network, [*x, m]), values_at(member, x)
            assert whole == [a * s for a, s in zip(own, scales, strict=True)], name
            compared += len(own)
    return compared


def within_bounds(name, size, count, rays):
    """How many values of units at points of balls lie between the bounds for their m."""
    dataset, rng, seen = random_data(8, size, 3, 3), Random(12), 0
    family = family_on(dataset, name)
    size_of_one = family.unit if family.norm != "2" else sqrt_lower(family.unit, 40)
    queries = label_families(dataset, family, family.end)
    scaled = family_scaled(family.network, queries)
    scales = scaled.scales[family.network.inputs :]
    draw = np.random.default_rng(3)
    for i, (first, last) in enumerate(family_roots(scaled, queries)):
        ends = [
            [(F(end.lower_of(v)) / s, F(end.upper_of(v)) / s) for v, s in enumerate(scales)]
            for end in (first, last)
        ]
        for share in parameters(rng, count):
            m = share * family.end
            center = tuple(dataset.point(i))
            for point in ball_points(center, family.norm, m * size_of_one, rays, draw):
                for a, low, high in zip(values_at(family.network, [*point, m]), *ends, strict=True):
                    least, most = (b + share * (c - b) for b, c in zip(low, high, strict=True))
                    assert least <= a <= most, name
                    seen += 1
    return seen


@pytest.mark.parametrize("name", ["linf", "l1-parallel", "l2-halfspaces"])
def test_values_of_some_members(name):
    assert members_agree(name, 5, 3, 2) > 100
    assert within_bounds(name, 4, 2, 1) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LIFTABLE, *UP_TO, *WITHOUT_BUDGET])
def test_values_of_twenty_members(name):
    size = 4 if name in UP_TO else 10  # of many units each
    assert members_agree(name, size, 20, 4) > 2_000


@pytest.mark.slow
def test_hundreds_of_thousands_of_values_lie_within_their_bounds():
    assert sum(within_bounds(name, 9, 6, 4) for name in LIFTABLE) > 360_000
