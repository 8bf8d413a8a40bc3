"""Leaves in floats: what multipliers and slopes prove of a branch, for many branches at once.

A leaf bounds a linear form from below as the checker does, by substituting units backwards; here in
floats, before it is rounded and checked. Slopes and multipliers may come from a linear program
(`relaxation.py`) or from an ascent of the bound itself (`ascent.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.certificate import Leaf
from verifier.question.query import Query
from verifier.question.region import Region
from verifier.search.bounds.blocks import blocks_of
from verifier.search.bounds.floats import FloatNetwork, dual, dual_norm, float_region, within_box

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
Phases = NDArray[np.int8]  # of the undecided units, in their order: 1 on, -1 off, 0 open
TINY = 1e-9  # of the largest coefficient: may be rounding error
MULTIPLIER = 30  # bits of multipliers
CLEAR = 1e-7  # of a leaf's size: a value above it is no rounding error


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
        multipliers = self._multipliers(units, bounds, bits)
        atoms = _fractions(range(len(self.atoms)), np.rint(np.ldexp(self.atoms, bits)), bits)
        return Leaf(
            atoms=atoms or {0: Fraction(0)},
            slopes={
                v: Fraction(int(q), one)
                for v, q in zip(units[named].tolist(), lines[named].tolist(), strict=True)
            },
            bounds=multipliers[0],
            box=multipliers[1],
        )

    def _multipliers(
        self, units: NDArray[np.int64], bounds: Float, bits: int
    ) -> tuple[dict[int, Fraction], dict[int, Fraction]]:
        """Of the units' bounds and of the box, rounded to the same unit."""
        largest = max(np.abs(bounds).max(initial=0), np.abs(self.box).max(initial=0))
        shift = bits - int(np.frexp(largest)[1])
        return (
            _fractions(units.tolist(), np.rint(np.ldexp(bounds, shift)), shift),
            _fractions(range(len(self.box)), np.rint(np.ldexp(self.box, shift)), shift),
        )

    def shortened(self, units: NDArray[np.int64], phases: Phases, usual: Float) -> Leaf:
        """The leaf of a lemma, with all phases used and slopes of few bits as they are, named where
        they are not the usual ones and the unit is read."""
        read = self.coefficients != 0
        named = np.flatnonzero((phases == 0) & read & (self.slopes != usual))
        slopes = zip(units[named].tolist(), self.slopes[named].tolist(), strict=True)
        bounds, box = self._multipliers(units, self.bounds, MULTIPLIER)
        return Leaf(slopes={v: Fraction(q) for v, q in slopes}, bounds=bounds, box=box, usual=True)


def _fractions(keys: Iterable[int], integers: Float, shift: int) -> dict[int, Fraction]:
    """integers / 2^shift, those that are not zero."""
    up, down = (1, 1 << shift) if shift >= 0 else (1 << -shift, 1)
    return {
        k: Fraction(int(q) * up, down) for k, q in zip(keys, integers.tolist(), strict=True) if q
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """Multipliers from which leaves are made, a row a branch; of an undecided unit two slopes, of
    the lines below and above its z, of which the sign of its coefficient chooses one."""

    atoms: Float  # (branches, atoms)
    rising: Float  # (branches, undecided)
    falling: Float
    bounds: Float

    @classmethod
    def stack(cls, rows: Sequence[tuple[Parts, int]]) -> Parts:
        """These rows of parts, one after another."""
        return cls(
            *(
                np.array([getattr(parts, name)[row] for parts, row in rows])
                for name in ("atoms", "rising", "falling", "bounds")
            )
        )

    @classmethod
    def joined(cls, found: Sequence[Parts]) -> Parts:
        """The rows of all, one after another."""
        return cls(
            *(
                np.concatenate([getattr(parts, name) for parts in found])
                for name in ("atoms", "rising", "falling", "bounds")
            )
        )

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Parts:
        """The parts of these branches."""
        return Parts(self.atoms[rows], self.rising[rows], self.falling[rows], self.bounds[rows])


class LeafBounds:
    """Bounds of forms on one region, whose units have these bounds of their pre-activations.

    The forms are atoms that are to be refuted: a leaf bounds minus their mix.
    """

    def __init__(
        self,
        query: Query,
        network: FloatNetwork,
        atoms: tuple[Float, Float],
        lower: Float,
        upper: Float,
        box: tuple[Float, Float],
    ) -> None:
        """atoms: coefficients (atoms, variables) and constants (atoms,); `lower` and `upper` bound
        the pre-activations, `box` the inputs."""
        self.inputs = query.network.inputs
        self.region: Region = query.region
        self.atom_forms, self.atom_constants = atoms
        self.undecided = np.flatnonzero((lower < 0) & (upper > 0))
        self.low, self.high = lower[self.undecided], upper[self.undecided]
        self.chord = np.nextafter(self.high / (self.high - self.low), 0)
        self.blocks = blocks_of(network, lower >= 0, self.undecided, atoms[0])
        self.forms, self.constants = self.blocks.read(*atoms)  # the atoms, of kept units
        self.box = box
        self._reach = np.maximum(np.abs(box[0]), np.abs(box[1]))  # largest |x|
        self.center = float_region(self.region).center
        self.radius = float_region(self.region).radius
        self._in_kind: dict[Any, tuple[Float, ...]] = {}

    def leaves(self, parts: Parts, phases: Phases) -> list[FloatLeaf]:
        """A leaf of each row, for its phases (branches, undecided), that uses the fewest of them,
        roughly: those of least effect are given up as long as it closes."""
        values, sizes, coefficients, shares = self._values(parts, phases)
        found = _plain(parts, phases, values, sizes, coefficients, shares)
        rows = np.flatnonzero(values > CLEAR * sizes)
        if not len(rows):
            return found
        used, closing = phases.copy(), parts.take(rows)
        used[rows] = self._fewest(closing, phases[rows])
        # A coefficient that may be rounding error has no sign: its line must do for both.
        _, _, seen = self.values(closing, used[rows])
        noise = TINY * np.abs(seen).max(axis=1, initial=0)
        small = np.abs(seen) <= noise[:, None]
        level = np.minimum(closing.rising, closing.falling)
        careful = replace(closing, rising=np.where(small, level, closing.rising))
        some, terms, seen, shares = self._values(careful, used[rows])
        for i, k in enumerate(rows.tolist()):
            if some[i] > CLEAR * terms[i]:
                found[k] = _leaf(
                    careful, i, shares[i], seen[i], noise[i], used[k], some[i], terms[i], sure=True
                )
        return found

    def plain_leaves(self, parts: Parts, phases: Phases) -> list[FloatLeaf]:
        """A leaf of each row that uses all of its phases."""
        return _plain(parts, phases, *self._values(parts, phases))

    def _fewest(self, parts: Parts, phases: Phases) -> Phases:
        """For each row fewer fixed phases with which its leaf still closes."""
        row, column = np.nonzero(phases)
        if not len(row):
            return phases
        without = phases[row]
        without[np.arange(len(row)), column] = 0
        left = self.values(parts.take(row), without, sized=False)[0]
        order = np.lexsort((column, -left, row))  # within a row, what is missed least first
        column = column[order]
        counts = np.bincount(row, minlength=len(phases))
        rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        # The more phases are missed, the lower the bound: so many can be, by bisection.
        closes, fails = np.zeros(len(phases), dtype=np.int64), counts + 1
        while (asked := np.flatnonzero(closes + 1 < fails)).size:
            tried = (closes + fails) // 2
            some, terms, _ = self.values(
                parts.take(asked), _without(phases, row, column, rank < tried[row])[asked]
            )
            closing = np.zeros(len(phases), dtype=bool)
            closing[asked] = some > CLEAR * terms
            closes[asked] = np.where(closing, tried, closes)[asked]
            fails[asked] = np.where(closing, fails, tried)[asked]
        return _without(phases, row, column, rank < closes[row])

    def values(
        self, parts: Parts, phases: Phases, *, sized: bool = True
    ) -> tuple[Float, Float, Float]:
        """Bounds (branches,), the sizes of all terms that were added for them, and the coefficients
        of z (branches, undecided) that these multipliers give in branches with these phases.

        Sizes cost as much again; they are incomplete if not `sized`."""
        return self._values(parts, phases, sized=sized)[:3]

    def _values(
        self, parts: Parts, phases: Phases, *, sized: bool = True
    ) -> tuple[Float, Float, Float, Float]:
        """The same, and the shares of the gradients that are bounded over the box."""
        n, count = self.inputs, len(phases)
        bounds = parts.bounds
        bound_at = np.where(
            bounds > 0, np.where(phases > 0, 0.0, self.low), np.where(phases < 0, 0.0, self.high)
        )
        # Multipliers of bounds are rounded to the same unit.
        rounded = np.where(bounds != 0, np.abs(bounds).max(axis=1, initial=0)[:, None], 0)
        form = -parts.atoms @ self.forms
        terms = parts.atoms @ np.abs(self.forms)
        value = (bound_at * bounds).sum(axis=1) - parts.atoms @ self.constants
        size = (np.abs(bound_at) * rounded).sum(axis=1) + parts.atoms @ np.abs(self.constants)
        coefficients = np.zeros((count, len(self.undecided)))
        for block, magnitudes in zip(self.blocks.double, self.blocks.magnitudes, strict=True):
            part = block.part
            d = coefficients[:, part] = form[:, block.own]
            opened = phases[:, part] == 0
            slope = np.where(d > 0, parts.rising[:, part], parts.falling[:, part])
            fixed_on = phases[:, part] > 0
            slope = np.where(opened | fixed_on & (d > 0), slope, fixed_on)
            above = np.where(opened & (d < 0), (slope - 1) * d * self.high[part], 0).sum(axis=1)
            form[:, block.own] = d * slope - bounds[:, part]
            factors = form[:, block.kept]
            value += factors @ block.bias - above
            form[:, block.columns] += factors @ block.weights
            if sized:
                terms[:, block.own] *= slope
                terms[:, block.own] += rounded[:, part]
                sizes = terms[:, block.kept]
                size += sizes @ np.abs(block.bias) + above
                terms[:, block.columns] += sizes @ magnitudes
        size += terms[:, :n] @ self._reach
        least, _, shares = self.least(form[:, :n])
        return value + least, size, coefficients, shares

    def least(self, gradients: Float) -> tuple[Float, Float, Float]:
        """The least values of gradients . x on the region, where they are least, and the shares of
        the gradients that are bounded over the box on a ball, the rest being bounded over it: those
        that are best."""
        low, high, center, below, above = self._sides(gradients.dtype)
        if self.region.norm == "inf":
            at = np.where(gradients > 0, low, high)
            return np.einsum("ij,ij->i", gradients, at), at, np.zeros_like(gradients)
        if not self.region.clipped:
            norm, step = dual(self.region.norm, gradients)
            plain: Float = gradients @ center - self.radius * norm
            return plain, center - self.radius * step, np.zeros_like(gradients)
        falls = np.signbit(gradients)
        widths = np.where(falls, above, below)
        steps, rest = within_box(self.region.norm, np.abs(gradients), widths, self.radius)
        np.copysign(rest, gradients, out=rest)
        shares = gradients - rest
        on_box = np.einsum("ij,ij->i", shares, np.where(falls, high, low))
        least: Float = on_box + rest @ center - self.radius * dual_norm(self.region.norm, rest)
        return least, center - np.copysign(steps, gradients), shares

    def _sides(self, kind: Any) -> tuple[Float, ...]:
        """The ends of the box, the center of the ball, and how far it is from them, in floats of
        this kind."""
        if kind not in self._in_kind:
            (low, high), center = self.box, self.center
            ball = (center, center - low, high - center) if len(center) else (center,) * 3
            self._in_kind[kind] = tuple(side.astype(kind) for side in (low, high, *ball))
        return self._in_kind[kind]


def _without(
    phases: Phases, row: NDArray[np.int64], column: NDArray[np.int64], missed: Mask
) -> Phases:
    """The phases, but for those in these places that are missed."""
    fewer = phases.copy()
    fewer[row[missed], column[missed]] = 0
    return fewer


def _plain(
    parts: Parts, phases: Phases, values: Float, sizes: Float, coefficients: Float, shares: Float
) -> list[FloatLeaf]:
    return [
        _leaf(parts, k, shares[k], coefficients[k], 0.0, phases[k], values[k], sizes[k], sure=False)
        for k in range(len(phases))
    ]


def _leaf(
    parts: Parts,
    row: int,
    share: Float,
    coefficients: Float,
    noise: float,
    used: Phases,
    value: float,
    size: float,
    *,
    sure: bool,
) -> FloatLeaf:
    slopes = np.where(coefficients > 0, parts.rising[row], parts.falling[row])
    return FloatLeaf(
        parts.atoms[row], slopes, parts.bounds[row], share, coefficients, float(noise),
        used, float(value), float(size), sure,
    )  # fmt: skip
