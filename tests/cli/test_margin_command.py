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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--up-to", "0"], "--up-to: 0 is not positive"),
        (["--up-to", "1", "--norm", "2"], "norm 2: the least margin is not piecewise linear"),
        (["--up-to", "1", "--clip", "0:1"], "margins for all radii do not go with --clip"),
        ([], "Missing option '--up-to'"),
    ],
)
def test_mistakes_are_one_line(files, given, words, capsys):
    assert main(["margin", *files, *given]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
