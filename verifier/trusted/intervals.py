"""Root bounds: exact interval arithmetic through the whole network, for many boxes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.trusted.region import Region
from verifier.trusted.scaled import ScaledNetwork, affine, scaled_inputs


@dataclass(frozen=True, slots=True, eq=False)
class RootBounds:
    """scale[v] * a_v lies in [lower[v], upper[v]] for every unit v, on the box of a region.

    Lists of Python integers would cost too much for 10^6 units, so these are arrays; the scales are
    those of the ScaledNetwork.
    """

    lower: Any  # (units,) int64 or object
    upper: Any


def interval_bounds(scaled: ScaledNetwork, regions: Sequence[Region]) -> list[RootBounds]:
    """The root bounds of each region, exact. Memory: 40 bytes a unit and region."""
    network = scaled.network
    count, inputs, total = len(regions), network.inputs, network.variables
    low = scaled_inputs([region.lower for region in regions], scaled.denominator)
    high = scaled_inputs([region.upper for region in regions], scaled.denominator)
    # z lower and z upper of all variables in one array: row u and row total + u.
    space: Any = np.zeros((2 * total, count), dtype=np.result_type(low, high))
    space[:inputs], space[total : total + inputs] = low, high
    lower: Any = np.zeros((network.units.count, count), dtype=space.dtype)
    upper: Any = np.zeros_like(lower)
    for layer in scaled.layers:
        swap = np.where(layer.weights > 0, 0, total)
        a_low = affine(layer, space, layer.indices + swap)
        a_high = affine(layer, space, layer.indices + (total - swap))
        if space.dtype == np.int64 and (a_low.dtype != np.int64 or a_high.dtype != np.int64):
            space, lower, upper = (array.astype(object) for array in (space, lower, upper))
        lower[layer.first : layer.last], upper[layer.first : layer.last] = a_low, a_high
        first, last = inputs + layer.first, inputs + layer.last
        space[first:last] = np.maximum(a_low, 0)
        space[total + first : total + last] = np.maximum(a_high, 0)
    return [
        RootBounds(np.ascontiguousarray(lower[:, b]), np.ascontiguousarray(upper[:, b]))
        for b in range(count)
    ]
