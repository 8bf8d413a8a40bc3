"""Every construction against the exact verifier: promised budgets proved, broken copies refuted.

`PROVED` lists the constructions of which the verifier proves every ball of the fast tests,
`PROVED_IN_THE_PLANE` those that it proves there quickly in two dimensions, `PROVED_ON_BALLS` those
of the norms 1, 2, 3 and 4 that it proves in any dimension.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from constructions.construction import Construction, Norm
from constructions.hypotheses import half_separation_lower, power_separation
from constructions.lattice import cell_scale
from constructions.moderate_ratio import network_of_plan, plan_of
from constructions.projected_keys import nearest_flip, project
from constructions.registry import REGISTRY, build
from constructions.small_ratio import plan_of as small_plan
from tests.oracles.random_data import random_data
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Flip, Robust
from verifier.question.network import Network, Rows
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.search.bounds.floats import to_float
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

PROVED = (
    "linf",
    "linf-pipelined",
    "linf-parallel",
    "linf-serial",
    "narrow-linf",
    "linf-halfspaces",
    "l1-halfspaces",
    "l2-halfspaces",
)
PROVED_IN_THE_PLANE = (
    "lipschitz",
    "lipschitz-parallel",
    "lipschitz-ovr",
    "l1",
    "l1-parallel",
    "l1-serial",
    "l2",
    "l2-parallel",
    "l2-shallow",
    "l2-serial",
    "narrow-l2",
    "large-rho",
    "small-rho",
    "l3-shallow",
    "l4-shallow",
)
PROVED_IN_SPACE = ("lipschitz", "lipschitz-parallel", "lipschitz-ovr", "small-rho")
PROVED_ON_BALLS = (
    "l1",
    "l1-parallel",
    "l1-serial",
    "l2",
    "l2-parallel",
    "l2-shallow",
    "l2-serial",
    "narrow-l2",
    "large-rho",
    "l3-shallow",
    "l4-shallow",
)
PROVED_SLOWLY = ("l3-deep", "l4-deep")
"""`tests/checker/test_powers.py` proves balls of the first, of four samples."""
CONTROLS = ("vardi", "park", "moderate-rho")


def verdicts(
    construction: Construction,
    dataset: Dataset,
    *,
    radius: Fraction | None = None,
    samples: list[int] | None = None,
    timeout: float = 30,
) -> list[object]:
    """The checked verdict on each sample's ball, of radius `budget` unless given."""
    radius = construction.budget if radius is None else radius
    queries = [
        Query(
            construction.network,
            ball(construction.norm, dataset.point(i), radius),
            construction.goals(int(dataset.labels[i]), dataset.classes),
        )
        for i in (range(dataset.size) if samples is None else samples)
    ]
    outcomes = verify_batch(construction.network, queries, Options(timeout=timeout))
    return [outcome.verdict for outcome in outcomes]


def counted(found: list[object]) -> Counter[str]:
    return Counter(type(verdict).__name__ for verdict in found)


def classes_for(name: str, wanted: int) -> int:
    return 2 if name in ("lipschitz", "lipschitz-parallel") else wanted


def at_ratio(name: str, dataset: Dataset, ratio: Fraction) -> Construction:
    if name == "small-rho":
        below = small_plan(dataset, Fraction(0)).budget_below
        return build(name, dataset, budget=below * ratio)
    return build(name, dataset, ratio=ratio)


def test_every_construction_is_listed_once() -> None:
    listed = [*PROVED, *PROVED_IN_THE_PLANE, *PROVED_SLOWLY, *CONTROLS]
    assert sorted(listed) == sorted(REGISTRY)
    assert {*PROVED_ON_BALLS, *PROVED_IN_SPACE} <= {*PROVED_IN_THE_PLANE}


# ------------------------------------------------------------- promised budgets


@pytest.mark.parametrize("name", PROVED)
@pytest.mark.parametrize(
    ("size", "dimension", "classes", "ratio"),
    [
        (6, 1, 2, "9/10"),
        (12, 3, 12, "999/1000"),
        (8, 2, 3, "0"),
        pytest.param(20, 8, 4, "99/100", marks=pytest.mark.slow),
    ],
)
def test_every_ball_of_random_data_is_proved(
    name: str, size: int, dimension: int, classes: int, ratio: str
) -> None:
    dataset = random_data(size, size, dimension, classes)
    found = verdicts(at_ratio(name, dataset, Fraction(ratio)), dataset)
    assert counted(found) == {"Robust": size}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linf", "linf-pipelined"])
@pytest.mark.parametrize("data", ["iris", "wine", "breast_cancer"])
@pytest.mark.parametrize("ratio", ["1/2", "99/100", "999/1000"])
def test_every_ball_of_real_data_is_proved(name: str, data: str, ratio: str) -> None:
    dataset = load(data)
    found = verdicts(build(name, dataset, ratio=Fraction(ratio)), dataset)
    assert counted(found) == {"Robust": dataset.size}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_two_hundred_samples_are_proved(name: str) -> None:
    dataset = random_data(3, 200, 6, 5, spread=100)
    found = verdicts(build(name, dataset, ratio=Fraction(9, 10)), dataset, samples=[0, 7, 99, 199])
    assert counted(found) == {"Robust": 4}


@pytest.mark.parametrize("name", PROVED_IN_THE_PLANE)
def test_every_ball_in_the_plane_is_proved(name: str) -> None:
    dataset = random_data(1, 5, 2, classes_for(name, 3))
    found = verdicts(at_ratio(name, dataset, Fraction(9, 10)), dataset)
    assert counted(found) == {"Robust": 5}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED_IN_SPACE)
def test_every_ball_in_space_is_proved(name: str) -> None:
    dataset = random_data(1, 10, 3, classes_for(name, 4))
    found = verdicts(at_ratio(name, dataset, Fraction(9, 10)), dataset)
    assert counted(found) == {"Robust": 10}


@pytest.mark.parametrize("name", PROVED_ON_BALLS)
@pytest.mark.parametrize(
    ("size", "dimension", "ratio"),
    [
        (4, 10, "9/10"),
        (8, 3, "99/100"),
        pytest.param(10, 8, "999/1000", marks=pytest.mark.slow),
        pytest.param(5, 64, "99/100", marks=pytest.mark.slow),
    ],
)
def test_every_ball_in_many_dimensions_is_proved(
    name: str, size: int, dimension: int, ratio: str
) -> None:
    """A bound linear in the dimension: one multiplier of the ball for all coordinates."""
    dataset = random_data(1, size, dimension, 3)
    wanted = Fraction(ratio) if name != "narrow-l2" else Fraction(1, 2)  # what projections leave
    found = verdicts(at_ratio(name, dataset, wanted), dataset)
    assert counted(found) == {"Robust": size}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["l1", "l2"])
@pytest.mark.parametrize("data", ["iris", "wine"])
@pytest.mark.parametrize("ratio", ["1/2", "99/100", "999/1000"])
def test_every_norm_ball_of_real_data_is_proved(name: str, data: str, ratio: str) -> None:
    dataset = load(data)
    found = verdicts(build(name, dataset, ratio=Fraction(ratio)), dataset)
    assert counted(found) == {"Robust": dataset.size}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dimension"), [("l1", 64), ("l2", 1), ("l2", 2), ("l2", 8)])
def test_two_hundred_norm_balls(name: str, dimension: int) -> None:
    dataset = random_data(3, 200, dimension, 5, spread=500)
    construction = build(name, dataset, ratio=Fraction(999, 1000))
    found = verdicts(construction, dataset, samples=[0, 7, 99, 199])
    assert counted(found) == {"Robust": 4}


@pytest.mark.parametrize("name", ["l1", "l2", "l2-shallow", "l2-serial"])
def test_norm_balls_that_meet_are_refuted(name: str) -> None:
    """One per cent beyond half the separation, as for the cubes below."""
    dataset = random_data(5, 6, 3, 3)
    construction = at_ratio(name, dataset, Fraction(99, 100))
    norm: Norm = "1" if name == "l1" else "2"
    power = power_separation(dataset, norm)
    beyond = half_separation_lower(power, norm) * Fraction(101, 100)
    assert counted(verdicts(construction, dataset, radius=beyond, timeout=10))["Flip"] >= 1


def thousand(slots: int | None) -> tuple[Dataset, Construction]:
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(-(10**6), 10**6, (1000, 8)), axis=0)
    dataset = Dataset.from_rows("thousand", points.tolist(), [k % 5 for k in range(1000)])
    budget = small_plan(dataset, Fraction(0)).budget_below * Fraction(9, 10)
    return dataset, build("small-rho", dataset, budget=budget, options={"slots": slots})


@pytest.mark.parametrize(
    ("slots", "bits"), [(None, 64), (20, 400), pytest.param(50, 1000, marks=pytest.mark.slow)]
)
def test_a_thousand_samples_at_a_small_ratio_and_what_floats_make_of_them(
    slots: int | None, bits: int
) -> None:
    """No unit is undecided (`test_substitution`), so forward substitution proves every ball; in
    float64, with every weight the nearest float, the same network has wrong labels."""
    dataset, construction = thousand(slots)
    assert construction.network.bits >= bits
    found = verdicts(construction, dataset, samples=[0, 250, 500, 999], timeout=60)
    assert counted(found) == {"Robust": 4}
    values = in_floats(construction.network, dataset.numerators)
    assert int((np.abs(values - dataset.labels) < 0.5).sum()) < 500  # a guess has 200


def in_floats(network: Network, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """The first output in float64 at each of the points, (count, inputs)."""

    def applied(rows: Rows, i: int) -> NDArray[np.float64]:
        indices, numerators, constant, denominator = rows.row(i)
        terms = zip(indices, numerators, strict=True)
        start = np.full(len(points), to_float(Fraction(constant, denominator)))
        return sum((to_float(Fraction(n, denominator)) * space[j] for j, n in terms), start)

    space = np.zeros((network.variables, len(points)))
    space[: network.inputs] = points.T
    with np.errstate(all="ignore"):
        for v in range(network.units.count):
            space[network.inputs + v] = np.maximum(applied(network.units, v), 0)
        return applied(network.outputs, 0)


@pytest.mark.parametrize(("seed", "size"), [(2, 6), (2, 12)])
def test_the_groups_of_a_moderate_network_are_proved(seed: int, size: int) -> None:
    dataset = random_data(seed, size, 2, 3)
    budget = 1 / (12 * cell_scale(2, power_separation(dataset, "2")))
    error = Fraction(1, 20)
    plan = plan_of(dataset, budget, error=error)
    base = build("moderate-rho", dataset, budget=budget, options={"error": error})
    assert len(plan.groups) > 1
    assert all(plan.error_bound(i) <= error for i in range(size))
    for number, group in enumerate(plan.groups):
        alone = replace(base, network=network_of_plan(plan, 2, only=number))
        found = verdicts(alone, dataset, samples=list(group.samples), timeout=20)
        assert counted(found) == {"Robust": len(group.samples)}


@pytest.mark.parametrize("name", ["lipschitz", "lipschitz-parallel", "lipschitz-ovr"])
@pytest.mark.parametrize(
    ("size", "dimension", "ratio"),
    [
        (40, 8, "99/100"),
        pytest.param(100, 16, "999/1000", marks=pytest.mark.slow),
        pytest.param(200, 64, "1/2", marks=pytest.mark.slow),
        pytest.param(200, 64, "99/100", marks=pytest.mark.slow),
    ],
)
def test_lipschitz_networks_are_proved_in_many_dimensions(
    name: str, size: int, dimension: int, ratio: str
) -> None:
    dataset = random_data(1, size, dimension, classes_for(name, 12), spread=100)
    made = at_ratio(name, dataset, Fraction(ratio))
    found = verdicts(made, dataset, samples=[0, 5, 13, 19], timeout=60)
    assert counted(found) == {"Robust": 4}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "samples"),
    [
        ("lipschitz-ovr", "iris", None),
        ("lipschitz-ovr", "wine", None),
        ("lipschitz", "breast_cancer", [0, 100, 300, 568]),
        ("lipschitz-parallel", "breast_cancer", [0, 100, 300, 568]),
    ],
)
def test_lipschitz_networks_of_real_data_are_proved(
    name: str, data: str, samples: list[int] | None
) -> None:
    dataset = load(data)
    found = verdicts(build(name, dataset, ratio=Fraction(99, 100)), dataset, samples=samples)
    assert counted(found) == {"Robust": dataset.size if samples is None else len(samples)}


# ---------------------------------------------------------------- broken copies


@pytest.mark.parametrize("name", PROVED)
def test_balls_that_meet_are_refuted(name: str) -> None:
    """One per cent beyond half the separation the balls of a closest pair overlap."""
    dataset = random_data(5, 6, 2, 3)
    construction = at_ratio(name, dataset, Fraction(99, 100))
    power = power_separation(dataset, construction.norm)
    beyond = half_separation_lower(power, construction.norm) * Fraction(101, 100)
    assert counted(verdicts(construction, dataset, radius=beyond))["Flip"] >= 1


@pytest.mark.parametrize("name", ["linf", "linf-pipelined", "linf-parallel", "linf-serial"])
def test_one_per_cent_more_than_the_budget_is_refuted(name: str) -> None:
    dataset = random_data(5, 6, 2, 3)
    construction = build(name, dataset, ratio=Fraction(9, 10))
    radius = construction.budget * Fraction(101, 100)
    found = counted(verdicts(construction, dataset, radius=radius))
    assert found["Flip"] >= 1


@pytest.mark.parametrize("name", PROVED)
def test_swapped_labels_and_a_dropped_sample_are_refuted(name: str) -> None:
    dataset = random_data(9, 6, 2, 3)
    labels = dataset.labels.copy()
    labels[[0, 1]] = labels[[1, 0]]
    swapped = build(name, replace(dataset, labels=labels), ratio=Fraction(1, 2))
    found = verdicts(swapped, dataset)
    assert [isinstance(v, Flip) for v in found] == [True, True, False, False, False, False]
    without = [i for i in range(6) if i != 2]  # sample 2 has the greatest label
    dropped = build(name, dataset.select(without), ratio=Fraction(1, 2))
    assert isinstance(verdicts(dropped, dataset, samples=[2])[0], Flip)


@pytest.mark.parametrize("name", PROVED)
def test_one_unit_in_the_last_place_of_a_bias_is_refuted(name: str) -> None:
    """The first bias of the test of sample 0: its ball is covered exactly, and not with less."""
    dataset = Dataset.from_rows("some", [[30, 40], [10, 10], [70, 90]], [2, 0, 1])
    construction = build(name, dataset, budget=Fraction(9))
    assert counted(verdicts(construction, dataset)) == {"Robust": 3}
    if name in ("narrow-linf", "l2-halfspaces"):
        return  # their tests are of squares: there is slack
    units = construction.network.units
    constants = units.constants.copy()
    constants[0] += 1  # relu(x_0 - x_i0 - mu) with mu smaller by one unit
    rows = Rows(units.starts, units.indices, units.numerators, constants, units.denominators)
    network = construction.network
    broken = replace(
        construction, network=Network(network.inputs, network.layers, rows, network.outputs)
    )
    assert isinstance(verdicts(broken, dataset, samples=[0])[0], Flip)


# --------------------------------------------------------------------- controls


@pytest.mark.parametrize("name", ["vardi", pytest.param("park", marks=pytest.mark.slow)])
def test_the_controls_flip_where_the_closed_form_says(name: str) -> None:
    dataset = random_data(4, 10, 3, 3)
    construction = build(name, dataset, budget=Fraction(0), seed=2)
    assert counted(verdicts(construction, dataset)) == {"Robust": 10}
    keys = project(dataset, 2)
    for i in range(3):
        flip = nearest_flip(dataset, keys, i)
        region = ball("2", dataset.point(i), radius_squared=flip.squared_distance)
        query = Query(construction.network, region, construction.goals(int(dataset.labels[i]), 3))
        (outcome,) = verify_batch(construction.network, [query], Options(timeout=30))
        assert isinstance(outcome.verdict, Flip)
        assert not isinstance(outcome.verdict, Robust)
