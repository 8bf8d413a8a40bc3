"""Tables as LaTeX environments that fit the width of a page, without captions.

Widths are estimated from those of Latin Modern's letters, which are wider in small sizes. A table
that is too wide as it is gets columns that break their lines, those of text first, then smaller
letters; what is wider even then is scaled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.document import Table
from reports.formulas import mathematics
from reports.latex_text import escaped
from reports.numbers import (
    TABLE,
    Cell,
    Formula,
    Hash,
    Root,
    Share,
    decimal_of,
    exact_root,
    in_full,
    shown,
)

LINE = 397.0  # points of a line: 5.5 inches, as in papers of ICLR and NeurIPS
MOST_ROWS = 60
_LONG = 32  # rows of a table that a page holds with its caption
_MARGIN = 1.06  # estimates are this much too small at worst
_SIZES = (("small", 9.25), ("footnotesize", 8.5), ("scriptsize", 8.0), ("tiny", 6.8))
_GAP = 5.0  # between columns, on either side
_NARROW = set("iltfjI.,:;'!|()[]/ ")
_WIDE = set("mwMW%@\N{ALMOST EQUAL TO}\N{SQUARE ROOT}=+<>")


def tabular(table: Table, most: int = MOST_ROWS) -> str:
    """A `tabular`, or for many rows a `longtable`, of the first `most` rows."""
    rows = table.rows[: min(table.most, most)]
    size, points = _fitting(table, rows)
    widths = _widths(table, rows, points)
    kinds = "".join(_kind(table, k, *width) for k, width in enumerate(widths))
    head = " & ".join(rf"\textbf{{{escaped(column)}}}" for column in table.columns) + r" \\"
    body = "\n".join(" & ".join(map(cell_text, row)) + r" \\" for row in rows)
    begin = f"{{\\{size}\\setlength{{\\tabcolsep}}{{{_GAP:.0f}pt}}%\n"
    if is_long(table, most):
        return (
            f"{begin}\\begin{{longtable}}{{@{{}}{kinds}@{{}}}}\n\\toprule\n{head}\n\\midrule\n"
            f"\\endhead\n\\bottomrule\n\\endfoot\n{body}\n\\end{{longtable}}}}\n"
        )
    whole = (
        f"\\begin{{tabular}}{{@{{}}{kinds}@{{}}}}\n\\toprule\n{head}\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}"
    )
    if sum(width for width, _ in widths) > _room(table):
        whole = f"\\resizebox{{\\linewidth}}{{!}}{{%\n{whole}}}"
    return f"{begin}{whole}}}\n"


def _kind(table: Table, k: int, width: float, breaks: bool) -> str:
    """How LaTeX sets column k."""
    if not breaks:
        return "r" if _numeric(table, k) else "l"
    side = "left" if _numeric(table, k) else "right"
    return f">{{\\ragged{side}\\arraybackslash}}p{{{width:.0f}pt}}"


def is_long(table: Table, most: int = MOST_ROWS) -> bool:
    """Whether the rows that are shown are more than a page holds, and not to be scaled."""
    rows = table.rows[: min(table.most, most)]
    if len(rows) <= _LONG:
        return False
    _, points = _fitting(table, rows)
    return sum(width for width, _ in _widths(table, rows, points)) <= _room(table)


def cell_text(cell: Cell) -> str:
    """The cell in LaTeX: numbers and formulas as mathematics, digests in typewriter."""
    match cell:
        case Hash(text):
            return rf"\texttt{{{text[:16]}}}"
        case Formula(text):
            return mathematics(text) or escaped(text)
        case Root(square) if exact_root(square) is None and "(" in shown(cell, long=TABLE):
            inside = shown(cell).partition("(")[2].rpartition(")")[0]
            return rf"$\sqrt{{{inside}}}$ {escaped(decimal_of(cell))}"
    text = escaped(in_full(cell, long=TABLE))
    return text if isinstance(cell, str) else re.sub(r"(?<![\w}])-(?=[0-9])", "$-$", text)


def _numeric(table: Table, k: int) -> bool:
    return all(not isinstance(row[k], str | bool | Hash | Share | Formula) for row in table.rows)


def _fitting(table: Table, rows: Sequence[tuple[Cell, ...]]) -> tuple[str, float]:
    """The largest size of letters at which the table fits, or the smallest there is."""
    for size, points in _SIZES:
        if sum(width for width, _ in _widths(table, rows, points)) <= _room(table):
            return size, points
    return _SIZES[-1]


def _room(table: Table) -> float:
    return LINE - 2 * _GAP * (len(table.columns) - 1)


def _widths(
    table: Table, rows: Sequence[tuple[Cell, ...]], points: float
) -> list[tuple[float, bool]]:
    """The width of each column, and whether its lines are broken at it."""
    texts = [[_plain(row[k]) for row in rows] for k in range(len(table.columns))]
    natural = [
        _MARGIN * points * max([1.15 * _ems(table.columns[k]), *map(_ems, texts[k])])
        for k in range(len(table.columns))
    ]
    room = _room(table)
    if sum(natural) <= room:
        return [(width, False) for width in natural]
    # Columns are broken, those of text first and the widest first, to shares of what others leave.
    least = [
        _MARGIN * points * max([_longest(table.columns[k], 1.15), *(_longest(t) for t in texts[k])])
        for k in range(len(natural))
    ]
    order = sorted((k for k in range(len(natural)) if least[k] < natural[k]),
                   key=lambda k: (_numeric(table, k), -natural[k]))  # fmt: skip
    broken: set[int] = set()
    found = list(natural)
    for k in order:
        broken.add(k)
        left = room - sum(natural[j] for j in range(len(natural)) if j not in broken)
        free = left - sum(least[j] for j in broken)
        wish = {j: natural[j] - least[j] for j in broken}
        for j in broken:
            found[j] = least[j] + max(0.0, free) * wish[j] / sum(wish.values())
        if free >= 0:
            break
    return [(width, k in broken) for k, width in enumerate(found)]


def _plain(cell: Cell) -> str:
    return cell.text[:16] + " " * 4 if isinstance(cell, Hash) else in_full(cell, long=TABLE)


def _ems(text: str) -> float:
    """The width of the text in units of the size of its letters."""
    return sum(0.3 if c in _NARROW else 0.85 if c in _WIDE else 0.74 if c.isupper() else 0.52
               for c in text)  # fmt: skip


def _longest(text: str, factor: float = 1.0) -> float:
    """The widest word; long ones may be broken after 20 letters."""
    return factor * max((_ems(word[:22]) for word in text.split(" ")), default=0.0)
