"""Flips of a construction at exact points of the balls: a sample of what the verifier proves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from constructions.construction import Construction
from constructions.spheres import Point, ball_points
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class SampledFlip:
    """At `point`, in the closed ball of `sample`, the network does not answer the label."""

    sample: int
    point: Point
    outputs: tuple[Fraction, ...]


def sampled_flips(
    construction: Construction,
    dataset: Dataset,
    *,
    radius: Fraction | None = None,
    count: int = 8,
    seed: int = 0,
    samples: list[int] | None = None,
) -> list[SampledFlip]:
    """The flips among `count` exact directions on each ball, of radius `budget` unless given."""
    rng = np.random.default_rng(seed)
    radius = construction.budget if radius is None else radius
    marked = [
        (i, point)
        for i in (range(dataset.size) if samples is None else samples)
        for point in ball_points(dataset.point(i), construction.norm, radius, count, rng)
    ]
    values = evaluate(construction.network, [point for _, point in marked])
    flips = []
    for (sample, point), outputs in zip(marked, values, strict=True):
        goals = construction.goals(int(dataset.labels[sample]), dataset.classes)
        if any(all(atom.holds(point, outputs) for atom in goal.atoms) for goal in goals):
            flips.append(SampledFlip(sample, point, tuple(outputs)))
    return flips
