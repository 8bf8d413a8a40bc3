"""Evidence about a least margin: a proof that no point has a smaller one, and a point.

    {"lower": q | null, "network": sha256, "point": certificate, "proof": certificate | null,
     "robmem_margin": 1, "upper": q}

The certificates are those of `certificate.py`. The same evidence gives the same bytes, and no other
bytes are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction

from verifier.evidence.certificate import Flip, Robust, certificate_bytes
from verifier.evidence.distance import part_in
from verifier.evidence.fields import check_fields, text_in
from verifier.evidence.strict_json import canonical_rational, read_json
from verifier.question.errors import RefusedError
from verifier.question.rational import format_rational
from verifier.question.shown import Shown

VERSION = 1
_FIELDS = ("lower", "network", "point", "proof", "robmem_margin", "upper")


@dataclass(frozen=True, slots=True, repr=False)
class Margin(Shown):
    """On a sample's ball the margin is nowhere below `lower`, which `proof` shows, and at most
    `upper` at a point, which `point` shows. Both, or none, of `lower` and `proof` are None."""

    lower: Fraction | None
    upper: Fraction
    proof: Robust | None
    point: Flip

    @property
    def exact(self) -> bool:
        return self.lower == self.upper


def margin_bytes(margin: Margin, network: str) -> bytes:
    """The text of the evidence about the network of this digest."""
    point = certificate_bytes(margin.point, network).decode().rstrip()
    proof = "null"
    if margin.proof is not None:
        proof = certificate_bytes(margin.proof, network).decode().rstrip()
    lower = "null" if margin.lower is None else json.dumps(format_rational(margin.lower))
    upper = json.dumps(format_rational(margin.upper))
    return (
        f'{{"lower":{lower},"network":"{network}","point":{point},"proof":{proof},'
        f'"robmem_margin":{VERSION},"upper":{upper}}}\n'
    ).encode()


def parse_margin(data: bytes, network: str) -> Margin:
    """The evidence that `data` holds. Raises RefusedError, naming the flaw, for anything else."""
    value, _ = read_json(data)
    if not isinstance(value, dict) or "robmem_margin" not in value:
        raise RefusedError("another verdict", "no evidence about a margin")
    version = value["robmem_margin"]
    if type(version) is not int or version != VERSION:
        raise RefusedError("version", f"margin version {str(version)[:40]!r}, not {VERSION}")
    check_fields(value, _FIELDS)
    if value["network"] != network:
        raise RefusedError(
            "another network", f"evidence for {str(value['network'])[:70]}, network is {network}"
        )
    proof, point = (part_in(value[name], network) for name in ("proof", "point"))
    if not isinstance(proof, Robust | None) or not isinstance(point, Flip):
        raise RefusedError("another verdict", "proof and point of a margin are of other kinds")
    lower = value["lower"]
    if lower is not None:
        lower = canonical_rational(text_in(lower, "the text of a number"))
    upper = canonical_rational(text_in(value["upper"], "the text of a number"))
    margin = Margin(lower, upper, proof, point)
    if margin_bytes(margin, network) != data:
        raise RefusedError("not canonical", "the evidence is not written as this program does")
    return margin
