"""The documentation site: its commands are those of the program; it builds without a warning."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.commands import run

ROOT = Path(__file__).parents[2]
LEARN = sorted((ROOT / "docs").glob("learn-*.md"))


def _tool(name: str) -> Any:
    place = util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert place is not None and place.loader is not None
    module = util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_the_program_says():
    module = _tool("write_commands")
    assert module.PAGE.read_text() == module.page(), "run python tools/write_commands.py"


def test_the_pages_of_constructions_are_those_of_the_registry():
    pages = _tool("write_constructions").pages()
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {name for name in there if name.startswith("constructions")} == set(pages)
    for name, text in pages.items():
        written = (ROOT / "docs" / name).read_text()
        assert written == text, "run python tools/write_constructions.py"


def test_every_page_is_in_the_menu():
    menu = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    there = (ROOT / "docs").rglob("*.md")
    assert sorted(menu) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in there)


@pytest.mark.parametrize("page", LEARN, ids=lambda page: page.stem)
def test_the_commands_of_the_tutorials_run_as_printed(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        for line in block.splitlines():
            code, _, error = run(capsys, *shlex.split(line)[1:])
            found = line.startswith(("robmem certify --network", "robmem search"))
            assert code == (1 if found else 0), (line, error)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    if util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed")
    for name in ("docs", "mkdocs.yml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/index.html").is_file()
