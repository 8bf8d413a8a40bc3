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
from constructions.scales import Scaling
from constructions.separation import separation
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.family import FamilyTerms
from verifier.question.network import Network, Rows, integers
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
    if base.outputs.count != 1:
        raise UserError(f"{name}: {base.outputs.count} outputs, D is the scale of one")
    scaling = Scaling(name, base, others, places)
    slope = scaling.slopes[scaling.kinds[-1]]
    if ONE + slope * end < 0:
        raise UserError(f"{name}: the scale of the output is negative at {format_rational(end)}")
    slopes = tuple(scaling.slopes)
    return Family(name, scaling.network, (ONE, slope), norm, unit, end, slopes, scaling.kinds)


def _same_shape(first: Network, second: Network) -> bool:
    return all(
        np.array_equal(a.starts, b.starts) and np.array_equal(a.indices, b.indices)
        for a, b in ((first.units, second.units), (first.outputs, second.outputs))
    )


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
