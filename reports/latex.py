"""A document as LaTeX: `report.tex` wraps the tables and figures beside it in floats with labels.

The tables are files of their own without captions (`tabular`), to be read into any paper that uses
booktabs, longtable and array.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from reports.latex_text import escaped, typewriter
from reports.numbers import in_full
from reports.references import Reference, cited
from reports.tabular import MOST_ROWS, is_long

_WIDTH, _HEIGHT = 6.4, 8.4  # inches of a page for a figure with its caption
_PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\ifdefined\pdfinfoomitdate % the same PDF file every time
\pdfinfoomitdate=1 \pdfsuppressptexinfo=-1 \pdftrailerid{}\fi
\usepackage{cmap} % words with fi and fl can be found and copied
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[utf8]{inputenc}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath}
\usepackage{array}
\usepackage{booktabs}
\usepackage{caption}
\usepackage{float}
\usepackage{graphicx}
\usepackage{longtable}
\usepackage{textcomp}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\captionsetup{font=small,justification=raggedright,singlelinecheck=false}
\emergencystretch=4em
\sloppy
\begin{document}
"""


def latex(document: Document) -> str:
    """The whole file; it reads tables/, figures/, pictures/ and references.bib beside it."""
    parts = [rf"\section*{{{escaped(document.title)}}}", escaped(document.subtitle)]
    parts += [rf"\textbf{{Note.}} {escaped(notice.text)}" for notice in document.notices]
    if document.summary:
        parts.append(rf"\textbf{{{escaped(document.summary)}}}")
    for section in document.sections:
        parts.append(rf"\subsection*{{{escaped(section.title)}}}")
        parts += [text for block in section.blocks if (text := _block(block))]
    if references(document):
        parts.append("\\bibliographystyle{plain}\n\\bibliography{references}")
    return _PREAMBLE + "\n\n".join(part for part in parts if part) + "\n\\end{document}\n"


def references(document: Document) -> list[Reference]:
    """The papers that the document names."""
    return cited(_texts(document))


def bibliography(document: Document) -> str:
    """They as a BibTeX file."""
    return "\n".join(paper.bibtex for paper in references(document))


def _texts(document: Document) -> Iterator[str]:
    yield from (document.title, document.subtitle, document.summary)
    yield from (notice.text for notice in document.notices)
    for section in document.sections:
        yield section.title
        for block in section.blocks:
            match block:
                case Text(text) | Notice(text):
                    yield text
                case Items(items):
                    yield from items
                case Figure(_, caption):
                    yield caption
                case Table() if not block.hidden:
                    yield block.caption
                    for row in block.rows[: min(block.most, MOST_ROWS)]:
                        yield from (cell for cell in row if isinstance(cell, str))


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return escaped(text)
        case Notice(text):
            return rf"\textbf{{Note.}} {escaped(text)}"
        case Code(text):
            lines = (rf"{{\small {typewriter(line)}}}\\" for line in text.splitlines())
            return "{\\raggedright\n" + "\n".join(lines) + "\n}"
        case Tiles(tiles):
            return _items([f"{name}: {in_full(cell)}" for name, cell, _ in tiles])
        case Items(items):
            return _items(items)
        case Figure():
            return _figure(block)
        case Cards(cards):
            return "\n\n".join(_card(card) for card in cards)
        case Table():
            return "" if block.hidden else _table(block)


def _items(items: list[str] | tuple[str, ...]) -> str:
    lines = "\n".join(rf"\item {escaped(item)}" for item in items)
    return f"\\begin{{itemize}}\n{lines}\n\\end{{itemize}}"


def _figure(figure: Figure) -> str:
    """As large as it was drawn, if that fits the page."""
    wide, tall = figure.plot.size
    scale = min(1.0, _WIDTH / wide, _HEIGHT / tall)
    return (
        "\\begin{figure}[H]\n\\centering\n"
        rf"\includegraphics[width={wide * scale:.2f}in]{{figures/{figure.key}.pdf}}"
        f"\n\\caption{{{escaped(figure.caption)}}}\n"
        f"\\label{{fig:{figure.key}}}\n\\end{{figure}}"
    )


def caption_of(table: Table) -> str:
    """The caption, which says whether rows are left out."""
    most = min(table.most, MOST_ROWS)
    if len(table.rows) <= most:
        return table.caption
    return f"{table.caption} The first {most} of {len(table.rows):,}."


def _table(table: Table) -> str:
    caption, label = escaped(caption_of(table)), rf"\label{{tab:{table.key}}}"
    file = rf"\input{{tables/{table.key}.tex}}"
    if is_long(table):  # it numbers itself, though it has no caption
        return (
            f"\\captionof{{table}}{{{caption}}}{label}\\nopagebreak\n\n{file}"
            "\\addtocounter{table}{-1}"
        )
    return (
        f"\\begin{{table}}[H]\n\\caption{{{caption}}}{label}\n\\centering\n{file}\n\\end{{table}}"
    )


def _card(card: Card) -> str:
    lines = ["\\noindent\\begin{minipage}{\\linewidth}\\raggedright"]  # on one page
    lines.append(rf"\medskip\textbf{{{escaped(card.title)}.}}\quad")
    facts = (f"{escaped(name)} {escaped(in_full(cell))}" for name, cell in card.facts)
    lines.append("; ".join(facts))
    if card.pictures:
        shots = "\\quad\n".join(
            rf"\includegraphics[width=0.2\linewidth]{{pictures/{card.key}-{number}.png}}"
            for number in range(len(card.pictures))
        )
        lines.append(f"\n\\begin{{center}}\n{shots}\n\\end{{center}}")
    if card.changes is not None:
        lines.append(f"\n{{\\small {escaped(caption_of(card.changes))}}}\\par\\smallskip")
        lines.append(rf"\input{{tables/{card.changes.key}.tex}}")
    lines.append("\\end{minipage}")
    return "\n".join(lines)
