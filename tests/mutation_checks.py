"""Checks of `tests/mutation_suite.py` that are no tests by themselves."""

from __future__ import annotations

import json
from random import Random

from tests import test_leaf_bounds
from tests.naive_prover import prove
from tests.oracle import find_flip
from tests.random_queries import random_query
from tests.tampered.cases import CASES
from tests.test_checkers_agree import both, guess, symbolic_guess
from tests.test_mutated_evidence import flaw_of
from verifier.trusted.certificate import Flip
from verifier.trusted.fast import check_fast
from verifier.trusted.reference import check_reference

PARTS = 24  # of the tampered cases


def tampered(part: int) -> None:
    """Cases of `tests/tampered/cases.py`, by both checkers; all of them in `PARTS` parts."""
    for name, (query, certificate, flaw) in list(CASES.items())[part::PARTS]:
        data = json.dumps(certificate).encode()
        for check in (check_reference, check_fast):
            found = flaw_of(check, query, data)
            assert found == flaw, (name, found)


def leaves(norm: str, seeds: range) -> None:
    """Random leaves at their exact bounds."""
    for seed in seeds:
        test_leaf_bounds.exact_leaves(seed, norm)


def proofs(seeds: range) -> None:
    """Random true and guessed proofs, by both checkers and the oracle."""
    for seed in seeds:
        query, rng = random_query(seed), Random(seed)
        flip = find_flip(query)
        proof = prove(query, Random(seed) if seed % 2 else None)
        assert (flip is None) == (proof is not None)
        if proof is not None:
            assert both(query, proof) == "accepted"
        elif flip is not None:
            assert both(query, Flip(flip[1], flip[0])) == "accepted"
        for verdict in (guess(rng, query), guess(rng, query), symbolic_guess(rng, query, 2)):
            if both(query, verdict) == "accepted":
                assert flip is None
