"""The worst case, exactly: the least margin on a region, with a point that has it and a proof.

    found = worst(query)
    found.upper        the margin at `found.point`, exact
    found.lower        what `found.proof` shows that the margin is nowhere below
    found.exact        whether the two are the same number

The margin is minus the largest, over goals, of a goal's least atom. Any margin m that a point has
is shown to be the least by refuting the goals with all atoms > -m. So a proof is asked for just
that; where there is none because a point has a smaller margin, its linear piece is minimised
exactly and the proof asked for again: pieces are finitely many. What is as close as asked, or all
that time allows, is an interval, proved and witnessed in the same way.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf, isfinite
from time import monotonic

from verifier.checker.exact_maximum import check_maximum
from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.scaled import scaled_for
from verifier.evidence.certificate import Flip, Maximum, Robust, Undecided
from verifier.question.errors import UserError
from verifier.question.margin import MarginTerms, margin_at_most, margin_below
from verifier.question.query import Query
from verifier.question.shown import Shown, brief
from verifier.search.attack import into_region
from verifier.search.clock import LateError
from verifier.search.clock import within as until
from verifier.search.exact.pattern import decide_pattern, pre_activations
from verifier.search.margins import lowest, proved_margin, seen_margin
from verifier.search.options import Options
from verifier.search.threads import one_thread
from verifier.tasks.verify import verify

Vector = tuple[Fraction, ...]
PIECES = 16  # linear pieces that are minimised, one after another, before a proof is asked for
TOLERANCE = 1e-6  # of solvers, relative
HALVINGS = 6  # of the interval, where the exact proof is not found


@dataclass(frozen=True, slots=True, repr=False)
class Worst(Shown):
    """On the region of `query` the margin is nowhere below `lower` and is `upper` at `point`, where
    the atoms of goal number `goal` are largest; both are checked.

    `question` asks for a margin below `lower`, and `proof` refutes it; None, like `lower`, where
    nothing is proved. `pair` if the two ends are the same. `reached`: they are as close as asked;
    else `reason` says why not. `solver` is what a MILP solver said, if one was asked.
    """

    query: Query
    lower: Fraction | None
    question: Query | None
    proof: Robust | None
    upper: Fraction
    point: Vector
    goal: int
    pair: Maximum | None
    reached: bool
    reason: str
    queries: int
    seconds: float
    solver: str = ""

    def _facts(self) -> list[tuple[str, str]]:
        """The interval in a few words; the evidence is in `proof`, `point` and `pair`."""
        lower = "nothing" if self.lower is None else brief(self.lower)
        shown = [("margin at least", lower), ("at a point", brief(self.upper))]
        shown += [("exact", str(self.exact)), ("rival", repr(self.query.goals[self.goal].rival))]
        return shown if self.reached else [*shown, ("reason", repr(self.reason))]

    @property
    def exact(self) -> bool:
        """Whether the least margin is known."""
        return self.lower == self.upper

    @property
    def witness(self) -> tuple[Query, Flip]:
        """The point as an answer to the question whether some point has a margin of `upper`."""
        return margin_at_most(self.query, self.upper), Flip(self.point, self.goal)


def worst(query: Query, *, within: Fraction | None = None, options: Options = Options()) -> Worst:
    """The least margin on the region, exactly or, with `within`, an interval of that length.

    options.timeout: seconds for all of it. options.engine: a MILP solver looks for the optimum, and
    the exact engine proves it. Raises UserError for a length that is not positive, for
    an open region, and for an L2 ball without `within`: there the least
    margin may be irrational.
    """
    terms = MarginTerms(within)
    if query.region.open:
        raise UserError("the worst case of an open region may be attained nowhere")
    if query.region.power > 2:
        raise UserError(f"norm {query.region.norm}: least margins are of inf, 1 and 2")
    if within is None and query.region.norm == "2":
        raise UserError("on an L2 ball the worst margin may be irrational: give --within")
    with one_thread():
        return _Search(query, terms, options).run()


class _Search:
    def __init__(self, query: Query, terms: MarginTerms, options: Options) -> None:
        self.query, self.terms = query, terms
        self.options = replace(options, engine="exact")  # a solver is asked once, for the optimum
        self._started = monotonic()
        self._deadline = None if options.timeout is None else self._started + options.timeout
        scaled = scaled_for(query.network, [query])
        self._root = interval_bounds(scaled, [query.region])[0]
        self._scaled = scaled
        self.queries = 0
        self.lower: Fraction | None = None
        self.question: Query | None = None
        self.proof: Robust | None = None
        with until(self._deadline):
            self.upper, self.point, self.goal = seen_margin(query, options.seed)
        self.solver, self._claimed = "", -inf
        if options.solver is not None:
            self._ask_solver(options.solver)
        self._descend_in_time()

    def run(self) -> Worst:
        """A proof for the margin that was seen, as long as no point has a smaller one."""
        reason = self._settle()
        if reason:
            self._prove_something()
            if self.solver:
                reason = f"{self.solver}; the exact engine gives no proof: {reason}"
        reached = self.terms.is_reached(self.lower, self.upper)
        pair = None
        if self.lower == self.upper and self.proof is not None and self.question is not None:
            pair = Maximum(self.proof, Flip(self.point, self.goal))
            check_maximum(self.question, pair)
        return Worst(
            self.query, self.lower, self.question, self.proof, self.upper, self.point, self.goal,
            pair, reached, "" if reached else reason, self.queries, monotonic() - self._started,
            self.solver,
        )  # fmt: skip

    def _ask_solver(self, solver: str) -> None:
        """Takes the best of the points that a MILP solver finds, one a goal, and what it claims."""
        from verifier.search.flips.by_solver import ask_solver

        checker = LeafChecker(self.query, self._scaled, self._root)
        said = ask_solver(checker, solver, self._deadline, optimum=True)
        listed = [into_region(self.query.region, list(point)) for _, point in said.points]
        points = [point for point in listed if point is not None]
        found = lowest(self.query, points) if points else None
        if found is not None and found[0] < self.upper:
            self.upper, self.point, self.goal = found
        if said.bound is not None:
            self._claimed = -said.bound
        what = "names an optimum" if isfinite(self._claimed) else "finds no optimum"
        fails = said.sentence if "fails" in said.sentence else f"milp:{solver} {what}"
        self.solver = fails

    def _settle(self) -> str:
        """Asks until the interval is as short as wanted; why not, if it stopped before."""
        while True:
            answer = self._ask(self.upper - (self.terms.within or 0), share=2)
            if isinstance(answer, Undecided):
                return answer.reason
            if isinstance(answer, Robust):
                return ""

    def _prove_something(self) -> None:
        """What symbolic bounds prove, what a solver claims up to its tolerance, then halfway to
        what was seen, while time is left."""
        bound = None
        with suppress(LateError, MemoryError), until(self._deadline):
            bound = proved_margin(self.query, LeafChecker(self.query, self._scaled, self._root))
        if bound is None:
            return
        if bound < self.upper:
            self._ask(bound, share=1)
        if isfinite(self._claimed):
            target = Fraction(self._claimed - TOLERANCE * (1 + abs(self._claimed)))
            if self.lower is not None and self.lower < target < self.upper:
                self._ask(target, share=2)
        for _ in range(HALVINGS):
            if self.lower is None or self._left() == 0:
                return
            self._ask((self.lower + self.upper) / 2, share=2)

    def _left(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - monotonic(), 0.0)

    def _ask(self, margin: Fraction, share: int) -> Robust | Flip | Undecided:
        """Whether a point has a smaller margin than this, in that share of the time that is left; a
        proof raises `lower`, a point drops `upper`."""
        left = self._left()
        if left == 0:
            return Undecided("timeout")
        self.queries += 1
        question = margin_below(self.query, margin)
        timeout = None if left is None else left / share
        verdict = verify(question, replace(self.options, timeout=timeout)).verdict
        if isinstance(verdict, Robust):
            self.lower, self.question, self.proof = margin, question, verdict
        elif isinstance(verdict, Flip):
            self.upper, self.point, self.goal = lowest(self.query, [verdict.point])
            self._descend_in_time()
        return verdict

    def _descend_in_time(self) -> None:
        """As far as there is time and memory."""
        with suppress(LateError, MemoryError), until(self._deadline):
            self._descend()

    def _descend(self) -> None:
        """Minimises the margin on the linear piece of the point, and on that of the point found
        there, as long as it becomes smaller."""
        if self.query.region.norm == "2":
            return
        for _ in range(PIECES):
            checker = LeafChecker(self.query, self._scaled, self._root)
            pre = pre_activations(self.query.network, self.point)
            phases = {
                v: a > 0 for v, a in enumerate(pre) if checker.lower(v) < 0 < checker.upper(v)
            }
            goal = self.query.goals[self.goal]
            point, _ = decide_pattern(self.query, checker, goal, phases)
            found = None if point is None else lowest(self.query, [tuple(point)])
            if found is None or found[0] >= self.upper or not self.query.region.contains(found[1]):
                return
            self.upper, self.point, self.goal = found
