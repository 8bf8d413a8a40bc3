"""Planes of labels: exact pieces, merged by label, of networks of any dimension; and a raster."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from constructions.registry import build
from reports.merging import Loop, Merged, merged
from reports.planes import MOST_KINKS, View, area, labels_of, plane_blocks, rounded_out
from reports.raster import raster, read
from reports.regions import Piece, TooMany, decision_regions, rectangle
from reports.slices import Slice, along_inputs, box_section, restricted, through, unit_ball
from tests.oracles.report_runs import DATA
from verifier.cli.main import main
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.region import distance

LOWER, UPPER = (Fraction(-3), Fraction(-3)), (Fraction(9), Fraction(15, 2))
Place = tuple[Fraction, Fraction]


def random_network(random: Random, inputs: int, outputs: int) -> Network:
    """Two layers of a few units; the second, and the outputs, read the inputs as well."""
    builder = NetworkBuilder(inputs)

    def form(read: list[Any]) -> Any:
        weights = [Fraction(random.randint(-9, 9), random.randint(1, 4)) for _ in read]
        terms = [x * w for x, w in zip(read, weights, strict=True) if w]
        return sum(terms, start=builder.inputs[0] * 0) + Fraction(random.randint(-9, 9), 3)

    first = builder.layer([form(builder.inputs) for _ in range(4)])
    second = builder.layer([form([*builder.inputs, *first]) for _ in range(3)])
    return builder.network([form([*builder.inputs, *second]) for _ in range(outputs)])


def vector(random: Random, size: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(random.randint(-20, 20), random.randint(1, 6)) for _ in range(size))


# ------------------------------------------------------------------------ merging


def loop_area(loop: Loop) -> Fraction:
    """The signed area of an outline."""
    points = [(Fraction(x, w), Fraction(y, w)) for x, y, w in loop]
    ends = pairwise([*points, points[0]])
    return sum((a[0] * b[1] - b[0] * a[1] for a, b in ends), Fraction(0)) / 2


def holding(pieces: tuple[Piece, ...], point: Place) -> list[Piece]:
    """The pieces, closed, that hold the point."""
    found = []
    for piece in pieces:
        corners = piece.vertices
        turns = [
            (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
            for a, b in pairwise([*corners, corners[0]])
        ]
        if min(turns) >= 0:
            found.append(piece)
    return found


def winding(loops: tuple[Loop, ...], point: Place) -> int:
    """How often the outlines run around a point that lies on none of them."""
    count = 0
    for loop in loops:
        corners = [(Fraction(x, w), Fraction(y, w)) for x, y, w in loop]
        for a, b in pairwise([*corners, corners[0]]):
            turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
            if a[1] <= point[1] < b[1] and turn > 0:
                count += 1
            if b[1] <= point[1] < a[1] and turn < 0:
                count -= 1
    return count


def by_label(pieces: tuple[Piece, ...]) -> Merged[int]:
    return merged([(piece.label, piece.corners) for piece in pieces])


@pytest.mark.parametrize("seed", range(12))
def test_areas_are_the_pieces_of_their_label_and_kinks_lie_inside(seed: int) -> None:
    """For a label the outlines enclose exactly its pieces; a kink has the label on both sides."""
    random = Random(seed)
    network = random_network(random, 2, 3)
    pieces = decision_regions(network, "argmax", 3, LOWER, UPPER).pieces
    found = by_label(pieces)
    for label, loops in found.areas.items():
        own = sum((area(piece) for piece in pieces if piece.label == label), Fraction(0))
        assert sum(map(loop_area, loops)) == own
    for _ in range(30):
        point = (Fraction(random.randint(-2990, 8990), 1000) + Fraction(1, 7919),
                 Fraction(random.randint(-2990, 7490), 1000) + Fraction(1, 6007))  # fmt: skip
        labels = {piece.label for piece in holding(pieces, point)}
        if len(labels) == 1:
            assert {k for k, loops in found.areas.items() if winding(loops, point) == 1} == labels
    sides = defaultdict(int)
    for (x, y, w), (u, v, z) in found.kinks:
        middle = (Fraction(x, w) + Fraction(u, z)) / 2, (Fraction(y, w) + Fraction(v, z)) / 2
        around = holding(pieces, middle)
        assert len(around) >= 2 and len({piece.label for piece in around}) == 1
        sides[len(around)] += 1
    assert sides or len(pieces) <= len(found.areas)


def test_an_edge_beside_two_edges_and_a_hole() -> None:
    """A frame of four pieces around a square of another label, with ends of edges on edges."""

    def box(x: int, y: int, u: int, v: int) -> Any:
        return rectangle((Fraction(x), Fraction(y)), (Fraction(u), Fraction(v)))

    ring = [box(0, 0, 3, 1), box(2, 1, 3, 3), box(0, 2, 2, 3), box(0, 1, 1, 2)]
    found = merged([*(("ring", part) for part in ring), ("hole", box(1, 1, 2, 2))])
    outer, inner = sorted(map(loop_area, found.areas["ring"]), reverse=True)
    assert (outer, inner) == (9, -1)
    assert [loop_area(loop) for loop in found.areas["hole"]] == [1]
    assert {len(loop) for loop in found.areas["ring"]} == {4}
    assert len(found.kinks) == 4


# ------------------------------------------------------------------------- slices


@pytest.mark.parametrize("seed", range(8))
def test_a_network_on_a_plane_is_the_network_at_its_points(seed: int) -> None:
    random = Random(seed)
    network = random_network(random, 5, 2)
    plane = through(vector(random, 5), vector(random, 5), vector(random, 5))
    small = restricted(network, plane)
    assert (small.inputs, small.layers) == (2, network.layers)
    for _ in range(10):
        place = vector(random, 2)
        assert small(place).tolist() == network(plane.point((place[0], place[1]))).tolist()


def test_a_plane_goes_through_its_points() -> None:
    random = Random(3)
    for _ in range(20):
        points = [vector(random, 4) for _ in range(3)]
        plane = through(*points)
        assert sum(u * v for u, v in zip(plane.across, plane.up, strict=True)) == 0
        places = [plane.place(point) for point in points]
        assert places[:2] == [(0, 0), (1, 0)] and places[2][1] == 1
        off = tuple(x + (k == 0) for k, x in enumerate(points[0]))
        with pytest.raises(UserError, match="does not lie on the plane"):
            plane.place(off)
    a, b = (Fraction(0), Fraction(0)), (Fraction(1), Fraction(2))
    with pytest.raises(UserError, match="lie on a line"):
        through(a, b, (Fraction(-2), Fraction(-4)))
    with pytest.raises(UserError, match="are equal"):
        through(a, a, b)
    with pytest.raises(UserError, match="inputs 0 and 2 are not two of 0"):
        along_inputs(a, 0, 2)
    with pytest.raises(UserError, match="points of 2 inputs, the network has 3"):
        restricted(random_network(random, 3, 1), Slice(a, a, a))


@pytest.mark.parametrize("norm", ["inf", "1"])
def test_the_section_of_a_ball_is_its_outline(norm: Any) -> None:
    """Corners of the outline lie at distance 1, as do points between neighbours; beyond is out."""
    random = Random(5)
    for _ in range(20):
        origin = vector(random, 6)
        plane = through(origin, vector(random, 6), vector(random, 6))
        outline = unit_ball(norm, plane)
        assert outline is not None and len(outline) >= 4

        def away(place: Place, norm: Any = norm, plane: Slice = plane) -> Fraction:
            return distance(norm, plane.origin, plane.point(place))

        for a, b in pairwise([*outline, outline[0]]):
            assert a[0] * b[1] - a[1] * b[0] > 0
            share = Fraction(random.randint(1, 9), 10)
            between = (a[0] * share + b[0] * (1 - share), a[1] * share + b[1] * (1 - share))
            assert away(a) == away(between) == 1
    assert unit_ball("2", plane) is None


def test_the_box_of_the_inputs_is_cut_exactly() -> None:
    plane = Slice((Fraction(0),) * 3, (Fraction(1), Fraction(0), Fraction(0)),
                  (Fraction(0), Fraction(1), Fraction(1)))  # fmt: skip
    low, high = (Fraction(-5), Fraction(-5)), (Fraction(5), Fraction(5))
    found = box_section(plane, Fraction(-1), Fraction(2), low, high)
    assert sorted(found) == [(-1, -1), (-1, 2), (2, -1), (2, 2)]
    assert box_section(plane, Fraction(6), Fraction(7), low, high) == ()


def test_intervals_are_rounded_outwards() -> None:
    low, high = Fraction(-1234567, 10**6), Fraction(7654321, 10**6)
    a, b = rounded_out(low, high)
    assert a <= low and high <= b and (b - a) <= (high - low) * Fraction(129, 128)
    assert a.denominator <= 64 and b.denominator <= 64


# ------------------------------------------------------------- tiers of exactness


def test_the_raster_reads_every_middle_exactly() -> None:
    network = random_network(Random(1), 2, 3)
    regions, (across, up) = raster(network, "argmax", 3, LOWER, UPPER, 20, 0.5)
    assert (across, up) == (20, 10)
    pieces = decision_regions(network, "argmax", 3, LOWER, UPPER).pieces
    assert sum(map(area, regions.pieces)) == sum(map(area, pieces))
    for row in range(up):
        for column in range(across):
            point = (
                LOWER[0] + (UPPER[0] - LOWER[0]) * Fraction(2 * column + 1, 2 * across),
                LOWER[1] + (UPPER[1] - LOWER[1]) * Fraction(2 * row + 1, 2 * up),
            )
            (cell,) = holding(regions.pieces, point)
            assert cell.label == read("argmax", 3, network(point).tolist())
            assert cell.label in {piece.label for piece in holding(pieces, point)}


@pytest.mark.parametrize(
    ("decoder", "outputs", "label"),
    [("argmax", "1 3 3", 1), ("sign", "0", 0), ("sign", "1/9", 1), ("nearest", "3/2", 1),
     ("nearest", "-7", 0), ("nearest", "8/5", 2)],
)  # fmt: skip
def test_the_first_of_labels_that_tie_is_read(decoder: str, outputs: str, label: int) -> None:
    assert read(decoder, 3, [Fraction(text) for text in outputs.split()]) == label


def test_planes_say_how_exact_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinks of few pieces, areas of many, a raster of too many: each with the labels there."""
    made = build("linf", DATA, ratio=Fraction(9, 10))
    view = View(LOWER, UPPER, "inf", made.budget, [((Fraction(0), Fraction(0)), 0)])
    exact = labels_of(made.network, made.decoder, 3, view)
    assert exact.kinks and exact.cells is None and "linear pieces, found exactly" in exact.text
    monkeypatch.setattr("reports.planes.MOST_KINKS", 10)
    areas = labels_of(made.network, made.decoder, 3, view)
    assert not areas.kinks and areas.shares == exact.shares
    assert "their kinks are hidden, for there are more than 10 pieces" in areas.text
    few = View(LOWER, UPPER, "inf", made.budget, view.samples, most=1000)
    cells = labels_of(made.network, made.decoder, 3, few)
    assert cells.cells == (128, 112)
    assert "evaluated exactly; of other points nothing is said" in cells.text
    for label, share in exact.shares.items():
        assert abs(cells.shares[label] - share) < 0.02
    with pytest.raises(TooMany, match="more than 1,000 evaluations"):
        decision_regions(made.network, made.decoder, 3, LOWER, UPPER, 1000)
    for found in (exact, areas, cells):
        figure, table = plane_blocks(found, DATA.label_names, view, "plane", "The plane")
        assert found.text in figure.caption  # type: ignore[union-attr]
        assert table.hidden and table.rows  # type: ignore[union-attr]
    assert MOST_KINKS == 4000


def test_an_output_that_is_nowhere_the_largest_cuts_nothing() -> None:
    """Of three outputs x, y and x - 1 the third never counts; two pieces remain."""
    builder = NetworkBuilder(2)
    x, y = builder.inputs
    network = builder.network([x, y, x - 1])
    pieces = decision_regions(network, "argmax", 3, LOWER, UPPER).pieces
    assert sorted(piece.label for piece in pieces) == [0, 1]
    same = builder.network([x, x])
    assert [p.label for p in decision_regions(same, "argmax", 2, LOWER, UPPER).pieces] == [0]


# --------------------------------------------------------------------- the command


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path]:
    """A network of four inputs as a file, and twelve samples whose label is the larger output."""
    random = Random(7)
    network = random_network(random, 4, 2)
    rows = [[random.randint(-9, 9) for _ in range(4)] for _ in range(12)]
    labels = [read("argmax", 2, network(row).tolist()) for row in rows]
    assert len(set(labels)) == 2
    lines = [",".join(map(str, [*row, label])) for row, label in zip(rows, labels, strict=True)]
    (tmp_path / "data.csv").write_text("a,b,c,d,label\n" + "\n".join(lines) + "\n")
    save_network(network, tmp_path / "net.robmem")
    return tmp_path / "net.robmem", tmp_path / "data.csv"


def test_the_command_writes_the_pieces(
    given: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    network, data = map(str, given)
    for number, more in enumerate((["--radius", "1/4"], ["--through", "2,5"], ["--axes", "d,0"])):
        folder = tmp_path / f"slice{number}"
        words = ["slice", network, "--data", data, "--samples", "1", "-o", str(folder), *more]
        assert main([*words, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        (result,) = facts["results"]
        assert result["sample"] == 1 and result["pieces"] > 0 and result["cells"] is None
        assert abs(sum(result["labels"].values()) - 1) < 1e-5
        assert (result["ball"] is not None) == (number == 0)
        lines = (folder / "tables" / "slice-1.csv").read_text().splitlines()
        assert lines[0] == "piece,label,exact,vertices,outputs"
        several = "a linear piece of several labels counts at each"
        told = several in (folder / "report.md").read_text()
        assert told == (len(lines) - 1 > result["pieces"])
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert main(words) == 0
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        capsys.readouterr()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--samples: name the samples"),
        (["--samples", "0:12"], None),
        (["--samples", "1", "--axes", "a"], "--axes: 'a' is not two numbers of 0 to 3"),
        (["--samples", "1", "--through", "3,12"], "'3,12' is not two numbers of 0 to 11"),
        (["--samples", "1", "--through", "1,2"], "two of the three points are equal"),
        (["--samples", "1", "--axes", "2,2"], "inputs 2 and 2 are not two"),
        (["--samples", "1", "--axes", "1,2", "--through", "3,4"], "are two planes; give one"),
        (["--samples", "1", "--radius", "-1"], "--radius: -1 is not positive"),
        (["--samples", "1", "--radii", "nowhere"], "nowhere: no such folder"),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    given: tuple[Path, Path], tmp_path: Path, capsys: Any, more: list[str], said: str | None
) -> None:
    network, data = map(str, given)
    code = main(["slice", network, "--data", data, "-o", str(tmp_path / "out"), *more])
    captured = capsys.readouterr()
    assert code == (0 if said is None else 2)
    assert said is None or said in captured.err
    assert (tmp_path / "out").exists() == (said is None)


def test_tables_of_two_inputs_are_no_special_case(tmp_path: Path) -> None:
    """On the plane of its two inputs a network is itself."""
    made = build("l2", DATA, ratio=Fraction(1, 2))
    small = restricted(made.network, along_inputs((Fraction(0), Fraction(0)), 0, 1))
    assert small.digest == made.network.digest


def test_no_name_of_an_area_is_written_over_another_name():
    """The first place is under the name of a sample, the second under that of the other area."""
    from matplotlib.figure import Figure

    from reports.plane_plot import Plane

    def texts(*places: tuple[float, float, int]) -> dict[str, tuple[float, float]]:
        areas = tuple(
            (label, True, (((x, 0.0), (x + 0.5, 0.0), (x + 0.5, 1.0), (x, 1.0)),))
            for label, x in enumerate((0.0, 0.5))
        )
        plane = Plane(
            ("left", "right"), areas, (), None, 0.0, (), (), ((0.2, 0.5, "sample 3"),), (),
            (0.0, 0.0), (1.0, 1.0), ("x", "y"), ("x", "y"), places,
        )  # fmt: skip
        figure = Figure(figsize=plane.size, layout="constrained")
        plane.draw(figure)
        (axes,) = figure.axes
        figure.draw_without_rendering()
        extents = [text.get_window_extent() for text in axes.texts]
        for number, extent in enumerate(extents):
            assert not any(extent.overlaps(other) for other in extents[:number])
        return {text.get_text(): text.get_position() for text in axes.texts[1:]}

    assert texts((0.25, 0.2, 0), (0.75, 0.2, 1)) == {"left": (0.25, 0.2), "right": (0.75, 0.2)}
    over = (0.28, 0.53)
    assert texts((*over, 0), (0.5, 0.2, 0), (0.51, 0.2, 1), (0.75, 0.8, 1)) == {
        "left": (0.5, 0.2), "right": (0.75, 0.8)
    }  # fmt: skip
    assert texts((*over, 0), (0.75, 0.2, 1)) == {"right": (0.75, 0.2)}
