"""Networks of nearly equal halves, rewritten so that what their units differ by is bounded.

Two units with pre-activations a and a + d, d small, are bounded apart as if they knew nothing of
each other, and of their difference an interval says hardly more than of each. But exactly

    max(a + d, 0) = max(a, 0) + min(r, max(a + d, 0)) - min(q, max(a, 0)),

with r = max(d, 0) and q = max(-d, 0): with d >= 0 the unit grows by min(d, max(a + d, 0)), while
q = 0; with d <= 0 it shrinks by min(-d, max(a, 0)), while r = 0. The smaller of two values that
are not negative is two units, min(r, z) = max(r - s, 0) with s = max(r - z, 0). So the second unit
is written as the first one and a difference between -q and r wherever it is read: layer by layer,
differences of pre-activations depend on differences of units and of weights alone, and their
bounds stay small. The function is the same at every input. `search/trees/pairs.py` makes use of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network, Rows

NEAR = 0.125
"""Twins differ by at most this part of the absolute weights of one of them; the difference of two
rows without anything in common is all of both."""
_MOST = 1 << 26  # weights compared in one layer
_MOST_WEIGHTS = 1 << 20  # of a network that is rewritten

Float = NDArray[np.float64]


def by_differences(network: Network) -> Network:
    """The same function with the second of each two twins written by its difference to the first.

    `network` itself, unless the units of every layer are pairs of twins.
    """
    mates = _all_mates(network)
    if mates is None:
        return network
    inputs = network.inputs
    build = NetworkBuilder(inputs)
    known: list[Affine] = list(build.inputs)  # of each variable

    def form(rows: Rows, i: int) -> Affine:
        weights, constant = rows.fractions(i)
        return Affine.sum(known[j] * w for j, w in weights.items()) + constant

    for first, last in network.layer_ranges():
        forms = [form(network.units, v) for v in range(first, last)]
        pairs, equal, apart = [], [], []
        for k, mate in enumerate(mates[first:last]):
            difference = forms[mate] - forms[k]
            if k < mate and (difference.constant or any(difference.weights.values())):
                pairs.append((k, mate))
                apart += [difference, difference * -1]
            elif k < mate:
                equal.append((k, mate))
        units = build.layer([*forms, *apart])
        values, apart = units[: len(forms)], units[len(forms) :]
        ends = [values[j] for k, mate in pairs for j in (mate, k)]  # what r and q are compared with
        above = build.layer([one - other for one, other in zip(apart, ends, strict=True)])
        least = build.layer([one - more for one, more in zip(apart, above, strict=True)])
        for place, (k, mate) in enumerate(pairs):
            values[mate] = values[k] + least[2 * place] - least[2 * place + 1]
        for k, mate in equal:
            values[mate] = values[k]
        known += values
    return build.network([form(network.outputs, j) for j in range(network.outputs.count)])


@np.errstate(all="ignore")  # of weights beyond floats nothing is found
def _all_mates(network: Network) -> list[int] | None:
    """Of each unit its twin's place in the layer; None unless all of them have one."""
    if not network.units.count or len(network.units.indices) > _MOST_WEIGHTS:
        return None
    chief = np.arange(network.variables)  # the first of two twins stands for both
    found: list[int] = []
    for first, last in network.layer_ranges():
        matrix = _matrix(network, first, last, chief)
        mates = None if matrix is None else _mates(matrix)
        if mates is None:
            return None
        own = np.arange(last - first)
        chief[network.inputs + first : network.inputs + last] = (
            network.inputs + first + np.minimum(own, mates)
        )
        found += mates.tolist()
    return found


def _matrix(network: Network, first: int, last: int, chief: NDArray[np.int64]) -> Float | None:
    """Rows of the layer in floats, over the variables it reads; twins are one variable."""
    rows = network.units
    low, high = int(rows.starts[first]), int(rows.starts[last])
    names, columns = np.unique(chief[rows.indices[low:high]], return_inverse=True)
    if (last - first) ** 2 * (len(names) + 1) > _MOST:
        return None
    owner = np.repeat(np.arange(last - first), np.diff(rows.starts[first : last + 1]))
    matrix = np.zeros((last - first, len(names) + 1))
    try:
        scale = rows.denominators[first:last].astype(np.float64)
        values = rows.numerators[low:high].astype(np.float64) / scale[owner]
        matrix[:, -1] = rows.constants[first:last].astype(np.float64) / scale
    except OverflowError:
        return None
    np.add.at(matrix, (owner, columns), values)
    return matrix


def _mates(matrix: Float) -> NDArray[np.int64] | None:
    """Of each row the nearest other one, if they are near and nearest to each other."""
    count = len(matrix)
    if count % 2 or not np.isfinite(matrix).all():
        return None
    mates = np.zeros(count, dtype=np.int64)
    for i in range(count):
        away = np.abs(matrix - matrix[i]).sum(axis=1)
        away[i] = np.inf
        mates[i] = int(np.argmin(away))
        if away[mates[i]] > NEAR * np.abs(matrix[i]).sum():
            return None
    return mates if np.array_equal(mates[mates], np.arange(count)) else None
