"""Networks that do not depend on the budget, asked about open balls.

An open ball of radius R is the union of the closed balls of radius m for all 0 <= m < R. So a claim
about the open balls is one about a family whose members are all the same network, D = 1, and whose
parameter is the radius of the ball alone: F_m = G(., m) = F, for every m in [0, R).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.construction import Norm
from constructions.family import Family
from verifier.question.network import Network, Rows

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
    widened = Network(
        network.inputs + 1,
        network.layers,
        _moved(network.units, network.inputs),
        _moved(network.outputs, network.inputs),
    )
    kinds = np.zeros(network.units.count + 1, dtype=np.int64)
    return Family(name, widened, (ONE, ZERO), norm, unit, radius, (ZERO,), kinds, decoder)


def _moved(rows: Rows, inputs: int) -> Rows:
    """The rows where an input m, which none reads, comes after the others."""
    indices = rows.indices + (rows.indices >= inputs)
    return Rows(rows.starts, indices, rows.numerators, rows.constants, rows.denominators)
