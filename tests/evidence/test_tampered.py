"""Evidence that is wrong in one named way is refused for that flaw, by all three checkers."""

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.oracles.minimal import BEYOND_MINIMAL, FILE, minimal
from tests.oracles.oracle import find_flip
from tests.oracles.reference import check_reference
from tests.oracles.tampered.cases import CASES
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.evidence.proof_file import proof_bytes
from verifier.question.errors import RefusedError


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
    assert flaw_of(replay, query, data) == flaw
    third = minimal_flaw(query, data)
    if flaw == "accepted" and any(rule in data for rule in BEYOND_MINIMAL):
        assert third in ("missing or unknown field", "malformed")
    else:
        assert (third == "accepted") == (flaw == "accepted")


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
        "slope too steep", "symbolic leaf in a lemma", "unknown field", "version",
    }  # fmt: skip
    assert len(CASES) - counts["accepted"] >= 180


def test_the_third_checker_stands_alone():
    """At most 300 lines, of the standard library alone, which no module of the project imports."""
    text = FILE.read_text()
    assert len(text.splitlines()) <= 300
    read = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
    assert read and set(read) <= sys.stdlib_module_names
    root = FILE.parents[1]
    for folder in ("verifier", "constructions", "reports"):
        for path in (root / folder).rglob("*.py"):
            assert "checker_minimal" not in path.read_text(), path


def test_the_third_checker_on_the_command_line(tmp_path):
    query, certificate, _ = CASES["box: true"]
    head = proof_bytes(query, Flip(query.region.lower, 0)).partition(b"\n")[0]
    proof, wrong = tmp_path / "proof.json", tmp_path / "wrong"
    proof.write_bytes(head + b"\n" + json.dumps(certificate).encode())
    for path, content, code, words in (
        (proof, None, 0, "proved: "),
        (wrong, b"", 4, "refused: "),
        (wrong, b"one line", 4, "refused: "),
        (wrong, b"\x1f\x8b damaged", 4, "refused: "),
        (wrong, head + b"\n[]", 4, "refused: "),
        (tmp_path / "none", None, 4, "refused: "),
    ):
        if content is not None:
            path.write_bytes(content)
        found = subprocess.run(
            [sys.executable, "-I", FILE, path], capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stderr) == (code, "") and found.stdout.startswith(words)
