"""Sums of functions of one direction each, for networks of any size.

The rules of `reference_univariate.py`, which says why they hold, found in another way. A function
of u = d . x is kept on the whole line by its exact breakpoints, once for all units of a network
that are the same function, and once for all regions; a sum on one direction, divided by its common
factor, is a `profile`. What a region costs is then one minimum for every profile and multiplier.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor, gcd, lcm

import numpy as np

from verifier.checker.contracted import Places, place_type
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Weight
from verifier.question.errors import RefusedError
from verifier.question.region import Region, power, root_upper

MOST_POINTS = 1 << 12  # breakpoints of one function
FINE_BITS = 80  # of roots at which a function with a power turns
ZERO = Fraction(0)
Direction = tuple[tuple[int, Fraction], ...]
"""Inputs and entries; the first entry is 1."""
Terms = tuple[tuple[int, int], ...]
"""Nodes and integer coefficients."""
Cut = tuple[tuple[tuple[int, Fraction], ...], Fraction]
"""normal . x + constant >= 0."""


@dataclass(frozen=True, slots=True)
class Function:
    """Continuous and piecewise linear with integer slopes, and an integer at u = 0.

    `points` are increasing integers x, at least one, with u = x / size; `values` are those there
    times `size`, integers too; `slopes` those before, between and after the points.
    """

    size: int
    points: list[int]
    values: list[int]
    slopes: list[int]

    def at(self, x: int, size: int) -> int:
        """The value at u = x / size, times `size`, which must be a multiple of `self.size`."""
        scale = size // self.size
        k = bisect_left(self.points, -(-x // scale))  # the points before it are below u
        known = min(k, len(self.points) - 1)
        return self.values[known] * scale + self.slopes[k] * (x - self.points[known] * scale)

    def between(self, low: Fraction, high: Fraction, size: int) -> tuple[list[int], list[int]]:
        """low, the bends between, and high, once if low = high; and the values there. All times
        `size`, a multiple of `self.size` and of both denominators."""
        first, last = (u.numerator * (size // u.denominator) for u in (low, high))
        scale = size // self.size
        begin = bisect_right(self.points, first // scale)
        end = bisect_left(self.points, -(-last // scale))
        if len(self.slopes) == 2 and self.slopes[0] == self.slopes[1]:
            end = begin  # a line does not bend at its point
        points = [first, *(x * scale for x in self.points[begin:end])]
        values = [self.at(first, size), *(y * scale for y in self.values[begin:end])]
        if first < last:
            points.append(last)
            values.append(self.at(last, size))
        return points, values


def combined(slope: int, constant: int, parts: Sequence[tuple[Function, int]]) -> Function:
    """slope * u + constant + the sum of weight * function, without points where nothing bends."""
    size = lcm(*(function.size for function, _ in parts))
    bends: dict[int, int] = {}
    left = slope
    for function, weight in parts:
        scale = size // function.size
        left += weight * function.slopes[0]
        for x, (before, after) in zip(function.points, pairwise(function.slopes), strict=True):
            bends[x * scale] = bends.get(x * scale, 0) + weight * (after - before)
    points = sorted(x for x, bend in bends.items() if bend) or [0]
    if len(points) > MOST_POINTS:
        raise RefusedError("too many pieces", f"{len(points)} on one direction")
    value = slope * points[0] + constant * size
    value += sum(weight * function.at(points[0], size) for function, weight in parts)
    values, slopes = [value], [left, left + bends.get(points[0], 0)]
    for previous, x in pairwise(points):
        values.append(values[-1] + slopes[-1] * (x - previous))
        slopes.append(slopes[-1] + bends[x])
    return Function(size, points, values, slopes)


def positive_part(function: Function) -> Function:
    """max(function, 0)."""
    slopes, values, last = function.slopes, function.values, len(function.points)
    # The signs at the ends of each piece; of the first and the last one far outside.
    begins = [-slopes[0] or values[0], *values]
    ends = [*values, slopes[-1] or values[-1]]
    roots: dict[int, int] = {}  # the pieces that pass through zero, and a point of each
    factor = 1
    for k, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        if begin * end < 0:
            known = roots[k] = min(k, last - 1)
            # The root is points[known] - values[known] / slopes[k].
            factor = lcm(factor, slopes[k] // gcd(values[known], slopes[k]))
    points: list[int] = []
    new_values: list[int] = []
    new_slopes: list[int] = []
    for k, slope in enumerate(slopes):
        if k in roots:
            new_slopes.append(slope if begins[k] > 0 else 0)
            known = roots[k]
            points.append(function.points[known] * factor - values[known] * factor // slope)
            new_values.append(0)
            new_slopes.append(slope if ends[k] > 0 else 0)
        else:
            new_slopes.append(slope if begins[k] > 0 or ends[k] > 0 else 0)
        if k < last:
            points.append(function.points[k] * factor)
            new_values.append(max(values[k] * factor, 0))
    bent = [k for k in range(len(points)) if new_slopes[k] != new_slopes[k + 1]] or [0]
    return Function(
        function.size * factor,
        [points[k] for k in bent],
        [new_values[k] for k in bent],
        [new_slopes[0], *(new_slopes[k + 1] for k in bent)],
    )


@dataclass(frozen=True, slots=True)
class Restricted:
    """A function on an interval: x from the center, and the values, both times `size`; increasing
    but for the center, which comes last if it is added."""

    size: int
    points: list[int]
    values: list[int]


def least(function: Restricted, sign: int, norm: str, top: int, bottom: int) -> tuple[int, int]:
    """Numerator and denominator of the minimum of sign * function + (top / bottom) |x|^norm, with
    top > 0. For norm 1 the center must be among the points if it lies between them."""
    size = function.size
    pairs = zip(function.points, function.values, strict=True)
    if norm == "1":
        below = sign * bottom
        return min(below * y + top * abs(x) for x, y in pairs), bottom * size
    if norm != "2":
        return _least_power(function, sign, power(norm), top, bottom)
    # Times bottom * size^2: y + top x^2, with y = y0 + rise (x - x0) on a piece.
    scale, four = sign * bottom * size, 4 * top
    found: list[int] = []  # times four as well
    x0 = y0 = None
    for x, value in pairs:
        y = value * scale
        found.append(four * (y + top * x * x))
        if x0 is not None and y0 is not None:
            rise = (y - y0) // (x - x0)  # without a rest, for slopes are integers
            if rise + 2 * top * x0 < 0 < rise + 2 * top * x:
                found.append(four * (y0 - rise * x0) - rise * rise)
        x0, y0 = x, y
    return min(found), four * bottom * size * size


def _least_power(function: Restricted, sign: int, p: int, top: int, bottom: int) -> tuple[int, int]:
    """At most the minimum of sign * function + rate |x|^p, rate = top / bottom, p > 2: least at an
    end of a piece or inside of it, where p rate |x|^(p-1) = |slope|. There slope x + rate |x|^p is
    -(p - 1) rate |x|^p, and less for the |x| whose root was rounded up."""
    size = function.size
    scale, unit = sign * bottom * size ** (p - 1), bottom * size**p
    ends, turned = list[int](), list[Fraction]()
    x0 = y0 = tilt0 = None
    for x, y in zip(function.points, function.values, strict=True):
        power = top * abs(x) ** (p - 1)
        ends.append(y * scale + power * abs(x))  # times unit
        tilt = p * (power if x > 0 else -power)  # the derivative of rate |x|^p, times scale
        if x0 is not None and y0 is not None and tilt0 is not None:
            rise = (y - y0) // (x - x0)  # without a rest, for slopes are integers
            if rise * scale + tilt0 < 0 < rise * scale + tilt:
                far = root_upper(Fraction(abs(rise) * bottom, p * top), p - 1, FINE_BITS)
                line = Fraction(sign * (y0 - rise * x0), size)
                turned.append(line - Fraction((p - 1) * top, bottom) * far**p)
        x0, y0, tilt0 = x, y, tilt
    found = min(ends), unit
    least_turned = min(turned, default=None)
    if least_turned is None or least_turned * unit >= found[0]:
        return found
    return least_turned.numerator, least_turned.denominator


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
        self.lines = self._find_lines()
        # A node is a function of u: u itself for each direction, and distinct units.
        self._nodes: dict[tuple[int, ...], int] = {}
        size = scaled.network.variables
        self.node_of: Places = np.full(size, -1, dtype=place_type(size))  # -1: not looked at
        self.functions: list[Function] = []
        self.line_of_node: list[int] = []
        self._profiles: dict[tuple[int, Terms], int] = {}
        self.profiles: list[Function] = []
        self.line_of_profile: list[int] = []
        self._shapes: list[Terms] = []  # of the profiles
        self._pairs: dict[tuple[int, int], tuple[int, int]] = {}
        self._sums: dict[tuple[int, tuple[tuple[int, int], ...]], Sum] = {}
        self._weights: dict[tuple[tuple[int, ...], str], list[Fraction]] = {}

    def _find_lines(self) -> Places:
        """For every variable the number of its direction, -1 if it lies on none."""
        network, inputs = self.scaled.network, self._inputs
        lines: Places = np.full(network.variables, -1, dtype=place_type(network.variables))
        lines[: self.scaled.axes] = np.arange(self.scaled.axes)
        known: dict[tuple[int, ...], int] = {}  # by variables and the least whole entries
        entries: dict[tuple[int, int], Fraction] = {}  # few are different
        for layer in self.scaled.layers:
            filled, starts = layer.rows
            if not len(filled):
                continue
            read = lines[layer.indices]
            smallest = np.minimum.reduceat(read, starts)
            largest = np.maximum.reduceat(read, starts)
            units = layer.first + filled
            lines[inputs + units] = np.where(smallest == largest, smallest, -1)
            last = np.maximum.reduceat(layer.indices, starts)
            own = (smallest != largest) & (smallest >= 0) & (last < inputs)
            for v in units[own].tolist():
                variables, weights, _ = self.scaled.row(v)
                common = gcd(*weights) if weights[0] > 0 else -gcd(*weights)
                whole = [w // common for w in weights]
                number = known.setdefault((*variables, *whole), len(self.directions))
                if number == len(self.directions):
                    pairs = [(w, whole[0]) for w in whole]
                    for pair in pairs:
                        if pair not in entries:
                            entries[pair] = Fraction(*pair)
                    shares = (entries[pair] for pair in pairs)
                    self.directions.append(tuple(zip(variables, shares, strict=True)))
                lines[inputs + v] = number
        return lines

    @cached_property
    def number_of_direction(self) -> dict[Direction, int]:
        """The place of each direction."""
        return {direction: number for number, direction in enumerate(self.directions)}

    @cached_property
    def crossing(self) -> list[Crossing]:
        """The units that are not ridge functions, in their order."""
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

    @cached_property
    def summands(self) -> frozenset[int]:
        """The units that are part of a sum to which a function of one direction is added."""
        return frozenset(u for unit in self.crossing if unit.own for u, _ in unit.others)

    @cached_property
    def parts(self) -> frozenset[int]:
        """The units whose sums matter: those to which a function of one direction is added, and all
        that these read, directly or not."""
        found = set[int]()
        for unit in reversed(self.crossing):  # units come after what they read
            if unit.own or unit.unit in found:
                found.add(unit.unit)
                found.update(u for u, _ in unit.others)
        return frozenset(found)

    def _node(self, variable: int) -> int:
        """The node of a variable that lies on a direction."""
        found, waiting, needed = self.node_of, [variable], set[int]()
        while waiting:
            j = waiting.pop()
            if found.item(j) < 0 and j not in needed:
                needed.add(j)
                if j >= self._inputs and self.lines[j] != -1:
                    read, _, _ = self.scaled.row(j - self._inputs)
                    waiting.extend(i for i in read if i >= self._inputs)
        for j in sorted(needed):
            found[j] = self._make_node(j)
        node: int = found.item(variable)
        return node

    def _make_node(self, variable: int) -> int:
        line = int(self.lines[variable])
        if variable < self._inputs:
            return self.node((line,))
        first = self.directions[line][0][0]
        variables, weights, constant = self.scaled.row(variable - self._inputs)
        slope, parts = 0, dict[int, int]()
        for j, weight in zip(variables, weights, strict=True):
            if j == first:
                slope = weight * self.scaled.denominator
            elif j >= self._inputs:
                node = self.node_of.item(j)
                parts[node] = parts.get(node, 0) + weight
        nodes = sorted(parts)
        return self.node((line, slope, constant, *nodes, *(parts[node] for node in nodes)))

    def node(self, key: tuple[int, ...]) -> int:
        """The number of the function with this key: (line,) for u itself, as a scaled input, else
        line, slope, constant, and the nodes and weights of what is added, nodes increasing."""
        found = self._nodes.get(key)
        if found is None:
            line, rest = key[0], key[1:]
            if not rest:
                size = self.scaled.denominator
                function = Function(1, [0], [0], [size, size])
            else:
                slope, constant, *pairs = rest
                half = len(pairs) // 2
                nodes, weights = pairs[:half], pairs[half:]
                if slope == constant == 0 and weights == [1]:
                    self._nodes[key] = nodes[0]  # a copy of a unit, which is not negative
                    return nodes[0]
                parts = [(self.functions[n], w) for n, w in zip(nodes, weights, strict=True) if w]
                function = positive_part(combined(slope, constant, parts))
            found = self._nodes[key] = len(self.functions)
            self.functions.append(function)
            self.line_of_node.append(line)
        return found

    def profiles_of(
        self, variables: Iterable[tuple[int, int]], sums: Iterable[tuple[Sum, int]] = ()
    ) -> tuple[tuple[int, int], ...]:
        """Profile and factor for each direction of a sum of coefficient * scaled variable, all on
        directions, and weight * sum. A direction whose coefficients are all zero counts as well, as
        in the reference."""
        by_line: dict[int, dict[int, int]] = {}
        for j, coefficient in variables:
            node = self.node_of.item(j)
            if node < 0:
                node = self._node(j)
            terms = by_line.setdefault(self.line_of_node[node], {})
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
            summands = [(self.functions[node], c) for node, c in shape]
            self._profiles[key] = len(self.profiles)
            self.profiles.append(combined(0, 0, summands))
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
            products = np.abs(matrix @ matrix.T)
            lengths = [root_upper(Fraction(n, size * size)) for n in products.diagonal().tolist()]
            shares = np.array([1 / length for length in lengths], dtype=object)
            totals = (products @ shares).tolist()
            return [size * size / (n * total) for n, total in zip(lengths, totals, strict=True)]
        # Jensen: |d . y|^p <= ||d||_1^(p-1) times the sum of |d_k| |y_k|^p.
        sizes, p = np.abs(matrix), power(norm)
        columns = sizes * sizes.sum(axis=1, keepdims=True) ** (p - 1)
        return [Fraction(size**p, max(columns.sum(axis=0).tolist()))] * len(lines)


def univariate_of(scaled: ScaledNetwork) -> Univariate:
    """The functions of one direction in this network, derived once, and kept with it alone."""
    return scaled.derived(Univariate)


class Minima:
    """Bounds of sums of profiles in one branch; the branch must not change."""

    def __init__(
        self,
        univariate: Univariate,
        region: Region,
        box: tuple[Sequence[Fraction], Sequence[Fraction]],
        cuts: Sequence[Cut],
    ) -> None:
        self._univariate, self.region, self._box = univariate, region, box
        self._cuts: dict[int, list[tuple[Fraction, Fraction]]] = {}  # factor u + constant >= 0
        for normal, constant in cuts:
            entries = sorted((k, g) for k, g in normal if g)
            if entries:
                factor = entries[0][1]
                line = univariate.number_of_direction.get(
                    tuple((k, g / factor) for k, g in entries)
                )
                if line is not None:
                    self._cuts.setdefault(line, []).append((factor, constant))
        self._intervals: dict[int, tuple[Fraction, Fraction]] = {}
        self._empty: set[int] = set()
        self._restricted: dict[int, Restricted] = {}
        self._found: dict[tuple[int, int, int, int], tuple[int, int]] = {}
        self._ranges: dict[int, tuple[int, int, int]] = {}
        self._reaches: dict[tuple[Fraction, ...], Fraction] = {}  # by entries: axes have the same

    def lower_bound(
        self,
        profiles: Sequence[tuple[int, int]],
        sign: int,
        constant: Fraction,
        denominator: int,
        multiplier: Fraction,
        weights: Mapping[Direction, Fraction] | None = None,
    ) -> Fraction | None:
        """With this multiplier of the ball, a lower bound of sign * (sum of factor * profile) /
        denominator + constant; None if an interval is empty. The shares of the directions are
        derived, or these `weights`, which have passed `check_weights`."""
        univariate = self._univariate
        lines = tuple(univariate.line_of_profile[profile] for profile, _ in profiles)
        if self._is_empty(lines):
            return None
        totals: dict[int, int] = {}  # by denominator
        if not multiplier:
            for profile, factor in profiles:
                low, high, size = self._range(profile)
                weight = sign * factor
                totals[size] = totals.get(size, 0) + weight * (low if weight > 0 else high)
        else:
            if weights is None:
                shares = univariate.ball_weights(lines, self.region.norm)
            else:
                shares = [weights.get(univariate.directions[line], ZERO) for line in lines]
            for (profile, factor), share in zip(profiles, shares, strict=True):
                if not share:
                    low, high, bottom = self._range(profile)
                    top = low if sign * factor > 0 else -high
                else:
                    top, bottom = self._least(
                        profile, sign * factor, multiplier, share, denominator
                    )
                totals[bottom] = totals.get(bottom, 0) + abs(factor) * top
        total = sum((Fraction(a, b) for b, a in totals.items()), ZERO) / denominator
        return total + constant - multiplier * self.region.size

    def _range(self, profile: int) -> tuple[int, int, int]:
        """The least and the greatest value of the profile, and what they are divided by."""
        found = self._ranges.get(profile)
        if found is None:
            restricted = self._restrict(profile)
            found = min(restricted.values), max(restricted.values), restricted.size
            self._ranges[profile] = found
        return found

    def _least(
        self, profile: int, factor: int, multiplier: Fraction, share: Fraction, denominator: int
    ) -> tuple[int, int]:
        """The minimum of +-profile + rate |x|^p, the sign that of factor, for the rate that makes
        its |factor| / denominator part of a sum with this multiplier and weight."""
        top = multiplier.numerator * share.numerator * denominator
        bottom = multiplier.denominator * share.denominator * abs(factor)
        common = gcd(top, bottom)
        side = 1 if factor > 0 else -1
        key = (profile, side, top // common, bottom // common)
        found = self._found.get(key)
        if found is None:
            found = least(self._restrict(profile), side, self.region.norm, key[2], key[3])
            self._found[key] = found
        return found

    def _center(self, line: int) -> Fraction:
        direction = self._univariate.directions[line]
        return sum((g * self.region.center[k] for k, g in direction), ZERO)

    def _is_empty(self, lines: tuple[int, ...]) -> bool:
        """Whether the interval of one of these directions is empty."""
        for line in lines:
            if line not in self._intervals:
                self.interval(line)
        return bool(self._empty) and not self._empty.isdisjoint(lines)

    def _restrict(self, profile: int) -> Restricted:
        """The profile on the interval of its direction, as seen from the center of the ball."""
        found = self._restricted.get(profile)
        if found is None:
            function = self._univariate.profiles[profile]
            line = self._univariate.line_of_profile[profile]
            low, high = self.interval(line)
            center = ZERO if self.region.norm == "inf" else self._center(line)
            size = lcm(function.size, low.denominator, high.denominator, center.denominator)
            points, values = function.between(low, high, size)
            middle = center.numerator * (size // center.denominator)
            if self.region.norm == "1" and low < center < high:
                points.append(middle)
                values.append(function.at(middle, size))
            found = Restricted(size, [x - middle for x in points], values)
            self._restricted[profile] = found
        return found

    def interval(self, line: int) -> tuple[Fraction, Fraction]:
        """Where d . x lies on the box, on the ball, and by the cuts that are about d alone."""
        found = self._intervals.get(line)
        if found is None:
            low = high = ZERO
            lower, upper = self._box
            for k, g in self._univariate.directions[line]:
                low += g * (lower[k] if g > 0 else upper[k])
                high += g * (upper[k] if g > 0 else lower[k])
            if self.region.norm != "inf":
                center = self._center(line)
                entries = tuple(g for _, g in self._univariate.directions[line])
                reach = self._reaches.get(entries)
                if reach is None:
                    reach = self._reaches[entries] = self.region.reach(entries)
                low, high = max(low, center - reach), min(high, center + reach)
            for factor, constant in self._cuts.get(line, ()):
                if factor > 0:
                    low = max(low, -constant / factor)
                else:
                    high = min(high, -constant / factor)
            found = self._intervals[line] = low, high
            if low > high:
                self._empty.add(line)
        return found


def check_weights(weights: Sequence[Weight], norm: str) -> None:
    """Returns if sum over d of share |d . y|^p <= ||y||_p^p for all y; RefusedError if not.

    p = 2, Selberg: of each direction, share * (sum over e of |d . e| scale_e) <= scale_d. Any other
    p, Jensen: no column of the rows share ||d||_1^(p-1) |d_k| sums to more than 1.
    """
    if norm == "inf" or any((weight.scale is None) == (norm == "2") for weight in weights):
        raise RefusedError("malformed", f"weights that are not those of a ball of norm {norm}")
    columns: dict[int, list[tuple[int, Fraction]]] = {}
    for row, weight in enumerate(weights):
        for k, g in weight.direction:
            columns.setdefault(k, []).append((row, g))
    if norm != "2":
        p = power(norm)
        lengths = [sum(abs(g) for _, g in w.direction) ** (p - 1) for w in weights]
        for k, column in columns.items():
            if sum(weights[row].share * lengths[row] * abs(g) for row, g in column) > 1:
                raise RefusedError("weights too large", f"in the column of input {k}")
        return
    for weight in weights:
        products: dict[int, Fraction] = {}
        for k, g in weight.direction:
            for row, h in columns[k]:
                products[row] = products.get(row, ZERO) + g * h
        total = sum((abs(q) * (weights[row].scale or 0) for row, q in products.items()), ZERO)
        if weight.share * total > (weight.scale or 0):
            raise RefusedError("weights too large", f"of the direction {weight.direction[:4]}")


def short(bound: Fraction, *, upper: bool) -> Fraction:
    """The bound, or the next multiple of 2^-64 outside if its denominator is above 2^64."""
    if bound.denominator <= 2**64:
        return bound
    scaled = bound * 2**64
    return Fraction(ceil(scaled) if upper else floor(scaled), 2**64)
