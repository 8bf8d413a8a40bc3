"""The units that are the largest terms of a goal at the centre, and what they fall with.

A goal that is a maximum is at least each of its terms. The one that is largest at the centre is
found by walking down from the goal: what it rises with is taken as it is at the centre, so that of
each maximum one term is left, and what it falls with is looked at no further if it is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from heapq import heapify, heappop, heappush

from verifier.checker.branch import Number
from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf
from verifier.question.query import Goal


def falling_terms(
    checker: LeafChecker, goal: Goal, on_at_center: Container[int], splits: Callable[[int], bool]
) -> list[int]:
    """The units, increasing, that a goal of one atom rises with at the centre and that fall
    themselves with undecided units, directly or through units that are on; of the latter those
    count that `splits` says a split may be worth it on. A unit that is itself the rise of a maximum
    is none of them: what it falls with, the maximum does not."""
    inputs, row = checker.inputs, checker.root.rows.row
    start, _ = checker.start(Leaf(), goal)
    z: dict[int, Number] = {**start.z}
    by: dict[int, int] = {}  # of a variable the last rising unit that has lowered its weight
    found = set[int]()
    waiting = [-j for j in z if j >= inputs]
    heapify(waiting)
    known = set(waiting)
    while waiting:
        j = -heappop(waiting)
        v, weight = j - inputs, z[j]
        low, high = checker.lower(v), checker.upper(v)
        if not weight or high <= 0 or (low < 0 and weight > 0 and v not in on_at_center):
            continue
        if low < 0 and weight < 0:
            if j in by and splits(v):
                found.add(by[j])
            continue
        variables, factors, _ = row(v)
        cancels = any(z.get(i, 0) == -weight * w for i, w in zip(variables, factors, strict=True))
        cause = by.get(j) if weight < 0 else None if cancels else v
        for i, factor in zip(variables, factors, strict=True):
            z[i] = z.get(i, 0) + weight * factor
            if cause is not None and weight * factor < 0:
                by[i] = cause
            if i >= inputs and -i not in known:
                known.add(-i)
                heappush(waiting, -i)
    return sorted(found)
