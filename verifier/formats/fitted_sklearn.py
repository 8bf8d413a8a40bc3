"""Fitted scikit-learn models: linear ones, multi-layer perceptrons, and pipelines that end in one.

The arithmetic is exact on the fitted float64 parameters.
"""

from __future__ import annotations

import contextlib
import warnings
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.files import naming, shown
from verifier.formats.fitted_sklearn_steps import (
    array_of,
    is_of,
    product_of,
    steps_of,
    transformed,
)
from verifier.formats.same_function import exact_outputs, random_points, require_same
from verifier.formats.tensors import Graph, Tensor, joined
from verifier.question.errors import UserError
from verifier.question.network import Network

_ROUNDOFF = 2.0**-53


def sklearn_network(model: Any) -> Network:
    """The exact network of a fitted model; see `network_of`."""
    *steps, last = steps_of(model) or [None]
    if last is None:
        raise UserError("a pipeline without a model")
    inputs = _inputs(model, steps, last)
    graph = Graph(inputs)
    value = graph.input_tensor(0, (inputs,))
    for number, step in enumerate(steps):
        with naming(f"step {number} ({type(step).__name__})"):
            value = transformed(step, graph, value)
    with naming(type(last).__name__):
        network = graph.network([_scores(last, graph, value)])
    _compare(network, model, last)
    return network


def _inputs(model: Any, steps: list[Any], last: Any) -> int:
    first = steps[0] if steps else last
    count = getattr(model, "n_features_in_", None) or getattr(first, "n_features_in_", None)
    if count is None:
        raise UserError(f"{type(model).__name__} is not fitted")
    return int(count)


# ------------------------------------------------------------------ models

_LINEAR = (
    "svm:LinearSVC", "svm:LinearSVR", "discriminant_analysis:LinearDiscriminantAnalysis",
    *(f"linear_model:{name}" for name in (
        "LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "SGDRegressor", "Perceptron",
        "PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "RidgeClassifier",
        "RidgeClassifierCV", "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV",
        "ElasticNet", "ElasticNetCV", "HuberRegressor", "TheilSenRegressor", "BayesianRidge",
    )),
)  # fmt: skip
_KERNEL = ("svm:SVC", "svm:NuSVC", "svm:SVR", "svm:NuSVR")
_MLP = ("neural_network:MLPClassifier", "neural_network:MLPRegressor")


def _scores(model: Any, graph: Graph, value: Tensor) -> Tensor:
    if is_of(model, *_MLP):
        return _perceptron(model, graph, value)
    if is_of(model, "multiclass:OneVsRestClassifier"):
        parts = [_scores(part, graph, value) for part in model.estimators_]
        ids, forms = joined(parts)
        return Tensor(np.concatenate(ids), forms)
    if is_of(model, *_KERNEL):
        if model.kernel != "linear" or len(getattr(model, "classes_", (0, 1))) > 2:
            raise UserError(
                "of kernel machines those with a linear kernel are supported, with two classes"
            )
        if not hasattr(model, "support_vectors_"):
            raise UserError("it is not fitted")
        similar = product_of(value, _dense(model.support_vectors_))
        return product_of(similar, _dense(model.dual_coef_), np.ravel(array_of(model.intercept_)))
    if not is_of(model, *_LINEAR):
        raise UserError("a model that is not supported")
    if not hasattr(model, "coef_"):
        raise UserError("it is not fitted")
    return product_of(value, np.atleast_2d(model.coef_), np.ravel(array_of(model.intercept_)))


def _dense(array: Any) -> Any:
    return array.toarray() if hasattr(array, "toarray") else array


def _cancelled(machine: Any) -> float:
    """How much larger the products that a kernel machine adds up are than their sums."""
    size = np.abs(_dense(machine.dual_coef_)) @ np.abs(_dense(machine.support_vectors_))
    return float(max(1, size.max() / max(np.abs(_dense(machine.coef_)).max(), 1e-300)))


def _perceptron(model: Any, graph: Graph, value: Tensor) -> Tensor:
    if not hasattr(model, "coefs_"):
        raise UserError("it is not fitted")
    if model.activation not in ("relu", "identity"):
        raise UserError(f"activation {shown(str(model.activation))} is not relu")
    final = getattr(model, "out_activation_", "identity")
    if final not in ("identity", "softmax", "logistic"):
        raise UserError(f"output activation {shown(str(final))} is unknown")
    last = len(model.coefs_) - 1
    for number, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        value = product_of(value, np.asarray(weights).T, array_of(bias))
        if number < last and model.activation == "relu":
            value = graph.relu(value)
    return value


# ------------------------------------------------------------------ comparison


def _compare(network: Network, model: Any, last: Any) -> None:
    """Raises UserError where the model computes something else at random points."""
    points = random_points(network.inputs)
    if hasattr(model, "decision_function"):
        computed = np.asarray(asked(model, "decision_function", points), dtype=np.float64)
    elif hasattr(model, "predict_proba"):
        _compare_probabilities(network, model, points)
        return
    else:
        computed = np.asarray(asked(model, "predict", points), dtype=np.float64)
    wide = computed.reshape(len(points), -1)
    unit = 2.0**-24 if _is_single(last) else _ROUNDOFF
    parts = last.estimators_ if is_of(last, "multiclass:OneVsRestClassifier") else [last]
    unit *= max((_cancelled(part) for part in parts if is_of(part, *_KERNEL)), default=1)
    require_same(network, points, wide, unit)


def asked(model: Any, method: str, points: NDArray[np.float64]) -> Any:
    """What a method of the model says of these points, given as it was fitted: one fitted to a
    table with names of columns gets a table with these names. Raises UserError."""
    names = getattr(model, "feature_names_in_", None)
    given: Any = points
    if names is not None:
        with contextlib.suppress(ImportError):  # an array will do where no step asks for names
            given = import_module("pandas").DataFrame(points, columns=names)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return getattr(model, method)(given)
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        line = " ".join(str(error).split())[:200]
        needs = "" if names is None or given is not points else " (it may need pandas)"
        raise UserError(f"{type(model).__name__} does not run on numbers: {line}{needs}") from None


def _is_single(model: Any) -> bool:
    parameters = getattr(model, "coefs_", None) or [getattr(model, "coef_", np.zeros(1))]
    return any(np.asarray(array).dtype == np.float32 for array in parameters)


def _compare_probabilities(network: Network, model: Any, points: NDArray[np.float64]) -> None:
    """As `require_same`, of the softmax or the logistic function of scores, which no rounding of
    them enlarges."""
    scores = exact_outputs(network, points)
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    wanted = powers / powers.sum(axis=1, keepdims=True)
    computed = np.asarray(asked(model, "predict_proba", points), dtype=np.float64)
    if computed.shape != wanted.shape or not np.allclose(computed, wanted, rtol=0, atol=1e-6):
        raise UserError("the network is not the model: their probabilities differ")
