"""The documentation site: its commands are those of the program; it builds without a warning."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pytest

import robmem
from tests.oracles.commands import run
from tests.oracles.gallery import ENTRIES

ROOT = Path(__file__).parents[2]
LEARN = sorted((ROOT / "docs").glob("learn-*.md"))
NOTEBOOKS = sorted((ROOT / "docs/learn").glob("*.ipynb"))


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


def test_the_page_of_the_api_names_all_that_is_public():
    named = re.findall(r"^::: (\S+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    public = [name for name in robmem.__all__ if name != "__version__"]
    assert sorted(name.rpartition(".")[2] for name in named) == sorted(public)
    for name in named:
        module, _, own = name.rpartition(".")
        assert getattr(import_module(module), own) is getattr(robmem, own)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_has_been_run_and_nothing_in_it_failed(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    text = notebook.with_suffix(".md").read_text()
    assert notebook.name in text
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["execution_count"] is not None
            assert all(one["output_type"] != "error" for one in cell["outputs"])
        for line in "".join(cell["source"]).splitlines():
            assert line.rstrip() in text, "run python tools/write_notebooks.py"


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_prints_what_it_shows(notebook):
    for needed in ("nbclient", "nbconvert", "ipykernel", *_needs(notebook)):
        if util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    tool = _tool("write_notebooks")
    kept = tool.nbformat.read(notebook, as_version=4)
    assert tool.printed(tool.executed(notebook)) == tool.printed(kept)
    assert tool.page(notebook) == notebook.with_suffix(".md").read_text()


def _needs(notebook: Path) -> list[str]:
    return ["torch", "pandas"] if notebook.stem == "pytorch" else ["matplotlib"]


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_needs_no_network(tmp_path):
    for needed in ("mkdocs", "mkdocstrings"):
        if util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/gallery/plane/index.html").is_file()
    thumbnails = re.findall(
        r'<a href="gallery/([\w-]+)/index.html"><img[^>]* style="height',
        (tmp_path / "site/gallery.html").read_text(),
    )
    assert sorted(thumbnails) == sorted(entry.name for entry in ENTRIES)
    api = (tmp_path / "site/api.html").read_text()
    functions = [name for name in robmem.__all__ if name[0].islower()]
    assert "<blockquote>" not in api
    assert api.count('class="doc-signature') > len(functions)
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link)[^>]*(?:src|href)="(https?:)?//', page.read_text()
        )
        assert not loaded, page


def benchmark(name: str) -> Any:
    place = util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert place is not None and place.loader is not None
    module = util.module_from_spec(place)
    sys.modules[name] = module  # dataclasses look there for types
    try:
        place.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def test_the_table_of_set_splitting_is_the_one_that_was_measured():
    module, page = benchmark("set_splitting"), (ROOT / "docs/least.md").read_text()
    table = module.shown(ROOT / "benchmarks/set_splitting.csv")
    assert module.with_table(page, table) == page, (
        "run python benchmarks/set_splitting.py --show benchmarks/set_splitting.csv "
        "--page docs/least.md"
    )
    assert "| a network, and a splitting |" in table and "| no network |" in table


@pytest.mark.parametrize("seed", range(3))
def test_instances_need_all_of_their_sets(seed: int):
    module = benchmark("set_splitting")
    problem = module.needed(6, seed)
    assert not module.can_split(problem) and len(problem.clauses) >= 7
    for clause in problem.clauses:
        rest = tuple(one for one in problem.clauses if one != clause)
        fewer = replace(problem, clauses=rest)
        assert module.can_split(fewer)
    row = module.decided("one set less", fewer, 60.0)
    assert row.answer == "network" and row.samples == 2 * 6 + 4 * len(rest) + 1


def test_the_table_of_families_is_the_one_that_was_measured():
    module = benchmark("families")
    page = (ROOT / "docs/times.md").read_text()
    table = module.shown(ROOT / "benchmarks/families.csv")
    assert module.with_table(page, table) == page, (
        "run python benchmarks/families.py --show benchmarks/families.csv --page docs/times.md"
    )
    assert "| `l3-shallow` |" in table and "robust" in table
