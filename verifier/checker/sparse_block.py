"""A matrix of integers of which few are not zero: rows that are picked, and exact products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
AT_ONCE = 1 << 20  # terms of a product that are held together


@dataclass(frozen=True, slots=True, eq=False)
class SparseBlock:
    """values[k] stands at (rows[k], columns[k]); rows do not decrease, no place comes twice."""

    height: int
    width: int
    rows: Int
    columns: Int
    values: Int

    @staticmethod
    def of(height: int, width: int, rows: Int, columns: Int, values: Int) -> SparseBlock:
        """The same, from places in any order."""
        order = np.lexsort((columns, rows))
        return SparseBlock(height, width, rows[order], columns[order], values[order])

    def take(self, rows: Int) -> Int:
        """These rows, dense."""
        begin, end = (np.searchsorted(self.rows, rows, side) for side in ("left", "right"))
        sizes = end - begin
        owner = np.repeat(np.arange(len(rows)), sizes)
        at = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + begin[owner]
        dense = np.zeros((len(rows), self.width), dtype=np.int64)
        dense[owner, self.columns[at]] = self.values[at]
        return dense

    def only(self, rows: Int) -> SparseBlock:
        """These rows, which increase, and no other."""
        place = np.full(self.height, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.rows] >= 0
        return SparseBlock(
            len(rows), self.width, place[self.rows[kept]], self.columns[kept], self.values[kept]
        )

    def product(self, left: Int) -> Int:
        """left @ self in int64, where the caller knows that all sums fit."""
        result = np.zeros((len(left), self.width), dtype=np.int64)
        if not len(self.values):
            return result
        order = np.lexsort((self.rows, self.columns))
        rows, values = self.rows[order], self.values[order]
        filled, starts = np.unique(self.columns[order], return_index=True)
        size = max(1, AT_ONCE // len(values))
        for k in range(0, len(left), size):
            terms: Any = left[k : k + size, rows]
            terms *= values
            result[k : k + size, filled] = np.add.reduceat(terms, starts, axis=1)
        return result
