"""Rows without what is fixed on a region: which units vanish, and that the values stay."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.random_queries import points_of, random_network, random_region
from verifier.checker.intervals import interval_bounds
from verifier.checker.live_rows import BEGUN, LiveRows
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.question.build import NetworkBuilder
from verifier.question.region import ball, box

F = Fraction


def rows_on(network, region):
    scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
    return scaled, interval_bounds(scaled, [region])[0].rows


def test_what_is_fixed_or_passed_on():
    """On 1 <= x <= 2; the numbers of units stand behind them."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    on, off, three, edge = build.layer([x, x - 9, x * 0 + 3, 3 * x - 5])  # 0 1 2 3
    plain, twice, more, other = build.layer(  # 4 5 6 7
        [on + 5 * off, 2 * on + off, on + off + 1, x + off]
    )
    copy, cancelled, both, zero = build.layer(  # 8 9 10 11
        [plain, plain + 2 * three - 6 - off, plain + edge, 4 * off + three - 3]
    )
    (last,) = build.layer([copy + 7 * cancelled + 2 * both + 5 * three + zero + twice])  # 12
    network = build.network([last + more + other])
    _, rows = rows_on(network, box([F(1)], [F(2)]))
    unit = [1 + v for v in range(13)]
    assert [v for v in range(13) if rows.skips(v)] == [1, 2, 4, 8, 9, 11]
    assert [rows.source(unit[v]) for v in (4, 8, 9)] == [unit[0]] * 3
    assert all(rows.source(unit[v]) == unit[v] for v in (0, 3, 5, 6, 7, 10, 12))
    assert rows.source(0) == 0
    assert rows.row(4) == ([unit[0]], [1], 0)
    assert rows.row(6) == ([unit[0]], [1], 1)
    assert rows.row(7) == ([0], [1], 0)
    assert rows.row(9) == ([unit[0]], [1], 0)
    assert rows.row(10) == ([unit[3], unit[0]], [1, 1], 0)
    read, weights, constant = rows.row(12)
    assert sorted(zip(read, weights, strict=True)) == [
        (unit[0], 1), (unit[0], 7), (unit[5], 1), (unit[10], 2),
    ]  # fmt: skip
    assert constant == 15


def test_the_source_of_a_copy_is_its_original():
    """Also where the original passes nothing on; on -1 <= x <= 1."""
    build = NetworkBuilder(1)
    (first,) = build.layer([build.inputs[0]])
    (copy,) = build.layer([first])
    (again,) = build.layer([copy])
    _, rows = rows_on(build.network([again]), box([F(-1)], [F(1)]))
    assert [rows.source(variable) for variable in range(4)] == [0, 1, 1, 1]
    assert [rows.skips(v) for v in range(3)] == [False, True, True]


@pytest.mark.parametrize(("low", "high", "fixed"), [(-1, 1, 0), (-2, 0, 1), (-1, 0, 1), (0, 1, 0)])
def test_a_unit_that_is_hardly_on_is_there(low, high, fixed):
    build = NetworkBuilder(1)
    first, unit = build.layer([build.inputs[0] + 7, build.inputs[0]])
    (above,) = build.layer([first + unit])
    _, rows = rows_on(build.network([above]), box([F(low)], [F(high)]))
    assert rows.skips(1) == bool(fixed)
    assert rows.row(2) == (([1], [1], 0) if fixed else ([1, 2], [1, 1], 0))


def test_a_ball_that_is_cut_flat_keeps_what_depends_on_the_inputs():
    """There the leaf may ask the ball for a bound, and the ball is not flat."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    unit, three = build.layer([x, y * 0 + 3])
    network = build.network([unit + three + y])
    flat = ((F(2), F(-1)), (F(2), F(1)))
    for region, constants in (
        (box(*flat), [0, 1]),
        (ball("2", [F(2), F(0)], F(1), clip=flat), []),
        (ball("2", [F(2), F(0)], F(1)), [1]),
    ):
        _, rows = rows_on(network, region)
        assert [v for v in (0, 1) if rows.skips(v)] == constants


def test_values_stay():
    """At points of the region a live row has the value of the whole one."""
    for seed in range(150):
        rng = Random(seed)
        inputs = rng.randint(1, 3)
        network = random_network(rng, inputs, 8, 1, "integers")
        region = random_region(rng, inputs)
        scaled, rows = rows_on(network, region)
        for point in points_of(rng, region, 5):
            values = [F(x) * scaled.denominator for x in point]
            for v in range(network.units.count):
                variables, weights, constant = scaled.row(v)
                whole = constant + sum(
                    w * values[j] for j, w in zip(variables, weights, strict=True)
                )
                variables, weights, constant = rows.row(v)
                live = constant + sum(
                    w * values[j] for j, w in zip(variables, weights, strict=True)
                )
                assert live == whole, (seed, v)
                values.append(max(whole, F(0)))


def stub_rows(bounds, constants=True, ends=None):
    """Live rows of m + a + 5 over the inputs x, m and the units a = x, b = m: with these bounds of
    a, from .. to, at the root, or at both ends of a cone around `ends`, the values of m there."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    a, b = build.layer([x, m])
    (above,) = build.layer([m + 2 * a + b * 3 + 5])
    scaled = ScaledNetwork(build.network([above]), 1, family=ends is not None)
    tables = scaled.tables
    table = np.zeros((tables.height, 3), dtype=np.int64)
    columns = [1] if ends is None else [1, 2]
    far = [(-9, 9)] * len(columns)
    for variable, pairs in ((0, far), (1, [(q, q) for q in ends] if ends else far),
                            (2, bounds), (3, far), (4, far)):  # fmt: skip
        for column, (low, high) in zip(columns, pairs, strict=True):
            table[tables.lower_row[variable], column] = low
            table[tables.upper_row[variable], column] = high
    return LiveRows(scaled, table, columns, constants)


@pytest.mark.parametrize("constants", [True, False])
def test_what_is_fixed_by_bounds_at_the_root(constants):
    """Off: adds nothing; constant: adds its value, where that is asked for; else it is there."""
    for low in range(-2, 3):
        for high in range(low, 3):
            rows = stub_rows([(low, high)], constants)
            off = high <= 0 and low < 0
            constant = constants and low == high >= 0
            assert rows.skips(0) == (off or constant), (low, high)
            shown = not off and not constant
            assert dict(zip(*rows.row(2)[:2], strict=True)) == ({2: 2} if shown else {}) | {
                1: 1, 3: 3
            }  # fmt: skip
            assert rows.row(2)[2] == 5 + (2 * low if constant and not off else 0)


@pytest.mark.parametrize("constants", [True, False])
def test_the_beginning_of_a_long_row(constants):
    """A row is passed on if one of its units is not fixed, wherever that stands."""
    count = 2 * BEGUN
    off, fixed, open_, on = (-2, -1), (3, 3), (-1, 1), (1, 2)
    for many in (off, fixed):
        for others in ({}, {0: on}, {BEGUN - 1: on}, {count - 1: on}, {0: open_, 1: on},
                       {0: on, BEGUN: on}, {BEGUN - 2: on, BEGUN - 1: on},
                       {count - 2: on, count - 1: on}):  # fmt: skip
            build = NetworkBuilder(1)
            (x,) = build.inputs
            units = build.layer([x + k for k in range(count)])
            (total,) = build.layer([sum(units, 0 * x)])
            scaled = ScaledNetwork(build.network([total]), 1)
            tables = scaled.tables
            table = np.zeros((tables.height, 1), dtype=np.int64)
            bounds = [(-9, 9), *(others.get(k, many) for k in range(count)), (0, 99)]
            for variable, (low, high) in enumerate(bounds):
                table[tables.lower_row[variable], 0] = low
                table[tables.upper_row[variable], 0] = high
            rows = LiveRows(scaled, table, [0], constants)
            live = others if many is off or constants else range(count)
            adds_nothing = many is off
            assert rows.skips(count) == (len(live) == 1 and adds_nothing), (many, others)
            assert len(rows.row(count)[0]) == len(live)


def test_what_is_fixed_by_bounds_at_both_ends_of_a_cone():
    """Off at both ends, below 0 at one; or constant at both, affine in m with whole slopes."""
    for first, last in ((0, 1), (1, 3), (-1, 2)):
        size = last - first
        pairs = [(low, high) for low in range(-2, 3) for high in range(low, 3)]
        for one in pairs:
            for two in pairs:
                rows = stub_rows([one, two], True, (first, last))
                off = one[1] <= 0 and two[1] <= 0 and min(one[0], two[0]) < 0
                constant = one[0] == one[1] >= 0 and two[0] == two[1] >= 0
                constant = constant and (two[1] - one[1]) % size == 0
                assert rows.skips(0) == (off or constant), (one, two)
                variables, weights, extra = rows.row(2)
                found = dict(zip(variables, weights, strict=True))
                slope = (two[1] - one[1]) // size if constant and not off else 0
                shown = {2: 2} if not off and not constant else {}
                wanted = shown | {1: 1 + 2 * slope, 3: 3}
                assert found == {j: w for j, w in wanted.items() if w}, (one, two)
                assert len(found) == len(variables)
                moved = 2 * (one[1] - slope * first) if constant and not off else 0
                assert extra == 5 + moved


def test_a_weight_of_m_that_becomes_zero_is_gone():
    """-4 m + 2 a, where a is 2 m."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    (a,) = build.layer([x])
    above = build.layer([2 * a - 4 * m, 2 * a - 3 * m, 2 * a, a - x])
    scaled = ScaledNetwork(build.network([above[0]]), 1, family=True)
    tables = scaled.tables
    table = np.zeros((tables.height, 2), dtype=np.int64)
    for column, value in ((0, 1), (1, 3)):
        for variable, end in ((0, 9), (1, value), (2, 2 * value)):
            table[tables.lower_row[variable], column] = -9 if variable == 0 else end
            table[tables.upper_row[variable], column] = end
        for variable in range(3, 7):
            table[tables.lower_row[variable], column] = -9
            table[tables.upper_row[variable], column] = 9
    rows = LiveRows(scaled, table, [0, 1], True)
    assert rows.row(1) == ([], [], 0)
    assert rows.row(2) == ([1], [1], 0)
    assert rows.row(3) == ([1], [4], 0)
    assert sorted(zip(*rows.row(4)[:2], strict=True)) == [(0, -1), (1, 2)]
    assert not rows.skips(1)


@pytest.mark.parametrize(
    "low, low_end, passed",
    [(0, 0, True), (-1, 0, False), (0, -1, False), (-1, -1, False), (1, 1, True)],
)
def test_a_unit_is_passed_on_where_it_is_on_at_both_ends(low, low_end, passed):
    """A unit with a row of its own on top, that reads one unit once."""
    build = NetworkBuilder(2)
    x, _ = build.inputs
    a, off = build.layer([x, x - 9])
    (above,) = build.layer([a + off])
    (top,) = build.layer([above + x])
    scaled = ScaledNetwork(build.network([top]), 1, family=True)
    tables = scaled.tables
    table = np.zeros((tables.height, 2), dtype=np.int64)
    ends = {0: (-9, 9), 2: (-9, 9), 3: (-9, -1), 5: (-9, 9)}
    for column, (value, below) in enumerate(((0, low), (1, low_end))):
        for variable, (first, last) in (ends | {1: (value, value), 4: (below, 9)}).items():
            table[tables.lower_row[variable], column] = first
            table[tables.upper_row[variable], column] = last
    rows = LiveRows(scaled, table, [0, 1], True)
    assert rows.source(4) == (2 if passed else 4)
    assert rows.skips(2) == passed
