"""One sample, its goals and the exact flips around it, for `verifier.tasks.flips` and `.radius`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.manifest import Question, sample_goals
from verifier.checker.replay import replay
from verifier.checker.scaled import evaluate, scaled_for
from verifier.evidence.certificate import Flip
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.rational import format_rational
from verifier.question.region import Region, ball_of_size, distance, power
from verifier.question.shown import Shown
from verifier.search.attack import ascend, into_region
from verifier.search.bounds.floats import FloatNetwork, fits, float_network, float_vector
from verifier.search.clock import tick
from verifier.search.exact.pattern import decide_pattern, pre_activations
from verifier.search.flips.nearby import (
    corners,
    crossings,
    directions,
    first_on_segment,
    nearest_on_plane,
)

_PIECES = 20  # linear pieces in a row

Vector = tuple[Fraction, ...]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class FoundFlip(Shown):
    """At `point` the network gives `outputs`, and there `rival` ties with or beats the label.

    `distance` is ||point - sample||, its square for norm 2. All of it is exact. `goal` numbers the
    goals of the sample's question; `method` says how the point was found.
    """

    sample: int
    goal: int
    rival: str
    point: Vector
    outputs: Vector
    distance: Fraction
    method: str


def next_dyadic(size: Fraction) -> Fraction:
    """A positive number above `size`, by at most a 1024th, with few bits."""
    exponent = size.numerator.bit_length() - size.denominator.bit_length() - 12
    unit = Fraction(2) ** exponent if size else Fraction(1)
    return (size // unit + 1) * unit


class Floats:
    """A network with its shadow in floats, if it is small enough to have one."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @cached_property
    def rough(self) -> FloatNetwork | None:
        """None where a dense float matrix of all variables would be too large."""
        return float_network(self.network) if fits(self.network) else None


class Around:
    """Sample `sample` of `points` and questions about balls around it."""

    def __init__(
        self, floats: Floats, points: Points, question: Question, sample: int, seed: int = 0
    ) -> None:
        self.network, self.floats, self.points = floats.network, floats, points
        self.norm, self.clip, self.sample, self.seed = question.norm, question.clip, sample, seed
        self.decoder, self.center = question.decoder, points.point(sample)
        self.goals = sample_goals(self.network, points, question, sample)
        self.label = points.label_names[int(points.labels[sample])]

    def misread(self, goals: Sequence[int]) -> FoundFlip | None:
        """The flip at the sample itself, if one of these goals holds there and the clip does not
        leave it out."""
        return next(iter(self.at([self.center], goals, "sample")), None)

    @cached_property
    def reads_right(self) -> bool:
        """Whether the network reads the label at the sample itself, clip or not."""
        (outputs,) = evaluate(self.network, [self.center])
        return not any(
            all(atom.holds(self.center, outputs) for atom in goal.atoms) for goal in self.goals
        )

    def beyond_clip(self, size: Fraction) -> str | None:
        """Why the ball of that size holds no point: it does not meet the clip; None if it does."""
        if self.clip is None or self._is_inside(self.center):
            return None
        nearest = [min(max(x, self.clip[0]), self.clip[1]) for x in self.center]
        if distance(self.norm, self.center, nearest) <= size:
            return None
        low, high = map(format_rational, self.clip)
        return f"the ball of sample {self.sample} does not meet the clip {low}..{high}"

    def region(self, size: Fraction, *, open: bool = False) -> Region:
        """The ball of this size, see `ball_of_size`, closed or not, clipped."""
        return ball_of_size(self.norm, self.center, size, clip=self.clip, open=open)

    def query(self, size: Fraction, goals: Sequence[int], *, open: bool = False) -> Query:
        """Does one of these goals hold in the ball of that size?"""
        asked = tuple(self.goals[k] for k in goals)
        return Query(self.network, self.region(size, open=open), asked)

    def rival(self, goal: int) -> str:
        """The name of the label that wins where the goal holds."""
        name = self.goals[goal].rival
        return self.points.label_names[int(name)] if name.isdigit() else name

    def found(self, goal: int, point: Vector, method: str) -> FoundFlip | None:
        """The flip at `point`, evaluated exactly, if there is one and it is not clipped away."""
        return next(iter(self.at([point], [goal], method)), None)

    def at(
        self, points: Sequence[Sequence[Fraction]], goals: Sequence[int], method: str
    ) -> list[FoundFlip]:
        """The flips among these points, of these goals; all are evaluated at once, exactly."""
        inside = [tuple(point) for point in points if self._is_inside(point)]
        flips = []
        for point, values in zip(inside, evaluate(self.network, inside), strict=True):
            away = distance(self.norm, self.center, point)
            for goal in goals:
                if all(atom.holds(point, values) for atom in self.goals[goal].atoms):
                    rival, outputs = self.rival(goal), tuple(values)
                    flips.append(FoundFlip(self.sample, goal, rival, point, outputs, away, method))
        return flips

    def _is_inside(self, point: Sequence[Fraction]) -> bool:
        return self.clip is None or all(self.clip[0] <= x <= self.clip[1] for x in point)

    @np.errstate(all="ignore")  # floats may not hold the weights; then nothing comes of them
    def attack(
        self, size: Fraction, goal: int, hints: Sequence[tuple[Vector, str]] = ()
    ) -> FoundFlip | None:
        """A flip in the ball of that size, by hints, vertices, then gradients; strong, not sure."""
        query = self.query(size, [goal])
        for hint, method in hints:
            moved = into_region(query.region, list(hint))
            flip = None if moved is None else self.found(goal, moved, method)
            if flip is not None:
                return flip
        rough = self.floats.rough
        if rough is None:
            return None
        shown = corners(query, rough, 0, starts=16, rounds=8, seed=self.seed)
        if shown is not None:
            return self.found(goal, shown.point, "corner")
        shown = ascend(query, rough, 0, starts=64, steps=40, seed=self.seed)
        return None if shown is None else self.found(goal, shown.point, "gradient")

    @np.errstate(all="ignore")  # floats may not hold the weights; then nothing comes of them
    def nearer(self, flip: FoundFlip) -> FoundFlip:
        """A flip of the same goal at most as far: moved to the center, exactly, while it is one;
        then from the best nearby plane again, while that helps."""
        best = self._pulled(flip)
        rough = self.floats.rough
        middle = float_vector(list(self.center))
        while rough is not None and best.distance:
            point = float_vector(list(best.point))
            target = self.goals[best.goal]
            plane = nearest_on_plane(rough, target, self.norm, middle, point)
            if plane is None:
                break
            other = self._best_crossing(best.goal, plane[None, :], 2.0, best.method)
            if other is None or other.distance >= best.distance:
                break
            gained = best.distance - other.distance
            best = other
            if gained * 1000 < best.distance:
                break
        return best

    @np.errstate(all="ignore")  # floats may not hold the weights; then nothing comes of them
    def settled(self, flip: FoundFlip) -> FoundFlip:
        """The nearest flip of the same goal in the linear piece of this one, exactly, and then in
        the pieces that meet it there, while that helps."""
        best, phases = flip, dict[int, bool]()
        for _ in range(_PIECES if self.floats.rough is not None else 0):
            tick()
            size = next_dyadic(best.distance)
            query = self.query(size, [best.goal], open=True)
            scaled = scaled_for(self.network, [query])
            checker = LeafChecker(query, scaled, interval_bounds(scaled, [query.region])[0])
            values = pre_activations(self.network, best.point)
            # Where a unit is at its kink, the side that was not the last one.
            phases = {
                v: a > 0 or (a == 0 and not phases.get(v, True)) for v, a in enumerate(values)
            }
            open_units = [v for v in phases if checker.lower(v) < 0 < checker.upper(v)]
            fixed = {v: phases[v] for v in open_units}
            point, _ = decide_pattern(query, checker, query.goals[0], fixed)
            other = None if point is None else self.found(best.goal, tuple(point), best.method)
            if other is None or other.distance >= best.distance:
                break
            best = other
        return best

    @np.errstate(all="ignore")  # floats may not hold the weights; then nothing comes of them
    def nearby(self, goal: int) -> FoundFlip | None:
        """A near flip along the directions in which the linear pieces around the sample say that
        the goal begins to hold."""
        rough = self.floats.rough
        if rough is None:
            return None
        points = directions(rough, self.goals[goal], self.norm, self.center)
        return self._best_crossing(goal, points, 4.0, "plane") if len(points) else None

    def shown(self, flip: Flip, goals: Sequence[int], method: str) -> FoundFlip | None:
        """The flip that a search found for `query(.., goals)`."""
        return self.found(goals[flip.goal], flip.point, method)

    def check(self, flip: FoundFlip, size: Fraction) -> None:
        """Returns if the checker accepts the flip for the ball of that size; else RefusedError."""
        goals = range(len(self.goals))
        replay(self.query(size, goals), Flip(flip.point, flip.goal))

    def _best_crossing(
        self, goal: int, points: Float, reach: float, method: str
    ) -> FoundFlip | None:
        rough = self.floats.rough
        if rough is None:
            return None
        middle = float_vector(list(self.center))
        sizes = abs(points - middle)
        order = np.inf if self.norm == "inf" else power(self.norm)
        lengths = np.linalg.norm(sizes, ord=order, axis=1)
        listed = crossings(rough, self.goals[goal], self.center, points, reach)
        for t, k in sorted(listed, key=lambda entry: entry[0] * lengths[entry[1]])[:3]:
            # A little further, for rounding; the line search takes it back.
            direction = (middle + t * (1 + 1e-9) * (points[k] - middle)).tolist()
            if not np.isfinite(direction).all():
                continue
            candidate = tuple(map(Fraction, direction))
            if self.clip is not None:
                low, high = self.clip
                candidate = tuple(min(max(x, low), high) for x in candidate)
            flip = self.found(goal, candidate, method)
            if flip is not None:
                return self._pulled(flip)
        return None

    @np.errstate(all="ignore")  # floats may not hold the weights; then nothing comes of them
    def _pulled(self, flip: FoundFlip) -> FoundFlip:
        goal = self.goals[flip.goal]
        point = first_on_segment(self.network, goal, self.center, flip.point, self.floats.rough)
        return self.found(flip.goal, point, flip.method) or flip
