"""The public package: what it names, what it imports, and what shadows it."""

from __future__ import annotations

import doctest
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import robmem
from robmem import _version
from verifier import ask

ROOT = Path(robmem.__file__).parents[1]
SHARED = doctest.DocTestFinder(recurse=False).find(ask, "ask", module=ask)[0]
FUNCTIONS = [
    name for name in robmem.__all__ if isinstance(getattr(robmem, name), types.FunctionType)
]


def _run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_every_name_is_there_and_nothing_else_is_public():
    assert sorted(robmem.__all__) == dir(robmem)
    for name in robmem.__all__:
        assert getattr(robmem, name) is not None
    known = {*robmem.__all__, "Path", "TYPE_CHECKING", "Any", "annotations"}
    modules = {name for name, value in vars(robmem).items() if isinstance(value, types.ModuleType)}
    public = {name for name in vars(robmem) if not name.startswith("_")}
    assert public - modules - known <= {"import_module"}
    files = {path.stem for path in Path(robmem.__file__).parent.glob("*.py")}
    assert all(name.startswith("_") for name in files)


@pytest.mark.parametrize("name", [*FUNCTIONS, "Ball", "Box"])
def test_every_function_has_an_example_that_is_true(name):
    made = getattr(robmem, name)
    values = dict(SHARED.globs)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    SHARED.globs = values
    runner.run(SHARED, clear_globs=False)
    module = sys.modules[made.__module__]
    tests = doctest.DocTestFinder(recurse=False).find(made, name, module=module, globs=values)
    assert tests and tests[0].examples, f"{name} has no example"
    for test in tests:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'verfy'"):
        robmem.verfy  # noqa: B018


@pytest.mark.parametrize("name", ["verifier", "constructions", "reports"])
def test_a_file_that_shadows_a_package_is_named(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("mine = 1\n")
    done = _run("import robmem", tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("ImportError: ") and str(tmp_path / f"{name}.py") in last


@pytest.mark.parametrize("code", ["import robmem", "import robmem.__main__"])
def test_importing_loads_nothing_that_takes_long(tmp_path, code):
    heavy = "numpy scipy highspy sklearn pulp onnx matplotlib networkx flint dask rich torch"
    done = _run(
        f"{code}\nimport sys; print(*(m for m in {heavy!r}.split() if m in sys.modules))", tmp_path
    )
    assert done.stdout.strip() == "", done.stderr


def test_a_question_loads_no_library_that_it_does_not_need(tmp_path):
    np.savez(tmp_path / "net.npz", W0=np.ones((2, 2)), b0=np.array([0.0, 1.0]))
    heavy = (
        "scipy highspy pulp flint networkx sklearn matplotlib jinja2 onnx dask torch pandas rich"
    )
    done = _run(
        "import sys\nfrom robmem.__main__ import main\n"
        "code = main('verify net.npz --box 0:1 --label 1'.split())\n"
        f"print(code, *(m for m in {heavy!r}.split() if m in sys.modules))",
        tmp_path,
    )
    assert done.stdout.splitlines()[-1].strip() == "0", done.stdout + done.stderr


def test_the_version_is_that_of_the_distribution():
    assert f'version = "{_version.CHECKOUT}"' in (ROOT / "pyproject.toml").read_text()
