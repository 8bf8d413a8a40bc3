"""The gallery is what its commands make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import pytest

import verifier.runs.run
from tests.oracles.gallery import ENTRIES, FOLDER, Entry, kernels, make, readme


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=entry.name, marks=() if entry.quick else pytest.mark.slow)
        for entry in ENTRIES
    ],
)
def test_the_report_is_made_again(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = _files(FOLDER / entry.name)
    recorded = json.loads(committed["report.json"])
    for run in recorded.get("runs", [recorded]):
        versions = {name: seen[0] for name, seen in run.get("versions", {}).items()}
        told = dict(run.get("tables", {}).get("identity", {}).get("rows", ()))  # of slices
        if "program" in told:
            versions["robmem"] = told["program"].removeprefix("robmem ")
        facts: dict[str, Any] = {"host": "", "system": "", "cores": 1, "versions": versions}
        monkeypatch.setattr(verifier.runs.run, "host_facts", lambda facts=facts: facts)
    made = _files(make(entry, tmp_path))
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    drawn_here = f"Figures: matplotlib {matplotlib.__version__}." in told
    proposed_here = f"OpenBLAS for {kernels()}." in told
    assert (readme() == told) == (drawn_here and proposed_here)
    if entry.floats and not proposed_here:  # other last digits: the same tables and figures
        assert sorted(made) == sorted(committed)
        return
    if not drawn_here:
        for files in (committed, made):  # drawn by another matplotlib, whose paths may differ
            for name in [n for n in files if n.startswith("figures/") or n == "index.html"]:
                files[name] = b""
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == []


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_verdict_is_shown() -> None:
    reports = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*/report.json"))]
    for state in ("robust", "flip", "undecided"):
        assert any(report.get("counts", {}).get(state) for report in reports), state


def test_no_place_is_named_and_all_is_small() -> None:
    total = 0
    for path in FOLDER.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            total += len(data)
            if path.suffix != ".pdf":
                for place in (b"/tmp/", b"/home/", b"/root/", b"/work/"):
                    assert place not in data, path
    assert total < 800_000 * len(ENTRIES)
