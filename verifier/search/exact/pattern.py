"""One activation pattern, decided exactly: the network is affine there, so it is a linear program.

For branches in which every phase is fixed and the margin is within rounding of zero: ties, empty
slivers between two units, and rivals that touch the ball in one point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf
from verifier.question.network import Network
from verifier.question.query import Goal, Query
from verifier.question.region import distance
from verifier.search.clock import tick
from verifier.search.exact.program import (
    LARGE,
    ONE,
    ZERO,
    Affine,
    Program,
    affine_forms,
    atom_form,
    dot,
    scaled,
)
from verifier.search.exact.projection import Projection, project, project_large
from verifier.search.exact.simplex import Optimum


def decide_pattern(
    query: Query, checker: LeafChecker, goal: Goal, phases: Mapping[int, bool]
) -> tuple[list[Fraction] | None, Leaf | None]:
    """A point of the pattern with the largest margin, or a leaf that should refute the goal there.

    On an L2 ball and on every open ball the point is the one nearest to the center at which the
    goal holds. `checker` is in the root state, `phases` fixes every unit that is undecided in it.
    Returns two Nones where the exact program gives up, as it may with many inputs, and on balls of
    norms above 2, where the nearest point is irrational.
    """
    if query.region.power > 2:
        return None, None
    pre, outputs = affine_forms(query, checker, phases)
    if query.region.norm == "2":
        point, leaf = _nearest(query, goal, phases, pre, outputs)
        if point is None or query.region.open or not any(atom.strict for atom in goal.atoms):
            return point, leaf
        return _beyond(query, checker, goal, phases, pre, outputs, point)
    program, names = _pattern(query, checker, phases, pre)
    forms = [atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    if query.region.open:
        return _nearest_vertex(query, program, names, forms)
    empty = program.largest_common_slack(len(names))
    if empty is None:
        return None, None
    if empty.value < 0:
        return None, _leaf(names, program, empty, {0: ZERO})
    best = program.largest_margin(empty, forms)
    if best is None:
        return None, None
    weak = [not atom.strict for atom in goal.atoms]
    if best.value == 0 and not all(weak):
        # Where weak atoms are zero, strict ones may be positive.
        best = program.largest_margin(best, forms, weak)
        if best is None:
            return None, None
    if best.value > 0 or (best.value == 0 and all(weak)):
        return best.point[: query.network.inputs], None
    atoms = {
        number: best.multipliers.get(program.first_atom + number, ZERO)
        for number in range(len(forms))
    }
    return best.point[: query.network.inputs], _leaf(names, program, best, atoms)


def _pattern(
    query: Query, checker: LeafChecker, phases: Mapping[int, bool], pre: list[Affine]
) -> tuple[Program, list[tuple[str, int, Fraction]]]:
    """The program of the pattern's points, and what its rows after the first ones are about."""
    program, names = Program(query, checker.box()), list[tuple[str, int, Fraction]]()
    for v, on in phases.items():
        tick()
        sign = ONE if on else -ONE
        program.add(scaled(pre[v], sign))
        names.append(("unit", v, sign))
    return program, names


def _beyond(
    query: Query,
    checker: LeafChecker,
    goal: Goal,
    phases: Mapping[int, bool],
    pre: list[Affine],
    outputs: list[Affine],
    point: list[Fraction],
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On a closed L2 ball, from the nearest point at which all atoms are at least zero: one where
    the strict ones are positive, or a leaf which shows that they are nowhere in the pattern."""
    region = query.region
    forms = [atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    strict = [form for form, atom in zip(forms, goal.atoms, strict=True) if atom.strict]
    if all(dot(gradient, point) + constant > 0 for gradient, constant in strict):
        return point, None
    program, names = _pattern(query, checker, phases, pre)
    start = Optimum(ZERO, [*point, ZERO], {})
    best = program.largest_margin(start, forms, [not atom.strict for atom in goal.atoms])
    if best is None:
        return None, None
    if best.value <= 0:
        atoms = {
            number: best.multipliers.get(program.first_atom + number, ZERO)
            for number in range(len(forms))
        }
        return None, _leaf(names, program, best, atoms)
    # A little of the way there, for the point at which it is greatest may lie outside of the ball.
    part = ONE
    while distance("2", point, region.center) < region.size:
        moved = [x + part * (q - x) for x, q in zip(point, best.point, strict=False)]
        if distance("2", moved, region.center) <= region.size:
            return moved, None
        part /= 2
    return None, None


def _nearest_vertex(
    query: Query, program: Program, names: list[tuple[str, int, Fraction]], forms: list[Affine]
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On an open ball of norm inf or 1: the nearest point of the pattern at which the atoms hold,
    or the multipliers that show that there is none inside."""
    for form in forms:
        program.add(form)
    program.first_atom = program.first + len(names)
    best = program.nearest_point()
    if best is None:
        best = program.largest_common_slack(len(names) + len(forms))
        if best is not None and best.value == 0:
            best = program.nearest_point(best)
    if best is None:
        return None, None
    if -best.value < query.region.size and best.point[-1] == 0:
        return best.point[: program.n], None
    atoms = {k: best.multipliers.get(program.first_atom + k, ZERO) for k in range(len(forms))}
    return None, _leaf(names, program, best, atoms)


def _nearest(
    query: Query,
    goal: Goal,
    phases: Mapping[int, bool],
    pre: list[Affine],
    outputs: list[Affine],
) -> tuple[list[Fraction] | None, Leaf | None]:
    """On an L2 ball: the point of the pattern nearest to the center at which the atoms hold, or the
    multipliers that show it to be empty or too far."""
    region = query.region
    units = list(phases)
    forms = [scaled(pre[v], ONE if phases[v] else -ONE) for v in units]
    forms += [atom_form(goal, number, outputs) for number in range(len(goal.atoms))]
    rows = [form[0] for form in forms]
    offsets = [-form[1] for form in forms]
    if region.clipped:
        for k in range(region.dimension):
            unit = [Fraction(int(j == k)) for j in range(region.dimension)]
            rows += [unit, [-q for q in unit]]
            offsets += [region.lower[k], -region.upper[k]]
    exactly = region.dimension <= LARGE and len(rows) <= LARGE
    found = (project if exactly else project_large)(region.center, rows, offsets)
    if found is None:
        return None, None
    if isinstance(found, Projection) and found.squared_distance <= region.size:
        strict = {
            k: dot(gradient, found.point) + constant
            for k, (gradient, constant) in enumerate(forms[len(units) :])
            if goal.atoms[k].strict
        }
        holds = not region.open and all(value > 0 for value in strict.values())
        if found.squared_distance < region.size or holds:
            return found.point, None
        if not region.size and strict:  # a ball of one point, where a strict atom is not positive
            worst = min(strict, key=strict.__getitem__)
            return None, Leaf(atoms={k: Fraction(k == worst) for k in range(len(goal.atoms))})
    first = len(units)
    bounds = {
        v: (ONE if phases[v] else -ONE) * found.multipliers[i]
        for i, v in enumerate(units)
        if i in found.multipliers
    }
    atoms = {k: found.multipliers.get(first + k, ZERO) for k in range(len(goal.atoms))}
    clip: dict[int, Fraction] = {}
    for i, multiplier in found.multipliers.items():
        k, side = divmod(i - first - len(goal.atoms), 2)
        if k >= 0:
            clip[k] = clip.get(k, ZERO) + (multiplier if side == 0 else -multiplier)
    # The box bears what its own rows bear: the final gradient is minus the others' sum.
    return None, Leaf(atoms=atoms, bounds=bounds, box=clip)


def _leaf(
    names: list[tuple[str, int, Fraction]],
    program: Program,
    optimum: Optimum,
    atoms: dict[int, Fraction],
) -> Leaf:
    bounds = {
        v: sign * optimum.multipliers[program.first + i]
        for i, (_, v, sign) in enumerate(names)
        if optimum.multipliers.get(program.first + i)
    }
    return Leaf(atoms=atoms, bounds=bounds, box=program.box_shares(optimum))


def pre_activations(network: Network, point: Sequence[Fraction]) -> list[Fraction]:
    """Every a_v at the point, exactly."""
    values, found = list(point), list[Fraction]()
    for v in range(network.units.count):
        tick()
        weights, constant = network.units.fractions(v)
        found.append(constant + sum((w * values[j] for j, w in weights.items()), ZERO))
        values.append(max(found[-1], ZERO))
    return found
