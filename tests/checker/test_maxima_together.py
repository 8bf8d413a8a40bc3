"""The first step about maxima for many regions at once says what it says of each alone; the next
one looks only at what has changed since; and what a search copies is its own."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions.registry import build
from tests.oracles.maxima_queries import query_of
from tests.oracles.random_queries import random_region
from verifier.checker import branch, maxima_pass, maxima_together
from verifier.checker import scaled as scaled_module
from verifier.checker.checked import Checker
from verifier.checker.intervals import interval_bounds
from verifier.checker.maxima import MaximaRows
from verifier.checker.maxima_tables import DoesNotFitError, FormBounds, form_tables
from verifier.checker.maxima_together import REGIONS, MaximaTogether
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import InputSplit, Lemma, MaximaStep
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def checkers_of(queries):
    """A checker of each region alone, and one of each with the bounds of all; one network."""
    sides = [side for q in queries for side in (q.region.lower, q.region.upper)]
    scaled = ScaledNetwork(queries[0].network, common_denominator(sides))
    roots = interval_bounds(scaled, [query.region for query in queries])
    together = MaximaTogether(scaled, roots[0].table)
    alone = [TreeChecker(q, scaled, root) for q, root in zip(queries, roots, strict=True)]
    return alone, [
        TreeChecker(q, scaled, replace(root, together=together))
        for q, root in zip(queries, roots, strict=True)
    ]


def all_bounds(checker):
    units = range(checker.network.units.count)
    return [checker.unit_ends(v) for v in units], checker._all_rows


def cones(samples, classes=2):
    rng = Random(samples)
    rows = [[rng.randint(0, 40) for _ in range(12)] for _ in range(samples)]
    data = Dataset.from_rows("rows", rows, [k % classes for k in range(samples)])
    made = build("lipschitz-ovr", data, ratio=F(99, 100))
    return [
        Query(made.network, ball("inf", data.point(k), made.budget), made.goals(k % classes, 2))
        for k in range(samples)
    ]


def counted_runs(monkeypatch):
    """The numbers of regions that steps were found for at once."""
    found = []
    steps = MaximaTogether._steps

    def counted(self, first):
        listed = steps(self, first)
        found.append(0 if listed is None else len(listed))
        return listed

    monkeypatch.setattr(MaximaTogether, "_steps", counted)
    return found


@pytest.mark.parametrize("block", range(3))
def test_each_region_has_the_bounds_that_it_has_alone(block, monkeypatch):
    runs = counted_runs(monkeypatch)
    monkeypatch.setattr(maxima_together, "MANY_FORMS", 1)
    changed = 0
    for seed in range(40 * block, 40 * block + 40):
        query, rng = query_of(seed)
        queries = [query]
        for _ in range(rng.randint(1, 4)):
            region = random_region(rng, query.network.inputs, None)
            queries.append(replace(query, region=region))
        for alone, together in zip(*checkers_of(queries), strict=True):
            before, mark = all_bounds(together)[0], together.mark()
            expected, found = alone.tighten_maxima(), together.tighten_maxima()
            assert (found.raised, found.dropped) == (
                sorted(expected.raised),
                sorted(expected.dropped),
            ), seed
            assert all_bounds(together) == all_bounds(alone), seed
            changed += bool(found)
            together.undo(mark)
            assert all_bounds(together)[0] == before, seed
    assert changed >= 20
    assert sum(runs) >= 40


def test_units_that_reach_one_step_above_zero():
    """relu(x - k y) + k y - k = max(x, k y) - k is at most 1 by intervals, and 0 by the maximum."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    rises = build.layer([x - y * k for k in range(1, 65)])
    tops = build.layer([u + y * k - k for k, u in enumerate(rises, 1)])
    goal = Goal((Atom((), ((0, F(1)),), F(-9), False),), "never")
    network = build.network([tops[0]])
    queries = [Query(network, box([F(0)] * 2, [F(k), F(1)]), (goal,)) for k in (1, 2)]
    for alone, together in zip(*checkers_of(queries), strict=True):
        assert alone.tighten_maxima() == together.tighten_maxima()
        assert all_bounds(together) == all_bounds(alone)
    assert together.upper(64) == 1 and checkers_of(queries)[1][0].upper(64) == 1


def test_units_with_equal_rows_have_bounds_of_their_own(monkeypatch):
    """first and second are one function. relu(third - first) + first is a maximum to the rules, and
    the same with second is none, so that its bounds, and those of the sum, are not so good."""
    monkeypatch.setattr(maxima_together, "MANY_FORMS", 1)
    monkeypatch.setattr(scaled_module, "_BLOCK", 1)
    build = NetworkBuilder(2)
    x, y = build.inputs
    first, second, third = build.layer([x * 2 + y + 5, x * 2 + y + 5, x - y + 5])
    (rise,) = build.layer([third - first])
    tops = build.layer([rise + first, rise + second])
    (total,) = build.layer([tops[0] + tops[1]])
    network = build.network([total])
    goal = Goal((Atom((), ((0, F(1)),), F(-99), False),), "never")
    queries = [Query(network, box([F(-1)] * 2, [F(1), F(k)]), (goal,)) for k in (1, 2)]
    alone, together = checkers_of(queries)
    assert len(np.unique(alone[0].scaled.firsts)) == network.variables - 2
    for one, other in zip(alone, together, strict=True):
        assert one.tighten_maxima() == other.tighten_maxima()
        assert all_bounds(other) == all_bounds(one)
    assert [alone[0].unit_ends(v) for v in (4, 5)] == [(3, 8), (2, 13)]


def test_many_regions_of_a_network_of_cones(monkeypatch):
    """Some columns at a time, in any order; the last ones are fewer."""
    runs = counted_runs(monkeypatch)
    queries = cones(100)[: 2 * REGIONS + 3]
    alone, together = checkers_of(queries)
    for k in (0, 3, REGIONS, 2 * REGIONS + 2, 1, 2 * REGIONS):
        assert alone[k].tighten_maxima() == together[k].tighten_maxima()
        assert all_bounds(together[k]) == all_bounds(alone[k])
    assert runs == [REGIONS, REGIONS, 3, REGIONS, 3]


def test_a_region_alone_and_bounds_that_have_moved_are_not_taken_from_there(monkeypatch):
    runs = counted_runs(monkeypatch)
    queries = cones(100)
    for checker in checkers_of(queries[:1]):
        checker[0].tighten_maxima()
    assert runs == [0]
    alone, together = checkers_of(queries[:3])
    middle = (queries[0].region.lower[0] + queries[0].region.upper[0]) / 2
    for checker in (alone[0], together[0]):
        checker.restrict(InputSplit(0, middle), high=False)
        checker.tighten_maxima()
    for checker in (alone[1], together[1]):
        checker.assume(Lemma(3, True, F(0), ()))
        checker.tighten_maxima()
    assert runs == [0]
    assert [all_bounds(c) for c in together[:2]] == [all_bounds(c) for c in alone[:2]]


def test_a_step_after_a_step_is_not_taken_from_there():
    """It would lose what lemmas before the first one have said."""
    kept = 0
    for alone, together in zip(*checkers_of(cones(100)[:3]), strict=True):
        units = [v for v in range(alone.network.units.count) if alone.upper(v) > 0]
        for checker in (alone, together):
            for v in units[:3]:
                checker.assume(Lemma(v, True, F(-1), ()))
            checker.tighten_maxima()
            checker.tighten_maxima()
        assert all_bounds(alone) == all_bounds(together)
        kept += sum(together.upper(v) < 0 for v in units)
    assert kept >= 9


def test_where_few_maxima_are_open_each_region_is_looked_at_alone(monkeypatch):
    runs = counted_runs(monkeypatch)
    queries = cones(100)[:4]
    monkeypatch.setattr(maxima_together, "LIVE", 0)
    checkers_of(queries)[1][0].tighten_maxima()
    assert runs == [0]


def refuse(*_):
    raise DoesNotFitError


@pytest.mark.parametrize("what", ["object", "tables", "scale", "forms"])
def test_what_64_bits_do_not_hold_is_not_bounded_together(what, monkeypatch):
    runs = counted_runs(monkeypatch)
    queries = cones(100)[:3]
    (alone, *_), (first, *_) = checkers_of(queries)
    expected = alone.tighten_maxima()
    if what == "object":
        together = MaximaTogether(first.scaled, first.root.table.astype(object))
        first.root = replace(first.root, together=together)
    elif what == "scale":
        monkeypatch.setattr(maxima_together, "largest_scale", lambda scaled: 1 + (1 << 64))
    elif what == "tables":
        first.scaled._derived[form_tables] = None
    else:
        monkeypatch.setattr(FormBounds, "of_units", refuse)
    assert first.tighten_maxima() == expected
    assert runs == [0]
    assert all_bounds(first) == all_bounds(alone)


def test_a_maximum_that_is_one_term_on_some_regions_and_the_other_on_others():
    """Rows of numbers, one for each branch, say what one branch alone says."""
    for seed in range(60):
        query, rng = query_of(seed)
        scaled = checkers_of([query])[0][0].scaled
        tables = scaled.derived(form_tables)
        if tables is None or not len(tables.units):
            continue
        count = scaled.network.variables
        low = np.array([[rng.randint(-9, 9) for _ in range(3)] for _ in range(count)])
        high = low + np.array([[rng.randint(0, 9) for _ in range(3)] for _ in range(count)])
        forms = np.flatnonzero(tables.form_of >= 0)
        inputs = scaled.network.inputs

        def bounds_of(below, above, branches, tables=tables, inputs=inputs):
            return FormBounds(
                tables, 0, lambda j: (below[j], above[j]),
                lambda v: (below[inputs + v], above[inputs + v]), branches,
            )  # fmt: skip

        found = bounds_of(low, high, (3,)).of_units(forms)
        for k in range(3):
            alone = bounds_of(low[:, k], high[:, k], ()).of_units(forms)
            assert all((a == b[:, k]).all() for a, b in zip(alone, found, strict=True)), seed


@pytest.mark.parametrize("many", [1, 12])
def test_the_next_step_finds_what_it_would_find_from_all_maxima(many, monkeypatch):
    """Only what reads a bound that is new is looked at, through units whose bounds are not."""
    monkeypatch.setattr(maxima_pass, "MANY", many)
    rng = Random(8)
    fewer = changed = 0
    waiting = []
    run = maxima_pass.MaximaPass.run

    def counted(self, moved, listed):
        waiting.append(len(listed))
        return run(self, moved, listed)

    monkeypatch.setattr(maxima_pass.MaximaPass, "run", counted)
    for seed in range(120):
        query, _ = query_of(seed)
        (first,), (second,) = (checkers_of([query])[k] for k in range(2))
        unit, splits = rng.randrange(query.network.units.count), rng.random() < 0.3
        middle = (query.region.lower[0] + query.region.upper[0]) / 2
        bound = F(rng.randint(-3, 5), rng.choice((1, 2)))
        for checker in (first, second):
            checker.apply(MaximaStep())
            if splits:
                checker.restrict(InputSplit(0, middle), high=True)
            checker.assume(Lemma(unit, bound > 1, bound, ()))
        waiting.clear()
        found = first.tighten_maxima()
        with monkeypatch.context() as patch:
            patch.setattr(branch, "reading", lambda rows, _: np.ones(rows.rises.size, dtype=bool))
            assert second.tighten_maxima() == found, seed
        assert all_bounds(first) == all_bounds(second), seed
        fewer += len(waiting) == 2 and waiting[0] < waiting[1]
        changed += bool(found)
    assert fewer >= 10
    assert changed >= 10


def test_live_units_are_those_with_an_upper_bound_above_zero():
    for query in cones(100)[:2]:
        for checker in checkers_of([query])[0]:
            for lemma in (Lemma(5, True, F(-1), ()), Lemma(7, True, F(1, 9), ())):
                checker.assume(lemma)
                expected = [checker.upper(v) > 0 for v in range(query.network.units.count)]
                assert checker.live().tolist() == expected
                checker.tighten_maxima()
                expected = [checker.upper(v) > 0 for v in range(query.network.units.count)]
                assert checker.live().tolist() == expected
                assert not all(expected)


def test_a_search_copies_what_the_checker_has_found(monkeypatch):
    """The steps of four regions at once, and nothing that it could write to is the checker's."""
    runs = counted_runs(monkeypatch)
    queries = cones(100)[:4]
    checker = Checker.of(queries[0].network, queries)
    _, these = next(checker.rounds(queries))
    these.lend_maxima(1)
    assert runs == [4]
    query, scaled, root = these.for_search(1)
    found, held = root.together.of(root), these._roots[1].together.of(these._roots[1])
    these.lend_maxima(2)  # which is found with it
    assert root.together._found is these.for_search(2)[2].together._found
    assert runs == [4]
    assert (found[0] == held[0]).all() and (found[1] == held[1]).all()
    for k in (0, 1):
        assert not np.shares_memory(found[k], held[k])
    assert found[2].before is root and not np.shares_memory(found[2].low, held[2].low)
    assert not np.shares_memory(found[2].high, held[2].high)
    assert not np.shares_memory(found[2].changed, held[2].changed)
    assert not scaled.has_derived(MaximaRows) and checker.scaled.has_derived(MaximaRows)
    assert TreeChecker(query, scaled, root).tighten_maxima()
    assert scaled.has_derived(MaximaRows)


def test_too_many_maxima_are_found_out_by_the_search_as_well(monkeypatch):
    queries = cones(100)[:2]
    monkeypatch.setattr("verifier.checker.maxima.MAXIMA", 0)
    checker = Checker.of(queries[0].network, queries)
    ((_, these),) = checker.rounds(queries)
    these.lend_maxima(0)
    _, _, root = these.for_search(0)
    with pytest.raises(RefusedError, match="too many maxima"):
        root.together.of(root)
