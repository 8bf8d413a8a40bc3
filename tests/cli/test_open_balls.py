"""`robmem certify --open`: open balls, as closed ones of every smaller radius."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verifier.cli.main import main

DATA = "0,0,a\n1,0,a\n4,0,b\n4,3,b\n0,5,c\n"
PLAIN = ["--jobs", "0", "--quiet"]


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "points.csv"
    path.write_text(DATA)
    return str(path)


def test_open_balls_of_half_the_separation_are_proved_and_replayed(data, tmp_path, capsys):
    """Lipschitz networks are right on the open balls, and wrong or tied on the closed ones."""
    folder = str(tmp_path / "run")
    assert main(["certify", "--data", data, "--open", "--out", folder, *PLAIN]) == 0
    said = capsys.readouterr().out
    assert "for every real m in [0, 3/2), read by G(., m), decoder argmax" in said
    assert "at 3/2 the balls of samples 1 and 2 meet, so no network can" in said
    for command in (["check", folder, "--json"], ["check", folder, "--json", "--kernel"]):
        assert main(command) == 0
        assert json.loads(capsys.readouterr().out)["checked"] == 5
    closed = ["certify", "--data", data, "--construction", "lipschitz-ovr", "--radius", "3/2"]
    assert main([*closed, "--out", str(tmp_path / "closed"), *PLAIN]) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--norm", "inf", "--radius", "3/2"], "[0, 3/2)"),
        (
            ["--norm", "2", "--radius-squared", "2"],
            "radius m sqrt(2) for every real m in [0, 1)",
        ),
        (["--norm", "1", "--radius", "3/2"], "L1 ball of radius m for every real m in [0, 3/2)"),
    ],
)
def test_open_balls_of_a_network_from_a_file(given, words, data, tmp_path, capsys):
    built = ["construct", "lipschitz-ovr", "--data", data, "-o", str(tmp_path / "net.robmem")]
    assert main(built) == 0
    command = [
        "certify",
        "--network",
        str(tmp_path / "net.robmem"),
        "--data",
        data,
        "--open",
        *PLAIN,
    ]
    assert main([*command, *given, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert words in said and "all 5 samples" in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--construction", "linf"], "--open: the network of linf depends on the budget"),
        (["--ratio", "1/2"], "--open does not go with --ratio"),
        (["--every-budget"], "give either --every-budget or --open, not both"),
        (["--semantics", "float32"], "--open is about exact arithmetic, not float32"),
        (["--radius", "1"], "--open does not go with --radius"),
    ],
)
def test_what_does_not_go_with_open_balls_is_one_line(given, words, data, tmp_path, capsys):
    command = ["certify", "--data", data, "--open", "--out", str(tmp_path / "run"), *given]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
