"""`robmem verify` as it is typed: verdicts, evidence, exit codes, one-line errors."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.nnet_text import NNET
from tests.oracles.random_queries import random_query
from verifier.checker.scaled import evaluate
from verifier.cli.main import main
from verifier.formats.comparisons import conjunction_text, parse_conjunction
from verifier.formats.load import load_any_network
from verifier.question.errors import UserError
from verifier.question.query import Atom


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """abs.npz: |x| + |y|. both.npz: (|x|, y + 1/2). abs.nnet: |x - 1/2|."""
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    np.savez("abs.npz", W0=first, b0=np.zeros(4), W1=np.ones((1, 4)), b1=np.zeros(1))
    last = np.array([[1.0, 1, 0, 0], [0, 0, 1, -1]])
    np.savez("both.npz", W0=first, b0=np.zeros(4), W1=last, b1=np.array([0, 0.5]))
    Path("abs.nnet").write_text(NNET.format(low="0.25", mean="0"))
    Path("rows.csv").write_text("x,y,label\n3,3,a\n1/4,0.5,b\n")
    return tmp_path


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["verify", *arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["verify", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_the_ball_before_the_tie_is_proved_and_the_tie_refuted(
    here: Path, capsys: pytest.CaptureFixture[str], norm: str
) -> None:
    # |x| < y + 1/2 around (0, 0): the nearest tie is on x + y = 1/2 or its mirror, at (1/4, -1/4)
    tie = {"inf": ("--radius", "1/4"), "1": ("--radius", "1/2"),
           "2": ("--radius-squared", "1/8")}[norm]  # fmt: skip
    below = {"inf": ("--radius", "0.2499"), "1": ("--radius", "0.4999"),
             "2": ("--radius", "0.3535")}[norm]  # fmt: skip
    asked = ("both.npz", "--center", "0,0", "--label", "1", "--norm", norm)
    code, facts = ask(capsys, *asked, *below, "--proof", "proof.json")
    assert (code, facts["verdict"], facts["robust"], facts["checked"]) == (0, "robust", 1, 1)
    assert {"read", "bounds", "search", "check", "wall"} <= set(facts["seconds"])
    assert facts["proof_bytes"] > 0
    assert main(["check", "proof.json"]) == 0
    capsys.readouterr()
    code, facts = ask(capsys, *asked, *tie, "--proof", "flip.json.gz")
    assert (code, facts["verdict"], facts["flip"]["rival"]) == (1, "flip", "label 0")
    point = [Fraction(x) for x in facts["flip"]["point"]]
    outputs = evaluate(load_any_network("both.npz"), [point])[0]
    assert [Fraction(y) for y in facts["flip"]["outputs"]] == outputs
    assert outputs[0] >= outputs[1]
    assert main(["check", "flip.json.gz"]) == 0


def test_decoders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ball = ("abs.npz", "--center", "1,1", "--radius", "1/10")  # |x| + |y| in 1.8 .. 2.2
    assert ask(capsys, *ball, "--label", "2", "--labels", "0,2,1")[0] == 0
    assert ask(capsys, *ball, "--label", "2", "--labels", "1.6,2,3")[0] == 1
    assert ask(capsys, *ball, "--label", "1", "--decoder", "sign")[0] == 0
    assert ask(capsys, *ball, "--label", "-1", "--decoder", "sign")[0] == 1
    assert ask(capsys, *ball, "--label", "2", "--decoder", "value")[0] == 1
    same = (*ball[:-1], "0")
    assert ask(capsys, *same, "--label", "2", "--decoder", "value")[0] == 0


def test_unsafe_sets_on_boxes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = ("abs.npz", "--box", "1/4:1,0:1")
    assert ask(capsys, *box, "--unsafe", "Y_0 < 1/4")[0] == 0
    assert ask(capsys, *box, "--unsafe", "Y_0 <= 1/4")[0] == 1
    assert ask(capsys, *box, "--unsafe", "Y_0 >= 3/2 and X_1 <= 0.49")[0] == 0
    code, facts = ask(capsys, *box, "--unsafe", "Y_0 > 2", "--unsafe", "Y_0 >= 3/2, X_1 <= 1/2")
    assert (code, facts["flip"]["goal"]) == (1, 1)
    assert facts["flip"]["point"] == ["1", "1/2"]
    Path("box.txt").write_text("1/4:1\n0,1\n")
    assert ask(capsys, "abs.npz", "--box", "box.txt", "--unsafe", "Y_0 < 1/4")[0] == 0


def test_the_box_of_an_nnet_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "abs.nnet", "--box", "file", "--unsafe", "Y_0 > 1/2")[0] == 0
    assert ask(capsys, "abs.nnet", "--box", "file", "--unsafe", "Y_0 <= 0")[0] == 1
    clipped = ("abs.nnet", "--box", "file", "--clip", "3/4:9", "--unsafe")
    assert ask(capsys, *clipped, "Y_0 < 1/4")[0] == 0
    Path("mean.nnet").write_text(NNET.format(low="0.25", mean="1"))
    said = complaint(capsys, "mean.nnet", "--box", "file", "--unsafe", "Y_0 <= 0")
    assert "give --normalise as well" in said
    normalised = ("mean.nnet", "--normalise", "--box", "file", "--unsafe")
    assert ask(capsys, *normalised, "Y_0 < 1/2")[0] == 0  # |x - 3/2| for x at most 1


def test_centers_from_files_and_boxes_around_balls(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("abs.npz", "--radius", "1/8", "--unsafe", "Y_0 >= 1")
    assert ask(capsys, *asked, "--center", "rows.csv:1")[0] == 1  # 3/4 + 1/4
    assert ask(capsys, *asked, "--center", "rows.csv:1", "--clip", "0:0.6")[0] == 0
    assert ask(capsys, *asked, "--center", "rows.csv")[0] == 1
    np.savez("data.npz", X=np.array([[1.0, 1], [0.25, 0.5]]), y=np.array([0, 1]))
    assert ask(capsys, *asked, "--center", "data.npz:1", "--norm", "1")[0] == 0


def test_limits_leave_it_undecided(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    sizes = (12, 30, 30, 1)
    arrays: dict[str, Any] = {}
    for layer in range(3):
        arrays[f"W{layer}"] = rng.normal(size=(sizes[layer + 1], sizes[layer]))
        arrays[f"b{layer}"] = rng.normal(size=sizes[layer + 1])
    np.savez("hard.npz", **arrays)
    code, facts = ask(capsys, "hard.npz", "--box", "-1:1", "--unsafe", "Y_0 >= 400", "--nodes", "1")
    assert (code, facts["verdict"], facts["undecided"], facts["checked"]) == (3, "undecided", 1, 0)
    assert facts["reason"]
    assert facts["proof_bytes"] == 0


def test_the_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "abs.npz", "--box", "0:1", "--unsafe", "Y_0 >= 2"]) == 1
    out = capsys.readouterr().out
    for words in ("verdict    flip", "flip at X  1, 1\n", "outputs Y  2\n", "seconds", "nodes"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--center", "0,0,0", "--radius", "1", "--label", "1"), "3 inputs, the network 2"),
        (("--center", "x,0", "--radius", "1", "--label", "1"), "not a rational number: 'x'"),
        (("--center", "0,0", "--radius", "-1", "--label", "1"), "radius is negative: -1"),
        (("--center", "0,0", "--radius", "nan", "--label", "1"), "--radius: not a rational"),
        (("--center", "0,0", "--label", "1"), "--center needs --radius"),
        (("--center", "rows.csv:9", "--radius", "1", "--label", "1"), "has 2 rows"),
        (("--center", "none.csv:9", "--radius", "1", "--label", "1"), "none.csv"),
        (("--center", "0,0", "--radius", "1", "--label", "2"), "2 is not one of the labels 0, 1"),
        (("--center", "0,0", "--radius", "1", "--label", "a"), "--label: 'a' is not a number"),
        (("--center", "0,0", "--radius", "1", "--label", "1", "--labels", "0,1,2"),
         "argmax: 2 outputs, 3 labels"),
        (("--center", "0,0", "--radius", "1", "--label", "1", "--labels", "0,1,1"), "twice"),
        (("--center", "0,0", "--radius", "1", "--label", "1", "--decoder", "sign"), "needs 1"),
        (("--center", "0,0", "--radius", "1", "--label", "0", "--decoder", "nearest"),
         "decoder nearest needs --labels"),
        (("--center", "0,0", "--radius", "1"), "give --label or --unsafe"),
        (("--center", "0,0", "--radius", "1", "--radius-squared", "1", "--label", "1"), "either"),
        (("--center", "0,0", "--radius-squared", "1", "--label", "1"), "for norm 2, not for"),
        (("--radius", "1", "--label", "1"), "need --center"),
        (("--label", "1"), "give --center and --radius, or --box"),
        (("--box", "1:0", "--label", "1"), "lower bound 1 above upper bound 0 at input 0"),
        (("--box", "0:1,0:1,0:1", "--label", "1"), "--box has 3 inputs, the network 2"),
        (("--box", "0", "--label", "1"), "'0' is not LO:HI"),
        (("--box", "file", "--label", "1"), "the network's file holds no box"),
        (("--box", "0:1", "--clip", "2:3", "--label", "1"), "empty box: lower bound 2 above"),
        (("--box", "0:1", "--unsafe", "Y_5 <= 0"), "Y_5: the network has 2 outputs"),
        (("--box", "0:1", "--unsafe", "Z <= 0"), "not a sum at 'Z'"),
        (("--box", "0:1", "--unsafe", "Y_0 <= 0", "--label", "1"), "either --label or --unsafe"),
        (("--box", "0:1", "--label", "1", "--timeout", "0"), "'0' is not a positive"),
        (("--box", "0:1", "--label", "1", "--timeout", "nan"), "'nan' is not a positive"),
        (("--box", "0:1", "--label", "1", "--engine", "magic"), "is not one of exact, milp:highs"),
        (("--box", "0:1", "--label", "1", "--normalise"), "--normalise is for .nnet files"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in complaint(capsys, "both.npz", *arguments)


def test_bad_networks_are_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--box", "0:1", "--label", "1")
    assert "none.npz" in complaint(capsys, "none.npz", *more)
    np.savez("nan.npz", W0=np.full((1, 2), np.nan), b0=np.zeros(1))
    assert "nan" in complaint(capsys, "nan.npz", *more).lower()


def test_comparisons_are_read_exactly() -> None:
    half = Fraction(1, 2)
    assert parse_conjunction("2 Y_0 - 3/2*Y_1 + 0.5 <= X_0") == (
        Atom(((0, Fraction(1)),), ((0, Fraction(-2)), (1, Fraction(3, 2))), -half, False),
    )
    assert parse_conjunction("Y_0 - Y_0 < 1e-1") == (Atom((), (), Fraction(1, 10), True),)
    low, high = parse_conjunction("Y_1 = 1/2")
    assert (low.constant, high.constant) == (half, -half)
    assert not low.strict
    for text in ("", "Y_0", "Y_0 <= ", "Y_0 <= 0 <= 1", "Y_0 Y_1 <= 0", "* Y_0 <= 0", "2 * <= 0",
                 "Y_0 <= 1/0", "Y_0 <= 1.2.3", "Y_0 <= 0 and", "y <= 0", "+ <= 0"):  # fmt: skip
        with pytest.raises(UserError):
            parse_conjunction(text)


def test_check_says_what_was_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("abs.npz", "--center", "1,1/2", "--norm", "2", "--radius", "1/8", "--clip", "0.6:2")
    unsafe = "2 Y_0 - 1/2 X_1 > 9 and Y_0 >= X_0 - 1/3"
    assert ask(capsys, *asked, "--unsafe", unsafe, "--proof", "proof.json")[0] == 0
    assert main(["check", "proof.json", "--json"]) == 0
    question = json.loads(capsys.readouterr().out)["question"]
    assert question["center"] == ["1", "1/2"]
    assert [side.partition(":")[0] for side in question["box"]] == ["7/8", "3/5"]
    again = (*asked, *(word for text in question["unsafe"] for word in ("--unsafe", text)))
    assert ask(capsys, *again, "--proof", "again.json")[0] == 0
    assert Path("again.json").read_bytes() == Path("proof.json").read_bytes()
    assert ask(
        capsys, "abs.npz", "--box", "1/4:1,0:1", "--unsafe", "Y_0 < 1/4", "--proof", "b.json"
    )
    assert main(["check", "b.json"]) == 0
    rows = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    assert ["box", "1/4:1,0:1"] in rows
    assert ["unsafe", "-Y_0 > -1/4"] in rows


@pytest.mark.parametrize("seed", range(40))
def test_conditions_read_back_what_they_say(seed: int) -> None:
    for goal in random_query(seed).goals:
        assert parse_conjunction(conjunction_text(goal.atoms)) == goal.atoms


def test_what_needs_more_memory_than_the_limit_is_undecided(tmp_path: Path) -> None:
    """In a process of its own, for the limit holds to its end."""
    draw = np.random.default_rng(0)
    shapes = ((600, 16), (600, 600), (3, 600))
    weights = {f"W{k}": draw.normal(size=shape) for k, shape in enumerate(shapes)}
    biases = {f"b{k}": np.zeros(shape[0]) for k, shape in enumerate(shapes)}
    np.savez(tmp_path / "wide.npz", **weights, **biases)
    done = subprocess.run(
        [sys.executable, "-m", "verifier.cli.main", "verify", "wide.npz", "--box", "0.9:1.1",
         "--label", "0", "--memory", "150M", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["reason"] == "memory limit"
