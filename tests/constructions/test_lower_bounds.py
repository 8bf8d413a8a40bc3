"""Collisions, hard data sets, and the bounds that they prove."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from constructions.collisions import (
    check_collision,
    first_layer,
    kernel_vector,
    l2_collision,
    orthogonal_basis,
    star_collision,
)
from constructions.construction import Norm
from constructions.hard_data import circles, shattered, star
from constructions.hypotheses import budget_of_ratio, power_separation
from constructions.lower_bounds import first_layer_bound, lower_bounds
from constructions.projection import narrow
from constructions.registry import build
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.rational import sqrt_upper


def random_rows(count: int, columns: int, seed: int) -> list[list[Fraction]]:
    rng = np.random.default_rng(seed)
    return [[Fraction(int(v), 3) for v in row] for row in rng.integers(-9, 10, (count, columns))]


@pytest.mark.parametrize("seed", range(5))
def test_an_l2_collision_is_one_and_a_network_behind_it_answers_alike(seed: int) -> None:
    dataset = star(6, 7)
    rows = random_rows(3, 6, seed)
    radius = Fraction(3, 8)  # rho = 3/4, rho^2 > 3/6
    collision = l2_collision(rows, dataset, radius)
    assert collision is not None and collision.size <= radius**2
    check_collision(rows, dataset, collision, "2", radius)
    build_network = NetworkBuilder(6)
    forms = [
        Affine.sum(x * w for x, w in zip(build_network.inputs, row, strict=True)) for row in rows
    ]
    units = build_network.layer(forms)
    network = build_network.network([units[0] - 2 * units[1] + 5 * units[2]])
    first, second = evaluate(network, [collision.first, collision.second])
    assert first == second
    assert first_layer(network) == rows
    moved = replace(collision, first=tuple(x + Fraction(1, 9) for x in collision.first))
    with pytest.raises(UserError, match="collision: "):
        check_collision(rows, dataset, moved, "2", radius)
    with pytest.raises(UserError, match="have one label"):
        check_collision(rows, dataset, replace(collision, j=collision.i), "2", radius)


def test_the_identity_has_no_collision_below_half_the_separation() -> None:
    dataset = star(4, 5)
    rows = [[Fraction(int(j == k)) for k in range(4)] for j in range(4)]
    assert l2_collision(rows, dataset, Fraction(499, 1000)) is None
    assert l2_collision(rows, dataset, Fraction(1, 2)) is not None
    assert kernel_vector(rows, 4) is None and star_collision(rows, 4) is None


@pytest.mark.parametrize(("dimension", "rows"), [(3, 2), (5, 4), (6, 1)])
def test_every_narrow_first_layer_is_defeated_on_the_star_in_l_inf(
    dimension: int, rows: int
) -> None:
    dataset = star(dimension, dimension + 1)
    for seed in range(4):
        matrix = random_rows(rows, dimension, seed)
        collision = star_collision(matrix, dimension)
        assert collision is not None
        check_collision(matrix, dataset, collision, "inf", Fraction(1, 4))


def test_orthogonal_vectors_span_what_was_given() -> None:
    rows = random_rows(4, 5, 1)
    basis = orthogonal_basis([*rows, rows[0]])
    assert len(basis) == 4
    for a, b in product(basis, repeat=2):
        assert (sum(x * y for x, y in zip(a, b, strict=True)) == 0) == (a is not b)


def test_the_bound_for_the_data_at_hand_is_that_of_the_proposition_on_the_star() -> None:
    dataset = star(8, 9)
    for m in range(1, 8):
        ratio_squared = Fraction(m, 8) + Fraction(1, 1000)
        budget = budget_of_ratio(Fraction(1), ratio_squared, "2")
        assert first_layer_bound(dataset, budget) == m + 1


def test_no_projection_is_found_below_the_proved_first_layer() -> None:
    """The narrow construction's first layer holds the projection: it cannot beat the bound."""
    rng = np.random.default_rng(0)
    dataset = Dataset.from_rows(
        "ball", rng.integers(-30, 30, (40, 10)).tolist(), [k % 2 for k in range(40)]
    )
    power = power_separation(dataset, "2")
    budget = budget_of_ratio(Fraction(9, 10), power, "2")
    bound = first_layer_bound(dataset, budget)
    assert bound > 1
    with pytest.raises(UserError, match="Theorem 7"):
        narrow(dataset, budget, norm="2", rank=bound - 1, tries=8)
    layer = first_layer(build("l2", dataset, budget=budget).network)
    assert l2_collision(layer, dataset, budget) is None


def test_all_one_row_layers_are_defeated_on_the_circles() -> None:
    dataset, radius = circles()
    assert dataset.size == 26 and 2 * radius < 1
    rng = np.random.default_rng(7)
    for _ in range(60):
        row = [Fraction(int(v)) for v in rng.integers(-99, 100, 2)]
        if any(row):
            collision = l2_collision([row], dataset, radius)
            assert collision is not None
            check_collision([row], dataset, collision, "2", radius)


def test_shattered_points_lie_in_the_balls_of_their_labels() -> None:
    ratio_squared = Fraction(2, 3)
    for pattern in product((-1, 1), repeat=3):
        dataset, points = shattered(3, ratio_squared, [pattern, pattern[::-1]])
        power = power_separation(dataset, "2")
        assert power >= 4 * 3
        for number, signs in enumerate((pattern, pattern[::-1])):
            for j, sign in enumerate(signs):
                sample = 2 * number + (0 if sign > 0 else 1)
                gap = sum(
                    (a - b) ** 2
                    for a, b in zip(points[number][j], dataset.point(sample), strict=True)
                )
                assert gap == 2 and gap <= ratio_squared * power / 4
                assert dataset.labels[sample] == (1 if sign > 0 else 0)
    with pytest.raises(UserError, match="k = 10 is above the dimension 3"):
        shattered(3, Fraction(9, 10), [[1] * 10])


def test_shattered_points_of_l1_lie_in_the_balls_of_their_labels() -> None:
    """With rho in place of rho^2; k = 4 for rho = 3/4."""
    pattern = (1, -1, -1, 1)
    dataset, points = shattered(4, Fraction(3, 4), [pattern, pattern[::-1]])
    assert power_separation(dataset, "1") == 2 * 4
    for j, sign in enumerate(pattern):
        sample = 0 if sign > 0 else 1
        gap = sum(abs(a - b) for a, b in zip(points[0][j], dataset.point(sample), strict=True))
        assert gap == 3 <= Fraction(3, 4) * 4


def test_groups_of_shattered_points_on_a_line_stay_apart() -> None:
    """There the paper's c_l = 2 d^2 l e_1 puts 0 + 1 of one group on 2 - 1 of the next."""
    dataset, _ = shattered(1, Fraction(0), [(1,), (1,), (-1,)])
    assert power_separation(dataset, "2") >= 4


def test_the_width_of_egosi_et_al_is_compared_exactly() -> None:
    """sigma / delta > 2416 N^(-2/k): with k = 1 and N = 100 at 0.2416, not beyond."""
    rows = [[k, 0, 0] for k in range(100)]
    dataset = Dataset.from_rows("line", rows, [k % 2 for k in range(100)])
    for budget, width in (
        (Fraction(2416, 10**4), 1),
        (Fraction(2416, 10**4) + Fraction(1, 10**30), 2),
    ):
        bounds = lower_bounds(dataset, "2", budget, Fraction(1))
        assert [b.value for b in bounds if b.quantity == "width"] == [width]


def test_every_bound_names_its_scope_and_source() -> None:
    dataset = star(6, 7)
    bounds = lower_bounds(dataset, "2", Fraction(2, 5), Fraction(1))
    assert {b.scope for b in bounds} == {"these data", "some data of this size"}
    values = {(b.quantity, b.scope): b.value for b in bounds}
    assert values["first-layer width", "some data of this size"] == 4  # 0.64 * 6 < 4
    assert values["parameters", "some data of this size"] is None
    assert [b.value for b in lower_bounds(dataset, "inf", Fraction(2, 5), Fraction(1))] == [4, 4, 6]
    assert [b.value for b in lower_bounds(dataset, "inf", Fraction(1, 5), Fraction(1))] == [1, 1]
    assert [b.value for b in lower_bounds(dataset, "1", Fraction(2, 5), Fraction(1))] == [1, 1, 15]


@pytest.mark.parametrize(("norm", "radius"), [("inf", "9/20"), ("1", "9/20")])
def test_the_bound_for_other_norms_is_that_of_the_balls_inside(norm: Norm, radius: str) -> None:
    """Every first layer narrower than the bound has a collision inside these balls as well."""
    dataset = star(6, 7)
    budget = Fraction(radius)
    least = lower_bounds(dataset, norm, budget, Fraction(1))[0].value
    inner = budget if norm == "inf" else budget / sqrt_upper(Fraction(6))
    assert least == first_layer_bound(dataset, inner)
    assert least >= (2 if norm == "inf" else 1)
