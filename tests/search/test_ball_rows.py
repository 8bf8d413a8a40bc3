"""Which bounds of units that read inputs alone are tried: those that decide what reads them, and as
few as are enough; against exact bounds, and with proofs that the checker accepts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from constructions.families import family_of
from constructions.registry import build
from tests.oracles.maxima_networks import checker_of
from tests.oracles.random_data import random_data
from tests.oracles.random_families import label_families
from verifier.checker.family import FamilyChecker, at_end, family_roots, family_scaled
from verifier.checker.family_replay import replay_family
from verifier.checker.replay import replay
from verifier.evidence.certificate import Leaf, Lemma, MaximaStep, Node, PairLemma, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.family import Cone, FamilyQuery
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball
from verifier.search.deep import ball_rows
from verifier.search.deep.ball_rows import (
    BallRows,
    OneBall,
    _Ball,
    deciding_lemmas,
    lemmas_of_ball,
    rows_of,
)
from verifier.search.deep.family import FamilySearch, _Attempt, family_proofs
from verifier.search.deep.lifting import lowest
from verifier.search.deep.propagation import Propagation

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
                checker.apply(lemma)
            low, high = bounds_of(checker, unit)
            assert (max(high) <= 0) if place >= 0 else (min(low) >= 0), (place, before)
            checker.undo(mark)
            if place >= 0 and len(picked) > 1:  # without the last one it is not decided
                for lemma in chosen(checker, rows, picked[:-1]):
                    checker.apply(lemma)
                assert max(bounds_of(checker, unit)[1]) > 0
                checker.undo(mark)
            decided += 1
    assert decided > 20


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_that_leaves_reach(name):
    """Of every unit that reads inputs alone, of both bounds, at both ends."""
    for checker in checkers(name):
        rows = BallRows(checker.scaled)
        picks = [(v, upper) for v in rows.rows.units.tolist() for upper in (False, True)]
        for number, end in enumerate(checker.ends):
            found = ball_rows._reached(end, picks)
            targets = [PairLemma(v, upper, (F(0), F(0)), ()) for v, upper in picks]
            assert found == [lowest(end, Leaf(), at_end(t, number)) for t in targets]


@pytest.mark.parametrize("name", NAMES)
def test_what_matters_is_less_than_everything_and_short(name):
    """Of what every row takes, a part, with numbers that are no longer, none of them tighter."""
    fewer = shorter = 0
    for checker in checkers(name):
        rows = BallRows(checker.scaled)
        every, _ = deciding_lemmas(checker, rows, every=True)
        some, plain = deciding_lemmas(checker, rows)
        whole = {(one.unit, one.upper): one for one in every}
        assert plain and {(one.unit, one.upper) for one in some} <= set(whole)
        fewer += len(every) - len(some)
        for one in some:
            checker.refute(one.tree, one)
            exact = whole[one.unit, one.upper]
            for q, tight in zip(one.ends, exact.ends, strict=True):
                assert q >= tight if one.upper else q <= tight
                assert len(str(q)) <= len(str(tight)) or q == 0
                shorter += len(str(q)) < len(str(tight))
    assert fewer > 0 and shorter > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_proof_that_is_plain_need_not_be_tried(name, monkeypatch):
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    queries = families(name)
    scaled = family_scaled(queries[0].network, queries)
    roots = family_roots(scaled, queries)
    search = FamilySearch(queries[0].network)
    tried, untried = (
        dict(search.run(queries, scaled, roots, untried=each)) for each in (False, True)
    )
    for k, query in enumerate(queries):
        replay_family(query, untried[k])
        assert untried[k] == tried[k] or not tried[k].steps


@pytest.mark.parametrize("name", NAMES)
def test_a_maximum_whose_rivals_stay_open_is_not_plain(name, monkeypatch):
    (checker, *_) = checkers(name)
    rows = BallRows(checker.scaled)
    weak = ball_rows._on_ball(checker, rows)
    assert deciding_lemmas(checker, rows)[1]
    monkeypatch.setattr(ball_rows, "_on_ball", lambda *_: (weak[0] - 1000, weak[1] + 1000))
    assert not deciding_lemmas(checker, rows)[1]


def test_of_other_norms_lemmas_are_lifted():
    """p = 3: the values are those of `Lifting`, and the checker accepts them."""
    build = NetworkBuilder(3)
    x, y, m = build.inputs
    rows = build.layer([x - y + m * 3 + 1, x * 2 + y - m - 5])
    total = build.layer([rows[0] - rows[1]])
    network = build.network([total[0]])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")
    query = FamilyQuery(network, Cone("3", (F(0), F(1)), F(1), F(0), F(1), True), (goal,))
    scaled = family_scaled(network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    picks = dict.fromkeys([(v, upper) for v in (0, 1) for upper in (False, True)])
    lemmas = ball_rows._lemmas(checker, picks)
    assert [(one.unit, one.upper) for one in lemmas] == list(picks)
    for lemma in lemmas:
        checker.refute(lemma.tree, lemma)


def chosen(checker, rows, picked):
    wanted = set(picked)
    lemmas, _ = deciding_lemmas(checker, rows, every=True)
    found = [one for one in lemmas if (one.unit, one.upper) in wanted]
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
    (first, _), (second, _) = (deciding_lemmas(checker, rows) for _ in range(2))
    assert first == second and first == sorted(first, key=lambda one: (one.unit, one.upper))
    assert np.isfinite(rows.matrix).all()


def ball_queries(name):
    """A ball around each sample, with the label of the sample."""
    data = random_data(3, 9, 3, 3)
    made = build(name, data, ratio=F(99, 100))
    for sample in range(data.size):
        goals = made.goals(int(data.labels[sample]), data.classes)
        yield Query(made.network, ball(made.norm, data.point(sample), made.budget), goals)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_on_one_ball_are_those_of_exact_leaves(name):
    for query in ball_queries(name):
        checker = checker_of(query)
        rows = BallRows(checker.scaled)
        for found, upper in zip(ball_rows._on_ball(OneBall(checker), rows), (0, 1), strict=True):
            assert (found[0] == found[1]).all()
            for place, v in enumerate(rows.rows.units.tolist()):
                exact = lowest(checker, Leaf(), Lemma(v, bool(upper), F(0), ()))
                sign = -1 if upper else 1
                assert found[0, place] == pytest.approx(sign * float(exact), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("every", [False, True])
def test_lemmas_of_one_ball_hold_and_decide(name, every):
    """Each is one leaf, holds, and is not far from what the leaf reaches; together with one step
    about maxima they prove the ball."""
    count = 0
    for query in ball_queries(name):
        checker = checker_of(query)
        lemmas = lemmas_of_ball(checker, BallRows(checker.scaled), every=every)
        assert len({(lemma.unit, lemma.upper) for lemma in lemmas}) == len(lemmas)
        for lemma in lemmas:
            assert lemma.tree == (Node((), Leaf()),)
            checker.apply(lemma)
        count += len(lemmas)
        propagation = Propagation(checker)
        assert propagation._bound_maxima()
    assert count > 0


@pytest.mark.parametrize("name", NAMES)
def test_proofs_of_balls_are_lemmas_about_half_spaces(name, monkeypatch):
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    lemmas = 0
    for query in ball_queries(name):
        propagation = Propagation(checker_of(query), sums=False)
        assert propagation.run_quickly()
        proof = Robust(tuple(propagation.steps), tuple(propagation.trees))
        replay(query, proof)
        first = set(BallRows(propagation.checker.scaled).rows.units.tolist())
        own = [step for step in proof.steps if isinstance(step, Lemma)]
        assert all(isinstance(step, Lemma | MaximaStep) for step in proof.steps)
        assert {step.unit for step in own} <= first
        lemmas += len(own)
    assert lemmas > 0


def test_nothing_is_kept_of_lemmas_that_are_not_enough(monkeypatch):
    """Of a ball that reaches a sample of another label."""
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    for query in ball_queries("l2-halfspaces"):
        wide = replace(query, region=ball("2", query.region.center, F(400)))
        checker = checker_of(wide)
        propagation = Propagation(checker)
        before = [checker.unit_ends(v) for v in range(wide.network.units.count)]
        assert not propagation._bound_rows()
        assert before == [checker.unit_ends(v) for v in range(wide.network.units.count)]
        assert not propagation.steps and not propagation._touched
        assert set(propagation.trees) == {None} == set(propagation.margins)


def test_norms_above_2_have_no_exact_leaves(monkeypatch):
    monkeypatch.setattr(ball_rows, "ENOUGH", 1)
    for query in ball_queries("l2-halfspaces"):
        other = replace(query, region=ball("3", query.region.center, F(1, 100)))
        assert not Propagation(checker_of(other))._bound_rows()
