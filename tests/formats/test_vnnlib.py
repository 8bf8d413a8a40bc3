"""VNN-LIB properties are read exactly, in any nesting, and bad ones are refused by line."""

from __future__ import annotations

import gzip
import itertools
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.shared_data import DATA
from verifier.formats.vnnlib import Property, parse_property, read_property
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.query import Atom

HEAD = """; two inputs, two outputs
(declare-const X_0 Real) (declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-fun Y_1 () Real)
"""
BOX = "(assert (and (>= X_0 -1) (<= X_0 0.1) (>= X_1 0) (<= X_1 1e-05)))\n"  # line 5


def contains(question: Property, x: list[Fraction], y: list[Fraction]) -> bool:
    """Whether (x, y) satisfies the property that was read."""
    return any(
        all(a <= v <= b for a, v, b in zip(d.lower, x, d.upper, strict=True))
        and all(atom.holds(x, y) for atom in d.atoms)
        for d in question.disjuncts
    )


def test_a_box_and_a_disjunction_of_comparisons() -> None:
    question = parse_property(HEAD + BOX + "(assert (or (and (<= Y_0 Y_1) (> Y_1 2)) (< 3 Y_0)))")
    assert (question.inputs, question.outputs) == (2, 2)
    first, second = question.disjuncts
    assert first.lower == (-1, 0)
    assert first.upper == (Fraction(1, 10), Fraction(1, 100000))
    assert first.atoms == (
        Atom((), ((0, Fraction(-1)), (1, Fraction(1))), Fraction(0), False),
        Atom((), ((1, Fraction(1)),), Fraction(-2), True),
    )
    assert second.atoms == (Atom((), ((0, Fraction(1)),), Fraction(-3), True),)
    assert first.lower is second.lower


def test_input_boxes_inside_the_disjunction() -> None:
    question = parse_property(
        HEAD + "(assert (or (and (>= X_0 0) (<= X_0 1) (<= Y_0 0)) (and (>= X_0 2) (<= X_0 3))))"
        "(assert (and (>= X_1 0.25) (<= X_1 0.5)))(assert (or (>= Y_1 1) (<= Y_1 -1)))"
    )
    assert [d.lower[0] for d in question.disjuncts] == [0, 0, 2, 2]
    assert [len(d.atoms) for d in question.disjuncts] == [2, 2, 1, 1]
    build = NetworkBuilder(2)
    queries = question.queries(build.network(build.inputs))
    assert [len(query.goals) for query in queries] == [2, 2]
    assert [goal.rival for query in queries for goal in query.goals] == ["0", "1", "2", "3"]


def test_disjuncts_with_an_empty_box_are_left_out() -> None:
    halves = "(assert (or (<= X_0 -0.5) (>= X_0 0)))"
    question = parse_property(HEAD + BOX + halves + halves + "(assert (<= Y_0 0))")
    assert [(d.lower[0], d.upper[0]) for d in question.disjuncts] == [
        (-1, Fraction(-1, 2)),
        (0, Fraction(1, 10)),
    ]


def test_a_property_without_outputs_is_violated_everywhere() -> None:
    question = parse_property(HEAD + BOX)
    build = NetworkBuilder(2)
    (query,) = question.queries(build.network(build.inputs))
    assert query.goals[0].atoms[0].holds([Fraction(0)] * 2, [Fraction(0)] * 2)


def test_linear_terms_and_strict_input_bounds() -> None:
    question = parse_property(
        HEAD + BOX + "(assert (< (+ (* 2 X_0) (- Y_0) (/ X_1 4) 1) (- Y_1 X_0 (* -3 2))))"
        "(assert (< X_0 0.05))(assert (not (= Y_0 7)))(assert (=> (>= Y_0 0) (>= Y_1 0)))"
    )
    linear, strict = question.disjuncts[0].atoms[:2]
    assert linear.inputs == ((0, Fraction(-3)), (1, Fraction(-1, 4)))
    assert linear.outputs == ((0, Fraction(1)), (1, Fraction(1)))
    assert (linear.constant, linear.strict) == (5, True)
    assert strict == Atom(((0, Fraction(-1)),), (), Fraction(1, 20), True)
    assert len(question.disjuncts) == 4
    assert not contains(question, [Fraction(0), Fraction(0)], [Fraction(7), Fraction(50)])
    assert contains(question, [Fraction(0), Fraction(0)], [Fraction(8), Fraction(50)])


def test_twenty_decimals_are_kept() -> None:
    question = parse_property(HEAD + BOX + "(assert (<= Y_0 0.12345678901234567891))")
    assert question.disjuncts[0].atoms[0].constant == Fraction(12345678901234567891, 10**20)


def test_packed_files(tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib.gz"
    path.write_bytes(gzip.compress((HEAD + BOX).encode()))
    assert read_property(path).inputs == 2
    path.write_bytes(gzip.compress((HEAD + BOX).encode())[:-12])
    with pytest.raises(UserError, match="damaged gzip"):
        read_property(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + BOX + "(assert (<= Y_2 0))", r"line 6: unknown variable 'Y_2'"),
        (HEAD + BOX + "\n\n(assert (<= Z 0))", r"line 8: unknown variable 'Z'"),
        (HEAD + BOX + "(assert (<= Y_0 1e999999999))", "line 6: not a rational number"),
        (HEAD + BOX + "(assert (<= Y_0 1e999999))", "line 6: exponent beyond"),
        (HEAD + BOX + "(assert (<= Y_0 1.2.3))", "line 6: not a rational number"),
        (HEAD + BOX + "(assert (<= Y_0))", "line 6: '<=' with 1 arguments"),
        (HEAD + BOX + "(assert (<= Y_0 (* Y_0 Y_1)))", "line 6: a product of two terms"),
        (HEAD + BOX + "(assert (<= Y_0 (/ 1 0)))", "line 6: '/' with 2"),
        (HEAD + BOX + "(assert (xor true true))", "line 6: 'xor'"),
        (HEAD + BOX + "(assert ((or) (<= Y_0 1)))", "line 6: a parenthesis without an operator"),
        (HEAD + BOX + "(assert ())", "line 6: a parenthesis without"),
        (HEAD + BOX + "(assert Y_0)", "line 6: 'Y_0' is not a formula"),
        (HEAD + BOX + "(define x 1)", "line 6: 'define' is not a command"),
        (HEAD + BOX + "()", "line 6: '' is not a command"),
        (HEAD + BOX + "(assert (<= Y_0 1)", "ends inside the parenthesis of line 6"),
        (HEAD + BOX + ")", r"line 6: '\)' outside"),
        (HEAD + BOX + "Y_0", "line 6: 'Y_0' outside"),
        (HEAD + BOX + "(assert (<= X_0 -2))", "line 6: empty box: X_0 >= -1 and X_0 <= -2"),
        (HEAD + BOX + "(assert (or (<= X_0 -2) (<= X_1 -2)))", "every disjunct has an empty box"),
        (HEAD + BOX + "(assert false)", "every disjunct has"),
        (HEAD + BOX + "(assert (<= 1 0))", "no input satisfies"),
        (HEAD + "(assert (<= X_0 1))", "X_0 has no lower bound"),
        (HEAD + "(assert (and (<= X_0 1) (>= X_0 0)))", "X_1 has no lower bound"),
        (HEAD + "(declare-const X_0 Real)", "line 5: X_0 is declared twice"),
        (HEAD + "(declare-const X_3 Real)", "X_2 is not declared, X_3 is"),
        (HEAD + "(declare-const X_999999999 Real)", "line 5: X_999999999: more than"),
        (HEAD + "(declare-const Q Real)", "line 5: variable 'Q' is neither"),
        (HEAD + "(declare-const X_2 Int)", "line 5: not a declaration"),
        ("(declare-const X_0 Real)", "1 inputs X and 0 outputs Y"),
        ("", "0 inputs X and 0 outputs Y"),
    ],
)
def test_bad_properties_are_refused_by_line(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        parse_property(text)
    assert "\n" not in str(caught.value)
    assert "line 6: line 6" not in str(caught.value)


def test_hostile_sizes_end_at_once() -> None:
    nested = "(or (<= Y_0 1) " * 150 + "(<= Y_0 0)" + ")" * 150
    wide = "(assert (or (<= Y_0 1) (>= Y_1 2)))" * 60
    start = time.monotonic()
    for text, words in [
        ("(" * 10**6, "line 1: more than 200 open"),
        (HEAD + BOX + "(assert " + "(and " * 10**5, "line 6: more than 200 open"),
        (HEAD + BOX + wide, "disjunctive normal form"),
        (HEAD + BOX + "(assert (or " + wide.replace("assert", "and") + "))", ""),
        (HEAD + BOX + "(assert (<= Y_0 " + "9" * 10**6 + "))", "line 6: not a rational"),
        (HEAD + BOX + "(assert (<= Y_0 1e-5000))" * 20000, "digits of numbers"),
    ]:
        if words:
            with pytest.raises(UserError, match=words):
                parse_property(text)
        else:
            assert len(parse_property(text).disjuncts) == 120
    assert len(parse_property(HEAD + BOX + f"(assert {nested})").disjuncts) == 151
    assert time.monotonic() - start < 20


def test_the_counts_of_variables_are_compared_with_the_network() -> None:
    build = NetworkBuilder(3)
    network = build.network(build.inputs)
    with pytest.raises(UserError, match="2 inputs and 2 outputs, the network 3 and 3"):
        parse_property(HEAD + BOX).queries(network)


# ------------------------------------------------------------------ any nesting

VALUES = [Fraction(k, 2) for k in range(-2, 3)]
atoms = st.builds(
    lambda sign, variable, number: (sign, variable, number),
    st.sampled_from(["<=", ">=", "<", ">", "="]),
    st.sampled_from(["X_0", "Y_0"]),
    st.sampled_from(VALUES),
)
formulas = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("not"), st.lists(inner, min_size=1, max_size=1)),
    ),
    max_leaves=8,
)
Formula = tuple[str, str, Fraction] | tuple[str, list["Formula"]]


def written(formula: Formula) -> str:
    if len(formula) == 3:
        return f"({formula[0]} {formula[1]} {float(formula[2])})"
    return f"({formula[0]} {' '.join(map(written, formula[1]))})"


def truth(formula: Formula, x: Fraction, y: Fraction) -> bool:
    if len(formula) == 3:
        value = x if formula[1] == "X_0" else y
        return {
            "<=": value <= formula[2],
            ">=": value >= formula[2],
            "<": value < formula[2],
            ">": value > formula[2],
            "=": value == formula[2],
        }[formula[0]]
    parts = [truth(part, x, y) for part in formula[1]]
    return {"and": all(parts), "or": any(parts), "not": not parts[0]}[formula[0]]


@settings(max_examples=150, deadline=None)
@given(formulas)
def test_the_normal_form_has_the_same_points(formula: Formula) -> None:
    head = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (and (>= X_0 -9) (<= X_0 9)))"
    grid = [Fraction(k, 4) for k in range(-5, 6)]
    wanted = {(x, y) for x, y in itertools.product(grid, grid) if truth(formula, x, y)}
    try:
        question = parse_property(f"{head}(assert {written(formula)})")
    except UserError as error:
        assert "every disjunct" in str(error) or "empty box" in str(error)
        assert not wanted
        return
    got = {(x, y) for x, y in itertools.product(grid, grid) if contains(question, [x], [y])}
    assert got == wanted


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="()<=>-+*/ X_0Y1.e;\nandorsrt", max_size=80))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for head in ("", HEAD + BOX):
        try:
            parse_property(head + text)
        except UserError as error:
            assert "\n" not in str(error)


# ------------------------------------------------------------------ version 2.0

HEAD_2 = """(vnnlib-version <2.0>)
(declare-network N (declare-input X real [1,2]) (declare-output Y real [2]))
(assert (and (<= X[0,0] 0.1) (>= X[0,0] -1.0) (<= X[0,1] 1.0) (>= X[0,1] 0.0)))
"""


def test_version_2_is_read_exactly() -> None:
    pytest.importorskip("vnnlib")
    question = parse_property(
        HEAD_2 + "(assert (or (< Y[0] (+ Y[1] (* 2.0 X[0,1]))) (== Y[0] (- 0.1))))"
    )
    first, second = question.disjuncts
    assert first.upper == (Fraction(1, 10), 1)
    assert first.atoms == (
        Atom(((1, Fraction(2)),), ((0, Fraction(-1)), (1, Fraction(1))), Fraction(0), True),
    )
    assert second.atoms[0] == Atom((), ((0, Fraction(-1)),), Fraction(-1, 10), False)
    assert second.atoms[1] == Atom((), ((0, Fraction(1)),), Fraction(1, 10), False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD_2 + "(assert (<= X[0,7] 1.0))", "line 4: Index out of bounds"),
        (HEAD_2 + "(assert (<= Z[0] 1.0))", "line 4: Undeclared variable"),
        (HEAD_2 + "(assert (<= Y[0] (* Y[0] Y[1])))", "line 4: a product of two terms"),
        (HEAD_2 + "(assert (<= Y[0]", "ends inside the parenthesis of line 4"),
        (HEAD_2 + "(assert " + "(and " * 10**5, "line 4: more than 200 open"),
        (HEAD_2.replace("real", "int8").replace("0.1", "1"), "type I8|Type mismatch"),
        ("(vnnlib-version <2.0>)", "rror"),
    ],
)
def test_bad_version_2_is_refused(text: str, words: str) -> None:
    pytest.importorskip("vnnlib")
    with pytest.raises(UserError, match=words) as caught:
        parse_property(text)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_every_benchmark_property_is_read() -> None:
    files = sorted(DATA.glob("*/vnnlib/*.vnnlib")) + sorted(DATA.glob("vnnlib_test/*.vnnlib"))
    assert len(files) >= 240
    for file in files:
        assert read_property(file).disjuncts
    sixth = read_property(DATA / "acasxu/vnnlib/prop_6.vnnlib")
    assert len(sixth.disjuncts) == 8
    assert len({(d.lower, d.upper) for d in sixth.disjuncts}) == 2
