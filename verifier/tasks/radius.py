"""How far a sample keeps its label: the exact distance to the nearest flip, or an interval for it.

    found = exact_radius(network, points, 3, norm="2")
    found.exact        whether it is known exactly; then
    found.upper        the distance of `found.flip`, an exact point (its square for norm 2)
    found.proof        shows that the open ball of that radius has no flip

First a flip that is near, then a proof on a ball that ends just below it, or a nearer flip; at the
end the nearest flip in its linear piece, and a proof on the open ball that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, isqrt
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.exact_radius import check_radius
from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.manifest import Question
from verifier.checker.scaled import scaled_for
from verifier.evidence.certificate import Flip, Radius, Robust, Undecided, Verdict
from verifier.evidence.data_file import Points
from verifier.evidence.proof_file import load_proof
from verifier.question.errors import RefusedError, UserError
from verifier.question.labels import default_decoder
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.rational import sqrt_lower, sqrt_upper
from verifier.question.region import Norm, distance, power
from verifier.question.shown import Shown, brief
from verifier.search.clock import LateError, within
from verifier.search.options import MEMORY_LIMIT, Options
from verifier.search.threads import one_thread
from verifier.tasks.around import Around, Floats, FoundFlip, Vector
from verifier.tasks.verify import verify

PART = 1024  # the interval is this part of its upper end before the last step
SMALLEST = 2**40  # the interval is at least this part of the largest radius: flips may have no end
VALUE_IS_OPEN = "decoder value: no flip is the nearest; ask for an interval with within"
BEYOND = (30, 24, 18)  # bits of the shares by which a solver's point is moved away from the center
_RIVALS = 8  # samples looked at as flips
_OPTIMISM = 3  # balls asked that end just below the nearest flip, before halving


@dataclass(frozen=True, slots=True, repr=False)
class RadiusInterval(Shown):
    """No flip is nearer than `lower_size`; `flip`, if there is one, is at `upper`.

    Both are distances, their squares for norm 2. `lower_size` is proved by `proof`, a checked proof
    of `question`, on a closed ball or, if the radius is exact, on an open one; without a proof it
    is 0. `upper` is None if no flip was found. `pair` shows that `question` asks about the exact
    radius, if it is known and not zero. `reached` says that the ends are as close as asked,
    or that the closed ball of size `lower_size` is the largest asked about; else `reason` says why
    they are not. `reads_right` says whether the network reads the label at the sample itself.
    `solver` is what a MILP solver said of the nearest flip, if one was asked.
    """

    sample: int
    label: str
    norm: Norm
    lower_size: Fraction
    proof: Robust | None
    question: Query | None
    upper: Fraction | None
    flip: FoundFlip | None
    pair: Radius | None
    reached: bool
    reason: str
    queries: int
    seconds: float
    reads_right: bool
    solver: str = ""

    @property
    def lower(self) -> Fraction:
        """A radius within which there is no flip, the largest where it is rational."""
        return _root_below(self.lower_size) if self.norm == "2" else self.lower_size

    def _facts(self) -> list[tuple[str, str]]:
        """The interval in a few words; the evidence is in `proof`, `flip` and `pair`."""
        square = "squared distance" if self.norm == "2" else "distance"
        away = "none found" if self.upper is None else brief(self.upper)
        known = [(square, away), ("exact", str(self.exact))]
        if not self.exact:
            known.insert(0, ("no flip within", brief(self.lower)))
        rival = "none" if self.flip is None else repr(self.flip.rival)
        shown = [("sample", str(self.sample)), ("label", repr(self.label)), ("norm", self.norm)]
        shown += [*known, ("rival", rival)]
        return shown if self.reached else [*shown, ("reason", repr(self.reason))]

    @property
    def misread(self) -> bool:
        """Whether the sample itself is a flip, at distance 0."""
        return self.upper == 0

    @property
    def exact(self) -> bool:
        """Whether `upper` is the distance to the nearest flip."""
        return self.upper == self.lower_size


def exact_radius(
    network: Network,
    points: Points,
    sample: int,
    *,
    norm: Norm = "inf",
    decoder: str | None = None,
    clip: tuple[Fraction, Fraction] | None = None,
    within: Fraction | None = None,
    most: Fraction | None = None,
    options: Options = Options(),
    hints: Sequence[Vector] = (),
) -> RadiusInterval:
    """The exact distance from the sample to its nearest flip, or an interval that holds it.

    within: how long an interval is enough; None for the exact distance. most: the largest radius
    asked about; by default the distance to the farthest sample. options.timeout: seconds for all of
    it; a single ball gets half of what is left. hints: points that may be flips.
    Raises UserError for a bound that is not positive, for what `Question` refuses, and for the
    decoder `value`, where the infimum of the distances of flips is not attained.
    """
    for name, bound in (("within", within), ("max", most)):
        if bound is not None and bound <= 0:
            raise UserError(f"{name} is not positive: {bound}")
    decoder = decoder or default_decoder(network.outputs.count)
    question = Question(norm, decoder, Fraction(0), None, clip)
    if within is None and question.decoder == "value":
        raise UserError(VALUE_IS_OPEN)
    around = Around(Floats(network), points, question, sample, options.seed)
    size = None if most is None else largest_asked(around, most)
    goals = range(len(around.goals))
    return interval_around(around, goals, length=within, most=size, options=options, hints=hints)


def exact_radii(
    network: Network,
    points: Points,
    samples: Sequence[int],
    *,
    norm: Norm = "inf",
    decoder: str | None = None,
    clip: tuple[Fraction, Fraction] | None = None,
    within: Fraction | None = None,
    most: Fraction | None = None,
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
    known: Callable[[int], RadiusInterval | None] = lambda sample: None,
    keep: Callable[[RadiusInterval], None] = lambda found: None,
) -> list[RadiusInterval]:
    """`exact_radius` of each of these samples, in their order.

    `known` gives what is known of a sample already, and `keep` is called with each result as soon
    as it is there, so that nothing is lost when the rest is interrupted.
    """
    listed = []
    for sample in samples:
        found = known(sample) or exact_radius(
            network,
            points,
            sample,
            norm=norm,
            decoder=decoder,
            clip=clip,
            within=within,
            most=most,
            options=options,
        )
        listed.append(found)
        keep(found)
        progress(len(listed))
    return listed


def stored_radius(
    path: Path,
    network: Network,
    points: Points,
    sample: int,
    *,
    norm: Norm,
    decoder: str,
    clip: tuple[Fraction, Fraction] | None = None,
) -> RadiusInterval | None:
    """The exact radius of the sample that the pair in this proof file shows, after a check of it.

    None without a file. Raises RefusedError for a file about another question, and for a pair that
    does not show its radius.
    """
    if not path.exists():
        return None
    started = monotonic()
    around = Around(Floats(network), points, Question(norm, decoder, Fraction(0), None, clip),
                    sample, 0)  # fmt: skip
    size = load_proof(path, network=network).query.region.size
    query = around.query(size, range(len(around.goals)), open=True)
    pair = load_proof(path, network=network, query=query).verdict
    if not isinstance(pair, Radius):
        raise RefusedError("another verdict", f"{path}: not an exact radius")
    check_radius(query, pair)
    flip = around.found(pair.flip.goal, pair.flip.point, "stored")
    return RadiusInterval(
        sample, around.label, norm, size, pair.proof, query, size, flip, pair, True, "", 0,
        monotonic() - started, around.reads_right,
    )  # fmt: skip


def interval_around(
    around: Around,
    goals: Sequence[int],
    *,
    length: Fraction | None,
    most: Fraction | None,
    options: Options,
    hints: Sequence[Vector] = (),
    exact: bool = True,
) -> RadiusInterval:
    """The radius for these goals alone; `most` is a size, for norm 2 a squared radius.

    Without `length` it is exact, or with exact=False in an interval of a 1024th of its upper end.
    Raises UserError for a norm above 2.
    """
    if power(around.norm) > 2:
        raise UserError(f"norm {around.norm}: distances are measured in inf, 1 and 2")
    search = _Search(around, list(goals), length, most, options)
    with one_thread():
        return search.run(hints, exact=exact and length is None)


class _Search:
    def __init__(
        self,
        around: Around,
        goals: list[int],
        within: Fraction | None,
        most: Fraction | None,
        options: Options,
    ) -> None:
        self.around, self.goals, self.within = around, goals, within
        self.solver_name, self.solver = options.solver if around.norm != "2" else None, ""
        self.options = options if around.norm == "2" else replace(options, engine="exact")
        self.most = most if most is not None else largest_asked(around)
        self.squared = around.norm == "2"
        self.lower = Fraction(0)  # a radius
        self.lower_size = Fraction(0)
        self.proof: Robust | None = None
        self.question: Query | None = None
        self.best: FoundFlip | None = None
        self.blocked: Fraction | None = None  # a radius at which the search gave up
        self.reason = ""
        self.queries = 0
        self.started = monotonic()
        timeout = options.timeout
        self.deadline = None if timeout is None else self.started + timeout

    def run(self, hints: Sequence[Vector], *, exact: bool) -> RadiusInterval:
        """The interval; as far as it came where the time or the memory ends."""
        try:
            with within(self.deadline):
                return self._run(hints, exact=exact)
        except LateError:
            self.reason = "timeout"
        except MemoryError:
            self.reason = MEMORY_LIMIT
        return self._result(reached=False)

    def _run(self, hints: Sequence[Vector], *, exact: bool) -> RadiusInterval:
        empty = self.around.beyond_clip(Fraction(0))
        if empty is not None:
            self.reason = empty.replace("the ball of ", "")
            return self._result(reached=False)
        self._begin(hints)
        if self.best is None:
            self._ask(self.most)
            if self.best is None and self.blocked is None:
                return self._result(reached=True)
        if not self._close_in():
            return self._result(reached=False)
        if exact and self.best is not None and self.best.distance:
            return self._result(reached=self._touch(self.best))
        return self._result(reached=True)

    def _close_in(self) -> bool:
        """Asks about closed balls until the interval is short; whether it is."""
        optimism = _OPTIMISM
        while self.best is None or self.best.distance:
            if self.best is not None and self._is_within(self.best.distance):
                break
            if self.deadline is not None and monotonic() > self.deadline:
                self.reason = self.reason or "timeout"
                return False
            top, step = self._top()
            if self.blocked is not None and top - self.lower <= step:
                return False
            if self.blocked is None and optimism:
                optimism -= 1
                radius = _up(top - step, step / 8)
            else:
                radius = _up((self.lower + top) / 2, step / 8)
            if not self.lower < radius < top:
                radius = (self.lower + top) / 2
            self._ask(radius**2 if self.squared else radius)
        return True

    def _touch(self, flip: FoundFlip) -> bool:
        """Asks about the open ball that the nearest flip touches; whether a proof came of it."""
        while True:
            flip = self.best = self.around.settled(flip)
            verdict = self._answer(self.around.query(flip.distance, self.goals, open=True))
            if isinstance(verdict, Robust):
                self.lower_size = flip.distance
                return True
            if isinstance(verdict, Undecided):
                self.reason = verdict.reason
                return False
            nearer = self.around.shown(verdict, self.goals, "exact")
            if nearer is None or nearer.distance >= flip.distance:
                raise RuntimeError("a flip in the open ball is not nearer than its radius")
            flip = self.around.nearer(nearer)

    def _begin(self, hints: Sequence[Vector]) -> None:
        """The nearest flip that hints, other samples and linear pieces show."""
        around = self.around
        at_home = around.misread(self.goals)
        if at_home is not None:
            self.best = at_home
            return
        listed = around.at([*hints, *_rivals(around)], self.goals, "rival")
        listed = sorted(listed, key=lambda flip: flip.distance)[:2]
        for flip in listed:
            self._take_nearer(flip)
        for goal in self.goals:
            plane = around.nearby(goal)
            if plane is not None:
                self._take_nearer(plane)
        if self.solver_name is not None:
            self._ask_solver(self.solver_name)

    def _ask_solver(self, solver: str) -> None:
        """Takes the flips that a MILP solver names as the nearest of each goal."""
        from verifier.search.flips.by_solver import nearest_of_solver

        query = self.around.query(self.best.distance if self.best else self.most, self.goals)
        scaled = scaled_for(query.network, [query])
        checker = LeafChecker(query, scaled, interval_bounds(scaled, [query.region])[0])
        self.solver, points = nearest_of_solver(checker, solver, self.deadline)
        center = self.around.center
        for goal, point in points:
            for share in (Fraction(0), *(Fraction(1, 1 << bits) for bits in BEYOND)):
                # A little further out, for the solver's tolerance; the line search takes it back.
                further = [x + share * (x - c) for x, c in zip(point, center, strict=True)]
                flip = self.around.found(self.goals[goal], tuple(further), "solver")
                if flip is not None:
                    self._take_nearer(flip)
                    break

    def _take_nearer(self, flip: FoundFlip) -> None:
        """Takes the flip, then one that is nearer, if there is time to look for it."""
        self._take(flip)
        self._take(self.around.nearer(flip))

    def _take(self, flip: FoundFlip) -> None:
        if flip.distance <= self.most and (self.best is None or flip.distance < self.best.distance):
            self.best = flip

    def _ask(self, size: Fraction) -> None:
        """Learns from the closed ball of that size."""
        verdict = self._answer(self.around.query(size, self.goals))
        radius = _root_below(size) if self.squared else size
        if isinstance(verdict, Robust):
            self.lower, self.lower_size = radius, size
        elif isinstance(verdict, Flip):
            flip = self.around.shown(verdict, self.goals, "exact")
            if flip is not None:
                self._take_nearer(flip)
        else:
            self.blocked, self.reason = radius, verdict.reason

    def _answer(self, query: Query) -> Verdict:
        """The checked answer, for half of the time that is left; a proof is kept."""
        options = self.options
        if self.deadline is not None:
            remaining = max(0.01, (self.deadline - monotonic()) / 2)
            options = replace(options, timeout=remaining)
        verdict = verify(query, options).verdict
        self.queries += 1
        if isinstance(verdict, Robust):
            self.proof, self.question = verdict, query
        return verdict

    def _is_within(self, upper: Fraction) -> bool:
        """Whether upper - lower is at most what is asked, by squares for norm 2."""
        step = self._step(upper)
        reach = self.lower + step
        return reach * reach >= upper if self.squared else reach >= upper

    def _step(self, upper: Fraction) -> Fraction:
        """What the interval may measure; for norm 2 `upper` is a square."""
        if self.within is not None:
            return self.within
        top, largest = upper, self.most
        if self.squared:
            top, largest = _root_below(upper), _root_below(self.most)
        return max(top / PART, largest / SMALLEST)

    def _top(self) -> tuple[Fraction, Fraction]:
        """A radius at or just above the upper end, and the length asked for."""
        if self.best is None:
            top = self.blocked or Fraction(0)
            return top, self.within or top / PART
        step = self._step(self.best.distance)
        top = self.best.distance
        if self.squared:
            top = sqrt_upper(top, _bits(step / 8))
        return (top if self.blocked is None else min(top, self.blocked)), step

    def _result(self, *, reached: bool) -> RadiusInterval:
        around, pair, reason = self.around, None, self.reason
        if self.solver and not reached:
            reason = f"{self.solver}; the exact engine gives no proof: {reason}"
        if self.best is not None:
            around.check(self.best, self.best.distance)
            if self.proof is not None and self.lower_size == self.best.distance:
                goal = self.goals.index(self.best.goal)
                pair = Radius(self.proof, Flip(self.best.point, goal))
        return RadiusInterval(
            around.sample,
            around.label,
            around.norm,
            self.lower_size,
            self.proof,
            self.question,
            None if self.best is None else self.best.distance,
            self.best,
            pair,
            reached,
            "" if reached else reason,
            self.queries,
            monotonic() - self.started,
            around.reads_right,
            self.solver,
        )


def _rivals(around: Around) -> list[Vector]:
    """The nearest samples of other labels: the network reads most of them otherwise."""
    points = around.points
    away = _rough_distances(around)
    away[points.labels == points.labels[around.sample]] = np.inf
    nearest = np.argsort(away, kind="stable")[:_RIVALS].tolist()
    return [points.point(k) for k in nearest if away[k] < np.inf]


def largest_asked(around: Around, most: Fraction | None = None) -> Fraction:
    """The size of the largest ball asked about: of radius `most`, else the distance to the farthest
    sample or so, its square for norm 2; positive."""
    if most is not None:
        return most**2 if around.norm == "2" else most
    far = around.points.point(int(_rough_distances(around).argmax()))
    return distance(around.norm, around.center, far) or Fraction(1)


def _rough_distances(around: Around) -> NDArray[np.float64]:
    """About how far each sample is from the center, up to a common factor."""
    numerators: Any = around.points.numerators
    if numerators.dtype == object:
        longest = max(abs(int(n)) for n in numerators.flat).bit_length()
        numerators = numerators >> max(0, longest - 60)
    rough = numerators.astype(np.float64)
    gaps = np.abs(rough - rough[around.sample])
    result: NDArray[np.float64] = (
        gaps.max(axis=1) if around.norm == "inf" else (gaps ** int(around.norm)).sum(axis=1)
    )
    return result


def _root_below(square: Fraction) -> Fraction:
    """The square root if it is rational, else a little less."""
    top, below = isqrt(square.numerator), isqrt(square.denominator)
    if top * top == square.numerator and below * below == square.denominator:
        return Fraction(top, below)
    return sqrt_lower(square, _bits(square) + 64)


def _bits(size: Fraction) -> int:
    """The least k >= 0 for which 2^-k is at most `size`, or one more."""
    return max(0, size.denominator.bit_length() - size.numerator.bit_length() + 1)


def _up(value: Fraction, grid: Fraction) -> Fraction:
    """The least multiple of a power of two, not above `grid`, that is at least `value`."""
    scale = 1 << _bits(grid)
    return Fraction(ceil(value * scale), scale)
