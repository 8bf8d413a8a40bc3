"""Verdicts about the network as floating point executes it."""

import json
from fractions import Fraction
from itertools import permutations
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
from verifier.question.errors import UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.options import Options
from verifier.tasks.instances import runtime_outputs
from verifier.tasks.semantics import (
    _error,
    _errors,
    execute,
    executed,
    is_number,
    unit_roundoff,
    verify_executed,
)
from verifier.tasks.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the search, in floats
F = Fraction
FORMATS = ("float32", "float64")


@pytest.mark.parametrize("semantics", FORMATS)
def test_numbers_of_the_format(semantics):
    kind = np.dtype(semantics).type
    info = np.finfo(semantics)
    rng = Random(3)
    for value in (info.max, info.tiny, info.smallest_subnormal, info.eps, kind(0), kind(-1.5)):
        assert is_number(F(float(value)), semantics)
    for _ in range(200):
        value = kind(rng.gauss(0, 1)) * kind(2.0 ** rng.randint(-60, 60))
        exact = F(float(value))
        assert is_number(exact, semantics) and is_number(-exact, semantics)
        assert not is_number(exact * (1 + unit_roundoff(semantics) / 2), semantics) or not exact
    for wrong in (F(1, 3), 2 * F(float(info.max)), F(float(info.smallest_subnormal)) / 2):
        assert not is_number(wrong, semantics)
    assert not is_number(F(2 ** (info.nmant + 2) + 1), semantics)


def test_sums_in_every_order_stay_within_the_error_bound():
    rng = Random(4)
    for _ in range(60):
        size = rng.randint(1, 5)
        scale = 2.0 ** rng.randint(-20, 20)
        w = np.array([rng.gauss(0, scale) for _ in range(size)], dtype=np.float32)
        z = np.array([rng.gauss(0, 1) for _ in range(size)], dtype=np.float32)
        bias = np.float32(-np.dot(w, z) * (1 + rng.gauss(0, 1e-6)))  # cancels
        exact = sum((F(float(a)) * F(float(b)) for a, b in zip(w, z, strict=True)), F(float(bias)))
        magnitude = sum(abs(F(float(a)) * F(float(b))) for a, b in zip(w, z, strict=True))
        bound = _error(size, magnitude + abs(F(float(bias))), F(0), "float32")
        terms = [a * b for a, b in zip(w, z, strict=True)] + [bias]
        for order in permutations(terms):
            total = np.float32(0)
            for term in order:
                total = np.float32(total + term)
            assert abs(F(float(total)) - exact) <= bound


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


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_the_region_holds_every_error_beside_every_input(norm):
    query = cancelling()
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
    region = ball(norm, [F(3)], F(2), clip=(F(1, 2), F(4)))
    question = executed(Query(query, region, (goal,)), "float32")
    errors = question.region.upper[1:]
    assert len(errors) == 5 and all(e > 0 for e in errors)
    for x in (F(4), F(1), F(1, 2), F(3)):
        for sign in (-1, 0, 1):
            assert question.region.contains((x, *(sign * e for e in errors))) == region.contains(
                [x]
            )
    assert not question.region.contains((F(4), *errors[:-1], errors[-1] * 2))


def test_every_order_of_summation_is_an_execution_of_the_question():
    """The errors of sums in other orders, fused or in float64, fit into the boxes as well."""
    rng = Random(8)
    for seed in range(40):
        query = random_query(seed, scale="halves", max_units=5, max_inputs=3)
        question = executed(query, "float32")
        for point in points_of(rng, query.region, 4):
            start = [F(float(np.float32(float(v)))) for v in point]
            if not query.region.contains(start):
                continue
            values = list(start)
            network = query.network
            rows = [(network.units, v) for v in range(network.units.count)]
            rows += [(network.outputs, j) for j in range(network.outputs.count)]
            for part, i in rows:
                total = summed(rng, *part.fractions(i), values)
                values.append(max(total, F(0)) if part is network.units else total)
            errors = _errors(network, tuple(values))
            assert question.region.contains((*start, *errors))
            assert evaluate(question.network, [(*start, *errors)])[0] == values[network.variables :]


def summed(rng, weights, constant, values):
    """One affine form in float32, its terms in a random order, in one of three ways."""
    terms = [(np.float32(float(w)), np.float32(float(values[j]))) for j, w in weights.items()]
    terms.append((np.float32(float(constant)), np.float32(1)))
    rng.shuffle(terms)
    way = rng.choice(("single", "fused", "double"))
    total = np.float64(0)
    for w, z in terms:
        product = w * z if way == "single" else np.float64(w) * np.float64(z)
        total = total + product if way == "double" else np.float64(np.float32(total + product))
    return F(float(np.float32(total)))


def test_what_cannot_be_executed_is_refused():
    build = NetworkBuilder(1)
    x = build.inputs[0]
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    third = Query(build.network([x * F(1, 3)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="output 0: a weight is no float32 number"):
        executed(third, "float32")
    tenth = Query(build.network([x * F(0.1)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="no float32 number"):
        executed(tenth, "float32")
    executed(tenth, "float64")
    huge = Query(build.network([x * 2**100]), ball("2", [F(0)], F(2) ** 28), (goal,))
    with pytest.raises(UserError, match="overflow"):
        executed(huge, "float32")
    executed(huge, "float64")


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
