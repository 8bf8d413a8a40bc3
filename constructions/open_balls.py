"""Networks that do not depend on the budget, asked about open balls.

An open ball of radius R is the union of the closed balls of radius m for all 0 <= m < R. So a claim
about the open balls is one about a family whose members are all the same network, D = 1, and whose
parameter is the radius of the ball alone: F_m = G(., m) = F, for every m in [0, R).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.family import Family
from verifier.question.family import with_parameter
from verifier.question.network import Network
from verifier.question.region import Norm

ONE, ZERO = Fraction(1), Fraction(0)


def open_balls(
    name: str,
    network: Network,
    norm: Norm,
    radius: Fraction,
    decoder: str,
    *,
    unit: Fraction = ONE,
) -> Family:
    """The family of this one network for all balls smaller than `radius`.

    The ball of m has the radius m * unit; for norm 2 its square is m^2 * unit. UserError, when the
    family is asked about, unless the radius is positive.
    """
    kinds = np.zeros(network.units.count + 1, dtype=np.int64)
    return Family(
        name, with_parameter(network), (ONE, ZERO), norm, unit, radius, (ZERO,), kinds, decoder
    )
