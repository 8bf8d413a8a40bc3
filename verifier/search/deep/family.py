"""Proofs about a whole family, lifted from a proof about one of its members.

At the last parameter, mostly half the separation, all that holds for every smaller one is tight,
and D is zero: a proof about that ball alone names the units that matter, how to split them, and
the slopes. The same trees are then read at both ends of the interval: each lemma gets the two
values that its own leaves reach, and the goals are tried. Lemmas of several members add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np

from verifier.checker.family import (
    End,
    FamilyChecker,
    Mark,
    at_end,
    family_roots,
    family_scaled,
)
from verifier.checker.intervals import chunks, interval_bounds
from verifier.checker.ridge import short
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
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
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network, Rows, integers
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import sqrt_upper
from verifier.question.region import ball
from verifier.search.clock import LateError, check_time
from verifier.search.deep.propagation import Propagation

TINY = Fraction(1, 1 << 60)
SHARES = tuple(Fraction(*pair) for pair in ((1023, 1024), (1, 2), (1, 16), (1, 256), (15, 16)))


def slice_network(network: Network, parameter: Fraction) -> Network:
    """G(., m) for this m: the same units, without the last input."""
    last = network.inputs - 1
    return Network(
        last,
        network.layers,
        _slice(network.units, last, parameter),
        _slice(network.outputs, last, parameter),
    )


def _slice(rows: Rows, last: int, parameter: Fraction) -> Rows:
    """The rows with variable `last` put in, all over the denominator of `parameter` besides."""
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts))
    at_last = rows.indices == last
    top, bottom = parameter.numerator, parameter.denominator
    constants = [bottom * c for c in rows.constants.tolist()]
    for row, weight in zip(owner[at_last].tolist(), rows.numerators[at_last].tolist(), strict=True):
        constants[row] += weight * top
    kept = ~at_last
    counts = np.bincount(owner[kept], minlength=rows.count)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    indices = rows.indices[kept]
    return Rows(
        starts,
        indices - (indices > last),
        integers([bottom * n for n in rows.numerators[kept].tolist()]),
        integers(constants),
        integers([bottom * d for d in rows.denominators.tolist()]),
    )


def slice_goals(goals: Sequence[Goal], last: int, parameter: Fraction) -> tuple[Goal, ...]:
    """The goals about G(., m)."""
    found = []
    for goal in goals:
        atoms = []
        for atom in goal.atoms:
            share = dict(atom.inputs).get(last, Fraction(0)) * parameter
            rest = tuple((k, q) for k, q in atom.inputs if k != last)
            atoms.append(Atom(rest, atom.outputs, atom.constant + share, atom.strict))
        found.append(Goal(tuple(atoms), goal.rival))
    return tuple(found)


class FamilySearch:
    """Looks for proofs about many balls of one family."""

    def __init__(self, queries: Sequence[FamilyQuery]) -> None:
        self.queries = list(queries)
        self.network = self.queries[0].network
        self.scaled = family_scaled(self.network, self.queries)
        self._slices: dict[Fraction, Network] = {}

    def run(self, timeout: float | None = None) -> list[Robust | None]:
        """A proof for each query, None where none was found, in so many seconds a query."""
        found: list[Robust | None] = []
        for chunk in chunks(self.scaled, len(self.queries), columns=2):
            part = self.queries[chunk]
            roots = family_roots(self.scaled, part)
            for query, pair in zip(part, roots, strict=True):
                checker = FamilyChecker(query, self.scaled, pair)
                deadline = None if timeout is None else monotonic() + timeout
                try:
                    found.append(self._prove(query, checker, deadline))
                except LateError:
                    found.append(None)
        return found

    def _prove(
        self, query: FamilyQuery, checker: FamilyChecker, deadline: float | None
    ) -> Robust | None:
        direct = _goals(checker, [(Node((), Leaf()),)] * len(query.goals))
        if direct is not None:
            return Robust((), direct)
        first, last = query.cone.first, query.cone.last
        steps: list[Step] = []
        if checker.tighten_maxima():
            steps.append(MaximaStep())
            direct = _goals(checker, [(Node((), Leaf()),)] * len(query.goals))
            if direct is not None:
                return Robust(tuple(steps), direct)
        trees: list[Tree | None] = [None] * len(query.goals)
        tried: list[tuple[Tree, ...]] = []
        for share in SHARES:
            found, proposed = self._lifted(query, checker, first + share * (last - first), deadline)
            steps += found
            tried.append(proposed)
            for number, goal in enumerate(query.goals):
                for each in tried:
                    if trees[number] is None and each and _holds(checker, each[number], goal):
                        trees[number] = each[number]
            if all(tree is not None for tree in trees):
                return Robust(tuple(steps), tuple(tree for tree in trees if tree is not None))
        return None

    def _lifted(
        self,
        query: FamilyQuery,
        checker: FamilyChecker,
        parameter: Fraction,
        deadline: float | None,
    ) -> tuple[tuple[Step, ...], tuple[Tree, ...]]:
        check_time(deadline)
        if parameter not in self._slices:
            self._slices[parameter] = slice_network(self.network, parameter)
        cone, network = query.cone, self._slices[parameter]
        if cone.norm == "2":
            region = ball("2", cone.center, radius_squared=parameter**2 * cone.unit)
        else:
            region = ball(cone.norm, cone.center, parameter * cone.unit)
        goals = slice_goals(query.goals, network.inputs, parameter)
        asked = Query(network, region, goals)
        scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
        root = interval_bounds(scaled, [region])[0]
        tries = TreeChecker(asked, scaled, root)
        propagation = Propagation(tries, deadline, sums=False, maxima=False)
        propagation.run()
        lifting = Lifting(checker)
        steps = lifting.steps(propagation.steps)
        if any(tree is None for tree in propagation.trees):
            return steps, ()
        trees = zip(propagation.trees, query.goals, strict=True)
        return steps, tuple(lifting.tree(tree, goal) for tree, goal in trees if tree is not None)


def _goals(checker: FamilyChecker, trees: Sequence[Tree]) -> tuple[Tree, ...] | None:
    for goal, tree in zip(checker.query.goals, trees, strict=True):
        if len(goal.atoms) != 1 or not _holds(checker, tree, goal):
            return None
    return tuple(trees)


def _holds(checker: FamilyChecker, tree: Tree, goal: Goal | PairLemma) -> bool:
    before = checker.mark()
    try:
        checker.refute(tree, goal)
    except RefusedError:
        checker.undo(before)
        return False
    return True


@dataclass(slots=True)
class Lifting:
    """Reads the steps of an ordinary proof about one slice as steps about the whole interval."""

    checker: FamilyChecker

    def steps(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Lemmas with the values that their leaves reach at both ends; others are left out."""
        found: list[Step] = []
        for step in steps:
            if isinstance(step, Lemma):
                lemma = self._lemma(step)
                if lemma is not None:
                    self.checker.assume(lemma)
                    found.append(lemma)
        return tuple(found)

    def _lemma(self, lemma: Lemma) -> PairLemma | None:
        target = PairLemma(lemma.unit, lemma.upper, (Fraction(0), Fraction(0)), ())
        reached: list[tuple[Fraction, Fraction]] = []
        tree = self.tree(lemma.tree, target, reached)
        if not reached:
            return None  # all branches are empty: that happens where the slice is
        sign = -1 if lemma.upper else 1
        least = [short(min(values), upper=False) for values in zip(*reached, strict=True)]
        if self.checker.query.cone.norm == "2":  # roots were rounded: zero may be reached exactly
            zero = [Fraction(0) if -TINY < value < 0 else value for value in least]
            found = PairLemma(lemma.unit, lemma.upper, (sign * zero[0], sign * zero[1]), tree)
            if zero != least and _holds(self.checker, tree, found):
                return found
        return PairLemma(lemma.unit, lemma.upper, (sign * least[0], sign * least[1]), tree)

    def tree(
        self,
        tree: Tree,
        target: Goal | PairLemma,
        reached: list[tuple[Fraction, Fraction]] | None = None,
    ) -> Tree:
        """The tree with its lemmas lifted; what its leaves reach is added to `reached`."""
        checker = self.checker
        start = checker.mark()
        nodes: list[Node] = []
        waiting: list[tuple[Mark, UnitSplit | InputSplit | PlaneSplit]] = []
        for node in tree:
            body = node.body
            nodes.append(Node(self.steps(node.steps), body))
            if isinstance(body, UnitSplit | InputSplit | PlaneSplit):
                waiting.append((checker.mark(), body))
                checker.restrict(body, high=False)
                continue
            if isinstance(body, Leaf) and reached is not None:
                first, last = (
                    lowest(end, body, at_end(target, number))
                    for number, end in enumerate(checker.ends)
                )
                reached.append((first, last))
            elif isinstance(body, Conflict) and not all(
                end.lower(body.unit) > end.upper(body.unit) for end in checker.ends
            ):
                nodes[-1] = Node(nodes[-1].steps, Leaf())
                if reached is not None:
                    first, last = (
                        lowest(end, Leaf(), at_end(target, number))
                        for number, end in enumerate(checker.ends)
                    )
                    reached.append((first, last))
            if waiting:
                mark, split = waiting.pop()
                checker.undo(mark)
                checker.restrict(split, high=True)
        checker.undo(start)
        return tuple(nodes)


def lowest(end: End, leaf: Leaf, target: Goal | Lemma) -> Fraction:
    """The bound that the leaf gives of its form at this end, for p = 2 a little below it."""
    form = end.form(leaf, target)
    size, region = end.scaled.denominator, end.region
    constant = Fraction(form.constant)
    gradient: dict[int, Fraction] = {}
    for k, coefficient in form.z.items():
        if region.norm == "inf":
            side = end.input_bounds(k)[0 if coefficient > 0 else 1]
            constant += coefficient * side
        elif coefficient:
            gradient[k] = Fraction(coefficient) * size
            constant += gradient[k] * region.center[k]
    if gradient and region.norm == "1":
        constant -= region.size * max(map(abs, gradient.values()))
    elif gradient:
        constant -= sqrt_upper(region.size * sum(g * g for g in gradient.values()), 80)
    return constant / form.denominator
