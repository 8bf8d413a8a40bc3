"""Broken copies of every construction are refuted by the verifier, with an exact flip."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from constructions import power_interpolant, sawtooth, serial, small_ratio
from constructions.construction import Construction
from constructions.hypotheses import half_separation_lower, power_separation
from constructions.integer_memorizer import Table
from constructions.registry import REGISTRY, build
from constructions.small_ratio import plan_of
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.question.network import Network, Rows
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

F = Fraction
NAMES = [n for n, entry in REGISTRY.items() if entry.robust and entry.norm in ("inf", "1", "2")]
BINARY = ("lipschitz", "lipschitz-parallel")
LIPSCHITZ = (*BINARY, "lipschitz-ovr")
TIGHT = ("linf", "linf-pipelined", "linf-parallel", "linf-serial", "l1", "l1-parallel", "l1-serial")
"""Their tests are met with equality on the sphere of a ball."""
SQUARES = ("l2", "l2-parallel", "l2-shallow", "l2-serial", "narrow-l2", "large-rho")


def data(name: str) -> Dataset:
    """Six points in the plane; those of the greatest label are not left out by any network."""
    rng = np.random.default_rng(5)
    points = rng.permutation(np.unique(rng.integers(-40, 40, (18, 2)), axis=0))[:6]
    labels = [0, 0, 1, 0, 1, 0] if name in BINARY else [0, 1, 2, 0, 1, 2]
    return Dataset.from_rows("six", points.tolist(), labels)


def at_ratio(
    name: str, dataset: Dataset, ratio: Fraction, options: dict[str, int] | None = None
) -> Construction:
    if name == "small-rho":
        below = plan_of(dataset, F(0)).budget_below
        return build(name, dataset, budget=below * ratio)
    return build(name, dataset, ratio=ratio, options=options)


def verdicts(
    construction: Construction, dataset: Dataset, radius: Fraction | None = None
) -> list[Any]:
    radius = construction.budget if radius is None else radius
    queries = [
        Query(
            construction.network,
            ball(construction.norm, dataset.point(i), radius),
            construction.goals(int(dataset.labels[i]), 2 if dataset.classes == 2 else 3),
        )
        for i in range(dataset.size)
    ]
    outcomes = verify_batch(construction.network, queries, Options(timeout=30))
    return [outcome.verdict for outcome in outcomes]


def flipped(found: list[Any]) -> list[int]:
    """The samples with a flip; all others must be proved."""
    assert all(isinstance(verdict, Flip | Robust) for verdict in found)
    return [i for i, verdict in enumerate(found) if isinstance(verdict, Flip)]


def with_output_bias(construction: Construction, output: int, change: Fraction) -> Construction:
    network = construction.network
    rows = [network.outputs.fractions(k) for k in range(network.outputs.count)]
    old = network.outputs
    constant = rows[output][1] + change
    times = constant.denominator
    constants = old.constants.astype(object)
    denominators = old.denominators.astype(object)
    numerators = old.numerators.astype(object)
    begin, end = int(old.starts[output]), int(old.starts[output + 1])
    numerators[begin:end] *= times
    denominators[output] *= times
    constants[output] = int(constant * denominators[output])
    shifted = Rows(old.starts, old.indices, numerators, constants, denominators)
    changed = Network(network.inputs, network.layers, network.units, shifted)
    assert changed.outputs.fractions(output)[1] == constant
    return replace(construction, network=changed)


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_one_per_cent_too_large_is_refuted(name: str) -> None:
    """Balls of a closest pair then overlap; those of a small ratio leave their cells."""
    dataset = data(name)
    construction = at_ratio(name, dataset, F(99, 100))
    assert flipped(verdicts(construction, dataset)) == []
    if name == "small-rho":
        beyond = plan_of(dataset, F(0)).budget_below * F(101, 100)
    else:
        power = power_separation(dataset, construction.norm)
        beyond = half_separation_lower(power, construction.norm) * F(101, 100)
    assert flipped(verdicts(construction, dataset, beyond))


@pytest.mark.parametrize("name", NAMES)
def test_two_swapped_labels_are_refuted_at_these_two(name: str) -> None:
    dataset = data(name)
    labels = dataset.labels.copy()
    i, j = 0, int(np.flatnonzero(labels != labels[0])[0])
    labels[[i, j]] = labels[[j, i]]
    swapped = at_ratio(name, replace(dataset, labels=labels), F(1, 2))
    radius = min(swapped.budget, at_ratio(name, dataset, F(1, 2)).budget)
    assert flipped(verdicts(swapped, dataset, radius)) == [i, j]


@pytest.mark.parametrize("name", NAMES)
def test_a_dropped_sample_is_refuted(name: str) -> None:
    dataset = data(name)
    left_out = int(np.flatnonzero(dataset.labels == dataset.labels.max())[0])
    others = dataset.select([i for i in range(dataset.size) if i != left_out])
    # Without a plane to itself, the sample may share the image of another one of its label.
    options = {"rank": 2} if name.startswith("narrow") else {}
    dropped = at_ratio(name, others, F(1, 2), options)
    assert left_out in flipped(verdicts(dropped, dataset, min(dropped.budget, F(1, 10))))


@pytest.mark.parametrize("name", TIGHT)
def test_a_network_for_a_budget_smaller_by_a_billionth_is_refuted(name: str) -> None:
    """All its weights are off by less than the last place that the proof needs."""
    dataset = data(name)
    asked = at_ratio(name, dataset, F(9, 10)).budget
    short = build(name, dataset, budget=asked * (1 - F(1, 10**9)))
    assert len(flipped(verdicts(short, dataset, asked))) == dataset.size
    assert flipped(verdicts(short, dataset)) == []


@pytest.mark.parametrize("name", SQUARES)
def test_a_threshold_without_the_allowance_for_the_squares_is_refuted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """n 4^-(m+1) (n p(p-1) / 8J^2) is what the interpolants may exceed the squares by."""
    exact_scale = sawtooth.scale_of

    def bare_scale(dimension: int, budget: Fraction, separation: Fraction) -> sawtooth.Scale:
        scale = exact_scale(dimension, budget, separation)
        return replace(scale, threshold=(budget / scale.unit) ** 2)

    class Bare(power_interpolant.InterpolantTests):
        def __init__(
            self, dataset: Dataset, budget: Fraction, separation: Fraction, exponent: int
        ) -> None:
            super().__init__(dataset, budget, separation, exponent)
            bend = F(dataset.dimension * exponent * (exponent - 1), 8)
            self.threshold -= bend / self.pieces**2

    monkeypatch.setattr(sawtooth, "scale_of", bare_scale)
    monkeypatch.setattr(serial, "scale_of", bare_scale)
    monkeypatch.setattr(power_interpolant, "InterpolantTests", Bare)
    dataset = data(name)
    assert flipped(verdicts(at_ratio(name, dataset, F(9, 10)), dataset))


@pytest.mark.parametrize("name", LIPSCHITZ)
def test_a_bias_that_uses_up_the_margin_is_refuted_and_a_billionth_less_is_proved(
    name: str,
) -> None:
    """The margin of a closest pair is 1 - 2 mu / lambda, between two outputs twice that. A tie is
    a flip."""
    dataset = data(name)
    construction = at_ratio(name, dataset, F(3, 4))
    margin = F(1, 4) if name in BINARY else F(1, 2)
    labels, points = dataset.labels, dataset.numerators
    gaps = [
        (int(abs(points[i] - points[j]).max()), i)
        for i in range(6)
        for j in range(6)
        if labels[i] != labels[j] and (labels[i] == 1 or name not in BINARY)
    ]
    closest = min(gaps)[1]
    output = 0 if name in BINARY else int(labels[closest])
    used_up = with_output_bias(construction, output, -margin)
    assert closest in flipped(verdicts(used_up, dataset))
    nearly = with_output_bias(construction, output, -margin + F(1, 10**9))
    assert closest not in flipped(verdicts(nearly, dataset))


@pytest.mark.parametrize("name", ["small-rho", "narrow-linf"])
def test_an_output_off_by_one_unit_in_the_last_place_is_refuted_everywhere(name: str) -> None:
    dataset = data(name)
    construction = at_ratio(name, dataset, F(1, 2))
    broken = with_output_bias(construction, 0, F(1, 2**60))
    assert len(flipped(verdicts(broken, dataset))) == dataset.size


def test_one_unit_in_the_last_place_of_a_key_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key leads the word of its group; the sample that has it gets the label of no key."""
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(-(10**6), 10**6, (12, 3)), axis=0)
    dataset = Dataset.from_rows("twelve", points.tolist(), [k % 3 for k in range(len(points))])
    budget = plan_of(dataset, F(0)).budget_below / 2
    exact_table = small_ratio.table_of

    def off_by_one(labels: dict[int, int], slots: int | None) -> Table:
        table = exact_table(labels, slots)
        last_bit = 1 << table.key_bits * (table.slots - 1)
        return replace(table, key_words=(table.key_words[0] ^ last_bit, *table.key_words[1:]))

    monkeypatch.setattr(small_ratio, "table_of", off_by_one)
    broken = build("small-rho", dataset, budget=budget, options={"slots": 12})
    assert 1 <= len(flipped(verdicts(broken, dataset))) < dataset.size
