"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from reports.claims import NORMS, STATE_TONES, UNANSWERED, accuracy
from reports.document import Section, Table
from reports.numbers import Cell, half, ratio
from reports.stored_run import StoredRun, network_sizes


def compared(runs: Sequence[StoredRun]) -> Section:
    """Several runs side by side."""
    columns = [_compared(run) for run in runs]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    table = Table("runs", "The runs side by side.", ("", *(run.name for run in runs)), tuple(rows))
    return Section("runs", "Comparison", (table, *_agreement(runs)))


def _compared(run: StoredRun) -> dict[str, Cell]:
    counts = run.counts
    share = None if run.separation is None else ratio(run.radius, half(run.separation))
    return {
        "data": run.data_name,
        "network": str(run.about.get("construction") or run.about.get("network_file") or ""),
        "norm": NORMS[run.question.norm],
        "decoder": run.question.decoder,
        "arithmetic": run.question.semantics,
        "radius": run.radius,
        "radius / half the separation": share,
        "samples": len(run.samples),
        "robust": counts["robust"],
        "misread": counts["misread"],
        "flips": counts["flip"],
        "without an answer": sum(counts[state] for state in UNANSWERED),
        **accuracy(run),
        **network_sizes(run.network),
        "branch-and-bound nodes": sum(row.nodes for row in run.samples),
        "bytes of proofs": sum(row.text_bytes for row in run.samples),
    }


def _agreement(runs: Sequence[StoredRun]) -> list[Table]:
    """Verdicts of two runs on the same data against each other."""
    if len(runs) != 2 or runs[0].data_digest != runs[1].data_digest:
        return []
    first, second = ({row.sample: row.state for row in run.samples} for run in runs)
    both = sorted(set(first) & set(second))
    pairs: dict[tuple[str, str], int] = {}
    for sample in both:
        pair = first[sample], second[sample]
        pairs[pair] = pairs.get(pair, 0) + 1
    if not pairs:
        return []
    rows = tuple((a, b, count) for (a, b), count in sorted(pairs.items()))
    return [
        Table(
            "agreement",
            f"The samples that both runs ask about: verdict of {runs[0].name} and of "
            f"{runs[1].name}.",
            ("first", "second", "samples"),
            rows,
            tones=STATE_TONES,
        )
    ]
