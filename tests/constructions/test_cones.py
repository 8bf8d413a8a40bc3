"""The optimal Lipschitz constant of Theorem 5.2."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.registry import build
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError


def some_data(classes: int) -> Dataset:
    rng = np.random.default_rng(4)
    return Dataset.from_rows(
        "some", rng.integers(-30, 30, (12, 5)).tolist(), [k % classes for k in range(12)]
    )


@pytest.mark.parametrize(
    ("name", "classes"), [("lipschitz", 2), ("lipschitz-parallel", 2), ("lipschitz-ovr", 4)]
)
def test_no_pair_of_points_is_steeper_than_two_over_the_separation(name: str, classes: int) -> None:
    dataset = some_data(classes)
    construction = build(name, dataset, ratio=Fraction(1, 2))
    bound = construction.promises.lipschitz
    assert bound is not None
    rng = np.random.default_rng(1)
    pairs = []
    for _ in range(150):
        x = [Fraction(int(v), 3) for v in rng.integers(-150, 150, 5)]
        scale = int(rng.choice((1, 20, 200)))
        pairs.append((x, [v + Fraction(int(d), 7) for v, d in zip(x, rng.integers(-scale, scale, 5),
                                                                  strict=True)]))  # fmt: skip
    left = evaluate(construction.network, [x for x, _ in pairs])
    right = evaluate(construction.network, [y for _, y in pairs])
    for (x, y), f, g in zip(pairs, left, right, strict=True):
        distance = max(abs(a - b) for a, b in zip(x, y, strict=True))
        assert all(abs(a - b) <= bound * distance for a, b in zip(f, g, strict=True))


def test_the_bound_is_attained_on_a_closest_pair() -> None:
    dataset = Dataset.from_rows("pair", [[0, 0], [6, 1], [40, 40]], [0, 1, 0])
    construction = build("lipschitz", dataset, ratio=Fraction(1, 2))
    low, high = (
        v for (v,) in evaluate(construction.network, [list(dataset.point(i)) for i in (0, 1)])
    )
    assert construction.promises.lipschitz == Fraction(1, 3)
    assert (low, high) == (-1, 1)


@pytest.mark.parametrize("name", ["lipschitz", "lipschitz-parallel", "lipschitz-ovr"])
def test_one_network_serves_every_budget(name: str) -> None:
    dataset = some_data(2)
    digests = {
        build(name, dataset, ratio=ratio).network.digest
        for ratio in (Fraction(0), Fraction(1, 2), Fraction(999, 1000))
    }
    assert len(digests) == 1


def test_three_classes_need_one_output_each() -> None:
    with pytest.raises(UserError, match="some has 3 classes; the Lipschitz network"):
        build("lipschitz", some_data(3), ratio=Fraction(1, 2))
