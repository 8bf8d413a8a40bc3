"""Whether an ONNX file computes each unit as one sum of products and a bias, as its row says.

Reading a file multiplies out what is affine: two layers without an activation between them become
one row, a normalisation is folded into weights. In real numbers that is the same network; as
executed it is not, for every operation rounds.
"""

from __future__ import annotations

from pathlib import Path

import onnx

from verifier.formats.files import naming, read_bytes, shown
from verifier.formats.onnx.order import nodes_in_order
from verifier.formats.onnx.read import model_of
from verifier.question.errors import UserError

_MOVES = ("Flatten", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Transpose")
_PRODUCTS = ("MatMul", "Gemm", "Conv")
EXECUTABLE = frozenset((*_MOVES, *_PRODUCTS, "Relu", "Add", "Constant"))
"""The operators of which a file may consist that is asked about as executed."""
_TYPES = {"float32": onnx.TensorProto.FLOAT, "float64": onnx.TensorProto.DOUBLE}


def require_single_sums(path: Path | str, semantics: str | None = None) -> None:
    """Raises UserError, naming the node, unless between activations the file has at most one matrix
    product, each followed by at most one bias, and otherwise nothing that rounds; and, with
    `semantics`, unless it computes in that format."""
    with naming(path):
        model = model_of(read_bytes(Path(path)))
        if model.functions:
            raise UserError(
                "functions of the model: as executed nothing is known of their rounding"
            )
        _require(model.graph, None if semantics is None else _TYPES[semantics])


def _require(graph: onnx.GraphProto, kind: int | None) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    steps: dict[str, int] = {}  # since the last activation: 0 none, 1 products, 2 a sum
    for info in graph.input:
        if info.name not in constants:
            steps[info.name] = 0
            if kind is not None and info.type.tensor_type.elem_type != kind:
                raise UserError(f"input {shown(info.name)}: the file computes in another format")
    if kind is not None:
        for tensor in graph.initializer:
            if tensor.data_type in _TYPES.values() and tensor.data_type != kind:
                raise UserError(f"initializer {shown(tensor.name)}: it is of another format")
    ordered, _ = nodes_in_order(graph.node, [info.name for info in graph.output])
    for node in ordered:
        step = _step(node, constants, steps)
        for name in node.output:
            if step is None:
                constants.add(name)
            else:
                steps[name] = step


def _step(node: onnx.NodeProto, constants: set[str], steps: dict[str, int]) -> int | None:
    """How far the sum of the node's output is, None of a constant that nothing has rounded."""
    given = [name for name in node.input if name]
    read = [name for name in given if name not in constants]
    unknown = next((name for name in read if name not in steps), None)
    if unknown is not None:
        raise UserError(f"{_place(node)}: reads {shown(unknown)}, which nothing makes")
    kind = node.op_type if node.domain in ("", "ai.onnx") else ""
    if kind == "Constant" or (kind in _MOVES and not read):
        return None
    before = steps[read[0]] if len(read) == 1 else 2
    if kind == "Relu" and len(read) == 1:
        return 0
    if kind in _MOVES and len(read) == 1 and read[0] == given[0]:
        return before
    if kind in _PRODUCTS and len(read) == 1 and before == 0 and read[0] in given[:2]:
        scales = [a.f for a in node.attribute if a.name in ("alpha", "beta")]
        if any(scale != 1 for scale in scales):
            raise UserError(f"{_place(node)}: its factors round once more")
        return 2 if len(given) > 2 else 1
    if kind == "Add" and len(read) == 1 and len(given) == 2 and before <= 1:
        return 2
    raise UserError(
        f"{_place(node)}: as executed it is no part of one sum a unit, so nothing is known "
        "of its rounding"
    )


def _place(node: onnx.NodeProto) -> str:
    return f"node {shown(node.name or next(iter(node.output), '?'))} ({node.op_type})"
