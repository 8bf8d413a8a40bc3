"""Scales of units that turn networks for several budgets into one network of which mu is an input.

Unit v is multiplied by S_v(m) = 1 + slope m > 0 and divided by it where it is read. All entries of
a row must ask for the same scale; then weights are those for m = 0, and biases, times the scale of
their row, must be affine in m. Found from the networks for 0 and a few other budgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from verifier.question.errors import UserError
from verifier.question.network import Network, Rows, integers

ONE = Fraction(1)
_SAFE = 1 << 62
Kinds = NDArray[np.int64]
Change = tuple[Fraction, ...]
"""Of a weight: that at m = 0 over that at each other place."""


class Scaling:
    """`network` is G; the scale of unit v is 1 + slopes[kinds[v]] m, the last kind the output's."""

    def __init__(
        self, name: str, base: Network, others: Sequence[Network], places: Sequence[Fraction]
    ) -> None:
        """`others` are the networks for the budgets `places`, `base` that for 0, all of one shape.

        Raises UserError that names the row for which there is no scale, or whose bias or scale is
        not affine in m.
        """
        self._name, self._places, self._inputs = name, tuple(places), base.inputs
        self.slopes: list[Fraction] = [Fraction(0)]
        self._number_of: dict[Fraction, int] = {Fraction(0): 0}
        self._changes: dict[Change, int] = {(ONE,) * len(self._places): 0}
        self._products: dict[tuple[int, int], int] = {}
        self._variables: Kinds = np.zeros(base.variables, dtype=np.int64)  # kinds, inputs first
        units = self._lifted(base.units, [n.units for n in others], base.layer_ranges(), True)
        outputs = self._lifted(base.outputs, [n.outputs for n in others], [(0, 1)], False)
        self.network = Network(base.inputs + 1, base.layers, units, outputs)
        self.kinds: Kinds = np.append(self._variables[base.inputs :], self._last)

    def _lifted(
        self, base: Rows, others: list[Rows], layers: Iterable[tuple[int, int]], are_units: bool
    ) -> Rows:
        """The rows of G, where m is the input after those of x."""
        changes = self._changes_of(base, others)
        kinds: Kinds = np.zeros(base.count, dtype=np.int64)
        for begin, end in layers:
            edges = base.starts[begin : end + 1]
            filled = np.flatnonzero(np.diff(edges))
            if len(filled):
                entries = slice(int(edges[0]), int(edges[-1]))
                read = self._variables[base.indices[entries]]
                asked = self._multiplied(read, changes[entries])
                starts = edges[:-1][filled] - edges[0]
                kinds[begin + filled] = asked[starts]
                same = asked == np.repeat(asked[starts], np.diff(edges)[filled])
                if not same.all() or asked.min() < 0:
                    self._refuse(base, asked, entries.start, same)
            if are_units:
                self._variables[self._inputs + begin : self._inputs + end] = kinds[begin:end]
        self._last = kinds[-1] if base.count else 0
        return self._rows(base, others, kinds)

    def _refuse(self, base: Rows, asked: Kinds, begin: int, same: NDArray[np.bool_]) -> NoReturn:
        """Entries from `begin` on ask for no scale, or for another one than the first of a row."""
        entry = begin + int(np.argmax(asked < 0) if asked.min() < 0 else np.argmin(same))
        v = int(np.searchsorted(base.starts, entry, side="right")) - 1
        if asked.min() < 0:
            raise UserError(f"{self._name}: the scale of row {v} is not affine in the budget")
        first = base.indices.item(base.starts.item(v))
        raise UserError(
            f"{self._name}: row {v} has no scale: variables {first} and {base.indices.item(entry)} "
            f"ask for different ones; it cannot be lifted"
        )

    # ------------------------------------------------------------------ scales

    def _changes_of(self, base: Rows, others: Sequence[Rows]) -> Kinds:
        """By entry the number of its change."""
        owner = np.repeat(np.arange(base.count), np.diff(base.starts))
        products = [_products(base, other, owner) for other in others]
        moved: NDArray[np.bool_] = np.zeros(len(owner), dtype=bool)
        for top, bottom in products:
            moved |= np.asarray(top != bottom, dtype=bool)
        found: Kinds = np.zeros(len(owner), dtype=np.int64)
        columns = [part[moved].tolist() for pair in products for part in pair]
        known: dict[tuple[int, ...], int] = {}
        numbers = []
        for key in zip(*columns, strict=True):
            number = known.get(key)
            if number is None:
                change = tuple(Fraction(*key[k : k + 2]) for k in range(0, len(key), 2))
                number = known[key] = self._changes.setdefault(change, len(self._changes))
            numbers.append(number)
        found[moved] = numbers
        return found

    def _multiplied(self, kinds: Kinds, changes: Kinds) -> Kinds:
        """The kinds of the scales that rows must have for these entries to stay constant."""
        found, moved = kinds.copy(), np.flatnonzero(changes)
        pairs = zip(kinds[moved].tolist(), changes[moved].tolist(), strict=True)
        found[moved] = [self._product(*pair) for pair in pairs]
        return found

    def _product(self, kind: int, number: int) -> int:
        """-1 where it is no scale."""
        known = self._products.get((kind, number))
        if known is not None:
            return known
        change = next(each for each, k in self._changes.items() if k == number)
        scales = [
            (ONE + self.slopes[kind] * m) * share
            for m, share in zip(self._places, change, strict=True)
        ]
        slope, found = (scales[0] - 1) / self._places[0], -1
        affine = [ONE + slope * m for m in self._places] == scales
        if affine and min(scales) > 0:
            found = self._number_of.setdefault(slope, len(self.slopes))
            if found == len(self.slopes):
                self.slopes.append(slope)
        self._products[kind, number] = found
        return found

    # ------------------------------------------------------------------ biases

    def _rows(self, base: Rows, others: Sequence[Rows], kinds: Kinds) -> Rows:
        """The rows over new denominators, with the weights of m."""
        columns = [part.tolist() for rows in (base, *others) for part in _bias_parts(rows)]
        known: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
        found = []
        for v, key in enumerate(zip(kinds.tolist(), *columns, strict=True)):
            bias = known.get(key)
            if bias is None:
                bias = known[key] = self._bias(v, *key)
            found.append(bias)
        rises, factors, constants, denominators = (
            integers(list(column)) for column in zip(*found, strict=True)
        )
        lengths = np.diff(base.starts)
        numerators: Any = base.numerators * _wide(np.repeat(factors, lengths), base.numerators)
        reading = np.flatnonzero(rises)
        # m comes after the inputs of x and before the units.
        ahead = np.add.reduceat(
            np.append(base.indices < self._inputs, False).astype(np.int64), base.starts[:-1]
        )
        places = base.starts[:-1] + np.where(lengths > 0, ahead, 0)
        moved = base.indices + (base.indices >= self._inputs)
        more = np.zeros(base.count, dtype=np.int64)
        more[reading] = 1
        return Rows(
            np.append(0, np.cumsum(lengths + more)),
            np.insert(moved, places[reading], self._inputs),
            integers(_inserted(numerators, places[reading], rises[reading])),
            constants,
            denominators,
        )

    def _bias(self, v: int, kind: int, *parts: int) -> tuple[int, int, int, int]:
        """Of a row the weight of m, what its weights are multiplied with, constant, denominator."""
        first, *values = (Fraction(*parts[k : k + 2]) for k in range(0, len(parts), 2))
        scaled = [
            value * (ONE + self.slopes[kind] * m)
            for value, m in zip(values, self._places, strict=True)
        ]
        rise = (scaled[0] - first) / self._places[0]
        if any(first + rise * m != s for m, s in zip(self._places, scaled, strict=True)):
            raise UserError(f"{self._name}: the bias of row {v} is not affine in the budget")
        common = lcm(parts[1], first.denominator, rise.denominator)
        return int(rise * common), common // parts[1], int(first * common), common


def _bias_parts(rows: Rows) -> tuple[Any, Any]:
    return rows.constants, rows.denominators


def _products(base: Rows, other: Rows, owner: NDArray[np.intp]) -> tuple[Any, Any]:
    """Of every entry a * d and b * c, if its weight is a / c in `base` and b / d in `other`."""
    pairs: list[tuple[Any, Any]] = [
        (base.numerators, other.denominators[owner]),
        (other.numerators, base.denominators[owner]),
    ]
    first, second = (numerators * _wide(below, numerators) for numerators, below in pairs)
    return first, second


def _wide(factors: Any, values: Any) -> Any:
    """The factors in a type in which their products with `values` are exact."""
    small = factors.dtype == values.dtype == np.int64
    if small and len(values) and int(factors.max()) * int(np.abs(values).max()) >= _SAFE:
        small = False
    return factors if small else factors.astype(object)


def _inserted(values: Any, places: NDArray[np.int64], more: Any) -> Any:
    if more.dtype != values.dtype:
        values, more = values.astype(object), more.astype(object)
    return np.insert(values, places, more)
