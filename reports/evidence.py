"""What was checked for a report, by whom, and what is believed without a check."""

from __future__ import annotations

from typing import Any

from reports.claims import command, radius_command
from reports.document import Code, Items, Section, Table
from reports.numbers import Cell, Hash, counted, grouped
from reports.stored_run import StoredRun
from verifier.question.printable import ranges_text
from verifier.runs import run as run_module
from verifier.runs.by_kernel import shares_text
from verifier.runs.sources import sources_of

_CHECKER = "verifier.checker, in scaled integers"
_KERNEL = "verifier.kernel, in fractions"
_PROVED = "robmem-kernel, extracted from its proof in Coq"


def trust(run: StoredRun, prefix: str, *, with_timings: bool) -> Section:
    """What was replayed for this report and by which checker, what was not, and what is trusted."""
    return Section(
        f"{prefix}trust",
        "What was checked, and what is trusted",
        (_checked(run, prefix, with_timings=with_timings), Items(tuple(_sentences(run)))),
    )


def facts(run: StoredRun) -> dict[str, Any]:
    """The same for machines."""
    return {
        "program": program(),
        "checker": {
            verdict: _count(run, verdict)
            for verdict in ("robust", "flip", "distance", "margin")
            if verdict in ("robust", "flip") or _count(run, verdict)
        },
        "kernel": sorted(run.by_kernel),
        "proved kernel": sorted(run.by_proved),
        "radii": {kind: run.measured_evidence(kind) for kind in ("radius", "robust", "flip")},
        "recorded": run.counts["recorded"],
        **({"by theorem": run.about["theorem"]} if "theorem" in run.about else {}),
    }


def program() -> str:
    """This program with its version: what replayed."""
    version = run_module.host_facts()["versions"].get("robmem", "none")
    return "robmem, not installed" if version == "none" else f"robmem {version}"


def _count(run: StoredRun, verdict: str) -> int:
    return sum(one.verdict == verdict for one in run.evidence.values())


def _checked(run: StoredRun, prefix: str, *, with_timings: bool) -> Table:
    """A row for everything that a sentence of the report rests on, and who says it."""
    now = "replayed for this report by"
    rows: list[tuple[Cell, ...]] = []
    of_ball = "that every ball of the family keeps its label, for all its parameters at once"
    for verdict, what in (
        ("robust", f"proofs {of_ball}" if run.asks == "every budget" else
         "proofs that a ball keeps its label"),
        ("flip", "flips, evaluated at their points"),
        ("distance", "distances: a proof that no flip is nearer, a flip at the other end"),
        ("margin", "least margins: a proof that none is smaller, a point at the other end"),
    ):  # fmt: skip
        if count := _count(run, verdict):
            rows.append((what, count, f"{now} {_CHECKER}"))
    others = run.centers.samples - run.centers.certified
    if others:
        by = "evaluated for this report, in exact integers"
        rows.append(("samples themselves, which no proof covers", others, by))
    for kind, what in (
        ("radius", "exact radii: a proof of the open ball and a flip on it"),
        ("robust", "proofs of balls of other radii"),
        ("flip", "flips of other radii"),
    ):
        if count := run.measured_evidence(kind):
            rows.append((what, count, f"{now} {_CHECKER}"))
    for found, by in ((run.by_kernel, _KERNEL), (run.by_proved, _PROVED)):
        if found:
            which = ranges_text(sorted(found), 20)
            what = f"of the run's answers, those of samples {which}, once more"
            rows.append((what, len(found), f"{now} {by}"))
    if isinstance(theorem := run.about.get("theorem"), dict):
        what = f"by theorem: that the network is {theorem.get('construction')} for these data"
        rows.append((what, 1, "nobody here: recorded, robmem check --by-theorem"))
    if run.counts["recorded"]:
        what, by = "answers of the run's database", "nobody: recorded, not replayed here"
        if run.replayed:
            by = "nobody: their certificates are missing, altered or refused"
        rows.append((what, run.counts["recorded"], by))
    if with_timings:  # as many as fitted into a share of the time of each session
        for shares, by in ((run.kernel, "kernel"), (run.proved, "proved kernel")):
            what = f"noted by the run: replayed by the {by}, {shares_text(shares)}"
            rows.append((what, sum(share.count for share in shares), "whoever wrote the database"))
    rows.append(("the program that replayed", program(), "itself"))
    return Table(
        f"{prefix}checked",
        "What the sentences of this report rest on.",
        ("what", "how many", "shown by"),
        tuple(rows),
    )


def _sentences(run: StoredRun) -> list[str]:
    first = "Checked: nothing. No certificate was replayed for this report."
    if run.checked:
        first = (
            f"Checked: {counted(run.checked, 'certificate')} of "
            f"{grouped(run.checked + run.counts['recorded'])}, for this report. The checker "
            "rebuilt each question from the network, the data and the radius alone, and replayed "
            "the proof or evaluated the flip; robmem check does it again from the files."
        )
    found = [first]
    if run.counts["recorded"]:
        found.append(
            f"Recorded: {counted(run.counts['recorded'], 'answer')} of the run's database, of "
            "which nothing is shown here and nothing is claimed."
        )
    seen, last = "in exact arithmetic", _NOT_CLAIMED
    if run.question.semantics != "real":
        seen = f"as executed in {run.question.semantics}, every sum from first to last"
        last = _EXECUTED.format(run.question.semantics)
    if run.flips:
        found.append(f"The flips shown here were evaluated for this report, {seen}.")
    if run.asks == "every budget":
        found.append(
            "Each proof holds for every real budget of the interval, not for a list of them: its "
            "bounds are affine in the budget, and are checked at both ends."
        )
    found.append("Balls are closed, and a tie counts as a flip.")
    found += [*_TRUSTED.splitlines(), last]
    if run.about.get("sources"):
        found.append(
            "Noted by the run and not read again: the SHA-256 of the files that network and data "
            "were read from, below."
        )
    return found


_NOT_CLAIMED = "Not claimed: what a float32 or float64 runtime of the same network would answer."
_EXECUTED = (
    "Claimed: what every runtime answers that computes each unit as one sum in {}, in any order, "
    "rounding to nearest, for every input of that format. Nothing is claimed of real arithmetic."
)
_TRUSTED = """\
Trusted: the packages verifier.question, .evidence and .checker, Python's and numpy's integers, \
and the machine they ran on.
Trusted: what read the network and the data from the files of others; the SHA-256 of both as they \
were checked are below.
Not trusted: the search, every solver and every float. A certificate is believed only because the \
checker accepts it."""


def reproduce(run: StoredRun, prefix: str, *, with_timings: bool) -> Section:
    """The commands that ask the same again, and the digests by which the answers are compared."""
    rows: list[tuple[Cell, ...]] = [
        ("data, as checked", Hash(run.data_digest)),
        ("network, as checked", Hash(run.network.digest)),
        *((f"{source.title}, as noted", Hash(source.digest)) for source in sources_of(run.about)),
        ("manifest root", None if run.root is None else Hash(run.root)),
    ]
    for option in ("seed", "engine", "timeout", "nodes"):
        if run.options.get(option) is not None:
            rows.append((option, str(run.options[option])))
    rows += [(item.program, ", ".join(item.versions)) for item in run.versions]
    table = Table(
        f"{prefix}identity",
        "With these versions, on processors of one kind (floats propose the points), the same "
        "question about the same data and network gives the same certificates and the same root, "
        "with any number of workers.",
        ("what", "value"),
        tuple(rows),
    )
    lines = [f"{command(run)} --out RUN", "robmem check RUN"]
    if run.measured and run.asks != "distances":
        lines.append(f"{radius_command(run)} --proofs RADII")
        lines.append("robmem report RUN --radii RADII -o REPORT")
    else:
        lines.append("robmem report RUN -o REPORT")
    blocks: list[Any] = [Code("\n".join(lines)), table]
    if with_timings and run.timings.hosts:
        blocks.append(Items(tuple(f"Worked on from {host}." for host in run.timings.hosts)))
    return Section(f"{prefix}reproduce", "How to reproduce", tuple(blocks))
