"""If and Loop whose conditions do not depend on the network's input."""

from __future__ import annotations

import numpy as np

from verifier.formats.onnx.constants import BOOL, Constant, index_constant
from verifier.formats.onnx.node import Node, Operator, Value, reshaped
from verifier.formats.onnx.shapes import together
from verifier.formats.tensors import check_size
from verifier.question.errors import UserError


def _if(node: Node) -> list[Value]:
    name = "then_branch" if node.flag(0, "condition") else "else_branch"
    if name not in node.attributes:
        raise UserError(f"attribute {name} is missing")
    return node.runner.body(node.attributes[name], [])


def _loop(node: Node) -> list[Value]:
    """The body, as often as a constant says, and while a constant condition holds."""
    if "body" not in node.attributes:
        raise UserError("attribute body is missing")
    times = None
    if node.has(0):
        (times,) = node.integers(0, "trip count") or [0]
    going = node.flag(1, "condition") if node.has(1) else True
    if times is None and not node.has(1):
        raise UserError("it never ends")
    carried = [node.value(k) for k in range(2, len(node.inputs))]
    scans: list[list[Value]] = []
    step = 0
    while going and (times is None or step < times):
        condition = Constant(BOOL, np.array(True))
        outputs = node.runner.body(
            node.attributes["body"], [index_constant(step), condition, *carried]
        )
        if len(outputs) < 1 + len(carried):
            raise UserError(f"its body has {len(outputs)} outputs, not {1 + len(carried)}")
        going = _holds(outputs[0])
        carried = outputs[1 : 1 + len(carried)]
        scans.append(outputs[1 + len(carried) :])
        step += 1
    if not scans and node.outputs > len(carried):
        raise UserError("it runs no time, so that what it collects is empty")
    collected = [_stacked(list(values)) for values in zip(*scans, strict=True)]
    return [*carried, *collected]


def _holds(value: Value) -> bool:
    if not isinstance(value, Constant) or value.kind != BOOL or value.values.size != 1:
        raise UserError("whether it goes on depends on the network's input")
    return bool(value.values.reshape(-1)[0])


def _stacked(values: list[Value]) -> Value:
    if len({value.shape for value in values}) != 1:
        raise UserError("what it collects changes its shape")
    check_size((len(values), *values[0].shape))
    arrays, made = together([reshaped(value, (1, *value.shape)) for value in values])
    return made(np.concatenate(arrays))


OPERATORS: dict[str, Operator] = {"If": _if, "Loop": _loop}
