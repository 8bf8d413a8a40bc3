"""Progressive tightening in exact integers: lemma after lemma about single units, each local.

Constructed networks are deep, their weights may have thousands of bits, and on a small region
almost every unit is decided. What interval arithmetic cannot see are dependencies, such as
m + max(g - m, 0) <= y for m, g <= y. Units that matter to the goals are visited first to last; each
is bounded by substituting decided units backwards, stopping at units that an earlier lemma has
tightened, and where that is loose by a split on the undecided unit it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heapify, heappop, heappush
from time import monotonic
from typing import Any

import numpy as np

from verifier.trusted.certificate import Leaf, Lemma, Node, Tree, UnitSplit
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Goal
from verifier.trusted.scaled import affine, scaled_inputs

ZERO, ONE = Fraction(0), Fraction(1)
MAX_SPLITS = 3  # of one lemma's tree, on a path, in the first pass
GOAL_SPLITS = 14  # of a goal's tree, and of any in the second pass
LEAVES = 500  # tried for one goal
Target = Goal | Lemma


class Propagation:
    """Finds lemmas for one query; `steps` are those found, in an order that replays."""

    def __init__(self, checker: FastChecker, deadline: float | None = None) -> None:
        self.checker = checker
        self.network = checker.network
        self.inputs = checker.inputs
        self.steps: list[Lemma] = []
        self.trees: list[Tree | None] = [None] * len(checker.query.goals)
        self._stops: dict[int, Fraction] = {}  # slopes 0 at units that lemmas tightened
        self._touched: set[int] = set()  # units whose state a lemma changed
        self._thorough = False
        self._leaves_left = LEAVES
        self._center: set[int] | None = None
        self._splittable: set[int] = set()  # undecided units whose phase others depend on
        self._deadline = deadline

    @property
    def late(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline

    def run(self) -> bool:
        """Whether all goals are proved; `trees` and `steps` hold what was found."""
        if self._close_goals(shallow=True):
            return True
        for self._thorough in (False, True):
            for v in self._reachable():
                if self.late:
                    return False
                if self._matters(v):
                    self._tighten(v)
            if self._close_goals(shallow=False):
                return True
        return False

    def _close_goals(self, *, shallow: bool) -> bool:
        for number, goal in enumerate(self.checker.query.goals):
            if self.trees[number] is not None or len(goal.atoms) > 1:
                continue
            if shallow:
                leaf = Leaf(slopes=dict.fromkeys(self._output_units(goal), ZERO))
                value, _ = self.checker.minimum(leaf, goal)
                found: tuple[Fraction, Tree] | None = (value, (Node((), leaf),))
            else:
                found = self._prove_goal(goal)
            if found is not None and (found[0] > 0 or (found[0] == 0 and goal.atoms[0].strict)):
                self.trees[number] = found[1]
        return all(tree is not None for tree in self.trees)

    def _prove_goal(self, goal: Goal) -> tuple[Fraction, Tree] | None:
        value, leaf, boxed = self._best_leaf(goal)
        if value > 0:
            return value, (Node((), leaf),)
        # A strict atom needs no more than >= 0, which any bound above a negative one may be.
        needed = Fraction(-1, 2**64) if goal.atoms[0].strict else ZERO
        self._leaves_left = LEAVES
        found = self._split(goal, max(needed, value), boxed, GOAL_SPLITS)
        return found or (value, (Node((), leaf),))

    def _output_units(self, goal: Goal) -> list[int]:
        """The units that the outputs of a goal of one atom read; absorbing them all at once by
        their boxes is plain interval arithmetic."""
        rows = self.network.outputs
        return sorted(
            {
                j - self.inputs
                for output, _ in goal.atoms[0].outputs
                for j in rows.row(output)[0]
                if j >= self.inputs
            }
        )

    def _leaves(self, last: int, through: int) -> Iterator[Leaf]:
        """The ways to substitute that are tried for a row that reads units before `last`.

        Up to tightened units; the same but through the layer of unit `through` and all later ones,
        where sums may cancel; and, in the second pass, for it costs the depth of the network each
        time, all the way down.
        """
        stops = {v: q for v, q in self._stops.items() if v < last}
        yield Leaf(slopes=stops)
        first = self.checker.first_of_layer(through)
        below = {v: q for v, q in stops.items() if v < first}
        if len(below) < len(stops):
            yield Leaf(slopes=below)
        if below and self._thorough:
            yield Leaf()

    def _reachable(self) -> list[int]:
        """Units that are not off and that the open goals read, directly or not; increasing."""
        starts, columns = self.network.units.starts, self.network.units.indices
        seen: set[int] = set()
        for number, goal in enumerate(self.checker.query.goals):
            if self.trees[number] is None:
                for atom in goal.atoms:
                    for output, _ in atom.outputs:
                        seen.update(j - self.inputs for j in self.network.outputs.row(output)[0])
        waiting = [-v for v in seen if v >= 0]
        heapify(waiting)
        found: list[int] = []
        while waiting:
            v = -heappop(waiting)
            if self.checker.upper(v) <= 0:
                continue
            found.append(v)
            for j in columns[starts[v] : starts[v + 1]].tolist():
                u = j - self.inputs
                if u >= 0 and u not in seen:
                    seen.add(u)
                    heappush(waiting, -u)
        return found[::-1]

    def _row_units(self, v: int) -> list[int]:
        rows = self.network.units
        return [
            j - self.inputs
            for j in rows.indices[rows.starts[v] : rows.starts[v + 1]].tolist()
            if j >= self.inputs
        ]

    def _matters(self, v: int) -> bool:
        """Only dependencies between units can make an interval loose.

        A unit that reads inputs alone, or that passes a single unit on, has nothing to gain. Notes
        on the way which units have a phase that others may depend on.
        """
        checker = self.checker
        live = [u for u in self._row_units(v) if checker.upper(u) > 0]
        if len(live) == 1 and checker.lower(live[0]) >= 0:
            if live[0] not in self._touched:
                return False
            self._touched.add(v)
            return checker.lower(v) < 0
        if live and checker.lower(v) < 0 < checker.upper(v):
            self._splittable.add(v)
        return any(u in self._touched or checker.lower(u) < 0 for u in live)

    def _tighten(self, v: int) -> None:
        """Adds the lemmas about unit v that improve its bounds."""
        scale = self.checker.scaled.scales[self.inputs + v]
        for upper in (False, True):
            target = Lemma(v, upper, ZERO, ())
            current = (
                -Fraction(self.checker.upper(v)) if upper else Fraction(self.checker.lower(v))
            ) / scale
            found = self._best_tree(target, current)
            if found is None:
                continue
            value, tree = found
            lemma = Lemma(v, upper, -value if upper else value, tree)
            self.steps.append(lemma)
            self.checker.assume(lemma)
            self._touched.add(v)
            if self.checker.lower(v) >= 0:
                self._stops[v] = ZERO

    def _best_tree(self, target: Lemma, current: Fraction) -> tuple[Fraction, Tree] | None:
        """A tree that proves a better bound than `current`, and that bound."""
        value, leaf, boxed = self._best_leaf(target)
        if self._splittable.intersection(boxed):
            self._leaves_left = LEAVES // 5
            depth = GOAL_SPLITS if self._thorough else MAX_SPLITS
            found = self._split(target, max(current, value), boxed, depth)
            if found is not None:
                return found
        return (value, (Node((), leaf),)) if value > current else None

    def _split(
        self, target: Target, current: Fraction, boxed: list[int], depth: int
    ) -> tuple[Fraction, Tree] | None:
        """The same by a split on the last undecided unit on the way, and further if need be."""
        choices = self._splittable.intersection(boxed)
        if not choices:
            return None
        unit = max(choices)
        sides: list[tuple[Fraction, Tree]] = []
        self._leaves_left -= 2
        if self._leaves_left < 0:
            return None
        for high in (False, True):
            mark = self.checker.mark()
            self.checker.restrict(UnitSplit(unit), high=high)
            value, leaf, deeper = self._best_leaf(target, unit)
            found: tuple[Fraction, Tree] | None = (value, (Node((), leaf),))
            if value <= current:
                found = (
                    self._split(target, current, deeper, depth - 1)
                    if depth > 1 and deeper
                    else None
                )
            self.checker.undo(mark)
            if found is None:
                return None
            sides.append(found)
        (low_value, low), (high_value, high_tree) = sides
        return min(low_value, high_value), (Node((), UnitSplit(unit)), *low, *high_tree)

    def _on_at_center(self) -> set[int]:
        """The units that are positive at the center of the box; only the second pass asks."""
        if self._thorough and self._center is None:
            region, scaled = self.checker.region, self.checker.scaled
            middle = [
                Fraction((low + high) * scaled.denominator // 2, scaled.denominator)
                for low, high in zip(region.lower, region.upper, strict=True)
            ]
            values = scaled_inputs([middle], scaled.denominator)
            space: Any = np.zeros((self.network.variables, 1), dtype=values.dtype)
            space[: self.inputs] = values
            for layer in scaled.layers:
                result = affine(layer, space, layer.indices)
                if result.dtype != space.dtype:
                    space = space.astype(object)
                first, last = self.inputs + layer.first, self.inputs + layer.last
                space[first:last] = np.maximum(result, 0)
            self._center = set(np.flatnonzero(space[self.inputs :, 0] > 0).tolist())
        return self._center or set()

    def _best_leaf(
        self, target: Target, through: int | None = None
    ) -> tuple[Fraction, Leaf, list[int]]:
        """The best bound found, its leaf, and the undecided units absorbed by their boxes."""
        if isinstance(target, Lemma):
            read, last = self._row_units(target.unit), target.unit
        else:
            read, last = self._output_units(target), self.network.units.count
        if through is None:
            through = max(read, default=0)
        best: tuple[Fraction, Leaf, list[int]] | None = None
        for trial in self._leaves(last, through):
            slopes = trial.slopes
            value, boxed = self.checker.minimum(trial, target)
            if best is None or value > best[0]:
                best = (value, trial, [v for v, _ in boxed])
            # max(a, b) = b + z with z >= a - b is at least a: the steeper line below z.
            rising = [v for v, positive in boxed if positive and v in self._splittable]
            for chosen in (rising, [v for v in rising if v in self._on_at_center()]):
                if chosen and (chosen is rising or len(chosen) < len(rising)):
                    trial = Leaf(slopes={**slopes, **dict.fromkeys(chosen, ONE)})
                    value, boxed = self.checker.minimum(trial, target)
                    if value > best[0]:
                        best = (value, trial, [v for v, _ in boxed])
        if best is None:
            raise ValueError("no leaf was tried")
        return best
