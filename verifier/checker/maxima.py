"""Maxima in the rows of a network, and the bounds that follow from them.

relu(g - b) + b is max(g, b). Intervals do not see it, for both terms depend on b; the bounds of the
maximum are [max of the lower bounds, max of the upper bounds] of g and b. What counts as a maximum
is found in the rows alone, so it is the same on every region:

    Let a row have the weight w on the unit u, which reads variables that do not all lie on one
    direction. Then w (z_u + r) is a maximum of r and r + a_u, where r is what the row holds of
    - the variables j that u reads, if w z_u -> w a_u cancels j from the row; or, if none cancels,
    - one unit b at the weight w, if b is a sum of units (z_b = a_b >= 0 everywhere) and its row
      stands in that of u with the opposite sign; or, if there is none,
    - all that u reads, if the row reads that as well, and it is more than one variable.

    A row shows at most one maximum of positive weight and one of negative weight, those of the
    greatest u; r and r + a_u are looked at again in the same way. Units that are 1 times another
    unit stand for that unit.

Where u is off, the maximum is r, where it is on, r + a_u; so r <= z_u + r and r + a_u <= z_u + r
everywhere, and one of both is an equation. `docs/trust.md` says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.contracted import Places, place_type
from verifier.checker.ridge import univariate_of
from verifier.checker.scaled import ScaledNetwork
from verifier.question.errors import RefusedError

Number = int | Fraction
Weights = tuple[tuple[int, Number], ...]
"""Variables, increasing, and their weights, none zero; all in the scales of `ScaledNetwork`."""
Ends = tuple[Number, Number]
LONGEST = 1 << 10  # variables of a row in which maxima are looked for
MAXIMA = 16  # for each variable of the network: beyond, rows share too little to be maxima


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Z_u + r, at least r (`low`), and at least r + A_u (`high`); one of both it is."""

    unit: int
    opened: int | None  # the sum of units that is replaced by its row in `high`
    low: Form
    high: Form


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """weights . Z + constant, which is rest . Z + constant + the sum of weight * maximum."""

    weights: Weights
    constant: Number
    rest: Weights
    maxima: tuple[tuple[Number, Maximum], ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A pair of a unit and what it is the rise above."""

    unit: int
    weight: Number
    part: Weights  # r
    opened: int | None


class MaximaRows:
    """The rows of one scaled network with their maxima, found when first asked for."""

    def __init__(self, scaled: ScaledNetwork) -> None:
        self.scaled = scaled
        self._inputs = scaled.network.inputs
        self._rows: dict[int, Form] = {}
        self._entries: dict[int, tuple[list[tuple[int, int, bool]], int]] = {}
        self._merged: dict[int, tuple[dict[int, Number], int]] = {}
        self._plain: set[int] = set()  # units whose rows hold no maxima
        self._maxima: dict[tuple[int, Weights], Maximum] = {}

    @cached_property
    def rises(self) -> NDArray[np.bool_]:
        """For every unit whether it reads variables that do not all lie on one direction."""
        scaled, lines = self.scaled, univariate_of(self.scaled).lines
        found = np.zeros(scaled.network.units.count, dtype=bool)
        for layer in scaled.layers:
            filled, starts = layer.rows
            if len(filled):
                read = lines[layer.indices]
                smallest = np.minimum.reduceat(read, starts)
                largest = np.maximum.reduceat(read, starts)
                found[layer.first + filled] = (smallest != largest) | (smallest < 0)
        return found

    @cached_property
    def readers_of_all(self) -> tuple[Places, Places]:
        """The units, but copies, that read a variable or a copy of it, of one variable after
        another, and where those of each begin."""
        units, origins = self.scaled.network.units, self.scaled.origins
        copies = origins[self._inputs :] != np.arange(self._inputs, len(origins))
        kind = place_type(max(len(units.indices), units.count))
        readers = np.repeat(np.arange(units.count, dtype=kind), np.diff(units.starts))
        read = origins[units.indices]
        if copies.any():
            kept = ~copies[readers]
            read, readers = read[kept], readers[kept]
        edges = edges_of(read, len(origins))
        return readers[np.argsort(read, kind="stable")], edges

    @cached_property
    def maxima_of_all(self) -> tuple[NDArray[np.bool_], Places, NDArray[np.int64]]:
        """For every unit whether it waits always, see `waiting`; where its other maxima begin among
        those of all units; and the units of these."""
        always, rising, rows = self._with_maxima
        count = self.scaled.network.units.count
        flags = np.zeros(count, dtype=bool)
        flags[always] = True
        return flags, edges_of(rows, count), rising[np.argsort(rows, kind="stable")]

    def readers(self, variable: int) -> list[int]:
        """The units, but copies, that read the variable, or a copy of it."""
        readers, edges = self.readers_of_all
        found: list[int] = readers[edges.item(variable) : edges.item(variable + 1)].tolist()
        return found

    def entries(self, v: int) -> tuple[list[tuple[int, int, bool]], int]:
        """The row: variables, no copies, weights, and whether it is a unit; and the constant."""
        found = self._entries.get(v)
        if found is None:
            variables, weights, constant = self.scaled.plain_row(v)
            pairs = zip(variables, weights, strict=True)
            listed = [(j, weight, j >= self._inputs) for j, weight in pairs]
            found = self._entries[v] = listed, constant
        return found

    def row(self, v: int) -> Form:
        """A_v; kept if it has maxima."""
        found = self._rows.get(v)
        if found is None:
            weights, constant = self._row(v)
            if v in self._plain:
                entries = tuple(sorted(weights.items()))
                return Form(entries, constant, entries, ())
            found = self._form(weights, constant, self._maxima)
            if found.maxima:
                self._rows[v] = found
            else:
                self._plain.add(v)
        return found

    @cached_property
    def _with_maxima(self) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64]]:
        """The units whose rows read a variable twice, by copies, or hold a maximum that is more
        than a unit and another variable; and, of the other maxima, units and those whose rows hold
        them."""
        units, inputs = self.scaled.network.units, self._inputs
        read = self.scaled.origins[units.indices]
        rising = np.zeros(self.scaled.network.variables, dtype=bool)
        rising[inputs:] = self.rises
        owner = np.repeat(np.arange(units.count), np.diff(units.starts))
        order = np.lexsort((read, owner))
        again = (np.diff(owner[order]) == 0) & (np.diff(read[order]) == 0)
        always, pairs = np.unique(owner[order][1:][again]).tolist(), list[tuple[int, int]]()
        several = np.diff(units.starts) > 1  # a row of one entry holds no maximum
        for v in np.unique(owner[rising[read] & several[owner]]).tolist():
            maxima = self.row(v).maxima
            if all(len(maximum.low.weights) == 1 for _, maximum in maxima):
                pairs += [(maximum.unit, v) for _, maximum in maxima]
            else:
                always.append(v)
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return always, table[:, 0], table[:, 1]

    @property
    def with_maxima(self) -> list[int]:
        """The units of which intervals may not say all, increasing."""
        always, _, rows = self._with_maxima
        return sorted({*always, *rows.tolist()})

    def waiting(self, upper: Callable[[NDArray[np.int64]], Any]) -> NDArray[np.int64]:
        """The units for which plain interval arithmetic does not say all, if `upper` gives the
        bounds of units. A maximum of a unit that is off and one other variable is that variable."""
        always, units, rows = self._with_maxima
        return np.concatenate([np.array(always, dtype=np.int64), rows[upper(units) > 0]])

    def form(self, weights: Mapping[int, Number], constant: Number) -> Form:
        """weights . Z + constant, with its maxima, of which nothing is kept: how many forms were
        asked for before changes nothing. Raises RefusedError if it has too many."""
        return self._form(weights, constant, {})

    def _form(
        self,
        weights: Mapping[int, Number],
        constant: Number,
        found: dict[tuple[int, Weights], Maximum],
    ) -> Form:
        """The same; maxima that no row holds go to `found`."""
        origins = self.scaled.origins
        merged: dict[int, Number] = {}
        for j, weight in weights.items():
            j = origins.item(j)
            merged[j] = merged.get(j, 0) + weight
        listed = tuple(sorted((j, weight) for j, weight in merged.items() if weight))
        # What is asked for may hold maxima that hold maxima, and so on: no recursion.
        waiting: list[tuple[Weights, Number]] = [(listed, constant)]
        made: dict[tuple[Weights, Number], Form] = {}
        split: dict[Weights, tuple[Weights, list[_Found]]] = {}
        while waiting:
            entries, extra = waiting[-1]
            if entries not in split:
                split[entries] = self._split(entries)
            rest, pairs = split[entries]
            parts: list[tuple[Number, Maximum]] = []
            before = len(waiting)
            for pair in pairs:
                key = pair.unit, pair.part
                known = self._maxima.get(key) or found.get(key)
                if known is None:
                    low, high = (pair.part, 0), self._raised(pair)
                    missing = [each for each in (low, high) if each not in made]
                    if missing:
                        waiting += missing
                        continue
                    if len(found) >= MAXIMA * self.scaled.network.variables:
                        raise RefusedError("too many maxima", f"{len(found)}")
                    known = found[key] = Maximum(pair.unit, pair.opened, made[low], made[high])
                parts.append((pair.weight, known))
            if len(waiting) == before:
                waiting.pop()
                made[entries, extra] = Form(entries, extra, rest, tuple(parts))
        return made[listed, constant]

    def _row(self, v: int) -> tuple[dict[int, Number], int]:
        found = self._merged.get(v)
        if found is None:
            merged: dict[int, Number] = {}
            variables, weights, constant = self.scaled.plain_row(v)
            for j, weight in zip(variables, weights, strict=True):
                merged[j] = merged.get(j, 0) + weight
            found = self._merged[v] = {j: w for j, w in merged.items() if w}, constant
        return found

    def _split(self, entries: Weights) -> tuple[Weights, list[_Found]]:
        """What is left of the form, and its pairs: of positive and of negative weight."""
        found: list[_Found] = []
        if not 1 < len(entries) <= LONGEST:
            return entries, found
        inputs, rises = self._inputs, self.rises
        rising = [(j, w) for j, w in entries if j >= inputs and rises.item(j - inputs)]
        if not rising:
            return entries, found
        left = dict(entries)
        sums = self._sums_in(entries)
        for positive in (True, False):
            for j, weight in reversed(rising):
                if (weight > 0) is positive and j in left:
                    pair = self._pair(left, j, weight, sums)
                    if pair is not None:
                        found.append(pair)
                        for i in (j, *(i for i, _ in pair.part)):
                            del left[i]
                        break
        return (tuple(left.items()) if found else entries), found

    def _sums_in(self, entries: Weights) -> dict[Number, list[int]]:
        """By their weights, scaled, the units of a form that `_opposite` may be about."""
        found: dict[Number, list[int]] = {}
        for b, weight in entries:
            if b >= self._inputs and self._sums.item(b - self._inputs):
                found.setdefault(weight * self.scaled.scales[b], []).append(b)
        return found

    @cached_property
    def _sums(self) -> NDArray[np.bool_]:
        """For every unit whether it reads units alone, with a constant >= 0."""
        scaled = self.scaled
        found = np.zeros(scaled.network.units.count, dtype=bool)
        for layer in scaled.layers:
            filled, starts = layer.rows
            if len(filled):
                terms = (layer.indices >= self._inputs) | (layer.weights == 0)
                above = layer.constants[filled] >= 0
                units = np.logical_and.reduceat(terms, starts)
                found[layer.first + filled] = units & above.astype(bool)
        return found

    def _pair(
        self,
        left: Mapping[int, Number],
        j: int,
        weight: Number,
        sums: Mapping[Number, Sequence[int]],
    ) -> _Found | None:
        u, scales = j - self._inputs, self.scaled.scales
        row, _ = self._row(u)
        small, large = (row, left) if len(row) < len(left) else (left, row)
        shared = sorted(i for i in small if i in large)
        part = [i for i in shared if left[i] + weight * row[i] == 0]
        if not part:
            for b in sums.get(weight * scales[j], ()):
                if b != j and b in left:
                    share = _ratio(left[b], weight)
                    if self._opposite(row, b, share):
                        return _Found(u, weight, ((b, share),), b - self._inputs)
            if len(shared) == len(row) > 1:
                part = shared
        if not part:
            return None
        return _Found(u, weight, tuple((i, _ratio(left[i], weight)) for i in part), None)

    def _opposite(self, row: Mapping[int, Number], b: int, factor: Number) -> bool:
        """Whether b is a sum of units, and the row holds factor times b's row negated."""
        below, constant = self._row(b - self._inputs)
        return (
            constant >= 0
            and bool(below)
            and all(
                i >= self._inputs and w > 0 and row.get(i, 0) == -factor * w
                for i, w in below.items()
            )
        )

    def _raised(self, pair: _Found) -> tuple[Weights, Number]:
        """r + A_u."""
        row, constant = self._row(pair.unit)
        total = dict(row)
        extra: Number = constant
        parts: Iterable[tuple[int, Number]] = pair.part
        if pair.opened is not None:
            ((_, factor),) = pair.part
            below, more = self._row(pair.opened)
            parts, extra = ((i, factor * w) for i, w in below.items()), extra + factor * more
        for i, w in parts:
            total[i] = total.get(i, 0) + w
        whole = extra.numerator if extra.denominator == 1 else extra
        return tuple(sorted((i, w) for i, w in total.items() if w)), whole


def _ratio(a: Number, b: Number) -> Number:
    """a / b, as int where it is one."""
    if isinstance(a, int) and isinstance(b, int) and not a % b:
        return a // b
    quotient = Fraction(a) / b
    return quotient.numerator if quotient.denominator == 1 else quotient


def edges_of(numbers: Places, count: int) -> Places:
    """Where those of 0, 1, .. below `count` begin among the sorted numbers, and where they end."""
    edges = np.zeros(count + 1, dtype=place_type(len(numbers)))
    np.cumsum(np.bincount(numbers, minlength=count), out=edges[1:])
    return edges


def maxima_of(scaled: ScaledNetwork) -> MaximaRows:
    """The maxima in the rows of this network, found once."""
    return scaled.derived(MaximaRows)


class MaximaBounds:
    """Bounds of forms in one branch, which must not change but for units that none has read."""

    def __init__(self, ends: Callable[[int], Ends], bounds: Callable[[int], Ends]) -> None:
        """`ends` are those of Z of a variable, `bounds` those of A of a unit."""
        self._ends, self._bounds = ends, bounds
        self._known: dict[Maximum, Ends] = {}

    def of_form(self, form: Form) -> Ends:
        """Bounds of the form, the better ones of its terms and of its maxima."""
        low, high = self.plain(form)
        if form.maxima:
            below, above = self.by_maxima(form)
            low, high = max(low, below), min(high, above)
        return low, high

    def plain(self, form: Form) -> Ends:
        """Interval arithmetic."""
        return self._interval(form.weights, form.constant)

    def by_maxima(self, form: Form) -> Ends:
        """The same, with the bounds of the maxima."""
        low, high = self._interval(form.rest, form.constant)
        for weight, maximum in form.maxima:
            ends = self.of_maximum(maximum)
            low += weight * ends[weight < 0]
            high += weight * ends[weight > 0]
        return low, high

    def better(self, form: Form, *, upper: bool) -> bool:
        """Whether the maxima bound the form better than its terms do."""
        plain, other = self.plain(form)[upper], self.by_maxima(form)[upper]
        return other < plain if upper else other > plain

    def rises(self, maximum: Maximum) -> bool:
        """Whether its lower bound is that of r + A_u, not of r."""
        return self.of_form(maximum.high)[0] > self.of_form(maximum.low)[0]

    def of_maximum(self, maximum: Maximum) -> Ends:
        """Where u is off or on, those of r and r + A_u; else the largest of both."""
        waiting = [maximum]
        while waiting:
            current = waiting[-1]
            parts = self.parts(current)
            missing = [m for part in parts for _, m in part.maxima if m not in self._known]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if current not in self._known:
                ends = [self.of_form(part) for part in parts]
                self._known[current] = max(low for low, _ in ends), max(high for _, high in ends)
        return self._known[maximum]

    def parts(self, maximum: Maximum) -> tuple[Form, ...]:
        """What the maximum may be, by the bounds of its unit."""
        low, high = self._bounds(maximum.unit)
        if high <= 0:
            return (maximum.low,)
        return (maximum.high,) if low >= 0 else (maximum.low, maximum.high)

    def _interval(self, weights: Weights, constant: Number) -> Ends:
        low = high = constant
        for j, weight in weights:
            ends = self._ends(j)
            if weight > 0:
                low += weight * ends[0]
                high += weight * ends[1]
            else:
                low += weight * ends[1]
                high += weight * ends[0]
        return low, high
