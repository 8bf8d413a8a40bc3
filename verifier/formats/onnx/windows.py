"""Which entries the windows of convolutions and pools read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifier.formats.affine_rows import Index
from verifier.formats.onnx.node import Node
from verifier.formats.tensors import check_shape
from verifier.question.errors import UserError


@dataclass(frozen=True, slots=True)
class Windows:
    """places[o, t]: the flat spatial position that tap t of output o reads; -1 in the padding,
    -2 beyond it."""

    places: Index
    shape: tuple[int, ...]


def windows_of(node: Node, spatial: Sequence[int], kernel: Sequence[int]) -> Windows:
    """The windows of a convolution or pool over these spatial extents."""
    strides, dilations, pads = _steps(node, spatial, kernel)
    rank, automatic = len(spatial), node.text("auto_pad", "NOTSET")
    if automatic != "NOTSET" and any(pads):
        raise UserError("both pads and auto_pad")
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
        if node.switch("ceil_mode", False):
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
    return _combined(spatial, kernel, axes)


def transposed_windows(node: Node, spatial: Sequence[int], kernel: Sequence[int]) -> Windows:
    """The windows that a transposed convolution reads: output o gets tap t of input i where
    o = stride i + dilation t - pad. The taps come last one first, so that inputs increase."""
    strides, dilations, pads = _steps(node, spatial, kernel)
    rank = len(spatial)
    extra = node.integer_list("output_padding") or [0] * rank
    declared = node.integer_list("output_shape")
    automatic = node.text("auto_pad", "NOTSET")
    if automatic != "NOTSET" and any(pads):
        raise UserError("both pads and auto_pad")
    if automatic in ("SAME_UPPER", "SAME_LOWER") and declared is None:
        declared = [extent * stride for extent, stride in zip(spatial, strides, strict=True)]
    elif automatic not in ("NOTSET", "VALID") and declared is None:
        raise UserError(f"auto_pad {automatic!r} is unknown")
    if len(extra) != rank or min(extra) < 0 or (declared and len(declared) not in (rank, rank + 2)):
        raise UserError(f"output_padding or output_shape do not fit {rank} spatial axes")
    axes = []
    for k in range(rank):
        reach = (kernel[k] - 1) * dilations[k] + 1
        whole = strides[k] * (spatial[k] - 1) + extra[k] + reach
        before, count = pads[k], whole - pads[k] - pads[rank + k]
        if declared is not None:
            count = declared[k - rank]
            total = whole - count
            if total < 0 or total % 2:
                raise UserError(
                    f"its output of {count} leaves {total} entries of padding, which versions of "
                    "ONNX split differently; give pads"
                )
            before = total // 2
        if count < 1:
            raise UserError(f"an output of {count} entries")
        check_shape((count, kernel[k]))
        reached = (
            np.arange(count, dtype=np.int64)[:, None]
            + before
            - np.arange(kernel[k], dtype=np.int64)[None, ::-1] * dilations[k]
        )
        source = reached // strides[k]
        inside = (reached % strides[k] == 0) & (source >= 0) & (source < spatial[k])
        axes.append(np.where(inside, source, -1))
    return _combined(spatial, kernel, axes)


def _steps(
    node: Node, spatial: Sequence[int], kernel: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
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
    return strides, dilations, pads


def _combined(spatial: Sequence[int], kernel: Sequence[int], axes: Sequence[Index]) -> Windows:
    """Windows over all axes from those along each."""
    shape = tuple(len(axis) for axis in axes)
    check_shape((*shape, *kernel))
    places = np.zeros((1, 1), dtype=np.int64)
    for extent, axis in zip(spatial, axes, strict=True):
        outer, inner = places[:, None, :, None], axis[None, :, None, :]
        outside = (outer < 0) | (inner < 0)
        joint = np.where(outside, np.minimum(outer, inner), outer * extent + inner)
        places = joint.reshape(joint.shape[0] * joint.shape[1], -1)
    return Windows(places, shape)
