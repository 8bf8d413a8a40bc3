"""A document as LaTeX: every table with booktabs, and a file that reads them all."""

from __future__ import annotations

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
from reports.numbers import Cell, Hash, shown

_MOST = 60
_LETTERS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "\N{ALMOST EQUAL TO}": r"$\approx$", "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$", "\N{EN DASH}": "--",
    "\N{SQUARE ROOT}": r"$\surd$", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{GREEK SMALL LETTER RHO}": r"$\rho$",
    "'": "'",
}  # fmt: skip

_PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\ifdefined\pdfinfoomitdate % the same PDF file every time
\pdfinfoomitdate=1 \pdfsuppressptexinfo=-1 \pdftrailerid{}\fi
\usepackage{cmap} % words with fi and fl can be found and copied
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[utf8]{inputenc}
\usepackage[margin=2.2cm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{textcomp}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\sloppy
\begin{document}
"""


def escaped(text: str) -> str:
    """The text with nothing in it that LaTeX would run; letters that it lacks become a box."""
    flat = " ".join(text.split())
    return "".join(_LETTERS.get(letter) or _letter(letter) for letter in flat)


def _letter(letter: str) -> str:
    code = ord(letter)
    if 32 <= code < 127 or 0xC0 <= code <= 0xFF:
        return letter
    return rf"\texttt{{U+{code:04X}}}"


def latex(document: Document) -> str:
    """The whole file; it reads tables/ and figures/ beside it."""
    parts = [rf"\section*{{{escaped(document.title)}}}", escaped(document.subtitle)]
    parts += [rf"\textbf{{Note.}} {escaped(notice.text)}" for notice in document.notices]
    if document.summary:
        parts.append(rf"\textbf{{{escaped(document.summary)}}}")
    for section in document.sections:
        parts.append(rf"\subsection*{{{escaped(section.title)}}}")
        parts += [text for block in section.blocks if (text := _block(block))]
    return _PREAMBLE + "\n\n".join(part for part in parts if part) + "\n\\end{document}\n"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return escaped(text)
        case Notice(text):
            return rf"\textbf{{Note.}} {escaped(text)}"
        case Code(text):
            lines = (rf"\texttt{{\small {escaped(line)}}}\\" for line in text.splitlines())
            return "{\\raggedright\n" + "\n".join(lines) + "\n}"
        case Tiles(tiles):
            return _items([f"{name}: {shown(cell)}" for name, cell, _ in tiles])
        case Items(items):
            return _items(items)
        case Figure(key, caption):
            return (
                "\\begin{center}\n"
                rf"\includegraphics[width={0.9 if block.wide else 0.62}\linewidth]"
                f"{{figures/{key}.pdf}}\n\n{escaped(caption)}\n\\end{{center}}"
            )
        case Cards(cards):
            return "\n\n".join(_card(card) for card in cards)
        case Table():
            return "" if block.hidden else rf"\input{{tables/{block.key}.tex}}"


def _items(items: list[str] | tuple[str, ...]) -> str:
    lines = "\n".join(rf"\item {escaped(item)}" for item in items)
    return f"\\begin{{itemize}}\n{lines}\n\\end{{itemize}}"


def _card(card: Card) -> str:
    lines = ["\\noindent\\begin{minipage}{\\linewidth}"]  # on one page
    lines.append(rf"\medskip\textbf{{{escaped(card.title)}.}}\quad")
    lines.append("; ".join(f"{escaped(name)} {escaped(shown(cell))}" for name, cell in card.facts))
    if card.pictures:
        shots = "\\quad\n".join(
            rf"\includegraphics[width=0.2\linewidth]{{pictures/{card.key}-{number}.png}}"
            for number in range(len(card.pictures))
        )
        lines.append(f"\n\\begin{{center}}\n{shots}\n\\end{{center}}")
    if card.changes is not None:
        lines.append(f"\n\\input{{tables/{card.changes.key}.tex}}")
    lines.append("\\end{minipage}")
    return "\n".join(lines)


def table_text(table: Table) -> str:
    """The table with its caption, to be read by \\input into any text that uses booktabs."""
    most = min(table.most, _MOST)
    kinds = "".join("r" if _numeric(table, k) else "l" for k in range(len(table.columns)))
    if any(isinstance(cell, str) and len(cell) > 60 for row in table.rows[:most] for cell in row):
        kinds = _with_paragraph(table, kinds, most)
    head = " & ".join(rf"\textbf{{{escaped(column)}}}" for column in table.columns)
    body = "\n".join(
        " & ".join(escaped(_cell(cell)) for cell in row) + r" \\" for row in table.rows[:most]
    )
    caption = table.caption
    if len(table.rows) > most:
        caption += f" The first {most} of {len(table.rows):,}."
    size = r"\scriptsize" if len(table.columns) > 9 else r"\small"
    small = r"\setlength{\tabcolsep}{2.5pt}" if len(table.columns) > 9 else ""
    content = (
        f"\\begin{{tabular}}{{@{{}}{kinds}@{{}}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}"
    )
    return f"{{{size}{small}\\noindent {escaped(caption)}\\par\\smallskip\n{content}\\par}}\n"


def _with_paragraph(table: Table, kinds: str, most: int) -> str:
    """The column of the longest text breaks its lines."""
    longest = max(
        range(len(kinds)),
        key=lambda k: max((len(_cell(row[k])) for row in table.rows[:most]), default=0),
    )
    return kinds[:longest] + r"p{0.5\linewidth}" + kinds[longest + 1 :]


def _numeric(table: Table, k: int) -> bool:
    return all(not isinstance(row[k], str | bool | Hash) for row in table.rows)


def _cell(cell: Cell) -> str:
    return cell.text[:16] if isinstance(cell, Hash) else shown(cell)
