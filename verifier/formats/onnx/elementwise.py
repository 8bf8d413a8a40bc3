"""Operators that act on each element alone: arithmetic, ReLU and its relatives, comparisons."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor, isqrt
from typing import Any

import numpy as np

from verifier.formats.affine_rows import Exact
from verifier.formats.onnx.constants import (
    BOOL,
    DOUBLE,
    FLOAT,
    FLOATS,
    INT64,
    INTEGERS,
    Constant,
    added,
    cast,
    computed,
    elementwise,
    fractions,
    kind_name,
    kind_named,
    multiplied,
    narrowed,
    reals_of,
    require_sure,
    rounded_to,
    same_kind,
    storage,
)
from verifier.formats.onnx.node import (
    ONE,
    ZERO,
    Node,
    Operator,
    Value,
    reshaped,
    scalar,
    tensor_of,
)
from verifier.formats.tensors import Tensor, check_size, chosen, scaled, weighted_sum
from verifier.question.errors import UserError

# ------------------------------------------------------------------ arithmetic


def _operands(node: Node) -> tuple[Value, Value]:
    """Both inputs; the second in the axes that operator sets before 7 name for it."""
    left, right = node.value(0), node.value(1)
    if node.opset >= 7 or left.shape == right.shape:
        return left, right
    if not node.switch("broadcast", False):
        raise UserError(f"shapes {list(left.shape)} and {list(right.shape)} without broadcast")
    rank = len(left.shape)
    axis = node.integer("axis", rank - len(right.shape))
    if axis < 0 or axis + len(right.shape) > rank:
        raise UserError(f"axis {axis} for shapes {list(left.shape)} and {list(right.shape)}")
    shape = (*right.shape, *(1,) * (rank - axis - len(right.shape)))
    if np.broadcast_shapes(left.shape, shape) != left.shape:
        raise UserError(f"shapes {list(left.shape)} and {list(right.shape)} do not fit")
    return left, reshaped(right, shape)


def _check_broadcast(values: Sequence[Value]) -> None:
    check_size(np.broadcast_shapes(*(value.shape for value in values)))


def _wrapping(node: Node, function: Callable[[Any, Any], Any], kind: int, *values: Exact) -> Value:
    """Integers in the arithmetic of their type, which wraps around."""
    if INTEGERS[kind][0] < 8:
        raise UserError(f"arithmetic of {kind_name(kind)} is not supported")
    with np.errstate(over="ignore"):
        return Constant(kind, np.asarray(function(*values), dtype=storage(kind)))


def _add(node: Node) -> list[Value]:
    return [_plus(node, *_operands(node))]


def _plus(node: Node, left: Value, right: Value, sign: int = 1) -> Value:
    """left + sign * right."""
    _check_broadcast([left, right])
    if isinstance(left, Constant) and isinstance(right, Constant):
        kind = same_kind(left, right)
        if kind in INTEGERS:
            whole = np.add if sign == 1 else np.subtract
            return _wrapping(node, whole, kind, left.values, right.values)
        if kind in FLOATS:
            total = added(left.values, right.values if sign == 1 else np.asarray(-right.values))
            return computed(kind, total, left.sure and right.sure)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return weighted_sum([left, right], [1, sign])
    if isinstance(left, Tensor):
        shift = _real(right)
        return scaled(left, ONE, shift if sign == 1 else np.asarray(-shift))
    return scaled(tensor_of(right), np.array(float(sign)), _real(left))


def _real(value: Value) -> Exact:
    if isinstance(value, Tensor):
        raise UserError("a product of two values that both depend on the network's input")
    if not value.is_real:
        raise UserError(f"values of type {kind_name(value.kind)} where reals are needed")
    return value.values


def _subtract(node: Node) -> list[Value]:
    left, right = _operands(node)
    return [_plus(node, left, right, -1)]


def _sum(node: Node) -> list[Value]:
    first, *rest = node.values()
    for value in rest:
        first = _plus(node, first, value)
    return [first]


def _mean(node: Node) -> list[Value]:
    values = node.values()
    _check_broadcast(values)
    share = Fraction(1, len(values))
    return [weighted_sum([tensor_of(value) for value in values], [share] * len(values))]


def _multiply(node: Node) -> list[Value]:
    return [_times(node, *_operands(node))]


def _times(node: Node, left: Value, right: Value) -> Value:
    _check_broadcast([left, right])
    if isinstance(left, Constant) and isinstance(right, Constant):
        kind = same_kind(left, right)
        if kind in INTEGERS:
            return _wrapping(node, np.multiply, kind, left.values, right.values)
        if kind in FLOATS:
            product = multiplied(left.values, right.values)
            return computed(kind, product, left.sure and right.sure)
    if isinstance(left, Tensor):
        return scaled(left, _real(right), ZERO)
    return scaled(tensor_of(right), _real(left), ZERO)


def _divide(node: Node) -> list[Value]:
    left, right = _operands(node)
    _check_broadcast([left, right])
    if isinstance(right, Tensor):
        raise UserError("its divisor depends on the network's input")
    if not np.all(right.values != 0):
        raise UserError("a division by zero")
    if isinstance(left, Constant):
        kind = same_kind(left, right)
        if kind in INTEGERS:
            return [_whole(kind, left.values, right.values, _towards_zero)]
        if kind in FLOATS:
            quotient = elementwise(left.values, right.values, operator.truediv)
            return [computed(kind, quotient, left.sure and right.sure)]
    inverse = np.asarray(np.frompyfunc(lambda v: 1 / v, 1, 1)(fractions(_real(right))), object)
    return [scaled(tensor_of(left), inverse, ZERO)]


def _towards_zero(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _whole(kind: int, left: Exact, right: Exact, function: Callable[[int, int], int]) -> Constant:
    """A function of integers; raises UserError where the result does not fit the type."""
    result = np.asarray(np.frompyfunc(function, 2, 1)(left.astype(object), right.astype(object)))
    return in_range(kind, result)


def in_range(kind: int, values: Exact) -> Constant:
    """Python's integers as integers of the type; raises UserError where one does not fit."""
    bits, signed = INTEGERS[kind]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    for entry in values.reshape(-1).tolist():
        if not low <= entry <= high:
            raise UserError(f"an overflow of {kind_name(kind)}")
    return Constant(kind, np.asarray(values.astype(storage(kind))))


def _modulo(node: Node) -> list[Value]:
    left, right = node.constant(0, "dividend"), node.constant(1, "divisor")
    _check_broadcast([left, right])
    kind, float_rule = same_kind(left, right), node.switch("fmod", False)
    if not np.all(right.values != 0):
        raise UserError("a division by zero")
    if kind in INTEGERS:
        rule = _remainder if float_rule else operator.mod
        return [_whole(kind, left.values, right.values, rule)]
    if not float_rule:
        raise UserError("the remainder of real numbers needs fmod = 1")
    for value in (left, right):
        require_sure(value, "a remainder")
    return [computed(kind, elementwise(left.values, right.values, _real_remainder), True)]


def _remainder(left: int, right: int) -> int:
    return left - right * _towards_zero(left, right)


def _real_remainder(left: Fraction, right: Fraction) -> Fraction:
    quotient = left / right
    return left - right * (floor(quotient) if quotient > 0 else ceil(quotient))


def _power(node: Node) -> list[Value]:
    base, exponent = _operands(node)
    _check_broadcast([base, exponent])
    if isinstance(exponent, Tensor):
        raise UserError("its exponent depends on the network's input")
    powers = fractions(exponent.reals())
    if any(p.denominator != 1 or not 0 <= p <= 1024 for p in powers.reshape(-1).tolist()):
        raise UserError("an exponent is not a natural number up to 1024")
    if isinstance(base, Tensor):
        if any(p > 1 for p in powers.reshape(-1).tolist()):
            raise UserError("a power of a value that depends on the network's input")
        return [scaled(base, (powers == 1).astype(np.float64), (powers == 0).astype(np.float64))]
    require_sure(exponent, "a power")
    if base.is_integer:
        return [_whole(base.kind, base.values, powers, lambda b, p: int(b ** int(p)))]
    result = elementwise(base.reals(), powers, lambda b, p: b ** int(p))
    return [Constant(base.kind, narrowed(result), sure=False)]


def _negate(node: Node) -> list[Value]:
    value = node.value(0)
    if isinstance(value, Tensor):
        return [scaled(value, np.array(-1.0), ZERO)]
    if value.is_integer:
        return [_wrapping(node, np.negative, value.kind, value.values)]
    return [value.moved(np.asarray(-value.reals()))]


def _reciprocal(node: Node) -> list[Value]:
    value = node.constant(0, "divisor")
    if not np.all(node.reals(0, "divisor") != 0):
        raise UserError("a division by zero")
    inverse = np.asarray(np.frompyfunc(lambda v: 1 / v, 1, 1)(fractions(value.values)), object)
    return [computed(value.kind, inverse, value.sure)]


def _root(node: Node) -> list[Value]:
    """Square roots of constants; where irrational, the nearest float64."""
    value = node.constant(0, "radicand")
    entries = fractions(node.reals(0, "radicand"))
    if any(entry < 0 for entry in entries.reshape(-1).tolist()):
        raise UserError("the root of a negative number")
    inexact = [not is_square(entry) for entry in entries.reshape(-1).tolist()]
    if any(inexact):
        node.runner.note("irrational square roots are the nearest float64")
    roots = np.frompyfunc(lambda v: quotient_by_root(v, v) if v else Fraction(0), 1, 1)(entries)
    return [Constant(value.kind, narrowed(np.asarray(roots, dtype=object)), sure=False)]


def is_square(value: Fraction) -> bool:
    """Whether the root of a number >= 0 is rational."""
    n, d = value.numerator, value.denominator
    return isqrt(n) ** 2 == n and isqrt(d) ** 2 == d


def quotient_by_root(top: Fraction, square: Fraction) -> Fraction:
    """top / sqrt(square) if that is rational, else the nearest float64 (to within 2^-100)."""
    n, d = square.numerator, square.denominator
    if is_square(square):
        return top / Fraction(isqrt(n), isqrt(d))
    shift = 2 * max(0, 256 - n.bit_length() + d.bit_length())
    root = Fraction(isqrt((n << shift) // d), 1 << (shift // 2))
    try:
        return Fraction(float(top / root))
    except OverflowError:
        raise UserError("a quotient by a square root is beyond float64") from None


# ------------------------------------------------------------------ piecewise linear


def _relu(node: Node) -> list[Value]:
    value = node.value(0)
    if isinstance(value, Constant) and value.is_integer:
        return [value.moved(np.maximum(value.values, 0))]
    return [node.graph.relu(node.tensor(0))]


def _leaky_relu(node: Node) -> list[Value]:
    return [node.graph.leaky(node.tensor(0), scalar(node.number("alpha", 0.01)))]


def _prelu(node: Node) -> list[Value]:
    value, slope = node.tensor(0), fractions(node.reals(1, "slope"))
    if node.opset < 7 and slope.size > 1:
        slope = _old_slope(slope, value.shape)
    if np.broadcast_shapes(value.shape, slope.shape) != value.shape:
        raise UserError(f"slope of shape {list(slope.shape)}, value of shape {list(value.shape)}")
    return [node.graph.leaky(value, slope)]


def _old_slope(slope: Exact, shape: tuple[int, ...]) -> Exact:
    """One slope a channel, along axis 1, where that is the only reading."""
    if len(slope.shape) != 1 or len(shape) < 2 or len(slope) != shape[1]:
        raise UserError(f"slope of shape {list(slope.shape)}, value of shape {list(shape)}")
    if len(shape) > 2 and shape[-1] == shape[1]:
        raise UserError(
            f"before operator set 7 a slope of shape {list(slope.shape)} on a value of shape "
            f"{list(shape)} may be of the channels or of the last axis; convert the file to 7"
        )
    return slope.reshape(-1, *(1,) * (len(shape) - 2))


def _thresholded_relu(node: Node) -> list[Value]:
    if node.number("alpha", 1.0) != 0:
        raise UserError("it jumps at its threshold, which is not 0")
    return [node.graph.relu(node.tensor(0))]


def _shrink(node: Node) -> list[Value]:
    """max(x - lambd, 0) - max(-x - lambd, 0), which is continuous for bias = lambd."""
    bias, limit = node.number("bias", 0.0), node.number("lambd", 0.5)
    if limit < 0 or bias != limit:
        raise UserError(f"it jumps: lambd is {float(limit):g}, bias {float(bias):g}")
    value, minus = node.tensor(0), scalar(-limit)
    above = node.graph.relu(scaled(value, ONE, minus))
    below = node.graph.relu(scaled(value, np.array(-1.0), minus))
    return [weighted_sum([above, below], [1, -1])]


def _absolute(node: Node) -> list[Value]:
    value = node.value(0)
    if isinstance(value, Constant) and value.is_integer:
        return [_wrapping(node, np.absolute, value.kind, value.values)]
    if isinstance(value, Constant):
        return [value.moved(np.abs(value.reals()))]
    return [weighted_sum([node.graph.relu(value), value], [2, -1])]


def _maximum(node: Node) -> list[Value]:
    return [_extreme(node, np.maximum, node.graph.maximum)]


def _minimum(node: Node) -> list[Value]:
    return [_extreme(node, np.minimum, node.graph.minimum)]


def _extreme(
    node: Node,
    of_numbers: Callable[[Any, Any], Any],
    of_tensors: Callable[[Tensor, Tensor], Tensor],
) -> Value:
    first, *rest = node.values()
    for value in rest:
        _check_broadcast([first, value])
        if isinstance(first, Constant) and isinstance(value, Constant):
            kind = same_kind(first, value)
            sure = first.sure and value.sure
            first = Constant(kind, np.asarray(of_numbers(first.values, value.values)), sure)
        else:
            first = of_tensors(tensor_of(first), tensor_of(value))
    return first


def clipped(node: Node, value: Tensor, low: Fraction | None, high: Fraction | None) -> Tensor:
    """low + max(x - low, 0) - max(x - high, 0); one-sided forms need one unit; high where it is
    below low."""
    if low is not None and high is not None and low > high:
        low = high
    if low is None:
        if high is None:
            return value
        rest = node.graph.relu(scaled(value, -ONE, scalar(high)))
        return scaled(rest, -ONE, scalar(high))
    if low == high:
        return scaled(value, ZERO, scalar(low))
    above = node.graph.relu(scaled(value, ONE, scalar(-low)))
    if high is None:
        return scaled(above, ONE, scalar(low))
    beyond = node.graph.relu(scaled(value, ONE, scalar(-high)))
    return scaled(weighted_sum([above, beyond], [1, -1]), ONE, scalar(low))


def _clip(node: Node) -> list[Value]:
    value = node.value(0)
    low, high = _limit(node, 1, "min"), _limit(node, 2, "max")
    if isinstance(value, Constant) and value.is_integer:
        bounded = value.values.astype(object)
        bounded = bounded if low is None else np.maximum(bounded, int(low))
        bounded = bounded if high is None else np.minimum(bounded, int(high))
        return [in_range(value.kind, np.asarray(bounded, dtype=object))]
    return [clipped(node, tensor_of(value), low, high)]


_LARGEST = {kind: float(FLOATS[kind].largest) for kind in (FLOAT, DOUBLE)}


def _limit(node: Node, index: int, name: str) -> Fraction | None:
    """The clip limit, or None where there is none: absent, infinite, or its format's largest."""
    number: Any = None
    largest = _LARGEST[FLOAT]
    if node.opset < 11:
        number = node.attributes.get(name)
    elif node.has(index):
        entries = node.constant(index, name)
        if entries.values.size != 1 or entries.kind == BOOL:
            raise UserError(f"{name} is not one number")
        number = entries.values.reshape(-1)[0]
        largest = _LARGEST.get(entries.kind, float("inf"))
    if number is None:
        return None
    if number != number:
        raise UserError(f"{name} is NaN")
    if abs(number) in (largest, float("inf")):
        if (number > 0) != (name == "max"):
            raise UserError(f"{name} is {number}")
        return None
    return Fraction(number if not isinstance(number, np.generic) else number.item())


def hard_sigmoid(node: Node, value: Tensor) -> Tensor:
    """max(0, min(1, alpha x + beta))."""
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    return clipped(node, scaled(value, scalar(alpha), scalar(beta)), Fraction(0), Fraction(1))


# ------------------------------------------------------------------ in steps, of constants


def _whole_real(function: Callable[[Fraction], int]) -> Operator:
    def operate(node: Node) -> list[Value]:
        value = node.constant(0, "operand")
        if not value.is_real:
            raise UserError(f"values of type {kind_name(value.kind)} where reals are needed")
        require_sure(value, "a rounding")
        rounded = np.frompyfunc(lambda v: Fraction(function(v)), 1, 1)(fractions(value.reals()))
        return [computed(value.kind, np.asarray(rounded, dtype=object), True)]

    return operate


def _comparison(function: Callable[[Any, Any], Any]) -> Operator:
    def operate(node: Node) -> list[Value]:
        left, right = _operands(node)
        _check_broadcast([left, right])
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            raise UserError("it compares values that depend on the network's input, which jumps")
        same_kind(left, right)
        for value in (left, right):
            require_sure(value, "a comparison")
        return [Constant(BOOL, np.asarray(function(left.values, right.values), dtype=bool))]

    return operate


def _logical(function: Callable[..., Any], count: int) -> Operator:
    def operate(node: Node) -> list[Value]:
        values = [node.value(0), node.value(1)] if count == 2 else [node.value(0)]
        if count == 2:
            values = list(_operands(node))
        _check_broadcast(values)
        arrays = []
        for value in values:
            if isinstance(value, Tensor) or value.kind != BOOL:
                raise UserError("an operand is not a constant of bools")
            arrays.append(value.values)
        return [Constant(BOOL, np.asarray(function(*arrays), dtype=bool))]

    return operate


def _bitwise(function: np.ufunc) -> Operator:
    def operate(node: Node) -> list[Value]:
        values = [node.constant(k, "operand") for k in range(function.nin)]
        _check_broadcast(values)
        kinds = {value.kind for value in values}
        if len(kinds) != 1 or not values[0].is_integer:
            raise UserError("its operands are not integers of one type")
        return [_wrapping(node, function, values[0].kind, *(value.values for value in values))]

    return operate


def _sign(node: Node) -> list[Value]:
    value = node.constant(0, "operand")
    require_sure(value, "a sign")
    if value.is_integer:
        positive, negative = value.values > 0, value.values < 0
        return [value.moved((positive.astype(np.int64) - negative).astype(value.values.dtype))]
    return [value.moved(np.sign(value.reals().astype(np.float64)))]


def _where(node: Node) -> list[Value]:
    condition = node.constant(0, "condition")
    if condition.kind != BOOL:
        raise UserError("its condition is not of bools")
    return [selected(condition.values, node.value(1), node.value(2))]


def selected(mask: Exact, first: Value, second: Value) -> Value:
    """`first` where the mask holds, elsewhere `second`."""
    check_size(np.broadcast_shapes(mask.shape, first.shape, second.shape))
    if isinstance(first, Constant) and isinstance(second, Constant):
        kind = same_kind(first, second)
        values = np.where(mask, first.values, second.values)
        return Constant(kind, values, first.sure and second.sure)
    shape = np.broadcast_shapes(mask.shape, first.shape, second.shape)
    return chosen(mask, _usable(first, mask, shape), _usable(second, ~mask, shape))


def _usable(value: Value, used: Exact, shape: tuple[int, ...]) -> Tensor:
    """`value` as a tensor; what the mask does not use may be infinite, and becomes 0."""
    if isinstance(value, Tensor) or not value.is_real or value.values.dtype == object:
        return tensor_of(value)
    full = np.broadcast_to(value.values, shape)
    return tensor_of(value.moved(np.where(np.broadcast_to(used, shape), full, 0.0)))


# ------------------------------------------------------------------ types


def _cast(node: Node) -> list[Value]:
    target = node.attributes.get("to", 0)
    if isinstance(target, bytes):  # operator sets before 6 name the type
        target = kind_named(target.decode("ascii", "replace"))
    if not isinstance(target, int):
        raise UserError("attribute to is not a type")
    return [_cast_to(node, target)]


def _cast_to(node: Node, target: int) -> Value:
    value = node.value(0)
    if isinstance(value, Constant):
        return cast(value, target, saturate=node.switch("saturate", True))
    if target not in FLOATS:
        raise UserError(
            f"a cast of values that depend on the network's input to {kind_name(target)}, "
            "which jumps"
        )
    if target not in (FLOAT, 11):
        node.runner.note(
            f"values of the network are cast to {kind_name(target)}: that rounding is left out, "
            "the arithmetic is real"
        )
    return value


def _cast_like(node: Node) -> list[Value]:
    like = node.value(1)
    return [_cast_to(node, like.kind if isinstance(like, Constant) else FLOAT)]


def _dequantize(node: Node) -> list[Value]:
    """(x - zero point) scale, of constants."""
    value = node.constant(0, "quantized value")
    scale, zero = _quantization(node, value.shape)
    if zero is not None and zero.kind != value.kind:
        raise UserError("its zero point is of another type")
    shifted = value.reals() if zero is None else added(value.reals(), -zero.reals())
    product = multiplied(shifted, scale.values)
    return [computed(scale.kind, product, value.sure and scale.sure)]


def _quantization(node: Node, shape: tuple[int, ...]) -> tuple[Constant, Constant | None]:
    """Scale and zero point as they apply to each element."""
    found: list[Constant] = []
    for index in (1, 2):
        if node.has(index):
            value = node.constant(index, "scale" if index == 1 else "zero point")
            found.append(value.moved(_along(node, value.values, shape)))
    if not found or not found[0].is_real:
        raise UserError("its scale is not of reals")
    return found[0], found[1] if len(found) > 1 else None


def _along(node: Node, values: Exact, shape: tuple[int, ...]) -> Exact:
    """One number for all, one along the axis, or one for each block of it."""
    if values.size == 1 and len(values.shape) <= 1:
        return values.reshape(())
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis < len(shape):
        raise UserError(f"axis {axis} is outside a tensor of rank {len(shape)}")
    axis %= len(shape)
    if len(values.shape) == 1 and not node.integer("block_size", 0):
        if len(values) != shape[axis]:
            raise UserError(f"{len(values)} scales for an axis of {shape[axis]}")
        return values.reshape(-1, *(1,) * (len(shape) - axis - 1))
    block = node.integer("block_size", 0)
    if block < 1 or len(values.shape) != len(shape):
        raise UserError(f"scales of shape {list(values.shape)} for a shape of {list(shape)}")
    if any(
        -(-extent // block) != values.shape[k] if k == axis else extent != values.shape[k]
        for k, extent in enumerate(shape)
    ):
        raise UserError(f"scales of shape {list(values.shape)} in blocks of {block}")
    return np.repeat(values, block, axis=axis)[tuple(slice(0, extent) for extent in shape)]


def _quantize(node: Node) -> list[Value]:
    """x / scale rounded, ties to even, plus zero point, cut to the range of its type."""
    value = node.constant(0, "value")
    require_sure(value, "a quantization")
    scale, zero = _quantization(node, value.shape)
    require_sure(scale, "a quantization")
    declared = node.integer("output_dtype", 0)
    target = zero.kind if zero is not None else declared or 2
    if target not in INTEGERS:
        raise UserError(f"a quantization to {kind_name(target)} is not supported")
    bits, signed = INTEGERS[target]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not np.all(scale.values != 0):
        raise UserError("a scale is 0")
    exact = elementwise(value.reals(), scale.values, operator.truediv)
    rounded = np.frompyfunc(round, 1, 1)(exact)
    executed = np.rint(rounded_to(exact, scale.kind))
    if not np.all(rounded.astype(np.float64) == executed):
        raise UserError("a quotient lies so near a half that a runtime's rounding decides")
    offset = 0 if zero is None else zero.values.astype(object)
    clipped_to = np.minimum(np.maximum(rounded + offset, low), high)
    return [in_range(target, np.asarray(clipped_to, dtype=object))]


def _size(node: Node) -> list[Value]:
    return [Constant(INT64, np.asarray(np.prod(node.value(0).shape, dtype=np.int64)))]


def _identity(node: Node) -> list[Value]:
    return [node.value(0)]


def _dropout(node: Node) -> list[Value]:
    training = bool(node.opset < 7 and not node.switch("is_test", False))
    if node.opset >= 12 and node.has(2):
        training = node.flag(2, "training_mode")
    if training:
        rate: Exact = np.array(float(node.number("ratio", 0.5)))
        if node.opset >= 12 and node.has(1):
            rate = node.constant(1, "ratio").reals()
        if np.any(rate != 0):
            raise UserError("it is in training mode, which is random")
    value = node.value(0)
    if node.opset < 10:
        return [value, reals_of(np.ones(value.shape))]
    return [value, Constant(BOOL, np.ones(value.shape, dtype=bool))]


OPERATORS: dict[str, Operator] = {
    "Abs": _absolute,
    "Add": _add,
    "And": _logical(np.logical_and, 2),
    "BitwiseAnd": _bitwise(np.bitwise_and),
    "BitwiseNot": _bitwise(np.bitwise_not),
    "BitwiseOr": _bitwise(np.bitwise_or),
    "BitwiseXor": _bitwise(np.bitwise_xor),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _whole_real(ceil),
    "Clip": _clip,
    "DequantizeLinear": _dequantize,
    "Div": _divide,
    "Dropout": _dropout,
    "Equal": _comparison(operator.eq),
    "Floor": _whole_real(floor),
    "Greater": _comparison(operator.gt),
    "GreaterOrEqual": _comparison(operator.ge),
    "Identity": _identity,
    "LeakyRelu": _leaky_relu,
    "Less": _comparison(operator.lt),
    "LessOrEqual": _comparison(operator.le),
    "Max": _maximum,
    "Mean": _mean,
    "Min": _minimum,
    "Mod": _modulo,
    "Mul": _multiply,
    "Neg": _negate,
    "Not": _logical(np.logical_not, 1),
    "Or": _logical(np.logical_or, 2),
    "PRelu": _prelu,
    "Pow": _power,
    "QuantizeLinear": _quantize,
    "Reciprocal": _reciprocal,
    "Relu": _relu,
    "Round": _whole_real(round),
    "Shrink": _shrink,
    "Sign": _sign,
    "Size": _size,
    "Sqrt": _root,
    "Sub": _subtract,
    "Sum": _sum,
    "ThresholdedRelu": _thresholded_relu,
    "Where": _where,
    "Xor": _logical(np.logical_xor, 2),
}
