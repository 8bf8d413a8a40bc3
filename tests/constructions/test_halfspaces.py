"""Half-space memorizers: covers by definition, exact points, and Theorem 4.8."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions import cubes
from constructions.halfspaces import Cover, HalfSpaceTests, axes, cover, halfspaces, parameter
from constructions.hypotheses import power_separation
from constructions.registry import build
from constructions.running_max import network_of, parallel_layers
from constructions.sampled import sampled_flips
from tests.oracles.random_data import random_data
from verifier.data.dataset import Dataset
from verifier.data.load import load

NORMS = ("inf", "1", "2")
ALMOST = Fraction(10**30 - 1, 10**30)


def gap(dataset: Dataset, i: int, j: int) -> list[Fraction]:
    return [a - b for a, b in zip(dataset.point(i), dataset.point(j), strict=True)]


def covers(chosen: Cover, i: int, t: int, away: list[Fraction], least: Fraction) -> bool:
    """The condition of the theorem at both ends, in fractions; `least` is lambda, or lambda^2."""
    vector = [Fraction(int(u), chosen.denominator) for u in chosen.vectors[i][t]]
    value = sum(u * a for u, a in zip(vector, away, strict=True))
    if chosen.norm != "2":
        return value >= least
    square = sum(u * u for u in vector)
    at_one = 2 * value - square
    return value >= least and at_one >= 0 and at_one**2 >= least * square


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(6))
def test_every_rival_is_covered_and_no_half_space_is_idle(norm, seed):
    dataset = random_data(seed, 9, 2 + seed % 3, 2 + seed % 2, denominator=1 + seed)
    least = power_separation(dataset, norm)
    chosen = cover(dataset, norm, least)
    for i in range(dataset.size):
        rivals = np.flatnonzero(dataset.labels != dataset.labels[i]).tolist()
        found = [
            {j for j in rivals if covers(chosen, i, t, gap(dataset, i, j), least)}
            for t in range(len(chosen.vectors[i]))
        ]
        assert set().union(*found) == set(rivals)
        for t in range(len(found)):
            assert found[t] - set().union(*found[:t])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("ratio", [Fraction(0), Fraction(1, 2), ALMOST])
def test_one_architecture_for_every_budget(norm, ratio):
    """The same rows but for biases and the slope of the score, up to half the separation."""
    dataset = random_data(3, 10, 3, 3)
    construction, other = (
        build(f"l{norm}-halfspaces", dataset, ratio=r) for r in (ratio, Fraction(1, 3))
    )
    first, second = construction.network.units, other.network.units
    assert np.array_equal(first.indices, second.indices)
    width = construction.network.layers[0]
    for v in range(width):
        assert first.fractions(v)[0] == second.fractions(v)[0]
    assert sampled_flips(construction, dataset, count=6, seed=1) == []


@pytest.mark.parametrize("budget", [Fraction(0), Fraction(1, 7), Fraction(3, 2)])
def test_with_all_axes_it_is_the_network_of_theorem_4_8(budget):
    dataset = random_data(1, 8, 3, 3, denominator=2)
    least = power_separation(dataset, "inf")
    budget = budget * least / 4
    tests = HalfSpaceTests(dataset, axes(dataset), budget, least)
    network = network_of(parallel_layers(tests, 3), 3, -1)
    assert network.digest == cubes.parallel(dataset, budget).network.digest


def test_an_irrational_separation_is_served_by_a_rational_parameter_above_it():
    power, budget = Fraction(2), Fraction(7, 10)  # lambda = sqrt(2), rho = 0.98995
    rho = parameter(budget, power, "2")
    assert (2 * budget) ** 2 <= rho**2 * power and rho < 1
    assert parameter(Fraction(1, 2), Fraction(9, 4), "2") == Fraction(2, 3)


def test_the_covers_of_real_data_are_small():
    for name, norm, count in (("iris", "2", 297), ("wine", "2", 373), ("wine", "inf", 382)):
        dataset = load(name)
        assert cover(dataset, norm, power_separation(dataset, norm)).size == count


def test_a_rival_that_no_half_space_covers_is_a_flip():
    """Without one half-space the theorem fails, and sampling sees it."""
    dataset = Dataset.from_rows("two", [[Fraction(0)], [Fraction(2)]], [0, 1])
    whole = halfspaces(dataset, Fraction(9, 10), norm="2")
    assert sampled_flips(whole, dataset, count=4) == []
    least = power_separation(dataset, "2")
    chosen = cover(dataset, "2", least)
    broken = Cover("2", (chosen.vectors[0], -chosen.vectors[1]), chosen.denominator)
    tests = HalfSpaceTests(dataset, broken, Fraction(9, 10), least)
    network = network_of(parallel_layers(tests, 1), 1, -1)
    construction = type(whole)(
        name="broken", network=network, norm="2", budget=whole.budget, decoder="value",
        promises=whole.promises,
    )  # fmt: skip
    assert sampled_flips(construction, dataset, count=4)
