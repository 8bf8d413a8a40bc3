"""A sample that the network misreads itself is a state of its own wherever a run is shown."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.run_report import run_report
from reports.stored_run import read_run
from reports.write import write_report
from tests.oracles.commands import run
from verifier.checker.checked import Checked
from verifier.checker.elaborate import kernel_check_result
from verifier.checker.manifest import parse_manifest
from verifier.question.errors import RefusedError
from verifier.runs import store as store_module
from verifier.runs.admission import with_check
from verifier.runs.centers import misread_samples
from verifier.runs.checking import check_run
from verifier.runs.identity import question_from
from verifier.runs.place import find_run
from verifier.runs.records import ANSWERED, State
from verifier.runs.store import Store
from verifier.runs.summary import result_of
from verifier.runs.work import Context, Job, solve
from verifier.search.options import Options

# f(x) = x - 2 against 0: label 1 is read from above 2 on, at 2 is a tie.
WEIGHTS = {
    "W0": [[1.0], [-1.0]],
    "b0": [0.0, 0.0],
    "W1": [[0.0, 0.0], [1.0, -1.0]],
    "b1": [0, -2.0],
}
TABLE = "0,0\n1.75,0\n2,1\n3,1\n1,1\n"  # robust, flip, misread by a tie, robust, misread
STATES = ["robust", "flip", "misread", "robust", "misread"]
ASKED = ("--data", "line.csv", "--network", "line.npz", "--radius", "1/2", "--quiet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    """A sealed run with two robust samples, a flip and two that are misread."""
    monkeypatch.chdir(tmp_path)
    np.savez("line.npz", **{name: np.array(value) for name, value in WEIGHTS.items()})
    Path("line.csv").write_text(TABLE)
    code, out, _ = run(capsys, "certify", *ASKED, "--out", "run", "--jobs", "0", "--json")
    facts = json.loads(out)
    assert (code, facts["robust"], facts["misread"], facts["flips"]) == (1, 2, 2, 1)
    assert (facts["clean"], facts["certified"], facts["checked"]) == (3, 2, 5)
    return tmp_path / "run"


def test_the_store_and_its_lists_say_so(folder: Path, capsys: Any) -> None:
    place = find_run(folder)
    with Store(place.database, read_only=True) as store:
        row = place.row(store)
        assert [sample.state for sample in store.samples(row.id)] == STATES
        assert store.pending(row.id, ("misread",)) == [2, 4]
        assert store.pending(row.id, ("flip",)) == [1]
        assert [one.sample for one in store.samples(row.id, ANSWERED)] == [0, 1, 2, 3, 4]
    assert (row.counts["misread"], row.counts["flip"], row.samples) == (2, 1, 5)
    _, out, _ = run(capsys, "runs", "export", folder)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [one["recorded"] for one in rows] == STATES and "state" not in rows[0]
    (listed,) = json.loads(run(capsys, "runs", "list", folder.parent, "--json")[1])
    assert (listed["misread"], listed["flip"], listed["recorded"]) == (2, 1, 5)
    assert "misread" in run(capsys, "runs", "list", folder.parent)[1].splitlines()[0]
    assert "2 robust, 2 misread, 1 flip" in run(capsys, "runs", "show", folder)[1]


def test_the_proved_kernel_splits_them_off_too(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says of a flip that it is one; that its point is the sample is exact evaluation."""
    asked: list[int] = []

    def replay(*about: Any, progress: Any, **_: Any) -> dict[int, Checked]:
        network, points, question, results, fetch, _jobs = about
        asked.extend(result.sample for result in results)
        return {
            result.sample: kernel_check_result(network, points, question, result, fetch)
            for result in results
        }

    monkeypatch.setattr("verifier.checker.proved.find_program", lambda: Path("robmem-kernel"))
    monkeypatch.setattr("verifier.checker.proved.replay_run", replay)
    code, out, _ = run(capsys, "check", folder, "--proved", "--json")
    facts = json.loads(out)
    assert (code, asked) == (0, [0, 1, 2, 3, 4])
    names = ("robust", "misread", "clean", "certified", "flips", "undecided", "checked", "recorded")
    assert [facts[name] for name in names] == [2, 2, 3, 2, 1, 0, 5, 0]
    asked.clear()
    _, out, _ = run(capsys, "check", folder, "--proved", "--json", "--sample", "2", "--seed", "1")
    facts = json.loads(out)
    assert len(asked) == facts["checked"] == 2 and facts["recorded"] == 3
    assert facts["robust"] + facts["flips"] + facts["misread"] == 2
    assert "3 recorded, not replayed here" in facts["claim"]


def test_the_manifest_claims_flips_as_before(folder: Path) -> None:
    """Whether a flip is the sample itself follows from its point: no claim of its own."""
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    assert manifest.counts == {"robust": 2, "flip": 3, "undecided": 0}


def test_check_evaluates_the_samples(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, "check", folder, "--json", "--quiet")
    facts = json.loads(out)
    assert (code, facts["robust"], facts["misread"], facts["flips"]) == (0, 2, 2, 1)
    assert (facts["clean"], facts["certified"]) == (3, 2)
    out = run(capsys, "check", folder, "--quiet")[1]
    for text in ("misread", "clean accuracy", "3 of 5", "certified accuracy", "2 of 5"):
        assert text in out
    _, out, _ = run(capsys, "check", folder, "--sample", "2", "--seed", "1", "--json", "--quiet")
    facts = json.loads(out)
    assert facts["robust"] + facts["misread"] + facts["flips"] == 2 == facts["checked"]


def test_without_replay_nothing_is_said_of_what_is_recorded(folder: Path, capsys: Any) -> None:
    """What is counted comes from this call, samples evaluated or certificates replayed; a forged
    state changes none of it."""
    for forged in ("SET misread = 0", "SET misread = 1 WHERE state = 'flip'",
                   "SET misread = 1", "SET state = 'robust', rival = NULL"):  # fmt: skip
        with sqlite3.connect(folder / "run.sqlite") as connection:
            connection.execute(f"UPDATE samples {forged}")
        connection.close()
        again = ("certify", *ASKED, "--out", "run", "--jobs", "0", "--no-replay")
        code, out, _ = run(capsys, *again, "--json")
        facts = json.loads(out)
        assert code == 3 and facts["recorded"] == 5, forged
        counts = ("robust", "flips", "certified", "checked", "undecided")
        assert [facts[name] for name in counts] == [0] * 5, forged
        assert (facts["misread"], facts["clean"]) == (2, 3), forged  # evaluated in this call
        assert facts["flips_shown"] == []
        out = run(capsys, *again)[1]
        assert "flip of sample" not in out and "5, not replayed here" in out
        assert "3 of 5" in out and "certified accuracy  0 of 5" in out


def test_reports_count_them_apart(folder: Path) -> None:
    stored = read_run(find_run(folder), jobs=1)
    assert [row.state for row in stored.samples] == STATES
    assert (stored.counts["misread"], stored.counts["flip"]) == (2, 1)
    document = run_report(stored)
    assert "2 misread at the sample itself; 1 lose it to one that is shown" in document.summary
    assert document.values["centers"] == {
        "samples": 5, "misread": 2, "clean": 3, "certified": 2, "flips": 1,
    }  # fmt: skip
    write_report(document, folder.parent / "report")
    for name in ("index.html", "report.md", "report.tex", "tables/samples.csv"):
        assert "misread" in (folder.parent / "report" / name).read_text(), name
    for name in ("index.html", "report.md", "report.tex"):
        text = (folder.parent / "report" / name).read_text()
        assert "3 of 5" in text and "2 of 5" in text, name
    unread = read_run(find_run(folder), replay=False)
    assert (unread.counts["recorded"], unread.counts["misread"]) == (5, 0)
    assert run_report(unread).values["centers"]["samples"] == 0


def test_a_worker_that_calls_a_flip_misread_is_refused(folder: Path) -> None:
    place = find_run(folder)
    files, found = place.folder, parse_manifest((folder / "manifest.json").read_bytes())
    network, points = files.network(), files.points()
    context = Context(network, points, Job(found.question, Options()))
    records = solve(context, range(5))
    assert [record.state for record in records] == STATES
    shown = check_run(files, network, points, found.question, found.results, 1, lambda n: None)
    others: list[State] = ["flip", "misread", "flip", "misread", "flip"]
    for record, other in zip(records, others, strict=True):
        evidence = shown.checked[record.sample]
        assert with_check(context, record, evidence).state == record.state
        with pytest.raises(RefusedError, match="another verdict"):
            with_check(context, replace(record, state=other), evidence)


def test_misread_is_what_the_network_says_at_the_sample(folder: Path) -> None:
    """By its definition: label 1 wins where x > 2, label 0 where x < 2; a tie reads neither."""
    files = find_run(folder).folder
    points, question = (
        files.points(),
        parse_manifest((folder / "manifest.json").read_bytes()).question,
    )
    by_hand = []
    for sample in range(points.size):
        (x,), label = points.point(sample), int(points.labels[sample])
        if not (x > 2 if label == 1 else x < 2):
            by_hand.append(sample)
    assert misread_samples(files.network(), points, question, range(points.size)) == by_hand
    assert points.point(2) == (Fraction(2),)


def test_a_database_of_version_2_says_flip_of_both(folder: Path) -> None:
    """It is read as it is, byte for byte, and its results are the same."""
    place = find_run(folder)
    with Store(place.database, read_only=True) as store:
        new, question = store.samples(store.run().id), question_from(store.run().question)
    with sqlite3.connect(place.database) as connection:
        script = store_module._MIGRATIONS[0] + store_module._MIGRATIONS[1]
        old = sqlite3.connect(folder / "old.sqlite")
        old.executescript(script + "PRAGMA user_version = 2;")
        for table in ("runs", "samples"):
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            marks = ", ".join("?" * len(columns))
            old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        old.commit()
        old.close()
    connection.close()
    before = (folder / "old.sqlite").read_bytes()
    with Store(folder / "old.sqlite", read_only=True) as store:
        assert [row.state for row in store.samples(1)] == [
            "robust",
            "flip",
            "flip",
            "robust",
            "flip",
        ]
        assert store.run().counts["flip"] == 3
        read = [result_of(row, question) for row in store.samples(1)]
        assert read == [result_of(row, question) for row in new]
    assert (folder / "old.sqlite").read_bytes() == before
    with Store(folder / "old.sqlite") as store:
        assert store.run().counts["flip"] == 3
        store.check_integrity()


def test_a_misread_sample_outside_of_the_clip_is_not_counted_as_read(folder, capsys):
    """Its ball keeps the label where inputs can be, and it is no input; nothing proved reads it."""
    Path("two.csv").write_text("2.25,0\n1.5,0\n")
    asked = ("--network", "line.npz", "--radius", "1/2", "--clip", "0:1.9", "--quiet")
    asked = ("--data", "two.csv", "--no-header", "--labels", "0,1", *asked)
    for words in (("certify", *asked, "--out", "clipped"), ("check", "clipped", "--quiet"),
                  ("check", "clipped", "--kernel", "--quiet")):  # fmt: skip
        code, out, _ = run(capsys, *words, "--json")
        facts = json.loads(out)
        assert (code, facts["robust"], facts["flips"], facts["clean"]) == (0, 2, 0, 1)
        assert (facts["misread"], facts["certified"]) == (1, 1)
        assert (
            "2 samples keep their label on Linf balls of radius 1/2, clipped to" in facts["claim"]
        )
    code, out, _ = run(capsys, "search", "line.npz", *asked[:5], *asked[7:])
    rows = dict(re.split("  +", line, maxsplit=1) for line in out.splitlines()[4:] if line)
    assert (rows["misread"], rows["clean accuracy"]) == ("1", "1 of 2")
    assert rows["certified accuracy"] == "1 of 2"
