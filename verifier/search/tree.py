"""Branch and bound over unit phases, with exact leaves where a branch closes.

A goal of one atom is bounded by ascent, many branches at once; one of several, whose mix is part of
what is to be found, by a warm linear program a node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.search.ascent import Ascent, Bounded
from verifier.search.attack import climb, exact_flip
from verifier.search.exact_basis import exact_optimum
from verifier.search.float_leaf import CLEAR, FloatLeaf, LeafBounds, Parts, Phases
from verifier.search.floats import FloatNetwork, float_vector, to_float
from verifier.search.lookahead import Lookahead
from verifier.search.pattern import decide_pattern
from verifier.search.relaxation import Relaxation, Solution
from verifier.search.solver import SolverError
from verifier.trusted.certificate import (
    Flip,
    Leaf,
    Lemma,
    Node,
    Tree,
    Undecided,
    UnitSplit,
)
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Goal, Query

Float = NDArray[np.float64]
BITS = (30, 53)  # of the multipliers, tried in this order
STRETCHED = 1e-9  # beyond it, z is above max(a, 0) by more than rounding
FLAT = 1e-9  # a margin that says nothing
DOUBTFUL = 1e-13  # of a leaf's size: below minus this, it does not close
NEAR = 1e-7  # of a leaf's size: a value that may be zero
NODE_LIMIT = "node limit"
SHARPER = 0.1  # of the ascent's bound: how much better a program has to be to be preferred
BATCH = 64  # branches bounded at once
STEPS, FIRST_STEPS = 12, 40  # of the ascent: in a node, at the root
LAST_STEPS = 200  # where no unit is open, before it is decided in rationals


@dataclass(slots=True)
class _Node:
    """A branch; `used` are the phases that its refutation rests on, None while it is open."""

    phases: Phases
    parent: int
    column: int = -1  # of the unit that is split
    children: tuple[int, int] = (-1, -1)
    leaf: FloatLeaf | Leaf | None = None
    used: Phases | None = None
    instead: int = -1  # the child whose refutation holds here too


class PhaseTree:
    """One query in the checker's current state (its root lemmas); `refute` one goal at a time."""

    def __init__(
        self,
        query: Query,
        checker: FastChecker,
        network: FloatNetwork,
        deadline: float | None,
        *,
        believing: bool = True,
        small: bool = False,
    ) -> None:
        """If not `believing`, every leaf is tried exactly before it is kept. If `small`, trees have
        a few nodes, and programs are sooner done than an ascent."""
        self._small = small
        # Where an open ball is touched, values are near zero, and floats say little.
        self._believing = believing and not query.region.open
        self.query, self.checker, self.network = query, checker, network
        self.deadline = deadline
        self.nodes = 0
        scales = checker.scaled.scales[query.network.inputs :]
        units = range(query.network.units.count)
        self.lower = np.array([to_float(Fraction(checker.lower(v)) / scales[v]) for v in units])
        self.upper = np.array([to_float(Fraction(checker.upper(v)) / scales[v]) for v in units])
        self._undecided = np.array(
            [v for v in units if checker.lower(v) < 0 < checker.upper(v)], dtype=np.int64
        )
        seen = np.flatnonzero((self.lower < 0) & (self.upper > 0))
        self.floats_hold = np.array_equal(seen, self._undecided) and bool(
            np.isfinite(self.lower).all() and np.isfinite(self.upper).all()
        )
        low, high = checker.box()
        self.box = (float_vector(low), float_vector(high))
        below, above = self.lower[self._undecided], self.upper[self._undecided]
        self._heights = -below * above / (above - below)  # of the relaxation's triangles
        self._doubts = 0
        self._ahead: dict[int, Lookahead] = {}

    def refute(self, number: int, limit: int | None = None) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it."""
        stopped = self._stop(limit)
        if stopped is not None:
            return stopped
        if not self.floats_hold:
            return self._enumerate(number, limit)
        try:
            # Where an open ball is touched, a vertex of the program is exact and an ascent is not.
            touching = self.query.region.open and self.query.region.norm != "2"
            if len(self.query.goals[number].atoms) > 1 or touching or self._small:
                return self._by_programs(self._program(number), limit)
            return self._by_ascent(number, limit)
        except SolverError:
            return self._enumerate(number, limit)

    def decide(self, unit: int, limit: int, *, on: bool) -> Tree | None:
        """A tree which shows that the unit is on (else off), if few branches do."""
        lemma = Lemma(unit, not on, Fraction(0), ())
        found = self._by_ascent(lemma, self.nodes + limit) if self.floats_hold else None
        return found if isinstance(found, tuple) else None

    def _program(self, number: int) -> Relaxation:
        return Relaxation(
            self.query, self.network, number, self.lower, self.upper, self.box, self.deadline
        )

    def _stop(self, limit: int | None) -> Undecided | None:
        if self.deadline is not None and monotonic() > self.deadline:
            return Undecided("timeout")
        if limit is not None and self.nodes > limit:
            return Undecided(NODE_LIMIT)
        return None

    def _by_ascent(self, asked: int | Lemma, limit: int | None) -> Tree | Flip | Undecided:
        """Refutes a goal, or proves a lemma about a unit; a flip is of a goal."""
        bounds = LeafBounds(
            self.query, self.network, self.network.target(self._target(asked)),
            self.lower, self.upper, self.box,
        )  # fmt: skip
        ascent = Ascent(bounds)
        program = self._program(asked) if isinstance(asked, int) else None
        first = ascent.start(np.ones((1, 1)))
        nodes = [_Node(np.zeros(len(self._undecided), dtype=np.int8), -1)]
        starts = {0: (first, 0)}  # of open nodes: whose multipliers to begin with, and their row
        clear = 2 * CLEAR * float(bounds.values(first, nodes[0].phases[None])[1][0])
        waiting, steps, batches = [0], FIRST_STEPS, 0
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            batch: list[int] = []
            begin: list[tuple[Parts, int]] = []
            while waiting and len(batch) < BATCH:
                index = waiting.pop()
                start = starts.pop(index)
                if nodes[index].used is None:
                    batch.append(index)
                    begin.append(start)
            if not batch:
                break
            self.nodes += len(batch)
            phases, parts = np.array([nodes[index].phases for index in batch]), Parts.stack(begin)
            found = ascent.improve(parts, phases, steps, clear)
            steps = STEPS
            flip = self._flip_among(asked, found.points)
            if flip is not None:
                return flip
            leaves = bounds.leaves(found.parts, phases)
            batches += 1
            looked_at = batches & (batches - 1) == 0  # after 1, 2, 4, ... batches
            if program and looked_at and self._is_sharper(program, found, leaves, phases):
                return self._by_programs(program, limit)
            for row, index in enumerate(batch):
                node, leaf = nodes[index], leaves[row]
                if node.used is not None:
                    continue
                a, scores = found.a[row], partial(self._stretched, leaf, found.a[row], found.z[row])
                if phases[row].all() and not leaf.sure:
                    last = ascent.improve(found.parts.take([row]), phases[[row]], LAST_STEPS, clear)
                    leaf = bounds.leaves(last.parts, phases[[row]])[0]
                near = program is not None and abs(leaf.value) <= NEAR * leaf.size
                if program is not None and near and not self._close(asked, node, leaf):
                    # The ascent is not sharp enough here, but a vertex of the program may be.
                    solution = program.at(node.phases).solve()
                    leaf, a = solution.leaf, solution.a
                    scores = partial(self._scores, asked, node, solution)
                sides = self._visit(asked, nodes, index, leaf, a, scores)
                if isinstance(sides, Flip | Undecided):
                    return sides
                for side in sides:
                    starts[side] = found.parts, row
                waiting.extend(sides)
        return self._preorder(asked, nodes)

    def _is_sharper(
        self, program: Relaxation, found: Bounded, leaves: Sequence[FloatLeaf], phases: Phases
    ) -> bool:
        """Whether the program's bound of an open branch is better by much: steep networks want
        more steps than there are. (On an L2 ball it knows tangents alone.)"""
        open_rows = [row for row, leaf in enumerate(leaves) if not leaf.sure]
        if not open_rows:
            return False
        value = float(found.values[open_rows[-1]])
        margin = program.at(phases[open_rows[-1]]).solve().margin
        return margin is None or -margin - value > SHARPER * abs(value)

    def _by_programs(self, relaxation: Relaxation, limit: int | None) -> Tree | Flip | Undecided:
        number = relaxation.goal
        nodes = [_Node(np.zeros(len(self._undecided), dtype=np.int8), -1)]
        waiting = [0]
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            index = waiting.pop()
            node = nodes[index]
            if node.used is not None:
                continue
            self.nodes += 1
            solution = relaxation.at(node.phases).solve()
            flip = self._flip(number, solution)
            if flip is not None:
                return flip
            scores = partial(self._scores, number, node, solution)
            sides = self._visit(number, nodes, index, solution.leaf, solution.a, scores)
            if isinstance(sides, Flip | Undecided):
                return sides
            waiting.extend(sides)
        return self._preorder(number, nodes)

    def _visit(
        self,
        asked: int | Lemma,
        nodes: list[_Node],
        index: int,
        leaf: FloatLeaf,
        a: Float,
        scores: Callable[[], list[Float]],
    ) -> tuple[int, ...] | Flip | Undecided:
        """Closes the node with its leaf, or exactly if no unit is open; else splits it, at a unit
        that `scores` prefer. The numbers of the sides, if it is split; that of the optimum, where
        pre-activations are `a`, last, to be taken first: flips are found there."""
        node = nodes[index]
        if node.used is None and not self._close(asked, node, leaf):
            open_units = np.flatnonzero(node.phases == 0)
            if len(open_units):
                low, high = _split(nodes, index, _best(scores(), open_units))
                return (low, high) if a[node.column] > 0 else (high, low)
            exact = self._decide_exactly(asked, node.phases)
            if not isinstance(exact, Leaf):
                return exact
            node.leaf, node.used = self._fewest(asked, exact, node.phases)
        _settle(nodes, index)
        return ()

    def _close(self, asked: int | Lemma, node: _Node, leaf: FloatLeaf) -> bool:
        """Gives the node a leaf, if its value says that this one closes."""
        if leaf.sure and self._believing:
            node.leaf, node.used = leaf, leaf.used
            return True
        if not leaf.value > -DOUBTFUL * leaf.size:
            return False
        # A goal that may be met with equality can give such a leaf in every node.
        if self._closed(asked) and self._doubts > 4 + self.nodes // 16 and not node.phases.all():
            return False
        for bits in BITS:
            exact = self._rounded(asked, leaf, node.phases, bits)
            if self._closes(asked, node.phases, exact):
                node.leaf, node.used = exact, node.phases
                return True
        self._doubts += 1
        if isinstance(asked, Lemma) or self._closed(asked) or node.phases.all():
            return False
        found = exact_optimum(
            self.query, self.checker, self.query.goals[asked], self._by_unit(node.phases),
            self._undecided.tolist(),
        )  # fmt: skip
        if found is None or not self._closes(asked, node.phases, found[1]):
            return False
        node.leaf, node.used = self._fewest(asked, found[1], node.phases)
        return True

    def _enumerate(self, number: int, limit: int | None) -> Tree | Flip | Undecided:
        """The same without a solver, for numbers that floats do not hold: all patterns, exactly."""
        count = len(self._undecided)
        nodes, waiting = [_Node(np.zeros(count, dtype=np.int8), -1)], [0]
        unclear = False
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            index = waiting.pop()
            node = nodes[index]
            self.nodes += 1
            fixed = int(np.count_nonzero(node.phases))
            if self._closes(number, node.phases, Leaf()):
                node.leaf = Leaf()
            elif fixed < count:
                waiting.extend(_split(nodes, index, fixed))
            else:
                exact = self._decide_exactly(number, node.phases)
                if isinstance(exact, Flip):
                    return exact
                if isinstance(exact, Undecided):
                    unclear = True
                else:
                    node.leaf = exact
        if unclear:
            return Undecided("a pattern of units stays undecided")
        return self._preorder(number, nodes)

    def _scores(self, number: int | Lemma, node: _Node, solution: Solution) -> list[Float]:
        """What the branching rules say of units; the first that tells open ones apart decides."""
        scores = self._stretched(solution.leaf, solution.a, solution.z)
        flat = solution.margin is not None and abs(solution.margin) <= FLAT
        if flat and isinstance(number, int) and self._closed(number):
            if number not in self._ahead:
                goal = self.query.goals[number]
                self._ahead[number] = Lookahead(
                    self.network, goal, self.lower, self.upper, self.box, self._undecided
                )
            scores.insert(0, self._ahead[number].score(node.phases))
        return scores

    def _stretched(self, leaf: FloatLeaf, a: Float, z: Float) -> list[Float]:
        """How far the proof relies on the triangle of a unit that the optimum stretches, and how
        far the optimum stretches it."""
        gap = z - np.maximum(a, 0)
        return [np.abs(leaf.coefficients) * self._heights * (gap > STRETCHED), gap]

    def _target(self, asked: int | Lemma) -> Goal | Lemma:
        return self.query.goals[asked] if isinstance(asked, int) else asked

    def _closed(self, asked: int | Lemma) -> bool:
        """Whether the goal may be met where its atoms are zero, so that a bound of 0 is none."""
        target = self._target(asked)
        if isinstance(target, Lemma) or self.query.region.open:
            return False
        return not any(atom.strict for atom in target.atoms)

    def _decide_exactly(self, number: int | Lemma, phases: Phases) -> Leaf | Flip | Undecided:
        """For a node with all phases fixed, whose margin is within rounding of zero."""
        if isinstance(number, Lemma):
            return Undecided("a lemma that does not hold, or hardly")
        goal = self.query.goals[number]
        point, leaf = decide_pattern(self.query, self.checker, goal, self._by_unit(phases))
        if leaf is not None and self._closes(number, phases, leaf):
            return leaf
        if point is not None:
            flip = exact_flip(self.query, number, point)
            if flip is not None:
                return flip
        return Undecided("all phases fixed, and the margin is within rounding of zero")

    def _fewest(self, number: int | Lemma, leaf: Leaf, phases: Phases) -> tuple[Leaf, Phases]:
        """The leaf of a node, and fewer of its phases with which it still closes: branches that
        touch zero in one point would else be as many as patterns of units that do not matter."""
        on = self._undecided[phases > 0].tolist()
        leaf = replace(leaf, slopes={v: Fraction(1) for v in on} | dict(leaf.slopes))
        named = np.isin(self._undecided, list(leaf.bounds))
        used = np.where(named, phases, 0).astype(np.int8)
        if self._closes(number, used, leaf):
            return leaf, used
        used = phases.copy()
        for column in np.flatnonzero(phases * ~named).tolist():
            used[column] = 0
            if not self._closes(number, used, leaf):
                used[column] = phases[column]
        return leaf, used

    def _by_unit(self, phases: Phases) -> dict[int, bool]:
        fixed = np.flatnonzero(phases)
        return dict(zip(self._undecided[fixed].tolist(), (phases[fixed] > 0).tolist(), strict=True))

    def _closes(self, number: int | Lemma, phases: Phases, leaf: Leaf) -> bool:
        mark = self.checker.mark()
        for v, phase in self._by_unit(phases).items():
            self.checker.restrict(UnitSplit(v), high=phase)
        closed = self.checker.closes(leaf, self._target(number))
        self.checker.undo(mark)
        return closed

    def _flip(self, number: int, solution: Solution) -> Flip | None:
        if solution.margin is None:
            return None
        return climb(self.query, self.network, number, solution.point)

    def _flip_among(self, asked: int | Lemma, points: Float) -> Flip | None:
        """A flip at or near the best of the points."""
        if isinstance(asked, Lemma):
            return None
        best = int(self.network.margins(self.query.goals[asked], points).argmax())
        return climb(self.query, self.network, asked, points[best])

    def _rounded(
        self, asked: int | Lemma, leaf: FloatLeaf, phases: Phases, bits: int = BITS[0]
    ) -> Leaf:
        """The exact leaf, which names atoms only where there are any."""
        exact = leaf.rounded(self._undecided, phases, bits)
        return replace(exact, atoms={}) if isinstance(asked, Lemma) else exact

    def _preorder(self, asked: int | Lemma, nodes: list[_Node]) -> Tree:
        listed: list[Node] = []
        stack: list[tuple[int, Phases]] = [(0, nodes[0].phases)]
        while stack:
            index, phases = stack.pop()
            node = nodes[index]
            while node.instead >= 0:
                node = nodes[node.instead]
            if isinstance(node.leaf, FloatLeaf):
                listed.append(Node((), self._rounded(asked, node.leaf, phases)))
            elif node.leaf is not None:
                listed.append(Node((), node.leaf))
            else:
                listed.append(Node((), UnitSplit(int(self._undecided[node.column]))))
                for child, phase in zip(reversed(node.children), (1, -1), strict=True):
                    below = phases.copy()
                    below[node.column] = phase
                    stack.append((child, below))
        return tuple(listed)


def _best(scores: Sequence[Float], open_units: NDArray[np.int64]) -> int:
    """The best open unit by the first score that tells any of them apart."""
    for score in scores:
        if score[open_units].max() > 1e-9:
            return int(open_units[score[open_units].argmax()])
    return int(open_units[0])


def _split(nodes: list[_Node], index: int, column: int) -> tuple[int, int]:
    """The branches with this unit off and on."""
    node = nodes[index]
    node.column, node.children = column, (len(nodes), len(nodes) + 1)
    for phase in (-1, 1):
        phases = node.phases.copy()
        phases[column] = phase
        nodes.append(_Node(phases, index))
    return node.children


def _settle(nodes: list[_Node], index: int) -> None:
    """Closes what is above a closed node: a branch whose two sides are refuted, or one of them
    without the split, which then is not needed."""
    while nodes[index].parent >= 0:
        used = nodes[index].used
        parent = nodes[nodes[index].parent]
        low, high = parent.children
        other = nodes[low + high - index]
        if used is None:
            return
        if not used[parent.column]:
            parent.instead, parent.used = index, used
            other.used = used  # to be skipped
        elif other.used is None:
            return
        else:
            parent.used = np.where(used, used, other.used)
            parent.used[parent.column] = 0
        index = nodes[index].parent
