"""`robmem certify --every-budget`: one claim for all budgets, stored and replayed as any."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from constructions.families import family_of, limit_of
from tests.oracles.random_data import random_data
from verifier.checker.checked import FamilyRound
from verifier.checker.manifest import (
    Question,
    check_results,
    parse_manifest,
    question_text,
    run_checker,
)
from verifier.cli.main import main
from verifier.data.load import load
from verifier.evidence.network_file import save_network
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network, Rows
from verifier.question.region import distance
from verifier.runs.folder import RunFolder
from verifier.search.deep import ball_rows, family
from verifier.search.deep.ball_rows import deciding_lemmas


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("every") / "run"
    command = ["certify", "--data", "iris", "--every-budget", "--jobs", "0", "--quiet"]
    assert main([*command, "--samples", "40:60", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def certified(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "run"))


def test_it_is_replayed_and_continued(certified, capsys):
    assert main(["check", str(certified), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["robust"], said["undecided"], said["checked"]) == (20, 0, 20)
    assert "for every real m in [0, 1/10)" in said["claim"]
    assert main(["check", str(certified)]) == 0
    assert "for every real m in [0, 1/10)" in capsys.readouterr().out
    page = certified.parent / "page"
    assert main(["report", str(certified), "-o", str(page), "--quiet"]) == 0
    assert "every real budget m from 0 to below 1/10" in (page / "index.html").read_text()
    again = ["certify", "--data", "iris", "--every-budget", "--jobs", "0", "--quiet"]
    before = (certified / "manifest.json").read_bytes()
    assert main([*again, "--samples", "40:60", "--out", str(certified)]) == 0
    assert (certified / "manifest.json").read_bytes() == before
    assert "meet, so no network can" in capsys.readouterr().out
    assert main([*again, "--samples", "40:60", "--from", "1/20", "--out", str(certified)]) == 2
    assert "family" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        ('"open": true', '"open": false', "zero at a closed end"),
        ('"last": "1/10"', '"last": "1/9"', "is negative"),
        ('["1", "-10"]', '["0", "-10"]', "is not above 0"),
        ('["1", "-10"]', '["1", "-9"]', "bound too weak"),
        ('"unit": "1"', '"unit": "2"', "bound too weak"),
        ('"first": "0"', '"first": "1/10"', "must be below the last"),
        ('"unit"', '"units"', "missing field"),
    ],
)
def test_a_manifest_that_asks_something_else_is_refused(certified, old, new, flaw):
    """Its root is made again, so that nothing but the question is wrong."""
    folder = RunFolder(certified)
    text = (certified / "manifest.json").read_text()
    assert old in text
    text = text.replace(old, new)
    with pytest.raises(RefusedError) as refused:
        try:
            manifest = parse_manifest(text.encode())
        except RefusedError as error:
            if error.flaw != "root":
                raise
            root = error.detail.rsplit(" ", 1)[1]
            head, _, _ = text.rpartition('"root"')
            manifest = parse_manifest(f'{head}"root": "{root}"}}\n'.encode())
        network, points, question = folder.network(), folder.points(), manifest.question
        checker = run_checker(network, points, question)
        answers = check_results(points, question, manifest.results, folder.fetch, checker)
        for answer in answers:
            if isinstance(answer, RefusedError):
                raise answer
    assert flaw in str(refused.value)


def test_bounds_are_let_go_with_their_round(certified, monkeypatch):
    """They may be gigabytes, and collections are rare: nothing waits for one."""
    seen: list[weakref.ref[FamilyRound]] = []
    made = FamilyRound.__init__

    def noted(self, *arguments):
        seen.append(weakref.ref(self))
        made(self, *arguments)

    monkeypatch.setattr(FamilyRound, "__init__", noted)
    again = ["certify", "--data", "iris", "--every-budget", "--jobs", "0", "--quiet"]
    gc.collect()
    gc.disable()
    try:
        assert main([*again, "--samples", "40:60", "--out", str(certified)]) == 0  # replayed
        assert main([*again, "--samples", "60:62", "--out", str(certified.parent / "new")]) == 0
        assert len(seen) > 1 and all(each() is None for each in seen)
    finally:
        gc.enable()


@pytest.mark.parametrize("wrong", [False, True])
def test_a_proof_that_was_not_tried_and_is_refused_is_looked_for_again(
    wrong, tmp_path, monkeypatch, capsys
):
    """Floats that call plain what is not cost time, and no proof."""
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    seen: list[tuple[bool, bool]] = []

    def plain(checker, rows, *, every=False):
        lemmas, decided = deciding_lemmas(checker, rows, every=every)
        seen.append((every, decided))
        return (lemmas[1:], True) if wrong and not every else (lemmas, decided)

    monkeypatch.setattr(family, "deciding_lemmas", plain)
    command = ["certify", "--data", "iris", "--construction", "l2-halfspaces", "--every-budget"]
    out = ["--jobs", "0", "--quiet", "--json", "--samples", "60:64", "--out", str(tmp_path / "run")]
    assert main([*command, *out]) == 0
    assert json.loads(capsys.readouterr().out)["robust"] == 4
    assert seen and all(decided for _, decided in seen)
    assert any(every for every, _ in seen) is wrong


def test_the_question_is_read_as_it_is_written():
    family = family_of(random_data(1, 6, 2, 2), "l2-halfspaces")
    question = Question("2", "value", family=family.terms(Fraction(1, 3)))
    assert json.loads(question_text(question))["family"]["first"] == "1/3"
    with pytest.raises(UserError, match="no radius and no clip"):
        Question("2", "value", Fraction(1), family=family.terms())
    with pytest.raises(UserError, match="no single ball"):
        question.region((Fraction(0),))


@pytest.mark.parametrize("name", ["linf", "l1-halfspaces", "l2-halfspaces"])
def test_the_limit_is_a_point_of_two_closed_balls(name):
    dataset = random_data(2, 7, 3, 3)
    family = family_of(dataset, name)
    limit = limit_of(dataset, family)
    assert dataset.labels[limit.first] != dataset.labels[limit.second]
    for sample in (limit.first, limit.second):
        away = distance(family.norm, limit.point, tuple(dataset.point(sample)))
        end = family.end * family.unit if family.norm != "2" else family.end**2 * family.unit
        assert away == end


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--radius", "1/20"], "--every-budget does not go with --radius"),
        (["--ratio", "1/2"], "--every-budget does not go with --ratio"),
        (["--norm", "2"], "--every-budget does not go with --norm"),
        (["--construction", "small-rho"], "small-rho has no family for every budget"),
        (["--construction", "l2"], "the family of l2 ends at a largest budget"),
        (["--construction", "l2", "--budget", "1", "--ratio", "1/2"], "--ratio or --budget"),
        (["--construction", "l2", "--ratio", "1/2", "--rank", "2"], "does not go with --rank"),
        (["--construction", "l2", "--budget", "0"], "up to 0 has one member"),
        (["--construction", "l2", "--ratio", "1"], "is not below half the separation"),
        (["--construction", "narrow-linf", "--rank", "2"], "that with --rank 4, which projects"),
        (["--construction", "narrow-linf", "--kind", "cayley"], "does not go with --kind"),
        (["--from", "1/10"], "must be below the last"),
        (["--from", "-1"], "not negative"),
    ],
)
def test_what_is_no_family_is_one_line(arguments, words, tmp_path, capsys):
    folder = str(tmp_path / "run")
    command = ["certify", "--data", "iris", "--every-budget", "--out", folder, *arguments]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert main(["certify", "--data", "iris", "--from", "0", "--out", folder]) == 2


def test_a_family_up_to_a_largest_budget(tmp_path, capsys):
    """M, m and a projection are those of that budget, which belongs to the claim."""
    path = tmp_path / "points.csv"
    path.write_text("0,0,a\n1,0,a\n4,0,b\n4,3,b\n0,5,c\n")
    command = ["certify", "--data", str(path), "--every-budget", "--jobs", "0", "--quiet"]
    for name, more in (("l2-shallow", []), ("l2-parallel", []), ("narrow-l2", ["--rank", "1"])):
        folder = str(tmp_path / name)
        sized = ["--construction", name, "--budget", "1/2", *more, "--out", folder]
        assert main([*command, *sized]) == 0
        said = capsys.readouterr().out
        assert "for every real m in [0, 1/2]" in said and "all 5 samples" in said
        assert main(["check", folder, "--kernel", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["robust"] == 5


def test_open_balls_of_a_given_network_that_has_flips(tmp_path, capsys):
    """relu(x): 1 is answered above 1/2, so 0 flips from 1/2 on, in the ball of radius 1 alone; 1
    flips below 1/2, at that distance, which an open ball of radius 1/2 does not hold."""
    np.savez(tmp_path / "net.npz", W0=[[1.0]], b0=[0.0], W1=[[1.0]], b1=[0.0])
    (tmp_path / "data.csv").write_text("0,0\n1,1\n")
    ask = [
        "certify", "--network", str(tmp_path / "net.npz"), "--data", str(tmp_path / "data.csv"),
        "--no-header", "--open", "--jobs", "0", "--quiet",
    ]  # fmt: skip
    for radius, flips in (("1", 2), ("1/2", 0)):
        folder = str(tmp_path / radius.replace("/", "-"))
        code = main([*ask, "--radius", radius, "--out", folder, "--json"])
        said = json.loads(capsys.readouterr().out)
        assert code == (1 if flips else 0), said
        assert (said["flips"], said["robust"], said["undecided"]) == (flips, 2 - flips, 0)
        assert len(said["flips_shown"]) == flips
        for flip in said["flips_shown"]:
            assert Fraction(1, 2) <= Fraction(flip["distance"]) < Fraction(radius)
        for by in ([], ["--kernel"]):
            assert main(["check", folder, "--json", *by]) == 0
            kept = json.loads(capsys.readouterr().out)
            assert (kept["flips"], kept["robust"], kept["undecided"]) == (flips, 2 - flips, 0)
    assert main([*ask, "--radius", "1", "--out", str(tmp_path / "1")]) == 1
    said = capsys.readouterr().out
    assert "flip of sample 0: label 0, rival 1" in said
    page = tmp_path / "page"
    assert main(["report", str(tmp_path / "1"), "-o", str(page), "--quiet"]) == 0
    assert "flips, evaluated at their points" in (page / "index.html").read_text()


@pytest.mark.parametrize("edited", [False, True])
def test_another_network_in_the_folder_is_refused(certified, edited, capsys):
    """The file of G is that of another family, or one of its biases is changed."""
    other = family_of(load("iris"), "linf" if edited else "linf-parallel").network
    if edited:
        units = other.units
        constants = units.constants.copy()
        constants[-1] += 1
        parts = units.starts, units.indices, units.numerators, constants, units.denominators
        other = Network(other.inputs, other.layers, Rows(*parts), other.outputs)
    save_network(other, certified / "network.robmem")
    assert main(["check", str(certified)]) == 4
    said = capsys.readouterr().err
    assert "network" in said and said.count("\n") == 1
