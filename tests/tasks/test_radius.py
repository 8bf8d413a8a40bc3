"""`robmem radius`: the distance to the nearest flip, exactly or enclosed, and both ends hold."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from constructions.registry import build
from tests.oracles.oracle import distance_squared, find_flip
from tests.oracles.random_queries import outputs_at, random_network
from tests.oracles.reference import check_reference
from verifier.checker.exact_radius import check_radius
from verifier.checker.manifest import Question, sample_query
from verifier.checker.replay import replay
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.data_file import Points
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal
from verifier.question.rational import parse_rational
from verifier.question.region import Norm
from verifier.runs.run import points_of
from verifier.search.flips.nearby import first_on_segment
from verifier.search.options import Options
from verifier.tasks.radius import RadiusInterval, exact_radii, exact_radius
from verifier.tasks.verify import check

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
    """Both ends, by both checkers and by plain evaluation."""
    if interval.pair is not None:
        assert interval.question is not None
        for check_one in (replay, check_reference):
            assert check_radius(interval.question, interval.pair, check_one) == interval.upper
        region = interval.question.region
        assert (region.center, region.open) == (points.point(interval.sample), True)
    elif interval.proof is not None:
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
def test_the_radius_is_exact(norm: Norm) -> None:
    network, points = wedge()
    for sample, found in enumerate(exact_radii(network, points, range(3), norm=norm)):
        check_interval(network, points, "argmax", found)
        assert (found.exact, found.reached) == (True, True)
        assert found.upper == found.lower_size == Fraction(TRUTH[norm][sample % 2])
        assert found.pair is not None


@pytest.mark.parametrize("norm", NORMS)
def test_the_truth_lies_in_the_interval(norm: Norm) -> None:
    network, points = wedge()
    for sample in range(3):
        part = Fraction(TRUTH[norm][sample % 2]) / 1000
        interval = exact_radius(network, points, sample, norm=norm, within=part)
        check_interval(network, points, "argmax", interval)
        truth = Fraction(TRUTH[norm][sample % 2])
        assert interval.upper is not None
        assert interval.lower_size < truth <= interval.upper
        assert (interval.exact, interval.reached, interval.pair) == (False, True, None)
        assert interval.upper <= interval.lower_size * Fraction(1003, 1000)
        below = interval.lower.denominator
        assert below & (below - 1) == 0  # dyadic


@pytest.mark.parametrize("norm", NORMS)
def test_the_line_search_ends_at_the_tie(norm: Norm) -> None:
    network, points = wedge()
    interval = exact_radius(network, points, 0, norm=norm, within=Fraction(1, 10))
    assert interval.upper == Fraction(TRUTH[norm][0])  # by luck of the planes, but exactly


def test_within_and_most() -> None:
    network, points = wedge()
    loose = exact_radius(network, points, 1, within=Fraction(1, 2))
    assert loose.reached
    assert loose.upper is not None
    assert loose.upper - loose.lower <= Fraction(1, 2)
    none = exact_radius(network, points, 1, most=Fraction(1, 3))
    assert (none.reached, none.upper, none.flip) == (True, None, None)
    assert none.lower == Fraction(1, 3)
    check_interval(network, points, "argmax", none)
    touching = exact_radius(network, points, 1, most=Fraction(3, 4))
    assert touching.upper == Fraction(3, 4)
    square = exact_radius(network, points, 1, most=Fraction(1, 3), norm="2")
    assert square.lower == Fraction(1, 3)
    clipped = exact_radius(network, points, 0, clip=(Fraction(0), Fraction(9)))
    assert clipped.upper == Fraction(1, 2)  # y cannot fall
    for bad in (Fraction(0), Fraction(-1)):
        with pytest.raises(UserError, match="within is not positive"):
            exact_radius(network, points, 0, within=bad)


def test_a_sample_that_is_read_wrong_has_radius_zero() -> None:
    network, _ = wedge()
    points = points_of(Dataset.from_rows("two", [[0, 0], [2, 0]], ["a", "b"]))
    interval = exact_radius(network, points, 0)
    assert interval.lower == interval.upper == 0
    assert interval.proof is None
    assert interval.reached


def test_no_flip_of_the_decoder_value_is_the_nearest() -> None:
    build = NetworkBuilder(1)
    (x,) = build.inputs
    bent = build.layer([x - 1, -x - 1])
    network = build.network([bent[0] + bent[1]])  # 0 up to distance 1, and nothing but 0
    points = points_of(Dataset.from_rows("two", [[0], [2]], [0, 1]))
    with pytest.raises(UserError, match="decoder value: no flip is the nearest"):
        exact_radius(network, points, 0, decoder="value")
    interval = exact_radius(network, points, 0, decoder="value", within=Fraction(1, 100))
    assert interval.upper is not None
    assert interval.lower <= 1 < interval.upper


def test_ended_early_it_says_why() -> None:
    network, points = wedge()
    interval = exact_radius(network, points, 0, options=Options(timeout=1e-6))
    assert not interval.reached
    assert interval.reason == "timeout"
    check_interval(network, points, "argmax", interval)


def brute_force(seed: int) -> str:
    """Compares one random network's radius with all activation patterns; what came of it."""
    rng = Random(seed)
    inputs, outputs = rng.randint(1, 3), rng.choice((1, 2, 3))
    scale = rng.choice(("integers", "halves", "decimals", "floats", "wide", "bits"))
    network = random_network(rng, inputs, rng.randint(0, 7), outputs, scale)
    rows = [[Fraction(rng.randint(-6, 6), 2) for _ in range(inputs)] for _ in range(3)]
    values = outputs_at(network, tuple(rows[0]))
    label = max(range(outputs), key=values.__getitem__)
    decoder, classes = "argmax", max(outputs, 2)
    if outputs == 1:
        decoder, classes = "nearest", 3
        label = min(2, max(0, round(values[0])))
    points = points_of(Dataset.from_rows("three", rows, [(label + k) % classes for k in range(3)]))
    norm = NORMS[seed % 3]
    clip = (Fraction(-4), Fraction(4)) if rng.random() < 0.3 else None
    found = exact_radius(network, points, 0, norm=norm, clip=clip)
    if not found.reached:
        return "undecided"
    if found.upper is None:
        radius, squared = found.lower_size, None
        if norm == "2":
            radius, squared = None, found.lower_size
        outer = Question(norm, decoder, radius, squared, clip)
        assert find_flip(sample_query(network, points, outer, 0)) is None
        return "none"
    assert found.exact
    check_interval(network, points, decoder, found) if clip is None else None
    if found.question is None or not found.upper:
        assert found.upper == 0
        return "zero"
    assert find_flip(found.question) is None
    closed = dataclasses.replace(found.question, region=found.question.region.closed())
    assert find_flip(closed) is not None
    if norm == "2" and clip is None:
        atoms = [goal.atoms for goal in closed.goals]
        assert distance_squared(network, atoms, rows[0]) == found.upper
    return "exact"


@pytest.mark.parametrize("block", range(3))
def test_radii_agree_with_brute_force(block: int) -> None:
    counts = Counter(brute_force(seed) for seed in range(100 + 30 * block, 130 + 30 * block))
    assert counts["exact"] >= 6 and not counts["undecided"], counts


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_radii_agree_with_brute_force(block: int) -> None:
    counts = Counter(brute_force(seed) for seed in range(1000 + 300 * block, 1300 + 300 * block))
    assert counts["exact"] >= 100 and counts["undecided"] <= 3, counts


@pytest.mark.parametrize("factor", [Fraction(2) ** 2000, Fraction(1, 2**2000), Fraction(10) ** 160])
@pytest.mark.parametrize("norm", NORMS)
def test_weights_that_floats_do_not_hold(norm: Norm, factor: Fraction) -> None:
    build = NetworkBuilder(2)
    x, y = (entry * factor for entry in build.inputs)
    units = build.layer([x, -x, y, -y])
    network = build.network([units[0] + units[1], units[2] - units[3] + factor / 2])
    _, points = wedge()
    interval = exact_radius(network, points, 0, norm=norm)
    check_interval(network, points, "argmax", interval)
    assert interval.upper is not None
    assert interval.exact
    assert interval.upper == Fraction(TRUTH[norm][0])


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


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["radius", "net.npz", "--data", "three.csv", *arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


@pytest.mark.parametrize("norm", NORMS)
def test_the_command(here: Path, capsys: pytest.CaptureFixture[str], norm: str) -> None:
    upper = "upper_squared" if norm == "2" else "upper"
    code, facts = ask(capsys, "--norm", norm, "--proofs", "pairs", "--samples", "0:2")
    assert (code, facts["samples"], facts["exact"], facts["undecided"]) == (0, 2, 2, 0)
    for result, truth in zip(facts["results"], TRUTH[norm], strict=True):
        assert (result["exact"], result[upper]) == (True, truth)
        proof = f"pairs/sample-{result['sample']}-radius.json.gz"
        assert main(["check", proof, "--network", "net.npz"]) == 0
        assert "its radius is exact" in capsys.readouterr().out
        assert main(["export", proof, "--network", "net.npz", "--to", "vipr", "-o", "x.vipr"]) == 2
        assert "holds an exact radius" in capsys.readouterr().err
        assert main(["export", proof, "--network", "net.npz", "--to", "lp", "-o", "x.lp"]) == 2
        assert "an open ball is not closed" in capsys.readouterr().err
    code, facts = ask(
        capsys, "--norm", norm, "--proofs", "proofs", "--samples", "0:2", "--within", "1/1000"
    )
    assert (code, facts["samples"], facts["flips"], facts["undecided"]) == (0, 2, 2, 0)
    for result, truth in zip(facts["results"], TRUTH[norm], strict=True):
        lower = parse_rational(result["lower"])
        top = parse_rational(result[upper])
        assert (lower**2 if norm == "2" else lower) < parse_rational(truth) <= top
        for end in ("robust", "flip"):
            proof = f"proofs/sample-{result['sample']}-{end}.json.gz"
            assert main(["check", proof, "--network", "net.npz"]) == 0
    capsys.readouterr()
    assert main(["radius", "net.npz", "--data", "three.csv", "--norm", norm]) == 0
    lines = capsys.readouterr().out.splitlines()
    squares = ["its", "square"] if norm == "2" else []
    assert lines[0].split()[:5] == ["sample", "label", "distance", *squares, "no", "flip"][:5]
    *away, shown, decimal, how = lines[1].split()[2 : 7 if norm == "2" else 5]
    assert (shown, how) == (TRUTH[norm][0], "exact")
    if norm == "2":  # the root of an eighth, which is irrational
        assert away == ["about", "0.353553"]
    assert Fraction(decimal.strip("()")) == Fraction(shown)


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
        (["--timeout", "0"], "'0' is not a positive number of seconds"),
        (["--samples", "3"], "--samples: 3 is not within 0:3"),
        (["--clip", "2"], "--clip: '2' is neither LO:HI nor range"),
        (["--clip", "2:1"], "clip: 2 is above 1"),
        (["--decoder", "value"], "decoder value: no flip is the nearest"),
    ],
)
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["radius", "net.npz", "--data", "three.csv", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["linf", "linf-parallel", pytest.param("l1", marks=pytest.mark.slow)]
)
def test_the_radius_of_a_construction_is_at_least_its_budget(name: str) -> None:
    data = load("iris").select([0, 50, 100, 1, 51])
    construction = build(name, data, ratio=Fraction(9, 10))
    norm: Norm = "1" if name == "l1" else "inf"
    decoder = "nearest" if construction.decoder == "value" else construction.decoder
    points = points_of(data)
    found = exact_radius(construction.network, points, 1, norm=norm, decoder=decoder)
    check_interval(construction.network, points, decoder, found)
    assert found.exact
    assert found.upper is not None
    assert found.upper >= construction.budget
    if name.startswith("linf"):
        # The test of a sample falls by K an input beyond its ball, to a tie when it lost 1/2; the
        # corner of the ball moves fastest, by all inputs at once.
        steep = Fraction(3) / (construction.budget * 2 / Fraction(9, 10) - 2 * construction.budget)
        assert found.upper == construction.budget + Fraction(1, 2) / (steep * data.dimension)


@pytest.mark.parametrize(("name", "sample", "upper"), [
    ("linf", 0, None), ("linf", 60, Fraction(1189, 12000)), ("linf-parallel", 120, None),
    ("lipschitz-ovr", 0, Fraction(1, 5)), ("lipschitz-ovr", 75, Fraction(1, 5)),
    ("l1-parallel", 50, Fraction(149, 1000)),
    pytest.param("l1", 100, None, marks=pytest.mark.slow),
])  # fmt: skip
def test_an_open_ball_that_a_flip_touches_is_proved(
    name: str, sample: int, upper: Fraction | None
) -> None:
    """Of all of iris, where many balls of one label overlap: towards larger labels the test of a
    rival is met, towards smaller ones the own test falls, at a corner of the ball. One against rest
    all outputs tie where the own test reaches zero, at the separation, on every face of the box; in
    L1 on all of the sphere, so that a multiplier of the ball shows it."""
    data = load("iris")
    construction = build(name, data, ratio=Fraction(99, 100))
    points = points_of(data)
    decoder = "argmax" if name == "lipschitz-ovr" else "nearest"
    found = exact_radius(
        construction.network, points, sample, decoder=decoder, norm=construction.norm,
        options=Options(timeout=300),
    )  # fmt: skip
    assert found.exact and found.upper is not None
    assert found.upper == (upper or found.upper) > construction.budget
    assert found.question is not None and found.pair is not None
    assert found.question.region.open
    assert check_radius(found.question, found.pair, replay) == found.upper


def test_the_radius_of_a_construction_on_digits_is_beyond_its_budget() -> None:
    data = load("digits").select(range(6))
    construction = build("linf", data, ratio=Fraction(99, 100))
    for sample in range(3):
        found = exact_radius(
            construction.network, points_of(data), sample, decoder="nearest",
            most=construction.budget,
        )  # fmt: skip
        check_interval(construction.network, points_of(data), "nearest", found)
        assert (found.reached, found.upper) == (True, None)
        assert found.lower == construction.budget
