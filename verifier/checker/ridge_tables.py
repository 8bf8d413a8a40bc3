"""All sums of ridge functions of a network in arrays: one function for all units that compute it.

A unit that lies on a direction d is a piecewise linear function of u = d . x, see `ridge`. Networks
that were constructed repeat the same few functions for thousands of samples, so they are found
layer by layer by the distinct rows alone, and a sum is an array of numbers of functions.

    A sum is a unit that lies on no direction, reads a variable that does, and reads else only
    sums that are never negative: those whose constant and least values of their functions, each
    times the unit's scale and rounded down to a multiple of 2^-40, add up to 0 or more. A function
    that is zero everywhere is left out. A sum is final if it has a function and no sum reads it.
    In a family a sum may read m as well, which lies on no direction; no sum reads such a one.

None of this depends on a region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.ridge import Function, combined, univariate_of
from verifier.checker.scaled import LIMIT, ScaledLayer, ScaledNetwork
from verifier.question.errors import RefusedError

Int = NDArray[np.int64]
MOST_TERMS = 1 << 27  # of all sums together
LEAST_BITS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sum k is A of units[k]: (constants[k] + rates[k] times the scaled m of a family + the sum of
    factor * profile over its entries starts[k] .. starts[k + 1]), one profile a direction,
    directions increasing."""

    units: Int
    constants: list[int]
    rates: list[int]
    starts: Int
    profiles: Int
    factors: Int


class RidgeTables:
    """The functions and sums of one scaled network."""

    def __init__(self, scaled: ScaledNetwork) -> None:
        self._scaled, self._inputs = scaled, scaled.network.inputs
        self._univariate = univariate_of(scaled)
        self._lines = self._univariate.lines
        self._first = np.array([d[0][0] for d in self._univariate.directions], dtype=np.int64)
        self._node_of = self._univariate.node_of
        self._known_lines: Int = np.zeros(0, dtype=np.int64)
        self._profile_numbers: dict[tuple[int, ...], int] = {}
        self.profiles: list[Function] = []
        self.line_of_profile: list[int] = []
        self._least: list[tuple[int | None, int | None]] = []  # of profile and -profile
        self._is_some: list[bool] = []  # whether it is not zero everywhere
        # Terms of sums, of all layers one after another, and where those of a unit's sum stand.
        self._terms: Int = np.zeros((2, 1 << 10), dtype=np.int64)  # nodes and coefficients
        self._count = 0
        self._begin = np.full(scaled.network.units.count, -1, dtype=np.int64)
        self._end = np.zeros(scaled.network.units.count, dtype=np.int64)
        self._usable = np.zeros(scaled.network.units.count, dtype=bool)  # never negative
        self._constant: dict[int, int] = {}
        self._rate: dict[int, int] = {}  # weights of the m of a family
        self._read = np.zeros(scaled.network.units.count, dtype=bool)
        parts: list[tuple[Int, Int, Int, Int]] = []
        for k in range(self._inputs):
            self._node_of[k] = self._univariate.node((k,))
        for layer in scaled.layers:
            if len(layer.filled):
                self._place(layer)
                parts += self._add_up(layer)
        self.final = self._final(parts)

    # ------------------------------------------------------------------ functions

    def _node_lines(self) -> Int:
        """The directions of all functions so far."""
        known = len(self._known_lines)
        if known < len(self._univariate.line_of_node):
            more = np.array(self._univariate.line_of_node[known:], dtype=np.int64)
            self._known_lines = np.concatenate([self._known_lines, more])
        return self._known_lines

    def _place(self, layer: ScaledLayer) -> None:
        """Finds the functions of the layer's units that lie on directions."""
        inputs, units = self._inputs, layer.first + layer.filled
        lines = self._lines[inputs + units]
        lengths = np.diff(np.append(layer.starts, len(layer.indices)))
        owner = np.repeat(np.arange(len(units)), lengths)
        chosen = lines[owner] >= 0
        owner, read, weights = owner[chosen], layer.indices[chosen], _small(layer.weights[chosen])
        if not len(owner):
            return
        if int(np.abs(weights).max()) * self._scaled.denominator >= LIMIT:
            raise RefusedError("unsupported", "slopes beyond 64 bits in sums")
        slopes = np.zeros(len(units), dtype=np.int64)
        direct = read == self._first[lines[owner]]
        np.add.at(slopes, owner[direct], weights[direct] * self._scaled.denominator)
        above = read >= inputs
        owner, nodes, weights = owner[above], self._node_of[read[above]], weights[above]
        owner, nodes, weights = _merged(owner, nodes, weights)
        counts = np.bincount(owner, minlength=len(units))
        placed = np.flatnonzero(lines >= 0)
        begins = np.cumsum(counts) - counts
        for count in np.unique(counts[placed]).tolist():
            rows = placed[counts[placed] == count]
            entries = begins[rows][:, None] + np.arange(count)
            head = [lines[rows], slopes[rows], _small(layer.constants[layer.filled[rows]])]
            table = np.column_stack([*head, nodes[entries], weights[entries]])
            distinct, inverse = distinct_rows(table)
            numbers = [self._univariate.node(tuple(key)) for key in distinct.tolist()]
            self._node_of[inputs + units[rows]] = np.array(numbers)[inverse]

    # ------------------------------------------------------------------ sums

    def _add_up(self, layer: ScaledLayer) -> list[tuple[Int, Int, Int, Int]]:
        """Finds the sums among the layer's units: units, number of entries, profiles, factors."""
        inputs, units = self._inputs, layer.first + layer.filled
        lengths = np.diff(np.append(layer.starts, len(layer.indices)))
        owner = np.repeat(np.arange(len(units)), lengths)
        on_line = self._lines[layer.indices] >= 0
        summing = (self._lines[inputs + units] < 0) & _any(on_line, owner, len(units))
        others = ~on_line & summing[owner]
        of_m = summing[owner] & (layer.indices < inputs) & ~on_line
        others &= ~of_m
        for entry in np.flatnonzero(of_m).tolist():
            self._rate[int(units[owner[entry]])] = int(layer.weights[entry])
        fits = np.ones(len(layer.indices), dtype=bool)
        self._read[layer.indices[others] - inputs] = True
        fits[others] = self._usable[layer.indices[others] - inputs]
        summing &= ~_any(~fits, owner, len(units))
        own, others = on_line & summing[owner], others & summing[owner]
        rows, nodes = owner[own], self._node_of[layer.indices[own]]
        coefficients = _small(layer.weights[own])
        if others.any():
            more = self._terms_of(layer.indices[others] - inputs)
            where = np.repeat(np.arange(int(others.sum())), more[2])
            weights = _small(layer.weights[others])[where]
            if len(weights) and _largest(weights) * _largest(more[1]) >= LIMIT:
                raise RefusedError("unsupported", "sums beyond 64 bits")
            rows = np.concatenate([rows, owner[others][where]])
            nodes = np.concatenate([nodes, more[0]])
            coefficients = np.concatenate([coefficients, weights * more[1]])
        if not len(rows):
            return []
        rows, nodes, coefficients = _merged(rows, nodes, coefficients, self._node_lines())
        self._remember(layer, units, np.flatnonzero(summing), (rows, nodes, coefficients), others)
        entries = self._profiles(rows, nodes, coefficients)
        return self._judge(units, np.flatnonzero(summing), *entries)

    def _terms_of(self, units: Int) -> tuple[Int, Int, Int]:
        """Nodes and coefficients of the sums of these units, and how many each has."""
        counts = self._end[units] - self._begin[units]
        starts = np.cumsum(counts) - counts
        places = np.repeat(self._begin[units] - starts, counts) + np.arange(int(counts.sum()))
        return self._terms[0, places], self._terms[1, places], counts

    def _remember(
        self, layer: ScaledLayer, units: Int, summing: Int, terms: tuple[Int, Int, Int], others: Any
    ) -> None:
        """Keeps the terms of the layer's sums for those that read them."""
        rows, nodes, coefficients = terms
        edges = np.searchsorted(rows, np.append(summing, len(units)))
        ends = np.searchsorted(rows, summing, side="right")
        self._begin[units[summing]] = self._count + edges[:-1]
        self._end[units[summing]] = self._count + ends
        count = self._count + len(nodes)
        if count > MOST_TERMS:
            raise RefusedError("unsupported", f"{count} terms in sums")
        if count > self._terms.shape[1]:
            wider = np.zeros((2, 2 * count), dtype=np.int64)
            wider[:, : self._count] = self._terms[:, : self._count]
            self._terms = wider
        self._terms[0, self._count : count] = nodes
        self._terms[1, self._count : count] = coefficients
        self._count = count
        constants = layer.constants[layer.filled[summing]].tolist()
        found = dict(zip(units[summing].tolist(), constants, strict=True))
        for entry in np.flatnonzero(others).tolist():
            v = int(units[np.searchsorted(layer.starts, entry, side="right") - 1])
            u = int(layer.indices[entry]) - self._inputs
            found[v] += int(layer.weights[entry]) * self._constant[u]
        self._constant |= found

    def _profiles(self, rows: Int, nodes: Int, coefficients: Int) -> tuple[Int, Int, Int]:
        """Row, profile and factor of each direction of each row."""
        lines = self._node_lines()[nodes]
        new = np.flatnonzero((np.diff(rows, prepend=-1) != 0) | (np.diff(lines, prepend=-1) != 0))
        counts = np.diff(np.append(new, len(rows)))
        factors = np.gcd.reduceat(np.abs(coefficients), new)
        factors = np.where(coefficients[new] < 0, -factors, factors)
        shapes = coefficients // np.repeat(factors, counts)
        found = np.zeros(len(new), dtype=np.int64)
        for count in np.unique(counts).tolist():
            groups = np.flatnonzero(counts == count)
            entries = new[groups][:, None] + np.arange(count)
            table = np.column_stack([lines[new[groups]], nodes[entries], shapes[entries]])
            distinct, inverse = distinct_rows(table)
            numbers = [self._profile(tuple(key)) for key in distinct.tolist()]
            found[groups] = np.array(numbers)[inverse]
        some = np.array([self._is_some[p] for p in found.tolist()], dtype=bool)
        return rows[new][some], found[some], factors[some]

    def _profile(self, key: tuple[int, ...]) -> int:
        found = self._profile_numbers.get(key)
        if found is None:
            line, *pairs = key
            half = len(pairs) // 2
            parts = [
                (self._univariate.functions[n], c)
                for n, c in zip(pairs[:half], pairs[half:], strict=True)
            ]
            function = combined(0, 0, parts)
            found = self._profile_numbers[key] = len(self.profiles)
            self.profiles.append(function)
            self.line_of_profile.append(line)
            self._least.append((_least(function, 1), _least(function, -1)))
            self._is_some.append(any(function.values) or any(function.slopes))
        return found

    def _judge(
        self, units: Int, summing: Int, rows: Int, profiles: Int, factors: Int
    ) -> list[tuple[Int, Int, Int, Int]]:
        """Notes which of the sums are never negative."""
        counts = np.bincount(rows, minlength=len(units))[summing]
        totals: list[int | None] = [
            self._constant[v] << LEAST_BITS for v in units[summing].tolist()
        ]
        place = {row: k for k, row in enumerate(summing.tolist())}
        for row, profile, factor in zip(
            rows.tolist(), profiles.tolist(), factors.tolist(), strict=True
        ):
            least, known = self._least[profile][factor < 0], totals[place[row]]
            totals[place[row]] = (
                None
                if least is None or known is None
                else known + (abs(factor) * least << LEAST_BITS) // self.profiles[profile].size
            )
        self._usable[units[summing]] = [
            total is not None and total >= 0 and v not in self._rate
            for v, total in zip(units[summing].tolist(), totals, strict=True)
        ]
        return [(units[summing], counts, profiles, factors)]

    def _final(self, parts: list[tuple[Int, Int, Int, Int]]) -> Sums:
        """The sums that no other reads."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return Sums(none, [], [], np.zeros(1, dtype=np.int64), none, none)
        units, counts, profiles, factors = (np.concatenate(p) for p in zip(*parts, strict=True))
        kept = ~self._read[units] & (counts > 0)
        entries = np.repeat(kept, counts)
        units, counts = units[kept], counts[kept]
        self._terms = np.zeros((2, 0), dtype=np.int64)
        return Sums(
            units,
            [self._constant[v] for v in units.tolist()],
            [self._rate.get(v, 0) for v in units.tolist()],
            np.append(0, np.cumsum(counts)),
            profiles[entries],
            factors[entries],
        )


def _small(values: Any) -> Int:
    """The integers in 64 bits; RefusedError if one does not fit."""
    if values.dtype == object and values.size and max(map(abs, values.tolist())) >= LIMIT:
        raise RefusedError("unsupported", "weights beyond 64 bits in sums")
    small: Int = values.astype(np.int64)
    return small


def distinct_rows(table: Int) -> tuple[Int, Int]:
    """The distinct rows, and of each row which one it is; by a hash of the rows, and tested."""
    odd = np.array([6364136223846793005 ** (k + 1) % 2**63 | 1 for k in range(table.shape[1])])
    with np.errstate(over="ignore"):
        hashes = (table * odd).sum(axis=1)
        hashes ^= hashes >> 29
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    distinct = table[first]
    if (distinct[inverse] == table).all():
        return distinct, inverse
    distinct, inverse = np.unique(table, axis=0, return_inverse=True)
    return distinct, inverse.ravel()


def _any(flags: NDArray[np.bool_], owner: Int, count: int) -> NDArray[np.bool_]:
    """For each owner whether one of its flags is set."""
    found = np.zeros(count, dtype=bool)
    found[owner[flags]] = True
    return found


def _merged(owner: Int, nodes: Int, weights: Int, lines: Int | None = None) -> tuple[Int, Int, Int]:
    """The entries sorted by owner, line and node, equal ones added up; without zeros if there are
    lines."""
    keys = (nodes, owner) if lines is None else (nodes, lines[nodes], owner)
    order = np.lexsort(keys)
    owner, nodes, weights = owner[order], nodes[order], weights[order]
    if not len(owner):
        return owner, nodes, weights
    new = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(nodes, prepend=-1) != 0))
    if _largest(weights) * int(np.diff(new, append=len(weights)).max()) >= LIMIT:
        raise RefusedError("unsupported", "sums beyond 64 bits")
    totals = np.add.reduceat(weights, new)
    owner, nodes = owner[new], nodes[new]
    if lines is not None:
        kept = totals != 0
        return owner[kept], nodes[kept], totals[kept]
    return owner, nodes, totals


def _largest(values: Int) -> int:
    return int(np.abs(values).max()) if len(values) else 0


def _least(function: Function, sign: int) -> int | None:
    """The least value of sign * function on the line, times its size; None if there is none."""
    if sign * function.slopes[0] > 0 or sign * function.slopes[-1] < 0:
        return None
    return min(sign * y for y in function.values)


def tables_of(scaled: ScaledNetwork) -> RidgeTables:
    """The functions and sums of this network, derived once."""
    return scaled.derived(RidgeTables)
