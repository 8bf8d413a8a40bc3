"""VNN-LIB properties are read exactly, in any nesting, and bad ones are refused by line."""

from __future__ import annotations

import gzip
import itertools
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.shared_data import DATA
from verifier.evidence.certificate import Robust
from verifier.formats.vnnlib import property
from verifier.formats.vnnlib.property import Property
from verifier.formats.vnnlib.read import parse_property, read_property
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.query import Atom
from verifier.tasks.verify import verify

HEAD = """; two inputs, two outputs
(declare-const X_0 Real) (declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-fun Y_1 () Real)
"""
BOX = "(assert (and (>= X_0 -1) (<= X_0 0.1) (>= X_1 0) (<= X_1 1e-05)))\n"  # line 5


def contains(question: Property, x: list[Fraction], y: list[Fraction]) -> bool:
    """Whether (x, y) satisfies the property that was read."""
    return any(property.contains(d, x, y) for d in question.disjuncts)


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
        (HEAD + BOX + "(assert (xor true))", "line 6: 'xor' with 1"),
        (HEAD + BOX + "(assert (nand true true))", "line 6: 'nand' with 2"),
        (HEAD + BOX + "(assert (ite true Y_0 true))", "line 6: ite of a term and a formula"),
        (HEAD + BOX + "(assert (let ((a)) true))", "line 6: a binding of let"),
        (HEAD + BOX + "(assert (let ((a 1)) (<= b 1)))", "line 6: unknown variable 'b'"),
        (HEAD + BOX + "(assert (<= Y_0 |a b|))", "line 6: unknown variable 'a b'"),
        (HEAD + BOX + '(set-info :s "no end)', "line 6: .* has no end"),
        (HEAD + BOX + "(assert (<= |Y_0 1))", "line 6: .* has no end"),
        (HEAD + BOX + "(define-fun f ((x Real)) Real x)(assert (<= f 1))", "'f' needs 1 arguments"),
        (HEAD + BOX + "(define-fun f ((x Real)) Real x)(assert (<= (f 1 2) 1))", "'f' with 2"),
        (HEAD + BOX + "(define-fun f () Bool Y_0)", "line 6: a value that is not of the sort"),
        (HEAD + BOX + "(define-fun X_0 () Real Y_0)", "line 6: 'X_0' is declared twice"),
        (HEAD + BOX + "(assert ((or) (<= Y_0 1)))", "line 6: a parenthesis without an operator"),
        (HEAD + BOX + "(assert ())", "line 6: a parenthesis without"),
        (HEAD + BOX + "(assert Y_0)", "line 6: 'Y_0' is not a formula"),
        (HEAD + BOX + "(define x 1)", "line 6: 'define' is not a command"),
        (HEAD + BOX + "()", "line 6: '' is not a command"),
        (HEAD + BOX + "(exit)(assert false)", r"line 6: assert after \(exit\), which ends"),
        (HEAD + BOX + "(check-sat)\n(assert (>= Y_0 1))", r"line 7: assert after \(check-sat\)"),
        (HEAD + BOX + "(exit)\n(declare-const Y_1 Real)", r"line 7: declare-const after \(exit\)"),
        (HEAD + BOX + "(check-sat)(define-const c Real 1.0)", r"define-const after \(check-sat\)"),
        (HEAD + BOX + "(assert (<= Y_0 1)", "ends inside the parenthesis of line 6"),
        (HEAD + BOX + ")", r"line 6: '\)' outside"),
        (HEAD + BOX + "Y_0", "line 6: 'Y_0' outside"),
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
    question = parse_property(f"{head}(assert {written(formula)})")
    assert question.note is None or not wanted
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


# ------------------------------------------------------------------ no point at all


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(assert (<= X_0 -2))", "line 6: empty box: X_0 >= -1 and X_0 <= -2"),
        ("(assert (and (< X_0 0) (> X_0 0)))", "line 6: empty box: X_0 > 0 and X_0 < 0"),
        ("(assert (and (<= X_0 0) (> X_0 0)))", "line 6: empty box: X_0 > 0 and X_0 <= 0"),
        ("(assert (< X_0 -1))", "line 6: empty box: X_0 >= -1 and X_0 < -1"),
        ("(assert (or (<= X_0 -2) (<= X_1 -2)))", "no input satisfies a disjunct"),
        ("(assert (or (< X_0 -1) (> X_1 2)))", "no input satisfies a disjunct"),
        ("(assert false)", "no input satisfies a disjunct"),
        ("(assert (<= 1 0))", "line 6: a comparison of numbers is false"),
        ("(assert (< 1 1))", "line 6: a comparison of numbers is false"),
    ],
)
def test_an_empty_set_of_inputs_holds_with_a_note(text: str, words: str) -> None:
    question = parse_property(HEAD + BOX + text)
    assert question.note is not None
    assert words in question.note
    build = NetworkBuilder(2)
    (query,) = question.queries(build.network(build.inputs))
    assert isinstance(verify(query).verdict, Robust)


def test_inputs_without_bounds_are_named_or_bounded_by_what_is_asserted() -> None:
    assert parse_property(HEAD + "(assert (<= X_0 1))").unbounded == "X_0 has no lower bound"
    both = "(assert (and (<= X_0 1) (>= X_0 0)))"
    assert parse_property(HEAD + both).unbounded == "X_1 has no lower bound"
    sums = "(assert (and (<= (+ X_0 (* 2 X_1)) 4) (>= (- X_1 X_0) -3)))"
    question = parse_property(HEAD + both + sums)
    assert question.unbounded is None
    build = NetworkBuilder(2)
    (query,) = question.queries(build.network(build.inputs))
    assert (query.region.lower, query.region.upper) == ((0, -3), (1, 2))


# ------------------------------------------------------------------ what SMT-LIB has besides


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("(let ((a (+ X_0 1)) (b Y_0)) (<= (+ a b) 2))", "(<= (+ X_0 1 Y_0) 2)"),
        ("(let ((a X_0)) (let ((a Y_0) (b a)) (<= a b)))", "(<= Y_0 X_0)"),
        ("(let ((c (<= Y_0 0))) (or (not c) (and c (>= X_0 0))))", "(=> (<= Y_0 0) (>= X_0 0))"),
        (
            "(>= (ite (>= X_0 0) X_0 (- X_0)) 0.5)",
            "(or (and (>= X_0 0) (>= X_0 0.5)) (and (< X_0 0) (>= (- X_0) 0.5)))",
        ),
        ("(>= (abs X_0) 0.5)", "(or (>= X_0 0.5) (<= X_0 -0.5))"),
        ("(not (>= (abs (- X_0 Y_0)) 0.5))", "(and (< (- X_0 Y_0) 0.5) (> (- X_0 Y_0) -0.5))"),
        ("(ite (<= X_0 0) (<= Y_0 0) (>= Y_0 0))",
         "(or (and (<= X_0 0) (<= Y_0 0)) (and (> X_0 0) (>= Y_0 0)))"),
        ("(xor (<= X_0 0) (<= Y_0 0))",
         "(or (and (<= X_0 0) (> Y_0 0)) (and (> X_0 0) (<= Y_0 0)))"),
        ("(xor (<= X_0 0) (<= Y_0 0) true)", "(= (<= X_0 0) (<= Y_0 0))"),
        ("(distinct X_0 Y_0)", "(or (< X_0 Y_0) (> X_0 Y_0))"),
        ("(distinct X_0 Y_0 0.5)",
         "(and (distinct X_0 Y_0) (distinct X_0 0.5) (not (= Y_0 0.5)))"),
        ("(=> (>= X_0 0) (>= Y_0 0) (<= Y_0 0.5))",
         "(or (< X_0 0) (< Y_0 0) (<= Y_0 0.5))"),
        ("(= (<= X_0 0) (<= Y_0 0))", "(not (xor (<= X_0 0) (<= Y_0 0)))"),
        ("(<= |X_0| | a constant|)", "(<= X_0 0.25)"),
        ("(<= (f X_0 Y_0) 1)", "(<= (- (* 2 X_0) Y_0) 1)"),
        ("(below Y_0)", "(<= Y_0 0.25)"),
        ("(! (<= X_0 0.5) :named here :weight 3)", "(<= X_0 0.5)"),
        ("(and (! (<= X_0 0.5) :named here) (or (not here) (>= Y_0 0)))",
         "(and (<= X_0 0.5) (>= Y_0 0))"),
        ("(< (/ X_0 2 2) (/ 1 3))", "(< X_0 (/ 4 3))"),
        ("(<= X_0 Y_0 1)", "(and (<= X_0 Y_0) (<= Y_0 1))"),
    ],
)  # fmt: skip
def test_other_words_for_the_same_set(short: str, long: str) -> None:
    head = (
        '(set-info :source |; not ) a comment|)(set-info :notes "; (nor this")\n'
        "(declare-const X_0 Real)(declare-const |Y_0| Real)"
        "(define-const | a constant| Real 0.25)(define-fun quarter () Real (/ 1 4))"
        "(define-fun f ((a Real) (b Real)) Real (- (* 2 a) b))"
        "(define-fun below ((a Real)) Bool (<= a quarter))"
        "(assert (and (>= X_0 -9) (<= X_0 9)))"
    )
    first, second = (parse_property(f"{head}(assert {text})") for text in (short, long))
    grid = [Fraction(k, 8) for k in range(-12, 13)]
    for x, y in itertools.product(grid, grid):
        assert contains(first, [x], [y]) == contains(second, [x], [y]), (x, y)


def test_definitions_that_grow_end_in_one_line() -> None:
    def grown(step: str) -> str:
        lines = ["(define-fun a0 () Bool (<= Y_0 1))(define-fun t0 () Real (+ 0.3 Y_0))"]
        lines += [step.format(k, k - 1) for k in range(1, 64)]
        return "".join(lines) + "(assert (and a63 (<= t63 1)))"

    for step in (
        "(define-fun a{0} () Bool (and a{1} a{1}))(define-fun t{0} () Real 1)",
        "(define-fun a{0} () Bool (xor a{1} a{1}))(define-fun t{0} () Real 1)",
        "(define-fun a{0} () Bool true)(define-fun t{0} () Real (abs (+ t{1} {0})))",
    ):
        with pytest.raises(UserError, match="the limits? (is|are)") as caught:
            parse_property(HEAD + BOX + grown(step))
        assert "\n" not in str(caught.value)
    squares = (
        HEAD
        + BOX
        + "(define-fun t0 () Real 1.3)"
        + "".join(f"(define-fun t{k} () Real (* t{k - 1} t{k - 1}))" for k in range(1, 64))
    )
    with pytest.raises(UserError, match="bits"):
        parse_property(squares)
    calls = (
        HEAD
        + BOX
        + "(define-fun f0 ((x Real)) Real x)"
        + "".join(
            f"(define-fun f{k} ((x Real)) Real (f{k - 1} (f{k - 1} x)))" for k in range(1, 64)
        )
    )
    with pytest.raises(UserError, match="expands to more"):
        parse_property(calls + "(assert (<= (f63 Y_0) 1))")


def test_byte_order_marks_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes((HEAD + BOX).encode(encoding))
        assert read_property(path).inputs == 2
    path.write_bytes(b"\xff\xfe" + b"a")
    with pytest.raises(UserError, match="byte 2 is not UTF-16"):
        read_property(path)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_every_benchmark_property_is_read() -> None:
    files = sorted(DATA.glob("*/vnnlib/*.vnnlib")) + sorted(DATA.glob("vnnlib_test/*.vnnlib"))
    assert len(files) >= 240
    for file in files:
        question = read_property(file)
        assert question.disjuncts
        assert question.note is None
        assert question.unbounded is None
    sixth = read_property(DATA / "acasxu/vnnlib/prop_6.vnnlib")
    assert len(sixth.disjuncts) == 8
    assert len({(d.lower, d.upper) for d in sixth.disjuncts}) == 2


def test_what_asks_for_the_answer_ends_the_property() -> None:
    asked = HEAD + BOX + "(assert (>= Y_0 1))"
    whole = parse_property(asked + "(check-sat)(get-model)(get-value (X_0))(check-sat)(exit)(exit)")
    assert whole.disjuncts == parse_property(asked).disjuncts
