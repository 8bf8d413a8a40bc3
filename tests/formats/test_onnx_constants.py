"""Constants of ONNX files keep the arithmetic of their type: casts round or wrap, integers wrap."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.oracles.onnx_models import NODE, F, build
from verifier.formats.onnx.constants import FLOATS, Constant, cast, rounded_to
from verifier.formats.onnx.read import network_of_model
from verifier.question.errors import UserError

TYPES = {
    "int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16, "int32": TensorProto.INT32, "uint32": TensorProto.UINT32,
    "int64": TensorProto.INT64, "uint64": TensorProto.UINT64, "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4, "bool": TensorProto.BOOL,
}  # fmt: skip


def constant(
    nodes: list[onnx.NodeProto], arrays: dict[str, Any], opset: int = 21
) -> list[Fraction]:
    """The value of `c`, which the nodes compute from the arrays, as it is added to the input."""
    shape = [4] if not arrays else [1]
    tensors = {
        name: array if isinstance(array, onnx.TensorProto) else numpy_helper.from_array(
            np.asarray(array), name)
        for name, array in arrays.items()
    }  # fmt: skip
    last = NODE("Cast", ["c"], ["f"], to=TensorProto.DOUBLE)
    model = build([*nodes, last, NODE("Add", ["x0", "f"], ["y"])], [shape], {}, opset=opset)
    model.graph.initializer.extend(tensors.values())
    network = network_of_model(model)
    return [network.outputs.fractions(i)[1] for i in range(network.outputs.count)]


def cast_of(array: Any, target: int, opset: int = 21, **more: Any) -> list[Fraction]:
    return constant([NODE("Cast", ["a"], ["c"], to=target, **more)], {"a": array}, opset)


@pytest.mark.parametrize(
    ("value", "target", "result"),
    [
        (200, "int8", -56),
        (-1, "uint8", 255),
        (2**31, "int32", -(2**31)),
        (2**40 + 5, "uint16", 5),
        (-(2**62), "uint64", 2**64 - 2**62),
        (9, "int4", -7),
        (-1, "uint4", 15),
        (256, "bool", 1),
    ],
)
def test_integers_beyond_the_type_keep_their_lowest_bits(
    value: int, target: str, result: int
) -> None:
    assert cast_of(np.array([value], dtype=np.int64), TYPES[target]) == [result]


@pytest.mark.parametrize(
    ("value", "target", "result"),
    [(-2.9, "int8", -2), (2.9, "uint4", 2), (255.5, "uint8", 255), (-0.5, "uint8", 0),
     (0.25, "bool", 1), (-127.9, "int32", -127)],
)  # fmt: skip
def test_floats_are_cut_towards_zero(value: float, target: str, result: int) -> None:
    assert cast_of(np.array([value]), TYPES[target]) == [result]


@pytest.mark.parametrize(
    ("value", "target"),
    [(128.0, "int8"), (-1.0, "uint8"), (1e10, "int32"), (8.0, "int4"), (np.inf, "int64"),
     (np.nan, "int8")],
)  # fmt: skip
def test_what_onnx_leaves_undefined_is_refused(value: float, target: str) -> None:
    with pytest.raises(UserError, match=r"\(Cast\): .*(undefined|NaN or infinite)"):
        cast_of(np.array([value]), TYPES[target])


def test_a_double_cast_to_float_is_the_nearest_float() -> None:
    assert cast_of(np.array([0.1]), TensorProto.FLOAT) == [Fraction(float(F(0.1)))]
    assert cast_of(np.array([2**24 + 1], dtype=np.int64), TensorProto.FLOAT) == [2**24]
    assert cast_of(np.array([2**53 + 1], dtype=np.int64), TensorProto.DOUBLE) == [2**53]
    assert cast_of(np.array([2**63 + 1025], dtype=np.uint64), TensorProto.DOUBLE) == [2**63 + 2048]


def test_four_bit_floats_saturate_and_have_no_nan() -> None:
    four = TensorProto.FLOAT4E2M1
    assert cast_of(np.array([1e6], dtype=F), four, 23) == [6]
    assert cast_of(np.array([2.5], dtype=F), four, 23) == [2]
    with pytest.raises(UserError, match="a cast of NaN to float4e2m1 is undefined"):
        cast_of(np.array([np.nan], dtype=F), four, 23)


def test_a_cast_beyond_the_largest_float_cannot_be_a_weight() -> None:
    with pytest.raises(UserError, match="NaN or infinite"):
        cast_of(np.array([1e30]), TensorProto.FLOAT16)


SMALL = {
    TensorProto.FLOAT8E4M3FN: (448, None),
    TensorProto.FLOAT8E4M3FNUZ: (240, None),
    TensorProto.FLOAT8E5M2: (57344, None),
    TensorProto.FLOAT8E5M2FNUZ: (57344, None),
}


@pytest.mark.parametrize("target", SMALL)
def test_eight_bit_floats_saturate_where_they_are_told_to(target: int) -> None:
    largest = SMALL[target][0]
    assert cast_of(np.array([1e6], dtype=F), target) == [largest]
    assert cast_of(np.array([-1e6], dtype=F), target, saturate=1) == [-largest]
    with pytest.raises(UserError, match="NaN or infinite"):
        cast_of(np.array([1e6], dtype=F), target, saturate=0)


@pytest.mark.parametrize("kind", [k for k in FLOATS if k != 23])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e5, 1e5, allow_subnormal=True, width=32), min_size=1, max_size=4))
def test_casts_round_as_the_reference_does(kind: int, values: list[float]) -> None:
    from onnx.reference import ReferenceEvaluator

    node = NODE("Cast", ["x0"], ["y"], to=kind)
    back = NODE("Cast", ["y"], ["z"], to=TensorProto.DOUBLE)
    graph = helper.make_graph(
        [node, back], "g",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [None])],
        [helper.make_tensor_value_info("z", TensorProto.DOUBLE, [None])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    array = np.array(values, dtype=F)
    with np.errstate(all="ignore"):
        (wanted,) = ReferenceEvaluator(model).run(None, {"x0": array})
    got = rounded_to(array.astype(np.float64), kind)
    np.testing.assert_array_equal(got, wanted)
    exact = np.empty(len(values), dtype=object)
    exact[:] = [Fraction(float(v)) for v in array]
    np.testing.assert_array_equal(rounded_to(exact, kind), got)


def test_weights_of_every_float_type_are_read_exactly() -> None:
    bits = helper.make_tensor("a", TensorProto.BFLOAT16, [1], [0.1])
    assert constant([NODE("Identity", ["a"], ["c"])], {"a": bits}) == [Fraction(0.10009765625)]
    half = np.array([0.1], dtype=np.float16)
    assert constant([NODE("Identity", ["a"], ["c"])], {"a": half}) == [Fraction(float(half[0]))]
    packed = helper.make_tensor("a", TensorProto.INT4, [1], [-3])
    assert constant([NODE("Identity", ["a"], ["c"])], {"a": packed}) == [-3]


def test_weights_through_half_precision_are_the_half_precision_weights() -> None:
    nodes = [
        NODE("Cast", ["w"], ["h"], to=TensorProto.FLOAT16),
        NODE("Cast", ["h"], ["s"], to=TensorProto.FLOAT),
        NODE("MatMul", ["x0", "s"], ["y"]),
    ]
    weights = np.array([[0.1], [-0.3]], dtype=F)
    network = network_of_model(build(nodes, [[1, 2]], {"w": weights}))
    exact = [Fraction(float(v)) for v in weights.astype(np.float16).reshape(-1)]
    assert network.outputs.fractions(0)[0] == dict(enumerate(exact))


def i64(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int64)


def i8(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int8)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "result"),
    [
        ("Add", [i8(127), i8(1)], {}, -128),
        ("Sub", [i8(-128), i8(1)], {}, 127),
        ("Mul", [i8(100), i8(3)], {}, 44),
        ("Neg", [i8(-128)], {}, -128),
        ("Div", [i64(-7), i64(2)], {}, -3),
        ("Div", [i64(7), i64(-2)], {}, -3),
        ("Mod", [i64(-7), i64(3)], {}, 2),
        ("Mod", [i64(-7), i64(3)], {"fmod": 1}, -1),
        ("Mod", [i64(7), i64(-3)], {}, -2),
        ("Pow", [i64(-3), i64(3)], {}, -27),
        ("ReduceMean", [i64(7, 2)], {}, 4),
        ("ReduceMean", [i64(-7, -2)], {}, -4),
        ("ReduceSum", [i64(7, 2)], {}, 9),
        ("ReduceMax", [i64(7, 2)], {}, 7),
        ("ReduceProd", [i64(7, 2)], {}, 14),
        ("Clip", [i64(9), i64(2), i64(1)], {}, 1),
        ("Max", [i64(2), i64(5)], {}, 5),
        ("Abs", [i64(-5)], {}, 5),
    ],
)
def test_integers_have_the_arithmetic_of_their_type(
    operator: str, inputs: list[Any], attributes: dict[str, Any], result: int
) -> None:
    names = [f"a{k}" for k in range(len(inputs))]
    node = NODE(operator, names, ["c"], **attributes)
    assert constant([node], dict(zip(names, inputs, strict=True)), 18) == [result]


@pytest.mark.parametrize(
    ("operator", "inputs", "words"),
    [
        ("Div", [i8(-128), i8(-1)], "overflow of int8"),
        ("Div", [i64(1), i64(0)], "division by zero"),
        ("Mod", [i64(1), i64(0)], "division by zero"),
        ("Pow", [i64(10), i64(30)], "overflow of int64"),
        ("ReduceSum", [i8(100, 100)], "overflow of int8"),
        ("Add", [i64(1), i8(1)], "int64 and int8 do not agree"),
        ("Mod", [np.array([1.5]), np.array([1.0])], "fmod = 1"),
    ],
)
def test_integers_that_have_no_result_are_refused(
    operator: str, inputs: list[Any], words: str
) -> None:
    names = [f"a{k}" for k in range(len(inputs))]
    with pytest.raises(UserError, match=words):
        constant([NODE(operator, names, ["c"])], dict(zip(names, inputs, strict=True)), 18)


def test_integers_do_not_meet_the_input() -> None:
    with pytest.raises(UserError, match="int64 where reals are needed"):
        network_of_model(build([NODE("Add", ["x0", "a"], ["y"])], [[1]], {"a": i64(1)}))
    with pytest.raises(UserError, match="to int8, which jumps"):
        network_of_model(build([NODE("Cast", ["x0"], ["y"], to=TensorProto.INT8)], [[1]]))


def test_steps_of_rounded_numbers_are_refused() -> None:
    """0.7 as float32 is below 0.7, ten times it below 7 - and 7 in a runtime."""
    nodes = [
        NODE("Mul", ["a", "b"], ["m"]),
        NODE("Cast", ["m"], ["c"], to=TensorProto.INT64),
    ]
    with pytest.raises(UserError, match=r"\(Cast\): a cast to integers of a number that a runtime"):
        constant(nodes, {"a": np.array([0.7], dtype=F), "b": np.array([10], dtype=F)})
    half = {"a": np.array([0.75], dtype=F), "b": np.array([10], dtype=F)}
    assert constant(nodes, half) == [7]


def test_the_arithmetic_of_reals_is_exact() -> None:
    tiny, huge = np.array([1e-30]), np.array([1e30])
    total = constant([NODE("Add", ["a", "b"], ["c"])], {"a": tiny, "b": huge}, 18)
    # The last cast, to double, rounds once.
    assert total == [Fraction(float(Fraction(1e30) + Fraction(1e-30)))]
    third = Constant(1, np.array([Fraction(1, 3)], dtype=object), sure=False)
    assert float(cast(third, TensorProto.FLOAT).values[0]) == float(F(1) / F(3))


def test_dequantized_weights_are_exact() -> None:
    quantized = np.array([[10, -20], [30, 127]], dtype=np.int8)
    nodes = [NODE("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
             NODE("MatMul", ["x0", "w"], ["y"])]  # fmt: skip
    scales, zeros = np.array([0.5, 0.1], dtype=F), np.array([1, -2], dtype=np.int8)
    network = network_of_model(
        build(nodes, [[1, 2]], {"q": quantized, "s": scales, "z": zeros}, opset=21)
    )
    tenth = Fraction(float(F(0.1)))
    assert network.outputs.fractions(0)[0] == {0: Fraction(9, 2), 1: Fraction(29, 2)}
    assert network.outputs.fractions(1)[0] == {0: -18 * tenth, 1: 129 * tenth}


def test_a_number_of_exploding_size_is_refused() -> None:
    nodes = [NODE("Mul", [f"c{k}", f"c{k}"], [f"c{k + 1}"]) for k in range(30)]
    nodes[-1].output[0] = "c"
    with pytest.raises(UserError, match="bits"):
        constant(nodes, {"c0": np.array([1 / 3])})


@pytest.mark.parametrize("operator", ["Floor", "Ceil", "Round", "Sqrt", "Reciprocal"])
@pytest.mark.parametrize("kind", ["int8", "uint16", "int64", "bool"])
def test_what_is_of_reals_refuses_integers_in_words(operator: str, kind: str) -> None:
    with pytest.raises(UserError, match="where reals are needed|is of type"):
        constant([NODE(operator, ["a"], ["c"])], {"a": np.array([1], dtype=kind)})


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64", "int64"])
def test_a_mean_whose_sum_overflows_is_refused(kind: str) -> None:
    """Some runtimes wrap the sum around, others do not."""
    most = np.iinfo(kind).max
    mean = [NODE("ReduceMean", ["a"], ["c"], keepdims=1)]
    with pytest.raises(UserError, match=f"an overflow of {kind}"):
        constant(mean, {"a": np.array([most, 1, 3], dtype=kind)}, 17)
    found = constant(mean, {"a": np.array([most - 4, 1, 3], dtype=kind)}, 17)
    assert found == [Fraction(float(most // 3))]  # as the float64 that it is cast to


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_sums_of_integers(axis: int, exclusive: int, reverse: int) -> None:
    values = np.array([[1, 2, 4], [8, 16, 32]], dtype=np.int64)
    listed = np.flip(values, axis) if reverse else values
    expected = np.cumsum(listed, axis=axis) - exclusive * listed
    expected = np.flip(expected, axis) if reverse else expected
    nodes = [
        NODE("CumSum", ["a", "d"], ["s"], exclusive=exclusive, reverse=reverse),
        NODE("Mul", ["s", "b"], ["p"]),
        NODE("ReduceSum", ["p"], ["c"], keepdims=0),
    ]
    base = 100 ** np.arange(6, dtype=np.int64).reshape(2, 3)  # digits, read off the sum
    arrays = {"a": values, "d": np.int64(axis), "b": base}
    assert constant(nodes, arrays) == [int((expected * base).sum())]


def test_a_running_sum_that_overflows_is_refused() -> None:
    arrays = {"a": np.array([100, 28], dtype=np.int8), "d": np.int64(0)}
    with pytest.raises(UserError, match="an overflow of int8"):
        constant([NODE("CumSum", ["a", "d"], ["c"])], arrays)
