"""Flips of families of which no proof was found.

A family does not hold of a sample if a member, the network of one m, loses the label on the ball of
that m. This is looked for at the sample itself, read by the member of the first m, and on the ball
of the last m, or almost the last where that is left out. An open ball is asked about as all closed
ones of smaller radius, so a flip in one that is almost as large is a flip in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.question.family import Cone, FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Goal
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

_LEFT_OUT = Fraction(1, 1 << 20)  # of the interval of m, before its open end
_NODES = 1000  # of the search on one ball


def flips_of_members(
    network: Network, queries: Sequence[FamilyQuery], options: Options
) -> list[Flip | None]:
    """For each question about a family of `network` a point (x, m) that its checker is to see, or
    None where none was found."""
    centers = [(*query.cone.center, query.cone.first) for query in queries]
    found: list[Flip | None] = []
    for query, center, outputs in zip(queries, centers, evaluate(network, centers), strict=True):
        goal = _first_that_holds(query.goals, center, outputs)
        found.append(None if goal is None else Flip(center, goal))
    rest = [k for k, flip in enumerate(found) if flip is None]
    balls = [queries[k].at(_last_asked(queries[k].cone)) for k in rest]
    limits = replace(options, nodes=min(options.nodes or _NODES, _NODES))
    for k, outcome in zip(rest, verify_batch(network, balls, limits), strict=True):
        found[k] = outcome.verdict if isinstance(outcome.verdict, Flip) else None
    return found


def _first_that_holds(
    goals: Sequence[Goal], point: Sequence[Fraction], outputs: Sequence[Fraction]
) -> int | None:
    holds = (all(atom.holds(point, outputs) for atom in goal.atoms) for goal in goals)
    return next((number for number, true in enumerate(holds) if true), None)


def _last_asked(cone: Cone) -> Fraction:
    if not cone.open:
        return cone.last
    return cone.last - _LEFT_OUT * (cone.last - cone.first)
