"""Deep memorization on lp balls, p >= 2 an integer: powers as products, log accuracy.

The product network of Yarotsky (Egosi, Yehudai, Shamir, COLT 2025, Lemma 42, build powers the same
way), with sq_m from `sawtooth`:

    mult_m(a, b) = 2 sq_m((a + b) / 2) - sq_m(a) / 2 - sq_m(b) / 2.

On [0, 1]^2 it differs from ab by an amount in [-e, 2e], e = 4^-(m+1). Let t in [0, 1], a_1 = t,
a_2 = sq_m(t) and a_{j+1} = mult_m(a_j, t) clipped to [0, 1]. By induction |a_j - t^j| <= 2(j - 1)e,
since clipping moves nothing away from t^(j+1). With t_k = min(|x_k - x_ik| / M, 1), S = sum_k a_p,
E = 2(p - 1)e, tau >= (mu / M)^p + nE and K = y_max / (1 - nE - tau), the tests
g_i = y_i - K relu(S - tau) fulfil Lemma 0 of `running_max`: on ball i, S <= tau; on a ball of
another label ||x - x_i||_p >= M, so one t_k is 1 or sum t_k^p >= 1, and S >= 1 - nE either way.
It needs tau + nE < 1, so 2nE < 1 - (mu / M)^p, which sets m.

A reconstruction for Theorems B.3 and B.6 of Yu, Gao, Zhang (ICLR 2024); the clamp is ours.
"""

from __future__ import annotations

from fractions import Fraction

from constructions.construction import Construction, Entries, Promises, Size
from constructions.hypotheses import (
    check_budget,
    half_separation_lower,
    least_entry,
    separation_above,
)
from constructions.power_interpolant import inside_power, short_unit
from constructions.running_max import (
    DistanceTests,
    carry_offset,
    carry_rows,
    network_of,
    sequential_dense,
    sequential_layers,
)
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.errors import UserError

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorems B.3 and B.6 (reconstructed, deep)"
_HALF = Fraction(1, 2)


class ProductTests(DistanceTests):
    """g_i = y_i - K relu(S - tau): distances, a clamp, p - 1 products of m layers each, one unit.

    Layers: 0 distances; 1 clamp, t = u - v; 2 .. m + 1 the square; then for each further product m
    levels and one layer that clips; last relu(S - tau).
    """

    def __init__(
        self,
        dataset: Dataset,
        budget: Fraction,
        separation_lower: Fraction,
        exponent: int,
        radius: Fraction | None = None,
    ) -> None:
        """For balls of `radius` <= budget, by default of the budget, which M and m are chosen
        for; see `inside_power`."""
        unit = short_unit(budget, separation_lower, exponent)
        super().__init__(dataset, (dataset.labels + 1).tolist(), unit)
        largest = (budget / unit) ** exponent
        levels = 1
        while 2 * dataset.dimension * _error(levels, exponent) * 4 >= 3 * (1 - largest):
            levels += 1
        allowance = dataset.dimension * _error(levels, exponent)
        self.levels, self.exponent = levels, exponent
        inside = inside_power(budget, unit, exponent, radius, 2 * allowance)
        self.threshold = inside + allowance
        self.slope = max(self.labels) / (1 - allowance - self.threshold)
        self.stages = 2 + levels + (exponent - 2) * (levels + 1) + 1

    bits_formula = "longest of (x_ik + c) / M, 1 / M, c, 8 / 4^m, tau, K, y"

    def entries(self) -> list[Entries]:
        power = 4**self.levels
        return [
            (power, Fraction(8, power)),
            (4, Fraction(5, 4)),
            (1, 8),
            (self.threshold.denominator, self.threshold),
        ]

    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        n, levels = self.dimension, self.levels
        if stage == 1:
            raw = [up + down for up, down in zip(before[:n], before[n:], strict=True)]
            return [*raw, *(t - 1 for t in raw)]
        if stage == self.stages - 1:
            return [Affine.sum(self._powers(stage - 1, before)) - self.threshold]
        if stage < levels + 2:
            return self._square_level(stage - 1, before)
        level = (stage - levels - 2) % (levels + 1)
        if level == levels:
            powers = [unit[-1] for unit in self._product(levels, before)]
            return [*powers, *(value - 1 for value in powers), *before[7 * n :]]
        factors = (
            [
                (a, t)
                for a, t in zip(
                    self._powers(stage - 1, before), self._clamped(stage - 1, before), strict=True
                )
            ]
            if level == 0
            else []
        )
        return self._product_level(level + 1, before, factors)

    # The units of a square level s: relu(g_{s-1}), relu(g_{s-1} - 1/2), sum so far, t; n of each.

    def _square_level(self, level: int, before: list[Affine]) -> list[Affine]:
        n = self.dimension
        if level == 1:
            clamped = [u - v for u, v in zip(before[:n], before[n:], strict=True)]
            return [*clamped, *(t - _HALF for t in clamped), *clamped, *clamped]
        teeth = _teeth(before[:n], before[n : 2 * n])
        sums = _less(before[2 * n : 3 * n], teeth, level - 1)
        return [*teeth, *(g - _HALF for g in teeth), *sums, *before[3 * n :]]

    # The units of a product level s: relu(g), relu(g - 1/2) of (a + t) / 2, a and t, the sum so
    # far plus 1/4 (which is at least 0), t; n of each.

    def _product_level(
        self, level: int, before: list[Affine], factors: list[tuple[Affine, Affine]]
    ) -> list[Affine]:
        n = self.dimension
        if level == 1:
            means = [(a + t) * _HALF for a, t in factors]
            teeth = [*means, *(a for a, _ in factors), *(t for _, t in factors)]
            sums = [mean + Fraction(1, 4) for mean in means]
            kept = [t for _, t in factors]
        else:
            units = self._product(level - 1, before)
            teeth = [units[k][part] for part in range(3) for k in range(n)]
            sums = [unit[3] + Fraction(1, 4) for unit in units]
            kept = before[7 * n :]
        return [*teeth, *(g - _HALF for g in teeth), *sums, *kept]

    def _product(self, level: int, before: list[Affine]) -> list[list[Affine]]:
        """For each k: the teeth g_level of (a + t) / 2, a and t, and mult_level(a, t)."""
        n = self.dimension
        teeth = _teeth(before[: 3 * n], before[3 * n : 6 * n])
        result = []
        for k in range(n):
            mean, left, right = teeth[k], teeth[n + k], teeth[2 * n + k]
            change = (2 * mean - left * _HALF - right * _HALF) * Fraction(1, 4**level)
            result.append([mean, left, right, before[6 * n + k] - Fraction(1, 4) - change])
        return result

    def _powers(self, stage: int, before: list[Affine]) -> list[Affine]:
        """a_j for each k from the units of the layer that ends a product."""
        n, levels = self.dimension, self.levels
        if stage == levels + 1:
            return _less(before[2 * n : 3 * n], _teeth(before[:n], before[n : 2 * n]), levels)
        return [u - v for u, v in zip(before[:n], before[n : 2 * n], strict=True)]

    def _clamped(self, stage: int, before: list[Affine]) -> list[Affine]:
        n = self.dimension
        return before[3 * n :] if stage == self.levels + 1 else before[2 * n :]

    def score(self, before: list[Affine]) -> Affine:
        return before[0]


def _error(levels: int, exponent: int) -> Fraction:
    return Fraction(2 * (exponent - 1), 4 ** (levels + 1))


def _teeth(units: list[Affine], halves: list[Affine]) -> list[Affine]:
    return [2 * g - 4 * h for g, h in zip(units, halves, strict=True)]


def _less(sums: list[Affine], teeth: list[Affine], level: int) -> list[Affine]:
    return [total - g * Fraction(1, 4**level) for total, g in zip(sums, teeth, strict=True)]


def deep(
    dataset: Dataset,
    budget: Fraction,
    *,
    exponent: int,
    seed: int = 0,
    separation: Fraction | None = None,
) -> Construction:
    """Equals y_i on the lp ball i: width at most 9n + 1, depth N((p - 1)(m + 1) + 3) + 1.

    m is about log2(4np / (1 - (mu / M)^p)) / 2.

    Raises:
        UserError: p below 2; the budget is negative or not below half the separation (compared
            by p-th powers); one class; identical inputs with different labels.
    """
    if exponent < 2:
        raise UserError(f"p = {exponent}; powers by products need an integer p >= 2")
    norm = str(exponent)
    power = check_budget(dataset, norm, budget, separation)
    lower = separation_above(budget, power, exponent)
    tests = ProductTests(dataset, budget, lower, exponent)
    n, size = dataset.dimension, dataset.size
    offset = carry_offset(least_entry(dataset), budget)
    depth = size * ((exponent - 1) * (tests.levels + 1) + 3) + 1
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
    return Construction(
        name=f"l{exponent}-deep",
        network=network_of(layers, n, -1),
        norm=norm,
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(9 * n + 1, "9n + 1"),
            depth=Size(depth, "N((p - 1)(m + 1) + 3) + 1", exact=True),
            nonzero=Size(
                size * n * (24 * (exponent - 1) * (tests.levels + 1) + 16),
                "Nn(24(p - 1)(m + 1) + 16)",
            ),
            dense=sequential_dense(n, 9 * n + 1, depth),
            bits=tests.bits(offset),
            budget_below=half_separation_lower(power, norm),
        ),
        notes=(f"m = {tests.levels} levels",),
    )
