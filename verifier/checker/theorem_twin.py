"""Recognition in Python: the hypotheses of a theorem, and that the network is its own, row by row.

The readable twin of the program that is extracted from Coq (`constructions/coq`, Recognise.v); what
it accepts is what the program accepts. It believes the theorem.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.theorem_lines import (
    LAYOUTS,
    Layer,
    Line,
    Samples,
    Setting,
    Test,
    cones,
    crosses,
    cubes,
    planes,
    rarer,
    signed,
    trees,
)
from verifier.checker.theorem_task import (
    Task,
    Vectors,
    another_shape,
    differs,
    lines_of,
    too_near,
)
from verifier.evidence.data_file import Points
from verifier.evidence.network_rows import NetworkRows
from verifier.question.region import Norm


def require_rows(task: Task, rows: NetworkRows, points: Points, vectors: Vectors) -> None:
    """Returns if the network is the one that is due; raises RefusedError."""
    data = Samples(points.numerators.tolist(), points.labels.tolist(), points.denominator)
    inputs = task.budget.inputs(points.dimension)
    outputs = max(data.labels) + 1 if task.theorem.tests == "classes" else 1
    if (rows.inputs, rows.outputs.count) != (inputs, outputs):
        raise another_shape(rows, inputs, outputs)
    found = chain.from_iterable(map(lines_of, rows.parts()))
    laid = _laid(task, data, vectors, inputs)
    number = 0
    while True:
        try:
            layer = next(laid)
        except StopIteration as end:
            results: list[Line] = end.value
            break
        for due in layer:
            number += 1
            line = next(found, None)
            if line is None or not due.equals(line):
                raise differs(rows, number - 1, due, line)
    line = next(found, None)
    if line is not None:
        raise differs(rows, number, None, line)
    for due, line in zip(results, lines_of(rows.outputs), strict=True):
        if not due.equals(line):
            raise differs(rows, number, due, line)
        number += 1


def _laid(
    task: Task, data: Samples, vectors: Vectors, first: int
) -> Generator[Layer, None, list[Line]]:
    """The layers that are due, from the first unit on; then the outputs."""
    theorem, budget = task.theorem, task.budget
    lay = LAYOUTS[theorem.layout]
    if theorem.tests == "classes":
        groups: list[list[int]] = [[] for _ in range(max(data.labels) + 1)]
        for k, label in enumerate(data.labels):
            groups[label].append(k)
        flat, all_cones = cones(theorem.layout, data, budget, None)
        tops = yield from trees(flat, all_cones, first, groups)
        return [signed(1, top) for top in tops]
    if theorem.tests == "cones":
        label = rarer(data.labels)
        flat, its_cones = cones(theorem.layout, data, budget, label)
        top = yield from lay(flat, its_cones, first)
        return [signed(label, top)]
    setting: Setting
    tests: Sequence[Test]
    if theorem.tests == "cubes":
        setting, tests = cubes(theorem.layout, data, budget)
    elif theorem.tests == "crosses":
        setting, tests = crosses(theorem.layout, data, budget)
    else:
        setting, tests = planes(theorem.norm, data, budget, vectors)
    top = yield from lay(setting, tests, first)
    return [setting.result(top)]


def require_apart(task: Task, points: Points, vectors: Vectors) -> None:
    """Returns if samples of different labels are as far apart as the theorem wants them, for
    half-spaces if each covers its rivals; raises RefusedError that names the pair."""
    pairs: Iterable[tuple[int, int]]
    if task.theorem.tests == "planes":
        pairs = _uncovered(task, points, vectors)
    else:
        pairs = _too_near(task, points)
    for first, second in pairs:
        raise too_near(task, first, second)


def _too_near(task: Task, points: Points) -> Iterator[tuple[int, int]]:
    least = -(-task.built.power * points.denominator // 1)
    values, labels = _safe(points.numerators, 2 * points.dimension), points.labels
    for i in range(points.size - 1):
        gaps = abs(values[i + 1 :] - values[i])
        distances = gaps.max(axis=1) if task.theorem.norm == "inf" else gaps.sum(axis=1)
        near = np.flatnonzero((distances < least) & (labels[i + 1 :] != labels[i]))
        if len(near):
            yield i, i + 1 + int(near[0])


def _uncovered(task: Task, points: Points, vectors: Vectors) -> Iterator[tuple[int, int]]:
    """For norm 2: u . g >= lambda^2, v = 2 u . g - |u|^2 >= 0, v^2 >= lambda^2 |u|^2 and
    |u|^2 >= lambda^2, with g = x_i - x_j; else u . g >= lambda and dual norm 1 at most."""
    norm, power, labels = task.theorem.norm, task.built.power, points.labels
    unit = points.denominator
    square = power.numerator * unit**2
    values = points.numerators.astype(object)
    for i, own in enumerate(vectors):
        rivals = values[labels != labels[i]]
        left = np.flatnonzero(labels != labels[i])
        chosen: list[NDArray[Any]] = [np.array(u, dtype=object) for u in own]
        lengths = [int(u @ u) for u in chosen]
        if not all(_fits(norm, u, size * power.denominator, square)
                   for u, size in zip(chosen, lengths, strict=True)):  # fmt: skip
            yield i, -1
        for u, length in zip(chosen, lengths, strict=True):
            reach = int(u @ values[i]) - rivals @ u
            if norm == "2":
                v = 2 * reach - length
                covered = (reach * power.denominator >= square) & (v >= 0)
                covered &= v * v * power.denominator >= square * length
            else:
                covered = reach * power.denominator >= power.numerator * unit
            open_ = ~covered.astype(bool)
            rivals, left = rivals[open_], left[open_]
        if len(left):
            yield i, int(left[0])


def _fits(norm: Norm, vector: NDArray[Any], length: int, square: int) -> bool:
    """Dual norm 1 at most; for norm 2, |u| is at least lambda."""
    if norm == "2":
        return length >= square
    sizes = abs(vector)
    return bool((sizes.sum() if norm == "inf" else sizes.max()) <= 1)


def _safe(values: NDArray[Any], times: int) -> NDArray[Any]:
    """int64 where sums of so many entries stay within it, else Python integers."""
    if values.dtype != object and int(abs(values).max()) * times < 1 << 62:
        return values
    return values.astype(object)
