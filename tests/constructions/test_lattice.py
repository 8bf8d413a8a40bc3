"""Floor networks, cells, and the three regimes of Kim, Moon and Yun."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.construction import check_promises
from constructions.floor import FLOORS
from constructions.hypotheses import (
    budget_of_ratio,
    half_separation_lower,
    power_separation,
)
from constructions.integer_memorizer import add_memorizer, table_of
from constructions.large_ratio import case_of, large
from constructions.lattice import cell_scale, dyadic_below, translate, widest_gap
from constructions.moderate_ratio import flat_key, moderate, network_of_plan, plan_of
from constructions.projection import certified_norm_at_most_one, span_of
from constructions.sampled import sampled_flips
from constructions.small_ratio import plan_of as small_plan
from constructions.small_ratio import small
from constructions.spheres import ball_points
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Robust
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch


def some_data(size: int = 9, dimension: int = 3, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(-60, 60, (2 * size, dimension)), axis=0)
    rows = rng.permutation(rows)[:size]
    return Dataset.from_rows("some", rows.tolist(), [k % 3 for k in range(size)])


# -------------------------------------------------------------------- floor


def floor_network(kind: str, gamma: Fraction, bits: int) -> Network:
    build = NetworkBuilder(1)
    floors, _ = FLOORS[kind](build, build.inputs, [gamma], bits, [])
    return build.network(floors)


@pytest.mark.parametrize("kind", FLOORS)
@given(
    bits=st.integers(1, 5),
    gamma=st.sampled_from([Fraction(1, 3), Fraction(1, 8), Fraction(1, 1000)]),
    share=st.fractions(0, 1, max_denominator=999),
    whole=st.integers(0, 31),
)
@settings(max_examples=60, deadline=None)
def test_the_floor_is_exact_off_the_bands(
    kind: str, bits: int, gamma: Fraction, share: Fraction, whole: int
) -> None:
    whole %= 1 << bits
    if kind == "doubling":  # gamma < part < 1
        part = gamma + (share * 998 + 1) / 1000 * (1 - gamma)
    else:  # 0 <= part <= 1 - gamma
        part = share * (1 - gamma)
    network = floor_network(kind, gamma, bits)
    assert network.depth == bits + 1 and network.width == (5 if kind == "doubling" else 4)
    assert evaluate(network, [[whole + part]]) == [[whole]]


@pytest.mark.parametrize("kind", FLOORS)
def test_the_floor_is_wrong_inside_the_bands(kind: str) -> None:
    network = floor_network(kind, Fraction(1, 4), 3)
    shares = [Fraction(j, 64) for j in range(1, 16)]
    points = [[4 + share] if kind == "doubling" else [4 - share] for share in shares]
    values = [v for (v,) in evaluate(network, points)]
    assert any(value != x.__floor__() for value, (x,) in zip(values, points, strict=True))


# ------------------------------------------------------------------ lattice


@given(st.lists(st.fractions(-5, 5, max_denominator=60), min_size=1, max_size=9))
def test_no_point_is_nearer_to_an_integer_than_half_the_widest_gap(values: list[Fraction]) -> None:
    gap = widest_gap(values)
    assert gap.width * len(set(values)) >= 1
    for value in values:
        part = (value - gap.midpoint) % 1
        assert min(part, 1 - part) >= gap.width / 2


def test_points_of_different_labels_have_different_cells() -> None:
    dataset = some_data(20)
    scale = cell_scale(3, power_separation(dataset, "2"))
    samples = [[scale * x for x in dataset.point(i)] for i in range(20)]
    cells = translate(samples, range(20), Fraction(0))
    found: dict[tuple[int, ...], int] = {}
    for point, label in zip(samples, dataset.labels.tolist(), strict=True):
        assert found.setdefault(cells.cell(point), label) == label
        assert all(0 <= c < r for c, r in zip(cells.cell(point), cells.counts, strict=True))


def test_the_greatest_power_of_one_half_below() -> None:
    assert dyadic_below(Fraction(1, 8)) == Fraction(1, 16)
    assert dyadic_below(Fraction(9)) == Fraction(1, 2)


# -------------------------------------------------------------- small ratios


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reader": "sawtooth"},
        {"floor": "subtracting", "serial": True},
        {"flatten": "base", "slots": 2},
        {"rank": 2},
    ],
)
def test_small_budgets_are_memorized_up_to_the_range(options: dict[str, object]) -> None:
    dataset = some_data()
    rank = options.get("rank")
    below = small_plan(dataset, Fraction(0), rank=rank).budget_below  # type: ignore[arg-type]
    construction = small(dataset, below * Fraction(999, 1000), **options)  # type: ignore[arg-type]
    check_promises(construction)
    assert construction.network.is_chain
    assert sampled_flips(construction, dataset, count=6) == []


def test_a_budget_outside_the_small_range_is_refused() -> None:
    dataset = some_data()
    below = small_plan(dataset, Fraction(0)).budget_below
    with pytest.raises(UserError, match=r"is not below .*Theorem 4\.2 \(i\)"):
        small(dataset, below)
    assert sampled_flips(small(dataset, below / 2), dataset, radius=3 * below, count=8)
    with pytest.raises(UserError, match="no floor network 'flat'"):
        small(dataset, Fraction(0), floor="flat")
    with pytest.raises(UserError, match="no flattening 'x'"):
        small(dataset, Fraction(0), flatten="x")


def test_the_paper_s_range_lies_inside_ours() -> None:
    """rho <= 1 / (5 N sqrt d) always qualifies."""
    for seed in range(5):
        dataset = some_data(12, 4, seed)
        power = power_separation(dataset, "2")
        plan = small_plan(dataset, Fraction(0))
        assert (10 * 12 * plan.budget_below) ** 2 * 4 >= power


# ----------------------------------------------------------- moderate ratios


def test_moderate_budgets_are_exact_on_their_group_and_right_at_all_centres() -> None:
    dataset = some_data(12, 2)
    construction = moderate(dataset, Fraction(1), error=Fraction(1, 50))
    check_promises(construction)
    plan = plan_of(dataset, Fraction(1), error=Fraction(1, 50))
    assert len(plan.groups) > 1
    assert sampled_flips(construction, dataset, count=0) == []
    assert all(plan.error_bound(i) <= plan.greatest_error for i in range(12))
    assert plan.greatest_error <= Fraction(1, 50)
    rng = np.random.default_rng(0)
    for number, group in enumerate(plan.groups):
        network = network_of_plan(plan, 2, only=number)
        for i in group.samples:
            points = ball_points(dataset.point(i), "2", Fraction(1), 6, rng)
            assert evaluate(network, points) == [[int(dataset.labels[i])]] * len(points)


def test_a_ball_that_crosses_a_wall_flips_inside_the_band_and_nowhere_else() -> None:
    """The ball of the second sample crosses the upper wall of the row of the first one's cell."""
    dataset = Dataset.from_rows("two", [[133, 0], [0, 50]], ["b", "a"])
    budget = Fraction(20)
    plan = plan_of(dataset, budget, error=Fraction(1, 10))
    assert len(plan.groups) == 2
    network = network_of_plan(plan, 2)
    cells = plan.groups[0].cells
    wall = round(plan.samples[1][1] - cells.shifts[1]) + cells.shifts[1]
    shares = [Fraction(j, 64 << k) for k in range(4) for j in range(1, 64)]
    inside = [(wall + plan.gamma * share) / plan.scale for share in shares]
    outside = [
        (wall + plan.gamma * (1 + k * share)) / plan.scale for share in shares for k in (1, 9)
    ]
    outside += [(wall - plan.gamma * k * share) / plan.scale for share in shares for k in (1, 9)]
    assert all(abs(x - 50) <= budget for x in inside + outside)
    labels = [[v for (v,) in evaluate(network, [[Fraction(0), x] for x in xs])]
              for xs in (inside, outside)]  # fmt: skip
    own = dataset.labels[1]
    assert any(value != own for value in labels[0])
    assert all(value == own for value in labels[1])
    assert 0 < plan.error_bound(1) <= Fraction(1, 10)


def test_the_base_of_the_keys_must_be_over_all_samples() -> None:
    """Section f.8: with the base of the group alone an inactive sample takes its label."""
    points = [(3, 3), (11, 1), (1, 1), (7, 7)]
    dataset = Dataset.from_rows(
        "four", [[Fraction(x, 2) for x in row] for row in points], [1, 0, 0, 0]
    )
    samples = [list(dataset.point(i)) for i in range(4)]
    cells = translate(samples, [0], Fraction(1, 10))

    def label_of(base: int, point: tuple[Fraction, ...]) -> Fraction:
        build = NetworkBuilder(2)
        values = [x - b for x, b in zip(build.inputs, cells.shifts, strict=True)]
        floors, _ = FLOORS["doubling"](build, values, [Fraction(1, 8)] * 2, 3, [])
        key = floors[0] + floors[1] * base
        first = cells.cell(samples[0])
        value, _ = add_memorizer(build, key, table_of({first[0] + base * first[1]: 2}), [])
        return evaluate(build.network([value]), [point])[0][0]

    assert cells.counts[0] == 6
    for base, at_the_second in ((4, 2), (cells.counts[0], 0)):
        assert label_of(base, dataset.point(0)) == 2
        assert label_of(base, dataset.point(1)) == at_the_second
    keys = {flat_key(cells, cells.cell(sample)) for sample in samples}
    assert len(keys) == 4


def test_the_paper_s_base_over_a_group_gives_an_inactive_sample_its_label_and_ours_does_not() -> (
    None
):
    """Section f.8: the first and last sample are the group, whose greatest coordinate rounds to 4.

    With a base of 4 the second sample, of another label, has the key of the first. In our network
    all four samples have their labels, whichever are a group.
    """
    points = [(3, 3), (11, 1), (1, 1), (7, 7)]
    rows = [[Fraction(x, 2) for x in row] for row in points]
    group = (0, 3)
    base = max(x for i in group for x in rows[i]).__ceil__()
    keys = [x.__floor__() + base * y.__floor__() for x, y in rows]
    assert base == 4 and keys[0] == keys[1]
    dataset = Dataset.from_rows("four", rows, [1, 0, 0, 0])
    for order in ([0, 3, 1, 2], [0, 1, 2, 3]):
        ordered = dataset.select(order)
        for budget, groups in ((Fraction(1, 5), 4), (Fraction(1, 9), 2), (Fraction(1, 20), 1)):
            plan = plan_of(ordered, budget)
            assert len(plan.groups) == groups
            construction = moderate(ordered, budget)
            check_promises(construction)
            assert sampled_flips(construction, ordered, count=0) == []


@pytest.mark.parametrize("kind", ["rounded", "householder"])
def test_moderate_budgets_behind_a_projection(kind: str) -> None:
    """Stage I of (ii): the bands are slabs across the rows of the map."""
    dataset = some_data(10, 5)
    error = Fraction(1, 50)
    plan = plan_of(dataset, Fraction(1), error=error, rank=2, kind=kind)
    assert len(plan.groups) > 1 and len(plan.samples[0]) == 2
    assert 3 <= plan.thickness < 3 + Fraction(1, 1000)
    assert all(plan.error_bound(i) <= plan.greatest_error <= error for i in range(10))
    construction = moderate(dataset, Fraction(1), error=error, rank=2, kind=kind)
    check_promises(construction)
    assert sampled_flips(construction, dataset, count=0) == []
    rng = np.random.default_rng(0)
    for number, group in enumerate(plan.groups):
        network = network_of_plan(plan, 5, only=number)
        for i in group.samples:
            around = ball_points(dataset.point(i), "2", Fraction(1), 6, rng)
            assert evaluate(network, around) == [[int(dataset.labels[i])]] * len(around)


def test_the_range_of_moderate_budgets_is_stated() -> None:
    dataset = some_data(12, 2)
    quarter = moderate(dataset, Fraction(0)).promises.budget_below
    assert quarter is not None
    check_promises(moderate(dataset, quarter * Fraction(999, 1000)))
    with pytest.raises(UserError, match=r"not below .*, a quarter of a unit cell"):
        moderate(dataset, quarter)
    with pytest.raises(UserError, match=r"a quarter of a unit cell; Theorem 4\.2 \(ii\)"):
        moderate(dataset, budget_of_ratio(Fraction(1, 2), power_separation(dataset, "2"), "2"))
    with pytest.raises(UserError, match="error share 1 is not between 0 and 1"):
        moderate(dataset, Fraction(1), error=Fraction(1))


# -------------------------------------------------------------- large ratios


def test_the_five_cases() -> None:
    wide = Dataset.from_rows("wide", [[k] + [0] * 3999 for k in range(3)], [0, 1, 0])
    long_ = Dataset.from_rows("long", [[k] for k in range(40)], [k % 2 for k in range(40)])
    assert case_of(wide, Fraction(1, 3), Fraction(1)) == ("I", 4000)
    assert case_of(long_, Fraction(1, 20), Fraction(1)) == ("II", 1)
    assert case_of(wide, Fraction(1, 20), Fraction(1)) == ("III", 3)
    many = Dataset.from_rows("many", [[k, 0, 0] for k in range(40)], [k % 2 for k in range(40)])
    assert case_of(many, Fraction(1, 20), Fraction(1), factor=0.5) == ("IV", 3)
    assert case_of(wide, Fraction(1, 20), Fraction(1), factor=0.5) == ("V", 1)


@pytest.mark.parametrize(
    ("case", "size", "dimension", "ratio", "factor", "coordinates"),
    [
        ("I", 6, 8, "1/2", 600, 8),
        ("II", 6, 8, "1/4", 600, 8),
        ("III", 6, 30, "1/4", 10, 5),
        pytest.param("IV", 60, 48, "1/10", 2, 39, marks=pytest.mark.slow),
        ("V", 24, 60, "1/10", 4, 13),
    ],
)
def test_every_case_of_the_large_ratios_is_proved(
    case: str, size: int, dimension: int, ratio: str, factor: float, coordinates: int
) -> None:
    """The paper's factor 600 is a parameter here; its cases III to V want thousands of samples."""
    dataset = some_data(size, dimension)
    power = power_separation(dataset, "2")
    budget = half_separation_lower(power, "2") * Fraction(ratio)
    assert case_of(dataset, budget, power, factor)[0] == case
    construction = large(dataset, budget, factor=factor)
    check_promises(construction)
    assert construction.network.width == 3 * coordinates + 2
    assert sampled_flips(construction, dataset, count=3) == []
    queries = [
        Query(
            construction.network,
            ball("2", dataset.point(i), budget),
            construction.goals(int(dataset.labels[i]), dataset.classes),
        )
        for i in (0, size - 1)
    ]
    outcomes = verify_batch(construction.network, queries, Options(timeout=60))
    assert all(isinstance(outcome.verdict, Robust) for outcome in outcomes)


def test_a_basis_of_the_span_keeps_distances_up_to_its_rounding() -> None:
    dataset = some_data(6, 30)
    power = power_separation(dataset, "2")
    projection, projected, kept = span_of(dataset, Fraction(0))
    assert projection.rank == 5
    assert certified_norm_at_most_one(projection)
    assert power * (1 - Fraction(1, 1 << 15)) < kept <= power == power_separation(dataset, "2")
    assert projected.dimension == 5
    beyond = half_separation_lower(power, "2")
    with pytest.raises(UserError, match="case III"):
        span_of(dataset, beyond)


@pytest.mark.parametrize("rank", [None, 3])
def test_large_budgets_behind_a_projection(rank: int | None) -> None:
    dataset = some_data(8, 6)
    construction = large(dataset, Fraction(9), rank=rank)
    check_promises(construction)
    assert sampled_flips(construction, dataset, count=5) == []
    assert construction.network.width == 3 * (rank or 6) + 2


def test_carried_forms_come_through_the_floor() -> None:
    build = NetworkBuilder(2)
    floors, carried = FLOORS["doubling"](
        build, [build.inputs[0]], [Fraction(1, 4)], 2, [build.inputs[1]]
    )
    network = build.network([Affine.sum(floors), *carried])
    assert evaluate(network, [[Fraction(5, 2), Fraction(7)]]) == [[2, 7]]
