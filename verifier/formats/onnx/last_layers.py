"""Last layers that keep the order of scores, argmax, and what may stand behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from verifier.formats.onnx.classes import CLASS_OPERATORS, looked_up
from verifier.formats.onnx.constants import FLOATS, Constant, index_constant
from verifier.formats.onnx.elementwise import hard_sigmoid
from verifier.formats.onnx.node import ONE, Node, Operator, Result, axis_of, scalar
from verifier.formats.onnx.tails import Chosen, Squashed, one_group
from verifier.formats.tensors import Tensor, scaled
from verifier.question.errors import UserError

_ZERO, _HALF = Fraction(0), Fraction(1, 2)


def _increasing(
    threshold: Fraction | None = None, *, positive: bool = False, symmetric: bool = False
) -> Operator:
    """A strictly increasing function of each element, with these parameters positive."""

    def operate(node: Node) -> Sequence[Result]:
        parameters = [
            float(node.number(name, 1.0)) for name in _PARAMETERS if name in node.attributes
        ]
        if any(parameter <= 0 for parameter in parameters):
            raise UserError("it does not increase strictly")
        function = " ".join([node.kind, *map(str, parameters)])
        inner = node.inputs[0] if node.inputs else None
        if isinstance(inner, Squashed) and inner.exact is None:
            return [Squashed(inner.scores, (*inner.by, node.place), f"{inner.function} {function}",
                             inner.whole, positive)]  # fmt: skip
        return [Squashed(node.tensor(0), (node.place,), function, False, positive, symmetric,
                         threshold)]  # fmt: skip

    return operate


_PARAMETERS = ("alpha", "gamma")


def _hard_sigmoid(node: Node) -> Sequence[Result]:
    value, alpha = node.tensor(0), node.number("alpha", 0.2)
    exact = hard_sigmoid(node, value)
    if alpha <= 0 or value.is_constant:
        return [exact]
    scores = scaled(value, scalar(alpha), scalar(node.number("beta", 0.5) - _HALF))
    return [Squashed(scores, (node.place,), "HardSigmoid", threshold=_HALF, exact=exact)]


def _softmax(positive: bool) -> Operator:
    def operate(node: Node) -> Sequence[Result]:
        inner = node.inputs[0] if node.inputs else None
        before = inner if isinstance(inner, Squashed) and inner.exact is None else None
        scores = before.scores if before else node.tensor(0)
        rank = len(scores.shape)
        axis = axis_of(node.integer("axis", 1 if node.opset < 13 else -1), max(rank, 1))
        axes = (axis,) if node.opset >= 13 else tuple(range(axis, rank))
        if not one_group(scores.shape, axes):
            raise UserError(f"it is of groups of a tensor of shape {list(scores.shape)}")
        by = (*before.by, node.place) if before else (node.place,)
        return [Squashed(scores, by, whole=True, positive=positive)]

    return operate


def _argmax(node: Node) -> Sequence[Result]:
    value = node.inputs[0] if node.inputs else None
    if isinstance(value, Squashed) and value.exact is None:
        scores, by = value.scores, value.by
    else:
        known = node.value(0)
        if isinstance(known, Constant):
            return [_argmax_of_constant(node, known)]
        scores, by = known, ()
    axis = axis_of(node.integer("axis", 0), max(len(scores.shape), 1))
    if not one_group(scores.shape, (axis,)):
        raise UserError(f"it is of groups of a tensor of shape {list(scores.shape)}")
    return [Chosen(scores, (*by, node.place))]


def _argmax_of_constant(node: Node, value: Constant) -> Constant:
    if not value.sure or value.values.dtype == object:
        raise UserError("of numbers that a runtime rounds, so that it may choose otherwise")
    axis = axis_of(node.integer("axis", 0), max(len(value.shape), 1))
    numbers = value.values
    if node.switch("select_last_index", False):
        best = numbers.shape[axis] - 1 - np.argmax(np.flip(numbers, axis), axis=axis)
    else:
        best = np.argmax(numbers, axis=axis)
    return index_constant(np.expand_dims(best, axis) if node.switch("keepdims", True) else best)


def _normalizer(node: Node) -> Sequence[Result]:
    """Dividing positive values by a norm of them keeps their order."""
    value = node.inputs[0] if node.inputs else None
    if not isinstance(value, Squashed) or not value.positive:
        raise UserError("it divides by values that depend on the network's input")
    if not one_group(value.shape, (len(value.shape) - 1,)):
        raise UserError(f"it is of groups of a tensor of shape {list(value.shape)}")
    return [Squashed(value.scores, (*value.by, node.place), whole=True, positive=True)]


LAST_LAYERS: dict[str, Operator] = {
    "ArgMax": _argmax,
    "Asinh": _increasing(_ZERO),
    "Atan": _increasing(_ZERO),
    "Celu": _increasing(_ZERO),
    "Elu": _increasing(_ZERO),
    "Erf": _increasing(_ZERO),
    "Exp": _increasing(Fraction(1), positive=True),
    "HardSigmoid": _hard_sigmoid,
    "LogSoftmax": _softmax(False),
    "Selu": _increasing(_ZERO),
    "Sigmoid": _increasing(_HALF, positive=True, symmetric=True),
    "Sinh": _increasing(_ZERO),
    "Softmax": _softmax(True),
    "Softplus": _increasing(positive=True),
    "Softsign": _increasing(_ZERO),
    "Tanh": _increasing(_ZERO),
}
LAST_ML_LAYERS: dict[str, Operator] = {"Normalizer": _normalizer, **CLASS_OPERATORS}

_MOVES = (
    "Dropout", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze",
    "Transpose", "Unsqueeze",
)  # fmt: skip
_TEXT = 8
# Of a type of ONNX, by its number, whole numbers that it holds as they are, from least to greatest.
_HELD = {
    1: (-(2**24), 2**24), 2: (0, 2**8 - 1), 3: (-(2**7), 2**7 - 1), 4: (0, 2**16 - 1),
    5: (-(2**15), 2**15 - 1), 6: (-(2**31), 2**31 - 1), 7: (-(2**63), 2**63 - 1), 9: (0, 1),
    10: (-(2**11), 2**11), 11: (-(2**53), 2**53), 12: (0, 2**32 - 1), 13: (0, 2**64 - 1),
    16: (-(2**8), 2**8),
}  # fmt: skip
_NAMES = (
    "ArrayFeatureExtractor", "Cast", "Flatten", "Gather", "Identity", "Reshape", "Squeeze",
    "Unsqueeze",
)  # fmt: skip


def behind_last_layer(name: str, node: Node, operator: Operator) -> Sequence[Result] | None:
    """What `operator` makes of a last layer's value, where that is one again, else None.

    Moving the values, casting them between floats, joining several of the same function, and 1
    minus a sigmoid; of a chosen class, its name.
    """
    first = node.inputs[0]
    chosen = next((value for value in node.inputs if isinstance(value, Chosen)), None)
    if chosen is not None:
        if chosen is not first:
            return looked_up(node)
        if name == "Cast":
            _require_kept(node.integer("to", 0), chosen)
        passed = [replace(chosen, by=(*chosen.by, node.place))] if name in _NAMES else None
        return looked_up(node) or passed
    if name == "Concat":
        return _joined(node, operator)
    if name == "Sub" and len(node.inputs) == 2:
        return _one_minus(node)
    if not isinstance(first, Squashed):
        return None
    if name == "Cast":
        return [first] if node.integer("to", 0) in FLOATS else None
    return _moved(node, first, operator) if name in _MOVES else None


def _require_kept(to: int, chosen: Chosen) -> None:
    """Raises UserError unless every name of the chosen class is the same in the type `to`."""
    names = chosen.names
    if names is None:
        names = tuple(map(str, range(chosen.scores.ids.size)))
    if to == _TEXT:
        return
    low, high = _HELD.get(to, (1, 0))
    for name in names:
        whole = name.removeprefix("-").isdecimal() and str(int(name)) == name
        if not (whole and low <= int(name) <= high):
            raise UserError(
                f"it casts the class {ascii(name)[:40]} to type {to}, which does not keep that name"
            )


def _moved(node: Node, first: Squashed, operator: Operator) -> Sequence[Result]:
    def through(value: Tensor) -> Sequence[Result]:
        return operator(replace(node, inputs=[value, *node.inputs[1:]]))

    results = through(first.scores)
    exact = results if first.exact is None else through(first.exact)
    return [
        replace(first, scores=one, exact=None if first.exact is None else _tensor(other))
        if isinstance(one, Tensor)
        else one
        for one, other in zip(results, exact, strict=True)
    ]


def _tensor(value: Result) -> Tensor:
    if not isinstance(value, Tensor):
        raise UserError("a part of a last layer is constant")
    return value


def _one_minus(node: Node) -> Sequence[Result] | None:
    one, value = node.inputs
    if not isinstance(one, Constant) or not np.all(one.values == 1):
        return None
    if not isinstance(value, Squashed) or not value.symmetric:
        return None
    if np.broadcast_shapes(one.shape, value.shape) != value.shape:
        return None
    return [replace(value, scores=scaled(value.scores, -ONE, np.zeros(())))]


def _joined(node: Node, operator: Operator) -> Sequence[Result] | None:
    parts = [value for value in node.inputs if isinstance(value, Squashed)]
    same = {(part.function, part.whole, part.exact is None) for part in parts}
    if len(parts) < len(node.inputs) or same != {(parts[0].function, False, True)}:
        return None
    if not parts[0].function:
        return None
    results = operator(replace(node, inputs=[part.scores for part in parts]))
    by = tuple(dict.fromkeys(name for part in parts for name in part.by))
    return [replace(parts[0], scores=_tensor(results[0]), by=by)]
