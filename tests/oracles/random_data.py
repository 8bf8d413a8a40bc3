"""Random labelled points."""

from __future__ import annotations

import numpy as np

from verifier.data.dataset import Dataset


def random_data(seed: int, size: int, dimension: int, classes: int, spread: int = 40) -> Dataset:
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(-spread, spread, (3 * size, dimension)), axis=0)
    points = rng.permutation(points)[:size]
    return Dataset.from_rows("random", points.tolist(), [k % classes for k in range(size)])
