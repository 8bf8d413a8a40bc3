"""Exact linear programs over the inputs of a branch, with units as affine forms of these.

Where units are open, they are variables like the inputs, between the lines of their triangles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.checker.leaf import LeafChecker
from verifier.question.query import Goal, Query
from verifier.search.bounds.floats import float_vector
from verifier.search.bounds.solver import vertex
from verifier.search.clock import tick
from verifier.search.exact.simplex import Optimum, Row, maximise, solve_exactly

ZERO, ONE = Fraction(0), Fraction(1)
Affine = tuple[Row, Fraction]
LARGE = 40  # inputs, beyond which exact systems take too long


def affine_forms(
    query: Query, checker: LeafChecker, phases: Mapping[int, bool], opened: Sequence[int] = ()
) -> tuple[list[Affine], list[Affine]]:
    """Every a_v and every output as an affine form of the inputs and of the outputs of the `opened`
    units, in this order; all other units are as `phases` or the checker say."""
    network = query.network
    n = network.inputs
    width, place = n + len(opened), {v: n + i for i, v in enumerate(opened)}
    forms = [_unit_form(width, k) for k in range(n)]
    pre: list[list[fmpq]] = []
    for first, last in network.layer_ranges():
        tick()
        pre.extend(_combined([network.units.fractions(v) for v in range(first, last)], forms))
        for v in range(first, last):
            on = phases[v] if v in phases else checker.lower(v) >= 0
            if v in place:
                forms.append(_unit_form(width, place[v]))
            else:
                forms.append(pre[v] if on else [fmpq(0)] * (width + 1))
    outputs = [network.outputs.fractions(j) for j in range(network.outputs.count)]
    return _fractions(pre), _fractions(_combined(outputs, forms))


def _unit_form(width: int, place: int) -> list[fmpq]:
    return [fmpq(int(k == place)) for k in range(width + 1)]


def _combined(
    rows: list[tuple[dict[int, Fraction], Fraction]], forms: list[list[fmpq]]
) -> list[list[fmpq]]:
    """The rows with these forms in place of the variables; a form's constant comes last."""
    read = sorted({j for weights, _ in rows for j in weights})
    if not rows or not read:
        return [[fmpq(0)] * (len(forms[0]) - 1) + [_fmpq(constant)] for _, constant in rows]
    place = {j: i for i, j in enumerate(read)}
    matrix = fmpq_mat(len(rows), len(read))
    for i, (weights, _) in enumerate(rows):
        for j, weight in weights.items():
            matrix[i, place[j]] = _fmpq(weight)
    product = matrix * fmpq_mat(len(read), len(forms[0]), [q for j in read for q in forms[j]])
    table: list[list[fmpq]] = product.tolist()
    for row, (_, constant) in zip(table, rows, strict=True):
        row[-1] += _fmpq(constant)
    return table


def _fmpq(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _fractions(table: list[list[fmpq]]) -> list[Affine]:
    exact = [[Fraction(int(q.p), int(q.q)) for q in row] for row in table]
    return [(row[:-1], row[-1]) for row in exact]


def atom_form(goal: Goal, number: int, outputs: list[Affine]) -> Affine:
    atom = goal.atoms[number]
    gradient, constant = [ZERO] * len(outputs[0][0]), atom.constant
    for k, c in atom.inputs:
        gradient[k] += c
    for j, c in atom.outputs:
        gradient = [g + c * o for g, o in zip(gradient, outputs[j][0], strict=True)]
        constant += c * outputs[j][1]
    return gradient, constant


def scaled(form: Affine, factor: Fraction) -> Affine:
    return [factor * g for g in form[0]], factor * form[1]


class Program:
    """Rows over (x, d, z, s): the region, then what `add` brings.

    d are distances, whose sum is at most the radius: on an L1 ball |x_k - c_k| <= d_k, on an open
    ball of norm inf |x_k - c_k| <= d_0, on a box none. z are outputs of open units.
    """

    def __init__(
        self,
        query: Query,
        box: tuple[Sequence[Fraction], Sequence[Fraction]],
        opened: int = 0,
    ) -> None:
        region = query.region
        self.n, self.norm = region.dimension, region.norm
        self.extra = self.n if region.norm == "1" else int(region.open)
        self.width = self.n + self.extra + opened + 1
        self.rows: list[Row] = []
        self.offsets: list[Fraction] = []
        for k in range(self.n):
            self._bound(k, ONE, box[0][k])
            self._bound(k, -ONE, -box[1][k])
        middle = region.center or box[0]
        start = [min(max(c, low), high) for c, low, high in zip(middle, *box, strict=True)]
        if self.extra:
            for k in range(self.n):
                for sign in (ONE, -ONE):
                    row = [ZERO] * self.width
                    row[k], row[self.n + min(k, self.extra - 1)] = -sign, ONE
                    self._put(row, -sign * region.center[k])
            row = [ZERO] * self.width
            row[self.n : self.n + self.extra] = [-ONE] * self.extra
            self._put(row, -region.size)
            gaps = [abs(x - c) for x, c in zip(start, region.center, strict=True)]
            start += gaps if region.norm == "1" else [max(gaps)]
        self.first = self.first_atom = len(self.rows)
        self._asked = False  # about the largest margin
        self._start = start

    def _put(self, row: Row, offset: Fraction) -> None:
        self.rows.append(row)
        self.offsets.append(offset)

    def _bound(self, k: int, sign: Fraction, offset: Fraction) -> None:
        row = [ZERO] * self.width
        row[k] = sign
        self._put(row, offset)

    def add(self, form: Affine, slack: Fraction = ZERO) -> None:
        """form >= slack * s."""
        gradient, constant = form
        x, z = gradient[: self.n], gradient[self.n :]
        self._put([*x, *[ZERO] * self.extra, *z, -slack], -constant)

    def nearest_point(self, start: Optimum | None = None) -> Optimum | None:
        """The least distance, as a negative value; from a point at which all rows hold, without one
        where the solver shows the way."""
        floor = [ZERO] * self.width
        floor[-1] = ONE
        self._put(floor, ZERO)
        objective = [ZERO] * self.n + [-ONE] * (self.extra + 1)
        found = self._from(None if start is None else start.point, objective)
        self.rows.pop()
        self.offsets.pop()
        return found

    def largest_common_slack(self, count: int) -> Optimum | None:
        """The largest s <= 0 such that the last `count` rows can all be >= s; below 0 the pattern
        is empty."""
        for row in self.rows[self.first : self.first + count]:
            row[-1] = -ONE
        cap = [ZERO] * self.width
        cap[-1] = -ONE
        self._put(cap, ZERO)
        slack, asked = ZERO, slice(self.first, self.first + count)
        for row, offset in zip(self.rows[asked], self.offsets[asked], strict=True):
            tick()
            value = sum((g * x for g, x in zip(row, self._start, strict=False)), -offset)
            slack = min(slack, value)
        found = self._from([*self._start, slack], [ZERO] * (self.width - 1) + [ONE])
        self.rows.pop()
        self.offsets.pop()
        for row in self.rows[self.first : self.first + count]:
            row[-1] = ZERO
        return found

    def largest_margin(
        self, start: Optimum, forms: list[Affine], weak: Sequence[bool] = ()
    ) -> Optimum | None:
        """The largest s such that all atoms can be >= s in the pattern, the `weak` ones >= 0."""
        weak = weak or [False] * len(forms)
        if self._asked:
            del self.rows[self.first_atom :], self.offsets[self.first_atom :]
        self._asked, self.first_atom = True, len(self.rows)
        for form, kept in zip(forms, weak, strict=True):
            self.add(form, ZERO if kept else ONE)
        x = start.point[:-1]
        least = min(
            sum((g * q for g, q in zip(gradient, x, strict=False)), constant)
            for (gradient, constant), kept in zip(forms, weak, strict=True)
            if not kept
        )
        return self._from([*x, least], [ZERO] * (self.width - 1) + [ONE])

    def solver_margin(self, forms: list[Affine]) -> Optimum | None:
        """The largest s such that all atoms can be >= s, from the solver's vertex; None where that
        is none, or where the rows contradict each other."""
        self.first_atom = len(self.rows)
        for form in forms:
            self.add(form, ONE)
        return self._from(None, [ZERO] * (self.width - 1) + [ONE])

    def box_shares(self, optimum: Optimum) -> dict[int, Fraction]:
        """What the bounds of the inputs bear of the optimum, where a ball bears the rest."""
        if not self.extra and self.norm in ("inf", "1"):
            return {}
        y = optimum.multipliers
        shares = {k: y.get(2 * k, ZERO) - y.get(2 * k + 1, ZERO) for k in range(self.n)}
        return {k: share for k, share in shares.items() if share}

    def _from(self, point: list[Fraction] | None, objective: Row) -> Optimum | None:
        """The optimum: from the solver's vertex if it is one, else from a feasible point, first to
        a vertex and then along edges."""
        active = self._guessed(objective)
        if active is None and point is not None and self.n <= LARGE:
            active = self._vertex(point, objective)
        return None if active is None else maximise(objective, self.rows, self.offsets, active)

    def _guessed(self, objective: Row) -> list[int] | None:
        """The solver's optimal vertex, if all rows hold there."""
        rows = np.array([float_vector([*row, t]) for row, t in self._scaled_rows()])
        active = vertex(float_vector(objective), rows[:, :-1], rows[:, -1])
        if active is None:
            return None
        try:
            point = solve_exactly([self.rows[i] for i in active], [self.offsets[i] for i in active])
        except ZeroDivisionError:
            return None
        for row, offset in zip(self.rows, self.offsets, strict=True):
            tick()
            if dot(row, point) < offset:
                return None
        return active

    def _scaled_rows(self) -> Iterator[tuple[Row, Fraction]]:
        """The rows with a largest coefficient of one."""
        for row, offset in zip(self.rows, self.offsets, strict=True):
            tick()
            size = max(map(abs, row)) or ONE
            yield [q / size for q in row], offset / size

    def _vertex(self, point: list[Fraction], objective: Row) -> list[int] | None:
        """Independent rows that are active at a vertex reached from `point` by moves along which
        no active row changes."""
        active: list[int] = []
        reduced: list[tuple[int, Row]] = []  # echelon form of the active rows
        while True:
            tick()
            for i, (row, offset) in enumerate(zip(self.rows, self.offsets, strict=True)):
                if i not in active and dot(row, point) == offset:
                    pivot = _reduce(reduced, row)
                    if pivot is not None:
                        active.append(i)
            if len(active) == self.width:
                return active
            direction = _kernel(reduced, self.width)
            if dot(objective, direction) < 0:
                direction = [-d for d in direction]
            steps = self._steps(point, direction)
            if not steps:
                direction = [-d for d in direction]
                steps = self._steps(point, direction)
            if not steps:
                return None
            step = min(steps)
            point = [x + step * d for x, d in zip(point, direction, strict=True)]

    def _steps(self, point: list[Fraction], direction: Row) -> list[Fraction]:
        steps = []
        for row, offset in zip(self.rows, self.offsets, strict=True):
            slope = dot(row, direction)
            if slope < 0:
                steps.append((dot(row, point) - offset) / -slope)
        return steps


def dot(row: Row, point: list[Fraction]) -> Fraction:
    return sum((g * x for g, x in zip(row, point, strict=True) if g), ZERO)


def _reduce(reduced: list[tuple[int, Row]], row: Row) -> int | None:
    """Adds the row to the echelon form if it is independent, and returns its pivot."""
    rest = list(row)
    for pivot, known in reduced:
        if rest[pivot]:
            factor = rest[pivot]
            rest = [a - factor * b for a, b in zip(rest, known, strict=True)]
    found = next((k for k, q in enumerate(rest) if q), None)
    if found is None:
        return None
    scaled = [q / rest[found] for q in rest]
    for number, (other, known) in enumerate(reduced):
        if known[found]:
            factor = known[found]
            reduced[number] = (
                other,
                [a - factor * b for a, b in zip(known, scaled, strict=True)],
            )
    reduced.append((found, scaled))
    return found


def _kernel(reduced: list[tuple[int, Row]], width: int) -> Row:
    """A non-zero vector on which all rows of the reduced echelon form vanish."""
    pivots = {pivot for pivot, _ in reduced}
    free = max(k for k in range(width) if k not in pivots)
    vector = [ZERO] * width
    vector[free] = ONE
    for pivot, row in reduced:
        vector[pivot] = -row[free]
    return vector
