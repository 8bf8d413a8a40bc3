"""The network in fixed point against fractions, entry by entry, and the sizes that it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from random import Random
from typing import Any

import numpy as np
import pytest

from verifier.checker import fixed_point
from verifier.checker.fixed_point import (
    FixedNetwork,
    Quotients,
    _Dyadic,
    _Large,
    _Small,
    bit_length,
    floor_of,
    precision,
    refusal,
    shift_of,
    supports,
    whole,
)
from verifier.checker.sparse_block import SparseBlock
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network

F = Fraction


def exponent(value: Fraction) -> int:
    return value.numerator.bit_length() - value.denominator.bit_length()


def dense(block):
    return block.take(np.arange(block.height)) if isinstance(block, SparseBlock) else block


def drawn(rng: Random, kind: str) -> Fraction:
    if kind == "floats":
        return F(rng.gauss(0, 1))
    if kind == "thirds":
        return F(rng.randint(-9, 9), rng.choice((1, 3, 7)))
    if kind == "large":
        return F(rng.choice((-1, 1)) * (2 ** rng.choice((60, 61, 62, 63, 70)) - rng.randint(0, 1)))
    if kind == "small":
        return F(rng.randint(-5, 5), 2 ** rng.choice((0, 60, 61, 62, 63, 70)))
    return F(rng.choice((0, 0, 1, -3)))


def network_of(kind: str, seed: int) -> Network:
    """Layers that read the inputs and earlier layers, rows of zeros among them."""
    rng = Random(seed)
    build = NetworkBuilder(rng.randint(1, 4))
    known = list(build.inputs)
    for _ in range(rng.randint(1, 3)):
        rows = []
        for _ in range(rng.randint(1, 5)):
            read = rng.sample(known, rng.randint(0, len(known)))
            rows.append(Affine.sum([x * drawn(rng, kind) for x in read]) + drawn(rng, kind))
        known += build.layer(rows)
    return build.network([known[-1]])


@pytest.mark.parametrize("kind", ["floats", "thirds", "large", "small", "zeros"])
def test_weights_and_rows_are_those_of_fractions_rounded_down(kind: str) -> None:
    """And where that is not exact, the excess is 1; a block that nothing reads is not stored."""
    for seed in range(12):
        network = network_of(kind, seed)
        fixed, bits = FixedNetwork(network), precision(network)
        starts = [0, network.inputs]
        for layer, (first, last) in zip(fixed.layers, network.layer_ranges(), strict=True):
            assert (layer.first, layer.last) == (first, last)
            rows = [network.units.fractions(v)[0] for v in range(first, last)]
            entries = [w for row in rows for w in row.values()]
            stored = [w for row in rows for w in row.values() if w]
            lengths = [exponent(w) for w in stored] or [0]
            if len(stored) == len(entries):  # a stored zero would count as one of length -1
                shift = bits.weight - 1 - max(lengths) if stored else 0
                assert layer.shift == shift == shift_of(bits.weight, stored)
            read = {j for row in rows for j in row}
            blocks = [k for k, (a, b) in enumerate(fixed.blocks) if read & set(range(a, b))]
            assert [w.block for w in layer.weights] == blocks == list(layer.rows)
            for weights in layer.weights:
                begin, end = fixed.blocks[weights.block]
                floors, forms = dense(weights.floor), dense(layer.rows[weights.block])
                excess = np.zeros_like(floors) if weights.excess is None else dense(weights.excess)
                assert weights.excess is None or excess.any()
                height = last - first
                assert forms.shape == (2 * height, end - begin)
                assert floors.shape == excess.shape == (height, end - begin)
                for i, row in enumerate(rows):
                    own = [exponent(w) for w in row.values()]
                    by = bits.coefficient - 1 - max(own) if own else 0
                    assert layer.row_shifts[i] == layer.row_shifts[i + height] == by
                    for j in range(begin, end):
                        value, k = row.get(j, F(0)), j - begin
                        scaled = value * F(2) ** layer.shift
                        assert floors[i, k] == floor(scaled)
                        assert excess[i, k] == (scaled != floor(scaled))
                        assert forms[i, k] == floor(value * F(2) ** by)
                        assert forms[i + height, k] == -floor(value * F(2) ** by) - (
                            value * F(2) ** by != floor(value * F(2) ** by)
                        )
                        assert abs(floors[i, k]) <= 2**bits.weight
            starts.append(starts[-1] + last - first)
        assert fixed.blocks == [(a, b) for a, b in itertools.pairwise(starts)]


@pytest.mark.parametrize("kind", ["floats", "thirds", "large"])
def test_corners_are_the_rows_at_a_point_of_the_inputs(kind: str) -> None:
    """With the units of earlier layers at 0."""
    for seed in range(6):
        network, rng = network_of(kind, seed), Random(seed)
        base = [F(rng.randint(-9, 9), rng.choice((1, 2, 3, 10))) for _ in range(network.inputs)]
        for layer in FixedNetwork(network).layers:
            wanted = []
            for v in range(layer.first, layer.last):
                weights, constant = network.units.fractions(v)
                terms = [w * base[j] for j, w in weights.items() if j < network.inputs]
                wanted.append(constant + sum(terms, F(0)))
            found = layer.corner.at(base)
            assert [F(*pair) for pair in zip(found.top, found.bottom, strict=True)] == wanted


def test_both_ways_of_rounding_agree_at_the_limits_of_64_bits() -> None:
    """Integers up to 2^62 - 1 over powers of two below 2^62 in arrays, all else in fractions."""
    for top in (2**62 - 1, -(2**62) + 1, 2**62, -(2**62), 2**63 - 1, -(2**63), 3, 0):
        for bottom in (1, 2**61, 2**62, 3, 2**63, 6):
            build = NetworkBuilder(2)
            rows = build.layer([build.inputs[0] * F(top, bottom) + build.inputs[1] * F(1, bottom)])
            network = build.network(rows)
            (layer,) = FixedNetwork(network).layers
            values = [F(top, bottom), F(1, bottom)]
            wanted = [floor(q * F(2) ** layer.shift) for q in values]
            found = dense(layer.weights[0].floor)[0].tolist()
            assert found == wanted
            assert layer.shift == shift_of(precision(network).weight, values)
            rows = network.units
            below = int(rows.denominators[0])
            fits = max(abs(int(n)) for n in rows.numerators) < 2**62 > below
            fits &= below & (below - 1) == 0
            made = _Dyadic.of(rows, 0, 1, np.zeros_like(rows.indices))
            assert isinstance(made, _Small if fits else _Large)


def test_quotients_are_rounded_as_the_fractions_they_are() -> None:
    """In whatever terms they are given, zeros among them."""
    rng = Random(5)
    for size in (0, 1, 7):
        values = [
            drawn(rng, rng.choice(("floats", "thirds", "large", "zeros"))) for _ in range(size)
        ]
        factors = [rng.randint(1, 99) for _ in values]
        made = Quotients(
            whole(q.numerator * k for q, k in zip(values, factors, strict=True)),
            whole(q.denominator * k for q, k in zip(values, factors, strict=True)),
        )
        assert made.lengths().tolist() == [exponent(q) for q in values]
        assert made.nonzero().tolist() == [q != 0 for q in values]
        for bits in (10, 22):
            shift = made.shift(bits)
            assert shift == shift_of(bits, values)
            pairs = [floor_of(q, shift) for q in values]
            assert made.ends(shift)[0].tolist() == [low for low, _ in pairs]
            assert made.ends(shift)[1].tolist() == [low + more for low, more in pairs]
        shifts = [rng.randint(-9, 9) - exponent(q) for q in values]
        floor, more = made.floor(np.array(shifts, dtype=np.int64))
        wanted = [floor_of(q, by) for q, by in zip(values, shifts, strict=True)]
        assert list(zip(floor.tolist(), more.tolist(), strict=True)) == wanted
        both = made[1:].joined(made.negative())
        found = [F(*pair) for pair in zip(both.top, both.bottom, strict=True)]
        assert found == values[1:] + [-q for q in values]
        assert len(both) == len(found)


def test_bit_lengths_and_floors() -> None:
    values = [0, 1, 2, 3, 2**31 - 1, 2**31, 2**31 + 1, 2**53 - 1, 2**53 + 1, 2**61, 2**62 - 1]
    assert bit_length(np.array(values)).tolist() == [value.bit_length() for value in values]
    for value in (F(0), F(5), F(-5), F(7, 4), F(-7, 4), F(1, 3), F(-1, 3)):
        for shift in range(-4, 5):
            scaled = value * F(2) ** shift
            assert floor_of(value, shift) == (floor(scaled), int(scaled != floor(scaled)))
    assert shift_of(10, []) == shift_of(10, [F(0)]) == 0
    assert shift_of(10, [F(1), F(0), F(3, 4)]) == 9
    assert shift_of(10, [F(512), F(1)]) == 0
    assert shift_of(10, [F(1, 8)]) == 12


@dataclass(frozen=True, eq=False)
class Rows:
    starts: np.ndarray
    indices: np.ndarray


@dataclass(frozen=True, eq=False)
class Sizes:
    """What a network's sizes are read of."""

    inputs: int
    layers: tuple[int, ...]
    units: Rows

    @property
    def width(self) -> int:
        return max(self.layers)

    @property
    def depth(self) -> int:
        return len(self.layers) + 1

    def derived(self, make: Callable[[Sizes], Any]) -> Any:
        return make(self)

    def layer_ranges(self) -> list[tuple[int, int]]:
        ends = np.cumsum([0, *self.layers]).tolist()
        return list(itertools.pairwise(ends))


def sizes(inputs: int, layers: tuple[int, ...], filled: int | None = None) -> Sizes:
    """Units that each read all of the layer before, or the first `filled` of it."""
    read, before, begin = [], inputs, 0
    for size in layers:
        row = np.arange(begin, begin + (before if filled is None else filled))
        read += [row] * size
        begin, before = begin + before, size
    starts = np.concatenate([[0], np.cumsum([len(row) for row in read])])
    indices = np.concatenate(read) if read else np.array([], dtype=np.int64)
    return Sizes(inputs, layers, Rows(starts, indices))


@pytest.mark.parametrize(
    ("inputs", "layers", "bits"),
    [
        (1, (1,), (22, 23, 28)),
        (784, (256, 256), (21, 23, 26)),
        (3072, (4096,), (17, 23, 28)),
        (1, (32768,), (18, 19, 24)),
        (1, (1 << 20,), (16, 16, 21)),
        (1 << 20, (1,), (18, 23, 19)),
        (1 << 17, (10,), (20, 23, 20)),
        (1, (1,) * 8192, (22, 23, 22)),
        (1 << 30, (1 << 21,), (13, 16, 14)),
    ],
)
def test_bits_of_sizes_of_all_kinds(inputs, layers, bits) -> None:
    found = precision(Sizes(inputs, layers, Rows(np.array([0]), np.array([]))))
    assert (found.coefficient, found.weight, found.bound) == bits


def test_networks_are_refused_by_their_weights_and_by_their_bits(monkeypatch) -> None:
    """Dense blocks count their cells, sparse ones twice their entries; the limit is taken."""
    monkeypatch.setattr(fixed_point, "ENTRIES", 12)
    assert supports(sizes(4, (3,)))
    assert refusal(sizes(2, (2, 4))) is None
    assert refusal(sizes(4, (3, 1))) == "15 weights, more than 12"
    assert refusal(sizes(2, (2, 5))) == "14 weights, more than 12"
    monkeypatch.setattr(fixed_point, "ENTRIES", 1 << 9)
    assert refusal(sizes(128, (128,), filled=4)) == "1024 weights, more than 512"
    monkeypatch.setattr(fixed_point, "ENTRIES", 1 << 10)
    assert refusal(sizes(128, (128,), filled=4)) is None
    assert refusal(sizes(128, (128,), filled=5)) == "16384 weights, more than 1024"
    assert refusal(sizes(128, (127,), filled=3)) == "16256 weights, more than 1024"
    assert refusal(sizes(1, (1 << 21,))) == (
        "1 inputs and layers of up to 2097152 units leave fewer than 16 bits"
    )
    assert not supports(sizes(1, (1 << 21,)))


def test_a_block_is_kept_sparse_where_few_of_many_entries_are_not_zero() -> None:
    for size, filled, sparse in ((128, 4, True), (128, 5, False), (127, 3, False)):
        build = NetworkBuilder(size)
        network = build.network(build.layer([Affine.sum(build.inputs[:filled])] * size)[:1])
        (weights,) = FixedNetwork(network).layers[0].weights
        assert isinstance(weights.floor, SparseBlock) is sparse
        assert (dense(weights.floor)[:, :filled] > 0).all()
        assert not dense(weights.floor)[:, filled:].any()
