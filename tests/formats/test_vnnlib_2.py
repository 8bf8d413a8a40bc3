"""VNN-LIB 2: typed tensors of one network or several, which become one question of one network."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from verifier.checker.scaled import evaluate
from verifier.formats.load import load_any_network
from verifier.formats.side_by_side import side_by_side
from verifier.formats.vnnlib.join import join
from verifier.formats.vnnlib.read import parse_property
from verifier.formats.write import onnx_bytes
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom

HEAD = """(vnnlib-version <2.0>)
(declare-network N (declare-input X Real [1,2]) (declare-output Y Real [2]))
(assert (and (<= X[0,0] 0.1) (>= X[0,0] -1.0) (<= X[0,1] 1.0) (>= X [ 0 , 1 ] 0.0)))
"""


def test_terms_are_read_exactly() -> None:
    question = parse_property(
        HEAD + "(assert (or (< Y[0] (+ Y[1] (* 2.0 X[0,1]))) (== Y[0] (- 0.1))))"
    )
    first, second = question.disjuncts
    assert first.upper == (Fraction(1, 10), 1)
    assert first.atoms == (
        Atom(((1, Fraction(2)),), ((0, Fraction(-1)), (1, Fraction(1))), Fraction(0), True),
    )
    assert second.atoms[0] == Atom((), ((0, Fraction(-1)),), Fraction(-1, 10), False)
    assert second.atoms[1] == Atom((), ((0, Fraction(1)),), Fraction(1, 10), False)
    assert [question.input_name(k) for k in range(2)] == ["X[0,0]", "X[0,1]"]
    assert question.elements == {"real"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "(assert (<= X[0,7] 1.0))", r"line 4: X\[0,7\] is outside of X"),
        (HEAD + "(assert (<= X[0] 1.0))", r"line 4: X\[0\] has 1 indices, X the shape \[1,2\]"),
        (HEAD + "(assert (<= X 1.0))", "line 4: X has 0 indices"),
        (HEAD + "(assert (<= X[0,-1] 1.0))", "line 4: '-1' is not an index"),
        (HEAD + "(assert (<= Z[0] 1.0))", r"line 4: unknown variable 'Z\[0\]'"),
        (HEAD + "(assert (<= Y[0] (* Y[0] Y[1])))", "line 4: a product of two terms"),
        (HEAD + "(assert (<= Y[0]", "ends inside the parenthesis of line 4"),
        (HEAD + "(assert " + "(and " * 10**5, "line 4: more than 200 open"),
        (HEAD + "(declare-network M)", "line 4: 'declare-network' is out of place"),
        (HEAD + "(check-sat)", "line 4: 'check-sat' is out of place"),
        (HEAD.replace("Real [2]", "Reel [2]"), "line 2: Y: 'Reel' is neither Real nor an ONNX"),
        (HEAD.replace("Real [2]", "Real"), "line 2: Y: no element type with a shape"),
        (HEAD.replace("Real [2]", "Real [2,0]"), r"line 2: Y has shape \[2,0\]"),
        (HEAD.replace("Real [2]", "Real [x]"), "line 2: 'x' is not an index or an extent"),
        (HEAD.replace("Y Real", "X Real"), "line 2: the variable X is declared twice"),
        (HEAD.replace("output", "hidden"), "line 2: Y: a hidden value needs its name"),
        (HEAD.replace("input X", "output X"), "line 2: network N: no input is declared"),
        (HEAD.replace("(declare-output", "(equal-to N) (declare-output"), "'equal-to' is out of"),
        (HEAD.replace("N (", "N (equal-to M) ("), "line 2: equal-to: no network M is declared"),
        (HEAD.replace("<2.0>", "<3.0>"), "line 1: version 3.0; this program knows"),
        (HEAD.replace("<2.0>", "2.0"), "line 1: the version is not as in"),
        (HEAD.replace("[2])", "[2] initialized)"), "line 2: Y: more than an element type"),
        ("(vnnlib-version <2.0>)", "0 networks and 0 assertions"),
        (HEAD.splitlines()[0] + HEAD.splitlines()[1], "1 networks and 0 assertions"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_line(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        parse_property(text)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------ networks side by side


def drawn(rng: np.random.Generator, sizes: list[int]) -> Network:
    """A chain with small integer weights."""
    build = NetworkBuilder(sizes[0])
    forms = build.inputs
    for place, size in enumerate(sizes[1:]):
        weights = rng.integers(-2, 3, size=(size, len(forms)))
        rows = [
            sum(
                (int(w) * form for w, form in zip(row, forms, strict=True)),
                int(rng.integers(-1, 2)),
            )
            + 0 * forms[0]
            for row in weights
        ]
        forms = rows if place == len(sizes) - 2 else build.layer(rows)
    return build.network(forms)


def test_the_whole_computes_each_part_on_its_inputs() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        first, second = drawn(rng, [2, 3, 2, 2]), drawn(rng, [3, 4, 1])
        columns = [rng.permutation(4)[:2].tolist(), rng.permutation(4)[:3].tolist()]
        whole = side_by_side([(first, columns[0]), (second, columns[1])], 4)
        points = [[Fraction(int(x), 2) for x in rng.integers(-4, 5, size=4)] for _ in range(9)]
        got = evaluate(whole, points)
        for point, values in zip(points, got, strict=True):
            parts = [
                value
                for part, names in zip((first, second), columns, strict=True)
                for value in evaluate(part, [[point[c] for c in names]])[0]
            ]
            assert list(values) == parts
    with pytest.raises(UserError, match="1 inputs for a network of 2"):
        side_by_side([(drawn(rng, [2, 1]), [0, 0])], 1)


TWO = """(vnnlib-version <2.0>)
(declare-network f (declare-input X Real [2]) (declare-output Y Real [2]))
(declare-network g {relation} (declare-input U Real [2]) (declare-output V Real [2]))
(assert (and (>= X[0] 0.0) (<= X[0] 1.0) (>= X[1] 0.0) (<= X[1] 1.0)))
"""


def saved(path: Path, network: Network) -> Path:
    path.write_bytes(onnx_bytes(network)[0])
    return path


def test_inputs_held_equal_are_one_input(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    text = TWO.format(relation="") + "(assert (and (== X[0] U[0]) (<= X[1] U[1]) (>= X[1] U[1])))"
    question = parse_property(text + "(assert (>= Y[0] V[1]))")
    assert (question.inputs, question.columns) == (2, (0, 1, 0, 1))
    first, second = drawn(rng, [2, 3, 2]), drawn(rng, [2, 4, 3, 2])
    files = {"f": saved(tmp_path / "f.onnx", first), "g": saved(tmp_path / "g.onnx", second)}
    joined = join(question, files)
    for point in itertools.product([Fraction(0), Fraction(1, 3), Fraction(1)], repeat=2):
        values = evaluate(joined.network, [list(point)])[0]
        assert list(values) == [
            *evaluate(first, [list(point)])[0],
            *evaluate(second, [list(point)])[0],
        ]
    assert question.declared((Fraction(1), Fraction(2))) == (1, 2, 1, 2)
    apart = parse_property(text.replace("(<= X[1] U[1])", "") + "(assert (>= Y[0] 1))")
    assert (apart.inputs, apart.columns) == (3, (0, 1, 0, 2))
    never = parse_property(text.replace("(<= X[1] U[1])", "(< X[1] U[1])"))
    assert never.note == "line 5: a comparison of numbers is false"


def test_inputs_of_one_network_stay_two() -> None:
    text = TWO.format(relation="")
    question = parse_property(
        text + "(assert (and (== X[0] U[0]) (== X[1] U[0]) (== X[0] X[1]) (>= U[1] 0) (<= U[1] 1)))"
    )
    assert question.inputs == 3
    assert question.columns in ((0, 1, 0, 2), (0, 1, 1, 2))
    x, other = (Fraction(1, 2),) * 3, (Fraction(1, 2), Fraction(1, 3), Fraction(1, 2))
    (disjunct,) = question.disjuncts
    assert all(atom.holds(x, ()) for atom in disjunct.atoms)
    assert not all(atom.holds(other, ()) for atom in disjunct.atoms)


def test_a_network_beside_its_copy_is_that_network(tmp_path: Path) -> None:
    network = drawn(np.random.default_rng(3), [2, 5, 4, 2])
    path = saved(tmp_path / "f.onnx", network)
    same = "(assert (and (== X[0] U[0]) (== X[1] U[1])))(assert (>= Y[0] (+ V[0] 0.5)))"
    question = parse_property(TWO.format(relation="(equal-to f)") + same)
    joined = join(question, {"f": path})
    assert joined.network.units.count <= network.units.count
    for point in ([Fraction(0), Fraction(1)], [Fraction(1, 3), Fraction(2, 7)]):
        y = list(evaluate(network, [point])[0])
        assert list(evaluate(joined.network, [point])[0]) == y + y


def test_files_too_many_too_few_and_of_another_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    a, b = (saved(tmp_path / f"{name}.onnx", drawn(rng, [2, 3, 2])) for name in "ab")
    wide = saved(tmp_path / "wide.onnx", drawn(rng, [2, 4, 2]))
    three = saved(tmp_path / "three.onnx", drawn(rng, [3, 4, 2]))
    plain, equal, alike = (
        parse_property(TWO.format(relation=relation) + "(assert (>= Y[0] V[0]))")
        for relation in ("", "(equal-to f)", "(isomorphic-to f)")
    )
    for question, files, words in [
        (plain, {"f": a}, "no file for network g: give --network g=FILE"),
        (plain, {"": a}, "no file for network f, g"),
        (plain, {"f": a, "g": b, "h": b}, "a file for network 'h', which is not declared"),
        (equal, {"f": a, "g": b}, "'g', which is declared to be equal to another"),
        (equal, {}, "no file for network f"),
        (alike, {"f": a, "g": wide}, "network g: declared to be isomorphic to f, but its layers"),
        (plain, {"f": a, "g": three}, "network g: U has 2 entries, 'x' of the file has 3"),
    ]:
        with pytest.raises(UserError, match=words):
            join(question, files)
    assert join(equal, {"f": a, "g": a}).network.inputs == 4
    assert join(alike, {"f": a, "g": b}).network.inputs == 4


# ------------------------------------------------------------------ values by name


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """a, b -> h = [a + b, a - b], z = max(h, 0), s = z0 + z1, t = c h, and c = 3 if not given."""

    def value(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    nodes = [
        helper.make_node("Concat", ["a", "b"], ["ab"], axis=1),
        helper.make_node("MatMul", ["ab", "W"], ["h"], name="mix"),
        helper.make_node("Relu", ["h"], ["z"]),
        helper.make_node("ReduceSum", ["z"], ["s"], keepdims=1),
        helper.make_node("Mul", ["h", "c"], ["t"]),
    ]
    matrix = np.array([[1, 1], [1, -1]], dtype=np.float32)
    graph = helper.make_graph(
        nodes, "g",
        [value("a", ["n", 1]), value("b", [1, 1]), value("c", [1])],
        [value("s", []), value("t", [1, 2])],
        [numpy_helper.from_array(matrix, "W"), numpy_helper.from_array(np.float32([3]), "c")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    path = tmp_path / "named.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def read(declared: str) -> Any:
    return parse_property(f"(vnnlib-version <2.1>)(declare-network f {declared})(assert (<= p 1))")


def test_hidden_values_and_names(model: Path) -> None:
    question = read(
        '(declare-input p Real [] "b")(declare-input q Real [1,1] "a")'
        '(declare-hidden H Real [1,2] "h")(declare-hidden Z Real [2] "z")'
        '(declare-output T Real [1,2] "t")(declare-output S Real [] "s")'
    )
    joined = join(question, {"": model})
    assert not joined.plain
    b, a = Fraction(1, 2), Fraction(-2)
    h = [a + b, a - b]
    z = [max(x, Fraction(0)) for x in h]
    assert list(evaluate(joined.network, [[b, a]])[0]) == [*h, *z, 3 * h[0], 3 * h[1], sum(z)]
    by_node = read(
        "(declare-input p Real [])(declare-input q Real [])"
        '(declare-hidden H Real [2] "mix")(declare-output S Real [])(declare-output T Real [2])'
    )
    joined = join(by_node, {"f": model})
    assert list(evaluate(joined.network, [[a, b]])[0])[:3] == [*h, sum(z)]
    whole = read(
        "(declare-input p Real [])(declare-input q Real [])"
        "(declare-output S Real [])(declare-output T Real [2])"
    )
    joined = join(whole, {"f": model})
    assert joined.plain
    assert joined.network.digest == load_any_network(model).digest


def test_an_initialized_input_has_its_value(model: Path) -> None:
    ends = "(declare-output S float32 [])(declare-output T float32 [2])"
    inputs = "(declare-input p float32 [])(declare-input q float32 [])"
    question = read(inputs + "(declare-input c float32 [1] initialized)" + ends)
    joined = join(question, {"f": model})
    (disjunct,) = joined.question.disjuncts
    assert (disjunct.lower[2], disjunct.upper[2]) == (3, 3)
    assert joined.network.inputs == 3
    point = [Fraction(1), Fraction(0), Fraction(3)]
    assert list(evaluate(joined.network, [point])[0]) == [2, 3, 3]
    with pytest.raises(UserError, match="input with an initializer: 2 declared, the file has 1"):
        join(read(inputs + "(declare-input c Real [] initialized)"
                  "(declare-input d Real [] initialized)" + ends), {"f": model})  # fmt: skip


TWO_IN = "(declare-input p Real [])(declare-input q Real [])"
TWO_OUT = "(declare-output S Real [])(declare-output T Real [2])"


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("(declare-input p Real [])" + TWO_OUT, "input: 1 declared, the file has 2"),
        (TWO_IN + "(declare-output T Real [2])", "output: 1 declared, the file has 2"),
        (
            '(declare-input p Real [] "x")(declare-input q Real [] "a")' + TWO_OUT,
            "the file has no input 'x', it has 'a', 'b'",
        ),
        (
            '(declare-input p Real [] "a")(declare-input q Real [])' + TWO_OUT,
            "either all inputs have ONNX names or none has",
        ),
        (TWO_IN.replace("q Real []", "q Real [2]") + TWO_OUT, "q has 2 entries, 'b' of the file"),
        (TWO_IN + '(declare-hidden H Real [2] "no")' + TWO_OUT, "the graph has no value 'no'"),
        (TWO_IN + '(declare-hidden H Real [3] "h")' + TWO_OUT, "H has 3 entries, 'h' of the"),
        (
            (TWO_IN + TWO_OUT).replace("Real", "float64"),
            "p is declared float64, 'a' of the file is float32",
        ),
    ],
)
def test_what_the_file_does_not_have(model: Path, declared: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        join(read(declared), {"f": model})


def test_a_file_that_declares_wrong_sizes_of_its_outputs_is_refused(tmp_path: Path) -> None:
    def declared(name: str, size: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [size])

    nodes = [
        helper.make_node("Slice", ["x", "zero", "one"], ["s"]),
        helper.make_node("Identity", ["x"], ["t"]),
    ]
    constants = [numpy_helper.from_array(np.array([k]), name) for k, name in
                 enumerate(["zero", "one"])]  # fmt: skip
    query = (
        "(vnnlib-version <2.0>)(declare-network N (declare-input X Real [2])"
        "(declare-output S Real [{}])(declare-output T Real [{}]))(assert (>= S[0] 0.0))"
    )
    for s, t, right in ((2, 1, False), (1, 2, True)):
        graph = helper.make_graph(
            nodes, "g", [declared("x", 2)], [declared("s", s), declared("t", t)], constants
        )
        path = tmp_path / f"{s}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
        question = parse_property(query.format(s, t))
        if right:
            assert join(question, {"": path}).network.outputs.count == 3
        else:
            with pytest.raises(UserError, match="S: entries: 2 declared, the file has 1"):
                join(question, {"": path})
