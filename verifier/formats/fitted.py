"""Fitted models of scikit-learn and PyTorch; neither is imported before a model of it is given.

network_of(make_pipeline(StandardScaler(), MLPClassifier(..)).fit(X, y))
network_of(torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)))
network_of(model, shape=(1, 28, 28))   # convolutions, normalisations, own modules

Names of classes decide nothing: a class is one of the library's own, or it is not known. After the
conversion the exact network is compared with what the model computes at random points.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verifier.formats.same_function import exact_outputs, random_points
from verifier.question.build import concatenate_rows, dense_rows
from verifier.question.errors import UserError
from verifier.question.network import Network


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
    raise UserError(f"{_kind(model)} is neither of scikit-learn nor a PyTorch module{_hint(model)}")


def _kind(model: Any) -> str:
    return f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__


def _hint(model: Any) -> str:
    """What is to be given instead."""
    if isinstance(model, type):
        return ": give a fitted instance of it"
    if isinstance(model, Mapping):
        return ": give the module itself, in which these weights are loaded"
    return ", nor a path, nor a pair ([W0, W1, ..], [b0, b1, ..])"


def classifier_of(
    model: Any, shape: Sequence[int] | None = None
) -> tuple[Network, list[str] | None]:
    """The network of a fitted model, an output a class, and the names of its classes.

    A single score of two classes becomes the two outputs 0 and score, of which the second is the
    largest exactly where the score is positive. None for a model without classes.
    """
    network = network_of(model, shape)
    if not hasattr(model, "classes_"):
        return network, None
    names = [str(label) for label in model.classes_]
    if network.outputs.count == 1 and len(names) == 2:
        outputs = concatenate_rows([dense_rows([[]], [0], 0), network.outputs])
        network = Network(network.inputs, network.layers, network.units, outputs)
    if network.outputs.count != len(names):
        raise UserError(
            f"{type(model).__name__}: {network.outputs.count} outputs, {len(names)} classes"
        )
    _require_largest(model, network, names)
    return network, names


def _require_largest(model: Any, network: Network, names: Sequence[str]) -> None:
    """Raises UserError where the model does not predict the class of the largest score, as one of
    several labels a sample, or one that weighs its scores."""
    from verifier.formats.fitted_sklearn import asked

    points = random_points(network.inputs)
    predicted = np.asarray(asked(model, "predict", points))
    if predicted.shape != (len(points),):
        raise UserError(
            f"{type(model).__name__} predicts {predicted.shape[1:]} labels of a sample, "
            "not the class of the largest score"
        )
    for scores, label in zip(exact_outputs(network, points), predicted.tolist(), strict=True):
        first, second = np.sort(scores)[::-1][:2]
        if first - second > 1e-4 * np.abs(scores).max() and names[scores.argmax()] != str(label):
            raise UserError(
                f"{type(model).__name__} predicts {label!r} where {names[scores.argmax()]!r} has "
                "the largest score"
            )
