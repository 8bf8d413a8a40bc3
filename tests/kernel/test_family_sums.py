"""Sums of ridge functions in families, by checker and kernel alike, against brute force."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest

from constructions.families import family_of
from tests.oracles.checkers import answer
from tests.oracles.kernel import kernel_answer
from tests.oracles.random_data import random_data
from tests.oracles.random_families import (
    cone_of,
    hat,
    holds_at_slices,
    label_families,
    random_sum_family,
)
from verifier.checker.elaborate import elaborate, kernel_check_proof
from verifier.checker.family_replay import replay_family
from verifier.evidence.certificate import (
    Leaf,
    Node,
    PairLemma,
    Robust,
    SumsStep,
    Weight,
    certificate_bytes,
    parse_certificate,
)
from verifier.kernel import rules
from verifier.question.query import Atom, Goal
from verifier.search.deep.family import family_proofs

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)


def agree(query, verdict):
    """The flaw that checker and kernel name; what is accepted the kernel reads spelled out."""
    flaw = answer(replay_family, query, verdict)
    assert answer(kernel_check_proof, query, verdict) == flaw
    if flaw == "accepted":
        whole = elaborate(query, verdict)
        assert kernel_answer(query, whole) == "accepted"
        replay_family(query, whole)
        text = certificate_bytes(verdict, query.network.digest)
        replay_family(query, parse_certificate(text, query.network.digest))
    return flaw


def random_proofs(seeds):
    counts = Counter()
    for seed in seeds:
        query, verdict = random_sum_family(seed)
        flaw = agree(query, verdict)
        counts[flaw] += 1
        assert flaw != "accepted" or holds_at_slices(query), seed
    return counts


def test_random_sums():
    counts = random_proofs(range(150))
    assert min(counts["accepted"], counts["bound too weak"]) > 30, counts


@pytest.mark.slow
def test_many_random_sums():
    counts = random_proofs(range(10000, 16000))
    assert min(counts["accepted"], counts["bound too weak"]) > 1200, counts


def test_bounds_of_random_sums_hold_at_points():
    """Of every unit, at every m: 20 parameters and corners of the ball."""
    checked = 0
    for seed in range(2000, 2060):
        query, _ = random_sum_family(seed)
        if query.cone.norm == "inf":
            continue
        far = Goal((Atom((), ((0, ONE),), F(-(10**9)), False),), "far")
        query = replace(query, goals=(far,))
        step = SumsStep((ZERO, F(1, 3), ONE, F(5, 2)), (ZERO, ONE))
        whole = elaborate(query, Robust((step,), ((Node((), Leaf()),),)))
        cone, n = query.cone, query.network.inputs - 1
        for lemma in whole.steps:
            for part in range(21):
                share = F(part, 20)
                m = cone.first + share * (cone.last - cone.first)
                bound = lemma.ends[0] + share * (lemma.ends[1] - lemma.ends[0])
                region = cone.at(m)
                reach = region.size if cone.norm == "1" else m * F(57, 100)  # below its root
                for k in range(n):
                    for sign in (-1, 0, 1):
                        point = [*cone.center, m]
                        point[k] += sign * reach
                        if not region.contains(tuple(point)):
                            continue
                        values = list(point)
                        for v in range(lemma.unit + 1):
                            weights, constant = query.network.units.fractions(v)
                            a = constant + sum(w * values[j] for j, w in weights.items())
                            values.append(max(a, ZERO))
                        assert a <= bound if lemma.upper else a >= bound, seed
                        checked += 1
    assert checked > 5000


def test_minima_are_those_of_the_largest_ball_at_both_ends(monkeypatch):
    """The mutant that bounds each end on its own ball would accept a false claim."""
    query = hat()
    verdict = Robust((), ((Node((), Leaf(ball=ZERO)),),))
    assert agree(query, verdict) == "bound too weak"
    assert not holds_at_slices(query)
    least = rules.Ridges.least
    asked = []

    def apart(self, z, t, weights, region, sides, cuts):
        own = asked[0].regions[0]
        sides = [list(own.low), list(own.high)]
        return least(self, z, t, weights, own, sides, cuts)

    leaf = rules.Checker.leaf

    def remembered(self, text, branch, target):
        asked[:] = [branch]
        leaf(self, text, branch, target)

    monkeypatch.setattr(rules.Ridges, "least", apart)
    monkeypatch.setattr(rules.Checker, "leaf", remembered)
    assert kernel_answer(query, verdict) == "accepted"


def test_tampered_multipliers_weights_and_steps():
    dataset = random_data(5, 12, 2, 3)
    family = family_of(dataset, "l1-parallel")
    queries = label_families(dataset, family, family.end)
    query, proof, sums = next(
        (query, proof, k)
        for query, proof in zip(queries, family_proofs(queries), strict=True)
        for k, step in enumerate(proof.steps)
        if isinstance(step, SumsStep)
        and agree(query, Robust((*proof.steps[:k], *proof.steps[k + 1 :]), proof.trees))
        != "accepted"
    )
    assert agree(query, proof) == "accepted"

    def with_step(step):
        return Robust((*proof.steps[:sums], step, *proof.steps[sums + 1 :]), proof.trees)

    weak = SumsStep((F(1, 1000),), ())
    assert agree(query, with_step(weak)) == "bound too weak"
    assert agree(query, with_step(SumsStep((F(1000),), ()))) == "bound too weak"
    balls = [
        k for k, step in enumerate(proof.steps)
        if isinstance(step, PairLemma) and step.tree[0].body.ball
    ]  # fmt: skip
    lemma = proof.steps[balls[0]]
    for ends in ((lemma.ends[0] - 1, lemma.ends[1]), (lemma.ends[0], lemma.ends[1] - 1)):
        steps = list(proof.steps)
        steps[balls[0]] = replace(lemma, ends=ends)
        assert lemma.upper
        assert agree(query, Robust(tuple(steps), proof.trees)) == "bound too weak"
    m = query.network.inputs - 1
    for weights, flaw in (
        ((Weight(((0, ONE),), ONE, None), Weight(((1, ONE),), ONE, None)), "accepted"),
        ((Weight(((0, ONE),), ONE, None),), "bound too weak"),
        ((Weight(((0, ONE),), F(2), None), Weight(((1, ONE),), ONE, None)), "weights too large"),
        ((Weight(((m, ONE),), ONE, None),), "index out of range"),
        ((Weight(((0, ONE), (m, ONE)), F(1, 2), None),), "index out of range"),
    ):
        steps = list(proof.steps)
        leaf = replace(lemma.tree[0].body, weights=weights)
        steps[balls[0]] = replace(lemma, tree=(Node((), leaf),))
        assert agree(query, Robust(tuple(steps), proof.trees)) == flaw


def test_sums_on_boxes_are_refused():
    query = replace(hat(), cone=cone_of("inf", [0], 0, 1))
    tree = (Node((), Leaf()),)
    assert agree(query, Robust((SumsStep((ONE,), ()),), (tree,))) == "no ball"
    assert agree(query, Robust((), ((Node((), Leaf(ball=ONE)),),))) == "no ball"


def test_the_text_of_a_step_about_sums_is_the_one_outside_families():
    query, _ = random_sum_family(3)
    verdict = Robust((SumsStep((ONE,), (F(1, 2),)),), ((Node((), Leaf()),),))
    text = json.loads(certificate_bytes(verdict, query.network.digest))
    assert text["steps"] == [{"sums": [[1], ["1/2"]]}]
