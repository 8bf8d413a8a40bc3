"""`robmem certify`, `check` and `runs` as they are typed: output, exit codes, one-line errors."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from verifier.cli.main import main

ROWS = "0,0,a\n3,0,b\n0,4,c\n9,9,a\n5,5,b\n9,1,c\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "six.csv").write_text(ROWS)
    return tmp_path


class Said:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def facts(self) -> Any:
        return json.loads(self.out)


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    capsys.readouterr()
    code = main(list(arguments))
    captured = capsys.readouterr()
    return Said(code, captured.out, captured.err)


def test_certify_then_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "certify", "--data", "six.csv", "--json")
    assert said.code == 0
    assert said.err == ""
    facts = said.facts
    assert {"claim", "samples", "robust", "flips", "undecided", "checked", "proof_bytes",
            "seconds"} <= set(facts)  # fmt: skip
    assert (facts["samples"], facts["robust"], facts["checked"]) == (6, 6, 6)
    assert facts["flips"] == facts["undecided"] == 0
    assert {"bounds", "search", "check"} <= set(facts["seconds"])
    assert facts["folder"].startswith("runs/six-linf-")
    again = say(capsys, "check", facts["folder"], "--json")
    assert again.code == 0
    assert again.facts["root"] == facts["root"]
    for same in ("claim", "robust", "checked", "proof_bytes", "packed_bytes"):
        assert again.facts[same] == facts[same]
    again = say(capsys, "check", facts["folder"], "--json", "--jobs", "2")
    assert (again.code, again.facts["checked"]) == (0, 6)


def test_the_table_says_all(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "certify", "--data", "six.csv")
    assert said.code == 0
    for word in ("samples", "robust", "flips", "undecided", "proofs checked", "size of the proofs",
                 "bounds", "search", "check"):  # fmt: skip
        assert word in said.out
    assert said.err == ""


def test_the_folder_tells_questions_apart(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = set()
    for more in ([], ["--ratio", "1/2"], ["--radius", "1"], ["--samples", "0:3"], ["--seed", "1"]):
        said = say(capsys, "certify", "--data", "six.csv", "--json", *more)
        assert said.code == 0, said.err
        names.add(said.facts["folder"])
    assert len(names) == 5


@pytest.mark.parametrize("name", ["linf", "linf-parallel", "linf-pipelined"])
def test_constructions(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    said = say(capsys, "certify", "--data", "six.csv", "--construction", name, "--json",
               "--ratio", "0.999999")  # fmt: skip
    assert (said.code, said.facts["robust"]) == (0, 6)


def test_a_network_from_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["construct", "linf", "--data", "six.csv", "-o", "six.robmem"]) == 0
    said = say(capsys, "certify", "--data", "six.csv", "--network", "six.robmem",
               "--ratio", "99/100", "--json")  # fmt: skip
    assert (said.code, said.facts["robust"]) == (0, 6)
    assert "decoder nearest" in said.facts["claim"]
    assert said.facts["folder"].startswith("runs/six-six-")


def test_one_process_or_two(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roots = set()
    for jobs in ("0", "1", "2"):
        said = say(capsys, "certify", "--data", "six.csv", "--json", "--jobs", jobs,
                   "--out", f"run{jobs}")  # fmt: skip
        assert said.code == 0, said.err
        roots.add(said.facts["root"])
    assert len(roots) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--ratio", "1"], "budget 3/2 (1.5) is not below half the separation, 3/2 (1.5)"),
        (["--budget", "7/2"], "budget 7/2 (3.5) is not below half the separation, 3/2 (1.5)"),
        (["--ratio", "-1"], "--ratio: -1 is negative"),
        (["--budget", "-1/2"], "--budget: -1/2 is negative"),
        (["--radius", "-1"], "--radius: -1 is negative"),
        (["--radius", "nan"], "--radius: not a rational number: 'nan'"),
        (["--budget", "inf"], "--budget: not a rational number: 'inf'"),
        (["--ratio", "much"], "--ratio: not a rational number: 'much'"),
        (["--ratio", "1/2", "--budget", "1"], "give either --ratio or --budget, not both"),
        (["--network", "x", "--construction", "linf"], "give either --construction or --network"),
        (["--radius", "1", "--radius-squared", "1"], "either --radius or --radius-squared"),
        (["--radius-squared", "2"], "radius_squared is for norm 2, not for norm inf"),
        (["--construction", "cube"], "no construction 'cube'"),
        (
            ["--network", "missing.robmem", "--radius", "1"],
            "missing.robmem: No such file or directory",
        ),
        (["--data", "missing.csv"], "missing.csv"),
        (["--samples", "0:7"], "--samples: 0:7 is not within 0:6"),
        (["--samples", "3:3"], "--samples: 3:3 is not within 0:6"),
        (["--samples", "-1"], "--samples: '-1' is neither a number nor A:B"),
        (["--decoder", "argmax"], "argmax: 1 outputs, 3 labels"),
        (["--decoder", "sign"], "sign: the data have 3 classes, not 2"),
        (["--clip"], "six has no pixel range; give LO:HI"),
        (["--clip", "9:0"], "clip: 9 is above 0"),
        (["--clip", "9"], "--clip: '9' is neither LO:HI nor range"),
        (["--clip", "20:30"], "empty"),
        (["--rank", "2"], "construction linf has no option 'rank'"),
        (["--network", "x", "--radius", "1", "--rank", "2"], "--rank is for a construction"),
        (["--error", "x"], "--error: not a rational number: 'x'"),
        (["--memory", "much"], "--memory: 'much' is not a size"),
        (["--timeout", "0"], "'0' is not a positive number"),
        (["--out", "six.csv"], "six.csv"),
    ],
)
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    said = say(capsys, "certify", "--data", "six.csv", *arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert complaint in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no samples"),
        ("0,0,a\n1,1,a\n", "two classes are needed"),
        ("0,0,a\n0,0,b\n1,1,a\n", "samples 0 and 1 ('a' and 'b')"),
        ("0,0,a\n1,b\n", "line 2, column 3"),
        ("0,0,a\n1,x,b\n", "line 2, column 2"),
    ],
)
def test_bad_data_are_named(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    (here / "bad.csv").write_text(text)
    said = say(capsys, "certify", "--data", "bad.csv")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert complaint in said.err


def test_bad_network_files_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["construct", "linf", "--data", "six.csv", "-o", "six.robmem"]) == 0
    content = (here / "six.robmem").read_bytes()
    for damaged, complaint in [
        (content[:-40], "truncated"),
        (content.replace(b"robmem-network 1", b"robmem-network 9"), "version"),
        (content[:-40] + bytes([content[-40] ^ 1]) + content[-39:], "hash"),
    ]:
        (here / "bad.robmem").write_bytes(damaged)
        said = say(capsys, "certify", "--data", "six.csv", "--network", "bad.robmem",
                   "--radius", "1")  # fmt: skip
        assert (said.code, said.err.count("\n")) == (2, 1)
        assert "bad.robmem" in said.err
        assert complaint in said.err


def test_a_folder_that_is_not_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "check", "nowhere")
    assert (said.code, "nowhere: no such file or folder" in said.err) == (2, True)
    (here / "empty").mkdir()
    assert say(capsys, "check", "empty").code == 2
    said = say(capsys, "certify", "--data", "six.csv", "--out", ".")
    assert (said.code, "is not a run" in said.err) == (2, True)


def test_a_read_only_folder_is_an_error_at_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(capsys, "certify", "--data", "six.csv", "--out", "/proc/run")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "/proc/run" in said.err


def test_a_changed_question_is_refused_in_the_same_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = say(capsys, "certify", "--data", "six.csv", "--out", "run", "--json")
    assert first.code == 0
    again = say(capsys, "certify", "--data", "six.csv", "--out", "run", "--json")
    assert (again.code, again.facts["root"]) == (0, first.facts["root"])
    said = say(capsys, "certify", "--data", "six.csv", "--out", "run", "--samples", "0:3")
    assert said.code == 2
    assert "samples 0:6, now asked is 0:3; --new starts another run" in said.err
    said = say(capsys, "certify", "--data", "six.csv", "--out", "run", "--new", "--json")
    assert (said.code, said.facts["folder"]) == (0, "run-2")


def test_runs_are_listed_shown_and_exported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "runs", "list").out == "no runs in runs\n"
    assert say(capsys, "certify", "--data", "six.csv").code == 0
    listed = say(capsys, "runs", "list", "--json").facts
    assert [(run["samples"], run["robust"]) for run in listed] == [(6, 6)]
    folder = listed[0]["run"]
    assert folder in say(capsys, "runs", "list").out
    shown = say(capsys, "runs", "show", folder, "--json").facts
    assert (shown["attempts"], shown["errors"]) == (6, [])
    assert shown["about"]["construction"] == "linf"
    assert "linf" in say(capsys, "runs", "show", Path(folder).name).out
    rows = list(csv.DictReader(io.StringIO(say(capsys, "runs", "export", folder).out)))
    assert [row["recorded"] for row in rows] == ["robust"] * 6
    assert [row["sample"] for row in say(capsys, "runs", "export", folder, "--json").facts] == [
        0, 1, 2, 3, 4, 5,
    ]  # fmt: skip
    assert say(capsys, "runs", "export", folder, "-o", "six-out.csv").code == 0
    assert (here / "six-out.csv").read_text().count("\n") == 7
    assert say(capsys, "runs", "show", "nowhere").code == 2
    assert say(capsys, "runs", "list", "nowhere").code == 2


def test_one_stored_proof_is_checked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fractions import Fraction

    from constructions.registry import build
    from verifier.checker.manifest import sample_query
    from verifier.data.load import load
    from verifier.evidence.certificate import Robust
    from verifier.evidence.proof_file import save_proof
    from verifier.runs.run import points_of, question_of
    from verifier.tasks.verify import verify

    dataset = load("six.csv")
    construction = build("linf", dataset, ratio=Fraction(1, 2))
    points = points_of(dataset)
    query = sample_query(construction.network, points, question_of(construction), 2)
    verdict = verify(query).verdict
    assert isinstance(verdict, Robust)
    save_proof(here / "proof.json", query, verdict)
    said = say(capsys, "check", "proof.json", "--json")
    assert (said.code, said.facts["robust"]) == (0, 1)
    assert "no point of a box of 2 inputs lies in any of 2 unsafe sets" in said.facts["claim"]
    text = (here / "proof.json").read_text()
    (here / "proof.json").write_text(text.replace(construction.network.digest, "0" * 64))
    assert say(capsys, "check", "proof.json").code == 4
    assert say(capsys, "check", "proof.json", "--data", "iris").code == 2


def test_a_proof_about_a_family_is_checked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace
    from fractions import Fraction

    from tests.oracles.random_families import kink
    from verifier.evidence.certificate import Leaf, Node, Robust
    from verifier.evidence.proof_file import load_family_proof, load_proof, save_proof
    from verifier.question.errors import RefusedError, UserError
    from verifier.question.query import Atom, Goal

    one = Fraction(1)
    query = kink(Goal((Atom(((1, -one),), ((0, one),), Fraction(0), True),), "above m"))
    proof = Robust((), ((Node((), Leaf()),),))
    save_proof(here / "proof.json", query, proof)
    claim = (
        "for every real m in [0, 1] no point of the closed Linf ball of radius m around (0) "
        "satisfies Y_0 - m > 0"
    )
    for option in ([], ["--kernel"]):
        said = say(capsys, "check", "proof.json", "--json", *option)
        assert (said.code, said.facts["claim"]) == (0, claim)
        assert claim in say(capsys, "check", "proof.json", *option).out
    found = load_family_proof(here / "proof.json", query=None)
    assert found.verdict == proof and found.query.cone == query.cone
    load_family_proof(here / "proof.json", query=query)
    longer = replace(query, cone=replace(query.cone, last=2 * one))
    with pytest.raises(RefusedError, match="another question"):
        load_family_proof(here / "proof.json", query=longer)
    with pytest.raises(UserError, match="about a family"):
        load_proof(here / "proof.json")
    assert say(capsys, "check", "proof.json", "--proved").code == 2
    assert say(capsys, "export", "proof.json", "--to", "vipr", "-o", "out.vipr").code == 2
    text = (here / "proof.json").read_text()
    for old, new in (('"last":"1"', '"last":"9/8"'), ('"first":"0"', '"first":"1"')):
        (here / "wrong.json").write_text(text.replace(old, new))
        assert {say(capsys, "check", "wrong.json", *o).code for o in ([], ["--kernel"])} == {4}


def test_parquet_needs_pyarrow(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert say(capsys, "certify", "--data", "six.csv", "--out", "run").code == 0
    assert say(capsys, "runs", "export", "run", "--parquet").code == 2
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = say(capsys, "runs", "export", "run", "--parquet", "-o", "six.parquet")
    assert (said.code, "pip install 'robmem[parquet]'" in said.err) == (2, True)


def test_parquet_holds_what_csv_and_json_hold(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert say(capsys, "certify", "--data", "six.csv", "--out", "run").code == 0
    for more in ([], ["--rivals"]):
        said = say(capsys, "runs", "export", "run", "--parquet", "-o", "six.parquet", *more)
        assert said.code == 0, said.err
        table = parquet.read_table("six.parquet")
        rows = say(capsys, "runs", "export", "run", "--json", *more).facts
        assert table.to_pylist() == rows
        assert len(rows) == (12 if more else 6)
        assert table.schema.field("sample").type == "int64"
        said = say(capsys, "runs", "export", "run", "--csv", *more)
        head, *lines = csv.reader(io.StringIO(said.out))
        assert head == table.column_names
        assert [[("" if x is None else str(x)) for x in row.values()] for row in rows] == lines
    said = say(capsys, "runs", "export", "run", "--parquet", "-o", "missing/six.parquet")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_flips_are_exact_and_end_with_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fractions import Fraction

    from verifier.checker.scaled import evaluate
    from verifier.evidence.network_file import load_network

    said = say(capsys, "certify", "--data", "six.csv", "--radius", "2", "--out", "run", "--json")
    assert said.code == 1
    assert (said.facts["flips"], said.facts["checked"]) == (6, 6)
    network = load_network(here / "run" / "network.robmem")
    for flip, row in zip(said.facts["flips_shown"], ROWS.split(), strict=True):
        *center, label = row.split(",")
        point = [Fraction(x) for x in flip["point"]]
        distance = max(abs(x - int(c)) for x, c in zip(point, center, strict=True))
        assert (str(distance), flip["label"]) == (flip["distance"], label)
        assert distance <= 2
        assert [str(y) for y in evaluate(network, [point])[0]] == flip["outputs"]
        assert flip["outputs"] != [str("abc".index(label))]
    said = say(capsys, "certify", "--data", "six.csv", "--radius", "2", "--out", "run")
    assert said.code == 1
    assert "flip of sample 0: label a" in said.out
    assert say(capsys, "check", "run").code == 0  # honest flips are true evidence
