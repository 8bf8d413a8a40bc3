"""The checker that a reader audits: every rule in Fractions, one rule after another.

The state of a proof is a box for the inputs, bounds lower <= a_v <= upper for every unit, and the
hyperplane cuts of the branch at hand. At the root the bounds are exact interval arithmetic. A lemma
tightens one of them; a split restricts the branch; a leaf shows that the branch is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush

from tests.oracles.reference_maxima import ReferenceMaxima
from tests.oracles.reference_ridge import Direction, ReferenceUnivariate, product, short_bound
from tests.oracles.reference_sums import ReferenceSums
from tests.oracles.reference_symbolic import ReferenceSymbolic
from verifier.evidence.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    PairLemma,
    Robust,
    SeparableStep,
    Split,
    Step,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    UnitSplit,
    check_numbers,
)
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.query import Goal, Query
from verifier.question.region import linear_minimum_holds

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(slots=True)
class Form:
    """constant + sum of variables[j] * variable j + sum of units[v] * a_v."""

    constant: Fraction = ZERO
    variables: dict[int, Fraction] = field(default_factory=dict)
    units: dict[int, Fraction] = field(default_factory=dict)

    def add_row(self, factor: Fraction, weights: dict[int, Fraction], constant: Fraction) -> None:
        self.constant += factor * constant
        for j, weight in weights.items():
            self.variables[j] = self.variables.get(j, ZERO) + factor * weight


def check_reference(query: Query, verdict: Robust | Flip) -> None:
    """Returns if `verdict` is shown to be true of `query`; raises RefusedError, naming the flaw."""
    check_numbers(verdict)
    if isinstance(verdict, Flip):
        check_flip(query, verdict)
        return
    if len(verdict.trees) != len(query.goals):
        raise RefusedError(
            "goal missing", f"{len(query.goals)} goals, {len(verdict.trees)} are proved"
        )
    checker = _Checker(query)
    for step in verdict.steps:
        checker.apply(step)
    for goal, tree in zip(query.goals, verdict.trees, strict=True):
        checker.refute(tree, goal)


def check_flip(query: Query, flip: Flip) -> None:
    """Returns if the point lies in the region and satisfies its goal, evaluated in Fractions."""
    if not 0 <= flip.goal < len(query.goals):
        raise RefusedError("index out of range", f"goal {flip.goal} of {len(query.goals)}")
    if len(flip.point) != query.region.dimension:
        raise RefusedError(
            "dimension", f"point of {len(flip.point)}, region of {query.region.dimension}"
        )
    if not query.region.contains(flip.point):
        raise RefusedError("outside", "the point does not lie in the region")
    outputs = forward(query.network, flip.point)
    for number, atom in enumerate(query.goals[flip.goal].atoms):
        if not atom.holds(flip.point, outputs):
            raise RefusedError("no flip", f"atom {number} of goal {flip.goal} does not hold there")


def forward(network: Network, point: tuple[Fraction, ...]) -> list[Fraction]:
    """The outputs at `point`, in Fractions."""
    values = list(point)
    for v in range(network.units.count):
        values.append(max(_row_value(network.units.fractions(v), values), ZERO))
    return [_row_value(network.outputs.fractions(j), values) for j in range(network.outputs.count)]


def _row_value(row: tuple[dict[int, Fraction], Fraction], values: list[Fraction]) -> Fraction:
    weights, constant = row
    return constant + sum((w * values[j] for j, w in weights.items()), ZERO)


class _Checker:
    """The state of one proof; every change is on a trail, so that leaving a branch undoes it."""

    def __init__(self, query: Query) -> None:
        self.network = query.network
        self.region = query.region
        self.inputs = query.network.inputs
        self.box_lower = list(query.region.lower)
        self.box_upper = list(query.region.upper)
        self.lower: list[Fraction] = []
        self.upper: list[Fraction] = []
        self.cuts: list[tuple[tuple[tuple[int, Fraction], ...], Fraction]] = []  # g.x + t >= 0
        self.trail: list[tuple[list[Fraction], int, Fraction]] = []
        for v in range(self.network.units.count):
            low, high = self._interval(v)
            self.lower.append(low)
            self.upper.append(high)
        self.root = (tuple(self.lower), tuple(self.upper))
        self.univariate = ReferenceUnivariate(self.network, self.region)
        self.maxima = ReferenceMaxima(self.network, self.univariate)

    def _interval(self, v: int) -> tuple[Fraction, Fraction]:
        """Interval arithmetic for a_v from the boxes of what it reads."""
        weights, constant = self.network.units.fractions(v)
        low = high = constant
        for j, weight in weights.items():
            if j < self.inputs:
                ends = (weight * self.box_lower[j], weight * self.box_upper[j])
            else:
                u = j - self.inputs
                ends = (weight * max(self.lower[u], ZERO), weight * max(self.upper[u], ZERO))
            low += min(ends)
            high += max(ends)
        return low, high

    def _set(self, values: list[Fraction], index: int, value: Fraction) -> None:
        self.trail.append((values, index, values[index]))
        values[index] = value

    def _undo(self, mark: int, cuts: int) -> None:
        while len(self.trail) > mark:
            values, index, value = self.trail.pop()
            values[index] = value
        del self.cuts[cuts:]

    def _unit(self, v: int) -> int:
        if not 0 <= v < self.network.units.count:
            raise RefusedError("index out of range", f"unit {v} of {self.network.units.count}")
        return v

    def apply(self, lemma: Step) -> None:
        """Proves the lemma in the current branch, then tightens the bound of its unit."""
        if isinstance(lemma, SymbolicStep):
            self._tighten_symbolically()
            return
        if isinstance(lemma, MaximaStep):
            self._tighten_maxima()
            return
        if isinstance(lemma, SumsStep):
            self._tighten_sums(lemma)
            return
        if isinstance(lemma, SeparableStep):
            self._tighten_separably(lemma)
            return
        if isinstance(lemma, PairLemma):
            raise RefusedError("pair outside a family", f"lemma about unit {lemma.unit}")
        v = self._unit(lemma.unit)
        self.refute(lemma.tree, lemma)
        if lemma.upper:
            self._set(self.upper, v, min(self.upper[v], lemma.bound))
        else:
            self._set(self.lower, v, max(self.lower[v], lemma.bound))

    def _symbolic(self) -> ReferenceSymbolic:
        """The symbolic bounds of the current branch."""
        symbolic = ReferenceSymbolic(
            self.network,
            self.region,
            self.root,
            (self.lower, self.upper),
            (self.box_lower, self.box_upper),
        )
        symbolic.tighten()
        return symbolic

    def _tighten_symbolically(self) -> None:
        symbolic = self._symbolic()
        for v in range(self.network.units.count):
            if self.lower[v] < 0 < self.upper[v]:
                below, above = symbolic.bounds(v)
                self._set(self.lower, v, max(self.lower[v], below))
                self._set(self.upper, v, min(self.upper[v], above))

    def _tighten_sums(self, step: SumsStep) -> None:
        """Bounds the final sums of ridge functions with each multiplier."""
        if self.region.norm == "inf":
            raise RefusedError("no ball", "a step about sums on a box")
        sums = ReferenceSums(self.network, self.region)
        box = self.box_lower, self.box_upper
        for t in step.lower:
            for v, bound in sums.bounds(t, box, self.cuts, upper=False).items():
                self._set(self.lower, v, max(self.lower[v], bound))
        for t in step.upper:
            for v, bound in sums.bounds(t, box, self.cuts, upper=True).items():
                self._set(self.upper, v, min(self.upper[v], bound))

    def _tighten_maxima(self) -> None:
        """Bounds every unit again that is no copy and not off, first to last."""

        def ends(j: int) -> tuple[Fraction, Fraction]:
            if j < self.inputs:
                return self.box_lower[j], max(self.box_lower[j], self.box_upper[j])
            u = j - self.inputs
            return max(self.lower[u], ZERO), max(self.upper[u], ZERO)

        for v in range(self.network.units.count):
            if self.upper[v] > 0 and not self.maxima.is_copy(v):
                low, high = self.maxima.bounds(
                    self.maxima.row(v), ends, lambda u: (self.lower[u], self.upper[u])
                )
                self._set(self.lower, v, max(self.lower[v], short_bound(low, upper=False)))
                self._set(self.upper, v, min(self.upper[v], short_bound(high, upper=True)))

    def _tighten_separably(self, step: SeparableStep) -> None:
        """Bounds every unit again that lies on no direction and is not off: if it reads a variable
        that does and is, by units that are on or off, a sum of functions of one direction each, by
        these, with positive multipliers only if no such sum reads it; if it reads none, by interval
        arithmetic."""
        directions, sums = self.univariate.directions, dict[int, Form]()
        for v in range(self.network.units.count):
            if directions[self.inputs + v] is not None:
                continue
            form = self._separable(v, sums)
            if form is not None:
                sums[v] = form
            if self.upper[v] <= 0:
                continue
            weights, _ = self.network.units.fractions(v)
            found: list[tuple[Fraction | None, Fraction | None]] = []
            if all(directions[j] is None for j in weights):
                low, high = self._interval(v)
                found.append((low, -high))
            elif form is not None:
                found += [
                    (self._sum_bound(form, ONE, t), self._sum_bound(form, -ONE, t))
                    for t in step.multipliers
                    if t == 0 or v not in self.univariate.summands
                ]
            for below, above in found:  # lower bounds of a_v and of -a_v
                if below is not None:
                    bound = short_bound(below, upper=False)
                    self._set(self.lower, v, max(self.lower[v], bound))
                if above is not None:
                    bound = short_bound(-above, upper=True)
                    self._set(self.upper, v, min(self.upper[v], bound))

    def _separable(self, v: int, sums: dict[int, Form]) -> Form | None:
        """a_v over inputs and units that lie on directions; None if it is no such form."""
        weights, constant = self.network.units.fractions(v)
        form = Form(constant)
        for j, weight in weights.items():
            u = j - self.inputs
            if self.univariate.directions[j] is not None:
                form.add_row(weight, {j: ONE}, ZERO)
            elif self.upper[u] <= 0:
                continue
            elif self.lower[u] >= 0 and u in sums:
                form.add_row(weight, sums[u].variables, sums[u].constant)
            else:
                return None
        return form

    def _weights(self, leaf: Leaf) -> dict[Direction, Fraction] | None:
        """The shares that the leaf names: sum of share |d . y|^p <= ||y||_p^p for all y."""
        if not leaf.weights:
            return None
        norm = self.region.norm
        for weight in leaf.weights:
            for k, _ in weight.direction:
                self._input(k)
            if norm == "inf" or (weight.scale is None) == (norm == "2"):
                raise RefusedError("malformed", f"weights of a ball of norm {norm}")
        rows = [dict(weight.direction) for weight in leaf.weights]
        shares = [weight.share for weight in leaf.weights]
        if norm == "1":
            wrong = any(
                sum((s * abs(d.get(k, ZERO)) for s, d in zip(shares, rows, strict=True)), ZERO) > 1
                for k in range(self.inputs)
            )
        else:
            wrong = any(
                weight.share
                * sum(
                    (abs(product(d, e)) * w.scale for e, w in zip(rows, leaf.weights, strict=True))
                )
                > weight.scale
                for d, weight in zip(rows, leaf.weights, strict=True)
            )
        if wrong:
            raise RefusedError("weights too large", "their sum exceeds the norm")
        return {weight.direction: weight.share for weight in leaf.weights}

    def _sum_bound(
        self,
        form: Form,
        sign: Fraction,
        multiplier: Fraction,
        weights: dict[Direction, Fraction] | None = None,
    ) -> Fraction | None:
        """A lower bound of sign * form, all of whose variables lie on directions; None if the
        branch is empty."""
        return self.univariate.lower_bound(
            sign * form.constant,
            {j: sign * c for j, c in form.variables.items()},
            multiplier,
            (self.box_lower, self.box_upper),
            self.cuts,
            weights,
        )

    def _close_symbolically(self, leaf: SymbolicLeaf, target: Goal | Lemma) -> None:
        """Shows that the atom is false everywhere in the branch, or that the branch is empty."""
        if isinstance(target, Lemma):
            raise RefusedError("symbolic leaf in a lemma", f"lemma about unit {target.unit}")
        if leaf.atom >= len(target.atoms):
            raise RefusedError("index out of range", f"atom {leaf.atom} of {len(target.atoms)}")
        symbolic = self._symbolic()
        form, strict = self._contradicted(Leaf(atoms={leaf.atom: ONE}), target)
        bound = symbolic.lower_bound(form.variables, form.constant)
        if not (symbolic.empty or bound > 0 or (bound == 0 and not strict)):
            raise RefusedError("bound too weak", "a symbolic leaf does not close")

    def refute(self, tree: Tree, target: Goal | Lemma) -> None:
        """Shows that no point of the current branch satisfies the goal or violates the lemma."""
        start = (len(self.trail), len(self.cuts))
        waiting: list[tuple[int, int, Split]] = []  # high sides
        missing = 1  # subtrees that are still to come
        for node in tree:
            if missing == 0:
                raise RefusedError("malformed tree", "a node belongs to no split")
            for step in node.steps:
                self.apply(step)
            if isinstance(node.body, Split):
                waiting.append((len(self.trail), len(self.cuts), node.body))
                self._restrict(node.body, high=False)
                missing += 1
                continue
            if isinstance(node.body, Leaf):
                self._close(node.body, target)
            elif isinstance(node.body, SymbolicLeaf):
                self._close_symbolically(node.body, target)
            else:
                self._conflict(node.body)
            missing -= 1
            if waiting:
                mark, cuts, split = waiting.pop()
                self._undo(mark, cuts)
                self._restrict(split, high=True)
        if missing:
            raise RefusedError("malformed tree", f"{missing} sides of splits are not proved")
        self._undo(*start)

    def _conflict(self, conflict: Conflict) -> None:
        v = self._unit(conflict.unit)
        if self.lower[v] <= self.upper[v]:
            raise RefusedError("no conflict", f"the bounds of unit {v} do not contradict")

    def _restrict(self, split: Split, *, high: bool) -> None:
        """Enters one closed side of a split."""
        if isinstance(split, UnitSplit):
            v = self._unit(split.unit)
            if high:
                self._set(self.lower, v, max(self.lower[v], ZERO))
            else:
                self._set(self.upper, v, min(self.upper[v], ZERO))
        elif isinstance(split, InputSplit):
            k = self._input(split.input)
            if high:
                self._set(self.box_lower, k, max(self.box_lower[k], split.threshold))
            else:
                self._set(self.box_upper, k, min(self.box_upper[k], split.threshold))
        else:
            sign = ONE if high else -ONE
            normal = tuple((self._input(k), sign * g) for k, g in split.normal)
            self.cuts.append((normal, -sign * split.threshold))

    def _input(self, k: int) -> int:
        if not 0 <= k < self.inputs:
            raise RefusedError("index out of range", f"input {k} of {self.inputs}")
        return k

    def _close(self, leaf: Leaf, target: Goal | Lemma) -> None:
        """Shows that form > 0 (or >= 0) everywhere in the branch, where form <= 0 (or < 0) at every
        point of the branch that satisfies the goal's atoms, or violates the lemma."""
        if isinstance(target, Lemma):
            if leaf.atoms:
                raise RefusedError("atoms in a lemma", f"lemma about unit {target.unit}")
            sign = -ONE if target.upper else ONE
            form, strict = Form(constant=-sign * target.bound, units={target.unit: sign}), False
        else:
            form, strict = self._contradicted(leaf, target)
        for v, multiplier in leaf.bounds.items():
            self._unit(v)
            # a_v - lower >= 0 or upper - a_v >= 0, subtracted with |multiplier|
            form.units[v] = form.units.get(v, ZERO) - multiplier
            form.constant += multiplier * (self.lower[v] if multiplier > 0 else self.upper[v])
        for number, multiplier in leaf.cuts.items():
            if number >= len(self.cuts):
                raise RefusedError("index out of range", f"cut {number} of {len(self.cuts)}")
            normal, constant = self.cuts[number]
            form.add_row(-multiplier, dict(normal), constant)
        for v in leaf.slopes:
            self._unit(v)
        self._eliminate_units(form, leaf)
        if not self._positive(form, leaf, strict):
            kind = "lemma" if isinstance(target, Lemma) else "goal"
            raise RefusedError("bound too weak", f"a leaf of the {kind} does not close")

    def _contradicted(self, leaf: Leaf, goal: Goal) -> tuple[Form, bool]:
        """-(sum of multipliers * atoms), and whether > 0 is needed: with a strict atom in the sum,
        its value would be > 0 at a point of the goal, so that >= 0 of the form suffices."""
        atoms = leaf.atoms or ({0: ONE} if len(goal.atoms) == 1 else {})
        form, strict = Form(), True
        for number, multiplier in atoms.items():
            if number >= len(goal.atoms):
                raise RefusedError("index out of range", f"atom {number} of {len(goal.atoms)}")
            atom = goal.atoms[number]
            form.add_row(-multiplier, dict(atom.inputs), atom.constant)
            for j, coefficient in atom.outputs:
                form.add_row(-multiplier * coefficient, *self.network.outputs.fractions(j))
            if atom.strict and multiplier > 0:
                strict = False
        return form, strict

    def _eliminate_units(self, form: Form, leaf: Leaf) -> None:
        """Replaces all units by what bounds them from below, last unit first."""
        variables, units = form.variables, form.units
        waiting = [-v for v in {*units, *(j - self.inputs for j in variables if j >= self.inputs)}]
        heapify(waiting)
        known = set(waiting)
        while waiting:
            v = -heappop(waiting)
            factor = units.pop(v, ZERO)
            kept = leaf.ball is not None and self.univariate.directions[self.inputs + v] is not None
            coefficient = ZERO if kept else variables.pop(self.inputs + v, ZERO)
            if coefficient:
                factor += self._relax(form, leaf, v, coefficient)
            if factor:
                weights, constant = self.network.units.fractions(v)
                form.add_row(factor, weights, constant)
                for j in weights:
                    if j >= self.inputs and self.inputs - j not in known:
                        known.add(self.inputs - j)
                        heappush(waiting, self.inputs - j)

    def _relax(self, form: Form, leaf: Leaf, v: int, coefficient: Fraction) -> Fraction:
        """coefficient * z_v >= result * a_v + what is added to the constant."""
        low, high = self.lower[v], self.upper[v]
        slope = leaf.slopes.get(v)
        if slope is None:
            slope = self._default(leaf, coefficient, low, high)
        # z_v - s a_v is (1 - s) max(a_v, 0) + s max(-a_v, 0), and one of the two is 0.
        on, off = (ONE - slope) * max(low, ZERO), slope * max(-high, ZERO)
        if coefficient > 0:
            form.constant += coefficient * (on + off)
        else:
            on, off = (ONE - slope) * max(high, ZERO), slope * max(-low, ZERO)
            form.constant += coefficient * max(on, off)
        return coefficient * slope

    def _default(
        self, leaf: Leaf, coefficient: Fraction, low: Fraction, high: Fraction
    ) -> Fraction:
        """The slope of a unit that is not named."""
        if low >= 0 or high <= 0:
            return ONE if low >= 0 else ZERO
        if not leaf.usual:
            return ZERO
        if coefficient > 0:
            return ONE if high >= -low else ZERO
        return Fraction(2**24 * high // (high - low), 2**24)

    def _positive(self, form: Form, leaf: Leaf, strict: bool) -> bool:
        """Whether constant + gradient . x > 0 (or >= 0) on the region and the branch's box."""
        if leaf.ball is not None:
            bound = self._sum_bound(form, ONE, leaf.ball, self._weights(leaf))
            # On an open ball t * (radius - distance) is above zero.
            strict = strict and not (self.region.open and leaf.ball > 0)
            return bound is None or (bound > 0 if strict else bound >= 0)
        for k in leaf.box:
            self._input(k)
        constant, gradient = form.constant, {}
        receding = False
        for k in {*form.variables, *leaf.box}:
            share = form.variables.get(k, ZERO)
            on_box = share if self.region.norm == "inf" else leaf.box.get(k, ZERO)
            side = self.box_lower[k] if on_box > 0 else self.box_upper[k]
            constant += on_box * side
            receding |= on_box != 0 and self.region.norm == "inf" and self.region.recedes(k, side)
            if share != on_box:
                gradient[k] = share - on_box
        if self.region.norm == "inf":
            # x_k stays off a receding side, so that the form is above its bound.
            return constant > 0 if strict and not receding else constant >= 0
        return linear_minimum_holds(self.region, gradient, constant, strict)
