"""Root bounds of a family hold for every m between its ends, copies of units included."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.random_families import cone_of
from verifier.checker.family import family_roots, family_scaled
from verifier.question.build import NetworkBuilder
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal

F = Fraction
GOALS = (Goal((Atom((), ((0, F(1)),), F(0), True),), "r"),)


def random_query(rng):
    """Units of x and m, copies of them, units of these, and copies again."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    draw = lambda: rng.randint(-3, 3)  # noqa: E731
    first = build.layer([x * draw() + m * (draw() or 1) + draw() for _ in range(3)])
    copies = build.layer(first)
    mixed = build.layer(
        [sum((u * draw() for u in [*first, *copies]), m * draw()) + draw() for _ in range(3)]
    )
    last = build.layer(mixed)
    network = build.network([sum([*last, *mixed, *copies], 0 * x)])
    cone = cone_of("inf", [draw()], F(rng.randint(0, 2)), 3, unit=F(rng.randint(1, 3), 2))
    return FamilyQuery(network, cone, GOALS)


def test_bounds_between_the_ends_hold_at_points():
    for seed in range(60):
        rng = Random(seed)
        query = random_query(rng)
        scaled = family_scaled(query.network, [query])
        ((low_end, high_end),) = family_roots(scaled, [query])
        cone, inputs = query.cone, query.network.inputs
        for share in (F(0), F(1, 3), F(1, 2), F(9, 10), F(1)):
            m = cone.first + share * (cone.last - cone.first)
            for side in (F(-1), F(0), F(1, 2), F(1)):
                values = [cone.center[0] + side * m * cone.unit, m]
                for v in range(query.network.units.count):
                    weights, constant = query.network.units.fractions(v)
                    a = constant + sum(w * values[j] for j, w in weights.items())
                    values.append(max(a, F(0)))
                    scale = scaled.scales[inputs + v]
                    low, high = (
                        F(first + share * (last - first)) / scale
                        for first, last in (
                            (low_end.lower_of(v), high_end.lower_of(v)),
                            (low_end.upper_of(v), high_end.upper_of(v)),
                        )
                    )
                    assert low <= a <= high, (seed, v, m)
        for end in (low_end, high_end):
            with pytest.raises(ValueError, match="read-only"):
                end.table[0, 0] = 0
