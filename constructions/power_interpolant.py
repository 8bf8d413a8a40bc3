"""Shallow memorization on balls of any lp norm, p >= 2 an integer, by piecewise linear powers.

With J pieces, let phi interpolate t^p at the multiples of 1 / J. In terms of ReLU units,

    phi(|u|) = sum_{j < J} c_j ( relu(u - j / J) + relu(-u - j / J) ),
    slopes s_j = ((j + 1)^p - j^p) / J^(p-1),  c_0 = s_0,  c_j = s_j - s_{j-1}.

0 <= phi(t) - t^p <= p(p - 1) / (8 J^2) on [0, 1], and phi >= 1 beyond, with the last slope.
With M <= lambda - mu, t_k = |x_k - x_ik| / M, S = sum_k phi(t_k),
tau >= (mu / M)^p + n p(p - 1) / (8 J^2), tau < 1, and K = y_max / (1 - tau), the tests
g_i = y_i - K relu(S - tau) fulfil Lemma 0 of `running_max`, by the proof in `sawtooth`.

A reconstruction for Theorems B.3 and B.6 of Yu, Gao, Zhang (ICLR 2024), for when a shallow network
is wanted: 2nJ units a sample, J the least integer above sqrt(n p(p - 1) / (8(1 - (mu / M)^p))).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from constructions.construction import Construction, Entries, Promises, Size
from constructions.hypotheses import check_budget, half_separation_lower, separation_above
from constructions.rows import scaled, stack
from constructions.running_max import DistanceTests, Units, network_of, parallel_layers
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.errors import UserError
from verifier.question.network import Rows

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorems B.3 and B.6 (reconstructed, shallow)"


def short_unit(budget: Fraction, separation_lower: Fraction, exponent: int) -> Fraction:
    """A short rational M <= separation_lower - budget with (mu / M)^p not much larger for it.

    1 - (mu / M)^p keeps at least nine tenths of its greatest value.
    """
    longest = separation_lower - budget
    gap = 1 - (budget / longest) ** exponent
    room = gap / (16 * exponent)
    while 1 - (budget / (longest * (1 - room))) ** exponent < gap * Fraction(9, 10):
        room /= 2
    return simplest_between(longest * (1 - room), longest)


def _bend(dimension: int, exponent: int) -> Fraction:
    return Fraction(dimension * exponent * (exponent - 1), 8)


def pieces_of(
    dimension: int, budget: Fraction, separation_lower: Fraction, exponent: int
) -> tuple[int, Fraction]:
    """The least J for which some M <= separation_lower - budget has tau < 1, and such an M.

    M is a short one that leaves at least half of 1 - tau.
    """
    longest = separation_lower - budget
    gap = 1 - (budget / longest) ** exponent
    bend = _bend(dimension, exponent)
    pieces = isqrt(int(bend / gap)) + 1
    slack = (gap - bend / pieces**2) / 2
    room = slack / (4 * exponent)
    while 1 - (budget / (longest * (1 - room))) ** exponent - bend / pieces**2 < slack:
        room /= 2
    return pieces, simplest_between(longest * (1 - room), longest)


def inside_power(
    budget: Fraction, unit: Fraction, exponent: int, radius: Fraction | None, allowance: Fraction
) -> Fraction:
    """(budget / M)^p, or for a smaller radius mu the affine mu budget^(p-1) / M^p >= (mu / M)^p.

    For p > 2, where powers are long numbers, (budget / M)^p is rounded up to a short one, by at
    most a 16th of what it and the `allowance` leave of 1: any larger threshold below 1 serves.
    """
    largest = (budget / unit) ** exponent
    if exponent > 2:
        room = 1 - largest - allowance
        largest = simplest_between(largest, largest + room / 16)
    return largest if radius is None else largest * radius / budget


class InterpolantTests(DistanceTests):
    """g_i = y_i - K relu(sum_k phi(|x_k - x_ik| / M) - tau): 2nJ units, then one."""

    stages = 2

    def __init__(
        self,
        dataset: Dataset,
        budget: Fraction,
        separation_lower: Fraction,
        exponent: int,
        radius: Fraction | None = None,
    ) -> None:
        """For balls of `radius` <= budget, by default of the budget, which J and M are chosen
        for; see `inside_power`."""
        self.pieces, unit = pieces_of(dataset.dimension, budget, separation_lower, exponent)
        super().__init__(dataset, (dataset.labels + 1).tolist(), unit)
        allowance = _bend(dataset.dimension, exponent) / self.pieces**2
        self.exponent = exponent
        self.threshold = inside_power(budget, unit, exponent, radius, allowance) + allowance
        self.slope = max(self.labels) / (1 - self.threshold)
        slopes = [
            Fraction((j + 1) ** exponent - j**exponent, self.pieces ** (exponent - 1))
            for j in range(self.pieces)
        ]
        self.kinks = [b - a for a, b in zip([Fraction(0), *slopes], slopes, strict=False)]

    bits_formula = "longest of (x_ik / M) - j / J, c_j, tau, K, y"

    def entries(self) -> list[Entries]:
        return [
            (self._scale * self.pieces, self.greatest_distance_entry() + 1),
            (self.pieces ** (self.exponent - 1), self.exponent),
            (self.threshold.denominator, self.threshold),
        ]

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows:
        if stage:
            return super().stage(stage, sample, before, inputs, offset)
        base = super().stage(0, sample, before, inputs, offset)
        steps = [rows_minus(base, Fraction(j, self.pieces)) for j in range(self.pieces)]
        return stack(steps)

    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        width = 2 * self.dimension
        total = Affine.sum(unit * self.kinks[number // width] for number, unit in enumerate(before))
        return [total - self.threshold]

    def score(self, before: list[Affine]) -> Affine:
        return before[0]


def rows_minus(rows: Rows, value: Fraction) -> Rows:
    """Each row minus the same number."""
    top, bottom = value.numerator, value.denominator
    return Rows(
        rows.starts,
        rows.indices,
        scaled(rows.numerators, bottom),
        scaled(rows.constants, bottom) - scaled(rows.denominators, top),
        scaled(rows.denominators, bottom),
    )


def shallow(
    dataset: Dataset,
    budget: Fraction,
    *,
    exponent: int,
    seed: int = 0,
    separation: Fraction | None = None,
) -> Construction:
    """Equals y_i on the lp ball i: width 2nJN, depth 4 + ceil(log2 N), about 6nJN nonzeros.

    Raises:
        UserError: p below 2; the budget is negative or not below half the separation (compared
            by p-th powers); one class; identical inputs with different labels.
    """
    if exponent < 2:
        raise UserError(f"p = {exponent}; the piecewise linear power needs an integer p >= 2")
    norm = str(exponent)
    power = check_budget(dataset, norm, budget, separation)
    lower = separation_above(budget, power, exponent)
    tests = InterpolantTests(dataset, budget, lower, exponent)
    n, size, pieces = dataset.dimension, dataset.size, tests.pieces
    return Construction(
        name=f"l{exponent}-shallow",
        network=network_of(parallel_layers(tests, n), n, -1),
        norm=norm,
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(2 * n * pieces * size, "2nJN", exact=True),
            depth=Size(4 + (size - 1).bit_length(), "4 + ceil(log2 N)", exact=True),
            nonzero=Size(6 * n * pieces * size + 9 * size, "6nJN + 9N"),
            dense=Size(
                2 * n * pieces * size * (n + 1 + size) + size * (4 * size + 8),
                "2nJN(n + 1 + N) + N(4N + 8)",
            ),
            bits=tests.bits(),
            budget_below=half_separation_lower(power, norm),
        ),
        notes=(f"J = {pieces} pieces",),
    )
