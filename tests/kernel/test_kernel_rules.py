"""What a leaf proves by the kernel: its exact bound, and nothing beyond; open balls, weights."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.oracles.checkers import both
from tests.oracles.kernel import kernel_answer
from tests.oracles.leaf_bounds import exact_leaves
from verifier.evidence.certificate import Leaf, Node, Robust, Weight
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_leaves_prove_their_bound_and_nothing_beyond(norm):
    for seed in range(60):
        exact_leaves(seed, norm, kernel_answer)


def all_agree(query, proof):
    flaw = both(query, proof)
    assert kernel_answer(query, proof) == flaw
    return flaw


def squares(weights, threshold, norm="2", strict=False, is_open=False, t=1):
    """relu(x0 + x1) + relu(x0) <= threshold on the unit ball around 0, by this leaf."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([sum(build.layer([x + y, x]), 0 * x)])
    goal = Goal((Atom((), ((0, F(1)),), -threshold, strict),), "above")
    query = Query(network, ball(norm, [F(0), F(0)], F(1), open=is_open), (goal,))
    return query, Robust((), ((Node((), Leaf(ball=F(t), weights=weights)),),))


ALONG, ACROSS = ((0, F(1)),), ((0, F(1)), (1, F(1)))


def test_selberg_weights_are_tested_and_used():
    """s_d sum_e |d . e| w_e <= w_d for e_0 and (1, 1), whose products are 1, 1, 2: with s = 1/2
    and 1/3 and equal w it is sharp. The bound of -form is -t - 1/(4 t s) - 1/(4 t s'), t = 2."""
    sharp = (Weight(ALONG, F(1, 2), F(1)), Weight(ACROSS, F(1, 3), F(1)))
    bound = 2 + F(1, 4) + F(3, 8)
    assert all_agree(*squares(sharp, bound + F(1, 10**9), t=2)) == "accepted"
    assert all_agree(*squares(sharp, bound, strict=True, t=2)) == "accepted"
    assert all_agree(*squares(sharp, bound, t=2)) == "bound too weak"
    assert all_agree(*squares(sharp, bound, is_open=True, t=2)) == "accepted"
    assert all_agree(*squares(sharp, bound - F(1, 10**9), strict=True, t=2)) == "bound too weak"
    other = (Weight(ALONG, F(1, 2) + F(1, 10**9), F(1)), sharp[1])
    assert all_agree(*squares(other, F(9))) == "weights too large"
    other = (sharp[0], Weight(ACROSS, F(1, 3) + F(1, 10**9), F(1)))
    assert all_agree(*squares(other, F(9))) == "weights too large"
    scaled = (Weight(ALONG, F(1, 3), F(1)), Weight(ACROSS, F(2, 5), F(2)))  # 1+2 <= 1/s, (1+4)/2
    assert all_agree(*squares(scaled, F(9))) == "accepted"
    for wrong in (Weight(ALONG, F(1, 2)), Weight(ALONG, F(1, 2), F(1, 2))):
        assert all_agree(*squares((wrong, sharp[1]), F(9))) in ("malformed", "weights too large")


def test_column_sums_are_tested_and_used():
    """p = 1: columns of s d are at most 1. For t = 2 and s = 1/2, 1/2 each slope is 1 = t s: the
    minimum of each -phi + |u| is 0, so that the bound is -2; with t = 4 it is -4."""
    sharp = (Weight(ALONG, F(1, 2)), Weight(ACROSS, F(1, 2)))
    assert all_agree(*squares(sharp, F(2), "1", strict=True, t=2)) == "accepted"
    assert all_agree(*squares(sharp, F(2), "1", t=2)) == "bound too weak"
    assert all_agree(*squares(sharp, F(4), "1", strict=True, t=4)) == "accepted"
    assert all_agree(*squares(sharp, F(3), "1", strict=True, t=4)) == "bound too weak"
    other = (Weight(ALONG, F(1, 2)), Weight(ACROSS, F(1, 2) + F(1, 10**9)))
    assert all_agree(*squares(other, F(9), "1")) == "weights too large"
    scaled = (Weight(ALONG, F(1, 2), F(1)), Weight(ACROSS, F(1, 2), F(1)))
    assert all_agree(*squares(scaled, F(9), "1")) == "malformed"


def test_directions_that_are_not_named_and_those_that_are_not_read():
    one = (Weight(ACROSS, F(1, 2), F(1)),)  # x0 has weight 0: its phi is bounded on its interval
    bound = 1 + 1 + F(1, 2)
    assert all_agree(*squares(one, bound, strict=True)) == "accepted"
    assert all_agree(*squares(one, bound)) == "bound too weak"
    third = (
        Weight(ALONG, F(1, 3), F(1)),
        Weight(ACROSS, F(1, 4), F(1)),
        Weight(((1, F(1)),), F(1, 2), F(1)),
    )
    assert all_agree(*squares(third, F(9))) == "accepted"
    beyond = (Weight(((2, F(1)),), F(1), F(1)),)
    assert all_agree(*squares(beyond, F(9))) == "index out of range"
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-9), False),), "above")
    boxed = Query(network, box([F(0)], [F(1)]), (goal,))
    leaf = Leaf(ball=F(0), weights=(Weight(ALONG, F(1)),))
    assert all_agree(boxed, Robust((), ((Node((), leaf),),))) == "malformed"


def test_a_negative_share_of_the_ball_is_refused():
    sharp = (Weight(ALONG, F(1, 2), F(1)), Weight(ACROSS, F(1, 3), F(1)))
    assert all_agree(*squares(sharp, F(9), t=-1)) == "negative multiplier"


def test_a_unit_that_reads_inputs_and_the_first_unit_lies_on_no_direction():
    """z1 = relu(x0 + x1 + z0) is eliminated, and not taken for a function of x0 + x1."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (first,) = build.layer([x])
    network = build.network(build.layer([x + y + first]))
    goal = Goal((Atom((), ((0, F(1)),), F(-5, 2), False),), "above")
    query = Query(network, box([F(-1), F(-1)], [F(1), F(1)]), (goal,))  # it is 3 at (1, 1)
    leaf = Leaf(ball=F(0), slopes={1: F(1)})
    assert all_agree(query, Robust((), ((Node((), leaf),),))) == "bound too weak"
