"""Memorization on balls of the L1 norm.

Theorem B.2 (Yu, Gao, Zhang, ICLR 2024): what Theorem 4.8 says for L-infinity holds for L1 with a
bound of the same kind, O(Nn) nonzero parameters, any number of classes, any 0 <= mu < lambda / 2
with lambda the L1 separation. The layers are a reconstruction. With K = y_max / (lambda - 2 mu),

    g_i(x) = y_i - K relu(||x - x_i||_1 - mu)

is y_i on ball i, at most y_i everywhere, and at most 0 on ball j with y_j != y_i, where
||x - x_i||_1 - mu >= lambda - 2 mu. Lemma 0 of `running_max` does the rest. The inner relu must
stay: without it the output inside the ball is not constant.
"""

from __future__ import annotations

from fractions import Fraction

from constructions.construction import Construction, Entries, Promises, Size
from constructions.hypotheses import check_budget, least_entry
from constructions.running_max import (
    DistanceTests,
    carry_offset,
    carry_rows,
    network_of,
    parallel_layers,
    sequential_layers,
)
from verifier.data.dataset import Dataset
from verifier.question.build import Affine

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorem B.2 (reconstructed)"


class CrossPolytopeTests(DistanceTests):
    """g_i = y_i - K relu(||x - x_i||_1 - mu): a layer of distances, a layer of one unit."""

    stages = 2

    def __init__(self, dataset: Dataset, budget: Fraction, separation: Fraction) -> None:
        super().__init__(dataset, (dataset.labels + 1).tolist(), Fraction(1))
        self.budget = budget
        self.slope = max(self.labels) / (separation - 2 * budget)

    bits_formula = "longest of x_ik + c, c, mu, K, y"

    def entries(self) -> list[Entries]:
        return [(self.budget.denominator, max(Fraction(1), self.budget))]

    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        return [Affine.sum(before) - self.budget]

    def score(self, before: list[Affine]) -> Affine:
        return before[0]


def sequential(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals y_i on the L1 ball i: width at most 3n + 2, depth 2N + 2, O(Nn) nonzero parameters.

    The rise of sample i stands in the layer of the distances of sample i + 1.

    Raises:
        UserError: The budget is negative or not below half the L1 separation; one class;
            identical inputs with different labels.
    """
    separation = check_budget(dataset, "1", budget, separation)
    tests = CrossPolytopeTests(dataset, budget, separation)
    n, size = dataset.dimension, dataset.size
    offset = carry_offset(least_entry(dataset), separation / 2)
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=True)
    return Construction(
        name="l1",
        network=network_of(layers, n, -1),
        norm="1",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(3 * n + 2, "3n + 2", exact=size > 3),
            depth=Size(2 * size + 2, "2N + 2", exact=True),
            nonzero=Size(8 * n * size + 8 * size + n, "8nN + 8N + n"),
            dense=Size(size * (4 * n + 6) * (3 * n + 3) + 4 * n + 8, "N(4n+6)(3n+3) + 4n + 8"),
            bits=tests.bits(offset),
            budget_below=separation / 2,
        ),
    )


def parallel(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals max(0, g_1, ..., g_N) on all of R^n: width 2nN, depth 4 + ceil(log2 N).

    A rearrangement that is not in the paper. Raises as `sequential`.
    """
    separation = check_budget(dataset, "1", budget, separation)
    tests = CrossPolytopeTests(dataset, budget, separation)
    n, size = dataset.dimension, dataset.size
    return Construction(
        name="l1-parallel",
        network=network_of(parallel_layers(tests, n), n, -1),
        norm="1",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=f"{SOURCE}, rearranged",
            width=Size(2 * n * size, "2nN", exact=True),
            depth=Size(4 + (size - 1).bit_length(), "4 + ceil(log2 N)", exact=True),
            nonzero=Size(6 * n * size + 9 * size, "6nN + 9N"),
            dense=Size(
                2 * n * size * (n + 1 + size) + size * (4 * size + 8),
                "2nN(n + 1 + N) + N(4N + 8)",
            ),
            bits=tests.bits(),
            budget_below=separation / 2,
        ),
    )
