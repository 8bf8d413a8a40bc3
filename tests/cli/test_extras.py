"""Optional parts: what is missing is named with how it is installed; the rest works without."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from verifier.formats import extras

ROOT = Path(__file__).parents[2]
HIDDEN = ("onnx", "matplotlib", "jinja2", "sklearn", "dask", "distributed", "pyarrow")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder in which no optional library can be imported, and a function that runs there."""
    folder = tmp_path_factory.mktemp("bare")
    hide = folder / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {HIDDEN}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    path = os.pathsep.join([str(hide), str(ROOT)])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "robmem", *arguments],
            cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip

    return folder, run


def test_every_extra_is_one_of_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for library, extra in extras.EXTRAS.items():
        named = [line.partition(">")[0] for line in project["optional-dependencies"][extra]]
        assert library in [name.replace("scikit-learn", "sklearn") for name in named]
        assert not any(line.startswith(f"{library}>") for line in project["dependencies"])
    assert doctest.testmod(extras).failed == 0


def test_certify_and_check_need_no_extra(bare):
    _, run = bare
    done = run("certify", "--data", "iris", "--samples", "0:2", "--out", "runs/iris", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "all 2 samples asked about, of 150" in done.stdout
    assert run("check", "runs/iris").returncode == 0


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("report runs/iris -o x", "'robmem[report]'"),
        ("show net.onnx", "'robmem[onnx]'"),
        ("certify --data iris --samples 0:2 --cluster local:1 --out runs/c", "'robmem[cluster]'"),
    ],
)
def test_what_is_missing_is_named(bare, command, extra):
    folder, run = bare
    (folder / "net.onnx").write_bytes(b"\x08\x07")
    if not (folder / "runs/iris").exists():
        run("certify", "--data", "iris", "--samples", "0:2", "--out", "runs/iris", "--quiet")
    done = run(*command.split())
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1 and extra in done.stderr, done.stderr
