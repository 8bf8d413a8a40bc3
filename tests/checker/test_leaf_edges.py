"""Leaves where a rule turns: units that are hardly undecided, lines equally near, weights that are
none; and the products of rows with matrices by either way."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import both
from tests.oracles.kernel import kernel_answer
from tests.oracles.maxima_networks import checker_of
from verifier.checker import leaf as rules
from verifier.checker.leaf import _product, usual_slope
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import USUAL_BITS, Leaf, Node, Robust, Weight
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def above(value, low=-1, high=1, factor=1):
    """factor * x+ >= value on [low, high]."""
    build = NetworkBuilder(1)
    network = build.network([build.layer([build.inputs[0]])[0] * factor])
    goal = Goal((Atom((), ((0, F(1)),), -F(value), False),), "above")
    return Query(network, box([F(low)], [F(high)]), (goal,))


def answers(query, leaf):
    proof = Robust((), ((Node((), leaf),),))
    flaw = both(query, proof)
    assert kernel_answer(query, proof) == flaw
    return flaw


def test_the_search_asks_whether_a_leaf_would_close():
    for value, closes in ((F(1), False), (F(1) + F(1, 10**9), True)):
        query = above(value)
        assert checker_of(query).closes(Leaf(usual=True), query.goals[0]) is closes


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-2, 1), (-1, 2), (-1, 0), (0, 1), (0, 0)])
def test_a_unit_is_undecided_between_bounds_of_two_signs(low, high):
    """Also where they are the least integers that have them; the usual chord is then exact."""
    query = above(high + F(1, 2**20), low, high)
    checker = checker_of(query)
    assert checker.undecided(0) == (low < 0 < high)
    assert answers(query, Leaf(usual=True)) == "accepted"
    assert answers(above(high, low, high), Leaf(usual=True)) == "bound too weak"


def test_the_usual_line_from_below_is_the_nearer_one_and_of_equal_ones_that_of_a():
    for coefficient in (1, 7):
        assert usual_slope(coefficient, -1, 1) == 1
        assert usual_slope(coefficient, -2, 1) == 0
        assert usual_slope(coefficient, -1, 2) == 1
    assert usual_slope(-1, -1, 1) == F(1, 2)
    assert usual_slope(-5, -2, 1) == F(2**USUAL_BITS // 3, 2**USUAL_BITS)
    # -x+ >= value on [-1, 1], by x+ >= x alone: at x = -1 that is a bound of 1.
    for value, flaw in ((F(1), "bound too weak"), (F(1) + F(1, 10**9), "accepted")):
        assert answers(above(value, factor=-1), Leaf(usual=True)) == flaw


def test_weights_of_a_leaf_are_tested():
    """x+ + y+ on the ball of norm 2 around 0: shares may be 1 each, and no more."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([sum(build.layer([x, y]), 0 * x)])
    goal = Goal((Atom((), ((0, F(1)),), -F(8, 5), False),), "above")
    query = Query(network, ball("2", [F(0), F(0)], F(1)), (goal,))
    for shares, flaw in (
        ((1, 1), "accepted"),
        ((F(1, 4), F(1, 4)), "bound too weak"),
        ((F(1001, 1000), 1), "weights"),
        ((1, 2), "weights"),
    ):
        weights = tuple(
            Weight(((k, F(1)),), F(share), F(1)) for k, share in enumerate(shares)
        )  # fmt: skip
        found = answers(query, Leaf(ball=F(1), weights=weights))
        assert found == flaw or (flaw == "weights" and found not in ("accepted", "bound too weak"))
    beyond = (Weight(((0, F(1)),), F(1, 2), F(1)), Weight(((2, F(1)),), F(1, 2), F(1)))
    assert answers(query, Leaf(ball=F(1), weights=beyond)) == "index out of range"


def test_products_with_a_layer_are_those_of_the_definition(monkeypatch):
    """Few entries by Python's integers, many by limbs."""
    for seed in range(12):
        rng = Random(seed)
        build = NetworkBuilder(3)
        units = build.layer(
            [sum((x * rng.choice((1, -3, 2**40)) for x in build.inputs), build.inputs[0] * 1) + 1
             for _ in range(6)]
        )  # fmt: skip
        above_them = build.layer([sum((u * rng.randint(1, 9) for u in units), 0 * units[0])] * 4)
        layers = ScaledNetwork(build.network(above_them), 1).full_layers
        assert layers is not None
        for layer in layers:
            places = sorted(rng.sample(range(layer.last - layer.first), rng.randint(1, 4)))
            factors = [rng.choice((-1, 5, 3**60)) for _ in places]
            columns = range(len(layer.variables))
            expected = [
                sum(f * int(layer.weights[p][j]) for p, f in zip(places, factors, strict=True))
                for j in columns
            ]
            for least in (0, 1, 1 << 11):
                monkeypatch.setattr(rules, "BY_LIMBS", least)
                assert _product(layer, places, factors) == expected
