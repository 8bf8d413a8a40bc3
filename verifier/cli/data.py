"""`robmem data`: what a data set is, exactly."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import BASIC_NORM, table_options
from verifier.question.region import Norm

if TYPE_CHECKING:
    from verifier.data.layout import Layout

_NORMS: dict[Norm, str] = {"inf": "L-inf", "1": "L1", "2": "L2"}


@click.command(
    name="data",
    epilog="Example: robmem data breast_cancer --norm inf",
    short_help="Show a data set: size, classes, exact separation, closest pair.",
)
@click.argument("spec", default="digits", metavar="[DATA]")
@table_options
@click.option(
    "--norm",
    "norms",
    type=BASIC_NORM,
    multiple=True,
    help="Show the separation in this norm only; may be repeated.  [default: all three]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(spec: str, norms: tuple[Norm, ...], layout: Layout, as_json: bool) -> int:
    """Show DATA: size, inputs, classes, pixel range, digest, and how far apart labels are.

    DATA is digits (the default), iris, wine or breast_cancer; a table of text
    (.csv, .tsv, .txt, .data, also .gz) with the label in the last column; a
    FILE.npz with arrays X and y, or FILE.npz:train with x_train and y_train;
    ROWS.npy, or POINTS.npy:LABELS.npy; a FOLDER[:train|:test] with the MNIST
    files; or an IMAGES:LABELS pair of idx files. The separation is the least
    distance between samples of different labels; in L2 its square is exact. A
    robust memorizer exists for budgets below half of it; of samples that none can memorize,
    for their labels are all one or contradict each other, that is said instead.
    """
    import numpy as np

    from constructions.separation import separation
    from verifier.cli.progress import staged
    from verifier.data.dataset import check_labelled
    from verifier.data.load import load
    from verifier.question.errors import UserError
    from verifier.question.printable import printable
    from verifier.question.rational import decimal_text

    with staged(f"reading {printable(spec)}") as say:
        dataset = load(spec, layout)
        note, closest_in = None, {}
        try:
            say("looking for samples with two labels")
            check_labelled(dataset)
        except UserError as error:  # a given network may be asked about such samples
            note = str(error)
        for norm in () if note is not None else norms or tuple(_NORMS):
            say(f"separation in L{norm}, of all pairs")
            closest_in[norm] = separation(dataset, norm)
    facts: dict[str, Any] = {
        "data": dataset.name,
        "samples": dataset.size,
        "inputs": dataset.dimension,
        "classes": dataset.classes,
        "labels": list(dataset.label_names),
        "label_counts": np.bincount(dataset.labels, minlength=dataset.classes).tolist(),
        "denominator": decimal_text(dataset.denominator),
        "pixel_range": None
        if dataset.pixel_range is None
        else [decimal_text(bound) for bound in dataset.pixel_range],
        "image_shape": dataset.image_shape,
        "digest": dataset.digest(),
        "separation": {},
    }
    if note is not None:
        facts["note"] = note
    for norm, closest in closest_in.items():
        facts["separation"][norm] = {
            "squared" if norm == "2" else "distance": decimal_text(closest.value),
            "approximately": closest.approximately
            if math.isfinite(closest.approximately)
            else None,  # JSON knows no infinity
            "pair": [closest.first, closest.second],
        }
    print(json.dumps(facts) if as_json else _table(facts))
    return 0


def _table(facts: dict[str, Any]) -> str:
    labels = [
        f"{name} ({count})"
        for name, count in zip(facts["labels"], facts["label_counts"], strict=True)
    ]
    shown = ", ".join(labels[:10]) + (f", and {len(labels) - 10} more" if len(labels) > 10 else "")
    lines = [
        ("data", facts["data"]),
        ("samples", facts["samples"]),
        ("inputs", facts["inputs"]),
        ("classes", f"{facts['classes']}: {shown}"),
        ("denominator", _short(facts["denominator"])),
        ("pixel range", " .. ".join(facts["pixel_range"] or ["none"])),
        ("digest", facts["digest"]),
    ]
    for norm, closest in facts["separation"].items():
        first, second = closest["pair"]
        value = _short(closest.get("distance") or f"sqrt {closest['squared']}")
        if "distance" not in closest or "/" in closest["distance"]:
            rough = closest["approximately"]
            value += " (beyond floats)" if rough is None else f" ({rough:.6g})"
        lines.append((f"{_NORMS[norm]} separation", f"{value}  (samples {first} and {second})"))
    if "note" in facts:
        lines.append(("no separation", facts["note"]))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def _short(number: str) -> str:
    """The number, or its ends if it is too long to be shown; `--json` has all of it."""
    return number if len(number) <= 72 else f"{number[:24]}...{number[-24:]} ({len(number)} signs)"
