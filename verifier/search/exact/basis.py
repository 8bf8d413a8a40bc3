"""The optimum of a branch's linear program in rationals, where some of its units are still open.

For leaves that touch zero: multipliers of any number of bits lose what an exact solution keeps, and
splitting the open units one by one would come to the same in the end, much later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf
from verifier.question.query import Goal, Query
from verifier.search.exact.program import (
    LARGE,
    ONE,
    ZERO,
    Affine,
    Program,
    affine_forms,
    atom_form,
    scaled,
)


def exact_optimum(
    query: Query,
    checker: LeafChecker,
    goal: Goal,
    phases: Mapping[int, bool],
    undecided: Sequence[int],
) -> tuple[Fraction, Leaf] | None:
    """The goal's largest margin in the relaxation of this branch, which is the least of its atoms,
    and a leaf that shows that there is no larger one: it refutes the goal if the margin is
    negative, or zero and its atoms strict.

    `checker` is in the root state, where the units `undecided` are; `phases` fixes some of them.
    None on a ball of norm 2 or more, which no linear program holds, and where the program is too
    large or the basis that the solver ends in is not feasible.
    """
    opened = [v for v in undecided if v not in phases]
    if query.region.power > 1 or query.region.dimension + len(opened) > LARGE:
        return None
    pre, outputs = affine_forms(query, checker, phases, opened)
    program = Program(query, checker.box(), len(opened))
    fixed = [(v, ONE if on else -ONE) for v, on in phases.items()]
    for v, sign in fixed:
        program.add(scaled(pre[v], sign))
    scales = checker.scaled.scales[query.network.inputs :]
    bounds = {
        v: (Fraction(checker.lower(v)) / scales[v], Fraction(checker.upper(v)) / scales[v])
        for v in opened
    }
    for i, v in enumerate(opened):
        for row in _triangle(pre[v], query.network.inputs + i, *bounds[v]):
            program.add(row)
    forms = [atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    optimum = program.solver_margin(forms)
    if optimum is None:
        return None
    found = [optimum.multipliers.get(row, ZERO) for row in range(program.first_atom + len(forms))]
    first, atoms = program.first, found[program.first_atom :]
    multipliers = {v: sign * found[first + i] for i, (v, sign) in enumerate(fixed)}
    slopes: dict[int, Fraction] = {}
    first += len(fixed)
    for i, v in enumerate(opened):
        slopes[v], multipliers[v] = _slope(found[first + 5 * i : first + 5 * i + 5], *bounds[v])
    leaf = Leaf(
        atoms=dict(enumerate(atoms)),
        slopes={v: q for v, q in slopes.items() if q},
        bounds={v: q for v, q in multipliers.items() if q},
        box=program.box_shares(optimum),
    )
    return optimum.value, leaf


def _triangle(form: Affine, place: int, low: Fraction, high: Fraction) -> list[Affine]:
    """z >= 0, z >= a, z below the chord, a >= low, a <= high, for a = `form` and z = this variable,
    each as a form that is not negative."""
    gradient, constant = form
    unit = [Fraction(int(k == place)) for k in range(len(gradient))]
    chord = [high * g - (high - low) * z for g, z in zip(gradient, unit, strict=True)]
    return [
        (unit, ZERO),
        ([z - g for g, z in zip(gradient, unit, strict=True)], -constant),
        (chord, high * (constant - low)),
        (gradient, constant - low),
        ([-g for g in gradient], high - constant),
    ]


def _slope(
    multipliers: Sequence[Fraction], low: Fraction, high: Fraction
) -> tuple[Fraction, Fraction]:
    """The slope of the unit's line, and the multiplier of a's bound, that do what these multipliers
    of the triangle's rows do or better: they leave c z - f a, whose minimum over the triangle lies
    at a corner, and of the leaf's lines and bounds one pair meets it there."""
    positive, above, below, least, most = multipliers
    c = positive + above - below * (high - low)  # of z
    f = above - below * high - least + most  # of a, after z is gone
    if not c:
        return ZERO, -f
    steepest = ONE if c > 0 else high / (high - low)
    slope = min(max(f / c, ZERO), steepest)
    return slope, c * slope - f
