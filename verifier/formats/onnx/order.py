"""The order in which the nodes of an ONNX graph are computed, whatever order the file has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx

from verifier.formats.files import shown
from verifier.question.errors import UserError


def nodes_in_order(
    nodes: Iterable[onnx.NodeProto], outputs: Iterable[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that outputs depend on, each after those it reads, and the names in use.

    Raises UserError where two nodes make the same value, and for a cycle.
    """
    listed, wanted = list(nodes), list(outputs)
    makers: dict[str, int] = {}
    for number, node in enumerate(listed):
        for name in node.output:
            if name and makers.setdefault(name, number) != number:
                raise UserError(f"two nodes make {shown(name)}")
    needed = set(wanted)
    order: list[int] = []
    done: dict[int, bool] = {}  # False while the node waits for what it reads
    stack = [makers[name] for name in reversed(wanted) if name in makers]
    while stack:
        number = stack[-1]
        if number in done:
            stack.pop()
            if not done[number]:
                done[number] = True
                order.append(number)
            continue
        done[number] = False
        read = list(names_read(listed[number]))
        needed.update(read)
        for name in reversed(read):
            maker = makers.get(name)
            if maker is not None and not done.get(maker, True):
                raise UserError(f"the graph has a cycle through {shown(name)}")
            if maker is not None and maker not in done:
                stack.append(maker)
    return [listed[number] for number in order], needed


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads, those that its subgraphs take from outside included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for body in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
            yield from _free_names(body)


def _free_names(body: onnx.GraphProto) -> Iterator[str]:
    own = {info.name for info in body.input} | {tensor.name for tensor in body.initializer}
    own.update(name for node in body.node for name in node.output)
    for node in body.node:
        yield from (name for name in names_read(node) if name not in own)
    yield from (info.name for info in body.output if info.name not in own)
