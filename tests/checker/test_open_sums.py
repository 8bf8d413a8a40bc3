"""A leaf with a multiplier of the ball proves its bound and nothing beyond it; on an open ball the
bound itself if the multiplier is positive, and then it is true by the oracle."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import both
from tests.oracles.leaf_bounds import random_split
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import number, random_region
from tests.oracles.reference import check_reference
from tests.oracles.reference_ridge import ReferenceUnivariate
from tests.oracles.ridge_networks import separable_network
from verifier.evidence.certificate import InputSplit, Leaf, Node, PlaneSplit, Robust, SeparableStep
from verifier.question.query import Atom, Goal, Query

F = Fraction


def above(value, sign, strict):
    return Goal((Atom((), ((0, F(sign)),), -value, strict),), "0")


def bounds_of(query, tree, monkeypatch):
    """What the leaves of a tree that is accepted give for their forms, one after another, None if
    a branch is empty; read off the reference."""
    found = []
    compute = ReferenceUnivariate.lower_bound

    def noted(self, *arguments):
        found.append(compute(self, *arguments))
        return found[-1]

    with monkeypatch.context() as patch:
        patch.setattr(ReferenceUnivariate, "lower_bound", noted)
        check_reference(query, Robust((), (tree,)))
    return found[-sum(isinstance(node.body, Leaf) for node in tree) :]


def closes_at_zero(seed, monkeypatch):
    """Checks one proof at its bound and beside it; the kinds of answers."""
    rng = Random(seed)
    network = separable_network(rng, rng.randint(1, 2))
    region = random_region(rng, network.inputs, rng.choice(("1", "2")))
    if not region.size:
        return set()
    sign, far = rng.choice((-1, 1)), F(10**9)
    t = rng.choice((F(0), abs(number(rng, "halves")), F(rng.randint(1, 40), 8)))
    units = network.units.count
    slopes = {v: F(rng.randint(0, 2), 2) for v in range(units) if rng.random() < 0.3}
    steps = (SeparableStep((F(0), t)),) if rng.random() < 0.4 else ()
    body = Leaf({0: F(1)}, slopes, ball=t)
    asked = Query(network, region, (above(far, sign, False),))
    tree = (Node(steps, body),)
    if rng.random() < 0.4:
        split = random_split(rng, asked)
        if isinstance(split, PlaneSplit | InputSplit):
            tree = (Node(steps, split), Node((), body), Node((), body))
    assert both(asked, Robust((), (tree,))) == "accepted"
    bounds = bounds_of(asked, tree, monkeypatch)
    if len(tree) > 1:
        return answers_of_two(asked, tree, {far - bound for bound in bounds if bound is not None})
    return set() if bounds[0] is None else answers(asked, tree, far - bounds[0], t)


def answers_of_two(query, tree, thresholds):
    """At the bound of one of two leaves, whatever closes is true."""
    found = set()
    for value in thresholds:
        for is_open in (False, True):
            asked = at_threshold(query, value, is_open, False)
            if both(asked, Robust((), (tree,))) == "accepted":
                assert find_flip(asked) is None
                found.add(f"split, open {is_open}")
    return found


def at_threshold(query, value, is_open, strict):
    (atom,) = query.goals[0].atoms
    region = replace(query.region, open=is_open)
    goal = Goal((replace(atom, constant=-value, strict=strict),), "0")
    return Query(query.network, region, (goal,))


def answers(query, tree, at, t):
    """At the bound of the only leaf and a hair beside it."""
    found = set()
    hair = F(1, 10**30)
    for is_open in (False, True):
        for strict in (False, True):
            for value, closes in (
                (at + hair, True),
                (at, strict or (is_open and t > 0)),
                (at - hair, False),
            ):
                asked = at_threshold(query, value, is_open, strict)
                flaw = both(asked, Robust((), (tree,)))
                assert flaw == ("accepted" if closes else "bound too weak"), (value - at, flaw)
                if closes and value == at:
                    assert find_flip(asked) is None
                    tight = find_flip(at_threshold(query, at, False, False)) is not None
                    found.add(f"open {is_open}, strict {strict}" + (", tight" if tight else ""))
    return found


def try_bounds(seeds, monkeypatch):
    found = {}
    for seed in seeds:
        for kind in closes_at_zero(seed, monkeypatch):
            found[kind] = found.get(kind, 0) + 1
    return found


def test_what_a_leaf_with_a_multiplier_of_the_ball_proves(monkeypatch):
    found = try_bounds(range(150), monkeypatch)
    assert found["open True, strict False"] >= 20, found
    assert found["open True, strict False, tight"] >= 1, found
    assert found["split, open True"] >= 5, found


@pytest.mark.slow
def test_what_five_thousand_leaves_with_a_multiplier_of_the_ball_prove(monkeypatch):
    print(try_bounds(range(1000, 6000), monkeypatch))
