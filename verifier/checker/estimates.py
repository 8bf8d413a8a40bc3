"""Which leaves close, guessed in floats, so that proofs are spelled out in less time and text.

`elaborate.py` writes leaves with the usual slopes and has to know beforehand whether they close. To
find that out exactly takes one elimination in long integers for each. Here all rows of a layer are
lowered together in float64, and a leaf is called sure where what is left exceeds `MARGIN` of all
that was added up; the others are tried exactly. Nothing rests on it: the kernel checks each leaf,
and where a sure one did not close it would refuse a proof that holds, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from verifier.checker.branch import Branch, Number, Snapshot
from verifier.checker.leaf import usual_slope
from verifier.evidence.certificate import USUAL_BITS, Lemma
from verifier.question.network import Network, Rows
from verifier.question.query import Atom

MARGIN = 1e-9
_CELLS = 1 << 20  # of the matrix of the network: beyond that, leaves are tried one by one
Float = NDArray[np.float64]
Forms = tuple[Float, Float, Float]
"""Rows of coefficients of (x, z), the constants, and the sizes of all that those are sums of."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Of each unit the line below its output, slope times a plus a gain, and that above, chord a +
    (1 - chord) high or what is the same at the other end; units that are on or off have one line
    for both, and `low` and `high` zero. And the ends of all units, the box of the inputs."""

    below: Float
    above: Float
    low: Float
    high: Float
    gain: Float
    ends: tuple[Float, Float]
    box: tuple[Float, Float]

    def mixed(self, other: Lines, units: NDArray[np.int64]) -> Lines:
        """These, and of `units` those of the other."""

        def part(own: Float, its: Float) -> Float:
            joined = own.copy()
            joined[units] = its[units]
            return joined

        return Lines(
            part(self.below, other.below), part(self.above, other.above),
            part(self.low, other.low), part(self.high, other.high), part(self.gain, other.gain),
            (part(self.ends[0], other.ends[0]), part(self.ends[1], other.ends[1])), self.box,
        )  # fmt: skip

    @np.errstate(all="ignore")
    def named(self, slopes: Mapping[int, Fraction], *, usual: bool) -> Lines:
        """Those of a leaf with these slopes, others the usual ones or else 0."""
        undecided = (self.low < 0) & (self.high > 0)
        below = self.below.copy() if usual else np.where(undecided, 0, self.below)
        above = self.above.copy() if usual else np.where(undecided, 0, self.above)
        units = np.fromiter(slopes, dtype=np.int64, count=len(slopes))
        chosen = np.array([_float(slope) for slope in slopes.values()], dtype=np.float64)
        below[units] = above[units] = chosen
        low, high, gain = self.low.copy(), self.high.copy(), self.gain.copy()
        low[units], high[units] = ends = self.ends[0][units], self.ends[1][units]
        gain[units] = np.maximum((1 - chosen) * ends[0], 0) + np.maximum(-chosen * ends[1], 0)
        return replace(self, below=below, above=above, low=low, high=high, gain=gain)


class Estimates:
    """Lower bounds of forms on a branch of one network, by the lines of its units."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        self.weights, self.constants, self.outputs, self.offsets = branch.network.derived(_floats)
        starts, ends = branch.network.derived(_reads)
        region, self.inputs = branch.region, branch.inputs
        self._center = np.array([_float(c) for c in region.center])
        self._norm, self._size, self._power = region.norm, _float(region.size), region.power
        self._layers = [(layer.first, layer.last) for layer in branch.scaled.layers]
        self._read = [  # the columns from the first to the last that a layer reads
            slice(starts[first:last].min(), ends[first:last].max()) if first < last else slice(0)
            for first, last in self._layers
        ]
        self._ends: tuple[list[Number], list[Number]] = [], []
        self._last_box = np.empty(0), np.empty(0)
        self._last: tuple[Snapshot | None, Lines | None] = None, None
        self._scales = branch.scaled.scales[self.inputs :]
        self._low, self._high = (
            np.array([_float(q, scale) for q, scale in zip(ends, self._scales, strict=True)])
            for ends in (branch.root.lower.tolist(), branch.root.upper.tolist())
        )

    @np.errstate(all="ignore")
    def lines(self) -> Lines | None:
        """Of all units, as the branch knows them now; None where bounds contradict."""
        known = self._branch.snapshot()
        if self._last[0] != known:  # several leaves are tried in a branch
            self._last = known, self._lines(known)
        return self._last[1]

    def _lines(self, known: Snapshot) -> Lines | None:
        low, high = self._low.copy(), self._high.copy()
        for bounds, changed in ((low, known.low), (high, known.high)):
            for v, bound in changed.items():
                if v >= 0:
                    bounds[v] = _float(bound, self._scales[v])
        if (low > high).any():
            return None
        undecided, ends = (low < 0) & (high > 0), (low, high)
        on = low >= 0
        low, high = np.where(undecided, low, 0), np.where(undecided, high, 0)
        width = np.where(undecided, high - low, 1)
        below = np.where(undecided, high >= -low, on).astype(np.float64)
        for v in np.flatnonzero(undecided & (np.abs(high + low) < MARGIN * width)).tolist():
            below[v] = usual_slope(1, *self._branch.unit_ends(v))
        chord = np.floor(high / width * (1 << USUAL_BITS)) / (1 << USUAL_BITS)
        gain, above = np.zeros(len(low)), np.where(undecided, chord, on)
        return Lines(below, above, low, high, gain, ends, self._box(known))

    def _box(self, known: Snapshot) -> tuple[Float, Float]:
        keys = [-1 - k for k in range(self.inputs)]
        ends = [known.low[key] for key in keys], [known.high[key] for key in keys]
        if self._ends != ends:  # few branches have a box of their own
            size = self._branch.scaled.denominator
            low, high = (np.array([_float(end, size) for end in side]) for side in ends)
            self._ends, self._last_box = ends, (low, high)
        return self._last_box

    @np.errstate(all="ignore")
    def forms(
        self, targets: Sequence[Atom | Lemma], bounds: Mapping[int, Fraction] | None = None
    ) -> Forms:
        """Forms that are positive where the atom or what denies the lemma does not hold, by these
        multiples of what is known of units."""
        rows = np.zeros((len(targets), self.weights.shape[1]))
        constants = []
        for number, target in enumerate(targets):
            if isinstance(target, Lemma):
                v, sign = target.unit, -1 if target.upper else 1
                rows[number] = sign * self.weights[v]
                constants.append([sign * self.constants[v], -sign * _float(target.bound)])
                continue
            constants.append([-_float(target.constant)])
            for k, g in target.inputs:
                rows[number, k] = -_float(g)
            for j, g in target.outputs:
                rows[number] -= _float(g) * self.outputs[j]
                constants[-1].append(-_float(g) * self.offsets[j])
        for v, y in (bounds or {}).items():
            known = self._branch.upper(v) if y < 0 else self._branch.lower(v)
            factor = _float(y)
            rows -= factor * self.weights[v]
            for parts in constants:
                parts += [-factor * self.constants[v], factor * _float(known, self._scales[v])]
        sums = np.array([sum(parts) for parts in constants])
        return rows, sums, np.array([sum(map(abs, parts)) for parts in constants])

    def lowered(
        self, forms: Forms, lines: Lines, above: int = 0, below: int | None = None
    ) -> Forms:
        """Forms without the units of the layers from `above` to before `below`."""
        rows, constants, sizes = (part.copy() for part in forms)
        places = zip(self._layers[above:below], self._read[above:below], strict=True)
        for (first, last), read in reversed([*places]):
            here, columns = slice(first, last), slice(self.inputs + first, self.inputs + last)
            falling = np.minimum(rows[:, columns], 0)
            rising = rows[:, columns] - falling
            kept = falling * lines.above[here]
            loss = np.minimum((falling - kept) * lines.high[here], -kept * lines.low[here]).sum(1)
            loss += rising @ lines.gain[here]
            factors = rising * lines.below[here] + kept
            rows[:, columns] = 0
            rows[:, read] += factors @ self.weights[here, read]
            constants += factors @ self.constants[here] + loss
            sizes += np.abs(factors) @ np.abs(self.constants[here]) + np.abs(loss)
        return rows, constants, sizes

    @np.errstate(all="ignore")
    def least(self, forms: Forms, lines: Lines, height: int) -> tuple[Float, Float]:
        """Of each form over inputs and units of layers before `height` its least value, and how far
        that may be off."""
        rows, constants, sizes = self.lowered(forms, lines, 0, height)
        g = rows[:, : self.inputs]
        if self._norm == "inf":
            ends = g * np.where(g > 0, *lines.box)
            constants, sizes = constants + ends.sum(1), sizes + np.abs(ends).sum(1)
        else:
            reach = self._size * np.abs(g).max(axis=1, initial=0)
            if self._norm == "2":
                reach = sqrt(self._size) * np.sqrt((g * g).sum(1))
            elif self._power > 2:  # a little more, for the checker rounds roots up
                q = self._power / (self._power - 1)
                reach = (1 + 2.0**-20) * self._size ** (1 / self._power)
                reach = reach * (np.abs(g) ** q).sum(1) ** (1 / q)
            constants = constants + g @ self._center - reach
            sizes = sizes + np.abs(g) @ np.abs(self._center) + reach
        return constants, MARGIN * sizes

    @np.errstate(all="ignore")
    def needed(
        self, asked: Sequence[Atom], before: Lines, after: Lines, layer: int
    ) -> set[int] | None:
        """Some units of the layer, as few as found, whose lines have to be those of `after` so that
        all atoms are surely refuted; None if they are not with all of them."""
        first, last = self._layers[layer]
        forms = self.lowered(self.forms(asked), after, layer + 1)
        falling = np.minimum(forms[0][:, self.inputs + first : self.inputs + last], 0)
        here = slice(first, last)
        losses = [
            np.minimum(
                falling * (1 - lines.above[here]) * lines.high[here],
                -falling * lines.above[here] * lines.low[here],
            ).sum(0)
            for lines in (before, after)
        ]
        order = first + np.argsort(losses[0] - losses[1], kind="stable")
        few, many = -1, last - first  # `few` are too few

        def enough(count: int) -> bool:
            lines = before.mixed(after, order[:count])
            least, error = self.least(forms, lines, layer + 1)
            return bool((least > error).all())

        if not enough(many):
            return None
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (few, middle) if enough(middle) else (middle, many)
        return set(order[:many].tolist())


def estimates(branch: Branch) -> Estimates | None:
    """None where the network is too large for a matrix, or its numbers for floats."""
    network = branch.network
    if network.units.count * network.variables > _CELLS or not network.units.count:
        return None
    found = Estimates(branch)
    return found if np.isfinite(found.weights).all() else None


def _floats(network: Network) -> tuple[Float, Float, Float, Float]:
    """Weights (units, variables) and constants of the units, then of the outputs."""
    return *_matrix(network.units, network.variables), *_matrix(network.outputs, network.variables)


def _reads(network: Network) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each unit the first variable that it reads, and the last one plus 1."""
    rows, last = network.units, network.variables
    read = [rows.row(number)[0] for number in range(rows.count)]
    starts = [min(variables, default=last) for variables in read]
    return np.array(starts), np.array([max(variables, default=-1) + 1 for variables in read])


def _matrix(rows: Rows, width: int) -> tuple[Float, Float]:
    found, constants = np.zeros((rows.count, width)), np.empty(rows.count)
    for number in range(rows.count):
        variables, numerators, constant, below = rows.row(number)
        found[number, variables] = [_float(n, below) for n in numerators]
        constants[number] = _float(constant, below)
    return found, constants


def _float(value: Number, scale: int = 1) -> float:
    """value / scale; beyond all floats, infinity, after which nothing is sure."""
    try:
        return value.numerator / (value.denominator * scale)
    except OverflowError:
        return float("inf")
