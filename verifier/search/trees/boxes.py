"""Branch and bound over the inputs: many boxes at once, each bounded symbolically.

For few inputs. A box is closed when the integer bounds of `trusted/symbolic.py` refute one atom of
the goal; the checker recomputes them, so that the proof holds nothing but the splits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.checker.branch import Snapshot
from verifier.checker.leaf import LeafChecker
from verifier.checker.symbolic import Branches
from verifier.evidence.certificate import (
    Flip,
    InputSplit,
    Node,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    Undecided,
)
from verifier.question.query import Query
from verifier.search.attack import exact_flip, sample
from verifier.search.bounds.floats import FloatNetwork, to_float
from verifier.search.clock import tick
from verifier.search.trees.phases import PhaseTree

BATCH = 64  # boxes bounded at once
EASY = 64  # boxes, after which random points are tried: they take a while
PHASED_AT = 60  # undecided units up to which a box is given to a phase tree
PHASE_NODES = 20  # of such a tree
Int = NDArray[np.int64]


@dataclass(slots=True)
class _Box:
    """A box of the inputs, the goals that are open in it, and what became of them."""

    lower: list[Fraction]
    upper: list[Fraction]
    goals: list[int]
    path: tuple[tuple[InputSplit, bool], ...] = ()
    settled: dict[int, Tree] = field(default_factory=dict)
    split: InputSplit | None = None
    children: tuple[int, int] | None = None


class InputSplitting:
    """One query by splitting inputs, all goals on the same boxes; `run` gives a tree a goal, a
    flip, or why it stopped."""

    def __init__(
        self,
        query: Query,
        checker: LeafChecker,
        network: FloatNetwork,
        deadline: float | None,
        seed: int,
        *,
        believing: bool = True,
    ) -> None:
        self.query = query
        self.checker = checker
        self.network = network
        self.deadline = deadline
        self.seed, self.believing = seed, believing
        self.nodes = 0
        self._size = checker.scaled.denominator
        atoms = [atom for goal in query.goals for atom in goal.atoms]
        self._strict = np.array([atom.strict for atom in atoms])
        self._targets = checker.symbolic().atom_targets(atoms)
        ends = np.cumsum([len(goal.atoms) for goal in query.goals])
        self._rows = [
            np.arange(end - len(goal.atoms), end)
            for end, goal in zip(ends.tolist(), query.goals, strict=True)
        ]

    def run(self, limit: int | None = None) -> tuple[Tree, ...] | Flip | Undecided:
        """A tree that refutes each goal, or a point that satisfies one."""
        region, goals = self.query.region, range(len(self.query.goals))
        boxes = [_Box(list(region.lower), list(region.upper), list(goals))]
        waiting, sampled = [0], False
        while waiting:
            if not sampled and self.nodes > EASY:
                sampled = True
                for goal in goals:
                    flip = sample(self.query, self.network, goal, self.seed)
                    if flip is not None:
                        return flip
            if self._late():
                return Undecided("timeout")
            if limit is not None and len(boxes) > limit:
                return Undecided("node limit")
            batch, waiting = waiting[-BATCH:], waiting[:-BATCH]
            found = self._settle(boxes, batch, waiting)
            if found is not None:
                return found
        return tuple(_preorder(boxes, goal) for goal in goals)

    def _late(self) -> bool:
        return self.deadline is not None and monotonic() > self.deadline

    def _settle(
        self, boxes: list[_Box], batch: list[int], waiting: list[int]
    ) -> Flip | Undecided | None:
        """Bounds the boxes of the batch; closes them or puts their halves on the waiting list."""
        branches = self.checker.branches([self._snapshot(boxes[i]) for i in batch])
        branches.between = tick
        shares = _Shares(branches)
        branches.tighten(shares.add)
        asked = [(k, goal) for k, i in enumerate(batch) for goal in boxes[i].goals]
        rows = [self._rows[goal] for _, goal in asked]
        sizes = [len(part) for part in rows]
        branch, row = np.repeat([k for k, _ in asked], sizes), np.concatenate(rows)
        values, _, _ = branches.minima(self._targets, branch, row)
        self.nodes += len(batch)
        closed = (values > 0) | (self._strict[row] & (values == 0)) | branches.empty[branch]
        still: dict[int, list[int]] = {}  # the open goals of open boxes
        end = 0
        for (k, goal), size in zip(asked, sizes, strict=True):
            begin, end = end, end + size
            if closed[begin:end].any():
                leaf = SymbolicLeaf(int(closed[begin:end].argmax()))
                boxes[batch[k]].settled[goal] = (Node((), leaf),)
            else:
                still.setdefault(k, []).append(goal)
        for k, goals in still.items():
            boxes[batch[k]].goals = goals
        flip = self._attack([boxes[batch[k]] for k in still])
        if flip is not None:
            return flip
        undecided = _undecided(branches)
        phased = [k for k in still if undecided[k] <= PHASED_AT]
        keys = {k: self._snapshot(boxes[batch[k]]).key() for k in phased}
        self.checker.remember(branches, keys)
        for k in phased:
            flip = self._by_phases(boxes[batch[k]])
            if flip is not None:
                return flip
            if self._late():
                return Undecided("timeout")
        for k in still:
            box = boxes[batch[k]]
            if box.goals:
                if box.lower == box.upper:
                    return Undecided("a box of one point stays open")
                _halve(boxes, batch[k], shares.total[k])
                waiting.extend(box.children or ())
        return None

    def _by_phases(self, box: _Box) -> Flip | None:
        """Settles goals by small trees over unit phases, under symbolic bounds of the box."""
        mark = self.checker.mark()
        for split, high in box.path:
            self.checker.restrict(split, high=high)
        self.checker.tighten_symbolically()
        tree = PhaseTree(
            self.query, self.checker, self.network, self.deadline,
            believing=self.believing, small=True,
        )  # fmt: skip
        flip: Flip | None = None
        for goal in list(box.goals):
            found = tree.refute(goal, tree.nodes + PHASE_NODES)
            if isinstance(found, Flip):
                flip = found
                break
            if isinstance(found, Undecided):
                break  # the box is split, and smaller ones are easier for all goals
            first, *rest = found
            box.settled[goal] = (Node((SymbolicStep(), *first.steps), first.body), *rest)
            box.goals.remove(goal)
        self.checker.undo(mark)
        return flip

    def _snapshot(self, box: _Box) -> Snapshot:
        size = self._size
        return Snapshot(
            {-1 - k: q * size for k, q in enumerate(box.lower)},
            {-1 - k: q * size for k, q in enumerate(box.upper)},
        )

    def _attack(self, boxes: list[_Box]) -> Flip | None:
        """The centers of the boxes, and the corners that the gradient there points to."""
        if not boxes:
            return None
        low = np.array([[to_float(q) for q in box.lower] for box in boxes])
        high = np.array([[to_float(q) for q in box.upper] for box in boxes])
        centers = (low + high) / 2
        for number, goal in enumerate(self.query.goals):
            at = np.array([number in box.goals for box in boxes])
            if not at.any():
                continue
            corners = np.where(self.network.ascend(goal, centers[at])[1] > 0, high[at], low[at])
            points = np.concatenate([centers[at], corners])
            margins = self.network.margins(goal, points)
            for point in np.argsort(-margins, kind="stable")[:4].tolist():
                if margins[point] < -1e-6 * (1 + np.abs(margins).max()):
                    break
                flip = exact_flip(self.query, number, points[point])
                if flip is not None:
                    return flip
        return None


def _undecided(branches: Branches) -> NDArray[np.int64]:
    """The number of undecided units of each branch."""
    count = np.zeros(len(branches.empty), dtype=np.int64)
    for low, high in zip(branches.lower, branches.upper, strict=True):
        count += ((low < 0) & (high > 0)).sum(axis=1)
    return count


class _Shares:
    """By branch and input, how much of the width of the bounds of undecided units is due to that
    input, each bound counting 1: where a split decides the most units. (The goals' own bounds are a
    poor guide, and halves tried out one by one cost ten times as much as this.)"""

    def __init__(self, branches: Branches) -> None:
        self._widths = (branches.input_upper - branches.input_lower).astype(np.float64)
        self.total = np.zeros(self._widths.shape)

    def add(self, branch: Int, gradients: Int) -> None:
        parts = np.abs(gradients) * self._widths[branch]
        whole = parts.sum(axis=1, keepdims=True)
        np.divide(parts, whole, out=parts, where=whole > 0)
        np.add.at(self.total, branch, parts)


def _halve(boxes: list[_Box], index: int, shares: NDArray[np.float64]) -> None:
    """Splits the box along the input with the largest share, near the middle, at a float if one
    lies between; where all inputs have none, along the widest."""
    box = boxes[index]
    widths = [high - low for low, high in zip(box.lower, box.upper, strict=True)]
    k = max(range(len(widths)), key=lambda k: (widths[k] > 0, shares[k], widths[k]))
    middle = Fraction(to_float((box.lower[k] + box.upper[k]) / 2))
    if not box.lower[k] < middle < box.upper[k]:
        middle = (box.lower[k] + box.upper[k]) / 2
    box.split = InputSplit(k, middle)
    box.children = (len(boxes), len(boxes) + 1)
    for high in (False, True):
        lower, upper = list(box.lower), list(box.upper)
        (lower if high else upper)[k] = middle
        boxes.append(_Box(lower, upper, list(box.goals), (*box.path, (box.split, high))))


def _preorder(boxes: list[_Box], goal: int) -> Tree:
    """The tree of one goal: the boxes down to those where it is settled."""
    nodes: list[Node] = []
    stack = [0]
    while stack:
        box = boxes[stack.pop()]
        if goal in box.settled:
            nodes.extend(box.settled[goal])
        elif box.split is not None and box.children is not None:
            nodes.append(Node((), box.split))
            stack.extend(reversed(box.children))
    return tuple(nodes)
