"""`robmem margin`: the least margins of samples as functions of the radius."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.sampled import (
    Listing,
    about_facts,
    as_run,
    first_rows,
    is_run,
    listed,
    proofs_option,
    run_rows,
    sampled,
)
from verifier.cli.working import stored_options
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from fractions import Fraction

    from verifier.cli.sampled import Given
    from verifier.cli.samples import Asked
    from verifier.runs.margins import MarginInterval
    from verifier.search.options import Options
    from verifier.tasks.margin import Curve, Piece


@click.command(
    name="margin",
    epilog="Example: robmem margin net.onnx --data digits --up-to 1/10 --samples 0:10",
    short_help="The least margin as an exact function of the radius.",
)
@click.option("--up-to", "last", metavar="R", required=True, help="The largest radius.")
@proofs_option
@sampled(stored_options)
def command(given: Given, last: str, proofs: str | None) -> int:
    """Find, for every sample, the least margin on the ball of every radius up to R.

    For norms inf and 1 it is a piecewise linear function of the radius that does not
    increase. Each piece is shown by one proof about all of its radii, and by points
    that move through the balls and have that margin; both are checked, and exact. Where
    it reaches zero is the distance to the nearest flip. Of the data set the command
    gives the number of samples with a positive margin as a function of the radius:
    certified accuracy, exactly.

    Where --timeout ends the search of a sample, a proved line below and a witnessed one
    above are given. With --out or --store this is a run as of `robmem certify`: the curve of
    a sample is stored with its proofs and points as soon as it is found, the same command
    continues, --jobs and --cluster share the work, and `robmem check FOLDER` replays it all.
    --retry undecided goes on with curves that are not exact.

    --proofs writes the proofs for `robmem check`, and all points, of each sample as soon
    as they are found. Ctrl-C shows what was found so far.

    Exit code 0 if all curves are exact, 3 if not.
    """
    from verifier.cli.options import number

    started = monotonic()
    most, stored = number("--up-to", last), is_run(given.stored, proofs)
    if most <= 0:
        raise UserError(f"--up-to: {last} is not positive")
    asked = given.read()
    asked.require_margins()
    if asked.clip is not None:
        raise UserError("margins for all radii do not go with --clip")
    if stored:
        facts = _as_run(given, asked, most)
        return 0 if facts["exact"] == facts["samples"] and not facts.get("recorded") else 3
    found: dict[int, Curve] = {}

    def told() -> dict[str, Any]:
        facts = _facts(asked, found, most, monotonic() - started, len(asked.samples))
        given.print(facts, _shown(facts))
        return facts

    kept = "" if proofs is None else f"; proofs are in {proofs}"
    with given.looking("margins", found, len(asked.samples), told, kept) as show:
        for sample in asked.samples:
            found[sample] = _curve(asked, sample, most, given.options)
            if proofs is not None:
                save(Path(proofs), sample, found[sample])
            show(len(found))
    facts = told()
    return 0 if facts["exact"] == facts["samples"] else 3


def _as_run(given: Given, asked: Asked, last: Fraction) -> dict[str, Any]:
    """The curves as a run in a folder."""
    from dataclasses import replace

    from verifier.question.margin import MarginTerms
    from verifier.runs.margins import curves

    def facts(
        asked: Asked, found: list[tuple[MarginInterval, Curve]], seconds: float, due: int
    ) -> dict[str, Any]:
        listed_curves = {entry.sample: curve for entry, curve in found}
        return _facts(asked, listed_curves, last, seconds, due)

    question = replace(asked.question(last), margin=MarginTerms(curve=True))
    listing = Listing("margin", curves, facts, lambda facts, found: _shown(facts))
    return as_run(given, asked, question, listing)


def _curve(asked: Asked, sample: int, last: Fraction, options: Options) -> Curve:
    from verifier.checker.manifest import sample_query
    from verifier.tasks.margin import margin_curve

    def query_of(radius: Fraction) -> Any:
        return sample_query(asked.network, asked.points, asked.question(radius), sample)

    return margin_curve(query_of, last, options)


def save(folder: Path, sample: int, curve: Curve) -> None:
    """The proofs of all pieces for `robmem check FILE`, and the curve with its points."""
    from verifier.evidence.files import make_folder
    from verifier.evidence.proof_file import save_proof

    make_folder(folder)
    for k, piece in enumerate(curve.pieces):
        path = folder / f"sample-{sample}-piece-{k}.json.gz"
        if piece.question is not None and piece.proof is not None:
            save_proof(path, piece.question, piece.proof)
        elif piece.at_last is not None:
            save_proof(path, *piece.at_last)
    text = json.dumps([piece_facts(piece, points=True) for piece in curve.pieces], indent=1)
    (folder / f"sample-{sample}-curve.json").write_text(text + "\n")


def piece_facts(piece: Piece, *, points: bool = False) -> dict[str, Any]:
    """A piece in texts."""
    from verifier.question.rational import format_rational

    def texts(values: Any) -> list[str] | None:
        return None if values is None else [format_rational(q) for q in values]

    facts: dict[str, Any] = {
        "radii": texts((piece.first, piece.last)),
        "lower": texts(piece.lower),
        "upper": texts(piece.upper),
        "exact": piece.exact,
    }
    if points:
        facts |= {"points": [texts(point) for point in piece.points], "goal": piece.goal}
    return facts


def _facts(
    asked: Asked, found: dict[int, Curve], last: Fraction, seconds: float, due: int
) -> dict[str, Any]:
    from verifier.question.rational import format_rational
    from verifier.runs.records import end_text
    from verifier.tasks.margin import data_curve

    exact = sum(curve.exact for curve in found.values())
    names = asked.points.label_names
    results = [
        {
            "sample": sample,
            "label": names[int(asked.points.labels[sample])],
            "exact": curve.exact,
            "reason": curve.reason,
            "zero": list(map(end_text, curve.zero)),
            "positive_to_its_end": curve.positive_to_its_end,
            "pieces": [piece_facts(piece) for piece in curve.pieces],
            "seconds": round(curve.seconds, 3),
        }
        for sample, curve in found.items()
    ]
    steps = data_curve(list(found.values()))
    return {
        "claim": f"on L{asked.norm} balls up to radius {format_rational(last)} the least margin is "
        f"known exactly for every radius for {exact} of {due} samples",
        "samples": len(found),
        "exact": exact,
        "undecided": len(found) - exact,
        "accuracy": [[format_rational(r), sure, most] for r, sure, most in steps],
        "seconds": {"wall": round(seconds, 3)},
        **about_facts(asked),
        "results": results,
    }


def _shown(facts: dict[str, Any]) -> str:
    from verifier.cli.options import short
    from verifier.question.rational import parse_rational

    def text(value: Any) -> str:
        return "nothing" if value is None else short(parse_rational(value))

    rows: list[list[object]] = [["sample", "label", "pieces", "at 0", "at the end", "zero", ""]]
    for result in facts["results"]:
        pieces, (low, high) = result["pieces"], result["zero"]
        zero = text(low)
        if high is None:
            zero = "beyond" if result["positive_to_its_end"] else f"from {text(low)} on"
        elif low != high:
            zero = f"{text(low)} to {text(high)}"
        rows.append([
            result["sample"], result["label"], len(pieces), text(pieces[0]["upper"][0]),
            text(pieces[-1]["upper"][1]), zero,
            "exact" if result["exact"] else f"not exact: {result['reason']}",
        ])  # fmt: skip
    steps: list[list[object]] = [["radius from", "positive", "at most"]]
    steps += [[text(r), sure, most] for r, sure, most in facts["accuracy"]]
    summary = [
        ("claim", facts["claim"]),
        *run_rows(facts),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ]
    return f"{first_rows(rows)}\n\n{listed(steps, summary)}"
