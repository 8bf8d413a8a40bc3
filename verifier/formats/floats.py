"""Exact weights as floats: exactly, or rounded with the largest error named."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

FloatKind = Literal["float32", "float64"]
Floats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rounding:
    """`count` weights were rounded to `kind`, the one at `place` by the most, namely `error`."""

    kind: FloatKind
    count: int
    error: Fraction
    place: str

    def __str__(self) -> str:
        if not self.count:
            return f"every weight is a {self.kind}, exactly"
        return (
            f"{self.count} weights rounded to {self.kind}, "
            f"the largest error is {_scientific(self.error)}, at {self.place}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class FloatNetwork:
    """The weights of a network's rows in their sparse order, as floats of one kind.

    `units` and `outputs` are pairs: one float an entry of the rows, one constant a row.
    """

    units: tuple[Floats, Floats]
    outputs: tuple[Floats, Floats]
    rounding: Rounding


def float_network(
    network: Network, kind: FloatKind | None = None, *, rounded: bool = False
) -> FloatNetwork:
    """The weights of `network` as floats of `kind`; by default as float32 if all of them fit
    exactly, else as float64.

    Raises UserError, naming the place, if a weight does not fit exactly and `rounded` is not set,
    or if it is beyond the largest float.
    """
    if kind is None:
        single = _converted(network, "float32", strict=False)
        if not single.rounding.count:
            return single
        kind = "float64"
    result = _converted(network, kind, strict=rounded)
    if result.rounding.count and not rounded:
        raise UserError(f"not every weight is a {kind}: {_refusal(result.rounding)}")
    return result


def _refusal(rounding: Rounding) -> str:
    if rounding.error < 0:
        return f"the one at {rounding.place} is too large"
    return f"{rounding}; ask for rounding"


def _converted(network: Network, kind: FloatKind, strict: bool) -> FloatNetwork:
    worst = Rounding(kind, 0, Fraction(0), "")
    parts = []
    for name, rows in (("unit", network.units), ("output", network.outputs)):
        values, constants, rounding = _floats(rows, kind, name, strict)
        parts.append((values, constants))
        total = worst.count + rounding.count
        # A negative error stands for a weight beyond the largest float.
        worse = rounding.error < 0 or (rounding.error > worst.error >= 0)
        chosen = rounding if worse else worst
        worst = Rounding(kind, total, chosen.error, chosen.place)
    return FloatNetwork(parts[0], parts[1], worst)


def _floats(
    rows: Rows, kind: FloatKind, name: str, strict: bool
) -> tuple[Floats, Floats, Rounding]:
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts)).tolist()
    bottoms = rows.denominators.tolist()
    count, error, place = 0, Fraction(0), ""
    arrays = []
    for numbers, denominators, entries in (
        (rows.numerators.tolist(), [bottoms[i] for i in owner], True),
        (rows.constants.tolist(), bottoms, False),
    ):
        array = np.zeros(len(numbers), dtype=kind)
        for k, (n, d) in enumerate(zip(numbers, denominators, strict=True)):
            value = _nearest(n, d, kind)
            if value is not None:
                array[k] = value
                top, bottom = value.as_integer_ratio()
                if top * d == n * bottom:
                    continue
            count += 1
            off = Fraction(-1) if value is None else abs(Fraction(top, bottom) - Fraction(n, d))
            if off < 0 or (error >= 0 and off > error):
                row = owner[k] if entries else k
                what = f"the weight of variable {rows.indices[k]}" if entries else "the bias"
                error, place = off, f"{what} in {name} {row}"
            if value is None and strict:
                raise UserError(f"{place}: beyond the largest {kind}")
        arrays.append(array)
    return arrays[0], arrays[1], Rounding(kind, count, error, place)


def _nearest(n: int, d: int, kind: FloatKind) -> float | None:
    """A float of this kind next to n/d; None if there is none."""
    try:
        value = n / d  # correctly rounded
    except OverflowError:
        return None
    if kind == "float32":
        with np.errstate(over="ignore", under="ignore"):
            value = float(np.float32(value))
    return value if np.isfinite(value) else None


def _scientific(value: Fraction) -> str:
    """Two significant digits, also where a float underflows."""
    if not value:
        return "0"
    exponent = 0
    number = value
    while number >= 10:
        number, exponent = number / 10, exponent + 1
    while number < 1:
        number, exponent = number * 10, exponent - 1
    return f"{float(number):.1f}e{exponent:+03d}"
