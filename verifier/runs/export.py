"""The samples of a run as rows of a table: what is stored, exact numbers beside their floats."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from io import StringIO
from typing import Any

from verifier.evidence.certificate import Flip, parse_certificate
from verifier.question.errors import RefusedError
from verifier.question.rational import format_rational, parse_rational
from verifier.question.region import distance, power
from verifier.runs.folder import RunFolder
from verifier.runs.identity import question_from
from verifier.runs.store import RunRow, SampleRow

EXACT = ("radius", "distance", "lower", "upper", "lower_bound", "lowest_seen")
"""Columns of exact numbers, as texts; each is followed by one of the nearest float."""


def exported(folder: RunFolder, run: RunRow, samples: list[SampleRow]) -> list[dict[str, Any]]:
    """A row a sample. `recorded` is the state that the database holds, not a verdict.

    `label` is the sample's. `radius` is that of the balls asked about and `distance` that of the
    recorded flip from the sample, `lower` and `upper` the ends of a recorded interval: radii, for
    a norm p from 2 on their p-th powers, or least margins. Raises RefusedError for data or
    certificates that are missing or altered.
    """
    points, question = folder.points(), question_from(run.question)
    size = question.radius if question.radius_squared is None else question.radius_squared
    if question.radius is not None:
        size = question.radius ** power(question.norm)
    rows = []
    for one in samples:
        if not 0 <= one.sample < len(points.labels):
            raise RefusedError(
                "database damaged", f"sample {one.sample} is beyond the data: {len(points.labels)}"
            )
        row: dict[str, Any] = asdict(one)
        state = row.pop("state")
        away = row["upper"] if question.distance is not None else None
        row |= {"radius": _text(size), "distance": away}
        if one.state == "misread":
            row["distance"] = "0"
        elif one.state == "flip":
            text = folder.fetch(one.certificate or "")
            flip = parse_certificate(text, run.network)
            if isinstance(flip, Flip):
                point = flip.point[: points.dimension]  # without the errors of an execution
                row["distance"] = _text(distance(question.norm, points.point(one.sample), point))
        label = points.label_names[int(points.labels[one.sample])]
        rows.append({"sample": row.pop("sample"), "label": label, "recorded": state} | _floats(row))
    return rows


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table of comma-separated values with a header; nothing for no rows."""
    stream = StringIO()
    if rows:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return stream.getvalue()


def _floats(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a float after each exact number."""
    found: dict[str, Any] = {}
    for column, value in row.items():
        found[column] = value
        if column in EXACT:
            found[f"{column}_float"] = None if value is None else _float(value)
    return found


def _float(text: str) -> float | None:
    try:
        return float(parse_rational(text))
    except OverflowError:
        return None


def _text(value: Fraction | None) -> str | None:
    return None if value is None else format_rational(value)
