"""Multipliers of the ball for units that are sums of functions of one direction each.

A distance test adds up one function a coordinate. What a ball means for such a sum is a concave
maximum in one multiplier, found here in floats and rounded to a short rational; one multiplier
mostly serves many units. Where the functions are not convex and a gap is left, the branch is split
where one of them bends down, and the sum gets a lemma of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm
from time import monotonic
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from verifier.checker.branch import Number
from verifier.checker.leaf import LeafChecker
from verifier.checker.ridge import Crossing, Function, Minima, Sum, short, univariate_of
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    SeparableStep,
    Step,
    Tree,
)
from verifier.question.network import Network
from verifier.search.deep.simplest import shortened

ZERO = Fraction(0)
ROUNDS = 12  # multipliers in the steps
TRIES = 64  # units looked at for one multiplier
LEAVES = 64  # of a tree
Array = NDArray[np.float64]


_known: WeakKeyDictionary[ScaledNetwork, bool] = WeakKeyDictionary()


def is_worth_trying(checker: LeafChecker) -> bool:
    """Whether the network has functions of one direction that are more than single units."""
    found = _known.get(checker.scaled)  # asked for every ball
    if found is None and are_lines_apart(checker.scaled.network):
        found = _known[checker.scaled] = False
    if found is None:
        lines = univariate_of(checker.scaled).lines[checker.inputs :]
        lines = lines[lines >= 0]
        found = _known[checker.scaled] = bool(len(lines) >= 2 * len(np.unique(lines)) > 0)
    return found


@lru_cache(maxsize=2)
def are_lines_apart(network: Network) -> bool:
    """Whether it is plain that no two units lie on one direction: none reads a single variable, and
    those that read inputs alone are told apart by what they read and by the quotient of their last
    weight and their first. (A unit that reads more than one variable lies on a direction only if it
    reads inputs alone, or variables of one direction.)"""
    rows, seen = network.units, set()
    if bool((np.diff(rows.starts) == 1).any()):
        return False
    for begin, end in pairwise(rows.starts.tolist()):
        if begin < end and rows.indices[end - 1] < network.inputs:
            first, last = int(rows.numerators[begin]), int(rows.numerators[end - 1])
            mark = (rows.indices[begin:end].tobytes(), Fraction(last, first))
            if mark in seen:
                return False
            seen.add(mark)
    return True


class SeparableSearch:
    """Finds steps about sums and applies them to the checker, whose branch is its root."""

    def __init__(self, checker: LeafChecker, deadline: float | None) -> None:
        self.checker = checker
        self.steps: list[Step] = []
        self.changed: set[int] = set()  # units whose bounds steps may have changed
        self._deadline = deadline
        self._univariate = univariate_of(checker.scaled)
        self._norm = checker.region.norm
        self._crossing = {unit.unit: unit for unit in self._univariate.crossing}
        self._readers: dict[int, list[int]] = {}
        for unit in self._crossing.values():
            for u, _ in unit.others:
                self._readers.setdefault(u, []).append(unit.unit)
        self._sums: dict[int, Sum] = {}
        self._hopeless: set[int] = set()

    def run(self) -> None:
        """Steps with one multiplier each, as long as they decide units, then lemmas by trees."""
        if any(unit.own for unit in self._crossing.values()):
            self._apply(SeparableStep((ZERO,)))
        if not self._sums or self._norm == "inf":
            return
        for _ in range(ROUNDS):
            multiplier = self._next_multiplier()
            if multiplier is None:
                break
            self._apply(SeparableStep((multiplier,)))
        self._hopeless.clear()
        lemmas = len(self.steps)
        for v in self._needy():
            if self._late():
                return
            self._split(v)
        if len(self.steps) > lemmas:
            self._apply(SeparableStep(()))

    def _late(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline

    def _apply(self, step: SeparableStep) -> None:
        self._sums = self.checker.tighten_separably(step)
        self.steps.append(step)
        self.changed.update(self._crossing)

    # ------------------------------------------------------------------ what is needed

    def _undecided(self, v: int) -> bool:
        return self.checker.lower(v) < 0 < self.checker.upper(v)

    def _needy(self) -> list[int]:
        """Sums on which an undecided unit depends, those with the least lower bound first."""
        needy = [v for v in self._sums if v not in self._hopeless and self._is_needed(v)]
        scales, inputs = self.checker.scaled.scales, self.checker.inputs
        return sorted(
            needy, key=lambda v: (Fraction(self.checker.lower(v)) / scales[inputs + v], v)
        )

    def _is_needed(self, v: int) -> bool:
        waiting, seen, checker = [v], {v}, self.checker
        while waiting:
            u = waiting.pop()
            if checker.upper(u) <= 0:
                continue
            if self._undecided(u):
                return True
            for w in self._readers.get(u, ()):
                if w not in seen and not self._crossing[w].own:
                    seen.add(w)
                    waiting.append(w)
        return False

    def _helps(self, v: int, low: Number, high: Number) -> bool:
        """Whether another unit, or v itself, is decided if A_v lies in [low, high]."""
        known: dict[int, tuple[Number, Number]] = {v: (low, high)}
        if self._undecided(v) and high <= 0:
            return True
        if self._undecided(v) and low >= 0 and self._is_summand(v):
            return True
        waiting = [v]
        while waiting:
            u = waiting.pop()
            for w in self._readers.get(u, ()):
                if self._crossing[w].own or self.checker.upper(w) <= 0:
                    continue
                bounds = self._interval(self._crossing[w], known)
                if self._undecided(w) and bounds[1] <= 0:
                    return True
                if bounds[0] >= 0 and w not in known:
                    known[w] = bounds
                    waiting.append(w)
        return False

    def _is_summand(self, v: int) -> bool:
        return any(self._crossing[w].own for w in self._readers.get(v, ()))

    def _interval(
        self, unit: Crossing, known: dict[int, tuple[Number, Number]]
    ) -> tuple[Number, Number]:
        checker = self.checker
        low: Number = unit.constant
        high = low
        for u, weight in unit.others:
            ends = known.get(u) or (checker.lower(u), checker.upper(u))
            ends = max(ends[0], 0), max(ends[1], 0)
            low += weight * ends[weight < 0]
            high += weight * ends[weight > 0]
        return low, high

    # ------------------------------------------------------------------ multipliers

    def _next_multiplier(self) -> Fraction | None:
        minima = self.checker.minima()
        for v in self._needy()[:TRIES]:
            if self._late():
                return None
            found = self._useful(v, minima)
            if found is not None:
                return found
            self._hopeless.add(v)
        return None

    def _useful(self, v: int, minima: Minima) -> Fraction | None:
        """A multiplier whose bounds of unit v decide something."""
        scale = self.checker.scaled.scales[self.checker.inputs + v]
        for sign in (1, -1):
            dual = Dual(self.checker, self._summands(v), scale, sign, minima)
            best = dual.best()
            for multiplier in shortened(best):
                bound = self._bound(self._sums[v], scale, sign, multiplier, minima)
                if bound is None:
                    return None
                value = sign * bound * scale
                if sign > 0 and self._helps(v, value, self.checker.upper(v)):
                    return multiplier
                if sign < 0 and self._helps(v, self.checker.lower(v), value):
                    return multiplier
        return None

    def _summands(self, v: int) -> list[tuple[int, Function, int]]:
        univariate = self._univariate
        return [
            (univariate.line_of_profile[profile], univariate.profiles[profile], factor)
            for profile, factor in self._sums[v].profiles
        ]

    def _bound(
        self, total: Sum, scale: int, sign: int, multiplier: Fraction, minima: Minima
    ) -> Fraction | None:
        constant = Fraction(sign * total.constant, scale)
        return minima.lower_bound(total.profiles, sign, constant, scale, multiplier)

    # ------------------------------------------------------------------ trees

    def _split(self, v: int) -> None:
        """A lemma about the lower bound of unit v by splits, if that decides something."""
        self._left = LEAVES
        scale = self.checker.scaled.scales[self.checker.inputs + v]
        found = self._tree(v, scale)
        if found is None:
            return
        bound = short(found[0], upper=False)
        lemma = Lemma(v, False, bound, found[1])
        self.steps.append(lemma)
        self.checker.assume(lemma)

    def _tree(self, v: int, scale: int) -> tuple[Fraction, Tree] | None:
        """A tree of leaves, each of which would do for the whole ball."""
        checker, total = self.checker, self._sums[v]
        minima = checker.minima()
        dual = Dual(checker, self._summands(v), scale, 1, minima)
        if dual.is_empty:
            return None
        best = dual.best()
        upper = checker.upper(v)
        for multiplier in (ZERO, *shortened(best)):
            bound = self._bound(total, scale, 1, multiplier, minima)
            if bound is None:
                return None
            if self._helps(v, short(bound, upper=False) * scale, upper):
                return bound, (Node((), Leaf(ball=multiplier)),)
        kink = dual.kink(best)
        self._left -= 1
        if kink is None or self._left < 0 or self._late():
            return None
        line, place = kink
        split: InputSplit | PlaneSplit = PlaneSplit(self._univariate.directions[line], place)
        if line < checker.inputs:
            split = InputSplit(line, place)
        sides = []
        for high in (False, True):
            mark = checker.mark()
            checker.restrict(split, high=high)
            side = self._tree(v, scale)
            checker.undo(mark)
            if side is None:
                return None
            sides.append(side)
        (low_bound, low), (high_bound, high_tree) = sides
        return min(low_bound, high_bound), (Node((), split), *low, *high_tree)


@dataclass(frozen=True, slots=True)
class _Piece:
    line: int
    points: list[int]
    size: int  # of which they are fractions


class Dual:
    """The bound of sign * a_v as a function of the multiplier, in floats."""

    def __init__(
        self,
        checker: LeafChecker,
        summands: Sequence[tuple[int, Function, int]],
        scale: int,
        sign: int,
        minima: Minima,
    ) -> None:
        """`summands` are directions, functions and factors of `scale` times a_v, but for its
        constant."""
        univariate, region = univariate_of(checker.scaled), checker.region
        self.size, self.power = float(region.size), region.power
        lines = tuple(line for line, _, _ in summands)
        weights = univariate.ball_weights(lines, region.norm)
        self.is_empty = False
        self.pieces: list[_Piece] = []
        parts: list[tuple[Array, Array]] = []
        shares: list[float] = []
        for (line, function, factor), weight in zip(summands, weights, strict=True):
            low, high = minima.interval(line)
            if low > high:
                self.is_empty = True
                return
            size = lcm(function.size, low.denominator, high.denominator)
            points, heights = function.between(low, high, size)
            below = scale * size
            values = np.array([sign * factor * y / below for y in heights])
            self.pieces.append(_Piece(line, points, size))
            center = float(
                sum((g * region.center[k] for k, g in univariate.directions[line]), ZERO)
            )
            parts.append((np.array([x / size for x in points]) - center, values))
            shares.append(float(weight))
        self.starts = np.cumsum([0, *(max(1, len(u) - 1) for u, _ in parts[:-1])])
        self.left = np.concatenate([u[: max(1, len(u) - 1)] for u, _ in parts])
        self.right = np.concatenate([u[-max(1, len(u) - 1) :] for u, _ in parts])
        self.values = np.concatenate([v[: max(1, len(v) - 1)] for _, v in parts])
        last = np.concatenate([v[-max(1, len(v) - 1) :] for _, v in parts])
        run = self.right - self.left
        self.slopes = np.divide(last - self.values, run, out=np.zeros_like(run), where=run > 0)
        counts = [max(1, len(u) - 1) for u, _ in parts]
        self.shares = np.repeat(np.array(shares), counts)

    def best(self) -> float:
        """About the multiplier with the greatest bound."""
        if self.is_empty or not len(self.pieces):
            return 0.0
        low, high = 1e-30, 1e30
        if self._surplus(low) <= 0:
            return 0.0
        for _ in range(160):
            middle = (low * high) ** 0.5
            if self._surplus(middle) > 0:
                low = middle
            else:
                high = middle
            if high <= low * (1 + 1e-15):
                break
        return high

    def _surplus(self, multiplier: float) -> float:
        """A derivative of the bound: how far the minimizers are beyond the ball."""
        values, places = self._minima(multiplier)
        total = 0.0
        ends = [*self.starts[1:].tolist(), len(values)]
        first = np.minimum.reduceat(values, self.starts)
        group = np.repeat(np.arange(len(self.starts)), np.diff([*self.starts.tolist(), ends[-1]]))
        away = np.abs(places) ** self.power * self.shares
        chosen = np.where(values <= first[group], away, np.inf)
        total = float(np.minimum.reduceat(chosen, self.starts).sum())
        return total - self.size

    def _minima(self, multiplier: float) -> tuple[Array, Array]:
        """The least value on every piece, and where; u is relative to the center."""
        rate = multiplier * self.shares
        if self.power > 1:
            turns = -self.slopes / (self.power * rate)
            if self.power > 2:
                turns = np.sign(turns) * np.abs(turns) ** (1 / (self.power - 1))
            places = np.clip(turns, self.left, self.right)
            penalty = rate * np.abs(places) ** self.power
        else:
            inside = np.clip(0.0, self.left, self.right)
            options = np.stack([self.left, inside, self.right])
            heights = self.slopes * (options - self.left) + rate * np.abs(options)
            places = np.take_along_axis(options, heights.argmin(axis=0)[None], axis=0)[0]
            penalty = rate * np.abs(places)
        return self.values + self.slopes * (places - self.left) + penalty, places

    def kink(self, multiplier: float) -> tuple[int, Fraction] | None:
        """The line and the place where a function bends down between two minimizers that are
        nearly as good as each other."""
        values, _ = self._minima(max(multiplier, 1e-30))
        best: tuple[float, int, Fraction] | None = None
        ends = [*self.starts[1:].tolist(), len(values)]
        for piece, begin, end in zip(self.pieces, self.starts.tolist(), ends, strict=True):
            slopes = self.slopes[begin:end]
            for k in range(1, end - begin):
                if slopes[k] < slopes[k - 1] - 1e-12 * (1 + abs(slopes[k])):
                    gap = abs(values[begin : begin + k].min() - values[begin + k : end].min())
                    if best is None or gap < best[0]:
                        best = float(gap), piece.line, Fraction(piece.points[k], piece.size)
        return None if best is None else best[1:]
