"""A plane of labels for a report: as exactly as the number of its linear pieces allows.

Up to `MOST_KINKS` pieces every kink is drawn, and each piece tells its affine map; beyond, pieces
of one label are shown as one area, still exact; and where even finding them takes too long, the
labels of a grid of points, each evaluated exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from reports.document import Block, Figure, Table
from reports.merging import Loop, merged
from reports.merging import Vertex as Corner
from reports.numbers import Cell, approximately, exact_text, grouped
from reports.plane_plot import Ball, Live, Plane, Point
from reports.raster import cells_along, raster
from reports.regions import MOST_WORK, Piece, Regions, TooMany, decision_regions
from reports.slices import Place, Slice, along_inputs, box_section, unit_ball
from verifier.question.network import Network
from verifier.question.region import Norm

MOST_KINKS = 4000
MOST_TOLD = 80_000
"""Numbers that a page holds about the pieces of one plane, some 6 bytes each."""
_PLACES = 12  # for the name of a label: more than there are other names in most drawings


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn on a plane, besides the labels: its rectangle lower .. upper in (s, t), balls
    of `radius` around samples, flips, and names beside points; exact places."""

    lower: Place
    upper: Place
    norm: Norm
    radius: Fraction
    samples: Sequence[tuple[Place, int]]
    flips: Sequence[tuple[Place, Place]] = ()
    marks: Sequence[tuple[Place, str]] = ()
    clip: tuple[Fraction, Fraction] | None = None
    names: tuple[str, str] = ("x0", "x1")
    known: Sequence[tuple[float, float | None, bool]] = ()
    most: int = MOST_WORK
    edges: Sequence[tuple[Place, Place]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The labels of a plane: its pieces, and what they are in words; `cells` of a raster."""

    regions: Regions
    text: str
    cells: tuple[int, int] | None = None
    kinks: bool = True
    shares: dict[int, float] = field(default_factory=dict)


def labels_of(
    network: Network, decoder: str, classes: int, view: View, plane: Slice | None = None
) -> Found:
    """The labels that the network of two inputs reads on the rectangle of the view."""
    along, up = (1.0, 1.0) if plane is None else plane.lengths
    try:
        regions = decision_regions(network, decoder, classes, view.lower, view.upper, view.most)
    except TooMany as reason:
        wide = approximately(view.upper[0] - view.lower[0]) * along
        tall = approximately(view.upper[1] - view.lower[1]) * up
        fine = cells_along(network)
        regions, cells = raster(
            network, decoder, classes, view.lower, view.upper, fine, tall / wide
        )
        text = (
            f"the label at the middle of each of {cells[0]} x {cells[1]} cells, evaluated exactly; "
            f"of other points nothing is said, for {reason}"
        )
        return Found(regions, text, cells, False, _shares(regions))
    text = f"{grouped(regions.linear)} linear pieces, found exactly, coloured by their label"
    if any(piece.exact for piece in regions.pieces):
        text += "; strong where the output is constant and is the label itself"
    kinks = len(regions.pieces) <= MOST_KINKS
    if not kinks:
        text += f"; their kinks are hidden, for there are more than {grouped(MOST_KINKS)} pieces"
    return Found(regions, text, None, kinks, _shares(regions))


def _shares(regions: Regions) -> dict[int, float]:
    """The share of each label in the area of the rectangle, by the nearest floats."""
    whole = (regions.upper[0] - regions.lower[0]) * (regions.upper[1] - regions.lower[1])
    found: dict[int, Fraction] = {}
    for piece in regions.pieces:
        found[piece.label] = found.get(piece.label, Fraction(0)) + area(piece) / whole
    return {label: float(share) for label, share in sorted(found.items())}


def area(piece: Piece) -> Fraction:
    """The area of the polygon, exactly."""
    points = piece.vertices
    turned = zip(points, (*points[1:], points[0]), strict=True)
    return sum((a[0] * b[1] - b[0] * a[1] for a, b in turned), Fraction(0)) / 2


def plane_blocks(
    found: Found,
    label_names: Sequence[str],
    view: View,
    key: str,
    caption: str,
    plane: Slice | None = None,
    *,
    with_outputs: bool = False,
) -> list[Block]:
    """The plane as a figure and, exactly, as a file; `caption` says of what. `with_outputs` the
    file has the outputs on each piece as well, which may be long."""
    flat = along_inputs((Fraction(0), Fraction(0)), 0, 1) if plane is None else plane
    across, up = flat.lengths
    regions = found.regions

    def drawn(place: Place) -> Point:
        return approximately(place[0]) * across, approximately(place[1]) * up

    def at(corner: Corner) -> Point:
        x, y, w = corner
        return x / w * across, y / w * up

    whole = merged([((piece.label, piece.exact), piece.corners) for piece in regions.pieces])
    outline = unit_ball(view.norm, flat)
    domain: tuple[Point, ...] = ()
    if view.clip is not None:
        domain = tuple(map(drawn, box_section(flat, *view.clip, view.lower, view.upper)))
    names = _names(label_names, regions)
    plot = Plane(
        names,
        tuple(
            (label, exact, tuple(tuple(map(at, loop)) for loop in loops))
            for (label, exact), loops in whole.areas.items()
        ),
        tuple((at(a), at(b)) for a, b in whole.kinks) if found.kinks else (),
        None if outline is None else tuple(map(drawn, outline)),
        approximately(view.radius),
        tuple(Ball(*drawn(place), label) for place, label in view.samples),
        tuple((*drawn(place), *drawn(of)) for place, of in view.flips),
        tuple((*drawn(place), name) for place, name in view.marks),
        domain, drawn(view.lower), drawn(view.upper), view.names,
        view.names if plane is None else ("x", "y"),
        () if plane is None and view.samples else
        tuple((*drawn(place), label) for place, label in _middles(found)),
        tuple((drawn(a), drawn(b)) for a, b in view.edges),
    )  # fmt: skip
    balls = " Outlines are the balls." if view.radius > 0 and view.samples else ""
    live = Live(plot, _told(found, (across, up)), tuple(view.known), found.cells is not None)
    return [
        Figure(key, f"{caption}: {found.text}.{balls}", plot, plane is None, live),
        _file(found, whole.areas, names, key, with_outputs=with_outputs),
    ]


def _middles(found: Found) -> list[tuple[Place, int]]:
    """The middles of the largest pieces of each label that has a hundredth of the area or more."""
    of_label: dict[int, list[Piece]] = {}
    for piece in found.regions.pieces:
        if found.shares[piece.label] >= 0.01:
            of_label.setdefault(piece.label, []).append(piece)
    middles = []
    for label, pieces in sorted(of_label.items()):
        for piece in sorted(pieces, key=area, reverse=True)[:_PLACES]:
            points, count = piece.vertices, len(piece.vertices)
            x, y = (sum((v[axis] for v in points), Fraction(0)) / count for axis in (0, 1))
            middles.append(((x, y), label))
    return middles


def _names(label_names: Sequence[str], regions: Regions) -> tuple[str, ...]:
    """A name for each label that occurs; of outputs without a label their number."""
    most = max([piece.label for piece in regions.pieces], default=0)
    more = [f"output {k}" for k in range(len(label_names), most + 1)]
    return (*label_names, *more)


def _told(
    found: Found, lengths: tuple[float, float]
) -> tuple[tuple[int, bool, tuple[Point, ...], tuple[tuple[float, ...], ...]], ...]:
    """The pieces for the page, with their outputs over the coordinates that are drawn."""
    pieces = found.regions.pieces
    if sum(2 * len(piece.corners) + 3 * len(piece.forms) for piece in pieces) > MOST_TOLD:
        return ()
    across, up = lengths
    return tuple(
        (
            piece.label,
            piece.exact,
            tuple((x / w * across, y / w * up) for x, y, w in piece.corners),
            tuple((approximately(a) / across, approximately(b) / up, approximately(c))
                  for a, b, c in piece.outputs),
        )
        for piece in pieces
    )  # fmt: skip


def _file(
    found: Found,
    areas: dict[tuple[int, bool], tuple[Loop, ...]],
    names: Sequence[str],
    key: str,
    *,
    with_outputs: bool,
) -> Table:
    """Each piece with its vertices, or the outlines of each label; exact texts."""
    rows: list[tuple[Cell, ...]]
    if found.kinks:
        rows = [
            (
                number, names[piece.label], piece.exact,
                "; ".join(f"{exact_text(x)} {exact_text(y)}" for x, y in piece.vertices),
                *(("; ".join(" ".join(map(exact_text, form)) for form in piece.outputs),)
                  if with_outputs else ()),
            )
            for number, piece in enumerate(found.regions.pieces)
        ]  # fmt: skip
        columns: tuple[str, ...] = ("piece", "label", "exact", "vertices")
        caption = "The pieces of the plane with their exact vertices."
        if with_outputs:
            columns += ("outputs",)
            caption = "The pieces of the plane with their exact vertices and outputs a x + b y + c."
        return Table(key, caption, columns, tuple(rows), hidden=True)
    rows = [
        (
            names[label], exact,
            "; ".join(f"{_ratio(x, w)} {_ratio(y, w)}" for x, y, w in loop),
        )
        for (label, exact), loops in sorted(areas.items())
        for loop in loops
    ]  # fmt: skip
    return Table(
        key, "The outlines of each label, with the label to their left.",
        ("label", "exact", "vertices"), tuple(rows), hidden=True,
    )  # fmt: skip


def _ratio(numerator: int, denominator: int) -> str:
    return exact_text(Fraction(numerator, denominator))


def rounded_out(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """An interval that holds low .. high, hardly longer, with short ends."""
    unit = Fraction(1)
    while unit > (high - low) / 256:
        unit /= 2
    while unit * 2 <= (high - low) / 256:
        unit *= 2
    return unit * (low // unit), -unit * (-high // unit)
