"""Random edits of exact radii, of proof, flip or ball: refused, or still true by the oracle."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.oracles.kernel import proof_flaw
from tests.oracles.oracle import find_flip
from tests.oracles.radius_pairs import PAIRS
from tests.oracles.random_queries import outputs_at
from tests.oracles.reference import check_reference
from tests.oracles.tampered.mutator import edit_question, edit_text
from verifier.checker.exact_radius import check_radius
from verifier.checker.replay import replay
from verifier.evidence.certificate import Radius
from verifier.evidence.proof_file import parse_proof, proof_bytes
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Query
from verifier.question.region import Region, distance

F = Fraction


def edited_region(rng: Random, region: Region) -> Region:
    """A ball that is larger or smaller, elsewhere, cut by a box, or closed; UserError if empty."""
    tiny = F(1, 10 ** rng.randint(0, 15)) * rng.choice((-1, 1))
    k = rng.randrange(region.dimension)
    lower, upper, center = list(region.lower), list(region.upper), list(region.center)
    kind = rng.randrange(5)
    if kind == 0:
        center[k] += tiny
    elif kind == 1:
        lower[k] += tiny
    elif kind == 2:
        upper[k] += tiny
    elif kind == 3 and region.norm != "inf":
        return replace(region, open=False)
    size = region.size + tiny if kind == 4 else region.size
    clipped = rng.random() < 0.9
    return Region(
        region.norm, tuple(lower), tuple(upper), tuple(center), size, clipped, region.open
    )


def edited_pair(rng: Random, query: Query, radius: Radius) -> bytes:
    """The file of the pair after one or two edits."""
    texts: list[Any] = [json.loads(line) for line in proof_bytes(query, radius).splitlines()[1:]]
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.random()
        if kind < 0.7:
            edit_text(rng, texts[kind < 0.25])
            continue
        try:
            if kind < 0.9:
                query = Query(query.network, edited_region(rng, query.region), query.goals)
            else:
                query = edit_question(rng, query)
        except UserError:
            continue  # not even a question
    head = proof_bytes(query, radius).splitlines()[0]
    return (
        b"\n".join([head, *(json.dumps(text, sort_keys=True).encode() for text in texts)]) + b"\n"
    )


def flaw_of(data: bytes) -> str:
    """The flaw, or "accepted"; the same for all three checkers."""
    flaws = set()
    try:
        proof = parse_proof(data)
        if not isinstance(proof.verdict, Radius):
            flaws.add("no pair")
        else:
            for check in (replay, check_reference):
                try:
                    check_radius(proof.query, proof.verdict, check)
                    flaws.add("accepted")
                except RefusedError as error:
                    flaws.add(error.flaw)
    except RefusedError as error:
        flaws.add(error.flaw)
    kernel = proof_flaw(data)
    (flaw,) = flaws
    assert (flaw == "accepted") == (kernel == "accepted"), (flaw, kernel, data)
    return flaw


def is_the_distance(data: bytes) -> bool:
    """Whether no point of the open ball satisfies a goal and the given one of its sphere does."""
    proof = parse_proof(data)
    query, radius = proof.query, proof.verdict
    assert isinstance(radius, Radius)
    region, point = query.region, radius.flip.point
    outputs = outputs_at(query.network, point)
    return (
        find_flip(query) is None
        and all(atom.holds(point, outputs) for atom in query.goals[radius.flip.goal].atoms)
        and distance(region.norm, region.center, point) == region.size
        and all(a <= x <= b for a, x, b in zip(region.lower, point, region.upper, strict=True))
    )


def try_edits(seeds: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in seeds:
        rng = Random(seed)
        data = edited_pair(rng, *rng.choice(PAIRS))
        flaw = flaw_of(data)
        if flaw == "accepted":
            assert is_the_distance(data), (seed, data)
        counts[flaw] += 1
    return counts


def test_a_few_hundred_edits_of_pairs() -> None:
    counts = try_edits(range(400))
    assert counts["accepted"] >= 40 and counts["bound too weak"] >= 20
    assert counts["outside"] >= 5 and counts["inside"] >= 5 and len(counts) >= 8, counts


@pytest.mark.slow
def test_ten_thousand_edits_of_pairs() -> None:
    counts = try_edits(range(10_000, 20_000))
    print(dict(counts))
    assert counts.total() == 10_000
