"""Questions about a whole family of networks and balls: one for every parameter m of an interval.

A family is a network G on n + 1 inputs, the last of which is m, and D(m) = d0 + d1 m > 0; its
members are F_m = G(., m) / D(m). The ball of m around c has radius m * unit (p = 1, inf), or the
p-th power of its radius is m^p * unit; so (x, m) runs over a convex cone, cut at m = first and
m = last. A family holds if for every real m from first to last (without last if `open`) no point
of the ball of m satisfies all atoms of a goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from verifier.question.errors import UserError
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import format_rational, require_exact
from verifier.question.region import Norm, Region, Vector, power, root_upper

Denominator = tuple[Fraction, Fraction]
"""(d0, d1): D(m) = d0 + d1 m."""


@dataclass(frozen=True)
class Cone:
    """{(x, m) : ||x - center||_norm <= m unit, first <= m <= last}; see above for p >= 2.

    Raises UserError unless 0 <= first < last and unit > 0.
    """

    norm: Norm
    center: Vector
    unit: Fraction
    first: Fraction
    last: Fraction
    open: bool

    def __post_init__(self) -> None:
        require_exact("cone", (*self.center, self.unit, self.first, self.last))
        if not self.center:
            raise UserError("cone: a center without inputs")
        power(self.norm)
        if type(self.open) is not bool:
            raise UserError(f"cone: open is {self.open!r}, neither True nor False")
        if self.unit <= 0:
            raise UserError(f"cone: unit {format_rational(self.unit)} is not positive")
        if not 0 <= self.first < self.last:
            raise UserError(
                f"cone: parameters from {format_rational(self.first)} to "
                f"{format_rational(self.last)}: the first must be below the last, and not negative"
            )

    def at(self, parameter: Fraction) -> Region:
        """The slice of the cone at m = `parameter`: a region of n + 1 inputs, m fixed."""
        p = power(self.norm)
        size = parameter**p * self.unit
        reach = parameter * root_upper(self.unit, p)  # the same multiple of m for all m
        lower = (*(c - reach for c in self.center), parameter)
        upper = (*(c + reach for c in self.center), parameter)
        if self.norm == "inf":
            return Region("inf", lower, upper)
        return Region(self.norm, lower, upper, (*self.center, parameter), size, clipped=True)

    @cached_property
    def ends(self) -> tuple[Region, Region]:
        """The slices at the first and at the last parameter."""
        return self.at(self.first), self.at(self.last)


@dataclass(frozen=True, slots=True, eq=False)
class FamilyQuery:
    """Is there (x, m) in `cone`, m not the open end, that satisfies one of `goals`?

    The goals are atoms over x, m and the outputs of G; see `family_goals`.
    """

    network: Network
    cone: Cone
    goals: tuple[Goal, ...]

    def __post_init__(self) -> None:
        if self.network.inputs != len(self.cone.center) + 1:
            raise UserError(
                f"a family on balls of {len(self.cone.center)} inputs needs a network of one more; "
                f"it has {self.network.inputs}"
            )
        Query(self.network, self.cone.ends[1], self.goals)  # whatever does not fit

    def at(self, parameter: Fraction) -> Query:
        """The question about m = `parameter` alone."""
        return Query(self.network, self.cone.at(parameter), self.goals)

    def ends(self) -> tuple[Query, Query]:
        """The questions about the first and about the last parameter."""
        first, last = self.cone.ends
        return Query(self.network, first, self.goals), Query(self.network, last, self.goals)


@dataclass(frozen=True, slots=True)
class FamilyTerms:
    """What a question about a whole data set says of a family, besides norm and decoder.

    Raises UserError for an interval that is none, and where D is not positive on it.
    """

    denominator: Denominator
    unit: Fraction
    first: Fraction
    last: Fraction
    open: bool

    def __post_init__(self) -> None:
        check_denominator(self.denominator, self.cone("inf", (Fraction(0),)))

    def cone(self, norm: Norm, center: Vector) -> Cone:
        """Around a sample."""
        return Cone(norm, center, self.unit, self.first, self.last, self.open)

    def __str__(self) -> str:
        first, last = format_rational(self.first), format_rational(self.last)
        return f"every real m in [{first}, {last}{')' if self.open else ']'}"


def with_parameter(network: Network) -> Network:
    """The network with one input more, the last, which it does not read."""

    def moved(rows: Rows) -> Rows:
        indices = rows.indices + (rows.indices >= network.inputs)
        return Rows(rows.starts, indices, rows.numerators, rows.constants, rows.denominators)

    units, outputs = moved(network.units), moved(network.outputs)
    return Network(network.inputs + 1, network.layers, units, outputs)


def check_denominator(denominator: Denominator, cone: Cone) -> None:
    """Returns if D is positive on the interval: without that G = D = 0 would prove everything.

    D(last) may be zero where that end is open. Raises UserError that shows both sides.
    """
    zero, slope = denominator
    at_first, at_last = zero + slope * cone.first, zero + slope * cone.last
    if at_first <= 0:
        raise UserError(
            f"family: D({format_rational(cone.first)}) = {format_rational(at_first)} is not above 0"
        )
    if at_last < 0 or (at_last == 0 and not cone.open):
        raise UserError(
            f"family: D({format_rational(cone.last)}) = {format_rational(at_last)} is "
            f"{'negative' if at_last < 0 else 'zero at a closed end'}"
        )


def family_goals(goals: Sequence[Goal], denominator: Denominator, inputs: int) -> tuple[Goal, ...]:
    """Goals about F_m as goals about G: each atom times D(m) > 0, which keeps its sign.

    `inputs` is the number of inputs of F_m. Raises UserError for an atom that reads inputs.
    """
    zero, slope = denominator
    scaled = []
    for goal in goals:
        atoms = []
        for atom in goal.atoms:
            if atom.inputs:
                raise UserError("a goal of a family reads inputs")
            share = slope * atom.constant
            terms = ((inputs, share),) if share else ()
            atoms.append(Atom(terms, atom.outputs, zero * atom.constant, atom.strict))
        scaled.append(Goal(tuple(atoms), goal.rival))
    return tuple(scaled)
