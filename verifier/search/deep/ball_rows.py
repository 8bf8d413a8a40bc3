"""Units that read inputs alone, on balls of norm p: of what decides which few bounds matter.

On such a ball a form of the inputs has much better bounds than on its box. Where tens of thousands
of units read inputs alone, most are undecided on both, and their bounds matter to nobody: a test of
half-spaces is decided by one of them that is far above zero, or by all of its own, which are off.
So all are bounded at once, in floats; then a unit that reads them is looked at if that decides it,
and gets the bounds that it takes, largest first. What is chosen is a hint: lemmas are computed, and
checked, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.family import FamilyChecker
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Leaf, Lemma, Node
from verifier.question.region import root_upper

Array = NDArray[np.float64]
Int = NDArray[np.int64]
CLOSE = 1e-9  # to zero, against the size of what was added up
ENOUGH = 64  # units that read inputs alone, from which they are looked at together


class _Entries:
    """Rows of some units in floats: entries one after another, those of row k from starts[k]."""

    def __init__(self, scaled: ScaledNetwork, units: Int) -> None:
        rows, origins = scaled.network.units, scaled.origins
        counts = np.diff(rows.starts)[units]
        self.units, self.counts = units, counts
        self.starts = np.cumsum(counts) - counts
        entries = np.repeat(rows.starts[units] - self.starts, counts) + np.arange(counts.sum())
        below: Any = np.repeat(rows.denominators[units], counts)
        self.read: Int = origins[rows.indices[entries]]
        self.weights: Array = (rows.numerators[entries] / below).astype(np.float64)
        self.constants: Array = (rows.constants[units] / rows.denominators[units]).astype(
            np.float64
        )

    def sums(self, values: Array) -> Array:
        """Of `values`, (2, entries), over each row."""
        added: Array = np.add.reduceat(values, self.starts, axis=1)
        return added


class BallRows:
    """What does not depend on a ball: the units that read inputs alone, and those that read them.

    Raises OverflowError for numbers that floats do not hold.
    """

    def __init__(self, scaled: ScaledNetwork) -> None:
        network, inputs = scaled.network, scaled.network.inputs
        starts, indices = network.units.starts, network.units.indices
        filled = np.flatnonzero(np.diff(starts))
        last = np.maximum.reduceat(indices, starts[filled]) if len(filled) else filled
        first = filled[last < inputs]
        self.scales: Array = np.array(scaled.scales[inputs:], dtype=np.float64)
        self.rows = _Entries(scaled, first)
        self.first = np.zeros(network.variables, dtype=bool)
        self.first[inputs + first] = True
        above = np.flatnonzero(~self.first[inputs:] & (np.diff(starts) > 0))
        owner = np.repeat(np.arange(network.units.count), np.diff(starts))
        reads = np.zeros(network.units.count, dtype=bool)
        reads[owner[self.first[scaled.origins[indices]]]] = True
        self.readers = _Entries(scaled, above[reads[above]])
        size = (len(first), inputs)
        self.matrix: Array = np.zeros(size)
        of = np.repeat(np.arange(len(first)), self.rows.counts)
        np.add.at(self.matrix, (of, self.rows.read), self.rows.weights)


def rows_of(scaled: ScaledNetwork) -> BallRows | None:
    """Derived once a network; None if it has few such units, or larger numbers than floats."""
    return scaled.derived(_rows)


def _rows(scaled: ScaledNetwork) -> BallRows | None:
    try:
        rows = BallRows(scaled)
    except (OverflowError, ZeroDivisionError):
        return None
    worth = len(rows.rows.units) >= ENOUGH and len(rows.readers.units)
    return rows if worth and np.isfinite(rows.matrix).all() else None


def deciding_lemmas(checker: FamilyChecker, rows: BallRows) -> list[Lemma]:
    """Lemmas of one leaf about units that read inputs alone, without their bounds, that decide
    units which read them."""
    found = _Ball(checker, rows)
    chosen = {pick for place in found.decided() for pick in found.needed(place)}
    tree = (Node((), Leaf()),)
    return [Lemma(v, upper, Fraction(0), tree) for v, upper in sorted(chosen)]


class _Ball:
    """Bounds of Z of all variables at both ends, (2, variables): by intervals, and better ones."""

    def __init__(self, checker: FamilyChecker, rows: BallRows) -> None:
        self._rows, inputs = rows, checker.inputs
        ends = checker.ends
        low, high = (
            np.array([np.asarray(side, dtype=np.float64) for side in sides]) / rows.scales
            for sides in zip(*((end.root.lower, end.root.upper) for end in ends), strict=True)
        )
        boxes = [
            np.array([[float(x) for x in end.input_bounds(k)] for k in range(inputs)]).T
            for end in ends
        ]
        size = float(checker.scaled.denominator)
        box_low, box_high = (np.array([box[side] for box in boxes]) / size for side in (0, 1))
        self.low, self.high = np.hstack([box_low, low]), np.hstack([box_high, high])
        self.better_low, self.better_high = self.low.copy(), self.high.copy()
        first = inputs + rows.rows.units
        below, above = _on_ball(checker, rows)
        self.better_low[:, first] = np.maximum(self.low[:, first], below)
        self.better_high[:, first] = np.minimum(self.high[:, first], above)
        self._size = 1 + np.abs(self.high).max(axis=0)
        self._inputs = inputs

    def decided(self) -> Iterator[int]:
        """The places of the rows that the better bounds decide, and intervals do not."""
        readers = self._rows.readers
        low, high = self._sides(self.low, self.high)
        sharp_low, sharp_high = self._sides(self.better_low, self.better_high)
        room = CLOSE * self._room()
        off = np.logical_and(*(sharp_high <= room)) & ~np.logical_and(*(high <= 0))
        on = np.logical_and(*(sharp_low >= -room)) & ~np.logical_and(*(low >= 0))
        live = ~np.logical_and(*(self.high[:, self._inputs + readers.units] <= 0))
        for place in np.flatnonzero((off | on) & live).tolist():
            yield place if off[place] else -1 - place

    def needed(self, place: int) -> list[tuple[int, bool]]:
        """The units, and which of their bounds, that decide a row: as few as are enough, of those
        that gain most; a row that is on, given as -1 - place, takes all that are better."""
        readers, off = self._rows.readers, place >= 0
        place = place if off else -1 - place
        begin = int(readers.starts[place])
        part = slice(begin, begin + int(readers.counts[place]))
        read, weights = readers.read[part], readers.weights[part]
        upper = np.where(weights > 0, off, not off)  # which bound counts
        plain = self._counted(self.low, self.high, read, upper)
        sharp = self._counted(self.better_low, self.better_high, read, upper)
        gains = np.abs(weights * (plain - sharp)).min(axis=0)
        total = gains + np.abs(weights * (plain - sharp)).max(axis=0)
        order = [k for k in np.argsort(-total, kind="stable").tolist() if total[k] > 0]
        order = [k for k in order if self._rows.first[read[k]]]
        picked: list[tuple[int, bool]] = []
        sums = (weights * plain).sum(axis=1) + readers.constants[place]
        room = CLOSE * self._room()[place]
        for k in order:
            if off and (sums <= room).all():
                break
            sums += weights[k] * (sharp[:, k] - plain[:, k])
            picked.append((int(read[k]) - self._inputs, bool(upper[k])))
        return picked

    def _sides(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Lower and upper bounds of the rows at both ends."""
        readers = self._rows.readers
        positive = readers.weights > 0
        below = self._counted(low, high, readers.read, ~positive)
        above = self._counted(low, high, readers.read, positive)
        return (
            readers.sums(readers.weights * below) + readers.constants,
            readers.sums(readers.weights * above) + readers.constants,
        )

    def _counted(self, low: Array, high: Array, read: Int, upper: NDArray[np.bool_]) -> Array:
        """The bound of Z of each variable that is read: the upper one, or the lower one."""
        of_unit = read >= self._inputs
        least, most = low[:, read], high[:, read]
        close = CLOSE * self._size[read]
        coupled = np.where((least >= -close).all(axis=0), np.maximum(least, 0), 0)
        least = np.where(of_unit, coupled, least)
        most = np.where(of_unit, np.maximum(most, 0), most)
        found: Array = np.where(upper, most, least)
        return found

    def _room(self) -> Array:
        readers = self._rows.readers
        sizes = np.abs(readers.weights) * self._size[readers.read]
        added: Array = np.add.reduceat(sizes, readers.starts) + np.abs(readers.constants)
        return added


def _on_ball(checker: FamilyChecker, rows: BallRows) -> tuple[Array, Array]:
    """Bounds of the units that read inputs alone, at both ends, (2, units)."""
    cone, matrix = checker.query.cone, rows.matrix
    axes = matrix[:, :-1]
    middle = axes @ np.array([float(c) for c in cone.center]) + rows.rows.constants
    below, above = [], []
    for end, region in zip(checker.ends, cone.ends, strict=True):
        radius = float(root_upper(region.size, region.power, 60))
        if region.power == 1:
            reach = radius * np.abs(axes).max(axis=1, initial=0)
        else:
            dual = region.power / (region.power - 1)
            reach = radius * (np.abs(axes) ** dual).sum(axis=1) ** (1 / dual)
        at_end = middle + matrix[:, -1] * float(end.parameter)
        below.append(at_end - reach)
        above.append(at_end + reach)
    return np.array(below), np.array(above)
