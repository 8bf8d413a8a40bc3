"""How the search may look, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite

from verifier.evidence.certificate import Verdict
from verifier.question.errors import UserError


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how the search may look; none of it can make a verdict wrong.

    timeout: seconds a query, None for no limit. nodes: the most branch-and-bound nodes a query.
    engine: "exact", or "milp:highs", "milp:cbc", ... to ask a MILP solver first. seed: of
    the attack's random starts. Raises UserError for a limit that is not positive, a time-out that
    is not finite, and a negative seed.
    """

    timeout: float | None = None
    nodes: int | None = None
    engine: str = "exact"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.timeout is not None and not (isfinite(self.timeout) and self.timeout > 0):
            raise UserError(f"timeout: {self.timeout} is no positive number of seconds")
        if self.nodes is not None and self.nodes < 1:
            raise UserError(f"nodes: {self.nodes} is not at least 1; None for no limit")
        if self.seed < 0:
            raise UserError(f"seed: {self.seed} is negative")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has found, by itself not checked, and what it cost: seconds by phase (bounds,
    search, check) and nodes.

    `margins` are the lower bounds of the margins of the goals that the search has seen, None where
    it has none; exact, and not looked at by the checker, which asks for their sign alone.
    """

    verdict: Verdict
    seconds: dict[str, float] = field(default_factory=dict)
    nodes: int = 0
    margins: tuple[Fraction | None, ...] = ()
