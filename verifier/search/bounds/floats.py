"""A network in float64, dense layer by layer: for points worth a look and forms worth a proof."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.certificate import Lemma
from verifier.question.network import Integers, Network, Rows
from verifier.question.query import Goal
from verifier.question.region import Norm, Region, power

Float = NDArray[np.float64]
CELLS = 1 << 24  # of all matrices of a network
MOST_ROUNDS = 16  # mostly a few; before the last, bounds hold as well, and are nearly the best


@dataclass(frozen=True, slots=True)
class FloatLayer:
    """The units first..last, which read variables of `columns` alone: weights (units, columns),
    bias (units,)."""

    first: int
    last: int
    columns: slice
    weights: Float
    bias: Float


class FloatNetwork:
    """Layer by layer, over those variables that a layer reads; the outputs over all variables."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._last: tuple[Goal, Float, Float] | None = None
        self.kept: dict[Hashable, Any] = {}  # what others derive of it, see `blocks.py`
        self.layers: list[FloatLayer] = []
        for first, last in network.layer_ranges():
            columns = _columns(network.units, first, last)
            weights, bias = dense(network.units, first, last, columns)
            self.layers.append(FloatLayer(first, last, columns, weights, bias))
        whole = slice(0, network.variables)
        self.output_weights, self.output_bias = dense(
            network.outputs, 0, network.outputs.count, whole
        )

    def forward(self, points: Float) -> tuple[Float, Float]:
        """All variables (points, variables) and pre-activations (points, units) at `points`."""
        network = self.network
        variables = np.zeros((len(points), network.variables))
        activations = np.zeros((len(points), network.units.count))
        variables[:, : network.inputs] = points
        for layer in self.layers:
            first, last = layer.first, layer.last
            a = variables[:, layer.columns] @ layer.weights.T + layer.bias
            activations[:, first:last] = a
            variables[:, network.inputs + first : network.inputs + last] = np.maximum(a, 0)
        return variables, activations

    def atoms(self, goal: Goal) -> tuple[Float, Float]:
        """The atoms of the goal as forms of all variables: coefficients (atoms, variables) and
        constants (atoms,); an atom holds where its form is >= 0 (> 0). Nobody writes to them: those
        of the last goal are kept, which is asked about many times."""
        if self._last is None or self._last[0] is not goal:
            self._last = goal, *self._atoms(goal)
        return self._last[1:]

    def _atoms(self, goal: Goal) -> tuple[Float, Float]:
        coefficients = np.zeros((len(goal.atoms), self.network.variables))
        constants = np.zeros(len(goal.atoms))
        for i, atom in enumerate(goal.atoms):
            constants[i] = to_float(atom.constant)
            for k, c in atom.inputs:
                coefficients[i, k] += to_float(c)
            for j, c in atom.outputs:
                coefficients[i] += to_float(c) * self.output_weights[j]
                constants[i] += to_float(c) * self.output_bias[j]
        return coefficients, constants

    def target(self, target: Goal | Lemma) -> tuple[Float, Float]:
        """The same of what a tree is about; a lemma is shown by refuting that a_v is beyond its
        bound."""
        if not isinstance(target, Lemma):
            return self.atoms(target)
        sign = 1 if target.upper else -1
        row, bias = self.row(target.unit)
        return sign * row[None], np.array([sign * (bias - to_float(target.bound))])

    def row(self, unit: int) -> tuple[Float, float]:
        """a_v as a form of all variables: coefficients (variables,) and the constant."""
        for layer in self.layers:
            if layer.first <= unit < layer.last:
                row = np.zeros(self.network.variables)
                row[layer.columns] = layer.weights[unit - layer.first]
                return row, float(layer.bias[unit - layer.first])
        raise IndexError(f"unit {unit} of {self.network.units.count}")

    def margins(self, goal: Goal, points: Float) -> Float:
        """The least atom of the goal at each point: >= 0 where the goal seems to be satisfied."""
        coefficients, constants = self.atoms(goal)
        variables, _ = self.forward(points)
        least: Float = (variables @ coefficients.T + constants).min(axis=1)
        return least

    def ascend(self, goal: Goal, points: Float) -> tuple[Float, Float]:
        """The least atom of the goal at each point, and its gradient with respect to the inputs."""
        coefficients, constants = self.atoms(goal)
        variables, activations = self.forward(points)
        values = variables @ coefficients.T + constants
        gradient = coefficients[values.argmin(axis=1)].copy()
        network = self.network
        for layer in reversed(self.layers):
            at = slice(network.inputs + layer.first, network.inputs + layer.last)
            active = activations[:, layer.first : layer.last] > 0
            gradient[:, layer.columns] += np.where(active, gradient[:, at], 0) @ layer.weights
        least: Float = values.min(axis=1)
        return least, gradient[:, : network.inputs]


def float_network(network: Network) -> FloatNetwork:
    """The network in floats, derived once; nobody writes to it."""
    return network.derived(FloatNetwork)


def fits(network: Network) -> bool:
    """Whether its matrices of floats are not too large for memory."""
    rows = network.units
    read = [(first, last, _columns(rows, first, last)) for first, last in network.layer_ranges()]
    cells = sum((last - first) * (of.stop - of.start) for first, last, of in read)
    whole: int = cells + network.outputs.count * network.variables
    return whole <= CELLS


def _columns(rows: Rows, first: int, last: int) -> slice:
    """From the first variable to the last that these rows read."""
    read = rows.indices[rows.starts[first] : rows.starts[last]]
    return slice(int(read.min()), int(read.max()) + 1) if len(read) else slice(0, 0)


def dense(rows: Rows, first: int, last: int, columns: slice) -> tuple[Float, Float]:
    """Rows first..last, which read `columns` alone, as a float64 matrix, and their constants."""
    begin, end = int(rows.starts[first]), int(rows.starts[last])
    owners = np.repeat(np.arange(last - first), np.diff(rows.starts[first : last + 1]))
    weights = np.zeros((last - first, columns.stop - columns.start))
    below = rows.denominators[first:last]
    weights[owners, rows.indices[begin:end] - columns.start] = _quotients(
        rows.numerators[begin:end], below[owners]
    )
    return weights, _quotients(rows.constants[first:last], below)


def _quotients(numerators: Integers, denominators: Integers) -> Float:
    """The floats nearest to the quotients."""
    exact = all(
        part.dtype == np.int64 and bool((np.abs(part) <= 1 << 53).all())
        for part in (numerators, denominators)
    )
    if exact:
        quotients: Float = numerators / denominators
        return quotients
    pairs = zip(numerators.tolist(), denominators.tolist(), strict=True)
    return np.array([_quotient(n, d) for n, d in pairs], dtype=float)


def _quotient(numerator: int, denominator: int) -> float:
    """The float nearest to the quotient, the largest one beyond its range."""
    try:
        return numerator / denominator
    except OverflowError:
        return float(np.finfo(np.float64).max) * (1 if numerator > 0 else -1)


@dataclass(frozen=True, slots=True)
class FloatRegion:
    """The box and the ball of a region; radius: of a ball, its root already taken for norm 2."""

    lower: Float
    upper: Float
    center: Float
    radius: float


class _LastRegion:
    """Regions are asked about one after another, and hash slowly."""

    def __init__(self) -> None:
        self._last: tuple[Region, FloatRegion] | None = None

    def __call__(self, region: Region) -> FloatRegion:
        """The region in floats, which nobody writes to."""
        if self._last is None or self._last[0] is not region:
            size = to_float(region.size)
            self._last = (
                region,
                FloatRegion(
                    float_vector(region.lower),
                    float_vector(region.upper),
                    float_vector(region.center),
                    size ** (1 / region.power),
                ),
            )
        return self._last[1]


float_region = _LastRegion()


def float_vector(values: tuple[Fraction, ...] | list[Fraction]) -> Float:
    """The floats nearest to these numbers."""
    return np.array([to_float(q) for q in values])


def to_float(value: Fraction | int, scale: int = 1) -> float:
    """The float nearest to value / scale, the largest one beyond the range of floats."""
    return _quotient(value.numerator, value.denominator * scale)


def dual(norm: Norm, gradients: Float) -> tuple[Float, Float]:
    """||g||_q, 1/p + 1/q = 1, of every row g, (rows,), and a v of norm p 1 at most with g . v equal
    to that, (rows, inputs)."""
    if norm == "1":
        k, rows = np.abs(gradients).argmax(axis=1), np.arange(len(gradients))
        lengths, steps = np.abs(gradients[rows, k]), np.zeros_like(gradients)
        steps[rows, k] = np.sign(gradients[rows, k])
        return lengths, steps
    if norm == "2":
        lengths = np.linalg.norm(gradients, axis=1)
        return lengths, gradients / np.where(lengths > 0, lengths, 1)[:, None]
    p = power(norm)
    largest = np.abs(gradients).max(axis=1, initial=0)
    shares = np.abs(gradients) / np.where(largest > 0, largest, 1)[:, None]
    lengths = largest * (shares ** (p / (p - 1))).sum(axis=1) ** ((p - 1) / p)
    steps = np.sign(gradients) * shares ** (1 / (p - 1))
    sizes = (np.abs(steps) ** p).sum(axis=1) ** (1 / p)
    return lengths, steps / np.where(sizes > 0, sizes, 1)[:, None]


def dual_norm(norm: Norm, gradients: Float) -> Float:
    """||g||_q alone, (rows,)."""
    if norm == "2":
        lengths: Float = np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
        return lengths
    return np.abs(gradients).max(axis=1) if norm == "1" else dual(norm, gradients)[0]


def within_box(norm: Norm, sizes: Float, widths: Float, radius: float) -> tuple[Float, Float]:
    """The largest sizes . steps (rows, inputs) for 0 <= steps <= widths of norm p at most `radius`:
    the steps, and what of the sizes is left to the ball where the rest, which is 0 where a step is
    not at its end, is left to the box. Both bounds together are then that maximum.

    A step is what the ball alone would take, times a factor, but no longer than its width. So with
    more of them at their ends the factor grows, and more come to their ends, until none does.
    """
    if norm == "1":
        return _within_box_1(sizes, widths, radius)
    p, tiny = power(norm), float(np.finfo(sizes.dtype).tiny)
    largest = np.maximum(sizes.max(axis=1, initial=0), tiny)[:, None]
    free = sizes / largest if p == 2 else (sizes / largest) ** (1 / (p - 1))
    powers, ends = free**p, widths**p
    # 1 / factor: the ball's steps are free / slowness.
    slowness = (powers.sum(axis=1) ** (1 / p) / max(radius, tiny))[:, None]
    ended = free > slowness * widths
    for _ in range(MOST_ROUNDS):
        left = np.maximum(radius**p - np.einsum("ij,ij->i", ended, ends), tiny)
        slowness = (np.einsum("ij,ij->i", ~ended, powers) / left)[:, None] ** (1 / p)
        before, ended = ended, free > slowness * widths
        if (before == ended).all():
            break
    steps = np.where(ended, widths, free / np.maximum(slowness, tiny))
    rest = np.minimum(free, slowness * widths)
    return steps, (rest if p == 2 else rest ** (p - 1)) * largest


def _within_box_1(sizes: Float, widths: Float, radius: float) -> tuple[Float, Float]:
    """The same for norm 1: the steepest inputs go to their ends, until the radius is used up."""
    order = np.argsort(-sizes, axis=1, kind="stable")
    reach = np.cumsum(np.take_along_axis(widths, order, axis=1), axis=1)
    before = np.zeros_like(reach)
    before[:, 1:] = reach[:, :-1]
    steps = np.empty_like(sizes)
    np.put_along_axis(steps, order, np.maximum(radius - before, 0), axis=1)
    steps = np.minimum(steps, widths)
    level = np.where(steps < widths, sizes, 0).max(axis=1, initial=0)[:, None]
    return steps, np.minimum(sizes, level)
