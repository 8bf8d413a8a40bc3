"""Guessed proofs with multipliers of the ball, mostly false."""

from fractions import Fraction

from tests.oracles.leaf_bounds import random_split
from tests.oracles.random_queries import number
from verifier.evidence.certificate import Leaf, Lemma, Node, Robust, SeparableStep

F = Fraction


def multiplier(rng, query):
    if query.region.norm == "inf":
        return F(0)
    return rng.choice((F(0), abs(number(rng, "halves")), F(rng.randint(1, 40), 8)))


def guess(rng, query, depth):
    """Random splits, separable steps and leaves with a multiplier of the ball."""
    units = query.network.units.count

    def leaf(atoms):
        slopes = {v: F(rng.randint(0, 2), 2) for v in range(units) if rng.random() < 0.3}
        return Leaf(
            {k: F(rng.randint(0, 2)) for k in range(atoms) if rng.random() < 0.8},
            slopes,
            {v: number(rng, "halves") for v in range(units) if rng.random() < 0.05},
            ball=multiplier(rng, query) if rng.random() < 0.8 else None,
        )

    def steps():
        found = []
        if rng.random() < 0.4:
            count = rng.randint(0, 3)
            found.append(SeparableStep(tuple(multiplier(rng, query) for _ in range(count))))
        if rng.random() < 0.2:
            v, upper = rng.randrange(units), rng.random() < 0.5
            bound = F(rng.randint(1, 60), 2) * (1 if upper else -1)
            found.append(Lemma(v, upper, bound, (Node((), leaf(0)),)))
        return tuple(found)

    def tree(goal, depth):
        if depth == 0 or rng.random() < 0.3:
            return (Node(steps(), leaf(len(goal.atoms))),)
        return (
            Node(steps(), random_split(rng, query)),
            *tree(goal, depth - 1),
            *tree(goal, depth - 1),
        )

    return Robust(steps(), tuple(tree(goal, depth) for goal in query.goals))
