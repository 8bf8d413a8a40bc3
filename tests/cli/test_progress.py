"""Long commands say on a terminal what they do and for how long; elsewhere they say nothing."""

from __future__ import annotations

import sys

import pytest

from verifier.cli.main import main
from verifier.cli.progress import line
from verifier.runs.records import STATES
from verifier.runs.run import Progress

COMMANDS = {
    "data moons.csv": "separation in",
    "construct compare --data moons.csv --limit 2000": "building",
    "construct linf --data moons.csv": "building linf for moons",
    "report theory --data moons.csv --ratios 1/2 --limit 2000 -o t": "every construction for moons",
    "certify --data moons.csv --construction linf --out r --jobs 0": "elapsed",
    "least moons.csv --budgets 0": "of positive weight",
    "report r -o p": "writing pages",
    "check r": "checking",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moons.csv").write_text("0,0,0\n1,0,0\n0,3,1\n1,3,1\n")


def test_every_long_command_shows_what_it_does_and_the_time(here, monkeypatch, capsys):
    for command, said in COMMANDS.items():
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
            assert main(command.split()) == 0, command
        error = capsys.readouterr().err
        assert said in error and "elapsed" in error, (command, error)


def test_without_a_terminal_nothing_is_said(here, capsys):
    for command in list(COMMANDS)[:3]:
        assert main(command.split()) == 0
        assert capsys.readouterr().err == ""


def test_a_notebook_keeps_no_pictures_of_a_bar(here, monkeypatch, capsys):
    """Its shell runs commands on a terminal of their own, and shows all that was ever there."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    for command in list(COMMANDS)[:3]:
        assert main(command.split()) == 0
        assert capsys.readouterr().err == ""


def test_a_line_counts_what_there_is():
    counts = dict.fromkeys(STATES, 0) | {"open": 1, "robust": 2, "misread": 1}
    assert line(Progress(4, counts, 0, None, 1.0, 3)) == (
        "3/4 samples, robust 2, flips 0, misread 1, undecided 0, 3.0/s, 0 s left"
    )
    counts = dict.fromkeys(STATES, 0) | {"measured": 4}
    assert "measured 4, undecided 0" in line(Progress(4, counts, 0, None, 1.0, 4))
