"""Branch and bound over the inputs: many boxes at once, each bounded symbolically.

For few inputs. A box is closed when the integer bounds of `checker/symbolic.py` refute one atom of
the goal; the checker recomputes them, so that the proof holds nothing but the splits. What becomes
of a box depends on nothing but the box, so that processes may share them: the tree is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.checker.branch import Snapshot
from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.scaled import ScaledNetwork
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
from verifier.search.bounds.floats import FloatNetwork, float_network, to_float
from verifier.search.clock import LateError, tick, within
from verifier.search.trees.crew import Crew, GoneError
from verifier.search.trees.phases import PhaseTree
from verifier.search.used import note

BATCH = 64  # boxes bounded at once
BATCHES = 16  # taken up at once, by as many processes at most
ALONE = 1.0  # seconds before others are called: a process takes a third of that to begin
EASY = 64  # boxes, after which random points are tried: they take a while
PHASED_AT = 60  # undecided units up to which a box is given to a phase tree
PHASE_NODES = 20  # of such a tree
Int = NDArray[np.int64]


@dataclass(slots=True)
class Box:
    """A box of the inputs, the goals that are open in it, and what became of them: trees, and a
    split if some stay open."""

    lower: list[Fraction]
    upper: list[Fraction]
    goals: list[int]
    path: tuple[tuple[InputSplit, bool], ...] = ()
    settled: dict[int, Tree] = field(default_factory=dict)
    split: InputSplit | None = None
    children: tuple[int, int] | None = None  # numbers in the list of all boxes


Settled = list[Box] | Flip | Undecided
"""What became of a batch."""


class InputSplitting:
    """One query by splitting inputs, all goals on the same boxes; `run` gives a tree a goal, a
    flip, or why it stopped. With `jobs` above 1 as many processes share the boxes."""

    def __init__(
        self,
        query: Query,
        checker: LeafChecker,
        network: FloatNetwork,
        deadline: float | None,
        seed: int,
        *,
        believing: bool = True,
        jobs: int = 1,
    ) -> None:
        self.query, self.network = query, network
        self.deadline, self.seed, self.jobs = deadline, seed, jobs
        self.nodes = 0
        self._begun = monotonic()
        self._settler = Settler(query, checker, network, believing=believing)
        self._crew: Crew | None = None

    def run(self, limit: int | None = None) -> tuple[Tree, ...] | Flip | Undecided:
        """A tree that refutes each goal, or a point that satisfies one."""
        try:
            return self._run(limit)
        finally:
            if self._crew is not None:
                self._crew.end()

    def _run(self, limit: int | None) -> tuple[Tree, ...] | Flip | Undecided:
        region, goals = self.query.region, range(len(self.query.goals))
        boxes = [Box(list(region.lower), list(region.upper), list(goals))]
        waiting, sampled = [0], False
        while waiting:
            if not sampled and self.nodes > EASY:
                sampled = True
                for goal in goals:
                    flip = sample(self.query, self.network, goal, self.seed)
                    if flip is not None:
                        return flip
            waiting, taken = waiting[: -BATCH * BATCHES], waiting[-BATCH * BATCHES :]
            batches = [taken[max(0, end - BATCH) : end] for end in range(len(taken), 0, -BATCH)]
            settled = self._settled([[boxes[i] for i in batch] for batch in batches])
            for batch, found in zip(batches, settled, strict=True):
                self.nodes += len(batch)
                if not isinstance(found, list):
                    return found
                for i, box in zip(batch, found, strict=True):
                    boxes[i] = box
                    if box.split is not None:
                        waiting.extend(_halve(boxes, i, box.split))
                if limit is not None and len(boxes) > limit:
                    return Undecided("node limit")
        return tuple(_preorder(boxes, goal) for goal in goals)

    def _settled(self, batches: Sequence[list[Box]]) -> Iterator[Settled]:
        """What becomes of each batch, in their order, whoever settles it."""
        done = 0
        if self._shares() and len(batches) > 1 and self._crew is not None:
            try:
                for found in self._crew.answers([(batch, self.deadline) for batch in batches]):
                    done += 1
                    yield found
            except GoneError:
                note("refused: processes, one has died")
                self._crew.end()
                self._crew, self.jobs = None, 1
        for batch in batches[done:]:
            yield self._settler.settle(batch, self.deadline)

    def _shares(self) -> bool:
        """Whether there are other processes; calls them once the search has taken a while."""
        if self.jobs > 1 and self._crew is None and monotonic() - self._begun > ALONE:
            self._crew = Crew(min(self.jobs, BATCHES), self._settler.recipe())
        return self._crew is not None


class Settler:
    """Bounds the boxes of one query, batch by batch; nothing is kept from one to the next."""

    def __init__(
        self, query: Query, checker: LeafChecker, network: FloatNetwork, *, believing: bool
    ) -> None:
        self.query, self.checker, self.network = query, checker, network
        self.believing = believing
        self._size = checker.scaled.denominator
        atoms = [atom for goal in query.goals for atom in goal.atoms]
        self._strict = np.array([atom.strict for atom in atoms])
        self._targets = checker.symbolic().atom_targets(atoms)
        ends = np.cumsum([len(goal.atoms) for goal in query.goals])
        self._rows = [
            np.arange(end - len(goal.atoms), end)
            for end, goal in zip(ends.tolist(), query.goals, strict=True)
        ]

    def recipe(self) -> Recipe:
        """How another process makes the same."""
        return Recipe(self.query, self._size, self.believing)

    def settle(self, batch: list[Box], deadline: float | None) -> Settled:
        """The boxes, each closed or with the split that it needs; a flip in one of them."""
        if _late(deadline):
            return Undecided("timeout")
        branches = self.checker.branches([self._snapshot(box) for box in batch])
        branches.between = tick
        shares = _Shares(branches)
        branches.tighten(shares.add)
        asked = [(k, goal) for k, box in enumerate(batch) for goal in box.goals]
        rows = [self._rows[goal] for _, goal in asked]
        sizes = [len(part) for part in rows]
        branch, row = np.repeat([k for k, _ in asked], sizes), np.concatenate(rows)
        values, _, _ = branches.minima(self._targets, branch, row)
        closed = (values > 0) | (self._strict[row] & (values == 0)) | branches.empty[branch]
        still: dict[int, list[int]] = {}  # the open goals of open boxes
        end = 0
        for (k, goal), size in zip(asked, sizes, strict=True):
            begin, end = end, end + size
            if closed[begin:end].any():
                leaf = SymbolicLeaf(int(closed[begin:end].argmax()))
                batch[k].settled[goal] = (Node((), leaf),)
            else:
                still.setdefault(k, []).append(goal)
        for k, goals in still.items():
            batch[k].goals = goals
        flip = self._attack([batch[k] for k in still])
        if flip is not None:
            return flip
        undecided = _undecided(branches)
        phased = [k for k in still if undecided[k] <= PHASED_AT]
        keys = {k: self._snapshot(batch[k]).key() for k in phased}
        self.checker.remember(branches, keys)
        for k in phased:
            flip = self._by_phases(batch[k], deadline)
            if flip is not None:
                return flip
            if _late(deadline):
                return Undecided("timeout")
        for k in still:
            box = batch[k]
            if box.goals:
                if box.lower == box.upper:
                    return Undecided("a box of one point stays open")
                box.split = _split(box, shares.total[k])
        return batch

    def _by_phases(self, box: Box, deadline: float | None) -> Flip | None:
        """Settles goals by small trees over unit phases, under symbolic bounds of the box."""
        mark = self.checker.mark()
        for split, high in box.path:
            self.checker.restrict(split, high=high)
        self.checker.tighten_symbolically()
        tree = PhaseTree(
            self.query, self.checker, self.network, deadline,
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

    def _snapshot(self, box: Box) -> Snapshot:
        size = self._size
        return Snapshot(
            {-1 - k: q * size for k, q in enumerate(box.lower)},
            {-1 - k: q * size for k, q in enumerate(box.upper)},
        )

    def _attack(self, boxes: list[Box]) -> Flip | None:
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


@dataclass(frozen=True, slots=True)
class Recipe:
    """Makes a settler in another process."""

    query: Query
    denominator: int
    believing: bool

    def __call__(self) -> Callable[[list[Box], float | None], Settled]:
        scaled = ScaledNetwork(self.query.network, self.denominator)
        checker = LeafChecker(self.query, scaled, interval_bounds(scaled, [self.query.region])[0])
        network = float_network(self.query.network)
        settler = Settler(self.query, checker, network, believing=self.believing)

        def settle(batch: list[Box], deadline: float | None) -> Settled:
            with within(deadline), np.errstate(all="ignore"):
                try:
                    return settler.settle(batch, deadline)
                except LateError:
                    return Undecided("timeout")

        return settle


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


def _split(box: Box, shares: NDArray[np.float64]) -> InputSplit:
    """Along the input with the largest share, near the middle, at a float if one lies between;
    where all inputs have none, along the widest."""
    widths = [high - low for low, high in zip(box.lower, box.upper, strict=True)]
    k = max(range(len(widths)), key=lambda k: (widths[k] > 0, shares[k], widths[k]))
    middle = Fraction(to_float((box.lower[k] + box.upper[k]) / 2))
    if not box.lower[k] < middle < box.upper[k]:
        middle = (box.lower[k] + box.upper[k]) / 2
    return InputSplit(k, middle)


def _halve(boxes: list[Box], index: int, split: InputSplit) -> tuple[int, int]:
    """Adds the two sides of the box; their numbers."""
    box, k = boxes[index], split.input
    box.children = (len(boxes), len(boxes) + 1)
    for high in (False, True):
        lower, upper = list(box.lower), list(box.upper)
        (lower if high else upper)[k] = split.threshold
        boxes.append(Box(lower, upper, list(box.goals), (*box.path, (split, high))))
    return box.children


def _late(deadline: float | None) -> bool:
    return deadline is not None and monotonic() > deadline


def _preorder(boxes: list[Box], goal: int) -> Tree:
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
