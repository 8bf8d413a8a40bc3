"""Numbers of an ONNX element type that do not depend on the network's input, and their casts.

Integers have the arithmetic of their type: sums and products wrap around. Real numbers are exact,
whatever their type; only a Cast rounds. A runtime rounds as it computes, so where a value decides
something in steps (a comparison, a cast to integers), it must be `sure`: a number that every
runtime computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.affine_rows import Exact
from verifier.question.errors import UserError

MAX_BITS = 1 << 17
"""Most bits of numerator or denominator of one constant."""


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """A format of `precision` significant bits whose smallest normal number is 2^lowest."""

    precision: int
    lowest: int
    largest: Fraction
    infinity: bool = True
    wraps: bool = True  # whether something beyond `largest` exists: infinity, or else NaN


def _largest(precision: int, exponent: int) -> Fraction:
    return (2 - Fraction(1, 2 ** (precision - 1))) * Fraction(2) ** exponent


FLOAT, FLOAT16, DOUBLE, BFLOAT16 = 1, 10, 11, 16
INT32, INT64, BOOL = 6, 7, 9
FLOATS: dict[int, FloatFormat] = {
    FLOAT: FloatFormat(24, -126, _largest(24, 127)),
    FLOAT16: FloatFormat(11, -14, _largest(11, 15)),
    DOUBLE: FloatFormat(53, -1022, _largest(53, 1023)),
    BFLOAT16: FloatFormat(8, -126, _largest(8, 127)),
    17: FloatFormat(4, -6, Fraction(448), infinity=False),  # float8e4m3fn
    18: FloatFormat(4, -7, Fraction(240), infinity=False),  # float8e4m3fnuz
    19: FloatFormat(3, -14, Fraction(57344)),  # float8e5m2
    20: FloatFormat(3, -15, Fraction(57344), infinity=False),  # float8e5m2fnuz
    23: FloatFormat(2, 0, Fraction(6), infinity=False, wraps=False),  # float4e2m1
}
SMALL_FLOATS = frozenset({17, 18, 19, 20})
"""The formats to which the attribute `saturate` of a Cast applies."""

# Bits, and whether there are negative ones.
INTEGERS: dict[int, tuple[int, bool]] = {
    2: (8, False),
    3: (8, True),
    4: (16, False),
    5: (16, True),
    INT32: (32, True),
    INT64: (64, True),
    12: (32, False),
    13: (64, False),
    21: (4, False),
    22: (4, True),
    25: (2, False),
    26: (2, True),
}
_NAMES = {
    0: "undefined", 1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32",
    7: "int64", 8: "string", 9: "bool", 10: "float16", 11: "double", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz",
    19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
    24: "float8e8m0", 25: "uint2", 26: "int2",
}  # fmt: skip


def kind_name(kind: int) -> str:
    """The name of an ONNX element type."""
    return _NAMES.get(kind, f"number {kind}")


def kind_named(name: str) -> int:
    """The ONNX element type of this name, 0 where there is none; as Cast-1 writes it."""
    return next((kind for kind, known in _NAMES.items() if known == name.lower()), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """Numbers of element type `kind`.

    `values` are float64 or Fractions (any real type), integers in numpy's type of their width
    (8 bits for narrower ones), or bool. `sure`: every runtime computes these numbers; always so of
    integers and bools.
    """

    kind: int
    values: Exact
    sure: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def is_real(self) -> bool:
        return self.kind in FLOATS

    @property
    def is_integer(self) -> bool:
        return self.kind in INTEGERS

    def moved(self, values: Exact) -> Constant:
        """The same numbers in other places."""
        return Constant(self.kind, values, self.sure)

    def reals(self) -> Exact:
        """The numbers as reals, exactly; raises UserError for bools."""
        if self.is_real:
            return self.values
        if not self.is_integer:
            raise UserError(f"numbers of type {kind_name(self.kind)} where reals are needed")
        if self.values.dtype.itemsize < 8 or not np.any(_beyond_53_bits(self.values)):
            return self.values.astype(np.float64)
        return fractions(self.values)


def _beyond_53_bits(values: Exact) -> NDArray[np.bool_]:
    top = values.dtype.type(2**53)
    low = values < -top if values.dtype.kind == "i" else np.zeros(values.shape, dtype=bool)
    return np.asarray((values > top) | low)


def storage(kind: int) -> np.dtype[Any]:
    """The numpy type that holds integers of this kind."""
    bits, signed = INTEGERS[kind]
    return np.dtype(f"{'i' if signed else 'u'}{max(bits, 8) // 8}")


def integers_of(kind: int, values: Any) -> Constant:
    """Integers of a kind, which all of `values` fit."""
    return Constant(kind, np.asarray(values, dtype=storage(kind)))


def index_constant(values: Any) -> Constant:
    """int64 numbers."""
    return integers_of(INT64, values)


def reals_of(values: Any, kind: int = FLOAT, *, sure: bool = True) -> Constant:
    """Real numbers, given as floats or Fractions."""
    array = np.asarray(values)
    return Constant(kind, array if array.dtype == object else array.astype(np.float64), sure)


def fractions(values: Exact) -> Exact:
    """The same numbers as an array of Fractions; raises UserError for NaN and infinity."""
    packed = np.empty(values.size, dtype=object)
    try:
        packed[:] = [Fraction(value) for value in values.reshape(-1).tolist()]
    except (OverflowError, ValueError):
        raise UserError("a number is NaN or infinite") from None
    return packed.reshape(values.shape)


def narrowed(values: Exact) -> Exact:
    """The same numbers, as float64 if all of them fit exactly; raises UserError for huge ones."""
    if values.dtype != object:
        return values
    entries = values.reshape(-1).tolist()
    bits = [max(abs(v.numerator).bit_length(), v.denominator.bit_length()) for v in entries]
    if max(bits, default=0) > MAX_BITS:
        raise UserError(f"a constant of more than {MAX_BITS} bits")
    if max(bits, default=0) < 1000:
        floats = np.array([float(v) for v in entries], dtype=np.float64)
        if all(Fraction(f) == v for f, v in zip(floats.tolist(), entries, strict=True)):
            return floats.reshape(values.shape)
    return values


# ------------------------------------------------------------------ real arithmetic, exactly


def computed(kind: int, values: Exact, sure: bool) -> Constant:
    """The result of one correctly rounded operation whose exact result is `values`: it is sure if
    its operands were and nothing is rounded."""
    narrow = narrowed(values)
    if not sure or narrow.dtype == object:
        return Constant(kind, narrow, False)
    return Constant(kind, narrow, bool(np.all(is_member(narrow, kind))))


def added(left: Exact, right: Exact) -> Exact:
    """left + right, exactly."""
    if left.dtype != object and right.dtype != object:
        with np.errstate(all="ignore"):
            total = np.asarray(left + right)
            part = total - left
            error = (left - (total - part)) + (right - part)  # exact, if nothing overflows
        if bool(np.all(error == 0)):
            return total
    return np.asarray(fractions(left) + fractions(right), dtype=object)


def multiplied(left: Exact, right: Exact) -> Exact:
    """left * right, exactly."""
    if left.dtype != object and right.dtype != object:
        with np.errstate(all="ignore"):
            product = np.asarray(left * right)
            singles = all(bool(np.all(side.astype(np.float32) == side)) for side in (left, right))
            zero = (left == 0) | (right == 0)
            normal = np.where(zero, product == 0, np.abs(product) > 1e-290)
        if singles and bool(np.all(normal)):  # 24 bits times 24 bits fit 53
            return product
    return np.asarray(fractions(left) * fractions(right), dtype=object)


def elementwise(left: Exact, right: Exact, function: Callable[[Fraction, Fraction], Any]) -> Exact:
    """A function of exact numbers, element by element; the arrays broadcast."""
    both = np.frompyfunc(function, 2, 1)(fractions(left), fractions(right))
    return np.asarray(both, dtype=object)


# ------------------------------------------------------------------ rounding


def is_member(values: Exact, kind: int) -> NDArray[np.bool_]:
    """Which float64 numbers are finite numbers of the float format."""
    with np.errstate(all="ignore"):
        rounded = _nearest_floats(values, FLOATS[kind])
        inside = np.abs(values) <= float(FLOATS[kind].largest)
    return np.asarray((rounded == values) & inside)


def rounded_to(values: Exact, kind: int, *, saturate: bool = True) -> Exact:
    """Each number rounded to the nearest of the format, ties to even, as float64.

    Beyond the largest: infinity, or the largest where the format saturates or has nothing beyond,
    else NaN. NaN stays NaN.
    """
    form = FLOATS[kind]
    if values.dtype == object:
        flat = [_nearest_float(value, form) for value in values.reshape(-1).tolist()]
        near = np.array(flat, dtype=np.float64).reshape(values.shape)
    else:
        with np.errstate(all="ignore"):
            near = _nearest_floats(values, form)
    largest = float(form.largest)
    saturates = (kind in SMALL_FLOATS and saturate) or not form.wraps
    beyond = largest if saturates else np.inf if form.infinity else np.nan
    over = np.abs(near) > largest
    if kind in SMALL_FLOATS and not saturates and not form.infinity:
        return np.where(over, np.nan, near)
    with np.errstate(invalid="ignore"):
        return np.where(over, np.copysign(beyond, near), near)


def _nearest_floats(values: Exact, form: FloatFormat) -> NDArray[np.float64]:
    if form.precision == 53:
        return np.asarray(values, dtype=np.float64)
    exponents = np.frexp(values)[1] - 1  # floor of log2
    steps = np.maximum(exponents, form.lowest) - (form.precision - 1)
    # Scaling by a power of two is exact here, and rint rounds ties to even.
    scaled = np.ldexp(values, -steps)
    return np.asarray(np.where(np.isfinite(values), np.ldexp(np.rint(scaled), steps), values))


def _nearest_float(value: Fraction, form: FloatFormat) -> float:
    if value == 0:
        return 0.0
    top, bottom = abs(value.numerator), value.denominator
    exponent = top.bit_length() - bottom.bit_length()
    if Fraction(top, bottom) < Fraction(2) ** exponent:
        exponent -= 1
    step = max(exponent, form.lowest) - (form.precision - 1)
    quotient = Fraction(top, bottom) / Fraction(2) ** step
    whole = round(quotient)  # ties to even
    try:
        magnitude = float(whole * Fraction(2) ** step)
    except OverflowError:
        magnitude = float("inf")
    return magnitude if value > 0 else -magnitude


# ------------------------------------------------------------------ casts


def cast(value: Constant, kind: int, *, saturate: bool = True) -> Constant:
    """`value` as ONNX casts it; raises UserError where ONNX leaves the result undefined."""
    if kind in FLOATS:
        if value.kind == BOOL:
            return Constant(kind, value.values.astype(np.float64))
        numbers = value.reals()
        if not FLOATS[kind].wraps and numbers.dtype != object and np.isnan(numbers).any():
            raise UserError(f"a cast of NaN to {kind_name(kind)} is undefined")
        near = rounded_to(numbers, kind, saturate=saturate)
        # What a runtime has instead of an unsure number may round to a neighbour.
        return Constant(kind, near, value.sure)
    if kind == BOOL:
        require_sure(value, "a cast to bool")
        return Constant(BOOL, np.asarray(value.values != 0, dtype=bool))
    if kind not in INTEGERS:
        raise UserError(f"a cast to type {kind_name(kind)} is not supported")
    if value.kind == BOOL:
        return Constant(kind, value.values.astype(storage(kind)))
    if value.is_integer:
        return Constant(kind, _wrapped(value.values, kind))
    require_sure(value, "a cast to integers")
    bits, signed = INTEGERS[kind]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    whole = [int(entry) for entry in fractions(value.values).reshape(-1).tolist()]  # towards zero
    wrong = next((entry for entry in whole if not low <= entry <= high), None)
    if wrong is not None:
        raise UserError(f"a cast of {float(wrong):g} to {kind_name(kind)} is undefined")
    return Constant(kind, np.array(whole, dtype=storage(kind)).reshape(value.shape))


def _wrapped(values: Exact, kind: int) -> Exact:
    """The lowest bits of each integer, read in two's complement."""
    bits, signed = INTEGERS[kind]
    cut = values.astype(storage(kind))
    if bits >= 8:
        return cut
    low = cut & ((1 << bits) - 1)
    if not signed:
        return np.asarray(low)
    return np.where(low >= 1 << (bits - 1), low - (1 << bits), low).astype(cut.dtype)


def require_sure(value: Constant, what: str) -> None:
    """Raises UserError where the rounding of a runtime could decide."""
    if not value.sure:
        raise UserError(
            f"{what} of a number that a runtime rounds, so that it may decide otherwise"
        )


def same_kind(left: Constant, right: Constant) -> int:
    """The element type of both; raises UserError where integers, bools and reals are mixed."""
    if left.kind == right.kind:
        return left.kind
    if left.is_real and right.is_real:  # such files are wrong, but their meaning is clear
        return left.kind
    raise UserError(f"types {kind_name(left.kind)} and {kind_name(right.kind)} do not agree")
