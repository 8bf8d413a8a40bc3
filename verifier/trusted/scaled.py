"""The network in integers: every variable times a scale of its own, so that nothing is rounded.

For inputs that are multiples of 1/D, unit v has a positive integer scale S_v such that
A_v = S_v a_v = sum of M_vu Z_u + C_v with integers M and C, where Z_u = S_u z_u. Values, interval
bounds and substitutions then need no denominators. int64 is used where a bound computed in Python
integers shows that no sum can overflow, Python integers otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.trusted.errors import UserError
from verifier.trusted.network import Integers, Network, Rows, integers
from verifier.trusted.univariate import Univariate

LIMIT = 2**62
_BLOCK = 1 << 14  # entries of a block, so that what is picked for it stays in the cache


@dataclass(frozen=True, slots=True, eq=False)
class ScaledLayer:
    """The integer rows of one layer: first..last are unit numbers (or outputs), entries as CSR."""

    first: int
    last: int
    filled: NDArray[np.int64]  # rows that have entries, relative to first
    starts: NDArray[np.int64]  # of the filled rows, for reduceat
    indices: NDArray[np.int64]  # variables
    weights: Integers
    constants: Integers
    largest_row: int  # the largest sum of |weights| of a row
    largest_constant: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows of units that do not read each other, entries as CSR without empty rows."""

    units: NDArray[np.int64]
    filled: NDArray[np.int64]  # rows that have entries
    starts: NDArray[np.int64]  # of the filled rows, for reduceat
    variables: NDArray[np.int64]  # that are read, copies replaced by what they copy
    of_units: NDArray[np.int64]  # entries that read units, whose outputs are not below 0
    positive: NDArray[np.bool_]  # entries with a weight above 0
    weights: Integers  # a column
    constants: Integers  # a column
    largest_row: int  # the largest sum of |weights| of a row
    largest_constant: int


class ScaledNetwork:
    """`network` with integer rows for inputs that are multiples of 1/`denominator`."""

    def __init__(self, network: Network, denominator: int) -> None:
        self.network = network
        self.denominator = denominator
        self.scales: list[int] = [denominator] * network.inputs
        self.weights: list[list[int]] = []  # of unit v, in the order of its row's indices
        self.constants: list[int] = []
        self._reduced: dict[tuple[int, int, int], int] = {}
        self.layers = [
            self._scale(network.units, first, last, self.scales)
            for first, last in network.layer_ranges()
        ]
        self.output_scales: list[int] = []
        self.output_layer = self._scale(
            network.outputs, 0, network.outputs.count, self.output_scales
        )
        del self.weights[network.units.count :], self.constants[network.units.count :]

    @cached_property
    def origins(self) -> NDArray[np.int64]:
        """For every variable the one that it equals everywhere: a unit whose row is 1 times a unit
        is a copy of it, for that is not negative."""
        units, inputs = self.network.units, self.network.inputs
        origins = np.arange(self.network.variables, dtype=np.int64)
        for layer in self.layers:
            lengths = np.diff(units.starts[layer.first : layer.last + 1])
            row = np.flatnonzero((lengths == 1) & (layer.constants == 0))
            entry = units.starts[layer.first + row] - units.starts[layer.first]
            single = (layer.weights[entry] == 1) & (layer.indices[entry] >= inputs)
            read = layer.indices[entry[single]]
            origins[inputs + layer.first + row[single]] = origins[read]
        return origins

    @cached_property
    def univariate(self) -> Univariate:
        """The functions of one direction in this network."""
        return Univariate(self)

    @cached_property
    def blocks(self) -> list[Block]:
        """The rows of all units that are no copies, in an order in which each comes after what it
        reads; as few blocks as that allows."""
        units, inputs, origins = self.network.units, self.network.inputs, self.origins
        level = np.zeros(self.network.variables, dtype=np.int64)
        starts = units.starts
        for layer in self.layers:
            above = np.ones(layer.last - layer.first, dtype=np.int64)
            if len(layer.filled):
                read = level[origins[layer.indices]]
                above[layer.filled] += np.maximum.reduceat(read, layer.starts)
            level[inputs + layer.first : inputs + layer.last] = above
        real = np.flatnonzero(origins[inputs:] == np.arange(inputs, self.network.variables))
        order = real[np.argsort(level[inputs + real], kind="stable")]
        levels, lengths = level[inputs + order], np.diff(starts)[order]
        ends = np.cumsum(lengths)
        weights: Any = np.concatenate([layer.weights for layer in self.layers] or [starts[:0]])
        constants: Any = np.concatenate([layer.constants for layer in self.layers] or [starts[:0]])
        blocks, begin = [], 0
        while begin < len(order):
            used = ends[begin] - lengths[begin]
            last = int(np.searchsorted(levels, levels[begin], side="right"))
            end = max(begin + 1, min(last, int(np.searchsorted(ends, used + _BLOCK, side="right"))))
            rows, count = order[begin:end], lengths[begin:end]
            offsets = np.cumsum(count) - count
            entries = np.repeat(starts[rows] - offsets, count) + np.arange(int(count.sum()))
            filled = np.flatnonzero(count)
            picked, constant = integers(weights[entries]), integers(constants[rows])
            read = origins[units.indices[entries]]
            blocks.append(
                Block(
                    rows,
                    filled,
                    offsets[filled],
                    read,
                    np.flatnonzero(read >= inputs),
                    (picked > 0).astype(bool),
                    picked[:, None],
                    constant[:, None],
                    _largest_sum(picked, offsets[filled]),
                    max(map(abs, constant.tolist()), default=0),
                )
            )
            begin = end
        return blocks

    def _scale(self, rows: Rows, first: int, last: int, scales: list[int]) -> ScaledLayer:
        """The rows first..last in integers; appends their scales to `scales` when all are known
        (a row never refers to its own layer)."""
        begin, end = int(rows.starts[first]), int(rows.starts[last])
        known = self.scales
        starts = rows.starts[first : last + 1].tolist()
        indices = rows.indices[begin:end].tolist()
        numerators = rows.numerators[begin:end].tolist()
        constants = rows.constants[first:last].tolist()
        denominators = rows.denominators[first:last].tolist()
        reduced = self._reduced
        new_scales, all_weights, new_constants, largest_row = [], [], [], 0
        for k in range(last - first):
            low, high, below = starts[k] - begin, starts[k + 1] - begin, denominators[k]
            scale = below // gcd(below, constants[k])
            for j in range(low, high):
                key = (numerators[j], below, known[indices[j]])
                part = reduced.get(key)
                if part is None:
                    product = below * key[2]
                    part = reduced[key] = product // gcd(product, key[0])
                if scale % part:
                    scale = lcm(scale, part)
            row = [numerators[j] * scale // (below * known[indices[j]]) for j in range(low, high)]
            new_scales.append(scale)
            new_constants.append(constants[k] * scale // below)
            self.weights.append(row)
            all_weights.extend(row)
            largest_row = max(largest_row, sum(map(abs, row)))
        scales.extend(new_scales)
        self.constants.extend(new_constants)
        lengths = np.diff(rows.starts[first : last + 1])
        filled = np.flatnonzero(lengths)
        return ScaledLayer(
            first,
            last,
            filled,
            (rows.starts[first:last] - begin)[filled],
            rows.indices[begin:end],
            integers(all_weights),
            integers(new_constants),
            largest_row,
            max(map(abs, new_constants), default=0),
        )


def _largest_sum(weights: Integers, starts: NDArray[np.int64]) -> int:
    """The largest sum of |weights| of a row."""
    sizes = np.array([abs(weight) for weight in weights.tolist()], dtype=object)
    return int(max(np.add.reduceat(sizes, starts))) if len(sizes) else 0


def common_denominator(vectors: Iterable[Sequence[Fraction]]) -> int:
    """The least common denominator of all entries."""
    return lcm(1, *{value.denominator for vector in vectors for value in vector})


def scaled_inputs(vectors: Sequence[Sequence[Fraction]], denominator: int) -> Integers:
    """The integers denominator * vectors, shape (inputs, number of vectors).

    Raises UserError where they are no integers: rounding them would move the region.
    """
    for vector in vectors:
        for x in vector:
            if denominator % x.denominator:
                raise UserError(f"an input of denominator {x.denominator}, not of {denominator}")
    columns = [[x.numerator * (denominator // x.denominator) for x in v] for v in vectors]
    flat = integers([value for row in zip(*columns, strict=True) for value in row])
    return flat.reshape(len(columns[0]), len(columns))


def evaluate(
    network: Network, points: Sequence[Sequence[Fraction]], chunk: int = 64
) -> list[list[Fraction]]:
    """The exact outputs of `network` at each of `points`: a list of output vectors."""
    if not points:
        return []
    scaled = ScaledNetwork(network, common_denominator(points))
    results: list[list[Fraction]] = []
    for begin in range(0, len(points), chunk):
        values = scaled_inputs(points[begin : begin + chunk], scaled.denominator)
        variables: Any = values
        height = values.shape[1]
        space: Any = np.zeros((network.variables, height), dtype=values.dtype)
        space[: network.inputs] = variables
        for layer in scaled.layers:
            result = affine(layer, space, layer.indices)
            if result.dtype != space.dtype:
                space = space.astype(object)
            first = network.inputs + layer.first
            space[first : network.inputs + layer.last] = np.maximum(result, 0)
        outputs = affine(scaled.output_layer, space, scaled.output_layer.indices)
        results.extend(
            [
                Fraction(int(value), scale)
                for value, scale in zip(outputs[:, b].tolist(), scaled.output_scales, strict=True)
            ]
            for b in range(height)
        )
    return results


def affine(layer: ScaledLayer, space: Any, gather: NDArray[np.int64]) -> Any:
    """The integer rows of `layer` applied to the rows `gather` of `space`, exactly.

    The result is int64 if the weights and `space` are and the largest possible sum stays below
    2^62, Python integers otherwise.
    """
    width = space.shape[1]
    picked = space[gather]
    weights: Any = layer.weights
    constants: Any = layer.constants
    if picked.dtype == np.int64:
        largest = max(int(picked.max()), -int(picked.min())) if picked.size else 0
        small = layer.largest_row * largest + layer.largest_constant < LIMIT
        if not small or weights.dtype != np.int64 or constants.dtype != np.int64:
            picked = picked.astype(object)
    if picked.dtype != np.int64:
        weights, constants = weights.astype(object), constants.astype(object)
    picked *= weights[:, None]
    result: Any = np.repeat(constants[:, None], width, axis=1)
    if len(layer.filled):
        result[layer.filled] += np.add.reduceat(picked, layer.starts, axis=0)
    return result
