"""The samples of a run: the worst ones with pictures, and the list of all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from reports.document import Card, Cards, Picture, Section, Table, Text, Tone
from reports.numbers import Cell, Distance, Hash, approximately, half, ratio, shown
from reports.stored_run import StoredRun, distance
from verifier.question.rational import parse_rational
from verifier.runs.store import SampleRow

MOST_CARDS = 6
_ROW = 3  # cards beside each other
_CHANGES = 8  # coordinates shown of a table's flip
_TONES: dict[str, Tone] = {
    "robust": "good",
    "misread": "bad",
    "flip": "bad",
    "undecided": "warn",
    "failed": "warn",
    "open": "warn",
    "recorded": "warn",
}


def section(run: StoredRun, prefix: str) -> Section:
    """The worst samples: misread ones and flips, then those without an answer, then tight ones."""
    flips = sorted(run.flips, key=lambda sample: (float(run.flips[sample].distance), sample))
    unsure = sorted(
        (row for row in run.samples if row.state in ("undecided", "failed")),
        key=lambda row: (row.state == "failed", _bound(row), row.sample),
    )
    by_number = {row.sample: row for row in run.samples}
    chosen = [by_number[sample] for sample in flips[:MOST_CARDS]]
    chosen += unsure[: MOST_CARDS - len(chosen)]
    if run.rivals is not None:
        rivals = run.rivals
        tight = sorted(
            (row for row in run.samples if row.state in ("robust", "open", "recorded")),
            key=lambda row: (float(rivals[row.sample]), row.sample),
        )
        chosen += tight[: -len(chosen) % _ROW if chosen else _ROW]
    if not chosen:
        return Section(f"{prefix}worst", "The worst samples", ())
    cards = Cards(tuple(card(run, row, prefix) for row in chosen))
    text = Text(
        "First flips, the nearest first; then samples without an answer, the least proven margin "
        "first; then those with the nearest rivals."
    )
    return Section(f"{prefix}worst", "The worst samples", (text, cards))


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
    if row.sample in run.flips:
        flip = run.flips[row.sample]
        other, name = flip.point, "flip"
        outputs = run.outputs([flip.point])[0]
        facts += [("rival", run.rival(flip.rival)), ("distance", flip.distance)]
        facts.append(("share of the radius", _share(flip.distance, run.radius)))
        facts.append(("outputs there", ", ".join(shown(value) for value in outputs[:10])))
    elif row.state in ("undecided", "failed"):
        facts.append(("reason", row.reason))
        if row.lower_bound is not None:
            facts.append(("proven margin", parse_rational(row.lower_bound)))
        if row.lowest_seen is not None:
            facts.append(("lowest margin seen", parse_rational(row.lowest_seen)))
    known = run.known[row.sample]
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
    rough = dataset.numerators.astype(np.float64) / float(dataset.denominator)
    gaps = abs(rough - rough[sample])
    away = gaps.max(axis=1) if norm == "inf" else (gaps ** int(norm)).sum(axis=1)
    away[dataset.labels == dataset.labels[sample]] = np.inf
    center, target = dataset.point(sample), run.rivals[sample]
    order = np.argsort(away, kind="stable")
    near = [int(j) for j in order[:64] if away[j] <= away[order[0]] * (1 + 1e-9)]
    for rival in sorted(near):
        if distance(norm, center, dataset.point(rival)) == target:
            return rival
    return int(order[0])


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
        f"{'Changed' if name == 'flip' else 'Differing'} coordinates{more}.",
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
