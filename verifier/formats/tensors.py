"""Tensors whose entries are exact affine forms of the inputs and of units, for importers.

A `Tensor` is an array of form numbers and a block of forms: moving data (reshape, transpose,
slice, ...) moves the numbers alone. A `Graph` hands out the inputs, collects the units that ReLU
and its relatives make, and ends in a `Network`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
from numpy.typing import NDArray

from verifier.formats.affine_rows import (
    Exact,
    Index,
    check_entries,
    compose,
    constants,
    lowest_terms,
    renumbered,
    stack,
    take,
    variables,
    weighted,
    weighted_at,
)
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

MAX_ELEMENTS = 1 << 24
"""Most elements of one tensor."""
MAX_TOTAL = 1 << 26
"""Most elements, and weights of their forms, of all tensors of one import together."""
MAX_VARIABLES = 1 << 22
"""Most inputs and units of one network."""
MAX_BITS = 1 << 18
"""Most bits of a weight of one importer: more than a hundred layers of float64 multiply to."""


def check_shape(shape: Sequence[int]) -> None:
    """Raises UserError for an empty tensor, and for one of more than MAX_ELEMENTS elements."""
    if any(extent < 1 for extent in shape):
        raise UserError(f"a tensor of shape {list(shape)} is empty")
    check_size(shape)


def check_size(shape: Sequence[int]) -> None:
    """Raises UserError for a tensor of more than MAX_ELEMENTS elements; none at all will do."""
    if any(extent < 0 for extent in shape):
        raise UserError(f"a tensor of shape {list(shape)}")
    if prod(shape) > MAX_ELEMENTS or max(shape, default=1) > MAX_ELEMENTS:
        raise UserError(f"a tensor of shape {list(shape)}; the limit is {MAX_ELEMENTS} elements")


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """The element at a position is the affine form forms[ids[position]]."""

    ids: Index
    forms: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        return self.ids.shape

    @property
    def is_constant(self) -> bool:
        """Whether no element depends on an input or a unit."""
        if len(self.forms.indices) == 0:
            return True
        lengths = np.diff(self.forms.starts)
        return not bool(np.any(lengths[self.ids] > 0))

    def rows(self) -> Rows:
        """The forms of all elements in C order."""
        which = self.ids.reshape(-1)
        if len(which) == self.forms.count and bool(np.all(which == np.arange(len(which)))):
            return self.forms
        return take(self.forms, which)


def tensor(rows: Rows, shape: Sequence[int]) -> Tensor:
    """The tensor of this shape whose elements in C order are `rows`."""
    return Tensor(np.arange(rows.count, dtype=np.int64).reshape(tuple(shape)), rows)


def constant_tensor(values: Exact) -> Tensor:
    """The tensor whose elements are these numbers."""
    return tensor(constants(values), values.shape)


def constant_values(value: Tensor) -> Exact:
    """The elements of a constant tensor: float64 where all of them fit exactly, else Fractions."""
    rows = value.rows()
    exact = [
        Fraction(n, d)
        for n, d in zip(rows.constants.tolist(), rows.denominators.tolist(), strict=True)
    ]
    if all(_fits_float64(number) for number in exact):
        return np.array([float(number) for number in exact], dtype=np.float64).reshape(value.shape)
    packed = np.empty(len(exact), dtype=object)
    packed[:] = exact
    return packed.reshape(value.shape)


def _fits_float64(number: Fraction) -> bool:
    if abs(number) >= 2**1023:
        return False
    return Fraction(float(number)) == number


def moved(value: Tensor, move: Callable[[Index], Index]) -> Tensor:
    """`value` with its elements moved or repeated by `move`."""
    ids = move(value.ids)
    check_size(ids.shape)
    return Tensor(ids, value.forms)


def joined(values: Sequence[Tensor]) -> tuple[list[Index], Rows]:
    """Form numbers of all tensors, in one common block."""
    ids: list[Index] = []
    blocks: list[Rows] = []
    offsets: list[int] = []
    for value in values:
        same = next((k for k, block in enumerate(blocks) if block is value.forms), None)
        if same is None:
            same = len(blocks)
            offsets.append(sum(block.count for block in blocks))
            blocks.append(value.forms)
        ids.append(value.ids + offsets[same])
    return ids, stack(blocks)


def chosen(mask: NDArray[np.bool_], value: Tensor, other: Tensor) -> Tensor:
    """`value` where the mask holds, elsewhere `other`; all three broadcast."""
    shape = np.broadcast_shapes(mask.shape, value.shape, other.shape)
    check_size(shape)
    (first, second), forms = joined([value, other])
    return Tensor(np.where(mask, first, second), forms)


def linear(
    value: Tensor,
    positions: Index,
    weights: Exact,
    shape: Sequence[int],
    bias: Exact | None = None,
) -> Tensor:
    """Element i is the sum over k of weights[i, k] * value at flat position positions[i, k], plus
    bias[i]; a position of -1 stands for zero.

    Shapes: positions and weights (elements, terms), bias (elements,).
    """
    if not _increase(positions):  # one column for each term; equal forms are added up later
        value = Tensor(value.ids.reshape(-1)[np.maximum(positions, 0)], value.forms)
        every = np.arange(positions.size, dtype=np.int64).reshape(positions.shape)
        positions = np.where(positions < 0, -1, every)
    return tensor(compose(weighted_at(positions, weights, bias), value.rows()), shape)


def _increase(positions: Index) -> bool:
    """Whether the positions of every row increase strictly, where not -1."""
    if positions.shape[1] < 2:
        return True
    reached = np.maximum.accumulate(positions, axis=1)
    later = positions[:, 1:]
    return bool(np.all((later < 0) | (later > reached[:, :-1])))


def scaled(value: Tensor, factor: Exact, shift: Exact) -> Tensor:
    """value * factor + shift, element by element; all three broadcast."""
    shape = np.broadcast_shapes(value.shape, factor.shape, shift.shape)
    check_shape(shape)
    ids = np.broadcast_to(value.ids, shape).reshape(-1, 1)
    factors = np.broadcast_to(factor, shape).reshape(-1)
    shifts = np.broadcast_to(shift, shape).reshape(-1)
    starts = np.arange(len(ids) + 1, dtype=np.int64)
    outer = weighted(starts, np.arange(len(ids), dtype=np.int64), factors, shifts)
    return tensor(compose(outer, take(value.forms, ids.reshape(-1))), shape)


def weighted_sum(values: Sequence[Tensor], factors: Sequence[Fraction | int]) -> Tensor:
    """The sum of factors[i] * values[i]; the tensors broadcast."""
    shape = np.broadcast_shapes(*(value.shape for value in values))
    check_shape(shape)
    ids, forms = joined(values)
    stacked = Tensor(np.stack([np.broadcast_to(i, shape).reshape(-1) for i in ids], axis=1), forms)
    count = stacked.ids.shape[0]
    positions = np.arange(stacked.ids.size, dtype=np.int64).reshape(count, len(values))
    if all(isinstance(factor, int) for factor in factors):
        row = np.array(factors, dtype=np.float64)
    else:
        row = np.empty(len(factors), dtype=object)
        row[:] = [Fraction(factor) for factor in factors]
    return linear(stacked, positions, np.broadcast_to(row, (count, len(values))), shape)


class Graph:
    """Collects the units of a network that is being imported."""

    def __init__(self, inputs: int) -> None:
        if not 1 <= inputs <= MAX_VARIABLES:
            raise UserError(f"{inputs} inputs; the limits are 1 and {MAX_VARIABLES}")
        self.inputs = inputs
        self._total = 0
        self._entries = 0
        self._blocks: list[Rows] = []
        self._levels = [np.zeros(inputs, dtype=np.int64)]  # of each variable; inputs have 0
        self._count = inputs

    def account(self, value: Tensor, sources: Sequence[Tensor]) -> None:
        """Counts what `value` holds that its sources do not; raises UserError beyond MAX_TOTAL."""
        held = value.ids.size
        if not any(value.forms is source.forms for source in sources):
            held += len(value.forms.indices) + value.forms.count
            _check_bits(value.forms)
        self.count(held)

    def count(self, held: int) -> None:
        """Counts that many elements or weights; raises UserError beyond MAX_TOTAL."""
        self._total += held
        if self._total > MAX_TOTAL:
            raise UserError(f"more than {MAX_TOTAL} elements and weights in all")

    def input_tensor(self, first: int, shape: Sequence[int]) -> Tensor:
        """Inputs first, first + 1, ... in C order."""
        return tensor(variables(first, prod(shape)), shape)

    def relu(self, value: Tensor) -> Tensor:
        """max(value, 0): one new unit an element, all of one layer; a constant stays constant."""
        rows = value.rows()
        if len(rows.indices) == 0:
            kept = np.maximum(rows.constants, 0)
            return tensor(
                Rows(rows.starts, rows.indices, rows.numerators, kept, rows.denominators),
                value.shape,
            )
        if self._count + rows.count > MAX_VARIABLES:
            raise UserError(f"more than {MAX_VARIABLES} inputs and units")
        self._entries += len(rows.indices)
        check_entries(self._entries)
        levels = np.concatenate(self._levels)
        self._levels = [levels]
        level = int(levels[rows.indices].max()) + 1
        self._blocks.append(rows)
        self._levels.append(np.full(rows.count, level, dtype=np.int64))
        first, self._count = self._count, self._count + rows.count
        return tensor(variables(first, rows.count), value.shape)

    def maximum(self, left: Tensor, right: Tensor) -> Tensor:
        """The larger of the two, as right + max(left - right, 0); the tensors broadcast."""
        return weighted_sum([right, self.relu(weighted_sum([left, right], [1, -1]))], [1, 1])

    def minimum(self, left: Tensor, right: Tensor) -> Tensor:
        """The smaller of the two, as right - max(right - left, 0); the tensors broadcast."""
        return weighted_sum([right, self.relu(weighted_sum([right, left], [1, -1]))], [1, -1])

    def leaky(self, value: Tensor, slope: Exact) -> Tensor:
        """value where it is positive, slope * value elsewhere: slope value + (1 - slope) max(value,
        0); the slope broadcasts."""
        exact = np.frompyfunc(Fraction, 1, 1)(slope.astype(object))
        exact = np.asarray(exact, dtype=object)
        zero = np.zeros((), dtype=np.float64)
        below = scaled(value, exact, zero)
        above = scaled(self.relu(value), np.asarray(1 - exact, dtype=object), zero)
        return weighted_sum([below, above], [1, 1])

    def network(self, outputs: Sequence[Tensor]) -> Network:
        """The network with these outputs, one tensor after another, each in C order.

        Units are numbered by layer; a layer refers to earlier ones only. Rows are in lowest terms.
        """
        rows = stack([output.rows() for output in outputs])
        units = stack(self._blocks) if self._blocks else stack([take(rows, _nothing())])
        levels = np.concatenate(self._levels)
        order = np.argsort(levels, kind="stable")
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.arange(len(order))
        units = take(units, order[self.inputs :] - self.inputs)
        sizes = np.bincount(levels[self.inputs :], minlength=1)[1:]
        return Network(
            self.inputs,
            tuple(int(size) for size in sizes),
            lowest_terms(renumbered(units, number)),
            lowest_terms(renumbered(rows, number)),
        )


def _check_bits(rows: Rows) -> None:
    for values in (rows.numerators, rows.constants, rows.denominators):
        if values.dtype == object:
            most = max((int(value).bit_length() for value in values), default=0)
            if most > MAX_BITS:
                raise UserError(f"weights of {most} bits; the limit is {MAX_BITS}")


def _nothing() -> Index:
    return np.zeros(0, dtype=np.int64)
