"""Questions as mixed-integer programs, and proofs as certificates that a strict checker accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.commands import run
from verifier.checker.replay import replay
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Robust,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
)
from verifier.evidence.proof_file import save_proof
from verifier.formats.load import load_any_network
from verifier.formats.lp_mps import exact_text, lp_text, mps_text
from verifier.formats.vipr.check import check_vipr, check_vipr_text
from verifier.formats.vipr.program import check_vipr_of
from verifier.formats.vipr.write import vipr_texts
from verifier.formats.write import onnx_bytes
from verifier.program.big_m import big_m, root_bounds
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import decimal_text
from verifier.question.region import Region, ball, box
from verifier.search.options import Options
from verifier.tasks.verify import verify

ONE = Fraction(1)


def question(threshold: Fraction, *, strict: bool = False, region: Region | None = None) -> Query:
    """Is |x0 - x1| + max(x0 + x1, 0) at least `threshold` somewhere? Its maximum is 2 on the box
    [-1, 1]^2, and 1 on the L1 ball of radius 1/2."""
    build = NetworkBuilder(2)
    a, b = build.inputs
    plus, minus, total = build.layer([a - b, b - a, a + b])
    (again,) = build.layer([plus + minus])
    network = build.network([again + total])
    atom = Atom((), ((0, ONE),), -threshold, strict)
    return Query(network, region or box([-ONE, -ONE], [ONE, ONE]), (Goal((atom,), "0"),))


def highs(path: Path) -> Any:
    """The optimum that HiGHS finds, or None if it calls the file infeasible."""
    highspy = pytest.importorskip("highspy")
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getInfo().objective_function_value


@pytest.mark.parametrize("tightened", [False, True])
@pytest.mark.parametrize("norm", ["inf", "1"])
def test_the_optimum_is_the_margin(tmp_path: Path, tightened: bool, norm: str) -> None:
    region = None if norm == "inf" else ball("1", [Fraction(0), Fraction(0)], Fraction(1, 2))
    query = question(Fraction(5, 2), region=region)
    best = Fraction(2) if norm == "inf" else Fraction(1)
    bounds = root_bounds(query, tightened=tightened)
    program = big_m(query, query.goals[0], bounds).program
    lp, mps = tmp_path / "p.lp", tmp_path / "p.mps"
    lp.write_text(lp_text(program, decimal=True))
    mps.write_text(mps_text(program, decimal=True))
    assert highs(lp) == pytest.approx(float(best - Fraction(5, 2)))
    assert highs(mps) == pytest.approx(float(Fraction(5, 2) - best))
    bare = big_m(query, query.goals[0], bounds, margin=False).program
    lp.write_text(lp_text(bare, decimal=True))
    assert highs(lp) is None


def test_numbers_are_exact_or_marked_as_rounded() -> None:
    program = big_m(question(Fraction(7, 3)), question(Fraction(7, 3)).goals[0],
                    root_bounds(question(Fraction(7, 3)))).program  # fmt: skip
    exact, rounded = lp_text(program), lp_text(program, decimal=True)
    assert "7/3" in exact
    assert "all numbers are exact" in exact
    assert "ROUNDED: 1 numbers" in rounded
    assert "7/3" not in rounded
    assert "7/3" in mps_text(program)
    assert "ROUNDED: 1 numbers" in mps_text(program, decimal=True)
    assert max(map(len, exact.splitlines())) <= 250


def test_long_numbers_are_written_in_decimal_text() -> None:
    value = 7**40_000
    digits = decimal_text(-value)
    assert digits.startswith("-")
    assert int(digits[1:2001]) == value // 10 ** (len(digits) - 2001)
    assert int(digits[-50:]) == value % 10**50
    assert exact_text(Fraction(-3, 7)) == "-3/7"


def test_an_l2_ball_is_no_program() -> None:
    query = question(Fraction(3), region=ball("2", [Fraction(0)] * 2, ONE))
    with pytest.raises(UserError, match="an L2 ball is not linear"):
        big_m(query, query.goals[0], root_bounds(query))


# ------------------------------------------------------------------ certificates

HALF = Fraction(1, 2)
LEAF = Node((), Leaf())
HALVES = Node((), Leaf(slopes=dict.fromkeys(range(3), HALF)))  # shows that the maximum is <= 4
WIDER = Fraction(9, 2)


def certificate(query: Query, *nodes: Node, steps: tuple[Any, ...] = ()) -> str:
    """The checked certificate of a proof by this tree."""
    verdict = Robust(steps, (nodes,))
    replay(query, verdict)
    (text,) = vipr_texts(query, verdict)
    return text


def proofs() -> dict[str, str]:
    """Certificates that use every rule."""
    query, strict = question(WIDER), question(Fraction(4), strict=True)
    split = [Node((), UnitSplit(0)), HALVES, HALVES]
    lemma = Lemma(3, True, Fraction(2), (Node((), UnitSplit(0)), HALVES, HALVES))
    after = Node((), Leaf(slopes={3: Fraction(0)}))
    sides = ((0, ONE), (1, -ONE))
    with_cut = Node((), Leaf(slopes=HALVES.body.slopes, cuts={0: HALF}))
    beyond = Lemma(0, False, ONE, (Node((), Leaf(cuts={0: ONE})),))
    conflict = [
        Node((), UnitSplit(0)),
        Node((), PlaneSplit(sides, ONE)),
        HALVES,
        Node((beyond,), Conflict(0)),
        HALVES,
    ]
    small = ball("1", [Fraction(0), Fraction(0)], HALF)
    return {
        "interval": certificate(question(Fraction(13, 2)), LEAF),
        "unit split": certificate(query, *split),
        "strict, touching": certificate(strict, *split),
        "lemma": certificate(query, after, steps=(lemma,)),
        "input split": certificate(query, Node((), InputSplit(0, Fraction(0))), HALVES, HALVES),
        "plane split": certificate(
            query, Node((), PlaneSplit(((0, ONE), (1, ONE)), Fraction(0))), with_cut, HALVES
        ),
        "conflict": certificate(query, *conflict),
        "strict conflict": certificate(strict, *conflict),
        "symbolic": certificate(query, Node((SymbolicStep(),), SymbolicLeaf(0))),
        "symbolic leaf": certificate(query, Node((), SymbolicLeaf(0))),
        "l1 ball": certificate(question(Fraction(9, 4), region=small), HALVES),
        "l1 ball, symbolic": certificate(question(WIDER, region=small), Node((), SymbolicLeaf(0))),
    }


def test_every_rule_has_a_certificate() -> None:
    for name, text in proofs().items():
        summary = check_vipr_text(text)
        wanted = "the maximum is at most 0" if "strict" in name else "infeasible"
        assert summary.claim == wanted, name
        assert " { rnd" not in text


def l2_query() -> tuple[Query, Robust]:
    """|x0 - x1| + max(x0 + x1, 0) <= 4 - .. on a ball: 2 sqrt(2) r is its maximum."""
    region = ball("2", [Fraction(0), Fraction(0)], ONE)
    return question(Fraction(15, 4), region=region), Robust((), ((HALVES,),))


def test_an_l2_ball_becomes_cuts() -> None:
    query, verdict = l2_query()
    replay(query, verdict)
    (text,) = vipr_texts(query, verdict)
    assert check_vipr_of(text, query, 0).claim == "infeasible"
    smaller, _ = l2_query()
    smaller = question(Fraction(15, 4), region=ball("2", [Fraction(0), Fraction(0)], ONE * 2))
    with pytest.raises(RefusedError):
        check_vipr_of(text, smaller, 0)
    lines = text.splitlines()
    cut = next(k for k, line in enumerate(lines) if line.startswith("cut"))
    words = lines[cut].split()
    words[2] = "10"
    with pytest.raises(RefusedError) as caught:
        check_vipr_of("\n".join([*lines[:cut], " ".join(words), *lines[cut + 1 :], ""]), query, 0)
    assert caught.value.flaw == "wrong cut"


def test_the_program_of_a_certificate_is_built_again() -> None:
    query = question(WIDER)
    split = certificate(query, Node((), InputSplit(0, Fraction(0))), HALVES, HALVES)
    assert check_vipr_of(split, query, 0).claim == "infeasible"
    with pytest.raises(RefusedError, match="row atom0"):
        check_vipr_of(split, question(Fraction(4)), 0)
    with pytest.raises(RefusedError, match="row lb_x0"):
        check_vipr_of(split, question(WIDER, region=box([-ONE * 2, -ONE], [ONE, ONE])), 0)
    with pytest.raises(RefusedError, match="lower bounds|another claim|row"):
        check_vipr_of(split, question(WIDER, strict=True), 0)
    # A fresh binary whose rows leave no value for some inputs would prove anything.
    narrow = split.replace("low0 L 0 2 0 1 ", "low0 L -1 2 0 1 ")
    assert narrow != split
    with pytest.raises(RefusedError):
        check_vipr_of(narrow, query, 0)
    cases = proofs()
    assert check_vipr_of(cases["strict, touching"], question(Fraction(4), strict=True), 0)
    assert check_vipr_of(cases["conflict"], query, 0)


def test_proofs_of_the_search_have_certificates() -> None:
    verdict = verify(question(WIDER), Options(timeout=30)).verdict
    assert isinstance(verdict, Robust)
    for text in vipr_texts(question(WIDER), verdict):
        assert check_vipr_text(text).claim == "infeasible"


SMALL = """% a comment
VER 1.0
VAR 2
x y
INT 2
0 1
OBJ min
0
CON 3 0
C1 G 1 2 0 2 1 1
C2 G 0 2 0 -2 1 3
C3 L 2 2 0 -1 1 4
RTP infeas
SOL 0
DER 5
a3 L 0 1 1 1 { asm } -1
a4 G 1 1 1 1 { asm } -1
C5 G 1 0 { lin 3 0 1 1 1 3 -4 } -1
C6 G 1 0 { lin 3 1 1 2 -2 4 5 } -1
C7 G 1 0 { uns 5 3 6 4 } -1
"""


def test_a_textbook_certificate_is_accepted() -> None:
    summary = check_vipr_text(SMALL)
    assert (summary.claim, summary.variables, summary.derivations) == ("infeasible", 2, 5)


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        ("INT 2\n0 1", "INT 1\n0", "non-integer split"),  # y is continuous
        ("a4 G 1 1 1 1", "a4 G 2 1 1 1", "non-integer split"),
        ("a3 L 0 1 1 1", "a3 L 1/2 1 1 1", "wrong combination"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { uns 5 4 6 3 }", "open assumption"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { uns 5 3 5 4 }", "open assumption"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { uns 5 0 6 4 }", "wrong split"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { uns 5 3 9 4 }", "index out of range"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { uns 5 3 7 4 }", "index out of range"),
        ("C7 G 1 0 { uns 5 3 6 4 }", "C7 G 1 0 { sol }", "unsupported reason"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ rnd 3 0 1 1 1 3 -4 }", "unsupported reason"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1 1 1 3 -3 }", "wrong combination"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1 1 1 3 4 }", "wrong sign"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1 0 1 3 -4 }", "malformed"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1 1 1 -3 -4 }", "malformed"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1 1 1 5 -4 }", "index out of range"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1.0 1 1 3 -4 }", "malformed"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 2/2 1 1 3 -4 }", "malformed"),
        ("{ lin 3 0 1 1 1 3 -4 }", "{ lin 3 0 1/0 1 1 3 -4 }", "malformed"),
        ("C5 G 1 0", "C5 G 2 0", ""),  # as does every other absurdity
        ("C5 G 1 0", "C5 E 1 0", ""),  # an absurdity implies everything
        ("C2 G 0 2 0 -2 1 3", "C2 G 0 2 0 -2 2 3", "index out of range"),
        ("C2 G 0 2 0 -2 1 3", "C2 G 0 2 0 -2 0 3", "malformed"),
        ("C2 G 0", "C2 X 0", "malformed"),
        ("DER 5", "DER 4", "malformed"),
        ("DER 5", "DER 6", "truncated"),
        ("RTP infeas", "RTP range 1 inf", ""),
        ("RTP infeas", "RTP nothing", "malformed"),
        ("SOL 0", "SOL 1", "malformed"),
        ("VER 1.0", "VER 1.1", "malformed"),
        ("VAR 2\nx y", "VAR 2\nx x", "malformed"),
        ("VAR 2\n", "VAR 99999999\n", "index out of range"),
        ("CON 3 0", "CON 3 1", "malformed"),
        ("% a comment\n", "", ""),
        ("OBJ min\n0\n", "OBJ min\n0\n% late\n", "malformed"),
    ],
)
def test_tampered_certificates_are_refused_by_flaw(old: str, new: str, flaw: str) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    if not flaw:
        check_vipr_text(text)
        return
    with pytest.raises(RefusedError) as caught:
        check_vipr_text(text)
    assert caught.value.flaw == flaw
    assert "\n" not in str(caught.value)


def test_assumptions_of_both_sides_stay_open() -> None:
    """What a third assumption shows on one side only still depends on it."""
    text = SMALL.replace("DER 5", "DER 7").replace(
        "C7 G 1 0 { uns 5 3 6 4 } -1\n",
        "b L 0 1 0 1 { asm } -1\n"
        "C8 G 1 0 { lin 4 1 1 2 -2 4 5 7 -1 } -1\n"
        "C9 G 1 0 { uns 5 3 8 4 } -1\n",
    )
    text = text.replace("C8 G 1 0 { lin 4", "C8 G 1 1 0 -1 { lin 4").replace(
        "C9 G 1 0", "C9 G 1 1 0 -1"
    )
    with pytest.raises(RefusedError) as caught:
        check_vipr_text(text)
    assert caught.value.flaw == "open assumption"


def test_every_altered_number_of_a_real_certificate_is_noticed() -> None:
    """Raising the right side of any derivation breaks it (or is a weaker assumption)."""
    text = proofs()["lemma"]
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("DER")) + 1
    refused = 0
    for k in range(start, len(lines)):
        words = lines[k].split()
        words[2] = str(int(Fraction(words[2])) + (9 if words[1] == "G" else -9))
        try:
            check_vipr_text("\n".join([*lines[:k], " ".join(words), *lines[k + 1 :]]) + "\n")
        except RefusedError:
            refused += 1
    assert refused >= len(lines) - start - 1


# ------------------------------------------------------------------ the command


def test_the_command_exports_everything(tmp_path: Path, capsys: Any) -> None:
    query = question(WIDER)
    proof = tmp_path / "p.proof.gz"
    save_proof(proof, query, Robust((), ((HALVES,),)))
    for kind in ("onnx", "npz", "native", "lp", "mps", "vipr"):
        target = tmp_path / f"out.{kind}"
        code, out, err = run(capsys, "export", proof, "--to", kind, "-o", target)
        if kind == "npz":
            assert (code, err.count("\n")) == (2, 1)
            assert "not a chain" in err
            continue
        assert (code, err) == (0, "")
        assert out.startswith(f"{target}: ")
        assert target.stat().st_size > 0
    assert check_vipr(tmp_path / "out.vipr").claim == "infeasible"
    code, out, _ = run(capsys, "export", tmp_path / "out.onnx", "--to", "native", "-o",
                       tmp_path / "again")  # fmt: skip
    assert code == 0
    code, out, _ = run(capsys, "export", proof, "--to", "lp", "-o", tmp_path / "a.lp", "--json")
    assert json.loads(out)["files"][0][0] == str(tmp_path / "a.lp")


HOSTILE = "x\nMaximize\n obj: 0 x0\nEnd\n\\ \x1b[31m\u202e" + "y" * 999


@pytest.mark.parametrize("kind", ["lp", "mps", "vipr"])
def test_a_name_adds_nothing_to_a_program(kind: str, tmp_path: Path, capsys: Any) -> None:
    """A rival is called what its file says; in a comment it stays on its line, and short."""
    plain, proof = question(WIDER), tmp_path / "p.json"
    texts = {}
    for name in ("1", HOSTILE):
        goals = tuple(replace(goal, rival=name) for goal in plain.goals)
        save_proof(proof, replace(plain, goals=goals), Robust((), ((HALVES,),)))
        target = tmp_path / f"out.{kind}"
        code, out, err = run(capsys, "export", proof, "--to", kind, "-o", target)
        assert (code, err) == (0, "")
        texts[name] = target.read_text().splitlines()
        code, out, err = run(capsys, "check", proof)
        assert code == 0
        assert all(sign.isprintable() or sign == "\n" for sign in out)
    pairs = list(zip(texts["1"], texts[HOSTILE], strict=True))
    differing = [(a, b) for a, b in pairs if a != b]
    assert 0 < len(differing) <= 1 + (kind == "vipr")
    for line in dict(differing).values():
        assert line[0] in "\\*%" and line.isprintable() and len(line) < 200


def test_a_nnet_file_becomes_onnx_in_its_own_units(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "net.nnet").write_text("1,1,1,1,\n1,1,\n0,\n0,\n8,\n4,1,\n2,4,\n3,\n5,\n")
    call = ("export", tmp_path / "net.nnet", "--to", "onnx", "-o", tmp_path / "net.onnx")
    for option, row in ((), ({0: 3}, 5)), (("--normalise",), ({0: 6}, -3)):
        code, _, _ = run(capsys, *call, *option)  # ((x - 4) / 2 * 3 + 5) * 4 + 1 = 6 x - 3
        assert code == 0
        assert load_any_network(tmp_path / "net.onnx").outputs.fractions(0) == row
    code, _, err = run(capsys, "export", tmp_path / "net.onnx", "--to", "onnx", "-o", "x",
                       "--normalise")  # fmt: skip
    assert code == 2
    assert "--normalise is for .nnet files" in err


def test_a_certificate_answers_a_property(tmp_path: Path, capsys: Any) -> None:
    files = (tmp_path / "net.onnx", tmp_path / "p.vnnlib")
    files[0].write_bytes(onnx_bytes(question(ONE).network)[0])
    files[1].write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)"
        "(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1)))"
        "(assert (or (<= Y_0 -1) (>= Y_0 9)))"
    )
    proof, target = tmp_path / "p.proof", tmp_path / "p.vipr"
    assert run(capsys, "vnnlib", *files, "--proof", proof)[0] == 0
    assert run(capsys, "export", proof, "--to", "vipr", "-o", target)[0] == 0
    assert run(capsys, "vnnlib", *files, "--check", target)[:2] == (0, "holds\n")
    first = tmp_path / "p-1.vipr"
    first.write_text(first.read_text().replace("RTP infeas", "RTP range -inf 0"))
    code, _, err = run(capsys, "vnnlib", *files, "--check", target)
    assert code == 4
    assert "p-1.vipr" in err


def test_a_property_with_several_goals_gives_several_programs(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(question(ONE).network)[0])
    (tmp_path / "p.vnnlib").write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)"
        "(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1)))"
        "(assert (or (<= Y_0 -1) (>= Y_0 9)))"
    )
    call = ("export", tmp_path / "net.onnx", "--property", tmp_path / "p.vnnlib", "--to", "mps")
    code, _, _ = run(capsys, *call, "-o", tmp_path / "q.mps")
    assert code == 0
    assert {path.name for path in tmp_path.glob("*.mps")} == {"q-1.mps", "q-2.mps"}
    code, _, _ = run(capsys, *call, "-o", tmp_path / "one.mps", "--goal", "1")
    assert (tmp_path / "one.mps").read_text() == (tmp_path / "q-2.mps").read_text()
    for arguments, words in (
        (("--goal", "2"), "there are 2 goals"),
        (("--float", "float32"), "not for --to mps"),
    ):
        code, _, err = run(capsys, *call, "-o", tmp_path / "x", *arguments)
        assert code == 2
        assert words in err
    code, _, err = run(capsys, "export", tmp_path / "net.onnx", "--to", "lp", "-o", tmp_path / "x")
    assert "give --property" in err
    code, _, err = run(
        capsys, "export", tmp_path / "net.onnx", "--to", "vipr", "-o", tmp_path / "x"
    )
    assert "is not a proof file" in err
