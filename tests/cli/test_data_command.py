"""`robmem data`, and what holds for every command: its exit codes and its one-line errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
import pytest

from tests.oracles.commands import run
from verifier.cli import main as module
from verifier.cli.main import COMMANDS, ExitCode
from verifier.data.load import load
from verifier.question.errors import RefusedError, UserError


def one_line_error(result, code=2) -> str:
    assert result[0] == code
    assert result[1] == ""
    assert result[2].startswith("error: ")
    assert result[2].count("\n") == 1
    return result[2]


def test_digits_by_default(capsys):
    code, out, err = run(capsys, "data")
    assert (code, err) == (0, "")
    for line in (
        "samples           1797",
        "inputs            64",
        "pixel range       0 .. 16",
        "L-inf separation  7  (samples 248 and 1774)",
        "L1 separation     72  (samples 846 and 1790)",
        "L2 separation     sqrt 356 (18.868)  (samples 242 and 1714)",
        load("digits").digest(),
    ):
        assert line in out


def test_json_is_exact(capsys):
    code, out, _ = run(capsys, "data", "breast_cancer", "--json", "--norm", "2", "--norm", "inf")
    assert code == 0
    facts = json.loads(out)
    assert list(facts["separation"]) == ["2", "inf"]
    assert (facts["samples"], facts["inputs"], facts["classes"]) == (569, 30, 2)
    assert facts["label_counts"] == [357, 212]
    dataset = load("breast_cancer")
    assert facts["digest"] == dataset.digest()
    first, second = facts["separation"]["inf"]["pair"]
    pair = zip(dataset.point(first), dataset.point(second), strict=True)
    assert Fraction(facts["separation"]["inf"]["distance"]) == max(abs(a - b) for a, b in pair)
    assert "squared" in facts["separation"]["2"]


def test_numbers_too_long_for_the_table(capsys, tmp_path):
    values = np.array([[5e-324, 1e308], [0, 1e308]])
    np.savez(tmp_path / "t.npz", X=values, y=[0, 1])
    code, out, _ = run(capsys, "data", tmp_path / "t.npz")
    assert code == 0
    assert max(map(len, out.splitlines())) < 140
    code, out, _ = run(capsys, "data", tmp_path / "t.npz", "--json")
    facts = json.loads(out)
    assert Fraction(facts["separation"]["1"]["distance"]) == Fraction(5e-324)
    assert int(facts["denominator"]) == 2**1074


@pytest.mark.parametrize(
    ("text", "words", "counts"),
    [
        ("1,2,a\n1,2,b\n3,4,a\n", "samples 0 and 1 ('a' and 'b')", [2, 1]),
        ("1,2,a\n3,4,a\n", "all 2 samples have the label 'a'; two classes are needed", [2]),
    ],
)
def test_samples_that_no_network_memorizes_are_shown(text, words, counts, capsys, tmp_path):
    """A given network may be asked about them; what has no separation is said."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    code, out, _ = run(capsys, "data", path, "--json")
    facts = json.loads(out)
    assert (code, facts["separation"], facts["label_counts"]) == (0, {}, counts)
    assert words in facts["note"] and len(facts["digest"]) == 64
    code, out, _ = run(capsys, "data", path)
    assert code == 0 and words in out.splitlines()[-1] and "no separation" in out
    code, _, said = run(capsys, "certify", "--data", path, "--out", tmp_path / "run")
    assert code == 2 and words in said


def test_bad_data(capsys, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,2,a\n3,4\n")
    assert f"{path}: line 2, column 3" in one_line_error(run(capsys, "data", path))
    assert "is no data set" in one_line_error(run(capsys, "data", "a\nb"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'. (see robmem --help)"),
        (["data", "--norm", "3"], "norm '3' is not inf, 1 or 2 (see robmem data --help)"),
        (["data", "--nope"], "No such option"),
        (["data", "a", "b"], "unexpected extra argument"),
    ],
)
def test_bad_usage(capsys, arguments, message):
    assert message in one_line_error(run(capsys, *arguments))


def test_version_and_help(capsys):
    code, out, _ = run(capsys, "--version")
    assert (code, out) == (0, f"robmem {version('robmem')}\n")
    assert run(capsys)[0] == 2
    code, out, _ = run(capsys, "--help")
    assert code == 0
    listed = out.split("Commands:")[1]
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"robmem {command}" in out.split("Example:")[-1]


@pytest.mark.parametrize(
    ("outcome", "code", "err"),
    [
        (0, 0, ""),
        (None, 0, ""),
        (ExitCode.FLIP, 1, ""),
        (ExitCode.UNDECIDED, 3, ""),
        (UserError("two\n lines"), 2, "error: two\\n lines\n"),
        (RefusedError("flaw", "detail"), 4, "error: flaw: detail\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("oops"), 70, "ZeroDivisionError: oops"),
    ],
)
def test_exit_codes(capsys, monkeypatch, outcome, code, err):
    @click.command(name="try")
    def command():
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setitem(module.group.commands, "try", command)
    result = run(capsys, "try")
    assert result[0] == code
    assert err in result[2]


def test_a_closed_pipe_is_no_result():
    script = "import sys; from verifier.cli.main import main; sys.exit(main(['data', 'iris']))"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        process.stdout.close()
        assert process.wait(60) == ExitCode.CLOSED_PIPE
        assert process.stderr.read() == b""
