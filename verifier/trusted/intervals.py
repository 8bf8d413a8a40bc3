"""Root bounds: exact interval arithmetic through the whole network, for many boxes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.trusted.live_rows import LiveRows
from verifier.trusted.region import Region
from verifier.trusted.scaled import LIMIT, Block, ScaledNetwork, scaled_inputs


@dataclass(frozen=True, eq=False)
class RootBounds:
    """scale[v] * a_v lies in [lower_of(v), upper_of(v)] for every unit v, on the box of a region.

    One column of the bounds of many regions, of which mostly few entries are asked for; the scales
    are those of the ScaledNetwork.
    """

    scaled: ScaledNetwork
    space: Any  # (2 * variables, regions): lower bounds, then upper ones; copies left out
    column: int
    constants: bool  # see `LiveRows`

    def lower_of(self, v: int) -> int:
        return self._bound(self.scaled.network.inputs + v, 0)

    def upper_of(self, v: int) -> int:
        return self._bound(self.scaled.network.inputs + v, self.scaled.network.variables)

    def _bound(self, variable: int, side: int) -> int:
        origin = self.scaled.origins.item(variable)
        value = int(self.space[side + origin, self.column])
        return value if origin == variable else max(value, 0)

    @cached_property
    def rows(self) -> LiveRows:
        """The rows of the units as these bounds leave them."""
        return LiveRows(self.scaled, self.space, self.column, self.constants)

    @cached_property
    def lower(self) -> Any:
        """All lower bounds, (units,) int64 or object."""
        return self._all(0)

    @cached_property
    def upper(self) -> Any:
        """All upper bounds."""
        return self._all(self.scaled.network.variables)

    def _all(self, side: int) -> Any:
        inputs, origins = self.scaled.network.inputs, self.scaled.origins
        values = self.space[side + origins, self.column]
        copied = origins != np.arange(len(origins))
        values[copied] = np.maximum(values[copied], 0)
        return values[inputs:]


def interval_bounds(scaled: ScaledNetwork, regions: Sequence[Region]) -> list[RootBounds]:
    """The root bounds of each region, exact. Memory: 16 bytes a region and unit that is no copy,
    if int64 does."""
    inputs, total = scaled.network.inputs, scaled.network.variables
    low = scaled_inputs([region.lower for region in regions], scaled.denominator)
    high = scaled_inputs([region.upper for region in regions], scaled.denominator)
    space: Any = np.zeros((2 * total, len(regions)), dtype=np.result_type(low, high))
    space[:inputs], space[total : total + inputs] = low, high
    # The largest |input| and z of each variable on all regions.
    largest: Any = np.zeros(total, dtype=space.dtype)
    largest[:inputs] = np.maximum(np.abs(low).max(axis=1), np.abs(high).max(axis=1))
    for block in scaled.blocks:
        small = space.dtype == block.weights.dtype == block.constants.dtype == np.int64
        if small and len(block.variables):
            top = int(largest[block.variables].max())
            small = block.largest_row * top + block.largest_constant < LIMIT
        if not small and space.dtype == np.int64:
            space, largest = space.astype(object), largest.astype(object)
        first, above = inputs + block.units, block.variables + total
        space[first] = _rows(block, space, np.where(block.positive, block.variables, above))
        upper = _rows(block, space, np.where(block.positive, above, block.variables))
        space[total + first] = upper
        largest[first] = np.maximum(upper.max(axis=1), 0)
    return [
        RootBounds(scaled, space, column, region.norm == "inf" or _thick(region))
        for column, region in enumerate(regions)
    ]


def _thick(region: Region) -> bool:
    return all(low < high for low, high in zip(region.lower, region.upper, strict=True))


def _rows(block: Block, space: Any, gather: NDArray[np.int64]) -> Any:
    """The rows of `block` applied to these rows of `space`, units not below 0."""
    weights: Any = block.weights
    constants: Any = block.constants
    if space.dtype == object:
        weights, constants = weights.astype(object), constants.astype(object)
    picked = space[gather]
    if len(block.of_units) == len(gather):
        np.maximum(picked, 0, out=picked)
    elif len(block.of_units):
        picked[block.of_units] = np.maximum(picked[block.of_units], 0)
    picked *= weights
    if len(gather) == len(block.units) == len(block.filled):
        picked += constants
        return picked
    result = np.repeat(constants, space.shape[1], axis=1)
    if len(block.filled):
        result[block.filled] += np.add.reduceat(picked, block.starts, axis=0)
    return result
