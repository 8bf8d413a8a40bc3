"""Forward substitution: what every unit is as a form of the inputs, exactly, and so decided.

Floors and bit extraction have weights of thousands of bits, through which intervals only widen; but
on the balls that such networks are built for, every unit is on, off or even constant. One pass over
the units, first to last, shows it, and gives a lemma for each that the intervals left undecided.
Substitution in these lemmas stops at constant units, so that each of them is short to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from verifier.checker.branch import Number
from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf, Lemma, Node, Tree
from verifier.question.query import Goal
from verifier.question.region import root_upper
from verifier.search.clock import check_time

ZERO = Fraction(0)
# Of norms above 2: what roots that the checker rounds, of other multiples, may cost at most.
ROUNDED = 1 + Fraction(1, 1 << 15)
TERMS = 4_000_000  # that one pass adds up at most


@dataclass(slots=True)
class Form:
    """A_v as an integer combination of scaled inputs and undecided units; `stops` are the constant
    units on the way."""

    constant: int
    terms: dict[int, int] = field(default_factory=dict)
    stops: set[int] = field(default_factory=set)

    def add(self, factor: int, other: Form) -> None:
        self.constant += factor * other.constant
        self.stops |= other.stops
        terms = self.terms
        for k, coefficient in other.terms.items():
            total = terms.get(k, 0) + factor * coefficient
            if total:
                terms[k] = total
            else:
                del terms[k]


class ForwardPass:
    """The pass over one query; `steps` are lemmas, in an order that replays."""

    def __init__(self, checker: LeafChecker, deadline: float | None = None) -> None:
        self._deadline = deadline
        self.checker = checker
        self.inputs = checker.inputs
        self.steps: list[Lemma] = []
        self._outputs: dict[int, Form] = {}  # z_v of the units that are not off
        self._leading: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        self._added = 0
        region, size = checker.region, checker.scaled.denominator
        self._center = [Fraction(c) * size for c in region.center]
        self._reach = region.size * size**region.power

    def run(self, units: Iterable[int]) -> bool:
        """Visits the units, which increase and contain what they read; False, with nothing changed,
        if that takes long."""
        mark = self.checker.mark()
        for v in units:
            check_time(self._deadline)
            if self.checker.upper(v) <= 0:
                continue
            self._visit(v, self._form_of(v))
            if self._added > TERMS:
                self.checker.undo(mark)
                return False
        return True

    def goal_tree(self, goal: Goal) -> Tree | None:
        """A proof of a goal of one atom, if the forms close it."""
        rows, outputs = self.checker.root.rows, self.checker.network.outputs
        stops: set[int] = set()
        for output, _ in goal.atoms[0].outputs:
            for j in outputs.row(output)[0]:
                known = self._outputs.get(rows.source(j) - self.inputs)
                stops |= known.stops if known is not None else set()
        leaf = self._leaf(stops)
        return (Node((), leaf),) if self.checker.closes(leaf, goal) else None

    def _form_of(self, v: int) -> Form:
        variables, weights, constant = self.checker.root.rows.row(v)
        form = Form(constant)
        for j, weight in zip(variables, weights, strict=True):
            if j < self.inputs:
                number = self.checker.value_of(j)
                form.add(weight, Form(0, {j: 1}) if number is None else Form(int(number)))
                self._added += 1
            elif (read := self._outputs.get(j - self.inputs)) is not None:
                form.add(weight, read)
                self._added += len(read.terms) + len(read.stops)
            elif self.checker.lower(j - self.inputs) >= 0:
                form.stops.add(j - self.inputs)  # it is zero, but a leaf would take it for on
        return form

    def _visit(self, v: int, form: Form) -> None:
        """Notes what z_v is, and the lemmas that show it."""
        checker = self.checker
        if not form.terms:
            self._pin(v, form)
        elif checker.lower(v) >= 0 or self._holds(v, form, upper=False):
            self._outputs[v] = form
        elif not self._holds(v, form, upper=True):
            self._outputs[v] = Form(0, {self.inputs + v: 1})

    def _pin(self, v: int, form: Form) -> None:
        """The unit is constant: later forms need its value alone. The first unit of many with the
        same weights is bounded on both sides, and what holds of the others follows from it."""
        value = form.constant
        variables, weights, _ = self.checker.root.rows.row(v)
        same = tuple(variables), tuple(weights)
        leading = self._leading.get(same)
        first = leading is None and len(variables) > 1
        if first:
            self._leading[same] = v
        for upper in (False, True):
            bound = self.checker.upper(v) if upper else self.checker.lower(v)
            if bound == value or not (first or value > 0 or upper):
                continue
            if leading is None:
                leaf = self._leaf(form.stops)
            else:
                share = Fraction(self._scale(leading), self._scale(v))
                leaf = Leaf(bounds={leading: -share if upper else share})
            self._add(v, upper, value if first else max(value, 0), leaf)
        if value <= 0:
            return
        shown = not self.checker.root.rows.skips(v)  # else rows hold the constant already
        self._outputs[v] = Form(value, {}, {v} if shown else set())

    def _holds(self, v: int, form: Form, *, upper: bool) -> bool:
        """Whether A_v >= 0 (`upper`: <= 0) on the region, which then becomes a lemma."""
        sign = -1 if upper else 1
        constant: Number = sign * form.constant
        linear: list[tuple[int, int]] = []
        for j, coefficient in form.terms.items():
            if j < self.inputs:
                linear.append((j, sign * coefficient))
            elif sign * coefficient < 0:
                constant += sign * coefficient * self.checker.upper(j - self.inputs)
        box: dict[int, Fraction] = {}
        if self.checker.region.norm == "inf" or not self._holds_on_ball(linear, constant):
            bounds = self.checker.input_bounds
            if constant + sum(c * bounds(k)[c < 0] for k, c in linear) < 0:
                return False
            if self.checker.region.norm != "inf":
                unit = Fraction(self.checker.scaled.denominator, self._scale(v))
                box = {k: c * unit for k, c in linear}
        self._add(v, upper, 0, self._leaf(form.stops, box))
        return True

    def _holds_on_ball(self, linear: Sequence[tuple[int, int]], constant: Number) -> bool:
        value: Number = constant + sum(c * self._center[k] for k, c in linear)
        if self.checker.region.norm == "1":
            return bool(value >= self._reach * max((abs(c) for _, c in linear), default=0))
        p = self.checker.region.power
        if p == 2:
            return value >= 0 and value * value >= self._reach * sum(c * c for _, c in linear)
        sizes = [Fraction(abs(c)) for _, c in linear]
        dual = sum((c * root_upper(c, p - 1) for c in sizes), ZERO) ** (p - 1)
        return value >= 0 and Fraction(value) ** p >= self._reach * dual * ROUNDED

    def _add(self, v: int, upper: bool, value: int, leaf: Leaf) -> None:
        lemma = Lemma(v, upper, Fraction(value, self._scale(v)), (Node((), leaf),))
        self.steps.append(lemma)
        self.checker.assume(lemma)

    def _leaf(self, stops: Iterable[int], box: dict[int, Fraction] | None = None) -> Leaf:
        return Leaf(slopes=dict.fromkeys(sorted(stops), ZERO), box=box or {})

    def _scale(self, v: int) -> int:
        return self.checker.scaled.scales[self.inputs + v]
