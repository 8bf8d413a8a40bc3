"""Branches that are known to be closed: sets of splits that contradict each other, and the leaf of
each.

They are to a tree what clauses are to a SAT solver: of each set it is counted how many of its
splits do not hold in the branch at hand, and how many hold the other way. A set all of which holds
closes the branch; one that lacks a single split forces the other side of it, for that one is closed
already.
"""

from __future__ import annotations

import numpy as np

from verifier.evidence.certificate import Leaf

Literal = tuple[int, bool]
"""A unit, and whether it is on."""
ROOM = 256  # for lessons, at first


class Lessons:
    """Contradictions learnt of one goal about so many units, and the splits of the branch."""

    def __init__(self, units: int) -> None:
        self._learnt: list[tuple[frozenset[Literal], Leaf]] = []
        self._held: set[Literal] = set()
        self._in = np.zeros((2 * units, ROOM), dtype=np.int16)  # a row a literal
        self._missing = np.zeros(ROOM, dtype=np.int16)
        self._against = np.zeros(ROOM, dtype=np.int16)

    def add(self, used: frozenset[Literal], leaf: Leaf) -> None:
        """These splits contradict each other, by this leaf."""
        number, room = len(self._learnt), len(self._missing)
        if number == room:
            self._in = np.concatenate([self._in, np.zeros_like(self._in)], axis=1)
            self._missing = np.concatenate([self._missing, np.zeros_like(self._missing)])
            self._against = np.concatenate([self._against, np.zeros_like(self._against)])
        self._learnt.append((used, leaf))
        for unit, on in used:
            self._in[2 * unit + on, number] = 1
        self._missing[number] = len(used - self._held)
        self._against[number] = sum((unit, not on) in self._held for unit, on in used)

    def hold(self, literal: Literal) -> None:
        """The branch goes down this side of a split."""
        self._held.add(literal)
        self._count(literal, 1)

    def release(self, literal: Literal) -> None:
        """And comes back."""
        self._held.discard(literal)
        self._count(literal, -1)

    def closing(self) -> tuple[frozenset[Literal], Leaf] | None:
        """What closes the branch, the first that was learnt."""
        found = np.flatnonzero(self._missing[: len(self._learnt)] == 0)
        return self._learnt[int(found[0])] if len(found) else None

    def forced(self) -> Literal | None:
        """A split of whose sides this one is closed already, by the first such that was learnt."""
        count = len(self._learnt)
        found = np.flatnonzero((self._missing[:count] == 1) & (self._against[:count] == 0))
        if not len(found):
            return None
        used, _ = self._learnt[int(found[0])]
        return next(literal for literal in used if literal not in self._held)

    def _count(self, literal: Literal, by: int) -> None:
        unit, on = literal
        self._missing -= by * self._in[2 * unit + on]
        self._against += by * self._in[2 * unit + (not on)]
