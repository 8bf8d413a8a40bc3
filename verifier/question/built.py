"""What is claimed to have been built: a construction of a theorem, and for which budget."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.rational import require_exact


@dataclass(frozen=True, slots=True)
class Built:
    """The network of this construction for data of this separation.

    power: the separation lambda, for half-spaces in L2 its square. parameter: the budget mu, for
    half-spaces in L2 a rational rho >= 2 mu / lambda; 0 for every budget at once.

    Raises UserError unless power > 0 and parameter >= 0.
    """

    construction: str
    power: Fraction
    parameter: Fraction

    def __post_init__(self) -> None:
        require_exact("theorem", (self.power, self.parameter))
        if self.power <= 0 or self.parameter < 0:
            raise UserError("theorem: a separation that is not positive, or a negative budget")
