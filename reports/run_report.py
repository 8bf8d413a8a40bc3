"""What a report says of one run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reports import samples as shown_samples
from reports.document import (
    Code,
    Document,
    Items,
    Notice,
    Section,
    Table,
    Text,
    Tiles,
    Tone,
)
from reports.numbers import (
    Cell,
    Distance,
    Hash,
    counted,
    exact_text,
    grouped,
    half,
    ratio,
    shown,
    square,
    with_decimal,
)
from reports.run_figures import (
    effort_figures,
    radius_figures,
    region_figures,
    verdict_figures,
)
from reports.stored_run import StoredRun, network_sizes
from verifier.data.bundled import BUNDLED
from verifier.question.printable import ranges_text, size_text
from verifier.runs.by_kernel import shares_text
from verifier.runs.identity import question_text
from verifier.runs.records import ANSWERED, STATES, State
from verifier.runs.sources import sources_of

NORMS = {"inf": "L-infinity", "1": "L1", "2": "L2"}
STATE_TONES: dict[str, Tone] = {
    "robust": "good",
    "misread": "bad",
    "flip": "bad",
    "undecided": "warn",
    "failed": "warn",
    "open": "warn",
    "recorded": "warn",
}
_ORDER: tuple[State, ...] = (*STATES[1:], STATES[0], "recorded")
_UNANSWERED = frozenset(STATES) - frozenset(ANSWERED)
_USUAL: tuple[State, ...] = ("robust", "misread", "flip", "undecided")  # shown at any rate
_PLURAL = {"robust": "robust", "misread": "misread", "flip": "flips", "undecided": "undecided",
           "failed": "failed", "open": "not reached",
           "recorded": "recorded, not replayed here"}  # fmt: skip


def claim(run: StoredRun) -> str:
    """What was shown, in a sentence with exact numbers."""
    counts, total = run.counts, len(run.samples)
    size = run.dataset.size
    ball = f"perturbation of {NORMS[run.question.norm]} norm at most {with_decimal(run.radius)}"
    if run.question.clip is not None:
        low, high = map(shown, run.question.clip)
        ball += f" within the input range {low} to {high}"
    of = f"samples of {run.data_name}"
    if total != size:
        of = f"samples asked about, of the {grouped(size)} of {run.data_name},"
    if counts["robust"] == total:
        keeps = "keeps its label" if total == 1 else "keep their label"
        return f"{'The' if total == 1 else 'All'} {grouped(total)} {of} {keeps} for every {ball}."
    robust = grouped(counts["robust"])
    parts = [f"{robust} of {grouped(total)} {of} keep their label for every {ball}"]
    if counts["misread"]:
        parts.append(f"{grouped(counts['misread'])} misread at the sample itself")
    if counts["flip"]:
        parts.append(f"{grouped(counts['flip'])} lose it to one that is shown")
    without = [state for state in _ORDER if state in _UNANSWERED]
    others = [f"{grouped(counts[s])} {_PLURAL[s]}" for s in without if counts[s]]
    left = sum(counts[state] for state in without)
    if counts["recorded"]:
        parts.append(f"{grouped(counts['recorded'])} recorded, not replayed here")
    if left:
        detail = f" ({', '.join(others)})" if others else ""
        parts.append(f"of {grouped(left)} nothing is claimed{detail}")
    return "; ".join(parts) + "."


def accuracy(run: StoredRun) -> dict[str, str]:
    """How many samples are read right themselves, and how many on all of their balls, of those
    that were looked at; exact counts."""
    read = run.centers
    of = grouped(read.samples)
    if not read.samples:
        return dict.fromkeys(("clean accuracy", "certified accuracy"), "not looked at")
    return {
        "clean accuracy": f"{grouped(read.clean)} of {of}",
        "certified accuracy": f"{grouped(read.certified)} of {of}",
    }


def tone_of(counts: Mapping[State, int], root: str | None) -> Tone:
    """How the claim of a run with these verdicts and this seal reads at a glance."""
    if counts["flip"] or counts["misread"]:
        return "bad"
    return "good" if root is not None and counts["robust"] == sum(counts.values()) else "warn"


def tone(run: StoredRun) -> Tone:
    """The same, where the evidence was looked at."""
    found = tone_of(run.counts, run.root)
    return "warn" if run.problems and found == "good" else found


def notices(run: StoredRun) -> tuple[Notice, ...]:
    """What is unfinished, missing or altered."""
    found = []
    if not run.replayed:
        found.append(
            Notice(
                f"Nothing was replayed for this report: {counted(run.counts['recorded'], 'answer')}"
                " of the run's database claim nothing here. Without --no-replay they are replayed."
            )
        )
    left = run.counts["open"]
    if left:
        found.append(
            Notice(
                f"This run is not finished: {grouped(left)} of "
                f"{counted(len(run.samples), 'sample')} {'was' if left == 1 else 'were'} not "
                "reached. The command that began it continues it."
            )
        )
    elif run.root is None:
        found.append(Notice("This run is not sealed: robmem runs seal writes its manifest."))
    if run.problems:
        more = f"; and {len(run.problems) - 8} more" if len(run.problems) > 8 else ""
        found.append(
            Notice(f"The evidence is not whole: {'; '.join(run.problems[:8])}{more}.", "bad")
        )
    return tuple(found)


def command(run: StoredRun) -> str:
    """The command that asks the same question, as far as the run knows it."""
    about, question, options = run.about, run.question, run.options
    known = run.data_name in BUNDLED
    words: list[str] = ["robmem", "certify", "--data", run.data_name if known else "DATA"]
    if "construction" in about:
        words += ["--construction", str(about["construction"])]
        if about.get("ratio") is not None:
            words += ["--ratio", str(about["ratio"])]
        else:
            words += ["--budget", str(about.get("budget"))]
    else:
        words += ["--network", str(about.get("network_file", "NETWORK"))]
    built_for = (about.get("construction_norm"), about.get("budget"))
    text = question_text(question)
    if built_for != (question.norm, text["radius"]):
        words += ["--norm", question.norm]
        if text["radius"] is not None:
            words += ["--radius", text["radius"]]
        else:
            words += ["--radius-squared", text["radius_squared"]]
    if text["clip"] is not None:
        words += ["--clip", ":".join(text["clip"])]
    decoder = question.decoder
    if run.promised is None or run.promised.decoder != decoder:
        words += ["--decoder", decoder]
    if len(run.samples) != run.dataset.size:
        words += ["--samples", ranges_text([row.sample for row in run.samples])]
    for option in ("seed", "timeout", "nodes", "engine"):
        value = options.get(option)
        if value is not None and (option, value) != ("engine", "exact"):
            words += [f"--{option}", str(value)]
    return " ".join(map(shlex.quote, words))


def radius_command(run: StoredRun) -> str:
    """The command that finds the radii shown, as far as the run knows it."""
    name = run.data_name if run.data_name in BUNDLED else "DATA"
    words = ["robmem", "radius", "RUN/network.robmem", "--data", name]
    words += ["--norm", run.question.norm, "--decoder", run.question.decoder]
    clip = question_text(run.question)["clip"]
    words += ["--clip", ":".join(clip)] if clip is not None else []
    if len(run.measured) != run.dataset.size:
        words += ["--samples", ranges_text(sorted(run.measured))]
    return " ".join(map(shlex.quote, words))


def run_report(run: StoredRun, *, with_timings: bool = False, prefix: str = "") -> Document:
    """All that is shown of the run; `prefix` keeps the keys of several runs apart."""
    sections = (
        _overview(run, prefix),
        _radii(run, prefix),
        shown_samples.section(run, prefix),
        _network(run, prefix),
        _effort(run, prefix, with_timings=with_timings),
        _failures(run, prefix),
        _trust(run, prefix),
        _reproduce(run, prefix, with_timings=with_timings),
        shown_samples.listing(run, prefix, with_timings=with_timings),
    )
    kept = tuple(section for section in sections if section.blocks)
    built = run.about.get("construction") or run.about.get("network_file") or "a network"
    norm = NORMS[run.question.norm]
    subtitle = f"{run.data_name}: {built}, {norm} balls, decoder {run.question.decoder}"
    return Document(
        run.name, subtitle, claim(run), tone(run), notices(run), kept, _values(run, with_timings)
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
        "root": run.root,
        "command": command(run),
        "versions": {item.program: list(item.versions) for item in run.versions},
    }
    if with_timings:
        values["seconds"] = {k: round(v, 3) for k, v in run.timings.seconds.items()}
        values["packed_bytes"] = run.timings.packed_bytes
        values["hosts"] = list(run.timings.hosts)
        values["kernel"] = [share.facts for share in run.kernel]
    return values


def _overview(run: StoredRun, prefix: str) -> Section:
    counts = run.counts
    tiles: list[tuple[str, Cell, Tone]] = [
        (_PLURAL[state], counts[state], STATE_TONES[state] if counts[state] else "plain")
        for state in _ORDER
        if counts[state] or state in _USUAL
    ]
    if run.centers.samples:
        tiles += [(name, share, "plain") for name, share in accuracy(run).items()]
    tiles.append((f"{NORMS[run.question.norm]} radius", run.radius, "plain"))
    if run.separation is not None:
        share = ratio(run.radius, half(run.separation))
        tiles.append(("of half the separation", f"{100 * share:.4g} %", "plain"))
    return Section(
        f"{prefix}verdicts",
        "Verdicts",
        (Tiles(tuple(tiles)), *verdict_figures(run, prefix), _by_class(run, prefix)),
    )


def _by_class(run: StoredRun, prefix: str) -> Table:
    dataset = run.dataset
    table = [[0] * len(_ORDER) for _ in range(dataset.classes)]
    for row in run.samples:
        table[int(dataset.labels[row.sample])][_ORDER.index(row.state)] += 1
    used = [
        k for k, state in enumerate(_ORDER) if state in _USUAL or any(line[k] for line in table)
    ]
    rows: list[tuple[Cell, ...]] = [
        (dataset.label_names[label], sum(line), *(line[k] for k in used))
        for label, line in enumerate(table)
        if sum(line)
    ]
    totals = [sum(line[k] for line in table) for k in used]
    rows.append(("all", len(run.samples), *totals))
    columns = ("label", "samples", *(_PLURAL[_ORDER[k]] for k in used))
    return Table(f"{prefix}verdicts", "Verdicts by class, in numbers.", columns, tuple(rows))


def _radii(run: StoredRun, prefix: str) -> Section:
    rows: list[tuple[Cell, ...]] = [("radius of the balls", *_number(run.radius))]
    texts = []
    if run.rivals is None or run.separation is None:
        texts.append(
            "The distances between the samples were not computed: there are too many pairs "
            "(--all-distances computes them)."
        )
    else:
        asked = [half(run.rivals[row.sample]) for row in run.samples]
        shares = [ratio(run.radius, rival) for rival in asked]
        rows.append(("half the separation", *_number(half(run.separation))))
        rows += _three("half the distance to the nearest rival", asked)
        texts.append(
            "The nearest rival of a sample is the nearest sample of another label. No network "
            "keeps the labels on balls of half the separation. A ball has on average "
            f"{100 * sum(shares) / len(shares):.3g} % of half the distance to the sample's own "
            f"nearest rival{_reaching(shares)}."
        )
    distances = [flip.distance for flip in run.flips.values()]
    rows += _three("distance of a flip that was found", distances)
    known = [run.known[sample] for sample in sorted(run.measured & run.known.keys())]
    exact = [one.lower for one in known if one.exact]
    rows += _three("exact robustness radius", exact)
    rows += _three("robustness radius, at least", [k.lower for k in known if not k.exact])
    rows += _three("the same, at most", [k.upper for k in known if not k.exact])
    if known:
        texts.append(
            "The robustness radius of a sample is the distance to the nearest point that loses "
            f"its label. It is known of {counted(len(known), 'sample')}, of "
            f"{grouped(len(exact))} exactly; the checker replayed the evidence for this report."
        )
    else:
        texts.append(
            "Shown are certified radii: a robust sample keeps its label on its ball, and perhaps "
            "beyond it; robmem radius tells how far."
        )
    table = Table(
        f"{prefix}radii",
        f"Distances in the {NORMS[run.question.norm]} norm, exactly.",
        ("distance", "exact", "about"),
        tuple(rows),
    )
    return Section(
        f"{prefix}radii",
        "Robustness radii",
        (*map(Text, texts), *radius_figures(run, prefix), table),
    )


def _reaching(shares: Sequence[float]) -> str:
    count = sum(1 for share in shares if share >= 1)
    reach = "reaches" if count == 1 else "reach"
    return f"; {counted(count, 'ball')} {reach} half way or beyond" if count else ""


def _three(name: str, values: Sequence[Distance | None]) -> list[tuple[Cell, ...]]:
    """Least, median and greatest of the values that there are."""
    order = sorted((value for value in values if value is not None), key=square)
    if not order:
        return []
    return [
        (f"{name}, least", *_number(order[0])),
        ("the same, median", *_number(order[len(order) // 2])),
        ("the same, greatest", *_number(order[-1])),
    ]


def _number(value: Distance) -> tuple[Cell, Cell]:
    return value, float(value)


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
            rows.append((name, value, relation, size.formula, size.holds(value)))
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
    blocks += region_figures(run, prefix)
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


def _trust(run: StoredRun, prefix: str) -> Section:
    lines = _TRUST.format(counted(run.checked, "certificate")).splitlines()
    if not run.checked:
        lines[0] = "Checked: nothing. No certificate was replayed for this report."
    return Section(
        f"{prefix}trust",
        "What was checked, and what is trusted",
        (
            Items(tuple(lines)),
            Text("The flips shown here were evaluated for this report, in exact arithmetic.")
            if run.flips
            else Text("Balls are closed, and a tie counts as a flip."),
        ),
    )


_TRUST = """\
Checked: {}, replayed for this report. The checker rebuilt each question from the network, the \
data and the radius alone, and replayed the proof or evaluated the flip in exact integers; robmem \
check does it again from the files.
Trusted: the packages verifier.question, .evidence and .checker, Python's and numpy's integers, \
and the machine they ran on.
Trusted: what read the network and the data from the files of others; the SHA-256 of both as they \
were checked, and of the files they were read from, are below.
Not trusted: the search, every solver and every float. A certificate is believed only because the \
checker accepts it.
Not claimed: what a float32 or float64 runtime of the same network would answer."""


def _reproduce(run: StoredRun, prefix: str, *, with_timings: bool) -> Section:
    rows: list[tuple[Cell, ...]] = [
        ("data", Hash(run.data_digest)),
        ("network", Hash(run.network.digest)),
        *((source.title, Hash(source.digest)) for source in sources_of(run.about)),
        ("manifest root", None if run.root is None else Hash(run.root)),
    ]
    if with_timings:  # as many as fitted into a share of the time
        rows.append(("replayed by the kernel too", shares_text(run.kernel)))
    for option in ("seed", "engine", "timeout", "nodes"):
        if run.options.get(option) is not None:
            rows.append((option, str(run.options[option])))
    rows += [(item.program, ", ".join(item.versions)) for item in run.versions]
    table = Table(
        f"{prefix}identity",
        "With these versions, the same question about the same data and network gives the same "
        "certificates and the same root, with any number of workers.",
        ("what", "value"),
        tuple(rows),
    )
    lines = [f"{command(run)} --out RUN", "robmem check RUN"]
    if run.measured:
        lines.append(f"{radius_command(run)} --proofs RADII")
        lines.append("robmem report RUN --radii RADII -o REPORT")
    else:
        lines.append("robmem report RUN -o REPORT")
    blocks: list[Any] = [
        Code("\n".join(lines)),
        table,
    ]
    if with_timings and run.timings.hosts:
        blocks.append(Items(tuple(f"Worked on from {host}." for host in run.timings.hosts)))
    return Section(f"{prefix}reproduce", "How to reproduce", tuple(blocks))


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
        "radius": run.radius,
        "radius / half the separation": share,
        "samples": len(run.samples),
        "robust": counts["robust"],
        "misread": counts["misread"],
        "flips": counts["flip"],
        "without an answer": sum(counts[state] for state in _UNANSWERED),
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


def runs_report(runs: Sequence[StoredRun], *, with_timings: bool = False) -> Document:
    """One report of one run, or of several with a comparison first."""
    if len(runs) == 1:
        return run_report(runs[0], with_timings=with_timings)
    parts = [
        run_report(run, with_timings=with_timings, prefix=f"run{number}-")
        for number, run in enumerate(runs, start=1)
    ]
    sections = [compared(runs)]
    found: list[Notice] = []
    for number, part in enumerate(parts, start=1):
        found += [Notice(f"{part.title}: {notice.text}", notice.tone) for notice in part.notices]
        head = Text(part.summary, part.tone)
        first, *rest = part.sections
        sections.append(Section(f"run{number}", f"{number}. {part.title}", (head, *first.blocks)))
        sections += [replace(section, title=f"{number}. {section.title}") for section in rest]
    worst: Tone = "good"
    for level in ("warn", "bad"):
        if any(part.tone == level for part in parts):
            worst = level
    return Document(
        f"{len(runs)} runs compared",
        ", ".join(dict.fromkeys(run.data_name for run in runs)),
        " ".join(f"{part.title}: {part.summary}" for part in parts),
        worst,
        tuple(found),
        tuple(sections),
        {"runs": [part.values for part in parts]},
    )
