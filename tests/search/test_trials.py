"""How a tree goes on: units split by trial, trees left that would outgrow what makes them smaller,
and programs that have to close as much as the ascent does for the same cost."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from tests.oracles.reference import check_reference
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Leaf, Robust, Undecided
from verifier.question.build import chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball
from verifier.search.bounds import relaxation
from verifier.search.bounds.ascent import Ascent
from verifier.search.bounds.float_leaf import LeafBounds
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.options import Options
from verifier.search.trees import branching, trials
from verifier.search.trees.nodes import Nodes
from verifier.search.trees.phases import (
    FEW_NODES,
    NODE_LIMIT,
    Patience,
    PhaseTree,
    _Rival,
)
from verifier.search.trees.trials import best_splits
from verifier.tasks.verify import verify


def query_of(seed: int, sizes: tuple[int, ...], threshold: F) -> Query:
    """Does output 0 of a random network reach the threshold on [-1, 1]^n?"""
    random = np.random.default_rng(seed)
    network = chain_from_floats(
        [random.normal(size=shape) for shape in zip(sizes[1:], sizes, strict=False)],
        [random.normal(size=rows) / 2 for rows in sizes[1:]],
    )
    goal = Goal((Atom((), ((0, F(1)),), -threshold, False),), "high")
    return Query(network, ball("inf", [F(0)] * sizes[0], F(1)), (goal,))


def tree_of(query: Query) -> PhaseTree:
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
    return PhaseTree(query, checker, FloatNetwork(query.network), None)


def highest(query: Query) -> float:
    """Of output 0 at many points."""
    points = np.random.default_rng(0).uniform(-1, 1, (4096, query.network.inputs))
    return float(FloatNetwork(query.network).margins(query.goals[0], points).max())


def unreached(seed: int, sizes: tuple[int, ...] = (4, 12, 12, 1)) -> Query:
    """A threshold beyond what points reach by a fifth, so that a proof has to split."""
    reached = highest(query_of(seed, sizes, F(0)))
    return query_of(seed, sizes, F(reached + abs(reached) / 5 + 0.1).limit_denominator(1000))


@pytest.mark.parametrize("seed", range(4))
def test_of_the_units_tried_the_one_whose_sides_gain_most_is_split(seed: int) -> None:
    query = unreached(seed)
    tree = tree_of(query)
    atoms = tree.network.atoms(query.goals[0])
    bounds = LeafBounds(query, tree.network, atoms, tree.lower, tree.upper, tree.box)
    ascent, units = Ascent(bounds), len(bounds.undecided)
    random = np.random.default_rng(seed)
    phases = random.choice(np.array([-1, 0, 0, 0, 1], dtype=np.int8), size=(6, units))
    found = ascent.improve(ascent.start(np.ones((6, 1))), phases, 12, np.inf)
    scores = {row: random.uniform(size=units) for row in (0, 2, 5)}
    chosen = best_splits(ascent, found, phases, scores, np.inf)
    tried = {
        row: sorted(np.flatnonzero(phases[row] == 0).tolist(), key=lambda c: -scores[row][c])
        for row in scores
    }
    pairs = [(row, column) for row in scores for column in tried[row][: trials.TRIED]]
    sides = np.repeat(phases[[row for row, _ in pairs]], 2, axis=0)
    for k, (_, column) in enumerate(pairs):
        sides[2 * k, column], sides[2 * k + 1, column] = -1, 1
    start = found.parts.take([row for row, _ in pairs for _ in range(2)])
    values = ascent.improve(start, sides, trials.STEPS, np.inf).values.reshape(-1, 2)
    for row in scores:
        gains = {
            column: float(np.maximum(values[k] - found.values[row], trials.LEAST_GAIN).prod())
            for k, (at, column) in enumerate(pairs)
            if at == row
        }
        trial = chosen[row]
        assert gains[trial.column] == max(gains.values())
        rows = [2 * k + side for k, pair in enumerate(pairs) for side in (0, 1)
                if pair == (row, trial.column)]  # fmt: skip
        reached = bounds.values(trial.parts.take(list(trial.rows)), sides[rows])[0]
        assert np.allclose(reached, values.reshape(-1)[rows])  # the sides go on from there


def test_nothing_is_tried_where_no_branch_is_open() -> None:
    query = unreached(0)
    tree = tree_of(query)
    atoms = tree.network.atoms(query.goals[0])
    bounds = LeafBounds(query, tree.network, atoms, tree.lower, tree.upper, tree.box)
    ascent, phases = Ascent(bounds), np.ones((1, len(bounds.undecided)), dtype=np.int8)
    found = ascent.improve(ascent.start(np.ones((1, 1))), phases, 2, np.inf)
    assert best_splits(ascent, found, phases, {}, 0.0) == {}


def test_bounds_are_the_same_without_their_sizes() -> None:
    query = unreached(1)
    tree = tree_of(query)
    atoms = tree.network.atoms(query.goals[0])
    bounds = LeafBounds(query, tree.network, atoms, tree.lower, tree.upper, tree.box)
    phases = np.zeros((3, len(bounds.undecided)), dtype=np.int8)
    phases[1, 0], phases[2, -1] = 1, -1
    parts = Ascent(bounds).start(np.ones((3, 1)))
    sized, unsized = bounds.values(parts, phases), bounds.values(parts, phases, sized=False)
    assert np.array_equal(sized[0], unsized[0]) and np.array_equal(sized[2], unsized[2])


def test_the_closed_part_of_a_tree_halves_with_every_split() -> None:
    nodes = Nodes(np.arange(3))
    assert nodes.closed_part() == 0
    low, high = nodes.split(0, 0)
    below, above = nodes.split(low, 1)
    nodes[above].leaf, nodes[above].used = Leaf(), nodes[above].phases
    nodes.settle(above)
    assert nodes.closed_part() == 0.25
    nodes[high].leaf, nodes[high].used = Leaf(), nodes[high].phases
    nodes.settle(high)
    assert nodes.closed_part() == 0.75
    nodes[below].leaf, nodes[below].used = Leaf(), np.zeros(3, dtype=np.int8)
    nodes.settle(below)  # that refutation rests on no split at all
    assert nodes.closed_part() == 1


def test_a_tree_is_left_when_spent_and_left_together_outweigh_the_cost() -> None:
    patience = Patience(1000)
    assert not patience.is_over(FEW_NODES - 1, 0.0)  # too few to say anything
    assert patience.is_over(FEW_NODES, 0.0)
    assert not patience.is_over(1000, 0.5) and patience.is_over(1001, 0.5)
    assert not patience.is_over(5000, 0.97)  # nearly done, it may cost more
    assert patience.is_over(200, 0.001) and not patience.is_over(200, 0.1)  # the more hopeless
    assert patience.is_over(200, 0.01) == Patience(1000, 200, 1, 0).is_over(100, 0.01)
    assert Patience(1000, left=8).is_over(600, 0.5)  # other goals would take as much
    assert not Patience(1000, spent=30, done=7, left=1).is_over(600, 0.5)


def test_a_tree_is_left_for_lemmas_and_grown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the patience, the proof holds by the reference checker."""
    query = unreached(2)
    asked: list[int] = []

    def impatient(self: Patience, nodes: int, part: float) -> bool:
        asked.append(nodes)
        return True

    monkeypatch.setattr(branching, "FEW_INPUTS", 0)  # no boxes
    usual = verify(query, Options(nodes=20000))
    monkeypatch.setattr(Patience, "is_over", impatient)
    hasty = verify(query, Options(nodes=20000))
    assert asked
    for outcome in (usual, hasty):
        assert isinstance(outcome.verdict, Robust)
        check_reference(query, outcome.verdict)
    assert all(hasty.methods[f"lemmas, {rounds} splits each"] == 1 for rounds in (0, 4, 16))


def test_the_node_limit_holds_whatever_the_patience() -> None:
    query = unreached(3, (6, 16, 16, 1))
    tree = tree_of(query)
    found = tree.refute(0, 4, Patience(10**9))
    assert found == Undecided(NODE_LIMIT)
    assert tree.nodes <= 4 + 64


@pytest.mark.parametrize("seed", range(4))
def test_branches_that_will_be_split_are_rated_as_by_their_leaves(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where a program's margin is positive no leaf is made, and the coefficients are its own."""
    tree = tree_of(unreached(seed))
    program, units = tree._program(0), len(tree._undecided)
    random, seen = np.random.default_rng(seed), 0
    for _ in range(20):
        phases = random.choice(np.array([-1, 0, 0, 0, 0, 1], dtype=np.int8), size=units)
        quick = program.at(phases).solve()
        with monkeypatch.context() as patched:
            patched.setattr(relaxation, "OPEN", np.inf)
            whole = program.at(phases).solve()
        assert np.allclose(quick.leaf.coefficients, whole.leaf.coefficients)
        if quick.margin is not None and quick.margin > relaxation.OPEN:
            assert quick.leaf.value == -quick.margin < 0 and not quick.leaf.sure
            assert whole.leaf.value < 0
            seen += 1
    assert seen


@pytest.mark.parametrize("seed", range(3))
def test_programs_are_given_up_where_the_ascent_closes_more(seed: int) -> None:
    query = unreached(seed)
    tree = tree_of(query)
    assert tree._by_programs(tree._program(0), None, _Rival(0, 1.1)) is None
    tree = tree_of(query)
    found = tree._by_programs(tree._program(0), None, _Rival(0, 0.0))
    assert isinstance(found, tuple)
    check_reference(query, Robust((), (found,)))
