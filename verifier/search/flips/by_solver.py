"""A MILP solver is asked first: its points are evaluated exactly, its claims are proved."""

from __future__ import annotations

from time import monotonic

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip
from verifier.question.errors import UserError
from verifier.search.attack import exact_flip
from verifier.search.bounds.encoding import encode
from verifier.search.bounds.solver import MIP_SOLVERS, solve_mip


def solver_of(engine: str) -> str | None:
    """None for "exact", the solver's name for "milp:NAME"; UserError for anything else."""
    if engine == "exact":
        return None
    kind, _, name = engine.partition(":")
    if kind != "milp" or name not in MIP_SOLVERS:
        known = ", ".join(f"milp:{solver}" for solver in MIP_SOLVERS)
        raise UserError(f"engine {engine!r} is not one of exact, {known}")
    return name


def flip_of_solver(checker: LeafChecker, solver: str, deadline: float | None) -> Flip | None:
    """The flip at a point that the solver finds, if there is one in exact arithmetic.

    None says nothing: what the solver claims to be infeasible is for the exact engine to prove.
    """
    for goal in range(len(checker.query.goals)):
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            return None
        guess = solve_mip(encode(checker, goal, eliminate=True), solver, left)
        if guess.columns is not None and guess.columns[-1] >= -1e-6:
            flip = exact_flip(checker.query, goal, guess.columns[: checker.inputs])
            if flip is not None:
                return flip
    return None
