"""What has to be read to believe a verdict imports nothing but what is listed here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import verifier

FOLDER = Path(verifier.__file__).parent
BELIEVED = ("question", "evidence", "checker")
PATHS = sorted(path for package in BELIEVED for path in (FOLDER / package).rglob("*.py"))
ALLOWED = {"numpy", "flint"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_checkers_import_the_standard_library_numpy_and_each_other(path):
    believed = tuple(f"verifier.{package}." for package in (*BELIEVED, "kernel"))
    for name in imported(path):
        top = name.partition(".")[0]
        inside = f"{name}.".startswith(believed)
        assert inside or top in ALLOWED or top in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_checkers_neither_unpickle_nor_import_by_name(path):
    forbidden = {"pickle", "marshal", "shelve", "importlib", "socket", "subprocess", "urllib"}
    if path.name in ("proved.py", "theorem_program.py"):
        forbidden.discard(
            "subprocess"
        )  # they run what is extracted from Coq, programs of their own
    assert not {name.partition(".")[0] for name in imported(path)} & forbidden


TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: f"{path.parent.name}.{path.stem}"
)
def test_no_test_file_imports_another(path):
    """What they share is in `tests/oracles`."""
    for name in imported(path):
        assert not any(part.startswith("test_") for part in name.split(".")), name
