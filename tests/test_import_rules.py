"""What has to be read to believe a verdict imports nothing but what is listed here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import verifier.trusted

FOLDER = Path(verifier.trusted.__file__).parent
ALLOWED = {"numpy", "flint"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_trusted_imports_the_standard_library_numpy_and_itself(path):
    for name in imported(path):
        top = name.partition(".")[0]
        inside = name == "verifier.trusted" or name.startswith("verifier.trusted.")
        assert inside or top in ALLOWED or top in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_trusted_neither_unpickles_nor_imports_by_name(path):
    forbidden = {"pickle", "marshal", "shelve", "importlib", "socket", "subprocess", "urllib"}
    assert not {name.partition(".")[0] for name in imported(path)} & forbidden
