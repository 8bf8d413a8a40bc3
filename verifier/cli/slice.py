"""`robmem slice`: a network on a plane through a sample, as exact pieces and as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import table_options
from verifier.cli.samples import About, limit_options, sample_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from reports.sample_slices import Shown
    from verifier.cli.samples import Asked
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.search.options import Options

_MOST = 20  # samples of one call


@click.command(
    name="slice",
    epilog="Example: robmem slice net.onnx --data digits --samples 7 --radius 1/2 -o slice",
    short_help="A network on a plane through a sample, exactly.",
)
@click.argument("net", metavar="NET")
@sample_options
@network_options
@table_options
@click.option("--radius", metavar="R", help="Ask about this ball, and draw it.")
@click.option("--through", metavar="I,J", help="Through these two other samples.")
@click.option("--axes", metavar="I,J", help="Along these two inputs, by number or name.")
@click.option("--radii", type=click.Path(), metavar="FOLDER", help="Of robmem radius --proofs.")
@limit_options
@click.option("-o", "--out", "folder", required=True, type=click.Path(), metavar="FOLDER")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    net: str,
    about: About,
    layout: Layout,
    parts: Parts,
    options: Options,
    radius: str | None,
    through: str | None,
    axes: str | None,
    radii: str | None,
    folder: str,
    as_json: bool,
) -> int:
    """Cut a plane through each sample into the linear pieces of the network, exactly.

    The plane goes through the sample, a flip and the nearest sample of another label;
    without a flip through two such samples. A flip is that of --radii, replayed first,
    or, with --radius, one that is found in the ball. --through and --axes choose another
    plane. The folder gets a page on which one may point at a piece, figures, and tables
    of all pieces with their vertices and outputs. Where there are too many pieces, the
    labels of a grid of points are evaluated exactly.
    """
    from reports.write import write_report
    from verifier.cli.samples import positive, read_asked
    from verifier.question.errors import UserError
    from verifier.question.printable import printable

    if through is not None and axes is not None:
        raise UserError("--through and --axes are two planes; give one")
    asked = read_asked(net, parts, about, layout)
    if about.samples is None or len(asked.samples) > _MOST:
        raise UserError(f"--samples: name the samples, at most {_MOST}, such as --samples 7")
    others = () if through is None else _pair("--through", through, asked.dataset.size)
    inputs = None
    if axes is not None:
        names = asked.dataset.feature_names or ()
        inputs = _pair("--axes", axes, asked.dataset.dimension, names)
    size = positive("--radius", radius)
    shown, notes = _drawn(asked, about, options, size, others, inputs, radii)
    document = _document(net, asked, about, size, shown, notes)
    files = write_report(document, Path(folder))
    if as_json:
        print(json.dumps(_facts(asked, shown, notes, folder)))
        return 0
    for one in shown:
        print(printable(f"{one.caption}: {one.found.text}"))
        if one.sample in notes:
            print(printable(notes[one.sample]))
    print(f"{len(files)} files in {folder}, begin with {Path(folder) / 'index.html'}")
    return 0


def _pair(option: str, text: str, size: int, names: Sequence[str] = ()) -> tuple[int, int]:
    """Two numbers below `size`, which may be given by their `names`."""
    from verifier.question.errors import UserError

    words = [word.strip() for word in text.split(",")]
    numbers = [str(names.index(word)) if word in names else word for word in words]
    good = [n for n in numbers if n.isascii() and n.isdigit() and len(n) < 10 and int(n) < size]
    if len(words) != 2 or good != numbers:
        or_names = " or names" if names else ""
        raise UserError(
            f"{option}: {text[:60]!r} is not two numbers of 0 to {size - 1}{or_names}, such as 3,8"
        )
    return int(numbers[0]), int(numbers[1])


def _drawn(
    asked: Asked,
    about: About,
    options: Options,
    radius: Fraction | None,
    others: tuple[int, ...],
    axes: tuple[int, int] | None,
    radii: str | None,
) -> tuple[list[Shown], dict[int, str]]:
    """The slices, and by sample what is shown of its ball in a sentence."""
    from fractions import Fraction

    from reports.radii import read_radii
    from reports.sample_slices import Asked as Sliced
    from reports.sample_slices import sample_slice
    from verifier.checker.manifest import Question, sample_query
    from verifier.evidence.certificate import Flip, Robust
    from verifier.question.rational import format_rational
    from verifier.tasks.verify import verify

    known = {}
    question = Question(about.norm, asked.decoder, radius or Fraction(0), None, asked.clip)
    if radii is not None:
        known = read_radii(Path(radii), asked.network, asked.points, question).known
    sliced = Sliced(
        asked.network, asked.dataset, asked.decoder, about.norm, question.radius or Fraction(0),
        asked.clip,
    )  # fmt: skip
    shown, notes = [], {}
    for sample in asked.samples:
        flip, ends = None, None
        if sample in known:
            one = known[sample]
            flip = None if one.flip is None else one.flip.point
            ends = float(one.lower), None if one.upper is None else float(one.upper), one.exact
        if radius is not None:
            found = verify(sample_query(asked.network, asked.points, question, sample), options)
            size = format_rational(radius)
            if isinstance(found.verdict, Flip):
                flip = flip or found.verdict.point
                notes[sample] = f"Sample {sample}: the ball of radius {size} has a flip, checked"
            elif isinstance(found.verdict, Robust):
                notes[sample] = (
                    f"Sample {sample}: the ball of radius {size} keeps its label, proved"
                )
                ends = ends or (float(radius), None, False)
            else:
                notes[sample] = f"Sample {sample}: the ball of radius {size} is undecided"
        shown.append(
            sample_slice(
                sliced,
                sample,
                f"slice-{sample}",
                flip=flip,
                others=others,
                axes=axes,
                known=ends,
                with_outputs=True,
            )
        )
    return shown, notes


def _document(
    net: str,
    asked: Asked,
    about: About,
    radius: Fraction | None,
    shown: list[Shown],
    notes: dict[int, str],
) -> Any:
    from reports.document import Document, Section, Table, Text
    from reports.evidence import program
    from reports.numbers import Hash, with_decimal

    sections = [
        Section(
            f"sample-{one.sample}", f"Sample {one.sample}",
            (*(Text(f"{note}.") for note in (notes.get(one.sample),) if note), *one.blocks),
        )
        for one in shown
    ]  # fmt: skip
    rows = (
        ("network", Hash(asked.network.digest)), ("data", Hash(asked.points.digest)),
        ("decoder", asked.decoder), ("norm", about.norm),
        ("radius", None if radius is None else with_decimal(radius)), ("program", program()),
    )  # fmt: skip
    table = Table("identity", "What was cut.", ("what", "value"), rows)
    sections.append(Section("identity", "Network and data", (table,)))
    pieces = sum(one.found.regions.linear for one in shown if one.found.cells is None)
    return Document(
        f"Slices of {Path(net).name}",
        f"{asked.dataset.name}: {len(shown)} of {asked.dataset.size:,} samples",
        f"{pieces:,} linear pieces on {len(shown)} planes, found exactly.",
        "plain", (), tuple(sections), {"network": asked.network.digest},
    )  # fmt: skip


def _facts(asked: Asked, shown: list[Shown], notes: dict[int, str], folder: str) -> dict[str, Any]:
    names = asked.dataset.label_names
    return {
        "claim": "the label of every point of these planes is that of its piece",
        "samples": len(shown),
        "network": asked.network.digest,
        "data": asked.points.digest,
        "folder": folder,
        "results": [
            {
                "sample": one.sample,
                "pieces": None if one.found.cells else one.found.regions.linear,
                "cells": one.found.cells,
                "labels": {
                    names[label] if label < len(names) else f"output {label}": round(share, 6)
                    for label, share in one.found.shares.items()
                },
                "ball": notes.get(one.sample),
            }
            for one in shown
        ],
    }
