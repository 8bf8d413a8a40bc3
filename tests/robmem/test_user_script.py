"""A user's own script: type-checked against the public names as strictly as can be."""

from __future__ import annotations

import subprocess
import sys
from importlib import util
from pathlib import Path
from shutil import which

import pytest

SCRIPT = '''
"""What a user writes, with every kind of public call."""

from fractions import Fraction

import numpy as np

import robmem


def measured(model: robmem.Network, data: robmem.Dataset) -> list[Fraction]:
    found: list[Fraction] = []
    for sample in range(data.size):
        interval: robmem.RadiusInterval = robmem.radius(model, data, sample, norm=2)
        if interval.upper is not None and interval.exact:
            found.append(interval.upper)
    return found


def main() -> int:
    network = robmem.load_network(([[[1], [-1]]], [[0, 1]]))
    data = robmem.Dataset.from_arrays(np.array([[2.0], [0.0]]), ["high", "low"], name="two")
    verdict: robmem.Verdict = robmem.verify(network, robmem.Ball([2], "1/2"), label=0)
    match verdict:
        case robmem.Robust():
            robmem.check(robmem.question(network, robmem.Ball([2], "1/2"), 0), verdict)
        case robmem.Flip(point=point):
            print(max(point))
        case robmem.Undecided(reason=reason):
            print(reason)
    summary: robmem.Summary = robmem.certify(data, network, "1/4", folder="run")
    rows: list[dict[str, object]] = [dict(row) for row in summary.rows()]
    built: robmem.Construction = robmem.construct("linf", data, ratio="1/2")
    searched: list[robmem.SearchedSample] = robmem.search(
        network, data, 1, options=robmem.Options(timeout=60)
    )
    flips: list[robmem.FoundFlip] = [flip for one in searched for flip in one.flips]
    outputs = network([[2.0], [0.0]], dtype=float)
    print(robmem.__version__, summary.claim, rows, built.network, flips, outputs)
    print(measured(network, data))
    try:
        robmem.Ball([0], -1)
    except robmem.UserError as error:
        print(error)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
'''


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SCRIPT)
    return path


def test_the_script_runs(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, script], cwd=script.parent, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "all 2 samples keep their label" in done.stdout
    assert "negative" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["", "robmem.verify(1, robmem.Ball([2], 1))\n"])
def test_mypy_strict_accepts_it_and_refuses_what_is_wrong(script: Path, wrong: str) -> None:
    if util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    script.write_text(
        SCRIPT.replace("    try:\n", f"    {wrong}    try:\n", 1) if wrong else SCRIPT
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "mine.py"],
        cwd=script.parent, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    if wrong:
        assert done.returncode == 1 and 'Missing positional argument "label"' in done.stdout
    else:
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["standard", "strict"])
def test_pyright_accepts_it(script: Path, mode: str) -> None:
    program = which("pyright")
    if program is None:
        pytest.skip("pyright is not installed: npm install -g pyright")
    (script.parent / "pyrightconfig.json").write_text(f'{{"typeCheckingMode": "{mode}"}}')
    done = subprocess.run(
        [program, "--pythonpath", sys.executable, "-p", "."],
        cwd=script.parent, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
