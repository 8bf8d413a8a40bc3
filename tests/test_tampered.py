"""Evidence that is wrong in one named way is refused for that flaw, by all three checkers."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.oracle import find_flip
from tests.tampered.cases import CASES
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


def minimal_flaw(query, data):
    point = query.region.lower
    head = proof_bytes(query, Flip(point, 0)).partition(b"\n")[0]
    try:
        minimal.check_proof(head + b"\n" + data)
    except minimal.Refused as error:
        return error.args[0]
    return "accepted"


@pytest.mark.parametrize("name", CASES)
def test_each_case(name):
    query, certificate, flaw = CASES[name]
    data = json.dumps(certificate).encode()
    assert flaw_of(check_reference, query, data) == flaw
    assert flaw_of(check_fast, query, data) == flaw
    if "symbolic" not in data.decode():
        third = minimal_flaw(query, data)
        assert third == flaw if flaw == "accepted" else third != "accepted"


def test_what_is_accepted_is_true():
    for name, (query, certificate, flaw) in CASES.items():
        assert (flaw == "accepted") == name.endswith(": true"), name
        if flaw == "accepted" and query.network.inputs < 10:  # the oracle is for small ones
            assert (find_flip(query) is None) == (certificate["verdict"] == "robust"), name


def test_every_flaw_is_there():
    counts = Counter(flaw for _, _, flaw in CASES.values())
    assert set(counts) >= {
        "accepted", "another network", "atoms in a lemma", "bound too weak", "dimension", "float",
        "goal missing", "index out of range", "malformed", "malformed tree", "missing field",
        "negative multiplier", "no conflict", "no flip", "outside", "slope above 1",
        "slope too steep", "symbolic leaf in a lemma", "unknown field", "version",
    }  # fmt: skip
    assert len(CASES) - counts["accepted"] >= 180
