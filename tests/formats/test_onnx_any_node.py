"""One node of any operator with inputs and attributes of any kind: read, or refused in words."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, defs, helper, numpy_helper

from tests.oracles.onnx_models import NODE, build
from verifier.checker.scaled import evaluate
from verifier.formats.onnx.operators import OPERATORS
from verifier.formats.onnx.read import loaded_model, network_of_model
from verifier.question.errors import UserError

KINDS = ["FLOAT"] * 6 + ["INT64"] * 3 + ["DOUBLE", "FLOAT16", "BFLOAT16", "INT32", "INT8", "UINT8",
         "BOOL", "STRING", "UINT64", "INT4", "FLOAT8E4M3FN"]  # fmt: skip
SHAPES = [(), (1,), (2,), (3,), (4,), (2, 3), (1, 4), (1, 1, 3), (1, 2, 4), (1, 2, 3, 3),
          (1, 1, 4, 4), (0,), (2, 0)]  # fmt: skip
TEXTS = ["nearest", "linear", "SAME_UPPER", "VALID", "max", "", "ij,jk->ik", "i->", "...i->i",
         "constant", "reflect", "edge", "DCR", "LEFT", "floor"]  # fmt: skip


def tensor(rng: Random, name: str) -> onnx.TensorProto:
    kind, shape = rng.choice(KINDS), rng.choice(SHAPES)
    count = int(np.prod(shape))
    if kind == "STRING":
        texts = [rng.choice([b"a", b"b", b""]) for _ in range(count)]
        return helper.make_tensor(name, TensorProto.STRING, shape, texts)
    low = 0 if kind[0] == "U" or kind == "BOOL" else -2
    values = [rng.randint(low, 4) for _ in range(count)]
    if "FLOAT" in kind or kind == "DOUBLE":
        values = [value + rng.choice([0, 0, 0.5]) for value in values]
    kind_of = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
    return numpy_helper.from_array(np.array(values).reshape(shape).astype(kind_of), name)


def attribute(rng: Random, kind: str) -> Any:
    drawn: dict[str, Any] = {
        "INT": rng.choice([0, 1, 1, 0, -1, 2, 3, 7]),
        "FLOAT": rng.choice([0.0, 1.0, 0.5, -1.0, float("nan"), 2.0]),
        "INTS": [rng.choice([0, 1, -1, 2, 3]) for _ in range(rng.randint(0, 4))],
        "FLOATS": [rng.choice([0.0, 1.0, 0.5]) for _ in range(rng.randint(0, 4))],
        "STRING": rng.choice(TEXTS),
        "STRINGS": [rng.choice("ab") for _ in range(rng.randint(1, 3))],
        "TENSOR": tensor(rng, "t"),
    }
    return drawn.get(kind)


def drawn(rng: Random, domain: str, operator: str) -> onnx.ModelProto | None:
    """A model of such a node; None where the operator set has no such operator or attribute."""
    opset = rng.choice([6, 9, 11, 13, 17, 18, 21])
    try:
        schema = defs.get_schema(operator, 3 if domain else opset, domain)
    except defs.SchemaError:
        return None
    count = rng.randint(schema.min_input, max(schema.min_input, min(schema.max_input, 5)))
    place = rng.randrange(count) if count and rng.random() < 0.7 else -1
    inputs, stored = [], []
    for j in range(count):
        if j == place:
            inputs.append("x")
        elif rng.random() < 0.05:
            inputs.append("")
        else:
            inputs.append(f"c{j}")
            stored.append(tensor(rng, f"c{j}"))
    attributes = {
        name: attribute(rng, about.type.name)
        for name, about in schema.attributes.items()
        if about.required or rng.random() < 0.5
    }
    outputs = [f"y{j}" for j in range(rng.randint(1, max(1, min(schema.max_output, 3))))]
    node = NODE(operator, inputs, outputs, domain=domain,
                **{k: v for k, v in attributes.items() if v not in (None, [])})  # fmt: skip
    shape = rng.choice([shape for shape in SHAPES if shape])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    made = onnx.ValueInfoProto(name=rng.choice(outputs))
    graph = helper.make_graph([node], "g", [x], [made], stored)
    sets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8)


def test_any_node_is_read_or_refused_in_words() -> None:
    rng = Random(5)
    read = 0
    for domain, operator in sorted(OPERATORS):
        if operator in ("If", "Loop"):
            continue
        for _ in range(8):
            model = drawn(rng, domain, operator)
            if model is None:
                continue
            try:
                network = loaded_model(model).network_for(None)
            except UserError as error:
                assert str(error)
                continue
            read += 1
            evaluate(network, [[Fraction(1, 2)] * network.inputs])
    assert read > 50


@pytest.mark.parametrize(
    ("operator", "inputs", "name", "constants"),
    [
        ("ReduceSum", ["x0"], "keepdims", {}),
        ("ReduceSum", ["x0"], "noop_with_empty_axes", {}),
        ("Gemm", ["x0", "w"], "transB", {"w": np.eye(3, dtype=np.float32)}),
        ("CumSum", ["x0", "a"], "exclusive", {"a": np.array(1)}),
        ("Reshape", ["x0", "a"], "allowzero", {"a": np.array([3])}),
    ],
)
def test_a_switch_is_on_or_off(
    operator: str, inputs: list[str], name: str, constants: dict[str, Any]
) -> None:
    """Some runtimes ask for 1, others for anything but 0."""
    for value in (0, 1, 2, -1):
        node = NODE(operator, inputs, ["y"], **{name: value})
        model = build([node], [[1, 3]], constants)
        if value in (0, 1):
            network_of_model(model)
            continue
        with pytest.raises(UserError, match=f"attribute {name} is {value}, neither 0 nor 1"):
            network_of_model(model)


def test_tuples_of_no_index_are_refused() -> None:
    node = NODE("GatherND", ["x0", "i"], ["y"])
    with pytest.raises(UserError, match="tuples of 0 indices"):
        network_of_model(build([node], [[1, 3]], {"i": np.zeros((2, 0), dtype=np.int64)}))


@pytest.mark.parametrize("opset", [9, 17])
def test_attributes_of_another_kind_are_refused_by_name(opset: int) -> None:
    """Of every operator and attribute: a text where a number is asked for, or a number."""
    tried = 0
    for domain, name in OPERATORS:
        try:
            schema = defs.get_schema(name, opset, domain)
        except defs.SchemaError:
            continue
        if domain or schema.deprecated:
            continue
        for attribute, known in schema.attributes.items():
            text = known.type.name != "STRING"
            node = helper.make_node(name, ["x0"] * schema.min_input, ["y"])
            value, kind = (b"a", "STRING") if text else (1, "INT")
            node.attribute.append(helper.make_attribute(attribute, value))
            model = build([node], [[1, 2]], opset=opset)
            wanted = f"attribute '{attribute}': {kind} where {known.type.name} is asked for"
            with pytest.raises(UserError, match=wanted):
                network_of_model(model)
            tried += 1
    assert tried > 80


def test_a_segment_of_a_tensor_is_refused() -> None:
    model = build([NODE("Mul", ["x0", "w"], ["y"])], [[1, 2]], {"w": np.ones(2, dtype=np.float32)})
    model.graph.initializer[0].segment.begin = 0
    with pytest.raises(UserError, match="initializer 'w': it is one of several segments"):
        network_of_model(model)
