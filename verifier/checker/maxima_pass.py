"""The step about maxima in arrays of 64 bits: `Branch.tighten_maxima`, many units at once.

Bounds stand in units of 2^-places. Units of one level do not read each other, so those that wait
for a new bound are bounded level by level: by numpy if they are many and intervals say all of them,
else one after another. Nothing is rounded, and nothing overflows: what does not fit is refused, and
then the same is done in Python's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from verifier.checker.maxima import Ends, MaximaBounds, MaximaRows
from verifier.checker.maxima_tables import (
    DoesNotFitError,
    FormBounds,
    Pair,
    beside,
    form_tables,
    largest,
    once,
)
from verifier.checker.scaled import LIMIT, ScaledNetwork

Number = int | Fraction
Int = NDArray[np.int64]
MOST_PLACES = 24
FEW = 64  # of so many units one
MANY = 12  # units of a level, from which numpy is faster
MANY_FORMS = 64  # of a level that hold maxima, on average, from which it is with them


class Bounds(Protocol):
    """Of A of all units; a number each, or of many in units of 2^-places."""

    @property
    def places(self) -> int: ...
    def lower_of(self, v: int) -> Number: ...
    def upper_of(self, v: int) -> Number: ...
    def bounds_of(self, units: Int) -> tuple[Any, Any]: ...


class Table:
    """Bounds of A of all units of a branch: of the units `changed`, increasing, `low` and `high`
    in units of 2^-places; of all others those `before`."""

    def __init__(
        self, before: Bounds, count: int, places: int, changed: Int, ends: tuple[Int, Int]
    ):
        """`count` is that of all units; `ends` are `low` and `high`, which are not written to."""
        self.before, self.places, self.changed = before, places, changed
        self.low, self.high = ends
        for array in (self.low, self.high):
            array.flags.writeable = False
        # Of a unit 1 + its place in `changed`, or 0. Zeros that nobody has written take no memory.
        self._place = np.zeros(count, dtype=np.int32)
        self._place[changed] = np.arange(1, 1 + len(changed), dtype=np.int32)

    def lower_of(self, v: int) -> Number:
        place = self._place.item(v)
        return _number(self.low.item(place - 1), self.places) if place else self.before.lower_of(v)

    def upper_of(self, v: int) -> Number:
        place = self._place.item(v)
        return _number(self.high.item(place - 1), self.places) if place else self.before.upper_of(v)

    def bounds_of(self, units: Int) -> tuple[Any, Any]:
        """Lower and upper bounds of these units. Raises DoesNotFitError."""
        place = self._place[units]
        known, found = place > 0, list[Any]()
        more = self.places - self.before.places
        for values, own in zip(self.before.bounds_of(units), (self.low, self.high), strict=True):
            if largest(values) << more >= LIMIT:
                raise DoesNotFitError
            shifted = values.astype(np.int64) << more
            shifted[known] = own[place[known] - 1]
            found.append(shifted)
        return found[0], found[1]


def _number(value: int, places: int) -> Number:
    """value / 2^places, as int where it is one."""
    if not places or not value & ((1 << places) - 1):
        return value >> places
    return Fraction(value, 1 << places)


class MaximaPass:
    """One pass over a branch, whose bounds are given; see `run`."""

    def __init__(
        self,
        rows: MaximaRows,
        root: Bounds,
        known: tuple[Mapping[int, Number], Mapping[int, Number]],
        boxes: Sequence[Ends],
    ) -> None:
        """`root` has the lower and upper bounds of all units, `known` those by unit that replace
        them, `boxes` those of the inputs. Raises DoesNotFitError."""
        scaled = rows.scaled
        self._rows, self._scaled = rows, scaled
        self._inputs, count = scaled.network.inputs, scaled.network.variables
        numbers = [*known[0].values(), *known[1].values(), *(end for ends in boxes for end in ends)]
        below = 1 << root.places
        for value in numbers:
            below = max(below, value.denominator)
        self.places = below.bit_length() - 1
        if self.places > MOST_PLACES:
            raise DoesNotFitError
        if scaled.derived(largest_scale) << self.places > 1 << 64:  # bounds would be rounded
            raise DoesNotFitError
        # Read from the root when first asked for: mostly a pass visits few of the units.
        self._root, self._known = root, np.zeros(count, dtype=bool)
        self._low = np.zeros(count, dtype=np.int64)
        self._high = np.zeros(count, dtype=np.int64)
        self._read(self._inputs + np.array(sorted({*known[0], *known[1]}), dtype=np.int64))
        for table, by_unit in ((self._low, known[0]), (self._high, known[1])):
            values = [self._whole(value) for value in by_unit.values()]
            table[self._inputs + np.array(list(by_unit), dtype=np.int64)] = values
        for k, (low, high) in enumerate(boxes):
            self._low[k], self._high[k] = self._whole(low), self._whole(high)
        self._known[: self._inputs] = True
        self._bounds = MaximaBounds(self._ends, self._unit_ends)
        self._forms: FormBounds | None = None  # the same in arrays, see `run`
        # The units that wait, by level: one after another, and in arrays.
        self._few: dict[int, list[int]] = {}
        self._many: dict[int, list[Int]] = {}
        self._levels: list[int] = []
        self._met = np.zeros(scaled.network.units.count, dtype=bool)
        self._place = np.empty(scaled.network.units.count, dtype=np.int64)
        self._raised: list[Int] = []  # whose lower bounds changed, a few at a time
        self._dropped: list[Int] = []
        self._raised_alone: list[int] = []  # the same, one after another
        self._dropped_alone: list[int] = []

    def run(self, moved: Int, waiting: Int) -> Iterator[None]:
        """Bounds all units that read the `moved` variables, or `wait`, and then those that read
        what has changed; yields before each level. Raises DoesNotFitError."""
        special = np.sort(waiting)
        if len(special) >= MANY_FORMS:
            levels = len(np.unique(self._scaled.levels[self._inputs + special]))
            if len(special) >= MANY_FORMS * levels:  # the arrays hold those of a level at once
                self._forms = self._in_arrays()
        self._read(np.concatenate([self._inputs + special, self._read_by(special)]))
        self._wait_for(special)
        self._wait_for(self._readers(moved))
        while self._levels:
            yield
            level = heappop(self._levels)
            few, many = self._few.pop(level, []), self._many.pop(level, [])
            if not many and len(few) < MANY and self._forms is None:
                for v in few:
                    if self._bound(v):
                        self._call_readers(v)
                continue
            units = np.concatenate([*many, np.array(few, dtype=np.int64)])
            self._read(self._inputs + units)
            changed = self._bound_many(units[self._high[self._inputs + units] > 0])
            self._wait_for(self._readers(self._inputs + changed))

    def changes(self) -> tuple[Int, Int]:
        """The units whose lower, and those whose upper bounds have changed; increasing."""
        return (
            self._sorted([*self._raised, np.array(self._raised_alone, dtype=np.int64)]),
            self._sorted([*self._dropped, np.array(self._dropped_alone, dtype=np.int64)]),
        )

    def release(self) -> None:
        """Lets go of what refers back to the pass, which is not run any more: with that its arrays
        would stay until all objects are looked at, and that is rare where there are many."""
        self._forms = None
        del self._bounds

    def table(self, changed: Iterable[int]) -> Table:
        """The bounds now; `changed` are units whose bounds were not the root's before."""
        before = np.array(list(changed), dtype=np.int64)
        parts, root = [*self.changes(), before], self._root
        if isinstance(root, Table):  # what it holds goes into this one: no table behind a table
            parts, root = [*parts, root.changed], root.before
        units = self._sorted(parts)
        self._read(self._inputs + units)
        ends = self._low[self._inputs + units], self._high[self._inputs + units]
        return Table(root, self._scaled.network.units.count, self.places, units, ends)

    def _sorted(self, parts: Sequence[Int]) -> Int:
        """The units of these parts, increasing."""
        count = self._scaled.network.units.count
        if FEW * sum(map(len, parts)) < count:  # then sorting is faster than looking at all
            return np.unique(np.concatenate(parts))
        marked = np.zeros(count, dtype=bool)
        for part in parts:
            marked[part] = True
        return np.flatnonzero(marked)

    def _read(self, variables: Int) -> None:
        """Reads the bounds of these from the root, unless they are known."""
        variables = variables[~self._known[variables]]
        if not len(variables):
            return
        more = self.places - self._root.places
        bounds = self._root.bounds_of(variables - self._inputs)
        if max(map(largest, bounds)) << more >= LIMIT:
            raise DoesNotFitError
        for table, values in zip((self._low, self._high), bounds, strict=True):
            table[variables] = values.astype(np.int64) << more
        self._known[variables] = True

    def _read_by(self, units: Int) -> Int:
        """What these units read, copies replaced by what they copy."""
        rows = self._scaled.network.units
        counts = rows.starts[units + 1] - rows.starts[units]
        first = np.cumsum(counts) - counts
        entries = np.repeat(rows.starts[units] - first, counts) + np.arange(int(counts.sum()))
        return self._scaled.origins[rows.indices[entries]]

    def _ends_of(self, j: int) -> tuple[int, int]:
        """Both bounds of A of a unit, or of an input."""
        if not self._known.item(j):
            v = j - self._inputs
            self._low[j] = self._whole(self._root.lower_of(v))
            self._high[j] = self._whole(self._root.upper_of(v))
            self._known[j] = True
        return self._low.item(j), self._high.item(j)

    # ------------------------------------------------------------------ who waits

    def _call_readers(self, v: int) -> None:
        readers, edges = self._rows.readers_of_all
        j, met = self._inputs + v, self._met
        for w in readers[edges.item(j) : edges.item(j + 1)].tolist():
            if not met.item(w):
                met[w] = True
                level = self._scaled.levels.item(self._inputs + w)
                waiting = self._few.get(level)
                if waiting is None:
                    self._note_level(level)
                    self._few[level] = [w]
                else:
                    waiting.append(w)

    def _note_level(self, level: int) -> None:
        if level not in self._few and level not in self._many:
            heappush(self._levels, level)

    def _readers(self, variables: Int) -> Int:
        return readers_of(self._rows, variables)

    def _wait_for(self, units: Int) -> None:
        units = once(units[~self._met[units]], self._place)
        if not len(units):
            return
        self._met[units] = True
        levels = self._scaled.levels[self._inputs + units]
        order = np.argsort(levels, kind="stable")
        units, levels = units[order], levels[order]
        starts = np.flatnonzero(np.diff(levels, prepend=-1)).tolist()
        for begin, end in pairwise([*starts, len(units)]):
            level = levels.item(begin)
            self._note_level(level)
            if end - begin < MANY:
                self._few.setdefault(level, []).extend(units[begin:end].tolist())
            else:
                self._many.setdefault(level, []).append(units[begin:end])

    # ------------------------------------------------------------------ bounds

    def _bound(self, v: int) -> bool:
        """Whether the bounds of unit v have changed; not if it is off."""
        if self._ends_of(self._inputs + v)[1] <= 0:
            return False
        if self._is_special(v):
            return self._bound_specially(v)
        entries, constant = self._rows.entries(v)
        low = high = constant << self.places
        for j, weight, of_unit in entries:
            below, above = self._ends_of(j)
            if of_unit:
                below, above = below if below > 0 else 0, above if above > 0 else 0
            if weight > 0:
                low += weight * below
                high += weight * above
            else:
                low += weight * above
                high += weight * below
        return self._take(v, low, high)

    def _is_special(self, v: int) -> bool:
        """Whether intervals may not say all of the unit."""
        always, starts, units = self._rows.maxima_of_all
        if always.item(v):
            return True
        for k in range(starts.item(v), starts.item(v + 1)):
            if self._ends_of(self._inputs + units.item(k))[1] > 0:
                return True
        return False

    def _bound_specially(self, v: int) -> bool:
        low, high = self._bounds.of_form(self._rows.row(v))
        return self._take(v, self._whole(low), self._whole(high))

    def _take(self, v: int, low: int, high: int) -> bool:
        """Whether these bounds are better than those so far."""
        if low <= -LIMIT or high >= LIMIT:
            raise DoesNotFitError
        j, better = self._inputs + v, False
        below, above = self._ends_of(j)
        if low > below:
            self._low[j], better = low, True
            self._raised_alone.append(v)
        if high < above:
            self._high[j], better = high, True
            self._dropped_alone.append(v)
        return better

    def _bound_many(self, units: Int) -> Int:
        always, starts, rising = self._rows.maxima_of_all
        special = always[units]
        counts = starts[units + 1] - starts[units]
        if counts.any():
            before = np.cumsum(counts) - counts
            pairs = np.repeat(starts[units] - before, counts) + np.arange(int(counts.sum()))
            rises = self._inputs + rising[pairs]
            self._read(rises)
            live = self._high[rises] > 0
            special[np.repeat(np.arange(len(units)), counts)[live]] = True
        changed = [np.zeros(0, dtype=np.int64)]
        if not special.all():
            changed.append(self._take_many(units[~special], *self._intervals(units[~special])))
        if special.any():
            changed.append(self._bound_specials(units[special]))
        return np.concatenate(changed)

    def _bound_specials(self, units: Int) -> Int:
        """Bounds units of which intervals may not say all; returns those that changed."""
        if self._forms is not None:
            try:
                return self._take_many(units, *self._forms.of_units(units))
            except DoesNotFitError:  # what is known of sizes beforehand is coarse
                self._forms = None
        changed = [v for v in units.tolist() if self._bound_specially(v)]
        return np.array(changed, dtype=np.int64)

    def _take_many(self, units: Int, low: Int, high: Int) -> Int:
        """Those of the units of which these bounds, below the limit, are better."""
        j = self._inputs + units
        raised, dropped = low > self._low[j], high < self._high[j]
        self._low[j[raised]], self._high[j[dropped]] = low[raised], high[dropped]
        self._raised.append(units[raised])
        self._dropped.append(units[dropped])
        changed: Int = units[raised | dropped]
        return changed

    def _in_arrays(self) -> FormBounds | None:
        tables = self._scaled.derived(form_tables)
        if tables is None:
            return None
        try:
            return FormBounds(tables, self.places, self._ends_of_many, self._bounds_of_many)
        except DoesNotFitError:
            return None

    def _bounds_of_many(self, units: Int) -> tuple[Int, Int]:
        """Of A of units."""
        variables = self._inputs + units
        self._read(variables)
        return self._low[variables], self._high[variables]

    def _ends_of_many(self, variables: Int) -> tuple[Int, Int]:
        """Of Z of variables."""
        self._read(variables)
        low, high = self._low[variables], self._high[variables]
        of_units = variables >= self._inputs
        np.maximum(low, 0, out=low, where=of_units)
        np.maximum(high, 0, out=high, where=of_units)
        return low, high

    def _intervals(self, units: Int) -> Pair:
        return intervals_of(self._scaled, units, self._ends_of_many, self.places)

    def _ends(self, j: int) -> Ends:
        low, high = self._ends_of(j)
        if j >= self._inputs:
            low, high = max(low, 0), max(high, 0)
        return _number(low, self.places), _number(high, self.places)

    def _unit_ends(self, v: int) -> Ends:
        low, high = self._ends_of(self._inputs + v)
        return _number(low, self.places), _number(high, self.places)

    def _whole(self, value: Number) -> int:
        """value * 2^places."""
        whole, rest = divmod(value.numerator << self.places, value.denominator)
        if rest or abs(whole) >= LIMIT:
            raise DoesNotFitError
        return whole


def readers_of(rows: MaximaRows, variables: Int) -> Int:
    """The units that read these variables, or copies of them, one after another."""
    readers, edges = rows.readers_of_all
    counts = edges[variables + 1] - edges[variables]
    before = np.cumsum(counts) - counts
    return readers[np.repeat(edges[variables] - before, counts) + np.arange(int(counts.sum()))]


def reading(rows: MaximaRows, variables: Int) -> NDArray[np.bool_]:
    """For every unit whether it reads one of the variables, directly or not."""
    found = np.zeros(rows.scaled.network.units.count, dtype=bool)
    while len(variables):
        read = np.unique(readers_of(rows, variables))
        new = read[~found[read]]
        found[new] = True
        variables = rows.scaled.network.inputs + new
    return found


def intervals_of(
    scaled: ScaledNetwork, units: Int, ends: Callable[[Int], Pair], places: int
) -> Pair:
    """Interval arithmetic of units that each read a variable, with the bounds of Z of variables in
    units of 2^-places. Raises DoesNotFitError."""
    rows = scaled.network.units
    counts = rows.starts[units + 1] - rows.starts[units]
    first = np.cumsum(counts) - counts
    entries = np.repeat(rows.starts[units] - first, counts) + np.arange(int(counts.sum()))
    weights: Any = scaled.weights[entries]
    low, high = ends(scaled.origins[rows.indices[entries]])
    top = max(largest(low), largest(high))
    constants: Any = scaled.constants[units]
    heaviest = int(np.add.reduceat(np.abs(weights), first).max())
    if top * heaviest + (largest(constants) << places) >= LIMIT:
        raise DoesNotFitError
    weights = beside(weights, low)
    positive = weights > 0
    below = np.add.reduceat(weights * np.where(positive, low, high), first)
    above = np.add.reduceat(weights * np.where(positive, high, low), first)
    constants = beside(constants << places, low)
    return below + constants, above + constants


def largest_scale(scaled: ScaledNetwork) -> int:
    """Of all variables; above 2^64 if 64 bits do not hold the rows, or sums of their entries."""
    small = scaled.weights.dtype == np.int64 and scaled.constants.dtype == np.int64
    if small and all(layer.largest_row < LIMIT for layer in scaled.layers):
        return scaled.scales.largest()
    return 1 << 65
