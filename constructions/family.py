"""A network for every budget: G, of which the budget is an input, and D; F_m = G(., m) / D(m)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from verifier.question.errors import UserError
from verifier.question.family import FamilyTerms
from verifier.question.network import Network, Rows, integers
from verifier.question.rational import format_rational
from verifier.question.region import Norm

ONE = Fraction(1)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """The networks F_m = G(., m) / D(m) for the parameters m in [0, end), one for each ball radius.

    network: G, with one input more than the data, m; its outputs are D(m) F_m.
    denominator: (d0, d1), D(m) = d0 + d1 m, positive on [0, end).
    norm, unit: the ball of m has radius m * unit for p = 1 and inf; for p = 2 its square is
        m^2 * unit.
    end: the least m that is not claimed, or, if `closed`, the last that is.
    slopes, kinds: S_v(m) = 1 + slopes[kinds[v]] m for unit v; the last kind is the outputs'.
    decoder: how labels are read from F_m.
    """

    name: str
    network: Network
    denominator: tuple[Fraction, Fraction]
    norm: Norm
    unit: Fraction
    end: Fraction
    slopes: tuple[Fraction, ...]
    kinds: np.ndarray[tuple[int], np.dtype[np.int64]]
    decoder: str = "value"
    closed: bool = False

    def terms(self, first: Fraction = Fraction(0)) -> FamilyTerms:
        """What a question about the whole of [first, end) says of this family."""
        return FamilyTerms(self.denominator, self.unit, first, self.end, open=not self.closed)

    def member(self, parameter: Fraction) -> Network:
        """F_m, with the very weights of the construction for that budget.

        Raises UserError unless 0 <= m < end, or m = end where that is claimed.
        """
        if not 0 <= parameter < self.end and not (self.closed and parameter == self.end):
            raise UserError(
                f"family {self.name}: parameter {format_rational(parameter)} is not in "
                f"[0, {format_rational(self.end)}{']' if self.closed else ')'}"
            )
        scales = [ONE + slope * parameter for slope in self.slopes]
        last = self.network.inputs - 1
        kinds = self.kinds.tolist()
        read = [ONE] * last + [scales[kind] for kind in kinds[:-1]]
        network = self.network
        units = _fixed(network.units, last, parameter, read, [scales[k] for k in kinds[:-1]])
        own = [scales[kinds[-1]]] * network.outputs.count
        outputs = _fixed(network.outputs, last, parameter, read, own)
        return Network(last, network.layers, units, outputs)


def _fixed(
    rows: Rows, last: int, parameter: Fraction, read: list[Fraction], own: list[Fraction]
) -> Rows:
    """The rows with m put in, every variable divided by its scale and every row by its own.

    `read` are the scales of the variables without m, which is variable `last`.
    """
    starts, indices = [0], list[int]()
    numerators, constants, denominators = list[int](), list[int](), list[int]()
    for v in range(rows.count):
        weights, constant = rows.fractions(v)
        constant = (constant + weights.pop(last, Fraction(0)) * parameter) / own[v]
        moved = {j - (j > last): w for j, w in weights.items()}
        moved = {j: w * read[j] / own[v] for j, w in moved.items()}
        common = lcm(constant.denominator, *(w.denominator for w in moved.values()))
        indices.extend(moved)
        numerators.extend(int(w * common) for w in moved.values())
        constants.append(int(constant * common))
        denominators.append(common)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64),
        np.array(indices, dtype=np.int64),
        integers(numerators),
        integers(constants),
        integers(denominators),
    )
