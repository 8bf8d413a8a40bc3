"""The linear relaxation of one goal on one region, kept warm in HiGHS from node to node.

Columns: the inputs, for each unit that is undecided at the root z_v and a_v, and s; units that are
on are substituted, units that are off are gone. Rows: a_v equals its row, z_v >= a_v, z_v below the
chord of its bounds, and each atom of the goal >= s. The largest s is the goal's relaxed margin:
below zero, the goal is refuted. Fixing a phase changes bounds of columns and rows, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from verifier.search.floats import FloatNetwork, float_vector, to_float
from verifier.search.solver import Answer, LinearProgram
from verifier.trusted.certificate import Leaf
from verifier.trusted.query import Query
from verifier.trusted.region import Region

Float = NDArray[np.float64]
TANGENTS = 40  # most cuts of an L2 ball at the root; 2 at another node


@dataclass(frozen=True, slots=True)
class Solution:
    """margin: the largest s, None if the branch is empty. point: the inputs there. z, a: of the
    undecided units, in their order. leaf: multipliers that should prove it, as floats."""

    margin: float | None
    point: Float
    z: Float
    a: Float
    pull: Float  # |coefficient| of each undecided unit in the multipliers' form
    leaf: FloatLeaf


@dataclass(frozen=True, slots=True)
class FloatLeaf:
    """A `Leaf` in floats."""

    atoms: dict[int, float]
    slopes: dict[int, float]  # rising lines below z, to be rounded to the nearest
    chords: dict[int, float]  # lines above z, to be rounded down
    bounds: dict[int, float]
    box: dict[int, float]

    def rounded(self, bits: int) -> Leaf:
        """The leaf with multipliers of about `bits` bits, on the side that stays admissible."""
        unit = Fraction(1, 1 << bits)
        largest = max((abs(b) for b in (*self.bounds.values(), *self.box.values())), default=0.0)
        coarse = unit * Fraction(2) ** int(np.frexp(largest)[1])
        slopes = {v: round(Fraction(s) / unit) * unit for v, s in self.slopes.items()}
        for v, slope in self.chords.items():
            slopes[v] = (floor(Fraction(slope) / unit) - 1) * unit  # the float may be above
        return Leaf(
            atoms={k: round(Fraction(q) / unit) * unit for k, q in self.atoms.items()},
            slopes={v: min(max(q, Fraction(0)), Fraction(1)) for v, q in slopes.items() if q},
            bounds=_rounded(self.bounds, coarse),
            box=_rounded(self.box, coarse),
        )


def _rounded(values: Mapping[int, float], unit: Fraction) -> dict[int, Fraction]:
    rounded = {k: round(Fraction(q) / unit) * unit for k, q in values.items()}
    return {k: q for k, q in rounded.items() if q}


class Relaxation:
    """The program of one goal; `fix` and `release` phases, `solve`."""

    def __init__(
        self,
        query: Query,
        network: FloatNetwork,
        goal: int,
        lower: Float,
        upper: Float,
        box: tuple[Float, Float],
    ) -> None:
        """`lower` and `upper` bound the pre-activations, `box` the inputs."""
        self.query, self.network = query, network
        self.region: Region = query.region
        self.inputs = query.network.inputs
        self.lower, self.upper = lower, upper
        self.undecided = np.flatnonzero((lower < 0) & (upper > 0))
        self.column = {int(v): i for i, v in enumerate(self.undecided)}
        self.on = lower >= 0
        self.atom_forms, self.atom_constants = network.atoms(query.goals[goal])
        chord = upper[self.undecided] / (upper[self.undecided] - lower[self.undecided])
        self.chord = np.nextafter(chord, 0)
        self.phases: dict[int, bool] = {}
        self._build(box)

    def _substituted(self) -> tuple[Float, Float]:
        """Each a_v as a form of the inputs and of undecided z: coefficients and constants."""
        n, count = self.inputs, len(self.undecided)
        units = self.query.network.units.count
        forms = np.zeros((self.query.network.variables, n + count))
        constants = np.zeros(self.query.network.variables)
        forms[:n, :n] = np.eye(n)
        rows, offsets = np.zeros((units, n + count)), np.zeros(units)
        for (first, last), weights, bias in zip(
            self.query.network.layer_ranges(),
            self.network.weights,
            self.network.biases,
            strict=True,
        ):
            columns = n + first
            rows[first:last] = weights @ forms[:columns]
            offsets[first:last] = weights @ constants[:columns] + bias
            for v in range(first, last):
                if self.on[v]:
                    forms[n + v], constants[n + v] = rows[v], offsets[v]
                elif v in self.column:
                    forms[n + v, n + self.column[v]] = 1
        self._forms, self._constants = forms, constants
        return rows[self.undecided], offsets[self.undecided]

    def _build(self, box: tuple[Float, Float]) -> None:
        n, count = self.inputs, len(self.undecided)
        rows, offsets = self._substituted()
        atoms = self.atom_forms @ self._forms
        atom_constants = self.atom_forms @ self._constants + self.atom_constants
        low, high = self.lower[self.undecided], self.upper[self.undecided]
        self.s = n + count + count  # columns: inputs, z, a, s
        program = LinearProgram(
            lower=np.concatenate([box[0], np.zeros(count), low, [-np.inf]]),
            upper=np.concatenate([box[1], np.full(count, np.inf), high, [np.inf]]),
            cost=np.concatenate([np.zeros(n + 2 * count), [-1.0]]),
        )
        eye = np.eye(count)
        empty = np.zeros((count, 1))
        zero = np.zeros((count, n))
        program.add_rows(np.hstack([-rows, eye, empty]), offsets, offsets)
        program.add_rows(
            np.hstack([zero, eye, -eye, empty]), np.zeros(count), np.full(count, np.inf)
        )
        chords = np.hstack([zero, eye, -np.diag(self.chord), empty])
        program.add_rows(chords, np.full(count, -np.inf), high * (1 - self.chord))
        tall = len(atoms)
        program.add_rows(
            np.hstack([atoms, np.zeros((tall, count)), -np.ones((tall, 1))]),
            -atom_constants,
            np.full(tall, np.inf),
        )
        self._ge, self._chord_row, self._atom_row = count, 2 * count, 3 * count
        self.program = program
        if self.region.norm == "1":
            self._add_l1()
        program.start()

    def _add_l1(self) -> None:
        """|x_k - c_k| <= d_k, sum of d_k <= r."""
        n, wide = self.inputs, self.s + 1
        center = float_vector(self.region.center)
        self.program.add_columns(np.zeros(n), np.full(n, np.inf))
        for sign in (1.0, -1.0):
            rows = np.zeros((n, wide + n))
            rows[:, :n], rows[:, wide:] = sign * np.eye(n), -np.eye(n)
            self.program.add_rows(rows, np.full(n, -np.inf), sign * center)
        total = np.zeros((1, wide + n))
        total[0, wide:] = 1
        self.program.add_rows(total, np.full(1, -np.inf), np.array([to_float(self.region.size)]))

    def _tangent(self, answer: Answer) -> bool:
        """Adds the L2 ball's tangent half-space that this optimum violates most, if it does."""
        if answer.columns is None:
            return False
        center, radius = float_vector(self.region.center), to_float(self.region.size) ** 0.5
        offset = answer.columns[: self.inputs] - center
        length = float(np.linalg.norm(offset))
        if length <= radius * (1 + 1e-7) or length == 0:
            return False
        normal = np.zeros((1, self.program.width))
        normal[0, : self.inputs] = offset / length
        top = radius + float(normal[0, : self.inputs] @ center)
        self.program.append_row(normal[0], -np.inf, top)
        return True

    def set_phases(self, phases: Mapping[int, bool]) -> None:
        """Fixes exactly these units, True for on."""
        for v in [v for v in self.phases if phases.get(v) != self.phases[v]]:
            self._bounds(v, None)
            del self.phases[v]
        for v, on in phases.items():
            if v not in self.phases:
                self._bounds(v, on)
                self.phases[v] = on

    def _bounds(self, v: int, phase: bool | None) -> None:
        i, count = self.column[v], len(self.undecided)
        z, a = self.inputs + i, self.inputs + count + i
        low, high = float(self.lower[v]), float(self.upper[v])
        # Bounds of z that follow from those of a are left out, so that their multipliers land on a.
        self.program.set_column(z, -np.inf if phase else 0.0, 0.0 if phase is False else np.inf)
        self.program.set_column(a, 0.0 if phase else low, 0.0 if phase is False else high)
        self.program.set_row(self._ge + i, 0.0, 0.0 if phase else np.inf)
        top = np.inf if phase is not None else high * (1 - float(self.chord[i]))
        self.program.set_row(self._chord_row + i, -np.inf, top)

    def solve(self) -> Solution:
        """The optimum of the current phases, with the multipliers of a proof."""
        answer = self.program.solve()
        if self.region.norm == "2" and answer.columns is not None:
            for _ in range(2 if self.phases else TANGENTS):
                margin = float(answer.columns[self.s])
                if margin < 0 or not self._tangent(answer):
                    break
                answer = self.program.solve()
                if answer.columns is None or answer.columns[self.s] > 0.99 * margin:
                    break
        n, count = self.inputs, len(self.undecided)
        leaf, pull = self._multipliers(answer)
        if answer.columns is None:
            none = np.zeros(count)
            return Solution(None, np.zeros(n), none, none, pull, leaf)
        x = answer.columns
        return Solution(
            float(x[self.s]), x[:n], x[n : n + count], x[n + count : n + 2 * count], pull, leaf
        )

    def _multipliers(self, answer: Answer) -> tuple[FloatLeaf, Float]:
        """The duals as slopes and multipliers, following the checker's elimination in floats.

        With p on z >= a and q on the chord, z's coefficient c is p - q and what z >= 0 bears: c > 0
        is a line below z of slope p / c, c < 0 the chord's share q / -c. Where both p and q are
        positive, a is at its upper end and the common part is a multiplier of that bound. Where the
        chord bears more than -c, z >= 0 bears the rest, and a is at its lower end.
        """
        n, count = self.inputs, len(self.undecided)
        y, reduced = answer.rows, answer.reduced
        atoms = {k: max(float(y[self._atom_row + k]), 0.0) for k in range(len(self.atom_constants))}
        bounds = np.zeros(count) + reduced[n + count : n + 2 * count]
        slopes: dict[int, float] = {}
        chords: dict[int, float] = {}
        pull = np.zeros(count)
        form = -np.array([atoms[k] for k in range(len(atoms))]) @ self.atom_forms
        p = np.maximum(y[self._ge : self._ge + count], 0)
        q = np.maximum(-y[self._chord_row : self._chord_row + count], 0)
        for (first, last), weights in reversed(
            list(zip(self.query.network.layer_ranges(), self.network.weights, strict=True))
        ):
            factors = np.zeros(last - first)
            for v in range(first, last):
                c = form[n + v]
                i = self.column.get(v)
                if i is None:
                    factors[v - first] = c if self.on[v] else 0.0
                    continue
                pull[i] = abs(c)
                phase = self.phases.get(v)
                factor = c if phase else 0.0
                if phase is False:
                    bounds[i] -= p[i]  # z >= a with z = 0 says a <= 0
                if phase is None:
                    common = min(p[i], q[i])
                    bounds[i] -= common * (1 - self.chord[i])
                    line, above = p[i] - common, q[i] - common
                    if c > 0 and line > 0:
                        slopes[v] = min(line / c, 1.0)
                        factor = slopes[v] * c
                    elif c < 0 and above > 0:
                        chords[v] = min(above / -c, 1.0) * float(self.chord[i])
                        factor = chords[v] * c
                    bounds[i] += max(above - max(-c, 0.0), 0.0) * self.chord[i]
                factors[v - first] = factor - bounds[i]
            form[: n + first] += factors @ weights
        box = {}
        if self.region.norm != "inf" and self.region.clipped:
            box = {k: float(reduced[k]) for k in range(n) if reduced[k]}
        kept = {
            int(v): float(b) for v, b in zip(self.undecided, bounds, strict=True) if abs(b) > 1e-12
        }
        return FloatLeaf(atoms, slopes, chords, kept, box), pull
