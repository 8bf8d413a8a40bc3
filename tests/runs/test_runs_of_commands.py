"""Radius, worst and search are runs as certify is: shared, continued, sealed, replayed, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder
from tests.oracles.runs import checked, files
from verifier.runs.folder import RunFolder

ASKED = {
    "radius": ["radius", "net.npz"],
    "worst": ["worst", "net.npz", "--radius", "1/4"],
    "search": ["search", "net.npz", "--radius", "1/2"],
    "nearest": ["search", "net.npz", "--radius", "1/2", "--nearest"],
    "certify": ["certify", "--network", "net.npz", "--radius", "1/4"],
}
CODES = {"radius": 0, "worst": 1, "search": 1, "nearest": 1, "certify": 1}
MEASURED = {"radius": 5, "worst": 5, "search": 0, "nearest": 5, "certify": 0}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network of (x, 1 - x), and five samples of which the last is misread."""
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n1,0\n0.25,1\n0.75,1\n")
    return tmp_path


def command(kind: str, *more: str) -> list[str]:
    return [*ASKED[kind], "--data", "t.csv", "--json", "--quiet", *more]


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, printed, _ = run(capsys, *arguments)
    return code, json.loads(printed)


@pytest.mark.parametrize("kind", ASKED)
def test_a_store_holds_runs_of_every_kind(here, capsys, kind):
    code, found = facts(capsys, *command(kind, "--store", "s", "--jobs", "0"))
    assert code == CODES[kind] and Path(found["folder"]).parent == Path("s")
    code, again = facts(capsys, *command(kind, "--store", "s", "--jobs", "0"))
    assert code == CODES[kind] and again["folder"] == found["folder"]
    code, printed, _ = run(capsys, "runs", "list", "s", "--json")
    (row,) = json.loads(printed)
    assert code == 0 and row["samples"] == 5
    assert row["measured"] + row["misread"] >= MEASURED[kind] and row["root"]
    assert checked(here / found["folder"])[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ASKED)
def test_a_cluster_finds_the_same_bytes(here, capsys, kind):
    from distributed import LocalCluster

    assert run(capsys, *command(kind, "--out", "alone", "--jobs", "0"))[0] == CODES[kind]
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        there = ["--out", "r", "--cluster", cluster.scheduler_address]
        code, _, error = run(capsys, *command(kind, *there))
        assert code == CODES[kind], error
    assert files(here / "r") == files(here / "alone")
    assert checked(here / "r")[0] == 0


@pytest.mark.parametrize("kind", ASKED)
def test_the_proved_kernel_replays_all_of_them(here, capsys, monkeypatch, kind):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    code, found = facts(capsys, *command(kind, "--out", "r", "--jobs", "0", "--proved"))
    assert code == CODES[kind] and found["proved_kernel"] == 5
    assert RunFolder(here / "r").manifest().proved
    code, text = checked(here / "r", "--proved")
    assert code == 0 and json.loads(text)["checker"] == "proved kernel"
    people = [word for word in command(kind, "--out", "r", "--proved") if word != "--json"]
    assert "proved kernel" in run(capsys, *people)[1]


SLOWLY = """
import sys, time
from verifier.runs import work
seen = []
def slowed(real):
    def after(*given, **named):
        seen.append(1)
        if len(seen) > 2:
            print("third", file=sys.stderr, flush=True)
            time.sleep(600)
        return real(*given, **named)
    return after
for name in ("exact_radius", "worst", "attacked"):
    setattr(work, name, slowed(getattr(work, name)))
import verifier.runs.run as runs
runs.LARGEST_CHUNK = 1
from verifier.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", ["radius", "worst", "search"])
def test_an_interrupt_shows_the_table_and_the_same_command_goes_on(here, capsys, kind):
    """SIGINT as of ctrl-C, to a process of its own, while it works on the third sample."""
    words = command(kind, "--out", "r", "--jobs", "0")
    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline() == "third\n"
        process.send_signal(signal.SIGINT)
        printed, error = process.communicate(timeout=120)
    assert process.returncode == 130 and "the same command continues" in error
    found = json.loads(printed)
    assert [one["sample"] for one in found["results"]] == [0, 1] and found["undecided"] == 3
    code, found = facts(capsys, *words)
    assert code == CODES[kind] and len(found["results"]) == 5
    assert checked(here / "r")[0] == 0
