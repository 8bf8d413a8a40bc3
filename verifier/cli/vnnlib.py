"""`robmem vnnlib`: a network and a VNN-LIB property, or a list of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import SECONDS, engine_option
from verifier.cli.vnnlib_solver import supports_command, verify_command

if TYPE_CHECKING:
    from verifier.formats.parts import Parts
    from verifier.formats.vnnlib.property import Property
    from verifier.question.network import Network
    from verifier.search.options import Options
    from verifier.tasks.instances import Answer, FloatPoint, Row, Solved

_SOLVER: dict[str, click.Command] = {"verify": verify_command, "supports": supports_command}


class _WithSolver(click.Command):
    """`vnnlib NET PROP`, and the commands that VNN-LIB's standard asks of a solver."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args and args[0] in _SOLVER:
            name = f"{info_name} {args[0]}"
            return _SOLVER[args[0]].make_context(name, args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


_CODES = {"holds": 0, "violated": 1, "error": 2, "unknown": 3, "timeout": 3}


@click.command(
    name="vnnlib",
    cls=_WithSolver,
    epilog="Example: robmem vnnlib net.onnx prop_3.vnnlib --timeout 60 --result result.txt",
    short_help="Settle VNN-LIB properties of networks.",
)
@click.argument("network", required=False, metavar="[NET]")
@click.argument("property_", required=False, metavar="[PROP]")
@network_options
@click.option("--timeout", type=SECONDS, help="Seconds a property.")
@click.option("--nodes", type=click.IntRange(min=1), help="Most branches of a proof.")
@engine_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--result", metavar="FILE", help="Write unsat, sat, unknown or timeout there.")
@click.option("--proof", metavar="FILE", help="Write the evidence there; .gz packs it.")
@click.option("--check", "evidence", metavar="FILE", help="Check this evidence; search nothing.")
@click.option("--instances", metavar="CSV", help="Settle a list of network, property, timeout.")
@click.option("--table", metavar="FILE", help="Of the list.  [default: NAME-answers.csv, here]")
@click.option("--proofs", metavar="FOLDER", help="Write the evidence of a list there.")
@click.option(
    "--semantics",
    type=click.Choice(["real", "float32", "float64"]),
    help="Of the arithmetic, where PROP leaves it open.  [default: as declared, else real]",
)
@click.option("--retry", is_flag=True, help="Ask again what the table has as undecided or error.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes: of a list one an instance, else those that share the boxes of few inputs.  "
    "[default: 1 for a list, else one a core]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    network: str | None,
    property_: str | None,
    parts: Parts,
    timeout: float | None,
    nodes: int | None,
    engine: str,
    seed: int,
    result: str | None,
    proof: str | None,
    evidence: str | None,
    instances: str | None,
    table: str | None,
    proofs: str | None,
    semantics: str | None,
    retry: bool,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Say whether the VNN-LIB property PROP holds of the network NET.

    A property describes its violations: it holds if no input of its box has outputs
    that satisfy it. The answer is about real arithmetic and its evidence is checked;
    of a violation, the nearest float32 point is looked at as well. Where PROP declares
    float32 or float64, or --semantics says so, it is about the network as executed in
    that format, with any order of summation. NET is any network file, PROP in version
    1.0 or 2; both may be packed (.gz).

    robmem vnnlib verify QUERY --network NAME=FILE, for one or several networks, and
    robmem vnnlib supports CAPABILITY are as VNN-LIB's standard has them.

    --instances takes a list as the competition has it, or with the header network,
    property, timeout. The table is written after every answer, and the same command
    continues it: an answer that the table holds is replayed from its evidence in
    --proofs, and without that is recorded, not replayed, and claims nothing.
    """
    from verifier.question.errors import UserError
    from verifier.search.options import Options, cores

    options = Options(timeout, nodes, engine, seed)
    if instances is not None:
        if network is not None or result or proof or evidence:
            raise UserError("--instances goes without NET, PROP, --result, --proof and --check")
        if semantics is not None:
            raise UserError("--semantics goes with NET and PROP; a list is answered as declared")
        if parts:
            raise UserError("--output and --input-shape go with NET and PROP, not with a list")
        many = jobs or 1
        return _list(instances, table, proofs, options, retry=retry, jobs=many, as_json=as_json)
    if network is None or property_ is None:
        raise UserError("give NET and PROP, or --instances")
    if table or proofs or retry:
        raise UserError("--table, --proofs and --retry belong to --instances")
    options = replace(options, jobs=jobs or cores())
    return _one(
        network, property_, parts, options, semantics, result, proof, evidence, as_json=as_json
    )


def _one(
    net: str,
    prop: str,
    parts: Parts,
    options: Options,
    semantics: str | None,
    result: str | None,
    proof: str | None,
    evidence: str | None,
    *,
    as_json: bool,
) -> int:
    from verifier.evidence.files import write_bytes
    from verifier.formats.vnnlib.read import read_property
    from verifier.tasks.instances import (
        answer,
        check_proofs,
        competition_result,
        float_point,
        join_files,
        save_proofs,
        semantics_of,
    )

    question = read_property(prop)
    arithmetic = semantics_of(question, semantics)
    joined = join_files(question, {"": Path(net)}, arithmetic, parts)
    network, question = joined.network, joined.question
    if evidence is not None:
        word = check_proofs(network, question, Path(evidence), arithmetic)
        print(json.dumps({"verdict": word.value, "checked": True}) if as_json else word.value)
        return 0
    found = answer(network, question, options, arithmetic)
    near = None
    if found.violation is not None and arithmetic == "real":
        model = Path(net) if joined.plain else None
        near = float_point(network, question, found.violation, model)
    if result is not None:
        text = competition_result(found.word, found.violation, near, question)
        write_bytes(result, text.encode())
    if proof is not None and found.word.value in ("holds", "violated"):
        save_proofs(Path(proof), found)
    if as_json:
        facts = _answer_json(net, prop, network, question, found, near)
        print(json.dumps({**facts, "semantics": arithmetic}))
    else:
        print("\n".join(_answer_lines(question, found, near)))
    return _CODES[found.word.value]


def _answer_json(
    net: str,
    prop: str,
    network: Network,
    question: Property,
    found: Answer,
    near: FloatPoint | None,
) -> dict[str, Any]:
    from verifier.evidence.certificate import Robust, Undecided
    from verifier.question.rational import format_rational

    undecided = [o.verdict for o in found.outcomes if isinstance(o.verdict, Undecided)]
    facts: dict[str, Any] = {
        "claim": f"{Path(prop).name} holds of {Path(net).name}",
        "verdict": found.word.value,
        "network_digest": network.digest,
        "disjuncts": len(question.disjuncts),
        "samples": len(found.queries),
        "robust": sum(isinstance(outcome.verdict, Robust) for outcome in found.outcomes),
        "flips": int(found.violation is not None),
        "undecided": len(undecided),
        "checked": sum(outcome.checked is not None for outcome in found.outcomes),
        "proof_bytes": found.proof_bytes,
        "seconds": {
            **{phase: round(value, 3) for phase, value in found.phases.items()},
            "wall": round(found.seconds, 3),
        },
        "nodes": sum(outcome.nodes for outcome in found.outcomes),
    }
    if question.note is not None:
        facts["note"] = question.note
    if undecided:
        facts["reasons"] = sorted({verdict.reason for verdict in undecided})
    if found.violation is not None:
        facts["violation"] = {
            "disjunct": found.violation.disjunct,
            "point": [format_rational(x) for x in question.declared(found.violation.point)],
            "outputs": [format_rational(y) for y in found.violation.outputs],
        }
    if near is not None:
        facts["float32"] = {
            "point": list(near.point),
            "violates_exactly": near.exact,
            "onnxruntime_outputs": near.runtime_outputs and [repr(y) for y in near.runtime_outputs],
            "onnxruntime_violates": near.runtime,
        }
    return facts


def _answer_lines(question: Property, found: Answer, near: FloatPoint | None) -> list[str]:
    from verifier.cli.options import short
    from verifier.evidence.certificate import Undecided
    from verifier.question.printable import size_text
    from verifier.tasks.instances import describe

    lines = [found.word.value]
    if question.note is not None:
        lines.append(f"note: {question.note}")
    reasons = [o.verdict.reason for o in found.outcomes if isinstance(o.verdict, Undecided)]
    lines += [f"undecided: {reason}" for reason in dict.fromkeys(reasons)]
    if found.violation is not None:
        shown = 20
        values = question.declared(found.violation.point)
        point = ", ".join(map(short, values[:shown]))
        more = len(values) - shown
        lines.append(f"at X = {point}" + (f" and {more} more (--json)" if more > 0 else ""))
        lines.append(f"   Y = {', '.join(map(short, found.violation.outputs[:shown]))}")
    if near is not None and describe(near):
        lines.append(describe(near))
    if not reasons:
        lines.append(f"evidence checked, {size_text(found.proof_bytes)}, {found.seconds:.2f} s")
    return lines


def _list(
    instances: str,
    table: str | None,
    proofs: str | None,
    options: Options,
    *,
    retry: bool,
    jobs: int,
    as_json: bool,
) -> int:
    from verifier.cli.progress import counted
    from verifier.evidence.files import make_folder
    from verifier.question.printable import printable
    from verifier.tasks.instances import Table, is_shown, read_instances, solve_all

    listed = read_instances(instances, options.timeout)
    name = table or f"{Path(instances).name.split('.')[0]}-answers.csv"
    answers = Table.open(name)
    folder = None if proofs is None else make_folder(proofs)
    todo = [entry for entry in listed if not answers.has(entry, retry=retry)]
    known = [entry for entry in listed if answers.has(entry, retry=retry)]
    with counted(len(known), quiet=as_json) as show:
        shown = set()
        for done, entry in enumerate(known, start=1):
            if is_shown(entry, answers.rows[entry.key], folder):
                shown.add(entry.key)
            show(done)
    if known and not as_json:
        print(f"{len(known)} of {len(listed)} are in {name}, {len(shown)} replayed from their "
              "evidence", file=sys.stderr)  # fmt: skip

    def keep(solved: Solved) -> None:
        row = solved.row
        answers.add(row)
        if solved.is_shown:
            shown.add(row.key)
        if not as_json:
            text = f"{row.verdict:9}{float(row.seconds):9.2f} s  {row.network} {row.prop}"
            print(printable(f"{text}  {row.detail}" if row.detail else text), flush=True)

    solve_all(todo, options, folder, jobs, keep)
    rows = [answers.rows[entry.key] for entry in listed]
    counts = dict.fromkeys((*_CODES, "recorded"), 0)
    for row in rows:
        counts["recorded" if row.is_settled and row.key not in shown else row.verdict] += 1
    differing = [row for row in rows if row.differs]
    if as_json:
        print(json.dumps(_list_json(instances, rows, counts, differing, name)))
    else:
        seconds = sum(float(row.seconds) for row in rows)
        words = {word: word for word in counts} | {"recorded": "recorded, not replayed here"}
        found = ", ".join(f"{count} {words[word]}" for word, count in counts.items() if count)
        print(f"{len(rows)} instances: {found}; {seconds:.1f} s; {name}")
        for row in differing:
            how = "is" if row.key in shown else "is recorded as"
            print(
                f"differs from the list: {row.network} {row.prop} {how} {row.verdict}, "
                f"the list says {row.expected}"
            )
    if counts["error"]:
        return 2
    if counts["violated"]:
        return 1
    return 3 if counts["unknown"] or counts["timeout"] or counts["recorded"] else 0


def _list_json(
    instances: str, rows: list[Row], counts: dict[str, int], differing: list[Row], name: str
) -> dict[str, Any]:
    undecided = counts["unknown"] + counts["timeout"]
    return {
        "claim": f"{counts['holds']} of {len(rows)} properties of {Path(instances).name} hold of "
        f"their networks, {counts['violated']} do not",
        "samples": len(rows),
        "robust": counts["holds"],
        "flips": counts["violated"],
        "undecided": undecided,
        "errors": counts["error"],
        "checked": counts["holds"] + counts["violated"],
        "recorded": counts["recorded"],
        "proof_bytes": sum(int(row.proof_bytes) for row in rows),
        "seconds": {"wall": round(sum(float(row.seconds) for row in rows), 3)},
        "differing": [[row.network, row.prop, row.verdict, row.expected] for row in differing],
        "table": name,
    }
