"""Random labelled points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.data.dataset import Dataset


def random_data(
    seed: int, size: int, dimension: int, classes: int, spread: int = 40, denominator: int = 1
) -> Dataset:
    """Distinct points with entries that are multiples of 1 / `denominator`, labels in turn."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(-spread, spread, (3 * size, dimension)), axis=0)
    points = rng.permutation(points)[:size]
    rows = [[Fraction(entry, denominator) for entry in row] for row in points.tolist()]
    return Dataset.from_rows("random", rows, [k % classes for k in range(size)])
