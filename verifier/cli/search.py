"""`robmem search`: exact label flips in the balls of a data set."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import image_option, table_options
from verifier.cli.samples import About, limit_options, sample_options

if TYPE_CHECKING:
    from verifier.checker.manifest import Question
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.search.options import Options
    from verifier.tasks.around import FoundFlip
    from verifier.tasks.flips import Hint, SearchedSample

_SHOWN = 40  # rows of the table
_TENFOLD = 10


@click.command(
    name="search",
    epilog="Example: robmem search net.onnx --data digits --radius 1/2 --samples 0:50 "
    "--out flips.json",
    short_help="Search the balls of a data set for exact label flips.",
)
@click.argument("net", metavar="NET")
@sample_options
@network_options
@table_options
@click.option("--radius", metavar="R", help="Of the closed balls.")
@click.option("--radius-squared", metavar="Q", help="The same for norm 2, squared.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many flipped samples.")
@click.option("--all-rivals", is_flag=True, help="A flip to each rival that has one.")
@click.option("--nearest", is_flag=True, help="The nearest flip, and a proof that it is.")
@click.option("--out", metavar="FILE", help="Write flips to .json (exact) or .npz (nearest).")
@click.option("--picture", type=click.Path(file_okay=False), help="A folder for pictures.")
@image_option
@limit_options
@click.option(
    "--semantics",
    type=click.Choice(["real", "float32", "float64"]),
    default="real",
    show_default=True,
    help="Of the arithmetic: exact, or rounded after every operation, in any order.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
    radius: str | None,
    radius_squared: str | None,
    limit: int | None,
    all_rivals: bool,
    nearest: bool,
    out: str | None,
    picture: str | None,
    shape: tuple[int, int] | None,
    semantics: Any,
    quiet: bool,
    as_json: bool,
) -> int:
    """Search every sample's ball for a point where the network loses the sample's label.

    The strongest attack comes first: collisions of the first layer, vertices, gradients
    with restarts; then exact search, which ends with a proof where there is no flip.
    Every flip is a point in rationals, evaluated exactly; a tie counts. Distances are
    squared for norm 2.

    An .npz file holds sample, label, rival, center, point, outputs and distance as
    arrays, numbers rounded to the nearest; JSON holds them exactly. A picture shows the
    sample, the flip, and ten times their difference around grey.

    With --semantics float32 or float64 a flip is an input of the format at which sums
    from first to last give such outputs, and a proof is about all executions in the format.

    Exit code 1 if a flip was found, 3 if a sample is undecided, else 0.
    """
    from verifier.checker.manifest import Question
    from verifier.cli.options import number
    from verifier.cli.progress import counted
    from verifier.cli.samples import read_asked
    from verifier.evidence.files import make_folder, write_bytes
    from verifier.question.errors import UserError
    from verifier.tasks.executed_flips import search_executed
    from verifier.tasks.flips import search_flips

    started = monotonic()
    if (radius is None) == (radius_squared is None):
        raise UserError("give either --radius or --radius-squared")
    if out is not None and not out.endswith((".json", ".npz")):
        raise UserError(f"--out: {out} is neither .json nor .npz")
    size, squared = (
        None if text is None else number(option, text)
        for option, text in (("--radius", radius), ("--radius-squared", radius_squared))
    )
    if semantics != "real" and (all_rivals or nearest):
        raise UserError("--all-rivals and --nearest go with --semantics real alone")
    asked = read_asked(net, parts, about, layout, semantics)
    if shape is not None:
        if shape[0] * shape[1] != asked.dataset.dimension:
            raise UserError(
                f"--image: {shape[0]}x{shape[1]} are {shape[0] * shape[1]} pixels, "
                f"{asked.dataset.name} has {asked.dataset.dimension} inputs"
            )
        asked = replace(asked, dataset=replace(asked.dataset, image_shape=shape))
    if picture is not None and asked.dataset.image_shape is None:
        raise UserError(
            f"--picture: {asked.dataset.name} are no images: idx files are, and arrays of "
            "shape (samples, rows, columns); or give --image ROWSxCOLUMNS"
        )
    question = Question(about.norm, asked.decoder, size, squared, asked.clip, semantics=semantics)
    hints = _hints(asked, question) if semantics == "real" else {}
    read = monotonic() - started
    found: list[SearchedSample] = []
    stopped = False
    try:
        with counted(len(asked.samples), quiet=quiet, what="searching") as show:
            if semantics == "real":
                search_flips(
                    asked.network,
                    asked.points,
                    question,
                    samples=asked.samples,
                    limit=limit,
                    all_rivals=all_rivals,
                    nearest=nearest,
                    options=options,
                    hints=hints,
                    progress=show,
                    keep=found.append,
                )
            else:
                search_executed(
                    asked.network,
                    asked.points,
                    question,
                    samples=asked.samples,
                    limit=limit,
                    options=options,
                    progress=show,
                    keep=found.append,
                )
    except KeyboardInterrupt:
        stopped = True  # what was found is written and shown all the same
    seconds = {"read": round(read, 3), "search": round(monotonic() - started - read, 3)}
    facts = _facts(asked, question, found, seconds)
    facts["semantics"] = semantics
    listed = [(entry, flip) for entry in found for flip in entry.flips]
    if out is not None:
        exact = json.dumps(facts, indent=1).encode() + b"\n"
        write_bytes(out, exact if out.endswith(".json") else _npz(asked, listed))
    if picture is not None:
        folder = make_folder(picture)
        for _, flip in listed:
            name = f"sample-{flip.sample}-goal-{flip.goal}.png"
            write_bytes(folder / name, _picture(asked, flip))
    print(json.dumps(facts) if as_json else _shown(facts, found), flush=True)
    if stopped:
        print(f"stopped after {len(found)} of {len(asked.samples)} samples", file=sys.stderr)
        raise KeyboardInterrupt
    if facts["flips"] or facts["misread"]:
        return 1
    return 3 if facts["undecided"] else 0


def _hints(asked: Asked, question: Question) -> dict[int, list[Hint]]:
    from constructions.collision_hints import collision_hints
    from verifier.question.rational import sqrt_upper

    radius = question.radius
    if radius is None:
        radius = sqrt_upper(question.radius_squared or Fraction(0))
    return collision_hints(asked.network, asked.dataset, asked.samples, question.norm, radius)


def _facts(
    asked: Asked, question: Question, found: list[SearchedSample], seconds: dict[str, float]
) -> dict[str, Any]:
    from verifier.cli.samples import found_json
    from verifier.question.rational import format_rational

    counts = {kind: sum(entry.verdict == kind for entry in found)
              for kind in ("robust", "misread", "flip", "undecided")}  # fmt: skip
    results = []
    for entry in found:
        result: dict[str, Any] = {
            "sample": entry.sample,
            "label": entry.label,
            "verdict": entry.verdict,
            "flips": [found_json(flip) for flip in entry.flips],
        }
        if entry.open_rivals:
            result |= {"open_rivals": list(entry.open_rivals), "reason": entry.reason}
        if entry.solver:
            result["solver"] = entry.solver
        if entry.proved_radius is not None:
            result["proved_radius"] = format_rational(entry.proved_radius)
            result["nearest"] = entry.exact
        results.append(result)
    return {
        "claim": f"{counts['flip'] + counts['misread']} of {len(found)} samples searched have a "
        f"flip in their {question}, {counts['misread']} at the sample itself; "
        f"{counts['robust']} are proved to have none",
        "samples": len(found),
        "robust": counts["robust"],
        "misread": counts["misread"],
        "clean": sum(entry.reads_right for entry in found),
        "certified": counts["robust"],
        "flips": counts["flip"],
        "undecided": counts["undecided"],
        "checked": counts["robust"] + counts["misread"] + counts["flip"],
        "proof_bytes": sum(entry.proof_bytes for entry in found),
        "seconds": seconds,
        "network": asked.network.digest,
        "data": asked.points.digest,
        "decoder": asked.decoder,
        "notes": list(asked.notes),
        "labels": list(asked.points.label_names),
        "results": results,
    }


def _npz(asked: Asked, listed: list[tuple[SearchedSample, FoundFlip]]) -> bytes:
    """Arrays of all flips, floats the nearest; no pickles."""
    from io import BytesIO

    import numpy as np

    from verifier.search.bounds.floats import float_vector, to_float

    flips = [flip for _, flip in listed]
    inputs, outputs = asked.network.inputs, asked.network.outputs.count
    stream = BytesIO()
    np.savez(
        stream,
        sample=np.array([flip.sample for flip in flips], dtype=np.int64),
        label=np.array([entry.label for entry, _ in listed], dtype=np.str_),
        rival=np.array([flip.rival for flip in flips], dtype=np.str_),
        method=np.array([flip.method for flip in flips], dtype=np.str_),
        center=np.array(
            [float_vector(list(asked.dataset.point(flip.sample))) for flip in flips]
        ).reshape(-1, inputs),
        point=np.array([float_vector(list(flip.point)) for flip in flips]).reshape(-1, inputs),
        outputs=np.array([float_vector(list(flip.outputs)) for flip in flips]).reshape(-1, outputs),
        distance=np.array([to_float(flip.distance) for flip in flips], dtype=np.float64),
    )
    return stream.getvalue()


def _picture(asked: Asked, flip: FoundFlip) -> bytes:
    """A PNG: the sample, the flip, and ten times their difference around grey."""
    import numpy as np

    from reports.document import Picture
    from reports.pixels import png
    from verifier.search.bounds.floats import float_vector

    rows, columns = asked.dataset.image_shape or (1, 1)
    center = float_vector(list(asked.dataset.point(flip.sample)))
    point = float_vector(list(flip.point))
    bounds = asked.dataset.pixel_range
    low, high = map(
        float, bounds or (min(center.min(), point.min()), max(center.max(), point.max()))
    )
    width = (high - low) or 1.0
    panels = [
        (center - low) / width,
        (point - low) / width,
        0.5 + _TENFOLD * (point - center) / (2 * width),
    ]
    images = [np.clip(panel, 0.0, 1.0).reshape(rows, columns) for panel in panels]
    gap = np.zeros((rows, 1))
    joined = np.hstack([images[0], gap, images[1], gap, images[2]])
    return png(Picture("sample, flip, tenfold difference", joined), max(1, 224 // rows))


def _shown(facts: dict[str, Any], found: list[SearchedSample]) -> str:
    from verifier.cli.options import columns, short, table
    from verifier.cli.samples import accuracy_rows, label_map
    from verifier.question.printable import size_text

    rows: list[list[object]] = [["sample", "label", "verdict", "rival", "distance", "found by"]]
    for entry in found:
        for flip in entry.flips:
            away = short(flip.distance)
            kind = "flip" if flip.distance else "misread"
            rows.append([entry.sample, entry.label, kind, flip.rival, away, flip.method])
        if not entry.flips:
            last = entry.reason if entry.verdict == "undecided" else ""
            rows.append([entry.sample, entry.label, entry.verdict, "", "", last])
    cut = f"\nand {len(rows) - 1 - _SHOWN} more rows (--json, --out)" if len(rows) > _SHOWN else ""
    summary = [
        ("claim", facts["claim"]),
        *(("labels", text) for text in (label_map(facts["decoder"], facts["labels"]),) if text),
        *accuracy_rows(facts),
        ("undecided", facts["undecided"]),
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked"),
        (
            "seconds",
            f"read {facts['seconds']['read']:.2f}, search {facts['seconds']['search']:.2f}",
        ),
    ]
    return f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{table(summary)}"
