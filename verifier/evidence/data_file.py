"""The data file: labelled points as the very bytes whose SHA-256 is the data set's digest.

    robmem-dataset 1\\n                                the magic line
    [size,dimension,denominator,width,names]\\n        one line of ASCII JSON without spaces
    labels                                            size little-endian int64 in 0 .. classes-1
    numerators                                        size x dimension, row by row, two's complement
                                                      little-endian integers of `width` bytes

The denominator is a text, the least common one of all entries; `width` is the least multiple of 8
that holds all numerators. So a data set has one file, and a file's hash says which points it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.strict_json import parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.labels import sorted_labels
from verifier.question.network import Integers, integers
from verifier.question.rational import decimal_text, parse_rational

MAGIC = b"robmem-dataset 1\n"
_MAX_HEADER = 1 << 26
_MAX_BITS = 13_000  # of the denominator, whose text must stay below 4000 digits
_BLOCK = 1024  # rows at once, so that copies stay small


@dataclass(frozen=True, eq=False)
class Points:
    """Sample i is numerators[i] / denominator with label number labels[i] of label_names.

    `digest` is the SHA-256 of the data file.
    """

    numerators: Integers  # (size, dimension)
    denominator: int
    labels: NDArray[np.int64]  # (size,) in 0 .. classes-1
    label_names: tuple[str, ...]
    digest: str = field(repr=False)

    @property
    def size(self) -> int:
        return int(self.numerators.shape[0])

    @property
    def dimension(self) -> int:
        return int(self.numerators.shape[1])

    @property
    def classes(self) -> int:
        return len(self.label_names)

    @cached_property
    def range(self) -> tuple[Fraction, Fraction]:
        """The least and the greatest entry."""
        least, greatest = int(self.numerators.min()), int(self.numerators.max())
        return Fraction(least, self.denominator), Fraction(greatest, self.denominator)

    def point(self, sample: int) -> tuple[Fraction, ...]:
        """The coordinates of sample `sample`, counted from 0."""
        if not 0 <= sample < self.size:
            raise UserError(f"sample {sample} of {self.size}")
        return tuple(Fraction(int(n), self.denominator) for n in self.numerators[sample])


def data_bytes(
    numerators: Integers, denominator: int, labels: NDArray[np.int64], label_names: Sequence[str]
) -> bytes:
    """The data file of these labelled points: numerators (size, dimension), labels (size,).

    Raises UserError for a common denominator of more than 13,000 bits.
    """
    below = denominator // _common_divisor(numerators, denominator)
    if below.bit_length() > _MAX_BITS:
        raise UserError(
            f"a common denominator of {below.bit_length()} bits; the limit of a data "
            f"file is {_MAX_BITS}"
        )
    return b"".join(data_parts(numerators, denominator, labels, label_names))


def data_digest(
    numerators: Integers, denominator: int, labels: NDArray[np.int64], label_names: Sequence[str]
) -> str:
    """The SHA-256, in hex, of the data file of these points, also of one beyond its limit."""
    state = hashlib.sha256()
    for part in data_parts(numerators, denominator, labels, label_names):
        state.update(part)
    return state.hexdigest()


def data_parts(
    numerators: Integers, denominator: int, labels: NDArray[np.int64], label_names: Sequence[str]
) -> Iterator[bytes]:
    """The bytes of the data file, in parts of some rows each."""
    common = _common_divisor(numerators, denominator)
    width = _width(numerators, common)
    below = decimal_text(denominator // common)
    header = [*map(int, numerators.shape), below, width, list(label_names)]
    yield MAGIC + json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n"
    yield np.ascontiguousarray(labels, dtype="<i8").tobytes()
    for start in range(0, numerators.shape[0], _BLOCK):
        block: Any = numerators[start : start + _BLOCK]
        if common.bit_length() > 63:  # of zeros
            block = block.astype(object)
        block = block if common == 1 else block // common
        if width == 8:
            yield block.astype("<i8").tobytes()
        else:
            yield b"".join(int(n).to_bytes(width, "little", signed=True) for n in block.flat)


def parse_data(content: bytes) -> Points:
    """The labelled points that `content` holds; raises RefusedError, naming the flaw."""
    if not content.startswith(MAGIC):
        raise RefusedError("not a data file", "its first line is another")
    end = content.find(b"\n", len(MAGIC), len(MAGIC) + _MAX_HEADER)
    if end < 0:
        raise RefusedError("truncated", "the header of the data has no end")
    line = content[len(MAGIC) : end]
    size, dimension, denominator, width, names = _header(line)
    body = end + 1 + 8 * size
    expected = body + size * dimension * width
    if len(content) != expected:
        raise RefusedError("truncated", f"{len(content)} bytes of data, the header says {expected}")
    labels = np.frombuffer(content, dtype="<i8", count=size, offset=end + 1).astype(np.int64)
    if int(labels.min()) < 0 or int(labels.max()) >= len(names):
        raise RefusedError("index out of range", f"labels beyond the {len(names)} names")
    numerators: Any
    if width == 8:
        flat = np.frombuffer(content, dtype="<i8", count=size * dimension, offset=body)
        numerators = integers(flat.astype(np.int64))
    else:
        numerators = integers(
            [
                int.from_bytes(content[at : at + width], "little", signed=True)
                for at in range(body, expected, width)
            ]
        )
    numerators = numerators.reshape(size, dimension)
    if _common_divisor(numerators, denominator) != 1 or _width(numerators, 1) != width:
        raise RefusedError("not canonical", "the entries are not in lowest terms or too wide")
    return Points(numerators, denominator, labels, names, hashlib.sha256(content).hexdigest())


def _header(line: bytes) -> tuple[int, int, int, int, tuple[str, ...]]:
    header = parse_json(line)
    if not isinstance(header, list) or len(header) != 5:
        raise RefusedError("malformed", "the header of the data is not a list of 5")
    size, dimension, below, width, names = header
    for value in (size, dimension, width):
        if type(value) is not int or value < 1:
            raise RefusedError("malformed", f"{str(value)[:40]!r} in the header is not a count")
    if width % 8 or type(below) is not str:
        raise RefusedError("malformed", "the width or the denominator of the data")
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        raise RefusedError("malformed", "the label names are not a list of texts")
    if names != sorted_labels(names):
        raise RefusedError("malformed", "the label names are not distinct or not sorted")
    for name in names:
        if not name or not name.isprintable():
            raise RefusedError("malformed", f"{ascii(name)[:40]} is no label: empty or unprintable")
    if json.dumps(header, separators=(",", ":")).encode("ascii") != line:
        raise RefusedError("not canonical", "the header of the data")
    try:
        denominator = parse_rational(below)
    except UserError as error:
        raise RefusedError("malformed", str(error)) from None
    if denominator < 1 or denominator.denominator != 1 or str(denominator) != below:
        raise RefusedError("malformed", f"the denominator {below[:40]} is not a positive integer")
    return size, dimension, int(denominator), width, tuple(names)


def _common_divisor(numerators: Integers, denominator: int) -> int:
    if denominator == 1:
        return 1
    if numerators.dtype == np.int64:
        return gcd(denominator, int(np.gcd.reduce(numerators, axis=None)))
    return gcd(denominator, *{int(n) for n in numerators.flat})


def _width(numerators: Integers, common: int) -> int:
    greatest = max(-int(numerators.min()) - 1, int(numerators.max())) // common
    return int(8 * (greatest.bit_length() // 64 + 1))
