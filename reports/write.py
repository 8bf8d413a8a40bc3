"""A document as a folder of files: a page, Markdown, LaTeX, CSV, JSON, figures, pictures.

    index.html  report.md  report.tex  report.json  references.bib (where papers are named)
    tables/<key>.csv and .tex   figures/<key>.svg and .pdf   pictures/<key>.png

The same document gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from reports.document import Cards, Document, Items, Table, Text, Tiles
from reports.html import html
from reports.latex import bibliography, latex
from reports.markdown import markdown
from reports.numbers import Cell, Formula, Hash, Root, Share, approximately, exact_text
from reports.pixels import png
from reports.plots import pdf_bytes, svg_text
from reports.tabular import tabular
from verifier.evidence.files import write_within
from verifier.question.errors import UserError

_OURS = re.compile(
    r"(index\.html|report\.(md|tex|json)|references\.bib"
    r"|report\.(pdf|aux|bbl|blg|log|out)"  # what LaTeX makes of it
    r"|(tables|figures|pictures)/[\w.-]+\.(csv|tex|svg|pdf|png))\Z"
)
_PICTURE = 6  # screen pixels for a pixel of a sample


def files_of(document: Document) -> dict[str, bytes]:
    """The files of the report by their names."""
    files: dict[str, str | bytes] = {
        "index.html": html(document),
        "report.md": markdown(document),
        "report.tex": latex(document),
        "report.json": json.dumps(as_json(document), indent=1, ensure_ascii=True) + "\n",
    }
    if papers := bibliography(document):
        files["references.bib"] = papers
    for table in (*document.tables(), facts(document)):
        files[f"tables/{table.key}.csv"] = csv_text(table)
        if not table.hidden:
            files[f"tables/{table.key}.tex"] = tabular(table)
    for name, picture in document.pictures():
        files[f"pictures/{name}.png"] = png(picture, max(1, _PICTURE * 8 // len(picture.pixels)))
    for figure in document.figures():
        files[f"figures/{figure.key}.svg"] = svg_text(figure.plot)
        files[f"figures/{figure.key}.pdf"] = pdf_bytes(figure.plot)
    return {
        name: content.encode("utf-8") if isinstance(content, str) else content
        for name, content in files.items()
    }


def facts(document: Document) -> Table:
    """The numbers that stand outside the tables, those of tiles and of single samples."""
    rows: list[tuple[Cell, ...]] = []
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Tiles):
                rows += [(section.title, name, cell) for name, cell, _ in block.tiles]
            if isinstance(block, Cards):
                rows += [(card.title, name, cell) for card in block.cards
                         for name, cell in card.facts]  # fmt: skip
    return Table("facts", "", ("of", "what", "value"), tuple(rows), hidden=True)


def write_report(document: Document, folder: Path) -> list[str]:
    """Writes the report into `folder` and returns the names of its files.

    Files of an earlier report there are replaced or removed; a folder that holds anything else is
    left alone. Raises UserError then, or if the folder cannot be written.
    """
    _check_free(folder)
    files = files_of(document)
    try:
        for old in _present(folder):
            if old not in files:
                (folder / old).unlink()
        for name, content in files.items():
            write_within(folder, name, content)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror or error}") from None
    return list(files)


def _present(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))
            if path.is_file()]  # fmt: skip


def _check_free(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: exists and is not a folder")
    for name in _present(folder) if folder.exists() else ():
        if not _OURS.match(name):
            raise UserError(f"{folder}: holds {name}, which is no part of a report; give another")


def csv_text(table: Table) -> str:
    """All rows with exact values; beside a column of numbers that are no integers stands one with
    the nearest floats. A text that a spreadsheet would run gets an apostrophe."""
    exact = [
        any(isinstance(row[k], Fraction | Root) for row in table.rows)
        for k in range(len(table.columns))
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = zip(table.columns, exact, strict=True)
    writer.writerow([part for name, beside in names
                     for part in ((name, f"{name} (float)") if beside else (name,))])  # fmt: skip
    for row in table.rows:
        cells = []
        for cell, beside in zip(row, exact, strict=True):
            cells += [_csv_cell(cell), _float_text(cell)] if beside else [_csv_cell(cell)]
        writer.writerow(cells)
    return stream.getvalue()


def _float_text(cell: Cell) -> str:
    """The nearest float of a number, as short as it can be."""
    if cell is None or isinstance(cell, str | bool | Hash | Share | Formula):
        return ""
    return f"{approximately(cell):.12g}"


def _csv_cell(cell: Cell) -> str:
    text = exact_text(cell)
    return "'" + text if isinstance(cell, str) and text[:1] in ("=", "+", "-", "@") else text


def as_json(document: Document) -> dict[str, Any]:
    """The document for machines: claim, facts, and all tables shown, in exact texts."""
    return {
        "robmem_report": 1,
        "title": document.title,
        "claim": document.summary,
        "notices": [notice.text for notice in document.notices],
        **_plain(document.values),
        "statements": {
            section.key: [
                line
                for block in section.blocks
                if isinstance(block, Text | Items)
                for line in ([block.text] if isinstance(block, Text) else block.items)
            ]
            for section in document.sections
        },
        "worst": [
            {"title": card.title, **{name: _json_cell(cell) for name, cell in card.facts}}
            for block in document.blocks()
            if isinstance(block, Cards)
            for card in block.cards
        ],
        "tables": {
            table.key: {
                "caption": table.caption,
                "columns": list(table.columns),
                "rows": [[_json_cell(cell) for cell in row] for row in table.rows],
            }
            for table in document.tables()
            if not table.hidden
        },
    }


def _json_cell(cell: Cell) -> Any:
    if cell is None or isinstance(cell, bool | str):
        return cell
    if isinstance(cell, int) and abs(cell) < 2**53:
        return cell
    return round(cell, 6) if isinstance(cell, float) else exact_text(cell)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values)
