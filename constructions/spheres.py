"""Exact rational points of a ball, to sample a theorem where it is tight."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.question.errors import UserError
from verifier.question.region import Norm

Point = tuple[Fraction, ...]


def unit_vector(parameters: list[Fraction]) -> list[Fraction]:
    """The rational point (2t, |t|^2 - 1) / (|t|^2 + 1) of the L2 unit sphere."""
    square = sum((t * t for t in parameters), Fraction(0))
    return [*(2 * t / (square + 1) for t in parameters), (square - 1) / (square + 1)]


def directions(dimension: int, norm: Norm, count: int, rng: np.random.Generator) -> list[Point]:
    """Exact vectors of norm 1: random corners of the unit cube, or vertices and random points of
    the unit cross-polytope or sphere; for p >= 3 the unit vectors +-e_k and smaller vectors."""
    found: list[Point] = []
    for _ in range(count):
        if norm == "inf":
            found.append(tuple(Fraction(int(s)) for s in rng.choice((-1, 1), dimension)))
            continue
        axis = [Fraction(0)] * dimension
        axis[int(rng.integers(dimension))] = Fraction(int(rng.choice((-1, 1))))
        found.append(tuple(axis))
        raw = [Fraction(int(v), 8) for v in rng.integers(-12, 13, dimension)]
        if norm == "2":
            found.append(tuple(unit_vector(raw[:-1])))
        elif norm == "1":
            total = sum(abs(v) for v in raw) or Fraction(1)
            found.append(tuple(v / total for v in raw))
        else:
            found.append(tuple(v / (2 * dimension) for v in raw))
    return found


def ball_points(
    centre: Point, norm: Norm, radius: Fraction, count: int, rng: np.random.Generator
) -> list[Point]:
    """The centre and exact points of the closed ball, most of them on its boundary."""
    if radius < 0:
        raise UserError(f"radius {radius} is negative")
    rays = directions(len(centre), norm, count, rng)
    return [
        centre,
        *(tuple(c + radius * d for c, d in zip(centre, ray, strict=True)) for ray in rays),
    ]
