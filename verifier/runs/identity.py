"""What a run is about, as texts and numbers that must stay the same for it to be continued."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.checker.manifest import Manifest, Question, built_in
from verifier.question.built import Built
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyTerms
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.question.printable import ranges_text
from verifier.question.rational import format_rational, parse_rational
from verifier.runs.store import Identity, RunRow
from verifier.search.options import Options

THEOREM = "theorem"  # what the facts of a run call it
REPLAYED = "replayed"  # by the proved kernel: the root of what it has replayed
LIMITS = ("timeout", "nodes")  # of the options: they may change when samples are tried again


def short_hash(identity: Identity) -> str:
    """Eight hexadecimal digits that differ for runs that ask something else.

    Limits of time and size do not enter: a run may be tried again with others.
    """
    options = {key: value for key, value in identity.options.items() if key not in LIMITS}
    text = json.dumps(asdict(replace(identity, options=options)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def identity_of(
    network: Network, data: str, question: Question, options: Options, samples: Sequence[int]
) -> Identity:
    """What must stay the same for a run to be continued."""
    return Identity(
        network.digest, data, question_text(question), options_text(options), tuple(samples)
    )


def options_text(options: Options) -> dict[str, Any]:
    """The options in texts and numbers; what earlier versions did not have stands there where it is
    asked for alone, and how many processes share a question, which changes no answer, never."""
    texts = asdict(options)
    del texts["jobs"]
    if not options.thorough:
        del texts["thorough"]
    return texts


def question_text(question: Question) -> dict[str, Any]:
    """The question in texts; `question_from` reads it."""
    family = question.family
    terms: dict[str, Any] = {}
    if family is not None:
        terms["family"] = {
            "denominator": [format_rational(q) for q in family.denominator],
            "unit": format_rational(family.unit),
            "first": format_rational(family.first),
            "last": format_rational(family.last),
            "open": family.open,
        }
    if question.distance is not None:
        terms["distance"] = {
            "within": _text(question.distance.within),
            "max": _text(question.distance.most),
        }
    if question.margin is not None:
        terms["margin"] = {"within": _text(question.margin.within)}
        terms["margin"] |= {"curve": True} if question.margin.curve else {}
    if question.semantics != "real":
        terms["semantics"] = question.semantics
    return terms | {
        "norm": question.norm,
        "radius": _text(question.radius),
        "radius_squared": _text(question.radius_squared),
        "clip": None if question.clip is None else [format_rational(x) for x in question.clip],
        "decoder": question.decoder,
    }


def question_from(text: dict[str, Any]) -> Question:
    """The question that `question_text` wrote; raises RefusedError if it is another text."""
    try:
        return _question_from(text)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        detail = " ".join(str(error).split())[:80]
        raise RefusedError("question altered", f"it is not one of this program: {detail}") from None


def theorem_of(about: Mapping[str, Any]) -> Built | None:
    """Of which theorem's network the facts of a run say that it is; a claim.

    Raises RefusedError if they are malformed.
    """
    return built_in(about[THEOREM]) if THEOREM in about else None


def replayed_by_proved(about: Mapping[str, Any], plain: Manifest) -> bool:
    """Whether the facts of a run say that the proved kernel has replayed all certificates of this
    manifest, which names neither that nor a theorem; a record."""
    return about.get(REPLAYED) == plain.root


def _question_from(text: dict[str, Any]) -> Question:
    clip = None if text["clip"] is None else [parse_rational(x) for x in text["clip"]]
    return Question(
        text["norm"],
        text["decoder"],
        None if text["radius"] is None else parse_rational(text["radius"]),
        None if text["radius_squared"] is None else parse_rational(text["radius_squared"]),
        None if clip is None else (clip[0], clip[1]),
        _family_from(text["family"]) if "family" in text else None,
        text.get("semantics", "real"),
        _distance_from(text["distance"]) if "distance" in text else None,
        _margin_from(text["margin"]) if "margin" in text else None,
    )


def _family_from(text: dict[str, Any]) -> FamilyTerms:
    zero, slope = map(parse_rational, text["denominator"])
    unit, first, last = (parse_rational(text[name]) for name in ("unit", "first", "last"))
    if type(text["open"]) is not bool:
        raise TypeError("open is neither true nor false")
    return FamilyTerms((zero, slope), unit, first, last, text["open"])


def _distance_from(text: dict[str, Any]) -> DistanceTerms:
    within, most = (
        None if text[name] is None else parse_rational(text[name]) for name in ("within", "max")
    )
    return DistanceTerms(within, most)


def _margin_from(text: dict[str, Any]) -> MarginTerms:
    within, curve = text["within"], text.get("curve", False)
    if type(curve) is not bool:
        raise TypeError("curve is neither true nor false")
    return MarginTerms(None if within is None else parse_rational(within), curve)


def _text(value: Fraction | None) -> str | None:
    return None if value is None else format_rational(value)


def require_same_run(
    path: Path, row: RunRow, identity: Identity, samples: Sequence[int], change_limits: bool
) -> None:
    """Returns if the stored run asks the same; raises UserError, naming what differs."""
    was, now = ({"semantics": "real"} | text for text in (row.question, identity.question))
    sides: list[tuple[str, Any, Any]] = [
        ("network", row.network, identity.network),
        ("data", row.data, identity.data),
        *((key, was.get(key), now.get(key)) for key in now | was),
        *((key, row.options.get(key), value) for key, value in identity.options.items()
          if not (change_limits and key in LIMITS)),
        ("samples", ranges_text(samples, 20), ranges_text(identity.samples, 20)),
    ]  # fmt: skip
    for what, stored, asked in sides:
        if stored != asked:
            if what in ("network", "data"):
                stored, asked = f"{stored[:8]}.. ({_name(row, what)})", f"{asked[:8]}.."
            way = "--new starts another run"
            if what in LIMITS:
                way = f"--retry undecided tries again with it, {way}"
            raise UserError(
                f"{path}: this run has {what} {_shown(stored)}, now asked is {_shown(asked)}; {way}"
            )


def _name(row: RunRow, what: str) -> str:
    """What the run calls its network or its data."""
    found = row.about.get("data") if what == "data" else row.about.get("network_file")
    return str(found or row.about.get("construction") or "no name is stored")


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
