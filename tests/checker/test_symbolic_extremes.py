"""Symbolic bounds where their integers are longest: widest layers, equal signs, wildest scales.

The fast implementation must agree to the last bit with the one in Python integers, which cannot
overflow, and its bounds must hold at points of the region.
"""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.random_queries import outputs_at, points_of
from tests.oracles.symbolic_rows import reference_of
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball

F = Fraction


def extreme(rng, inputs, width, kind):
    """Two hidden layers, the first of this width, with a skip connection; undecided units
    everywhere."""
    big = F(2**23 - 1)

    def weight():
        if kind == "equal":
            return big
        if kind == "signs":
            return rng.choice((-1, 1)) * big
        if kind == "random":
            return F(rng.gauss(0, 1))
        if kind == "thirds":
            return F(rng.choice((-1, 1)) * rng.randint(1, 9), 3)
        return rng.choice((-1, 1)) * big * F(2) ** rng.choice((-300, -40, 0, 40, 300))

    build = NetworkBuilder(inputs)
    x = build.inputs
    read = [x[k % inputs :][:8] for k in range(width - 1)] + [list(x)]
    first = build.layer([Affine.sum([v * weight() for v in some]) for some in read])
    sources = first + (list(x) if rng.random() < 0.5 else [])
    shift = sum((abs(w) for w in [weight() for _ in range(3)]), F(0)) * width / 2
    second = build.layer(
        [Affine.sum([v * weight() for v in sources]) - shift * F(rng.random()) for _ in range(4)]
    )
    out = Affine.sum([v * weight() for v in first + second + list(x)])
    return build.network([out])


@pytest.mark.parametrize("kind", ["equal", "signs", "random", "thirds", "wild"])
@pytest.mark.parametrize(
    ("inputs", "width"),
    [(2, 1), (2, 32), (2, 127), (2, 255), (2, 256), (2, 257), (2, 1024), (3, 4096), (784, 63),
     (3072, 9)],
)  # fmt: skip
def test_extremes(inputs, width, kind):
    rng = Random(width)
    for norm in ("inf", "1", "2")[width % 3 :][:1]:
        network = extreme(rng, inputs, width, kind)
        center = [F(rng.randint(-3, 3)) for _ in range(inputs)]
        region = ball(norm, center, F(rng.randint(1, 9), 7))
        goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
        query = Query(network, region, (goal,))
        scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
        checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
        reference = reference_of(checker, query)
        branches = checker.branches([checker.snapshot()])
        branches.tighten()
        assert [int(q) for low in branches.lower for q in low[0]] == reference.low
        assert [int(q) for high in branches.upper for q in high[0]] == reference.high
        one = np.zeros(1, dtype=np.int64)
        values, shifts, _ = branches.minima(branches.symbolic.atom_targets(goal.atoms), one, one)
        bound = F(int(values[0])) / F(2) ** int(shifts[0])
        weights, offset = network.outputs.fractions(0)
        assert bound == reference.lower_bound({j: -w for j, w in weights.items()}, -offset)
        for point in points_of(rng, region, 6 if inputs < 9 else 1):
            assert -outputs_at(network, point)[0] >= bound
