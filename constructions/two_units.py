"""Whether two ReLU units separate some labelled points: an exact decision for tiny questions.

A network of depth 2 and width 2 with one output answers label 0 where f < 1/2 and label 1 where
f > 1/2. After |a_l| is absorbed in the units, f - 1/2 = s_1 relu(h_1) + s_2 relu(h_2) + c with
signs s_l, affine h_l and a number c. For given signs, and for each point the pattern of units that
are on there, the conditions on h_1, h_2 and c are linear, and homogeneous: strict inequalities may
be asked with margin 1. So the question is whether one of finitely many linear programs is feasible.
They are explored point by point, each decided exactly by `feasible`, and a branch is left as
soon as its points so far are infeasible.

The number of branches is up to 4^N: this is for N up to about 8 points, to confirm the reduction of
`set_splitting` on instances that a person can check.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.data.dataset import Dataset
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network

Row = list[Fraction]
MOST_POINTS = 12


def feasible(rows: list[Row], bounds: list[Fraction]) -> list[Fraction] | None:
    """A rational v with rows[i] . v >= bounds[i] for all i, or None if there is none.

    The simplex method with Bland's rule on exact numbers, first phase alone: minimise t >= 0 in
    row . v + t >= bound, from t = the largest bound.
    """
    if not rows:
        return []
    variables = len(rows[0])
    # Split v = p - q, with slacks: row.(p - q) + t - s = bound. Dictionary form, basis = slacks:
    # s_i = -bound_i + row.(p - q) + t.
    columns = 2 * variables + 1
    table = [
        [-bound, *row, *(-entry for entry in row), Fraction(1)]
        for row, bound in zip(rows, bounds, strict=True)
    ]
    basis = list(range(columns, columns + len(rows)))
    free = list(range(columns))
    worst = min(range(len(rows)), key=lambda i: table[i][0])
    if table[worst][0] < 0:
        _pivot(table, basis, free, worst, columns - 1)
    artificial = columns - 1
    while True:
        row = basis.index(artificial) if artificial in basis else -1
        if row < 0 or table[row][0] == 0:
            values = dict(zip(basis, (line[0] for line in table), strict=True))
            return [
                values.get(k, Fraction(0)) - values.get(variables + k, Fraction(0))
                for k in range(variables)
            ]
        # t = table[row]; lower it by an entering variable with a negative coefficient (Bland).
        candidates = [(free[k], k) for k in range(columns) if table[row][k + 1] < 0]
        if not candidates:
            return None
        entering = min(candidates)[1]
        ratios = [
            (-line[0] / line[entering + 1], basis[i], i)
            for i, line in enumerate(table)
            if line[entering + 1] < 0
        ]
        _pivot(table, basis, free, min(ratios)[2], entering)


def _pivot(table: list[Row], basis: list[int], free: list[int], row: int, column: int) -> None:
    """Swaps the basic variable of the row with the free variable of the column."""
    line = table[row]
    factor = line[column + 1]
    basis[row], free[column] = free[column], basis[row]
    fresh = [-entry / factor for entry in line]
    fresh[column + 1] = 1 / factor
    table[row] = fresh
    for i, other in enumerate(table):
        if i != row and other[column + 1]:
            share = other[column + 1]
            table[i] = [
                a + share * b if k != column + 1 else share * b
                for k, (a, b) in enumerate(zip(other, fresh, strict=True))
            ]


@dataclass(frozen=True, slots=True)
class TwoUnits:
    """f = 1/2 + c + s_1 relu(h_1) + s_2 relu(h_2): the signs, the units as (weights, bias), c."""

    signs: tuple[int, int]
    units: tuple[tuple[tuple[Fraction, ...], Fraction], tuple[tuple[Fraction, ...], Fraction]]
    constant: Fraction

    def network(self) -> Network:
        """The network: depth 2, width 2."""
        build = NetworkBuilder(len(self.units[0][0]))
        hidden = build.layer(
            [
                Affine({k: w for k, w in enumerate(weights) if w}, bias)
                for weights, bias in self.units
            ]
        )
        total = Affine.sum(unit * sign for unit, sign in zip(hidden, self.signs, strict=True))
        return build.network([total + self.constant + Fraction(1, 2)])


def separate(dataset: Dataset) -> TwoUnits | None:
    """Two units that answer every sample, or None if no network of depth 2 and width 2 does.

    Raises UserError for other than two classes, or more than `MOST_POINTS` samples.
    """
    if dataset.classes != 2:
        raise UserError(f"two units: {dataset.classes} classes, 2 are needed")
    if dataset.size > MOST_POINTS:
        raise UserError(
            f"two units: {dataset.size} samples; the search over 4^N patterns is for {MOST_POINTS}"
        )
    n = dataset.dimension
    points = [[*dataset.point(i), Fraction(1)] for i in range(dataset.size)]
    targets = [1 if label else -1 for label in dataset.labels.tolist()]
    for signs in ((1, 1), (1, -1), (-1, -1)):
        found = _explore(points, targets, signs, [], [], 0)
        if found is not None:
            halves = (found[: n + 1], found[n + 1 : 2 * n + 2])
            units = tuple((tuple(half[:n]), half[n]) for half in halves)
            return TwoUnits(signs, (units[0], units[1]), found[-1])
    return None


def _explore(
    points: list[Row],
    targets: list[int],
    signs: tuple[int, int],
    rows: list[Row],
    bounds: list[Fraction],
    depth: int,
) -> Row | None:
    if depth == len(points):
        return feasible(rows, bounds)
    point, target = points[depth], targets[depth]
    zero = [Fraction(0)] * len(point)
    for first in (1, 0):
        for second in (1, 0):
            on = (first, second)
            pattern = [
                ([*point, *zero] if unit == 0 else [*zero, *point], 1 if on[unit] else -1)
                for unit in (0, 1)
            ]
            added = [[sign * entry for entry in [*row, Fraction(0)]] for row, sign in pattern]
            value = [
                *(on[0] * signs[0] * entry for entry in point),
                *(on[1] * signs[1] * entry for entry in point),
                Fraction(1),
            ]
            more = [*rows, *added, [target * entry for entry in value]]
            limits = [*bounds, Fraction(0), Fraction(0), Fraction(1)]
            if feasible(more, limits) is None:
                continue
            found = _explore(points, targets, signs, more, limits, depth + 1)
            if found is not None:
                return found
    return None


def half_space(points: list[Row], inside: list[Row]) -> tuple[Row, Fraction] | None:
    """(l, r) with l . p < r on `points` and l . q >= r on `inside`, or None: exact."""
    rows = [[*(-entry for entry in p), Fraction(1)] for p in points]
    bounds = [Fraction(1)] * len(points)
    rows += [[*q, Fraction(-1)] for q in inside]
    bounds += [Fraction(0)] * len(inside)
    found = feasible(rows, bounds)
    return None if found is None else (found[:-1], found[-1])
