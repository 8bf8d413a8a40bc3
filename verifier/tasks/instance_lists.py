"""Lists of instances: a network or several, a property, a time limit, perhaps the expected answer.

Read are lists as the competition has them, `net.onnx,prop.vnnlib,60`, also those of several
networks, `[('f', 'a.onnx'), ('g', 'b.onnx')],prop.vnnlib,60`, and lists with a header; the cells
are separated by commas or, throughout, by semicolons.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from verifier.formats.files import naming, read_text, shown
from verifier.question.errors import UserError


class Word(Enum):
    """The answer to a property; the value is what the terminal shows."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"
    TIMEOUT = "timeout"

    @property
    def competition(self) -> str:
        """The same in the words of the competition, which asks for a violation."""
        return {Word.HOLDS: "unsat", Word.VIOLATED: "sat"}.get(self, self.value)


@dataclass(frozen=True, slots=True)
class Instance:
    """One line of a list: names as they stand there, the files they mean, the limit in seconds.

    `networks` are names of declared networks with their files; "" where the list names none.
    """

    network: str
    prop: str
    networks: tuple[tuple[str, Path], ...]
    prop_path: Path
    timeout: float | None
    expected: Word | None

    @property
    def key(self) -> tuple[str, str]:
        return self.network, self.prop


_EXPECTED = {
    "holds": Word.HOLDS,
    "unsat": Word.HOLDS,
    "flip": Word.VIOLATED,
    "violated": Word.VIOLATED,
    "sat": Word.VIOLATED,
}
MAX_INSTANCES = 1 << 20


def read_instances(path: Path | str, timeout: float | None = None) -> list[Instance]:
    """The instances in a CSV file of network, property and, where it says so, a time limit.

    With a header (columns network, property and possibly timeout or timeout_s, and expected) or
    without one, as the competition has it (network, property, timeout). Files are looked for beside
    the list and in its folders `onnx` and `vnnlib`. `timeout` is for lines without a limit. Raises
    UserError, naming the line.
    """
    path = Path(path)
    text = read_text(path, 1 << 28)
    with naming(path):
        rows = list(rows_of(text))
        if not rows or len(rows) > MAX_INSTANCES:
            raise UserError(f"{len(rows)} instances; the limits are 1 and {MAX_INSTANCES}")
        columns = ["network", "property", "timeout", "expected"]
        if rows[0][1][0] == "network":
            columns = ["timeout" if name == "timeout_s" else name for name in rows.pop(0)[1]]
            if "property" not in columns:
                raise UserError(f"line 1: no column property among {columns}")
        listed = []
        for number, row in rows:
            if len(row) > len(columns) or len(row) < 2:
                raise UserError(f"line {number}: {len(row)} cells, not {len(columns)}")
            cells = dict(zip(columns, row, strict=False))
            with naming(f"line {number}"):
                listed.append(instance_of(cells, path.parent, timeout))
        repeated = len(listed) - len({instance.key for instance in listed})
        if repeated:
            raise UserError(f"{repeated} instances occur twice")
        return listed


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that has some, with the number of the line.

    Semicolons separate cells if the first line has one, and no comma outside of quotes.
    """
    separator = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line:
            continue
        # A list of networks holds commas, and need not be in quotes.
        listed = re.match(r"\[[^\]]*\]", line)
        rest = line[listed.end() :] if listed else line
        if not separator:
            bare = re.sub(r'"[^"]*"', "", rest)
            separator = ";" if ";" in bare and "," not in bare else ","
        if listed and not rest.lstrip().startswith(separator):
            raise UserError(f"line {number}: no {separator!r} after the list of networks")
        rest = rest.lstrip().removeprefix(separator) if listed else rest
        try:
            cells = next(
                csv.reader([rest], delimiter=separator, skipinitialspace=True, strict=True)
            )
        except csv.Error as error:
            raise UserError(f"line {number}: not a CSV file: {error}") from None
        found = [cell.strip() for cell in cells]
        if any(found) or listed:
            yield number, [listed[0], *found] if listed else found


def instance_of(cells: dict[str, str], folder: Path, timeout: float | None) -> Instance:
    """The instance of these cells, by their columns; raises UserError."""
    text = cells.get("timeout", "")
    if text:
        try:
            timeout = float(text)
        except ValueError:
            raise UserError(f"the time limit {shown(text)} is not a number") from None
        if not 0 < timeout < math.inf:
            raise UserError(f"the time limit {shown(text)} is not a positive number of seconds")
    return Instance(
        cells["network"],
        cells["property"],
        _networks(folder, cells["network"]),
        found_file(folder, cells["property"], "vnnlib"),
        timeout,
        _EXPECTED.get(cells.get("expected", "").lower()),
    )


_PAIR = re.compile(r"""\(\s*(['"])([^'"]*)\1\s*,\s*(['"])([^'"]*)\3\s*\)""")


def _networks(folder: Path, text: str) -> tuple[tuple[str, Path], ...]:
    """The files of a cell: one, or [('f', 'a.onnx'), ('g', 'b.onnx')] for networks f and g."""
    if not text.startswith("["):
        return (("", found_file(folder, text, "onnx")),)
    pairs = [(match[2], match[4]) for match in _PAIR.finditer(text)]
    if not pairs or re.sub(r"[\[\],\s]", "", _PAIR.sub("", text)):
        raise UserError(f"{shown(text)} is not as [('f', 'a.onnx'), ('g', 'b.onnx')]")
    if len(dict(pairs)) < len(pairs):
        raise UserError(f"{shown(text)} names a network twice")
    return tuple((name, found_file(folder, file, "onnx")) for name, file in pairs)


def found_file(folder: Path, name: str, kind: str) -> Path:
    """The file beside the list or in its folder `kind`, perhaps packed; `folder/name` if none."""
    if "\0" in name or not name:
        raise UserError(f"{shown(name)} is not the name of a file")
    for base in (folder, folder / kind):
        for end in ("", ".gz"):
            candidate = base / f"{name}{end}"
            if candidate.is_file():
                return candidate
    return folder / name
