"""The forms of `maxima` in arrays of 64 bits, and bounds of many of them at once.

Bounds stand in units of 2^-places, those of many branches in columns. What is found is what
`MaximaBounds` says of each form; nothing is rounded, and what might overflow is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.maxima import Form, MaximaRows, Maximum, Number, maxima_of
from verifier.checker.scaled import LIMIT, ScaledNetwork

MOST = LIMIT >> 2  # of which three add up to what is below the limit
Int = NDArray[np.int64]
Pair = tuple[Int, Int]
"""Lower and upper bounds."""


class DoesNotFitError(Exception):
    """A bound is no multiple of 2^-24, or 64 bits do not hold it."""


class Sums:
    """Sums of weight * term, entry k of the list those of form k."""

    def __init__(self, lists: Sequence[Sequence[tuple[int, Number]]]) -> None:
        """Raises DoesNotFitError for a weight that is no integer, or too large."""
        counts = np.array([len(entries) for entries in lists], dtype=np.int64)
        self._starts = np.append(0, np.cumsum(counts))
        self._terms = np.array([j for entries in lists for j, _ in entries], dtype=np.int64)
        self._weights = _whole([weight for entries in lists for _, weight in entries])
        longest = int(counts.max(initial=0))
        if largest(self._weights) * longest >= MOST:
            raise DoesNotFitError
        self.largest = int(self._added(np.abs(self._weights), counts).max(initial=0))

    def terms_of(self, forms: Int) -> tuple[Int, Int]:
        """The terms of these forms, one after another, and how many each has."""
        entries, counts = self._entries(forms)
        return self._terms[entries], counts

    def interval(self, forms: Int, ends: Callable[[Int], Pair]) -> Pair:
        """Bounds of the sums, by those of the terms. Raises DoesNotFitError."""
        entries, counts = self._entries(forms)
        low, high = ends(self._terms[entries])
        if max(largest(low), largest(high)) * self.largest >= MOST:
            raise DoesNotFitError
        weights = beside(self._weights[entries], low)
        positive = weights > 0
        return (
            self._added(weights * np.where(positive, low, high), counts),
            self._added(weights * np.where(positive, high, low), counts),
        )

    @staticmethod
    def _added(values: Int, counts: Int) -> Int:
        """The sums of the first counts[0] values, of the next counts[1], ..."""
        equal = int(counts[0]) if len(counts) and (counts == counts[0]).all() else 0
        if equal:  # faster one after another than with `reduceat`
            found: Int = values[::equal]
            for k in range(1, equal):
                found = found + values[k::equal]
            return found
        total = np.zeros((len(counts), *values.shape[1:]), dtype=np.int64)
        starts = (np.cumsum(counts) - counts)[counts > 0]
        if len(starts):
            total[counts > 0] = np.add.reduceat(values, starts)
        return total

    def _entries(self, forms: Int) -> tuple[Int, Int]:
        counts = self._starts[forms + 1] - self._starts[forms]
        before = np.cumsum(counts) - counts
        return np.repeat(self._starts[forms] - before, counts) + np.arange(
            int(counts.sum())
        ), counts


class FormTables:
    """The forms that rows of one network are, and those that their maxima may be; maximum k is of
    unit `units[k]`, of the forms `low[k]` and `high[k]`, and holds maxima of less `depth` alone."""

    def __init__(self, rows: MaximaRows) -> None:
        """Raises DoesNotFitError for numbers that are no integers, or too large."""
        self._numbers: dict[Form, int] = {}
        self._maxima: dict[Maximum, int] = {}
        self._depths: list[int] = []  # of forms
        listed = rows.with_maxima
        self.form_of = np.full(rows.scaled.network.units.count, -1, dtype=np.int64)
        for v in listed:
            self.form_of[v] = self._add(rows.row(v))
        forms, maxima = list(self._numbers), list(self._maxima)
        self.units = np.array([m.unit for m in maxima], dtype=np.int64)
        self.low = np.array([self._numbers[m.low] for m in maxima], dtype=np.int64)
        self.high = np.array([self._numbers[m.high] for m in maxima], dtype=np.int64)
        depths = np.array(self._depths, dtype=np.int64)
        self.depth = 1 + np.maximum(depths[self.low], depths[self.high])
        self.constants = _whole([form.constant for form in forms])
        self.plain = Sums([form.weights for form in forms])
        self.rest = Sums([form.rest for form in forms])
        self.inner = Sums([[(self._maxima[m], w) for w, m in form.maxima] for form in forms])
        self._numbers, self._maxima, self._depths = {}, {}, []

    def _add(self, form: Form) -> int:
        """The number of the form, after those of the forms that it depends on."""
        waiting, numbers = [form], self._numbers
        while waiting:
            current = waiting[-1]
            if current in numbers:
                waiting.pop()
                continue
            parts = [part for _, m in current.maxima for part in (m.low, m.high)]
            missing = [part for part in parts if part not in numbers]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            for _, maximum in current.maxima:
                self._maxima.setdefault(maximum, len(self._maxima))
            numbers[current] = len(numbers)
            self._depths.append(max((1 + self._depths[numbers[part]] for part in parts), default=0))
        return numbers[form]


def form_tables(scaled: ScaledNetwork) -> FormTables | None:
    """Derived once a network; None if 64 bits do not hold them."""
    try:
        return FormTables(maxima_of(scaled))
    except DoesNotFitError:
        return None


class FormBounds:
    """Bounds of forms in one branch, or in several, which must not change but for units that none
    has read."""

    def __init__(
        self,
        tables: FormTables,
        places: int,
        ends: Callable[[Int], Pair],
        bounds: Callable[[Int], Pair],
        branches: tuple[int, ...] = (),
    ) -> None:
        """`ends` are those of Z of variables, `bounds` those of A of units; with `branches`, which
        says how many there are, a row of that length each."""
        self._tables, self._places, self._ends, self._bounds = tables, places, ends, bounds
        count = len(tables.units)
        self._met, self._place = np.zeros(count, dtype=bool), np.empty(count, dtype=np.int64)
        self._low = np.zeros((count, *branches), dtype=np.int64)
        self._high = np.zeros((count, *branches), dtype=np.int64)
        if largest(tables.constants) << places >= MOST:
            raise DoesNotFitError
        self._constants = tables.constants << places

    def of_units(self, units: Int) -> Pair:
        """Bounds of the rows of these units. Raises DoesNotFitError."""
        forms = self._tables.form_of[units]
        maxima = self._missing(forms)
        depths = self._tables.depth[maxima]
        for depth in np.unique(depths).tolist():
            self._bound(maxima[depths == depth])
        return self._of_forms(forms)

    def _missing(self, forms: Int) -> Int:
        """The maxima that bounds of these forms need and that have none."""
        found: list[Int] = [np.zeros(0, dtype=np.int64)]
        while len(forms):
            inner, _ = self._tables.inner.terms_of(forms)
            inner = once(inner[~self._met[inner]], self._place)
            self._met[inner] = True
            found.append(inner)
            off, on = self._decided(inner)
            low, high = inner[somewhere(~on)], inner[somewhere(~off)]
            forms = np.concatenate([self._tables.low[low], self._tables.high[high]])
        return np.concatenate(found)

    def _decided(self, maxima: Int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of which maxima the unit is off, and of which of the others it is on."""
        low, high = self._bounds(self._tables.units[maxima])
        off = high <= 0
        return off, ~off & (low >= 0)

    def _bound(self, maxima: Int) -> None:
        off, on = self._decided(maxima)
        for parts, chosen in (
            (self._tables.low, somewhere(~on)),
            (self._tables.high, somewhere(~off)),
        ):
            here = maxima[chosen]
            low, high = self._of_forms(parts[here])
            if parts is self._tables.high:  # where it is both, the largest
                both = ~off[chosen] & ~on[chosen]
                low = np.where(both, np.maximum(low, self._low[here]), low)
                high = np.where(both, np.maximum(high, self._high[here]), high)
                low = np.where(off[chosen], self._low[here], low)
                high = np.where(off[chosen], self._high[here], high)
            self._low[here], self._high[here] = low, high

    def _of_forms(self, forms: Int) -> Pair:
        """The better bounds of the forms' terms and of their maxima."""
        tables = self._tables
        low, high = tables.plain.interval(forms, self._ends)
        constants = beside(self._constants[forms], low)
        rest = tables.rest.interval(forms, self._ends)
        inner = tables.inner.interval(forms, self._of_maxima)
        low, high = np.maximum(low, rest[0] + inner[0]), np.minimum(high, rest[1] + inner[1])
        return low + constants, high + constants

    def _of_maxima(self, maxima: Int) -> Pair:
        return self._low[maxima], self._high[maxima]


def _whole(values: Sequence[Number]) -> Int:
    """The integers in 64 bits. Raises DoesNotFitError."""
    if any(not isinstance(value, int) or abs(value) >= LIMIT for value in values):
        raise DoesNotFitError
    return np.array(values, dtype=np.int64)


def beside(numbers: Any, table: Any) -> Any:
    """The numbers, one for each row of the table, or for each of its entries if it has no rows."""
    return numbers.reshape(-1, *(1,) * (table.ndim - 1))


def somewhere(found: NDArray[np.bool_]) -> Any:
    """Of each row whether it is so in any branch."""
    return found.any(axis=tuple(range(1, found.ndim)))


def once(numbers: Int, place: Int) -> Int:
    """Each of the numbers once, without sorting; what `place` has at these is overwritten."""
    order = np.arange(len(numbers))
    place[numbers] = order
    found: Int = numbers[place[numbers] == order]
    return found


def largest(values: Any) -> int:
    """The largest absolute value; 0 if there is none."""
    return max(-int(values.min()), int(values.max()), 0) if len(values) else 0
