"""What the checker accepts the kernel accepts, once it is spelled out; flaws keep their names."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction as F
from random import Random

import pytest

from tests.oracles.checkers import answer, guess, symbolic_guess
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_goals, random_query, random_region
from tests.oracles.reference import check_reference
from tests.oracles.ridge_networks import separable_network
from tests.oracles.tampered.cases import CASES
from tests.oracles.tampered.runs import true_run
from verifier.checker.elaborate import elaborate, kernel_check, kernel_check_proof
from verifier.checker.manifest import parse_manifest
from verifier.checker.replay import replay
from verifier.evidence.certificate import (
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    Robust,
    SeparableStep,
    SymbolicLeaf,
    SymbolicStep,
    certificate_bytes,
    parse_certificate,
)
from verifier.evidence.data_file import parse_data
from verifier.evidence.network_file import parse_network
from verifier.kernel import rules
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.options import Options
from verifier.tasks.verify import verify


def kernel(query, verdict):
    return answer(kernel_check_proof, query, verdict)


def test_true_and_guessed_proofs():
    counts = Counter()
    for seed in range(150):
        query, rng = random_query(seed, max_units=6), Random(seed)
        verdicts = [guess(rng, query), symbolic_guess(rng, query, 1), symbolic_guess(rng, query, 3)]
        proof = prove(query, rng)
        if proof is not None:
            verdicts += [proof, Robust((MaximaStep(), *proof.steps), proof.trees)]
        for number, verdict in enumerate(verdicts):
            checked, kept = answer(replay, query, verdict), kernel(query, verdict)
            if checked != kept:  # exact bounds may show what rounded ones do not
                assert (checked, kept) == ("bound too weak", "accepted") and number in (1, 2)
                assert find_flip(query) is None
            counts[kept] += 1
    assert min(counts["accepted"], counts["bound too weak"]) > 150


@pytest.mark.parametrize(("seed", "depth"), [(889, 4), (1023, 2)])
def test_bounds_that_rest_on_how_the_checker_rounds(seed, depth):
    """A unit's coefficient that is rounded down may show more than the exact one."""
    query, rng = random_query(seed, max_units=6), Random(seed)
    guesses = {d: symbolic_guess(rng, query, d) for d in (2, 3, 4)}
    assert answer(replay, query, guesses[depth]) == "accepted"
    assert kernel(query, guesses[depth]) == "accepted"


def test_a_bound_that_only_rounding_shows():
    """Weights of 1e150 beside 1."""
    query = random_query(487, max_units=6)
    proof = symbolic_guess(Random(487), query, 3)
    assert answer(replay, query, proof) == "accepted" and find_flip(query) is None
    assert kernel(query, proof) == "accepted"


FAR = (Goal((Atom((), ((0, F(1)),), F(-999), True),), "far"),)
REGIONS = [box([F(-7, 2)], [F(13, 2)]), *(ball(p, [F(3, 2)], F(5)) for p in ("1", "2", "3"))]


@pytest.mark.parametrize("region", REGIONS, ids=["inf", "1", "2", "3"])
def test_a_coefficient_that_rounding_turns_negative(region):
    """The chord of unit 2 has the slope of z, rounded: a + z - b is 1 - z + z - z there."""
    builder = NetworkBuilder(1)
    (x,) = builder.inputs
    (z,) = builder.layer([x])
    a, b = builder.layer([1 - z, z])
    (c,) = builder.layer([a + z - b])
    query = Query(builder.network([c]), region, FAR)
    proof = Robust((SymbolicStep(),), ((Node((), Leaf()),),))
    assert answer(check_reference, query, proof) == "accepted"
    assert kernel(query, proof) == "accepted"
    replay(query, elaborate(query, proof))


@pytest.mark.parametrize("weight", [F(8, 7), F(1, 3), F(5, 3)])
@pytest.mark.parametrize("norm", ["1", "2", "3"])
def test_what_rounding_leaves_to_the_box(norm, weight):
    """The rounded gradient is bounded over the ball, and the rest, positive, over the box."""
    builder = NetworkBuilder(2)
    x, y = builder.inputs
    (u,) = builder.layer([weight * y - x])
    region = ball(norm, [F(0), F(0)], F(5, 3), clip=([0, F(-3, 2)], [1, F(3, 2)]))
    query = Query(builder.network([u]), region, FAR)
    proof = Robust((SymbolicStep(),), ((Node((), Leaf()),),))
    assert kernel(query, proof) == "accepted"
    replay(query, elaborate(query, proof))


def test_trees_do_not_know_what_is_spelled_out_for_others():
    """The first goal needs the symbolic bounds of unit 1, [-5/4, 7/4]; the leaf of the second has
    z >= 0 as its usual line in [-9/4, 7/4], and would have z >= a there."""
    builder = NetworkBuilder(1)
    (x,) = builder.inputs
    (r,) = builder.layer([x])
    (z,) = builder.layer([x - r + F(3, 4)])
    first = Goal((Atom((), ((0, F(1)),), F(-9, 4), True),), "z - x > 9/4")
    second = Goal((Atom((), ((1, F(-1)),), F(-1, 9), True),), "z < -1/9")
    query = Query(builder.network([z - x, z]), box([F(-2)], [F(1)]), (first, second))
    proof = Robust((), ((Node((), SymbolicLeaf(0)),), (Node((), Leaf(usual=True)),)))
    assert answer(replay, query, proof) == "accepted"
    assert kernel(query, proof) == "accepted"


@pytest.mark.parametrize("norm", ["1", "2", "3"])
def test_a_share_of_the_ball_for_a_form_that_cancels(norm):
    """Two atoms, x + 1 and its negative: nothing is left that a weight could be about."""
    builder = NetworkBuilder(1)
    (u,) = builder.layer([builder.inputs[0] + 1])
    above = Atom((), ((0, F(1)),), F(-100), True)
    below = Atom((), ((0, F(-1)),), F(0), True)
    query = Query(builder.network([u]), ball(norm, [F(1)], F(2)), (Goal((above, below), "both"),))
    leaf = Leaf(atoms={0: F(1), 1: F(1)}, ball=F(2))
    assert kernel(query, Robust((), ((Node((), leaf),),))) == "accepted"
    lemma = Lemma(0, False, F(-100), (Node((), Leaf(bounds={0: F(1)}, ball=F(2))),))
    assert kernel(query, Robust((lemma,), ((Node((), leaf),),))) == "accepted"


def test_sums_of_ridge_functions():
    counts = Counter()
    for seed in range(120):
        rng = Random(seed)
        network = separable_network(rng, rng.randint(1, 2))
        region = random_region(rng, network.inputs, rng.choice(("1", "2")))
        query = Query(network, region, random_goals(rng, network, region))
        verdict = verify(query, Options(nodes=20)).verdict
        if not isinstance(verdict, Robust):
            continue
        t = tuple(F(rng.randint(0, 6), 2) for _ in range(rng.randint(1, 3)))
        stepped = Robust((SeparableStep(t), *verdict.steps), verdict.trees)
        leaf = Robust(stepped.steps, tuple((Node((), Leaf({}, ball=t[0])),) for _ in query.goals))
        for proof in (verdict, stepped, leaf):
            checked = answer(replay, query, proof)
            assert kernel(query, proof) == checked
            counts[checked] += 1
            if checked == "accepted":  # as a file: the kernel needs nothing else
                whole = elaborate(query, proof)
                data = certificate_bytes(whole, network.digest)
                assert b"separable" not in data and b"symbolic" not in data
                replay(query, parse_certificate(data, network.digest))
    assert counts["accepted"] > 60 and counts["bound too weak"] > 5, counts


def test_samples_of_a_run():
    """The kernel rebuilds each question; a certificate of another sample is refused or true."""
    for seed in range(8):
        run = true_run(seed)
        network, points = parse_network(run.network), parse_data(run.data)
        manifest = parse_manifest(run.manifest)
        for result in manifest.results:
            if result.certificate is None:
                continue
            text = run.certificates[result.certificate]
            kernel_check(network, points, manifest.question, result.sample, text)
            with pytest.raises(RefusedError):
                broken = text.replace(network.digest.encode(), b"0" * 64)
                kernel_check(network, points, manifest.question, result.sample, broken)


def test_the_kernel_and_not_the_elaboration_decides(monkeypatch):
    """A leaf that proves nothing is refused by the kernel even where the elaboration takes it."""
    from verifier.checker.leaf import LeafChecker

    query, certificate, flaw = CASES["bound 0 of a weak atom"]
    text = json.dumps(certificate, sort_keys=True).encode()
    verdict = parse_certificate(text, query.network.digest)
    monkeypatch.setattr(LeafChecker, "closes", lambda *_: True)
    assert kernel(query, verdict) == flaw == "bound too weak"
    monkeypatch.setattr(rules.Checker, "leaf", lambda *_: None)
    assert kernel(query, verdict) == "accepted"  # it was the kernel that refused
