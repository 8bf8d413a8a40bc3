"""Forms that cancel with multipliers that are not negative: why strict inequalities contradict.

By Gordan's theorem linear forms are not all positive at a common point exactly if some of them,
with multipliers that are not all zero, sum to zero. A solver finds which; here their multipliers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat

from verifier.search.exact.simplex import Row


def cancelling(rows: Sequence[Row]) -> list[Fraction] | None:
    """Multipliers >= 0, not all zero, with which the rows sum to zero; None unless these are
    unique but for a factor, as those of a basic solution are."""
    count = len(rows)
    if not count:
        return None
    entries = [
        fmpq(row[k].numerator, row[k].denominator) for k in range(len(rows[0])) for row in rows
    ]
    reduced, rank = fmpq_mat(len(rows[0]), count, entries).rref()
    if rank != count - 1:
        return None
    pivots = [next(j for j in range(count) if reduced[i, j] != 0) for i in range(rank)]
    free = next(j for j in range(count) if j not in pivots)
    found = [Fraction(0)] * count
    found[free] = Fraction(1)
    for i, j in enumerate(pivots):
        value = reduced[i, free]
        found[j] = -Fraction(int(value.p), int(value.q))
    return found if min(found) >= 0 else None
