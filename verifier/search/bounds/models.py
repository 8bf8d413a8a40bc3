"""Exact programs in the floats of solvers: for HiGHS, and through PuLP for all that it knows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verifier.program.rows import Program
from verifier.search.bounds.floats import to_float

INFINITY = float("inf")


def _bound(value: Fraction | None, absent: float) -> float:
    return absent if value is None else to_float(value)


def to_highs(program: Program) -> Any:
    """The program as a highspy.HighsLp, which minimises minus the objective."""
    import highspy

    model = highspy.HighsLp()
    width, rows = len(program.names), program.rows
    model.num_col_, model.num_row_ = width, len(rows)
    model.col_lower_ = np.array([_bound(q, -INFINITY) for q in program.lower])
    model.col_upper_ = np.array([_bound(q, INFINITY) for q in program.upper])
    cost = np.zeros(width)
    for j, q in program.objective.items():
        cost[j] = -to_float(q)
    model.col_cost_ = cost
    right = np.array([to_float(row.right) for row in rows])
    senses = np.array([row.sense for row in rows])
    model.row_lower_ = np.where(senses == "L", -INFINITY, right)
    model.row_upper_ = np.where(senses == "G", INFINITY, right)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(row.terms) for row in rows)])
    model.a_matrix_.index_ = np.array([j for row in rows for j in row.terms], dtype=int)
    model.a_matrix_.value_ = np.array([to_float(q) for row in rows for q in row.terms.values()])
    kinds = [highspy.HighsVarType.kContinuous] * width
    for j in program.integers:
        kinds[j] = highspy.HighsVarType.kInteger
    model.integrality_ = kinds
    return model


def to_pulp(program: Program) -> Any:
    """The program as a pulp.LpProblem, for any solver that PuLP knows."""
    import pulp

    model = pulp.LpProblem("goal", pulp.LpMaximize)
    integers = set(program.integers)
    # Since PuLP 4 a program makes its variables, before it took those that it was given.
    variable = getattr(model, "add_variable", pulp.LpVariable)
    columns = [
        variable(
            name,
            None if low is None else to_float(low),
            None if high is None else to_float(high),
            pulp.LpInteger if j in integers else pulp.LpContinuous,
        )
        for j, (name, low, high) in enumerate(
            zip(program.names, program.lower, program.upper, strict=True)
        )
    ]
    model += pulp.lpSum(to_float(q) * columns[j] for j, q in program.objective.items())
    for row in program.rows:
        left = pulp.lpSum(to_float(q) * columns[j] for j, q in row.terms.items())
        right = to_float(row.right)
        if row.sense == "E":
            model += left == right, row.name
        elif row.sense == "L":
            model += left <= right, row.name
        else:
            model += left >= right, row.name
    return model
