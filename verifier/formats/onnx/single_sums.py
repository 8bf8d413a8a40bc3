"""Whether an ONNX file computes each unit as one sum of products and a bias, as its row says.

Reading a file multiplies out what is affine: two layers without an activation between them become
one row, a normalisation is folded into weights. In real numbers that is the same network; as
executed it is not, for every operation rounds.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from verifier.formats.files import naming, read_bytes, shown
from verifier.question.errors import UserError

_MOVES = ("Flatten", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Transpose")
_PRODUCTS = ("MatMul", "Gemm", "Conv")
EXECUTABLE = frozenset((*_MOVES, *_PRODUCTS, "Relu", "Add", "Constant"))
"""The operators of which a file may consist that is asked about as executed."""


def require_single_sums(path: Path | str) -> None:
    """Raises UserError, naming the node, unless between activations the file has at most one matrix
    product, each followed by at most one bias, and otherwise nothing that rounds."""
    with naming(path):
        model = onnx.ModelProto()
        try:
            model.ParseFromString(read_bytes(Path(path)))
        except DecodeError:
            raise UserError("not an ONNX file, or a truncated one") from None
        _require(model.graph)


def _require(graph: onnx.GraphProto) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    steps: dict[str, int] = {}  # since the last activation: 0 none, 1 products, 2 a sum
    for node in graph.node:
        read = [name for name in node.input if name and name not in constants]
        step = max((steps.get(name, 0) for name in read), default=0)
        kind = node.op_type
        if kind == "Constant":
            constants.add(node.output[0])
            continue
        if kind == "Relu":
            step = 0
        elif kind in _PRODUCTS and len(read) == 1 and step == 0:
            scales = [a.f for a in node.attribute if a.name in ("alpha", "beta")]
            if any(scale != 1 for scale in scales):
                raise UserError(f"{_place(node)}: its factors round once more")
            step = 2 if len(node.input) > 2 else 1
        elif kind == "Add" and len(read) == 1 and step <= 1:
            step = 2
        elif kind not in _MOVES or len(read) != 1:
            raise UserError(
                f"{_place(node)}: as executed it is no part of one sum a unit, so nothing is known "
                "of its rounding"
            )
        for name in node.output:
            steps[name] = step


def _place(node: onnx.NodeProto) -> str:
    return f"node {shown(node.name or node.output[0])} ({node.op_type})"
