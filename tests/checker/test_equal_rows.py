"""Equal rows are found by a hash, and rows of one hash that differ are told apart."""

from random import Random

import numpy as np
import pytest

from verifier.checker import equal_rows
from verifier.checker.equal_rows import first_of_equal


def arrays(rows):
    """Starts, indices, weights and constants of rows, each of entries and a constant."""
    counts = [len(entries) for entries, _ in rows]
    indices, weights = zip(*(entry for entries, _ in rows for entry in entries), strict=True)
    starts = np.cumsum([0, *counts[:-1]])
    return (
        starts,
        np.array(indices, dtype=np.int32),
        np.array(weights),
        np.array([c for _, c in rows]),
    )


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
@pytest.mark.parametrize("hashed", [True, False])
def test_the_first_equal_row(monkeypatch, at_once, hashed):
    """Of all rows; where all have one hash, of those that equal the very first."""
    monkeypatch.setattr(equal_rows, "AT_ONCE", at_once)
    if not hashed:
        monkeypatch.setattr(equal_rows, "_hashes", lambda starts, *rest: np.zeros(len(starts)))
    for seed in range(40):
        rng, edge = Random(seed), 2**62
        kinds = []
        for _ in range(8):
            entries = [(rng.randint(0, 2), rng.choice((1, -1, edge))) for _ in range(1 + seed % 3)]
            kinds.append((tuple(sorted(entries)), rng.choice((0, 1, -edge))))
        rows = [rng.choice(kinds) for _ in range(rng.randint(1, 30))]
        first = {row: k for k, row in reversed(list(enumerate(rows)))}
        wanted = [first[row] if hashed or not first[row] else k for k, row in enumerate(rows)]
        assert first_of_equal(*arrays(rows)).tolist() == wanted, seed


def test_each_number_of_a_row_tells_it_apart(monkeypatch):
    monkeypatch.setattr(equal_rows, "_hashes", lambda starts, *rest: np.zeros(len(starts)))
    row = ((3, 5), (4, 6)), 7
    for other in ((((2, 5), (4, 6)), 7), (((3, 5), (4, 7)), 7), (row[0], 8), (((3, 5),), 7)):
        assert first_of_equal(*arrays([row, other, row])).tolist() == [0, 1, 0]
