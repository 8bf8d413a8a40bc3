"""The network on a plane through a sample: with its flip and a rival, two rivals, or two inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from reports.document import Block, Section, Table, Text
from reports.numbers import Cell, approximately
from reports.planes import Found, View, labels_of, plane_blocks, rounded_out
from reports.slices import Place, Slice, along_inputs, restricted, through, unit_ball
from reports.stored_run import StoredRun, rational_above
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.region import Norm, Vector

MOST_WORK = 3_000_000
"""Most evaluations of a form at a vertex for one slice, some seconds."""
MOST_ENTRIES = 200_000
"""Weights of a network whose slices a report shows unasked."""
_STRIP = Fraction(8, 5)  # of the longer to the shorter side of a drawing, at most
SLICES = 2  # in a report that was not told how many


@dataclass(frozen=True, slots=True)
class Asked:
    """About what a slice is drawn: balls of `radius` (a rational number, at least theirs)."""

    network: Network
    dataset: Dataset
    decoder: str
    norm: Norm
    radius: Fraction
    clip: tuple[Fraction, Fraction] | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A slice that was drawn, for people and for machines."""

    sample: int
    plane: Slice
    found: Found
    caption: str
    blocks: tuple[Block, ...]


def rivals_of(dataset: Dataset, sample: int, norm: Norm) -> Iterator[int]:
    """Samples of other labels, the nearest first as far as floats tell."""
    rough = dataset.numerators.astype(np.float64) / float(dataset.denominator)
    gaps = abs(rough - rough[sample])
    away = gaps.max(axis=1) if norm == "inf" else (gaps ** int(norm)).sum(axis=1)
    for other in np.argsort(away, kind="stable").tolist():
        if dataset.labels[other] != dataset.labels[sample]:
            yield int(other)


def sample_slice(
    asked: Asked,
    sample: int,
    key: str,
    *,
    flip: Vector | None = None,
    others: Sequence[int] = (),
    axes: tuple[int, int] | None = None,
    known: tuple[float, float | None, bool] | None = None,
    with_outputs: bool = False,
) -> Shown:
    """The slice through the sample: along the two inputs `axes`, through the samples `others` or,
    where these do not say it, through the flip and the nearest rivals.

    Raises UserError if the points lie on a line.
    """
    dataset = asked.dataset
    center = dataset.point(sample)
    marks: list[tuple[Vector, str]] = [(center, f"sample {sample}")]
    if axes is not None:
        plane = along_inputs(center, *axes)
        features = dataset.feature_names
        names = [f"x{k}" if features is None else features[k] for k in axes]
        caption = f"Sample {sample} ({_label(dataset, sample)}), as these two inputs change"
    else:
        plane, added = _plane(asked, sample, flip, others)
        marks += added
        names = [f"towards {added[0][1]}", f"across that, towards {added[1][1]}"]
        of = " and ".join(name for _, name in added)
        caption = f"Sample {sample} ({_label(dataset, sample)}) on the plane through it, {of}"
    if axes is None:
        caption += "; lengths are Euclidean"
    view = _view(asked, plane, sample, marks, (names[0], names[1]), flip, known)
    small = restricted(asked.network, plane)
    found = labels_of(small, asked.decoder, dataset.classes, view, plane)
    blocks = plane_blocks(
        found, dataset.label_names, view, key, caption, plane, with_outputs=with_outputs
    )
    blocks += [_shares(found, dataset, key), _vectors(plane, dataset, key)]
    return Shown(sample, plane, found, caption, tuple(blocks))


def _label(dataset: Dataset, sample: int) -> str:
    return dataset.label_names[int(dataset.labels[sample])]


def _plane(
    asked: Asked, sample: int, flip: Vector | None, others: Sequence[int]
) -> tuple[Slice, list[tuple[Vector, str]]]:
    """The plane, and its other two points with their names."""
    dataset, center = asked.dataset, asked.dataset.point(sample)
    given = [(dataset.point(k), f"sample {k} ({_label(dataset, k)})") for k in others]
    if len(given) < 2 and flip is not None and flip != center:
        given.insert(0, (flip, "its flip"))
    if len(given) >= 2:
        return through(center, given[0][0], given[1][0]), given[:2]
    used = {*others}
    for rival in rivals_of(dataset, sample, asked.norm):
        one = (dataset.point(rival), f"sample {rival} ({_label(dataset, rival)})")
        if rival in used or one[0] == center:
            continue
        if not given:
            given.append(one)
            continue
        try:
            return through(center, given[0][0], one[0]), [given[0], one]
        except UserError:
            continue  # on the line through the other two
    raise UserError(f"slice: all rivals of sample {sample} lie on one line with it; give --axes")


def _view(
    asked: Asked,
    plane: Slice,
    sample: int,
    marks: Sequence[tuple[Vector, str]],
    names: tuple[str, str],
    flip: Vector | None,
    known: tuple[float, float | None, bool] | None,
) -> View:
    """A rectangle around the points and the ball, with a little room."""
    places = [plane.place(point) for point, _ in marks]
    reach = _reach(asked, plane)
    ends = []
    for axis in (0, 1):
        values = [place[axis] for place in places] + [-reach[axis], reach[axis]]
        room = (max(values) - min(values)) / 12
        ends.append((min(values) - room, max(values) + room))
    sides = [rounded_out(*pair) for pair in _wide_enough(plane, ends)]
    origin: Place = (Fraction(0), Fraction(0))
    label = int(asked.dataset.labels[sample])
    flips = []
    if flip is not None and any(point == flip for point, _ in marks):
        flips = [(plane.place(flip), origin)]
    named = [(place, name) for place, (_, name) in zip(places, marks, strict=True)]
    return View(
        (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]), asked.norm, asked.radius,
        [(origin, label)], flips, named, asked.clip, names,
        () if known is None else (known,), MOST_WORK,
    )  # fmt: skip


def _wide_enough(
    plane: Slice, ends: Sequence[tuple[Fraction, Fraction]]
) -> list[tuple[Fraction, Fraction]]:
    """The sides of the rectangle, the shorter one lengthened where the drawing would be a strip."""
    lengths = [Fraction(length) for length in plane.lengths]
    drawn = [(high - low) * length for (low, high), length in zip(ends, lengths, strict=True)]
    found = []
    for (low, high), length in zip(ends, lengths, strict=True):
        more = max(Fraction(0), (max(drawn) / _STRIP / length - (high - low)) / 2)
        found.append((low - more, high + more))
    return found


def _reach(asked: Asked, plane: Slice) -> tuple[Fraction, Fraction]:
    """How far the ball's section reaches in s and t, or a little more; 1 for a ball of radius 0."""
    radius = asked.radius or Fraction(1)
    outline = unit_ball(asked.norm, plane)
    if outline is not None:
        s, t = (max(abs(place[axis]) for place in outline) * radius for axis in (0, 1))
        return s, t
    s, t = (radius / Fraction(length) for length in plane.lengths)
    return s, t


def _shares(found: Found, dataset: Dataset, key: str) -> Table:
    names = dataset.label_names
    pieces = Counter(piece.label for piece in found.regions.pieces)
    rows: list[tuple[Cell, ...]] = [
        (names[label] if label < len(names) else f"output {label}", pieces[label], share)
        for label, share in sorted(found.shares.items(), key=lambda item: (-item[1], item[0]))
    ]
    what = "runs of cells" if found.cells else "pieces"
    caption = "The labels of the drawing, and their shares of its area."
    if found.cells is None and sum(pieces.values()) > found.regions.linear:
        caption = f"{caption[:-1]}; a linear piece of several labels counts at each."
    return Table(f"{key}-shares", caption, ("label", what, "share, about"), tuple(rows))


def _vectors(plane: Slice, dataset: Dataset, key: str) -> Table:
    features = dataset.feature_names
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"x{k}" if features is None else features[k], o, u, v)
        for k, (o, u, v) in enumerate(zip(plane.origin, plane.across, plane.up, strict=True))
    )
    return Table(
        f"{key}-plane", "The plane: origin + s across + t up, exactly.",
        ("input", "origin", "across", "up"), rows, hidden=True,
    )  # fmt: skip


def slices_section(
    run: StoredRun, samples: Sequence[int], count: int | None, prefix: str
) -> Section:
    """Slices through the first of these samples of the run, for data of three inputs or more."""
    title = "Slices"
    if run.dataset.dimension < 3 or not samples or count == 0:
        return Section(f"{prefix}slices", title, ())
    entries = len(run.network.units.indices) + len(run.network.outputs.indices)
    if count is None and entries > MOST_ENTRIES:
        said = f"Not drawn unasked for a network of {entries:,} weights: --slices 1 draws one."
        return Section(f"{prefix}slices", title, (Text(said),))
    blocks: list[Block] = [
        Text(
            "The network after an affine map of the plane into its inputs, cut into its linear "
            "pieces as any network of two inputs."
        )
    ]
    if run.question.semantics != "real":
        blocks.append(Text("Drawn by exact arithmetic, which is not what was asked."))
    for sample in samples[: SLICES if count is None else count]:
        known = run.known[sample]
        flip = None if known.flip is None else known.flip.point
        radius = run.radius_upper
        if run.radius is None:  # of distances: the sample's own
            radius = rational_above(known.lower if known.upper is None else known.upper)
        asked = Asked(
            run.network, run.dataset, run.question.decoder, run.question.norm, radius,
            run.question.clip,
        )  # fmt: skip
        ends = approximately(known.lower), None if known.upper is None else float(known.upper)
        try:
            shown = sample_slice(
                asked, sample, f"{prefix}slice-{sample}", flip=flip,
                known=(*ends, known.exact),
            )  # fmt: skip
        except UserError as error:
            blocks.append(Text(f"Sample {sample}: {error}."))
            continue
        blocks += shown.blocks
    return Section(f"{prefix}slices", title, tuple(blocks))
