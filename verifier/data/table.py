"""Tables of text: one sample a line, its label in one column; a decimal is that decimal.

A first line that may be names or a sample, a column that numbers the rows, and labels that look
like inputs are errors that name the option to say what is meant: a wrong guess would be a data
set that nobody asked about.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.decimals import FRACTION, NUMBER, decimal_row, shown
from verifier.data.files import file_name, unpacked
from verifier.data.headings import called, may_name_labels, names_index, names_labels, rivals
from verifier.data.labels import label_table
from verifier.data.layout import Layout
from verifier.data.storage import RationalTable
from verifier.question.errors import UserError
from verifier.question.labels import is_integer

MAX_TEXT = 2**30
"""Most bytes of text read from one file, after decompression."""
MAX_LINE = 2**24
"""Most bytes of one line of text."""
UNLABELLED = "none"
"""The label of every sample of a table without labels."""

_MISSING = {"nan", "inf", "infinity", "na", "null", "none", "?"}
_MANY = 20  # samples, from which a coincidence of a whole column is none


def load_table(path: Path, layout: Layout, inputs: int | None = None) -> Dataset:
    """The samples of the table, one a line.

    With `inputs`, a table of that many columns has points alone.  Points without labels are
    labelled `UNLABELLED`.

    Raises:
        UserError: If the file is damaged or no table, or if it is doubtful what
            a line or a column is; the message names the place and the option.
    """
    rows = _rows(path, layout.separator or _separator_of_name(path))
    line, cells = next(rows, (0, []))
    if not cells:
        raise UserError(f"{path}: no samples")
    columns = _columns(path, line, cells, layout, inputs)
    table = RationalTable(str(path))
    labels: list[str] = []
    for at, row in [] if columns.names else [(line, cells)]:
        labels.append(columns.add(table, at, row))
    for at, row in rows:
        labels.append(columns.add(table, at, row))
    numerators, denominator = table.settle()
    names, indices = label_table(str(path), labels)
    dataset = Dataset(
        file_name(path), numerators, denominator, indices, names,
        feature_names=columns.feature_names,
    )  # fmt: skip
    if columns.names is None and layout.header is None and _may_name(cells, labels, columns):
        listed = ",".join(cells[:5]) + (",.." if len(cells) > 5 else "")
        raise UserError(
            f"{path}: line {line}: {shown(listed)} may be the names of the columns "
            "or a sample: give --header or --no-header"
        )
    _refuse_numbered(path, dataset, columns)
    _refuse_numbering_labels(path, labels, columns)
    _refuse_label_inputs(path, dataset, labels, columns)
    return dataset


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column is what."""

    path: Path
    layout: Layout
    first_line: int
    width: int
    names: tuple[str, ...] | None  # of all columns, if the first line has them
    label: int | None
    index: int | None
    inputs: tuple[int, ...]
    numbers: tuple[int, ...]  # of the inputs, counted from 1, for people

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        return None if self.names is None else tuple(self.names[k] for k in self.inputs)

    def add(self, table: RationalTable, line: int, cells: list[str]) -> str:
        """Adds the inputs of the row to `table` and returns its label."""
        place = f"{self.path}: line {line}"
        if len(cells) != self.width:
            raise UserError(
                f"{place}, column {min(len(cells), self.width) + 1}: "
                f"{len(cells)} columns, line {self.first_line} has {self.width}"
            )
        label = UNLABELLED if self.label is None else cells[self.label]
        if not label or not label.isprintable() or (self._guessed and set(label) & {";", "\t"}):
            raise UserError(
                f"{place}, column {(self.label or 0) + 1}: {shown(label)} is not a label"
                f"{_remedy([label], self._guessed)}"
            )
        try:
            entries = [cells[k] for k in self.inputs]
            table.append(*decimal_row(entries, place, self.numbers))
        except UserError as error:
            raise UserError(f"{error}{self._remedy(line, cells)}") from None
        return label

    def leave_out(self, column: int) -> str:
        """What to say to leave out a column that numbers the samples, or to keep it."""
        if self.names is not None and self.names.count(self.names[column]) == 1:
            option = called(self.names[column])
        elif column in (0, self.width - 1):
            option = "last" if column else "first"
        else:
            return "delete it, or give --index-column none to keep it"
        return f"give --index-column {option} to leave it out, or none to keep it"

    @property
    def _guessed(self) -> bool:
        return self.layout.separator is None

    def _remedy(self, line: int, cells: list[str]) -> str:
        found = _remedy([cells[k] for k in self.inputs], self._guessed)
        if found or self.layout.label_column is not None or len(self.inputs) < 2:
            return found
        words = [k for k in self.inputs if not _is_number(cells[k]) and not _is_missing(cells[k])]
        if tuple(words) == self.inputs[:1] and (
            self.label is None or _is_number(cells[self.label])
        ):
            return "; if the labels stand first, give --label-column first"
        if words and line == self.first_line:
            return "; if this line names the columns, give --header"
        return ""


def _columns(
    path: Path, line: int, cells: list[str], layout: Layout, inputs: int | None
) -> _Columns:
    place = f"{path}: line {line}"
    named = [c for c in (layout.label_column, layout.index_column) if c and not _is_position(c)]
    if named and layout.header is False:
        raise UserError(f"a column {named[0]!r} needs a header, and --no-header says there is none")
    rest = list(range(len(cells)))
    index = _column(place, "--index-column", layout.index_column or "none", cells, rest)
    rest = [k for k in rest if k != index]
    given = layout.label_column or ("none" if inputs == len(rest) else "last")
    label = _column(place, "--label-column", given, cells, rest)
    rest = [k for k in rest if k != label]
    if not rest:
        remedy = _remedy(cells, layout.separator is None)
        raise UserError(f"{place}: one column; inputs and then a label are needed{remedy}")
    header = layout.header
    if header is None:
        unnamed = index is not None and (not cells[index] or names_index(cells[index]))
        header = bool(named) or unnamed or _is_header([cells[k] for k in rest])
    names = tuple(cells) if header else None
    if header and layout.index_column is None and re.fullmatch("(unnamed: 0)?", cells[0].lower()):
        raise UserError(
            f"{place}: the first column has no name, as where rows are numbered: "
            "give --index-column first to leave it out, or none to keep it"
        )
    if header and layout.label_column is None:
        _refuse_rivals(place, cells, rest, label)
    numbers = tuple(k + 1 for k in rest)
    return _Columns(path, layout, line, len(cells), names, label, index, tuple(rest), numbers)


def _is_position(column: str) -> bool:
    return column in ("first", "last", "none")


def _column(
    place: str, option: str, column: str, cells: list[str], among: Sequence[int]
) -> int | None:
    """The column that is meant, of those `among` which it is counted."""
    if column == "none":
        return None
    if column in ("first", "last"):
        return among[0 if column == "first" else -1] if among else None
    found = [k for k in among if cells[k] == column]
    if len(found) != 1:
        listed = ", ".join(map(shown, cells[:8])) + (", .." if len(cells) > 8 else "")
        raise UserError(
            f"{place}: {option}: {len(found)} columns are called {shown(column)}; it has {listed}"
        )
    return found[0]


def _is_header(inputs: list[str]) -> bool:
    """Whether the cells are names: distinct words, none a number; pandas leaves its first empty."""
    words = inputs[1:] if len(inputs) > 1 and not inputs[0] else inputs
    return (
        all(word and not _is_number(word) and word.isprintable() for word in words)
        and len(set(words)) == len(words)
        and not any(map(_is_missing, words))
    )


def _is_number(cell: str) -> bool:
    if FRACTION.fullmatch(cell):
        return True
    return NUMBER.fullmatch(cell) is not None and any(sign.isdigit() for sign in cell)


def _is_missing(cell: str) -> bool:
    return cell.lower().lstrip("+-") in _MISSING


def _refuse_rivals(place: str, cells: list[str], inputs: Sequence[int], label: int | None) -> None:
    """Raises UserError if an input is called like labels, and the label, if any, no more so."""
    names = [cells[k] for k in inputs]
    if label is None:
        found = [k for k, name in enumerate(names) if names_labels(name)]
        last, keep = "no column is left for labels", "none"
    else:
        found, last, keep = (
            rivals([*names, cells[label]]),
            f"the last {shown(cells[label])}",
            "last",
        )
    if not found:
        return
    listed = ", ".join(f"column {inputs[k] + 1} is called {shown(names[k])}" for k in found[:4])
    more = f", .. ({len(found)} in all)" if len(found) > 4 else ""
    options = [
        "first" if k == 0 else called(names[k])
        for k in found[:4]
        if k == 0 or cells.count(names[k]) == 1
    ]
    remedy = ", ".join([*options, f"or {keep}"]) if options else f"{keep}, or rename the columns"
    raise UserError(f"{place}: {listed}{more}, {last}: give --label-column {remedy}")


def _refuse_numbered(path: Path, dataset: Dataset, columns: _Columns) -> None:
    """Raises UserError if an input only numbers the samples, and nobody said to keep it.

    The first input of many samples does if it counts them from 0 or 1,
    whatever it is called; one that is called so does if it counts them from
    there, or many samples from any integer.
    """
    size, one = dataset.size, dataset.denominator
    if columns.layout.index_column is not None or min(dataset.dimension, size) < 2:
        return
    for k, name in enumerate(columns.feature_names or ("",)):
        column, place = dataset.numerators[:, k], columns.inputs[k]
        start, called_so = int(column[0]), names_index(name)
        if start not in (0, one) and not (called_so and size >= _MANY and start % one == 0):
            continue
        many = size >= _MANY and k == 0
        if (many or called_so) and (np.diff(column) == one).all():
            raise UserError(
                f"{path}: column {place + 1} counts the samples from {start // one}: "
                f"{columns.leave_out(place)}"
            )


def _refuse_numbering_labels(path: Path, labels: list[str], columns: _Columns) -> None:
    """Raises UserError if the labels only number the samples and their column is called so."""
    if columns.label is None or columns.names is None or columns.layout.index_column is not None:
        return
    name = columns.names[columns.label]
    if not names_index(name) or len(labels) < 2 or not all(map(is_integer, labels)):
        return
    counted = [int(label.partition(".")[0]) for label in labels]
    if counted[0] in (0, 1) and counted == list(range(counted[0], counted[0] + len(counted))):
        raise UserError(
            f"{path}: the labels, column {columns.label + 1} called {shown(name)}, count the "
            f"samples from {counted[0]}: {columns.leave_out(columns.label)}"
        )


def _refuse_label_inputs(
    path: Path, dataset: Dataset, labels: list[str], columns: _Columns
) -> None:
    """Raises UserError if the last column looks like an input, and nobody said that it is labels.

    It does if every sample has another value there, no integer, or if most have while the first
    column has few values, as where labels stand first.
    """
    if columns.label is None or columns.layout.label_column is not None:
        return
    size, distinct = dataset.size, len(set(labels))
    first = len(set(dataset.numerators[:, 0].tolist()))
    if distinct == size and not all(map(is_integer, labels)):
        doubtful = size >= (3 if all(map(_is_number, labels)) else _MANY)
    else:
        doubtful = size >= _MANY and 2 * distinct > size > 2 * first > 2
    if doubtful:
        raise UserError(
            f"{path}: the last column has {distinct} values in {size} samples, the first {first}: "
            "give --label-column first, or last if each is a label"
        )


def _may_name(first: list[str], labels: list[str], columns: _Columns) -> bool:
    """Whether a first row of numbers may name the columns.

    It may if it counts them, from 0 or from 1. Or if no other row has its label, and that is what
    columns of labels are called, or a word over two other rows or more beside distinct cells or
    where two of them have one label, or of another kind (a word, an integer, another number) than
    all others; or, if all cells are integers, they count on from another number, or are distinct
    and the other labels recur.
    """
    others = Counter(labels[1:])
    cells = [first[k] for k in range(columns.width) if k != columns.index]
    inputs = [first[k] for k in columns.inputs]
    if not others:
        return False
    distinct, recurs = len(set(inputs)) == len(inputs), max(others.values()) > 1
    alone = columns.label is not None and labels[0] not in others
    if alone and (
        _kind(labels[0]) not in set(map(_kind, others))
        or may_name_labels(labels[0])
        or (not _is_number(labels[0]) and len(labels) > 2 and (distinct or recurs))
    ):
        return True
    if not all(map(is_integer, inputs)):
        return False
    counted = [int(cell.partition(".")[0]) if is_integer(cell) else None for cell in cells]
    start = counted[0]
    if start is not None and counted == list(range(start, start + len(cells))):
        if start == 0 or (start == 1 and len(cells) > 2):
            return True
        if len(cells) > 2 and labels[0] not in others:
            return True
    return alone and is_integer(labels[0]) and distinct and min(others.values()) > 1


def _kind(label: str) -> int:
    return 2 if is_integer(label) else int(_is_number(label))


def _remedy(cells: Sequence[str], guessed: bool) -> str:
    """What to say about cells that are not what they should be; empty if nothing is known."""
    text = " ".join(cells)
    if guessed:
        for mark, word in ((";", "semicolon"), ("\t", "tab")):
            if mark in text:
                return f"; if {word}s separate the columns, give --separator {word}"
    if any(re.fullmatch(r"[+-]?[0-9]+,[0-9]+", cell) for cell in cells):
        return "; write decimal points instead of decimal commas"
    if guessed and len(cells) == 1 and len(cells[0].split()) > 1:
        return "; if blanks separate the columns, give --separator space"
    return ""


# --------------------------------------------------------------------- lines


def _separator_of_name(path: Path) -> str | None:
    """The separator that the ending of the name says; None for what the first line shows."""
    name = path.name.removesuffix(".gz")
    return {".csv": ",", ".tsv": "\t"}.get(Path(name).suffix)


def _rows(path: Path, separator: str | None) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, as (line where the row ends, stripped cells)."""
    lines: Iterator[str] = (text for _, text in numbered_lines(path))
    if separator is None:
        head: list[str] = []
        for text in lines:
            head.append(text)
            if text.strip():
                break
        separator = next((mark for mark in ",;\t" if head and mark in head[-1]), " ")
        lines = chain(head, lines)
    if separator == " ":
        for number, text in enumerate(lines, start=1):
            if cells := text.split() if '"' not in text else _quoted(path, number, text):
                yield number, cells
        return
    reader = csv.reader(lines, delimiter=separator, strict=True)
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
        elif len(cells) > 1:
            raise UserError(
                f"{path}: line {reader.line_num}: all {len(cells)} fields are empty; delete the "
                "line, or its separators"
            )


def _quoted(path: Path, number: int, text: str) -> list[str]:
    """The cells of a line that blanks separate, of which some are in quotes."""
    spaced = re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', " ", text.strip())
    try:
        (cells,) = csv.reader([spaced], delimiter=" ", strict=True)
    except csv.Error as error:
        raise UserError(f"{path}: line {number}: {error}") from error
    return [cell.strip() for cell in cells]


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file of text, counted from 1, within limits; raises UserError."""
    total = number = 0
    with unpacked(path) as stream:
        while True:
            number += 1
            try:
                raw = stream.readline(MAX_LINE + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise UserError(f"{path}: line {number}: damaged or unreadable: {error}") from error
            if not raw:
                return
            total += len(raw)
            if len(raw) > MAX_LINE or total > MAX_TEXT:
                raise UserError(
                    f"{path}: line {number}: more than {MAX_LINE} bytes in a line "
                    f"or {MAX_TEXT} in the file"
                )
            if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise UserError(f"{path}: UTF-16; save it as UTF-8")
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}: line {number}: byte {error.start + 1} is not UTF-8"
                ) from error
            if "\r" in text.rstrip("\r\n"):
                raise UserError(
                    f"{path}: line {number}: a carriage return within a line; end lines with "
                    "newlines, as tools such as dos2unix or mac2unix do"
                )
            yield number, text
