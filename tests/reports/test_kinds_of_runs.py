"""Runs about distances, least margins and every budget have pages of their own, in every form."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import robmem
from reports.family import largest_radius
from reports.run_report import run_report, runs_report
from reports.serve import Site
from reports.stored_run import StoredRun, read_run
from reports.write import files_of
from tests.oracles.report_runs import kinds
from verifier.runs.place import find_run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each kind."""
    return kinds(tmp_path_factory.mktemp("kinds"))


def read(store: Path, name: str, **options: Any) -> StoredRun:
    return read_run(find_run(store / name), **options)


def table(document: Any, key: str) -> list[tuple[Any, ...]]:
    return next(list(one.rows) for one in document.tables() if one.key == key)


def test_distances_are_a_curve_and_radii(store: Path) -> None:
    run = read(store, "far")
    document = run_report(run)
    assert document.summary == (
        "Of 6 samples of line, the L-infinity distance to the nearest point that loses the label "
        "is known exactly for 5; 1 misread at the sample itself."
    )
    assert document.tone == "good" and run.counts["measured"] == 5
    exact = [run.known[k].lower for k in (0, 1, 2, 3, 5)]
    assert exact == [2, 1, 1, 2, Fraction(5, 2)]
    curve = table(document, "accuracy")
    assert curve == [(0, 5, 5), (1, 3, 3), (2, 1, 1), (Fraction(5, 2), 0, 0)]
    stability = table(document, "stability")[0]
    assert stability[1:] == (Fraction(17, 10), Fraction(17, 10))
    checked = [row[:2] for row in table(document, "checked")]
    assert ("distances: a proof that no flip is nearer, a flip at the other end", 6) in checked
    assert "robmem radius" in json.dumps(document.values["command"])
    verdicts = next(one for one in document.tables() if one.key == "verdicts")
    assert verdicts.columns == ("label", "samples", "measured", "misread", "undecided")
    compared = runs_report([run, run], compare=True)
    rows = [row[0] for row in table(compared, "runs")]
    assert "misread" in rows and not {"robust", "flips", "radius", "certified accuracy"} & {*rows}


def test_least_margins_say_which_labels_are_kept(store: Path) -> None:
    """The output moves by 1/8 on the ball, the label changes at 1/2: x = 1 and 3 keep 1/8."""
    run = read(store, "least")
    document = run_report(run)
    assert (run.counts["robust"], run.counts["misread"]) == (5, 1)
    assert run.margins[1].upper == run.margins[1].lower == Fraction(1, 8)
    assert document.summary.startswith("5 of 6 samples of line keep their label")
    quantiles = table(document, "margins")
    assert quantiles[0] == ("least", run.margins[4].lower, run.margins[4].upper)
    assert run.margins[4].upper < 0
    assert document.values["margins"]["1"]["at_most"] == "1/8"
    worst = [card.key for block in document.blocks() for card in getattr(block, "cards", ())]
    assert worst[0] == "sample-4"


def test_every_budget_is_claimed_and_drawn(store: Path) -> None:
    run = read(store, "every")
    terms = run.question.family
    assert terms is not None and largest_radius(run, terms) == Fraction(1, 2)
    document = run_report(run)
    text = json.dumps([block.text for block in document.blocks() if hasattr(block, "text")])
    assert "every real budget m from 0 to below 1/2" in text
    assert "the balls of samples 0 (0) and 1 (1) meet" in text
    assert "the L-infinity ball of radius m for every real m in [0, 1/2)" in document.summary
    bounds = table(document, "bounds")
    assert bounds[1] == (1, "1", 1, 0, 1, 0)  # G is the label times 1 - 2 m on its ball
    assert {"bounds", "budgets"} <= {figure.key for figure in document.figures()}
    assert "--every-budget" in document.values["command"]


@pytest.mark.parametrize("name", ["far", "least", "every"])
def test_every_form_is_the_same_twice_and_says_what_was_not_replayed(
    store: Path, name: str
) -> None:
    first = files_of(run_report(read(store, name)))
    assert first == files_of(run_report(read(store, name)))
    assert {"index.html", "report.tex", "report.md", "report.json"} <= first.keys()
    hasty = run_report(read(store, name, replay=False))
    assert hasty.values["checked"] == 0 and hasty.values["recorded"] > 0
    assert "Nothing was replayed" in files_of(hasty)["index.html"].decode()


def test_kinds_are_compared(store: Path) -> None:
    runs = [read(store, name) for name in ("far", "least", "every")]
    document = runs_report(runs, compare=True)
    rows = {row[0]: row[1:] for row in table(document, "runs")}
    assert rows["radius"] == (None, Fraction(1, 2), None)
    assert rows["exact radii"][0] == 5


def test_pages_of_every_kind_are_served_with_their_tables(store: Path) -> None:
    site = Site(store)
    for name, said in (
        ("far", "L-infinity distances, decoder nearest"),
        ("least", "6 recorded, not replayed here"),
        ("every", "Every budget"),
    ):
        assert f"/run/{name}/report" in site.page(f"/run/{name}")
        assert said.lower() in site.page(f"/run/{name}/report").lower()
        found = site.file(f"/run/{name}/tables/samples.csv")
        assert found is not None and found[1].startswith(b"sample,label,verdict")
        with pytest.raises(Exception, match="^$"):
            site.file(f"/run/{name}/tables/none.csv")


def test_a_run_without_its_files_says_so_beside_others(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "runs")
    (tmp_path / "runs/least/network.robmem").unlink()
    site = Site(tmp_path / "runs")
    assert "network.robmem missing" in site.page("/")
    with pytest.raises(robmem.RefusedError, match="network missing"):
        site.page("/run/least/report")
    assert "Every budget" in site.page("/run/every/report")


def test_an_altered_certificate_is_not_shown(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store / "far", tmp_path / "far")
    certificate = sorted((tmp_path / "far/certificates").rglob("*.*"))[0]
    certificate.write_bytes(b"no certificate")
    run = read_run(find_run(tmp_path / "far"))
    assert run.counts["recorded"] >= 1 and run.problems
    assert "The evidence is not whole" in files_of(run_report(run))["index.html"].decode()
