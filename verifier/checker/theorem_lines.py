"""The networks that the proved theorems speak of, line by line.

The readable twin of `constructions/coq`: `Setting`, `Test`, `running`, `overlapped`, `beside` are
those of Layouts.v, the tests those of Cubes.v, Crosses.v, HalfSpaces.v and Cones.v, `trees` those
of Classes.v. Nothing here is shared with the constructions that build such networks. Variables
0 .. n-1 are the inputs; with every budget at once, input n is the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import Literal, Protocol

Entries = list[tuple[int, int]]
"""Variable and weight of each term, by increasing variable."""
Layout = Literal["running", "overlapped", "beside"]


@dataclass(frozen=True, slots=True)
class Line:
    """(sum of weight times variable, plus bias) / below."""

    entries: Entries
    bias: int
    below: int

    def equals(self, other: Line) -> bool:
        """Whether both have the same value everywhere, term by term."""
        if len(self.entries) != len(other.entries):
            return False
        d, e = self.below, other.below
        return self.bias * e == other.bias * d and all(
            j == k and v * e == w * d
            for (j, v), (k, w) in zip(self.entries, other.entries, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Samples:
    """Points as integers over one denominator, with labels 0, 1, .."""

    points: list[list[int]]
    labels: list[int]
    denominator: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What the tests of a network share; see Layouts.v.

    later: the layers of a test after its first, each from the address of the one before. lift: what
    is added to inputs that are carried. budget_at: the input that holds the budget. A rise is over
    `bottom`, and `tilt` of it is what a budget takes from every label.
    """

    later: tuple[Callable[[int], list[Line]], ...]
    dimension: int
    lift: Fraction
    budget_at: int
    bottom: int
    tilt: int

    def budget(self, weight: int) -> Entries:
        return [(self.budget_at, weight)] if weight else []

    def rise(self, test: Test, at: int, tops: Sequence[int]) -> Line:
        """height - K score - maximum, over `bottom`."""
        height = test.height
        entries = self.budget(-height * self.tilt) + test.score(at)
        return Line(entries + [(j, -self.bottom) for j in tops], self.bottom * height, self.bottom)

    def result(self, tops: Sequence[int]) -> Line:
        """The output: the maximum minus one."""
        entries = self.budget(self.tilt) + [(j, self.bottom) for j in tops]
        return Line(entries, -self.bottom, self.bottom)

    def carried(self, place: Place) -> list[Line]:
        inputs = range(place.inputs_at, place.inputs_at + self.dimension)
        if not place.fresh:
            return [Line([(j, 1)], 0, 1) for j in inputs]
        up, down = self.lift.numerator, self.lift.denominator
        return [Line([(j, down)], up, down) for j in inputs]


class Test(Protocol):
    """One test, of one sample: its first layer, the terms that come from its last one."""

    breadth: int
    height: int

    def entering(self, fresh: bool, at: int) -> list[Line]: ...
    def score(self, at: int) -> Entries: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Before a layer: where the inputs are (not yet carried if `fresh`), the units that add up to
    the maximum, the next unit."""

    fresh: bool
    inputs_at: int
    tops: tuple[int, ...]
    next: int


Layer = Iterable[Line]
Laid = Generator[Layer, None, tuple[int, ...]]
"""Layer after layer; then the units that add up to the maximum."""


def put_layer(
    s: Setting, stage: list[Line], carry: bool, riser: tuple[Test, int] | None, p: Place
) -> tuple[list[Line], Place]:
    """The layer of these parts, and what it leaves."""
    lines, tops = list(stage), list[int]()
    inputs_at = p.next + len(lines)
    if carry:
        lines += s.carried(p)
    if riser is not None:
        tops.append(p.next + len(lines))
        lines.append(s.rise(*riser, p.tops))
    if p.tops:
        tops.append(p.next + len(lines))
        lines.append(sum_line(p.tops))
    return lines, Place(False, inputs_at, tuple(tops), p.next + len(lines))


def put_test(
    s: Setting, test: Test, carry: bool, riser: tuple[Test, int] | None, p: Place
) -> Generator[Layer, None, tuple[int, Place]]:
    at, stage = p.next, test.entering(p.fresh, p.inputs_at)
    lines, p = put_layer(s, stage, carry, riser, p)
    yield lines
    for layer in s.later:
        before, at = at, p.next
        lines, p = put_layer(s, layer(before), carry, None, p)
        yield lines
    return at, p


def running(s: Setting, tests: Sequence[Test], first: int) -> Laid:
    """The layers of each test, then one of its rise."""
    p = Place(True, 0, (), first)
    for number, test in enumerate(tests, start=1):
        carry = number < len(tests)
        at, p = yield from put_test(s, test, carry, None, p)
        lines, p = put_layer(s, [], carry, (test, at), p)
        yield lines
    return p.tops


def overlapped(s: Setting, tests: Sequence[Test], first: int) -> Laid:
    """The rise of a test stands in the first layer of the next one."""
    p, pending = Place(True, 0, (), first), None
    for number, test in enumerate(tests, start=1):
        at, p = yield from put_test(s, test, number < len(tests), pending, p)
        pending = test, at
    lines, p = put_layer(s, [], False, pending, p)
    yield lines
    return p.tops


def tested(
    s: Setting, tests: Sequence[Test], first: int
) -> Generator[Layer, None, list[tuple[int, ...]]]:
    """All tests at once, up to their rises; of each the unit that is relu of it."""
    at = list[int]()
    yield chain.from_iterable(test.entering(True, 0) for test in tests)
    for test in tests:
        at.append(first)
        first += test.breadth
    for layer in s.later:
        stages = [layer(before) for before in at]
        yield chain.from_iterable(stages)
        at = []
        for stage in stages:
            at.append(first)
            first += len(stage)
    yield (s.rise(test, before, ()) for test, before in zip(tests, at, strict=True))
    return [(first + k,) for k in range(len(tests))]


def beside(s: Setting, tests: Sequence[Test], first: int) -> Laid:
    """All tests at once, then a tree of maxima of two."""
    (top,) = yield from trees(s, tests, first, [range(len(tests))])
    return top


def trees(
    s: Setting, tests: Sequence[Test], first: int, groups: Sequence[Sequence[int]]
) -> Generator[Layer, None, list[tuple[int, ...]]]:
    """All tests at once, then a tree of maxima for each group of tests, which may be empty; those
    that are done are carried on. Of each group the units that add up to its maximum."""
    rises = yield from tested(s, tests, first)
    first = rises[-1][0] + 1
    terms = [[rises[k] for k in group] for group in groups]
    while any(len(group) > 1 for group in terms):
        yield chain.from_iterable(map(level, terms))
        terms, counts = [], list(map(len, terms))
        for count in counts:
            terms.append(two_by_two(first, count))
            first += count
    return [group[0] if group else () for group in terms]


def two_by_two(first: int, count: int) -> list[tuple[int, ...]]:
    """What a level over so many terms leaves, from the address of its first unit."""
    return [(first + k, first + k + 1)[: count - k] for k in range(0, count, 2)]


def level(terms: Sequence[Sequence[int]]) -> Iterator[Line]:
    """max(a, b) as relu(a - b) and b; a term without a partner as it is."""
    for a, b in zip(terms[::2], terms[1::2], strict=False):
        yield Line([(j, 1) for j in a] + [(j, -1) for j in b], 0, 1)
        yield sum_line(b)
    if len(terms) % 2:
        yield sum_line(terms[-1])


def sum_line(units: Sequence[int]) -> Line:
    return Line([(j, 1) for j in units], 0, 1)


LAYOUTS: dict[Layout, Callable[[Setting, Sequence[Test], int], Laid]] = {
    "running": running,
    "overlapped": overlapped,
    "beside": beside,
}


def span(at: int, count: int, weight: int) -> Entries:
    return [(at + k, weight) for k in range(count)]


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget, or every one as an input; Memorizers.v.

    `power` is lambda, for L2 its square; `parameter` is mu, for L2 rho; 0 for every budget.
    """

    every: bool
    power: Fraction
    parameter: Fraction

    def inputs(self, dimension: int) -> int:
        return dimension + self.every

    def at(self, dimension: int) -> int:
        return dimension if self.every else 0

    def setting(
        self, dimension: int, lift: Fraction, later: tuple[Callable[[int], list[Line]], ...] = ()
    ) -> Setting:
        """Below half the separation: K = y_max / (lambda - 2 mu)."""
        mu, power = self.parameter, self.power
        bottom = power.numerator * mu.denominator - 2 * mu.numerator * power.denominator
        tilt = 2 * power.denominator if self.every else 0
        return Setting(later, dimension, lift, self.at(dimension), bottom, tilt)

    def steep(self, labels: Sequence[int]) -> int:
        return (max(labels) + 1) * self.power.denominator * self.parameter.denominator


def lift_of(layout: Layout, data: Samples, power: Fraction) -> Fraction:
    """max(0, lambda / 2 - least entry), where inputs are carried at all."""
    if layout == "beside":
        return Fraction(0)
    least = min(min(point) for point in data.points)
    return max(Fraction(0), power / 2 - Fraction(least, data.denominator))


class CubeTest:
    """relu(x_k - x_ik - mu) and relu(x_ik - mu - x_k) for all k; Cubes.v."""

    def __init__(
        self, point: Sequence[int], label: int, unit: int, budget: Budget,
        radius: Fraction, lift: Fraction, steep: int,
    ) -> None:  # fmt: skip
        self.point, self.height, self.steep = point, label + 1, steep
        self.breadth = 2 * len(point)
        self.below = unit * radius.denominator * lift.denominator
        self.factor = radius.denominator * lift.denominator
        self.radius = radius.numerator * unit * lift.denominator
        self.lift = lift.numerator * unit * radius.denominator
        at = budget.at(len(point))
        self.budget: Entries = [(at, -self.below)] if budget.every else []

    def entering(self, fresh: bool, at: int) -> list[Line]:
        lift, below = 0 if fresh else self.lift, self.below
        lines = []
        for sign in (1, -1):
            for k, c in enumerate(self.point, start=at):
                term = [(k, sign * below)]
                entries = term + self.budget if fresh else self.budget + term
                lines.append(Line(entries, -sign * (c * self.factor + lift) - self.radius, below))
        return lines

    def score(self, at: int) -> Entries:
        return span(at, self.breadth, -self.steep)


class CrossTest(CubeTest):
    """Distances, which are exceedances of radius 0, then relu(their sum - mu); Crosses.v."""

    def score(self, at: int) -> Entries:
        return [(at, -self.steep)]


class PlaneTest:
    """relu(u . (x_i - x) - tau_u) for some u; HalfSpaces.v."""

    def __init__(
        self, norm: str, point: Sequence[int], label: int, unit: int, budget: Budget,
        vectors: Sequence[Sequence[int]], steep: int,
    ) -> None:  # fmt: skip
        self.point, self.height, self.steep = point, label + 1, steep
        self.breadth, self.vectors, self.squared = len(vectors), vectors, norm == "2"
        self.unit, self.budget = unit, budget

    def entering(self, fresh: bool, at: int) -> list[Line]:
        return [self.plane(u, at) for u in self.vectors]

    def plane(self, u: Sequence[int], at: int) -> Line:
        t, d = self.budget.parameter, self.unit
        reach = sum(a * b for a, b in zip(u, self.point, strict=True))
        if self.squared:  # u is over the denominator of the data
            length = sum(a * a for a in u)
            weight, taken = 2 * t.denominator * d, length
            bias, below = reach * 2 * t.denominator - t.numerator * length, weight * d
        else:
            weight, taken = d * t.denominator, d
            bias, below = reach * t.denominator - t.numerator * d, weight
        entries = [(at + k, -c * weight) for k, c in enumerate(u) if c]
        if self.budget.every:
            entries.append((self.budget.at(len(u)), -taken))
        return Line(entries, bias, below)

    def score(self, at: int) -> Entries:
        return span(at, self.breadth, -self.steep)


class ConeTest(CubeTest):
    """2 - (2 / lambda) times the greatest distance of a coordinate; Cones.v."""

    def __init__(
        self, point: Sequence[int], unit: int, flat: Budget, lift: Fraction, top: Sequence[int]
    ) -> None:
        super().__init__(point, 1, unit, flat, Fraction(0), lift, 0)
        self.top, self.weight = top, -2 * flat.power.denominator

    def score(self, at: int) -> Entries:
        return [(at + j, self.weight) for j in self.top]


def maxima(n: int) -> tuple[tuple[Callable[[int], list[Line]], ...], tuple[int, ...]]:
    """The layers of the tree of maxima of |x_k - x_ik|, which is unit k plus unit n + k, each from
    the address of the one before; and the units of the last one whose sum is the maximum."""
    layers = list[Callable[[int], list[Line]]]()
    terms: list[tuple[int, ...]] = [(k, n + k) for k in range(n)]
    while len(terms) > 1:
        layers.append(partial(_moved_level, terms))
        terms = two_by_two(0, len(terms))
    return tuple(layers), terms[0]


def _moved_level(terms: Sequence[Sequence[int]], at: int) -> list[Line]:
    lines = level([[at + j for j in units] for units in terms])
    return [Line(sorted(line.entries), line.bias, line.below) for line in lines]


def signed(label: int, tops: Sequence[int]) -> Line:
    """The output: the maximum minus one; its opposite, if the tests are those of label 0."""
    sign = 1 if label else -1
    return Line([(j, sign) for j in tops], -sign, 1)


def rarer(labels: Sequence[int]) -> int:
    """Of the labels 0 and 1 the one that fewer samples have, 1 if as many have it."""
    return 1 if 2 * sum(labels) <= len(labels) else 0


def cubes(layout: Layout, data: Samples, budget: Budget) -> tuple[Setting, list[CubeTest]]:
    lift, labels = lift_of(layout, data, budget.power), data.labels
    shared = (data.denominator, budget, budget.parameter, lift, budget.steep(labels))
    tests = [CubeTest(p, y, *shared) for p, y in zip(data.points, labels, strict=True)]
    return budget.setting(len(data.points[0]), lift), tests


def crosses(layout: Layout, data: Samples, budget: Budget) -> tuple[Setting, list[CrossTest]]:
    lift, labels, n = lift_of(layout, data, budget.power), data.labels, len(data.points[0])
    mu = budget.parameter

    def over_radius(at: int) -> list[Line]:
        entries: Entries = [(n, -mu.denominator)] if budget.every else []
        return [Line(entries + span(at, 2 * n, mu.denominator), -mu.numerator, mu.denominator)]

    flat = Budget(False, budget.power, Fraction(0))  # the distances do not read the budget
    shared = (data.denominator, flat, Fraction(0), lift, budget.steep(labels))
    tests = [CrossTest(p, y, *shared) for p, y in zip(data.points, labels, strict=True)]
    return budget.setting(n, lift, (over_radius,)), tests


def cones(
    layout: Layout, data: Samples, budget: Budget, label: int | None
) -> tuple[Setting, list[ConeTest]]:
    """The tests of the samples of this label, of all samples if None. No line reads the budget."""
    lift, n = lift_of(layout, data, budget.power), len(data.points[0])
    flat = Budget(False, budget.power, Fraction(0))
    layers, top = maxima(n)
    labelled = zip(data.points, data.labels, strict=True)
    chosen = [p for p, y in labelled if label is None or y == label]
    tests = [ConeTest(p, data.denominator, flat, lift, top) for p in chosen]
    return flat.setting(n, lift, layers), tests


def planes(
    norm: str, data: Samples, budget: Budget, vectors: Sequence[Sequence[Sequence[int]]]
) -> tuple[Setting, list[PlaneTest]]:
    n, t, power = len(data.points[0]), budget.parameter, budget.power
    setting = budget.setting(n, Fraction(0))
    if norm == "2":
        bottom = power.numerator * (t.denominator - t.numerator)
        tilt = power.numerator if budget.every else 0
        setting = Setting((), n, Fraction(0), budget.at(n), bottom, tilt)
    steep = budget.steep(data.labels)
    tests = [
        PlaneTest(norm, p, y, data.denominator, budget, us, steep)
        for p, y, us in zip(data.points, data.labels, vectors, strict=True)
    ]
    return setting, tests
