"""Branch and bound over unit phases: a warm linear program a node, exact leaves where it closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from verifier.search.attack import exact_flip
from verifier.search.floats import FloatNetwork, float_vector, to_float
from verifier.search.pattern import decide_pattern
from verifier.search.relaxation import Relaxation, Solution
from verifier.search.solver import SolverError
from verifier.trusted.certificate import Flip, Leaf, Node, Tree, Undecided, UnitSplit
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Query

Float = NDArray[np.float64]
BITS = (30, 53)  # of the multipliers, tried in this order


@dataclass(slots=True)
class _Node:
    phases: dict[int, bool]
    body: Leaf | UnitSplit | None = None
    children: tuple[int, int] | None = None


def by_gap(solution: Solution) -> Float:
    """Branching rule: how far z is above max(a, 0) in the relaxation's optimum."""
    return solution.z - np.maximum(solution.a, 0)


def by_pull(solution: Solution) -> Float:
    """Branching rule: the same times the unit's coefficient in the proof, so that a unit on which
    the bound does not depend is left alone."""
    return by_gap(solution) * solution.pull


class PhaseTree:
    """One query in the checker's current state (its root lemmas); `refute` one goal at a time."""

    def __init__(
        self,
        query: Query,
        checker: FastChecker,
        network: FloatNetwork,
        deadline: float | None,
        rule: Callable[[Solution], Float] = by_pull,
    ) -> None:
        self.query, self.checker, self.network = query, checker, network
        self.deadline, self.rule = deadline, rule
        self.nodes = 0
        scales = checker.scaled.scales[query.network.inputs :]
        units = range(query.network.units.count)
        self._lower = np.array([to_float(Fraction(checker.lower(v)) / scales[v]) for v in units])
        self._upper = np.array([to_float(Fraction(checker.upper(v)) / scales[v]) for v in units])
        self._undecided = [v for v in units if checker.lower(v) < 0 < checker.upper(v)]
        seen = np.flatnonzero((self._lower < 0) & (self._upper > 0)).tolist()
        self._floats_hold = seen == self._undecided and bool(
            np.isfinite(self._lower).all() and np.isfinite(self._upper).all()
        )
        low, high = checker.box()
        self._box = (float_vector(low), float_vector(high))

    def refute(self, number: int, limit: int | None = None) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it."""
        if not self._floats_hold:
            return self._enumerate(number, limit)
        try:
            relaxation = Relaxation(
                self.query, self.network, number, self._lower, self._upper, self._box
            )
        except SolverError:
            return self._enumerate(number, limit)
        nodes = [_Node({})]
        waiting = [0]
        while waiting:
            if self.deadline is not None and monotonic() > self.deadline:
                return Undecided("timeout")
            if limit is not None and self.nodes > limit:
                return Undecided("node limit")
            node = nodes[waiting.pop()]
            self.nodes += 1
            relaxation.set_phases(node.phases)
            try:
                solution = relaxation.solve()
            except SolverError:
                return self._enumerate(number, limit)
            leaf = self._leaf(number, node, solution)
            if leaf is not None:
                node.body = leaf
                continue
            flip = self._flip(number, solution)
            if flip is not None:
                return flip
            unit = self._choose(relaxation, node, solution)
            if unit is None:
                exact = self._decide_exactly(number, node)
                if isinstance(exact, Leaf):
                    node.body = exact
                    continue
                return exact
            node.body = UnitSplit(unit)
            on = bool(solution.a[relaxation.column[unit]] > 0)
            node.children = (len(nodes), len(nodes) + 1)
            nodes.extend(_Node({**node.phases, unit: phase}) for phase in (False, True))
            # The side of the optimum last, to be taken first: flips are found there.
            waiting.extend(node.children if on else reversed(node.children))
        return _preorder(nodes)

    def _enumerate(self, number: int, limit: int | None) -> Tree | Flip | Undecided:
        """The same without a solver, for numbers that floats do not hold: all patterns, exactly."""
        undecided = self._undecided
        nodes, waiting = [_Node({})], [0]
        unclear = False
        while waiting:
            if self.deadline is not None and monotonic() > self.deadline:
                return Undecided("timeout")
            if limit is not None and self.nodes > limit:
                return Undecided("node limit")
            node = nodes[waiting.pop()]
            self.nodes += 1
            if self._closes(number, node, Leaf()):
                node.body = Leaf()
                continue
            if len(node.phases) < len(undecided):
                unit = undecided[len(node.phases)]
                node.body = UnitSplit(unit)
                node.children = (len(nodes), len(nodes) + 1)
                nodes.extend(_Node({**node.phases, unit: phase}) for phase in (False, True))
                waiting.extend(node.children)
                continue
            exact = self._decide_exactly(number, node)
            if isinstance(exact, Flip):
                return exact
            if isinstance(exact, Undecided):
                unclear = True
            else:
                node.body = exact
        return Undecided("a pattern of units stays undecided") if unclear else _preorder(nodes)

    def _leaf(self, number: int, node: _Node, solution: Solution) -> Leaf | None:
        """The leaf that closes the node exactly, if the margin says that there is one."""
        # On an L2 ball the leaf's own bound is over the ball, better than the program's tangents.
        rough = self.query.region.norm == "2"
        if not rough and solution.margin is not None and solution.margin > 1e-9:
            return None
        for bits in BITS:
            leaf = solution.leaf.rounded(bits)
            if solution.margin is None:
                leaf = Leaf({0: 0 * leaf.atoms[0]}, leaf.slopes, leaf.bounds, leaf.cuts, leaf.box)
            if self._closes(number, node, leaf):
                return leaf
        return None

    def _decide_exactly(self, number: int, node: _Node) -> Leaf | Flip | Undecided:
        """For a node with all phases fixed, whose margin is within rounding of zero."""
        goal = self.query.goals[number]
        point, leaf = decide_pattern(self.query, self.checker, goal, node.phases)
        if leaf is not None and self._closes(number, node, leaf):
            return leaf
        if point is not None:
            flip = exact_flip(self.query, number, point)
            if flip is not None:
                return flip
        return Undecided("all phases fixed, and the margin is within rounding of zero")

    def _closes(self, number: int, node: _Node, leaf: Leaf) -> bool:
        mark = self.checker.mark()
        for v, phase in node.phases.items():
            self.checker.restrict(UnitSplit(v), high=phase)
        closed = self.checker.closes(leaf, self.query.goals[number])
        self.checker.undo(mark)
        return closed

    def _flip(self, number: int, solution: Solution) -> Flip | None:
        if solution.margin is None:
            return None
        goal = self.query.goals[number]
        least = float(self.network.margins(goal, solution.point[None, :])[0])
        if least < -1e-7 * (1 + abs(solution.margin)):
            return None
        return exact_flip(self.query, number, solution.point)

    def _choose(self, relaxation: Relaxation, node: _Node, solution: Solution) -> int | None:
        """The unit to split: the best by the rule, else any that is not fixed yet."""
        open_units = [v for v in relaxation.column if v not in node.phases]
        if not open_units:
            return None
        columns = [relaxation.column[v] for v in open_units]
        for scores in (self.rule(solution), by_gap(solution), solution.pull):
            picked = scores[columns]
            if picked.max() > 1e-9:
                return open_units[int(picked.argmax())]
        return open_units[0]


def _preorder(nodes: list[_Node]) -> Tree:
    listed, stack = [], [0]
    while stack:
        node = nodes[stack.pop()]
        if node.body is not None:
            listed.append(Node((), node.body))
        if node.children is not None:
            stack.extend(reversed(node.children))
    return tuple(listed)
