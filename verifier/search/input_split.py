"""Branch and bound over the inputs: many boxes at once, each bounded symbolically.

For few inputs. A box is closed when the integer bounds of `trusted/symbolic.py` refute one atom of
the goal; the checker recomputes them, so that the proof holds nothing but the splits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.search.attack import exact_flip
from verifier.search.floats import FloatNetwork, to_float
from verifier.search.tree import PhaseTree
from verifier.trusted.certificate import (
    Flip,
    InputSplit,
    Node,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    Undecided,
)
from verifier.trusted.fast import FastChecker, Snapshot
from verifier.trusted.query import Query

BATCH = 256
PHASED_AT = 40  # undecided units up to which a box is given to a phase tree
PHASE_NODES = 40  # of such a tree


@dataclass(slots=True)
class _Box:
    """A node: its bounds, and when settled its body and children."""

    lower: list[Fraction]
    upper: list[Fraction]
    body: InputSplit | SymbolicLeaf | None = None
    children: tuple[int, int] | None = None
    subtree: Tree = ()
    path: tuple[tuple[InputSplit, bool], ...] = ()


class InputSplitting:
    """One query by splitting inputs; `run` gives a tree a goal, a flip, or why it stopped."""

    def __init__(
        self, query: Query, checker: FastChecker, network: FloatNetwork, deadline: float | None
    ) -> None:
        self.query = query
        self.checker = checker
        self.network = network
        self.deadline = deadline
        self.nodes = 0
        self.phase_nodes = 0
        self._size = checker.scaled.denominator

    def refute(self, number: int, limit: int | None = None) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it."""
        region = self.query.region
        boxes = [_Box(list(region.lower), list(region.upper))]
        waiting = [0]
        while waiting:
            if self.deadline is not None and monotonic() > self.deadline:
                return Undecided("timeout")
            if limit is not None and len(boxes) > limit:
                return Undecided("node limit")
            batch, waiting = waiting[-BATCH:], waiting[:-BATCH]
            flip = self._settle(number, boxes, batch, waiting)
            if flip is not None:
                return flip
        return _preorder(boxes)

    def _settle(
        self, number: int, boxes: list[_Box], batch: list[int], waiting: list[int]
    ) -> Flip | None:
        """Bounds the boxes of the batch; closes them or puts their halves on the waiting list."""
        goal = self.query.goals[number]
        branches = self.checker.branches([self._snapshot(boxes[i]) for i in batch])
        branches.tighten()
        count = (len(batch), len(goal.atoms))
        branch, row = (part.ravel() for part in np.indices(count))
        values, shifts, gradients = branches.minima(
            branches.symbolic.goal_targets(goal), branch, row
        )
        values, shifts = values.reshape(count), shifts.reshape(count)
        gradients = gradients.reshape(*count, -1)
        self.nodes += len(batch)
        strict = np.array([atom.strict for atom in goal.atoms])
        closed = (values > 0) | (strict & (values == 0)) | branches.empty[:, None]
        best = np.where(closed.any(axis=1), closed.argmax(axis=1), _real(values, shifts).argmax(1))
        open_rows = np.flatnonzero(~closed.any(axis=1))
        for settled in np.flatnonzero(closed.any(axis=1)).tolist():
            boxes[batch[settled]].body = SymbolicLeaf(int(best[settled]))
        flip = self._attack(number, boxes, [batch[row] for row in open_rows.tolist()])
        if flip is not None:
            return flip
        undecided = sum(
            ((low < 0) & (high > 0)).sum(axis=1)
            for low, high in zip(branches.lower, branches.upper, strict=True)
        )
        for still in open_rows.tolist():
            if undecided[still] <= PHASED_AT:
                found = self._by_phases(number, boxes[batch[still]])
                if isinstance(found, Flip):
                    return found
                if not isinstance(found, Undecided):
                    boxes[batch[still]].subtree = found
                    continue
            self._halve(boxes, batch[still], gradients[still, best[still]], waiting)
        return None

    def _by_phases(self, number: int, box: _Box) -> Tree | Flip | Undecided:
        """The box settled by a small tree over unit phases, under symbolic bounds of its own."""
        mark = self.checker.mark()
        for split, high in box.path:
            self.checker.restrict(split, high=high)
        self.checker.tighten_symbolically()
        tree = PhaseTree(self.query, self.checker, self.network, self.deadline)
        found = tree.refute(number, PHASE_NODES)
        self.phase_nodes += tree.nodes
        self.checker.undo(mark)
        if isinstance(found, Undecided | Flip):
            return found
        first, *rest = found
        return (Node((SymbolicStep(), *first.steps), first.body), *rest)

    def _snapshot(self, box: _Box) -> Snapshot:
        size = self._size
        return Snapshot(
            {-1 - k: q * size for k, q in enumerate(box.lower)},
            {-1 - k: q * size for k, q in enumerate(box.upper)},
        )

    def _attack(self, number: int, boxes: list[_Box], batch: list[int]) -> Flip | None:
        """The centers of the boxes, and the corners that the gradient there points to."""
        if not batch:
            return None
        goal = self.query.goals[number]
        low = np.array([[to_float(q) for q in boxes[i].lower] for i in batch])
        high = np.array([[to_float(q) for q in boxes[i].upper] for i in batch])
        centers = (low + high) / 2
        corners = np.where(self.network.ascend(goal, centers) > 0, high, low)
        points = np.concatenate([centers, corners])
        margins = self.network.margins(goal, points)
        order = np.argsort(-margins, kind="stable")[:4]
        for point in order.tolist():
            if margins[point] < -1e-6 * (1 + np.abs(margins).max()):
                break
            flip = exact_flip(self.query, number, points[point])
            if flip is not None:
                return flip
        return None

    def _halve(
        self, boxes: list[_Box], index: int, gradient: NDArray[np.int64], waiting: list[int]
    ) -> None:
        """Splits the box along the input that the bound depends on most."""
        box = boxes[index]
        widths = [high - low for low, high in zip(box.lower, box.upper, strict=True)]
        scores = np.abs(gradient.astype(np.float64)) * np.array([to_float(w) for w in widths])
        k = (
            int(scores.argmax())
            if scores.max() > 0
            else max(range(len(widths)), key=widths.__getitem__)
        )
        middle = Fraction(to_float((box.lower[k] + box.upper[k]) / 2))
        if not box.lower[k] < middle < box.upper[k]:
            middle = (box.lower[k] + box.upper[k]) / 2
        box.body = InputSplit(k, middle)
        box.children = (len(boxes), len(boxes) + 1)
        for high in (False, True):
            lower, upper = list(box.lower), list(box.upper)
            (lower if high else upper)[k] = middle
            boxes.append(_Box(lower, upper, path=(*box.path, (box.body, high))))
        waiting.extend(box.children)


def _real(values: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.ldexp(values.astype(np.float64), -shifts.astype(np.int32))
    return result


def _preorder(boxes: list[_Box]) -> Tree:
    nodes: list[Node] = []
    stack = [0]
    while stack:
        box = boxes[stack.pop()]
        nodes.extend(box.subtree)
        if box.body is not None:
            nodes.append(Node((), box.body))
        if box.children is not None:
            stack.extend(reversed(box.children))
    return tuple(nodes)
