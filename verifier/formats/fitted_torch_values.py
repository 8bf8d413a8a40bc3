"""Whether Python reads values of a PyTorch module's input while the module runs.

A trace holds what is computed of tensors. What Python decides by their values is decided once,
while tracing, and the trace says nothing of it; not all such reading is warned of. So the module is
run once where each reading of a value that depends on the input is seen, however it is made: as a
number or a truth value, as an array, by the shape of a selection. Before the first reading nothing
can depend on the input but values of tensors, so one run at any input sees whether there is one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np

from verifier.question.errors import UserError

_LEAVING = frozenset((
    "numpy", "tolist", "__array__", "__dlpack__", "to_dlpack", "data_ptr", "storage",
    "untyped_storage", "_typed_storage", "__repr__", "__str__", "__format__", "__deepcopy__",
    "__reduce__", "__reduce_ex__",
))  # fmt: skip
"""Functions of a tensor that give its values, or a copy of it, past PyTorch's operators."""


def require_unread(model: Any, given: Any) -> None:
    """Raises UserError where the model, run on the tensor `given`, reads a value that depends on it
    in Python, and where it does not run so."""
    function_mode, dispatch_mode, watch = _watch()
    watch.add([given])
    try:
        with sys.modules["torch"].no_grad(), function_mode, dispatch_mode:
            model(given)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        if watch.read is None:
            line = " ".join(str(error).split())[:200]
            raise UserError(f"it does not run where its operators are watched: {line}") from None
    if watch.read is not None:  # also where the model has caught the exception
        raise UserError(
            f"it reads values that depend on its input in Python (by {watch.read}), which its "
            "trace does not hold: what it does with them is not known"
        )


class _ReadError(Exception):
    """A value that depends on the input is read."""


class _Watch:
    """The memory that depends on the input, and the first function that reads of it."""

    def __init__(self) -> None:
        self._places: dict[int, Any] = {}  # with its storage held, so that none is used again
        self.read: str | None = None

    def add(self, values: Any) -> None:
        self._places.update(_places(values))

    def depends(self, values: Any) -> bool:
        return not self._places.keys().isdisjoint(_places(values))

    def refuse(self, name: str) -> None:
        self.read = self.read or name
        raise _ReadError(name)


def _places(values: Any) -> dict[int, Any]:
    """Where the tensors among these values lie and begin, each with its storage: tensors that share
    memory have one of them in common."""
    torch = sys.modules["torch"]
    from torch.utils._pytree import tree_leaves

    found = {}
    with torch._C.DisableTorchFunction():
        for value in tree_leaves(values):
            if isinstance(value, torch.Tensor) and value.layout is torch.strided:
                storage = value.untyped_storage()
                for place in (storage._cdata, storage.data_ptr(), value.data_ptr()):
                    found[place] = storage
    found.pop(0, None)
    return found


def _watch() -> tuple[Any, Any, _Watch]:
    """A mode of what is called in Python, one of the operators below, and what they find."""
    overrides: Any = import_module("torch.overrides")
    dispatch: Any = import_module("torch.utils._python_dispatch")
    from torch.utils._pytree import tree_leaves

    watch, dense = _Watch(), sys.modules["torch"].strided

    def call(mode: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _LEAVING and watch.depends((args, kwargs)):
            watch.refuse(name)
        return func(*args, **(kwargs or {}))

    def operate(mode: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not watch.depends((args, kwargs)):
            return func(*args, **kwargs)
        if _reads(watch, func, args):
            watch.refuse(str(func))
        result = func(*args, **kwargs)
        _require_held_slope(func, args, result)
        if any(getattr(made, "layout", dense) is not dense for made in tree_leaves(result)):
            watch.refuse(str(func))  # how many entries it has depends on the input
        watch.add(result)
        if func._schema.is_mutable:
            watch.add((args, kwargs))
        return result

    # Classes made by `type`: where PyTorch is absent, their bases are of no known type.
    functions: Any = type("Functions", (overrides.TorchFunctionMode,), {"__torch_function__": call})
    operators: Any = type(
        "Operators", (dispatch.TorchDispatchMode,), {"__torch_dispatch__": operate}
    )
    return functions(), operators(), watch


def _require_held_slope(func: Any, args: Any, result: Any) -> None:
    """Raises UserError for a slope that float64 is multiplied by and ONNX rounds to float32."""
    torch = sys.modules["torch"]
    if func is torch.ops.aten.leaky_relu.default and result.dtype is torch.float64:
        slope = (
            float(args[1]) if len(args) > 1 else 0.01
        )  # arguments that are defaults are left out
        if slope != float(np.float32(slope)):
            raise UserError(
                f"a slope of {slope} of LeakyReLU in float64, which ONNX holds as float32: "
                "give the module in float32, or as a chain of Linear, ReLU and LeakyReLU"
            )


def _reads(watch: _Watch, func: Any, args: Any) -> bool:
    """Whether an operator with arguments that depend on the input gives Python something by their
    values: a number, or a shape."""
    torch = sys.modules["torch"]
    if any(str(made.type) in ("bool", "int", "float", "number", "Scalar", "complex")
           for made in func._schema.returns):  # fmt: skip
        return func is not torch.ops.aten.is_same_size.default
    if func is torch.ops.aten.index.Tensor:  # selects by masks, and by whole numbers
        masks = (torch.bool, torch.uint8)
        return any(i is not None and i.dtype in masks and watch.depends(i) for i in args[1])
    tags = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
    return not tags.isdisjoint(func.tags)
