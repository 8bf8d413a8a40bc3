"""The least margin as a function of the radius: exact pieces, against single radii and by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.random_queries import random_network
from verifier.checker.curves import along, check_curve, not_above
from verifier.checker.family_replay import replay_family
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import ball
from verifier.search.options import Options
from verifier.tasks.margin import Curve, data_curve, margin_curve
from verifier.tasks.worst import worst

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)


def random_curve(seed):
    rng = Random(seed)
    n = rng.randint(1, 3)
    network = random_network(rng, n, rng.randint(2, 5), 2, "halves", chain=True)
    center = [F(rng.randint(-4, 4), 4) for _ in range(n)]
    norm, goals = rng.choice(("inf", "1")), label_goals("argmax", 0, range(2), 2)

    def query_of(radius):
        return Query(network, ball(norm, center, radius), goals)

    return query_of, margin_curve(query_of, F(2), Options(timeout=60))


@pytest.mark.parametrize(
    "seeds", [range(2, 16), pytest.param(range(200, 500), marks=pytest.mark.slow)]
)
def test_random_curves_are_those_of_single_radii(seeds):
    exact = bent = 0
    for seed in seeds:
        query_of, curve = random_curve(seed)
        assert (curve.pieces[0].first, curve.pieces[-1].last) == (0, 2)
        exact, bent = exact + curve.exact, bent + (len(curve.pieces) > 1)
        for before, after in zip(curve.pieces, curve.pieces[1:], strict=False):
            assert before.last == after.first
        assert check_curve(query_of(F(2)), curve.evidence).exact == curve.exact
        for piece in curve.pieces:
            if piece.exact:
                replay_family(piece.question, piece.proof)
                assert piece.lower[0] >= piece.lower[1]
        for radius in (ZERO, F(1, 3), F(7, 5), F(2)):
            lower, upper = curve.at(radius)
            found = worst(query_of(radius), options=Options(timeout=60))
            assert found.exact and lower <= found.upper <= upper, seed
            assert not curve.exact or lower == upper
    assert exact >= len(seeds) * 9 // 10 and bent >= len(seeds) // 5


def hat():
    """Outputs 1 and relu(x - 1) + relu(-x - 3): label 0 around 0."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    right, left = build.layer([x - 1, -x - 3])
    return build.network([0 * x + 1, right + left])


def test_a_curve_by_hand():
    """1 up to radius 1, then 2 - r, and 0 at 2; both pieces and the bend are found exactly."""
    goals = label_goals("argmax", 0, range(2), 2)
    curve = margin_curve(lambda r: Query(hat(), ball("inf", [0], r), goals), F(5, 2))
    assert curve.exact and curve.zero == (2, 2) and curve.reason == ""
    assert [(p.first, p.last, p.lower) for p in curve.pieces] == [
        (0, 1, (1, 1)),
        (1, F(5, 2), (1, F(-1, 2))),
    ]
    assert curve.at(F(3, 2)) == (F(1, 2), F(1, 2))
    with pytest.raises(UserError, match="beyond the curve"):
        curve.at(F(3))
    for wrong in curve.pieces[1].question.goals[0].atoms:
        assert wrong.strict


def test_a_line_that_is_too_high_is_refused():
    goals = label_goals("argmax", 0, range(2), 2)
    curve = margin_curve(lambda r: Query(hat(), ball("inf", [0], r), goals), F(5, 2))
    piece = curve.pieces[1]
    (goal,) = piece.question.goals
    (atom,) = goal.atoms
    moved = Atom(atom.inputs, atom.outputs, atom.constant + F(1, 10**9), strict=True)
    higher = replace(piece.question, goals=(Goal((moved,), goal.rival),))
    with pytest.raises(UserError, match="bound too weak"):
        replay_family(higher, piece.proof)
    (own,) = goals[0].atoms
    points = piece.points
    assert not_above(hat(), own, points, piece.upper)
    lower = piece.upper[0], piece.upper[1] - F(1, 10**9)
    assert not not_above(hat(), own, points, lower)


def test_values_along_a_segment_are_exact_at_all_bends():
    places, values = along(hat(), ((F(-4),), (F(4),)))
    assert places == [0, F(1, 8), F(5, 8), 1]
    assert values == [[-4, -3, 1, 4], [0, 0, 0, 3], [1, 0, 0, 0]]


def test_no_line_is_hidden_by_two_good_ends():
    """A point that dips between two ends is no witness."""
    (own,) = label_goals("argmax", 0, range(2), 2)[0].atoms
    assert not not_above(hat(), own, ((F(-4),), (F(4),)), (ZERO, F(-2)))


def test_where_time_ends_there_is_an_envelope():
    goals = label_goals("argmax", 0, range(2), 2)
    network = random_network(Random(4), 3, 40, 2, "halves", chain=True)
    center = [ZERO] * 3
    curve = margin_curve(
        lambda r: Query(network, ball("1", center, r), goals), F(3), Options(timeout=0.02)
    )
    assert not curve.exact and curve.reason
    check_curve(Query(network, ball("1", center, F(3)), goals), curve.evidence)
    for piece in curve.pieces:
        if not piece.exact:
            assert piece.lower is None or piece.lower[1] <= piece.upper[1]


def test_the_curve_of_a_data_set_counts_samples():
    goals = label_goals("argmax", 0, range(2), 2)

    def curve_at(center) -> Curve:
        return margin_curve(lambda r: Query(hat(), ball("inf", [center], r), goals), F(1))

    curves = [curve_at(F(c)) for c in (0, 1, F(3, 2), 3)]
    assert [c.zero for c in curves] == [(1, None), (1, 1), (F(1, 2), F(1, 2)), (0, 0)]
    assert data_curve(curves) == [(0, 3, 3), (F(1, 2), 2, 2), (1, 1, 1)]


@pytest.mark.parametrize("lower", [ZERO, F(-1), None, F(1, 9)])
def test_a_lower_bound_of_zero_at_the_last_radius_keeps_no_label_there(lower):
    """Whatever is known from above."""
    goals = label_goals("argmax", 0, range(2), 2)
    curve = margin_curve(lambda r: Query(hat(), ball("inf", [F(1)], r), goals), F(1, 2))
    (piece,) = curve.pieces
    assert data_curve([curve]) == [(0, 1, 1)]
    ends = None if lower is None else (piece.lower[0], lower)
    weaker = replace(curve, pieces=(replace(piece, lower=ends),))
    surely = [count for _, count, _ in data_curve([weaker])]
    assert (surely[-1] == 1) == (lower == F(1, 9)) and all(
        most == 1 for *_, most in data_curve([weaker])
    )


@pytest.mark.parametrize(
    ("norm", "options", "last", "words"),
    [
        ("2", {}, 1, "norm 2: the least margin is not piecewise linear"),
        ("inf", {}, 0, "the last radius is not positive"),
        ("1", {"open": True}, 1, "closed balls that nothing cuts"),
        ("1", {"clip": (F(-1, 2), F(5))}, 1, "closed balls that nothing cuts"),
        ("inf", {"clip": (F(-1, 2), F(5))}, 1, "closed balls that nothing cuts"),
    ],
)
def test_what_has_no_curve_is_refused(norm, options, last, words):
    goals = label_goals("argmax", 0, range(2), 2)
    with pytest.raises(UserError, match=words):
        margin_curve(lambda r: Query(hat(), ball(norm, [0], r, **options), goals), F(last))
