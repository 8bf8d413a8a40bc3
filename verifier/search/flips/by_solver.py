"""A MILP solver is asked first: its points are evaluated exactly, its claims are proved."""

from __future__ import annotations

from time import monotonic

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip
from verifier.search.attack import exact_flip
from verifier.search.bounds.encoding import encode
from verifier.search.bounds.solver import solve_mip


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
