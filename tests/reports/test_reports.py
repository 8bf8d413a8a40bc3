"""Reports say what the run stored, the same bytes every time, and nothing is taken for markup."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import sqlite3
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from constructions.registry import build
from reports.claims import claim, command
from reports.document import Document, Picture, Section, Table, Tiles
from reports.html import html, rows
from reports.markdown import escaped as markdown_escaped
from reports.numbers import Root, exact_text, shown, with_decimal
from reports.pixels import png
from reports.plane_plot import Plane
from reports.radii import Known, NearestFlip
from reports.run_report import run_report, runs_report
from reports.stored_run import read_run
from reports.write import csv_text, files_of, write_report
from tests.oracles.naive_prover import prove
from tests.oracles.report_runs import DATA, HOSTILE, ROWS, many, sealed, started, with_flip
from verifier.checker.manifest import Question, sample_query
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Radius, Robust
from verifier.evidence.proof_file import save_proof
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.runs.folder import RunFolder
from verifier.runs.place import find_run, place_of
from verifier.runs.run import begin, continue_run, points_of
from verifier.runs.store import SCHEMA


def files(folder: Path, **options: Any) -> dict[str, bytes]:
    return files_of(run_report(read_run(find_run(folder)), **options))


@pytest.fixture(scope="module")
def robust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed(tmp_path_factory.mktemp("reports") / "six")


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_flip(tmp_path_factory.mktemp("reports") / "flipped")


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3465, 1000), "693/200 = 3.465"),
        (Fraction(1, 3), "1/3 \N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}0.333333"),
        (Fraction(7), "7"),
        (Root(Fraction(9, 4)), "3/2 = 1.5"),
        (Root(Fraction(2)), "\N{SQUARE ROOT}2 \N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}1.41421"),
        (Fraction(10**40 + 1, 10**40), "\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}1"),
        (Fraction(-1, 2**5000), "\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}-2^-5000"),
    ],
)
def test_numbers_are_exact_or_say_that_they_are_not(value: Any, text: str) -> None:
    assert with_decimal(value) == text


def test_large_integers_and_nothing_are_shown() -> None:
    assert [shown(1797), shown(None), shown(10**50), shown(True)] == [
        "1,797", "\N{EN DASH}", "about 2^167", "yes",
    ]  # fmt: skip
    assert exact_text(Root(Fraction(13, 4))) == "sqrt(13/4)"


# ---------------------------------------------------------------------- content


def test_the_claim_is_one_exact_sentence(robust: Path, flipped: Path) -> None:
    run = read_run(find_run(robust))
    assert claim(run) == (
        "All 6 samples of six keep their label for every perturbation of L-infinity norm "
        "at most 27/20 = 1.35."
    )
    assert claim(read_run(find_run(flipped))) == (
        "0 of 6 samples of six keep their label for every perturbation of L-infinity norm at "
        "most 3; 1 lose it to one that is shown; of 5 nothing is claimed (1 undecided, 1 failed, "
        "3 not reached)."
    )


def test_every_format_holds_every_table(robust: Path) -> None:
    found = files(robust)
    for name in ("index.html", "report.md", "report.tex", "report.json"):
        assert found[name]
    report = json.loads(found["report.json"])
    assert report["counts"]["robust"] == 6
    assert report["root"] == read_run(find_run(robust)).root
    rows = list(csv.reader(io.StringIO(found["tables/samples.csv"].decode())))
    assert len(rows) == 7
    assert rows[1][:3] == ["0", "a", "robust"]
    sizes = {row[0]: row for row in report["tables"]["sizes"]["rows"]}
    assert sizes["width"][1:] == [7, "= 7", "3n + 1", True]
    assert "\\toprule" in found["tables/sizes.tex"].decode()
    for table in report["tables"]:
        assert f"tables/{table}.csv" in found
    assert "Running-max" in found["report.md"].decode() or "Theorem" in found["report.md"].decode()


def test_the_command_asks_the_same_question(tmp_path: Path, capsys: Any) -> None:
    table = tmp_path / "six.csv"
    table.write_text("".join(f"{x},{y},{k}\n" for (x, y), k in zip(ROWS, "abcabc", strict=True)))
    asked = ["certify", "--data", str(table), "--construction", "linf", "--ratio", "1/2",
             "--norm", "inf", "--radius", "1/7", "--samples", "1:4", "--nodes", "100",
             "--quiet", "--out"]  # fmt: skip
    assert main([*asked, str(tmp_path / "first")]) == 0
    run = read_run(find_run(tmp_path / "first"))
    words = command(run).replace("DATA", str(table)).split()[1:]
    assert main([*words, "--quiet", "--out", str(tmp_path / "second")]) == 0
    assert read_run(find_run(tmp_path / "second")).root == run.root
    capsys.readouterr()


def test_columns_of_numbers_stand_right_and_tables_beside_figures(robust: Path) -> None:
    """A cell without a number stands below its numbers, or below the texts of its column; what only
    files have parts no figure from its table; tiles fill their rows evenly, five in one at most."""
    table = Table("a", "A.", ("number", "text", "both"), ((None, None, "x"), (1, "t", 2)))
    page = html(Document("t", "", "", "plain", (), (Section("s", "S", (table,)),)))
    cells = re.findall(r"<t([dh])\b[^>]*?(?: class=\"(number) ?\")?>", page)
    assert [right for _, right in cells] == ["number", "", ""] * 3
    (plane,) = [one for one in run_report(read_run(find_run(robust))).figures() if one.live]
    figure = replace(plane, wide=False)
    hidden = replace(table, hidden=True)
    assert rows((figure, hidden, table)) == [[figure, table]]
    assert rows((plane, hidden, table)) == [[plane], [table]]
    tiles = [Tiles(tuple((str(k), k, "plain") for k in range(count))) for count in (3, 7, 8, 15)]
    page = html(Document("t", "", "", "plain", (), (Section("s", "S", tuple(tiles)),)))
    assert re.findall(r"--row: (\d+)", page) == ["3", "4", "4", "5"]


def test_two_runs_are_compared(robust: Path, flipped: Path) -> None:
    document = runs_report([read_run(find_run(path)) for path in (robust, flipped)])
    found = files_of(document)
    report = json.loads(found["report.json"])
    assert report["tables"]["runs"]["columns"] == ["what", "six", "flipped"]
    assert ["robust", 6, 0] in report["tables"]["runs"]["rows"]
    assert ["robust", "flip", 1] in report["tables"]["agreement"]["rows"]
    assert {"tables/run1-samples.csv", "tables/run2-samples.csv"} <= set(found)
    identifiers = re.findall(r'\bid="([^"]+)"', found["index.html"].decode())
    assert len(identifiers) == len(set(identifiers))


def test_flips_are_shown_with_their_exact_outputs(flipped: Path) -> None:
    report = json.loads(files(flipped)["report.json"])
    worst = report["worst"][0]
    assert worst["title"] == "Sample 0: flip"
    assert worst["distance of a flip"] == "3"
    assert worst["outputs there"] == "1"
    assert report["tables"]["sample-0"]["rows"] == [["x0", "0", "3", "3"]]
    assert report["worst"][1]["proven margin"] == "-3/7"


def test_images_are_shown_as_pictures(tmp_path: Path) -> None:
    folder = with_flip(tmp_path / "image")
    run = read_run(find_run(folder), image_shape=(1, 2))
    found = files_of(run_report(run))
    assert found["pictures/sample-0-0.png"].startswith(b"\x89PNG")
    assert b"data:image/png;base64," in found["index.html"]
    with pytest.raises(UserError, match="images of 2 x 2 pixels: the samples have 2 inputs"):
        read_run(find_run(folder), image_shape=(2, 2))


def test_the_run_says_how_its_samples_look(tmp_path: Path) -> None:
    looks = {"image_shape": [1, 2], "pixel_range": ["0", "10"], "feature_names": ["left", "right"]}
    run = begin(DATA, build("linf", DATA, ratio=Fraction(1, 2)), folder=tmp_path / "run",
                about=looks)  # fmt: skip
    dataset = read_run(find_run(run.folder.path)).dataset
    assert (dataset.image_shape, dataset.feature_names) == ((1, 2), ("left", "right"))
    assert dataset.pixel_range == (0, 10)


@pytest.mark.parametrize(
    "looks",
    [
        {"image_shape": [2, 2]}, {"image_shape": [-1, -2]}, {"image_shape": "1x2"},
        {"pixel_range": ["0", "1"]}, {"pixel_range": ["x", "9"]}, {"pixel_range": [0, 9]},
        {"feature_names": ["one"]}, {"feature_names": "ab"},
    ],
)  # fmt: skip
def test_looks_that_do_not_fit_are_left_out(looks: dict[str, Any], tmp_path: Path) -> None:
    run = begin(DATA, build("linf", DATA, ratio=Fraction(1, 2)), folder=tmp_path / "run",
                about=looks)  # fmt: skip
    dataset = read_run(find_run(run.folder.path)).dataset
    assert dataset.image_shape is dataset.pixel_range is dataset.feature_names is None


def test_a_png_holds_its_pixels() -> None:
    import numpy as np

    data = png(Picture("", np.array([[0.0, 1.0]])))
    at = data.index(b"IDAT") + 4
    size = int.from_bytes(data[at - 8 : at - 4], "big")
    assert zlib.decompress(data[at : at + size]) == b"\0\xff\x00"


# ------------------------------------------------------------------------ radii

LINE = Dataset.from_rows("line", [(0,), (4,)], [0, 1])


def quarter() -> Network:
    """x / 4, of which the nearest of 0 and 1 is read."""
    builder = NetworkBuilder(1)
    return builder.network([builder.inputs[0] / 4])


STEP = quarter()


def line_run(folder: Path) -> Path:
    continue_run(begin(LINE, STEP, Question("inf", "nearest", Fraction(3, 2)), folder))
    return folder


def test_radii_are_replayed_and_shown(tmp_path: Path) -> None:
    """x / 4 loses the labels 0 of x = 0 and 1 of x = 4 at x = 2, and nowhere before."""
    folder, evidence = line_run(tmp_path / "run"), tmp_path / "radii"
    evidence.mkdir()
    question = Question("inf", "nearest", Fraction(2))
    points = points_of(LINE)
    flip = Flip((Fraction(2),), 0)
    save_proof(evidence / "sample-0-flip.json.gz", sample_query(STEP, points, question, 0), flip)
    meant = replace(question, radius=Fraction(7, 4))
    query = sample_query(STEP, points, meant, 0)
    save_proof(evidence / "sample-0-robust.json", query, proved(query))
    around = ball("inf", (Fraction(4),), Fraction(2), open=True)
    query = Query(STEP, around, sample_query(STEP, points, question, 1).goals)
    pair = Radius(proved(query), flip)
    save_proof(evidence / "sample-1-radius.json.gz", query, pair, with_network=False)
    run = read_run(find_run(folder), radii=evidence)
    nearest = NearestFlip((Fraction(2),), "1"), NearestFlip((Fraction(2),), "0")
    assert run.known == {
        0: Known(Fraction(7, 4), Fraction(2), False, nearest[0]),
        1: Known(Fraction(2), Fraction(2), True, nearest[1]),
    }
    report = json.loads(files_of(run_report(run))["report.json"])
    assert report["radii"]["1"] == {"at_least": "2", "at_most": "2", "exact": True}
    assert ["exact robustness radius, least", "2"] in report["tables"]["radii"]["rows"]
    assert "of 1 exactly" in " ".join(report["statements"]["radii"])
    command = "robmem radius RUN/network.robmem --data DATA --norm inf --decoder nearest"
    assert f"{command} --proofs RADII" in files_of(run_report(run))["report.md"].decode()
    rows = {row[0]: row[1:] for row in report["tables"]["checked"]["rows"]}
    by = "replayed for this report by verifier.checker, in scaled integers"
    assert rows["exact radii: a proof of the open ball and a flip on it"] == [1, by]
    assert rows["proofs of balls of other radii"] == rows["flips of other radii"] == [1, by]
    assert read_run(find_run(folder)).known[1] == Known(Fraction(3, 2), None)
    (evidence / "sample-1-radius.json.gz").unlink()
    run = read_run(find_run(folder), radii=evidence)
    asked = f"{command} --within 1/4 --samples 0 --proofs RADII"
    assert asked in files_of(run_report(run))["report.md"].decode()


def test_radii_of_something_else_are_refused(tmp_path: Path, capsys: Any) -> None:
    folder, evidence = line_run(tmp_path / "run"), tmp_path / "radii"
    command = ["report", str(folder), "-o", str(tmp_path / "report"), "--radii", str(evidence)]
    assert main(command) == 2
    assert "no such folder" in capsys.readouterr().err
    evidence.mkdir()
    assert main(command) == 2
    assert "holds no evidence" in capsys.readouterr().err
    points, flip = points_of(LINE), Flip((Fraction(2),), 0)
    question = Question("inf", "nearest", Fraction(2))
    bad = {
        "sample-1-flip.json": (sample_query(STEP, points, question, 0), flip),
        "sample-7-flip.json": (sample_query(STEP, points, question, 0), flip),
        "sample-0-flip.json": (
            sample_query(STEP, points, replace(question, clip=(Fraction(0), Fraction(3))), 0), flip,
        ),
        "sample-0-radius.json": (sample_query(STEP, points, question, 0), Flip((Fraction(1),), 0)),
    }  # fmt: skip
    for name, (query, verdict) in bad.items():
        save_proof(evidence / name, query, verdict)
        assert main(command) == 4
        assert name in capsys.readouterr().err
        (evidence / name).unlink()
    open_ball = ball("inf", (Fraction(0),), Fraction(2), open=True)
    query = Query(STEP, open_ball, sample_query(STEP, points, question, 0).goals)
    save_proof(evidence / "sample-0-robust.json", query, proved(query))  # true, and 2 is a flip
    assert main(command) == 4
    assert "sample-0-robust.json: of an open ball, which says nothing" in capsys.readouterr().err
    (evidence / "sample-0-robust.json").unlink()
    two = ["report", str(folder), str(folder), *command[2:]]
    assert main(two) == 2
    assert "--radii: 1 folders for 2 runs" in capsys.readouterr().err


def proved(query: Query) -> Robust:
    proof = prove(query)
    assert proof is not None
    return proof


# ------------------------------------------------------------------- who says it


def shown_by(folder: Path, **options: Any) -> tuple[dict[str, list[Any]], dict[str, Any], str]:
    """The rows of what was checked, the same for machines, and the sentences below."""
    report = json.loads(files_of(run_report(read_run(find_run(folder), **options)))["report.json"])
    rows = {row[0]: row[1:] for row in report["tables"]["checked"]["rows"]}
    return rows, report["shown_by"], " ".join(report["statements"]["trust"])


def test_what_was_replayed_is_told_from_what_is_recorded(flipped: Path) -> None:
    rows, facts, text = shown_by(flipped)
    assert rows["flips, evaluated at their points"][0] == 1
    assert rows["samples themselves, which no proof covers"][0] == 6
    assert "proofs that a ball keeps its label" not in rows
    assert "answers of the run's database" not in rows
    assert facts["checker"] == {"robust": 0, "flip": 1} and facts["recorded"] == 0
    assert "Checked: 1 certificate of 1" in text and "Recorded" not in text
    rows, facts, text = shown_by(flipped, replay=False)
    assert rows["answers of the run's database"] == [1, "nobody: recorded, not replayed here"]
    assert facts["checker"] == {"robust": 0, "flip": 0} and facts["recorded"] == 1
    assert "Checked: nothing." in text and "1 answer of the run's database" in text


def test_the_kernel_replays_as_many_as_asked(robust: Path) -> None:
    rows, facts, _ = shown_by(robust, kernel=2)
    assert len(facts["kernel"]) == 2
    (row,) = [row for name, row in rows.items() if name.startswith("of the run's answers")]
    assert row == [2, "replayed for this report by verifier.kernel, in fractions"]
    assert shown_by(robust, kernel=2) == shown_by(robust, kernel=2)
    assert shown_by(robust, kernel=100)[1]["kernel"] == list(range(6))
    assert shown_by(robust)[1]["kernel"] == []


def test_altered_certificates_count_as_nobodys(robust: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    evidence = read_run(find_run(robust)).evidence
    gone = evidence[0].certificate
    lost = sum(one.certificate == gone for one in evidence.values())
    RunFolder(copy).certificate(gone or "").write_bytes(b"{}")
    rows, facts, text = shown_by(copy)
    by = "nobody: their certificates are missing, altered or refused"
    assert rows["answers of the run's database"] == [lost, by]
    assert facts["recorded"] == lost and facts["checker"]["robust"] == 6 - lost
    assert f"{lost} answer" in text


# --------------------------------------------------------------- reproducibility


def test_a_copied_run_gives_the_same_bytes(robust: Path, tmp_path: Path) -> None:
    first = files(robust)
    other = Path(shutil.copytree(robust, tmp_path / "elsewhere" / "renamed"))
    os.utime(other / "run.sqlite", (1, 1))
    assert files(other) == first


def test_no_host_and_no_clock_without_timings(flipped: Path) -> None:
    for name, content in files(flipped).items():
        for secret in (b"secret-host", b"Secret 1", b"2001-02-03", b"20 Date", b"CreationDate",
                       bytes(flipped.parent), b"<dc:date>"):  # fmt: skip
            assert secret not in content, name
    timed = files(flipped, with_timings=True)["index.html"]
    assert b"secret-host" in timed
    assert b"seconds: search" in timed


def test_writing_again_replaces_and_spares_others(robust: Path, tmp_path: Path) -> None:
    document = run_report(read_run(find_run(robust)))
    folder = tmp_path / "report"
    names = write_report(document, folder)
    (folder / "tables" / "old.csv").write_text("old")
    assert write_report(document, folder) == names
    assert not (folder / "tables" / "old.csv").exists()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"thesis\.tex, which is no part of a report"):
        write_report(document, folder)
    assert (folder / "thesis.tex").read_text() == "mine"


# ------------------------------------------------------------------- bad input


def test_an_unfinished_run_says_so_at_the_top(tmp_path: Path) -> None:
    started(tmp_path / "run")
    page = files(tmp_path / "run")["index.html"].decode()
    assert "This run is not finished: 6 of 6 samples were not reached" in page
    assert page.index("not finished") < page.index('id="claim"')


def test_missing_certificates_are_named(robust: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    for path in (copy / "certificates").iterdir():
        path.unlink()
    text = files(copy)["report.md"].decode()
    assert "The evidence is not whole: sample 0: certificate missing" in text


def test_a_missing_flip_is_named(tmp_path: Path) -> None:
    folder = with_flip(tmp_path / "run")
    for path in (folder / "certificates").iterdir():
        path.unlink()
    text = files(folder)["report.md"].decode()
    assert "sample 0: certificate missing" in text


def test_an_altered_seal_is_noticed(robust: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    (copy / "seal.json").write_text("{}")
    assert "the seal is broken" in files(copy)["report.md"].decode()


def test_a_run_without_samples_is_said(robust: Path, tmp_path: Path, capsys: Any) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    with contextlib.closing(sqlite3.connect(copy / "run.sqlite")) as connection, connection:
        connection.execute("DELETE FROM samples")
    assert main(["report", str(copy), "-o", str(tmp_path / "report")]) == 2
    assert "the run has no samples" in capsys.readouterr().err


def test_a_missing_network_is_refused(robust: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    (copy / "network.robmem").unlink()
    with pytest.raises(RefusedError, match="network missing"):
        read_run(place_of(copy))


def test_a_newer_store_and_no_run_are_said(robust: Path, tmp_path: Path, capsys: Any) -> None:
    copy = Path(shutil.copytree(robust, tmp_path / "copy"))
    connection = sqlite3.connect(copy / "run.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    assert main(["report", str(copy), "-o", str(tmp_path / "report")]) == 2
    assert f"run database version {SCHEMA + 1}, this program reads" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none"), "-o", str(tmp_path / "report")]) == 2
    assert "no run is stored there" in capsys.readouterr().err
    assert main(["report", "-o", str(tmp_path / "report")]) == 2
    assert "Missing argument" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_the_command_writes_the_folder(robust: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["report", str(robust), "-o", str(tmp_path / "report")]) == 0
    assert "All 6 samples of six" in capsys.readouterr().out
    written = {
        path.relative_to(tmp_path / "report").as_posix(): path.read_bytes()
        for path in (tmp_path / "report").rglob("*")
        if path.is_file()
    }
    assert written == files(robust)


# -------------------------------------------------------------------- escaping


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = with_flip(tmp_path_factory.mktemp("hostile") / "<u>run</u>", HOSTILE)
    return files(folder)


def test_names_are_no_markup_in_html(hostile: dict[str, bytes]) -> None:
    page = hostile["index.html"].decode()
    for bad in ("<script>alert", "<img src=x", "<u>run", "<b>bold", "<i>the reason", "</style>&"):
        assert bad not in page
    assert "&lt;script&gt;alert" in page
    assert page.count("<script>") == 1
    assert page.count("</style>") == 1


def test_names_are_no_markup_elsewhere(hostile: dict[str, bytes]) -> None:
    for name, content in hostile.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(content)
            assert b"<img" not in content
        if name.endswith((".md", ".tex")):
            text = content.decode()
            assert "<script" not in text
            assert not re.search(r"(?<!\\)\\input\{x\}", text)
    assert "'=1+1" in hostile["tables/samples.csv"].decode()


def test_escaping_leaves_nothing_to_run() -> None:
    assert markdown_escaped("<a|b>`*_") == r"&lt;a\|b\>\`\*\_"
    table = Table("t", "c", ("a",), (("@SUM(1)",), (Fraction(-1, 2),)))
    assert csv_text(table) == "a,a (float)\n'@SUM(1),\n-1/2,-0.5\n"


# ------------------------------------------------------------------------ size


def test_a_page_shows_so_many_samples_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and drawn samples have a limit, which the page names; the tables' files have all."""
    monkeypatch.setattr("reports.run_figures.MOST_DRAWN", 100)
    count = 400
    document = run_report(read_run(find_run(many(tmp_path / "run", count)), jobs=0))
    page = html(document)
    shown = [table for table in document.tables() if not table.hidden]
    assert page.count("<tr") == sum(1 + min(len(table.rows), table.most) for table in shown)
    samples = next(table for table in shown if table.key == "samples")
    assert len(samples.rows) == count > samples.most
    assert f"The first {samples.most} of {count:,}" in page
    assert csv_text(samples).count("\n") == 1 + count
    (plane,) = [figure.plot for figure in document.figures() if figure.key == "regions"]
    assert isinstance(plane, Plane) and len(plane.balls) == 100


@pytest.mark.slow
def test_sixty_thousand_samples_fit_a_page(tmp_path: Path) -> None:
    """What is looked at; the files of data grow with the run."""
    count = 60_000
    run = read_run(find_run(many(tmp_path / "run", count)))
    assert run.counts["robust"] + run.counts["flip"] > 59_000 and run.counts["recorded"] == 0
    found = files_of(run_report(run))
    data = {"report.json", "tables/samples.csv"}
    assert len(found["index.html"]) < 2_000_000
    assert sum(len(text) for name, text in found.items() if name not in data) < 4_000_000
    assert found["tables/samples.csv"].count(b"\n") == 1 + count
