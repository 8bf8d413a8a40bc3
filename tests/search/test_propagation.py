"""Propagation: both checkers accept what it finds; it proves promised budgets on its own."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions.registry import build
from tests.oracles.random_queries import random_query
from tests.oracles.reference import check_reference
from verifier.checker.intervals import interval_bounds
from verifier.checker.replay import replay
from verifier.checker.scaled import ScaledNetwork, common_denominator, evaluate
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    Robust,
    Step,
    UnitSplit,
)
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.deep.forward import ForwardPass
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.substitution import substitute
from verifier.tasks.verify import verify_batch

F = Fraction
VARIANTS = ("linf", "linf-pipelined", "linf-parallel", "linf-serial")


def checker_of(query: Query) -> TreeChecker:
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])


def propagated(query: Query) -> Robust | None:
    search = Propagation(checker_of(query))
    if not search.run():
        return None
    return Robust(tuple(search.steps), tuple(tree for tree in search.trees if tree is not None))


def crowds(seed: int, classes: int, dimension: int, size: int) -> Dataset:
    """Each class in a small box of its own, far from the others, so that its balls overlap."""
    rng = np.random.default_rng(seed)
    labels = [k % classes for k in range(size)]
    corners = rng.permutation(4**dimension)[:classes]
    rows = []
    for label in labels:
        corner = [9 * (int(corners[label]) // 4**k % 4) for k in range(dimension)]
        rows.append([c + int(rng.integers(0, 5)) for c in corner])
    unique = {tuple(row): label for row, label in zip(rows, labels, strict=True)}
    return Dataset.from_rows("crowds", [list(row) for row in unique], list(unique.values()))


def queries_of(name: str, data: Dataset, ratio: Fraction, radius: Fraction | None = None):
    made = build(name, data, ratio=ratio)
    return made, [
        Query(
            made.network,
            ball("inf", data.point(i), made.budget if radius is None else radius),
            made.goals(int(data.labels[i]), data.classes),
        )
        for i in range(data.size)
    ]


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(
    ("classes", "dimension", "size", "ratio"),
    [
        (2, 1, 8, "9/10"),
        (3, 2, 24, "99/100"),
        (2, 3, 30, "999999/1000000"),
        (12, 2, 40, "9998/10000"),
    ],
)
def test_the_promised_budget_is_proved_where_balls_of_a_label_overlap(
    name: str, classes: int, dimension: int, size: int, ratio: str
) -> None:
    _, queries = queries_of(name, crowds(size, classes, dimension, size), F(ratio))
    for query in queries:
        proof = propagated(query)
        assert proof is not None
        replay(query, proof)
        check_reference(query, proof)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_radius_too_large_is_never_proved(name: str) -> None:
    data = crowds(5, 3, 2, 12)
    made, queries = queries_of(name, data, F(9, 10))
    large = made.budget * F(10, 9) + F(1, 100)  # above half the separation
    _, wide = queries_of(name, data, F(9, 10), large)
    for query in wide:
        proof = propagated(query)
        if proof is not None:  # a ball whose neighbours are farther away
            check_reference(query, proof)
    outcomes = verify_batch(wide[0].network, wide)
    assert any(isinstance(outcome.verdict, Flip) for outcome in outcomes)
    assert len(queries) == len(wide)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_found_for_random_queries_is_accepted(seed: int) -> None:
    query = random_query(Random(seed), max_units=8)
    proof = propagated(query)
    if proof is not None:
        replay(query, proof)
        check_reference(query, proof)


def test_the_maximum_of_two_and_what_is_below_it() -> None:
    """b + relu(a - b) <= 3 for a, b <= 3, and then a third term is off: no interval sees either."""
    build = NetworkBuilder(inputs=2)
    x = build.inputs
    a, b = build.layer([3 - x[0], 3 - x[1]])
    rise, kept = build.layer([a - b, b * 1])
    last = build.layer([rise + kept - 3])
    network = build.network([last[0]])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "above 0")
    query = Query(network, box([F(0), F(0)], [F(2), F(2)]), (goal,))
    proof = propagated(query)
    assert proof is not None
    split = any(isinstance(node.body, UnitSplit) for tree in proof.trees for node in tree)
    assert split or any(
        isinstance(step, MaximaStep) or (isinstance(step, Lemma) and len(step.tree) > 1)
        for step in proof.steps
    )
    check_reference(query, proof)


@pytest.mark.parametrize("norm", ["1", "2"])
def test_a_bound_over_the_ball_and_not_over_its_box(norm: str) -> None:
    """|x| + |y| and x + y on balls of radius 1: the box around them allows twice as much."""
    build = NetworkBuilder(inputs=2)
    x, y = build.inputs
    (total,) = build.layer([x + y + 4])
    network = build.network([total])
    goal = Goal((Atom((), ((0, F(1)),), F(-11, 2), False),), "above 3/2")
    query = Query(network, ball(norm, (F(0), F(0)), F(1)), (goal,))  # type: ignore[arg-type]
    proof = propagated(query)
    assert proof is not None
    replay(query, proof)
    check_reference(query, proof)


# ------------------------------------------------------------- rows without what is fixed


def carrying_network(rng: Random) -> Network:
    """Random layers beside copies, copies of copies, dead, constant and zero units."""
    build = NetworkBuilder(inputs=2)
    everything: list[Affine] = list(build.inputs)
    units: list[Affine] = []
    for _ in range(5):
        rows = [
            sum((rng.randint(-2, 2) * s for s in rng.sample(everything, 2)), Affine())
            + rng.randint(-2, 2)
        ]
        if units:
            rows.append(rng.choice(units) * 1)
            rows.append(rng.choice(units) + rng.choice(units) * rng.choice((-1, 0)))
        rows.append(Affine({}, rng.choice((-1, 0, 0, 2))))
        fresh = list(build.layer(rows))
        units += fresh
        everything += fresh
    return build.network([sum(units[-6:], Affine())])


@pytest.mark.parametrize("seed", range(150))
def test_fast_and_reference_agree_on_networks_that_carry_things(seed: int) -> None:
    rng = Random(seed)
    network = carrying_network(rng)
    width = rng.choice((F(0), F(1, 3), F(1)))
    if rng.random() < 0.6:
        region = box([F(0), F(-1)], [F(0) + width, F(1)])
    else:
        clip = ((F(0), F(-1)), (F(1), F(-1) + 2 * width))
        region = ball(rng.choice(("1", "2")), (F(1, 4), F(-1, 2)), F(1), clip=clip)
    goal = Goal((Atom((), ((0, F(1)),), F(-1000), False),), "far above")
    query = Query(network, region, (goal,))
    count = network.units.count
    steps: list[Step] = []
    for _ in range(6):
        v, upper = rng.randrange(count), rng.random() < 0.5
        slopes = {u: F(rng.randint(0, 2), 2) for u in range(count) if rng.random() < 0.3}
        tree = (Node((), Leaf(slopes=slopes, usual=rng.random() < 0.3)),)
        if rng.random() < 0.5:
            tree = (Node((), UnitSplit(rng.randrange(count))), *tree, Node((), Leaf()))
        bound = F(rng.randint(-8, 8), 2)
        lemma = Lemma(v, upper, bound, tree)
        answers = []
        for check in (check_reference, replay):
            try:
                check(query, Robust((*steps, lemma), ((Node((), Leaf()),),)))
                answers.append("accepted")
            except RefusedError as flaw:
                answers.append(f"{flaw.flaw} {flaw.detail}")
        assert answers[0].split(" of the ")[-1] == answers[1].split(" of the ")[-1]
        if "lemma" not in answers[0]:
            steps.append(lemma)


@pytest.mark.parametrize("seed", range(40))
def test_root_bounds_hold_and_substitution_bounds_what_it_says(seed: int) -> None:
    rng = Random(seed)
    network = carrying_network(rng)
    region = box([F(-1), F(0)], [F(1), F(1, 2)])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "positive")
    query = Query(network, region, (goal,))
    checker = checker_of(query)
    points = [(F(rng.randint(-8, 8), 8), F(rng.randint(0, 8), 16)) for _ in range(30)]
    highest = max(outputs[0] for outputs in evaluate(network, points))
    steep = {v for v in range(network.units.count) if rng.random() < 0.5}
    bound = substitute(checker, goal, set(), steep)
    assert bound.value <= -highest
    root = checker.root
    for v in range(network.units.count):
        assert root.lower_of(v) == int(root.lower[v])
        assert root.upper_of(v) == int(root.upper[v])


@pytest.mark.parametrize("seed", [0, 1])
def test_many_rival_cones_reach_into_a_ball_and_none_of_them_wins(seed: int) -> None:
    """The rivals lie within 1.4 of the separation, so that up to 32 cones rise somewhere in the
    ball: their maximum is bounded where their sum, as of intervals, is far too large, and so is the
    ball's own distance, a maximum of 32 that is independent of it."""
    rng = np.random.default_rng(seed)
    rows, labels = [[0] * 32, [10] + [0] * 31], [0, 2]
    for _ in range(32):
        row = rng.integers(-13, 14, 32)
        row[rng.integers(32)] = rng.choice([-1, 1]) * rng.integers(10, 14)
        rows.append(row.tolist())
        labels.append(1)
    data = Dataset.from_rows("rivals", rows, labels)
    _, queries = queries_of("lipschitz-ovr", data, F(99, 100))
    checker = checker_of(queries[0])
    search = Propagation(checker, sums=False)
    assert search.run_quickly()
    trees = tuple(tree for tree in search.trees if tree is not None)
    replay(queries[0], Robust(tuple(search.steps), trees))
    assert max(len(tree) for tree in trees) < 100


@pytest.mark.parametrize("name", ["linf", "linf-pipelined", "linf-parallel"])
def test_many_neighbours_of_one_label_take_one_step_about_maxima(name: str) -> None:
    """And not a lemma each: all of them reach into the ball."""
    _, queries = queries_of(name, crowds(1, 2, 3, 90), F(99, 100))
    for query in queries[::9]:
        proof = propagated(query)
        assert proof is not None
        replay(query, proof)
        assert proof.steps in ((), (MaximaStep(),))


@pytest.mark.parametrize("name", ["lipschitz-parallel", "lipschitz-ovr"])
def test_the_own_distance_is_bounded_by_one_lemma_where_rivals_are_close(name: str) -> None:
    """Intervals say of |x| on [-r, r] that it is at most 2 r, which is all that a rival at the
    separation leaves: the own test gets a lemma, with a leaf a coordinate, and maxima the rest."""
    rows = [[10 * (k % 2) if j == k // 2 % 12 else k % 3 for j in range(12)] for k in range(48)]
    rows += [[row[j] + (40 if j == 0 else 0) for j in range(12)] for row in rows[:24]]
    data = Dataset.from_rows("close", rows[:48:2] + rows[48:], [0] * 24 + [1] * 24)
    made = build(name, data, ratio=F(99, 100))
    labels = data.labels.tolist()
    for i in range(0, data.size, 5):
        goals = made.goals(int(labels[i]), data.classes)
        query = Query(made.network, ball("inf", data.point(i), made.budget), goals)
        proof = propagated(query)
        assert proof is not None
        replay(query, proof)
        lemmas = [step for step in proof.steps if isinstance(step, Lemma)]
        assert len(lemmas) <= 1
        assert all(len(lemma.tree) < 2 * 12 for lemma in lemmas)


def test_forward_lemmas_hold_where_a_unit_is_zero_and_what_it_reads_is_not() -> None:
    """A unit whose bounds are both zero is no longer live, but a leaf would substitute it as on."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    first, second = build.layer([x, x])
    (zero,) = build.layer([first - second])
    (last,) = build.layer([1 - first - zero])
    region = box([Fraction(-1)], [Fraction(1)])
    goal = Goal((Atom((), ((0, F(-1)),), F(-1), True),), "below -1")
    query = Query(build.network([last]), region, (goal,))
    checkers = checker_of(query), checker_of(query)
    for checker in checkers:
        for upper in (False, True):
            checker.assume(Lemma(2, upper, Fraction(0), ()))
    forward = ForwardPass(checkers[0])
    assert forward.run([0, 1, 3])
    assert [step.unit for step in forward.steps] == [3]
    checkers[1].apply(forward.steps[0])


def test_substitution_stops_at_a_unit_that_is_zero() -> None:
    """A leaf would take it for on, and go on to units that nothing live reads."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    first, second = build.layer([x, x])
    (zero,) = build.layer([first - second])
    query = Query(
        build.network([zero + 1]),
        box([Fraction(-1)], [Fraction(1)]),
        (Goal((Atom((), ((0, F(-1)),), F(0), True),), "not positive"),),
    )
    checker = checker_of(query)
    for upper in (False, True):
        checker.assume(Lemma(2, upper, Fraction(0), ()))
    bound = substitute(checker, query.goals[0], set())
    assert bound.value == 1
    assert bound.reached == {2}
    assert bound.leaf.slopes == {2: 0}
    assert checker.closes(bound.leaf, query.goals[0])


def test_a_goal_that_a_later_lemma_opens_again_has_its_units_at_the_corners() -> None:
    """A tree that takes a unit for undecided does not hold once a lemma has decided it."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    first, second = build.layer([x + y, x - y])
    left, right = build.layer([first - second, second - first])
    goals = tuple(
        Goal((Atom((), ((k, F(-1)),), F(-3), True),), f"output {k} below -3") for k in range(2)
    )
    query = Query(build.network([left, right]), box([F(-1)] * 2, [F(1)] * 2), goals)
    search = Propagation(checker_of(query))
    search.trees[0] = (Node((), Leaf()),)
    assert search._relevant() == [0, 1, 3]
    assert search._relevant(every=True) == [0, 1, 2, 3]


def test_half_spaces_in_the_one_norm_are_proved_on_iris() -> None:
    data = load("iris")
    made = build("l1-halfspaces", data, ratio=F(99, 100))
    queries = [
        Query(
            made.network,
            ball("1", data.point(i), made.budget),
            made.goals(int(data.labels[i]), data.classes),
        )
        for i in (0, 21, 106)
    ]
    outcomes = verify_batch(made.network, queries)
    assert [type(outcome.verdict) for outcome in outcomes] == [Robust] * 3
