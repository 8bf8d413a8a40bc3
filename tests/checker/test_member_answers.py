"""What is said of a flip of a member: the checker and the kernel accept it on a ball that is asked
about, of the m that is its last number, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracles.member_runs import answer_with, claims, member_run
from verifier.checker.checked import Checked
from verifier.evidence.certificate import Flip, Leaf, Node, Robust
from verifier.question.errors import RefusedError

F = Fraction
ONE, LAST = F(1), F(3, 2)


@pytest.mark.parametrize(
    ("point", "goal", "flaw"),
    [
        ((ONE, F(5, 4)), 0, None),
        ((ONE, ONE), 0, None),  # on the sphere of a closed ball
        ((ONE, F(99, 100)), 0, "outside"),  # the ball of that m does not reach it
        ((ONE, LAST), 0, "outside"),  # an end that is left open
        ((ONE, F(2)), 0, "outside"),
        ((-ONE, -ONE), 0, "outside"),
        ((F(1, 2), F(5, 4)), 0, "no flip"),
        ((ONE, F(5, 4)), 1, "index out of range"),
        ((), 0, "dimension"),
        ((ONE,), 0, "dimension"),
        ((ONE, ONE, ONE), 0, "dimension"),
    ],
)
def test_only_a_flip_on_a_ball_that_is_asked_about(tmp_path: Path, point, goal, flaw):
    stored = member_run(tmp_path)
    found = answer_with(stored, Flip(point, goal))
    if flaw is None:
        assert isinstance(found, Checked) and found.verdict == "flip"
    else:
        assert isinstance(found, RefusedError) and found.flaw == flaw, found


def test_the_first_m_is_asked_about(tmp_path: Path):
    """Sample 1 is misread itself, on the ball of m = 0."""
    stored = member_run(tmp_path)
    assert isinstance(answer_with(stored, Flip((ONE, F(0)), 0), sample=1), Checked)
    found = answer_with(stored, Flip((ONE, F(-1, 10)), 0), sample=1)
    assert isinstance(found, RefusedError) and found.flaw == "outside"


def test_a_closed_end_is_asked_about(tmp_path: Path):
    stored = member_run(tmp_path)
    _, _, _, manifest = claims(stored)
    family = replace(manifest.question.family, open=False)
    closed = replace(manifest.question, family=family)
    assert isinstance(answer_with(stored, Flip((ONE, LAST), 0), question=closed), Checked)


def test_a_proof_is_no_flip_nor_the_reverse(tmp_path: Path):
    stored, flip = member_run(tmp_path), Flip((ONE, F(5, 4)), 0)
    for verdict, kind in ((flip, "robust"), (Robust((), ((Node((), Leaf()),),)), "flip")):
        found = answer_with(stored, verdict, kind=kind)
        assert isinstance(found, RefusedError) and found.flaw == "another verdict"
