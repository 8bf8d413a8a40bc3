"""A given network on data that lack labels, name them otherwise, contradict each other, or that it
misreads."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.commands import run as invoke
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.runs.folder import RunFolder

COMMANDS = {
    "search": ("search", "net.npz", "--radius", "1/4"),
    "radius": ("radius", "net.npz"),
    "certify": ("certify", "--network", "net.npz", "--radius", "1/4", "--out", "run"),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a folder with the network whose outputs are its 12 inputs, where they are positive."""
    monkeypatch.chdir(tmp_path)
    unit, none = np.eye(12), np.zeros(12)
    np.savez("net.npz", W0=unit, b0=none, W1=unit, b1=none)
    return tmp_path


def rows(labels: list[str], read_as: list[int]) -> str:
    """A table whose sample i has the label labels[i] and is read as output read_as[i]."""
    listed = [",".join([*(f"x{k}" for k in range(12)), "y"])]
    for label, output in zip(labels, read_as, strict=True):
        listed.append(",".join([*("3" if k == output else "0" for k in range(12)), label]))
    return "\n".join(listed) + "\n"


def run(capsys: pytest.CaptureFixture[str], name: str, *more: str) -> tuple[int, Any, str]:
    code = main([*COMMANDS[name], "--data", "data.csv", *more, "--json", "--quiet"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else None, shown.err


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("labels", "read_as"),
    [
        (["0", "10", "3"], [0, 10, 3]),  # classes are missing
        (["7", "7"], [7, 7]),  # one class only
        (["11"], [11]),
        (["0", "4"], [0, 4]),
    ],
)
def test_integer_labels_are_numbers_of_outputs(
    name: str, labels: list[str], read_as: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data.csv").write_text(rows(labels, read_as))
    code, facts, err = run(capsys, name)
    assert (code, err) == (0, "")
    assert facts["samples"] == len(labels)
    if name != "radius":
        assert facts["robust"] == len(labels)


def test_text_labels_are_sorted_naturally(capsys: pytest.CaptureFixture[str]) -> None:
    labels = [f"class {k}" for k in range(12)]
    Path("data.csv").write_text(rows(labels, list(range(12))))
    for name in COMMANDS:
        code, facts, _ = run(capsys, name)
        assert code == 0
        assert facts["labels"] == labels
    assert main([*COMMANDS["search"], "--data", "data.csv", "--quiet"]) == 0
    assert "0: class 0, 1: class 1, 2: class 2, " in capsys.readouterr().out
    assert RunFolder(Path("run")).points().label_names == tuple(labels)


@pytest.mark.parametrize("name", COMMANDS)
def test_labels_may_be_named_in_the_order_of_outputs(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data.csv").write_text(rows(["cat", "bird", "ant"], [0, 1, 11]))
    code, _, err = run(capsys, name)
    assert code == 2
    assert "12 outputs, 3 labels in data" in err
    assert "--labels" in err
    names = ["cat", "bird", *(f"n{k}" for k in range(2, 11)), "ant"]
    code, facts, _ = run(capsys, name, "--labels", ",".join(names))
    assert code == 0
    assert facts["labels"] == [f"{k}: {n}" for k, n in enumerate(names)]
    for labels, words in [
        (names[:11], "data has the label 'ant', which is not there"),
        ([*names, "dog"], "13 labels for 12 outputs"),
        (["cat", *names[:11]], "--labels"),
        (["", *names[1:]], "empty or not printable"),
    ]:
        code, _, err = run(capsys, name, "--labels", ",".join(labels))
        assert code == 2
        assert words in err


def test_a_sample_that_is_misread_is_no_flip_of_its_ball(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("data.csv").write_text(rows(["0", "1", "2", "2"], [0, 1, 5, 2]))
    code, facts, _ = run(capsys, "search")
    assert code == 1
    counts = {key: facts[key] for key in ("robust", "misread", "flips", "clean", "certified")}
    assert counts == {"robust": 3, "misread": 1, "flips": 0, "clean": 3, "certified": 3}
    assert [entry["verdict"] for entry in facts["results"]] == [
        "robust", "robust", "misread", "robust",
    ]  # fmt: skip
    code, facts, _ = run(capsys, "radius")
    assert (code, facts["misread"], facts["clean"]) == (0, 1, 3)
    assert [entry["misread"] for entry in facts["results"]] == [False, False, True, False]
    assert main([*COMMANDS["search"], "--data", "data.csv", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "clean accuracy      3 of 4" in out
    assert "certified accuracy  3 of 4" in out
    center = ",".join("3" if k == 5 else "0" for k in range(12))
    for label, verdict in (("2", "misread"), ("5", "robust")):
        main(["verify", "net.npz", "--center", center, "--radius", "2", "--label", label, "--json"])
        facts = json.loads(capsys.readouterr().out)
        wanted = "flip" if label == "5" else verdict  # radius 2 reaches other labels
        assert facts["verdict"] == wanted
        assert facts["misread"] + facts["flips"] == 1


def test_contradictory_samples_are_no_fault_of_a_given_network(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("data.csv").write_text(rows(["0", "1", "2"], [0, 0, 2]))
    code, facts, _ = run(capsys, "search")
    assert (code, facts["misread"], facts["robust"]) == (1, 1, 2)
    code, facts, _ = run(capsys, "certify")
    assert (code, facts["robust"]) == (1, 2)
    assert main(["certify", "--data", "data.csv", "--out", "built"]) == 2
    assert "identical inputs" in capsys.readouterr().err


def test_a_sample_beyond_the_clip_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = rows(["0", "1", "2"], [0, 1, 2]).replace("\n3,", "\n1,", 1)
    Path("data.csv").write_text(table)
    code, facts, _ = run(capsys, "search", "--clip", "0:1")
    assert code == 3
    assert [entry["verdict"] for entry in facts["results"]] == [
        "robust", "undecided", "undecided",
    ]  # fmt: skip
    assert facts["results"][1]["reason"] == "the ball of sample 1 does not meet the clip 0..1"
    assert (facts["clean"], facts["certified"]) == (3, 1)
    code, facts, _ = run(capsys, "radius", "--clip", "0:1")
    assert code == 3
    assert facts["results"][2]["reason"] == "sample 2 does not meet the clip 0..1"
    code, facts, _ = run(capsys, "search", "--clip", "0:3")
    assert (code, facts["robust"]) == (0, 3)


def test_the_numbers_of_inputs_are_compared_first(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        arguments = [*COMMANDS[name], "--data", "iris"]
        assert main(arguments) == 2
        assert "iris has 4 inputs, the network net.npz 12" in capsys.readouterr().err


def test_label_numbers_follow_the_outputs() -> None:
    data = Dataset.from_rows("d", [[0], [1], [2]], ["3", "1", "3"])
    same = data.for_outputs("argmax", 4)
    assert (same.label_names, same.labels.tolist()) == (("0", "1", "2", "3"), [3, 1, 3])
    assert data.for_outputs("argmax", 2) is data  # two labels, two outputs
    assert data.for_outputs("nearest", 1) is data
    named = data.for_outputs("nearest", 1, ["0", "1", "2", "3"])
    assert named.labels.tolist() == [3, 1, 3]
    with pytest.raises(UserError, match="3 outputs, 2 labels in d"):
        data.for_outputs("argmax", 3)
    assert named.point(1) == (Fraction(1),)


def test_a_run_counts_misread_centers_and_goes_on_beyond_the_clip(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("data.csv").write_text(rows(["0", "1", "2", "2"], [0, 1, 5, 2]))
    code, facts, _ = run(capsys, "certify")
    assert code == 1
    counts = {key: facts[key] for key in ("robust", "misread", "flips", "clean", "certified")}
    assert counts == {"robust": 3, "misread": 1, "flips": 0, "clean": 3, "certified": 3}
    (flip,) = facts["flips_shown"]
    assert (flip["sample"], flip["distance"]) == (2, "0")
    assert main([*COMMANDS["certify"], "--data", "data.csv", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "clean accuracy      3 of 4" in out
    assert "misread center of sample 2" in out
    assert main(["check", "run"]) in (0, 1)
    Path("data.csv").write_text(rows(["0", "1"], [0, 1]).replace("\n3,", "\n1,", 1))
    code = main(
        ["certify", "--network", "net.npz", "--radius", "1/4", "--data", "data.csv", "--clip",
         "0:1", "--out", "clipped", "--quiet"]
    )  # fmt: skip
    assert code == 3
    assert "1 failed" in capsys.readouterr().out
    code = main(["runs", "export", "clipped", "--json"])
    assert "sample 1: " in capsys.readouterr().out


def test_labels_that_are_not_those_of_the_run_are_refused(tmp_path, monkeypatch, capsys):
    """By `check`, which without --data has nothing to number in another order; what a file calls
    its outputs is the same question."""
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.zeros(2))
    Path("d.csv").write_text("x,label\n3,cat\n2,cat\n-2,dog\n")
    asked = ("--network", "net.npz", "--data", "d.csv", "--radius", "1/2", "--labels")
    code, *_ = invoke(
        capsys, "certify", *asked, "cat,dog", "--out", "run", "--quiet", "--jobs", "0"
    )
    assert code == 0
    for given in ((), ("--network", "net.npz")):
        assert invoke(capsys, "check", "run", "--quiet", *given, "--labels", "cat,dog")[0] == 0
        for names in ("dog,cat", "cat,dog,cow", "what,ever"):
            code, out, error = invoke(capsys, "check", "run", "--quiet", *given, "--labels", names)
            assert (code, out) == (2, "")
            assert (
                "--labels names the outputs" in error and "the run its labels 'cat', 'dog'" in error
            )
    # With data given they say how these are numbered, so that others are other data.
    given = ("--network", "net.npz", "--data", "d.csv", "--labels")
    assert invoke(capsys, "check", "run", "--quiet", *given, "cat,dog")[0] == 0
    code, _, error = invoke(capsys, "check", "run", "--quiet", *given, "dog,cat")
    assert code == 4 and "other data" in error
