"""Properties of networks from files: answered, stored, continued, and read by other tools."""

from __future__ import annotations

import csv
import json
import pickle
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.shared_data import DATA
from verifier.evidence.certificate import Flip, Undecided
from verifier.formats.load import load_any_network
from verifier.formats.vnnlib.read import parse_property
from verifier.formats.write import onnx_bytes
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.search.options import Options, Outcome
from verifier.tasks import instances
from verifier.tasks.instances import (
    Table,
    Violation,
    Word,
    admitted,
    answer,
    check_proofs,
    competition_result,
    describe,
    float_point,
    read_instances,
    save_proofs,
    solve,
)
from verifier.tasks.verify import CheckedOutcome, check

HEAD = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n"
BOX = HEAD + "(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1)))\n"
HOLDS = BOX + "(assert (<= Y_0 -0.5))"
VIOLATED = BOX + "(assert (>= Y_0 1.9))"
TWO_BOXES = (
    HEAD + "(assert (and (<= 0 X_1) (<= X_1 1)))(assert (or (and (<= 0 X_0) (<= X_0 0.25)) "
    "(and (<= 0.5 X_0) (<= X_0 1))))(assert (<= Y_0 -0.5))"
)


def network() -> Network:
    """|x0 - x1| + x0."""
    build = NetworkBuilder(2)
    a, b = build.inputs
    plus, minus = build.layer([a - b, b - a])
    return build.network([plus + minus + a])


def corner(query: Query, options: Options) -> CheckedOutcome:
    """Stands for the search where a violation is wanted whatever the search can do."""
    flip = Flip((Fraction(1), Fraction(0)), 0)
    return CheckedOutcome(flip, checked=check(query, flip))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "vnnlib").mkdir()
    (tmp_path / "onnx" / "net.onnx").write_bytes(onnx_bytes(network())[0])
    for name, text in (("holds", HOLDS), ("violated", VIOLATED), ("two", TWO_BOXES)):
        (tmp_path / "vnnlib" / f"{name}.vnnlib").write_text(text)
    return tmp_path


def test_a_property_that_holds_has_one_proof_a_box(tmp_path: Path) -> None:
    question = parse_property(TWO_BOXES)
    found = answer(network(), question, Options(timeout=20))
    assert found.word is Word.HOLDS
    assert len(found.queries) == 2
    assert found.proof_bytes > 0
    paths = save_proofs(tmp_path / "p.proof.gz", found)
    assert [path.name for path in paths] == ["p-1.proof.gz", "p-2.proof.gz"]
    assert check_proofs(network(), question, tmp_path / "p.proof.gz") is Word.HOLDS
    paths[0].rename(tmp_path / "p.proof.gz")
    with pytest.raises(RefusedError, match="proves one of 2 boxes"):
        check_proofs(network(), question, tmp_path / "p.proof.gz")
    with pytest.raises(RefusedError, match="another question"):
        check_proofs(network(), parse_property(HOLDS), tmp_path / "p.proof.gz")
    (tmp_path / "p.proof.gz").rename(paths[1])
    with pytest.raises(UserError, match="p-1.proof.gz"):
        check_proofs(network(), question, tmp_path / "p.proof.gz")


def test_a_violation_has_an_exact_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(instances, "verify", corner)
    question = parse_property(VIOLATED)
    found = answer(network(), question)
    assert found.word is Word.VIOLATED
    assert found.violation == Violation((Fraction(1), Fraction(0)), (Fraction(2),), 0)
    save_proofs(tmp_path / "flip", found)
    assert check_proofs(network(), question, tmp_path / "flip") is Word.VIOLATED
    with pytest.raises(RefusedError):
        check_proofs(network(), parse_property(HOLDS), tmp_path / "flip")


def test_time_that_is_left_goes_to_the_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []

    def never(query: Query, options: Options) -> Outcome:
        assert options.timeout is not None
        limits.append(options.timeout)
        return Outcome(Undecided("open"))

    monkeypatch.setattr(instances, "verify", never)
    found = answer(network(), parse_property(TWO_BOXES), Options(timeout=10))
    assert found.word is Word.UNKNOWN
    assert len(limits) == 2
    assert 4 < limits[0] <= 5
    assert 8 < limits[1] <= 10


# ------------------------------------------------------------------ floats


def test_the_nearest_float32_point_stays_in_the_box() -> None:
    text = BOX.replace("(<= X_0 1)", "(<= X_0 0.1)") + "(assert (>= Y_0 0.19))"
    question = parse_property(text)
    point = (Fraction(1, 10), Fraction(0))
    near = float_point(network(), question, Violation(point, (Fraction(1, 5),), 0))
    assert Fraction(near.point[0]) <= Fraction(1, 10) < Fraction(float(np.float32(0.1)))
    assert near.exact
    assert describe(near) == ""


def test_a_violation_that_no_float_shares_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    text = HEAD + "(assert (and (= X_0 0.1) (= X_1 0)))(assert (>= Y_0 0.2))"
    question = parse_property(text)
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_bytes(network())[0])
    violation = Violation((Fraction(1, 10), Fraction(0)), (Fraction(1, 5),), 0)
    near = float_point(network(), question, violation, path)
    assert near.point[0] == float(np.float32(0.1))
    assert near.runtime_outputs is not None
    assert not near.exact
    assert near.differs
    assert "no violation in real arithmetic" in describe(near)
    assert (
        competition_result(Word.VIOLATED, violation, near)
        == "sat\n((X_0 0.1)\n(X_1 0.0)\n(Y_0 0.2))\n"
    )
    inside = Violation((Fraction(1), Fraction(0)), (Fraction(2),), 0)
    near = float_point(network(), parse_property(VIOLATED), inside, path)
    assert near.runtime
    assert not near.differs
    assert (
        competition_result(Word.VIOLATED, inside, near)
        == "sat\n((X_0 1.0)\n(X_1 0.0)\n(Y_0 2.0))\n"
    )


def test_result_words() -> None:
    words = {word: competition_result(word, None, None).strip() for word in Word}
    assert words == {
        Word.HOLDS: "unsat",
        Word.VIOLATED: "sat",
        Word.UNKNOWN: "unknown",
        Word.TIMEOUT: "timeout",
    }


# ------------------------------------------------------------------ lists


def test_lists_with_and_without_a_header(folder: Path) -> None:
    plain = folder / "instances.csv"
    plain.write_text(
        "onnx/net.onnx,vnnlib/holds.vnnlib,60\n\nonnx/net.onnx,vnnlib/two.vnnlib,1.5\n"
    )
    first, second = read_instances(plain)
    assert (first.timeout, second.timeout) == (60, 1.5)
    assert dict(first.networks)[""].is_file()
    verdicts = folder / "verdicts.csv"
    verdicts.write_text(
        'network,property,timeout_s,expected,basis\nnet.onnx,holds.vnnlib,9.0,holds,"a, b"\n'
        "net.onnx,violated.vnnlib,,flip,x\n"
    )
    first, second = read_instances(verdicts, 7.0)
    assert dict(first.networks)[""] == folder / "onnx" / "net.onnx"
    assert first.prop_path == folder / "vnnlib" / "holds.vnnlib"
    assert (first.timeout, first.expected) == (9, Word.HOLDS)
    assert (second.timeout, second.expected) == (7, Word.VIOLATED)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 instances"),
        ("a.onnx\n", "line 1: 1 cells"),
        ("a,b,60\na,c,60,holds,more\n", "line 2: 5 cells"),
        ("a,b,0\n", "line 1: the time limit '0' is not a positive"),
        ("a,b,-3\n", "not a positive"),
        ("a,b,nan\n", "not a positive"),
        ("a,b,soon\n", "line 1: the time limit 'soon' is not a number"),
        ("network,prop\na,b\n", "no column property"),
        ("a,b,1\na,b,2\n", "1 instances occur twice"),
        ('a,"b,1\n', "not a CSV file"),
        ("a,,1\n", "line 1: '' is not the name of a file"),
    ],
)
def test_bad_lists_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(words)):
        read_instances(path)


def test_what_cannot_be_read_is_an_error_of_its_instance_alone(folder: Path) -> None:
    listing = folder / "list.csv"
    listing.write_text("net.onnx,absent.vnnlib,5\nabsent.onnx,holds.vnnlib,5\n")
    rows = [solve(instance).row for instance in read_instances(listing)]
    assert [row.verdict for row in rows] == ["error", "error"]
    assert "absent.vnnlib: No such file" in rows[0].detail


# ------------------------------------------------------------------ the command


def test_the_command_settles_one_property(folder: Path, capsys: Any) -> None:
    files = (folder / "onnx/net.onnx", folder / "vnnlib/holds.vnnlib")
    result, proof = folder / "result.txt", folder / "proof.gz"
    code, out, _ = run(capsys, "vnnlib", *files, "--result", result, "--proof", proof)
    assert code == 0
    assert out.startswith("holds\n")
    assert result.read_text() == "unsat\n"
    code, out, _ = run(capsys, "vnnlib", *files, "--check", proof)
    assert (code, out) == (0, "holds\n")
    code, out, err = run(capsys, "vnnlib", files[0], folder / "vnnlib/two.vnnlib", "--check", proof)
    assert code == 4
    assert "another question" in err
    code, out, _ = run(capsys, "vnnlib", *files, "--json", "--timeout", "9")
    facts = json.loads(out)
    assert facts["verdict"] == "holds"
    assert {"claim", "samples", "robust", "flips", "undecided", "checked"} <= set(facts)
    assert (facts["samples"], facts["robust"], facts["checked"]) == (1, 1, 1)


def test_the_command_shows_a_violation(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "verify", corner)
    files = (folder / "onnx/net.onnx", folder / "vnnlib/violated.vnnlib")
    code, out, _ = run(capsys, "vnnlib", *files, "--result", folder / "r")
    assert code == 1
    assert out.splitlines()[:3] == ["violated", "at X = 1, 0", "   Y = 2"]
    assert (folder / "r").read_text() == "sat\n((X_0 1.0)\n(X_1 0.0)\n(Y_0 2.0))\n"
    code, out, _ = run(capsys, "vnnlib", *files, "--json")
    facts = json.loads(out)
    assert facts["violation"] == {"disjunct": 0, "point": ["1", "0"], "outputs": ["2"]}
    assert facts["float32"]["violates_exactly"] is True


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_list_is_continued_where_it_stopped(folder: Path, capsys: Any, jobs: str) -> None:
    listing, table = folder / "list.csv", folder / "table.csv"
    listing.write_text(
        "network,property,timeout,expected\nnet.onnx,holds.vnnlib,20,holds\n"
        "net.onnx,two.vnnlib,20,flip\nnet.onnx,absent.vnnlib,20,\n"
    )
    call = ("vnnlib", "--instances", listing, "--table", table, "--jobs", jobs)
    code, out, _ = run(capsys, *call, "--proofs", folder / "proofs")
    assert code == 2
    assert "3 instances: 2 holds, 1 error" in out
    assert "differs from the list: net.onnx two.vnnlib is holds, the list says violated" in out
    assert len(list((folder / "proofs").iterdir())) == 3
    before = table.read_text()
    rows = list(csv.DictReader(before.splitlines()))
    assert {row["verdict"] for row in rows} == {"holds", "error"}
    code, out, err = run(capsys, *call)
    assert "2 of 3 are in" in err
    (folder / "vnnlib" / "absent.vnnlib").write_text(HOLDS)
    (folder / "vnnlib" / "holds.vnnlib").write_text(HOLDS + "\n")  # other bytes: asked again
    code, out, err = run(capsys, *call, "--proofs", folder / "proofs")
    assert code == 0
    assert "1 of 3 are in" in err and "1 replayed from their evidence" in err
    assert "3 instances: 3 holds" in out
    code, out, err = run(capsys, *call, "--proofs", folder / "proofs", "--json")
    facts = json.loads(out)
    assert (facts["samples"], facts["robust"], facts["errors"]) == (3, 3, 0)
    assert (facts["checked"], facts["recorded"]) == (3, 0)
    assert facts["differing"] == [["net.onnx", "two.vnnlib", "holds", "violated"]]


def test_an_answer_of_the_table_claims_nothing_by_itself(folder: Path, capsys: Any) -> None:
    """Without its evidence it is recorded alone, and its evidence refutes an edit."""
    listing, table, proofs = folder / "list.csv", folder / "table.csv", folder / "proofs"
    listing.write_text("net.onnx,holds.vnnlib,20\nnet.onnx,violated.vnnlib,20\n")
    call = ("vnnlib", "--instances", listing, "--table", table)
    code, out, _ = run(capsys, *call, "--proofs", proofs)
    assert (code, "2 instances: 1 holds, 1 violated" in out) == (1, True)
    code, out, _ = run(capsys, *call)
    assert (code, "2 instances: 2 recorded, not replayed here" in out) == (3, True)
    table.write_text(table.read_text().replace(",violated,", ",holds,"))
    code, out, _ = run(capsys, *call, "--json")
    facts = json.loads(out)
    assert (code, facts["robust"], facts["checked"], facts["recorded"]) == (3, 0, 0, 2)
    code, _, err = run(capsys, *call, "--proofs", proofs)
    assert code == 4
    assert "another verdict: net.onnx violated.vnnlib is said to be holds" in err
    table.write_text(table.read_text().replace(",holds,", ",proved,"))
    code, _, err = run(capsys, *call)
    assert (code, "not a table of answers" in err) == (2, True)


def test_an_answer_of_another_process_counts_by_what_it_has_checked(folder: Path) -> None:
    """About exactly the queries of these files, with the verdict of the row."""
    listing = folder / "list.csv"
    listing.write_text(
        "net.onnx,holds.vnnlib,20\nnet.onnx,violated.vnnlib,20\nnet.onnx,two.vnnlib,20\n"
    )
    listed = read_instances(listing)
    here = [solve(instance) for instance in listed]
    sent = [pickle.loads(pickle.dumps(solved)) for solved in here]  # noqa: S301 - as a pipe does
    assert [solved.row.verdict for solved in here] == ["holds", "violated", "holds"]
    for instance, solved, mine in zip(listed, sent, here, strict=True):
        assert mine.is_shown and not solved.is_shown
        taken = admitted(instance, solved)
        assert taken.is_shown and taken.row == mine.row
    holds, violated, two = sent
    edits = {
        "nothing checked": (0, replace(holds, evidence=())),
        "no evidence": (0, replace(holds, evidence=None)),
        "a text": (0, replace(holds, evidence=("robust",))),
        "one box of two": (2, replace(two, evidence=two.evidence[:1])),
        "another property": (0, replace(holds, evidence=two.evidence)),
        "a flip of another one": (1, replace(violated, evidence=holds.evidence)),
        "another row": (0, two),
        "another network": (
            0, replace(holds, evidence=tuple(replace(one, network="0" * 64)
                                             for one in holds.evidence)),
        ),
        "a flip renamed": (
            1, replace(violated, row=replace(violated.row, verdict="holds")),
        ),
        "a proof renamed": (0, replace(holds, row=replace(holds.row, verdict="violated"))),
    }  # fmt: skip
    for name, (number, edited) in edits.items():
        with pytest.raises(RefusedError):
            pytest.fail(f"{name}: {admitted(listed[number], edited)}")


def test_a_foreign_table_is_not_overwritten(folder: Path, capsys: Any) -> None:
    (folder / "list.csv").write_text("net.onnx,holds.vnnlib,20\n")
    (folder / "table.csv").write_text("my,own,data\n1,2,3\n")
    code, _, err = run(
        capsys, "vnnlib", "--instances", folder / "list.csv", "--table", folder / "table.csv"
    )
    assert code == 2
    assert "not a table of answers" in err
    assert (folder / "table.csv").read_text() == "my,own,data\n1,2,3\n"
    assert Table.open(folder / "absent.csv").rows == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ["vnnlib"],
        ["vnnlib", "net.onnx"],
        ["vnnlib", "net.onnx", "p.vnnlib", "--jobs", "2"],
        ["vnnlib", "net.onnx", "p.vnnlib", "--timeout", "0"],
        ["vnnlib", "--instances", "x.csv", "--proof", "p"],
        ["vnnlib", "absent.onnx", "p.vnnlib"],
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], capsys: Any) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error:")
    assert err.count("\n") == 1


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_benchmark_lists_are_read() -> None:
    counts = {}
    for name in ("acasxu", "rl_cartpole", "reach_prob_density", "cersyve", "sat_relu"):
        listed = read_instances(DATA / name / "verdicts.csv", 100)
        assert all(dict(i.networks)[""].is_file() and i.prop_path.is_file() for i in listed)
        assert all(i.expected is not None for i in listed)
        counts[name] = len(listed)
    assert list(counts.values()) == [96, 100, 36, 8, 100]
    small = read_instances(DATA / "vnnlib_test" / "instances.csv")
    assert len(small) == 5
    assert load_any_network(dict(small[0].networks)[""]).inputs == 1


@pytest.mark.parametrize("column", ["seconds", "proof_bytes"])
def test_a_number_without_end_makes_no_table(folder: Path, capsys: Any, column: str) -> None:
    """Neither one that Python reads in no time at all, nor one that floats call infinite."""
    (folder / "list.csv").write_text("net.onnx,holds.vnnlib,20\n")
    table = folder / "table.csv"
    asked = ("vnnlib", "--instances", folder / "list.csv", "--table", table)
    assert run(capsys, *asked)[0] == 0
    head, row = (line.split(",") for line in table.read_text().splitlines())
    for digits in (21, 500, 5000):
        row[head.index(column)] = "9" * digits
        table.write_text(f"{','.join(head)}\n{','.join(row)}\n")
        code, _, err = run(capsys, *asked)
        assert code == 2 and "not a table of answers" in err and err.count("\n") == 1


def test_the_claim_about_a_list_counts_what_was_replayed(folder: Path, capsys: Any) -> None:
    (folder / "list.csv").write_text("net.onnx,holds.vnnlib,20\nnet.onnx,violated.vnnlib,20\n")
    asked = ("vnnlib", "--instances", folder / "list.csv", "--table", folder / "t.csv", "--json")
    for holds, fails in ((1, 1), (0, 0)):  # the second time both are recorded, without proofs
        facts = json.loads(run(capsys, *asked)[1])
        assert facts["claim"] == (
            f"{holds} of 2 properties of list.csv hold of their networks, {fails} do not"
        )
        assert facts["recorded"] == 2 - holds - fails
