"""Which rows of a layer are equal: networks that were constructed repeat few rows very often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
AT_ONCE = 1 << 20  # entries that are compared together, about
ODD = 6364136223846793005, 3202034522624059733, 1442695040888963407


def first_of_equal(starts: Int, indices: Any, weights: Any, constants: Any) -> Int:
    """For each row the first one with the same entries and the same constant.

    Row k has the entries from starts[k] on, at least one; numbers have at most 64 bits. Rows are
    told apart by a hash, and each is compared with the first of its hash: one that differs from
    it, by chance, counts as the only one of its kind.
    """
    counts = np.diff(starts, append=len(indices))
    _, found, inverse = np.unique(
        _hashes(starts, indices, weights, constants), return_index=True, return_inverse=True
    )
    first: Int = found[inverse]
    later = np.flatnonzero(first != np.arange(len(starts)))
    later = _kept(first, later, counts[later] == counts[first[later]])
    later = _kept(first, later, constants[later] == constants[first[later]])
    for part in np.array_split(later, 1 + int(counts[later].sum()) // AT_ONCE):
        own, other = (ranges(starts[rows], counts[part]) for rows in (part, first[part]))
        equal = (indices[own] == indices[other]) & (weights[own] == weights[other])
        owner = np.repeat(np.arange(len(part)), counts[part])
        _kept(first, part, np.bincount(owner[~equal], minlength=len(part)) == 0)
    return first


def _hashes(starts: Int, indices: Any, weights: Any, constants: Any) -> Int:
    mixed = indices.astype(np.int64)
    mixed *= ODD[0]
    mixed += weights * ODD[1]
    mixed ^= mixed >> 29
    mixed *= ODD[2]
    mixed ^= mixed >> 32
    sums: Int = np.add.reduceat(mixed, starts) + constants * ODD[0]
    return sums


def _kept(first: Int, rows: Int, equal: NDArray[np.bool_]) -> Int:
    """Those of the rows that are equal to the first of their hash; the others have no other."""
    first[rows[~equal]] = rows[~equal]
    return rows[equal]


def ranges(begins: Int, counts: Int) -> Int:
    """The numbers from begins[0] on, counts[0] of them, then those from begins[1] on, .."""
    return np.repeat(begins - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
