"""Exact operations on whole blocks of affine forms, for importers.

A block is a `Rows`: many affine forms with integer numerators and a denominator each. Everything
here is exact; numpy int64 is used where a bound shows that nothing overflows, Python integers
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.question.errors import UserError
from verifier.question.network import Integers, Rows, integers

Exact = NDArray[Any]
"""float64 (each the dyadic rational that it is), int64, or objects that are Fractions."""

Index = NDArray[np.int64]

MAX_ENTRIES = 1 << 25
"""Most nonzero weights that an importer holds at once (about 16 bytes each)."""

_SAFE_BITS = 62  # int64 holds every integer of absolute value below 2^62, and a sum of two
_CHUNK = 1 << 20


def check_entries(count: int) -> None:
    """Raises UserError if `count` weights are more than an importer may hold."""
    if count > MAX_ENTRIES:
        raise UserError(f"{count} weights after unrolling; the limit is {MAX_ENTRIES}")


def variables(first: int, count: int) -> Rows:
    """`count` forms, the variables first, first + 1, ... themselves."""
    ones = np.ones(count, dtype=np.int64)
    return Rows(
        np.arange(count + 1, dtype=np.int64),
        np.arange(first, first + count, dtype=np.int64),
        ones,
        np.zeros(count, dtype=np.int64),
        ones,
    )


def constants(values: Exact) -> Rows:
    """Forms without a variable that are `values`, flattened."""
    count = values.size
    empty = np.zeros(0, dtype=np.int64)
    return weighted(np.zeros(count + 1, dtype=np.int64), empty, np.zeros(0), values.reshape(-1))


def weighted(starts: Index, columns: Index, weights: Exact, bias: Exact | None = None) -> Rows:
    """Row i is the sum of weights[k] * variable columns[k], k in starts[i]:starts[i+1], + bias[i].

    Columns of a row increase strictly; zero weights are dropped. Raises UserError for NaN and
    infinity.
    """
    count = len(starts) - 1
    check_entries(len(columns))
    biases = np.zeros(count) if bias is None else bias
    if count == 0 or len(columns) <= _CHUNK:
        return _weighted(starts, columns, weights, biases)
    blocks, first = [], 0
    while first < count:
        last = int(np.searchsorted(starts, starts[first] + _CHUNK, side="right")) - 1
        last = min(max(last, first + 1), count)
        low, high = int(starts[first]), int(starts[last])
        blocks.append(
            _weighted(
                starts[first : last + 1] - low,
                columns[low:high],
                weights[low:high],
                biases[first:last],
            )
        )
        first = last
    return stack(blocks)


def weighted_at(positions: Index, weights: Exact, bias: Exact | None = None) -> Rows:
    """Row i is the sum over k of weights[i, k] * variable positions[i, k], plus bias[i].

    A position of -1 stands for no term. Shapes: positions and weights (rows, terms).
    """
    inside = positions >= 0
    starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(np.int64)
    return weighted(starts, positions[inside], weights[inside], bias)


def _weighted(starts: Index, columns: Index, weights: Exact, bias: Exact) -> Rows:
    keep = np.asarray(weights != 0, dtype=bool)
    if not keep.all():
        before = np.concatenate([[0], np.cumsum(keep)])
        starts, columns, weights = before[starts], columns[keep], weights[keep]
    numerators: Integers
    if weights.dtype == object or bias.dtype == object:
        numerators, tops, bottoms = _scaled_fractions(starts, weights, bias)
    else:
        numerators, tops, bottoms = _scaled_dyadics(starts, weights, bias)
    return Rows(np.asarray(starts, dtype=np.int64), columns, numerators, tops, bottoms)


def _scaled_fractions(
    starts: Index, weights: Exact, bias: Exact
) -> tuple[Integers, Integers, Integers]:
    numerators: list[int] = []
    tops: list[int] = []
    bottoms: list[int] = []
    values, limits = weights.tolist(), starts.tolist()
    for low, high, constant in zip(limits, limits[1:], bias.tolist(), strict=False):
        try:
            ratios = [value.as_integer_ratio() for value in values[low:high]]
            top, bottom = constant.as_integer_ratio()
        except (OverflowError, ValueError):
            raise UserError("a weight is NaN or infinite") from None
        common = lcm(bottom, *{ratio[1] for ratio in ratios})
        numerators.extend(n * (common // d) for n, d in ratios)
        tops.append(top * (common // bottom))
        bottoms.append(common)
    return integers(numerators), integers(tops), integers(bottoms)


def _scaled_dyadics(
    starts: Index, weights: Exact, bias: Exact
) -> tuple[Integers, Integers, Integers]:
    count = len(starts) - 1
    owner = np.repeat(np.arange(count), np.diff(starts))
    mantissas, exponents = dyadics(weights)
    tops, top_exponents = dyadics(bias)
    lowest = np.where(tops == 0, 0, np.minimum(top_exponents, 0))
    np.minimum.at(lowest, owner, exponents)
    return (
        _shifted(mantissas, exponents - lowest[owner]),
        _shifted(tops, np.where(tops == 0, 0, top_exponents - lowest)),
        _shifted(np.ones(count, dtype=np.int64), -lowest),
    )


def dyadics(values: Exact) -> tuple[Index, Index]:
    """Odd integers m (or 0) and exponents e with values = m 2^e.

    Raises UserError for NaN and infinity, and for integers of more than 53 bits.
    """
    floats = np.asarray(values, dtype=np.float64)
    if not np.isfinite(floats).all():
        raise UserError("a weight is NaN or infinite")
    if values.dtype != np.float64 and not (floats == values).all():
        raise UserError("an integer weight does not fit 53 bits")
    fraction, exponent = np.frexp(floats)
    mantissas = np.ldexp(fraction, 53).astype(np.int64)
    lowest_bit = (mantissas & -mantissas).astype(np.float64)
    trailing = np.where(mantissas == 0, 0, np.frexp(lowest_bit)[1] - 1).astype(np.int64)
    return mantissas >> trailing, np.where(mantissas == 0, 0, exponent - 53 + trailing)


def _shifted(mantissas: Index, shifts: Index) -> Integers:
    """mantissas * 2^shifts, shifts >= 0."""
    if not len(mantissas):
        return mantissas
    bits = np.frexp(np.abs(mantissas).astype(np.float64))[1]
    if int((bits + shifts).max()) <= _SAFE_BITS:
        return mantissas << shifts
    return integers([m << s for m, s in zip(mantissas.tolist(), shifts.tolist(), strict=True)])


def stack(blocks: Sequence[Rows]) -> Rows:
    """The rows of all blocks, one after another."""
    if len(blocks) == 1:
        return blocks[0]
    starts = [np.zeros(1, dtype=np.int64)]
    entries = 0
    for block in blocks:
        starts.append(block.starts[1:] + entries)
        entries += len(block.indices)
    check_entries(entries)
    return Rows(
        np.concatenate(starts),
        np.concatenate([block.indices for block in blocks]),
        _joined([block.numerators for block in blocks]),
        _joined([block.constants for block in blocks]),
        _joined([block.denominators for block in blocks]),
    )


def _joined(parts: Sequence[Integers]) -> Integers:
    joined: NDArray[Any] = np.concatenate(parts)
    return joined if joined.dtype in (np.int64, object) else integers(joined.tolist())


def take(rows: Rows, which: Index) -> Rows:
    """Row i of the result is row which[i]."""
    lengths = np.diff(rows.starts)[which]
    check_entries(int(lengths.sum()))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.repeat(rows.starts[:-1][which] - starts[:-1], lengths) + np.arange(starts[-1])
    return Rows(
        starts,
        rows.indices[entries],
        narrow(rows.numerators[entries]),
        narrow(rows.constants[which]),
        narrow(rows.denominators[which]),
    )


def narrow(values: Integers) -> Integers:
    """The same integers, as int64 if they fit."""
    return values if values.dtype == np.int64 else integers(values)


def compose(outer: Rows, inner: Rows) -> Rows:
    """`outer` with variable j replaced by the form inner[j], for every j."""
    if _are_variables(inner):
        columns = inner.indices[outer.indices]
        owner = np.repeat(np.arange(outer.count), np.diff(outer.starts))
        order = np.lexsort((columns, owner))
        sorted_columns = columns[order]
        again = (np.diff(sorted_columns) == 0) & (np.diff(owner) == 0)
        if not again.any():
            return Rows(
                outer.starts,
                sorted_columns,
                outer.numerators[order],
                outer.constants,
                outer.denominators,
            )
    if len(outer.indices) == 0:
        return outer
    if bool(np.all(np.diff(outer.starts) == 1)):
        return _scaled_rows(outer, inner)
    return _product_int64(outer, inner) or _product(outer, inner)


def _are_variables(rows: Rows) -> bool:
    return (
        len(rows.indices) == rows.count
        and bool(np.all(np.diff(rows.starts) == 1))
        and bool(np.all(rows.numerators == 1))
        and bool(np.all(rows.denominators == 1))
        and not bool(np.any(rows.constants != 0))
    )


def _scaled_rows(outer: Rows, inner: Rows) -> Rows:
    """`compose` where every row of `outer` has exactly one entry."""
    picked = take(inner, outer.indices)
    factors: list[int] = []
    tops: list[int] = []
    bottoms: list[int] = []
    for factor, constant, bottom, below, base in zip(
        outer.numerators.tolist(),
        outer.constants.tolist(),
        outer.denominators.tolist(),
        picked.denominators.tolist(),
        picked.constants.tolist(),
        strict=True,
    ):
        scale = Fraction(factor, bottom * below)  # times the integer row
        shift = Fraction(constant, bottom)
        common = lcm(scale.denominator, shift.denominator)
        multiplier = scale.numerator * (common // scale.denominator)
        factors.append(multiplier)
        tops.append(multiplier * base + shift.numerator * (common // shift.denominator))
        bottoms.append(common)
    lengths = np.diff(picked.starts)
    largest = int(np.abs(picked.numerators).max(initial=1))
    peak = max((abs(factor) for factor in factors), default=0)  # of rows without entries too
    numerators: Integers
    if picked.numerators.dtype == np.int64 and (largest * peak).bit_length() <= _SAFE_BITS:
        numerators = picked.numerators * np.repeat(np.array(factors, dtype=np.int64), lengths)
    else:
        packed = np.empty(len(factors), dtype=object)
        packed[:] = factors
        numerators = integers(picked.numerators.astype(object) * np.repeat(packed, lengths))
    return Rows(picked.starts, picked.indices, numerators, integers(tops), integers(bottoms))


def _product_int64(outer: Rows, inner: Rows) -> Rows | None:
    """`compose` as one sparse integer product, if a bound shows that it fits int64."""
    parts = (outer.numerators, outer.constants, inner.numerators, inner.constants)
    if any(part.dtype != np.int64 for part in parts):
        return None
    common = lcm(*set(inner.denominators.tolist()))
    if common.bit_length() > _SAFE_BITS:
        return None
    scale = np.array([common // int(d) for d in inner.denominators.tolist()], dtype=np.int64)
    widest = max(
        int(np.abs(part).max()) if len(part) else 0 for part in (inner.numerators, inner.constants)
    )
    top = widest * int(scale.max())
    # Sums of absolute values in floating point are off by less than one part in 2^20.
    sums = np.zeros(outer.count)
    owner = np.repeat(np.arange(outer.count), np.diff(outer.starts))
    np.add.at(sums, owner, np.abs(outer.numerators).astype(np.float64))
    bound = sums * float(top) + np.abs(outer.constants).astype(np.float64) * float(common)
    if top.bit_length() > _SAFE_BITS or float(bound.max(initial=0.0)) > 2.0**61:
        return None
    width = max(
        int(outer.indices.max(initial=0)) + 1, inner.count, int(inner.indices.max(initial=0)) + 1
    )
    from scipy import sparse  # takes long to import

    left: Any = sparse.csr_array(
        (outer.numerators, outer.indices, outer.starts), shape=(outer.count, inner.count)
    )
    right: Any = sparse.csr_array(
        (
            inner.numerators * np.repeat(scale, np.diff(inner.starts)),
            inner.indices,
            inner.starts,
        ),
        shape=(inner.count, width),
    )
    product = left @ right
    product.eliminate_zeros()
    product.sort_indices()
    tops = left @ (inner.constants * scale) + outer.constants * common
    return Rows(
        product.indptr.astype(np.int64),
        product.indices.astype(np.int64),
        product.data.astype(np.int64),
        tops.astype(np.int64),
        integers([int(d) * common for d in outer.denominators.tolist()]),
    )


def _product(outer: Rows, inner: Rows) -> Rows:
    starts: list[int] = [0]
    indices: list[int] = []
    numerators: list[int] = []
    tops: list[int] = []
    bottoms: list[int] = []
    read = {j: inner.row(j) for j in np.unique(outer.indices).tolist()}
    for i in range(outer.count):
        columns, factors, constant, bottom = outer.row(i)
        used = [read[j] for j in columns]
        common = lcm(*{row[3] for row in used})
        total: dict[int, int] = {}
        base = constant * common
        for factor, (names, values, shift, below) in zip(factors, used, strict=True):
            scaled = factor * (common // below)
            base += scaled * shift
            for name, value in zip(names, values, strict=True):
                total[name] = total.get(name, 0) + scaled * value
        entries = sorted((name, value) for name, value in total.items() if value)
        check_entries(len(indices) + len(entries))
        indices.extend(name for name, _ in entries)
        numerators.extend(value for _, value in entries)
        tops.append(base)
        bottoms.append(bottom * common)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64),
        np.array(indices, dtype=np.int64),
        integers(numerators),
        integers(tops),
        integers(bottoms),
    )


def renumbered(rows: Rows, number: Index) -> Rows:
    """`rows` with variable j called number[j]; `number` is a permutation."""
    columns = number[rows.indices]
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts))
    order = np.lexsort((columns, owner))
    return Rows(
        rows.starts, columns[order], rows.numerators[order], rows.constants, rows.denominators
    )


def lowest_terms(rows: Rows) -> Rows:
    """The same forms, each with the least denominator."""
    gcds = np.gcd(rows.denominators, rows.constants)
    owner = np.repeat(np.arange(rows.count), np.diff(rows.starts))
    if rows.numerators.dtype == np.int64 and gcds.dtype == np.int64:
        np.gcd.at(gcds, owner, rows.numerators)
    else:
        gcds = gcds.astype(object)
        np.gcd.at(gcds, owner, rows.numerators.astype(object))
    if bool(np.all(gcds == 1)):
        return rows
    return Rows(
        rows.starts,
        rows.indices,
        narrow(rows.numerators // gcds[owner]),
        narrow(rows.constants // gcds),
        narrow(rows.denominators // gcds),
    )
