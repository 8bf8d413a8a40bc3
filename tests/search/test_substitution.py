"""On the balls of small ratios every unit is decided: substitution alone gives the label.

This is why exact proofs for floor and bit-extraction networks are short, whatever the weights.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.moderate_ratio import network_of_plan
from constructions.moderate_ratio import plan_of as moderate_plan
from constructions.small_ratio import plan_of as small_plan
from constructions.small_ratio import small
from verifier.data.dataset import Dataset
from verifier.question.network import Network
from verifier.question.rational import sqrt_upper

Form = tuple[dict[int, Fraction], Fraction]


def substituted(
    network: Network, centre: tuple[Fraction, ...], radius: Fraction
) -> tuple[int, Form]:
    """How many units are undecided on the L2 ball, and the output as a form of the inputs."""
    forms: dict[int, Form] = {k: ({k: Fraction(1)}, Fraction(0)) for k in range(network.inputs)}

    def expanded(weights: dict[int, Fraction], constant: Fraction) -> Form:
        linear: dict[int, Fraction] = {}
        for j, a in weights.items():
            inner, shift = forms[j]
            constant += a * shift
            for k, entry in inner.items():
                linear[k] = linear.get(k, Fraction(0)) + a * entry
        return {k: entry for k, entry in linear.items() if entry}, constant

    undecided = 0
    for v in range(network.units.count):
        linear, constant = expanded(*network.units.fractions(v))
        middle = constant + sum((e * centre[k] for k, e in linear.items()), Fraction(0))
        square = sum((e * e for e in linear.values()), Fraction(0))
        reach = sqrt_upper(square, 256) * radius
        undecided += middle - reach < 0 < middle + reach
        off = middle + reach <= 0
        forms[network.inputs + v] = ({}, Fraction(0)) if off else (linear, constant)
    return undecided, expanded(*network.outputs.fractions(0))


def scattered(size: int, dimension: int) -> Dataset:
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(-(10**6), 10**6, (size, dimension)), axis=0)
    return Dataset.from_rows("scattered", points.tolist(), [k % 5 for k in range(len(points))])


@pytest.mark.parametrize(
    "options",
    [{}, {"slots": 12}, {"reader": "sawtooth"}, {"floor": "subtracting"}, {"serial": True}],
)
def test_every_unit_of_a_small_ratio_network_is_decided(options: dict[str, object]) -> None:
    dataset = scattered(120, 5)
    below = small_plan(dataset, Fraction(0)).budget_below
    construction = small(dataset, below * Fraction(9, 10), **options)  # type: ignore[arg-type]
    for i in (0, 50, 119):
        undecided, (linear, constant) = substituted(
            construction.network, dataset.point(i), construction.budget
        )
        assert (undecided, linear, constant) == (0, {}, dataset.labels[i])


def test_every_unit_of_a_group_is_decided_on_its_balls() -> None:
    dataset = scattered(12, 3)
    budget = Fraction(10**4)
    plan = moderate_plan(dataset, budget, error=Fraction(1, 20))
    for number, group in enumerate(plan.groups):
        network = network_of_plan(plan, 3, only=number)
        for i in group.samples:
            undecided, (linear, constant) = substituted(network, dataset.point(i), budget)
            assert (undecided, linear, constant) == (0, {}, dataset.labels[i])
