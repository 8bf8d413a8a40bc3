"""What a scaled network says of its sizes is true: overflow is judged by it."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.random_queries import random_network
from verifier.checker import scaled
from verifier.checker.scaled import LIMIT, ScaledNetwork
from verifier.question.build import Affine, NetworkBuilder


@pytest.mark.parametrize("denominator", [1, 12, 2**40, 3**50])
def test_no_constant_or_row_is_larger_than_it_is_said_to_be(denominator):
    for seed in range(40):
        network = random_network(Random(seed), 2, 5, 2)
        for layer in ScaledNetwork(network, denominator).layers:
            constants = [abs(int(c)) for c in layer.constants]
            assert layer.largest_constant == max(constants, default=0)
            sums = [0] * (layer.last - layer.first)
            bounds = [*layer.starts.tolist(), len(layer.indices)]
            for row, begin, end in zip(layer.filled.tolist(), bounds, bounds[1:], strict=False):
                sums[row] = sum(abs(int(w)) for w in layer.weights[begin:end])
            assert layer.largest_row == max(sums, default=0)


def test_axes_are_the_inputs_without_the_parameter_of_a_family():
    network = random_network(Random(1), 3, 2, 1)
    assert ScaledNetwork(network, 1).axes == 3
    assert ScaledNetwork(network, 1, family=True).axes == 2


@pytest.mark.parametrize("denominator", [1, 2**40, 3**50])
def test_blocks_are_as_large_as_they_say(denominator):
    """And hold their constants in 64 bits where these fit."""
    for seed in range(20):
        network = random_network(Random(seed), 2, 5, 2)
        for block in ScaledNetwork(network, denominator).blocks:
            constants = [abs(int(c)) for c in block.constants.ravel()]
            assert block.largest_constant == max(constants, default=0)
            assert (block.constants.dtype == object) <= (block.largest_constant >= LIMIT)


def layers(*rows):
    """A network of which unit k of layer l has weights 1 on these variables of the layer before."""
    build = NetworkBuilder(4)
    known = list(build.inputs)
    for layer in rows:
        known = build.layer([Affine.sum([known[j] for j in row]) for row in layer])
    return build.network(known[:1])


def test_layers_are_matrices_where_half_of_them_is_filled(monkeypatch):
    full = layers([(0, 1, 2, 3)] * 3, [(0, 1, 2)] * 2)
    found = ScaledNetwork(full, 1).full_layers
    assert [layer.weights.shape for layer in found] == [(3, 4), (2, 3)]
    halves = layers([(0, 1), (2, 3), (0, 3)])  # 12 cells, 6 entries
    assert ScaledNetwork(halves, 1).full_layers is not None
    assert ScaledNetwork(layers([(0, 1), (2, 3), (0,)]), 1).full_layers is None
    assert ScaledNetwork(layers([(0, 1, 2)], [(0,)]), 1).full_layers is not None  # 2 a unit
    assert ScaledNetwork(layers([(0, 1)], [(0,)]), 1).full_layers is None
    for cells, taken in ((18, True), (17, False)):
        monkeypatch.setattr(scaled, "_CELLS", cells)
        assert (ScaledNetwork(full, 1).full_layers is not None) is taken


def test_copies_are_units_that_are_1_times_a_unit():
    """In their scales: a half of a unit has the scale 2, and then the same numbers."""
    build = NetworkBuilder(1)
    (unit,) = build.layer([build.inputs[0]])
    rows = build.layer([unit * 1, unit * 2, unit + 1, unit * -1, unit * Fraction(1, 2)])
    (again,) = build.layer([rows[0] * 1])
    network = build.network([again])
    for denominator in (1, 3):
        origins = ScaledNetwork(network, denominator).origins.tolist()
        assert origins == [0, 1, 1, 3, 4, 5, 1, 1]


def test_nobody_writes_into_a_scaled_network():
    network = layers([(0, 1, 2, 3)] * 3, [(0, 1, 2)] * 2)
    for denominator in (1, 3):
        made = ScaledNetwork(network, denominator)
        tables = made.tables
        arrays = [made.origins, made.levels, made.weights, made.constants]
        arrays += [tables.lower_row, tables.upper_row]
        for layer in made.layers:
            arrays += [a for a in vars_of(layer) if isinstance(a, np.ndarray)]
        for block in made.blocks:
            arrays += [a for a in vars_of(block) if isinstance(a, np.ndarray)]
        arrays += [layer.weights for layer in made.full_layers]
        for array in arrays:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = array


def vars_of(one):
    return [getattr(one, name) for name in type(one).__slots__]
