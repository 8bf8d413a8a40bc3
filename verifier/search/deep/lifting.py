"""Steps and trees of an ordinary proof about one slice, read as ones about the whole interval.

Splits and slopes stay as they are; each lemma gets the two values that its own leaves reach at the
ends of the interval. What does not carry over is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.checker.family import End, FamilyChecker, Mark, at_end
from verifier.checker.ridge import short
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PairLemma,
    PlaneSplit,
    Step,
    SumsStep,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.query import Goal
from verifier.question.rational import sqrt_upper
from verifier.question.region import power, root_upper
from verifier.search.deep.simplest import shortened

THIRDS = 80  # of an interval of multipliers, one after another
TINY, ZERO = Fraction(1, 1 << 60), Fraction(0)


def holds(checker: FamilyChecker, tree: Tree, goal: Goal | PairLemma) -> bool:
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
        """Lemmas with the values that their leaves reach at both ends, maxima, and final sums;
        other steps are left out."""
        found: list[Step] = []
        for step in steps:
            if isinstance(step, MaximaStep):
                self.checker.tighten_maxima()
                found.append(step)
            if isinstance(step, SumsStep) and self.checker.tighten_sums(step):
                found.append(step)
            if isinstance(step, Lemma):
                lemma = self._lemma(step)
                if lemma is not None:
                    self.checker.assume(lemma)
                    found.append(lemma)
        return tuple(found)

    def lemmas(self, lemmas: Sequence[Lemma]) -> list[PairLemma]:
        """The same of lemmas alone, none of which is applied."""
        return [found for lemma in lemmas if (found := self._lemma(lemma)) is not None]

    def _lemma(self, lemma: Lemma) -> PairLemma | None:
        target = PairLemma(lemma.unit, lemma.upper, (Fraction(0), Fraction(0)), ())
        reached: list[tuple[Fraction, Fraction]] = []
        tree = self.tree(lemma.tree, target, reached)
        if not reached:
            return None  # all branches are empty: that happens where the slice is
        sign = -1 if lemma.upper else 1
        if lemma.upper and not lemma.bound and min(min(values) for values in reached) < 0:
            off = self._off(lemma)
            if off is not None:
                return off
        least = [short(min(values), upper=False) for values in zip(*reached, strict=True)]
        if power(self.checker.query.cone.norm) > 1:
            # Roots were rounded: zero may be reached exactly.
            zero = [Fraction(0) if -TINY < value < 0 else value for value in least]
            found = PairLemma(lemma.unit, lemma.upper, (sign * zero[0], sign * zero[1]), tree)
            if zero != least and holds(self.checker, tree, found):
                return found
        return PairLemma(lemma.unit, lemma.upper, (sign * least[0], sign * least[1]), tree)

    def _off(self, lemma: Lemma) -> PairLemma | None:
        """That the unit is off for all m, by another multiplier of the ball than that of the slice:
        the larger of both bounds is convex in it, so it is narrowed down by thirds. At the best one
        nothing may be left to spare, and mostly it is a short number."""
        (body,) = (node.body for node in lemma.tree[:1])
        if len(lemma.tree) > 1 or not isinstance(body, Leaf) or not body.ball:
            return None

        def margin(multiplier: float) -> float:
            leaf = replace(body, ball=Fraction(multiplier))
            return float(min(lowest(end, leaf, lemma) for end in self.checker.ends))

        low, high = float(body.ball) / 2, float(body.ball) * 2
        for _ in range(THIRDS):
            third = (high - low) / 3
            if margin(low + third) < margin(high - third):
                low += third
            else:
                high -= third
        for multiplier in shortened((low + high) / 2):
            tree: Tree = (Node((), replace(body, ball=multiplier)),)
            found = PairLemma(lemma.unit, True, (ZERO, ZERO), tree)
            if holds(self.checker, tree, found):
                return found
        return None

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
    if leaf.ball is not None:
        least = end.least(form, leaf)
        return ZERO if least is None else least  # None: the branch is empty
    size, region = end.scaled.denominator, end.region
    constant = Fraction(form.constant)
    if region.norm == "inf":
        for k, coefficient in form.z.items():
            constant += coefficient * end.input_bounds(k)[0 if coefficient > 0 else 1]
        return constant / form.denominator
    gradient = [c for c in form.z.values() if c]
    if gradient:
        center, below = end.scaled_center
        constant += Fraction(sum(c * center[k] for k, c in form.z.items())) / below
        if region.norm == "1":
            constant -= region.size * size * max(map(abs, gradient))
        elif region.norm == "2":
            constant -= sqrt_upper(region.size * size**2 * sum(c * c for c in gradient), 80)
        else:
            factor = Fraction(size, form.denominator)
            loss = region.loss(c * factor for c in gradient)
            constant -= form.denominator * root_upper(loss, region.power, 80)
    return constant / form.denominator
