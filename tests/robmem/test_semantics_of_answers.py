"""`semantics` of the Python functions, and proof files that say which arithmetic they are about."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

import robmem
from tests.oracles.commands import run
from verifier.evidence.proof_file import load_proof, save_proof
from verifier.question.errors import RefusedError, UserError

F = Fraction
SMALL = 2.0**-30


def scores(tie: float = SMALL) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of one input x: max(x, 0) + 1 and max(x, 0) + 1 - tie; as float32 executes it, a tie at 1."""
    first = np.array([[1.0], [1.0]])
    return (
        [first, np.eye(2)],
        [np.zeros(2), np.array([1.0 + tie, 1.0])],
    )


def test_answers_about_executions_differ_from_exact_ones(tmp_path: Path) -> None:
    near, ball = scores(2.0**-50), robmem.Ball([1], "1/4")
    assert isinstance(robmem.verify(near, ball, 0), robmem.Robust)
    with pytest.raises(UserError, match="a weight is no float32 number"):
        robmem.verify(near, ball, 0, semantics="float32")
    assert not isinstance(robmem.verify(near, ball, 0, semantics="float64"), robmem.Robust)
    wide = scores(0.5)
    query = robmem.question(wide, ball, 0, semantics="float32")
    found = robmem.verify(wide, ball, 0, semantics="float32")
    assert isinstance(found, robmem.Robust)
    robmem.check(query, found, semantics="float32")
    with pytest.raises(RefusedError):  # the network of another question
        robmem.check(query, robmem.Flip((F(1),), 0), semantics="float32")
    flip = robmem.verify(wide, ball, 1, semantics="float32")
    assert isinstance(flip, robmem.Flip) and flip.point[0] == 1 and len(flip.point) == 1 + 4
    robmem.check(robmem.question(wide, ball, 1), flip, semantics="float32")


def test_runs_and_searches_take_semantics(tmp_path: Path) -> None:
    data = robmem.Dataset.from_arrays([[1], [2]], [0, 0], name="two")
    wide = scores(0.5)
    summary = robmem.certify(
        data, wide, "1/4", labels=["0", "1"], folder=tmp_path / "run", semantics="float32"
    )
    assert "as executed in float32" in summary.claim
    found = robmem.search(wide, data, "1/4", labels=["0", "1"], semantics="float32")
    assert [one.verdict for one in found] == ["robust", "robust"]
    with pytest.raises(UserError, match="semantics='real' alone"):
        robmem.search(wide, data, 1, labels=["0", "1"], semantics="float32", nearest=True)
    built = robmem.construct("linf", "iris")
    with pytest.raises(UserError, match="no float32 number"):
        robmem.certify("iris", built, folder=tmp_path / "c", semantics="float32")


@pytest.mark.parametrize("ask", ["verify", "question", "search", "certify", "check"])
def test_another_word_is_one_line(ask: str, tmp_path: Path) -> None:
    wide, ball = scores(0.5), robmem.Ball([1], 1)
    data = robmem.Dataset.from_arrays([[1], [2]], [0, 1], name="two")
    calls = {
        "verify": lambda: robmem.verify(wide, ball, 0, semantics="float16"),  # type: ignore[arg-type]
        "question": lambda: robmem.question(wide, ball, 0, semantics="exact"),  # type: ignore[arg-type]
        "search": lambda: robmem.search(wide, data, 1, semantics=None),  # type: ignore[arg-type]
        "certify": lambda: robmem.certify(data, wide, 1, semantics=32),  # type: ignore[arg-type]
        "check": lambda: robmem.check(
            robmem.question(wide, ball, 0),
            robmem.Flip((F(1),), 0),
            "float",  # type: ignore[arg-type]
        ),
    }
    with pytest.raises(UserError, match="is not one of real, float32, float64"):
        calls[ask]()


def two_products(path: Path, layers: int) -> str:
    """x of [1, 2] times so many matrices, without an activation between them."""
    nodes, stored = [], []
    for k in range(layers):
        stored.append(numpy_helper.from_array(np.eye(2, dtype=np.float32), f"w{k}"))
        nodes.append(
            helper.make_node("MatMul", ["x" if not k else f"y{k}", f"w{k}"], [f"y{k + 1}"])
        )
    made = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2])
        for name in ("x", f"y{layers}")
    ]
    graph = helper.make_graph(nodes, "g", made[:1], made[1:], stored)
    sets = [helper.make_opsetid("", 17)]
    save_model(helper.make_model(graph, opset_imports=sets, ir_version=8), path)
    return str(path)


def test_files_are_read_as_they_are_executed(tmp_path: Path) -> None:
    one, two = (two_products(tmp_path / f"{k}.onnx", k) for k in (1, 2))
    ball = robmem.Ball([3, 0], 1)
    assert isinstance(robmem.verify(one, ball, 0, semantics="float32"), robmem.Robust)
    with pytest.raises(UserError, match="no part of one sum a unit"):
        robmem.verify(two, ball, 0, semantics="float32")
    with pytest.raises(UserError, match="computes in another format"):
        robmem.verify(one, ball, 0, semantics="float64")


def test_fitted_models_are_refused_in_words() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    model = linear.LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(UserError, match="is read exactly; as executed in float64"):
        robmem.verify(model, robmem.Ball([1], "1/8"), 1, semantics="float64")


def test_a_proof_file_says_of_which_arithmetic_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = two_products(tmp_path / "n.onnx", 1)
    ask = ["verify", net, "--center", "3,0", "--radius", "1", "--label"]
    for label, verdict in (("0", "robust"), ("1", "misread")):
        path = tmp_path / f"{verdict}.json"
        code, out, _ = run(capsys, *ask, label, "--semantics", "float32", "--proof", path, "--json")
        assert json.loads(out)["verdict"] == verdict
        code, out, _ = run(capsys, "check", path)
        assert code == 0
        assert "as executed in float32, " in out
        assert "float32" in next(line for line in out.splitlines() if line.startswith("arithmetic"))
        facts = json.loads(run(capsys, "check", path, "--json")[1])
        assert (
            facts["semantics"] == "float32"
            and len(facts["question"]["center" if 0 else "box"]) == 2
        )
        assert run(capsys, "check", path, "--network", net)[0] == 0
        assert robmem.check_file(path, net).semantics == "float32"
        with pytest.raises(RefusedError, match="as executed in float32, not real numbers"):
            load_proof(path)
        code, _, err = run(capsys, "check", path, "--kernel")
        assert code == 2 and "replays proofs about real numbers" in err
    real = tmp_path / "real.json"
    assert run(capsys, *ask, "0", "--proof", real)[0] == 0
    assert robmem.check_file(real).semantics == "real"
    assert "as executed" not in run(capsys, "check", real)[1]
    with pytest.raises(RefusedError, match="about real numbers, not the network as executed"):
        load_proof(real, semantics="float32")


def test_the_arithmetic_cannot_be_edited(tmp_path: Path) -> None:
    """A flip of the exact network is no execution, and a claim about reals none about floats."""
    wide, ball = scores(0.5), robmem.Ball([1], "1/4")
    query = robmem.question(wide, ball, 0)
    found = robmem.verify(wide, ball, 0, semantics="float32")
    assert isinstance(found, robmem.Robust)
    path = tmp_path / "p.json"
    save_proof(path, query, found, semantics="float32")
    head, _, rest = path.read_text().partition("\n")
    for value, flaw in (
        ("float16", "neither float32 nor float64"),
        ("real", "neither"),
        (None, "neither"),
        (32, "neither"),
        ([], "neither"),
    ):
        edited = {**json.loads(head), "semantics": value}
        path.write_text(json.dumps(edited) + "\n" + rest)
        with pytest.raises(RefusedError, match=flaw):
            robmem.check_file(path)
    exact = robmem.verify(wide, ball, 1)
    assert isinstance(exact, robmem.Flip)
    save_proof(path, robmem.question(wide, ball, 1), exact, semantics="float32")
    with pytest.raises(RefusedError):
        robmem.check_file(path)


def test_networks_read_for_real_numbers_are_refused(tmp_path: Path) -> None:
    """(x + 1) - 1 is x in real numbers, and 0 of a small x in float32: a sign is a tie there."""
    nodes = [
        helper.make_node("Add", ["x", "one"], ["a"]),
        helper.make_node("Sub", ["a", "one"], ["y"]),
    ]
    one = numpy_helper.from_array(np.array([1.0], dtype=np.float32), "one")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1]) for n in "xy")
    save_model(
        helper.make_model(helper.make_graph(nodes, "", [x], [y], [one])), tmp_path / "m.onnx"
    )
    box = robmem.Box([SMALL], [2 * SMALL])
    read = robmem.load_network(tmp_path / "m.onnx")
    robust = robmem.verify(read, box, 1, decoder="sign")
    assert isinstance(robust, robmem.Robust)
    query = robmem.question(read, box, 1, decoder="sign")
    for ask in (
        lambda: robmem.verify(read, box, 1, decoder="sign", semantics="float32"),
        lambda: robmem.question(read, box, 1, decoder="sign", semantics="float64"),
        lambda: robmem.check(query, robust, semantics="float32"),
        lambda: robmem.certify(
            robmem.Dataset.from_arrays([[1.0], [-1.0]], [1, -1]), network=read, radius="1/4",
            decoder="sign", semantics="float32", folder=tmp_path / "run",
        ),
    ):  # fmt: skip
        with pytest.raises(UserError, match="read for real numbers"):
            ask()
    assert not (tmp_path / "run").exists()


def test_networks_read_as_they_are_executed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"])]
    weight = numpy_helper.from_array(np.array([[2.0]], dtype=np.float32), "w")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1]) for n in "xy")
    save_model(
        helper.make_model(helper.make_graph(nodes, "", [x], [y], [weight])), tmp_path / "m.onnx"
    )
    read = robmem.load_network(tmp_path / "m.onnx", semantics="float32")
    box = robmem.Box([SMALL], [2 * SMALL])
    found = robmem.verify(read, box, 1, decoder="sign", semantics="float32")
    assert isinstance(found, robmem.Robust)
