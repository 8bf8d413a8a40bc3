"""Trees that show the bounds of `maxima`, in splits and leaves alone.

From below a form with maxima of positive weight is bounded by one leaf: each maximum is at least
either of its terms. From above, a maximum is split: where its unit is off it is one term, where it
is on the other. So a bound is a tree whose leaves are what the maximum may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from verifier.checker.family import FamilyChecker
from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.maxima import Form, MaximaBounds, Maximum, Number, maxima_of
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    Conflict,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PairLemma,
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.query import Goal, Query

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(slots=True)
class _Sum:
    """A branch of the tree: what is to be bounded from below, as a sum of weight * form and of
    weight * maximum, and of the leaf so far the variables that their boxes bound (`total`), the
    undecided units that their rows bound from below, with their weights (`raised`), and the units
    that are on and that their rows replace (`opened`)."""

    forms: list[tuple[Number, Form]]
    maxima: list[tuple[Number, Maximum]] = field(default_factory=list)
    total: dict[int, Number] = field(default_factory=dict)
    raised: dict[int, Number] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    off: set[int] = field(default_factory=set)  # by a split
    on: set[int] = field(default_factory=set)
    zero: set[int] = field(default_factory=set)  # on and off, by their bounds, and taken as off

    def side(self, weight: Number, maximum: Maximum, *, high: bool) -> _Sum:
        """A copy where the maximum is one of its terms."""
        copy = _Sum(
            list(self.forms),
            list(self.maxima),
            dict(self.total),
            dict(self.raised),
            set(self.opened),
            set(self.off),
            set(self.on),
            set(self.zero),
        )
        (copy.on if high else copy.off).add(maximum.unit)
        copy.take(weight, maximum, high=high)
        return copy

    def take(self, weight: Number, maximum: Maximum, *, high: bool) -> None:
        """Replaces the maximum by a term that it is equal to."""
        if high:
            self.opened.add(maximum.unit)
            self.open(maximum)
        self.forms.append((weight, maximum.high if high else maximum.low))

    def open(self, maximum: Maximum) -> None:
        """Notes that the sum of units is replaced that the higher term of the maximum replaces."""
        if maximum.opened is not None:
            self.opened.add(maximum.opened)


class Bounds(Protocol):
    """What a tree asks of `MaximaBounds` or, about a family, of `FamilyMaxima`."""

    def parts(self, maximum: Maximum) -> tuple[Form, ...]: ...
    def better(self, form: Form, *, upper: bool) -> bool: ...
    def rises(self, maximum: Maximum) -> bool: ...


class Branch(Protocol):
    """What a tree asks of a checker."""

    scaled: ScaledNetwork
    inputs: int

    def on(self, v: int) -> bool: ...


class FormTrees:
    """Trees in the current branch of a checker, which must not change meanwhile."""

    def __init__(self, checker: Branch, bounds: Bounds, boxed: int) -> None:
        """Of leaves the first `boxed` inputs are to be named: those that a box bounds there."""
        self._branch, self._of, self._boxed = checker, bounds, boxed

    def of_lemma(self, unit: int, upper: bool, form: Form) -> Tree:
        """Shows the bound of `maxima` of a unit, whose row is `form`."""
        scale = self._branch.scaled.scales[self._branch.inputs + unit]
        return self._tree(-1 if upper else 1, form, scale)

    def _tree(self, sign: int, form: Form, denominator: int) -> Tree:
        found: list[Node] = []
        waiting = [_Sum([(sign, form)])]
        while waiting:
            branch = waiting.pop()
            split = self._advance(branch)
            if split is None:
                found += self._leaves(branch, denominator)
            else:
                weight, maximum = split
                found.append(Node((), UnitSplit(maximum.unit)))
                waiting += [branch.side(weight, maximum, high=high) for high in (True, False)]
        return tuple(found)

    def _advance(self, branch: _Sum) -> tuple[Number, Maximum] | None:
        """Replaces all maxima by what they are or by what bounds them from below, up to one that
        must be split."""
        while branch.forms or branch.maxima:
            if branch.forms:
                self._spread(branch, *branch.forms.pop())
                continue
            weight, maximum = branch.maxima.pop()
            parts = self._of.parts(maximum)
            if len(parts) == 1:
                branch.take(weight, maximum, high=parts[0] is maximum.high)
                if parts[0] is maximum.low and self._branch.on(maximum.unit):
                    branch.zero.add(maximum.unit)
            elif weight < 0 and maximum.unit in branch.on | branch.off:
                branch.take(weight, maximum, high=maximum.unit in branch.on)
            elif weight < 0:
                return weight, maximum
            else:
                self._bound_below(branch, weight, maximum)
        return None

    def _bound_below(self, branch: _Sum, weight: Number, maximum: Maximum) -> None:
        """Replaces a maximum of positive weight by the term of the larger lower bound."""
        if self._of.rises(maximum):
            branch.raised[maximum.unit] = branch.raised.get(maximum.unit, 0) + weight
            branch.open(maximum)
            branch.forms.append((weight, maximum.high))
        else:
            variable = self._branch.inputs + maximum.unit
            branch.total[variable] = branch.total.get(variable, 0) + weight
            branch.forms.append((weight, maximum.low))

    def _spread(self, branch: _Sum, weight: Number, form: Form) -> None:
        """Adds the form's variables, and its maxima where they bound it better."""
        listed, total = form.weights, branch.total
        if form.maxima and self._of.better(form, upper=weight < 0):
            listed = form.rest
            branch.maxima += [(weight * w, maximum) for w, maximum in form.maxima]
        for j, w in listed:
            total[j] = total.get(j, 0) + weight * w

    def _leaves(self, branch: _Sum, denominator: int) -> list[Node]:
        """The leaf of the branch; or splits, where the box and the row of one unit are needed."""
        inputs = self._branch.inputs
        raised = branch.raised.keys() - branch.off - branch.on
        both = sorted(u for u in raised if branch.total.get(inputs + u))
        found: list[Node] = []
        waiting: list[dict[int, bool]] = [{}]
        while waiting:
            sides = waiting.pop()
            if len(sides) < len(both):
                unit = both[len(sides)]
                found.append(Node((), UnitSplit(unit)))
                waiting += [{**sides, unit: True}, {**sides, unit: False}]
            else:
                found.append(Node((), self._leaf(branch, denominator, sides)))
        return found

    def _leaf(self, branch: _Sum, denominator: int, sides: dict[int, bool]) -> Leaf:
        """`sides` says which units a split has turned on or off for this leaf."""
        checker, inputs = self._branch, self._branch.inputs
        slopes = {u: ONE for u in branch.raised if u not in sides and u not in branch.off}
        slopes |= dict.fromkeys(branch.zero - branch.opened, ZERO)
        bounds, box = dict[int, Fraction](), dict[int, Fraction]()
        for u in branch.off & branch.raised.keys():  # its row, which is below 0 = z_u here
            bounds[u] = -self._raised_share(branch, u, denominator)
        for j, weight in branch.total.items():
            v, share = j - inputs, Fraction(weight) * checker.scaled.scales[j] / denominator
            if weight and v < 0:
                if j < self._boxed:
                    box[j] = share
            elif v in branch.off:
                continue
            elif weight and v in sides:
                bounds[v] = share if sides[v] else -self._raised_share(branch, v, denominator)
            elif weight and v in branch.opened:
                bounds[v] = share
            elif weight and checker.on(v):
                slopes[v] = ZERO  # its box, not its row
        return Leaf(
            slopes=dict(sorted(slopes.items())),
            bounds=dict(sorted(bounds.items())),
            box=dict(sorted(box.items())),
        )

    def _raised_share(self, branch: _Sum, unit: int, denominator: int) -> Fraction:
        scale = self._branch.scaled.scales[self._branch.inputs + unit]
        return Fraction(branch.raised[unit]) * scale / denominator


class MaximaTrees(FormTrees):
    """The same of an ordinary question."""

    def __init__(self, checker: LeafChecker) -> None:
        self._checker = checker
        self._bounds = MaximaBounds(checker.variable_ends, checker.unit_ends)
        boxed = 0 if checker.region.norm == "inf" else checker.inputs
        super().__init__(checker, self._bounds, boxed)

    def of_goal(self, goal: Goal) -> tuple[Number, Tree]:
        """The bound of `maxima` of minus the only atom of the goal, and a tree that shows it."""
        start, _ = self._checker.start(Leaf(), goal)
        form = maxima_of(self._checker.scaled).form(start.z, start.constant)
        low, _ = self._bounds.of_form(form)
        return Fraction(low) / start.denominator, self._tree(1, form, start.denominator)


def spelled_out(checker: LeafChecker) -> list[Lemma]:
    """The step about maxima as lemmas; the branch has the bounds of the step afterwards."""
    lemmas: list[Lemma] = []
    before = checker.mark()
    found = checker.tighten_maxima()
    sides = sorted([(v, False) for v in found.raised] + [(v, True) for v in found.dropped])
    changes = [(v, upper, checker.unit_ends(v)[upper]) for v, upper in sides]
    checker.undo(before)
    known = checker.snapshot()
    empty = _contradicting(checker, {*known.low, *known.high})
    trees = MaximaTrees(checker)  # units that it has read do not change any more
    rows = maxima_of(checker.scaled)
    for unit, upper, value in changes:
        tree = _conflict(empty) or trees.of_lemma(unit, upper, rows.row(unit))
        bound = Fraction(value) / checker.scaled.scales[checker.inputs + unit]
        lemma = Lemma(unit, upper, bound, tree)
        checker.assume(lemma)
        lemmas.append(lemma)
        empty = empty or _contradicting(checker, {unit})
    return lemmas


def spelled_out_family(checker: FamilyChecker) -> list[PairLemma]:
    """The same about a family."""
    lemmas: list[PairLemma] = []
    before = checker.mark()
    changes = checker.tighten_maxima()
    checker.undo(before)
    boxed = 0 if checker.query.cone.norm == "inf" else checker.inputs - 1  # m is a number there
    trees = FormTrees(checker, checker.maxima(), boxed)
    first = checker.ends[0]
    empty = _contradicting(checker, {*first._low, *first._high})
    for unit, upper, form, values in changes:
        scale = checker.scaled.scales[checker.inputs + unit]
        ends = tuple(Fraction(value) / scale for value in values)
        tree = _conflict(empty) or trees.of_lemma(unit, upper, form)
        lemmas.append(PairLemma(unit, upper, (ends[0], ends[1]), tree))
        checker.assume(lemmas[-1])
        empty = empty or _contradicting(checker, {unit})
    return lemmas


def _contradicting(checker: LeafChecker | FamilyChecker, keys: Iterable[int]) -> list[int]:
    """Those of the units whose bounds contradict: their branch has no points, and bounds there may
    be better than any one leaf of units."""
    return [v for v in sorted(keys) if v >= 0 and checker.contradicts(v)]


def _conflict(units: Sequence[int]) -> Tree:
    """A tree where the bounds of these units contradict; none if there are none."""
    return (Node((), Conflict(units[0])),) if units else ()


def without_maxima(query: Query, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a proof with lemmas in place of those about maxima; RefusedError for steps that
    do not hold."""
    if not any(isinstance(step, MaximaStep) for step in steps):
        return tuple(steps)
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
    found: list[Step] = []
    for step in steps:
        if isinstance(step, MaximaStep):
            found += spelled_out(checker)
        else:
            checker.apply(step)
            found.append(step)
    return tuple(found)
