"""Balls of norms above 2 from the command line: certified, replayed, and refused by name where a
command knows inf, 1 and 2 alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """both.npz: (|x|, y + 1/2), and four samples in the plane."""
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    last = np.array([[1.0, 1, 0, 0], [0, 0, 1, -1]])
    np.savez("both.npz", W0=first, b0=np.zeros(4), W1=last, b1=np.array([0, 0.5]))
    Path("four.csv").write_text("x,y,label\n0,0,b\n3,1,a\n1,3,b\n4,4,a\n")
    return tmp_path


@pytest.mark.parametrize(
    ("norm", "inside", "beyond"),
    [("3", "0.3149", "0.3151"), ("4", "0.2972", "0.2974"), ("9", "0.2699", "0.2701")],
)
def test_the_ball_before_the_tie_is_proved_and_the_one_beyond_has_a_flip(
    here: Path, capsys: pytest.CaptureFixture[str], norm: str, inside: str, beyond: str
) -> None:
    """|x| < y + 1/2 around (0, 0): the nearest tie is (1/4, -1/4), at 2^(1/p) / 4."""
    ball = ("both.npz", "--center", "0,0", "--label", "1", "--norm", norm, "--radius")
    code, out, _ = run(capsys, "verify", *ball, inside, "--proof", "robust.json", "--json")
    assert code == 0 and json.loads(out)["verdict"] == "robust"
    code, out, _ = run(capsys, "verify", *ball, beyond, "--proof", "flip.json", "--json")
    assert code == 1 and json.loads(out)["verdict"] == "flip"
    for file in ("robust.json", "flip.json"):
        assert run(capsys, "check", file)[0] == 0
        assert run(capsys, "check", file, "--kernel")[0] == 0
        assert f"L{norm} ball of {norm}-th power of the radius" in run(capsys, "check", file)[1]


def test_a_run_about_l3_balls(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ("certify", "--data", "four.csv", "--norm", "3", "--out", "run")  # by l3-shallow
    code, out, _ = run(capsys, *ask, "--ratio", "9/10", "--jobs", "1")
    assert code == 0
    assert "all 4 samples keep their label on L3 balls" in out
    assert run(capsys, "check", "run")[0] == 0
    assert run(capsys, "check", "run", "--kernel")[0] == 0
    assert run(capsys, "export", "run", "--to", "kernel", "-o", "stream")[0] == 0
    assert "task" in Path("stream").read_text()
    code, out, err = run(capsys, "report", "run", "-o", "page")
    assert code == 2 and "about balls of norm 3; reports are of inf, 1 and 2" in err


def test_balls_of_norm_3_by_the_proved_kernel(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    ask = ("certify", "--data", "four.csv", "--norm", "3", "--out", "run", "--ratio", "9/10")
    assert run(capsys, *ask, "--jobs", "1", "--proved")[0] == 0
    code, out, _ = run(capsys, "check", "run", "--proved")
    assert code == 0 and "by the proved kernel" in out


def test_commands_that_know_three_norms(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("both.npz", "--data", "four.csv", "--norm", "3", "--samples", "0")
    for arguments, wanted in (
        (("radius", *asked), "norm 3: distances are measured in inf, 1 and 2"),
        (("worst", *asked, "--radius", "1/10"), "norm 3: least margins are of inf, 1 and 2"),
        (("margin", *asked, "--up-to", "1/10"), "norm 3: the least margin is not piecewise linear"),
        (("certify", "--data", "four.csv", "--norm", "7"),
         "--norm 7: there is no construction for it; name one of another norm"),
        (("certify", "--data", "four.csv", "--norm", "3", "--by-theorem"),
         "--norm 3: no theorem is recognised there"),
        (("data", "four.csv", "--norm", "3"), "norm '3' is not inf, 1 or 2"),
        (("verify", *asked[:1], "--center", "0,0", "--label", "1", "--norm", "65", "--radius", "1"),
         "norm '65' is not inf, or an integer from 1 to 64"),
    ):  # fmt: skip
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "") and wanted in err, (arguments, err)
