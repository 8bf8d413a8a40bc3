"""Everything that README and docs print runs: commands in a shell's words, Python as it stands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import util
from pathlib import Path

import click
import pytest

from tests.oracles import reader
from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder
from tests.oracles.theorem_program import theorem_folder
from verifier.cli.main import group

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_HERE = {
    "pip install": "another environment, as in tests/cli/test_source_distribution.py",
    "--cluster tcp://": "the address of somebody's scheduler; --cluster local:2 runs",
    "from dask_jobqueue": "a Slurm system",
    "coqc ": "the development, compiled: tests/kernel/test_coq_file.py does that",
}
"""What a line or a block begins with or holds that cannot run here, and why."""
TORCH = util.find_spec("torch") is not None  # no extra brings it
PROVED = ("--proved", "robmem-kernel")  # of lines that need the proved kernel's program
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STARTS = r"(?:robmem|robmem-kernel|python|pip|coqc|mkdocs|pytest) "
EXAMPLE = re.compile(r"^  Example: (robmem .*(?:\n  \S.*)*)$", re.MULTILINE)


CODES = {True: (0, 1, 3), False: (0,)}  # of our commands: a flip, or something undecided
TWO = {"iris": "49:51", "wine": "58:60"}  # samples of two labels, which constructions need
SLOW = {"README", "all-data", "cluster", "commands", "flips", "kernel", "learn-theory",
        "learn-trained", "least", "pytorch", "recipes", "reports", "runs", "theorems", "theory",
        "times", "trust", "week"}  # fmt: skip


def _printed(page: Path) -> Iterator[tuple[int, str, str]]:
    """Where it stands, "sh" or "python", and the text of all that is to be typed."""
    text = page.read_text()
    for block in FENCE.finditer(text):
        language, body = block.groups()
        if language == "sh":
            for line in re.finditer(r".+", body):
                yield block.start(2) + line.start(), "sh", line[0]
        elif language == "python":
            yield block.start(), "python", body
        elif language == "text":
            for example in EXAMPLE.finditer(body):
                yield block.start() + example.start(), "sh", " ".join(example[1].split())
    bare = FENCE.sub(lambda block: " " * len(block[0]), text)
    for line in re.finditer(rf"^    ({STARTS}.*)$", bare, re.MULTILINE):
        yield line.start(), "sh", line[1]
    for cell in re.finditer(rf"^\| (?:[^|]* \| )?`({STARTS}[^`]*)` \|", bare, re.MULTILINE):
        yield cell.start(), "sh", cell[1]
    for inline in re.finditer(r"(?<![|] )`(robmem \w+ [^`A-Z]*\.\w+(?: [^`]*)?)`", bare):
        yield inline.start(), "sh", inline[1].replace("\n", " ")
    for block in re.finditer(r"^    import robmem\n(?:(?:    .*)?\n)+", bare, re.MULTILINE):
        yield block.start(), "python", re.sub(r"^    ", "", block[0], flags=re.MULTILINE)


@cache
def _asked(name: str, sub: str) -> frozenset[str]:
    """The options of a command."""
    command = group.get_command(click.Context(group), name)
    if isinstance(command, click.Group):
        command = command.commands.get(sub)
    return frozenset() if command is None else frozenset(
        name for option in command.params for name in option.opts
    )  # fmt: skip


def _small(line: str) -> str:
    """The same about two samples, where it would be about all of a bundled table."""
    words = shlex.split(line, comments=True)
    known = _asked(words[1], words[2] if len(words) > 2 else "") if words[0] == "robmem" else ()
    whole = {"--by-theorem", "--stream"} & set(words)  # quick, and about one network
    if "--samples" not in known or "&&" in line or whole:
        return line
    if "--samples" in words:
        return re.sub(r"--samples 0:\d+", "--samples 0:2", line)
    building = {"theory", "construct", "width", "least"} & set(words)
    few = next((two for data, two in TWO.items() if building and data in words), "0:2")
    return line.split(" #")[0].rstrip() + f" --samples {few}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder, made once."""
    folder = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reader.written()
    return folder


@pytest.fixture(scope="module")
def with_runs(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with runs."""
    folder = tmp_path_factory.mktemp("runs") / "reader"
    shutil.copytree(made, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reader.begun_runs()
    return folder


@pytest.fixture
def here(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of it, where `robmem` and `python` are those of the tests."""
    folder = tmp_path / "here"
    needed = "with_runs" if "runs/" in page.read_text() else "made"
    shutil.copytree(request.getfixturevalue(needed), folder)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, words in (("robmem", "-m robmem "), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=pytest.mark.slow) if p.stem in SLOW else p for p in PAGES],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_what_a_page_prints_runs(page, here, monkeypatch, capfd):
    if page.stem == "pytorch" and not TORCH:
        pytest.skip("torch is not installed")
    names: dict[str, object] = {"_shell": lambda line: _in_shell(line, capfd)}
    for place, language, text in sorted(_printed(page)):
        where = f"{page.name}, line {page.read_text()[:place].count(chr(10)) + 1}: {text}"
        if any(words in text for words in NOT_HERE) or ("import torch" in text and not TORCH):
            continue
        if any(words in text for words in PROVED):
            folders = [str(kernel_folder()), str(theorem_folder())]
            monkeypatch.setenv("PATH", os.pathsep.join([*folders, os.environ["PATH"]]))
        if language == "python":
            shell = re.sub(r"^!(.*)$", lambda line: f"_shell({line[1]!r})", text, flags=re.M)
            exec(compile(shell, where, "exec"), names)  # noqa: S102 - of our own pages
        elif " serve " in text:
            _served(_small(text), where)
        elif text.startswith("robmem ") and not re.search(r"&&|[|>]", text):
            code, _, error = run(capfd, *shlex.split(_small(text), comments=True)[1:])
            assert code in CODES[True] and "Traceback" not in error, (where, code, error)
        else:
            _in_shell(_small(text), capfd, where)


def _in_shell(line: str, capfd: pytest.CaptureFixture[str], where: str = "") -> None:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=600)
    assert done.returncode in CODES[line.startswith("robmem ")], (where, done.stderr)
    assert "Traceback" not in done.stderr, (where, done.stderr)


def _served(line: str, where: str) -> None:
    """The pages are there until ctrl-C."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {line}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert "127.0.0.1" in first and program.wait(60) == 0, (where, first)
