"""`robmem margin`: the least margins of samples as functions of the radius."""

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
    from verifier.tasks.margin import Curve, Piece

_SHOWN = 40  # rows of a table


@click.command(
    name="margin",
    epilog="Example: robmem margin net.onnx --data digits --up-to 1/10 --samples 0:10",
    short_help="The least margin as an exact function of the radius.",
)
@click.argument("net", metavar="NET")
@sample_options
@network_options
@table_options
@click.option("--up-to", "last", metavar="R", required=True, help="The largest radius.")
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
    last: str,
    proofs: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Find, for every sample, the least margin on the ball of every radius up to R.

    For norms inf and 1 it is a piecewise linear function of the radius that does not
    increase. Each piece is shown by one proof about all of its radii, and by points
    that move through the balls and have that margin; both are checked, and exact. Where
    it reaches zero is the distance to the nearest flip. Of the data set the command
    gives the number of samples with a positive margin as a function of the radius:
    certified accuracy, exactly.

    Where --timeout ends the search of a sample, a proved line below and a witnessed one
    above are given. --proofs writes the proofs for `robmem check`, and all points.

    Exit code 0 if all curves are exact, 3 if not.
    """
    from verifier.cli.options import number
    from verifier.cli.progress import counted
    from verifier.cli.samples import read_asked
    from verifier.question.errors import UserError

    started = monotonic()
    most = number("--up-to", last)
    if most <= 0:
        raise UserError(f"--up-to: {last} is not positive")
    asked = read_asked(net, parts, about, layout)
    if asked.decoder == "value":
        raise UserError("--decoder value: an output that equals its label has no margin")
    if asked.clip is not None:
        raise UserError("margins for all radii do not go with --clip")
    found: list[Curve] = []
    with counted(len(asked.samples), quiet=quiet, what="margins") as show:
        for sample in asked.samples:
            found.append(_curve(asked, about.norm, sample, most, options))
            show(len(found))
    if proofs is not None:
        for sample, curve in zip(asked.samples, found, strict=True):
            save(Path(proofs), sample, curve)
    facts = _facts(asked, found, f"L{about.norm} balls up to radius {last}", monotonic() - started)
    print(json.dumps(facts) if as_json else _shown(facts))
    return 0 if all(curve.exact for curve in found) else 3


def _curve(asked: Asked, norm: Any, sample: int, last: Any, options: Options) -> Curve:
    from verifier.checker.manifest import Question, sample_query
    from verifier.tasks.margin import margin_curve

    def query_of(radius: Any) -> Any:
        question = Question(norm, asked.decoder, radius)
        return sample_query(asked.network, asked.points, question, sample)

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


def _facts(asked: Asked, found: list[Curve], where: str, seconds: float) -> dict[str, Any]:
    from verifier.question.rational import format_rational
    from verifier.tasks.margin import data_curve

    exact = sum(curve.exact for curve in found)
    results = []
    for sample, curve in zip(asked.samples, found, strict=True):
        low, high = curve.zero
        results.append(
            {
                "sample": sample,
                "label": asked.points.label_names[int(asked.points.labels[sample])],
                "exact": curve.exact,
                "reason": curve.reason,
                "zero": [format_rational(low), None if high is None else format_rational(high)],
                "pieces": [piece_facts(piece) for piece in curve.pieces],
                "seconds": round(curve.seconds, 3),
            }
        )
    return {
        "claim": f"on {where} the least margin is known exactly for every radius for {exact} of "
        f"{len(found)} samples",
        "samples": len(found),
        "exact": exact,
        "accuracy": [[format_rational(r), sure, most] for r, sure, most in data_curve(found)],
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
    from verifier.question.rational import parse_rational

    def text(value: Any) -> str:
        return "nothing" if value is None else short(parse_rational(value))

    rows: list[list[object]] = [["sample", "label", "pieces", "at 0", "at the end", "zero", ""]]
    for result in facts["results"]:
        pieces, (low, high) = result["pieces"], result["zero"]
        zero = "beyond" if high is None else text(low)
        if high is not None and low != high:
            zero = f"{text(low)} to {text(high)}"
        rows.append([
            result["sample"], result["label"], len(pieces), text(pieces[0]["upper"][0]),
            text(pieces[-1]["upper"][1]), zero,
            "exact" if result["exact"] else f"not exact: {result['reason']}",
        ])  # fmt: skip
    cut = f"\nand {len(rows) - 1 - _SHOWN} more rows (--json)" if len(rows) > _SHOWN else ""
    steps: list[list[object]] = [["radius from", "positive", "at most"]]
    steps += [[text(r), sure, most] for r, sure, most in facts["accuracy"]]
    more = f"\nand {len(steps) - 1 - _SHOWN} more rows (--json)" if len(steps) > _SHOWN else ""
    summary = [("claim", facts["claim"]), ("seconds", f"{facts['seconds']['wall']:.2f}")]
    return (
        f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{columns(steps[: _SHOWN + 1])}{more}\n\n"
        f"{table(summary)}"
    )
