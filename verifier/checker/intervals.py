"""Root bounds: exact interval arithmetic through the whole network, for many boxes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.live_rows import LiveRows
from verifier.checker.scaled import LIMIT, Block, Part, ScaledNetwork, scaled_inputs
from verifier.question.region import Region

MEMORY = 512 << 20  # bytes for the root bounds of one chunk
LARGEST_CHUNK = 256
SHORT = 16  # numbers of a row


@dataclass(frozen=True, eq=False)
class RootBounds:
    """scale[v] * a_v lies in [lower_of(v), upper_of(v)] for every unit v, on the box of a region.

    One column of the bounds of many regions, of which mostly few entries are asked for; the scales
    are those of the ScaledNetwork.
    """

    scaled: ScaledNetwork
    table: Any  # (rows, regions), see `Tables`
    column: int
    constants: bool  # see `LiveRows`
    twin: int | None = None  # the column of the other end of a family's cone
    first: RootBounds | None = None  # at the last end of a cone: those at the first one
    together: Any = None  # the `MaximaTogether` of this table, if there is one

    def lower_of(self, v: int) -> int:
        return self._bound(v, self.scaled.tables.lower_row)

    def upper_of(self, v: int) -> int:
        return self._bound(v, self.scaled.tables.upper_row)

    def _bound(self, v: int, rows: NDArray[np.int64]) -> int:
        variable = self.scaled.network.inputs + v
        value: int = self.table.item(rows.item(variable), self.column)
        if self.scaled.origins.item(variable) == variable:
            return value
        if self.twin is not None and rows is self.scaled.tables.lower_row:
            return value if min(value, self.table.item(rows.item(variable), self.twin)) >= 0 else 0
        return max(value, 0)

    @cached_property
    def rows(self) -> LiveRows:
        """The rows of the units as these bounds leave them; both ends of a cone have the same."""
        if self.first is not None:
            return self.first.rows
        columns = (self.column,) if self.twin is None else (self.column, self.twin)
        return LiveRows(self.scaled, self.table, columns, self.constants)

    @property
    def places(self) -> int:
        """The bounds are integers: units of 2^-0."""
        return 0

    @cached_property
    def lower(self) -> Any:
        """All lower bounds, (units,) int64 or object."""
        return self._all(self.scaled.tables.lower_row)

    @cached_property
    def upper(self) -> Any:
        """All upper bounds."""
        return self._all(self.scaled.tables.upper_row)

    def bounds_of(self, units: NDArray[np.int64]) -> tuple[Any, Any]:
        """Lower and upper bounds of these units, int64 or object."""
        variables = self.scaled.network.inputs + units
        tables = self.scaled.tables
        low, high = (
            self._read(rows, variables, variables) for rows in (tables.lower_row, tables.upper_row)
        )
        return low, high

    def _all(self, rows: NDArray[np.int64]) -> Any:
        inputs = self.scaled.network.inputs
        variables = np.arange(inputs, self.scaled.network.variables)
        return self._read(rows, slice(inputs, None), variables)

    def _read(
        self, rows: NDArray[np.int64], at: slice | NDArray[np.int64], variables: NDArray[np.int64]
    ) -> Any:
        """The bounds of units, which are these `variables`, and stand `at` them in arrays."""
        values = self.table[rows[at], self.column]
        copied = self.scaled.origins[at] != variables
        if self.twin is not None and rows is self.scaled.tables.lower_row:
            copied &= np.minimum(values, self.table[rows[at], self.twin]) < 0
            values[copied] = 0
        values[copied] = np.maximum(values[copied], 0)
        return values if values.dtype == object else values.astype(np.int64)


FamilyRoots = tuple[RootBounds, RootBounds]
"""At the first and at the last end of a family's cone."""


def chunks(scaled: ScaledNetwork, count: int) -> list[slice]:
    """Equal parts of `count` regions, or cones, few enough that the root bounds of a part, at each
    end of a cone, fit into `MEMORY` if 64 bits hold them. Cones are not fewer than regions: what a
    part costs is mostly the same for each part."""
    most = max(1, min(LARGEST_CHUNK, MEMORY // (8 * scaled.tables.height)))
    parts = -(-count // most)
    edges = [count * k // parts for k in range(parts)] + [count]
    return list(starmap(slice, pairwise(edges)))


class Room:
    """Memory for one table at a time: asking for it anew costs more than a table's arithmetic."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, dtype=np.uint8)

    def empty(self, shape: tuple[int, int], kind: Any) -> Any:
        """An array of this shape in the place of the one before, which is overwritten."""
        if np.dtype(kind) == object:
            return np.empty(shape, dtype=object)
        size = shape[0] * shape[1] * np.dtype(kind).itemsize
        if len(self._bytes) < size:
            self._bytes = np.empty(size, dtype=np.uint8)
        return self._bytes[:size].view(kind).reshape(shape)


def interval_bounds(
    scaled: ScaledNetwork,
    regions: Sequence[Region],
    room: Room | None = None,
    *,
    twins: bool = False,
) -> list[RootBounds]:
    """The root bounds of each region, exact, in `room` if that is given. Memory: 8 bytes a region
    and unit that is no copy if 32 bits do, 16 if 64 do.

    With `twins`, the regions are first ends of families' cones and then, in the same order, their
    last ends, and so are the bounds: the lower bound of a unit's output is that of its
    pre-activation where that is >= 0 at both ends, and otherwise 0 at both (see `family.py`).
    """
    inputs, tables = scaled.network.inputs, scaled.tables
    low = scaled_inputs([region.lower for region in regions], scaled.denominator)
    high = scaled_inputs([region.upper for region in regions], scaled.denominator)
    # The largest |input| and z of each variable on all regions.
    largest: Any = np.zeros(scaled.network.variables, dtype=object)
    largest[:inputs] = np.maximum(np.abs(low).max(axis=1), np.abs(high).max(axis=1))
    kind, limit = _type_for(int(largest.max()))
    if limit is not None:
        largest = largest.astype(np.int64)
    shape = tables.height, len(regions)
    table: Any = np.empty(shape, dtype=kind) if room is None else room.empty(shape, kind)
    table[:inputs], table[inputs : 2 * inputs] = low, high
    for block in scaled.blocks:
        top = int(largest[block.variables].max()) if len(block.variables) else 0
        reach = block.largest_row * max(top, 1) + block.largest_constant
        read = table[block.gather]
        if twins:
            _couple(read, block.below_units)
        _rectify(read, block.of_units)
        if limit is not None and reach >= limit:
            if reach >= LIMIT:  # Python integers are slow, and take five times the memory
                reach = min(reach, _reach_of(read, block))
            if reach >= limit:
                kind, limit = _type_for(reach)
                table, read = table.astype(kind), read.astype(kind)
                if limit is None:
                    largest = largest.astype(object)
        count, constants = len(block.units), block.constants.astype(kind, copy=False)
        rows = table[block.first : block.first + 2 * count]
        read *= block.weights.astype(kind, copy=False)
        np.add.reduce(read, axis=0, dtype=kind, out=rows)
        rows += constants
        largest[inputs + block.units] = np.maximum(_largest_of(rows[count:]), 0)
    table.flags.writeable = False
    if twins:
        return _ends(scaled, table)
    return [
        RootBounds(scaled, table, column, region.norm == "inf" or _thick(region))
        for column, region in enumerate(regions)
    ]


def _largest_of(rows: Any) -> Any:
    """The largest number of each row: of short rows column by column, which is faster."""
    if rows.shape[1] >= SHORT:
        return rows.max(axis=1)
    return np.maximum.reduce(np.ascontiguousarray(rows.T), axis=0)


def _ends(scaled: ScaledNetwork, table: Any) -> list[RootBounds]:
    count = table.shape[1] // 2
    first = [RootBounds(scaled, table, k, True, count + k) for k in range(count)]
    last = [RootBounds(scaled, table, count + k, True, k, first[k]) for k in range(count)]
    return first + last


def renewed(ends: FamilyRoots, **changes: Any) -> FamilyRoots:
    """The same bounds at both ends of a cone, with caches of their own."""
    first = replace(ends[0], **changes)
    return first, replace(ends[1], first=first, **changes)


def _couple(read: Any, lower: Part) -> None:
    """Zero instead of a unit's lower bound that is negative at either end of a cone."""
    if not lower.mask.size:
        return
    count = read.shape[-1] // 2
    part = read[lower.entries, lower.rows]
    first, last = part[..., :count], part[..., count:]
    if read.dtype == object:
        negative = ((first | last) < 0) & lower.mask
        first[negative], last[negative] = 0, 0
        return
    kept = first | last  # in bits: its sign is that of the smaller one, and fills the number
    kept >>= read.dtype.itemsize * 8 - 1
    np.invert(kept, out=kept)
    kept |= np.where(lower.mask, 0, -1).astype(read.dtype)
    first &= kept
    last &= kept


def _rectify(read: Any, units: Part) -> None:
    """The bounds of what units put out, from those of what they take in; those of inputs stay."""
    if not units.mask.size:
        return
    part = read[units.entries, units.rows]
    if units.mask.all():  # one number is compared with faster than an array of as many
        np.maximum(part, 0, out=part)
        return
    if read.dtype == object:
        np.maximum(part, 0, out=part, where=units.mask)
        return
    least = np.iinfo(read.dtype).min  # which no number is below
    np.maximum(part, np.where(units.mask, 0, least).astype(read.dtype), out=part)


def _type_for(reach: int) -> tuple[Any, int | None]:
    """The narrowest integers that hold all sums up to `reach` with room to spare, and below which
    they do; None for Python integers, which hold all."""
    for kind, limit in ((np.int32, 1 << 30), (np.int64, LIMIT)):
        if reach < limit:
            return kind, limit
    return object, None


def _reach_of(read: Any, block: Block) -> int:
    """At least what weights, and sums of a part of the terms of a row of the block, are in absolute
    value for these bounds of what it reads, and not much more: both factors of a term are rounded
    up to as many bits as leave the sums within 64."""
    keep = (62 - len(read).bit_length()) // 2
    values, weights = np.abs(read), np.abs(block.weights)
    heaviest = int(weights.max(initial=0))
    down = [max(0, int(most).bit_length() - keep) for most in (values.max(initial=0), heaviest)]
    terms = -(-values >> down[0]) * (-(-weights >> down[1])).astype(np.int64)
    total = int(terms.sum(axis=0).max(initial=0)) << sum(down)
    return max(total, heaviest) + block.largest_constant


def _thick(region: Region) -> bool:
    return all(low < high for low, high in zip(region.lower, region.upper, strict=True))
