"""Networks whose Lipschitz constant is the least that any robust memorizer can have.

Theorem 5.2 (Yu, Gao, Zhang, ICLR 2024), reconstructed: for two classes there is a network with
O(Nn log n) nonzero parameters whose Lipschitz constant does not depend on the budget, so one
network is a robust memorizer for every budget mu < lambda / 2.

Let the labels be -1 and +1, and lambda the L-infinity separation. If F(x_i) = 1 and F(x_j) = -1
for a closest pair, then Lip(F) >= 2 / lambda. Conversely F(x_i) = y_i for all i and
Lip(F) <= 2 / lambda give |F(x) - y_i| <= 2 ||x - x_i|| / lambda < 1 for ||x - x_i|| < lambda / 2:
the sign is right.
So 2 / lambda is optimal, and enough. (Outputs that are constant on the balls cannot do this: their
slope between the balls of a closest pair is |y_i - y_j| / (lambda - 2 mu).) With P the samples of
the smaller class, called +1 here,

    F(x) = max( -1, max_{i in P} ( 1 - (2 / lambda) ||x - x_i||_inf ) ).

F(x_i) = 1 on P, and a sample outside P is at distance >= lambda from all of P, so F = -1 there.
If P is the class 0, the output is -F. Clamping the carried inputs at -c is 1-Lipschitz and fixes
all samples, so the network as a whole has the Lipschitz constant 2 / lambda. No network here
depends on the budget: c is that of lambda / 2, so that nothing is clamped on any ball.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from constructions.construction import Construction, Promises, Size
from constructions.hypotheses import check_budget, least_entry
from constructions.rows import affine_rows, listed, network_of_layers, rows_of, stack
from constructions.running_max import (
    DistanceTests,
    Units,
    carry_offset,
    carry_rows,
    parallel_layers,
    sequential_dense,
    sequential_layers,
    spans,
    sum_of,
    tree_level,
)
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorem 5.2 (reconstructed)"


class ConeTests(DistanceTests):
    """2 - (2 / lambda) ||x - x_i||_inf: a layer of distances, then a tree of maxima over k."""

    def __init__(self, dataset: Dataset, separation: Fraction) -> None:
        super().__init__(dataset, [2] * dataset.size, Fraction(1))
        self.slope = 2 / separation
        n = dataset.dimension
        self._terms: list[list[Units]] = [[np.array([k, n + k], dtype=np.int64) for k in range(n)]]
        self._levels: list[Rows] = []
        while len(self._terms[-1]) > 1:
            level, sizes = tree_level(self._terms[-1])
            self._levels.append(level)
            self._terms.append(spans(0, sizes)[0])
        self.stages = len(self._terms)

    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        level = self._levels[stage - 1]
        return [Affine(*level.fractions(i)) for i in range(level.count)]

    def score(self, before: list[Affine]) -> Affine:
        return Affine.sum(before)


def _smaller_class(
    dataset: Dataset, budget: Fraction, separation: Fraction | None
) -> tuple[Dataset, int, Fraction]:
    """The samples of the smaller class, the sign of its output, and the separation."""
    if dataset.classes != 2:
        raise UserError(
            f"{dataset.name} has {dataset.classes} classes; the Lipschitz network (Theorem 5.2) "
            "is for 2, `lipschitz-ovr` for more"
        )
    separation = check_budget(dataset, "inf", budget, separation)
    ones = int(np.count_nonzero(dataset.labels))
    label = 1 if 2 * ones <= dataset.size else 0
    chosen = dataset.select(np.flatnonzero(dataset.labels == label))
    return chosen, 1 if label else -1, separation


def _signed_network(layers: Iterator[Rows], dimension: int, sign: int) -> Network:
    """The network of these layers with the output sign * (sum of the last layer - 1)."""
    blocks = listed(layers)
    end = dimension + sum(layer.count for layer in blocks)
    units = np.arange(end - blocks[-1].count, end, dtype=np.int64)
    return network_of_layers(dimension, blocks, affine_rows(units[None, :], sign, -sign))


def sequential(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """sign F(x) is the label on ball i for every budget below lambda / 2, with Lip F = 2 / lambda.

    Width 3n + 1, depth P(ceil(log2 n) + 2) + 1 with P samples in the smaller class. Two classes.

    Raises:
        UserError: Not two classes; the budget is negative or not below half the separation.
    """
    chosen, sign, separation = _smaller_class(dataset, budget, separation)
    tests = ConeTests(chosen, separation)
    n, size = dataset.dimension, chosen.size
    levels = (n - 1).bit_length()
    depth = size * (levels + 2) + 1
    offset = carry_offset(least_entry(dataset), separation / 2)
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
    return Construction(
        name="lipschitz",
        network=_signed_network(layers, n, sign),
        norm="inf",
        budget=budget,
        decoder="sign",
        promises=Promises(
            source=SOURCE,
            width=Size(3 * n + 1, "3n + 1", exact=size > 2),
            depth=Size(depth, "P(ceil(log2 n) + 2) + 1", exact=True),
            nonzero=Size(
                size * (n * (levels + 12) + 4 * levels + 8) + n,
                "P(n(ceil(log2 n) + 12) + 4 ceil(log2 n) + 8) + n",
            ),
            dense=sequential_dense(n, 3 * n + 1, depth),
            bits=tests.bits(offset),
            budget_below=separation / 2,
            lipschitz=2 / separation,
        ),
    )


def parallel(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """The same function on all of R^n, depth ceil(log2 n) + ceil(log2 P) + 3, O(Nn) nonzeros.

    An improvement that is not in the paper: the factor log n comes from carrying the inputs
    through the tree, and here nothing is carried. Raises as `sequential`.
    """
    chosen, sign, separation = _smaller_class(dataset, budget, separation)
    tests = ConeTests(chosen, separation)
    n, size = dataset.dimension, chosen.size
    levels, tree = (n - 1).bit_length(), (size - 1).bit_length()
    return Construction(
        name="lipschitz-parallel",
        network=_signed_network(parallel_layers(tests, n), n, sign),
        norm="inf",
        budget=budget,
        decoder="sign",
        promises=Promises(
            source=f"{SOURCE}, rearranged",
            width=Size(2 * n * size, "2nP", exact=True),
            depth=Size(levels + tree + 3, "ceil(log2 n) + ceil(log2 P) + 3", exact=True),
            nonzero=Size(
                10 * n * size + 3 * levels * size + 9 * size + 3, "10nP + 3P ceil(log2 n) + 9P + 3"
            ),
            dense=Size(
                size * ((3 * n * n + 2) * size + 2 * n * (n + 2) + levels + 1)
                + 3 * size * (size + 2),
                "P((3n^2 + 2)P + 2n(n + 2) + ceil(log2 n) + 1) + 3P(P + 2)",
            ),
            bits=tests.bits(),
            budget_below=separation / 2,
            lipschitz=2 / separation,
        ),
    )


def one_against_rest(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """The greatest output is that of the label on ball i, and each output has Lip 2 / lambda.

    Output l is F of Theorem 5.2 with P = class l, for any number of classes, so on ball i it is at
    least 1 - 2 mu / lambda > 0 for the label and at most 2 mu / lambda - 1 < 0 for every other.
    (A single output cannot keep a constant that is free of mu for labels two or more apart.)
    All samples share the layers of distances; the shorter trees over samples are padded.
    Raises as `cubes.sequential`.
    """
    separation = check_budget(dataset, "inf", budget, separation)
    tests = ConeTests(dataset, separation)
    n, size = dataset.dimension, dataset.size
    layers, terms = _sample_values(tests, n)
    first = n + sum(layer.count for layer in layers)
    groups = [
        [terms[i] for i in np.flatnonzero(dataset.labels == label)]
        for label in range(dataset.classes)
    ]
    while any(len(group) > 1 for group in groups):
        blocks, following = [], []
        for group in groups:
            level, sizes = tree_level(group) if group else (rows_of([]), [])
            blocks.append(level)
            next_group, first = spans(first, sizes)
            following.append(next_group)
        layers.append(stack(blocks))
        groups = following
    outputs = [
        sum_of(group[0], -1) if group else rows_of([Affine(constant=-1)]) for group in groups
    ]
    levels = (n - 1).bit_length()
    largest = int(np.bincount(dataset.labels).max())
    tree = (largest - 1).bit_length()
    return Construction(
        name="lipschitz-ovr",
        network=network_of_layers(n, layers, stack(outputs)),
        norm="inf",
        budget=budget,
        decoder="argmax",
        promises=Promises(
            source=f"{SOURCE}, one output a class",
            width=Size(2 * n * size, "2nN", exact=True),
            depth=Size(levels + tree + 3, "ceil(log2 n) + ceil(log2 N_max) + 3", exact=True),
            nonzero=Size(
                10 * n * size + 3 * levels * size + 9 * size + dataset.classes * (2 * tree + 3),
                "10nN + 3N ceil(log2 n) + 9N + C(2 ceil(log2 N_max) + 3)",
            ),
            dense=Size(
                size * ((3 * n * n + 2) * size + 2 * n * (n + 2) + levels + 1)
                + (size + 1) * (size * tree + dataset.classes),
                "N((3n^2 + 2)N + 2n(n + 2) + ceil(log2 n) + 1) + (N + 1)(N ceil(log2 N_max) + C)",
            ),
            bits=tests.bits(),
            budget_below=separation / 2,
            lipschitz=2 / separation,
        ),
    )


def _sample_values(tests: ConeTests, dimension: int) -> tuple[list[Rows], list[Units]]:
    """The layers up to relu(2 - (2 / lambda) ||x - x_i||_inf), and those units."""
    levels = parallel_layers(tests, dimension)
    layers = listed(next(levels) for _ in range(tests.stages + 1))
    first = dimension + sum(layer.count for layer in layers[:-1])
    return layers, spans(first, [1] * tests.size)[0]
