"""Replay of one file: a proof, a proof about a family, or a VIPR certificate."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from verifier.question.errors import UserError
from verifier.question.region import root_text

if TYPE_CHECKING:
    from verifier.checker.checked import CheckerName
    from verifier.evidence.proof_file import Claim, FamilyProof, Proof
    from verifier.question.query import Query


def check_file(path: Path, file: str | None, by: CheckerName, as_json: bool) -> int:
    """Replays the evidence in the file, prints its claim and returns the exit code 0; `file`: the
    network of a proof that does not hold it. Raises RefusedError, naming the flaw, and UserError
    for files that are no evidence."""
    if path.suffix != ".vipr":
        require_evidence(path)
        return _check_proof(path, file, by, as_json)
    if by != "checker":
        raise UserError(f"{path}: a kernel replays proof files and runs, not VIPR")
    if file is not None:
        raise UserError(f"{path}: a VIPR file states its own program; --network is not read")
    return _check_vipr(path, as_json)


def require_evidence(path: Path) -> None:
    """Raises UserError for a file that is called as networks and data are."""
    name = path.name.removesuffix(".gz")
    if name.endswith((".onnx", ".nnet", ".npz", ".net", ".pt", ".pth")):
        raise UserError(
            f"{path}: a network, not evidence; check a run's folder, or a proof "
            f"with --network {path.name}"
        )
    if name.endswith((".csv", ".npy")):
        raise UserError(f"{path}: data, not evidence; check a run's folder or a proof file")


def _check_vipr(path: Path, as_json: bool) -> int:
    from verifier.cli.options import table
    from verifier.formats.vipr.check import check_vipr

    started = monotonic()
    summary = check_vipr(path)
    seconds = round(monotonic() - started, 3)
    if as_json:
        facts = {"claim": summary.claim, "checked": 1, "seconds": {"check": seconds}}
        print(json.dumps(facts))
    else:
        print(
            table([("claim", f"of the file's own program: {summary.claim}"), ("seconds", seconds)])
        )
    return 0


def _replay(by: CheckerName, proof: Proof | FamilyProof) -> None:
    """Returns if the claim holds by this checker; else RefusedError."""
    from verifier.ask import check
    from verifier.checker.elaborate import kernel_check_proof
    from verifier.checker.family_replay import replay_family
    from verifier.checker.proved import replay_proof
    from verifier.evidence.proof_file import FamilyProof

    query, claim = proof.query, proof.verdict
    if by != "checker" and not isinstance(proof, FamilyProof) and proof.semantics != "real":
        raise UserError(
            f"the {by} replays proofs about real numbers; this one is about the network as "
            f"executed in {proof.semantics}, which the checker replays"
        )
    if by == "proved kernel":
        replay_proof(query, claim)
    elif by == "kernel":
        kernel_check_proof(query, claim)
    elif isinstance(proof, FamilyProof):
        replay_family(proof.query, proof.verdict)
    else:
        check(proof.query, proof.verdict, proof.semantics)


def _claim(query: Query, verdict: Claim) -> str:
    """What the verdict says of the question, in words."""
    from verifier.evidence.certificate import Flip, Maximum, Radius
    from verifier.question.rational import format_rational

    region = query.region
    shape = f"a box of {region.dimension} inputs"
    of = root_text(region.norm)
    if region.norm != "inf" or region.open:
        kind = f"open L{region.norm}" if region.open else f"L{region.norm}"
        within = f" within {shape}" if region.clipped else f" of {region.dimension} inputs"
        shape = f"an {kind} ball of {of} {format_rational(region.size)}{within}"
    count = len(query.goals)
    every = "the unsafe set" if count == 1 else f"any of {count} unsafe sets"
    if isinstance(verdict, Flip):
        some = "the unsafe set" if count == 1 else f"one of {count} unsafe sets"
        return f"a point of {shape} lies in {some}"
    claim = f"no point of {shape} lies in {every}"
    if isinstance(verdict, Maximum):
        claim += ", and one lies on the boundary of such a set: the bound is the exact extreme"
    elif isinstance(verdict, Radius):
        claim += ", and one on its sphere does: its radius is exact"
    return claim


def _check_proof(path: Path, file: str | None, by: CheckerName, as_json: bool) -> int:
    from verifier.ask import claim_about
    from verifier.cli.options import table
    from verifier.cli.question import question_facts, question_rows
    from verifier.evidence.certificate import Maximum, Radius, Robust
    from verifier.evidence.proof_file import FamilyProof
    from verifier.question.printable import size_text

    started = monotonic()
    proof = claim_about(path, file)
    if isinstance(proof, FamilyProof):
        return _check_family(path, proof, by, started, as_json)
    query = proof.query
    _replay(by, proof)
    exact = isinstance(proof.verdict, Radius | Maximum)
    robust = exact or isinstance(proof.verdict, Robust)
    claim = _claim(query, proof.verdict)
    if proof.semantics != "real":
        claim = f"as executed in {proof.semantics}, {claim}"
    facts: dict[str, Any] = {
        "claim": claim,
        "samples": 1,
        "robust": int(robust),
        "flips": int(exact or not robust),
        "undecided": 0,
        "checked": 1,
        "checker": by,
        "proof_bytes": path.stat().st_size,
        "seconds": {"check": round(monotonic() - started, 3)},
        "network": query.network.digest,
        "semantics": proof.semantics,
        "question": question_facts(query),
    }
    if as_json:
        print(json.dumps(facts))
    else:
        size = size_text(facts["proof_bytes"])
        rows: list[tuple[str, object]] = [("claim", claim), *question_rows(query)]
        rows += [("checked by", f"the {facts['checker']}"), ("arithmetic", proof.semantics)]
        rows += [("network", facts["network"]), ("size of the proof", size)]
        print(table([*rows, ("seconds", facts["seconds"]["check"])]))
    return 0


def _check_family(
    path: Path, proof: FamilyProof, by: CheckerName, started: float, as_json: bool
) -> int:
    from verifier.cli.options import table
    from verifier.cli.question import family_claim, family_facts, family_rows
    from verifier.question.printable import size_text

    query = proof.query
    _replay(by, proof)
    facts: dict[str, Any] = {
        "claim": family_claim(query),
        "checked": 1,
        "checker": by,
        "proof_bytes": path.stat().st_size,
        "seconds": {"check": round(monotonic() - started, 3)},
        "network": query.network.digest,
        "question": family_facts(query),
    }
    if as_json:
        print(json.dumps(facts))
        return 0
    rows: list[tuple[str, object]] = [("claim", facts["claim"]), *family_rows(query)]
    rows += [("checked by", f"the {facts['checker']}"), ("network", facts["network"])]
    rows.append(("size of the proof", size_text(facts["proof_bytes"])))
    print(table([*rows, ("seconds", facts["seconds"]["check"])]))
    return 0
