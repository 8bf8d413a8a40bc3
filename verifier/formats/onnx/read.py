"""ONNX files to exact networks.

Every weight is the number that the file holds (a float is the dyadic rational that it is), and the
network computes in real arithmetic. Several graph inputs become one input vector, one after
another in the file's order, each in C order; outputs likewise. A symbolic batch axis is 1. What
the outputs do not depend on is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from verifier.formats.files import naming, read_bytes, shown
from verifier.formats.loaded import Loaded, Port, Tail
from verifier.formats.onnx.constants import Constant, kind_name
from verifier.formats.onnx.node import Result, scalar, tensor_of
from verifier.formats.onnx.run import Interpreter, Scope, versions_of
from verifier.formats.onnx.tails import Chosen, Names, Squashed
from verifier.formats.tensors import MAX_ELEMENTS, Graph, Tensor, scaled
from verifier.question.errors import UserError
from verifier.question.network import Network

_INPUT_TYPES = (1, 10, 11, 16)
Shapes = Mapping[str, Sequence[int]]


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
    return loaded_onnx(content, folder).network_for(None)


def network_of_model(model: onnx.ModelProto, folder: Path | None = None) -> Network:
    """The exact network of an ONNX model; external weights are read from `folder` alone."""
    return loaded_model(model, folder).network_for(None)


def loaded_onnx(
    content: bytes,
    folder: Path | None = None,
    outputs: Sequence[str] = (),
    shapes: Shapes | None = None,
) -> Loaded:
    """What these bytes hold, see `loaded_model`."""
    return loaded_model(model_of(content), folder, outputs, shapes)


def model_of(content: bytes) -> onnx.ModelProto:
    """The model that these bytes are; raises UserError."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise UserError("not an ONNX file, or a truncated one") from None
    return model


def loaded_model(
    model: onnx.ModelProto,
    folder: Path | None = None,
    outputs: Sequence[str] = (),
    shapes: Shapes | None = None,
) -> Loaded:
    """The exact network of a model, with the names and shapes of its inputs and outputs.

    `outputs` are those that are asked about, by default all; `shapes` those of inputs whose axes
    are symbolic, by name, "" of the only one. Raises UserError, naming the node.
    """
    source = model.graph
    if not source.output or not model.opset_import:
        raise UserError("not an ONNX file, or a truncated one: it has no graph with outputs")
    if source.sparse_initializer:
        raise UserError("sparse initializers are not supported")
    initializers = {tensor.name for tensor in source.initializer}
    given = [info for info in source.input if info.name not in initializers]
    if not given:
        raise UserError("the graph has no input")
    ports = _ports(given, shapes or {})
    graph = Graph(sum(prod(port.shape) for port in ports))
    values: dict[str, Result] = {}
    first = 0
    for port in ports:
        if port.name in values:
            raise UserError(f"two inputs {shown(port.name)}")
        values[port.name] = graph.input_tensor(first, port.shape)
        first += prod(port.shape)
    names = _asked([info.name for info in source.output], outputs)
    interpreter = Interpreter(graph, model.functions, folder)
    results = interpreter.run(
        source.node, source.initializer, names, Scope(values, versions_of(model.opset_import))
    )
    if interpreter.unused:
        interpreter.note(f"{interpreter.unused} nodes that the outputs do not need are not read")
    loaded = _loaded(graph, interpreter, ports, dict(zip(names, results, strict=True)))
    return replace(loaded, files=tuple(sorted(interpreter.files - {""})))


def _ports(given: Sequence[onnx.ValueInfoProto], shapes: Shapes) -> list[Port]:
    names = [info.name for info in given]
    for name in shapes:
        if name not in names and (name or len(names) > 1):
            listed = ", ".join(map(shown, names[:8]))
            raise UserError(f"--input-shape of {shown(name)}; the inputs are {listed}")
    return [_port(info, shapes.get(info.name, shapes.get(""))) for info in given]


def _port(info: onnx.ValueInfoProto, wanted: Sequence[int] | None) -> Port:
    place = f"input {shown(info.name)}"
    if not info.type.HasField("tensor_type"):
        raise UserError(f"{place}: not a tensor")
    kind = info.type.tensor_type
    if kind.elem_type not in _INPUT_TYPES:
        allowed = ", ".join(kind_name(known) for known in _INPUT_TYPES)
        raise UserError(f"{place}: of type {kind_name(kind.elem_type)}, not one of {allowed}")
    if not kind.HasField("shape") and wanted is None:
        raise UserError(f"{place}: it has no shape; give --input-shape")
    declared = [
        int(axis.dim_value) if axis.HasField("dim_value") else -1 for axis in kind.shape.dim
    ]
    if wanted is not None:
        fits = not kind.HasField("shape") or (
            len(wanted) == len(declared)
            and all(d in (-1, w) or (d == 0 and w) for d, w in zip(declared, wanted, strict=True))
        )
        if not fits or min(wanted, default=1) < 1:
            raise UserError(f"{place}: shape {_shape_text(declared)}, --input-shape {list(wanted)}")
        shape = list(wanted)
    else:
        shape = [1 if k == 0 and extent < 0 else extent for k, extent in enumerate(declared)]
    for axis, extent in enumerate(shape):
        if extent < 1:
            raise UserError(
                f"{place}: axis {axis} of {_shape_text(declared)} has no fixed length; "
                "give --input-shape"
            )
    if prod(shape) > MAX_ELEMENTS:
        raise UserError(f"{place}: shape {shape}; the limit is {MAX_ELEMENTS} elements")
    return Port(info.name, tuple(shape), kind_name(kind.elem_type))


def _shape_text(shape: Sequence[int]) -> str:
    return "[" + ", ".join("?" if extent < 0 else str(extent) for extent in shape) + "]"


def _asked(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in names:
            listed = ", ".join(map(shown, names[:8]))
            raise UserError(f"--output {shown(name)}; the outputs are {listed}")
    if len(set(names)) < len(names):
        raise UserError("two outputs have one name")
    return list(wanted or names)


def _loaded(
    graph: Graph, interpreter: Interpreter, ports: list[Port], results: dict[str, Result]
) -> Loaded:
    for name, result in results.items():
        if isinstance(result, Chosen) and result.names is not None:
            with naming(f"output {shown(name)}"):
                interpreter.classes.add(result.scores, result.names)
    kept = _without_classes(results, interpreter)
    if not any(isinstance(result, Squashed | Chosen) for result in kept.values()):
        tensors = []
        for name, result in kept.items():
            with naming(f"output {shown(name)}"):
                if isinstance(result, Squashed | Chosen):
                    continue
                if isinstance(result, Names):
                    raise UserError("it is of texts")
                tensors.append(tensor_of(result))
        made = [Port(name, tensor.shape, "") for name, tensor in
                zip(kept, tensors, strict=True)]  # fmt: skip
        network = graph.network(tensors)
        return Loaded(
            network, tuple(ports), tuple(made), None, tuple(interpreter.notes),
            dict(interpreter.kinds), *interpreter.classes.of(tensors),
        )  # fmt: skip
    if len(kept) > 1:
        listed = ", ".join(map(shown, kept))
        raise UserError(f"some of the outputs {listed} are no scores: choose with --output")
    ((name, last),) = kept.items()
    if not isinstance(last, Squashed | Chosen):
        raise UserError(f"output {shown(name)} is no tensor")
    scores, exact, threshold = last.scores, None, None
    if isinstance(last, Squashed) and len(last.scores.ids.reshape(-1)) == 1:
        threshold = last.threshold
    if isinstance(last, Squashed) and last.exact is not None:
        exact = graph.network([last.exact])
    shifted = None if threshold is None else graph.network([_plus(scores, threshold)])
    tail = Tail(last.by, threshold, shifted, exact)
    return Loaded(
        graph.network([scores]), tuple(ports), (Port(name, scores.shape, ""),), tail,
        tuple(interpreter.notes), dict(interpreter.kinds), *interpreter.classes.of([scores]),
    )  # fmt: skip


def _plus(value: Tensor, number: Fraction) -> Tensor:
    return scaled(value, np.ones((), dtype=np.float64), scalar(number))


def _without_classes(results: dict[str, Result], interpreter: Interpreter) -> dict[str, Result]:
    """The scores among the outputs, without the class that argmax chooses, masks and shapes; raises
    UserError where that is the class of other scores."""
    left_out = {}
    for name, result in results.items():
        if isinstance(result, Chosen):
            left_out[name] = "the class of the largest score"
        elif isinstance(result, Constant) and not result.is_real:
            left_out[name] = f"a constant of type {kind_name(result.kind)}"
    if len(left_out) == len(results):
        return results
    kept = {name: result for name, result in results.items() if name not in left_out}
    for name, what in left_out.items():
        result = results[name]
        if isinstance(result, Chosen) and not _is_class_of(kept, result):
            listed = ", ".join(map(shown, list(kept)[:8]))
            raise UserError(
                f"output {shown(name)} is not the class of the largest score of {listed}: "
                "choose with --output"
            )
        interpreter.note(f"output {shown(name)}, {what}, is left out")
    return kept


def _is_class_of(kept: dict[str, Result], chosen: Chosen) -> bool:
    """Whether argmax reads this class from the outputs kept: they are the very scores that it was
    chosen among, in the same order, or in any if they have names, which move with them."""
    last = next(iter(kept.values()))
    if isinstance(last, Squashed):
        last = last.scores if last.exact is None else last.exact
    if len(kept) > 1 or not isinstance(last, Tensor) or last.forms is not chosen.scores.forms:
        return False
    places, own = chosen.scores.ids.reshape(-1), last.ids.reshape(-1)
    if chosen.names is not None:
        places, own = np.sort(places), np.sort(own)
    return np.array_equal(places, own)
