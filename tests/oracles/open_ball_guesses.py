"""Questions on open balls with guessed proofs, made to close at exactly zero where they should not.

A ball has a flip on its sphere, or it is larger and a box or a split passes through that flip, so
that bounds are zero there; multipliers are small integers. Most guesses prove nothing.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Radius,
    Robust,
    Split,
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.errors import UserError
from verifier.question.query import Goal, Query
from verifier.question.region import Region, ball

F = Fraction


def guessed(rng: Random, query: Query, pair: Radius) -> tuple[Query, Robust] | None:
    """A question and a guess, from a true pair of an open ball; None for an empty region."""
    region = _region(rng, query.region, pair.flip.point)
    if region is None:
        return None
    asked = Query(query.network, region, query.goals)
    guess = _Guess(rng, asked, pair.flip.point)
    return asked, Robust(
        (), tuple(guess.tree(goal, rng.choice((0, 0, 1, 2))) for goal in query.goals)
    )


def _region(rng: Random, region: Region, flip: tuple[Fraction, ...]) -> Region | None:
    factor = rng.choice((F(1), F(1), F(1001, 1000), F(2)))
    size = region.size * factor
    squared = size if region.norm == "2" else None
    radius = size if squared is None else None
    around = ball(region.norm, region.center, radius, radius_squared=squared, open=True)
    low, high = list(around.lower), list(around.upper)
    kind, clipped = rng.random(), False
    if kind < 0.4:  # a box through the flip
        clipped = True
        for k, (x, c) in enumerate(zip(flip, region.center, strict=True)):
            if rng.random() < 0.7:
                low[k] = max(low[k], x) if x < c else low[k]
                high[k] = min(high[k], x) if x > c else high[k]
    elif kind < 0.5:  # one that holds the ball and more
        low, high = [x - rng.randint(0, 2) for x in low], [x + rng.randint(0, 2) for x in high]
    try:
        return Region(region.norm, tuple(low), tuple(high), region.center, size, clipped, True)
    except UserError:
        return None


class _Guess:
    def __init__(self, rng: Random, query: Query, flip: tuple[Fraction, ...]) -> None:
        self.rng, self.region, self.flip = rng, query.region, flip
        self.inputs, self.units = query.network.inputs, query.network.units.count

    def tree(self, goal: Goal | None, depth: int) -> Tree:
        """Of the goal; None for the tree of a lemma."""
        rng = self.rng
        steps: tuple[Step, ...] = ()
        if self.units and rng.random() < 0.2:
            bound = F(rng.randint(-4, 6), 2)
            lemma = Lemma(rng.randrange(self.units), rng.random() < 0.5, bound, self.tree(None, 0))
            steps = (lemma,)
        if depth == 0 or rng.random() < 0.3:
            empty = self.units and rng.random() < 0.1
            return (Node(steps, Conflict(rng.randrange(self.units)) if empty else self.leaf(goal)),)
        return (
            Node(steps, self.split()),
            *self.tree(goal, depth - 1),
            *self.tree(goal, depth - 1),
        )

    def split(self) -> Split:
        rng = self.rng
        kind = rng.random()
        if self.units and kind < 0.5:
            return UnitSplit(rng.randrange(self.units))
        if kind < 0.8:
            k = rng.randrange(self.inputs)
            return InputSplit(k, self.place(k))
        normal = tuple((k, F(rng.choice((-1, 1, 2)))) for k in range(self.inputs))
        return PlaneSplit(normal, sum((g * self.place(k) for k, g in normal), F(0)))

    def place(self, k: int) -> Fraction:
        """A coordinate at which a bound may be zero."""
        region = self.region
        ends = [self.flip[k], self.flip[k], region.lower[k], region.upper[k], region.center[k]]
        if region.norm != "2":
            ends += [region.center[k] - region.size, region.center[k] + region.size]
        return self.rng.choice(ends)

    def leaf(self, goal: Goal | None) -> Leaf:
        rng, on_ball = self.rng, self.region.norm != "inf"
        atoms = {} if goal is None else {k: F(rng.choice((0, 1, 1, 1, 2)))
                                         for k in range(len(goal.atoms))}  # fmt: skip
        bounds = {
            v: F(rng.randint(-3, 3), rng.choice((1, 2)))
            for v in range(self.units)
            if rng.random() < 0.25
        }
        cuts = {0: F(rng.randint(0, 3))} if rng.random() < 0.3 else {}
        if rng.random() < 0.15:
            sums = F(rng.randint(0, 4), rng.randint(1, 4)) if on_ball else F(0)
            return Leaf(atoms, {}, bounds, cuts, {}, sums)
        slopes = {
            v: rng.choice((F(0), F(1), F(1, 2), F(rng.randint(0, 3), 3)))
            for v in range(self.units)
            if rng.random() < 0.6
        }
        shares = range(self.inputs if on_ball else 0)
        box = {k: F(rng.randint(-2, 2)) for k in shares if rng.random() < 0.3}
        return Leaf(atoms, slopes, bounds, cuts, box)
