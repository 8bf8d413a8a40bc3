"""The work on a few samples at once, the same wherever it is done."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from time import monotonic

from verifier.checker.checked import Asked, Checked, Checker, FamilyRound
from verifier.checker.curves import Balls
from verifier.checker.manifest import (
    Question,
    asked_of_run,
    run_checker,
    sample_balls,
    sample_family,
    sample_goals,
    sample_query,
)
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.evidence.data_file import Points
from verifier.evidence.distance import Distance
from verifier.evidence.margin import Margin
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import Region, power
from verifier.runs.centers import goals_at_centers
from verifier.runs.members import flips_of_members
from verifier.runs.records import Record, failure, interval_record, record_of
from verifier.search.deep.family import FamilySearch, without_search
from verifier.search.flips.hints import Vector, along_one_direction, nearest_rivals
from verifier.search.options import MEMORY_LIMIT, Options
from verifier.tasks.around import Around, Floats
from verifier.tasks.flips import Hint, attacked, size_of
from verifier.tasks.margin import margin_curve
from verifier.tasks.radius import exact_radius
from verifier.tasks.semantics import verify_executed
from verifier.tasks.verify import CheckedOutcome, verify_batch
from verifier.tasks.worst import worst

_ALLOCATIONS = 50_000  # of containers, until the youngest are looked at


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of every sample, how the search may look, and where it may look first."""

    question: Question
    options: Options
    hints: Mapping[int, Sequence[Hint]] = field(default_factory=dict)

    def of(self, samples: Sequence[int]) -> Job:
        """The same for these samples alone."""
        return replace(self, hints={k: self.hints[k] for k in samples if k in self.hints})


@dataclass(frozen=True, eq=False)
class Context:
    """A job with its network and its points: all that a worker holds."""

    network: Network
    points: Points
    job: Job

    @cached_property
    def checker(self) -> Checker:
        """What the findings about all samples are checked with; no search sees it."""
        return run_checker(self.network, self.points, self.job.question)

    @cached_property
    def family_search(self) -> FamilySearch:
        """What looks for proofs about every budget, in a copy of the network."""
        return FamilySearch(self.checker.lent()[0])


def require_same(context: Context, expected: tuple[str, str]) -> None:
    """Returns if network and data have these digests; raises RefusedError."""
    for what, found, due in zip(
        ("network", "data"), (context.network.digest, context.points.digest), expected, strict=True
    ):
        if found != due:
            raise RefusedError(f"{what} altered", f"{found}, the run is about {due}")


def solve(
    context: Context,
    samples: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
    worker: str = "",
) -> list[Record]:
    """The records of these samples, in their order; an error of the search fails one sample alone.

    `progress` is called with the number of finished samples.
    """
    with rare_collections():
        if context.job.question.measured is not None:
            records = []
            for done, sample in enumerate(samples, start=1):
                records.append(_measured(context, sample, worker))
                progress(done)
            return records
        return _solve(context, samples, progress, worker)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Garbage is collected less often: what is alive in the work on large networks are many small
    lists, and walking through them takes as long as the work."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _ALLOCATIONS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _solve(
    context: Context, samples: Sequence[int], progress: Callable[[int], None], worker: str
) -> list[Record]:
    solve_all = _solve_balls if context.job.question.family is None else _solve_families
    try:
        return solve_all(context, samples, progress, worker)
    except MemoryError:
        if len(samples) == 1:
            return [_above_memory(samples[0], worker)]
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the run
        if len(samples) == 1:
            return [failure(samples[0], _reason(error), worker)]
    records: list[Record] = []
    for sample in samples:
        records += _solve(context, [sample], lambda done: None, worker)
        progress(len(records))
    return records


def _solve_balls(
    context: Context, samples: Sequence[int], progress: Callable[[int], None], worker: str
) -> list[Record]:
    network, points, job = context.network, context.points, context.job
    found: dict[int, Record] = {}

    def answered(number: int, outcome: CheckedOutcome) -> None:
        # Written down before any search goes on: what was checked is what is stored.
        sample, query = samples[number], queries[number]
        outcome = _at_center(context, query, sample, asked[number], outcome)
        center = job.question.center(points.point(sample))
        found[number] = record_of(sample, query, outcome, center, worker)

    # A ball that does not meet the clip holds no point, and is no question.
    queries = [sample_query(network, context.points, job.question, k) for k in samples]
    asked = asked_of_run(points.digest, job.question, samples)
    if job.question.semantics != "real":
        for number, sample in enumerate(samples):
            answered(number, _executed(context, sample, asked[number]))
            progress(number + 1)
        return [found[number] for number in range(len(samples))]
    if job.options.thorough:
        for number, outcome in _attacks(context, samples, queries, asked):
            answered(number, outcome)
    rest = [number for number in range(len(samples)) if number not in found]
    hints = [hints_of(context, samples[k], queries[k].region) for k in rest]
    if rest:
        verify_batch(
            network, [queries[k] for k in rest], job.options,
            lambda done: progress(len(samples) - len(rest) + done), hints,
            checker=context.checker, asked=[asked[k] for k in rest],
            answered=lambda place, outcome: answered(rest[place], outcome),
        )  # fmt: skip
    return [found[number] for number in range(len(samples))]


def _attacks(
    context: Context, samples: Sequence[int], queries: Sequence[Query], asked: Sequence[Asked]
) -> Iterator[tuple[int, CheckedOutcome]]:
    """The samples, by their places, of which the strongest attack finds a flip, checked; the attack
    is on a copy of the network."""
    job, points, checker = context.job, context.points, context.checker
    floats = Floats(checker.lent()[0])
    for number, sample in enumerate(samples):
        started = monotonic()
        around = Around(floats, points, job.question, sample, job.options.seed)
        goals = range(len(around.goals))
        found = attacked(
            around, goals, size_of(job.question), job.hints.get(sample, ()), job.options
        )
        if found is None:
            continue
        flip, searched = Flip(found.point, found.goal), monotonic()
        shown = checker.flips([queries[number]], [flip], [asked[number]])[0]
        if isinstance(shown, RefusedError):
            continue  # the search for a proof goes on
        seconds = {"search": searched - started, "check": monotonic() - searched}
        yield number, CheckedOutcome(flip, seconds, checked=shown)


def _executed(context: Context, sample: int, asked: Asked) -> CheckedOutcome:
    """The outcome about every execution in the format that the question names."""
    job, points, semantics = context.job, context.points, context.job.question.semantics
    if semantics == "real":
        raise UserError("real arithmetic is not executed in a format")
    goals = sample_goals(context.network, points, job.question, sample)
    center = points.point(sample)
    query = Query(context.network, job.question.region(center), goals)
    first = [job.question.center(center)]
    return verify_executed(
        query, semantics, job.options, first, checker=context.checker, asked=asked
    ).outcome


def _solve_families(
    context: Context, samples: Sequence[int], progress: Callable[[int], None], worker: str
) -> list[Record]:
    """The records of these samples about every budget: a proof or a flip that the checker has
    accepted, or undecided. Of most samples the bounds alone are a proof; others are searched
    for."""
    job, points, checker = context.job, context.points, context.checker
    asked = asked_of_run(points.digest, job.question, samples)
    queries = [sample_family(context.network, points, job.question, k) for k in samples]
    records: dict[int, Record] = {}

    def answered(k: int, outcome: CheckedOutcome) -> None:
        center = job.question.center(points.point(samples[k]))
        records[k] = record_of(samples[k], queries[k], outcome, center, worker)
        progress(len(records))

    started = monotonic()
    for part, these in checker.family_rounds(queries, asked):
        known = monotonic()
        bounds, rest = (known - started) / (part.stop - part.start), list[int]()
        for place, k in enumerate(range(part.start, part.stop)):
            verdict, shown = _shown(these, place, without_search(queries[k]))
            if shown is None:
                rest.append(place)
                continue
            before, known = known, monotonic()
            seconds = {"bounds": bounds, "search": 0.0, "check": known - before}
            answered(k, CheckedOutcome(verdict, seconds, checked=shown))
        known, without = monotonic(), dict[int, CheckedOutcome]()
        for place, proof in _searched(context, these, rest, untried=True):
            found, k = monotonic(), part.start + place
            verdict, shown = _shown(these, place, proof)
            if shown is None and proof is not None:  # it may be one that the search did not try
                ((_, proof),) = _searched(context, these, [place])
                found = monotonic()
                verdict, shown = _shown(these, place, proof)
            before, known = known, monotonic()
            seconds = {"bounds": bounds, "search": found - before, "check": known - found}
            outcome = CheckedOutcome(verdict, seconds, checked=shown)
            if shown is None:
                without[k] = outcome
            else:
                answered(k, outcome)
        for k, outcome in _of_members(context, queries, asked, without):
            answered(k, outcome)
        known = monotonic()
        started = known
        del these  # its bounds may be gigabytes: before those of the next round are made
    checker.current = None
    return [records[k] for k in range(len(samples))]


def _searched(
    context: Context, these: FamilyRound, places: Sequence[int], *, untried: bool = False
) -> Iterator[tuple[int, Robust | None]]:
    """What is found about these questions of the round, with copies of its bounds; `untried` as in
    `FamilySearch.run`."""
    if not places:
        return
    queries, scaled, roots = these.for_search()
    own = [queries[k] for k in places], scaled, [roots[k] for k in places]
    found = context.family_search.run(*own, context.job.options.timeout, untried=untried)
    for number, proof in found:
        yield places[number], proof


def _of_members(
    context: Context,
    queries: Sequence[FamilyQuery],
    asked: Sequence[Asked],
    without: Mapping[int, CheckedOutcome],
) -> Iterator[tuple[int, CheckedOutcome]]:
    """Flips of the questions without a proof, by their numbers, checked; they are looked for in a
    copy of the network. What is undecided still is as it was."""
    if not without:
        return
    network, started = context.checker.lent()[0], monotonic()
    lent = [FamilyQuery(network, queries[k].cone, queries[k].goals) for k in without]
    found = flips_of_members(network, lent, context.job.options)
    share = (monotonic() - started) / len(without)
    for (k, outcome), flip in zip(without.items(), found, strict=True):
        seconds = outcome.seconds | {"search": outcome.seconds["search"] + share}
        if flip is None:
            yield k, replace(outcome, seconds=seconds)
            continue
        started = monotonic()
        (shown,) = context.checker.flips([queries[k]], [flip], [asked[k]])
        seconds["check"] += monotonic() - started
        if isinstance(shown, RefusedError):
            reason = f"the checker refused a flip that the search found: {shown}"
            yield k, CheckedOutcome(Undecided(reason), seconds)
        else:
            yield k, CheckedOutcome(flip, seconds, checked=shown)


def _shown(
    these: FamilyRound, place: int, proof: Robust | None
) -> tuple[Robust | Undecided, Checked | None]:
    """The verdict about a question of the round, and what the checker says of its proof."""
    if proof is None:
        return Undecided("no proof for every budget was found"), None
    try:
        return proof, these.check(place, proof)
    except RefusedError as flaw:
        return Undecided(f"the checker refused what the search found: {flaw}"), None


def _measured(context: Context, sample: int, worker: str) -> Record:
    """The record of the sample's distance or least margin, as close as it was found."""
    measure = _distance_of if context.job.question.distance is not None else _margin_of
    try:
        return measure(context, sample, worker)
    except MemoryError:
        return _above_memory(sample, worker)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the run
        return failure(sample, _reason(error), worker)


def _above_memory(sample: int, worker: str) -> Record:
    return Record(sample, "undecided", reason=MEMORY_LIMIT, worker=worker)


def _distance_of(context: Context, sample: int, worker: str) -> Record:
    points, question, started = context.points, context.job.question, monotonic()
    terms, checker = question.distance or DistanceTerms(), context.checker
    found = exact_radius(
        checker.lent_whole(), points, sample, norm=question.norm, decoder=question.decoder,
        clip=question.clip, within=terms.within, most=terms.most, options=context.job.options,
    )  # fmt: skip
    searched, reason = monotonic() - started, None if found.reached else found.reason
    if found.proof is None and found.flip is None:
        return Record(sample, "undecided", reason=reason or "nothing was found",
                      nodes=found.queries, seconds={"search": searched}, worker=worker)  # fmt: skip
    flip = None if found.flip is None else Flip(found.flip.point, found.flip.goal)
    claim = Distance(found.lower_size, found.upper, found.proof, flip)
    balls = sample_balls(context.network, points, question, sample)
    asked = asked_of_run(points.digest, question, [sample])
    ((_, shown),) = checker.distances([balls], ["distance"], lambda place: claim, asked)
    if isinstance(shown, RefusedError):
        raise shown
    goals = sample_goals(context.network, points, question, sample)
    seconds = {"search": searched, "check": monotonic() - started - searched}
    return interval_record(sample, shown, [goal.rival for goal in goals], reason=reason,
                           balls=found.queries, seconds=seconds, worker=worker)  # fmt: skip


def _margin_of(context: Context, sample: int, worker: str) -> Record:
    points, question, started = context.points, context.job.question, monotonic()
    terms, checker = question.margin or MarginTerms(), context.checker
    asked = asked_of_run(points.digest, question, [sample])
    query = sample_query(checker.network, points, question, sample)
    lent = Query(checker.lent_whole(), query.region, query.goals)
    if terms.curve:
        return _curve_of(context, sample, query, lent, worker)
    found = worst(lent, within=terms.within, options=context.job.options)
    searched, reason = monotonic() - started, None if found.reached else found.reason
    claim = Margin(found.lower, found.upper, found.proof, Flip(found.point, found.goal))
    ((_, shown),) = checker.margins([query], ["margin"], lambda place: claim, asked)
    if isinstance(shown, RefusedError):
        raise shown
    seconds = {"search": searched, "check": monotonic() - started - searched}
    return interval_record(sample, shown, [goal.rival for goal in query.goals], reason=reason,
                           balls=found.queries, seconds=seconds, worker=worker)  # fmt: skip


def _curve_of(context: Context, sample: int, query: Query, lent: Query, worker: str) -> Record:
    """The record of the sample's least margins on the balls of all radii."""
    checker, started = context.checker, monotonic()
    asked = asked_of_run(context.points.digest, context.job.question, [sample])
    balls = Balls(lent)
    found = margin_curve(balls.at, balls.last, context.job.options)
    claim, searched = found.evidence, monotonic() - started
    ((_, shown),) = checker.margins([query], ["margin"], lambda k: claim, asked, curves=True)
    if isinstance(shown, RefusedError):
        raise shown
    seconds = {"search": searched, "check": monotonic() - started - searched}
    return interval_record(sample, shown, [goal.rival for goal in query.goals],
                           reason=None if found.exact else found.reason,
                           balls=found.queries, seconds=seconds, worker=worker)  # fmt: skip


def hints_of(context: Context, sample: int, region: Region) -> list[Vector]:
    """The differently labelled samples whose balls of this radius meet the sample's own, and points
    on the one direction that the network reads, if it reads one alone."""
    question = context.job.question
    reach = 2 * (question.radius or Fraction(0))
    reach **= power(question.norm)
    reach = max(reach, 4 * (question.radius_squared or Fraction(0)))
    near = nearest_rivals(context.points, sample, question.norm, reach)
    return near + along_one_direction(context.network, context.points, sample, region)


def _at_center(
    context: Context, query: Query, sample: int, asked: Asked, outcome: CheckedOutcome
) -> CheckedOutcome:
    """The outcome; or, where no proof says that the sample itself is read right, the flip that it
    is if it is misread. Of a proved ball the center needs no look, which takes as long as a proof.
    """
    question = context.job.question
    if isinstance(outcome.verdict, Robust) or question.semantics != "real":
        return outcome  # as executed it was looked at before anything else
    (goal,) = goals_at_centers(context.network, context.points, question, [sample])
    if goal is not None:
        flip = Flip(tuple(context.points.point(sample)), goal)
        shown = context.checker.flips([query], [flip], [asked])[0]
        if isinstance(shown, Checked):
            return CheckedOutcome(flip, outcome.seconds, checked=shown)
    return outcome


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text[:500]
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
