"""Progressive tightening in exact integers: lemma after lemma about single units, each local.

Constructed networks are deep, their weights may have thousands of bits, and on a small region
almost every unit is decided. What interval arithmetic cannot see are dependencies: in
m + max(g - m, 0) <= y for m, g <= y, both terms depend on m. Units that matter to the goals are
visited first to last. Where terms of a unit's row depend on one undecided unit, its bounds are
found by substituting backwards, and where that is loose by splits on undecided units, last first.

The cheapest comes first: a pass of forward substitution (`forward`), which is all that a network
without undecided units needs; then a pass that visits only what goals read, assuming each unit with
a positive coefficient has its phase at the centre; then one over all units, and one that tries
harder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from heapq import heappop, heappush
from math import isqrt
from time import monotonic
from typing import Any

import numpy as np

from verifier.checker.maxima_trees import MaximaTrees
from verifier.checker.scaled import affine
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    Robust,
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.network import integers
from verifier.question.query import Goal
from verifier.question.region import root_upper
from verifier.search.clock import check_time
from verifier.search.deep.ball_rows import lemmas_of_ball, rows_of
from verifier.search.deep.fixed_sums import SumSearch
from verifier.search.deep.forward import ForwardPass
from verifier.search.deep.largest_terms import falling_terms
from verifier.search.deep.ridge_sums import SeparableSearch, is_worth_trying
from verifier.search.deep.substitution import Bound, substitute

ZERO = Fraction(0)
LARGEST = 2  # terms of a goal that get bounds of their own
GUIDED_LEAVES = 16  # tried for one tree in the guided pass
MULTIPLIERS = 3  # of the ball, for all final sums together
LEAVES = 60  # tried for one tree in the first pass
MORE_LEAVES = 500  # in the second, and for goals
TRIALS = 6000  # bounds that the second pass computes
MOST_TOUCHING = 4000  # nodes of a tree about an open ball that a flip touches
Target = Goal | Lemma
Test = Callable[[Fraction], bool]
Values = list[int] | dict[int, int]
WIDE = 256  # units a layer, from which layers are gone through at once


@dataclass(frozen=True, slots=True)
class Branch:
    """The best bound found of a target in the current branch, and what to split on."""

    value: Fraction
    leaf: Leaf
    choice: int | None


@dataclass(slots=True)
class Attempt:
    """A branch of a tree: the splits that lead to it, what was found there, and, if it was split,
    the numbers of its sides."""

    path: tuple[tuple[UnitSplit, bool], ...]
    found: Branch
    sides: tuple[int, int] = (0, 0)


class Propagation:
    """Finds lemmas for one query; `steps` are those found, in an order that replays."""

    def __init__(
        self,
        checker: TreeChecker,
        deadline: float | None = None,
        *,
        sums: bool = True,
        separable: bool = True,
        maxima: bool = True,
    ) -> None:
        """`sums` and `maxima` say whether steps about sums of functions of one direction, and about
        maxima, may be used; without `separable`, of the former those about final sums alone."""
        self._maxima = maxima
        self.checker = checker
        self.inputs = checker.inputs
        self.steps: list[Step] = []
        self.trees: list[Tree | None] = [None] * len(checker.query.goals)
        self.margins: list[Fraction | None] = [None] * len(checker.query.goals)
        self._row = checker.root.rows.row
        self._tightened: set[int] = set()  # units that are on and have a lemma
        self._loose: set[int] = set()  # those whose bound more splits might improve
        self._touched: set[int] = set()  # units whose bounds a lemma changed
        self._several: dict[int, bool] = {}  # whether a unit reads more than one unit
        self._chords = False  # whether chords of all other units are tried, in the last pass
        self._guide: set[int] = set()  # units that are on at the centre, in the guided pass
        self._wanted: set[int] = set()  # those whose upper bounds matter there
        self._trials_left: int | None = None
        self._center: Values = {}  # values of the units at the centre of the region
        self._corners: list[Values] = []  # and at two opposite corners
        self._leaves_left = 0
        self._cut_short = False  # whether the last tree had splits left
        self._deadline = deadline
        self._summed = sums and is_worth_trying(checker)
        self._separable = separable
        layers = max(1, len(checker.network.layers))
        self._wide = checker.network.units.count >= WIDE * layers
        self._on_ball = checker.region.norm != "inf"

    @property
    def late(self) -> bool:
        if self._trials_left is not None and self._trials_left < 0:
            return True
        return self._deadline is not None and monotonic() > self._deadline

    def run(self) -> bool:
        """Whether all goals are proved; `trees` and `steps` hold what was found. Raises LateError
        after the deadline."""
        return self.run_quickly() or self.run_thoroughly()

    def proof(self) -> Robust:
        """What was found, once all goals are proved."""
        return Robust(tuple(self.steps), tuple(tree for tree in self.trees if tree is not None))

    def run_forward(self) -> bool:
        """The same by substituting forwards alone."""
        return self._forward(self._relevant())

    def run_by_maxima(self) -> bool:
        """The same by the bounds of maxima, with what substituting forwards says below them."""
        if self._close_goals(leaves=0) or (not self._on_ball and self._bound_maxima()):
            return True
        return self._forward(self._relevant()) or self._bound_maxima()

    def run_quickly(self) -> bool:
        """The same by what is cheap: forms of inputs, then maxima in one step, which ends most of
        what overlaps, and a first pass over all units for the rest."""
        summed = self._summed and self._on_ball
        # Where a ball matters, what follows from its box alone is mostly too weak.
        if (summed and self._bound_final_sums()) or self._close_goals(leaves=0):
            return True
        if self._on_ball and not summed and self._separable and self._bound_rows():
            return True
        if summed and self._separable and self._bound_sums():
            return True
        maxima = self._maxima and not summed
        # On a box intervals say of most units what forms do, and maxima take a single step; in wide
        # networks the first one is found for many regions at once.
        first = maxima and (self._wide or not self._on_ball)
        if first and self._bound_maxima():
            return True
        count = len(self.steps)
        if self._forward(self._relevant()):
            return True
        if maxima and (not first or len(self.steps) > count) and self._bound_maxima():
            return True
        units = self._relevant()
        self._find_corners(self._relevant(every=True))
        if (maxima and self._bound_at_center()) or self._guided_pass():
            return True
        self._visit(units, thorough=False)
        if self._close_goals(leaves=MORE_LEAVES):
            return True
        return (self._maxima and self._bound_maxima()) or self._touch_goals()

    def run_thoroughly(self) -> bool:
        """The same by all that is left to try after `run_quickly`."""
        # On boxes sums are dear and rarely needed.
        on_box = self._summed and self._separable and not self._on_ball
        if on_box and self._bound_sums():
            return True
        units = self._relevant()
        self._chords, self._trials_left = True, TRIALS
        self._visit(units, thorough=True)
        if self._close_goals(leaves=MORE_LEAVES):
            return True
        # Once more, with the lemmas found since.
        return (self._maxima and self._bound_maxima()) or self._touch_goals()

    def _forward(self, units: Iterable[int]) -> bool:
        """Whether substituting forwards decides so many units that all goals close."""
        forward = ForwardPass(self.checker, self._deadline)
        if not forward.run(units):
            return False
        self.steps += forward.steps
        for number, goal in enumerate(self.checker.query.goals):
            tree = self.trees[number]
            if tree is not None and not self._still_holds(tree, goal):
                self.trees[number] = None
            if self.trees[number] is None and len(goal.atoms) == 1:
                self.trees[number] = forward.goal_tree(goal)
        return all(tree is not None for tree in self.trees)

    def _bound_sums(self) -> bool:
        """Whether steps about sums of functions of one direction each are enough."""
        search, mark = SeparableSearch(self.checker, self._deadline), self.checker.mark()
        try:
            search.run()
        except RefusedError:  # a function of too many pieces, which other passes may do without
            self.checker.undo(mark)
            return False
        self.steps += search.steps
        self._touched |= search.changed
        self._tightened |= {v for v in search.changed if self.checker.lower(v) >= 0}
        return self._close_goals(leaves=0) or self._close_on_directions()

    def _bound_final_sums(self) -> bool:
        """Whether few steps about all final sums, and the maxima of what reads them, are enough."""
        mark = self.checker.mark()
        try:
            search = SumSearch(self.checker, self._deadline)
            search.prove_own()
            for _ in range(MULTIPLIERS):
                found = search.bound_others()
                if search.steps:
                    self.steps += search.steps
                    search.steps.clear()
                    if self._bound_maxima():
                        return True
                if not found:
                    break
        except RefusedError:  # numbers that the arrays do not hold
            self.checker.undo(mark)
            self.steps.clear()
        return False

    def _bound_rows(self) -> bool:
        """Whether what the ball, of norm 1 or 2, means for units that read inputs alone is enough,
        with what follows for maxima. Nothing is kept if it is not."""
        rows = rows_of(self.checker.scaled) if self.checker.region.power <= 2 else None
        if rows is None or not self._maxima:
            return False
        mark, count, touched = self.checker.mark(), len(self.steps), set(self._touched)
        trees, margins = list(self.trees), list(self.margins)
        for every in (False, True):
            check_time(self._deadline)
            for lemma in lemmas_of_ball(self.checker, rows, every=every):
                self._assume(lemma)
            if self._bound_maxima():
                return True
            self.checker.undo(mark)
            del self.steps[count:]
            self._touched, self.trees, self.margins = set(touched), list(trees), list(margins)
        return False

    def _bound_maxima(self) -> bool:
        """Whether the bounds of maxima are enough."""
        check_time(self._deadline)
        mark = self.checker.mark()
        try:
            changes = self.checker.tighten_maxima(partial(check_time, self._deadline))
        except RefusedError:  # more maxima than a network of that size can need
            self.checker.undo(mark)
            return False
        if changes:
            self.steps.append(MaximaStep())
            self._touched.update(changes.raised, changes.dropped)
        trees = MaximaTrees(self.checker)
        for number, goal in enumerate(self.checker.query.goals):
            tree = self.trees[number]
            if changes and tree is not None and not self._still_holds(tree, goal):
                self.trees[number] = None
            if self.trees[number] is None and len(goal.atoms) == 1:
                value, tree = trees.of_goal(goal)
                if value > 0 or (value == 0 and goal.atoms[0].strict):
                    self.margins[number], self.trees[number] = Fraction(value), tree
        return all(tree is not None for tree in self.trees)

    def _bound_at_center(self) -> bool:
        """Whether the maxima are enough with lower bounds of the units that are the largest terms
        at the centre. A test of a distance is such a unit, and what it falls with is a maximum as
        well, of functions that intervals bound twice as loosely as chords: |x| for example. So
        that its bound is found in one tree, with as many leaves as there are coordinates."""
        before = len(self.steps)
        self._guide = {v for v, value in self._at_center() if value > 0}
        for goal, tree in zip(self.checker.query.goals, self.trees, strict=True):
            if tree is None and len(goal.atoms) == 1:
                found = falling_terms(self.checker, goal, self._guide, self._splits)
                for v in found[:LARGEST]:
                    self._bound_largest(v)
        self._guide = set()
        return len(self.steps) > before and self._bound_maxima()

    def _bound_largest(self, v: int) -> None:
        """A lemma with the best lower bound of unit v that one tree shows, if there is a better
        one than that of its box."""
        checker = self.checker
        scale = checker.scaled.scales[self.inputs + v]
        current, least = checker.lower(v), min(corner[v] for corner in self._corners)
        if current >= least:
            return
        self._leaves_left = MORE_LEAVES
        found = self._tree(
            Lemma(v, False, ZERO, ()),
            partial(_at_least, Fraction(least, scale)),
            partial(_above, Fraction(current) / scale),
        )
        if found is not None:
            self._assume(Lemma(v, False, found[0], found[1]))
            self._tightened.add(v)

    def _at_center(self) -> Iterable[tuple[int, int]]:
        """Units and their values at the centre."""
        return self._center.items() if isinstance(self._center, dict) else enumerate(self._center)

    def _guided_pass(self) -> bool:
        """Visits only what the open goals read if every rising unit is what it is at the centre:
        of the two terms of a maximum mostly one matters, and all that it hides need no visit."""
        center = dict(self._at_center())
        self._guide = {v for v, value in center.items() if value > 0}
        goals = zip(self.checker.query.goals, self.trees, strict=True)
        targets: list[Target] = [g for g, tree in goals if tree is None and len(g.atoms) == 1]
        reached, above = set[int](), set[int]()
        while targets:
            target = targets.pop()
            unit = target.unit if isinstance(target, Lemma) else None
            if unit is not None and self.checker.upper(unit) <= 0:
                continue
            bounds = list(self._bounds(target))
            if unit is not None and self._turns_off(unit, bounds):
                continue  # so nothing below it needs a visit
            for bound in bounds:
                falling = {v for v in bound.open if self._splits(v)}.difference(bound.rising)
                targets += [Lemma(v, True, ZERO, ()) for v in falling - reached]
                reached |= bound.reached
                above |= bound.above
        self._wanted = above
        self._visit(sorted(center.keys() & reached), thorough=False)
        proved = self._close_goals(leaves=MORE_LEAVES)
        self._guide = set()
        return proved

    def _turns_off(self, v: int, bounds: Iterable[Bound]) -> bool:
        """Whether the best of these bounds of -a_v shows that the unit is off, which is a lemma."""
        best = max(bounds, key=lambda bound: bound.value)
        if best.value < 0:
            return False
        self._assume(Lemma(v, True, -best.value, (Node((), best.leaf),)))
        return True

    def _close_on_directions(self) -> bool:
        """Goals whose outputs are functions of one direction are closed by the pieces of these."""
        leaf = Leaf(ball=ZERO)
        for number, goal in enumerate(self.checker.query.goals):
            still = self.trees[number] is None and len(goal.atoms) == 1
            if still and self.checker.closes(leaf, goal):
                self.trees[number] = (Node((), leaf),)
        return all(tree is not None for tree in self.trees)

    def _visit(self, units: Iterable[int], thorough: bool) -> None:
        """Tightens unit after unit: by trees where two terms of a row depend on one undecided unit,
        and by one leaf where the terms may depend on one input, or have changed."""
        checker = self.checker
        leaves = MORE_LEAVES if thorough else GUIDED_LEAVES if self._guide else LEAVES
        below: dict[int, int] = {}  # for each unit the undecided units it depends on, as bits
        undecided = 0
        for v in units:
            if self.late:
                return
            if checker.root.rows.skips(v):
                continue
            reached, shared, read = 0, 0, self._units_read(v)
            for u in read:
                shared |= reached & below.get(u, 0)
                reached |= below.get(u, 0)
            several = len(self._row(v)[0]) > 1
            if self._guide and v not in self._wanted:
                # Only its lower bound matters, and that is mostly found by substitution.
                if shared and v in self._guide:
                    self._tighten(v, leaves, sides=(False,))
            elif shared or (thorough and read and several):
                self._tighten(v, leaves)
            elif self._touched.intersection(read) or (
                len(read) > 1 and (self._guide or checker.lower(v) < 0 < checker.upper(v))
            ):
                self._tighten(v, 0)
            if checker.lower(v) < 0 < checker.upper(v):
                reached |= 1 << undecided
                undecided += 1
            below[v] = reached if checker.upper(v) > 0 else 0

    # ------------------------------------------------------------------ which units

    def _units_read(self, v: int) -> list[int]:
        return [j - self.inputs for j in self._row(v)[0] if j >= self.inputs]

    def _splits(self, v: int) -> bool:
        """Whether a split on the unit may be worth it: it reads more than one unit."""
        found = self._several.get(v)
        if found is None:
            found = self._several[v] = len(self._units_read(v)) > 1
        return found

    def _output_units(self, goal: Goal) -> set[int]:
        """The units that the outputs of the goal's atoms read, as far as they are live."""
        outputs, rows = self.checker.network.outputs, self.checker.root.rows
        read = {
            rows.source(j) - self.inputs
            for atom in goal.atoms
            for output, _ in atom.outputs
            for j in outputs.row(output)[0]
        }
        return {u for u in read if u >= 0 and self.checker.upper(u) > 0}

    def _relevant(self, *, every: bool = False) -> list[int]:
        """The live units that open goals read, directly or not, or `every` goal; increasing."""
        waiting: list[int] = []
        for goal, tree in zip(self.checker.query.goals, self.trees, strict=True):
            if tree is None or every:
                waiting.extend(self._output_units(goal))
        if self._wide:
            return self._relevant_of_layers(waiting)
        seen = set(waiting)
        while waiting:
            for u in self._units_read(waiting.pop()):
                if u not in seen and self.checker.upper(u) > 0:
                    seen.add(u)
                    waiting.append(u)
        return sorted(seen)

    def _relevant_of_layers(self, read: Sequence[int]) -> list[int]:
        """The same in one go for each layer, with units that pass others on."""
        checker, inputs = self.checker, self.inputs
        upper = checker.live()
        marked = np.zeros(checker.network.variables, dtype=bool)
        marked[[inputs + v for v in read]] = True
        lengths = np.diff(checker.network.units.starts)
        for layer in reversed(checker.scaled.layers):
            units = slice(inputs + layer.first, inputs + layer.last)
            marked[units] &= upper[layer.first : layer.last]
            entries = np.repeat(marked[units], lengths[layer.first : layer.last])
            marked[layer.indices[entries]] = True
        found: list[int] = np.flatnonzero(marked[inputs:]).tolist()
        return found

    def _find_corners(self, units: Sequence[int]) -> None:
        """Evaluates the units at the centre and at two opposite corners: what an upper bound cannot
        go below, and which lines are likely to be tight. A goal that is closed may be opened again
        by a later lemma, so that its units belong to them."""
        region, count = self.checker.region, self.inputs
        bounds = [self.checker.input_bounds(k) for k in range(count)]
        share = Fraction(1)  # of the way from the centre to a corner of the box
        if region.norm == "1":
            share = Fraction(1, count)
        elif region.norm == "2":
            share = Fraction(1, 1 + isqrt(count - 1))
        elif region.power > 2:
            share = 1 / root_upper(Fraction(count), region.power)
        middle = [(low + high) / Fraction(2) for low, high in bounds]
        reach = [(high - low) / Fraction(2) * share for low, high in bounds]
        signs = [1 if k * 2654435761 >> 7 & 1 else -1 for k in range(count)]
        points = [
            [int(m + sign * s * r) for m, r, s in zip(middle, reach, signs, strict=True)]
            for sign in (0, 1, -1)
        ]
        values: Sequence[Values] = (
            self._evaluated_by_layers(points)
            if self._wide
            else [self._evaluated(units, point) for point in points]
        )
        self._center = values[0]
        self._corners += values[1:]

    def _evaluated(self, units: Iterable[int], point: list[int]) -> Values:
        values, inputs = dict(enumerate(point)), self.inputs
        for v in units:
            variables, weights, total = self._row(v)
            for j, weight in zip(variables, weights, strict=True):
                value = values.get(j, 0)  # left out are units that are off
                if value > 0 or j < inputs:
                    total += weight * value
            values[inputs + v] = total
        return {v: values[inputs + v] for v in units}

    def _evaluated_by_layers(self, points: Sequence[list[int]]) -> list[list[int]]:
        """The same of many units, at some points together."""
        network, values = self.checker.network, [list[int]() for _ in points]
        start: Any = integers([x for point in points for x in point])
        space: Any = np.zeros((network.variables, len(points)), dtype=start.dtype)
        space[: self.inputs] = start.reshape(len(points), self.inputs).T
        for layer in self.checker.scaled.layers:
            result = affine(layer, space, layer.indices)
            if result.dtype != space.dtype:
                space = space.astype(object)
            units = slice(self.inputs + layer.first, self.inputs + layer.last)
            space[units] = np.maximum(result, 0)
            for found, column in zip(values, result.T, strict=True):
                found += column.tolist()
        return values

    # ------------------------------------------------------------------ bounds and trees

    def _close_goals(self, leaves: int) -> bool:
        """Whether all goals are proved, by trees that hold with all the steps before them."""
        for number, goal in enumerate(self.checker.query.goals):
            tree = self.trees[number]
            if tree is not None and not self._still_holds(tree, goal):
                tree = self.trees[number] = None
            if tree is None and len(goal.atoms) == 1 and not self.late:
                self._leaves_left = leaves
                closes = _not_negative if goal.atoms[0].strict else _positive
                found = self._tree(goal, closes, closes)
                if found is not None:
                    self.margins[number], self.trees[number] = found
        return all(tree is not None for tree in self.trees)

    def _touch_goals(self) -> bool:
        """Closes goals that hold on the sphere of an open ball and nowhere inside, if that is shown
        by leaves that go down to the inputs: there no bound is attained, where bounds of units that
        lemmas have are numbers. Whether all goals are closed."""
        if not self.checker.region.open:
            return False
        for number, goal in enumerate(self.checker.query.goals):
            if self.trees[number] is None and len(goal.atoms) == 1 and not self.late:
                self.trees[number] = self._touching_tree(goal)
                if self.trees[number] is not None:
                    self.margins[number] = ZERO
        return all(tree is not None for tree in self.trees)

    def _touching_tree(self, goal: Goal) -> Tree | None:
        """A tree of leaves that close as they are in the checker. A way that does not is split on
        the last undecided unit; where its bound is attained, but by chords that leave no input in
        the form, on one unit of these, so that on both sides an input is left."""
        checker, start, chords = self.checker, self.checker.mark(), self._chords
        nodes, waiting = list[Node](), [tuple[tuple[UnitSplit, bool], ...]()]
        self._chords = True
        try:
            while waiting:
                check_time(self._deadline)
                path = waiting.pop()
                for split, side in path:
                    checker.restrict(split, high=side)
                bounds = self._touching_bounds(goal)
                leaf = next((b.leaf for b in bounds if checker.closes(b.leaf, goal)), None)
                checker.undo(start)
                if leaf is not None:
                    nodes.append(Node((), leaf))
                    continue
                choices = {v for b in bounds for v in b.open if self._splits(v)}
                falling = choices.difference(*(b.rising for b in bounds))
                attained = (set(b.open).difference(b.rising) for b in bounds if b.value >= 0)
                falling = falling or next(filter(None, attained), set())
                best = max(bounds, key=lambda bound: bound.value)
                choices = falling or (set(best.open) if best.value >= 0 else choices)
                if not choices or len(nodes) >= MOST_TOUCHING:
                    return None
                split = UnitSplit(max(choices))
                nodes.append(Node((), split))
                waiting += [(*path, (split, True)), (*path, (split, False))]
        finally:
            checker.undo(start)
            self._chords = chords
        return tuple(nodes)

    def _touching_bounds(self, goal: Goal) -> list[Bound]:
        """Those by the terms that are the largest at the centre first."""
        self._guide = {v for v, value in self._at_center() if value > 0}
        try:
            bounds = list(self._bounds(goal))
        finally:
            self._guide = set()
        on_sums = [each for bound in bounds for each in self._on_sums(bound, goal)]
        return [*on_sums, *bounds, *self._bounds(goal)]

    def _on_sums(self, bound: Bound, goal: Goal) -> Iterator[Bound]:
        """Of a ball of norm 1 the same with multipliers of it, in place of chords below functions
        of one direction: with the largest slope of these a sum of them touches where it does."""
        if not self._summed or self.checker.region.norm != "1":
            return
        slopes = {v: s for v, s in bound.leaf.slopes.items() if s == 1 or self._splits(v)}
        leaf = Leaf(slopes=slopes, ball=ZERO)
        try:
            form = self.checker.form(leaf, goal)
        except RefusedError:  # a function of too many pieces
            return
        scales, inputs = self.checker.scaled.scales, self.inputs
        steep = {abs(Fraction(w) * scales[j]) for j, w in form.z.items() if w and j >= inputs}
        for slope in sorted(steep, reverse=True)[:MULTIPLIERS]:
            yield replace(bound, leaf=replace(leaf, ball=slope / form.denominator))

    def _still_holds(self, tree: Tree, goal: Goal) -> bool:
        """Whether the tree holds with the lemmas found since: a unit that one of them has decided
        is no longer relaxed as the tree takes for granted."""
        mark = self.checker.mark()
        try:
            self.checker.refute(tree, goal)
        except RefusedError:
            self.checker.undo(mark)
            return False
        return True

    def _tighten(self, v: int, leaves: int, sides: Sequence[bool] = (True, False)) -> None:
        """Adds the lemmas about unit v that improve its bounds and can matter: the upper one, then
        the lower one."""
        checker = self.checker
        scale = checker.scaled.scales[self.inputs + v]
        for upper in sides:
            if checker.upper(v) <= 0:
                return  # it is off, and nothing more is to be known
            sign = -1 if upper else 1
            current = sign * (checker.upper(v) if upper else checker.lower(v))
            least = min(sign * corner[v] for corner in self._corners)
            if current >= least:
                continue
            # A lower bound of an undecided unit is of use only if it decides it.
            deciding = not upper and checker.lower(v) < 0
            if deciding and least < 0:
                continue
            self._leaves_left = leaves
            if self._guide and deciding and self._center[v] <= 0:
                self._leaves_left = 0  # it is not on at the centre
            found = self._tree(
                Lemma(v, upper, ZERO, ()),
                # An upper bound of zero says all: the unit is off.
                partial(_at_least, Fraction(min(least, 0) if upper else least, scale)),
                _not_negative if deciding else partial(_above, Fraction(current) / scale),
            )
            if found is None:
                continue
            self._assume(Lemma(v, upper, sign * found[0], found[1]))
            if checker.lower(v) >= 0:
                self._tightened.add(v)
                (self._loose.add if self._cut_short else self._loose.discard)(v)

    def _assume(self, lemma: Lemma) -> None:
        self.steps.append(lemma)
        self.checker.assume(lemma)
        self._touched.add(lemma.unit)

    def _tree(self, target: Target, done: Test, accepted: Test) -> tuple[Fraction, Tree] | None:
        """The bound of the current branch and its tree, if it is `accepted`: one leaf if that is
        `done`, else the weakest leaf is split, as long as any is left, on the last undecided unit
        on its way."""
        checker, start = self.checker, self.checker.mark()
        tried = [Attempt((), self._best(target, done))]
        # What is known of each leaf, at least what is known of the branches it is part of.
        waiting = [(tried[0].found.value, 0)]
        while True:
            value, latest = waiting[0]
            weakest = tried[-latest]
            choice = None if done(value) else weakest.found.choice
            if choice is None or self._leaves_left <= 0 or self.late:
                break
            heappop(waiting)
            self._leaves_left -= 2
            weakest.sides = len(tried), len(tried) + 1
            for high in (False, True):
                path = (*weakest.path, (UnitSplit(choice), high))
                for split, side in path:
                    checker.restrict(split, high=side)
                found = self._best(target, done)
                checker.undo(start)
                heappush(waiting, (max(value, found.value), -len(tried)))
                tried.append(Attempt(path, found))
        self._cut_short = choice is not None
        return (value, _preorder(tried, value)) if accepted(value) else None

    def _best(self, target: Target, done: Test) -> Branch:
        """The best of a few bounds, and the unit that a split had better be on."""
        tried: list[Bound] = []
        for bound in self._bounds(target):
            tried.append(bound)
            if done(bound.value):
                break
        if self._trials_left is not None:
            self._trials_left -= len(tried)
        bound = max(tried, key=lambda bound: bound.value)
        helpful = tried if self._chords or self._guide else [bound]
        choices = {v for each in helpful for v in each.open if self._splits(v)}
        if self._guide:  # what rises is taken as it is at the centre
            choices = choices.difference(bound.rising) or choices
        return Branch(bound.value, bound.leaf, max(choices, default=None))

    def _substitute(
        self,
        target: Target,
        boxable: Collection[int],
        steep: Container[int] = (),
        chorded: Container[int] = (),
    ) -> Bound:
        return substitute(self.checker, target, boxable, steep, chorded, self._deadline)

    def _bounds(self, target: Target) -> Iterator[Bound]:
        """A few bounds to choose from: with boxes of tightened units or all the way down, lines
        below rising units that touch at a corner, in the second pass also with chords."""
        if self._guide:
            for boxable in (self._tightened - self._loose, set[int]()):
                bound = self._substitute(target, boxable, self._guide, _Where(self._is_plain))
                yield bound
                if ZERO not in bound.leaf.slopes.values():
                    break
            return
        chorded = _Where(self._is_plain) if self._chords else ()
        for boxable in (self._tightened, set[int]()):
            bound = self._substitute(target, boxable)
            yield bound
            if any(v in chorded for v in bound.open):
                yield self._substitute(target, boxable, (), chorded)
            rising = [v for v in bound.rising if self._splits(v)]
            for corner in self._corners:
                if any(corner[v] > 0 for v in rising):
                    steep = _Where(partial(self._rises, corner))
                    yield self._substitute(target, boxable, steep, chorded)
            if ZERO not in bound.leaf.slopes.values():
                break

    def _is_plain(self, v: int) -> bool:
        return not self._splits(v)

    def _rises(self, corner: Values, v: int) -> bool:
        return corner[v] > 0 and self._splits(v)


def _preorder(tried: Sequence[Attempt], value: Fraction) -> Tree:
    """The tree of these attempts, cut where a branch needs no split for this bound."""
    nodes, stack = list[Node](), [0]
    while stack:
        attempt = tried[stack.pop()]
        if attempt.found.value >= value:
            nodes.append(Node((), attempt.found.leaf))
        else:
            low, high = attempt.sides
            nodes.append(Node((), tried[low].path[-1][0]))
            stack += [high, low]
    return tuple(nodes)


@dataclass(frozen=True, slots=True)
class _Where(Container[int]):
    """The units of which something is true, asked for one by one."""

    holds: Callable[[int], bool]

    def __contains__(self, unit: object) -> bool:
        return isinstance(unit, int) and self.holds(unit)


def _above(least: Fraction, value: Fraction) -> bool:
    return value > least


def _at_least(least: Fraction, value: Fraction) -> bool:
    return value >= least


_positive, _not_negative = partial(_above, ZERO), partial(_at_least, ZERO)
