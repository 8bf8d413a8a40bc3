"""Runs of `robmem worst`: stored as they are found, continued, sealed, replayed, and refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.serve import Site
from tests.oracles.commands import run
from tests.oracles.runs import checked, files
from verifier.checker.checked import Checked
from verifier.question.errors import RefusedError
from verifier.runs import work
from verifier.runs.admission import with_check
from verifier.runs.folder import RunFolder
from verifier.runs.store import Store

COMMAND = ["worst", "net.npz", "--data", "t.csv", "--radius", "1/4", "--out", "w", "--jobs", "0",
           "--json"]  # fmt: skip
LEAST = ["5/2", "1/2", "1/2", "0", "-1"]  # of (x, 1 - x): |2 x - 1| - 1/2, the last one is misread


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n1,0\n0.25,1\n0.75,1\n")
    return tmp_path


def _facts(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, Any], str]:
    code, printed, error = run(capsys, *command)
    return code, json.loads(printed), error


def _uppers(facts: dict[str, Any]) -> list[str]:
    return [found["upper"] for found in facts["results"]]


def test_a_run_is_stored_sealed_and_replayed(here, capsys):
    code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 1 and facts["folder"] == "w" and _uppers(facts) == LEAST
    assert (facts["exact"], facts["flips"], facts["robust"], facts["undecided"]) == (5, 2, 3, 0)
    alone = [part for part in COMMAND if part not in ("--out", "w", "--jobs", "0")]
    code, without, _ = _facts(capsys, *alone)
    assert code == 1
    for ours, theirs in zip(facts["results"], without["results"], strict=True):
        for name in ("sample", "label", "lower", "upper", "rival", "exact"):
            assert ours[name] == theirs[name]
    code, text = checked(here / "w")
    facts = json.loads(text)
    assert code == 0 and "the least margin on Linf balls of radius 1/4" in facts["claim"]
    assert (facts["measured"], facts["exact"], facts["positive"]) == (5, 5, 3)
    assert (facts["not positive"], facts["reached"]) == (2, 5)
    code, text = checked(here / "w", "--kernel")
    assert code == 0 and json.loads(text)["checker"] == "kernel"
    code, text = checked(here / "w", "--network", "net.npz", "--data", "t.csv", "--sample", "2",
                         "--seed", "1")  # fmt: skip
    assert code == 0 and json.loads(text)["recorded"] == 3


def test_the_same_run_has_the_same_bytes_however_it_is_shared(here, capsys):
    assert run(capsys, *COMMAND)[0] == 1
    there = ["other" if part == "w" else "2" if part == "0" else part for part in COMMAND]
    assert run(capsys, *there)[0] == 1
    assert files(here / "w") == files(here / "other")


def test_an_l2_ball_needs_within_and_gets_an_interval(here, capsys):
    code, _, error = run(capsys, *COMMAND, "--norm", "2")
    assert code == 2 and "within" in error and not (here / "w").exists()
    code, facts, _ = _facts(capsys, *COMMAND, "--norm", "2", "--within", "1/8")
    assert code == 1 and facts["undecided"] == 0
    for found, least in zip(facts["results"], map(Fraction, LEAST), strict=True):
        lower, upper = Fraction(found["lower"]), Fraction(found["upper"])
        assert lower <= least <= upper <= lower + Fraction(1, 8)
    code, text = checked(here / "w")
    assert (code, json.loads(text)["reached"]) == (0, 5)


def _stopping_after(count: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    minimised: list[int] = []
    real = work.worst

    def least(query: Any, **given: Any) -> Any:
        if len(minimised) == count:
            raise KeyboardInterrupt
        minimised.append(1)
        return real(query, **given)

    monkeypatch.setattr(work, "worst", least)
    return minimised


def test_an_interrupted_run_shows_what_it_has_and_continues(here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        _stopping_after(2, patch)
        code, facts, error = _facts(capsys, *COMMAND)
    assert code == 130 and "the same command continues" in error
    assert _uppers(facts) == LEAST[:2] and facts["undecided"] == 3
    assert len(list((here / "w/certificates").iterdir())) == 2
    code, printed, _ = run(capsys, "runs", "watch", "--once", "w")
    assert code == 0 and "measured 2" in printed and "open 3" in printed
    with monkeypatch.context() as patch:
        minimised = _stopping_after(9, patch)
        code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 1 and len(minimised) == 3 and _uppers(facts) == LEAST
    code, facts, _ = _facts(capsys, *COMMAND, "--no-replay")
    assert (code, facts["recorded"], facts["results"]) == (3, 5, [])
    assert "of 5 samples" in facts["claim"] and "5 of 5 recorded, not replayed" in facts["claim"]


def _loose(monkeypatch: pytest.MonkeyPatch, within: Fraction | None) -> None:
    """From now on time ends when the interval has this length; None: before anything is proved."""
    real = work.worst

    def least(query: Any, **given: Any) -> Any:
        found = real(query, **(given | {"within": within or Fraction(1, 8)}))
        if within is None:
            found = replace(found, lower=None, proof=None, question=None, pair=None)
        return replace(found, reached=False, reason="timeout")

    monkeypatch.setattr(work, "worst", least)


def test_what_is_not_close_is_tried_again_and_never_becomes_wider(here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        _loose(patch, None)
        code, first, _ = _facts(capsys, *COMMAND)
    assert code == 1 and first["undecided"] == 5
    assert all(found["lower"] is None for found in first["results"])
    code, text = checked(here / "w")
    assert code == 3 and json.loads(text)["reached"] == 0
    with monkeypatch.context() as patch:
        _loose(patch, Fraction(1, 4))
        code, second, _ = _facts(capsys, *COMMAND, "--retry", "undecided")
    assert all(found["lower"] is not None for found in second["results"])
    before = files(here / "w")
    with monkeypatch.context() as patch:
        _loose(patch, None)
        _facts(capsys, *COMMAND, "--retry", "undecided")
    assert files(here / "w")["manifest.json"] == before["manifest.json"]
    code, facts, _ = _facts(capsys, *COMMAND, "--retry", "undecided")
    assert code == 1 and _uppers(facts) == LEAST and facts["undecided"] == 0


@pytest.mark.parametrize("column", ["lower", "upper"])
def test_ends_in_the_database_that_the_evidence_does_not_show_are_refused(here, capsys, column):
    assert run(capsys, *COMMAND)[0] == 1
    with Store(here / "w/run.sqlite") as store, store._transaction() as connection:
        connection.execute(f"UPDATE samples SET {column} = '2' WHERE sample = 1")
    assert run(capsys, "runs", "seal", "w")[0] == 0
    code, text = checked(here / "w")
    assert code == 4 and "sample 1" in text and "its evidence shows 1/2 to 1/2" in text
    code, _, error = run(capsys, *COMMAND)
    assert code == 4 and "sample 1" in error


def test_altered_evidence_and_another_question_are_refused(here, capsys):
    assert run(capsys, *COMMAND)[0] == 1
    folder = RunFolder(here / "w")
    first, second = folder.manifest().results[:2]
    one = folder.certificate(first.certificate or "").read_bytes()
    folder.certificate(second.certificate or "").write_bytes(one)
    code, text = checked(here / "w")
    assert code == 4 and "altered" in text
    code, _, error = run(capsys, *COMMAND, "--within", "1/9")
    assert code == 2 and "margin" in error and "--new" in error
    certify = ["certify", "--network", "net.npz", "--data", "t.csv", "--radius", "1/4",
               "--out", "w"]  # fmt: skip
    code, _, error = run(capsys, *certify)
    assert code == 2 and error.count("\n") == 1 and "margin" in error


def test_commands_about_runs_know_margins(here, capsys):
    assert run(capsys, *COMMAND)[0] == 1
    code, printed, _ = run(capsys, "runs", "list", ".", "--json")
    assert code == 0 and json.loads(printed)[0]["measured"] == 5
    assert run(capsys, "runs", "show", "w")[0] == 0
    code, printed, _ = run(capsys, "runs", "export", "w", "--csv")
    rows = list(csv.DictReader(StringIO(printed)))
    assert code == 0 and [row["upper"] for row in rows] == LEAST
    assert {row["recorded"] for row in rows} == {"measured"}
    assert {row["distance"] for row in rows} == {""} and rows[0]["radius"] == "1/4"
    assert run(capsys, "report", "w", "-o", "x")[0] == 0
    assert "margin" in (here / "x" / "index.html").read_text()
    site = Site(here)
    assert "least margin" in site.page("/")
    assert "5 recorded, not replayed here" in site.page("/run/w")
    assert "the margin is at least 5/2 (2.5) and at most 5/2" in site.page("/run/w/sample/0")
    assert "margin" in site.page("/run/w/report")


def test_options_of_a_run_need_one_and_are_looked_at_first(here, capsys):
    alone = [part for part in COMMAND if part not in ("--out", "w")]
    code, _, error = run(capsys, *alone)
    assert code == 2 and "--jobs is for a run: give its folder with --out" in error
    for more in (["--proofs", "p"], ["--memory", "4GB"], ["--decoder", "value"]):
        code, _, error = run(capsys, *COMMAND, *more)
        assert code == 2 and error.count("\n") == 1 and not (here / "w").exists()


def test_without_a_run_proofs_are_written_as_they_are_found(here, monkeypatch, capsys):
    from verifier.tasks import worst as task

    real, calls = task.worst, []

    def least(query: Any, **given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(query, **given)

    monkeypatch.setattr(task, "worst", least)
    alone = ["worst", "net.npz", "--data", "t.csv", "--radius", "1/4", "--proofs", "p", "--json"]
    code, facts, error = _facts(capsys, *alone)
    assert code == 130 and _uppers(facts) == LEAST[:2]
    assert "stopped after 2 of 5 samples; proofs are in p" in error
    assert sorted(path.name for path in (here / "p").iterdir()) == [
        "sample-0-worst.json.gz", "sample-1-worst.json.gz",
    ]  # fmt: skip


def test_a_worker_that_lies_about_ends_is_not_believed(here, capsys):
    assert run(capsys, *COMMAND)[0] == 1
    folder = RunFolder(here / "w")
    context = work.Context(folder.network(), folder.points(),
                           work.Job(folder.manifest().question, work.Options()))  # fmt: skip
    (record,) = work.solve(context, [0])
    assert isinstance(record.checked, Checked)
    assert with_check(context, record, record.checked).ends == ("5/2", "5/2")
    for lie in (replace(record, ends=("5/2", "3")), replace(record, ends=(None, "5/2")),
                replace(record, state="misread")):  # fmt: skip
        with pytest.raises(RefusedError, match="another verdict"):
            with_check(context, lie, record.checked)
