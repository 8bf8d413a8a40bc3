"""Root bounds are those of plain fractions wherever 32 or 64 bits end, for regions of any sizes
together."""

from fractions import Fraction
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from tests.oracles.checkers import both
from verifier.checker.intervals import _reach_of, interval_bounds
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Leaf, Node, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def plain_bounds(network, region):
    """Of all units, by the rule itself."""
    low, high, found = list(region.lower), list(region.upper), []
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        ends = [(w * low[j], w * high[j]) for j, w in weights.items()]
        found.append((constant + sum(map(min, ends), F(0)), constant + sum(map(max, ends), F(0))))
        low.append(max(found[-1][0], F(0)))
        high.append(max(found[-1][1], F(0)))
    return found


@pytest.mark.parametrize("exponent", [28, 29, 30, 31, 32, 60, 61, 62, 63, 64, 65, 130])
@pytest.mark.parametrize("seed", range(12))
def test_bounds_where_integers_end(exponent, seed):
    rng = Random(f"{exponent} {seed}")
    build = NetworkBuilder(2)
    x, y = build.inputs
    split = rng.randint(0, exponent)
    a, b = build.layer([x * 2**split + rng.randint(-1, 1), y * rng.choice((-3, 2)) - x])
    c, d = build.layer(
        [a * 2 ** (exponent - split) - b + rng.randint(-2, 1), b * 2 ** rng.randint(0, 3) - a]
    )
    network = build.network(build.layer([c - d * rng.randint(1, 3), c * -1 + 2**exponent - 1]))
    sizes = [1, rng.choice((1, 3)), 2 ** rng.randint(0, 3), 2 ** rng.randint(20, 35)]
    rng.shuffle(sizes)
    regions = [box([F(-rng.randint(0, s)), F(-s)], [F(s), F(rng.randint(0, s))])
               for s in sizes[: rng.randint(1, 4)]]  # fmt: skip
    scaled = ScaledNetwork(network, 1)
    scales = scaled.scales[2:]
    for region, found in zip(regions, interval_bounds(scaled, regions), strict=True):
        for v, (low, high) in enumerate(plain_bounds(network, region)):
            assert F(found.lower_of(v), scales[v]) == low
            assert F(found.upper_of(v), scales[v]) == high


@pytest.mark.parametrize("count", [2, 16, 17])
def test_one_large_region_among_small_ones(count):
    """How far sums reach is by the largest of all regions, however many there are."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    (u,) = build.layer([x * 2**16])
    (v,) = build.layer([u * 2**8 - 1])
    network = build.network([v])
    regions = [box([F(0)], [F(1)])] * (count - 1) + [box([F(0)], [F(2**10)])]
    roots = interval_bounds(ScaledNetwork(network, 1), regions)
    for region, root in zip(regions, roots, strict=True):
        found = [(root.lower_of(v), root.upper_of(v)) for v in range(2)]
        assert found == plain_bounds(network, region)


@pytest.mark.parametrize(
    ("weights", "constant", "whole"),
    [
        ((2**40, 1), 0, True),  # times (1, 2^40): the largest weight and the largest value part
        ((2**40, 2**21), 0, True),
        ((2**40, 2**22), 0, False),
        ((-(2**40), -(2**22)), 0, False),
        ((2**40, 2**21), 2**61, False),
        ((2**62, 1), 0, False),
    ],
)
def test_python_integers_are_taken_where_some_row_needs_them(weights, constant, whole):
    build = NetworkBuilder(2)
    first = build.layer([build.inputs[0] * 1, build.inputs[1] * 2**40])
    rows = [unit * weight + constant for unit, weight in zip(first, weights, strict=True)]
    network = build.network(build.layer(rows))
    region = box([F(0), F(0)], [F(1), F(1)])
    (found,) = interval_bounds(ScaledNetwork(network, 1), [region])
    assert (found.table.dtype == np.int64) == whole
    for v, ends in enumerate(plain_bounds(network, region)):
        assert (found.lower_of(v), found.upper_of(v)) == ends


@pytest.mark.parametrize("large", [False, True])
def test_how_far_sums_reach_is_never_less_than_it_is(large):
    """Beside the exact sums, and not much more than these: for small factors they themselves."""
    rng = Random(1)

    def number(bits):
        size = rng.choice((0, 1, rng.randint(0, 2**bits), 2 ** rng.randint(0, bits)))
        return rng.choice((-1, 1)) * size

    for _ in range(2000):
        terms, rows, regions = rng.randint(0, 6), rng.randint(1, 3), rng.randint(1, 3)
        bits = rng.choice((20, 61))
        read = np.array([number(bits) for _ in range(terms * rows * regions)], dtype=np.int64)
        read = read.reshape(terms, rows, regions)
        weights = [number(90 if large else bits) for _ in range(terms * rows)]
        heaviest = max(map(abs, weights), default=0)
        array = np.array(weights, dtype=object if large else np.int64).reshape(terms, rows, 1)
        found = _reach_of(read, SimpleNamespace(weights=array, largest_constant=7)) - 7
        sums = (np.abs(read.astype(object)) * np.abs(array.astype(object))).sum(axis=0)
        exact = max(heaviest, *(int(q) for q in sums.reshape(-1)))
        largest = int(np.abs(read).max(initial=0)) * heaviest
        assert exact <= found <= exact + (terms * largest >> 25) + (0 if bits == 20 else 2**62)
        assert large or bits == 61 or found == exact


@pytest.mark.parametrize("norm", ["1", "2"])
def test_an_input_that_the_box_fixes_is_not_fixed_on_the_ball(norm):
    """The ball's share of x is bounded on the ball, by both checkers, though x is 0 in the box."""
    build = NetworkBuilder(2)
    (unit,) = build.layer([build.inputs[0] + 2])
    network = build.network(build.layer([unit * 2 + 1]))  # 5 in the box
    region = ball(norm, [F(0), F(0)], F(1), clip=((F(0), F(-1)), (F(0), F(1))))
    goal = Goal((Atom((), ((0, F(1)),), F(-6), False),), "0")
    query = Query(network, region, (goal,))
    for leaf, flaw in ((Leaf(), "bound too weak"), (Leaf(box={0: F(-2)}), "accepted")):
        assert both(query, Robust((), ((Node((), leaf),),))) == flaw
