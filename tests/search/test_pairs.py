"""Nearly equal networks: differences are bounded layer by layer, in lemmas all checkers know."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Lemma, Robust
from verifier.formats.side_by_side import side_by_side
from verifier.formats.twins import by_differences
from verifier.question.build import chain_from_floats
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.search.options import Options
from verifier.search.trees.pairs import least_units
from verifier.tasks.verify import CheckedOutcome, verify_batch


def pair(seed: int, sizes: list[int], noise: float) -> Network:
    """A random network beside one with weights within `noise` of its own, by differences."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairwise(sizes)]
    biases = [rng.normal(size=b) / 10 for b in sizes[1:]]
    moved = [w + noise * rng.uniform(-1, 1, size=w.shape) for w in weights]
    parts = [chain_from_floats(layers, biases) for layers in (weights, moved)]
    return by_differences(side_by_side([(part, list(range(sizes[0]))) for part in parts], sizes[0]))


def seen(network: Network, width: float) -> float:
    """How far apart corresponding outputs are at some corners and points, at most."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-width, width, size=(40, network.inputs))
    points[:20] = np.sign(points[:20]) * width
    rows = evaluate(network, [[Fraction(x) for x in point] for point in points.tolist()])
    half = network.outputs.count // 2
    return max(abs(float(row[j] - row[j + half])) for row in rows for j in range(half))


def apart(network: Network, width: float, bound: float) -> Query:
    """Whether corresponding outputs differ by more than `bound` somewhere on a box."""
    half, ends = network.outputs.count // 2, [Fraction(width)] * network.inputs
    goals = [
        Goal(
            (Atom((), ((j, Fraction(s)), (j + half, Fraction(-s))), -Fraction(bound), True),),
            str(j),
        )
        for j in range(half)
        for s in (1, -1)
    ]
    return Query(network, box([-x for x in ends], ends), tuple(goals))


def answered(query: Query, **limits: float) -> CheckedOutcome:
    return verify_batch(query.network, [query], Options(**limits))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", [4, 10])
def test_pairs_are_proved_close(seed: int, factor: int) -> None:
    network = pair(seed, [3, 8, 8, 2], 1e-3)
    found = answered(apart(network, 0.5, factor * seen(network, 0.5)), nodes=2000)
    assert isinstance(found.verdict, Robust) and found.checked is not None


def test_the_kernel_replays_such_a_proof() -> None:
    network = pair(5, [3, 6, 5, 2], 1e-3)
    query = apart(network, 1.0, 4 * seen(network, 1.0))
    found = answered(query, nodes=2000)
    verdict = found.verdict
    assert isinstance(verdict, Robust)
    units = least_units(network)
    named = {step.unit for step in verdict.steps if isinstance(step, Lemma)}
    assert named & set(units)  # differences were bounded, not only boxes
    kernel_check_proof(query, verdict)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_not_so_is_refuted(seed: int) -> None:
    network = pair(seed, [2, 5, 4, 1], 1e-2)
    found = answered(apart(network, 1.0, 0.5 * seen(network, 1.0)), nodes=2000)
    assert not isinstance(found.verdict, Robust)


def test_smaller_ones_are_found_in_such_networks_alone() -> None:
    network = pair(1, [3, 5, 2], 1e-3)
    inputs = network.inputs
    found = least_units(network)
    assert len(found) == 2 * 5
    for t, units in found.items():
        assert sorted(network.units.row(t)[0]) == sorted((inputs + units.r, inputs + units.s))
        assert sorted(network.units.row(units.s)[0]) == sorted((inputs + units.r, inputs + units.z))
    rng = np.random.default_rng(2)
    plain = chain_from_floats([rng.normal(size=(4, 3)), rng.normal(size=(2, 4))],
                              [np.zeros(4), np.zeros(2)])  # fmt: skip
    assert least_units(plain) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_pairs_of_two_wide_layers(seed: int) -> None:
    network = pair(seed, [8, 64, 64, 5], 1e-3)
    found = answered(apart(network, 0.1, 20 * seen(network, 0.1)), timeout=600)
    assert isinstance(found.verdict, Robust) and found.checked is not None
