"""Branch and bound over unit phases: a warm linear program a node, exact leaves where it closes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.search.attack import climb, exact_flip
from verifier.search.floats import FloatNetwork, float_vector, to_float
from verifier.search.lookahead import Lookahead
from verifier.search.pattern import decide_pattern
from verifier.search.float_leaf import FloatLeaf, Phases
from verifier.search.relaxation import Relaxation, Solution
from verifier.search.solver import SolverError
from verifier.trusted.certificate import Flip, Leaf, Node, Tree, Undecided, UnitSplit
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Query

Float = NDArray[np.float64]
BITS = (30, 53)  # of the multipliers, tried in this order
STRETCHED = 1e-9  # beyond it, z is above max(a, 0) by more than rounding
FLAT = 1e-9  # a margin that says nothing
DOUBTFUL = 1e-13  # of a leaf's size: below minus this, it does not close


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
        self, query: Query, checker: FastChecker, network: FloatNetwork, deadline: float | None
    ) -> None:
        self.query, self.checker, self.network = query, checker, network
        self.deadline = deadline
        self.nodes = 0
        scales = checker.scaled.scales[query.network.inputs :]
        units = range(query.network.units.count)
        self._lower = np.array([to_float(Fraction(checker.lower(v)) / scales[v]) for v in units])
        self._upper = np.array([to_float(Fraction(checker.upper(v)) / scales[v]) for v in units])
        self._undecided = np.array(
            [v for v in units if checker.lower(v) < 0 < checker.upper(v)], dtype=np.int64
        )
        seen = np.flatnonzero((self._lower < 0) & (self._upper > 0))
        self._floats_hold = np.array_equal(seen, self._undecided) and bool(
            np.isfinite(self._lower).all() and np.isfinite(self._upper).all()
        )
        low, high = checker.box()
        self._box = (float_vector(low), float_vector(high))
        below, above = self._lower[self._undecided], self._upper[self._undecided]
        self._heights = -below * above / (above - below)  # of the relaxation's triangles
        self._doubts = 0
        self._ahead: dict[int, Lookahead] = {}

    def refute(self, number: int, limit: int | None = None) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it."""
        stopped = self._stop(limit)
        if stopped is not None:
            return stopped
        if not self._floats_hold:
            return self._enumerate(number, limit)
        try:
            relaxation = Relaxation(
                self.query, self.network, number, self._lower, self._upper, self._box,
                self.deadline,
            )  # fmt: skip
            return self._search(number, relaxation, limit)
        except SolverError:
            return self._enumerate(number, limit)

    def _stop(self, limit: int | None) -> Undecided | None:
        if self.deadline is not None and monotonic() > self.deadline:
            return Undecided("timeout")
        if limit is not None and self.nodes > limit:
            return Undecided("node limit")
        return None

    def _search(
        self, number: int, relaxation: Relaxation, limit: int | None
    ) -> Tree | Flip | Undecided:
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
            relaxation.set_phases(node.phases)
            solution = relaxation.solve()
            if self._close(number, node, solution):
                _settle(nodes, index)
                continue
            flip = self._flip(number, solution)
            if flip is not None:
                return flip
            column = self._choose(number, node.phases, solution)
            if column is None:
                exact = self._decide_exactly(number, node.phases)
                if not isinstance(exact, Leaf):
                    return exact
                node.leaf, node.used = exact, node.phases
                _settle(nodes, index)
                continue
            # The side of the optimum last, to be taken first: flips are found there.
            sides = _split(nodes, index, column)
            waiting.extend(sides if solution.a[column] > 0 else reversed(sides))
        return self._preorder(nodes)

    def _close(self, number: int, node: _Node, solution: Solution) -> bool:
        """Gives the node a leaf, if the margin says that there is one."""
        leaf = solution.leaf
        if leaf.sure and not self.query.region.open:  # there the nodes that touch are near zero
            node.leaf, node.used = leaf, leaf.used
            return True
        if not leaf.value > -DOUBTFUL * leaf.size:
            return False
        # A goal that may be met with equality can give such a leaf in every node.
        if self._closed(number) and self._doubts > 4 + self.nodes // 16 and not node.phases.all():
            return False
        for bits in BITS:
            exact = leaf.rounded(self._undecided, node.phases, bits)
            if self._closes(number, node.phases, exact):
                node.leaf, node.used = exact, node.phases
                return True
        self._doubts += 1
        return False

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
        return self._preorder(nodes)

    def _choose(self, number: int, phases: Phases, solution: Solution) -> int | None:
        """The open unit to split, None if all are fixed: the best by the first rule that tells any
        of them apart."""
        open_units = np.flatnonzero(phases == 0)
        if not len(open_units):
            return None
        for score in self._scores(number, phases, solution):
            if score[open_units].max() > 1e-9:
                return int(open_units[score[open_units].argmax()])
        return int(open_units[0])

    def _scores(self, number: int, phases: Phases, solution: Solution) -> Iterator[Float]:
        """What the branching rules say, the one to be asked first first."""
        if self._closed(number) and solution.margin is not None and abs(solution.margin) <= FLAT:
            if number not in self._ahead:
                self._ahead[number] = Lookahead(
                    self.network,
                    self.query.goals[number],
                    self._lower,
                    self._upper,
                    self._box,
                    self._undecided,
                )
            yield self._ahead[number].score(phases)
        # How far the proof relies on the triangle of a unit that the optimum stretches.
        gap = solution.z - np.maximum(solution.a, 0)
        yield np.abs(solution.leaf.coefficients) * self._heights * (gap > STRETCHED)
        yield gap

    def _closed(self, number: int) -> bool:
        """Whether the goal may be met where its atoms are zero, so that a bound of 0 is none."""
        strict = any(atom.strict for atom in self.query.goals[number].atoms)
        return not strict and not self.query.region.open

    def _decide_exactly(self, number: int, phases: Phases) -> Leaf | Flip | Undecided:
        """For a node with all phases fixed, whose margin is within rounding of zero."""
        goal = self.query.goals[number]
        point, leaf = decide_pattern(self.query, self.checker, goal, self._by_unit(phases))
        if leaf is not None and self._closes(number, phases, leaf):
            return leaf
        if point is not None:
            flip = exact_flip(self.query, number, point)
            if flip is not None:
                return flip
        return Undecided("all phases fixed, and the margin is within rounding of zero")

    def _by_unit(self, phases: Phases) -> dict[int, bool]:
        fixed = np.flatnonzero(phases)
        return dict(zip(self._undecided[fixed].tolist(), (phases[fixed] > 0).tolist(), strict=True))

    def _closes(self, number: int, phases: Phases, leaf: Leaf) -> bool:
        mark = self.checker.mark()
        for v, phase in self._by_unit(phases).items():
            self.checker.restrict(UnitSplit(v), high=phase)
        closed = self.checker.closes(leaf, self.query.goals[number])
        self.checker.undo(mark)
        return closed

    def _flip(self, number: int, solution: Solution) -> Flip | None:
        if solution.margin is None:
            return None
        return climb(self.query, self.network, number, solution.point)

    def _preorder(self, nodes: list[_Node]) -> Tree:
        listed: list[Node] = []
        stack: list[tuple[int, Phases]] = [(0, nodes[0].phases)]
        while stack:
            index, phases = stack.pop()
            node = nodes[index]
            while node.instead >= 0:
                node = nodes[node.instead]
            if isinstance(node.leaf, FloatLeaf):
                leaf = node.leaf.rounded(self._undecided, phases, BITS[0])
                listed.append(Node((), leaf))
            elif node.leaf is not None:
                listed.append(Node((), node.leaf))
            else:
                listed.append(Node((), UnitSplit(int(self._undecided[node.column]))))
                for child, phase in zip(reversed(node.children), (1, -1), strict=True):
                    below = phases.copy()
                    below[node.column] = phase
                    stack.append((child, below))
        return tuple(listed)


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
