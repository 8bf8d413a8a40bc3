"""Runs that are begun, and what lies in their folders."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from constructions.registry import build
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.runs.run import Run, begin
from verifier.runs.store import Identity, Store

DATA = Dataset.from_rows(
    "six", [(0, 0), (3, 0), (0, 4), (9, 9), (5, 5), (9, 1)], [0, 1, 2, 0, 1, 2]
)


RATIO = Fraction(9, 10)


def started(folder: Path, **changes: Any) -> Run:
    construction = build("linf", DATA, ratio=RATIO)
    return begin(DATA, construction, folder=folder, **changes)


def files(folder: Path, *, database: bool = False) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and (database or path.name not in ("run.sqlite", "seal.json"))
    }


def checked(folder: Path, *more: str) -> tuple[int, str]:
    """Exit code and message of `robmem check`."""
    import contextlib
    import io

    with (
        contextlib.redirect_stderr(io.StringIO()) as stderr,
        contextlib.redirect_stdout(io.StringIO()) as stdout,
    ):
        code = main(["check", str(folder), "--jobs", "1", "--json", *more])
    return code, stderr.getvalue() or stdout.getvalue()


def database(tmp_path: Path, samples: int = 3) -> Store:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.add_run("r", ".", Identity("n", "d", {}, {}, tuple(range(samples))), {})
    store.add_host(1, "now", {})
    return store
