"""The controls are right at the samples and flip where the closed form says."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.construction import check_promises
from constructions.hypotheses import power_separation
from constructions.projected_keys import nearest_flip, project, shorten
from constructions.registry import build
from constructions.sampled import sampled_flips
from verifier.dataset import Dataset
from verifier.errors import UserError
from verifier.trusted.evaluate import evaluate


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


def test_keys_that_cannot_differ_are_named() -> None:
    dataset = Dataset.from_rows("pair", [[0, 1], [1, 0]], [0, 1])
    with pytest.raises(UserError, match="none of 0 projections .* distinct projected keys"):
        project(dataset, tries=0)
    with pytest.raises(UserError, match="budget -1 is negative"):
        build("vardi", dataset, budget=Fraction(-1))
