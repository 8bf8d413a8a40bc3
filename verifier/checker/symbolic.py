"""Symbolic backward bounds in directed fixed-point integers, for many boxes at once.

`symbolic` leaves and steps of a proof carry no numbers: the checker computes the bounds of all
units itself, layer by layer, each by substituting backwards to the inputs (CROWN, DeepPoly). An
undecided unit is at least 0 or a_v, whichever line is nearer (a_v if upper >= -lower), and at most
the chord of its bounds. Nothing is exact here, everything is rounded to the safe side, which is
possible because every variable is >= 0 once the inputs are shifted by the corner of the region's
box: rounding a coefficient down can only lower the form.

Numbers. A row of coefficients is integers of at most COEFFICIENT bits over a power of two of its
own; weights are integers of WEIGHT bits over 2^shift of their layer, with floor and ceiling kept
apart; bounds are integers of at most 62 bits over 2^grid of their layer and are rounded outwards to
BOUND bits where they multiply. Floating point appears in three named places and decides nothing:
`_exact_product` (float64 matrix products of integers whose sums stay below 2^53, hence exact),
`_bit_length` (exponents of integers below 2^31, exact), and `_root_above` (a guess of an integer
root, raised in integers until its square is large enough).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.question.network import Network
from verifier.question.query import Atom
from verifier.question.rational import sqrt_upper
from verifier.question.region import Region

COEFFICIENT = 22  # fewer where a layer has more than 127 units
WEIGHT = 23
BOUND = 28
SLOPE = 22  # of the chords' slopes
_LARGEST = 1 << 61
GRID = 50  # bits of the largest root bound of a layer
FREE = 1 << 16  # shift of constants that are 0, so fine that they coarsen no sum
Int = NDArray[np.int64]
Float = NDArray[np.float64]


def coefficient_bits(network: Network) -> int:
    """So many bits that sums over the largest layer of coefficient * weight stay within 2^53."""
    return min(COEFFICIENT, 53 - WEIGHT - max((1, *network.layers)).bit_length())


def supports(network: Network) -> bool:
    """Whether all sums of a network of this size provably stay inside 53 and 63 bits."""
    widest = network.inputs + max((1, *network.layers))
    return (
        coefficient_bits(network) >= 16
        and COEFFICIENT + BOUND + widest.bit_length() + (4 * network.depth).bit_length() <= 62
        and network.units.count * network.variables <= 1 << 24
    )


@dataclass(frozen=True, slots=True)
class _Weights:
    """floor <= 2^shift w <= floor + excess, of a layer's units (rows) from one block (columns).

    `excess` is 1 where the weight is no multiple of 2^-shift, None if that is nowhere."""

    block: int
    floor: Float
    excess: Float | None


@dataclass(frozen=True, slots=True)
class _Layer:
    """The units first..last: weights over 2^shift by the block that they read, block 0 being the
    inputs and block l + 1 layer l; biases likewise over 2^bias_shift, the corner included."""

    first: int
    last: int
    shift: int
    weights: tuple[_Weights, ...]
    bias_shift: int
    bias_floor: Int
    bias_ceil: Int


@dataclass(frozen=True, slots=True)
class Targets:
    """Forms coefficients / 2^shift . (x, z) + constant / 2^constant_shift, a row each."""

    coefficients: Int  # (targets, variables)
    shifts: Int  # (targets,)
    constants: Int
    constant_shifts: Int


class SymbolicNetwork:
    """The network in fixed point, inputs measured from the lower corner of the region's box."""

    def __init__(self, network: Network, region: Region) -> None:
        self.network = network
        self.region = region
        self.inputs = network.inputs
        self.base = region.lower
        self.top = region.upper
        self.bits = coefficient_bits(network)
        self.blocks = [(0, network.inputs)] + [
            (network.inputs + first, network.inputs + last)
            for first, last in network.layer_ranges()
        ]
        self.layers = [self._layer(first, last) for first, last in network.layer_ranges()]
        self._unit_targets: dict[int, Targets] = {}
        self._ball()

    def _ball(self) -> None:
        """Center, from below and above, and radius from above, in units of 2^-input_grid."""
        region = self.region
        widths = [h - low for low, h in zip(region.lower, region.upper, strict=True)]
        offsets = [c - b for c, b in zip(region.center, self.base, strict=False)]
        reach = sqrt_upper(region.size) if region.norm == "2" else region.size
        self.input_grid = _shift(BOUND, (*widths, *offsets, reach))
        scale = Fraction(2) ** self.input_grid
        self.center_floor = _array(_floor(q, self.input_grid)[0] for q in offsets)
        self.center_ceil = _array(-_floor(-q, self.input_grid)[0] for q in offsets)
        if region.norm == "2":
            self.radius = int(sqrt_upper(region.size * scale * scale, 0))
        else:
            self.radius = -_floor(-region.size, self.input_grid)[0]

    def _layer(self, first: int, last: int) -> _Layer:
        rows = [self._shifted(*self.network.units.fractions(v)) for v in range(first, last)]
        shift = _shift(WEIGHT, (w for weights, _ in rows for w in weights.values()))
        floor = np.zeros((last - first, self.inputs + first))
        excess = np.zeros_like(floor)
        for i, (weights, _) in enumerate(rows):
            for j, weight in weights.items():
                floor[i, j], excess[i, j] = _floor(weight, shift)
        parts = []
        for block, (begin, end) in enumerate(self.blocks):
            if end <= self.inputs + first and (
                floor[:, begin:end].any() or excess[:, begin:end].any()
            ):
                more = excess[:, begin:end]
                parts.append(
                    _Weights(
                        block,
                        np.ascontiguousarray(floor[:, begin:end]),
                        np.ascontiguousarray(more) if more.any() else None,
                    )
                )
        bias_shift = _shift(BOUND, (bias for _, bias in rows)) if any(b for _, b in rows) else FREE
        biases = [_floor(bias, bias_shift) for _, bias in rows]
        return _Layer(
            first,
            last,
            shift,
            tuple(parts),
            bias_shift,
            _array(low for low, _ in biases),
            _array(low + more for low, more in biases),
        )

    def _shifted(
        self, weights: dict[int, Fraction], constant: Fraction
    ) -> tuple[dict[int, Fraction], Fraction]:
        """The same form of the inputs as measured from the corner."""
        base = self.base
        moved = sum((w * base[j] for j, w in weights.items() if j < self.inputs), constant)
        return weights, moved

    def targets(self, forms: Iterable[tuple[dict[int, Fraction], Fraction]]) -> Targets:
        """Rows that lie below the forms weights . (x, z) + constant wherever z >= 0 and the inputs
        are at least the corner."""
        shifted = [self._shifted(*form) for form in forms]
        coefficients = np.zeros((len(shifted), self.network.variables), dtype=np.int64)
        shifts = [_shift(self.bits, weights.values()) for weights, _ in shifted]
        constant_shifts = [
            _shift(GRID, [constant]) if constant else FREE for _, constant in shifted
        ]
        for i, (weights, _) in enumerate(shifted):
            for j, weight in weights.items():
                coefficients[i, j] = _floor(weight, shifts[i])[0]
        constants = [
            _floor(constant, at)[0]
            for (_, constant), at in zip(shifted, constant_shifts, strict=True)
        ]
        return Targets(coefficients, _array(shifts), _array(constants), _array(constant_shifts))

    def atom_targets(self, atoms: Iterable[Atom]) -> Targets:
        """One row an atom, below minus the atom: where it is positive the atom is false."""
        forms = []
        for atom in atoms:
            weights = {k: -c for k, c in atom.inputs}
            constant = -atom.constant
            for j, c in atom.outputs:
                row, offset = self.network.outputs.fractions(j)
                constant -= c * offset
                for index, w in row.items():
                    weights[index] = weights.get(index, Fraction(0)) - c * w
            forms.append((weights, constant))
        return self.targets(forms)

    def unit_targets(self, layer: int) -> Targets:
        """Rows below a_v for each unit of the layer, then below -a_v for each."""
        known = self._unit_targets.get(layer)
        if known is not None:
            return known
        part = self.layers[layer]
        rows = [self.network.units.fractions(v) for v in range(part.first, part.last)]
        negated = [({j: -w for j, w in weights.items()}, -b) for weights, b in rows]
        found = self._unit_targets[layer] = self.targets([*rows, *negated])
        return found


class Branches:
    """Boxes and unit bounds of several branches of one region, tightened together.

    lower and upper of layer l have shape (branches, units of l) and units of 2^-grids[l]; those of
    the inputs are measured from the corner, in units of 2^-input_grid. A branch's results do not
    depend on the others.
    """

    def __init__(
        self,
        symbolic: SymbolicNetwork,
        lower: Sequence[Fraction],
        upper: Sequence[Fraction],
        boxes: Sequence[tuple[Sequence[Fraction], Sequence[Fraction]]],
    ) -> None:
        """Branches with these boxes, all with the bounds lower <= a_v <= upper of the units.

        A side of a box beyond the region's box is moved to it, so that no number is longer than
        those of the region: such a box is empty, and a larger one takes its place.
        """
        self.symbolic = symbolic
        at, base, top, count = symbolic.input_grid, symbolic.base, symbolic.top, len(boxes)
        self.input_lower = np.array(
            [
                [_floor(min(x, t) - b, at)[0] for x, b, t in zip(low, base, top, strict=True)]
                for low, _ in boxes
            ],
            dtype=np.int64,
        )
        self.input_upper = np.array(
            [
                [-_floor(b - max(x, b), at)[0] for x, b in zip(high, base, strict=True)]
                for _, high in boxes
            ],
            dtype=np.int64,
        )
        self.grids: list[int] = []
        self.lower: list[Int] = []
        self.upper: list[Int] = []
        for layer in symbolic.layers:
            low, high = lower[layer.first : layer.last], upper[layer.first : layer.last]
            grid = _shift(GRID, (*low, *high))
            self.grids.append(grid)
            self.lower.append(np.tile(_array(_floor(q, grid)[0] for q in low), (count, 1)))
            self.upper.append(np.tile(_array(-_floor(-q, grid)[0] for q in high), (count, 1)))
        self.empty = np.zeros(count, dtype=bool)

    def restrict(self, branch: int, layer: int, unit: int, bound: Fraction, upper: bool) -> None:
        """Tightens one bound of one unit, numbered within its layer, of one branch."""
        grid = self.grids[layer]
        if upper:
            row = self.upper[layer][branch]
            row[unit] = min(int(row[unit]), max(-_LARGEST, -_floor(-bound, grid)[0]))
        else:
            row = self.lower[layer][branch]
            row[unit] = max(int(row[unit]), min(_LARGEST, _floor(bound, grid)[0]))

    def tighten(self, seen: Callable[[Int, Int], None] = lambda branch, gradients: None) -> None:
        """Tightens the bounds of all undecided units, first layer to last.

        `seen` is given the branches of the rows and their coefficients of the inputs, as `minima`
        has them; the bounds do not depend on what it does.
        """
        for number in range(len(self.symbolic.layers)):
            lower, upper = self.lower[number], self.upper[number]
            undecided = (lower < 0) & (upper > 0)
            branch, unit = np.nonzero(undecided)
            if not len(branch):
                continue
            rows = np.concatenate([unit, unit + lower.shape[1]])  # below a_v, then below -a_v
            values, shifts, gradients = self.minima(
                self.symbolic.unit_targets(number), np.tile(branch, 2), rows, number
            )
            seen(np.tile(branch, 2), gradients)
            values = _rescale(values, self.grids[number] - shifts)
            half = len(branch)
            lower[branch, unit] = np.maximum(lower[branch, unit], values[:half])
            upper[branch, unit] = np.minimum(upper[branch, unit], -values[half:])
            self.empty |= (undecided & (lower > upper)).any(axis=1)

    def minima(
        self, targets: Targets, branch: Int, rows: Int, layer: int | None = None
    ) -> tuple[Int, Int, Int]:
        """For each k a lower bound of target rows[k] in branch[k]; the targets read units of layers
        before `layer` alone.

        Values (k,) over 2^shifts (k,), and the final coefficients of the inputs (k, inputs), for
        choosing where to split.
        """
        symbolic = self.symbolic
        height = len(symbolic.layers) if layer is None else layer
        blocks: list[Int | None] = []
        for begin, end in symbolic.blocks[: height + 1]:
            part = targets.coefficients[:, begin:end]
            blocks.append(part[rows] if part.any() else None)
        state = _Rows(
            branch,
            blocks,
            targets.shifts[rows],
            targets.constants[rows],
            targets.constant_shifts[rows],
        )
        for number in range(height - 1, -1, -1):
            self._substitute(state, number)
        return self._on_inputs(state)

    def _substitute(self, state: _Rows, number: int) -> None:
        """Replaces the units of a layer by lower bounds in terms of what they read."""
        c = state.blocks.pop()
        if c is None:
            return
        layer = self.symbolic.layers[number]
        active: NDArray[np.bool_] = np.any(c, axis=1)
        line, chord, high, grid = (part[state.branch] for part in self._lines(number))
        negative = np.minimum(c, 0)
        rising = np.maximum(c, 0) * line
        falling = -((-negative * chord) >> SLOPE)
        loss: Int = np.einsum("kn,kn->k", negative - falling, high)
        state.add(loss, state.shifts + grid, active)
        bias: Int = rising @ layer.bias_floor + falling @ layer.bias_ceil
        state.add(bias, state.shifts + layer.bias_shift, active)
        factor = rising + falling
        products = {}
        for part in layer.weights:
            product = _exact_product(factor, part.floor)
            if part.excess is not None:
                product += _exact_product(falling, part.excess)
            products[part.block] = product
        state.replace(products, layer.shift, self.symbolic.bits, active)

    def _lines(self, number: int) -> tuple[Int, Int, Int, Int]:
        """Per branch and unit: the slope 0 or 1 of the line below z, that of the line above it over
        2^SLOPE, and its height (1 - slope) * high is charged through `high` (0 for decided units,
        over 2^grid), so that z <= chord / 2^SLOPE * a + (1 - chord / 2^SLOPE) * high."""
        lower, upper = self.lower[number], self.upper[number]
        low, high, grid = _short(lower, upper, self.grids[number])
        on, undecided = lower >= 0, (lower < 0) & (upper > 0)
        line = (on | (undecided & (high >= -low))).astype(np.int64)
        chord = np.where(undecided, (high << SLOPE) // (high - low), np.where(on, 1 << SLOPE, 0))
        return line, chord, np.where(undecided, high, 0), grid

    def _on_inputs(self, state: _Rows) -> tuple[Int, Int, Int]:
        """The minimum over the box, or over the ball where that is larger, added up."""
        symbolic, inputs = self.symbolic, state.blocks[0]
        shape = (len(state.branch), symbolic.inputs)
        g = np.zeros(shape, dtype=np.int64) if inputs is None else inputs
        low, high = self.input_lower[state.branch], self.input_upper[state.branch]
        least = np.where(g > 0, g * low, g * high).sum(axis=1)
        if symbolic.region.norm != "inf":
            center = np.where(g > 0, g * symbolic.center_floor, g * symbolic.center_ceil)
            if symbolic.region.norm == "1":
                length = np.abs(g).max(axis=1)
            else:
                length = _root_above((g * g).sum(axis=1))
            least = np.maximum(least, center.sum(axis=1) - symbolic.radius * length)
        everywhere = np.ones(least.shape, dtype=bool)
        state.add(least, state.shifts + symbolic.input_grid, everywhere)
        return state.constants, state.constant_shifts, g


class _Rows:
    """Rows coefficients / 2^shifts . variables + constants / 2^constant_shifts, being lowered.

    Row k belongs to branch branch[k]. Coefficients come by block, (rows, units of the block), None
    where all are zero; shifts and constants are (rows,).
    """

    def __init__(
        self,
        branch: Int,
        blocks: list[Int | None],
        shifts: Int,
        constants: Int,
        constant_shifts: Int,
    ) -> None:
        self.branch = branch
        self.blocks = blocks
        self.shifts = shifts
        self.constants = constants
        self.constant_shifts = constant_shifts

    def add(self, terms: Int, shifts: Int, active: NDArray[np.bool_]) -> None:
        """Adds terms / 2^shifts to the constants of the active rows; both are floored to the
        coarser of the two."""
        coarser = np.where(active, np.minimum(self.constant_shifts, shifts), self.constant_shifts)
        shifts = np.where(active, shifts, coarser)  # the terms of other rows are zero
        self.constants = _down(self.constants, self.constant_shifts - coarser) + _down(
            terms, shifts - coarser
        )
        self.constant_shifts = coarser

    def replace(
        self, products: dict[int, Int], shift: int, bits: int, active: NDArray[np.bool_]
    ) -> None:
        """Adds products / 2^shift to the blocks of the active rows, and floors these rows to `bits`
        bits. The others stay as they are, whatever is computed beside them."""
        skips = np.zeros(self.shifts.shape, dtype=bool)
        for kept in self.blocks:
            if kept is not None:
                skips |= np.any(kept, axis=1)
        # A row that keeps coefficients of earlier layers moves them by as much as 63 bits allow.
        room = np.where(skips, min(shift, 60 - COEFFICIENT), shift)
        room = np.where(active, room, 0)
        left, right = np.clip(room, 0, 60 - COEFFICIENT), np.maximum(-room, 0)
        largest = np.zeros(self.shifts.shape, dtype=np.int64)
        for block, kept in enumerate(self.blocks):
            total = None
            if kept is not None:
                total = _down(kept << left[:, None], right[:, None])
            if block in products:
                moved = products[block]
                if skips.any():
                    moved = _down(moved, np.where(active, shift - room, 0)[:, None])
                total = moved if total is None else total + moved
            if total is not None:
                largest = np.maximum(largest, np.maximum(total.max(axis=1), -total.min(axis=1)))
            self.blocks[block] = total
        excess = np.where(active, np.maximum(_bit_length(largest) - bits, 0), 0)
        for block, total in enumerate(self.blocks):
            if total is not None:
                self.blocks[block] = _down(total, excess[:, None])
        self.shifts = self.shifts + room - excess


def _exact_product(left: Int, right: Float) -> Int:
    """left @ right, exactly: integers of at most `coefficient_bits` and WEIGHT bits, so that every
    partial sum over a layer stays within 2^53, where float64 addition is exact in any order."""
    return (left.astype(np.float64) @ right).astype(np.int64)


def _short(lower: Int, upper: Int, grid: int) -> tuple[Int, Int, Int]:
    """The bounds of the undecided units, rounded outwards to BOUND bits a branch, and their grid.

    Units that are decided get -1 and 1, which nobody reads.
    """
    undecided = (lower < 0) & (upper > 0)
    low, high = np.where(undecided, lower, -1), np.where(undecided, upper, 1)
    excess = np.maximum(_bit_length(np.maximum(high, -low).max(axis=1, initial=1)) - BOUND, 0)
    at = excess[:, None]
    return _down(low, at), -_down(-high, at), grid - excess


def _down(values: Int, by: Int) -> Int:
    """floor(values / 2^by), by >= 0."""
    return values >> np.minimum(by, 63)


def _rescale(values: Int, by: Int) -> Int:
    """floor(values * 2^by), but never beyond +-2^61: for lower bounds of units, which are compared
    with root bounds below 2^51, so that a value which was cut off from below changes nothing."""
    up = np.clip(by, 0, 61)
    limit = np.int64(_LARGEST) >> up
    moved = np.clip(values, -limit, limit) << up
    return np.where(by >= 0, moved, _down(values, np.maximum(-by, 0)))


def _bit_length(values: Int) -> Int:
    """The bit length of integers in [0, 2^62); both halves are exact as floats."""
    upper = values >> 31
    halves = np.where(upper > 0, upper, values)
    lengths: Int = np.frexp(halves.astype(np.float64))[1].astype(np.int64)
    return lengths + np.where(upper > 0, 31, 0)


def _root_above(squares: Int) -> Int:
    """Integers whose squares are at least `squares` < 2^61."""
    roots = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    for _ in range(2):  # the float is a guess
        roots += roots * roots < squares
    return roots


def _shift(bits: int, values: Iterable[Fraction]) -> int:
    """The largest s, as far as bit lengths tell, with |value| 2^s < 2^bits for all; 0 for zeros."""
    return min(
        (
            bits - 1 - abs(q.numerator).bit_length() + q.denominator.bit_length()
            for q in values
            if q
        ),
        default=0,
    )


def _floor(value: Fraction, shift: int) -> tuple[int, int]:
    """floor(value * 2^shift), and 1 if that is not exact, else 0."""
    top, bottom = value.numerator, value.denominator
    if shift >= 0:
        top <<= shift
    else:
        bottom <<= -shift
    low, remainder = divmod(top, bottom)
    return low, int(remainder != 0)


def _array(values: Iterable[int]) -> Int:
    return np.array(list(values), dtype=np.int64)
