"""A whole data set: what a run claims of every sample, and how the claim is checked.

    {"robmem_manifest": 1,
     "network": sha256,                         the digest of the network
     "data": sha256,                            the digest of the data set, of which there are
     "size": N,                                 N samples
     "question": {"norm": "inf" | "1" | "2" .., "radius": q or "radius_squared": q,
                  "clip": [low, high] | null, "decoder": text,
                  "semantics": "float32" | "float64", which is absent of real arithmetic}
                 or of distances {"norm": .., "distance": {"within": q | null, "max": q | null},
                  "clip": .., "decoder": ..},
                 or of least margins those about one ball, with "margin": {"within": q | null},
                  or about the balls of all radii up to it, with {"within": null, "curve": true},
     "theorem": {"construction": name, "power": q, "parameter": q},
                                                which is absent of proofs alone
     "replayed": ["proved kernel"],             which is absent if the checker alone replayed them
     "results": [[sample, "robust" | "flip" | "distance" | "margin" | "undecided",
                  sha256 of the certificate | null] ..],
     "root": sha256 of all that stands before}

The samples increase, so each stands there once. The hash of a certificate is that of its text, so
the root does not depend on how files are compressed; it is the name of the claim and its proofs.

Two ways lead to the claim, and the manifest says which were taken. With certificates, ball by ball.
By a theorem: the network is the one that `question.built` names, whose theorem is proved for all
data sets; then there may be no results, and the claim is about every sample. What is checked then,
without any certificate, is in `theorems.py`.

`replayed` records that, before the manifest was sealed, the program extracted from Coq had accepted
every certificate as well. It is a record: whoever wants to know lets it replay them (`proved.py`).

The checker rebuilds sample i's question from the question above, the network and the points, and
believes nothing else: see `sample_query`. A certificate brings its proof alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any, Literal, get_args

from verifier.checker.checked import Asked, Checked, Checker, Verdict
from verifier.checker.curves import check_curve
from verifier.checker.distances import Balls, check_distance
from verifier.checker.intervals import chunks
from verifier.checker.margins import check_margin
from verifier.checker.scaled import common_denominator
from verifier.evidence.certificate import Flip, Robust, parse_certificate
from verifier.evidence.curve import MarginCurve, parse_curve
from verifier.evidence.data_file import Points
from verifier.evidence.distance import Distance, parse_distance
from verifier.evidence.fields import check_fields, list_in, text_in
from verifier.evidence.margin import Margin, parse_margin
from verifier.evidence.strict_json import parse_json
from verifier.question.built import Built
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import (
    Format,
    Semantics,
    denominator_of_errors,
    executable,
    executed,
    rounded,
)
from verifier.question.family import FamilyQuery, FamilyTerms, family_goals
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.question.query import DECODERS, Goal, Query, label_goals
from verifier.question.rational import format_rational, parse_rational
from verifier.question.region import Norm, Region, ball, ball_of_size, power

VERSION = 1
Kind = Literal["robust", "flip", "distance", "margin", "undecided"]
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Question:
    """Does the decoder read sample i's label on all of the closed ball of this radius around it?

    Exactly one of `radius` and, for norm 2, `radius_squared` is given. The ball is intersected
    with the box clip[0] <= x_k <= clip[1] if `clip` is given.

    `semantics` other than real: on all inputs of the format there, by every execution, see
    `question.executed`. The sample is then read as the format holds it, each entry rounded.

    With `distance` there is no radius, and the question is how far the nearest flip is. With
    `margin` it is how small the margin becomes on the ball.
    """

    norm: Norm
    decoder: str
    radius: Fraction | None = None
    radius_squared: Fraction | None = None
    clip: tuple[Fraction, Fraction] | None = None
    family: FamilyTerms | None = None
    semantics: Semantics = "real"
    distance: DistanceTerms | None = None
    margin: MarginTerms | None = None

    def __post_init__(self) -> None:
        if self.semantics not in get_args(Semantics):
            known = ", ".join(get_args(Semantics))
            raise UserError(f"semantics {str(self.semantics)[:40]!r} is not one of {known}")
        if self.decoder not in DECODERS:
            raise UserError(f"decoder {self.decoder!r} is not one of {', '.join(DECODERS)}")
        exponent = power(self.norm)
        if exponent > 2 and (self.distance is not None or self.margin is not None):
            raise UserError(f"norm {self.norm}: distances and least margins are of inf, 1 and 2")
        if self.clip is not None and self.clip[0] > self.clip[1]:
            low, high = map(format_rational, self.clip)
            raise UserError(f"clip: {low} is above {high}")
        if self.margin is not None:
            self._require_margins()
        if self.distance is not None:
            if (self.radius, self.radius_squared, self.family) != (None, None, None):
                raise UserError("a question about distances has no radius and no family")
            if self.semantics != "real":
                raise UserError(f"distances are about exact arithmetic, not {self.semantics}")
            return
        if self.family is not None:
            if (self.radius, self.radius_squared, self.clip) != (None, None, None):
                raise UserError("a family has no radius and no clip: its balls are those of m")
            if self.semantics != "real":
                raise UserError(f"a family is about exact arithmetic, not {self.semantics}")
            return
        self.region((Fraction(0),) if self.clip is None else self.clip[:1])  # checks the radius

    def _require_margins(self) -> None:
        if self.distance is not None or self.family is not None:
            raise UserError("a question about margins is about one ball")
        if self.semantics != "real":
            raise UserError(f"margins are about exact arithmetic, not {self.semantics}")
        if self.decoder == "value":
            raise UserError("decoder value: an output that equals its label has no margin")
        if self.margin is not None and self.margin.curve:
            if self.norm == "2":
                raise UserError(
                    f"norm {self.norm}: the least margin is not piecewise linear in the radius"
                )
            if self.clip is not None:
                raise UserError("margins on the balls of all radii do not go with a clip")
            if not self.radius:
                raise UserError("margins on the balls of all radii: the last is not positive")
        if self.norm == "2" and self.margin is not None and self.margin.within is None:
            raise UserError("on an L2 ball the worst margin may be irrational: give within")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What can be claimed of a sample that is asked this."""
        if self.measured is not None:
            return self.measured, "undecided"
        return "robust", "flip", "undecided"

    def within(self, center: Sequence[Fraction]) -> bool:
        """Whether the center lies where inputs are clipped to, so that its ball holds it."""
        return self.clip is None or all(self.clip[0] <= x <= self.clip[1] for x in center)

    @property
    def measured(self) -> Literal["distance", "margin"] | None:
        """What an interval is asked for; None where it is a verdict."""
        if self.distance is not None:
            return "distance"
        return None if self.margin is None else "margin"

    def region(self, center: Sequence[Fraction]) -> Region:
        """The ball around `center`; UserError for a family, which has one for every m."""
        if self.family is not None:
            raise UserError("a question about every budget has no single ball")
        if self.distance is not None:
            raise UserError("a question about distances has no single ball")
        squared = self.radius_squared
        return ball(self.norm, center, self.radius, radius_squared=squared, clip=self.clip)

    @property
    def denominator(self) -> int:
        """A number of which the entries of every region are multiples, with those of its center."""
        if self.family is not None:
            ends = self.family.cone(self.norm, (Fraction(0),)).ends
            return common_denominator([side for end in ends for side in (end.lower, end.upper)])
        if self.distance is not None:
            return 1  # of balls of all sizes; each is checked by itself
        origin = Question(self.norm, self.decoder, self.radius, self.radius_squared)
        box = origin.region((Fraction(0),))
        own = common_denominator([box.lower, box.upper, self.clip or ()])
        return own if self.semantics == "real" else lcm(own, denominator_of_errors(self.semantics))

    def center(self, point: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """The sample as the network reads it: as executed each entry rounded to the format; the
        network of a family reads m as well, the first one."""
        if self.family is not None:
            return (*point, self.family.first)
        if self.semantics == "real":
            return tuple(point)
        return tuple(rounded(x, self.semantics) for x in point)

    def __str__(self) -> str:
        if self.family is not None:
            zero, slope = self.family.denominator
            unit = format_rational(self.family.unit)
            p = power(self.norm)
            root = f"sqrt({unit})" if p == 2 else f"{unit}^(1/{p})"
            size = "m" if unit == "1" else f"{unit} m" if p == 1 else f"m {root}"
            sign, part = "-" if slope < 0 else "+", format_rational(abs(slope))
            below = f" / ({format_rational(zero)} {sign} {part} m)" if slope else ""
            if zero != 1 and not slope:
                below = f" / {format_rational(zero)}"
            return (
                f"the L{self.norm} ball of radius {size} for {self.family}, read by "
                f"G(., m){below}, decoder {self.decoder}"
            )
        if self.distance is not None:
            low_high = "" if self.clip is None else "..".join(map(format_rational, self.clip))
            clipped = f", clipped to {low_high}" if low_high else ""
            return (
                f"the L{self.norm} distance to the nearest flip{self.distance}{clipped}, decoder "
                f"{self.decoder}"
            )
        size = (
            f"radius {format_rational(self.radius)}"
            if self.radius is not None
            else f"squared radius {format_rational(self.radius_squared or 0)}"
        )
        clip = (
            ""
            if self.clip is None
            else f", clipped to {'..'.join(map(format_rational, self.clip))}"
        )
        executed = "" if self.semantics == "real" else f", as executed in {self.semantics}"
        balls = f"{'L' + self.norm} balls of {size}{clip}, decoder {self.decoder}{executed}"
        if self.margin is not None and self.margin.curve:
            balls = balls.replace("balls of radius", "balls of every radius up to")
        return balls if self.margin is None else f"the least margin{self.margin} on {balls}"


@dataclass(frozen=True, slots=True)
class Result:
    """What is claimed of `sample`; `certificate` is the SHA-256 of its text, None if undecided."""

    sample: int
    kind: Kind
    certificate: str | None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UserError(f"sample {self.sample}: {str(self.kind)[:40]!r} is no verdict")
        if (self.certificate is None) != (self.kind == "undecided"):
            raise UserError(
                f"sample {self.sample}: {self.kind} and a certificate do not go together"
            )


def require_kinds(question: Question, results: Sequence[Result]) -> None:
    """Returns if all of these are what can be claimed where this is asked; raises RefusedError."""
    asked = question.kinds
    for result in results:
        if result.kind not in asked:
            raise RefusedError(
                "another verdict",
                f"sample {result.sample}: a {result.kind}, where {' or '.join(asked)} is asked",
            )


@dataclass(frozen=True, eq=False)
class Manifest:
    """The results of a run: the samples increase and lie in 0 .. size-1. With a `theorem` there may
    be none: then every sample is certified by it."""

    network: str
    data: str
    size: int
    question: Question
    results: tuple[Result, ...]
    theorem: Built | None = None
    proved: bool = False
    """Whether the proved kernel, too, has replayed all certificates: a record."""

    def __post_init__(self) -> None:
        if self.proved and all(result.certificate is None for result in self.results):
            raise UserError("a manifest without certificates: none of them was replayed")
        if self.theorem is not None and self.question.measured is not None:
            raise UserError(f"a theorem is about labels, not about a {self.question.measured}")
        if not self.results:
            if self.theorem is not None:
                return
            raise UserError("a manifest without results would hold of everything")
        require_kinds(self.question, self.results)
        samples = [result.sample for result in self.results]
        for a, b in pairwise(samples):
            if a >= b:
                raise UserError(f"sample {b} stands after sample {a}: each is due once, in order")
        if samples[0] < 0 or samples[-1] >= self.size:
            raise UserError(f"samples {samples[0]}..{samples[-1]} of {self.size}")

    @property
    def complete(self) -> bool:
        """Whether every sample of the data set is among the results."""
        return len(self.results) == self.size

    @property
    def claim(self) -> str:
        """What is claimed, in a sentence."""
        if self.theorem is None:
            return claim_text(self.question, self.size, self.counts)
        by = f"by the theorem about {self.theorem.construction}"
        if not self.results:
            return f"{every_claim(self.question, self.size)}, {by}"
        return f"{claim_text(self.question, self.size, self.counts)}; all do {by}"

    @cached_property
    def counts(self) -> dict[Kind, int]:
        """How many samples are robust, flips, undecided; or measured, where distances are asked."""
        counted = Counter(result.kind for result in self.results)
        return {kind: counted[kind] for kind in self.question.kinds}

    @cached_property
    def root(self) -> str:
        """One hash of network, data, question, verdicts and proofs."""
        return hashlib.sha256(_claim_bytes(self)).hexdigest()


def every_claim(question: Question, size: int) -> str:
    """That every sample of a data set keeps its label."""
    return f"all {size} samples keep their label on {question}"


def claim_text(question: Question, size: int, counts: Mapping[Kind, int], recorded: int = 0) -> str:
    """What these counts say of a data set of `size` samples, in a sentence; of `recorded` samples
    more there is an answer that was not replayed."""
    total = sum(counts.values()) + recorded
    of = "samples" if total == size else f"samples asked about, of {size},"
    if question.measured is not None:
        count = counts.get(question.measured, 0)
        found = f"all {total}" if count == total else f"{count} of {total}"
        without = f", {counts['undecided']} undecided" if counts["undecided"] else ""
        without += f", {recorded} recorded, not replayed here" if recorded else ""
        return f"an interval for {question}, is shown for {found} {of.rstrip(',')}{without}"
    if counts["robust"] == total:
        return f"all {total} {of} keep their label on {question}"
    parts = [f"{counts['robust']} of {total} {of} keep their label on {question}"]
    if counts["flip"]:
        parts.append(f"{counts['flip']} do not")
    if counts["undecided"]:
        parts.append(f"{counts['undecided']} undecided")
    if recorded:
        parts.append(f"{recorded} recorded, not replayed here")
    return ", ".join(parts)


def manifest_bytes(manifest: Manifest) -> bytes:
    """The text of the manifest; the same claims and proofs give the same bytes."""
    return _claim_bytes(manifest) + f',\n"root": "{manifest.root}"}}\n'.encode()


def parse_manifest(data: bytes) -> Manifest:
    """The manifest that `data` holds. Raises RefusedError, naming the flaw, for anything else."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise RefusedError("malformed", "a manifest is a JSON object")
    version = value.get("robmem_manifest")
    if type(version) is not int or version != VERSION:
        raise RefusedError("version", f"manifest version {str(version)[:40]!r}, not {VERSION}")
    required = ("robmem_manifest", "network", "data", "size", "question", "results", "root")
    check_fields(value, required, ("theorem", "replayed"))
    if type(value["size"]) is not int or not isinstance(value["results"], list):
        raise RefusedError("malformed", "size is not a number or results is not a list")
    try:
        manifest = Manifest(
            _hash_in(value["network"]),
            _hash_in(value["data"]),
            value["size"],
            _question_in(value["question"]),
            tuple(map(_result_in, value["results"])),
            built_in(value["theorem"]) if "theorem" in value else None,
            "replayed" in value,
        )
    except RefusedError:
        raise
    except UserError as error:
        raise RefusedError("malformed", str(error)) from None
    if value["root"] != manifest.root:
        raise RefusedError(
            "root", f"it says {str(value['root'])[:70]}, its content {manifest.root}"
        )
    if manifest_bytes(manifest) != data:
        raise RefusedError("not canonical", "the manifest is not written as this program does")
    return manifest


def sample_query(network: Network, points: Points, question: Question, sample: int) -> Query:
    """The question about one sample: its ball, and the goals of its label among all labels.

    The label set is that of the whole data set: -1, +1 for the decoder `sign`, else 0 .. C-1.
    As executed in a format it is the one of `question.executed`, about another network. Raises
    UserError for `sign` and other than two classes, and as executed where the sample in the format
    lies outside of its ball, or overflow is possible.
    """
    goals = sample_goals(network, points, question, sample)
    center = points.point(sample)
    try:
        region = question.region(center)
        if question.semantics != "real":
            if not region.contains(question.center(center)):
                raise UserError(
                    f"as {question.semantics} holds it, the sample lies outside of its ball; give "
                    "a larger radius, or data that are numbers of the format"
                )
            return executed(Query(network, region, goals), question.semantics)
    except UserError as error:
        raise UserError(f"sample {sample}: {error}") from None
    return Query(network, region, goals)


def require_real(question: Question, kernel: str) -> None:
    """Returns if the question is one that this kernel can be asked; raises UserError."""
    if question.semantics != "real":
        raise UserError(
            f"{kernel} knows real numbers alone, these questions are about the network as executed "
            f"in {question.semantics}; the checker replays them"
        )


def network_of(network: Network, question: Question) -> Network:
    """The network of the questions about the samples: as executed it has rounding errors as further
    inputs."""
    if question.semantics == "real":
        return network
    return executable(network, question.semantics).network


def sample_family(network: Network, points: Points, question: Question, sample: int) -> FamilyQuery:
    """The question about every ball of one sample, for a question about a family."""
    if question.family is None:
        raise UserError("a question about one budget is no family")
    goals = sample_goals(network, points, question, sample)
    goals = family_goals(goals, question.family.denominator, points.dimension)
    return FamilyQuery(network, question.family.cone(question.norm, points.point(sample)), goals)


def sample_balls(network: Network, points: Points, question: Question, sample: int) -> Balls:
    """For a question about distances: the question about the ball of a size around the sample, its
    radius, for norm 2 the square of that; the closed ball, or the open one."""
    if question.distance is None:
        raise UserError("a question about one ball is none about distances")
    goals = sample_goals(network, points, question, sample)
    center, norm, clip = points.point(sample), question.norm, question.clip

    def asked(size: Fraction, open: bool) -> Query:
        return Query(network, ball_of_size(norm, center, size, clip=clip, open=open), goals)

    return asked


def question_of(
    network: Network, points: Points, question: Question, sample: int
) -> Query | FamilyQuery:
    """The question about one sample, of one budget or of every one."""
    ask = sample_query if question.family is None else sample_family
    return ask(network, points, question, sample)


def sample_goals(
    network: Network, points: Points, question: Question, sample: int
) -> tuple[Goal, ...]:
    """The goals of the sample's label among all labels, as in `sample_query`."""
    if question.decoder == "sign" and points.classes != 2:
        raise UserError(f"sign: the data have {points.classes} classes, not 2")
    labels = (-1, 1) if question.decoder == "sign" else range(points.classes)
    return label_goals(question.decoder, int(points.labels[sample]), labels, network.outputs.count)


def check_inputs(manifest: Manifest, network: Network, points: Points) -> None:
    """Returns if the manifest is about this network and these points; raises RefusedError."""
    check_digests(manifest, network.digest, points)


def check_digests(manifest: Manifest, network: str, points: Points) -> None:
    """The same of the network with this digest."""
    if manifest.network != network:
        raise RefusedError(
            "another network", f"manifest for {manifest.network}, network is {network}"
        )
    if manifest.data != points.digest:
        raise RefusedError("other data", f"manifest for {manifest.data}, data are {points.digest}")
    if manifest.size != points.size:
        raise RefusedError(
            "other data", f"{manifest.size} samples claimed, there are {points.size}"
        )


def asked_of_run(data: str, question: Question, samples: Sequence[int]) -> list[Asked]:
    """What a run about the data of this digest asks about these samples, for `Checked`."""
    digest = hashlib.sha256(question_text(question).encode()).hexdigest()
    return [Asked(digest, data, sample) for sample in samples]


def check_results(
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
    checker: Checker,
) -> Iterator[Checked | RefusedError | None]:
    """For each result, in order: what its certificate shows, or the flaw; None if undecided.

    `fetch` gives the text of the certificate with a hash, or raises RefusedError. `checker` is one
    that serves the regions of the run, see `run_checker`.
    """
    for part in chunks(checker.scaled, len(results)):
        yield from _check_part(points, question, results[part], fetch, checker)


def _check_part(
    points: Points,
    question: Question,
    part: Sequence[Result],
    fetch: Callable[[str], bytes],
    checker: Checker,
) -> list[Checked | RefusedError | None]:
    """What `check_results` says of a few results; bounds and values are computed together."""
    named = [k for k, result in enumerate(part) if result.certificate is not None]
    asked = asked_of_run(points.digest, question, [part[k].sample for k in named])
    kinds: list[Verdict] = [verdict_of(part[k]) for k in named]

    def text_of(place: int) -> bytes:
        return text_of_result(part[named[place]], fetch)

    found: list[Checked | RefusedError | None] = [None] * len(part)
    numbers = [part[k].sample for k in named]
    if question.family is not None:
        families = [sample_family(checker.network, points, question, sample) for sample in numbers]
        answers = checker.families(families, kinds, text_of, asked)
    elif question.distance is not None:
        around = [sample_balls(checker.network, points, question, sample) for sample in numbers]
        answers = checker.distances(around, kinds, text_of, asked)
    elif question.margin is not None:
        balls = [sample_query(checker.network, points, question, sample) for sample in numbers]
        answers = checker.margins(balls, kinds, text_of, asked, curves=question.margin.curve)
    else:
        queries = [
            sample_query(checker.asked_about, points, question, sample) for sample in numbers
        ]
        answers = checker.check(queries, kinds, text_of, asked)
    for place, answer in answers:
        result = part[named[place]]
        if isinstance(answer, RefusedError):
            answer = RefusedError(answer.flaw, f"sample {result.sample}: {answer.detail}")
        found[named[place]] = answer
    return found


def verdict_of(result: Result) -> Verdict:
    """What is claimed of a sample, as the checker says it."""
    return "flip" if result.kind == "undecided" else result.kind


def replay_distance(
    network: Network,
    points: Points,
    question: Question,
    result: Result,
    fetch: Callable[[str], bytes],
    check: Callable[[Query, Robust | Flip], object],
) -> Distance:
    """What a manifest claims of a sample's distance, if `check`, such as a kernel, accepts both
    parts; raises RefusedError, naming the flaw."""
    try:
        found = parse_distance(text_of_result(result, fetch), network.digest)
        balls = sample_balls(network, points, question, result.sample)
        return check_distance(balls, found, check)
    except RefusedError as flaw:
        raise RefusedError(flaw.flaw, f"sample {result.sample}: {flaw.detail}") from None


def replay_margin(
    network: Network,
    points: Points,
    question: Question,
    result: Result,
    fetch: Callable[[str], bytes],
    check: Callable[[Query | FamilyQuery, Robust | Flip], object],
) -> Margin | MarginCurve:
    """The same of what is claimed of a sample's least margin, or of those on balls of all radii."""
    try:
        text = text_of_result(result, fetch)
        query = sample_query(network, points, question, result.sample)
        if question.margin is not None and question.margin.curve:
            return check_curve(query, parse_curve(text, network.digest), check)
        return check_margin(query, parse_margin(text, network.digest), check)
    except RefusedError as flaw:
        raise RefusedError(flaw.flaw, f"sample {result.sample}: {flaw.detail}") from None


def run_checker(network: Network, points: Points, question: Question) -> Checker:
    """A checker that serves the regions of all samples."""
    denominator = lcm(points.denominator, question.denominator)
    family = question.family is not None
    return Checker(network, denominator, question.semantics, family=family)


def claimed(result: Result, fetch: Callable[[str], bytes], network_digest: str) -> Robust | Flip:
    """The verdict in the certificate of a result, which must be of the kind that is claimed."""
    verdict = parse_certificate(text_of_result(result, fetch), network_digest)
    if (result.kind == "robust") != isinstance(verdict, Robust):
        raise RefusedError("another verdict", f"{result.kind} is claimed, the certificate differs")
    return verdict


def text_of_result(result: Result, fetch: Callable[[str], bytes]) -> bytes:
    """The certificate of a result; RefusedError if its hash is not the one that is claimed."""
    text = fetch(result.certificate or "")
    found = hashlib.sha256(text).hexdigest()
    if found != result.certificate:
        raise RefusedError(
            "certificate altered", f"its hash is {found}, the manifest says {result.certificate}"
        )
    return text


def question_text(question: Question) -> str:
    """The question as it stands in a manifest."""
    if question.family is not None:
        terms = question.family
        numbers = {"unit": terms.unit, "first": terms.first, "last": terms.last}
        family = {
            "denominator": [format_rational(q) for q in terms.denominator],
            **{name: format_rational(q) for name, q in numbers.items()},
            "open": terms.open,
        }
        return json.dumps({"norm": question.norm, "family": family, "decoder": question.decoder})
    clip = None if question.clip is None else [format_rational(x) for x in question.clip]
    if question.distance is not None:
        terms_of = {"within": question.distance.within, "max": question.distance.most}
        distance = {name: None if q is None else format_rational(q) for name, q in terms_of.items()}
        return json.dumps(
            {
                "norm": question.norm,
                "distance": distance,
                "clip": clip,
                "decoder": question.decoder,
            }
        )
    if question.radius is not None:
        size = {"radius": format_rational(question.radius)}
    else:
        size = {"radius_squared": format_rational(question.radius_squared or 0)}
    asked = {
        "norm": question.norm,
        **size,
        "clip": clip,
        "decoder": question.decoder,
    }
    if question.semantics != "real":
        asked["semantics"] = question.semantics
    if question.margin is not None:
        within = question.margin.within
        margin: dict[str, Any] = {"within": None if within is None else format_rational(within)}
        margin |= {"curve": True} if question.margin.curve else {}
        return json.dumps(asked | {"margin": margin})
    return json.dumps(asked)


def _claim_bytes(manifest: Manifest) -> bytes:
    results = ",\n".join(
        json.dumps([result.sample, result.kind, result.certificate]) for result in manifest.results
    )
    ways = ""
    if manifest.theorem is not None:
        ways = f'"theorem": {built_text(manifest.theorem)},\n'
    ways += '"replayed": ["proved kernel"],\n' if manifest.proved else ""
    return (
        f'{{"robmem_manifest": {VERSION},\n"network": "{manifest.network}",\n'
        f'"data": "{manifest.data}",\n"size": {manifest.size},\n'
        f'"question": {question_text(manifest.question)},\n{ways}"results": [\n{results}]'
    ).encode()


def built_text(built: Built) -> str:
    """What is claimed to have been built, as it stands in a manifest."""
    numbers = {"power": built.power, "parameter": built.parameter}
    texts = {name: format_rational(value) for name, value in numbers.items()}
    return json.dumps({"construction": built.construction, **texts})


def built_in(value: Any) -> Built:
    """The inverse of `built_text`, from its JSON; raises RefusedError."""
    check_fields(value, ("construction", "power", "parameter"))
    name = text_in(value["construction"], "the name of a construction")
    return Built(name, _rational_in(value["power"]), _rational_in(value["parameter"]))


def _family_in(value: Any) -> Question:
    check_fields(value, ("norm", "family", "decoder"))
    terms = value["family"]
    check_fields(terms, ("denominator", "unit", "first", "last", "open"))
    if type(value["norm"]) is not str or type(value["decoder"]) is not str:
        raise RefusedError("malformed", "norm and decoder are texts")
    if type(terms["open"]) is not bool:
        raise RefusedError("malformed", "open is neither true nor false")
    zero, slope = (_rational_in(q) for q in list_in(terms["denominator"], "denominator", 2))
    unit, first, last = (_rational_in(terms[name]) for name in ("unit", "first", "last"))
    family = FamilyTerms((zero, slope), unit, first, last, terms["open"])
    norm: Any = value["norm"]
    return Question(norm, value["decoder"], family=family)


def _question_in(value: Any) -> Question:
    if isinstance(value, dict) and "family" in value:
        return _family_in(value)
    if isinstance(value, dict) and "distance" in value:
        return _distance_in(value)
    squared = isinstance(value, dict) and "radius_squared" in value
    size = "radius_squared" if squared else "radius"
    executed = ("semantics",) if isinstance(value, dict) and "semantics" in value else ()
    margins = ("margin",) if isinstance(value, dict) and "margin" in value else ()
    check_fields(value, ("norm", size, "clip", "decoder", *executed, *margins))
    sides = _clip_in(value["clip"])
    if type(value["norm"]) is not str or type(value["decoder"]) is not str:
        raise RefusedError("malformed", "norm and decoder are texts")
    given = _rational_in(value[size])
    norm: Any = value["norm"]
    semantics: Any = value.get("semantics", "real")
    if executed and semantics not in get_args(Format):
        raise RefusedError("semantics", f"{str(semantics)[:40]!r} is neither float32 nor float64")
    radius, square = (None, given) if squared else (given, None)
    margin = _margin_in(value["margin"]) if margins else None
    return Question(
        norm, value["decoder"], radius, square, sides, semantics=semantics, margin=margin
    )


def _margin_in(terms: Any) -> MarginTerms:
    check_fields(terms, ("within",), ("curve",))
    if terms.get("curve", True) is not True:
        raise RefusedError("malformed", "curve is not true")
    within = None if terms["within"] is None else _rational_in(terms["within"])
    return MarginTerms(within, "curve" in terms)


def _clip_in(clip: Any) -> tuple[Fraction, Fraction] | None:
    if clip is not None and (not isinstance(clip, list) or len(clip) != 2):
        raise RefusedError("malformed", "clip is not a pair of numbers")
    return None if clip is None else (_rational_in(clip[0]), _rational_in(clip[1]))


def _distance_in(value: Any) -> Question:
    check_fields(value, ("norm", "distance", "clip", "decoder"))
    terms = value["distance"]
    check_fields(terms, ("within", "max"))
    if type(value["norm"]) is not str or type(value["decoder"]) is not str:
        raise RefusedError("malformed", "norm and decoder are texts")
    within, most = (
        None if terms[name] is None else _rational_in(terms[name]) for name in ("within", "max")
    )
    norm: Any = value["norm"]
    distance = DistanceTerms(within, most)
    return Question(norm, value["decoder"], clip=_clip_in(value["clip"]), distance=distance)


def _result_in(value: Any) -> Result:
    if not isinstance(value, list) or len(value) != 3 or type(value[0]) is not int:
        raise RefusedError("malformed", "a result is a list of sample, verdict and hash")
    return Result(value[0], value[1], None if value[2] is None else _hash_in(value[2]))


def _hash_in(value: Any) -> str:
    if type(value) is not str or len(value) != 64 or not _HEX.issuperset(value):
        raise RefusedError("malformed", f"{str(value)[:70]!r} is not a SHA-256")
    return value


def _rational_in(value: Any) -> Fraction:
    return parse_rational(text_in(value, "the text of a number"))
