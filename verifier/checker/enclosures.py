"""What the rule of a leaf computes, enclosed in integers of 64 bits, for many leaves at once.

A leaf lowers a form of long integers, a product a layer. Mostly its value is far from zero, and
fewer bits show that it is positive: then the leaf closes, by the rule and not by another one, and
is not computed again. What is not shown here says nothing about a leaf.

Enclosures. A coefficient x of a row is held as C and E with |x 2^s - C| <= E, s being the shift of
the row; slopes, weights and biases as t with x 2^s in [t, t + `more`], more being 0 or 1, and for
usual slopes of a coefficient of unknown sign the distance of the two; the constant of a form and
the bounds of units as what is certainly no more, or no less. So every line below is one inequality,
and needs no sign, order or consistency of bounds:

    a coefficient times a slope    (C + d) (t + r) = C t + C r + d (t + r)
    c Z >= c k, k as in the rule   at least (C - E) k, with k rounded down where C >= E, else up
    a row of weights               sum (F + d) (w + r) = sum F w + sum F r + sum d (w + r)
    a ball of norm p               (C + d) . x >= (C + d) . center - radius || |C| + E ||_q

Sizes. With n units in the widest layer and m the larger of n and the inputs, a limb has L bits,
the least of 23, (53 - bits(n)) / 2 and (60 - bits(m)) / 2, rounded down. Coefficients, weights,
biases and bounds have two limbs: |C| <= 2^(2 L). E is at most 2^L; a row that wants more is given
up. A product of float64 matrices sums n terms up to 2^(2 L), at most 2^53: exact in any order.
`dot` sums m terms up to (2^L + 1)^2, at most 2^61. Slopes have 61 - L bits, so that a limb times
a slope, and E times a slope, are at most 2^61.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from verifier.checker.fixed_point import (
    Quotients,
    Whole,
    bit_length,
    floor_of,
    floored_weights,
    shift_of,
    whole,
)
from verifier.evidence.certificate import USUAL_BITS
from verifier.question.network import Network
from verifier.question.region import Norm, Region, root_upper

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
Number = int | Fraction

CELLS = 1 << 21  # weights that are kept as matrices, at most
FREE = 1 << 40  # the shift of rows of zeros
SPARE = 12  # bits by which coefficients may grow before they are lowered


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Of a layer's units (rows) from one block (columns): the floors' upper limbs, and beside them
    the lower ones; limbs that are no smaller than the upper limb of any |weight|."""

    block: int
    limbs: Float  # (units, 2 columns)
    sizes: Float  # (units, columns)


@dataclass(frozen=True, slots=True, eq=False)
class EnclosedLayer:
    """Units first..last; weights over 2^shift, biases over 2^bias_shift."""

    first: int
    last: int
    shift: int
    more: bool
    weights: tuple[Weights, ...]
    bias: Int
    bias_more: Int
    bias_shift: int


class EnclosedNetwork:
    """The network as matrices of limbs; block 0 are the inputs, block l + 1 is layer l."""

    def __init__(self, network: Network) -> None:
        self.inputs = network.inputs
        self.starts = [0, *(network.inputs + first for first, _ in network.layer_ranges())]
        self.starts.append(network.variables)
        widest = max((1, *network.layers))
        most = max(widest, network.inputs)
        self.limb = min(23, (53 - widest.bit_length()) // 2, (60 - most.bit_length()) // 2)
        self.slope = 61 - self.limb
        self.layers = [self._layer(network, first, last) for first, last in network.layer_ranges()]

    def _layer(self, network: Network, first: int, last: int) -> EnclosedLayer:
        rows, limb = network.units, self.limb
        owners, variables, shift, floor, more = floored_weights(rows, first, last, 2 * limb)
        upper = floor >> limb
        lower = floor - (upper << limb)
        size = np.where(upper < 0, -upper, upper + 1)
        found = []
        for block, (begin, end) in enumerate(pairwise(self.starts)):
            at = np.flatnonzero((variables >= begin) & (variables < end))
            if not len(at):
                continue
            width, row, column = end - begin, owners[at], variables[at] - begin
            limbs, sizes = np.zeros((last - first, 2 * width)), np.zeros((last - first, width))
            limbs[row, column], limbs[row, width + column] = upper[at], lower[at]
            sizes[row, column] = size[at]
            found.append(Weights(block, limbs, sizes))
        biases = [Fraction(rows.row(v)[2], rows.row(v)[3]) for v in range(first, last)]
        bias_shift = shift_of(2 * limb, biases)
        pairs = np.array([floor_of(q, bias_shift) for q in biases], dtype=np.int64)
        return EnclosedLayer(
            first, last, shift, bool(more.any()), tuple(found), pairs[:, 0], pairs[:, 1], bias_shift
        )


def fits(network: Network) -> bool:
    """Whether its matrices are mostly full and not too large; layers without units have none."""
    if 0 in network.layers:
        return False
    starts = np.cumsum([0, network.inputs, *network.layers])
    cells, units = 0, network.units
    for first, last in network.layer_ranges():
        read = units.indices[units.starts[first] : units.starts[last]]
        blocks = np.unique(np.searchsorted(starts, read, "right") - 1)
        cells += (last - first) * int(np.diff(starts)[blocks].sum())
    return cells <= min(CELLS, 2 * len(units.indices))


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Coefficients of all variables over 2^shift, from below; 1 where they are not exact; and a
    constant."""

    coefficients: Int
    errors: Int
    shift: int
    constant: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """A ball of norm 1 or 2: its center over 2^grid, as floor and excess, and its radius over
    2^radius_grid, from above."""

    norm: Norm
    center: Int
    more: Int
    grid: int
    radius: int
    radius_grid: int

    @staticmethod
    def of(region: Region, limb: int) -> Ball:
        """That of the region, for limbs of so many bits."""
        grid = shift_of(2 * limb, region.center)
        pairs = np.array([floor_of(x, grid) for x in region.center], dtype=np.int64)
        radius = root_upper(region.size, region.power, 2 * limb)
        at = shift_of(2 * limb, [radius])
        return Ball(region.norm, pairs[:, 0], pairs[:, 1], grid, -floor_of(-radius, at)[0], at)

    def losses(self, values: Int, errors: Int, limb: int) -> Whole:
        """At least radius ||g||_q, by rows, in 2^-radius_grid units of g, for g with these
        enclosures."""
        sizes = np.abs(values) + errors
        if self.norm == "1":
            lengths = sizes.max(axis=1).tolist()
        else:
            squares = -dot(-sizes, sizes, limb)  # over 2^(2 limb), from above
            lengths = [isqrt(q << 2 * limb) + (q > 0) for q in squares.tolist()]
        return whole(self.radius * length for length in lengths)


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Bounds of units, over 2^grid of their layer, and of inputs, over 2^grid of the inputs, each
    rounded outwards, or beyond; and of units that these leave undecided the usual slopes over
    2^USUAL_BITS, below z and above it, exactly."""

    lower: Int
    upper: Int
    below: Int
    above: Int
    box_lower: Int
    box_upper: Int


@dataclass(frozen=True, slots=True, eq=False)
class Enclosed:
    """A leaf in its branch: the form that it starts with, in variables and in pre-activations
    (`direct`), plus a constant; the slopes it names, and whether others are the usual ones; the
    bounds there."""

    row: Row | None  # None: no variable
    direct: Mapping[int, Fraction]
    constant: Fraction
    slopes: Mapping[int, Fraction]
    usual: bool
    ends: Ends


class Enclosure:
    """Leaves of one region, on its box or, where there is one, on its ball of norm 1 or 2; bounds
    of units and inputs are within those given."""

    def __init__(
        self,
        network: EnclosedNetwork,
        units: Sequence[tuple[Fraction, Fraction]],
        box: Sequence[tuple[Fraction, Fraction]],
        region: Region,
    ) -> None:
        self.network = network
        self._ball = None if region.norm == "inf" else Ball.of(region, network.limb)
        self.grids = [
            shift_of(
                2 * network.limb, [q for pair in units[layer.first : layer.last] for q in pair]
            )
            for layer in network.layers
        ]
        self._box_grid = shift_of(2 * network.limb, [q for pair in box for q in pair])
        self._most = 1 << 2 * network.limb

    def bound(self, value: Number, below: int, layer: int, *, upper: bool) -> int:
        """value / below, the bound of a unit of the layer (of an input: -1), rounded outwards."""
        if not value:
            return 0
        grid = self._box_grid if layer < 0 else self.grids[layer]
        top, bottom = value.numerator, value.denominator * below
        if grid >= 0:
            top <<= grid
        else:
            bottom <<= -grid
        return max(-(-top // bottom), -self._most) if upper else min(top // bottom, self._most)

    def row(self, variables: Sequence[int], weights: Quotients, constant: Fraction) -> Row:
        """A form of different variables."""
        bits = 2 * self.network.limb
        shift = weights.shift(bits) if weights.nonzero().any() else FREE
        found, errors = np.zeros((2, self.network.starts[-1]), dtype=np.int64)
        if shift != FREE:
            floor, more = weights.floor(np.full(len(weights), shift))
            found[variables], errors[variables] = floor, more
        return Row(found, errors, shift, constant)

    def least(self, leaves: Sequence[Enclosed]) -> list[Fraction | None]:
        """For each leaf a number that its value is no less than; None if that wants more bits."""
        state = Rows(self.network, leaves)
        for number in range(len(self.network.layers) - 1, -1, -1):
            state.lower(number, self.grids[number])
        return state.on_box(self._box_grid) if self._ball is None else state.on_ball(self._ball)


class Rows:
    """The forms of some leaves while they are lowered, a row each."""

    def __init__(self, network: EnclosedNetwork, leaves: Sequence[Enclosed]) -> None:
        self.network, self.leaves = network, leaves
        count, starts, units = len(leaves), network.starts, network.starts[-1] - network.inputs
        self.shifts = np.full(count, FREE, dtype=np.int64)
        self._constants = [
            leaf.constant + (leaf.row.constant if leaf.row else 0) for leaf in leaves
        ]
        self._added = [(0, 0)] * count  # to the constants: a number over a power of two
        self.lost = np.zeros(count, dtype=bool)
        self.blocks: list[tuple[Int, Int] | None] = [None] * (len(starts) - 1)
        values, errors = np.zeros((2, count, starts[-1]), dtype=np.int64)
        for k, leaf in enumerate(leaves):
            if leaf.row is not None:
                values[k], errors[k] = leaf.row.coefficients, leaf.row.errors
                self.shifts[k] = leaf.row.shift
        for block, (begin, end) in enumerate(pairwise(starts)):
            both = values[:, begin:end], errors[:, begin:end]
            if _any(*both).any():
                self.blocks[block] = both
        ends = [leaf.ends for leaf in leaves]
        self.low, self.high = _stacked(ends, "lower"), _stacked(ends, "upper")
        slopes = np.where(self.low >= 0, 1 << network.slope, 0)
        more = np.zeros((count, units), dtype=np.int64)
        usual = (self.low < 0) & (self.high > 0)
        usual &= np.array([leaf.usual for leaf in leaves])[:, None]
        for k, leaf in enumerate(leaves):
            at = list(leaf.slopes)
            pairs = [floor_of(slope, network.slope) for slope in leaf.slopes.values()]
            slopes[k, at] = [floor for floor, _ in pairs]
            more[k, at] = [over for _, over in pairs]
            usual[k, at] = False
        self.slopes, self.more, self.usual = slopes, more, usual
        up = network.slope - USUAL_BITS
        self.below, self.above = _stacked(ends, "below") << up, _stacked(ends, "above") << up

    def constants(self) -> list[Fraction]:
        """What the constants of the forms are at least."""
        return [
            constant + Fraction(total, 1 << at)
            for constant, (total, at) in zip(self._constants, self._added, strict=True)
        ]

    def add(self, terms: Int | Whole, shifts: Int) -> None:
        """Adds terms / 2^shifts to the constants."""
        for k, (term, shift) in enumerate(zip(terms.tolist(), shifts.tolist(), strict=True)):
            if term:
                total, at = self._added[k]
                finer = max(shift, at)
                self._added[k] = (total << finer - at) + (term << finer - shift), finer

    def lower(self, number: int, grid: int) -> None:
        """Replaces the units of a layer by what they read."""
        network, layer = self.network, self.network.layers[number]
        limb, own = network.limb, slice(layer.first, layer.last)
        block = self.blocks.pop()
        none = np.zeros((len(self.leaves), layer.last - layer.first), dtype=np.int64)
        values, errors = none, none
        if block is not None:
            slope, more = self._slopes(own, *block)
            least = block[0] - block[1]
            down, up = heights(slope, more, self.low[:, own], self.high[:, own], limb)
            terms = dot(np.maximum(least, 0), down, limb) + dot(np.minimum(least, 0), up, limb)
            self.add(terms, self.shifts + (grid - 2 * limb))
            values, errors = times_slopes(*block, slope, more, limb)
        values, errors, shifts = self._with_direct(number, values, errors)
        terms = along(values, errors, layer.bias, layer.bias_more, limb)
        self.add(terms, shifts + (layer.bias_shift - 2 * limb))
        self._read(layer, values, errors, shifts)

    def _slopes(self, own: slice, values: Int, errors: Int) -> tuple[Int, Int]:
        """Slopes, and how much larger they may be, of units with these coefficients: the usual ones
        depend on a sign, and are both possible where it is not known."""
        slope, more, usual = self.slopes[:, own], self.more[:, own], self.usual[:, own]
        if not usual.any():
            return slope, more
        below, above = self.below[:, own], self.above[:, own]
        rises, falls = values > errors, -values > errors
        either = np.where(rises, below, np.where(falls, above, np.minimum(below, above)))
        apart = np.where(rises | falls, 0, np.abs(below - above))
        return np.where(usual, either, slope), np.where(usual, apart, more)

    def _with_direct(self, number: int, values: Int, errors: Int) -> tuple[Int, Int, Int]:
        """With the pre-activations of the layer that the leaves name; and the shifts of these
        rows."""
        layer, bits, shifts = self.network.layers[number], 2 * self.network.limb, self.shifts
        direct, wrong = np.zeros((2, *values.shape), dtype=np.int64)
        at = np.full(len(values), FREE, dtype=np.int64)
        for k, leaf in enumerate(self.leaves):
            named = {v: q for v, q in leaf.direct.items() if layer.first <= v < layer.last and q}
            if named:
                at[k] = shift_of(bits, named.values())
                for v, q in named.items():
                    place = k, v - layer.first
                    direct[place], wrong[place] = floor_of(q, int(at[k]))
        shifts = np.where(_any(values, errors), shifts, FREE)
        common = np.minimum(shifts, at)
        values, errors = lowered(values, errors, shifts - common)
        direct, wrong = lowered(direct, wrong, at - common)
        both, common = self._normal([(values + direct, errors + wrong)], common)
        return *both[0], common

    def _read(self, layer: EnclosedLayer, values: Int, errors: Int, shifts: Int) -> None:
        """Adds the rows of a layer's units, times these factors over 2^shifts."""
        limb = self.network.limb
        active = _any(values, errors)
        used = np.flatnonzero((values != 0).any(axis=0) | (errors != 0).any(axis=0))
        if not (len(used) and layer.weights):
            return
        values, errors = values[:, used], errors[:, used]
        upper = values >> limb
        both = np.concatenate([upper, values - (upper << limb)]).astype(np.float64)
        wrong, count = errors.astype(np.float64), len(values)
        rounded = np.where(active, 2, 0)
        if layer.more:
            rounded += np.where(active, (np.abs(values).sum(axis=1) >> 2 * limb) + 1, 0)
        found: dict[int, tuple[Int, Int]] = {}
        for weights in layer.weights:
            width = weights.sizes.shape[1]
            limbs = (both @ weights.limbs[used]).astype(np.int64)
            low = (limbs[count:, width:] >> limb) + limbs[:count, width:] + limbs[count:, :width]
            total = limbs[:count, :width] + (low >> limb)
            error = (wrong @ weights.sizes[used]).astype(np.int64) >> limb
            found[weights.block] = total, error + rounded[:, None]
        self._add_blocks(found, active, shifts + (layer.shift - 2 * limb))

    def _add_blocks(self, found: Mapping[int, tuple[Int, Int]], active: Mask, shifts: Int) -> None:
        """Adds blocks over 2^shifts to the rows that are active."""
        keeps = np.zeros(len(active), dtype=bool)
        for block in self.blocks:
            if block is not None:
                keeps |= _any(*block)
        up = np.where(active, shifts - self.shifts, 0)
        up = np.where(keeps, np.minimum(up, SPARE), up)
        left, right = np.where(keeps, np.maximum(up, 0), 0), np.where(keeps, np.maximum(-up, 0), 0)
        more = np.where(active, shifts - self.shifts - up, 0)
        parts: dict[int, tuple[Int, Int]] = {
            number: lowered(*block, more) for number, block in found.items()
        }
        for number, block in enumerate(self.blocks):
            if block is not None:
                kept = lowered(block[0] << left[:, None], block[1] << left[:, None], right)
                total = parts.get(number, (np.zeros_like(kept[0]), np.zeros_like(kept[0])))
                parts[number] = total[0] + kept[0], total[1] + kept[1]
        normal, self.shifts = self._normal(list(parts.values()), self.shifts + up)
        for number, part_of in zip(parts, normal, strict=True):
            self.blocks[number] = part_of

    def _normal(
        self, parts: Sequence[tuple[Int, Int]], shifts: Int
    ) -> tuple[list[tuple[Int, Int]], Int]:
        """The parts of rows, lowered until coefficients have their bits, and the new shifts; rows
        whose errors are too large are lost."""
        largest = np.zeros(len(shifts), dtype=np.int64)
        for values, _ in parts:
            largest = np.maximum(largest, np.abs(values).max(axis=1))
        by = np.maximum(bit_length(largest) - 2 * self.network.limb, 0)
        found, most = [], 1 << self.network.limb
        for values, errors in parts:
            values, errors = lowered(values, errors, by)
            self.lost |= (errors > most).any(axis=1)
            found.append((values, np.minimum(errors, most)))
        return found, shifts - by

    def on_box(self, grid: int) -> list[Fraction | None]:
        """What the rows, now over inputs alone, are at least on their boxes, whose ends have this
        grid."""
        limb, block = self.network.limb, self.blocks[0]
        if block is not None:
            ends = [leaf.ends for leaf in self.leaves]
            low, high = _stacked(ends, "box_lower"), _stacked(ends, "box_upper")
            terms = dot(block[0], np.where(block[0] > 0, low, high), limb)
            reach = np.maximum(np.abs(low), np.abs(high))
            terms += -(block[1] * ((reach >> limb) + 1)).sum(axis=1) >> limb
            self.add(terms, self.shifts + (grid - 2 * limb))
        return self._found()

    def on_ball(self, ball: Ball) -> list[Fraction | None]:
        """What the rows, now over inputs alone, are at least on this ball."""
        limb, block = self.network.limb, self.blocks[0]
        if block is not None:
            terms = along(*block, ball.center, ball.more, limb)
            self.add(terms, self.shifts + (ball.grid - 2 * limb))
            self.add(-ball.losses(*block, limb), self.shifts + ball.radius_grid)
        return self._found()

    def _found(self) -> list[Fraction | None]:
        """The constants of the rows that are not lost."""
        lost = self.lost.tolist()
        return [None if lost[k] else constant for k, constant in enumerate(self.constants())]


def along(values: Int, errors: Int, floors: Int, more: Int, limb: int) -> Int:
    """At most the sum of coefficients * numbers / 2^(2 limb), by rows, for coefficients with these
    enclosures, and numbers in [floors, floors + more]."""
    terms = dot(values, floors, limb) + (np.minimum(values, 0) @ more >> 2 * limb)
    sizes = np.where((floors != 0) | (more != 0), (np.abs(floors) >> limb) + 1, 0)  # in limbs
    terms += -(errors @ sizes) >> limb
    return terms


def dot(values: Int, factors: Int, limb: int) -> Int:
    """At most the sum of values * factors / 2^(2 limb), by rows."""
    upper, over = values >> limb, factors >> limb
    lower, under = values - (upper << limb), factors - (over << limb)
    total: Int = (upper * over).sum(axis=1)
    total += (upper * under).sum(axis=1) + (lower * over).sum(axis=1) >> limb
    return total


def heights(slope: Int, more: Int, low: Int, high: Int, limb: int) -> tuple[Int, Int]:
    """What z - s a is at least, and at most, for bounds low and high of a: rounded down and up."""
    one, most = 1 << 61 - limb, slope + more
    down = part(np.maximum(low, 0), one - most, limb) + part(np.maximum(-high, 0), slope, limb)
    above = part(-np.maximum(high, 0), one - slope, limb)
    up = -np.minimum(above, part(-np.maximum(-low, 0), most, limb))
    return down, up


def part(values: Int, slope: Int, limb: int) -> Int:
    """floor(values * slope / 2^(61 - limb))."""
    upper = values >> limb
    lower = (values - (upper << limb)) * slope
    found: Int = (upper * slope + (lower >> limb)) >> (61 - 2 * limb)
    return found


def times_slopes(values: Int, errors: Int, slope: Int, more: Int, limb: int) -> tuple[Int, Int]:
    """Coefficients times slopes."""
    bits = 61 - limb
    rounded = (values != 0) & (slope > 0) & (slope < 1 << bits)
    error = rounded - (-(errors * (slope + more)) >> bits)
    moved = (more > 0) & (values != 0)
    error += np.where(moved, part(np.abs(values), more, limb) + 1, 0)
    return part(values, slope, limb), error


def lowered(values: Int, errors: Int, by: Int) -> tuple[Int, Int]:
    """Rows over a power of two that is smaller by so many bits."""
    right = np.minimum(by, 63)[:, None]
    moved = (right > 0) & ((values != 0) | (errors != 0))
    return values >> right, (errors >> right) + np.where(moved, 2, 0)


def _stacked(ends: Sequence[Ends], name: str) -> Int:
    found: Int = np.array([getattr(of, name) for of in ends])
    return found


def _any(values: Int, errors: Int) -> Mask:
    """Rows in which something is not zero."""
    found: Mask = np.any(values, axis=1) | np.any(errors, axis=1)
    return found
