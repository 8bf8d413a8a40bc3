"""`robmem show` says what a file holds; commands about labels say what they left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.oracles.onnx_models import NODE, F, build
from verifier.cli.main import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(nodes: list[Any], shape: list[Any], **arrays: Any) -> None:
    constants = {name: np.asarray(array, dtype=F) for name, array in arrays.items()}
    onnx.save(build(nodes, [shape], constants), "net.onnx")


def asked(capsys: Any, *arguments: str) -> dict[str, Any]:
    code = main([*arguments, "--json"])
    captured = capsys.readouterr()
    assert code in (0, 1), captured.err
    facts: dict[str, Any] = json.loads(captured.out)
    return facts


def test_show_names_inputs_outputs_units_and_what_was_left_out(here: Path, capsys: Any) -> None:
    nodes = [NODE("Gemm", ["x0", "W"], ["a"]), NODE("Relu", ["a"], ["r"]),
             NODE("Softmax", ["r"], ["y"]), NODE("Neg", ["a"], ["unread"])]  # fmt: skip
    save(nodes, ["N", 2], W=[[3, -1.5], [2, -8]])
    facts = asked(capsys, "show", "net.onnx", "--at", "1,1/2")
    assert facts["inputs"] == [{"name": "x0", "shape": [1, 2], "entries": [0, 2], "type": "float"}]
    assert facts["outputs"] == [{"name": "y", "shape": [1, 2], "entries": [0, 2]}]
    assert (facts["layers"], facts["units"], facts["chain"]) == ([2], 2, True)
    assert facts["largest_weight"] == -8 or facts["largest_weight"] == "-8"
    assert facts["largest_weight_at"] == "unit 1, of variable 1"
    assert facts["operators"] == {"Gemm": 1, "Relu": 1, "Softmax": 1}
    assert any("1 nodes that the outputs do not need" in note for note in facts["notes"])
    assert facts["last_layer"]["decoder"] == "argmax"
    assert [str(y) for y in facts["at"]["exact"]] == ["4", "0"]
    assert facts["at"]["numpy_float32"] == [4, 0]
    if "onnxruntime" in facts["at"]:
        assert facts["at"]["onnxruntime"] == pytest.approx([0.98201, 0.01799], abs=1e-4)
    assert main(["show", "net.onnx"]) == 0
    text = capsys.readouterr().out
    assert "x0 float [1, 2] [0:2]" in text and "(Softmax) is left out" in text


def test_show_reads_every_kind_of_file(here: Path, capsys: Any) -> None:
    np.savez("net.npz", W0=[[1.0, 2.0]], b0=[0.5], W1=[[0.25]], b1=[0.0])
    facts = asked(capsys, "show", "net.npz", "--at", "1,1")
    assert facts["layers"] == [1] and facts["at"]["exact"] == ["7/8"]


def test_symbolic_axes_need_a_shape(here: Path, capsys: Any) -> None:
    save([NODE("Relu", ["x0"], ["y"])], ["N", "D"])
    assert main(["show", "net.onnx"]) == 2
    assert "axis 1 of [?, ?] has no fixed length; give --input-shape" in capsys.readouterr().err
    for option in ("1,3", "x0=1,3"):
        assert asked(capsys, "show", "net.onnx", "--input-shape", option)["units"] == 3
    for wrong, words in (
        ("q=1,3", "--input-shape of 'q'; the inputs are 'x0'"),
        ("1,2,3", "--input-shape [1, 2, 3]"),
        ("a,b", "is not [NAME=]N,N,.."),
        ("1,0", "--input-shape [1, 0]"),
    ):
        assert main(["show", "net.onnx", "--input-shape", wrong]) == 2
        assert words in capsys.readouterr().err


def test_labels_are_asked_of_what_is_before_softmax_and_it_is_said(here: Path, capsys: Any) -> None:
    save([NODE("MatMul", ["x0", "W"], ["s"]), NODE("Softmax", ["s"], ["y"])], [1, 2],
         W=[[1, 0], [0, 1]])  # fmt: skip
    ball = ("verify", "net.onnx", "--center", "2,1", "--label", "0", "--radius")
    facts = asked(capsys, *ball, "1/4", "--proof", "p.json")
    assert facts["verdict"] == "robust"
    assert facts["notes"] == [
        "node 'y' (Softmax) is left out: argmax reads the same label without it"
    ]
    assert main(["check", "p.json", "--network", "net.onnx"]) == 0
    capsys.readouterr()
    assert main([*ball, "1/4"]) == 0
    assert "note: node 'y' (Softmax) is left out" in capsys.readouterr().err
    assert main(["verify", "net.onnx", "--box", "0:1", "--unsafe", "Y_0 >= 1/2"]) == 2
    assert "(Softmax) is not piecewise linear" in capsys.readouterr().err
    assert main(["verify", "net.onnx", "--box", "0:1", "--label", "0", "--semantics",
                 "float32"]) == 2  # fmt: skip
    assert "(Softmax)" in capsys.readouterr().err


def test_a_sigmoid_is_read_by_its_sign(here: Path, capsys: Any) -> None:
    save([NODE("MatMul", ["x0", "W"], ["s"]), NODE("Sigmoid", ["s"], ["y"])], [1, 2],
         W=[[1], [-1]])  # fmt: skip
    for label, centre in (("1", "2,1"), ("-1", "1,2")):
        facts = asked(
            capsys, "verify", "net.onnx", "--center", centre, "--radius", "1/4", "--label", label
        )
        assert facts["verdict"] == "robust" and "decoder sign" in facts["claim"]
    facts = asked(
        capsys, "verify", "net.onnx", "--center", "2,1", "--radius", "1/4", "--label", "1",
        "--labels", "0,1",
    )  # fmt: skip
    assert facts["verdict"] == "robust" and "decoder nearest" in facts["claim"]


def test_data_sets_are_asked_of_the_scores(here: Path, capsys: Any) -> None:
    save([NODE("MatMul", ["x0", "W"], ["s"]), NODE("Sigmoid", ["s"], ["y"])], [1, 2],
         W=[[1], [-1]])  # fmt: skip
    Path("d.csv").write_text("a,b,label\n2,1,1\n1,2,0\n")
    data = ("net.onnx", "--data", "d.csv")
    facts = asked(capsys, "search", *data, "--radius", "1/4", "--quiet")
    assert facts["robust"] == 2 and facts["decoder"] == "nearest"
    assert "(Sigmoid) is left out" in facts["notes"][0]
    facts = asked(capsys, "radius", *data, "--quiet")
    assert [entry["upper"] for entry in facts["results"]] == ["1/2", "1/2"]
    out = ("--out", "run", "--radius", "1/4", "--quiet", "--jobs", "0")
    assert main(["certify", "--data", "d.csv", "--network", "net.onnx", *out]) == 0
    assert main(["check", "run", "--network", "net.onnx", "--quiet"]) == 0


def test_a_wrong_number_of_inputs_points_to_show(here: Path, capsys: Any) -> None:
    save([NODE("Relu", ["x0"], ["y"])], [1, 3])
    Path("d.csv").write_text("a,b,label\n2,1,1\n1,2,0\n")
    assert main(["search", "net.onnx", "--data", "d.csv", "--radius", "1"]) == 2
    assert "robmem show net.onnx lists them" in capsys.readouterr().err
    assert main(["verify", "net.onnx", "--center", "1,2", "--radius", "1", "--label", "0"]) == 2
    assert "see robmem show" in capsys.readouterr().err
