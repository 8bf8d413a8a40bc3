"""Symbolic backward bounds in directed fixed-point integers, for many boxes at once.

`symbolic` leaves and steps of a proof carry no numbers: the checker computes the bounds of all
units itself, layer by layer, each by substituting backwards to the inputs (CROWN, DeepPoly). An
undecided unit is at least 0 or a_v, whichever line is nearer (a_v if upper >= -lower), and at most
the chord of its bounds. Nothing is exact here, everything is rounded to the safe side, which is
possible because every variable is >= 0 once the inputs are shifted by the corner of the region's
box: rounding a coefficient down can only lower the form.

Numbers. A row of coefficients is integers over a power of two of its own; weights are integers over
2^shift of their layer, with floor and ceiling kept apart; bounds are integers of at most 62 bits
over 2^grid of their layer and are rounded outwards where they multiply. How many bits each has, and
why no sum overflows, is said in `fixed_point.py`. Floating point appears in three named places and
decides nothing: `_exact_product` (float64 matrix products of integers whose sums stay below 2^53,
hence exact), `bit_length` (exponents of integers below 2^31, exact), and `_root_above` (a guess of
an integer root, raised in integers until its square is large enough).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from verifier.checker.fixed_point import (
    COEFFICIENT,
    Corner,
    FixedLayer,
    Forms,
    Quotients,
    Weight,
    Whole,
    bit_length,
    fixed_network,
    floor_of,
    shift_of,
    whole,
)
from verifier.checker.sparse_block import SparseBlock
from verifier.question.network import Network
from verifier.question.query import Atom
from verifier.question.rational import sqrt_upper
from verifier.question.region import Region, root_upper

SLOPE = 22  # bits of the chords' slopes
_LARGEST = 1 << 61
GRID = 50  # bits of the largest root bound of a layer
FREE = 1 << 16  # shift of constants that are 0, so fine that they coarsen no sum
CELLS = 1 << 20  # of the widest block of rows that are lowered together
Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of a layer, and its biases over 2^bias_shift, the corner included."""

    fixed: FixedLayer
    bias_shift: int
    bias_floor: Int
    bias_ceil: Int

    @property
    def first(self) -> int:
        return self.fixed.first

    @property
    def last(self) -> int:
        return self.fixed.last


@dataclass(frozen=True, slots=True)
class Targets:
    """Forms coefficients / 2^shift . (x, z) + constant / 2^constant_shift, a row each.

    Coefficients by block of variables, (targets, variables of the block), where any is not zero."""

    coefficients: dict[int, Forms]
    shifts: Int  # (targets,)
    constants: Int
    constant_shifts: Int

    def block(self, number: int, rows: Int) -> Int | None:
        """The coefficients of these rows, None where all of the block are zero."""
        found = self.coefficients.get(number)
        if found is None:
            return None
        if isinstance(found, SparseBlock):
            return found.take(rows)
        return found[rows].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Root:
    """Bounds of the units, by layer, rounded outwards to multiples of 2^-grid of the layer."""

    grids: tuple[int, ...]
    lower: tuple[Int, ...]
    upper: tuple[Int, ...]


class SymbolicNetwork:
    """The network in fixed point, inputs measured from the lower corner of the region's box."""

    def __init__(self, network: Network, region: Region) -> None:
        self.network = network
        self.region = region
        self.inputs = network.inputs
        self.base = region.lower
        self.top = region.upper
        fixed = fixed_network(network)
        self.precision, self.blocks = fixed.precision, fixed.blocks
        self._moved = [layer.corner.at(self.base) for layer in fixed.layers]
        self.layers = [
            self._layer(layer, moved)
            for layer, moved in zip(fixed.layers, self._moved, strict=True)
        ]
        self._unit_targets: dict[int, Targets] = {}
        self._ball()

    def _ball(self) -> None:
        """Center, from below and above, and radius from above, in units of 2^-input_grid."""
        region = self.region
        widths = [h - low for low, h in zip(region.lower, region.upper, strict=True)]
        offsets = [c - b for c, b in zip(region.center, self.base, strict=False)]
        p, n = region.power, region.dimension
        if p == 1:
            reach = region.size
        elif p == 2:
            reach = sqrt_upper(region.size)
        else:  # ||g||_q <= n^(1/2 - 1/p) ||g||_2, by Hoelder
            reach = root_upper(region.size**2 * n ** (p - 2), 2 * p) * (1 + Fraction(1, 1 << 20))
        self.input_grid = shift_of(self.precision.bound, (*widths, *offsets, reach))
        scale = Fraction(2) ** self.input_grid
        self.width_ceil = [-floor_of(-width, self.input_grid)[0] for width in widths]
        self.center_floor = _array(floor_of(q, self.input_grid)[0] for q in offsets)
        self.center_ceil = _array(-floor_of(-q, self.input_grid)[0] for q in offsets)
        if p == 2:
            self.radius = int(sqrt_upper(region.size * scale * scale, 0))
        else:
            self.radius = -floor_of(-reach, self.input_grid)[0]

    def _layer(self, fixed: FixedLayer, moved: Quotients) -> Layer:
        shift = moved.shift(self.precision.bound) if moved.nonzero().any() else FREE
        return Layer(fixed, shift, *moved.ends(shift))

    def root(self, lower: Quotients, upper: Quotients) -> Root:
        """The bounds lower <= a_v <= upper of the units."""
        grids, lows, highs = [], [], []
        for layer in self.layers:
            low, high = lower[layer.first : layer.last], upper[layer.first : layer.last]
            grid = low.joined(high).shift(GRID)
            grids.append(grid)
            lows.append(low.ends(grid)[0])
            highs.append(high.ends(grid)[1])
        return Root(tuple(grids), tuple(lows), tuple(highs))

    def atom_targets(self, atoms: Iterable[Atom]) -> Targets:
        """Rows that lie below minus the atoms wherever z >= 0 and the inputs are at least the
        corner: where one is positive its atom is false."""
        forms = [minus(self.network, atom) for atom in atoms]
        coefficients = np.zeros((len(forms), self.network.variables), dtype=np.int32)
        shifts, terms = [], []
        for row, form in zip(coefficients, forms, strict=True):
            weights = form.weights()
            shifts.append(weights.shift(self.precision.coefficient))
            row[form.variables] = weights.ends(shifts[-1])[0]
            terms.append(form.of_inputs(self.inputs))
        constants = whole(form.constant for form in forms)
        corner = Corner(tuple(terms), constants, whole(form.denominator for form in forms))
        by_block: dict[int, Forms] = {
            number: part
            for number, (begin, end) in enumerate(self.blocks)
            if (part := coefficients[:, begin:end]).any()
        }
        return Targets(by_block, _array(shifts), *_floored(corner.at(self.base)))

    def unit_targets(self, layer: int) -> Targets:
        """Rows below a_v for each unit of the layer, then below -a_v for each."""
        known = self._unit_targets.get(layer)
        if known is not None:
            return known
        fixed, moved = self.layers[layer].fixed, self._moved[layer]
        constants = moved.joined(moved.negative())
        found = Targets(fixed.rows, fixed.row_shifts, *_floored(constants))
        self._unit_targets[layer] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """(numerators . variables + constant) / denominator in Python integers; variables increase, and
    numerators may be 0."""

    variables: Int
    numerators: Whole
    constant: int
    denominator: int

    def weights(self) -> Quotients:
        """Of its variables."""
        return Quotients(self.numerators, whole([self.denominator] * len(self.numerators)))

    def of_inputs(self, inputs: int) -> tuple[list[int], list[int]]:
        """The inputs that it reads and their numerators."""
        count = int(np.searchsorted(self.variables, inputs))
        return self.variables[:count].tolist(), self.numerators[:count].tolist()

    def fractions(self) -> dict[int, Fraction]:
        """The weights by variable."""
        pairs = zip(self.variables.tolist(), self.numerators, strict=True)
        return {j: Fraction(n, self.denominator) for j, n in pairs}


def minus(network: Network, atom: Atom) -> Form:
    """Minus the atom, in variables."""
    rows = network.outputs
    factors = [(j, c, c.denominator * int(rows.denominators[j])) for j, c in atom.outputs]
    inputs = [c.denominator for _, c in atom.inputs]
    common = lcm(*(below for _, _, below in factors), *inputs, atom.constant.denominator)
    read = [np.array([k for k, _ in atom.inputs], dtype=np.int64)]
    added = [whole(-int(c * common) for _, c in atom.inputs)]
    constant = -int(atom.constant * common)
    for j, c, below in factors:
        own = slice(int(rows.starts[j]), int(rows.starts[j + 1]))
        factor = -c.numerator * (common // below)
        read.append(rows.indices[own])
        added.append(whole(rows.numerators[own]) * factor)
        constant += factor * int(rows.constants[j])
    variables, places = np.unique(np.concatenate(read), return_inverse=True)
    numerators = whole([0] * len(variables))
    np.add.at(numerators, places, np.concatenate(added))
    return Form(variables, numerators, constant, common)


@dataclass(frozen=True, slots=True)
class Trail:
    """How one target is bounded on the first branch: the coefficients of each layer's units, the
    last layer first, when these are replaced, and of the inputs, as integers over 2^shift; and
    whether the ball bounds what is left, not the box."""

    units: list[tuple[list[int], int]]
    inputs: tuple[list[int], int]
    on_ball: bool


@dataclass(frozen=True, slots=True)
class _Lines:
    """Of each branch (or of all, if one row stands for them) and each unit that is not off in every
    one: the slope 0 or 1 of the line below z, that of the line above it over 2^SLOPE, and its
    height (1 - slope) * high, charged through `high` (0 for decided units, over 2^grids), so that
    z <= chord / 2^SLOPE * a + (1 - chord / 2^SLOPE) * high.

    `live` are these units, None if they are all; weights and biases are theirs."""

    live: Int | None
    line: Int
    chord: Int
    high: Int
    grids: Int
    weights: tuple[tuple[int, Weight, Weight | None], ...]
    bias_floor: Int
    bias_ceil: Int


class Branches:
    """Boxes and unit bounds of several branches of one region, tightened together.

    lower and upper of layer l have shape (branches, units of l) and units of 2^-grids[l]; those of
    the inputs are measured from the corner, in units of 2^-input_grid. A branch's results do not
    depend on the others.
    """

    def __init__(
        self,
        symbolic: SymbolicNetwork,
        root: Root,
        boxes: Sequence[tuple[Sequence[Fraction], Sequence[Fraction]]],
    ) -> None:
        """Branches with these boxes, all with the root's bounds of the units.

        A side of a box beyond the region's box is moved to it, so that no number is longer than
        those of the region: such a box is empty, and a larger one takes its place.
        """
        self.symbolic = symbolic
        at, base, top, count = symbolic.input_grid, symbolic.base, symbolic.top, len(boxes)
        width = symbolic.width_ceil
        self.input_lower = np.array(
            [
                [
                    0 if x is b else floor_of(min(x, t) - b, at)[0]
                    for x, b, t in zip(low, base, top, strict=True)
                ]
                for low, _ in boxes
            ],
            dtype=np.int64,
        )
        self.input_upper = np.array(
            [
                [
                    w if x is t else -floor_of(b - max(x, b), at)[0]
                    for x, b, t, w in zip(high, base, top, width, strict=True)
                ]
                for _, high in boxes
            ],
            dtype=np.int64,
        )
        self.grids = root.grids
        self.lower = [np.tile(low, (count, 1)) for low in root.lower]
        self.upper = [np.tile(high, (count, 1)) for high in root.upper]
        self.empty = np.zeros(count, dtype=bool)
        self._lines_of: dict[int, _Lines] = {}
        self.between: Callable[[], None] = lambda: None  # called between blocks of rows

    def restrict(self, branch: int, layer: int, unit: int, bound: Fraction, upper: bool) -> None:
        """Tightens one bound of one unit, numbered within its layer, of one branch."""
        self._lines_of.pop(layer, None)
        grid = self.grids[layer]
        if upper:
            row = self.upper[layer][branch]
            row[unit] = min(int(row[unit]), max(-_LARGEST, -floor_of(-bound, grid)[0]))
        else:
            row = self.lower[layer][branch]
            row[unit] = max(int(row[unit]), min(_LARGEST, floor_of(bound, grid)[0]))

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
            self._lines_of.pop(number, None)
            self.empty |= (undecided & (lower > upper)).any(axis=1)

    def minima(
        self, targets: Targets, branch: Int, rows: Int, layer: int | None = None
    ) -> tuple[Int, Int, Int]:
        """For each k a lower bound of target rows[k] in branch[k]; the targets read units of layers
        before `layer` alone.

        Values (k,) over 2^shifts (k,), and the final coefficients of the inputs (k, inputs), for
        choosing where to split. Memory: some times CELLS numbers, and the coefficients.
        """
        height = len(self.symbolic.layers) if layer is None else layer
        widest = max(end - begin for begin, end in self.symbolic.blocks[: height + 1])
        size = max(1, CELLS // widest)
        parts = []
        for k in range(0, max(len(rows), 1), size):
            self.between()
            parts.append(self._minima(targets, branch[k : k + size], rows[k : k + size], height))
        if len(parts) == 1:
            return parts[0]
        values, shifts, gradients = (np.concatenate(part) for part in zip(*parts, strict=True))
        return values, shifts, gradients

    def _minima(
        self, targets: Targets, branch: Int, rows: Int, height: int
    ) -> tuple[Int, Int, Int]:
        state = _Rows.of(targets, branch, rows, height)
        for number in range(height - 1, -1, -1):
            self._substitute(state, number)
        return self._on_inputs(state)

    def trail(self, targets: Targets, row: int, height: int) -> Trail:
        """How `minima` bounds this row, which reads units of layers before `height` alone; for the
        elaboration."""
        state = _Rows.of(targets, np.array([0]), np.array([row]), height)
        units = []
        for number in range(height - 1, -1, -1):
            units.append(state.coefficients(-1))
            self._substitute(state, number)
        _, on_box, on_ball = self._over_inputs(state)
        ball = on_ball is not None and bool(on_ball[0] > on_box[0])
        return Trail(units, state.coefficients(0), ball)

    def _substitute(self, state: _Rows, number: int) -> None:
        """Replaces the units of a layer by lower bounds in terms of what they read."""
        c = state.blocks.pop()
        if c is None:
            return
        layer, lines = self.symbolic.layers[number], self._lines(number)
        active: NDArray[np.bool_] = np.any(c, axis=1)
        if lines.live is not None:
            c = c[:, lines.live]
        one = len(self.empty) == 1
        line, chord, high, grid = (
            part if one else part[state.branch]
            for part in (lines.line, lines.chord, lines.high, lines.grids)
        )
        negative = np.minimum(c, 0)
        rising = (c - negative) * line
        falling = negative * chord
        falling += (1 << SLOPE) - 1  # so that the quotient is rounded towards zero
        falling >>= SLOPE
        negative -= falling
        loss: Int = np.einsum("kn,kn->k", negative, np.broadcast_to(high, c.shape))
        state.add(loss, state.shifts + grid, active)
        bias: Int = rising @ lines.bias_floor + falling @ lines.bias_ceil
        state.add(bias, state.shifts + layer.bias_shift, active)
        rising += falling
        factor, down = rising.astype(np.float64), falling.astype(np.float64)
        products = {}
        for block, floor, excess in lines.weights:
            product = products[block] = _exact_product(rising, factor, floor)
            if excess is not None:
                product += _exact_product(falling, down, excess)
        state.replace(products, layer.fixed.shift, self.symbolic.precision.coefficient, active)

    def slopes(self, number: int) -> tuple[Int, Int]:
        """Of a layer's units (branches, units) the slopes, 0 or 1, of the lines below, and those of
        the chords above times 2^SLOPE."""
        low, high = self.lower[number], self.upper[number]
        on, undecided = low >= 0, (low < 0) & (high > 0)
        low, high, _ = _short(low, high, self.grids[number], self.symbolic.precision.bound)
        line = (on | (undecided & (high >= -low))).astype(np.int64)
        chord = np.where(undecided, (high << SLOPE) // (high - low), np.where(on, 1 << SLOPE, 0))
        return line, chord

    def _lines(self, number: int) -> _Lines:
        """The lines of a layer's units, as its bounds are now."""
        found = self._lines_of.get(number)
        if found is not None:
            return found
        lower, upper = self.lower[number], self.upper[number]
        layer = self.symbolic.layers[number]
        _, high, grids = _short(lower, upper, self.grids[number], self.symbolic.precision.bound)
        on, undecided = lower >= 0, (lower < 0) & (upper > 0)
        line, chord = self.slopes(number)
        high = np.where(undecided, high, 0)
        weights = tuple((w.block, w.floor, w.excess) for w in layer.fixed.weights)
        floor, ceil = layer.bias_floor, layer.bias_ceil
        used = (on | undecided).any(axis=0)
        live = None
        if not used.all():
            live = np.flatnonzero(used)
            line, chord, high, floor, ceil = (
                part[..., live] for part in (line, chord, high, floor, ceil)
            )
            weights = tuple(
                (block, _rows(below, live), None if more is None else _rows(more, live))
                for block, below, more in weights
            )
        found = _Lines(live, line, chord, high, grids, weights, floor, ceil)
        self._lines_of[number] = found
        return found

    def _on_inputs(self, state: _Rows) -> tuple[Int, Int, Int]:
        """The minimum over the box, or over the ball where that is larger, added up."""
        g, least, on_ball = self._over_inputs(state)
        if on_ball is not None:
            least = np.maximum(least, on_ball)
        everywhere = np.ones(least.shape, dtype=bool)
        state.add(least, state.shifts + self.symbolic.input_grid, everywhere)
        return state.constants, state.constant_shifts, g

    def _over_inputs(self, state: _Rows) -> tuple[Int, Int, Int | None]:
        """The coefficients of the inputs, and the minima over the box and, if there is one, over
        the ball."""
        symbolic, inputs = self.symbolic, state.blocks[0]
        shape = (len(state.branch), symbolic.inputs)
        g = np.zeros(shape, dtype=np.int64) if inputs is None else inputs
        low, high = self.input_lower[state.branch], self.input_upper[state.branch]
        least = np.where(g > 0, g * low, g * high).sum(axis=1)
        if symbolic.region.norm == "inf":
            return g, least, None
        center = np.where(g > 0, g * symbolic.center_floor, g * symbolic.center_ceil)
        if symbolic.region.norm == "1":
            length = np.abs(g).max(axis=1)
        else:
            length = _root_above((g * g).sum(axis=1))
        return g, least, center.sum(axis=1) - symbolic.radius * length


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

    @classmethod
    def of(cls, targets: Targets, branch: Int, rows: Int, height: int) -> _Rows:
        """Rows of targets that read units of layers before `height` alone."""
        return cls(
            branch,
            [targets.block(number, rows) for number in range(height + 1)],
            targets.shifts[rows],
            targets.constants[rows],
            targets.constant_shifts[rows],
        )

    def coefficients(self, block: int) -> tuple[list[int], int]:
        """Of the first row those of a block, none if all are zero, and their shift."""
        found = self.blocks[block]
        return [] if found is None else found[0].tolist(), self.shifts.item(0)

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
        excess = np.where(active, np.maximum(bit_length(largest) - bits, 0), 0)
        for block, total in enumerate(self.blocks):
            if total is not None:
                self.blocks[block] = _down(total, excess[:, None])
        self.shifts = self.shifts + room - excess


def _exact_product(left: Int, same: Float, right: Weight) -> Int:
    """left @ right, exactly, `same` being left in floats: integers with as many bits as `Precision`
    gives coefficients and weights, so that every partial sum over a layer stays within 2^53, where
    float64 addition is exact in any order."""
    if isinstance(right, SparseBlock):
        return right.product(left)
    return (same @ right).astype(np.int64)


def _rows(matrix: Weight, rows: Int) -> Weight:
    return matrix.only(rows) if isinstance(matrix, SparseBlock) else matrix[rows]


def _short(lower: Int, upper: Int, grid: int, bits: int) -> tuple[Int, Int, Int]:
    """The bounds of the undecided units, rounded outwards to `bits` bits a branch, and their grid.

    Units that are decided get -1 and 1, which nobody reads.
    """
    undecided = (lower < 0) & (upper > 0)
    low, high = np.where(undecided, lower, -1), np.where(undecided, upper, 1)
    excess = np.maximum(bit_length(np.maximum(high, -low).max(axis=1, initial=1)) - bits, 0)
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


def _root_above(squares: Int) -> Int:
    """Integers whose squares are at least `squares` < 2^61."""
    roots = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    for _ in range(2):  # the float is a guess
        roots += roots * roots < squares
    return roots


def _floored(constants: Quotients) -> tuple[Int, Int]:
    """Constants over 2^shifts of their own, from below."""
    shifts = np.where(constants.nonzero(), GRID - 1 - constants.lengths(), FREE)
    return constants.floor(shifts)[0], shifts


def _array(values: Iterable[int]) -> Int:
    return np.array(list(values), dtype=np.int64)
