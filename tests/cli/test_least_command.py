"""`robmem least` as it is typed, and `robmem check` of what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracles.commands import run

ROOT = Path(__file__).parents[2]
SEALED = sorted(path.parent.name for path in (ROOT / "reports/least").glob("*/least.json"))
QUICK = ("Linf-triangle", "Linf-xor")


@pytest.fixture
def line(tmp_path: Path) -> str:
    path = tmp_path / "line.csv"
    path.write_text("0,a\n1,b\n2,a\n")
    return str(path)


def test_a_step_function_is_stored_and_replayed(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "least")
    code, out, err = run(capsys, "least", line, "--out", folder, "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["least_width"] == [{
        "from": "0", "to": "1/2", "with_from": True, "with_to": False, "at_least": 2, "at_most": 2,
    }]  # fmt: skip
    for checker in ([], ["--kernel"]):
        code, out, err = run(capsys, "check", folder, "--json", *checker)
        assert (code, err) == (0, "")
        assert json.loads(out)["least_width"] == facts["least_width"]
    before = (tmp_path / "least" / "least.json").read_bytes()
    code, out, _ = run(capsys, "least", line, "--out", folder)
    assert code == 0 and "0 <= mu < 1/2  2" in out
    assert (tmp_path / "least" / "least.json").read_bytes() == before


def test_every_changed_byte_is_noticed(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    folder = tmp_path / "least"
    assert run(capsys, "least", line, "--budgets", "1/4", "--out", str(folder))[0] == 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"):
        content = path.read_bytes()
        path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
        code, out, err = run(capsys, "check", str(folder))
        assert code == 4 and out == "" and err.count("\n") == 1, path
        path.write_bytes(content)
    assert run(capsys, "check", str(folder))[0] == 0


def test_a_claim_that_is_not_proved_is_refused_whatever_the_seal_says(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    from constructions.least.folder import LeastFolder

    folder = tmp_path / "least"
    assert run(capsys, "least", line, "--budgets", "1/4", "--out", str(folder))[0] == 0
    claims = json.loads((folder / "least.json").read_text())
    (possible,) = [claim for claim in claims["claims"] if claim["claim"] == "possible"]
    possible["size"] = "1/2"  # where rival balls touch
    (folder / "least.json").write_text(json.dumps(claims))
    LeastFolder(folder).seal()
    code, _, err = run(capsys, "check", str(folder))
    assert code == 4 and "bound too weak" in err


@pytest.mark.parametrize(("arguments", "said"), [
    (("--depth", "4"), "depth 4"),
    (("--depth", "3", "--count", "units"), "--depth 3"),
    (("--budgets", "1/2"), "is not below half the separation"),
    (("--budgets", "-1"), "is negative"),
    (("--budgets", "x"), "--budgets: not a rational number"),
    (("--budgets-squared", "1/9"), "--budgets-squared is for norm 2"),
    (("--max-width", "40"), "give a smaller --max-width"),
])  # fmt: skip
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str], line: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, "least", line, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and said in err


def test_the_count_that_is_shown_is_asked(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Of one input a network of width 2 has 2 units and 2 (1 + 2) + 1 parameters."""
    for count, shown in (("width", "2"), ("units", "2"), ("parameters", "7")):
        code, out, _ = run(capsys, "least", line, "--budgets", "1/4", "--count", count)
        assert code == 0 and f"least {count}" in out and f"mu = 1/4  {shown}\n" in out
    _, out, _ = run(capsys, "least", line, "--budgets", "1/4", "--json")
    assert json.loads(out)["least_parameters"] == [{"at_least": 7, "at_most": 7}]


def test_depth_three_is_what_depth_two_says(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    """Exact where depth 2 needs at most two units; star3 needs three there from 1/4 on."""
    folder = str(tmp_path / "f")
    asked = ("least", line, "--budgets", "1/4", "--out", folder)
    code, out, _ = run(capsys, *asked, "--depth", "3")
    assert code == 0 and "networks of depth 3" in out and "mu = 1/4  2\n" in out
    code, out, _ = run(capsys, "check", folder, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["depth"] == 3 and facts["least_parameters"] is None
    code, _, err = run(capsys, *asked)
    assert code == 2 and "the depth there is 3, asked is 2" in err
    page = tmp_path / "page"
    assert run(capsys, "report", "least", folder, "-o", str(page))[0] == 0
    assert (page / "tables/least.csv").read_text().count("parameters") == 0


def test_all_labelings_are_a_table_and_a_report(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "all")
    asked = ("least", line, "--all-labelings", "--budgets", "1/4")
    code, out, _ = run(capsys, *asked, "--out", folder)
    assert code == 0 and "6 labelings of 2 kinds" in out
    rows = [row.split() for row in out.splitlines()]
    assert ["001", "4", "mu", "1/2", "1", "for", "mu", "=", "1/4"] in rows
    assert ["010", "2", "mu", "1/2", "2", "for", "mu", "=", "1/4"] in rows
    code, out, _ = run(capsys, *asked, "--json")
    assert code == 0 and [row["labels"] for row in json.loads(out)["labelings"]] == ["001", "010"]
    assert run(capsys, "check", f"{folder}/010")[0] == 0
    code, out, _ = run(capsys, *asked, "--max-width", "1")
    assert code == 3 and "at least 2" in out
    page = str(tmp_path / "page")
    assert run(capsys, "report", "least", folder, "-o", page)[0] == 0
    assert "010" in (tmp_path / "page/index.html").read_text()
    assert (tmp_path / "page/tables/labelings.tex").is_file()


def test_a_report_of_least_networks_replays_them(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    folder = tmp_path / "least"
    assert run(capsys, "least", line, "--budgets", "1/4", "--out", str(folder))[0] == 0
    pages = [tmp_path / "one", tmp_path / "two"]
    for page in pages:
        assert run(capsys, "report", "least", str(folder), "-o", str(page), "--kernel")[0] == 0
    table = (pages[0] / "tables/least.csv").read_text()
    assert "mu = 1/4" in table and (pages[0] / "report.tex").is_file()
    for path in pages[0].rglob("*.*"):
        assert path.read_bytes() == (pages[1] / path.relative_to(pages[0])).read_bytes()
    content = (folder / "least.json").read_bytes()
    (folder / "least.json").write_bytes(content.replace(b'"1/4"', b'"1/3"', 1))
    assert run(capsys, "report", "least", str(folder), "-o", str(pages[0]))[0] == 4
    code, _, err = run(capsys, "report", "least", str(tmp_path / "one"), "-o", str(pages[1]))
    assert code == 2 and "no folder of robmem least" in err


def test_a_family_that_is_given_is_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    least = ROOT / "reports/least"
    given = ("--family", str(least / "board-family.robmem"))
    asked = ("least", str(least / "board.csv"), "--budgets", "2/5", "--max-width", "1", *given)
    code, out, _ = run(capsys, *asked, "--scaled", "0", "--out", str(tmp_path / "f"))
    assert code == 3 and "2..4" in out and "of every radius below 1/2, axis 0 scaled" in out
    code, out, _ = run(capsys, "check", str(tmp_path / "f"), "--kernel")
    assert code == 3 and "2..4" in out
    for more, said in (
        ((), "does not read the label of sample"),
        (("--scaled", "7"), "malformed"),
        (("--scaled", "x"), "no number of an input"),
        (("--scaled", "0", "--all-labelings"), "--family is about one labeling"),
    ):
        code, out, err = run(capsys, *asked, *more)
        assert code == 2 and out == "" and err.count("\n") == 1 and said in err
    code, _, err = run(capsys, "least", str(least / "board.csv"), "--scaled", "0")
    assert code == 2 and "there is none" in err


def test_a_folder_of_another_question_is_not_taken_up(
    capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "least")
    assert run(capsys, "least", line, "--budgets", "1/4", "--out", folder)[0] == 0
    code, _, err = run(capsys, "least", line, "--budgets", "1/4", "--norm", "1", "--out", folder)
    assert code == 2 and "the norm there is inf, asked is 1" in err


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in SEALED]
)
def test_the_rows_of_the_table_are_what_their_sealed_runs_show(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The row in docs/least.md, and that it is about the table beside the run."""
    from constructions.least.answer import read_least, width_text
    from verifier.data.load import load
    from verifier.runs.run import points_of

    found = read_least(ROOT / "reports/least" / name)
    norm, data = name.split("-")
    assert found.points.digest == points_of(load(f"{ROOT}/reports/least/{data}.csv")).digest
    assert "L" + found.asked.norm == norm
    steps = "; ".join(f"{width_text(p)} for {p.text(found.unit)}" for p in found.segments)
    lines = (ROOT / "docs/least.md").read_text().splitlines()
    said = "XOR" if data == "xor" else data
    row = f"| {said}, {norm.replace('Linf', 'L-inf')} | "
    assert [
        f"| {steps} | " in line for line in lines if line.startswith(row) and ".csv" in line
    ] == [True]


ALL = sorted(path.parent for path in (ROOT / "reports/least/all").glob("*/labelings.json"))


@pytest.mark.parametrize("folder", ALL, ids=lambda folder: folder.name)
def test_the_rows_of_all_labelings_are_what_their_sealed_runs_show(folder: Path) -> None:
    from constructions.least.answer import read_least, steps_text
    from constructions.least.labelings import labelings, labelled, read_table
    from verifier.data.load import load
    from verifier.runs.run import points_of

    norm, name = folder.name.split("-")
    data = load(f"{ROOT}/reports/least/all/{name}.csv")
    listed, classes = read_table(folder)
    assert listed == labelings(data, norm.removeprefix("L")) and len(listed) == classes
    lines = (ROOT / "docs/least.md").read_text().splitlines()
    begin = f"| {name}, {norm.replace('Linf', 'L-inf')} | "
    rows = [line for line in lines if line.startswith(begin) and line.count("|") == 5]
    shown = []
    for one in listed:
        found = read_least(folder / one.text)
        assert found.points.digest == points_of(labelled(data, one)).digest
        assert "L" + found.asked.norm == norm
        shown.append(f"{begin}{one.text} | {one.alike} | {steps_text(found)} |")
    assert rows == shown


def test_every_row_of_all_labelings_has_a_run() -> None:
    lines = (ROOT / "docs/least.md").read_text().splitlines()
    found = {
        line.split("|")[1].strip() for line in lines if line.count("|") == 5 and "alike" not in line
    }
    known = {path.name for path in ALL}
    named = {
        name.split(", ")[1].replace("-", "") + "-" + name.split(", ")[0]
        for name in found
        if ", L" in name
    }
    assert named == known and known


def test_every_row_has_a_sealed_run() -> None:
    rows = [line for line in (ROOT / "docs/least.md").read_text().splitlines() if ".csv" in line]
    assert len([row for row in rows if row.startswith("| ")]) == len(SEALED) >= 13
