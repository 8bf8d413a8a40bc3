"""Rows without what is fixed on a region: which units vanish, and that the values stay."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.random_queries import points_of, random_network, random_region
from verifier.checker.intervals import interval_bounds
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
