"""Random edits of evidence: refused, or true by the oracle."""

import json
from collections import Counter
from dataclasses import replace
from random import Random

from tests.oracles.kernel import kernel_flaw
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import outputs_at
from tests.oracles.reference import check_reference
from tests.oracles.tampered.mutator import edited, true_evidence
from tests.oracles.tampered.runs import accepted_results, edited_run, is_true_of, true_run
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.question.errors import RefusedError


def flaw_of(check, query, data):
    try:
        check(query, parse_certificate(data, query.network.digest))
    except RefusedError as error:
        return error.flaw
    return "accepted"


def is_true(query, data):
    verdict = parse_certificate(data, query.network.digest)
    if isinstance(verdict, Flip):
        outputs = outputs_at(query.network, verdict.point)
        atoms = query.goals[verdict.goal].atoms
        return query.region.contains(verdict.point) and all(
            atom.holds(verdict.point, outputs) for atom in atoms
        )
    return find_flip(query) is None


def try_edits(seeds, edits):
    counts = Counter()
    for seed in seeds:
        query, data = true_evidence(seed)
        rng = Random(seed)
        for _ in range(edits):
            question, evidence = edited(rng, query, data)
            slow = flaw_of(check_reference, question, evidence)
            fast = flaw_of(replay, question, evidence)
            assert slow == fast, (seed, slow, fast, evidence)
            kernel = kernel_flaw(question, evidence)
            if kernel != "unsupported":
                assert (kernel == "accepted") == (slow == "accepted"), (
                    seed,
                    slow,
                    kernel,
                    evidence,
                )
            if slow == "accepted":
                assert is_true(question, evidence), (seed, evidence)
            counts[slow] += 1
    return counts


def try_run_edits(seeds, edits):
    """Edits of sealed runs: what is not sealed again is refused, what is accepted is true."""
    counts = Counter()
    for seed in seeds:
        run = true_run(seed)
        for result in accepted_results(run):
            assert is_true_of(run, result), (seed, result)
        rng = Random(seed)
        for _ in range(edits):
            changed, again = edited_run(rng, run)
            found = accepted_results(changed)
            if changed == run:
                counts["the same"] += 1
            elif not again:
                whole = json.loads(run.manifest)["results"]
                assert found is None or len(found) < sum(r[2] is not None for r in whole)
                counts["not sealed again: refused"] += 1
            elif found is None:
                counts["sealed again: refused"] += 1
            else:
                for result in found:
                    assert is_true_of(changed, result), (seed, result)
                counts["sealed again: true of some samples" if found else "nothing claimed"] += 1
    return counts


def every_changed_byte(seed):
    run, rng = true_run(seed), Random(seed)
    claimed = len(accepted_results(run))
    names = ["network", "data", "manifest", *run.certificates]
    for name in names:
        content = run.certificates[name] if name in run.certificates else getattr(run, name)
        for position in rng.sample(range(len(content)), min(40, len(content))):
            altered = bytearray(content)
            altered[position] ^= 1 << rng.randrange(8)
            if name in run.certificates:
                changed = replace(run, certificates={**run.certificates, name: bytes(altered)})
            else:
                changed = replace(run, **{name: bytes(altered)})
            found = accepted_results(changed)
            assert found is None or (name in run.certificates and len(found) < claimed)
