"""Floats that say which leaves close: what they call sure is so, and the kernel decides anyway."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction as F
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from tests.oracles.checkers import answer
from tests.oracles.random_queries import random_query
from verifier.checker.elaborate import Elaborator, elaborate, kernel_check_proof
from verifier.checker.estimates import Estimates
from verifier.evidence.certificate import (
    Leaf,
    Lemma,
    Node,
    Robust,
    SymbolicLeaf,
    SymbolicStep,
)
from verifier.question.build import chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.search.options import Options
from verifier.tasks.verify import verify

USUAL = Leaf(usual=True)


def aims(rng, query, state):
    """Each single atom and some lemmas, with leaves: what is asked of both."""
    for goal in query.goals:
        for number, atom in enumerate(goal.atoms):
            yield atom, Leaf(atoms={number: F(1)}, usual=True), goal
    for _ in range(6 if query.network.units.count else 0):
        v = rng.randrange(query.network.units.count)
        scale = state.scaled.scales[query.network.inputs + v]
        ends = F(state.lower(v)) / scale, F(state.upper(v)) / scale
        share = F(rng.randint(-1, 5), 4)
        lemma = Lemma(v, rng.random() < 0.5, ends[0] + share * (ends[1] - ends[0]), ())
        yield lemma, USUAL, lemma


def test_what_is_sure_is_so():
    """On boxes, balls and branches; and most leaves are sure or hopeless."""
    found = Counter()
    for seed in range(250):
        query, rng = random_query(seed), Random(seed)
        state = Elaborator(query)
        if seed % 3 == 0 and query.network.units.count > 1:
            v = rng.randrange(query.network.units.count)
            state._raise_lower(v, state.lower(v) / F(2))  # a branch
        for aim, leaf, target in aims(rng, query, state):
            least, error = state._least([aim], len(state.scaled.layers))
            closes = state.closes(leaf, target)
            kind = "sure" if least > error else "hopeless" if least < -error else "unknown"
            assert not (kind == "sure" and not closes), (seed, aim)
            if query.region.norm == "inf":
                assert not (kind == "hopeless" and closes), (seed, aim)
            found[kind] += 1
    assert found["sure"] > 300 and found["hopeless"] > 300, found
    assert found["unknown"] < 0.45 * found.total(), found  # many thresholds are exact


def test_what_is_sure_of_leaves_with_slopes_and_bounds_is_so():
    """Of units that are on, off and neither; in tampered leaves nothing is sure."""
    found = Counter()
    for seed in range(250):
        query, rng = random_query(seed), Random(seed)
        state, units = Elaborator(query), query.network.units.count
        for v in range(units):
            if rng.random() < 0.3:
                state._raise_lower(v, state.lower(v) / F(2))
        for _, leaf, target in aims(rng, query, state):
            some = sorted(rng.sample(range(units), rng.randint(0, units)))
            slopes = {v: F(rng.randint(0, 4), 4) for v in some}
            bounds = {v: F(rng.randint(-3, 3), 2) for v in some if rng.random() < 0.5}
            leaf = replace(leaf, slopes=slopes, bounds=bounds, usual=rng.random() < 0.5)
            sure, closes = state._closes_surely(leaf, target), state.closes(leaf, target)
            assert not (sure and not closes), (seed, leaf)
            assert sure is not False or query.region.norm != "inf" or not closes, (seed, leaf)
            found[sure] += 1
            wrong = (
                replace(leaf, slopes={**slopes, units: F(1)}),
                replace(leaf, slopes={0: F(5, 4)}),
            )
            assert all(state._closes_surely(one, target) is None for one in wrong)
    assert min(found[True], found[False]) > 150, found


def tight_query(seed):
    """Two dense layers, and a bound that holds by symbolic bounds of some units of the second."""
    rng = np.random.default_rng(seed)
    sizes = (4, 9, 9, 1)
    weights = [rng.integers(-64, 65, (b, a)) / 64 for a, b in pairwise(sizes)]
    biases = [rng.integers(-64, 65, b) / 64 for b in sizes[1:]]
    network, region = chain_from_floats(weights, biases), box([F(-1)] * 4, [F(1)] * 4)
    state = Elaborator(
        Query(network, region, (Goal((Atom((), ((0, F(-1)),), F(0), False),), "0"),))
    )
    (goal,) = state.query.goals
    alone = state._least(goal.atoms, 2)[0].item()
    list(state.steps([SymbolicStep()]))
    tight = state._least(goal.atoms, 2)[0].item()
    bound = F(alone + (tight - alone) * rng.random())
    return Query(network, region, (Goal((Atom((), ((0, F(-1)),), bound, False),), "0"),))


def test_only_needed_lemmas_are_written(monkeypatch):
    """Fewer than without estimates; both are proofs."""
    fewer = 0
    for seed in range(20):
        query = tight_query(seed)
        symbolic = Robust((), ((Node((), SymbolicLeaf(0)),),))
        assert answer(kernel_check_proof, query, symbolic) == "accepted"
        short = elaborate(query, symbolic)
        with monkeypatch.context() as patched:
            patched.setattr("verifier.checker.elaborate.estimates", lambda branch: None)
            long = elaborate(query, symbolic)
        assert answer(kernel_check_proof, query, long) == "accepted"
        assert {lemma.unit for lemma in short.steps} <= {lemma.unit for lemma in long.steps}
        fewer += len(short.steps) < len(long.steps)
    assert fewer > 10, fewer


def test_the_kernel_decides_and_not_the_estimates(monkeypatch):
    """Where floats call everything sure, the kernel refuses what is false, and that alone."""
    monkeypatch.setattr(Estimates, "least", lambda *_: (np.ones(99), np.zeros(99)))
    monkeypatch.setattr(
        Elaborator, "_least", lambda self, aims, *_: (np.ones(len(aims)), np.zeros(len(aims)))
    )
    counts = Counter()
    for seed in range(120):
        query = random_query(seed, max_units=5)
        proof = Robust((), tuple((Node((), SymbolicLeaf(0)),) for _ in query.goals))
        said = answer(kernel_check_proof, query, proof)
        counts[said] += 1
        if said == "accepted":
            assert verify(query, Options(nodes=50)).verdict.__class__ is Robust
    assert counts["accepted"] > 5 and counts["bound too weak"] > 30, counts


@pytest.mark.parametrize("big", [F(10) ** 400, F(1, 10**400)])
def test_numbers_beyond_floats(big):
    """Nothing is sure then, and nothing fails."""
    state = Elaborator(random_query(3))
    lemma = Lemma(0, False, big, ())
    least, error = state._least([lemma], 1)
    assert not bool(least > error) or state.closes(USUAL, lemma)
