"""The source distribution holds every file of the repository, and its own tests run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "from setuptools.build_meta import build_sdist; print(build_sdist('dist'))"
OWN = {"PKG-INFO", "setup.cfg"}  # which the build adds
TESTS = ("tests/question", "tests/data", "tests/robmem", "tests/cli/test_documents.py",
         "tests/cli/test_documentation_site.py", "tests/evidence/test_tampered.py")  # fmt: skip


def _tracked() -> list[str]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no repository")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.slow
def test_the_source_distribution_is_whole_and_its_tests_run(tmp_path: Path) -> None:
    if util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed")
    tracked, copy = _tracked(), tmp_path / "copy"
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=copy, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    archive = copy / "dist" / done.stdout.split()[-1]
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "out", filter="data")
    (source,) = (tmp_path / "out").iterdir()
    held = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert set(tracked) <= held, sorted(set(tracked) - held)[:20]
    more = {name for name in held - set(tracked) if ".egg-info/" not in name}
    assert more <= OWN, sorted(more)[:20]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=source, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True,
        timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


WHEEL = "from setuptools.build_meta import build_wheel; print(build_wheel('dist'))"
READERS = ("reports/gallery/", "reports/least/", "reports/trust/")  # not for who installs


@pytest.mark.slow
def test_the_wheel_holds_what_runs_and_no_pages_and_certifies(tmp_path: Path) -> None:
    if util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed")
    packages = ("robmem/", "verifier/", "constructions/", "reports/")
    tracked, copy = _tracked(), tmp_path / "copy"
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-c", WHEEL], cwd=copy, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(copy / "dist" / done.stdout.split()[-1]) as archive:
        archive.extractall(tmp_path / "site")
    site = tmp_path / "site"
    held = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    due = {
        name
        for name in tracked
        if name.startswith(packages) and not name.startswith(READERS) and ".gitignore" not in name
    }
    assert {name for name in held if ".dist-info/" not in name} == due
    done = subprocess.run(
        [sys.executable, "-m", "robmem", "certify", "--samples", "0:2", "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["robust"] == 2
