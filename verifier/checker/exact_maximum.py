"""The exact maximum: how large the least atom of a goal becomes on a region, as a pair of proofs.

The question's atoms are strict, each of them a form minus the maximum: a proof shows that no point
of the region makes all atoms of a goal positive; and a point is given at which all of one are at
least zero. So the maximum over the region and the goals, of the least atom, is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Maximum, Robust
from verifier.question.errors import RefusedError
from verifier.question.query import Query


def weakened(query: Query) -> Query:
    """The same question with >= 0 in place of > 0."""
    goals = tuple(
        replace(goal, atoms=tuple(replace(atom, strict=False) for atom in goal.atoms))
        for goal in query.goals
    )
    return Query(query.network, query.region, goals)


def check_maximum(
    query: Query, maximum: Maximum, check: Callable[[Query, Robust | Flip], object] = replay
) -> None:
    """Returns if the pair shows that the largest value of the least atom is zero; RefusedError if
    not. `check` is `replay` or another checker of one verdict."""
    if query.region.open:
        raise RefusedError("open region", "a maximum is proved on a closed region")
    if not all(atom.strict for goal in query.goals for atom in goal.atoms):
        raise RefusedError("weak atom", "a maximum is proved by strict atoms")
    if not isinstance(maximum.proof, Robust) or not isinstance(maximum.point, Flip):
        raise RefusedError("another verdict", "a maximum is a proof and a point")
    check(weakened(query), maximum.point)
    check(query, maximum.proof)
