"""Random edits of proof files about families, of proof, cone or goal: refused, or still true."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from tests.oracles.checkers import answer
from tests.oracles.kernel import head_of, proof_flaw
from tests.oracles.random_families import (
    guessed,
    holds_at_slices,
    lemmas,
    random_family,
    random_sum_family,
)
from tests.oracles.tampered.mutator import edit_text
from verifier.checker.elaborate import elaborate
from verifier.checker.family_replay import replay_family
from verifier.evidence.certificate import Robust, certificate_bytes
from verifier.evidence.proof_file import parse_claim
from verifier.question.errors import RefusedError, UserError

UNREAD = {
    "malformed", "missing field", "unknown field", "unreadable", "unsupported", "not exact",
    "index out of range", "bound too weak", "malformed tree", "duplicate key",
    "negative multiplier",
}  # fmt: skip
"""Flaws whose names may differ between the two readers: the kernel reads a proof as it replays it,
the checker before, so that of two flaws each may name another one."""


def evidence(seed):
    """A family and a proof that holds; None where the guess does not."""
    rng = Random(seed)
    if rng.random() < 0.6:
        query, verdict = random_sum_family(seed)
    else:
        own, query = random_family(seed)
        verdict = Robust(lemmas(own, query), (guessed(own, query),))
    if answer(replay_family, query, verdict) != "accepted":
        return None
    return query, elaborate(query, verdict) if rng.random() < 0.5 else verdict


def edited(rng, query, verdict):
    """The file after one or two edits."""
    head = json.loads(head_of(query))
    text = json.loads(certificate_bytes(verdict, query.network.digest))
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.7:
            edit_text(rng, text)
            continue
        region = head["region"]
        if rng.random() < 0.2:
            region["open"] = rng.choice((True, False, None, 1))
        elif rng.random() < 0.6:
            edit_text(rng, {k: v for k, v in region.items() if k != "norm"} and region)
        else:
            edit_text(rng, head["goals"])
    lines = (json.dumps(line, sort_keys=True).encode() for line in (head, text))
    return b"\n".join(lines) + b"\n"


def flaw_of(data):
    """What the checker says of the file, and the question it states."""
    try:
        claim = parse_claim(data)
    except UserError as error:
        return (error.flaw if isinstance(error, RefusedError) else "unreadable"), None
    return answer(replay_family, claim.query, claim.verdict), claim.query


def mutate(seeds):
    counts = Counter()
    for seed in seeds:
        found = evidence(seed)
        if found is None:
            continue
        rng = Random(seed + 10**6)
        for _ in range(3):
            data = edited(rng, *found)
            flaw, query = flaw_of(data)
            kernel = proof_flaw(data)
            counts[flaw] += 1
            if "accepted" in (flaw, kernel):
                # Short forms are the checker's alone.
                assert flaw == kernel or kernel == "unsupported", (seed, flaw, kernel)
                assert query is not None and holds_at_slices(query), seed
            else:
                assert flaw == kernel or UNREAD & {flaw, kernel}, (seed, flaw, kernel)
    return counts


def test_edited_proofs_are_refused_or_true():
    counts = mutate(range(24))
    assert counts["accepted"] > 2 and sum(counts.values()) > 30, counts


@pytest.mark.slow
def test_many_edited_proofs_are_refused_or_true():
    counts = mutate(range(5000, 9000))
    assert counts["accepted"] > 400, counts
