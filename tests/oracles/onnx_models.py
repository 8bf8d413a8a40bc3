"""Small ONNX models, and whether the exact network of one agrees with onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from verifier.checker.scaled import evaluate
from verifier.question.network import Network

NODE = helper.make_node
F = np.float32


def build(
    nodes: Sequence[onnx.NodeProto],
    shapes: Sequence[Sequence[int | str]],
    constants: dict[str, np.ndarray[Any, Any]] | None = None,
    *,
    opset: int = 17,
    output: str = "y",
) -> onnx.ModelProto:
    """A model with inputs x0, x1, ... of these shapes and one output of unknown shape."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(f"x{k}", TensorProto.FLOAT, list(shape))
            for k, shape in enumerate(shapes)
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(network: Network, points: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    exact = evaluate(network, [[Fraction(float(v)) for v in point] for point in points])
    return np.array([[float(value) for value in row] for row in exact])


def agree(model: onnx.ModelProto | Path, network: Network, points: int = 2) -> None:
    """The exact network and onnxruntime differ by float error only."""
    runtime = pytest.importorskip("onnxruntime")
    runtime.set_default_logger_severity(4)
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    options = runtime.SessionOptions()
    # Optimised, it may quantize inputs where weights are dequantized.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(7)
    inputs, outputs = [], []
    for _ in range(points):
        feed = {}
        for entry in session.get_inputs():
            shape = [n if isinstance(n, int) and n > 0 else 1 for n in entry.shape]
            feed[entry.name] = generator.normal(size=shape).astype(np.float32)
        results = session.run(None, feed)
        inputs.append(np.concatenate([value.reshape(-1) for value in feed.values()]))
        outputs.append(np.concatenate([result.reshape(-1) for result in results]))
    got, wanted = run(network, inputs), np.array(outputs, dtype=np.float64)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5 * (1 + np.abs(wanted).max()))


def value_of(model: onnx.ModelProto, network: Network, point: Sequence[Any]) -> list[Fraction]:
    """The exact outputs at a point of rationals."""
    return evaluate(network, [[Fraction(x) for x in point]])[0]
