"""`robmem worst`: how small the margins of samples become on their balls."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import table_options
from verifier.cli.samples import About, limit_options, sample_options
from verifier.cli.working import Stored, stored_options

if TYPE_CHECKING:
    from fractions import Fraction

    from verifier.checker.checked import Checked
    from verifier.checker.manifest import Question
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.runs.margins import MarginInterval
    from verifier.runs.run import Run
    from verifier.search.options import Options
    from verifier.tasks.worst import Worst

_SHOWN = 40  # rows of the table


@click.command(
    name="worst",
    epilog="Example: robmem worst net.onnx --data digits --radius 1/10 --samples 0:10",
    short_help="The exact worst case: the least margin on every ball.",
)
@click.argument("net", metavar="NET")
@sample_options
@network_options
@table_options
@click.option("--radius", metavar="R", required=True, help="Of the closed balls.")
@click.option("--within", metavar="Q", help="An interval of this length is enough; norm 2: needed.")
@limit_options
@stored_options
@click.option("--proofs", type=click.Path(file_okay=False), help="A folder for the evidence.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
    stored: Stored,
    radius: str,
    within: str | None,
    proofs: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Find, for every sample, the least margin that its label keeps on the closed ball.

    The margin is how far the label is ahead of the strongest rival: by how much its
    output is larger (argmax), or how far the output is from being read otherwise. It is
    an exact number, shown by a pair: a point of the ball that has this margin, and a
    proof that no point has a smaller one. Where it is not positive the label changes.
    With --within, an interval of that length is enough, its lower end proved, its upper
    end the margin of a point. Everything is checked. With --engine milp:highs a MILP
    solver looks for the optimum, and the exact engine proves that it is one.

    With --out or --store this is a run as of `robmem certify`: every answer is stored as soon
    as it is found, the same command continues, --jobs and --cluster share the work, and
    `robmem check FOLDER` replays it all. --retry undecided goes on with intervals that are
    not as close as asked.

    --proofs writes sample-N-worst.json.gz for `robmem check` (of an interval -lower and
    -point), each as soon as it is found. Ctrl-C shows what was found so far.

    Exit code 0 if every margin is as close as asked and positive, 1 if one is not
    positive at a point, 3 if time or nodes ended before.
    """
    from verifier.checker.manifest import Question, sample_query
    from verifier.cli.options import number
    from verifier.cli.progress import counted
    from verifier.cli.samples import positive, read_asked
    from verifier.question.errors import UserError
    from verifier.tasks.worst import worst

    started = monotonic()
    size, length = number("--radius", radius), positive("--within", within)
    is_run = stored.require_run()
    if is_run and proofs is not None:
        raise UserError("--proofs is for a command without --out: a run stores its evidence itself")
    asked = read_asked(net, parts, about, layout)
    if asked.decoder == "value":
        raise UserError("--decoder value: an output that equals its label has no margin")
    question = Question(about.norm, asked.decoder, size, None, asked.clip)
    where = f"L{about.norm} balls of radius {radius}"
    if is_run:
        return _as_run(net, about, asked, question, length, options, stored, where, quiet, as_json)
    found: dict[int, Worst] = {}

    def table() -> dict[str, Any]:
        results = [_result(asked, sample, entry) for sample, entry in found.items()]
        size = sum(map(evidence_bytes, found.values()))
        facts = _facts(asked, results, where, size, monotonic() - started)
        print(json.dumps(facts) if as_json else _shown(facts), flush=True)
        return facts

    try:
        with counted(len(asked.samples), quiet=quiet, what="minimising") as show:
            for sample in asked.samples:
                query = sample_query(asked.network, asked.points, question, sample)
                found[sample] = worst(query, within=length, options=options)
                if proofs is not None:
                    save(Path(proofs), f"sample-{sample}", found[sample])
                show(len(found))
    except KeyboardInterrupt:
        table()
        kept = "give --out to keep what is found" if proofs is None else f"proofs are in {proofs}"
        print(f"stopped after {len(found)} of {len(asked.samples)} samples; {kept}",
              file=sys.stderr)  # fmt: skip
        raise
    return _exit_code(table())


def _exit_code(facts: dict[str, Any]) -> int:
    if facts["flips"]:
        return 1
    return 3 if facts["undecided"] or facts.get("recorded") else 0


def _as_run(
    net: str,
    about: About,
    asked: Asked,
    question: Question,
    within: Fraction | None,
    options: Options,
    stored: Stored,
    where: str,
    quiet: bool,
    as_json: bool,
) -> int:
    """The same as a run in a folder."""
    from verifier.cli.working import begun, run_facts, work_on
    from verifier.question.margin import MarginTerms

    started = monotonic()
    question = replace(question, margin=MarginTerms(within))
    run = begun(net, asked, about, question, options, stored, "worst")
    shown: dict[int, Checked] = {}

    def table(recorded: int, by_proved: int = 0) -> dict[str, Any]:
        found = _entries(run, shown)
        results = [_stored_result(entry) for entry in found]
        size = sum(entry.proof_bytes for entry in found)
        facts = _facts(asked, results, where, size, monotonic() - started, run.samples)
        facts = run_facts(facts, run, len(found), recorded)
        facts["proved_kernel"] = by_proved
        print(json.dumps(facts) if as_json else _shown(facts), flush=True)
        return facts

    try:
        summary = work_on(
            run, stored, timeout=options.timeout, quiet=quiet, as_json=as_json,
            answered=shown.update,
        )  # fmt: skip
    except KeyboardInterrupt:
        table(0)
        raise
    shown = dict(summary.shown)
    return _exit_code(table(summary.recorded, len(summary.by_proved)))


def _entries(run: Run, shown: dict[int, Checked]) -> list[MarginInterval]:
    """What was checked, by sample."""
    from verifier.runs.margins import margins
    from verifier.runs.store import Store

    with Store(run.place.database, read_only=True) as store:
        rows = {row.sample: row for row in store.samples(run.place.row(store).id)}
    return margins(run.folder, run.network, run.points, run.job.question, rows, shown)


def save(folder: Path, stem: str, entry: Worst) -> None:
    """The evidence as files for `robmem check FILE --network NET`."""
    from verifier.evidence.files import make_folder
    from verifier.evidence.proof_file import save_proof

    make_folder(folder)
    if entry.pair is not None and entry.question is not None:
        path = folder / f"{stem}-worst.json.gz"
        save_proof(path, entry.question, entry.pair, with_network=False)
        return
    if entry.proof is not None and entry.question is not None:
        path = folder / f"{stem}-lower.json.gz"
        save_proof(path, entry.question, entry.proof, with_network=False)
    save_proof(folder / f"{stem}-point.json.gz", *entry.witness, with_network=False)


def margin_facts(entry: Worst) -> dict[str, Any]:
    """The least margin in texts."""
    from verifier.question.rational import format_rational

    facts: dict[str, Any] = {
        "exact": entry.exact,
        "lower": None if entry.lower is None else format_rational(entry.lower),
        "upper": format_rational(entry.upper),
        "rival": entry.query.goals[entry.goal].rival,
        "point": [format_rational(x) for x in entry.point],
        "reached": entry.reached,
        "queries": entry.queries,
        "seconds": round(entry.seconds, 3),
    }
    if not entry.reached:
        facts["reason"] = entry.reason
    if entry.solver:
        facts["solver"] = entry.solver
    return facts


def evidence_bytes(entry: Worst) -> int:
    """The size of the certificates."""
    from verifier.evidence.certificate import certificate_bytes

    digest = entry.query.network.digest
    size = len(certificate_bytes(entry.witness[1], digest))
    return size if entry.proof is None else size + len(certificate_bytes(entry.proof, digest))


def _result(asked: Asked, sample: int, entry: Worst) -> dict[str, Any]:
    facts = margin_facts(entry)
    names = asked.points.label_names
    if facts["rival"].isdigit():
        facts["rival"] = names[int(facts["rival"])]
    return {"sample": sample, "label": names[int(asked.points.labels[sample])], **facts}


def _stored_result(entry: MarginInterval) -> dict[str, Any]:
    from verifier.runs.records import end_text

    facts: dict[str, Any] = {
        "sample": entry.sample,
        "label": entry.label,
        "exact": entry.exact,
        "lower": end_text(entry.lower),
        "upper": end_text(entry.upper),
        "rival": entry.rival,
        "point": list(map(end_text, entry.point)),
        "reached": entry.reached,
        "queries": entry.queries,
        "seconds": round(entry.seconds, 3),
    }
    return facts if entry.reached else facts | {"reason": entry.reason}


def _facts(
    asked: Asked,
    results: list[dict[str, Any]],
    where: str,
    size: int,
    seconds: float,
    due: int | None = None,
) -> dict[str, Any]:
    from verifier.question.rational import parse_rational

    count = len(results)
    reached = sum(result["reached"] for result in results)
    exact = sum(result["exact"] for result in results)
    proved = [parse_rational(r["lower"]) for r in results if r["lower"] is not None]
    return {
        "claim": f"on {where} the least margin is exact for {exact} of {due or count} samples, and "
        f"as close as asked for {reached}",
        "samples": count,
        "robust": sum(lower > 0 for lower in proved),
        "flips": sum(parse_rational(result["upper"]) <= 0 for result in results),
        "exact": exact,
        "undecided": count - reached,
        "checked": count + len(proved),
        "proof_bytes": size,
        "seconds": {"wall": round(seconds, 3)},
        "network": asked.network.digest,
        "data": asked.points.digest,
        "decoder": asked.decoder,
        "notes": list(asked.notes),
        "labels": list(asked.points.label_names),
        "results": results,
    }


def _shown(facts: dict[str, Any]) -> str:
    from verifier.cli.options import columns, short, table
    from verifier.cli.working import run_rows
    from verifier.question.printable import size_text
    from verifier.question.rational import parse_rational

    rows: list[list[object]] = [["sample", "label", "least margin", "proved", "rival", ""]]
    for result in facts["results"]:
        lower = result["lower"]
        proved = "nothing" if lower is None else short(parse_rational(lower))
        rows.append([
            result["sample"], result["label"], short(parse_rational(result["upper"])),
            "exact" if result["exact"] else proved, result["rival"],
            "" if result["reached"] else f"not closer: {result['reason']}",
        ])  # fmt: skip
    cut = f"\nand {len(rows) - 1 - _SHOWN} more rows (--json)" if len(rows) > _SHOWN else ""
    summary = [
        ("claim", facts["claim"]),
        *run_rows(facts),
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked"),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ]
    return f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{table(summary)}"
