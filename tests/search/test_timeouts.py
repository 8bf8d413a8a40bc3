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
from verifier.checker import symbolic
from verifier.checker.intervals import interval_bounds
from verifier.checker.manifest import Question, sample_query
from verifier.checker.scaled import evaluate, scaled_for
from verifier.checker.tree import TreeChecker
from verifier.data.load import load
from verifier.evidence.certificate import Undecided
from verifier.question.build import chain_from_floats
from verifier.question.margin import margin_at_most, margin_below
from verifier.question.query import Query, label_goals
from verifier.question.region import ball
from verifier.runs.run import begin, continue_run, points_of, question_of
from verifier.search.attack import ascend
from verifier.search.bounds import solver
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.bounds.relaxation import Relaxation
from verifier.search.bounds.solver import LinearProgram
from verifier.search.clock import LateError, check_time, seconds_left, tick, within
from verifier.search.deep.forward import ForwardPass
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.substitution import substitute
from verifier.search.exact.pattern import decide_pattern
from verifier.search.flips import hints
from verifier.search.options import MEMORY_LIMIT, Options
from verifier.search.trees.phases import PhaseTree
from verifier.tasks import verify as verify_module
from verifier.tasks.radius import exact_radius
from verifier.tasks.verify import verify, verify_batch
from verifier.tasks.worst import worst


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


class Clock:
    """Stands still, but for what is added to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
        self.now = 1000.0
        for module in ("verifier.search.clock", *modules):
            monkeypatch.setattr(f"{module}.monotonic", lambda: self.now)


def test_the_earlier_deadline_holds(monkeypatch):
    clock = Clock(monkeypatch)
    with within(clock.now + 5):
        with within(clock.now + 9), within(None):
            assert seconds_left() == 5
            clock.now += 4
            tick()
            clock.now += 2
            with pytest.raises(LateError):
                tick()
            with pytest.raises(LateError):
                seconds_left()
        clock.now -= 6
        with within(clock.now + 1):
            assert seconds_left() == 1
        assert seconds_left() == 5
    assert seconds_left() is None
    clock.now += 100
    tick()


def test_points_are_looked_at_as_long_as_there_is_time(monkeypatch):
    clock, evaluated = Clock(monkeypatch), []

    def slowly(network, points):
        evaluated.append(len(points))
        clock.now += 1
        return evaluate(network, points)

    monkeypatch.setattr(hints, "evaluate", slowly)
    monkeypatch.setattr(hints, "AT_ONCE", 2)
    query = next(q for q in map(random_query, range(50)) if find_flip(q) is None)
    points = [query.region.center or query.region.lower] * 9
    with pytest.raises(LateError), within(clock.now + 2.5):
        hints.flips_at_hints(query.network, [query], [points])
    assert evaluated == [2, 2, 2]


def test_one_program_ends_with_the_time_of_its_query(monkeypatch):
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(400, 300))
    program = LinearProgram(-np.ones(300), np.ones(300), draw.normal(size=300))
    program.add_rows(rows, np.full(400, -1.0), np.full(400, 1.0))
    program.start()
    monkeypatch.setattr(solver, "seconds_left", lambda: 1e-6)
    with pytest.raises(LateError):
        program.solve()
    monkeypatch.setattr(solver, "seconds_left", lambda: None)
    assert program.solve().columns is not None  # with more time the same program goes on


def test_a_program_that_is_left_after_some_iterations_goes_on_from_there():
    draw = np.random.default_rng(0)
    rows, cost = draw.normal(size=(60, 40)), draw.normal(size=40)

    def made() -> LinearProgram:
        program = LinearProgram(-np.ones(40), np.ones(40), cost)
        program.add_rows(rows, np.full(60, -1.0), np.full(60, 1.0))
        program.start()
        return program

    program, pieces = made(), 0
    assert program.entries == rows.size
    while not program.ends_within(4):
        pieces += 1
    assert 2 <= pieces <= 100
    whole = made().solve()
    assert whole.columns is not None
    again = program.solve()
    assert again.columns is not None and np.allclose(cost @ again.columns, cost @ whole.columns)


def wide_query(width: int) -> Query:
    draw = np.random.default_rng(1)
    shapes = ((width, 2), (width, width), (2, width))
    biases = [np.zeros(width), np.zeros(width), np.array([1.0, 0.0])]
    network = chain_from_floats([draw.normal(size=shape) for shape in shapes], biases)
    region = ball("inf", [Fraction(0)] * 2, Fraction(1))
    return Query(network, region, label_goals("argmax", 0, range(2), 2))


def test_rows_of_a_wide_layer_are_lowered_block_by_block(monkeypatch):
    """Between two blocks somebody may say that it is enough."""
    query = wide_query(24)
    monkeypatch.setattr(symbolic, "CELLS", 24 * 10)
    branches = checker_of(query).branches([checker_of(query).snapshot()])
    blocks: list[int] = []
    monkeypatch.setattr(branches, "_minima", counted(branches._minima, blocks))
    asked: list[int] = []
    branches.between = lambda: asked.append(len(blocks))
    branches.tighten()
    assert len(blocks) >= 3 and asked == list(range(len(blocks)))

    def enough() -> None:
        if len(asked) >= 2:
            raise LateError
        asked.append(0)

    asked.clear()
    blocks.clear()
    again = checker_of(query).branches([checker_of(query).snapshot()])
    monkeypatch.setattr(again, "_minima", counted(again._minima, blocks))
    again.between = enough
    with pytest.raises(LateError):
        again.tighten()
    assert len(blocks) == 2


def counted(function, calls: list[int]):
    def called(*arguments):
        calls.append(len(arguments[1]))
        return function(*arguments)

    return called


def test_a_radius_of_a_constructed_network_ends_with_its_time(monkeypatch):
    """Every pass through the network takes a second of a clock that else stands still."""
    clock, passes = Clock(monkeypatch, "verifier.tasks.radius", "verifier.tasks.verify"), []
    dataset = load("iris")
    construction = build("linf", dataset, ratio=Fraction(99, 100))
    forward = FloatNetwork.forward

    def slowly(self, points):
        passes.append(len(points))
        clock.now += 1
        return forward(self, points)

    monkeypatch.setattr(FloatNetwork, "forward", slowly)
    found = exact_radius(
        construction.network, points_of(dataset), 100, decoder="nearest",
        options=Options(timeout=4),
    )  # fmt: skip
    assert not found.reached and found.reason == "timeout"
    assert 4 <= len(passes) <= 10  # a few of those in which nobody asks for the time
    assert found.flip is not None  # what was seen is not lost


def test_a_worst_case_ends_with_its_time(monkeypatch):
    clock = Clock(monkeypatch, "verifier.tasks.worst", "verifier.tasks.verify",
                  "verifier.search.trees.phases", "verifier.search.engine")  # fmt: skip
    ascend, calls = FloatNetwork.ascend, []

    def slowly(self, goal, points):
        calls.append(0)
        clock.now += 1
        return ascend(self, goal, points)

    monkeypatch.setattr(FloatNetwork, "ascend", slowly)
    query = wide_query(8)
    found = worst(query, options=Options(timeout=3))
    assert len(calls) <= 12
    assert found.upper == -max(
        min(atom.value(found.point, evaluate(query.network, [found.point])[0])
            for atom in goal.atoms)
        for goal in query.goals
    )  # fmt: skip


def test_a_query_above_the_memory_limit_is_undecided(monkeypatch):
    queries = [wide_query(4), wide_query(5)]
    for name in ("verifier.search.engine._answer", "verifier.tasks.verify.flips_at_hints"):
        with monkeypatch.context() as patched:
            patched.setattr(name, out_of_memory)
            for query in queries:
                assert verify(query).verdict == Undecided(MEMORY_LIMIT)
    assert not isinstance(verify(queries[0]).verdict, Undecided)


def test_of_many_queries_only_those_above_the_memory_limit_are_undecided(monkeypatch):
    network = wide_query(6).network
    queries = [
        Query(network, ball("inf", [Fraction(k)] * 2, Fraction(1, 8)), wide_query(6).goals)
        for k in range(4)
    ]
    expected = [outcome.verdict for outcome in verify_batch(network, queries)]
    look = verify_module.flips_at_hints

    def limited(network, listed, points):
        if queries[2] in listed:
            raise MemoryError
        return look(network, listed, points)

    monkeypatch.setattr(verify_module, "flips_at_hints", limited)
    found = [outcome.verdict for outcome in verify_batch(network, queries)]
    assert found == [*expected[:2], Undecided(MEMORY_LIMIT), expected[3]]


def test_a_radius_above_the_memory_limit_is_not_reached(monkeypatch):
    monkeypatch.setattr("verifier.tasks.around.directions", out_of_memory)
    dataset = load("iris")
    network = build("linf", dataset, ratio=Fraction(99, 100)).network
    found = exact_radius(network, points_of(dataset), 100, decoder="nearest")
    assert (found.reached, found.reason) == (False, MEMORY_LIMIT)


def out_of_memory(*arguments, **options):
    raise MemoryError


def ticking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every look at the clock takes a second; the list grows with them."""
    looks: list[int] = []

    def now() -> float:
        looks.append(0)
        return float(len(looks))

    monkeypatch.setattr("verifier.search.clock.monotonic", now)
    return looks


def test_rows_of_a_wide_layer_are_substituted_as_long_as_there_is_time(monkeypatch):
    query = wide_query(24)
    checker = checker_of(query)
    every, looks = set(range(query.network.units.count)), ticking(monkeypatch)
    substitute(checker, query.goals[0], (), every, every)
    assert not looks  # nobody looks where there is no limit
    with within(10**6):
        substitute(checker, query.goals[0], (), every, every)
    rows = len(looks)
    assert rows >= 12
    looks.clear()
    with pytest.raises(LateError), within(rows // 2):
        substitute(checker, query.goals[0], (), every, every)
    assert len(looks) == rows // 2 + 1


def test_rows_of_an_exact_program_are_made_as_long_as_there_is_time(monkeypatch):
    query = wide_query(12)
    checker = checker_of(query)
    units = range(query.network.units.count)
    phases = {v: True for v in units if checker.undecided(v)}
    looks = ticking(monkeypatch)
    with within(10**6):
        decide_pattern(query, checker, query.goals[0], phases)
    rows = len(looks)
    assert rows > 2 * len(phases) > 40  # when they are made, and when they are scaled
    for part in range(1, 6):
        looks.clear()
        with pytest.raises(LateError), within(part * rows // 6):
            decide_pattern(query, checker, query.goals[0], phases)
        assert len(looks) == part * rows // 6 + 1
