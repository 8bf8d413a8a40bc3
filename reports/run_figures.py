"""The figures of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from reports.colours import BAD, GOOD, INK, SERIES, SOFT, WARN
from reports.document import Block, Figure, Text
from reports.numbers import Distance, counted, half, ratio
from reports.planes import View, labels_of, plane_blocks
from reports.plots import Histogram, Mark, Spans, Stacked
from reports.slices import Place
from reports.stored_run import StoredRun
from verifier.data.dataset import Dataset
from verifier.question.network import Network
from verifier.question.region import Norm

STATES = (
    ("robust", GOOD), ("measured", SERIES[0]), ("misread", SERIES[3]), ("flip", BAD),
    ("undecided", WARN), ("failed", SERIES[1]), ("open", SERIES[7]), ("recorded", SERIES[6]),
)  # fmt: skip
MOST_DRAWN = 3000  # samples of a plane


def verdict_figures(run: StoredRun, prefix: str) -> list[Figure]:
    """Verdicts by class, where they differ."""
    if (
        len(run.samples) in (run.counts["robust"], run.counts["measured"])
        or run.dataset.classes > 40
    ):
        return []
    table: dict[int, list[int]] = {}
    for row in run.samples:
        counts = table.setdefault(int(run.dataset.labels[row.sample]), [0] * len(STATES))
        counts[[state for state, _ in STATES].index(row.state)] += 1
    parts = tuple(("not reached" if s == "open" else s, colour) for s, colour in STATES)
    rows = tuple((run.dataset.label_names[label], tuple(table[label])) for label in sorted(table))
    plot = Stacked(parts, rows, "samples")
    return [Figure(f"{prefix}classes", "Verdicts by class.", plot)]


def radius_figures(run: StoredRun, prefix: str) -> list[Figure]:
    """Radii against half the separation, and against each sample's own nearest rival."""
    found = []
    if run.measured:
        found.append(_measured_radii(run, prefix))
    if run.rivals is not None and run.separation is not None:
        groups = []
        for state, colour in STATES:
            values = tuple(
                float(half(run.rivals[row.sample])) for row in run.samples if row.state == state
            )
            if values:
                groups.append(("not reached" if state == "open" else state, colour, values))
        plot = Histogram(
            tuple(groups), "half the distance to the nearest rival", "samples", radius_marks(run)
        )
        found.append(
            Figure(
                f"{prefix}rivals",
                "Half the distance of each sample to its own nearest rival, with the radius of "
                "the balls and half the separation.",
                plot,
            )
        )
        found += _against_rivals(run, run.rivals, prefix)
    misread = set(run.centers.misread)
    distances = tuple(float(f.distance) for s, f in run.flips.items() if s not in misread)
    if len(set(distances)) > 3 and run.asks != "distances":
        flip_plot = Histogram(
            (("flips", BAD, distances),),
            "distance of the flip",
            "samples",
            () if run.radius is None else radius_marks(run)[:1],
        )
        found.append(
            Figure(
                f"{prefix}flips",
                "How far from their samples the flips lie that were found; nearer ones may exist.",
                flip_plot,
            )
        )
    return found


def radius_marks(run: StoredRun) -> tuple[Mark, ...]:
    """Lines at the radius of the balls, if they have one, and at half the separation, if known."""
    marks: tuple[Mark, ...] = ()
    if run.radius is not None:
        marks = (Mark("radius of the balls", float(run.radius), INK),)
    if run.separation is not None:
        end = Mark("half the separation", float(half(run.separation)), SERIES[0], dashed=True)
        marks = (*marks, end)
    return marks


def _kinds(run: StoredRun) -> list[tuple[str, str, list[tuple[int, float, float]]]]:
    """The measured samples with both ends, by what is known of them."""
    exact: list[tuple[int, float, float]] = []
    between: list[tuple[int, float, float]] = []
    beyond: list[tuple[int, float, float]] = []
    for sample in sorted((run.measured & run.known.keys()) - set(run.centers.misread)):
        known = run.known[sample]
        low = float(known.lower)
        if known.exact:
            exact.append((sample, low, low))
        elif known.upper is not None:
            between.append((sample, low, float(known.upper)))
        else:
            beyond.append((sample, low, low))
    return [("exact", SERIES[0], exact), ("an interval", SERIES[6], between),
            ("at least", GOOD, beyond)]  # fmt: skip


def _measured_radii(run: StoredRun, prefix: str) -> Figure:
    groups = tuple(
        (name, colour, tuple(low for _, low, _ in ends)) for name, colour, ends in _kinds(run)
        if ends
    )  # fmt: skip
    of = counted(sum(len(own) for _, _, own in groups), "sample")
    intervals = any(name == "an interval" for name, _, _ in groups)
    interval = "; of an interval its lower end" if intervals else ""
    return Figure(
        f"{prefix}robustness",
        f"Robustness radius of {of}: the distance to the nearest point that loses the label"
        f"{interval}.",
        Histogram(groups, "robustness radius", "samples", radius_marks(run)),
    )


def _against_rivals(run: StoredRun, rivals: Sequence[Distance], prefix: str) -> list[Figure]:
    """Each sample's radius over half the distance to its own nearest rival."""
    if run.measured:
        spans = tuple(
            (name, colour, tuple((float(half(rivals[k])), low, high) for k, low, high in ends))
            for name, colour, ends in _kinds(run)
            if ends
        )
        return [
            Figure(
                f"{prefix}shares",
                "Robustness radius of each sample over half the distance to its own nearest "
                "rival. On the diagonal it reaches half way; two rivals cannot both lie above.",
                Spans(spans, "half the distance to the nearest rival", "robustness radius",
                      radius_marks(run), "half way"),
            )
        ]  # fmt: skip
    groups = []
    for name, colour, state in (("certified", GOOD, "robust"), ("flip at most", BAD, "flip")):
        shares = []
        for row in run.samples:
            known = run.known[row.sample]
            end = known.lower if state == "robust" else known.upper
            if row.state == state and end is not None:
                shares.append(ratio(end, half(rivals[row.sample])))
        if shares and max(shares) < float("inf"):
            groups.append((name, colour, tuple(shares)))
    if not groups:
        return []
    captions = {
        "certified": "The certified radius of each robust sample as a share of half the distance "
        "to its own nearest rival; its robustness radius is at least that.",
        "flip at most": "The distance of each flip as a share of half the distance of its sample "
        "to the nearest rival; the robustness radius is at most that.",
    }
    plot = Histogram(
        tuple(groups),
        "share of half the distance to the nearest rival",
        "samples",
        (Mark("half way", 1.0, SOFT, dashed=True),),
    )
    caption = " ".join(captions[name] for name, _, _ in groups)
    return [Figure(f"{prefix}shares", caption, plot)]


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
    """The plane of two-dimensional data."""
    if run.dataset.dimension != 2:
        return []
    flips = {sample: flip.point for sample, flip in run.flips.items()}
    known = [run.known[row.sample] for row in run.samples]
    drawn = data_plane(
        run.network, run.dataset, run.question.norm, run.radius_upper, run.question.decoder,
        [row.sample for row in run.samples], flips, f"{prefix}regions",
        [(float(one.lower), None if one.upper is None else float(one.upper), one.exact)
         for one in known],
        run.question.clip,
    )  # fmt: skip
    if run.question.semantics != "real":
        drawn.insert(
            0, Text("The plane is drawn by exact arithmetic, which is not what was asked.")
        )
    return drawn


def data_plane(
    network: Network,
    dataset: Dataset,
    norm: Norm,
    radius: Fraction,
    decoder: str,
    samples: Sequence[int],
    flips: Mapping[int, tuple[Fraction, ...]],
    key: str,
    known: Sequence[tuple[float, float | None, bool]] = (),
    clip: tuple[Fraction, Fraction] | None = None,
) -> list[Block]:
    """The plane around these samples of two-dimensional data as a figure and, exactly, a file."""
    places = {sample: _pair(dataset.point(sample)) for sample in samples[:MOST_DRAWN]}
    sides = [[place[d] for place in places.values()] for d in (0, 1)]
    spans = [max(side) - min(side) for side in sides]
    room = radius + max(*spans, 4 * radius, Fraction(1, 1000)) / 16
    features = dataset.feature_names
    view = View(
        (min(sides[0]) - room, min(sides[1]) - room),
        (max(sides[0]) + room, max(sides[1]) + room),
        norm, radius,
        [(place, int(dataset.labels[sample])) for sample, place in places.items()],
        [(_pair(point), places[sample]) for sample, point in flips.items() if sample in places],
        clip=clip,
        names=("x0", "x1") if features is None else (features[0], features[1]),
        known=known[:MOST_DRAWN],
    )  # fmt: skip
    found = labels_of(network, decoder, dataset.classes, view)
    caption = "The plane as the network sees it"
    return plane_blocks(found, dataset.label_names, view, key, caption)


def _pair(point: Sequence[Fraction]) -> Place:
    return point[0], point[1]
