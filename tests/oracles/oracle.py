"""The truth about small queries, by brute force in rationals; shares no rule with the proofs.

Every activation pattern that the region admits is enumerated. On the closed cell of a pattern the
network is affine, so "some point of the region satisfies the atoms of a goal" is a question about a
polyhedron and perhaps an L2 ball, answered by projecting the center on the polyhedron exactly.

    find_flip(query)          -> (goal, point) or None
    distance_squared(...)     -> the exact square of the L2 distance to the nearest flip, or None

Random networks, regions, goals and queries are in `random_queries.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

from flint import fmpq, fmpz

from verifier.question.network import Network
from verifier.question.query import Atom, Query
from verifier.question.region import Region

Vector = list[fmpq]
Row = tuple[Vector, fmpq]  # (g, t) means g . x >= t
Form = tuple[Vector, fmpq]  # (g, c) means g . x + c
ZERO, ONE = fmpq(0), fmpq(1)


def exact(value: Fraction | int) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def dot(a: Vector, b: Vector) -> fmpq:
    total = ZERO
    for x, y in zip(a, b, strict=True):
        total += x * y
    return total


def nearest(center: Vector, rows: Sequence[Row]) -> Vector | None:
    """The point of the polyhedron `rows` nearest to `center` in the Euclidean norm, None if empty.

    Row after row: if the best point for the rows before violates the next, the new best point lies
    on its hyperplane, so the problem has one dimension less (Seidel's algorithm).
    """
    point: Vector | None = center
    for number, row in enumerate(rows):
        point = extend(center, rows[:number], point, row)
        if point is None:
            return None
    return point


def extend(center: Vector, rows: Sequence[Row], point: Vector, row: Row) -> Vector | None:
    """The nearest point for rows + [row], when `point` is the nearest one for `rows`."""
    normal, threshold = row
    if dot(normal, point) >= threshold:
        return point
    size = dot(normal, normal)
    if size == 0:
        return None
    step = (threshold - dot(normal, center)) / size
    foot = [c + step * g for c, g in zip(center, normal, strict=True)]
    inside: list[Row] = []
    for other, other_threshold in rows:
        share = dot(other, normal) / size
        if share != 0:
            other = [a - share * b for a, b in zip(other, normal, strict=True)]
            other_threshold = other_threshold - share * threshold
            other, other_threshold = primitive(other, other_threshold)
        inside.append((other, other_threshold))
    return nearest(foot, inside)


def primitive(normal: Vector, threshold: fmpq) -> Row:
    """The same row in coprime integers, so that the numbers of the recursion stay short."""
    below = ONE.q
    for entry in (*normal, threshold):
        below = below * (entry.q // below.gcd(entry.q))
    above = fmpz(0)
    for entry in (*normal, threshold):
        above = above.gcd(entry.p * (below // entry.q))
    if above == 0:
        return normal, threshold
    factor = fmpq(below, above)
    return [entry * factor for entry in normal], threshold * factor


def strict_point(rows: Sequence[Row], strict: Sequence[Row]) -> Vector | None:
    """A point with g . x >= t on `rows` and g . x > t on `strict`, or None.

    x = y / s for a solution of g . y - t s >= 0, g . y - t s >= 1 on the strict rows, s >= 1.
    """
    lifted = [([*g, -t], ZERO) for g, t in rows] + [([*g, -t], ONE) for g, t in strict]
    dimension = len(lifted[0][0])
    lifted.append(([ZERO] * (dimension - 1) + [ONE], ONE))
    solution = nearest([ZERO] * dimension, lifted)
    return None if solution is None else [y / solution[-1] for y in solution[:-1]]


def region_rows(region: Region) -> list[Row]:
    """The box, and for norm 1 the 2^n facets of the ball; an L2 ball is not among the rows. Those
    of an open ball, which are strict, follow last: see `sphere_rows`."""
    rows: list[Row] = []
    for k, (low, high) in enumerate(zip(region.lower, region.upper, strict=True)):
        axis = [ONE if j == k else ZERO for j in range(region.dimension)]
        rows.append((axis, exact(low)))
        rows.append(([-e for e in axis], -exact(high)))
    if region.norm == "1":
        center = [exact(c) for c in region.center]
        for signs in product((ONE, -ONE), repeat=region.dimension):
            normal = list(signs)
            rows.append((normal, dot(normal, center) - exact(region.size)))
    if region.norm == "inf" and region.open:
        for k, c in enumerate(region.center):
            axis = [ONE if j == k else ZERO for j in range(region.dimension)]
            rows.append((axis, exact(c - region.size)))
            rows.append(([-e for e in axis], -exact(c + region.size)))
    return rows


def sphere_rows(region: Region) -> int:
    """How many of the last rows of `region_rows` are strict."""
    if not region.open or region.norm == "2":
        return 0
    return 2 * region.dimension if region.norm == "inf" else 2**region.dimension


def form_of(weights: dict[int, Fraction], constant: Fraction, forms: Sequence[Form]) -> Form:
    """The affine form in x of a row, when `forms` are those of the variables it reads."""
    total, offset = [ZERO] * len(forms[0][0]), exact(constant)
    for j, weight in weights.items():
        w, (g, c) = exact(weight), forms[j]
        total = [a + w * b for a, b in zip(total, g, strict=True)]
        offset += w * c
    return total, offset


def cells(
    network: Network, center: Vector, rows: list[Row], limit: fmpq | None = None
) -> Iterator[tuple[list[Row], Vector, list[Form]]]:
    """Every activation pattern with a point in `rows`: the rows of its closed cell, their point
    nearest to `center`, and the outputs as affine forms. Cells farther than sqrt(limit) are left
    out."""
    point = nearest(center, rows)
    if point is None:
        return
    inputs = network.inputs
    start = [([ONE if j == k else ZERO for j in range(inputs)], ZERO) for k in range(inputs)]
    unit_rows = [network.units.fractions(v) for v in range(network.units.count)]
    output_rows = [network.outputs.fractions(j) for j in range(network.outputs.count)]

    def visit(
        v: int, rows: list[Row], point: Vector, forms: list[Form]
    ) -> Iterator[tuple[list[Row], Vector, list[Form]]]:
        if limit is not None and square_distance(point, center) > limit:
            return
        if v == len(unit_rows):
            yield rows, point, [form_of(*row, forms) for row in output_rows]
            return
        normal, constant = form_of(*unit_rows[v], forms)
        zero: Form = ([ZERO] * inputs, ZERO)
        if not any(normal):  # constant on this cell: one side says it all
            kept: Form = (normal, constant) if constant > 0 else zero
            yield from visit(v + 1, rows, point, [*forms, kept])
            return
        sides: tuple[tuple[Row, Form], ...] = (
            ((normal, -constant), (normal, constant)),
            (([-g for g in normal], constant), zero),
        )
        for row, form in sides:
            found = extend(center, rows, point, row)
            if found is not None:
                yield from visit(v + 1, [*rows, row], found, [*forms, form])

    yield from visit(0, rows, point, start)


def square_distance(a: Vector, b: Vector) -> fmpq:
    difference = [x - y for x, y in zip(a, b, strict=True)]
    return dot(difference, difference)


def atom_row(atom: Atom, outputs: Sequence[Form]) -> Row:
    """The atom as a row over x on a cell; whether it is strict is the caller's business."""
    normal, constant = [ZERO] * len(outputs[0][0]), exact(atom.constant)
    for k, coefficient in atom.inputs:
        normal[k] += exact(coefficient)
    for j, coefficient in atom.outputs:
        c, (g, offset) = exact(coefficient), outputs[j]
        normal = [a + c * b for a, b in zip(normal, g, strict=True)]
        constant += c * offset
    return normal, -constant


def find_flip(query: Query) -> tuple[int, tuple[Fraction, ...]] | None:
    """A goal and a point of the region that satisfies it, exact; None if there is none."""
    region = query.region
    ball = [exact(c) for c in region.center] if region.norm == "2" else None
    limit = exact(region.size) if ball is not None else None
    center = ball or [
        (exact(a) + exact(b)) / 2 for a, b in zip(region.lower, region.upper, strict=True)
    ]
    start = region_rows(region)
    sphere = slice(len(start) - sphere_rows(region), len(start))
    for rows, point, outputs in cells(query.network, center, start, limit):
        for number, goal in enumerate(query.goals):
            found = _point_of_goal(
                goal.atoms, rows, point, outputs, center, limit, rows[sphere], region.open
            )
            if found is not None:
                return number, tuple(fraction(x) for x in found)
    return None


def _point_of_goal(
    atoms: Sequence[Atom],
    rows: list[Row],
    point: Vector,
    outputs: list[Form],
    center: Vector,
    limit: fmpq | None,
    sphere: Sequence[Row],
    is_open: bool,
) -> Vector | None:
    wanted, strict = list(rows), list(sphere)
    best: Vector | None = point
    for atom in atoms:
        row = atom_row(atom, outputs)
        best = extend(center, wanted, best, row)
        if best is None or (limit is not None and square_distance(best, center) > limit):
            return None
        wanted.append(row)
        if atom.strict:
            strict.append(row)
    if is_open and limit is not None and square_distance(best, center) == limit:
        return None
    if all(dot(g, best) > t for g, t in strict):
        return best
    # `best` is the only point at its distance in the closure: a strict row fails there.
    if limit is not None and square_distance(best, center) == limit:
        return None
    weak = [row for row in wanted if row not in strict]
    inner = strict_point(weak, strict)
    if inner is None or limit is None:
        return inner
    while square_distance(inner, center) >= limit:  # points between the two satisfy all rows
        inner = [(a + b) / 2 for a, b in zip(inner, best, strict=True)]
    return inner


def distance_squared(
    network: Network,
    goals: Sequence[Sequence[Atom]],
    center: Sequence[Fraction],
    box: Region | None = None,
) -> Fraction | None:
    """The square of inf ||x - center||_2 over the points (of `box`) that satisfy a goal; None if
    there are none. The infimum of a strict goal need not be attained."""
    middle = [exact(c) for c in center]
    best: fmpq | None = None
    for rows, point, outputs in cells(network, middle, region_rows(box) if box else []):
        for atoms in goals:
            wanted, strict, found = list(rows), [], point
            for atom in atoms:
                row = atom_row(atom, outputs)
                found = extend(middle, wanted, found, row)
                if found is None:
                    break
                wanted.append(row)
                strict += [row] if atom.strict else []
            if found is None:
                continue
            if strict and strict_point([r for r in wanted if r not in strict], strict) is None:
                continue
            square = square_distance(found, middle)
            best = square if best is None else min(best, square)
    return None if best is None else fraction(best)
