"""Products by limbs are those of Python's integers."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from verifier.checker import limbs
from verifier.checker.limbs import LimbMatrix


def number(rng, bits):
    return rng.choice(
        (0, 1, -1, 2**bits, -(2**bits), 2**bits - 1, rng.randint(-(2**bits), 2**bits))
    )


@pytest.mark.parametrize("bits", [1, 15, 16, 17, 31, 32, 62, 63, 64, 300])
@pytest.mark.parametrize("seed", range(6))
def test_products(bits, seed):
    rng = Random(f"{bits} {seed}")
    rows, columns = rng.randint(1, 9), rng.randint(1, 5)
    matrix = np.empty((rows, columns), dtype=object)
    for i in range(rows):
        matrix[i] = [number(rng, rng.choice((3, bits))) for _ in range(columns)]
    factors = [number(rng, rng.choice((3, 16, 200))) for _ in range(rows)]
    assert LimbMatrix(matrix).times(factors) == list(np.array(factors, dtype=object) @ matrix)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sums(sign):
    """All limbs as large as they get, in many rows."""
    matrix = np.full((4096, 2), 2**64 - 1, dtype=object)
    factors = [sign * (2**160 - 1)] * 4096
    assert LimbMatrix(matrix).times(factors) == [sign * 4096 * (2**64 - 1) * (2**160 - 1)] * 2


def test_rows_are_so_many_that_no_sum_overflows(monkeypatch):
    matrix = np.full((3, 1), 7, dtype=object)
    monkeypatch.setattr(limbs, "MOST_ROWS", 3)
    assert LimbMatrix(matrix).times([1, 2, 3]) == [42]
    monkeypatch.setattr(limbs, "MOST_ROWS", 2)
    with pytest.raises(ValueError, match="3 rows, more than 2"):
        LimbMatrix(matrix)
