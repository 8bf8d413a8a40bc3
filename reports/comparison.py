"""Several runs side by side: sizes, verdicts, certified accuracy over the radius, and radii."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from reports.accuracy import Step, at_radius, quantile, steps
from reports.claims import NORMS, STATE_TONES, UNANSWERED, accuracy, usual
from reports.colours import SERIES
from reports.document import Block, Figure, Section, Table, Text
from reports.numbers import (
    Cell,
    Distance,
    approximately,
    counted,
    grouped,
    half,
    ratio,
    square,
)
from reports.plots import Spans
from reports.radii import Known, at_least
from reports.robustness import envelope, mean_text, read_right
from reports.robustness_plots import Envelopes
from reports.stored_run import StoredRun, network_sizes

_MOST_PAIRS = 3  # of runs whose verdicts are set against each other


def compared(runs: Sequence[StoredRun]) -> Section:
    """Several runs side by side."""
    columns = [_compared(run) for run in runs]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    rows = [row for row in rows if row[1:] != (None,) * len(runs)]
    table = Table(
        "runs", "The runs side by side.", ("what", *(run.name for run in runs)), tuple(rows)
    )
    blocks: list[Block] = [table, *_curves(runs)]
    for (i, first), (j, second) in [*combinations(enumerate(runs, 1), 2)][:_MOST_PAIRS]:
        blocks += _pair(first, second, "" if len(runs) == 2 else f"-{i}-{j}")
    return Section("runs", "Comparison", tuple(blocks))


def _compared(run: StoredRun) -> dict[str, Cell]:
    counts = run.counts
    share = None
    if run.separation is not None and run.radius is not None:
        share = ratio(run.radius, half(run.separation))
    return {
        "data": run.data_name,
        "network": str(run.about.get("construction") or run.about.get("network_file") or ""),
        "norm": NORMS[run.question.norm],
        "decoder": run.question.decoder,
        "arithmetic": run.question.semantics,
        "radius": run.radius,
        "radius / half the separation": share,
        "samples": len(run.samples),
        "robust": counts["robust"] if "robust" in usual(run) else None,
        "misread": counts["misread"],
        "flips": counts["flip"] if "flip" in usual(run) else None,
        "without an answer": sum(counts[state] for state in UNANSWERED),
        "clean accuracy": None,
        "certified accuracy": None,
        **accuracy(run),
        "class stability": mean_text(run) if run.measured else None,
        "exact radii": sum(run.known[k].exact for k in run.measured & read_right(run).keys()),
        **network_sizes(run.network),
        "branch-and-bound nodes": sum(row.nodes for row in run.samples),
        "bytes of proofs": sum(row.text_bytes for row in run.samples),
    }


# ------------------------------------------------------------- over the radius


@dataclass(frozen=True, slots=True)
class _Joined:
    """What runs about the same network, data and norm show together, at whatever radii."""

    name: str
    samples: int
    curve: tuple[Step, ...]


def _joined(runs: Sequence[StoredRun]) -> list[_Joined]:
    groups: dict[tuple[object, ...], list[StoredRun]] = {}
    for run in runs:
        if run.asks == "every budget":
            continue  # about balls of every radius, of a network each
        asked = run.question
        key = (run.network.digest, run.data_digest, asked.norm, asked.decoder, asked.clip,
               asked.semantics)  # fmt: skip
        groups.setdefault(key, []).append(run)
    found = []
    for members in groups.values():
        known: dict[int, Known] = {}
        looked_at: set[int] = set()
        for run in members:
            looked_at |= {row.sample for row in run.samples if row.state != "recorded"}
            for sample, one in read_right(run).items():
                known[sample] = one if sample not in known else _both(known[sample], one)
        if known:
            name = ", ".join(run.name for run in members)
            found.append(_Joined(name, len(looked_at), steps(known.values())))
    return found


def _both(first: Known, second: Known) -> Known:
    """What two intervals show together."""
    if second.exact:
        return second
    return at_least(first, second.lower, second.upper, second.flip)


def _curves(runs: Sequence[StoredRun]) -> list[Block]:
    """Certified accuracy of all runs of a norm over the radius, and at the radii of the runs."""
    blocks: list[Block] = []
    for norm in dict.fromkeys(run.question.norm for run in runs):
        own = [run for run in runs if run.question.norm == norm]
        joined = _joined(own)
        if not joined:
            continue
        plot = Envelopes(
            tuple(envelope(one.name, one.curve, one.samples) for one in joined),
            f"radius, {NORMS[norm]}", "share of the samples",
        )  # fmt: skip
        caption = (
            f"Certified accuracy over the {NORMS[norm]} radius: what is proved and, shaded above "
            "it, what is possible."
        )
        blocks.append(Figure(f"accuracy-{norm}", caption, plot, wide=True))
        sizes = {square(run.radius): run.radius for run in own if run.radius is not None}
        radii: list[Distance] = [sizes[size] for size in sorted(sizes)] or [
            quantile([k.lower for run in own for k in read_right(run).values()], share)
            for share in (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))
        ]
        rows = tuple((radius, *(_count(one, radius) for one in joined)) for radius in radii)
        blocks.append(
            Table(
                f"accuracy-{norm}",
                f"Certified accuracy at the radii of the runs, {NORMS[norm]}." if sizes else
                f"Certified accuracy at quarters of all radii, {NORMS[norm]}.",
                ("radius", *(one.name for one in joined)), rows,
            )
        )  # fmt: skip
    return blocks


def _count(one: _Joined, radius: Distance) -> str:
    proved, possible = at_radius(one.curve, radius)
    counts = grouped(proved) if proved == possible else f"{grouped(proved)} to {grouped(possible)}"
    return f"{counts} of {grouped(one.samples)}"


# ------------------------------------------------------------------ sample by sample


def _pair(first: StoredRun, second: StoredRun, suffix: str) -> list[Block]:
    """Two runs on the same data against each other."""
    if first.data_digest != second.data_digest:
        return []
    blocks: list[Block] = []
    states = ({row.sample: row.state for row in run.samples} for run in (first, second))
    ours, theirs = states
    pairs = Counter((ours[sample], theirs[sample]) for sample in sorted(ours.keys() & theirs))
    if pairs:
        blocks.append(
            Table(
                f"agreement{suffix}",
                f"The samples that both runs ask about: verdict of {first.name} and of "
                f"{second.name}.",
                (first.name, second.name, "samples"),
                tuple((a, b, count) for (a, b), count in sorted(pairs.items())),
                tones=STATE_TONES,
            )
        )
    if first.question.norm == second.question.norm:
        blocks += _radii(first, second, suffix)
    return blocks


def _radii(first: StoredRun, second: StoredRun, suffix: str) -> list[Block]:
    """The radii of the samples of which both runs have evidence."""
    left, right = read_right(first), read_right(second)
    shared = sorted(first.measured & second.measured & left.keys() & right.keys())
    if not shared:
        return []
    larger, smaller, same = 0, 0, 0
    for sample in shared:
        ours, theirs = left[sample], right[sample]
        larger += theirs.upper is not None and square(ours.lower) > square(theirs.upper)
        smaller += ours.upper is not None and square(theirs.lower) > square(ours.upper)
        same += ours.exact and theirs.exact and square(ours.lower) == square(theirs.lower)
    open_ = len(shared) - larger - smaller - same
    text = (
        f"Of {counted(len(shared), 'sample')} that both read right and both measured, the radius "
        f"of {first.name} is larger at {grouped(larger)}, that of {second.name} at "
        f"{grouped(smaller)}, they are equal at {grouped(same)}"
        + (f", and at {grouped(open_)} it is not known which." if open_ else ".")
    )
    spans = tuple(
        (approximately(left[k].lower), approximately(right[k].lower),
         approximately(right[k].upper or right[k].lower))
        for k in shared
    )  # fmt: skip
    plot = Spans(
        (("a sample", SERIES[0], spans),), f"radius of {first.name}", f"radius of {second.name}",
        diagonal="equal radii",
    )  # fmt: skip
    return [
        Text(text),
        Figure(f"both-radii{suffix}", "The same samples in both runs: their radii.", plot),
    ]
