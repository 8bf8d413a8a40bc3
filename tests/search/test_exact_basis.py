"""Leaves from the exact optimum of a branch's linear program, whose units may be open."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.random_queries import random_query
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Robust, UnitSplit
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.exact.basis import exact_optimum
from verifier.tasks.verify import verify

TINY = Fraction(1, 10**40)


def checker_of(query: Query) -> TreeChecker:
    scaled = scaled_for(query.network, [query])
    return TreeChecker(query, scaled, interval_bounds(scaled, [query.region])[0])


def lowered(goal: Goal, by: Fraction) -> Goal:
    """The goal's atoms, strict and smaller by this."""
    atoms = (replace(a, constant=a.constant - by, strict=True) for a in goal.atoms)
    return Goal(tuple(atoms), goal.rival)


@pytest.mark.parametrize("norm", ["inf", "1"])
def test_the_leaf_closes_down_to_the_optimum_itself_and_no_further(norm: str) -> None:
    asked = 0
    for seed in range(150):
        rng = Random(seed)
        query = random_query(rng, norm=norm)
        checker = checker_of(query)
        units = range(query.network.units.count)
        undecided = [v for v in units if checker.lower(v) < 0 < checker.upper(v)]
        phases = {v: rng.random() < 0.5 for v in undecided if rng.random() < 0.3}
        for goal in query.goals:
            found = exact_optimum(query, checker, goal, phases, undecided)
            if found is None:  # a branch without points, or too many bits for the solver
                continue
            margin, leaf = found
            mark = checker.mark()
            for v, on in phases.items():
                checker.restrict(UnitSplit(v), high=on)
            assert checker.closes(leaf, lowered(goal, margin)), seed
            assert not checker.closes(leaf, lowered(goal, margin - TINY)), seed
            checker.undo(mark)
            asked += len(undecided) > len(phases)
    assert asked > 60


@pytest.mark.parametrize("count", [1, 5, 16])
def test_chords_that_touch_at_every_corner_need_one_leaf(count: int) -> None:
    """max(x, 0) is at most (x + 1) / 3 on [-1, 1/2], with equality at both ends, and no multiplier
    of finitely many bits says so: phases alone would take 2^count leaves."""
    build = NetworkBuilder(count)
    total = Affine({}, 0)
    for x, z in zip(build.inputs, build.layer(list(build.inputs)), strict=True):
        total = total + z - (x + 1) * Fraction(1, 3)
    region = box([Fraction(-1)] * count, [Fraction(1, 2)] * count)
    above = Goal((Atom((), ((0, Fraction(1)),), Fraction(0), strict=True),), "above")
    found = verify(Query(build.network([total]), region, (above,))).verdict
    assert isinstance(found, Robust)
    assert [len(tree) for tree in found.trees] == [1]


def test_no_linear_program_stands_for_a_round_ball() -> None:
    build = NetworkBuilder(1)
    network = build.network([build.layer(list(build.inputs))[0]])
    goal = Goal((Atom((), ((0, Fraction(1)),), Fraction(-1), strict=True),), "one")
    query = Query(network, ball("2", [Fraction(0)], Fraction(1)), (goal,))
    assert exact_optimum(query, checker_of(query), goal, {}, [0]) is None
