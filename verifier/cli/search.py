"""`robmem search`: exact label flips in the balls of a data set."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import gathered, image_option
from verifier.cli.sampled import (
    Listing,
    about_facts,
    as_run,
    evidence_row,
    is_run,
    listed,
    run_rows,
    sampled,
)
from verifier.cli.working import search_stored_options
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.checker.manifest import Question
    from verifier.cli.sampled import Given
    from verifier.cli.samples import Asked
    from verifier.tasks.around import FoundFlip
    from verifier.tasks.flips import Hint, SearchedSample

_TENFOLD = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in every ball, and where pictures of it go."""

    radius: str | None
    radius_squared: str | None
    limit: int | None
    all_rivals: bool
    nearest: bool
    semantics: Any
    picture: str | None
    shape: tuple[int, int] | None

    def require_together(self, is_run: bool) -> None:
        """Returns if these go together; raises UserError, naming the two that do not."""
        if (self.radius is None) == (self.radius_squared is None):
            raise UserError("give either --radius or --radius-squared")
        if self.semantics != "real" and (self.all_rivals or self.nearest):
            raise UserError("--all-rivals and --nearest go with --semantics real alone")
        if not is_run:
            return
        if self.limit is not None:
            raise UserError(
                "--limit is for a search without a run; --budget-seconds ends a run early"
            )
        if self.all_rivals:
            raise UserError(
                "--all-rivals is for a search without a run, which holds one answer a sample; "
                "write the flips to a .json file"
            )
        if self.nearest and self.radius is None:
            raise UserError("--nearest of a run needs --radius: its square root may be irrational")
        if self.nearest and self.picture is not None:
            raise UserError(
                "--picture is not drawn of a run with --nearest; leave --nearest or --out"
            )

    @property
    def sizes(self) -> tuple[Fraction | None, Fraction | None]:
        """The radius and its square, one of them None."""
        from verifier.cli.options import number

        radius, squared = self.radius, self.radius_squared
        return (
            None if radius is None else number("--radius", radius),
            None if squared is None else number("--radius-squared", squared),
        )


_wanted_options = gathered(
    "wanted",
    Wanted,
    {
        "radius": click.option("--radius", metavar="R", help="Of the closed balls."),
        "radius_squared": click.option(
            "--radius-squared", metavar="Q", help="The same for norm 2, squared."
        ),
        "limit": click.option(
            "--limit", type=click.IntRange(min=1), help="Stop after so many flipped samples."
        ),
        "all_rivals": click.option(
            "--all-rivals", is_flag=True, help="A flip to each rival that has one."
        ),
        "nearest": click.option(
            "--nearest", is_flag=True, help="The nearest flip, and a proof that it is."
        ),
        "semantics": click.option(
            "--semantics",
            type=click.Choice(["real", "float32", "float64"]),
            default="real",
            show_default=True,
            help="Of the arithmetic: exact, or rounded after every operation, in any order.",
        ),
        "picture": click.option(
            "--picture", type=click.Path(file_okay=False), help="A folder for pictures."
        ),
        "shape": image_option,
    },
)


@click.command(
    name="search",
    epilog="Example: robmem search net.onnx --data digits --radius 1/2 --samples 0:50 "
    "--out flips.json",
    short_help="Search the balls of a data set for exact label flips.",
)
@_wanted_options
@click.option(
    "--out", metavar="PATH", help="Write flips to .json (exact) or .npz; or a folder: be a run."
)
@sampled(search_stored_options)
def command(given: Given, wanted: Wanted, out: str | None) -> int:
    """Search every sample's ball for a point where the network loses the sample's label.

    The strongest attack comes first: collisions of the first layer, vertices, gradients
    with restarts; then exact search, which ends with a proof where there is no flip.
    Every flip is a point in rationals, evaluated exactly; a tie counts. Of a norm
    p from 2 on, the p-th powers of distances are shown.

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
    given, out = _where(given, out)
    stored = is_run(given.stored)
    wanted.require_together(stored)
    if stored and wanted.nearest:
        from verifier.cli.radius import measure_as_run
        from verifier.question.distance import DistanceTerms

        return _exit_code(measure_as_run(given, DistanceTerms(None, wanted.sizes[0])))
    started, (radius, squared) = monotonic(), wanted.sizes
    asked = _with_pictures(given.read(wanted.semantics), wanted.shape, wanted.picture)
    question = asked.question(radius, radius_squared=squared, semantics=wanted.semantics)
    hints = _hints(asked, question) if wanted.semantics == "real" else {}
    if stored:
        return _exit_code(_as_run(given, wanted, asked, question, hints))
    return _exit_code(_searched(given, wanted, asked, question, hints, out, started))


def _exit_code(facts: dict[str, Any]) -> int:
    if facts["flips"] or facts["misread"]:
        return 1
    return 3 if facts["undecided"] or facts.get("recorded") else 0


def _where(given: Given, out: str | None) -> tuple[Given, str | None]:
    """A file for the flips, or a folder for a run; raises UserError for what is neither."""
    if out is None or out.endswith((".json", ".npz")) or given.stored is None:
        return given, out
    ending = Path(out).suffix
    if ending and not Path(out).is_dir():
        raise UserError(
            f"--out: {out} is neither .json nor .npz, nor the name of a folder, without {ending}"
        )
    return replace(given, stored=replace(given.stored, out=out)), None


def _with_pictures(asked: Asked, shape: tuple[int, int] | None, picture: str | None) -> Asked:
    """The data as images of this shape, where pictures are asked for; UserError if not."""
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


def _searched(
    given: Given,
    wanted: Wanted,
    asked: Asked,
    question: Question,
    hints: dict[int, list[Hint]],
    out: str | None,
    started: float,
) -> dict[str, Any]:
    """Searches, and writes and prints what is found, also where somebody stops it."""
    read = monotonic()
    found: list[SearchedSample] = []

    def told() -> dict[str, Any]:
        seconds = {"read": round(read - started, 3), "search": round(monotonic() - read, 3)}
        facts = _facts(asked, question, found, seconds)
        if out is not None:
            _write(out, asked, facts, found)
        _save_pictures(asked, found, wanted.picture)
        given.print(facts, _shown(facts, found))
        return facts

    kept = "" if out else "; give --out FOLDER to keep what is found and go on"
    with given.looking("searching", found, len(asked.samples), told, kept) as show:
        _search(given, wanted, asked, question, hints, found, show)
    return told()


def _search(
    given: Given,
    wanted: Wanted,
    asked: Asked,
    question: Question,
    hints: dict[int, list[Hint]],
    found: list[SearchedSample],
    show: Callable[[int], None],
) -> None:
    """Searches, and appends each result to `found` as soon as it is there."""
    from verifier.tasks.executed_flips import search_executed
    from verifier.tasks.flips import search_flips

    if question.semantics == "real":
        search_flips(
            asked.network, asked.points, question, samples=asked.samples, limit=wanted.limit,
            all_rivals=wanted.all_rivals, nearest=wanted.nearest, options=given.options,
            hints=hints, progress=show, keep=found.append,
        )  # fmt: skip
    else:
        search_executed(
            asked.network, asked.points, question, samples=asked.samples, limit=wanted.limit,
            options=given.options, progress=show, keep=found.append,
        )  # fmt: skip


def _as_run(
    given: Given, wanted: Wanted, asked: Asked, question: Question, hints: dict[int, list[Hint]]
) -> dict[str, Any]:
    """The same as a run in a folder."""
    from verifier.runs.searched import searched_samples

    def facts(
        asked: Asked, found: list[SearchedSample], seconds: float, due: int
    ) -> dict[str, Any]:
        return _facts(asked, question, found, {"read": 0.0, "search": round(seconds, 3)}, due)

    listing = Listing(
        "search", searched_samples, facts, _shown,
        lambda found: _save_pictures(asked, found, wanted.picture),
    )  # fmt: skip
    options = replace(given.options, thorough=True)
    return as_run(given, asked, question, listing, options, hints)


def _write(out: str, asked: Asked, facts: dict[str, Any], found: list[SearchedSample]) -> None:
    """The flips as a file: all facts as .json, arrays as .npz."""
    from verifier.evidence.files import write_bytes

    exact = json.dumps(facts, indent=1).encode() + b"\n"
    pairs = [(entry, flip) for entry in found for flip in entry.flips]
    write_bytes(out, exact if out.endswith(".json") else _npz(asked, pairs))


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
        "certified": sum(one.verdict == "robust" and one.reads_right for one in found),
        "flips": counts["flip"],
        "undecided": counts["undecided"],
        "checked": counts["robust"] + counts["misread"] + counts["flip"],
        "proof_bytes": sum(entry.proof_bytes for entry in found),
        "seconds": seconds,
        "semantics": question.semantics,
        **about_facts(asked),
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
    from verifier.cli.options import short
    from verifier.cli.samples import accuracy_rows, label_map

    rows: list[list[object]] = [["sample", "label", "verdict", "rival", "distance", "found by"]]
    for entry in found:
        for flip in entry.flips:
            away = short(flip.distance)
            kind = "flip" if flip.distance else "misread"
            rows.append([entry.sample, entry.label, kind, flip.rival, away, flip.method])
        if not entry.flips:
            last = entry.reason if entry.verdict == "undecided" else ""
            rows.append([entry.sample, entry.label, entry.verdict, "", "", last])
    seconds = facts["seconds"]
    summary = [
        ("claim", facts["claim"]),
        *(("labels", text) for text in (label_map(facts["decoder"], facts["labels"]),) if text),
        *run_rows(facts),
        *(accuracy_rows(facts) if found else ()),
        ("undecided", facts["undecided"]),
        evidence_row(facts),
        ("seconds", f"read {seconds['read']:.2f}, search {seconds['search']:.2f}"),
    ]
    return listed(rows, summary, "--json, --out")
