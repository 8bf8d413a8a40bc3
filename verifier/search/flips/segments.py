"""Flips on segments from the centre, found by walking exactly from linear piece to linear piece.

A network that floats cannot hold, with weights of hundreds of bits, has flips that no gradient
shows: between two kinks of one unit that are closer than any float sees. On a segment the network
is a function of one number, and every unit a linear function of it on each piece. The walk follows
all units of one piece, in integers, goes on to where the first of them changes its sign, and looks
at the goals there. What it finds is exact, however thin the piece.

The segments go from the centre towards the kinks that it sees: for each undecided unit, which is a
form of the inputs on the piece of the centre, straight at the hyperplane where it is zero and on to
the end of the region, if that hyperplane meets the region. The nearest kinks come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip
from verifier.question.query import Atom
from verifier.question.rational import sqrt_upper
from verifier.question.region import Region, root_upper
from verifier.search.attack import OPEN, exact_flip, into_region
from verifier.search.clock import check_time
from verifier.search.flips.hints import extremes

ZERO = Fraction(0)
SEGMENTS = 64  # walked for one query
FEW_TERMS, TERMS = 200_000, 12_000_000  # of forms and pieces, added up for one query
Vector = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """start + t move for t in [0, 1]."""

    start: Vector
    move: Vector

    def at(self, t: Fraction) -> Vector:
        """The point at t."""
        return tuple(x + t * d for x, d in zip(self.start, self.move, strict=True))


class SegmentSearch:
    """Looks for a flip of one query on segments; the checker's bounds say what is undecided."""

    def __init__(
        self, checker: LeafChecker, deadline: float | None = None, *, terms: int = TERMS
    ) -> None:
        self.checker = checker
        self.inputs = checker.inputs
        self._deadline = deadline
        self._left = terms
        self._units = self._live()

    def run(self) -> Flip | None:
        """A flip on one of the segments; None if there is none, or none within `terms`.

        Raises LateError after the deadline.
        """
        start = into_region(self.checker.region, list(extremes(self.checker.region)[0]))
        if start is None:
            return None
        for segment in self._segments(start)[:SEGMENTS]:
            flip = self._walk(segment)
            if flip is not None or self._left < 0:
                return flip
        return None

    def _live(self) -> list[int]:
        """The units that goals read and that are not off, increasing."""
        checker, row = self.checker, self.checker.root.rows.row
        outputs = checker.network.outputs
        waiting = {
            checker.root.rows.source(j)
            for goal in checker.query.goals
            for atom in goal.atoms
            for output, _ in atom.outputs
            for j in outputs.row(output)[0]
        }
        seen: set[int] = set()
        while waiting:
            v = waiting.pop() - self.inputs
            if v >= 0 and v not in seen and checker.upper(v) > 0:
                seen.add(v)
                waiting.update(row(v)[0])
        return sorted(seen)

    def _spend(self, terms: int) -> bool:
        self._left -= terms
        check_time(self._deadline)
        return self._left >= 0

    # ------------------------------------------------------------------ where to look

    def _segments(self, start: Vector) -> list[Segment]:
        """From the start at every kink that it sees, the nearest ones first, no direction twice."""
        nearest: dict[tuple[int, ...], tuple[Fraction, Segment]] = {}
        for constant, gradient in self._kinks(start):
            sign = -1 if constant > 0 else 1
            segment = steepest(
                self.checker.region, start, {k: sign * g for k, g in gradient.items()}
            )
            gain = sum((abs(g * segment.move[k]) for k, g in gradient.items()), ZERO)
            if gain < abs(constant) or gain == 0:
                continue
            share, key = abs(constant) / gain, _direction(segment.move)
            if key not in nearest or share < nearest[key][0]:
                nearest[key] = share, segment
        return [segment for _, segment in sorted(nearest.values(), key=lambda pair: pair[0])]

    def _kinks(self, start: Vector) -> Iterable[tuple[Fraction, dict[int, Fraction]]]:
        """Of each undecided unit its value at the start and its gradient there."""
        checker, inputs, scaled = self.checker, self.inputs, self.checker.scaled
        size = scaled.denominator
        values: dict[int, Fraction] = {k: x * size for k, x in enumerate(start)}
        forms: dict[int, dict[int, int]] = {k: {k: 1} for k in range(inputs)}
        for v in self._units:
            variables, weights, total = checker.root.rows.row(v)
            value: Fraction = Fraction(total)
            form: dict[int, int] = {}
            for j, weight in zip(variables, weights, strict=True):
                if j in forms:
                    value += weight * values[j]
                    for k, g in forms[j].items():
                        form[k] = form.get(k, 0) + weight * g
            if not self._spend(1 + len(form) * len(variables)):
                return
            gradient = {k: g for k, g in form.items() if g}
            if value > 0 or (value == 0 and gradient):
                values[inputs + v], forms[inputs + v] = value, gradient
            if gradient and checker.lower(v) < 0 < checker.upper(v):
                yield value, {k: Fraction(g * size) for k, g in gradient.items()}

    # ------------------------------------------------------------------ the walk

    def _walk(self, segment: Segment) -> Flip | None:
        """A flip at an end of a linear piece of the segment, or inside one."""
        size = self.checker.scaled.denominator
        common = lcm(*(x.denominator for x in (*segment.start, *segment.move)))
        lines = {
            k: (int(x * size * common), int(d * size * common))
            for k, (x, d) in enumerate(zip(segment.start, segment.move, strict=True))
        }
        entries = sum(len(self.checker.root.rows.row(v)[0]) for v in self._units)
        t = ZERO
        while t < 1 and self._spend(entries):
            end = min(self._piece(lines, common, t), Fraction(1))
            flip = self._flip_between(segment, lines, common, (t, end))
            if flip is not None:
                return flip
            t = end
        return None

    def _piece(self, lines: dict[int, tuple[int, int]], common: int, t: Fraction) -> Fraction:
        """Where the piece that begins at t ends; `lines` then holds each Z on it, P + Q t over
        `common`, of the units that are not off there."""
        inputs, row = self.inputs, self.checker.root.rows.row
        top, bottom = t.numerator, t.denominator
        end_top, end_bottom = 2, 1
        for v in self._units:
            variables, weights, constant = row(v)
            p, q = constant * common, 0
            for j, weight in zip(variables, weights, strict=True):
                line = lines.get(j)
                if line is not None:
                    p += weight * line[0]
                    q += weight * line[1]
            value = p * bottom + q * top
            if value > 0 or (value == 0 and q > 0):
                lines[inputs + v] = p, q
            else:
                lines.pop(inputs + v, None)
            if value and (value > 0) == (q < 0) and q and abs(p) * end_bottom < abs(q) * end_top:
                end_top, end_bottom = abs(p), abs(q)
        return Fraction(end_top, end_bottom)

    def _flip_between(
        self,
        segment: Segment,
        lines: dict[int, tuple[int, int]],
        common: int,
        ends: tuple[Fraction, Fraction],
    ) -> Flip | None:
        for number, goal in enumerate(self.checker.query.goals):
            low, high = ends
            for atom in goal.atoms:
                at_low, at_high = (self._atom(atom, segment, lines, common, t) for t in ends)
                low, high = _narrowed(low, high, ends, at_low, at_high)
                if atom.strict and at_low <= 0 and at_high <= 0:
                    low, high = Fraction(1), ZERO
            if low <= high:
                for t in dict.fromkeys(((low + high) / 2, high, low)):
                    flip = exact_flip(self.checker.query, number, list(segment.at(t)))
                    if flip is not None:
                        return flip
        return None

    def _atom(
        self,
        atom: Atom,
        segment: Segment,
        lines: dict[int, tuple[int, int]],
        common: int,
        t: Fraction,
    ) -> Fraction:
        checker, scales = self.checker, self.checker.scaled.scales
        value = atom.constant + sum(
            (c * (segment.start[k] + t * segment.move[k]) for k, c in atom.inputs), ZERO
        )
        for output, coefficient in atom.outputs:
            weights, constant = checker.network.outputs.fractions(output)
            value += coefficient * constant
            for j, weight in weights.items():
                line = lines.get(checker.root.rows.source(j))  # Z of both is the same
                if line is not None:
                    value += coefficient * weight * (line[0] + line[1] * t) / (scales[j] * common)
        return value


def _narrowed(
    low: Fraction,
    high: Fraction,
    ends: tuple[Fraction, Fraction],
    at_low: Fraction,
    at_high: Fraction,
) -> tuple[Fraction, Fraction]:
    """The part of [low, high] where a linear function with these values at the ends is >= 0."""
    if at_low >= 0 and at_high >= 0:
        return low, high
    if at_low < 0 and at_high < 0:
        return Fraction(1), ZERO
    zero = ends[0] + (ends[1] - ends[0]) * at_low / (at_low - at_high)
    return (low, min(high, zero)) if at_low >= 0 else (max(low, zero), high)


def steepest(region: Region, start: Sequence[Fraction], gradient: dict[int, Fraction]) -> Segment:
    """From `start` as far as the region reaches in the direction in which gradient . x gains most
    on a ball of its norm; of norm 2 a direction and a length that are nearly that, of norms above
    it those of the ball of norm 2 inside."""
    count = len(start)
    direction = [ZERO] * count
    if region.norm == "1":
        k = max(gradient, key=lambda k: abs(gradient[k]))
        direction[k] = Fraction(1 if gradient[k] > 0 else -1)
    else:
        for k, g in gradient.items():
            direction[k] = g if region.power > 1 else Fraction(1 if g > 0 else -1)
    if region.norm == "inf" and not region.open:
        sides = zip(start, region.lower, region.upper, direction, strict=True)
        return Segment(
            tuple(start),
            tuple((high - x if d > 0 else low - x) if d else ZERO for x, low, high, d in sides),
        )
    length = region.size
    p = region.power
    if p > 1 and length:
        # size / (size |d|^p)^(1/p) to the power p - 1 .. is radius / |d|, for p = 2 in one root.
        whole = sum((abs(d) ** p for d in direction), ZERO)
        if p == 2:
            length /= sqrt_upper(length * whole, 64 + whole.denominator.bit_length())
        else:
            length /= root_upper(length, p, 80) ** (p - 1) * root_upper(whole, p, 80)
    if region.open:
        length *= 1 - OPEN
    end = into_region(region, [x + length * d for x, d in zip(start, direction, strict=True)])
    return Segment(tuple(start), tuple(e - x for e, x in zip(end or start, start, strict=True)))


def _direction(move: Sequence[Fraction]) -> tuple[int, ...]:
    """The shortest vector of integers in this direction."""
    common = lcm(*(x.denominator for x in move))
    whole = [int(x * common) for x in move]
    divisor = gcd(*whole) or 1
    return tuple(x // divisor for x in whole)
