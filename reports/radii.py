"""How far samples keep their labels, from the files that `robmem radius --proofs` writes.

A file holds its own question and its answer. The question must be that of the run for one of its
samples, with another radius; the answer is replayed by the checker before it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from reports.numbers import Distance, Root, exact_root, square
from verifier.checker.checked import Checked
from verifier.checker.manifest import Question, sample_query
from verifier.evidence.certificate import Flip, Radius, Robust
from verifier.evidence.data_file import Points
from verifier.evidence.proof_file import load_proof
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import Region, distance
from verifier.tasks.verify import check

_NAME = re.compile(r"sample-([0-9]{1,9})-[a-z]+\.json(\.gz)?")


@dataclass(frozen=True, slots=True)
class NearestFlip:
    """At `point` the network reads `rival` instead of the label, by the name in the question."""

    point: tuple[Fraction, ...]
    rival: str


@dataclass(frozen=True, slots=True)
class Known:
    """The closed ball of radius `lower` has no flip; one lies at distance `upper`, if not None.

    `exact`: the open ball of radius `upper` has none either, and `lower` is `upper`. `flip` is the
    one at `upper`, where there is one.
    """

    lower: Distance
    upper: Distance | None
    exact: bool = False
    flip: NearestFlip | None = None


@dataclass(frozen=True, slots=True)
class Radii:
    """What files of `robmem radius` show: what is known by sample, and all that was replayed."""

    known: dict[int, Known] = field(default_factory=dict)
    checked: list[Checked] = field(default_factory=list)


def at_least(
    first: Known, lower: Distance, upper: Distance | None, flip: NearestFlip | None = None
) -> Known:
    """What is known if `lower` and `upper` are known as well, of which `flip` shows the latter."""
    if first.exact:
        return first
    low = max(first.lower, lower, key=square)
    if upper is None or (first.upper is not None and square(first.upper) <= square(upper)):
        return Known(low, first.upper, False, first.flip)
    return Known(low, upper, False, flip)


def read_radii(folder: Path, network: Network, points: Points, question: Question) -> Radii:
    """What the files in `folder` show of each sample that they are about, all of them replayed.

    Raises UserError if there is none, RefusedError, naming the file, if one is about anything else
    or the checker does not accept it.
    """
    found = Radii()
    for path, sample in _files(folder):
        if sample >= points.size:
            raise RefusedError("another question", f"{path}: there are {points.size} samples")
        proof = load_proof(path, network=network)
        size = _check_asked(path, proof.query, points, question, sample)
        if proof.query.region.open and not isinstance(proof.verdict, Radius):
            raise RefusedError(
                "another question", f"{path}: of an open ball, which says nothing at its radius"
            )
        try:
            found.checked.append(check(proof.query, proof.verdict))
        except RefusedError as error:
            raise RefusedError(error.flaw, f"{path}: {error.detail}") from None
        nothing = Root(Fraction(0)) if question.norm == "2" else Fraction(0)
        known = found.known.get(sample, Known(nothing, None))
        match proof.verdict:
            case Radius(_, flip):
                rival = proof.query.goals[flip.goal].rival
                known = Known(size, size, True, NearestFlip(flip.point, rival))
            case Robust():
                known = at_least(known, size, None)
            case Flip(point, goal):
                away = _length(question, distance(question.norm, points.point(sample), point))
                nearest = NearestFlip(point, proof.query.goals[goal].rival)
                known = at_least(known, nothing, away, nearest)
        found.known[sample] = known
    if not found.known:
        raise UserError(f"{folder}: holds no evidence of robmem radius --proofs")
    return found


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            yield path, int(match[1])


def _check_asked(
    path: Path, query: Query, points: Points, question: Question, sample: int
) -> Distance:
    """The radius of the ball, if the query is the run's about the sample but for that."""
    region, center = query.region, points.point(sample)
    size = region.size
    if region.norm == "inf" and not region.open:
        size = _reach(region, center)
    if region.norm == question.norm and size >= 0 and region.center in ((), center):
        for radius, squared in _writings(region.norm, size):
            meant = Question(question.norm, question.decoder, radius, squared, question.clip)
            own = sample_query(query.network, points, meant, sample)
            if own.region == region.closed() and own.goals == query.goals:
                return _length(question, size)
    raise RefusedError("another question", f"{path}: not the run's question about sample {sample}")


def _writings(norm: str, size: Fraction) -> Iterator[tuple[Fraction | None, Fraction | None]]:
    """The radius, or its square: the boxes around balls of norm 2 differ between these."""
    if norm != "2":
        yield size, None
    else:
        yield None, size
        root = exact_root(size)
        if root is not None:
            yield root, None


def _reach(region: Region, center: tuple[Fraction, ...]) -> Fraction:
    """The radius of the box, if it is a ball of the infinity norm around `center`, clipped."""
    sides = zip(region.lower, center, region.upper, strict=True)
    return max(max(c - low, high - c) for low, c, high in sides)


def _length(question: Question, size: Fraction) -> Distance:
    return Root(size) if question.norm == "2" else size
