"""What is known of a margin before any tree: proved from below at the root, seen at a point.

The margin of a query at a point is minus the largest, over the goals, of a goal's least atom: it is
positive where no goal is satisfied, and the label is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction

import numpy as np

from verifier.checker.fixed_point import supports
from verifier.checker.leaf import LeafChecker
from verifier.checker.scaled import evaluate
from verifier.question.query import Query
from verifier.search.attack import best_points, into_region
from verifier.search.bounds.floats import fits, float_network
from verifier.search.clock import LateError, tick

Vector = tuple[Fraction, ...]


def proved_margin(query: Query, checker: LeafChecker) -> Fraction | None:
    """A number that the margin is nowhere below, by symbolic bounds of the whole region; None where
    they do not apply. `checker` is in its root state."""
    if not supports(query.network) or not query.goals:
        return None
    branches = checker.branches([checker.snapshot()])
    branches.between = tick
    branches.tighten()
    atoms = [atom for goal in query.goals for atom in goal.atoms]
    count = len(atoms)
    values, shifts, _ = branches.minima(
        branches.symbolic.atom_targets(atoms), np.zeros(count, dtype=np.int64), np.arange(count)
    )
    pairs = zip(values.tolist(), shifts.tolist(), strict=True)
    below = iter([Fraction(value) / Fraction(2) ** shift for value, shift in pairs])
    least: Fraction = min(max(next(below) for _ in goal.atoms) for goal in query.goals)
    return least


def seen_margin(query: Query, seed: int, *, steps: int = 40) -> tuple[Fraction, Vector, int]:
    """The least exact margin among the middle of the region and one point a goal that ascents of so
    many steps find, the first of these points that has it, and the goal whose atoms are largest
    there."""
    region = query.region
    sides = zip(region.center or region.lower, region.lower, region.upper, strict=True)
    points = [tuple(min(max(x, low), high) for x, low, high in sides)]
    if fits(query.network):
        with np.errstate(all="ignore"):
            network = float_network(query.network)
            with suppress(LateError):  # the points seen so far will do
                for goal in range(len(query.goals)):
                    best = best_points(query, network, goal, seed=seed, steps=steps)
                    finite = [p for p in best.tolist() if np.isfinite(p).all()]
                    points += [tuple(map(Fraction, p)) for p in finite]
    moved = [into_region(region, list(point)) for point in points]
    return lowest(query, [point for point in moved if point is not None])


def lowest(query: Query, points: Sequence[Vector]) -> tuple[Fraction, Vector, int]:
    """The least exact margin among these points of the region, of which there is one at least, the
    first point that has it, and the goal."""
    found = [
        (-min(atom.value(point, outputs) for atom in goal.atoms), point, number)
        for point, outputs in zip(points, evaluate(query.network, points), strict=True)
        for number, goal in enumerate(query.goals)
    ]
    return min(found, key=lambda each: each[0])
