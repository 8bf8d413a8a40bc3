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
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from constructions import halfspaces
from constructions.family import Family
from constructions.hypotheses import (
    check_budget,
    least_entry,
    power_separation,
    separation_above,
)
from constructions.open_balls import open_balls
from constructions.power_interpolant import InterpolantTests
from constructions.power_products import ProductTests
from constructions.projection import Projection, find_rank
from constructions.registry import entry_of
from constructions.running_max import (
    carry_offset,
    carry_rows,
    network_of,
    parallel_layers,
    sequential_layers,
)
from constructions.sawtooth import SquareTests, scale_of
from constructions.scales import Scaling
from constructions.separation import separation
from constructions.serial import tests_of_scale
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational
from verifier.question.region import Norm, distance
from verifier.question.region import power as exponent_of

ONE = Fraction(1)
BY_RATIO = ("l2-halfspaces",)
"""Constructions whose parameter is rho = 2 mu / lambda, since lambda may be irrational."""

UP_TO_POWERS = ("l2-shallow", "l3-shallow", "l4-shallow", "l3-deep", "l4-deep")
UP_TO = ("l2", "l2-parallel", "l2-serial", "narrow-l2", *UP_TO_POWERS)
"""Constructions that have a family for all budgets up to one, see `family_up_to`."""

WITHOUT_BUDGET = ("lipschitz", "lipschitz-parallel", "lipschitz-ovr")
"""Constructions whose network is the same for every budget."""

LIFTABLE = (
    "linf", "linf-pipelined", "linf-parallel", "linf-serial", "linf-halfspaces", "narrow-linf",
    "l1", "l1-parallel", "l1-serial", "l1-halfspaces", *BY_RATIO,
)  # fmt: skip


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
    closed: bool = False,
) -> Family:
    """The family whose members are `build(m)` for all m in [0, end), with the end if `closed`.

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
    over, kinds = (ONE, slope), scaling.kinds
    return Family(name, scaling.network, over, norm, unit, end, slopes, kinds, closed=closed)


def _same_shape(first: Network, second: Network) -> bool:
    return all(
        np.array_equal(a.starts, b.starts) and np.array_equal(a.indices, b.indices)
        for a, b in ((first.units, second.units), (first.outputs, second.outputs))
    )


def family_of(dataset: Dataset, name: str, separation: Fraction | None = None) -> Family:
    """The family of a construction for every budget below half the separation of the data set.

    The parameter is the budget itself for p = 1 and inf, and 2 mu / lambda for `l2-halfspaces`.
    That of narrow-linf is the one with k = n, where nothing is projected. Raises UserError for a
    construction that cannot be lifted.
    """
    entry = entry_of(name)
    power = power_separation(dataset, entry.norm) if separation is None else separation
    if name in BY_RATIO:
        chosen = halfspaces.cover(dataset, "2", power)

        def of_ratio(ratio: Fraction) -> Network:
            return halfspaces.network(dataset, chosen, ratio, power)

        return lift(name, of_ratio, norm="2", unit=power / 4, end=ONE)
    if name in WITHOUT_BUDGET:
        built = entry.builder(dataset, Fraction(0), separation=power)
        return open_balls(name, built.network, entry.norm, power / 2, built.decoder)
    if name not in LIFTABLE:
        raise UserError(
            f"{name} has no family for every budget: its weights or its number of units depend on "
            f"mu otherwise; {', '.join(LIFTABLE + WITHOUT_BUDGET)} have one, "
            f"{', '.join(UP_TO)} one up to a budget"
        )

    options = {"rank": dataset.dimension} if name == "narrow-linf" else {}

    def of_budget(budget: Fraction) -> Network:
        return entry.builder(dataset, budget, separation=power, **options).network

    return lift(name, of_budget, norm=entry.norm, unit=ONE, end=power / 2)


def family_up_to(
    dataset: Dataset,
    name: str,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    rank: int | None = None,
    kind: str = "rounded",
) -> Family:
    """Networks of a construction by powers for all budgets from 0 to this one, closed.

    The numbers M and m (of `l*-shallow`, J), and a projection, are those for the largest budget b,
    and with the allowance e for errors of the powers

        tau(mu) = mu b^(p-1) / M^p + e >= (mu / M)^p + e,

    affine in mu, is the threshold. That is right for every mu <= b: on ball i the sum of powers is
    at most tau(mu); M <= lambda - b <= lambda - mu, so that on the balls of other labels it is at
    least 1, or 1 - e; and tau(mu) <= tau(b). At b it is the network of the construction. `rank` and
    `kind` are those of narrow-l2, without a rank the least one that is found.

    Raises UserError for another construction, a budget that is not positive or not below half the
    separation.
    """
    if name not in UP_TO:
        raise UserError(f"{name} has no family up to a budget; {', '.join(UP_TO)} have one")
    norm = entry_of(name).norm
    power = check_budget(dataset, norm, budget, separation)
    if budget == 0:
        raise UserError("a family for all budgets up to 0 has one member")
    if name in UP_TO_POWERS:
        of_budget = _by_powers(dataset, name, budget, power)
    else:
        found = None
        if name == "narrow-l2" and rank != dataset.dimension:
            found = find_rank(dataset, budget, rank=rank, seed=seed, kind=kind)
        of_budget = _by_squares(dataset, name, budget, power, found)
    return lift(name, of_budget, norm=norm, unit=ONE, end=budget, closed=True)


def _by_squares(
    dataset: Dataset,
    name: str,
    budget: Fraction,
    power: Fraction,
    found: tuple[Projection, Dataset, Fraction] | None,
) -> Callable[[Fraction], Network]:
    """The networks of `sawtooth` for smaller radii, behind a projection if one was found."""
    n, projection, seen = dataset.dimension, None, dataset
    if found is not None:
        projection, seen, power = found
    largest = scale_of(seen.dimension, budget, separation_above(budget, power))
    allowance = largest.threshold - (budget / largest.unit) ** 2
    offset = carry_offset(least_entry(seen), budget)

    def of_radius(radius: Fraction) -> Network:
        threshold = radius * budget / largest.unit**2 + allowance
        scale = replace(largest, threshold=threshold)
        if name == "l2-parallel":
            return network_of(parallel_layers(SquareTests(seen, scale), n), n, -1)
        tests = SquareTests(seen, scale) if name == "l2" else tests_of_scale(seen, scale)
        carried = carry_rows(seen.dimension, offset)
        rows = None if projection is None else projection.rows()
        layers = sequential_layers(tests, carried, offset, overlap=False, projection=rows)
        return network_of(layers, n, -1)

    return of_radius


def _by_powers(
    dataset: Dataset, name: str, budget: Fraction, power: Fraction
) -> Callable[[Fraction], Network]:
    """Those of `power_interpolant` and `power_products`."""
    exponent, n = exponent_of(entry_of(name).norm), dataset.dimension
    lower = separation_above(budget, power, exponent)
    offset = carry_offset(least_entry(dataset), budget)

    def of_radius(radius: Fraction) -> Network:
        if name.endswith("-shallow"):
            flat = InterpolantTests(dataset, budget, lower, exponent, radius)
            return network_of(parallel_layers(flat, n), n, -1)
        tests = ProductTests(dataset, budget, lower, exponent, radius)
        layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
        return network_of(layers, n, -1)

    return of_radius
