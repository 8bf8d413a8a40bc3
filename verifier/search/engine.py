"""From queries to checked verdicts: root bounds in batches, then one method after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from time import monotonic

from threadpoolctl import ThreadpoolController

from verifier.checker.batch import check_batch, scaled_for
from verifier.checker.intervals import RootBounds, chunks, interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.replay import replay
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Robust, Undecided
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.search.bounds.floats import fits
from verifier.search.clock import LateError, check_time
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.ridge_sums import is_worth_trying
from verifier.search.flips.by_solver import flip_of_solver, solver_of
from verifier.search.flips.hints import Vector, extremes, flips_at_hints
from verifier.search.flips.segments import FEW_TERMS, SegmentSearch
from verifier.search.margins import proved_margin, seen_margin
from verifier.search.options import Options, Outcome
from verifier.search.trees.branching import branch

LOOKS = 8  # steps of the ascents that say how small a margin is where nothing was decided
MANY_UNITS, DEEP = 2000, 8  # beyond either, propagation is tried before anything in floats


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of the linear algebra that is loaded; looking for them takes a while."""
    return ThreadpoolController()


def search_batch(
    network: Network,
    queries: Sequence[Query],
    options: Options,
    progress: Callable[[int], None],
    hints: Sequence[Sequence[Vector]] | None = None,
) -> list[Outcome]:
    """The checked answers to all queries; see `verifier.tasks.verify.verify_batch`.

    In one thread: matrices are small, sums come in one order, and where the other cores are busy,
    threads that wait for each other take a hundred times as long.
    """
    with _pools().limit(limits=1, user_api="blas"):
        return _search_batch(network, queries, options, progress, hints)


def _search_batch(
    network: Network,
    queries: Sequence[Query],
    options: Options,
    progress: Callable[[int], None],
    hints: Sequence[Sequence[Vector]] | None,
) -> list[Outcome]:
    first = hints or [[extremes(query.region)[0]] for query in queries]
    flips = _flips(network, queries, first) if any(first) else {}
    still = [number for number in range(len(queries)) if number not in flips]
    found = _search_all(
        network,
        [queries[number] for number in still],
        options,
        lambda done: progress(len(flips) + done),
    )
    open_ones = [k for k, o in zip(still, found, strict=True) if isinstance(o.verdict, Undecided)]
    last = [queries[number] for number in open_ones]
    more = _flips(network, last, [extremes(query.region) for query in last])
    outcomes = dict(zip(still, found, strict=True)) | flips
    outcomes |= {open_ones[k]: outcome for k, outcome in more.items()}
    progress(len(outcomes))
    return [outcomes[number] for number in range(len(queries))]


def _flips(
    network: Network, queries: Sequence[Query], hints: Sequence[Sequence[Vector]]
) -> dict[int, Outcome]:
    """The outcomes of the queries that have a flip at one of their hints."""
    started = monotonic()
    flips = flips_at_hints(network, queries, hints)
    share = (monotonic() - started) / max(len(flips), 1)
    flaws = check_batch(network, [queries[k] for k in flips], list(flips.values()))
    seconds = {"bounds": 0.0, "search": share, "check": 0.0}
    return {
        number: Outcome(flip, seconds)
        for (number, flip), flaw in zip(flips.items(), flaws, strict=True)
        if flaw is None
    }


def _search_all(
    network: Network,
    queries: Sequence[Query],
    options: Options,
    progress: Callable[[int], None],
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not queries:
        return outcomes
    started = monotonic()
    scaled = scaled_for(network, queries)
    for chunk in chunks(scaled, len(queries)):
        part = queries[chunk]
        roots = interval_bounds(scaled, [query.region for query in part])
        share = (monotonic() - started) / len(part)
        roots.reverse()
        for query in part:  # each region's caches are dropped once it is answered
            outcomes.append(_search_one(query, scaled, roots.pop(), options, share))
            progress(len(outcomes))
        started = monotonic()
    return outcomes


def _search_one(
    query: Query, scaled: ScaledNetwork, root: RootBounds, options: Options, bounds_seconds: float
) -> Outcome:
    started = monotonic()
    deadline = None if options.timeout is None else started + options.timeout - bounds_seconds
    seconds = {"bounds": bounds_seconds, "search": 0.0, "check": 0.0}
    outcome = Outcome(Undecided("timeout"))
    # First trust the float bounds of leaves; if a proof is refused, close every leaf exactly.
    for believing in (True, False):
        try:
            outcome = _answer(query, scaled, root, options, deadline, believing)
        except LateError:
            outcome = Outcome(Undecided("timeout"))
        found, verdict = monotonic(), outcome.verdict
        seconds["search"] += found - started
        if isinstance(verdict, Undecided):
            break
        try:
            replay(query, verdict, scaled, root)
            flaw = None
        except RefusedError as error:
            flaw = error
        started = monotonic()
        seconds["check"] += started - found
        if flaw is None:
            break
        reason = f"the checker refused what the search found: {flaw}"
        outcome = replace(outcome, verdict=Undecided(reason))
    if isinstance(outcome.verdict, Undecided):
        verdict = _enclosed(query, scaled, root, outcome.verdict.reason, options.seed)
        outcome = replace(outcome, verdict=verdict)
    return replace(outcome, seconds=seconds)


def _is_large(query: Query) -> bool:
    return query.network.units.count > MANY_UNITS or query.network.depth > DEEP


def _enclosed(
    query: Query, scaled: ScaledNetwork, root: RootBounds, reason: str, seed: int
) -> Undecided:
    """Undecided, with what bounds of the whole region prove of the margin and with the margin of a
    point, where the network is small enough for a look that takes less than a branch or two."""
    if _is_large(query) or not fits(query.network) or query.region.open:
        return Undecided(reason)
    lower = proved_margin(query, LeafChecker(query, scaled, root))
    return Undecided(reason, lower, seen_margin(query, seed, steps=LOOKS)[0])


def _answer(
    query: Query,
    scaled: ScaledNetwork,
    root: RootBounds,
    options: Options,
    deadline: float | None,
    believing: bool,
) -> Outcome:
    """The outcome without its seconds; the verdict is not yet checked. If not `believing`, leaves
    are tried exactly as soon as they are found."""
    checker = TreeChecker(query, scaled, root)
    solver = solver_of(options.engine)
    if solver is not None:
        flip = flip_of_solver(checker, solver, deadline)
        if flip is not None:
            return Outcome(flip)
    check_time(deadline)  # bounds and solver may have taken it all
    large = _is_large(query)
    summed = is_worth_trying(checker)
    # What sums show of a box, a small tree mostly shows as well, in rules that VIPR has.
    sums = summed and (large or query.region.norm != "inf")
    propagation = Propagation(checker, deadline, sums=sums)
    if large or summed:
        flip, proved = None, False
        try:
            proved = propagation.run_quickly()
            if not proved:
                flip = SegmentSearch(checker, deadline, terms=FEW_TERMS).run()
                proved = flip is None and propagation.run_thoroughly()
        except RefusedError:  # the checker's arithmetic turned down what the search tried
            proved = False
        if proved:
            trees = tuple(tree for tree in propagation.trees if tree is not None)
            robust = Robust(tuple(propagation.steps), trees)
            return Outcome(robust, margins=tuple(propagation.margins))
        flip = flip or SegmentSearch(checker, deadline).run()
        if flip is not None:
            return Outcome(flip, margins=tuple(propagation.margins))
    if not fits(query.network):
        reason = "exact propagation leaves goals open, and the network is too large for floats"
        return Outcome(Undecided(reason), margins=tuple(propagation.margins))
    checker = TreeChecker(query, scaled, root)
    verdict, nodes = branch(query, checker, options, deadline, believing=believing)
    return Outcome(verdict, nodes=nodes)
