"""`robmem margin`: curves of samples and of a data set, and their evidence in files."""

from __future__ import annotations

import json

import pytest

from verifier.cli.main import main
from verifier.evidence.network_file import network_bytes
from verifier.question.build import NetworkBuilder


@pytest.fixture
def files(tmp_path):
    build = NetworkBuilder(1)
    (x,) = build.inputs
    right, left = build.layer([x - 1, -x - 3])
    network = tmp_path / "net.json"
    network.write_bytes(network_bytes(build.network([0 * x + 1, right + left])))
    data = tmp_path / "data.csv"
    data.write_text("0,a\n1,a\n3,a\n9,b\n")
    return [str(network), "--data", str(data), "--quiet"]


def test_curves_are_printed_and_their_proofs_checked(files, tmp_path, capsys):
    folder = tmp_path / "curves"
    command = ["margin", *files, "--up-to", "5/2", "--proofs", str(folder)]
    assert main([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["samples"], said["exact"]) == (4, 4)
    assert [r["zero"] for r in said["results"]] == [
        ["2", "2"],
        ["1", "1"],
        ["0", "0"],
        ["5/2", None],
    ]
    assert said["accuracy"] == [["0", 3, 3], ["1", 2, 2], ["2", 1, 1]]
    first = said["results"][0]["pieces"]
    assert [p["radii"] for p in first] == [["0", "1"], ["1", "5/2"]]
    for k, piece in enumerate(json.loads((folder / "sample-0-curve.json").read_text())):
        assert piece["lower"] == piece["upper"] == first[k]["lower"]
        assert main(["check", str(folder / f"sample-0-piece-{k}.json.gz")]) == 0
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "known exactly for every radius for 4 of 4 samples" in said and "beyond" in said


def test_a_zero_that_was_not_found_is_not_called_beyond(files, capsys):
    """Where time ends first, nothing is known but that a sample is read."""
    command = ["margin", *files, "--up-to", "5/2", "--samples", "0", "--timeout", "0.000001"]
    assert main(command) == 3
    said = capsys.readouterr().out
    assert "beyond" not in said and "from 0 on" in said


def test_a_run_of_curves_is_stored_sealed_continued_and_checked(files, tmp_path, capsys):
    run = tmp_path / "run"
    command = ["margin", *files, "--up-to", "5/2", "--out", str(run), "--jobs", "0", "--json"]
    assert main([*command, "--budget-seconds", "0.000001"]) in (0, 3)  # some samples, or none
    capsys.readouterr()
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert [r["zero"][0] for r in said["results"]] == ["2", "1", "0", "5/2"]
    assert said["accuracy"] == [["0", 3, 3], ["1", 2, 2], ["2", 1, 1]]
    assert (said["exact"], said["undecided"], said["recorded"]) == (4, 0, 0)
    sealed = (run / "manifest.json").read_bytes()
    assert b'"margin": {"within": null, "curve": true}' in sealed
    again = [*command[:-1], "--no-replay"]
    assert main(again) == 3  # recorded, not replayed here
    assert "4 of 4 recorded, not replayed here" in capsys.readouterr().out
    assert (run / "manifest.json").read_bytes() == sealed
    for by in ([], ["--kernel"]):
        assert main(["check", str(run), "--json", *by]) == 0
        checked = json.loads(capsys.readouterr().out)
        assert (checked["measured"], checked["reached"], checked["undecided"]) == (4, 4, 0)
        assert "on Linf balls of every radius up to 5/2" in checked["claim"]
    assert main(["check", str(run), "--network", files[0], "--data", files[2]]) == 0
    page = tmp_path / "page"
    assert main(["report", str(run), "-o", str(page), "--quiet"]) == 0
    said = (page / "index.html").read_text()
    assert "Samples with a positive least margin, from each radius on" in said
    assert "robmem margin net.json" in said and "--up-to 5/2" in said
    assert main([*command[:-1], "--proofs", str(tmp_path / "p")]) == 2
    assert "--proofs is for a command without --out" in capsys.readouterr().err


def test_another_radius_is_another_run(files, tmp_path, capsys):
    run = str(tmp_path / "run")
    command = ["margin", *files, "--out", run, "--jobs", "0", "--samples", "0", "--up-to"]
    assert main([*command, "1"]) == 0
    assert main([*command, "2"]) == 2
    assert "radius" in capsys.readouterr().err
    other = ["worst", *files, "--radius", "1", "--samples", "0", "--out", run, "--jobs", "0"]
    assert main(other) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--up-to", "0"], "--up-to: 0 is not positive"),
        (["--up-to", "1", "--norm", "2"], "norm 2: the least margin is not piecewise linear"),
        (["--up-to", "1", "--clip", "0:1"], "margins for all radii do not go with --clip"),
        (["--up-to", "1", "--jobs", "2"], "--jobs is for a run: give its folder with --out"),
        ([], "Missing option '--up-to'"),
    ],
)
def test_mistakes_are_one_line(files, given, words, capsys):
    assert main(["margin", *files, *given]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
