"""The samples of a run: the worst ones with pictures, and the list of all."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from reports.document import Card, Cards, Picture, Section, Table, Text, Tone
from reports.numbers import Cell, Distance, Hash, approximately, counted, half, listed, ratio
from reports.sample_slices import rivals_of
from reports.stored_run import StoredRun, distance
from verifier.question.rational import parse_rational
from verifier.runs.store import SampleRow

MOST_CARDS = 6
_ROW = 3  # cards beside each other
_CHANGES = 8  # coordinates shown of a table's flip
_TONES: dict[str, Tone] = {
    "robust": "good",
    "measured": "good",
    "misread": "bad",
    "flip": "bad",
    "undecided": "warn",
    "failed": "warn",
    "open": "warn",
    "recorded": "warn",
}


def worst(run: StoredRun) -> list[SampleRow]:
    """Of least margins the smallest. Else samples that are read right: the nearest flips first,
    then those without an answer, the least proven margin first, then those with the nearest rivals;
    at most a few rows of cards."""
    if run.margins:
        listed = [row for row in run.samples if row.sample in run.margins]
        listed.sort(key=lambda row: (run.margins[row.sample].upper, row.sample))
        return listed[:MOST_CARDS]
    nearest = sorted(
        (row for row in run.samples if row.state != "misread" and _flip_end(run, row) is not None),
        key=lambda row: (_flip_end(run, row), row.sample),
    )
    chosen = nearest[:MOST_CARDS]
    seen = {row.sample for row in nearest}
    unsure = sorted(
        (row for row in run.samples
         if row.state in ("undecided", "failed") and row.sample not in seen),
        key=lambda row: (row.state == "failed", _bound(row), row.sample),
    )  # fmt: skip
    chosen += unsure[: MOST_CARDS - len(chosen)]
    if run.rivals is not None:
        rivals = run.rivals
        tight = sorted(
            (row for row in run.samples
             if row.state in ("robust", "measured", "open", "recorded")
             and row.sample not in seen),
            key=lambda row: (float(rivals[row.sample]), row.sample),
        )  # fmt: skip
        chosen += tight[: -len(chosen) % _ROW if chosen else _ROW]
    return chosen


def _flip_end(run: StoredRun, row: SampleRow) -> float | None:
    """The distance of the nearest flip that is shown of the sample, to sort by."""
    upper = run.known[row.sample].upper
    return None if upper is None else approximately(upper)


def section(run: StoredRun, prefix: str) -> Section:
    """The worst samples that are read right, each with its flip or its nearest rival."""
    chosen = worst(run)
    if not chosen:
        return Section(f"{prefix}worst", "The worst samples", ())
    said = (
        "First the nearest flips; then samples without an answer, the least proven margin first; "
        "then those with the nearest rivals. Misread samples are not among them."
    )
    text = Text("Those with the smallest least margins." if run.margins else said)
    cards = Cards(tuple(card(run, row, prefix) for row in chosen))
    return Section(f"{prefix}worst", "The worst samples", (text, cards))


def misread_section(run: StoredRun, prefix: str) -> Section:
    """Samples whose label the network does not read at the sample itself."""
    chosen = [row for row in run.samples if row.state == "misread"]
    if not chosen:
        return Section(f"{prefix}misread", "Misread samples", ())
    text = Text(
        f"At {counted(len(chosen), 'sample')} the network reads another label, or a tie, at the "
        "sample itself; no radius is to blame."
        + (f" The first {MOST_CARDS} are shown." if len(chosen) > MOST_CARDS else "")
    )
    cards = Cards(tuple(_misread(run, row, prefix) for row in chosen[:MOST_CARDS]))
    return Section(f"{prefix}misread", "Misread samples", (text, cards))


def _misread(run: StoredRun, row: SampleRow, prefix: str) -> Card:
    """The sample as it is, with what is read instead of its label."""
    center = run.dataset.point(row.sample)
    outputs = run.outputs([center])[0]
    flip = run.flips.get(row.sample)
    facts: list[tuple[str, Cell]] = [("label", run.label(row.sample))]
    if flip is not None:
        facts.append(("read instead", run.rival(flip.rival)))
    facts.append(("outputs", listed(outputs[:10])))
    pictures: tuple[Picture, ...] = ()
    if run.dataset.image_shape is not None:
        pictures = _pictures(run, center, center, "sample")[:1]
    title = f"Sample {row.sample}: misread"
    return Card(f"{prefix}misread-{row.sample}", title, "bad", tuple(facts), pictures)


def _bound(row: SampleRow) -> float:
    if row.lower_bound is None:
        return float("-inf")
    return approximately(parse_rational(row.lower_bound))


def card(run: StoredRun, row: SampleRow, prefix: str = "") -> Card:
    """What is known of one sample, with its flip or its nearest rival beside it."""
    facts: list[tuple[str, Cell]] = [("label", run.label(row.sample))]
    key = f"{prefix}sample-{row.sample}"
    title = f"Sample {row.sample}: {row.state}"
    if row.state == "open":
        title = f"Sample {row.sample}: not reached"
    elif row.state == "recorded":
        title = f"Sample {row.sample}: recorded, not replayed here"
    center = run.dataset.point(row.sample)
    other: tuple[Fraction, ...] | None = None
    name = ""
    known = run.known[row.sample]
    if row.sample in run.margins:
        least = run.margins[row.sample]
        other, name = least.point, "worst point"
        facts += [("least margin, at least", least.lower), ("the same, at most", least.upper)]
        facts += [("rival", least.rival), ("outputs there", listed(run.outputs([other])[0][:10]))]
    elif known.flip is not None and known.upper is not None:
        other, name = known.flip.point, "flip"
        outputs = run.outputs([other])[0]
        facts += [("rival", run.rival(known.flip.rival)), ("distance of a flip", known.upper)]
        if run.radius is not None:
            facts.append(("share of the radius", _share(known.upper, run.radius)))
        facts.append(("outputs there", listed(outputs[:10])))
    elif row.state in ("undecided", "failed"):
        facts.append(("reason", row.reason))
        if row.lower_bound is not None:
            facts.append(("proven margin", parse_rational(row.lower_bound)))
        if row.lowest_seen is not None:
            facts.append(("lowest margin seen", parse_rational(row.lowest_seen)))
    if known.exact:
        facts.append(("robustness radius, exact", known.lower))
    elif row.sample in run.measured:
        facts.append(("robustness radius, at least", known.lower))
        facts.append(("the same, at most", known.upper))
    if run.rivals is not None:
        facts.append(("half way to its rival", half(run.rivals[row.sample])))
        if other is None:
            rival = nearest_rival(run, row.sample)
            other, name = run.dataset.point(rival), "nearest rival"
            facts.append(("nearest rival", f"sample {rival}, {run.label(rival)}"))
    facts.append(("nodes", row.nodes))
    pictures: tuple[Picture, ...] = ()
    changes = None
    if other is not None and run.dataset.image_shape is not None:
        pictures = _pictures(run, center, other, name)
    elif other is not None:
        changes = _changes(run, center, other, name, key)
    return Card(key, title, _TONES[row.state], tuple(facts), pictures, changes)


def _share(part: Distance, whole: Distance) -> float | None:
    share = ratio(part, whole)
    return None if share == float("inf") else share


def nearest_rival(run: StoredRun, sample: int) -> int:
    """The nearest sample of another label, the first of several; its distance is known exactly."""
    if run.rivals is None:
        raise ValueError("the distances of this run were not computed")
    dataset, norm = run.dataset, run.question.norm
    center, target = dataset.point(sample), run.rivals[sample]
    near = [*islice(rivals_of(dataset, sample, norm), 64)]
    for rival in sorted(near):
        if distance(norm, center, dataset.point(rival)) == target:
            return rival
    return near[0]


def _pictures(
    run: StoredRun, center: tuple[Fraction, ...], other: tuple[Fraction, ...], name: str
) -> tuple[Picture, ...]:
    shape = run.dataset.image_shape or (1, 1)
    bounds = run.dataset.pixel_range
    low, high = (float(min(center)), float(max(center))) if bounds is None else map(float, bounds)
    width = high - low or 1.0

    def pixels(point: tuple[Fraction, ...]) -> NDArray[np.float64]:
        values = np.array([float(value) for value in point]).reshape(shape)
        return np.clip((values - low) / width, 0.0, 1.0)

    change = [float(b - a) for a, b in zip(center, other, strict=True)]
    largest = max(map(abs, change)) or 1.0
    signed = np.array(change).reshape(shape) / largest
    text = f"difference, at most {largest:.3g}"
    return (
        Picture("sample", pixels(center)),
        Picture(name, pixels(other)),
        Picture(text, signed, signed=True),
    )


def _changes(
    run: StoredRun, center: tuple[Fraction, ...], other: tuple[Fraction, ...], name: str, key: str
) -> Table:
    features = run.dataset.feature_names
    order = sorted(
        (k for k in range(len(center)) if center[k] != other[k]),
        key=lambda k: (-abs(other[k] - center[k]), k),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            features[k] if features is not None else f"x{k}",
            center[k],
            other[k],
            other[k] - center[k],
        )
        for k in order
    )
    count = len(order)
    more = f", the {_CHANGES} largest of {count}" if count > _CHANGES else ""
    return Table(
        key,
        f"{'Changed' if name != 'nearest rival' else 'Differing'} coordinates{more}.",
        ("input", "sample", name, "change"),
        rows,
        most=_CHANGES,
    )


def listing(run: StoredRun, prefix: str, *, with_timings: bool) -> Section:
    """Every sample in one table, whole in the file; a page shows its beginning."""
    columns = ["sample", "label", "verdict"]
    asked = {row.sample for row in run.samples}
    flips, rivals = bool(run.flips), run.rivals
    columns += ["rival", "flip distance"] if flips else []
    columns += ["half way to rival"] if rivals is not None else []
    columns += ["radius at least", "radius at most"] if run.measured else []
    columns += ["least margin at least", "at most", "rival there"] if run.margins else []
    unsure = any(row.lower_bound is not None for row in run.samples)
    columns += ["proven margin"] if unsure else []
    columns += ["nodes", "proof bytes", "certificate"]
    columns += ["attempts", "seconds"] if with_timings else []
    rows: list[tuple[Cell, ...]] = []
    for row in run.samples:
        cells: list[Cell] = [row.sample, run.label(row.sample), row.state]
        if flips:
            seen = run.flips.get(row.sample)
            cells += [None, None] if seen is None else [run.rival(seen.rival), seen.distance]
        if rivals is not None:
            cells.append(half(rivals[row.sample]))
        if run.measured:
            known = run.known[row.sample]
            cells += [known.lower, known.upper]
        if run.margins:
            least = run.margins.get(row.sample)
            cells += [None] * 3 if least is None else [least.lower, least.upper, least.rival]
        if unsure:
            bound = row.lower_bound
            cells.append(None if bound is None else parse_rational(bound))
        cells += [row.nodes, row.text_bytes, None if row.certificate is None
                  else Hash(row.certificate)]  # fmt: skip
        if with_timings:
            total = row.bounds_seconds + row.search_seconds + row.check_seconds
            cells += [row.attempts, round(total, 4)]
        rows.append(tuple(cells))
    table = Table(
        f"{prefix}samples",
        f"All {len(asked):,} samples.",
        tuple(columns),
        tuple(rows),
        most=200,
        sortable=True,
        tones=_TONES,
    )
    return Section(f"{prefix}samples", "Samples", (table,))
