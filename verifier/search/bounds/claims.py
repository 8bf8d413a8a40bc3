"""What solvers say, apart from the libraries that run them, which take long to import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from verifier.question.errors import UserError

Float = NDArray[np.float64]
PULP_NAMES = {
    "cbc": "PULP_CBC_CMD",
    "scip": "SCIP_CMD",
    "gurobi": "GUROBI",
    "cplex": "CPLEX_PY",
    "glpk": "GLPK_CMD",
}
MIP_SOLVERS = ("highs", *PULP_NAMES)


class SolverError(RuntimeError):
    """The solver answered with a status that no rule expects."""


class Claim(Enum):
    """What a mixed-integer solver says, in its own floating point."""

    OPTIMAL = "it says that it has an optimum"
    INFEASIBLE = "it says that nothing is feasible"
    STOPPED = "it stopped before it knew"


@dataclass(frozen=True, slots=True)
class Guess:
    """columns: the best point found, None if there is none."""

    claim: Claim
    columns: Float | None


def solver_of(engine: str) -> str | None:
    """None for "exact", the solver's name for "milp:NAME"; UserError for anything else."""
    if engine == "exact":
        return None
    kind, _, name = engine.partition(":")
    if kind != "milp" or name not in MIP_SOLVERS:
        known = ", ".join(f"milp:{solver}" for solver in MIP_SOLVERS)
        raise UserError(f"engine {engine!r} is not one of exact, {known}")
    return name
