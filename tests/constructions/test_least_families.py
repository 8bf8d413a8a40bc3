"""Claims about all budgets below one: families of networks, their members, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from constructions.least.answer import least, read_least
from constructions.least.evidence import shown
from constructions.least.find import Finder
from constructions.least.questions import Below, Possible, questions_of
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import load_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.runs.run import points_of

HALF = Fraction(1, 2)
ROWS = [[x, y] for x in range(2) for y in range(3)]
BOARD = Dataset.from_rows("board", ROWS, [(x + y) % 2 for x, y in ROWS])
TRIANGLE = Dataset.from_rows("triangle", [[0, 0], [1, 0], [0, 1]], [0, 1, 1])


def board_family() -> Network:
    root = Path(__file__).parents[2]
    return load_network(root / "reports/least/board-family.robmem")


def answered(claim: Below, data: Dataset) -> Finder:
    finder = Finder(points_of(data), "inf")
    found = finder.show_family(claim)
    assert found.claim is claim and len(found.checked) == data.size
    return finder


def test_the_board_needs_no_fifth_unit_for_any_budget() -> None:
    claim = Below(4, HALF, (0,), board_family())
    finder = answered(claim, BOARD)
    found = finder.show_family(claim)
    assert shown(claim, finder.points, "inf", found.certificates, "kernel").claim is claim
    assert claim.open


@pytest.mark.parametrize("budget", [Fraction(0), Fraction(1, 4), Fraction(499, 1000)])
def test_members_are_networks_for_their_budgets(budget: Fraction) -> None:
    claim = Below(4, HALF, (0,), board_family())
    finder, member = Finder(points_of(BOARD), "inf"), claim.member(budget)
    assert member.width == 4 and len(member.layers) == 1
    assert not isinstance(finder._on_balls(Possible(4, budget, False, member), None), list)


@pytest.mark.parametrize("seed", range(10))
def test_a_member_has_the_values_of_the_family(seed: int) -> None:
    draw = np.random.default_rng(seed)
    claim = Below(4, HALF, (0,), board_family())
    budget = Fraction(int(draw.integers(0, 50)), 100)
    x, y = (Fraction(int(v), 8) for v in draw.integers(-8, 17, 2))
    left = HALF - budget
    assert claim.member(budget)([x, y])[0] == claim.network([left * x, y, left])[0]


@pytest.mark.parametrize("seed", range(30))
def test_every_point_of_every_ball_satisfies_the_facts_of_its_question(seed: int) -> None:
    """So a proof that no (z, e) with them is wrong is one about all balls and all budgets."""
    draw = np.random.default_rng(seed)
    for scaled in ((), (0,), (1,), (0, 1)):
        claim = Below(4, HALF, scaled, board_family())
        points = points_of(BOARD)
        budget = Fraction(int(draw.integers(0, 64)), 128)
        sample = int(draw.integers(0, 6))
        query, left = questions_of(claim, points, "inf")[sample], HALF - budget
        for corner in product((-1, 1, Fraction(int(draw.integers(-8, 9)), 8)), repeat=2):
            x = [c + budget * d for c, d in zip(points.point(sample), corner, strict=True)]
            z = [*(left * q if j in scaled else q for j, q in enumerate(x)), left]
            inside = zip(query.region.lower, z, query.region.upper, strict=True)
            assert all(low <= q <= high for low, q, high in inside)
            outputs = claim.network(z).tolist()
            for goal in query.goals:
                facts = [atom for atom in goal.atoms if not atom.outputs]
                assert len(facts) >= 5 and all(atom.holds(z, outputs) for atom in facts)


def other(scaled: tuple[int, ...] = (0,), width: int = 4, size: Fraction = HALF) -> Below:
    return Below(width, size, scaled, board_family())


def skipping() -> Network:
    """Its output reads an input that is no budget: no network of one hidden layer."""
    build = NetworkBuilder(3)
    (unit,) = build.layer([build.inputs[0]])
    return build.network([unit + build.inputs[1]])


@pytest.mark.parametrize(("claim", "norm", "flaw"), [
    (other(), "2", "another norm"),
    (other(width=3), "inf", "another width"),
    (replace(other(), network=skipping()), "inf", "another width"),
    (other((2,)), "inf", "malformed"),
    (other((0, 0)), "inf", "malformed"),
    (other(size=Fraction(0)), "inf", "malformed"),
])  # fmt: skip
def test_families_that_are_none_are_refused(claim: Below, norm: str, flaw: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        questions_of(claim, points_of(BOARD), norm)  # type: ignore[arg-type]
    assert refusal.value.flaw == flaw


def test_a_network_of_the_inputs_alone_is_no_family() -> None:
    build = NetworkBuilder(2)
    network = build.network([build.layer([build.inputs[0]])[0]])
    with pytest.raises(RefusedError, match="another network"):
        questions_of(Below(1, HALF, (), network), points_of(BOARD), "inf")


@pytest.mark.parametrize("claim", [other(()), other((1,)), other((0, 1)), other((0,), 4, 1 + HALF)])
def test_a_wrong_family_is_refuted_by_a_point(claim: Below) -> None:
    finder = Finder(points_of(BOARD), "inf")
    with pytest.raises(UserError, match="does not read the label of sample"):
        finder.show_family(claim)


def test_a_family_is_stored_and_replayed(tmp_path: Path) -> None:
    """relu(x - 1/2) + relu(y - 1/2), with the constant e / 2, for the unit vectors against 0."""
    build = NetworkBuilder(3)
    x, y, e = build.inputs
    first, second = build.layer([x - HALF, y - HALF])
    network = build.network([first + second - e / 2 + HALF])
    found = least(TRIANGLE, "inf", None, 2, tmp_path / "f", family=network)
    assert [(p.at_least, p.at_most) for p in found.segments][-1] == (2, 2)
    again = read_least(tmp_path / "f", "kernel")
    families = [one.claim for one in again.claims if isinstance(one.claim, Below)]
    assert [(one.network.digest, one.scaled) for one in families] == [(network.digest, ())]
    claims = (tmp_path / "f" / "least.json").read_text()
    assert claims.count('"below"') == 1
    least(TRIANGLE, "inf", None, 2, tmp_path / "f", family=network)
    assert (tmp_path / "f" / "least.json").read_text() == claims


def test_a_family_is_found() -> None:
    """For the triangle with two units, one for each coordinate."""
    finder = Finder(points_of(TRIANGLE), "inf")
    finder._hopeful[2] = 2
    found = finder.find_below(2, HALF)
    assert found is not None and isinstance(found.claim, Below) and found.claim.width == 2
    assert Finder(points_of(TRIANGLE), "2").find_below(2, HALF) is None
    assert finder.find_below(1, HALF) is None
