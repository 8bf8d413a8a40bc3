"""Memorization by half-space tests: one architecture for every budget below half the separation.

Theorem (not found in the papers; the test replaces the squares of Theorem B.3 of Yu, Gao, Zhang).
Let N samples in R^n have lp separation lambda, p in {1, 2, inf}, and 0 <= mu < lambda / 2. With
vectors u chosen from the data alone, not from mu, and Y the largest of the labels y_i > 0,

    g_i(x) = y_i - (Y / T) sum over u in U_i of relu(u . (x_i - x) - tau_u)

are tests as Lemma 0 of `running_max` asks for: a layer of half-spaces, then one of maxima. Weights
of the half-spaces do not depend on mu, tau_u and T are affine in it.

p = 2. u = x_i - x_s for some rivals s, rho = 2 mu / lambda, tau_u = (rho / 2) |u|^2 and
T = lambda^2 (1 - rho). On ball i: u . (x_i - x) <= mu |u| = (rho / 2) lambda |u| <= tau_u, for
lambda <= |u|. On ball j: u . (x_i - x) >= u . (x_i - x_j) - mu |u|, so the unit of u is at least T
if, as functions of rho,

    u . (x_i - x_j) - (rho / 2) (lambda |u| + |u|^2) >= lambda^2 (1 - rho).

Both sides are affine in rho, so it is enough at rho = 0, where it says u . (x_i - x_j) >= lambda^2,
and at rho = 1, where it says v = 2 u . (x_i - x_j) - |u|^2 >= lambda |u|, that is v >= 0 and
v^2 >= lambda^2 |u|^2. For s = j both hold: |u|^2 >= lambda^2, and v = |u|^2. Everything is rational
though lambda may not be.

p = 1 and inf. u has dual norm 1, a vector of signs or +-e_k, tau_u = mu and T = lambda - 2 mu. On
ball i: u . (x_i - x) <= mu. On ball j the unit is at least u . (x_i - x_j) - 2 mu, so at least T if
u . (x_i - x_j) >= lambda; the u for which u . (x_i - x_j) = ||x_i - x_j|| always does. For p = inf
and U_i = {-e_1, .., -e_n, e_1, .., e_n} this is the network of Theorem 4.8 (`cubes.parallel`).

So a u covers a rival j by a condition that no mu enters, and U_i is a cover of the rivals of i: the
u of the nearest rival that is not yet covered, again and again. For lp-balls with p = 2 and a
budget whose rho is irrational, the network is that of a slightly larger rational rho.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from constructions.construction import Construction, Entries, Promises, Size, entry_bits
from constructions.hypotheses import check_budget, half_separation_lower, separation_above
from constructions.rows import check_limit, repeated
from constructions.running_max import Form, Units, network_of, parallel_layers
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset
from verifier.question.network import Integers, Network, Rows, integers

SOURCE = "half-space tests in Lemma 0 (Theorem 37 of Egosi, Yehudai, Shamir, COLT 2025)"
_SAFE = 1 << 62
HalfSpaceNorm = Literal["1", "2", "inf"]
NORMS: tuple[HalfSpaceNorm, ...] = ("inf", "1", "2")


@dataclass(frozen=True, slots=True)
class Cover:
    """The vectors u of each sample: row t of `vectors[i]` over `denominator`.

    The denominator is that of the data for p = 2, and 1 for p = 1 and inf.
    """

    norm: HalfSpaceNorm
    vectors: tuple[Integers, ...]
    denominator: int

    @property
    def size(self) -> int:
        """The number of half-spaces."""
        return sum(len(rows) for rows in self.vectors)


def cover(dataset: Dataset, norm: HalfSpaceNorm, separation: Fraction) -> Cover:
    """Half-spaces that cover every ordered pair of differently labelled samples.

    `separation` is lambda for p = 1 and inf, lambda^2 for p = 2. A half-space costs n products for
    each rival that is not yet covered.
    """
    points, n = dataset.numerators, dataset.dimension
    longest = 2 * int(abs(points).max())
    if points.dtype != object and 4 * n * longest**2 >= _SAFE:
        points = points.astype(object)
    least = separation * dataset.denominator ** (2 if norm == "2" else 1)
    vectors = []
    for i in range(dataset.size):
        rivals = points[dataset.labels != dataset.labels[i]]
        vectors.append(_cover_of(points[i] - rivals, norm, least))
    return Cover(norm, tuple(vectors), dataset.denominator if norm == "2" else 1)


def axes(dataset: Dataset) -> Cover:
    """The half-spaces of Theorem 4.8: -e_1, .., -e_n, e_1, .., e_n for every sample."""
    unit = np.eye(dataset.dimension, dtype=np.int64)
    return Cover("inf", (np.concatenate([-unit, unit]),) * dataset.size, 1)


def _cover_of(gaps: Integers, norm: HalfSpaceNorm, least: Fraction) -> Integers:
    """Rows u such that each gap x_i - x_j is covered by one of them, from the nearest rivals."""
    left = gaps[np.argsort(_lengths(gaps, norm), kind="stable")]
    chosen: list[Any] = []
    while len(left):
        vector = _vector_of(left[0], norm)
        chosen.append(vector)
        left = left[~_covered(vector, left, norm, least)]
    return np.stack(chosen)


def _lengths(gaps: Integers, norm: HalfSpaceNorm) -> Integers:
    """||gap|| for p = 1 and inf, its square for p = 2."""
    sizes: Integers = gaps * gaps if norm == "2" else np.abs(gaps)
    lengths: Integers = sizes.max(axis=1) if norm == "inf" else sizes.sum(axis=1)
    return lengths


def _vector_of(gap: Integers, norm: HalfSpaceNorm) -> Integers:
    """A u of dual norm 1 for which u . gap = ||gap||; for p = 2 the gap itself."""
    if norm == "2":
        return gap
    signs = gap.copy()
    signs[gap >= 0] = 1
    signs[gap < 0] = -1
    if norm == "inf":
        signs[np.arange(len(gap)) != int(np.argmax(np.abs(gap)))] = 0
    return signs


def _covered(
    vector: Integers, gaps: Integers, norm: HalfSpaceNorm, least: Fraction
) -> NDArray[np.bool_]:
    """Which gaps the half-space of `vector` covers for every mu; `least` is lambda, or lambda^2."""
    values = gaps @ vector
    found: NDArray[np.bool_] = values >= -(-least.numerator // least.denominator)
    if norm == "2":  # 2 u . gap - |u|^2 is an integer, and at least the root of lambda^2 |u|^2
        square = int(vector @ vector)
        product = least * square
        root = isqrt(-(-product.numerator // product.denominator) - 1) + 1
        found = found & (2 * values - square >= root)
    return found


class HalfSpaceTests:
    """The tests g_i: one layer with a unit for each u, whose bias alone depends on mu."""

    stages = 1
    reading = frozenset({0})

    def __init__(
        self, dataset: Dataset, chosen: Cover, budget: Fraction, separation: Fraction
    ) -> None:
        """`budget` is mu for p = 1 and inf, and rho for p = 2; `separation` as in `cover`."""
        self.size = dataset.size
        self.labels: list[int] = (dataset.labels + 1).tolist()
        self.cover, self.budget = chosen, budget
        self._points, self._data = dataset.numerators, dataset.denominator
        room = separation * (1 - budget) if chosen.norm == "2" else separation - 2 * budget
        self.slope = max(self.labels) / room
        squared = chosen.norm == "2"
        self._common = lcm(self._data * chosen.denominator, budget.denominator)
        if squared:
            self._common = 2 * budget.denominator * chosen.denominator**2

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows:
        """relu(u . (x_i - x) - tau_u) for all u of the sample, where x is `inputs` - offset."""
        vectors = self.cover.vectors[sample].astype(object)
        point = self._points[sample].astype(object)
        below, common = self.cover.denominator, self._common
        values = (vectors @ point) * (common // (self._data * below))
        if self.cover.norm == "2":
            shares = (vectors * vectors).sum(axis=1) * self.budget.numerator
        else:
            shares = repeated(int(self.budget * common), len(vectors))
        weights = -vectors * (common // below)
        moved = [offset * int(total) for total in -weights.sum(axis=1)]
        if any(m.denominator != 1 for m in moved):
            raise ValueError(f"offset {offset} is no multiple of 1 / {common}")
        constants = values - shares + np.array([m.numerator for m in moved], dtype=object)
        filled = weights != 0
        rows, places = np.nonzero(filled)
        return Rows(
            np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(filled.sum(axis=1))]),
            inputs[places],
            integers(weights[rows, places].tolist()),
            integers(constants.tolist()),
            repeated(common, len(vectors)),
        )

    def value(self, sample: int, before: Units) -> Form:
        """y_i - (Y / T) times the sum of the units."""
        top, bottom = self.slope.numerator, self.slope.denominator
        return Form(before, repeated(-top, len(before)), bottom * self.labels[sample], bottom)

    def bits(self) -> Size:
        """The most bits that a weight or bias of these networks can need."""
        longest = max(int(abs(rows).max()) for rows in self.cover.vectors)
        length = Fraction(longest, self.cover.denominator)
        spread = Fraction(int(abs(self._points).max()), self._data)
        n = self._points.shape[1]
        largest = n * length * (spread + length) + self.budget
        kinds: list[Entries] = [
            (self._common, max(length, largest)),
            (self.slope.denominator, self.slope),
            (1, max(self.labels)),
        ]
        return Size(entry_bits(*kinds), "longest of u, u . x_i - tau_u, K, y")


def halfspaces(
    dataset: Dataset,
    budget: Fraction,
    *,
    norm: HalfSpaceNorm,
    seed: int = 0,
    separation: Fraction | None = None,
) -> Construction:
    """Equals y_i on ball i: width W, the number of half-spaces, depth 3 + ceil(log2 N).

    W is at most N(N - 1), and does not depend on the budget; see `cover`. At most W(n + 2) + 7N
    nonzero parameters.

    Raises:
        UserError: The budget is negative or not below half the separation; one class; identical
            inputs with different labels.
    """
    power = check_budget(dataset, norm, budget, separation)
    chosen = cover(dataset, norm, power)
    tests = HalfSpaceTests(dataset, chosen, parameter(budget, power, norm), power)
    n, size, width = dataset.dimension, dataset.size, chosen.size
    check_limit(sum(int(np.count_nonzero(rows)) for rows in chosen.vectors))
    return Construction(
        name=f"l{norm}-halfspaces",
        network=_laid_out(tests, n),
        norm=norm,
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(width, "W, the number of half-spaces", exact=True),
            depth=Size(3 + (size - 1).bit_length(), "3 + ceil(log2 N)", exact=True),
            nonzero=Size(width * (n + 2) + 7 * size, "W(n + 2) + 7N"),
            dense=Size(width * (n + 1 + size) + 3 * size * (size + 2), "W(n + 1 + N) + 3N(N + 2)"),
            bits=tests.bits(),
            budget_below=half_separation_lower(power, norm),
        ),
        notes=(f"{width} half-spaces for {_ordered_pairs(dataset)} ordered pairs of rivals",),
    )


def network(dataset: Dataset, chosen: Cover, budget: Fraction, separation: Fraction) -> Network:
    """The network on these half-spaces; the arguments are those of `HalfSpaceTests`."""
    return _laid_out(HalfSpaceTests(dataset, chosen, budget, separation), dataset.dimension)


def _laid_out(tests: HalfSpaceTests, dimension: int) -> Network:
    return network_of(parallel_layers(tests, dimension), dimension, -1)


def parameter(budget: Fraction, power: Fraction, norm: HalfSpaceNorm) -> Fraction:
    """mu for p = 1 and inf. For p = 2 a rational in [rho, rho + (1 - rho) / 500], rho if rational.

    The network for a larger rho answers the labels on all balls of the smaller one.
    """
    if norm != "2":
        return budget
    numerator, denominator = isqrt(power.numerator), isqrt(power.denominator)
    if Fraction(numerator, denominator) ** 2 == power:
        return 2 * budget * denominator / numerator
    least = 2 * budget / separation_above(budget, power)
    return simplest_between(least, least + (1 - least) / 1000)


def _ordered_pairs(dataset: Dataset) -> int:
    counts = np.bincount(dataset.labels)
    return dataset.size**2 - int((counts**2).sum())
