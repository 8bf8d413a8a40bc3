"""A ReLU network with exact rational weights: sparse integer rows with a denominator each.

Variables are numbered once for the whole network: 0 .. inputs-1 are the inputs x, and
inputs + v is the output z_v = max(a_v, 0) of unit v. The pre-activation a_v is an affine form of
the inputs and of units of earlier layers, so any directed acyclic graph is expressible and a chain
of layers is the common case. The outputs are affine in all variables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from verifier.question.errors import UserError
from verifier.question.shown import Shown, brief

Integers = NDArray[np.int64] | NDArray[np.object_]
"""int64 where every entry fits, Python integers (dtype object) otherwise."""


Derived = TypeVar("Derived")

LEAST = -(2**63)  # of int64: it has no positive counterpart there, so it is kept as an object


def integers(values: Sequence[int] | Integers) -> Integers:
    """The same integers as int64 if all of them lie in (-2^63, 2^63), else as objects."""
    if isinstance(values, np.ndarray) and values.dtype == np.int64 and np.all(values != LEAST):
        return values
    listed = [int(value) for value in values]
    if all(-(2**63) < value < 2**63 for value in listed):
        return np.array(listed, dtype=np.int64)
    packed = np.empty(len(listed), dtype=object)
    packed[:] = listed
    return packed


def read_only(array: Any) -> Any:
    """The same entries, of one axis, in an array of its own that nobody can write into: numbers lie
    in bytes, which no flag makes writeable; an array of Python integers is marked so."""
    if _is_closed(array):
        return array
    if array.dtype == object:
        array = array.copy()
        array.flags.writeable = False
        return array[:]  # a view of what is marked cannot be unmarked by itself
    return np.frombuffer(array.tobytes(), dtype=array.dtype)


def _is_closed(array: Any) -> bool:
    """Whether it is all that its bytes hold, in order. (An array that was unpickled may lie in
    bytes and be writeable.)"""
    held = array.base
    whole = isinstance(held, bytes) and array.nbytes == len(held)
    return whole and array.flags.c_contiguous and not array.flags.writeable


def again(array: Any) -> Any:
    """What `read_only` returned, once more: another array, of the same bytes or a copy."""
    if _is_closed(array):
        return np.frombuffer(array.base, dtype=array.dtype)
    return array.copy()


def _require_integers(*arrays: Integers) -> None:
    """int64, or Python integers: nothing that rounds, and nothing that wraps around unseen."""
    for array in arrays:
        if array.dtype != np.int64 and not (
            array.dtype == object and all(type(value) is int for value in array)
        ):
            raise UserError(f"rows: numbers of type {array.dtype}, not int64 or Python integers")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Row i is (sum over k in starts[i]:starts[i+1] of numerators[k] * variable indices[k]
    + constants[i]) / denominators[i].

    Shapes: starts (rows + 1,), indices and numerators (entries,), constants and denominators
    (rows,). Within a row the indices increase strictly and no numerator is zero. The arrays are
    copied and cannot be written into.
    """

    starts: NDArray[np.int64]
    indices: NDArray[np.int64]
    numerators: Integers
    constants: Integers
    denominators: Integers

    def __post_init__(self) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, read_only(getattr(self, name)))
        starts, indices = self.starts, self.indices
        _require_integers(self.numerators, self.constants, self.denominators)
        if starts.dtype != np.int64 or indices.dtype != np.int64:
            raise UserError(f"rows: {starts.dtype} starts, {indices.dtype} indices, not int64")
        count = len(starts) - 1
        if count < 0 or starts[0] != 0 or starts[-1] != len(indices) or np.any(np.diff(starts) < 0):
            raise UserError("rows: starts do not increase from 0 to the number of entries")
        if len(self.numerators) != len(indices):
            raise UserError(f"rows: {len(indices)} indices, {len(self.numerators)} numerators")
        if len(self.constants) != count or len(self.denominators) != count:
            raise UserError(
                f"rows: {count} rows, {len(self.constants)} constants, "
                f"{len(self.denominators)} denominators"
            )
        if count and not bool(np.all(self.denominators > 0)):
            raise UserError("rows: a denominator is not positive")
        if len(indices):
            if int(indices.min()) < 0 or not bool(np.all(self.numerators != 0)):
                raise UserError("rows: a negative index or a zero weight")
            inside = np.ones(len(indices), dtype=bool)
            inside[starts[:-1][starts[:-1] < len(indices)]] = False  # the first of each row
            if bool(np.any(np.diff(indices)[inside[1:]] <= 0)):
                raise UserError("rows: indices of a row do not increase")

    def __reduce__(self) -> tuple[object, tuple[Any, ...]]:
        """A copy is checked, and as read-only, as what it copies."""
        parts = (self.starts, self.indices, self.numerators, self.constants, self.denominators)
        return Rows, parts

    def __deepcopy__(self, memo: dict[int, object]) -> Rows:
        """Arrays of its own, of the same bytes where numbers lie in bytes, which do not change."""
        parts = self.__reduce__()[1]
        return Rows(*(again(array) for array in parts))

    @property
    def count(self) -> int:
        return len(self.starts) - 1

    def row(self, i: int) -> tuple[list[int], list[int], int, int]:
        """Indices, numerators, constant and denominator of row i, as Python integers."""
        low, high = int(self.starts[i]), int(self.starts[i + 1])
        return (
            self.indices[low:high].tolist(),
            self.numerators[low:high].tolist(),
            int(self.constants[i]),
            int(self.denominators[i]),
        )

    def fractions(self, i: int) -> tuple[dict[int, Fraction], Fraction]:
        """The weights of row i by variable, and its constant."""
        indices, numerators, constant, denominator = self.row(i)
        weights = {j: Fraction(n, denominator) for j, n in zip(indices, numerators, strict=True)}
        return weights, Fraction(constant, denominator)


@dataclass(frozen=True, eq=False, repr=False)
class Network(Shown):
    """A network whose units of each layer refer to inputs and to units of earlier layers only.

    `layers` holds the number of units of each hidden layer; `units` has sum(layers) rows, `outputs`
    one row an output. Raises UserError where a row refers to its own or a later layer.
    """

    inputs: int
    layers: tuple[int, ...]
    units: Rows
    outputs: Rows

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.outputs.count < 1:
            raise UserError(f"network: {self.inputs} inputs, {self.outputs.count} outputs")
        if any(size < 0 for size in self.layers) or sum(self.layers) != self.units.count:
            raise UserError(
                f"network: layers add up to {sum(self.layers)}, there are {self.units.count} units"
            )
        for layer, (first, last) in enumerate(self.layer_ranges()):
            begin, end = int(self.units.starts[first]), int(self.units.starts[last])
            if end > begin and int(self.units.indices[begin:end].max()) >= self.inputs + first:
                raise UserError(f"network: layer {layer} refers to itself or to a later layer")
        if len(self.outputs.indices) and int(self.outputs.indices.max()) >= self.variables:
            raise UserError("network: an output refers to a unit that does not exist")

    def __reduce__(self) -> tuple[object, ...]:
        """A copy, here or in another process, derives for itself what is derived from it."""
        return Network, (self.inputs, self.layers, self.units, self.outputs)

    def derived(self, make: Callable[[Network], Derived]) -> Derived:
        """What `make` makes of the network, once; it is kept as long as the network is, and with
        it alone, so that who holds a copy of the network shares nothing that can be changed."""
        kept: dict[Any, Any] = self.__dict__.setdefault("_derived", {})
        if make not in kept:
            kept[make] = make(self)
        found: Derived = kept[make]
        return found

    def __call__(self, points: Any, dtype: Any = None) -> NDArray[Any]:
        """The outputs at one point, shape (inputs,), or at a row each, shape (samples, inputs).

        Exact, as an array of Fractions: integers, floats and Fractions are what they are. With
        dtype=float by float64 arithmetic, layer by layer: fast, rounded, and a hint alone.
        Raises UserError for other shapes and for entries that are no finite numbers.
        """
        given = _entries(points, exact=dtype is None)
        if given.ndim == 0 or prod(given.shape[given.ndim > 1 :]) != self.inputs:
            raise UserError(f"points of shape {given.shape}, the network has {self.inputs} inputs")
        columns = list(
            np.ascontiguousarray(given.reshape(given.size // self.inputs, self.inputs).T)
        )
        zero = Fraction(0) if dtype is None else 0.0
        for i in range(self.units.count):
            columns.append(np.maximum(_form(self.units, i, columns, zero), np.asarray(zero)))
        made = np.stack(
            [_form(self.outputs, i, columns, zero) for i in range(self.outputs.count)], axis=1
        )
        return made[0] if given.ndim == 1 else made

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("inputs", str(self.inputs)),
            ("layers", brief(self.layers)),
            ("outputs", str(self.outputs.count)),
            ("parameters", str(self.nonzero_parameters)),
        ]

    @property
    def variables(self) -> int:
        return self.inputs + self.units.count

    def layer_ranges(self) -> Iterator[tuple[int, int]]:
        """First and one past the last unit of each hidden layer."""
        first = 0
        for size in self.layers:
            yield first, first + size
            first += size

    @cached_property
    def is_chain(self) -> bool:
        """Whether every layer reads the layer before it alone, as in the usual definition."""
        previous = (0, self.inputs)
        for first, last in [*self.layer_ranges(), (-1, -1)]:
            rows = self.outputs if first < 0 else self.units
            begin, end = (0, rows.count) if first < 0 else (first, last)
            used = rows.indices[int(rows.starts[begin]) : int(rows.starts[end])]
            if len(used) and (int(used.min()) < previous[0] or int(used.max()) >= previous[1]):
                return False
            previous = (self.inputs + first, self.inputs + last)
        return True

    @property
    def width(self) -> int:
        """The largest number of units in a hidden layer; 0 for an affine network."""
        return max(self.layers, default=0)

    @property
    def depth(self) -> int:
        """The number of affine maps: hidden layers + 1."""
        return len(self.layers) + 1

    @property
    def nonzero_parameters(self) -> int:
        """Nonzero weights and nonzero biases, those of the outputs included."""
        return sum(
            len(rows.numerators) + int(np.count_nonzero(rows.constants))
            for rows in (self.units, self.outputs)
        )

    @property
    def dense_parameters(self) -> int:
        """The sum of (d_in + 1) d_out over the affine maps of a chain of these layer sizes."""
        sizes = [self.inputs, *self.layers, self.outputs.count]
        return sum((a + 1) * b for a, b in pairwise(sizes))

    @property
    def bits(self) -> int:
        """The most bits that one weight or bias needs: numerator and denominator in lowest terms
        of its row."""
        return max(_row_bits(self.units), _row_bits(self.outputs))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the exact weights; equal for equal rows however they were stored."""
        fields = ("starts", "indices", "numerators", "constants", "denominators")
        arrays = [getattr(rows, name) for rows in (self.units, self.outputs) for name in fields]
        return digest_of(self.inputs, self.layers, arrays)


def digest_of(
    inputs: int, layers: tuple[int, ...], arrays: Sequence[Any], block: int = 1 << 62
) -> str:
    """`Network.digest`, from the five arrays of the units and those of the outputs, which may be of
    narrower integers; `block` integers are widened at a time."""
    state = hashlib.sha256(b"robmem-network-1\n")
    state.update(repr((inputs, layers)).encode())
    for values in arrays:
        if values.dtype == object:
            state.update(b"big" + ",".join(hex(value) for value in values).encode())
            continue
        state.update(f"int64 {len(values)}\n".encode())
        for place in range(0, len(values), block):
            part = values[place : place + block]
            state.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
    return state.hexdigest()


def _entries(points: Any, exact: bool) -> NDArray[Any]:
    """Fractions, or finite floats, in an array of the same shape; raises UserError."""
    try:
        given = np.asarray(points, dtype=object if exact else np.float64)
        if exact:
            listed = [Fraction(entry) for entry in given.flat]
            return np.array(listed, dtype=object).reshape(given.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"points: {error}") from None
    if not np.isfinite(given).all():
        raise UserError("points: an entry is no finite number")
    return given


def _form(rows: Rows, i: int, columns: Sequence[NDArray[Any]], zero: Any) -> NDArray[Any]:
    """Row i at every sample; exact where `zero` is a Fraction, else by floats."""
    weights, constant = rows.fractions(i)
    kind = type(zero)
    total = np.full(columns[0].shape, zero + kind(constant))
    for j, weight in weights.items():
        total = total + columns[j] * kind(weight)
    return total


def _row_bits(rows: Rows) -> int:
    best = 0
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts))
    for values, denominators in (
        (rows.numerators, rows.denominators[owner]),
        (rows.constants, rows.denominators),
    ):
        pairs = {
            (abs(int(n)), int(d))
            for n, d in zip(values.tolist(), denominators.tolist(), strict=True)
        }
        for n, d in pairs:
            fraction = Fraction(n, d)
            best = max(best, fraction.numerator.bit_length() + fraction.denominator.bit_length())
    return best
