"""Sums of ridge functions: the proved kernel and the checker agree about named weights."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import answer
from tests.oracles.oracle import find_flip
from tests.oracles.proved_kernel import kernel_folder, proved_flaw
from tests.oracles.random_queries import number, random_goals, random_region
from tests.oracles.reference import check_reference
from tests.oracles.ridge_networks import separable_network
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.replay import replay
from verifier.evidence.certificate import InputSplit, Leaf, Node, PlaneSplit, Robust, Weight
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, root_upper

F = Fraction


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))


def directions(network):
    """The directions of all variables, sorted."""
    found = [((k, F(1)),) for k in range(network.inputs)]
    for v in range(network.units.count):
        weights, _ = network.units.fractions(v)
        read = {found[j] for j in weights}
        own = None
        if weights and max(weights) < network.inputs:
            first = weights[min(weights)]
            own = tuple((k, weights[k] / first) for k in sorted(weights))
        found.append(read.pop() if len(read) == 1 else own)
    return sorted({d for d in found if d is not None})


def weights_of(network, norm):
    """Weights of all directions, by column sums and by Selberg's condition with w = 1 / ||d||."""
    rays = directions(network)
    if norm == "1":
        sums = [sum(abs(dict(d).get(k, 0)) for d in rays) for k in range(network.inputs)]
        return tuple(Weight(d, 1 / max(sums)) for d in rays)
    scale = {d: 1 / root_upper(sum(g * g for _, g in d)) for d in rays}

    def product(d, e):
        return sum((g * dict(e).get(k, F(0)) for k, g in d), F(0))

    return tuple(
        Weight(d, scale[d] / sum(abs(product(d, e)) * scale[e] for e in rays), scale[d])
        for d in rays
    )


def ridge_query(seed, norm):
    rng = Random(seed)
    network = separable_network(rng, rng.randint(1, 3), 1)
    region = random_region(rng, network.inputs, norm)
    return Query(network, region, random_goals(rng, network, region)), rng


def ridge_proof(rng, query, depth=1):
    """Random splits, and leaves with a multiplier of the ball and weights, often too large."""
    norm, rays = query.region.norm, directions(query.network)

    def leaf(atoms):
        ball = F(0) if norm == "inf" else rng.choice((F(0), F(1, 2), abs(number(rng, "halves"))))
        weights = weights_of(query.network, norm) if norm != "inf" and ball else ()
        if weights and rng.random() < 0.3:
            k = rng.randrange(len(weights))
            larger = replace(weights[k], share=weights[k].share * rng.choice((F(1, 2), F(9, 8))))
            weights = (*weights[:k], larger, *weights[k + 1 :])
        return Leaf({k: F(rng.randint(0, 2)) for k in range(atoms)}, ball=ball, weights=weights)

    def tree(goal, depth):
        if depth == 0 or rng.random() < 0.5:
            return (Node((), leaf(len(goal.atoms))),)
        k = rng.randrange(query.network.inputs)
        low, high = query.region.lower[k], query.region.upper[k]
        split = InputSplit(k, low + (high - low) * F(rng.randint(1, 3), 4))
        if rng.random() < 0.5:
            normal = rng.choice(rays)
            split = PlaneSplit(normal, sum((g * query.region.lower[k] for k, g in normal), F(1, 2)))
        return (Node((), split), *tree(goal, depth - 1), *tree(goal, depth - 1))

    return Robust((), tuple(tree(goal, depth) for goal in query.goals))


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_guessed_sums_have_the_answer_of_the_checker(norm):
    answers = {"accepted": 0, "refused": 0}
    for seed in range(40):
        query, rng = ridge_query(seed, norm)
        for _ in range(2):
            verdict = ridge_proof(rng, query)
            due = answer(replay, query, verdict)
            found = proved_flaw(query, verdict)
            assert (found == "accepted") == (due == "accepted"), (seed, due, found)
            answers["accepted" if due == "accepted" else "refused"] += 1
            if due == "accepted":
                assert find_flip(query) is None, seed
    assert min(answers.values()) > 2, answers


@pytest.mark.parametrize("size", [F(1, 3), F(1, 2), F(1, 7), F(10, 9)])
def test_roots_are_those_of_fractions_in_lowest_terms(size):
    """How many bits the reach of a direction keeps depends on its fraction: 9/3 is 3."""
    builder = NetworkBuilder(3)
    x, y, z = builder.inputs
    (u,) = builder.layer([x + 2 * y + 2 * z])
    reach = root_upper(9 * size)
    goal = Goal((Atom((), ((0, F(1)),), -reach, True),), "u > reach")
    query = Query(builder.network([u]), ball("2", [F(0)] * 3, radius_squared=size), (goal,))
    proof = Robust((), ((Node((), Leaf(ball=F(0))),),))
    for check in (replay, check_reference, kernel_check_proof):
        check(query, proof)
    assert proved_flaw(query, proof) == "accepted"
