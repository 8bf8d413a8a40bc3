"""A flip of a family is one of the network and the ball of some m that is asked about: a claim
about every m is refuted by it, and by no other point."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracles.member_runs import answer_with, claims, member_run
from tests.oracles.proved_kernel import kernel_folder
from verifier.checker.checked import Checked
from verifier.checker.manifest import (
    Question,
    Result,
    asked_of_run,
    manifest_bytes,
    run_checker,
    sample_family,
)
from verifier.checker.proved import replay_run
from verifier.cli.main import main
from verifier.evidence.certificate import Flip, certificate_bytes
from verifier.evidence.packed import pack
from verifier.kernel.runs import Run as KernelRun
from verifier.kernel.text import Refused
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyTerms
from verifier.runs.members import flips_of_members
from verifier.search.options import Options

F = Fraction
ONE, LAST = F(1), F(3, 2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return member_run(tmp_path_factory.mktemp("open"))


def test_a_run_says_which_samples_are_misread_and_which_flip(stored, capsys):
    _folder, _network, _points, manifest = claims(stored)
    kinds = [result.kind for result in manifest.results]
    assert kinds == ["flip", "flip", "robust"]
    for by in ([], ["--kernel"]):
        assert main(["check", str(stored), "--json", *by]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["flips"], said["misread"], said["clean"], said["robust"]) == (1, 1, 2, 1)
        assert "1 of 3 samples keep their label" in said["claim"] and "2 do not" in said["claim"]
    assert [state for _, state in KernelRun(stored).check()] == kinds
    assert main(["runs", "export", str(stored), "--csv"]) == 0
    listed = capsys.readouterr().out.splitlines()[1:]
    assert ["misread" in line for line in listed] == [False, True, False]


def test_the_proved_kernel_sees_the_member(stored, monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    folder, network, points, manifest = claims(stored)
    shown = replay_run(network, points, manifest.question, manifest.results, folder.fetch)
    assert [shown[k].verdict for k in range(3)] == ["flip", "flip", "robust"]
    assert {shown[k].facts.checker for k in range(3)} == {"proved kernel"}
    with pytest.raises(RefusedError, match="sample 0: .*no parameter"):
        answer_with(stored, Flip((F(3, 2), F(3, 2)), 0), by=replay_run)


def test_a_run_with_a_tampered_flip_is_refused_by_the_kernel_alone_too(stored, tmp_path):
    run = Path(shutil.copytree(stored, tmp_path / "run"))
    _folder, network, _, manifest = claims(run)
    text = certificate_bytes(Flip((LAST, LAST), 0), network.digest)
    digest = hashlib.sha256(text).hexdigest()
    (run / "certificates" / f"{digest}.json.gz").write_bytes(pack(text))
    first = Result(0, "flip", digest)
    (run / "manifest.json").write_bytes(
        manifest_bytes(replace(manifest, results=(first, *manifest.results[1:])))
    )
    with pytest.raises(Refused, match="outside"):
        list(KernelRun(run).check())


def test_members_of_different_m_are_looked_at(stored):
    """Around 0 x - m is never positive on the ball of radius m, and x + m is 1/2 from m = 1/4 on,
    where the label 0 is lost."""
    _, _, points, _ = claims(stored)
    for sign, lost in ((-1, False), (1, True)):
        build = NetworkBuilder(2)
        x, m = build.inputs
        network = build.network([x + sign * m])
        terms = FamilyTerms((ONE, F(0)), ONE, F(0), ONE, open=True)
        question = Question("inf", "nearest", family=terms)
        query = sample_family(network, points, question, 0)
        (flip,) = flips_of_members(network, [query], Options())
        assert (flip is not None) == lost
        if flip is not None:
            checker = run_checker(network, points, question)
            asked = asked_of_run(points.digest, question, [0])
            (shown,) = checker.flips([query], [flip], asked)
            assert isinstance(shown, Checked) and flip.point[0] + flip.point[1] >= F(1, 2)
