"""What a leaf proves of a branch, in scaled integers, for networks of any size.

All forms are integer combinations of the scaled variables Z and pre-activations A of
`ScaledNetwork` over one denominator, so substituting a unit is integer multiplication and addition;
a slope p/q multiplies the whole form by q, once a layer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import lcm

import numpy as np

from verifier.checker.branch import Branch, Number
from verifier.checker.intervals import RootBounds
from verifier.checker.ridge import Direction, check_weights, univariate_of
from verifier.checker.scaled import FullLayer, ScaledNetwork
from verifier.evidence.certificate import (
    USUAL_BITS,
    Leaf,
    Lemma,
)
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Numerators:
    """sum of z[j] Z_j / denominator + constant."""

    z: dict[int, int]
    denominator: int
    constant: Fraction


BY_LIMBS = 1 << 11  # products of a row and a matrix, from which on limbs are faster


class Form:
    """(constant + sum of z[j] Z_j + sum of a[v] A_v) / denominator.

    The constant is kept in parts, numerators by denominator: bounds have few denominators, and sums
    of integers are fast."""

    __slots__ = ("_constants", "a", "denominator", "z")

    def __init__(
        self,
        z: Mapping[int, Fraction],
        a: Mapping[int, Fraction],
        constant: Fraction,
        parts: Sequence[tuple[Fraction, Numerators]] = (),
    ) -> None:
        """`parts` are multiples of forms in Z, added to `z`."""
        self.denominator = lcm(
            *{q.denominator for part in (z, a) for q in part.values()},
            *(multiplier.denominator * part.denominator for multiplier, part in parts),
        )
        self.z = {j: int(q * self.denominator) for j, q in z.items()}
        for multiplier, part in parts:
            factor = self.denominator // (multiplier.denominator * part.denominator)
            factor *= multiplier.numerator
            for j, numerator in part.z.items():
                self.z[j] = self.z.get(j, 0) + factor * numerator
        self.a = {v: int(q * self.denominator) for v, q in a.items()}
        self._constants: dict[int, int] = {}
        self.add(self.denominator, constant)

    @property
    def constant(self) -> Number:
        parts = self._constants
        common = lcm(*parts)
        whole = sum(numerator * (common // below) for below, numerator in parts.items())
        return whole if common == 1 else Fraction(whole, common)

    def add(self, factor: int, bound: Number) -> None:
        """Adds factor * bound to the constant."""
        below, parts = bound.denominator, self._constants
        parts[below] = parts.get(below, 0) + factor * bound.numerator

    def multiply(self, factor: int) -> None:
        if factor == 1:
            return
        self.denominator *= factor
        self._constants = {below: q * factor for below, q in self._constants.items()}
        self.z = {j: c * factor for j, c in self.z.items()}
        self.a = {v: c * factor for v, c in self.a.items()}


class LeafChecker(Branch):
    """A branch in which leaves can be tried: `closes`, and `start` for what they sum up."""

    def __init__(self, query: Query, scaled: ScaledNetwork, root: RootBounds) -> None:
        super().__init__(query, scaled, root)
        self._minus_atoms: dict[Atom, Numerators] = {}

    def on(self, v: int) -> bool:
        """Whether unit v is on: z_v = a_v."""
        return self.lower(v) >= 0

    def value_of(self, k: int) -> Number | None:
        """What input k, scaled, is where it is a number and not one of the region's dimensions."""
        return None

    def undecided(self, v: int) -> bool:
        """Whether the bounds of unit v are on both sides of 0."""
        return self.lower(v) < 0 < self.upper(v)

    def closes(self, leaf: Leaf, target: Goal | Lemma) -> bool:
        """Whether `leaf` would be accepted here; for the search."""
        try:
            self.close(leaf, target)
        except RefusedError:
            return False
        return True

    def close(self, leaf: Leaf, target: Goal | Lemma) -> None:
        """Returns if the leaf shows that no point of the branch satisfies the goal, or violates the
        lemma; RefusedError if not."""
        form, strict = self.start(leaf, target)
        self._eliminate(form, leaf)
        if not self._nonnegative(form, leaf, strict):
            kind = "lemma" if isinstance(target, Lemma) else "goal"
            raise RefusedError("bound too weak", f"a leaf of the {kind} does not close")

    def form(self, leaf: Leaf, target: Goal | Lemma) -> Form:
        """What the leaf bounds, as a form of the inputs and of the units that it keeps; for the
        elaboration."""
        form, _ = self.start(leaf, target)
        self._eliminate(form, leaf)
        return form

    def start(self, leaf: Leaf, target: Goal | Lemma) -> tuple[Form, bool]:
        """The form whose positivity closes the leaf, and whether it must be strict."""
        z: dict[int, Fraction] = {}
        a: dict[int, Fraction] = {}
        parts: list[tuple[Fraction, Numerators]] = []
        constant, strict = Fraction(0), False
        scales, inputs = self.scaled.scales, self.inputs
        if isinstance(target, Lemma):
            if leaf.atoms:
                raise RefusedError("atoms in a lemma", f"lemma about unit {target.unit}")
            sign = -1 if target.upper else 1
            a[target.unit] = Fraction(sign, scales[inputs + target.unit])
            constant = -sign * target.bound
        else:
            parts, constant, strict = self.atoms(leaf, target)
        for v, multiplier in leaf.bounds.items():
            share = multiplier / scales[inputs + self._checked(v)]
            a[v] = a.get(v, Fraction(0)) - share
            constant += share * (self.lower(v) if share > 0 else self.upper(v))
        for k, multiplier in leaf.cuts.items():
            if k >= len(self.cuts):
                raise RefusedError("index out of range", f"cut {k} of {len(self.cuts)}")
            normal, offset = self.cuts[k]
            constant -= multiplier * offset
            for j, g in normal:
                z[j] = z.get(j, Fraction(0)) - multiplier * g / self.scaled.denominator
        for v in leaf.slopes:
            self._checked(v)
        return Form(z, a, constant, parts), strict

    def atoms(
        self, leaf: Leaf, goal: Goal
    ) -> tuple[list[tuple[Fraction, Numerators]], Fraction, bool]:
        """-(multipliers . atoms) in parts, its constant, and whether it must be > 0."""
        parts, constant, strict = [], Fraction(0), True
        multipliers, count = leaf.atoms, len(goal.atoms)
        if not multipliers and count == 1:
            multipliers = {0: Fraction(1)}
        for number, multiplier in multipliers.items():
            if number >= count:
                raise RefusedError("index out of range", f"atom {number} of {count}")
            atom = goal.atoms[number]
            part = self._minus(atom)
            parts.append((multiplier, part))
            constant += multiplier * part.constant
            if atom.strict and multiplier > 0:
                strict = False
        return parts, constant, strict

    def _minus(self, atom: Atom) -> Numerators:
        """Minus the atom as a form in Z."""
        found = self._minus_atoms.get(atom)
        if found is not None:
            return found
        rows, scales = self.network.outputs, self.scaled.scales
        z = {k: -g / self.scaled.denominator for k, g in atom.inputs}
        constant = -atom.constant
        for j, g in atom.outputs:
            indices, numerators, offset, below = rows.row(j)
            constant -= g * Fraction(offset, below)
            for index, numerator in zip(indices, numerators, strict=True):
                share = g * Fraction(numerator, below * scales[index])
                z[index] = z.get(index, Fraction(0)) - share
        denominator = lcm(*(q.denominator for q in z.values()))
        numerators_of = {j: int(q * denominator) for j, q in z.items()}
        found = self._minus_atoms[atom] = Numerators(numerators_of, denominator, constant)
        return found

    def _eliminate(self, form: Form, leaf: Leaf) -> None:
        """Replaces all units, last first, by lower bounds in terms of what they read; in a leaf
        with a multiplier of the ball, all but those that lie on a direction."""
        on_lines, slopes = leaf.ball is not None, leaf.slopes
        layers = None if on_lines else self.scaled.full_layers
        if layers is not None:
            self._eliminate_layers(form, leaf, layers)
            return
        inputs, rows = self.inputs, self.root.rows
        row = rows.row
        if on_lines or self._all_rows or any(rows.skips(v) for v in slopes):
            row = self.scaled.row
        denominators = self._slope_denominators(slopes)
        lines = univariate_of(self.scaled).lines if on_lines else None
        waiting = [-v for v in {*form.a, *(j - inputs for j in form.z if j >= inputs)}]
        heapify(waiting)
        known = set(waiting)
        current_layer = -1
        while waiting:
            v = -heappop(waiting)
            if denominators or leaf.usual:
                layer = bisect_right(self._firsts, v) - 1
                if layer != current_layer:
                    current_layer = layer
                    form.multiply(self._denominator(denominators.get(layer, 1), form, layer, leaf))
            factor = form.a.pop(v, 0)
            kept = lines is not None and lines.item(inputs + v) >= 0
            coefficient = 0 if kept else form.z.pop(inputs + v, 0)
            if coefficient:
                factor += self._relax(form, v, coefficient, leaf)
            if not factor:
                continue
            variables, weights, constant = row(v)
            form.add(factor, constant)
            z = form.z
            for j, weight in zip(variables, weights, strict=True):
                if j in z:
                    z[j] += factor * weight
                else:
                    z[j] = factor * weight
                    if j >= inputs and inputs - j not in known:
                        known.add(inputs - j)
                        heappush(waiting, inputs - j)

    def _eliminate_layers(self, form: Form, leaf: Leaf, layers: Sequence[FullLayer]) -> None:
        """The same, a whole layer at once."""
        inputs, denominators = self.inputs, self._slope_denominators(leaf.slopes)
        last = max(max(form.a, default=0), max(form.z, default=0) - inputs, 0)
        for number in range(self.layer_of(last), -1, -1):
            layer, whole = layers[number], 0
            form.multiply(self._denominator(denominators.get(number, 1), form, number, leaf))
            places: list[int] = []
            factors: list[int] = []
            for v in range(layer.first, layer.last):
                factor = form.a.pop(v, 0)
                coefficient = form.z.pop(inputs + v, 0)
                if coefficient:
                    factor += self._relax(form, v, coefficient, leaf)
                if factor:
                    whole += factor * layer.constants[v - layer.first]
                    places.append(v - layer.first)
                    factors.append(factor)
            if factors:
                form.add(1, whole)
                read = _product(layer, places, factors)
                for j, value in zip(layer.variables, read, strict=True):
                    form.z[j] = form.z.get(j, 0) + value

    def _slope_denominators(self, slopes: Mapping[int, Fraction]) -> dict[int, int]:
        """By layer, what a form must be multiplied with before its slopes are used."""
        found: dict[int, int] = {}
        for v, slope in slopes.items():
            if slope.denominator > 1:
                layer = bisect_right(self._firsts, v) - 1
                found[layer] = lcm(found.get(layer, 1), slope.denominator)
        return found

    def _denominator(self, named: int, form: Form, layer: int, leaf: Leaf) -> int:
        """What a form must be multiplied with before the slopes of a layer's units are used, of
        which those that the leaf names need `named`."""
        if leaf.usual:
            part, z = self.scaled.layers[layer], form.z
            units = range(self.inputs + part.first, self.inputs + part.last)
            read = units if len(units) < len(z) else [j for j in z if j in units]
            for j in read:
                v = j - self.inputs
                if z.get(j, 0) < 0 and v not in leaf.slopes and self.undecided(v):
                    return lcm(named, 1 << USUAL_BITS)
        return named

    def _relax(self, form: Form, v: int, coefficient: int, leaf: Leaf) -> int:
        """coefficient * Z_v >= result * A_v + what is added to the constant: Z_v - s A_v is
        (1 - s) max(A_v, 0) + s max(-A_v, 0), where one of the two is 0."""
        low, high = self.lower(v), self.upper(v)
        slope = leaf.slopes.get(v)
        if slope is None:
            if low >= 0 and high >= 0:
                return coefficient
            if low < 0 and high <= 0:
                return 0
            usual = leaf.usual and low < 0
            slope = usual_slope(coefficient, low, high) if usual else ZERO if low < 0 else ONE
        kept = coefficient * slope.numerator // slope.denominator  # exact, see `multiply`
        rest = coefficient - kept
        if coefficient > 0:
            form.add(rest, max(low, 0))
            form.add(kept, max(-high, 0))
            return kept
        above, below = max(high, 0), max(-low, 0)
        if rest * above <= kept * below:
            form.add(rest, above)
        else:
            form.add(kept, below)
        return kept

    def _nonnegative(self, form: Form, leaf: Leaf, strict: bool) -> bool:
        """Whether the form, now over inputs alone, is > 0 (>= 0) on the region and branch box; or
        over variables that lie on directions, if the leaf has a multiplier of the ball."""
        if leaf.ball is not None:
            bound = self.least(form, leaf)
            strict = strict and not (self.region.open and leaf.ball > 0)
            return bound is None or (bound > 0 if strict else bound >= 0)
        size, on_ball = self.scaled.denominator, self.region.norm != "inf"
        gradient: dict[int, Number] = {}
        constant: Number = 0
        open_box = strict and self.region.open and not on_ball
        for k in leaf.box:
            self._checked(k, "input")
            form.z.setdefault(k, 0)
        for k, coefficient in form.z.items():
            share: Number = coefficient
            if on_ball:
                given = leaf.box.get(k)
                share = 0 if given is None else given * form.denominator / size
                if share != coefficient:
                    gradient[k] = coefficient - share
            if share:
                side = self._low[-1 - k] if share > 0 else self._high[-1 - k]
                if isinstance(share, int):
                    form.add(share, side)
                else:
                    constant += share * side
                if open_box and self.region.recedes(k, Fraction(side) / size):
                    strict = open_box = False  # x_k stays off that side
        constant += form.constant
        if on_ball:
            return self._holds_on_ball(gradient, constant, form.denominator, strict)
        return constant > 0 if strict else constant >= 0

    def least(self, form: Form, leaf: Leaf) -> Fraction | None:
        """A lower bound of the form, over variables that lie on directions, by a leaf with a
        multiplier of the ball; None if the branch is empty."""
        multiplier = leaf.ball or ZERO
        self._on_ball(multiplier)
        profiles = univariate_of(self.scaled).profiles_of(form.z.items())
        whole, minima = Fraction(form.constant) / form.denominator, self.minima()
        weights = self._weights(leaf)
        bound = minima.lower_bound(profiles, 1, whole, form.denominator, multiplier, weights)
        if bound is None:
            return None
        # The minima may be those of a larger ball of a family.
        return bound + multiplier * (minima.region.size - self.region.size)

    def _weights(self, leaf: Leaf) -> dict[Direction, Fraction] | None:
        """The shares of directions that the leaf names, None if it names none."""
        if not leaf.weights:
            return None
        for weight in leaf.weights:
            for k, _ in weight.direction:
                self._checked(k, "axis")
        check_weights(leaf.weights, self.region.norm)
        return {weight.direction: weight.share for weight in leaf.weights}

    def _holds_on_ball(
        self, gradient: Mapping[int, Number], constant: Number, denominator: int, strict: bool
    ) -> bool:
        """Whether gradient . Z + constant >= 0 (> 0 if strict) on the ball, its box aside; of norm
        p by p-th powers. Z are the inputs times the network's denominator, and all of it is times
        `denominator`. An open ball has no point at which a form with a gradient attains its
        minimum."""
        center, below = self._center
        strict = strict and not (self.region.open and any(gradient.values()))
        # Everything times `below`, the center's denominator in terms of Z.
        value: Number = constant * below
        for k, g in gradient.items():
            value += g * center[k]
        unit, p = below * self.scaled.denominator, self.region.power
        if p > 2:  # roots are rounded: of the gradient of the inputs, which the kernel has
            factor = Fraction(self.scaled.denominator, denominator)
            loss_above = self.region.loss(g * factor for g in gradient.values())
            share = Fraction(value) / (below * denominator)
            share *= abs(share) ** (p - 1)
            return share > loss_above if strict else share >= loss_above
        if self.region.norm == "1":
            steepest = Fraction(max(map(abs, map(Fraction, gradient.values())), default=0))
            value -= self.region.size * unit * steepest
            return value > 0 if strict else value >= 0
        if value < 0:
            return False
        size = self.region.size
        squares: Number = 0
        for g in gradient.values():
            squares += g * g
        gain, loss = size.denominator * value * value, size.numerator * unit * unit * squares
        return gain > loss if strict else gain >= loss


def usual_slope(coefficient: Number, low: Number, high: Number) -> Fraction:
    """The slope of an undecided unit that is not named: the nearer line from below, from above the
    chord, a little flatter."""
    if coefficient > 0:
        return ONE if high >= -low else ZERO
    return Fraction(int(high * (1 << USUAL_BITS) // (high - low)), 1 << USUAL_BITS)


def _product(layer: FullLayer, places: Sequence[int], factors: Sequence[int]) -> list[int]:
    """factors @ the rows `places` of the layer's weights."""
    if len(places) * len(layer.variables) < BY_LIMBS:
        few: list[int] = (np.array(factors, dtype=object) @ layer.weights[places]).tolist()
        return few
    every = [0] * len(layer.weights)
    for place, factor in zip(places, factors, strict=True):
        every[place] = factor
    return layer.limbs.times(every)
