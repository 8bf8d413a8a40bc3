"""Bounds by ascent: those of the linear program, never beyond the truth; lemmas that they give."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from tests.oracles.reference import check_reference
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Lemma, Robust, Undecided
from verifier.question.build import NetworkBuilder, chain_from_floats
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.bounds import ascent as ascent_module
from verifier.search.bounds import float_leaf
from verifier.search.bounds.ascent import Ascent
from verifier.search.bounds.float_leaf import LeafBounds
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.bounds.relaxation import Relaxation
from verifier.search.options import Options
from verifier.search.trees import branching, tightening
from verifier.search.trees import phases as phases_module
from verifier.search.trees.phases import PhaseTree
from verifier.tasks.verify import verify


def random_chain(seed: int, sizes: tuple[int, ...]) -> Network:
    random = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes, strict=False))
    return chain_from_floats(
        [random.normal(size=shape) for shape in shapes],
        [random.normal(size=rows) / 2 for rows, _ in shapes],
    )


def query_of(network: Network, norm: str, threshold: F = F(0), clip: bool = False) -> Query:
    """Does output 0 reach the threshold?"""
    goal = Goal((Atom((), ((0, F(1)),), -threshold, False),), "high")
    n = network.inputs
    if norm == "inf":
        return Query(network, box([F(-1)] * n, [F(1)] * n), (goal,))
    sides = (F(-1, 2), F(1, 3)) if clip else None
    return Query(network, ball(norm, [F(0)] * n, F(1), clip=sides), (goal,))  # type: ignore[arg-type]


def checker_of(query: Query) -> TreeChecker:
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])


def bounds_of(query: Query) -> tuple[LeafBounds, PhaseTree]:
    network = FloatNetwork(query.network)
    tree = PhaseTree(query, checker_of(query), network, None)
    atoms = network.atoms(query.goals[0])
    return LeafBounds(query, network, atoms, tree.lower, tree.upper, tree.box), tree


def some_phases(seed: int, bounds: LeafBounds, count: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    shape = (count, len(bounds.undecided))
    phases = random.choice(np.array([-1, 0, 0, 1], dtype=np.int8), size=shape)
    phases[0] = 0
    return phases


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("clip", [False, True])
def test_bounds_hold_at_every_point_of_their_branch(norm: str, clip: bool) -> None:
    for seed in range(6):
        query = query_of(random_chain(seed, (4, 8, 6, 1)), norm, clip=clip)
        bounds, _ = bounds_of(query)
        phases = some_phases(seed, bounds, 24)
        found = Ascent(bounds).improve(
            Ascent(bounds).start(np.ones((24, 1))), phases, 60, float("inf")
        )
        again = bounds.values(found.parts, phases)[0]
        assert np.allclose(found.values, again, rtol=1e-9, atol=1e-9)
        network, random = FloatNetwork(query.network), np.random.default_rng(seed)
        points = random.uniform(-1, 1, size=(4000, 4))
        low, high = bounds.box
        sizes = {"inf": np.abs(points).max(axis=1), "1": np.abs(points).sum(axis=1)}
        size = sizes.get(norm, np.linalg.norm(points, axis=1))
        points = np.clip(points / np.maximum(size, 1)[:, None], low, high)
        _, a = network.forward(points)
        margins = network.margins(query.goals[0], points)
        signs = np.sign(a[:, bounds.undecided])
        for row in range(24):
            inside = (signs * phases[row] >= 0).all(axis=1)
            assert (-margins[inside] >= found.values[row] - 1e-9).all()


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_bounds_reach_those_of_the_linear_program(
    norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With patience; never beyond them on a box or an L1 ball, beyond tangents on an L2 ball."""
    monkeypatch.setattr(ascent_module, "DECAY", 0.995)
    gaps = []
    for seed in range(5):
        query = query_of(random_chain(seed, (4, 8, 6, 1)), norm)
        bounds, tree = bounds_of(query)
        phases, ascent = some_phases(seed, bounds, 12), Ascent(bounds)
        found = ascent.improve(ascent.start(np.ones((12, 1))), phases, 800, float("inf"))
        network = FloatNetwork(query.network)
        program = Relaxation(query, network, 0, tree.lower, tree.upper, tree.box)
        for row in range(12):
            margin = program.at(phases[row]).solve().margin
            if margin is not None:  # else the branch is empty, and the bound grows without end
                gaps.append((-margin - found.values[row]) / (1 + abs(margin)))
    assert len(gaps) > 30
    assert np.median(gaps) < 1e-3 and np.percentile(gaps, 85) < 0.02
    if norm != "2":
        assert min(gaps) > -1e-6


def test_a_look_at_a_program_costs_a_part_of_what_the_ascent_has_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In multiplications: of the weights, twice a step, and of the program's entries."""
    looks: list[tuple[int, int]] = []
    end = Relaxation.ends_within

    def recorded(self: Relaxation, iterations: int) -> bool:
        looks.append((iterations, self.program.entries))
        return end(self, iterations)

    monkeypatch.setattr(Relaxation, "ends_within", recorded)
    for seed in range(4):
        query = query_of(random_chain(seed, (5, 12, 12, 1)), "inf", F(10**6))
        bounds, tree = bounds_of(query)
        cells = sum(layer.weights.size for layer in bounds.blocks.layers)
        looks.clear()
        tree.refute(0)
        most = tree.nodes * phases_module.STEPS + phases_module.FIRST_STEPS
        for iterations, entries in looks:
            assert 0 < iterations * entries * phases_module.LOOKING <= 2 * cells * most
        # Whoever took no step may not even write it down.
        program = Relaxation(
            query, FloatNetwork(query.network), 0, tree.lower, tree.upper, tree.box
        )
        width = query.network.inputs + len(bounds.undecided)
        assert program.iterations((width - 1) // 2) == 0
        assert program.iterations(2 * width) > 0


def test_programs_are_preferred_where_the_tree_would_be_smaller_by_more_than_they_cost() -> None:
    """And not where a branch only wants more steps: one that is nearly empty has large multipliers,
    and the ascent gets to them slowly."""
    wanted, preferred, dear = 0, 0, 0
    for seed in range(3):
        query = query_of(random_chain(seed, (4, 10, 10, 10, 1)), "inf", F(10 + seed))
        bounds, tree = bounds_of(query)
        ascent, phases = Ascent(bounds), some_phases(seed, bounds, 8)
        network = FloatNetwork(query.network)
        program = Relaxation(query, network, 0, tree.lower, tree.upper, tree.box)
        first = ascent.improve(ascent.start(np.ones((8, 1))), phases, 12, 0.0)
        for row in np.flatnonzero(first.values < 0).tolist():
            branch = first.parts.take([row]), phases[[row]]
            more = float(ascent.improve(*branch, phases_module.LAST_STEPS, 0.0).values[0])
            margin = program.at(phases[row]).solve().margin
            better = margin is None or -margin - more > 0.1 * abs(more)
            for slope in (0.0, 1.0, 1e3):
                # At its optimum a program takes no iteration more, so that it costs nothing.
                root = more - slope * np.count_nonzero(phases[row])
                so_far = phases_module._SoFar(10**9, root)
                sharper = tree._prefers(program, ascent, branch, so_far)
                assert sharper == (more <= 0 and better)
            assert not tree._prefers(program, ascent, branch, phases_module._SoFar(0, more))
            wanted += more > 0
            preferred += sharper
            if sharper and margin is not None:
                # From scratch it is dear, and nobody pays for it where splits do as well.
                gained = 2 * (-margin - more)
                root = more - gained * max(np.count_nonzero(phases[row]), 1)
                anew = Relaxation(query, network, 0, tree.lower, tree.upper, tree.box)
                so_far = phases_module._SoFar(10**9, root)
                paid = tree._prefers(anew, ascent, branch, so_far)
                anew = Relaxation(query, network, 0, tree.lower, tree.upper, tree.box)
                anew.at(phases[row]).ends_within(10**6)
                assert paid == (gained / 2 > gained * np.log2(max(anew.steps_taken() / 12, 1)))
                dear += not paid
    assert wanted and preferred and dear


def test_more_steps_are_never_worse_and_enough_is_enough() -> None:
    query = query_of(random_chain(1, (4, 8, 6, 1)), "2")
    bounds, _ = bounds_of(query)
    phases, ascent = some_phases(1, bounds, 8), Ascent(bounds)
    start = ascent.start(np.ones((8, 1)))
    values = [ascent.improve(start, phases, steps, float("inf")).values for steps in (0, 5, 50)]
    assert (values[0] <= values[1]).all() and (values[1] <= values[2]).all()
    assert (values[0] < values[2]).any()
    soon = ascent.improve(start, phases, 50, float(values[0].min()) - 1)
    assert (soon.values == values[0]).all()


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_lemmas_hold_and_decide_units(norm: str) -> None:
    decided = 0
    for seed in range(8):
        query = query_of(random_chain(seed, (3, 9, 9, 9, 1)), norm, F(10**6))
        checker = checker_of(query)
        units = range(query.network.units.count)
        before = [v for v in units if checker.lower(v) < 0 < checker.upper(v)]
        found = tightening.lemmas(query, checker, FloatNetwork(query.network), None, rounds=9)
        after = [v for v in units if checker.lower(v) < 0 < checker.upper(v)]
        assert set(after) <= set(before)
        decided += len(before) - len(after)
        tree = PhaseTree(query, checker, FloatNetwork(query.network), None).refute(0)
        assert isinstance(tree, tuple)
        check_reference(query, Robust(tuple(found), (tree,)))
    assert decided >= 8


def test_units_that_all_goes_through_are_tried_and_dead_ones_are_not() -> None:
    """x + y + 4 as sum of two hats, one unit that all goes through, and a dead copy of it."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    hats = build.layer([x, -x, y, -y])
    total = hats[0] + hats[1] + hats[2] + hats[3]  # |x| + |y| <= 2, which intervals put at 4
    narrow, _ = build.layer([total * -1 + F(5, 2), total * -1 + F(5, 2)])
    network = build.network([narrow + 1])
    query = query_of(network, "inf", F(10**6))
    found = tightening.lemmas(query, checker_of(query), FloatNetwork(network), None)
    assert [(lemma.unit, lemma.upper, lemma.bound) for lemma in found] == [(4, False, F(0))]
    check_reference(query, Robust(tuple(found), (verify(query).verdict.trees[0],)))  # type: ignore[union-attr]


@pytest.mark.parametrize("trees", [False, True])
def test_a_goal_of_many_nodes_is_begun_again_with_lemmas(
    trees: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By ascents first, and by trees where these did not help."""
    network = random_chain(4, (4, 8, 7, 7, 1))
    monkeypatch.setattr(branching, "FEW_NODES", 2)
    monkeypatch.setattr(branching, "NODES_A_UNIT", 0)
    monkeypatch.setattr(branching, "ROUNDS", (4,) if trees else ())
    if trees:
        monkeypatch.setattr(branching.Patience, "is_over", lambda *_: True)
    seen = 0
    for threshold in (12, 18, 24):
        query = query_of(network, "1", F(threshold))
        outcome = verify(query)
        assert trees or "lemmas, 4 splits each" not in outcome.methods
        if isinstance(outcome.verdict, Robust):
            check_reference(query, outcome.verdict)
            lemmas = [step for step in outcome.verdict.steps if isinstance(step, Lemma)]
            seen += any(len(lemma.tree) > 1 for lemma in lemmas) if trees else bool(lemmas)
    assert seen


@pytest.mark.parametrize("norm", ["1", "2", "3", "5"])
@pytest.mark.parametrize("kind", ["any", "ties", "flat", "inside"])
def test_a_ball_within_a_box_is_bounded_exactly(norm: str, kind: str) -> None:
    """The least value is met at a point of both, and the shares of box and ball prove it."""
    n, random = 7, np.random.default_rng(len(kind))
    low, high = random.uniform(-1, 0, n), random.uniform(0, 1, n)
    gradients = random.normal(size=(40, n))
    gradients[0] = 0
    if kind == "ties":
        gradients, low, high = np.sign(gradients), np.full(n, -0.25), np.full(n, 0.5)
    if kind == "flat":
        low[:3], high[2:4] = 0, 0
        gradients[:, 1] = 0
    for radius in (0.3, 0.9, 9.0 if kind == "inside" else 1.5):
        center = random.integers(-4, 5, n) / 8
        sides = [[F(x) for x in (center + end).tolist()] for end in (low, high)]
        region = ball(norm, [F(x) for x in center.tolist()], F(radius), clip=sides)  # type: ignore[arg-type]
        goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "high")
        bounds, _ = bounds_of(Query(random_chain(0, (n, 3, 1)), region, (goal,)))
        least, points, shares = bounds.least(gradients)
        assert np.allclose((gradients * points).sum(axis=1), least, rtol=0, atol=1e-9)
        moved = points - center
        assert (moved >= low - 1e-12).all() and (moved <= high + 1e-12).all()
        assert (np.linalg.norm(moved, ord=int(norm), axis=1) <= radius * (1 + 1e-9)).all()
        rest, p = gradients - shares, int(norm)
        dual = np.abs(rest).max(axis=1) if p == 1 else np.linalg.norm(rest, p / (p - 1), axis=1)
        on_box = (shares * np.where(shares > 0, *bounds.box)).sum(axis=1)
        assert np.allclose(on_box + rest @ center - radius * dual, least, rtol=0, atol=1e-9)


def test_a_refused_leaf_is_not_believed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Floats that call every leaf clear cost a second search, and no answer."""
    network = random_chain(3, (6, 12, 12, 1))
    honest = [verify(query_of(network, "2", F(t))).verdict for t in range(2, 20, 3)]
    monkeypatch.setattr(float_leaf, "CLEAR", -1e-3)
    for threshold, expected in zip(range(2, 20, 3), honest, strict=True):
        outcome = verify(query_of(network, "2", F(threshold)), Options(nodes=20000))
        assert type(outcome.verdict) is type(expected)
        assert not isinstance(outcome.verdict, Undecided)
