"""What is left of a network on a region: the same forms in fewer weights, and steps in float32."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.question.build import chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.search.bounds import ascent as ascent_module
from verifier.search.bounds.ascent import Ascent
from verifier.search.bounds.blocks import Blocks, blocks_of
from verifier.search.bounds.float_leaf import LeafBounds
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.trees.phases import PhaseTree

FEW_INPUTS, MANY_INPUTS = (3, 30, 30, 1), (60, 12, 12, 12, 1)


def bounds_of(sizes: tuple[int, ...], seed: int, threshold: F = F(0)) -> LeafBounds:
    random = np.random.default_rng(seed)
    network = chain_from_floats(
        [random.normal(size=shape) for shape in zip(sizes[1:], sizes, strict=False)],
        [random.normal(size=rows) / 2 for rows in sizes[1:]],
    )
    goal = Goal((Atom((), ((0, F(1)),), -threshold, False),), "high")
    n = sizes[0]
    query = Query(network, box([F(-1, 20)] * n, [F(1, 10)] * n), (goal,))
    scaled = ScaledNetwork(network, common_denominator([query.region.lower, query.region.upper]))
    checker = TreeChecker(query, scaled, interval_bounds(scaled, [query.region])[0])
    floats = FloatNetwork(network)
    tree = PhaseTree(query, checker, floats, None)
    atoms = floats.atoms(goal)
    return LeafBounds(query, floats, atoms, tree.lower, tree.upper, tree.box)


def network_of(sizes: tuple[int, ...], seed: int) -> FloatNetwork:
    random = np.random.default_rng(seed)
    return FloatNetwork(
        chain_from_floats(
            [random.normal(size=shape) for shape in zip(sizes[1:], sizes, strict=False)],
            [random.normal(size=rows) / 2 for rows in sizes[1:]],
        )
    )


@pytest.mark.parametrize("sizes", [FEW_INPUTS, MANY_INPUTS])
@pytest.mark.parametrize("seed", range(4))
def test_forms_of_kept_units_say_the_same_at_every_point(sizes: tuple[int, ...], seed: int) -> None:
    """Of points at which the units that are said to be on, or off, are so."""
    network, random = network_of(sizes, seed), np.random.default_rng(seed)
    points = random.uniform(-1, 1, size=(1, sizes[0])) + 0.01 * random.normal(size=(9, sizes[0]))
    variables, a = network.forward(points)
    on, off = (a >= 0).all(axis=0), (a <= 0).all(axis=0)
    some = random.uniform(size=on.shape) < (
        0.3 if sizes is FEW_INPUTS else 0.8
    )  # to be undecided as well
    undecided = np.flatnonzero((~on & ~off) | some)
    on &= ~some
    forms = random.normal(size=(5, network.network.variables))
    constants = random.normal(size=5)
    blocks = blocks_of(network, on, undecided, forms)
    assert blocks.folds == (sizes is FEW_INPUTS)
    assert blocks is blocks_of(network, on, undecided, forms[::-1])
    kept = np.zeros((9, blocks.width))
    kept[:, : sizes[0]] = points
    for block in reversed(blocks.double):
        a_kept = kept[:, block.columns] @ block.weights.T + block.bias
        kept[:, block.kept] = np.maximum(a_kept, 0)
        mine = a_kept[:, block.own.start - block.kept.start :]
        assert np.allclose(mine, a[:, undecided[block.part]])
    read, offsets = blocks.read(forms, constants)
    assert np.allclose(kept @ read.T + offsets, variables @ forms.T + constants)
    assert blocks.cells == sum(part.size for part in blocks.magnitudes)
    for double, single in zip(blocks.double, blocks.single(), strict=True):
        assert single.weights.dtype == np.float32
        assert np.array_equal(single.weights, double.weights.astype(np.float32))


def test_what_nobody_reads_is_left_out() -> None:
    network = network_of((3, 8, 8, 1), 0)
    on, undecided = np.zeros(16, dtype=bool), np.arange(16)
    forms = np.zeros((1, network.network.variables))
    forms[0, 3 + 2] = 1  # a unit of the first layer
    assert len(blocks_of(network, on, undecided, forms).double) == 1
    forms[0, 3 + 2], forms[0, 1] = 0, 1  # an input
    assert blocks_of(network, on, undecided, forms).double == []
    assert len(Blocks(network, on, undecided, 3 + 16).double) == 2


@pytest.mark.parametrize("seed", range(4))
def test_steps_in_float32_find_what_those_in_float64_find(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = bounds_of((6, 20, 20, 1), seed, F(1000))
    phases = np.zeros((100, len(bounds.undecided)), dtype=np.int8)
    random = np.random.default_rng(seed)
    phases[1:] = random.choice(np.array([-1, 0, 0, 1], dtype=np.int8), size=phases[1:].shape)
    double = Ascent(bounds)
    exact = double.improve(double.start(np.ones((100, 1))), phases, 30, np.inf)
    monkeypatch.setattr(ascent_module, "SINGLE_CELLS", 1)
    single = Ascent(bounds)
    found = single.improve(single.start(np.ones((100, 1))), phases, 30, np.inf)
    values, parts = single.values_after(single.start(np.ones((100, 1))), phases, 30, np.inf)
    assert found.values.dtype == found.a.dtype == parts.rising.dtype == np.float64
    assert not np.array_equal(found.values, exact.values)  # in float32, indeed
    assert np.array_equal(found.values, values)
    assert np.array_equal(found.parts.bounds, parts.bounds)
    again, sizes, _ = bounds.values(found.parts, phases)
    assert (np.abs(found.values - again) < ascent_module.SINGLE_NOISE * sizes).all()
    assert np.allclose(found.values, exact.values, rtol=1e-3)
    assert (found.parts.falling <= bounds.chord).all()


def test_where_the_first_bound_is_rounding_error_no_step_is_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ascent_module, "SINGLE_CELLS", 1)
    far, at = bounds_of((6, 20, 20, 1), 0, F(1000)), bounds_of((6, 20, 20, 1), 0)
    none = np.zeros((1, len(at.undecided)), dtype=np.int8)
    value = at.values(Ascent(at).start(np.ones((1, 1))), none)[0][0]
    near = bounds_of((6, 20, 20, 1), 0, F(-float(value)) + F(1, 10**4))
    for bounds, single in ((far, True), (near, False)):
        ascent, phases = Ascent(bounds), np.zeros((1, len(bounds.undecided)), dtype=np.int8)
        start = ascent.start(np.ones((1, 1)))
        found, exact = (ascent.improve(start, phases, 0, np.inf), bounds.values(start, phases)[0])
        assert (found.values == found.values.astype(np.float32)).all() == single
        assert np.allclose(found.values, exact, rtol=1e-4 if single else 1e-12, atol=1e-12)
