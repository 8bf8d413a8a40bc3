"""Rows of a layer written whole, in numpy, for networks of millions of weights.

`verifier.question.build` writes a network as formulas, one unit at a time; the same rows come out
of these functions a layer at a time, a hundred times faster. All integers are exact: int64 where a
bound shows that nothing overflows, Python integers otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import lcm

import numpy as np
from numpy.typing import NDArray

from verifier.question.build import Affine
from verifier.question.errors import UserError
from verifier.question.network import Integers, Network, Rows, integers

_SAFE = 1 << 62


def scaled(values: Integers, factor: int, shift: int = 0) -> Integers:
    """values * factor + shift, exactly."""
    largest = int(max(abs(values.max()), abs(values.min()))) if values.size else 0
    if values.dtype == np.int64 and largest * abs(factor) + abs(shift) < _SAFE:
        return values * np.int64(factor) + np.int64(shift)
    return values.astype(object) * factor + shift


def affine_rows(
    columns: NDArray[np.int64],
    weights: Integers | Sequence[int] | int,
    constants: Integers | Sequence[int] | int,
    denominators: Integers | int = 1,
) -> Rows:
    """Row i is (sum_t weights[i, t] * variable columns[i, t] + constants[i]) / denominators[i].

    columns has shape (rows, terms) and increases along a row; weights, none of them zero,
    broadcast to that shape; constants and denominators broadcast to (rows,).
    """
    rows, terms = columns.shape
    return Rows(
        np.arange(rows + 1, dtype=np.int64) * terms,
        np.ascontiguousarray(columns, dtype=np.int64).ravel(),
        _broadcast(weights, (rows, terms)),
        _broadcast(constants, (rows,)),
        _broadcast(denominators, (rows,)),
    )


def repeated(value: int, count: int) -> Integers:
    """An array of `count` times the same integer."""
    return np.full(count, value, dtype=np.int64 if abs(value) < _SAFE else object)


def copies(variables: NDArray[np.int64]) -> Rows:
    """One row a variable: the variable itself."""
    return affine_rows(variables[:, None], 1, 0)


def rows_of(forms: Sequence[Affine]) -> Rows:
    """One row a form."""
    starts, indices = [0], list[int]()
    numerators, constants, denominators = list[int](), list[int](), list[int]()
    for form in forms:
        entries = sorted((j, w) for j, w in form.weights.items() if w)
        common = lcm(form.constant.denominator, *{w.denominator for _, w in entries})
        indices.extend(variable for variable, _ in entries)
        numerators.extend(w.numerator * (common // w.denominator) for _, w in entries)
        constants.append(form.constant.numerator * (common // form.constant.denominator))
        denominators.append(common)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64),
        np.array(indices, dtype=np.int64),
        integers(numerators),
        integers(constants),
        integers(denominators),
    )


def forms_of(rows: Rows) -> list[Affine]:
    """One form a row: the inverse of `rows_of`."""
    return [Affine(*rows.fractions(i)) for i in range(rows.count)]


def shifted(rows: Rows, by: int) -> Rows:
    """The same rows of the variables numbered `by` higher."""
    return Rows(rows.starts, rows.indices + by, rows.numerators, rows.constants, rows.denominators)


def composed(rows: Rows, inner: Rows) -> Rows:
    """The rows in which variable k is replaced by row k of `inner`."""
    forms = forms_of(inner)
    return rows_of(
        [
            Affine.sum([constant, *(forms[k] * weight for k, weight in weights.items())])
            for weights, constant in map(rows.fractions, range(rows.count))
        ]
    )


def stack(blocks: Sequence[Rows]) -> Rows:
    """The rows of all blocks, one after another."""
    if len(blocks) == 1:
        return blocks[0]
    entries = np.cumsum([0, *(len(block.indices) for block in blocks)])
    starts = [np.zeros(1, dtype=np.int64)]
    starts += [block.starts[1:] + first for block, first in zip(blocks, entries, strict=False)]
    return Rows(
        np.concatenate(starts),
        np.concatenate([np.zeros(0, dtype=np.int64), *(block.indices for block in blocks)]),
        _joined([block.numerators for block in blocks]),
        _joined([block.constants for block in blocks]),
        _joined([block.denominators for block in blocks]),
    )


MOST_WEIGHTS = 100_000_000  # held in memory, at 80 bytes or so each while a network is built
_LIMIT: ContextVar[int | None] = ContextVar("most weights of a network", default=MOST_WEIGHTS)


@contextmanager
def at_most_weights(limit: int | None) -> Iterator[None]:
    """Inside, a network of more weights is given up as soon as its layers exceed the limit; outside
    it is MOST_WEIGHTS, and None means any number."""
    token = _LIMIT.set(limit)
    try:
        yield
    finally:
        _LIMIT.reset(token)


def check_limit(weights: int) -> None:
    """Raises UserError if so many weights are beyond the limit of `at_most_weights`."""
    limit = _LIMIT.get()
    if limit is not None and weights > limit:
        hint = ""
        if limit == MOST_WEIGHTS:
            hint = "; linf-pipelined and linf-parallel can be written with --stream"
        raise UserError(f"the network has more than {limit} weights{hint}")


def listed(layers: Iterable[Rows]) -> list[Rows]:
    """All layers; raises UserError beyond the limit of `at_most_weights`."""
    total, blocks = 0, list[Rows]()
    for layer in layers:
        total += len(layer.indices)
        check_limit(total)
        blocks.append(layer)
    return blocks


def network_of_layers(inputs: int, layers: Iterable[Rows], outputs: Rows) -> Network:
    """The network with these hidden layers."""
    blocks = listed(layers)
    units = _narrowed(stack(blocks))
    return Network(inputs, tuple(block.count for block in blocks), units, _narrowed(outputs))


def _narrowed(rows: Rows) -> Rows:
    """The same rows with int64 wherever it holds all entries, as a file would give them back."""
    fields = (rows.numerators, rows.constants, rows.denominators)
    if all(field.dtype == np.int64 for field in fields):
        return rows
    return Rows(rows.starts, rows.indices, *(integers(field) for field in fields))


def _broadcast(values: Integers | Sequence[int] | int, shape: tuple[int, ...]) -> Integers:
    array = values if isinstance(values, np.ndarray) else _as_array(values)
    return np.ascontiguousarray(np.broadcast_to(array, shape)).ravel()


def _as_array(values: Sequence[int] | int) -> Integers:
    if isinstance(values, int):
        return integers([values]).reshape(())
    return integers(values)


def _joined(parts: Sequence[Integers]) -> Integers:
    if all(part.dtype == np.int64 for part in parts):
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return integers([value for part in parts for value in part.tolist()])
