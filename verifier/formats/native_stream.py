"""Writes the native network file of a network too large for memory, a layer at a time.

The bytes are those that `verifier.evidence.network_file.save_network` would write. The layers are
produced twice, each as some blocks of rows: once to learn how many rows and entries there are and
how wide each section must be, and once to write every section of every block to its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.files import replacing
from verifier.evidence.network_file import MAGIC, VERSION
from verifier.question.errors import UserError
from verifier.question.network import Rows

_FIELDS = ("starts", "indices", "numerators", "constants", "denominators")
_WIDTHS = (1, 2, 4, 8)
_CHUNK = 1 << 24
Layers = Iterable[Iterable[Rows]]


@dataclass(slots=True)
class _Range:
    """How many integers a section has, and between which bounds they lie."""

    count: int = 0
    low: int = 0
    high: int = 0

    def add(self, values: NDArray[np.int64]) -> None:
        if len(values):
            low, high = int(values.min()), int(values.max())
            self.low = low if self.count == 0 else min(self.low, low)
            self.high = high if self.count == 0 else max(self.high, high)
            self.count += len(values)

    @property
    def width(self) -> int:
        for width in _WIDTHS:
            if -(1 << (8 * width - 1)) <= self.low and self.high < 1 << (8 * width - 1):
                return width
        raise UserError("a weight beyond 64 bits cannot be streamed to a native file")


@dataclass(slots=True)
class _Survey:
    """What the first pass learns."""

    layers: list[int] = field(default_factory=list)
    ranges: dict[str, _Range] = field(default_factory=dict)
    entries: int = 0


def _sections(rows: Rows, first_entry: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    yield "starts", rows.starts[1:] + first_entry
    for name in _FIELDS[1:]:
        values = getattr(rows, name)
        if values.dtype != np.int64:
            raise UserError("a weight beyond 64 bits cannot be streamed to a native file")
        yield name, values


def _survey(layers: Layers) -> _Survey:
    survey = _Survey(ranges={name: _Range() for name in _FIELDS})
    survey.ranges["starts"].add(np.zeros(1, dtype=np.int64))
    for layer in layers:
        survey.layers.append(0)
        for rows in layer:
            for name, values in _sections(rows, survey.entries):
                survey.ranges[name].add(values)
            survey.layers[-1] += rows.count
            survey.entries += len(rows.indices)
    return survey


def save_streamed(
    path: Path | str, inputs: int, layers: Callable[[], Layers], outputs: Rows
) -> None:
    """Writes the network with these hidden layers and outputs; never a partial file.

    `layers()` gives the same layers whenever it is called, each in blocks of rows over inputs and
    units of earlier layers.

    Raises:
        UserError: A weight does not fit in 64 bits, or the second pass differs from the first.
    """
    units, last = _survey(layers()), _survey([[outputs]])
    headers, offsets, position = [], {}, 0
    for owner, survey in (("units", units), ("outputs", last)):
        for name in _FIELDS:
            found = survey.ranges[name]
            size = found.count * found.width
            headers.append(
                {
                    "name": f"{owner}.{name}",
                    "kind": f"i{found.width}",
                    "count": found.count,
                    "bytes": size,
                }
            )
            offsets[owner, name] = position
            position += size
    header = {"inputs": inputs, "layers": units.layers, "sections": headers}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    start = b"".join([MAGIC, str(VERSION).encode(), b"\n", text, b"\n"])
    with replacing(path) as file:
        file.write(start)
        file.truncate(len(start) + position)
        for owner, survey, listed in (
            ("units", units, layers()),
            ("outputs", last, [[outputs]]),
        ):
            places = {name: len(start) + offsets[owner, name] for name in _FIELDS}
            _write(file, survey, places, chain.from_iterable(listed))
        file.seek(0)
        state = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            state.update(chunk)
        file.write(state.digest())


class _Buffered:
    """Appends to one section of the file, many layers at a time."""

    def __init__(self, file: BinaryIO, position: int, width: int) -> None:
        self._file, self._position, self._kind = file, position, f"<i{width}"
        self._parts: list[bytes] = []
        self._size = 0
        self.count = 0

    def add(self, values: NDArray[np.int64]) -> None:
        data = values.astype(self._kind).tobytes()
        self._parts.append(data)
        self._size += len(data)
        self.count += len(values)
        if self._size > _CHUNK:
            self.flush()

    def flush(self) -> None:
        self._file.seek(self._position)
        self._file.write(b"".join(self._parts))
        self._position += self._size
        self._parts, self._size = [], 0


def _write(file: BinaryIO, survey: _Survey, places: dict[str, int], blocks: Iterable[Rows]) -> None:
    sections = {name: _Buffered(file, places[name], survey.ranges[name].width) for name in _FIELDS}
    sections["starts"].add(np.zeros(1, dtype=np.int64))
    entries = 0
    for rows in blocks:
        for name, values in _sections(rows, entries):
            if sections[name].count + len(values) > survey.ranges[name].count:
                raise UserError("the layers changed between the two passes over them")
            sections[name].add(values)
        entries += len(rows.indices)
    for name, section in sections.items():
        section.flush()
        if section.count != survey.ranges[name].count:
            raise UserError("the layers changed between the two passes over them")
