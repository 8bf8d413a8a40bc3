"""Fitted models of scikit-learn and PyTorch, told by what they have; neither is imported.

network_of(MLPClassifier(..).fit(X, y))
network_of(torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.files import naming, shown
from verifier.formats.npz import chain
from verifier.formats.tensors import Graph, Tensor, linear, scaled
from verifier.question.errors import UserError
from verifier.question.network import Network


def network_of(model: Any) -> Network:
    """The exact network of a fitted scikit-learn MLP or of a PyTorch Sequential.

    A classifier's outputs are its scores before softmax or logistic: the class is the largest
    score, or, with two classes, the sign of the single score. Raises UserError for anything else.
    """
    if hasattr(model, "coefs_") and hasattr(model, "intercepts_"):
        return _network_of_mlp(model)
    if type(model).__name__ == "Sequential":
        return _network_of_sequential(model)
    if hasattr(model, "hidden_layer_sizes"):
        raise UserError(f"{type(model).__name__} is not fitted")
    raise UserError(f"{type(model).__name__} is neither a fitted MLP nor a Sequential")


def _network_of_mlp(model: Any) -> Network:
    if model.activation != "relu":
        raise UserError(f"activation {shown(str(model.activation))} is not relu")
    final = getattr(model, "out_activation_", "identity")
    if final not in ("identity", "softmax", "logistic"):
        raise UserError(f"output activation {shown(str(final))} is unknown")
    weights = [np.ascontiguousarray(np.asarray(matrix).T) for matrix in model.coefs_]
    return chain(weights, [np.asarray(bias) for bias in model.intercepts_])


def _network_of_sequential(model: Any) -> Network:
    modules = _modules(model)
    first = next((m for m in modules if type(m).__name__ == "Linear"), None)
    if first is None:
        raise UserError("a Sequential without a Linear module")
    inputs = _array(first.weight).shape[-1]
    graph = Graph(inputs)
    value = graph.input_tensor(0, (inputs,))
    for number, module in enumerate(modules):
        with naming(f"module {number} ({type(module).__name__})"):
            value = _applied(module, graph, value)
    return graph.network([value])


def _modules(model: Any) -> list[Any]:
    """The modules in their order, those of a nested Sequential in its place."""
    flat: list[Any] = []
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if type(module).__name__ == "Sequential":
            waiting.extend(reversed(list(module)))
        else:
            flat.append(module)
        if len(flat) + len(waiting) > 100_000:
            raise UserError("more than 100000 modules")
    return flat


def _applied(module: Any, graph: Graph, value: Tensor) -> Tensor:
    kind = type(module).__name__
    if kind == "ReLU":
        return graph.relu(value)
    if kind == "LeakyReLU":
        return graph.leaky(value, np.array(float(module.negative_slope)))
    if kind in ("Identity", "Flatten"):
        return value
    if kind == "Dropout":
        if module.training:
            raise UserError("it is in training mode; call eval() first")
        return value
    if kind != "Linear":
        raise UserError(f"a module of kind {kind} is not supported")
    matrix = _array(module.weight)
    if matrix.ndim != 2 or matrix.shape[1] != value.ids.size:
        raise UserError(f"weights {matrix.shape} after {value.ids.size} values")
    rows, terms = matrix.shape
    bias = np.zeros(rows) if module.bias is None else _array(module.bias)
    if bias.shape != (rows,):
        raise UserError(f"weights {matrix.shape}, bias {bias.shape}")
    positions = np.broadcast_to(np.arange(terms, dtype=np.int64), (rows, terms))
    result = linear(value, positions, matrix, (rows,))
    return scaled(result, np.ones((), dtype=np.float64), bias)


def _array(parameter: Any) -> NDArray[np.float64]:
    """The entries of a tensor, exactly."""
    if hasattr(parameter, "detach"):
        parameter = parameter.detach().cpu().double().numpy()
    array = np.asarray(parameter)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise UserError(f"parameters of type {array.dtype}")
    return array.astype(np.float64)
