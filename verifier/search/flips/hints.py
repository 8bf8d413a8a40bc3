"""Points worth a look before any search: where differently labelled samples pull a ball, and where
a network that reads its inputs through one direction cannot tell the sample from another one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.rational import sqrt_lower
from verifier.question.region import Norm, Region, power, root_upper
from verifier.search.attack import into_region
from verifier.search.clock import tick

ZERO = Fraction(0)
AT_ONCE = 1024  # points evaluated, before it is asked whether there is time for more
MOST_ROWS = 10_000  # looked at for a direction
HALVINGS = 4  # of the way from the center to the end of a region
PLACES = 24  # bits behind the point of that way, for norm 2
Vector = tuple[Fraction, ...]


def nearest_rivals(
    points: Points, sample: int, norm: Norm, reach: Fraction, count: int = 8
) -> list[Vector]:
    """The `count` differently labelled samples nearest to `sample`, within distance `reach`; for
    norm p `reach` is the p-th power of a distance. Nearest first, ties by number."""
    others = np.flatnonzero(points.labels != points.labels[sample])
    differences = np.abs(points.numerators[others] - points.numerators[sample])
    if norm == "inf":
        distances, unit = differences.max(axis=1), points.denominator
    elif norm == "1":
        distances, unit = differences.sum(axis=1), points.denominator
    else:
        distances = (differences.astype(object) ** power(norm)).sum(axis=1)
        unit = points.denominator ** power(norm)
    near = [k for k in np.argsort(distances, kind="stable")[:count] if distances[k] <= reach * unit]
    return [points.point(int(others[k])) for k in near]


def along_one_direction(
    network: Network, points: Points, sample: int, region: Region, count: int = 8
) -> list[Vector]:
    """Of a network that reads its inputs through one direction d alone, points of the region on the
    shortest line along which d . x changes: where d . x is what it is at a differently labelled
    sample, so that the network answers the same there, the `count` nearest first; then some on both
    sides of the center, for a network may answer no label at all in between.

    None for a network that reads more than one direction.
    """
    direction = network.derived(direction_read)
    middle = extremes(region)[0]
    if not direction or points.dimension != network.inputs:
        return []
    own = sum((d * middle[k] for k, d in direction.items()), ZERO)
    move, most = _shortest_move(direction, region.norm), _greatest_gain(direction, region, middle)
    others = np.flatnonzero(points.labels != points.labels[sample])
    columns = points.numerators[others][:, list(direction)].astype(object)
    keys = columns @ np.array(list(direction.values()), dtype=object)
    gaps = {Fraction(int(key), points.denominator) - own for key in keys.tolist()}
    near = sorted((gap for gap in gaps if abs(gap) <= most), key=lambda gap: (abs(gap), gap))
    steps = [sign * most / 2**k for k in range(HALVINGS) for sign in (1, -1)]
    return [
        tuple(x + gap * move.get(k, 0) for k, x in enumerate(middle))
        for gap in near[:count] + steps
    ]


def direction_read(network: Network) -> dict[int, int]:
    """The d, as integers by input, of a network whose rows each read t d . x for some t and else
    units alone; empty if there is none, or if it has more than 10,000 rows that read inputs."""
    found: dict[int, int] = {}
    for rows in (network.units, network.outputs):
        entries = np.flatnonzero(rows.indices < network.inputs)
        reading = np.unique(np.searchsorted(rows.starts, entries, side="right") - 1).tolist()
        if len(reading) > MOST_ROWS:
            return {}
        for row in reading:
            variables, weights, _, _ = rows.row(row)
            pairs = zip(variables, weights, strict=True)
            read = {k: weight for k, weight in pairs if k < network.inputs}
            first = next(iter(read))
            found = found or read
            if read.keys() != found.keys() or any(
                weight * found[first] != found[k] * read[first] for k, weight in read.items()
            ):
                return {}
    return found


def _shortest_move(direction: dict[int, int], norm: Norm) -> dict[int, Fraction]:
    """The v of least norm with direction . v = 1; of norms above 2 that of norm 2."""
    if power(norm) > 1:
        square = sum(d * d for d in direction.values())
        return {k: Fraction(d, square) for k, d in direction.items()}
    if norm == "1":
        k = max(direction, key=lambda k: abs(direction[k]))
        return {k: Fraction(1, direction[k])}
    total = sum(map(abs, direction.values()))
    return {k: Fraction(1 if d > 0 else -1, total) for k, d in direction.items()}


def _greatest_gain(direction: dict[int, int], region: Region, middle: Vector) -> Fraction:
    """At most, and nearly, what direction . x gains from the middle on the ball of the region, its
    clip aside."""
    entries = [abs(d) for d in direction.values()]
    if region.norm == "2":
        return sqrt_lower(region.size * sum(d * d for d in entries), PLACES)
    if region.power > 2:  # along the move of norm 2, which is not the shortest one
        move = _shortest_move(direction, "2").values()
        return (
            region.size
            / root_upper(region.size, region.power, 64) ** (region.power - 1)
            / (root_upper(sum((abs(x) ** region.power for x in move), ZERO), region.power, 64))
            if region.size
            else ZERO
        )
    if region.norm == "1":
        return region.size * max(entries)
    if region.open:
        return region.size * sum(entries)
    return sum((abs(d) * (region.upper[k] - middle[k]) for k, d in direction.items()), ZERO)


def extremes(region: Region) -> list[Vector]:
    """The center and two opposite corners of the region's box; a ball pulls them inside."""
    middle = tuple((low + high) / 2 for low, high in zip(region.lower, region.upper, strict=True))
    return [region.center or middle, region.lower, region.upper]


def flips_at_hints(
    network: Network, queries: Sequence[Query], hints: Sequence[Sequence[Vector]]
) -> dict[int, Flip]:
    """By query number a flip at one of its hints, moved into the region; exact."""
    wanted: list[tuple[int, Vector]] = []
    for number, (query, points) in enumerate(zip(queries, hints, strict=True)):
        for point in points:
            moved = into_region(query.region, list(point))
            if moved is not None:
                wanted.append((number, moved))
    flips: dict[int, Flip] = {}
    for begin in range(0, len(wanted), AT_ONCE):
        tick()
        part = wanted[begin : begin + AT_ONCE]
        _add_flips(flips, queries, part, evaluate(network, [point for _, point in part]))
    return flips


def _add_flips(
    flips: dict[int, Flip],
    queries: Sequence[Query],
    wanted: Sequence[tuple[int, Vector]],
    outputs: Sequence[Sequence[Fraction]],
) -> None:
    for (number, point), values in zip(wanted, outputs, strict=True):
        for goal, asked in enumerate(queries[number].goals):
            if number not in flips and all(atom.holds(point, values) for atom in asked.atoms):
                flips[number] = Flip(point, goal)
