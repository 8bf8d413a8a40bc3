"""Real data certified both ways, by theorem and ball by ball; one manifest says so, and each way is
checked by itself."""

import json
from pathlib import Path

import pytest

from tests.oracles.commands import run
from tests.oracles.theorem_program import theorem_folder
from verifier.checker.theorem_program import PROGRAM
from verifier.runs.folder import RunFolder


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setenv(PROGRAM.variable, str(theorem_folder()))
    monkeypatch.chdir(tmp_path)


def facts(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    ("data", "construction", "size"),
    [
        ("iris", "linf", 150),
        ("wine", "l2-halfspaces", 178),
        pytest.param("iris", "lipschitz-ovr", 150, marks=pytest.mark.slow),
        pytest.param("digits", "linf-parallel", 1797, marks=pytest.mark.slow),
    ],
)
def test_both_ways_agree_on_real_data(capsys, program, data, construction, size):
    both = facts(
        capsys, "certify", "--data", data, "--construction", construction,
        "--by-theorem", "--by-ball", "--out", "run", "--quiet",
    )  # fmt: skip
    assert both["robust"] == both["checked"] == both["samples"] == size
    assert both["theorem"]["construction"] == construction and both["theorem"]["proved"] is True
    manifest = RunFolder(Path("run")).manifest()
    assert manifest.theorem is not None and manifest.theorem.construction == construction
    proofs = [result.certificate is not None for result in manifest.results]
    assert len(proofs) == size and all(proofs)
    by_theorem = facts(capsys, "check", "run", "--by-theorem", "--proved")
    assert by_theorem["ways"] == ["by theorem", "ball by ball"]
    assert (by_theorem["robust"], by_theorem["recorded"]) == (size, size)
    by_ball = facts(capsys, "check", "run", "--quiet")
    assert (by_ball["checked"], by_ball["by_theorem"]) == (size, "recorded")
    assert by_ball["root"] == by_theorem["root"] == both["root"]
    alone = facts(
        capsys, "certify", "--data", data, "--construction", construction,
        "--by-theorem", "--proved", "--out", "alone",
    )  # fmt: skip
    assert (alone["network"], alone["robust"]) == (manifest.network, size)
