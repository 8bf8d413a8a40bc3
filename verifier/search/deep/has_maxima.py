"""Whether maxima are what a network is made of, seen at a glance.

b + relu(a - b) is max(a, b): a row that reads b reads the unit, which reads b as well. Networks of
layers that read nothing but the one before hold none, and those of running maxima do. A split of
their units says little, and forms and bounds of maxima close a ball at once, however small it is.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import ScaledNetwork


class Maxima:
    """`likely`: whether some row reads a unit of several variables and one of these variables,
    copies counting as what they copy."""

    def __init__(self, scaled: ScaledNetwork) -> None:
        self.likely = _likely(scaled)


def has_maxima(scaled: ScaledNetwork) -> bool:
    """Whether it is worth looking for maxima in this network; found once."""
    return scaled.derived(Maxima).likely


def _likely(scaled: ScaledNetwork) -> bool:
    network, origins = scaled.network, scaled.origins
    units, inputs = network.units, network.inputs
    if network.is_chain and bool((origins == np.arange(len(origins))).all()):
        return False
    read = origins[units.indices]
    masks: list[int] = []  # of a unit: bit j stands for variable j
    for begin, end in pairwise(units.starts.tolist()):
        row = read[begin:end]
        variables = row.tolist()
        several = [v - inputs for v in variables if v >= inputs and _is_several(masks[v - inputs])]
        mask = _mask(row)
        if any(mask & masks[u] for u in several):
            return True
        masks.append(mask)
    return False


def _is_several(mask: int) -> bool:
    return bool(mask & (mask - 1))


def _mask(variables: NDArray[np.int64]) -> int:
    if not len(variables):
        return 0
    bits = np.zeros(int(variables.max()) + 1, dtype=np.uint8)
    bits[variables] = 1
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")
