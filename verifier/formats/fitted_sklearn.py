"""Fitted scikit-learn models: linear ones, multi-layer perceptrons, and pipelines that end in one.

The arithmetic is exact on the fitted float64 parameters: a scaler divides, it does not multiply by
a rounded inverse.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.affine_rows import Exact
from verifier.formats.files import naming, shown
from verifier.formats.same_function import exact_outputs, random_points, require_same
from verifier.formats.tensors import Graph, Tensor, linear, moved, scaled
from verifier.question.errors import UserError
from verifier.question.network import Network

_ONE = np.ones((), dtype=np.float64)
_ROUNDOFF = 2.0**-53


def sklearn_network(model: Any) -> Network:
    """The exact network of a fitted model; see `network_of`."""
    steps, last = _steps(model)
    inputs = _inputs(model, steps, last)
    graph = Graph(inputs)
    value = graph.input_tensor(0, (inputs,))
    for number, step in enumerate(steps):
        with naming(f"step {number} ({type(step).__name__})"):
            value = _transformed(step, value)
    with naming(type(last).__name__):
        network = graph.network([_scores(last, graph, value)])
    _compare(network, model, last)
    return network


def _is(model: Any, *places: str) -> bool:
    """Whether the class of `model` is exactly one of these, each module:Class of scikit-learn."""
    for place in places:
        module, _, name = place.partition(":")
        if type(model) is getattr(import_module(f"sklearn.{module}"), name, None):
            return True
    return False


def _steps(model: Any) -> tuple[list[Any], Any]:
    """The transformers in their order, and what comes after them."""
    if not _is(model, "pipeline:Pipeline"):
        return [], model
    steps: list[Any] = []
    for _, step in model.steps:
        more, last = _steps(step)
        steps += [*more, last]
    steps = [step for step in steps if step is not None and not isinstance(step, str)]
    if not steps:
        raise UserError("a pipeline without a model")
    return steps[:-1], steps[-1]


def _inputs(model: Any, steps: list[Any], last: Any) -> int:
    first = steps[0] if steps else last
    count = getattr(model, "n_features_in_", None) or getattr(first, "n_features_in_", None)
    if count is None:
        raise UserError(f"{type(model).__name__} is not fitted")
    return int(count)


# ------------------------------------------------------------------ transformers


def _transformed(step: Any, value: Tensor) -> Tensor:
    if _is(step, "preprocessing:StandardScaler"):
        mean = step.mean_ if step.with_mean else None
        return _divided(_shifted(value, mean), step.scale_ if step.with_std else None)
    if _is(step, "preprocessing:RobustScaler"):
        center = step.center_ if step.with_centering else None
        return _divided(_shifted(value, center), step.scale_ if step.with_scaling else None)
    if _is(step, "preprocessing:MaxAbsScaler"):
        _refuse_clip(step)
        return _divided(value, step.scale_)
    if _is(step, "preprocessing:MinMaxScaler"):
        _refuse_clip(step)
        return scaled(value, _array(step.scale_), _array(step.min_))
    if _is(step, "decomposition:PCA"):
        if step.whiten:
            raise UserError("whiten = True divides by irrational roots")
        return _product(_shifted(value, step.mean_), step.components_)
    if _is(step, "decomposition:TruncatedSVD"):
        return _product(value, step.components_)
    if _is(step, *(f"feature_selection:{name}" for name in _SELECTORS)):
        kept = np.flatnonzero(step.get_support())
        return moved(value, lambda ids: ids[kept])
    raise UserError("a transformer that is not supported")


_SELECTORS = (
    "SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe",
    "GenericUnivariateSelect", "SelectFromModel", "VarianceThreshold", "RFE", "RFECV",
    "SequentialFeatureSelector",
)  # fmt: skip


def _refuse_clip(step: Any) -> None:
    if getattr(step, "clip", False):
        raise UserError("clip = True is not supported")


def _shifted(value: Tensor, amount: Any) -> Tensor:
    return value if amount is None else scaled(value, _ONE, -_array(amount))


def _divided(value: Tensor, amount: Any) -> Tensor:
    if amount is None:
        return value
    divisors = _array(amount)
    if not np.all(divisors != 0):
        raise UserError("a scale is 0")
    inverse = np.frompyfunc(lambda v: 1 / Fraction(v), 1, 1)(divisors.astype(object))
    return scaled(value, np.asarray(inverse, dtype=object), np.zeros(()))


def _product(value: Tensor, matrix: Any, bias: Exact | None = None) -> Tensor:
    weights = _array(matrix)
    if weights.ndim != 2 or weights.shape[1] != value.ids.size:
        raise UserError(f"weights {weights.shape} after {value.ids.size} values")
    rows, terms = weights.shape
    positions = np.broadcast_to(np.arange(terms, dtype=np.int64), (rows, terms))
    result = linear(value, positions, weights, (rows,))
    return result if bias is None else scaled(result, _ONE, np.broadcast_to(bias, (rows,)))


def _array(parameter: Any) -> NDArray[np.float64]:
    """Parameters exactly, as float64."""
    array = np.asarray(parameter)
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise UserError(f"parameters of type {array.dtype}")
    if array.dtype.kind != "f" and np.any(np.abs(array.astype(object)) > 2**53):
        raise UserError("an integer of more than 53 bits")
    return array.astype(np.float64)


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
_MLP = ("neural_network:MLPClassifier", "neural_network:MLPRegressor")


def _scores(model: Any, graph: Graph, value: Tensor) -> Tensor:
    if _is(model, *_MLP):
        return _perceptron(model, graph, value)
    if not _is(model, *_LINEAR):
        raise UserError("a model that is not supported")
    if not hasattr(model, "coef_"):
        raise UserError("it is not fitted")
    return _product(value, np.atleast_2d(model.coef_), np.ravel(_array(model.intercept_)))


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
        value = _product(value, np.asarray(weights).T, _array(bias))
        if number < last and model.activation == "relu":
            value = graph.relu(value)
    return value


# ------------------------------------------------------------------ comparison


def _compare(network: Network, model: Any, last: Any) -> None:
    """Raises UserError where the model computes something else at random points."""
    points = random_points(network.inputs)
    if hasattr(model, "decision_function"):
        computed = np.asarray(model.decision_function(points), dtype=np.float64)
    elif hasattr(model, "predict_proba"):
        _compare_probabilities(network, model, points)
        return
    else:
        computed = np.asarray(model.predict(points), dtype=np.float64)
    wide = computed.reshape(len(points), -1)
    unit = 2.0**-24 if _is_single(last) else _ROUNDOFF
    require_same(network, points, wide, unit)


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
    computed = np.asarray(model.predict_proba(points), dtype=np.float64)
    if computed.shape != wanted.shape or not np.allclose(computed, wanted, rtol=0, atol=1e-6):
        raise UserError("the network is not the model: their probabilities differ")
