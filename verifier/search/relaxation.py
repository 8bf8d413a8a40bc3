"""The linear relaxation of one goal on one region, kept warm in HiGHS from node to node.

Columns: the inputs, for each unit that is undecided at the root z_v and a_v, and s; units that are
on are substituted, units that are off are gone. Rows: a_v equals its row, z_v >= a_v, z_v below the
chord of its bounds, and each atom of the goal >= s. The largest s is the goal's relaxed margin:
below zero, the goal is refuted. Fixing a phase changes bounds of columns and rows, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.search.deadline import check_time
from verifier.search.floats import FloatNetwork, float_vector, to_float
from verifier.search.solver import Answer, LinearProgram
from verifier.trusted.certificate import Leaf
from verifier.trusted.query import Query
from verifier.trusted.region import Region

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
Phases = NDArray[np.int8]  # of the undecided units, in their order: 1 on, -1 off, 0 open
TINY = 1e-9  # of the largest coefficient: may be rounding error
CLEAR = 1e-7  # of a leaf's size: a value above it is no rounding error
TANGENTS = 40  # most cuts of an L2 ball at the root; 2 at another node


@dataclass(frozen=True, slots=True)
class FloatLeaf:
    """A `Leaf` in floats, for branches in which the phases `used` are fixed and others may be;
    arrays over the undecided units unless said otherwise.

    value: the bound that it gives on the region, > 0 where it closes; size: the sum of what was
    added and subtracted on the way, by which rounding errors are judged. sure: it closes even so.
    """

    atoms: Float  # (atoms,)
    slopes: Float  # of the lines that bound z where its phase is not used
    bounds: Float
    box: Float  # (inputs,)
    coefficients: Float  # of z, which say on which side of z the line is
    noise: float  # up to which a coefficient may be rounding error
    used: Phases
    value: float
    size: float
    sure: bool

    def rounded(self, units: NDArray[np.int64], phases: Phases, bits: int) -> Leaf:
        """The leaf with multipliers of about `bits` bits, on the side that stays admissible;
        `units` are the numbers of the undecided units, `phases` what is fixed where it stands."""
        one = 1 << bits
        lines = np.ldexp(self.slopes, bits)
        # A line above z must not be steeper than the chord, and the float may be.
        lines = np.where(self.coefficients > self.noise, np.rint(lines), np.floor(lines) - 1)
        lines = np.clip(lines, 0, one)
        lines[(self.used > 0) & (self.coefficients <= self.noise)] = one
        # Where z is 0 the line would vanish: a multiplier of a's bound stands for it.
        off = (phases < 0) & (self.used == 0)
        bounds = self.bounds - np.where(off, self.coefficients * self.slopes, 0)
        named = np.where(phases > 0, lines != one, (phases == 0) & (lines != 0))
        largest = max(np.abs(bounds).max(initial=0), np.abs(self.box).max(initial=0))
        shift = bits - int(np.frexp(largest)[1])
        atoms = _fractions(range(len(self.atoms)), np.rint(np.ldexp(self.atoms, bits)), bits)
        return Leaf(
            atoms=atoms or {0: Fraction(0)},
            slopes={
                v: Fraction(int(q), one)
                for v, q in zip(units[named].tolist(), lines[named].tolist(), strict=True)
            },
            bounds=_fractions(units.tolist(), np.rint(np.ldexp(bounds, shift)), shift),
            box=_fractions(range(len(self.box)), np.rint(np.ldexp(self.box, shift)), shift),
        )


def _fractions(keys: Iterable[int], integers: Float, shift: int) -> dict[int, Fraction]:
    """integers / 2^shift, those that are not zero."""
    up, down = (1, 1 << shift) if shift >= 0 else (1 << -shift, 1)
    return {
        k: Fraction(int(q) * up, down) for k, q in zip(keys, integers.tolist(), strict=True) if q
    }


@dataclass(frozen=True, slots=True)
class Solution:
    """margin: the largest s, None if the branch is empty. point: the inputs there. z, a: of the
    undecided units, in their order. leaf: what should refute the goal in this branch."""

    margin: float | None
    point: Float
    z: Float
    a: Float
    leaf: FloatLeaf


@dataclass(frozen=True, slots=True)
class _Parts:
    """Multipliers from which leaves are made; slopes of the lines below and above each z."""

    atoms: Float
    rising: Float
    falling: Float
    bounds: Float
    box: Float


def _leaf(
    parts: _Parts,
    coefficients: Float,
    noise: float,
    used: Phases,
    value: float,
    size: float,
    *,
    sure: bool,
) -> FloatLeaf:
    slopes = np.where(coefficients > 0, parts.rising, parts.falling)
    return FloatLeaf(
        parts.atoms,
        slopes,
        parts.bounds,
        parts.box,
        coefficients,
        noise,
        used,
        float(value),
        float(size),
        sure,
    )


@dataclass(frozen=True, slots=True)
class _Layer:
    """first: its first unit; on: which of its units are on at the root; undecided: the numbers, in
    the layer, of those that are undecided there; part: their place among all undecided units."""

    first: int
    weights: Float
    magnitudes: Float
    bias: Float
    on: Mask
    undecided: NDArray[np.int64]
    part: slice


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
        self._deadline = deadline
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
        self.phases: Phases = np.zeros(len(self.undecided), dtype=np.int8)
        layers = zip(query.network.layer_ranges(), network.weights, network.biases, strict=True)
        self._layers: list[_Layer] = []
        for (first, last), weights, bias in reversed(list(layers)):
            begin, end = np.searchsorted(self.undecided, (first, last)).tolist()
            mine = self.undecided[begin:end] - first
            self._layers.append(
                _Layer(
                    first,
                    weights,
                    np.abs(weights),
                    bias,
                    self.on[first:last],
                    mine,
                    slice(begin, end),
                )
            )
        self._low, self._high = lower[self.undecided], upper[self.undecided]
        self._box = box
        self._reach = np.maximum(np.abs(box[0]), np.abs(box[1]))  # largest |x|
        self._center = float_vector(self.region.center)
        size = to_float(self.region.size)
        self._radius = size**0.5 if self.region.norm == "2" else size
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
            check_time(self._deadline)
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
        self.program.add_rows(total, np.full(1, -np.inf), np.array([self._radius]))

    def _tangent(self, answer: Answer) -> bool:
        """Adds the L2 ball's tangent half-space that this optimum violates most, if it does."""
        if answer.columns is None:
            return False
        center, radius = self._center, self._radius
        offset = answer.columns[: self.inputs] - center
        length = float(np.linalg.norm(offset))
        if length <= radius * (1 + 1e-7) or length == 0:
            return False
        normal = np.zeros((1, self.program.width))
        normal[0, : self.inputs] = offset / length
        top = radius + float(normal[0, : self.inputs] @ center)
        self.program.append_row(normal[0], -np.inf, top)
        return True

    def set_phases(self, phases: Phases) -> None:
        """Fixes exactly these."""
        for i in np.flatnonzero(phases != self.phases).tolist():
            self._fix(i, int(phases[i]))
        self.phases = phases.copy()

    def _fix(self, i: int, phase: int) -> None:
        count = len(self.undecided)
        z, a = self.inputs + i, self.inputs + count + i
        low, high = float(self._low[i]), float(self._high[i])
        # Bounds of z that follow from those of a are left out, so that their multipliers land on a.
        on, off = phase > 0, phase < 0
        self.program.set_column(z, -np.inf if on else 0.0, 0.0 if off else np.inf)
        self.program.set_column(a, 0.0 if on else low, 0.0 if off else high)
        self.program.set_row(self._ge + i, 0.0, 0.0 if on else np.inf)
        top = np.inf if phase else high * (1 - float(self.chord[i]))
        self.program.set_row(self._chord_row + i, -np.inf, top)

    def solve(self) -> Solution:
        """The optimum of the current phases, with the multipliers of a proof."""
        answer = self.program.solve()
        if self.region.norm == "2" and answer.columns is not None:
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
        """The duals as slopes and multipliers, following the checker's elimination in floats.

        With p on z >= a and q on the chord, z's coefficient c is p - q and what z >= 0 bears: c > 0
        is a line below z of slope p / c, c < 0 the chord's share q / -c. Where both p and q are
        positive, a is at its upper end and the common part is a multiplier of that bound. Where the
        chord bears more than -c, z >= 0 bears the rest, and a is at its lower end.
        """
        n, count = self.inputs, len(self.undecided)
        y, reduced = answer.rows, answer.reduced
        atoms = np.maximum(y[self._atom_row : self._atom_row + len(self.atom_constants)], 0)
        if answer.columns is None:
            atoms = np.zeros(len(atoms))
        fixed = self.phases != 0
        p = np.maximum(y[self._ge : self._ge + count], 0)
        q = np.maximum(-y[self._chord_row : self._chord_row + count], 0)
        common = np.where(fixed, 0, np.minimum(p, q))
        bounds = reduced[n + count : n + 2 * count] - common * (1 - self.chord)
        bounds -= np.where(self.phases < 0, p, 0)  # z >= a with z = 0 says a <= 0
        line, above = np.where(fixed, 0, p - common), np.where(fixed, 0, q - common)
        # Where the program says nothing: the steepest line above, the nearer one below.
        rising = np.where(fixed, self.phases > 0, self._high > -self._low).astype(float)
        falling = self.chord.copy()
        form = -atoms @ self.atom_forms
        for layer in self._layers:
            part, mine, first = layer.part, layer.undecided, n + layer.first
            c = form[first : first + len(layer.bias)]
            d, phases = c[mine], self.phases[part]
            opened = phases == 0
            up, down = opened & (d > 0), opened & (d < 0)
            rising[part][up] = np.minimum(line[part][up] / d[up], 1.0)
            falling[part][down] *= np.minimum(above[part][down] / -d[down], 1.0)
            rest = np.maximum(above[part] - np.maximum(-d, 0.0), 0.0)
            bounds[part] += np.where(opened, rest * self.chord[part], 0)
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
            factors = np.where(layer.on, c, 0.0)
            factors[mine] = d * slope - bounds[part]
            form[:first] += factors @ layer.weights
        box = np.zeros(n)
        if self.region.norm != "inf" and self.region.clipped:
            box = reduced[:n].copy()
        parts = _Parts(atoms, rising, falling, bounds, box)
        return self._shortest(parts)

    def _shortest(self, parts: _Parts) -> FloatLeaf:
        """The leaf of these multipliers that uses the fewest of the fixed phases, roughly: those
        of least effect are given up as long as it closes."""
        phases = self.phases
        values, sizes, coefficients = self._values(parts, phases[None, :])
        if values[0] > CLEAR * sizes[0]:
            columns = np.flatnonzero(phases)
            without = np.tile(phases, (len(columns), 1))
            without[np.arange(len(columns)), columns] = 0
            order = columns[np.argsort(-self._values(parts, without)[0], kind="stable")]
            fewer = np.tile(phases, (len(columns) + 1, 1))
            for given_up, column in enumerate(order.tolist(), start=1):
                fewer[given_up:, column] = 0
            some, terms, seen = self._values(parts, fewer)
            closing = some > CLEAR * terms
            closing[0] = True
            used = fewer[-1 if closing.all() else int(closing.argmin()) - 1]
            # A coefficient that may be rounding error has no sign: its line must do for both.
            noise = TINY * float(np.abs(seen).max(initial=0))
            small = (np.abs(seen) <= noise).any(axis=0)
            level = np.minimum(parts.rising, parts.falling)
            careful = replace(parts, rising=np.where(small, level, parts.rising))
            some, terms, seen = self._values(careful, used[None, :])
            if some[0] > CLEAR * terms[0]:
                return _leaf(careful, seen[0], noise, used, some[0], terms[0], sure=True)
        return _leaf(parts, coefficients[0], 0.0, phases, values[0], sizes[0], sure=False)

    def _values(self, parts: _Parts, phases: Phases) -> tuple[Float, Float, Float]:
        """Bounds (branches,), the sizes of all terms that were added for them, and the coefficients
        of z (branches, undecided) that these multipliers give in branches with these phases."""
        n, count = self.inputs, len(phases)
        bound_at = np.where(
            parts.bounds > 0,
            np.where(phases > 0, 0.0, self._low),
            np.where(phases < 0, 0.0, self._high),
        )
        # Multipliers of bounds are rounded to the same unit.
        rounded = np.where(parts.bounds != 0, np.abs(parts.bounds).max(initial=0), 0)
        form = np.tile(-parts.atoms @ self.atom_forms, (count, 1))
        terms = np.tile(parts.atoms @ np.abs(self.atom_forms), (count, 1))
        value = -float(parts.atoms @ self.atom_constants) + bound_at @ parts.bounds
        size = np.abs(bound_at) @ rounded + float(parts.atoms @ np.abs(self.atom_constants))
        coefficients = np.zeros((count, len(self.undecided)))
        for layer in self._layers:
            part, mine, first = layer.part, layer.undecided, n + layer.first
            c = form[:, first : first + len(layer.bias)]
            t = terms[:, first : first + len(layer.bias)]
            d = coefficients[:, part] = c[:, mine]
            opened = phases[:, part] == 0
            slope = np.where(d > 0, parts.rising[part], parts.falling[part])
            fixed_on = phases[:, part] > 0
            slope = np.where(opened | fixed_on & (d > 0), slope, fixed_on)
            above = np.where(opened & (d < 0), (slope - 1) * d * self._high[part], 0).sum(axis=1)
            factors, sizes = np.where(layer.on, c, 0.0), np.where(layer.on, t, 0.0)
            factors[:, mine] = d * slope - parts.bounds[part]
            sizes[:, mine] = t[:, mine] * slope + rounded[part]
            value += factors @ layer.bias - above
            size += sizes @ np.abs(layer.bias) + above
            form[:, :first] += factors @ layer.weights
            terms[:, :first] += sizes @ layer.magnitudes
        size += terms[:, :n] @ self._reach
        return value + self._least(form[:, :n], parts.box), size, coefficients

    def _least(self, gradients: Float, box: Float) -> Float:
        """The least values of gradients . x on the region; `box` is the part of the gradients that
        is bounded over the box."""
        low, high = self._box
        share = gradients if self.region.norm == "inf" else box[None]
        on_box: Float = np.where(share > 0, share * low, share * high).sum(axis=1)
        if self.region.norm == "inf":
            return on_box
        rest = gradients - share
        norm = np.linalg.norm(rest, axis=1) if self.region.norm == "2" else np.abs(rest).max(axis=1)
        least: Float = on_box + rest @ self._center - self._radius * norm
        return least
