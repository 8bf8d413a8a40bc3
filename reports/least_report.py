"""The report of least networks: one folder of `robmem least`, or one of all labelings of points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from constructions.least.answer import Least, claim_text, counted, read_least, width_text
from constructions.least.bounds import compared, own_bound
from constructions.least.folder import is_least
from constructions.least.labelings import TABLE, read_table
from constructions.least.questions import Impossible
from reports.document import Block, Code, Document, Items, Section, Table, Text, Tiles
from reports.numbers import Cell, Hash
from verifier.checker.checked import CheckerName
from verifier.question.errors import UserError
from verifier.question.rational import format_rational
from verifier.runs.folder import SEAL

_QUESTIONS = (
    "The questions behind the claims are made from the data by constructions/least/questions.py, "
    "the folder holds none; every proof was replayed for this report."
)
_NETWORKS = (
    "A width is impossible for all networks of depth 2 with real weights; it is possible by a "
    "network, or one for each budget, whose weights are in the folder."
)
_TRUSTED = (_QUESTIONS, _NETWORKS)


def is_labelings(path: Path) -> bool:
    """Whether the folder holds one of least networks for each labeling."""
    return (path / TABLE).is_file()


def least_report(
    path: Path,
    by: CheckerName = "checker",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Document:
    """Every claim is replayed for this report.

    Raises UserError for another folder, RefusedError, naming the flaw, where a claim does not hold.
    """
    if is_labelings(path):
        return _of_labelings(path, by, progress)
    if not is_least(path):
        raise UserError(f"{path}: no folder of robmem least: neither least.json nor {TABLE}")
    found = read_least(path, by, progress)
    exact = found.exact
    answer = Table(
        "least",
        f"The least width of a network of depth {found.asked.depth}"
        + (", and its parameters, zeros among them." if found.asked.depth == 2 else "."),
        ("budget", "least width", "least parameters")[: 3 if found.asked.depth == 2 else 2],
        tuple(_step_rows(found)),
    )
    tiles = Tiles((
        ("samples", found.points.size, "plain"),
        ("inputs", found.points.dimension, "plain"),
        ("largest least width", _largest(found), "good" if exact else "warn"),
        ("proofs", sum(len(one.checked) for one in found.claims), "plain"),
    ))  # fmt: skip
    return Document(
        path.name,
        f"L{found.asked.norm} balls, networks of depth {found.asked.depth}",
        found.claim + ".",
        "good" if exact else "warn",
        (),
        (
            Section(
                "overview", "The answer", (Text(found.claim + ".", _tone(found)), tiles, answer)
            ),
            Section("bounds", "Beside the bounds of the papers", _bounds(found)),
            Section("data", "The data", (_data(found),)),
            Section("claims", "What it rests on", (_claims(found), Items(_TRUSTED))),
            Section("reproduce", "Check it again", _again(path, found)),
        ),
        _values(found),
    )


def _of_labelings(path: Path, by: CheckerName, progress: Callable[[int, int], None]) -> Document:
    listed, classes = read_table(path)
    found = []
    for number, labeling in enumerate(listed):
        found.append((labeling, read_least(path / labeling.text, by)))
        progress(number + 1, len(listed))
    exact = len(listed) == classes and all(answer.exact for _, answer in found)
    rows: list[tuple[Cell, ...]] = []
    for labeling, answer in found:
        for part in answer.segments:
            rows.append((
                labeling.text,
                labeling.alike,
                part.text(answer.unit),
                width_text(part),
                Hash(_seal(path / labeling.text)),
            ))  # fmt: skip
    covered = sum(labeling.alike for labeling in listed)
    summary = f"{path.name}: the least width for {covered} labelings of {len(listed)} kinds" + (
        "." if len(listed) == classes else f", of {classes} kinds in all."
    )
    table = Table(
        "labelings",
        "Of each kind the first labeling, how many are alike, and the least width of depth 2.",
        ("labels", "alike", "budget", "least width", "seal"),
        tuple(rows),
    )
    blocks: list[Block] = [Text(summary, "good" if exact else "warn"), table]
    points = [_data(found[0][1])] if found else []
    commands = "\n".join(f"robmem check {path.name}/{one.text}" for one in listed)
    values = [{"labels": one.text, "alike": one.alike} | _values(answer) for one, answer in found]
    return Document(
        path.name,
        f"all labelings, L{found[0][1].asked.norm} balls" if found else "all labelings",
        summary,
        "good" if exact else "warn",
        (),
        (
            Section("overview", "The answer", tuple(blocks)),
            Section("data", "The points, with the labels of the first kind", tuple(points)),
            Section("trust", "What it rests on", (Items(_TRUSTED),)),
            Section("reproduce", "Check it again", (Code(commands),)),
        ),
        {"labelings": values},
    )


def _bounds(found: Least) -> tuple[Block, ...]:
    """Of depth 2, whose width is that of the first layer, which the papers' bounds are about."""
    if found.asked.depth != 2:
        return (
            Text("The bounds are about the first layer: about the width of networks of depth 2."),
        )
    rows: list[tuple[Cell, ...]] = [
        (piece.where.text(found.unit), piece.width, width_text(piece.where), piece.state)
        for piece in compared(found)
    ]
    size = f"{found.points.size} samples and {found.points.dimension} inputs"
    return (
        Table(
            "bounds",
            f"What some data of {size} need by the papers (Kim, Moon, Yun, Propositions 3.2, C.6 "
            "and C.7), and the least width of these data.",
            ("budget", "bound", "least width", "the bound is"),
            tuple(rows),
        ),
        Text(f"By projections these data need {own_bound(found)} near the end."),
    )


def _step_rows(found: Least) -> list[tuple[Cell, ...]]:
    n = found.points.dimension
    return [
        (part.text(found.unit), width_text(part), width_text(part, "parameters", n))[
            : 3 if found.asked.depth == 2 else 2
        ]
        for part in found.segments
    ]


def _largest(found: Least) -> str:
    return max((width_text(part) for part in found.segments), key=lambda text: (len(text), text))


def _tone(found: Least) -> Any:
    return "good" if found.exact else "warn"


def _data(found: Least) -> Table:
    points = found.points
    rows: list[tuple[Cell, ...]] = [
        (k, points.label_names[points.labels[k]], ", ".join(map(format_rational, points.point(k))))
        for k in range(points.size)
    ]
    return Table("data", "The samples, exactly.", ("sample", "label", "point"), tuple(rows))


def _claims(found: Least) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in found.claims:
        kind = "impossible" if isinstance(one.claim, Impossible) else "possible"
        size = sum(map(len, one.certificates))
        rows.append((kind, claim_text(one, found.asked.norm), len(one.checked), size))
    columns = ("claim", "in words", "proofs", "bytes")
    return Table("claims", "The claims, each shown by proofs.", columns, tuple(rows))


def _again(path: Path, found: Least) -> tuple[Block, ...]:
    names: tuple[tuple[Cell, ...], ...] = (
        ("data", Hash(found.points.digest)),
        ("seal", Hash(_seal(path))),
    )
    return (
        Code(f"robmem check {path.name} --kernel"),
        Table("digests", "What the claims are about.", ("what", "SHA-256"), names),
    )


def _seal(path: Path) -> str:
    import hashlib

    return hashlib.sha256((path / SEAL).read_bytes()).hexdigest()


def _values(found: Least) -> dict[str, Any]:
    n = found.points.dimension
    return {
        "claim": found.claim,
        "norm": found.asked.norm,
        "data": found.points.digest,
        "exact": found.exact,
        "half_separation": format_rational(found.top),
        "least_width": [
            {
                "budget": part.text(found.unit),
                "at_least": part.at_least,
                "at_most": part.at_most,
                "parameters_at_least": counted(part.at_least, "parameters", n),
            }
            for part in found.segments
        ],
        "claims": [claim_text(one, found.asked.norm) for one in found.claims],
    }
