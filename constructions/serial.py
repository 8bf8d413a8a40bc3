"""Narrow networks: the coordinates of a sample one after another, beside the carried inputs.

Theorems 5 and 6 (Egosi, Yehudai, Shamir, Logarithmic Width Suffices for Robust Memorization, COLT
2025): a network of width k >= n + 6 memorizes L2 balls robustly, k >= n + 4 those of L1 and
L-infinity, in depth O(Nn log(.)) and O(Nn). The leaner layout here needs width n + 4 in all three
norms. Per sample, and per coordinate j of it (p are the carried inputs, m the running maximum, acc
the sum over the coordinates before):

    [p, m, acc, relu(u), relu(-u)]  with u = (x_j - x_ij) / M
    [p, m, acc, relu(g), relu(g - 1/2)]  for each sawtooth level (L2 alone; see `sawtooth`)

then for L2 and L1 [p, m, relu(acc - tau)], and for all [p, m, relu(y_i - K S - m)]. For L-infinity
u splits into relu(x_j - x_ij - mu) and relu(x_ij - mu - x_j) instead. Lemma 0 of `running_max`.

With a projection (`projection`), x stands for A x, and n for the number k of its coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from constructions.construction import Construction, Entries, Promises, Size, entry_bits
from constructions.hypotheses import (
    check_budget,
    half_separation_lower,
    least_entry,
    separation_above,
)
from constructions.rows import rows_of
from constructions.running_max import (
    Form,
    Units,
    carry_offset,
    carry_rows,
    network_of,
    sequential_layers,
)
from constructions.sawtooth import Scale, scale_of
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.network import Rows
from verifier.question.region import Norm

SOURCE = "Egosi, Yehudai, Shamir, COLT 2025, Theorems 5 and 6 (leaner layout)"


class SerialTests:
    """Tests y_i - K score_i with one coordinate a layer, or 1 + `levels` layers.

    `unit` is M, `split` the mu of the L-infinity test, and `threshold` the tau of
    relu(acc - tau), None for L-infinity, where the score is acc itself.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        unit: Fraction,
        levels: int,
        split: Fraction,
        threshold: Fraction | None,
        least_gap: Fraction,
    ) -> None:
        self.dataset = dataset
        self.size, self.dimension = dataset.size, dataset.dimension
        self.labels: list[int] = (dataset.labels + 1).tolist()
        self.unit, self.levels, self.split, self.threshold = unit, levels, split, threshold
        self.slope = max(self.labels) / least_gap
        self.stages = self.dimension * (levels + 1) + (threshold is not None)
        self.reading = frozenset(range(0, self.dimension * (levels + 1), levels + 1))

    def bits(self, offset: Fraction) -> Size:
        """The most bits that a weight or bias can need, with or without a projection before it.

        The entries of a projection are at most 1, multiples of 1 / (the data's denominator).
        """
        data = self.dataset
        spread = Fraction(int(abs(data.numerators).max()), data.denominator)
        common = self.unit.numerator * data.denominator * offset.denominator
        power, threshold = 4**self.levels, self.threshold or Fraction(0)
        kinds: list[Entries] = [
            (
                common * self.split.denominator,
                max(Fraction(1), spread + offset) / self.unit + self.split,
            ),
            (data.denominator * offset.denominator, max(Fraction(1), offset)),
            (power, Fraction(4, power)),
            (1, 4),
            (threshold.denominator, threshold),
            # For L-infinity the score is a sum of units, for L2 and L1 a single one.
            (self.slope.denominator, self.slope),
            (1, max(self.labels)),
        ]
        return Size(entry_bits(*kinds), "longest of (x_ik + c) / M + mu, c, 4^(1-m), tau, K, y")

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows:
        units = [Affine({int(k): 1}) for k in before]
        coordinate, level = divmod(stage, self.levels + 1)
        tooth, total = self._read(stage - 1, units) if stage else (None, None)
        if coordinate == self.dimension and total is not None and self.threshold is not None:
            return rows_of([total - self.threshold])
        if level and tooth is not None and total is not None:
            return rows_of([total, tooth, tooth - Fraction(1, 2)])
        entry = Fraction(int(self.dataset.numerators[sample, coordinate]), self.dataset.denominator)
        difference = Affine({int(inputs[coordinate]): 1}, -offset - entry) / self.unit
        parts = [difference - self.split, -difference - self.split]
        return rows_of(parts if total is None else [total, *parts])

    def _read(self, stage: int, units: list[Affine]) -> tuple[Affine, Affine]:
        """The tooth g of this layer and the sum of the squares up to and with its coordinate.

        At level s of a coordinate acc is the sum up to sq_{s-1} of that coordinate, without it at
        level 0.
        """
        coordinate, level = divmod(stage, self.levels + 1)
        if level == 0:
            tooth = units[-2] + units[-1]
            return tooth, units[0] + tooth if coordinate else tooth
        tooth = 2 * units[-2] - 4 * units[-1]
        return tooth, units[0] - tooth * Fraction(1, 4**level)

    def value(self, sample: int, before: Units) -> Form:
        units = [Affine({int(k): 1}) for k in before]
        score = units[0] if self.threshold is not None else self._read(self.stages - 1, units)[1]
        rows = rows_of([self.labels[sample] - score * self.slope])
        (denominator,) = rows.denominators.tolist()
        return Form(rows.indices, rows.numerators, int(rows.constants[0]), int(denominator))


def cube_tests(dataset: Dataset, budget: Fraction, separation: Fraction) -> SerialTests:
    """The tests of Theorem 4.8 of Yu et al., one coordinate a layer."""
    return SerialTests(
        dataset,
        unit=Fraction(1),
        levels=0,
        split=budget,
        threshold=None,
        least_gap=separation - 2 * budget,
    )


def cross_polytope_tests(dataset: Dataset, budget: Fraction, separation: Fraction) -> SerialTests:
    """The tests of `cross_polytopes`, one coordinate a layer."""
    return SerialTests(
        dataset,
        unit=Fraction(1),
        levels=0,
        split=Fraction(0),
        threshold=budget,
        least_gap=separation - 2 * budget,
    )


def square_tests(dataset: Dataset, budget: Fraction, power: Fraction) -> SerialTests:
    """The tests of `sawtooth`, one coordinate in 1 + m layers; `power` is lambda^2."""
    lower = separation_above(budget, power)
    return tests_of_scale(dataset, scale_of(dataset.dimension, budget, lower))


def tests_of_scale(dataset: Dataset, scale: Scale) -> SerialTests:
    """The same with these numbers."""
    return SerialTests(
        dataset,
        unit=scale.unit,
        levels=scale.levels,
        split=Fraction(0),
        threshold=scale.threshold,
        least_gap=1 - scale.threshold,
    )


_TESTS: dict[Norm, Callable[[Dataset, Fraction, Fraction], SerialTests]] = {
    "inf": cube_tests,
    "1": cross_polytope_tests,
    "2": square_tests,
}


def serial(
    dataset: Dataset,
    budget: Fraction,
    *,
    norm: Norm,
    seed: int = 0,
    separation: Fraction | None = None,
) -> Construction:
    """Equals y_i on ball i: width n + 4, depth N(n(m + 1) + 2) + 1, N(n + 1) + 1 for L-infinity.

    m is the number of sawtooth levels, 0 in L1.

    Raises:
        UserError: The budget is negative or not below half the separation; one class; identical
            inputs with different labels.
    """
    power = check_budget(dataset, norm, budget, separation)
    tests = _TESTS[norm](dataset, budget, power)
    n = dataset.dimension
    reach = budget if norm == "2" else power / 2
    offset = carry_offset(least_entry(dataset), reach)
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
    return Construction(
        name=f"l{norm}-serial",
        network=network_of(layers, n, -1),
        norm=norm,
        budget=budget,
        decoder="value",
        promises=narrow_promises(tests, SOURCE, half_separation_lower(power, norm), n, offset),
        notes=(f"m = {tests.levels} levels",) if norm == "2" else (),
    )


def narrow_promises(
    tests: SerialTests, source: str, budget_below: Fraction, inputs: int, offset: Fraction
) -> Promises:
    """What the serial layout in the n coordinates of the tests promises, d inputs before them."""
    n, size = tests.dimension, tests.size
    layers = size * (tests.stages + 1)
    formula = "N(n + 1) + 1" if tests.threshold is None else "N(n(m + 1) + 2) + 1"
    return Promises(
        source=source,
        width=Size(n + 4, "n + 4", exact=size > 2 and n > 1),
        depth=Size(layers + 1, formula, exact=True),
        nonzero=Size(
            (n + 2) * (inputs + 1) + layers * (n + 10) + 3,
            "(n + 2)(d + 1) + (D - 1)(n + 10) + 3, D the depth",
        ),
        dense=Size(
            (n + 4) * (inputs + 1 + layers * (n + 5)),
            "(n + 4)(d + 1 + (D - 1)(n + 5)), D the depth",
        ),
        bits=tests.bits(offset),
        budget_below=budget_below,
    )
