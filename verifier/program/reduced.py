"""The big-M program of one goal within the bounds of a branch, as solvers like it; exact.

Columns: the inputs x in their box, z_v for every unit that is kept, a binary d_v for every one that
is undecided, t_k = |x_k - c_k| around an L1 ball, and one that is asked for, the last. An L2 ball
is replaced by its box; the caller adds cuts. Rows are those of `rows.py`, each pre-activation put
in as a form of the other columns. With `eliminate` units that are on or off are substituted
exactly, and units that no output needs are left out.

`margin_program` maximises the margin s, with all atoms >= s: where it is negative, or nothing is
feasible, the goal is refuted. `distance_program` minimises the distance r from the center of a ball
of norm inf or 1 at which the goal holds. The program with all pre-activations, for files and for
the proofs of other checkers, is `big_m.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.checker.leaf import LeafChecker
from verifier.program.rows import ONE, ZERO, Program, Terms, add_l1_ball, add_unit, atom_form

Form = tuple[dict[int, int], int]
"""Integer coefficients of scaled variables, and a constant."""


def margin_program(checker: LeafChecker, goal: int, *, eliminate: bool = True) -> Program:
    """How large the least atom of goal number `goal` becomes, in the checker's current bounds."""
    builder = _Builder(checker, eliminate)
    program = builder.program
    builder.add_units(goal)
    if checker.region.norm == "1":
        add_l1_ball(program, range(checker.inputs), checker.region.center, checker.region.size)
    margin = len(program.names)
    builder.add_atoms(goal, {margin: -ONE})
    program.objective = {program.variable("s", None, None): ONE}
    return program


def distance_program(checker: LeafChecker, goal: int) -> Program:
    """How near the center of the ball goal number `goal` holds; the region is a ball of norm inf or
    1, clipped or not. The distance is the last column, and minus it is maximised."""
    builder = _Builder(checker, eliminate=True)
    program, region = builder.program, checker.region
    builder.add_units(goal)
    if region.norm == "1":
        add_l1_ball(program, range(checker.inputs), region.center, region.size)
        radius = program.variable("r", ZERO, region.size)
        distances = {program.names.index(f"t{k}"): ONE for k in range(checker.inputs)}
        program.row("nearest", distances | {radius: -ONE}, "L", ZERO)
    else:
        radius = program.variable("r", ZERO, region.size)
        for k, c in enumerate(region.center):
            program.row(f"right{k}", {radius: ONE, k: -ONE}, "G", -c)
            program.row(f"left{k}", {radius: ONE, k: ONE}, "G", c)
    builder.add_atoms(goal, {})
    program.objective = {radius: -ONE}
    return program


class _Builder:
    def __init__(self, checker: LeafChecker, eliminate: bool) -> None:
        self.checker, self.eliminate = checker, eliminate
        self.inputs, self.scaled = checker.inputs, checker.scaled
        self.program = Program()
        self.columns: dict[int, int] = {}  # of variables
        self.forms: dict[int, Form] = {}  # of variables that are eliminated
        size = self.scaled.denominator
        for k in range(self.inputs):
            low, high = checker.input_bounds(k)
            self.columns[k] = self.program.variable(
                f"x{k}", Fraction(low) / size, Fraction(high) / size
            )

    def add_units(self, goal: int) -> None:
        for v in self._needed(goal) if self.eliminate else range(self.checker.network.units.count):
            self._add_unit(v)

    def add_atoms(self, goal: int, margin: Terms) -> None:
        for number, atom in enumerate(self.checker.query.goals[goal].atoms):
            terms, constant = atom_form(self.checker.network, atom)
            row, offset = self._unscaled(terms)
            self.program.row(f"atom{number}", row | margin, "G", -constant - offset)

    def _needed(self, goal: int) -> list[int]:
        """The units that the goal reads, directly or not, and that are not off; increasing."""
        outputs, rows = self.checker.network.outputs, self.checker.root.rows
        waiting = [
            j
            for atom in self.checker.query.goals[goal].atoms
            for output, _ in atom.outputs
            for j in outputs.row(output)[0]
        ]
        seen = {j for j in waiting if j >= self.inputs}
        waiting = list(seen)
        while waiting:
            v = waiting.pop() - self.inputs
            if self.checker.upper(v) > 0:
                for j in rows.row(v)[0]:
                    if j >= self.inputs and j not in seen:
                        seen.add(j)
                        waiting.append(j)
        return sorted(j - self.inputs for j in seen)

    def _add_unit(self, v: int) -> None:
        low, high = self.checker.lower(v), self.checker.upper(v)
        rows = self.checker.root.rows if self.eliminate else self.scaled
        variables, weights, constant = rows.row(v)
        form, constant = self._substituted(dict(zip(variables, weights, strict=True)), constant)
        if self.eliminate and (low >= 0 or high <= 0):
            self.forms[self.inputs + v] = (form, constant) if low >= 0 else ({}, 0)
            return
        scale = self.scaled.scales[self.inputs + v]
        row, offset = self._unscaled(
            {j: Fraction(c * self.scaled.scales[j], scale) for j, c in form.items()}
        )
        pre = row, Fraction(constant, scale) + offset
        bounds = Fraction(low) / scale, Fraction(high) / scale
        z = self.columns[self.inputs + v] = self.program.variable(
            f"z{v}", ZERO, max(bounds[1], ZERO)
        )
        undecided = low < 0 < high
        binary = self.program.variable(f"d{v}", ZERO, ONE, integer=True) if undecided else None
        add_unit(self.program, v, pre, z, bounds, binary=binary)

    def _substituted(self, terms: Mapping[int, int], constant: int) -> Form:
        """The same form without eliminated variables."""
        found: dict[int, int] = {}
        for j, c in terms.items():
            if j in self.forms:
                form, offset = self.forms[j]
                constant += c * offset
                for i, q in form.items():
                    found[i] = found.get(i, 0) + c * q
            else:
                found[j] = found.get(j, 0) + c
        return found, constant

    def _unscaled(self, terms: Mapping[int, Fraction]) -> tuple[Terms, Fraction]:
        """Coefficients of columns for a form of (unscaled) variables, and its constant."""
        found: Terms = {}
        constant = ZERO
        for j, q in terms.items():
            if j in self.forms:
                form, offset = self.forms[j]
                constant += q * Fraction(offset, self.scaled.scales[j])
                for i, c in form.items():
                    share = q * Fraction(c * self.scaled.scales[i], self.scaled.scales[j])
                    found[i] = found.get(i, ZERO) + share
            else:
                found[j] = found.get(j, ZERO) + q
        return {self.columns[i]: q for i, q in found.items() if q}, constant
