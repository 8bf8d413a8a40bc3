"""The figures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reports.document import Block, Figure, Table, Text
from reports.numbers import exact_text
from reports.plots import BAD, GOOD, INK, SERIES, SOFT, WARN, Histogram, Mark, Plane, Stacked
from reports.regions import Regions, decision_regions
from reports.stored_run import StoredRun, half, ratio
from verifier.dataset import Dataset
from verifier.errors import UserError
from verifier.trusted.network import Network

_STATES = (
    ("robust", GOOD), ("flip", BAD), ("undecided", WARN), ("failed", SERIES[1]),
    ("open", SERIES[7]),
)  # fmt: skip
_MOST_DRAWN = 3000  # samples of a plane


def verdict_figures(run: StoredRun, prefix: str) -> list[Figure]:
    """Verdicts by class, where they differ."""
    if run.counts["robust"] == len(run.samples) or run.dataset.classes > 40:
        return []
    table: dict[int, list[int]] = {}
    for row in run.samples:
        counts = table.setdefault(int(run.dataset.labels[row.sample]), [0] * len(_STATES))
        counts[[state for state, _ in _STATES].index(row.state)] += 1
    parts = tuple(("not reached" if s == "open" else s, colour) for s, colour in _STATES)
    rows = tuple((run.dataset.label_names[label], tuple(table[label])) for label in sorted(table))
    plot = Stacked(parts, rows, "samples")
    return [Figure(f"{prefix}classes", "Verdicts by class.", plot)]


def radius_figures(run: StoredRun, prefix: str) -> list[Figure]:
    """The radius against half the way to the nearest rivals, and the distances of flips."""
    found = []
    if run.rivals is not None and run.separation is not None:
        groups = []
        for state, colour in _STATES:
            values = tuple(
                float(half(run.rivals[row.sample])) for row in run.samples if row.state == state
            )
            if values:
                groups.append(("not reached" if state == "open" else state, colour, values))
        marks = (
            Mark("radius of the balls", float(run.radius), INK),
            Mark("half the separation", float(half(run.separation)), SERIES[0], dashed=True),
        )
        plot = Histogram(tuple(groups), "half the distance to the nearest rival", "samples", marks)
        found.append(
            Figure(
                f"{prefix}rivals",
                "Half the distance of each sample to its own nearest rival, with the radius of "
                "the balls and half the separation.",
                plot,
            )
        )
        shares = tuple(ratio(run.radius, half(run.rivals[row.sample])) for row in run.samples)
        if max(shares) < float("inf"):
            share_plot = Histogram(
                (("samples", SERIES[0], shares),),
                "radius / half the distance to the nearest rival",
                "samples",
                (Mark("touches the rival's ball", 1.0, SOFT, dashed=True),),
            )
            found.append(
                Figure(
                    f"{prefix}shares",
                    "The radius as a share of the most that the sample and its nearest rival "
                    "could both have.",
                    share_plot,
                )
            )
    if len(run.flips) > 1:
        distances = tuple(float(flip.distance) for flip in run.flips.values())
        flip_plot = Histogram(
            (("flips", BAD, distances),),
            "distance of the flip",
            "samples",
            (Mark("radius of the balls", float(run.radius), INK),),
        )
        found.append(
            Figure(
                f"{prefix}flips",
                "How far from their samples the flips lie that were found; nearer ones may exist.",
                flip_plot,
            )
        )
    return found


def effort_figures(run: StoredRun, prefix: str) -> list[Figure]:
    """Nodes and sizes of proofs, where they differ from sample to sample."""
    found = []
    nodes = [float(row.nodes) for row in run.samples]
    if max(nodes) > 1 and len(set(nodes)) > 2:
        plot = Histogram(
            (("samples", SERIES[0], tuple(max(1.0, n) for n in nodes)),),
            "branch-and-bound nodes (none as 1)", "samples", logarithmic=True,
        )  # fmt: skip
        found.append(Figure(f"{prefix}nodes", "Branch-and-bound nodes of each sample.", plot))
    sizes = [float(row.text_bytes) for row in run.samples if row.text_bytes]
    if len(set(sizes)) > 2:
        plot = Histogram(
            (("certificates", SERIES[6], tuple(sizes)),), "bytes of the certificate", "samples",
            logarithmic=max(sizes) > 20 * min(sizes),
        )  # fmt: skip
        found.append(Figure(f"{prefix}proofs", "Size of each certificate as text.", plot))
    return found


def region_figures(run: StoredRun, prefix: str) -> list[Block]:
    """The plane of two-dimensional data, exactly, or why it is not drawn."""
    if run.dataset.dimension != 2:
        return []
    flips = {sample: flip.point for sample, flip in run.flips.items()}
    return plane(
        run.network, run.dataset, run.question.norm, run.radius_upper, run.question.decoder,
        [row.sample for row in run.samples], flips, f"{prefix}regions",
    )  # fmt: skip


def plane(
    network: Network,
    dataset: Dataset,
    norm: str,
    radius: Fraction,
    decoder: str,
    samples: Sequence[int],
    flips: dict[int, tuple[Fraction, ...]],
    key: str,
) -> list[Block]:
    """The decision regions around these samples as a figure and, exactly, as a file."""
    points = {sample: dataset.point(sample) for sample in samples[:_MOST_DRAWN]}
    sides = [[point[d] for point in points.values()] for d in (0, 1)]
    spans = [max(side) - min(side) for side in sides]
    room = radius + max(*spans, 4 * radius, Fraction(1, 1000)) / 16
    lower = (min(sides[0]) - room, min(sides[1]) - room)
    upper = (max(sides[0]) + room, max(sides[1]) + room)
    try:
        regions = decision_regions(network, decoder, dataset.classes, lower, upper)
    except UserError as error:
        return [Text(f"The plane is not shown: {error}.")]
    features = dataset.feature_names
    plot = Plane(
        dataset.label_names,
        tuple(
            (piece.label, piece.exact, tuple((float(x), float(y)) for x, y in piece.vertices))
            for piece in regions.pieces
        ),
        norm,
        float(radius),
        tuple(
            (float(p[0]), float(p[1]), int(dataset.labels[sample])) for sample, p in points.items()
        ),
        tuple(
            (float(p[0]), float(p[1]), float(points[sample][0]), float(points[sample][1]))
            for sample, p in flips.items()
            if sample in points
        ),
        (float(lower[0]), float(lower[1])),
        (float(upper[0]), float(upper[1])),
        ("x0", "x1") if features is None else (features[0], features[1]),
    )
    caption = (
        f"The plane as the network sees it: {regions.linear:,} linear pieces, found exactly, "
        "coloured by the label that is read there"
    )
    if any(piece.exact for piece in regions.pieces):
        caption += "; strong where the output is constant and is the label itself"
    return [
        Figure(key, f"{caption}. Outlines are the balls.", plot, wide=True),
        _vertices(regions, dataset, key),
    ]


def _vertices(regions: Regions, dataset: Dataset, key: str) -> Table:
    rows = tuple(
        (
            number,
            dataset.label_names[piece.label],
            piece.exact,
            "; ".join(f"{exact_text(x)} {exact_text(y)}" for x, y in piece.vertices),
        )
        for number, piece in enumerate(regions.pieces)
    )
    return Table(
        key,
        "The pieces of the plane with their exact vertices.",
        ("piece", "label", "exact", "vertices"),
        rows,
        hidden=True,
    )
