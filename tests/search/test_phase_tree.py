"""The tree over unit phases: leaves that hold in every branch that they name, and formulas."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Flip, Robust, UnitSplit
from verifier.question.build import chain_from_floats
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.bounds.floats import FloatNetwork, float_vector, to_float
from verifier.search.bounds.relaxation import Relaxation
from verifier.search.options import Options
from verifier.tasks.verify import verify

Clause = tuple[tuple[int, bool], ...]  # literals: a variable, and the value that makes it true


def decision_tree(random: np.random.Generator, variables: int, leaves: int) -> list[Clause]:
    """A clause for each leaf of a random decision tree, false exactly at its leaf: every assignment
    makes all of them but one true."""
    paths: list[Clause] = [()]
    while len(paths) < leaves:
        path = paths.pop(int(random.integers(len(paths))))
        unused = sorted(set(range(variables)) - {k for k, _ in path})
        k = int(random.choice(unused))
        paths += [(*path, (k, False)), (*path, (k, True))]
    return paths


def formula_query(clauses: list[Clause], variables: int) -> Query:
    """Its flips are the assignments that make all clauses true: a unit 1 - (sum of true literals)
    for each clause must vanish, and so must x - max(2 x - 1, 0) for each variable on [0, 1]."""
    rows, constants = [], []
    for clause in clauses:
        row = np.zeros(variables)
        for k, value in clause:
            row[k] = -1 if value else 1
        rows.append(row)
        constants.append(1 - sum(not value for _, value in clause))
    weights = np.vstack([*rows, 2 * np.eye(variables)])
    bias = np.array(constants + [-1] * variables, dtype=float)
    outputs = np.zeros((2, len(weights)))
    outputs[0, : len(clauses)] = 1
    outputs[1, len(clauses) :] = 1
    network = chain_from_floats([weights, outputs], [bias, np.zeros(2)])
    clauses_true = Atom((), ((0, F(-1)),), F(0), False)
    whole = Atom(tuple((k, F(-1)) for k in range(variables)), ((1, F(1)),), F(0), False)
    region = box([F(0)] * variables, [F(1)] * variables)
    return Query(network, region, (Goal((clauses_true, whole), "assignment"),))


@pytest.mark.parametrize("seed", range(3))
def test_formulas_of_decision_trees_are_refuted_along_the_tree(seed: int) -> None:
    clauses = decision_tree(np.random.default_rng(seed), 15, 40)
    outcome = verify(formula_query(clauses, 15), Options(nodes=2 * len(clauses)))
    assert isinstance(outcome.verdict, Robust)


@pytest.mark.parametrize("seed", range(3))
def test_without_one_of_the_clauses_an_assignment_is_found(seed: int) -> None:
    clauses = decision_tree(np.random.default_rng(seed), 15, 40)
    missing = clauses.pop(seed)
    outcome = verify(formula_query(clauses, 15), Options(nodes=4 * len(clauses)))
    assert isinstance(outcome.verdict, Flip)
    assert all(outcome.verdict.point[k] != value for k, value in missing)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_a_leaf_closes_wherever_its_phases_are_fixed(norm: str) -> None:
    """With the phases that it names, with all of its branch, and with others beside them."""
    random = np.random.default_rng(5)
    seen = 0
    for _ in range(20):
        shapes = [(6, 3), (5, 6), (2, 5)]
        network = chain_from_floats(
            [random.normal(size=shape) for shape in shapes],
            [random.normal(size=rows) for rows, _ in shapes],
        )
        region = box([-1] * 3, [1] * 3) if norm == "inf" else ball(norm, [0] * 3, F(1))
        goal = Goal((Atom((), ((0, F(1)), (1, F(-1))), F(0), False),), "other")
        query = Query(network, region, (goal,))
        scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
        checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
        scales = scaled.scales[network.inputs :]
        lower, upper = (
            np.array([to_float(F(bound(v)) / scales[v]) for v in range(11)])
            for bound in (checker.lower, checker.upper)
        )
        sides = tuple(float_vector(side) for side in checker.box())
        relaxation = Relaxation(query, FloatNetwork(network), 0, lower, upper, sides)
        units = relaxation.undecided
        for _ in range(20):
            phases = random.choice(np.array([-1, 0, 1], dtype=np.int8), size=len(units))
            leaf = relaxation.at(phases).solve().leaf
            if not leaf.sure:
                continue
            seen += 1
            others = random.choice(np.array([-1, 0, 1], dtype=np.int8), size=len(units))
            for fixed in (leaf.used, phases, np.where(leaf.used != 0, leaf.used, others)):
                mark = checker.mark()
                for v, phase in zip(units.tolist(), fixed.tolist(), strict=True):
                    if phase:
                        checker.restrict(UnitSplit(v), high=phase > 0)
                assert checker.closes(leaf.rounded(units, fixed, 30), goal)
                checker.undo(mark)
    assert seen > 40
