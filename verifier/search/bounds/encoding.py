"""The big-M mixed-integer program of one goal, in floats, for solvers: one set of rows, two models.

Columns: the inputs x in their box, z_v for every unit that is kept, a binary d_v for every one that
is undecided, t_k = |x_k - c_k| for an L1 ball, and the margin s, which is maximised; where it is
negative, or nothing is feasible, the goal seems to be refuted. An L2 ball is replaced by its box.
With a_v = w_v . (x, z) + b_v in [lower, upper]:

    above_v  z_v >= a_v                 off_v  z_v <= upper d_v
    on_v     z_v <= a_v - lower (1 - d_v)      atom_k  atom >= s

A unit that is on has the row z_v = a_v, one that is off z_v = 0; with `eliminate` both are
substituted exactly, and so are units that no output needs. The exact program, in rational numbers
and for the proofs of other checkers, is `verifier.formats.big_m`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from verifier.checker.leaf import LeafChecker
from verifier.search.bounds.floats import to_float

Form = tuple[dict[int, int], int]
"""Integer coefficients of scaled variables, and a constant."""
INFINITY = float("inf")


@dataclass(slots=True)
class Encoding:
    """lower <= columns <= upper, row_lower <= rows <= row_upper; the last column is maximised."""

    names: list[str] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    binaries: list[int] = field(default_factory=list)
    row_names: list[str] = field(default_factory=list)
    rows: list[list[tuple[int, float]]] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)

    def column(self, name: str, lower: float, upper: float) -> int:
        self.names.append(name)
        self.lower.append(lower)
        self.upper.append(upper)
        return len(self.names) - 1

    def row(self, name: str, terms: Mapping[int, float], lower: float, upper: float) -> None:
        self.row_names.append(name)
        self.rows.append([(j, q) for j, q in terms.items() if q])
        self.row_lower.append(lower)
        self.row_upper.append(upper)

    def to_highs(self) -> Any:
        """The program as a highspy.HighsLp, which minimises."""
        import highspy

        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self.names), len(self.rows)
        program.col_lower_, program.col_upper_ = np.array(self.lower), np.array(self.upper)
        cost = np.zeros(len(self.names))
        cost[-1] = -1
        program.col_cost_ = cost
        program.row_lower_, program.row_upper_ = np.array(self.row_lower), np.array(self.row_upper)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.cumsum([0, *map(len, self.rows)])
        program.a_matrix_.index_ = np.array([j for row in self.rows for j, _ in row], dtype=int)
        program.a_matrix_.value_ = np.array([q for row in self.rows for _, q in row])
        kinds = [highspy.HighsVarType.kContinuous] * len(self.names)
        for j in self.binaries:
            kinds[j] = highspy.HighsVarType.kInteger
        program.integrality_ = kinds
        return program

    def to_pulp(self) -> Any:
        """The program as a pulp.LpProblem, for any solver that PuLP knows."""
        import pulp

        model = pulp.LpProblem("goal", pulp.LpMaximize)
        binaries = set(self.binaries)
        columns = [
            pulp.LpVariable(
                name,
                None if low == -INFINITY else low,
                None if high == INFINITY else high,
                pulp.LpInteger if j in binaries else pulp.LpContinuous,
            )
            for j, (name, low, high) in enumerate(
                zip(self.names, self.lower, self.upper, strict=True)
            )
        ]
        model += columns[-1]
        for name, row, low, high in zip(
            self.row_names, self.rows, self.row_lower, self.row_upper, strict=True
        ):
            left = pulp.LpAffineExpression([(columns[j], q) for j, q in row])
            if low == high:
                model += left == low, name
            elif low == -INFINITY:
                model += left <= high, name
            else:
                model += left >= low, name
        return model


def encode(checker: LeafChecker, goal: int, *, eliminate: bool = False) -> Encoding:
    """The program of goal number `goal`, with the bounds of the checker's current state."""
    return _Encoder(checker, eliminate).program(goal)


class _Encoder:
    def __init__(self, checker: LeafChecker, eliminate: bool) -> None:
        self.checker, self.eliminate = checker, eliminate
        self.inputs, self.scaled = checker.inputs, checker.scaled
        self.result = Encoding()
        self.columns: dict[int, int] = {}  # of variables
        self.forms: dict[int, Form] = {}  # of variables that are eliminated

    def program(self, goal: int) -> Encoding:
        checker, result, size = self.checker, self.result, self.scaled.denominator
        for k in range(self.inputs):
            low, high = checker.input_bounds(k)
            self.columns[k] = result.column(
                f"x{k}", to_float(Fraction(low) / size), to_float(Fraction(high) / size)
            )
        for v in self._needed(goal) if self.eliminate else range(checker.network.units.count):
            self._unit(v)
        if checker.region.norm == "1":
            self._l1_ball()
        margin = len(result.names)
        atoms = checker.query.goals[goal].atoms
        for number, atom in enumerate(atoms):
            terms: dict[int, Fraction] = {}
            constant = atom.constant
            for k, g in atom.inputs:
                terms[k] = terms.get(k, Fraction(0)) + g
            for j, g in atom.outputs:
                weights, offset = checker.network.outputs.fractions(j)
                constant += g * offset
                for index, weight in weights.items():
                    terms[index] = terms.get(index, Fraction(0)) + g * weight
            row, offset = self._unscaled(terms)
            row[margin] = -1.0
            result.row(f"atom{number}", row, -to_float(constant + offset), INFINITY)
        result.column("s", -INFINITY, INFINITY)
        return result

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

    def _unit(self, v: int) -> None:
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
        bias = to_float(Fraction(constant, scale) + offset)
        top, bottom = to_float(Fraction(high) / scale), to_float(Fraction(low) / scale)
        result = self.result
        z = self.columns[self.inputs + v] = result.column(f"z{v}", 0.0, max(top, 0.0))
        row = {j: -q for j, q in row.items()} | {z: 1.0}  # z - a + b
        if low >= 0:
            result.row(f"equal{v}", row, bias, bias)
        elif high > 0:
            d = result.column(f"d{v}", 0.0, 1.0)
            result.binaries.append(d)
            result.row(f"above{v}", row, bias, INFINITY)
            result.row(f"on{v}", row | {d: -bottom}, -INFINITY, bias - bottom)
            result.row(f"off{v}", {z: 1.0, d: -top}, -INFINITY, 0.0)

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

    def _unscaled(self, terms: Mapping[int, Fraction]) -> tuple[dict[int, float], Fraction]:
        """Coefficients of columns for a form of (unscaled) variables, and its constant."""
        found: dict[int, Fraction] = {}
        constant = Fraction(0)
        for j, q in terms.items():
            if j in self.forms:
                form, offset = self.forms[j]
                constant += q * Fraction(offset, self.scaled.scales[j])
                for i, c in form.items():
                    share = q * Fraction(c * self.scaled.scales[i], self.scaled.scales[j])
                    found[i] = found.get(i, Fraction(0)) + share
            else:
                found[j] = found.get(j, Fraction(0)) + q
        return {self.columns[i]: to_float(q) for i, q in found.items() if q}, constant

    def _l1_ball(self) -> None:
        region, result = self.checker.region, self.result
        distances = {}
        for k, c in enumerate(map(to_float, region.center)):
            t = result.column(f"t{k}", 0.0, to_float(region.size))
            result.row(f"right{k}", {t: 1.0, self.columns[k]: -1.0}, -c, INFINITY)
            result.row(f"left{k}", {t: 1.0, self.columns[k]: 1.0}, c, INFINITY)
            distances[t] = 1.0
        result.row("ball", distances, -INFINITY, to_float(region.size))
