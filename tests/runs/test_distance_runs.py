"""Runs of `robmem radius`: stored as they are found, continued, sealed, replayed, and refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
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
from verifier.runs.folder import RunFolder
from verifier.runs.store import Store
from verifier.tasks.radius import RadiusInterval

COMMAND = ["radius", "net.npz", "--data", "t.csv", "--out", "r", "--jobs", "0", "--json"]
AWAY = ["3/2", "1/2", "1/2", "1/4", "0"]  # of (x, 1 - x): |x - 1/2|, and the last one is misread


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n1,0\n0.25,1\n0.75,1\n")
    return tmp_path


def _facts(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, Any], str]:
    code, printed, error = run(capsys, *command)
    return code, json.loads(printed), error


def test_a_run_is_stored_sealed_and_replayed(here, capsys):
    code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 0 and facts["folder"] == "r"
    assert [found["upper"] for found in facts["results"]] == AWAY
    assert (facts["exact"], facts["misread"], facts["undecided"]) == (5, 1, 0)
    code, text = checked(here / "r")
    facts = json.loads(text)
    assert code == 0
    assert (facts["measured"], facts["exact"], facts["misread"], facts["reached"]) == (5, 5, 1, 5)
    code, text = checked(here / "r", "--network", "net.npz", "--data", "t.csv", "--sample", "2",
                         "--seed", "1")  # fmt: skip
    assert code == 0 and json.loads(text)["recorded"] == 3
    code, text = checked(here / "r", "--kernel")
    assert code == 0 and json.loads(text)["checker"] == "kernel"


@pytest.mark.parametrize("norm", ["1", "2"])
def test_other_norms_and_intervals(here, capsys, norm):
    code, facts, _ = _facts(capsys, *COMMAND, "--norm", norm, "--within", "1/8")
    assert code == 0 and facts["undecided"] == 0
    for found, away in zip(facts["results"], map(Fraction, AWAY), strict=True):
        upper = Fraction(found["upper_squared"] if norm == "2" else found["upper"])
        assert Fraction(found["lower"]) <= away <= Fraction(found["lower"]) + Fraction(1, 8)
        assert upper >= (away**2 if norm == "2" else away)
    code, text = checked(here / "r")
    assert (code, json.loads(text)["reached"]) == (0, 5)


def test_the_same_run_has_the_same_bytes_however_it_is_shared(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    there = ["other" if part == "r" else "2" if part == "0" else part for part in COMMAND]
    assert run(capsys, *there)[0] == 0
    assert files(here / "r") == files(here / "other")


def _stopping_after(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], Callable[..., RadiusInterval]]:
    measured: list[int] = []
    real = work.exact_radius

    def measure(network: Any, points: Any, sample: int, **given: Any) -> RadiusInterval:
        if len(measured) == count:
            raise KeyboardInterrupt
        measured.append(sample)
        return real(network, points, sample, **given)

    monkeypatch.setattr(work, "exact_radius", measure)
    return measured, real


def test_an_interrupted_run_shows_what_it_has_and_continues(here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        _stopping_after(2, patch)
        code, facts, error = _facts(capsys, *COMMAND)
    assert code == 130 and "the same command continues" in error
    assert [found["sample"] for found in facts["results"]] == [0, 1]
    assert facts["undecided"] == 3
    assert len(list((here / "r/certificates").iterdir())) == 2
    code, printed, _ = run(capsys, "runs", "watch", "--once", "r")
    assert code == 0 and "measured 2" in printed and "open 3" in printed
    with monkeypatch.context() as patch:
        measured, _ = _stopping_after(9, patch)
        code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 0 and measured == [2, 3, 4]
    assert [found["upper"] for found in facts["results"]] == AWAY
    code, facts, _ = _facts(capsys, *COMMAND, "--no-replay")
    assert (code, facts["recorded"], facts["results"]) == (3, 5, [])
    code, printed, _ = run(capsys, *COMMAND[:-1], "--no-replay")
    assert code == 3 and "none replayed here" in printed and "checked" not in printed


def _loose(monkeypatch: pytest.MonkeyPatch, within: Fraction) -> None:
    """From now on time ends when the interval has this length."""
    real = work.exact_radius

    def measure(network: Any, points: Any, sample: int, **given: Any) -> RadiusInterval:
        found = real(network, points, sample, **(given | {"within": within}))
        if found.exact:
            return found
        return replace(found, reached=False, reason="timeout")

    monkeypatch.setattr(work, "exact_radius", measure)


def test_what_is_not_close_is_tried_again_and_never_becomes_wider(here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        _loose(patch, Fraction(1, 4))
        code, first, _ = _facts(capsys, *COMMAND)
    assert code == 3 and first["undecided"] > 0
    code, text = checked(here / "r")
    assert code == 3 and json.loads(text)["reached"] == 5 - first["undecided"]
    before = files(here / "r")
    with monkeypatch.context() as patch:
        _loose(patch, Fraction(1, 2))
        code, second, _ = _facts(capsys, *COMMAND, "--retry", "undecided")
    assert code == 3
    for old, new in zip(first["results"], second["results"], strict=True):
        assert Fraction(new["lower"]) >= Fraction(old["lower"])
        assert Fraction(new["upper"]) <= Fraction(old["upper"])
    assert files(here / "r")["manifest.json"] == before["manifest.json"]
    code, facts, _ = _facts(capsys, *COMMAND, "--retry", "undecided")
    assert code == 0 and [found["upper"] for found in facts["results"]] == AWAY
    assert checked(here / "r")[0] == 0


def test_altered_evidence_is_refused(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    folder = RunFolder(here / "r")
    manifest = folder.manifest()
    first, second = manifest.results[0], manifest.results[1]
    shutil.copytree(here / "r", here / "swapped")
    one = folder.certificate(first.certificate or "").read_bytes()
    other = RunFolder(here / "swapped")
    other.certificate(second.certificate or "").write_bytes(one)
    code, text = checked(here / "swapped")
    assert code == 4 and "altered" in text
    # the same answer for another sample, sealed anew by whoever changed the database
    shutil.copytree(here / "r", here / "moved")
    with Store(here / "moved/run.sqlite") as store, store._transaction() as connection:
        connection.execute(
            "UPDATE samples SET certificate = ?, lower = '3/2', upper = '3/2' WHERE sample = 1",
            (first.certificate,),
        )
    assert run(capsys, "runs", "seal", "moved")[0] == 0
    code, text = checked(here / "moved")
    assert code == 4 and "sample 1" in text
    code, _, error = run(capsys, *["moved" if part == "r" else part for part in COMMAND])
    assert code == 4 and "sample 1" in error


def test_another_question_is_another_run(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    code, _, error = run(capsys, *COMMAND, "--within", "1/9")
    assert code == 2 and "distance" in error and "--new" in error
    certify = ["certify", "--network", "net.npz", "--data", "t.csv", "--radius", "1", "--out", "r"]
    code, _, error = run(capsys, *certify)
    assert code == 2 and error.count("\n") == 1


def test_options_of_a_run_need_one(here, capsys):
    code, _, error = run(capsys, "radius", "net.npz", "--data", "t.csv", "--jobs", "2")
    assert code == 2 and "--jobs is for a run: give its folder with --out" in error
    code, _, error = run(capsys, *COMMAND, "--proofs", "p")
    assert code == 2 and not (here / "r").exists() and "--proofs" in error
    code, _, error = run(capsys, *COMMAND, "--memory", "4GB")
    assert code == 2 and not (here / "r").exists()


def test_commands_about_runs_know_distances(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    code, printed, _ = run(capsys, "runs", "list", ".", "--json")
    assert code == 0 and json.loads(printed)[0]["measured"] == 4
    assert run(capsys, "runs", "show", "r")[0] == 0
    code, printed, _ = run(capsys, "runs", "export", "r", "--csv")
    rows = list(csv.DictReader(StringIO(printed)))
    assert code == 0 and [row["upper"] for row in rows] == AWAY
    assert [row["recorded"] for row in rows] == ["measured"] * 4 + ["misread"]
    assert run(capsys, "report", "r", "-o", "x")[0] == 0
    assert "nearest flip" in (here / "x" / "index.html").read_text()
    site = Site(here)
    assert "distance to the nearest flip" in site.page("/")
    page = site.page("/run/r")
    assert "4</b><span>measured" in page and "5 recorded, not replayed here" in page
    assert "/report" in page and "at least" in page
    assert "nearest flip" in site.page("/run/r/report")
    page = site.page("/run/r/sample/0")
    assert "recorded, not replayed here: the distance is at least 3/2 (1.5)" in page
    assert "to rival 1" in page
    down = site.page("/run/r?sort=at+most&order=down")
    assert down.index("/sample/0") < down.index("/sample/1") < down.index("/sample/4")
    assert 'aria-sort="descending"' in down


def test_a_worker_that_lies_about_ends_is_not_believed(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    folder = RunFolder(here / "r")
    context = work.Context(folder.network(), folder.points(),
                           work.Job(folder.manifest().question, work.Options()))  # fmt: skip
    from verifier.runs.admission import with_check

    (record,) = work.solve(context, [0])
    assert isinstance(record.checked, Checked)
    assert with_check(context, record, record.checked).ends == ("3/2", "3/2")
    for lie in (replace(record, ends=("3/2", "2")), replace(record, state="misread")):
        with pytest.raises(RefusedError, match="another verdict"):
            with_check(context, lie, record.checked)
