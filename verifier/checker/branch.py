"""A branch of a proof in scaled integers: its bounds, boxes and cuts, and how steps tighten them.

Bounds are those of the scaled pre-activations A of `ScaledNetwork`; the root's come from interval
arithmetic. A trail undoes what a branch has changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.fixed_point import Quotients, refusal, whole
from verifier.checker.intervals import RootBounds
from verifier.checker.maxima import MaximaBounds, maxima_of
from verifier.checker.maxima_pass import MaximaPass, Table, reading
from verifier.checker.maxima_tables import DoesNotFitError
from verifier.checker.ridge import Crossing, Minima, Sum, short, univariate_of
from verifier.checker.ridge_minima import sum_bounds
from verifier.checker.ridge_tables import tables_of
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.symbolic import Branches, Root, SymbolicNetwork
from verifier.evidence.certificate import (
    InputSplit,
    Lemma,
    SeparableStep,
    Split,
    SumsStep,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.query import Goal, Query

Number = int | Fraction
Int = NDArray[np.int64]
REMEMBERED = 4096  # symbolic steps, which trees for other goals may hold as well


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tightened bounds of scaled units (key v) and inputs (key -1-k) of one branch."""

    low: dict[int, Number]
    high: dict[int, Number]

    def key(self) -> Hashable:
        """Equal keys mean equal bounds."""
        return tuple(self.low.items()), tuple(self.high.items())


@dataclass(frozen=True, slots=True)
class _Before:
    """The bounds before a step that has bounded all units."""

    table: Table | None
    low: dict[int, Number]
    high: dict[int, Number]


_Entry = tuple[dict[int, Number], int, Number | None] | _Before
Place = tuple[int, _Entry | None]
"""How many changes there are, and the last of them."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a step about maxima has changed: lower and upper bounds of units, both increasing."""

    raised: list[int]
    dropped: list[int]

    def __bool__(self) -> bool:
        return bool(self.raised or self.dropped)


class Branch:
    """Bounds of one branch at a time, with a trail for leaving it. The replay keeps its own; the
    search uses another to find out what a lemma would give before it is written down."""

    def __init__(self, query: Query, scaled: ScaledNetwork, root: RootBounds) -> None:
        self.query = query
        self.network = query.network
        self.region = query.region
        self.scaled = scaled
        self.root = root
        self.inputs = query.network.inputs
        size = scaled.denominator
        self._low: dict[int, Number] = {}  # tightened A_v bounds; inputs as -1-k
        self._high: dict[int, Number] = {}
        for k, (low, high) in enumerate(zip(query.region.lower, query.region.upper, strict=True)):
            self._low[-1 - k], self._high[-1 - k] = _times(low, size), _times(high, size)
        self._first = tuple(self._low.values()), tuple(self._high.values())
        self.cuts: list[tuple[tuple[tuple[int, Fraction], ...], Fraction]] = []
        self._table: Table | None = None  # in place of the root's, where a step has bounded all
        self._trail: list[_Entry] = []
        self._firsts = [layer.first for layer in scaled.layers]
        self._all_rows = False
        self._symbolic: SymbolicNetwork | None = None
        self._symbolic_root: Root | None = None
        self._minima: tuple[Any, Minima] | None = None  # of a box and cuts
        self._tightened: dict[Hashable, tuple[tuple[int, ...], list[Int], list[Int]]] = {}
        scaled_center = [_times(x, size) for x in query.region.center]
        below = lcm(*(x.denominator for x in scaled_center))
        self._center = [int(x * below) for x in scaled_center], below

    @property
    def scaled_center(self) -> tuple[list[int], int]:
        """The center of the ball, times the scale of the inputs: integers over a denominator."""
        return self._center

    def lower(self, v: int) -> Number:
        """The current lower bound of A_v = scale[v] * a_v."""
        found = self._low.get(v)
        if found is not None:
            return found
        return (self._table or self.root).lower_of(v)

    def upper(self, v: int) -> Number:
        """The current upper bound of A_v."""
        found = self._high.get(v)
        if found is not None:
            return found
        return (self._table or self.root).upper_of(v)

    def contradicts(self, v: int) -> bool:
        """Whether the bounds of unit v contradict each other."""
        return self.lower(v) > self.upper(v)

    def live(self) -> NDArray[np.bool_]:
        """For every unit whether its current upper bound is above 0."""
        found: NDArray[np.bool_] = self.root.upper > 0
        if self._table is not None:
            found[self._table.changed] = self._table.high > 0
        for v, value in self._high.items():
            if v >= 0:
                found[v] = value > 0
        return found

    def input_bounds(self, k: int) -> tuple[Number, Number]:
        """The current box of input k, times the scale of the inputs."""
        return self._low[-1 - k], self._high[-1 - k]

    def layer_of(self, v: int) -> int:
        """The number of the layer of unit v."""
        return bisect_right(self._firsts, v) - 1

    def box(self) -> tuple[list[Fraction], list[Fraction]]:
        """The box of the inputs in the current branch."""
        low, high = (
            [Fraction(table[-1 - k]) / self.scaled.denominator for k in range(self.inputs)]
            for table in (self._low, self._high)
        )
        return low, high

    def mark(self) -> tuple[int, int]:
        """A place to `undo` to."""
        return len(self._trail), len(self.cuts)

    def place(self) -> Place:
        """Where the bounds stand, for `changed`."""
        return len(self._trail), self._trail[-1] if self._trail else None

    def changed(self, place: Place) -> set[int] | None:
        """The units v and the inputs k, as -1 - k, whose bounds are others than at that place, or
        may be; None if that place was left since, or all units may have others."""
        count, last = place
        # What is kept of the place is no other entry's, however many have come and gone.
        if len(self._trail) < count or (count and self._trail[count - 1] is not last):
            return None
        keys = set()
        for entry in self._trail[count:]:
            if isinstance(entry, _Before):
                return None
            keys.add(entry[1])
        return keys

    def undo(self, mark: tuple[int, int]) -> None:
        """Forgets every bound and cut since `mark`."""
        while len(self._trail) > mark[0]:
            last = self._trail.pop()
            if isinstance(last, _Before):
                self._table, self._low, self._high = last.table, last.low, last.high
                continue
            table, key, value = last
            if value is None:
                del table[key]
            else:
                table[key] = value
        del self.cuts[mark[1] :]

    def _raise_lower(self, key: int, value: Number) -> None:
        current = self._low[key] if key < 0 else self.lower(key)
        if value > current:
            if key < 0:
                self._leave_flat(value, self._high[key])
            elif value >= 0 and self._may_be_skipped(key):
                self._all_rows = True  # a unit that was off may be on from here on
            self._trail.append((self._low, key, self._low.get(key)))
            self._low[key] = _whole(value)

    def _leave_flat(self, low: Number, high: Number) -> None:
        """Of bounds of an input: rows hold the one value of an input as a number, so they are not
        those of the branch where its bounds contradict."""
        if low > high:
            self._all_rows = True

    def _may_be_skipped(self, v: int) -> bool:
        """`skips`, which takes longer; a unit that is undecided at the root stands in rows."""
        root = self.root
        return (root.lower_of(v) >= 0 or root.upper_of(v) <= 0) and root.rows.skips(v)

    def _drop_upper(self, key: int, value: Number) -> None:
        current = self._high[key] if key < 0 else self.upper(key)
        if value < current:
            if key < 0:
                self._leave_flat(self._low[key], value)
            elif value < 0 and self.root.rows.skips(key) and self.root.lower_of(key) >= 0:
                self._all_rows = True  # the bounds of a unit that was on contradict from here on
            self._trail.append((self._high, key, self._high.get(key)))
            self._high[key] = _whole(value)

    def _checked(self, v: int, what: str = "unit") -> int:
        counts = {"unit": self.network.units.count, "axis": self.scaled.axes}
        count = counts.get(what, self.inputs)
        if not 0 <= v < count:
            raise RefusedError("index out of range", f"{what} {v} of {count}")
        return v

    def tighten_symbolically(self) -> None:
        """Tightens all undecided units by `symbolic.py`."""
        key = self.snapshot().key()
        if key not in self._tightened:
            branches = self.branches([self.snapshot()])
            branches.tighten()
            self.remember(branches, {0: key})
        layers = self.symbolic().layers
        for layer, grid, low, high in zip(layers, *self._tightened[key], strict=True):
            for v, below, above in zip(
                range(layer.first, layer.last), low.tolist(), high.tolist(), strict=True
            ):
                if self.lower(v) < 0 < self.upper(v):
                    scale = self.scaled.scales[self.inputs + v]
                    self._raise_lower(v, _shifted(below * scale, grid))
                    self._drop_upper(v, _shifted(above * scale, grid))

    def remember(self, branches: Branches, keys: Mapping[int, Hashable]) -> None:
        """Keeps tightened bounds of branches, by number, for the same step in other trees."""
        if len(self._tightened) >= REMEMBERED:
            self._tightened.clear()
        for number, key in keys.items():
            self._tightened[key] = (
                branches.grids,
                [low[number].copy() for low in branches.lower],
                [high[number].copy() for high in branches.upper],
            )

    def minima(self) -> Minima:
        """Bounds of sums of functions of one direction each, in the current branch: of its box and
        its cuts, so that they stay the same where only units have other bounds."""
        low, high = (tuple(t[-1 - k] for k in range(self.inputs)) for t in (self._low, self._high))
        state = low, high, tuple(self.cuts)
        if self._minima is None or self._minima[0] != state:
            found = Minima(univariate_of(self.scaled), self.region, self.box(), self.cuts)
            self._minima = state, found
        return self._minima[1]

    def tighten_separably(self, step: SeparableStep) -> dict[int, Sum]:
        """Tightens every unit that is not a ridge function; returns the ridge sums among them that
        read a ridge function themselves."""
        for multiplier in step.multipliers:
            self._on_ball(multiplier)
        univariate, minima = univariate_of(self.scaled), self.minima()
        found: dict[int, Sum] = {}
        on: dict[int, Sum] = {}
        off: set[int] = set()
        for unit in univariate.crossing:
            v, total = unit.unit, None
            if self.upper(v) > 0:
                if v in univariate.parts:
                    total = univariate.sum_of(unit, on, off)
                if not unit.own:
                    self._bound_by_intervals(unit)
                elif total is not None:
                    found[v] = total
                    for multiplier in step.multipliers:
                        if multiplier == 0 or v not in univariate.summands:
                            self._bound_sum(v, total, minima, multiplier)
            if self.upper(v) <= 0:
                off.add(v)
            elif total is not None and self.lower(v) >= 0:
                on[v] = total
        return found

    def tighten_sums(self, step: SumsStep) -> list[tuple[int, bool, Fraction, Number]]:
        """Bounds the final sums of ridge functions with the multipliers of the step; says which
        bounds changed: of which unit, whether its upper one, the multiplier, and the bound."""
        if self.region.norm == "inf":
            raise RefusedError("no ball", "a step about sums on a box")
        found: list[tuple[int, bool, Fraction, Number]] = []
        final = tables_of(self.scaled).final
        if not len(final.units):
            return found
        minima = self.minima()
        m = self._low[-self.inputs]  # at one parameter of a family; else all rates are 0
        moved = {v: rate * m for v, rate in zip(final.units.tolist(), final.rates, strict=True)}
        for upper, multipliers in ((False, step.lower), (True, step.upper)):
            for multiplier in multipliers:
                bounds = sum_bounds(self.scaled, self.region, minima, multiplier, upper=upper)
                for v, without in bounds:
                    value = without + moved[v]
                    if value < self.upper(v) if upper else value > self.lower(v):
                        (self._drop_upper if upper else self._raise_lower)(v, value)
                        found.append((v, upper, multiplier, value))
        return found

    def _bound_sum(self, v: int, total: Sum, minima: Minima, multiplier: Fraction) -> None:
        scale = self.scaled.scales[self.inputs + v]
        constant = Fraction(total.constant, scale)
        for upper, sign in ((False, 1), (True, -1)):
            bound = minima.lower_bound(total.profiles, sign, sign * constant, scale, multiplier)
            if bound is not None:
                self._bound_shortly(v, sign * bound, upper=upper)

    def _bound_by_intervals(self, unit: Crossing) -> None:
        scale = self.scaled.scales[self.inputs + unit.unit]
        low: Number = unit.constant
        high = low
        for u, weight in unit.others:
            ends = weight * max(self.lower(u), 0), weight * max(self.upper(u), 0)
            low += min(ends)
            high += max(ends)
        self._bound_shortly(unit.unit, Fraction(low) / scale, upper=False)
        self._bound_shortly(unit.unit, Fraction(high) / scale, upper=True)

    def _shortly(self, v: int, value: Number, *, upper: bool) -> Number:
        """The bound of A_v, rounded outwards as `short` does for a_v."""
        scale = self.scaled.scales[self.inputs + v]
        if isinstance(value, int) and scale <= 2**64:
            return value
        return _whole(short(Fraction(value) / scale, upper=upper) * scale)

    def _bound_shortly(self, v: int, bound: Fraction, *, upper: bool) -> None:
        value = short(bound, upper=upper) * self.scaled.scales[self.inputs + v]
        if upper:
            self._drop_upper(v, value)
        else:
            self._raise_lower(v, value)

    def variable_ends(self, j: int) -> tuple[Number, Number]:
        """The current bounds of Z of a variable. Where those of an input contradict, the lower one
        is both: else bounds of sums were better than any leaf, which meets an input only once."""
        if j < self.inputs:
            low, high = self.input_bounds(j)
            return low, max(low, high)
        return max(self.lower(j - self.inputs), 0), max(self.upper(j - self.inputs), 0)

    def unit_ends(self, v: int) -> tuple[Number, Number]:
        """The current bounds of A_v."""
        return self.lower(v), self.upper(v)

    def tighten_maxima(self, watch: Callable[[], None] = lambda: None) -> Changes:
        """Bounds all units again, first to last, by interval arithmetic and the maxima in their
        rows, but for copies and units that are off; says which bounds changed. `watch` is called
        now and then, and may raise."""
        try:
            return self._tighten_at_once(watch)
        except DoesNotFitError:  # before any bound has changed
            return self._tighten_one_by_one(watch)

    def _tighten_at_once(self, watch: Callable[[], None]) -> Changes:
        """The same in arrays, see `maxima_pass`."""
        rows, moved = maxima_of(self.scaled), self._moved()
        if not moved and self.root.together is not None:
            step = self.root.together.of(self.root)
            if step is not None:
                return self._take_step(*step)
        waiting = rows.waiting(self._root_upper)
        if self._table is not None:
            # The step before has said all of what reads nothing that has changed since.
            moved = self._moved(since=True)
            moving = reading(rows, np.array(sorted(moved), dtype=np.int64))
            waiting = waiting[moving[waiting]]
        known = [{v: q for v, q in table.items() if v >= 0} for table in (self._low, self._high)]
        boxes = [self.variable_ends(k) for k in range(self.inputs)]
        found = MaximaPass(rows, self._table or self.root, (known[0], known[1]), boxes)
        try:
            for _ in found.run(np.array(sorted(moved), dtype=np.int64), waiting):
                watch()
        finally:
            found.release()
        table = found.table(j - self.inputs for j in moved if j >= self.inputs)
        return self._take_step(*found.changes(), table)

    def _take_step(self, raised: Int, dropped: Int, table: Table) -> Changes:
        """Replaces the bounds of all units by these."""
        self._trail.append(_Before(self._table, self._low, self._high))
        self._low, self._high = (
            {k: q for k, q in table.items() if k < 0} for table in (self._low, self._high)
        )
        self._table = table
        # Bounds that contradict now; a unit that is passed on has the bounds of the other unit.
        wrong = self._table.changed[self._table.low > self._table.high].tolist()
        self._all_rows = self._all_rows or any(self.root.rows.skips(v) for v in wrong)
        return Changes(raised.tolist(), dropped.tolist())

    def _root_upper(self, units: Int) -> Any:
        return self.root.bounds_of(units)[1]

    def _tighten_one_by_one(self, watch: Callable[[], None]) -> Changes:
        rows, bounds = maxima_of(self.scaled), MaximaBounds(self.variable_ends, self.unit_ends)
        origins, inputs = self.scaled.origins, self.inputs
        raised, dropped = list[int](), list[int]()
        # Others read nothing that has changed, and no maximum.
        waiting = sorted(
            {w for j in self._moved() for w in rows.readers(j)}.union(
                rows.waiting(self._root_upper).tolist()
            )
        )
        known = set(waiting)
        while waiting:
            watch()
            v = heappop(waiting)
            if self.upper(v) <= 0 or origins.item(inputs + v) != inputs + v:
                continue
            low, high = bounds.of_form(rows.row(v))
            low, high = self._shortly(v, low, upper=False), self._shortly(v, high, upper=True)
            below, above = self.unit_ends(v)
            if low > below:
                self._raise_lower(v, low)
                raised.append(v)
            if high < above:
                self._drop_upper(v, high)
                dropped.append(v)
            if low > below or high < above:
                for w in rows.readers(inputs + v):
                    if w not in known:
                        known.add(w)
                        heappush(waiting, w)
        return Changes(raised, dropped)

    def _moved(self, *, since: bool = False) -> set[int]:
        """The variables whose bounds are no longer the root's, or, with `since`, may be other ones
        than after the last step that bounded all units."""
        inputs, size, region = self.inputs, self.scaled.denominator, self.region
        moved = {inputs + v for table in (self._low, self._high) for v in table if v >= 0}
        if self._table is not None and not since:
            moved.update((inputs + self._table.changed).tolist())
        for k in range(inputs):
            if self.input_bounds(k) != (region.lower[k] * size, region.upper[k] * size):
                moved.add(k)
        return moved

    def _on_ball(self, multiplier: Fraction) -> None:
        if self.region.norm == "inf" and multiplier:
            raise RefusedError("no ball", "a multiplier of the ball of a box")

    def snapshot(self) -> Snapshot:
        """The bounds of the current branch, as far as they differ from the root's."""
        low, high = dict(self._low), dict(self._high)
        if self._table is not None:
            for v in self._table.changed.tolist():
                low[v], high[v] = self.unit_ends(v)
        return Snapshot(low, high)

    def knows(self, snapshot: Snapshot) -> bool:
        """Whether the symbolic bounds of a branch are remembered."""
        return snapshot.key() in self._tightened

    def copy(self, snapshot: Snapshot) -> None:
        """Takes over the bounds of another branch of the same root."""
        self._low, self._high, self._table = dict(snapshot.low), dict(snapshot.high), None
        self._all_rows = True  # a unit that was off at the root may be on here

    def symbolic(self) -> SymbolicNetwork:
        """The network in fixed point; RefusedError if it is too large for that."""
        if self._symbolic is None:
            reason = refusal(self.network)
            if reason is not None:
                raise RefusedError("unsupported", f"symbolic bounds: {reason}")
            self._symbolic = SymbolicNetwork(self.network, self.region)
        return self._symbolic

    def branches(self, snapshots: Sequence[Snapshot]) -> Branches:
        """The branches of these snapshots, ready for `symbolic.py`."""
        symbolic, scales = self.symbolic(), self.scaled.scales[self.inputs :]
        if self._symbolic_root is None:
            below = whole(scales)
            self._symbolic_root = symbolic.root(
                Quotients(whole(self.root.lower), below), Quotients(whole(self.root.upper), below)
            )
        boxes = [
            (self._side(snapshot.low), self._side(snapshot.high, upper=True))
            for snapshot in snapshots
        ]
        branches = Branches(symbolic, self._symbolic_root, boxes)
        for number, snapshot in enumerate(snapshots):
            for upper, table in ((False, snapshot.low), (True, snapshot.high)):
                for v, bound in table.items():
                    if v >= 0:
                        layer = bisect_right(self._firsts, v) - 1
                        branches.restrict(
                            number,
                            layer,
                            v - self._firsts[layer],
                            Fraction(bound) / scales[v],
                            upper,
                        )
        return branches

    def _side(self, ends: Mapping[int, Number], *, upper: bool = False) -> list[Fraction]:
        """Of a box of a branch the lower or upper ends of the inputs; those that are the region's
        are the same objects."""
        size, first = self.scaled.denominator, self._first[upper]
        side = self.region.upper if upper else self.region.lower
        return [
            end if ends[-1 - k] is first[k] else Fraction(ends[-1 - k]) / size
            for k, end in enumerate(side)
        ]

    def closed_symbolically(
        self, leaves: Sequence[tuple[Snapshot, Goal, int]]
    ) -> NDArray[np.bool_]:
        """For each leaf whether its branch has no point at which that atom of the goal holds."""
        snapshots = {snapshot.key(): snapshot for snapshot, _, _ in leaves}
        numbers = {key: number for number, key in enumerate(snapshots)}
        branches = self.branches(list(snapshots.values()))
        branches.tighten()
        atoms = [goal.atoms[number] for _, goal, number in leaves]
        rows = {atom: row for row, atom in enumerate(dict.fromkeys(atoms))}
        branch = np.array([numbers[snapshot.key()] for snapshot, _, _ in leaves])
        values, _, _ = branches.minima(
            branches.symbolic.atom_targets(rows), branch, np.array([rows[atom] for atom in atoms])
        )
        strict = np.array([atom.strict for atom in atoms])
        closed: NDArray[np.bool_] = branches.empty[branch] | (values > 0) | (strict & (values == 0))
        return closed

    def assume(self, lemma: Lemma) -> None:
        """Tightens without a proof; for the search, which has just found the lemma."""
        value = lemma.bound * self.scaled.scales[self.inputs + lemma.unit]
        if lemma.upper:
            self._drop_upper(lemma.unit, value)
        else:
            self._raise_lower(lemma.unit, value)

    def restrict(self, split: Split, *, high: bool) -> None:
        """Enters one closed side of a split."""
        if isinstance(split, UnitSplit):
            self._checked(split.unit)
            if high:
                self._raise_lower(split.unit, 0)
            else:
                self._drop_upper(split.unit, 0)
        elif isinstance(split, InputSplit):
            key = -1 - self._checked(split.input, "input")
            threshold = split.threshold * self.scaled.denominator
            if high:
                self._raise_lower(key, threshold)
            else:
                self._drop_upper(key, threshold)
        else:
            for k, _ in split.normal:
                self._checked(k, "input")
            sign = 1 if high else -1
            self.cuts.append(
                (tuple((k, sign * g) for k, g in split.normal), -sign * split.threshold)
            )


def _shifted(value: int, by: int) -> Number:
    """value / 2^by, as int where it is one."""
    return _whole(Fraction(value, 1 << by)) if by > 0 else value << -by


def _times(value: Fraction, size: int) -> Number:
    """value * size, as int where it is one."""
    factor, rest = divmod(size, value.denominator)
    return value * size if rest else value.numerator * factor


def _whole(value: Number) -> Number:
    """The same number, as int where it is one: sums of ints stay fast."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
