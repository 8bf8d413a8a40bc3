"""A network in float64, dense layer by layer: for points worth a look and forms worth a proof."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.certificate import Lemma
from verifier.question.network import Network, Rows
from verifier.question.query import Goal

Float = NDArray[np.float64]


class FloatNetwork:
    """weights[l] has shape (units of layer l, variables before it), biases[l] (units of l,)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.weights: list[Float] = []
        self.biases: list[Float] = []
        for first, last in network.layer_ranges():
            weights, bias = dense(network.units, first, last, network.inputs + first)
            self.weights.append(weights)
            self.biases.append(bias)
        self.output_weights, self.output_bias = dense(
            network.outputs, 0, network.outputs.count, network.variables
        )

    def forward(self, points: Float) -> tuple[Float, Float]:
        """All variables (points, variables) and pre-activations (points, units) at `points`."""
        network = self.network
        variables = np.zeros((len(points), network.variables))
        activations = np.zeros((len(points), network.units.count))
        variables[:, : network.inputs] = points
        for (first, last), weights, bias in zip(
            network.layer_ranges(), self.weights, self.biases, strict=True
        ):
            a = variables[:, : network.inputs + first] @ weights.T + bias
            activations[:, first:last] = a
            variables[:, network.inputs + first : network.inputs + last] = np.maximum(a, 0)
        return variables, activations

    def atoms(self, goal: Goal) -> tuple[Float, Float]:
        """The atoms of the goal as forms of all variables: coefficients (atoms, variables) and
        constants (atoms,); an atom holds where its form is >= 0 (> 0)."""
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
        for (first, last), weights, bias in zip(
            self.network.layer_ranges(), self.weights, self.biases, strict=True
        ):
            if first <= unit < last:
                row = np.zeros(self.network.variables)
                row[: weights.shape[1]] = weights[unit - first]
                return row, float(bias[unit - first])
        raise IndexError(f"unit {unit} of {self.network.units.count}")

    def margins(self, goal: Goal, points: Float) -> Float:
        """The least atom of the goal at each point: >= 0 where the goal seems to be satisfied."""
        coefficients, constants = self.atoms(goal)
        variables, _ = self.forward(points)
        least: Float = (variables @ coefficients.T + constants).min(axis=1)
        return least

    def ascend(self, goal: Goal, points: Float) -> Float:
        """The gradient of the least atom of the goal with respect to the inputs, at each point."""
        coefficients, constants = self.atoms(goal)
        variables, activations = self.forward(points)
        worst = (variables @ coefficients.T + constants).argmin(axis=1)
        gradient = coefficients[worst].copy()
        network = self.network
        for (first, last), weights in reversed(
            list(zip(network.layer_ranges(), self.weights, strict=True))
        ):
            below = network.inputs + first
            active = activations[:, first:last] > 0
            part = np.where(active, gradient[:, below : network.inputs + last], 0)
            gradient[:, :below] += part @ weights
        result: Float = gradient[:, : network.inputs]
        return result


def dense(rows: Rows, first: int, last: int, columns: int) -> tuple[Float, Float]:
    """Rows first..last as a float64 matrix of `columns` columns, and their constants."""
    weights, bias = np.zeros((last - first, columns)), np.zeros(last - first)
    for i in range(first, last):
        indices, numerators, constant, denominator = rows.row(i)
        for j, numerator in zip(indices, numerators, strict=True):
            weights[i - first, j] = _quotient(numerator, denominator)
        bias[i - first] = _quotient(constant, denominator)
    return weights, bias


def _quotient(numerator: int, denominator: int) -> float:
    """The float nearest to the quotient, the largest one beyond its range."""
    try:
        return numerator / denominator
    except OverflowError:
        return float(np.finfo(np.float64).max) * (1 if numerator > 0 else -1)


def float_vector(values: tuple[Fraction, ...] | list[Fraction]) -> Float:
    """The floats nearest to these numbers."""
    return np.array([to_float(q) for q in values])


def to_float(value: Fraction | int) -> float:
    """The float nearest to the number, the largest one beyond the range of floats."""
    return _quotient(value.numerator, value.denominator)
