"""Which unit to split, by trial: both sides of the few that look best are bounded.

A score from one bound says how much a unit's triangle costs it; what a split gains is known only
after the lines of the other units have moved. Some steps from where the branch's own ascent ended
show most of it, for all units tried and all branches of a batch at once.

Source: filtered smart branching (De Palma et al., 2021) tries the best few with one pass each; the
product of both gains is the rule of mixed-integer solvers (Achterberg, Koch and Martin 2005).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.search.bounds.ascent import Ascent, Bounded
from verifier.search.bounds.float_leaf import Parts, Phases

TRIED = 4  # units a branch
STEPS = 3  # of their sides
LEAST_GAIN = 1e-12


@dataclass(frozen=True, slots=True)
class Trial:
    """The unit, by its column, and from where the ascents of its two sides, off and on, go on:
    rows of `parts`."""

    column: int
    parts: Parts
    rows: tuple[int, int]


def best_splits(
    ascent: Ascent,
    found: Bounded,
    phases: Phases,
    scores: Mapping[int, NDArray[np.float64]],
    enough: float,
) -> dict[int, Trial]:
    """For the rows of `scores`, which rate the undecided units of these branches, the open unit
    whose two sides gain most; the first of equal ones, the best by its score first.

    A gain counts up to where the side is closed, at a bound of `enough`."""
    rows, columns = list[int](), list[int]()
    for row, score in scores.items():
        opened = np.flatnonzero(phases[row] == 0)
        best = opened[np.argsort(-score[opened], kind="stable")[:TRIED]].tolist()
        rows += [row] * len(best)
        columns += best
    if not rows:
        return {}
    place = np.arange(len(rows))
    sides = np.repeat(phases[rows], 2, axis=0)
    sides[2 * place, columns], sides[2 * place + 1, columns] = -1, 1
    start = found.parts.take(np.repeat(rows, 2))
    reached, parts = ascent.values_after(start, sides, STEPS, enough)
    values = np.minimum(reached, enough).reshape(-1, 2) - found.values[rows][:, None]
    gains = np.maximum(values, LEAST_GAIN).prod(axis=1).tolist()
    most: dict[int, int] = {}
    for k, (row, gain) in enumerate(zip(rows, gains, strict=True)):
        if row not in most or gain > gains[most[row]]:
            most[row] = k
    return {row: Trial(columns[k], parts, (2 * k, 2 * k + 1)) for row, k in most.items()}
