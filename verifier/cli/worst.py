"""`robmem worst`: how small the margins of samples become on their balls."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import table_options
from verifier.cli.samples import About, limit_options, sample_options

if TYPE_CHECKING:
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
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
@click.option("--proofs", type=click.Path(file_okay=False), help="A folder for the evidence.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
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

    --proofs writes sample-N-worst.json.gz for `robmem check` (of an interval -lower and
    -point).

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
    asked = read_asked(net, parts, about, layout)
    if asked.decoder == "value":
        raise UserError("--decoder value: an output that equals its label has no margin")
    question = Question(about.norm, asked.decoder, size, None, asked.clip)
    found: list[Worst] = []
    with counted(len(asked.samples), quiet=quiet, what="minimising") as show:
        for sample in asked.samples:
            query = sample_query(asked.network, asked.points, question, sample)
            found.append(worst(query, within=length, options=options))
            show(len(found))
    if proofs is not None:
        for sample, entry in zip(asked.samples, found, strict=True):
            save(Path(proofs), f"sample-{sample}", entry)
    facts = _facts(asked, found, f"L{about.norm} balls of radius {radius}", monotonic() - started)
    print(json.dumps(facts) if as_json else _shown(facts))
    if facts["flips"]:
        return 1
    return 3 if facts["undecided"] else 0


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


def _facts(asked: Asked, found: list[Worst], where: str, seconds: float) -> dict[str, Any]:
    reached, exact = sum(entry.reached for entry in found), sum(entry.exact for entry in found)
    flips = sum(entry.upper <= 0 for entry in found)
    kept = sum(entry.lower is not None and entry.lower > 0 for entry in found)
    results = [
        {
            "sample": sample,
            "label": asked.points.label_names[int(asked.points.labels[sample])],
            **margin_facts(entry),
        }
        for sample, entry in zip(asked.samples, found, strict=True)
    ]
    return {
        "claim": f"on {where} the least margin is exact for {exact} of {len(found)} samples, and "
        f"as close as asked for {reached}",
        "samples": len(found),
        "robust": kept,
        "flips": flips,
        "exact": exact,
        "undecided": len(found) - reached,
        "checked": len(found) + sum(entry.proof is not None for entry in found),
        "proof_bytes": sum(map(evidence_bytes, found)),
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
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked"),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ]
    return f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{table(summary)}"
