"""A last layer that keeps the order of scores is put aside where a label is asked, only there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.oracles.onnx_models import NODE, F, build, value_of
from verifier.formats.loaded import Loaded
from verifier.formats.onnx.read import loaded_model, network_of_model
from verifier.question.errors import UserError

WEIGHTS = np.array([[1, 0.5, -1], [0, 2, 1]], dtype=F)


def loaded(*nodes: Any, opset: int = 17, outputs: tuple[str, ...] = (), **arrays: Any) -> Loaded:
    """Scores s = x W, and what the nodes make of them, down to y."""
    first = NODE("MatMul", ["x0", "w"], ["s"])
    constants = {"w": WEIGHTS} | {name: np.asarray(array) for name, array in arrays.items()}
    model = build([first, *nodes], [[1, 2]], constants, opset=opset)
    for name in outputs:
        if name != "y":
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return loaded_model(model)


SCORES = network_of_model(build([NODE("MatMul", ["x0", "w"], ["y"])], [[1, 2]], {"w": WEIGHTS}))


@pytest.mark.parametrize(
    "nodes",
    [
        [NODE("Softmax", ["s"], ["y"])],
        [NODE("LogSoftmax", ["s"], ["y"], axis=1)],
        [NODE("Sigmoid", ["s"], ["y"])],
        [NODE("Tanh", ["s"], ["h"]), NODE("Softmax", ["h"], ["y"])],
        [NODE("Softmax", ["s"], ["h"]), NODE("Flatten", ["h"], ["y"], axis=0)],
        [NODE("Softmax", ["s"], ["h"]), NODE("Cast", ["h"], ["y"], to=TensorProto.DOUBLE)],
        [NODE("ArgMax", ["s"], ["y"], axis=1)],
        [NODE("Softmax", ["s"], ["h"]), NODE("ArgMax", ["h"], ["y"], axis=1, keepdims=0)],
    ],
)
def test_argmax_reads_the_scores(nodes: list[Any]) -> None:
    read = loaded(*nodes)
    network, decoder = read.reading(None)
    assert decoder == "argmax" and network.digest == SCORES.digest
    assert any("left out: argmax reads the same label" in note for note in read.said("argmax"))
    for other in (None, "value", "nearest", "sign"):
        with pytest.raises(UserError, match="not piecewise linear: ask for a label with decoder"):
            read.network_for(other)


def single(kind: str, **attributes: Any) -> Loaded:
    nodes = [NODE("MatMul", ["x0", "w"], ["s"]), NODE(kind, ["s"], ["y"], **attributes)]
    weights = np.array([[2], [-1]], dtype=F)
    return loaded_model(build(nodes, [[1, 2]], {"w": weights}))


@pytest.mark.parametrize(("kind", "threshold"), [("Sigmoid", Fraction(1, 2)), ("Tanh", 0)])
def test_the_sign_of_a_single_score_is_that_of_the_value_less_its_threshold(
    kind: str, threshold: Fraction
) -> None:
    read = single(kind)
    network, decoder = read.reading(None)
    assert decoder == "sign"
    assert network.outputs.fractions(0) == ({0: 2, 1: -1}, 0)
    labels = [threshold - 1, threshold + 1]
    shifted, decoder = read.reading(None, labels)
    assert decoder == "nearest"
    assert shifted.outputs.fractions(0) == ({0: 2, 1: -1}, threshold)
    with pytest.raises(UserError, match="decoder sign"):
        read.reading("nearest", [Fraction(0), Fraction(7)])


def test_a_function_without_a_known_threshold_says_nothing_of_signs() -> None:
    with pytest.raises(UserError, match="its threshold is unknown"):
        single("Softplus").network_for("sign")


def test_a_hard_sigmoid_is_exact_and_its_sign_is_about_one_half() -> None:
    read = single("HardSigmoid", alpha=0.25, beta=0.5)
    exact = read.network_for(None)
    for x, y in ((0, Fraction(1, 2)), (1, 1), (5, 1), (-9, 0)):
        assert exact is read.network_for("value")
        from verifier.checker.scaled import evaluate

        assert evaluate(exact, [[Fraction(x), Fraction(0)]])[0] == [y]
    sign = read.network_for("sign")
    assert sign.outputs.fractions(0) == ({0: Fraction(1, 2), 1: Fraction(-1, 4)}, 0)


def test_hard_sigmoid_inside_a_network_is_piecewise_linear() -> None:
    nodes = [
        NODE("HardSigmoid", ["x0"], ["h"]),
        NODE("ReduceSum", ["h", "a"], ["y"], keepdims=0),
    ]
    model = build(nodes, [[1, 2]], {"a": np.array([1])})
    fifth = Fraction(float(F(0.2)))
    assert value_of(model, network_of_model(model), [1, -10]) == [fifth + Fraction(1, 2)]


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Softmax", "Exp"])
def test_whatever_else_reads_the_values_is_refused_by_both_names(kind: str) -> None:
    with pytest.raises(UserError, match=rf"node 'y' \(Add\): it computes with node 'h' \({kind}\)"):
        loaded(NODE(kind, ["s"], ["h"], name="h"), NODE("Add", ["h", "s"], ["y"]))


def test_softmax_of_groups_is_refused() -> None:
    nodes = [
        NODE("Concat", ["s", "s"], ["c"], axis=0),
        NODE("Softmax", ["c"], ["y"], axis=1),
    ]
    with pytest.raises(UserError, match="of groups of a tensor of shape"):
        loaded(*nodes)
    flat = [NODE("Reshape", ["s", "shape"], ["c"]), NODE("Softmax", ["c"], ["y"], axis=1)]
    # Before operator set 13 all axes from the given one on are one group.
    read = loaded(*flat, opset=12, shape=np.array([1, 3, 1]))
    assert read.reading(None)[0].digest == SCORES.digest


def test_the_class_goes_where_there_are_scores() -> None:
    nodes = [NODE("ArgMax", ["s"], ["label"], axis=1), NODE("Identity", ["s"], ["y"])]
    read = loaded(*nodes, outputs=("label",))
    assert [port.name for port in read.outputs] == ["y"]
    assert read.network_for(None).digest == SCORES.digest
    assert "output 'label', the class of the largest score, is left out" in read.notes


def test_outputs_are_asked_by_name() -> None:
    nodes = [NODE("Softmax", ["s"], ["p"]), NODE("Relu", ["s"], ["y"])]
    model = build([NODE("MatMul", ["x0", "w"], ["s"]), *nodes], [[1, 2]], {"w": WEIGHTS})
    model.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, None))
    with pytest.raises(UserError, match="choose with --output"):
        loaded_model(model)
    assert loaded_model(model, None, ["p"]).reading(None)[0].digest == SCORES.digest
    assert loaded_model(model, None, ["y"]).network_for(None).layers == (3,)
    with pytest.raises(UserError, match=r"--output 'q'; the outputs are 'y', 'p'"):
        loaded_model(model, None, ["q"])


def ml(*nodes: Any, outputs: tuple[str, ...] = ("y",)) -> Loaded:
    graph = helper.make_graph(
        list(nodes), "g",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.array([3, 1, 7]), "classes"),
         numpy_helper.from_array(np.array(1, dtype=F), "one")],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return loaded_model(helper.make_model(graph, opset_imports=imports, ir_version=8))


def classifier(transform: str, classes: int = 3) -> Any:
    return NODE(
        "LinearClassifier", ["x0"], ["label", "scores"], domain="ai.onnx.ml",
        classlabels_ints=list(range(classes)), intercepts=[0.5, 0.0, -1.0],
        coefficients=[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], post_transform=transform,
    )  # fmt: skip


@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_a_linear_classifier_is_its_scores(transform: str) -> None:
    zip_map = NODE("ZipMap", ["scores"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2])
    names = NODE("Identity", ["label"], ["named"])
    network, decoder = ml(
        classifier(transform), zip_map, names, outputs=("named", "y")
    ).reading(None)  # fmt: skip
    assert decoder == "argmax"
    rows = [network.outputs.fractions(i) for i in range(3)]
    assert rows == [({0: 1}, Fraction(1, 2)), ({1: 1}, 0), ({0: 1, 1: 1}, -1)]


def test_one_row_for_two_classes_is_refused() -> None:
    with pytest.raises(UserError, match="3 rows of coefficients for 2 classes"):
        ml(classifier("NONE", 2), NODE("Identity", ["scores"], ["y"]))


def test_a_normalizer_keeps_the_order_of_positive_values_alone() -> None:
    norm = NODE("Normalizer", ["scores"], ["y"], domain="ai.onnx.ml", norm="L1")
    assert ml(classifier("LOGISTIC"), norm).reading(None)[1] == "argmax"
    with pytest.raises(UserError, match=r"Normalizer\): it divides by values"):
        ml(classifier("NONE"), norm)


def test_a_scaler_and_a_regressor_are_affine() -> None:
    nodes = [
        NODE("Scaler", ["x0"], ["h"], domain="ai.onnx.ml", offset=[1.0, 2.0], scale=[0.5, 4.0]),
        NODE("LinearRegressor", ["h"], ["y"], domain="ai.onnx.ml", coefficients=[2.0, 1.0],
             intercepts=[3.0]),
    ]  # fmt: skip
    assert ml(*nodes).network_for(None).outputs.fractions(0) == ({0: 1, 1: 4}, -6)


def test_several_ones_minus_a_sigmoid_are_no_sigmoid() -> None:
    nodes = [NODE("Sigmoid", ["x0"], ["p"]), NODE("Sub", ["ones", "p"], ["y"])]
    model = build(nodes, [[1, 1]], {"ones": np.ones((1, 2), F)})
    with pytest.raises(UserError, match="not piecewise linear"):
        loaded_model(model)


def test_one_minus_a_sigmoid_beside_it_is_a_binary_classifier() -> None:
    """As skl2onnx writes it: probabilities 1 - p, p and the class of the larger."""
    nodes = [
        NODE("ReduceSum", ["x0"], ["s"], keepdims=1),
        NODE("Sigmoid", ["s"], ["p"]),
        NODE("Sub", ["one", "p"], ["q"]),
        NODE("Concat", ["q", "p"], ["both"], axis=1),
        NODE("ArgMax", ["both"], ["index"], axis=1),
        NODE("ArrayFeatureExtractor", ["classes", "index"], ["name"], domain="ai.onnx.ml"),
        NODE("ZipMap", ["both"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[3, 1]),
    ]
    read = ml(*nodes, outputs=("name", "y"))
    network, decoder = read.reading(None)
    assert decoder == "argmax"
    assert [network.outputs.fractions(i)[0] for i in range(2)] == [{0: -1, 1: -1}, {0: 1, 1: 1}]
    assert [port.name for port in read.outputs] == ["y"]
