"""Bounds without a linear program: the slopes and multipliers of many leaves, improved at once.

The bound of a leaf is concave in its multipliers, and what it gains from each is known exactly: the
relaxed values of the units where the final form is least. Projected steps along that gradient reach
nearly what the linear program of the branch would, and more on an L2 ball, which no linear program
holds; a step of a whole batch of branches costs less than one program.

Steps are taken in float32 where products are most of the work and where the first bound is no less
certain for it: what they find are multipliers, and `LeafBounds` says in float64 what these prove.

Source: beta-CROWN (Wang et al., NeurIPS 2021) optimises the same bound in float32; Adam is by
Kingma and Ba (ICLR 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.search.bounds.float_leaf import Float, LeafBounds, Parts, Phases

RATE, DECAY = 0.3, 0.95  # of a step, in slopes; of the multipliers, in units of z's coefficient
FIRST, SECOND = 0.9, 0.999  # how long gradients and their squares are remembered
SMALL = 1e-12
TOGETHER = 64  # branches that climb together: products are as fast as of more, arrays stay in cache
SINGLE_CELLS = 1 << 13  # weights, from which on products take longer than all that is around them
SINGLE_NOISE = 2.0**-20  # of a leaf's size: below it, a bound in float32 may be rounding error
CERTAIN = 2.0**10  # times that noise: a bound that float32 tells well


@dataclass(frozen=True, slots=True)
class Bounded:
    """The best leaves found, a row a branch.

    values: their bounds. points: inputs where the final forms are least. a, z: the relaxed values
    of the undecided units there. coefficients: of z.
    """

    values: Float
    parts: Parts
    points: Float
    a: Float
    z: Float
    coefficients: Float


class Ascent:
    """Improves leaves of one region; deterministic."""

    def __init__(self, bounds: LeafBounds) -> None:
        self.bounds = bounds
        self._noise: float | None = None  # of bounds in float32, None where steps are in float64

    def start(self, atoms: Float) -> Parts:
        """For mixes of atoms, a row a branch: the steeper lines above, the nearer ones below."""
        given, count = self.bounds, len(atoms)
        rising = (given.high > -given.low).astype(float)
        units = len(given.undecided)
        parts = Parts(
            atoms,
            np.tile(rising, (count, 1)),
            np.tile(given.chord, (count, 1)),
            np.zeros((count, units)),
        )
        if given.blocks.cells >= SINGLE_CELLS:
            values, sizes, _ = given.values(parts, np.zeros((count, units), dtype=np.int8))
            noise = SINGLE_NOISE * sizes
            certain = np.abs(values) > CERTAIN * noise
            most = 2 * np.count_nonzero(certain) > count
            self._noise = float(noise.max()) if most else None
        return parts

    def improve(self, parts: Parts, phases: Phases, steps: int, enough: float) -> Bounded:
        """The best leaves of `steps` steps from `parts`, or the first that are all > enough.

        A unit's bound has a multiplier only where its phase is fixed, which makes that bound 0.
        """
        found = []
        for climb in self._climbs(parts, phases):
            climb.run(steps, enough)
            found.append(climb.look())
        return found[0] if len(found) == 1 else _joined(found)

    def values_after(
        self, parts: Parts, phases: Phases, steps: int, enough: float
    ) -> tuple[Float, Parts]:
        """The values and the parts of the same, without a look at where the forms are least."""
        values, reached = [], []
        for climb in self._climbs(parts, phases):
            climb.run(steps, enough)
            values.append(climb.best.astype(float))
            reached.append(climb.parts())
        return np.concatenate(values), Parts.joined(reached)

    def _climbs(self, parts: Parts, phases: Phases) -> Iterator[Climb]:
        exact = self._noise is None
        for begin in range(0, len(phases), TOGETHER):
            rows = np.arange(begin, min(begin + TOGETHER, len(phases)))
            kind = np.float64 if exact else np.float32
            yield Climb(self.bounds, parts.take(rows), phases[rows], kind, self._noise or 0.0)


class Climb:
    """Steps of some branches, in arrays that are made once; over those undecided units alone on
    which the forms depend."""

    def __init__(
        self, bounds: LeafBounds, parts: Parts, phases: Phases, kind: Any, noise: float
    ) -> None:
        """kind: float64, or float32 with so much noise in the bounds."""
        self._given, self._parts, self._noise = bounds, parts, noise
        blocks = bounds.blocks
        self._blocks = blocks.double if kind == np.float64 else blocks.single()
        count, units = len(phases), self._blocks[0].part.stop if self._blocks else 0
        self._of, self._kind = (count, units), kind
        self._opened = phases[:, :units] == 0
        self._lit = phases[:, :units] > 0
        opened, on = self._opened, self._lit.astype(kind)
        self._free = opened.astype(kind)
        self._high = bounds.high[:units].astype(kind)
        chord = bounds.chord[:units].astype(kind)
        chord = np.where(chord > bounds.chord[:units], np.nextafter(chord, kind(0)), chord)
        # Where a phase is fixed, the line is what the unit is, and does not move.
        self._steepest = np.where(opened, chord, on)
        self._rising = np.where(opened, parts.rising[:, :units], on).astype(kind)
        self._falling = np.where(opened, parts.falling[:, :units], on).astype(kind)
        np.minimum(self._falling, self._steepest, out=self._falling)
        self._bounds = np.where(opened, 0, parts.bounds[:, :units]).astype(kind)
        self._most = np.where(opened | ~self._lit, 0, np.inf).astype(kind)
        self._least = np.where(opened | self._lit, 0, -np.inf).astype(kind)
        self._form0 = (-parts.atoms @ bounds.forms).astype(kind)
        self._value0 = (-parts.atoms @ bounds.constants).astype(kind)
        self._form = np.empty_like(self._form0)
        self._variables = np.empty_like(self._form0)
        self._read = [np.empty((count, of.weights.shape[1]), dtype=kind) for of in self._blocks]
        self._pre = [np.empty((count, of.weights.shape[0]), dtype=kind) for of in self._blocks]
        self._c, self._slopes, self._lift, self._a = (np.empty(self._of, kind) for _ in range(4))
        self._falls = np.empty(self._of, kind)
        self._ends = tuple(end.astype(kind) for end in bounds.box)
        self.best = self._evaluate()
        self._keep(slice(None))

    def _keep(self, rows: Any) -> None:
        """Remembers where these rows are."""
        here = self._rising, self._falling, self._bounds
        if isinstance(rows, slice):
            self._kept = [part.copy() for part in here]
            return
        for kept, part in zip(self._kept, here, strict=True):
            kept[rows] = part[rows]

    def run(self, steps: int, enough: float) -> None:
        """So many steps, or until all bounds are > enough."""
        enough += self._noise
        size = np.abs(self._c).max(axis=0, initial=0) + self._kind(SMALL)
        scale = np.where(self._opened, 0, size)
        mean, square, move, other = (np.zeros(self._of, self._kind) for _ in range(4))
        for step in range(1, steps + 1):
            if (self.best > enough).all():
                break
            # What the bounds gain: from slopes, and from multipliers in units of `scale`.
            np.multiply(self._falls, self._high, out=move)
            np.subtract(self._a, move, out=move)
            move *= self._c
            move *= self._free
            np.multiply(self._a, scale, out=other)
            move -= other
            _adam(move, other, mean, square, step)
            np.multiply(move, scale, out=other)
            self._bounds += other
            np.maximum(self._bounds, self._least, out=self._bounds)
            np.minimum(self._bounds, self._most, out=self._bounds)
            move *= self._free
            np.multiply(move, self._falls, out=other)
            self._falling += other
            np.maximum(self._falling, 0, out=self._falling)
            np.minimum(self._falling, self._steepest, out=self._falling)
            move -= other
            self._rising += move
            np.maximum(self._rising, 0, out=self._rising)
            np.minimum(self._rising, 1, out=self._rising)
            values = self._evaluate()
            better = np.flatnonzero(values > self.best)
            self.best[better] = values[better]
            self._keep(better)

    def parts(self) -> Parts:
        """Where the bounds are best; a unit that is on is what it is: its line below stands in
        where its phase is given up."""
        given, units, opened = self._parts, self._of[1], self._opened
        rising, falling, bounds = given.rising.copy(), given.falling.copy(), given.bounds.copy()
        rising[:, :units] = np.where(opened | self._lit, self._kept[0], rising[:, :units])
        falling[:, :units] = np.where(opened, self._kept[1], falling[:, :units])
        bounds[:, :units] = self._kept[2]
        return Parts(given.atoms, rising, falling, bounds)

    def look(self) -> Bounded:
        """The best leaves, and where their forms are least."""
        self._rising, self._falling, self._bounds = self._kept
        self._evaluate()
        n, (count, units) = self._given.inputs, self._of
        a, z, c = (np.zeros((count, len(self._given.undecided))) for _ in range(3))
        a[:, :units], c[:, :units] = self._a, self._c
        z[:, :units] = self._slopes * self._a + self._lift
        points = self._variables[:, :n].astype(float)
        return Bounded(self.best.astype(float), self.parts(), points, a, z, c)

    def _evaluate(self) -> Float:
        """Backwards for the bound, as `LeafBounds.values` does, and forwards again for the relaxed
        values, which are its derivatives."""
        n, form, c, slopes = self._given.inputs, self._form, self._c, self._slopes
        np.copyto(form, self._form0)
        value = self._value0.copy()
        for block, read in zip(self._blocks, self._read, strict=True):
            part, d = block.part, form[:, block.own]
            c[:, part] = d
            slopes[:, part] = np.where(d > 0, self._rising[:, part], self._falling[:, part])
            d *= slopes[:, part]
            d -= self._bounds[:, part]
            factors = form[:, block.kept]
            value += factors @ block.bias
            form[:, block.columns] += np.matmul(factors, block.weights, out=read)
        np.less_equal(c, 0, out=self._falls, casting="unsafe")
        np.subtract(1, slopes, out=self._lift)
        self._lift *= self._high
        self._lift *= self._falls
        self._lift *= self._free
        value += np.einsum("ij,ij->i", c, self._lift)
        value += self._at_least(form[:, :n])
        variables = self._variables
        for block, pre in zip(reversed(self._blocks), reversed(self._pre), strict=True):
            np.matmul(variables[:, block.columns], block.weights.T, out=pre)
            pre += block.bias
            variables[:, block.kept] = pre
            mine, part = variables[:, block.own], block.part
            self._a[:, part] = mine
            mine *= slopes[:, part]
            mine += self._lift[:, part]
        return value

    def _at_least(self, gradients: Float) -> Float:
        """The least values over the region; the inputs are where they are least."""
        given, n = self._given, self._given.inputs
        if given.region.norm == "inf":
            low, high = self._ends
            at = np.where(gradients > 0, low, high)
            self._variables[:, :n] = at
            found: Float = np.einsum("ij,ij->i", gradients, at)
            return found
        least, self._variables[:, :n], _ = given.least(gradients)
        return least.astype(self._kind)


def _adam(gradient: Float, spare: Float, mean: Float, square: Float, step: int) -> None:
    """Puts the move along this gradient, of this step, in its place."""
    mean *= FIRST
    np.multiply(gradient, 1 - FIRST, out=spare)
    mean += spare
    square *= SECOND
    gradient *= gradient
    gradient *= 1 - SECOND
    square += gradient
    np.multiply(square, 1 / (1 - SECOND**step), out=spare)
    np.sqrt(spare, out=spare)
    spare += SMALL
    np.divide(mean, spare, out=gradient)
    gradient *= RATE * DECAY**step / (1 - FIRST**step)


def _joined(found: Sequence[Bounded]) -> Bounded:
    """The branches of all, one after another."""
    parts = Parts.joined([of.parts for of in found])
    names = ("values", "points", "a", "z", "coefficients")
    values, *rest = (np.concatenate([getattr(of, name) for of in found]) for name in names)
    return Bounded(values, parts, *rest)
