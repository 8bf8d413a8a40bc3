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
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.manifest import Question, sample_query
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.network_file import load_network
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.region import Norm, distance
from verifier.runs.run import points_of
from verifier.search.options import Options
from verifier.tasks.verify import verify

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


SQUARE = Fraction(1, 4)
NORMS: list[tuple[Norm, Fraction, int]] = [("inf", HALF, 5), ("1", HALF, 9), ("2", SQUARE, 5)]
"""Norms, half the separation as a size, and how many facts the board's questions have at least."""


@pytest.mark.parametrize(("norm", "size", "count"), NORMS)
@pytest.mark.parametrize("seed", range(10))
def test_every_point_of_every_ball_satisfies_the_facts_of_its_question(
    norm: Norm, size: Fraction, count: int, seed: int
) -> None:
    """So a proof that no (z, e) with them is wrong is one about all balls and all budgets."""
    draw = np.random.default_rng(seed)
    points, inside = points_of(BOARD), 0
    for scaled in ((), (0,), (1,), (0, 1)):
        claim = Below(4, size, scaled, board_family())
        budget = Fraction(int(draw.integers(0, 64)), 128)
        sample = int(draw.integers(0, 6))
        query, left = questions_of(claim, points, norm)[sample], HALF - budget
        sides = (-1, 0, 1, *(Fraction(int(k), 8) for k in draw.integers(-8, 9, 2)))
        for corner in product(sides, repeat=2):
            if distance(norm, (Fraction(0),) * 2, tuple(map(Fraction, corner))) > 1:
                continue
            x = [c + budget * d for c, d in zip(points.point(sample), corner, strict=True)]
            z = [*(left * q if j in scaled else q for j, q in enumerate(x)), left]
            assert all(
                low <= q <= high
                for low, q, high in zip(query.region.lower, z, query.region.upper, strict=True)
            )
            outputs = claim.network(z).tolist()
            for goal in query.goals:
                facts = [atom for atom in goal.atoms if not atom.outputs]
                least = count if norm != "1" or len(scaled) != 1 else 5
                assert len(facts) >= least and all(atom.holds(z, outputs) for atom in facts)
                inside += 1
    assert inside >= 20


@pytest.mark.parametrize("scaled", [(), (0, 1)])
def test_the_facts_of_norm_1_leave_out_what_is_beyond_its_balls(scaled: tuple[int, ...]) -> None:
    """At 3/4 of the way to a corner of the cube, which is no point of the ball."""
    claim, left = Below(4, HALF, scaled, board_family()), Fraction(1, 8)
    query = questions_of(claim, points_of(BOARD), "1")[0]
    for signs in product((-1, 1), repeat=2):
        x = [(HALF - left) * sign * Fraction(3, 4) for sign in signs]
        z = [*(left * q if scaled else q for q in x), left]
        facts = [atom for atom in query.goals[0].atoms if not atom.outputs]
        assert not all(atom.holds(z, [Fraction(0)]) for atom in facts)


STAR = Dataset.from_rows(
    "star3", [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 1, 1]
)  # fmt: skip


def star_family() -> Network:
    return load_network(Path(__file__).parents[2] / "reports/least/star3-family.robmem")


@pytest.mark.parametrize(("norm", "size"), [("inf", HALF), ("1", HALF), ("2", SQUARE)])
def test_a_family_for_cubes_is_one_for_the_balls_inside(norm: Norm, size: Fraction) -> None:
    points = points_of(STAR)
    claim = Below(3, size, (), star_family())
    found = Finder(points, norm).show_family(claim)
    assert shown(claim, points, norm, found.certificates, "kernel").claim is claim
    member = claim.member(Fraction(499, 1000), norm)
    below = Fraction(499, 1000) ** (2 if norm == "2" else 1)
    assert not isinstance(
        Finder(points, norm)._on_balls(Possible(3, below, False, member), None), list
    )


def test_a_family_of_norm_1_is_found() -> None:
    """Of the ball of label 1 the facts about sums are needed: at the corners of the cube around it
    two half-spaces meet."""
    found = Finder(points_of(TRIANGLE), "1").find_below(1, HALF)
    assert found is not None and isinstance(found.claim, Below)
    assert len(found.checked) == 3


def other(scaled: tuple[int, ...] = (0,), width: int = 4, size: Fraction = HALF) -> Below:
    return Below(width, size, scaled, board_family())


def skipping() -> Network:
    """Its output reads an input that is no budget: no network of one hidden layer."""
    build = NetworkBuilder(3)
    (unit,) = build.layer([build.inputs[0]])
    return build.network([unit + build.inputs[1]])


@pytest.mark.parametrize(("claim", "norm", "flaw"), [
    (other(), "2", "malformed"),  # of a size whose root is not rational
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
    found = least(TRIANGLE, "inf", None, 2, tmp_path / "f", families=[network])
    assert [(p.at_least, p.at_most) for p in found.segments][-1] == (2, 2)
    again = read_least(tmp_path / "f", "kernel")
    families = [one.claim for one in again.claims if isinstance(one.claim, Below)]
    assert [(one.network.digest, one.scaled) for one in families] == [(network.digest, ())]
    claims = (tmp_path / "f" / "least.json").read_text()
    assert claims.count('"below"') == 1
    least(TRIANGLE, "inf", None, 2, tmp_path / "f", families=[network])
    assert (tmp_path / "f" / "least.json").read_text() == claims


def test_a_family_is_found() -> None:
    """For the triangle with two units, one for each coordinate."""
    finder = Finder(points_of(TRIANGLE), "inf")
    finder._hopeful[2] = 2
    found = finder.find_below(2, HALF)
    assert found is not None and isinstance(found.claim, Below) and found.claim.width == 2
    assert Finder(points_of(TRIANGLE), "2").find_below(2, HALF) is None
    assert finder.find_below(1, HALF) is None


def test_narrower_networks_are_looked_at_where_a_family_serves_all_budgets() -> None:
    """Of the unit vectors of the plane: relu(x - 1/2) + relu(y - 1/2) - e / 2, for e = 1/2 - mu."""
    build = NetworkBuilder(3)
    x, y, left = build.inputs
    units = build.layer([x - HALF, y - HALF])
    network = build.network([units[0] + units[1] - left * HALF + HALF])
    found = least(TRIANGLE, "inf", None, 2, families=[network])
    assert [(part.first, part.at_least, part.at_most) for part in found.segments] == [
        (0, 1, 1), (Fraction(1, 4), 2, 2),
    ]  # fmt: skip
    assert found.exact


def test_one_network_for_all_budgets_may_be_given(tmp_path: Path) -> None:
    """1 - |x| - |y| around the center of the quincunx, whose discs touch at an irrational radius;
    a smaller diamond serves smaller discs, of none a point is named."""
    rows = [[0, 0], [2, 2], [0, 2], [2, 0], [1, 1]]
    data = Dataset.from_rows("quincunx", rows, [0, 0, 0, 0, 1])
    build = NetworkBuilder(2)
    x, y = build.inputs
    units = build.layer([x - 1, 1 - x, y - 1, 1 - y])
    total = units[0] + units[1] + units[2] + units[3]
    network = build.network([1 + HALF - total])
    found = least(data, "2", [Fraction(0)], 1, tmp_path / "f", families=[network])
    assert found.segments[0].at_most == 4
    (given,) = (one.claim for one in found.claims if isinstance(one.claim, Possible))
    assert given.open and given.size == HALF
    again = least(data, "2", [Fraction(0)], 1, tmp_path / "f", families=[network])
    assert len(again.claims) == len(found.claims)
    found = least(data, "2", [Fraction(0)], 1, families=[build.network([1 - total])])
    assert Fraction(1, 8) in [one.claim.size for one in found.claims]
    with pytest.raises(UserError, match="does not read the label of sample 4 at"):
        least(data, "2", [Fraction(0)], 1, families=[build.network([HALF - total])])


ROWS33 = [[x, y] for x in range(3) for y in range(3)]
BOARD33 = Dataset.from_rows("board33", ROWS33, [(x + y) % 2 for x, y in ROWS33])
CROSS = [[0, 0], [2, 2], [0, 2], [2, 0], [1, 1]]
QUINCUNX = Dataset.from_rows("quincunx", CROSS, [0, 0, 0, 0, 1])
ONE_FOR_ALL: list[tuple[str, int, Dataset, list[tuple[Norm, Fraction]]]] = [
    ("board33-seven", 7, BOARD33, [("inf", HALF), ("2", SQUARE), ("1", HALF)]),
    ("quincunx-three", 3, QUINCUNX, [("1", Fraction(1)), ("2", HALF)]),
]


@pytest.mark.parametrize(("name", "width", "data", "norms"), ONE_FOR_ALL)
def test_one_network_serves_all_budgets_in_several_norms(
    name: str, width: int, data: Dataset, norms: list[tuple[Norm, Fraction]]
) -> None:
    """On open balls that touch; no larger ones, and not if a unit is left out."""
    network = load_network(Path(__file__).parents[2] / f"reports/least/{name}.robmem")
    weights, constant = network.outputs.fractions(0)
    for norm, size in norms:
        finder = Finder(points_of(data), norm)
        claim = Possible(width, size, True, network)
        assert finder.show_family(claim).claim is claim
        with pytest.raises(UserError, match="another width"):
            finder.show_family(replace(claim, width=width - 1))
        with pytest.raises(UserError, match="does not read the label"):
            finder.show_family(replace(claim, size=size * Fraction(101, 100)))
    norm, size = norms[0]
    for left_out in sorted(weights):
        build = NetworkBuilder(2)
        forms = [network.units.fractions(v) for v in range(width)]
        units = build.layer([
            Affine.sum(build.inputs[j] * q for j, q in w.items()) + c for w, c in forms
        ])  # fmt: skip
        kept = [units[k - 2] * q for k, q in weights.items() if k != left_out]
        smaller = build.network([Affine.sum(kept) + constant])
        claim = Possible(width, size, True, smaller)
        with pytest.raises(UserError, match="does not read the label"):
            Finder(points_of(data), norm).show_family(claim)


XOR = Dataset.from_rows("xor", [[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1])


def deep_xor(budget: Fraction) -> Network:
    """Two layers of two units, by the formula of docs/least.md."""
    e = HALF - budget
    build = NetworkBuilder(2)
    x, y = build.inputs
    h1, h2 = build.layer([y - HALF, x - HALF])
    last, on = build.layer([h2 * ((1 + e) / 2) - h1, h2 * HALF - h1 * (e / 2) + e / 2])
    return build.network([last - on + HALF + e / 2 - e * e / 4])


@pytest.mark.parametrize("budget", ["0", "1/10", "1/4", "2/5", "49/100", "499999/1000000"])
def test_two_layers_of_two_units_do_for_xor_at_every_budget(budget: str) -> None:
    radius = Fraction(budget)
    network, points = deep_xor(radius), points_of(XOR)
    assert network.layers == (2, 2)
    for size, kind in ((radius, Robust), (HALF, Flip)):  # of balls that touch none does
        question = Question("inf", "nearest", size, None)
        queries = [sample_query(network, points, question, k) for k in range(4)]
        verdicts = [verify(query, Options()).verdict for query in queries]
        if kind is Robust:
            assert all(isinstance(verdict, Robust) for verdict in verdicts)
            for query, verdict in zip(queries, verdicts, strict=True):
                assert isinstance(verdict, Robust)
                kernel_check_proof(query, verdict)
        else:
            assert any(isinstance(verdict, Flip) for verdict in verdicts)


def test_the_deep_network_of_the_sealed_run_is_that_of_the_formula() -> None:
    root = Path(__file__).parents[2] / "reports/least"
    network = load_network(root / "xor-deep.robmem")
    assert network.digest == deep_xor(Fraction(49, 100)).digest
    with pytest.raises(UserError, match="another width"):  # no claim of depth 2 is made of it
        Finder(points_of(XOR), "inf").show_family(Possible(3, HALF, True, network))


def cube_network() -> Network:
    """Eight units for the parity of a corner of the cube, by the formula of docs/least.md."""
    build = NetworkBuilder(3)
    u, v, w = (x - HALF for x in build.inputs)
    forms = [(u + v + w, 1), (u + v - w, -1), (u - v + w, -1), (u - v - w, 1)]
    units = build.layer([side * t - HALF for t, _ in forms for side in (1, -1)])
    signs = [side * sign for _, sign in forms for side in (1, -1)]
    odd = Affine.sum(unit * sign for unit, sign in zip(units, signs, strict=True))
    return build.network([odd + HALF])


@pytest.mark.parametrize(("norm", "size"), [("inf", Fraction(1, 3)), ("2", Fraction(1, 4))])
def test_eight_units_give_the_parity_of_corners_of_the_cube(norm: Norm, size: Fraction) -> None:
    corners = [list(corner) for corner in product((0, 1), repeat=3)]
    cube = Dataset.from_rows("cube", corners, [sum(corner) % 2 for corner in corners])
    finder = Finder(points_of(cube), norm)
    claim = Possible(8, size, True, cube_network())
    assert finder.show_family(claim).claim is claim
    with pytest.raises(UserError, match="does not read the label"):
        finder.show_family(replace(claim, size=size * Fraction(101, 100)))


def test_the_cross_is_the_quincunx_turned_with_its_center_and_a_corner_of_one_label() -> None:
    """L1 distances of the one are those of L-inf of the other, and so are its balls."""
    turned = {(x + y - 2, x - y) for x, y in CROSS}
    assert turned == {(0, 0), (-2, 0), (2, 0), (0, 2), (0, -2)}
    for x, y in product(range(-3, 4), repeat=2):
        assert max(abs(x + y), abs(x - y)) == abs(x) + abs(y)
