"""Replays a proof about a family, or a flip of a member, from its question alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.intervals import FamilyRoots
from verifier.checker.replay import replay_flip
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Flip, Robust, check_numbers
from verifier.evidence.proof_file import Claim
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery


def replay_family(
    query: FamilyQuery,
    verdict: Claim,
    scaled: ScaledNetwork | None = None,
    roots: FamilyRoots | None = None,
) -> None:
    """Returns if the proof holds for every m of the interval; raises RefusedError with the flaw.

    `scaled` and `roots` may be given by `family_scaled` and `family_roots` of this query.
    """
    if not isinstance(verdict, Robust):
        raise RefusedError("another verdict", "a family is shown by a proof")
    check_numbers(verdict)
    if len(verdict.trees) != len(query.goals):
        raise RefusedError(
            "goal missing", f"{len(query.goals)} goals, {len(verdict.trees)} are proved"
        )
    if scaled is None or roots is None:
        scaled = family_scaled(query.network, [query])
        roots = family_roots(scaled, [query])[0]
    checker = FamilyChecker(query, scaled, roots)
    for step in verdict.steps:
        checker.apply(step)
    for goal, tree in zip(query.goals, verdict.trees, strict=True):
        checker.refute(tree, goal)


def replay_member_flip(
    query: FamilyQuery, flip: Flip, outputs: Sequence[Fraction] | None = None
) -> None:
    """Returns if the point (x, m) shows that the family does not hold: m lies in the interval, not
    at its open end, x in the ball of m, and the goal holds there. RefusedError if not.

    `outputs` are those of G at the point, if the caller has evaluated it.
    """
    if len(flip.point) != query.network.inputs:
        raise RefusedError("dimension", f"{len(flip.point)} inputs, not {query.network.inputs}")
    m, cone = flip.point[-1], query.cone
    if not cone.first <= m <= cone.last or (cone.open and m == cone.last):
        raise RefusedError("outside", "the last input of the point is no parameter of the family")
    replay_flip(query.at(m), flip, outputs)
