"""What `tools/mutation.py` runs on each mutant, in one process and without pytest's overhead.

`run(module)` calls the tests that belong to a module of `verifier/trusted`, the sharpest first, and
raises what the first failing one raises.
"""

from __future__ import annotations

import importlib
import inspect
import json
import tempfile
from itertools import product
from pathlib import Path
from random import Random

import pytest

from tests import test_leaf_bounds
from tests.naive_prover import prove
from tests.oracle import find_flip
from tests.random_queries import random_query
from tests.tampered.cases import CASES
from tests.test_checkers_agree import both, guess, symbolic_guess
from tests.test_mutated_evidence import flaw_of, try_edits
from verifier.trusted.certificate import Flip
from verifier.trusted.fast import check_fast
from verifier.trusted.reference import check_reference

SKIPPED = {
    # Long, or made for the whole process; what they show is shown by others here.
    "test_checking_needs_little_memory",
    "test_a_long_certificate_is_read_in_linear_time",
    "test_intervals_equal_plain_fractions_for_batches_of_mixed_sizes",
    "test_more_regions_than_one_chunk",
}
TYPES = ("test_trusted_types", "test_exact_inputs")
FILES = {
    "certificate": ("test_verdicts_in_memory", "test_hostile_files"),
    "data_file": ("test_data_file", "test_hostile_files", "test_manifest"),
    "fast": ("test_verdicts_in_memory", "test_symbolic"),
    "intervals": TYPES,
    "live_rows": TYPES,
    "manifest": ("test_manifest", "test_hostile_files"),
    "network": TYPES,
    "network_file": ("test_hostile_files", "test_exact_inputs"),
    "packed": ("test_hostile_files", "test_proof_file"),
    "proof_file": ("test_proof_file", "test_hostile_files"),
    "query": TYPES,
    "rational": TYPES,
    "reference": ("test_verdicts_in_memory", "test_symbolic"),
    "reference_symbolic": ("test_symbolic", "test_symbolic_extremes"),
    "region": TYPES,
    "replay": TYPES,
    "scaled": TYPES,
    "strict_json": ("test_hostile_files",),
    "symbolic": ("test_symbolic", "test_symbolic_extremes"),
}
CHECKERS = (
    "certificate",
    "fast",
    "intervals",
    "reference",
    "region",
    "scaled",
    "query",
    "rational",
)
CHECKERS += ("reference_symbolic", "symbolic", "network", "live_rows")


def run(module: str) -> None:
    """Raises if a check fails; a module "" stands for all."""
    if module in ("", *CHECKERS):
        tampered()
    names = FILES[module] if module else sorted({n for files in FILES.values() for n in files})
    for name in names:
        run_tests(name)
    if module in ("", *CHECKERS):
        queries()
    if module in ("", "intervals", "scaled", "replay"):
        for name in ("test_trusted_types", "test_exact_inputs"):
            run_tests(name, only=SKIPPED)


def tampered() -> None:
    """Every case of `tests/tampered/cases.py`, by both checkers."""
    for name, (query, certificate, flaw) in CASES.items():
        data = json.dumps(certificate).encode()
        for check in (check_reference, check_fast):
            found = flaw_of(check, query, data)
            assert found == flaw, (name, found)


def queries() -> None:
    """Random leaves at their exact bounds, true and guessed proofs, edits of true ones."""
    for norm in ("inf", "1", "2"):
        for seed in range(60):
            test_leaf_bounds.exact_leaves(seed, norm)
    for seed in range(30):
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
    try_edits(range(30), 3)


def run_tests(name: str, only: set[str] | None = None) -> None:
    """All test functions of a test module with all their parameters."""
    module = importlib.import_module(f"tests.{name}")
    for test, function in list(vars(module).items()):
        wanted = test in only if only is not None else test not in SKIPPED
        if not test.startswith("test_") or not inspect.isfunction(function) or not wanted:
            continue
        if function.__module__ != module.__name__:
            continue
        marks = getattr(function, "pytestmark", [])
        if any(mark.name in ("slow", "skipif") for mark in marks):
            continue
        axes = [axis(mark) for mark in marks if mark.name == "parametrize"]
        for values in product(*axes):
            arguments = {key: value for part in values for key, value in part.items()}
            if "monkeypatch" in inspect.signature(function).parameters:
                with pytest.MonkeyPatch.context() as patch:
                    function(**arguments, monkeypatch=patch)
            elif "tmp_path" in inspect.signature(function).parameters:
                with tempfile.TemporaryDirectory() as folder:
                    function(**arguments, tmp_path=Path(folder))
            else:
                function(**arguments)


def axis(mark) -> list[dict[str, object]]:
    """The arguments of one `parametrize`."""
    names, values = mark.args[:2]
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    found = []
    for value in values:
        value = value.values if type(value).__name__ == "ParameterSet" else value
        parts = (
            tuple(value) if len(names) > 1 or type(value).__name__ == "ParameterSet" else (value,)
        )
        found.append(dict(zip(names, parts, strict=True)))
    return found
