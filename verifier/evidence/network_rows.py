"""The rows of a network, some at a time: of one in memory, or of a native file that need not fit.

A native file whose sections are integers of fixed width is read where it lies; its hash is checked
once when it is opened, and the digest of the network is taken from the sections, so that it is the
`Network.digest` of the same rows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.files import open_regular
from verifier.evidence.network_file import MAX_HEADER, native_layout, parse_network
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network, Rows, digest_of, integers

_ENTRIES = 1 << 19  # that a part holds, unless a single row has more
_BLOCK = 1 << 20  # bytes, or integers, at a time
_FIELDS = ("starts", "indices", "numerators", "constants", "denominators")


class NetworkRows(Protocol):
    """Rows over inputs and units of a network; `layers` are the numbers of units."""

    inputs: int
    layers: tuple[int, ...]

    @property
    def digest(self) -> str: ...
    @property
    def units(self) -> int: ...
    @property
    def outputs(self) -> Rows: ...
    def parts(self) -> Iterator[Rows]:
        """The rows of all units, in order, some at a time."""
        ...


class HeldRows:
    """Of a network in memory."""

    def __init__(self, network: Network) -> None:
        self.network, self.inputs, self.layers = network, network.inputs, network.layers

    @property
    def digest(self) -> str:
        return self.network.digest

    @property
    def units(self) -> int:
        return self.network.units.count

    @property
    def outputs(self) -> Rows:
        return self.network.outputs

    def parts(self) -> Iterator[Rows]:
        yield from _parts([getattr(self.network.units, name) for name in _FIELDS])


class Section:
    """The integers of one section of a file, read where they are asked for."""

    dtype = np.dtype(np.int64)

    def __init__(self, stream: BinaryIO, kind: str, count: int, place: int) -> None:
        self._handle, self._kind, self._count, self._place = stream.fileno(), kind, count, place

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice) -> NDArray[np.int64]:
        first, last, _ = part.indices(self._count)
        kind = np.dtype(f"<{self._kind}")
        size = max(0, last - first) * kind.itemsize
        data = os.pread(self._handle, size, self._place + first * kind.itemsize)
        if len(data) != size:
            raise UserError("network file truncated while it was read")
        return np.frombuffer(data, kind).astype(np.int64)


class FileRows:
    """Of a native file, whose hash has been checked; while it is open."""

    def __init__(self, header: dict[str, Any], sections: Sequence[Section]) -> None:
        self._sections = sections
        self.inputs: int = header["inputs"]
        self.layers: tuple[int, ...] = tuple(header["layers"])
        if self.inputs < 1 or sum(self.layers) != self.units or min(self.layers, default=0) < 0:
            raise UserError(f"layers add up to {sum(self.layers)}, there are {self.units} units")
        for own in (sections[:5], sections[5:]):
            starts, indices, numerators, constants, denominators = own
            count = len(starts) - 1
            if count < 0 or not len(constants) == len(denominators) == count:
                raise UserError("network file: sections of one row set have different lengths")
            ends = [*starts[:1].tolist(), *starts[count:].tolist()]
            if ends != [0, len(indices)] or len(indices) != len(numerators):
                raise UserError("rows: starts do not increase from 0 to the number of entries")

    @property
    def units(self) -> int:
        return len(self._sections[0]) - 1

    @cached_property
    def digest(self) -> str:
        return digest_of(self.inputs, self.layers, self._sections, _BLOCK)

    @cached_property
    def outputs(self) -> Rows:
        starts, indices, *rest = (section[:] for section in self._sections[5:])
        return Rows(starts, indices, *map(integers, rest))

    def parts(self) -> Iterator[Rows]:
        """The units' rows; raises UserError for one that reads its own layer or a later one."""
        ends, first = np.cumsum(self.layers), 0
        for part in _parts(self._sections[:5]):
            layers = np.searchsorted(ends, np.arange(first, first + part.count), "right")
            known = self.inputs + np.concatenate([[0], ends])[layers]
            wrong = np.flatnonzero(part.indices >= np.repeat(known, np.diff(part.starts)))
            if len(wrong):
                row = int(np.searchsorted(part.starts, wrong[0], "right")) - 1
                raise UserError(
                    f"network: layer {layers[row]} refers to itself or to a later layer"
                )
            yield part
            first += part.count


def _parts(arrays: Sequence[Any]) -> Iterator[Rows]:
    starts, indices, numerators, constants, denominators = arrays
    first, count = 0, len(starts) - 1
    while first < count:
        # as many rows as end within the entries of a part; one at least
        ends = starts[first : min(first + _ENTRIES, count) + 1]
        if np.any(np.diff(ends) < 0):
            raise UserError("rows: starts do not increase from 0 to the number of entries")
        begin = int(ends[0])
        taken = max(1, int(np.searchsorted(ends, begin + _ENTRIES, "right")) - 1)
        last, stop = first + taken, int(ends[taken])
        yield Rows(
            ends[: taken + 1] - begin,
            indices[begin:stop],
            integers(numerators[begin:stop]),
            integers(constants[first:last]),
            integers(denominators[first:last]),
        )
        first = last


@contextmanager
def open_rows(path: Path | str) -> Iterator[NetworkRows]:
    """The rows of the native file at `path`, which stays open meanwhile.

    Raises UserError, naming the file, as `load_network` does.
    """
    with ExitStack() as opened:
        try:
            rows = _rows_of(opened.enter_context(open_regular(path)))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from None
        except RefusedError:
            raise
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        yield rows


def _rows_of(stream: BinaryIO) -> NetworkRows:
    length = os.fstat(stream.fileno()).st_size
    beginning = stream.read(_BLOCK)
    if beginning.count(b"\n", 0, _BLOCK) < 2:  # a long header
        beginning += stream.read(MAX_HEADER + 64)
    header, layout, place = native_layout(beginning, length)
    stream.seek(0)
    if any(kind == "big" for kind, _, _ in layout):
        return HeldRows(parse_network(stream.read()))
    state, left = hashlib.sha256(), length - 32
    while left > 0 and (block := stream.read(min(_BLOCK, left))):
        state.update(block)
        left -= len(block)
    if left or state.digest() != stream.read(32):
        raise UserError("network file altered: its hash differs from its content")
    sections = []
    for kind, count, size in layout:
        sections.append(Section(stream, kind, count, place))
        place += size
    return FileRows(header, sections)
