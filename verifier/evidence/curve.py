"""Evidence about least margins on the balls of all radii up to one: piece by piece two lines.

    {"network": sha256,
     "pieces": [{"all": bool, "first": q, "goal": k, "last": q, "lower": [q, q] | null,
                 "points": [[q ..], [q ..]], "proof": certificate | null, "upper": [q, q]} ..],
     "robmem_curve": 1}

The certificates are those of `certificate.py`, of proofs. The same evidence gives the same bytes,
and no other bytes are read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.evidence.certificate import Robust, certificate_bytes
from verifier.evidence.distance import part_in
from verifier.evidence.fields import check_fields, index_in, list_in, text_in, truth_in
from verifier.evidence.strict_json import canonical_rational, read_json
from verifier.question.errors import RefusedError
from verifier.question.margin import Line
from verifier.question.rational import format_rational
from verifier.question.shown import Shown

VERSION = 1
_FIELDS = ("all", "first", "goal", "last", "lower", "points", "proof", "upper")
Points = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]


@dataclass(frozen=True, slots=True, repr=False)
class CurvePiece(Shown):
    """Radii r from `first` to `last`; a line is its values at both.

    On no ball of r is the margin below `lower`: `proof` is about all of these balls if `for_all`,
    else about that of `last` alone, which holds the others, and `lower` is level. Both may be None.
    At the points that go straight from `points[0]` to `points[1]` the margin is nowhere above
    `upper`, as goal number `goal` shows.
    """

    first: Fraction
    last: Fraction
    lower: Line | None
    proof: Robust | None
    for_all: bool
    upper: Line
    points: Points
    goal: int

    @property
    def exact(self) -> bool:
        return self.lower == self.upper


@dataclass(frozen=True, slots=True, repr=False)
class MarginCurve(Shown):
    """The pieces one after another, from radius 0 on."""

    pieces: tuple[CurvePiece, ...]

    @property
    def exact(self) -> bool:
        return all(piece.exact for piece in self.pieces)

    @property
    def lower(self) -> Fraction | None:
        """What is proved of the least margin on the last ball."""
        line = self.pieces[-1].lower
        return None if line is None else line[1]

    @property
    def upper(self) -> Fraction:
        """A margin that a point of the last ball has, or less."""
        return self.pieces[-1].upper[1]


def curve_bytes(curve: MarginCurve, network: str) -> bytes:
    """The text of the evidence about the network of this digest."""
    pieces = ",".join(_piece_text(piece, network) for piece in curve.pieces)
    return (f'{{"network":"{network}","pieces":[{pieces}],"robmem_curve":{VERSION}}}\n').encode()


def _piece_text(piece: CurvePiece, network: str) -> str:
    proof = "null"
    if piece.proof is not None:
        proof = certificate_bytes(piece.proof, network).decode().rstrip()
    points = ",".join(_texts(point) for point in piece.points)
    lower = "null" if piece.lower is None else _texts(piece.lower)
    return (
        f'{{"all":{json.dumps(piece.for_all)},"first":"{format_rational(piece.first)}",'
        f'"goal":{piece.goal},"last":"{format_rational(piece.last)}","lower":{lower},'
        f'"points":[{points}],"proof":{proof},"upper":{_texts(piece.upper)}}}'
    )


def _texts(numbers: Sequence[Fraction]) -> str:
    return json.dumps([format_rational(q) for q in numbers], separators=(",", ":"))


def parse_curve(data: bytes, network: str) -> MarginCurve:
    """The evidence that `data` holds. Raises RefusedError, naming the flaw, for anything else."""
    value, _ = read_json(data)
    if not isinstance(value, dict) or "robmem_curve" not in value:
        raise RefusedError("another verdict", "no evidence about margins on balls of all radii")
    version = value["robmem_curve"]
    if type(version) is not int or version != VERSION:
        raise RefusedError("version", f"curve version {str(version)[:40]!r}, not {VERSION}")
    check_fields(value, ("network", "pieces", "robmem_curve"))
    if value["network"] != network:
        raise RefusedError(
            "another network", f"evidence for {str(value['network'])[:70]}, network is {network}"
        )
    pieces = list_in(value["pieces"], "the pieces")
    curve = MarginCurve(tuple(_piece_in(piece, network) for piece in pieces))
    if curve_bytes(curve, network) != data:
        raise RefusedError("not canonical", "the evidence is not written as this program does")
    return curve


def _piece_in(value: Any, network: str) -> CurvePiece:
    check_fields(value, _FIELDS)
    proof = part_in(value["proof"], network)
    if not isinstance(proof, Robust | None):
        raise RefusedError("another verdict", "the proof of a piece is none")
    start, end = (_numbers_in(p) for p in list_in(value["points"], "the points of a piece", 2))
    return CurvePiece(
        _number_in(value["first"]), _number_in(value["last"]),
        None if value["lower"] is None else _line_in(value["lower"]),
        proof, truth_in(value["all"]), _line_in(value["upper"]), (start, end),
        index_in(value["goal"]),
    )  # fmt: skip


def _line_in(value: Any) -> Line:
    first, last = _numbers_in(list_in(value, "a line", 2))
    return first, last


def _numbers_in(value: Any) -> tuple[Fraction, ...]:
    return tuple(map(_number_in, list_in(value, "numbers")))


def _number_in(value: Any) -> Fraction:
    return canonical_rational(text_in(value, "the text of a number"))
