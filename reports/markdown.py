"""A document as Markdown; figures and pictures are files beside it."""

from __future__ import annotations

import re

from reports.document import (
    Block,
    Card,
    Cards,
    Code,
    Document,
    Figure,
    Items,
    Notice,
    Table,
    Text,
    Tiles,
)
from reports.numbers import TABLE, Hash, in_full

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_MOST = 60


def escaped(text: str) -> str:
    """The text with nothing in it that Markdown, or HTML within it, would read."""
    return (
        _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\&", "&amp;")
    )


def markdown(document: Document) -> str:
    """The text of the file."""
    parts = [f"# {escaped(document.title)}", escaped(document.subtitle)]
    parts += [f"> **Note.** {escaped(notice.text)}" for notice in document.notices]
    if document.summary:
        parts.append(f"**{escaped(document.summary)}**")
    for section in document.sections:
        parts.append(f"## {escaped(section.title)}")
        parts += [text for block in section.blocks if (text := _block(block))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return escaped(text)
        case Notice(text):
            return f"> **Note.** {escaped(text)}"
        case Code(text):
            return "\n".join("    " + line for line in text.splitlines())
        case Tiles(tiles):
            return "\n".join(
                f"* {escaped(name)}: {escaped(in_full(cell))}" for name, cell, _ in tiles
            )
        case Items(items):
            return "\n".join(f"* {escaped(item)}" for item in items)
        case Figure(key, caption):
            return f"![{escaped(caption)}](figures/{key}.svg)\n\n*{escaped(caption)}*"
        case Cards(cards):
            return "\n\n".join(_card(card) for card in cards)
        case Table():
            return "" if block.hidden else _table(block)


def _card(card: Card) -> str:
    lines = [f"### {escaped(card.title)}", ""]
    lines += [f"* {escaped(name)}: {escaped(in_full(cell))}" for name, cell in card.facts]
    if card.pictures:
        lines += ["", " ".join(
            f"![{escaped(picture.caption)}](pictures/{card.key}-{number}.png)"
            for number, picture in enumerate(card.pictures)
        )]  # fmt: skip
    if card.changes is not None:
        lines += ["", _table(card.changes)]
    return "\n".join(lines)


def _table(table: Table) -> str:
    most = min(_MOST, table.most)
    lines = [
        escaped(table.caption),
        "",
        "| " + " | ".join(map(escaped, table.columns)) + " |",
        "|" + "|".join("---" for _ in table.columns) + "|",
    ]
    for row in table.rows[:most]:
        cells = [cell.text if isinstance(cell, Hash) else in_full(cell, long=TABLE) for cell in row]
        lines.append("| " + " | ".join(map(escaped, cells)) + " |")
    if len(table.rows) > most:
        whole = f"tables/{table.key}.csv"
        lines += ["", f"The first {most} of {len(table.rows):,}; all are in [{whole}]({whole})."]
    return "\n".join(lines)
