"""The point of a rational polyhedron that is nearest to a given one, exactly.

minimise ||x - c||^2 subject to G x >= h by the dual active-set method (Goldfarb and Idnani 1983) in
rationals: exact arithmetic makes it end. The answer is rational, and its multipliers prove it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verifier.search.bounds.floats import float_vector, to_float
from verifier.search.clock import tick
from verifier.search.exact.simplex import solve_exactly

Row = list[Fraction]
ZERO = Fraction(0)
MAX_STEPS = 500


@dataclass(frozen=True, slots=True)
class Projection:
    """x - c = sum of multipliers[i] * G[i], multipliers > 0, on rows that hold with equality."""

    point: list[Fraction]
    squared_distance: Fraction
    multipliers: dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class Empty:
    """sum of multipliers[i] * G[i] = 0 with multipliers >= 0 and sum of multipliers * h > 0."""

    multipliers: dict[int, Fraction]


def project(
    center: Sequence[Fraction], rows: Sequence[Row], offsets: Sequence[Fraction]
) -> Projection | Empty | None:
    """The nearest point, or why there is none; None after MAX_STEPS steps."""
    point = list(center)
    active: list[int] = []
    weights: list[Fraction] = []
    steps = 0
    while True:
        tick()
        violated = next(
            (i for i, row in enumerate(rows) if i not in active and dot(row, point) < offsets[i]),
            None,
        )
        if violated is None:
            squares = sum(((x - c) ** 2 for x, c in zip(point, center, strict=True)), ZERO)
            kept = {i: w for i, w in zip(active, weights, strict=True) if w}
            return Projection(point, squares, kept)
        gained = ZERO
        while True:
            tick()
            steps += 1
            if steps > MAX_STEPS:
                return None
            parts, rest = _split(rows[violated], [rows[i] for i in active])
            reach = dot(rest, rest)
            shrinking = [
                (w / r, k) for k, (w, r) in enumerate(zip(weights, parts, strict=True)) if r > 0
            ]
            partial = min(shrinking, default=None)
            full = (offsets[violated] - dot(rows[violated], point)) / reach if reach else None
            if partial is None and full is None:
                multipliers = {i: -r for i, r in zip(active, parts, strict=True) if r}
                return Empty({**multipliers, violated: Fraction(1)})
            blocked = partial is not None and (full is None or partial[0] < full)
            step = partial[0] if blocked and partial is not None else full
            if step is None:
                return None
            point = [x + step * d for x, d in zip(point, rest, strict=True)]
            weights = [w - step * r for w, r in zip(weights, parts, strict=True)]
            gained += step
            if blocked and partial is not None:
                del active[partial[1]], weights[partial[1]]
                continue
            active.append(violated)
            weights.append(gained)
            break


def project_large(
    center: Sequence[Fraction], rows: Sequence[Row], offsets: Sequence[Fraction]
) -> Projection | Empty | None:
    """The same for large programs: by non-negative least squares (Lawson and Hanson's LDP), made
    exact where the active rows that they find are the right ones.

    Else the multipliers are dyadic and prove what they prove; the point is near the polyhedron.
    """
    c = float_vector(list(center))
    matrix = np.array([float_vector(row) for row in rows])
    gaps = np.array([to_float(h - dot(row, center)) for row, h in zip(rows, offsets, strict=True)])
    scale = np.linalg.norm(matrix, axis=1)
    scale[scale == 0] = 1
    matrix, gaps = matrix / scale[:, None], gaps / scale
    left = np.vstack([matrix.T, gaps])
    right = np.zeros(len(left))
    right[-1] = 1
    from scipy.optimize import nnls  # takes long to import, and few questions need it

    try:
        dual, residual = nnls(left, right, maxiter=20 * len(left))
    except RuntimeError:
        return None
    rest = left @ dual - right
    multipliers = {i: Fraction(float(w / scale[i])) for i, w in enumerate(dual) if w > 0}
    if residual < 1e-9:
        return Empty(multipliers)
    exact = _project_onto(center, rows, offsets, list(multipliers))
    if exact is not None:
        return exact
    offset = -rest[:-1] / rest[-1]
    factor = Fraction(float(-1 / rest[-1]))
    point = [Fraction(float(x)) for x in c + offset]
    distance = Fraction(float(offset @ offset))
    return Projection(point, distance, {i: w * factor for i, w in multipliers.items()})


def _project_onto(
    center: Sequence[Fraction], rows: Sequence[Row], offsets: Sequence[Fraction], active: list[int]
) -> Projection | None:
    """The projection on the polyhedron if exactly these rows are active there, else None."""
    normals = [rows[i] for i in active]
    gram = [[dot(a, b) for b in normals] for a in normals]
    gaps = [offsets[i] - dot(rows[i], center) for i in active]
    try:
        weights = solve_exactly(gram, gaps)
    except ZeroDivisionError:
        return None
    point = list(center)
    for weight, normal in zip(weights, normals, strict=True):
        point = [x + weight * g for x, g in zip(point, normal, strict=True)]
    if min(weights) < 0 or any(dot(g, point) < h for g, h in zip(rows, offsets, strict=True)):
        return None
    squares = sum(((x - c) ** 2 for x, c in zip(point, center, strict=True)), ZERO)
    return Projection(point, squares, {i: w for i, w in zip(active, weights, strict=True) if w})


def dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True) if a and b), ZERO)


def _split(row: Row, active: list[Row]) -> tuple[list[Fraction], Row]:
    """row = sum of parts[k] * active[k] + rest, rest orthogonal to the active rows, which are
    independent."""
    if not active:
        return [], list(row)
    gram = [[dot(a, b) for b in active] for a in active]
    parts = solve_exactly(gram, [dot(a, row) for a in active])
    rest = list(row)
    for part, a in zip(parts, active, strict=True):
        rest = [q - part * b for q, b in zip(rest, a, strict=True)]
    return parts, rest
