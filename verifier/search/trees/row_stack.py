"""A warm linear program about one branch of a tree: rows are pushed on the way down, and cut off on
the way back.

Rows that were cut off stay in the program without bounds, for the basis to survive, until they are
more than those that hold: the solver's time grows with all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from verifier.search.bounds.floats import to_float
from verifier.search.bounds.solver import Answer, LinearProgram
from verifier.search.exact.simplex import Row

Float = NDArray[np.float64]
LOWEST = -1e6  # of the common margin, which is never as low: rows have size one
SPARE = 32  # rows without bounds that are left alone
Key = TypeVar("Key")


class RowStack(Generic[Key]):
    """Maximises a margin t <= 1 over the points x of a box with `row . (x, 1) >= t` for some rows
    and `>= 0` for others, all scaled to size one.

    make: the exact row of a key, and whether it is to have the margin.
    """

    def __init__(self, lower: Float, upper: Float, make: Callable[[Key], tuple[Row, bool]]) -> None:
        self._make, n = make, len(lower)
        self._program = LinearProgram(
            np.append(lower, LOWEST), np.append(upper, 1.0), np.array([0.0] * n + [-1.0])
        )
        self._program.add_rows(np.zeros((1, n + 1)), np.array([-1.0]), np.array([1.0]))
        self._program.start()
        self._made: dict[Key, tuple[Row, Float, float]] = {}
        self._places: dict[Key, int] = {}  # in the order of the program, where row 0 is empty
        self._held: dict[Key, None] = {}  # the stack

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    @property
    def height(self) -> int:
        return len(self._held)

    def exact(self, key: Key) -> Row:
        """The row of this key."""
        return self._row(key)[0]

    def push(self, key: Key) -> None:
        """The row holds from now on; one that holds already is let alone."""
        if key in self._held:
            return
        _, floats, bound = self._row(key)
        place = self._places.get(key)
        if place is None:
            if len(self._places) > 2 * len(self._held) + SPARE:
                self._swept()
            self._places[key] = len(self._places) + 1
            self._program.append_row(floats, bound, np.inf)
        else:
            self._program.set_row(place, bound, np.inf)
        self._held[key] = None

    def cut(self, height: int) -> None:
        """Rows that were pushed when the stack was this high, or higher, hold no more."""
        while len(self._held) > height:
            key, _ = self._held.popitem()
            self._program.set_row(self._places[key], -np.inf, np.inf)

    def solve(self) -> tuple[Answer, dict[Key, float]]:
        """The optimum, and the duals of the rows that hold."""
        answer = self._program.solve()
        duals = answer.rows.tolist()
        return answer, {key: duals[self._places[key]] for key in self._held}

    def _row(self, key: Key) -> tuple[Row, Float, float]:
        """The exact row, its floats with that of the margin, and the bound, at size one."""
        made = self._made.get(key)
        if made is None:
            row, margin = self._make(key)
            values = np.array(list(map(to_float, row)))
            size = float(np.abs(values).max(initial=0.0)) or 1.0
            floats = np.append(values[:-1] / size, -1.0 if margin else 0.0)
            made = self._made[key] = row, floats, float(-values[-1] / size)
        return made

    def _swept(self) -> None:
        """Deletes the rows that do not hold."""
        gone = [place for key, place in self._places.items() if key not in self._held]
        self._program.delete_rows(gone)
        kept = [key for key in self._places if key in self._held]
        self._places = {key: place for place, key in enumerate(kept, start=1)}
