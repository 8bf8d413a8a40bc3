"""The first step about maxima of the proofs about many regions, in one go.

Where a proof begins with such a step, it bounds units from the root bounds alone, and what it finds
belongs to the region. Regions stand in the columns of the table of root bounds; some of them at a
time get, level by level, the bounds that `maxima_pass` gives each of them alone: of every unit
whose row holds a maximum, and of every one that reads such a unit, directly or not. That is more
units than the pass goes to, and those that it passes over keep their bounds here: nothing that they
read has changed. It takes a tenth of the time, for what is read for a unit stands side by side for
all regions.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from verifier.checker.intervals import RootBounds
from verifier.checker.maxima import maxima_of
from verifier.checker.maxima_pass import (
    MANY_FORMS,
    Table,
    intervals_of,
    largest_scale,
    reading,
)
from verifier.checker.maxima_tables import DoesNotFitError, FormBounds, Int, Pair, form_tables
from verifier.checker.scaled import ScaledNetwork

REGIONS = 16  # at a time: more take more memory, and are hardly faster
LIVE = 4  # of so many maxima one may be something else than its lower term on one of these regions
Step = tuple[Int, Int, Table]
"""The units whose lower, and those whose upper bounds change, increasing; and the bounds then."""
_Step = tuple[Int, Int, Int, Pair]
"""The same with the units of which either changes, and both their bounds then."""


class MaximaTogether:
    """The step for each of some regions, whose root bounds are the columns of `table`."""

    def __init__(self, scaled: ScaledNetwork, table: Any) -> None:
        self._scaled, self._table = scaled, table
        self._first = -1  # of the columns that are known
        self._found: list[_Step] | None = None

    def of(self, root: RootBounds) -> Step | None:
        """The step from these bounds, a column of the table; None if it is to be found by itself.
        Raises RefusedError for too many maxima."""
        first = root.column - root.column % REGIONS
        found = self._steps_from(first)
        if found is None:
            return None
        raised, dropped, changed, ends = found[root.column - first]
        return raised, dropped, Table(root, self._scaled.network.units.count, 0, changed, ends)

    def _steps_from(self, first: int) -> list[_Step] | None:
        if first != self._first:
            self._found = None  # its memory is for the next one
            self._found = self._steps(first)
            self._first = first
        return self._found

    def copy_to(self, other: MaximaTogether, column: int) -> None:
        """Has `other`, about a copy of the table, know the steps of this column and of those that
        are found with it, in arrays of its own. Raises RefusedError."""
        first = column - column % REGIONS
        if other._first != first:
            other._found = copy.deepcopy(self._steps_from(first))
            other._first = first

    def _steps(self, first: int) -> list[_Step] | None:
        scaled, count = self._scaled, min(REGIONS, self._table.shape[1] - first)
        if count < 2 or self._table.dtype == object:
            return None
        plan = scaled.derived(_plan_of)
        if plan is None:
            return None
        if largest_scale(scaled) > 1 << 64:  # bounds would be rounded
            return None
        columns = self._table[:, first : first + count]
        always, _, rising = maxima_of(scaled).maxima_of_all
        upper = columns[scaled.tables.upper_row[scaled.network.inputs + rising]].max(axis=1)
        if LIVE * (np.count_nonzero(upper > 0) + np.count_nonzero(always)) < len(rising):
            return None
        try:
            after = _Columns(scaled, plan, columns)
            for units in plan.levels:
                after.bound(units)
        except DoesNotFitError:
            return None
        return [after.step(column) for column in range(count)]


class _Plan:
    """The units of a network that are bounded, level by level, and the rows where bounds stand:
    those of these units in rows of their own behind the table's, where units with equal rows of
    the network share theirs. (A maximum may be seen in one of two equal rows, and not in the
    other.)"""

    def __init__(self, scaled: ScaledNetwork, levels: list[Int]) -> None:
        tables = scaled.tables
        self.levels, self.units = levels, np.sort(np.concatenate(levels))
        own = scaled.network.inputs + self.units
        self.shared = tables.lower_row[own], tables.upper_row[own]
        lower, upper = tables.lower_row.astype(np.int64), tables.upper_row.astype(np.int64)
        lower[own] = tables.height + np.arange(len(own))
        upper[own] = lower[own] + len(own)
        self.lower_row, self.upper_row = lower[scaled.origins], upper[scaled.origins]


def _plan_of(scaled: ScaledNetwork) -> _Plan | None:
    """None if a level has few forms with maxima."""
    levels = _levels(scaled)
    return _Plan(scaled, levels) if levels else None


class _Columns:
    """Bounds of A of all units on some regions, which become better unit by unit."""

    def __init__(self, scaled: ScaledNetwork, plan: _Plan, table: Any) -> None:
        """`table` has the bounds before. Raises DoesNotFitError."""
        tables = scaled.derived(form_tables)
        if tables is None:
            raise DoesNotFitError
        self._scaled, self._inputs = scaled, scaled.network.inputs
        self._plan, self._before = plan, tuple(table[rows] for rows in plan.shared)
        self._now = np.concatenate([table, *self._before]).astype(np.int64)
        self._forms = FormBounds(tables, 0, self._ends, self._bounds, (table.shape[1],))
        self._form_of = tables.form_of

    def bound(self, units: Int) -> None:
        """Bounds units that do not read each other. Raises DoesNotFitError. (Better bounds lie
        between those before, which 64 bits hold.)"""
        special = self._form_of[units] >= 0
        self._take(units[special], *self._forms.of_units(units[special]))
        plain = units[~special]
        if len(plain):
            self._take(plain, *intervals_of(self._scaled, plain, self._ends, 0))

    def _take(self, units: Int, low: Int, high: Int) -> None:
        """Keeps the better ones of the bounds."""
        rows = self._rows(self._inputs + units)
        below, above = self._now[rows[0]], self._now[rows[1]]
        live = above > 0  # a unit that is off stays as it is
        self._now[rows[0]] = np.where(live, np.maximum(below, low), below)
        self._now[rows[1]] = np.where(live, np.minimum(above, high), above)

    def step(self, column: int) -> _Step:
        """What has changed in this column."""
        units = self._plan.units
        low, high = (row[:, column] for row in self._bounds(units))
        raised = low > self._before[0][:, column]
        dropped = high < self._before[1][:, column]
        changed = raised | dropped
        return units[raised], units[dropped], units[changed], (low[changed], high[changed])

    def _rows(self, variables: Int) -> tuple[Int, Int]:
        return self._plan.lower_row[variables], self._plan.upper_row[variables]

    def _bounds(self, units: Int) -> Pair:
        """Of A of units that are no copies."""
        low, high = (self._now[row] for row in self._rows(self._inputs + units))
        return low, high

    def _ends(self, variables: Int) -> Pair:
        """Of Z of variables."""
        low, high = (self._now[row] for row in self._rows(variables))
        of_units = (variables >= self._inputs)[:, None]
        np.maximum(low, 0, out=low, where=of_units)
        np.maximum(high, 0, out=high, where=of_units)
        return low, high


def _levels(scaled: ScaledNetwork) -> list[Int]:
    """The units to bound, level by level; none if a level has few forms with maxima."""
    rows, inputs = maxima_of(scaled), scaled.network.inputs
    special = np.array(rows.with_maxima, dtype=np.int64)
    if len(special) < MANY_FORMS * max(1, len(np.unique(scaled.levels[inputs + special]))):
        return []
    marked = reading(rows, inputs + special)
    marked[special] = True
    variables = inputs + np.flatnonzero(marked)
    variables = variables[scaled.origins[variables] == variables]
    levels = scaled.levels[variables]
    order = np.argsort(levels, kind="stable")
    edges = np.flatnonzero(np.diff(levels[order])) + 1
    return [part - inputs for part in np.split(variables[order], edges)]
