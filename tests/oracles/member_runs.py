"""A stored run about open balls with a flip, a misread sample and a proof."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from verifier.cli.main import main
from verifier.evidence.network_file import save_network
from verifier.question.build import NetworkBuilder

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
