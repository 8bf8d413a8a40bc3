"""Evidence that is wrong in one named way is refused for that flaw, by all three checkers."""

import importlib.util
import json
import re
import subprocess
import sys
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


BEYOND_MINIMAL = (b'"symbolic"', b'"separable"', b'"ball"')  # rules that it does not know


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
    text = _FILE.read_text()
    assert len(text.splitlines()) <= 300
    read = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
    assert read and set(read) <= sys.stdlib_module_names
    root = _FILE.parents[1]
    for folder in ("verifier", "constructions", "reports"):
        for path in (root / folder).rglob("*.py"):
            assert "checker_minimal" not in path.read_text(), path


def test_the_page_about_trust_knows_how_long_the_checker_is():
    root = _FILE.parents[1]
    fast = {"fast", "intervals", "live_rows", "replay", "scaled", "symbolic", "univariate"}
    found = {p.stem: len(p.read_text().splitlines()) for p in (root / "verifier/trusted").glob("*")
             if p.suffix == ".py"}  # fmt: skip
    slow = sum(lines for name, lines in found.items() if name not in fast)
    page = (root / "docs" / "trust.md").read_text()
    stated = re.search(r"([0-9,]+) lines with comments; without the fast half, ([0-9,]+)", page)
    for text, lines in zip(stated.groups(), (sum(found.values()), slow), strict=True):
        assert abs(int(text.replace(",", "")) - lines) <= lines / 10, (text, lines)


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
            [sys.executable, "-I", _FILE, path], capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stderr) == (code, "") and found.stdout.startswith(words)
