"""Branch and bound over unit phases, with exact leaves where a branch closes.

A goal of one atom is bounded by ascent, many branches at once; one of several, whose mix is part of
what is to be found, by a warm linear program a node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Lemma,
    Tree,
    Undecided,
)
from verifier.question.query import Query
from verifier.search.attack import climb
from verifier.search.bounds.ascent import Ascent
from verifier.search.bounds.claims import SolverError
from verifier.search.bounds.float_leaf import CLEAR, FloatLeaf, LeafBounds, Parts, Phases
from verifier.search.bounds.floats import FloatNetwork, float_vector, to_float
from verifier.search.exact.leaves import Asked, ExactLeaves
from verifier.search.trees.lookahead import Lookahead
from verifier.search.trees.nodes import Branch, Nodes
from verifier.search.used import note

if TYPE_CHECKING:
    from verifier.search.bounds.relaxation import Relaxation, Solution

Float = NDArray[np.float64]
STRETCHED = 1e-9  # beyond it, z is above max(a, 0) by more than rounding
FLAT = 1e-9  # a margin that says nothing
DOUBTFUL = 1e-13  # of a leaf's size: below minus this, it does not close
NEAR = 1e-7  # of a leaf's size: a value that may be zero
NODE_LIMIT = "node limit"
SHARPER = 0.1  # of the ascent's bound: how much better a program has to be at least
BATCH = 64  # branches bounded at once
STEPS, FIRST_STEPS = 12, 40  # of the ascent: in a node, at the root
LAST_STEPS = 200  # of one branch alone: no unit is open, or a program claims to know better
LOOKING = 4  # a program is looked at for one part in so many of what the ascent has cost


@dataclass(frozen=True, slots=True)
class _SoFar:
    """Of a tree: the steps of the ascent, a branch each, and the bound that it had at the root."""

    steps: int
    root: float


class PhaseTree:
    """One query in the checker's current state (its root lemmas); `refute` one goal at a time."""

    def __init__(
        self,
        query: Query,
        checker: LeafChecker,
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
        self.lower = np.array([to_float(checker.lower(v), scales[v]) for v in units])
        self.upper = np.array([to_float(checker.upper(v), scales[v]) for v in units])
        self._undecided = np.array(
            [v for v in units if checker.lower(v) < 0 < checker.upper(v)], dtype=np.int64
        )
        seen = np.flatnonzero((self.lower < 0) & (self.upper > 0))
        self.leaves = ExactLeaves(query, checker, self._undecided)
        self.floats_hold = np.array_equal(seen, self._undecided) and bool(
            np.isfinite(self.lower).all() and np.isfinite(self.upper).all()
        )
        low, high = checker.box()
        self.box = (float_vector(low), float_vector(high))
        below, above = self.lower[self._undecided], self.upper[self._undecided]
        self._heights = -below * above / (above - below)  # of the relaxation's triangles
        self._doubts = 0
        self._ahead: dict[int, Lookahead] = {}

    @property
    def open_units(self) -> int:
        """The number of units that are undecided at the root."""
        return len(self._undecided)

    def refute(self, number: int, limit: int | None = None) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it."""
        stopped = self._stop(limit)
        if stopped is not None:
            return stopped
        if not self.floats_hold:
            note("refused: floats, they do not hold the numbers")
            return self._enumerate(number, limit)
        try:
            # Where an open ball is touched, a vertex of the program is exact and an ascent is not.
            touching = self.query.region.open and self.query.region.power == 1
            if len(self.query.goals[number].atoms) > 1 or touching or self._small:
                return self._by_programs(self._program(number), limit)
            return self._by_ascent(number, limit)
        except SolverError:
            note("refused: programs, the solver fails")
            return self._enumerate(number, limit)

    def decide(self, unit: int, limit: int, *, on: bool) -> Tree | None:
        """A tree which shows that the unit is on (else off), if few branches do."""
        lemma = Lemma(unit, not on, Fraction(0), ())
        found = self._by_ascent(lemma, self.nodes + limit) if self.floats_hold else None
        return found if isinstance(found, tuple) else None

    def _program(self, number: int) -> Relaxation:
        from verifier.search.bounds.relaxation import Relaxation  # takes long to import

        return Relaxation(
            self.query, self.network, number, self.lower, self.upper, self.box, self.deadline
        )

    def _stop(self, limit: int | None) -> Undecided | None:
        if self.deadline is not None and monotonic() > self.deadline:
            return Undecided("timeout")
        if limit is not None and self.nodes > limit:
            return Undecided(NODE_LIMIT)
        return None

    def _by_ascent(self, asked: Asked, limit: int | None) -> Tree | Flip | Undecided:
        """Refutes a goal, or proves a lemma about a unit; a flip is of a goal."""
        bounds = LeafBounds(
            self.query, self.network, self.network.target(self.leaves.target(asked)),
            self.lower, self.upper, self.box,
        )  # fmt: skip
        ascent = Ascent(bounds)
        program = self._program(asked) if isinstance(asked, int) else None
        first = ascent.start(np.ones((1, 1)))
        note("ascent")
        nodes = Nodes(self._undecided)
        starts = {0: (first, 0)}  # of open nodes: whose multipliers to begin with, and their row
        clear = 2 * CLEAR * float(bounds.values(first, nodes[0].phases[None])[1][0])
        waiting, steps, batches, taken, root = [0], FIRST_STEPS, 0, 0, -math.inf
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
            taken += len(batch) * steps
            phases, parts = np.array([nodes[index].phases for index in batch]), Parts.stack(begin)
            found = ascent.improve(parts, phases, steps, clear)
            steps = STEPS
            flip = self._flip_among(asked, found.points)
            if flip is not None:
                return flip
            leaves = bounds.leaves(found.parts, phases)
            root = float(found.values[0]) if not batches else root
            batches += 1
            looked_at = batches & (batches - 1) == 0  # after 1, 2, 4, ... batches
            opened = [row for row, leaf in enumerate(leaves) if not leaf.sure][-1:]
            if program and looked_at and opened:
                branch = (found.parts.take(opened), phases[opened])
                if self._prefers(program, ascent, branch, _SoFar(taken, root)):
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
        return nodes.preorder(partial(self.leaves.rounded, asked))

    def _prefers(
        self, program: Relaxation, ascent: Ascent, branch: tuple[Parts, Phases], so_far: _SoFar
    ) -> bool:
        """Whether the rest of the tree would be done sooner by programs than by the ascent, as far
        as this open branch tells: steep networks want more steps than there are.

        A program that wants more than its part of the steps so far is not waited for. If splits go
        on to gain as much as they did down to here, a bound that is better by so many of them makes
        a tree smaller by as many powers of two; that has to be more than a program costs more. (On
        an L2 ball it knows tangents alone.)"""
        parts, phases = branch
        iterations = program.iterations(so_far.steps // LOOKING)
        if not iterations or not program.at(phases[0]).ends_within(iterations):
            return False
        # A branch that is nearly empty has large multipliers, and these take steps alone.
        value = float(ascent.improve(parts, phases, LAST_STEPS, 0.0).values[0])
        if value > 0:
            return False
        cost = program.steps_taken() / STEPS
        margin = program.solve().margin
        gain = math.inf if margin is None else -margin - value
        a_split = max(value - so_far.root, 0.0) / max(int(np.count_nonzero(phases)), 1)
        return gain > SHARPER * abs(value) and gain > a_split * math.log2(max(cost, 1))

    def _by_programs(self, relaxation: Relaxation, limit: int | None) -> Tree | Flip | Undecided:
        number = relaxation.goal
        note("programs")
        nodes = Nodes(self._undecided)
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
        return nodes.preorder(partial(self.leaves.rounded, number))

    def _visit(
        self,
        asked: Asked,
        nodes: Nodes,
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
                low, high = nodes.split(index, _best(scores(), open_units))
                return (low, high) if a[node.column] > 0 else (high, low)
            exact = self.leaves.of_pattern(asked, node.phases)
            if not isinstance(exact, tuple):
                return exact
            node.leaf, node.used = exact
        nodes.settle(index)
        return ()

    def _close(self, asked: Asked, node: Branch, leaf: FloatLeaf) -> bool:
        """Gives the node a leaf, if its value says that this one closes."""
        if leaf.sure and self._believing:
            node.leaf, node.used = leaf, leaf.used
            return True
        if not leaf.value > -DOUBTFUL * leaf.size:
            return False
        # A goal that may be met with equality can give such a leaf in every node.
        closed = self._closed(asked)
        if closed and self._doubts > 4 + self.nodes // 16 and not node.phases.all():
            return False
        exact = self.leaves.from_floats(asked, leaf, node.phases)
        if exact is not None:
            node.leaf, node.used = exact, node.phases
            return True
        self._doubts += 1
        if isinstance(asked, Lemma) or closed or node.phases.all():
            return False
        found = self.leaves.of_program(asked, node.phases)
        if found is not None:
            node.leaf, node.used = found
        return found is not None

    def _enumerate(self, number: int, limit: int | None) -> Tree | Flip | Undecided:
        """The same without a solver, for numbers that floats do not hold: all patterns, exactly."""
        count = len(self._undecided)
        note("enumeration")
        nodes, waiting = Nodes(self._undecided), [0]
        unclear = False
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            index = waiting.pop()
            node = nodes[index]
            self.nodes += 1
            fixed = int(np.count_nonzero(node.phases))
            if self.leaves.closes(number, node.phases, Leaf()):
                node.leaf = Leaf()
            elif fixed < count:
                waiting.extend(nodes.split(index, fixed))
            else:
                exact = self.leaves.of_pattern(number, node.phases)
                if isinstance(exact, Flip):
                    return exact
                if isinstance(exact, Undecided):
                    unclear = True
                else:
                    node.leaf = exact[0]
        if unclear:
            return Undecided("a pattern of units stays undecided")
        return nodes.preorder(partial(self.leaves.rounded, number))

    def _scores(self, number: Asked, node: Branch, solution: Solution) -> list[Float]:
        """The scores of units by each branching rule; later scores break ties of earlier ones."""
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

    def _closed(self, asked: Asked) -> bool:
        """Whether the goal may be met where its atoms are zero, so that a bound of 0 is none."""
        target = self.leaves.target(asked)
        if isinstance(target, Lemma) or self.query.region.open:
            return False
        return not any(atom.strict for atom in target.atoms)

    def _flip(self, number: int, solution: Solution) -> Flip | None:
        if solution.margin is None:
            return None
        return climb(self.query, self.network, number, solution.point)

    def _flip_among(self, asked: Asked, points: Float) -> Flip | None:
        """A flip at or near the best of the points."""
        if isinstance(asked, Lemma):
            return None
        best = int(self.network.margins(self.query.goals[asked], points).argmax())
        return climb(self.query, self.network, asked, points[best])


def _best(scores: Sequence[Float], open_units: NDArray[np.int64]) -> int:
    """The best open unit by the first score that tells any of them apart."""
    for score in scores:
        if score[open_units].max() > 1e-9:
            return int(open_units[score[open_units].argmax()])
    return int(open_units[0])
