"""Resize is a linear map where its weights are continuous; where rounding decides, it is refused:
of the nearest entry, of the size, of what is outside."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from verifier.formats.onnx.read import network_of_model
from verifier.question.errors import UserError

PLACES = (
    "half_pixel",
    "asymmetric",
    "align_corners",
    "pytorch_half_pixel",
    "half_pixel_symmetric",
    "tf_crop_and_resize",
)


def resized(
    shape: list[int], opset: int = 19, *, roi: Any = None, scales: Any = None, sizes: Any = None,
    kind: str = "Resize", **attributes: Any,
) -> Any:  # fmt: skip
    """A model of one node, with these numbers as initializers."""
    given = {"roi": roi, "scales": scales, "sizes": sizes}
    names = ["" if value is None else name for name, value in given.items()]
    inputs = ["x", *names] if opset > 10 else ["x", "scales"]
    while not inputs[-1]:
        inputs.pop()
    stored = [
        numpy_helper.from_array(
            np.asarray(value, np.int64 if name == "sizes" else np.float32), name
        )
        for name, value in given.items()
        if value is not None
    ]
    node = helper.make_node(kind, inputs, ["y"], **attributes)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], stored,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def row(values: list[Any], **asked: Any) -> list[Fraction]:
    """What becomes of one row, exactly."""
    network = network_of_model(resized([1, 1, 1, len(values)], **asked))
    found: list[Fraction] = network(list(map(Fraction, values))).tolist()
    return found


def test_linear_weights_are_exact() -> None:
    twice = {"scales": [1, 1, 1, 2], "mode": "linear"}
    assert row([0, 4], **twice) == [0, 1, 3, 4]
    assert row([0, 4], **twice, coordinate_transformation_mode="asymmetric") == [0, 2, 4, 4]
    assert row([0, 4], sizes=[1, 1, 1, 4], mode="linear",
               coordinate_transformation_mode="align_corners") == [0, Fraction(4, 3),
                                                                   Fraction(8, 3), 4]  # fmt: skip
    assert row([0, 4, 8], sizes=[1, 1, 1, 1], mode="linear") == [4]


@pytest.mark.parametrize(("opset", "kind"), [(9, "Upsample"), (10, "Resize")])
def test_old_operator_sets_place_asymmetrically(opset: int, kind: str) -> None:
    model = resized([1, 1, 1, 2], opset, kind=kind, scales=[1, 1, 1, 2], mode="linear")
    assert network_of_model(model)([0, 4]).tolist() == [0, 2, 4, 4]


def test_cubic_weights_are_exact() -> None:
    """At a quarter between the middle entries of four, with a = -3/4."""
    quarter = [Fraction(-27, 256), Fraction(225, 256), Fraction(67, 256), Fraction(-9, 256)]
    for k, weight in enumerate(quarter):
        values = [int(j == k) for j in range(4)]
        found = row(values, scales=[1, 1, 1, 2], mode="cubic")
        assert found[3] == weight and found[4] == quarter[3 - k]
    inside = row([1, 0], scales=[1, 1, 1, 2], mode="cubic", exclude_outside=1)
    assert inside[0] == Fraction(225, 225 - 27)
    assert row([1] * 5, scales=[1, 1, 1, 2], mode="cubic", exclude_outside=1) == [1] * 10


def test_what_lies_outside_of_the_region_is_the_value_that_is_said() -> None:
    found = row(
        [0, 4], roi=[0, 0, 0, -1, 1, 1, 1, 2], sizes=[1, 1, 1, 5], mode="linear",
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.5,
    )  # fmt: skip
    fifteen_halves = Fraction(15, 2)
    assert found == [fifteen_halves, fifteen_halves, 2, fifteen_halves, fifteen_halves]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"scales": [1, 1, 1, 0.5], "coordinate_transformation_mode": "align_corners"},
         "no whole number, of which runtimes divide by the length or by 2 in the mode align"),
        ({"scales": [1, 1, 1, 0.3], "coordinate_transformation_mode": "pytorch_half_pixel"},
         "no whole number, of which runtimes divide"),
        ({"scales": [1, 1, 1, 0.5], "antialias": 1}, "antialias, of which runtimes"),
        ({"scales": [1, 1, 1, 2], "exclude_outside": 1}, "exclude_outside is for the mode cubic"),
        ({"sizes": [1, 1, 1, 1], "mode": "cubic",
          "coordinate_transformation_mode": "pytorch_half_pixel"}, "a single entry in the mode"),
        ({"sizes": [1, 1, 1, 4], "roi": [0, 0, 0, 0.4, 1, 1, 1, 1],
          "coordinate_transformation_mode": "tf_crop_and_resize"}, "near the end"),
        ({"sizes": [1, 1, 1, 5], "roi": [0, 0, 0, 0.4, 1, 1, 1, 1],
          "coordinate_transformation_mode": "tf_crop_and_resize"}, "that keeps its size"),
        ({"sizes": [1, 1, 1, 4], "roi": [0, 1],
          "coordinate_transformation_mode": "tf_crop_and_resize"}, "2 ends of the region for 4"),
        ({"sizes": [1, 1, 1]}, "3 sizes for 4 axes"),
        ({"scales": [1, 1, 1, 1.1]}, "leaves the shape as it is: some runtimes copy"),
        ({"sizes": [1, 1, 1, 4], "mode": "area"}, "mode 'area' is unknown"),
        ({"sizes": [1, 7], "axes": [2, 3], "keep_aspect_ratio_policy": "widest"},
         "keep_aspect_ratio_policy 'widest' is unknown"),
        ({"sizes": [1, 1], "axes": [1, 3], "keep_aspect_ratio_policy": "not_larger",
          "shape": [1, 2, 1, 4]}, "half an entry: a runtime's rounding decides of the size"),
        ({"scales": [1, 1, 1, 1.5], "mode": "nearest", "nearest_mode": "floor",
          "coordinate_transformation_mode": "half_pixel_symmetric"}, "lies on a step"),
    ],
)  # fmt: skip
def test_what_is_read_in_several_ways_is_refused(asked: dict[str, Any], said: str) -> None:
    asked = {"mode": "linear", **asked}
    with pytest.raises(UserError, match=said):
        network_of_model(resized(asked.pop("shape", [1, 1, 1, 5]), **asked))


def drawn(rng: np.random.Generator) -> tuple[Any, list[int], bool]:
    """A random Resize, the shape of its input, and whether the ratio of the sides is kept."""
    mode = str(rng.choice(["linear", "cubic", "nearest"]))
    asked: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": rng.choice(PLACES)}
    if mode == "cubic":
        asked["exclude_outside"] = int(rng.integers(2))
        asked["cubic_coeff_a"] = float(rng.choice([-0.75, -0.5, -0.3]))
    elif mode == "nearest":
        rules = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        asked["nearest_mode"] = str(rng.choice(rules))
    shape = [1, 1, *map(int, rng.integers(1, 6, size=2))]
    keeps = bool(rng.random() < 0.15)
    first = [] if keeps else [1, 1]
    if keeps:
        asked["keep_aspect_ratio_policy"] = str(rng.choice(["not_larger", "not_smaller"]))
        asked["axes"] = [2, 3]
    if keeps or rng.random() < 0.5:
        asked["sizes"] = [*first, *map(int, rng.integers(1, 9, size=2))]
    else:
        asked["scales"] = [1, 1, *rng.choice([0.4, 0.5, 0.75, 0.8, 1, 1.3, 1.5, 2, 2.5, 3], size=2)]
    if asked["coordinate_transformation_mode"] == "tf_crop_and_resize":
        whole = [0] * len(first), [1] * len(first)
        start, end = rng.choice([0, 0.25, 0.4, -0.2], size=2), rng.choice([1, 0.6, 1.2], size=2)
        asked["roi"] = [*whole[0], *start, *whole[1], *end]
        asked["extrapolation_value"] = float(rng.choice([0, 7.5]))
    asked["coordinate_transformation_mode"] = str(asked["coordinate_transformation_mode"])
    return resized(shape, **asked), shape, keeps


@pytest.mark.parametrize("block", range(3))
def test_random_ones_are_what_the_reference_and_a_runtime_compute(block: int) -> None:
    runtime = pytest.importorskip("onnxruntime")
    runtime.set_default_logger_severity(4)
    rng, counted = np.random.default_rng(70 + block), Counter[str]()
    for _ in range(90):
        model, shape, keeps = drawn(rng)
        try:
            network = network_of_model(model)
        except UserError:
            counted["refused"] += 1
            continue
        point = rng.normal(size=shape).astype(np.float32)
        ours = network(point.reshape(-1), dtype=float)
        session = runtime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        others = [session.run(None, {"x": point})[0]]
        if not keeps:  # the reference rounds these sizes in its own way
            others.append(ReferenceEvaluator(model).run(None, {"x": point})[0])
        for other in others:
            assert other.size == ours.size, model.graph.node[0]
            close = np.allclose(other.reshape(-1), ours, rtol=1e-3, atol=1e-4)
            assert close, model.graph.node[0]
        counted["agree"] += 1
    assert counted["agree"] >= 45
