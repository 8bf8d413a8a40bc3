"""A document as one page that needs nothing else: no network, no script of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.colours import DARK, LIGHT, declarations
from reports.document import (
    Block,
    Cards,
    Code,
    Document,
    Figure,
    Items,
    Notice,
    Table,
    Text,
    Tiles,
    Tone,
)
from reports.numbers import (
    LONG,
    TABLE,
    TILE,
    Cell,
    Formula,
    Hash,
    Root,
    Share,
    approximately,
    decimal_of,
    exact_text,
    shown,
)
from reports.pixels import data_uri
from reports.plots import frame_of, inline_svg

_KINDS = {
    Text: "text",
    Notice: "notice",
    Code: "code",
    Table: "table",
    Figure: "figure",
    Cards: "cards",
    Tiles: "tiles",
    Items: "items",
}
_LINE = 24  # letters of a cell that stay on one line
_SMALL = 14  # rows of a table that stands beside a figure, and on one printed page
_TILES = 5  # in a row, each wide enough for TILE characters
_MARKS: dict[Tone, str] = {
    "good": "\N{CHECK MARK}",
    "bad": "\N{MULTIPLICATION X}",
    "warn": "!",
    "plain": "",
}


@cache
def environment() -> Environment:
    """The templates; everything they are given is escaped."""
    made = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "kind": lambda block: _KINDS[type(block)],
        "rows": rows,
        "small": _small,
        "shown": shown,
        "decimal": decimal_of,
        "full": _full,
        "sort_value": _sort_value,
        "numeric": _numeric,
        "number_columns": _number_columns,
        "short": lambda table: len(table.rows) <= _SMALL,
        "tile_row": _tile_row,
        "long": _long,
        "data_uri": data_uri,
        "mark": lambda tone: _MARKS[tone],
    }
    made.globals |= {"LONG": LONG, "TABLE": TABLE, "TILE": TILE, "LIGHT": LIGHT, "DARK": DARK}
    made.globals["declarations"] = declarations
    made.globals["told"] = _told
    made.globals["svg"] = lambda figure: Markup(inline_svg(figure))  # our own drawing
    return made


def rows(blocks: Sequence[Block]) -> list[list[Block]]:
    """The blocks that are shown, in rows: figures beside each other, the last beside the small
    table after it."""
    found: list[list[Block]] = []
    for block in blocks:
        if isinstance(block, Table) and block.hidden:
            continue
        last = found[-1] if found else []
        narrow = bool(last) and isinstance(last[-1], Figure) and not last[-1].wide
        fits = isinstance(block, Table) and len(block.rows) <= _SMALL
        if narrow and (isinstance(block, Figure) or (fits and len(last) % 2)):
            last.append(block)
        else:
            found.append([block])
    return found


def _small(row: Sequence[Block]) -> bool:
    """Whether three figures of the row stand beside each other."""
    return all(isinstance(block, Figure) and block.plot.size[0] < 3.6 for block in row)


def html(document: Document) -> str:
    """The page."""
    return environment().get_template("page.html.j2").render(document=document)


def _told(figure: Figure) -> Markup:
    """What the page's script needs of the drawing: JSON in which nothing ends its element."""
    if figure.live is None:
        raise TypeError(f"{figure.key} is a drawing that one cannot point at")
    text = json.dumps(figure.live.data(frame_of(figure.plot)), separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _full(value: Cell, *, long: int = LONG) -> str:
    """The exact value where what is shown is not all of it, else nothing; never too long."""
    if value is None or isinstance(value, str | bool | int | float | Share | Formula):
        return ""
    full = exact_text(value)
    same = full == shown(value, long=long).replace(",", "")
    return "" if same or len(full) > 400 else full


def _numeric(value: Any) -> bool:
    return value is not None and not isinstance(value, str | bool | Hash | Share | Formula)


def _number_columns(table: Table) -> list[bool]:
    """Of each column whether all of its entries that are shown are numbers."""
    shown_rows = table.rows[: table.most]
    return [
        any(_numeric(row[k]) for row in shown_rows)
        and all(row[k] is None or _numeric(row[k]) for row in shown_rows)
        for k in range(len(table.columns))
    ]


def _tile_row(count: int) -> int:
    """How many tiles stand in a row, so that rows are about equally long."""
    lines = max(1, -(-count // _TILES))
    return -(-count // lines)


def _long(value: Any) -> bool:
    """Whether a text goes over several lines of its cell."""
    return isinstance(value, str | Formula) and len(shown(value)) > _LINE


def _sort_value(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Share):
        return str(value.count)
    if isinstance(value, bool | str | Hash | Formula):
        return exact_text(value)
    number = approximately(value)
    return repr(number) if not isinstance(value, Root) else repr(float(value))
