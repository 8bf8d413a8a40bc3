"""`robmem radius`: how far the samples of a data set keep their labels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import table_options
from verifier.cli.samples import About, limit_options, sample_options
from verifier.cli.working import Stored, stored_options, work_on

if TYPE_CHECKING:
    from fractions import Fraction

    from verifier.checker.checked import Checked
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.runs.run import Run
    from verifier.search.options import Options
    from verifier.tasks.radius import RadiusInterval

_SHOWN = 40  # rows of the table


@click.command(
    name="radius",
    epilog="Example: robmem radius net.onnx --data digits --norm 2 --samples 0:10",
    short_help="The exact distance to the nearest label flip.",
)
@click.argument("net", metavar="NET")
@sample_options
@network_options
@table_options
@click.option("--within", metavar="Q", help="An interval of this length is enough.")
@click.option("--max", "most", metavar="Q", help="Radius to stop at.  [default: farthest sample]")
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
    within: str | None,
    most: str | None,
    proofs: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Find, for every sample, the exact distance to the nearest point that loses its label.

    It is shown by a pair: an exact flip at that distance, and a proof that the open ball
    of that radius has none. For norm 2 it is given as its square. With --within, an
    interval is enough: its lower end is a radius whose closed ball is proved to keep the
    label, its upper end the distance of an exact flip. Everything is checked.

    With --out or --store this is a run as of `robmem certify`: every answer is stored as soon
    as it is found, the same command continues, --jobs and --cluster share the work, and
    `robmem check FOLDER` replays it all. --retry undecided goes on with intervals that are
    not as close as asked.

    --proofs writes sample-N-radius.json.gz for `robmem check` (of an interval -robust
    and -flip; the flip alone where the sample itself is read wrong), each as soon as it is
    found. The same command again takes the exact radii from there, after a check of each;
    Ctrl-C shows what was found so far.

    Exit code 0 if every distance is as close as asked, or the ball of radius --max is
    proved; 3 if time or nodes ended before.
    """
    from verifier.cli.samples import positive, read_asked
    from verifier.question.errors import UserError

    if stored.require_run():
        if proofs is not None:
            raise UserError(
                "--proofs is for a command without --out: a run stores its evidence itself"
            )
        ends = positive("--within", within), positive("--max", most)
        facts = measure_as_run(net, about, layout, parts, options, stored, *ends, quiet, as_json)
        return 3 if facts["undecided"] or facts["recorded"] else 0
    from verifier.cli.progress import counted
    from verifier.tasks.radius import exact_radii, stored_radius

    started = monotonic()
    gap, largest = positive("--within", within), positive("--max", most)
    asked = read_asked(net, parts, about, layout)
    found: list[RadiusInterval] = []

    def known(sample: int) -> RadiusInterval | None:
        if proofs is None or largest is not None:
            return None
        return stored_radius(
            Path(proofs) / f"sample-{sample}-radius.json.gz", asked.network, asked.points, sample,
            norm=about.norm, decoder=asked.decoder, clip=asked.clip,
        )  # fmt: skip

    def keep(entry: RadiusInterval) -> None:
        found.append(entry)
        if proofs is not None and (entry.pair is None or entry.queries):  # else it is there
            _save(Path(proofs), asked, [entry])

    def table() -> dict[str, Any]:
        facts = _facts(asked, found, about.norm, monotonic() - started)
        print(json.dumps(facts) if as_json else _shown(facts, found, about.norm), flush=True)
        return facts

    try:
        with counted(len(asked.samples), quiet=quiet, what="measuring") as show:
            exact_radii(
                asked.network,
                asked.points,
                asked.samples,
                norm=about.norm,
                decoder=asked.decoder,
                clip=asked.clip,
                within=gap,
                most=largest,
                options=options,
                progress=show,
                known=known,
                keep=keep,
            )
    except KeyboardInterrupt:
        table()
        kept = "give --out to keep what is found"
        if proofs is not None:
            kept = f"exact radii are in {proofs}, the same command continues"
        print(f"stopped after {len(found)} of {len(asked.samples)} samples; {kept}",
              file=sys.stderr)  # fmt: skip
        raise
    return 3 if table()["undecided"] else 0


def measure_as_run(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
    stored: Stored,
    within: Fraction | None,
    most: Fraction | None,
    quiet: bool,
    as_json: bool,
) -> dict[str, Any]:
    """The same as a run in a folder; prints and returns its facts."""
    from verifier.checker.manifest import Question
    from verifier.cli.samples import read_asked
    from verifier.cli.working import begun, run_facts
    from verifier.question.distance import DistanceTerms

    started = monotonic()
    asked = read_asked(net, parts, about, layout)
    terms = DistanceTerms(within, most)
    question = Question(about.norm, asked.decoder, clip=asked.clip, distance=terms)
    run = begun(net, asked, about, question, options, stored, "radius")
    shown: dict[int, Checked] = {}

    def table(recorded: int, by_proved: int = 0) -> dict[str, Any]:
        found = _entries(run, shown)
        facts = _facts(asked, found, about.norm, monotonic() - started, run.samples)
        facts = run_facts(facts, run, len(found), recorded)
        facts["proved_kernel"] = by_proved
        print(json.dumps(facts) if as_json else _shown(facts, found, about.norm), flush=True)
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
    return table(summary.recorded, len(summary.by_proved))


def _entries(run: Run, shown: dict[int, Checked]) -> list[RadiusInterval]:
    """What was checked, by sample."""
    from verifier.runs.distances import intervals
    from verifier.runs.store import Store

    with Store(run.place.database, read_only=True) as store:
        rows = {row.sample: row for row in store.samples(run.place.row(store).id)}
    return intervals(run.folder, run.network, run.points, run.job.question, rows, shown)


def _save(folder: Path, asked: Asked, found: list[RadiusInterval]) -> None:
    """Pairs, proofs and flips as files for `robmem check FILE --network NET`."""
    from verifier.checker.manifest import Question, sample_query
    from verifier.evidence.certificate import Flip
    from verifier.evidence.files import make_folder
    from verifier.evidence.proof_file import save_proof

    make_folder(folder)
    for entry in found:
        stem = f"sample-{entry.sample}"
        if entry.pair is not None and entry.question is not None:
            path = folder / f"{stem}-radius.json.gz"
            save_proof(path, entry.question, entry.pair, with_network=False)
            continue
        if entry.proof is not None and entry.question is not None:
            path = folder / f"{stem}-robust.json.gz"
            save_proof(path, entry.question, entry.proof, with_network=False)
        if entry.flip is not None and entry.upper is not None:
            squared = entry.upper if entry.norm == "2" else None
            radius = entry.upper if squared is None else None
            question = Question(entry.norm, asked.decoder, radius, squared, asked.clip)
            query = sample_query(asked.network, asked.points, question, entry.sample)
            flip = Flip(entry.flip.point, entry.flip.goal)
            save_proof(folder / f"{stem}-flip.json.gz", query, flip, with_network=False)


def _facts(
    asked: Asked,
    found: list[RadiusInterval],
    norm: str,
    seconds: float,
    due: int | None = None,
) -> dict[str, Any]:
    from verifier.cli.samples import found_json
    from verifier.evidence.certificate import Flip, certificate_bytes
    from verifier.question.rational import format_rational

    digest, size = asked.network.digest, 0
    results = []
    for entry in found:
        if entry.proof is not None:
            size += len(certificate_bytes(entry.proof, digest))
        result: dict[str, Any] = {
            "sample": entry.sample,
            "label": entry.label,
            "exact": entry.exact,
            "lower": format_rational(entry.lower),
            "proved": entry.proof is not None,
            **_squares(entry),
            "misread": entry.misread,
            "flip": None if entry.flip is None else found_json(entry.flip),
            "reached": entry.reached,
            "queries": entry.queries,
            "seconds": round(entry.seconds, 3),
        }
        if not entry.reached:
            result["reason"] = entry.reason
        if entry.solver:
            result["solver"] = entry.solver
        if entry.flip is not None:
            size += len(certificate_bytes(Flip(entry.flip.point, entry.flip.goal), digest))
        results.append(result)
    reached, exact = sum(entry.reached for entry in found), sum(entry.exact for entry in found)
    misread = sum(entry.misread for entry in found)
    flips = sum(entry.flip is not None for entry in found) - misread
    return {
        "claim": f"the distance to the nearest flip in norm {norm} is exact for {exact} of "
        f"{due or len(found)} samples, and as close as asked for {reached}",
        "samples": len(found),
        "robust": sum(entry.proof is not None for entry in found),
        "misread": misread,
        "clean": sum(entry.reads_right for entry in found),
        "flips": flips,
        "exact": exact,
        "undecided": len(found) - reached,
        "checked": flips + misread + sum(entry.proof is not None for entry in found),
        "proof_bytes": size,
        "seconds": {"wall": round(seconds, 3)},
        "norm": norm,
        "network": digest,
        "data": asked.points.digest,
        "decoder": asked.decoder,
        "notes": list(asked.notes),
        "labels": list(asked.points.label_names),
        "results": results,
    }


def _away(entry: RadiusInterval) -> list[str]:
    """How far the flip is; for norm 2 that, about, and its exact square."""
    from math import sqrt

    from verifier.cli.options import short

    if entry.upper is None:
        return ["none found", "none found"] if entry.norm == "2" else ["none found"]
    if entry.norm != "2":
        return [short(entry.upper)]
    return [short(entry.lower) if entry.exact and entry.lower**2 == entry.upper
            else f"about {sqrt(entry.upper):.6g}", short(entry.upper)]  # fmt: skip


def _squares(entry: RadiusInterval) -> dict[str, str | None]:
    """The upper end; for norm 2 the squares of both ends, which are exact."""
    from verifier.runs.records import end_text

    if entry.norm != "2":
        return {"upper": end_text(entry.upper)}
    return {"lower_squared": end_text(entry.lower_size), "upper_squared": end_text(entry.upper)}


def _shown(facts: dict[str, Any], found: list[RadiusInterval], norm: str) -> str:
    from verifier.cli.options import columns, short, table
    from verifier.cli.samples import accuracy_rows, label_map
    from verifier.cli.working import run_rows
    from verifier.question.printable import size_text

    squares = ["its square"] if norm == "2" else []
    rows: list[list[object]] = [["sample", "label", "distance", *squares, "no flip below", "rival",
                                 "balls", ""]]  # fmt: skip
    for entry in found:
        below = "exact" if entry.exact else short(entry.lower)
        rival = "" if entry.flip is None else entry.flip.rival
        last = "misread" if entry.misread else ""
        rows.append([entry.sample, entry.label, *_away(entry), below, rival, entry.queries,
                     last if entry.reached else f"not closer: {entry.reason}"])  # fmt: skip
    cut = f"\nand {len(rows) - 1 - _SHOWN} more rows (--json)" if len(rows) > _SHOWN else ""
    count = facts.get("proved_kernel", 0)
    by_proved = f", of {count} samples by the proved kernel too" if count else ""
    summary = [
        ("claim", facts["claim"]),
        *(("labels", text) for text in (label_map(facts["decoder"], facts["labels"]),) if text),
        *run_rows(facts),
        *(accuracy_rows(facts) if found else ()),
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked{by_proved}"),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ]
    return f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{table(summary)}"
