"""All sums of ridge functions of a network in arrays: one function for all units that compute it.

A unit that lies on a direction d is a piecewise linear function of u = d . x, see `ridge`. Networks
that were constructed repeat the same few functions for thousands of samples, so they are found by
the distinct rows alone, and a sum is an array of numbers of functions. Units are gone through level
by level (`ScaledNetwork.levels`), all samples at once: one after another, samples make thousands of
layers. What lies on a direction is read as what it copies.

    A sum is a unit that lies on no direction, reads a variable that does, and reads else only
    sums that are never negative: those whose constant and least values of their functions, each
    times the unit's scale and rounded down to a multiple of 2^-40, add up to 0 or more. A function
    that is zero everywhere is left out. A sum is final if it has a function and no sum reads it.
    In a family a sum may read m as well, which lies on no direction; no sum reads such a one.

None of this depends on a region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.equal_rows import ranges
from verifier.checker.ridge import Function, combined, univariate_of
from verifier.checker.scaled import LIMIT, ScaledNetwork
from verifier.question.errors import RefusedError
from verifier.question.network import integers

Int = NDArray[np.int64]
AT_ONCE = 1 << 20  # entries of rows that are looked at together, about
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


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Rows of units that do not read each other: `owner` is the place of each entry's unit."""

    units: Int  # increasing
    owner: Int
    indices: Int
    weights: Any  # int64 or Python integers, as the constants
    constants: Any


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
        self._asked = np.zeros(scaled.network.units.count, dtype=bool)  # whose terms others need
        self._constant: dict[int, int] = {}
        self._rate: dict[int, int] = {}  # weights of the m of a family
        self._read = np.zeros(scaled.network.units.count, dtype=bool)
        parts: list[tuple[Int, Int, Int, Int]] = []
        for k in range(self._inputs):
            self._node_of[k] = self._univariate.node((k,))
        for level in self._levels():
            self._place(level)
            parts += self._add_up(level)
        units = self._node_of[self._inputs :]
        units[:] = self._node_of[scaled.firsts[self._inputs :]]
        self.final = self._final(parts)

    def _levels(self) -> Iterator[_Level]:
        """By levels the units that read variables on directions, but those that lie on one
        themselves and for which another one stands; not too many entries at a time."""
        scaled, rows, inputs = self._scaled, self._scaled.network.units, self._inputs
        wanted = np.zeros(rows.count, dtype=bool)
        for layer in scaled.layers:
            filled, starts = layer.rows
            if len(filled):
                units, on_line = layer.first + filled, self._lines[layer.indices] >= 0
                wanted[units] = reads = np.logical_or.reduceat(on_line, starts)
                summing = reads & (self._lines[inputs + units] < 0)
                counts = np.diff(starts, append=len(layer.indices))
                others = np.repeat(summing, counts) & ~on_line & (layer.indices >= inputs)
                self._asked[layer.indices[others] - inputs] = True
        stands = scaled.firsts[inputs:] == np.arange(inputs, scaled.network.variables)
        wanted &= (self._lines[inputs:] < 0) | stands
        units = np.flatnonzero(wanted)
        levels = scaled.levels[inputs + units]
        order = np.argsort(levels, kind="stable")
        units, levels = units[order], levels[order]
        ends = np.cumsum(rows.starts[units + 1] - rows.starts[units]) // AT_ONCE
        new = (np.diff(levels, prepend=-1) != 0) | (np.diff(ends, prepend=0) != 0)
        for begin, end in pairwise([*np.flatnonzero(new).tolist(), len(units)]):
            these = units[begin:end]
            counts = rows.starts[these + 1] - rows.starts[these]
            entries = ranges(rows.starts[these], counts)
            yield _Level(
                these,
                np.repeat(np.arange(len(these)), counts),
                rows.indices[entries],
                scaled.weights[entries],
                scaled.constants[these],
            )

    # ------------------------------------------------------------------ functions

    def _node_lines(self) -> Int:
        """The directions of all functions so far."""
        known = len(self._known_lines)
        if known < len(self._univariate.line_of_node):
            more = np.array(self._univariate.line_of_node[known:], dtype=np.int64)
            self._known_lines = np.concatenate([self._known_lines, more])
        return self._known_lines

    def _place(self, level: _Level) -> None:
        """Finds the functions of the level's units that lie on directions."""
        inputs, units, owner = self._inputs, level.units, level.owner
        lines = self._lines[inputs + units]
        chosen = lines[owner] >= 0
        owner, read, weights = owner[chosen], level.indices[chosen], _small(level.weights[chosen])
        if not len(owner):
            return
        if int(np.abs(weights).max()) * self._scaled.denominator >= LIMIT:
            raise RefusedError("unsupported", "slopes beyond 64 bits in sums")
        slopes = np.zeros(len(units), dtype=np.int64)
        direct = read == self._first[lines[owner]]
        np.add.at(slopes, owner[direct], weights[direct] * self._scaled.denominator)
        above = read >= inputs
        owner, nodes, weights = owner[above], self._nodes_of(read[above]), weights[above]
        owner, nodes, weights = _merged(owner, nodes, weights)
        counts = np.bincount(owner, minlength=len(units))
        placed = np.flatnonzero(lines >= 0)
        begins = np.cumsum(counts) - counts
        for count in np.unique(counts[placed]).tolist():
            rows = placed[counts[placed] == count]
            entries = begins[rows][:, None] + np.arange(count)
            head = [lines[rows], slopes[rows], _small(level.constants[rows])]
            table = np.column_stack([*head, nodes[entries], weights[entries]])
            distinct, inverse = distinct_rows(table)
            numbers = [self._univariate.node(tuple(key)) for key in distinct.tolist()]
            self._node_of[inputs + units[rows]] = np.array(numbers)[inverse]

    def _nodes_of(self, variables: Int) -> Int:
        """Those of variables on directions, of lower levels."""
        nodes: Int = self._node_of[self._scaled.firsts[variables]]
        return nodes

    # ------------------------------------------------------------------ sums

    def _add_up(self, level: _Level) -> list[tuple[Int, Int, Int, Int]]:
        """Finds the sums among the level's units: units, number of entries, profiles, factors."""
        inputs, units, owner = self._inputs, level.units, level.owner
        on_line = self._lines[level.indices] >= 0
        summing = self._lines[inputs + units] < 0
        others = ~on_line & summing[owner]
        of_m = summing[owner] & (level.indices < inputs) & ~on_line
        others &= ~of_m
        for entry in np.flatnonzero(of_m).tolist():
            self._rate[int(units[owner[entry]])] = int(level.weights[entry])
        fits = np.ones(len(level.indices), dtype=bool)
        self._read[level.indices[others] - inputs] = True
        fits[others] = self._usable[level.indices[others] - inputs]
        summing &= ~_any(~fits, owner, len(units))
        own, others = on_line & summing[owner], others & summing[owner]
        rows, nodes = owner[own], self._nodes_of(level.indices[own])
        coefficients = _small(level.weights[own])
        if others.any():
            more = self._terms_of(level.indices[others] - inputs)
            where = np.repeat(np.arange(int(others.sum())), more[2])
            weights = _small(level.weights[others])[where]
            if (np.abs(weights) > (LIMIT - 1) // np.abs(more[1])).any():
                raise RefusedError("unsupported", "sums beyond 64 bits")
            rows = np.concatenate([rows, owner[others][where]])
            nodes = np.concatenate([nodes, more[0]])
            coefficients = np.concatenate([coefficients, weights * more[1]])
        if not len(rows):
            return []
        rows, nodes, coefficients = _merged(rows, nodes, coefficients, self._node_lines())
        self._remember(level, np.flatnonzero(summing), (rows, nodes, coefficients), others)
        entries = self._profiles(rows, nodes, coefficients)
        return self._judge(units, np.flatnonzero(summing), *entries)

    def _terms_of(self, units: Int) -> tuple[Int, Int, Int]:
        """Nodes and coefficients of the sums of these units, and how many each has."""
        counts = self._end[units] - self._begin[units]
        places = ranges(self._begin[units], counts)
        return self._terms[0, places], self._terms[1, places], counts

    def _remember(
        self, level: _Level, summing: Int, terms: tuple[Int, Int, Int], others: Any
    ) -> None:
        """Keeps the terms of the level's sums for those that read them, and all constants."""
        units = level.units
        asked = self._asked[units[terms[0]]]
        rows, nodes, coefficients = (part[asked] for part in terms)
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
        constants = level.constants[summing].tolist()
        found = dict(zip(units[summing].tolist(), constants, strict=True))
        for v, j, weight in zip(
            units[level.owner[others]].tolist(),
            level.indices[others].tolist(),
            level.weights[others].tolist(),
            strict=True,
        ):
            found[v] += weight * self._constant[j - self._inputs]
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
        pairs, which = distinct_rows(np.column_stack([profiles, factors]))
        known = [self._share(*pair) for pair in pairs.tolist()]
        shares: Any = integers([share or 0 for share in known])
        if _largest(shares) * int(counts.max(initial=0)) >= LIMIT:
            shares = shares.astype(object)
        totals = np.zeros(len(summing), dtype=shares.dtype)
        filled = counts > 0
        if filled.any():
            starts = (np.cumsum(counts) - counts)[filled]
            totals[filled] = np.add.reduceat(shares[which], starts)
        without = np.array([share is None for share in known], dtype=bool)
        bounded = ~_any(without[which], np.repeat(np.arange(len(summing)), counts), len(summing))
        self._usable[units[summing]] = [
            some and (self._constant[v] << LEAST_BITS) + total >= 0 and v not in self._rate
            for v, total, some in zip(
                units[summing].tolist(), totals.tolist(), bounded.tolist(), strict=True
            )
        ]
        return [(units[summing], counts, profiles, factors)]

    def _share(self, profile: int, factor: int) -> int | None:
        """The least value of factor * profile times 2^40, rounded down; None if there is none."""
        least = self._least[profile][factor < 0]
        if least is None:
            return None
        return (abs(factor) * least << LEAST_BITS) // self.profiles[profile].size

    def _final(self, parts: list[tuple[Int, Int, Int, Int]]) -> Sums:
        """The sums that no other reads."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return Sums(none, [], [], np.zeros(1, dtype=np.int64), none, none)
        units, counts, profiles, factors = (np.concatenate(p) for p in zip(*parts, strict=True))
        starts, order = np.cumsum(counts) - counts, np.argsort(units)
        kept = order[(~self._read[units] & (counts > 0))[order]]
        entries = ranges(starts[kept], counts[kept])
        units, counts = units[kept], counts[kept]
        self._terms = np.zeros((2, 0), dtype=np.int64)
        self._begin = self._end = np.zeros(0, dtype=np.int64)
        self._usable = self._read = self._asked = np.zeros(0, dtype=bool)
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
    if not len(owner):
        return owner, nodes, weights
    place = nodes
    if lines is not None:
        place = np.empty(len(lines), dtype=np.int64)
        place[np.argsort(lines, kind="stable")] = np.arange(len(lines))
        place = place[nodes]
    # One number an entry: far below 2^63, for both are numbers of what is held in memory.
    order = np.argsort(owner * (int(place.max()) + 1) + place, kind="stable")
    owner, nodes, weights = owner[order], nodes[order], weights[order]
    new = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(nodes, prepend=-1) != 0))
    counts = np.diff(new, append=len(weights))
    if (np.maximum.reduceat(np.abs(weights), new) > (LIMIT - 1) // counts).any():
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
