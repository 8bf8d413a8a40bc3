"""Of a norm p from 2 on the number that is printed is the p-th power of a distance, and says so."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from constructions.least.questions import Possible, questions_of
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.region import distance_text
from verifier.runs.run import points_of


def step(folder: Path) -> list[str]:
    """Labels 0 at 0 and 1 at 2, read from x / 2 by the nearest: the border is at 1."""
    build = NetworkBuilder(1)
    save_network(build.network([build.inputs[0] * Fraction(1, 2)]), folder / "net.robmem")
    (folder / "data.csv").write_text("0,0\n2,1\n")
    files = ["--network", str(folder / "net.robmem"), "--data", str(folder / "data.csv")]
    return [*files, "--no-header", "--decoder", "nearest", "--radius", "3/2"]


@pytest.mark.parametrize(
    ("norm", "words"),
    [("inf", "at distance "), ("1", "at distance "), ("2", "at squared distance "),
     ("3", "at 3-th power of the distance ")],
)  # fmt: skip
def test_certify_says_what_it_prints_of_a_flip(norm, words, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["certify", *step(tmp_path), "--norm", norm, "--jobs", "0", "--out", run]) == 1
    assert words in capsys.readouterr().out


def test_the_words():
    assert [distance_text(norm) for norm in ("inf", "1", "2", "3")] == [
        "distance", "distance", "squared distance", "3-th power of the distance",
    ]  # fmt: skip


def test_a_search_prints_the_power(tmp_path, capsys):
    assert main(["search", *step(tmp_path)[1:], "--norm", "3", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    point = Fraction(found["results"][0]["flips"][0]["point"][0])
    assert Fraction(found["results"][0]["flips"][0]["distance"]) == abs(point) ** 3


@pytest.mark.parametrize("norm", ["3", "64", "0", "none"])
def test_no_claim_about_least_networks_is_of_another_norm(norm):
    """Sizes there are radii, or squares for norm 2."""
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0] * Fraction(1, 2)])
    data = Dataset.from_rows("two", [[0], [2]], [0, 1])
    with pytest.raises(RefusedError, match="malformed: norm"):
        questions_of(Possible(0, Fraction(1, 4), False, network), points_of(data), norm)
