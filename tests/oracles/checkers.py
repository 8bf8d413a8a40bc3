"""Both checkers at once, and guessed proofs that they must agree about."""

from fractions import Fraction

from tests.oracles.reference import check_reference
from verifier.checker.replay import replay
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Node,
    Robust,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
)
from verifier.question.errors import RefusedError

F = Fraction


def answer(check, query, verdict):
    """The flaw, or "accepted"."""
    try:
        check(query, verdict)
    except RefusedError as error:
        return error.flaw
    return "accepted"


def both(query, verdict):
    slow, fast = answer(check_reference, query, verdict), answer(replay, query, verdict)
    assert slow == fast, (slow, fast, verdict)
    return slow


def guess(rng, query):
    """A proof of one leaf a goal with random slopes and multipliers: mostly false."""
    units, inputs = query.network.units.count, query.network.inputs

    def some(count, draw, chance):
        return {k: draw() for k in range(count) if rng.random() < chance}

    def leaf(goal):
        ends = (F(0), F(1), F(rng.randint(0, 4), 4), F(rng.random()))
        return Leaf(
            some(len(goal.atoms), lambda: F(rng.randint(0, 3)), 0.8),
            some(units, lambda: rng.choice(ends), 0.6),
            some(units, lambda: F(rng.randint(-3, 3), 2), 0.15),
            {},
            some(inputs, lambda: F(rng.randint(-3, 3), 2), 0.2),
            usual=rng.random() < 0.3,
        )

    return Robust((), tuple((Node((), leaf(goal)),) for goal in query.goals))


def symbolic_guess(rng, query, depth):
    """Random splits with symbolic steps and leaves: the bounds are those of the checker."""
    units, inputs = query.network.units.count, query.network.inputs

    def tree(goal, depth):
        steps = (SymbolicStep(),) if rng.random() < 0.3 else ()
        if depth == 0 or rng.random() < 0.2:
            body = SymbolicLeaf(rng.randrange(len(goal.atoms))) if rng.random() < 0.8 else Leaf()
            return (Node(steps, body),)
        if units and rng.random() < 0.5:
            split = UnitSplit(rng.randrange(units))
        else:
            k = rng.randrange(inputs)
            low, high = query.region.lower[k], query.region.upper[k]
            split = InputSplit(k, low + (high - low) * F(rng.randint(1, 3), 4))
        return (Node(steps, split), *tree(goal, depth - 1), *tree(goal, depth - 1))

    return Robust((), tuple(tree(goal, depth) for goal in query.goals))
