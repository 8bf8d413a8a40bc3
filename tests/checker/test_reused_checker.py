"""A checker answers a question as a new one does, whatever it was asked before, in any order, and
whatever it refused midway; so does the elaboration."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

from tests.oracles.checkers import answer
from tests.oracles.maxima_networks import maxima_network
from tests.oracles.random_queries import random_goals, random_network, random_region
from verifier.checker.checked import Checker
from verifier.checker.elaborate import elaborate
from verifier.checker.replay import replay
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.evidence.certificate import (
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    Robust,
    SeparableStep,
    SymbolicStep,
    UnitSplit,
)
from verifier.question.query import Query

F = Fraction
STEPS = (MaximaStep(), SymbolicStep(), SeparableStep((F(0),)))
LEAF = Node((), Leaf(usual=True))


def asked(rng, network):
    """A question with one goal of one atom, at whatever it reaches or elsewhere."""
    while True:
        region = random_region(rng, network.inputs)
        (goal, *_) = random_goals(rng, network, region)
        if len(goal.atoms) == 1:
            moved = replace(goal.atoms[0], constant=goal.atoms[0].constant - rng.choice((0, 1, 9)))
            return Query(network, region, (replace(goal, atoms=(moved,)),))


def guessed(rng, network):
    """Steps, splits with steps below, and perhaps a lemma that fails below a split."""
    v = rng.randrange(network.units.count)
    steps = [rng.choice(STEPS) for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.25:
        wrong = (Node((), UnitSplit(v)), Node((rng.choice(STEPS),), Leaf()), LEAF)
        steps.append(Lemma(v, True, F(-(10**9)), wrong))
    low, high = (Node((rng.choice(STEPS),) * rng.randint(0, 1), LEAF.body) for _ in range(2))
    tree = (LEAF,) if rng.random() < 0.3 else (Node((), UnitSplit(v)), low, high)
    return Robust(tuple(steps), (tree,))


def spelled_out(scaled):
    def check(query, proof):
        replay(query, elaborate(query, proof, scaled))

    return check


def test_a_checker_that_is_used_again_answers_as_a_new_one():
    answers = Counter()
    for seed in range(30):
        rng = Random(seed)
        inputs = rng.randint(1, 2)
        network = (
            maxima_network(rng, inputs) if seed % 2 else random_network(rng, inputs, 6, 1, "halves")
        )
        pairs = [(asked(rng, network), guessed(rng, network)) for _ in range(6)]
        alone = [answer(replay, *pair) for pair in pairs]
        spelled = [answer(spelled_out(None), *pair) for pair in pairs]
        answers.update(alone)
        order = [*rng.sample(range(6), 6), *rng.sample(range(6), 3)]
        queries = [pairs[k][0] for k in order]
        for part, these in Checker.of(network, queries).rounds(queries, None):
            for place, k in enumerate(order[part]):
                got = answer(lambda _, proof: these.check(place, proof), *pairs[k])  # noqa: B023
                assert got == alone[k], (seed, k)
                these.for_search(place)
        sides = [side for query in queries for side in (query.region.lower, query.region.upper)]
        shared = spelled_out(ScaledNetwork(network, common_denominator(sides)))
        for k in order:
            assert answer(shared, *pairs[k]) == spelled[k], (seed, k)
    assert min(answers["accepted"], answers["bound too weak"]) >= 30, answers
