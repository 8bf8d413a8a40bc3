"""The margin of a question, and what is asked of every sample where its least margin is.

The margin at a point is minus the largest, over the goals, of a goal's least atom: it is positive
where no goal is satisfied, so that the label is kept, and zero at a tie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.query import Query
from verifier.question.rational import format_rational


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """An interval of length `within` is enough, None for the least margin itself."""

    within: Fraction | None = None

    def __post_init__(self) -> None:
        if self.within is not None and self.within <= 0:
            raise UserError(f"within is not positive: {self.within}")

    def is_reached(self, lower: Fraction | None, upper: Fraction) -> bool:
        """Whether the least margin between these numbers is known as closely as asked."""
        return lower is not None and upper - lower <= (self.within or 0)

    def __str__(self) -> str:
        return "" if self.within is None else f" within {format_rational(self.within)}"


def margin_below(query: Query, margin: Fraction) -> Query:
    """Does a point of the region have a smaller margin than this? All atoms are strict."""
    return _moved(query, margin, strict=True)


def margin_at_most(query: Query, margin: Fraction) -> Query:
    """Does a point of the region have this margin, or a smaller one?"""
    return _moved(query, margin, strict=False)


def _moved(query: Query, margin: Fraction, *, strict: bool) -> Query:
    goals = tuple(
        replace(
            goal,
            atoms=tuple(
                replace(atom, constant=atom.constant + margin, strict=strict) for atom in goal.atoms
            ),
        )
        for goal in query.goals
    )
    return Query(query.network, query.region, goals)
