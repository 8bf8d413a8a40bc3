"""Exact radii by the proved kernel: true pairs of every norm, and none on another ball."""

from fractions import Fraction

import pytest

from tests.oracles.proved_kernel import kernel_folder, proved_flaw
from tests.oracles.radius_pairs import NORMS, PAIRS, at_distance
from verifier.evidence.certificate import Flip, Radius

F = Fraction


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))


def test_true_pairs_of_every_norm():
    counts = dict.fromkeys(NORMS, 0)
    for query, radius in PAIRS:
        assert proved_flaw(query, radius) == "accepted"
        counts[query.region.norm] += 1
    assert min(counts.values()) >= 8, counts


@pytest.mark.parametrize("factor", [F(1001, 1000), F(1000, 1001)])
def test_no_pair_holds_on_another_ball(factor):
    for query, radius in PAIRS[::2]:
        other = at_distance(query, query.region.size * factor)
        assert proved_flaw(other, radius) == "refused by the proved kernel"


def test_a_point_inside_shows_no_radius():
    for query, radius in PAIRS[:6]:
        inside = Flip(query.region.center, radius.flip.goal)
        assert proved_flaw(query, Radius(radius.proof, inside)) == "refused by the proved kernel"
