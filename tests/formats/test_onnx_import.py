"""ONNX files become the exact network of their weights, or are refused by the operator's name."""

from __future__ import annotations

import gzip
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from tests.oracles.onnx_models import NODE, F, agree, build
from tests.oracles.shared_data import DATA
from verifier.formats.load import load_any_network
from verifier.formats.onnx.read import load_onnx, network_of_model
from verifier.question.errors import UserError
from verifier.question.network import Network

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")


REFUSED = {
    "dropout_training_mode_true": "Dropout",
    "fc_2-2sigmoids-3": "Sigmoid",
    "mnist2x5_sigmoid": "Sigmoid",
    "robust_model_sigmoid_linear": "Sigmoid",
    "sigmoid": "Sigmoid",
    "softmax-last-layer": "Softmax",
    "tanh": "Tanh",
    "tanh_test": "Tanh",
}


@needs_data
def test_every_file_of_the_zoo_loads_and_agrees_or_is_refused_by_name() -> None:
    files = sorted((DATA / "onnx_zoo").glob("*.onnx"))
    assert len(files) >= 60
    for file in files:
        if file.stem in REFUSED:
            with pytest.raises(UserError, match=rf"node '.*' \({REFUSED[file.stem]}\)"):
                load_onnx(file)
            continue
        agree(file, load_onnx(file), points=1)


@needs_data
@pytest.mark.parametrize(
    "folder", ["acasxu", "rl_cartpole", "reach_prob_density", "cersyve", "sat_relu"]
)
def test_benchmark_networks_agree_with_onnxruntime(folder: str) -> None:
    for file in sorted((DATA / folder / "onnx").glob("*.onnx")):
        agree(file, load_any_network(file))


@needs_data
def test_an_acas_network_is_a_chain_of_six_layers_of_fifty() -> None:
    network = load_onnx(DATA / "acasxu/onnx/ACASXU_run2a_1_1_batch_2000.onnx")
    assert network.is_chain
    assert network.layers == (50,) * 6


CASES: dict[str, tuple[list[onnx.NodeProto], list[list[int | str]], dict[str, Any]]] = {
    "abs": ([NODE("Abs", ["x0"], ["y"])], [[3, 2]], {}),
    "clip": (
        [NODE("Clip", ["x0", "a", "b"], ["y"])],
        [["N", 9]],
        {"a": F(-0.5), "b": F(0.25)},
    ),
    "clip_below": ([NODE("Clip", ["x0", "a"], ["y"])], [[1, 9]], {"a": F(-0.5)}),
    "clip_above": ([NODE("Clip", ["x0", "", "b"], ["y"])], [[1, 9]], {"b": F(0.5)}),
    "max_of_three": ([NODE("Max", ["x0", "x1", "c"], ["y"])], [[2, 3], [3]], {"c": F(0.1)}),
    "min_broadcast": ([NODE("Min", ["x0", "x1"], ["y"])], [[2, 3], [2, 1]], {}),
    "leaky_then_relu": (
        [NODE("LeakyRelu", ["x0"], ["h"], alpha=0.3), NODE("Relu", ["h"], ["y"])],
        [[1, 5]],
        {},
    ),
    "prelu": (
        [NODE("PRelu", ["x0", "s"], ["y"])],
        [[1, 3, 2]],
        {"s": np.array([[0.1], [2.0], [-1.0]], dtype=F)},
    ),
    "max_pool": (
        [
            NODE(
                "MaxPool",
                ["x0"],
                ["y"],
                kernel_shape=[3, 2],
                strides=[2, 1],
                pads=[1, 0, 1, 1],
                ceil_mode=1,
            )
        ],
        [[1, 2, 6, 5]],
        {},
    ),
    "max_pool_dilated": (
        [NODE("MaxPool", ["x0"], ["y"], kernel_shape=[2], dilations=[3])],
        [[2, 1, 9]],
        {},
    ),
    "average_pool": (
        [NODE("AveragePool", ["x0"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
        [[1, 2, 5, 4]],
        {},
    ),
    "average_pool_counting_pads": (
        [
            NODE(
                "AveragePool",
                ["x0"],
                ["y"],
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
                count_include_pad=1,
            )
        ],
        [[1, 2, 5, 4]],
        {},
    ),
    "conv_grouped": (
        [
            NODE(
                "Conv",
                ["x0", "w", "b"],
                ["h"],
                group=2,
                strides=[2, 1],
                dilations=[1, 2],
                pads=[1, 2, 0, 1],
            ),
            NODE("Relu", ["h"], ["y"]),
        ],
        [[1, 4, 5, 7]],
        {
            "w": np.random.default_rng(1).normal(size=(6, 2, 2, 3)).astype(F),
            "b": np.arange(6, dtype=F),
        },
    ),
    "conv_same": (
        [NODE("Conv", ["x0", "w"], ["y"], auto_pad="SAME_LOWER", strides=[2])],
        [[2, 1, 8]],
        {"w": np.random.default_rng(2).normal(size=(2, 1, 4)).astype(F)},
    ),
    "conv_after_scaling": (
        [
            NODE("Div", ["x0", "d"], ["s"]),
            NODE("Sub", ["c", "s"], ["t"]),
            NODE("Conv", ["t", "w"], ["y"], pads=[1, 1, 1, 1]),
        ],
        [[1, 2, 4, 4]],
        {
            "d": F(3),
            "c": np.array([[[1.5]], [[0.1]]], dtype=F),
            "w": np.random.default_rng(3).normal(size=(3, 2, 3, 3)).astype(F),
        },
    ),
    "batch_norm": (
        [
            NODE("Gemm", ["x0", "w"], ["h"], transB=1, alpha=0.5),
            NODE("BatchNormalization", ["h", "s", "b", "m", "v"], ["y"], epsilon=1e-3),
        ],
        [["N", 3]],
        {
            "w": np.random.default_rng(4).normal(size=(4, 3)).astype(F),
            "s": np.array([1, 2, 3, -4], dtype=F),
            "b": np.array([0.1, 0, 0, 1], dtype=F),
            "m": np.array([0, 1, 2, 3], dtype=F),
            "v": np.array([1, 0.5, 2, 9], dtype=F),
        },
    ),
    "gemm_beta": (
        [NODE("Gemm", ["x0", "w", "c"], ["y"], transA=1, beta=0.7, alpha=1.3)],
        [[3, 2]],
        {"w": np.ones((3, 4), dtype=F), "c": np.arange(4, dtype=F)},
    ),
    "matmul_left": (
        [NODE("MatMul", ["w", "x0"], ["y"])],
        [[2, 3, 2]],
        {"w": np.arange(12, dtype=F).reshape(4, 3)},
    ),
    "matmul_batched": (
        [NODE("MatMul", ["x0", "w"], ["y"])],
        [[3, 2]],
        {"w": np.arange(12, dtype=F).reshape(2, 2, 3)},
    ),
    "pad_and_slice": (
        [
            NODE("Pad", ["x0", "p", "f"], ["h"]),
            NODE("Slice", ["h", "a", "e", "k", "t"], ["y"]),
        ],
        [[2, 3]],
        {
            "p": np.array([1, 0, -1, 2]),
            "f": F(2.5),
            "a": np.array([4]),
            "e": np.array([-100]),
            "k": np.array([1]),
            "t": np.array([-2]),
        },
    ),
    "pad_reflect": (
        [NODE("Pad", ["x0", "p"], ["y"], mode="reflect")],
        [[1, 4]],
        {"p": np.array([0, 2, 0, 3])},
    ),
    "split_uneven_and_concat": (
        [
            NODE("Split", ["x0", "s"], ["a", "b"], axis=1),
            NODE("Concat", ["b", "c", "a"], ["y"], axis=-1),
        ],
        [[1, 5]],
        {"s": np.array([2, 3]), "c": np.array([[7.5]], dtype=F)},
    ),
    "gather_expand_mean": (
        [
            NODE("Gather", ["x0", "i"], ["g"], axis=1),
            NODE("Expand", ["g", "e"], ["h"]),
            NODE("ReduceMean", ["h"], ["y"], axes=[1], keepdims=0),
        ],
        [[2, 4]],
        {"i": np.array([-1, 0, 0]), "e": np.array([2, 2, 3])},
    ),
    "mean_of_inputs": ([NODE("Mean", ["x0", "x1", "c"], ["y"])], [[2], [2]], {"c": F(1)}),
    "residual": (
        [
            NODE("Gemm", ["x0", "w"], ["h"]),
            NODE("Relu", ["h"], ["r"]),
            NODE("Add", ["r", "x0"], ["s"]),
            NODE("Relu", ["s"], ["t"]),
            NODE("Sub", ["t", "h"], ["y"]),
        ],
        [[1, 3]],
        {"w": np.random.default_rng(5).normal(size=(3, 3)).astype(F)},
    ),
    "shape_arithmetic": (
        [
            NODE("Shape", ["x0"], ["s"]),
            NODE("Gather", ["s", "zero"], ["n"], axis=0),
            NODE("Unsqueeze", ["n", "z"], ["u"]),
            NODE("Concat", ["u", "m"], ["r"], axis=0),
            NODE("Reshape", ["x0", "r"], ["h"]),
            NODE("Transpose", ["h"], ["y"]),
        ],
        [["N", 2, 3]],
        {"zero": np.array(0), "z": np.array([0]), "m": np.array([-1])},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_operators_agree_with_onnxruntime(name: str) -> None:
    nodes, shapes, constants = CASES[name]
    arrays = {key: np.asarray(value) for key, value in constants.items()}
    model = build(nodes, shapes, arrays)
    agree(model, network_of_model(model), points=4)


def test_weights_are_the_dyadics_that_the_floats_are() -> None:
    nodes = [NODE("MatMul", ["x0", "w"], ["h"]), NODE("Relu", ["h"], ["y"])]
    network = network_of_model(build(nodes, [[1, 1]], {"w": np.array([[0.1]], dtype=F)}))
    assert network.units.fractions(0) == ({0: Fraction(float(F(0.1)))}, 0)
    doubles = network_of_model(build(nodes, [[1, 1]], {"w": np.array([[0.1]])}))
    assert doubles.units.fractions(0)[0][0] == Fraction(0.1)


def test_average_pool_divides_exactly() -> None:
    nodes = [NODE("AveragePool", ["x0"], ["y"], kernel_shape=[3])]
    network = network_of_model(build(nodes, [[1, 1, 3]]))
    assert network.outputs.fractions(0)[0] == dict.fromkeys(range(3), Fraction(1, 3))


def test_huge_and_tiny_weights_keep_every_bit() -> None:
    weights = np.array([[1e30], [1e-30], [1.0]], dtype=np.float64)
    nodes = [NODE("MatMul", ["x0", "w"], ["h"]), NODE("Add", ["h", "b"], ["y"])]
    network = network_of_model(build(nodes, [[1, 3]], {"w": weights, "b": np.array([1e-300])}))
    row, constant = network.outputs.fractions(0)
    assert row == {0: Fraction(1e30), 1: Fraction(1e-30), 2: 1}
    assert constant == Fraction(1e-300)


def test_nodes_may_stand_in_any_order_but_not_in_a_cycle() -> None:
    nodes = [NODE("Relu", ["h"], ["y"]), NODE("Neg", ["x0"], ["h"])]
    assert network_of_model(build(nodes, [[2]])).layers == (2,)
    nodes = [NODE("Add", ["x0", "y"], ["h"]), NODE("Relu", ["h"], ["y"])]
    with pytest.raises(UserError, match="cycle"):
        network_of_model(build(nodes, [[2]]))


def test_what_the_outputs_do_not_need_is_not_read() -> None:
    nodes = [NODE("Relu", ["x0"], ["y"]), NODE("Sigmoid", ["x0"], ["unused"])]
    assert network_of_model(build(nodes, [[2]])).layers == (2,)


@pytest.mark.parametrize(
    ("nodes", "constants", "words"),
    [
        ([NODE("Relu", ["q"], ["y"], name="first")], {}, r"node 'first' \(Relu\): reads 'q'"),
        ([NODE("Mul", ["x0", "x0"], ["y"])], {}, "product of two values"),
        ([NODE("Div", ["x0", "c"], ["y"])], {"c": F(0)}, "division by zero"),
        ([NODE("Add", ["x0", "c"], ["y"])], {"c": F(np.nan)}, "NaN or infinite"),
        ([NODE("MatMul", ["x0", "c"], ["y"])], {"c": np.ones((5, 1), dtype=F)}, "do not fit"),
        ([NODE("Reshape", ["x0", "c"], ["y"])], {"c": np.array([10**9, 1])}, "cannot become"),
        ([NODE("Expand", ["x0", "c"], ["y"])], {"c": np.array([10**9, 4])}, "the limit is"),
        (
            [NODE("Pad", ["x0", "c"], ["y"])],
            {"c": np.array([0, 10**9, 0, 0])},
            "the limit is",
        ),
        (
            [NODE("ConstantOfShape", ["c"], ["h"]), NODE("Add", ["x0", "h"], ["y"])],
            {"c": np.array([10**9])},
            "the limit is",
        ),
        ([NODE("Foo", ["x0"], ["y"], domain="my.ops")], {}, "my.ops.Foo is not supported"),
        ([NODE("Cast", ["x0"], ["y"], to=TensorProto.INT64)], {}, "to int64, which jumps"),
        ([NODE("Flatten", ["x0"], ["y"], axis=7)], {}, "outside a tensor of rank"),
    ],
)
def test_bad_graphs_are_refused_by_node(
    nodes: list[onnx.NodeProto], constants: dict[str, Any], words: str
) -> None:
    arrays = {key: np.asarray(value) for key, value in constants.items()}
    with pytest.raises(UserError, match=words) as caught:
        network_of_model(build(nodes, [[1, 4]], arrays))
    assert "\n" not in str(caught.value)


def test_huge_shapes_take_no_memory() -> None:
    with pytest.raises(UserError, match="the limit is"):
        network_of_model(build([NODE("Relu", ["x0"], ["y"])], [[1, 10**9]]))
    model = build([NODE("Add", ["x0", "c"], ["y"])], [[1, 4]], {"c": np.zeros(4, dtype=F)})
    model.graph.initializer[0].dims[0] = 10**9
    with pytest.raises(UserError, match="initializer 'c': shape"):
        network_of_model(model)
    model.graph.initializer[0].dims[0] = 10**6
    with pytest.raises(UserError, match="asks for 1000000 entries, the file holds 4"):
        network_of_model(model)


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    nodes = [NODE("Add", ["x0", "c"], ["y"])]
    content = build(nodes, [[1, 40]], {"c": np.ones(40, dtype=F)}).SerializeToString()
    path = tmp_path / "net.onnx"
    for cut in range(0, len(content) - 1, 7):
        path.write_bytes(content[:cut])
        with pytest.raises(UserError, match=r"net\.onnx"):
            load_any_network(path)
    path.write_bytes(b"\x89PNG\r\n" + bytes(100))
    with pytest.raises(UserError, match="not an ONNX file"):
        load_any_network(path)
    packed = tmp_path / "net.onnx.gz"
    packed.write_bytes(gzip.compress(content))
    assert load_any_network(packed).inputs == 40
    packed.write_bytes(gzip.compress(content)[:-20])
    with pytest.raises(UserError, match="damaged gzip"):
        load_any_network(packed)
    with pytest.raises(UserError, match="No such file"):
        load_any_network(tmp_path / "absent.onnx")


def test_external_data_stay_in_the_folder(tmp_path: Path) -> None:
    model = build([NODE("Add", ["x0", "c"], ["y"])], [[1, 2]], {"c": np.ones(2, dtype=F)})
    tensor = model.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL

    def load(location: str, **facts: str) -> Network:
        tensor.ClearField("external_data")
        for key, value in {"location": location, **facts}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        folder = tmp_path / "models"
        folder.mkdir(exist_ok=True)
        (folder / "net.onnx").write_bytes(model.SerializeToString())
        (folder / "weights.bin").write_bytes(b"1234" + data)
        (tmp_path / "secret.bin").write_bytes(data)
        return load_onnx(folder / "net.onnx")

    assert load("weights.bin", offset="4").outputs.fractions(0)[1] == 1
    with pytest.raises(UserError, match="No such file"):
        load("absent.bin")
    for outside in ("../secret.bin", str(tmp_path / "secret.bin")):
        with pytest.raises(UserError, match="outside the folder"):
            load(outside)
    (tmp_path / "models" / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(UserError, match="outside the folder"):
        load("link.bin")
    with pytest.raises(UserError, match="0 of 8 bytes"):
        load("weights.bin", offset=str(10**12))
    for name, value in (
        ("offset", str(2**63)), ("offset", str(2**64)), ("offset", "1" * 5000), ("offset", "-1"),
        ("length", str(2**63)), ("length", "1" * 5000), ("length", "\u0663"), ("length", ""),
    ):  # fmt: skip
        said = rf"the {name} of its external data is not a number below 10\^18"
        with pytest.raises(UserError, match=said):
            load("weights.bin", **{name: value})


def test_reading_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network_of_model(build([NODE("Abs", ["x0"], ["y"])], [[3]]))
