"""Leaves that are put off are accepted and refused like the others, flaw by flaw."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.checkers import both, guess
from tests.oracles.maxima_networks import checker_of
from tests.oracles.naive_prover import prove
from tests.oracles.random_queries import random_query
from verifier.checker import put_off, replay
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.put_off import PutOff
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PlaneSplit,
    Robust,
    SymbolicStep,
    UnitSplit,
)
from verifier.question.build import NetworkBuilder
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction
HALF = Node((), Leaf(slopes={0: F(1, 2), 1: F(1, 2)}))


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    prepare(monkeypatch)


def prepare(monkeypatch):
    """All leaves are put off; the mutation suite calls this too, which knows no other fixtures."""
    monkeypatch.setattr(replay, "MANY", 0)
    monkeypatch.setattr(put_off, "fits", lambda network: True)


def asked(norms, seed, **limits):
    """A random query about a region of such a norm."""
    while (query := random_query(seed, **limits)).region.norm not in norms:
        seed += 10_000
    return query


@pytest.mark.parametrize("norms", ["inf", "12"])
@pytest.mark.parametrize("block", range(4))
def test_true_proofs_are_accepted(block, norms):
    for seed in range(50 * block, 50 * block + 50):
        query = asked((norms, *norms), seed)
        proof = prove(query, Random(seed) if seed % 2 else None)
        if proof is not None:
            assert both(query, proof) == "accepted", seed


@pytest.mark.parametrize("norms", ["inf", "12"])
@pytest.mark.parametrize("block", range(4))
def test_guessed_proofs_are_accepted_by_all_or_by_none(block, norms):
    flaws = set()
    for seed in range(100 * block, 100 * block + 100):
        query, rng = asked((norms, *norms), seed, max_units=5), Random(seed)
        flaws.update(both(query, guess(rng, query)) for _ in range(3))
    assert flaws == {"accepted", "bound too weak"}


def tent(least="1/10", *, strict=False, region=None):
    """x+ + y+ - x - y >= 2 + least on [-1, 1]^2, where it is at most 2: two units."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([sum(build.layer([x, y]), -1 * x - y)])
    goal = Goal((Atom((), ((0, F(1)),), -2 - F(least), strict),), "0")
    region = region or box([F(-1), F(-1)], [F(1), F(1)])
    return Query(network, region, (goal,))


def answer(query, *nodes, steps=()):
    return both(query, Robust(steps, (nodes,)))


def test_a_leaf_closes_from_zero_on_as_its_rule_says():
    for strict, least, flaw in (
        (False, F(1, 10**30), "accepted"),
        (False, F(0), "bound too weak"),
        (True, F(0), "accepted"),
        (True, -F(1, 10**30), "bound too weak"),
    ):
        assert answer(tent(least, strict=strict), HALF) == flaw


def test_flaws_are_named_as_for_leaves_in_their_place():
    query, above = tent(), Lemma(0, True, F(1), (Node((), Leaf()),))
    for leaf, flaw in (
        (Leaf(slopes={2: F(1)}), "index out of range"),
        (Leaf(slopes={0: F(1), 2: F(1)}), "index out of range"),
        (Leaf(slopes={0: F(1)}, bounds={2: F(1)}), "index out of range"),
        (Leaf(bounds={2: F(1)}), "index out of range"),
        (Leaf(atoms={1: F(1)}), "index out of range"),
        (Leaf(atoms={0: F(1), 1: F(1)}), "index out of range"),
        (Leaf(cuts={0: F(1)}), "index out of range"),
        (Leaf(box={2: F(1)}), "index out of range"),
        (Leaf(ball=F(1)), "no ball"),
        (Leaf(usual=True), "accepted"),
        (Leaf(atoms={0: F(0)}), "bound too weak"),
        (HALF.body, "accepted"),
    ):
        assert answer(query, Node((), leaf)) == flaw, leaf
    for leaf in (Leaf(atoms={0: F(1)}), Leaf(atoms={})):
        lemma = Lemma(0, True, F(1), (Node((), leaf),))
        flaw = "atoms in a lemma" if leaf.atoms else "accepted"
        assert answer(query, HALF, steps=(lemma,)) == flaw
    false = Lemma(0, True, F(9, 10), (Node((), Leaf()),))
    assert answer(query, HALF, steps=(above, false)) == "bound too weak"


def test_each_leaf_has_its_own_multipliers_of_the_atoms():
    """The first atom is false everywhere, and the second true: the leaf of a first goal, or of the
    first branch of a goal, says nothing of the next one."""
    query = tent(F(-9))
    ((true,),) = (goal.atoms for goal in query.goals)
    goal = Goal((*tent().goals[0].atoms, true), "both")
    first, second = (Node((), Leaf(atoms={k: F(1)}, usual=True)) for k in (0, 1))
    split = Node((), InputSplit(0, F(0)))
    for leaves in ((first, first), (first, second), (second, first)):
        flaw = "accepted" if second not in leaves else "bound too weak"
        query = Query(query.network, query.region, (goal,))
        assert answer(query, split, *leaves) == flaw
    query = Query(query.network, query.region, (tent().goals[0], Goal((true,), "1")))
    assert both(query, Robust((), ((HALF,), (HALF,)))) == "bound too weak"


def test_one_false_leaf_among_many_is_found():
    """In whatever batch and place."""
    count = put_off.TOGETHER
    for total in (1, count - 1, count, count + 1, 2 * count):
        lemmas = [Lemma(0, True, F(1), (Node((), Leaf()),))] * total
        assert answer(tent(), HALF, steps=tuple(lemmas)) == "accepted"
        for place in {0, total // 2, total - 1}:
            wrong = [*lemmas]
            wrong[place] = Lemma(0, True, F(9, 10), (Node((), Leaf()),))
            assert answer(tent(), HALF, steps=tuple(wrong)) == "bound too weak"


def test_leaves_below_cuts_and_of_balls_are_computed_in_their_place(monkeypatch):
    put = []
    old = PutOff.put
    monkeypatch.setattr(PutOff, "put", lambda *given: put.append(old(*given)) or put[-1])
    split = Node((), PlaneSplit(((0, F(1)), (1, F(1))), F(0)))
    assert answer(tent(), split, HALF, HALF) == "accepted"
    assert put == [False, False]
    center = [F(0), F(0)]
    assert answer(tent(region=ball("3", center, F(1))), HALF) == "accepted"
    assert put == [False, False]
    for norm in ("inf", "1", "2"):
        assert answer(tent(region=ball(norm, center, F(1))), HALF) == "accepted"
    assert put == [False, False, True, True, True]


@pytest.mark.parametrize("norm", ["1", "2"])
def test_a_leaf_of_a_ball_closes_from_zero_on_as_its_rule_says(norm):
    """x + y on the ball around (1/2, 1/2), where it is at most 2 (of norm 1: 3/2); and, with the
    share of x on its box, x <= 1/2, where it is at most 3/2."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    off = build.layer([x * 0 - 1])[0]  # networks without units have no proofs of many leaves
    network, center = build.network([x + y + off]), [F(1, 2)] * 2
    size = {"radius_squared": F(1, 2)} if norm == "2" else {"radius": F(1, 2)}
    clipped = ball(norm, center, F(1, 2), clip=([F(0)] * 2, [F(1, 2), F(2)]))
    share = Leaf(box={0: F(-1)})
    for region, leaf, most in (
        (ball(norm, center, **size), Leaf(), F(2) if norm == "2" else F(3, 2)),
        (clipped, share, F(3, 2)),
    ):
        for over in (F(1, 10**6), F(1, 10**30), F(0), F(-1, 10**30)):
            for strict in (False, True):
                goal = Goal((Atom((), ((0, F(1)),), -most - over, strict),), "0")
                closes = over > 0 or (strict and over == 0)
                found = answer(Query(network, region, (goal,)), Node((), leaf))
                assert found == ("accepted" if closes else "bound too weak")
    beyond = Query(network, clipped, (Goal((Atom((), ((0, F(1)),), F(-9), False),), "0"),))
    assert answer(beyond, Node((), Leaf(box={2: F(1)}))) == "index out of range"


STEPS = (
    Lemma(0, True, F(3, 4), (Node((), InputSplit(0, F(1, 2))), HALF, HALF)),
    Lemma(1, False, F(-1), (Node((), Leaf()),)),
    SymbolicStep(),
    MaximaStep(),
)


@pytest.mark.parametrize("seed", range(60))
def test_the_bounds_that_are_kept_are_those_of_the_branch(seed, monkeypatch):
    """Whatever was tightened and undone before, in trees and in trees of lemmas within them."""
    rng, query, seen = Random(seed), tent(), []

    def compared(self, leaf, target):
        now, fresh = self._now(), self._all_ends()
        for name in ("lower", "upper", "box_lower", "box_upper"):
            assert getattr(now, name).tolist() == getattr(fresh, name).tolist()
        opened = (now.lower < 0) & (now.upper > 0)  # of others they are not read
        for name in ("below", "above"):
            assert getattr(now, name)[opened].tolist() == getattr(fresh, name)[opened].tolist()
        seen.append(True)
        return True

    def tree(depth):
        steps = tuple(rng.choices(STEPS, k=rng.choice((0, 0, 1, 2))))
        if not depth:
            return (Node(steps, Leaf()),)
        split = rng.choice((UnitSplit(0), UnitSplit(1), InputSplit(1, F(rng.randint(-3, 3), 4))))
        return (Node(steps, split), *tree(depth - 1), *tree(depth - 1))

    monkeypatch.setattr(PutOff, "put", compared)
    checker = checker_of(query)
    checker.put_off_leaves()
    for _ in range(3):
        for step in rng.choices(STEPS, k=rng.choice((0, 1))):
            checker.apply(step)
        checker.refute(tree(rng.randint(0, 3)), query.goals[0])
    assert seen


def test_leaves_are_counted_in_all_trees():
    lemma = Lemma(0, True, F(1), (Node((), UnitSplit(1)), HALF, HALF))
    inner = Node((lemma, SymbolicStep()), Leaf())
    assert replay.leaves_of(Robust((lemma, inner.steps[0]), ((inner,), (HALF,)))) == 8


def test_few_leaves_are_not_put_off(monkeypatch):
    counted = []
    monkeypatch.setattr(replay.TreeChecker, "put_off_leaves", lambda self: counted.append(1))
    for many, times in ((2, 0), (1, 1)):
        monkeypatch.setattr(replay, "MANY", many)
        assert answer(tent(), HALF) == "accepted"
        assert len(counted) == times


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("high", [False, True])
def test_the_branch_beyond_a_flat_input_is_empty_to_all(monkeypatch, many, high):
    """x = 1 everywhere, so u = relu(x) stands in rows as a number, and not where a split says that
    x <= 0 (or x >= 2): there z_u + y is below 3/2 (or above 3), as nothing is."""
    monkeypatch.setattr(replay, "MANY", many)
    build = NetworkBuilder(2)
    x, y = build.inputs
    (u,) = build.layer([x])
    (top,) = build.layer([u + y])
    network = build.network([top])
    never = Goal((Atom((), ((0, F(1)),), F(-3), False),), "never")
    query = Query(network, box([F(1), F(0)], [F(1), F(1)]), (never,))
    leaf = Node((), Leaf())
    empty = Node((Lemma(1, not high, F(2 if high else 1), (leaf,)),), Leaf())
    sides = (leaf, empty) if high else (empty, leaf)
    tree = (Node((), InputSplit(0, F(2 * high))), *sides)
    proof = Robust((Lemma(0, True, F(1), tree),), ((leaf,),))
    assert both(query, proof) == "accepted"


def test_layers_without_units(monkeypatch):
    monkeypatch.undo()
    one = np.array([1], dtype=np.int64)
    for layers in ((0, 1), (1, 0), (0, 1, 0)):
        units, outputs = (
            Rows(np.array([0, 1], dtype=np.int64), one * k, one, one * 0, one) for k in (0, 1)
        )
        network = Network(1, layers, units, outputs)
        never = Goal((Atom((), ((0, F(1)),), F(-5), False),), "never")
        query = Query(network, box([F(-1)], [F(1)]), (never,))
        leaf = Node((), Leaf())
        proof = Robust((Lemma(0, True, F(3), (leaf,)),) * replay.MANY, ((leaf,),))
        assert both(query, proof) == "accepted"
        kernel_check_proof(query, proof)
        assert not put_off.fits(network)
