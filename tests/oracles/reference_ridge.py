"""Sums of functions of one direction each, on a region: every rule in Fractions.

A direction is a row d whose first nonzero entry is 1; u = d . x. Input k lies on the direction of
x_k. A unit lies on a direction if all that it reads lies on it, or, if it reads inputs alone and
several of them, on that of its row. On an interval of u it is a piecewise linear function of u.

Let a form be constant + sum over directions of phi_d(u_d). With weights s_d >= 0 such that
sum s_d |u_d - d.c|^p <= ||x - c||_p^p for all x, and any t >= 0, on the ball of norm p around c

    form >= constant - t size + sum over d of min over u of phi_d(u) + t s_d |u - d.c|^p,

u over the interval of u_d in the branch, size = r^p. Each minimum is at an end of a piece, at d.c
(p = 1), at the vertex of a parabola (p = 2) or where p t |x|^(p-1) is the slope, a root that is
rounded up (p > 2): there it is -(p - 1) t |x|^p. Weights: for p = 2 those of Selberg's inequality,
sum (d.y)^2 / (sum over e of |d.e|) <= ||y||_2^2, which follows from
||y - sum over d of s_d (d.y) d||_2^2 >= 0 and 2 |ab| <= a^2 + b^2, for the rows divided by about
their lengths; they are 1 for inputs alone. For
other p, |d.y|^p <= ||d||_1^(p-1) sum |d_k| |y_k|^p, so that s is 1 / (the largest column sum of
||d||_1^(p-1) |d_k|).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.region import Region, root_upper

ZERO, ONE = Fraction(0), Fraction(1)
MOST_POINTS = 1 << 12  # ends of pieces of one sum on one direction
Direction = tuple[tuple[int, Fraction], ...]
Cut = tuple[tuple[tuple[int, Fraction], ...], Fraction]
Box = tuple[Sequence[Fraction], Sequence[Fraction]]


class ReferenceUnivariate:
    """The directions of a network's variables, and bounds of sums of functions of one each."""

    def __init__(self, network: Network, region: Region) -> None:
        self.network, self.region = network, region
        self.inputs = network.inputs
        self.directions: list[Direction | None] = [((k, ONE),) for k in range(network.inputs)]
        for v in range(network.units.count):
            weights, _ = network.units.fractions(v)
            below = {self.directions[j] for j in weights}
            if len(below) == 1:
                self.directions.append(below.pop())
            elif below and max(weights) < network.inputs:
                self.directions.append(direction_of(tuple(weights.items())))
            else:
                self.directions.append(None)
        # Units that are part of a sum to which a function of one direction is added.
        self.summands: set[int] = set()
        for v in range(network.units.count):
            read = list(network.units.fractions(v)[0])
            off_lines = [j - self.inputs for j in read if self.directions[j] is None]
            if self.directions[self.inputs + v] is None and len(off_lines) < len(read):
                self.summands.update(off_lines)

    def lower_bound(
        self,
        constant: Fraction,
        variables: Mapping[int, Fraction],
        multiplier: Fraction,
        box: Box,
        cuts: Sequence[Cut],
        shares: Mapping[Direction, Fraction] | None = None,
    ) -> Fraction | None:
        """The bound of the form constant + variables . (x, z) with this t, and these shares if they
        are given; None if an interval is empty. All of the variables lie on directions."""
        if self.region.norm == "inf" and multiplier:
            raise RefusedError("no ball", "a multiplier of the ball of a box")
        sums: dict[Direction, dict[int, Fraction]] = {}
        for j, coefficient in variables.items():
            direction = self.directions[j]
            if direction is not None:
                sums.setdefault(direction, {})[j] = coefficient
        weights = ball_weights(list(sums), self.region.norm) if shares is None else shares
        total = constant - multiplier * self.region.size
        for direction, terms in sums.items():
            low, high = interval(direction, self.region, box, cuts)
            if low > high:
                return None
            points, values = self._sum(direction, terms, low, high)
            total += self._minimum(
                direction, points, values, multiplier * weights.get(direction, ZERO)
            )
        return total

    def _sum(
        self, direction: Direction, terms: Mapping[int, Fraction], low: Fraction, high: Fraction
    ) -> tuple[list[Fraction], list[Fraction]]:
        """The ends of the pieces of terms . (x, z) on [low, high], and its values there."""
        first, inputs = direction[0][0], self.inputs
        waiting, needed = [j for j in terms if j >= inputs], set[int]()
        while waiting:
            j = waiting.pop()
            if j not in needed:
                needed.add(j)
                weights, _ = self.network.units.fractions(j - inputs)
                waiting.extend(i for i in weights if i >= inputs)
        points = [low, high] if low < high else [low]
        values: dict[int, list[Fraction]] = {}  # of every unit, at the points

        def at_points(weights: Mapping[int, Fraction], constant: Fraction) -> list[Fraction]:
            # Of a row that reads several inputs, u counts as often as the first of them.
            found = [constant + weights.get(first, ZERO) * u for u in points]
            for j, weight in weights.items():
                if j >= inputs:
                    found = [a + weight * z for a, z in zip(found, values[j], strict=True)]
            return found

        for j in sorted(needed):
            a = at_points(*self.network.units.fractions(j - inputs))
            for k in range(len(points) - 1, 0, -1):
                if a[k - 1] * a[k] < 0:  # a zero between two points is a point from here on
                    share = a[k - 1] / (a[k - 1] - a[k])
                    for row in (points, *values.values()):
                        row.insert(k, row[k - 1] + share * (row[k] - row[k - 1]))
                    a.insert(k, ZERO)
            if len(points) > MOST_POINTS:
                raise RefusedError("too many pieces", f"unit {j - inputs}")
            values[j] = [max(value, ZERO) for value in a]
        return points, at_points(terms, ZERO)

    def _minimum(
        self,
        direction: Direction,
        points: list[Fraction],
        values: list[Fraction],
        multiplier: Fraction,
    ) -> Fraction:
        """The least value + multiplier |u - center|^p."""
        if not multiplier:
            return min(values)
        norm = self.region.norm
        center = product(dict(direction), dict(enumerate(self.region.center)))

        def with_ball(u: Fraction, value: Fraction) -> Fraction:
            return value + multiplier * abs(u - center) ** int(norm)

        found = [with_ball(u, value) for u, value in zip(points, values, strict=True)]
        for k in range(1, len(points)):
            left, right = points[k - 1], points[k]
            slope = (values[k] - values[k - 1]) / (right - left)
            if int(norm) > 2:
                found += _turned(
                    slope, multiplier, int(norm), left - center, right - center, values[k - 1]
                )
                continue
            turn = center if norm == "1" else center - slope / (2 * multiplier)
            if left < turn < right:
                found.append(with_ball(turn, values[k - 1] + slope * (turn - left)))
        return min(found)


def _turned(
    slope: Fraction, rate: Fraction, p: int, left: Fraction, right: Fraction, value: Fraction
) -> list[Fraction]:
    """At most value + slope (x - left) + rate |x|^p between left and right, if it turns there."""
    steep = abs(slope) / (p * rate)  # |x|^(p-1) at the turn, which is on the side of -slope
    sign = 1 if slope < 0 else -1
    near, far = sorted((sign * left, sign * right))
    if not slope or steep >= max(far, ZERO) ** (p - 1) or (near > 0 and steep <= near ** (p - 1)):
        return [value - slope * left] if not slope and left < 0 < right else []
    place = root_upper(steep, p - 1, 80)
    return [value - slope * left - (p - 1) * rate * place**p]


def direction_of(row: Sequence[tuple[int, Fraction]]) -> Direction:
    """The row divided by its first nonzero entry; empty if there is none."""
    entries = sorted((k, g) for k, g in row if g)
    return tuple((k, g / entries[0][1]) for k, g in entries)


def product(a: Mapping[int, Fraction], b: Mapping[int, Fraction]) -> Fraction:
    return sum((g * b[k] for k, g in a.items() if k in b), ZERO)


def interval(
    direction: Direction, region: Region, box: Box, cuts: Sequence[Cut]
) -> tuple[Fraction, Fraction]:
    """Where d . x lies on the box, on the ball (|d . (x - c)| <= r ||d||_q with 1/p + 1/q = 1), and
    by the cuts that are about d alone."""
    low, high = ZERO, ZERO
    for k, g in direction:
        ends = (g * box[0][k], g * box[1][k])
        low += ends[0] if g > 0 else ends[1]
        high += ends[1] if g > 0 else ends[0]
    if region.norm != "inf":
        row = dict(direction)
        center = product(row, dict(enumerate(region.center)))
        reach = region.size * max(abs(g) for g in row.values())
        if region.norm == "2":
            reach = root_upper(region.size * product(row, row))
        elif region.norm != "1":
            p, sizes = int(region.norm), [abs(g) for g in row.values()]
            dual = sum((g * root_upper(g, p - 1) for g in sizes), ZERO) ** (p - 1)
            reach = root_upper(region.size * dual, p)
        low, high = max(low, center - reach), min(high, center + reach)
    for normal, constant in cuts:  # normal . x + constant >= 0
        if direction_of(normal) == direction:
            factor = next(g for k, g in normal if k == direction[0][0])
            if factor > 0:
                low = max(low, -constant / factor)
            else:
                high = min(high, -constant / factor)
    return low, high


def ball_weights(directions: Sequence[Direction], norm: str) -> dict[Direction, Fraction]:
    """Weights s_d with sum s_d |d . y|^p <= ||y||_p^p for all y."""
    rows = [dict(direction) for direction in directions]
    if norm == "2":
        lengths = [root_upper(product(d, d)) for d in rows]
        sizes = [
            sum((abs(product(d, e)) / f for e, f in zip(rows, lengths, strict=True)), ZERO) * length
            for d, length in zip(rows, lengths, strict=True)
        ]
    else:
        columns: dict[int, Fraction] = {}
        for d in rows:
            length = ONE if norm == "inf" else sum(map(abs, d.values())) ** (int(norm) - 1)
            for k, g in d.items():
                columns[k] = columns.get(k, ZERO) + length * abs(g)
        sizes = [max(columns.values(), default=ONE)] * len(rows)
    return {direction: 1 / size for direction, size in zip(directions, sizes, strict=True)}


def short_bound(bound: Fraction, *, upper: bool) -> Fraction:
    """The bound, or a weaker multiple of 2^-64 if its denominator is above 2^64."""
    if bound.denominator <= 1 << 64:
        return bound
    sign = -1 if upper else 1
    return Fraction(sign * (sign * bound.numerator * (1 << 64) // bound.denominator), 1 << 64)
