"""The solver's commands of VNN-LIB 2, float formats that are declared, and lists of instances."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.commands import run
from verifier.checker.scaled import evaluate
from verifier.formats.load import load_any_network
from verifier.formats.vnnlib.read import parse_property
from verifier.formats.write import npz_bytes, onnx_bytes
from verifier.question.build import NetworkBuilder, chain_from_floats
from verifier.question.errors import UserError
from verifier.tasks.instance_lists import read_instances
from verifier.tasks.instances import semantics_of, solve

TWO = """(vnnlib-version <2.0>)
(declare-network f (declare-input X Real [2]) (declare-output Y Real [1]))
(declare-network g {relation} (declare-input U Real [2]) (declare-output V Real [1]))
(assert (and (>= X[0] 0.0) (<= X[0] 1.0) (>= X[1] 0.0) (<= X[1] 1.0) (== X[1] U[1])))
(assert (and (<= X[0] U[0]) (<= U[0] 1.0)))
(assert (> Y[0] V[0]))
"""  # x0 grows, x1 stays: is the output of the second at least that of the first?


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """rising: max(x0 - x1, 0) + x0; falling: max(x0 - x1, 0) - x0."""
    for name, sign in (("rising", 1), ("falling", -1)):
        build = NetworkBuilder(2)
        a, b = build.inputs
        (unit,) = build.layer([a - b])
        (tmp_path / f"{name}.onnx").write_bytes(onnx_bytes(build.network([unit + sign * a]))[0])
    (tmp_path / "mono.vnnlib").write_text(TWO.format(relation="(equal-to f)"))
    (tmp_path / "two.vnnlib").write_text(TWO.format(relation=""))
    return tmp_path


def test_monotonicity_of_a_network_beside_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = folder / "mono.vnnlib"
    code, out, _ = run(capsys, "vnnlib", "verify", query, "--network", f"f={folder}/rising.onnx")
    assert (code, out) == (0, "unsat\n")
    code, out, _ = run(capsys, "vnnlib", "verify", query, "--network", f"f={folder}/falling.onnx")
    lines = out.split("\n")
    assert code == 1
    assert [lines[k] for k in (0, 1, 4, 6, 9)] == [
        "sat", "X Real [2]", "Y Real [1]", "U Real [2]", "V Real [1]",
    ]  # fmt: skip
    x, u = ([Fraction(float(line)) for line in lines[k : k + 2]] for k in (2, 7))
    assert x[0] <= u[0]
    assert x[1] == u[1]
    network = load_any_network(folder / "falling.onnx")
    assert evaluate(network, [x])[0][0] > evaluate(network, [u])[0][0]


def test_two_networks_and_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [f"--network={name}={folder}/{net}.onnx" for name, net in (("f", "falling"),
             ("g", "rising"))]  # fmt: skip
    code, out, _ = run(capsys, "vnnlib", "verify", folder / "two.vnnlib", *files)
    assert (code, out) == (0, "unsat\n")  # x0 - .. <= .. + u0
    for arguments, words in [
        ((folder / "two.vnnlib", files[0]), "no file for network g"),
        ((folder / "two.vnnlib",), "no file for network f"),
        ((folder / "mono.vnnlib", *files), "g is declared to be equal to another"),
        ((folder / "two.vnnlib", "--network=f"), "'f' is not NAME=FILE"),
        ((folder / "two.vnnlib", files[0], files[0]), "f is given twice"),
    ]:
        code, out, err = run(capsys, "vnnlib", "verify", *arguments)
        assert (code, out) == (2, "")
        assert words in err


def several(path: Path) -> None:
    """x of shape [1, N], N open; outputs p = 2 x0 and q = x0 + x1."""
    import onnx

    make = onnx.helper
    arrays = {"w": np.array([[2], [0]], np.float32), "v": np.array([[1], [1]], np.float32)}
    nodes = [
        make.make_node("MatMul", ["x", "w"], ["p"]),
        make.make_node("MatMul", ["x", "v"], ["q"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = make.make_graph(
        nodes, "g", [make.make_tensor_value_info("x", kind, [1, "N"])],
        [make.make_tensor_value_info(name, kind, [1, 1]) for name in "pq"],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )  # fmt: skip
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), path)


ONE = """(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
(assert (>= X_0 0)) (assert (<= X_0 1)) (assert (>= X_1 0)) (assert (<= X_1 1))
(assert (>= Y_0 {bound}))
"""
ONE_2 = """(vnnlib-version <2.0>)
(declare-network f (declare-input X Real [1, 2]) (declare-output Y Real [1, 1]))
(assert (and (>= X[0,0] 0) (<= X[0,0] 1) (>= X[0,1] 0) (<= X[0,1] 1) (>= Y[0,0] {bound})))
"""


@pytest.mark.parametrize("text", [ONE, ONE_2])
def test_an_output_and_a_shape_are_chosen_by_name(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, prop = tmp_path / "net.onnx", tmp_path / "p.vnnlib"
    several(net)
    shape = ("--input-shape", "1,2")
    for bound, word in (("2.5", "holds"), ("2", "violated")):
        prop.write_text(text.format(bound=bound))
        for name in "pq":
            ask = ("vnnlib", net, prop, "--output", name, *shape, "--json")
            code, out, _ = run(capsys, *ask)
            assert json.loads(out)["verdict"] == word and code == int(word == "violated")
        target = tmp_path / "p.lp"
        asked = ("export", net, "--property", prop, "--to", "lp", "-o", target)
        assert run(capsys, *asked, "--network-output", "q", *shape)[0] == 0
        assert target.read_text()
    code, _, said = run(capsys, "vnnlib", net, prop, "--output", "z", *shape)
    assert code == 2 and "--output 'z'; the outputs are 'p', 'q'" in said
    code, _, said = run(capsys, "vnnlib", net, prop, *shape)
    assert code == 2
    code, _, said = run(capsys, "vnnlib", "--instances", "list.csv", "--output", "p")
    assert code == 2 and "go with NET and PROP" in said
    target = tmp_path / "p.npz"
    ask = ("export", net, "--to", "npz", "-o", target)
    assert run(capsys, *ask, "--network-output", "p", *shape)[0] == 0
    assert load_any_network(target).outputs.count == 1
    code, _, said = run(capsys, *ask)
    assert code == 2 and "give --input-shape" in said


def test_parts_are_those_of_one_onnx_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = chain_from_floats([np.eye(2)], [np.zeros(2)])
    (folder / "two.npz").write_bytes(npz_bytes(two)[0])
    prop = folder / "p.vnnlib"
    prop.write_text(ONE.format(bound=1))
    code, _, said = run(capsys, "vnnlib", folder / "two.npz", prop, "--output", "y")
    assert code == 2 and "--output is for .onnx files" in said
    prop.write_text(ONE_2.format(bound=1))
    code, _, said = run(capsys, "vnnlib", folder / "two.npz", prop, "--output", "y")
    assert code == 2 and "are for .onnx files" in said
    ask = ("export", folder / "mono.vnnlib", "--to", "kernel", "-o", folder / "k")
    code, _, said = run(capsys, *ask, "--network-output", "y")
    assert code == 2 and "are for the file of a network" in said


def test_capabilities(capsys: pytest.CaptureFixture[str]) -> None:
    for capability, words in [
        ("vnnlib-versions", ["2.0", "2.1"]),
        ("onnx-element-types", ["real", "float32", "float64"]),
        ("multiple-network-theories", ["SNET", "MENET", "MINET", "MNET"]),
        ("serialise-assignments", ["false"]),
    ]:
        code, out, _ = run(capsys, "vnnlib", "supports", f"--{capability}")
        assert (code, out.split()) == (0, words)
    _, out, _ = run(capsys, "vnnlib", "supports", "--onnx-operators")
    assert {"Relu", "Gemm", "MaxPool real"} <= set(out.splitlines())
    code, _, err = run(capsys, "vnnlib", "supports", "--taste")
    assert code == 2
    assert "--taste is not one of" in err


# ------------------------------------------------------------------ declared formats

DECLARED = """(vnnlib-version <2.0>)
(declare-network f (declare-input X {0} [1]) (declare-output Y {0} [1]))
(assert (and (>= X[0] 1.0) (<= X[0] 1.0) {1}))
"""


def tie(folder: Path) -> Path:
    """max(16777216 x, 0) + max(x, 0) - 16777216 x, which float32 may compute as 0 at 1."""
    weights = [np.array([[2.0**24], [1.0]], np.float32), np.array([[1, 1]], np.float32)]
    network = chain_from_floats(weights, [np.zeros(2, np.float32), np.float32([-(2.0**24)])])
    path = folder / "tie.onnx"
    path.write_bytes(onnx_bytes(network)[0])
    return path


def test_a_declared_format_is_answered_as_executed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, prop = tie(tmp_path), tmp_path / "p.vnnlib"
    verdicts = {}
    for element in ("Real", "float32"):
        prop.write_text(DECLARED.format(element, "(<= Y[0] 0.5)"))
        code, out, _ = run(capsys, "vnnlib", net, prop, "--json")
        facts = json.loads(out)
        verdicts[element] = (facts["verdict"], facts["semantics"])
        assert code in (0, 1, 3)
    assert verdicts["Real"] == ("holds", "real")  # the exact output is 1
    assert verdicts["float32"] in (("violated", "float32"), ("unknown", "float32"))
    prop.write_text(DECLARED.format("float32", "(>= Y[0] 100.0)"))
    proof = tmp_path / "proof.gz"
    code, out, _ = run(capsys, "vnnlib", net, prop, "--proof", proof)
    assert (code, out.split()[0]) == (0, "holds")
    assert run(capsys, "vnnlib", net, prop, "--check", proof)[0] == 0
    real = tmp_path / "real.vnnlib"
    real.write_text(DECLARED.format("Real", "(>= Y[0] 100.0)"))
    code, _, err = run(capsys, "vnnlib", net, real, "--check", proof)
    assert code == 4
    assert "about the network as executed in float32, not real numbers" in err
    assert run(capsys, "vnnlib", net, real, "--check", proof, "--semantics", "float32")[0] == 0


def test_no_declared_format_is_answered_as_reals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, prop = tie(tmp_path), tmp_path / "p.vnnlib"
    for element, option, words in [
        ("float32", "real", "the property declares float32, not real"),
        ("float32", "float64", "the property declares float32, not float64"),
        ("float16", None, "the property declares float16; known are Real, float32 and float64"),
        ("int8", "real", "the property declares int8"),
    ]:
        prop.write_text(DECLARED.format(element, "(<= Y[0] 0.5)"))
        options = () if option is None else ("--semantics", option)
        code, out, err = run(capsys, "vnnlib", net, prop, *options)
        assert (code, out) == (2, "")
        assert words in err
    mixed = DECLARED.format("float32", "true").replace("Y float32", "Y Real")
    with pytest.raises(UserError, match="declares float32, real"):
        semantics_of(parse_property(mixed))


# ------------------------------------------------------------------ no point, no bound


def test_an_empty_set_holds_and_an_unbounded_one_is_searched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n"
    net, prop = folder / "rising.onnx", folder / "p.vnnlib"
    for text in ("(assert (and (>= X_0 1) (<= X_0 0)))", "(assert (and (> X_0 0) (< X_0 0)))"):
        prop.write_text(head + text)
        code, out, _ = run(capsys, "vnnlib", net, prop, "--proof", folder / "e.proof")
        assert code == 0
        assert out.startswith("holds\nnote: line 2: empty box: X_0")
        assert run(capsys, "vnnlib", net, prop, "--check", folder / "e.proof")[0] == 0
    prop.write_text(head + "(assert (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (>= Y_0 1.5)))")
    assert run(capsys, "vnnlib", net, prop)[0] == 1
    prop.write_text(head + "(assert (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (>= Y_0 3)))")
    code, out, _ = run(capsys, "vnnlib", net, prop)
    assert code == 3
    assert "X_1 has no upper bound" in out


# ------------------------------------------------------------------ lists


@pytest.mark.parametrize(
    "line",
    [
        "[('f', 'falling.onnx'), ('g', 'rising.onnx')],two.vnnlib,20",
        '"[(""f"", ""falling.onnx""), (""g"", ""rising.onnx"")]", two.vnnlib, 20',
        "[('f','falling.onnx'),('g','rising.onnx')];two.vnnlib;20",
        "[('f', 'rising.onnx'), ('g', 'rising.onnx')],mono.vnnlib,20",
        "[('f', 'rising.onnx')],mono.vnnlib,20",
        "\ufeff[('f', 'rising.onnx')],mono.vnnlib,20",
        "network;property;timeout\r\n[('f','rising.onnx')];mono.vnnlib;20",
        'network,property,timeout\n"[(\'f\',\'rising.onnx\')]","mono.vnnlib","20"',
    ],
)
def test_lists_of_several_networks(folder: Path, line: str) -> None:
    (folder / "list.csv").write_text(line, encoding="utf-8")
    (instance,) = read_instances(folder / "list.csv")
    assert instance.timeout == 20
    row = solve(instance).row
    assert (row.verdict, row.detail) == ("holds", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[('f', 'a.onnx'), g],p.vnnlib,1", "is not as in|is not as \\[\\('f'"),
        ("[('f', 'a.onnx'), ('f', 'b.onnx')],p.vnnlib,1", "names a network twice"),
        ("[('f', 'a.onnx')] p.vnnlib,1", "no ',' after the list of networks"),
        ("[],p.vnnlib,1", "is not as"),
    ],
)
def test_lists_of_networks_that_are_none(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "list.csv").write_text(line)
    with pytest.raises(UserError, match=words):
        read_instances(tmp_path / "list.csv")
