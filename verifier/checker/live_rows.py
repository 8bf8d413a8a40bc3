"""The rows of the units on one region, without what is fixed there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.checker.scaled import Row, ScaledNetwork


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
        """`table` and `columns` as in `RootBounds`, more than one if a unit must be off, or on, in
        all of them; `constants` says whether equal bounds mean a row that depends on no input, so
        that substitution would end in the same number."""
        self._scaled, self._table, self._columns = scaled, table, tuple(columns)
        self._inputs = scaled.network.inputs
        self._lower_row, self._upper_row = scaled.tables.lower_row, scaled.tables.upper_row
        self._constants = constants
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
        return self._fixed(origin) is not None or self.source(variable) != variable

    def source(self, variable: int) -> int:
        """The variable that this one equals on the region, as far as units pass it on."""
        passed, inputs, sources = [], self._inputs, self._sources
        item, row_of, (column, *twin) = self._table.item, self._lower_row.item, self._columns
        while variable >= inputs:
            known = sources.get(variable)
            if known is not None:
                variable = known
                break
            passed.append(variable)
            if len(passed) == 1:
                variable = self._scaled.origins.item(variable)  # rows name no copies
            row = row_of(variable)
            if item(row, column) < 0 or any(item(row, other) < 0 for other in twin):
                break
            variables, weights, constant = self._live_row(variable - inputs)
            if constant or weights != [1] or variables[0] < inputs:
                break
            variable = variables[0]
        for j in passed:
            sources[j] = variable
        return variable

    def _live_row(self, v: int) -> Row:
        """The row, of copies the original, without units that are fixed."""
        found = self._live.get(v)
        if found is None:
            read, factors, units, constant = self._scaled.placed_row(v)
            variables, weights = read[:], factors[:]
            item, constants = self._table.item, self._constants
            column, *twin = self._columns
            # As in `_fixed`, which is too slow for the many rows of a large network.
            for j, weight, low, high in units:
                if twin:
                    value = self._fixed(j)
                    if value is not None:
                        constant += weight * value
                        continue
                    variables.append(j)
                    weights.append(weight)
                    continue
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
            found = self._live[v] = variables, weights, constant
        return found

    def _fixed(self, variable: int) -> int | None:
        """The value of a unit that is off or constant; the variable must be no copy."""
        if variable < self._inputs:
            return None
        row = self._upper_row.item(variable)
        uppers = [self._table.item(row, column) for column in self._columns]
        lowers = self._lowers(variable)
        if max(uppers) <= 0 and min(lowers) < 0:
            return 0
        return lowers[0] if self._constants and lowers == uppers else None

    def _lowers(self, variable: int) -> list[int]:
        row = self._lower_row.item(variable)
        return [self._table.item(row, column) for column in self._columns]
