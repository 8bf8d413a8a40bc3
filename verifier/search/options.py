"""How the search may look, and what comes out of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from numbers import Integral, Real

from verifier.evidence.certificate import Verdict
from verifier.question.errors import UserError

PULP_NAMES = {  # the classes of PuLP that run a solver, the first that is there is taken
    "cbc": ("PULP_CBC_CMD", "COIN_CMD"),
    "scip": ("SCIP_PY", "SCIP_CMD", "FSCIP_CMD"),
    "gurobi": ("GUROBI", "GUROBI_CMD"),
    "cplex": ("CPLEX_PY", "CPLEX_CMD"),
    "glpk": ("GLPK_CMD", "PYGLPK"),
    "xpress": ("XPRESS_PY", "XPRESS"),
    "mosek": ("MOSEK",),
    "copt": ("COPT", "COPT_CMD"),
}
_KINDS: dict[str, tuple[type, str]] = {
    "timeout": (Real, "a number of seconds"),
    "nodes": (Integral, "an integer"),
    "engine": (str, "the name of an engine"),
    "seed": (Integral, "an integer"),
    "thorough": (bool, "True or False"),
    "jobs": (Integral, "an integer"),
}
MEMORY_LIMIT = "memory limit"  # why a query is undecided that wants more than there is
MIP_SOLVERS = ("highs", *PULP_NAMES)


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def solver_of(engine: str) -> str | None:
    """None for "exact", the solver's name for "milp:NAME"; UserError for anything else."""
    if engine == "exact":
        return None
    kind, _, name = engine.partition(":")
    if kind != "milp" or name not in MIP_SOLVERS:
        known = ", ".join(f"milp:{solver}" for solver in MIP_SOLVERS)
        raise UserError(f"engine {engine!r} is not one of exact, {known}")
    return name


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how the search may look; none of it can make a verdict wrong.

    timeout: seconds a query, None for no limit. nodes: the most branch-and-bound nodes a query.
    engine: "exact", or "milp:highs", "milp:cbc", ... for a MILP solver that looks for the optimum,
    along which the exact engine proves. seed: of the attack's random starts. thorough: the
    strongest attack comes before any proof, as in `robmem search`. jobs: processes that share the
    boxes of one query with few inputs; the answer is the same for any number. They import the main
    module again, so that a script of its own needs `if __name__ == "__main__":`. Raises UserError
    for a limit or a number of processes that is not positive, a time-out that is not finite, an
    engine that is not known, and a negative seed.
    """

    timeout: float | None = None
    nodes: int | None = None
    engine: str = "exact"
    seed: int = 0
    thorough: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        for name, (kind, what) in _KINDS.items():
            value = getattr(self, name)
            unset = value is None and name in ("timeout", "nodes")
            if not (unset or isinstance(value, kind)) or (value is True and kind is not bool):
                raise UserError(f"{name}: {value!r} is not {what}")
        if self.timeout is not None and not (isfinite(self.timeout) and self.timeout > 0):
            raise UserError(f"timeout: {self.timeout} is no positive number of seconds")
        if self.nodes is not None and self.nodes < 1:
            raise UserError(f"nodes: {self.nodes} is not at least 1; None for no limit")
        if self.jobs < 1:
            raise UserError(f"jobs: {self.jobs} is not at least 1")
        solver_of(self.engine)
        if self.seed < 0:
            raise UserError(f"seed: {self.seed} is negative")

    @property
    def solver(self) -> str | None:
        """The MILP solver that is asked, None for the exact engine alone."""
        return solver_of(self.engine)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has found, by itself not checked, and what it cost: seconds by phase (bounds,
    search, check) and nodes.

    `margins` are the lower bounds of the margins of the goals that the search has seen, None where
    it has none; exact, and not looked at by the checker, which asks for their sign alone. `solver`
    is one sentence about what a MILP solver said and what came of it, empty if none was asked.
    `methods` counts, by name, the calls of methods, and what was refused ("refused: ..").
    """

    verdict: Verdict
    seconds: dict[str, float] = field(default_factory=dict)
    nodes: int = 0
    margins: tuple[Fraction | None, ...] = ()
    solver: str = ""
    methods: dict[str, int] = field(default_factory=dict)
