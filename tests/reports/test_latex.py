"""LaTeX that goes into a paper: nothing is run, dashes stay, tables fit, and it compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from constructions.construction import Promises
from constructions.registry import REGISTRY, build
from reports.claims import claim
from reports.document import Document, Section, Table, Text
from reports.formulas import mathematics
from reports.latex import latex
from reports.latex_text import escaped, typewriter
from reports.numbers import Formula, Hash, Root
from reports.references import PAPERS, cited
from reports.run_report import run_report, runs_report
from reports.stored_run import read_run
from reports.tabular import cell_text, is_long, tabular
from reports.theory import theory_report
from reports.write import write_report
from tests.oracles.gallery import ENTRIES, FOLDER, Entry
from tests.oracles.report_runs import DATA, HOSTILE, kinds, sealed, with_flip
from verifier.data.dataset import Dataset
from verifier.runs.place import find_run

LARGEST_OVERFULL = 5.0  # points

# -------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\\a{b}$%&_#\n<", r"\textbackslash{}a\{b\}\$\%\&\_\# \textless{}"),
        ("^~", r"\textasciicircum{}\textasciitilde{}"),
        ("\N{SNOWMAN}", r"\texttt{U+2603}"),
        ("robmem --data X", r"robmem -{}-data X"),
        ("a---b", "a-{}-{}-b"),
        ("2\N{EN DASH}3", r"2\textendash{}3"),
        ("x\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}1", r"x$\approx$~1"),
        ("'a' `b`", r"\textquotesingle{}a\textquotesingle{} \textasciigrave{}b\textasciigrave{}"),
    ],
)  # fmt: skip
def test_nothing_is_run_and_dashes_stay(text: str, wanted: str) -> None:
    assert escaped(text) == wanted


def test_long_words_may_be_broken_and_lose_no_letter() -> None:
    random = Random(1)
    for _ in range(200):
        word = "".join(random.choice("abc-_/.,:0123456789") for _ in range(random.randint(1, 90)))
        found = typewriter(word)
        parts = found[len(r"\texttt{") : -1].split(r"\allowbreak{}")
        assert max(len(part.replace("{}", "").replace("\\_", "_")) for part in parts) <= 24
        assert "".join(parts).replace("{}", "").replace("\\_", "_") == word
        assert "--" not in found


def test_papers_are_cited_where_they_are_named() -> None:
    text = "Its theorem: Yu, Gao, Zhang, ICLR 2024, Theorem 4.8"
    assert escaped(text) == text.replace("Zhang", r"Zhang~\cite{yu2024}")
    assert escaped(text, cite=False) == text
    document = Document("t", "", text, "plain", (), (Section("s", "S", (Text("Kim et al."),)),))
    assert [paper.key for paper in cited([text, "Kim et al."])] == ["yu2024", "kim2025"]
    assert r"\bibliography{references}" in latex(document)
    assert r"\bibliography" not in latex(Document("t", "", "", "plain", (), ()))


TWO = Dataset.from_rows("two", [(0, 0), (3, 0), (0, 4), (9, 9)], [0, 1, 1, 0])


@pytest.fixture(scope="module")
def promises() -> dict[str, Promises]:
    """What each construction promises for some data that it takes."""
    return {name: build(name, TWO, ratio=Fraction(1, 8)).promises for name in REGISTRY}


def test_every_source_of_a_construction_is_a_paper(promises: dict[str, Promises]) -> None:
    for promised in promises.values():
        assert len(cited([promised.source])) == 1, promised.source
    for paper in PAPERS:
        assert re.fullmatch(r"@\w+\{\w+,\n(  \w+ = \{.*\},?\n)+\}\n", paper.bibtex)


# ----------------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3n + 1", "$3n + 1$"),
        ("P(ceil(log2 n) + 2) + 1", r"$P(\lceil \log_2  n\rceil  + 2) + 1$"),
        ("longest of (x_ik + c) / M, 4^(1-m)", r"longest of $(x_{ik} + c) / M$, $4^{1-m}$"),
        ("6nJN + ceil(log2 N_max)", r"$6nJN + \lceil \log_2  N_{\max}\rceil $"),
        ("sqrt(n) * mu", r"$\sqrt{n} \cdot  \mu $"),
        ("2^(bits of K)", r"$2^{\text{ bits } \text{ of } K}$"),
        ("max(bits of K, y)", r"$\max($bits of $K$, $y)$"),
        ("W, the number of half-spaces", r"$W$, the number of half-spaces"),
        ("(n", None),
        ("n)", None),
        ("\\input{x}", None),
        ("", None),
    ],
)  # fmt: skip
def test_formulas_are_mathematics(text: str, wanted: str | None) -> None:
    assert mathematics(text) == wanted


def test_every_formula_of_a_theorem_is_read(promises: dict[str, Promises]) -> None:
    for promised in promises.values():
        for size in promised.sizes().values():
            found = mathematics(size.formula)
            assert found is not None and found.count("{") == found.count("}"), size.formula


# ------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        (Root(Fraction(97, 8)), r"$\sqrt{97/8}$ $\approx$~3.4821"),
        (Root(Fraction(9, 4)), "3/2 = 1.5"),
        (Fraction(-1, 5), "$-$1/5 = $-$0.2"),
        (Formula("3n + 1"), "$3n + 1$"),
        (Formula("\\x"), r"\textbackslash{}x"),
        (Hash("a" * 64), r"\texttt{aaaaaaaaaaaaaaaa}"),
        ("-1", "-1"),
        (None, r"\textendash{}"),
    ],
)  # fmt: skip
def test_cells_are_mathematics(cell: Any, wanted: str) -> None:
    assert cell_text(cell) == wanted


def test_tables_are_environments_without_captions() -> None:
    short = Table("t", "A caption", ("a", "b"), ((1, "x"), (2, "y")))
    text = tabular(short)
    assert text.count(r"\begin{tabular}{@{}rl@{}}") == 1 and "caption" not in text
    rows = tuple((k, "x") for k in range(50))
    long = Table("t", "A caption", ("a", "b"), rows)
    assert is_long(long) and not is_long(short)
    text = tabular(long)
    assert r"\begin{longtable}" in text and r"\endhead" in text and "caption" not in text
    assert text.count(r" \\") == 51


# ---------------------------------------------------------------------- documents


def built(folder: Path) -> tuple[str, str]:
    """The text of the PDF that LaTeX makes of the report in this folder, and the log."""
    for program in ("pdflatex", "bibtex", "pdftotext", "pdffonts"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")

    def run(*words: str) -> str:
        ended = subprocess.run(words, cwd=folder, capture_output=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:].decode("utf-8", "replace")
        return ended.stdout.decode("utf-8", "replace")

    compile_it = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex")
    run(*compile_it)
    if (folder / "references.bib").exists():
        run("bibtex", "report")
    run(*compile_it)
    run(*compile_it)
    lines = run("pdffonts", "report.pdf").splitlines()
    column = lines[0].index("emb")
    assert all(line[column : column + 3] == "yes" for line in lines[2:]), lines
    text = run("pdftotext", "-layout", "report.pdf", "-")
    return text, (folder / "report.log").read_text("utf-8", "replace")


def check(folder: Path) -> str:
    """The text; the log has no overfull box above 5 pt, no undefined reference, no lost float."""
    text, log = built(folder)
    overfull = [float(size) for size in re.findall(r"Overfull \\hbox \(([0-9.]+)pt", log)]
    assert max(overfull, default=0) <= LARGEST_OVERFULL, overfull
    for bad in ("undefined", "multiply defined", "Too many unprocessed", "Float too large"):
        assert bad not in log, bad
    assert not set(text) & set("\ufb00\ufb01\ufb02\ufb03\ufb04")  # words are found by their letters
    return text


def test_a_report_compiles(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    write_report(run_report(read_run(find_run(sealed(tmp_path / "run")))), folder)
    text = check(folder)
    assert "--construction linf --ratio 9/10" in text
    assert "keep their label" in " ".join(text.split())
    assert "References" in text and "Optimal robust memorization" in " ".join(text.split())
    again = folder / "report.pdf"
    before = again.read_bytes()
    assert b"CreationDate" not in before
    again.unlink()
    check(folder)
    assert again.read_bytes() == before
    write_report(run_report(read_run(find_run(tmp_path / "run"))), folder)
    assert not (folder / "report.log").exists()  # what LaTeX made is replaced with the report


@pytest.mark.slow
def test_names_that_are_markup_compile(tmp_path: Path) -> None:
    write_report(
        run_report(read_run(find_run(with_flip(tmp_path / "run", HOSTILE)), image_shape=(1, 2))),
        tmp_path / "report",
    )
    text = check(tmp_path / "report")
    assert "<script>alert" in text and "worker lost" in text and "flip" in text


@pytest.mark.slow
def test_a_comparison_and_an_extract_compile(tmp_path: Path) -> None:
    """A table is read by a paper of its own that knows three packages."""
    runs = [
        read_run(find_run(sealed(tmp_path / "six"))),
        read_run(find_run(with_flip(tmp_path / "f"))),
    ]
    write_report(runs_report(runs), tmp_path / "report")
    assert "Comparison" in check(tmp_path / "report")
    paper = (
        "\\documentclass{article}\\usepackage[textwidth=5.5in]{geometry}"
        "\\usepackage{amsmath,array,booktabs}\\begin{document}\n"
        "\\begin{table}\\caption{Mine.}\\input{tables/run1-sizes}\\end{table}\\end{document}\n"
    )
    (tmp_path / "report" / "report.tex").write_text(paper)
    (tmp_path / "report" / "references.bib").unlink()
    assert "Mine." in check(tmp_path / "report")


@pytest.mark.slow
def test_theory_compiles(tmp_path: Path) -> None:
    write_report(theory_report(DATA, [Fraction(1, 100), Fraction(9, 10)]), tmp_path / "report")
    text = check(tmp_path / "report")
    assert "What the theorems promise" in " ".join(text.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["far", "least", "every"])
def test_every_kind_of_run_compiles(tmp_path: Path, name: str) -> None:
    """Distances, least margins, every budget."""
    run = read_run(find_run(kinds(tmp_path) / name))
    write_report(run_report(run), tmp_path / "report")
    assert claim(run)[:40] in " ".join(check(tmp_path / "report").split())


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_the_gallery_compiles(tmp_path: Path, entry: Entry) -> None:
    """Trained networks with radii, slices, comparisons, controls, families, theory."""
    shutil.copytree(FOLDER / entry.name, tmp_path / "report")
    assert check(tmp_path / "report")


@pytest.mark.slow
def test_wide_and_long_tables_stay_on_the_page(tmp_path: Path) -> None:
    """Random tables of words, numbers, digests and formulas, of two to twelve columns."""
    random = Random(9)
    makers: Sequence[Any] = (
        lambda: " ".join("w" * random.randint(1, 14) for _ in range(random.randint(1, 25))),
        lambda: Fraction(random.randint(-9999, 9999), random.randint(1, 999)),
        lambda: random.randint(0, 10**9),
        lambda: Root(Fraction(random.randint(1, 999), random.randint(1, 99))),
        lambda: Hash(f"{random.getrandbits(256):064x}"),
        lambda: Formula("N(4n+6)(3n+3) + 4n + 8 + ceil(log2 N)"),
        lambda: "x" * random.randint(1, 60),
    )
    blocks = []
    for number in range(40):
        kinds = [random.choice(makers) for _ in range(random.randint(2, 9))]
        count = random.choice((1, 5, 20, 45))
        rows = tuple(tuple(make() for make in kinds) for _ in range(count))
        names = tuple("a column " * random.randint(1, 2) for _ in kinds)
        blocks.append(Table(f"t{number}", f"Table {number}.", names, rows))
    document = Document("Tables", "", "", "plain", (), (Section("s", "Tables", tuple(blocks)),))
    write_report(document, tmp_path / "report")
    check(tmp_path / "report")
