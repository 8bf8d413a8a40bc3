"""Run folders made by somebody else: checked in bounded time, and nothing is written elsewhere."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracles.limits import Limits
from tests.oracles.runs import checked, files, started
from verifier.evidence.packed import pack
from verifier.question.errors import UserError
from verifier.runs.folder import CERTIFICATES, RunFolder
from verifier.runs.run import continue_run
from verifier.runs.store import Store


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "run"
    continue_run(started(folder))
    return folder


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "inside" / "copy"))


def first_certificate(folder: Path) -> Path:
    return min((folder / CERTIFICATES).iterdir())


def replaced_by(make: Callable[[Path], object], name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = first_certificate(folder) if name == CERTIFICATES else folder / name
        path.unlink()
        make(path)

    return change


def bomb(path: Path) -> None:
    path.write_bytes(pack(b"\0" * (64 << 20)))


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def endless_view(folder: Path) -> None:
    """A view that never ends in the place of a table."""
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute("ALTER TABLE samples RENAME TO kept")
        connection.execute(
            "CREATE VIEW samples AS WITH RECURSIVE n(k) AS "
            "(SELECT 1 UNION ALL SELECT k + 1 FROM n) SELECT * FROM kept, n"
        )


FILES = ("network.robmem", "data.robmem.gz", "manifest.json", "seal.json", "run.sqlite",
         CERTIFICATES)  # fmt: skip
CHANGES: dict[str, Callable[[Path], None]] = {
    f"{name} is {what}": replaced_by(make, name)
    for name in FILES
    for what, make in (
        ("a pipe", os.mkfifo),
        ("a folder", lambda path: path.mkdir()),
        ("a link to a device", lambda path: path.symlink_to("/dev/zero")),
        ("a link to itself", lambda path: path.symlink_to(path)),
        ("a link to a file outside", lambda path: path.symlink_to("/etc/hostname")),
        ("empty", lambda path: path.write_bytes(b"")),
        ("noise", lambda path: path.write_bytes(bytes(range(256)) * 9)),
        ("deep", lambda path: path.write_bytes(b"[" * 10**6)),
        ("a bomb", bomb),
    )
}
# Sealed files are hashed whole before anything else, which takes a while for a terabyte.
CHANGES["the manifest is a terabyte"] = replaced_by(sparse, "manifest.json")
CHANGES["the network is a terabyte"] = replaced_by(sparse, "network.robmem")


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_that_is_none_is_refused(copy: Path, name: str) -> None:
    CHANGES[name](copy)
    outside = files(copy.parent.parent, database=True) if "terabyte" not in name else {}
    with Limits():
        code, message = checked(copy)
    assert code in (2, 4) and message.startswith("error: ") and message.count("\n") == 1
    if outside:
        assert files(copy.parent.parent, database=True) == outside


def test_a_database_with_a_query_of_its_own(copy: Path) -> None:
    with Store(copy / "run.sqlite") as store:
        store.check_integrity()
    endless_view(copy)
    for read_only in (True, False):
        with Limits(), pytest.raises(UserError, match="it holds a (table, kept|view, samples)"):
            Store(copy / "run.sqlite", read_only=read_only)


@pytest.mark.parametrize("name", [CERTIFICATES, "run.sqlite", "run.sqlite-wal", ".lock"])
def test_no_run_is_written_through_a_link(copy: Path, tmp_path: Path, name: str) -> None:
    """A folder whose parts lead elsewhere is not continued."""
    (tmp_path / "elsewhere").mkdir()
    path = copy / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="a link"):
        started(copy)
    with pytest.raises(UserError, match="a link"), RunFolder(copy).lock():
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []
