"""Multipliers of the ball for all final sums of a network at once, and lemmas about the smallest.

On the ball of a sample its own distance test is small, and tests of samples farther away are large.
Of the latter one step shows all with one multiplier: the best one of the smallest sum whose lower
bound then decides something, because farther ones have more to spare. That the own test is small is
mostly tight, so it gets a lemma of its own, in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.branch import Number
from verifier.checker.leaf import LeafChecker
from verifier.checker.maxima import maxima_of
from verifier.checker.ridge import univariate_of
from verifier.checker.ridge_lemmas import lemmas_below
from verifier.checker.ridge_minima import FixedGrid, grid_of
from verifier.evidence.certificate import Leaf, Lemma, Node, Step, SumsStep
from verifier.search.clock import check_time
from verifier.search.deep import ridge_sums
from verifier.search.deep.simplest import shortened

ZERO = Fraction(0)
EXACT = 64  # sums whose bound is wanted in exact arithmetic, at most
SMALLEST = 3  # sums that are tried as the own one
HALVINGS = 60  # of the interval of logarithms in which a multiplier is looked for
FEW_HALVINGS = 24  # where it is rounded to 10 bits anyway: of 200 logarithms 2^-16 is left
Array = NDArray[np.float64]


class SumSearch:
    """Finds steps about the final sums and applies them to the checker, whose branch is its root.

    Raises RefusedError where the network has no tables of sums.
    """

    def __init__(self, checker: LeafChecker, deadline: float | None) -> None:
        self.checker, self._deadline = checker, deadline
        self.steps: list[Step] = []
        self._grid = grid_of(checker.scaled, checker.region)
        self._floats = _floats(self._grid)
        self._dual = Dual(checker, self._grid, self._floats)
        self._units: list[int] = self._grid.tables.final.units.tolist()
        self._order: list[int] = np.argsort(self._dual.center, kind="stable").tolist()

    def prove_own(self) -> None:
        """A lemma that one of the smallest sums, or a unit that reads it, is off."""
        for k in self._order[:SMALLEST]:
            check_time(self._deadline)
            for unit in self._small_ones(k):
                if self._turn_off(k, unit):
                    return

    def bound_others(self) -> bool:
        """Whether a step was found that decides something, and applied."""
        multiplier = self._least_useful(self._order)
        if multiplier is None:  # of those that matter some are farther than others that do not
            matter = [k for k in self._order if self._matters(self._units[k])]
            multiplier = self._least_useful(matter)
        if multiplier is None:
            return False
        self._apply(SumsStep((multiplier,), ()))
        return True

    def _least_useful(self, order: list[int]) -> Fraction | None:
        """The best multiplier of the smallest of these sums whose lower bound then decides
        something; farther ones are taken to have more to spare, and to matter less."""
        low, high = 0, len(order)
        found: Fraction | None = None
        while low < high:
            check_time(self._deadline)
            middle = (low + high) // 2
            if not self._matters(self._units[order[middle]]):
                high = middle
                continue
            multiplier = self._useful(order[middle])
            if multiplier is None:
                low = middle + 1
            else:
                found, high = multiplier, middle
        return found

    def exact_ones(self, is_tight: Callable[[int], bool] = lambda unit: False) -> list[Lemma]:
        """Lower bounds of the smallest of the other sums, and of those that are tight, in exact
        arithmetic: in a family they may have nothing to spare at the last parameter. (Tests of the
        sample's own label may be smaller, and decide nothing.) Their numbers are for whoever lifts
        them."""
        rest = [k for k in self._order if self._dual.center[k] > 0]
        if not rest:
            return []
        limit = self._dual.center[rest[0]] * (1 + 2.0**-16)
        wanted = [k for k in rest if self._dual.center[k] <= limit or is_tight(self._units[k])]
        found = []
        for k in wanted[:EXACT]:
            check_time(self._deadline)
            found += lemmas_below(self.checker, self._units[k])
            multiplier = shortened(self._dual.best(k, 1)[0])[0]
            tree = (Node((), Leaf(ball=multiplier)),)
            found.append(Lemma(self._units[k], False, ZERO, tree))
        return found

    def _apply(self, step: SumsStep) -> None:
        self.checker.tighten_sums(step)
        self.steps.append(step)

    # ------------------------------------------------------------------ the own one

    def _small_ones(self, k: int) -> list[int]:
        """The sum, or the units that read it alone, if they are undecided and off at the centre."""
        v, checker = self._units[k], self.checker
        found: list[int] = []
        scales, inputs = checker.scaled.scales, checker.inputs
        if _open(checker, v) and self._dual.center[k] <= 0:
            return [v]
        for w in maxima_of(checker.scaled).readers(inputs + v):
            variables, weights, constant = checker.scaled.plain_row(w)
            if len(variables) == 1 and weights[0] > 0 and _open(checker, w):
                limit = -constant / (weights[0] * scales[inputs + v])
                if self._dual.center[k] <= limit * (1 + 1e-9):
                    found.append(w)
        return found

    def _turn_off(self, k: int, unit: int) -> bool:
        """Adds the lemma that the unit is off, if a leaf shows it."""
        checker = self.checker
        best = self._exact_best(k)
        before, steps = checker.mark(), list[Step]()
        steps += lemmas_below(checker, unit)
        for multiplier in shortened(best):
            lemma = Lemma(unit, True, ZERO, (Node((), Leaf(ball=multiplier)),))
            if checker.closes(Leaf(ball=multiplier), lemma):
                checker.assume(lemma)
                self.steps += [*steps, lemma]
                return True
        checker.undo(before)
        return False

    def _exact_best(self, k: int) -> float:
        """The best multiplier for an upper bound of the sum, to the last digits of a float."""
        tables = self._grid.tables
        final, entries = tables.final, slice(*tables.final.starts[k : k + 2].tolist())
        summands = [
            (tables.line_of_profile[profile], tables.profiles[profile], factor)
            for profile, factor in zip(
                final.profiles[entries].tolist(), final.factors[entries].tolist(), strict=True
            )
        ]
        return ridge_sums.Dual(
            self.checker, summands, self._grid.scales[k], -1, self.checker.minima()
        ).best()

    def _turn_off_by_step(self, unit: int, best: float) -> bool:
        """The same by a step about upper bounds."""
        for multiplier in shortened(best)[:1]:
            self._apply(SumsStep((), (multiplier,)))
        return not _open(self.checker, unit)

    # ------------------------------------------------------------------ the others

    def _useful(self, k: int) -> Fraction | None:
        """The best multiplier for the lower bound of the sum, if that decides another unit."""
        best, value = self._dual.best(k, 1, FEW_HALVINGS)
        return shortened(best)[0] if best > 0 and self._helps(k, value) else None

    def _matters(self, v: int) -> bool:
        """Whether a unit that reads the sum, directly or not, is undecided and read by one that is
        not off, or by none."""
        rows, checker = maxima_of(self.checker.scaled), self.checker
        waiting, seen = [v], {v}
        while waiting:
            readers = rows.readers(checker.inputs + waiting.pop())
            for w in readers:
                if w not in seen and checker.upper(w) > 0:
                    seen.add(w)
                    above = rows.readers(checker.inputs + w)
                    live = not above or any(checker.upper(a) > 0 for a in above)
                    if live and _open(checker, w):
                        return True
                    if live:
                        waiting.append(w)
        return False

    def _helps(self, k: int, value: float) -> bool:
        """Whether a unit is off or on if the sum is at least `value`."""
        checker, v = self.checker, self._units[k]
        rows, inputs, scales = maxima_of(checker.scaled), checker.inputs, checker.scaled.scales
        known: dict[int, float] = {v: value * scales[inputs + v]}
        waiting = [v]
        while waiting:
            for w in rows.readers(inputs + waiting.pop()):
                if w in known or checker.upper(w) <= 0:
                    continue
                low, high = self._interval(w, known)
                if _open(checker, w) and high <= 0:
                    return True
                if low > 0:
                    known[w] = low
                    waiting.append(w)
        return False

    def _interval(self, w: int, known: dict[int, float]) -> tuple[float, float]:
        variables, weights, constant = self.checker.scaled.plain_row(w)
        low = high = float(constant)
        for j, weight in zip(variables, weights, strict=True):
            ends = self.checker.variable_ends(j)
            first, last = float(ends[0]), float(ends[1])
            first = max(first, known.get(j - self.checker.inputs, first))
            low += weight * (first if weight > 0 else last)
            high += weight * (last if weight > 0 else first)
        return low, high


def _open(checker: LeafChecker, v: int) -> bool:
    low: Number = checker.lower(v)
    return low < 0 < checker.upper(v)


class Dual:
    """The bound of a final sum as a function of the multiplier, in floats, on one ball."""

    def __init__(self, checker: LeafChecker, grid: FixedGrid, floats: _Floats) -> None:
        scaled, region = checker.scaled, checker.region
        minima, univariate = checker.minima(), univariate_of(scaled)
        ends = [minima.interval(line) for line in grid.lines]
        center = [
            float(sum((g * region.center[k] for k, g in univariate.directions[line]), ZERO))
            for line in grid.lines
        ]
        shares = univariate.ball_weights(grid.lines, region.norm)
        at = floats.line
        middle = np.array(center)[at]
        self.size, self.exponent = float(region.size), int(region.norm)
        self.left = np.maximum(np.array([float(e) for e, _ in ends])[at], floats.left) - middle
        self.right = np.minimum(np.array([float(e) for _, e in ends])[at], floats.right) - middle
        self.value = floats.value - floats.slope * (floats.place - middle)  # at the centre
        self.slope, self.share = floats.slope, np.array([float(s) for s in shares])[at]
        self._grid, self._floats = grid, floats
        inside = np.where((self.left <= 0) & (self.right >= 0), self.value, np.inf)
        values = np.minimum.reduceat(inside, floats.starts[:-1])
        final = grid.tables.final
        self.constants = floats.constants
        if any(final.rates):  # m, the last input, is a number
            m = float(checker.input_bounds(checker.inputs - 1)[0])
            rates = [rate / scale for rate, scale in zip(final.rates, grid.scales, strict=True)]
            self.constants = self.constants + m * np.array(rates)
        self.center = np.add.reduceat(values[grid.gather], final.starts[:-1]) + self.constants

    def best(self, k: int, sign: int, halvings: int = HALVINGS) -> tuple[float, float]:
        """About the multiplier with the greatest lower bound of sign * sum k, and that bound."""
        final, starts = self._grid.tables.final, self._floats.starts
        functions = self._grid.gather[final.starts[k] : final.starts[k + 1]]
        counts = starts[functions + 1] - starts[functions]
        begins = np.cumsum(counts) - counts
        pieces = np.repeat(starts[functions] - begins, counts) + np.arange(int(counts.sum()))
        live = self.left[pieces] <= self.right[pieces]
        owner = np.repeat(np.arange(len(functions)), counts)[live]
        pieces = pieces[live]
        groups = np.searchsorted(owner, np.arange(len(functions)))
        part = _Part(
            self.left[pieces],
            self.right[pieces],
            sign * self.value[pieces],
            sign * self.slope[pieces],
            self.share[pieces],
            groups,
            np.diff(np.append(groups, len(pieces))),
            self.exponent,
        )
        low, high = -100.0, 100.0  # logarithms to base 2
        if part.at(2.0**low)[1] <= self.size:
            return 0.0, sign * float(self.constants[k]) + part.at(0.0)[0]
        for _ in range(halvings):
            middle = (low + high) / 2
            if part.at(2.0**middle)[1] > self.size:
                low = middle
            else:
                high = middle
        best = 2.0**high
        constant = sign * float(self.constants[k])
        return best, part.at(best)[0] - best * self.size + constant


class _Part:
    """Pieces of the functions of one sum."""

    def __init__(
        self,
        left: Array,
        right: Array,
        value: Array,
        slope: Array,
        share: Array,
        groups: NDArray[np.intp],
        counts: NDArray[np.intp],
        exponent: int,
    ) -> None:
        self.left, self.right, self.value, self.slope = left, right, value, slope
        self.share, self.groups, self.counts, self.exponent = share, groups, counts, exponent

    def at(self, multiplier: float) -> tuple[float, float]:
        """The sum of the least values with this multiplier, and how far away they are."""
        p = self.exponent
        rate = multiplier * self.share
        with np.errstate(divide="ignore", invalid="ignore"):
            if p == 1:
                turn = np.where(np.abs(self.slope) > rate, -np.sign(self.slope) * np.inf, 0.0)
            else:
                turn = -np.sign(self.slope) * (np.abs(self.slope) / (p * rate)) ** (1 / (p - 1))
        place = np.clip(np.nan_to_num(turn), self.left, self.right)
        away = np.abs(place) ** p
        values = self.value + self.slope * place + rate * away
        least = np.minimum.reduceat(values, self.groups)
        chosen = np.where(values <= np.repeat(least, self.counts), away * self.share, np.inf)
        return float(least.sum()), float(np.minimum.reduceat(chosen, self.groups).sum())


class _Floats:
    """The pieces of a grid in floats."""

    def __init__(self, grid: FixedGrid) -> None:
        pieces, constants = grid.side(False)
        unit, fine = 2.0**-grid.place, 2.0**-grid.value
        self.place = pieces.place.astype(np.float64) * unit
        self.value = pieces.value.astype(np.float64) * fine
        self.slope = pieces.slope.astype(np.float64) * (fine / unit)
        self.left = np.where(pieces.begins, -np.inf, pieces.left.astype(np.float64) * unit)
        self.right = np.where(pieces.ends, np.inf, pieces.right.astype(np.float64) * unit)
        counts = len(grid.line_of)
        self.starts = np.searchsorted(pieces.function, np.arange(counts + 1))
        position = {line: k for k, line in enumerate(grid.lines)}
        lines = np.array([position[line] for line in grid.line_of.tolist()], dtype=np.int64)
        self.line = lines[pieces.function]
        self.constants: Any = np.array([float(c) for c in constants]) * (fine * 2.0**12)


@lru_cache(maxsize=4)
def _floats(grid: FixedGrid) -> _Floats:
    return _Floats(grid)
