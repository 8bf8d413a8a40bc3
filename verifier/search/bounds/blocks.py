"""The part of a network that matters on a region, layer by layer, in as few weights as may be.

Units that are off are left out. Those that are on are sums of what they read: they are kept, or
folded into the rows of those that read them, whichever makes fewer weights. Wide inputs are for
keeping them, few undecided units for folding.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from verifier.search.bounds.floats import Float, FloatLayer, FloatNetwork

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layer:
    """Those units of a layer that are not off at the root: the ones that are on, then the undecided
    ones.

    on, undecided: these as variables. part: the place of the latter among all undecided units.
    columns: what the layer reads; weights (units, columns), bias: in that order.
    """

    on: Int
    undecided: Int
    part: slice
    columns: slice
    weights: Float
    bias: Float


@dataclass(frozen=True, slots=True)
class Block:
    """The same with columns for nothing but inputs and kept units.

    kept: the columns of its units, of which the last, `own`, are undecided; part, columns, weights,
    bias: as above. Of forms in float64 or float32.
    """

    kept: slice
    own: slice
    part: slice
    columns: slice
    weights: Float
    bias: Float


class Blocks:
    """Of the layers up to the last unit that somebody reads; nobody writes to them."""

    def __init__(self, network: FloatNetwork, on: Mask, undecided: Int, end: int) -> None:
        """on: of all units. undecided: units, increasing. end: one past the last variable read."""
        self._inputs, self._variables = network.network.inputs, network.network.variables
        self.layers: list[Layer] = []  # the last first, without those that nobody reads
        for layer in network.layers:
            if self._inputs + layer.first >= end:
                break
            self.layers.insert(0, _live(layer, on, undecided, self._inputs))
        self._places = self._placed(folding=True)
        self.folds = self._cells(folding=True) < self._cells(folding=False)
        if not self.folds:
            self._places = self._placed(folding=False)
        self.width = int(self._places.max(initial=-1)) + 1
        self._rows = np.full(self._variables, -1)  # of units that are folded, in their forms
        self._forms, self._constants = np.zeros((0, self.width)), np.zeros(0)
        self.double: list[Block] = []  # the last first
        self._fill()
        self.magnitudes = [np.abs(block.weights) for block in self.double]
        self._single: list[Block] | None = None

    @property
    def cells(self) -> int:
        """How many weights there are."""
        return sum(block.weights.size for block in self.double)

    def single(self) -> list[Block]:
        """The blocks in float32."""
        if self._single is None:
            self._single = [
                replace(
                    block,
                    weights=block.weights.astype(np.float32),
                    bias=block.bias.astype(np.float32),
                )
                for block in self.double
            ]
        return self._single

    def read(self, forms: Float, constants: Float) -> tuple[Float, Float]:
        """Forms of all variables, a row each, as forms of the inputs and of kept units."""
        return self._read(forms, constants, slice(0, self._variables), self.width)

    def _read(
        self, forms: Float, constants: Float, columns: slice, width: int
    ) -> tuple[Float, Float]:
        places, rows = self._places[columns], self._rows[columns]
        found, kept, folded = np.zeros((len(forms), width)), places >= 0, rows >= 0
        found[:, places[kept]] = forms[:, kept]
        if folded.any():
            found += forms[:, folded] @ self._forms[rows[folded], :width]
            constants = constants + forms[:, folded] @ self._constants[rows[folded]]
        return found, constants

    def _placed(self, *, folding: bool) -> Int:
        """The columns of variables: inputs, then layer by layer; -1 of those that have none."""
        places = np.full(self._variables, -1)
        places[: self._inputs], count = np.arange(self._inputs), self._inputs
        for layer in reversed(self.layers):
            of = layer.undecided if folding else np.concatenate([layer.on, layer.undecided])
            places[of] = np.arange(count, count + len(of))
            count += len(of)
        return places

    def _cells(self, *, folding: bool) -> int:
        """How many weights there are, at most."""
        total, before = 0, self._inputs
        live = np.arange(self._variables) < self._inputs
        for layer in reversed(self.layers):
            on, undecided = len(layer.on), len(layer.undecided)
            if folding:
                total += undecided * before
                before += undecided
            else:
                total += (on + undecided) * int(np.count_nonzero(live[layer.columns]))
                live[layer.on] = live[layer.undecided] = True
        return total

    def _fill(self) -> None:
        """The blocks, and the forms of units that are folded, first to last."""
        first = self._inputs
        for layer in reversed(self.layers):
            weights, bias = self._read(layer.weights, layer.bias, layer.columns, first)
            count, tall = len(layer.on), len(layer.bias)
            if self.folds:
                self._rows[layer.on] = np.arange(len(self._forms), len(self._forms) + count)
                whole = np.zeros((count, self.width))
                whole[:, :first] = weights[:count]
                self._forms = np.concatenate([self._forms, whole])
                self._constants = np.concatenate([self._constants, bias[:count]])
                weights, bias, tall = weights[count:], bias[count:], tall - count
            used = np.flatnonzero(weights.any(axis=0))
            columns = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)
            last = first + tall
            own = slice(last - len(layer.undecided), last)
            weights = np.ascontiguousarray(weights[:, columns])
            self.double.insert(
                0, Block(slice(first, last), own, layer.part, columns, weights, bias)
            )
            first = last


def _live(layer: FloatLayer, on: Mask, undecided: Int, inputs: int) -> Layer:
    first, last = layer.first, layer.last
    begin, end = np.searchsorted(undecided, (first, last)).tolist()
    lit, mine = np.flatnonzero(on[first:last]), undecided[begin:end] - first
    live, at = np.concatenate([lit, mine]), inputs + first
    return Layer(
        at + lit, at + mine, slice(begin, end), layer.columns, layer.weights[live],
        layer.bias[live],
    )  # fmt: skip


def blocks_of(network: FloatNetwork, on: Mask, undecided: Int, forms: Float) -> Blocks:
    """What these forms of all variables depend on; the last ones that were asked for are kept, as
    goals and units of a layer ask for the same."""
    read, inputs = np.flatnonzero(forms.any(axis=0)), network.network.inputs
    end = int(read[-1]) + 1 if len(read) else 0
    # Forms that end within one layer depend on the same layers.
    if end > inputs:
        end = next(inputs + of.last for of in network.layers if end <= inputs + of.last)
    below = max(end - inputs, 0)
    mine = undecided[: int(np.searchsorted(undecided, below))]
    key = end, on[:below].tobytes(), mine.tobytes()
    kept: dict[Hashable, Blocks] = network.kept
    if key not in kept:
        kept.clear()
        kept[key] = Blocks(network, on, undecided, end)
    return kept[key]
