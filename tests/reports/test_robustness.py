"""What a report says of a network whose radii are known: x / 4, of which the nearest of 0 and 1 is
read, loses a label at x = 2 and nowhere before."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import robmem
from reports.run_report import run_report, runs_report
from reports.stored_run import StoredRun, read_run
from reports.write import files_of
from tests.oracles.report_runs import sealed, with_flip
from verifier.cli.main import main
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.runs.place import find_run

ROWS = [(0, 0), (1, 0), (3, 1), (4, 1), (Fraction(5, 2), 0), (Fraction(9, 2), 1)]
RADII = {0: 2, 1: 1, 2: 1, 3: 2, 5: Fraction(5, 2)}  # sample 4 is misread


def line(folder: Path, slope: Fraction, measured: bool = True) -> StoredRun:
    """A run of radius 1/2 about slope * x, with the radii of `robmem radius`."""
    folder.mkdir()
    builder = NetworkBuilder(1)
    save_network(builder.network([builder.inputs[0] * slope]), folder / "net.robmem")
    lines = "".join(f"{float(x)},{label}\n" for x, label in ROWS)
    (folder / "line.csv").write_text(lines)
    network, data = str(folder / "net.robmem"), str(folder / "line.csv")
    words = ["--network", network, "--data", data, "--radius", "1/2", "--out", str(folder / "run")]
    assert main(["certify", *words, "--quiet"]) == 1
    if not measured:
        return read_run(find_run(folder / "run"))
    main(["radius", network, "--data", data, "--proofs", str(folder / "radii"), "--quiet"])
    return read_run(find_run(folder / "run"), radii=folder / "radii")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    return line(tmp_path_factory.mktemp("robustness") / "quarter", Fraction(1, 4))


def report(run: StoredRun) -> Any:
    return json.loads(files_of(run_report(run))["report.json"])


def test_the_curve_is_that_of_the_radii(run: StoredRun) -> None:
    """5 of 6 are read right; 1 is lost by two at 1, 2 by two, 5/2 by the last, at once."""
    table = report(run)["tables"]["accuracy"]
    assert table["columns"] == ["radius", "certified at it", "certified beyond it"]
    assert table["rows"] == [["0", 5, 5], ["1", 3, 3], ["2", 1, 1], ["5/2", 0, 0]]
    assert "of 6" in table["caption"]


def test_accuracies_are_exact_counts(run: StoredRun) -> None:
    facts = files_of(run_report(run))["tables/facts.csv"].decode()
    assert "Verdicts,clean accuracy,5 of 6" in facts
    assert "Verdicts,certified accuracy,5 of 6" in facts


def test_stability_is_the_mean_and_quantiles_are_radii(run: StoredRun) -> None:
    rows = report(run)["tables"]["stability"]["rows"]
    mean = sum(map(Fraction, RADII.values())) / 5
    assert rows[0] == ["class stability: the mean", str(mean), str(mean)]
    assert [row[1:] for row in rows[1:]] == [["1", "1"], ["1", "1"], ["2", "2"], ["2", "2"],
                                             ["5/2", "5/2"]]  # fmt: skip
    text = " ".join(report(run)["statements"]["radii"])
    assert "5 samples that are read right, of 5 exactly" in text
    assert "von Berg et al., ICLR 2026" in text and "Bosman et al., JAIR 2025" in text


def test_classes_and_rivals_are_told_apart_from_misread_samples(run: StoredRun) -> None:
    tables = report(run)["tables"]
    assert tables["class-radii"]["rows"] == [
        ["0", 2, 2, "1", "1", "2", "3/2"], ["1", 3, 3, "1", "2", "5/2", "11/6"],
    ]  # fmt: skip
    assert tables["pairs"]["rows"] == [["0", 2, None, 2], ["1", 3, 3, None]]
    assert "5 nearest flips" in tables["pairs"]["caption"]
    assert tables["misread-pairs"]["rows"] == [["0", 1, 1]]
    found = report(run)
    titles = [card["title"] for card in found["worst"]]
    assert titles[0] == "Sample 1: robust" and titles[-1] == "Sample 4: misread"
    assert sum("misread" in title for title in titles) == 1
    assert found["worst"][-1]["read instead"] == "1"


def test_without_radii_the_envelope_is_wide(tmp_path: Path) -> None:
    """Known is the ball of radius 1/2 alone: five are proved up to it, and all five possible."""
    run = line(tmp_path / "plain", Fraction(1, 4), measured=False)
    found = report(run)
    assert "accuracy" not in found["tables"] and "stability" not in found["tables"]
    document = runs_report([run, run], compare=True)
    table = json.loads(files_of(document)["report.json"])["tables"]["accuracy-inf"]
    assert table["rows"] == [["1/2", "5 of 6"]]


def test_runs_are_compared_sample_by_sample(run: StoredRun, tmp_path: Path) -> None:
    """With slope 1/3 labels change at 3/2: samples 0 and 1 are nearer to it, the others farther;
    sample 4 is still misread."""
    other = line(tmp_path / "third", Fraction(1, 3))
    document = runs_report([run, other], compare=True)
    files = files_of(document)
    found = json.loads(files["report.json"])
    rows = {row[0]: row[1:] for row in found["tables"]["runs"]["rows"]}
    assert rows["clean accuracy"] == ["5 of 6", "5 of 6"]
    assert rows["certified accuracy"] == ["5 of 6", "4 of 6"]
    assert rows["class stability"] == ["17/10 = 1.7", "9/5 = 1.8"]
    assert rows["exact radii"] == [5, 5]
    text = " ".join(found["statements"]["runs"])
    assert "larger at 2" in text and "at 3, they are equal at 0." in text
    assert found["tables"]["agreement"]["rows"] == [
        ["misread", "misread", 1], ["robust", "flip", 1], ["robust", "robust", 4],
    ]  # fmt: skip
    assert found["tables"]["accuracy-inf"]["columns"] == ["radius", "run", "run"]
    assert "tables/run1-samples.csv" not in files and "tables/run1-checked.csv" in files
    whole = files_of(runs_report([run, other]))
    assert "tables/run1-samples.csv" in whole


def test_runs_of_one_network_at_several_radii_are_one_curve(run: StoredRun, tmp_path: Path) -> None:
    """A run without radii adds nothing to one with them, and their curve has the samples once."""
    plain = line(tmp_path / "plain", Fraction(1, 4), measured=False)
    found = json.loads(files_of(runs_report([plain, run], compare=True))["report.json"])
    table = found["tables"]["accuracy-inf"]
    assert table["columns"] == ["radius", "run, run"] and table["rows"] == [["1/2", "5 of 6"]]


def test_python_compares_as_the_command_does(tmp_path: Path) -> None:
    first, second = sealed(tmp_path / "first"), with_flip(tmp_path / "second")
    files = robmem.report([first, second], tmp_path / "both", compare=True)
    page = (tmp_path / "both" / "index.html").read_bytes()
    assert files[0] == tmp_path / "both" / "index.html"
    words = ["report", str(first), str(second), "--compare", "-o", str(tmp_path / "again")]
    assert main([*words, "--quiet"]) == 0
    assert (tmp_path / "again" / "index.html").read_bytes() == page
    with pytest.raises(UserError, match="1 run; a comparison needs two or more"):
        robmem.report(first, tmp_path / "one", compare=True)
    with pytest.raises(UserError, match="1 folders for 2 runs"):
        robmem.report([first, second], tmp_path / "one", radii=["radii"])
