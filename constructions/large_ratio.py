"""Robust memorization for large budgets, in as few coordinates as the budget allows.

Theorem 4.2 (iii) (Kim, Moon, Yun, NeurIPS 2025): for 1 / (5 sqrt(d)) < rho < 1 in L2 there is a
network with about N d^2 rho^4 parameters, about N d rho^2 + d of them not zero. Its five cases:

I    rho >= 1 / 3: the network of `sawtooth` as it is.
II   d < 600 ln N: likewise.
III  N < 600 ln N <= d: the same in the span of the samples, in at most N coordinates.
IV   N >= d >= 600 ln N: a linear map to m = max(9 d rho^2, 600 ln N, 10 ln d) coordinates first,
     rounded up; then `sawtooth` there.
V    d > N >= 600 ln N: III, then IV with N in place of d, m = max(9 N rho^2, 600 ln N).

A deviation: the paper takes an orthonormal basis of the span in III. Its entries are irrational as
a rule, so the basis is rounded and scaled until it certifiably expands no distance (`span_of`);
the differences x_i - x_1 span it, so that it has N - 1 coordinates and less. The map of IV is one
of `projection`, certified not to expand. All are accepted if the exact projected separation is
above 2 mu; the paper proves that there are maps with more room than that. The logarithms decide
only which case is tried, in floating point; nothing claimed rests on them. `factor` is the paper's
600, which keeps III to V out of reach of small data.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, log

from constructions import sawtooth
from constructions.construction import Construction, Promises, Size
from constructions.hypotheses import (
    check_budget,
    half_separation_lower,
    least_entry,
    separation_above,
)
from constructions.projection import Projection, after, check_kind, find_projection, span_of
from constructions.running_max import (
    carry_offset,
    carry_rows,
    network_of,
    sequential_dense,
    sequential_layers,
)
from constructions.sawtooth import SquareTests, scale_of
from verifier.data.dataset import Dataset

SOURCE = "Kim, Moon, Yun, NeurIPS 2025, Theorem 4.2 (iii)"


FACTOR = 600


def case_of(
    dataset: Dataset, budget: Fraction, power: Fraction, factor: float = FACTOR
) -> tuple[str, int]:
    """Which of the five cases applies, and the number of coordinates to use at most."""
    n, size = dataset.dimension, dataset.size
    few = factor * log(size)
    square = float(4 * budget**2 / power)
    if 36 * budget**2 >= power:
        return "I", n
    if n < few:
        return "II", n
    if size < few:
        return "III", min(n, size)
    if size >= n:
        return "IV", min(n, max(ceil(9 * n * square), ceil(few), ceil(10 * log(n))))
    return "V", min(size, max(ceil(9 * size * square), ceil(few)))


Mapped = tuple[Projection, Dataset, Fraction]
"""A map, the samples behind it, and their squared separation."""


def _mapped(
    dataset: Dataset, budget: Fraction, case: str, coordinates: int, seed: int, kind: str
) -> Mapped:
    """The map of the case, by which no ball grows, with a projected separation above 2 mu."""
    if case not in ("III", "V"):
        return find_projection(dataset, budget, coordinates, seed=seed, kind=kind)
    first, inside, power = span_of(dataset, budget)
    if case == "III" or inside.dimension <= coordinates:
        return first, inside, power
    second, projected, power = find_projection(inside, budget, coordinates, seed=seed, kind=kind)
    return after(second, first), projected, power


def large(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    rank: int | None = None,
    kind: str = "rounded",
    factor: float = FACTOR,
) -> Construction:
    """Equals y_i on the L2 ball i: width 3m + 2 behind a map to m <= n coordinates.

    Right for every budget below half the separation, those of the other two regimes as well.

    `rank` sets m, for one map as in case IV, whatever the case.

    Raises:
        UserError: The budget is negative or not below half the L2 separation; no projection to m
            coordinates was found.
    """
    power = check_budget(dataset, "2", budget, separation)
    check_kind(kind, dataset.dimension)
    case, coordinates = case_of(dataset, budget, power, factor)
    by = f"case {case}"
    if rank is not None:
        case, coordinates, by = "IV", rank, "by rank"
    if coordinates == dataset.dimension and case not in ("III", "V"):
        plain = sawtooth.sequential(dataset, budget, separation=power)
        return Construction(
            name="large-rho",
            network=plain.network,
            norm="2",
            budget=budget,
            decoder="value",
            promises=replace(plain.promises, source=SOURCE),
            seed=seed,
            notes=(f"{by}, no projection", *plain.notes),
        )
    map_, projected, projected_power = _mapped(dataset, budget, case, coordinates, seed, kind)
    coordinates = map_.rank
    lower = separation_above(budget, projected_power)
    tests = SquareTests(projected, scale_of(projected.dimension, budget, lower))
    m, size, levels = coordinates, dataset.size, tests.scale.levels
    offset = carry_offset(least_entry(projected), budget)
    depth = size * (levels + 3) + 1
    layers = sequential_layers(
        tests, carry_rows(m, offset), offset, overlap=False, projection=map_.rows()
    )
    return Construction(
        name="large-rho",
        network=network_of(layers, dataset.dimension, -1),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(3 * m + 2, "3m + 2"),
            depth=Size(depth, "N(levels + 3) + 1", exact=True),
            nonzero=Size(
                3 * m * (dataset.dimension + 1)
                + size * m * (8 * levels + 9)
                + size * (2 * levels + 9),
                "3m(d + 1) + Nm(8 levels + 9) + N(2 levels + 9)",
            ),
            dense=sequential_dense(dataset.dimension, 3 * m + 2, depth),
            bits=tests.bits(offset),
            budget_below=half_separation_lower(projected_power, "2"),
        ),
        seed=seed,
        notes=(f"{by}, m = {m} of {dataset.dimension} coordinates, {levels} levels",),
    )
