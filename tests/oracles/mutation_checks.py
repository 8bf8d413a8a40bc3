"""Checks of `tests/oracles/mutation_suite.py` that are no tests by themselves."""

from __future__ import annotations

import contextlib
import json
from random import Random

from tests.oracles.checkers import answer, both, guess, symbolic_guess
from tests.oracles.edits import flaw_of
from tests.oracles.kernel import kernel_answer, kernel_flaw
from tests.oracles.leaf_bounds import exact_leaves
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from tests.oracles.reference import check_reference
from tests.oracles.tampered.cases import CASES
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.question.errors import RefusedError

PARTS = 24  # of the tampered cases


def tampered(part: int) -> None:
    """Cases of `tests/oracles/tampered/cases.py`, by both checkers, in `PARTS` parts."""
    for name, (query, certificate, flaw) in list(CASES.items())[part::PARTS]:
        data = json.dumps(certificate, sort_keys=True).encode()
        for check in (check_reference, replay):
            found = flaw_of(check, query, data)
            assert found == flaw, (name, found)


def kernel_tampered(part: int) -> None:
    """The same by the kernel, by itself and after elaboration."""
    for name, (query, certificate, flaw) in list(CASES.items())[part::PARTS]:
        data = json.dumps(certificate, sort_keys=True).encode()
        found = kernel_flaw(query, data)
        assert found in (flaw, "unsupported"), (name, found)
        with contextlib.suppress(RefusedError):
            verdict = parse_certificate(data, query.network.digest)
            found = answer(kernel_check_proof, query, verdict)
            assert found == flaw, (name, found)


def kernel_leaves(norm: str, seeds: range) -> None:
    """Random leaves at their exact bounds, by the kernel."""
    for seed in seeds:
        exact_leaves(seed, norm, kernel_answer)


def leaves(norm: str, seeds: range) -> None:
    """Random leaves at their exact bounds."""
    for seed in seeds:
        exact_leaves(seed, norm)


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
