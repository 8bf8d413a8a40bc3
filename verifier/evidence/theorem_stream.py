"""The stream that `robmem-theorem` reads: a question, data, and the rows of a network.

A few lines of words, then integers of eight bytes each, little endian, two's complement; -2^63
announces a longer one: the number of its bytes, then these. The grammar stands in
`constructions/coq/program/robmem_theorem.ml`. What the program prints back is this stream without
the line `mask` and without the vectors of half-spaces, which are hints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.data_file import Points
from verifier.evidence.network_rows import NetworkRows
from verifier.question.built import Built
from verifier.question.network import LEAST, Rows
from verifier.question.rational import format_rational

Part = tuple[bool, bytes]
"""A piece of the stream, and whether the program prints it back."""
Vectors = Sequence[Sequence[Sequence[int]]]
"""Of each sample the vectors of its half-spaces."""
_SAMPLES = 1024  # at a time


def stream_parts(
    built: Built,
    every: bool,
    ball: Fraction,
    points: Points,
    vectors: Vectors,
    rows: NetworkRows | None,
    *,
    mask: Sequence[bool] = (),
    turns: int = 1,
    turn: int = 0,
) -> Iterator[Part]:
    """The stream. `ball` is the radius asked about, for L2 its square; without `rows` the samples
    of this turn are compared, and no network."""
    budget = "every" if every else "one"
    numbers = map(format_rational, (built.power, built.parameter, ball))
    yield True, _line("robmem-theorem", "1")
    yield True, _line("question", built.construction, budget, *numbers)
    yield True, _line("data", points.size, points.dimension, points.denominator)
    yield False, _line("mask", "".join("01"[bit] for bit in mask))
    yield True, _line("turns", turns, turn)
    if rows is None:
        yield True, _line("network", "none")
    else:
        yield True, _line("network", rows.inputs, rows.units, rows.outputs.count)
    for first in range(0, points.size, _SAMPLES):
        part = slice(first, first + _SAMPLES)
        labels = points.labels[part, None]
        yield True, integer_bytes(np.concatenate([labels, points.numerators[part]], axis=1))
    for own in vectors:
        flat = [len(own), *(int(entry) for vector in own for entry in vector)]
        yield False, integer_bytes(np.array(flat, dtype=object))
    if rows is not None:
        for block in rows.parts():
            yield True, row_bytes(block)
        yield True, row_bytes(rows.outputs)


def _line(*words: object) -> bytes:
    return (" ".join(map(str, words)) + "\n").encode("ascii")


def row_bytes(rows: Rows) -> bytes:
    """Of each row the number of its terms, variable and weight of each, bias, denominator."""
    counts = np.diff(rows.starts)
    first = 3 * np.arange(rows.count, dtype=np.int64) + 2 * rows.starts[:-1]
    term = 3 * np.repeat(np.arange(rows.count), counts) + 1 + 2 * np.arange(len(rows.indices))
    fields = (rows.numerators, rows.constants, rows.denominators)
    wide = any(field.dtype == object for field in fields)
    flat: NDArray[Any] = np.empty(
        3 * rows.count + 2 * len(rows.indices), dtype=object if wide else np.int64
    )
    flat[first], flat[term], flat[term + 1] = counts, rows.indices, rows.numerators
    flat[first + 2 * counts + 1], flat[first + 2 * counts + 2] = rows.constants, rows.denominators
    return integer_bytes(flat)


def integer_bytes(values: NDArray[Any]) -> bytes:
    """The integers, row by row, as the stream holds them."""
    if values.dtype != object:
        return np.ascontiguousarray(values, dtype="<i8").tobytes()
    return b"".join(map(_integer, values.ravel().tolist()))


def _integer(value: int) -> bytes:
    if LEAST < value < -LEAST:
        return value.to_bytes(8, "little", signed=True)
    size = value.bit_length() // 8 + 1
    head = LEAST.to_bytes(8, "little", signed=True) + size.to_bytes(8, "little")
    return head + value.to_bytes(size, "little", signed=True)
