"""`robmem radius`: the interval encloses the distance to the nearest flip, and both ends hold."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.oracle import find_flip
from tests.random_queries import outputs_at, random_network
from verifier.api import Options, check
from verifier.builder import NetworkBuilder
from verifier.certify import points_of
from verifier.cli.main import main
from verifier.dataset import Dataset
from verifier.errors import UserError
from verifier.radius import RadiusInterval, radius_interval, radius_intervals
from verifier.search.nearby import first_on_segment
from verifier.trusted.data_file import Points
from verifier.trusted.manifest import Question, sample_query
from verifier.trusted.network import Network
from verifier.trusted.query import Atom, Goal
from verifier.trusted.rational import parse_rational
from verifier.trusted.region import Norm

NORMS: tuple[Norm, ...] = ("inf", "1", "2")
TRUTH = {"inf": ("1/4", "3/4"), "1": ("1/2", "3/2"), "2": ("1/8", "9/8")}


def wedge() -> tuple[Network, Points]:
    """Reads a where |x| >= y + 1/2, else b."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    units = build.layer([x, -x, y, -y])
    network = build.network([units[0] + units[1], units[2] - units[3] + Fraction(1, 2)])
    return network, points_of(Dataset.from_rows("three", [[0, 0], [2, 0], [3, 3]], ["b", "a", "b"]))


def check_interval(
    network: Network, points: Points, decoder: str, interval: RadiusInterval
) -> None:
    """Both ends, by the checker and by plain evaluation."""
    if interval.proof is not None:
        question = Question(interval.norm, decoder, interval.lower)
        check(sample_query(network, points, question, interval.sample), interval.proof)
    else:
        assert interval.lower == 0
    if interval.flip is None:
        assert interval.upper is None
        return
    gaps = [
        abs(x - c) for x, c in zip(interval.flip.point, points.point(interval.sample), strict=True)
    ]
    away = {"inf": max(gaps), "1": sum(gaps), "2": sum(gap**2 for gap in gaps)}[interval.norm]
    assert interval.upper == interval.flip.distance == away
    assert list(interval.flip.outputs) == outputs_at(network, interval.flip.point)
    question = Question(interval.norm, decoder, Fraction(0))
    goals = sample_query(network, points, question, interval.sample).goals
    atoms = goals[interval.flip.goal].atoms
    assert all(atom.holds(interval.flip.point, interval.flip.outputs) for atom in atoms)


@pytest.mark.parametrize("norm", NORMS)
def test_the_truth_lies_in_the_interval(norm: Norm) -> None:
    network, points = wedge()
    for sample, interval in enumerate(radius_intervals(network, points, range(3), norm=norm)):
        check_interval(network, points, "argmax", interval)
        truth = Fraction(TRUTH[norm][sample % 2])
        assert interval.upper is not None
        assert interval.lower_size < truth <= interval.upper
        assert interval.reached
        assert interval.upper <= interval.lower_size * Fraction(1003, 1000)
        below = interval.lower.denominator
        assert below & (below - 1) == 0  # dyadic


@pytest.mark.parametrize("norm", NORMS)
def test_the_line_search_ends_at_the_tie(norm: Norm) -> None:
    network, points = wedge()
    interval = radius_interval(network, points, 0, norm=norm, within=Fraction(1, 10))
    assert interval.upper == Fraction(TRUTH[norm][0])  # by luck of the planes, but exactly


def test_within_and_most() -> None:
    network, points = wedge()
    loose = radius_interval(network, points, 1, within=Fraction(1, 2))
    assert loose.reached
    assert loose.upper is not None
    assert loose.upper - loose.lower <= Fraction(1, 2)
    none = radius_interval(network, points, 1, most=Fraction(1, 3))
    assert (none.reached, none.upper, none.flip) == (True, None, None)
    assert none.lower == Fraction(1, 3)
    check_interval(network, points, "argmax", none)
    touching = radius_interval(network, points, 1, most=Fraction(3, 4))
    assert touching.upper == Fraction(3, 4)
    square = radius_interval(network, points, 1, most=Fraction(1, 3), norm="2")
    assert square.lower == Fraction(1, 3)
    clipped = radius_interval(network, points, 0, clip=(Fraction(0), Fraction(9)))
    assert clipped.upper == Fraction(1, 2)  # y cannot fall
    for bad in (Fraction(0), Fraction(-1)):
        with pytest.raises(UserError, match="within is not positive"):
            radius_interval(network, points, 0, within=bad)


def test_a_sample_that_is_read_wrong_has_radius_zero() -> None:
    network, _ = wedge()
    points = points_of(Dataset.from_rows("two", [[0, 0], [2, 0]], ["a", "b"]))
    interval = radius_interval(network, points, 0)
    assert interval.lower == interval.upper == 0
    assert interval.proof is None
    assert interval.reached


def test_ended_early_it_says_why() -> None:
    network, points = wedge()
    interval = radius_interval(network, points, 0, options=Options(timeout=1e-6))
    assert not interval.reached
    assert interval.reason == "timeout"
    check_interval(network, points, "argmax", interval)


@pytest.mark.parametrize("seed", range(12))
def test_intervals_agree_with_brute_force(seed: int) -> None:
    rng = Random(100 + seed)
    outputs = rng.choice((1, 2, 3))
    network = random_network(rng, 2, rng.randint(1, 5), outputs)
    rows = [[Fraction(rng.randint(-6, 6), 2) for _ in range(2)] for _ in range(3)]
    points = points_of(Dataset.from_rows("three", rows, [0, 1, 2] if outputs != 2 else [0, 1, 1]))
    decoder = "nearest" if outputs == 1 else "argmax"
    norm = NORMS[seed % 3]
    for sample in range(2):
        interval = radius_interval(network, points, sample, norm=norm, within=Fraction(1, 20))
        check_interval(network, points, decoder, interval)
        assert interval.reached
        inner = Question(norm, decoder, interval.lower)
        if interval.lower:
            assert find_flip(sample_query(network, points, inner, sample)) is None
        if interval.upper is not None:
            reach = interval.lower + Fraction(1, 20)
            outer = Question(norm, decoder, reach)
            assert find_flip(sample_query(network, points, outer, sample)) is not None


@pytest.mark.parametrize("factor", [Fraction(2) ** 2000, Fraction(1, 2**2000), Fraction(10) ** 160])
@pytest.mark.parametrize("norm", NORMS)
def test_weights_that_floats_do_not_hold(norm: Norm, factor: Fraction) -> None:
    build = NetworkBuilder(2)
    x, y = (entry * factor for entry in build.inputs)
    units = build.layer([x, -x, y, -y])
    network = build.network([units[0] + units[1], units[2] - units[3] + factor / 2])
    _, points = wedge()
    interval = radius_interval(network, points, 0, norm=norm)
    check_interval(network, points, "argmax", interval)
    assert interval.upper is not None
    assert interval.lower_size < Fraction(TRUTH[norm][0]) <= interval.upper


def test_a_segment_is_searched_to_its_first_flip() -> None:
    build = NetworkBuilder(1)
    (x,) = build.inputs
    units = build.layer([x - Fraction(1, 3), x - 2, x - 3])
    network = build.network([units[0] - units[1] * 3 + units[2] * 5])  # up from 1/3, down from 2
    for strict in (False, True):
        goal = Goal((Atom((), ((0, Fraction(1)),), -Fraction(1, 7), strict),), "")
        far, center = (Fraction(9),), (Fraction(0),)
        (t,) = first_on_segment(network, goal, center, far)
        if strict:
            assert 0 < t - Fraction(10, 21) < Fraction(1, 100)
        else:
            assert t == Fraction(10, 21)
        assert first_on_segment(network, goal, (Fraction(1),), far) == (Fraction(1),)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    last = np.array([[1.0, 1, 0, 0], [0, 0, 1, -1]])
    np.savez("net.npz", W0=first, b0=np.zeros(4), W1=last, b1=np.array([0, 0.5]))
    Path("three.csv").write_text("0,0,b\n2,0,a\n3,3,b\n")
    return tmp_path


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["radius", "net.npz", "--data", "three.csv", *arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


@pytest.mark.parametrize("norm", NORMS)
def test_the_command(here: Path, capsys: pytest.CaptureFixture[str], norm: str) -> None:
    code, facts = ask(capsys, "--norm", norm, "--proofs", "proofs", "--samples", "0:2")
    assert (code, facts["samples"], facts["flips"], facts["undecided"]) == (0, 2, 2, 0)
    for result, truth in zip(facts["results"], TRUTH[norm], strict=True):
        upper = parse_rational(result["upper_squared" if norm == "2" else "upper"])
        lower = parse_rational(result["lower"])
        assert (lower**2 if norm == "2" else lower) < parse_rational(truth) <= upper
        for end in ("robust", "flip"):
            proof = f"proofs/sample-{result['sample']}-{end}.json.gz"
            assert main(["check", proof, "--network", "net.npz"]) == 0
    capsys.readouterr()
    assert main(["radius", "net.npz", "--data", "three.csv", "--norm", norm]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == [
        "sample", "label", "lower", "upper^2" if norm == "2" else "upper", "rival",
    ]  # fmt: skip
    assert len(lines[1].split()) == 6


def test_the_largest_ball_asked_about(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = ask(capsys, "--max", "1/5")
    assert (code, facts["flips"], facts["robust"]) == (0, 0, 3)
    assert {result["lower"] for result in facts["results"]} == {"1/5"}
    code, facts = ask(capsys, "--timeout", "0.000001", "--samples", "0")
    assert (code, facts["undecided"], facts["results"][0]["reason"]) == (3, 1, "timeout")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--within", "0"], "--within: 0 is not positive"),
        (["--within", "nan"], "--within: not a rational number: 'nan'"),
        (["--max", "-1"], "--max: -1 is not positive"),
        (["--timeout", "0"], "0.0 is not in the range x>0"),
        (["--samples", "3"], "--samples: 3 is not within 0:3"),
        (["--clip", "2"], "--clip: '2' is neither LO:HI nor range"),
        (["--clip", "2:1"], "clip: 2 is above 1"),
    ],
)
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["radius", "net.npz", "--data", "three.csv", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
