"""What solvers say, apart from the libraries that run them, which take long to import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


class SolverError(RuntimeError):
    """The solver failed, or answered with a status that no rule expects."""


class Claim(Enum):
    """What a mixed-integer solver says, in its own floating point."""

    OPTIMAL = "it says that it has an optimum"
    INFEASIBLE = "it says that nothing is feasible"
    STOPPED = "it stopped before it knew"


@dataclass(frozen=True, slots=True)
class Guess:
    """columns: the best point found, None if there is none. bound: what the solver claims that the
    objective, which is maximised, is nowhere above; None if it claims none."""

    claim: Claim
    columns: Float | None
    bound: float | None = None
