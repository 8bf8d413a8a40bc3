"""An exact maximum is a proof with strict atoms and a point at which all of them are >= 0."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.oracles.reference import check_reference
from verifier.checker.exact_maximum import check_maximum, weakened
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Maximum, Node, Robust, UnitSplit
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Region, ball, box

F = Fraction
SIDES = (Node((), UnitSplit(0)), Node((), Leaf()), Node((), Leaf(slopes={1: F(1)})))


def query_of(value: Fraction, region: Region, *, strict: bool = True) -> Query:
    """|x| - value above 0 (or -1 above |x|), which is largest at the ends of the region."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    up, down = build.layer([x, -x])
    goals = [
        Goal((Atom((), ((0, F(1)),), -value, strict),), "above"),
        Goal((Atom((), ((0, F(-1)),), F(-1), True),), "below"),
    ]
    return Query(build.network([up + down]), region, tuple(goals))


INTERVAL = box([F(-1)], [F(3, 2)])
POINT = Flip((F(3, 2),), 0)
PROOF = Robust((), (SIDES, (Node((), Leaf()),)))
EXACT = F(3, 2)


@pytest.mark.parametrize("check", [replay, check_reference])
def test_the_largest_value_and_no_other(check):
    pair = Maximum(PROOF, POINT)
    check_maximum(query_of(EXACT, INTERVAL), pair, check)
    if check is replay:
        check_maximum(query_of(EXACT, INTERVAL), pair)
    wrong = {
        "bound too weak": query_of(EXACT - F(1, 10**30), INTERVAL),  # it is exceeded
        "no flip": query_of(EXACT + F(1, 10**30), INTERVAL),  # it is not reached
        "outside": query_of(EXACT, box([F(-1)], [F(1)])),
        "weak atom": query_of(EXACT, INTERVAL, strict=False),
        "open region": query_of(EXACT, ball("inf", [F(0)], EXACT, open=True)),
    }
    for flaw, query in wrong.items():
        with pytest.raises(RefusedError) as caught:
            check_maximum(query, pair, check)
        assert caught.value.flaw == flaw


def test_both_parts_are_what_they_should_be():
    query = query_of(EXACT, INTERVAL)
    for pair in (
        Maximum(POINT, POINT),  # type: ignore[arg-type]
        Maximum(PROOF, PROOF),  # type: ignore[arg-type]
        Maximum(None, POINT),  # type: ignore[arg-type]
        Maximum(PROOF, None),  # type: ignore[arg-type]
    ):
        with pytest.raises(RefusedError, match="another verdict"):
            check_maximum(query, pair)
    with pytest.raises(RefusedError, match="no flip"):
        check_maximum(query, Maximum(PROOF, replace(POINT, goal=1)))


def test_the_question_of_the_point_has_weak_atoms_and_is_else_the_same():
    query = query_of(EXACT, INTERVAL)
    found = weakened(query)
    assert (found.network, found.region) == (query.network, query.region)
    for weak, strict in zip(found.goals, query.goals, strict=True):
        assert [replace(atom, strict=True) for atom in weak.atoms] == list(strict.atoms)
        assert not any(atom.strict for atom in weak.atoms)
