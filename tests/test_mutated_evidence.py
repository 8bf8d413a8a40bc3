"""Random edits of true evidence: refused, or still true by the oracle. Nothing else happens."""

import importlib.util
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.oracle import find_flip
from tests.random_queries import outputs_at
from tests.tampered.mutator import edited, true_evidence
from verifier.trusted.certificate import Flip, parse_certificate
from verifier.trusted.errors import RefusedError
from verifier.trusted.fast import check_fast
from verifier.trusted.proof_file import proof_bytes
from verifier.trusted.reference import check_reference

_FILE = Path(__file__).parents[1] / "tools" / "checker_minimal.py"
_SPEC = importlib.util.spec_from_file_location("checker_minimal", _FILE)
minimal = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(minimal)


def flaw_of(check, query, data):
    try:
        check(query, parse_certificate(data, query.network.digest))
    except RefusedError as error:
        return error.flaw
    return "accepted"


def minimal_accepts(query, data):
    head = proof_bytes(query, Flip(query.region.lower, 0)).partition(b"\n")[0]
    try:
        minimal.check_proof(head + b"\n" + data)
    except minimal.Refused:
        return False
    return True


def is_true(query, data):
    verdict = parse_certificate(data, query.network.digest)
    if isinstance(verdict, Flip):
        outputs = outputs_at(query.network, verdict.point)
        atoms = query.goals[verdict.goal].atoms
        return query.region.contains(verdict.point) and all(
            atom.holds(verdict.point, outputs) for atom in atoms
        )
    return find_flip(query) is None


def try_edits(seeds, edits):
    counts = Counter()
    for seed in seeds:
        query, data = true_evidence(seed)
        rng = Random(seed)
        for _ in range(edits):
            question, evidence = edited(rng, query, data)
            slow = flaw_of(check_reference, question, evidence)
            fast = flaw_of(check_fast, question, evidence)
            assert slow == fast, (seed, slow, fast, evidence)
            third = minimal_accepts(question, evidence)
            if b"symbolic" in evidence:
                assert not third
            else:
                assert third == (slow == "accepted"), (seed, slow, evidence)
            if slow == "accepted":
                assert is_true(question, evidence), (seed, evidence)
            counts[slow] += 1
    return counts


def test_a_few_hundred_edits():
    counts = try_edits(range(60), 6)
    assert counts["accepted"] >= 30 and counts["bound too weak"] >= 30
    assert len(counts) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_ten_thousand_edits(block):
    counts = try_edits(range(1000 + 250 * block, 1250 + 250 * block), 10)
    print(dict(counts))
    assert sum(counts.values()) == 2500
