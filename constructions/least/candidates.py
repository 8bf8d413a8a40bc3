"""Networks that are right at some points, and points of the balls at which they are wrong.

Floats look for such points, exact numbers decide; whatever is missed here is found, or proved not
to be there, by the questions about the balls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from constructions.least.questions import HALF, ZERO, Place, Vector, rational_root
from verifier.evidence.data_file import Points
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network
from verifier.question.region import Norm, distance
from verifier.search.bounds.floats import to_float

Float = NDArray[np.float64]
DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 48, 64, 256, 4096, 1 << 20, 1 << 36)
MOST_PATTERNS = 1 << 10  # of units that are on, whose linear pieces are looked at


@dataclass(frozen=True, slots=True)
class Candidate:
    """o(x) = constant + sum of relu(units[l] . (x, 1)), the units from number `positive` on with
    weight -1; label 1 where o > 0, or of more labels k where o is nearest to k scale."""

    positive: int
    units: tuple[Vector, ...]
    constant: Fraction
    scale: Fraction | None

    @staticmethod
    def of(theta: Vector, dimension: int, classes: int, positive: int) -> Candidate:
        """The network with these inputs of a dual question."""
        own = theta if classes == 2 else theta[:-1]
        parts = tuple(own[k : k + dimension + 1] for k in range(0, len(own) - 1, dimension + 1))
        return Candidate(positive, parts, own[-1], None if classes == 2 else theta[-1])

    @property
    def signs(self) -> list[int]:
        return [1 if k < self.positive else -1 for k in range(len(self.units))]

    def network(self) -> Network:
        """The same with labels as outputs: of two labels with the threshold 1/2."""
        dimension = len(self.units[0]) - 1
        build = NetworkBuilder(dimension)
        divisor = Fraction(1) if self.scale is None else self.scale
        hidden = build.layer([
            Affine({k: w for k, w in enumerate(unit[:-1]) if w}, unit[-1]) for unit in self.units
        ])  # fmt: skip
        total = Affine.sum(
            unit * (sign / divisor) for unit, sign in zip(hidden, self.signs, strict=True)
        )
        shift = HALF if self.scale is None else ZERO
        return build.network([total + self.constant / divisor + shift])

    def margin(self, label: int, classes: int, x: Sequence[Fraction]) -> Fraction:
        """Positive exactly where `label` is read at x."""
        o = self.constant
        for sign, unit in zip(self.signs, self.units, strict=True):
            a = unit[-1] + sum((w * q for w, q in zip(unit, x, strict=False)), ZERO)
            o += sign * max(a, ZERO)
        if self.scale is None:
            return o if label else -o
        sides = []
        if label > 0:
            sides.append(o - (label - HALF) * self.scale)
        if label < classes - 1:
            sides.append((label + HALF) * self.scale - o)
        return min(sides)


def wrong_points(
    candidate: Candidate, points: Points, norm: Norm, size: Fraction
) -> Iterator[Place]:
    """For each ball with such a point among those looked at, one where its label is not read."""
    rows = np.array([list(map(to_float, unit)) for unit in candidate.units])
    signs = np.array(candidate.signs, dtype=float)
    constant = to_float(candidate.constant)
    radius = to_float(size) ** (0.5 if norm == "2" else 1.0)
    for sample in range(points.size):
        center, label = points.point(sample), int(points.labels[sample])
        middle = np.array(list(map(to_float, center)))
        looked = np.array(list(_extremes(rows, signs, middle, norm, radius)))
        values = constant + np.maximum(looked @ rows[:, :-1].T + rows[:, -1], 0) @ signs
        margins = _margins(values, candidate, label, points.classes)
        order = np.argsort(margins, kind="stable")[:3]
        for place in order.tolist():
            if margins[place] > 1e-9:
                break
            half = min(Fraction(float(margins[place])) / 2, ZERO)

            def wrong(x: Vector, label: int = label, half: Fraction = half) -> bool:
                return candidate.margin(label, points.classes, x) <= half

            found = simple_point(center, looked[place], norm, size, wrong)
            if found is not None:
                yield sample, found
                break


def _margins(values: Float, candidate: Candidate, label: int, classes: int) -> Float:
    if candidate.scale is None:
        return values if label else -values
    scale, sides = to_float(candidate.scale), []
    if label > 0:
        sides.append(values - (label - 0.5) * scale)
    if label < classes - 1:
        sides.append((label + 0.5) * scale - values)
    found: Float = np.min(sides, axis=0)
    return found


def _extremes(
    rows: Float, signs: Float, center: Float, norm: Norm, radius: float
) -> Iterator[Float]:
    """The center, the points of the ball at which linear pieces are extreme, and in the plane also
    those at which kinks end or meet."""
    yield center
    n, width = len(center), len(rows)
    if 1 << width <= MOST_PATTERNS:
        for on in product((0.0, 1.0), repeat=width):
            gradient = (signs * np.array(on)) @ rows[:, :-1]
            for side in (1.0, -1.0):
                yield center + _steepest(side * gradient, norm, radius)
    if n <= 3:
        for corner in product((-1.0, 1.0, 0.0), repeat=n):
            direction = np.array(corner)
            if direction.any():
                yield center + _scaled(direction, norm, radius)
    if n != 2:
        return
    for row in rows:
        yield from _chord(row, center, norm, radius)
    for first, second in combinations(rows, 2):
        determinant = first[0] * second[1] - first[1] * second[0]
        if abs(determinant) > 1e-9:
            meeting = np.array([
                (first[1] * second[2] - second[1] * first[2]) / determinant,
                (second[0] * first[2] - first[0] * second[2]) / determinant,
            ])  # fmt: skip
            if _length(meeting - center, norm) <= radius:
                yield meeting


def _length(offset: Float, norm: Norm) -> float:
    return float(np.linalg.norm(offset, ord=np.inf if norm == "inf" else int(norm)))


def _scaled(direction: Float, norm: Norm, radius: float) -> Float:
    return direction * (radius / _length(direction, norm))


def _steepest(gradient: Float, norm: Norm, radius: float) -> Float:
    """The offset in the ball at which gradient . offset is greatest."""
    if not gradient.any():
        return np.zeros_like(gradient)
    if norm == "inf":
        return radius * np.sign(gradient)
    if norm == "2":  # whose squares may be below the smallest float
        return _scaled(gradient / np.abs(gradient).max(), norm, radius)
    found = np.zeros_like(gradient)
    k = int(np.argmax(np.abs(gradient)))
    found[k] = radius * np.sign(gradient[k])
    return found


def _chord(row: Float, center: Float, norm: Norm, radius: float) -> Iterator[Float]:
    """The ends of the part of the line row . (x, 1) = 0 that lies in the disc."""
    normal = row[:2]
    square = float(normal @ normal)
    if square < 1e-18:
        return
    start = -normal * (float(normal @ center) + row[2]) / square  # of the line, from the center
    along = np.array([-normal[1], normal[0]]) / square**0.5
    middle, reach = _least_along(start, along, norm), 4 * radius
    if _length(start + middle * along, norm) > radius:
        return
    for side in (1.0, -1.0):
        low, high = 0.0, reach
        for _ in range(60):
            step = (low + high) / 2
            inside = _length(start + (middle + side * step) * along, norm) <= radius
            low, high = (step, high) if inside else (low, step)
        yield center + start + (middle + side * low) * along


def _least_along(start: Float, along: Float, norm: Norm) -> float:
    """Where a line comes nearest to the origin: `start` in L2, else at one of its breaks."""
    breaks = [0.0]
    if norm != "2":
        forms = [(start[0], along[0]), (start[1], along[1])]
        if norm == "inf":
            forms += [
                (start[0] - start[1], along[0] - along[1]),
                (start[0] + start[1], along[0] + along[1]),
            ]
        breaks += [-a / b for a, b in forms if abs(b) > 1e-12]
    return min(breaks, key=lambda t: _length(start + t * along, norm))


def simple_point(
    center: Vector,
    near: Float | Sequence[Fraction],
    norm: Norm,
    size: Fraction,
    wanted: Callable[[Vector], bool],
) -> Vector | None:
    """A point of the ball with small denominators that is `wanted`, as near to `near` as needed;
    None if there is none of the kinds that are tried."""
    offsets = [Fraction(x) - c for x, c in zip(map(_fraction, near), center, strict=True)]
    for moved in _simpler(offsets, norm, size):
        x = tuple(c + d for c, d in zip(center, moved, strict=True))
        if distance(norm, center, x) <= size and wanted(x):
            return x
    return None


def _fraction(value: float | Fraction) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(float(value))


def _simpler(offsets: list[Fraction], norm: Norm, size: Fraction) -> Iterator[list[Fraction]]:
    unit = size if norm != "2" else rational_root(size) or Fraction(1)
    unit = unit or Fraction(1)
    for below in DENOMINATORS:
        grid = unit / below
        yield [round(d / grid) * grid for d in offsets]
        yield [int(d / grid) * grid for d in offsets]  # towards the center
        if norm == "2" and len(offsets) == 2 and rational_root(size):
            yield _on_circle(offsets, unit, below)
    yield offsets


def _on_circle(offsets: list[Fraction], radius: Fraction, below: int) -> list[Fraction]:
    """A point of the circle in about this direction, whose half angle has such a tangent."""
    x, y = map(float, offsets)
    length = (x * x + y * y) ** 0.5
    if x + length <= 1e-12 * length:
        return [-radius, ZERO]
    half = Fraction(round(y / (x + length) * below), below)
    whole = 1 + half * half
    return [radius * (1 - half * half) / whole, radius * 2 * half / whole]
