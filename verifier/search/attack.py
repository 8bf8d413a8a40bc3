"""Counterexample search: points are found in floating point and believed in rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.question.query import Query
from verifier.question.rational import sqrt_upper
from verifier.question.region import Region, distance, root_upper
from verifier.search.bounds.floats import FloatNetwork, dual, float_region, to_float
from verifier.search.clock import check_time, tick

Float = NDArray[np.float64]
DRAWN, KEPT, ROUNDS = 16384, 256, 12  # of `sample`
OPEN = Fraction(1, 1 << 30)  # how far inside an open ball a point beyond it is put


def exact_flip(query: Query, goal: int, point: Float | list[Fraction]) -> Flip | None:
    """The flip at `point` moved into the region, if there is one in exact arithmetic."""
    if isinstance(point, np.ndarray) and not np.isfinite(point).all():
        return None  # numbers that floats do not hold
    moved = into_region(
        query.region, [Fraction(float(x)) if isinstance(x, float) else x for x in point]
    )
    if moved is None:
        return None
    outputs = evaluate(query.network, [moved])[0]
    if all(atom.holds(moved, outputs) for atom in query.goals[goal].atoms):
        return Flip(moved, goal)
    return None


def into_region(region: Region, point: list[Fraction]) -> tuple[Fraction, ...] | None:
    """A point of the region near `point`: clamped to the box, then pulled towards the center, into
    an open ball a little further."""
    clamped = tuple(
        min(max(Fraction(x), low), high)
        for x, low, high in zip(point, region.lower, region.upper, strict=True)
    )
    if region.contains(clamped):
        return clamped
    offsets = [x - c for x, c in zip(clamped, region.center, strict=True)]
    length, reach = distance(region.norm, clamped, region.center), region.size
    if region.norm == "2":
        length = sqrt_upper(length, 80)
        reach = region.size / sqrt_upper(region.size, 80) if region.size else region.size
    elif region.power > 2 and reach:
        length = root_upper(length, region.power, 80)
        reach /= root_upper(reach, region.power, 80) ** (region.power - 1)
    if length == 0:
        return None
    if region.open:
        reach *= 1 - OPEN
    pulled = tuple(c + d * reach / length for c, d in zip(region.center, offsets, strict=True))
    return pulled if region.contains(pulled) else None


def ascend(
    query: Query,
    network: FloatNetwork,
    goal: int,
    *,
    starts: int,
    steps: int,
    seed: int,
    deadline: float | None = None,
) -> Flip | None:
    """A flip by projected gradient ascent on the goal's least atom, from seeded starts.

    Raises LateError after the deadline.
    """
    region, random = query.region, np.random.default_rng(seed)
    sides = float_region(region)
    low, high = sides.lower, sides.upper
    points = low + (high - low) * random.random((starts, len(low)))
    points[0] = (low + high) / 2 if region.norm == "inf" else float_region(region).center
    points = project(region, points)
    target = query.goals[goal]
    for step in range(steps + 1):
        check_time(deadline)
        margins, gradient = network.ascend(target, points)
        k = int(margins.argmax())
        if margins[k] >= -1e-9:
            flip = exact_flip(query, goal, points[k])
            if flip is not None:
                return flip
        size = 0.5 * (1 - step / steps)
        if region.norm == "inf":
            move = np.sign(gradient) * (high - low) / 2
        else:
            move = _longest(region, gradient)
        points = project(region, points + size * move)
    return None


def best_points(
    query: Query,
    network: FloatNetwork,
    goal: int,
    *,
    starts: int = 16,
    steps: int,
    seed: int,
) -> Float:
    """The best point, (1, inputs), that projected ascents on the goal's least atom come by, from
    seeded starts."""
    region, random = query.region, np.random.default_rng(seed)
    sides = float_region(region)
    low, high = sides.lower, sides.upper
    points = low + (high - low) * random.random((starts, len(low)))
    points[0] = (low + high) / 2 if region.norm == "inf" else sides.center
    points = project(region, points)
    best, most = points[:1], -np.inf
    for step in range(steps + 1):
        tick()
        margins, gradient = network.ascend(query.goals[goal], points)
        k = int(margins.argmax())
        if margins[k] > most:
            best, most = points[[k]], float(margins[k])
        size = 0.5 * (1 - step / steps)
        if region.norm == "inf":
            move = np.sign(gradient) * (high - low) / 2
        else:
            move = _longest(region, gradient)
        points = project(region, points + size * move)
    return best


def sample(query: Query, network: FloatNetwork, goal: int, seed: int) -> Flip | None:
    """A flip among random points of the region's box and, ever closer, around the best of them.

    For few inputs, and goals of several atoms, on which gradients run into a corner.
    """
    region, random = query.region, np.random.default_rng(seed)
    sides = float_region(region)
    low, high = sides.lower, sides.upper
    target, spread = query.goals[goal], (high - low) / 16
    points = low + (high - low) * random.random((DRAWN, len(low)))
    for _ in range(ROUNDS):
        tick()
        points = project(region, points)
        margins = network.margins(target, points)
        order = np.argsort(-margins, kind="stable")[:KEPT]
        if margins[order[0]] >= -1e-9:
            flip = exact_flip(query, goal, points[order[0]])
            if flip is not None:
                return flip
        best = points[order]
        around = random.standard_normal((DRAWN // KEPT - 1, *best.shape)) * spread
        points = np.vstack([best, (best + around).reshape(-1, len(low))])
        spread *= 0.8
    return None


def climb(query: Query, network: FloatNetwork, goal: int, point: Float) -> Flip | None:
    """A flip at `point` or at the far end of the linear piece around it, cheaply."""
    target, region = query.goals[goal], query.region
    start = project(region, point[None, :])
    # Goals that are met with equality want the numbers that rounding has hidden.
    even = np.rint(start * 2.0**20) / 2.0**20
    _, gradient = network.ascend(target, start)
    points = np.vstack([start, even, _farthest(region, gradient)])
    margins = network.margins(target, points)
    for k in np.argsort(-margins, kind="stable").tolist():
        if margins[k] < -1e-7:
            return None
        flip = exact_flip(query, goal, points[k])
        if flip is not None:
            return flip
    return None


def _farthest(region: Region, gradient: Float) -> Float:
    """The points of the region, its clipping aside, where gradient . x is largest."""
    if region.norm == "inf":
        return np.where(gradient > 0, float_region(region).upper, float_region(region).lower)
    center = float_region(region).center
    return project(region, center + _longest(region, gradient))


def _longest(region: Region, gradient: Float) -> Float:
    """The steps from the center of a ball to its surface that gain most."""
    step: Float = dual(region.norm, gradient)[1] * to_float(region.size) ** (1 / region.power)
    return step


def project(region: Region, points: Float) -> Float:
    """The points moved into the region, up to rounding."""
    sides = float_region(region)
    low, high = sides.lower, sides.upper
    if region.norm == "inf":
        return np.clip(points, low, high)
    center, reach = float_region(region).center, to_float(region.size)
    offsets = points - center
    length = np.linalg.norm(offsets, ord=region.power, axis=1, keepdims=True)
    scale = np.minimum(1, reach ** (1 / region.power) / np.where(length > 0, length, 1))
    moved: Float = np.clip(center + offsets * scale, low, high)
    return moved
