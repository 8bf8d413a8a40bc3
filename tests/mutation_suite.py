"""The checks that catch most mutants, without pytest: `run(module)` raises if one fails."""

from __future__ import annotations

import json
from random import Random

from tests import test_exact_inputs, test_leaf_bounds, test_verdicts_in_memory
from tests.naive_prover import prove
from tests.oracle import find_flip
from tests.random_queries import random_query
from tests.tampered.cases import CASES
from tests.test_checkers_agree import both, guess, symbolic_guess
from tests.test_mutated_evidence import flaw_of, try_edits
from verifier.trusted.certificate import Flip
from verifier.trusted.fast import check_fast
from verifier.trusted.reference import check_reference


def run(module: str) -> None:
    """Raises AssertionError, or what the mutant raises, if a check fails."""
    for name, (query, certificate, flaw) in CASES.items():
        data = json.dumps(certificate).encode()
        for check in (check_reference, check_fast):
            found = flaw_of(check, query, data)
            assert found == flaw, (name, found)
    for body, flaw in test_verdicts_in_memory.WRONG.values():
        query = test_verdicts_in_memory.query()
        proof = test_verdicts_in_memory.robust(test_verdicts_in_memory.Node((), body))
        assert both(query, proof) == flaw
    for seed in range(30):
        query = random_query(seed)
        flip = find_flip(query)
        proof = prove(query, Random(seed) if seed % 2 else None)
        assert (flip is None) == (proof is not None)
        if proof is not None:
            assert both(query, proof) == "accepted"
        elif flip is not None:
            assert both(query, Flip(flip[1], flip[0])) == "accepted"
        rng = Random(seed)
        for _ in range(3):
            if both(query, guess(rng, query)) == "accepted":
                assert find_flip(query) is None
    for edge in test_exact_inputs.EDGES:
        for sign in (1, -1):
            test_exact_inputs.test_sums_beside_the_limits_of_int64_are_exact(edge, sign)
    for norm in ("inf", "1", "2"):
        for seed in range(40):
            test_leaf_bounds.exact_leaves(seed, norm)
    for seed in range(40):
        query, rng = random_query(seed), Random(seed)
        if both(query, symbolic_guess(rng, query, 2)) == "accepted":
            assert find_flip(query) is None
    try_edits(range(30), 3)
