"""ONNX files to exact networks.

Every weight is the number that the file holds (a float is the dyadic rational that it is), and the
network computes in real arithmetic. Several graph inputs become one input vector, one after
another in the file's order, each in C order; outputs likewise. A symbolic batch axis is 1. What
the outputs do not depend on is not read.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from verifier.evidence.files import open_regular
from verifier.formats.affine_rows import Exact
from verifier.formats.files import naming, read_bytes, shown
from verifier.formats.onnx.operators import OPERATORS, Node, Value, settled
from verifier.formats.tensors import MAX_ELEMENTS, Graph, Tensor, constant_tensor
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network

_FLOATS = {1: (4, "float_data"), 11: (8, "double_data"), 10: (2, "int32_data")}
_INTEGERS = {
    2: (1, "int32_data"),
    3: (1, "int32_data"),
    4: (2, "int32_data"),
    5: (2, "int32_data"),
    6: (4, "int32_data"),
    7: (8, "int64_data"),
    9: (1, "int32_data"),
    12: (4, "uint64_data"),
}
_INPUT_TYPES = {1, 10, 11}


def load_onnx(path: Path | str) -> Network:
    """The exact network of the ONNX file (or .onnx.gz) at `path`.

    Raises UserError, naming the file and the node, for an operator or attribute that is not
    supported, for a damaged file, and for weights outside the file's folder.
    """
    path = Path(path)
    content = read_bytes(path)
    with naming(path):
        return parse_onnx(content, path.parent)


def parse_onnx(content: bytes, folder: Path | None = None) -> Network:
    """The exact network of these bytes; external weights are read from `folder` alone."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise UserError("not an ONNX file, or a truncated one") from None
    return network_of_model(model, folder)


def network_of_model(model: onnx.ModelProto, folder: Path | None = None) -> Network:
    """The exact network of an ONNX model; external weights are read from `folder` alone."""
    if not model.graph.output or not model.opset_import:
        raise UserError("not an ONNX file, or a truncated one: it has no graph with outputs")
    opset = _opset(model)
    source = model.graph
    if source.sparse_initializer:
        raise UserError("sparse initializers are not supported")
    initializers = {tensor.name: tensor for tensor in source.initializer}
    given = [info for info in source.input if info.name not in initializers]
    if not given:
        raise UserError("the graph has no input")
    shapes = [_input_shape(info) for info in given]
    graph = Graph(sum(prod(shape) for shape in shapes))
    values: dict[str, Value] = {}
    first = 0
    for info, shape in zip(given, shapes, strict=True):
        values[info.name] = graph.input_tensor(first, shape)
        first += prod(shape)
    nodes, needed = _needed_nodes(source)
    for name, tensor in initializers.items():
        if name in needed:
            with naming(f"initializer {shown(name)}"):
                values[name] = read_tensor(tensor, folder)
    for node in nodes:
        with naming(f"node {shown(node.name or _first_output(node))} ({_operator_name(node)})"):
            _run(node, values, graph, opset, folder, needed)
    outputs = []
    for info in source.output:
        if info.name not in values:
            raise UserError(f"output {shown(info.name)}: no node makes it")
        value = values[info.name]
        outputs.append(value if isinstance(value, Tensor) else constant_tensor(value))
    return graph.network(outputs)


def _opset(model: onnx.ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise UserError(f"{len(versions)} versions of the operator set, not one")
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= versions[0] <= newest:
        raise UserError(f"operator set {versions[0]}; this program knows 1 to {newest}")
    return int(versions[0])


def _input_shape(info: onnx.ValueInfoProto) -> tuple[int, ...]:
    kind = info.type.tensor_type
    place = f"input {shown(info.name)}"
    if kind.elem_type not in _INPUT_TYPES:
        raise UserError(f"{place}: not of float32, float64 or float16 but type {kind.elem_type}")
    if not kind.HasField("shape"):
        raise UserError(f"{place}: it has no shape")
    shape = []
    for axis, dimension in enumerate(kind.shape.dim):
        extent = int(dimension.dim_value)
        if extent < 1 and axis == 0 and not (dimension.HasField("dim_value") and extent == 0):
            extent = 1  # the batch axis
        if extent < 1:
            raise UserError(f"{place}: axis {axis} has no fixed length")
        shape.append(extent)
    if prod(shape) > MAX_ELEMENTS:
        raise UserError(f"{place}: shape {shape}; the limit is {MAX_ELEMENTS} elements")
    return tuple(shape)


def _needed_nodes(source: onnx.GraphProto) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that outputs depend on, each after those it reads, and the names in use.

    Raises UserError where two nodes make the same value, and for a cycle.
    """
    makers: dict[str, int] = {}
    for number, node in enumerate(source.node):
        for name in node.output:
            if name and makers.setdefault(name, number) != number:
                raise UserError(f"two nodes make {shown(name)}")
    needed = {info.name for info in source.output}
    order: list[int] = []
    done: dict[int, bool] = {}  # False while the node waits for what it reads
    stack = [makers[info.name] for info in reversed(source.output) if info.name in makers]
    while stack:
        number = stack[-1]
        if number in done:
            stack.pop()
            if not done[number]:
                done[number] = True
                order.append(number)
            continue
        done[number] = False
        needed.update(name for name in source.node[number].input if name)
        for name in reversed(source.node[number].input):
            maker = makers.get(name)
            if maker is not None and not done.get(maker, True):
                raise UserError(f"the graph has a cycle through {shown(name)}")
            if maker is not None and maker not in done:
                stack.append(maker)
    return [source.node[number] for number in order], needed


def _first_output(node: onnx.NodeProto) -> str:
    return next((name for name in node.output if name), "?")


def _operator_name(node: onnx.NodeProto) -> str:
    """On one line; a name that is no UTF-8 comes as bytes."""
    name = f"{node.domain}.{node.op_type}" if node.domain else f"{node.op_type}"
    return shown(name)[1:-1]


def _run(
    node: onnx.NodeProto,
    values: dict[str, Value],
    graph: Graph,
    opset: int,
    folder: Path | None,
    needed: set[str],
) -> None:
    """Computes the outputs of `node` into `values`."""
    operator = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if operator is None:
        raise UserError(f"operator {_operator_name(node)} is not supported")
    inputs: list[Value | None] = []
    for name in node.input:
        if name and name not in values:
            raise UserError(f"reads {shown(name)}, which neither the file nor a node makes")
        inputs.append(values[name] if name else None)
    while inputs and inputs[-1] is None:
        inputs.pop()
    attributes = {entry.name: _attribute(entry, folder) for entry in node.attribute}
    used = max((k + 1 for k, name in enumerate(node.output) if name in needed), default=0)
    try:
        results = operator(Node(graph, inputs, attributes, opset, len(node.output), used))
    except UserError:
        raise
    except (ValueError, IndexError, OverflowError) as error:  # numpy's, about shapes
        raise UserError(str(error)) from None
    except MemoryError:
        raise UserError("out of memory") from None
    for name, value in zip(node.output, results, strict=False):
        if name in needed:
            if name in values:
                raise UserError(f"makes {shown(name)}, which exists already")
            values[name] = made = settled(value)
            if isinstance(made, Tensor):
                graph.account(made, [entry for entry in inputs if isinstance(entry, Tensor)])


def _attribute(entry: onnx.AttributeProto, folder: Path | None) -> Any:
    """A number, bytes, a list of numbers, or an array; other kinds are refused."""
    kind = entry.type
    if kind == onnx.AttributeProto.TENSOR:
        with naming(f"attribute {shown(entry.name)}"):
            return read_tensor(entry.t, folder)
    if kind == onnx.AttributeProto.FLOAT:
        return float(entry.f)
    if kind == onnx.AttributeProto.INT:
        return int(entry.i)
    if kind == onnx.AttributeProto.STRING:
        return bytes(entry.s)
    if kind == onnx.AttributeProto.FLOATS:
        return [float(value) for value in entry.floats]
    if kind == onnx.AttributeProto.INTS:
        return [int(value) for value in entry.ints]
    raise UserError(f"attribute {shown(entry.name)} is of a kind that is not supported")


def read_tensor(tensor: onnx.TensorProto, folder: Path | None) -> Exact:
    """The entries of a stored tensor, exactly: float64 for floats, int64 for integers and bools.

    Raises UserError for other types, for more than MAX_ELEMENTS entries, for data that do not fit
    the shape, and for external data that are missing or outside `folder`.
    """
    shape = [int(extent) for extent in tensor.dims]
    count = prod(shape)
    if min(shape, default=1) < 0 or max(shape, default=1) > MAX_ELEMENTS or count > MAX_ELEMENTS:
        raise UserError(f"shape {shape[:8]}; the limit is {MAX_ELEMENTS} elements")
    width, field = _FLOATS.get(tensor.data_type) or _INTEGERS.get(tensor.data_type) or (0, "")
    if not width:
        raise UserError(f"data type {tensor.data_type} is not supported")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        plain = onnx.TensorProto(
            dims=tensor.dims,
            data_type=tensor.data_type,
            raw_data=_external(tensor, count * width, folder),
        )
        tensor = plain
    stored = (
        len(tensor.raw_data) / width if tensor.HasField("raw_data") else len(getattr(tensor, field))
    )
    if stored != count:
        raise UserError(f"shape {shape} asks for {count} entries, the file holds {stored:g}")
    array = numpy_helper.to_array(tensor)
    if tensor.data_type in _FLOATS:
        with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN, which users refuse
            return array.astype(np.float64)
    return array.astype(np.int64)


def _external(tensor: onnx.TensorProto, size: int, folder: Path | None) -> bytes:
    facts = {entry.key: entry.value for entry in tensor.external_data}
    location = facts.get("location", "")
    if folder is None or not location or "\0" in location:
        raise UserError("its data lie in another file, which is not named")
    base = folder.resolve()
    target = (base / location).resolve()
    if Path(location).is_absolute() or not target.is_relative_to(base):
        raise UserError(f"its data lie in {shown(location)}, outside the folder of the file")
    if not facts.get("offset", "0").isdecimal() or not facts.get("length", "0").isdecimal():
        raise UserError("offset or length of its external data is not a number")
    offset, length = int(facts.get("offset", "0")), int(facts.get("length", str(size)))
    if length != size:
        raise UserError(f"its external data have {length} bytes, its shape asks for {size}")
    try:
        with open_regular(target) as file:
            file.seek(offset)
            content: bytes = file.read(size)
    except (OSError, OverflowError, RefusedError) as error:
        raise UserError(f"external data {shown(location)}: {error}") from None
    if len(content) != size:
        raise UserError(f"external data {shown(location)}: {len(content)} of {size} bytes")
    return content
