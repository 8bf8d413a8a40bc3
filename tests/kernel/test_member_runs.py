"""The kernel on a run about every budget: a flip of one member refutes the claim about all."""

from __future__ import annotations

from pathlib import Path

from tests.oracles.member_runs import member_run
from verifier.kernel.runs import Run


def test_flips_of_members_and_proofs_of_a_run_are_replayed(tmp_path: Path) -> None:
    assert list(Run(member_run(tmp_path)).check()) == [(0, "flip"), (1, "flip"), (2, "robust")]
