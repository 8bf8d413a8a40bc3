"""Transformers of scikit-learn before a model: scalers, projections, selections, unions of them.

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
from verifier.formats.files import naming
from verifier.formats.tensors import Graph, Tensor, joined, linear, moved, scaled
from verifier.question.errors import UserError

_ONE = np.ones((), dtype=np.float64)


def is_of(model: Any, *places: str) -> bool:
    """Whether the class of `model` is exactly one of these, each module:Class of scikit-learn."""
    for place in places:
        module, _, name = place.partition(":")
        if type(model) is getattr(import_module(f"sklearn.{module}"), name, None):
            return True
    return False


def steps_of(model: Any) -> list[Any]:
    """What a pipeline does in its order, what else is given alone; steps that do nothing left out.

    A search for parameters stands for the best model that it has found.
    """
    if is_of(model, "model_selection:GridSearchCV", "model_selection:RandomizedSearchCV"):
        if not hasattr(model, "best_estimator_"):
            raise UserError(f"{type(model).__name__} is not fitted, or keeps no best model")
        return steps_of(model.best_estimator_)
    if not is_of(model, "pipeline:Pipeline"):
        return [model]
    return [step for _, part in model.steps if not _is_nothing(part) for step in steps_of(part)]


def _is_nothing(step: Any) -> bool:
    """Whether it is a step that changes nothing."""
    if step is None or isinstance(step, str):
        return True
    return is_of(step, "preprocessing:FunctionTransformer") and step.func is None


def transformed(step: Any, graph: Graph, value: Tensor) -> Tensor:
    if is_of(step, "preprocessing:StandardScaler"):
        mean = step.mean_ if step.with_mean else None
        return _divided(_shifted(value, mean), step.scale_ if step.with_std else None)
    if is_of(step, "preprocessing:RobustScaler"):
        center = step.center_ if step.with_centering else None
        return _divided(_shifted(value, center), step.scale_ if step.with_scaling else None)
    if is_of(step, "preprocessing:MaxAbsScaler"):
        _refuse_clip(step)
        return _divided(value, step.scale_)
    if is_of(step, "preprocessing:MinMaxScaler"):
        result = scaled(value, array_of(step.scale_), array_of(step.min_))
        return _clipped(graph, result, *step.feature_range) if step.clip else result
    if is_of(step, "decomposition:PCA", "decomposition:IncrementalPCA"):
        if step.whiten:
            raise UserError("whiten = True divides by irrational roots")
        return product_of(_shifted(value, step.mean_), step.components_)
    if is_of(step, "decomposition:TruncatedSVD"):
        return product_of(value, step.components_)
    if is_of(step, *(f"feature_selection:{name}" for name in _SELECTORS)):
        kept = np.flatnonzero(step.get_support())
        return moved(value, lambda ids: ids[kept])
    if is_of(step, *(f"random_projection:{name}" for name in _PROJECTIONS)):
        return product_of(value, getattr(step.components_, "toarray", lambda: step.components_)())
    if is_of(step, "compose:ColumnTransformer"):
        return _by_columns(step, graph, value)
    if is_of(step, "pipeline:FeatureUnion"):
        parts = [(name, part, None) for name, part in step.transformer_list]
        return _side_by_side(step, parts, graph, value)
    raise UserError("a transformer that is not supported")


def _by_columns(step: Any, graph: Graph, value: Tensor) -> Tensor:
    """Each transformer of its own columns, one behind the other."""
    columns = getattr(step, "_transformer_to_input_indices", None)
    if columns is None:
        raise UserError("it is not fitted, or of a release that does not say its columns")
    parts = [(name, part, columns[name]) for name, part, _ in step.transformers_]
    return _side_by_side(step, parts, graph, value)


def _side_by_side(
    step: Any, parts: list[tuple[str, Any, Any]], graph: Graph, value: Tensor
) -> Tensor:
    """The results of (name, transformer, columns or None for all), one behind the other."""
    if step.transformer_weights:
        raise UserError("transformer_weights are not supported")
    results: list[Tensor] = []
    for name, part, columns in parts:
        if isinstance(part, str) and part == "drop":
            continue
        result = value
        if columns is not None:
            kept = np.asarray(columns, dtype=np.int64)
            result = Tensor(value.ids[kept], value.forms)
        if not result.ids.size:
            continue
        for single in [] if _is_nothing(part) else steps_of(part):
            with naming(f"{name} ({type(single).__name__})"):
                result = transformed(single, graph, result)
        results.append(result)
    if not results:
        raise UserError("it leaves no values")
    ids, forms = joined(results)
    return Tensor(np.concatenate(ids), forms)


def _clipped(graph: Graph, value: Tensor, low: float, high: float) -> Tensor:
    ends = [scaled(value, np.zeros(()), np.float64(end) * np.ones(())) for end in (low, high)]
    return graph.minimum(graph.maximum(value, ends[0]), ends[1])


_PROJECTIONS = ("GaussianRandomProjection", "SparseRandomProjection")


_SELECTORS = (
    "SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe",
    "GenericUnivariateSelect", "SelectFromModel", "VarianceThreshold", "RFE", "RFECV",
    "SequentialFeatureSelector",
)  # fmt: skip


def _refuse_clip(step: Any) -> None:
    if getattr(step, "clip", False):
        raise UserError("clip = True is not supported")


def _shifted(value: Tensor, amount: Any) -> Tensor:
    return value if amount is None else scaled(value, _ONE, -array_of(amount))


def _divided(value: Tensor, amount: Any) -> Tensor:
    if amount is None:
        return value
    divisors = array_of(amount)
    if not np.all(divisors != 0):
        raise UserError("a scale is 0")
    inverse = np.frompyfunc(lambda v: 1 / Fraction(v), 1, 1)(divisors.astype(object))
    return scaled(value, np.asarray(inverse, dtype=object), np.zeros(()))


def product_of(value: Tensor, matrix: Any, bias: Exact | None = None) -> Tensor:
    weights = array_of(matrix)
    if weights.ndim != 2 or weights.shape[1] != value.ids.size:
        raise UserError(f"weights {weights.shape} after {value.ids.size} values")
    rows, terms = weights.shape
    positions = np.broadcast_to(np.arange(terms, dtype=np.int64), (rows, terms))
    result = linear(value, positions, weights, (rows,))
    return result if bias is None else scaled(result, _ONE, np.broadcast_to(bias, (rows,)))


def array_of(parameter: Any) -> NDArray[np.float64]:
    """Parameters exactly, as float64."""
    array = np.asarray(parameter)
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise UserError(f"parameters of type {array.dtype}")
    if array.dtype.kind != "f" and np.any(np.abs(array.astype(object)) > 2**53):
        raise UserError("an integer of more than 53 bits")
    return array.astype(np.float64)
