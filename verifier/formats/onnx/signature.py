"""What an ONNX file says of its values by name: element types and shapes, and which are wanted.

The reader of networks takes a graph's inputs and outputs in the file's order. A question that names
values, hidden ones too, asks for other outputs: `with_outputs` makes them the graph's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from verifier.formats.files import naming, read_bytes, shown
from verifier.question.errors import UserError


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the graph: its name, its element type in ONNX's words, its number of entries, with
    a symbolic first axis as 1. Empty and None where the file does not say."""

    name: str
    element: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs that a caller gives, inputs with an initializer, and outputs, in the file's order."""

    inputs: tuple[Value, ...]
    initialized: tuple[Value, ...]
    outputs: tuple[Value, ...]


def read_model(path: Path) -> onnx.ModelProto:
    """The model in the file (or .onnx.gz). Raises UserError, naming the file."""
    model = onnx.ModelProto()
    with naming(path):
        try:
            model.ParseFromString(read_bytes(path))
        except DecodeError:
            raise UserError("not an ONNX file, or a truncated one") from None
    return model


def signature(model: onnx.ModelProto, outputs: Sequence[str] = ()) -> Signature:
    """The inputs and outputs of the model's graph, of the latter those with these names, if there
    are any. Raises UserError for another name."""
    by_name = {info.name: info for info in model.graph.output}
    strange = next((name for name in outputs if name not in by_name), None)
    if strange is not None:
        known = ", ".join(map(shown, list(by_name)[:8]))
        raise UserError(f"--output {shown(strange)}; the outputs are {known}")
    own = {tensor.name for tensor in model.graph.initializer}
    listed = [(info.name in own, _value(info)) for info in model.graph.input]
    return Signature(
        tuple(value for is_own, value in listed if not is_own),
        tuple(value for is_own, value in listed if is_own),
        tuple(map(_value, [by_name[name] for name in outputs] or model.graph.output)),
    )


def with_outputs(
    model: onnx.ModelProto, names: Sequence[str]
) -> tuple[onnx.ModelProto, list[Value]]:
    """The model with these values as its only outputs, in this order.

    A name is that of a value, or else of a node with one output. Raises UserError for others.
    """
    graph = model.graph
    made = {name for node in graph.node for name in node.output if name}
    made |= {info.name for info in graph.input} | {tensor.name for tensor in graph.initializer}
    by_node = {node.name: node.output[0] for node in graph.node if len(node.output) == 1}
    chosen = []
    for name in names:
        if name not in made and name not in by_node:
            raise UserError(f"the graph has no value {shown(name)}")
        chosen.append(name if name in made else by_node[name])
    known = {info.name: info for info in _inferred(model)}
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.output[:]
    changed.graph.output.extend(known.get(name, onnx.ValueInfoProto(name=name)) for name in chosen)
    return changed, list(map(_value, changed.graph.output))


def _inferred(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """What the file, and inference of shapes from it, say of values."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (RuntimeError, ValueError):  # it refuses some models, large ones among them
        graph = model.graph
    return [*graph.value_info, *graph.input, *graph.output]


def _value(info: onnx.ValueInfoProto) -> Value:
    kind = info.type.tensor_type
    number = kind.elem_type
    name = onnx.TensorProto.DataType.Name(number).lower() if number else ""
    element = {"float": "float32", "double": "float64"}.get(name, name)
    return Value(info.name, element, _size(kind) if kind.HasField("shape") else None)


def _size(kind: onnx.TypeProto.Tensor) -> int | None:
    extents = [int(axis.dim_value) for axis in kind.shape.dim]
    if extents and extents[0] == 0 and not kind.shape.dim[0].HasField("dim_value"):
        extents[0] = 1  # the batch axis
    return prod(extents) if all(extent > 0 for extent in extents) else None
