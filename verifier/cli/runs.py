"""`robmem runs`: what is stored, and what to do with it."""

from __future__ import annotations

import csv
import json
import sys
import time
from dataclasses import asdict, fields
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from verifier.checker.manifest import Manifest
    from verifier.runs.place import Refusal
    from verifier.runs.store import RunRow

_LISTED_ELSEWHERE = ("data", "label_names", "feature_names", "size", "sources", "replayed")

_EXPORTED = {"state": "recorded"}  # of columns, the name under which they are exported


@click.group(
    name="runs",
    short_help="List, show, export, seal, watch and clean up runs.",
    epilog="Example: robmem runs show runs/digits-linf-0a1b2c3d",
)
def command() -> None:
    """Look at the runs that `robmem certify` has stored."""


@command.command(name="list", short_help="All runs below a folder.")
@click.argument("root", default="runs", type=click.Path(), metavar="[FOLDER]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_(root: str, as_json: bool) -> int:
    """Show every run in FOLDER, by default ./runs: its question and how far it is.

    Verdicts are those that the run has recorded; nothing is replayed here.
    """
    from verifier.cli.options import columns
    from verifier.question.errors import UserError
    from verifier.runs.place import all_runs
    from verifier.runs.records import STATES

    refused: list[Refusal] = []
    found = []
    for place, row in all_runs(Path(root), refused):
        try:
            found.append((place.folder.path, row, _asked(row)))
        except UserError as error:
            refused.append((place.database, error))
    if as_json:
        print(json.dumps([_facts(folder, row) for folder, row, _ in found]))
        return _refusals(refused)
    head = (
        "run",
        "samples",
        "recorded: robust",
        "measured",
        "misread",
        "flips",
        "undecided",
        "failed",
        "open",
        "sealed",
        "asked",
    )
    rows: list[tuple[Any, ...]] = [head]
    for folder, row, asked in found:
        counts = [row.counts[state] for state in (*STATES[1:], STATES[0])]
        sealed = "yes" if row.root else "no"
        rows.append((folder, row.samples, *counts, sealed, asked))
    print(columns(rows) if found else f"no runs in {root}")
    return _refusals(refused)


@command.command(short_help="One run: question, counts, history, hosts.")
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(run: str, as_json: bool) -> int:
    """Show the run in the folder RUN, with what went wrong and who worked on it."""
    from verifier.cli.options import table
    from verifier.question.printable import printable, size_text
    from verifier.runs.by_kernel import noted_shares, shares_text
    from verifier.runs.by_theorem import certified_alone
    from verifier.runs.place import find_run
    from verifier.runs.sources import sources_of
    from verifier.runs.store import Store

    alone = certified_alone(Path(run))
    if alone is not None and alone.theorem is not None:
        return _show_certified(run, alone, alone.theorem.construction, as_json)
    place = find_run(run)
    folder = place.folder.path
    with Store(place.database, read_only=True) as store:
        row = place.row(store)
        samples, attempts, hosts = (
            store.samples(row.id), store.attempts(row.id), store.hosts(row.id),
        )  # fmt: skip
    errors = [attempt for attempt in attempts if attempt.state == "failed"]
    facts = _facts(folder, row) | {
        "attempts": len(attempts),
        "errors": [asdict(error) for error in errors],
        "hosts": hosts,
        "proof_bytes": sum(sample.text_bytes for sample in samples),
        "packed_bytes": sum({s.certificate: s.packed_bytes for s in samples}.values()),
        "nodes": sum(sample.nodes for sample in samples),
        "seconds": {
            phase: round(sum(getattr(sample, f"{phase}_seconds") for sample in samples), 3)
            for phase in ("bounds", "search", "check")
        },
    }
    if as_json:
        print(json.dumps(facts))
        return 0
    states = ", ".join(f"{n} {s}" for s, n in row.counts.items() if n)
    proofs = f"{size_text(facts['proof_bytes'])} ({size_text(facts['packed_bytes'])} on disk)"
    lines = [
        ("run", folder),
        ("asked", _asked(row)),
        ("network", row.network),
        ("data", f"{row.data} ({row.about.get('data')})"),
        *((key, value) for key, value in row.about.items()
          if key not in _LISTED_ELSEWHERE and value is not None),
        *((source.title, source.digest) for source in sources_of(row.about)),
        ("options", ", ".join(f"{k} {v}" for k, v in row.options.items() if v is not None)),
        ("recorded", f"of {row.samples} samples, not replayed here: {states}"),
        ("proofs", proofs),
        ("seconds", ", ".join(f"{phase} {value:.1f}" for phase, value in facts["seconds"].items())),
        ("attempts", f"{len(attempts)}, {len(errors)} ended in errors"),
        ("by the kernel too", shares_text(noted_shares(hosts))),
        ("by the proved kernel", shares_text(noted_shares(hosts, "proved kernel"))),
        ("root", row.root or "not sealed"),
    ]  # fmt: skip
    print(table(lines))
    for error in errors[-10:]:
        print(printable(f"error at sample {error.sample} in {error.worker}: {error.reason}"))
    for host in hosts:
        text = f"worked on {host.get('host')} from {host['started']}, {host.get('system')}"
        print(printable(text))
    return 0


def _show_certified(run: str, manifest: Manifest, theorem: str, as_json: bool) -> int:
    """A folder that is certified by a theorem alone, which is not checked here."""
    from verifier.cli.options import table

    facts = {
        "run": run, "asked": str(manifest.question), "theorem": theorem, "samples": manifest.size,
        "network": manifest.network, "data": manifest.data, "root": manifest.root,
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts | {"recorded": "by theorem"}))
        return 0
    way = "that all keep their label, by the theorem alone; not checked here, robmem check does"
    print(table([*facts.items(), ("recorded", way)]))
    return 0


@command.command(short_help="The samples of a run as CSV, JSON or Parquet.")
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated.  [default]")
@click.option("--json", "form", flag_value="json", help="A JSON list.")
@click.option("--parquet", "form", flag_value="parquet", help="Parquet; needs pyarrow and -o.")
@click.option("--rivals", is_flag=True, help="A row a sample and rival.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write here.")
def export(run: str, form: str | None, rivals: bool, output: str | None) -> int:
    """Print what is stored of every sample of the run in the folder RUN.

    Exact numbers are texts, with the nearest float in the column after them; radius,
    distance and the ends of intervals are p-th powers for a norm p from 2 on.

    Nothing is replayed: `recorded` is the state that the database holds, not a verdict.
    """
    from verifier.evidence.files import write_bytes
    from verifier.question.errors import UserError
    from verifier.runs.export import exported
    from verifier.runs.place import find_run
    from verifier.runs.store import RivalRow, Store

    place = find_run(run)
    with Store(place.database, read_only=True) as store:
        row = place.row(store)
        listed = store.rivals(row.id) if rivals else []
        samples = [] if rivals else store.samples(row.id)
    rows = [
        {_EXPORTED.get(name, name): value for name, value in asdict(one).items()} for one in listed
    ]
    columns = [_EXPORTED.get(field.name, field.name) for field in fields(RivalRow)]
    if not rivals:
        rows = exported(place.folder, row, samples)
        columns = list(rows[0]) if rows else ["sample"]
    if form == "parquet":
        if output is None:
            raise UserError("--parquet: give the file with -o")
        _parquet(rows, columns, output)
        return 0
    if output is None:
        _write(rows, columns, form, sys.stdout)
        return 0
    text = StringIO()
    _write(rows, columns, form, text)
    write_bytes(output, text.getvalue().encode())
    return 0


@command.command(short_help="Remove files that no run names.")
@click.argument("root", default="runs", type=click.Path(), metavar="[FOLDER]")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def gc(root: str, dry_run: bool, as_json: bool) -> int:
    """Remove certificates that no sample names and the remains of interrupted writing."""
    from verifier.question.printable import size_text
    from verifier.runs.place import all_runs
    from verifier.runs.store import Store

    files, freed = 0, 0
    refused: list[Refusal] = []
    for place, row in all_runs(Path(root), refused):
        with place.folder.lock():
            with Store(place.database, read_only=True) as store:
                named = store.certificates(row.id)
            for path in place.folder.unnamed(named):
                files, freed = files + 1, freed + path.stat().st_size
                if not dry_run:
                    path.unlink()
    if as_json:
        print(json.dumps({"files": files, "bytes": freed, "removed": not dry_run}))
    else:
        print(f"{files} files, {size_text(freed)}" + (", would be removed" if dry_run else ""))
    return _refusals(refused)


@command.command(short_help="Write the manifest of a run as it stands.")
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def seal(run: str, as_json: bool) -> int:
    """Seal the run in the folder RUN; samples without an answer are claimed to be undecided.

    Nothing is replayed: what is sealed are the answers that the run has recorded, and
    `robmem check RUN` says whether they hold.
    """
    from verifier.checker.manifest import Kind, claim_text
    from verifier.runs.place import find_run
    from verifier.runs.run import seal_run
    from verifier.runs.store import Store

    place = find_run(run)
    with place.folder.lock():
        place.folder.unseal()
        with Store(place.database) as store:
            manifest = seal_run(place, store)
    counts = manifest.counts
    recorded = sum(count for kind, count in counts.items() if kind != "undecided")
    shown: dict[Kind, int] = {"robust": 0, "flip": 0, "undecided": counts["undecided"]}
    said = claim_text(manifest.question, manifest.size, shown, recorded)
    if as_json:
        facts = {
            "claim": said, "checked": 0, "recorded": recorded, "recorded_claim": manifest.claim,
            "root": manifest.root,
        }  # fmt: skip
        print(json.dumps(facts))
    else:
        print(f"{said}\nrecorded: {manifest.claim}\nroot {manifest.root}")
    return 0


@command.command(short_help="Follow a run from another terminal.")
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=2.0, show_default=True)
@click.option("--once", is_flag=True, help="One line, then stop.")
def watch(run: str, seconds: float, once: bool) -> int:
    """Print how the run in the folder RUN stands, until nothing is open."""
    from verifier.runs.place import find_run
    from verifier.runs.store import Store

    place = find_run(run)
    first: tuple[float, int] | None = None
    while True:
        with Store(place.database, read_only=True) as store:
            row = place.row(store)
        answered, now = row.samples - row.counts["open"], time.monotonic()
        first = first or (now, answered)
        rate = (answered - first[1]) / (now - first[0]) if now > first[0] else 0.0
        left = f", {row.counts['open'] / rate:.0f} s left" if rate > 0 else ""
        counts = ", ".join(f"{state} {count}" for state, count in row.counts.items())
        print(
            f"{answered}/{row.samples} samples, recorded: {counts}, {rate:.1f}/s{left}", flush=True
        )
        if once or not row.counts["open"]:
            return 0
        time.sleep(seconds)


def _refusals(refused: list[Refusal]) -> int:
    """The exit code of a command that went on without these; each is named on stderr."""
    from verifier.question.errors import RefusedError
    from verifier.question.printable import printable

    for path, error in refused:
        text = str(error)
        text = text if str(path) in text else f"{path}: {text}"
        print(f"error: {printable(text)}", file=sys.stderr)
    if not refused:
        return 0
    return 4 if any(isinstance(error, RefusedError) for _, error in refused) else 2


def _asked(row: RunRow) -> str:
    from verifier.runs.identity import question_from

    return str(question_from(row.question))


def _facts(folder: Path, row: RunRow) -> dict[str, Any]:
    from verifier.runs.records import ANSWERED

    return {
        "run": str(folder),
        "samples": row.samples,
        **{str(state): count for state, count in row.counts.items()},
        "checked": 0,
        "recorded": sum(row.counts[state] for state in ANSWERED),
        "question": row.question,
        "options": row.options,
        "network": row.network,
        "data": row.data,
        "about": row.about,
        "root": row.root,
    }


def _write(rows: list[dict[str, Any]], columns: list[str], form: str | None, stream: Any) -> None:
    if form == "json":
        stream.write(json.dumps(rows) + "\n")
        return
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _parquet(rows: list[dict[str, Any]], columns: list[str], output: str) -> None:
    from importlib import import_module

    from verifier.evidence.files import write_bytes
    from verifier.question.errors import UserError

    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UserError("--parquet: needs pyarrow: pip install 'robmem[parquet]'") from None
    kinds = {
        **dict.fromkeys(("sample", "goal", "attempts", "nodes"), arrow.int64()),
        **dict.fromkeys(("text_bytes", "packed_bytes"), arrow.int64()),
        **{f"{phase}_seconds": arrow.float64() for phase in ("bounds", "search", "check")},
    }
    kinds |= {column: arrow.float64() for column in columns if column.endswith("_float")}
    schema = arrow.schema([(column, kinds.get(column, arrow.string())) for column in columns])
    content = BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows, schema), content)
    write_bytes(output, content.getvalue())
