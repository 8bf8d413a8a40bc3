"""One activation pattern, decided exactly: the network is affine there, so it is a linear program.

For branches in which every phase is fixed and the margin is within rounding of zero: ties, empty
slivers between two units, and rivals that touch the ball in one point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.search.exact_lp import Optimum, Row, maximise, solve_exactly
from verifier.search.exact_projection import Projection, project, project_large
from verifier.search.floats import float_vector
from verifier.search.solver import vertex
from verifier.trusted.certificate import Leaf
from verifier.trusted.fast import FastChecker
from verifier.trusted.network import Network
from verifier.trusted.query import Goal, Query
from verifier.trusted.region import distance

ZERO, ONE = Fraction(0), Fraction(1)
Affine = tuple[Row, Fraction]
LARGE = 40  # inputs, beyond which exact systems take too long


def decide_pattern(
    query: Query, checker: FastChecker, goal: Goal, phases: Mapping[int, bool]
) -> tuple[list[Fraction] | None, Leaf | None]:
    """A point of the pattern with the largest margin, or a leaf that should refute the goal there.

    On an L2 ball and on every open ball the point is the one nearest to the center at which the
    goal holds. `checker` is in the root state, `phases` fixes every unit that is undecided in it.
    Returns two Nones where the exact program gives up, as it may with many inputs.
    """
    pre, outputs = _affine(query, checker, phases)
    if query.region.norm == "2":
        point, leaf = _nearest(query, goal, phases, pre, outputs)
        if point is None or query.region.open or not any(atom.strict for atom in goal.atoms):
            return point, leaf
        return _beyond(query, checker, goal, phases, pre, outputs, point)
    program, names = _pattern(query, checker, phases, pre)
    forms = [_atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    if query.region.open:
        return _nearest_vertex(query, program, names, forms)
    empty = program.largest_common_slack(len(names))
    if empty is None:
        return None, None
    if empty.value < 0:
        return None, _leaf(names, program, empty, {0: ZERO})
    best = program.largest_margin(empty, forms)
    if best is None:
        return None, None
    weak = [not atom.strict for atom in goal.atoms]
    if best.value == 0 and not all(weak):
        # Where weak atoms are zero, strict ones may be positive.
        best = program.largest_margin(best, forms, weak)
        if best is None:
            return None, None
    if best.value > 0 or (best.value == 0 and all(weak)):
        return best.point[: query.network.inputs], None
    atoms = {
        number: best.multipliers.get(program.first_atom + number, ZERO)
        for number in range(len(forms))
    }
    return best.point[: query.network.inputs], _leaf(names, program, best, atoms)


def _pattern(
    query: Query, checker: FastChecker, phases: Mapping[int, bool], pre: list[Affine]
) -> tuple[_Program, list[tuple[str, int, Fraction]]]:
    """The program of the pattern's points, and what its rows after the first ones are about."""
    program, names = _Program(query, checker.box()), list[tuple[str, int, Fraction]]()
    for v, on in phases.items():
        sign = ONE if on else -ONE
        program.add(_scaled(pre[v], sign))
        names.append(("unit", v, sign))
    return program, names


def _beyond(
    query: Query,
    checker: FastChecker,
    goal: Goal,
    phases: Mapping[int, bool],
    pre: list[Affine],
    outputs: list[Affine],
    point: list[Fraction],
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On a closed L2 ball, from the nearest point at which all atoms are at least zero: one where
    the strict ones are positive, or a leaf which shows that they are nowhere in the pattern."""
    region = query.region
    forms = [_atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    strict = [form for form, atom in zip(forms, goal.atoms, strict=True) if atom.strict]
    if all(_dot(gradient, point) + constant > 0 for gradient, constant in strict):
        return point, None
    program, names = _pattern(query, checker, phases, pre)
    start = Optimum(ZERO, [*point, ZERO], {})
    best = program.largest_margin(start, forms, [not atom.strict for atom in goal.atoms])
    if best is None:
        return None, None
    if best.value <= 0:
        atoms = {
            number: best.multipliers.get(program.first_atom + number, ZERO)
            for number in range(len(forms))
        }
        return None, _leaf(names, program, best, atoms)
    # A little of the way there, for the point at which it is greatest may lie outside of the ball.
    part = ONE
    while distance("2", point, region.center) < region.size:
        moved = [x + part * (q - x) for x, q in zip(point, best.point, strict=False)]
        if distance("2", moved, region.center) <= region.size:
            return moved, None
        part /= 2
    return None, None


def _nearest_vertex(
    query: Query, program: _Program, names: list[tuple[str, int, Fraction]], forms: list[Affine]
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On an open ball of norm inf or 1: the nearest point of the pattern at which the atoms hold,
    or the multipliers that show that there is none inside."""
    for form in forms:
        program.add(form)
    program.first_atom = program.first + len(names)
    best = program.nearest_point()
    if best is None:
        best = program.largest_common_slack(len(names) + len(forms))
        if best is not None and best.value == 0:
            best = program.nearest_point(best)
    if best is None:
        return None, None
    if -best.value < query.region.size and best.point[-1] == 0:
        return best.point[: program.n], None
    atoms = {k: best.multipliers.get(program.first_atom + k, ZERO) for k in range(len(forms))}
    return None, _leaf(names, program, best, atoms)


def _nearest(
    query: Query,
    goal: Goal,
    phases: Mapping[int, bool],
    pre: list[Affine],
    outputs: list[Affine],
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On an L2 ball: the point of the pattern nearest to the center at which the atoms hold, or the
    multipliers that show it to be empty or too far."""
    region = query.region
    units = list(phases)
    forms = [_scaled(pre[v], ONE if phases[v] else -ONE) for v in units]
    forms += [_atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    rows = [form[0] for form in forms]
    offsets = [-form[1] for form in forms]
    if region.clipped:
        for k in range(region.dimension):
            unit = [Fraction(int(j == k)) for j in range(region.dimension)]
            rows += [unit, [-q for q in unit]]
            offsets += [region.lower[k], -region.upper[k]]
    exactly = region.dimension <= LARGE and len(rows) <= LARGE
    found = (project if exactly else project_large)(region.center, rows, offsets)
    if found is None:
        return None, None
    if isinstance(found, Projection) and found.squared_distance <= region.size:
        strict = {
            k: _dot(gradient, found.point) + constant
            for k, (gradient, constant) in enumerate(forms[len(units) :])
            if goal.atoms[k].strict
        }
        holds = not region.open and all(value > 0 for value in strict.values())
        if found.squared_distance < region.size or holds:
            return found.point, None
        if not region.size and strict:  # a ball of one point, where a strict atom is not positive
            worst = min(strict, key=strict.__getitem__)
            return None, Leaf(atoms={k: Fraction(k == worst) for k in range(len(goal.atoms))})
    first = len(units)
    bounds = {
        v: (ONE if phases[v] else -ONE) * found.multipliers[i]
        for i, v in enumerate(units)
        if i in found.multipliers
    }
    atoms = {k: found.multipliers.get(first + k, ZERO) for k in range(len(goal.atoms))}
    clip: dict[int, Fraction] = {}
    for i, multiplier in found.multipliers.items():
        k, side = divmod(i - first - len(goal.atoms), 2)
        if k >= 0:
            clip[k] = clip.get(k, ZERO) + (multiplier if side == 0 else -multiplier)
    # The box bears what its own rows bear: the final gradient is minus the others' sum.
    return None, Leaf(atoms=atoms, bounds=bounds, box=clip)


def _leaf(
    names: list[tuple[str, int, Fraction]],
    program: _Program,
    optimum: Optimum,
    atoms: dict[int, Fraction],
) -> Leaf:
    bounds = {
        v: sign * optimum.multipliers[program.first + i]
        for i, (_, v, sign) in enumerate(names)
        if optimum.multipliers.get(program.first + i)
    }
    box = {
        k: optimum.multipliers.get(2 * k, ZERO) - optimum.multipliers.get(2 * k + 1, ZERO)
        for k in range(program.n)
        if program.extra or program.norm == "2"
    }
    return Leaf(atoms=atoms, bounds=bounds, box={k: q for k, q in box.items() if q})


def pre_activations(network: Network, point: Sequence[Fraction]) -> list[Fraction]:
    """Every a_v at the point, exactly."""
    values, found = list(point), list[Fraction]()
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        found.append(constant + sum((w * values[j] for j, w in weights.items()), ZERO))
        values.append(max(found[-1], ZERO))
    return found


def _affine(
    query: Query, checker: FastChecker, phases: Mapping[int, bool]
) -> tuple[list[Affine], list[Affine]]:
    """Every a_v and every output as an affine form of the inputs, in this pattern."""
    network = query.network
    n = network.inputs
    forms = [[fmpq(int(k == j)) for j in range(n + 1)] for k in range(n)]
    pre: list[list[fmpq]] = []
    for first, last in network.layer_ranges():
        pre.extend(_combined([network.units.fractions(v) for v in range(first, last)], forms))
        for v in range(first, last):
            on = phases[v] if v in phases else checker.lower(v) >= 0
            forms.append(pre[v] if on else [fmpq(0)] * (n + 1))
    outputs = [network.outputs.fractions(j) for j in range(network.outputs.count)]
    return _fractions(pre), _fractions(_combined(outputs, forms))


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


def _atom_form(goal: Goal, number: int, outputs: list[Affine]) -> Affine:
    atom = goal.atoms[number]
    gradient, constant = [ZERO] * len(outputs[0][0]), atom.constant
    for k, c in atom.inputs:
        gradient[k] += c
    for j, c in atom.outputs:
        gradient = [g + c * o for g, o in zip(gradient, outputs[j][0], strict=True)]
        constant += c * outputs[j][1]
    return gradient, constant


def _scaled(form: Affine, factor: Fraction) -> Affine:
    return [factor * g for g in form[0]], factor * form[1]


class _Program:
    """Rows over (x, d, s): the region, then what `add` brings.

    d are distances, whose sum is at most the radius: on an L1 ball |x_k - c_k| <= d_k, on an open
    ball of norm inf |x_k - c_k| <= d_0, on a box none.
    """

    def __init__(self, query: Query, box: tuple[Sequence[Fraction], Sequence[Fraction]]) -> None:
        region = query.region
        self.n, self.norm = region.dimension, region.norm
        self.extra = self.n if region.norm == "1" else int(region.open)
        self.width = self.n + self.extra + 1
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

    def add(self, form: Affine) -> None:
        """form >= 0."""
        self._put([*form[0], *[ZERO] * self.extra, ZERO], -form[1])

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
        slack = min(
            [ZERO]
            + [
                sum((g * x for g, x in zip(row, self._start, strict=False)), -offset)
                for row, offset in zip(
                    self.rows[self.first : self.first + count],
                    self.offsets[self.first : self.first + count],
                    strict=True,
                )
            ]
        )
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
        for (gradient, constant), kept in zip(forms, weak, strict=True):
            self._put([*gradient, *[ZERO] * self.extra, ZERO if kept else -ONE], -constant)
        x = start.point[:-1]
        least = min(
            sum((g * q for g, q in zip(gradient, x, strict=False)), constant)
            for (gradient, constant), kept in zip(forms, weak, strict=True)
            if not kept
        )
        return self._from([*x, least], [ZERO] * (self.width - 1) + [ONE])

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
        holds = all(
            _dot(row, point) >= offset for row, offset in zip(self.rows, self.offsets, strict=True)
        )
        return active if holds else None

    def _scaled_rows(self) -> Iterator[tuple[Row, Fraction]]:
        """The rows with a largest coefficient of one."""
        for row, offset in zip(self.rows, self.offsets, strict=True):
            size = max(map(abs, row)) or ONE
            yield [q / size for q in row], offset / size

    def _vertex(self, point: list[Fraction], objective: Row) -> list[int] | None:
        """Independent rows that are active at a vertex reached from `point` by moves along which
        no active row changes."""
        active: list[int] = []
        reduced: list[tuple[int, Row]] = []  # echelon form of the active rows
        while True:
            for i, (row, offset) in enumerate(zip(self.rows, self.offsets, strict=True)):
                if i not in active and _dot(row, point) == offset:
                    pivot = _reduce(reduced, row)
                    if pivot is not None:
                        active.append(i)
            if len(active) == self.width:
                return active
            direction = _kernel(reduced, self.width)
            if _dot(objective, direction) < 0:
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
            slope = _dot(row, direction)
            if slope < 0:
                steps.append((_dot(row, point) - offset) / -slope)
        return steps


def _dot(row: Row, point: list[Fraction]) -> Fraction:
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
