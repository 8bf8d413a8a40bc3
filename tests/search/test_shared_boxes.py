"""Boxes of one query that processes share: the answer is that of one process, byte for byte."""

from __future__ import annotations

import os
import signal
from fractions import Fraction
from itertools import pairwise
from multiprocessing import active_children

import numpy as np
import pytest

from verifier.evidence.certificate import Flip, Robust, Undecided, certificate_bytes
from verifier.question.build import chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.search.options import Options
from verifier.search.trees import boxes, crew
from verifier.tasks.verify import CheckedOutcome, verify

PROVED, REACHED = Fraction(3, 10), Fraction(7, 100)  # by some 60 boxes; by a few points


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Small batches, and processes from the first ones on that can be shared. (Processes have the
    constants of their module.)"""
    monkeypatch.setattr(boxes, "ALONE", -1.0)
    monkeypatch.setattr(boxes, "BATCH", 4)


def question(bound: Fraction) -> Query:
    """Whether an output of a random network of three inputs exceeds the bound on a box."""
    rng = np.random.default_rng(3)
    sizes = (3, 40, 40, 1)
    network = chain_from_floats(
        [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(sizes)],
        [rng.normal(size=m) / 4 for m in sizes[1:]],
    )
    goal = Goal((Atom((), ((0, Fraction(1)),), -bound, True),), "more")
    return Query(network, box([Fraction(-1)] * 3, [Fraction(1)] * 3), (goal,))


def asked(bound: Fraction, jobs: int) -> CheckedOutcome:
    return verify(question(bound), Options(jobs=jobs, nodes=20000))


def test_a_proof_is_the_same_by_any_number_of_processes() -> None:
    alone, *shared = (asked(PROVED, jobs) for jobs in (1, 2, 3))
    assert isinstance(alone.verdict, Robust)
    assert alone.nodes > 8
    texts = {certificate_bytes(found.verdict, "") for found in (alone, *shared)}
    assert len(texts) == 1
    assert {found.nodes for found in shared} == {alone.nodes}
    assert [found.methods for found in shared] == [alone.methods] * 2


def test_so_is_a_flip(monkeypatch) -> None:
    # The attacks look elsewhere, so that the boxes have to find it.
    monkeypatch.setattr("verifier.search.trees.branching.ascend", lambda *_, **__: None)
    monkeypatch.setattr(boxes, "sample", lambda *_: None)
    alone, shared = asked(REACHED, 1), asked(REACHED, 2)
    assert isinstance(alone.verdict, Flip)
    assert (shared.verdict, shared.nodes) == (alone.verdict, alone.nodes)


def test_limits_of_nodes_and_of_time_hold() -> None:
    stopped = [verify(question(PROVED), Options(jobs=jobs, nodes=30)) for jobs in (1, 2)]
    assert [isinstance(found.verdict, Undecided) for found in stopped] == [True, True]
    assert stopped[0].nodes == stopped[1].nodes
    late = verify(question(PROVED), Options(jobs=2, timeout=0.05)).verdict
    assert isinstance(late, Undecided)
    assert late.reason == "timeout"
    assert not active_children()


def test_the_search_goes_on_without_a_process_that_dies(monkeypatch) -> None:
    alone = asked(PROVED, 1)
    started = crew._started

    def killed(start):
        worker = started(start)
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.join()
        return worker

    monkeypatch.setattr(crew, "_started", killed)
    shared = asked(PROVED, 2)
    assert certificate_bytes(shared.verdict, "") == certificate_bytes(alone.verdict, "")
    assert shared.methods["refused: processes, one has died"] == 1
    assert not active_children()


class Refuses:
    """Makes answers that are errors."""

    def __call__(self):
        def answer(number: int) -> int:
            if number == 2:
                raise ValueError(f"no answer to {number}")
            return number

        return answer


def test_answers_come_in_order_and_errors_are_those_of_the_call() -> None:
    together = crew.Crew(2, Refuses())
    try:
        answers = together.answers([(0,), (1,), (2,), (3,)])
        assert [next(answers), next(answers)] == [0, 1]
        with pytest.raises(ValueError, match="no answer to 2"):
            next(answers)
    finally:
        together.end()
    assert not active_children()
