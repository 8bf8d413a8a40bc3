"""One network for every budget: the weights of a construction as functions of mu.

Multiplying a unit of F_mu by S_v(mu) > 0, and dividing by it where it is read, changes no value,
for relu(S a) = S relu(a). If scales can be found so that S_v w_vj / S_j does not depend on mu for
any weight w_vj, then only biases do; where these are affine in mu, mu becomes one more input:

    F_mu(x) = G(x, mu) / D(mu),    D the scale of the output.

For the running maxima of Theorem 4.8 the scales are 1 up to the scores and D(mu) / D(0) from the
rises on, D = lambda - 2 mu. ("The weights grow without bound as mu comes near lambda / 2" is only
the last division.) `lift` finds the scales from networks for three budgets in one pass over the
rows, or names the row that has none. What it finds is verified at these budgets; the family is then
defined by G and D, and a claim about it does not rest on how it was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from constructions import halfspaces
from constructions.construction import Norm
from constructions.hypotheses import power_separation
from constructions.registry import entry_of
from constructions.separation import separation
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.family import FamilyTerms
from verifier.question.network import Integers, Network, Rows, integers
from verifier.question.rational import format_rational
from verifier.question.region import distance

ONE = Fraction(1)
BY_RATIO = ("l2-halfspaces",)
"""Constructions whose parameter is rho = 2 mu / lambda, since lambda may be irrational."""

LIFTABLE = (
    "linf", "linf-pipelined", "linf-parallel", "linf-serial", "linf-halfspaces",
    "l1", "l1-parallel", "l1-serial", "l1-halfspaces", *BY_RATIO,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """The networks F_m = G(., m) / D(m) for the parameters m in [0, end), one for each ball radius.

    network: G, with one input more than the data, m; its single output is D(m) F_m.
    denominator: (d0, d1), D(m) = d0 + d1 m, positive on [0, end).
    norm, unit: the ball of m has radius m * unit for p = 1 and inf; for p = 2 its square is
        m^2 * unit.
    end: the least m that is not claimed.
    slopes, kinds: S_v(m) = 1 + slopes[kinds[v]] m for unit v; the last kind is the output's.
    """

    name: str
    network: Network
    denominator: tuple[Fraction, Fraction]
    norm: Norm
    unit: Fraction
    end: Fraction
    slopes: tuple[Fraction, ...]
    kinds: np.ndarray[tuple[int], np.dtype[np.int64]]

    def terms(self, first: Fraction = Fraction(0)) -> FamilyTerms:
        """What a question about the whole of [first, end) says of this family."""
        return FamilyTerms(self.denominator, self.unit, first, self.end, open=True)

    def member(self, parameter: Fraction) -> Network:
        """F_m, with the very weights of the construction for that budget.

        Raises UserError unless 0 <= m < end.
        """
        if not 0 <= parameter < self.end:
            raise UserError(
                f"family {self.name}: parameter {format_rational(parameter)} is not in "
                f"[0, {format_rational(self.end)})"
            )
        scales = [ONE + slope * parameter for slope in self.slopes]
        last = self.network.inputs - 1
        kinds = self.kinds.tolist()
        read = [ONE] * last + [scales[kind] for kind in kinds[:-1]]
        network = self.network
        units = _fixed(network.units, last, parameter, read, [scales[k] for k in kinds[:-1]])
        outputs = _fixed(network.outputs, last, parameter, read, [scales[kinds[-1]]])
        return Network(last, network.layers, units, outputs)


@dataclass(frozen=True, slots=True)
class Limit:
    """Why no network answers all labels for the parameter at the end: `point` lies in the closed
    balls of samples `first` and `second`, which have different labels."""

    first: int
    second: int
    point: tuple[Fraction, ...]


def limit_of(dataset: Dataset, family: Family) -> Limit:
    """The midpoint of a closest pair, shown to lie in both closed balls at the end.

    Raises UserError if it does not: then the end is not half the separation.
    """
    norm: Any = family.norm
    pair = separation(dataset, norm)
    a, b = dataset.point(pair.first), dataset.point(pair.second)
    middle = tuple((x + y) / 2 for x, y in zip(a, b, strict=True))
    region = family.terms().cone(norm, tuple(a)).at(family.end)
    size = region.size if family.norm != "inf" else family.end * family.unit
    if any(distance(norm, middle, tuple(sample)) > size for sample in (a, b)):
        raise UserError(f"{family.name}: the closest pair does not meet at the end of the family")
    return Limit(pair.first, pair.second, middle)


def lift(
    name: str,
    build: Callable[[Fraction], Network],
    *,
    norm: Norm,
    unit: Fraction,
    end: Fraction,
) -> Family:
    """The family whose members are `build(m)` for all m in [0, end).

    The rows are compared at m = 0, end / 2 and 2 end / 3. Raises UserError that names the row for
    which there is no scale, or whose bias or scale is not affine in m.
    """
    places = (end / 2, 2 * end / 3)
    base, *others = (build(place) for place in (Fraction(0), *places))
    for other in others:
        if other.layers != base.layers or not _same_shape(base, other):
            raise UserError(f"{name}: the architecture depends on the budget; it cannot be lifted")
    scaling = _Scaling(name, base, others, places)
    units = scaling.lifted(base.units, [other.units for other in others])
    outputs = scaling.lifted(base.outputs, [other.outputs for other in others])
    network = Network(base.inputs + 1, base.layers, units, outputs)
    slope = scaling.slopes[scaling.kinds[-1]]
    if ONE + slope * end < 0:
        raise UserError(f"{name}: the scale of the output is negative at {format_rational(end)}")
    kinds = np.array(scaling.kinds[base.inputs :], dtype=np.int64)
    return Family(name, network, (ONE, slope), norm, unit, end, tuple(scaling.slopes), kinds)


def _same_shape(first: Network, second: Network) -> bool:
    return all(
        np.array_equal(a.starts, b.starts) and np.array_equal(a.indices, b.indices)
        for a, b in ((first.units, second.units), (first.outputs, second.outputs))
    )


class _Scaling:
    """The scale of every variable, 1 + slope * m, by the number of its slope."""

    def __init__(
        self,
        name: str,
        base: Network,
        others: list[Network],
        places: tuple[Fraction, ...],
    ) -> None:
        self.name, self.places, self.inputs = name, places, base.inputs
        self.slopes: list[Fraction] = [Fraction(0)]
        self._numbers: dict[Fraction, int] = {Fraction(0): 0}
        self.kinds: list[int] = [0] * base.inputs
        self._products: dict[tuple[int, tuple[Fraction, ...]], int] = {}

    def lifted(self, base: Rows, others: list[Rows]) -> Rows:
        """The rows of G, where m is the input after those of x; notes their scales."""
        ratios = [_ratios(base, other) for other in others]
        starts, indices = base.starts.tolist(), base.indices.tolist()
        numerators = base.numerators.tolist()
        constants = [rows.constants.tolist() for rows in (base, *others)]
        below = [rows.denominators.tolist() for rows in (base, *others)]
        new_starts, new_indices, new_numerators = [0], list[int](), list[int]()
        new_constants, new_below = list[int](), list[int]()
        for v in range(base.count):
            begin, end = starts[v], starts[v + 1]
            kind = self._kind(v, begin, end, indices, ratios)
            self.kinds.append(kind)
            bias, rise = self._bias(v, kind, [c[v] for c in constants], [d[v] for d in below])
            common = lcm(below[0][v], bias.denominator, rise.denominator)
            factor = common // below[0][v]
            placed = False
            for t in range(begin, end):
                j = indices[t]
                if rise and not placed and j >= self.inputs:
                    new_indices.append(self.inputs)
                    new_numerators.append(int(rise * common))
                    placed = True
                new_indices.append(j + (j >= self.inputs))
                new_numerators.append(numerators[t] * factor)
            if rise and not placed:
                new_indices.append(self.inputs)
                new_numerators.append(int(rise * common))
            new_starts.append(len(new_indices))
            new_constants.append(int(bias * common))
            new_below.append(common)
        return Rows(
            np.array(new_starts, dtype=np.int64),
            np.array(new_indices, dtype=np.int64),
            integers(new_numerators),
            integers(new_constants),
            integers(new_below),
        )

    def _kind(
        self,
        v: int,
        begin: int,
        end: int,
        indices: list[int],
        ratios: list[list[Fraction | None]],
    ) -> int:
        """The scale that makes all weights of the row constant."""
        found: int | None = None
        for t in range(begin, end):
            changes = tuple(ratio[t] or ONE for ratio in ratios)
            kind = self._product(v, self.kinds[indices[t]], changes)
            if found is None:
                found = kind
            elif kind != found:
                raise UserError(
                    f"{self.name}: row {v} has no scale: variables {indices[begin]} and "
                    f"{indices[t]} ask for different ones; it cannot be lifted"
                )
        return found or 0

    def _product(self, v: int, kind: int, changes: tuple[Fraction, ...]) -> int:
        if all(change == 1 for change in changes):
            return kind
        key = (kind, changes)
        if key not in self._products:
            slope = self.slopes[kind]
            scales = [
                (ONE + slope * m) * change for m, change in zip(self.places, changes, strict=True)
            ]
            self._products[key] = self._number(v, scales)
        return self._products[key]

    def _number(self, v: int, scales: list[Fraction]) -> int:
        """The number of the scale with these values at `places`."""
        slope = (scales[0] - 1) / self.places[0]
        if min(scales) <= 0 or ONE + slope * self.places[1] != scales[1]:
            raise UserError(f"{self.name}: the scale of row {v} is not affine in the budget")
        number = self._numbers.setdefault(slope, len(self.slopes))
        if number == len(self.slopes):
            self.slopes.append(slope)
        return number

    def _bias(
        self, v: int, kind: int, constants: list[int], below: list[int]
    ) -> tuple[Fraction, Fraction]:
        """Bias at m = 0 and its slope in m, after scaling."""
        slope = self.slopes[kind]
        values = [Fraction(c, d) for c, d in zip(constants, below, strict=True)]
        scaled = [
            value * (ONE + slope * m) for value, m in zip(values[1:], self.places, strict=True)
        ]
        rise = (scaled[0] - values[0]) / self.places[0]
        if values[0] + rise * self.places[1] != scaled[1]:
            raise UserError(f"{self.name}: the bias of row {v} is not affine in the budget")
        return values[0], rise


def _ratios(base: Rows, other: Rows) -> list[Fraction | None]:
    """Weight at m = 0 over weight at m, by entry; None where it is 1."""
    owner = np.repeat(np.arange(base.count), np.diff(base.starts))
    top: Integers = base.numerators.astype(object) * other.denominators[owner].astype(object)
    bottom: Integers = other.numerators.astype(object) * base.denominators[owner].astype(object)
    found: list[Fraction | None] = [None] * len(owner)
    for t in np.flatnonzero(top != bottom).tolist():
        found[t] = Fraction(top[t], bottom[t])
    return found


def _fixed(
    rows: Rows, last: int, parameter: Fraction, read: list[Fraction], own: list[Fraction]
) -> Rows:
    """The rows with m put in, every variable divided by its scale and every row by its own.

    `read` are the scales of the variables without m, which is variable `last`.
    """
    starts, indices = [0], list[int]()
    numerators, constants, denominators = list[int](), list[int](), list[int]()
    for v in range(rows.count):
        weights, constant = rows.fractions(v)
        constant = (constant + weights.pop(last, Fraction(0)) * parameter) / own[v]
        moved = {j - (j > last): w for j, w in weights.items()}
        moved = {j: w * read[j] / own[v] for j, w in moved.items()}
        common = lcm(constant.denominator, *(w.denominator for w in moved.values()))
        indices.extend(moved)
        numerators.extend(int(w * common) for w in moved.values())
        constants.append(int(constant * common))
        denominators.append(common)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64),
        np.array(indices, dtype=np.int64),
        integers(numerators),
        integers(constants),
        integers(denominators),
    )


def family_of(dataset: Dataset, name: str, separation: Fraction | None = None) -> Family:
    """The family of a construction for every budget below half the separation of the data set.

    The parameter is the budget itself for p = 1 and inf, and 2 mu / lambda for `l2-halfspaces`.
    Raises UserError for a construction that cannot be lifted.
    """
    entry = entry_of(name)
    power = power_separation(dataset, entry.norm) if separation is None else separation
    if name in BY_RATIO:
        chosen = halfspaces.cover(dataset, "2", power)

        def of_ratio(ratio: Fraction) -> Network:
            return halfspaces.network(dataset, chosen, ratio, power)

        return lift(name, of_ratio, norm="2", unit=power / 4, end=ONE)
    if name not in LIFTABLE:
        raise UserError(
            f"{name} has no family for every budget: its weights or its number of units depend on "
            f"mu otherwise; {', '.join(LIFTABLE)} have one"
        )

    def of_budget(budget: Fraction) -> Network:
        return entry.builder(dataset, budget, separation=power).network

    return lift(name, of_budget, norm=entry.norm, unit=ONE, end=power / 2)
