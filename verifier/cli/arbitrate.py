"""`robmem arbitrate`: published verdicts of other tools, against exact answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import SECONDS, engine_option

if TYPE_CHECKING:
    from verifier.tasks.arbitration import Arbitration, Published
    from verifier.tasks.instances import Solved, Table


@click.command(
    name="arbitrate",
    epilog="Example: robmem arbitrate published.csv --timeout 60 --jobs 2",
    short_help="Settle what other tools say of networks and properties.",
)
@click.argument("results", metavar="RESULTS")
@click.option("--timeout", type=SECONDS, help="Seconds an instance.")
@click.option("--nodes", type=click.IntRange(min=1), help="Most branches of a proof.")
@engine_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--table", metavar="FILE", help="Of the answers.  [default: NAME-answers.csv, here]")
@click.option("--proofs", metavar="FOLDER", help="Of the evidence.  [default: NAME-evidence, here]")
@click.option("--retry", is_flag=True, help="Ask again what the table has as undecided or error.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    results: str,
    timeout: float | None,
    nodes: int | None,
    engine: str,
    seed: int,
    table: str | None,
    proofs: str | None,
    retry: bool,
    jobs: int,
    as_json: bool,
) -> int:
    """Settle every instance of which the list RESULTS has verdicts, and say who is contradicted.

    RESULTS is a CSV file with the columns tool and verdict, and network and property, or
    instance: a folder beside it with one network and one VNN-LIB property. A verdict is
    unsat (holds, verified, safe), sat (violated, falsified, unsafe), unknown, timeout or
    error; other columns are left out.

    Every instance is settled once, in real arithmetic or in the format that its property
    declares, and the answer is checked. A tool that says the opposite is contradicted, by a
    proof or by a point: a file in the folder of the evidence, which `robmem vnnlib NET PROP
    --check FILE` replays. The table is written after every answer, and the same command
    continues it; what the table holds is replayed from its evidence before it counts.

    Exit code 0 if no verdict is contradicted, 1 if one is, 3 if none is and a verdict is
    about an instance that was not settled.
    """
    from verifier.evidence.files import make_folder
    from verifier.search.options import Options
    from verifier.tasks.arbitration import read_published
    from verifier.tasks.instances import Table, is_shown, solve_all

    published = read_published(results, timeout)
    instances = list({one.instance.key: one.instance for one in published}.values())
    stem = Path(results).name.split(".")[0]
    answers = Table.open(table or f"{stem}-answers.csv")
    folder = make_folder(proofs or f"{stem}-evidence")
    shown: set[tuple[str, str]] = set()
    todo = []
    for instance in instances:
        if not answers.has(instance, retry=retry):
            todo.append(instance)
        elif is_shown(instance, answers.rows[instance.key], folder):
            shown.add(instance.key)
        elif answers.rows[instance.key].is_settled:
            todo.append(instance)  # without its evidence it is settled again

    def keep(solved: Solved) -> None:
        answers.add(solved.row)
        if solved.is_shown:
            shown.add(solved.row.key)
        if not as_json:
            row = solved.row
            text = f"{row.verdict:9}{float(row.seconds):9.2f} s  {row.network} {row.prop}"
            print(f"{text}  {row.detail}" if row.detail else text, file=sys.stderr, flush=True)

    try:
        solve_all(todo, Options(timeout, nodes, engine, seed), folder, jobs, keep)
    except KeyboardInterrupt:
        print(f"stopped; what was settled is in {answers.path}, the same command continues",
              file=sys.stderr)  # fmt: skip
        _print(published, answers, shown, folder, as_json)
        raise
    found = _print(published, answers, shown, folder, as_json)
    if found.contradicted:
        return 1
    return 3 if any(one.open for one in found.standings) else 0


def _print(
    published: list[Published],
    answers: Table,
    shown: set[tuple[str, str]],
    folder: Path,
    as_json: bool,
) -> Arbitration:
    """Prints what was checked and whom it contradicts."""
    from verifier.tasks.arbitration import arbitrate
    from verifier.tasks.instance_lists import Word

    settled = {key: Word(answers.rows[key].verdict) for key in shown}
    found = arbitrate(published, settled)
    facts = _facts(published, answers, settled, found, folder)
    print(json.dumps(facts) if as_json else _text(facts), flush=True)
    return found


def _facts(
    published: list[Published],
    answers: Table,
    settled: dict[tuple[str, str], Any],
    found: Arbitration,
    folder: Path,
) -> dict[str, Any]:
    from verifier.tasks.instances import evidence_files

    keys = list(dict.fromkeys(one.instance.key for one in published))
    words = [word.value for word in settled.values()]
    contradicted = [
        {
            "network": one.instance.network,
            "property": one.instance.prop,
            "tool": one.tool,
            "says": one.text,
            "is": settled[one.instance.key].value,
            "evidence": [str(path) for path in evidence_files(one.instance, folder)],
        }
        for one in found.contradicted
    ]
    return {
        "claim": f"{len(contradicted)} of {len(published)} published verdicts are contradicted; "
        f"{len(settled)} of {len(keys)} instances are settled",
        "samples": len(keys),
        "robust": words.count("holds"),
        "flips": words.count("violated"),
        "undecided": len(keys) - len(settled),
        "checked": len(settled),
        "proof_bytes": sum(int(answers.rows[key].proof_bytes) for key in settled),
        "seconds": {
            "wall": round(sum(float(answers.rows[k].seconds) for k in keys if k in answers.rows), 3)
        },
        "tools": [
            {"tool": s.tool, "right": s.right, "contradicted": s.wrong, "not settled here": s.open,
             "no verdict": s.silent}
            for s in found.standings
        ],
        "contradicted": contradicted,
        "disputed": [[one.network, one.prop] for one in found.disputed],
        "table": str(answers.path),
    }  # fmt: skip


def _text(facts: dict[str, Any]) -> str:
    from verifier.cli.options import columns, table
    from verifier.question.printable import size_text

    parts = [columns([list(facts["tools"][0]), *(list(tool.values()) for tool in facts["tools"])])]
    if facts["contradicted"]:
        rows: list[list[object]] = [["contradicted", "by", "it says", "it is", "evidence"]]
        for one in facts["contradicted"]:
            names = f"{one['network']} {one['property']}"
            evidence = ", ".join(one["evidence"])
            rows.append([one["tool"], names, one["says"], one["is"], evidence])
        rows[0] = ["tool", "network and property", "it says", "it is", "evidence"]
        parts.append(columns(rows))
    for network, prop in facts["disputed"]:
        parts.append(f"tools contradict one another, not settled here: {network} {prop}")
    parts.append(table([
        ("claim", facts["claim"]),
        ("holds", facts["robust"]),
        ("violated", facts["flips"]),
        ("not settled", facts["undecided"]),
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked"),
        ("table", facts["table"]),
        ("seconds", facts["seconds"]["wall"]),
    ]))  # fmt: skip
    return "\n\n".join(parts)
