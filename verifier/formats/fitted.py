"""Fitted models of scikit-learn and PyTorch; neither is imported before a model of it is given.

network_of(make_pipeline(StandardScaler(), MLPClassifier(..)).fit(X, y))
network_of(torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)))
network_of(model, shape=(1, 28, 28))   # convolutions, normalisations, own modules

Names of classes decide nothing: a class is one of the library's own, or it is not known. After the
conversion the exact network is compared with what the model computes at random points.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.scaled import evaluate
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

POINTS = 8
"""At which a converted network is compared with its model."""
_SEED = 20260101


def network_of(model: Any, shape: Sequence[int] | None = None) -> Network:
    """The exact network of a fitted scikit-learn model or pipeline, or of a PyTorch module.

    A classifier's outputs are its scores before softmax or logistic: the class is the largest
    score, or, with two classes, the sign of the single score. `shape` is that of one input of a
    PyTorch module without the batch, where its layers do not say it. Raises UserError for what is
    not supported, and where network and model differ by more than rounding.
    """
    torch, sklearn = sys.modules.get("torch"), sys.modules.get("sklearn")
    if torch is not None and isinstance(model, torch.nn.Module):
        from verifier.formats.fitted_torch import torch_network

        return torch_network(model, shape)
    if shape is not None:
        raise UserError("a shape is for PyTorch modules")
    if sklearn is not None and isinstance(model, sys.modules["sklearn.base"].BaseEstimator):
        from verifier.formats.fitted_sklearn import sklearn_network

        return sklearn_network(model)
    raise UserError(f"{type(model).__name__} is neither of scikit-learn nor a PyTorch module")


def random_points(inputs: int) -> NDArray[np.float64]:
    """POINTS points of that many inputs, numbers of float32; always the same."""
    generator = np.random.default_rng(_SEED)
    points = generator.normal(size=(POINTS, inputs)) * generator.choice([1, 10], size=(POINTS, 1))
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
    network has multiplied out, and 1 for what they cancel.
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
    """(terms + 2) layers (1 + the sum of all absolute terms), of every output."""
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
    outputs = [magnitude(network.outputs, j) for j in range(network.outputs.count)]
    allowed: NDArray[np.float64] = (terms + 2) * network.depth * (1 + np.array(outputs))
    return allowed
