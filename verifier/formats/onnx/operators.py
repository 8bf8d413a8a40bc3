"""What each ONNX operator does to exact tensors; one function an operator.

A value is a `Tensor` if it depends on an input, else an array: float64 (each entry the dyadic
rational that it is), objects that are Fractions, or int64 (shapes and indices). Real arithmetic
throughout: a Cast between float types changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, prod
from typing import Any

import numpy as np

from verifier.formats.affine_rows import Exact, Index, compose, stack, weighted_at
from verifier.formats.tensors import (
    Graph,
    Tensor,
    check_shape,
    constant_tensor,
    constant_values,
    joined,
    linear,
    moved,
    scaled,
    tensor,
    weighted_sum,
)
from verifier.question.errors import UserError

Value = Tensor | Exact


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the graph, its inputs already computed; an omitted input is None.

    It names `outputs` outputs; of those, something reads the first `used` at most.
    """

    graph: Graph
    inputs: Sequence[Value | None]
    attributes: dict[str, Any]
    opset: int
    outputs: int
    used: int

    def value(self, index: int) -> Value:
        """The input with this number; raises UserError where it is missing."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise UserError(f"input {index} is missing")
        return value

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def constant(self, index: int, what: str) -> Exact:
        """The input with this number, which must not depend on the network's input."""
        value = self.value(index)
        if isinstance(value, Tensor):
            raise UserError(f"its {what} depends on the network's input")
        return value

    def integers(self, index: int, what: str) -> list[int]:
        """The flat entries of a constant integer input."""
        value = self.constant(index, what)
        if value.dtype != np.int64:
            raise UserError(f"its {what} is not of integers")
        if value.size > 1 << 16:
            raise UserError(f"its {what} has {value.size} entries")
        return [int(entry) for entry in value.reshape(-1)]

    def tensor(self, index: int) -> Tensor:
        """The input with this number, as a tensor even if it is constant."""
        value = self.value(index)
        return value if isinstance(value, Tensor) else constant_tensor(value)

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise UserError(f"attribute {name} is not an integer")
        return value

    def number(self, name: str, default: float) -> Fraction:
        value = self.attributes.get(name, default)
        if not isinstance(value, float | int) or not np.isfinite(value):
            raise UserError(f"attribute {name} is not a finite number")
        return Fraction(value)

    def integer_list(self, name: str) -> list[int] | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not all(isinstance(v, int) for v in value):
            raise UserError(f"attribute {name} is not a list of integers")
        return list(value)

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise UserError(f"attribute {name} is not a text")
        return value.decode("utf-8", "replace")

    def refuse(self, **plain: Any) -> None:
        """Raises UserError if an attribute differs from the one value that is supported."""
        for name, value in plain.items():
            if self.attributes.get(name, value) != value:
                raise UserError(f"attribute {name} = {self.attributes[name]!r} is not supported")


Operator = Callable[[Node], list[Value]]


def settled(value: Value) -> Value:
    """`value`, as an array if it no longer depends on an input."""
    if isinstance(value, Tensor) and value.is_constant:
        return constant_values(value)
    return value if isinstance(value, Tensor) else np.asarray(value)


def _moved(value: Value, move: Callable[[Index], Index]) -> Value:
    if isinstance(value, Tensor):
        return moved(value, move)
    result: Exact = move(value)
    if result.size:
        check_shape(result.shape)
    return result


def _axis(axis: int, rank: int, what: str = "axis") -> int:
    if not -rank <= axis < rank:
        raise UserError(f"{what} {axis} is outside a tensor of rank {rank}")
    return axis % rank


# ------------------------------------------------------------------ arithmetic


def _add(node: Node) -> list[Value]:
    return [_combination(node, [1] * len(node.inputs))]


def _subtract(node: Node) -> list[Value]:
    return [_combination(node, [1, -1])]


def _mean(node: Node) -> list[Value]:
    return [_combination(node, [Fraction(1, len(node.inputs))] * len(node.inputs))]


def _combination(node: Node, factors: Sequence[int | Fraction]) -> Value:
    node.refuse(axis=None)
    values = [node.value(k) for k in range(len(factors))]
    if not values:
        raise UserError("it has no input")
    whole = all(not isinstance(value, Tensor) and value.dtype == np.int64 for value in values)
    if whole and all(isinstance(factor, int) for factor in factors):
        total: Any = sum(np.asarray(v) * f for v, f in zip(values, factors, strict=True))
        return np.asarray(total, dtype=np.int64)
    if len(values) == 2 and factors in ([1, 1], [1, -1]):
        left, right = values
        zero = np.zeros((), dtype=np.float64)
        if isinstance(left, Tensor) and not isinstance(right, Tensor):
            return scaled(left, np.ones((), dtype=np.float64), _signed(right, factors[1]))
        if isinstance(right, Tensor) and not isinstance(left, Tensor):
            return scaled(right, zero + float(factors[1]), left)
    return weighted_sum([node.tensor(k) for k in range(len(values))], factors)


def _signed(values: Exact, sign: int | Fraction) -> Exact:
    return values if sign == 1 else np.asarray(-values)


def _multiply(node: Node) -> list[Value]:
    node.refuse(axis=None)
    left, right = node.value(0), node.value(1)
    zero = np.zeros((), dtype=np.float64)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        raise UserError("a product of two values that both depend on the network's input")
    if isinstance(left, Tensor):
        return [scaled(left, node.constant(1, "factor"), zero)]
    if left.dtype == np.int64 and not isinstance(right, Tensor) and right.dtype == np.int64:
        return [np.asarray(left * right)]
    return [scaled(node.tensor(1), left, zero)]


def _divide(node: Node) -> list[Value]:
    node.refuse(axis=None)
    divisor = node.constant(1, "divisor")
    if not np.all(divisor != 0):
        raise UserError("a division by zero")
    value = node.value(0)
    if isinstance(value, np.ndarray) and value.dtype == np.int64 == divisor.dtype:
        return [np.asarray(np.sign(value) * np.sign(divisor) * (abs(value) // abs(divisor)))]
    inverse = np.asarray(np.frompyfunc(_inverse, 1, 1)(divisor.astype(object)), dtype=object)
    return [scaled(node.tensor(0), inverse, np.zeros((), dtype=np.float64))]


def _inverse(value: Any) -> Fraction:
    try:
        return 1 / Fraction(value)
    except (OverflowError, ValueError):
        raise UserError("a divisor is NaN or infinite") from None


def _negate(node: Node) -> list[Value]:
    value = node.value(0)
    if isinstance(value, np.ndarray):
        return [np.asarray(-value)]
    return [scaled(value, np.array(-1.0), np.zeros((), dtype=np.float64))]


def _matmul(node: Node) -> list[Value]:
    return [_product(node.value(0), node.value(1))]


def _product(left: Value, right: Value) -> Value:
    """left @ right with numpy's rules for batches; at most one depends on an input."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        raise UserError("a product of two values that both depend on the network's input")
    if not isinstance(left, Tensor) and not isinstance(right, Tensor):
        left = constant_tensor(left)
    first, second = left.shape, right.shape
    if not first or not second:
        raise UserError("a product with a scalar")
    a = _reshaped(left, (1, *first)) if len(first) == 1 else left
    b = _reshaped(right, (*second, 1)) if len(second) == 1 else right
    (m, k), (k2, n) = a.shape[-2:], b.shape[-2:]
    if k != k2:
        raise UserError(f"shapes {list(first)} and {list(second)} do not fit")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    check_shape((*batch, m, n, k))
    full = (*batch, m, n, k)
    symbolic, weights = (a, b) if isinstance(a, Tensor) else (b, a)
    if not isinstance(symbolic, Tensor) or isinstance(weights, Tensor):
        raise UserError("a product of two constants")  # not reached: left was made a tensor
    places = np.arange(symbolic.ids.size, dtype=np.int64).reshape(symbolic.shape)
    if symbolic is a:
        positions = places[..., :, None, :]
        factors = np.swapaxes(weights, -1, -2)[..., None, :, :]
    else:
        positions = np.swapaxes(places, -1, -2)[..., None, :, :]
        factors = weights[..., :, None, :]
    result = linear(
        symbolic,
        np.broadcast_to(positions, full).reshape(-1, k),
        np.broadcast_to(factors, full).reshape(-1, k),
        (*batch, m, n),
    )
    if len(first) == 1:
        result = moved(result, lambda ids: ids.squeeze(-2))
    if len(second) == 1:
        result = moved(result, lambda ids: ids.squeeze(-1))
    return result


def _reshaped(value: Value, shape: tuple[int, ...]) -> Value:
    return _moved(value, lambda ids: ids.reshape(shape))


def _gemm(node: Node) -> list[Value]:
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    left, right = node.value(0), node.value(1)
    if len(left.shape) != 2:
        raise UserError(f"its first input has shape {list(left.shape)}, not a matrix")
    if len(right.shape) != 2:
        raise UserError(f"its second input has shape {list(right.shape)}, not a matrix")
    if node.integer("transA", 0):
        left = _moved(left, np.transpose)
    if node.integer("transB", 0):
        right = _moved(right, np.transpose)
    result = _product(left, right)
    zero = np.zeros((), dtype=np.float64)
    if alpha != 1:
        result = scaled(_tensor(result), _scalar(alpha), zero)
    if not node.has(2) or beta == 0:
        return [result]
    bias = node.value(2)
    if np.broadcast_shapes(result.shape, bias.shape) != result.shape:
        raise UserError(f"its bias has shape {list(bias.shape)}, its product {list(result.shape)}")
    if isinstance(bias, Tensor):
        return [weighted_sum([_tensor(result), bias], [1, beta])]
    if beta != 1:
        bias = constant_values(scaled(constant_tensor(bias), _scalar(beta), zero))
    return [scaled(_tensor(result), np.ones((), dtype=np.float64), bias)]


def _tensor(value: Value) -> Tensor:
    return value if isinstance(value, Tensor) else constant_tensor(value)


def _scalar(number: Fraction) -> Exact:
    packed = np.empty((), dtype=object)
    packed[()] = number
    return packed


# ------------------------------------------------------------------ piecewise linear


def _relu(node: Node) -> list[Value]:
    return [node.graph.relu(node.tensor(0))]


def _leaky_relu(node: Node) -> list[Value]:
    return [
        node.graph.leaky(node.tensor(0), _scalar(node.number("alpha", float(np.float32(0.01)))))
    ]


def _prelu(node: Node) -> list[Value]:
    value, slope = node.tensor(0), node.constant(1, "slope")
    if slope.dtype != object and not np.isfinite(slope.astype(np.float64)).all():
        raise UserError("a slope is NaN or infinite")
    if np.broadcast_shapes(value.shape, slope.shape) != value.shape:
        raise UserError(f"slope of shape {list(slope.shape)}, value of shape {list(value.shape)}")
    return [node.graph.leaky(value, slope)]


def _absolute(node: Node) -> list[Value]:
    value = node.tensor(0)
    return [weighted_sum([node.graph.relu(value), value], [2, -1])]


def _maximum(node: Node) -> list[Value]:
    result = node.tensor(0)
    for k in range(1, len(node.inputs)):
        result = node.graph.maximum(result, node.tensor(k))
    return [result]


def _minimum(node: Node) -> list[Value]:
    result = node.tensor(0)
    for k in range(1, len(node.inputs)):
        result = node.graph.minimum(result, node.tensor(k))
    return [result]


def _clip(node: Node) -> list[Value]:
    """low + max(x - low, 0) - max(x - high, 0); one-sided forms need one unit."""
    value = node.tensor(0)
    low, high = _limit(node, 1, "min"), _limit(node, 2, "max")
    if low is not None and high is not None and low > high:
        raise UserError(f"min {float(low)} is above max {float(high)}")
    one = np.ones((), dtype=np.float64)
    if low is None:
        if high is None:
            return [value]
        rest = node.graph.relu(scaled(value, -one, _scalar(high)))
        return [scaled(rest, -one, _scalar(high))]
    above = node.graph.relu(scaled(value, one, _scalar(-low)))
    if high is None:
        return [scaled(above, one, _scalar(low))]
    beyond = node.graph.relu(scaled(value, one, _scalar(-high)))
    return [scaled(weighted_sum([above, beyond], [1, -1]), one, _scalar(low))]


_UNBOUNDED = Fraction(float(np.finfo(np.float32).max))


def _limit(node: Node, index: int, name: str) -> Fraction | None:
    """The clip limit, or None where there is none (absent, infinite, or the largest float32)."""
    if node.opset < 11:
        number = node.attributes.get(name)
    elif node.has(index):
        entries = node.constant(index, name)
        if entries.size != 1:
            raise UserError(f"{name} has {entries.size} entries")
        number = entries.reshape(-1)[0]
    else:
        number = None
    if number is None:
        return None
    if number != number:
        raise UserError(f"{name} is NaN")
    if abs(number) >= _UNBOUNDED:
        if (number > 0) != (name == "max"):
            raise UserError(f"{name} is {number}")
        return None
    return Fraction(number if not isinstance(number, np.generic) else number.item())


# ------------------------------------------------------------------ convolution and pooling


@dataclass(frozen=True, slots=True)
class _Windows:
    """places[o, t]: the flat spatial position that tap t of output o reads; -1 in the padding,
    -2 beyond it."""

    places: Index
    shape: tuple[int, ...]


def _windows(node: Node, spatial: Sequence[int], kernel: Sequence[int]) -> _Windows:
    rank = len(spatial)
    if len(kernel) != rank or any(extent < 1 for extent in kernel):
        raise UserError(f"a kernel of shape {list(kernel)} for a tensor of {rank} spatial axes")
    strides = node.integer_list("strides") or [1] * rank
    dilations = node.integer_list("dilations") or [1] * rank
    pads = node.integer_list("pads") or [0] * (2 * rank)
    if len(strides) != rank or len(dilations) != rank or len(pads) != 2 * rank:
        raise UserError(f"strides, dilations or pads do not fit {rank} spatial axes")
    if min(strides) < 1 or min(dilations) < 1 or min(pads) < 0:
        raise UserError("strides and dilations must be positive, pads not negative")
    automatic = node.text("auto_pad", "NOTSET")
    axes = []
    for k in range(rank):
        reach = (kernel[k] - 1) * dilations[k] + 1
        before, after = pads[k], pads[rank + k]
        if automatic == "VALID":
            before = after = 0
        elif automatic in ("SAME_UPPER", "SAME_LOWER"):
            count = -(-spatial[k] // strides[k])
            total = max((count - 1) * strides[k] + reach - spatial[k], 0)
            before = total // 2 if automatic == "SAME_UPPER" else total - total // 2
            after = total - before
        elif automatic != "NOTSET":
            raise UserError(f"auto_pad {automatic!r} is unknown")
        room = spatial[k] + before + after - reach
        if room < 0:
            raise UserError(f"a window of {reach} does not fit {spatial[k]} padded entries")
        count = room // strides[k] + 1
        if node.integer("ceil_mode", 0):
            count = -(-room // strides[k]) + 1
            if (count - 1) * strides[k] >= spatial[k] + before:
                count -= 1
        check_shape((count, kernel[k]))
        raw = (
            np.arange(count, dtype=np.int64)[:, None] * strides[k]
            + np.arange(kernel[k], dtype=np.int64)[None, :] * dilations[k]
            - before
        )
        axis = np.where((raw < 0) | (raw >= spatial[k]), -1, raw)
        axes.append(np.where(raw >= spatial[k] + after, -2, axis))
    shape = tuple(len(axis) for axis in axes)
    check_shape((*shape, *kernel))
    places = np.zeros((1, 1), dtype=np.int64)
    for extent, axis in zip(spatial, axes, strict=True):
        outer, inner = places[:, None, :, None], axis[None, :, None, :]
        outside = (outer < 0) | (inner < 0)
        joint = np.where(outside, np.minimum(outer, inner), outer * extent + inner)
        places = joint.reshape(joint.shape[0] * joint.shape[1], -1)
    return _Windows(places, shape)


def _convolution(node: Node) -> list[Value]:
    value, kernel = node.tensor(0), node.constant(1, "kernel")
    if len(value.shape) < 3 or len(kernel.shape) != len(value.shape):
        raise UserError(f"input of shape {list(value.shape)}, kernel of shape {list(kernel.shape)}")
    batch, channels, *spatial = value.shape
    made, depth, *taps = kernel.shape
    group = node.integer("group", 1)
    if group < 1 or channels != depth * group or made % group:
        raise UserError(
            f"{channels} channels in, {made} out, kernel of depth {depth}, {group} groups"
        )
    declared = node.integer_list("kernel_shape")
    if declared is not None and declared != taps:
        raise UserError(f"kernel_shape {declared}, but the kernel is {taps}")
    windows = _windows(node, spatial, taps)
    sites, size = windows.places.shape
    area = prod(spatial)
    bias = node.constant(2, "bias") if node.has(2) else np.zeros(made)
    if bias.shape != (made,):
        raise UserError(f"bias of shape {list(bias.shape)} for {made} channels")
    check_shape((batch, made, *windows.shape))
    check_shape((made // group, sites, depth * size))
    inside = windows.places >= 0
    blocks = []
    for n in range(batch):
        for m in range(made):
            base = (n * channels + (m // (made // group)) * depth) * area
            channel = base + np.arange(depth, dtype=np.int64) * area
            positions = np.where(
                inside[:, None, :], channel[None, :, None] + windows.places[:, None, :], -1
            ).reshape(sites, depth * size)
            weights = np.broadcast_to(kernel[m].reshape(1, -1), positions.shape)
            blocks.append(weighted_at(positions, weights, np.broadcast_to(bias[m], (sites,))))
    return [tensor(compose(stack(blocks), value.rows()), (batch, made, *windows.shape))]


def _pooling_windows(node: Node, value: Tensor) -> tuple[_Windows, int, int]:
    if len(value.shape) < 3:
        raise UserError(f"input of shape {list(value.shape)} has no spatial axes")
    kernel = node.integer_list("kernel_shape")
    if kernel is None:
        raise UserError("attribute kernel_shape is missing")
    windows = _windows(node, value.shape[2:], kernel)
    planes = value.shape[0] * value.shape[1]
    check_shape((planes, *windows.shape))
    check_shape((planes, *windows.places.shape))
    return windows, planes, prod(value.shape[2:])


def _max_pool(node: Node) -> list[Value]:
    node.refuse(storage_order=0)
    if node.used > 1:
        raise UserError("its output Indices is not supported")
    value = node.tensor(0)
    windows, planes, area = _pooling_windows(node, value)
    base = np.arange(planes, dtype=np.int64).reshape(-1, 1, 1) * area
    places = windows.places.reshape(1, *windows.places.shape)
    flat = value.ids.reshape(-1)
    chosen = np.where(places >= 0, base + places, -1)
    if not (chosen >= 0).any(axis=-1).all():
        raise UserError("a window lies in the padding")
    # A position in the padding is replaced by one inside: the maximum stays the same.
    some = chosen.max(axis=-1, keepdims=True)
    ids = flat[np.where(chosen >= 0, chosen, some)]
    result = Tensor(ids, value.forms)
    while result.shape[-1] > 1:
        count = result.shape[-1]
        half = count // 2
        left = moved(result, lambda ids, half=half: ids[..., :half])  # type: ignore[misc]
        right = moved(result, lambda ids, half=half: ids[..., half : 2 * half])  # type: ignore[misc]
        larger = node.graph.maximum(left, right)
        if count % 2:
            rest = moved(result, lambda ids: ids[..., -1:])
            parts, forms = joined([larger, rest])
            larger = Tensor(np.concatenate(parts, axis=-1), forms)
        result = larger
    shape = (*value.shape[:2], *windows.shape)
    return [moved(result, lambda ids: ids.reshape(shape))]


def _average_pool(node: Node) -> list[Value]:
    value = node.tensor(0)
    windows, planes, area = _pooling_windows(node, value)
    counted = windows.places >= (-1 if node.integer("count_include_pad", 0) else 0)
    numbers = counted.sum(axis=1)
    if not (numbers > 0).all():
        raise UserError("a window lies in the padding")
    share = np.empty(len(numbers), dtype=object)
    share[:] = [Fraction(1, int(count)) for count in numbers]
    base = np.arange(planes, dtype=np.int64).reshape(-1, 1, 1) * area
    positions = np.where(windows.places >= 0, base + windows.places, -1)
    size = windows.places.shape[1]
    weights = np.broadcast_to(share.reshape(1, -1, 1), positions.shape)
    shape = (*value.shape[:2], *windows.shape)
    return [linear(value, positions.reshape(-1, size), weights.reshape(-1, size), shape)]


def _global_average_pool(node: Node) -> list[Value]:
    value = node.tensor(0)
    if len(value.shape) < 3:
        raise UserError(f"input of shape {list(value.shape)} has no spatial axes")
    return [_reduction(value, list(range(2, len(value.shape))), True, True)]


def _reduce(node: Node, mean: bool) -> list[Value]:
    value = node.tensor(0)
    given = node.integer_list("axes")
    if given is None and node.has(1):
        given = node.integers(1, "axes")
    if not given:
        if node.integer("noop_with_empty_axes", 0):
            return [value]
        given = list(range(len(value.shape)))
    axes = sorted({_axis(axis, len(value.shape)) for axis in given})
    return [_reduction(value, axes, bool(node.integer("keepdims", 1)), mean)]


def _reduction(value: Tensor, axes: Sequence[int], keep: bool, mean: bool) -> Tensor:
    """The sum, or the mean, over `axes`."""
    others = [axis for axis in range(len(value.shape)) if axis not in axes]
    size = prod(value.shape[axis] for axis in axes)
    places = np.arange(value.ids.size, dtype=np.int64).reshape(value.shape)
    positions = places.transpose([*others, *axes]).reshape(-1, size)
    factor = _scalar(Fraction(1, size)) if mean else np.ones((), dtype=np.float64)
    shape = [
        1 if axis in axes else extent
        for axis, extent in enumerate(value.shape)
        if keep or axis not in axes
    ]
    return linear(value, positions, np.broadcast_to(factor, positions.shape), shape)


def _batch_normalization(node: Node) -> list[Value]:
    """(x - mean) scale / sqrt(variance + epsilon) + bias, channel by channel.

    Where the root is irrational, scale / root is the nearest float64; everything else is exact.
    """
    node.refuse(training_mode=0, spatial=1)
    if node.used > 1:
        raise UserError("its outputs for training are not supported")
    value = node.tensor(0)
    if len(value.shape) < 2:
        raise UserError(f"input of shape {list(value.shape)} has no channels")
    channels = value.shape[1]
    names = ("scale", "bias", "mean", "variance")
    columns = [node.constant(k + 1, name) for k, name in enumerate(names)]
    for name, column in zip(names, columns, strict=True):
        if column.shape != (channels,):
            raise UserError(f"{name} of shape {list(column.shape)} for {channels} channels")
        if column.dtype != object and not np.isfinite(column.astype(np.float64)).all():
            raise UserError(f"{name} is NaN or infinite")
    epsilon = node.number("epsilon", float(np.float32(1e-5)))
    factors, shifts = np.empty(channels, dtype=object), np.empty(channels, dtype=object)
    for c in range(channels):
        scale, bias, mean, variance = (Fraction(column[c]) for column in columns)
        if variance + epsilon <= 0:
            raise UserError(f"variance + epsilon is not positive in channel {c}")
        factors[c] = _quotient_by_root(scale, variance + epsilon)
        shifts[c] = bias - mean * factors[c]
    shape = (channels,) + (1,) * (len(value.shape) - 2)
    return [scaled(value, factors.reshape(shape), shifts.reshape(shape))]


def _quotient_by_root(top: Fraction, square: Fraction) -> Fraction:
    """top / sqrt(square) if that is rational, else the nearest float64 (to within 2^-100)."""
    n, d = square.numerator, square.denominator
    if isqrt(n) ** 2 == n and isqrt(d) ** 2 == d:
        return top / Fraction(isqrt(n), isqrt(d))
    shift = 2 * max(0, 256 - n.bit_length() + d.bit_length())
    root = Fraction(isqrt((n << shift) // d), 1 << (shift // 2))
    try:
        return Fraction(float(top / root))
    except OverflowError:
        raise UserError("scale / sqrt(variance + epsilon) is beyond float64") from None


# ------------------------------------------------------------------ moving data


def _identity(node: Node) -> list[Value]:
    return [node.value(0)]


def _dropout(node: Node) -> list[Value]:
    if node.used > 1:
        raise UserError("its output mask is not supported")
    training = bool(node.opset < 7 and not node.integer("is_test", 0))
    if node.opset >= 12 and node.has(2):
        training = bool(np.any(node.constant(2, "training_mode") != 0))
    if training:
        rate = node.constant(1, "ratio") if node.has(1) else np.array(0.5)
        if np.any(rate != 0):
            raise UserError("it is in training mode, which is random")
    return [node.value(0)]


_FLOAT_TYPES = {1, 10, 11, 16}  # float32, float16, float64, bfloat16
_INTEGER_TYPES = {2, 3, 4, 5, 6, 7, 12, 13}


def _cast(node: Node) -> list[Value]:
    target, value = node.integer("to", 0), node.value(0)
    if target in _FLOAT_TYPES:
        if isinstance(value, np.ndarray) and value.dtype == np.int64:
            if np.any(np.abs(value) >= 2**53):
                raise UserError("an integer does not fit a float64")
            return [value.astype(np.float64)]
        return [value]
    if target not in _INTEGER_TYPES:
        raise UserError(f"a cast to type {target} is not supported")
    if isinstance(value, Tensor):
        raise UserError("a cast of the network's values to integers is not supported")
    if value.dtype == np.int64:
        return [value]
    whole = [int(Fraction(entry)) for entry in value.reshape(-1).tolist()]
    if any(abs(entry) >= 2**31 for entry in whole):
        raise UserError("a cast of a number beyond 2^31 to an integer")
    return [np.array(whole, dtype=np.int64).reshape(value.shape)]


def _reshape(node: Node) -> list[Value]:
    value = node.value(0)
    wanted = node.integer_list("shape") if node.opset < 5 else node.integers(1, "shape")
    if wanted is None:
        raise UserError("attribute shape is missing")
    if node.integer("allowzero", 0) and 0 in wanted:
        raise UserError(f"the shape {wanted} is empty")
    shape = []
    for axis, extent in enumerate(wanted):
        if extent == 0 and axis >= len(value.shape):
            raise UserError(f"shape {wanted} copies axis {axis} of {list(value.shape)}")
        shape.append(value.shape[axis] if extent == 0 else extent)
    size, known = prod(value.shape), prod(extent for extent in shape if extent != -1)
    if shape.count(-1) == 1 and known > 0 and size % known == 0:
        shape[shape.index(-1)] = size // known
    if min(shape, default=1) < 0 or prod(shape) != size:
        raise UserError(f"shape {list(value.shape)} cannot become {wanted}")
    return [_reshaped(value, tuple(shape))]


def _flatten(node: Node) -> list[Value]:
    value, axis = node.value(0), node.integer("axis", 1)
    rank = len(value.shape)
    if not -rank <= axis <= rank:
        raise UserError(f"axis {axis} is outside a tensor of rank {rank}")
    cut = axis if axis >= 0 else axis + rank
    return [_reshaped(value, (prod(value.shape[:cut]), prod(value.shape[cut:])))]


def _axes(node: Node) -> list[int] | None:
    return (
        node.integer_list("axes")
        if node.opset < 13
        else (node.integers(1, "axes") if node.has(1) else None)
    )


def _squeeze(node: Node) -> list[Value]:
    value, given = node.value(0), _axes(node)
    rank = len(value.shape)
    if given is None:
        axes = {axis for axis, extent in enumerate(value.shape) if extent == 1}
    else:
        axes = {_axis(axis, rank) for axis in given}
    if any(value.shape[axis] != 1 for axis in axes):
        raise UserError(f"axes {sorted(axes)} of shape {list(value.shape)} are not all 1")
    shape = tuple(extent for axis, extent in enumerate(value.shape) if axis not in axes)
    return [_reshaped(value, shape)]


def _unsqueeze(node: Node) -> list[Value]:
    value, given = node.value(0), _axes(node)
    if given is None:
        raise UserError("its axes are missing")
    rank = len(value.shape) + len(given)
    if rank > 64:
        raise UserError(f"a tensor of rank {rank}")
    axes = {_axis(axis, rank) for axis in given}
    if len(axes) != len(given):
        raise UserError(f"axes {given} repeat")
    rest = iter(value.shape)
    shape = tuple(1 if axis in axes else next(rest) for axis in range(rank))
    return [_reshaped(value, shape)]


def _transpose(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    order = node.integer_list("perm") or list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        raise UserError(f"perm {order} is not a permutation of {rank} axes")
    return [_moved(value, lambda ids: ids.transpose(order))]


def _slice(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    if node.opset < 10:
        starts, ends = node.integer_list("starts"), node.integer_list("ends")
        axes, steps = node.integer_list("axes"), None
        if starts is None or ends is None:
            raise UserError("attributes starts and ends are missing")
    else:
        starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
        axes = node.integers(3, "axes") if node.has(3) else None
        steps = node.integers(4, "steps") if node.has(4) else None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise UserError(f"starts {starts}, ends {ends}, axes {axes}, steps {steps} do not fit")
    cuts = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cuts[_axis(axis, rank)] = slice(start, end, step)
    return [_moved(value, lambda ids: ids[tuple(cuts)])]


def _split(node: Node) -> list[Value]:
    value = node.value(0)
    axis = _axis(node.integer("axis", 0), len(value.shape))
    extent = value.shape[axis]
    sizes = node.integer_list("split")
    if sizes is None and node.has(1):
        sizes = node.integers(1, "split")
    if sizes is None:
        count = node.integer("num_outputs", node.outputs)
        if not 1 <= count <= extent:
            raise UserError(f"{count} parts of an axis of {extent}")
        part = -(-extent // count)
        sizes = [part] * (count - 1) + [extent - part * (count - 1)]
    if sum(sizes) != extent or min(sizes) < 1 or len(sizes) != node.outputs:
        raise UserError(f"parts {sizes} of an axis of {extent}, {node.outputs} outputs")
    parts: list[Value] = []
    first = 0
    for size in sizes:
        cut = [slice(None)] * len(value.shape)
        cut[axis] = slice(first, first + size)
        parts.append(_moved(value, lambda ids, cut=tuple(cut): ids[cut]))  # type: ignore[misc]
        first += size
    return parts


def _concat(node: Node) -> list[Value]:
    values = [node.value(k) for k in range(len(node.inputs))]
    if not values or "axis" not in node.attributes:
        raise UserError("attribute axis or every input is missing")
    axis = _axis(node.integer("axis", 0), len(values[0].shape))
    shapes = {(*v.shape[:axis], *v.shape[axis + 1 :]) for v in values}
    if len(shapes) != 1 or len({len(v.shape) for v in values}) != 1:
        raise UserError(f"shapes {[list(v.shape) for v in values][:4]} do not fit on axis {axis}")
    if not any(isinstance(value, Tensor) for value in values):
        return [np.concatenate([np.asarray(value) for value in values], axis=axis)]
    ids, forms = joined([_tensor(value) for value in values])
    joint = np.concatenate(ids, axis=axis)
    check_shape(joint.shape)
    return [Tensor(joint, forms)]


def _pad(node: Node) -> list[Value]:
    value = node.tensor(0)
    rank = len(value.shape)
    mode = node.text("mode", "constant")
    fill: Exact = np.zeros(1)
    axes = list(range(rank))
    if node.opset < 11:
        pads = node.integer_list("pads") or node.integer_list("paddings")
        fill = np.array([float(node.number("value", 0.0))])
    else:
        pads = node.integers(1, "pads")
        if node.has(2):
            fill = node.constant(2, "value").reshape(-1)
        if node.has(3):
            axes = [_axis(axis, rank) for axis in node.integers(3, "axes")]
    if pads is None or len(pads) != 2 * len(axes) or len(fill) != 1:
        raise UserError(f"pads {pads} do not fit a tensor of rank {rank}")
    widths = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        widths[axis] = (pads[k], pads[len(axes) + k])
    check_shape([n + max(a, 0) + max(b, 0) for n, (a, b) in zip(value.shape, widths, strict=True)])
    cuts = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(value.shape, widths, strict=True)
    )
    value = moved(value, lambda ids: ids[cuts])
    wide = [(max(a, 0), max(b, 0)) for a, b in widths]
    if mode == "constant":
        (own, extra), forms = joined([value, constant_tensor(fill)])
        return [Tensor(np.pad(own, wide, constant_values=int(extra[0])), forms)]
    if mode not in ("reflect", "edge", "wrap"):
        raise UserError(f"mode {mode!r} is not supported")
    if mode == "reflect" and any(
        max(w) >= n for n, w in zip(value.shape, wide, strict=True) if max(w)
    ):
        raise UserError("reflecting pads must be smaller than the axis")
    return [moved(value, lambda ids: np.pad(ids, wide, mode=mode))]  # type: ignore[call-overload]


def _gather(node: Node) -> list[Value]:
    value, indices = node.value(0), node.constant(1, "indices")
    axis = _axis(node.integer("axis", 0), len(value.shape))
    extent = value.shape[axis]
    if indices.dtype != np.int64 or np.any((indices < -extent) | (indices >= extent)):
        raise UserError(f"an index is outside an axis of {extent}")
    size = prod(value.shape) // extent * indices.size
    if size:
        check_shape((size,))
    return [_moved(value, lambda ids: np.take(ids, indices, axis=axis))]


def _shape(node: Node) -> list[Value]:
    shape = node.value(0).shape
    cut = slice(node.integer("start", 0), node.attributes.get("end"))
    return [np.array(shape, dtype=np.int64)[cut]]


def _constant_of_shape(node: Node) -> list[Value]:
    shape = node.integers(0, "shape")
    check_shape(shape)
    value = node.attributes.get("value", np.zeros(1))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise UserError("attribute value is not one number")
    return [np.full(shape, value.reshape(-1)[0], dtype=value.dtype)]


def _expand(node: Node) -> list[Value]:
    value, wanted = node.value(0), node.integers(1, "shape")
    shape = np.broadcast_shapes(value.shape, tuple(wanted))
    check_shape(shape)
    return [_moved(value, lambda ids: np.broadcast_to(ids, shape))]


def _constant(node: Node) -> list[Value]:
    for name, kind in (
        ("value", None),
        ("value_float", np.float64),
        ("value_floats", np.float64),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            return [np.asarray(node.attributes[name], dtype=kind)]
    raise UserError("it holds no dense number")


OPERATORS: dict[str, Operator] = {
    "Abs": _absolute,
    "Add": _add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _convolution,
    "Div": _divide,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _identity,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "Max": _maximum,
    "MaxPool": _max_pool,
    "Mean": _mean,
    "Min": _minimum,
    "Mul": _multiply,
    "Neg": _negate,
    "PRelu": _prelu,
    "Pad": _pad,
    "ReduceMean": lambda node: _reduce(node, True),
    "ReduceSum": lambda node: _reduce(node, False),
    "Relu": _relu,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _subtract,
    "Sum": _add,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
