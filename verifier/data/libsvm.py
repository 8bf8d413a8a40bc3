"""Tables in LIBSVM's sparse format: `label index:value index:value ..`, indices from 1 upwards.

What is not listed is zero. A decimal is that decimal; behind # is a comment.
"""

from __future__ import annotations

from pathlib import Path

from verifier.data.dataset import Dataset
from verifier.data.decimals import decimal_row, shown
from verifier.data.files import file_name
from verifier.data.labels import label_table
from verifier.data.storage import MAX_ENTRIES, RationalTable
from verifier.data.table import numbered_lines
from verifier.question.errors import UserError


def load_libsvm(path: Path) -> Dataset:
    """The samples of the file, of as many inputs as its greatest index.

    Raises:
        UserError: If it cannot be read, or a line is none of this format.
    """
    labels: list[str] = []
    rows: list[tuple[str, list[int], list[str]]] = []
    for number, text in numbered_lines(path):
        cells = text.partition("#")[0].split()
        if not cells:
            continue
        place = f"{path}: line {number}"
        pairs = [_pair(place, cell) for cell in cells[1:]]
        indices = [index for index, _ in pairs]
        if any(a >= b for a, b in zip([0, *indices], indices, strict=False)):
            raise UserError(f"{place}: its indices do not increase from 1 upwards")
        labels.append(cells[0])
        rows.append((place, indices, [value for _, value in pairs]))
    inputs = max((indices[-1] for _, indices, _ in rows if indices), default=0)
    if inputs * len(rows) > MAX_ENTRIES:
        raise UserError(f"{path}: {len(rows)} samples of {inputs} inputs, too many to be dense")
    table = RationalTable(str(path))
    for place, indices, values in rows:
        found, denominator = decimal_row(values, place, indices) if values else ([], 1)
        row = [0] * inputs
        for index, value in zip(indices, found, strict=True):
            row[index - 1] = value
        table.append(row, denominator)
    names, numbers = label_table(str(path), labels)
    return Dataset(file_name(path), *table.settle(), numbers, names)


def _pair(place: str, cell: str) -> tuple[int, str]:
    index, colon, value = cell.partition(":")
    if not colon or not (index.isascii() and index.isdigit()) or len(index) > 10:
        raise UserError(f"{place}: {shown(cell)} is not INDEX:VALUE")
    return int(index), value
