"""Steps about sums of ridge functions as lemmas, each of one leaf with a multiplier of the ball."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from verifier.checker.family import FamilyChecker
from verifier.checker.leaf import Form, LeafChecker
from verifier.checker.ridge import univariate_of
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Leaf, Lemma, Node, PairLemma, SumsStep, Weight
from verifier.question.region import root_upper

ZERO, ONE = Fraction(0), Fraction(1)
TERMS = 8  # that are looked at one after another, and sums that they may read


def sums_read(scaled: ScaledNetwork, unit: int) -> list[int]:
    """The sums that the unit reads, directly or not."""
    lines, inputs = univariate_of(scaled).lines, scaled.network.inputs
    found: set[int] = set()
    waiting = [unit]
    while waiting:
        for j in scaled.row(waiting.pop())[0]:
            if lines.item(j) < 0 and j >= inputs and j - inputs not in found:
                found.add(j - inputs)
                waiting.append(j - inputs)
    return sorted(found)


def weighted(
    scaled: ScaledNetwork, norm: str, form: Form, leaf: Leaf, *, zeros: bool = True
) -> Leaf:
    """The leaf with the weights that the checker derives for the directions of this form, in a
    step about sums without those whose function is zero everywhere; if there are none, with a
    weight 0, which says as much: the kernel takes a form that cancels as one of directions."""
    univariate = univariate_of(scaled)
    found = [profile for profile, _ in univariate.profiles_of(form.z.items())]
    if not zeros:
        functions = univariate.profiles
        found = [p for p in found if any(functions[p].values) or any(functions[p].slopes)]
    lines = tuple(univariate.line_of_profile[profile] for profile in found)
    weights = []
    for line, share in zip(lines, univariate.ball_weights(lines, norm), strict=True):
        direction = univariate.directions[line]
        scale = None
        if norm == "2":  # as `ball_weights` has it
            scale = 1 / root_upper(sum((g * g for _, g in direction), ZERO))
        weights.append(Weight(direction, share, scale))
    if not weights and (form.z or leaf.bounds):
        weights.append(Weight(univariate.directions[0], ZERO, ONE if norm == "2" else None))
    return replace(leaf, weights=tuple(sorted(weights, key=lambda weight: weight.direction)))


def lemmas_below(checker: LeafChecker, unit: int) -> list[Lemma]:
    """That the sums that the unit reads are not negative, as far as the branch does not say so; the
    branch has these bounds afterwards. With them the unit is a sum of ridge functions in every leaf
    with a multiplier of the ball."""
    lemmas: list[Lemma] = []
    for v in sums_read(checker.scaled, unit):
        if checker.lower(v) < 0:
            lemmas.append(_not_negative(checker, v))
            checker.assume(lemmas[-1])
    return lemmas


def _not_negative(checker: LeafChecker, v: int) -> Lemma:
    """That a sum is not negative, all sums that it reads being bounded before it: where lower
    bounds of a few of these are enough, by them, with what it is then at least. So sums that are
    added up one term after another take as long as their last terms, not as long as all."""
    read, leaf = [v], Leaf(ball=ZERO)
    for _ in range(TERMS):
        read = [u for w in read for u in _sums_in_row(checker.scaled, w)]
        if not 0 < len(read) <= TERMS:
            break
        short = replace(leaf, slopes=dict.fromkeys(sorted(read), ZERO))
        least = checker.least(checker.form(short, Lemma(v, False, ZERO, ())), short)
        if least is not None and least >= 0:
            return Lemma(v, False, least, (Node((), short),))
    return Lemma(v, False, ZERO, (Node((), leaf),))


def _sums_in_row(scaled: ScaledNetwork, unit: int) -> list[int]:
    """The sums that the unit reads itself."""
    lines, inputs = univariate_of(scaled).lines, scaled.network.inputs
    return [j - inputs for j in scaled.plain_row(unit)[0] if j >= inputs and lines.item(j) < 0]


def sums_of_family(checker: FamilyChecker, step: SumsStep) -> list[PairLemma]:
    """The step as lemmas about a family; the branch has the bounds of the step afterwards."""
    before = checker.mark()
    changes = checker.tighten_sums(step)
    checker.undo(before)
    lemmas: list[PairLemma] = []
    for unit, upper, multiplier, values in changes:
        for v in sums_read(checker.scaled, unit):
            if not checker.on(v):
                lemmas.append(PairLemma(v, False, (ZERO, ZERO), (Node((), Leaf(ball=ZERO)),)))
                checker.assume(lemmas[-1])
        scale = checker.scaled.scales[checker.inputs + unit]
        first, last = (Fraction(value) / scale for value in values)
        leaf, end = Leaf(ball=multiplier), checker.ends[0]
        if multiplier:
            form = end.form(leaf, Lemma(unit, upper, first, ()))
            leaf = weighted(checker.scaled, end.region.norm, form, leaf, zeros=False)
        lemmas.append(PairLemma(unit, upper, (first, last), (Node((), leaf),)))
        checker.assume(lemmas[-1])
    return lemmas


def sums_spelled_out(checker: LeafChecker, step: SumsStep) -> list[Lemma]:
    """The step as lemmas; the branch has the bounds of the step afterwards."""
    before = checker.mark()
    changes = checker.tighten_sums(step)
    checker.undo(before)
    lemmas: list[Lemma] = []
    for unit, upper, multiplier, value in changes:
        lemmas += lemmas_below(checker, unit)
        bound = Fraction(value) / checker.scaled.scales[checker.inputs + unit]
        leaf = Leaf(ball=multiplier)
        if multiplier:
            form = checker.form(leaf, Lemma(unit, upper, bound, ()))
            leaf = weighted(checker.scaled, checker.region.norm, form, leaf, zeros=False)
        lemmas.append(Lemma(unit, upper, bound, (Node((), leaf),)))
        checker.assume(lemmas[-1])
    return lemmas
