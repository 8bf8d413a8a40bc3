"""`robmem search`: exact label flips in the balls of a data set."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import image_option, table_options
from verifier.cli.samples import About, limit_options, sample_options
from verifier.cli.working import Stored, search_stored_options

if TYPE_CHECKING:
    from verifier.checker.checked import Checked
    from verifier.checker.manifest import Question
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.runs.run import Run
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
@click.option(
    "--out", metavar="PATH", help="Write flips to .json (exact) or .npz; or a folder: be a run."
)
@click.option("--picture", type=click.Path(file_okay=False), help="A folder for pictures.")
@image_option
@limit_options
@search_stored_options
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
    stored: Stored,
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

    With --out FOLDER or --store this is a run as of `robmem certify`, whose samples are
    attacked first: every answer is stored as soon as it is found, the same command continues,
    --jobs and --cluster share the work, `robmem check FOLDER` replays it, and `robmem report`
    shows it. With --nearest it is a run as of `robmem radius --max RADIUS`.

    Exit code 1 if a flip was found, 3 if a sample is undecided, else 0.
    """
    from verifier.checker.manifest import Question
    from verifier.cli.options import number
    from verifier.cli.samples import read_asked
    from verifier.question.errors import UserError

    started = monotonic()
    if (radius is None) == (radius_squared is None):
        raise UserError("give either --radius or --radius-squared")
    stored, out = _where(stored, out)
    is_run = stored.require_run()
    _require_together(is_run, semantics, limit, all_rivals, nearest, radius)
    size, squared = (
        None if text is None else number(option, text)
        for option, text in (("--radius", radius), ("--radius-squared", radius_squared))
    )
    if is_run and nearest:
        return _nearest_as_run(net, about, layout, parts, options, stored, size, picture, quiet,
                               as_json)  # fmt: skip
    asked = _with_pictures(read_asked(net, parts, about, layout, semantics), shape, picture)
    question = Question(about.norm, asked.decoder, size, squared, asked.clip, semantics=semantics)
    if is_run:
        return _as_run(net, about, asked, question, options, stored, picture, quiet, as_json)
    hints = _hints(asked, question) if semantics == "real" else {}
    read = monotonic() - started
    found: list[SearchedSample] = []
    stopped = False
    try:
        _search(asked, question, options, hints, found, limit, all_rivals, nearest, quiet)
    except KeyboardInterrupt:
        stopped = True  # what was found is written and shown all the same
    seconds = {"read": round(read, 3), "search": round(monotonic() - started - read, 3)}
    facts = _facts(asked, question, found, seconds)
    if out is not None:
        from verifier.evidence.files import write_bytes

        exact = json.dumps(facts, indent=1).encode() + b"\n"
        listed = [(entry, flip) for entry in found for flip in entry.flips]
        write_bytes(out, exact if out.endswith(".json") else _npz(asked, listed))
    _save_pictures(asked, found, picture)
    print(json.dumps(facts) if as_json else _shown(facts, found), flush=True)
    if stopped:
        kept = "" if out else "; give --out FOLDER to keep what is found and go on"
        print(f"stopped after {len(found)} of {len(asked.samples)} samples{kept}",
              file=sys.stderr)  # fmt: skip
        raise KeyboardInterrupt
    return _exit_code(facts)


def _exit_code(facts: dict[str, Any]) -> int:
    if facts["flips"] or facts["misread"]:
        return 1
    return 3 if facts["undecided"] or facts.get("recorded") else 0


def _where(stored: Stored, out: str | None) -> tuple[Stored, str | None]:
    """A file for the flips, or a folder for a run; raises UserError for what is neither."""
    from verifier.question.errors import UserError

    if out is None or out.endswith((".json", ".npz")):
        return stored, out
    ending = Path(out).suffix
    if ending and not Path(out).is_dir():
        raise UserError(
            f"--out: {out} is neither .json nor .npz, nor the name of a folder, without {ending}"
        )
    return replace(stored, out=out), None


def _require_together(
    is_run: bool,
    semantics: str,
    limit: int | None,
    all_rivals: bool,
    nearest: bool,
    radius: str | None,
) -> None:
    """Returns if these options go together; raises UserError, naming the two that do not."""
    from verifier.question.errors import UserError

    if semantics != "real" and (all_rivals or nearest):
        raise UserError("--all-rivals and --nearest go with --semantics real alone")
    if not is_run:
        return
    if limit is not None:
        raise UserError("--limit is for a search without a run; --budget-seconds ends a run early")
    if all_rivals:
        raise UserError(
            "--all-rivals is for a search without a run, which holds one answer a sample; write "
            "the flips to a .json file"
        )
    if nearest and radius is None:
        raise UserError("--nearest of a run needs --radius: its square root may be irrational")


def _with_pictures(asked: Asked, shape: tuple[int, int] | None, picture: str | None) -> Asked:
    """The data as images of this shape, where pictures are asked for; UserError if not."""
    from verifier.question.errors import UserError

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
    return asked


def _search(
    asked: Asked,
    question: Question,
    options: Options,
    hints: dict[int, list[Hint]],
    found: list[SearchedSample],
    limit: int | None,
    all_rivals: bool,
    nearest: bool,
    quiet: bool,
) -> None:
    """Searches, and appends each result to `found` as soon as it is there."""
    from verifier.cli.progress import counted
    from verifier.tasks.executed_flips import search_executed
    from verifier.tasks.flips import search_flips

    with counted(len(asked.samples), quiet=quiet, what="searching") as show:
        if question.semantics == "real":
            search_flips(
                asked.network, asked.points, question, samples=asked.samples, limit=limit,
                all_rivals=all_rivals, nearest=nearest, options=options, hints=hints,
                progress=show, keep=found.append,
            )  # fmt: skip
        else:
            search_executed(
                asked.network, asked.points, question, samples=asked.samples, limit=limit,
                options=options, progress=show, keep=found.append,
            )  # fmt: skip


def _as_run(
    net: str,
    about: About,
    asked: Asked,
    question: Question,
    options: Options,
    stored: Stored,
    picture: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """The same as a run in a folder."""
    from verifier.cli.working import begun, run_facts, work_on

    started = monotonic()
    hints = _hints(asked, question) if question.semantics == "real" else {}
    run = begun(net, asked, about, question, replace(options, thorough=True), stored, "search",
                hints)  # fmt: skip
    shown: dict[int, Checked] = {}

    def table(recorded: int) -> dict[str, Any]:
        found = _entries(run, shown)
        seconds = {"read": 0.0, "search": round(monotonic() - started, 3)}
        facts = _facts(asked, question, found, seconds, run.samples)
        # of an undecided sample there is an entry that is counted already
        answered = len(found) - facts["undecided"]
        facts = run_facts(facts | {"undecided": 0}, run, answered, recorded)
        _save_pictures(asked, found, picture)
        print(json.dumps(facts) if as_json else _shown(facts, found), flush=True)
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
    return _exit_code(table(summary.recorded))


def _nearest_as_run(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
    stored: Stored,
    radius: Fraction | None,
    picture: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """A run of distances up to the radius; 1 if a sample has a flip."""
    from verifier.cli.radius import measure_as_run
    from verifier.question.errors import UserError

    if picture is not None:
        raise UserError("--picture is not drawn of a run with --nearest; leave --nearest or --out")
    facts = measure_as_run(net, about, layout, parts, options, stored, None, radius, quiet, as_json)
    return _exit_code(facts)


def _entries(run: Run, shown: dict[int, Checked]) -> list[SearchedSample]:
    """What was checked of the run, and what is undecided, by sample."""
    from verifier.runs.searched import searched_samples
    from verifier.runs.store import Store

    with Store(run.place.database, read_only=True) as store:
        rows = store.samples(run.place.row(store).id)
    return searched_samples(run.folder, run.network, run.points, run.job.question, rows, shown)


def _save_pictures(asked: Asked, found: list[SearchedSample], picture: str | None) -> None:
    from verifier.evidence.files import make_folder, write_bytes

    if picture is None:
        return
    folder = make_folder(picture)
    for entry in found:
        for flip in entry.flips:
            name = f"sample-{flip.sample}-goal-{flip.goal}.png"
            write_bytes(folder / name, _picture(asked, flip))


def _hints(asked: Asked, question: Question) -> dict[int, list[Hint]]:
    from constructions.collision_hints import collision_hints
    from verifier.question.rational import sqrt_upper

    radius = question.radius
    if radius is None:
        radius = sqrt_upper(question.radius_squared or Fraction(0))
    return collision_hints(asked.network, asked.dataset, asked.samples, question.norm, radius)


def _facts(
    asked: Asked,
    question: Question,
    found: list[SearchedSample],
    seconds: dict[str, float],
    due: int | None = None,
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
        "claim": f"{counts['flip'] + counts['misread']} of {due or len(found)} samples searched "
        f"have a flip in their {question}, {counts['misread']} at the sample itself; "
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
        "semantics": question.semantics,
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
    from verifier.cli.working import run_rows
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
        *run_rows(facts),
        *(accuracy_rows(facts) if found else ()),
        ("undecided", facts["undecided"]),
        ("evidence", f"{size_text(facts['proof_bytes'])}, checked"),
        (
            "seconds",
            f"read {facts['seconds']['read']:.2f}, search {facts['seconds']['search']:.2f}",
        ),
    ]
    return f"{columns(rows[: _SHOWN + 1])}{cut}\n\n{table(summary)}"
