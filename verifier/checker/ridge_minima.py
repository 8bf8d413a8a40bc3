"""Lower bounds of all final sums of a network on one ball, in integers of fixed size.

Of a sum a = constant + sum over directions d of phi_d(u_d) it is shown that, on the ball,

    a >= constant - t size + sum over d of min over [u_d] of phi_d(u) + t s_d |u - d . c|^p

as in `ridge`, with one t for all sums, weights s_d that fit all directions of final sums together,
and every number rounded so that the bound can only become smaller. One minimum serves all sums with
the same function on the direction. Upper bounds are lower ones of -a.

    2^G, 2^B  units of u and of values. With 2^e the least power of two that is at least the
              largest reach r ||d||_q of the ball in a direction, G = 29 - e; with 2^f the least
              one that is at least the largest |slope| of a function, 1 if all are 0,
              B = 29 - f + G.
    T         floor(t s_d 2^(B - p G + 30 (p - 1))), at most 2^31 - 1
    C         floor(d . c 2^G), and the interval of u - d . c is [low, high], times 2^G, rounded
              outwards.
    piece     of phi: P, v, b are the place and the value at one of its ends, that of the smaller
              |phi|, the left one if equal, and the slope: floor(u 2^G), floor(phi 2^B), at most
              2^60, and floor(slope 2^(B - G)). It is taken from L = max(low, P_left - C - 2) to
              R = min(high, P_right - C + 2), and left out if L > R. A function with a piece that
              is not left out and v < -2^60 has no bound, nor has a sum with it. On [L, R]
              phi 2^B >= b X + v - b D - |b| - |D| - 2^30 - 3 with
              X = (u - d . c) 2^G and D = P - C.
    power     w_1(X) = |X|, w_k(X) = floor(w_(k-1)(X) |X| / 2^30): w_p(X) <= |X|^p / 2^(30 (p-1)).
    minimum   of b X + T |X|^p / 2^(30 (p-1)) on [L, R]. p = 1: at L, at R, or 0 if L <= 0 <= R.
              p > 1: let b <= 0, else mirror, and x the least integer >= 0 with
              p T x^(p-1) >= |b| 2^(30 (p-1)), 2^31 if it is not smaller; the true place is in
              (x - 1, x]. If R <= x - 1: b R + T w_p(R). Else if x <= L: b L + T w_p(L). Else
              -(p - 1) T (w_p(x) + p): what the function is not below anywhere.
    sum       of floor(minimum / 2^12) over the directions, + floor(constant 2^(B - 12))
              - ceil(t size 2^(B - 12)), over 2^(B - 12). Of the scaled unit it is rounded to a
              multiple of 2^-h, h = max(0, 24 - bits of the scale): an integer, mostly.

Nothing overflows 64 bits: |X| <= 2^29 + 2 (2^30 is used), |b| <= 2^29, T < 2^31, |v| <= 2^60,
x <= 2^31 and x <= R + 1 where w_p(x) counts; |D| < 2^31, else the same is computed in Python
integers. |b X| <= 2^59, |b D| <= 2^60, T w_p <= 2^61 and, for p > 2, (p - 1) T (w_p + p) <= 2^61 as
w_p(x) <= 2^27, so a minimum is below 2^63 in absolute value, and 2^10 of them over 2^12 as well,
else Python integers again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.ridge import Minima, Univariate, univariate_of
from verifier.checker.ridge_tables import RidgeTables, distinct_rows, tables_of
from verifier.checker.scaled import ScaledNetwork
from verifier.question.errors import RefusedError
from verifier.question.region import Region, integer_root

Number = int | Fraction
FINE, SHIFT, DROPPED, GUARD, MOST = 29, 30, 12, 1 << 61, 1 << 60
FAR = 1 << 31
MOST_DIRECTIONS = 1 << 10
GRIDS = 4  # that are kept, of a network
ZERO = Fraction(0)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of functions, those of one function together: see above. int64, or Python integers."""

    function: NDArray[np.int64]
    place: Any
    value: Any
    slope: Any
    left: Any
    right: Any
    begins: NDArray[np.bool_]  # whether it reaches to minus infinity
    ends: NDArray[np.bool_]


class FixedGrid:
    """The functions of a network's final sums in units of 2^-G and 2^-B."""

    def __init__(self, scaled: ScaledNetwork, tables: RidgeTables, reach: int) -> None:
        self.tables = tables
        final = tables.final
        self.scales = [scaled.scales[scaled.network.inputs + v] for v in final.units.tolist()]
        known = {scale: number for number, scale in enumerate(dict.fromkeys(self.scales))}
        counts = np.diff(final.starts)
        numbers = np.repeat([known[scale] for scale in self.scales], counts)
        table = np.column_stack([final.profiles, final.factors, numbers.astype(np.int64)])
        rows, self.gather = distinct_rows(table)
        scales = list(known)
        self._functions = [
            (tables.profiles[profile], Fraction(factor, scales[number]))
            for profile, factor, number in rows.tolist()
        ]
        self.line_of = np.array(
            [tables.line_of_profile[profile] for profile in rows[:, 0].tolist()], dtype=np.int64
        )
        self.lines = tuple(np.unique(self.line_of).tolist())
        self.place = FINE - reach
        steep: dict[Fraction, int] = {}  # the largest |slope| of the functions with each share
        for function, share in self._functions:
            steep[share] = max(steep.get(share, 0), *map(abs, function.slopes))
        steepest = max((abs(share) * slope for share, slope in steep.items()), default=ZERO)
        self.value = FINE - _exponent(steepest) + self.place
        longest = int(counts.max(initial=0))
        self.kind: Any = np.int64 if longest <= MOST_DIRECTIONS else object  # of the sums
        self._sides: dict[bool, tuple[Pieces, list[int]]] = {}

    def side(self, upper: bool) -> tuple[Pieces, list[int]]:
        """The pieces of the functions, or of minus them, and the constants of the sums."""
        if upper not in self._sides:
            sign = -1 if upper else 1
            constants = [
                _floor(Fraction(sign * constant, scale), self.value - DROPPED)
                for constant, scale in zip(self.tables.final.constants, self.scales, strict=True)
            ]
            self._sides[upper] = self._pieces(sign), constants
        return self._sides[upper]

    def _pieces(self, sign: int) -> Pieces:
        columns: tuple[list[int], ...] = ([], [], [], [], [], [], [], [])
        for number, (function, share) in enumerate(self._functions):
            size, last = function.size, len(function.points) - 1
            places = [_shifted(x, self.place) // size for x in function.points]
            top, bottom = sign * share.numerator, share.denominator
            values = [
                max(min(_shifted(top * y, self.value) // (size * bottom), MOST), -MOST - 1)
                for y in function.values
            ]
            for k, slope in enumerate(function.slopes):
                before, after = max(k - 1, 0), min(k, last)
                smaller = abs(function.values[before]) <= abs(function.values[after])
                end = before if smaller else after
                row = (
                    number,
                    places[end],
                    values[end],
                    _shifted(top * slope, self.value - self.place) // bottom,
                    places[before],
                    places[after],
                    k == 0,
                    k > last,
                )
                for column, entry in zip(columns, row, strict=True):
                    column.append(entry)
        large = any(abs(x) > GUARD for column in columns[1:6] for x in column)
        kind: Any = object if large else np.int64
        return Pieces(
            np.array(columns[0], dtype=np.int64),
            *(np.array(column, dtype=kind) for column in columns[1:6]),
            *(np.array(column, dtype=bool) for column in columns[6:]),
        )


def _floor(value: Fraction, bits: int) -> int:
    """value * 2^bits, rounded down."""
    return _shifted(value.numerator, bits) // value.denominator


def _shifted(top: int, bits: int) -> int:
    """top * 2^bits, rounded down where bits is negative: dividing goes on rounding down."""
    return top << bits if bits >= 0 else top >> -bits


def _exponent(value: Fraction) -> int:
    """The least k with value <= 2^k; 0 for 0."""
    if not value:
        return 0
    k = value.numerator.bit_length() - value.denominator.bit_length()  # 2^(k-1) < value < 2^(k+1)
    return k + (value > Fraction(2) ** k)


def _grid(scaled: ScaledNetwork, reach: int) -> FixedGrid:
    kept = scaled.derived(_grids)
    if reach not in kept:
        if len(kept) == GRIDS:
            kept.clear()
        kept[reach] = FixedGrid(scaled, tables_of(scaled), reach)
    return kept[reach]


def _grids(scaled: ScaledNetwork) -> dict[int, FixedGrid]:
    """Those that are known."""
    return {}


def grid_of(scaled: ScaledNetwork, region: Region) -> FixedGrid:
    """The grid for balls of this norm and size; RefusedError if the network has no final sums."""
    lines = scaled.derived(_final_lines)
    if not lines:
        raise RefusedError("unsupported", "no sums of ridge functions")
    univariate = univariate_of(scaled)
    largest = max(_reach(univariate, line, region) for line in lines)
    return _grid(scaled, _exponent(largest))


def _final_lines(scaled: ScaledNetwork) -> tuple[int, ...]:
    tables = tables_of(scaled)
    found = {tables.line_of_profile[p] for p in np.unique(tables.final.profiles).tolist()}
    return tuple(sorted(found))


def _reach(univariate: Univariate, line: int, region: Region) -> Fraction:
    """At least r ||d||_q."""
    entries = [abs(g) for _, g in univariate.directions[line]]
    return region.reach(entries)


def sum_bounds(
    scaled: ScaledNetwork, region: Region, minima: Minima, multiplier: Fraction, *, upper: bool
) -> list[tuple[int, Number]]:
    """Units and their bounds, times their scales, with this multiplier of the ball; none if an
    interval is empty. `minima` gives intervals of directions in the branch."""
    grid, univariate = grid_of(scaled, region), univariate_of(scaled)
    ends = [minima.interval(line) for line in grid.lines]
    if any(low > high for low, high in ends):
        return []
    exponent = region.power
    center, low, high = [], [], []
    for line, (first, last) in zip(grid.lines, ends, strict=True):
        middle = sum((g * region.center[k] for k, g in univariate.directions[line]), ZERO)
        center.append(_floor(middle, grid.place))
        low.append(_floor(first - middle, grid.place))
        high.append(-_floor(middle - last, grid.place))
    bits = grid.value - exponent * grid.place + SHIFT * (exponent - 1)
    rates = [
        min(_floor(multiplier * share, bits), FAR - 1)
        for share in univariate.ball_weights(grid.lines, region.norm)
    ]
    pieces, constants = grid.side(upper)
    least, without = _minima(grid, pieces, exponent, center, low, high, rates)
    least = (least >> DROPPED).astype(np.result_type(least.dtype, grid.kind), copy=False)
    starts = grid.tables.final.starts[:-1]
    totals = np.add.reduceat(least[grid.gather], starts).tolist()
    unbounded = np.logical_or.reduceat(without[grid.gather], starts).tolist()
    unit = grid.value - DROPPED
    taken = -_floor(-multiplier * region.size, unit)
    found: list[tuple[int, Number]] = []
    for v, total, skipped, constant, scale in zip(
        grid.tables.final.units.tolist(), totals, unbounded, constants, grid.scales, strict=True
    ):
        if skipped:
            continue
        more = max(0, 24 - scale.bit_length())
        whole = _shifted((total + constant - taken) * scale, more - unit)
        if upper:
            whole = -whole
        found.append((v, Fraction(whole, 1 << more) if more else whole))
    return found


def _minima(
    grid: FixedGrid,
    pieces: Pieces,
    exponent: int,
    center: list[int],
    low: list[int],
    high: list[int],
    rates: list[int],
) -> tuple[Any, NDArray[np.bool_]]:
    """Of each function the least value of its pieces, with the share of the ball; and whether it
    has no bound."""
    large = pieces.place.dtype == object or any(abs(c) > GUARD for c in center)
    kind: Any = object if large else np.int64
    position = {line: k for k, line in enumerate(grid.lines)}
    at = np.array([position[line] for line in grid.line_of.tolist()])[pieces.function]
    middle, first, last, rate = (np.array(x, dtype=kind)[at] for x in (center, low, high, rates))
    left = np.where(pieces.begins, first, np.maximum(first, pieces.left - middle - 2))
    right = np.where(pieces.ends, last, np.minimum(last, pieces.right - middle + 2))
    live = np.flatnonzero(left <= right)
    left, right, rate, slope = left[live], right[live], rate[live], pieces.slope[live]
    away, value = (pieces.place - middle)[live], pieces.value[live]
    if large or _largest(away) >= FAR:
        left, right, rate, slope, away, value = (
            x.astype(object) for x in (left, right, rate, slope, away, value)
        )
    base = value - slope * away - np.abs(slope) - np.abs(away) - ((1 << SHIFT) + 3)
    found = base + _on_piece(exponent, slope, rate, left, right)
    function = pieces.function[live]
    starts = np.searchsorted(function, np.arange(len(grid.line_of)))
    without = np.zeros(len(grid.line_of), dtype=bool)
    without[function[value < -MOST]] = True
    return np.minimum.reduceat(found, starts), without


def _on_piece(exponent: int, slope: Any, rate: Any, left: Any, right: Any) -> Any:
    """At most slope X + rate |X|^p / 2^(30 (p - 1)) on [left, right]."""
    if exponent == 1:
        ends = np.minimum(slope * left + rate * np.abs(left), slope * right + rate * np.abs(right))
        return np.where((left <= 0) & (right >= 0), np.minimum(ends, 0), ends)
    falls = slope <= 0
    low, high = np.where(falls, left, -right), np.where(falls, right, -left)
    steep = -np.abs(slope)
    turn = _turns(exponent, -steep, rate)
    at_end = np.where(high <= turn - 1, high, low)
    ending = steep * at_end + rate * _power(exponent, at_end)
    inside = np.minimum(turn, high + 1)  # where it counts, it is the turn
    below = -(exponent - 1) * rate * (_power(exponent, inside) + exponent)
    return np.where((high <= turn - 1) | (turn <= low), ending, below)


def _power(exponent: int, x: Any) -> Any:
    size = found = np.abs(x)
    for _ in range(exponent - 1):
        found = (found * size) >> SHIFT
    return found


def _turns(exponent: int, steep: Any, rate: Any) -> Any:
    """The least x >= 0 with p rate x^(p - 1) >= steep 2^(30 (p - 1)), at most 2^31."""
    if exponent == 2:
        some = np.maximum(rate, 1)
        found = -(-(steep << (SHIFT - 1)) // some)
        return np.where((rate > 0) & (found < FAR), found, np.where(steep > 0, FAR, 0))
    pairs = list(zip(steep.tolist(), rate.tolist(), strict=True))
    known = {pair: _turn(exponent, *pair) for pair in set(pairs)}  # few: samples share slopes
    return np.array([known[pair] for pair in pairs], dtype=steep.dtype)


def _turn(exponent: int, steep: int, rate: int) -> int:
    if not steep or not rate:
        return FAR if steep else 0
    wanted = -(-(steep << (SHIFT * (exponent - 1))) // (exponent * rate))
    return min(integer_root(wanted - 1, exponent - 1) + 1, FAR)


def _largest(values: Any) -> int:
    return int(np.abs(values).max()) if len(values) else 0
