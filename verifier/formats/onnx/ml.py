"""The operators of ai.onnx.ml that linear models of scikit-learn become."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from verifier.formats.affine_rows import Exact
from verifier.formats.onnx.classes import named_classes
from verifier.formats.onnx.constants import Constant, multiplied
from verifier.formats.onnx.linear import product
from verifier.formats.onnx.node import (
    ONE,
    Node,
    Operator,
    Result,
    relocated,
)
from verifier.formats.onnx.tails import Chosen, Squashed
from verifier.formats.tensors import Tensor, check_size, scaled
from verifier.question.errors import UserError


def _scaler(node: Node) -> Sequence[Result]:
    """(x - offset) scale, along the last axis."""
    value = node.tensor(0)
    offset, scale = (_column(node, name, value) for name in ("offset", "scale"))
    if offset is None or scale is None:
        raise UserError("attribute offset or scale is missing")
    return [scaled(value, scale, multiplied(-offset, scale))]


def _column(node: Node, name: str, value: Tensor) -> Exact | None:
    numbers = node.numbers(name)
    if numbers is None:
        return None
    if not value.shape or numbers.size not in (1, value.shape[-1]):
        raise UserError(f"{numbers.size} entries of {name} for a shape of {list(value.shape)}")
    return numbers


def _scores(node: Node, rows: int) -> Tensor:
    """coefficients x + intercepts, with that many rows of coefficients."""
    value, coefficients = node.tensor(0), node.numbers("coefficients")
    if coefficients is None or not value.shape or len(value.shape) > 2:
        raise UserError(f"no coefficients, or an input of shape {list(value.shape)}")
    features = value.shape[-1]
    if rows < 1 or coefficients.size != rows * features:
        raise UserError(f"{coefficients.size} coefficients for {rows} rows of {features}")
    intercepts = node.numbers("intercepts")
    if intercepts is None:
        intercepts = np.zeros(rows)
    if intercepts.size != rows:
        raise UserError(f"{intercepts.size} intercepts for {rows} rows of coefficients")
    matrix = Constant(1, coefficients.reshape(rows, features).T)
    row = relocated(value, lambda ids: ids.reshape(-1, features))
    return scaled(product(row, matrix), ONE, intercepts)


def _linear_regressor(node: Node) -> Sequence[Result]:
    node.refuse(post_transform=b"NONE")
    return [_scores(node, node.integer("targets", 1))]


def _linear_classifier(node: Node) -> Sequence[Result]:
    """The scores of the classes, one row of coefficients each, and the class of the largest."""
    names = named_classes(node, "classlabels_ints", "classlabels_strings") or ()
    classes = len(names)
    coefficients = node.numbers("coefficients")
    features = (node.tensor(0).shape or (1,))[-1]
    if not features:
        raise UserError("its input has no features")
    rows = classes if coefficients is None else coefficients.size // features
    if rows != classes or classes < 2:
        raise UserError(
            f"{rows} rows of coefficients for {classes} classes, which runtimes read differently"
        )
    scores = _scores(node, classes)
    if scores.shape[0] != 1:
        raise UserError(f"it is of {scores.shape[0]} rows")
    transform = node.text("post_transform", "NONE")
    if transform not in ("NONE", "LOGISTIC", "SOFTMAX"):
        raise UserError(f"post_transform {transform!r} is not supported")
    values: Result = scores
    if transform != "NONE":
        whole = transform == "SOFTMAX"
        function = "" if whole else "Sigmoid"
        values = Squashed(scores, (f"{transform} of {node.place}",), function, whole, True)
    node.runner.name_classes(scores, names)
    return [Chosen(scores, (node.place,), names), values]


def _feature_extractor(node: Node) -> Sequence[Result]:
    value = node.value(0)
    indices = node.indices(1, value.shape[-1] if value.shape else 1).reshape(-1)
    check_size((prod(value.shape[:-1]), len(indices)))
    result = relocated(value, lambda ids: np.take(ids, indices, axis=-1))
    if len(value.shape) == 1:
        result = relocated(result, lambda ids: ids.reshape(1, -1))
    return [result]


ML_OPERATORS: dict[str, Operator] = {
    "ArrayFeatureExtractor": _feature_extractor,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "Scaler": _scaler,
}
