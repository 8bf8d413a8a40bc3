"""Sparse matrices of integers do what dense ones do."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from verifier.checker import sparse_block
from verifier.checker.sparse_block import SparseBlock


@pytest.mark.parametrize("seed", range(60))
def test_rows_and_products_are_those_of_the_dense_matrix(seed, monkeypatch):
    monkeypatch.setattr(sparse_block, "AT_ONCE", 16)
    rng = Random(seed)
    height, width = rng.randint(1, 9), rng.randint(1, 9)
    cells = [divmod(k, width) for k in range(height * width) if rng.random() < seed % 4 / 4]
    rng.shuffle(cells)
    at = np.array(cells, dtype=np.int64).reshape(-1, 2)
    values = np.array([rng.choice((-1, 1)) * rng.randint(1, 2**23) for _ in cells], dtype=np.int64)
    dense = np.zeros((height, width), dtype=np.int64)
    dense[at[:, 0], at[:, 1]] = values
    block = SparseBlock.of(height, width, at[:, 0], at[:, 1], values)
    everywhere = np.arange(height)
    assert np.array_equal(block.take(everywhere), dense)
    picked = np.array([rng.randrange(height) for _ in range(5)])
    assert np.array_equal(block.take(picked), dense[picked])
    some = np.array([row for row in range(height) if rng.random() < 0.5], dtype=np.int64)
    assert np.array_equal(block.only(some).take(np.arange(len(some))), dense[some])
    left = np.array([[rng.randint(-(2**22), 2**22) for _ in range(height)] for _ in range(7)])
    assert np.array_equal(block.product(left), left @ dense)
    assert np.array_equal(block.only(some).product(left[:, some]), left[:, some] @ dense[some])
