"""Leaves that are put off, to be closed many at a time; the others, one by one, by their rule.

A leaf is kept with the bounds of its branch. `enclosures.py` shows of most that they close; each of
the rest is computed again as it would have been in its place, from a copy of these bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from math import lcm
from operator import mul

import numpy as np

from verifier.checker.branch import Snapshot
from verifier.checker.enclosures import Enclosed, EnclosedNetwork, Enclosure, Ends, Row, fits
from verifier.checker.fixed_point import Quotients, whole
from verifier.checker.leaf import LeafChecker, usual_slope
from verifier.evidence.certificate import USUAL_BITS, Leaf, Lemma
from verifier.question.query import Goal

ONE = 1 << USUAL_BITS
NORMS = ("inf", "1", "2")  # of others a gradient's norm has roots of its entries
TOGETHER = 64  # leaves: products are as fast as of more, and what is kept of each stays small


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    enclosed: Enclosed
    snapshot: Snapshot
    leaf: Leaf
    target: Goal | Lemma


class PutOff:
    """The leaves of one proof that wait; `checker` holds the branch that each is put off in."""

    def __init__(self, checker: LeafChecker) -> None:
        """`checker` is in its root state."""
        self._checker = checker
        self._network = network = checker.network.derived(EnclosedNetwork)
        scales, inputs = checker.scaled.scales, checker.inputs
        self._units = checker.network.units.count
        self._layers = [checker.layer_of(v) for v in range(self._units)]
        pairs = [
            (Fraction(checker.lower(v)) / scale, Fraction(checker.upper(v)) / scale)
            for v, scale in enumerate(scales[inputs:])
        ]
        box = list(zip(*checker.box(), strict=True))
        self.enclosure = Enclosure(network, pairs, box, checker.region)
        self._place, self._ends = checker.place(), self._all_ends()
        self._row: tuple[Goal, Mapping[int, Fraction], Row] | None = None
        self._form: dict[int, Fraction] = {}  # of that row
        self.waiting: list[_Waiting] = []

    @staticmethod
    def supports(checker: LeafChecker) -> bool:
        """Whether leaves of this question can be put off."""
        return checker.region.norm in NORMS and fits(checker.network)

    def settle(self) -> None:
        """What has been tightened so far will not be undone before the proof ends."""
        self._ends = self._now()
        self._place = self._checker.place()

    def put(self, leaf: Leaf, target: Goal | Lemma) -> bool:
        """Puts the leaf off, if it is one of the common kind and names units and inputs that there
        are. `replay` has seen that its numbers are indices."""
        checker = self._checker
        if leaf.ball is not None or leaf.cuts or leaf.weights or checker.cuts:
            return False
        if max([*leaf.slopes, *leaf.bounds], default=-1) >= self._units:
            return False
        if leaf.box and (checker.region.norm == "inf" or max(leaf.box) >= checker.inputs):
            return False
        constant, direct = Fraction(0), {v: -q for v, q in leaf.bounds.items()}
        for v, q in leaf.bounds.items():
            bound = checker.lower(v) if q > 0 else checker.upper(v)
            if bound:
                constant += q * bound / checker.scaled.scales[checker.inputs + v]
        row = None
        if isinstance(target, Lemma):
            if leaf.atoms:
                return False
            sign = -1 if target.upper else 1
            direct[target.unit] = direct.get(target.unit, Fraction(0)) + sign
            constant -= sign * target.bound
        else:
            row = self._row_of(leaf, target)
        if leaf.box:
            row = self._beside_box(row, leaf.box)
        enclosed = Enclosed(row, direct, constant, leaf.slopes, leaf.usual, self._now())
        self.waiting.append(_Waiting(enclosed, checker.snapshot(), leaf, target))
        if len(self.waiting) == TOGETHER:
            self.finish()
        return True

    def finish(self) -> None:
        """Closes the leaves that wait; RefusedError if one of them does not close."""
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        checker, least = self._checker, self.enclosure.least([put.enclosed for put in waiting])
        for put, value in zip(waiting, least, strict=True):
            if value is None or value <= 0:
                alone = LeafChecker(checker.query, checker.scaled, checker.root)
                alone.copy(put.snapshot)
                alone.close(put.leaf, put.target)

    def _row_of(self, leaf: Leaf, goal: Goal) -> Row:
        """Minus the goal's atoms with the leaf's multipliers; mostly those of the one before."""
        if self._row is None or self._row[0] is not goal or self._row[1] != leaf.atoms:
            parts, constant, _ = self._checker.atoms(leaf, goal)
            scales = self._checker.scaled.scales
            form: dict[int, Fraction] = {}
            for multiplier, part in parts:
                for j, q in part.z.items():
                    share = multiplier * Fraction(q * scales[j], part.denominator)
                    form[j] = form.get(j, Fraction(0)) + share
            self._form = form
            self._row = goal, leaf.atoms, self._enclosed(form, constant)
        return self._row[2]

    def _beside_box(self, row: Row | None, shares: Mapping[int, Fraction]) -> Row:
        """The row without these shares of the gradient, plus what they are at least on the box."""
        form, constant = ({}, Fraction(0)) if row is None else (dict(self._form), row.constant)
        common = lcm(*(q.denominator for q in shares.values()))
        numerators = [q.numerator * (common // q.denominator) for q in shares.values()]
        bounds = map(self._checker.input_bounds, shares)
        ends = [low if n > 0 else high for n, (low, high) in zip(numerators, bounds, strict=True)]
        least = Fraction(sum(map(mul, numerators, ends)))
        constant += least / (common * self._checker.scaled.denominator)
        for k in form.keys() & shares.keys():
            form[k] -= shares[k]
        beside = [(k, -n) for k, n in zip(shares, numerators, strict=True) if k not in form]
        top = whole(n for _, n in beside)
        weights = Quotients.of(form.values()).joined(Quotients(top, whole([common] * len(top))))
        return self.enclosure.row([*form, *(k for k, _ in beside)], weights, constant)

    def _enclosed(self, form: Mapping[int, Fraction], constant: Fraction) -> Row:
        return self.enclosure.row(list(form), Quotients.of(form.values()), constant)

    def _now(self) -> Ends:
        """The bounds of the current branch."""
        changed = self._checker.changed(self._place)
        if changed is None:
            return self._all_ends()
        old = self._ends
        if not changed:
            return old
        ends = Ends(*(getattr(old, part.name).copy() for part in fields(Ends)))
        for key in changed:
            self._set(ends, key)
        return ends

    def _all_ends(self) -> Ends:
        shapes = [self._units] * 4 + [self._checker.inputs] * 2
        ends = Ends(*(np.zeros(size, dtype=np.int64) for size in shapes))
        for key in range(-self._checker.inputs, self._units):
            self._set(ends, key)
        return ends

    def _set(self, ends: Ends, key: int) -> None:
        """Puts the current bounds of a unit v, or of an input k as -1 - k, in their place."""
        checker, bound = self._checker, self.enclosure.bound
        if key < 0:
            low, high = checker.input_bounds(-1 - key)
            below, layer, at = checker.scaled.denominator, -1, -1 - key
            lower, upper = ends.box_lower, ends.box_upper
        else:
            low, high = checker.lower(key), checker.upper(key)
            below, layer, at = checker.scaled.scales[checker.inputs + key], self._layers[key], key
            lower, upper = ends.lower, ends.upper
            if low < 0 < high:
                ends.below[key] = usual_slope(1, low, high) * ONE
                ends.above[key] = usual_slope(-1, low, high) * ONE
        lower[at] = bound(low, below, layer, upper=False)
        upper[at] = bound(high, below, layer, upper=True)
