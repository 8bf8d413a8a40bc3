"""VNN-LIB 2: declared networks with typed tensors, then assertions about their entries.

    (vnnlib-version <2.0>)
    (declare-network f (declare-input X Real [1,2]) (declare-output Y Real [2]))
    (declare-network g (equal-to f) (declare-input U Real [1,2]) (declare-output V Real [2]))
    (assert (and (<= X[0,0] 1.0) (>= (- Y[0] V[0]) 0.5)))

Tensors of a network come as inputs, hidden values, outputs, each with an element type, a shape and
perhaps the name of the value in the ONNX file. `initialized` after an input says that it has the
value of its initializer there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import prod

from verifier.formats.files import shown
from verifier.formats.tensors import MAX_VARIABLES
from verifier.formats.vnnlib.expressions import Expressions
from verifier.formats.vnnlib.formulas import Term, variable
from verifier.formats.vnnlib.lexer import Group, Item, Text, Word, at_line, head
from verifier.formats.vnnlib.normal_form import Conjoined
from verifier.formats.vnnlib.property import Declared, Kind, Property, Tensor
from verifier.question.errors import UserError

OLDEST, NEWEST = "2.0", "2.1"
ELEMENTS = frozenset(
    f"""real float16 float32 float64 bfloat16 float8e4m3fn float8e5m2 float8e4m3fnuz float8e5m2fnuz
    float4e2m1 {" ".join(f"int{n} uint{n}" for n in (2, 4, 8, 16, 32, 64))}
    complex64 complex128 bool string""".split()
)
"""The element types of version 2."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_KINDS: dict[str, Kind] = {
    "declare-input": "input",
    "declare-hidden": "hidden",
    "declare-output": "output",
}


def parse_version_2(commands: Iterable[Group]) -> Property:
    """The property that the commands describe. Raises UserError, naming the line."""
    reader = _Reader()
    for command in commands:
        with at_line(command.line):
            reader.command(command)
    return reader.finish()


class _Reader:
    """Reads command by command: the version, networks, assertions, in this order."""

    def __init__(self) -> None:
        self._networks: dict[str, Declared] = {}
        self._tensors: dict[str, Tensor] = {}
        self._counts = {"input": 0, "output": 0}  # of variables so far
        self._assertions = Conjoined()
        self._expressions = Expressions(self._value)
        self._version = ""
        self._asserted = 0

    def command(self, command: Group) -> None:
        name, rest = head(command), command.items[1:]
        if not self._version:
            self._version = _version(name, rest)
        elif name == "declare-network" and not self._asserted:
            self._network(rest)
        elif name == "assert" and len(rest) == 1 and self._networks:
            self._asserted += 1
            self._assertions.add(self._expressions.formula(rest[0]))
        else:
            raise UserError(
                f"{shown(name)} is out of place: vnnlib-version, then declare-network, then assert"
            )

    def finish(self) -> Property:
        if not self._networks or not self._asserted:
            raise UserError(
                f"{len(self._networks)} networks and {self._asserted} assertions; "
                "a query has one of each or more"
            )
        networks = tuple(self._networks.values())
        for network in networks:
            self._require_alike(network)
        inputs, outputs = self._counts["input"], self._counts["output"]
        return self._assertions.property(inputs, outputs, networks)

    def _value(self, name: Word) -> Term | None:
        tensor = self._tensors.get(name.text)
        if tensor is None:
            return None
        indices = [_integer(text) for text in name.index or ()]
        if len(indices) != len(tensor.shape):
            raise UserError(
                f"{name} has {len(indices)} indices, {tensor.name} the shape {_shown(tensor.shape)}"
            )
        position = 0
        for index, extent in zip(indices, tensor.shape, strict=True):
            if index >= extent:
                raise UserError(
                    f"{name} is outside of {tensor.name} with the shape {_shown(tensor.shape)}"
                )
            position = position * extent + index
        number = tensor.first + position
        return variable(number if tensor.kind == "input" else -1 - number)

    # -------------------------------------------------------------- declarations

    def _network(self, rest: list[Item]) -> None:
        name = _name(rest[0] if rest else None)
        if name in self._networks:
            raise UserError(f"the network {name} is declared twice")
        relations: dict[str, str] = {}
        tensors: list[Tensor] = []
        for item in rest[1:]:
            if not isinstance(item, Group):
                raise UserError(f"network {name}: a word that is in no parentheses")
            with at_line(item.line):
                keyword = head(item)
                if keyword in ("equal-to", "isomorphic-to") and not tensors and not relations:
                    other = _name(item.items[1] if len(item.items) == 2 else None)
                    if other not in self._networks:
                        raise UserError(f"{keyword}: no network {other} is declared before {name}")
                    relations[keyword] = other
                elif keyword in _KINDS:
                    tensors.append(self._tensor(_KINDS[keyword], item, tensors))
                else:
                    raise UserError(f"network {name}: {shown(keyword)} is out of place")
        for kind in ("input", "output"):
            if not any(tensor.kind == kind for tensor in tensors):
                raise UserError(f"network {name}: no {kind} is declared")
        for kind, called in (("input", "inputs"), ("output", "outputs")):
            named = [t.onnx_name is not None for t in tensors if t.kind == kind]
            if any(named) and not all(named):
                raise UserError(f"network {name}: either all {called} have ONNX names or none has")
        self._networks[name] = Declared(
            name, tuple(tensors), relations.get("equal-to"), relations.get("isomorphic-to")
        )

    def _tensor(self, kind: Kind, item: Group, before: list[Tensor]) -> Tensor:
        """`(declare-input X Real [1,2] "name" initialized)`, the last two where they may stand."""
        rest = item.items[1:]
        name = _name(rest[0] if rest else None)
        element = rest[1] if len(rest) > 1 else None
        onnx_name, initialized = None, False
        for more in rest[2:]:
            if isinstance(more, Text) and onnx_name is None:
                onnx_name = more.text
            elif isinstance(more, Word) and str(more) == "initialized" and kind == "input":
                initialized = True
            else:
                raise UserError(f"{name}: more than an element type, a shape and an ONNX name")
        if not isinstance(element, Word) or element.index is None:
            raise UserError(f"{name}: no element type with a shape, such as Real [1,2]")
        word = "real" if element.text == "Real" else element.text
        if word not in ELEMENTS:
            raise UserError(f"{name}: {shown(element.text)} is neither Real nor an ONNX type")
        if kind == "hidden" and onnx_name is None:
            raise UserError(f"{name}: a hidden value needs its name in the ONNX file")
        order = ["input", "hidden", "output"]
        if before and order.index(before[-1].kind) > order.index(kind):
            raise UserError(f"{name}: inputs come first, then hidden values, then outputs")
        if name in self._tensors:
            raise UserError(f"the variable {name} is declared twice")
        shape = tuple(_integer(text) for text in element.index)
        side = "input" if kind == "input" else "output"
        first = self._counts[side]
        size = prod(shape)
        if size < 1 or first + size > MAX_VARIABLES:
            raise UserError(f"{name} has shape {_shown(shape)}; at most {MAX_VARIABLES} entries")
        self._counts[side] += size
        tensor = Tensor(name, kind, word, shape, first, onnx_name, initialized)
        self._tensors[name] = tensor
        return tensor

    def _require_alike(self, network: Declared) -> None:
        """Raises UserError unless a network has the tensors of the one it is equal to."""
        other = network.equal_to or network.isomorphic_to
        if other is None:
            return
        for kind in ("input", "output"):
            ours = [(t.element, t.shape) for t in network.of(kind)]
            theirs = [(t.element, t.shape) for t in self._networks[other].of(kind)]
            if ours != theirs:
                raise UserError(
                    f"network {network.name} is declared to be like {other}, but its {kind}s are "
                    f"{_listed(ours)}, those of {other} {_listed(theirs)}"
                )


def _version(name: str, rest: list[Item]) -> str:
    version = str(rest[0]) if len(rest) == 1 and isinstance(rest[0], Word) else ""
    if name != "vnnlib-version" or not re.fullmatch(r"<[0-9]+\.[0-9]+>", version):
        raise UserError("the version is not as in (vnnlib-version <2.0>)")
    if not version.startswith("<2."):
        raise UserError(f"version {version[1:-1]}; this program knows 1.0 and {OLDEST} to {NEWEST}")
    return version[1:-1]


def _name(item: Item | None) -> str:
    if not isinstance(item, Word) or item.index is not None or not _NAME.match(item.text):
        raise UserError("a name is missing, or is not letters, digits and underscores")
    return item.text


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise UserError(f"{shown(text)} is not an index or an extent")
    return int(text)


def _shown(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _listed(tensors: list[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{element} {_shown(shape)}" for element, shape in tensors)
