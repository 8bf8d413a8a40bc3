"""The way by a MILP solver: it looks for the optimum, and what it says is looked at exactly.

Its program is the big-M one of `program/reduced.py`, with symbolic bounds where there are any. Its
point is evaluated in rationals, and where rounding keeps it from being what is asked for, the best
point of its linear piece is found exactly. What it claims to be impossible is believed by nobody:
it is a target for the exact engine, which has to prove it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np

from verifier.checker.fixed_point import supports
from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip
from verifier.program.reduced import distance_program, margin_program
from verifier.program.rows import Program
from verifier.search.attack import exact_flip
from verifier.search.bounds.claims import Claim, Float, Guess, SolverError
from verifier.search.bounds.floats import float_region
from verifier.search.bounds.solver import solve_mip
from verifier.search.exact.pattern import decide_pattern, pre_activations

TANGENTS = 16  # half-spaces that cut an L2 ball out of its box, one a solution that is beyond it
BEYOND = 1e-7  # of the radius: more than rounding
NEARLY = 1e-6  # a margin from which on it may be rounding that keeps a point from being a flip

Vector = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a solver said of a query's goals, in a sentence that begins with its name.

    flip: exact, found at or near its point. points: the optima of goals, not exact, in the region
    or nearly. bound: what it claims that no goal's least atom is above; None if it claims none.
    denies: the goals that no point satisfies, as it says.
    """

    sentence: str
    flip: Flip | None = None
    points: tuple[tuple[int, Vector], ...] = ()
    bound: float | None = None
    denies: frozenset[int] = frozenset()


def ask_solver(
    checker: LeafChecker, solver: str, deadline: float | None, *, optimum: bool = False
) -> Said:
    """How large the least atom of each goal becomes, as `solver` says, in half of the time that is
    left; up to the first flip, unless the `optimum` of all goals is wanted.

    Raises UserError for a solver that is not installed.
    """
    return _Asking(checker, solver, deadline).margins(optimum=optimum)


def nearest_of_solver(
    checker: LeafChecker, solver: str, deadline: float | None
) -> tuple[str, list[tuple[int, Vector]]]:
    """The points nearest to the center of the region, a ball of norm inf or 1, at which goals hold,
    as the solver says, with their goals; and what it said."""
    return _Asking(checker, solver, deadline).nearest()


class _Asking:
    def __init__(self, checker: LeafChecker, solver: str, deadline: float | None) -> None:
        self.checker, self.solver, self.name = checker, solver, f"milp:{solver}"
        now = monotonic()
        self._until = None if deadline is None else now + (deadline - now) / 2
        if supports(checker.query.network) and not checker.region.open:
            checker.tighten_symbolically()

    def margins(self, *, optimum: bool) -> Said:
        points: list[tuple[int, Vector]] = []
        bounds: list[float | None] = []
        denies: set[int] = set()
        unclear = ""
        for goal in range(len(self.checker.query.goals)):
            program = margin_program(self.checker, goal)
            if not optimum:  # any point with a margin that is not negative will do
                program.lower[-1] = Fraction(0)
            try:
                guess = self._solve(program, target=None if optimum else 0.0)
            except SolverError as error:
                unclear, guess = f"fails: {error}", Guess(Claim.STOPPED, None)
            bounds.append(-np.inf if guess.claim is Claim.INFEASIBLE else guess.bound)
            value = -np.inf if guess.columns is None else float(guess.columns[-1])
            if guess.columns is not None and np.isfinite(guess.columns).all():
                point = tuple(map(Fraction, guess.columns[: self.checker.inputs].tolist()))
                points.append((goal, point))
                flip = self._flip(goal, point) if value >= -NEARLY else None
                if flip is not None and not optimum:
                    return Said(f"{self.name} finds a point that is a flip", flip, tuple(points))
            if guess.claim is Claim.STOPPED:
                unclear = unclear or "stopped before it knew"
            elif value >= 0:
                unclear = unclear or "names a point that is no flip in exact arithmetic"
            else:
                denies.add(goal)
        known = [bound for bound in bounds if bound is not None]
        return Said(
            f"{self.name} {unclear or 'says that there is no flip'}",
            None,
            tuple(points),
            max(known) if known and len(known) == len(bounds) else None,
            frozenset(denies),
        )

    def nearest(self) -> tuple[str, list[tuple[int, Vector]]]:
        found: list[tuple[int, Vector]] = []
        unclear = ""
        for goal in range(len(self.checker.query.goals)):
            try:
                guess = self._solve(distance_program(self.checker, goal))
            except SolverError as error:
                unclear = f"fails: {error}"
                continue
            if guess.claim is Claim.STOPPED:
                unclear = unclear or "stopped before it knew"
            if guess.columns is not None and np.isfinite(guess.columns).all():
                values = guess.columns[: self.checker.inputs].tolist()
                found.append((goal, tuple(map(Fraction, values))))
        seen = "names a flip as the nearest" if found else "says that there is no flip"
        return f"{self.name} {unclear or seen}", found

    def _solve(self, program: Program, target: float | None = None) -> Guess:
        """What the solver says; a ball of norm 2 or more is cut out of its box, as far as points of
        that lie beyond the ball."""
        guess = self._once(program, target)
        for number in range(TANGENTS if self.checker.region.power > 1 else 0):
            if guess.columns is None:
                break
            tangent = self._tangent(guess.columns)
            if tangent is None:
                break
            normal, top = tangent
            program.row(f"tangent{number}", normal, "L", top)
            guess = self._once(program, target)
        return guess

    def _once(self, program: Program, target: float | None) -> Guess:
        left = None if self._until is None else self._until - monotonic()
        if left is not None and left <= 0:
            return Guess(Claim.STOPPED, None)
        return solve_mip(program, self.solver, left, target=target)

    def _tangent(self, columns: Float) -> tuple[dict[int, Fraction], Fraction] | None:
        sides = float_region(self.checker.region)
        offset = columns[: self.checker.inputs] - sides.center
        p = self.checker.region.power
        length = float(np.linalg.norm(offset, ord=p))
        if not length > sides.radius * (1 + BEYOND):
            return None
        away = offset / length
        normal = away if p == 2 else np.sign(away) * np.abs(away) ** (p - 1)
        top = sides.radius + float(normal @ sides.center)
        return {k: Fraction(g) for k, g in enumerate(normal.tolist())}, Fraction(top)

    def _flip(self, goal: int, point: Vector) -> Flip | None:
        """The flip at the point, or the best of its linear piece."""
        query, checker = self.checker.query, self.checker
        flip = exact_flip(query, goal, list(point))
        if flip is not None:
            return flip
        pre = pre_activations(query.network, point)
        phases = {v: a > 0 for v, a in enumerate(pre) if checker.undecided(v)}
        better, _ = decide_pattern(query, checker, query.goals[goal], phases)
        return None if better is None else exact_flip(query, goal, better)
