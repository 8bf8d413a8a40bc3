"""Operators that move, repeat and choose elements, and those about shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, prod
from typing import Any

import numpy as np

from verifier.formats.affine_rows import Exact
from verifier.formats.onnx.constants import (
    BOOL,
    FLOAT,
    FLOATS,
    INT64,
    INTEGERS,
    Constant,
    computed,
    fractions,
    index_constant,
    kind_name,
    require_sure,
    same_kind,
    storage,
)
from verifier.formats.onnx.node import (
    Node,
    Operator,
    Result,
    Value,
    axis_of,
    relocated,
    reshaped,
    tensor_of,
    zero_like,
)
from verifier.formats.onnx.tails import Names
from verifier.formats.tensors import Tensor, check_size, joined
from verifier.question.errors import UserError


def together(values: Sequence[Value]) -> tuple[list[Any], Callable[[Any], Value]]:
    """Arrays that stand for the elements of all values, and what makes one value of an array that
    is put together from theirs."""
    constant = [value for value in values if isinstance(value, Constant)]
    if len(constant) < len(values):
        ids, forms = joined([tensor_of(value) for value in values])
        return list(ids), lambda array: Tensor(array, forms)
    kind = constant[0].kind
    for value in constant:
        same_kind(constant[0], value)
    arrays = [value.values for value in constant]
    if kind in FLOATS and any(array.dtype == object for array in arrays):
        arrays = [fractions(array) for array in arrays]
    sure = all(value.sure for value in constant)
    return arrays, lambda array: Constant(kind, np.asarray(array), sure)


def _reshape(node: Node) -> list[Value]:
    value = node.value(0)
    wanted = node.integer_list("shape") if node.opset < 5 else node.integers(1, "shape")
    if wanted is None:
        raise UserError("attribute shape is missing")
    copies = not node.switch("allowzero", False)
    shape = []
    for axis, extent in enumerate(wanted):
        if extent == 0 and copies and axis >= len(value.shape):
            raise UserError(f"shape {wanted} copies axis {axis} of {list(value.shape)}")
        shape.append(value.shape[axis] if extent == 0 and copies else extent)
    size, known = prod(value.shape), prod(extent for extent in shape if extent != -1)
    if shape.count(-1) == 1 and known > 0 and size % known == 0:
        shape[shape.index(-1)] = size // known
    if min(shape, default=1) < 0 or prod(shape) != size:
        raise UserError(f"shape {list(value.shape)} cannot become {wanted}")
    return [reshaped(value, tuple(shape))]


def _flatten(node: Node) -> list[Value]:
    value, axis = node.value(0), node.integer("axis", 1)
    rank = len(value.shape)
    if not -rank <= axis <= rank:
        raise UserError(f"axis {axis} is outside a tensor of rank {rank}")
    cut = axis if axis >= 0 else axis + rank
    return [reshaped(value, (prod(value.shape[:cut]), prod(value.shape[cut:])))]


def _axes(node: Node) -> list[int] | None:
    if node.opset < 13:
        return node.integer_list("axes")
    return node.integers(1, "axes") if node.has(1) else None


def _squeeze(node: Node) -> list[Value]:
    value, given = node.value(0), _axes(node)
    rank = len(value.shape)
    if given == [] and 1 in value.shape and node.opset >= 13:
        raise UserError("axes is an empty list, which runtimes read as none and as all of length 1")
    if not given:
        axes = {axis for axis, extent in enumerate(value.shape) if extent == 1}
    else:
        axes = {axis_of(axis, rank) for axis in given}
    if any(value.shape[axis] != 1 for axis in axes):
        raise UserError(f"axes {sorted(axes)} of shape {list(value.shape)} are not all 1")
    shape = tuple(extent for axis, extent in enumerate(value.shape) if axis not in axes)
    return [reshaped(value, shape)]


def _unsqueeze(node: Node) -> list[Value]:
    value, given = node.value(0), _axes(node)
    if given is None:
        raise UserError("its axes are missing")
    rank = len(value.shape) + len(given)
    if rank > 64:
        raise UserError(f"a tensor of rank {rank}")
    axes = {axis_of(axis, rank) for axis in given}
    if len(axes) != len(given):
        raise UserError(f"axes {given} repeat")
    rest = iter(value.shape)
    shape = tuple(1 if axis in axes else next(rest) for axis in range(rank))
    return [reshaped(value, shape)]


def _transpose(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    order = node.integer_list("perm") or list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        raise UserError(f"perm {order} is not a permutation of {rank} axes")
    return [relocated(value, lambda ids: ids.transpose(order))]


# ------------------------------------------------------------------ parts


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
    places = [axis_of(axis, rank) for axis in axes]
    if len(set(places)) < len(places):
        raise UserError(f"axes {axes} repeat")
    cuts = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, places, steps, strict=True):
        if step < 0:  # a start before the first entry is moved onto it; Python would take none
            start = max(start, -value.shape[axis])
        cuts[axis] = slice(start, end, step)
    return [relocated(value, lambda ids: ids[tuple(cuts)])]


def _split(node: Node) -> list[Value]:
    value = node.value(0)
    axis = axis_of(node.integer("axis", 0), len(value.shape))
    extent = value.shape[axis]
    sizes = node.integer_list("split")
    if sizes is None and node.has(1):
        sizes = node.integers(1, "split")
    if sizes is None:
        count = node.integer("num_outputs", node.outputs)
        if not 1 <= count <= max(extent, 1) or (node.opset < 18 and extent % count):
            raise UserError(f"{count} parts of an axis of {extent}")
        part = -(-extent // count)
        sizes = [part] * (count - 1) + [extent - part * (count - 1)]
    if sum(sizes) != extent or min(sizes, default=0) < 0 or len(sizes) != node.outputs:
        raise UserError(f"parts {sizes[:9]} of an axis of {extent}, {node.outputs} outputs")
    parts: list[Value] = []
    first = 0
    for size in sizes:
        cut = [slice(None)] * len(value.shape)
        cut[axis] = slice(first, first + size)
        parts.append(relocated(value, lambda ids, cut=tuple(cut): ids[cut]))  # type: ignore[misc]
        first += size
    return parts


def _concat(node: Node) -> list[Value]:
    values = node.values()
    if "axis" not in node.attributes and node.opset >= 4:
        raise UserError("attribute axis is missing")
    axis = axis_of(node.integer("axis", 1), len(values[0].shape))
    shapes = {(*v.shape[:axis], *v.shape[axis + 1 :]) for v in values}
    if len(shapes) != 1 or len({len(v.shape) for v in values}) != 1:
        raise UserError(f"shapes {[list(v.shape) for v in values][:4]} do not fit on axis {axis}")
    check_size((sum(prod(value.shape) for value in values),))
    arrays, made = together(values)
    return [made(np.concatenate(arrays, axis=axis))]


def _pad(node: Node) -> list[Value]:
    value = node.value(0)
    rank = len(value.shape)
    mode = node.text("mode", "constant")
    fill: Value = zero_like(value)
    axes = list(range(rank))
    if node.opset < 11:
        pads = node.integer_list("pads") or node.integer_list("paddings")
        fill = Constant(FLOAT, np.array(float(node.number("value", 0.0))))
    else:
        pads = node.integers(1, "pads")
        if node.has(2):
            fill = node.constant(2, "value")
        if node.has(3):
            axes = [axis_of(axis, rank) for axis in node.integers(3, "axes")]
    if pads is None or len(pads) != 2 * len(axes) or prod(fill.shape) != 1:
        raise UserError(f"pads {pads} do not fit a tensor of rank {rank}")
    if len(set(axes)) < len(axes):
        raise UserError(f"axes {axes} repeat")
    widths = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        widths[axis] = (pads[k], pads[len(axes) + k])
    check_size([n + max(a, 0) + max(b, 0) for n, (a, b) in zip(value.shape, widths, strict=True)])
    if any(n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in zip(value.shape, widths, strict=True)):
        raise UserError(f"pads {pads} take more than {list(value.shape)} has")
    cuts = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(value.shape, widths, strict=True)
    )
    value = relocated(value, lambda ids: ids[cuts])
    wide = [(max(a, 0), max(b, 0)) for a, b in widths]
    if mode == "constant":
        (own, extra), made = together([value, reshaped(fill, ())])
        return [made(np.pad(own, wide, constant_values=extra[()]))]
    if mode not in ("reflect", "edge", "wrap"):
        raise UserError(f"mode {mode!r} is not supported")
    limits = {"reflect": -1, "edge": 10**9, "wrap": 0}
    for extent, width in zip(value.shape, wide, strict=True):
        if max(width) and (not extent or max(width) > extent + limits[mode]):
            raise UserError(f"pads {pads} in mode {mode} for a shape of {list(value.shape)}")
    return [relocated(value, lambda ids: np.pad(ids, wide, mode=mode))]  # type: ignore[call-overload]


# ------------------------------------------------------------------ by index


def _gather(node: Node) -> list[Value]:
    value = node.value(0)
    axis = axis_of(node.integer("axis", 0), len(value.shape))
    extent = value.shape[axis]
    indices = node.indices(1, extent)
    size = prod(value.shape) // max(extent, 1) * indices.size
    check_size((size,))
    return [relocated(value, lambda ids: np.take(ids, indices, axis=axis))]


def _coordinates(shape: Sequence[int]) -> list[Any]:
    """The index of every position along each axis, sparse."""
    if len(shape) > 16:
        raise UserError(f"a tensor of rank {len(shape)}")
    return list(np.indices(shape, sparse=True))


def _element_places(node: Node, shape: tuple[int, ...], indices: Exact, axis: int) -> list[Any]:
    if len(indices.shape) != len(shape) or any(
        n > m for k, (n, m) in enumerate(zip(indices.shape, shape, strict=True)) if k != axis
    ):
        raise UserError(f"indices of shape {list(indices.shape)} for data of {list(shape)}")
    places = _coordinates(indices.shape)
    places[axis] = indices
    return places


def _gather_elements(node: Node) -> list[Value]:
    value = node.value(0)
    axis = axis_of(node.integer("axis", 0), len(value.shape))
    indices = node.indices(1, value.shape[axis])
    places = tuple(_element_places(node, value.shape, indices, axis))
    return [relocated(value, lambda ids: ids[places])]


def _tuple_places(node: Node, shape: tuple[int, ...], batch: int) -> tuple[list[Any], int]:
    """Index arrays of the leading axes that tuples of indices name, and how many axes these are."""
    tuples = node.constant(1, "indices")
    if not tuples.is_integer or not tuples.shape:
        raise UserError("its indices are not tuples of integers")
    length = tuples.shape[-1]
    fits = 1 <= length <= len(shape) - batch
    if not fits or not 0 <= batch < min(len(shape), len(tuples.shape)):
        raise UserError(f"tuples of {length} indices for data of shape {list(shape)}")
    if tuples.shape[:batch] != shape[:batch]:
        raise UserError(f"indices of shape {list(tuples.shape)} for data of {list(shape)}")
    places: list[Any] = _coordinates(tuples.shape[:-1])[:batch]
    for k in range(length):
        extent = shape[batch + k]
        index = tuples.values[..., k].astype(np.int64)
        if np.any((index < -extent) | (index >= extent)):
            raise UserError(f"an index is outside an axis of {extent}")
        places.append(np.where(index < 0, index + extent, index))
    return places, batch + length


def _gather_tuples(node: Node) -> list[Value]:
    value = node.value(0)
    places, axes = _tuple_places(node, value.shape, node.integer("batch_dims", 0))
    count = prod(np.broadcast_shapes(*(np.shape(place) for place in places)))
    check_size((count, *value.shape[axes:]))
    return [relocated(value, lambda ids: ids[tuple(places)])]


def _scatter_elements(node: Node) -> list[Value]:
    value, updates = node.value(0), node.value(2)
    axis = axis_of(node.integer("axis", 0), len(value.shape))
    indices = node.indices(1, value.shape[axis])
    if indices.shape != updates.shape:
        raise UserError(f"{list(updates.shape)} updates at {list(indices.shape)} indices")
    places = _element_places(node, value.shape, indices, axis)
    return [_scattered(node, value, places, updates)]


def _scatter_tuples(node: Node) -> list[Value]:
    value, updates = node.value(0), node.value(2)
    places, axes = _tuple_places(node, value.shape, 0)
    shape = (*node.value(1).shape[:-1], *value.shape[axes:])
    if updates.shape != shape:
        raise UserError(f"updates of shape {list(updates.shape)}, not {list(shape)}")
    return [_scattered(node, value, places, updates)]


def _scattered(node: Node, value: Value, places: list[Any], updates: Value) -> Value:
    if node.text("reduction", "none") != "none":
        raise UserError("attribute reduction is not supported")
    axes = len(places)
    extents = value.shape[:axes]
    flat = np.ravel_multi_index(np.broadcast_arrays(*places), extents) if axes else np.zeros(1)
    if len(np.unique(flat)) != np.size(flat):
        raise UserError("an index occurs twice, which ONNX leaves undefined")
    (base, fresh), made = together([value, updates])
    result = base.copy()
    result[tuple(places)] = fresh
    return made(result)


def _compress(node: Node) -> list[Value]:
    value, condition = node.value(0), node.constant(1, "condition")
    if condition.kind != BOOL or len(condition.shape) != 1:
        raise UserError("its condition is not a row of bools")
    if "axis" not in node.attributes:
        value, axis = reshaped(value, (prod(value.shape),)), 0
    else:
        axis = axis_of(node.integer("axis", 0), len(value.shape))
    if len(condition.values) > value.shape[axis]:
        raise UserError(f"{len(condition.values)} conditions on an axis of {value.shape[axis]}")
    kept = np.flatnonzero(condition.values)
    return [relocated(value, lambda ids: np.take(ids, kept, axis=axis))]


def _reverse_sequence(node: Node) -> list[Value]:
    value, lengths = node.value(0), node.integers(1, "sequence_lens")
    batch, time = node.integer("batch_axis", 1), node.integer("time_axis", 0)
    if len(value.shape) < 2 or {batch, time} != {0, 1} or len(lengths) != value.shape[batch]:
        raise UserError(f"batch_axis {batch}, time_axis {time}, {len(lengths)} lengths")
    extent = value.shape[time]
    if any(not 0 <= length <= extent for length in lengths):
        raise UserError(f"a length is outside 0 to {extent}")
    steps = np.arange(extent)
    order = np.array([np.where(steps < n, n - 1 - steps, steps) for n in lengths], dtype=np.int64)
    rows, columns = np.arange(len(lengths))[:, None], order.reshape(len(lengths), extent)
    if batch == 0:
        return [relocated(value, lambda ids: ids[rows, columns])]
    return [relocated(value, lambda ids: ids[columns.T, rows.T])]


def _triangle(node: Node) -> list[Value]:
    value = node.value(0)
    if len(value.shape) < 2:
        raise UserError(f"a triangle of a tensor of rank {len(value.shape)}")
    k = node.integers(1, "k")[0] if node.has(1) else 0
    k = max(-(1 << 30), min(k, 1 << 30))
    upper = node.switch("upper", True)
    ones = np.ones(value.shape[-2:], dtype=bool)
    mask = np.triu(ones, k) if upper else np.tril(ones, k)
    (own, none), made = together([value, zero_like(value)])
    return [made(np.where(mask, own, none))]


# ------------------------------------------------------------------ repeats and blocks


def _expand(node: Node) -> list[Value]:
    value, wanted = node.value(0), node.integers(1, "shape")
    shape = np.broadcast_shapes(value.shape, tuple(wanted))
    check_size(shape)
    return [relocated(value, lambda ids: np.broadcast_to(ids, shape))]


def _tile(node: Node) -> list[Value]:
    value = node.value(0)
    repeats = node.integers(1, "repeats")
    if node.opset < 6:  # how often, and along which axis
        axis = axis_of(node.integers(2, "axis")[0], len(value.shape))
        repeats = [repeats[0] if k == axis else 1 for k in range(len(value.shape))]
    if len(repeats) != len(value.shape) or min(repeats, default=0) < 0:
        raise UserError(f"repeats {repeats} of a tensor of rank {len(value.shape)}")
    check_size([n * m for n, m in zip(value.shape, repeats, strict=True)])
    return [relocated(value, lambda ids: np.tile(ids, repeats))]


def _block_size(node: Node, value: Value) -> int:
    block = node.integer("blocksize", 0)
    if block < 1 or len(value.shape) != 4:
        raise UserError(f"blocks of {block} in a tensor of rank {len(value.shape)}")
    return block


def _depth_to_space(node: Node) -> list[Value]:
    value = node.value(0)
    b = _block_size(node, value)
    n, c, h, w = value.shape
    mode = node.text("mode", "DCR")
    if c % (b * b) or mode not in ("DCR", "CRD"):
        raise UserError(f"{c} channels in blocks of {b}, mode {mode!r}")
    split, order = (n, b, b, c // (b * b), h, w), (0, 3, 4, 1, 5, 2)
    if mode == "CRD":
        split, order = (n, c // (b * b), b, b, h, w), (0, 1, 4, 2, 5, 3)
    shape = (n, c // (b * b), h * b, w * b)
    return [relocated(value, lambda ids: ids.reshape(split).transpose(order).reshape(shape))]


def _space_to_depth(node: Node) -> list[Value]:
    value = node.value(0)
    b = _block_size(node, value)
    mode = node.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise UserError(f"mode {mode!r} is unknown")
    n, c, h, w = value.shape
    if h % b or w % b:
        raise UserError(f"{h} by {w} in blocks of {b}")
    split, order = (n, c, h // b, b, w // b, b), (0, 3, 5, 1, 2, 4)
    if mode == "CRD":
        order = (0, 1, 3, 5, 2, 4)
    shape = (n, c * b * b, h // b, w // b)
    return [relocated(value, lambda ids: ids.reshape(split).transpose(order).reshape(shape))]


# ------------------------------------------------------------------ shapes and numbers made


def _shape(node: Node) -> list[Value]:
    shape = node.value(0).shape
    cut = slice(node.integer("start", 0), node.attributes.get("end"))
    return [index_constant(np.array(shape, dtype=np.int64)[cut])]


def _constant_of_shape(node: Node) -> list[Value]:
    shape = node.integers(0, "shape")
    check_size(shape)
    value = node.attributes.get("value", Constant(FLOAT, np.zeros(1)))
    if not isinstance(value, Constant) or value.values.size != 1:
        raise UserError("attribute value is not one number")
    return [value.moved(np.broadcast_to(value.values.reshape(()), shape))]


def _constant(node: Node) -> list[Result]:
    for name, kind in (
        ("value", None),
        ("value_float", FLOAT),
        ("value_floats", FLOAT),
        ("value_int", INT64),
        ("value_ints", INT64),
    ):
        if name in node.attributes:
            value = node.attributes[name]
            if isinstance(value, Constant | Names):
                return [value]
            if kind == FLOAT:
                return [Constant(FLOAT, np.asarray(value, dtype=np.float64))]
            return [index_constant(np.asarray(value, dtype=np.int64))]
    raise UserError("it holds no dense number")


def _range(node: Node) -> list[Value]:
    values = [node.constant(k, "limit") for k in range(3)]
    for value in values:
        require_sure(value, "a range")
        if value.values.size != 1 or same_kind(values[0], value) == BOOL:
            raise UserError("its limits are not numbers")
    start, limit, step = (fractions(value.reals()).reshape(-1)[0] for value in values)
    if not step:
        raise UserError("its step is 0")
    count = max(0, ceil((limit - start) / step))
    check_size((count,))
    entries = np.empty(count, dtype=object)
    entries[:] = [start + k * step for k in range(count)]
    kind = values[0].kind
    if kind in INTEGERS:
        return [Constant(kind, np.array([int(e) for e in entries], dtype=storage(kind)))]
    result = computed(kind, entries, True)
    require_sure(result, "a range")
    return [result]


def _eye(node: Node) -> list[Value]:
    value = node.value(0)
    if len(value.shape) != 2:
        raise UserError(f"a tensor of rank {len(value.shape)}, not a matrix")
    kind = node.integer("dtype", FLOAT if isinstance(value, Tensor) else value.kind)
    k = max(-(1 << 30), min(node.integer("k", 0), 1 << 30))
    ones = np.eye(*value.shape, k=k)
    if kind in FLOATS:
        return [Constant(kind, ones)]
    if kind not in INTEGERS and kind != BOOL:
        raise UserError(f"type {kind_name(kind)} is not supported")
    return [Constant(kind, ones.astype(bool if kind == BOOL else storage(kind)))]


def _one_hot(node: Node) -> list[Value]:
    indices, depth = node.constant(0, "indices"), node.constant(1, "depth")
    values = node.value(2)
    for value in (indices, depth):
        require_sure(value, "a choice")
    if depth.values.size != 1 or prod(values.shape) != 2:
        raise UserError("its depth is not one number, or its values are not two")
    count = int(Fraction(depth.reals().reshape(-1)[0]))
    rank = len(indices.shape) + 1
    axis = axis_of(node.integer("axis", -1), rank)
    if count < 1:
        raise UserError(f"a depth of {count}")
    check_size((indices.values.size, count))
    # Indices that are no integers are cast to integers, towards zero.
    places = np.expand_dims(np.trunc(np.asarray(indices.reals(), dtype=np.float64)), axis)
    classes = np.arange(count).reshape([count if k == axis else 1 for k in range(rank)])
    hot = np.where(places < 0, places + count, places) == classes
    return [relocated(values, lambda ids: ids.reshape(-1)[hot.astype(np.int64)])]


def _nonzero(node: Node) -> list[Value]:
    value = node.constant(0, "operand")
    require_sure(value, "a comparison with 0")
    return [index_constant(np.array(np.nonzero(np.atleast_1d(value.values)), dtype=np.int64))]


OPERATORS: dict[str, Operator] = {
    "Compress": _compress,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "EyeLike": _eye,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_tuples,
    "NonZero": _nonzero,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "ReverseSequence": _reverse_sequence,
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_tuples,
    "Shape": _shape,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Trilu": _triangle,
    "Unsqueeze": _unsqueeze,
}
