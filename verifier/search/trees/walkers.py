"""Points that satisfy all atoms of a homogeneous conjunction about one hidden layer, in floats.

Many points walk on the sphere at once, each against the atoms that it does not satisfy by a part of
what atoms are worth on average there: an absolute margin would draw them to where all atoms are
about 0. Steps are scaled by the sizes of the latest gradients, input by input (Adam).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from verifier.search.clock import tick

Float = NDArray[np.float64]
STARTS = 64
LIFE = 256  # steps, after which all begin anew elsewhere
WANTED = 0.1  # of the mean size of an atom's value
STEP, SLOWING = 0.05, 60  # the first step, and after how many it has halved
MEAN, MEAN_SQUARE = 0.9, 0.99  # what is kept of the averages of gradients
SMALL = 1e-12


@dataclass
class Walkers:
    """Atom p is base[p] . x + weights[p] . relu(pre x) at x, of size one; `strict` ones must be
    above `tie`, the others at least -tie."""

    base: Float
    weights: Float
    pre: Float
    strict: NDArray[np.bool_]
    tie: float
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    _at: Float = field(default_factory=lambda: np.zeros((0, 0)))
    _mean: Float = field(default_factory=lambda: np.zeros((0, 0)))
    _square: Float = field(default_factory=lambda: np.zeros((0, 0)))
    _age: int = LIFE

    def walk(self, steps: int) -> Float | None:
        """A point of length one that satisfies all atoms, once one of them comes to it in so many
        steps."""
        ties = np.where(self.strict, self.tie, -self.tie)
        for _ in range(steps):
            tick()
            if self._age == LIFE:
                self._begin()
            pre = self._at @ self.pre.T
            values = self._at @ self.base.T + np.maximum(pre, 0) @ self.weights.T
            right = (values > ties).all(axis=1)
            if right.any():
                found: Float = self._at[int(np.argmax(right))]
                self._age = LIFE
                return found
            self._move(values, pre > 0)
        return None

    def _begin(self) -> None:
        at = self._random.standard_normal((STARTS, self.base.shape[1]))
        self._at = at / np.linalg.norm(at, axis=1, keepdims=True)
        self._mean, self._square = np.zeros_like(at), np.zeros_like(at)
        self._age = 0

    def _move(self, values: Float, on: NDArray[np.bool_]) -> None:
        short = (values < WANTED * np.abs(values).mean(axis=1, keepdims=True)).astype(float)
        gradients = short @ self.base + ((short @ self.weights) * on) @ self.pre
        gradients /= np.linalg.norm(gradients, axis=1, keepdims=True) + SMALL
        self._mean = MEAN * self._mean + (1 - MEAN) * gradients
        self._square = MEAN_SQUARE * self._square + (1 - MEAN_SQUARE) * gradients**2
        pace = STEP / (1 + self._age / SLOWING)
        self._at = self._at + pace * self._mean / (np.sqrt(self._square) + SMALL)
        self._at /= np.linalg.norm(self._at, axis=1, keepdims=True) + SMALL
        self._age += 1
