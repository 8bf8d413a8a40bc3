"""Bounds of many units by small trees, all grown side by side, each where it is weakest.

A tree bounds one unit on one side: every leaf by an ascent, the tree by its weakest leaf, which is
split next. So all splits serve the bound, and what they prove need not be known before. Branches of
many trees climb together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verifier.evidence.certificate import USUAL_BITS, Leaf, Lemma, Node, Tree, UnitSplit
from verifier.search.bounds.ascent import TOGETHER, Ascent, Bounded
from verifier.search.bounds.float_leaf import CLEAR, TINY, LeafBounds, Parts, Phases
from verifier.search.clock import tick

FIRST_STEPS, STEPS = 40, 12  # of the ascent: at the root, below
TREES = TOGETHER // 2  # that are grown together: in a round each has two new branches
SHORT = 12  # bits of slopes between those that need not be named
STRETCHED = 1e-9
UNKNOWN = -1.0  # no slope


@dataclass(slots=True)
class _Branch:
    """A node of a tree: a leaf as long as `column`, of the unit that is split, is -1."""

    phases: Phases
    parts: Parts
    row: int
    value: float
    best: int  # the column that is to be split, -1 if none is
    column: int = -1
    children: tuple[int, int] = (-1, -1)


@dataclass(frozen=True, slots=True)
class Found:
    """A tree that proves a_v >= value, or -a_v >= value, and its leaves with the phases there."""

    asked: Lemma
    value: float
    tree: Tree
    leaves: tuple[tuple[Leaf, Phases], ...]


class Forest:
    """Trees of the units of one layer; `asked` says which unit and side the form of each is."""

    def __init__(self, bounds: LeafBounds, asked: Sequence[Lemma], rounds: int) -> None:
        """The forms of `bounds` are those of `asked`, every unit with its lower bound and then with
        its upper one."""
        self._bounds, self._asked, self._rounds = bounds, asked, rounds
        self._ascent = Ascent(bounds)
        self._heights = -bounds.low * bounds.high / (bounds.high - bounds.low)
        self._trees: list[list[_Branch]] = []

    def grow(self) -> list[Found]:
        """The trees after so many rounds, or as soon as they decide their unit."""
        found = []
        for begin in range(0, len(self._asked), TREES):
            numbers = range(begin, min(begin + TREES, len(self._asked)))
            found += self._grown(numbers)
        return found

    def _grown(self, numbers: range) -> list[Found]:
        atoms = np.eye(len(self._asked))[list(numbers)]
        phases = np.zeros((len(atoms), len(self._bounds.undecided)), dtype=np.int8)
        tick()
        root = self._ascent.improve(self._ascent.start(atoms), phases, FIRST_STEPS, np.inf)
        best = self._best(root, phases)
        self._trees = [
            [_Branch(phases[k], root.parts, k, float(root.values[k]), best[k])]
            for k in range(len(atoms))
        ]
        for _ in range(self._rounds):
            tick()
            if not self._split_weakest():
                break
        return [
            self._found(self._asked[k], tree) for k, tree in zip(numbers, self._trees, strict=True)
        ]

    def _split_weakest(self) -> bool:
        """Whether some tree was still to be split."""
        weakest = [min((b for b in tree if b.column < 0), key=_value) for tree in self._trees]
        decided = [branch.value >= 0 for branch in weakest]
        chosen = [
            (tree, branch)
            for k, (tree, branch) in enumerate(zip(self._trees, weakest, strict=True))
            if branch.best >= 0 and not (decided[k] or decided[k ^ 1])
        ]
        if not chosen:
            return False
        phases = np.repeat(np.array([branch.phases for _, branch in chosen]), 2, axis=0)
        columns = np.array([branch.best for _, branch in chosen])
        even = np.arange(0, len(phases), 2)
        phases[even, columns], phases[even + 1, columns] = -1, 1
        start = Parts.stack([(b.parts, b.row) for _, b in chosen for _ in range(2)])
        found = self._ascent.improve(start, phases, STEPS, np.inf)
        best = self._best(found, phases)
        for k, (tree, branch) in enumerate(chosen):
            branch.column, branch.children = branch.best, (len(tree), len(tree) + 1)
            for row in (2 * k, 2 * k + 1):
                value = max(branch.value, float(found.values[row]))
                tree.append(_Branch(phases[row], found.parts, row, value, best[row]))
        return True

    def _best(self, found: Bounded, phases: Phases) -> list[int]:
        """The open unit of each branch whose triangle costs the bound most, -1 if none does."""
        gap = found.z - np.maximum(found.a, 0)
        scores = np.abs(found.coefficients) * self._heights * ((gap > STRETCHED) & (phases == 0))
        if not scores.shape[1]:
            return [-1] * len(scores)
        best: list[int] = np.where(scores.max(axis=1) > 0, scores.argmax(axis=1), -1).tolist()
        return best

    def _found(self, asked: Lemma, tree: list[_Branch]) -> Found:
        leaves = [k for k, branch in enumerate(tree) if branch.column < 0]
        phases = np.array([tree[k].phases for k in leaves])
        parts = Parts.stack([(tree[k].parts, tree[k].row) for k in leaves])
        value, listed = self._exact(parts, phases)
        at, nodes, waiting = dict(zip(leaves, listed, strict=True)), list[Node](), [0]
        undecided = self._bounds.undecided
        while waiting:
            k = waiting.pop()
            if k in at:
                nodes.append(Node((), at[k]))
            else:
                nodes.append(Node((), UnitSplit(int(undecided[tree[k].column]))))
                waiting += reversed(tree[k].children)
        return Found(asked, value, tuple(nodes), tuple(zip(listed, phases, strict=True)))

    def _exact(self, parts: Parts, phases: Phases) -> tuple[float, list[Leaf]]:
        """Leaves with short slopes, the usual ones where these do as well, and what all prove."""
        given = self._bounds
        _, _, seen = given.values(parts, phases, sized=False)
        noise = TINY * np.abs(seen).max(axis=1, initial=0)[:, None]
        near, level = (given.high >= -given.low).astype(float), given.high + given.low
        chord = np.floor(np.ldexp(given.high / (given.high - given.low), USUAL_BITS))
        chord = np.ldexp(chord, -USUAL_BITS)
        rising = np.ldexp(np.rint(np.ldexp(parts.rising, SHORT)), -SHORT)
        # A coefficient that may be rounding error has no sign: its line must do for both.
        rising = np.where(np.abs(seen) <= noise, np.minimum(rising, chord), rising)
        parts = replace(parts, rising=rising, falling=np.tile(chord, (len(phases), 1)))
        values, sizes, seen = given.values(parts, phases)
        # Which line is nearer must be seen in floats, else the slope is named.
        near[np.abs(level) <= TINY * (given.high - given.low)] = UNKNOWN
        usual = np.where(seen > noise, near, np.where(seen < -noise, chord, UNKNOWN))
        leaves = [
            leaf.shortened(given.undecided, phases[k], usual[k])
            for k, leaf in enumerate(given.plain_leaves(parts, phases))
        ]
        return float((values - CLEAR * sizes).min()), leaves


def _value(branch: _Branch) -> float:
    return branch.value
