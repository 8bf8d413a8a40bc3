"""The program extracted from the Coq development gives the answers of the checker."""

import json
from dataclasses import replace
from fractions import Fraction as F
from random import Random

import pytest

from tests.oracles.checkers import answer, guess
from tests.oracles.commands import run
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.proved_kernel import kernel_folder, proved_flaw, say, stream
from tests.oracles.random_queries import random_query
from tests.oracles.tampered.cases import CASES
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, parse_certificate
from verifier.evidence.proof_file import proof_bytes
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal
from verifier.question.region import box

READING = {"atoms in a lemma", "box beside ball"}
"""Flaws of texts that the rules themselves do not mind."""


@pytest.fixture(autouse=True)
def program(monkeypatch):
    folder = kernel_folder()
    monkeypatch.setenv("ROBMEM_KERNEL", str(folder))
    return folder


def test_every_case_of_evidence():
    flaws = set()
    for name, (query, certificate, flaw) in CASES.items():
        data = json.dumps(certificate, sort_keys=True).encode()
        try:
            verdict = parse_certificate(data, query.network.digest)
        except RefusedError:
            continue  # its text is refused before any rule is asked
        found = proved_flaw(query, verdict)
        flaws.add(found)
        if found == "short form":
            continue
        if flaw not in READING:
            assert (found == "accepted") == (flaw == "accepted"), (name, flaw, found)
    assert {"accepted", "refused by the proved kernel"} <= flaws


@pytest.mark.parametrize("block", range(3))
def test_random_proofs_and_flips(block):
    for seed in range(20 * block, 20 * block + 20):
        query = random_query(seed)
        flip, proof = find_flip(query), prove(query, Random(seed) if seed % 2 else None)
        if proof is not None:
            assert proved_flaw(query, proof) == "accepted", seed
            point = query.region.center or query.region.lower
            assert proved_flaw(query, Flip(point, 0)) != "accepted", seed
        if flip is not None:
            goal, point = flip
            assert proved_flaw(query, Flip(point, goal)) == "accepted", seed


def test_guessed_proofs_have_the_answer_of_the_checker():
    answers = set()
    for seed in range(60):
        query, rng = random_query(seed, max_units=5), Random(seed)
        verdict = guess(rng, query)
        due = answer(replay, query, verdict)
        found = proved_flaw(query, verdict)
        assert (found == "accepted") == (due == "accepted"), (seed, due, found)
        answers.add(due)
    assert answers == {"accepted", "bound too weak"}


def test_a_changed_token_is_refused_or_changes_nothing_that_was_asked(program):
    """Whatever is done to one token of a stream, no false statement is accepted."""
    query = next(q for q in map(random_query, range(99)) if find_flip(q) is not None)
    goal, point = find_flip(query)
    true = stream(query, Flip(point, goal))
    assert say(program, true) == ("question flip", 0)
    rng, words = Random(1), true.split()
    start = words.index("question")
    refused = 0
    for _ in range(150):
        k = rng.randrange(len(words))
        changed = [
            *words[:k],
            rng.choice(["0", "-1", "1/0", "x", "999", "strict", "end", ""]),
            *words[k + 1 :],
        ]
        last, code = say(program, " ".join(changed))
        assert code in (0, 4), (k, last)
        assert last.startswith(("question", "refused")), last
        refused += code == 4
        if k >= start and code == 0 and words[k] == changed[k]:
            assert last == "question flip"
    assert refused > 50


def test_missing_lemmas_have_the_answer_of_the_checker():
    """A proof without its lemmas holds where these were not needed, and is refused elsewhere."""
    answers = []
    for seed in range(60):
        query = random_query(seed)
        proof = prove(query, Random(seed)) if find_flip(query) is None else None
        if proof is None or not proof.steps:
            continue
        assert proved_flaw(query, proof) == "accepted"
        bare = replace(proof, steps=())
        due = answer(replay, query, bare)
        assert (proved_flaw(query, bare) == "accepted") == (due == "accepted"), seed
        answers.append(due)
    assert {"accepted"} < set(answers), answers


def test_a_stream_that_ends_early_is_refused(program):
    query = next(q for q in map(random_query, range(99)) if find_flip(q) is None)
    words = stream(query, prove(query)).split()
    for end in range(0, len(words) - 1, max(1, len(words) // 40)):
        last, code = say(program, " ".join(words[:end]))
        assert code == 4, end
        assert "refused" in last


BAD = {
    "a denominator zero": "robmem-kernel 1 1 1 1  1 0 1 0 0  1 1 1 0 1 end",
    "a negative denominator": "robmem-kernel 1 1 1 1  1 0 1 0 -1  1 1 1 0 1 end",
    "a variable that does not exist": "robmem-kernel 1 1 1 1  1 7 1 0 1  1 1 1 0 1 end",
    "not a number": "robmem-kernel 1 1 1 1  1 0 one 0 1  1 1 1 0 1 end",
    "another version": "robmem-kernel 2 1 1 1  1 0 1 0 1  1 1 1 0 1 end",
    "a sample without a task": "robmem-kernel 1 1 0 1 1 0 1 0 1 sample 0 0 1 robust 0 goals 0 end",
    "a huge count": "robmem-kernel 1 1 99999999999 1 end",
    "more variables than memory": "robmem-kernel 1 999999999 1 1 end",
    "an index like a number": "robmem-kernel 1 1 0 1 1 0 1 0 1 task value 999999999",
    "a variable twice in a row": "robmem-kernel 1 1 1 1  2 0 1 0 1 0 1  1 1 1 0 1 end",
    "variables out of order": "robmem-kernel 1 2 0 1  2 1 1 0 1 0 1 end",
    "an output twice in an atom": "robmem-kernel 1 1 0 1 1 0 1 0 1 "
    "question box 0 1 0 1 1 0 2 0 1 0 1 -2 weak robust 0 goals 1 leaf . end",
    "an input twice in an atom": "robmem-kernel 1 1 0 1 1 0 1 0 1 "
    "question box 0 1 0 1 1 2 0 1 0 1 0 -2 weak robust 0 goals 1 leaf . end",
    "an input that does not exist": "robmem-kernel 1 1 0 1 1 0 1 0 1 "
    "question box 0 1 0 1 1 1 1 1 0 -2 weak robust 0 goals 1 leaf . end",
    "a lemma about a unit that does not exist": "robmem-kernel 1 1 1 1 1 0 1 0 1 1 1 1 0 1 "
    "question box 0 1 0 1 1 0 1 0 -1 -2 weak robust 0 lower 3 0 leaf . goals 1 leaf . end",
    "a radius without end": "robmem-kernel 1 1 0 1 1 0 1 0 1 task value 2 inf 1/",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_streams(name, program):
    last, code = say(program, BAD[name])
    assert code == 4
    assert last.startswith("refused")


@pytest.mark.parametrize("norm", ["0", "65", "-1", "2.0", "l3"])
def test_norms_that_are_none(norm, program):
    text = f"robmem-kernel 1 1 1 1  1 0 1 0 1  1 1 1 0 1 question ball {norm} 1 closed -1 1 0"
    last, code = say(program, text)
    assert code == 4 and last.startswith(("refused: no norm", "refused: not a count")), last


@pytest.mark.parametrize(
    ("does", "flaw"),
    [
        ("cat >> $3 < /dev/null", "accepted"),
        ("echo >> $3", "another question"),
        ("sed -i 's|^question box|question  box|' $3", "another question"),
        ("echo question robust", "refused by the proved kernel"),
        ("exit 4", "refused by the proved kernel"),
    ],
)
def test_what_is_printed_back_is_compared(does, flaw, program, tmp_path, monkeypatch, capsys):
    """A program that says that it was asked something else, or one answer more, is not believed."""
    query = next(q for q in map(random_query, range(99)) if find_flip(q) is None)
    query = replace(query, region=box(query.region.lower, query.region.upper))
    goals = (Goal((Atom((), (), F(-1), False),), "never"),)
    query, proof = replace(query, goals=goals), Robust((), ((Node((), Leaf()),),))
    script = tmp_path / "robmem-kernel"
    script.write_text(f"#!/bin/sh\n{program}/robmem-kernel $* || exit 4\n{does}\n")
    script.chmod(0o755)
    monkeypatch.setenv("ROBMEM_KERNEL", str(tmp_path))
    assert proved_flaw(query, proof) == flaw
    file = tmp_path / "proof.json"
    file.write_bytes(proof_bytes(query, proof))
    code, _, err = run(capsys, "check", file, "--proved")
    assert code == (0 if flaw == "accepted" else 4) and (not code or flaw in err)


ONE = "question box {low} {high} 0 1 1 0 1 {output} -1 -2 weak robust 0 goals 1 "
"""No x of [low, high] has -output - 2 >= 0."""


def asked(units, region="0 1", output="0", tree="leaf ."):
    low, high = region.split()
    return f"{units} {ONE.format(low=low, high=high, output=output)} {tree} end"


def test_networks_that_are_none(program):
    good = "robmem-kernel 1 1 2 1  1 0 1 0 1  1 1 1 0 1  1 2 1 0 1"
    assert say(program, asked(good)) == ("question robust", 0)
    cyclic = "robmem-kernel 1 1 2 1  1 2 1 0 1  1 1 1 0 1  1 2 1 0 1"
    own = "robmem-kernel 1 1 2 1  1 1 1 0 1  1 1 1 0 1  1 2 1 0 1"
    for network in (cyclic, own):
        assert say(program, asked(network)) == ("question refused", 4)
    assert say(program, asked(good, output="1")) == ("question refused", 4)  # no such output
    assert say(program, asked(good, tree="leaf slopes 1 0 2 ."))[1] == 4
    assert say(program, asked(good, tree="leaf atoms 1 0 -1 ."))[1] == 4
    assert say(program, asked(good, tree="conflict 0"))[1] == 4
    assert say(program, asked(good).replace("goals 1", "goals 2 leaf ."))[1] == 4
    assert say(program, asked(good).replace("goals 1  leaf .", "goals 0"))[1] == 4
