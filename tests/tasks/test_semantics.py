"""Verdicts about the network as floating point executes it."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest

from tests.oracles.nnet_text import NNET
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import points_of, random_query
from tests.oracles.reference import check_reference
from verifier.checker.replay import replay
from verifier.checker.scaled import evaluate
from verifier.cli.main import main
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.formats.load import load_any_network
from verifier.formats.onnx.single_sums import require_single_sums
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.executed import (
    executed,
    is_number,
)
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.search.options import Options
from verifier.tasks.instances import runtime_outputs
from verifier.tasks.semantics import check_executed, execute, verify_executed
from verifier.tasks.verify import check, verify

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the search, in floats
F = Fraction
FORMATS = ("float32", "float64")


def test_a_flip_by_errors_of_no_execution_is_refused():
    """Within the error bounds the output may be 0; as executed at x = 1 it is 2^-24."""
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0] - (1 - F(1, 2**24))])
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "at most 0")
    query = Query(network, box([F(1)], [F(1)]), (goal,))
    question = executed(query, "float32")
    point = (F(1), F(-1, 2**24))
    assert question.region.contains(point) and check(question, Flip(point, 0)).verdict == "flip"
    with pytest.raises(RefusedError, match="no execution"):
        check_executed(query, "float32", Flip(point, 0))
    found = verify_executed(query, "float32")
    assert isinstance(found.verdict, Undecided) and "some rounding" in found.verdict.reason
    strict = Query(network, query.region, (replace_atom(goal, F(1, 2**23)),))
    shown = verify_executed(strict, "float32")
    assert shown.execution.outputs == (F(1, 2**24),)
    assert check_executed(strict, "float32", shown.verdict).verdict == "flip"


def replace_atom(goal, constant):
    """The goal with another constant in its only atom."""
    return Goal((replace(goal.atoms[0], constant=constant),), goal.rival)


def cancelling():
    """In real numbers the output is 1 on [0, 1]; in float32, ((x + 2^25) + 1) - x - 2^25 is not."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    high, copy = build.layer([x + 2**25, x])
    sum_, copy = build.layer([high + 1, copy])
    return build.network([sum_ - copy - 2**25])


def test_real_and_float_semantics_differ():
    goal = Goal((Atom((), ((0, F(-1)),), F(1, 2), False),), "at most 1/2")
    query = Query(cancelling(), box([F(0)], [F(1)]), (goal,))
    assert isinstance(verify(query).verdict, Robust)
    found = verify_executed(query, "float32")
    assert isinstance(found.verdict, Flip)
    assert found.execution.outputs == execute(query.network, found.execution.point, "float32")
    assert found.execution.outputs[0] <= 0
    assert isinstance(verify_executed(query, "float64").verdict, Robust)


def test_a_flip_at_no_number_of_the_format_can_be_one_beside_it():
    """|1 - 3x| is 0 at 1/3 alone, which is no float; at the float beside it, it rounds to 0."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    low, high = build.layer([1 - 3 * x, 3 * x - 1])
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
    query = Query(build.network([low + high]), box([F(0)], [F(1)]), (goal,))
    assert verify(query).verdict == Flip((F(1, 3),), 0)
    found = verify_executed(query, "float32").execution
    assert found.point != (F(1, 3),) and found.outputs == (F(0),)


def test_a_flip_that_numpy_executes():
    build = NetworkBuilder(1)
    x = build.inputs[0]
    network = build.network(build.layer([x - F(1, 2)]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 4), False),), "at least 1/4")
    query = Query(network, box([F(0)], [F(1)]), (goal,))
    answer = verify_executed(query, "float32")
    found = answer.execution
    replay(answer.question, answer.verdict)
    assert answer.verdict.point[:1] == found.point
    assert query.region.contains(found.point) and all(is_number(v, "float32") for v in found.point)
    assert execute(network, found.point, "float32") == found.outputs
    assert found.outputs[0] >= F(1, 4)


def test_the_question_has_room_for_every_execution():
    """At points of the format, what numpy computes is a value of the widened network."""
    for seed in range(60):
        query = random_query(seed, scale="halves", max_units=5)
        rng = Random(seed)
        for semantics in FORMATS:
            question = executed(query, semantics)
            if find_flip(question) is not None:
                continue
            for point in points_of(rng, query.region, 8):
                rounded = [F(float(np.dtype(semantics).type(float(v)))) for v in point]
                if not query.region.contains(rounded):
                    continue
                outputs = execute(query.network, rounded, semantics)
                for goal in query.goals:
                    assert not all(atom.holds(rounded, outputs) for atom in goal.atoms)


@pytest.mark.parametrize("block", range(4))
def test_answers_about_executions_are_certified(block):
    kinds = set()
    for seed in range(20 * block, 20 * block + 20):
        query = random_query(seed, scale="halves", max_units=4, max_inputs=2)
        found = verify_executed(query, "float32", Options(nodes=100))
        kinds.add(type(found.verdict))
        if isinstance(found.verdict, Robust):
            replay(found.question, found.verdict)
            check_reference(found.question, found.verdict)
            assert found.question.goals == query.goals and found.execution is None
            assert find_flip(query) is None
        elif isinstance(found.verdict, Flip):
            check_reference(found.question, found.verdict)
            execution = found.execution
            outputs = execute(query.network, execution.point, "float32")
            assert query.region.contains(execution.point) and outputs == execution.outputs
            assert all(is_number(x, "float32") for x in execution.point)
            assert all(a.holds(execution.point, outputs) for a in query.goals[execution.goal].atoms)
    assert kinds == {Robust, Flip} or kinds == {Robust, Flip, Undecided}


@pytest.fixture
def gap(tmp_path, monkeypatch):
    """gap.npz: the network of `cancelling`."""
    monkeypatch.chdir(tmp_path)
    np.savez("gap.npz", W0=[[1.0], [1.0]], b0=[2.0**25, 0], W1=np.eye(2), b1=[1.0, 0],
             W2=[[1.0, -1.0]], b2=[-(2.0**25)])  # fmt: skip
    return ["gap.npz", "--box", "0:1", "--label", "1", "--decoder", "sign", "--json"]


@pytest.mark.parametrize(
    ("semantics", "verdict", "code"),
    [("real", "robust", 0), ("float32", "flip", 1), ("float64", "robust", 0)],
)
def test_command(gap, capsys, semantics, verdict, code):
    asked = ["verify", *gap, "--semantics", semantics, "--proof", "answer.json"]
    assert main(asked) == code
    facts = json.loads(capsys.readouterr().out)
    assert (facts["verdict"], facts["semantics"], facts["checked"]) == (verdict, semantics, 1)
    assert facts["claim"].startswith(f"as executed in {semantics}") == (semantics != "real")
    if verdict == "flip":
        point = [F(x) for x in facts["flip"]["point"]]
        computed = execute(load_any_network("gap.npz"), point, semantics)
        assert [F(y) for y in facts["flip"]["outputs"]] == list(computed) and computed[0] <= 0
    assert main(["check", "answer.json"]) == 0


def complaint(capsys, *arguments):
    assert main(["verify", *arguments, "--semantics", "float32"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_command_refuses_weights_that_are_no_floats(gap, capsys):
    np.savez("third.npz", W0=[[0.1]], b0=[0.0])
    said = complaint(capsys, "third.npz", "--box", "0:1", "--unsafe", "Y_0 >= 1")
    assert "output 0: a weight is no float32 number" in said


def onnx_file(nodes, **constants):
    make, arrays = onnx.helper, onnx.numpy_helper
    tensors = [arrays.from_array(np.asarray(v, dtype=np.float32), k) for k, v in constants.items()]
    info = [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = make.make_graph(nodes, "g", info[:1], info[1:], tensors)
    opset = [make.make_opsetid("", 13)]
    onnx.save(make.make_model(graph, opset_imports=opset, ir_version=8), "net.onnx")


def test_command_asks_of_an_onnx_file_that_units_are_single_sums(gap, capsys):
    node = onnx.helper.make_node
    weights = {"W": [[1, 2], [3, 4]], "V": [[1, 0], [0, 1]], "b": [1, -1]}
    asked = ("net.onnx", "--box", "0:1", "--unsafe", "Y_0 >= 100")
    first = [node("MatMul", ["x", "W"], ["p"]), node("Add", ["p", "b"], ["s"])]
    last = [node("Relu", ["s"], ["z"]), node("Gemm", ["z", "V", "b"], ["y"])]
    onnx_file([*first, *last], **weights)
    assert main(["verify", *asked, "--semantics", "float32", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "robust"
    for nodes, named in (
        ([node("MatMul", ["x", "W"], ["p"]), node("MatMul", ["p", "V"], ["y"])], "'y' (MatMul)"),
        ([node("Add", ["x", "b"], ["p"]), node("MatMul", ["p", "V"], ["y"])], "'y' (MatMul)"),
        ([node("Gemm", ["x", "W", "b"], ["p"]), node("Add", ["p", "b"], ["y"])], "'y' (Add)"),
        ([node("MatMul", ["x", "W"], ["p"]), node("Add", ["p", "x"], ["y"])], "'y' (Add)"),
        ([node("Gemm", ["x", "W", "b"], ["y"], alpha=0.5)], "factors round once more"),
        ([node("Mul", ["x", "b"], ["y"])], "'y' (Mul)"),
    ):
        onnx_file(nodes, **weights)
        assert named in complaint(capsys, *asked)


def test_the_order_of_nodes_in_the_file_does_not_matter(gap, capsys):
    """Two affine layers in reverse order are two layers still: a runtime computes 0 everywhere."""
    node = onnx.helper.make_node
    big = np.float32(2**25)
    weights = {"W": [[1, 0], [0, 1]], "b": [big, big], "c": [-big, -big]}
    layers = [
        node("Gemm", ["x", "W", "b"], ["z"], name="first"),
        node("Gemm", ["z", "W", "c"], ["y"], name="second"),
    ]
    for nodes in (layers, layers[::-1]):
        onnx_file(nodes, **weights)
        said = complaint(capsys, "net.onnx", "--box", "1:1", "--unsafe", "Y_0 <= 0")
        assert "'second' (Gemm)" in said


def test_command_asks_for_the_format_of_the_file(gap, capsys):
    node = onnx.helper.make_node
    onnx_file([node("MatMul", ["x", "W"], ["y"])], W=[[1, 2], [3, 4]])
    asked = ["verify", "net.onnx", "--box", "0:1", "--unsafe", "Y_0 >= 100", "--semantics"]
    assert main([*asked, "float32"]) == 0
    capsys.readouterr()
    assert main([*asked, "float64"]) == 2
    assert "input 'x': the file computes in another format" in capsys.readouterr().err


def test_a_product_of_constants_is_no_weight(gap, capsys):
    """It is rounded before the input is added: A B + x is not one sum."""
    node = onnx.helper.make_node
    onnx_file([node("Gemm", ["A", "B", "x"], ["y"])], A=[[1]], B=[[1, 1]])
    said = complaint(capsys, "net.onnx", "--box", "0:1", "--unsafe", "Y_0 >= 100")
    assert "'y' (Gemm)" in said


def test_command_refuses_folded_weights(gap, capsys):
    Path("net.nnet").write_text(NNET.format(low="0.25", mean="0"))
    said = complaint(capsys, "net.nnet", "--normalise", "--box", "file", "--unsafe", "Y_0 >= 1")
    assert "--normalise changes the weights" in said


def test_what_onnxruntime_computes_is_an_execution_of_the_question(gap):
    """Its outputs, whatever order it sums in, are reached within the error bounds."""
    rng = np.random.default_rng(5)
    sizes = [2, 6, 5, 2]
    weights = {}
    nodes, last = [], "x"
    for layer in range(3):
        shape = sizes[layer : layer + 2]
        weights[f"W{layer}"] = rng.normal(size=shape).astype(np.float32) * 100
        weights[f"b{layer}"] = rng.normal(size=shape[1]).astype(np.float32)
        out = "y" if layer == 2 else f"s{layer}"
        nodes.append(onnx.helper.make_node("Gemm", [last, f"W{layer}", f"b{layer}"], [out]))
        if layer < 2:
            nodes.append(onnx.helper.make_node("Relu", [out], [f"z{layer}"]))
        last = f"z{layer}"
    onnx_file(nodes, **weights)
    require_single_sums("net.onnx")
    network = load_any_network("net.onnx")
    differs = 0
    for _ in range(12):
        point = [F(float(v)) for v in rng.normal(size=2).astype(np.float32)]
        computed = runtime_outputs(Path("net.onnx"), [float(v) for v in point])
        atoms = []
        for j, value in enumerate(computed):
            for sign in (1, -1):
                atoms.append(Atom((), ((j, F(sign)),), -sign * F(value), False))
        query = Query(network, box(point, point), (Goal(tuple(atoms), "computed"),))
        assert isinstance(verify(executed(query, "float32")).verdict, Flip)
        differs += [F(value) for value in computed] != evaluate(network, [point])[0]
    assert differs >= 6
