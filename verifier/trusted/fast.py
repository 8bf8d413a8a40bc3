"""The same rules as `reference.py` in scaled integers, for networks of any size.

Nothing is shared with the reference but the types. All forms are integer combinations of the scaled
variables Z and pre-activations A of `ScaledNetwork` over one denominator, so substituting a unit is
integer multiplication and addition; a slope p/q multiplies the whole form by q, once a layer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import lcm

import numpy as np
from numpy.typing import NDArray

from verifier.trusted.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    Lemma,
    PlaneSplit,
    Robust,
    SeparableStep,
    Split,
    Step,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    UnitSplit,
    check_numbers,
)
from verifier.trusted.errors import RefusedError
from verifier.trusted.intervals import RootBounds, interval_bounds
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.scaled import FullLayer, ScaledNetwork, common_denominator, evaluate
from verifier.trusted.symbolic import Branches, SymbolicNetwork, supports
from verifier.trusted.univariate import Crossing, Minima, Sum, short

Number = int | Fraction
Int = NDArray[np.int64]
BATCH = 256  # symbolic leaves that are checked together
REMEMBERED = 4096  # symbolic steps, which trees for other goals may hold as well
_SPLITS = (UnitSplit, InputSplit, PlaneSplit)


def check_fast(
    query: Query,
    verdict: Robust | Flip,
    scaled: ScaledNetwork | None = None,
    root: RootBounds | None = None,
) -> None:
    """Returns if `verdict` is shown to be true of `query`; raises RefusedError, naming the flaw.

    `scaled` and `root` may be given when the caller has computed them for many regions at once, by
    `ScaledNetwork` and `interval_bounds`; they must belong to this query.
    """
    check_numbers(verdict)
    if isinstance(verdict, Flip):
        check_flip_fast(query, verdict)
        return
    if len(verdict.trees) != len(query.goals):
        raise RefusedError(
            "goal missing", f"{len(query.goals)} goals, {len(verdict.trees)} are proved"
        )
    if scaled is None or root is None:
        scaled = ScaledNetwork(
            query.network, common_denominator([query.region.lower, query.region.upper])
        )
        root = interval_bounds(scaled, [query.region])[0]
    checker = FastChecker(query, scaled, root)
    for step in verdict.steps:
        checker.apply(step)
    for goal, tree in zip(query.goals, verdict.trees, strict=True):
        checker.refute(tree, goal)
    checker.finish()


def check_flip_fast(query: Query, flip: Flip, outputs: Sequence[Fraction] | None = None) -> None:
    """Returns if the point lies in the region and satisfies its goal; RefusedError if not.

    `outputs` are those of the network at the point, if the caller has evaluated it.
    """
    if flip.goal not in range(len(query.goals)):
        raise RefusedError("index out of range", f"goal {flip.goal} of {len(query.goals)}")
    if len(flip.point) != query.network.inputs:
        raise RefusedError("dimension", f"{len(flip.point)} inputs, not {query.network.inputs}")
    if not query.region.contains(flip.point):
        raise RefusedError("outside", "the point does not lie in the region")
    if outputs is None:
        outputs = evaluate(query.network, [flip.point])[0]
    false = [
        k for k, a in enumerate(query.goals[flip.goal].atoms) if not a.holds(flip.point, outputs)
    ]
    if false:
        raise RefusedError("no flip", f"atom {false[0]} of goal {flip.goal} does not hold there")


@dataclass(frozen=True, slots=True)
class Numerators:
    """sum of z[j] Z_j / denominator + constant."""

    z: dict[int, int]
    denominator: int
    constant: Fraction


class Form:
    """(constant + sum of z[j] Z_j + sum of a[v] A_v) / denominator."""

    __slots__ = ("a", "constant", "denominator", "z")

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
        self.constant: Number = constant * self.denominator

    def multiply(self, factor: int) -> None:
        self.denominator *= factor
        self.constant *= factor
        self.z = {j: c * factor for j, c in self.z.items()}
        self.a = {v: c * factor for v, c in self.a.items()}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tightened bounds of scaled units (key v) and inputs (key -1-k) of one branch."""

    low: dict[int, Number]
    high: dict[int, Number]

    def key(self) -> Hashable:
        """Equal keys mean equal bounds."""
        return tuple(self.low.items()), tuple(self.high.items())


class FastChecker:
    """The state of one proof in scaled integers, with a trail for leaving branches.

    Also the arithmetic of the search, which wants to know what a lemma or a leaf would give before
    it is written down: `lower`, `upper` and `start` below.
    """

    def __init__(self, query: Query, scaled: ScaledNetwork, root: RootBounds) -> None:
        self.query = query
        self.network = query.network
        self.region = query.region
        self.scaled = scaled
        self.root = root
        self.inputs = query.network.inputs
        size = scaled.denominator
        self._low: dict[int, Number] = {}  # tightened A_v bounds; inputs as -1-k
        self._high: dict[int, Number] = {}
        for k, (low, high) in enumerate(zip(query.region.lower, query.region.upper, strict=True)):
            self._low[-1 - k], self._high[-1 - k] = _whole(low * size), _whole(high * size)
        self.cuts: list[tuple[tuple[tuple[int, Fraction], ...], Fraction]] = []
        self._trail: list[tuple[dict[int, Number], int, Number | None]] = []
        self._firsts = [layer.first for layer in scaled.layers]
        self._all_rows = False
        self._symbolic: SymbolicNetwork | None = None
        self._root_fractions: tuple[list[Fraction], list[Fraction]] | None = None
        self._put_off: list[tuple[Snapshot, Goal, int]] = []
        self._tightened: dict[Hashable, tuple[list[int], list[Int], list[Int]]] = {}
        self._minus_atoms: dict[Atom, Numerators] = {}
        scaled_center = [x * size for x in query.region.center]
        below = lcm(*(x.denominator for x in scaled_center))
        self._center = [int(x * below) for x in scaled_center], below

    def lower(self, v: int) -> Number:
        """The current lower bound of A_v = scale[v] * a_v."""
        found = self._low.get(v)
        return self.root.lower_of(v) if found is None else found

    def upper(self, v: int) -> Number:
        """The current upper bound of A_v."""
        found = self._high.get(v)
        return self.root.upper_of(v) if found is None else found

    def input_bounds(self, k: int) -> tuple[Number, Number]:
        """The current box of input k, times the scale of the inputs."""
        return self._low[-1 - k], self._high[-1 - k]

    def layer_of(self, v: int) -> int:
        """The number of the layer of unit v."""
        return bisect_right(self._firsts, v) - 1

    def box(self) -> tuple[list[Fraction], list[Fraction]]:
        """The box of the inputs in the current branch."""
        low, high = (
            [Fraction(table[-1 - k]) / self.scaled.denominator for k in range(self.inputs)]
            for table in (self._low, self._high)
        )
        return low, high

    def mark(self) -> tuple[int, int]:
        """A place to `undo` to."""
        return len(self._trail), len(self.cuts)

    def undo(self, mark: tuple[int, int]) -> None:
        """Forgets every bound and cut since `mark`."""
        while len(self._trail) > mark[0]:
            table, key, value = self._trail.pop()
            if value is None:
                del table[key]
            else:
                table[key] = value
        del self.cuts[mark[1] :]

    def _raise_lower(self, key: int, value: Number) -> None:
        current = self._low[key] if key < 0 else self.lower(key)
        if value > current:
            if key >= 0 and value >= 0 and self.root.rows.skips(key):
                self._all_rows = True  # a unit that was off may be on from here on
            self._trail.append((self._low, key, self._low.get(key)))
            self._low[key] = _whole(value)

    def _drop_upper(self, key: int, value: Number) -> None:
        current = self._high[key] if key < 0 else self.upper(key)
        if value < current:
            self._trail.append((self._high, key, self._high.get(key)))
            self._high[key] = _whole(value)

    def _checked(self, v: int, what: str = "unit") -> int:
        count = self.network.units.count if what == "unit" else self.inputs
        if not 0 <= v < count:
            raise RefusedError("index out of range", f"{what} {v} of {count}")
        return v

    def apply(self, lemma: Step) -> None:
        """Proves the lemma in the current branch, then tightens."""
        if isinstance(lemma, SymbolicStep):
            self.tighten_symbolically()
            return
        if isinstance(lemma, SeparableStep):
            self.tighten_separably(lemma)
            return
        self._checked(lemma.unit)
        self.refute(lemma.tree, lemma)
        self.assume(lemma)

    def tighten_symbolically(self) -> None:
        """Tightens all undecided units by `symbolic.py`."""
        key = self.snapshot().key()
        if key not in self._tightened:
            branches = self.branches([self.snapshot()])
            branches.tighten()
            self.remember(branches, {0: key})
        layers = self.symbolic().layers
        for layer, grid, low, high in zip(layers, *self._tightened[key], strict=True):
            for v, below, above in zip(
                range(layer.first, layer.last), low.tolist(), high.tolist(), strict=True
            ):
                if self.lower(v) < 0 < self.upper(v):
                    scale = self.scaled.scales[self.inputs + v]
                    self._raise_lower(v, _shifted(below * scale, grid))
                    self._drop_upper(v, _shifted(above * scale, grid))

    def remember(self, branches: Branches, keys: Mapping[int, Hashable]) -> None:
        """Keeps tightened bounds of branches, by number, for the same step in other trees."""
        if len(self._tightened) >= REMEMBERED:
            self._tightened.clear()
        for number, key in keys.items():
            self._tightened[key] = (
                branches.grids,
                [low[number].copy() for low in branches.lower],
                [high[number].copy() for high in branches.upper],
            )

    def minima(self) -> Minima:
        """Bounds of sums of functions of one direction each, in the current branch."""
        return Minima(self.scaled.univariate, self.region, self.box(), self.cuts)

    def tighten_separably(self, step: SeparableStep) -> dict[int, Sum]:
        """Bounds the units that lie on no direction again; those that are sums of functions of one
        direction each, and read such a function themselves."""
        for multiplier in step.multipliers:
            self._on_ball(multiplier)
        univariate, minima = self.scaled.univariate, self.minima()
        found: dict[int, Sum] = {}
        on: dict[int, Sum] = {}
        off: set[int] = set()
        for unit in univariate.crossing:
            v = unit.unit
            total = univariate.sum_of(unit, on, off)
            if self.upper(v) > 0:
                if not unit.own:
                    self._bound_by_intervals(unit)
                elif total is not None:
                    found[v] = total
                    for multiplier in step.multipliers:
                        if multiplier == 0 or v not in univariate.summands:
                            self._bound_sum(v, total, minima, multiplier)
            if self.upper(v) <= 0:
                off.add(v)
            elif total is not None and self.lower(v) >= 0:
                on[v] = total
        return found

    def _bound_sum(self, v: int, total: Sum, minima: Minima, multiplier: Fraction) -> None:
        scale = self.scaled.scales[self.inputs + v]
        constant = Fraction(total.constant, scale)
        for upper, sign in ((False, 1), (True, -1)):
            bound = minima.lower_bound(total.profiles, sign, sign * constant, scale, multiplier)
            if bound is not None:
                self._bound_shortly(v, sign * bound, upper=upper)

    def _bound_by_intervals(self, unit: Crossing) -> None:
        scale = self.scaled.scales[self.inputs + unit.unit]
        low: Number = unit.constant
        high = low
        for u, weight in unit.others:
            ends = weight * max(self.lower(u), 0), weight * max(self.upper(u), 0)
            low += min(ends)
            high += max(ends)
        self._bound_shortly(unit.unit, Fraction(low) / scale, upper=False)
        self._bound_shortly(unit.unit, Fraction(high) / scale, upper=True)

    def _bound_shortly(self, v: int, bound: Fraction, *, upper: bool) -> None:
        value = short(bound, upper=upper) * self.scaled.scales[self.inputs + v]
        if upper:
            self._drop_upper(v, value)
        else:
            self._raise_lower(v, value)

    def _on_ball(self, multiplier: Fraction) -> None:
        if self.region.norm == "inf" and multiplier:
            raise RefusedError("no ball", "a multiplier of the ball of a box")

    def snapshot(self) -> Snapshot:
        """The bounds of the current branch, as far as they differ from the root's."""
        return Snapshot(dict(self._low), dict(self._high))

    def symbolic(self) -> SymbolicNetwork:
        """The network in fixed point; RefusedError if it is too large for that."""
        if self._symbolic is None:
            if not supports(self.network):
                raise RefusedError("unsupported", "the network is too large for symbolic bounds")
            self._symbolic = SymbolicNetwork(self.network, self.region)
        return self._symbolic

    def branches(self, snapshots: Sequence[Snapshot]) -> Branches:
        """The branches of these snapshots, ready for `symbolic.py`."""
        symbolic, scales = self.symbolic(), self.scaled.scales[self.inputs :]
        size = self.scaled.denominator
        if self._root_fractions is None:
            self._root_fractions = (
                [Fraction(int(q), s) for q, s in zip(self.root.lower, scales, strict=True)],
                [Fraction(int(q), s) for q, s in zip(self.root.upper, scales, strict=True)],
            )
        keys = [-1 - k for k in range(self.inputs)]
        boxes = [
            (
                [Fraction(snapshot.low[key]) / size for key in keys],
                [Fraction(snapshot.high[key]) / size for key in keys],
            )
            for snapshot in snapshots
        ]
        branches = Branches(symbolic, *self._root_fractions, boxes)
        for number, snapshot in enumerate(snapshots):
            for upper, table in ((False, snapshot.low), (True, snapshot.high)):
                for v, bound in table.items():
                    if v >= 0:
                        layer = bisect_right(self._firsts, v) - 1
                        branches.restrict(
                            number,
                            layer,
                            v - self._firsts[layer],
                            Fraction(bound) / scales[v],
                            upper,
                        )
        return branches

    def finish(self) -> None:
        """Checks the symbolic leaves, which have been put off to be checked many at a time."""
        by_branch: dict[Hashable, list[tuple[Snapshot, Goal, int]]] = {}
        for leaf in self._put_off:
            by_branch.setdefault(leaf[0].key(), []).append(leaf)
        self._put_off = []
        leaves = [leaf for group in by_branch.values() for leaf in group]
        for begin in range(0, len(leaves), BATCH):
            if not self.closed_symbolically(leaves[begin : begin + BATCH]).all():
                raise RefusedError("bound too weak", "a symbolic leaf does not close")

    def closed_symbolically(
        self, leaves: Sequence[tuple[Snapshot, Goal, int]]
    ) -> NDArray[np.bool_]:
        """For each leaf whether its branch has no point at which that atom of the goal holds."""
        snapshots = {snapshot.key(): snapshot for snapshot, _, _ in leaves}
        numbers = {key: number for number, key in enumerate(snapshots)}
        branches = self.branches(list(snapshots.values()))
        branches.tighten()
        atoms = [goal.atoms[number] for _, goal, number in leaves]
        rows = {atom: row for row, atom in enumerate(dict.fromkeys(atoms))}
        branch = np.array([numbers[snapshot.key()] for snapshot, _, _ in leaves])
        values, _, _ = branches.minima(
            branches.symbolic.atom_targets(rows), branch, np.array([rows[atom] for atom in atoms])
        )
        strict = np.array([atom.strict for atom in atoms])
        closed: NDArray[np.bool_] = branches.empty[branch] | (values > 0) | (strict & (values == 0))
        return closed

    def assume(self, lemma: Lemma) -> None:
        """Tightens without a proof; for the search, which has just found the lemma."""
        value = lemma.bound * self.scaled.scales[self.inputs + lemma.unit]
        if lemma.upper:
            self._drop_upper(lemma.unit, value)
        else:
            self._raise_lower(lemma.unit, value)

    def refute(self, tree: Tree, target: Goal | Lemma) -> None:
        """Shows that no point of the current branch satisfies the goal or violates the lemma."""
        before = self.mark()
        waiting: list[tuple[tuple[int, int], Split]] = []
        position, finished = 0, False
        while not finished:
            if position == len(tree):
                raise RefusedError("malformed tree", "a side of a split is not proved")
            node = tree[position]
            position += 1
            for step in node.steps:
                self.apply(step)
            if isinstance(node.body, _SPLITS):
                waiting.append((self.mark(), node.body))
                self.restrict(node.body, high=False)
                continue
            if isinstance(node.body, Conflict):
                v = self._checked(node.body.unit)
                if not self.lower(v) > self.upper(v):
                    raise RefusedError("no conflict", f"the bounds of unit {v} do not contradict")
            elif isinstance(node.body, SymbolicLeaf):
                self._put_off_leaf(node.body, target)
            else:
                self._close(node.body, target)
            if waiting:
                mark, split = waiting.pop()
                self.undo(mark)
                self.restrict(split, high=True)
            else:
                finished = True
        if position < len(tree):
            raise RefusedError("malformed tree", "a node belongs to no split")
        self.undo(before)

    def restrict(self, split: Split, *, high: bool) -> None:
        """Enters one closed side of a split."""
        if isinstance(split, UnitSplit):
            self._checked(split.unit)
            if high:
                self._raise_lower(split.unit, 0)
            else:
                self._drop_upper(split.unit, 0)
        elif isinstance(split, InputSplit):
            key = -1 - self._checked(split.input, "input")
            threshold = split.threshold * self.scaled.denominator
            if high:
                self._raise_lower(key, threshold)
            else:
                self._drop_upper(key, threshold)
        else:
            for k, _ in split.normal:
                self._checked(k, "input")
            sign = 1 if high else -1
            self.cuts.append(
                (tuple((k, sign * g) for k, g in split.normal), -sign * split.threshold)
            )

    def _put_off_leaf(self, leaf: SymbolicLeaf, target: Goal | Lemma) -> None:
        if isinstance(target, Lemma):
            raise RefusedError("symbolic leaf in a lemma", f"lemma about unit {target.unit}")
        if leaf.atom not in range(len(target.atoms)):
            raise RefusedError("index out of range", f"atom {leaf.atom} of {len(target.atoms)}")
        self.symbolic()
        self._put_off.append((self.snapshot(), target, leaf.atom))

    def closes(self, leaf: Leaf, target: Goal | Lemma) -> bool:
        """Whether `leaf` would be accepted here; for the search."""
        try:
            self._close(leaf, target)
        except RefusedError:
            return False
        return True

    def _close(self, leaf: Leaf, target: Goal | Lemma) -> None:
        form, strict = self.start(leaf, target)
        self._eliminate(form, leaf.slopes, on_lines=leaf.ball is not None)
        if not self._nonnegative(form, leaf, strict):
            kind = "lemma" if isinstance(target, Lemma) else "goal"
            raise RefusedError("bound too weak", f"a leaf of the {kind} does not close")

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
            parts, constant, strict = self._atoms(leaf, target)
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

    def _atoms(
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

    def _eliminate(
        self, form: Form, slopes: Mapping[int, Fraction], *, on_lines: bool = False
    ) -> None:
        """Replaces all units, last first, by lower bounds in terms of what they read; with
        `on_lines`, all but those that lie on a direction."""
        layers = None if on_lines else self.scaled.full_layers
        if layers is not None:
            self._eliminate_layers(form, slopes, layers)
            return
        inputs, rows = self.inputs, self.root.rows
        row = rows.row
        if on_lines or self._all_rows or any(rows.skips(v) for v in slopes):
            row = self.scaled.row
        denominators = self._slope_denominators(slopes)
        waiting = [-v for v in {*form.a, *(j - inputs for j in form.z if j >= inputs)}]
        heapify(waiting)
        known = set(waiting)
        current_layer = -1
        while waiting:
            v = -heappop(waiting)
            if denominators:
                layer = bisect_right(self._firsts, v) - 1
                if layer != current_layer:
                    current_layer = layer
                    form.multiply(denominators.get(layer, 1))
            factor = form.a.pop(v, 0)
            kept = on_lines and self.scaled.univariate.lines.item(inputs + v) >= 0
            coefficient = 0 if kept else form.z.pop(inputs + v, 0)
            if coefficient:
                factor += self._relax(form, v, coefficient, slopes)
            if not factor:
                continue
            variables, weights, constant = row(v)
            form.constant += factor * constant
            z = form.z
            for j, weight in zip(variables, weights, strict=True):
                if j in z:
                    z[j] += factor * weight
                else:
                    z[j] = factor * weight
                    if j >= inputs and inputs - j not in known:
                        known.add(inputs - j)
                        heappush(waiting, inputs - j)

    def _eliminate_layers(
        self, form: Form, slopes: Mapping[int, Fraction], layers: Sequence[FullLayer]
    ) -> None:
        """The same, a whole layer at once."""
        inputs, denominators = self.inputs, self._slope_denominators(slopes)
        last = max(max(form.a, default=0), max(form.z, default=0) - inputs, 0)
        for number in range(self.layer_of(last), -1, -1):
            layer, whole = layers[number], 0
            form.multiply(denominators.get(number, 1))
            places: list[int] = []
            factors: list[int] = []
            for v in range(layer.first, layer.last):
                factor = form.a.pop(v, 0)
                coefficient = form.z.pop(inputs + v, 0)
                if coefficient:
                    factor += self._relax(form, v, coefficient, slopes)
                if factor:
                    whole += factor * layer.constants[v - layer.first]
                    places.append(v - layer.first)
                    factors.append(factor)
            if factors:
                form.constant += whole
                read = np.array(factors, dtype=object) @ layer.weights[places]
                for j, value in zip(layer.variables, read.tolist(), strict=True):
                    form.z[j] = form.z.get(j, 0) + value

    def _slope_denominators(self, slopes: Mapping[int, Fraction]) -> dict[int, int]:
        """By layer, what a form must be multiplied with before its slopes are used."""
        found: dict[int, int] = {}
        for v, slope in slopes.items():
            if slope.denominator > 1:
                layer = bisect_right(self._firsts, v) - 1
                found[layer] = lcm(found.get(layer, 1), slope.denominator)
        return found

    def _relax(self, form: Form, v: int, coefficient: int, slopes: Mapping[int, Fraction]) -> int:
        """coefficient * Z_v >= result * A_v + what is added to the constant."""
        low, high = self.lower(v), self.upper(v)
        slope = slopes.get(v)
        if low >= 0:
            if slope is None:
                return coefficient
            kept = coefficient * slope.numerator // slope.denominator  # exact, see `multiply`
            rest = coefficient - kept
            form.constant += rest * (low if rest > 0 else high)
            return kept
        if high <= 0:
            return 0
        kept = coefficient * slope.numerator // slope.denominator if slope is not None else 0
        if coefficient > 0:
            return kept
        if slope is not None and slope * (high - low) > high:
            raise RefusedError("slope too steep", f"unit {v}: {slope} cuts off its lower end")
        form.constant += (coefficient - kept) * high
        return kept

    def _nonnegative(self, form: Form, leaf: Leaf, strict: bool) -> bool:
        """Whether the form, now over inputs alone, is > 0 (>= 0) on the region and branch box; or
        over variables that lie on directions, if the leaf has a multiplier of the ball."""
        if leaf.ball is not None:
            self._on_ball(leaf.ball)
            univariate = self.scaled.univariate
            profiles = univariate.profiles_of(form.z.items())
            whole = Fraction(form.constant) / form.denominator
            bound = self.minima().lower_bound(profiles, 1, whole, form.denominator, leaf.ball)
            strict = strict and not (self.region.open and leaf.ball > 0)
            return bound is None or (bound > 0 if strict else bound >= 0)
        size, on_ball = self.scaled.denominator, self.region.norm != "inf"
        gradient: dict[int, Number] = {}
        constant: Number = form.constant
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
                constant += share * side
                if open_box and self.region.recedes(k, Fraction(side) / size):
                    strict = open_box = False  # x_k stays off that side
        if on_ball:
            return self._holds_on_ball(gradient, constant, strict)
        return constant > 0 if strict else constant >= 0

    def _holds_on_ball(
        self, gradient: Mapping[int, Number], constant: Number, strict: bool
    ) -> bool:
        """Whether gradient . Z + constant >= 0 (> 0 if strict) on the ball, its box aside; for norm
        2 by squares. Z are the inputs times the network's denominator. An open ball has no point at
        which a form with a gradient attains its minimum."""
        center, below = self._center
        strict = strict and not (self.region.open and any(gradient.values()))
        # Everything times `below`, the center's denominator in terms of Z.
        value: Number = constant * below
        for k, g in gradient.items():
            value += g * center[k]
        unit = below * self.scaled.denominator
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


def _shifted(value: int, by: int) -> Number:
    """value / 2^by, as int where it is one."""
    return _whole(Fraction(value, 1 << by)) if by > 0 else value << -by


def _whole(value: Number) -> Number:
    """The same number, as int where it is one: sums of ints stay fast."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
