"""`robmem search` and `search_flips`: every flip is exact, every other ball is proved."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from constructions.collision_hints import collision_hints
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import outputs_at, random_network
from verifier.checker.manifest import Question, sample_query
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.formats.load import load_any_network
from verifier.question.rational import parse_rational
from verifier.question.region import Norm
from verifier.runs.run import points_of
from verifier.tasks.flips import search_flips

NORMS: tuple[Norm, ...] = ("inf", "1", "2")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["search", "net.npz", "--data", "three.csv", *arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


def verdicts(facts: Any) -> list[str]:
    return [result["verdict"] for result in facts["results"]]


@pytest.mark.parametrize("norm", NORMS)
def test_closed_balls_that_touch_a_tie_have_a_flip(
    here: Path, capsys: pytest.CaptureFixture[str], norm: str
) -> None:
    # samples 0 and 2 are 1/4, 1/2, sqrt(1/8) away from the tie; sample 1 is three times as far
    tie = {"inf": ("--radius", "1/4"), "1": ("--radius", "1/2"),
           "2": ("--radius-squared", "1/8")}[norm]  # fmt: skip
    below = {"inf": "0.2499", "1": "0.4999", "2": "0.3535"}[norm]
    code, facts = ask(capsys, "--norm", norm, *tie)
    assert (code, verdicts(facts)) == (1, ["flip", "robust", "flip"])
    assert (facts["flips"], facts["robust"], facts["checked"]) == (2, 1, 3)
    network = load_any_network("net.npz")
    for result in facts["results"][::2]:
        (flip,) = result["flips"]
        point = tuple(map(parse_rational, flip["point"]))
        outputs = outputs_at(network, point)
        assert outputs == list(map(parse_rational, flip["outputs"]))
        assert outputs[0] >= outputs[1]
        assert parse_rational(flip["distance"]) <= parse_rational(tie[1])
        assert flip["rival"] == "a"
    code, facts = ask(capsys, "--norm", norm, "--radius", below)
    assert (code, verdicts(facts)) == (0, ["robust"] * 3)


def test_limits_selections_and_clips(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = ask(capsys, "--radius", "1", "--limit", "1")
    assert (code, facts["samples"], facts["flips"]) == (1, 1, 1)
    code, facts = ask(capsys, "--radius", "1/2", "--samples", "1:2")
    assert (code, verdicts(facts), facts["results"][0]["sample"]) == (0, ["robust"], 1)
    code, facts = ask(capsys, "--radius", "1/4", "--samples", "0", "--clip", "0:9")
    assert (code, facts["robust"]) == (0, 1)  # y cannot fall


@pytest.mark.parametrize("norm", NORMS)
def test_nearest_flips(here: Path, capsys: pytest.CaptureFixture[str], norm: str) -> None:
    code, facts = ask(capsys, "--radius", "5", "--norm", norm, "--nearest")
    assert (code, verdicts(facts)) == (1, ["flip"] * 3)
    truth = {"inf": ("1/4", "3/4"), "1": ("1/2", "3/2"), "2": ("1/8", "9/8")}[norm]
    for result, exact in zip(facts["results"], (truth[0], truth[1], truth[0]), strict=True):
        away = parse_rational(result["flips"][0]["distance"])
        proved = parse_rational(result["proved_radius"])
        size = proved**2 if norm == "2" else proved
        assert result["nearest"]
        assert away == parse_rational(exact)
        assert size == away or (norm == "2" and 0 < away - size < Fraction(1, 10**15))
    assert ask(capsys, "--radius", "1/8", "--nearest")[0] == 0


def test_all_rivals() -> None:
    rng = Random(5)
    network = random_network(rng, 2, 4, 3)
    rows = [[Fraction(rng.randint(-3, 3)) for _ in range(2)] for _ in range(3)]
    points = points_of(Dataset.from_rows("three", rows, [0, 1, 2]))
    question = Question("inf", "argmax", Fraction(1))
    for found in search_flips(network, points, question, all_rivals=True):
        query = sample_query(network, points, question, found.sample)
        expected = {
            goal.rival
            for goal in query.goals
            if find_flip(type(query)(network, query.region, (goal,))) is not None
        }
        assert {flip.rival for flip in found.flips} == expected
        assert found.open_rivals == ()


@pytest.mark.parametrize("seed", range(12))
def test_search_agrees_with_brute_force(seed: int) -> None:
    rng = Random(seed)
    outputs = rng.choice((1, 2, 3))
    network = random_network(rng, 2, rng.randint(1, 5), outputs)
    rows = [[Fraction(rng.randint(-6, 6), 2) for _ in range(2)] for _ in range(3)]
    labels = [0, 1, 2] if outputs != 2 else [0, 1, 1]
    points = points_of(Dataset.from_rows("three", rows, labels))
    norm = NORMS[seed % 3]
    question = Question(
        norm, "nearest" if outputs == 1 else "argmax", Fraction(rng.randint(1, 8), 8)
    )
    for found in search_flips(network, points, question):
        query = sample_query(network, points, question, found.sample)
        flip = "flip" if found.reads_right else "misread"
        assert found.verdict == ("robust" if find_flip(query) is None else flip)
        outputs_here = outputs_at(network, points.point(found.sample))
        holding = [goal.atoms[0].holds((), outputs_here) for goal in query.goals]
        assert found.reads_right == (not any(holding))
        for flip in found.flips:
            assert query.region.contains(flip.point)
            assert list(flip.outputs) == outputs_at(network, flip.point)
            atoms = query.goals[flip.goal].atoms
            assert all(atom.holds(flip.point, flip.outputs) for atom in atoms)


@pytest.mark.parametrize("norm", NORMS)
def test_collisions_of_the_first_layer_are_hints(norm: Norm, here: Path) -> None:
    # W = (1, 1) maps (1, 0) and (0, 1) to one point: 1/2, 1 or sqrt(1/2) is far enough for flips.
    np.savez("sum.npz", W0=np.array([[1.0, 1]]), b0=np.zeros(1), W1=np.ones((1, 1)), b1=-np.ones(1))
    network = load_any_network("sum.npz")
    dataset = Dataset.from_rows("two", [[2, 0], [0, 1]], ["b", "a"])
    hints = collision_hints(network, dataset, [0, 1], norm, Fraction(1))
    for sample in (0, 1):
        (hint,) = hints[sample]
        assert hint[1] == "collision"
        away = [abs(x - c) for x, c in zip(hint[0], dataset.point(sample), strict=True)]
        assert max(away) == Fraction(1, 4) if norm != "1" else sum(away) == Fraction(1, 2)
    assert sum(hints[0][0][0]) == sum(hints[1][0][0])
    found = search_flips(
        network, points_of(dataset), Question(norm, "nearest", Fraction(1)), hints=hints
    )
    assert {flip.method for entry in found for flip in entry.flips} >= {"collision"}


def test_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = ask(capsys, "--radius", "1/4", "--out", "flips.json")
    assert code == 1
    assert json.loads(Path("flips.json").read_text()) == facts
    assert ask(capsys, "--radius", "1/4", "--out", "flips.npz")[0] == 1
    with np.load("flips.npz", allow_pickle=False) as arrays:
        assert arrays["sample"].tolist() == [0, 2]
        assert arrays["label"].tolist() == ["b", "b"]
        assert arrays["rival"].tolist() == ["a", "a"]
        assert arrays["point"].shape == arrays["center"].shape == arrays["outputs"].shape == (2, 2)
        assert np.abs(arrays["point"] - arrays["center"]).max(axis=1).tolist() == [0.25, 0.25]
        assert arrays["distance"].tolist() == [0.25, 0.25]
    assert ask(capsys, "--radius", "1/8", "--out", "none.npz")[0] == 0
    with np.load("none.npz", allow_pickle=False) as arrays:
        assert arrays["point"].shape == (0, 2)


def test_pictures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.zeros((2, 2, 2), dtype=np.uint8)
    images[1] = 4
    np.savez("images.npz", X=images, y=np.array([0, 1]))
    np.savez("last.npz", W0=np.array([[0.0, 0, 0, 0], [1, 1, 1, -1]]), b0=np.array([3.0, 0]))
    asked = ["search", "last.npz", "--data", "images.npz", "--radius", "1", "--samples", "0"]
    assert main([*asked, "--picture", "pictures", "--out", "flips.json"]) == 1
    (picture,) = Path("pictures").iterdir()
    assert picture.name == "sample-0-goal-0.png"
    flip = json.loads(Path("flips.json").read_text())["results"][0]["flips"][0]
    moved = np.array([float(parse_rational(x)) for x in flip["point"]]).reshape(2, 2)
    pixels = image.imread(picture)
    grey = pixels if pixels.ndim == 2 else pixels[..., :3].mean(axis=-1)
    zoom = len(grey) // 2
    small = grey[zoom // 2 :: zoom, zoom // 2 :: zoom]
    low, width = moved.min(), max(moved.max(), 0) - moved.min()  # what is dark is high
    expected = [(0 * moved - low) / width, (moved - low) / width, 0.5 + 10 * moved / (2 * width)]
    for panel, wanted in zip(range(3), expected, strict=True):
        shown = 1 - small[:, 3 * panel : 3 * panel + 2]
        assert np.abs(shown - np.clip(wanted, 0, 1)).max() <= 1 / 255


def test_no_flip_of_the_decoder_value_is_the_nearest(here: Path) -> None:
    np.savez("one.npz", W0=np.ones((1, 2)), b0=np.zeros(1))
    points = points_of(Dataset.from_rows("two", [[0, 0], [1, 0]], [0, 1]))
    question = Question("inf", "value", Fraction(1))
    for found in search_flips(load_any_network("one.npz"), points, question, nearest=True):
        assert (found.verdict, found.exact) == ("flip", False)
        assert found.flips[0].distance > 0


def test_the_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "net.npz", "--data", "three.csv", "--radius", "1/4"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert lines[0].split() == ["sample", "label", "verdict", "rival", "distance", "found", "by"]
    assert lines[1].split()[:5] == ["0", "b", "flip", "a", "1/4"]
    assert lines[2].split() == ["1", "a", "robust"]
    assert "2 of 3 samples searched have a flip" in captured.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["three.csv"], "give either --radius or --radius-squared"),
        (["three.csv", "--radius", "-1"], "radius is negative: -1"),
        (["three.csv", "--radius", "much"], "--radius: not a rational number: 'much'"),
        (["three.csv", "--radius-squared", "1"], "radius_squared is for norm 2, not for norm inf"),
        (["three.csv", "--radius", "1", "--samples", "9"], "--samples: 9 is not within 0:3"),
        (["three.csv", "--radius", "1", "--timeout", "0"], "'0' is not a positive"),
        (["three.csv", "--radius", "1", "--clip", "1:0"], "clip: 1 is above 0"),
        (["three.csv", "--radius", "1", "--clip"], "no pixel range; give LO:HI"),
        (["three.csv", "--radius", "1", "--out", "flips.txt"], "neither .json nor .npz"),
        (["three.csv", "--radius", "1", "--picture", "p"], "three are no images"),
        (["three.csv", "--radius", "1", "--decoder", "sign"], "has 2 outputs, it needs 1"),
        (["wide.csv", "--radius", "1"], "wide has 3 inputs, the network net.npz 2"),
        (["many.csv", "--radius", "1"], "argmax: 2 outputs, 3 labels"),
        (["none.csv", "--radius", "1"], "none.csv"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    Path("wide.csv").write_text("0,0,0,a\n1,1,1,b\n")
    Path("many.csv").write_text("0,0,a\n1,1,b\n2,2,c\n")
    assert main(["search", "net.npz", "--data", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
