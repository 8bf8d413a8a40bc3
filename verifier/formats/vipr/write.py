"""Proofs as VIPR 1.0 certificates: the big-M program of a goal, and why it has no violation.

A strict subset of the format: the reasons `asm`, `lin` and `uns` only, one derivation a line, all
numbers p or p/q in lowest terms, no index of last use, and splits on binary variables alone. Every
lemma, split and leaf of a proof becomes linear combinations of rows, exactly as the checker of this
project substitutes units; a split on an input or a hyperplane becomes a fresh binary with two
big-M rows.

For an L2 ball the program has the box around it and cuts g . x >= g . c - s with s^2 >= r^2 g . g.

What the file states and does not prove: that its program is the big-M program of the network, with
root interval bounds, valid rows of fresh binaries and valid cuts. `vipr_program.py` checks that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from verifier.checker.maxima_trees import without_maxima
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PairLemma,
    PlaneSplit,
    Robust,
    SeparableStep,
    Split,
    Step,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    UnitSplit,
)
from verifier.formats.lp_mps import exact_text
from verifier.program.big_m import BigM, big_m, root_bounds
from verifier.program.rows import Program, Sense
from verifier.question.errors import UserError
from verifier.question.printable import printable
from verifier.question.query import Goal, Query
from verifier.question.region import root_upper

ZERO, ONE = Fraction(0), Fraction(1)
MAX_CHARACTERS = 1 << 30
NO_SUMS = "the proof bounds sums of functions of one direction each: VIPR has no such rule"
"""Longest certificate; a proof with tens of thousands of leaves would not fit a disk."""
_LEMMA_BITS = 40  # significant bits of bounds that the exporter computes itself

_ROOT_BITS = 96  # of the length of a gradient, rounded up

Terms = dict[int, Fraction]
_Gradient = tuple[tuple[int, Fraction], ...]


class _LeafOpen(UserError):
    """A leaf does not close; more lemmas may help."""


def vipr_texts(query: Query, verdict: Robust) -> list[str]:
    """One certificate for each goal of the query.

    Raises UserError for a proof that would be too long, and where a leaf does not close in the
    rules of the format. Steps about maxima are written as the lemmas that they stand for.
    """
    verdict = replace(verdict, steps=without_maxima(query, verdict.steps))
    return [_exported(query, verdict, number) for number in range(len(query.goals))]


def _exported(query: Query, verdict: Robust, number: int) -> str:
    goal, tree = query.goals[number], verdict.trees[number]
    branched, planes = _splits(verdict.steps, tree)
    bounds = root_bounds(query)
    cuts: list[_Gradient] = []
    while True:  # the first time finds the cuts of an L2 ball, the second writes them
        model = big_m(
            query, goal, bounds, margin=False, branched=sorted(branched), box_of_ball=True
        )
        writer = _Writer(model, query, goal, planes, cuts)
        for step in verdict.steps:
            writer.apply(step)
        last = writer.refute(tree, goal)
        if not writer.missing_cuts:
            return writer.text(last)
        cuts += writer.missing_cuts


def _splits(steps: Iterable[Step], tree: Tree) -> tuple[set[int], dict[_Gradient, list[Fraction]]]:
    """Units that some tree splits on, and the thresholds of splits on inputs and hyperplanes."""
    units: set[int] = set()
    planes: dict[_Gradient, list[Fraction]] = {}
    waiting: list[Tree] = [tree, *(step.tree for step in steps if isinstance(step, Lemma))]
    while waiting:
        for node in waiting.pop():
            waiting.extend(step.tree for step in node.steps if isinstance(step, Lemma))
            if isinstance(node.body, UnitSplit):
                units.add(node.body.unit)
            elif isinstance(node.body, InputSplit | PlaneSplit):
                normal, threshold = _plane(node.body)
                known = planes.setdefault(normal, [])
                if threshold not in known:
                    known.append(threshold)
    return units, planes


def _plane(split: InputSplit | PlaneSplit) -> tuple[_Gradient, Fraction]:
    if isinstance(split, InputSplit):
        return ((split.input, ONE),), split.threshold
    return split.normal, split.threshold


@dataclass(frozen=True, slots=True)
class _Row:
    """A constraint of the certificate."""

    terms: Mapping[int, Fraction]
    sense: Sense
    right: Fraction


@dataclass(slots=True)
class _Sum:
    """A linear combination of constraints under way: `rest` is what the target's left side still
    has, `right` the sum of right sides; all as a `>=`."""

    rest: Terms
    right: Fraction = ZERO
    used: dict[int, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Target:
    """What a tree derives: terms >= right; an absurdity if there are no terms."""

    terms: Mapping[int, Fraction]
    right: Fraction


class _Writer:
    """Derives constraint after constraint; what holds in the branch at hand is on a trail."""

    def __init__(
        self,
        model: BigM,
        query: Query,
        goal: Goal,
        planes: Mapping[_Gradient, list[Fraction]],
        cuts: Iterable[_Gradient],
    ) -> None:
        self.model, self.query, self.goal = model, query, goal
        self.network = query.network
        self.lower, self.upper = list(model.bounds[0]), list(model.bounds[1])
        self._fresh: dict[tuple[_Gradient, Fraction], tuple[int, int, int]]
        self._fresh = {}
        for normal, thresholds in planes.items():
            for threshold in thresholds:
                self._add_binary(model.program, normal, threshold)
        self._ball_cuts = {gradient: self._add_cut(gradient) for gradient in cuts}
        self.missing_cuts: list[_Gradient] = []
        self.program = model.program
        self.constraints: list[_Row] = []
        self._bound_rows: dict[tuple[int, str], int] = {}
        self._names: list[str] = []
        for j, name in enumerate(self.program.names):
            for side, sense, bounds in (
                ("lower", "G", self.program.lower),
                ("upper", "L", self.program.upper),
            ):
                bound = bounds[j]
                if bound is not None:
                    self._bound_rows[j, side] = len(self.constraints)
                    self._names.append(f"{'lb' if side == 'lower' else 'ub'}_{name}")
                    self.constraints.append(_Row({j: ONE}, "G" if sense == "G" else "L", bound))
        self._bound_count = self._first_row = len(self.constraints)
        for row in self.program.rows:
            self._names.append(row.name)
            self.constraints.append(_Row(row.terms, row.sense, row.right))
        self._model_count = len(self.constraints)
        self._lines: list[str] = []
        self._characters = 0
        # The constraints that show the current bounds; what is fixed; rows derived for a unit.
        self._shows_lower = [self._bound_rows[a, "lower"] for a in model.pre_activations]
        self._shows_upper = [self._bound_rows[a, "upper"] for a in model.pre_activations]
        self._box_lower = list(query.region.lower)
        self._box_upper = list(query.region.upper)
        self._shows_low = [self._bound_rows[x, "lower"] for x in model.inputs]
        self._shows_high = [self._bound_rows[x, "upper"] for x in model.inputs]
        self._fixed: dict[int, tuple[int, bool]] = {}
        self._caps: dict[int, tuple[Fraction, Fraction, int]] = {}
        self._cuts: list[int] = []
        self._trail: list[Callable[[], None]] = []

    # -------------------------------------------------------------- the model

    def _add_binary(self, program: Program, normal: _Gradient, threshold: Fraction) -> None:
        """A binary e with e = 0 -> normal . x <= threshold and e = 1 -> normal . x >= threshold."""
        region = self.query.region
        least = most = ZERO
        for k, g in normal:
            ends = (g * region.lower[k], g * region.upper[k])
            least, most = least + min(ends), most + max(ends)
        number = len(self._fresh)
        e = program.variable(f"e{number}", ZERO, ONE, integer=True)
        terms = {self.model.inputs[k]: g for k, g in normal}
        low = program.row(f"low{number}", terms | {e: -max(most - threshold, ZERO)}, "L", threshold)
        reach = max(threshold - least, ZERO)
        high = program.row(f"high{number}", terms | {e: -reach}, "G", threshold - reach)
        self._fresh[normal, threshold] = (e, low, high)

    def _add_cut(self, gradient: _Gradient) -> int:
        """The row g . x >= g . c - s, for the ball."""
        program = self.model.program
        terms = {self.model.inputs[k]: g for k, g in gradient}
        right = self._center_value(gradient) - self._reach(gradient)
        return program.row(f"cut{len(program.rows)}", terms, "G", right)

    def _center_value(self, gradient: _Gradient) -> Fraction:
        return sum((g * self.query.region.center[k] for k, g in gradient), ZERO)

    def _reach(self, gradient: _Gradient) -> Fraction:
        """At least the most by which g . x differs from g . c on the ball."""
        region = self.query.region
        loss = region.loss(g for _, g in gradient)
        return root_upper(loss, region.power, _ROOT_BITS)

    def _row(self, number: int) -> int:
        """The constraint of row `number` of the program."""
        return self._first_row + number

    # -------------------------------------------------------------- deriving

    def _derive(self, row: _Row, reason: str) -> int:
        index = len(self.constraints)
        self.constraints.append(row)
        line = f"C{index} {_constraint(row)} {{ {reason} }} -1"
        self._characters += len(line)
        if self._characters > MAX_CHARACTERS:
            raise UserError(f"the certificate would have more than {MAX_CHARACTERS} characters")
        self._lines.append(line)
        return index

    def _assume(self, variable: int, *, high: bool) -> int:
        row = _Row({variable: ONE}, "G" if high else "L", ONE if high else ZERO)
        return self._derive(row, "asm")

    def _combine(self, row: _Row, used: Mapping[int, Fraction]) -> int:
        """Derives `row` as a linear combination; the multipliers are for its own sense."""
        parts = [f"{i} {exact_text(q)}" for i, q in sorted(used.items()) if q]
        return self._derive(row, " ".join(["lin", str(len(parts)), *parts]))

    def _unsplit(self, row: _Row, low: tuple[int, int], high: tuple[int, int]) -> int:
        """Derives `row` from two constraints that imply it, each with the assumption it drops."""
        return self._derive(row, f"uns {low[0]} {low[1]} {high[0]} {high[1]}")

    # -------------------------------------------------------------- units

    def _cap(self, v: int) -> int:
        """The constraint that bounds z_v from above in the current branch: z_v <= a_v if it is on,
        z_v <= 0 if off, else the chord (upper - lower) z_v - upper a_v <= -upper lower."""
        low, high = self.lower[v], self.upper[v]
        known = self._caps.get(v)
        if known is not None and known[:2] == (low, high):
            return known[2]
        index = self._derive_cap(v, low, high)
        self._remember(v, (low, high, index))
        return index

    def _remember(self, v: int, cap: tuple[Fraction, Fraction, int]) -> None:
        before = self._caps.get(v)
        self._caps[v] = cap
        if before is None:
            self._trail.append(lambda: self._caps.__delitem__(v))
        else:
            self._trail.append(lambda: self._caps.__setitem__(v, before))

    def _derive_cap(self, v: int, low: Fraction, high: Fraction) -> int:
        model = self.model
        if v not in model.binaries:  # decided at the root
            return self._row(model.on[v] if low >= 0 and v in model.on else model.off[v])
        row = self._cap_row(v, low, high)
        fixed = self._fixed.get(v)
        if fixed is not None:
            return self._combine(row, self._cap_side(v, fixed[0], low, high, is_high=fixed[1]))
        if low < 0 < high and (low, high) == (model.bounds[0][v], model.bounds[1][v]):
            # The two big-M rows without their binary: -lower off + upper on.
            return self._combine(row, {self._row(model.off[v]): -low, self._row(model.on[v]): high})
        d = model.binaries[v]
        sides = []
        for is_high in (False, True):
            assumed = self._assume(d, high=is_high)
            used = self._cap_side(v, assumed, low, high, is_high=is_high)
            sides.append((self._combine(row, used), assumed))
        return self._unsplit(row, sides[0], sides[1])

    def _cap_row(self, v: int, low: Fraction, high: Fraction) -> _Row:
        a, z = self.model.pre_activations[v], self.model.outputs[v]
        if low >= 0:
            return _Row({z: ONE, a: -ONE}, "L", ZERO)
        if high <= 0:
            return _Row({z: ONE}, "L", ZERO)
        return _Row({z: high - low, a: -high}, "L", -high * low)

    def _cap_side(
        self, v: int, assumed: int, low: Fraction, high: Fraction, *, is_high: bool
    ) -> dict[int, Fraction]:
        """Multipliers (of a `<=`) that show the cap where d_v is 1 (`is_high`) or 0."""
        model = self.model
        root_low, root_high = model.bounds[0][v], model.bounds[1][v]
        # z <= 0 by off_v with d <= 0, or z - a <= 0 by on_v with d >= 1. The assumption takes the
        # binary out of the row, whatever the sign of its coefficient.
        if is_high:
            base = {self._row(model.on[v]): ONE}
            coefficient = -root_low
        else:
            base = {self._row(model.off[v]): ONE}
            coefficient = -root_high
        used: dict[int, Fraction] = {}

        def add(index: int, factor: Fraction) -> None:
            used[index] = used.get(index, ZERO) + factor

        weight = ONE if low >= 0 or high <= 0 else high - low
        for index, factor in base.items():
            add(index, factor * weight)
        self._cancel_binary(add, v, assumed, coefficient * weight, is_high)
        if low >= 0:
            if not is_high:  # z <= 0 <= lower <= a
                add(self._shows_lower[v], -ONE)
        elif high <= 0:
            if is_high:  # z <= a <= upper <= 0
                add(self._shows_upper[v], ONE)
        elif is_high:  # (u - l)(z - a) <= 0 and -l a <= -l u
            add(self._shows_upper[v], -low)
        else:  # (u - l) z <= 0 and -u a <= -u l
            add(self._shows_lower[v], -high)
        return used

    def _cancel_binary(
        self,
        add: Callable[[int, Fraction], None],
        v: int,
        assumed: int,
        coefficient: Fraction,
        is_high: bool,
    ) -> None:
        """Takes coefficient * d_v out of a `<=` row, by the assumption or by a bound of d_v."""
        d = self.model.binaries[v]
        if not coefficient:
            return
        # The row has + coefficient * d: subtract it by d >= .. (negative multiplier) if positive.
        if coefficient > 0:
            add(assumed if is_high else self._bound_rows[d, "lower"], -coefficient)
        else:
            add(self._bound_rows[d, "upper"] if is_high else assumed, -coefficient)

    # -------------------------------------------------------------- leaves

    def _use(self, total: _Sum, index: int, factor: Fraction) -> None:
        """Takes factor * constraint out of what is left."""
        if not factor:
            return
        row = self.constraints[index]
        total.used[index] = total.used.get(index, ZERO) + factor
        total.right += factor * row.right
        for j, coefficient in row.terms.items():
            value = total.rest.get(j, ZERO) - factor * coefficient
            if value:
                total.rest[j] = value
            else:
                total.rest.pop(j, None)

    def _leaf(self, leaf: Leaf | SymbolicLeaf, target: _Target, goal: Goal | None) -> int:
        """Derives the target, or an absurdity, from the rules of a leaf."""
        if isinstance(leaf, SymbolicLeaf):
            return self._symbolic_leaf(leaf, target, goal)
        if leaf.ball is not None:
            raise UserError(NO_SUMS)
        atoms: Mapping[int, Fraction] = {}
        total = _Sum({})
        if goal is None:
            total = _Sum(dict(target.terms))
        else:
            atoms = leaf.atoms or ({0: ONE} if len(goal.atoms) == 1 else {})
        return self._close(total, atoms, leaf, target, goal, symbolic=False)

    def _symbolic_leaf(self, leaf: SymbolicLeaf, target: _Target, goal: Goal | None) -> int:
        """As `symbolic.py`: all undecided units are tightened first, then the atom is bounded; the
        first step is left out where the second succeeds without it."""
        try:
            return self._close(_Sum({}), {leaf.atom: ONE}, Leaf(), target, goal, symbolic=True)
        except _LeafOpen:
            mark = len(self._trail)
            self._tighten_symbolically()
            for v, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
                if low > high:
                    index = self._contradiction(v)
                    break
            else:
                index = self._close(_Sum({}), {leaf.atom: ONE}, Leaf(), target, goal, symbolic=True)
            self._undo(mark)
            return index

    def _contradiction(self, v: int) -> int:
        gap = self.lower[v] - self.upper[v]
        if gap <= 0:
            raise UserError(f"the bounds of unit {v} do not contradict")
        used = {self._shows_lower[v]: ONE, self._shows_upper[v]: -ONE}
        return self._combine(_Row({}, "G", gap), used)

    def _close(
        self,
        total: _Sum,
        atoms: Mapping[int, Fraction],
        leaf: Leaf,
        target: _Target,
        goal: Goal | None,
        *,
        symbolic: bool,
    ) -> int:
        margin, weight = self.model.margin, ZERO
        if goal is not None:
            for number, multiplier in atoms.items():
                self._use(total, self._row(self.model.atoms[number]), multiplier)
                if goal.atoms[number].strict:
                    weight += multiplier
            if margin is not None:  # the target is -m >= 0, or an absurdity without m
                total.rest.pop(margin, None)
        for v, multiplier in leaf.bounds.items():
            shows = self._shows_lower if multiplier > 0 else self._shows_upper
            self._use(total, shows[v], multiplier)
        for number, multiplier in leaf.cuts.items():
            self._use_cut(total, self._cuts[number], multiplier)
        self._substitute(total, leaf, symbolic)
        self._bound_inputs(total, leaf, symbolic)
        if total.rest:
            raise UserError("a leaf leaves variables over: this proof cannot be exported")
        return self._finish(total, target, weight)

    def _finish(self, total: _Sum, target: _Target, weight: Fraction) -> int:
        if weight:  # -weight m >= right, and right >= 0 for a true proof
            used = {i: q / weight for i, q in total.used.items()}
            right = total.right / weight
        else:
            used, right = total.used, total.right
        is_absurd = not weight and (not target.terms or self._is_goal(target))
        if right < (target.right if not is_absurd else ZERO) or (is_absurd and right <= 0):
            raise _LeafOpen("a leaf does not close in the rules of the format")
        if is_absurd:
            return self._combine(_Row({}, "G", right), used)
        return self._state(target, used)

    def _is_goal(self, target: _Target) -> bool:
        return self.model.margin is not None and self.model.margin in target.terms

    def _state(self, target: _Target, used: Mapping[int, Fraction]) -> int:
        """Derives the target: as m <= .. where it is about the margin, else as it stands."""
        row = self._target_row(target)
        sign = ONE if row.sense == "G" else -ONE
        return self._combine(row, {i: sign * q for i, q in used.items()})

    def _target_row(self, target: _Target) -> _Row:
        if self._is_goal(target):
            return _Row({j: -q for j, q in target.terms.items()}, "L", -target.right)
        return _Row(target.terms, "G", target.right)

    def _use_cut(self, total: _Sum, index: int, multiplier: Fraction) -> None:
        # A cut is stored as a derived `<=` or `>=`; both bound the branch from its own side.
        self._use(total, index, multiplier if self.constraints[index].sense == "G" else -multiplier)

    def _substitute(self, total: _Sum, leaf: Leaf, symbolic: bool) -> None:
        """Replaces all units by what bounds them from below, last unit first, as `reference.py`."""
        model = self.model
        for v in range(self.network.units.count - 1, -1, -1):
            coefficient = total.rest.get(model.outputs[v], ZERO)
            if coefficient:
                self._relax(total, leaf, v, coefficient, symbolic)
            factor = total.rest.get(model.pre_activations[v], ZERO)
            self._use(total, self._row(model.define[v]), factor)

    def _relax(
        self, total: _Sum, leaf: Leaf, v: int, coefficient: Fraction, symbolic: bool
    ) -> None:
        low, high = self.lower[v], self.upper[v]
        above = self._row(self.model.above[v])
        if low >= 0:  # on
            self._use(total, above if coefficient > 0 else self._cap(v), coefficient)
            rest = coefficient - coefficient * leaf.slopes.get(v, ONE)
            self._use(total, self._shows_lower[v] if rest > 0 else self._shows_upper[v], rest)
            return
        zero = self._bound_rows[self.model.outputs[v], "lower"]
        if high <= 0:  # off
            self._use(total, zero if coefficient > 0 else self._cap(v), coefficient)
            return
        chord = high / (high - low)
        named = leaf.slopes.get(v)
        if named is not None:
            slope = min(named, chord) if coefficient < 0 else named  # the chord is no worse
        elif symbolic or leaf.usual:
            slope = chord if coefficient < 0 else (ONE if high >= -low else ZERO)
        else:
            slope = ZERO
        if coefficient > 0:
            self._use(total, above, coefficient * slope)
            self._use(total, zero, coefficient * (1 - slope))
            return
        # A line through (high, high) of that slope: the chord, and the rest by a_v <= high.
        self._use(total, self._cap(v), coefficient / (high - low))
        self._use(total, self._shows_upper[v], coefficient * (chord - slope))

    def _bound_inputs(self, total: _Sum, leaf: Leaf, symbolic: bool) -> None:
        if self.query.region.norm != "inf":
            shares = {
                k: total.rest.get(x, ZERO) - leaf.box.get(k, ZERO)
                for k, x in enumerate(self.model.inputs)
            }
            gradient = tuple((k, g) for k, g in shares.items() if g)
            if gradient and (not symbolic or self._ball_is_better(gradient)):
                if self.query.region.norm == "1":
                    self._bound_ball(total, shares)
                else:
                    self._use_ball_cut(total, gradient)
        for k, x in enumerate(self.model.inputs):
            coefficient = total.rest.get(x, ZERO)
            self._use(
                total, self._shows_low[k] if coefficient > 0 else self._shows_high[k], coefficient
            )

    def _ball_is_better(self, gradient: _Gradient) -> bool:
        on_box = sum(
            (g * (self._box_lower[k] if g > 0 else self._box_upper[k]) for k, g in gradient), ZERO
        )
        return self._center_value(gradient) - self._reach(gradient) > on_box

    def _use_ball_cut(self, total: _Sum, gradient: _Gradient) -> None:
        number = self._ball_cuts.get(gradient)
        if number is not None:
            self._use(total, self._row(number), ONE)
            return
        self.missing_cuts.append(gradient)
        right = self._center_value(gradient) - self._reach(gradient)
        terms = {self.model.inputs[k]: g for k, g in gradient}
        self.constraints.append(_Row(terms, "G", right))  # what is written this time is dropped
        self._use(total, len(self.constraints) - 1, ONE)

    def _bound_ball(self, total: _Sum, shares: Mapping[int, Fraction]) -> None:
        """The ball's share of the gradient g: g . (x - c) >= -max |g| * radius, by the rows
        t >= |x - c| and sum t <= radius."""
        names = {row.name: number for number, row in enumerate(self.program.rows)}
        largest = max((abs(g) for g in shares.values()), default=ZERO)
        for k, g in shares.items():
            right, left = self._row(names[f"right{k}"]), self._row(names[f"left{k}"])
            # g x >= -|g| t + g c, and t >= 0 by both rows for what is left of largest * t
            rest = (largest - abs(g)) / 2
            self._use(total, left, max(g, ZERO) + rest)
            self._use(total, right, max(-g, ZERO) + rest)
        self._use(total, self._row(names["ball"]), -largest)

    # -------------------------------------------------------------- trees

    def apply(self, step: Step) -> None:
        """Derives a lemma, or all bounds of a symbolic step, and tightens by it."""
        if isinstance(step, SymbolicStep):
            self._tighten_symbolically()
            return
        if isinstance(step, SeparableStep | SumsStep):
            raise UserError(NO_SUMS)
        if isinstance(step, MaximaStep):
            raise UserError(
                "the proof has a step about maxima in a branch: no rule of VIPR is that"
            )
        if isinstance(step, PairLemma):
            raise UserError("a proof about a family has no export: the format has no rule for it")
        a = self.model.pre_activations[step.unit]
        sign = -ONE if step.upper else ONE
        index = self.refute(step.tree, None, _Target({a: sign}, sign * step.bound))
        self._tighten(step.unit, step.upper, step.bound, index)

    def _tighten(self, v: int, upper: bool, bound: Fraction, index: int) -> None:
        values = self.upper if upper else self.lower
        shows = self._shows_upper if upper else self._shows_lower
        if (bound < values[v]) if upper else (bound > values[v]):
            shown = self._as_bound(self.model.pre_activations[v], upper, bound, index)
            self._set(values, v, bound)
            self._set(shows, v, shown)

    def _as_bound(self, variable: int, upper: bool, bound: Fraction, index: int) -> int:
        """A constraint `variable <= bound` (or >=) from one that implies it, absurd or scaled."""
        wanted = _Row({variable: ONE}, "L" if upper else "G", bound)
        row = self.constraints[index]
        if row.sense == wanted.sense and row.terms == wanted.terms:
            return index
        sign = ONE if row.sense == wanted.sense else -ONE
        return self._combine(wanted, {index: sign})

    def _set(self, values: list[Fraction] | list[int], at: int, value: Fraction | int) -> None:
        listed: list[Fraction | int] = values  # type: ignore[assignment]
        before = listed[at]
        self._trail.append(lambda: listed.__setitem__(at, before))
        listed[at] = value

    def _undo(self, mark: int) -> None:
        while len(self._trail) > mark:
            self._trail.pop()()

    def refute(self, tree: Tree, goal: Goal | None, target: _Target | None = None) -> int:
        """Derives the target of a lemma, or what refutes the goal; the index of that constraint."""
        if target is None:
            margin = self.model.margin
            target = _Target({} if margin is None else {margin: -ONE}, ZERO)
        start = len(self._trail)
        waiting: list[tuple[int, Split, int, tuple[int, int] | None]] = []
        done: int | None = None
        for node in tree:
            for step in node.steps:
                self.apply(step)
            if isinstance(node.body, UnitSplit | InputSplit | PlaneSplit):
                mark = len(self._trail)
                waiting.append((mark, node.body, self._enter(node.body, high=False), None))
                continue
            done = self._closed(node, target, goal)
            while waiting:
                mark, split, assumed, low = waiting.pop()
                self._undo(mark)
                if low is None:
                    high = self._enter(split, high=True)
                    waiting.append((mark, split, high, (done, assumed)))
                    break
                done = self._unsplit(self._joined(target, low[0], done), low, (done, assumed))
        self._undo(start)
        if done is None or waiting:
            raise UserError("the tree of a proof is not complete")
        return done

    def _joined(self, target: _Target, low: int, high: int) -> _Row:
        """What both sides show: the target, or an absurdity if both are absurd."""
        if not self.constraints[low].terms and not self.constraints[high].terms:
            return _Row({}, "G", min(self.constraints[low].right, self.constraints[high].right))
        return self._target_row(target)

    def _closed(self, node: Node, target: _Target, goal: Goal | None) -> int:
        if isinstance(node.body, Conflict):
            return self._contradiction(node.body.unit)
        if isinstance(node.body, Leaf | SymbolicLeaf):
            return self._leaf(node.body, target, goal)
        raise UserError("a split has no leaf")

    def _enter(self, split: Split, *, high: bool) -> int:
        """Assumes one side of a split; the index of the assumption."""
        if isinstance(split, UnitSplit):
            return self._enter_unit(split.unit, high=high)
        normal, threshold = _plane(split)
        e, low_row, high_row = self._fresh[normal, threshold]
        assumed = self._assume(e, high=high)
        row = self.constraints[self._row(high_row if high else low_row)]
        coefficient = row.terms.get(e, ZERO)
        terms = {j: q for j, q in row.terms.items() if j != e}
        own = self._row(high_row if high else low_row)
        # low: g x - M e <= t with e <= 0; high: g x - M e >= t - M with e >= 1.
        used = {own: ONE, assumed: -coefficient}
        side = _Row(terms, row.sense, threshold)
        shown = self._combine(side, used)
        if isinstance(split, InputSplit):
            k = split.input
            values, shows = (
                (self._box_lower, self._shows_low) if high else (self._box_upper, self._shows_high)
            )
            if (threshold > values[k]) if high else (threshold < values[k]):
                self._set(values, k, threshold)
                self._set(shows, k, shown)
        else:
            self._cuts.append(shown)
            self._trail.append(lambda: self._cuts.__delitem__(-1))
        return assumed

    def _enter_unit(self, v: int, *, high: bool) -> int:
        model = self.model
        a, z = model.pre_activations[v], model.outputs[v]
        assumed = self._assume(model.binaries[v], high=high)
        before = self._fixed.get(v)
        self._fixed[v] = (assumed, high)
        self._trail.append(
            (lambda: self._fixed.__delitem__(v))
            if before is None
            else (lambda: self._fixed.__setitem__(v, before))
        )
        total: dict[int, Fraction] = {}

        def add(index: int, factor: Fraction) -> None:
            total[index] = total.get(index, ZERO) + factor

        if high:  # -a = (z - a) - z <= 0
            add(self._row(model.on[v]), ONE)
            self._cancel_binary(add, v, assumed, -model.bounds[0][v], True)
            add(self._bound_rows[z, "lower"], -ONE)
            if self.lower[v] < 0:
                shown = self._combine(_Row({a: ONE}, "G", ZERO), {i: -q for i, q in total.items()})
                self._set(self.lower, v, ZERO)
                self._set(self._shows_lower, v, shown)
        elif self.upper[v] > 0:  # a <= z <= 0
            add(self._row(model.off[v]), ONE)
            self._cancel_binary(add, v, assumed, -model.bounds[1][v], False)
            add(self._row(model.above[v]), -ONE)
            shown = self._combine(_Row({a: ONE}, "L", ZERO), total)
            self._set(self.upper, v, ZERO)
            self._set(self._shows_upper, v, shown)
        return assumed

    def _tighten_symbolically(self) -> None:
        """Derives backward bounds of all undecided units, in exact numbers, rounded outwards."""
        for v in range(self.network.units.count):
            if not self.lower[v] < 0 < self.upper[v]:
                continue
            a = self.model.pre_activations[v]
            for upper in (False, True):
                sign = -ONE if upper else ONE
                total = _Sum({a: sign})
                self._substitute(total, Leaf(), True)
                self._bound_inputs(total, Leaf(), True)
                bound = sign * _rounded_down(total.right)
                known = self.upper[v] if upper else self.lower[v]
                if (bound < known) if upper else (bound > known):
                    row = _Row({a: ONE}, "L" if upper else "G", bound)
                    index = self._combine(row, {i: sign * q for i, q in total.used.items()})
                    self._tighten(v, upper, bound, index)

    # -------------------------------------------------------------- the file

    def text(self, last: int) -> str:
        """The certificate whose last derivation is constraint `last`."""
        if last != len(self.constraints) - 1:
            row = self.constraints[last]
            self._combine(row, {last: ONE})
        program = self.program
        margin = self.model.margin
        objective = "OBJ max\n" + (f"1 {margin} 1" if margin is not None else "0")
        lines = [
            f"% big-M program of the goal of rival {printable(self.goal.rival, 60)}",
            f"% network sha256 {self.network.digest}",
            "VER 1.0",
            f"VAR {len(program.names)}",
            *program.names,
            f"INT {len(program.integers)}",
            " ".join(map(str, program.integers)),
            objective,
            f"CON {self._model_count} {self._bound_count}",
        ]
        if not program.integers:
            lines.remove("")
        for name, row in zip(self._names, self.constraints, strict=False):
            lines.append(f"{name} {_constraint(row)}")
        lines.append("RTP infeas" if margin is None else "RTP range -inf 0")
        lines += ["SOL 0", f"DER {len(self._lines)}", *self._lines]
        return "\n".join(lines) + "\n"


def _constraint(row: _Row) -> str:
    terms = [f"{j} {exact_text(q)}" for j, q in sorted(row.terms.items()) if q]
    return " ".join([row.sense, exact_text(row.right), str(len(terms)), *terms])


def _rounded_down(value: Fraction) -> Fraction:
    """At most `value`, with about _LEMMA_BITS significant bits."""
    if not value:
        return value
    shift = _LEMMA_BITS - value.numerator.bit_length() + value.denominator.bit_length()
    scale = Fraction(2) ** shift
    scaled = value * scale
    return Fraction(scaled.numerator // scaled.denominator) / scale
