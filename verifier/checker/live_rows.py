"""The rows of the units on one region, without what is fixed there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifier.checker.scaled import Row, ScaledNetwork

BEGUN = 4  # entries of a longer row that are looked at first


class LiveRows:
    """Rows as substitution needs them, found when first asked for.

    By the root bounds a unit may be off (upper <= 0, lower < 0), constant (upper = lower >= 0), or
    on with a row that is then 1 times a single unit, which it passes on. The first adds nothing,
    the second a constant, and the third is replaced by what it passes on. That changes no form, as
    long as no branch or multiplier says anything else about these units; see `skips`.
    """

    def __init__(
        self, scaled: ScaledNetwork, table: Any, columns: Sequence[int], constants: bool
    ) -> None:
        """`table` and `columns` as in `RootBounds`, two at the ends of a family's cone: what is
        decided is decided at both, and a constant is an affine function of m. `constants` says
        whether equal bounds mean a row that depends on no other input, so that substitution would
        end in the same number."""
        self._scaled, self._table, self._column = scaled, table, columns[0]
        self._inputs = scaled.network.inputs
        self._lower_row, self._upper_row = scaled.tables.lower_row, scaled.tables.upper_row
        self._constants = constants
        self._end = columns[1] if len(columns) > 1 else None
        if self._end is not None:
            self._first, last = self._item(self._lower_row.item(self._inputs - 1))
            self._size = last - self._first  # of the interval of m
        self._live: dict[int, Row] = {}
        self._rows: dict[int, Row] = {}
        self._sources: dict[int, int] = {}

    def row(self, v: int) -> Row:
        """Unit v's row, without units that are fixed; sources for units that are passed on."""
        found = self._rows.get(v)
        if found is None:
            variables, weights, constant = self._live_row(v)
            found = self._rows[v] = [self.source(j) for j in variables], weights, constant
        return found

    def skips(self, v: int) -> bool:
        """Whether rows never show unit v, which is fixed or passes another one on."""
        variable = self._inputs + v
        origin = self._scaled.origins.item(variable)
        return self._is_fixed(origin) or self.source(variable) != variable

    def source(self, variable: int) -> int:
        """The variable that this one equals on the region, as far as units pass it on."""
        passed, inputs, sources = [], self._inputs, self._sources
        item, row_of = self._table.item, self._lower_row.item
        column, end = self._column, self._end
        while variable >= inputs:
            known = sources.get(variable)
            if known is not None:
                variable = known
                break
            passed.append(variable)
            if len(passed) == 1:
                variable = self._scaled.origins.item(variable)  # rows name no copies
            row = row_of(variable)
            if item(row, column) < 0 or (end is not None and item(row, end) < 0):
                break
            if self._reads_more(variable - inputs):
                break
            variables, weights, constant = self._begun_row(variable - inputs)
            if constant or weights != [1] or variables[0] < inputs:
                break
            variable = variables[0]
        for j in passed:
            sources[j] = variable
        return variable

    def _reads_more(self, v: int) -> bool:
        """Whether the beginning of a long row shows that it reads more than one variable that is
        not fixed. Rows of sums have thousands of entries, and of most nothing else is asked."""
        units = self._scaled.network.units
        begin, end = units.starts.item(v), units.starts.item(v + 1)
        if end - begin <= BEGUN or self._end is not None or v in self._live:
            return False
        read = self._scaled.origins[units.indices[begin : begin + BEGUN]]
        low = self._table[self._lower_row[read], self._column]
        high = self._table[self._upper_row[read], self._column]
        fixed = (high <= 0) & (low < 0)
        if self._constants:
            fixed |= low == high
        fixed &= read >= self._inputs
        return int(np.count_nonzero(fixed)) < BEGUN - 1

    def _live_row(self, v: int) -> Row:
        """The row, of copies the original, without units that are fixed."""
        found = self._live.get(v)
        if found is None:
            found = self._single(v) if self._end is None else self._double(v, self._end)
            self._live[v] = found
        return found

    def _begun_row(self, v: int) -> Row:
        """The live row, of which two variables are enough: that shows soon, also in a long row, and
        of most units nothing else is ever asked."""
        if v in self._live or self._end is not None:
            return self._live_row(v)
        begun = self._single(v, most=1)
        if len(begun[0]) <= 1:
            self._live[v] = begun
        return begun

    def _single(self, v: int, most: int | None = None) -> Row:
        """The live row; if it reads more variables than `most`, its beginning."""
        read, factors, units, constant = self._scaled.placed_row(v)
        variables, weights = read[:], factors[:]
        item, column, constants = self._table.item, self._column, self._constants
        # As in `_is_fixed`, which is too slow for the many rows of a large network.
        for j, weight, low, high in units:
            upper: int = item(high, column)
            if upper <= 0:
                lower: int = item(low, column)
                if lower < 0:
                    continue
                if upper == lower and constants:
                    constant += weight * lower
                    continue
            elif constants and item(low, column) == upper:
                constant += weight * upper
                continue
            variables.append(j)
            weights.append(weight)
            if most is not None and len(variables) > most:
                break
        return variables, weights, constant

    def _double(self, v: int, end: int) -> Row:
        """The same at both ends of a cone; what is an affine function of m is added to its weight,
        which may become zero."""
        read, factors, units, constant = self._scaled.placed_row(v)
        variables, weights = read[:], factors[:]
        item, column, first, size = self._table.item, self._column, self._first, self._size
        rise = 0
        for j, weight, low, high in units:
            upper: int = item(high, column)
            upper_end: int = item(high, end)
            lower: int = item(low, column)
            lower_end: int = item(low, end)
            if upper <= 0 and upper_end <= 0 and (lower < 0 or lower_end < 0):
                continue
            if upper == lower >= 0 and upper_end == lower_end >= 0:
                slope, rest = divmod(upper_end - upper, size)
                if not rest:
                    constant += weight * (upper - slope * first)
                    rise += weight * slope
                    continue
            variables.append(j)
            weights.append(weight)
        if rise:
            m = self._inputs - 1
            if m in read:
                rise += weights.pop(read.index(m))
                variables.remove(m)
            if rise:
                variables.append(m)
                weights.append(rise)
        return variables, weights, constant

    def _is_fixed(self, variable: int) -> bool:
        """Whether the unit is off or constant; the variable must be no copy."""
        if variable < self._inputs:
            return False
        low, high, item = self._lower_row.item(variable), self._upper_row.item(variable), self._item
        lower, upper = item(low), item(high)
        if max(upper) <= 0 and min(lower) < 0:
            return True
        whole = self._end is None or (upper[-1] - upper[0]) % self._size == 0
        return self._constants and lower == upper and min(lower) >= 0 and whole

    def _item(self, row: int) -> tuple[int, ...]:
        item = self._table.item
        if self._end is None:
            return (item(row, self._column),)
        return item(row, self._column), item(row, self._end)
