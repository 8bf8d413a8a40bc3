"""Running the nodes of an ONNX graph on exact values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import onnx

from verifier.formats.files import naming, shown
from verifier.formats.onnx.classes import Registry
from verifier.formats.onnx.constants import Constant
from verifier.formats.onnx.last_layers import behind_last_layer
from verifier.formats.onnx.node import Node, Operator, Result, Value, settled
from verifier.formats.onnx.operators import ML_DOMAIN, OPERATORS
from verifier.formats.onnx.order import nodes_in_order
from verifier.formats.onnx.stored import location, read_tensor
from verifier.formats.onnx.tails import Chosen, ClassNames, Names, Squashed, not_linear
from verifier.formats.tensors import Graph, Tensor
from verifier.question.errors import UserError

MAX_STEPS = 20_000
"""Most nodes of loops, branches and functions that are run, each time counted anew, a turn without
any as one; those of the graph itself are as many as the file has."""
_MAX_DEPTH = 40

Versions = Mapping[str, int]
Attributes = Mapping[str, onnx.AttributeProto]


def versions_of(imports: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    """The version of each operator set; raises UserError where two versions are imported."""
    versions: dict[str, int] = {}
    for entry in imports:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        version = int(entry.version)
        if versions.setdefault(domain, version) != version:
            raise UserError(
                f"the operator set {shown(domain or 'ai.onnx')} in the versions {version} "
                f"and {versions[domain]}"
            )
    newest = onnx.defs.onnx_opset_version()
    if "" in versions and not 1 <= versions[""] <= newest:
        raise UserError(f"operator set {versions['']}; this program knows 1 to {newest}")
    return versions


@dataclass(frozen=True, slots=True)
class Scope:
    """What the nodes of one graph or function body see."""

    values: MutableMapping[str, Result]
    versions: Versions
    attributes: Attributes = field(default_factory=dict)
    depth: int = 0


class Interpreter:
    """Runs graphs, their subgraphs and the functions of one model, and gathers notes."""

    def __init__(
        self, graph: Graph, functions: Sequence[onnx.FunctionProto], folder: Path | None
    ) -> None:
        self.graph, self.folder = graph, folder
        self.notes: dict[str, None] = {}
        self.kinds: dict[str, int] = {}
        self.files: set[str] = set()  # beside the model, of the tensors that were read
        self.unused = 0
        self.classes = Registry()
        self._steps = 0
        self._functions: dict[tuple[str, str, str], onnx.FunctionProto] = {}
        for function in functions:
            key = (function.domain, function.name, function.overload)
            if key in self._functions:
                raise UserError(f"two functions {shown(function.name)}")
            if function.domain in ("", "ai.onnx", ML_DOMAIN):
                raise UserError(f"function {shown(function.name)} is named as an operator")
            self._functions[key] = function

    def run(
        self,
        nodes: Iterable[onnx.NodeProto],
        initializers: Sequence[onnx.TensorProto],
        outputs: Sequence[str],
        scope: Scope,
    ) -> list[Result]:
        """The values of these names; `scope.values` holds the inputs and gains all values."""
        listed = list(nodes)
        ordered, needed = nodes_in_order(listed, outputs)
        if scope.depth == 0:
            self.unused = len(listed) - len(ordered)
        for tensor in initializers:
            if tensor.name in needed:
                with naming(f"initializer {shown(tensor.name)}"):
                    if tensor.name in scope.values:
                        raise UserError("there are two values of this name")
                    scope.values[tensor.name] = _stored(tensor, self.folder)
                    self.files.add(location(tensor))
        for node in ordered:
            with naming(_place(node)):
                self._run(node, scope, needed)
        for name in outputs:
            if name not in scope.values:
                raise UserError(f"output {shown(name)}: no node makes it")
        return [scope.values[name] for name in outputs]

    def _run(self, node: onnx.NodeProto, scope: Scope, needed: set[str]) -> None:
        self._count(scope.depth > 0)
        inputs: list[Result | None] = []
        for name in node.input:
            if name and name not in scope.values:
                raise UserError(f"reads {shown(name)}, which neither the file nor a node makes")
            inputs.append(scope.values[name] if name else None)
        while inputs and inputs[-1] is None:
            inputs.pop()
        try:
            results = self._results(node, inputs, scope, needed)
        except UserError:
            raise
        except (ValueError, IndexError, OverflowError) as error:  # numpy's, about shapes
            raise UserError(" ".join(str(error).split())) from None
        except MemoryError:
            raise UserError("out of memory") from None
        for name, result in zip(node.output, results, strict=False):
            if name in needed:
                if name in scope.values:
                    raise UserError(f"makes {shown(name)}, which exists already")
                made = settled(result)
                scope.values[name] = made
                self._account(made, inputs)

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise UserError(f"more than {MAX_STEPS} nodes of loops and functions are run")

    def _account(self, made: Result, inputs: Sequence[Result | None]) -> None:
        if isinstance(made, Squashed | Chosen):
            made = made.scores
        if isinstance(made, Tensor):
            self.graph.account(made, [entry for entry in inputs if isinstance(entry, Tensor)])
        elif not any(made is entry for entry in inputs):
            self.graph.count(prod(made.shape))

    def _results(
        self, node: onnx.NodeProto, inputs: list[Result | None], scope: Scope, needed: set[str]
    ) -> Sequence[Result]:
        domain = "" if node.domain == "ai.onnx" else node.domain
        function = self._functions.get((node.domain, node.op_type, node.overload))
        if function is not None:
            return self._call(function, node, inputs, scope)
        operator = OPERATORS.get((domain, node.op_type))
        if operator is None:
            raise UserError(f"operator {operator_name(node)} is not supported")
        if domain not in scope.versions:
            raise UserError(f"the file imports no operator set {shown(domain or 'ai.onnx')}")
        version = scope.versions[domain]
        known = _known_attributes(node, domain, version)
        attributes = _defaults(known) | self._attributes(node, scope, known)
        used = max((k + 1 for k, name in enumerate(node.output) if name in needed), default=0)
        self.kinds[node.op_type] = self.kinds.get(node.op_type, 0) + 1
        prepared = Node(
            self.graph, _place(node), node.op_type, inputs, attributes, version,
            len(node.output), used, _Inside(self, scope),
        )  # fmt: skip
        return _operated(operator, prepared)

    def _attributes(
        self, node: onnx.NodeProto, scope: Scope, known: Mapping[str, onnx.defs.OpSchema.Attribute]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in node.attribute:
            if entry.name in found:
                raise UserError(f"attribute {shown(entry.name)} twice")
            source = entry
            if entry.ref_attr_name:
                if entry.ref_attr_name not in scope.attributes:
                    continue  # of a function that was called without it
                source = scope.attributes[entry.ref_attr_name]
            with naming(f"attribute {shown(entry.name)}"):
                wanted: Any = known[entry.name].type
                if source.type != wanted.value:
                    raise UserError(f"{_kind(source.type)} where {wanted.name} is asked for")
                found[entry.name] = _attribute(source, self.folder)
                self.files.add(location(source.t))
        return found

    def _call(
        self,
        function: onnx.FunctionProto,
        node: onnx.NodeProto,
        inputs: Sequence[Result | None],
        scope: Scope,
    ) -> list[Result]:
        """The outputs of a function of the model."""
        if scope.depth >= _MAX_DEPTH:
            raise UserError(f"functions within functions, {_MAX_DEPTH} deep")
        if len(inputs) > len(function.input):
            raise UserError(f"{len(inputs)} inputs of a function of {len(function.input)}")
        known = {*function.attribute, *(entry.name for entry in function.attribute_proto)}
        attributes = {entry.name: entry for entry in function.attribute_proto}
        for entry in node.attribute:
            if entry.name not in known:
                raise UserError(f"attribute {shown(entry.name)} is unknown")
            if not entry.ref_attr_name:
                attributes[entry.name] = entry
            elif entry.ref_attr_name in scope.attributes:
                attributes[entry.name] = scope.attributes[entry.ref_attr_name]
        values = {
            name: value
            for name, value in zip(function.input, inputs, strict=False)
            if value is not None
        }
        inner = Scope(values, versions_of(function.opset_import), attributes, scope.depth + 1)
        return self.run(function.node, [], list(function.output), inner)

    def body(self, body: onnx.GraphProto, inputs: Sequence[Value], scope: Scope) -> list[Value]:
        """The outputs of a subgraph that sees the values of `scope`."""
        if scope.depth >= _MAX_DEPTH:
            raise UserError(f"subgraphs within subgraphs, {_MAX_DEPTH} deep")
        if body.sparse_initializer:
            raise UserError("sparse initializers are not supported")
        if len(body.input) != len(inputs):
            raise UserError(f"{len(inputs)} inputs of a body of {len(body.input)}")
        own: dict[str, Result] = {
            info.name: value for info, value in zip(body.input, inputs, strict=True)
        }
        shadowed = next((name for name in own if name in scope.values), None)
        if shadowed is not None:
            raise UserError(f"its body names {shown(shadowed)} again")
        inner = Scope(
            ChainMap(own, scope.values), scope.versions, scope.attributes, scope.depth + 1
        )
        outputs = [info.name for info in body.output]
        before = self._steps
        results = self.run(body.node, body.initializer, outputs, inner)
        self._count(self._steps == before)
        return [_plain(result) for result in results]

    def note(self, text: str) -> None:
        """Something that was done to the network; said once."""
        self.notes[text] = None


@dataclass(frozen=True, slots=True)
class _Inside:
    """What a node of this scope runs bodies with."""

    interpreter: Interpreter
    scope: Scope

    def body(self, graph: onnx.GraphProto, inputs: Sequence[Value]) -> list[Value]:
        return self.interpreter.body(graph, inputs, self.scope)

    def note(self, text: str) -> None:
        self.interpreter.note(text)

    def name_classes(self, scores: Tensor, names: ClassNames) -> None:
        self.interpreter.classes.add(scores, names)


def _plain(result: Result) -> Value:
    if isinstance(result, Squashed) and result.exact is not None:
        return result.exact
    if isinstance(result, Squashed | Chosen):
        raise not_linear(result)
    if isinstance(result, Names):
        raise UserError("its body makes texts")
    return result


def _operated(operator: Operator, node: Node) -> Sequence[Result]:
    if any(isinstance(value, Squashed | Chosen) for value in node.inputs):
        results = behind_last_layer(node.kind, node, operator)
        if results is not None:
            return results
    return operator(node)


@cache
def _schema(name: str, domain: str, version: int) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(name, version, domain)
    except onnx.defs.SchemaError:
        return None


def _known_attributes(
    node: onnx.NodeProto, domain: str, version: int
) -> Mapping[str, onnx.defs.OpSchema.Attribute]:
    """The attributes of the operator, as its operator set has them.

    Raises UserError for an operator, an attribute, or a number of inputs that it does not have.
    """
    schema = _schema(node.op_type, domain, version)
    if schema is None or schema.deprecated:
        raise UserError(f"operator set {version} has no operator {operator_name(node)}")
    known: Mapping[str, onnx.defs.OpSchema.Attribute] = schema.attributes
    for entry in node.attribute:
        if entry.name not in known:
            raise UserError(f"operator set {version} has no attribute {shown(entry.name)} of it")
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise UserError(f"{len(node.input)} inputs, not {schema.min_input} to {schema.max_input}")
    return known


def _defaults(known: Mapping[str, onnx.defs.OpSchema.Attribute]) -> dict[str, Any]:
    """The defaults of these attributes."""
    found = {}
    for name, attribute in known.items():
        default = attribute.default_value
        if default.type and default.type != onnx.AttributeProto.GRAPH:
            found[name] = _attribute(default, None)
    return found


def _place(node: onnx.NodeProto) -> str:
    name = node.name or next((name for name in node.output if name), "?")
    return f"node {shown(name)} ({operator_name(node)})"


def operator_name(node: onnx.NodeProto) -> str:
    """Domain and operator on one line; a name that is no UTF-8 comes as bytes."""
    name = f"{node.domain}.{node.op_type}" if node.domain else f"{node.op_type}"
    return shown(name)[1:-1]


def _stored(tensor: onnx.TensorProto, folder: Path | None) -> Constant | Names:
    """What a stored tensor holds: numbers, or texts."""
    if tensor.data_type != onnx.TensorProto.STRING:
        return read_tensor(tensor, folder)
    shape = tuple(int(extent) for extent in tensor.dims)
    if prod(shape) != len(tensor.string_data):
        raise UserError(f"shape {list(shape)} of {len(tensor.string_data)} texts")
    return Names(tuple(text.decode("utf-8", "replace") for text in tensor.string_data), shape)


def _kind(number: int) -> str:
    """An attribute's type by its name in ONNX."""
    try:
        name: str = onnx.AttributeProto.AttributeType.Name(number)
    except ValueError:
        return f"type {number}"
    return name


def _attribute(entry: onnx.AttributeProto, folder: Path | None) -> Any:
    """A number, bytes, a list of them, a constant, or a graph; other kinds are refused."""
    kind = entry.type
    if kind == onnx.AttributeProto.TENSOR:
        return _stored(entry.t, folder)
    if kind == onnx.AttributeProto.FLOAT:
        return float(entry.f)
    if kind == onnx.AttributeProto.INT:
        return int(entry.i)
    if kind == onnx.AttributeProto.STRING:
        return bytes(entry.s)
    if kind == onnx.AttributeProto.FLOATS:
        return [float(value) for value in entry.floats]
    if kind == onnx.AttributeProto.INTS:
        return [int(value) for value in entry.ints]
    if kind == onnx.AttributeProto.STRINGS:
        return [bytes(value) for value in entry.strings]
    if kind == onnx.AttributeProto.GRAPH:
        return entry.g
    raise UserError("it is of a kind that is not supported")
