"""Replays a proof or a flip from its question alone: what is not refused here is proved.

The replay builds its own state. Nothing that a search has computed enters it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.checker.contracted import Contraction, contraction_of
from verifier.checker.intervals import RootBounds, interval_bounds
from verifier.checker.scaled import ScaledNetwork, evaluate, scaled_for
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Lemma,
    Node,
    Robust,
    Step,
    check_numbers,
)
from verifier.question.errors import RefusedError
from verifier.question.query import Query

MANY = 32  # leaves: the matrices of a network take as long as some


def leaves_of(proof: Robust) -> int:
    """How many leaves are not symbolic ones."""
    count = 0
    waiting: list[Step | Node] = [*proof.steps, *(node for tree in proof.trees for node in tree)]
    while waiting:
        match waiting.pop():
            case Lemma(_, _, _, tree):
                waiting.extend(tree)
            case Node(steps, body):
                waiting.extend(steps)
                count += isinstance(body, Leaf)
    return count


def replay(
    query: Query,
    verdict: Robust | Flip,
    scaled: ScaledNetwork | None = None,
    root: RootBounds | None = None,
) -> None:
    """Returns if `verdict` is shown to be true of `query`; raises RefusedError, naming the flaw.

    `scaled` and `root` may be given when the caller has computed them for many regions at once, by
    `ScaledNetwork` and `interval_bounds`; they must belong to this query. If they are not, a proof
    may as well be one about the network without its copies.
    """
    check_numbers(verdict)
    if isinstance(verdict, Flip):
        replay_flip(query, verdict)
        return
    if (scaled is None or root is None) and shortened(query, verdict) is not None:
        return
    replay_as_given(query, verdict, scaled, root)


@dataclass(frozen=True, slots=True)
class Shortened:
    """A question about the network without its copies, with that network in integers, and a proof
    of it; `contraction` has the numbers that units have elsewhere."""

    query: Query
    proof: Robust
    scaled: ScaledNetwork
    contraction: Contraction


def shortened(query: Query, proof: Robust, scaled: ScaledNetwork | None = None) -> Shortened | None:
    """The same proof about the network without its copies, replayed; None if there are few copies,
    or the proof names one, or it is refused there. `scaled` may be given if it is of that network,
    or of the one of the query, and serves the region."""
    contraction = query.network.derived(contraction_of)
    if contraction is None:
        return None
    check_numbers(proof)
    less = Query(contraction.network, query.region, query.goals)
    if scaled is None or scaled.network is not less.network:
        scaled = scaled_for(less.network, [less])
    try:
        found = contraction.names.proof(proof)
        replay_as_given(less, found, scaled)
    except RefusedError:
        return None
    return Shortened(less, found, scaled, contraction)


def replay_as_given(
    query: Query,
    verdict: Robust,
    scaled: ScaledNetwork | None = None,
    root: RootBounds | None = None,
) -> None:
    """As `replay`, of a proof whose numbers have been checked, with all units of the network."""
    if len(verdict.trees) != len(query.goals):
        raise RefusedError(
            "goal missing", f"{len(query.goals)} goals, {len(verdict.trees)} are proved"
        )
    if scaled is None or root is None:
        scaled = scaled_for(query.network, [query]) if scaled is None else scaled
        root = interval_bounds(scaled, [query.region])[0]
    checker = TreeChecker(query, scaled, root)
    if leaves_of(verdict) >= MANY:
        checker.put_off_leaves()
    for step in verdict.steps:
        checker.apply(step)
    for goal, tree in zip(query.goals, verdict.trees, strict=True):
        checker.refute(tree, goal)
    checker.finish()


def replay_flip(query: Query, flip: Flip, outputs: Sequence[Fraction] | None = None) -> None:
    """Returns if the point lies in the region and satisfies its goal; RefusedError if not.

    `outputs` are those of the network at the point, if the caller has evaluated it.
    """
    if flip.goal not in range(len(query.goals)):
        raise RefusedError("index out of range", f"goal {flip.goal} of {len(query.goals)}")
    if len(flip.point) != query.network.inputs:
        raise RefusedError("dimension", f"{len(flip.point)} inputs, not {query.network.inputs}")
    if not query.region.contains(flip.point):
        raise RefusedError("outside", "the point does not lie in the region")
    if outputs is None:
        outputs = evaluate(query.network, [flip.point])[0]
    false = [
        k for k, a in enumerate(query.goals[flip.goal].atoms) if not a.holds(flip.point, outputs)
    ]
    if false:
        raise RefusedError("no flip", f"atom {false[0]} of goal {flip.goal} does not hold there")
