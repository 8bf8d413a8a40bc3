"""Branching by looking ahead: how much of the network would fixing a unit's phase settle?

For goals that are met with equality, as in encoded formulas: the relaxation's optimum stays the
same from branch to branch until a branch turns out to be empty, so that it cannot say which unit to
split. What a phase does to the other units still can. Everything is interval arithmetic in floats
over the inputs, the units and the goal's atoms, for many branches at once; nothing here is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.question.query import Goal
from verifier.search.bounds.floats import FloatNetwork

Float = NDArray[np.float64]
ROUNDS = 8  # of propagation in a node
SLACK = 1e-9  # by which an interval may be empty


@dataclass(slots=True)
class _Branches:
    """Intervals of the inputs (branches, inputs) and of the pre-activations (branches, units)."""

    low: Float
    high: Float
    below: Float
    above: Float

    def copies(self, count: int) -> _Branches:
        return _Branches(
            *(np.repeat(part, count, axis=0) for part in (self.low, self.high)),
            *(np.repeat(part, count, axis=0) for part in (self.below, self.above)),
        )


class Lookahead:
    """One goal on one region; `score` rates the units that are undecided at the root."""

    def __init__(
        self,
        network: FloatNetwork,
        goal: Goal,
        lower: Float,
        upper: Float,
        box: tuple[Float, Float],
        undecided: NDArray[np.int64],
    ) -> None:
        """`lower` and `upper` bound the pre-activations at the root, `box` the inputs."""
        self.network = network
        self.inputs = network.network.inputs
        self.undecided = undecided
        self.atoms, self.constants = network.atoms(goal)
        self._root = _Branches(box[0][None], box[1][None], lower[None], upper[None])
        self._layers = network.layers
        weights = [layer.weights for layer in self._layers]
        self._signed = [(np.maximum(w, 0).T, np.minimum(w, 0).T) for w in weights]

    def score(self, phases: NDArray[np.int8]) -> Float:
        """For each undecided unit the product of what its two phases would settle."""
        node = self._root.copies(1)
        node.below[0, self.undecided[phases > 0]] = 0
        node.above[0, self.undecided[phases < 0]] = 0
        for _ in range(ROUNDS):
            before = node.high.sum() - node.low.sum()
            low, high = self._forward(node)
            self._from_atoms(node)
            self._from_rows(node)
            self._from_relaxed_atoms(node)
            if before - (node.high.sum() - node.low.sum()) <= SLACK:
                break
        open_ones = (node.below < 0) & (node.above > 0)
        columns = np.flatnonzero(open_ones[0, self.undecided] & (phases == 0))
        scores = np.zeros(len(self.undecided))
        if not len(columns):
            return scores
        sides = node.copies(2 * len(columns))
        for i, v in enumerate(self.undecided[columns].tolist()):
            sides.below[2 * i, v] = 0
            sides.above[2 * i + 1, v] = 0
        self._from_relaxed_atoms(sides)
        side_low, side_high = self._forward(sides)
        width = (high - low)[0]
        counted = (low[0] < 0) & (high[0] > 0)
        left = np.maximum(side_high - side_low, 0)[:, counted] / width[counted]
        settled = (1 - left).sum(axis=1)
        settled[(sides.low > sides.high + SLACK).any(axis=1)] = counted.sum()
        scores[columns] = (settled[0::2] + SLACK) * (settled[1::2] + SLACK)
        return scores

    def _forward(self, branches: _Branches) -> tuple[Float, Float]:
        """The intervals of the pre-activations that follow from those of what they read; they are
        taken over."""
        n = self.inputs
        low, high = self._posts(branches)
        lows, highs = np.zeros_like(branches.below), np.zeros_like(branches.above)
        for layer, (up, down) in zip(self._layers, self._signed, strict=True):
            first, last, bias = layer.first, layer.last, layer.bias
            l_in, h_in = low[:, layer.columns], high[:, layer.columns]
            lows[:, first:last] = l_in @ up + h_in @ down + bias
            highs[:, first:last] = h_in @ up + l_in @ down + bias
            below = branches.below[:, first:last] = np.maximum(
                branches.below[:, first:last], lows[:, first:last]
            )
            above = branches.above[:, first:last] = np.minimum(
                branches.above[:, first:last], highs[:, first:last]
            )
            low[:, n + first : n + last] = np.maximum(below, 0)
            high[:, n + first : n + last] = np.maximum(above, 0)
        return lows, highs

    def _posts(self, branches: _Branches) -> tuple[Float, Float]:
        low = np.concatenate([branches.low, np.maximum(branches.below, 0)], axis=1)
        high = np.concatenate([branches.high, np.maximum(branches.above, 0)], axis=1)
        return low, high

    def _from_atoms(self, branches: _Branches) -> None:
        """What each atom >= 0 says about its inputs and units."""
        n = self.inputs
        low, high = self._posts(branches)
        for form, constant in zip(self.atoms, self.constants, strict=True):
            _contract(low, high, form[None], np.full(len(low), constant))
        branches.low, branches.high = low[:, :n], high[:, :n]
        # z <= h with h > 0, or h = 0 where a <= 0 follows
        branches.above = np.minimum(branches.above, high[:, n:])
        rises = low[:, n:] > 0
        branches.below = np.where(rises, np.maximum(branches.below, low[:, n:]), branches.below)

    def _from_rows(self, branches: _Branches) -> None:
        """What the intervals of the first layer say about the inputs, in a single branch."""
        layer, n = self._layers[0], self.inputs
        first, last, bias = layer.first, layer.last, layer.bias
        weights = np.zeros((last - first, n))
        weights[:, layer.columns] = layer.weights
        for sign, bound in ((1.0, -branches.below[0]), (-1.0, branches.above[0])):
            rows, offsets = sign * weights, sign * bias + bound[first:last]
            top = np.where(rows > 0, rows * branches.high, rows * branches.low)
            spare = (top.sum(axis=1) + offsets)[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = np.where(rows != 0, spare / np.abs(rows), np.inf)
            down = np.where(rows > 0, branches.high - reach, -np.inf).max(axis=0)
            up = np.where(rows < 0, branches.low + reach, np.inf).min(axis=0)
            branches.low = np.maximum(branches.low, down)
            branches.high = np.minimum(branches.high, up)

    def _from_relaxed_atoms(self, branches: _Branches) -> None:
        """What each atom, its units replaced by lines above it, says about the inputs."""
        n = self.inputs
        low, high = np.minimum(branches.below, 0), np.maximum(branches.above, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            chord = np.where(low < 0, high / (high - low), 1.0)
        chord = np.where(branches.above <= 0, 0.0, chord)
        lift = -chord * low
        line = (high > -low).astype(float)
        for atom, constant in zip(self.atoms, self.constants, strict=True):
            form = np.tile(atom, (len(low), 1))
            total = np.full(len(low), constant)
            for layer in reversed(self._layers):
                first, last = layer.first, layer.last
                c = form[:, n + first : n + last]
                up = np.maximum(c, 0)
                factors = up * chord[:, first:last] + np.minimum(c, 0) * line[:, first:last]
                total += (up * lift[:, first:last]).sum(axis=1) + factors @ layer.bias
                form[:, layer.columns] += factors @ layer.weights
            _contract(branches.low, branches.high, form[:, :n], total)


def _contract(low: Float, high: Float, forms: Float, constants: Float) -> None:
    """Cuts the intervals, in place, to what form . x + constant >= 0 leaves of each."""
    spare = np.where(forms > 0, forms * high, forms * low).sum(axis=1) + constants
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(forms != 0, spare[:, None] / np.abs(forms), np.inf)
    np.maximum(low, np.where(forms > 0, high - reach, -np.inf), out=low)
    np.minimum(high, np.where(forms < 0, low + reach, np.inf), out=high)
