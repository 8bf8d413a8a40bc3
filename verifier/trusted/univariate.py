"""Sums of functions of one direction each, for networks of any size.

The rules of `reference_univariate.py`, which says why they hold, found in another way. A function
of u = d . x is kept on the whole line by its exact breakpoints, once for all units of a network
that are the same function, and once for all regions; a sum on one direction, divided by its common
factor, is a `profile`. What a region costs is then one minimum for every profile and multiplier.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from verifier.trusted.errors import RefusedError
from verifier.trusted.region import Region

if TYPE_CHECKING:
    from verifier.trusted.scaled import ScaledNetwork

MOST_POINTS = 1 << 12  # breakpoints of one function
ZERO = Fraction(0)
Direction = tuple[tuple[int, Fraction], ...]
"""Inputs and entries; the first entry is 1."""
Terms = tuple[tuple[int, int], ...]
"""Nodes and integer coefficients."""
Cut = tuple[tuple[tuple[int, Fraction], ...], Fraction]
"""normal . x + constant >= 0."""


@dataclass(frozen=True, slots=True)
class Function:
    """Continuous and piecewise linear: values at increasing points, at least one, and the slopes
    before the first and after the last."""

    points: list[Fraction]
    values: list[Fraction]
    left: Fraction
    right: Fraction

    def between(self, low: Fraction, high: Fraction) -> list[Fraction]:
        """low, the points between, high; one number if low = high."""
        inner = self.points[bisect_right(self.points, low) : bisect_left(self.points, high)]
        return [low, *inner, high] if low < high else [low]

    def at(self, u: Fraction) -> Fraction:
        points, values = self.points, self.values
        k = bisect_left(points, u)
        if k == len(points):
            return values[-1] + self.right * (u - points[-1])
        if points[k] == u:
            return values[k]
        if k == 0:
            return values[0] + self.left * (u - points[0])
        share = (u - points[k - 1]) / (points[k] - points[k - 1])
        return values[k - 1] + share * (values[k] - values[k - 1])


def combined(
    slope: Fraction, constant: Fraction, parts: Sequence[tuple[Function, Fraction]]
) -> Function:
    """slope * u + constant + the sum of weight * function, without points where nothing bends."""
    points = sorted({u for function, _ in parts for u in function.points}) or [ZERO]
    if len(points) > MOST_POINTS:
        raise RefusedError("too many pieces", f"{len(points)} on one direction")
    values = [
        slope * u + constant + sum((w * function.at(u) for function, w in parts), ZERO)
        for u in points
    ]
    left = slope + sum((w * function.left for function, w in parts), ZERO)
    right = slope + sum((w * function.right for function, w in parts), ZERO)
    return _compressed(points, values, left, right)


def positive_part(function: Function) -> Function:
    """max(function, 0)."""
    old, values = function.points, function.values
    points: list[Fraction] = []
    if values[0] * function.left > 0:
        points.append(old[0] - values[0] / function.left)
    for k, u in enumerate(old):
        if k and values[k - 1] * values[k] < 0:
            share = values[k - 1] / (values[k - 1] - values[k])
            points.append(old[k - 1] + share * (u - old[k - 1]))
        points.append(u)
    if values[-1] * function.right < 0:
        points.append(old[-1] - values[-1] / function.right)
    # Left of the first point the function is positive where its slope there is negative.
    at_left = function.at(points[0]) - function.left
    at_right = function.at(points[-1]) + function.right
    return _compressed(
        points,
        [max(function.at(u), ZERO) for u in points],
        function.left if at_left > 0 else ZERO,
        function.right if at_right > 0 else ZERO,
    )


def _compressed(
    points: list[Fraction], values: list[Fraction], left: Fraction, right: Fraction
) -> Function:
    slopes = [left]
    for k in range(1, len(points)):
        slopes.append((values[k] - values[k - 1]) / (points[k] - points[k - 1]))
    slopes.append(right)
    kept = [k for k in range(len(points)) if slopes[k] != slopes[k + 1]] or [0]
    return Function([points[k] for k in kept], [values[k] for k in kept], left, right)


def least(
    function: Function,
    sign: int,
    low: Fraction,
    high: Fraction,
    norm: str,
    multiplier: Fraction,
    center: Fraction,
) -> Fraction:
    """The minimum of sign * function(u) + multiplier |u - center|^norm over [low, high], where
    low <= high; without the second term if the multiplier is 0."""
    listed = function.between(low, high)
    if norm == "1" and low < center < high:
        insort(listed, center)
    values = [sign * function.at(u) for u in listed]
    if not multiplier:
        return min(values)
    if norm == "1":
        return min(
            value + multiplier * abs(u - center) for u, value in zip(listed, values, strict=True)
        )
    return _least_with_square(listed, values, multiplier, center)


def _least_with_square(
    points: list[Fraction], values: list[Fraction], multiplier: Fraction, center: Fraction
) -> Fraction:
    """The minimum over a piecewise linear function's pieces plus multiplier (u - center)^2, in
    integers: u = x / size, and everything times `below`."""
    size = lcm(center.denominator, *(u.denominator for u in points))
    unit = lcm(*(value.denominator for value in values))
    middle = center.numerator * (size // center.denominator)
    x = [u.numerator * (size // u.denominator) - middle for u in points]
    top, bottom = multiplier.numerator, multiplier.denominator
    scale = bottom * size * size
    below, square = unit * scale, top * unit
    y = [value.numerator * (unit // value.denominator) * scale for value in values]
    best = Fraction(min(b + square * a * a for a, b in zip(x, y, strict=True)))
    for k in range(1, len(x)):
        run, rise = x[k] - x[k - 1], y[k] - y[k - 1]
        # The derivative, times run, changes its sign within the piece.
        if rise + 2 * square * x[k - 1] * run < 0 < rise + 2 * square * x[k] * run:
            four = 4 * square * run
            least_here = four * (run * y[k - 1] - rise * x[k - 1]) - rise * rise
            best = min(best, Fraction(least_here, four * run))
    return best / below


@dataclass(frozen=True, slots=True)
class Sum:
    """(constant + sum of factor * profile) / the unit's scale, one profile a direction."""

    number: int
    constant: int
    profiles: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A unit that lies on no direction: those of its variables that do, and those units that it
    reads that do not, with their weights."""

    unit: int
    own: tuple[tuple[int, int], ...]
    others: tuple[tuple[int, int], ...]
    constant: int


class Univariate:
    """The directions and functions of one scaled network."""

    def __init__(self, scaled: ScaledNetwork) -> None:
        self.scaled = scaled
        self._inputs = scaled.network.inputs
        self.directions: list[Direction] = [((k, Fraction(1)),) for k in range(self._inputs)]
        self.number_of_direction = {d: number for number, d in enumerate(self.directions)}
        self.lines = self._find_lines()
        # A node is a function of u: u itself for each direction, and distinct units.
        self._nodes: dict[tuple[object, ...], int] = {}
        self._of_variable: dict[int, int] = {}
        self._functions: list[Function] = []
        self._line_of_node: list[int] = []
        self._profiles: dict[tuple[int, Terms], int] = {}
        self.profiles: list[Function] = []
        self.line_of_profile: list[int] = []
        self._shapes: list[Terms] = []  # of the profiles
        self._pairs: dict[tuple[int, int], tuple[int, int]] = {}
        self._sums: dict[tuple[int, tuple[tuple[int, int], ...]], Sum] = {}
        self._weights: dict[tuple[tuple[int, ...], str], list[Fraction]] = {}

    def _find_lines(self) -> NDArray[np.int64]:
        """For every variable the number of its direction, -1 if it lies on none."""
        network, inputs = self.scaled.network, self._inputs
        lines = np.full(network.variables, -1, dtype=np.int64)
        lines[:inputs] = np.arange(inputs)
        known = self.number_of_direction
        for layer in self.scaled.layers:
            if not len(layer.filled):
                continue
            read = lines[layer.indices]
            smallest = np.minimum.reduceat(read, layer.starts)
            largest = np.maximum.reduceat(read, layer.starts)
            units = layer.first + layer.filled
            lines[inputs + units] = np.where(smallest == largest, smallest, -1)
            last = np.maximum.reduceat(layer.indices, layer.starts)
            for v in units[(smallest != largest) & (last < inputs)].tolist():
                variables, weights, _ = self.scaled.row(v)
                direction = tuple(
                    (k, Fraction(w, weights[0])) for k, w in zip(variables, weights, strict=True)
                )
                if direction not in known:
                    known[direction] = len(self.directions)
                    self.directions.append(direction)
                lines[inputs + v] = known[direction]
        return lines

    @cached_property
    def crossing(self) -> list[Crossing]:
        """The units that lie on no direction, in their order."""
        inputs, lines, found = self._inputs, self.lines, []
        for v in np.flatnonzero(lines[inputs:] < 0).tolist():
            own, others = [], []
            variables, weights, constant = self.scaled.row(v)
            for j, weight in zip(variables, weights, strict=True):
                if lines.item(j) >= 0:
                    own.append((j, weight))
                else:
                    others.append((j - inputs, weight))
            found.append(Crossing(v, tuple(own), tuple(others), constant))
        return found

    def _node(self, variable: int) -> int:
        """The node of a variable that lies on a direction."""
        waiting, needed = [variable], set[int]()
        while waiting:
            j = waiting.pop()
            if j not in self._of_variable and j not in needed:
                needed.add(j)
                if j >= self._inputs and self.lines[j] != -1:
                    read, _, _ = self.scaled.row(j - self._inputs)
                    waiting.extend(i for i in read if i >= self._inputs)
        for j in sorted(needed):
            self._of_variable[j] = self._make_node(j)
        return self._of_variable[variable]

    def _make_node(self, variable: int) -> int:
        line = int(self.lines[variable])
        first, size = self.directions[line][0][0], self.scaled.denominator
        if variable < self._inputs:
            return self._plain_node(line)
        v = variable - self._inputs
        variables, weights, constant = self.scaled.row(v)
        slope, parts = 0, dict[int, int]()
        for j, weight in zip(variables, weights, strict=True):
            if j == first:
                slope = weight * size
            elif j >= self._inputs:
                node = self._of_variable[j]
                parts[node] = parts.get(node, 0) + weight
        if constant == slope == 0 and list(parts.values()) == [1]:
            return next(iter(parts))  # a copy of a unit, which is not negative
        key = (line, slope, constant, tuple(sorted(parts.items())))
        if key not in self._nodes:
            summands = [(self._functions[node], Fraction(w)) for node, w in parts.items()]
            whole = combined(Fraction(slope), Fraction(constant), summands)
            self._add_node(key, line, positive_part(whole))
        return self._nodes[key]

    def _plain_node(self, line: int) -> int:
        """The scaled input itself, as a function of u."""
        key = (line,)
        if key not in self._nodes:
            slope = Fraction(self.scaled.denominator)
            self._add_node(key, line, Function([ZERO], [ZERO], slope, slope))
        return self._nodes[key]

    def _add_node(self, key: tuple[object, ...], line: int, function: Function) -> None:
        self._nodes[key] = len(self._functions)
        self._functions.append(function)
        self._line_of_node.append(line)

    def profiles_of(
        self, variables: Iterable[tuple[int, int]], sums: Iterable[tuple[Sum, int]] = ()
    ) -> tuple[tuple[int, int], ...]:
        """Profile and factor for each direction of a sum of coefficient * scaled variable, all on
        directions, and weight * sum. A direction whose coefficients are all zero counts as well, as
        in the reference."""
        by_line: dict[int, dict[int, int]] = {}
        for j, coefficient in variables:
            node = self._node(j)
            terms = by_line.setdefault(self._line_of_node[node], {})
            terms[node] = terms.get(node, 0) + coefficient
        for part, weight in sums:
            for profile, factor in part.profiles:
                terms = by_line.setdefault(self.line_of_profile[profile], {})
                for node, c in self._shapes[profile]:
                    terms[node] = terms.get(node, 0) + weight * factor * c
        found = []
        for line in sorted(by_line):
            listed = sorted((node, c) for node, c in by_line[line].items() if c)
            factor = gcd(*(c for _, c in listed)) or 1
            if listed and listed[0][1] < 0:
                factor = -factor
            shape = tuple((node, c // factor) for node, c in listed)
            pair = (self._profile(line, shape), factor)
            found.append(self._pairs.setdefault(pair, pair))
        return tuple(found)

    def _profile(self, line: int, shape: Terms) -> int:
        key = (line, shape)
        if key not in self._profiles:
            summands = [(self._functions[node], Fraction(c)) for node, c in shape]
            self._profiles[key] = len(self.profiles)
            self.profiles.append(combined(ZERO, ZERO, summands))
            self.line_of_profile.append(line)
            self._shapes.append(shape)
        return self._profiles[key]

    def sum_of(self, unit: Crossing, on: Mapping[int, Sum], off: Container[int]) -> Sum | None:
        """A_v if the units in `on` are on and have these sums, and those in `off` are off; None if
        it reads others that lie on no direction."""
        parts: list[tuple[Sum, int]] = []
        for u, weight in unit.others:
            if u not in off:
                part = on.get(u)
                if part is None:
                    return None
                parts.append((part, weight))
        key = (unit.unit, tuple((part.number, weight) for part, weight in parts))
        known = self._sums.get(key)
        if known is None:
            constant = unit.constant + sum(weight * part.constant for part, weight in parts)
            known = Sum(len(self._sums), constant, self.profiles_of(unit.own, parts))
            self._sums[key] = known
        return known

    def ball_weights(self, lines: tuple[int, ...], norm: str) -> list[Fraction]:
        """Weights s_d with sum s_d |d . y|^p <= ||y||_p^p for all y."""
        if all(line < self._inputs for line in lines):
            return [Fraction(1)] * len(lines)
        key = (lines, norm)
        if key not in self._weights:
            self._weights[key] = self._find_weights(lines, norm)
        return self._weights[key]

    def _find_weights(self, lines: tuple[int, ...], norm: str) -> list[Fraction]:
        size = lcm(*(g.denominator for line in lines for _, g in self.directions[line]))
        matrix = np.zeros((len(lines), self._inputs), dtype=object)
        for row, line in enumerate(lines):
            for k, g in self.directions[line]:
                matrix[row, k] = g.numerator * (size // g.denominator)
        if norm == "2":
            sums = np.abs(matrix @ matrix.T).sum(axis=1).tolist()
            return [Fraction(size * size, total) for total in sums]
        return [Fraction(size, max(np.abs(matrix).sum(axis=0).tolist()))] * len(lines)


class Minima:
    """Bounds of sums of profiles in one branch; the branch must not change."""

    def __init__(
        self,
        univariate: Univariate,
        region: Region,
        box: tuple[Sequence[Fraction], Sequence[Fraction]],
        cuts: Sequence[Cut],
    ) -> None:
        self._univariate, self._region, self._box = univariate, region, box
        self._cuts: dict[int, list[tuple[Fraction, Fraction]]] = {}  # factor u + constant >= 0
        known = univariate.number_of_direction
        for normal, constant in cuts:
            entries = sorted((k, g) for k, g in normal if g)
            if entries:
                factor = entries[0][1]
                line = known.get(tuple((k, g / factor) for k, g in entries))
                if line is not None:
                    self._cuts.setdefault(line, []).append((factor, constant))
        self._intervals: dict[int, tuple[Fraction, Fraction]] = {}
        self._found: dict[tuple[int, ...], tuple[int, int]] = {}

    def lower_bound(
        self,
        profiles: Sequence[tuple[int, int]],
        sign: int,
        constant: Fraction,
        denominator: int,
        multiplier: Fraction,
    ) -> Fraction | None:
        """With this multiplier of the ball, a lower bound of sign * (sum of factor * profile) /
        denominator + constant; None if an interval is empty."""
        univariate, found = self._univariate, self._found
        lines = tuple(univariate.line_of_profile[profile] for profile, _ in profiles)
        for line in lines:
            low, high = self.interval(line)
            if low > high:
                return None
        top, bottom = multiplier.numerator, multiplier.denominator
        weights = univariate.ball_weights(lines, self._region.norm) if top else None
        totals: dict[int, int] = {}
        for number, (profile, factor) in enumerate(profiles):
            side = sign if factor > 0 else -sign
            key: tuple[int, ...] = (profile, side)
            if weights is not None:
                weight = weights[number]
                key = (*key, factor, denominator, top, bottom, *weight.as_integer_ratio())
            share = found.get(key)
            if share is None:
                rate = multiplier * weights[number] * denominator / abs(factor) if weights else ZERO
                share = found[key] = self._least(profile, side, rate).as_integer_ratio()
            totals[share[1]] = totals.get(share[1], 0) + abs(factor) * share[0]
        total = sum((Fraction(a, b) for b, a in totals.items()), ZERO) / denominator
        return total + constant - multiplier * self._region.size

    def _least(self, profile: int, sign: int, rate: Fraction) -> Fraction:
        univariate, region = self._univariate, self._region
        line, center = univariate.line_of_profile[profile], ZERO
        if rate:
            direction = univariate.directions[line]
            center = sum((g * region.center[k] for k, g in direction), ZERO)
        low, high = self.interval(line)
        return least(univariate.profiles[profile], sign, low, high, region.norm, rate, center)

    def interval(self, line: int) -> tuple[Fraction, Fraction]:
        """Where d . x lies on the box, and by the cuts that are about d alone."""
        found = self._intervals.get(line)
        if found is None:
            low = high = ZERO
            lower, upper = self._box
            for k, g in self._univariate.directions[line]:
                low += g * (lower[k] if g > 0 else upper[k])
                high += g * (upper[k] if g > 0 else lower[k])
            for factor, constant in self._cuts.get(line, ()):
                if factor > 0:
                    low = max(low, -constant / factor)
                else:
                    high = min(high, -constant / factor)
            found = self._intervals[line] = low, high
        return found


def short(bound: Fraction, *, upper: bool) -> Fraction:
    """The bound, or the next multiple of 2^-64 outside if its denominator is above 2^64."""
    if bound.denominator <= 2**64:
        return bound
    scaled = bound * 2**64
    return Fraction(ceil(scaled) if upper else floor(scaled), 2**64)
