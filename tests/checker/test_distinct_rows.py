"""Distinct rows are found by a hash, and where two rows have the same one without it."""

import numpy as np

from verifier.checker.ridge_tables import distinct_rows


def test_rows_of_the_same_hash_are_told_apart():
    first, second = ((6364136223846793005 ** (k + 1) % 2**63) | 1 for k in range(2))
    rows = [[0, first], [second, 0]]  # both have the hash first * second
    with np.errstate(over="ignore"):
        hashes = (np.array(rows) * np.array([first, second])).sum(axis=1)
    assert hashes[0] == hashes[1]
    table = np.array([rows[0], rows[1], rows[0], [7, 7], rows[1]])
    distinct, numbers = distinct_rows(table)
    assert len(distinct) == 3 and numbers.shape == (5,)
    assert (distinct[numbers] == table).all()
