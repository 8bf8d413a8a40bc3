"""Manifests, sealed again, that claim what their question does not ask, or of regions that are
empty; and certificates that are exchanged after their replay."""

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.member_runs import member_run
from tests.oracles.proved_kernel import kernel_folder
from verifier.checker.proved import replay_run
from verifier.evidence.packed import pack
from verifier.question.errors import RefusedError
from verifier.runs.folder import MANIFEST, RunFolder

WAYS = ((), ("--kernel",), ("--proved",))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    return tmp_path


def sealed_with(folder, manifest, texts=None):
    """The folder's seal is this manifest, whose results have these certificates where given; no
    database."""
    results = []
    for result in manifest.results:
        text = (texts or {}).get(result.sample)
        if text is not None:
            result = replace(result, certificate=hashlib.sha256(text).hexdigest())
            folder.certificate(result.certificate).write_bytes(pack(text))
        results.append(result)
    edited = replace(manifest, results=tuple(results))
    for path in folder.path.glob("run.sqlite*"):
        path.unlink()
    folder.seal(edited)


def refused(capsys, folder, *how):
    code, out, error = run(capsys, "check", folder, "--quiet", *how)
    assert out == "" and error.startswith("error: ") and error.count("\n") == 1, error
    return code, error


@pytest.mark.parametrize("kind", ["distance", "margin"])
def test_a_flip_of_a_family_that_is_called_another_kind_is_refused(here, capsys, kind):
    folder = RunFolder(member_run(here))
    text = (folder.path / MANIFEST).read_text().replace('"flip"', f'"{kind}"')
    root = hashlib.sha256((text.rpartition(',\n"root"')[0]).encode()).hexdigest()
    text = f'{text.rpartition(chr(10))[0].rpartition(chr(10))[0]}\n"root": "{root}"}}\n'
    (folder.path / MANIFEST).write_text(text)
    for how in WAYS:
        code, error = refused(capsys, folder.path, *how)
        assert code == 4 and f"another verdict: sample 0: a {kind}, where robust or" in error


def test_what_the_program_answered_is_called_what_was_asked(here, capsys):
    """Its `Checked` values have the word of the result, which the caller says."""
    Path("d.csv").write_text("0,0\n4,1\n")
    np.savez("net.npz", W0=np.array([[-1.0], [1]]), b0=np.array([2.0, -2]))
    asked = ("radius", "net.npz", "--data", "d.csv", "--no-header", "--out", "run", "--quiet")
    assert run(capsys, *asked)[0] == 0
    folder = RunFolder(here / "run")
    manifest = folder.manifest()
    about = folder.network(), folder.points(), manifest.question
    found = replay_run(*about, manifest.results, folder.fetch)
    assert [one.verdict for one in found.values()] == ["distance"] * 2
    for kind in ("robust", "flip", "margin"):
        renamed = [replace(result, kind=kind) for result in manifest.results]
        with pytest.raises(RefusedError, match=f"another verdict: sample 0: a {kind}"):
            replay_run(*about, renamed, folder.fetch)


def test_a_tree_too_few_or_too_many_is_refused_in_words(here, capsys):
    """Of a proof in its short form, which is spelled out for the proved kernel."""
    np.savez("net.npz", W0=np.array([[1.0, 0], [-1, 0], [0, 0]]), b0=np.array([0.0, 0, -9]))
    Path("d.csv").write_text("3,0,0\n-3,1,1\n0,0,2\n")
    asked = ("--network", "net.npz", "--data", "d.csv", "--no-header", "--samples", "0:2")
    run(capsys, "certify", *asked, "--radius", "1/2", "--out", "run", "--quiet", "--jobs", "0")
    folder = RunFolder(here / "run")
    manifest = folder.manifest()
    proof = json.loads(folder.fetch(manifest.results[0].certificate))
    assert proof["goals"] == [[{"symbolic": 0}], [{"symbolic": 0}]]
    for goals in (proof["goals"][:1], [*proof["goals"], [{"symbolic": 0}]], []):
        text = json.dumps({**proof, "goals": goals}, separators=(",", ":")).encode() + b"\n"
        sealed_with(folder, manifest, {0: text})
        for how in WAYS:
            code, error = refused(capsys, "run", *how)
            assert code == 4 and "sample 0" in error


def test_an_empty_region_is_refused_by_all(here, capsys):
    """A ball of L2 and a box that do not meet, though the box around the ball meets it; the sample
    is misread. Of no points everything is true."""
    np.savez("net.npz", W0=np.array([[1.0, 1], [-1, -1]]), b0=np.array([-1.0, 1]))
    Path("d.csv").write_text("0,0,0\n4,4,0\n-4,0,1\n")
    asked = ("--network", "net.npz", "--data", "d.csv", "--no-header", "--samples", "0")
    asked += ("--norm", "2", "--radius", "1", "--out", "run", "--quiet", "--jobs", "0")
    run(capsys, "certify", *asked)
    folder = RunFolder(here / "run")
    manifest = folder.manifest()
    clipped = replace(manifest.question, clip=(Fraction(9, 10), Fraction(5)))
    proof = {"goals": [[{"leaf": {"box": [[0, 2], [1, 2]]}}]], "network": manifest.network,
             "robmem": 2, "steps": [], "verdict": "robust"}  # fmt: skip
    text = json.dumps(proof, separators=(",", ":")).encode() + b"\n"
    robust = tuple(replace(result, kind="robust") for result in manifest.results)
    sealed_with(folder, replace(manifest, question=clipped, results=robust), {0: text})
    for how in WAYS:
        code, error = refused(capsys, "run", *how)
        assert code == 2 and "sample 0: empty region: the ball does not meet the box" in error


def test_a_certificate_that_is_exchanged_is_not_read(here, capsys):
    folder = RunFolder(member_run(here))
    first, *_, other = sorted({result.certificate for result in folder.manifest().results})
    assert hashlib.sha256(folder.fetch(first)).hexdigest() == first
    folder.certificate(first).write_bytes(folder.certificate(other).read_bytes())
    with pytest.raises(RefusedError, match="certificate altered: .* the hash of its text is"):
        folder.fetch(first)
