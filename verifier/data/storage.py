"""Integers over one common denominator, as data sets store them: int64 where that holds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.question.errors import UserError

IntegerArray = npt.NDArray[Any]
"""Integers: int64 where the bound of the context allows, Python ints (dtype object) else."""
INT64_BOUND = 2**62
"""Entries are int64 exactly when all absolute values are below this: no difference overflows."""
MAX_ENTRIES = 2**28
"""Most entries (samples times inputs) a file may hold; MNIST has 2^25.5."""
MAX_STORAGE_BITS = 2**34
"""Most bits all entries may take over their common denominator (2 GiB)."""


def largest(numerators: IntegerArray) -> int:
    """The largest absolute value; 0 for an empty array."""
    if numerators.size == 0:
        return 0
    return max(abs(int(numerators.min())), abs(int(numerators.max())))


def as_stored(numerators: IntegerArray) -> IntegerArray:
    """The same integers, as int64 exactly when all absolute values are below 2^62."""
    fits = largest(numerators) < INT64_BOUND
    return numerators.astype(np.int64 if fits else object, copy=False)


def check_storage(name: str, numerators: IntegerArray) -> None:
    fits = largest(numerators) < INT64_BOUND
    if numerators.dtype != (np.int64 if fits else object):
        raise ValueError(f"{name}: entries are {numerators.dtype}, not as `Dataset` stores them")
    if numerators.dtype == object and not all(type(entry) is int for entry in numerators.flat):
        raise ValueError(f"{name}: an entry is not an integer")


def common_divisor(numerators: IntegerArray, denominator: int) -> int:
    """The greatest common divisor of the denominator and all numerators."""
    if denominator == 1:
        return 1
    if numerators.dtype != object:
        return math.gcd(int(np.gcd.reduce(numerators, axis=None)), denominator)
    common = denominator
    for entry in numerators.flat:
        common = math.gcd(common, entry)
        if common == 1:
            break
    return common


def _reduced(numerators: IntegerArray, denominator: int) -> tuple[IntegerArray, int]:
    """The same fractions over their least common denominator, as stored."""
    common = common_divisor(numerators, denominator)
    return as_stored(divided(numerators, common)), denominator // common


def divided(numerators: IntegerArray, common: int) -> IntegerArray:
    """The numerators divided by a number that divides them all."""
    if common == 1:
        return numerators
    if numerators.dtype != object and common > np.iinfo(np.int64).max:
        return np.zeros_like(numerators)  # only 0 is a multiple of so large a number
    return numerators // common


class RationalTable:
    """Rows of fractions, each over its own denominator until all are known."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._rows: list[IntegerArray] = []
        self._denominators: list[int] = []
        self._common = 1
        self._bits = 1

    def append(self, numerators: list[int], denominator: int) -> None:
        """Adds the row numerators / denominator."""
        array = as_stored(np.array(numerators, dtype=object))
        self._rows.append(array)
        self._denominators.append(denominator)
        self._common = math.lcm(self._common, denominator)
        self._bits = max(self._bits, largest(array).bit_length())
        entries = len(numerators) * len(self._rows)
        if entries > MAX_ENTRIES:
            raise UserError(f"{self._place}: more than {MAX_ENTRIES} entries")
        # Before anything is expanded: one tiny decimal can widen every entry.
        bits = self._common.bit_length() + self._bits
        if bits > 64 and entries * bits > MAX_STORAGE_BITS:
            raise UserError(
                f"{self._place}: {entries} entries need up to {bits} bits each over their common "
                f"denominator, more than the {MAX_STORAGE_BITS} bits allowed in all"
            )

    def settle(self) -> tuple[IntegerArray, int]:
        """All rows over their least common denominator, as (numerators, denominator)."""
        if not self._rows:
            raise UserError(f"{self._place}: no samples")
        shape = (len(self._rows), len(self._rows[0]))
        factors = [self._common // denominator for denominator in self._denominators]
        fits = all(
            largest(row) * factor < INT64_BOUND
            for row, factor in zip(self._rows, factors, strict=True)
        )
        numerators: IntegerArray = np.zeros(shape, dtype=np.int64 if fits else object)
        for index, (row, factor) in enumerate(zip(self._rows, factors, strict=True)):
            if not fits:
                numerators[index] = row.astype(object) * factor
            elif row.any():  # the factor of a row of zeros need not fit
                numerators[index] = row * factor
        return _reduced(numerators, self._common)


def dyadics(place: str, values: npt.NDArray[Any]) -> tuple[IntegerArray, int]:
    """The floats, each as the dyadic fraction it is, over their least common denominator.

    Raises:
        UserError: If one is not finite.
    """
    for row, column in np.argwhere(~np.isfinite(values)):
        raise UserError(f"{place}: row {row}, column {column}: {values[row, column]}")
    fractions, exponents = np.frexp(values.astype(np.float64))
    # A float64 is an integer of at most 53 bits times a power of two.
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    powers = exponents.astype(np.int64) - 53
    if not mantissas.any():
        return mantissas, 1
    lowest_set = mantissas & -mantissas
    zeros = np.where(mantissas == 0, 0, np.frexp(lowest_set.astype(np.float64))[1] - 1)
    mantissas >>= zeros
    powers = np.where(mantissas == 0, 0, powers + zeros)
    least = min(0, int(powers.min()))
    shifts = powers - least
    bits = int(shifts.max()) + 53
    if bits <= 62:
        return as_stored(mantissas << shifts), 2**-least
    if mantissas.size * bits > MAX_STORAGE_BITS:
        raise UserError(
            f"{place}: {mantissas.size} entries need up to {bits} bits each over their common "
            f"denominator, more than the {MAX_STORAGE_BITS} bits allowed in all"
        )
    return as_stored(mantissas.astype(object) << shifts.astype(object)), 2**-least
