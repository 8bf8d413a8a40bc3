"""The margin of a question, and what is asked of every sample where its least margin is.

The margin at a point is minus the largest, over the goals, of a goal's least atom: it is positive
where no goal is satisfied, so that the label is kept, and zero at a tie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.family import Cone, FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import format_rational

Line = tuple[Fraction, Fraction]
"""The values of an affine function at the two ends of an interval."""


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """An interval of length `within` is enough, None for the least margin itself; with `curve` it
    is asked for on the balls of all radii from 0 up to the one of the question."""

    within: Fraction | None = None
    curve: bool = False

    def __post_init__(self) -> None:
        if self.curve and self.within is not None:
            raise UserError("margins on the balls of all radii do not go with within")
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


def margin_family(
    query: Query, wide: Network, center: tuple[Fraction, ...], ends: Line, line: Line
) -> FamilyQuery:
    """Does a point of the ball of some radius r between the ends have a margin below the line at r?

    `wide` is the network of `query` with the parameter r, which no unit reads; goals have one atom.
    """
    first, last = ends
    slope = (line[1] - line[0]) / (last - first)
    constant = line[0] - slope * first
    goals = []
    for goal in query.goals:
        (atom,) = goal.atoms
        inputs = (*atom.inputs, (query.network.inputs, slope)) if slope else atom.inputs
        moved = Atom(inputs, atom.outputs, atom.constant + constant, strict=True)
        goals.append(Goal((moved,), goal.rival))
    cone = Cone(query.region.norm, center, Fraction(1), first, last, open=False)
    return FamilyQuery(wide, cone, tuple(goals))
