"""Small linear programs solved exactly, for what rounding cannot settle: margins of exactly zero.

maximise c . v subject to G v >= h, by the simplex method on vertices (a set of active rows), with
Bland's rule so that it ends. The linear systems are solved in rationals by FLINT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat

from verifier.search.clock import tick

Row = list[Fraction]
MAX_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Optimum:
    """value = c . point is the largest; multipliers >= 0 of the active rows prove it:
    c + sum of multipliers[i] * G[i] = 0."""

    value: Fraction
    point: list[Fraction]
    multipliers: dict[int, Fraction]


def maximise(
    objective: Row, rows: Sequence[Row], offsets: Sequence[Fraction], active: Sequence[int]
) -> Optimum | None:
    """The optimum, from the vertex at which the rows `active` hold with equality.

    That vertex must satisfy all rows. None if it is no vertex, if the program is unbounded, or
    after MAX_STEPS steps.
    """
    basis = list(active)
    for _ in range(MAX_STEPS):
        tick()
        matrix = _matrix([rows[i] for i in basis])
        try:
            point = _solve(matrix, [offsets[i] for i in basis])
            duals = _solve(matrix.transpose(), [-c for c in objective])
        except ZeroDivisionError:
            return None
        leaving = min((basis[k] for k, y in enumerate(duals) if y < 0), default=None)
        if leaving is None:
            value = sum((c * x for c, x in zip(objective, point, strict=True)), Fraction(0))
            kept = {i: y for i, y in zip(basis, duals, strict=True) if y}
            return Optimum(value, point, kept)
        place = basis.index(leaving)
        unit = [Fraction(int(k == place)) for k in range(len(basis))]
        direction = _solve(matrix, unit)  # leaves that row, stays on the others
        entering = _blocking(rows, offsets, point, direction, set(basis))
        if entering is None:
            return None
        basis[place] = entering
    return None


def _blocking(
    rows: Sequence[Row],
    offsets: Sequence[Fraction],
    point: list[Fraction],
    direction: list[Fraction],
    basis: set[int],
) -> int | None:
    """The first row that stops the move, the smallest index among ties."""
    best: tuple[Fraction, int] | None = None
    for i, (row, offset) in enumerate(zip(rows, offsets, strict=True)):
        if i in basis:
            continue
        slope = sum((g * d for g, d in zip(row, direction, strict=True) if g), Fraction(0))
        if slope < 0:
            slack = sum((g * x for g, x in zip(row, point, strict=True) if g), -offset)
            step = slack / -slope
            if best is None or (step, i) < best:
                best = (step, i)
    return None if best is None else best[1]


def _matrix(rows: Sequence[Row]) -> fmpq_mat:
    return fmpq_mat(
        len(rows), len(rows[0]), [fmpq(q.numerator, q.denominator) for row in rows for q in row]
    )


def _solve(matrix: fmpq_mat, right: Sequence[Fraction]) -> list[Fraction]:
    """The solution of matrix . v = right; ZeroDivisionError if the matrix is singular."""
    column = fmpq_mat(len(right), 1, [fmpq(q.numerator, q.denominator) for q in right])
    solution = matrix.solve(column)
    return [Fraction(int(solution[i, 0].p), int(solution[i, 0].q)) for i in range(len(right))]


def solve_exactly(matrix: Sequence[Row], right: Sequence[Fraction]) -> list[Fraction]:
    """The solution of matrix . v = right; ZeroDivisionError if the matrix is singular."""
    return _solve(_matrix(matrix), right)
