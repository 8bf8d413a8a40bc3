"""Exact products of long integers with a matrix of integers, by limbs of 16 bits.

sum over i of f_i W_ij, where f_i = sum over k of f_ik 2^(16 k) and W_ij = sum over l of
W_ijl 2^(16 l), with limbs |f_ik|, |W_ijl| < 2^16 of the sign of their number. For each l, all
sum over i of f_ik W_ijl are one product of float64 matrices: partial sums stay below
rows * 2^32 <= 2^53, so that they are exact in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BITS = 16
MOST_ROWS = 1 << 20  # 20 + 2 * 16 bits: even sums over all limbs of W stay far below 2^63
Float = NDArray[np.float64]
Int = NDArray[np.int64]


class LimbMatrix:
    """A matrix of integers of any length, (rows, columns), which is not changed."""

    def __init__(self, matrix: NDArray[np.object_]) -> None:
        if len(matrix) > MOST_ROWS:
            raise ValueError(f"{len(matrix)} rows, more than {MOST_ROWS}")
        limbs = _limbs(matrix.ravel().tolist())  # (entries, limbs)
        self.columns = matrix.shape[1]
        self._limbs = [
            np.ascontiguousarray(limbs[:, k]).reshape(matrix.shape) for k in range(limbs.shape[1])
        ]

    def times(self, factors: Sequence[int]) -> list[int]:
        """The sums over rows i of factors[i] * matrix[i, j], for every column j."""
        left = np.ascontiguousarray(_limbs(factors).T)  # (limbs, rows)
        total = np.zeros((len(left) + len(self._limbs) + 4, self.columns), dtype=np.int64)
        for k, part in enumerate(self._limbs):
            total[k : k + len(left)] += (left @ part).astype(np.int64)
        return _numbers(total)


def _limbs(numbers: Sequence[int]) -> Float:
    """The limbs of each, (numbers, limbs), the lowest first, with the sign of the number."""
    longest = max((abs(n).bit_length() for n in numbers), default=0)
    size = max(1, -(-longest // BITS))
    packed = b"".join(abs(n).to_bytes(2 * size, "little") for n in numbers)
    limbs = np.frombuffer(packed, dtype="<u2").reshape(len(numbers), size).astype(np.float64)
    limbs[np.array([n < 0 for n in numbers], dtype=bool)] *= -1
    return limbs


def _numbers(total: Int) -> list[int]:
    """sum over k of total[k] 2^(16 k) by column; the last rows are zero, to hold what is carried,
    which is below 2^63 / 2^16 at every step."""
    carry = np.zeros(total.shape[1], dtype=np.int64)
    digits = np.empty((total.shape[1], len(total)), dtype="<u2")
    for k, row in enumerate(total):
        carried = row + carry
        digits[:, k] = carried & 0xFFFF
        carry = carried >> BITS
    packed, size = digits.tobytes(), 2 * len(total)
    return [
        int.from_bytes(packed[k : k + size], "little", signed=True)
        for k in range(0, len(packed), size)
    ]
