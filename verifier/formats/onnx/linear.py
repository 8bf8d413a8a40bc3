"""Operators that are affine in their one input that is no constant: products and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from verifier.formats.affine_rows import Exact, compose, stack, weighted_at
from verifier.formats.onnx.constants import Constant, fractions, multiplied
from verifier.formats.onnx.elementwise import in_range, is_square, quotient_by_root
from verifier.formats.onnx.node import (
    ONE,
    ZERO,
    Node,
    Operator,
    Value,
    axis_of,
    relocated,
    reshaped,
    scalar,
    tensor_of,
)
from verifier.formats.onnx.windows import Windows, transposed_windows, windows_of
from verifier.formats.tensors import (
    Tensor,
    check_shape,
    linear,
    moved,
    scaled,
    tensor,
    weighted_sum,
)
from verifier.question.errors import UserError


def _matmul(node: Node) -> list[Value]:
    return [product(node.value(0), node.value(1))]


def product(left: Value, right: Value) -> Tensor:
    """left @ right with numpy's rules for batches; at most one depends on an input."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        raise UserError("a product of two values that both depend on the network's input")
    if not isinstance(left, Tensor) and not isinstance(right, Tensor):
        left = tensor_of(left)
    first, second = left.shape, right.shape
    if not first or not second:
        raise UserError("a product with a scalar")
    a = reshaped(left, (1, *first)) if len(first) == 1 else left
    b = reshaped(right, (*second, 1)) if len(second) == 1 else right
    (m, k), (k2, n) = a.shape[-2:], b.shape[-2:]
    if k != k2:
        raise UserError(f"shapes {list(first)} and {list(second)} do not fit")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    full = (*batch, m, n, k)
    check_shape(full)
    if isinstance(a, Tensor):
        symbolic, weights = a, _weights(b)
        places = np.arange(a.ids.size, dtype=np.int64).reshape(a.shape)
        positions = places[..., :, None, :]
        factors = np.swapaxes(weights, -1, -2)[..., None, :, :]
    else:
        symbolic, weights = tensor_of(b), _weights(a)
        places = np.arange(symbolic.ids.size, dtype=np.int64).reshape(b.shape)
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


def _weights(value: Value) -> Exact:
    if isinstance(value, Tensor) or not value.is_real:
        raise UserError("its weights are not constants of a real type")
    return value.values


def _gemm(node: Node) -> list[Value]:
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    left, right = node.value(0), node.value(1)
    if len(left.shape) != 2:
        raise UserError(f"its first input has shape {list(left.shape)}, not a matrix")
    if len(right.shape) != 2:
        raise UserError(f"its second input has shape {list(right.shape)}, not a matrix")
    if node.switch("transA", False):
        left = relocated(left, np.transpose)
    if node.switch("transB", False):
        right = relocated(right, np.transpose)
    result = product(left, right)
    if alpha != 1:
        result = scaled(result, scalar(alpha), ZERO)
    if not node.has(2) or beta == 0:
        return [result]
    bias = node.value(2)
    fits = np.broadcast_shapes(result.shape, bias.shape) == result.shape
    if not fits or (node.opset < 7 and not node.switch("broadcast", False)
                    and bias.shape != result.shape):  # fmt: skip
        raise UserError(f"its bias has shape {list(bias.shape)}, its product {list(result.shape)}")
    if isinstance(bias, Tensor):
        return [weighted_sum([result, bias], [1, beta])]
    shift = _weights(bias)
    if beta != 1:
        shift = multiplied(shift, scalar(beta))
    return [scaled(result, ONE, shift)]


def _convolution(node: Node) -> list[Value]:
    value, kernel = node.tensor(0), node.reals(1, "kernel")
    _check_kernel(node, value, kernel)
    channels, spatial = value.shape[1], value.shape[2:]
    made, depth, *taps = kernel.shape
    group = node.integer("group", 1)
    if group < 1 or channels != depth * group or made % group:
        raise UserError(
            f"{channels} channels in, {made} out, kernel of depth {depth}, {group} groups"
        )
    return [_convolved(node, value, kernel, windows_of(node, spatial, taps), group)]


def _transposed_convolution(node: Node) -> list[Value]:
    value, kernel = node.tensor(0), node.reals(1, "kernel")
    _check_kernel(node, value, kernel)
    channels, spatial = value.shape[1], value.shape[2:]
    depth, taps = kernel.shape[0], kernel.shape[2:]
    group = node.integer("group", 1)
    if group < 1 or channels != depth or channels % group:
        raise UserError(f"{channels} channels in, kernel of {depth} channels, {group} groups")
    # As the kernel of a convolution: channels out first, those in of each group second.
    parts = [np.swapaxes(part, 0, 1) for part in np.split(kernel, group)]
    last_first = np.flip(np.concatenate(parts), axis=tuple(range(2, len(kernel.shape))))
    windows = transposed_windows(node, spatial, taps)
    return [_convolved(node, value, last_first, windows, group)]


def _check_kernel(node: Node, value: Tensor, kernel: Exact) -> None:
    if len(value.shape) < 3 or len(kernel.shape) != len(value.shape):
        raise UserError(f"input of shape {list(value.shape)}, kernel of shape {list(kernel.shape)}")
    declared, taps = node.integer_list("kernel_shape"), list(kernel.shape[2:])
    if declared is not None and declared != taps:
        raise UserError(f"kernel_shape {declared}, but the kernel is {taps}")


def _convolved(node: Node, value: Tensor, kernel: Exact, windows: Windows, group: int) -> Tensor:
    batch, channels, *spatial = value.shape
    made, depth = kernel.shape[:2]
    sites, size = windows.places.shape
    area = prod(spatial)
    bias = node.reals(2, "bias") if node.has(2) else np.zeros(made)
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
    return tensor(compose(stack(blocks), value.rows()), (batch, made, *windows.shape))


def _batch_normalization(node: Node) -> list[Value]:
    """(x - mean) scale / sqrt(variance + epsilon) + bias, channel by channel.

    Where the root is irrational, scale / root is the nearest float64; everything else is exact.
    """
    node.refuse(training_mode=0, spatial=1)
    if node.opset < 7 and not node.switch("is_test", False):
        raise UserError(
            "before operator set 7 without is_test = 1 it normalises by the batch; "
            "convert the file to 7, or export it for inference"
        )
    if node.outputs > 1 and (node.opset < 14 or node.used > 1):
        raise UserError("its outputs for training are not supported")
    value = node.tensor(0)
    if len(value.shape) < 2:
        raise UserError(f"input of shape {list(value.shape)} has no channels")
    channels = value.shape[1]
    names = ("scale", "bias", "mean", "variance")
    columns = [fractions(node.reals(k + 1, name)) for k, name in enumerate(names)]
    for name, column in zip(names, columns, strict=True):
        if column.shape != (channels,):
            raise UserError(f"{name} of shape {list(column.shape)} for {channels} channels")
    epsilon = node.number("epsilon", 1e-5)
    factors, shifts = np.empty(channels, dtype=object), np.empty(channels, dtype=object)
    for c in range(channels):
        scale, bias, mean, variance = (column[c] for column in columns)
        if variance + epsilon <= 0:
            raise UserError(f"variance + epsilon is not positive in channel {c}")
        if scale and not is_square(variance + epsilon):
            node.runner.note(
                "where the root of a variance is irrational, scale / root is the nearest float64"
            )
        factors[c] = quotient_by_root(scale, variance + epsilon)
        shifts[c] = bias - mean * factors[c]
    shape = (channels,) + (1,) * (len(value.shape) - 2)
    return [scaled(value, factors.reshape(shape), shifts.reshape(shape))]


def _cumulative_sum(node: Node) -> list[Value]:
    value, axes = node.value(0), node.integers(1, "axis")
    if len(axes) != 1:
        raise UserError("its axis is not one number")
    axis = axis_of(axes[0], len(value.shape))
    extent = value.shape[axis]
    check_shape((*value.shape, extent))
    reach = np.tri(extent, k=-1 if node.switch("exclusive", False) else 0, dtype=bool)
    if node.switch("reverse", False):
        reach = reach.T
    if isinstance(value, Constant) and value.is_integer:
        lines = np.moveaxis(value.values.astype(object), axis, -1)
        sums = np.moveaxis(lines @ reach.T.astype(object), -1, axis)
        return [in_range(value.kind, sums)]
    symbolic = tensor_of(value)
    places = np.arange(symbolic.ids.size, dtype=np.int64).reshape(symbolic.shape)
    lines = np.moveaxis(places, axis, -1)
    positions = np.where(reach, lines[..., None, :], -1)
    result = linear(
        symbolic,
        positions.reshape(-1, extent),
        np.broadcast_to(ONE, (symbolic.ids.size, extent)),
        lines.shape,
    )
    return [moved(result, lambda ids: np.moveaxis(ids, -1, axis))]


# ------------------------------------------------------------------ Einstein sums


def _einsum(node: Node) -> list[Value]:
    values = node.values()
    symbolic = [k for k, value in enumerate(values) if isinstance(value, Tensor)]
    if len(symbolic) > 1:
        raise UserError("a product of values that both depend on the network's input")
    terms, result = _equation(node.text("equation", ""), [len(value.shape) for value in values])
    sizes: dict[str, int] = {}
    for term, value in zip(terms, values, strict=True):
        for letter, extent in zip(term, value.shape, strict=True):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = extent
            elif extent not in (1, sizes[letter]):
                raise UserError(f"axis {letter} is {sizes[letter]} and {extent}")
    summed = [letter for letter in sizes if letter not in result]
    letters = [*result, *summed]
    full = tuple(sizes[letter] for letter in letters)
    check_shape(full)
    if len(full) > 32:
        raise UserError(f"an equation of {len(full)} axes")
    chosen = symbolic[0] if symbolic else 0
    value = tensor_of(values[chosen])
    places = np.arange(value.ids.size, dtype=np.int64).reshape(value.shape)
    positions = np.broadcast_to(_aligned(places, terms[chosen], letters), full)
    weights: Exact = ONE
    for k, other in enumerate(values):
        if k != chosen:
            weights = multiplied(weights, _aligned(_weights(other), terms[k], letters))
    shape = full[: len(result)]
    count = prod(shape)
    return [
        linear(
            value,
            positions.reshape(count, -1),
            np.broadcast_to(weights, full).reshape(count, -1),
            shape,
        )
    ]


def _equation(text: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """One letter an axis of each operand and of the result; an ellipsis becomes digits and more."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise UserError(f"an equation of {len(terms)} operands for {len(ranks)} inputs")
    found, widest = [], ""
    for term, rank in zip(terms, ranks, strict=True):
        head, dots, tail = term.partition("...")
        free = rank - len(head) - len(tail)
        if (not (head + tail).isalpha() and head + tail) or free < 0 or (free and not dots):
            raise UserError(f"the equation {text[:60]!r} does not fit its inputs")
        hidden = "".join(chr(0x4E00 + free - 1 - k) for k in range(free))
        widest = max(widest, hidden, key=len)
        found.append(head + hidden + tail)
    if arrow:
        head, dots, tail = right.partition("...")
        result = head + (widest if dots else "") + tail
    else:
        joint = "".join(found)
        result = widest + "".join(
            sorted(c for c in set(joint) if joint.count(c) == 1 and c not in widest)
        )
    if len(set(result)) != len(result) or not set(result) <= set("".join(found)):
        raise UserError(f"the equation {text[:60]!r} has a wrong result")
    return found, result


def _aligned(array: Exact, term: str, letters: Sequence[str]) -> Exact:
    """`array` with one axis a letter of `letters`, diagonals where a letter repeats."""
    names = list(term)
    for letter in dict.fromkeys(term):
        while names.count(letter) > 1:
            first = names.index(letter)
            second = names.index(letter, first + 1)
            if array.shape[first] != array.shape[second]:
                raise UserError(f"a diagonal of {array.shape[first]} by {array.shape[second]}")
            array = np.diagonal(array, axis1=first, axis2=second)
            names = [n for k, n in enumerate(names) if k not in (first, second)] + [letter]
    order = sorted(range(len(names)), key=lambda k: letters.index(names[k]))
    moved_ = array.transpose(order)
    extents = dict(zip((names[k] for k in order), moved_.shape, strict=True))
    return moved_.reshape(tuple(extents.get(letter, 1) for letter in letters))


OPERATORS: dict[str, Operator] = {
    "BatchNormalization": _batch_normalization,
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "CumSum": _cumulative_sum,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
