"""What is asked of every sample where its distance to the nearest flip is: how close is enough."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.rational import format_rational


@dataclass(frozen=True, slots=True)
class DistanceTerms:
    """An interval of length `within` is enough, None for the exact distance; no ball larger than of
    radius `most` is asked about, None for the distance to the farthest sample.

    Sizes of balls are radii, for norm 2 squared radii; `within` and `most` are radii always.
    """

    within: Fraction | None = None
    most: Fraction | None = None

    def __post_init__(self) -> None:
        for name, bound in (("within", self.within), ("max", self.most)):
            if bound is not None and bound <= 0:
                raise UserError(f"{name} is not positive: {bound}")

    def is_close(self, norm: str, lower: Fraction, upper: Fraction) -> bool:
        """Whether the distance between these sizes is known as closely as asked."""
        if lower == upper:
            return True
        if self.within is None:
            return False
        if norm != "2":
            return upper - lower <= self.within
        # sqrt(u) - sqrt(l) <= w, if and only if u - l - w^2 <= 2 w sqrt(l)
        rest = upper - lower - self.within**2
        return rest <= 0 or rest**2 <= 4 * self.within**2 * lower

    def is_reached(
        self, norm: str, largest: Fraction, lower: Fraction, upper: Fraction | None
    ) -> bool:
        """Whether nothing is left to ask: the same, or the ball of size `largest` has no flip."""
        if lower >= largest:
            return True
        return upper is not None and self.is_close(norm, lower, upper)

    def __str__(self) -> str:
        near = "" if self.within is None else f" within {format_rational(self.within)}"
        far = "" if self.most is None else f", up to {format_rational(self.most)}"
        return f"{near}{far}"
