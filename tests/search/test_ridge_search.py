"""The multipliers and splits that the search finds for sums of functions of one direction each."""

from fractions import Fraction
from random import Random

import pytest

from constructions.registry import build
from tests.oracles.random_data import random_data
from tests.oracles.reference import check_reference
from verifier.checker.intervals import interval_bounds
from verifier.checker.replay import replay
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import InputSplit, Lemma, MaximaStep, Robust, SumsStep
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.ridge_sums import SeparableSearch
from verifier.search.deep.simplest import shortened, simplest

F = Fraction


def checker_of(query):
    scaled = scaled_for(query.network, [query])
    return TreeChecker(query, scaled, interval_bounds(scaled, [query.region])[0])


def ball_query(name, dataset, sample, ratio):
    construction = build(name, dataset, ratio=ratio)
    region = ball(construction.norm, dataset.point(sample), construction.budget)
    goals = construction.goals(int(dataset.labels[sample]), dataset.classes)
    return Query(construction.network, region, goals)


def test_the_simplest_fraction_has_the_least_denominator():
    rng = Random(0)
    for _ in range(300):
        low = F(rng.randint(1, 400), rng.randint(1, 60))
        high = low + F(rng.randint(0, 30), rng.randint(1, 900))
        found = simplest(low, high)
        assert low <= found <= high
        for below in range(1, found.denominator):
            assert -(-low.numerator * below // low.denominator) > high * below


def test_a_multiplier_that_is_a_fraction_is_found_again():
    assert shortened(0.0) == [0]
    for value in (F(1), F(9, 484), F(22**2, 7**2), F(1, 324)):
        assert value in shortened(float(value))


@pytest.mark.parametrize("name", ["l1", "l2", "l2-serial", "l2-parallel", "l2-shallow"])
def test_steps_alone_prove_a_ball_in_ten_dimensions(name):
    """A few lemmas about the own test and one multiplier for the whole network: no splits, and both
    checkers agree."""
    query = ball_query(name, random_data(2, 3, 10, 3), 1, F(9, 10))
    propagation = Propagation(checker_of(query))
    assert propagation.run()
    steps = propagation.steps
    assert 1 <= len(steps) <= 34 and sum(isinstance(s, SumsStep) for s in steps) <= 2
    assert all(len(step.tree) == 1 for step in steps if isinstance(step, Lemma))
    proof = Robust(tuple(propagation.steps), tuple(t for t in propagation.trees if t is not None))
    replay(query, proof)
    check_reference(query, proof)


@pytest.mark.parametrize("name", ["l1", "l3-shallow"])
def test_sums_that_matter_may_be_far(name):
    """Of sums in the order of their values at the center the one in the middle matters to nobody,
    and one behind it does."""
    rows = {
        "l1": ([(1, 35), (25, 44), (42, 17), (5, 34), (0, 39)], [1, 1, 0, 0, 1], 0),
        "l3-shallow": ([(3, 1), (51, 5), (1, 5), (2, 22), (6, 25)], [1, 0, 1, 1, 1], 1),
    }
    points, labels, sample = rows[name]
    dataset = Dataset.from_rows("few", points, labels)
    propagation = Propagation(checker_of(ball_query(name, dataset, sample, F(99, 100))))
    assert propagation.run()
    assert [type(step) for step in propagation.proof().steps] == [Lemma, SumsStep, MaximaStep]


def test_sums_that_bend_down_are_split_where_they_do():
    """min(2u, 2) for both inputs on the ball of radius 0.12 around (1.05, 1.05): the least sum is
    3.86, one multiplier of the ball shows 3.856, and a chain of splits at 1 what is left."""
    for threshold, lemmas in ((F(385, 100), 0), (F(3858, 1000), 1), (F(387, 100), 0)):
        net = NetworkBuilder(2)
        x, y = net.inputs
        parts = net.layer([x, x - 1, y, y - 1])
        (total,) = net.layer([2 * (parts[0] - parts[1] + parts[2] - parts[3])])
        (rise,) = net.layer([threshold - total])
        goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")  # rise > 0
        region = ball("2", [F(21, 20)] * 2, F(3, 25))
        query = Query(net.network([rise]), region, (goal,))
        propagation = Propagation(checker_of(query))
        search = SeparableSearch(propagation.checker, None)
        search.run()
        trees = [step.tree for step in search.steps if isinstance(step, Lemma)]
        assert len(trees) == lemmas
        for tree in trees:
            splits = {node.body for node in tree if isinstance(node.body, InputSplit)}
            assert splits == {InputSplit(0, F(1)), InputSplit(1, F(1))}
        proved = propagation.run()
        assert proved == (threshold < F(386, 100))
        if proved:
            trees_of_goals = tuple(tree for tree in propagation.trees if tree is not None)
            check_reference(query, Robust((*search.steps, *propagation.steps), trees_of_goals))
