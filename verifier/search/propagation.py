"""Progressive tightening in exact integers: lemma after lemma about single units, each local.

Constructed networks are deep, their weights may have thousands of bits, and on a small region
almost every unit is decided. What interval arithmetic cannot see are dependencies: in
m + max(g - m, 0) <= y for m, g <= y, both terms depend on m. Units that matter to the goals are
visited first to last. Where terms of a unit's row depend on one undecided unit, its bounds are
found by substituting backwards, and where that is loose by splits on undecided units, last first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from time import monotonic

from verifier.search.separable import SeparableSearch, is_worth_trying
from verifier.search.substitution import Bound, substitute
from verifier.trusted.certificate import Lemma, Node, Step, Tree, UnitSplit
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Goal

ZERO = Fraction(0)
LEAVES = 60  # tried for one tree in the first pass
MORE_LEAVES = 500  # in the second, and for goals
TRIALS = 6000  # bounds that the second pass computes
Target = Goal | Lemma
Test = Callable[[Fraction], bool]


class Propagation:
    """Finds lemmas for one query; `steps` are those found, in an order that replays."""

    def __init__(self, checker: FastChecker, deadline: float | None = None) -> None:
        self.checker = checker
        self.inputs = checker.inputs
        self.steps: list[Step] = []
        self.trees: list[Tree | None] = [None] * len(checker.query.goals)
        self._row = checker.root.rows.row
        self._tightened: set[int] = set()  # units that are on and have a lemma
        self._touched: set[int] = set()  # units whose bounds a lemma changed
        self._splittable: set[int] = set()  # undecided units that read units
        self._plain: set[int] = set()  # other undecided units
        self._chorded: set[int] = set()  # those whose chords are tried, in the second pass
        self._trials_left: int | None = None
        self._corners: list[dict[int, int]] = []  # values of the units at corners of the region
        self._leaves_left = 0
        self._deadline = deadline

    @property
    def late(self) -> bool:
        if self._trials_left is not None and self._trials_left < 0:
            return True
        return self._deadline is not None and monotonic() > self._deadline

    def run(self) -> bool:
        """Whether all goals are proved; `trees` and `steps` hold what was found."""
        if self._close_goals(leaves=0):
            return True
        if is_worth_trying(self.checker):
            self._bound_sums()
            if self._close_goals(leaves=0):
                return True
        units = self._relevant()
        self._find_corners(units)
        for thorough in (False, True):
            self._visit(units, thorough)
            if self._close_goals(leaves=MORE_LEAVES):
                return True
            self._chorded, self._trials_left = self._plain, TRIALS
        return False

    def _bound_sums(self) -> None:
        """Steps about sums of functions of one direction each come before all lemmas."""
        search = SeparableSearch(self.checker, self._deadline)
        search.run()
        self.steps += search.steps
        self._touched |= search.changed
        self._tightened |= {v for v in search.changed if self.checker.lower(v) >= 0}

    def _visit(self, units: Iterable[int], thorough: bool) -> None:
        """Tightens unit after unit: by trees where two terms of a row depend on one undecided unit,
        and by one leaf where the terms may depend on one input, or have changed."""
        checker = self.checker
        below: dict[int, int] = {}  # for each unit the undecided units it depends on, as bits
        undecided = 0
        for v in units:
            if self.late:
                return
            reached, shared, read = 0, 0, self._units_read(v)
            for u in read:
                shared |= reached & below.get(u, 0)
                reached |= below.get(u, 0)
            if shared or (thorough and read and len(self._row(v)[0]) > 1):
                self._tighten(v, MORE_LEAVES if thorough else LEAVES)
            elif self._touched.intersection(read) or (
                len(read) > 1 and checker.lower(v) < 0 < checker.upper(v)
            ):
                self._tighten(v, 0)
            if checker.lower(v) < 0 < checker.upper(v):
                reached |= 1 << undecided
                undecided += 1
                (self._splittable if len(read) > 1 else self._plain).add(v)
            below[v] = reached if checker.upper(v) > 0 else 0

    # ------------------------------------------------------------------ which units

    def _units_read(self, v: int) -> list[int]:
        return [j - self.inputs for j in self._row(v)[0] if j >= self.inputs]

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

    def _relevant(self) -> list[int]:
        """The live units that open goals read, directly or not; increasing."""
        waiting: list[int] = []
        for goal, tree in zip(self.checker.query.goals, self.trees, strict=True):
            if tree is None:
                waiting.extend(self._output_units(goal))
        seen = set(waiting)
        while waiting:
            for u in self._units_read(waiting.pop()):
                if u not in seen and self.checker.upper(u) > 0:
                    seen.add(u)
                    waiting.append(u)
        return sorted(seen)

    def _find_corners(self, units: Iterable[int]) -> None:
        """Evaluates the units at two opposite corners of the region's box: what an upper bound
        cannot go below, and which lines are likely to be tight."""
        inputs = self.inputs
        for flip in (0, 1):
            values = {}
            for k in range(inputs):
                high = (k * 2654435761 >> 7) + flip & 1
                values[k] = int(self.checker.input_bounds(k)[high])
            for v in units:
                variables, weights, total = self._row(v)
                for j, weight in zip(variables, weights, strict=True):
                    value = values.get(j, 0)  # left out are units that are off
                    if value > 0 or j < inputs:
                        total += weight * value
                values[inputs + v] = total
            self._corners.append({v: values[inputs + v] for v in units})

    # ------------------------------------------------------------------ bounds and trees

    def _close_goals(self, leaves: int) -> bool:
        for number, goal in enumerate(self.checker.query.goals):
            if self.trees[number] is None and len(goal.atoms) == 1 and not self.late:
                self._leaves_left = leaves
                closes = _not_negative if goal.atoms[0].strict else _positive
                found = self._tree(goal, closes, closes)
                if found is not None:
                    self.trees[number] = found[1]
        return all(tree is not None for tree in self.trees)

    def _tighten(self, v: int, leaves: int) -> None:
        """Adds the lemmas about unit v that improve its bounds and can matter."""
        checker = self.checker
        scale = checker.scaled.scales[self.inputs + v]
        for upper in (False, True):
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
            found = self._tree(
                Lemma(v, upper, ZERO, ()),
                partial(_at_least, Fraction(least, scale)),
                _not_negative if deciding else partial(_above, Fraction(current) / scale),
            )
            if found is None:
                continue
            lemma = Lemma(v, upper, sign * found[0], found[1])
            self.steps.append(lemma)
            checker.assume(lemma)
            self._touched.add(v)
            if checker.lower(v) >= 0:
                self._tightened.add(v)

    def _tree(self, target: Target, done: Test, accepted: Test) -> tuple[Fraction, Tree] | None:
        """The bound of the current branch and its tree: one leaf if that is `done`, else by a split
        on the last undecided unit on the way, if that helps; at least `accepted`."""
        tried = self._bounds(target, done)
        bound = max(tried, key=lambda bound: bound.value)
        if not done(bound.value):
            helpful = tried if self._chorded else [bound]
            choices = self._splittable.intersection(v for each in helpful for v in each.open)
            if choices and self._leaves_left > 0 and not self.late:
                self._leaves_left -= 2
                found = self._split(target, max(choices), done, accepted)
                if found is not None and found[0] > bound.value:
                    return found
            if not accepted(bound.value):
                return None
        return bound.value, (Node((), bound.leaf),)

    def _split(
        self, target: Target, unit: int, done: Test, accepted: Test
    ) -> tuple[Fraction, Tree] | None:
        sides: list[tuple[Fraction, Tree]] = []
        for high in (False, True):
            mark = self.checker.mark()
            self.checker.restrict(UnitSplit(unit), high=high)
            found = self._tree(target, done, accepted)
            self.checker.undo(mark)
            if found is None:
                return None
            sides.append(found)
        (low_value, low), (high_value, high_tree) = sides
        return min(low_value, high_value), (Node((), UnitSplit(unit)), *low, *high_tree)

    def _bounds(self, target: Target, done: Test) -> list[Bound]:
        """A few bounds to choose from: with boxes of tightened units or all the way down, lines
        below rising units that touch at a corner, in the second pass also with chords."""
        tried: list[Bound] = []
        for boxable in (self._tightened, set[int]()):
            bound = substitute(self.checker, target, boxable)
            tried.append(bound)
            if done(bound.value):
                break
            if self._chorded.intersection(bound.open):
                tried.append(substitute(self.checker, target, boxable, (), self._chorded))
            if self._splittable.intersection(bound.rising):
                for corner in self._corners:
                    steep = {v for v in self._splittable if corner[v] > 0}
                    if steep:
                        tried.append(
                            substitute(self.checker, target, boxable, steep, self._chorded)
                        )
            if ZERO not in bound.leaf.slopes.values():
                break
        if self._trials_left is not None:
            self._trials_left -= len(tried)
        return tried


def _above(least: Fraction, value: Fraction) -> bool:
    return value > least


def _at_least(least: Fraction, value: Fraction) -> bool:
    return value >= least


_positive, _not_negative = partial(_above, ZERO), partial(_at_least, ZERO)
