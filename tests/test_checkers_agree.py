"""Reference and fast checker give the same answer, flaw and all, to true and false proofs."""

from fractions import Fraction
from random import Random

import pytest

from tests.naive_prover import prove
from tests.oracle import find_flip
from tests.random_queries import random_query
from verifier.builder import NetworkBuilder
from verifier.trusted.certificate import (
    Flip,
    InputSplit,
    Leaf,
    Node,
    Robust,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
)
from verifier.trusted.errors import RefusedError
from verifier.trusted.fast import check_fast
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.reference import check_reference
from verifier.trusted.region import ball, box

F = Fraction


def answer(check, query, verdict):
    """The flaw, or "accepted"."""
    try:
        check(query, verdict)
    except RefusedError as error:
        return error.flaw
    return "accepted"


def both(query, verdict):
    slow, fast = answer(check_reference, query, verdict), answer(check_fast, query, verdict)
    assert slow == fast, (slow, fast, verdict)
    return slow


def guess(rng, query):
    """A proof of one leaf a goal with random slopes and multipliers: mostly false."""
    units, inputs = query.network.units.count, query.network.inputs

    def some(count, draw, chance):
        return {k: draw() for k in range(count) if rng.random() < chance}

    def leaf(goal):
        ends = (F(0), F(1), F(rng.randint(0, 4), 4), F(rng.random()))
        return Leaf(
            some(len(goal.atoms), lambda: F(rng.randint(0, 3)), 0.8),
            some(units, lambda: rng.choice(ends), 0.6),
            some(units, lambda: F(rng.randint(-3, 3), 2), 0.15),
            {},
            some(inputs, lambda: F(rng.randint(-3, 3), 2), 0.2),
        )

    return Robust((), tuple((Node((), leaf(goal)),) for goal in query.goals))


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
    assert flaws == {"accepted", "bound too weak", "slope too steep"}


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


def symbolic_guess(rng, query, depth):
    """Random splits with symbolic steps and leaves: the bounds are those of the checker."""
    units, inputs = query.network.units.count, query.network.inputs

    def tree(goal, depth):
        steps = (SymbolicStep(),) if rng.random() < 0.3 else ()
        if depth == 0 or rng.random() < 0.2:
            body = SymbolicLeaf(rng.randrange(len(goal.atoms))) if rng.random() < 0.8 else Leaf()
            return (Node(steps, body),)
        if units and rng.random() < 0.5:
            split = UnitSplit(rng.randrange(units))
        else:
            k = rng.randrange(inputs)
            low, high = query.region.lower[k], query.region.upper[k]
            split = InputSplit(k, low + (high - low) * F(rng.randint(1, 3), 4))
        return (Node(steps, split), *tree(goal, depth - 1), *tree(goal, depth - 1))

    return Robust((), tuple(tree(goal, depth) for goal in query.goals))


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
