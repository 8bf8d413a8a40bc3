"""Bad input of every kind, at every command that takes it: exit 2, and one line that names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from verifier.cli.main import main

PROPERTY = """(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(assert (>= X_0 {low})) (assert (<= X_0 {high}))
(assert (>= X_1 0)) (assert (<= X_1 1))
(assert (<= Y_0 0))
"""


def model(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "bad",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    two = {"W0": np.eye(2), "b0": np.zeros(2)}
    np.savez("net.npz", **two)
    np.savez("one.npz", W0=np.ones((1, 2)), b0=np.ones(1))
    np.savez("three.npz", W0=np.eye(3), b0=np.zeros(3))
    np.savez("tall.npz", W0=np.ones((2, 3)), b0=np.zeros(2))
    np.savez("nan.npz", W0=np.array([[0.0, np.nan]]), b0=np.zeros(1))
    np.savez("inf.npz", W0=np.eye(2), b0=np.array([0, np.inf]))
    np.savez("cut.npz", W0=np.eye(2), b0=np.zeros(2), W1=np.ones((2, 3)), b1=np.zeros(2))
    node = helper.make_node
    ones = {"w": np.ones((1, 2), dtype=np.float32)}
    onnx.save(model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]),
                     node("Add", ["b", "w"], ["y"])], ones), "cycle.onnx")  # fmt: skip
    onnx.save(model([node("Sin", ["x"], ["y"], name="soft")], {}), "unit.onnx")
    nan = {"w": np.array([[1, np.nan]], dtype=np.float32)}
    onnx.save(model([node("Add", ["x", "w"], ["y"])], nan), "nan.onnx")
    Path("data.csv").write_text("0,1,a\n1,0,b\n")
    Path("flat.csv").write_text("0,a\n1,b\n")
    Path("holes.csv").write_text("0,1,a\n1,nan,b\n")
    Path("twice.csv").write_text("0,1,a\n0,1,b\n")
    Path("good.vnnlib").write_text(PROPERTY.format(low=0, high=1))
    return tmp_path


VERIFY = "verify net.npz --box 0:1 --label 1"
SEARCH = "search net.npz --data data.csv --radius 1"
RADIUS = "radius net.npz --data data.csv"
CERTIFY = "certify --network net.npz --data data.csv --radius 1/4"
CASES = {
    # dimensions of network, center and box; of network and data
    "verify net.npz --center 0,0,0 --radius 1 --label 1": "--center has 3 inputs, the network 2",
    "verify net.npz --center data.csv:2 --radius 1 --label 1": "2 rows, counted from 0; asked 2",
    "verify net.npz --box 0:1,0:1,0:1 --label 1": "--box has 3 inputs, the network 2",
    "verify net.npz --center 0,0 --radius 1 --clip 0:1,0:1,0:1 --label 1": "--clip has 3 inputs",
    "search net.npz --data flat.csv --radius 1": "flat has 1 inputs, the network net.npz 2",
    "radius net.npz --data flat.csv": "flat has 1 inputs, the network net.npz 2",
    "certify --network tall.npz --data data.csv --radius 1": "data has 2 inputs",
    "vnnlib three.npz good.vnnlib": "the property has 2 inputs and 1 outputs, the network 3 and 3",
    "verify cut.npz --box 0:1 --label 1": "layer 1",
    # labels that the decoder does not know
    "verify net.npz --box 0:1 --label 2": "--label: 2 is not one of the labels 0, 1",
    "verify net.npz --box 0:1 --label 1 --labels 0,2": "--label: 1 is not one of the labels 0, 2",
    "verify net.npz --box 0:1 --label one": "--label: 'one' is not a number",
    f"{SEARCH} --decoder sign": "decoder sign: the network has 2 outputs, it needs 1",
    f"{RADIUS} --decoder nearest": "decoder nearest: the network has 2 outputs, it needs 1",
    "radius three.npz --data wine": "wine has 13 inputs, the network three.npz 3",
    # lower above upper
    "verify net.npz --box 1:0 --label 1": "lower bound 1 above upper bound 0 at input 0",
    "verify net.npz --box 0:1,1:0 --label 1": "lower bound 1 above upper bound 0 at input 1",
    "verify net.npz --box 0:1 --clip 2:3 --label 1": "empty box: lower bound 2 above",
    f"{SEARCH} --clip 1:0": "clip: 1 is above 0",
    f"{RADIUS} --clip 1:0": "clip: 1 is above 0",
    # negative radii, and such as are none
    "verify net.npz --center 0,0 --radius -1 --label 1": "radius is negative: -1",
    "verify net.npz --center 0,0 --norm 2 --radius-squared -1/2 --label 1": "negative: -1/2",
    "verify net.npz --center 0,0 --radius nan --label 1": "--radius: not a rational number: 'nan'",
    "search net.npz --data data.csv --radius -1": "radius is negative: -1",
    "search net.npz --data data.csv --norm 2 --radius-squared -1": "radius is negative: -1",
    "certify --network net.npz --data data.csv --radius -1": "--radius: -1 is negative",
    f"{RADIUS} --max -1": "--max: -1 is not positive",
    f"{RADIUS} --within 0": "--within: 0 is not positive",
    # networks with a cycle, a NaN, a unit that is not supported
    "verify cycle.onnx --box 0:1 --label 1": "the graph has a cycle",
    "search cycle.onnx --data data.csv --radius 1": "the graph has a cycle",
    "verify unit.onnx --box 0:1 --label 1": "Sin",
    "radius unit.onnx --data data.csv": "Sin",
    "vnnlib unit.onnx good.vnnlib": "Sin",
    "verify nan.npz --box 0:1 --unsafe Y_0>=1": "layer 0: a weight is NaN",
    "verify nan.onnx --box 0:1 --label 1": "NaN or infinite",
    "verify inf.npz --box 0:1 --label 1": "layer 0: ",
    "search net.npz --data holes.csv --radius 1": "holes.csv",
    "radius net.npz --data none.csv": "none.csv",
    # limits of zero
    f"{VERIFY} --timeout 0": "'0' is not a positive number of seconds",
    f"{SEARCH} --timeout 0": "'0' is not a positive number of seconds",
    f"{RADIUS} --timeout 0": "'0' is not a positive number of seconds",
    f"{CERTIFY} --timeout 0": "'0' is not a positive number of seconds",
    f"{CERTIFY} --budget-seconds 0": "'0' is not a positive number of seconds",
    "vnnlib one.npz good.vnnlib --timeout 0": "'0' is not a positive number of seconds",
    f"{RADIUS} --timeout -1": "'-1' is not a positive number of seconds",
    f"{RADIUS} --timeout nan": "'nan' is not a positive number of seconds",
    f"{SEARCH} --nodes 0": "0 is not in the range x>=1",
    f"{SEARCH} --limit 0": "0 is not in the range x>=1",
}


@pytest.mark.parametrize("line", CASES)
def test_bad_input_is_one_line(here: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    before = sorted(path.name for path in here.iterdir())
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert CASES[line] in captured.err
    assert sorted(path.name for path in here.iterdir()) == before  # nothing is left behind


@pytest.mark.parametrize("line", [VERIFY, SEARCH, RADIUS, CERTIFY])
def test_the_same_commands_work(here: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert main(line.split()) in (0, 1)
    assert capsys.readouterr().out
