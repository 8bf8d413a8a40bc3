"""Tables of sums of ridge functions are exact, or refused where 64 bits end."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import lcm
from random import Random

import numpy as np
import pytest

from verifier.checker.ridge import univariate_of
from verifier.checker.ridge_tables import _merged, _small, tables_of
from verifier.checker.scaled import LIMIT, ScaledNetwork
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError

F = Fraction


def scaled_of(first, second, denominator=1):
    """x+, (first x)+, y+, then second times the sum of them, which is never negative, then twice
    that beside x+."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    bends = build.layer([x, first * x, y])
    (total,) = build.layer([sum(bends, 0 * x) * second])
    (above,) = build.layer([2 * total + bends[0]])
    return ScaledNetwork(build.network([above]), denominator)


def refused(*arguments):
    with pytest.raises(RefusedError, match="unsupported: .* beyond 64 bits"):
        tables_of(scaled_of(*arguments))
    return True


def test_slopes():
    """A weight of 2^40 and a denominator of 2^22 make a slope of 2^62, the limit."""
    assert LIMIT == 2**62
    assert refused(2**40, 1, 2**22) and refused(2**40, 1, 2**23) and refused(2**40, 1, 2**30)
    tables = tables_of(scaled_of(2**40, 1, 2**21))
    slopes = {s for f in tables.profiles for s in f.slopes}
    assert max(slopes) >= 2**61
    assert refused(2**62, 1) and refused(2**70, 1)


def test_coefficients_of_sums():
    """2 * 2^exponent (x+ + x+ + y+) + x+: by direction, factor times profile."""
    for exponent in (5, 20, 40, 55):
        tables = tables_of(scaled_of(1, 2**exponent))
        final = tables.final
        assert final.units.tolist() == [4]
        entries = zip(final.profiles.tolist(), final.factors.tolist(), strict=True)
        slopes = sorted(f * tables.profiles[p].slopes[-1] for p, f in entries)
        assert slopes == [2 * 2**exponent, 4 * 2**exponent + 1]
    assert refused(1, 2**60) and refused(1, 2**61) and refused(1, 2**63) and refused(1, 2**64)


def sums_of_sums(rng, *, family):
    """Sums that are never negative, those of some of them, and those of these: with m, a unit of m
    alone, and a unit that reads x and m before all others, in a family."""
    build = NetworkBuilder(3 if family else 2)
    x, y, *m = build.inputs
    first = build.layer([x + m[0], m[0]]) if family else []
    lines = [x, y, x - 2 * y]
    bends = build.layer([d * rng.choice((-2, -1, 1, 3)) + rng.randint(-2, 2) for d in lines * 2])

    def some(units, low, high):
        picked = rng.sample(units, rng.randint(2, len(units)))
        form = sum((u * (rng.randint(low, high) or 1) for u in picked), rng.choice(bends) * 5)
        return form + rng.randint(0, 3)

    totals = build.layer([some(bends, 1, 4) for _ in range(4)])
    above = build.layer([some([*totals, *bends], 1, 3) for _ in range(3)])
    rates = [rng.randint(-2, 2) for _ in range(3)]
    rise = [m[0] * rate if family else 0 * x for rate in rates]
    last = [some([*above, *totals, *bends], -3, 3) + more for more in rise]
    if family:
        last.append(above[0] + first[0] + bends[0])
    top = build.layer(last)
    return build.network([sum(top, 0 * x)]), rates


@pytest.mark.parametrize("family", [False, True])
def test_sums_have_the_values_of_their_units(family):
    seen = 0
    for seed in range(25):
        rng = Random(f"{family} {seed}")
        network, rates = sums_of_sums(rng, family=family)
        denominator = rng.choice((1, 2, 15))
        scaled = ScaledNetwork(network, denominator, family=family)
        tables, lines = tables_of(scaled), univariate_of(scaled).directions
        final, inputs = tables.final, network.inputs
        count = network.units.count
        tops = range(count - 4, count - 1) if family else range(count - 3, count)
        units = final.units.tolist()
        assert not family or count - 1 not in units  # it reads a unit of x and m
        for v, rate in zip(tops, rates, strict=True):
            if v in units:
                seen += 1
                assert (final.rates[units.index(v)] != 0) == (family and rate != 0)
            else:  # it has fallen on one direction
                assert univariate_of(scaled).lines[inputs + v] >= 0, seed
        for _ in range(6):
            point = [F(rng.randint(-60, 60), denominator) for _ in range(inputs)]
            values = list(point)
            for v in range(count):
                weights, constant = network.units.fractions(v)
                a = constant + sum(w * values[j] for j, w in weights.items())
                values.append(max(a, F(0)))
                if v not in units:
                    continue
                k = units.index(v)
                found = F(final.constants[k]) + final.rates[k] * point[-1] * denominator
                for e in range(final.starts[k], final.starts[k + 1]):
                    p, factor = int(final.profiles[e]), int(final.factors[e])
                    direction = lines[tables.line_of_profile[p]]
                    u = sum(g * point[j] for j, g in direction)
                    size = lcm(tables.profiles[p].size, u.denominator)
                    found += F(factor * tables.profiles[p].at(int(u * size), size), size)
                assert found == a * scaled.scales[inputs + v], (seed, v)
    assert seen > 60


def test_products_of_coefficients():
    """2^32 times 2^32 wraps around to 0, and 2^31 times 2^31 to nothing that is right."""
    for exponent, other in product((31, 32, 33), (True, False)):
        build = NetworkBuilder(2)
        x, y = build.inputs
        bends = build.layer([x, y])
        (total,) = build.layer([bends[0] * 2**exponent + bends[1] * (2**exponent if other else 1)])
        (above,) = build.layer([total * 2**exponent + bends[0]])
        network = ScaledNetwork(build.network([above]), 1)
        with pytest.raises(RefusedError, match="unsupported: sums beyond 64 bits"):
            tables_of(network)


def test_equal_entries_are_added_up_and_not_beyond():
    owner, nodes = np.array([0, 1, 0, 0]), np.array([3, 3, 2, 3])
    weights = np.array([2**58, 5, -1, 2**58])
    found = [part.tolist() for part in _merged(owner, nodes, weights)]
    assert found == [[0, 0, 1], [2, 3, 3], [-1, 2**59, 5]]
    lines = np.array([0, 0, 1, 0])
    found = [part.tolist() for part in _merged(owner, nodes, weights, lines)]
    assert found == [[0, 0, 1], [3, 2, 3], [2**59, -1, 5]]
    zero = [part.tolist() for part in _merged(owner, nodes, np.array([7, 1, 2, -7]), lines)]
    assert zero == [[0, 1], [2, 3], [2, 1]]
    kept = [part.tolist() for part in _merged(owner, nodes, np.array([7, 1, 2, -7]))]
    assert kept == [[0, 0, 1], [2, 3, 3], [2, 0, 1]]
    for large in (2**61, -(2**61)):  # two of them at most are added up
        with pytest.raises(RefusedError, match="unsupported: sums beyond 64 bits"):
            _merged(owner, nodes, np.array([large, 0, 0, 0]))
    assert _merged(owner, nodes, np.array([2**61 - 1, 0, 0, 0]))[2].tolist() == [0, 2**61 - 1, 0]
    none = np.zeros(0, dtype=np.int64)
    assert [len(part) for part in _merged(none, none, none, lines)] == [0, 0, 0]


def test_integers_that_fit():
    for value in (LIMIT - 1, 1 - LIMIT, 0):
        found = _small(np.array([value, 1], dtype=object))
        assert found.dtype == np.int64 and found.tolist() == [value, 1]
    for value in (LIMIT, -LIMIT, 2**64):
        with pytest.raises(RefusedError, match="unsupported: weights beyond 64 bits"):
            _small(np.array([1, value], dtype=object))
    assert _small(np.zeros(0, dtype=object)).dtype == np.int64


@pytest.mark.parametrize("side", [1, -1])
def test_a_sum_is_read_where_it_is_never_negative(side):
    """s = x+ + (1 - x)+ + y+ + c has the least value 1 + c; what reads it is a sum if that is
    >= 0. And a unit of s from below, -x+ and (x - 1)+ among it, has none."""
    for constant, usable in ((F(-1), True), (F(-1) - F(1, 2**30), False), (F(-3, 2), False),
                             (F(0), True), (F(1), True)):  # fmt: skip
        build = NetworkBuilder(2)
        x, y = build.inputs
        bends = build.layer([x * side, 1 - x * side, y])
        (total,) = build.layer([sum(bends, 0 * x) + constant])
        (above,) = build.layer([total + bends[2]])
        final = tables_of(ScaledNetwork(build.network([above]), 1)).final
        assert final.units.tolist() == ([4] if usable else [])
    for constant, usable in ((F(1), True), (F(3, 2), True), (F(1, 2), False)):
        build = NetworkBuilder(2)  # y+ - min(x+, 1) + c
        x, y = build.inputs
        bends = build.layer([x * side, x * side - 1, y])
        (total,) = build.layer([bends[2] - bends[0] + bends[1] + constant])
        (above,) = build.layer([total + bends[2]])
        final = tables_of(ScaledNetwork(build.network([above]), 1)).final
        assert final.units.tolist() == ([4] if usable else [])
    build = NetworkBuilder(2)
    x, y = build.inputs
    bends = build.layer([x * side, y])
    (total,) = build.layer([bends[1] - bends[0] + 100])
    (above,) = build.layer([total + bends[1]])
    assert tables_of(ScaledNetwork(build.network([above]), 1)).final.units.tolist() == []


@pytest.mark.parametrize("count", [1, 2, 8, 9, 12, 15, 16])
def test_least_values_that_add_up_beyond_64_bits(count):
    """Each function falls to -2^20, or -2^60 in parts of 2^40: nine of them wrap around to above
    zero. Beside sums of two functions and of none, so that no size is that of all."""
    build = NetworkBuilder(count + 1)
    x = build.inputs
    both = build.layer([form for axis in x for form in (axis, axis)])
    bends = build.layer([form for axis in x for form in (axis, axis - 1)])
    falls = [(bends[2 * k + 1] - bends[2 * k]) * 2**20 for k in range(count)]
    nothing = [both[2 * k] - both[2 * k + 1] for k in (0, count)]
    none, two, total = build.layer(
        [nothing[0] + nothing[1], bends[0] + bends[2], sum(falls, nothing[1])]
    )
    (above,) = build.layer([total + bends[0]])
    final = tables_of(ScaledNetwork(build.network([above, none, two]), 1)).final
    assert final.units.tolist() == [4 * len(x) + 1]  # the sum of two; what reads the last is none


def test_a_sum_of_which_one_function_is_left_is_one_and_of_none_is_none():
    build = NetworkBuilder(2)
    x, y = build.inputs
    a, b, same = build.layer([x, y, y])
    one, none, two = build.layer([a + b - same, b - same + 0 * a, a + b])
    final = tables_of(ScaledNetwork(build.network([one + none + two]), 1)).final
    assert final.units.tolist() == [3, 5]
    assert np.diff(final.starts).tolist() == [1, 2]


def test_sums_over_copies():
    """Units of one level stand in many layers; what is found does not depend on that."""
    build = NetworkBuilder(2)
    a, b = build.layer(build.inputs)
    late, first, second = build.layer([a - 1, a, b])  # the last two are copies
    sum_of_late, first, second = build.layer([late + second, first, second])
    sum_of_copies, first = build.layer([first * 2 + second, first])
    scaled = ScaledNetwork(build.network([sum_of_late + sum_of_copies + first]), 1)
    tables = tables_of(scaled)
    assert scaled.levels[[2 + 5, 2 + 8]].tolist() == [3, 2]
    assert tables.final.units.tolist() == [5, 8]
    nodes = univariate_of(scaled).node_of[2:].tolist()
    assert nodes[0] == nodes[3] == nodes[6] == nodes[9] >= 0
    assert nodes[1] == nodes[4] == nodes[7] >= 0
    assert nodes[5] == nodes[8] == -1
    lists = tables.final.profiles.tolist(), tables.final.factors.tolist()
    found = [(tables.profiles[p], factor) for p, factor in zip(*lists, strict=True)]
    assert [factor * f.at(3, 1) for f, factor in found] == [2, 3, 6, 3]


def test_copies_of_sums_are_no_sums():
    build = NetworkBuilder(2)
    a, b = build.layer(build.inputs)
    total, again = build.layer([a + b, a])
    copy, again = build.layer([total, again])
    (above,) = build.layer([copy + again])
    final = tables_of(ScaledNetwork(build.network([above]), 1)).final
    assert final.units.tolist() == [2]


def test_only_what_is_multiplied_or_added_up_may_be_too_large():
    """2^40 times terms of weight 1, and once terms of weight 2^40, side by side."""
    for exponent, fits in ((40, True), (62, False)):
        build = NetworkBuilder(2)
        a, b = build.layer(build.inputs)
        small, large = build.layer([a + b, a * 2**40 + b])
        tops = build.layer([small * 2**exponent + a, large + a * 2])
        scaled = ScaledNetwork(build.network([sum(tops, 0 * a)]), 1)
        if fits:
            assert tables_of(scaled).final.units.tolist() == [4, 5]
        else:
            with pytest.raises(RefusedError, match="beyond 64 bits"):
                tables_of(scaled)
    found = _merged(np.array([0, 1, 1]), np.array([0, 0, 0]), np.array([2**61, 1, 1]))
    assert [part.tolist() for part in found] == [[0, 1], [0, 0], [2**61, 2]]
