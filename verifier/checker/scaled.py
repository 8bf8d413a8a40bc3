"""The network in integers: every variable times a scale of its own, so that nothing is rounded.

For inputs that are multiples of 1/D, unit v has a positive integer scale S_v such that
A_v = S_v a_v = sum of M_vu Z_u + C_v with integers M and C, where Z_u = S_u z_u. Values, interval
bounds and substitutions then need no denominators. int64 is used where a bound computed in Python
integers shows that no sum can overflow, Python integers otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from verifier.checker.contracted import Places, contracted, place_type
from verifier.checker.equal_rows import first_of_equal
from verifier.checker.limbs import LimbMatrix
from verifier.question.errors import UserError
from verifier.question.network import Derived, Integers, Network, Rows, integers
from verifier.question.query import Query

LIMIT = 2**62
Row = tuple[list[int], list[int], int]
"""Variables, weights, constant."""

PlacedRow = tuple[list[int], list[int], list[tuple[int, int, int, int]], int]
"""The inputs with their weights; the units, each with its weight and the rows of its lower and
upper bound in `Tables`; the constant."""

_CELLS = 1 << 20  # of the matrices of full layers
_KINDS: tuple[Any, ...] = (np.int16, np.int32, np.int64)
_BLOCK = 1 << 11  # entries of a block, so that what is picked for it stays in the cache


@dataclass(frozen=True, slots=True, eq=False)
class ScaledLayer:
    """The integer rows of one layer: first..last are unit numbers (or outputs), entries as CSR."""

    first: int
    last: int
    edges: NDArray[np.int64]  # where the entries of the rows begin, and where the last ones end
    indices: NDArray[np.int64]  # variables
    weights: Integers
    constants: Integers
    largest_row: int  # the largest sum of |weights| of a row
    largest_constant: int
    known: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    """`rows`, of a layer of few of them: of others they take as much as all else."""

    @property
    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that have entries, relative to first, and where their entries begin."""
        return _filled(self.edges) if self.known is None else self.known

    @property
    def filled(self) -> NDArray[np.int64]:
        """The rows that have entries, relative to first."""
        return self.rows[0]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the entries of the filled rows begin, for reduceat."""
        return self.rows[1]

    def times(self, factor: int) -> ScaledLayer:
        """For variables and units that have this multiple of their scales."""
        constants = _times(self.constants, self.largest_constant, factor)
        return replace(self, constants=constants, largest_constant=self.largest_constant * factor)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some entries of a block, those in `mask`, and the least slices that hold them all: what is
    done with these entries alone need not look at the others."""

    entries: slice  # of a row
    rows: slice
    mask: NDArray[np.bool_]  # (entries, rows, 1)

    @staticmethod
    def of(chosen: NDArray[np.bool_]) -> Part:
        """`chosen`: (entries of a row, rows)."""
        entries = _reach(np.logical_or.reduce(chosen, axis=1))
        rows = _reach(np.logical_or.reduce(chosen, axis=0))
        mask = chosen[entries, rows, None].copy()  # a view could be written through its base
        _close(mask)
        return Part(entries, rows, mask)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Units that do not read each other, with equally many entries in their rows.

    The bounds of variables stand in a table, see `Tables`. Rows come twice, first for the lower
    bounds of the units, then for the upper ones; entries are listed as the first of each row, the
    second of each row, and so on.
    """

    units: NDArray[np.int64]
    first: int  # row of the table where the lower bounds stand, and after them the upper ones
    variables: NDArray[np.int64]  # that are read, each replaced by the first that equals it; once
    gather: Places  # (entries of a row, rows): rows of the table that are read
    of_units: Part  # where a unit is read, whose output is not below 0
    below_units: Part  # where its lower bound is read
    weights: Any  # (.., 1), of the narrowest integers, 16 bits at least
    constants: Integers  # (rows, 1)
    largest_row: int  # the largest sum of |weights| of a row
    largest_constant: int

    def times(self, factor: int) -> Block:
        """See `ScaledLayer.times`."""
        constants: Any = _times(self.constants, self.largest_constant, factor)
        return replace(self, constants=constants, largest_constant=self.largest_constant * factor)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Where interval bounds stand: in tables of `height` rows.

    The bounds of a variable, which for a copy are those of what it copies, stand in the rows
    lower_row[variable] and upper_row[variable]; units with equal rows share theirs.
    """

    height: int
    lower_row: Places
    upper_row: Places


@dataclass(frozen=True, slots=True, eq=False)
class FullLayer:
    """The rows of one layer as a matrix of Python integers (units, variables read)."""

    first: int
    last: int
    variables: list[int]
    weights: NDArray[np.object_]
    limbs: LimbMatrix
    constants: list[int]

    def times(self, factor: int) -> FullLayer:
        """See `ScaledLayer.times`."""
        return replace(self, constants=[factor * constant for constant in self.constants])


class Scales(Sequence[int]):
    """Integers of which few are different, in a byte or two each."""

    def __init__(self, different: list[int], places: Any) -> None:
        self._different, self._places = different, places

    @staticmethod
    def of(numbers: Integers) -> Scales:
        """These numbers."""
        if numbers.dtype == object:
            seen = dict[int, int]()
            found = np.array([seen.setdefault(number, len(seen)) for number in numbers])
            different = list(seen)
        else:
            unique, found = np.unique(numbers, return_inverse=True)
            different = unique.tolist()
        return Scales(different, found.astype(np.min_scalar_type(len(different))))

    def times(self, factor: int) -> Scales:
        """This multiple of all."""
        return Scales([factor * number for number in self._different], self._places)

    @overload
    def __getitem__(self, k: int) -> int: ...
    @overload
    def __getitem__(self, k: slice) -> list[int]: ...
    def __getitem__(self, k: int | slice) -> int | list[int]:
        if isinstance(k, slice):
            return [self._different[place] for place in self._places[k].tolist()]
        place: int = self._places.item(k)
        return self._different[place]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        return iter(self[:])

    def largest(self) -> int:
        """The largest of them, 1 at least."""
        return max(self._different, default=1)


class ScaledNetwork:
    """`network` with integer rows for inputs that are multiples of 1/`denominator`.

    The weights are those for whole inputs, whatever the denominator is: scales and constants are
    multiples of what they are there. What depends on the network alone is derived once.

    `axes` is the number of inputs that are directions of ridge functions: all, or in a family all
    but the last, m, which lies on no direction.
    """

    def __init__(self, network: Network, denominator: int, *, family: bool = False) -> None:
        self.network = network
        self.axes = network.inputs - family
        self.denominator = denominator
        self._one = one = self if denominator == 1 else network.derived(_at_one)
        self._placed_rows: dict[int, PlacedRow] = {}
        self._derived: dict[Any, Any] = {}
        self.layers: list[ScaledLayer] = []
        self.output_layer: ScaledLayer
        self.scales: Scales
        self.weights: Integers  # an entry of a unit each, as in `network.units`
        self.constants: Integers  # of the units
        self.output_scales: list[int]
        if one is not self:
            self.layers = [layer.times(denominator) for layer in one.layers]
            self.output_layer = one.output_layer.times(denominator)
            self.scales = one.scales.times(denominator)
            self.output_scales = [scale * denominator for scale in one.output_scales]
            self.weights = one.weights
            self.constants = self._join("constants", [layer.constants for layer in self.layers])
            return
        known = integers([1]).repeat(network.variables)
        for first, last in network.layer_ranges():
            layer, scales = _scaled(network.units, first, last, known)
            self.layers.append(layer)
            if scales.dtype != known.dtype:
                known = known.astype(object)
            known[network.inputs + first : network.inputs + last] = scales
        self.output_layer, scales = _scaled(network.outputs, 0, network.outputs.count, known)
        self.scales = Scales.of(known)
        self.output_scales = scales.tolist()
        self.weights = self._join("weights", [layer.weights for layer in self.layers])
        self.constants = self._join("constants", [layer.constants for layer in self.layers])

    def _join(self, name: str, parts: list[Integers]) -> Integers:
        """These numbers of the layers, one after another, as in `network.units`; large layers have
        theirs there from now on, and not once more."""
        joined = _joined(parts)
        _close(joined)
        begin = 0
        for number, part in enumerate(parts):
            end = begin + len(part)
            if len(part) >= _BLOCK and part.dtype == joined.dtype:
                again: dict[str, Any] = {name: joined[begin:end]}
                self.layers[number] = replace(self.layers[number], **again)
            begin = end
        return joined

    def derived(self, make: Callable[[ScaledNetwork], Derived]) -> Derived:
        """What `make` makes of it, once; see `Network.derived`."""
        if make not in self._derived:
            self._derived[make] = make(self)
        found: Derived = self._derived[make]
        return found

    def has_derived(self, make: Callable[[ScaledNetwork], Any]) -> bool:
        """Whether `derived(make)` is known by now."""
        return make in self._derived

    def row(self, v: int) -> Row:
        """A_v in integers."""
        units = self.network.units
        begin, end = units.starts.item(v), units.starts.item(v + 1)
        variables = units.indices[begin:end].tolist()
        return variables, self.weights[begin:end].tolist(), self.constants.item(v)

    def plain_row(self, v: int) -> Row:
        """The same with copies replaced by what they copy."""
        variables, weights, constant = self.row(v)
        return self.origins[variables].tolist(), weights, constant

    def placed_row(self, v: int) -> PlacedRow:
        """The same, and where the bounds of what it reads stand."""
        found = self._placed_rows.get(v)
        if found is None:
            variables, weights, constant = self.row(v)
            count = bisect_left(variables, self.network.inputs)  # inputs come before units
            units = self.origins[variables[count:]]
            lower, upper = self.tables.lower_row[units], self.tables.upper_row[units]
            columns = units.tolist(), weights[count:], lower.tolist(), upper.tolist()
            listed = list(zip(*columns, strict=True))
            found = variables[:count], weights[:count], listed, constant
            self._placed_rows[v] = found
        return found

    @cached_property
    def full_layers(self) -> list[FullLayer] | None:
        """All layers as matrices, if that pays: most of their entries are not zero, and a unit has
        some."""
        if self._one is not self:
            known = self._one.full_layers
            return known and [layer.times(self.denominator) for layer in known]
        entries = len(self.network.units.indices)
        if entries < 2 * self.network.units.count:
            return None
        columns = [np.unique(layer.indices).tolist() for layer in self.layers]
        sizes = [layer.last - layer.first for layer in self.layers]
        cells = sum(size * len(read) for size, read in zip(sizes, columns, strict=True))
        if cells > min(_CELLS, 2 * entries):
            return None
        found = []
        for layer, size, read in zip(self.layers, sizes, columns, strict=True):
            weights = np.zeros((size, len(read)), dtype=object)
            place = {j: i for i, j in enumerate(read)}
            for v in range(layer.first, layer.last):
                variables, row, _ = self.row(v)
                weights[v - layer.first, [place[j] for j in variables]] = row
            constants = [int(c) for c in layer.constants.tolist()]
            _close(weights)
            limbs = LimbMatrix(weights)
            found.append(FullLayer(layer.first, layer.last, read, weights, limbs, constants))
        return found

    @cached_property
    def origins(self) -> Places:
        """For every variable the one that it equals everywhere: a unit whose row is 1 times a unit
        is a copy of it, for that is not negative."""
        if self._one is not self:
            return self._one.origins
        units, inputs = self.network.units, self.network.inputs
        origins = np.arange(self.network.variables, dtype=np.int64)
        single = (np.diff(units.starts) == 1) & (self.constants == 0)
        entries = units.starts[:-1][single]
        copies = (self.weights[entries] == 1) & (units.indices[entries] >= inputs)
        copying, copied = np.flatnonzero(single)[copies], units.indices[entries[copies]]
        for first, last in self._spans(copying):
            origins[inputs + copying[first:last]] = origins[copied[first:last]]
        origins = origins.astype(place_type(len(origins)))
        _close(origins)
        return origins

    @cached_property
    def firsts(self) -> Places:
        """For every variable one with the same A everywhere: for a unit the first one of its layer
        with the same row, for a copy that of what it copies. (Of layers of few entries the units
        stand for themselves.)"""
        if self._one is not self:
            return self._one.firsts
        inputs, origins = self.network.inputs, self.origins
        firsts = origins.copy()
        for layer in self.layers:
            filled, starts = layer.rows
            variables = inputs + layer.first + filled
            fits = layer.weights.dtype == layer.constants.dtype == np.int64
            if fits and len(layer.indices) >= _BLOCK:
                read, constants = firsts[layer.indices], layer.constants[filled]
                same = first_of_equal(starts, read, layer.weights, constants)
                copies = origins[variables] != variables
                firsts[variables] = np.where(copies, firsts[origins[variables]], variables[same])
            else:
                firsts[variables] = firsts[origins[variables]]
        firsts = firsts.astype(place_type(len(firsts)))
        _close(firsts)
        return firsts

    def _spans(self, units: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """By layer where the increasing `units` stand that belong to it."""
        ends = np.searchsorted(units, [layer.last for layer in self.layers]).tolist()
        return pairwise([0, *ends])

    @cached_property
    def levels(self) -> Places:
        """For every variable a number larger than those of all that it reads, 0 if it reads none:
        variables of a level do not read each other."""
        if self._one is not self:
            return self._one.levels
        inputs, origins = self.network.inputs, self.origins
        levels = np.zeros(self.network.variables, dtype=np.int64)
        for layer in self.layers:
            filled, starts = layer.rows
            if len(filled):
                above = np.maximum.reduceat(levels[origins[layer.indices]], starts) + 1
                levels[inputs + layer.first + filled] = above
        levels = levels.astype(place_type(len(levels)))
        _close(levels)
        return levels

    @cached_property
    def _different(self) -> tuple[Places, NDArray[np.int64]]:
        """The units that differ, each after what it reads, and where their blocks begin: as few
        blocks as that allows."""
        units, inputs = self.network.units, self.network.inputs
        real = np.flatnonzero(self.firsts[inputs:] == np.arange(inputs, self.network.variables))
        lengths, levels = np.diff(units.starts)[real], self.levels[inputs + real]
        order = np.lexsort((lengths, levels))
        return real[order], _edges(levels[order], lengths[order])

    @cached_property
    def tables(self) -> Tables:
        """Where the bounds of all units stand."""
        if self._one is not self:
            return self._one.tables
        inputs, (real, edges) = self.network.inputs, self._different
        sizes = np.diff(edges)
        lower_row = np.arange(self.network.variables, dtype=place_type(2 * self.network.variables))
        upper_row = lower_row + inputs
        lower_row[inputs + real] = 2 * inputs + np.arange(len(real)) + np.repeat(edges[:-1], sizes)
        upper_row[inputs + real] = lower_row[inputs + real] + np.repeat(sizes, sizes)
        lower_row, upper_row = lower_row[self.firsts], upper_row[self.firsts]
        _close(lower_row, upper_row)
        return Tables(2 * (inputs + len(real)), lower_row, upper_row)

    @cached_property
    def blocks(self) -> list[Block]:
        """How the bounds of all units that differ are computed: block after block. (Whoever is
        given bounds needs none.)"""
        if self._one is not self:
            return [block.times(self.denominator) for block in self._one.blocks]
        units, inputs, (real, edges) = self.network.units, self.network.inputs, self._different
        blocks, tables, lengths = [], self.tables, np.diff(units.starts)
        for begin, end in pairwise(edges.tolist()):
            rows = real[begin:end]
            entries = units.starts[rows] + np.arange(lengths[rows[0]])[:, None]
            read = self.firsts[units.indices[entries]]
            constants: Any = integers(self.constants[rows])
            weights: Any = integers(self.weights[entries].ravel()).reshape(entries.shape)
            positive, low, high = weights > 0, tables.lower_row[read], tables.upper_row[read]
            below, above = np.where(positive, low, high), np.where(positive, high, low)
            units_read = read >= inputs
            block = Block(
                rows,
                2 * (inputs + begin),
                read.ravel(),
                np.hstack([below, above]),
                Part.of(np.hstack([units_read, units_read])),
                Part.of(np.hstack([units_read & positive, units_read & ~positive])),
                np.hstack([narrow(weights)] * 2)[:, :, None],
                np.hstack([constants, constants])[:, None],
                int(_sizes(weights).sum(axis=0).max()),
                _largest(constants),
            )
            _close(block.units, block.variables, block.gather)
            _close(block.weights, block.constants)
            blocks.append(block)
        return blocks


def _at_one(network: Network) -> ScaledNetwork:
    """For whole inputs."""
    return ScaledNetwork(network, 1)


def _times(values: Integers, largest: int, factor: int) -> Integers:
    """factor * values, whose absolute values are at most `largest`, in the narrowest type."""
    if not largest:
        return values
    small = values.dtype == np.int64 and largest * factor < LIMIT
    product: Integers = values * np.int64(factor) if small else values.astype(object) * factor
    return product


def narrow(numbers: Any) -> Any:
    """The same integers, of as few bits, 16 at least, as hold them and their negatives."""
    if numbers.dtype == object:
        return numbers
    largest = _largest(numbers)
    return numbers.astype(next(kind for kind in _KINDS if largest <= np.iinfo(kind).max))


def _close(*arrays: NDArray[Any]) -> None:
    """Nobody writes into these by mistake, nor through what they are views of."""
    for array in arrays:
        base: Any = array
        while isinstance(base, np.ndarray):
            base.flags.writeable = False
            base = base.base


def _reach(chosen: NDArray[np.bool_]) -> slice:
    """From the first to the last place that is True; nowhere, if none is."""
    places = np.flatnonzero(chosen)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0)


def _edges(levels: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where blocks begin, and where the last one ends: a block has rows of one level and length,
    sorted by these, and about `_BLOCK` entries."""
    edges = [0]
    changes = (np.diff(levels, append=-1) != 0) | (np.diff(lengths, append=-1) != 0)
    for last in (np.flatnonzero(changes) + 1).tolist():
        most = max(1, _BLOCK // max(1, int(lengths[last - 1])))
        edges += [*range(edges[-1] + most, last, most), last]
    return np.array(edges, dtype=np.int64)


def _scaled(rows: Rows, first: int, last: int, known: Integers) -> tuple[ScaledLayer, Integers]:
    """The rows first..last in integers, and their scales; `known` are those of all variables that
    they read."""
    begin, end = int(rows.starts[first]), int(rows.starts[last])
    edges = rows.starts[first : last + 1]
    lengths, (filled, starts) = np.diff(edges), _filled(edges)
    indices = rows.indices[begin:end]
    parts: list[Any] = [
        rows.numerators[begin:end],
        rows.constants[first:last],
        rows.denominators[first:last],
        known[indices],
    ]
    try:
        found = _whole(parts, lengths, filled, starts)
    except OverflowError:
        found = _whole([part.astype(object) for part in parts], lengths, filled, starts)
    scales, weights, constants = map(integers, found)
    _close(filled, starts, weights, constants)
    layer = ScaledLayer(
        first,
        last,
        edges,
        indices,
        weights,
        constants,
        _largest_row(weights, starts),
        _largest(constants),
        (filled, starts) if len(lengths) < _BLOCK else None,
    )
    return layer, scales


def _filled(edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows with entries, and where these begin, counted from the first entry of all."""
    filled = np.flatnonzero(np.diff(edges))
    return filled, edges[filled] - edges[0]


def _whole(
    parts: Sequence[Any],
    lengths: NDArray[np.int64],
    filled: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> tuple[Any, Any, Any]:
    """Scales, weights and constants of rows, from numerators, constants, denominators, and the
    scales of what each entry reads.

    Row k times its scale has the weights numerators * scale / (denominator * scale read) and the
    constant constants * scale / denominator; the scale is the least that makes them whole.

    Raises OverflowError if only some are int64, or all are and a product may exceed that.
    """
    numerators, constants, denominators, known = parts
    kinds = {part.dtype for part in parts}
    if len(kinds) > 1:
        raise OverflowError
    small = kinds == {np.dtype(np.int64)}
    if small and _largest(denominators) * _largest(known) >= LIMIT:
        raise OverflowError
    products = np.repeat(denominators, lengths) * known
    common = np.gcd(products, numerators)
    tops, bottoms = numerators // common, products // common
    common = np.gcd(denominators, constants)
    constant_tops, constant_bottoms = constants // common, denominators // common
    if small:
        multiple = lcm(1, *set(bottoms.tolist()), *set(constant_bottoms.tolist()))
        if max(_largest(tops), _largest(constant_tops), 1) * multiple >= LIMIT:
            raise OverflowError
    scales = constant_bottoms.copy()
    if len(filled):
        scales[filled] = np.lcm(scales[filled], np.lcm.reduceat(bottoms, starts))
    weights = tops * (np.repeat(scales, lengths) // bottoms)
    return scales, weights, constant_tops * (scales // constant_bottoms)


def _joined(parts: Sequence[Integers]) -> Integers:
    none: list[Any] = [np.zeros(0, dtype=np.int64)]
    joined: Any = np.concatenate(none + list(parts))
    values: Integers = joined
    return values


def _largest(values: Integers) -> int:
    """The largest |value|, 0 if there is none."""
    return max(-int(values.min()), int(values.max())) if values.size else 0


def _largest_row(weights: Integers, starts: NDArray[np.int64]) -> int:
    """The largest sum of |weights| of a row; the rows begin at `starts`, each with an entry."""
    if not len(starts):
        return 0
    return int(np.add.reduceat(_sizes(weights), starts).max())


def _sizes(weights: Integers) -> Integers:
    """|weights| in a type that holds their sum."""
    fits = _largest(weights) * weights.size < LIMIT
    sizes: Integers = np.abs(weights if fits else weights.astype(object))
    return sizes


def common_denominator(vectors: Iterable[Sequence[Fraction]]) -> int:
    """The least common denominator of all entries."""
    return lcm(1, *{value.denominator for vector in vectors for value in vector})


def scaled_for(network: Network, queries: Iterable[Query]) -> ScaledNetwork:
    """The scaled network that serves all of these regions."""
    vectors = [side for query in queries for side in (query.region.lower, query.region.upper)]
    return ScaledNetwork(network, common_denominator(vectors))


def scaled_inputs(vectors: Sequence[Sequence[Fraction]], denominator: int) -> Integers:
    """The integers denominator * vectors, shape (inputs, number of vectors).

    Raises UserError where they are no integers: rounding them would move the region.
    """
    for vector in vectors:
        for x in vector:
            if denominator % x.denominator:
                raise UserError(f"an input of denominator {x.denominator}, not of {denominator}")
    columns = [[x.numerator * (denominator // x.denominator) for x in v] for v in vectors]
    flat = integers([value for row in zip(*columns, strict=True) for value in row])
    return flat.reshape(len(columns[0]), len(columns))


def evaluate(
    network: Network, points: Sequence[Sequence[Fraction]], chunk: int = 64
) -> list[list[Fraction]]:
    """The exact outputs of `network` at each of `points`: a list of output vectors."""
    if not points:
        return []
    network = contracted(network)
    scaled = ScaledNetwork(network, common_denominator(points))
    results: list[list[Fraction]] = []
    for begin in range(0, len(points), chunk):
        values = scaled_inputs(points[begin : begin + chunk], scaled.denominator)
        variables: Any = values
        height = values.shape[1]
        space: Any = np.zeros((network.variables, height), dtype=values.dtype)
        space[: network.inputs] = variables
        for layer in scaled.layers:
            result = affine(layer, space, layer.indices)
            if result.dtype != space.dtype:
                space = space.astype(object)
            first = network.inputs + layer.first
            space[first : network.inputs + layer.last] = np.maximum(result, 0)
        outputs = affine(scaled.output_layer, space, scaled.output_layer.indices)
        results.extend(
            [
                Fraction(int(value), scale)
                for value, scale in zip(outputs[:, b].tolist(), scaled.output_scales, strict=True)
            ]
            for b in range(height)
        )
    return results


def affine(layer: ScaledLayer, space: Any, gather: NDArray[np.int64]) -> Any:
    """The integer rows of `layer` applied to the rows `gather` of `space`, exactly.

    The result is int64 if the weights and `space` are and the largest possible sum stays below
    2^62, Python integers otherwise.
    """
    width = space.shape[1]
    picked = space[gather]
    weights: Any = layer.weights
    constants: Any = layer.constants
    if picked.dtype == np.int64:
        largest = max(int(picked.max()), -int(picked.min())) if picked.size else 0
        small = layer.largest_row * largest + layer.largest_constant < LIMIT
        if not small or weights.dtype != np.int64 or constants.dtype != np.int64:
            picked = picked.astype(object)
    if picked.dtype != np.int64:
        weights, constants = weights.astype(object), constants.astype(object)
    picked *= weights[:, None]
    result: Any = np.repeat(constants[:, None], width, axis=1)
    filled, starts = layer.rows
    if len(filled):
        result[filled] += np.add.reduceat(picked, starts, axis=0)
    return result
