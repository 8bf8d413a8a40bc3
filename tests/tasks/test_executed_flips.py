"""`robmem search --semantics`: flips that are executions, and proofs about all executions."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from verifier.checker.manifest import Question
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.question.build import chain_from_floats
from verifier.question.network import Network
from verifier.runs.run import points_of
from verifier.tasks.executed_flips import search_executed
from verifier.tasks.flips import search_flips
from verifier.tasks.semantics import execute


def absorbing() -> Network:
    """(s - 2^24, 1/2) with s = 2^24 max(x, 0) + max(y, 0): exactly y at x = 1; float32 absorbs y
    up to 1."""
    first = [np.eye(2, dtype=np.float32), np.array([[2.0**24, 1], [0, 0]], np.float32)]
    return chain_from_floats(first, [np.zeros(2), np.array([-(2.0**24), 0.5])])


def test_a_flip_of_the_execution_alone() -> None:
    network = absorbing()
    data = Dataset.from_rows("two", [[1, 1], [1, 64]], ["0", "0"])
    points = points_of(data.for_outputs("argmax", 2))
    question = Question("inf", "argmax", Fraction(0))
    exact = search_flips(network, points, question)
    assert [found.verdict for found in exact] == ["robust", "robust"]
    found = search_executed(network, points, replace(question, semantics="float32"))
    assert found[0].verdict == "misread"
    for entry in found:
        for flip in entry.flips:
            outputs = execute(network, flip.point, "float32")
            assert tuple(flip.outputs) == outputs
            assert outputs[1] >= outputs[0]
    assert (
        search_executed(network, points, replace(question, semantics="float64"))[0].verdict
        == "robust"
    )


def test_random_networks_agree_with_exact_search_away_from_ties() -> None:
    rng = np.random.default_rng(11)
    for _ in range(6):
        weights = [rng.normal(size=(4, 2)), rng.normal(size=(2, 4))]
        network = chain_from_floats(
            [w.astype(np.float32) for w in weights], [np.zeros(4), np.zeros(2)]
        )
        rows = [[Fraction(int(v), 4) for v in rng.integers(-8, 9, size=2)] for _ in range(3)]
        data = Dataset.from_rows("d", rows, ["0", "1", "0"])
        points = points_of(data.for_outputs("argmax", 2))
        question = Question("inf", "argmax", Fraction(1, 8))
        for real, run in zip(
            search_flips(network, points, question),
            search_executed(network, points, replace(question, semantics="float32")),
            strict=True,
        ):
            if run.verdict == "robust":
                assert real.verdict == "robust"
            assert run.reads_right or run.verdict == "misread"
            for flip in run.flips:
                query = question.region(points.point(run.sample))
                assert query.contains(flip.point)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    eye = np.eye(2, dtype=np.float32)
    none = np.zeros(2, dtype=np.float32)
    np.savez("net.npz", W0=eye, b0=none, W1=eye, b1=none)
    Path("d.csv").write_text("a,b,y\n3,0,0\n0,3,1\n0,3,0\n")
    call = ["search", "net.npz", "--data", "d.csv", "--radius", "1/4", "--quiet", "--json"]
    assert main([*call, "--semantics", "float32"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["semantics"] == "float32"
    assert facts["claim"].startswith("1 of 3") and "as executed in float32" in facts["claim"]
    assert [entry["verdict"] for entry in facts["results"]] == ["robust", "robust", "misread"]
    assert main([*call, "--semantics", "float32", "--nearest"]) == 2
    assert "--semantics real alone" in capsys.readouterr().err
