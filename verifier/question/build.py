"""Networks written as formulas: affine forms with exact coefficients, gathered layer by layer.

build = NetworkBuilder(inputs=2)
x = build.inputs
plus, minus = build.layer([x[0] - x[1], x[1] - x[0]])   # two units, |x0 - x1| = plus + minus
network = build.network([plus + minus])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from verifier.question.network import Network, Rows, integers
from verifier.question.rational import exact

Rational = int | Fraction


class Affine:
    """sum of weights[j] * variable j, plus a constant; every operation is exact."""

    __slots__ = ("constant", "weights")

    def __init__(
        self, weights: Mapping[int, Rational] | None = None, constant: Rational = 0
    ) -> None:
        self.weights: dict[int, Rational] = {j: exact(w) for j, w in (weights or {}).items()}
        self.constant: Rational = exact(constant)

    def __add__(self, other: Affine | Rational) -> Affine:
        result = Affine()
        result.weights = dict(self.weights)
        if not isinstance(other, Affine):
            result.constant = self.constant + exact(other)
            return result
        result.constant = self.constant + other.constant
        for variable, weight in other.weights.items():
            result.weights[variable] = result.weights.get(variable, 0) + weight
        return result

    def __radd__(self, other: Rational) -> Affine:
        return self + other

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | Rational) -> Affine:
        return self + (-other)

    def __rsub__(self, other: Rational) -> Affine:
        return (-self) + other

    def __mul__(self, factor: Rational) -> Affine:
        result, factor = Affine(), exact(factor)
        result.weights = {j: w * factor for j, w in self.weights.items()}
        result.constant = self.constant * factor
        return result

    __rmul__ = __mul__

    def __truediv__(self, divisor: Rational) -> Affine:
        return self * Fraction(1, 1) if divisor == 1 else self * (1 / Fraction(exact(divisor)))

    @staticmethod
    def sum(forms: Iterable[Affine | Rational]) -> Affine:
        """The sum of many forms, in one pass (repeated + is quadratic)."""
        total = Affine()
        for form in forms:
            if isinstance(form, Affine):
                total.constant += form.constant
                for variable, weight in form.weights.items():
                    total.weights[variable] = total.weights.get(variable, 0) + weight
            else:
                total.constant += exact(form)
        return total


class NetworkBuilder:
    """Collects layers of units and ends in a `Network`."""

    def __init__(self, inputs: int) -> None:
        self.inputs: list[Affine] = [Affine({k: 1}) for k in range(inputs)]
        self._layers: list[int] = []
        self._rows = _RowCollector()

    def layer(self, pre_activations: Sequence[Affine]) -> list[Affine]:
        """Adds one hidden layer; the returned forms are its units z = max(pre_activation, 0)."""
        first = len(self.inputs) + self._rows.count
        for form in pre_activations:
            self._rows.add(form)
        self._layers.append(len(pre_activations))
        return [Affine({first + k: 1}) for k in range(len(pre_activations))]

    def network(self, outputs: Sequence[Affine]) -> Network:
        """The finished network with these outputs."""
        last = _RowCollector()
        for form in outputs:
            last.add(form)
        return Network(len(self.inputs), tuple(self._layers), self._rows.rows(), last.rows())


class _RowCollector:
    def __init__(self) -> None:
        self._starts = [0]
        self._indices: list[int] = []
        self._numerators: list[int] = []
        self._constants: list[int] = []
        self._denominators: list[int] = []

    @property
    def count(self) -> int:
        return len(self._constants)

    def add(self, form: Affine) -> None:
        entries = sorted((j, w) for j, w in form.weights.items() if w)
        denominator = lcm(form.constant.denominator, *{w.denominator for _, w in entries})
        for variable, weight in entries:
            self._indices.append(variable)
            self._numerators.append(weight.numerator * (denominator // weight.denominator))
        self._constants.append(form.constant.numerator * (denominator // form.constant.denominator))
        self._denominators.append(denominator)
        self._starts.append(len(self._indices))

    def rows(self) -> Rows:
        return Rows(
            np.array(self._starts, dtype=np.int64),
            np.array(self._indices, dtype=np.int64),
            integers(self._numerators),
            integers(self._constants),
            integers(self._denominators),
        )


def chain_from_floats(
    weights: Sequence[NDArray[np.floating]], biases: Sequence[NDArray[np.floating]]
) -> Network:
    """The chain network whose layer l is weights[l] @ z + biases[l], ReLU between layers.

    weights[l] has shape (out, in), biases[l] shape (out,). Every float is the dyadic rational that
    it is. Raises UserError (from the rows) for inconsistent shapes; NaN and infinity are refused.
    """
    from verifier.question.errors import UserError

    if not weights or len(weights) != len(biases):
        raise UserError(f"{len(weights)} weight matrices, {len(biases)} bias vectors")
    offset, previous, blocks = 0, weights[0].shape[1] if weights[0].ndim == 2 else -1, []
    for number, (matrix, bias) in enumerate(zip(weights, biases, strict=True)):
        if matrix.ndim != 2 or bias.shape != (matrix.shape[0],) or matrix.shape[1] != previous:
            raise UserError(
                f"layer {number}: weights {matrix.shape}, bias {bias.shape}, "
                f"the layer before has {previous} units"
            )
        if not (np.isfinite(matrix).all() and np.isfinite(bias).all()):
            raise UserError(f"layer {number}: a weight or bias is NaN or infinite")
        blocks.append(dense_rows(matrix.tolist(), bias.tolist(), offset))
        offset, previous = offset + previous, matrix.shape[0]
    hidden = concatenate_rows(blocks[:-1])
    sizes = tuple(matrix.shape[0] for matrix in weights[:-1])
    return Network(weights[0].shape[1], sizes, hidden, blocks[-1])


def dense_rows(
    matrix: Sequence[Sequence[float | Rational]], bias: Sequence[float | Rational], offset: int
) -> Rows:
    """Rows of a dense matrix whose column k is variable offset + k; a float is its dyadic."""
    starts = [0]
    indices: list[int] = []
    numerators: list[int] = []
    constants: list[int] = []
    denominators: list[int] = []
    for row, constant in zip(matrix, bias, strict=True):
        ratios = [(offset + k, *w.as_integer_ratio()) for k, w in enumerate(row) if w]
        top, bottom = constant.as_integer_ratio()
        common = lcm(bottom, *(ratio[2] for ratio in ratios))
        indices.extend(ratio[0] for ratio in ratios)
        numerators.extend(ratio[1] * (common // ratio[2]) for ratio in ratios)
        constants.append(top * (common // bottom))
        denominators.append(common)
        starts.append(len(indices))
    return Rows(
        np.array(starts, dtype=np.int64),
        np.array(indices, dtype=np.int64),
        integers(numerators),
        integers(constants),
        integers(denominators),
    )


def concatenate_rows(blocks: Sequence[Rows]) -> Rows:
    """The rows of all blocks, one after another."""
    starts = [np.zeros(1, dtype=np.int64)]
    entries = 0
    for block in blocks:
        starts.append(block.starts[1:] + entries)
        entries += len(block.indices)

    def joined(field: str) -> list[int]:
        return [value for block in blocks for value in getattr(block, field).tolist()]

    return Rows(
        np.concatenate(starts),
        np.concatenate([np.zeros(0, dtype=np.int64), *(block.indices for block in blocks)]),
        integers(joined("numerators")),
        integers(joined("constants")),
        integers(joined("denominators")),
    )
