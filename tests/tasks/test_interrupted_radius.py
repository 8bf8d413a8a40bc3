"""Radii that are interrupted: what was found is shown and kept, and the same command continues."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tests.oracles.commands import run
from verifier.tasks import flips, radius

COMMAND = ["radius", "net.npz", "--data", "t.csv", "--proofs", "p", "--json"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n1,0\n0.25,1\n")
    return tmp_path


def _stopping_after(count, monkeypatch):
    """Ctrl-C is pressed after that many samples; the list of those that are measured."""
    measured, real = [], radius.exact_radius

    def measure(network, points, sample, **given):
        if len(measured) == count:
            raise KeyboardInterrupt
        measured.append(sample)
        return real(network, points, sample, **given)

    monkeypatch.setattr(radius, "exact_radius", measure)
    return measured


def test_the_same_command_continues(here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        assert _stopping_after(2, patch) == []
        code, printed, error = run(capsys, *COMMAND)
    assert code == 130
    assert [found["sample"] for found in json.loads(printed)["results"]] == [0, 1]
    assert "stopped after 2 of 4 samples; exact radii are in p, the same command" in error
    assert sorted(path.name for path in (here / "p").iterdir()) == [
        "sample-0-radius.json.gz", "sample-1-radius.json.gz",
    ]  # fmt: skip
    before = (here / "p/sample-0-radius.json.gz").read_bytes()
    with monkeypatch.context() as patch:
        measured = _stopping_after(9, patch)
        code, printed, _ = run(capsys, *COMMAND)
    assert code == 0 and measured == [2, 3]
    facts = json.loads(printed)
    assert [found["upper"] for found in facts["results"]] == ["3/2", "1/2", "1/2", "1/4"]
    assert (facts["exact"], facts["checked"]) == (4, 8)
    assert (here / "p/sample-0-radius.json.gz").read_bytes() == before


def test_a_stored_pair_about_something_else_is_refused(here, capsys):
    assert run(capsys, *COMMAND)[0] == 0
    shutil.copy(here / "p/sample-0-radius.json.gz", here / "p/sample-1-radius.json.gz")
    code, _, error = run(capsys, *COMMAND)
    assert code == 4 and "sample-1-radius.json.gz" in error
    code, _, error = run(capsys, *COMMAND, "--norm", "1", "--samples", "0")
    assert code == 4


def test_a_search_shows_and_writes_what_it_found(here, monkeypatch, capsys):
    real, seen = flips._any, []

    def searched(*given):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(1)
        return real(*given)

    monkeypatch.setattr(flips, "_any", searched)
    code, printed, error = run(
        capsys,
        *"search net.npz --data t.csv --radius 1/2 --out f.json --json".split(),  # noqa: SIM905
    )
    assert code == 130 and "stopped after 2 of 4 samples" in error
    facts = json.loads(printed)
    assert facts["samples"] == 2
    assert json.loads((here / "f.json").read_text())["claim"] == facts["claim"]


def test_without_a_folder_the_table_is_shown_all_the_same(here, monkeypatch, capsys):
    _stopping_after(1, monkeypatch)
    code, printed, error = run(capsys, "radius", "net.npz", "--data", "t.csv")
    assert code == 130 and "3/2" in printed and "give --out to keep" in error
