"""Exact values of deep chain networks at very many points.

`verifier.checker.scaled` is the reference, and what claims rest on. This is the same arithmetic,
arranged for networks such as the integer memorizer, whose few units a layer hold numbers of
hundreds of bits, and whose widest layer feeds rows of thousands of large weights: linear parts that
several units share are computed once, carried units are not copied, and wide rows are exact matrix
products of floats that hold integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import ScaledLayer, ScaledNetwork, common_denominator, scaled_inputs
from verifier.question.errors import UserError
from verifier.question.network import Network

Values = NDArray[Any]
"""int64 or Python integers, one a point."""

_LIMIT = 1 << 62
_WIDE = 64
"""From how many entries on a row is a matrix product."""
_VALUE_BITS = 20
_EXACT = 53


def chain_values(
    network: Network, points: Sequence[Sequence[Fraction]], batch: int = 2048
) -> list[list[Fraction]]:
    """What `evaluate` gives for a chain network.

    Raises UserError if a layer reads further back than the layer before it.
    """
    if not network.is_chain:
        raise UserError("layerwise evaluation needs a network whose layers form a chain")
    if not points:
        return []
    scaled = ScaledNetwork(network, common_denominator(points))
    results: list[list[Fraction]] = []
    for begin in range(0, len(points), batch):
        inputs = scaled_inputs(points[begin : begin + batch], scaled.denominator)
        before: dict[int, Values] = dict(enumerate(inputs))
        carried = False
        for layer in scaled.layers:
            rows = _rows(layer, before, carried)
            before = {network.inputs + layer.first + k: row for k, row in enumerate(rows)}
            carried = True
        outputs = _rows(scaled.output_layer, before, True, relu=False)
        count = inputs.shape[1]
        results += [
            [
                Fraction(int(row[b]), scale)
                for row, scale in zip(outputs, scaled.output_scales, strict=True)
            ]
            for b in range(count)
        ]
    return results


def _rows(
    layer: ScaledLayer, before: dict[int, Values], carried: bool, *, relu: bool = True
) -> list[Values]:
    """The rows of the layer; `carried` says that the values before are at least 0."""
    count = layer.last - layer.first
    size = len(next(iter(before.values())))
    ends = [*layer.starts[1:].tolist(), len(layer.indices)]
    spans = dict(
        zip(layer.filled.tolist(), zip(layer.starts.tolist(), ends, strict=True), strict=True)
    )
    indices, weights = layer.indices.tolist(), layer.weights.tolist()
    constants = layer.constants.tolist()
    linear: dict[tuple[tuple[int, ...], tuple[int, ...]], Values] = {}
    wide = {
        key: None
        for low, high in spans.values()
        if high - low >= _WIDE
        for key in [(tuple(indices[low:high]), tuple(weights[low:high]))]
    }
    if wide:
        linear |= _wide(list(wide), before)
    result: list[Values] = []
    for row in range(count):
        low, high = spans.get(row, (0, 0))
        constant = constants[row]
        if high - low == 1 and weights[low] == 1 and constant == 0 and (carried or not relu):
            result.append(before[indices[low]])
            continue
        key = (tuple(indices[low:high]), tuple(weights[low:high]))
        if key not in linear:
            linear[key] = _linear(key[0], key[1], before, size)
        value = _plus(linear[key], constant)
        result.append(np.maximum(value, 0) if relu else value)
    return result


def _linear(
    indices: tuple[int, ...], weights: tuple[int, ...], before: dict[int, Values], size: int
) -> Values:
    terms = [before[index] for index in indices]
    bound = 0
    for term, weight in zip(terms, weights, strict=True):
        if term.dtype != np.int64 or bound >= _LIMIT:
            bound = _LIMIT
            break
        bound += abs(weight) * max(abs(int(term.max())), abs(int(term.min())))
    total: Values = np.zeros(size, dtype=np.int64 if bound < _LIMIT else object)
    for term, weight in zip(terms, weights, strict=True):
        part = term if bound < _LIMIT else term.astype(object, copy=False)
        if weight == 1:
            total = total + part
        elif weight == -1:
            total = total - part
        else:
            total = total + part * weight
    return total


def _plus(values: Values, constant: int) -> Values:
    if values.dtype == np.int64:
        largest = max(abs(int(values.max())), abs(int(values.min())))
        if largest + abs(constant) < _LIMIT:
            return values + np.int64(constant)
        values = values.astype(object)
    return values + constant


def _wide(
    keys: list[tuple[tuple[int, ...], tuple[int, ...]]], before: dict[int, Values]
) -> dict[tuple[tuple[int, ...], tuple[int, ...]], Values]:
    """The linear parts of wide rows over non-negative int64 values, by exact products of floats.

    Values and weights are cut into limbs so short that every sum of products is an integer below
    2^53. Rows over other values are left out.
    """
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], Values] = {}
    for indices in dict.fromkeys(key[0] for key in keys):
        rows = [key for key in keys if key[0] == indices]
        if any(before[i].dtype != np.int64 or int(before[i].min()) < 0 for i in indices):
            continue
        values = np.stack([before[i] for i in indices])
        room = _EXACT - 1 - _VALUE_BITS - len(indices).bit_length()
        limbs = [_limbs(row[1], room) for row in rows]
        stacked = np.concatenate(limbs)
        totals: list[Values] = [np.zeros(values.shape[1], dtype=object) for _ in rows]
        shift = 0
        while values.any():
            part = (values & ((1 << _VALUE_BITS) - 1)).astype(np.float64)
            sums = (stacked @ part).astype(np.int64)
            first = 0
            for number, own in enumerate(limbs):
                totals[number] = totals[number] + (
                    _joined(sums[first : first + len(own)], room) << shift
                )
                first += len(own)
            values = values >> _VALUE_BITS
            shift += _VALUE_BITS
        found |= dict(zip(rows, totals, strict=True))
    return found


def _joined(sums: NDArray[np.int64], bits: int) -> Values:
    """sum_k sums[k] << (bits * k), by halves, so that most additions are short."""
    parts: list[Values] = [row.astype(object) for row in sums]
    while len(parts) > 1:
        pairs = [low + (high << bits) for low, high in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
        bits *= 2
    return parts[0]


@lru_cache(maxsize=16)
def _limbs(weights: tuple[int, ...], bits: int) -> NDArray[np.float64]:
    """Row k holds limb k of every weight, all but the last limb in [0, 2^bits)."""
    longest = max(weight.bit_length() for weight in weights)
    count = max(1, -(-(longest + 1) // bits))
    mask = (1 << bits) - 1
    rows = [[float((weight >> (bits * k)) & mask) for weight in weights] for k in range(count - 1)]
    rows.append([float(weight >> (bits * (count - 1))) for weight in weights])
    return np.array(rows)
