"""The maximum of one test per sample, and three ways to lay it out in layers.

Lemma 0 (running max; Egosi, Yehudai, Shamir, COLT 2025, Theorem 37). Let all labels y_i be
positive, g_i <= y_i everywhere, g_i = y_i on ball i, and g_i <= 0 on ball j whenever y_j != y_i.
Then m_N, with m_0 = 0 and m_i = m_{i-1} + relu(g_i - m_{i-1}) = max(m_{i-1}, g_i), equals y_j on
ball j, whatever the order and however balls of one label overlap.

Proof. On ball j: g_j = y_j; tests of the same label are at most y_j, those of other labels at most
0 < y_j. So max(0, g_1, ..., g_N) = y_j.

A network carries its inputs past the layers that do not need them as p_k = relu(x_k + c) with
c = max(0, b - min x_ik); x_k is read as p_k - c. That is exact on all balls of a radius up to b,
and clamps x to [-c, inf) elsewhere, a map that is 1-Lipschitz in every lp norm. b is half the
separation where that is rational, so that c is the same for every budget, and mu otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from constructions.construction import Entries, Size, entry_bits
from constructions.rows import (
    affine_rows,
    check_limit,
    composed,
    copies,
    listed,
    network_of_layers,
    repeated,
    rows_of,
    scaled,
    shifted,
    stack,
)
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.network import Integers, Network, Rows, integers

Units = NDArray[np.int64]
"""Numbers of variables."""


@dataclass(frozen=True, slots=True)
class Form:
    """(weights . units + constant) / denominator; the units increase, no weight is zero."""

    units: Units
    weights: Integers
    constant: int
    denominator: int


class SampleTests(Protocol):
    """The tests g_i of Lemma 0, each as a few layers and an affine form of the last of them.

    `stage(s, i, before, inputs, offset)` gives the units of layer s of test i: `before` are the
    units of its layer s - 1, and `inputs[k] - offset` is x_k, available if s is in `reading`.
    """

    size: int
    stages: int
    reading: frozenset[int]

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows: ...

    def value(self, sample: int, before: Units) -> Form:
        """g_i as an affine form of the units of its last layer."""


def sequential_layers(
    tests: SampleTests,
    carry: Rows,
    offset: Fraction,
    *,
    overlap: bool,
    projection: Rows | None = None,
) -> Iterator[Rows]:
    """Hidden layers that end in units whose sum is max(0, g_1, ..., g_N).

    Each sample has the layers of its test, then one of the rise r_i = relu(g_i - m); with
    `overlap` that layer is at once the first of the next test. `carry` are the rows x_k + offset
    over the variables 0..n-1. With a `projection`, x_k stands for its row k, and the inputs of the
    network are the variables that those rows read; it is folded into the first affine map.
    The units of the last layer, which are the rise and the maximum before it, add up to the
    result: see `outputs_of`.
    """
    check_limit(carry.count * tests.stages * (tests.size - 1))  # the carried inputs alone
    inputs: Units = np.arange(carry.count, dtype=np.int64)
    first = carry.count if projection is None else int(projection.indices.max()) + 1
    before: Units = np.zeros(0, dtype=np.int64)
    maximum: Units = np.zeros(0, dtype=np.int64)
    last_read = (tests.size - 1, max(tests.reading))
    fresh = True
    for sample, stage, riser in _schedule(tests.size, tests.stages, overlap):
        parts, sizes = [], [0, 0, 0, 0]
        if stage is not None:
            read_as = Fraction(0) if fresh else offset
            parts.append(tests.stage(stage, sample, before, inputs, read_as))
            sizes[0] = parts[-1].count
        if (sample, tests.stages if stage is None else stage) < last_read:
            parts.append(carry if fresh else copies(inputs))
            sizes[1] = parts[-1].count
        if riser is not None:
            parts.append(rise_row(tests.value(riser, before), maximum))
            sizes[2] = 1
        if len(maximum):
            parts.append(sum_of(maximum))
            sizes[3] = 1
        layer = stack(parts)
        yield composed(layer, projection) if fresh and projection is not None else layer
        edges = [first]
        for size in sizes:
            edges.append(edges[-1] + size)
        before = np.arange(edges[0], edges[1], dtype=np.int64)
        inputs = np.arange(edges[1], edges[2], dtype=np.int64)
        maximum = np.arange(edges[2], edges[4], dtype=np.int64)
        first, fresh = edges[4], False


def _schedule(
    size: int, stages: int, overlap: bool
) -> Iterator[tuple[int, int | None, int | None]]:
    """For each layer: the sample at work, the stage of its test, the sample whose rise it holds."""
    for sample in range(size):
        for stage in range(stages):
            yield sample, stage, sample - 1 if overlap and stage == 0 and sample else None
        if not overlap:
            yield sample, None, sample
    if overlap:
        yield size - 1, None, size - 1


class DistanceTests(ABC):
    """Tests y_i - K score_i whose score is a function of the distances |x_k - x_ik|.

    The first layer holds relu((x_k - x_ik) / unit) for all k, then relu((x_ik - x_k) / unit), so
    that their sum is |x_k - x_ik| / unit. The later layers and the score are formulas in the units
    before, the same for all samples, given by `formulas` and `score`. K is `slope`.
    """

    stages: int
    reading = frozenset({0})
    bits_formula = "longest of x_ik + c, c, K, y"

    def __init__(self, dataset: Dataset, labels: Sequence[int], unit: Fraction) -> None:
        self.size = dataset.size
        self.dimension = dataset.dimension
        self.labels = list(labels)
        self.slope = Fraction(0)
        self._scale = unit.numerator * dataset.denominator
        self._unit = unit.denominator
        self._length = unit
        self._data_denominator = dataset.denominator
        self._points = scaled(dataset.numerators, unit.denominator)
        self._templates: dict[int, Rows] = {}

    @abstractmethod
    def formulas(self, stage: int, before: list[Affine]) -> list[Affine]:
        """The pre-activations of layer `stage` >= 1, from the units of the layer before."""

    @abstractmethod
    def score(self, before: list[Affine]) -> Affine:
        """What K multiplies, from the units of the last layer."""

    def entries(self) -> list[Entries]:
        """Of the rows between the distances and the rises."""
        return []

    def greatest_distance_entry(self, offset: Fraction = Fraction(0)) -> Fraction:
        """A bound of the weights 1 / unit and biases (x_ik + offset) / unit of the distances."""
        spread = Fraction(int(abs(self._points).max()), self._unit * self._data_denominator)
        return max(Fraction(1), spread + offset) / self._length

    def bits(self, offset: Fraction = Fraction(0)) -> Size:
        """The most bits that a weight or bias of these networks can need."""
        kinds: list[Entries] = [
            (self._scale * offset.denominator, self.greatest_distance_entry(offset)),
            (offset.denominator, max(Fraction(1), offset)),
            (self.slope.denominator, self.slope),
            (1, max(self.labels)),
            *self.entries(),
        ]
        return Size(entry_bits(*kinds), self.bits_formula)

    def stage(
        self, stage: int, sample: int, before: Units, inputs: Units, offset: Fraction
    ) -> Rows:
        if stage == 0:
            return self._distances(sample, inputs, offset)
        if stage not in self._templates:
            units = [Affine({k: 1}) for k in range(len(before))]
            self._templates[stage] = rows_of(self.formulas(stage, units))
        return shifted(self._templates[stage], int(before[0]))

    def _distances(self, sample: int, inputs: Units, offset: Fraction) -> Rows:
        # (x_k - offset - x_ik) / unit, over the denominator scale * offset.denominator
        times = offset.denominator
        shift = offset.numerator * self._unit * self._data_denominator
        weight = self._unit * self._data_denominator * times
        columns = inputs[:, None]
        point = self._points[sample]
        above = scaled(point, -times, -shift)
        below = scaled(point, times, shift)
        denominator = self._scale * times
        return stack(
            [
                affine_rows(columns, weight, above, denominator),
                affine_rows(columns, -weight, below, denominator),
            ]
        )

    def value(self, sample: int, before: Units) -> Form:
        if self.stages not in self._templates:
            units = [Affine({k: 1}) for k in range(len(before))]
            self._templates[self.stages] = rows_of([self.score(units) * -self.slope])
        score = self._templates[self.stages]
        (denominator,) = score.denominators.tolist()
        constant = int(score.constants[0]) + self.labels[sample] * int(denominator)
        return Form(score.indices + int(before[0]), score.numerators, constant, int(denominator))


def parallel_layers(tests: SampleTests, dimension: int) -> Iterator[Rows]:
    """Hidden layers that end in units whose sum is max(0, g_1, ..., g_N), with nothing carried.

    All tests at once, then relu(g_i) for all i, then ceil(log2 N) layers of pairwise maxima.
    Tests may read the inputs in their first layer only.
    """
    if tests.reading != frozenset({0}):
        raise ValueError("tests that read the inputs again cannot stand beside each other")
    inputs: Units = np.arange(dimension, dtype=np.int64)
    groups = [np.zeros(0, dtype=np.int64)] * tests.size
    first = dimension
    for stage in range(tests.stages):
        blocks, weights = list[Rows](), 0
        for sample, before in enumerate(groups):
            blocks.append(tests.stage(stage, sample, before, inputs, Fraction(0)))
            weights += len(blocks[-1].indices)
            check_limit(weights)  # before all samples take their memory
        yield stack(blocks)
        groups = []
        for block in blocks:
            groups.append(np.arange(first, first + block.count, dtype=np.int64))
            first += block.count
    none: Units = np.zeros(0, dtype=np.int64)
    yield stack(
        [rise_row(tests.value(sample, before), none) for sample, before in enumerate(groups)]
    )
    yield from maximum_tree(
        [np.array([first + sample], dtype=np.int64) for sample in range(tests.size)],
        first + tests.size,
    )


def maximum_tree(terms: Sequence[Units], first: int) -> Iterator[Rows]:
    """Layers, from variable `first` on, that end in units whose sum is the largest of the terms.

    Each term is a sum of units, so it is at least 0. A pair (a, b) becomes relu(a - b) and b,
    which add up to max(a, b); a term without a partner is handed on. ceil(log2 (number)) layers.
    """
    while len(terms) > 1:
        layer, sizes = tree_level(terms)
        yield layer
        terms, first = spans(first, sizes)


def tree_level(terms: Sequence[Units]) -> tuple[Rows, list[int]]:
    """One layer of `maximum_tree`, and of how many units each of its terms is the sum."""
    blocks, sizes = [], list[int]()
    for left, right in zip(terms[::2], terms[1::2], strict=False):
        signs = [1] * len(left) + [-1] * len(right)
        blocks += [signed_sum(np.concatenate([left, right]), signs), sum_of(right)]
        sizes.append(2)
    if len(terms) % 2:
        blocks.append(sum_of(terms[-1]))
        sizes.append(1)
    return stack(blocks), sizes


def spans(first: int, sizes: Sequence[int]) -> tuple[list[Units], int]:
    """Consecutive groups of units from `first` on, and the number after the last."""
    groups = []
    for size in sizes:
        groups.append(np.arange(first, first + size, dtype=np.int64))
        first += size
    return groups, first


def sum_of(units: Units, constant: int = 0) -> Rows:
    """One row: the sum of the units plus a constant."""
    return affine_rows(units[None, :], 1, constant)


def signed_sum(units: Units, signs: Sequence[int]) -> Rows:
    """One row: the sum of sign * unit, in any order of the units."""
    order = np.argsort(units)
    return affine_rows(units[order][None, :], np.array(signs, dtype=np.int64)[order], 0)


def carry_rows(dimension: int, offset: Fraction) -> Rows:
    """The rows x_k + offset."""
    columns = np.arange(dimension, dtype=np.int64)[:, None]
    return affine_rows(columns, offset.denominator, offset.numerator, offset.denominator)


def carry_offset(least: Fraction, reach: Fraction) -> Fraction:
    """The least c >= 0 for which x_k + c >= 0 on all balls of radius `reach`, if `least` is the
    least x_ik."""
    return max(Fraction(0), reach - least)


def outputs_of(layers: Sequence[Rows], dimension: int, constant: int) -> Rows:
    """One row: the sum of all units of the last layer, plus a constant."""
    end = dimension + sum(layer.count for layer in layers)
    return sum_of(np.arange(end - layers[-1].count, end, dtype=np.int64), constant)


def network_of(layers: Iterator[Rows], dimension: int, constant: int) -> Network:
    """The network of these layers whose output is the sum of the last one, plus a constant."""
    blocks = listed(layers)
    return network_of_layers(dimension, blocks, outputs_of(blocks, dimension, constant))


def rise_row(value: Form, maximum: Units) -> Rows:
    """The row of g - m, if m is the sum of the units `maximum`, which come after those of g."""
    if not len(maximum):
        return affine_rows(value.units[None, :], value.weights, value.constant, value.denominator)
    units = np.concatenate([value.units, maximum])
    falls = repeated(-value.denominator, len(maximum))
    if value.weights.dtype == falls.dtype == np.int64:
        weights: Integers = np.concatenate([value.weights, falls])
    else:
        weights = integers([*value.weights.tolist(), *falls.tolist()])
    return affine_rows(units[None, :], weights, value.constant, value.denominator)


def sequential_dense(dimension: int, width: int, depth: int) -> Size:
    """Of a network of one output with at most `width` units in each of depth - 1 hidden layers."""
    value = (dimension + 1) * width + (depth - 2) * (width + 1) * width + width + 1
    return Size(value, "(n + 1)W + (D - 2)(W + 1)W + W + 1, W and D as promised")


def common_denominator(*values: Fraction) -> int:
    """The least common denominator."""
    return lcm(*(value.denominator for value in values))
