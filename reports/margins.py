"""What a report says of least margins: how far the label stays ahead on every ball."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from reports.claims import NORMS
from reports.colours import INK, SERIES
from reports.document import Block, Figure, Section, Table, Text
from reports.numbers import Cell, approximately, counted, exact_text, grouped
from reports.plots import Histogram, Mark
from reports.stored_run import StoredRun
from verifier.runs.margins import MarginInterval, curves
from verifier.tasks.margin import data_curve

_SHARES = ("0", "1/20", "1/4", "1/2", "3/4", "1")


def margins_section(run: StoredRun, prefix: str) -> Section:
    """The least margins of a run of `robmem worst`: distribution, quantiles, classes."""
    listed = list(run.margins.values())
    if not listed:
        return Section(f"{prefix}margins", "Least margins", ())
    positive = sum(one.lower is not None and one.lower > 0 for one in listed)
    lost = sum(one.upper <= 0 for one in listed)
    text = (
        "The least margin of a sample is how far its label stays ahead of the strongest rival on "
        f"the whole {NORMS[run.question.norm]} ball. It is known exactly for "
        f"{grouped(sum(one.exact for one in listed))} of {counted(len(listed), 'sample')}; it is "
        f"positive for {grouped(positive)}, which keep their label, and not positive at a point "
        f"that is shown for {grouped(lost)}. Points and proofs were replayed for this report."
    )
    blocks: list[Block] = [Text(text), *_figure(listed, prefix), _quantiles(listed, prefix)]
    blocks += [*_by_class(run, prefix), *_by_radius(run, prefix)]
    return Section(f"{prefix}margins", "Least margins", tuple(blocks))


def margin_facts(run: StoredRun) -> dict[str, Any]:
    """The intervals by sample, for machines."""
    return {
        str(sample): {
            "at_least": None if one.lower is None else exact_text(one.lower),
            "at_most": exact_text(one.upper),
            "exact": one.exact,
            "rival": one.rival,
        }
        for sample, one in run.margins.items()
    }


def _figure(listed: Sequence[MarginInterval], prefix: str) -> list[Figure]:
    groups = []
    for name, colour, chosen in (
        ("exact", SERIES[0], [one for one in listed if one.exact]),
        ("an interval, its upper end", SERIES[6], [one for one in listed if not one.exact]),
    ):
        if chosen:
            groups.append((name, colour, tuple(approximately(one.upper) for one in chosen)))
    if len({value for _, _, values in groups for value in values}) < 2:
        return []
    plot = Histogram(
        tuple(groups), "least margin", "samples",
        (Mark("the label changes", 0.0, INK, dashed=True),),
    )  # fmt: skip
    return [Figure(f"{prefix}margins", "Least margins of the samples on their balls.", plot)]


def _quantiles(listed: Sequence[MarginInterval], prefix: str) -> Table:
    lowers = sorted(one.lower for one in listed if one.lower is not None)
    uppers = sorted(one.upper for one in listed)
    without = len(listed) - len(lowers)  # nothing is proved of these: they are below all others
    rows: list[tuple[Cell, ...]] = []
    for share in _SHARES:
        place = max(0, -(-Fraction(share) * len(listed) // 1) - 1)
        low = None if place < without else lowers[place - without]
        name = {"0": "least", "1": "greatest"}.get(share, f"{share} of the samples are not above")
        rows.append((name, low, uppers[place]))
    return Table(
        f"{prefix}margins", "Least margins: the true value lies between.",
        ("what", "at least", "at most"), tuple(rows),
    )  # fmt: skip


def _by_radius(run: StoredRun, prefix: str) -> list[Block]:
    """Of a run about the balls of all radii, how many margins are positive on them."""
    if run.question.margin is None or not run.question.margin.curve:
        return []
    rows = {row.sample: row for row in run.samples}
    points = run.folder.points()
    found = curves(run.folder, run.network, points, run.question, rows, run.evidence)
    listed = [curve for _, curve in found]
    exact = sum(curve.exact for curve in listed)
    text = (
        f"Least margins are known for every radius from 0 to {exact_text(run.radius_upper)}, "
        f"exactly for {grouped(exact)} of {counted(len(listed), 'sample')}: as lines between "
        "radii, each with one proof about all of its balls and points that move through them. So "
        "the number of samples that keep their label is known as a function of the radius."
    )
    caption = "Samples with a positive least margin, from each radius on to the next one."
    columns = ("radius from", "positive", "at most")
    table = Table(f"{prefix}positive", caption, columns, tuple(data_curve(listed)))
    return [Text(text), table]


def _by_class(run: StoredRun, prefix: str) -> list[Block]:
    groups: dict[int, list[MarginInterval]] = {}
    for sample, one in run.margins.items():
        groups.setdefault(int(run.dataset.labels[sample]), []).append(one)
    if len(groups) < 2:
        return []
    rows: list[tuple[Cell, ...]] = []
    for label, own in sorted(groups.items()):
        uppers = sorted(one.upper for one in own)
        rows.append(
            (
                run.dataset.label_names[label], len(own),
                sum(one.lower is not None and one.lower > 0 for one in own),
                uppers[0], uppers[(len(uppers) - 1) // 2], uppers[-1],
            )
        )  # fmt: skip
    columns = ("label", "samples", "positive", "least", "median", "greatest")
    caption = "Least margins by class; of intervals their upper ends."
    return [Table(f"{prefix}class-margins", caption, columns, tuple(rows), sortable=True)]
