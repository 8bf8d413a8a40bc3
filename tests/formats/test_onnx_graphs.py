"""Functions, subgraphs, operator sets: what a graph means, or why it is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.oracles.onnx_models import NODE, F, agree, build, value_of
from verifier.formats.onnx import run
from verifier.formats.onnx.read import loaded_model, network_of_model
from verifier.question.errors import UserError

FLOAT, BOOL = TensorProto.FLOAT, TensorProto.BOOL


def exact(model: onnx.ModelProto, *point: Any) -> list[Fraction]:
    return value_of(model, network_of_model(model), point)


def body(
    nodes: list[onnx.NodeProto], inputs: list[tuple[str, int]], outputs: list[str]
) -> onnx.GraphProto:
    return helper.make_graph(
        nodes, "body",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs],
        [helper.make_tensor_value_info(name, BOOL if name == "still" else FLOAT, None)
         for name in outputs],
    )  # fmt: skip


# ------------------------------------------------------------------ subgraphs


@pytest.mark.parametrize(("condition", "value"), [(True, 3), (False, -2)])
def test_if_takes_the_branch_of_a_constant(condition: bool, value: int) -> None:
    then = body([NODE("Mul", ["x0", "three"], ["t"])], [], ["t"])
    other = body([NODE("Mul", ["x0", "two"], ["n"]), NODE("Neg", ["n"], ["e"])], [], ["e"])
    # What a branch reads from outside is computed first, wherever its node stands.
    nodes = [
        NODE("If", ["c"], ["y"], then_branch=then, else_branch=other),
        NODE("Add", ["one", "two"], ["three"]),
    ]
    constants = {"c": np.array(condition), "one": F(1), "two": F(2)}
    model = build(nodes, [[1]], {k: np.asarray(v) for k, v in constants.items()})
    assert exact(model, 1) == [value]


def test_if_on_the_input_is_refused() -> None:
    then = body([NODE("Identity", ["x0"], ["t"])], [], ["t"])
    nodes = [
        NODE("Less", ["x0", "z"], ["c"]),
        NODE("If", ["c"], ["y"], then_branch=then, else_branch=then),
    ]
    with pytest.raises(UserError, match=r"\(Less\): it compares values that depend"):
        network_of_model(build(nodes, [[1]], {"z": np.zeros(1, dtype=F)}))


def loop(times: Any, *extra: Any) -> onnx.ModelProto:
    inner = body(
        [
            NODE("Mul", ["h", "half"], ["m"]),
            NODE("Relu", ["m"], ["next"]),
            NODE("Identity", ["next"], ["seen"]),
            NODE("Identity", ["go"], ["still"]),
        ],
        [("i", TensorProto.INT64), ("go", TensorProto.BOOL), ("h", TensorProto.FLOAT)],
        ["still", "next", "seen"],
    )
    nodes = [NODE("Loop", ["n", "", "x0"], ["last", "all"], body=inner),
             NODE("Concat", ["last", "flat"], ["y"], axis=0),
             NODE("Reshape", ["all", "minus"], ["flat"])]  # fmt: skip
    constants = {"n": np.asarray(times), "half": F(0.5), "minus": np.array([-1])}
    return build(nodes, [[1]], {k: np.asarray(v) for k, v in constants.items()})


def test_loop_runs_its_body_as_often_as_a_constant_says() -> None:
    model = loop(3)
    assert exact(model, 8) == [1, 4, 2, 1]


def test_loops_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_STEPS", 2000)
    with pytest.raises(UserError, match="more than 2000 nodes of loops and functions"):
        network_of_model(loop(10**12))


@pytest.mark.parametrize("times", [2**62, None])
def test_loops_of_no_nodes_end(monkeypatch: pytest.MonkeyPatch, times: int | None) -> None:
    monkeypatch.setattr(run, "MAX_STEPS", 2000)
    turn = [("i", TensorProto.INT64), ("go", TensorProto.BOOL), ("h", TensorProto.FLOAT)]
    inner = body([], turn, ["go", "h"])
    ends = ["", "yes"] if times is None else ["n", ""]
    constants = {"n": np.array(times or 0), "yes": np.array(True)}
    made = build([NODE("Loop", [*ends, "x0"], ["y"], body=inner)], [[1]], constants)
    with pytest.raises(UserError, match="more than 2000 nodes of loops and functions"):
        network_of_model(made)


# ------------------------------------------------------------------ functions


def with_function(function: onnx.FunctionProto, node: onnx.NodeProto) -> onnx.ModelProto:
    model = build([node], [[1, 2]])
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def leaky(domain: str = "own") -> onnx.FunctionProto:
    node = NODE("LeakyRelu", ["a"], ["b"])
    reference = node.attribute.add()
    reference.name, reference.ref_attr_name = "alpha", "slope"
    reference.type = onnx.AttributeProto.FLOAT
    return helper.make_function(
        domain, "Lean", ["a"], ["b"], [node], [helper.make_opsetid("", 17)], ["slope"]
    )


def test_a_function_of_the_model_is_run_with_its_attributes() -> None:
    model = with_function(leaky(), NODE("Lean", ["x0"], ["y"], domain="own", slope=0.25))
    assert exact(model, -8, 3) == [-2, 3]
    default = with_function(leaky(), NODE("Lean", ["x0"], ["y"], domain="own"))
    assert exact(default, -1, 3) == [-Fraction(float(F(0.01))), 3]


def test_what_a_function_is_called_with_must_be_known() -> None:
    with pytest.raises(UserError, match="attribute 'tilt' is unknown"):
        network_of_model(
            with_function(leaky(), NODE("Lean", ["x0"], ["y"], domain="own", tilt=0.25))
        )
    with pytest.raises(UserError, match="function 'Lean' is named as an operator"):
        network_of_model(with_function(leaky(""), NODE("Relu", ["x0"], ["y"])))


def test_functions_that_call_themselves_are_refused() -> None:
    node = NODE("Again", ["a"], ["b"], domain="own")
    function = helper.make_function(
        "own", "Again", ["a"], ["b"], [node], [helper.make_opsetid("", 17)]
    )
    with pytest.raises(UserError, match="functions within functions, 40 deep"):
        network_of_model(with_function(function, NODE("Again", ["x0"], ["y"], domain="own")))


def test_functions_that_double_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_STEPS", 2000)
    model = build([NODE("F30", ["x0"], ["y"], domain="own")], [[1]])
    model.opset_import.append(helper.make_opsetid("own", 1))
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    for k in range(31):
        inner = f"F{k - 1}" if k else "Neg"
        domain = "own" if k else ""
        nodes = [NODE(inner, ["a"], ["m"], domain=domain), NODE(inner, ["m"], ["b"], domain=domain)]
        model.functions.append(helper.make_function("own", f"F{k}", ["a"], ["b"], nodes, imports))
    with pytest.raises(UserError, match="more than 2000 nodes of loops and functions"):
        network_of_model(model)


# ------------------------------------------------------------------ operator sets


def old(nodes: list[Any], shape: list[int], opset: int, **arrays: Any) -> onnx.ModelProto:
    return build(nodes, [shape], {k: np.asarray(v) for k, v in arrays.items()}, opset=opset)


def test_one_operator_set_may_be_imported_twice_but_not_in_two_versions() -> None:
    model = build([NODE("Relu", ["x0"], ["y"])], [[2]])
    model.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    assert network_of_model(model).layers == (2,)
    model.opset_import[1].version = 13
    with pytest.raises(UserError, match="in the versions 13 and 17"):
        network_of_model(model)


def test_slopes_of_channels_before_operator_set_7_are_read_where_there_is_one_reading() -> None:
    node = NODE("PRelu", ["x0", "s"], ["y"])
    slope = np.array([0.5, 0], dtype=F)
    with pytest.raises(UserError, match=r"\(PRelu\): before operator set 7 a slope of shape \[2\]"):
        network_of_model(old([node], [1, 2, 1, 2], 6, s=slope))
    assert exact(old([node], [1, 2, 1, 1], 6, s=slope), -2, -2) == [-1, 0]
    assert exact(old([node], [1, 2], 6, s=slope), -2, -2) == [-1, 0]
    assert exact(old([node], [1, 2, 1, 2], 6, s=slope[:1]), -2, -2, 1, 1) == [-1, -1, 1, 1]
    with pytest.raises(UserError, match="slope of shape"):
        network_of_model(old([node], [1, 3, 1, 2], 6, s=slope))
    # From 7 on it is the last axis.
    assert exact(old([node], [1, 2, 1, 2], 7, s=slope), -2, -2, -2, -2) == [-1, 0, -1, 0]


def test_batch_normalisation_before_operator_set_7_must_say_that_it_is_a_test() -> None:
    def model(**attributes: Any) -> onnx.ModelProto:
        node = NODE(
            "BatchNormalization", ["x0", "a", "b", "c", "d"], ["y"], epsilon=0.0, **attributes
        )
        one = np.ones(1, dtype=F)
        return old([node], [1, 1, 2], 6, a=one, b=one, c=one, d=one)

    with pytest.raises(UserError, match=r"\(BatchNormalization\): before operator set 7 without"):
        network_of_model(model())
    assert exact(model(is_test=1), 3, 4) == [3, 4]


def test_additions_before_operator_set_7_have_an_axis() -> None:
    arrays = {"b": np.array([1, 2], dtype=F)}
    node = NODE("Add", ["x0", "b"], ["y"], broadcast=1, axis=1)
    assert exact(old([node], [1, 2, 2], 6, **arrays), 0, 0, 0, 0) == [1, 1, 2, 2]
    node = NODE("Add", ["x0", "b"], ["y"], broadcast=1)
    assert exact(old([node], [1, 2, 2], 6, **arrays), 0, 0, 0, 0) == [1, 2, 1, 2]
    with pytest.raises(UserError, match="without broadcast"):
        network_of_model(old([NODE("Add", ["x0", "b"], ["y"])], [1, 2, 2], 6, **arrays))
    with pytest.raises(UserError, match="operator set 7 has no attribute 'axis'"):
        network_of_model(old([NODE("Add", ["x0", "b"], ["y"], axis=1)], [1, 2, 2], 7, **arrays))


def test_operators_and_attributes_belong_to_their_operator_set() -> None:
    with pytest.raises(UserError, match="operator set 5 has no operator Where"):
        network_of_model(old([NODE("Where", ["c", "x0", "x0"], ["y"])], [1], 5, c=np.array([True])))
    with pytest.raises(UserError, match="operator set 13 has no operator Upsample"):
        network_of_model(old([NODE("Upsample", ["x0", "s"], ["y"])], [1], 13, s=np.ones(1, F)))
    with pytest.raises(UserError, match="operator set 17 has no attribute 'alpha'"):
        network_of_model(build([NODE("Relu", ["x0"], ["y"], alpha=0.5)], [[1]]))
    with pytest.raises(UserError, match="1 inputs, not 2 to 2"):
        network_of_model(build([NODE("MatMul", ["x0"], ["y"])], [[1]]))


def test_the_oldest_forms_are_read() -> None:
    assert exact(old([NODE("Cast", ["x0"], ["y"], to="FLOAT")], [1], 5), 3) == [3]
    assert exact(old([NODE("Concat", ["x0", "x0"], ["y"])], [1, 1], 1), 3) == [3, 3]
    tile = NODE("Tile", ["x0", "n", "k"], ["y"])
    arrays = {"n": np.array(2, dtype=F).astype(np.int64), "k": np.array(1)}
    assert exact(old([tile], [2, 1], 5, **arrays), 1, 2) == [1, 1, 2, 2]


# ------------------------------------------------------------------ pieces


def test_clip_with_its_limits_crossed_is_the_upper_one() -> None:
    model = build(
        [NODE("Clip", ["x0", "a", "b"], ["y"])], [[3]],
        {"a": np.array(2, dtype=F), "b": np.array(1, dtype=F)},
    )  # fmt: skip
    assert exact(model, 0, 1.5, 9) == [1, 1, 1]
    agree(model, network_of_model(model))
    doubles = build(
        [NODE("Cast", ["x0"], ["d"], to=TensorProto.DOUBLE), NODE("Clip", ["d", "a"], ["y"])],
        [[1]], {"a": np.array(1e200)},
    )  # fmt: skip
    assert exact(doubles, 3) == [Fraction(1e200)]


def test_parts_of_no_size_are_nothing() -> None:
    nodes = [
        NODE("Split", ["x0", "sizes"], ["a", "b"], axis=1),
        NODE("Concat", ["a", "b", "a"], ["y"], axis=1),
    ]
    model = build(nodes, [[1, 3]], {"sizes": np.array([0, 3])})
    assert exact(model, 1, 2, 3) == [1, 2, 3]
    with pytest.raises(UserError, match="empty|0 outputs|no output"):
        network_of_model(build([*nodes[:1], NODE("Identity", ["a"], ["y"])], [[1, 3]],
                               {"sizes": np.array([0, 3])}))  # fmt: skip


def test_pads_may_be_computed_from_shapes() -> None:
    nodes = [
        NODE("Shape", ["x0"], ["s"]),
        NODE("Mod", ["s", "two"], ["r"]),
        NODE("Concat", ["zeros", "r"], ["p"], axis=0),
        NODE("Pad", ["x0", "p"], ["y"]),
    ]
    model = build(nodes, [[1, 3]], {"two": np.array([2, 2]), "zeros": np.array([0, 0])})
    assert exact(model, 1, 2, 3) == [1, 2, 3, 0, 0, 0, 0, 0]


def test_a_mask_of_dropout_is_left_out() -> None:
    model = build([NODE("Dropout", ["x0"], ["y", "m"])], [[2]])
    model.graph.output.append(helper.make_tensor_value_info("m", TensorProto.BOOL, None))
    read = loaded_model(model)
    assert [port.name for port in read.outputs] == ["y"]
    assert "output 'm', a constant of type bool, is left out" in read.notes


def test_half_precision_of_the_networks_values_is_said() -> None:
    nodes = [
        NODE("Cast", ["x0"], ["h"], to=TensorProto.FLOAT16),
        NODE("Cast", ["h"], ["y"], to=TensorProto.FLOAT),
    ]
    read = loaded_model(build(nodes, [[1]]))
    assert read.network_for(None).outputs.fractions(0) == ({0: 1}, 0)
    assert any("float16: that rounding is left out" in note for note in read.notes)


def test_irrational_roots_are_said() -> None:
    nodes = [NODE("Sqrt", ["v"], ["r"]), NODE("Mul", ["x0", "r"], ["y"])]
    read = loaded_model(build(nodes, [[2]], {"v": np.array([4, 2], dtype=F)}))
    network = read.network_for(None)
    assert network.outputs.fractions(0)[0] == {0: 2}
    assert network.outputs.fractions(1)[0] == {1: Fraction(2**0.5)}
    assert any("nearest float64" in note for note in read.notes)


def test_scattering_twice_to_one_place_is_refused() -> None:
    model = build(
        [NODE("ScatterND", ["x0", "i", "u"], ["y"])], [[3]],
        {"i": np.array([[1], [1]]), "u": np.array([1, 2], dtype=F)},
    )  # fmt: skip
    with pytest.raises(UserError, match="an index occurs twice"):
        network_of_model(model)


def test_names_are_made_once() -> None:
    model = build([NODE("Relu", ["x0"], ["y"])], [[1]], {"a": np.ones(1, dtype=F)})
    model.graph.node.append(NODE("Neg", ["x0"], ["y"]))
    with pytest.raises(UserError, match="two nodes make 'y'"):
        network_of_model(model)
    model = build([NODE("Add", ["x0", "a"], ["y"])], [[1]], {"a": np.ones(1, dtype=F)})
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, dtype=F), "a"))
    with pytest.raises(UserError, match="two values of this name"):
        network_of_model(model)


# ------------------------------------------------------------------ readings that differ


@pytest.mark.parametrize("scale", [0.6, 0.75, 0.8, 0.5, 1.5])
def test_resize_of_operator_set_10_takes_the_next_entry_where_it_shrinks(scale: float) -> None:
    scales = np.array([1, 1, scale, 1], dtype=F)
    model = old([NODE("Resize", ["x0", "s"], ["y"])], [1, 1, 4, 1], 10, s=scales)
    agree(model, network_of_model(model))


def test_resize_of_operator_set_10_as_in_the_test_of_the_standard() -> None:
    scales = np.array([1, 1, 0.6, 0.6], dtype=F)
    model = old([NODE("Resize", ["x0", "s"], ["y"])], [1, 1, 2, 4], 10, s=scales)
    assert exact(model, *range(1, 9)) == [1, 3]


def test_a_scale_that_leaves_the_shape_as_it_is_is_refused_where_it_moves_entries() -> None:
    for opset, nodes in (
        (9, [NODE("Upsample", ["x0", "s"], ["y"])]),
        (13, [NODE("Resize", ["x0", "", "s"], ["y"], coordinate_transformation_mode="asymmetric",
                   nearest_mode="floor")]),
    ):  # fmt: skip
        model = old(nodes, [1, 1, 3, 1], opset, s=np.array([1, 1, 1.2, 1], F))
        with pytest.raises(UserError, match="a scale of 1.2.* leaves the shape as it is"):
            network_of_model(model)
        moved = old(nodes, [1, 1, 3, 1], opset, s=np.array([1, 1, 1.2, 2], F))
        agree(moved, network_of_model(moved))
    shrunk = old([NODE("Upsample", ["x0", "s"], ["y"])], [1, 1, 4, 1], 9,
                 s=np.array([1, 1, 0.5, 1], F))  # fmt: skip
    with pytest.raises(UserError, match="a scale is below 1"):
        network_of_model(shrunk)


@pytest.mark.parametrize("start", [-10, -4, -3, -1, 2, 10])
@pytest.mark.parametrize("end", [-(2**63), -10, -3, -2, 0])
@pytest.mark.parametrize("step", [-1, -2, 1])
def test_slices_begin_inside(start: int, end: int, step: int) -> None:
    nodes = [
        NODE("Slice", ["x0", "a", "b", "k", "t"], ["part"]),
        NODE("Concat", ["part", "x0"], ["y"], axis=0),
    ]
    numbers = {"a": start, "b": end, "k": 0, "t": step}
    arrays = {name: np.array([value], dtype=np.int64) for name, value in numbers.items()}
    model = build(nodes, [[3]], arrays)
    agree(model, network_of_model(model))


def test_windows_that_runtimes_pad_differently_are_refused() -> None:
    pool = NODE("MaxPool", ["x0"], ["y"], kernel_shape=[2], dilations=[2], auto_pad="SAME_UPPER")
    with pytest.raises(UserError, match="auto_pad of dilated windows"):
        network_of_model(build([pool], [[1, 1, 4]]))
    back = NODE("ConvTranspose", ["x0", "w"], ["y"], auto_pad="VALID", pads=[1, 1])
    with pytest.raises(UserError, match="both pads and auto_pad"):
        network_of_model(build([back], [[1, 1, 4]], {"w": np.ones((1, 1, 3), F)}))


def test_one_hot_of_reals_is_that_of_their_integer_parts() -> None:
    node = NODE("OneHot", ["i", "d", "x0"], ["y"])
    arrays = {"i": np.array([0, 1.7, -0.5, -1.5, 3], F), "d": np.array(2.9, F)}
    model = build([node], [[2]], arrays)
    agree(model, network_of_model(model))
    assert exact(model, 0, 1) == [1, 0, 0, 1, 1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("scale", [1e30, 1.0])
def test_the_largest_float32_is_a_limit_of_doubles(scale: float) -> None:
    """It is none of float32, of which no number is larger."""
    largest = float(np.finfo(np.float32).max)
    nodes = [
        NODE("Cast", ["x0"], ["d"], to=TensorProto.DOUBLE),
        NODE("Mul", ["d", "s"], ["h"]),
        NODE("Clip", ["h", "", "m"], ["c"]),
        NODE("Mul", ["c", "t"], ["e"]),
        NODE("Cast", ["e"], ["y"], to=FLOAT),
    ]
    arrays = {"s": np.array(scale * 1e9), "m": np.array(largest), "t": np.array(1 / largest)}
    model = build(nodes, [[2]], arrays)
    network = network_of_model(model)
    assert network.units.count == 2
    agree(model, network)
    (high,) = value_of(build(nodes, [[1]], arrays), network_of_model(build(nodes, [[1]], arrays)),
                       [10**30])  # fmt: skip
    assert float(high) == 1


def test_an_empty_list_of_axes_to_squeeze_is_all_of_length_1_or_is_refused() -> None:
    """All runtimes say so before operator set 13; from there on they differ."""
    sums = NODE("ReduceSum", ["s"], ["y"], axes=[1], keepdims=0)
    squeeze = NODE("Squeeze", ["x0"], ["s"])
    kind = onnx.AttributeProto.INTS
    squeeze.attribute.append(helper.make_attribute("axes", [], attr_type=kind))
    model = old([squeeze, sums], [1, 2, 2], 11)
    agree(model, network_of_model(model))
    assert exact(model, 1, 10, 20, 2) == [11, 22]
    nodes = [NODE("Squeeze", ["x0", "axes"], ["y"])]
    for shape, refused in (([1, 2, 2], True), ([3, 2], False)):
        new = build(nodes, [shape], {"axes": np.zeros(0, dtype=np.int64)})
        if refused:
            with pytest.raises(UserError, match="Squeeze.*axes is an empty list"):
                network_of_model(new)
        else:
            assert exact(new, *range(6)) == list(range(6))
