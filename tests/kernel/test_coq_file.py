"""A proof as a Coq file: Coq accepts true ones, with the two axioms; false ones do not compile."""

import re
import shutil
import subprocess
from random import Random

import pytest

from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.proved_kernel import SOURCE
from tests.oracles.random_queries import random_query
from verifier.evidence.certificate import Leaf, Node, Robust
from verifier.formats.coq_file import coq_text


def true_query(count):
    """Queries that hold, with proofs that have lemmas, splits and every field of a leaf."""
    found = []
    for seed in range(200):
        query = random_query(seed)
        proof = prove(query, Random(seed)) if find_flip(query) is None else None
        if proof is not None:
            found.append((query, proof))
        if len(found) == count:
            return found
    raise AssertionError("too few")


def test_the_text_holds_every_row_and_every_node():
    for query, proof in true_query(12):
        text = "".join(coq_text(query, proof))
        rows = re.search(r"network_of \d+ \d+\n(.*?)\]\.\n", text, re.DOTALL)[1]
        assert rows.count("%positive)") == query.network.units.count + query.network.outputs.count
        bodies = sum(len(tree) for tree in proof.trees)
        names = ("(Close", "(Conflict", "(SplitUnit", "(SplitInput", "(SplitPlane")
        assert sum(text.count(name) for name in names) >= bodies
        assert text.count("(") == text.count(")")
        assert text.count("[") == text.count("]")


def compile_all(folder):
    """The development compiled in `folder`."""
    for path in [*SOURCE.glob("*.v"), SOURCE / "Makefile"]:
        shutil.copy(path, folder)
    subprocess.run(["make", "-s", "all"], cwd=folder, check=True, capture_output=True)


def coqc(folder, text):
    path = folder / "Claim.v"
    path.write_text(text)
    command = ["coqc", "-q", "-R", str(folder), "Robmem", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.slow
def test_coq_accepts_true_proofs_and_no_others(tmp_path):
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    compile_all(tmp_path)
    for query, proof in true_query(5):
        code, out = coqc(tmp_path, "".join(coq_text(query, proof)))
        assert code == 0
        assert set(re.findall(r"^(\w+\.\w+)", out, re.MULTILINE)) == {
            "ClassicalDedekindReals.sig_forall_dec",
            "FunctionalExtensionality.functional_extensionality_dep",
        }
    query = next(q for q in map(random_query, range(99)) if find_flip(q) is not None)
    false = Robust((), tuple((Node((), Leaf()),) for _ in query.goals))
    assert coqc(tmp_path, "".join(coq_text(query, false)))[0] != 0
