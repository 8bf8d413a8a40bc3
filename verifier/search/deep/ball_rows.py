"""Units that read inputs alone, on balls of norm p: of what decides which few bounds matter.

On such a ball a form of the inputs has much better bounds than on its box. Where tens of thousands
of units read inputs alone, most are undecided on both, and their bounds matter to nobody: a test of
half-spaces is decided by one of them that is far above zero, or by all of its own, which are off.
So all are bounded at once, in floats; then a unit that reads them is looked at if that decides it,
and gets the bounds that it takes, largest first. Of tests whose largest is the answer, those matter
that can be above the one that is surely large. Where one bound is enough and has something to
spare, a shorter number serves. What is chosen is a hint: lemmas are computed, and checked, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.family import FamilyChecker
from verifier.checker.leaf import LeafChecker
from verifier.checker.ridge import short
from verifier.checker.scaled import LIMIT, ScaledNetwork
from verifier.evidence.certificate import Leaf, Lemma, Node, PairLemma, Tree
from verifier.question.rational import sqrt_upper
from verifier.question.region import root_upper
from verifier.search.deep.lifting import TINY, Lifting, holds
from verifier.search.deep.simplest import simplest

Array = NDArray[np.float64]
Int = NDArray[np.int64]
CLOSE = 1e-9  # to zero, against the size of what was added up
ZERO = Fraction(0)
LEAF: Tree = (Node((), Leaf()),)
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


Pick = tuple[int, bool]
"""A unit, and whether its upper bound counts."""
Least = tuple[float, float]
"""Values at both ends that a lower bound may fall to."""


def deciding_lemmas(
    checker: FamilyChecker, rows: BallRows, *, every: bool = False
) -> tuple[list[PairLemma], bool]:
    """Lemmas of one leaf about units that read inputs alone, which decide units that read them: of
    those that matter to a maximum, or of `every` one, then as tight as they are. None is applied.
    And whether, as far as floats can say, a maximum of the latter units is decided by them.
    """
    chosen, plain = _chosen(_Ball(checker, rows), every=every)
    return _lemmas(checker, chosen), plain


def lemmas_of_ball(checker: LeafChecker, rows: BallRows, *, every: bool = False) -> list[Lemma]:
    """The same about one ball, of norm 1 or 2."""
    chosen, _ = _chosen(_Ball(OneBall(checker), rows), every=every)
    picks = sorted(chosen)
    found: list[Lemma] = []
    for (v, upper), value in zip(picks, _reached(checker, picks), strict=True):
        least = chosen[v, upper] or (value, value)
        bound = short(min(value, ZERO), upper=False) if upper else _between(least[0], value)
        exactly = Lemma(v, upper, ZERO, LEAF)
        if -TINY < value < 0 and checker.closes(Leaf(), exactly):  # a root was rounded
            found.append(exactly)
        else:
            found.append(Lemma(v, upper, -bound if upper else bound, LEAF))
    return found


def _chosen(ball: _Ball, *, every: bool) -> tuple[dict[Pick, Least | None], bool]:
    """The bounds that get lemmas, see `deciding_lemmas`."""
    chosen: dict[Pick, Least | None] = {}
    places = list(ball.decided())
    matter, plain = ball.matters()
    if not every:
        places = [place for place in places if matter[place if place >= 0 else -1 - place]]
    for place in places:
        alone = ball.alone(place)
        if alone is not None and alone[0] not in chosen and not every:
            chosen[alone[0]] = alone[1]
            continue
        for pick in [alone[0]] if alone is not None else ball.needed(place):
            chosen[pick] = None
    return chosen, plain


@dataclass(frozen=True, slots=True)
class OneBall:
    """A ball as a family that ends where it begins, without m."""

    checker: LeafChecker

    @property
    def ends(self) -> tuple[LeafChecker, LeafChecker]:
        return self.checker, self.checker


class _Ball:
    """Bounds of Z of all variables at both ends, (2, variables): by intervals, and better ones."""

    def __init__(self, checker: FamilyChecker | OneBall, rows: BallRows) -> None:
        ends = checker.ends
        self._rows, inputs = rows, ends[0].inputs
        low, high = (
            np.array([np.asarray(side, dtype=np.float64) for side in sides]) / rows.scales
            for sides in zip(*((end.root.lower, end.root.upper) for end in ends), strict=True)
        )
        boxes = [
            np.array([[float(x) for x in end.input_bounds(k)] for k in range(inputs)]).T
            for end in ends
        ]
        size = float(ends[0].scaled.denominator)
        box_low, box_high = (np.array([box[side] for box in boxes]) / size for side in (0, 1))
        self.low, self.high = np.hstack([box_low, low]), np.hstack([box_high, high])
        self.better_low, self.better_high = self.low.copy(), self.high.copy()
        first = inputs + rows.rows.units
        below, above = _on_ball(checker, rows)
        self.better_low[:, first] = np.maximum(self.low[:, first], below)
        self.better_high[:, first] = np.minimum(self.high[:, first], above)
        self._size = 1 + np.abs(self.high).max(axis=0)
        self._inputs = inputs
        self._positive = rows.readers.weights > 0

    def decided(self) -> Iterator[int]:
        """The places of the rows that the better bounds decide, and intervals do not; -1 - place of
        those that are on."""
        readers = self._rows.readers
        off = self._off & ~np.logical_and(*(self._sum(self._plain_above) <= 0))
        on = self._on & ~np.logical_and(*(self._sum(self._plain_below) >= 0))
        live = ~np.logical_and(*(self.high[:, self._inputs + readers.units] <= 0))
        for place in np.flatnonzero((off | on) & live).tolist():
            yield place if off[place] else -1 - place

    @cached_property
    def _off(self) -> NDArray[np.bool_]:
        off: NDArray[np.bool_] = np.logical_and(
            *(self._sum(self._sharp_above) <= CLOSE * self._room)
        )
        return off

    @cached_property
    def _on(self) -> NDArray[np.bool_]:
        on: NDArray[np.bool_] = np.logical_and(
            *(self._sum(self._sharp_below) >= -CLOSE * self._room)
        )
        return on

    def matters(self) -> tuple[NDArray[np.bool_], bool]:
        """Which rows may, by intervals, be above the one whose better lower bounds are largest;
        that one as well. And whether it is on, and all others of them are off."""
        least, most = self._sum(self._sharp_below), self._sum(self._plain_above)
        largest = int(np.argmax(least.sum(axis=0)))
        found: NDArray[np.bool_] = ~np.logical_and(
            *(most <= least[:, largest, None] + CLOSE * self._room)
        )
        found[largest] = False
        plain = bool(self._on[largest]) and not bool((found & ~self._off).any())
        found[largest] = True
        return found, plain

    def alone(self, place: int) -> tuple[Pick, Least | None] | None:
        """The unit, and which of its bounds, that on its own shows that a row is off; and what its
        lower bound may fall to. None if there is none, or for a row that is on."""
        if place < 0:
            return None
        best, enough, least = self._best
        if not enough[place]:
            return None
        entry = int(best[place])
        pick = int(self._rows.readers.read[entry]) - self._inputs, bool(self._positive[entry])
        first, last = least[:, place].tolist()
        return pick, None if pick[1] else (first, last)

    @cached_property
    def _best(self) -> tuple[Int, NDArray[np.bool_], Array]:
        """Of each row the entry that gains most from above, whether it is enough, and the least
        values at both ends with which it is."""
        readers, room = self._rows.readers, CLOSE * self._room
        moved = readers.weights * (self._sharp_above - self._plain_above)
        gains = np.abs(moved).sum(axis=0)
        most = np.maximum.reduceat(gains, readers.starts)
        entries = np.arange(len(gains))
        is_most = gains == np.repeat(most, readers.counts)
        best: Int = np.minimum.reduceat(np.where(is_most, entries, len(gains)), readers.starts)
        sums = self._sum(self._plain_above)
        enough = (most > 0) & np.logical_and(*(sums + moved[:, best] <= room))
        weights = readers.weights[best]
        rest = sums - weights * self._plain_above[:, best]
        least = np.where(np.abs(rest) <= room, 0, np.maximum((rest + room) / np.abs(weights), 0))
        return best, enough, least

    def needed(self, place: int) -> list[Pick]:
        """The units, and which of their bounds, that decide a row: as few as are enough, of those
        that gain most; a row that is on, given as -1 - place, takes all that are better."""
        readers, off = self._rows.readers, place >= 0
        place = place if off else -1 - place
        begin = int(readers.starts[place])
        part = slice(begin, begin + int(readers.counts[place]))
        read, weights = readers.read[part], readers.weights[part]
        upper = self._positive[part] if off else ~self._positive[part]  # which bound counts
        plain = (self._plain_above if off else self._plain_below)[:, part]
        sharp = (self._sharp_above if off else self._sharp_below)[:, part]
        total = np.abs(weights * (plain - sharp)).sum(axis=0)
        order = [k for k in np.argsort(-total, kind="stable").tolist() if total[k] > 0]
        order = [k for k in order if self._rows.first[read[k]]]
        picked: list[Pick] = []
        sums = (weights * plain).sum(axis=1) + readers.constants[place]
        room = CLOSE * self._room[place]
        for k in order:
            if off and (sums <= room).all():
                break
            sums += weights[k] * (sharp[:, k] - plain[:, k])
            picked.append((int(read[k]) - self._inputs, bool(upper[k])))
        return picked

    def _sum(self, values: Array) -> Array:
        """Bounds of the rows at both ends, by these of what they read."""
        readers = self._rows.readers
        return readers.sums(readers.weights * values) + readers.constants

    @cached_property
    def _plain_below(self) -> Array:
        return self._counted(self.low, self.high, ~self._positive)

    @cached_property
    def _plain_above(self) -> Array:
        return self._counted(self.low, self.high, self._positive)

    @cached_property
    def _sharp_below(self) -> Array:
        return self._counted(self.better_low, self.better_high, ~self._positive)

    @cached_property
    def _sharp_above(self) -> Array:
        return self._counted(self.better_low, self.better_high, self._positive)

    def _counted(self, low: Array, high: Array, upper: NDArray[np.bool_]) -> Array:
        """The bound of Z of each variable that is read: the upper one, or the lower one."""
        read = self._rows.readers.read
        of_unit = read >= self._inputs
        least, most = low[:, read], high[:, read]
        close = CLOSE * self._size[read]
        coupled = np.where((least >= -close).all(axis=0), np.maximum(least, 0), 0)
        least = np.where(of_unit, coupled, least)
        most = np.where(of_unit, np.maximum(most, 0), most)
        found: Array = np.where(upper, most, least)
        return found

    @cached_property
    def _room(self) -> Array:
        """The size of what is added up in each row."""
        readers = self._rows.readers
        sizes = np.abs(readers.weights) * self._size[readers.read]
        added: Array = np.add.reduceat(sizes, readers.starts) + np.abs(readers.constants)
        return added


def _lemmas(checker: FamilyChecker, chosen: Mapping[Pick, Least | None]) -> list[PairLemma]:
    """A lemma for each pick, with the values that its leaf reaches at both ends or, where a lower
    bound may fall, with the shortest ones on the way. Values of an upper bound below zero are
    zero: then the unit is off as well."""
    picks = sorted(chosen)
    tree = LEAF
    if not picks:
        return []
    if checker.query.cone.norm not in ("1", "2"):
        lemmas = [Lemma(v, upper, ZERO, tree) for v, upper in picks]
        return Lifting(checker).lemmas(lemmas)
    found: list[PairLemma] = []
    reached = zip(*(_reached(end, picks) for end in checker.ends), strict=True)
    for (v, upper), values in zip(picks, reached, strict=True):
        least, sign = chosen[v, upper] or values, -1 if upper else 1
        first, last = (
            short(min(value, ZERO), upper=False) if upper else _between(low, value)
            for low, value in zip(least, values, strict=True)
        )
        found.append(PairLemma(v, upper, (sign * first, sign * last), tree))
        if any(-TINY < value < 0 for value in (first, last)):  # a root was rounded
            zero = [ZERO if -TINY < value < 0 else sign * value for value in (first, last)]
            better = PairLemma(v, upper, (zero[0], zero[1]), tree)
            if holds(checker, tree, better):
                found[-1] = better
    return found


def _between(least: float | Fraction, value: Fraction) -> Fraction:
    """The shortest number from `least`, but not less than zero, to `value`; a short one just below
    `value` if there is none."""
    if value <= 0:
        return short(value, upper=False)
    if least <= 0:
        return ZERO
    low = Fraction(least)
    return simplest(low, value) if low < value else short(value, upper=False)


def _reached(end: LeafChecker, picks: Sequence[Pick]) -> list[Fraction]:
    """Of each pick the least value of a_v, or of -a_v for an upper bound, on the ball at this end:
    exactly, or for p = 2 a little below it; see `lifting.lowest`. All read inputs alone."""
    if not picks:
        return []
    scaled, inputs = end.scaled, end.inputs
    rows = scaled.network.units
    units = np.array([v for v, _ in picks], dtype=np.int64)
    counts = np.diff(rows.starts)[units]
    starts = np.cumsum(counts) - counts
    entries = np.repeat(rows.starts[units] - starts, counts) + np.arange(int(counts.sum()))
    read, weights = rows.indices[entries], scaled.weights[entries]
    center, below = end.scaled_center
    longest, most = int(np.abs(weights).max()), max(map(abs, center))
    fits = longest * max(most, longest) * inputs < LIMIT
    weights = weights.astype(np.int64 if fits else object)
    middle: Any = np.array(center, dtype=weights.dtype)
    sums = np.add.reduceat(weights * middle[read], starts).tolist()
    axes = np.where(read >= scaled.axes, 0, weights)  # without the m of a family
    size, region = scaled.denominator, end.region
    if region.norm == "1":
        reach = region.size * size
        losses = [reach * int(w) for w in np.maximum.reduceat(np.abs(axes), starts).tolist()]
    else:
        reach = region.size * size**2
        squares = np.add.reduceat(axes * axes, starts).tolist()
        losses = [sqrt_upper(reach * int(s), 80) for s in squares]
    found = []
    for (v, upper), total, loss in zip(picks, sums, losses, strict=True):
        value = Fraction(int(total), below) + int(scaled.constants[v])
        found.append(((-value if upper else value) - loss) / scaled.scales[inputs + v])
    return found


def _on_ball(checker: FamilyChecker | OneBall, rows: BallRows) -> tuple[Array, Array]:
    """Bounds of the units that read inputs alone, at both ends, (2, units)."""
    if isinstance(checker, OneBall):
        region, axes = checker.checker.region, rows.matrix
        center, moved = region.center, [(region, np.zeros(len(axes)))] * 2
    else:
        cone, axes = checker.query.cone, rows.matrix[:, :-1]
        center, rates = cone.center, rows.matrix[:, -1]
        pairs = zip(checker.ends, cone.ends, strict=True)
        moved = [(region, rates * float(end.parameter)) for end, region in pairs]
    middle = axes @ np.array([float(c) for c in center]) + rows.rows.constants
    below, above = [], []
    for region, more in moved:
        radius = float(root_upper(region.size, region.power, 60))
        if region.power == 1:
            reach = radius * np.abs(axes).max(axis=1, initial=0)
        else:
            dual = region.power / (region.power - 1)
            reach = radius * (np.abs(axes) ** dual).sum(axis=1) ** (1 / dual)
        at_end = middle + more
        below.append(at_end - reach)
        above.append(at_end + reach)
    return np.array(below), np.array(above)
