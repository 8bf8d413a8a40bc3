"""A proof as a Coq file: Coq accepts true ones, with the two axioms; false ones do not compile."""

import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction as F
from random import Random

import pytest

from tests.oracles.checkers import answer
from tests.oracles.commands import run
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.proved_kernel import SOURCE
from tests.oracles.random_families import guessed, lemmas, random_family
from tests.oracles.random_queries import random_query
from verifier.checker.family_replay import replay_family
from verifier.evidence.certificate import Leaf, Node, Robust
from verifier.evidence.kernel_stream import is_spelled_out
from verifier.evidence.proof_file import save_proof
from verifier.formats.coq_file import coq_text
from verifier.question.build import NetworkBuilder
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball


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


def true_families(count):
    """Families that hold, with lemmas, splits, open ends and every norm."""
    found, norms = [], set()
    for seed in range(400):
        rng, query = random_family(seed)
        proof = Robust(lemmas(rng, query), (guessed(rng, query),))
        if is_spelled_out(proof) and answer(replay_family, query, proof) == "accepted":
            new = query.cone.norm not in norms or any(node.steps for node in proof.trees[0])
            if new or proof.steps:
                found.append((query, proof))
                norms.add(query.cone.norm)
        if len(found) >= count and len(norms) == 3:
            return found
    raise AssertionError("too few")


def test_the_text_of_a_family_states_its_cone_and_both_ends_of_bounds():
    for query, proof in true_families(8):
        text = "".join(coq_text(query, proof))
        assert "Theorem proved : never_in_cone net around center_ asked." in text
        for lemma in proof.steps:
            ends = ", ".join(f"({q.numerator} # {q.denominator})" for q in lemma.ends)
            assert f"(unit_ {lemma.unit}, {str(lemma.upper).lower()}, ({ends}), " in text
        for number in (query.cone.first, query.cone.last, query.cone.unit):
            assert f"({number.numerator} # {number.denominator})" in text
        assert text.count("(") == text.count(")") and text.count("[") == text.count("]")


def without_directions():
    """Leaves with a multiplier of the ball whose forms have no direction, hence no weights."""
    for norm in ("1", "2", "3"):
        region = ball(norm, [F(1), F(2)], F(1, 2))
        network = NetworkBuilder(2)
        (unit,) = network.layer([network.inputs[0] - network.inputs[1]])
        never = Goal((Atom((), (), F(-1), False),), "nothing")
        query = Query(network.network([unit + 1]), region, (never,))
        yield query, Robust((), ((Node((), Leaf(ball=F(1, 8))),),))


def test_export_of_a_leaf_without_directions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for query, proof in without_directions():
        save_proof("proof.json", query, proof)
        code, _, err = run(capsys, "export", "proof.json", "--to", "coq", "-o", "claim.v")
        assert (code, err) == (0, "")
        assert (
            "(Close (LeafOf [] [] [] [] [] false (Some ((1 # 8), None))))"
            in (tmp_path / "claim.v").read_text()
        )


def test_export_of_a_family(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    query, proof = true_families(1)[0]
    save_proof("family.json", query, proof)
    code, out, err = run(capsys, "export", "family.json", "--to", "coq", "-o", "claim.v")
    assert (code, err) == (0, "") and "theorem for Coq" in " ".join(out.split())
    assert (tmp_path / "claim.v").read_text() == "".join(coq_text(query, proof))


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
    for query, proof in [*true_query(5), *without_directions()]:
        code, out = coqc(tmp_path, "".join(coq_text(query, proof)))
        assert code == 0
        assert set(re.findall(r"^(\w+\.\w+)", out, re.MULTILINE)) == {
            "ClassicalDedekindReals.sig_forall_dec",
            "FunctionalExtensionality.functional_extensionality_dep",
        }
    for query, proof in true_families(3):
        assert coqc(tmp_path, "".join(coq_text(query, proof)))[0] == 0
        cone = replace(query.cone, unit=9 * query.cone.unit, last=query.cone.last + 9, open=False)
        larger = FamilyQuery(query.network, cone, query.goals)
        if answer(replay_family, larger, proof) != "accepted":
            assert coqc(tmp_path, "".join(coq_text(larger, proof)))[0] != 0
    query = next(q for q in map(random_query, range(99)) if find_flip(q) is not None)
    false = Robust((), tuple((Node((), Leaf()),) for _ in query.goals))
    assert coqc(tmp_path, "".join(coq_text(query, false)))[0] != 0
