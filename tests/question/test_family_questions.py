"""Families: the cones and goals are what they say, member by member."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.family import (
    Cone,
    FamilyQuery,
    FamilyTerms,
    check_denominator,
    family_goals,
    with_parameter,
)
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import distance

F = Fraction
CENTER = (F(1), F(-1, 2))


def cone(**changes):
    given = {"norm": "inf", "center": CENTER, "unit": F(2), "first": F(0), "last": F(3)}
    return Cone(**(given | {"open": False} | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"center": ()}, "a center without inputs"),
        ({"norm": "65"}, "is not inf, or an integer from 1 to 64"),
        ({"norm": 2}, "norm 2 is not inf, or an integer"),
        ({"open": 0}, "neither True nor False"),
        ({"open": None}, "neither True nor False"),
        ({"unit": F(0)}, "unit 0 is not positive"),
        ({"unit": F(-1)}, "unit -1 is not positive"),
        ({"first": F(-1, 9)}, "must be below the last, and not negative"),
        ({"first": F(3)}, "from 3 to 3"),
        ({"first": F(4)}, "must be below the last"),
        ({"unit": 2}, "cone"),
        ({"last": 3.0}, "cone"),
        ({"first": 0}, "cone"),
        ({"center": (1, 2)}, "cone"),
    ],
)
def test_what_is_no_cone_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        cone(**changes)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_the_slice_at_m_is_the_ball_of_m_beside_m(norm):
    for unit in (F(2), F(9, 4), F(1, 3)):
        found = cone(norm=norm, unit=unit)
        assert found.ends == (found.at(F(0)), found.at(F(3)))
        for m in (F(0), F(1, 2), F(3)):
            region, size = found.at(m), m * unit if norm != "2" else m**2 * unit
            assert region.norm == norm and region.lower[-1] == region.upper[-1] == m
            if norm != "inf":
                assert region.size == size and region.center == (*CENTER, m)
            for k, c in enumerate(CENTER):
                reach = region.upper[k] - c
                assert c - region.lower[k] == reach
                least = size if norm != "2" else reach**2
                assert reach == size if norm != "2" else size <= least <= size * F(1001, 1000)
            # Of the points along an axis exactly those that are near enough belong to it.
            for step in (F(0), F(1, 2), F(1), F(3), F(4), F(6), F(7)):
                point = (CENTER[0] + step, CENTER[1])
                inside = distance(norm, CENTER, point) <= size
                assert region.contains((*point, m)) == inside
                assert not region.contains((*point, m + 1))


def test_reach_is_the_same_multiple_of_m_for_all_m():
    found = cone(norm="2", unit=F(2))
    reaches = {(found.at(m).upper[0] - 1) / m for m in (F(1), F(1, 3), F(3))}
    assert len(reaches) == 1


def network(inputs):
    build = NetworkBuilder(inputs)
    return build.network([build.inputs[0]])


GOAL = Goal((Atom((), ((0, F(1)),), F(-3, 2), False), Atom((), ((0, F(-2)),), F(0), True)), "r")


def test_questions_of_a_family():
    query = FamilyQuery(network(3), cone(), (GOAL,))
    assert query.at(F(1)).region == query.cone.at(F(1)) and query.at(F(1)).goals == (GOAL,)
    first, last = query.ends()
    assert isinstance(first, Query) and first.network is last.network is query.network
    assert (first.region, last.region) == query.cone.ends
    for inputs in (2, 4):
        with pytest.raises(UserError, match="a family on balls of 2 inputs needs a network of one"):
            FamilyQuery(network(inputs), cone(), (GOAL,))
    for goals in ((), (replace(GOAL, atoms=(Atom((), ((1, F(1)),), F(0), False),)),)):
        with pytest.raises(UserError):
            FamilyQuery(network(3), cone(), goals)


def test_goals_about_members_are_goals_about_the_family():
    """Atoms about F_m = G / D(m), times D(m) > 0, are those about G and m, and keep their sign."""
    for denominator in ((F(1), F(2)), (F(3), F(0)), (F(7), F(-2))):
        (found,) = family_goals((GOAL,), denominator, 2)
        assert found.rival == GOAL.rival and len(found.atoms) == len(GOAL.atoms)
        for m in (F(0), F(1), F(3)):
            below = denominator[0] + denominator[1] * m
            for value in (F(0), F(3, 2), F(2), F(-1)):
                for atom, of_member in zip(found.atoms, GOAL.atoms, strict=True):
                    asked = atom.holds((F(9), F(9), m), (value * below,))
                    assert asked == of_member.holds((F(9), F(9)), (value,))
    with pytest.raises(UserError, match="a goal of a family reads inputs"):
        family_goals((Goal((Atom(((0, F(1)),), (), F(0), False),), "r"),), (F(1), F(0)), 2)


@pytest.mark.parametrize(
    ("denominator", "is_open", "words"),
    [
        ((F(1), F(0)), False, None),
        ((F(1), F(1)), False, None),
        ((F(3), F(-1)), True, None),
        ((F(3), F(-1)), False, "zero at a closed end"),
        ((F(3), F(-2)), True, r"D\(3\) = -3 is negative"),
        ((F(3), F(-2)), False, r"D\(3\) = -3 is negative"),
        ((F(0), F(1)), False, r"D\(0\) = 0 is not above 0"),
        ((F(-1), F(1)), False, r"D\(0\) = -1 is not above 0"),
    ],
)
def test_denominators_are_positive(denominator, is_open, words):
    given = (denominator, F(2), F(0), F(3), is_open)
    if words is None:
        terms = FamilyTerms(*given)
        assert terms.cone("1", CENTER) == cone(norm="1", open=is_open)
        assert str(terms) == f"every real m in [0, 3{')' if is_open else ']'}"
        check_denominator(denominator, cone(open=is_open))
        return
    with pytest.raises(UserError, match=words):
        FamilyTerms(*given)
    with pytest.raises(UserError, match=words):
        check_denominator(denominator, cone(open=is_open))


def test_denominators_are_tried_at_the_first_parameter_and_at_the_last():
    for denominator, words in (
        ((F(-1), F(2)), None),
        ((F(5), F(-1)), None),
        ((F(1, 2), F(-1)), r"D\(1\) = -1/2 is not above 0"),
        ((F(2), F(-1)), r"D\(3\) = -1 is negative"),
    ):
        if words is None:
            check_denominator(denominator, cone(first=F(1)))
            continue
        with pytest.raises(UserError, match=words):
            check_denominator(denominator, cone(first=F(1)))


def test_a_network_beside_a_parameter_is_the_same_function():
    build = NetworkBuilder(2)
    x, y = build.inputs
    u, v = build.layer([x - 2 * y + 1, y * 3])
    (w,) = build.layer([u - v + x])
    plain = build.network([w + y, u * 2 - 1])
    found = with_parameter(plain)
    assert (found.inputs, found.layers, found.outputs.count) == (3, (2, 1), 2)
    for point in ((F(1), F(2)), (F(-3), F(1, 7)), (F(5), F(-1))):
        for m in (F(0), F(-9), F(7, 2)):
            assert found((*point, m)).tolist() == plain(point).tolist()


def test_terms_of_no_interval_are_refused():
    for first, last in ((F(3), F(3)), (F(-1), F(3))):
        with pytest.raises(UserError, match="the first must be below the last"):
            FamilyTerms((F(9), F(0)), F(2), first, last, False)
