"""Networks made of maxima are closed by the bounds of these, however small they are."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from constructions.registry import build
from verifier.checker.scaled import ScaledNetwork
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Robust
from verifier.question.build import Affine, NetworkBuilder, chain_from_floats
from verifier.question.query import Query
from verifier.question.region import Norm, ball
from verifier.search.deep.has_maxima import has_maxima
from verifier.tasks.verify import verify_batch


def crowds(seed: int, inputs: int, size: int, classes: int) -> Dataset:
    """Classes in wide boxes around centres that are not far from each other."""
    rng = np.random.default_rng(seed)
    centers = rng.integers(0, 20, (classes, inputs))
    rows = {
        tuple((centers[k % classes] + rng.integers(-6, 7, inputs)).tolist()): k % classes
        for k in range(size)
    }
    return Dataset.from_rows("crowds", [list(row) for row in rows], list(rows.values()))


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize(("inputs", "size", "classes"), [(4, 30, 2), (5, 40, 2), (4, 30, 3)])
def test_small_networks_of_half_spaces_are_proved_without_branches(
    norm: Norm, inputs: int, size: int, classes: int
) -> None:
    for seed in range(3):
        data = crowds(seed, inputs, size, classes)
        made = build(f"l{norm}-halfspaces", data, ratio=Fraction(99, 100))
        queries = [
            Query(
                made.network,
                ball(norm, data.point(i), made.budget),
                made.goals(int(data.labels[i]), data.classes),
            )
            for i in range(0, data.size, 4)
        ]
        for outcome in verify_batch(made.network, queries):
            assert isinstance(outcome.verdict, Robust)
            assert outcome.nodes == 0


def test_a_maximum_is_seen_through_copies_and_a_layered_network_has_none() -> None:
    build = NetworkBuilder(2)
    x, y = build.inputs
    first, second = build.layer([x, y])
    rise, copy = build.layer([first - second, second])
    (rise, copy) = build.layer([rise, copy])
    maximum = build.network([*build.layer([rise + copy + 1])])
    assert has_maxima(ScaledNetwork(maximum, 1))
    rng = np.random.default_rng(0)
    sizes = (3, 5, 5, 2)
    weights = [rng.integers(-9, 9, (b, a)).astype(float) for a, b in pairwise(sizes)]
    layered = chain_from_floats(weights, [np.ones(len(rows)) for rows in weights])
    assert not has_maxima(ScaledNetwork(layered, 1))


def test_a_unit_of_one_variable_is_no_maximum() -> None:
    """b + relu(b) has nothing that intervals do not see."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (first,) = build.layer([x])
    network = build.network([*build.layer([first + x + Affine.sum([y])])])
    assert not has_maxima(ScaledNetwork(network, 1))
