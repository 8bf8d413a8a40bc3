"""Least widths: the questions about all networks, against brute force and known networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.least.answer import deeper, least, of_its_labels, read_least
from constructions.least.evidence import Claim, Shown, shown
from constructions.least.find import Finder
from constructions.least.questions import Impossible, Possible, dual_question, questions_of
from constructions.least.steps import Segment, bounds_at, segments
from constructions.two_units import separate
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Robust
from verifier.evidence.data_file import Points
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.region import Norm, ball
from verifier.runs.folder import RunFolder
from verifier.runs.run import points_of

FIFTH, QUARTER = Fraction(1, 5), Fraction(1, 4)
XOR = Dataset.from_rows("xor", [[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1])


def on_a_line(labels: Sequence[int]) -> Dataset:
    return Dataset.from_rows("line", [[k] for k in range(len(labels))], list(labels))


def brute_force(labels: Sequence[int], radius: float, width: int) -> bool:
    """Whether a network of these units on a grid is right: kinks at multiples of 1/2, slopes up to
    2, both directions, constants at multiples of 1/4. Between its ends an interval has one kink."""
    kinks = np.arange(-1, 2 * len(labels)) / 2
    looked = np.array([k + x for k in range(len(labels)) for x in (-radius, 0, radius)])
    signs = np.array([1 if labels[round(x)] else -1 for x in looked])
    units = [
        slope * np.maximum(side * (looked - kink), 0)
        for kink, side, slope in product(kinks, (1, -1), (1, 2, -1, -2))
    ]
    sums = np.array([sum(some) for some in combinations_with_replacement(units, width)])
    constants = np.arange(-12, 13) / 4
    values = (sums[:, None, :] + constants[None, :, None]) * signs
    return bool((values > 1e-9).all(axis=2).any())


@pytest.mark.parametrize("labels", [
    labels for n in (3, 4) for labels in product((0, 1), repeat=n) if labels[0] < max(labels)
])  # fmt: skip
def test_brute_force_over_a_grid_agrees_on_a_line(labels: tuple[int, ...]) -> None:
    finder = Finder(points_of(on_a_line(labels)), "inf")
    for width in (1, 2):
        found = finder.decide(width, FIFTH)
        assert isinstance(found.claim, Possible) == brute_force(labels, 0.2, width)
    if labels == (0, 1, 0, 1):
        assert isinstance(finder.decide(3, FIFTH).claim, Possible)


@st.composite
def few_points(draw: st.DrawFn) -> Dataset:
    """Three or four points of the line or the plane, on a grid, with two labels."""
    n, count = draw(st.integers(1, 2)), draw(st.integers(3, 4))
    coordinate = st.integers(0, 3 if n == 2 else 5)
    rows = draw(
        st.lists(st.lists(coordinate, min_size=n, max_size=n), min_size=count, max_size=count,
                 unique_by=tuple)
    )  # fmt: skip
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)
                  .filter(lambda some: len(set(some)) == 2))  # fmt: skip
    return Dataset.from_rows("few", rows, labels)


def width_on_a_grid(data: Dataset, radius: float, most: int) -> int | None:
    """The least width of the networks on a grid of weights that are right at centers and corners of
    the balls: weights -1, 0, 1 of each input, kinks at half integers, factors 1, 2, -1, -2,
    constants at multiples of 1/4. None if there is none up to `most`."""
    n = data.dimension
    centers = data.numerators.astype(float) / data.denominator
    offsets = radius * np.array(list(product((-1.0, 0.0, 1.0), repeat=n)))
    looked = (centers[:, None, :] + offsets[None]).reshape(-1, n)
    signs = np.where(np.repeat(data.labels, len(offsets)) == 1, 1.0, -1.0)
    directions = [np.array(v) for v in product((-1.0, 0.0, 1.0), repeat=n) if any(v)]
    kinks = np.arange(-11, 12) / 2
    plain = {np.maximum(looked @ v - kink, 0).tobytes() for v in directions for kink in kinks}
    shapes = np.array([np.frombuffer(text) for text in sorted(plain)])
    units = np.vstack([factor * shapes for factor in (1, 2, -1, -2)])
    sums, constants = np.zeros((1, len(looked))), np.arange(-24, 25) / 4
    for width in range(1, most + 1):
        sums = (sums[:, None, :] + units[None]).reshape(-1, len(looked))
        positive, negative = signs > 0, signs < 0  # a constant fits between the two sides
        room = sums[:, positive].min(axis=1) - sums[:, negative].max(axis=1)
        for one in sums[room > 1e-9]:
            values = (one + constants[:, None]) * signs
            if (values > 1e-9).all(axis=1).any():
                return width
    return None


@settings(max_examples=25, deadline=None, derandomize=True)
@given(few_points(), st.sampled_from([Fraction(0), FIFTH, Fraction(2, 5)]))
def test_no_network_on_a_grid_is_narrower_than_what_is_claimed(
    data: Dataset, budget: Fraction
) -> None:
    """What is right on the balls is right at their corners: below the grid's least width at these
    nothing is said, but a width that is called impossible is not on the grid where the grid was
    asked at all points of the claim; so the claim is taken up at these points."""
    points = points_of(data)
    width = width_on_a_grid(data, float(budget), 2)
    corners = [
        (k, tuple(c + budget * d for c, d in zip(points.point(k), offset, strict=True)))
        for k in range(points.size) for offset in product((-1, 0, 1), repeat=points.dimension)
    ]  # fmt: skip
    finder = Finder(points, "inf")
    for asked in (1, 2):
        verdicts = [
            finder._ask(finder._dual(asked, positive, list(dict.fromkeys(corners))), None)
            for positive in range(asked + 1)
        ]
        excluded = all(isinstance(verdict, Robust) for verdict in verdicts)
        if width is not None and width <= asked:
            assert not excluded
        found = finder.decide(asked, budget)
        if excluded:
            assert isinstance(found.claim, Impossible)
        if isinstance(found.claim, Possible):
            assert not excluded and claimed_right_everywhere(found.claim, corners, points)


def claimed_right_everywhere(
    claim: Possible, places: list[tuple[int, tuple[Fraction, ...]]], points: Points
) -> bool:
    return all(
        (claim.network(list(x))[0] > Fraction(1, 2)) == bool(points.labels[k]) for k, x in places
    )


def test_xor_needs_a_third_unit_from_a_quarter_on() -> None:
    points = points_of(XOR)
    finder = Finder(points, "inf")
    below, at = finder.decide(2, FIFTH), finder.decide(2, QUARTER)
    assert isinstance(below.claim, Possible) and isinstance(at.claim, Impossible)
    assert at.claim.width == 2 and at.claim.size == QUARTER
    assert len(at.checked) == 3 and {one.facts.verdict for one in at.checked} == {"robust"}
    assert shown(at.claim, points, "inf", at.certificates, "kernel").claim is at.claim
    grown = finder.find_open(2, QUARTER)
    assert grown is not None and isinstance(grown.claim, Possible) and grown.claim.open


def known_network() -> Network:
    """2 relu(x + y - 1) - relu(x + y + 1) + 3/2, of the label 0 where positive, as 1/2 minus it."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    first, second = build.layer([x + y - 1, x + y + 1])
    return build.network([second - 2 * first - 1])


def test_a_false_claim_is_refuted_by_a_network() -> None:
    """That width 2 is impossible for mu = 1/5: the same points, moved inwards, and the network."""
    points = points_of(XOR)
    at = Finder(points, "inf").decide(2, QUARTER)
    assert isinstance(at.claim, Impossible)
    shrunk = tuple(
        tuple((k, tuple(c + (x - c) * Fraction(4, 5) for c, x in
                        zip(points.point(k), place, strict=True))) for k, place in part)
        for part in at.claim.points
    )  # fmt: skip
    false = Impossible(2, FIFTH, shrunk)
    with pytest.raises(RefusedError):
        shown(false, points, "inf", at.certificates)
    with pytest.raises(RefusedError, match="point outside"):
        questions_of(replace(at.claim, size=FIFTH), points, "inf")
    queries = questions_of(Possible(2, FIFTH, False, known_network()), points, "inf")
    for query in queries:
        corners = product(*zip(query.region.lower, query.region.upper, strict=True))
        for corner in corners:
            outputs = known_network()(np.array([corner]), dtype=object)[0]
            assert not any(a.holds(corner, outputs) for g in query.goals for a in g.atoms)


def random_theta(seed: int, count: int) -> tuple[Fraction, ...]:
    draw = np.random.default_rng(seed)
    return tuple(Fraction(int(v), 8) for v in draw.integers(-8, 9, count))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("classes", [2, 3])
def test_the_dual_question_holds_exactly_of_networks_that_are_right(
    seed: int, classes: int
) -> None:
    """Of a random network of width 3 its goal holds if and only if the labels that it reads are
    those asked for, whatever they are."""
    draw = np.random.default_rng(seed)
    positive, n, width = int(draw.integers(0, 4)), 2, 3
    places = [tuple(Fraction(int(v), 2) for v in draw.integers(-4, 5, n)) for _ in range(4)]
    theta = list(random_theta(seed + 100, width * (n + 1) + (1 if classes == 2 else 2)))
    units = [theta[k * (n + 1) : (k + 1) * (n + 1)] for k in range(width)]

    def pre(unit: list[Fraction], place: tuple[Fraction, ...]) -> Fraction:
        return unit[n] + sum(w * x for w, x in zip(unit, place, strict=False))

    ordered = sorted(units[:positive], key=lambda u: -pre(u, places[0]))
    ordered += sorted(units[positive:], key=lambda u: -pre(u, places[0]))
    scale = abs(theta[-1]) + Fraction(1, 8)
    constant = theta[width * (n + 1)]
    flat = [w for unit in ordered for w in unit] + [constant] + ([scale] if classes > 2 else [])
    read = []
    for place in places:
        o = constant + sum(
            (1 if k < positive else -1) * max(pre(u, place), Fraction(0))
            for k, u in enumerate(ordered)
        )
        value = o + Fraction(1, 2) if classes == 2 else o / scale
        near = sorted((abs(value - k), k) for k in range(classes))
        read.append(near[0][1] if near[0][0] < near[1][0] else None)
    for asked in product(range(classes), repeat=len(places)):
        query = dual_question(places, asked, classes, positive, width - positive)
        outputs = query.network(np.array([flat], dtype=object), dtype=object)[0]
        right = all(atom.holds(flat, outputs) for atom in query.goals[0].atoms)
        assert right == (list(asked) == read)


@pytest.mark.parametrize(("labels", "width"), [((0, 1, 2), 1), ((1, 0, 2), 2)])
def test_three_labels_on_a_line(labels: tuple[int, ...], width: int) -> None:
    finder = Finder(points_of(on_a_line(labels)), "inf")
    assert isinstance(finder.decide(width, FIFTH).claim, Possible)
    assert isinstance(finder.decide(width - 1, FIFTH).claim, Impossible)


def test_open_balls_are_asked_about_as_such() -> None:
    points = points_of(XOR)
    queries = questions_of(Possible(2, QUARTER, True, known_network()), points, "inf")
    assert [query.region for query in queries] == [
        ball("inf", points.point(k), QUARTER, open=True) for k in range(4)
    ]


def data_points() -> Points:
    return points_of(XOR)


@pytest.mark.parametrize(("claim", "flaw"), [
    (Impossible(1, QUARTER, (((0, (Fraction(0), Fraction(0))),),)), "malformed"),
    (Impossible(0, QUARTER, ((),)), "no points"),
    (Impossible(0, QUARTER, (((0, (Fraction(1), Fraction(0))),),)), "point outside"),
    (Impossible(0, QUARTER, (((0, (Fraction(0),)),),)), "point outside"),
    (Possible(1, QUARTER, False, known_network()), "another width"),
])  # fmt: skip
def test_claims_that_are_none_are_refused(claim: Impossible | Possible, flaw: str) -> None:
    with pytest.raises(RefusedError, match=flaw):
        questions_of(claim, data_points(), "inf")


def test_what_cannot_be_asked_is_said() -> None:
    twice = Dataset.from_rows("twice", [[0], [0]], [0, 1])
    with pytest.raises(UserError):
        least(twice)
    with pytest.raises(UserError, match="not below half the separation"):
        least(XOR, "inf", [Fraction(1, 2)])
    with pytest.raises(UserError, match=r"squared budget 1/4 is not in \[0, 1/4\)"):
        least(XOR, "2", [QUARTER])
    with pytest.raises(UserError, match="give a smaller --max-width"):
        least(XOR, "inf", [QUARTER], 30)
    with pytest.raises(UserError, match="for the norms inf, 1, 2"):
        least(XOR, "3")
    many = Dataset.from_rows("many", [[k] for k in range(200)], [k % 2 for k in range(200)])
    with pytest.raises(UserError, match="200 samples"):
        least(many)


@pytest.mark.parametrize("seed", range(2))
def test_two_units_are_found_exactly_where_an_exact_enumeration_finds_them(seed: int) -> None:
    """`separate` tries all activation patterns by exact linear programs, without this search."""
    draw = np.random.default_rng(seed)
    grid = [[x, y] for x in range(3) for y in range(3)]
    rows = [grid[k] for k in draw.permutation(9)[:5].tolist()]
    data = Dataset.from_rows("few", rows, [0, 1, *draw.integers(0, 2, 3).tolist()])
    found = Finder(points_of(data), "inf").decide(2, Fraction(0))
    assert isinstance(found.claim, Possible) == (separate(data) is not None)


def test_labels_of_which_there_is_no_sample_do_not_count(tmp_path: Path) -> None:
    """Of the labels a, b, c a selection has a and c: numbers 0 and 1, not 0 and 2."""
    three = Dataset.from_rows("three", [[0], [1], [2], [3]], ["a", "b", "c", "a"])
    few = three.select([0, 2, 3])
    assert few.label_names == ("a", "b", "c")
    found = least(few, "inf", [FIFTH], folder=tmp_path / "few")
    assert found.points.classes == 2 and found.points.labels.tolist() == [0, 1, 0]
    assert found.at(FIFTH) == (2, 2) and read_least(tmp_path / "few").at(FIFTH) == (2, 2)
    assert of_its_labels(three) is three
    with pytest.raises(UserError):
        least(three.select([0, 3]))


def entries(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def test_nothing_is_written_into_a_folder_that_another_process_has(tmp_path: Path) -> None:
    """Neither into one that is new, nor into one with claims; afterwards it is taken up."""
    folder = tmp_path / "least"
    folder.mkdir()
    for _ in range(2):
        with RunFolder(folder).lock():
            before = entries(folder)
            with pytest.raises(UserError, match="another process"):
                least(on_a_line((0, 1, 0)), "inf", [FIFTH], folder=folder)
            assert entries(folder) == before
        least(on_a_line((0, 1, 0)), "inf", [FIFTH], folder=folder)
    assert read_least(folder).exact


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("x")
    with pytest.raises(UserError, match="holds no least networks, but letter"):
        least(on_a_line((0, 1)), "inf", [FIFTH], folder=tmp_path)
    assert list(entries(tmp_path)) == ["letter"]


def claimed(claim: Claim) -> Shown:
    """For what is made of claims, whatever shows them."""
    return Shown(claim, (), ())


def test_segments_are_what_the_claims_say_of_every_budget() -> None:
    zero, half = Fraction(0), Fraction(1, 2)
    claims = [
        claimed(Impossible(1, zero, ())),
        claimed(Possible(2, QUARTER, True, known_network())),
        claimed(Impossible(2, Fraction(1, 3), ())),
        claimed(Possible(3, Fraction(2, 5), False, known_network())),
    ]
    assert bounds_at(claims, FIFTH) == (2, 2) and bounds_at(claims, QUARTER) == (2, 3)
    assert bounds_at(claims, Fraction(1, 3)) == (3, 3)
    assert segments(claims, half) == [
        Segment(zero, QUARTER, True, False, 2, 2),
        Segment(QUARTER, Fraction(1, 3), True, False, 2, 3),
        Segment(Fraction(1, 3), Fraction(2, 5), True, True, 3, 3),
        Segment(Fraction(2, 5), half, False, False, 3, None),
    ]


def test_a_third_layer_saves_nothing_where_two_units_do() -> None:
    zero, half = Fraction(0), Fraction(1, 2)
    found = [
        Segment(zero, FIFTH, True, False, 1, 1),
        Segment(FIFTH, QUARTER, True, False, 3, 3),
        Segment(QUARTER, half, True, False, 4, 4),
    ]
    assert deeper(found, 2) == [
        found[0], replace(found[1], at_least=2), replace(found[2], at_least=2),
    ]  # fmt: skip
    assert [part.at_least for part in deeper(found, 3)] == [1, 1, 1]
    joined = [
        Segment(zero, FIFTH, True, False, 3, None),
        Segment(FIFTH, half, True, False, 2, None),
    ]
    assert deeper(joined, 2) == [Segment(zero, half, True, False, 2, None)]


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "step"), [("inf", QUARTER), ("1", None), ("2", Fraction(1, 8))])
def test_the_steps_of_xor(norm: Norm, step: Fraction | None) -> None:
    found = least(XOR, norm, most=3)
    top = QUARTER if norm == "2" else Fraction(1, 2)
    widths = [(part.first, part.last, part.at_least) for part in found.segments]
    zero = Fraction(0)
    assert widths == ([(zero, top, 2)] if step is None else [(zero, step, 2), (step, top, 3)])
    assert found.exact


@pytest.mark.slow
def test_the_board_of_2_by_3_needs_a_fourth_unit_from_a_quarter_on() -> None:
    rows = [[x, y] for x in range(2) for y in range(3)]
    board = Dataset.from_rows("board", rows, [(x + y) % 2 for x, y in rows])
    finder = Finder(points_of(board), "inf")
    assert isinstance(finder.decide(2, Fraction(0)).claim, Impossible)
    assert isinstance(finder.decide(3, QUARTER).claim, Impossible)
    assert finder.find_open(3, QUARTER) is not None


def test_a_network_that_reads_past_its_units_has_no_width() -> None:
    """x - 2 relu(x - 1) separates 0, 1, 2 with one unit and a skip connection; widths are of
    networks of one hidden layer, which need two."""
    data = points_of(on_a_line((0, 1, 0)))
    build = NetworkBuilder(1)
    (unit,) = build.layer([build.inputs[0] - 1])
    skipping = build.network([build.inputs[0] - unit * 2])
    affine = NetworkBuilder(1)
    none = affine.network([affine.inputs[0]])
    for network in (skipping, none):
        with pytest.raises(RefusedError) as refusal:
            questions_of(Possible(1, QUARTER, False, network), data, "inf")
        assert refusal.value.flaw == "another width"
    wide = NetworkBuilder(2)
    other = wide.network([wide.layer([wide.inputs[0]])[0]])
    with pytest.raises(RefusedError) as refusal:
        questions_of(Possible(1, QUARTER, False, other), data, "inf")
    assert refusal.value.flaw == "another network"


def test_places_are_of_samples_that_exist() -> None:
    data = points_of(on_a_line((0, 1)))
    claim = Impossible(0, QUARTER, (((5, (Fraction(0),)),),))
    with pytest.raises(RefusedError) as refusal:
        questions_of(claim, data, "inf")
    assert refusal.value.flaw == "no sample"


@pytest.mark.parametrize("far", [10**61, Fraction(1, 10**61)])
def test_numbers_that_floats_do_not_hold_are_refused(far: Fraction) -> None:
    data = Dataset.from_rows("far", [[0], [far]], [0, 1])
    with pytest.raises(UserError, match="divide all coordinates by one number"):
        least(data, "inf", [far / 4])


def test_two_units_may_end_where_one_does() -> None:
    """Of the 2 x 3 board with these labels: there a third is needed at once, exactly at 1/4."""
    board = Dataset.from_rows(
        "board", [[x, y] for x in range(2) for y in range(3)], [0, 0, 1, 0, 1, 1]
    )
    found = least(board, "inf", None, 3)
    assert [(part.first, part.at_least, part.at_most) for part in found.segments] == [
        (0, 1, 1), (QUARTER, 3, 3),
    ]  # fmt: skip
