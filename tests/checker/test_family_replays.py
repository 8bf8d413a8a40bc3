"""A family is shown by a proof of every goal, and what is computed beforehand may be left out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.oracles.random_families import LEAF, cone_of
from verifier.checker.family import family_roots, family_scaled
from verifier.checker.family_replay import replay_family, replay_member_flip
from verifier.evidence.certificate import Flip, Leaf, Node, Radius, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal

F = Fraction
PROOF = Robust((), (LEAF, LEAF))


def query_of(bound):
    """x is neither above `bound` nor below -`bound` on the ball of m <= 2 around 0."""
    build = NetworkBuilder(2)
    x, _ = build.inputs
    goals = tuple(Goal((Atom((), ((0, F(s)),), -F(bound), True),), str(s)) for s in (1, -1))
    return FamilyQuery(build.network([x]), cone_of("inf", [0], 1, 2), goals)


def flaw_of(query, verdict, **given):
    try:
        replay_family(query, verdict, **given)
    except RefusedError as error:
        return error.flaw
    return "accepted"


def test_what_is_given_beforehand_is_both_or_is_computed():
    query = query_of(2)
    scaled = family_scaled(query.network, [query])
    (roots,) = family_roots(scaled, [query])
    for given in ({}, {"scaled": scaled}, {"roots": roots}, {"scaled": scaled, "roots": roots}):
        assert flaw_of(query, PROOF, **given) == "accepted"
        assert flaw_of(query_of(F(1999, 1000)), PROOF, **given) == "bound too weak"


@pytest.mark.parametrize(
    ("verdict", "flaw"),
    [
        (Robust((), (LEAF,)), "goal missing"),
        (Robust((), (LEAF,) * 3), "goal missing"),
        (Robust((), (LEAF, (Node((), Leaf(atoms={0: F(-1)})),))), "negative multiplier"),
        (Flip((F(0), F(1)), 0), "another verdict"),
        (Radius(PROOF, Flip((F(0), F(1)), 0)), "another verdict"),
        (PROOF, "accepted"),
    ],
)
def test_anything_but_a_proof_of_every_goal_is_refused(verdict, flaw):
    assert flaw_of(query_of(2), verdict) == flaw


def test_the_parameter_of_a_flip_is_its_last_number():
    build = NetworkBuilder(3)
    goal = Goal((Atom((), ((0, F(1)),), F(1), True),), "always")
    query = FamilyQuery(build.network([0 * build.inputs[0]]), cone_of("inf", [0, 0], 1, 2), (goal,))
    replay_member_flip(query, Flip((F(2), F(0), F(2)), 0))
    with pytest.raises(RefusedError, match="^outside: the last input"):
        replay_member_flip(query, Flip((F(2), F(2), F(0)), 0))
