"""The maximum of one test per sample, and three ways to lay it out in layers.

Lemma 0 (running max; Egosi, Yehudai, Shamir, COLT 2025, Theorem 37). Let all labels y_i be
positive, g_i <= y_i everywhere, g_i = y_i on ball i, and g_i <= 0 on ball j whenever y_j != y_i.
Then m_N, with m_0 = 0 and m_i = m_{i-1} + relu(g_i - m_{i-1}) = max(m_{i-1}, g_i), equals y_j on
ball j, whatever the order and however balls of one label overlap.

Proof. On ball j: g_j = y_j; tests of the same label are at most y_j, those of other labels at most
0 < y_j. So max(0, g_1, ..., g_N) = y_j.

A network carries its inputs past the layers that do not need them as p_k = relu(x_k + c) with
c = max(0, -(min x_ik - mu)); x_k is read as p_k - c. That is exact on all balls, and clamps x to
[-c, inf) elsewhere, a map that is 1-Lipschitz in every lp norm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from constructions.rows import affine_rows, copies, network_of_layers, repeated, stack
from verifier.trusted.network import Integers, Network, Rows, integers

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
    tests: SampleTests, carry: Rows, offset: Fraction, *, overlap: bool, direct: bool = True
) -> Iterator[Rows]:
    """Hidden layers that end in units whose sum is max(0, g_1, ..., g_N).

    Each sample has the layers of its test, then one of the rise r_i = relu(g_i - m); with
    `overlap` that layer is at once the first of the next test. `carry` are the rows
    p_k = relu(x_k + offset) over the variables 0..n-1. If not `direct`, they are a layer of
    their own, which `carry` may then use to map the inputs to fewer coordinates first.
    The units of the last layer, which are the rise and the maximum before it, add up to the
    result: see `outputs_of`.
    """
    dimension = int(carry.indices.max()) + 1
    first = dimension
    inputs: Units = np.arange(dimension, dtype=np.int64)
    read_as, fresh = Fraction(0), True
    if not direct:
        yield carry
        inputs, first = np.arange(first, first + carry.count, dtype=np.int64), first + carry.count
        read_as, fresh = offset, False
    before: Units = np.zeros(0, dtype=np.int64)
    maximum: Units = np.zeros(0, dtype=np.int64)
    last_read = (tests.size - 1, max(tests.reading))
    for sample, stage, riser in _schedule(tests.size, tests.stages, overlap):
        parts, sizes = [], [0, 0, 0, 0]
        if stage is not None:
            parts.append(tests.stage(stage, sample, before, inputs, read_as))
            sizes[0] = parts[-1].count
        if (sample, tests.stages if stage is None else stage) < last_read:
            parts.append(carry if fresh else copies(inputs))
            sizes[1] = parts[-1].count
        if riser is not None:
            parts.append(_rise(tests.value(riser, before), maximum))
            sizes[2] = 1
        if len(maximum):
            parts.append(sum_of(maximum))
            sizes[3] = 1
        yield stack(parts)
        edges = [first]
        for size in sizes:
            edges.append(edges[-1] + size)
        before, inputs = (
            np.arange(edges[part], edges[part + 1], dtype=np.int64) for part in (0, 1)
        )
        maximum = np.arange(edges[2], edges[4], dtype=np.int64)
        first, read_as, fresh = edges[4], offset, False


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
        blocks = [
            tests.stage(stage, sample, before, inputs, Fraction(0))
            for sample, before in enumerate(groups)
        ]
        yield stack(blocks)
        groups = []
        for block in blocks:
            groups.append(np.arange(first, first + block.count, dtype=np.int64))
            first += block.count
    none: Units = np.zeros(0, dtype=np.int64)
    yield stack([_rise(tests.value(sample, before), none) for sample, before in enumerate(groups)])
    yield from maximum_tree(
        [np.array([first + sample], dtype=np.int64) for sample in range(tests.size)],
        first + tests.size,
    )


def maximum_tree(terms: Sequence[Units], first: int) -> Iterator[Rows]:
    """Layers, from variable `first` on, that end in units whose sum is the largest of the terms.

    Each term is a sum of units, so it is at least 0. A pair (a, b) becomes relu(a - b) and b,
    which add up to max(a, b); a term without a partner is handed on. ceil(log2 (number)) layers.
    """
    terms = list(terms)
    while len(terms) > 1:
        blocks, following = [], list[Units]()
        for left, right in zip(terms[::2], terms[1::2], strict=False):
            blocks.append(
                signed_sum(np.concatenate([left, right]), [1] * len(left) + [-1] * len(right))
            )
            blocks.append(sum_of(right))
            following.append(np.array([first, first + 1], dtype=np.int64))
            first += 2
        if len(terms) % 2:
            blocks.append(sum_of(terms[-1]))
            following.append(np.array([first], dtype=np.int64))
            first += 1
        yield stack(blocks)
        terms = following


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


def carry_offset(least: Fraction, budget: Fraction) -> Fraction:
    """The least c >= 0 for which x_k + c >= 0 on all balls, if `least` is the least x_ik."""
    return max(Fraction(0), budget - least)


def outputs_of(layers: Sequence[Rows], dimension: int, constant: int) -> Rows:
    """One row: the sum of all units of the last layer, plus a constant."""
    end = dimension + sum(layer.count for layer in layers)
    return sum_of(np.arange(end - layers[-1].count, end, dtype=np.int64), constant)


def network_of(layers: Iterator[Rows], dimension: int, constant: int) -> Network:
    """The network of these layers whose output is the sum of the last one, plus a constant."""
    listed = list(layers)
    return network_of_layers(dimension, listed, outputs_of(listed, dimension, constant))


def _rise(value: Form, maximum: Units) -> Rows:
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


def common_denominator(*values: Fraction) -> int:
    """The least common denominator."""
    return lcm(*(value.denominator for value in values))
