"""Which bounds of units that read inputs alone are tried: those that decide what reads them, and as
few as are enough; against exact bounds, and with proofs that the checker accepts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.families import family_of
from tests.oracles.random_data import random_data
from tests.oracles.random_families import label_families
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.family_replay import replay_family
from verifier.evidence.certificate import Leaf, Lemma, MaximaStep, PairLemma
from verifier.question.build import NetworkBuilder
from verifier.question.family import Cone, FamilyQuery
from verifier.question.query import Atom, Goal
from verifier.search.deep import ball_rows
from verifier.search.deep.ball_rows import BallRows, _Ball, deciding_lemmas, rows_of
from verifier.search.deep.family import _Attempt, family_proofs
from verifier.search.deep.lifting import Lifting, lowest

F = Fraction
NAMES = ("l1-halfspaces", "l2-halfspaces")


def families(name, seed=3, size=9):
    dataset = random_data(seed, size, 3, 3)
    family = family_of(dataset, name)
    return label_families(dataset, family, family.end)


def checkers(name, seed=3):
    queries = families(name, seed)
    scaled = family_scaled(queries[0].network, queries)
    for query, roots in zip(queries, family_roots(scaled, queries), strict=True):
        yield FamilyChecker(query, scaled, roots)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_on_balls_are_those_of_exact_leaves(name):
    for checker in checkers(name):
        rows = BallRows(checker.scaled)
        below, above = ball_rows._on_ball(checker, rows)
        for place, v in enumerate(rows.rows.units.tolist()):
            for number, end in enumerate(checker.ends):
                for upper, found in ((False, below), (True, above)):
                    sign = -1 if upper else 1
                    target = Lemma(v, upper, F(0), ())
                    exact = sign * float(lowest(end, Leaf(), target))
                    assert found[number, place] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_few_bounds_are_enough(name, monkeypatch):
    """Proofs of lemmas about single half-spaces and one step about maxima; fewer lemmas than there
    are half-spaces, and each of them is needed by the row that it was chosen for."""
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    lemmas = 0
    for query, proof in zip(families(name), family_proofs(families(name)), strict=True):
        assert proof is not None
        replay_family(query, proof)
        own = [step for step in proof.steps if isinstance(step, PairLemma)]
        assert all(isinstance(step, PairLemma | MaximaStep) for step in proof.steps)
        assert len({(step.unit, step.upper) for step in own}) == len(own)
        lemmas += len(own)
    assert lemmas > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_decides_a_row_decides_it_exactly(name):
    decided = 0
    for checker in checkers(name):
        rows = BallRows(checker.scaled)
        ball = _Ball(checker, rows)
        for place in ball.decided():
            mark = checker.mark()
            unit = int(rows.readers.units[place if place >= 0 else -1 - place])
            before = bounds_of(checker, unit)
            picked = ball.needed(place)
            for lemma in chosen(checker, rows, picked):
                assert Lifting(checker).steps([lemma])
            low, high = bounds_of(checker, unit)
            assert (max(high) <= 0) if place >= 0 else (min(low) >= 0), (place, before)
            checker.undo(mark)
            if place >= 0 and len(picked) > 1:  # without the last one it is not decided
                for lemma in chosen(checker, rows, picked[:-1]):
                    Lifting(checker).steps([lemma])
                assert max(bounds_of(checker, unit)[1]) > 0
                checker.undo(mark)
            decided += 1
    assert decided > 20


def chosen(checker, rows, picked):
    wanted = set(picked)
    found = [one for one in deciding_lemmas(checker, rows) if (one.unit, one.upper) in wanted]
    assert len(found) == len(wanted)
    return found


def bounds_of(checker, unit):
    """Of a row by intervals, with the lemmas that were assumed, at both ends."""
    variables, weights, constant = checker.scaled.plain_row(unit)
    low, high = [constant] * 2, [constant] * 2
    for j, weight in zip(variables, weights, strict=True):
        below, above = checker.variable_bounds(j)
        for end in (0, 1):
            a, b = sorted((weight * below[end], weight * above[end]))
            low[end] += a
            high[end] += b
    return low, high


def test_networks_of_few_such_units_have_none():
    (checker, *_) = checkers("l2-halfspaces")
    assert len(BallRows(checker.scaled).rows.units) < ball_rows.ENOUGH
    assert rows_of(checker.scaled) is None


def test_numbers_that_floats_do_not_hold():
    build = NetworkBuilder(2)
    x, m = build.inputs
    first = build.layer([x * 10**400 + m * k for k in range(ball_rows.ENOUGH)])
    second = build.layer([sum(first[1:], first[0])])
    network = build.network([second[0]])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")
    query = FamilyQuery(network, Cone("1", (F(0),), F(1), F(0), F(1), True), (goal,))
    assert rows_of(family_scaled(network, [query])) is None


def test_nothing_is_kept_where_it_is_not_enough(monkeypatch):
    """Of a goal that does not hold: the search ends without a proof, and with the bounds it had."""
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    queries = families("l2-halfspaces")
    wrong = [type(q)(q.network, q.cone, other.goals) for q, other in zip(
        queries, queries[1:] + queries[:1], strict=True) if q.goals != other.goals]  # fmt: skip
    assert wrong
    scaled = family_scaled(wrong[0].network, wrong)
    for query, roots in zip(wrong, family_roots(scaled, wrong), strict=True):
        attempt = _Attempt(query, scaled, roots, lambda share: None, None)
        before = [dict(end._low) for end in attempt._checker.ends]
        assert not attempt._closed_by_rows() and attempt._steps == []
        assert [dict(end._low) for end in attempt._checker.ends] == before


def test_the_same_is_chosen_again():
    (checker, *_) = checkers("l1-halfspaces")
    rows = BallRows(checker.scaled)
    first, second = (deciding_lemmas(checker, rows) for _ in range(2))
    assert first == second and first == sorted(first, key=lambda one: (one.unit, one.upper))
    assert np.isfinite(rows.matrix).all()
