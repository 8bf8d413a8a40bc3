"""Units with equal rows share their bounds and functions, and nothing else changes."""

from copy import deepcopy
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.ridge_values import value
from verifier.checker import ridge_tables
from verifier.checker import scaled as scaled_module
from verifier.checker.intervals import interval_bounds
from verifier.checker.ridge import univariate_of
from verifier.checker.ridge_tables import tables_of
from verifier.checker.scaled import ScaledNetwork, Scales, narrow, place_type
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network, Rows
from verifier.question.region import box

F = Fraction


def repeated(seed):
    """Layers in which few rows come often, and read units that come often; copies among them."""
    rng, build = Random(seed), NetworkBuilder(2)
    known = list(build.inputs)
    for _ in range(3):
        picked = [rng.sample(known, 2) for _ in range(3)]
        forms = [a * rng.choice((1, 2, -1)) + b * rng.choice((3, -2)) + rng.randint(-1, 2)
                 for a, b in picked] + [rng.choice(known) * 1, rng.choice(known) + 1]  # fmt: skip
        known = [*build.inputs, *build.layer([rng.choice(forms) for _ in range(12)])]
    return build.network([Affine.sum(known)])


def values_at(network, point):
    values = list(point)
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        values.append(max(constant + sum((w * values[j] for j, w in weights.items()), F(0)), F(0)))
    return values


def look_at_all_layers(monkeypatch):
    """All layers are looked at."""
    monkeypatch.setattr(scaled_module, "_BLOCK", 1)


@pytest.mark.parametrize("denominator", [1, 6])
def test_the_first_of_a_kind_has_the_same_value(monkeypatch, denominator):
    look_at_all_layers(monkeypatch)
    fewer = 0
    for seed in range(30):
        network, rng = repeated(seed), Random(seed)
        scaled, inputs = ScaledNetwork(network, denominator), network.inputs
        firsts = scaled.firsts
        assert (firsts[firsts] == firsts).all() and (firsts <= np.arange(len(firsts))).all()
        assert firsts[:inputs].tolist() == list(range(inputs))
        assert not firsts.flags.writeable
        assert (firsts[scaled.origins] == firsts).all()
        known: dict[object, int] = {}
        for v in range(network.units.count):
            variables, weights, constant = scaled.row(v)
            first = firsts.item(inputs + v)
            if scaled.origins[inputs + v] == inputs + v:
                layer = next(k for k, one in enumerate(scaled.layers) if v < one.last)
                row = layer, *firsts[variables].tolist(), *weights, constant
                assert first == known.setdefault(row, inputs + v)
        for _ in range(4):
            point = [F(rng.randint(-9, 9), rng.choice((1, 2))) for _ in range(inputs)]
            values = values_at(network, point)
            assert [values[j] for j in firsts] == values
        fewer += len(set(firsts.tolist())) < 25
    assert fewer > 20


def test_bounds_are_those_of_each_unit_alone(monkeypatch):
    rng, fewer = Random(5), 0
    for seed in range(30):
        network = repeated(seed)
        sides = [sorted(F(rng.randint(-9, 9)) for _ in range(4)) for _ in range(2)]
        regions = [box([a, b], [a + c, b + d]) for (a, b, c, d) in
                   [(s[0], s[1], s[3] - s[0], F(1)) for s in sides]]  # fmt: skip
        found, heights = [], []
        for block in (1, 1 << 11):
            monkeypatch.setattr(scaled_module, "_BLOCK", block)
            scaled = ScaledNetwork(Network(network.inputs, network.layers, network.units,
                                           network.outputs), 2)  # fmt: skip
            heights.append(scaled.tables.height)
            twins = interval_bounds(scaled, regions, twins=True)
            found.append([
                [(root.lower_of(v), root.upper_of(v)) for v in range(network.units.count)]
                for root in (*interval_bounds(scaled, regions), *twins)
            ])  # fmt: skip
        assert found[0] == found[1]
        fewer += heights[0] < heights[1]
    assert fewer > 20


@pytest.mark.parametrize("at_once", [1, 5, 1 << 20])
def test_functions_and_sums_are_those_of_each_unit_alone(monkeypatch, at_once):
    """Whether equal rows are looked for or not, and however many entries are looked at together."""
    for seed in range(12):
        rng, build = Random(seed), NetworkBuilder(2)
        x, y = build.inputs
        kinds = [d * rng.choice((-1, 1, 2)) + rng.randint(-2, 2) for d in (x, y, x - y) * 2]
        bends = build.layer([rng.choice(kinds) for _ in range(14)])
        above = build.layer([u * rng.choice((1, 2)) + rng.randint(0, 1) for u in bends])
        sums = build.layer([Affine.sum(rng.sample([*bends, *above], 9)) + 1 for _ in range(5)])
        tops = build.layer([sums[0] + sums[1] - bends[0], sums[2] * 2 + above[1]])
        network = build.network([Affine.sum(tops)])
        point = [F(rng.randint(-9, 9), 2) for _ in "xy"]
        known = []
        for block, size in ((1, at_once), (1 << 11, 1 << 20)):
            monkeypatch.setattr(scaled_module, "_BLOCK", block)
            monkeypatch.setattr(ridge_tables, "AT_ONCE", size)
            fresh = Network(network.inputs, network.layers, network.units, network.outputs)
            scaled = ScaledNetwork(fresh, 2)
            tables, univariate = tables_of(scaled), univariate_of(scaled)
            final = tables.final
            along = [sum(g * point[k] for k, g in d) for d in univariate.directions]
            totals = [
                constant + sum(f * value(tables.profiles[p], along[tables.line_of_profile[p]])
                               for p, f in zip(final.profiles[a:b].tolist(),
                                               final.factors[a:b].tolist(), strict=True))
                for constant, a, b in zip(final.constants, final.starts, final.starts[1:],
                                          strict=False)
            ]  # fmt: skip
            nodes = [value(univariate.functions[n], along[univariate.line_of_node[n]])
                     for n in univariate.node_of if n >= 0]  # fmt: skip
            known.append((final.units.tolist(), totals, nodes))
        assert known[0] == known[1], seed
        assert known[0][0][-2:] == [network.units.count - 2, network.units.count - 1]


def test_terms_are_kept_of_sums_that_are_read():
    build = NetworkBuilder(2)
    x, y = build.inputs
    one, two = build.layer([x, y])
    sums = build.layer([one + two + 1, one + 2 * two + 1])
    (top,) = build.layer([sums[0] + one])
    assert tables_of(ScaledNetwork(build.network([top + sums[1]]), 1))._count == 2


def test_layers_have_their_numbers_in_the_arrays_of_all(monkeypatch):
    look_at_all_layers(monkeypatch)
    scaled = ScaledNetwork(repeated(1), 3)
    for layer in scaled.layers:
        assert np.shares_memory(layer.weights, scaled.weights)
        assert np.shares_memory(layer.constants, scaled.constants)
        assert not layer.weights.flags.writeable and not layer.constants.flags.writeable


def test_large_numbers_stay_apart_from_others(monkeypatch):
    look_at_all_layers(monkeypatch)
    """Of two layers one with numbers beyond 64 bits: in the joined array all are Python's."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    a, b = build.layer([x + y, x - y])
    network = build.network(build.layer([a * 2**70 + b, a * 2**70 + b, a - b + 2**70]))
    scaled = ScaledNetwork(network, 1)
    assert [layer.weights.dtype for layer in scaled.layers] == [np.int64, object]
    assert scaled.weights.dtype == object and scaled.row(2) == ([2, 3], [2**70, 1], 0)
    assert scaled.firsts.tolist() == list(range(7))  # not looked for


@pytest.mark.parametrize("numbers", [[3], [4, 1, 4, 4, 2], list(range(300)), [2**70, 1, 2**70]])
def test_scales(numbers):
    kind = object if max(numbers) > 2**62 else np.int64
    scales = Scales.of(np.array(numbers, dtype=kind))
    assert list(scales) == numbers == [scales[k] for k in range(len(scales))]
    assert scales[1:3] == numbers[1:3] and scales.largest() == max(numbers)
    assert all(type(scale) is int for scale in (*scales, scales[0]))
    assert list(scales.times(5)) == [5 * number for number in numbers]
    assert Scales.of(np.zeros(0, dtype=np.int64)).largest() == 1


def test_narrow_integers_hold_negatives_as_well():
    """The absolute value of the least number of a type is none of its numbers."""
    for bits, kind, wider in ((15, np.int16, np.int32), (31, np.int32, np.int64)):
        for top, found in ((2**bits - 1, kind), (2**bits, wider)):
            for number in (top, -top):
                assert narrow(np.array([1, number])).dtype == found
                assert narrow(np.array([1, number])).tolist() == [1, number]
    assert narrow(np.array([2**70], dtype=object)).dtype == object
    assert place_type(2**31 - 1) == np.int32 and place_type(2**31) == np.int64


def test_a_copy_of_a_network_has_arrays_of_its_own():
    """Of the same bytes, which do not change; Python integers are copied."""
    build = NetworkBuilder(1)
    (z,) = build.layer([build.inputs[0] * 2**70 - 1])
    rows = build.network([z]).units
    copied = deepcopy(rows)
    assert type(copied) is Rows
    for name in ("starts", "indices", "numerators", "constants", "denominators"):
        own, other = getattr(rows, name), getattr(copied, name)
        assert other is not own and other.base is not own and other.tolist() == own.tolist()
        assert (own.dtype == object) != (other.base is own.base)
        assert np.shares_memory(own, other) == (own.dtype != object)
