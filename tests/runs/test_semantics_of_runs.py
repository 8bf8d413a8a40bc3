"""A run about executions in floats is never one about real numbers, nor the reverse."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.claims import claim, command
from reports.run_report import run_report
from reports.stored_run import read_run
from tests.oracles.commands import run
from verifier.checker.elaborate import kernel_check_result
from verifier.checker.manifest import (
    Question,
    manifest_bytes,
    parse_manifest,
    run_checker,
    sample_query,
)
from verifier.checker.proved import replay_run, run_parts
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.kernel.runs import Run as KernelRun
from verifier.kernel.text import Refused
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import executed
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.runs.admission import admitted
from verifier.runs.checking import check_run
from verifier.runs.folder import RunFolder
from verifier.runs.identity import question_from
from verifier.runs.place import find_run
from verifier.runs.store import Store
from verifier.runs.summary import summarize
from verifier.runs.work import Context, Job, solve
from verifier.search.options import Options

F = Fraction
# (2^24 max(x, 0) + max(y, 0) - 2^24, 1/2): exactly y at x = 1; float32 absorbs y up to 1.
WEIGHTS = {
    "W0": np.eye(2, dtype=np.float32),
    "b0": np.zeros(2, np.float32),
    "W1": np.array([[2.0**24, 1], [0, 0]], np.float32),
    "b1": np.array([-(2.0**24), 0.5], np.float32),
}
TABLE = "a,b,y\n1,1,0\n1,64,0\n3/4,1/10,1\n"  # the last is no float
ASKED = ("--data", "d.csv", "--network", "net.npz", "--radius", "1/100000000", "--quiet")
REAL, FLOAT32 = ["robust", "robust", "robust"], ["misread", "robust", "robust"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    """Sealed runs "real" and "float32": samples 0 and 1 keep their label in real numbers, 2 in
    both; in float32, 0 is misread and 1 is read right."""
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", **WEIGHTS)
    Path("d.csv").write_text(TABLE)
    for semantics, code in (("real", 0), ("float32", 1)):
        ask = ("certify", *ASKED, "--out", semantics, "--jobs", "0", "--json")
        found, out, _ = run(capsys, *ask, "--semantics", semantics)
        facts = json.loads(out)
        assert (found, facts["checked"], facts["undecided"]) == (code, 3, 0)
        assert ("as executed in float32" in facts["claim"]) == (semantics == "float32")
    return tmp_path


def opened(path: Path) -> tuple[RunFolder, Any, Any, Any]:
    files = RunFolder(path)
    return files, files.manifest(), files.network(), files.points()


def test_the_runs_differ_where_rounding_does(folder: Path, capsys: Any) -> None:
    for semantics, states in (("real", REAL), ("float32", FLOAT32)):
        place = find_run(folder / semantics)
        with Store(place.database, read_only=True) as store:
            assert [one.state for one in store.samples(place.row(store).id)] == states
        code, out, _ = run(capsys, "check", folder / semantics, "--json")
        facts = json.loads(out)
        assert (code, facts["checked"], facts["misread"]) == (0, 3, states.count("misread"))
        assert ("as executed in float32" in facts["claim"]) == (semantics == "float32")
        assert "as executed in float32" in summarize(place, 3, {}).claim or semantics == "real"
        listed = run(capsys, "runs", "show", folder / semantics)[1]
        assert ("as executed in float32" in listed) == (semantics == "float32")


def test_the_manifest_says_it_and_has_one_text(folder: Path) -> None:
    for semantics in ("real", "float32"):
        text = (folder / semantics / "manifest.json").read_bytes()
        manifest = parse_manifest(text)
        assert manifest.question.semantics == semantics
        assert (b'"semantics"' in text) == (semantics != "real")
        assert ("as executed in float32" in manifest.claim) == (semantics == "float32")
        place = find_run(folder / semantics)
        with Store(place.database, read_only=True) as store:
            assert question_from(place.row(store).question) == manifest.question


@pytest.mark.parametrize("written", ["real", "float16", "Float32", ["float32"], None, 32])
def test_other_semantics_in_a_manifest_are_refused(folder: Path, written: object) -> None:
    text = (folder / "float32" / "manifest.json").read_text()
    head = text.replace('"semantics": "float32"', f'"semantics": {json.dumps(written)}')
    head = head[: head.index(',\n"root"')]
    root = hashlib.sha256(head.encode()).hexdigest()
    with pytest.raises(RefusedError, match="semantics"):
        parse_manifest(f'{head},\n"root": "{root}"}}\n'.encode())


def test_evidence_of_one_arithmetic_is_none_of_the_other(folder: Path, capsys: Any) -> None:
    """With the other question in the manifest, what differs is refused for its flaw."""
    for semantics, other in (("real", "float32"), ("float32", "real")):
        files, manifest, network, points = opened(folder / semantics)
        question = replace(manifest.question, semantics=other)
        replayed = check_run(files, network, points, question, manifest.results)
        assert 0 in replayed.flaws
        flaw = "dimension" if semantics == "float32" else "bound too weak"
        assert replayed.flaws[0].flaw == flaw
        lie = manifest_bytes(replace(manifest, question=question))
        (folder / semantics / "manifest.json").write_bytes(lie)
        assert run(capsys, "check", folder / semantics)[0] == 4


def test_a_run_is_not_continued_in_other_arithmetic(folder: Path, capsys: Any) -> None:
    for semantics, other in (("real", "float32"), ("float32", "real")):
        code, _, said = run(capsys, "certify", *ASKED, "--out", semantics, "--semantics", other)
        assert code == 2
        assert f"this run has semantics {semantics}, now asked is {other}" in said
    assert run(capsys, "certify", *ASKED, "--out", "real")[0] == 0
    assert run(capsys, "certify", *ASKED, "--out", "float32", "--semantics", "float32")[0] == 1


def test_a_database_that_forgets_the_semantics_proves_nothing(folder: Path, capsys: Any) -> None:
    place = find_run(folder / "float32")
    with Store(place.database) as store:
        row = place.row(store)
        asked = {key: value for key, value in row.question.items() if key != "semantics"}
        store._connection.execute("UPDATE runs SET question = ?", (json.dumps(asked),))
        store._connection.commit()
    code, _, said = run(capsys, "certify", *ASKED, "--out", "float32")
    assert code == 4 and "dimension" in said


def test_the_kernels_refuse_by_name(folder: Path, capsys: Any) -> None:
    files, manifest, network, points = opened(folder / "float32")
    with pytest.raises(Refused, match="semantics"):
        KernelRun(folder / "float32")
    with pytest.raises(RefusedError, match="semantics"):
        kernel_check_result(network, points, manifest.question, manifest.results[1], files.fetch)
    with pytest.raises(UserError, match="real numbers alone"):
        next(run_parts(network, points, manifest.question, manifest.results, files.fetch))
    code, _, said = run(capsys, "check", folder / "float32", "--kernel")
    assert code == 2 and "as executed in float32; the checker replays them" in said
    code, _, said = run(capsys, "export", folder / "float32", "--to", "kernel", "-o", "x.txt")
    assert code == 2 and "real numbers alone" in said and not Path("x.txt").exists()
    with pytest.raises(UserError, match="real numbers alone"):
        replay_run(network, points, manifest.question, manifest.results, files.fetch)
    assert run(capsys, "check", folder / "real", "--kernel")[0] == 0


def test_a_flip_of_a_run_is_the_plain_execution(folder: Path) -> None:
    """Errors within the bounds that are those of no execution make no flip."""
    files, manifest, network, points = opened(folder / "float32")
    text = files.fetch(manifest.results[0].certificate)
    flip = parse_certificate(text, network.digest)
    assert isinstance(flip, Flip) and flip.point[:2] == (F(1), F(1))
    query = sample_query(network, points, manifest.question, 0)
    checker = run_checker(network, points, manifest.question)
    assert checker.flips([query], [flip])[0].verdict == "flip"  # type: ignore[union-attr]
    for k, moved in enumerate(flip.point[2:], start=2):
        point = [*flip.point]
        point[k] = moved - F(1, 2**40)
        if query.region.contains(point):
            (found,) = checker.flips([query], [Flip(tuple(point), flip.goal)])
            assert isinstance(found, RefusedError)
            assert found.flaw in ("no execution", "no flip")
    real = run_checker(network, points, replace(manifest.question, semantics="real"))
    with pytest.raises(RefusedError, match="another network"):
        real.flips([query], [flip])


def test_the_question_of_a_sample_is_that_of_verify(folder: Path) -> None:
    _, manifest, network, points = opened(folder / "float32")
    for sample in range(3):
        goals = sample_query(network, points, manifest.question, sample).goals
        own = Query(network, ball("inf", points.point(sample), F(1, 10**8)), goals)
        asked = executed(own, "float32")
        found = sample_query(network, points, manifest.question, sample)
        assert (found.region, found.network) == (asked.region, asked.network)


def test_what_another_process_says_is_about_the_same_semantics(folder: Path) -> None:
    _, manifest, network, points = opened(folder / "float32")
    question = manifest.question
    context = Context(network, points, Job(question, Options()))
    records = copy.deepcopy(solve(context, [0, 1, 2]))  # as pickling does
    assert [one.state for one in records] == FLOAT32
    assert [one.state for one in admitted(context, records)] == FLOAT32
    real = Context(network, points, Job(replace(question, semantics="real"), Options()))
    with pytest.raises(Exception, match="another question"):
        admitted(real, records)


def test_reports_say_it(folder: Path, capsys: Any) -> None:
    stored = read_run(find_run(folder / "float32"))
    assert ", as executed in float32; 1 misread at the sample itself" in claim(stored)
    assert "--semantics float32" in command(stored)
    document = run_report(stored)
    assert "as executed in float32" in document.subtitle
    assert document.values["question"]["semantics"] == "float32"
    assert stored.outputs([stored.flips[0].point]) == [[F(0), F(1, 2)]]
    real = read_run(find_run(folder / "real"))
    assert "executed" not in claim(real) and "semantics" not in command(real)
    ask = ("radius", "net.npz", "--data", "d.csv", "--proofs", "radii", "--samples", "1:2")
    assert run(capsys, *ask, "--quiet")[0] == 0
    code, _, said = run(capsys, "report", "float32", "--radii", "radii", "-o", "rep")
    assert code == 2 and "about exact arithmetic" in said
    code, _, said = run(capsys, "report", "float32", "--kernel", "1", "-o", "rep")
    assert code == 2 and "real numbers alone" in said


def test_a_sample_that_no_input_of_the_format_is_near_has_no_answer(folder: Path) -> None:
    """No float32 number lies in the ball of radius 0 around one tenth: a claim would be empty."""
    _, manifest, network, points = opened(folder / "float32")
    question = replace(manifest.question, radius=F(0))
    with pytest.raises(UserError, match="sample 2: as float32 holds it, the sample lies outside"):
        sample_query(network, points, question, 2)
    (record,) = solve(Context(network, points, Job(question, Options())), [2])
    assert record.state == "failed" and "as float32 holds it" in (record.reason or "")


def test_what_cannot_be_executed_is_refused_before_the_run(folder: Path, capsys: Any) -> None:
    np.savez("third.npz", **{**WEIGHTS, "b1": np.array([0.1, 0.5])})
    ask = ("certify", "--data", "d.csv", "--network", "third.npz", "--radius", "1", "--quiet")
    code, _, said = run(capsys, *ask, "--semantics", "float32", "--out", "third")
    assert code == 2 and "output 0: a weight is no float32 number" in said
    assert not Path("third").exists()
    ask = ("certify", "--data", "d.csv", "--every-budget", "--semantics", "float32")
    code, _, said = run(capsys, *ask, "--quiet", "--out", "all")
    assert code == 2 and "about exact arithmetic, not float32" in said
    with pytest.raises(UserError, match="'half' is not one of real"):
        Question("inf", "argmax", F(1), semantics="half")  # type: ignore[arg-type]
