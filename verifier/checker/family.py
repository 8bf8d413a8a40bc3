"""Replays proofs about a family: each bound is an affine function of m, kept as two end values.

For fixed m the form that a leaf bounds is affine in m, and so is its minimum over the ball of m,
c . center + (h - ||g||_q) m; so it is enough that it is positive at both ends of the interval.
Every rule is the ordinary one at both ends, with what it decides about a unit decided for both at
once (`families` in docs/certificates.md has the argument for each):

- z_v has the upper end values max(h, 0), the chord of a convex function, and the lower ones l where
  l >= 0 at both ends, else 0 at both;
- a unit is on if l >= 0 at both ends, and off if h <= 0 at both;
- the line above relu(a) - s a is the larger of its values at l and h, at each end: convex in m; the
  line below is 0 unless the unit is on, or off, at both ends;
- sums of ridge functions have the same multiplier of the ball and the same minima, on the largest
  ball, at both ends: the bound is affine in the size of the ball, so affine or concave in m;
- a lemma gives two end values and its leaves reach them at both ends. A bound replaces another one
  unless that is at least as tight at both ends: two affine functions have no common one above both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

import numpy as np

from verifier.checker.branch import Number, _whole
from verifier.checker.family_maxima import FamilyMaxima, Pair
from verifier.checker.intervals import FamilyRoots, Room, RootBounds, interval_bounds
from verifier.checker.leaf import Form, LeafChecker, usual_slope
from verifier.checker.maxima import Form as MaximaForm
from verifier.checker.maxima import MaximaRows, maxima_of
from verifier.checker.ridge import Minima, univariate_of
from verifier.checker.ridge_minima import sum_bounds
from verifier.checker.ridge_tables import tables_of
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    PairLemma,
    PlaneSplit,
    Split,
    Step,
    SumsStep,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Goal, Query

_SPLITS = (UnitSplit, InputSplit, PlaneSplit)
Target = Goal | PairLemma
Change = tuple[int, bool, MaximaForm, Sequence[Number]]
"""A unit, whether its upper bound has changed, its row, and the bound at both ends."""
SumChange = tuple[int, bool, Fraction, tuple[Number, Number]]
"""A sum, whether its upper bound has changed, the multiplier, and the bound at both ends."""


def family_scaled(network: Network, queries: Sequence[FamilyQuery]) -> ScaledNetwork:
    """The scaled network that serves both ends of all of these cones."""
    regions = [region for query in queries for region in query.cone.ends]
    sides = [side for region in regions for side in (region.lower, region.upper)]
    return ScaledNetwork(network, common_denominator(sides), family=True)


def family_roots(
    scaled: ScaledNetwork, queries: Sequence[FamilyQuery], room: Room | None = None
) -> list[FamilyRoots]:
    """The root bounds at both ends of each cone, see `interval_bounds`."""
    first, last = zip(*(query.cone.ends for query in queries), strict=True)
    bounds = interval_bounds(scaled, [*first, *last], room, twins=True)
    return list(zip(bounds[: len(queries)], bounds[len(queries) :], strict=True))


class End(LeafChecker):
    """One end of the interval; what is decided about units is decided with `twin`, the other."""

    def __init__(
        self, query: Query, scaled: ScaledNetwork, root: RootBounds, parameter: Fraction
    ) -> None:
        super().__init__(query, scaled, root)
        self.parameter = parameter
        self.twin: End = self

    def on(self, v: int) -> bool:
        """Whether unit v is on for every m of the interval, and not off."""
        return self.lower(v) >= 0 and self.twin.lower(v) >= 0

    def off(self, v: int) -> bool:
        return self.upper(v) <= 0 and self.twin.upper(v) <= 0

    def slope_of(self, leaf: Leaf, v: int, coefficient: int) -> Fraction:
        """The slope of the line, which is that of both ends; the usual one is that in the middle
        of the interval."""
        named = leaf.slopes.get(v)
        if named is not None:
            return named
        on, off = self.on(v), self.off(v)
        if on or off:
            return Fraction(1 if on else 0)
        if not leaf.usual:
            return Fraction(0)
        low = self.lower(v) + self.twin.lower(v)
        high = self.upper(v) + self.twin.upper(v)
        if low >= 0 or high <= 0:  # in the middle it is decided
            return Fraction(1 if low >= 0 else 0)
        return usual_slope(coefficient, low, high)

    def undecided(self, v: int) -> bool:
        """Whether unit v is neither on nor off for all m."""
        return not self.on(v) and not self.off(v)

    def _relax(self, form: Form, v: int, coefficient: int, leaf: Leaf) -> int:
        slope = self.slope_of(leaf, v, coefficient)
        kept = coefficient * slope.numerator // slope.denominator  # exact, see `multiply`
        rest = coefficient - kept
        low, high = self.lower(v), self.upper(v)
        if coefficient > 0:
            form.add(1, (rest * low if self.on(v) else 0) - (kept * high if self.off(v) else 0))
        else:
            form.add(1, min(rest * max(high, 0), kept * max(-low, 0)))
        return kept

    def minima(self) -> Minima:
        """Bounds of sums of ridge functions for all m of the branch: on the largest ball, and where
        inputs lie for any m."""
        larger = self if self.parameter > self.twin.parameter else self.twin
        low, high = zip(self.box(), self.twin.box(), strict=True)
        box = (list(map(min, *low)), list(map(max, *high)))
        return Minima(univariate_of(self.scaled), larger.region, box, self.cuts)

    def proves(self, leaf: Leaf, target: Goal | Lemma, *, closed: bool) -> bool:
        """Whether the leaf closes at this end; `closed` if the end is one of the question's."""
        form, strict = self._reduced(leaf, target)
        return self._nonnegative(form, leaf, strict and closed)

    def form(self, leaf: Leaf, target: Goal | Lemma) -> Form:
        """What the leaf bounds, as a form of the inputs without m; for the search."""
        return self._reduced(leaf, target)[0]

    def _reduced(self, leaf: Leaf, target: Goal | Lemma) -> tuple[Form, bool]:
        form, strict = self.start(leaf, target)
        self._eliminate(form, leaf)
        last = self.inputs - 1
        form.add(form.z.pop(last, 0), self._low[-1 - last])  # m is fixed at an end
        return form, strict


Mark = tuple[tuple[End, End], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class _Between:
    """Root bounds between two ends, `share` of the way from the first."""

    ends: tuple[Any, Any]
    share: Fraction

    @property
    def rows(self) -> Any:
        return self.ends[0].rows

    def lower_of(self, v: int) -> Number:
        first, last = (end.lower_of(v) for end in self.ends)
        return _whole(first + self.share * (last - first))

    def upper_of(self, v: int) -> Number:
        first, last = (end.upper_of(v) for end in self.ends)
        return _whole(first + self.share * (last - first))


class FamilyChecker:
    """The state of one proof: the two ends of the interval of the branch at hand."""

    def __init__(self, query: FamilyQuery, scaled: ScaledNetwork, roots: FamilyRoots) -> None:
        self.query, self.scaled = query, scaled
        cone = query.cone
        self.inputs = query.network.inputs
        first, last = (
            End(asked, scaled, root, m)
            for asked, m, root in zip(query.ends(), (cone.first, cone.last), roots, strict=True)
        )
        first.twin, last.twin = last, first
        self.ends = (first, last)
        self._roots = roots

    def apply(self, step: Step) -> None:
        """Proves the lemma in the current branch, then tightens."""
        if isinstance(step, MaximaStep):
            self.tighten_maxima()
            return
        if isinstance(step, SumsStep):
            self.tighten_sums(step)
            return
        if not isinstance(step, PairLemma):
            raise RefusedError("unsupported", f"no step of a family: {type(step).__name__}")
        self.ends[0]._checked(step.unit)
        self.refute(step.tree, step)
        self.assume(step)

    def tighten_sums(self, step: SumsStep) -> list[SumChange]:
        """Bounds the final sums of ridge functions; says what has changed. What these have for the
        last m holds for all but for what m adds itself, and for the share of the ball, which is
        smaller there."""
        first, last = self.ends
        if last.region.norm == "inf":
            raise RefusedError("no ball", "a step about sums on a box")
        found: list[SumChange] = []
        if not len(tables_of(self.scaled).final.units):
            return found
        minima, scales = last.minima(), self.scaled.scales[self.inputs :]
        final = tables_of(self.scaled).final
        rates = dict(zip(final.units.tolist(), final.rates, strict=True))
        parameters = [end.input_bounds(self.inputs - 1)[0] for end in self.ends]
        for upper, multipliers in ((False, step.lower), (True, step.upper)):
            for multiplier in multipliers:
                more = multiplier * (last.region.size - first.region.size) * (-1 if upper else 1)
                bounds = sum_bounds(self.scaled, last.region, minima, multiplier, upper=upper)
                for v, value in bounds:
                    first_m, last_m = (rates[v] * m for m in parameters)
                    values = value + more * scales[v] + first_m, value + last_m
                    if self._bound(v, upper, values):
                        found.append((v, upper, multiplier, values))
        return found

    def maxima(self) -> FamilyMaxima:
        """Bounds of maxima in the current branch."""
        return FamilyMaxima(self.variable_bounds, self._decided)

    def tighten_maxima(self, watch: Callable[[], None] = lambda: None) -> list[Change]:
        """Bounds units again, first to last, by the maxima in their rows, see `family_maxima`;
        returns what has changed."""
        rows, bounds = maxima_of(self.scaled), self.maxima()
        origins, inputs, first = self.scaled.origins, self.inputs, self.ends[0]
        waiting = sorted({w for u in self._rising(rows) for w in rows.readers(inputs + u)})
        known = set(waiting)
        changes: list[Change] = []
        while waiting:
            watch()
            v = heappop(waiting)
            if first.off(v):
                continue
            moved = False
            if origins.item(inputs + v) == inputs + v:
                form = rows.row(v)
                low, high = bounds.of_form(form)
                for upper, values in ((False, low), (True, high)):
                    short = [first._shortly(v, value, upper=upper) for value in values]
                    if self._bound(v, upper, short):
                        moved = True
                        changes.append((v, upper, form, short))
            if moved or rows.rises.item(v):
                for w in rows.readers(inputs + v):
                    if w not in known:
                        known.add(w)
                        heappush(waiting, w)
        return changes

    def _rising(self, rows: MaximaRows) -> list[int]:
        """The units that may be the rise of a maximum, and those whose bounds have changed."""
        upper = np.maximum(*(np.asarray(root.upper) > 0 for root in self._roots))
        rising = set(np.flatnonzero(rows.rises & upper).tolist())
        tables = [table for end in self.ends for table in (end._low, end._high)]
        return sorted(rising.union(*((v for v in table if v >= 0) for table in tables)))

    def variable_bounds(self, j: int) -> tuple[Pair, Pair]:
        """The current bounds of Z of a variable, at both ends. Where they contradict at one, the
        lower one is both there, as in `Branch.variable_ends`."""
        first, last = self.ends
        if j < self.inputs:
            (a, c), (b, d) = first.input_bounds(j), last.input_bounds(j)
            return (a, b), (max(a, c), max(b, d))
        v = j - self.inputs
        low = (first.lower(v), last.lower(v)) if first.on(v) else (0, 0)
        return low, (max(first.upper(v), low[0]), max(last.upper(v), low[1]))

    def _decided(self, v: int) -> int:
        first = self.ends[0]
        return 1 if first.on(v) else -1 if first.off(v) else 0

    def assume(self, lemma: PairLemma) -> None:
        """Tightens without a proof; for the search."""
        scale = self.scaled.scales[self.inputs + lemma.unit]
        self._bound(lemma.unit, lemma.upper, [q * scale for q in lemma.ends])

    def _bound(self, key: int, upper: bool, values: Sequence[Number]) -> bool:
        """Whether the bound replaces the current one: unless that is as tight at both ends."""
        tables = [end._high if upper else end._low for end in self.ends]
        current = [
            table[key] if key < 0 else end.upper(key) if upper else end.lower(key)
            for end, table in zip(self.ends, tables, strict=True)
        ]
        sign = -1 if upper else 1
        if all(sign * old >= sign * new for old, new in zip(current, values, strict=True)):
            return False
        for end, table, value in zip(self.ends, tables, values, strict=True):
            end._trail.append((table, key, table.get(key)))
            table[key] = _whole(value)
            if key >= 0 and end.root.rows.skips(key):
                end._all_rows = True  # a unit that was fixed may be on from here on
        return True

    def refute(self, tree: Tree, target: Target) -> None:
        """Shows that no point of the current branch satisfies the goal or violates the lemma."""
        before = self.mark()
        waiting: list[tuple[Mark, Split]] = []
        position, finished = 0, False
        while not finished:
            if position == len(tree):
                raise RefusedError("malformed tree", "a side of a split is not proved")
            node = tree[position]
            position += 1
            for step in node.steps:
                self.apply(step)
            if isinstance(node.body, _SPLITS):
                waiting.append((self.mark(), node.body))
                self.restrict(node.body, high=False)
                continue
            if isinstance(node.body, Conflict):
                v = self.ends[0]._checked(node.body.unit)
                if not self.contradicts(v):
                    raise RefusedError("no conflict", f"the bounds of unit {v} do not contradict")
            elif isinstance(node.body, Leaf):
                self._close(node.body, target)
            else:
                raise RefusedError("unsupported", "a symbolic leaf in a family")
            if waiting:
                mark, split = waiting.pop()
                self.undo(mark)
                self.restrict(split, high=True)
            else:
                finished = True
        if position < len(tree):
            raise RefusedError("malformed tree", "a node belongs to no split")
        self.undo(before)

    def on(self, v: int) -> bool:
        return self.ends[0].on(v)

    def contradicts(self, v: int) -> bool:
        """Whether no number is between the bounds of unit v, for any m."""
        return all(end.lower(v) > end.upper(v) for end in self.ends)

    def mark(self) -> Mark:
        """To return here by `undo`."""
        return self.ends, [end.mark() for end in self.ends]

    def undo(self, mark: Mark) -> None:
        ends, marks = mark
        self.ends = ends
        for end, place in zip(ends, marks, strict=True):
            end.undo(place)
        first, last = ends
        first.twin, last.twin = last, first

    def restrict(self, split: Split, *, high: bool) -> None:
        """Enters one closed side of a split; one on m moves an end of the interval."""
        if isinstance(split, UnitSplit):
            self.ends[0]._checked(split.unit)
            self._bound(split.unit, not high, (0, 0))
        elif isinstance(split, InputSplit):
            k = self.ends[0]._checked(split.input, "input")
            if k == self.inputs - 1:
                self._move(split.threshold, high=high)
            else:
                value = split.threshold * self.scaled.denominator
                self._bound(-1 - k, not high, (value, value))
        else:
            for end in self.ends:
                end.restrict(split, high=high)

    def _move(self, parameter: Fraction, *, high: bool) -> None:
        """The first (`high`) or the last end moves to `parameter`, inside the interval."""
        first, last = self.ends
        if not first.parameter < parameter < last.parameter:
            raise RefusedError("split outside", f"m = {parameter} is not inside the interval")
        share = (parameter - first.parameter) / (last.parameter - first.parameter)
        root: Any = _Between((first.root, last.root), share)
        moved = End(self.query.at(parameter), self.scaled, root, parameter)
        moved.cuts, moved._all_rows = list(first.cuts), True
        for table, others in ((moved._low, (first._low, last._low)),
                              (moved._high, (first._high, last._high))):  # fmt: skip
            for key in others[0]:
                a, b = (other[key] for other in others)
                table[key] = _whole(a + share * (b - a))
        kept = last if high else first
        kept.twin, moved.twin = moved, kept  # `undo` makes it twin of the other again
        kept._all_rows = True
        self.ends = (moved, kept) if high else (kept, moved)

    def _close(self, leaf: Leaf, target: Target) -> None:
        for number, end in enumerate(self.ends):
            closed = not (self.query.cone.open and end.parameter == self.query.cone.last)
            if not end.proves(leaf, at_end(target, number), closed=closed):
                kind = "lemma" if isinstance(target, PairLemma) else "goal"
                raise RefusedError("bound too weak", f"a leaf of the {kind} does not close")


def at_end(target: Target, end: int) -> Goal | Lemma:
    """A goal, or a lemma with its value at one end."""
    if isinstance(target, PairLemma):
        return Lemma(target.unit, target.upper, target.ends[end], target.tree)
    return target
