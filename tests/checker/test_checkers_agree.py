"""Reference and fast checker give the same answer, flaw and all, to true and false proofs."""

from random import Random

import pytest

from tests.oracles.checkers import F, both, guess, symbolic_guess
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Node,
    Robust,
)
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box


@pytest.mark.parametrize("block", range(10))
def test_true_proofs_are_accepted_and_flips_too(block):
    for seed in range(100 * block, 100 * block + 100):
        query = random_query(seed)
        flip = find_flip(query)
        proof = prove(query, Random(seed) if seed % 2 else None)
        assert (flip is None) == (proof is not None), seed
        if proof is not None:
            assert both(query, proof) == "accepted", seed
            center = query.region.center or query.region.lower
            assert both(query, Flip(center, 0)) in ("no flip", "outside")
        else:
            goal, point = flip
            assert both(query, Flip(point, goal)) == "accepted", seed


@pytest.mark.parametrize("block", range(10))
def test_guessed_proofs_are_never_wrong(block):
    flaws = set()
    for seed in range(100 * block, 100 * block + 100):
        query, rng = random_query(seed, max_units=5), Random(seed)
        for _ in range(3):
            flaw = both(query, guess(rng, query))
            flaws.add(flaw)
            if flaw == "accepted":
                assert find_flip(query) is None, seed
                break
    assert flaws == {"accepted", "bound too weak"}


def test_a_bound_of_zero_closes_a_strict_atom_and_not_a_weak_one():
    build = NetworkBuilder(1)
    network = build.network([build.layer([build.inputs[0]])[0] * -1 + 1])  # 1 - max(x, 0)
    proof = Robust((), ((Node((), Leaf()),),))
    for region in (box([F(-1)], [F(1)]), ball("1", [F(0)], F(1)), ball("2", [F(0)], F(1))):
        for strict, expected in ((True, "accepted"), (False, "bound too weak")):
            goal = Goal((Atom((), ((0, F(-1)),), F(0), strict),), "0")  # -output >= 0
            query = Query(network, region, (goal,))
            slopes = Robust((), ((Node((), Leaf(slopes={0: F(1, 2)}, box={})),),))
            assert both(query, proof) == expected
            assert both(query, slopes) == expected if region.norm == "inf" else True
            assert (find_flip(query) is None) == strict


def test_symbolic_proofs_agree_and_are_never_wrong():
    flaws = set()
    for seed in range(250):
        query, rng = random_query(seed, max_units=6), Random(seed)
        for depth in (0, 1, 3):
            flaw = both(query, symbolic_guess(rng, query, depth))
            flaws.add(flaw)
            if flaw == "accepted":
                assert find_flip(query) is None, seed
                break
    assert flaws == {"accepted", "bound too weak"}
