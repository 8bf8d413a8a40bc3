"""The kernel's answers: the name of a flaw, or "accepted". "unsupported" is what it leaves to the
elaboration: short forms, and sums of ridge functions without weights."""

from __future__ import annotations

from verifier.evidence.certificate import Flip, Robust, certificate_bytes
from verifier.evidence.proof_file import proof_bytes
from verifier.kernel.runs import check_proof_file
from verifier.kernel.text import Refused
from verifier.question.family import FamilyQuery
from verifier.question.query import Query


def kernel_flaw(query: Query | FamilyQuery, certificate: bytes) -> str:
    """Of this certificate as an answer to the query."""
    return proof_flaw(head_of(query) + b"\n" + certificate)


def head_of(query: Query | FamilyQuery) -> bytes:
    """The first line of a proof file about the query."""
    return proof_bytes(query, Robust((), ())).partition(b"\n")[0]


def kernel_answer(query: Query | FamilyQuery, verdict: Robust | Flip) -> str:
    """Of a verdict in memory, as its text, without elaboration."""
    return kernel_flaw(query, certificate_bytes(verdict, query.network.digest))


def proof_flaw(data: bytes) -> str:
    """Of a proof file."""
    try:
        check_proof_file(data)
    except Refused as error:
        flaw: str = error.args[0]
        return flaw
    return "accepted"
