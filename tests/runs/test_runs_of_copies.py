"""Runs about networks most of whose units are copies: their evidence names units of the whole
network, and all checkers accept it, balls, distances and margins alike."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracles.runs import checked
from verifier.checker.contracted import contraction_of
from verifier.checker.manifest import Question
from verifier.data.dataset import Dataset
from verifier.question.build import NetworkBuilder
from verifier.question.distance import DistanceTerms
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.runs.run import begin, continue_run

F = Fraction


def carrying() -> Network:
    """Label 1 from x = 3/2 on, in units that are carried along beside units that are not."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    late = build.layer([x, x - 1, x - 2])
    for _ in range(4):
        late = build.layer(late[:3])
    both = build.layer([late[1] - 2 * late[2], *late])
    return build.network([F(1, 2) - both[0] - both[3], both[0] + both[3] - F(1, 2)])


@pytest.mark.parametrize(
    "question",
    [
        Question("inf", "argmax", F(1, 4)),
        Question("inf", "argmax", distance=DistanceTerms(None, None)),
        Question("inf", "argmax", F(1, 4), margin=MarginTerms()),
        Question("inf", "argmax", F(1, 4), margin=MarginTerms(curve=True)),
    ],
)
def test_a_run_is_checked(question: Question, tmp_path: Path) -> None:
    data = Dataset.from_rows("line", [(0,), (1,), (2,), (3,)], [0, 0, 1, 1])
    network = carrying()
    assert network.derived(contraction_of) is not None
    summary = continue_run(begin(data, network, question, tmp_path / "run"))
    assert len(summary.shown) == 4
    for command in ([], ["--kernel"]):
        code, text = checked(tmp_path / "run", *command)
        assert code == 0, text
        assert json.loads(text)["checker"] == ("kernel" if command else "checker")
