"""Resize and Upsample: to the nearest entry, or weighted sums of the nearest, which are linear.

Where an entry of the result lies among those of the input follows from exact scales; a runtime
computes it in float32. Linear and cubic weights are continuous in that place, so that its rounding
is a rounding of weights. Where it decides, of the entry that is nearest, of the size, or of what is
outside, the file is refused, and so are the cases that ONNX and its runtimes read in two ways:
lengths that are no whole numbers for modes that divide by them, and filters for smaller images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from verifier.formats.onnx.constants import fractions
from verifier.formats.onnx.node import Node, Operator, Value, axis_of, relocated, tensor_of
from verifier.formats.tensors import check_size, linear
from verifier.question.errors import UserError

_NEAR = Fraction(1, 1 << 16)
_HALF = Fraction(1, 2)
_ONE = Fraction(1)
Taps = list[tuple[int, Fraction]]
"""Entries of the input with their weights."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """`extent` entries become `size`; `start` and `end` are those of the region, as shares."""

    axis: int
    extent: int
    size: int
    scale: Fraction
    start: Fraction = Fraction(0)
    end: Fraction = _ONE

    @property
    def all_of_it(self) -> bool:
        """Whether the region is all of the axis."""
        return self.start == 0 and self.end == 1

    @property
    def whole(self) -> bool:
        """Whether the scale gives the size, up to the rounding of a float32."""
        return abs(self.scale * self.extent - self.size) <= _NEAR * self.size


@dataclass(frozen=True, slots=True)
class _Rules:
    """`mode` of the places, `kind` of the sum: nearest (by `nearest`), linear or cubic."""

    kind: str
    mode: str
    nearest: str
    cubic: Fraction = Fraction(-3, 4)
    exclude: bool = False
    outside: Fraction = Fraction(0)


def _resize(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    old = node.opset < 11
    given = node.integer_list("axes") or list(range(rank))
    axes = [axis_of(axis, rank) for axis in given]
    extents = [value.shape[axis] for axis in axes]
    if not old and node.has(3) and node.value(3).shape != (0,):
        sizes = node.integers(3, "sizes")
        if len(sizes) != len(axes) or min(sizes, default=1) < 0:
            raise UserError(f"{len(sizes)} sizes for {len(axes)} axes, or one is negative")
        sizes, scales = _by_policy(node.text("keep_aspect_ratio_policy", "stretch"), extents, sizes)
    else:
        index = 1 if old else 2
        scales = list(fractions(node.reals(index, "scales")).reshape(-1))
        if len(scales) != len(axes) or min(scales, default=_ONE) <= 0:
            raise UserError(f"{len(scales)} scales for {len(axes)} axes, or one is not positive")
        sizes = [_extent(n, s) for n, s in zip(extents, scales, strict=True)]
    rules = _Rules(
        node.text("mode", "nearest"),
        "asymmetric" if old else node.text("coordinate_transformation_mode", "half_pixel"),
        "shrinking" if old else node.text("nearest_mode", "round_prefer_floor"),
        node.number("cubic_coeff_a", -0.75),
        node.switch("exclude_outside", False),
        node.number("extrapolation_value", 0.0),
    )
    if rules.kind == "linear" and rules.exclude:
        raise UserError("exclude_outside is for the mode cubic")
    if rules.kind != "nearest" and node.switch("antialias", False) and {*scales} - {_ONE}:
        raise UserError("antialias, of which runtimes treat the border in different ways")
    regions = _regions(node, len(axes)) if rules.mode == "tf_crop_and_resize" else None
    found = []
    for k, (axis, size, scale) in enumerate(zip(axes, sizes, scales, strict=True)):
        start, end = (Fraction(0), _ONE) if regions is None else regions[k]
        found.append(_Axis(axis, value.shape[axis], size, scale, start, end))
    return [_resized(value, found, rules)]


def _by_policy(
    policy: str, extents: Sequence[int], sizes: Sequence[int]
) -> tuple[list[int], list[Fraction]]:
    """Sizes and scales, where the ratio of the sides is kept or not."""
    scales = [Fraction(size, extent) for size, extent in zip(sizes, extents, strict=True)]
    if policy == "stretch":
        return list(sizes), scales
    if policy not in ("not_larger", "not_smaller"):
        raise UserError(f"keep_aspect_ratio_policy {policy!r} is unknown")
    scale = (min if policy == "not_larger" else max)(scales, default=_ONE)
    exact = [scale * extent for extent in extents]
    if any(abs(size % 1 - _HALF) < _NEAR * (1 + size) for size in exact):
        raise UserError("half an entry: a runtime's rounding decides of the size")
    return [floor(size + _HALF) for size in exact], [scale] * len(sizes)


def _regions(node: Node, count: int) -> list[tuple[Fraction, Fraction]]:
    """Start and end of the region on every axis."""
    ends = list(fractions(node.reals(1, "region")).reshape(-1))
    if len(ends) != 2 * count:
        raise UserError(f"{len(ends)} ends of the region for {count} axes")
    return list(zip(ends[:count], ends[count:], strict=True))


def _upsample(node: Node) -> list[Value]:
    value = node.value(0)
    if node.opset < 7:
        raise UserError("before operator set 7 its scales are named otherwise; convert the file")
    numbers = node.numbers("scales") if node.opset < 9 else node.reals(1, "scales")
    if numbers is None or numbers.size != len(value.shape):
        raise UserError(f"its scales do not fit a tensor of rank {len(value.shape)}")
    scales = list(fractions(numbers).reshape(-1))
    if min(scales, default=_ONE) < 1:
        raise UserError("a scale is below 1")
    axes = [
        _Axis(axis, extent, _extent(extent, scale), scale)
        for axis, (extent, scale) in enumerate(zip(value.shape, scales, strict=True))
    ]
    kind = node.text("mode", "nearest")
    return [_resized(value, axes, _Rules(kind, "asymmetric", "floor"))]


def _extent(extent: int, scale: Fraction) -> int:
    exact = floor(extent * scale)
    if exact != int(np.floor(np.float32(extent) * np.float32(float(scale)))):
        raise UserError(f"{extent} entries times {float(scale)}: rounding decides of the result")
    return exact


def _resized(value: Value, axes: Sequence[_Axis], rules: _Rules) -> Value:
    """The value, resized along one axis after another."""
    shape = list(value.shape)
    for entry in axes:
        shape[entry.axis] = entry.size
    check_size(shape)
    if max(shape, default=0) > 1 << 16:
        raise UserError(f"an axis of {max(shape)} entries")
    same = tuple(shape) == value.shape
    for entry in axes:
        if entry.size == entry.extent and entry.scale == 1:
            if rules.mode == "tf_crop_and_resize" and not entry.all_of_it:
                raise UserError("a region of an axis that keeps its size: some runtimes copy")
            continue
        taps = [_taps(x, entry, rules) for x in range(entry.size)]
        if same and any(found != [(x, _ONE)] for x, found in enumerate(taps)):
            raise UserError(
                f"a scale of {float(entry.scale)} leaves the shape as it is: some runtimes copy"
            )
        value = _summed(value, entry, taps, rules.outside)
    return value


def _summed(value: Value, entry: _Axis, taps: Sequence[Taps | None], outside: Fraction) -> Value:
    """The sums along the axis; None stands for what lies outside."""
    if all(found is not None and len(found) == 1 for found in taps):
        chosen = [found[0][0] for found in taps if found is not None]
        return relocated(value, lambda ids: np.take(ids, chosen, axis=entry.axis))
    tensor = tensor_of(value)
    places = np.arange(tensor.ids.size, dtype=np.int64).reshape(tensor.shape)
    most = max(len(found or ()) for found in taps)
    indices = np.zeros((entry.size, most), dtype=np.int64)
    weights = np.full((entry.size, most), Fraction(0), dtype=object)
    bias = np.full(entry.size, Fraction(0), dtype=object)
    for x, found in enumerate(taps):
        bias[x] = outside if found is None else bias[x]
        for k, (index, weight) in enumerate(found or ()):
            indices[x, k], weights[x, k] = index, weight
    read = np.take(places, indices, axis=entry.axis)  # .., size, most, ..
    read = np.moveaxis(read, entry.axis + 1, -1)
    shape = read.shape[:-1]
    check_size(read.shape)
    ahead = (1,) * entry.axis
    behind = (1,) * (len(shape) - entry.axis - 1)
    factors = np.broadcast_to(weights.reshape(*ahead, entry.size, *behind, most), read.shape)
    shifts = np.broadcast_to(bias.reshape(*ahead, entry.size, *behind), shape)
    return linear(
        tensor, read.reshape(-1, most), factors.reshape(-1, most), shape, shifts.reshape(-1)
    )


def _taps(x: int, entry: _Axis, rules: _Rules) -> Taps | None:
    """What position `x` of the result sums up, without weights of 0; None where it is outside."""
    place = _place(Fraction(x), entry, rules)
    last = entry.extent - 1
    if rules.mode == "tf_crop_and_resize":
        near = min(abs(place), abs(place - last)) < _NEAR * entry.extent
        if near and last and not entry.all_of_it:
            raise UserError(f"position {x} is so near the end that a runtime's rounding decides")
        if not 0 <= place <= last:
            return None
    if rules.kind == "nearest":
        return [(_nearest(x, place, entry, rules), _ONE)]
    below = floor(place)
    t = place - below
    if rules.kind == "linear":
        weighted = [(below, 1 - t), (below + 1, t)]
    elif rules.kind == "cubic":
        a = rules.cubic
        weighted = [(below + k, _cubic(abs(t - k), a)) for k in (-1, 0, 1, 2)]
    else:
        raise UserError(f"mode {rules.kind!r} is unknown")
    if rules.exclude:
        weighted = [(k, weight) for k, weight in weighted if 0 <= k <= last]
        total = sum((weight for _, weight in weighted), Fraction(0))
        if not total:
            raise UserError(f"position {x} has no entries inside")
        weighted = [(k, weight / total) for k, weight in weighted]
    found: dict[int, Fraction] = {}
    for k, weight in weighted:  # beyond the ends the last entry is repeated
        k = min(max(k, 0), last)
        found[k] = found.get(k, Fraction(0)) + weight
    return [(k, weight) for k, weight in found.items() if weight]


def _cubic(distance: Fraction, a: Fraction) -> Fraction:
    """The weight of an entry at this distance, up to 2."""
    d = distance
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a


def _nearest(x: int, place: Fraction, entry: _Axis, rules: _Rules) -> int:
    """The entry that position `x` of the result reads."""
    extent, scale, rule = entry.extent, entry.scale, rules.nearest
    if rule == "shrinking":  # operator set 10, as its tests and its runtimes have it
        rule = "ceil" if scale < 1 else "floor"
    # Where the choice changes: at whole numbers, or half way between them; not beyond the ends.
    step = Fraction(round(place)) if rule in ("floor", "ceil") else floor(place) + _HALF
    first = 1 if rule == "floor" else 0
    if first <= floor(step) <= extent - 2 + first:
        if place != step and abs(place - step) < _NEAR * (1 + abs(place)):
            raise UserError(f"position {x} is so near a step that a runtime's rounding decides")
        if place == step and not _is_computed(entry, rules):
            raise UserError(f"position {x} lies on a step: a runtime's rounding decides")
    place = min(max(place, Fraction(0)), Fraction(extent - 1))
    whole, rest = floor(place), place - floor(place)
    rounded = {
        "floor": whole,
        "ceil": ceil(place),
        "round_prefer_floor": whole + (rest > _HALF),
        "round_prefer_ceil": whole + (rest >= _HALF),
    }
    if rule not in rounded:
        raise UserError(f"nearest_mode {rule!r} is unknown")
    return min(max(int(rounded[rule]), 0), extent - 1)


def _is_computed(entry: _Axis, rules: _Rules) -> bool:
    """Whether a runtime computes short places exactly: its scale is a float, and what it divides
    by is one."""
    dyadic = entry.scale.denominator & (entry.scale.denominator - 1) == 0
    if rules.mode in ("asymmetric", "half_pixel"):
        return dyadic
    inside = rules.mode != "tf_crop_and_resize" or entry.all_of_it
    return dyadic and inside and entry.scale * entry.extent == entry.size


def _place(x: Fraction, entry: _Axis, rules: _Rules) -> Fraction:
    """Where position `x` of the result lies among the entries of the input."""
    mode, extent, size, scale = rules.mode, entry.extent, entry.size, entry.scale
    if mode == "asymmetric":
        return x / scale
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size > 1):
        return (x + _HALF) / scale - _HALF
    if mode == "half_pixel_symmetric":
        offset = Fraction(extent, 2) * (1 - size / (scale * extent))
        return offset + (x + _HALF) / scale - _HALF
    if mode not in ("align_corners", "pytorch_half_pixel", "tf_crop_and_resize"):
        raise UserError(f"coordinate_transformation_mode {mode!r} is not supported")
    if not entry.whole:
        raise UserError(
            f"{extent} entries times {float(scale)} are no whole number, of which runtimes divide "
            f"by the length or by {size} in the mode {mode}"
        )
    if mode == "align_corners":
        return x * (extent - 1) / (size - 1) if size > 1 else Fraction(0)
    if mode == "pytorch_half_pixel":
        if rules.kind == "cubic":
            raise UserError(f"a single entry in the mode {mode}, which runtimes place differently")
        return Fraction(0)
    width = extent - 1
    if size == 1:
        return (entry.start + entry.end) * width / 2
    return entry.start * width + x * (entry.end - entry.start) * width / (size - 1)


OPERATORS: dict[str, Operator] = {"Resize": _resize, "Upsample": _upsample}
