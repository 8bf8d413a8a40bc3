"""Networks of Theorem 4.8 written to a file some rows at a time, for data of any size.

The rows are those of `cubes.pipelined` and `cubes.parallel`. For every budget at once the budget m
is one more input, number n, as in `families`: with D(m) = 1 - 2 m / lambda and K = y_max / lambda,

    e = relu(x_k - x_ik - m), ..,   r_i = relu(D y_i - K sum e - maximum),   G = maximum - D,

so that exceedances have the slope -1 in m, rises -2 y_i / lambda, and the output 2 / lambda.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from constructions.construction import Promises
from constructions.cubes import CubeTests, parallel_promises, pipelined_promises
from constructions.hypotheses import check_budget
from constructions.rows import at_most_weights, scaled, stack
from constructions.running_max import (
    Units,
    carry_rows,
    maximum_tree,
    rise_row,
    sequential_layers,
    sum_of,
)
from verifier.data.dataset import Dataset
from verifier.formats.native_stream import Layers, save_streamed
from verifier.question.errors import UserError
from verifier.question.network import Integers, Rows, integers

NAMES = ("linf-pipelined", "linf-parallel")
_SAMPLES = 64  # in a block of rows
_NONE: Units = np.zeros(0, dtype=np.int64)


def save_cubes(
    path: Path | str,
    dataset: Dataset,
    name: str,
    budget: Fraction | None,
    *,
    separation: Fraction | None = None,
) -> Promises:
    """Writes the native file of the construction for this budget; None is every budget at once.

    For one budget the bytes are those of `save_network`, and the promises are returned. For every
    budget they are those of budget 0, whose network has one input less.

    Raises as `cubes.sequential`, and UserError for another construction and where a weight does
    not fit in 64 bits.
    """
    if name not in NAMES:
        raise UserError(f"only {' and '.join(NAMES)} are written in a stream, not {name}")
    every = budget is None
    separation = check_budget(dataset, "inf", budget or Fraction(0), separation)
    parallel = name == "linf-parallel"
    tests = CubeTests(dataset, budget or Fraction(0), separation, carried=not parallel)
    n, size = dataset.dimension, dataset.size
    slope = 2 / separation if every else Fraction(0)

    def layers() -> Layers:
        return _parallel(tests, n, slope) if parallel else _pipelined(tests, n, slope)

    if parallel:
        end, left = n + 2 * n * size + size, size
        while left > 1:  # a level of the tree has a unit for each term of the one before
            end, left = end + left, (left + 1) // 2
    else:  # 2n exceedances a sample, n carried but in the last two layers, N rises, N - 1 maxima
        end = n + 2 * n * size + n * (size - 1) + size + (size - 1)
    last = np.arange(end - 1 - (size > 1), end, dtype=np.int64)
    outputs = with_budget(sum_of(last, -1), n, slope) if every else sum_of(last, -1)
    with at_most_weights(None):
        save_streamed(path, n + every, layers, outputs)
    promises = parallel_promises if parallel else pipelined_promises
    return promises(tests, n, separation)


def _pipelined(tests: CubeTests, n: int, slope: Fraction) -> Iterator[list[Rows]]:
    """Layer t: 2n exceedances of sample t, n carried inputs, the rise of sample t - 1, the
    maximum; see `sequential_layers`."""
    offset = tests.offset
    layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=True)
    for number, layer in enumerate(layers):
        if not slope:
            yield [layer]
            continue
        first = 2 * n if number < tests.size else 0
        rise = first + (n if number < tests.size - 1 else 0)
        parts = [with_budget(_part(layer, 0, first), n, Fraction(-1))] if first else []
        if rise > first:
            parts.append(with_budget(_part(layer, first, rise), n, Fraction(0)))
        if number:
            of = -slope * tests.labels[number - 1]
            parts.append(with_budget(_part(layer, rise, rise + 1), n, of))
            rise += 1
        if layer.count > rise:
            parts.append(with_budget(_part(layer, rise, layer.count), n, Fraction(0)))
        yield [stack(parts)]


def _parallel(tests: CubeTests, n: int, slope: Fraction) -> Iterator[Iterator[Rows]]:
    """All exceedances, all rises, then the levels of the tree; see `parallel_layers`."""
    inputs: Units = np.arange(n, dtype=np.int64)
    batches = [
        range(first, min(first + _SAMPLES, tests.size)) for first in range(0, tests.size, _SAMPLES)
    ]

    def exceedances() -> Iterator[Rows]:
        for batch in batches:
            rows = stack([tests.stage(0, i, _NONE, inputs, Fraction(0)) for i in batch])
            yield with_budget(rows, n, Fraction(-1)) if slope else rows

    def rises() -> Iterator[Rows]:
        for batch in batches:
            rows = []
            for i in batch:
                before = np.arange(n + 2 * n * i, n + 2 * n * (i + 1), dtype=np.int64)
                row = rise_row(tests.value(i, before), _NONE)
                rows.append(with_budget(row, n, -slope * tests.labels[i]) if slope else row)
            yield stack(rows)

    yield exceedances()
    yield rises()
    first = n + 2 * n * tests.size
    terms = [np.array([first + i], dtype=np.int64) for i in range(tests.size)]
    for level in maximum_tree(terms, first + tests.size):
        yield iter([with_budget(level, n, Fraction(0)) if slope else level])


def with_budget(rows: Rows, n: int, slope: Fraction) -> Rows:
    """The rows plus slope * m, where m is variable n and what was variable k >= n is k + 1.

    A row reads either inputs alone or units alone, and all of these rows do the same.
    """
    moved = rows.indices + (rows.indices >= n)
    if not slope:
        return Rows(rows.starts, moved, rows.numerators, rows.constants, rows.denominators)
    top, bottom = slope.numerator, slope.denominator
    inputs = bool(len(rows.indices)) and int(rows.indices[0]) < n
    places = rows.starts[1:] if inputs else rows.starts[:-1]
    weights = scaled(rows.denominators, top)
    return Rows(
        rows.starts + np.arange(rows.count + 1),
        np.insert(moved, places, n),
        _inserted(scaled(rows.numerators, bottom), places, weights),
        scaled(rows.constants, bottom),
        scaled(rows.denominators, bottom),
    )


def _inserted(values: Integers, places: Any, new: Integers) -> Integers:
    wide: Any = np.insert(values, places, new)  # of the type of `values`
    if values.dtype != new.dtype:
        wide = np.insert(values.astype(object), places, new.astype(object))
    return integers(wide)


def _part(rows: Rows, first: int, last: int) -> Rows:
    begin, end = int(rows.starts[first]), int(rows.starts[last])
    return Rows(
        rows.starts[first : last + 1] - begin,
        rows.indices[begin:end],
        rows.numerators[begin:end],
        rows.constants[first:last],
        rows.denominators[first:last],
    )
