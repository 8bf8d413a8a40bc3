"""What every construction promises, on random data, at exact points of every ball."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.construction import Construction, check_promises
from constructions.registry import REGISTRY, build
from constructions.sampled import sampled_flips
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import load_network, network_bytes, save_network
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

ROBUST = [name for name, entry in REGISTRY.items() if entry.robust and name != "small-rho"]
"""All but small-rho, which has a range of its own: see test_lattice."""
BINARY = ("lipschitz", "lipschitz-parallel")
RATIOS = (Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000))


def random_data(
    seed: int, size: int, dimension: int, classes: int, denominator: int = 1, spread: int = 40
) -> Dataset:
    """Random distinct points with random labels, each class at least once."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(-spread, spread, (3 * size, dimension)), axis=0)
    points = rng.permutation(points)[:size]
    labels = [*range(classes), *rng.integers(0, classes, len(points) - classes).tolist()]
    rows = [[Fraction(int(entry), denominator) for entry in row] for row in points]
    return Dataset.from_rows("random", rows, labels)


@pytest.mark.parametrize("name", ROBUST)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(4, 8),
    dimension=st.integers(1, 4),
    classes=st.integers(2, 4),
    denominator=st.sampled_from([1, 3, 10]),
    ratio=st.sampled_from(RATIOS),
)
def test_every_sampled_point_of_every_ball_has_its_label(
    name: str,
    seed: int,
    size: int,
    dimension: int,
    classes: int,
    denominator: int,
    ratio: Fraction,
) -> None:
    dataset = random_data(seed, size, dimension, 2 if name in BINARY else classes, denominator)
    construction = _build(name, dataset, ratio)
    check_promises(construction)
    assert construction.network.is_chain
    assert sampled_flips(construction, dataset, count=4, seed=seed) == []


def _build(name: str, dataset: Dataset, ratio: Fraction) -> Construction:
    return build(name, dataset, ratio=ratio)


@pytest.mark.parametrize("name", ROBUST)
def test_the_same_seed_gives_the_same_bytes_and_the_file_gives_the_network(
    name: str, tmp_path: Path
) -> None:
    dataset = random_data(5, 6, 3, 2)
    first, second = (build(name, dataset, ratio=Fraction(1, 3), seed=7) for _ in range(2))
    assert network_bytes(first.network) == network_bytes(second.network)
    save_network(first.network, tmp_path / "network")
    assert load_network(tmp_path / "network").digest == first.network.digest


@pytest.mark.parametrize("name", list(REGISTRY))
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(4, 11),
    dimension=st.integers(1, 5),
    denominator=st.sampled_from([1, 3, 97]),
    spread=st.sampled_from([8, 40, 10**6]),
    ratio=st.sampled_from(RATIOS),
)
def test_every_size_is_promised_and_kept(
    name: str,
    seed: int,
    size: int,
    dimension: int,
    denominator: int,
    spread: int,
    ratio: Fraction,
) -> None:
    """Width, depth, nonzero and dense parameters and bits, and a range for the budget."""
    if name in ("small-rho", "moderate-rho"):
        ratio /= 200
    dataset = random_data(seed, size, dimension, 2, denominator, spread)
    construction = build(name, dataset, ratio=ratio)
    assert list(construction.promises.sizes()) == ["width", "depth", "nonzero", "dense", "bits"]
    assert construction.promises.budget_below is not None
    check_promises(construction)


@pytest.mark.parametrize("name", list(REGISTRY))
def test_half_the_separation_is_refused(name: str) -> None:
    dataset = random_data(3, 6, 3, 2)
    with pytest.raises(UserError, match="not below half the separation, "):
        build(name, dataset, ratio=Fraction(1))
    with pytest.raises(UserError, match="negative"):
        build(name, dataset, budget=Fraction(-1, 2))


@pytest.mark.parametrize("name", ROBUST)
def test_two_swapped_labels_or_a_dropped_sample_are_seen(name: str) -> None:
    dataset = random_data(11, 7, 3, 2 if name in BINARY else 3)
    labels = dataset.labels.copy()
    i, j = 0, int(np.flatnonzero(labels != labels[0])[0])
    labels[[i, j]] = labels[[j, i]]
    swapped = build(name, replace(dataset, labels=labels), ratio=Fraction(1, 2))
    assert {flip.sample for flip in sampled_flips(swapped, dataset, count=1)} >= {i, j}


@pytest.mark.parametrize("name", ROBUST)
def test_a_bias_of_the_output_that_is_off_by_one_half_or_one_is_seen(name: str) -> None:
    dataset = random_data(11, 6, 2, 2)
    construction = build(name, dataset, ratio=Fraction(1, 2))
    outputs = construction.network.outputs
    constants = outputs.constants.copy()
    constants[0] += 2 * outputs.denominators[0]
    shifted = Rows(
        outputs.starts, outputs.indices, outputs.numerators, constants, outputs.denominators
    )
    network = construction.network
    broken = replace(
        construction,
        network=Network(network.inputs, network.layers, network.units, shifted),
    )
    assert sampled_flips(broken, dataset, count=1)
