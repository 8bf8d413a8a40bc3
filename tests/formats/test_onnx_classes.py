"""The names of classes that a file gives to its scores decide which output is which label."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper, save_model

import robmem
from tests.oracles.commands import run
from verifier.checker.scaled import evaluate
from verifier.formats.load import load_file
from verifier.formats.onnx.read import loaded_model
from verifier.question.errors import UserError

F = Fraction
ML = "ai.onnx.ml"
WEIGHTS = np.array([[1, -1, 0.5], [0.25, 2, -1]], np.float32)  # inputs, classes
NODE = helper.make_node


def model(*nodes: Any, outputs: Any = ("label", "scores"), **constants: Any):
    """A graph over x of shape [1, 2] with these nodes; a runtime knows the types of outputs."""
    infos = [ValueInfoProto(name=name) for name in outputs]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    stored = [tensor(name, np.asarray(value)) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "g", [x], infos, stored)
    sets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8)


def tensor(name: str, values: Any) -> TensorProto:
    if values.dtype.kind != "U":
        return numpy_helper.from_array(values, name)
    texts = [text.encode() for text in values.tolist()]
    return helper.make_tensor(name, TensorProto.STRING, [len(texts)], texts)


def linear(post: str = "NONE", **names: Any) -> Any:
    return NODE(
        "LinearClassifier", ["x"], ["label", "scores"], domain=ML, multi_class=1,
        coefficients=WEIGHTS.T.reshape(-1).tolist(), intercepts=[0.0, 0.125, 0.25],
        post_transform=post, **names,
    )  # fmt: skip


def chosen(table: Any, *behind: Any) -> Any:
    """Scores, softmax, argmax and the class in a table, as classifiers of MLPs are exported."""
    return model(
        NODE("MatMul", ["x", "w"], ["s"]), NODE("Softmax", ["s"], ["p"], axis=1),
        NODE("ArgMax", ["p"], ["k"], axis=1),
        NODE("ArrayFeatureExtractor", ["table", "k"], ["c"], domain=ML), *behind,
        outputs=("label",), w=WEIGHTS, table=table,
    )  # fmt: skip


CASES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "classifier, numbers": (
        model(linear(classlabels_ints=[2, 0, 1])), ("2", "0", "1"),
    ),
    "classifier, texts": (model(linear(classlabels_strings=["b", "c", "a"])), ("b", "c", "a")),
    "softmax": (model(linear("SOFTMAX", classlabels_ints=[2, 1, 0])), ("2", "1", "0")),
    "zip map": (
        model(linear(classlabels_ints=[2, 0, 1]),
              NODE("ZipMap", ["scores"], ["map"], domain=ML, classlabels_int64s=[2, 0, 1]),
              outputs=("label", "map")),
        ("2", "0", "1"),
    ),
    "zip map of sums": (
        model(NODE("MatMul", ["x", "w"], ["scores"]),
              NODE("ZipMap", ["scores"], ["map"], domain=ML, classlabels_strings=["y", "x", "z"]),
              outputs=("map",), w=WEIGHTS),
        ("y", "x", "z"),
    ),
    "table of numbers": (
        chosen(np.array([7, 5, 6]), NODE("Reshape", ["c", "one"], ["label"]),
               NODE("Constant", [], ["one"], value_ints=[1])),
        ("7", "5", "6"),
    ),
    "table of texts": (
        chosen(["cat", "ant", "bee"], NODE("Identity", ["c"], ["label"])), ("cat", "ant", "bee"),
    ),
    "table, then an encoder": (
        chosen(np.array([1, 2, 0]),
               NODE("LabelEncoder", ["c"], ["label"], domain=ML, keys_int64s=[0, 1, 2],
                    values_strings=["zero", "one", "two"])),
        ("one", "two", "zero"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_score_has_the_name_that_a_runtime_gives_it(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    made, names = CASES[name]
    loaded = loaded_model(made)
    network, decoder = loaded.reading(None)
    assert (decoder, loaded.classes, loaded.astray) == ("argmax", names, None)
    assert loaded.labels_for("argmax", None) == names
    assert loaded.labels_for("argmax", ["p", "q", "r"]) == ["p", "q", "r"]
    assert loaded.labels_for("nearest", None) is None
    assert any("names its outputs by class: 0 is" in note for note in loaded.said("argmax"))
    session = runtime.InferenceSession(made.SerializeToString())
    rng, seen = np.random.default_rng(3), set()
    for _ in range(20):
        point = rng.normal(size=(1, 2)).astype(np.float32)
        first = session.run(None, {"x": point})[0]
        if isinstance(first, list):  # a dictionary of scores alone
            label = str(max(first[0], key=first[0].get))
        else:
            label = str(np.asarray(first).reshape(-1)[0])
        values = evaluate(network, [[F(float(x)) for x in point[0]]])[0]
        assert label == names[values.index(max(values))]
        seen.add(label)
    assert len(seen) == 3


def test_names_that_are_the_numbers_of_the_outputs_say_nothing_new() -> None:
    loaded = loaded_model(model(linear(classlabels_ints=[0, 1, 2])))
    assert loaded.classes is None and loaded.labels_for("argmax", None) is None


def test_other_names_for_one_score_are_refused() -> None:
    twice = model(
        linear(classlabels_ints=[2, 0, 1]),
        NODE("ZipMap", ["scores"], ["map"], domain=ML, classlabels_int64s=[0, 1, 2]),
        outputs=("label", "map"),
    )  # fmt: skip
    with pytest.raises(UserError, match="one score is named '2' and '0'"):
        loaded_model(twice)
    for names, said in (([1, 2], "2 class names for 3 scores"), ([1, 1, 2], "one name")):
        wrong = model(
            NODE("MatMul", ["x", "w"], ["s"]),
            NODE("ZipMap", ["s"], ["map"], domain=ML, classlabels_int64s=names),
            outputs=("map",), w=WEIGHTS,
        )  # fmt: skip
        with pytest.raises(UserError, match=said):
            loaded_model(wrong)
    with pytest.raises(UserError, match="a class is looked up in a table of 2"):
        loaded_model(chosen(np.array([1, 2]), NODE("Identity", ["c"], ["label"])))
    encoder = NODE("LabelEncoder", ["c"], ["label"], domain=ML, keys_int64s=[0, 1],
                   values_strings=["a", "b"])  # fmt: skip
    with pytest.raises(UserError, match=r"'label' \(ai.onnx.ml.LabelEncoder\): it has no key '2'"):
        loaded_model(chosen(np.array([1, 2, 0]), encoder))


def test_names_of_scores_that_something_computes_with_are_not_lost() -> None:
    """Whoever asks about labels has to say which output is which."""
    moved = model(
        linear(classlabels_ints=[2, 0, 1]),
        NODE("MatMul", ["scores", "turn"], ["other"]),
        outputs=("label", "other"), turn=np.eye(3, dtype=np.float32)[[1, 2, 0]],
    )  # fmt: skip
    with pytest.raises(UserError, match="'label' is not the class of the largest score of 'other'"):
        loaded_model(moved)
    loaded = loaded_model(moved, outputs=("other",))
    assert loaded.classes is None and loaded.astray == ("2", "0", "1")
    with pytest.raises(UserError, match="not which output is which: --labels A,B,.. names one"):
        loaded.labels_for("argmax", None)
    assert loaded.labels_for("argmax", ["0", "1", "2"]) == ["0", "1", "2"]
    plain = model(
        linear(classlabels_ints=[0, 1, 2]),
        NODE("Neg", ["scores"], ["other"]), outputs=("label", "other"),
    )  # fmt: skip
    assert loaded_model(plain, outputs=("other",)).labels_for("argmax", None) is None


def test_a_permutation_of_named_scores_moves_their_names() -> None:
    turned = model(
        linear(classlabels_ints=[2, 0, 1]), NODE("Gather", ["scores", "places"], ["other"], axis=1),
        outputs=("label", "other"), places=np.array([1, 2, 0]),
    )  # fmt: skip
    loaded = loaded_model(turned)
    assert loaded.classes == ("0", "1", "2") or loaded.classes is None
    assert loaded.labels_for("argmax", None) in (None, ("0", "1", "2"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """net.onnx: score 0 is x of class 1, score 1 is y of class 0; three samples of these."""
    monkeypatch.chdir(tmp_path)
    first = NODE(
        "LinearClassifier", ["x"], ["label", "scores"], domain=ML, multi_class=1,
        coefficients=[1.0, 0.0, 0.0, 1.0], intercepts=[0.0, 0.0], classlabels_ints=[1, 0],
    )  # fmt: skip
    save_model(model(first), "net.onnx")
    Path("d.csv").write_text("a,b,y\n3,0,1\n0,3,0\n5,1,1\n")
    Path("named.csv").write_text("a,b,y\n3,0,one\n0,3,zero\n")
    return tmp_path


def test_commands_read_the_names_of_the_file(folder: Path, capsys: Any) -> None:
    ask = ("--data", "d.csv", "--radius", "1", "--quiet", "--json")
    code, out, said = run(capsys, "certify", "--network", "net.onnx", *ask, "--out", "r")
    facts = json.loads(out)
    assert (code, facts["robust"], facts["misread"]) == (0, 3, 0)
    assert facts["labels"] == ["0: 1", "1: 0"]
    assert "the file names its outputs by class: 0 is '1', 1 is '0'" in said
    assert run(capsys, "check", "r", "--data", "d.csv", "--network", "net.onnx", "--quiet")[0] == 0
    for command in ("search", "radius", "worst"):
        size = () if command == "radius" else ("--radius", "1")
        code, out, _ = run(capsys, command, "net.onnx", "--data", "d.csv", *size, "--json")
        facts = json.loads(out)
        assert facts.get("misread", 0) == 0 and facts["labels"] == ["0: 1", "1: 0"]
        assert [entry["label"] for entry in facts["results"]] == ["0: 1", "1: 0", "0: 1"]
    facts = json.loads(run(capsys, "show", "net.onnx", "--json")[1])
    assert facts["classes"] == ["1", "0"] and "classes" in run(capsys, "show", "net.onnx")[1]


def test_the_user_may_name_the_outputs_otherwise(folder: Path, capsys: Any) -> None:
    ask = ("search", "net.onnx", "--radius", "1", "--quiet", "--json")
    code, out, _ = run(capsys, *ask, "--data", "d.csv", "--labels", "0,1")
    assert (code, json.loads(out)["misread"]) == (1, 3)
    code, _, said = run(capsys, *ask, "--data", "named.csv")
    assert code == 2 and "net.onnx names its outputs '1', '0'; named has the label 'one'" in said
    code, out, _ = run(capsys, *ask, "--data", "named.csv", "--labels", "one,zero")
    assert (code, json.loads(out)["robust"]) == (0, 2)


def test_verify_asks_for_a_class_by_its_name(folder: Path, capsys: Any) -> None:
    ask = ("verify", "net.onnx", "--center", "3,0", "--radius", "1", "--json")
    code, out, _ = run(capsys, *ask, "--label", "1")
    facts = json.loads(out)
    assert (code, facts["labels"]) == (0, ["1", "0"])
    assert facts["claim"].endswith("label 1 is read (decoder argmax, output 0)")
    code, out, _ = run(capsys, *ask, "--label", "0")
    assert (code, json.loads(out)["verdict"]) == (1, "misread")
    assert json.loads(out)["flip"]["rival"] == "label 1"
    code, out, _ = run(capsys, *ask, "--label", "one", "--labels", "one,zero")
    assert code == 0
    for label, said in (("2", "is not one of the labels 1, 0"), ("cat", "labels 1, 0")):
        code, _, text = run(capsys, *ask, "--label", label)
        assert code == 2 and said in text
    code, _, text = run(capsys, *ask, "--label", "1", "--labels", "1,01")
    assert code == 2 and "a label stands there twice" in text
    code, _, text = run(capsys, *ask, "--label", "1", "--labels", "1,0,2")
    assert code == 2 and "argmax: 2 outputs, 3 labels" in text


def test_names_that_are_one_label_are_those_of_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers written in two ways, which nobody has given as an option."""
    save_model(model(linear(classlabels_strings=["1", "01", "2"])), "twice.onnx")
    Path("d.csv").write_text("a,b,label\n3,0,1\n0,3,2\n")
    ask = ("twice.onnx", "--output", "scores")
    for call in (
        ("verify", *ask, "--center", "3,0", "--radius", "1", "--label", "1"),
        ("search", *ask, "--data", "d.csv", "--radius", "1"),
    ):
        code, _, text = run(capsys, *call)
        assert code == 2 and len(text.strip().splitlines()[-1:]) == 1
        assert (
            "names its outputs '1', '01', '2', of which two are one label; --labels A,B,.." in text
        )


def test_the_python_api_reads_the_names_of_the_file(folder: Path) -> None:
    ball = robmem.Ball([3, 0], 1)
    assert isinstance(robmem.verify("net.onnx", ball, "1"), robmem.Robust)
    assert isinstance(robmem.verify("net.onnx", ball, 1), robmem.Robust)
    assert isinstance(robmem.verify("net.onnx", ball, 0), robmem.Flip)
    data = robmem.load_data("d.csv")
    summary = robmem.certify(data, "net.onnx", 1, folder="api")
    assert summary.robust == 3
    with pytest.raises(UserError, match="give the path itself to what asks about labels"):
        robmem.load_network("net.onnx")
    assert load_file("net.onnx").scores.outputs.count == 2


@pytest.mark.parametrize(
    ("names", "to", "kept"),
    [
        ([300, 45, 5], TensorProto.INT8, False),
        ([127, 45, -128], TensorProto.INT8, True),
        ([128, 45, 5], TensorProto.INT8, False),
        ([300, 45, 5], TensorProto.INT16, True),
        ([-1, 0, 1], TensorProto.UINT8, False),
        ([255, 0, 1], TensorProto.UINT8, True),
        ([0, 1, 2], TensorProto.BOOL, False),
        ([2**31, 0, 1], TensorProto.INT32, False),
        ([2**24 + 1, 0, 1], TensorProto.FLOAT, False),
        ([2**24 + 1, 0, 1], TensorProto.DOUBLE, True),
        ([2049, 0, 1], TensorProto.FLOAT16, False),
        ([2049, 0, 1], TensorProto.STRING, True),
        ([2049, 0, 1], 99, False),
    ],
)
def test_a_class_is_cast_only_where_its_name_stays(names, to, kept):
    graph = chosen(np.array(names, np.int64), NODE("Cast", ["c"], ["label"], to=to))
    if kept:
        assert loaded_model(graph).classes == tuple(map(str, names))
    else:
        with pytest.raises(UserError, match="does not keep that name"):
            loaded_model(graph)


def test_numbers_of_classes_are_cast_on_the_way_to_a_table():
    """ArgMax, Cast to bool, Cast to int64, Gather: class 2 becomes 1, and gets its name."""
    nodes = [
        NODE("MatMul", ["x", "w"], ["s"]), NODE("ArgMax", ["s"], ["k"], axis=1),
        NODE("Cast", ["k"], ["t"], to=TensorProto.BOOL),
        NODE("Cast", ["t"], ["n"], to=TensorProto.INT64), NODE("Gather", ["table", "n"], ["label"]),
    ]  # fmt: skip
    graph = model(*nodes, outputs=("label",), w=WEIGHTS, table=np.array([2, 0, 1], np.int64))
    with pytest.raises(UserError, match="does not keep that name"):
        loaded_model(graph)


def test_a_text_is_no_number():
    graph = chosen(np.array(["01", "0", "1"]), NODE("Cast", ["c"], ["label"], to=TensorProto.INT64))
    with pytest.raises(UserError, match="does not keep that name"):
        loaded_model(graph)


def test_a_run_is_checked_of_a_file_that_names_its_outputs_alike(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("bca", "abc"):
        save_model(model(linear(classlabels_strings=list(name))), f"{name}.onnx")
    Path("data.csv").write_text("x,y,l\n3,0,b\n-3,1,c\n2,-3,a\n")
    made = "certify --data data.csv --network bca.onnx --radius 1/100 --out r --quiet"
    assert run(capsys, *made.split())[0] == 0
    assert run(capsys, "check", "r", "--network", "bca.onnx", "--quiet")[0] == 0
    code, _, said = run(capsys, "check", "r", "--network", "abc.onnx", "--quiet")
    assert code == 2 and "abc.onnx names its outputs 'a', 'b', 'c', the run its labels" in said


def picked(kind: str, table: Any, *behind: Any, **attributes: Any) -> Any:
    """The class of the largest of three sums, looked up in a table."""
    domain = ML if kind == "ArrayFeatureExtractor" else ""
    return model(
        NODE("MatMul", ["x", "w"], ["s"]), NODE("ArgMax", ["s"], ["k"], axis=1, keepdims=0),
        NODE(kind, ["table", "k"], ["c"], domain=domain, **attributes), *behind,
        outputs=("label",), w=WEIGHTS, table=table, first=np.array([0]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "shape", "attributes"),
    [
        ("Gather", (3, 2), {"axis": 0}),
        ("Gather", (2, 3), {"axis": 1}),
        ("Gather", (1, 6), {"axis": 0}),
        ("Gather", (6, 1), {"axis": -1}),
        ("ArrayFeatureExtractor", (2, 3), {}),
        ("ArrayFeatureExtractor", (6, 1), {}),
    ],
)
def test_a_table_of_rows_is_no_table_of_names(kind, shape, attributes):
    """Row 1 of the table is what class 1 is looked up as, not entry 1 of all entries in order."""
    axis = attributes.get("axis", -1) % 2
    first = NODE("Gather", ["c", "first"], ["label"], axis=1 - axis)
    table = np.arange(6, dtype=np.int64).reshape(shape)
    said = rf"node 'c' .*along axis {axis} of a table \[{shape[0]}, {shape[1]}\]"
    with pytest.raises(UserError, match=said):
        loaded_model(picked(kind, table, first, **attributes))


@pytest.mark.parametrize(
    ("kind", "shape", "attributes"),
    [
        ("Gather", (3,), {}),
        ("Gather", (3, 1), {}),
        ("Gather", (1, 3), {"axis": 1}),
        ("Gather", (1, 3, 1), {"axis": -2}),
        ("ArrayFeatureExtractor", (3,), {}),
        ("ArrayFeatureExtractor", (1, 3), {}),
    ],
)
def test_a_table_may_have_other_axes_of_length_1(kind, shape, attributes):
    runtime = pytest.importorskip("onnxruntime")
    table = np.array([7, 5, 6], dtype=np.int64).reshape(shape)
    made = picked(kind, table, NODE("Identity", ["c"], ["label"]), **attributes)
    loaded = loaded_model(made)
    assert loaded.classes == ("7", "5", "6")
    session, seen = runtime.InferenceSession(made.SerializeToString()), set()
    for point in ([3, 0], [0, 3], [-3, -3]):
        (label,) = np.ravel(session.run(None, {"x": np.array([point], np.float32)})[0])
        values = evaluate(loaded.scores, [[F(x) for x in point]])[0]
        assert str(label) == loaded.classes[values.index(max(values))]
        seen.add(label)
    assert len(seen) > 1


MOVED = {
    "negated": [NODE("Neg", ["s"], ["t"])],
    "in another order": [NODE("Gather", ["s", "turned"], ["t"], axis=1)],
    "joined in another order": [
        NODE("Split", ["s", "lengths"], ["a", "b"], axis=1),
        NODE("Concat", ["b", "a"], ["t"], axis=1),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("turn", [False, True])
def test_a_class_of_other_scores_is_not_left_out(name, turn):
    """Nor where the class is that of the outputs, and the scores beside it are others."""
    label, scores = ("s", "t") if turn else ("t", "s")
    made = model(
        NODE("MatMul", ["x", "w"], ["s"]), *MOVED[name],
        NODE("ArgMax", [label], ["label"], axis=1), outputs=("label", scores), w=WEIGHTS,
        turned=np.array([1, 2, 0]), lengths=np.array([1, 2]),
    )  # fmt: skip
    said = f"output 'label' is not the class of the largest score of '{scores}': choose with --out"
    with pytest.raises(UserError, match=said):
        loaded_model(made)
    assert loaded_model(made, outputs=("label",)).classes is None
    assert loaded_model(made, outputs=(scores,)).scores.outputs.count == 3


def test_a_class_of_one_of_two_scores_is_not_left_out():
    """Of both as one vector the largest may be another."""
    made = model(
        NODE("MatMul", ["x", "w"], ["s"]), NODE("ArgMax", ["s"], ["label"], axis=1),
        NODE("Neg", ["s"], ["t"]), outputs=("label", "s", "t"), w=WEIGHTS,
    )  # fmt: skip
    with pytest.raises(UserError, match="is not the class of the largest score of 's', 't'"):
        loaded_model(made)


@pytest.mark.parametrize("kind", ["Softmax", "HardSigmoid", "Squeeze"])
def test_a_class_of_the_same_scores_is_left_out(kind):
    behind = NODE(kind, ["s"], ["p"])
    made = model(
        NODE("MatMul", ["x", "w"], ["s"]), behind, NODE("Identity", ["p"], ["out"]),
        NODE("ArgMax", ["p"], ["label"], axis=-1), outputs=("label", "out"), w=WEIGHTS,
    )  # fmt: skip
    assert "output 'label', the class of the largest score, is left out" in loaded_model(made).notes
