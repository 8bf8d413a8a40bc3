"""What the checker has accepted in this process, as values that nothing else can make.

Whoever says "robust", "keeps its label", "proved" or "checked" needs a `Checked` in hand. What
comes from a file, a database or another process is "recorded, not replayed here".

A `Checker` holds all that a replay reads: the network in integers and the root bounds of every
region, derived from the questions in arrays of its own. A search gets copies (`Round.for_search`),
so that nothing that it writes can reach what its findings are checked with; what the two share are
the frozen values of the questions, and the memory of a network into which nobody can write. So a
search that errs, whatever it writes into what it holds, makes no verdict. It is no fence against a
program that means to deceive, which in one process with the checker could make a `Checked`
outright: who has to fear one replays in a process of its own (`robmem check`).

Across processes. Pickling a `Checked` keeps the `Facts` alone, which claim nothing. Facts become
`Checked` again in one place, `of_local_process`, for processes of this machine that this one has
started: they run the same code for the same user, so whoever could make them lie could as well
change this process. What a worker elsewhere says is replayed.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, final

import numpy as np

from verifier.checker.contracted import contraction_of
from verifier.checker.curves import check_curve
from verifier.checker.distances import Balls, check_distance
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.exact_radius import check_radius
from verifier.checker.family import family_roots
from verifier.checker.family_replay import replay_family, replay_member_flip
from verifier.checker.intervals import (
    FamilyRoots,
    Room,
    RootBounds,
    chunks,
    interval_bounds,
    renewed,
)
from verifier.checker.margins import check_margin
from verifier.checker.maxima_together import MaximaTogether
from verifier.checker.replay import replay, replay_as_given, replay_flip
from verifier.checker.scaled import ScaledNetwork, common_denominator, evaluate
from verifier.evidence.certificate import (
    Flip,
    Maximum,
    Radius,
    Robust,
    certificate_bytes,
    check_numbers,
    parse_certificate,
)
from verifier.evidence.curve import MarginCurve, curve_bytes, parse_curve
from verifier.evidence.distance import Distance, distance_bytes, parse_distance
from verifier.evidence.margin import Margin, margin_bytes, parse_margin
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import Semantics, executable
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.rational import is_exact

Verdict = Literal["robust", "flip", "radius", "maximum", "distance", "margin", "theorem"]
CheckerName = Literal["checker", "kernel", "proved kernel", "proved theorem"]
Evidence = Robust | Flip | Distance | Margin | MarginCurve | bytes
"""A verdict, or the text of its certificate."""
NO_EXECUTION = "no execution"
"""The flaw of a flip of a network as executed whose rounding errors are none of an execution."""
_KEY = object()  # without which no `Checked` is made


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about: sample `sample` of the data of this digest, and, as a hash, region
    and goals; of a run the question that it asks of every sample. A single question has no data."""

    question: str
    data: str | None = None
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said to have been checked; by itself a claim, see `Checked`.

    `network` is the digest of the network that is asked about; as executed in a format that is
    not the one of the question with its rounding errors. `certificate` is the SHA-256 of the
    certificate's text, where one was read or written. `checker` is "checker", "kernel" (in Python),
    "proved kernel" (the program extracted from Coq) or "proved theorem", `process` "here" or
    "local": a process that this one started. `ends` are those of the interval that a distance lies
    in, sizes of balls, or a least margin. The verdict "theorem" is about all samples of a data set,
    see `theorems.py`; by the "checker" the theorem itself was not checked.
    """

    network: str
    asked: Asked
    verdict: Verdict
    goal: int | None  # of a flip
    certificate: str | None
    checker: CheckerName = "checker"
    process: Literal["here", "local"] = "here"
    ends: tuple[Fraction | None, Fraction | None] | None = None


@final
class Checked:
    """The checker has accepted the verdict that `facts` describe. Made by this module alone."""

    __slots__ = ("evidence", "facts")
    facts: Facts
    evidence: Robust | Flip | Radius | Maximum | Distance | Margin | MarginCurve | None

    def __init__(
        self,
        key: object,
        facts: Facts,
        evidence: Robust | Flip | Radius | Maximum | Distance | Margin | MarginCurve | None,
    ) -> None:
        if key is not _KEY:
            raise TypeError("only the checker makes a Checked")
        object.__setattr__(self, "facts", facts)
        object.__setattr__(self, "evidence", evidence)

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("a Checked does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        """Elsewhere, and as a copy, it is a claim: its facts."""
        return replace, (self.facts,)

    def __repr__(self) -> str:
        return f"Checked({self.facts!r})"

    @property
    def verdict(self) -> Verdict:
        return self.facts.verdict

    @property
    def certificate(self) -> str | None:
        return self.facts.certificate

    def written(self) -> tuple[Checked, bytes]:
        """The same with the hash of its certificate, and the certificate's text.

        Raises RefusedError where there is no single certificate at hand.
        """
        if isinstance(self.evidence, Distance):
            text = distance_bytes(self.evidence, self.facts.network)
        elif isinstance(self.evidence, Margin):
            text = margin_bytes(self.evidence, self.facts.network)
        elif isinstance(self.evidence, MarginCurve):
            text = curve_bytes(self.evidence, self.facts.network)
        elif isinstance(self.evidence, Robust | Flip):
            text = certificate_bytes(self.evidence, self.facts.network)
        else:
            raise RefusedError("no certificate", "a proof and its flip, or evidence elsewhere")
        return _of_text(self, hashlib.sha256(text).hexdigest()), text


def asked_of(query: Query | FamilyQuery, semantics: Semantics = "real") -> Asked:
    """A single question; equal for equal regions or cones, goals and semantics."""
    # exact: all numbers are Fractions in lowest terms
    where = query.cone if isinstance(query, FamilyQuery) else query.region
    text = repr((where, query.goals, *((semantics,) if semantics != "real" else ())))
    return Asked(hashlib.sha256(text.encode()).hexdigest())


def checked(query: Query, verdict: Robust | Flip | Radius | Maximum) -> Checked:
    """The verdict, replayed from its question alone. Raises RefusedError, naming the flaw."""
    if isinstance(verdict, Radius):
        check_radius(query, verdict)
        kind: Verdict = "radius"
    elif isinstance(verdict, Maximum):
        check_maximum(query, verdict)
        kind = "maximum"
    else:
        replay(query, verdict)
        kind = "flip" if isinstance(verdict, Flip) else "robust"
    goal = verdict.goal if isinstance(verdict, Flip) else None
    facts = Facts(query.network.digest, asked_of(query), kind, goal, None)
    return Checked(_KEY, facts, verdict)


def of_local_process(claim: object, asked: Asked, network: str, certificate: str | None) -> Checked:
    """What a process of this machine that this one has started says that it has checked: it must be
    about this network and question, and of the certificate with this hash, where one was written.

    Raises RefusedError, naming what differs.
    """
    if not isinstance(claim, Facts):
        raise RefusedError("not checked", "an answer without the facts of its check")
    if claim.network != network:
        raise RefusedError("another network", f"answer for {claim.network}, network is {network}")
    if claim.asked != asked:
        raise RefusedError("another question", f"answer to {claim.asked}, asked was {asked}")
    if claim.certificate != certificate:
        raise RefusedError("certificate altered", f"{claim.certificate}, not {certificate}")
    return Checked(_KEY, replace(claim, process="local"), None)


class Round:
    """A few questions with the root bounds of their regions: the checker's own, and copies. The
    next round of the same checker ends it."""

    def __init__(self, checker: Checker, queries: Sequence[Query], asked: Sequence[Asked]) -> None:
        self._checker, self._asked, network = checker, asked, checker.scaled.network
        self._given = queries
        self._queries = [Query(network, query.region, query.goals) for query in queries]
        regions = [query.region for query in queries]
        checker.current = self  # what was computed for the round before it is overwritten
        roots = interval_bounds(checker.scaled, regions, checker.own)
        together = MaximaTogether(checker.scaled, roots[0].table)
        self._roots = [replace(root, together=together) for root in roots]
        self._lent: tuple[Any, MaximaTogether] | None = None

    def check(self, k: int, verdict: Robust, *, found: bool = False) -> Checked:
        """The proof of question k, replayed: with the bounds of the round, and, if that fails and
        the network has copies, with all units, unless it was `found` without the copies. Raises
        RefusedError, naming the flaw."""
        if self._checker.current is not self:
            raise RuntimeError("the bounds of this round are those of another one by now")
        if not isinstance(verdict, Robust):  # a flip would be replayed, and called robust
            raise RefusedError("another verdict", "a proof is claimed, this is none")
        check_numbers(verdict)
        contraction = self._checker.contraction
        try:
            same = verdict if contraction is None else contraction.names.proof(verdict)
            root = replace(self._roots[k])  # with caches of its own, which go when it is answered
            replay(self._queries[k], same, self._checker.scaled, root)
        except RefusedError:
            if contraction is None or found:
                raise
            replay_as_given(self._given[k], verdict)
        facts = Facts(self._checker.digest, self._asked[k], "robust", None, None)
        return Checked(_KEY, facts, verdict)

    def named(self, proof: Robust) -> Robust:
        """A proof of a question `for_search`, with the numbers that units have in the network that
        was asked about."""
        check_numbers(proof)
        contraction = self._checker.contraction
        return proof if contraction is None else contraction.expanded.proof(proof)

    def for_search(self, k: int) -> tuple[Query, ScaledNetwork, RootBounds]:
        """Question k with copies of all that the checker holds about it, of the network without
        its copies if it has many."""
        network, scaled = self._checker.lent()
        table, together = self._copies()
        query = Query(network, self._queries[k].region, self._queries[k].goals)
        return query, scaled, replace(self._roots[k], scaled=scaled, table=table, together=together)

    def _copies(self) -> tuple[Any, MaximaTogether]:
        """The table of bounds, and what is found of its maxima, for searches: made once."""
        if self._lent is None:
            own = self._roots[0].table
            table = self._checker.others.empty(own.shape, own.dtype.type)
            np.copyto(table, own)
            self._lent = table, MaximaTogether(self._checker.lent()[1], table)
        return self._lent

    def lend_maxima(self, k: int) -> None:
        """Has the search of question k know the first step about maxima from the bounds of its
        region, and of the regions next to it, so that it is found once: copies of that too."""
        root = self._roots[k]
        with suppress(RefusedError):  # too many, which the search finds out where it asks
            root.together.copy_to(self._copies()[1], root.column)


class FamilyRound:
    """The same of questions about every ball of a family, with bounds at both ends of each."""

    def __init__(
        self, checker: Checker, queries: Sequence[FamilyQuery], asked: Sequence[Asked]
    ) -> None:
        self._checker, self._queries, self._asked = checker, queries, asked
        checker.current = self
        self._roots = family_roots(checker.scaled, queries, checker.own)

    def check(self, k: int, verdict: Robust) -> Checked:
        """The proof of question k, replayed. Raises RefusedError, naming the flaw."""
        if self._checker.current is not self:
            raise RuntimeError("the bounds of this round are those of another one by now")
        roots = renewed(self._roots[k])
        replay_family(self._queries[k], verdict, self._checker.scaled, roots)
        facts = Facts(self._checker.digest, self._asked[k], "robust", None, None)
        return Checked(_KEY, facts, verdict)

    def for_search(self) -> tuple[list[FamilyQuery], ScaledNetwork, list[FamilyRoots]]:
        """All questions with copies of what the checker holds about them."""
        network, scaled = self._checker.lent()
        table = self._roots[0][0].table
        lent = self._checker.others.empty(table.shape, table.dtype.type)
        np.copyto(lent, table)
        queries = [FamilyQuery(network, query.cone, query.goals) for query in self._queries]
        return queries, scaled, [renewed(r, scaled=scaled, table=lent) for r in self._roots]


class Checker:
    """Checks verdicts about one network, in a state that nobody else holds.

    `denominator` is one of which all entries of the regions are multiples. `semantics` other than
    real are those of `question.executed`: `network` is then the one of its questions, with an input
    for every rounding error, and a flip has to be an execution. `digest` is that of the network
    asked about in any case. `family` says that the questions are about families of it. `scaled` is
    the network without its copies, if it has many and the questions are about no families.
    """

    def __init__(
        self,
        network: Network,
        denominator: int,
        semantics: Semantics = "real",
        *,
        family: bool = False,
    ) -> None:
        self.asked_about, self.semantics = network, semantics
        self.digest = network.digest
        self._form = None if semantics == "real" else executable(network, semantics)
        self.network = network if self._form is None else self._form.network
        self.contraction = None if family else self.network.derived(contraction_of)
        less = self.network if self.contraction is None else self.contraction.network
        self.scaled = ScaledNetwork(less, denominator, family=family)
        self._lent: tuple[Network, ScaledNetwork] | None = None
        self.own, self.others = Room(), Room()
        self.current: Round | FamilyRound | None = None

    @staticmethod
    def of(network: Network, queries: Sequence[Query], semantics: Semantics = "real") -> Checker:
        """One that serves all of these questions, as `executed` builds them where it is not real
        arithmetic that is asked about."""
        sides = [side for query in queries for side in (query.region.lower, query.region.upper)]
        return Checker(network, common_denominator(sides), semantics)

    def lent(self) -> tuple[Network, ScaledNetwork]:
        """The network of `scaled`, and that, for a search: copies, made once a network."""
        if self._lent is None:
            network = self.scaled.network.derived(copy.deepcopy)
            family = self.scaled.axes < network.inputs
            scaled = ScaledNetwork(network, self.scaled.denominator, family=family)
            self._lent = network, scaled
        return self._lent

    def lent_whole(self) -> Network:
        """The network with all its units, for a search: a copy."""
        return self.network.derived(copy.deepcopy)

    def rounds(
        self, queries: Sequence[Query], asked: Sequence[Asked] | None = None
    ) -> Iterator[tuple[slice, Round]]:
        """All questions, as many at a time as `chunks` says; bounds are computed together."""
        self._require_own(queries)
        for query in queries:
            if self.scaled.denominator % common_denominator(
                [query.region.lower, query.region.upper]
            ):
                raise UserError("a region is not a multiple of the common denominator")
        names = self._named(queries, asked)
        for part in chunks(self.scaled, len(queries)) if queries else []:
            yield part, Round(self, queries[part], names[part])

    def _named(
        self, queries: Sequence[Query | FamilyQuery], asked: Sequence[Asked] | None
    ) -> Sequence[Asked]:
        return [asked_of(query, self.semantics) for query in queries] if asked is None else asked

    def _require_own(self, queries: Sequence[Query | FamilyQuery]) -> None:
        for query in queries:
            if query.network is not self.network:
                raise RefusedError("another network", "a question is about another network")

    def flips(
        self,
        queries: Sequence[Query | FamilyQuery],
        flips: Sequence[Robust | Flip],
        asked: Sequence[Asked] | None = None,
    ) -> list[Checked | RefusedError]:
        """Each flip evaluated, all of them together: what is shown of its question, or the flaw. A
        flip of a family is one of the member of some m, its last input."""
        self._require_own(queries)
        found: list[Checked | RefusedError] = []
        names = self._named(queries, asked)
        outputs = _outputs_at(self.network, flips)
        for query, flip, about, values in zip(queries, flips, names, outputs, strict=True):
            try:
                check_numbers(flip)
                if not isinstance(flip, Flip):
                    raise RefusedError("another verdict", "a flip is claimed, this is none")
                if isinstance(query, FamilyQuery):
                    replay_member_flip(query, flip, values)
                else:
                    replay_flip(query, flip, values)
                if self._form is not None and not self._form.is_execution(flip.point):
                    raise RefusedError(
                        NO_EXECUTION, f"its rounding errors are not those of {self.semantics}"
                    )
            except RefusedError as flaw:
                found.append(flaw)
            else:
                facts = Facts(self.digest, about, "flip", flip.goal, None)
                found.append(Checked(_KEY, facts, flip))
        return found

    def check(
        self,
        queries: Sequence[Query],
        claims: Sequence[Verdict],
        evidence_of: Callable[[int], Evidence],
        asked: Sequence[Asked] | None = None,
    ) -> Iterator[tuple[int, Checked | RefusedError]]:
        """By the number of its question, in any order: what is shown of it, or the flaw.

        `claims` says which verdict is claimed; `evidence_of` gives it, or the text of its
        certificate, one at a time since proofs may be large, or raises RefusedError.
        """
        names = self._named(queries, asked)
        proofs = [k for k, claim in enumerate(claims) if claim == "robust"]
        yield from self._claimed_flips(queries, claims, evidence_of, names)
        listed = [queries[k] for k in proofs]
        for part, these in self.rounds(listed, [names[k] for k in proofs]):
            for place, k in enumerate(proofs[part]):
                try:
                    verdict, text = self._read(evidence_of(k))
                    yield k, _of_text(these.check(place, verdict), text)
                except RefusedError as flaw:
                    yield k, flaw

    def _claimed_flips(
        self,
        queries: Sequence[Query | FamilyQuery],
        claims: Sequence[Verdict],
        evidence_of: Callable[[int], Evidence],
        names: Sequence[Asked],
    ) -> Iterator[tuple[int, Checked | RefusedError]]:
        """What is shown of the questions of which no proof is claimed."""
        flips: dict[int, Robust | Flip] = {}
        texts: dict[int, str | None] = {}
        for k, claim in enumerate(claims):
            if claim == "robust":
                continue
            try:
                flips[k], texts[k] = self._read(evidence_of(k))
            except RefusedError as flaw:
                yield k, flaw
        shown = self.flips(
            [queries[k] for k in flips], list(flips.values()), [names[k] for k in flips]
        )
        for k, answer in zip(flips, shown, strict=True):
            yield k, _of_text(answer, texts[k]) if isinstance(answer, Checked) else answer

    def families(
        self,
        queries: Sequence[FamilyQuery],
        claims: Sequence[Verdict],
        evidence_of: Callable[[int], Evidence],
        asked: Sequence[Asked],
    ) -> Iterator[tuple[int, Checked | RefusedError]]:
        """As `check`, for questions about every ball of a family."""
        proofs = [k for k, claim in enumerate(claims) if claim == "robust"]
        yield from self._claimed_flips(queries, claims, evidence_of, asked)
        listed = [queries[k] for k in proofs]
        for part, these in self.family_rounds(listed, [asked[k] for k in proofs]):
            for place, k in enumerate(proofs[part]):
                try:
                    verdict, text = self._read(evidence_of(k))
                    yield k, _of_text(these.check(place, verdict), text)
                except RefusedError as flaw:
                    yield k, flaw

    def family_rounds(
        self, queries: Sequence[FamilyQuery], asked: Sequence[Asked]
    ) -> Iterator[tuple[slice, FamilyRound]]:
        """As `rounds`, for questions about every ball of a family."""
        self._require_own(queries)
        for part in chunks(self.scaled, len(queries)) if queries else []:
            yield part, FamilyRound(self, queries[part], asked[part])

    def distances(
        self,
        around: Sequence[Balls],
        claims: Sequence[Verdict],
        evidence_of: Callable[[int], Evidence],
        asked: Sequence[Asked],
    ) -> Iterator[tuple[int, Checked | RefusedError]]:
        """As `check`, for the distance to the nearest flip: of each sample the questions about its
        balls."""
        for k, (balls, claim) in enumerate(zip(around, claims, strict=True)):
            try:
                if claim != "distance":
                    raise RefusedError("another verdict", f"a {claim} where distances are asked")
                given, digest = evidence_of(k), None
                if isinstance(given, bytes):
                    digest = hashlib.sha256(given).hexdigest()
                    given = parse_distance(given, self.digest)
                found = check_distance(balls, given, self._replay)
                goal = None if found.flip is None else found.flip.goal
                ends = found.lower, found.upper
                facts = Facts(self.digest, asked[k], "distance", goal, None, ends=ends)
                yield k, _of_text(Checked(_KEY, facts, found), digest)
            except RefusedError as flaw:
                yield k, flaw

    def margins(
        self,
        queries: Sequence[Query],
        claims: Sequence[Verdict],
        evidence_of: Callable[[int], Evidence],
        asked: Sequence[Asked],
        *,
        curves: bool = False,
    ) -> Iterator[tuple[int, Checked | RefusedError]]:
        """As `check`, for the least margin on each question's region; with `curves` on the balls of
        all radii up to that of the question, whose own has the `ends` of what is shown."""
        show = self._curve if curves else self._margin
        for k, (query, claim) in enumerate(zip(queries, claims, strict=True)):
            try:
                if claim != "margin":
                    raise RefusedError("another verdict", f"a {claim} where margins are asked")
                given = evidence_of(k)
                digest = hashlib.sha256(given).hexdigest() if isinstance(given, bytes) else None
                yield k, _of_text(show(query, given, asked[k]), digest)
            except RefusedError as flaw:
                yield k, flaw

    def _margin(self, query: Query, given: Evidence, asked: Asked) -> Checked:
        if isinstance(given, bytes):
            given = parse_margin(given, self.digest)
        found = check_margin(query, given, self._replay)
        ends = found.lower, found.upper
        facts = Facts(self.digest, asked, "margin", found.point.goal, None, ends=ends)
        return Checked(_KEY, facts, found)

    def _curve(self, query: Query, given: Evidence, asked: Asked) -> Checked:
        if isinstance(given, bytes):
            given = parse_curve(given, self.digest)
        self._require_own([query])
        found = check_curve(query, given)
        ends, goal = (found.lower, found.upper), found.pieces[-1].goal
        facts = Facts(self.digest, asked, "margin", goal, None, ends=ends)
        return Checked(_KEY, facts, found)

    def _replay(self, query: Query, verdict: Robust | Flip) -> None:
        self._require_own([query])
        replay(query, verdict)

    def _read(self, evidence: Evidence) -> tuple[Any, str | None]:
        """A verdict, of whatever kind, and the hash of its text if it is one."""
        digest = None
        if isinstance(evidence, bytes):
            digest = hashlib.sha256(evidence).hexdigest()
            evidence = parse_certificate(evidence, self.digest)
        return evidence, digest


def _of_text(shown: Checked, certificate: str | None) -> Checked:
    """The same, of the text with this hash, which from now on stands for the verdict."""
    if certificate is None:
        return shown
    return Checked(_KEY, replace(shown.facts, certificate=certificate), None)


def check_batch(
    network: Network,
    queries: Sequence[Query],
    verdicts: Sequence[Robust | Flip],
    progress: Callable[[int], None] = lambda done: None,
) -> list[Checked | RefusedError]:
    """For each query what is shown of it, or the flaw of its verdict. All queries must ask about
    `network`."""
    if len(queries) != len(verdicts):
        raise RefusedError("count", f"{len(queries)} questions, {len(verdicts)} verdicts")
    if not queries:
        return []
    checker = Checker.of(network, queries)
    claims: list[Verdict] = [
        "flip" if isinstance(verdict, Flip) else "robust" for verdict in verdicts
    ]
    found: dict[int, Checked | RefusedError] = {}
    for k, answer in checker.check(queries, claims, verdicts.__getitem__):
        found[k] = answer
        progress(len(found))
    return [found[k] for k in range(len(queries))]


def _outputs_at(network: Network, flips: Sequence[Robust | Flip]) -> list[list[Fraction] | None]:
    """The network's outputs at the points of the flips, None where the dimension is wrong or a
    coordinate not exact, which is refused when its turn comes."""
    points = [flip.point if isinstance(flip, Flip) else () for flip in flips]
    usable = [len(point) == network.inputs and all(map(is_exact, point)) for point in points]
    values = iter(evaluate(network, [p for p, good in zip(points, usable, strict=True) if good]))
    return [next(values) if good else None for good in usable]
