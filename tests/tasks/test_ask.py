"""The Python API: what its answers are, and that the example of the README is true."""

from __future__ import annotations

import re
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from verifier import ask
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError

F = Fraction
README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    np.savez("net.npz", W0=generator.normal(size=(10, 64)) / 64, b0=np.zeros(10))
    (block,) = re.findall(r"The same from Python:\n\n((?:    .*\n|\n)+)", README.read_text())
    Path("example.py").write_text(re.sub(r"^    ", "", block, flags=re.MULTILINE))
    values = runpy.run_path("example.py")
    assert isinstance(values["verdict"], Robust | Flip)
    assert values["summary"].samples == len(values["found"]) == 5


def net() -> ask.Network:
    build = NetworkBuilder(1)
    (x,) = build.inputs
    return build.network([x, 1 - x])


def test_verdicts_are_the_three_types() -> None:
    region = ask.Ball([2], 1, "L2")
    assert isinstance(ask.verify(net(), region, 0), Robust)
    assert isinstance(ask.verify(net(), region, 1), Flip)
    build = NetworkBuilder(2)
    units = build.layer([build.inputs[0] - build.inputs[1], build.inputs[1] - build.inputs[0]])
    network = build.network([units[0] + units[1], build.inputs[0] * 0 + F(1001, 1000)])
    hard = ask.Box([F(0), F(0)], [F(1), F(1)])
    assert isinstance(ask.verify(network, hard, 1), Robust)
    stopped = ask.verify(network, hard, 1, options=ask.Options(timeout=1e-9))
    assert isinstance(stopped, Undecided | Robust)


def test_files_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "two.csv").write_text("2,high\n0,low\n")
    network, data = str(tmp_path / "net.npz"), str(tmp_path / "two.csv")
    assert ask.radius(network, data, 1).upper == F(1, 2)
    assert ask.radius(Path(network), data, 0, norm="2").upper == F(9, 4)
    summary = ask.certify(data, network, F(1, 4), folder=tmp_path / "run")
    assert (summary.robust, summary.flips) == (2, 0)
    flipped = ask.search(network, data, F(1, 2), samples=[1], nearest=True)
    assert (flipped[0].exact, flipped[0].flips[0].distance) == (True, F(1, 2))


@pytest.mark.parametrize(
    ("label", "decoder", "labels", "words"),
    [
        (2, None, None, "label: 2 is not one of the labels 0, 1"),
        (0, None, [1, 2], "label: 0 is not one of the labels 1, 2"),
        (0, "nearest", None, "decoder nearest needs labels, the labels of the whole data set"),
        (1, "sign", None, "decoder sign: the network has 2 outputs, it needs 1"),
        (0, "argmax", [0, 1, 2], "argmax: 2 outputs, 3 labels"),
        (0, "loudest", [0, 1], "decoder 'loudest' is not one of"),
    ],
)
def test_labels_that_do_not_fit(
    label: int, decoder: str | None, labels: list[int] | None, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        ask.verify(net(), ask.Box([F(0)], [F(1)]), label, decoder, labels=labels)


def test_a_network_comes_without_a_radius() -> None:
    data = Dataset.from_rows("two", [[2], [0]], ["high", "low"])
    with pytest.raises(UserError, match="a network comes without a radius"):
        ask.certify(data, net())
