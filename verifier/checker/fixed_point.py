"""A network in fixed point, built once: weights as floor and excess, and its precision.

What depends on the network alone: integers over a power of two of their layer (weights) or of their
row (the forms that bound units), by the blocks of variables that a layer reads. `symbolic.py` adds
what depends on a region. A block of weights that is mostly zeros is kept sparse.

Precision. Let W be the units of the largest layer, N the inputs and W, D the number of affine maps.
Coefficients have at most c bits, weights w, bounds b, where

    c + w + bits(W) <= 53      and      c + b + bits(N) + bits(4 D) <= 62.

The first: a product of a row and a layer's weights sums up W terms below 2^(c + w), so that every
partial sum, in any order, stays within 2^53, where float64 is exact. The second: a constant is
first at most 2^50; each layer adds two sums of at most W terms below 2^(c + b), the inputs one of
at most N. That is less than 2^50 + (2 D + 1) N 2^(c + b) <= 2^50 + 3/4 2^62 < 2^62. On an L2 ball
the squares of N coefficients are summed: below 2^(2 c + bits(N)) <= 2^(62 - bits(4 D)), as c <= b
or c + b is as above with c > b by the choice below only if b = 28 > c: so c <= b always.

c = 22, w = 23, b = 28 wherever that fits. In wider layers first c gives way, down to 16; where b
would fall below c, or c below 16, the two numbers that share the bits share them equally.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.sparse_block import SparseBlock
from verifier.question.network import Integers, Network, Rows

COEFFICIENT, WEIGHT, BOUND = 22, 23, 28  # the most bits
LEAST = 16  # the fewest
ENTRIES = 1 << 24  # of all layers' weights
SPARSE, SMALL = 32, 1 << 14  # kept sparse: of so many entries or more, one in so many not zero
Int = NDArray[np.int64]
Weight = NDArray[np.float64] | SparseBlock  # float64 holds the integers exactly
Forms = NDArray[np.int32] | SparseBlock
Whole = NDArray[np.object_]  # of Python integers


@dataclass(frozen=True, slots=True)
class Precision:
    """So many bits that no sum over a network of this size overflows."""

    coefficient: int
    weight: int
    bound: int


def precision(network: Network) -> Precision:
    """The bits of the numbers of a network of this size, however few."""
    widest = max((1, *network.layers))
    product = 53 - widest.bit_length()
    weight = WEIGHT if product - WEIGHT >= LEAST else product - product // 2
    coefficient = min(COEFFICIENT, product - weight)
    room = 62 - (network.inputs + widest).bit_length() - (4 * network.depth).bit_length()
    if room - coefficient < coefficient:
        coefficient = room // 2
    return Precision(coefficient, weight, min(BOUND, room - coefficient))


def refusal(network: Network) -> str | None:
    """Why a network is too large for fixed point; None if it is not."""
    return network.derived(_refusal)


def _refusal(network: Network) -> str | None:
    bits = precision(network)
    if min(bits.coefficient, bits.weight, bits.bound) < LEAST:
        return (
            f"{network.inputs} inputs and layers of up to {network.width} units leave fewer than "
            f"{LEAST} bits"
        )
    starts = _starts(network)
    layers = network.layer_ranges()
    entries = sum(_stored(network, starts, first, last)[0] for first, last in layers)
    return f"{entries} weights, more than {ENTRIES}" if entries > ENTRIES else None


def supports(network: Network) -> bool:
    """Whether all sums over the network provably stay inside 53 and 63 bits, and memory suffices"""
    return refusal(network) is None


def _stored(
    network: Network, starts: Int, first: int, last: int
) -> tuple[int, list[tuple[int, int, int]]]:
    """How many entries the weights of a layer take, and of each block that it reads the number, the
    first variable and one past the last."""
    units = network.units
    read = units.indices[units.starts[first] : units.starts[last]]
    numbers, filled = np.unique(np.searchsorted(starts, read, "right") - 1, return_counts=True)
    total, blocks = 0, []
    for number, count in zip(numbers.tolist(), filled.tolist(), strict=True):
        begin, end = int(starts[number]), int(starts[number + 1])
        cells = (last - first) * (end - begin)
        total += 2 * count if _is_sparse(count, cells) else cells
        blocks.append((number, begin, end))
    return total, blocks


def _starts(network: Network) -> Int:
    """The first variable of each block, and one past the last of all."""
    return np.cumsum([0, network.inputs, *network.layers])


def _is_sparse(filled: int, cells: int) -> bool:
    return cells >= SMALL and filled * SPARSE <= cells


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """floor <= 2^shift w <= floor + excess, of a layer's units (rows) from one block (columns).

    `excess` is 1 where the weight is no multiple of 2^-shift, None if that is nowhere."""

    block: int
    floor: Weight
    excess: Weight | None


def whole(numbers: Iterable[int] | Integers) -> Whole:
    """These integers as Python's, in an array of one axis."""
    listed = numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Quotients:
    """Numbers top / bottom of Python integers, bottom > 0, not always in lowest terms."""

    top: Whole
    bottom: Whole

    @staticmethod
    def of(values: Iterable[Fraction]) -> Quotients:
        listed = list(values)
        return Quotients(whole(q.numerator for q in listed), whole(q.denominator for q in listed))

    def __len__(self) -> int:
        return len(self.top)

    def __getitem__(self, rows: slice) -> Quotients:
        return Quotients(self.top[rows], self.bottom[rows])

    def joined(self, other: Quotients) -> Quotients:
        """These numbers, then those of the other."""
        top, bottom = np.concatenate([self.top, other.top]), [self.bottom, other.bottom]
        return Quotients(top, np.concatenate(bottom))

    def negative(self) -> Quotients:
        return Quotients(-self.top, self.bottom)

    def nonzero(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.top != 0).astype(bool)
        return found

    def lengths(self) -> Int:
        """The bits of the numerators minus those of the denominators, both in lowest terms."""
        common = np.gcd(self.top, self.bottom)
        lengths: Int = (_bits(self.top // common) - _bits(self.bottom // common)).astype(np.int64)
        return lengths

    def shift(self, bits: int) -> int:
        """`shift_of` them."""
        lengths = self.lengths()[self.nonzero()]
        return bits - 1 - int(lengths.max()) if len(lengths) else 0

    def floor(self, shifts: Int) -> tuple[Int, Int]:
        """`floor_of` each; the floors have 63 bits at most."""
        top = self.top << np.maximum(shifts, 0).astype(object)
        bottom = self.bottom << np.maximum(-shifts, 0).astype(object)
        floor = top // bottom
        return floor.astype(np.int64), (floor * bottom != top).astype(np.int64)

    def ends(self, shift: int) -> tuple[Int, Int]:
        """Each times 2^shift, rounded down and up."""
        floor, more = self.floor(np.full(len(self), shift))
        return floor, floor + more


_bits: Any = np.frompyfunc(int.bit_length, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Corner:
    """Rows (terms of the inputs + constant) / denominator, in Python integers: what a shift of the
    inputs adds to the constants of forms."""

    terms: tuple[tuple[list[int], list[int]], ...]  # inputs and numerators
    constants: Whole
    denominators: Whole

    def at(self, base: Sequence[Fraction]) -> Quotients:
        """The rows' values at this point of the inputs."""
        common = lcm(*(q.denominator for q in base))
        scaled = [q.numerator * (common // q.denominator) for q in base]
        sums = (sum(map(mul, row, map(scaled.__getitem__, read))) for read, row in self.terms)
        return Quotients(self.constants * common + whole(sums), self.denominators * common)


@dataclass(frozen=True, slots=True, eq=False)
class FixedLayer:
    """The units first..last: weights over 2^shift by the block that they read, block 0 being the
    inputs and block l + 1 layer l; their biases, and what a corner of the inputs adds to them; rows
    of coefficients over 2^row_shifts below a_v for each unit, then below -a_v for each."""

    first: int
    last: int
    shift: int
    weights: tuple[Weights, ...]
    corner: Corner
    rows: dict[int, Forms]  # by block
    row_shifts: Int


class FixedNetwork:
    """The weights of a network in fixed point; shared by all regions, never written to."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.precision = precision(network)
        self._starts = _starts(network)
        self.blocks = list(pairwise(self._starts.tolist()))  # the inputs, then layer after layer
        self.layers = [self._layer(first, last) for first, last in network.layer_ranges()]

    def _layer(self, first: int, last: int) -> FixedLayer:
        rows, bits = self.network.units, self.precision
        owners, variables, numbers = _entries(rows, first, last)
        shift = numbers.shift(bits.weight)
        floor, excess = numbers.floor(np.full(last - first, shift))
        own = numbers.shifts(bits.coefficient)
        below, more = numbers.floor(own)
        height = last - first
        weights, forms = [], {}
        for block, low, high in _stored(self.network, self._starts, first, last)[1]:
            at = np.flatnonzero((variables >= low) & (variables < high))
            row, column, shape = owners[at], variables[at] - low, (height, high - low)
            rest = excess[at]
            weights.append(
                Weights(
                    block,
                    _matrix(floor[at], row, column, shape, np.float64),
                    _matrix(rest, row, column, shape, np.float64) if rest.any() else None,
                )
            )
            forms[block] = _matrix(
                np.concatenate([below[at], -below[at] - more[at]]),
                np.concatenate([row, row + height]),
                np.concatenate([column, column]),
                (2 * height, high - low),
                np.int32,
            )
        corner = self._corner(first, last)
        return FixedLayer(
            first, last, shift, tuple(weights), corner, forms, np.concatenate([own, own])
        )

    def _corner(self, first: int, last: int) -> Corner:
        terms, constants, denominators = [], [], []
        for v in range(first, last):
            read, numerators, constant, denominator = self.network.units.row(v)
            inputs = [k for k, j in enumerate(read) if j < self.network.inputs]
            terms.append(([read[k] for k in inputs], [numerators[k] for k in inputs]))
            constants.append(constant)
            denominators.append(denominator)
        return Corner(tuple(terms), whole(constants), whole(denominators))


def fixed_network(network: Network) -> FixedNetwork:
    """The network in fixed point, derived once."""
    return network.derived(FixedNetwork)


def floored_weights(rows: Rows, first: int, last: int, bits: int) -> tuple[Int, Int, int, Int, Int]:
    """The weights of a layer, an entry each: of which row, of which variable, the shift of all, and
    floor(weight 2^shift) of so many bits at most, and 1 where that is not exact."""
    owners, variables, numbers = _entries(rows, first, last)
    shift = numbers.shift(bits)
    floor, excess = numbers.floor(np.full(last - first, shift))
    return owners, variables, shift, floor, excess


def _entries(rows: Rows, first: int, last: int) -> tuple[Int, Int, _Dyadic]:
    """Of the entries of a layer the rows, the variables and the weights."""
    owners = np.repeat(np.arange(last - first), np.diff(rows.starts[first : last + 1]))
    variables = rows.indices[int(rows.starts[first]) : int(rows.starts[last])]
    return owners, variables, _Dyadic.of(rows, first, last, owners)


class _Dyadic:
    """The weights of a layer, an entry each, to be floored to powers of two."""

    def __init__(self, owners: Int, lengths: Int, height: int) -> None:
        """lengths: of numerators minus those of denominators, both in lowest terms."""
        self._owners, self._lengths, self._height = owners, lengths, height

    @staticmethod
    def of(rows: Rows, first: int, last: int, owners: Int) -> _Dyadic:
        """In int64 if the numerators fit and all denominators are powers of two below 2^62, which
        every float's are up to a certain size; in Python integers otherwise."""
        begin, end = int(rows.starts[first]), int(rows.starts[last])
        below = [int(q) for q in rows.denominators[first:last]]
        numerators: Any = rows.numerators[begin:end]
        small = all(q & (q - 1) == 0 and q < 1 << 62 for q in below)
        if small and numerators.dtype == np.int64 and bool((np.abs(numerators) < 1 << 62).all()):
            powers = np.array([q.bit_length() - 1 for q in below], dtype=np.int64)
            return _Small(numerators, powers, owners)
        return _Large(Quotients(whole(numerators), whole(below)[owners]), owners, last - first)

    def shift(self, bits: int) -> int:
        """See `shift_of`, for all weights together."""
        return bits - 1 - int(self._lengths.max()) if len(self._lengths) else 0

    def shifts(self, bits: int) -> Int:
        """The same row by row."""
        longest = np.full(self._height, bits - 1, dtype=np.int64)  # a row of zeros: shift 0
        seen = np.full(self._height, np.iinfo(np.int64).min)
        np.maximum.at(seen, self._owners, self._lengths)
        filled = seen > np.iinfo(np.int64).min
        longest[filled] = seen[filled]
        return bits - 1 - longest

    def floor(self, shifts: Int) -> tuple[Int, Int]:
        """floor(weight 2^shift) with the shifts of the rows, and 1 where that is not exact."""
        raise NotImplementedError


class _Small(_Dyadic):
    def __init__(self, numerators: Int, powers: Int, owners: Int) -> None:
        # Of n / 2^k the difference of lengths is the same in lowest terms.
        lengths = bit_length(np.abs(numerators)) - (powers[owners] + 1)
        super().__init__(owners, lengths, len(powers))
        self._numerators, self._powers = numerators, powers

    def floor(self, shifts: Int) -> tuple[Int, Int]:
        by = (shifts - self._powers)[self._owners]
        left, right = np.maximum(by, 0), np.minimum(np.maximum(-by, 0), 63)
        floor = (self._numerators >> right) << left
        excess = (self._numerators >> right) << right != self._numerators
        return floor, excess.astype(np.int64)


class _Large(_Dyadic):
    def __init__(self, weights: Quotients, owners: Int, height: int) -> None:
        super().__init__(owners, weights.lengths(), height)
        self._weights = weights

    def floor(self, shifts: Int) -> tuple[Int, Int]:
        return self._weights.floor(shifts[self._owners])


def _matrix(values: Int, row: Int, column: Int, shape: tuple[int, int], kind: Any) -> Any:
    """Dense, or sparse where few entries are not zero."""
    if _is_sparse(len(values), shape[0] * shape[1]):
        return SparseBlock.of(*shape, row, column, values)
    dense = np.zeros(shape, dtype=kind)
    dense[row, column] = values
    return dense


def bit_length(values: Int) -> Int:
    """The bit length of integers in [0, 2^62); both halves are exact as floats."""
    upper = values >> 31
    halves = np.where(upper > 0, upper, values)
    lengths: Int = np.frexp(halves.astype(np.float64))[1].astype(np.int64)
    return lengths + np.where(upper > 0, 31, 0)


def shift_of(bits: int, values: Iterable[Fraction]) -> int:
    """The largest s, as far as bit lengths tell, with |value| 2^s < 2^bits for all; 0 for zeros."""
    return min(
        (
            bits - 1 - abs(q.numerator).bit_length() + q.denominator.bit_length()
            for q in values
            if q
        ),
        default=0,
    )


def floor_of(value: Fraction, shift: int) -> tuple[int, int]:
    """floor(value * 2^shift), and 1 if that is not exact, else 0."""
    top, bottom = value.numerator, value.denominator
    if shift >= 0:
        top <<= shift
    else:
        bottom <<= -shift
    low, remainder = divmod(top, bottom)
    return low, int(remainder != 0)
