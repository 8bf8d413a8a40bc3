"""Flips near a center: full moves to vertices, directions worth a look, and exact line search."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Norm, Region
from verifier.search.attack import exact_flip, project
from verifier.search.bounds.floats import FloatNetwork, dual, float_vector, to_float
from verifier.search.clock import tick

Float = NDArray[np.float64]
Vector = tuple[Fraction, ...]

_STEPS = 256  # of a line, in floats
_SIDES = 8  # of a bracket, in rationals


def corners(
    query: Query, network: FloatNetwork, goal: int, *, starts: int, rounds: int, seed: int
) -> Flip | None:
    """A flip at a vertex of the region (L2: on its sphere), by full moves along the gradient.

    Each move goes where the linear piece at hand is greatest; vertices are exact.
    """
    region, target = query.region, query.goals[goal]
    low, high = float_vector(region.lower), float_vector(region.upper)
    random = np.random.default_rng(seed)
    points = low + (high - low) * random.random((starts, len(low)))
    points[0] = (low + high) / 2
    points = project(region, points)
    seen: set[bytes] = set()
    for _ in range(rounds):
        tick()
        _, gradients = network.ascend(target, points)
        vertices = [_vertex(region, gradient) for gradient in gradients]
        points = np.array([float_vector(vertex) for vertex in vertices])
        margins = network.margins(target, points)
        for k in np.argsort(-margins, kind="stable")[:4].tolist():
            key = points[k].tobytes()
            if margins[k] < -1e-7 * (1 + abs(margins[k])) or key in seen:
                continue
            seen.add(key)
            flip = exact_flip(query, goal, vertices[k])
            if flip is not None:
                return flip
    return None


def _vertex(region: Region, gradient: Float) -> list[Fraction]:
    """Where gradient . x is greatest on the region (on the ball, then clipped), L2 about."""
    if region.norm == "inf":
        sides = zip(region.lower, region.upper, gradient.tolist(), strict=True)
        return [high if g > 0 else low for low, high, g in sides]
    point = list(region.center)
    if region.norm == "1":
        k = int(np.abs(gradient).argmax())
        point[k] += region.size if gradient[k] > 0 else -region.size
    else:
        step = dual(region.norm, gradient[None])[1][0]
        steps = (step * to_float(region.size) ** (1 / region.power)).tolist()
        point = [c + Fraction(step) for c, step in zip(point, steps, strict=True)]
    sides_of = zip(point, region.lower, region.upper, strict=True)
    return [min(max(x, low), high) for x, low, high in sides_of]


def directions(
    network: FloatNetwork, goal: Goal, norm: Norm, center: Sequence[Fraction], steps: int = 24
) -> Float:
    """Points, (count, inputs), each nearest to the center on a plane where the linear piece at the
    one before says that the goal begins to hold."""
    middle = float_vector(list(center))
    point, found = middle, []
    for step in range(steps):
        tick()
        nearest = nearest_on_plane(network, goal, norm, middle, point)
        if nearest is None:
            break
        found.append(nearest)
        # Half way from the third step on: full steps may go to and fro between two pieces.
        point = nearest if step < 2 else (point + nearest) / 2
    return np.array(found).reshape(-1, len(middle))


def nearest_on_plane(
    network: FloatNetwork, goal: Goal, norm: Norm, center: Float, point: Float
) -> Float | None:
    """The point nearest to `center` where the linear piece at `point` says that the goal begins to
    hold; None if it says so of the center, or of no point."""
    gradient = network.ascend(goal, point[None, :])[1][0]
    value = float(network.margins(goal, point[None, :])[0] + gradient @ (center - point))
    size = np.abs(gradient)
    if value >= 0 or not size.any():
        return None
    if norm == "inf":
        move = np.sign(gradient) * (-value / size.sum())
    elif norm == "2":
        move = gradient * (-value / float(gradient @ gradient))
    else:
        lengths, steps = dual(norm, gradient[None])
        move = steps[0] * (-value / float(lengths[0]))
    nearest: Float = center + move
    return nearest if np.isfinite(nearest).all() else None


def crossings(
    network: FloatNetwork, goal: Goal, center: Sequence[Fraction], points: Float, reach: float
) -> list[tuple[float, int]]:
    """(t, k), least t first: the goal seems to hold at center + t (points[k] - center), t <= reach,
    and at no smaller multiple that was tried."""
    middle = float_vector(list(center))
    listed = []
    for k, point in enumerate(points):
        tick()
        steps = reach * np.arange(1, _STEPS + 1) / _STEPS
        margins = network.margins(goal, middle + steps[:, None] * (point - middle))
        hits = np.flatnonzero(margins >= 0)
        if hits.size:
            listed.append((float(steps[hits[0]]), k))
    return sorted(listed)


def first_on_segment(
    network: Network,
    goal: Goal,
    center: Vector,
    point: Vector,
    rough: FloatNetwork | None = None,
    rounds: int = 4,
) -> Vector:
    """A point of the segment from `center` to `point`, which satisfies the goal, that satisfies it.

    It is where the goal begins to hold, exactly if its atoms are closed and one linear piece
    reaches from the last bracket over it, else up to 2^-20 of the length or so.
    """
    move = [x - c for x, c in zip(point, center, strict=True)]

    def at(t: Fraction) -> Vector:
        return tuple(c + t * d for c, d in zip(center, move, strict=True))

    values: dict[Fraction, Fraction] = {}
    strict = any(atom.strict for atom in goal.atoms)

    def holds(t: Fraction) -> bool:
        return values[t] > 0 if strict else values[t] >= 0

    def look(ts: Sequence[Fraction]) -> None:
        new = [t for t in dict.fromkeys(ts) if t not in values]
        points = [at(t) for t in new]
        for t, x, y in zip(new, points, evaluate(network, points), strict=True):
            values[t] = min(_value(atom, x, y) for atom in goal.atoms)

    low, high = Fraction(0), Fraction(1)
    look([low, high])
    if holds(low):
        return center
    if not holds(high):
        return point
    guess = None if rough is None else _rough_crossing(rough, goal, center, point)
    for number in range(rounds):
        tick()
        if number == 0 and guess is not None:
            step = Fraction(1, 1 << 16)
            ts = [max(low, guess - step), guess, min(high, guess + step)]
        else:
            ts = [low + (high - low) * k / _SIDES for k in range(1, _SIDES)]
        # Where the linear piece between the ends of the bracket begins to hold.
        secant = low - (high - low) * values[low] / (values[high] - values[low])
        look([*ts, secant])
        exact = values[secant] == 0 and not strict
        kept = sorted({low, high, *ts, *([secant] if exact else [])})
        at_first = next(k for k, t in enumerate(kept) if holds(t))
        low, high = kept[at_first - 1], kept[at_first]
        if exact and high == secant:
            break
    return at(high)


def _value(atom: Atom, x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    value = atom.constant + sum((c * x[k] for k, c in atom.inputs), Fraction(0))
    return value + sum((c * y[j] for j, c in atom.outputs), Fraction(0))


def _rough_crossing(
    network: FloatNetwork, goal: Goal, center: Vector, point: Vector
) -> Fraction | None:
    """About where on the segment, as a share of it, the goal first holds."""
    middle = float_vector(list(center))
    move = float_vector(list(point)) - middle
    low, high = 0.0, 1.0
    for _ in range(3):
        tick()
        ts = low + (high - low) * np.arange(1, _STEPS + 1) / _STEPS
        hits = np.flatnonzero(network.margins(goal, middle + ts[:, None] * move) >= 0)
        if not hits.size:
            return None
        first = int(hits[0])
        low, high = (ts[first - 1] if first else low), ts[first]
    return Fraction(round(high * 2**24), 2**24)
