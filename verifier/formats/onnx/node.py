"""One node of an ONNX graph with its inputs computed: what every operator reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from verifier.formats.affine_rows import Exact, Index
from verifier.formats.onnx.constants import FLOAT, Constant, kind_name
from verifier.formats.onnx.tails import Chosen, ClassNames, Names, Squashed, not_linear
from verifier.formats.tensors import (
    Graph,
    Tensor,
    check_size,
    constant_tensor,
    constant_values,
    moved,
)
from verifier.question.errors import UserError

Value = Tensor | Constant
"""What every operator takes."""
Result = Tensor | Constant | Squashed | Chosen | Names
"""What an operator may make; the last three only the last layers take."""


class Runner(Protocol):
    """What runs the bodies of If and Loop, and notes what a reader should know."""

    def body(self, graph: Any, inputs: Sequence[Value]) -> list[Value]:
        """The outputs of a subgraph, which sees what the node sees, given its inputs."""
        ...

    def note(self, text: str) -> None:
        """Something that was done to the network while it was read; said once."""
        ...

    def name_classes(self, scores: Tensor, names: ClassNames) -> None:
        """The file gives these names to these scores, in C order."""
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the graph, its inputs already computed; an omitted input is None.

    `place` is how an error names it, `kind` its operator, `opset` the version of its domain. It
    names `outputs` outputs; of those, something reads the first `used` at most.
    """

    graph: Graph
    place: str
    kind: str
    inputs: Sequence[Result | None]
    attributes: dict[str, Any]
    opset: int
    outputs: int
    used: int
    runner: Runner

    def value(self, index: int) -> Value:
        """The input with this number; raises UserError where it is missing, and for the value of a
        layer that is not piecewise linear."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise UserError(f"input {index} is missing")
        if isinstance(value, Squashed) and value.exact is not None:
            return value.exact
        if isinstance(value, Squashed | Chosen):
            raise not_linear(value)
        if isinstance(value, Names):
            raise UserError(f"input {index} is of texts")
        return value

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def values(self) -> list[Value]:
        """All inputs, of which none is missing and there is one at least."""
        if not self.inputs:
            raise UserError("it has no input")
        return [self.value(k) for k in range(len(self.inputs))]

    def constant(self, index: int, what: str) -> Constant:
        """The input with this number, which must not depend on the network's input."""
        value = self.value(index)
        if isinstance(value, Tensor):
            raise UserError(f"its {what} depends on the network's input")
        return value

    def reals(self, index: int, what: str) -> Exact:
        """The real numbers of a constant input; raises UserError for integers and bools."""
        value = self.constant(index, what)
        if not value.is_real:
            raise UserError(f"its {what} is of type {kind_name(value.kind)}")
        return value.values

    def integers(self, index: int, what: str) -> list[int]:
        """The flat entries of a constant integer input."""
        value = self.constant(index, what)
        if not value.is_integer:
            raise UserError(f"its {what} is not of integers")
        if value.values.size > 1 << 16:
            raise UserError(f"its {what} has {value.values.size} entries")
        return [int(entry) for entry in value.values.reshape(-1)]

    def indices(self, index: int, extent: int) -> Index:
        """A constant integer input as positions on an axis; those from -extent count from its end.

        Raises UserError for one that is outside.
        """
        value = self.constant(index, "indices")
        if not value.is_integer:
            raise UserError("its indices are not of integers")
        places = value.values.astype(np.int64)
        if np.any((places < -extent) | (places >= extent)):
            raise UserError(f"an index is outside an axis of {extent}")
        return np.where(places < 0, places + extent, places)

    def flag(self, index: int, what: str) -> bool:
        """A constant bool input of one element."""
        value = self.constant(index, what)
        if value.values.size != 1 or value.values.dtype != np.bool_:
            raise UserError(f"its {what} is not one bool")
        return bool(value.values.reshape(-1)[0])

    def tensor(self, index: int) -> Tensor:
        """The input with this number, as a tensor even if it is constant."""
        return tensor_of(self.value(index))

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise UserError(f"attribute {name} is not an integer")
        return value

    def switch(self, name: str, default: bool) -> bool:
        """A yes or no; runtimes differ about what else than 1 and 0 means."""
        value = self.integer(name, int(default))
        if value not in (0, 1):
            raise UserError(f"attribute {name} is {value}, neither 0 nor 1")
        return bool(value)

    def number(self, name: str, default: float) -> Fraction:
        """A float attribute; the default is the float32 nearest to `default`."""
        value = self.attributes.get(name, float(np.float32(default)))
        if not isinstance(value, float | int) or not np.isfinite(value):
            raise UserError(f"attribute {name} is not a finite number")
        return Fraction(value)

    def numbers(self, name: str) -> Exact | None:
        """A list of finite floats, or None where the attribute is absent."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, float | int) for v in value):
            raise UserError(f"attribute {name} is not a list of numbers")
        return np.array(value, dtype=np.float64)

    def integer_list(self, name: str) -> list[int] | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not all(isinstance(v, int) for v in value):
            raise UserError(f"attribute {name} is not a list of integers")
        return list(value)

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise UserError(f"attribute {name} is not a text")
        return value.decode("utf-8", "replace")

    def refuse(self, **plain: Any) -> None:
        """Raises UserError if an attribute differs from the one value that is supported."""
        for name, value in plain.items():
            if self.attributes.get(name, value) != value:
                raise UserError(f"attribute {name} = {self.attributes[name]!r} is not supported")


Operator = Callable[[Node], Sequence[Result]]


def tensor_of(value: Value) -> Tensor:
    """`value` as a tensor; raises UserError for integers and bools."""
    if isinstance(value, Tensor):
        return value
    if not value.is_real:
        raise UserError(f"values of type {kind_name(value.kind)} where reals are needed")
    return constant_tensor(value.values)


def settled(result: Result) -> Result:
    """`result`, as a constant if it no longer depends on an input."""
    if isinstance(result, Tensor) and result.is_constant:
        return Constant(FLOAT, constant_values(result), sure=False)
    return result


def relocated(value: Value, move: Callable[[Index], Index]) -> Value:
    """`value` with its elements moved or repeated by `move`."""
    if isinstance(value, Tensor):
        return moved(value, move)
    result = value.moved(move(value.values))
    check_size(result.shape)
    return result


def reshaped(value: Value, shape: tuple[int, ...]) -> Value:
    return relocated(value, lambda ids: ids.reshape(shape))


def axis_of(axis: int, rank: int, what: str = "axis") -> int:
    """The axis counted from the front; raises UserError where there is none."""
    if not -rank <= axis < rank:
        raise UserError(f"{what} {axis} is outside a tensor of rank {rank}")
    return axis % rank


def scalar(number: Fraction) -> Exact:
    """An exact number as an array of no axes."""
    packed = np.empty((), dtype=object)
    packed[()] = number
    return packed


ONE, ZERO = np.ones((), dtype=np.float64), np.zeros((), dtype=np.float64)


def zero_like(value: Value) -> Constant:
    """0, of the type of `value`."""
    if isinstance(value, Tensor) or value.is_real:
        return Constant(FLOAT, np.zeros(()))
    return Constant(value.kind, np.zeros((), dtype=value.values.dtype))
