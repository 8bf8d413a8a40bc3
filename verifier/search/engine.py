"""One question, one method after another. What is found here is not checked yet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from time import monotonic

from verifier.checker.intervals import RootBounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.question.errors import RefusedError
from verifier.question.query import Query
from verifier.search.bounds.floats import fits
from verifier.search.clock import LateError, check_time, within
from verifier.search.deep.has_maxima import has_maxima
from verifier.search.deep.ridge_sums import is_worth_trying
from verifier.search.flips.segments import FEW_TERMS, SegmentSearch
from verifier.search.margins import proved_margin, seen_margin
from verifier.search.options import MEMORY_LIMIT, Options, Outcome
from verifier.search.trees.branching import branch
from verifier.search.trees.pairs import least_units
from verifier.search.used import note, tally

LOOKS = 8  # steps of the ascents that say how small a margin is where nothing was decided
LOOK_SECONDS = 1.0  # they may take, after the time of the query
MANY_UNITS, DEEP = 2000, 8  # beyond either, propagation is tried before anything in floats


def search_one(
    query: Query,
    scaled: ScaledNetwork,
    root: RootBounds,
    options: Options,
    deadline: float | None,
    *,
    believing: bool = True,
) -> Outcome:
    """What the search finds, without its seconds; nothing of it is checked yet.

    If not `believing` in floats, leaves are tried exactly as soon as they are found.
    """
    with tally() as counts:
        try:
            with within(deadline):
                outcome = _answer(query, scaled, root, options, deadline, believing)
        except LateError:
            outcome = Outcome(Undecided("timeout"))
        except MemoryError:
            return Outcome(Undecided(MEMORY_LIMIT), methods=dict(sorted(counts.items())))
    outcome = replace(outcome, methods=dict(sorted(counts.items())))
    if isinstance(outcome.verdict, Undecided):
        verdict = _enclosed(query, scaled, root, outcome.verdict.reason, options.seed)
        outcome = replace(outcome, verdict=verdict)
    return outcome


def _is_large(query: Query) -> bool:
    return query.network.units.count > MANY_UNITS or query.network.depth > DEEP


def _enclosed(
    query: Query, scaled: ScaledNetwork, root: RootBounds, reason: str, seed: int
) -> Undecided:
    """Undecided, with what bounds of the whole region prove of the margin and with the margin of a
    point, where the network is small enough for a look that takes less than a branch or two."""
    if _is_large(query) or not fits(query.network) or query.region.open:
        return Undecided(reason)
    try:
        with within(monotonic() + LOOK_SECONDS):
            lower = proved_margin(query, LeafChecker(query, scaled, root))
            return Undecided(reason, lower, seen_margin(query, seed, steps=LOOKS)[0])
    except (LateError, MemoryError):
        return Undecided(reason)


def _answer(
    query: Query,
    scaled: ScaledNetwork,
    root: RootBounds,
    options: Options,
    deadline: float | None,
    believing: bool,
) -> Outcome:
    sentence, denied = "", frozenset[int]()
    if options.solver is not None and not query.region.open:
        from verifier.search.flips.by_solver import ask_solver

        note(f"solver {options.solver}")
        said = ask_solver(TreeChecker(query, scaled, root), options.solver, deadline)
        if said.flip is not None:
            return Outcome(said.flip, solver=f"{said.sentence}, and it is one exactly")
        sentence, denied = said.sentence, said.denies
    try:
        outcome = _exactly(query, scaled, root, options, deadline, believing, denied)
    except LateError:
        outcome = Outcome(Undecided("timeout"))
    return _with_solver(outcome, sentence) if sentence else outcome


def _with_solver(outcome: Outcome, sentence: str) -> Outcome:
    """The outcome with what the solver said, and what the exact engine made of it."""
    match outcome.verdict:
        case Robust():
            return replace(
                outcome, solver=f"{sentence}; the exact engine proves that there is none"
            )
        case Flip():
            return replace(outcome, solver=f"{sentence}; the exact engine finds a flip")
        case Undecided() as verdict:
            told = f"{sentence}; the exact engine gives no proof: {verdict.reason}"
            return replace(outcome, verdict=replace(verdict, reason=told), solver=told)


def _exactly(
    query: Query,
    scaled: ScaledNetwork,
    root: RootBounds,
    options: Options,
    deadline: float | None,
    believing: bool,
    denied: frozenset[int],
) -> Outcome:
    """The answer of the exact engine alone; where flips of goals are `denied`, it attacks none."""
    checker = TreeChecker(query, scaled, root)
    check_time(deadline)  # bounds and solver may have taken it all
    summed = is_worth_trying(checker)
    margins: tuple[Fraction | None, ...] = ()
    # Differences of nearly equal networks have bounds of their own, however deep they are.
    if summed or (_is_large(query) and not query.network.derived(least_units)):
        found = _by_propagation(checker, deadline, summed=summed)
        if not isinstance(found.verdict, Undecided):
            return found
        margins = found.margins
    elif has_maxima(scaled):
        proved = _by_maxima(checker, deadline)
        if proved is not None:
            return Outcome(proved)
    if not fits(query.network):
        note("refused: floats, the network is too large")
        reason = "exact propagation leaves goals open, and the network is too large for floats"
        return Outcome(Undecided(reason), margins=margins)
    checker = TreeChecker(query, scaled, root)
    verdict, nodes = branch(query, checker, options, deadline, believing=believing, denied=denied)
    return Outcome(verdict, nodes=nodes)


def _by_maxima(checker: TreeChecker, deadline: float | None) -> Robust | None:
    """A proof by maxima, which costs less than a branch or two where there are any."""
    from verifier.search.deep.propagation import Propagation

    note("maxima")
    propagation = Propagation(checker, deadline)
    try:
        return propagation.proof() if propagation.run_by_maxima() else None
    except RefusedError:  # the checker's arithmetic turned down what the search tried
        note("refused: maxima, by the checker's arithmetic")
        return None


def _by_propagation(checker: TreeChecker, deadline: float | None, *, summed: bool) -> Outcome:
    """What the methods for constructed networks find; they use no floats."""
    from verifier.search.deep.propagation import Propagation  # trained networks do without

    # What sums show of a box, a small tree mostly shows as well, in rules that VIPR has.
    sums = summed and (_is_large(checker.query) or checker.query.region.norm != "inf")
    note("propagation")
    propagation = Propagation(checker, deadline, sums=sums)
    flip, proved = None, False
    try:
        proved = propagation.run_quickly()
        if not proved:
            flip = SegmentSearch(checker, deadline, terms=FEW_TERMS).run()
            proved = flip is None and propagation.run_thoroughly()
    except RefusedError:  # the checker's arithmetic turned down what the search tried
        note("refused: propagation, by the checker's arithmetic")
        proved = False
    verdict: Robust | Flip | None = flip
    if proved:
        verdict = propagation.proof()
    elif flip is None:
        note("segments")
        verdict = SegmentSearch(checker, deadline).run()
    open_goals = Undecided("exact propagation leaves goals open")
    return Outcome(verdict or open_goals, margins=tuple(propagation.margins))
