"""Backward substitution that decides at each unit, as it comes to it, what a leaf should do there.

Everything is exact, in the scaled integers of the checker, so the bound found is the bound proved.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush

from verifier.checker.branch import Number
from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf, Lemma
from verifier.question.query import Goal
from verifier.question.rational import sqrt_upper
from verifier.question.region import root_upper
from verifier.search.clock import check_time, tick

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Bound:
    """`leaf` shows that the target's form is at least `value`: a_v for a lemma of bound 0 about a
    lower bound, -a_v for one about an upper bound, minus the atom for a goal. `open` are the
    undecided units on the way, `rising` those with a positive coefficient, `reached` all units,
    `above` those of which an upper bound matters."""

    value: Fraction
    leaf: Leaf
    open: list[int]
    rising: list[int]
    reached: set[int]
    above: set[int]


def substitute(
    checker: LeafChecker,
    target: Goal | Lemma,
    boxable: Collection[int],
    steep: Container[int] = (),
    chorded: Container[int] = (),
    deadline: float | None = None,
) -> Bound:
    """The bound of the target in the current branch.

    Units that are on are substituted, those in `boxable` only where that is no worse than their
    boxes. Of an undecided unit with a positive coefficient, z >= a is used if it is in `steep`,
    z >= 0 otherwise; with a negative one, the chord of its bounds if it is in `chorded`, its upper
    bound otherwise.

    Raises LateError after the deadline.
    """
    return _Substitution(checker, target, boxable, steep, chorded).run(deadline)


class _Substitution:
    def __init__(
        self,
        checker: LeafChecker,
        target: Goal | Lemma,
        boxable: Collection[int],
        steep: Container[int],
        chorded: Container[int],
    ) -> None:
        self.checker = checker
        self.boxable, self.steep, self.chorded = boxable, steep, chorded
        self.inputs = checker.inputs
        form, _ = checker.start(Leaf(), target)
        # Coefficients of outputs and pre-activations: integers, unless chords come in.
        self.z: dict[int, Number] = dict(form.z)
        self.a: dict[int, Number] = dict(form.a)
        self.constant, self.denominator = form.constant, form.denominator
        self.waiting = [-v for v in {*form.a, *(j - self.inputs for j in form.z)} if v >= 0]
        heapify(self.waiting)
        self.known = set(self.waiting)
        self.slopes: dict[int, Fraction] = {}
        self.open: list[int] = []
        self.rising: list[int] = []
        self.reached: set[int] = set()
        self.above: set[int] = set()

    def run(self, deadline: float | None) -> Bound:
        checker, waiting = self.checker, self.waiting
        while waiting:
            check_time(deadline)
            # Layer by layer, and first what must be substituted, so that what cancels is seen.
            layer = checker.layer_of(-waiting[0])
            must: dict[int, Number] = {}
            may: dict[int, Number] = {}
            while waiting and checker.layer_of(-waiting[0]) == layer:
                v = -heappop(waiting)
                factor = self.a.pop(v, 0)
                c = self.z.pop(self.inputs + v, 0)
                if c or factor:
                    self.reached.add(v)
                    if c < 0 or factor < 0:
                        self.above.add(v)
                if c and checker.lower(v) >= 0 and checker.upper(v) <= 0:
                    self.slopes[v] = ZERO  # it is zero, but a leaf would take it for on
                    self.constant += self._box(v, c)
                elif c and v in self.boxable and checker.lower(v) >= 0:
                    may[v] = c
                elif c:
                    factor += self._relaxed(v, c)
                if factor:
                    must[v] = factor
            self._add_rows(must)
            if may:
                chosen = self._gaining(may)
                self._add_rows(chosen)
                for v, c in may.items():
                    if v not in chosen:
                        self.slopes[v] = ZERO
                        self.constant += self._box(v, c)
        value, shares = self._on_region()
        return Bound(
            value,
            Leaf(slopes=self.slopes, box=shares),
            self.open,
            self.rising,
            self.reached,
            self.above,
        )

    def _relaxed(self, v: int, c: Number) -> Number:
        """How often a_v replaces c times z_v; the rest becomes constant."""
        low, high = self.checker.lower(v), self.checker.upper(v)
        if low >= 0:
            return c
        if high <= 0:
            return 0
        self.open.append(v)
        if c < 0 and v in self.chorded:
            slope = self.slopes[v] = Fraction(high) / Fraction(high - low)
            self.constant += c * (1 - slope) * high
            return c * slope
        if c < 0:
            self.constant += c * high
            return 0
        self.rising.append(v)
        if v not in self.steep:
            return 0
        self.slopes[v] = ONE
        return c

    def _add_rows(self, factors: Mapping[int, Number]) -> None:
        z, inputs, row = self.z, self.inputs, self.checker.root.rows.row
        for v, factor in factors.items():
            tick()
            variables, weights, constant = row(v)
            self.constant += factor * constant
            for j, weight in zip(variables, weights, strict=True):
                if j in z:
                    z[j] += factor * weight
                else:
                    z[j] = factor * weight
                    if j >= inputs and inputs - j not in self.known:
                        self.known.add(inputs - j)
                        heappush(self.waiting, inputs - j)

    def _box(self, v: int, c: Number) -> Number:
        return c * (self.checker.lower(v) if c > 0 else self.checker.upper(v))

    def _gaining(self, may: Mapping[int, Number]) -> Mapping[int, Number]:
        """Those of the units that had better be replaced by their rows: all if that is no worse,
        for their rows may cancel, else one by one."""
        if self._gain(may) >= 0:
            return may
        return {v: c for v, c in may.items() if len(may) > 1 and self._gain({v: c}) >= 0}

    def _gain(self, units: Mapping[int, Number]) -> Number:
        """What the bound by boxes gains if rows replace these units, all others as they are."""
        checker, inputs, z, row = self.checker, self.inputs, self.z, self.checker.root.rows.row
        total: Number = 0
        changed: dict[int, Number] = {}
        for v, c in units.items():
            variables, weights, constant = row(v)
            total += c * constant - self._box(v, c)
            for j, weight in zip(variables, weights, strict=True):
                changed[j] = changed.get(j, 0) + c * weight
        for j, change in changed.items():
            if j < inputs:
                low, high = checker.input_bounds(j)
            else:
                low, high = max(checker.lower(j - inputs), 0), max(checker.upper(j - inputs), 0)
            before = z.get(j, 0)
            after = before + change
            total += after * (low if after > 0 else high) - before * (low if before > 0 else high)
        return total

    def _on_region(self) -> tuple[Fraction, dict[int, Fraction]]:
        """The minimum of the form, now over inputs alone, and its share that is bounded over the
        box: on a ball all or nothing, whichever is better."""
        total = self.constant
        for k, c in self.z.items():
            low, high = self.checker.input_bounds(k)
            total += c * (low if c > 0 else high)
        on_box = Fraction(total) / self.denominator
        region, size = self.checker.region, self.checker.scaled.denominator
        if region.norm == "inf":
            return on_box, {}
        gradient: dict[int, Fraction] = {}
        constant = self.constant
        for k, c in self.z.items():
            number = self.checker.value_of(k)
            if number is not None:
                constant += c * number
            elif c:
                gradient[k] = Fraction(c * size) / self.denominator
        on_ball = Fraction(constant) / self.denominator
        on_ball += sum((g * region.center[k] for k, g in gradient.items()), ZERO)
        if region.norm == "1":
            on_ball -= region.size * max((abs(g) for g in gradient.values()), default=ZERO)
        elif region.norm == "2":
            on_ball -= sqrt_upper(region.size * sum((g * g for g in gradient.values()), ZERO))
        else:
            on_ball -= root_upper(region.loss(gradient.values()), region.power, 64)
        return (on_ball, {}) if on_ball >= on_box else (on_box, gradient)
