"""Planes through points of the input space, and a network on one of them; exactly.

A plane is (s, t) -> origin + s across + t up with orthogonal rational directions. A network after
this affine map has two inputs and is cut into its linear pieces as any other (`regions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from math import lcm

import numpy as np

from reports.numbers import root_float
from reports.regions import Form, Polygon, halved, rectangle
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows, integers
from verifier.question.region import Norm, Vector

Place = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Slice:
    """The plane origin + s across + t up; `across` and `up` are orthogonal and not zero."""

    origin: Vector
    across: Vector
    up: Vector

    def point(self, place: Place) -> Vector:
        """The point at (s, t)."""
        s, t = place
        terms = zip(self.origin, self.across, self.up, strict=True)
        return tuple(o + s * u + t * v for o, u, v in terms)

    def place(self, point: Sequence[Fraction]) -> Place:
        """The (s, t) of a point of the plane; raises UserError for any other."""
        away = [x - o for x, o in zip(point, self.origin, strict=True)]
        found = tuple(_dot(away, side) / _dot(side, side) for side in (self.across, self.up))
        place = found[0], found[1]
        if self.point(place) != tuple(point):
            raise UserError("slice: the point does not lie on the plane")
        return place

    @property
    def lengths(self) -> tuple[float, float]:
        """The Euclidean lengths of `across` and `up`, in floats: s and t times these are drawn."""
        return root_float(_dot(self.across, self.across)), root_float(_dot(self.up, self.up))


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def through(first: Vector, second: Vector, third: Vector) -> Slice:
    """The plane through three points: `first` at (0, 0), `second` at (1, 0), `third` at (q, 1).

    Raises UserError if they lie on a line.
    """
    across = tuple(b - a for a, b in zip(first, second, strict=True))
    other = tuple(c - a for a, c in zip(first, third, strict=True))
    if not any(across):
        raise UserError("slice: two of the three points are equal")
    share = _dot(other, across) / _dot(across, across)
    up = tuple(c - share * b for c, b in zip(other, across, strict=True))
    if not any(up):
        raise UserError("slice: the three points lie on a line")
    return Slice(tuple(first), across, up)


def along_inputs(center: Vector, first: int, second: int) -> Slice:
    """The plane through `center` on which inputs `first` and `second` alone change, by s and t."""
    if first == second or not all(0 <= k < len(center) for k in (first, second)):
        raise UserError(f"slice: inputs {first} and {second} are not two of 0 .. {len(center) - 1}")
    sides = [tuple(Fraction(k == one) for k in range(len(center))) for one in (first, second)]
    return Slice(tuple(center), sides[0], sides[1])


def restricted(network: Network, plane: Slice) -> Network:
    """(s, t) -> network(origin + s across + t up), with the same units.

    Raises UserError if the points of the plane have not as many entries as the network has inputs.
    """
    if len(plane.origin) != network.inputs:
        raise UserError(
            f"slice: points of {len(plane.origin)} inputs, the network has {network.inputs}"
        )
    common = lcm(*(x.denominator for x in (*plane.origin, *plane.across, *plane.up)))
    columns = [[int(x * common) for x in side] for side in (plane.across, plane.up, plane.origin)]
    rows = (_restricted(rows, network.inputs, columns, common)
            for rows in (network.units, network.outputs))  # fmt: skip
    return Network(2, network.layers, *rows)


def _restricted(rows: Rows, inputs: int, columns: list[list[int]], common: int) -> Rows:
    """The rows with the inputs replaced; those that read no input keep their numbers."""
    starts, indices, numerators, constants, denominators = [0], [], [], [], []
    reading = np.zeros(rows.count, dtype=bool)
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts))
    reading[owner[rows.indices < inputs]] = True
    for i in range(rows.count):
        variables, weights, constant, denominator = rows.row(i)
        if reading[i]:
            read = [(j, w) for j, w in zip(variables, weights, strict=True) if j < inputs]
            s, t, c = (sum(w * column[j] for j, w in read) for column in columns)
            kept = [(0, s), (1, t)] + [
                (j + 2 - inputs, w * common)
                for j, w in zip(variables, weights, strict=True) if j >= inputs
            ]  # fmt: skip
            listed = [(j, w) for j, w in kept if w]
            constant, denominator = c + constant * common, denominator * common
        else:
            listed = [(j + 2 - inputs, w) for j, w in zip(variables, weights, strict=True)]
        indices += [j for j, _ in listed]
        numerators += [w for _, w in listed]
        constants.append(constant)
        denominators.append(denominator)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64), np.array(indices, dtype=np.int64),
        integers(numerators), integers(constants), integers(denominators),
    )  # fmt: skip


def unit_ball(norm: Norm, plane: Slice) -> tuple[Place, ...] | None:
    """The section of the ball of radius 1 around (0, 0), a polygon counterclockwise; balls of other
    radii around other points of the plane are its multiples. None for norm 2, where it is
    s^2 |across|^2 + t^2 |up|^2 <= 1."""
    pairs = [(u, v) for u, v in zip(plane.across, plane.up, strict=True) if u or v]
    if norm == "2":
        return None
    if norm == "1":
        ends = []
        for u, v in pairs:  # along the line where this input does not change runs a kink
            size = sum((abs(a * -v + b * u) for a, b in pairs), Fraction(0))
            ends += [(-v / size, u / size), (v / size, -u / size)]
        return _in_order(ends)
    (a, b), (c, d) = pairs[0], next(p for p in pairs if p[0] * pairs[0][1] != p[1] * pairs[0][0])
    reach = (abs(a) + abs(b) + abs(c) + abs(d)) / abs(a * d - b * c)
    part: Polygon | None = rectangle((-reach, -reach), (reach, reach))
    for u, v in pairs:
        for sign in (1, -1):
            part = None if part is None else halved(part, _form(sign * u, sign * v, -1))[0]
    return tuple((Fraction(x, w), Fraction(y, w)) for x, y, w in part or ())


def _in_order(places: Sequence[Place]) -> tuple[Place, ...]:
    """Distinct places around (0, 0), counterclockwise from the right."""

    def half(place: Place) -> bool:
        return place[1] < 0 or (place[1] == 0 and place[0] < 0)

    def compare(a: Place, b: Place) -> int:
        if half(a) != half(b):
            return -1 if half(b) else 1
        turn = a[0] * b[1] - a[1] * b[0]
        return -1 if turn > 0 else int(turn < 0)

    return tuple(sorted(set(places), key=cmp_to_key(compare)))


def box_section(
    plane: Slice, low: Fraction, high: Fraction, lower: Place, upper: Place
) -> tuple[Place, ...]:
    """Where low <= x_k <= high for every input, of a rectangle: a polygon, or empty."""
    part: Polygon | None = rectangle(lower, upper)
    for o, u, v in zip(plane.origin, plane.across, plane.up, strict=True):
        for sign, bound in ((1, high), (-1, low)):
            if part is not None:
                part = halved(part, _form(sign * u, sign * v, sign * (o - bound)))[0]
    return tuple((Fraction(x, w), Fraction(y, w)) for x, y, w in part or ())


def _form(a: Fraction, b: Fraction, c: Fraction | int) -> Form:
    """A positive multiple of a s + b t + c, in integers."""
    common = lcm(a.denominator, b.denominator, Fraction(c).denominator)
    return int(a * common), int(b * common), int(c * common)
