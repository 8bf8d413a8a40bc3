"""A sealed run on digits, 465,293 units, replayed by the proved kernel from its files alone."""

import json

import pytest

from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder
from verifier.runs.folder import RunFolder


@pytest.mark.slow
def test_a_sealed_run_on_digits(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    monkeypatch.chdir(tmp_path)
    certify = ("certify", "--construction", "linf", "--samples", "0:30", "--out", "run", "--quiet")
    assert run(capsys, *certify)[0] == 0
    check = ("check", "run", "--proved", "--jobs", "2", "--quiet", "--json")
    code, out, err = run(capsys, *check)
    facts = json.loads(out)
    assert (code, err, facts["checker"]) == (0, "", "proved kernel")
    assert (facts["robust"], facts["checked"], facts["recorded"]) == (30, 30, 0)
    folder = RunFolder(tmp_path / "run")
    assert folder.network().units.count > 400_000
    path = folder.certificate(folder.manifest().results[7].certificate)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    code, out, err = run(capsys, *check)
    assert (code, out) == (4, "") and "altered" in err
