"""What a report says of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reports import samples as shown_samples
from reports.claims import (
    NORMS,
    ORDER,
    PLURAL,
    STATE_TONES,
    UNANSWERED,
    accuracy,
    claim,
    command,
    executed,
    notices,
    tone,
    usual,
)
from reports.comparison import compared
from reports.document import Document, Items, Notice, Section, Table, Text, Tiles, Tone
from reports.evidence import facts, reproduce, trust
from reports.family import family_section
from reports.margins import margin_facts, margins_section
from reports.numbers import (
    Cell,
    Formula,
    Share,
    counted,
    exact_text,
    grouped,
    half,
    ratio,
    square,
    with_decimal,
)
from reports.robustness import accuracy_section, radii_section, read_right, rivals_section
from reports.run_figures import (
    effort_figures,
    region_figures,
    verdict_figures,
)
from reports.sample_slices import slices_section
from reports.stored_run import StoredRun, network_sizes
from verifier.question.errors import UserError
from verifier.question.printable import ranges_text, size_text
from verifier.runs.identity import question_text
from verifier.runs.records import State


def run_report(
    run: StoredRun, *, with_timings: bool = False, prefix: str = "", slices: int | None = None
) -> Document:
    """All that is shown of the run; `prefix` keeps the keys of several runs apart. `slices` of the
    worst samples are drawn, for small networks a few if it is not said how many."""
    sections = (
        _overview(run, prefix),
        *_of_balls(run, prefix, slices),
        _network(run, prefix),
        _effort(run, prefix, with_timings=with_timings),
        _failures(run, prefix),
        trust(run, prefix, with_timings=with_timings),
        reproduce(run, prefix, with_timings=with_timings),
        shown_samples.listing(run, prefix, with_timings=with_timings),
    )
    kept = tuple(section for section in sections if section.blocks)
    built = run.about.get("construction") or run.about.get("network_file") or "a network"
    norm = NORMS[run.question.norm]
    asked = {"distances": "distances", "every budget": "balls of every budget"}.get(
        run.asks, "balls"
    )
    subtitle = f"{run.data_name}: {built}, {norm} {asked}, decoder {run.question.decoder}"
    subtitle += executed(run)
    return Document(
        run.name, subtitle, claim(run), tone(run), notices(run), kept, _values(run, with_timings)
    )


def _of_balls(run: StoredRun, prefix: str, slices: int | None) -> tuple[Section, ...]:
    """What is known of the balls; of a family, of all of them at once."""
    if run.asks == "every budget":
        return (family_section(run, prefix),)
    worst = [row.sample for row in shown_samples.worst(run)]
    return (
        margins_section(run, prefix),
        accuracy_section(run, prefix),
        radii_section(run, prefix),
        rivals_section(run, prefix),
        shown_samples.section(run, prefix),
        slices_section(run, worst, slices, prefix),
        shown_samples.misread_section(run, prefix),
    )


def _values(run: StoredRun, with_timings: bool) -> dict[str, Any]:
    """The facts of the run for machines."""
    values: dict[str, Any] = {
        "run": run.name,
        "claim": claim(run),
        "finished": run.finished,
        "problems": list(run.problems),
        "counts": dict(run.counts),
        "checked": run.checked,
        "recorded": run.counts["recorded"],
        "shown_by": facts(run),
        "centers": {"samples": run.centers.samples, **run.centers.facts},
        "data": {
            "name": run.data_name,
            "digest": run.data_digest,
            "size": run.dataset.size,
            "dimension": run.dataset.dimension,
            "labels": list(run.dataset.label_names),
        },
        "question": question_text(run.question),
        "options": dict(run.options),
        "about": {key: value for key, value in run.about.items() if key != "label_names"},
        "separation": None if run.separation is None else exact_text(run.separation),
        "network": {"digest": run.network.digest, **network_sizes(run.network)},
        "radii": {
            str(sample): {
                "at_least": exact_text(known.lower),
                "at_most": None if known.upper is None else exact_text(known.upper),
                "exact": known.exact,
            }
            for sample, known in run.known.items()
            if sample in run.measured
        },
        **({"margins": margin_facts(run)} if run.asks == "margins" else {}),
        "root": run.root,
        "command": command(run),
        "versions": {item.program: list(item.versions) for item in run.versions},
    }
    if with_timings:
        values["seconds"] = {k: round(v, 3) for k, v in run.timings.seconds.items()}
        values["packed_bytes"] = run.timings.packed_bytes
        values["hosts"] = list(run.timings.hosts)
        values["kernel"] = [share.facts for share in run.kernel]
        values["proved kernel"] = [share.facts for share in run.proved]
    return values


def _overview(run: StoredRun, prefix: str) -> Section:
    counts = run.counts
    tiles: list[tuple[str, Cell, Tone]] = [
        (PLURAL[state], _tile(run, state), STATE_TONES[state] if counts[state] else "plain")
        for state in ORDER
        if counts[state] or state in usual(run)
    ]
    if run.centers.samples:
        tiles += [(name, share, "plain") for name, share in accuracy(run).items()]
    tiles += _size_tiles(run)
    return Section(
        f"{prefix}verdicts",
        "Verdicts",
        (Tiles(tuple(tiles)), *verdict_figures(run, prefix), _by_class(run, prefix)),
    )


def _size_tiles(run: StoredRun) -> list[tuple[str, Cell, Tone]]:
    """Of how large balls the run is, or how far the samples keep their labels."""
    norm = NORMS[run.question.norm]
    if run.question.family is not None:
        terms = run.question.family
        end = f"{'below' if terms.open else 'up to'} {exact_text(terms.last)}"
        return [(f"every budget from {exact_text(terms.first)}, {norm}", end, "plain")]
    if run.radius is None:
        known = list(read_right(run).values())
        order = sorted((one.lower for one in known), key=square)
        if not order:
            return []
        middle = order[(len(order) - 1) // 2]
        return [(f"least radius, {norm}", order[0], "plain"), ("median radius", middle, "plain"),
                ("exact", Share(sum(one.exact for one in known), len(known)), "plain")]  # fmt: skip
    tiles: list[tuple[str, Cell, Tone]] = [(f"{norm} radius", run.radius, "plain")]
    if run.separation is not None:
        share = ratio(run.radius, half(run.separation))
        tiles.append(("of half the separation", f"{100 * share:.4g} %", "plain"))
    return tiles


def _tile(run: StoredRun, state: State) -> Cell:
    """How many samples have this state; of those without an answer their share as well."""
    count = run.counts[state]
    return Share(count, len(run.samples)) if count and state in UNANSWERED else count


def _by_class(run: StoredRun, prefix: str) -> Table:
    dataset = run.dataset
    table = [[0] * len(ORDER) for _ in range(dataset.classes)]
    for row in run.samples:
        table[int(dataset.labels[row.sample])][ORDER.index(row.state)] += 1
    used = [
        k for k, state in enumerate(ORDER) if state in usual(run) or any(line[k] for line in table)
    ]
    rows: list[tuple[Cell, ...]] = [
        (dataset.label_names[label], sum(line), *(line[k] for k in used))
        for label, line in enumerate(table)
        if sum(line)
    ]
    totals = [sum(line[k] for line in table) for k in used]
    rows.append(("all", len(run.samples), *totals))
    columns = ("label", "samples", *(PLURAL[ORDER[k]] for k in used))
    return Table(f"{prefix}verdicts", "Verdicts by class, in numbers.", columns, tuple(rows))


def _network(run: StoredRun, prefix: str) -> Section:
    sizes = network_sizes(run.network)
    promised = run.promised.promises.sizes() if run.promised is not None else {}
    rows: list[tuple[Cell, ...]] = []
    for name, value in sizes.items():
        size = promised.get(name)
        if size is None:
            rows.append((name, value, None, None, None))
        else:
            relation = ("= " if size.exact else "\N{LESS-THAN OR EQUAL TO} ") + grouped(size.value)
            rows.append((name, value, relation, Formula(size.formula), size.holds(value)))
    blocks: list[Any] = []
    if run.promised is not None:
        source = run.promised.promises.source
        blocks.append(
            Text(
                f"Built again from the data, the construction {run.promised.name} gives the very "
                f"network of this run. Its theorem: {source}."
            )
        )
        below = run.promised.promises.budget_below
        if below == 0:
            blocks.append(
                Text(
                    "The theorem covers the samples alone: the network is a control, and the "
                    f"budget, {with_decimal(run.promised.budget)}, is what is to be refuted."
                )
            )
        elif below is not None:
            blocks.append(
                Text(
                    f"The theorem covers budgets below {with_decimal(below)}; the network was "
                    f"built for {with_decimal(run.promised.budget)}."
                )
            )
        blocks += [Items(run.promised.notes)] if run.promised.notes else []
    elif run.promise_reason is not None:
        blocks.append(Text(f"What its theorem promises is not shown: {run.promise_reason}."))
    promises = ", and what its theorem promises" if promised else ""
    blocks.append(
        Table(
            f"{prefix}sizes",
            f"The network: what it has{promises}. Nonzero counts weights and biases that are not "
            "zero, dense all entries of the matrices and biases, bits those of the longest number.",
            ("size", "measured", "promised", "formula", "holds") if promised else ("size", "value"),
            tuple(rows) if promised else tuple(row[:2] for row in rows),
            tones={"no": "bad", "yes": "good"},
        )
    )
    blocks += region_figures(run, prefix) if run.asks != "every budget" else []
    return Section(f"{prefix}network", "Network", tuple(blocks))


def _effort(run: StoredRun, prefix: str, *, with_timings: bool) -> Section:
    nodes = [row.nodes for row in run.samples]
    proofs = [row.text_bytes for row in run.samples if row.certificate is not None]
    rows: list[tuple[Cell, ...]] = [
        ("branch-and-bound nodes, in all", sum(nodes)),
        ("the same, most of one sample", max(nodes)),
        ("proofs and flips, in all", len(proofs)),
        ("distinct certificates", len({r.certificate for r in run.samples if r.certificate})),
        ("their text", size_text(sum(proofs))),
        ("the longest", size_text(max(proofs, default=0))),
    ]
    if with_timings:
        rows.append(("certificates on the disk", size_text(run.timings.packed_bytes)))
        rows += [(f"seconds: {phase}", value) for phase, value in run.timings.seconds.items()]
    table = Table(f"{prefix}effort", "What the answers cost.", ("quantity", "value"), tuple(rows))
    return Section(f"{prefix}effort", "Effort", (*effort_figures(run, prefix), table))


def _failures(run: StoredRun, prefix: str) -> Section:
    without = [row for row in run.samples if row.state in ("undecided", "failed")]
    reasons: dict[tuple[str, str], list[int]] = {}
    for row in without:
        reasons.setdefault((row.state, row.reason or "no reason stored"), []).append(row.sample)
    rows: list[tuple[Cell, ...]] = [
        (
            state,
            len(members),
            reason,
            ranges_text(members[:50]) + (" .." if len(members) > 50 else ""),
        )
        for (state, reason), members in sorted(
            reasons.items(), key=lambda item: (-len(item[1]), item[0])
        )
    ]
    if not rows:
        return Section(f"{prefix}failures", "Without an answer", ())
    table = Table(
        f"{prefix}failures",
        "Why samples have no answer. Nothing is claimed of them.",
        ("state", "samples", "reason", "which"),
        tuple(rows),
        tones=STATE_TONES,
    )
    return Section(f"{prefix}failures", "Without an answer", (table,))


def runs_report(
    runs: Sequence[StoredRun],
    *,
    with_timings: bool = False,
    slices: int | None = None,
    compare: bool = False,
) -> Document:
    """One report of one run, or of several with a comparison first; the comparison alone, with what
    was checked of each run and how to reproduce it, if `compare`."""
    if compare and len(runs) < 2:
        raise UserError("compare: 1 run; a comparison needs two or more")
    if len(runs) == 1:
        return run_report(runs[0], with_timings=with_timings, slices=slices)
    sections = [compared(runs)]
    for number, run in enumerate(runs, start=1):
        prefix = f"run{number}-"
        head = Text(claim(run), tone(run))
        if compare:
            checked = trust(run, prefix, with_timings=with_timings)
            again = reproduce(run, prefix, with_timings=with_timings)
            blocks = (head, *checked.blocks, *again.blocks)
            sections.append(Section(f"run{number}", f"{number}. {run.name}", blocks))
            continue
        part = run_report(run, with_timings=with_timings, prefix=prefix, slices=slices)
        first, *rest = part.sections
        sections.append(Section(f"run{number}", f"{number}. {part.title}", (head, *first.blocks)))
        sections += [replace(section, title=f"{number}. {section.title}") for section in rest]
    worst: Tone = "good"
    for level in ("warn", "bad"):
        if any(tone(run) == level for run in runs):
            worst = level
    return Document(
        f"{counted(len(runs), 'run')} compared",
        ", ".join(dict.fromkeys(run.data_name for run in runs)),
        " ".join(f"{run.name}: {claim(run)}" for run in runs),
        worst,
        tuple(Notice(f"{run.name}: {notice.text}", notice.tone)
              for run in runs for notice in notices(run)),
        tuple(sections),
        {"runs": [_values(run, with_timings) for run in runs]},
    )  # fmt: skip
