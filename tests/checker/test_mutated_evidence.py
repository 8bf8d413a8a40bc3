"""Random edits of true evidence: refused, or still true by the oracle. Nothing else happens."""

import pytest

from tests.oracles.edits import every_changed_byte, try_edits, try_run_edits


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the search, in floats
def test_a_few_hundred_edits():
    counts = try_edits(range(100), 6)
    assert counts["accepted"] >= 30 and counts["bound too weak"] >= 30
    assert len(counts) >= 8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the search, in floats
@pytest.mark.parametrize("block", range(4))
def test_ten_thousand_edits(block):
    counts = try_edits(range(1000 + 250 * block, 1250 + 250 * block), 10)
    print(dict(counts))
    assert sum(counts.values()) == 2500


def test_a_few_hundred_edits_of_runs():
    counts = try_run_edits(range(60), 6)
    assert min(counts[k] for k in ("not sealed again: refused", "sealed again: refused")) >= 30
    assert counts["sealed again: true of some samples"] >= 60


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_ten_thousand_edits_of_runs(block):
    counts = try_run_edits(range(1000 + 250 * block, 1250 + 250 * block), 10)
    print(dict(counts))
    assert sum(counts.values()) == 2500


@pytest.mark.parametrize("seed", range(12))
def test_every_changed_byte_of_a_run_is_noticed(seed):
    every_changed_byte(seed)
