"""Pools and reductions: sums, means and maxima over windows and axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from verifier.formats.onnx.constants import BOOL, Constant, fractions, narrowed
from verifier.formats.onnx.elementwise import in_range, is_square, quotient_by_root
from verifier.formats.onnx.node import ONE, Node, Operator, Value, axis_of, scalar, tensor_of
from verifier.formats.onnx.windows import Windows, windows_of
from verifier.formats.tensors import (
    Graph,
    Tensor,
    check_shape,
    constant_tensor,
    constant_values,
    joined,
    linear,
    moved,
    weighted_sum,
)
from verifier.question.errors import UserError


def _windows(node: Node, value: Tensor) -> tuple[Windows, int, int]:
    if len(value.shape) < 3:
        raise UserError(f"input of shape {list(value.shape)} has no spatial axes")
    kernel = node.integer_list("kernel_shape")
    if kernel is None:
        raise UserError("attribute kernel_shape is missing")
    automatic = node.text("auto_pad", "NOTSET").startswith("SAME")
    if automatic and any(step > 1 for step in node.integer_list("dilations") or ()):
        raise UserError("auto_pad of dilated windows, which runtimes pad differently; give pads")
    windows = windows_of(node, value.shape[2:], kernel)
    planes = value.shape[0] * value.shape[1]
    check_shape((planes, *windows.shape))
    check_shape((planes, *windows.places.shape))
    return windows, planes, prod(value.shape[2:])


def _max_pool(node: Node) -> list[Value]:
    if node.used > 1:
        raise UserError("its output Indices is not supported")
    value = node.tensor(0)
    windows, planes, area = _windows(node, value)
    base = np.arange(planes, dtype=np.int64).reshape(-1, 1, 1) * area
    places = windows.places.reshape(1, *windows.places.shape)
    flat = value.ids.reshape(-1)
    chosen = np.where(places >= 0, base + places, -1)
    if not (chosen >= 0).any(axis=-1).all():
        raise UserError("a window lies in the padding")
    # A position in the padding is replaced by one inside: the maximum stays the same.
    some = chosen.max(axis=-1, keepdims=True)
    ids = flat[np.where(chosen >= 0, chosen, some)]
    result = largest(node.graph, Tensor(ids, value.forms))
    shape = (*value.shape[:2], *windows.shape)
    return [moved(result, lambda ids: ids.reshape(shape))]


def largest(graph: Graph, value: Tensor, smallest: bool = False) -> Tensor:
    """The largest, or the smallest, along the last axis, of which one entry is left, in rounds."""
    better = graph.minimum if smallest else graph.maximum
    while value.shape[-1] > 1:
        count = value.shape[-1]
        half = count // 2
        left = moved(value, lambda ids, half=half: ids[..., :half])  # type: ignore[misc]
        right = moved(value, lambda ids, half=half: ids[..., half : 2 * half])  # type: ignore[misc]
        winners = better(left, right)
        if count % 2:
            rest = moved(value, lambda ids: ids[..., -1:])
            parts, forms = joined([winners, rest])
            winners = Tensor(np.concatenate(parts, axis=-1), forms)
        value = winners
    return value


def _average_pool(node: Node) -> list[Value]:
    value = node.tensor(0)
    windows, planes, area = _windows(node, value)
    counted = windows.places >= (-1 if node.switch("count_include_pad", False) else 0)
    numbers = counted.sum(axis=1)
    if not (numbers > 0).all():
        raise UserError("a window lies in the padding")
    share = np.empty(len(numbers), dtype=object)
    share[:] = [Fraction(1, int(count)) for count in numbers]
    return [_pooled(value, windows, planes, area, share)]


def _pooled(value: Tensor, windows: Windows, planes: int, area: int, share: Any) -> Tensor:
    """The sums over windows, of output o times share[o]."""
    base = np.arange(planes, dtype=np.int64).reshape(-1, 1, 1) * area
    positions = np.where(windows.places >= 0, base + windows.places, -1)
    size = windows.places.shape[1]
    weights = np.broadcast_to(share.reshape(1, -1, 1), positions.shape)
    shape = (*value.shape[:2], *windows.shape)
    return linear(value, positions.reshape(-1, size), weights.reshape(-1, size), shape)


def _absolute(graph: Graph, value: Tensor) -> Tensor:
    return weighted_sum([graph.relu(value), value], [2, -1])


def _absolute_pool(node: Node) -> list[Value]:
    """LpPool with p = 1."""
    if node.integer("p", 2) != 1:
        raise UserError("a norm other than p = 1 is not piecewise linear")
    value = node.tensor(0)
    windows, planes, area = _windows(node, value)
    share = np.ones(len(windows.places))
    return [_pooled(_absolute(node.graph, value), windows, planes, area, share)]


def _spatial(value: Value) -> list[int]:
    if len(value.shape) < 3:
        raise UserError(f"input of shape {list(value.shape)} has no spatial axes")
    return list(range(2, len(value.shape)))


def _global_average_pool(node: Node) -> list[Value]:
    return [_sums(node.tensor(0), _spatial(node.value(0)), True, mean=True)]


def _global_max_pool(node: Node) -> list[Value]:
    return [_extremes(node, node.tensor(0), _spatial(node.value(0)), True, False)]


# ------------------------------------------------------------------ reductions


def _reduction(
    of_tensor: Callable[[Node, Tensor, list[int], bool], Tensor],
    of_integers: Callable[[Any, int], Any],
    empty: Callable[[Node], list[Value]] | None = None,
) -> Operator:
    """The operator over the axes that the node names; `empty` is what no axis at all means."""

    def operate(node: Node) -> list[Value]:
        value = node.value(0)
        given = node.integer_list("axes")
        if given is None and node.has(1):
            given = node.integers(1, "axes")
        if not given:
            if node.switch("noop_with_empty_axes", False):
                if empty is None:
                    raise UserError("a reduction over no axis is not supported")
                return empty(node)
            given = list(range(len(value.shape)))
        axes = sorted({axis_of(axis, len(value.shape)) for axis in given})
        keep = node.switch("keepdims", True)
        if any(extent < 1 for extent in value.shape):
            raise UserError(f"a reduction of an empty tensor of shape {list(value.shape)}")
        if isinstance(value, Constant) and value.is_integer:
            if node.kind == "ReduceMean":  # its sum is one of the type too; runtimes differ
                _of_integers(value, axes, keep, lambda row, count: sum(row))
            return [_of_integers(value, axes, keep, of_integers)]
        if isinstance(value, Constant) and value.kind == BOOL:
            raise UserError("bools are not supported")
        return [of_tensor(node, tensor_of(value), axes, keep)]

    return operate


def _of_integers(
    value: Constant, axes: list[int], keep: bool, function: Callable[[Any, int], Any]
) -> Constant:
    count = prod(value.shape[axis] for axis in axes)
    lines = np.moveaxis(value.values.astype(object), axes, range(-len(axes), 0))
    others = lines.shape[: len(value.shape) - len(axes)]
    flat = lines.reshape(-1, count)
    results = np.empty(len(flat), dtype=object)
    results[:] = [function(row, count) for row in flat.tolist()]
    shape = _kept(value.shape, axes) if keep else others
    return in_range(value.kind, results.reshape(shape))


def _kept(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))


def _sums(value: Tensor, axes: Sequence[int], keep: bool, *, mean: bool) -> Tensor:
    """The sum, or the mean, over `axes`."""
    others = [axis for axis in range(len(value.shape)) if axis not in axes]
    size = prod(value.shape[axis] for axis in axes)
    places = np.arange(value.ids.size, dtype=np.int64).reshape(value.shape)
    positions = places.transpose([*others, *axes]).reshape(-1, size)
    factor = scalar(Fraction(1, size)) if mean else ONE
    shape = _kept(value.shape, axes) if keep else [value.shape[axis] for axis in others]
    return linear(value, positions, np.broadcast_to(factor, positions.shape), shape)


def _extremes(node: Node, value: Tensor, axes: list[int], keep: bool, smallest: bool) -> Tensor:
    others = [axis for axis in range(len(value.shape)) if axis not in axes]
    size = prod(value.shape[axis] for axis in axes)
    lines = moved(value, lambda ids: ids.transpose([*others, *axes]).reshape(-1, size))
    shape = _kept(value.shape, axes) if keep else tuple(value.shape[axis] for axis in others)
    return moved(largest(node.graph, lines, smallest), lambda ids: ids.reshape(shape))


def _mean_of_integers(row: list[int], count: int) -> int:
    total = sum(row)
    return abs(total) // count * (1 if total >= 0 else -1)


def _root_of_squares(node: Node, value: Tensor, axes: list[int], keep: bool) -> Tensor:
    """Of constants; where it is irrational, the nearest float64."""
    if not value.is_constant:
        raise UserError("a norm of values that depend on the network's input")
    numbers = fractions(constant_values(value))
    lines = np.moveaxis(numbers, axes, range(-len(axes), 0))
    flat = lines.reshape(*lines.shape[: len(value.shape) - len(axes)], -1)
    squares = (flat * flat).sum(axis=-1) if flat.size else flat.sum(axis=-1)
    if not all(is_square(Fraction(square)) for square in np.ravel(squares)):
        node.runner.note("irrational square roots are the nearest float64")
    roots = np.frompyfunc(_root_of, 1, 1)(squares)
    shape = _kept(value.shape, axes) if keep else np.shape(squares)
    return constant_tensor(narrowed(np.asarray(roots, dtype=object).reshape(shape)))


def _root_of(square: Fraction) -> Fraction:
    return quotient_by_root(square, square) if square else Fraction(0)


def _whole_root(row: list[int]) -> int:
    raise UserError("a norm of integers is not supported")


def _product_of(node: Node, value: Tensor, axes: list[int], keep: bool) -> Tensor:
    raise UserError("a product of real numbers is not supported")


def _unchanged(node: Node) -> list[Value]:
    return [node.value(0)]


OPERATORS: dict[str, Operator] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average_pool,
    "GlobalMaxPool": _global_max_pool,
    "LpPool": _absolute_pool,
    "MaxPool": _max_pool,
    "ReduceL1": _reduction(
        lambda node, value, axes, keep: _sums(_absolute(node.graph, value), axes, keep, mean=False),
        lambda row, count: sum(map(abs, row)),
    ),
    "ReduceL2": _reduction(_root_of_squares, lambda row, count: _whole_root(row)),
    "ReduceMax": _reduction(
        lambda node, value, axes, keep: _extremes(node, value, axes, keep, False),
        lambda row, count: max(row),
        _unchanged,
    ),
    "ReduceMean": _reduction(
        lambda node, value, axes, keep: _sums(value, axes, keep, mean=True),
        _mean_of_integers,
        _unchanged,
    ),
    "ReduceMin": _reduction(
        lambda node, value, axes, keep: _extremes(node, value, axes, keep, True),
        lambda row, count: min(row),
        _unchanged,
    ),
    "ReduceProd": _reduction(_product_of, lambda row, count: prod(row)),
    "ReduceSum": _reduction(
        lambda node, value, axes, keep: _sums(value, axes, keep, mean=False),
        lambda row, count: sum(row),
        _unchanged,
    ),
}
