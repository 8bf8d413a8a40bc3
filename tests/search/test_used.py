"""Counts of what worked on a query, and of what was refused."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from tests.oracles.hats import F, at_most, hat
from tests.oracles.random_queries import random_query
from verifier.cli.main import main
from verifier.evidence.certificate import Undecided
from verifier.question.build import chain_from_floats
from verifier.question.query import Query, label_goals
from verifier.question.region import ball, box
from verifier.search import engine
from verifier.search.options import MEMORY_LIMIT, Options
from verifier.search.trees import branching
from verifier.search.used import note, tally
from verifier.tasks.verify import verify


def test_notes_belong_to_the_innermost_tally_and_are_lost_without_one():
    note("nowhere")
    with tally() as outer:
        note("a")
        with tally() as inner:
            note("b", 2)
            note("b")
        note("a")
    note("nowhere")
    assert (outer, inner) == (Counter(a=2), Counter(b=3))


@pytest.mark.parametrize("seed", range(20))
def test_the_same_query_has_the_same_counts(seed):
    query = random_query(seed)
    first, second = verify(query).methods, verify(query).methods
    assert first == second
    assert list(first) == sorted(first)
    assert all(count > 0 for count in first.values())


def random_network_query(bias: float) -> Query:
    draw = np.random.default_rng(2)
    shapes = ((6, 3), (6, 6), (2, 6))
    biases = [draw.normal(size=6), draw.normal(size=6), np.array([bias, 0.0])]
    network = chain_from_floats([draw.normal(size=shape) for shape in shapes], biases)
    return Query(network, ball("inf", [F(0)] * 3, F(1)), label_goals("argmax", 0, range(2), 2))


def test_a_query_that_symbolic_bounds_close_used_nothing_else():
    assert verify(random_network_query(1000.0)).methods == {"symbolic bounds": 1}


def test_what_is_refused_is_counted_with_its_reason(monkeypatch):
    query = random_network_query(1000.0)
    with monkeypatch.context() as patched:
        patched.setattr(branching, "supports", lambda network: False)
        counts = verify(query).methods
        assert counts["refused: symbolic bounds, the sums are too long"] == 1
        assert "symbolic bounds" not in counts and counts["ascent"] == 1
    monkeypatch.setattr(engine, "fits", lambda network: False)
    assert verify(query).methods == {"refused: floats, the network is too large": 1}


def test_counts_stand_in_json_beside_the_solver(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    np.savez("abs.npz", W0=first, b0=np.zeros(4), W1=np.ones((1, 4)), b1=np.zeros(1))
    question = ["verify", "abs.npz", "--box", "-1:1", "--unsafe", "Y_0 >= 2.1", "--json"]
    assert main([*question, "--engine", "milp:highs"]) == 0
    assert json.loads(capsys.readouterr().out)["methods"]["solver highs"] == 1


def test_counts_of_what_ended_without_memory_are_kept(monkeypatch):
    def starved(*arguments, **options):
        note("attack")
        raise MemoryError

    monkeypatch.setattr("verifier.search.engine._exactly", starved)
    query = at_most(hat(), box([F(-1), F(-2)], [F(1), F(2)]), Fraction(100), strict=False)
    outcome = verify(query, Options(nodes=3))
    assert outcome.verdict == Undecided(MEMORY_LIMIT)
    assert outcome.methods == {"attack": 1}
