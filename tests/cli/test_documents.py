"""The commands that README and docs print run as they are printed."""

from __future__ import annotations

import re
import shlex
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import click
import pytest

import robmem
from tests.oracles.commands import run
from verifier.checker.elaborate import kernel_check_proof
from verifier.cli.main import group
from verifier.evidence.certificate import parse_certificate

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "docs/commands.md"  # by the program itself
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {WRITTEN})]
FENCED = re.compile(r"```sh\n(.*?)```", re.DOTALL)
CODES = {"robmem certify --network": 1}  # of commands that find a flip; 0 of all others
LINES = [
    (page, line)
    for page in PAGES
    for line in (
        *re.findall(r"^ *(?:\$ )?(robmem [^#\n`|]*)", page.read_text(), re.MULTILINE),
        *re.findall(r"\| `(robmem [^`]*)` \|", page.read_text()),
    )
    if re.match(r"robmem [a-z]+( |$)", line)
]


def test_the_examples_of_the_readme_run_as_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = FENCED.findall((ROOT / "README.md").read_text())
    for line in block.splitlines():
        code, printed, error = run(capsys, *shlex.split(line, comments=True)[1:])
        expected = next((code for start, code in CODES.items() if line.startswith(start)), 0)
        assert code == expected, (line, error)
        assert printed
    assert (tmp_path / "moons/index.html").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_in_the_documents_exists(page):
    for line in [line for of, line in LINES if of == page]:
        words = shlex.split(line.split(" && ")[0], comments=True)[1:]
        command = group.get_command(click.Context(group), words[0])
        assert command is not None, line
        if isinstance(command, click.Group):
            command = command.commands.get(words[1] if len(words) > 1 else "", command)
        if isinstance(command, click.Group) or words[0] == "vnnlib":
            continue  # whose first word chooses another command
        known = {
            name for option in command.params for name in (*option.opts, *option.secondary_opts)
        }
        for word in words[1:]:
            name = word.partition("=")[0]
            if name.startswith("--") and len(name) > 2:
                assert name in known, (page.name, line, name)


def test_links_between_the_documents_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), (page.name, target)


def test_example_files_ship_and_are_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "example", "e")[0] == 0
    shipped = {one.name for one in files("robmem").joinpath("examples").iterdir()}
    assert {path.name for path in (tmp_path / "e").iterdir()} == shipped
    (tmp_path / "e/moons.csv").write_text("mine")
    assert run(capsys, "example", "e")[0] == 0
    assert (tmp_path / "e/moons.csv").read_text() == "mine"


def test_doctor_names_what_there_is(capsys):
    code, printed, _ = run(capsys, "doctor")
    assert code == 0
    for name in ("robmem", "python", "cores", "solvers", "highspy", "matplotlib"):
        assert re.search(rf"^{name} ", printed, re.MULTILINE), name


def test_the_proof_on_the_page_of_ideas_is_a_proof():
    """By the checker, and by the kernel once it is spelled out."""
    text = next(
        block.splitlines()[1] for block in (ROOT / "docs" / "ideas.md").read_text().split("```")
        if block.startswith("json")
    )  # fmt: skip
    weights, biases = [[[1], [1]], [[1, -2], [0, 0]]], [[0, Fraction(-1, 2)], [0, Fraction(3, 5)]]
    network = robmem.load_network((weights, biases))
    verdict = parse_certificate(text.encode(), network.digest)
    query = robmem.question(network, robmem.Ball([0], 1), 1)
    assert isinstance(verdict, robmem.Robust)
    robmem.check(query, verdict)
    kernel_check_proof(query, verdict)
    with pytest.raises(robmem.UserError, match="bound too weak"):
        robmem.check(robmem.question(network, robmem.Ball([0], 2), 1), verdict)
