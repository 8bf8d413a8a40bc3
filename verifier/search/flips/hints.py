"""Points worth a look before any search: where differently labelled samples pull a ball."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import Norm, Region
from verifier.search.attack import into_region

Vector = tuple[Fraction, ...]


def nearest_rivals(
    points: Points, sample: int, norm: Norm, reach: Fraction, count: int = 8
) -> list[Vector]:
    """The `count` differently labelled samples nearest to `sample`, within distance `reach`; for
    norm 2 `reach` is the square of a distance. Nearest first, ties by number."""
    others = np.flatnonzero(points.labels != points.labels[sample])
    differences = np.abs(points.numerators[others] - points.numerators[sample])
    if norm == "inf":
        distances, unit = differences.max(axis=1), points.denominator
    elif norm == "1":
        distances, unit = differences.sum(axis=1), points.denominator
    else:
        distances = (differences.astype(object) ** 2).sum(axis=1)
        unit = points.denominator**2
    near = [k for k in np.argsort(distances, kind="stable")[:count] if distances[k] <= reach * unit]
    return [points.point(int(others[k])) for k in near]


def extremes(region: Region) -> list[Vector]:
    """The center and two opposite corners of the region's box; a ball pulls them inside."""
    middle = tuple((low + high) / 2 for low, high in zip(region.lower, region.upper, strict=True))
    return [region.center or middle, region.lower, region.upper]


def flips_at_hints(
    network: Network, queries: Sequence[Query], hints: Sequence[Sequence[Vector]]
) -> dict[int, Flip]:
    """By query number a flip at one of its hints, moved into the region; exact."""
    wanted: list[tuple[int, Vector]] = []
    for number, (query, points) in enumerate(zip(queries, hints, strict=True)):
        for point in points:
            moved = into_region(query.region, list(point))
            if moved is not None:
                wanted.append((number, moved))
    outputs = evaluate(network, [point for _, point in wanted])
    flips: dict[int, Flip] = {}
    for (number, point), values in zip(wanted, outputs, strict=True):
        for goal, asked in enumerate(queries[number].goals):
            if number not in flips and all(atom.holds(point, values) for atom in asked.atoms):
                flips[number] = Flip(point, goal)
    return flips
