"""Claims about least networks together with what the checker has accepted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from constructions.least.questions import Below, Impossible, Possible, questions_of
from verifier.checker.checked import Checked, CheckerName, checked
from verifier.evidence.certificate import Robust, certificate_bytes, parse_certificate
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError
from verifier.question.query import Query
from verifier.question.region import Norm

Claim = Impossible | Possible | Below


@dataclass(frozen=True, slots=True)
class Shown:
    """A claim, the text of a certificate for each of its questions, and that all were checked."""

    claim: Claim
    certificates: tuple[bytes, ...]
    checked: tuple[Checked, ...]


def shown(
    claim: Claim,
    points: Points,
    norm: Norm,
    certificates: Sequence[bytes],
    by: CheckerName = "checker",
) -> Shown:
    """The claim, shown by these certificates: its questions are made here, from the data, and every
    proof is replayed, by the kernel that is named as well.

    Raises RefusedError, naming the flaw.
    """
    queries = questions_of(claim, points, norm)
    if len(certificates) != len(queries):
        raise RefusedError(
            "proof missing", f"{len(queries)} questions, {len(certificates)} certificates"
        )
    answers = [
        _replayed(query, text, by) for query, text in zip(queries, certificates, strict=True)
    ]
    return Shown(claim, tuple(certificates), tuple(answers))


def _replayed(query: Query, text: bytes, by: CheckerName) -> Checked:
    verdict = parse_certificate(text, query.network.digest)
    if not isinstance(verdict, Robust):
        raise RefusedError("another verdict", "a proof is claimed, this is none")
    if by == "kernel":
        from verifier.checker.elaborate import kernel_check_proof

        kernel_check_proof(query, verdict)
    elif by == "proved kernel":
        from verifier.checker.proved import replay_proof

        return replay_proof(query, verdict)
    return checked(query, verdict)


def text_of(query: Query, verdict: Robust) -> bytes:
    """The certificate of this question."""
    return certificate_bytes(verdict, query.network.digest)
