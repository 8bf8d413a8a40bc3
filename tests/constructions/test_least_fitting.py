"""Networks by linear programs: what they come to is right, and turns with the proofs."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from constructions.least.answer import least
from constructions.least.find import Finder
from constructions.least.fitting import Fit
from constructions.least.questions import Below, Possible
from constructions.least.steps import Search
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import load_network
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.runs.run import points_of

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
ROWS33 = [[x, y] for x in range(3) for y in range(3)]
BOARD33 = Dataset.from_rows("board33", ROWS33, [(x + y) % 2 for x, y in ROWS33])
CORNERS = [list(corner) for corner in product((0, 1), repeat=3)]
CUBE = Dataset.from_rows("cube", CORNERS, [sum(corner) % 2 for corner in CORNERS])
LINE = Dataset.from_rows("line", [[7], [9], [11], [13]], [0, 1, 2, 0])


def stored(name: str) -> Network:
    return load_network(Path(__file__).parents[2] / f"reports/least/{name}.robmem")


@pytest.mark.parametrize("data", [BOARD33, CUBE, LINE])
def test_what_linear_programs_come_to_is_right_at_the_points(data: Dataset) -> None:
    """As rounded to 44 bits, exactly; for two labels and for three."""
    points = points_of(data)
    places = [(k, points.point(k)) for k in range(points.size)]
    random, came = np.random.default_rng(0), 0
    for _ in range(16):
        fit = Fit.anywhere(points, 5, 2, places, random)
        while not (right := fit.step()):
            if right is None:
                break
        if not right:
            continue
        came += 1
        *_, finest = fit.candidates()
        labels = [int(points.labels[k]) for k, _ in places]
        assert all(
            finest.margin(label, points.classes, x) > 0
            for label, (_, x) in zip(labels, places, strict=True)
        )
        again = Fit.near(points, finest, places)
        assert again.step() and again.positive == 2
    assert came


def test_five_units_do_for_the_board_of_3_by_3_above_a_quarter() -> None:
    """Found where the search for conjunctions alone was undecided for long."""
    finder = Finder(points_of(BOARD33), "inf")
    size = Fraction(7, 25)
    found = finder._fitted(5, [2], size, 128, np.random.default_rng(0), None)
    assert found is not None and isinstance(found.claim, Possible)
    assert (found.claim.width, found.claim.size, found.claim.open) == (5, size, False)
    assert len(found.checked) == 9


def test_a_network_that_is_given_counts_as_far_as_it_reaches() -> None:
    points = points_of(BOARD33)
    search = Search(Finder(points, "inf"), HALF, [])
    search.take_network(Possible(5, HALF, True, stored("board33-five")))
    (shown,) = search.claims
    assert shown.claim.size == Fraction(252, 745) and shown.claim.open
    larger = Possible(5, Fraction(253, 745), True, stored("board33-five"))
    with pytest.raises(UserError, match="does not read the label"):
        search.finder.show_family(larger)
    with pytest.raises(UserError, match="another width"):
        search.finder.show_family(Possible(4, QUARTER, True, stored("board33-five")))


def test_networks_are_given_together_with_families() -> None:
    given = [stored("board33-family"), stored("board33-five")]
    found = least(BOARD33, "inf", [Fraction(1, 3), Fraction(2, 5)], 1, families=given)
    assert found.at(Fraction(1, 3)) == (2, 5) and found.at(Fraction(2, 5)) == (2, 6)


@pytest.mark.parametrize(("norm", "size"), [("inf", HALF), ("2", QUARTER)])
def test_six_units_do_for_the_board_of_3_by_3_at_every_budget(norm: str, size: Fraction) -> None:
    """By the formula of docs/least.md, whose members are networks of max(|u|, |v|)."""
    claim = Below(6, size, (), stored("board33-family"))
    finder = Finder(points_of(BOARD33), norm)  # type: ignore[arg-type]
    assert finder.show_family(claim).claim is claim
    with pytest.raises(UserError, match="does not read the label"):
        larger = size * Fraction(36, 25)  # a root that is rational, and balls that meet
        finder.show_family(Below(6, larger, (), stored("board33-family")))
    member, e = claim.member(Fraction(9, 20), norm), Fraction(1, 20)  # type: ignore[arg-type]
    for x, y in [(0, 0), (1, 2), (HALF, QUARTER), (Fraction(9, 4), Fraction(-1, 3))]:
        u, v = abs(Fraction(x) - 1), abs(Fraction(y) - 1)
        said = 1 + e / 2 + max(u, v) - max(u, HALF) - max(v, HALF)
        assert member([Fraction(x), Fraction(y)]).tolist() == [said]
