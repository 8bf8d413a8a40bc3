"""Random graphs compute what onnxruntime computes, up to its rounding.

Operators, operator sets 7 to 21, shapes, types of constants and the order of nodes are drawn.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tests.oracles.onnx_models import agree
from tests.oracles.random_onnx import random_model
from verifier.formats.onnx.order import nodes_in_order
from verifier.formats.onnx.read import network_of_model


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its nodes sorted, as onnxruntime wants them."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    ordered, _ = nodes_in_order(model.graph.node, [info.name for info in model.graph.output])
    del result.graph.node[:]
    result.graph.node.extend(ordered)
    return result


def check(seed: int) -> None:
    model = random_model(seed)
    agree(in_order(model), network_of_model(model), points=2)


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_500_random_graphs_agree_with_onnxruntime(first: int) -> None:
    for seed in range(first, first + 50):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(500, 5_500, 500))
def test_many_random_graphs_agree_with_onnxruntime(first: int) -> None:
    for seed in range(first, first + 500):
        check(seed)


def test_the_graphs_differ() -> None:
    models = [random_model(seed) for seed in range(200)]
    kinds = {node.op_type for model in models for node in model.graph.node}
    assert len(kinds) > 55
    assert len({model.opset_import[0].version for model in models}) == 15
    unsorted = sum(list(model.graph.node) != list(in_order(model).graph.node) for model in models)
    assert unsorted > 150
    assert np.unique([len(model.graph.node) for model in models]).size > 8
