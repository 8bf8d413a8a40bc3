"""Runs of `robmem search`: a run as of certify, whose samples are attacked first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.runs import checked, files
from verifier.runs import work

COMMAND = ["search", "net.npz", "--data", "t.csv", "--radius", "1/2", "--out", "s", "--jobs", "0",
           "--json"]  # fmt: skip
FOUND = ["robust", "flip", "flip", "flip", "misread"]  # of (x, 1 - x), a tie at 1/2


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n1,0\n0.25,1\n0.75,1\n")
    return tmp_path


def _facts(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, Any], str]:
    code, printed, error = run(capsys, *command)
    return code, json.loads(printed), error


def _found(facts: dict[str, Any]) -> list[str]:
    return [found["verdict"] for found in facts["results"]]


def test_a_search_is_stored_sealed_replayed_and_reported(here, capsys):
    code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 1 and _found(facts) == FOUND and facts["folder"] == "s"
    assert (facts["flips"], facts["misread"], facts["robust"]) == (3, 1, 1)
    assert facts["results"][4]["flips"][0]["method"] == "sample"
    alone = [part for part in COMMAND if part not in ("--out", "s", "--jobs", "0")]
    code, without, _ = _facts(capsys, *alone)
    assert (code, _found(without)) == (1, FOUND)
    for ours, theirs in zip(facts["results"], without["results"], strict=True):
        for one, other in zip(ours["flips"], theirs["flips"], strict=True):
            for name in ("rival", "distance", "outputs", "point"):
                assert one[name] == other[name]
    code, text = checked(here / "s")
    assert code == 0 and json.loads(text)["flips"] == 3
    code, _, _ = run(capsys, "report", "s", "-o", "r")
    assert code == 0 and (here / "r/index.html").exists()


def test_the_same_run_has_the_same_bytes_however_it_is_shared(here, capsys):
    assert run(capsys, *COMMAND)[0] == 1
    there = ["other" if part == "s" else "2" if part == "0" else part for part in COMMAND]
    assert run(capsys, *there)[0] == 1
    assert files(here / "s") == files(here / "other")


def test_an_interrupted_search_shows_what_it_has_and_continues(here, monkeypatch, capsys):
    real, attacked = work.attacked, []

    def attack(*given: Any) -> Any:
        attacked.append(given)
        if len(attacked) == 5:
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(work, "attacked", attack)
        patch.setattr("verifier.runs.run.LARGEST_CHUNK", 1)
        code, facts, error = _facts(capsys, *COMMAND)
    assert code == 130 and "the same command continues" in error
    assert _found(facts) == FOUND[:4] and facts["undecided"] == 1
    code, facts, _ = _facts(capsys, *COMMAND)
    assert code == 1 and _found(facts) == FOUND
    code, facts, _ = _facts(capsys, *COMMAND, "--no-replay")
    assert (code, facts["recorded"], facts["results"]) == (3, 5, [])


def test_hints_are_tried_and_reach_other_processes(here, monkeypatch, capsys):
    """Hints of a run lead to the flips that they are."""
    from fractions import Fraction

    from verifier.cli import search

    point = (Fraction(15, 32),)
    monkeypatch.setattr(search, "_hints", lambda asked, question: {2: [(point, "hint")]})
    for jobs in ("0", "1"):
        command = [f"s{jobs}" if part == "s" else jobs if part == "0" else part for part in COMMAND]
        command[command.index("1/2")] = "3/4"
        code, facts, _ = _facts(capsys, *command, "--samples", "2:3")
        assert code == 1 and facts["results"][0]["flips"][0]["point"] == ["15/32"]


def test_the_nearest_flip_of_a_run_is_a_distance_up_to_the_radius(here, capsys):
    code, facts, _ = _facts(capsys, *COMMAND, "--nearest")
    assert code == 1 and facts["undecided"] == 0
    assert [found["upper"] for found in facts["results"]] == [None, "1/2", "1/2", "1/4", "0"]
    assert facts["results"][0]["lower"] == "1/2"
    code, text = checked(here / "s")
    assert code == 0 and json.loads(text)["measured"] == 5


def test_what_does_not_go_with_a_run_is_said_before_a_folder_is_made(here, capsys):
    for more in (["--limit", "1"], ["--all-rivals"], ["--memory", "4GB"],
                 ["--nearest", "--picture", "p"]):  # fmt: skip
        code, _, error = run(capsys, *COMMAND, *more)
        assert code == 2 and error.count("\n") == 1 and not (here / "s").exists()
    plain = [part for part in COMMAND if part not in ("--out", "s")]
    code, _, error = run(capsys, *plain)
    assert code == 2 and "--jobs is for a run" in error
    code, _, error = run(capsys, *plain[:-3], "--out", "flips.txt")
    assert code == 2 and "neither .json nor .npz" in error and error.count("\n") == 1


def test_a_format_is_searched_as_a_run(here, capsys):
    code, facts, _ = _facts(capsys, *COMMAND, "--semantics", "float32")
    assert code == 1 and facts["semantics"] == "float32" and facts["misread"] == 1
    code, text = checked(here / "s")
    assert code == 0 and "float32" in json.loads(text)["claim"]
