"""Networks for all budgets below one: weights of `Below`, from points of the balls of many budgets.

For each number of units of positive weight, and each set of axes to be scaled, ask for a network
of (z, e) that is right at the images of points of balls; look for (z, e) at which it is wrong; add
those, and ask again. Where no network is right at such points none of this shape serves all
budgets; where the budgets approach the end they say little, and the limit of the points there is
asked to be a tie at worst.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from constructions.least.candidates import Candidate
from constructions.least.questions import HALF, ONE, ZERO, Below, Vector
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.data_file import Points
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

LEFT = (Fraction(1, 4),)  # e, in units of the size, of the points that are looked at first
NODES = (64, 512)  # of one question: many shapes are tried, few of them are hard
MOST_ROUNDS = 40
MOST_DIMENSIONS = 3  # of which all corners of balls, and all sets of axes, are looked at

Where = tuple[int, Vector, bool]
"""A sample, a point (z, e), and whether its label must be read there, a tie being no label."""


def family(
    points: Points,
    width: int,
    size: Fraction,
    signs: Sequence[int],
    corners: Sequence[Vector],
    ask: Callable[[Query, int], Robust | Flip | None],
    answered: Callable[[Below], list[tuple[int, Vector]]],
    progress: Callable[[str], None],
) -> Below | None:
    """A family that is right, if one was found; for balls whose radii are below `size`, with the
    corners of one of radius 1.

    `ask` decides a question, or does not; `answered` says where a family is wrong, nowhere if it
    is right; `signs` are the numbers of units of positive weight that are tried, in this order.
    """
    n = points.dimension
    if n > MOST_DIMENSIONS:
        return None
    shapes = [
        (positive, scaled)
        for positive in signs
        for count in range(n + 1)
        for scaled in combinations(range(n), count)
    ]
    for nodes in NODES:
        hard = []
        for positive, scaled in shapes:

            def asked(query: Query, nodes: int = nodes) -> Robust | Flip | None:
                return ask(query, nodes)

            found = _of_shape(
                points, width, size, scaled, positive, corners, asked, answered, progress
            )
            if isinstance(found, Below):
                return found
            if found is None:
                hard.append((positive, scaled))
        shapes = hard
    return None


def _of_shape(
    points: Points,
    width: int,
    size: Fraction,
    scaled: tuple[int, ...],
    positive: int,
    corners: Sequence[Vector],
    ask: Callable[[Query], Robust | Flip | None],
    answered: Callable[[Below], list[tuple[int, Vector]]],
    progress: Callable[[str], None],
) -> Below | bool | None:
    """A family, False if there is none of the shape, None if that was not decided."""
    places = list(_start(points, size, scaled, corners))
    for number in range(MOST_ROUNDS):
        progress(
            f"width {width}, {positive} of positive weight, all smaller budgets, scaled axes "
            f"{list(scaled)}: {len(places)} points, round {number + 1}"
        )
        verdict = ask(_dual(points, places, positive, width - positive))
        if not isinstance(verdict, Flip):
            return None if verdict is None else False
        network = _network(verdict.point, points, width, positive)
        claim = Below(width, size, scaled, network)
        known = set(places)
        wrong = [(k, place, True) for k, place in answered(claim)]
        if not wrong:
            return claim
        fresh = [place for place in wrong if place not in known]
        if not fresh:
            return None
        places += fresh
    return None


def _start(
    points: Points, size: Fraction, scaled: tuple[int, ...], corners: Sequence[Vector]
) -> Iterator[Where]:
    """The images of centers and corners of balls, and the limits of the corners."""
    n = points.dimension
    for sample in range(points.size):
        center = points.point(sample)
        for share in LEFT:
            left = size * share
            directions = [(ZERO,) * n, *corners]
            for direction in directions:
                x = [c + (size - left) * d for c, d in zip(center, direction, strict=True)]
                z = [left * q if j in scaled else q for j, q in enumerate(x)]
                yield sample, (*z, left), True
        for direction in corners:
            x = [c + size * d for c, d in zip(center, direction, strict=True)]
            z = [ZERO if j in scaled else q for j, q in enumerate(x)]
            yield sample, (*z, ZERO), False


def _dual(points: Points, places: Sequence[Where], positive: int, negative: int) -> Query:
    """Whether a network of this shape reads these labels; its weights are the inputs: of each unit
    those of z and e, and the bias; then the constant, that of e, and of more labels the scale."""
    n, width, classes = points.dimension + 1, positive + negative, points.classes
    build = NetworkBuilder(width * (n + 1) + (2 if classes == 2 else 3))
    units = [build.inputs[k * (n + 1) : (k + 1) * (n + 1)] for k in range(width)]
    constant, slope = build.inputs[width * (n + 1) : width * (n + 1) + 2]
    on = build.layer([
        Affine.sum([unit[n], *(w * q for w, q in zip(unit, place, strict=False))])
        for _, place, _ in places for unit in units
    ])  # fmt: skip
    outputs, atoms = [], []
    scale = len(build.inputs) - 1
    for k, (sample, place, strict) in enumerate(places):
        mine = on[k * width : (k + 1) * width]
        outputs.append(
            Affine.sum([
                constant, slope * place[-1], *mine[:positive], *(-u for u in mine[positive:]),
            ])
        )  # fmt: skip
        label = int(points.labels[sample])
        sides = [(ONE, HALF - label)] if label > 0 else []
        sides += [(-ONE, label + HALF)] if label < classes - 1 else []
        for sign, multiple in sides:
            inputs = () if classes == 2 else ((scale, multiple),)
            atoms.append(Atom(inputs, ((k, sign),), ZERO, strict))
    if classes > 2:
        atoms.append(Atom(((scale, ONE),), (), ZERO, strict=True))
    sides_of = [ONE] * len(build.inputs)
    region = box([-side for side in sides_of], sides_of)
    return Query(build.network(outputs), region, (Goal(tuple(atoms), "right"),))


def _network(theta: Vector, points: Points, width: int, positive: int) -> Network:
    """The network of (z, e) with these weights, labels as outputs."""
    n, classes = points.dimension + 1, points.classes
    slope = theta[width * (n + 1) + 1]
    own = (*theta[: width * (n + 1) + 1], *theta[width * (n + 1) + 2 :])
    plain = Candidate.of(own, n, classes, positive)
    divisor = Fraction(1) if plain.scale is None else plain.scale
    build = NetworkBuilder(n)
    hidden = build.layer([
        Affine({k: w for k, w in enumerate(unit[:-1]) if w}, unit[-1]) for unit in plain.units
    ])  # fmt: skip
    total = Affine.sum(
        unit * (sign / divisor) for unit, sign in zip(hidden, plain.signs, strict=True)
    )
    shift = HALF if plain.scale is None else ZERO
    last = build.inputs[n - 1] * (slope / divisor) if slope else Affine({})
    return build.network([total + last + plain.constant / divisor + shift])
