"""Ask and answer: `verify` one query, `verify_batch` many about one network, `check` a verdict.

A `Robust` or `Flip` that the checker refuses is never returned: the search works on copies of what
the checker holds (`verifier.checker.checked`), and its findings are replayed from the originals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic

from verifier.checker.checked import NO_EXECUTION, Asked, Checked, Checker, Round, checked
from verifier.checker.maxima import MaximaRows
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust, Undecided
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.search.clock import LateError, within
from verifier.search.engine import search_one
from verifier.search.flips.hints import Vector, extremes, flips_at_hints
from verifier.search.options import MEMORY_LIMIT, Options, Outcome
from verifier.search.threads import one_thread


@dataclass(frozen=True, slots=True)
class CheckedOutcome(Outcome):
    """An outcome whose verdict, if it is not Undecided, the checker has accepted: `checked`.

    `refused` is a flip that the search found for a network as executed, of which the checker says
    that no execution has these rounding errors: there may be one near it.
    """

    checked: Checked | None = None
    refused: Flip | None = None

    @staticmethod
    def of(outcome: Outcome, checked: Checked | None = None) -> CheckedOutcome:
        """The outcome with what was checked of it; without that, it must be undecided."""
        if checked is None and not isinstance(outcome.verdict, Undecided):
            raise RefusedError("not checked", "an answer that nobody has checked")
        parts = (outcome.verdict, outcome.seconds, outcome.nodes, outcome.margins)
        return CheckedOutcome(*parts, outcome.solver, outcome.methods, checked)


def verify(query: Query, options: Options = Options()) -> CheckedOutcome:
    """The checked answer to one query."""
    return verify_batch(query.network, [query], options)[0]


def verify_batch(
    network: Network,
    queries: Sequence[Query],
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
    hints: Sequence[Sequence[tuple[Fraction, ...]]] | None = None,
    *,
    checker: Checker | None = None,
    asked: Sequence[Asked] | None = None,
    answered: Callable[[int, CheckedOutcome], None] = lambda number, outcome: None,
) -> list[CheckedOutcome]:
    """The checked answers to all queries, in their order; bounds are computed for all at once.

    `hints` are points a query, in the region or near it, at which a flip is looked for first.
    `checker` is one of this network that serves all regions, if the caller keeps one; `asked` names
    the questions, where they belong to a run.

    `progress` is called with the number of finished queries; `answered` with every outcome as soon
    as it is final, before any search goes on. The verdict of a query does not depend on the others
    (time-outs aside).
    """
    if not queries:
        return []
    try:
        own = checker or Checker.of(network, queries)
    except MemoryError:  # of the network itself
        outcomes = [CheckedOutcome(Undecided(MEMORY_LIMIT)) for _ in queries]
        for number, outcome in enumerate(outcomes):
            answered(number, outcome)
        return outcomes
    batch = _Batch(own, queries, options, progress, asked, answered)
    with one_thread():
        try:
            return batch.run(hints)
        except MemoryError:  # of what is done for all at once
            return batch.run_one_by_one(hints)


class _Batch:
    """The work on some queries: flips at hints, searches, then flips where nothing was found."""

    def __init__(
        self,
        checker: Checker,
        queries: Sequence[Query],
        options: Options,
        progress: Callable[[int], None],
        asked: Sequence[Asked] | None,
        answered: Callable[[int, CheckedOutcome], None],
    ) -> None:
        self._checker, self._queries, self._options = checker, queries, options
        self._progress, self._asked, self._answered = progress, asked, answered
        self._outcomes: dict[int, CheckedOutcome] = {}

    def run(self, hints: Sequence[Sequence[Vector]] | None) -> list[CheckedOutcome]:
        everything = range(len(self._queries))
        first = hints or [[extremes(query.region)[0]] for query in self._queries]
        if any(first):
            self._look_at(everything, first)
        still = [k for k in everything if k not in self._outcomes]
        undecided = self._search_all(still)
        last = [extremes(self._queries[k].region) for k in undecided]
        self._look_at(list(undecided), last)
        for k, outcome in undecided.items():
            if k not in self._outcomes:
                self._settle(k, outcome)
        self._progress(len(self._outcomes))
        return [self._outcomes[k] for k in everything]

    def run_one_by_one(self, hints: Sequence[Sequence[Vector]] | None) -> list[CheckedOutcome]:
        """What is open, each query alone; undecided is what wants more memory than there is."""
        everything = range(len(self._queries))
        for k in everything:
            if k in self._outcomes:
                continue
            first = hints[k] if hints else [extremes(self._queries[k].region)[0]]
            undecided: dict[int, CheckedOutcome] = {}
            try:
                self._look_at([k], [first])
                undecided = {} if k in self._outcomes else self._search_all([k])
            except MemoryError:
                undecided = {k: CheckedOutcome(Undecided(MEMORY_LIMIT))}
            for outcome in undecided.values():
                self._settle(k, outcome)
            self._progress(len(self._outcomes))
        return [self._outcomes[k] for k in everything]

    def _settle(self, k: int, outcome: CheckedOutcome) -> None:
        self._outcomes[k] = outcome
        self._answered(k, outcome)

    def _look_at(self, numbers: Sequence[int], hints: Sequence[Sequence[Vector]]) -> None:
        """Settles the queries that have a flip at one of their hints."""
        started = monotonic()
        listed = [self._queries[k] for k in numbers]
        network, _ = self._checker.lent()
        timeout = self._options.timeout
        flips: dict[int, Flip] = {}
        try:
            with within(None if timeout is None else started + timeout * len(listed)):
                flips = flips_at_hints(network, listed, hints)
        except LateError:  # the search will say so, query by query
            pass
        share = (monotonic() - started) / max(len(flips), 1)
        seconds = {"bounds": 0.0, "search": share, "check": 0.0}
        found = self._checker.flips(
            [listed[k] for k in flips],
            list(flips.values()),
            None if self._asked is None else [self._asked[numbers[k]] for k in flips],
        )
        for k, shown in zip(flips, found, strict=True):
            if isinstance(shown, Checked):
                self._settle(numbers[k], CheckedOutcome(flips[k], seconds, checked=shown))

    def _search_all(self, numbers: Sequence[int]) -> dict[int, CheckedOutcome]:
        """Settles the queries that the search decides; the outcomes of the others."""
        undecided: dict[int, CheckedOutcome] = {}
        queries = [self._queries[k] for k in numbers]
        asked = None if self._asked is None else [self._asked[k] for k in numbers]
        started = monotonic()
        for part, these in self._checker.rounds(queries, asked):
            share = (monotonic() - started) / (part.stop - part.start)
            for place, k in enumerate(numbers[part]):
                outcome = self._search_one(k, place, these, share)
                if outcome.checked is None:
                    undecided[k] = outcome
                else:
                    self._settle(k, outcome)
                self._progress(len(self._outcomes) + len(undecided))
            started = monotonic()
        return undecided

    def _search_one(
        self, k: int, place: int, these: Round, bounds_seconds: float
    ) -> CheckedOutcome:
        started, options = monotonic(), self._options
        deadline = None if options.timeout is None else started + options.timeout - bounds_seconds
        seconds = {"bounds": bounds_seconds, "search": 0.0, "check": 0.0}
        outcome = Outcome(Undecided("timeout"))
        # First trust float bounds of leaves; if a proof is refused, close every leaf exactly.
        for believing in (True, False):
            query, scaled, root = these.for_search(place)
            if scaled.has_derived(MaximaRows):  # a search before this one has asked for maxima
                these.lend_maxima(place)
            outcome = search_one(query, scaled, root, options, deadline, believing=believing)
            found, verdict = monotonic(), outcome.verdict
            seconds["search"] += found - started
            if isinstance(verdict, Undecided):
                break
            try:
                shown = self._replayed(k, place, these, verdict)
            except MemoryError:
                outcome = replace(outcome, verdict=Undecided(MEMORY_LIMIT))
                break
            started = monotonic()
            seconds["check"] += started - found
            if isinstance(shown, Checked):
                if isinstance(shown.evidence, Robust):
                    outcome = replace(outcome, verdict=shown.evidence)
                return CheckedOutcome.of(replace(outcome, seconds=seconds), shown)
            reason = f"the checker refused what the search found: {shown}"
            outcome = replace(outcome, verdict=Undecided(reason))
            if isinstance(verdict, Flip) and shown.flaw == NO_EXECUTION:
                refused = CheckedOutcome.of(replace(outcome, seconds=seconds))
                return replace(refused, refused=verdict)
        return CheckedOutcome.of(replace(outcome, seconds=seconds))

    def _replayed(
        self, k: int, place: int, these: Round, verdict: Robust | Flip
    ) -> Checked | RefusedError:
        if isinstance(verdict, Flip):
            asked = None if self._asked is None else [self._asked[k]]
            return self._checker.flips([self._queries[k]], [verdict], asked)[0]
        try:
            return these.check(place, these.named(verdict), found=True)
        except RefusedError as flaw:
            return flaw


def check(query: Query, verdict: Robust | Flip | Radius | Maximum) -> Checked:
    """The verdict, shown to be true; raises RefusedError, naming the flaw."""
    return checked(query, verdict)


__all__ = [
    "CheckedOutcome",
    "Flip",
    "Options",
    "Outcome",
    "Robust",
    "Undecided",
    "check",
    "verify",
    "verify_batch",
]
