"""`robmem worst`: how small the margins of samples become on their balls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.sampled import (
    Listing,
    about_facts,
    as_run,
    evidence_row,
    is_run,
    listed,
    proofs_option,
    run_rows,
    sampled,
)
from verifier.cli.working import stored_options

if TYPE_CHECKING:
    from verifier.checker.manifest import Question
    from verifier.cli.sampled import Given
    from verifier.cli.samples import Asked
    from verifier.question.margin import MarginTerms
    from verifier.runs.margins import MarginInterval
    from verifier.tasks.worst import Worst


@click.command(
    name="worst",
    epilog="Example: robmem worst net.onnx --data digits --radius 1/10 --samples 0:10",
    short_help="The exact worst case: the least margin on every ball.",
)
@click.option("--radius", metavar="R", required=True, help="Of the closed balls.")
@click.option("--within", metavar="Q", help="An interval of this length is enough; norm 2: needed.")
@proofs_option
@sampled(stored_options)
def command(given: Given, radius: str, within: str | None, proofs: str | None) -> int:
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
    from verifier.cli.options import number
    from verifier.cli.samples import positive
    from verifier.question.margin import MarginTerms

    started = monotonic()
    size, terms = number("--radius", radius), MarginTerms(positive("--within", within))
    stored = is_run(given.stored, proofs)
    asked = given.read()
    asked.require_margins()
    question = asked.question(size)
    if stored:
        facts = _as_run(given, asked, question, terms)
    else:
        facts = _minimised(given, asked, question, terms, proofs, started)
    if facts["flips"]:
        return 1
    return 3 if facts["undecided"] or facts.get("recorded") else 0


def _as_run(given: Given, asked: Asked, question: Question, terms: MarginTerms) -> dict[str, Any]:
    """The margins as a run in a folder."""
    from dataclasses import replace

    from verifier.runs.margins import margins

    def facts(
        asked: Asked, found: list[MarginInterval], seconds: float, due: int
    ) -> dict[str, Any]:
        size = sum(entry.proof_bytes for entry in found)
        return _facts(asked, question, list(map(_stored_result, found)), size, seconds, due)

    listing = Listing("worst", margins, facts, lambda facts, found: _shown(facts))
    return as_run(given, asked, replace(question, margin=terms), listing)


def _minimised(
    given: Given,
    asked: Asked,
    question: Question,
    terms: MarginTerms,
    proofs: str | None,
    started: float,
) -> dict[str, Any]:
    """The margins, with their evidence in the folder `proofs`."""
    from verifier.checker.manifest import sample_query
    from verifier.tasks.worst import worst

    found: dict[int, Worst] = {}

    def told() -> dict[str, Any]:
        results = [_result(asked, sample, entry) for sample, entry in found.items()]
        size = sum(map(evidence_bytes, found.values()))
        facts = _facts(asked, question, results, size, monotonic() - started)
        given.print(facts, _shown(facts))
        return facts

    kept = "; give --out to keep what is found" if proofs is None else f"; proofs are in {proofs}"
    with given.looking("minimising", found, len(asked.samples), told, kept) as show:
        for sample in asked.samples:
            query = sample_query(asked.network, asked.points, question, sample)
            found[sample] = worst(query, within=terms.within, options=given.options)
            if proofs is not None:
                save(Path(proofs), f"sample-{sample}", found[sample])
            show(len(found))
    return told()


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


def _margin_texts(entry: Worst | MarginInterval, rival: str) -> dict[str, Any]:
    from verifier.question.rational import format_rational
    from verifier.runs.records import end_text

    facts: dict[str, Any] = {
        "exact": entry.exact,
        "lower": end_text(entry.lower),
        "upper": format_rational(entry.upper),
        "rival": rival,
        "point": [format_rational(x) for x in entry.point],
        "reached": entry.reached,
        "queries": entry.queries,
        "seconds": round(entry.seconds, 3),
    }
    return facts if entry.reached else facts | {"reason": entry.reason}


def margin_facts(entry: Worst) -> dict[str, Any]:
    """The least margin in texts."""
    facts = _margin_texts(entry, entry.query.goals[entry.goal].rival)
    return facts | ({"solver": entry.solver} if entry.solver else {})


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
    return {"sample": entry.sample, "label": entry.label, **_margin_texts(entry, entry.rival)}


def _facts(
    asked: Asked,
    question: Question,
    results: Sequence[dict[str, Any]],
    size: int,
    seconds: float,
    due: int | None = None,
) -> dict[str, Any]:
    from verifier.question.rational import format_rational, parse_rational

    count = len(results)
    reached = sum(result["reached"] for result in results)
    exact = sum(result["exact"] for result in results)
    proved = [parse_rational(r["lower"]) for r in results if r["lower"] is not None]
    where = f"L{asked.norm} balls of radius {format_rational(question.radius or 0)}"
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
        **about_facts(asked),
        "results": list(results),
    }


def _shown(facts: dict[str, Any]) -> str:
    from verifier.cli.options import short
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
    return listed(rows, [
        ("claim", facts["claim"]),
        *run_rows(facts),
        evidence_row(facts),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ])  # fmt: skip
