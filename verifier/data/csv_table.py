"""Tables of text: one sample a line, its label in the last column; a decimal is that decimal."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path

from verifier.data.dataset import Dataset
from verifier.data.decimals import NUMBER, decimal_row, shown
from verifier.data.files import file_name, unpacked
from verifier.data.labels import label_table
from verifier.data.storage import RationalTable
from verifier.question.errors import UserError

MAX_TEXT = 2**30
"""Most bytes of text read from one file, after decompression."""
MAX_LINE = 2**24
"""Most bytes of one line of text."""


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, as (line where the row ends, stripped cells)."""

    def lines() -> Iterator[str]:
        total = 0
        with unpacked(path) as stream:
            number = 0
            while True:
                number += 1
                try:
                    raw = stream.readline(MAX_LINE + 1)
                except (OSError, EOFError, zlib.error) as error:
                    raise UserError(
                        f"{path}: line {number}: damaged or unreadable: {error}"
                    ) from error
                if not raw:
                    return
                total += len(raw)
                if len(raw) > MAX_LINE or total > MAX_TEXT:
                    raise UserError(
                        f"{path}: line {number}: more than {MAX_LINE} bytes in a line "
                        f"or {MAX_TEXT} in the file"
                    )
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise UserError(
                        f"{path}: line {number}: byte {error.start + 1} is not UTF-8"
                    ) from error
                yield text

    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{path}: line {reader.line_num}: {error}") from error
        if row is None:
            return
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield reader.line_num, cells


def _header(cells: list[str]) -> bool:
    """Whether a first row names columns: its input cells are distinct words, none a number."""
    inputs = cells[:-1]
    words = all(NUMBER.fullmatch(cell) is None and cell.isprintable() for cell in inputs)
    values = {"nan", "inf", "infinity", "na", "null", "none", "?"}
    return (
        words
        and bool(inputs)
        and len(set(inputs)) == len(inputs)
        and not values & {cell.lower().lstrip("+-") for cell in inputs}
    )


def load_csv(path: Path) -> Dataset:
    table = RationalTable(str(path))
    names: tuple[str, ...] | None = None
    width = first_line = 0
    labels: list[str] = []
    for line, cells in _csv_rows(path):
        if width == 0:
            width, first_line = len(cells), line
            if width < 2:
                raise UserError(
                    f"{path}: line {line}: one column; inputs and then a label are needed"
                )
            if _header(cells):
                names = tuple(cells[:-1])
                continue
        if len(cells) != width:
            raise UserError(
                f"{path}: line {line}, column {min(len(cells), width) + 1}: "
                f"{len(cells)} columns, line {first_line} has {width}"
            )
        if not cells[-1] or not cells[-1].isprintable():
            raise UserError(
                f"{path}: line {line}, column {width}: {shown(cells[-1])} is not a label"
            )
        table.append(*decimal_row(cells[:-1], f"{path}: line {line}"))
        labels.append(cells[-1])
    numerators, denominator = table.settle()
    label_names, indices = label_table(str(path), labels)
    return Dataset(
        file_name(path), numerators, denominator, indices, label_names, feature_names=names
    )
