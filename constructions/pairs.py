"""The close pairs of differently labelled samples, which decide what a projection must keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verifier.data.dataset import Dataset
from verifier.evidence.data_file import Points
from verifier.question.network import Integers

LONGEST = 480  # bits, of numbers that are squared in floats


def pair_differences(dataset: Dataset | Points, most: int = 400) -> NDArray[np.object_]:
    """Differences of each sample to its nearest differently labelled one, the shortest first.

    In units of 1 / denominator; Python integers, shape (number, n).
    """
    points = in_floats(dataset.numerators)[0]
    squares = (points * points).sum(axis=1)
    pairs: dict[tuple[int, int], float] = {}
    for i in range(dataset.size):
        gaps = squares + squares[i] - 2 * points @ points[i]
        gaps[dataset.labels == dataset.labels[i]] = np.inf
        j = int(np.argmin(gaps))
        pairs[min(i, j), max(i, j)] = float(gaps[j])
    chosen = sorted(pairs, key=lambda pair: (pairs[pair], pair))[:most]
    exact = dataset.numerators.astype(object)
    result: NDArray[np.object_] = np.array([exact[i] - exact[j] for i, j in chosen], dtype=object)
    return result


def in_floats(numbers: Integers) -> tuple[NDArray[np.float64], int]:
    """The numbers over 2^shift, and the shift, which lets sums of their squares fit in floats."""
    longest = int(np.abs(numbers).max(initial=0)).bit_length()
    shift = max(0, longest - LONGEST)
    kept = numbers.astype(object) >> shift if shift else numbers
    return kept.astype(np.float64), shift
