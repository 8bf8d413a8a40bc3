"""Evidence about a distance: a proof that no flip is nearer, a flip that is no farther, or both.

    {"flip": certificate | null, "lower": q, "network": sha256, "proof": certificate | null,
     "robmem_distance": 1, "upper": q | null}

The certificates are those of `certificate.py`, the numbers sizes of balls: radii, for norm 2
squared ones. The same evidence gives the same bytes, and no other bytes are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.evidence.certificate import Flip, Robust, certificate_bytes, parse_certificate
from verifier.evidence.fields import check_fields, text_in
from verifier.evidence.strict_json import canonical_rational, read_json
from verifier.question.errors import RefusedError
from verifier.question.rational import format_rational
from verifier.question.shown import Shown

VERSION = 1
_FIELDS = ("flip", "lower", "network", "proof", "robmem_distance", "upper")


@dataclass(frozen=True, slots=True, repr=False)
class Distance(Shown):
    """The nearest flip of a sample lies on or outside of the ball of size `lower`, which `proof`
    shows, and in the one of size `upper`, which `flip` shows.

    Without a proof `lower` is 0, without a flip `upper` is None. If the two are equal and not 0,
    the proof is about the open ball, else about the closed one.
    """

    lower: Fraction
    upper: Fraction | None
    proof: Robust | None
    flip: Flip | None

    @property
    def exact(self) -> bool:
        return self.lower == self.upper


def distance_bytes(distance: Distance, network: str) -> bytes:
    """The text of the evidence about the network of this digest."""
    flip, proof = (
        "null" if part is None else certificate_bytes(part, network).decode().rstrip()
        for part in (distance.flip, distance.proof)
    )
    lower = json.dumps(format_rational(distance.lower))
    upper = "null" if distance.upper is None else json.dumps(format_rational(distance.upper))
    return (
        f'{{"flip":{flip},"lower":{lower},"network":"{network}","proof":{proof},'
        f'"robmem_distance":{VERSION},"upper":{upper}}}\n'
    ).encode()


def parse_distance(data: bytes, network: str) -> Distance:
    """The evidence that `data` holds. Raises RefusedError, naming the flaw, for anything else."""
    value, _ = read_json(data)
    if not isinstance(value, dict) or "robmem_distance" not in value:
        raise RefusedError("another verdict", "no evidence about a distance")
    version = value["robmem_distance"]
    if type(version) is not int or version != VERSION:
        raise RefusedError("version", f"distance version {str(version)[:40]!r}, not {VERSION}")
    check_fields(value, _FIELDS)
    if value["network"] != network:
        raise RefusedError(
            "another network", f"evidence for {str(value['network'])[:70]}, network is {network}"
        )
    proof, flip = (part_in(value[name], network) for name in ("proof", "flip"))
    if not isinstance(proof, Robust | None) or not isinstance(flip, Flip | None):
        raise RefusedError("another verdict", "proof and flip of a distance are of other kinds")
    lower = canonical_rational(text_in(value["lower"], "the text of a number"))
    upper = value["upper"]
    if upper is not None:
        upper = canonical_rational(text_in(upper, "the text of a number"))
    distance = Distance(lower, upper, proof, flip)
    if distance_bytes(distance, network) != data:
        raise RefusedError("not canonical", "the evidence is not written as this program does")
    return distance


def part_in(value: Any, network: str) -> Robust | Flip | None:
    """The verdict of a certificate inside of other evidence, None for null; RefusedError."""
    if value is None:
        return None
    text = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return parse_certificate(text, network)
