"""A stored run about open balls with a flip, a misread sample and a proof."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

from verifier.checker.checked import Checked
from verifier.checker.elaborate import kernel_check_result
from verifier.checker.manifest import Result, check_results, run_checker
from verifier.cli.main import main
from verifier.evidence.certificate import certificate_bytes
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.runs.place import find_run

ROWS = "0,0\n1,1\n3,1\n"
"""Read by the nearest of 0 and 1 to x / 2, so as 1 from 1 on, a tie there: sample 1 is misread."""


def member_run(folder: Path) -> Path:
    """A run of --open: 0 flips at 1, 3 keeps its label as far as 2."""
    build = NetworkBuilder(1)
    save_network(build.network([build.inputs[0] * Fraction(1, 2)]), folder / "net.robmem")
    (folder / "data.csv").write_text(ROWS)
    words = ["certify", "--network", str(folder / "net.robmem"), "--data"]
    words += [str(folder / "data.csv"), "--no-header", "--decoder", "nearest", "--open"]
    words += ["--radius", "3/2", "--jobs", "0", "--quiet", "--out", str(folder / "run")]
    assert main(words) == 1
    return folder / "run"


def claims(stored: Path):
    folder = find_run(stored).folder
    manifest = folder.manifest()
    return folder, folder.network(), folder.points(), manifest


def answer_with(stored: Path, verdict, *, by=None, sample=0, kind="flip", question=None):
    """What is said of the claim that this is the answer about a sample."""
    _folder, network, points, manifest = claims(stored)
    question = question or manifest.question
    text = certificate_bytes(verdict, network.digest)
    result = Result(sample, kind, hashlib.sha256(text).hexdigest())
    if by is not None:
        return by(network, points, question, [result], lambda digest: text)
    checker = run_checker(network, points, question)
    (found,) = check_results(points, question, [result], lambda digest: text, checker)
    try:
        kernel_check_result(network, points, question, result, lambda digest: text)
        by_kernel = None
    except RefusedError as flaw:
        by_kernel = flaw.flaw
    assert (by_kernel is None) == isinstance(found, Checked)
    if by_kernel is not None:
        assert isinstance(found, RefusedError) and found.flaw == by_kernel
    return found
