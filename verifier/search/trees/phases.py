"""Branch and bound over unit phases, with exact leaves where a branch closes.

A goal of one atom is bounded by ascent, many branches at once; one of several, whose mix is part of
what is to be found, by a warm linear program a node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, overload

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
from verifier.search.bounds.ascent import Ascent, Bounded
from verifier.search.bounds.claims import SolverError
from verifier.search.bounds.float_leaf import CLEAR, FloatLeaf, LeafBounds, Parts, Phases
from verifier.search.bounds.floats import FloatNetwork, float_vector, to_float
from verifier.search.exact.leaves import Asked, ExactLeaves
from verifier.search.trees.lookahead import Lookahead
from verifier.search.trees.nodes import Branch, Nodes
from verifier.search.trees.trials import Trial, best_splits
from verifier.search.used import note

if TYPE_CHECKING:
    from verifier.search.bounds.relaxation import Relaxation, Solution

Float = NDArray[np.float64]
Found = Tree | Flip | Undecided
STRETCHED = 1e-9  # beyond it, z is above max(a, 0) by more than rounding
FLAT = 1e-9  # a margin that says nothing
DOUBTFUL = 1e-13  # of a leaf's size: below minus this, it does not close
NEAR = 1e-7  # of a leaf's size: a value that may be zero
NODE_LIMIT = "node limit"
SHARPER = 0.1  # of the ascent's bound: how much better a program has to be at least
BATCH = 64  # branches bounded at once
FEW_NODES = 2 * BATCH  # of a tree: fewer say nothing about its size
STEPS, FIRST_STEPS = 12, 40  # of the ascent: in a node, at the root
LAST_STEPS = 200  # of one branch alone: no unit is open, or a program claims to know better
A_PROGRAM = 4 * STEPS  # steps that a program costs beside its iterations
LOOKING = 4  # a program is looked at for one part in so many of what the ascent has cost


@dataclass(frozen=True, slots=True)
class _SoFar:
    """Of a tree: the steps of the ascent, a branch each, and the bound that it had at the root."""

    steps: int
    root: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How long trees are grown while something else may make them smaller.

    `cost`: of that, in nodes; `spent`: nodes of the trees of other goals that are done, `done` of
    them; `left`: goals that are still to come after this one.

    A tree of n nodes of which a part f is closed is taken to end with n / f nodes, and trees to
    come to be like the ones before. While the geometric mean of what has been spent and of what is
    left is below the cost, the tree goes on: half done, it may take as much as the cost; the more
    hopeless it is, the earlier it is left.
    """

    cost: int
    spent: int = 0
    done: int = 0
    left: int = 0

    def is_over(self, nodes: int, part: float) -> bool:
        """Whether a tree of so many nodes, of which this part is closed, should be left."""
        if not part:
            return nodes >= FEW_NODES
        whole = nodes / part
        rest = whole - nodes + self.left * (self.spent + whole) / (self.done + 1)
        return (self.spent + nodes) * rest > self.cost**2


_Start = tuple[Parts, int]  # multipliers to begin with, and their row


@dataclass(frozen=True, slots=True)
class _Grown:
    """What stays the same while a tree grows; `clear` is a bound at which a branch is closed."""

    asked: Asked
    nodes: Nodes
    bounds: LeafBounds
    ascent: Ascent
    program: Relaxation | None
    clear: float


@dataclass(frozen=True, slots=True)
class _Rival:
    """A tree that is grown otherwise: the steps of the ascent that it has cost, and which part of
    it is closed."""

    steps: int
    part: float


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
        self._patience: Patience | None = None
        self._ahead: dict[int, Lookahead] = {}

    @property
    def open_units(self) -> int:
        """The number of units that are undecided at the root."""
        return len(self._undecided)

    def refute(
        self, number: int, limit: int | None = None, patience: Patience | None = None
    ) -> Tree | Flip | Undecided:
        """A tree that refutes goal `number`, or a point that satisfies it; undecided by the node
        limit also where the patience is over."""
        self._patience = patience
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

    def _is_left(self, nodes: Nodes, grown: int) -> bool:
        """Whether a tree that has grown by so many nodes is left for what may make it smaller."""
        patience = self._patience
        return patience is not None and patience.is_over(grown, nodes.closed_part())

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
        starts: dict[int, _Start] = {0: (first, 0)}  # of open nodes
        clear = 2 * CLEAR * float(bounds.values(first, nodes[0].phases[None])[1][0])
        grown = _Grown(asked, nodes, bounds, ascent, program, clear)
        waiting, steps, batches, taken, root = [0], FIRST_STEPS, 0, 0, -math.inf
        begun = self.nodes
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            batch, begin = _next_batch(nodes, waiting, starts)
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
            opened = [row for row, leaf in enumerate(leaves) if not leaf.sure]
            if looked_at and self._is_left(nodes, self.nodes - begun):
                return Undecided(NODE_LIMIT)
            if program and looked_at and opened:
                branch = (found.parts.take(opened[-1:]), phases[opened[-1:]])
                if self._prefers(program, ascent, branch, _SoFar(taken, root)):
                    rival = _Rival(taken, nodes.closed_part())
                    better = self._by_programs(program, limit, rival)
                    if better is not None:
                        return better
            sides = self._visit_all(grown, batch, phases, found, leaves)
            if isinstance(sides, Flip | Undecided):
                return sides
            starts |= sides
            waiting.extend(sides)
        return nodes.preorder(partial(self.leaves.rounded, asked))

    def _visit_all(
        self,
        grown: _Grown,
        batch: Sequence[int],
        phases: Phases,
        found: Bounded,
        leaves: Sequence[FloatLeaf],
    ) -> dict[int, _Start] | Flip | Undecided:
        """Closes or splits the nodes of a batch with what was found of each; where the ascents of
        the new ones start, in the order in which they wait."""
        asked, nodes, program, clear = grown.asked, grown.nodes, grown.program, grown.clear
        tried = self._tried(grown.ascent, found, phases, leaves, clear)
        starts: dict[int, _Start] = {}
        for row, index in enumerate(batch):
            node, leaf, trial = nodes[index], leaves[row], tried.get(row)
            if nodes.is_closed(index):
                continue
            a, scores = found.a[row], partial(self._rated, leaf, found, row, trial)
            if phases[row].all() and not leaf.sure:
                alone = found.parts.take([row]), phases[[row]]
                last = grown.ascent.improve(*alone, LAST_STEPS, clear)
                leaf = grown.bounds.leaves(last.parts, phases[[row]])[0]
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
                if trial is not None and trial.column == node.column:
                    starts[side] = trial.parts, trial.rows[node.children.index(side)]
        return starts

    def _tried(
        self,
        ascent: Ascent,
        found: Bounded,
        phases: Phases,
        leaves: Sequence[FloatLeaf],
        enough: float,
    ) -> dict[int, Trial]:
        """The units that trials would split, by the rows of open branches."""
        scores = {
            row: self._stretched(leaf, found.a[row], found.z[row])[0]
            for row, leaf in enumerate(leaves)
            if not leaf.sure and not phases[row].all()
        }
        return best_splits(ascent, found, phases, scores, enough)

    def _rated(self, leaf: FloatLeaf, found: Bounded, row: int, tried: Trial | None) -> list[Float]:
        """The scores of units, the one that was best when it was tried before all others."""
        scores = self._stretched(leaf, found.a[row], found.z[row])
        if tried is not None:
            scores.insert(0, (np.arange(len(self._undecided)) == tried.column).astype(float))
        return scores

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

    @overload
    def _by_programs(self, relaxation: Relaxation, limit: int | None) -> Found: ...

    @overload
    def _by_programs(
        self, relaxation: Relaxation, limit: int | None, rival: _Rival
    ) -> Found | None: ...

    def _by_programs(
        self, relaxation: Relaxation, limit: int | None, rival: _Rival | None = None
    ) -> Found | None:
        """A tree whose nodes are bounded by programs; None if, for the same cost, less of it is
        closed than the rival has closed. What is closed of a tree does not grow evenly, so that it
        may be worth another try when the rival has cost twice as much."""
        number = relaxation.goal
        note("programs")
        nodes = Nodes(self._undecided)
        waiting, begun, steps = [0], self.nodes, 0.0
        while waiting:
            stopped = self._stop(limit)
            if stopped is not None:
                return stopped
            if rival is not None and steps > rival.steps:
                if nodes.closed_part() < rival.part:
                    note("refused: programs, the ascent closes more")
                    return None
                rival = None
            grown = self.nodes - begun
            looked_at = grown & (grown - 1) == 0
            if looked_at and self._is_left(nodes, grown):
                return Undecided(NODE_LIMIT)
            index = waiting.pop()
            node = nodes[index]
            if nodes.is_closed(index):
                continue
            self.nodes += 1
            solution = relaxation.at(node.phases).solve()
            steps += A_PROGRAM + relaxation.steps_taken() if rival is not None else 0
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


def _next_batch(
    nodes: Nodes, waiting: list[int], starts: dict[int, _Start]
) -> tuple[list[int], list[_Start]]:
    """The last open nodes that wait, BATCH at most, and where their ascents start; they wait no
    more."""
    batch: list[int] = []
    begin: list[_Start] = []
    while waiting and len(batch) < BATCH:
        index = waiting.pop()
        start = starts.pop(index)
        if not nodes.is_closed(index):
            batch.append(index)
            begin.append(start)
    return batch, begin


def _best(scores: Sequence[Float], open_units: NDArray[np.int64]) -> int:
    """The best open unit by the first score that tells any of them apart."""
    for score in scores:
        if score[open_units].max() > 1e-9:
            return int(open_units[score[open_units].argmax()])
    return int(open_units[0])
