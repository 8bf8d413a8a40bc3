"""What a report says, before anybody decides how it looks.

A `Document` is made of sections, a section of blocks. Every renderer (HTML, Markdown, LaTeX, CSV,
JSON) shows the same blocks, so a number cannot differ between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reports.numbers import Cell

Tone = Literal["good", "bad", "warn", "plain"]


class Plot(Protocol):
    """Something that draws itself on a matplotlib figure; see `reports.plots`."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""

    def draw(self, figure: Any) -> None: ...


class Told(Protocol):
    """What the page's script is given of a drawing; see `reports.plane_plot`."""

    def data(self, frame: tuple[float, float, float, float]) -> dict[str, Any]:
        """`frame` is where the axes stand in the drawing: left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the reader must know first; shown in a frame."""

    text: str
    tone: Tone = "warn"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed into a shell."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of exact values under `columns`; `key` is the name of its file.

    At most `most` rows are shown on a page (a file has all of them); `tones` colours a cell by its
    text. A `wide` table is one of many columns.
    """

    key: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    most: int = 60
    sortable: bool = False
    tones: Mapping[str, Tone] = field(default_factory=dict)
    hidden: bool = False  # in files alone


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with what it shows in words; `key` is the name of its files. With `live` a page
    lets one point at it."""

    key: str
    caption: str
    plot: Plot
    wide: bool = False
    live: Told | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Brightness values in [0, 1], or signed in [-1, 1]; shape (rows, columns)."""

    caption: str
    pixels: NDArray[np.float64]
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One sample: what is known of it, pictures of it, or its coordinates."""

    key: str
    title: str
    tone: Tone
    facts: tuple[tuple[str, Cell], ...]
    pictures: tuple[Picture, ...] = ()
    changes: Table | None = None


@dataclass(frozen=True, slots=True)
class Cards:
    """Samples side by side."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Tiles:
    """The few numbers that matter most: name, value, tone."""

    tiles: tuple[tuple[str, Cell, Tone], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    items: tuple[str, ...]


Block = Text | Notice | Code | Table | Figure | Cards | Tiles | Items


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it; `key` is its anchor."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `summary` is its claim in one sentence, `values` what only the JSON holds."""

    title: str
    subtitle: str
    summary: str
    tone: Tone
    notices: tuple[Notice, ...]
    sections: tuple[Section, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    def blocks(self) -> list[Block]:
        """All blocks in their order."""
        return [block for section in self.sections for block in section.blocks]

    def tables(self) -> list[Table]:
        """All tables in their order, those of cards included."""
        found = []
        for block in self.blocks():
            if isinstance(block, Table):
                found.append(block)
            if isinstance(block, Cards):
                found += [card.changes for card in block.cards if card.changes is not None]
        return found

    @property
    def has_live(self) -> bool:
        """Whether a drawing is there that one may point at."""
        return any(figure.live is not None for figure in self.figures())

    def figures(self) -> list[Figure]:
        """All figures in their order."""
        return [block for block in self.blocks() if isinstance(block, Figure)]

    def pictures(self) -> list[tuple[str, Picture]]:
        """All pictures with the names of their files."""
        return [
            (f"{card.key}-{number}", picture)
            for block in self.blocks()
            if isinstance(block, Cards)
            for card in block.cards
            for number, picture in enumerate(card.pictures)
        ]
