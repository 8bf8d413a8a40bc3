"""Resize and Upsample to the nearest entry.

A runtime computes in float32 which entry is nearest. Where its rounding could choose another one
than exact arithmetic does, the file is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np

from verifier.formats.onnx.constants import fractions
from verifier.formats.onnx.node import Node, Operator, Value, axis_of, relocated
from verifier.formats.tensors import check_size
from verifier.question.errors import UserError

_NEAR = Fraction(1, 1 << 16)
_HALF = Fraction(1, 2)


def _resize(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    if node.text("mode", "nearest") != "nearest":
        raise UserError(f"mode {node.text('mode', '')!r} is not supported")
    old = node.opset < 11
    mode = "asymmetric" if old else node.text("coordinate_transformation_mode", "half_pixel")
    rule = "shrinking" if old else node.text("nearest_mode", "round_prefer_floor")
    node.refuse(antialias=0, keep_aspect_ratio_policy=b"stretch")
    given = node.integer_list("axes") or list(range(rank))
    axes = [axis_of(axis, rank) for axis in given]
    if not old and node.has(3) and node.value(3).shape != (0,):
        sizes = node.integers(3, "sizes")
        scales = [Fraction(n, value.shape[a]) for n, a in zip(sizes, axes, strict=True)]
    else:
        index = 1 if old else 2
        scales = list(fractions(node.reals(index, "scales")).reshape(-1))
        if len(scales) != len(axes) or min(scales, default=Fraction(1)) <= 0:
            raise UserError(f"{len(scales)} scales for {len(axes)} axes, or one is not positive")
        sizes = [_extent(value.shape[a], s) for a, s in zip(axes, scales, strict=True)]
    return [_resized(value, axes, sizes, scales, mode, rule)]


def _upsample(node: Node) -> list[Value]:
    value = node.value(0)
    if node.text("mode", "nearest") != "nearest":
        raise UserError(f"mode {node.text('mode', '')!r} is not supported")
    if node.opset < 7:
        raise UserError("before operator set 7 its scales are named otherwise; convert the file")
    numbers = node.numbers("scales") if node.opset < 9 else node.reals(1, "scales")
    if numbers is None or numbers.size != len(value.shape):
        raise UserError(f"its scales do not fit a tensor of rank {len(value.shape)}")
    scales = list(fractions(numbers).reshape(-1))
    if min(scales, default=Fraction(1)) < 1:
        raise UserError("a scale is below 1")
    sizes = [_extent(n, s) for n, s in zip(value.shape, scales, strict=True)]
    return [_resized(value, list(range(len(sizes))), sizes, scales, "asymmetric", "floor")]


def _extent(extent: int, scale: Fraction) -> int:
    exact = floor(extent * scale)
    if exact != int(np.floor(np.float32(extent) * np.float32(float(scale)))):
        raise UserError(f"{extent} entries times {float(scale)}: rounding decides of the result")
    return exact


def _resized(
    value: Value,
    axes: Sequence[int],
    sizes: Sequence[int],
    scales: Sequence[Fraction],
    mode: str,
    rule: str,
) -> Value:
    shape = list(value.shape)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    check_size(shape)
    same = tuple(shape) == value.shape
    for axis, size, scale in zip(axes, sizes, scales, strict=True):
        if size == value.shape[axis] and scale == 1:
            continue
        if size > 1 << 16:
            raise UserError(f"an axis of {size} entries")
        extent = value.shape[axis]
        nearest = rule
        if rule == "shrinking":  # operator set 10, as its tests and its runtimes have it
            nearest = "ceil" if scale < 1 else "floor"
        chosen = [_nearest(x, extent, size, scale, mode, nearest) for x in range(size)]
        if same and chosen != list(range(size)):
            raise UserError(
                f"a scale of {float(scale)} leaves the shape as it is: some runtimes then copy"
            )
        value = relocated(
            value,
            lambda ids, chosen=chosen, axis=axis: np.take(ids, chosen, axis=axis),  # type: ignore[misc]
        )
    return value


def _nearest(x: int, extent: int, size: int, scale: Fraction, mode: str, rule: str) -> int:
    """The entry that position `x` of the result reads."""
    place = _place(Fraction(x), extent, size, scale, mode)
    place = min(max(place, Fraction(0)), Fraction(extent - 1))
    whole, rest = floor(place), place - floor(place)
    # Where the choice changes: at whole numbers, or half way between them.
    step = Fraction(round(place)) if rule in ("floor", "ceil") else whole + _HALF
    if place != step and abs(place - step) < _NEAR * (1 + abs(place)):
        raise UserError(f"position {x} is so near a step that a runtime's rounding decides")
    if place == step and scale.denominator & (scale.denominator - 1) and 0 < place < extent - 1:
        raise UserError(f"position {x} lies on a step: a runtime's rounding decides")
    rounded = {
        "floor": whole,
        "ceil": ceil(place),
        "round_prefer_floor": whole + (rest > _HALF),
        "round_prefer_ceil": whole + (rest >= _HALF),
    }
    if rule not in rounded:
        raise UserError(f"nearest_mode {rule!r} is unknown")
    return min(max(int(rounded[rule]), 0), extent - 1)


def _place(x: Fraction, extent: int, size: int, scale: Fraction, mode: str) -> Fraction:
    if mode == "asymmetric":
        return x / scale
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size > 1):
        return (x + _HALF) / scale - _HALF
    if mode == "pytorch_half_pixel":
        return Fraction(0)
    if mode == "align_corners":
        return x * (extent - 1) / (size - 1) if size > 1 else Fraction(0)
    if mode == "half_pixel_symmetric":
        offset = Fraction(extent, 2) * (1 - size / (scale * extent))
        return offset + (x + _HALF) / scale - _HALF
    raise UserError(f"coordinate_transformation_mode {mode!r} is not supported")


OPERATORS: dict[str, Operator] = {"Resize": _resize, "Upsample": _upsample}
