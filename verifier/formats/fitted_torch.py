"""PyTorch modules: chains of linear layers as they are, all others by PyTorch's ONNX exporter.

Classes are told by identity. A module with hooks, with another class or with a forward of its own
is traced by the exporter, which runs it, and refused if Python reads values of its input meanwhile;
weight_norm, spectral_norm and pruning are brought up to date by running the model before its
weights are read.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.files import naming
from verifier.formats.fitted_torch_values import require_unread
from verifier.formats.same_function import far_points, random_points, require_same
from verifier.formats.tensors import MAX_VARIABLES, Graph, Tensor, linear, scaled
from verifier.question.errors import UserError
from verifier.question.network import Network

_OPSET = 17


def torch_network(model: Any, shape: Sequence[int] | None) -> Network:
    """The exact network of a PyTorch module; see `network_of`."""
    _require_settled(model)
    shape = tuple(_inputs(model) if shape is None else shape)
    if not shape or min(shape) < 1 or prod(shape) > MAX_VARIABLES:
        raise UserError(f"a shape of one input is positive numbers, not {shape}")
    points = random_points(prod(shape))
    computed, unit = _computed(model, points, shape)
    modules = _chain(model)
    network = _exported(model, shape) if modules is None else _built(modules, prod(shape))
    require_same(network, points, computed, unit)
    if modules is None:
        _require_same_far_away(network, model, shape)
    return network


def _require_same_far_away(network: Network, model: Any, shape: tuple[int, ...]) -> None:
    """As `require_same`, at points of all magnitudes; where the model's numbers overflow, it says
    nothing."""
    points = far_points(prod(shape))
    computed, unit = _computed(model, points, shape)
    finite = np.isfinite(computed).all(axis=1)
    if finite.any():
        require_same(network, points[finite], computed[finite], unit)


def _nn() -> Any:
    return sys.modules["torch"].nn


def _require_settled(model: Any) -> None:
    """Raises UserError for a module that computes otherwise while it is trained."""
    nn = _nn()
    harmless = (
        nn.Linear, nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Flatten, nn.Sequential, nn.Conv1d,
        nn.Conv2d, nn.Conv3d, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d,
    )  # fmt: skip
    for name, module in model.named_modules():
        if module.training and not (type(module) in harmless and _is_plain(module)):
            place = f"module {name} ({type(module).__name__})" if name else type(module).__name__
            raise UserError(f"{place} is in training mode; call eval() first")


def _inputs(model: Any) -> tuple[int, ...]:
    nn = _nn()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            return (int(module.in_features),)
        if any(True for _ in module.parameters(recurse=False)):
            break
    raise UserError(
        "its layers do not say what one input is: "
        "load_network(model, shape=(channels, rows, columns))"
    )


def _computed(
    model: Any, points: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], float]:
    """What the model computes at the points, one after another, and its unit roundoff."""
    torch = sys.modules["torch"]
    parameter = next(model.parameters(), None)
    kind = torch.float32 if parameter is None else parameter.dtype
    units = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.float16: 2.0**-11,
             torch.bfloat16: 2.0**-8}  # fmt: skip
    if kind not in units:
        raise UserError(f"parameters of type {kind}")
    rows = []
    try:
        with torch.no_grad():
            for point in points:
                given = torch.tensor(point.reshape((1, *shape)), dtype=kind)
                rows.append(model(given).detach().cpu().double().numpy().reshape(-1))
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        raise UserError(f"it does not run on an input of shape {shape}: {_line(error)}") from None
    return np.array(rows), units[kind]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


# ------------------------------------------------------------------ chains


def _chain(model: Any) -> list[Any] | None:
    """The modules in their order, of a Sequential of known ones; None for anything else."""
    nn = _nn()
    known = (nn.Linear, nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Flatten, nn.Dropout)
    flat: list[Any] = []
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if not _is_plain(module):
            return None
        kind = _class(module)
        if kind is nn.Sequential:
            waiting.extend(reversed(list(module)))
        elif kind not in known or (kind is nn.Flatten and module.start_dim != 1):
            return None
        else:
            flat.append(module)
        if len(flat) + len(waiting) > 100_000:
            raise UserError("more than 100000 modules")
    return flat


def _class(module: Any) -> Any:
    """Its class, without what a parametrization puts before it."""
    from torch.nn.utils import parametrize

    kind = type(module)
    return kind.__bases__[0] if parametrize.is_parametrized(module) else kind


_HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
)  # fmt: skip


def _is_plain(module: Any) -> bool:
    """Whether running it is its class's forward, after hooks that renew its weights at most."""
    from torch.nn.modules import module as every
    from torch.nn.utils import prune

    if "forward" in vars(module):
        return False
    # Functions of the package have the names of these modules and hide them.
    weight_norm = sys.modules["torch.nn.utils.weight_norm"]
    spectral_norm = sys.modules["torch.nn.utils.spectral_norm"]
    renewing = (weight_norm.WeightNorm, spectral_norm.SpectralNorm, prune.BasePruningMethod)
    if every._global_forward_hooks or every._global_forward_pre_hooks:
        return False
    return all(
        name == "_forward_pre_hooks" and isinstance(hook, renewing)
        for name in _HOOKS
        for hook in getattr(module, name, {}).values()
    )


def _built(modules: list[Any], inputs: int) -> Network:
    nn = _nn()
    graph = Graph(inputs)
    value = graph.input_tensor(0, (inputs,))
    for number, module in enumerate(modules):
        kind = _class(module)
        with naming(f"module {number} ({kind.__name__})"):
            if kind is nn.Linear:
                value = _linear(module, value)
            elif kind is nn.ReLU:
                value = graph.relu(value)
            elif kind is nn.LeakyReLU:
                value = graph.leaky(value, np.array(_slope(module, modules)))
    return graph.network([value])


def _slope(module: Any, modules: list[Any]) -> float:
    """The slope that PyTorch multiplies by: a Python float, kept for numbers of float64 and
    converted to float32 for those of float32, float16 and bfloat16, all multiplied in float32."""
    torch = sys.modules["torch"]
    kinds = [parameter.dtype for each in modules for parameter in each.parameters()]
    slope = float(module.negative_slope)
    return slope if kinds and kinds[0] is torch.float64 else float(np.float32(slope))


def _linear(module: Any, value: Tensor) -> Tensor:
    matrix = _array(module.weight)
    if matrix.ndim != 2 or matrix.shape[1] != value.ids.size:
        raise UserError(f"weights {matrix.shape} after {value.ids.size} values")
    rows, terms = matrix.shape
    bias = np.zeros(rows) if module.bias is None else _array(module.bias)
    positions = np.broadcast_to(np.arange(terms, dtype=np.int64), (rows, terms))
    return scaled(linear(value, positions, matrix, (rows,)), np.ones(()), bias)


def _array(parameter: Any) -> NDArray[np.float64]:
    """The entries of a tensor, exactly."""
    array: NDArray[np.float64] = parameter.detach().cpu().double().numpy()
    return array


# ------------------------------------------------------------------ all others


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing is written to standard output: where the exporter fails it prints its graph there,
    past `sys.stdout`."""
    sys.stdout.flush()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            kept = os.dup(1)
        except OSError:  # no standard output to keep clean
            yield
            return
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, TypeError, AttributeError):
                ctypes.CDLL(None).fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
            os.close(silent)


def _with_plain_weights(model: Any) -> Any:
    """The model with current weights in place of what computes them, which exporters do not know.

    The model itself where nothing computes weights, and where it cannot be copied.
    """
    from torch.nn.utils import parametrize

    if not any(parametrize.is_parametrized(module) for module in model.modules()):
        return model
    try:
        plain = copy.deepcopy(model)
    except Exception:  # noqa: BLE001 - whatever the model raises
        return model
    for module in list(plain.modules()):
        if not parametrize.is_parametrized(module):
            continue
        weights = {name: getattr(module, name).detach() for name in module.parametrizations}
        # Its class is shared with the model, so it is left and not changed.
        module.__class__ = _class(module)
        del module._modules["parametrizations"]
        for name, weight in weights.items():
            module.register_buffer(name, weight)
    return plain


def _exported(model: Any, shape: tuple[int, ...]) -> Network:
    """By PyTorch's ONNX exporter, which traces the model at one input."""
    torch = sys.modules["torch"]
    from verifier.formats.onnx.read import loaded_onnx

    parameter = next(model.parameters(), None)
    example = torch.zeros((1, *shape), dtype=None if parameter is None else parameter.dtype)
    content = io.BytesIO()
    try:
        model = _with_plain_weights(model)
        require_unread(model, example)
        with warnings.catch_warnings(), _silence():
            warnings.simplefilter("ignore")
            # What depends on the input in Python is not in the trace.
            warnings.simplefilter("error", torch.jit.TracerWarning)
            torch.onnx.export(model, (example,), content, opset_version=_OPSET, dynamo=False)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - the exporter's errors have no common class
        raise UserError(f"PyTorch's ONNX exporter refuses it: {_line(error)}") from None
    loaded = loaded_onnx(content.getvalue())
    if loaded.tail is not None:
        return loaded.network_for(None)
    return loaded.scores
