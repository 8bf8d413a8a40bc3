"""One question with its answer in one file, for proofs that belong to no run.

Two lines of JSON, packed (see `packed.py`) if the name ends in .gz:

    {"robmem_proof": 1, "network": sha256, "content": base64?, "region": {..}, "goals": [goal ..]}
    the certificate, as `certificate.py` writes it

    region  {"norm": "inf" | "1" | "2", "lower": [q ..], "upper": [q ..]}, for the norms 1 and 2 and
            every open ball "center": [q ..], "size": q (the radius; its square for norm 2),
            "clipped": bool, and for an open ball "open": true
    goal    {"rival": text, "atoms": [{"inputs": [[k, q] ..], "outputs": [[j, q] ..],
                                       "constant": q, "strict": bool} ..]}

A proof about a family has the region {"norm": .., "center": [q ..], "unit": q, "first": q,
"last": q, "open": bool} of a `Cone`, and goals over its inputs and the parameter, the last input.

A pair has a third line: a point after the proof. On an open ball it is an exact radius, see
`exact_radius.py`, and the point is a flip on the sphere; on a closed region it is an exact maximum,
see `exact_maximum.py`, and at the point all atoms of a goal are >= 0.

"content" holds the native network file; without it the network must be given to the reader.

"semantics": "float32" or "float64" says that the claim is about the network as executed in that
format (`question/executed.py`): the file states the question about reals that the user asked, and
the certificate, under the digest of that network, is one of the wider question that the checker
builds from it.

The file states its own question. Whoever reads it must look at that question, or give the one that
was meant: `load_proof(path, query=...)` refuses a proof of anything else.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

from verifier.evidence.certificate import (
    Flip,
    Maximum,
    Radius,
    Robust,
    certificate_bytes,
    parse_certificate,
)
from verifier.evidence.fields import check_fields, list_in, text_in, truth_in
from verifier.evidence.files import write_bytes
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.evidence.packed import pack, read_bytes
from verifier.evidence.strict_json import canonical_rational, parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import Format, Semantics
from verifier.question.family import Cone, FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import format_rational
from verifier.question.region import Region

Claim = Robust | Flip | Radius | Maximum
VERSION = 1
_REGION = ("norm", "lower", "upper")
_BALL = ("center", "size", "clipped")
_CONE = ("norm", "center", "unit", "first", "last", "open")


@dataclass(frozen=True, slots=True)
class Proof:
    """`verdict` is claimed of `query`; nothing is checked yet.

    If `semantics` is not real, it is claimed of the network of `query` as executed in that format,
    and a certificate of `executed(query, semantics)`.
    """

    query: Query
    verdict: Claim
    semantics: Semantics = "real"


@dataclass(frozen=True, slots=True)
class FamilyProof:
    """The same about a family."""

    query: FamilyQuery
    verdict: Robust


def save_proof(
    path: Path | str,
    query: Query | FamilyQuery,
    verdict: Claim,
    *,
    with_network: bool = True,
    semantics: Semantics = "real",
) -> None:
    """Writes the proof to `path`; the same proof gives the same bytes, packed if it ends in .gz.

    `semantics` as in `Proof`.
    """
    data = proof_bytes(query, verdict, with_network=with_network, semantics=semantics)
    write_bytes(path, pack(data) if str(path).endswith(".gz") else data)


def load_proof(
    path: Path | str,
    *,
    network: Network | None = None,
    query: Query | None = None,
    semantics: Semantics | None = "real",
) -> Proof:
    """The proof that the file at `path` holds, of `query` if that is given; not of a family.

    It is about this arithmetic, any if None. Raises UserError, naming the file, if it cannot be
    read or needs `network`; RefusedError, naming the flaw, if it is malformed or about another
    network, question or arithmetic.
    """
    found = load_claim(path, network=network, query=query, semantics=semantics)
    return _ordinary(found, f"{path}: ")


def load_family_proof(
    path: Path | str, *, network: Network | None = None, query: FamilyQuery | None = None
) -> FamilyProof:
    """The same about a family."""
    found = load_claim(path, network=network, query=query)
    if isinstance(found, Proof):
        raise UserError(f"{path}: a proof of one question, not of a family")
    return found


def load_claim(
    path: Path | str,
    *,
    network: Network | None = None,
    query: Query | FamilyQuery | None = None,
    semantics: Semantics | None = "real",
) -> Proof | FamilyProof:
    """The proof that the file holds, whichever of the two it is; raises as `load_proof`."""
    data = read_bytes(path)
    try:
        return parse_claim(data, network=network, query=query, semantics=semantics)
    except RefusedError as error:
        raise RefusedError(error.flaw, f"{path}: {error.detail}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _ordinary(found: Proof | FamilyProof, place: str = "") -> Proof:
    if isinstance(found, FamilyProof):
        raise UserError(f"{place}a proof about a family: robmem check FILE reads it")
    return found


def network_digest(path: Path | str) -> str:
    """The digest of the network that the proof file says it is about; nothing is checked.

    Raises UserError if it cannot be read, and RefusedError if it is malformed.
    """
    digest = _head_of(path).get("network")
    if not isinstance(digest, str):
        raise RefusedError("malformed", f"{path}: a proof names its network")
    return digest


def semantics_in(path: Path | str) -> Semantics:
    """The arithmetic that the proof file says it is about; raises as `network_digest`."""
    return _semantics_in(_head_of(path))


def _head_of(path: Path | str) -> dict[str, Any]:
    head = parse_json(read_bytes(path).partition(b"\n")[0])
    return head if isinstance(head, dict) else {}


def proof_bytes(
    query: Query | FamilyQuery,
    verdict: Claim,
    *,
    with_network: bool = True,
    semantics: Semantics = "real",
) -> bytes:
    """The lines of a proof file; see `save_proof`."""
    head: dict[str, Any] = {"robmem_proof": VERSION, "network": query.network.digest}
    if with_network:
        head["content"] = base64.b64encode(network_bytes(query.network)).decode("ascii")
    region = _cone_out(query.cone) if isinstance(query, FamilyQuery) else _region_out(query.region)
    head |= {"region": region, "goals": [_goal_out(g) for g in query.goals]}
    if semantics != "real":
        head["semantics"] = semantics
    text = json.dumps(head, separators=(",", ":"))
    parts: tuple[Robust | Flip, ...]
    if isinstance(verdict, Radius):
        parts = (verdict.proof, verdict.flip)
    elif isinstance(verdict, Maximum):
        parts = (verdict.proof, verdict.point)
    else:
        parts = (verdict,)
    lines = [certificate_bytes(part, query.network.digest) for part in parts]
    return text.encode() + b"\n" + b"".join(lines)


def parse_proof(
    data: bytes, *, network: Network | None = None, query: Query | None = None
) -> Proof:
    """The proof that these bytes hold; raises as `load_proof`."""
    return _ordinary(parse_claim(data, network=network, query=query))


def parse_claim(
    data: bytes,
    *,
    network: Network | None = None,
    query: Query | FamilyQuery | None = None,
    semantics: Semantics | None = "real",
) -> Proof | FamilyProof:
    """The proof that these bytes hold, of one question or of a family; raises as `load_proof`."""
    first, newline, rest = data.partition(b"\n")
    if not newline:
        raise RefusedError("malformed", "a proof file has two lines")
    second, _, third = rest.partition(b"\n")
    head = parse_json(first)
    if not isinstance(head, dict):
        raise RefusedError("malformed", "a proof begins with a JSON object")
    if type(head.get("robmem_proof")) is not int or head["robmem_proof"] != VERSION:
        raise RefusedError("version", f"proof version {head.get('robmem_proof')!r}, not {VERSION}")
    check_fields(head, ("robmem_proof", "network", "region", "goals"), ("content", "semantics"))
    of = _semantics_in(head)
    if semantics is not None and of != semantics:
        raise RefusedError("semantics", f"about {_ARITHMETIC[of]}, not {_ARITHMETIC[semantics]}")
    about = query.network if query is not None else network
    if about is None:
        about = _network_in(head)
    if head["network"] != about.digest:
        raise RefusedError(
            "another network", f"proof for {head['network']}, network is {about.digest}"
        )
    try:
        goals = tuple(_goal_in(goal) for goal in list_in(head["goals"], "goals"))
        stated: Query | FamilyQuery
        if isinstance(head["region"], dict) and "unit" in head["region"]:
            stated = FamilyQuery(about, _cone_in(head["region"]), goals)
        else:
            stated = Query(about, _region_in(head["region"]), goals)
    except RefusedError:
        raise
    except UserError as error:
        raise RefusedError("malformed", str(error)) from None
    if query is not None:
        if _shape(stated) != _shape(query):
            raise RefusedError("another question", "the region differs from the one asked about")
        if stated.goals != query.goals:
            raise RefusedError("another question", "the goals differ from those asked about")
    verdict: Claim = parse_certificate(second, about.digest)
    if third:
        if isinstance(stated, FamilyQuery):
            raise RefusedError("malformed", "three lines about a family")
        flip = parse_certificate(third, about.digest)
        if not isinstance(verdict, Robust) or not isinstance(flip, Flip):
            raise RefusedError("malformed", "three lines are of a proof and then a flip")
        verdict = Radius(verdict, flip) if stated.region.open else Maximum(verdict, flip)
    if of != "real" and (isinstance(stated, FamilyQuery) or not isinstance(verdict, Robust | Flip)):
        raise RefusedError("semantics", "families and exact extremes are of real numbers")
    if isinstance(stated, Query):
        return Proof(stated, verdict, of)
    if not isinstance(verdict, Robust):
        raise RefusedError("another verdict", "a family is shown by a proof")
    return FamilyProof(stated, verdict)


_ARITHMETIC = {
    "real": "real numbers",
    **{of: f"the network as executed in {of}" for of in get_args(Format)},
}


def _semantics_in(head: dict[str, Any]) -> Semantics:
    found: Any = head.get("semantics", "real")
    if "semantics" in head and found not in get_args(Format):
        raise RefusedError("semantics", f"{str(found)[:40]!r} is neither float32 nor float64")
    semantics: Semantics = found
    return semantics


def _shape(query: Query | FamilyQuery) -> Region | Cone:
    return query.region if isinstance(query, Query) else query.cone


def _network_in(head: dict[str, Any]) -> Network:
    if "content" not in head:
        raise UserError(f"the proof does not hold its network, {head['network']}; give it as well")
    try:
        content = base64.b64decode(text_in(head["content"]), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("malformed", "the network is not base64") from None
    try:
        return parse_network(content)
    except RefusedError:
        raise
    except UserError as error:
        raise RefusedError("network altered", str(error)) from None


def _region_out(region: Region) -> dict[str, Any]:
    text: dict[str, Any] = {
        "norm": region.norm,
        "lower": [format_rational(x) for x in region.lower],
        "upper": [format_rational(x) for x in region.upper],
    }
    if region.norm != "inf" or region.open:
        text |= {
            "center": [format_rational(x) for x in region.center],
            "size": format_rational(region.size),
            "clipped": region.clipped,
        }
    if region.open:
        text["open"] = True
    return text


def _region_in(value: Any) -> Region:
    is_open = isinstance(value, dict) and "open" in value
    on_ball = is_open or (isinstance(value, dict) and value.get("norm") != "inf")
    check_fields(value, _REGION + (_BALL if on_ball else ()), ("open",))
    if is_open and value["open"] is not True:
        raise RefusedError("malformed", f"open is {str(value['open'])[:40]!r}, not true")
    lower, upper = (tuple(_rational(x) for x in list_in(value[k], k)) for k in ("lower", "upper"))
    if not on_ball:
        return Region("inf", lower, upper)
    center = tuple(_rational(x) for x in list_in(value["center"], "center"))
    size, clipped = _rational(value["size"]), truth_in(value["clipped"])
    return Region(value["norm"], lower, upper, center, size, clipped, is_open)


def _cone_out(cone: Cone) -> dict[str, Any]:
    numbers = {name: format_rational(getattr(cone, name)) for name in ("unit", "first", "last")}
    center = [format_rational(x) for x in cone.center]
    return {"norm": cone.norm, "center": center, **numbers, "open": cone.open}


def _cone_in(value: Any) -> Cone:
    check_fields(value, _CONE)
    center = tuple(_rational(x) for x in list_in(value["center"], "center"))
    unit, first, last = (_rational(value[name]) for name in ("unit", "first", "last"))
    return Cone(value["norm"], center, unit, first, last, truth_in(value["open"]))


def _goal_out(goal: Goal) -> dict[str, Any]:
    return {
        "rival": goal.rival,
        "atoms": [
            {
                "inputs": [[k, format_rational(q)] for k, q in atom.inputs],
                "outputs": [[j, format_rational(q)] for j, q in atom.outputs],
                "constant": format_rational(atom.constant),
                "strict": atom.strict,
            }
            for atom in goal.atoms
        ],
    }


def _goal_in(value: Any) -> Goal:
    check_fields(value, ("rival", "atoms"))
    return Goal(
        tuple(_atom_in(atom) for atom in list_in(value["atoms"], "atoms")), text_in(value["rival"])
    )


def _atom_in(value: Any) -> Atom:
    check_fields(value, ("inputs", "outputs", "constant", "strict"))
    return Atom(
        _terms(value["inputs"]),
        _terms(value["outputs"]),
        _rational(value["constant"]),
        truth_in(value["strict"]),
    )


def _terms(value: Any) -> tuple[tuple[int, Fraction], ...]:
    terms = []
    for pair in list_in(value, "a linear form"):
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) is not int:
            raise RefusedError("malformed", "a term is a list of an index and a number")
        terms.append((pair[0], _rational(pair[1])))
    return tuple(terms)


def _rational(value: Any) -> Fraction:
    return canonical_rational(text_in(value))
