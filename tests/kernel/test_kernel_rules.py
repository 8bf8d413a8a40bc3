"""What a leaf proves by the kernel: its exact bound, and nothing beyond; open balls, weights."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from tests.oracles.checkers import both
from tests.oracles.kernel import kernel_answer, kernel_flaw
from tests.oracles.leaf_bounds import exact_leaves
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, Weight, parse_certificate
from verifier.evidence.network_file import network_bytes
from verifier.kernel import ridge
from verifier.kernel.network import Network
from verifier.kernel.question import Region, root_upper
from verifier.kernel.rules import default_slope, rests
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
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


def raw_answer(weights, norm="2", ball=2):
    """Of a leaf with these weights as JSON, by the kernel; the fast reader has to agree."""
    query, _ = squares((), F(9), norm)
    text = {
        "robmem": 2, "verdict": "robust", "network": query.network.digest, "steps": [],
        "goals": [[{"leaf": {"ball": ball, "weights": weights}}]],
    }  # fmt: skip
    data = json.dumps(text, sort_keys=True).encode()
    found = kernel_flaw(query, data)
    try:
        replay(query, parse_certificate(data, query.network.digest))
    except RefusedError as flaw:
        assert found != "accepted", flaw
    else:
        assert found == "accepted"
    return found


def test_weights_are_sorted_directions_with_shares():
    along, across = [[[0, 1]], "1/2", 1], [[[0, 1], [1, 1]], "1/3", 1]
    assert raw_answer([along, across]) == raw_answer([across]) == "accepted"
    assert raw_answer([[along[0], 0, 1], across]) == "accepted"
    for weights in (
        [],
        [across, along],
        [along, along],
        [across, across],
        [along, [[[0, 2], [1, 2]], "1/12", 1]],  # the first entry is not 1
        [along, [[[0, -1], [1, 1]], "1/3", 1]],
        [along, [[[0, 1], [1, 0]], "1/3", 1]],
        [along, [[], "1/3", 1]],
        [[[], "1/3", 1], along],
        [along, [[[1, 1], [0, 1]], "1/3", 1]],
        [along, [across[0], "1/3"]],
        [along, [across[0], "1/3", 1, 1]],
        [along, {"0": 1}],
        "",
        None,
    ):
        assert raw_answer(weights) == "malformed", weights
        assert raw_answer(weights, ball=0) == "malformed", weights
    for weights in ([along, [across[0], "-1/3", 1]], [along, [across[0], "1/3", 0]],
                    [along, [across[0], "1/3", -1]], [[along[0], "-1/2", -1], across]):  # fmt: skip
        assert raw_answer(weights) == "negative multiplier", weights


def test_products_of_directions_are_sums_over_their_inputs():
    """(1, 1) and (1, -1) are orthogonal: each may have its whole share, 1/2, and no more."""
    both_ways = [[[[0, 1], [1, -1]], "1/2", 1], [[[0, 1], [1, 1]], "1/2", 1]]
    assert raw_answer(both_ways) == "accepted"
    both_ways[0][1] = "501/1000"
    assert raw_answer(both_ways) == "weights too large"
    along = [[[0, 1]], "1/2", 1]
    lines = [along, [[[0, 1], [1, 1]], "1/3", 1], [[[1, 1]], "1/2", 1]]
    assert raw_answer(lines) == "weights too large"  # 1 + 1 + 2 with each other
    lines[1][1] = "1/4"
    assert raw_answer(lines) == "accepted"


def test_the_sum_of_columns_takes_absolute_entries():
    lines = [[[[0, 1], [1, -1]], "1/2"], [[[0, 1], [1, 1]], "1/2"]]
    assert raw_answer(lines, "1") == "accepted"
    lines[0][1] = "501/1000"
    assert raw_answer(lines, "1") == "weights too large"
    assert raw_answer([[[[0, 1], [1, 2]], "1/2"]], "1") == "accepted"
    assert raw_answer([[[[0, 1], [1, 2]], "501/1000"]], "1") == "weights too large"


def test_a_function_has_at_most_4096_pieces(monkeypatch):
    assert ridge.MOST_POINTS == 2**12
    query, proof = squares((Weight(ALONG, F(1, 2), F(1)), Weight(ACROSS, F(1, 3), F(1))), F(9), t=2)
    monkeypatch.setattr(ridge, "MOST_POINTS", 3)  # both ends and the kink of relu(x0)
    assert kernel_answer(query, proof) == "accepted"
    monkeypatch.setattr(ridge, "MOST_POINTS", 2)
    assert kernel_answer(query, proof) == "too many pieces"


FOUR = F(4)


class Inputs:
    """As much of a network as intervals of directions ask for."""

    inputs = 3


def interval(norm, d, sides, cuts=(), size=FOUR):
    """On the ball of this size around (1, 0, -1), within the box that has these sides."""
    center = [F(1), F(0), F(-1)]
    region = Region(norm, list(sides[0]), list(sides[1]), center, size, clipped=True)
    middle = sum(g * center[k] for k, g in d) if norm != "inf" else F(0)
    return ridge.Ridges(Inputs(), 3).interval(d, middle, region, sides, cuts)


WIDE = [F(-50)] * 3, [F(70)] * 3
PLAIN, MIXED = ((1, F(1)),), ((0, F(1)), (1, F(-2)), (2, F(1, 2)))


def test_where_a_direction_lies_on_a_box_and_on_a_ball():
    sides = [F(-1), F(-3), F(0)], [F(3), F(5), F(6)]
    assert interval("inf", PLAIN, sides) == (-3, 5)
    assert interval("inf", MIXED, sides) == (-1 - 10 + 0, 3 + 6 + 3)
    # |d . (x - c)| <= 4 ||d||_q around d . c = 1/2; of norm 2 the size is 16, 16 (1 + 4 + 1/4) = 84
    assert interval("1", MIXED, WIDE) == (F(1, 2) - 8, F(1, 2) + 8)
    assert interval("2", MIXED, WIDE, size=F(16)) == (F(1, 2) - root_upper(F(84)),
                                                      F(1, 2) + root_upper(F(84)))  # fmt: skip
    assert interval("1", PLAIN, WIDE) == interval("2", PLAIN, WIDE, size=F(16)) == (-4, 4)
    assert interval("2", MIXED, sides, size=F(16)) == (F(1, 2) - root_upper(F(84)),
                                                       F(1, 2) + root_upper(F(84)))  # fmt: skip
    assert interval("1", MIXED, ([F(1), F(-1), F(-1)], [F(2), F(0), F(0)])) == (F(1, 2), 4)


@pytest.mark.parametrize("norm", ["1", "2"])
def test_cuts_along_a_direction_shorten_its_interval(norm):
    """normal . x + t >= 0, where normal is a multiple of d; other cuts say nothing here."""
    whole = interval(norm, MIXED, WIDE)
    up = {0: F(2), 1: F(-4), 2: F(1)}  # 2 d
    down = {0: F(-1, 3), 1: F(2, 3), 2: F(-1, 6)}
    zero, once = {0: F(0), 1: F(0), 2: F(0)}, dict(MIXED)
    assert interval(norm, MIXED, WIDE, [(once, F(-1))]) == (1, whole[1])
    third = {k: g / 3 for k, g in MIXED}
    assert interval(norm, MIXED, WIDE, [(third, F(-1, 3))]) == (1, whole[1])
    assert interval(norm, MIXED, WIDE, [(up, F(-3))]) == (F(3, 2), whole[1])
    assert interval(norm, MIXED, WIDE, [(down, F(1))]) == (whole[0], 3)
    assert interval(norm, MIXED, WIDE, [(up, F(-3)), (down, F(1)), (up, F(-2))]) == (F(3, 2), 3)
    assert interval(norm, MIXED, WIDE, [(up, F(99)), (down, F(99))]) == whole
    assert interval(norm, MIXED, WIDE, [(up, F(-8)), (down, F(1))]) == (4, 3)  # no point at all
    for other in (zero, {0: F(2)}, up | {2: F(2)}, up | {1: F(0)}, {1: F(-4), 2: F(1)}, {}):
        assert interval(norm, MIXED, WIDE, [(other, F(-3))]) == whole
    assert interval(norm, PLAIN, WIDE, [({0: F(0), 1: F(5)}, F(-5))])[0] == 1
    assert interval(norm, PLAIN, WIDE, [({0: F(1), 1: F(5)}, F(-5))])[0] < 0


def leaf_answer(leaf, version=2):
    """Of relu(x + 1) + relu(x) - 9 < 0 on [-1, 1], by this leaf as JSON."""
    build = NetworkBuilder(1)
    network = build.network([sum(build.layer([build.inputs[0] + 1, build.inputs[0]]))])
    goal = Goal((Atom((), ((0, F(1)),), F(-9), False),), "above")
    query = Query(network, box([F(-1)], [F(1)]), (goal,))
    text = {"robmem": version, "verdict": "robust", "network": network.digest, "steps": [],
            "goals": [[{"leaf": leaf}]]}  # fmt: skip
    data = json.dumps(text, sort_keys=True).encode()
    found = kernel_flaw(query, data)
    try:
        replay(query, parse_certificate(data, network.digest))
    except RefusedError as flaw:
        assert found == flaw.flaw
    else:
        assert found == "accepted"
    return found


def test_leaves_of_version_1_have_the_fields_of_version_1():
    assert leaf_answer({}) == leaf_answer({}, 1) == leaf_answer({"usual": True}) == "accepted"
    assert leaf_answer({"usual": True}, 1) == "unknown field"
    assert leaf_answer({"ball": 0}, 1) == leaf_answer({"ball": 0}) == "accepted"
    assert leaf_answer({"ball": 0, "weights": [[[[0, 1]], 1]]}, 1) == "unknown field"
    for wrong in ({"usual": False}, {"usual": 1}, {"weights": [[[[0, 1]], 1]]}):
        assert leaf_answer(wrong) == "malformed"
    assert leaf_answer({"ball": 0, "box": [[0, 1]]}) == "box beside ball"
    assert leaf_answer({"box": [[0, 1]]}) == "accepted"
    assert leaf_answer({}, 3) == leaf_answer({}, True) == "version"


def test_every_slope_lies_between_0_and_1():
    assert leaf_answer({"slopes": [[0, 0], [1, 1]]}) == "accepted"
    for slopes in ([[0, 0], [1, 2]], [[0, "3/2"], [1, 1]], [[0, "1000001/1000000"]]):
        assert leaf_answer({"slopes": slopes}) == "slope above 1"
    for slopes in ([[0, 0], [1, -1]], [[0, "-1/2"], [1, 1]]):
        assert leaf_answer({"slopes": slopes}) == "negative multiplier"


def test_what_a_line_leaves_of_a_unit():
    """relu(a) - s a on [low, high] is least and greatest at an end or at 0."""
    for low in range(-3, 4):
        for high in range(low, 4):
            for s in (F(0), F(1, 3), F(1, 2), F(1)):
                places = {low, high, *({0} if low < 0 < high else ())}
                values = [max(a, 0) - s * a for a in places]
                least, greatest = rests(1, s, (low,), (high,)), rests(-1, s, (low,), (high,))
                assert (least, greatest) == ([min(values)], [max(values)])


def test_what_a_line_leaves_of_a_unit_in_a_family():
    """Of a unit that is on, or off, at both ends the values at the ends; else at least 0."""
    half = F(1, 2)
    assert rests(1, half, (0, 4), (5, 5)) == [0, 2]
    assert rests(1, half, (-5, -5), (0, -4)) == [0, 2]
    assert rests(1, half, (-1, 4), (5, 5)) == rests(1, half, (-5, -5), (1, -4)) == [0, 0]
    assert rests(-1, half, (-2, 1), (6, 3)) == [3, F(3, 2)]


def test_default_slopes():
    """The line through the nearer end below, the chord in 24 bits above; of the middle of a family,
    unless one line is exact at both ends."""
    for c in (1, -1):
        assert default_slope(c, (0,), (5,), True) == default_slope(c, (2,), (5,), False) == 1
        assert default_slope(c, (-5,), (0,), True) == default_slope(c, (-5,), (-1,), False) == 0
        assert default_slope(c, (-1,), (5,), False) == 0
        assert default_slope(c, (0, 2), (5, 9), True) == 1
        assert default_slope(c, (-5, -9), (0, -2), True) == 0
        assert default_slope(c, (-1, 3), (5, 9), True) == 1  # -1 + 3 >= 0
        assert default_slope(c, (-5, -9), (-4, 2), True) == 0
    assert default_slope(1, (-2,), (2,), True) == 1
    assert default_slope(1, (-2,), (F(199, 100),), True) == 0
    assert default_slope(1, (-4, 2), (3, 5), True) == 1
    assert default_slope(-1, (-2,), (1,), True) == F(2**24 // 3, 2**24)
    assert default_slope(-1, (-4, 1), (3, 3), True) == F(2**24 * 6 // 9, 2**24)


def test_a_flip_satisfies_each_atom_by_any_amount():
    """relu(x) - q > 0, or >= 0, at x = 1."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    for q, strict, flaw in (
        (F(999, 1000), True, "accepted"), (F(999, 1000), False, "accepted"),
        (F(1), True, "no flip"), (F(1), False, "accepted"),
        (F(1001, 1000), True, "no flip"), (F(1001, 1000), False, "no flip"),
    ):  # fmt: skip
        atom = Atom((), ((0, F(1)),), -q, strict)
        for atoms in ((atom,), (Atom((), (), F(1), True), atom), (atom, Atom((), (), F(1), True))):
            query = Query(network, box([F(0)], [F(2)]), (Goal(atoms, "above"),))
            assert all_agree(query, Flip((F(1),), 0)) == flaw


def test_a_function_is_split_at_all_zeros_of_a_unit():
    """a = -1 - 2 u + 4 relu(u) - 4 relu(u - 1) + 4 relu(u - 2) is 1, -1, 1, -1, 1 at -1 .. 3."""
    build = NetworkBuilder(1)
    u = build.inputs[0]
    first, second, third = build.layer([u, u - 1, u - 2])
    (last,) = build.layer([-1 - 2 * u + 4 * first - 4 * second + 4 * third])
    network = Network(network_bytes(build.network([last])))
    found = ridge.Ridges(network, 1).function(((0, F(1)),), {4: F(3), 0: F(1)}, F(-1), F(3))
    places = [F(k, 2) for k in range(-2, 7)]
    heights = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert found == (places, [3 * h + place for h, place in zip(heights, places, strict=True)])
    flat = ridge.Ridges(network, 1).function(((0, F(1)),), {4: F(3)}, F(1), F(1))
    assert flat == ([F(1)], [F(3)])


def test_directions_are_of_the_inputs_and_not_of_the_parameter_of_a_family():
    """m stands behind the inputs: it, and what reads it, lie on no direction."""
    build = NetworkBuilder(3)
    x, y, m = build.inputs
    layer = build.layer([2 * x - y, x, m, x + m, 0 * x + 1])
    above = build.layer([layer[0] * 3, layer[0] + layer[1], layer[2] * 1])
    network = Network(network_bytes(build.network([sum(above, 0 * x)])))
    slanted = ((0, F(1)), (1, F(-1, 2)))
    alone = [((0, F(1)),), ((1, F(1)),), None]
    units = [slanted, ((0, F(1)),), None, None, None]
    assert ridge.Ridges(network, 2).directions == [*alone, *units, slanted, None, None]
    everywhere = ridge.Ridges(network, 3).directions
    assert everywhere[2] == everywhere[5] == everywhere[10] == ((2, F(1)),)
