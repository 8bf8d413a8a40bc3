"""Trees of single units: what they prove is accepted, more rounds prove more, and no refuted branch
is gone on with."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

from tests.oracles.checkers import both
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Leaf, Lemma, Node, Robust
from verifier.question.build import NetworkBuilder, chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball
from verifier.search.bounds.float_leaf import LeafBounds
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.trees.forest import Forest
from verifier.search.trees.nodes import Nodes
from verifier.search.trees.phases import PhaseTree
from verifier.search.trees.tightening import lemmas, short

SIZES = (4, 9, 9, 9, 1)


def query_of(seed, norm="inf"):
    random = np.random.default_rng(seed)
    network = chain_from_floats(
        [random.normal(size=shape) for shape in zip(SIZES[1:], SIZES, strict=False)],
        [random.normal(size=rows) / 2 for rows in SIZES[1:]],
    )
    goal = Goal((Atom((), ((0, F(1)),), -F(10**6), False),), "high")
    return Query(network, ball(norm, [F(0)] * SIZES[0], F(1)), (goal,))


def checker_of(query):
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])


def trees_of(query, rounds, first, last):
    checker, network = checker_of(query), FloatNetwork(query.network)
    tree = PhaseTree(query, checker, network, None)
    asked = [
        Lemma(v, upper, F(0), ())
        for v in range(first, last)
        if checker.undecided(v)
        for upper in (False, True)
    ]
    targets = [network.target(lemma) for lemma in asked]
    atoms = np.vstack([form for form, _ in targets]), np.concatenate([c for _, c in targets])
    bounds = LeafBounds(query, network, atoms, tree.lower, tree.upper, tree.box)
    return Forest(bounds, asked, rounds).grow()


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_what_a_tree_proves_is_accepted_and_not_much_more(rounds, norm):
    query = query_of(1, norm)
    goal = (Node((), Leaf(usual=True)),)
    for found in trees_of(query, rounds, 18, 27):
        assert len(found.leaves) <= rounds + 1
        bound = F(-found.value if found.asked.upper else found.value)
        for more, flaw in ((F(0), "accepted"), (F(1, 1000), "bound too weak")):
            moved = bound + (-more if found.asked.upper else more)
            moved = short(moved, upper=found.asked.upper)
            lemma = replace(found.asked, bound=moved, tree=found.tree)
            assert both(query, Robust((lemma,), (goal,))) == flaw


def test_more_rounds_prove_more_and_the_same_every_time():
    query = query_of(2)
    few, more, again = (trees_of(query, rounds, 18, 27) for rounds in (1, 12, 12))
    assert [found.asked for found in few] == [found.asked for found in more]
    assert all(a.value <= b.value + 1e-5 for a, b in zip(few, more, strict=True))
    assert sum(b.value - a.value for a, b in zip(few, more, strict=True)) > 1
    assert [(found.value, found.tree) for found in more] == [
        (found.value, found.tree) for found in again
    ]


def test_trees_of_a_decided_unit_grow_no_more():
    """After a unit is decided on one side, neither of its trees is split again."""
    for few, more in zip(
        *(trees_of(query_of(3), rounds, 18, 27) for rounds in (6, 40)), strict=True
    ):
        if few.value >= 0:
            assert more.tree == few.tree


@pytest.mark.parametrize("believing", [True, False])
def test_lemmas_are_accepted_in_their_order(believing):
    query = query_of(4)
    checker, network = checker_of(query), FloatNetwork(query.network)
    found = [
        lemma
        for rounds in (0, 3)
        for lemma in lemmas(query, checker, network, None, believing=believing, rounds=rounds)
    ]
    assert {len(lemma.tree) for lemma in found} >= {1, 3, 7}
    assert both(query, Robust(tuple(found), ((Node((), Leaf(usual=True)),),))) == "accepted"


def test_units_without_an_output_or_an_input_are_left_alone():
    build = NetworkBuilder(2)
    x, y = build.inputs
    first = build.layer([x + y, x + y + F(1, 2), 0 * x - 1])
    near = first[0] - first[1] + F(1, 4)
    second = build.layer([near, 2 * near, first[2] * 1])
    network = build.network([second[0] + second[2]])
    goal = Goal((Atom((), ((0, F(1)),), -F(9), False),), "high")
    query = Query(network, ball("inf", [F(0), F(0)], F(1)), (goal,))
    found = lemmas(query, checker_of(query), FloatNetwork(network), None, rounds=1)
    assert {lemma.unit for lemma in found} == {3}


def test_what_is_part_of_a_refuted_branch_is_refuted():
    nodes = Nodes(np.arange(3))
    low, high = nodes.split(0, 0)
    below, above = nodes.split(low, 1)
    assert not any(nodes.is_closed(index) for index in (0, low, high, below, above))
    nodes[high].leaf, nodes[high].used = Leaf(), np.zeros(3, dtype=np.int8)
    nodes.settle(high)  # that refutation holds of the other side as well
    assert all(nodes.is_closed(index) for index in (0, low, high, below, above))
