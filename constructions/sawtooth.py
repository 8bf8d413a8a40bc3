"""Squares by sawtooth layers, and memorization on balls of the L2 norm.

Squaring (Yarotsky; Telgarsky; Elbraechter et al., Proposition III.2). With g_0 = t and
g_s = 2 relu(g_{s-1}) - 4 relu(g_{s-1} - 1/2),

    sq_m(t) = t - sum_{s=1..m} g_s / 4^s

interpolates t^2 at the multiples of 2^-m: 0 <= sq_m(t) - t^2 <= 4^-(m+1) on [0, 1]. For t >= 1,
g_1 = 2 - 2t <= 0 and g_2 = g_3 = ... = 0, so sq_m(t) = (3t - 1) / 2 >= 1 (t itself if m = 0).

Theorem B.3 / B.6 (Yu, Gao, Zhang, ICLR 2024, as quoted by Kim, Moon, Yun, NeurIPS 2025): L2 balls
of radius mu < lambda / 2 are memorized with O(Nn(log(n / gamma^2) + log R)) nonzero parameters. The
formulas here are a reconstruction that needs neither R nor the data's range. With rational
M <= lambda - mu, t_k = |x_k - x_ik| / M, S = sum_k sq_m(t_k), tau = (mu / M)^2 + n 4^-(m+1) and
K = y_max / (1 - tau), the test of sample i is g_i = y_i - K relu(S - tau).

On ball i all t_k <= 1 and S <= sum t_k^2 + n 4^-(m+1) <= tau. On ball j with y_j != y_i,
||x - x_i|| >= lambda - mu >= M: either all t_k <= 1 and S >= sum t_k^2 >= 1, or one t_k > 1 and
S >= 1. So S - tau >= 1 - tau and g_i <= 0. It needs tau < 1, that is 4^(m+1) > Q with
Q = n M^2 / (M^2 - mu^2), so m = max(0, floor(log2(Q) / 2)); for M = lambda - mu and
rho = 2 mu / lambda, Q = n (2 - rho)^2 / (4 (1 - rho)).

M may be any rational between what tau < 1 needs and lambda - mu. A short one is taken that leaves
m as it is and at least half of 1 - tau: short weights make exact arithmetic fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from constructions.construction import Construction, Entries, Promises, Size
from constructions.hypotheses import (
    check_budget,
    half_separation_lower,
    least_entry,
    separation_above,
)
from constructions.running_max import (
    DistanceTests,
    carry_offset,
    carry_rows,
    network_of,
    parallel_layers,
    sequential_layers,
)
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset
from verifier.question.build import Affine

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorems B.3 and B.6 (reconstructed)"


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers of the test: `levels` m, `unit` M, `threshold` tau < 1."""

    levels: int
    unit: Fraction
    threshold: Fraction


def scale_of(dimension: int, budget: Fraction, separation_lower: Fraction) -> Scale:
    """m, M and tau for a rational lower bound of the L2 separation above 2 mu."""
    longest = separation_lower - budget
    levels = 0
    while dimension * longest**2 >= 4 ** (levels + 1) * (longest**2 - budget**2):
        levels += 1
    allowance = Fraction(dimension, 4 ** (levels + 1))

    def threshold(unit: Fraction) -> Fraction:
        return (budget / unit) ** 2 + allowance

    slack = (1 - threshold(longest)) / 2
    room = slack / 4
    while threshold(longest * (1 - room)) > 1 - slack:
        room /= 2
    unit = simplest_between(longest * (1 - room), longest)
    return Scale(levels, unit, threshold(unit))


class SquareTests(DistanceTests):
    """g_i = y_i - K relu(sum_k sq_m(|x_k - x_ik| / M) - tau): distances, m levels, one unit."""

    def __init__(self, dataset: Dataset, scale: Scale) -> None:
        super().__init__(dataset, (dataset.labels + 1).tolist(), scale.unit)
        self.scale = scale
        self.slope = max(self.labels) / (1 - scale.threshold)
        self.stages = scale.levels + 2

    bits_formula = "longest of (x_ik + c) / M, 1 / M, c, 4^(1-m), tau, K, y"

    def entries(self) -> list[Entries]:
        power, threshold = 4**self.scale.levels, self.scale.threshold
        return [(power, Fraction(4, power)), (1, 4), (threshold.denominator, threshold)]

    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        teeth, total = self._teeth(stage - 1, before)
        if stage == self.scale.levels + 1:
            return [total - self.scale.threshold]
        return [*teeth, *(tooth - Fraction(1, 2) for tooth in teeth), total]

    def _teeth(self, level: int, before: list[Affine]) -> tuple[list[Affine], Affine]:
        """g_level for each k, and sum_k sq_level(t_k), from the units of that level's layer."""
        n = self.dimension
        if level == 0:
            teeth = [up + down for up, down in zip(before[:n], before[n : 2 * n], strict=True)]
            return teeth, Affine.sum(teeth)
        teeth = [2 * g - 4 * h for g, h in zip(before[:n], before[n : 2 * n], strict=True)]
        return teeth, before[2 * n] - Affine.sum(teeth) * Fraction(1, 4**level)

    def score(self, before: list[Affine]) -> Affine:
        return before[0]


def sequential(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals y_i on the L2 ball i: width 3n + 2, depth N(m + 3) + 1, about Nn(8m + 9) nonzeros.

    m is the number of levels of `scale_of`. Each sample has a layer of distances, m sawtooth
    layers, one of relu(S - tau) and one of the rise.

    Raises:
        UserError: The budget is negative or not below half the L2 separation (compared by
            squares); one class; identical inputs with different labels.
    """
    separation = check_budget(dataset, "2", budget, separation)
    lower = separation_above(budget, separation)
    tests = SquareTests(dataset, scale_of(dataset.dimension, budget, lower))
    n, size, levels = dataset.dimension, dataset.size, tests.scale.levels
    offset = carry_offset(least_entry(dataset), budget)
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
    extra = 2 if levels else 1
    return Construction(
        name="l2",
        network=network_of(layers, n, -1),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(3 * n + extra, "3n + 2 (3n + 1 if m = 0)", exact=size > 2),
            depth=Size(size * (levels + 3) + 1, "N(m + 3) + 1", exact=True),
            nonzero=Size(
                size * n * (8 * levels + 9) + size * (2 * levels + 9) + n,
                "Nn(8m + 9) + N(2m + 9) + n",
            ),
            dense=Size(
                (size * (levels + 3) + 1) * (3 * n + 3) * (3 * n + 2),
                "(N(m + 3) + 1)(3n + 3)(3n + 2)",
            ),
            bits=tests.bits(offset),
            budget_below=half_separation_lower(separation, "2"),
        ),
        notes=(f"m = {levels} levels",),
    )


def parallel(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals max(0, g_1, ..., g_N) on all of R^n: width N(2n + 1), depth m + 4 + ceil(log2 N).

    A rearrangement that is not in the paper. Raises as `sequential`.
    """
    separation = check_budget(dataset, "2", budget, separation)
    lower = separation_above(budget, separation)
    tests = SquareTests(dataset, scale_of(dataset.dimension, budget, lower))
    n, size, levels = dataset.dimension, dataset.size, tests.scale.levels
    width = size * (2 * n + (1 if levels else 0))
    return Construction(
        name="l2-parallel",
        network=network_of(parallel_layers(tests, n), n, -1),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=f"{SOURCE}, rearranged",
            width=Size(width, "N(2n + 1) (2nN if m = 0)", exact=True),
            depth=Size(levels + 4 + (size - 1).bit_length(), "m + 4 + ceil(log2 N)", exact=True),
            nonzero=Size(
                size * n * (7 * levels + 6) + size * (levels + 9), "Nn(7m + 6) + N(m + 9)"
            ),
            dense=Size(
                width * (n + 1 + levels * (width + 1) + size) + size * (4 * size + 8),
                "W(n + 1 + m(W + 1) + N) + N(4N + 8), W the width",
            ),
            bits=tests.bits(),
            budget_below=half_separation_lower(separation, "2"),
        ),
        notes=(f"m = {levels} levels",),
    )
