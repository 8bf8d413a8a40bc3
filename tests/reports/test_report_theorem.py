"""Folders that are certified by a theorem alone: `runs show` and `report` say so."""

import json
import re

import pytest

from tests.oracles.commands import run
from tests.oracles.theorem_program import program_or_none, theorem_folder
from verifier.checker.theorem_program import PROGRAM

ROWS = "0,0,a\n4,0,b\n4,4,c\n0,4,a\n9,1,b\n"


@pytest.fixture
def certified(tmp_path, monkeypatch, capsys):
    """The name of such a folder; without the program."""
    program_or_none()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PROGRAM.variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "data.csv").write_text(ROWS)
    command = ("certify", "--data", "data.csv", "--construction", "l1", "--by-theorem")
    assert run(capsys, *command, "--out", "alone")[0] == 0
    return tmp_path / "alone"


def test_runs_show_says_by_which_theorem(certified, capsys):
    code, out, err = run(capsys, "runs", "show", "alone")
    assert (code, err) == (0, "")
    assert re.search(r"^theorem +l1$", out, re.MULTILINE)
    assert "not checked here, robmem check does" in out
    facts = json.loads(run(capsys, "runs", "show", "alone", "--json")[1])
    assert (facts["theorem"], facts["recorded"]) == ("l1", "by theorem")
    (certified / "manifest.json").write_bytes((certified / "manifest.json").read_bytes() + b" ")
    code, out, err = run(capsys, "runs", "show", "alone")
    assert (code, out) == (4, "") and "manifest altered" in err


def test_the_report_recognises_the_network(certified, capsys, monkeypatch):
    code, out, err = run(capsys, "report", "alone", "-o", "twin", "--quiet")
    assert (code, err) == (0, "")
    assert "the theorem itself not checked here" in " ".join(out.split())
    monkeypatch.setenv(PROGRAM.variable, str(theorem_folder()))
    assert run(capsys, "report", "alone", "-o", "proved", "--quiet")[0] == 0
    folder = certified.parent
    for name, by in (("twin", "its twin in Python"), ("proved", "the program extracted from Coq")):
        page = (folder / name / "index.html").read_text()
        assert f"checked for this report by {by}" in page and "theorem B.2" in page
    assert run(capsys, "report", "alone", "-o", "proved", "--quiet")[0] == 0  # over itself


def test_what_is_altered_has_no_report(certified, capsys):
    network = certified / "network.robmem"
    data = bytearray(network.read_bytes())
    data[-40] ^= 1
    network.write_bytes(bytes(data))
    code, _, err = run(capsys, "report", "alone", "-o", "r", "--quiet")
    assert code == 4 and "network altered" in err
    assert run(capsys, "report", "alone", "alone", "-o", "r", "--quiet")[0] == 2


def test_reports_of_both_ways_name_the_theorem(certified, capsys):
    command = ("certify", "--data", "data.csv", "--out", "both", "--by-theorem", "--by-ball")
    assert run(capsys, *command, "--quiet")[0] == 0
    assert run(capsys, "report", "both", "-o", "r", "--quiet")[0] == 0
    page = (certified.parent / "r" / "index.html").read_text()
    assert "by theorem: that the network is linf for these data" in page
    assert "recorded, robmem check --by-theorem" in page
