"""A time-out bounds every phase of the search: each asks for the time where it may take long."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from constructions.registry import build
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from verifier.checker.intervals import interval_bounds
from verifier.checker.manifest import Question, sample_query
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.data.load import load
from verifier.evidence.certificate import Undecided
from verifier.question.margin import margin_at_most, margin_below
from verifier.question.query import Query
from verifier.runs.run import begin, continue_run, points_of, question_of
from verifier.search.attack import ascend
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.bounds.relaxation import Relaxation
from verifier.search.clock import LateError, check_time
from verifier.search.deep.forward import ForwardPass
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.substitution import substitute
from verifier.search.options import Options
from verifier.search.trees.phases import PhaseTree
from verifier.tasks.verify import verify


@pytest.fixture
def query() -> Query:
    """Of a deep network, which the phases all apply to."""
    dataset = load("iris")
    construction = build("linf", dataset, ratio=Fraction(99, 100))
    return sample_query(construction.network, points_of(dataset), question_of(construction), 100)


def checker_of(query: Query) -> TreeChecker:
    scaled = scaled_for(query.network, [query])
    return TreeChecker(query, scaled, interval_bounds(scaled, [query.region])[0])


def test_no_deadline_is_never_over() -> None:
    check_time(None)
    check_time(monotonic() + 1000)
    with pytest.raises(LateError):
        check_time(monotonic() - 1)


def test_every_phase_stops_after_the_deadline(query: Query) -> None:
    over, checker = monotonic() - 1, checker_of(query)
    with pytest.raises(LateError):
        substitute(checker, query.goals[0], set(), deadline=over)
    with pytest.raises(LateError):
        ForwardPass(checker, over).run(range(query.network.units.count))
    with pytest.raises(LateError):
        ForwardPass(checker, over).run([0])
    small = random_query(3)
    network = FloatNetwork(small.network)
    with pytest.raises(LateError):
        ascend(small, network, 0, starts=2, steps=2, seed=0, deadline=over)
    units = np.ones(small.network.units.count)
    box = (np.zeros(small.network.inputs), np.ones(small.network.inputs))
    with pytest.raises(LateError):
        Relaxation(small, network, 0, -units, units, box, over).at(units.astype(np.int8))
    found = PhaseTree(small, checker_of(small), network, over).refute(0)
    assert isinstance(found, Undecided) and found.reason == "timeout"
    with pytest.raises(LateError):
        Propagation(checker, over).run()


def test_a_query_without_time_is_undecided_by_its_timeout(query: Query) -> None:
    verdict = verify(query, Options(timeout=1e-9)).verdict
    assert isinstance(verdict, Undecided)
    assert verdict.reason == "timeout"


def test_a_hard_control_ends_soon_after_its_timeout() -> None:
    """Right at the samples alone, 542 layers: without a deadline in each phase it took minutes."""
    dataset = load("digits")
    control = build("vardi", dataset, ratio=Fraction(99, 100))
    question = Question("inf", control.decoder, Fraction(1, 10))
    began = monotonic()
    verify(sample_query(control.network, points_of(dataset), question, 3), Options(timeout=0.5))
    assert monotonic() - began < 60


def test_samples_without_time_are_undecided_and_not_failed(tmp_path: Path) -> None:
    dataset = load("iris")
    construction = build("l1", dataset, ratio=Fraction(99, 100))
    options = Options(timeout=1e-6)
    run = begin(dataset, construction, folder=tmp_path / "run", samples=range(5), options=options)
    summary = continue_run(run, jobs=1)
    assert (summary.counts["undecided"], summary.counts["failed"]) == (5, 0)


@pytest.mark.parametrize("seed", range(12))
def test_undecided_says_what_is_proved_and_seen_of_the_margin(seed):
    """Nowhere is the margin below the one, and at a point it is the other."""
    query = random_query(seed, max_units=8)
    closed = Query(query.network, query.region.closed(), query.goals)
    verdict = verify(closed, Options(timeout=1e-9)).verdict
    if isinstance(verdict, Undecided):
        assert verdict.lower_bound is not None
        assert verdict.lowest_seen is not None
        assert verdict.lower_bound <= verdict.lowest_seen
        assert find_flip(margin_below(closed, verdict.lower_bound)) is None
        assert find_flip(margin_at_most(closed, verdict.lowest_seen)) is not None
