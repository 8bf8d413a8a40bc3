"""Seeded random networks, regions, goals and queries, small enough for `oracle.py`.

Thresholds of goals are put where they hurt: at the largest value seen among corners and random
points of the region, a hair beside it, or anywhere. About half of the queries hold.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import Region, ball, box

SCALES = ("integers", "integers", "halves", "decimals", "floats", "wide", "bits")


def number(rng: Random, scale: str) -> Fraction:
    """A nonzero number of the given kind."""
    sign = rng.choice((-1, 1))
    if scale == "integers":
        return Fraction(sign * rng.randint(1, 3))
    if scale == "halves":
        return Fraction(sign * rng.randint(1, 8), 2)
    if scale == "decimals":
        return Fraction(sign * rng.randint(1, 3000), 1000)
    if scale == "floats":
        return sign * (Fraction(rng.random()) + Fraction(1, 2**60))
    if scale == "wide":
        return sign * rng.randint(1, 99) * Fraction(10) ** rng.randint(-12, 12)
    if rng.random() < 0.6:
        return Fraction(sign * rng.randint(1, 3))
    below = rng.choice((1, 2**499, 10**150, rng.getrandbits(120) + 1))
    return Fraction(sign * (rng.getrandbits(500) + 1), below)


def random_network(
    rng: Random,
    inputs: int,
    units: int,
    outputs: int,
    scale: str = "integers",
    *,
    chain: bool | None = None,
) -> Network:
    """A chain or a DAG with `units` units; some units are dead, constant or twins of others."""
    if chain is None:
        chain = rng.random() < 0.5
    build = NetworkBuilder(inputs)
    everything: list[Affine] = list(build.inputs)
    previous = list(build.inputs)
    left = units

    def form(sources: list[Affine]) -> Affine:
        total = Affine({}, number(rng, scale) if rng.random() < 0.7 else 0)
        for source in sources:
            if rng.random() < 0.75:
                total = total + source * number(rng, scale)
        return total

    while left:
        size = min(left, rng.randint(1, 3))
        left -= size
        sources = previous if chain else everything
        rows: list[Affine] = []
        for _ in range(size):
            kind = rng.random()
            if rows and kind < 0.08:
                rows.append(rows[-1] * 1)
            elif kind < 0.12:
                rows.append(Affine({}, rng.choice((-1, 0, 1))))
            elif kind < 0.24:  # a copy, perhaps of a copy, or a unit in other units
                rows.append(rng.choice(sources) * (1 if kind < 0.2 else abs(number(rng, scale))))
            else:
                rows.append(form(sources))
        previous = build.layer(rows)
        everything += previous
    last = previous if chain else everything
    return build.network([form(last) for _ in range(outputs)])


def random_region(rng: Random, inputs: int, norm: str | None = None, scale: str = "") -> Region:
    """A box, or a ball with or without a clip box; sometimes a point, sometimes flat."""
    norm = norm or rng.choice(("inf", "1", "2"))
    coarse = rng.choice(("integers", "halves", "decimals"))
    center = [number(rng, coarse) * rng.randint(0, 2) for _ in range(inputs)]
    radius = Fraction(rng.randint(1, 12), rng.choice((1, 2, 4, 10)))
    if rng.random() < 0.03:
        radius = Fraction(0)
    kind = rng.random()
    if norm == "inf" and kind < 0.4:
        upper = [c + abs(number(rng, coarse)) * rng.randint(0, 2) for c in center]
        return box(center, upper)
    if kind < 0.3:
        low = [c - Fraction(rng.randint(0, 6), 4) for c in center]
        high = [c + Fraction(rng.randint(0, 6), 4) for c in center]
        return ball(norm, center, radius, clip=(low, high))
    if norm == "2" and kind < 0.6:
        return ball(norm, center, radius_squared=radius)
    return ball(norm, center, radius)


def opened(region: Region) -> list[Region]:
    """The open ball of a ball, within its box, if it has a point."""
    try:
        return [replace(region, open=True)] if region.size else []
    except UserError:
        return []


def points_of(rng: Random, region: Region, count: int) -> list[tuple[Fraction, ...]]:
    """Points of the region: corners of its box pulled inside, and random ones."""
    start = tuple(
        min(max(c, low), high)
        for c, low, high in zip(
            region.center or region.lower, region.lower, region.upper, strict=True
        )
    )
    found = [start]
    for _ in range(count):
        corner = tuple(
            rng.choice((low, high, low + (high - low) * Fraction(rng.randint(0, 8), 8)))
            for low, high in zip(region.lower, region.upper, strict=True)
        )
        for _ in range(12):
            if region.contains(corner):
                found.append(corner)
                break
            corner = tuple((2 * a + b) / 3 for a, b in zip(corner, start, strict=True))
    return found


def outputs_at(network: Network, point: tuple[Fraction, ...]) -> list[Fraction]:
    """Plain evaluation, independent of the package's own."""
    values = list(point)
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        values.append(max(Fraction(0), constant + sum(w * values[j] for j, w in weights.items())))
    result = []
    for k in range(network.outputs.count):
        weights, constant = network.outputs.fractions(k)
        result.append(constant + sum(w * values[j] for j, w in weights.items()))
    return result


def threshold(rng: Random, seen: list[Fraction]) -> Fraction:
    """At, near, above or among the values seen."""
    low, high = min(seen), max(seen)
    spread = high - low or Fraction(1)
    kind = rng.random()
    if kind < 0.25:
        return high
    if kind < 0.5:
        return high + spread * Fraction(1, 10 ** rng.randint(1, 12))
    if kind < 0.85:
        return high + spread * Fraction(rng.randint(1, 30), 10)
    return low + spread * Fraction(rng.randint(0, 8), 8)


def random_goals(rng: Random, network: Network, region: Region) -> tuple[Goal, ...]:
    """Conjunctions of atoms, or the goals of a decoder."""
    samples = points_of(rng, region, 8)
    values = [outputs_at(network, point) for point in samples]
    count = network.outputs.count
    kind = rng.random()
    if count > 1 and kind < 0.3:
        best = max(range(count), key=lambda j: values[0][j])
        return label_goals("argmax", best, list(range(count)), count)
    if count == 1 and kind < 0.5:
        seen = [value[0] for value in values]
        decoder = rng.choice(("nearest", "nearest", "sign", "value"))
        if decoder == "sign":
            return label_goals("sign", int(seen[0] > 0), [-1, 1], 1)
        if decoder == "value":
            own = max(seen) if rng.random() < 0.5 else threshold(rng, seen)
            return label_goals("value", 1, [own - 1, own, own + 1], 1)
        # labels whose midpoints lie around the values
        high = threshold(rng, seen)
        low = -threshold(rng, [-value for value in seen])
        if low >= high:
            low = high - 1
        own = (low + high) / 2
        labels = [2 * low - own, own, 2 * high - own]
        which = rng.choice((1, 1, 1, 0, 2))
        return label_goals("nearest", which, labels, 1)
    goals = []
    for number_of_goal in range(rng.randint(1, 2)):
        atoms = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            inputs: dict[int, Fraction] = {}
            outputs: dict[int, Fraction] = {}
            for j in range(count):
                if rng.random() < 0.7 or count == 1:
                    outputs[j] = number(rng, "integers")
            for k in range(network.inputs):
                if rng.random() < 0.25:
                    inputs[k] = number(rng, "integers")
            seen = [
                sum((c * y[j] for j, c in outputs.items()), Fraction(0))
                + sum((c * x[k] for k, c in inputs.items()), Fraction(0))
                for x, y in zip(samples, values, strict=True)
            ]
            atoms.append(
                Atom(
                    tuple(sorted(inputs.items())),
                    tuple(sorted(outputs.items())),
                    -threshold(rng, seen),
                    rng.random() < 0.4,
                )
            )
        goals.append(Goal(tuple(atoms), str(number_of_goal)))
    return tuple(goals)


def random_query(
    seed: int | Random,
    *,
    max_units: int = 6,
    max_inputs: int = 3,
    scale: str | None = None,
    norm: str | None = None,
    chain: bool | None = None,
) -> Query:
    """The query of this seed: 1..max_inputs inputs, 0..max_units units, 1..3 outputs."""
    rng = seed if isinstance(seed, Random) else Random(seed)
    inputs, units = rng.randint(1, max_inputs), rng.randint(0, max_units)
    outputs = rng.choice((1, 1, 2, 3))
    chosen = scale or rng.choice(SCALES)
    network = random_network(rng, inputs, units, outputs, chosen, chain=chain)
    region = random_region(rng, inputs, norm)
    return Query(network, region, random_goals(rng, network, region))
