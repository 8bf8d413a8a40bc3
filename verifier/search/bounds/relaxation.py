"""The linear relaxation of one goal on one region, kept warm in HiGHS from node to node.

Columns: the inputs, for each unit that is undecided at the root z_v and a_v, and s; units that are
on are substituted, units that are off are gone. Rows: a_v equals its row, z_v >= a_v, z_v below the
chord of its bounds, and each atom of the goal >= s. The largest s is the goal's relaxed margin:
below zero, the goal is refuted. Fixing a phase changes bounds of columns and rows, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from verifier.question.query import Query
from verifier.search.bounds.float_leaf import Float, FloatLeaf, LeafBounds, Parts, Phases
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.bounds.solver import Answer, LinearProgram
from verifier.search.clock import check_time

OPEN = 1e-6  # a relaxed margin beyond the solver's tolerances: no leaf closes there
TANGENTS = 40  # most cuts of an L2 ball at the root; 2 at another node


@dataclass(frozen=True, slots=True)
class Solution:
    """margin: the largest s, None if the branch is empty. point: the inputs there. z, a: of the
    undecided units, in their order. leaf: what should refute the goal in this branch."""

    margin: float | None
    point: Float
    z: Float
    a: Float
    leaf: FloatLeaf


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
        deadline: float | None = None,
    ) -> None:
        """`lower` and `upper` bound the pre-activations, `box` the inputs. Raises LateError after
        the deadline."""
        self._deadline, self.goal = deadline, goal
        self.query, self.network = query, network
        self.region, self.inputs = query.region, query.network.inputs
        self.bounds = LeafBounds(
            query, network, network.atoms(query.goals[goal]), lower, upper, box
        )
        self.undecided = self.bounds.undecided
        self.phases: Phases = np.zeros(len(self.undecided), dtype=np.int8)
        self._built = False  # not before it is asked for

    def _substituted(self) -> tuple[Float, Float]:
        """Each a_v as a form of the inputs and of undecided z: coefficients and constants."""
        n, count = self.inputs, len(self.undecided)
        forms = np.zeros((self.query.network.variables, n + count))
        constants = np.zeros(self.query.network.variables)
        forms[:n, :n] = np.eye(n)
        rows, offsets = np.zeros((count, n + count)), np.zeros(count)
        for layer in reversed(self.bounds.blocks.layers):
            check_time(self._deadline)
            part, on = layer.part, layer.on
            read = layer.weights @ forms[layer.columns]
            shift = layer.weights @ constants[layer.columns] + layer.bias
            forms[on], constants[on] = read[: len(on)], shift[: len(on)]
            rows[part], offsets[part] = read[len(on) :], shift[len(on) :]
            forms[layer.undecided, n + np.arange(part.start, part.stop)] = 1
        self._forms, self._constants = forms, constants
        return rows, offsets

    def _build(self, box: tuple[Float, Float]) -> None:
        n, count = self.inputs, len(self.undecided)
        rows, offsets = self._substituted()
        bounds = self.bounds
        atoms = bounds.atom_forms @ self._forms
        atom_constants = bounds.atom_forms @ self._constants + bounds.atom_constants
        low, high, chord = bounds.low, bounds.high, bounds.chord
        self.s = n + count + count  # columns: inputs, z, a, s
        program = LinearProgram(
            lower=np.concatenate([box[0], np.zeros(count), low, [-np.inf]]),
            upper=np.concatenate([box[1], np.full(count, np.inf), high, [np.inf]]),
            cost=np.concatenate([np.zeros(n + 2 * count), [-1.0]]),
        )
        eye, none = sparse.eye_array(count), np.zeros(count)
        without = sparse.csr_array((count, n))
        block = sparse.hstack([sparse.csr_array(-rows), eye])
        program.add_rows(block, offsets, offsets)
        program.add_rows(sparse.hstack([without, eye, -eye]), none, np.full(count, np.inf))
        chords = sparse.hstack([without, eye, -sparse.diags_array(chord)])
        program.add_rows(chords, np.full(count, -np.inf), high * (1 - chord))
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
        center = self.bounds.center
        self.program.add_columns(np.zeros(n), np.full(n, np.inf))
        for sign in (1.0, -1.0):
            rows = np.zeros((n, wide + n))
            rows[:, :n], rows[:, wide:] = sign * np.eye(n), -np.eye(n)
            self.program.add_rows(rows, np.full(n, -np.inf), sign * center)
        total = np.zeros((1, wide + n))
        total[0, wide:] = 1
        self.program.add_rows(total, np.full(1, -np.inf), np.array([self.bounds.radius]))

    def _tangent(self, answer: Answer) -> bool:
        """Adds the tangent half-space of the ball, of norm 2 or more, behind which this optimum
        lies, if it does: the one where the ball is met on the way to it from the center."""
        if answer.columns is None:
            return False
        center, radius = self.bounds.center, self.bounds.radius
        offset, p = answer.columns[: self.inputs] - center, self.region.power
        length = float(np.linalg.norm(offset, ord=p))
        if length <= radius * (1 + 1e-7) or length == 0:
            return False
        normal = np.zeros((1, self.program.width))
        away = offset / length
        normal[0, : self.inputs] = away if p == 2 else np.sign(away) * np.abs(away) ** (p - 1)
        top = radius + float(normal[0, : self.inputs] @ center)
        self.program.append_row(normal[0], -np.inf, top)
        return True

    def at(self, phases: Phases) -> Relaxation:
        """The program with exactly these phases fixed."""
        if not self._built:
            self._build(self.bounds.box)
            self._built = True
        for i in np.flatnonzero(phases != self.phases).tolist():
            self._fix(i, int(phases[i]))
        self.phases = phases.copy()
        return self

    def iterations(self, steps: int) -> int:
        """How many iterations of the simplex method cost as many multiplications as `steps` steps
        of an ascent of one branch; 0 if it takes more to write the program down.

        A step reads the weights twice, an iteration the program's entries: a row of it for prices,
        a column for the step."""
        cells = 2 * sum(layer.weights.size for layer in self.bounds.blocks.layers)
        if not self._built:
            width = self.inputs + len(self.undecided)
            if cells * steps < cells // 2 * width:
                return 0
            self.at(self.phases)
        return cells * steps // max(self.program.entries, 1)

    def steps_taken(self) -> float:
        """The same of the iterations of the last run."""
        cells = 2 * sum(layer.weights.size for layer in self.bounds.blocks.layers)
        return self.program.iterations * self.program.entries / max(cells, 1)

    def ends_within(self, iterations: int) -> bool:
        """Whether the solver comes to an end of the current phases in so many iterations. It goes
        on from there."""
        return self.program.ends_within(iterations)

    def _fix(self, i: int, phase: int) -> None:
        count = len(self.undecided)
        z, a = self.inputs + i, self.inputs + count + i
        low, high = float(self.bounds.low[i]), float(self.bounds.high[i])
        # Bounds of z that follow from those of a are left out, so that their multipliers land on a.
        on, off = phase > 0, phase < 0
        self.program.set_column(z, -np.inf if on else 0.0, 0.0 if off else np.inf)
        self.program.set_column(a, 0.0 if on else low, 0.0 if off else high)
        self.program.set_row(self._ge + i, 0.0, 0.0 if on else np.inf)
        top = np.inf if phase else high * (1 - float(self.bounds.chord[i]))
        self.program.set_row(self._chord_row + i, -np.inf, top)

    def solve(self) -> Solution:
        """The optimum of the current phases, with the multipliers of a proof."""
        answer = self.program.solve()
        if self.region.power > 1 and answer.columns is not None:
            alone = bool(self.phases.all())  # nothing left to split
            for _ in range(2 if self.phases.any() and not alone else TANGENTS):
                margin = float(answer.columns[self.s])
                if margin < 0 or not self._tangent(answer):
                    break
                answer = self.program.solve()
                if answer.columns is None:
                    break
                if answer.columns[self.s] > 0.99 * margin and not alone:
                    break
        n, count = self.inputs, len(self.undecided)
        leaf = self._multipliers(answer)
        if answer.columns is None:
            none = np.zeros(count)
            return Solution(None, np.zeros(n), none, none, leaf)
        x = answer.columns
        return Solution(
            float(x[self.s]), x[:n], x[n : n + count], x[n + count : n + 2 * count], leaf
        )

    def _multipliers(self, answer: Answer) -> FloatLeaf:
        """The duals as slopes and multipliers, following the checker's elimination in floats; where
        the margin is positive, so that the branch will be split, without a look at what they prove.

        With p on z >= a and q on the chord, z's coefficient c is p - q and what z >= 0 bears: c > 0
        is a line below z of slope p / c, c < 0 the chord's share q / -c. Where both p and q are
        positive, a is at its upper end and the common part is a multiplier of that bound. Where the
        chord bears more than -c, z >= 0 bears the rest, and a is at its lower end.
        """
        n, count = self.inputs, len(self.undecided)
        y, reduced, given = answer.rows, answer.reduced, self.bounds
        atoms = np.maximum(y[self._atom_row : self._atom_row + len(given.atom_constants)], 0)
        if answer.columns is None:
            atoms = np.zeros(len(atoms))
        fixed = self.phases != 0
        p = np.maximum(y[self._ge : self._ge + count], 0)
        q = np.maximum(-y[self._chord_row : self._chord_row + count], 0)
        common = np.where(fixed, 0, np.minimum(p, q))
        bounds = reduced[n + count : n + 2 * count] - common * (1 - given.chord)
        bounds -= np.where(self.phases < 0, p, 0)  # z >= a with z = 0 says a <= 0
        line, above = np.where(fixed, 0, p - common), np.where(fixed, 0, q - common)
        # Where the program says nothing: the steepest line above, the nearer one below.
        rising = np.where(fixed, self.phases > 0, given.high > -given.low).astype(float)
        falling, coefficients = given.chord.copy(), np.zeros(count)
        form = -atoms @ given.atom_forms
        for layer in given.blocks.layers:
            part = layer.part
            d, phases = form[layer.undecided], self.phases[part]
            coefficients[part] = d
            opened = phases == 0
            up, down = opened & (d > 0), opened & (d < 0)
            rising[part][up] = np.minimum(line[part][up] / d[up], 1.0)
            falling[part][down] *= np.minimum(above[part][down] / -d[down], 1.0)
            rest = np.maximum(above[part] - np.maximum(-d, 0.0), 0.0)
            bounds[part] += np.where(opened, rest * given.chord[part], 0)
            # At an end of a's range a flatter line does what a multiplier of the bound does, and
            # does it exactly after rounding.
            slope, m = np.where(d > 0, rising[part], falling[part]), bounds[part]
            shared = np.where(d > 0, m > 0, opened & (m < 0)) & (slope > 0) & (phases >= 0)
            share = np.where(shared, np.minimum(np.abs(m), np.abs(d) * slope), 0)
            bounds[part] -= np.sign(m) * share
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(share > 0, np.maximum(slope - share / np.abs(d), 0), slope)
            rising[part] = np.where(d > 0, slope, rising[part])
            falling[part] = np.where(d < 0, slope, falling[part])
            slope = np.where(opened | (phases > 0) & (d > 0), slope, phases > 0)
            factors = np.concatenate([form[layer.on], d * slope - bounds[part]])
            form[layer.columns] += factors @ layer.weights
        if answer.columns is not None and answer.columns[self.s] > OPEN:
            slopes, margin = np.where(coefficients > 0, rising, falling), answer.columns[self.s]
            return FloatLeaf(
                atoms, slopes, bounds, np.zeros(n), coefficients, 0.0, self.phases,
                -float(margin), 0.0, sure=False,
            )  # fmt: skip
        parts = Parts(*(part[None] for part in (atoms, rising, falling, bounds)))
        return given.leaves(parts, self.phases[None])[0]
