"""Random ONNX graphs: operators, operator sets, shapes, types of constants and order of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
MOST = 96  # elements of a value


@dataclass
class Growing:
    """A graph that grows: values with their shapes, all of float32."""

    rng: np.random.Generator
    opset: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    values: list[tuple[str, Shape]] = field(default_factory=list)
    count: int = 0

    def name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def node(self, kind: str, inputs: list[str], shape: Shape, **attributes: Any) -> None:
        """A node with one output of this shape."""
        made = self.name()
        self.nodes.append(helper.make_node(kind, inputs, [made], **attributes))
        self.values.append((made, shape))

    def stored(self, array: np.ndarray[Any, Any]) -> str:
        """A constant: an initializer, or a node."""
        made = self.name()
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), made)
        if self.rng.random() < 0.3:
            self.nodes.append(helper.make_node("Constant", [], [made], value=tensor))
        else:
            self.constants.append(tensor)
        return made

    def integers(self, values: Any) -> str:
        return self.stored(np.asarray(values, dtype=np.int64))

    def floats(self, shape: Shape, scale: float = 1.0) -> str:
        """A constant of float32, perhaps cast from another type, or computed."""
        array = (self.rng.normal(size=shape) * scale).astype(np.float32)
        way = self.rng.integers(7)
        if way == 0:
            return self._cast(self.stored(array.astype(np.float64)))
        if way == 1:
            return self._cast(self.stored(array.astype(np.float16)))
        if way == 2:
            return self._cast(self.stored((array * 3).astype(np.int32)))
        if way == 3:
            half = self._cast(self.stored(array), TensorProto.FLOAT16)
            return self._cast(half)
        if way == 4 and self.opset >= 10:
            made = self.name()
            quantized = self.stored(np.clip(array * 40, -128, 127).astype(np.int8))
            scale_ = self.stored(np.asarray(0.03, dtype=np.float32))
            zero = self.stored(np.asarray(3, dtype=np.int8))
            self.nodes.append(
                helper.make_node("DequantizeLinear", [quantized, scale_, zero], [made])
            )
            return made
        if way == 5:
            wrapped = self._cast(self.stored((array * 300).astype(np.int64)), TensorProto.INT8)
            return self._cast(self._scaled(wrapped))
        return self.stored(array)

    def _scaled(self, name: str) -> str:
        made = self.name()
        two = self.stored(np.asarray(33, dtype=np.int32))
        wide = self._cast(name, TensorProto.INT32)
        self.nodes.append(helper.make_node("Div", [wide, two], [made]))
        return made

    def _cast(self, name: str, to: int = TensorProto.FLOAT) -> str:
        made = self.name()
        self.nodes.append(helper.make_node("Cast", [name], [made], to=to))
        return made

    def attributes_or_input(
        self, since: int, kind: str, inputs: list[str], shape: Shape, name: str, values: Any,
        **more: Any,
    ) -> None:  # fmt: skip
        """A list that is an attribute before the operator set `since`, an input from it on."""
        if self.opset < since:
            self.node(kind, inputs, shape, **{name: [int(v) for v in values]}, **more)
        else:
            self.node(kind, [*inputs, self.integers(values)], shape, **more)

    def below(self, limit: int) -> int:
        return int(self.rng.integers(limit))

    def pick(self) -> tuple[str, Shape]:
        recent = self.values[-4:]
        return recent[self.below(len(recent))]


Step = Callable[[Growing, str, Shape], None]


def _plain(g: Growing, x: str, s: Shape) -> None:
    kind = ["Relu", "Abs", "Neg", "Identity", "LeakyRelu", "HardSigmoid"][g.below(6)]
    more = {"alpha": float(g.rng.uniform(0.1, 1.5))} if kind in ("LeakyRelu", "HardSigmoid") else {}
    g.node(kind, [x], s, **more)


def _broadcast(g: Growing, s: Shape) -> Shape:
    first = g.below(len(s) + 1)
    return tuple(1 if g.rng.random() < 0.3 else n for n in s[first:])


def _arithmetic(g: Growing, x: str, s: Shape) -> None:
    kind = ["Add", "Sub", "Mul", "Max", "Min"][g.below(5)]
    c = g.floats(_broadcast(g, s))
    swap = kind in ("Add", "Sub") and g.rng.random() < 0.5
    if kind in ("Max", "Min") and g.opset < 8:
        c = g.floats(s)
    g.node(kind, [c, x] if swap else [x, c], s)


def _division(g: Growing, x: str, s: Shape) -> None:
    c = g.stored(g.rng.uniform(0.5, 3, size=_broadcast(g, s)).astype(np.float32))
    g.node("Div", [x, c], s)


def _two(g: Growing, x: str, s: Shape) -> None:
    same = [name for name, shape in g.values if shape == s]
    other = same[g.below(len(same))]
    g.node(["Add", "Sub", "Max", "Min", "Sum", "Mean"][g.below(6)], [x, other], s)


def _clip(g: Growing, x: str, s: Shape) -> None:
    low, high = (float(v) for v in g.rng.normal(size=2).astype(np.float32))
    if g.rng.random() < 0.8:
        low, high = min(low, high), max(low, high)
    if g.opset < 11:
        g.node("Clip", [x], s, min=min(low, high), max=max(low, high))
    else:
        g.node("Clip", [x, *(g.stored(np.asarray(v, dtype=np.float32)) for v in (low, high))], s)


def _prelu(g: Growing, x: str, s: Shape) -> None:
    g.node("PRelu", [x, g.floats(_broadcast(g, s))], s)


def _steps(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 10 or g.rng.random() < 0.5:
        g.node("Shrink", [x], s, bias=0.25, lambd=0.25) if g.opset >= 9 else _plain(g, x, s)
    else:
        g.node("ThresholdedRelu", [x], s, alpha=0.0)


def _choice(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 9:
        return _plain(g, x, s)
    mask = g.stored(g.rng.random(size=_broadcast(g, s)) < 0.5)
    g.node("Where", [mask, x, g.floats(s)], s)


def _reshape(g: Growing, x: str, s: Shape) -> None:
    size, shape = prod(s), []
    while size > 1 and len(shape) < 3:
        parts = [d for d in range(1, size + 1) if size % d == 0]
        shape.append(parts[g.below(len(parts))])
        size //= shape[-1]
    shape.append(size)
    asked = list(shape)
    if g.rng.random() < 0.5:
        asked[g.below(len(asked))] = -1
    g.node("Reshape", [x, g.integers(asked)], tuple(shape))


def _transpose(g: Growing, x: str, s: Shape) -> None:
    order = [int(k) for k in g.rng.permutation(len(s))]
    g.node("Transpose", [x], tuple(s[k] for k in order), perm=order)


def _flatten(g: Growing, x: str, s: Shape) -> None:
    axis = g.below(len(s) + 1)
    g.node("Flatten", [x], (prod(s[:axis]), prod(s[axis:])), axis=axis)


def _unsqueeze(g: Growing, x: str, s: Shape) -> None:
    if len(s) > 4:
        return _flatten(g, x, s)
    axis = g.below(len(s) + 1)
    g.attributes_or_input(13, "Unsqueeze", [x], (*s[:axis], 1, *s[axis:]), "axes", [axis])


def _squeeze(g: Growing, x: str, s: Shape) -> None:
    ones = [k for k, n in enumerate(s) if n == 1]
    if not ones or len(s) < 3:
        return _plain(g, x, s)
    axis = ones[g.below(len(ones))]
    g.attributes_or_input(13, "Squeeze", [x], (*s[:axis], *s[axis + 1 :]), "axes", [axis])


def _slice(g: Growing, x: str, s: Shape) -> None:
    axis = g.below(len(s))
    start, end = sorted((g.below(s[axis]), g.below(s[axis]) + 1))
    if start == end:
        end += 1
    if g.opset < 10:
        shape = (*s[:axis], end - start, *s[axis + 1 :])
        g.node("Slice", [x], shape, starts=[start], ends=[end], axes=[axis])
        return
    step = [1, 2, -1][g.below(3)]
    cut = slice(start, end, step) if step > 0 else slice(end - 1, start - 1 - s[axis], step)
    length = len(range(s[axis])[cut])
    inputs = [g.integers([v]) for v in (cut.start, cut.stop, axis, step)]
    g.node("Slice", [x, *inputs], (*s[:axis], length, *s[axis + 1 :]))


def _split(g: Growing, x: str, s: Shape) -> None:
    axis = g.below(len(s))
    if s[axis] < 2:
        return _plain(g, x, s)
    first = 1 + g.below(s[axis] - 1)
    sizes = [first, s[axis] - first]
    names = [g.name(), g.name()]
    if g.opset < 13:
        g.nodes.append(helper.make_node("Split", [x], names, axis=axis, split=sizes))
    else:
        g.nodes.append(helper.make_node("Split", [x, g.integers(sizes)], names, axis=axis))
    g.node("Concat", names[::-1], s, axis=axis)


def _concat(g: Growing, x: str, s: Shape) -> None:
    axis = g.below(len(s))
    extra = (*s[:axis], 1, *s[axis + 1 :])
    if prod(s) + prod(extra) > MOST:
        return _plain(g, x, s)
    g.node("Concat", [x, g.floats(extra)], (*s[:axis], s[axis] + 1, *s[axis + 1 :]), axis=axis)


def _pad(g: Growing, x: str, s: Shape) -> None:
    mode = ["constant", "reflect", "edge"][g.below(3)]
    pads = [0] * (2 * len(s))
    axis = len(s) - 1
    if s[axis] > 1:
        pads[axis], pads[axis + len(s)] = g.below(2), g.below(2)
    shape = (*s[:axis], s[axis] + pads[axis] + pads[-1])
    if prod(shape) > MOST:
        return _plain(g, x, s)
    if g.opset < 11:
        g.node("Pad", [x], shape, mode=mode, pads=pads)
    else:
        g.node("Pad", [x, g.integers(pads)], shape, mode=mode)


def _gather(g: Growing, x: str, s: Shape) -> None:
    axis = g.below(len(s))
    index = g.rng.integers(0, s[axis], size=(2,))
    if prod(s) // s[axis] * 2 > MOST:
        return _plain(g, x, s)
    g.node("Gather", [x, g.integers(index)], (*s[:axis], 2, *s[axis + 1 :]), axis=axis)


def _by_element(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 11:
        return _gather(g, x, s)
    axis = g.below(len(s))
    index = g.integers(g.rng.integers(-s[axis], s[axis], size=s))
    g.node("GatherElements", [x, index], s, axis=axis)


def _scatter(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 11:
        return _plain(g, x, s)
    row = g.below(s[0])
    g.node("ScatterND", [x, g.integers([[row]]), g.floats((1, *s[1:]))], s)


def _tile(g: Growing, x: str, s: Shape) -> None:
    repeats = [1] * len(s)
    axis = g.below(len(s))
    if prod(s) * 2 > MOST:
        return _plain(g, x, s)
    repeats[axis] = 2
    shape = tuple(n * r for n, r in zip(s, repeats, strict=True))
    g.node("Tile", [x, g.integers(repeats)], shape)


def _expand(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 8 or len(s) > 4 or prod(s) * 2 > MOST:
        return _plain(g, x, s)
    g.node("Expand", [x, g.integers([2, *(1 for _ in s)])], (2, *s))


def _reduce(g: Growing, x: str, s: Shape) -> None:
    kind = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1"][g.below(5)]
    axis, keep = g.below(len(s)), g.below(2)
    if len(s) < 2:
        keep = 1
    shape = (*s[:axis], *([1] if keep else []), *s[axis + 1 :])
    since = 13 if kind == "ReduceSum" else 18
    g.attributes_or_input(since, kind, [x], shape, "axes", [axis], keepdims=keep)


def _cumulative(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 11:
        return _plain(g, x, s)
    axis = g.integers(g.below(len(s)))
    g.node("CumSum", [x, axis], s, exclusive=g.below(2), reverse=g.below(2))


def _triangle(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 14 or len(s) < 2:
        return _plain(g, x, s)
    g.node("Trilu", [x, g.integers(g.below(3) - 1)], s, upper=g.below(2))


def _matmul(g: Growing, x: str, s: Shape) -> None:
    if len(s) < 2:
        return _plain(g, x, s)
    width = 1 + g.below(4)
    if g.rng.random() < 0.3:
        shape = (*s[:-2], width, s[-1])
        g.node("MatMul", [g.floats((width, s[-2])), x], shape)
    else:
        g.node("MatMul", [x, g.floats((s[-1], width))], (*s[:-1], width))


def _gemm(g: Growing, x: str, s: Shape) -> None:
    if len(s) != 2:
        return _flatten(g, x, s)
    width, trans_a, trans_b = 1 + g.below(5), g.below(2), g.below(2)
    inner, outer = (s[0], s[1]) if trans_a else (s[1], s[0])
    w = g.floats((width, inner) if trans_b else (inner, width))
    bias = []
    if g.opset < 11 or g.below(2):
        bias = [g.floats([(width,), (1, width), (outer, width)][g.below(3)])]
    g.node("Gemm", [x, w, *bias], (outer, width), transA=trans_a, transB=trans_b,
           alpha=float(g.rng.choice([1, 0.5])), beta=float(g.rng.choice([1, 2])))  # fmt: skip


def _einsum(g: Growing, x: str, s: Shape) -> None:
    if g.opset < 12 or len(s) != 2:
        return _matmul(g, x, s)
    w = g.floats((s[1], 3))
    if g.below(2):
        g.node("Einsum", [x, w], (3, s[0]), equation="ij,jk->ki")
    else:
        g.node("Einsum", [w, x], (3,), equation="jk, ij -> k")


def _image(g: Growing, x: str, s: Shape) -> tuple[str, Shape]:
    """The value as one image of one or two channels."""
    size = prod(s)
    channels = 2 if size % 2 == 0 and g.below(2) else 1
    rest = size // channels
    rows = max(d for d in range(1, int(rest**0.5) + 1) if rest % d == 0)
    shape = (1, channels, rows, rest // rows)
    g.node("Reshape", [x, g.integers(shape)], shape)
    return g.values[-1][0], shape


def _windows(g: Growing, s: Shape) -> dict[str, Any]:
    kernel = [1 + g.below(min(3, n)) for n in s[2:]]
    pads = [g.below(k) for k in kernel] + [g.below(k) for k in kernel]
    return {"kernel_shape": kernel, "strides": [1 + g.below(2) for _ in kernel], "pads": pads}


def _extents(s: Shape, w: dict[str, Any]) -> Shape:
    rank = len(s) - 2
    return tuple(
        (s[2 + k] + w["pads"][k] + w["pads"][rank + k] - w["kernel_shape"][k]) // w["strides"][k]
        + 1
        for k in range(rank)
    )


def _convolution(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    w = _windows(g, s)
    shape = (1, 2, *_extents(s, w))
    g.node("Conv", [x, g.floats((2, s[1], *w["kernel_shape"])), g.floats((2,))], shape, **w)


def _transposed(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    w = _windows(g, s)
    rank = len(s) - 2
    made = tuple(
        w["strides"][k] * (s[2 + k] - 1) + w["kernel_shape"][k] - w["pads"][k] - w["pads"][rank + k]
        for k in range(rank)
    )
    if min(made) < 1 or prod(made) > MOST:
        return _plain(g, x, s)
    g.node("ConvTranspose", [x, g.floats((s[1], 1, *w["kernel_shape"]))], (1, 1, *made), **w)


def _pool(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    w = _windows(g, s)
    shape = (*s[:2], *_extents(s, w))
    if g.below(2):
        g.node("MaxPool", [x], shape, **w)
    else:
        g.node("AveragePool", [x], shape, count_include_pad=g.below(2), **w)


def _global(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    kind = ["GlobalMaxPool", "GlobalAveragePool"][g.below(2)]
    g.node(kind, [x], (*s[:2], 1, 1))


def _normalisation(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    parts = [g.floats((s[1],)) for _ in range(3)]
    variance = g.stored(g.rng.uniform(0.5, 2, size=s[1]).astype(np.float32))
    g.node("BatchNormalization", [x, *parts, variance], s)


def _blocks(g: Growing, x: str, s: Shape) -> None:
    if prod(s) % 4:
        return _plain(g, x, s)
    g.node("Reshape", [x, g.integers([1, 1, 2, -1])], (1, 1, 2, prod(s) // 2))
    name, s = g.values[-1]
    if s[3] % 2:
        return
    g.node("SpaceToDepth", [name], (1, 4, 1, s[3] // 2), blocksize=2)
    name, s = g.values[-1]
    more = {"mode": ["DCR", "CRD"][g.below(2)]} if g.opset >= 11 else {}
    g.node("DepthToSpace", [name], (1, 1, 2, 2 * s[3]), blocksize=2, **more)


def _shape_arithmetic(g: Growing, x: str, s: Shape) -> None:
    """A Reshape to a shape that the graph computes from that of a value, in integers."""
    if len(s) < 2:
        return _plain(g, x, s)
    shape, place, part, rest = g.name(), g.below(len(s)), g.name(), g.name()
    g.nodes.append(helper.make_node("Shape", [x], [shape]))
    g.nodes.append(helper.make_node("Gather", [shape, g.integers([place])], [part], axis=0))
    whole, twice = g.name(), g.name()
    g.nodes.append(helper.make_node("Mul", [part, g.integers([7])], [twice]))
    g.nodes.append(helper.make_node("Div", [twice, g.integers([7])], [whole]))
    g.nodes.append(helper.make_node("Concat", [whole, g.integers([-1])], [rest], axis=0))
    g.node("Reshape", [x, rest], (s[place], prod(s) // s[place]))


def _integer_arithmetic(g: Growing, x: str, s: Shape) -> None:
    """A constant that integers of some width make, wrapping around, is added."""
    width = [np.int32, np.int64][g.below(2)]
    values = g.rng.integers(-(2**31), 2**31, size=s[-1:]).astype(width)
    divisor = np.array(g.rng.integers(1, 9) * g.rng.choice([-1, 1]), dtype=width)
    a, b, made = g.stored(values), g.stored(divisor), g.name()
    kinds = ["Add", "Sub", "Mul", "Div", *(["Mod"] if g.opset >= 10 else [])]
    g.nodes.append(helper.make_node(kinds[g.below(len(kinds))], [a, b], [made]))
    narrow = [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.INT32]
    real = g._cast(g._cast(made, narrow[g.below(4)]))
    small = g.name()
    g.nodes.append(helper.make_node("Div", [real, g.stored(np.array(2**31, np.float32))], [small]))
    g.node("Add", [x, small], s)


def _condition(g: Growing, x: str, s: Shape) -> None:
    """A branch that a constant chooses, in which nodes see the values around it."""
    bodies = {}
    for kind, name in (("Relu", "then_branch"), ("Neg", "else_branch")):
        made = g.name()
        info = helper.make_tensor_value_info(made, TensorProto.FLOAT, list(s))
        bodies[name] = helper.make_graph([helper.make_node(kind, [x], [made])], name, [], [info])
    g.node("If", [g.stored(np.array(bool(g.below(2))))], s, **bodies)


def _interpolation(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    if g.opset < 11 or prod(s) * 6 > MOST:
        return
    region = g.stored(np.zeros(0, dtype=np.float32)) if g.opset < 13 else ""
    empty = g.stored(np.zeros(0, dtype=np.float32)) if g.opset < 13 else ""
    rows, columns = 1 + g.below(2 * s[2]), 1 + g.below(3 * s[3])
    mode = ["linear", "cubic"][g.below(2)]
    place = ["half_pixel", "asymmetric", "align_corners"][g.below(3)]
    g.node("Resize", [x, region, empty, g.integers([1, s[1], rows, columns])],
           (1, s[1], rows, columns), mode=mode, coordinate_transformation_mode=place)  # fmt: skip


def _resize(g: Growing, x: str, s: Shape) -> None:
    x, s = _image(g, x, s)
    if prod(s) * 2 > MOST or g.opset < 9:
        return
    scales = g.stored(np.array([1, 1, 1, 2], dtype=np.float32))
    shape = (*s[:3], 2 * s[3])
    if g.opset < 10:
        g.node("Upsample", [x, scales], shape, mode="nearest")
    elif g.opset == 10:
        g.node("Resize", [x, scales], shape, mode="nearest")
    else:
        region = g.stored(np.zeros(0, dtype=np.float32)) if g.opset < 13 else ""
        g.node("Resize", [x, region, scales], shape, mode="nearest")


STEPS: tuple[Step, ...] = (
    _plain, _plain, _arithmetic, _arithmetic, _division, _two, _clip, _prelu, _steps, _choice,
    _reshape, _transpose, _flatten, _unsqueeze, _squeeze, _slice, _split, _concat, _pad, _gather,
    _by_element, _scatter, _tile, _expand, _reduce, _cumulative, _triangle, _matmul, _gemm,
    _einsum, _convolution, _transposed, _pool, _global, _normalisation, _blocks, _resize,
    _shape_arithmetic, _integer_arithmetic, _condition, _interpolation,
)  # fmt: skip


def random_model(seed: int) -> onnx.ModelProto:
    """A graph of 3 to 9 steps from operator set 7 to 21, its nodes in random order."""
    rng = np.random.default_rng(seed)
    g = Growing(rng, int(rng.integers(7, 22)))
    shape: Shape = tuple(int(n) for n in rng.integers(1, 5, size=rng.integers(1, 5)))
    g.values.append(("x0", shape))
    for _ in range(int(rng.integers(3, 10))):
        name, s = g.pick()
        STEPS[g.below(len(STEPS))](g, name, s)
    order = [int(k) for k in rng.permutation(len(g.nodes))]
    graph = helper.make_graph(
        [g.nodes[k] for k in order], "random",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(g.values[-1][0], TensorProto.FLOAT, None)],
        g.constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", g.opset)], ir_version=8)
