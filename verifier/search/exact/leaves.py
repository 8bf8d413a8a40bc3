"""Leaves of branches in exact arithmetic: multipliers rounded, solved for, and as few as close.

A float leaf is rounded to 30 bits, then to 53; where none of these closes, the exact optimum of the
branch's program may; where no unit is open, the branch is decided in rationals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip, Leaf, Lemma, Undecided, UnitSplit
from verifier.question.query import Goal, Query
from verifier.search.attack import exact_flip
from verifier.search.bounds.float_leaf import FloatLeaf, Phases
from verifier.search.used import note

BITS = (30, 53)  # of the multipliers, tried in this order
Asked = int | Lemma  # the number of a goal, or what is to be shown of a unit


class ExactLeaves:
    """Of one query, whose units `undecided` are so in the root state of the checker."""

    def __init__(self, query: Query, checker: LeafChecker, undecided: NDArray[np.int64]) -> None:
        self.query, self.checker, self.undecided = query, checker, undecided

    def target(self, asked: Asked) -> Goal | Lemma:
        return self.query.goals[asked] if isinstance(asked, int) else asked

    def closes(self, asked: Asked, phases: Phases, leaf: Leaf) -> bool:
        """Whether the leaf shows what is asked in the branch with these phases."""
        mark = self.checker.mark()
        for v, phase in self._by_unit(phases).items():
            self.checker.restrict(UnitSplit(v), high=phase)
        closed = self.checker.closes(leaf, self.target(asked))
        self.checker.undo(mark)
        return closed

    def rounded(self, asked: Asked, leaf: FloatLeaf, phases: Phases, bits: int = BITS[0]) -> Leaf:
        """The exact leaf, which names atoms only where there are any."""
        exact = leaf.rounded(self.undecided, phases, bits)
        return replace(exact, atoms={}) if isinstance(asked, Lemma) else exact

    def from_floats(self, asked: Asked, leaf: FloatLeaf, phases: Phases) -> Leaf | None:
        """The leaf with the fewest bits that closes."""
        tried: Iterator[Leaf] = (self.rounded(asked, leaf, phases, bits) for bits in BITS)
        return next((exact for exact in tried if self.closes(asked, phases, exact)), None)

    def of_program(self, number: int, phases: Phases) -> tuple[Leaf, Phases] | None:
        """A leaf from the exact optimum of a branch with open units, and the phases that it needs;
        for goals that a bound of zero refutes."""
        note("exact programs")
        fixed = self._by_unit(phases)
        from verifier.search.exact.basis import exact_optimum  # takes long to import

        found = exact_optimum(
            self.query, self.checker, self.query.goals[number], fixed, self.undecided.tolist()
        )
        if found is None or not self.closes(number, phases, found[1]):
            return None
        return self.fewest(number, found[1], phases)

    def of_pattern(self, asked: Asked, phases: Phases) -> tuple[Leaf, Phases] | Flip | Undecided:
        """For a branch with all phases fixed, whose margin is within rounding of zero."""
        note("exact patterns")
        from verifier.search.exact.pattern import decide_pattern  # takes long to import

        if isinstance(asked, Lemma):
            return Undecided("a lemma is false, or holds by less than rounding")
        goal = self.query.goals[asked]
        point, leaf = decide_pattern(self.query, self.checker, goal, self._by_unit(phases))
        if leaf is not None and self.closes(asked, phases, leaf):
            return self.fewest(asked, leaf, phases)
        if point is not None:
            flip = exact_flip(self.query, asked, point)
            if flip is not None:
                return flip
        return Undecided("all phases fixed, and the margin is within rounding of zero")

    def fewest(self, asked: Asked, leaf: Leaf, phases: Phases) -> tuple[Leaf, Phases]:
        """The leaf of a branch, and fewer of its phases with which it still closes: branches that
        touch zero in one point would else be as many as patterns of units that do not matter."""
        on = self.undecided[phases > 0].tolist()
        leaf = replace(leaf, slopes={v: Fraction(1) for v in on} | dict(leaf.slopes))
        named = np.isin(self.undecided, list(leaf.bounds))
        used = np.where(named, phases, 0).astype(np.int8)
        if self.closes(asked, used, leaf):
            return leaf, used
        used = phases.copy()
        for column in np.flatnonzero(phases * ~named).tolist():
            used[column] = 0
            if not self.closes(asked, used, leaf):
                used[column] = phases[column]
        return leaf, used

    def _by_unit(self, phases: Phases) -> dict[int, bool]:
        fixed = np.flatnonzero(phases)
        return dict(zip(self.undecided[fixed].tolist(), (phases[fixed] > 0).tolist(), strict=True))
