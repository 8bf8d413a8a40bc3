"""Any value in any place of a proof file: all checkers read, and accept, exactly the same files."""

from __future__ import annotations

import copy
import json
from collections import Counter
from random import Random

import pytest

from tests.oracles.edits import is_true
from tests.oracles.kernel import head_of, proof_flaw
from tests.oracles.radius_pairs import PAIRS
from tests.oracles.random_families import guessed, holds_at_slices, lemmas, random_family
from tests.oracles.reference import check_reference
from tests.oracles.tampered.cases import CASES
from tests.oracles.tampered.mutator import edit_text, places, true_evidence
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.exact_radius import check_radius
from verifier.checker.family_replay import replay_family
from verifier.checker.replay import replay
from verifier.evidence.certificate import Maximum, Radius, Robust
from verifier.evidence.proof_file import FamilyProof, parse_claim, proof_bytes
from verifier.question.errors import UserError

VALUES = (
    None, True, False, 0, 1, -1, 2, 10**6, 2**53, -(2**60), 0.5, 1e300, "", "0", "1", "x", "1/2",
    "2/4", "-1/3", "1/0", "+1", " 1", "0.5", "0x1", "-0", "nan", "inf", "2", [], {}, [[]], [0],
    [[0, 1]], [[0, 1], [1, "1/2"]], [[[0, 1]], 1], [[[[0, 1]], 1, 1]], {"leaf": {}}, [{"leaf": {}}],
    [{"conflict": 0}], ["symbolic"], ["maxima"], [{"separable": [0, 1]}], {"usual": True},
    [0, 1, 1], [0, "-1/2", 2],
)  # fmt: skip
NAMES = (
    "atoms", "ball", "bounds", "box", "center", "clipped", "conflict", "cuts", "input", "leaf",
    "lower", "open", "plane", "point", "separable", "size", "slopes", "steps", "symbolic", "tree",
    "unit", "upper", "usual", "weights", "goals", "goal",
    "first", "last",
)  # fmt: skip


def evidence(seed):
    """The lines of a true proof file."""
    rng = Random(seed)
    if seed % 7 == 0:
        return proof_bytes(*rng.choice(PAIRS)).splitlines()
    if seed % 7 == 1:
        return family_evidence(seed).splitlines()
    if seed % 2:
        query, certificate, flaw = rng.choice([*CASES.values()])
        while flaw != "accepted" or query.network.inputs > 10:
            query, certificate, flaw = rng.choice([*CASES.values()])
        data = json.dumps(certificate).encode()
    else:
        query, data = true_evidence(seed)
    return [head_of(query), data.strip()]


def family_evidence(seed):
    """Of a random family that has a proof, after a lemma or two."""
    while True:
        seed += 10**6
        rng, query = random_family(seed)
        for steps in (lemmas(rng, query), ()):
            proof = Robust(steps, (guessed(rng, query),))
            if family_answer(replay_family, query, proof) == "accepted":
                return proof_bytes(query, proof)


def family_answer(check, query, proof):
    try:
        check(query, proof)
    except UserError:
        return "refused"
    return "accepted"


def changed(rng, line):
    """A value anywhere: another one, one of another place, a new field, or none."""
    value = json.loads(line)
    for _ in range(rng.choice((1, 1, 2))):
        everywhere = [(c, k) for c, k in places(value) if k not in ("content", "network")]
        container, key = rng.choice(everywhere)
        kind = rng.random()
        if rng.random() < 0.5:
            edit_text(rng, value)
        elif kind < 0.6:
            container[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind < 0.75:
            source, name = rng.choice(everywhere)
            container[key] = copy.deepcopy(source[name])
        elif kind < 0.85 and isinstance(container, dict):
            container[rng.choice(NAMES)] = copy.deepcopy(rng.choice(VALUES))
        elif kind < 0.93:
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(rng.choice(VALUES)))
    return json.dumps(value, sort_keys=rng.random() < 0.98).encode()


def answers(data):
    """Of replay, reference and kernel by itself or after elaboration; or one for all three."""
    try:
        proof = parse_claim(data)
    except UserError:
        assert proof_flaw(data) != "accepted", data
        return "unreadable"
    kernel = proof_flaw(data)
    if isinstance(proof, FamilyProof):
        found = [
            family_answer(check, proof.query, proof.verdict)
            for check in (replay_family, kernel_check_proof)
        ]
        assert len({*found}) == 1 and (kernel == "accepted") <= (found[0] == "accepted"), data
        assert kernel in ("accepted", "unsupported") or found[0] == "refused", (kernel, data)
        assert found[0] == "refused" or holds_at_slices(proof.query), data
        return found[0]
    found, flaw = [], None
    for check in (replay, check_reference):
        try:
            if isinstance(proof.verdict, Radius):
                check_radius(proof.query, proof.verdict, check)
            elif isinstance(proof.verdict, Maximum):
                check_maximum(proof.query, proof.verdict, check)
            else:
                check(proof.query, proof.verdict)
            found.append("accepted")
        except UserError as error:
            found.append("refused")
            flaw = flaw or getattr(error, "flaw", None)
    if found[0] == "refused" and flaw in ("no ball", "unsupported"):
        del found[1]  # the reference asks not for the ball of sums that are none, nor for 64 bits
    if kernel != "unsupported":
        found.append("accepted" if kernel == "accepted" else "refused")
    try:
        kernel_check_proof(proof.query, proof.verdict)
        found.append("accepted")
    except UserError:
        found.append("refused")
    if b'"symbolic"' in data and found[0] == "refused":
        found.pop()  # exact bounds may show what rounded ones do not
    assert len({*found}) == 1, (found, kernel, data)
    if found[0] == "accepted" and not isinstance(proof.verdict, Radius | Maximum):
        assert is_true(proof.query, data.splitlines()[1]), data
    return found[0]


def try_values(seeds, edits):
    counts = Counter()
    for seed in seeds:
        lines, rng = evidence(seed), Random(seed)
        for _ in range(edits):
            number = rng.randrange(len(lines))
            edited = [*lines]
            edited[number] = changed(rng, lines[number])
            counts[answers(b"\n".join(edited) + b"\n")] += 1
    return counts


def test_any_value_in_a_few_hundred_places():
    counts = try_values(range(150), 6)
    assert min(counts[kind] for kind in ("accepted", "refused", "unreadable")) > 40, counts


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_any_value_in_many_places(block):
    counts = try_values(range(1000 + 1000 * block, 2000 + 1000 * block), 12)
    print(dict(counts))
