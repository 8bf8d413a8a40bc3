"""Memorization on balls of the L-infinity norm.

Theorem 4.8 (Yu, Gao, Zhang, Optimal Robust Memorization with ReLU Neural Networks, ICLR 2024).
Let N samples in R^n have L-infinity separation lambda, and let 0 <= mu < lambda / 2. There is a
network of width 3n + 1, depth 2N + 1 and O(Nn) nonzero parameters that equals y_i on the closed
L-infinity ball of radius mu around x_i, for every i; labels are positive integers.

The layers here are a reconstruction (Egosi et al., Remark 40, describe the same width in words).
With K = y_max / (lambda - 2 mu), the test of sample i in Lemma 0 (`running_max`) is

    g_i(x) = y_i - K sum_k ( relu(x_k - x_ik - mu) + relu(x_ik - mu - x_k) ).

The sum is never negative, and 0 on ball i. On ball j with y_j != y_i some |x_jk - x_ik| >= lambda,
so it is at least lambda - 2 mu there and g_i <= y_i - y_max <= 0.

`sequential` is the theorem's network; `pipelined` and `parallel` arrange the same tests otherwise.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.construction import Construction, Promises, Size
from constructions.hypotheses import check_budget
from constructions.rows import (
    affine_rows,
    check_limit,
    repeated,
    scaled,
)
from constructions.running_max import (
    Form,
    Units,
    carry_offset,
    carry_rows,
    common_denominator,
    network_of,
    parallel_layers,
    sequential_layers,
)
from verifier.data.dataset import Dataset
from verifier.question.network import Rows, integers

SOURCE = "Yu, Gao, Zhang, ICLR 2024, Theorem 4.8"


class CubeTests:
    """The tests g_i for all samples of a data set: one layer of 2n exceedances each."""

    stages = 1
    reading = frozenset({0})

    def __init__(
        self, dataset: Dataset, budget: Fraction, separation: Fraction, *, carried: bool = True
    ) -> None:
        """`carried` says whether inputs are carried past layers; see `carry_offset`."""
        self.size = dataset.size
        self.labels: list[int] = (dataset.labels + 1).tolist()
        self.slope = max(self.labels) / (separation - 2 * budget)
        least = Fraction(int(dataset.numerators.min()), dataset.denominator)
        self.offset = carry_offset(least, separation / 2) if carried else Fraction(0)
        self.scale = common_denominator(Fraction(1, dataset.denominator), budget, self.offset)
        self.points = scaled(dataset.numerators, self.scale // dataset.denominator)
        self.radius = int(budget * self.scale)
        signs = [self.scale] * dataset.dimension + [-self.scale] * dataset.dimension
        self._signs = integers(signs)[:, None]

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows:
        """relu(x_k - x_ik - mu) for all k, then relu(x_ik - mu - x_k) for all k."""
        shift, point = int(offset * self.scale), self.points[sample]
        above = scaled(point, -1, -self.radius - shift)
        below = scaled(point, 1, shift - self.radius)
        columns = np.concatenate([inputs, inputs])[:, None]
        return affine_rows(columns, self._signs, np.concatenate([above, below]), self.scale)

    def value(self, sample: int, before: Units) -> Form:
        top, bottom = self.slope.numerator, self.slope.denominator
        return Form(before, repeated(-top, len(before)), bottom * self.labels[sample], bottom)

    def bits(self) -> Size:
        """The most bits that a weight or bias of these networks can need."""
        largest = int(max(abs(self.points.max()), abs(self.points.min())))
        lengths = largest + self.radius + int(self.offset * self.scale)
        slope = self.slope.numerator.bit_length() + self.slope.denominator.bit_length()
        value = max(
            lengths.bit_length() + self.scale.bit_length(),
            slope,
            max(self.labels).bit_length() + 1,
        )
        return Size(value, "max(bits of K, bits of x_ik + mu + c, bits of y)")


def sequential(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals y_i on ball i: width 3n + 1, depth 2N + 1, at most 8nN + 5N - 3 nonzero parameters.

    Layers 2i - 1 and 2i serve sample i, in the order of the data set:

        layer 2i - 1   e+_k = relu(x_k - x_ik - mu), e-_k = relu(x_ik - mu - x_k), p_k, m
        layer 2i       r_i = relu(y_i - K sum_k (e+_k + e-_k) - m), p_k, m

    and m + r_i is the new m, folded into the next affine map. The inputs are carried up to the
    last layer that needs them, and m from the first rise on; so two samples have width 3n alone.

    The output subtracts one, since labels are 0..C-1. That bias is within the promised count.

    Raises:
        UserError: The budget is negative or not below half the L-infinity separation; one class;
            identical inputs with different labels.
    """
    separation = check_budget(dataset, "inf", budget, separation)
    tests = CubeTests(dataset, budget, separation)
    n, size = dataset.dimension, dataset.size
    layers = sequential_layers(tests, carry_rows(n, tests.offset), tests.offset, overlap=False)
    dense = (n + 1) * 3 * n + size * (3 * n + 2) * (n + 2) + (size - 1) * (n + 3) * (3 * n + 1) + 3
    return Construction(
        name="linf",
        network=network_of(layers, n, -1),
        norm="inf",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(3 * n + 1, "3n + 1", exact=size > 2),
            depth=Size(2 * size + 1, "2N + 1", exact=True),
            nonzero=Size(8 * n * size + 5 * size - 3, "8nN + 5N - 3"),
            dense=Size(dense, "3n(n+1) + N(3n+2)(n+2) + (N-1)(n+3)(3n+1) + 3"),
            bits=tests.bits(),
            budget_below=separation / 2,
        ),
    )


def pipelined(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals y_i on ball i: width at most 3n + 2, depth N + 2, at most 7nN + 6N + n nonzeros.

    A rearrangement of `sequential` that is not in the paper: layer t computes the exceedances of
    sample t while it adds the rise of sample t - 1. Raises as `sequential`.
    """
    separation = check_budget(dataset, "inf", budget, separation)
    tests = CubeTests(dataset, budget, separation)
    n, size = dataset.dimension, dataset.size
    check_limit(5 * n * (size - 1))  # its weights at least: not only after a while
    layers = sequential_layers(tests, carry_rows(n, tests.offset), tests.offset, overlap=True)
    return Construction(
        name="linf-pipelined",
        network=network_of(layers, n, -1),
        norm="inf",
        budget=budget,
        decoder="value",
        promises=pipelined_promises(tests, n, separation),
    )


def pipelined_promises(tests: CubeTests, dimension: int, separation: Fraction) -> Promises:
    """What `pipelined` promises."""
    n, size = dimension, tests.size
    return Promises(
        source=f"{SOURCE}, rearranged",
        width=Size(3 * n + 2, "3n + 2", exact=size > 3),
        depth=Size(size + 2, "N + 2", exact=True),
        nonzero=Size(7 * n * size + 6 * size + n, "7nN + 6N + n"),
        dense=Size((size + 2) * (3 * n + 3) * (3 * n + 2), "(N+2)(3n+3)(3n+2)"),
        bits=tests.bits(),
        budget_below=separation / 2,
    )


def parallel(
    dataset: Dataset, budget: Fraction, *, seed: int = 0, separation: Fraction | None = None
) -> Construction:
    """Equals max(0, g_1, ..., g_N) on all of R^n: width 2nN, depth 3 + ceil(log2 N).

    A rearrangement of `sequential` that is not in the paper: all exceedances at once, all
    relu(g_i) at once, then a binary tree of max(a, b) = b + relu(a - b). At most 6nN + 7N
    nonzero parameters, and nothing is carried, so nothing is clamped. Raises as `sequential`.
    """
    separation = check_budget(dataset, "inf", budget, separation)
    tests = CubeTests(dataset, budget, separation, carried=False)
    n = dataset.dimension
    return Construction(
        name="linf-parallel",
        network=network_of(parallel_layers(tests, n), n, -1),
        norm="inf",
        budget=budget,
        decoder="value",
        promises=parallel_promises(tests, n, separation),
    )


def parallel_promises(tests: CubeTests, dimension: int, separation: Fraction) -> Promises:
    """What `parallel` promises."""
    n, size = dimension, tests.size
    return Promises(
        source=f"{SOURCE}, rearranged",
        width=Size(2 * n * size, "2nN", exact=True),
        depth=Size(3 + (size - 1).bit_length(), "3 + ceil(log2 N)", exact=True),
        nonzero=Size(6 * n * size + 7 * size, "6nN + 7N"),
        dense=Size(
            2 * n * size * (n + 1 + size) + 3 * size * (size + 2),
            "2nN(n + 1 + N) + 3N(N + 2)",
        ),
        bits=tests.bits(),
        budget_below=separation / 2,
    )
