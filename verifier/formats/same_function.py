"""Whether a network computes what the model computes that it was made of, at random points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import evaluate
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

POINTS = 8
_SEED = 20260101
_MAGNITUDES = (1e-3, 1e2, 1e4, 1e6)


def random_points(inputs: int) -> NDArray[np.float64]:
    """POINTS points of that many inputs, numbers of float32; always the same."""
    generator = np.random.default_rng(_SEED)
    points = generator.normal(size=(POINTS, inputs)) * generator.choice([1, 10], size=(POINTS, 1))
    numbers: NDArray[np.float64] = points.astype(np.float32).astype(np.float64)
    return numbers


def far_points(inputs: int) -> NDArray[np.float64]:
    """Points of that many inputs, numbers of float32 of magnitudes from 1e-3 to 1e6, those of a
    point of one sign; always the same."""
    generator = np.random.default_rng(_SEED)
    scales = np.array([sign * size for size in _MAGNITUDES for sign in (1, -1)])
    points = np.abs(generator.normal(size=(len(scales), inputs))) * scales[:, None]
    numbers: NDArray[np.float64] = points.astype(np.float32).astype(np.float64)
    return numbers


def exact_outputs(network: Network, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outputs at these points, computed exactly and then rounded."""
    rows = evaluate(network, [[Fraction(float(x)) for x in point] for point in points])
    return np.array([[float(y) for y in row] for row in rows])


def require_same(
    network: Network, points: NDArray[np.float64], computed: NDArray[np.float64], unit: float
) -> None:
    """Raises UserError where `computed` is not the network's output up to rounding.

    With unit roundoff u an output is off by at most about (terms + 1) u times what the absolute
    values of its terms add up to, in each layer. 64 times that leaves room for layers that the
    network has multiplied out, and 1, or a tenth of the largest input, for what they cancel.
    """
    exact = exact_outputs(network, points)
    if computed.shape != exact.shape:
        raise UserError(f"the model has outputs {computed.shape}, its network {exact.shape}")
    allowed = 64 * unit * np.array([_rounding(network, point) for point in points])
    worst = np.unravel_index(np.argmax(np.abs(exact - computed) - allowed), exact.shape)
    if not bool(np.all(np.abs(exact - computed) <= allowed)):
        raise UserError(
            f"the network is not the model: at a random point output {worst[1]} is "
            f"{exact[worst]:g}, the model computes {computed[worst]:g}"
        )


def _rounding(network: Network, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """(terms + 2) layers (what may cancel + the sum of all absolute terms), of every output."""
    size = [abs(float(x)) for x in point]

    def magnitude(rows: Rows, i: int) -> float:
        weights, constant = rows.fractions(i)
        total = sum(abs(float(w)) * size[j] for j, w in weights.items())
        return total + abs(float(constant))

    for v in range(network.units.count):
        size.append(magnitude(network.units, v))
    terms = max(
        int(np.diff(rows.starts).max(initial=1)) for rows in (network.units, network.outputs)
    )
    cancelled = max([1.0, *(x / 10 for x in size[: network.inputs])])
    outputs = [magnitude(network.outputs, j) for j in range(network.outputs.count)]
    allowed: NDArray[np.float64] = (terms + 2) * network.depth * (cancelled + np.array(outputs))
    return allowed
