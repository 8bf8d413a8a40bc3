"""Evidence that is wrong in one named way is refused for that flaw, by all three checkers."""

import json
from collections import Counter

import pytest

from tests.oracles.kernel import kernel_flaw
from tests.oracles.oracle import find_flip
from tests.oracles.reference import check_reference
from tests.oracles.tampered.cases import CASES
from verifier.checker.replay import replay
from verifier.evidence.certificate import parse_certificate
from verifier.question.errors import RefusedError


def flaw_of(check, query, data):
    try:
        check(query, parse_certificate(data, query.network.digest))
    except RefusedError as error:
        return error.flaw
    return "accepted"


@pytest.mark.parametrize("name", CASES)
def test_each_case(name):
    query, certificate, flaw = CASES[name]
    data = json.dumps(certificate, sort_keys=True).encode()
    assert flaw_of(check_reference, query, data) == flaw
    assert flaw_of(replay, query, data) == flaw
    assert kernel_flaw(query, data) in (flaw, "unsupported")


def test_what_is_accepted_is_true():
    for name, (query, certificate, flaw) in CASES.items():
        assert (flaw == "accepted") == name.endswith(": true"), name
        if flaw == "accepted" and query.network.inputs < 10:  # the oracle is for small ones
            assert (find_flip(query) is None) == (certificate["verdict"] == "robust"), name


def test_every_flaw_is_there():
    counts = Counter(flaw for _, _, flaw in CASES.values())
    assert set(counts) >= {
        "accepted", "another network", "atoms in a lemma", "bound too weak", "box beside ball",
        "dimension", "float", "goal missing", "index out of range", "malformed", "malformed tree",
        "missing field", "negative multiplier", "no ball", "no conflict", "no flip", "outside",
        "slope above 1",
        "symbolic leaf in a lemma", "unknown field", "version",
    }  # fmt: skip
    assert len(CASES) - counts["accepted"] >= 180
