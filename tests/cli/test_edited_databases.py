"""A database of runs that somebody has edited never ends a command in a traceback.

Whatever stands in it, every command ends with 0, 1 or 3, or with 2 or 4 and one line.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from reports.serve import NotFound, Site
from tests.oracles.runs import DATA, started
from verifier.cli.main import main
from verifier.evidence.network_file import load_network, save_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.runs.run import continue_run

VALUES: dict[str, object] = {
    "nothing": None,
    "a text": "x",
    "an empty text": "",
    "a negative number": -1,
    "a huge number": 2**63 - 1,
    "a float": 0.5,
    "an infinite number": float("inf"),
    "bytes": b"\xff\xfe\x00",
    "a long text": "9" * 5000,
    "control characters": "\x1b[31mred\n\x07\u202e",
    "half a pair": '{"data": "\\ud800"}',
    "another object": '{"norm": 1, "clip": [1], "host": [], "size": "x", "label_names": 3}',
    "a list": "[1]",
    "deep": "[" * 100_000,
    "markup": "<script>alert(1)</script>",
    "a path": "../../../etc/passwd",
}
COLUMNS = {
    "runs": "name folder network data question options about root",
    "samples": "sample state certificate text_bytes packed_bytes rival reason lower_bound"
    " lowest_seen nodes bounds_seconds search_seconds check_seconds attempts misread",
    "hosts": "started facts",
    "attempts": "sample worker ended state reason seconds",
    "rivals": "sample goal rival state lower_bound nodes",
}
COMMANDS = {
    "list": ("runs", "list", "."),
    "list as JSON": ("runs", "list", ".", "--json"),
    "show": ("runs", "show", "run"),
    "show as JSON": ("runs", "show", "run", "--json"),
    "export": ("runs", "export", "run"),
    "export rivals": ("runs", "export", "run", "--rivals", "--json"),
    "parquet": ("runs", "export", "run", "--parquet", "-o", "out.parquet"),
    "watch": ("runs", "watch", "run", "--once"),
    "collect": ("runs", "gc", ".", "--dry-run"),
    "check": ("check", "run", "--quiet"),
    "report": ("report", "run", "-o", "page"),
    "seal": ("runs", "seal", "run"),
    "retry": ("certify", "--data", "six.csv", "--radius", "1/10", "--network", "net.robmem",
              "--decoder", "nearest", "--out", "run", "--retry", "failed", "--jobs", "0",
              "--quiet"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run with proofs, and one with flips and open samples, and what began them."""
    folder = tmp_path_factory.mktemp("edited")
    continue_run(started(folder / "proofs"))
    build = NetworkBuilder(2)
    x, _ = build.inputs
    save_network(build.network([x]), folder / "net.robmem")
    rows = zip(DATA.numerators.tolist(), DATA.labels.tolist(), strict=True)
    text = "".join(f"{a},{b},{DATA.label_names[k]}\n" for (a, b), k in rows)
    (folder / "six.csv").write_text(text)
    begin = [*COMMANDS["retry"]]
    begin[begin.index("run")] = str(folder / "flips")
    begin[begin.index("net.robmem")] = str(folder / "net.robmem")
    begin[begin.index("six.csv")] = str(folder / "six.csv")
    begin[begin.index("1/10")] = "3"
    assert main(begin) == 1
    assert load_network(folder / "flips" / "network.robmem").inputs == 2
    return folder


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("six.csv", "net.robmem"):
        shutil.copy(folder / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(path: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA writable_schema = ON")
        for statement, values in statements:
            connection.execute(statement, values)


def fresh(folder: Path, here: Path, which: str) -> Path:
    for name in ("run", "page"):
        shutil.rmtree(here / name, ignore_errors=True)
    (here / "out.parquet").unlink(missing_ok=True)
    return Path(shutil.copytree(folder / which, here / "run")) / "run.sqlite"


def tried(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs the command and looks at how it ends."""
    code = main(COMMANDS[command])
    said = capsys.readouterr()
    assert code in (0, 1, 2, 3, 4), (command, code, said.err)
    if code in (2, 4):
        assert said.err.startswith("error: ") and said.err.count("\n") == 1, (command, said.err)
    printed = said.err + ("" if command == "export" else said.out)  # data are exported as they are
    assert all(sign.isprintable() or sign == "\n" for sign in printed), command


def browsed(here: Path) -> None:
    """Every page of the run ends in a page, or in an error that the server shows."""
    try:
        site = Site(here)
    except UserError:
        return
    for address in ("/", "/run/run", "/run/run/sample/0", "/run/run?sort=x"):
        with suppress(NotFound, UserError):
            assert "<html" in site.page(address)


def edits() -> Iterator[tuple[str, tuple[tuple[str, tuple[object, ...]], ...]]]:
    for table, columns in COLUMNS.items():
        for column in columns.split():
            for what, value in VALUES.items():
                where = "" if table == "runs" else " WHERE rowid = (SELECT min(rowid) FROM {})"
                if table in ("samples", "rivals"):  # without rowid
                    where = " WHERE sample = 1"
                statement = f"UPDATE OR REPLACE {table} SET {column} = ?{where.format(table)}"
                yield f"{table}.{column}: {what}", ((statement, (value,)),)


ALL = dict(edits())


def try_all(
    names: list[str], commands: list[str], folder: Path, here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for number, name in enumerate(names):
        for which in ("proofs", "flips"):
            for command in commands[number % 3 :: 3] if len(names) > 20 else commands:
                path = fresh(folder, here, which)
                try:
                    edit(path, *ALL[name])
                except (sqlite3.Error, OverflowError):
                    continue  # SQLite itself does not take this value there
                tried(command, here, capsys)
            browsed(here)


READING = [name for name in COMMANDS if name not in ("report", "check", "seal", "retry")]


@pytest.mark.parametrize("seed", range(3))
def test_no_value_ends_in_a_traceback(seed, folder, here, capsys):
    """A part of all edits, with a part of all commands each."""
    names = random.Random(seed).sample(sorted(ALL), 5)
    chosen = random.Random(seed).sample(sorted(COMMANDS), 4)
    try_all(names, chosen, folder, here, capsys)


@pytest.mark.parametrize("column", ["options", "question", "about"])
def test_a_run_of_other_objects_is_not_continued(column, folder, here, capsys):
    edit(fresh(folder, here, "flips"), *ALL[f"runs.{column}: another object"])
    tried("retry", here, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("table", COLUMNS)
def test_no_value_in_any_column_ends_in_a_traceback(table, folder, here, capsys):
    names = [name for name in ALL if name.startswith(f"{table}.")]
    try_all(names, list(COMMANDS), folder, here, capsys)


def renamed(path: Path, made: str) -> None:
    edit(path, ("ALTER TABLE samples RENAME TO kept", ()), (made, ()))


ENDLESS = (
    "CREATE VIEW samples AS WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n)"
    " SELECT kept.* FROM kept, n"
)
SCHEMAS: dict[str, Callable[[Path], None]] = {
    "an endless view": lambda path: renamed(path, ENDLESS),
    "a view": lambda path: edit(path, ("CREATE VIEW more AS SELECT 1", ())),
    "a trigger": lambda path: edit(
        path, ("CREATE TRIGGER t AFTER UPDATE ON samples BEGIN DELETE FROM runs; END", ())
    ),
    "another table": lambda path: edit(path, ("CREATE TABLE more (x)", ())),
    "a column more": lambda path: edit(path, ("ALTER TABLE samples ADD COLUMN more", ())),
    "a column less": lambda path: edit(path, ("ALTER TABLE rivals DROP COLUMN lower_bound", ())),
    "a table less": lambda path: edit(path, ("DROP TABLE rivals", ())),
    "an index less": lambda path: edit(path, ("DROP INDEX samples_by_state", ())),
    "a generated column": lambda path: edit(
        path, ("ALTER TABLE runs ADD COLUMN g GENERATED ALWAYS AS (abs(id)) VIRTUAL", ())
    ),
    "a later version": lambda path: edit(path, ("PRAGMA user_version = 99", ())),
    "a negative version": lambda path: edit(path, ("PRAGMA user_version = -1", ())),
    "an earlier version": lambda path: edit(path, ("PRAGMA user_version = 1", ())),
    "no version": lambda path: edit(path, ("PRAGMA user_version = 0", ())),
    "a schema of noise": lambda path: edit(path, ("UPDATE sqlite_master SET sql = 'x'", ())),
    "a schema of bytes": lambda path: edit(path, ("UPDATE sqlite_master SET sql = x'ff'", ())),
    "roots elsewhere": lambda path: edit(path, ("UPDATE sqlite_master SET rootpage = 2", ())),
    "an empty file": lambda path: path.write_bytes(b"") and None,
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 16) and None,
    "half a file": lambda path: (
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None
    ),
    "no file": lambda path: path.unlink(),
}


@pytest.mark.parametrize("what", SCHEMAS)
def test_another_schema_is_refused_by_every_command(what, folder, here, capsys):
    """Before a table is read; so a view that does not end hangs none."""
    for command in COMMANDS:
        path = fresh(folder, here, "proofs")
        SCHEMAS[what](path)
        code = main(COMMANDS[command])
        said = capsys.readouterr()
        if what in ("no file", "an empty file"):  # what was being made is made anew
            assert code in (0, 1, 2, 4), (command, code, said)
        else:
            assert code in (2, 4), (command, code, said)
        assert "Traceback" not in said.err and said.err.count("\n") <= 1
    browsed(here)


ROWS = {
    "no run": "DELETE FROM runs",
    "two runs": "INSERT INTO runs SELECT 7, 'second', folder, network, data, question, options,"
    " about, root FROM runs",
    "no sample": "DELETE FROM samples",
    "a sample less": "DELETE FROM samples WHERE sample = 0",
    "a sample beyond the data": "UPDATE samples SET sample = 99 WHERE sample = 1",
    "samples of no run": "UPDATE samples SET run = 9",
    "no rival": "DELETE FROM rivals",
    "no host": "DELETE FROM hosts",
    "a proof less": "UPDATE samples SET certificate = NULL",
    "a proof of nothing": "UPDATE samples SET certificate = printf('%064x', 5)"
    " WHERE certificate NOT NULL",
    "a flip that is robust": "UPDATE samples SET state = 'robust', rival = NULL"
    " WHERE certificate NOT NULL",
    "a proof that is a flip": "UPDATE samples SET state = 'flip', rival = '1'"
    " WHERE certificate NOT NULL",
}


@pytest.mark.parametrize("what", ROWS)
def test_no_row_ends_in_a_traceback(what, folder, here, capsys):
    which = "proofs" if sorted(ROWS).index(what) % 3 == 0 else "flips"
    for command in COMMANDS:
        edit(fresh(folder, here, which), (ROWS[what], ()))
        tried(command, here, capsys)
    browsed(here)


def test_a_bad_run_does_not_take_its_neighbours_along(folder, here, capsys):
    shutil.copytree(folder / "proofs", here / "good")
    edit(fresh(folder, here, "flips"), ("UPDATE runs SET about = 'x'", ()))
    for more in ((), ("--json",)):
        assert main(("runs", "list", ".", *more)) == 4
        said = capsys.readouterr()
        assert "good" in said.out and "run.sqlite" not in said.out
        assert said.err.count("\n") == 1 and "run/run.sqlite" in said.err
    assert "run.sqlite" in Site(here).page("/") and "good" in Site(here).page("/")
