"""Balls of norms above 2 by the proved kernel: the answers of the checker and of the twin."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import answer, guess
from tests.oracles.kernel import kernel_answer
from tests.oracles.proved_kernel import kernel_folder, proved_flaw
from tests.oracles.random_families import random_sum_family
from tests.oracles.random_queries import (
    opened,
    points_of,
    random_goals,
    random_network,
    random_region,
)
from tests.oracles.ridge_guesses import guess as guess_sums
from tests.oracles.ridge_networks import separable_network
from tests.oracles.stream_truth import Reader
from verifier.checker.elaborate import elaborate
from verifier.checker.family_replay import replay_family
from verifier.checker.proved import proof_parts
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Node, Radius, Robust, Weight
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, ball_of_size

F = Fraction
POWERS = ("3", "4", "7")


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))


def agree(query, verdict):
    """Whether both kernels accept, and that they agree."""
    accepted = kernel_answer(query, verdict) == "accepted"
    assert (proved_flaw(query, verdict) == "accepted") == accepted
    return accepted


def fails_somewhere(query, verdict):
    """Whether a goal holds at a point that an oracle of its own tries."""
    asked = "".join(text for question, text in proof_parts(query, verdict) if question)
    return any(Reader(asked).claims())


def moved(query, by):
    """The same question with every atom raised."""
    goals = (
        replace(goal, atoms=tuple(replace(a, constant=a.constant + by) for a in goal.atoms))
        for goal in query.goals
    )
    return replace(query, goals=tuple(goals))


def leaves(norm, seeds):
    """Guessed leaves, of closed and of open balls, and points of the box."""
    counts = Counter()
    for seed in seeds:
        rng = Random(f"leaves {norm} {seed}")
        network = random_network(rng, rng.randint(1, 3), rng.randint(1, 5), rng.choice((1, 2)))
        region = random_region(rng, network.inputs, norm)
        goals = random_goals(rng, network, region)
        for one in (region, *opened(region)):
            query = Query(network, one, goals)
            proof = guess(rng, query)
            counts["proof", agree(query, proof)] += 1
            assert (answer(replay, query, proof) == "accepted") == agree(query, proof), seed
            assert not agree(query, proof) or not fails_somewhere(query, proof), seed
            for point in (*points_of(rng, one, 3), one.upper):
                counts["flip", agree(query, Flip(tuple(point), 0))] += 1
    return counts


@pytest.mark.parametrize("norm", POWERS)
def test_guessed_leaves_and_points(norm):
    counts = leaves(norm, range(40))
    assert len(counts) == 4 and min(counts.values()) > 8, counts


def sums(norm, seeds):
    """Sums of ridge functions with column sums as weights; altered in weights and constants."""
    counts = Counter()
    for seed in seeds:
        rng = Random(f"sums {norm} {seed}")
        network = separable_network(rng, rng.randint(1, 3), rng.choice((1, 1, 2)))
        region = random_region(rng, network.inputs, norm)
        query = Query(network, region, random_goals(rng, network, region))
        proof = guess_sums(rng, query, rng.randint(0, 1))
        try:
            whole = elaborate(query, proof)
        except RefusedError:
            continue
        for shift in (F(0), -F(1, 10**7), -F(2)):
            asked = moved(query, shift)
            accepted = agree(asked, whole)
            assert not accepted or not fails_somewhere(asked, whole), seed
            counts["sums", accepted] += 1
        heavier = tuple(tuple(heavy(node) for node in tree) for tree in whole.trees)
        if heavier != whole.trees:
            counts["weights", agree(moved(query, -F(2)), replace(whole, trees=heavier))] += 1
    return counts


def heavy(node):
    """With its first weight a little larger than the columns allow."""
    body = node.body
    if not isinstance(body, Leaf) or not body.weights:
        return node
    first = replace(body.weights[0], share=body.weights[0].share * F(1001, 1000))
    return replace(node, body=replace(body, weights=(first, *body.weights[1:])))


@pytest.mark.parametrize("norm", POWERS)
def test_guessed_sums(norm):
    counts = sums(norm, range(120))
    assert min(counts["sums", True], counts["sums", False]) > 20, counts
    assert counts["weights", False] > 5, counts


def families(seeds):
    """Sums of families on balls of the norms 3 and 4: at what they reach, and beside it."""
    counts = Counter()
    for seed in seeds:
        query, proof = random_sum_family(seed, ("3", "3", "4", "5"))
        due = answer(replay_family, query, proof) == "accepted"
        counts["asked", due] += 1
        if not due:
            continue
        whole = elaborate(query, proof)
        for by in (F(0), F(1, 10**6), F(1, 5)):
            asked = moved(query, by)
            accepted = agree(asked, whole)
            assert not accepted or not fails_somewhere(asked, whole), (seed, by)
            counts["altered", accepted] += 1
    return counts


def test_families():
    counts = families(range(120))
    assert min(counts.values()) > 10, counts


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_many_of_all(block):
    seeds = range(1000 + 100 * block, 1100 + 100 * block)
    for norm in ("3", "4", "5", "9"):
        assert leaves(norm, seeds)["proof", True] > 15
        assert sums(norm, seeds)["sums", True] > 20
    assert families(seeds)["altered", True] > 20


def total():
    build = NetworkBuilder(2)
    units = build.layer(build.inputs)
    return build.network([units[0] + units[1]])


@pytest.mark.parametrize("is_open", [False, True])
def test_leaves_compare_powers(is_open):
    """x + y <= 2^(2/3) r on the L3 ball: r = 4 gives 6.349604..., whose cube is 256."""
    region = ball("3", [F(0), F(0)], F(4), open=is_open)
    for bound, accepted in ((F(6349605, 10**6), True), (F(6349604, 10**6), False), (F(-7), False)):
        goal = Goal((Atom(((0, F(1)), (1, F(1))), (), -bound, True),), "above")
        proof = Robust((), ((Node((), Leaf()),),))
        assert agree(Query(total(), region, (goal,)), proof) == accepted


def test_weights_are_column_sums_with_powers_of_lengths():
    """||x + y||_1 = 2, so that |x + y|^3 <= 4 (|x|^3 + |y|^3): a share of 1/4 and no more."""
    build = NetworkBuilder(2)
    (unit,) = build.layer([build.inputs[0] + build.inputs[1]])
    network, region = build.network([unit]), ball("3", [F(0), F(0)], F(1))
    goal = Goal((Atom((), ((0, F(1)),), F(-2), False),), "above")
    query, direction = Query(network, region, (goal,)), ((0, F(1)), (1, F(1)))
    for share, accepted in ((F(1, 4), True), (F(1, 4) + F(1, 10**9), False), (F(1, 8), True)):
        leaf = Leaf(ball=F(1, 9), weights=(Weight(direction, share),))
        assert agree(query, Robust((), ((Node((), leaf),),))) == accepted


def test_exact_radii_and_flips_on_the_sphere():
    """|(2, 2, 3)|^3 is 43: no rational is the radius of that ball; the flip lies on its sphere."""
    build = NetworkBuilder(3)
    (unit,) = build.layer([sum(build.inputs[1:], build.inputs[0])])
    network = build.network([unit])
    always = Goal((Atom((), ((0, F(1)),), F(-7), False),), "7")
    for size, accepted in ((F(43), True), (F(43) - F(1, 10**9), False)):
        query = Query(network, ball_of_size("3", [F(0)] * 3, size), (always,))
        assert agree(query, Flip((F(2), F(2), F(3)), 0)) == accepted
    corner = Goal((Atom(((0, F(1)),), (), F(-2), False),), "x0 >= 2")
    leaf = Robust((), ((Node((), Leaf()),),))
    for size, accepted in ((F(8), True), (F(8) + F(1, 10**9), False)):
        opened = Query(network, ball_of_size("3", [F(0)] * 3, size, open=True), (corner,))
        found = proved_flaw(opened, Radius(leaf, Flip((F(2), F(0), F(0)), 0)))
        assert (found == "accepted") == accepted, found
