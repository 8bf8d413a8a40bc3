"""Margins on the balls of all radii by the proved kernel: each part of a curve by itself."""

from __future__ import annotations

import json

import pytest

from tests.oracles.proved_kernel import kernel_folder
from verifier.cli.main import main
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    build = NetworkBuilder(1)
    (x,) = build.inputs
    right, left = build.layer([x - 1, -x - 3])
    save_network(build.network([0 * x + 1, right + left]), tmp_path / "net.robmem")
    (tmp_path / "data.csv").write_text("0,a\n1,a\n9,b\n")
    words = ["margin", str(tmp_path / "net.robmem"), "--data", str(tmp_path / "data.csv")]
    words += ["--up-to", "5/2", "--out", str(tmp_path / "run"), "--jobs", "0", "--quiet"]
    assert main([*words, "--proved"]) == 0
    return tmp_path / "run"


def test_a_run_of_curves(run, capsys):
    capsys.readouterr()
    assert json.loads((run / "manifest.json").read_text())["replayed"] == ["proved kernel"]
    assert main(["check", str(run), "--proved", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["measured"], said["reached"], said["checker"]) == (3, 3, "proved kernel")
    assert main(["export", str(run), "--to", "kernel", "-o", str(run / "stream")]) == 2
    assert "check --proved" in capsys.readouterr().err
