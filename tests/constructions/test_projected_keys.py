"""The controls are right at the samples and flip where the closed form says."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.construction import check_promises
from constructions.hypotheses import power_separation
from constructions.projected_keys import (
    flips_within,
    modulus_of,
    nearest_flip,
    project,
    shorten,
)
from constructions.registry import build
from constructions.sampled import sampled_flips
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError


def some_data(size: int, dimension: int, denominator: int = 3) -> Dataset:
    rng = np.random.default_rng(size)
    rows = [
        [Fraction(int(v), denominator) for v in row]
        for row in rng.integers(-100, 100, (size, dimension))
    ]
    return Dataset.from_rows("some", rows, [k % 4 for k in range(size)])


@pytest.mark.parametrize("name", ["vardi", "park"])
@pytest.mark.parametrize("reader", ["threshold", "sawtooth"])
@pytest.mark.parametrize(("size", "dimension"), [(4, 1), (12, 2), (60, 5)])
def test_right_at_every_sample_and_wrong_at_every_closed_form_flip(
    name: str, reader: str, size: int, dimension: int
) -> None:
    dataset = some_data(size, dimension)
    construction = build(name, dataset, budget=Fraction(0), seed=3, options={"reader": reader})
    check_promises(construction)
    assert construction.network.is_chain and not construction.robust
    assert sampled_flips(construction, dataset, count=0) == []
    keys = project(dataset, 3)
    for i in range(size):
        flip = nearest_flip(dataset, keys, i)
        (value,) = evaluate(construction.network, [flip.point])[0]
        assert value == dataset.labels[flip.rival] != dataset.labels[i]
        moved = sum((a - b) ** 2 for a, b in zip(flip.point, dataset.point(i), strict=True))
        assert moved == flip.squared_distance


def test_most_flips_are_far_inside_half_the_separation() -> None:
    dataset = some_data(60, 50)
    keys = project(dataset)
    quarter = power_separation(dataset, "2") / 4
    ratios = sorted(nearest_flip(dataset, keys, i).squared_distance / quarter for i in range(60))
    assert ratios[-1] < 1
    assert ratios[30] < Fraction(1, 100)


@pytest.mark.parametrize(("size", "most"), [(30, 3), (200, 6)])
def test_shortened_keys_keep_their_labels_apart(size: int, most: int) -> None:
    rng = np.random.default_rng(size)
    labels = {int(key): 1 + k % 5 for k, key in enumerate(rng.integers(0, size**2, size))}
    blocks = shorten(labels, len(labels) * most, most)
    assert len(blocks.starts) <= len(labels) / most + size**2 / blocks.modulus + 1
    for key, label in labels.items():
        moved = key + sum(
            change for low, change in zip(blocks.starts, blocks.changes, strict=True) if key >= low
        )
        assert 0 <= moved < 2 * blocks.modulus
        assert blocks.labels[moved % blocks.modulus] == label


@pytest.mark.parametrize("name", ["vardi", "park"])
def test_no_budget_above_zero_is_promised_and_one_says_what_is_to_be_refuted(name: str) -> None:
    dataset = some_data(12, 2)
    keys = project(dataset)
    squares = [nearest_flip(dataset, keys, i).squared_distance for i in range(12)]
    for budget in (Fraction(0), Fraction(1, 10), Fraction(1)):
        construction = build(name, dataset, budget=budget)
        assert construction.promises.budget_below == 0 and not construction.robust
        within = sum(square <= budget**2 for square in squares)
        assert flips_within(dataset, keys, budget) == within
        assert f"flips of {within} of 12 samples are within" in construction.notes[-1]
    with pytest.raises(UserError, match="not below half the separation"):
        build(name, dataset, ratio=Fraction(1))


def test_keys_of_any_range_leave_about_two_thirds_powers_of_parameters() -> None:
    """Blocks of N^(1/3) keys in a range of N^2: at most 2 N^(2/3) + 1, were the keys at N^9."""
    rng = np.random.default_rng(1)
    size = 216
    rows = [[Fraction(int(v), 10**9 + 7)] for v in rng.integers(0, 10**18, size)]
    dataset = Dataset.from_rows("wide", rows, [k % 3 for k in range(size)])
    labels = project(dataset).labels(dataset)
    modulus = modulus_of(labels)
    assert size**2 <= modulus < 2 * size**2 and max(labels) > modulus**2
    construction = build("park", dataset, budget=Fraction(0))
    check_promises(construction)
    assert sampled_flips(construction, dataset, count=0) == []
    most = 2 * 36 + 2
    assert construction.network.width <= max(2 * most, 8 * 36) + 10
    assert construction.network.dense_parameters < 250 * 36


def test_keys_that_cannot_differ_are_named() -> None:
    dataset = Dataset.from_rows("pair", [[0, 1], [1, 0]], [0, 1])
    with pytest.raises(UserError, match="none of 0 projections .* distinct projected keys"):
        project(dataset, tries=0)
    for name in ("vardi", "park"):
        with pytest.raises(UserError, match="no bit reader 'x'; there are threshold, sawtooth"):
            build(name, dataset, budget=Fraction(0), options={"reader": "x"})
    with pytest.raises(UserError, match="budget -1 is negative"):
        build("vardi", dataset, budget=Fraction(-1))
