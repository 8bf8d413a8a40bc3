"""The names of classes that a file gives to its scores.

ZipMap and LinearClassifier name each score; the class that ArgMax chooses is looked up in a table
or a LabelEncoder. Which score has which name is kept beside the scores while the graph is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.formats.files import shown
from verifier.formats.onnx.constants import Constant
from verifier.formats.onnx.node import Node, Operator, Result, axis_of
from verifier.formats.onnx.tails import Chosen, ClassNames, Names, Squashed, one_group
from verifier.formats.tensors import Tensor
from verifier.question.errors import UserError


def named_classes(node: Node, integers: str, strings: str) -> ClassNames | None:
    """The names in one of these attributes, None where there are none; integers as they are
    written in decimal."""
    found: list[ClassNames] = []
    for attribute in (integers, strings):
        value = node.attributes.get(attribute)
        if isinstance(value, list) and value:
            found.append(tuple(map(_text, value)))
    if len(found) > 1:
        raise UserError(f"both {integers} and {strings} are given")
    return found[0] if found else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(int(value)) if float(value).is_integer() else str(float(value))


def zip_map(node: Node) -> Sequence[Result]:
    """A dictionary of the classes' scores: the scores in their order, which get these names."""
    value = node.inputs[0] if node.inputs else None
    result = value if isinstance(value, Squashed) else node.value(0)
    names = named_classes(node, "classlabels_int64s", "classlabels_strings")
    if names is None:
        raise UserError("it names no classes")
    scores = result.scores if isinstance(result, Squashed) else result
    if isinstance(scores, Tensor):
        node.runner.name_classes(scores, names)
    node.runner.note(f"{node.place} names the scores by their class: they stay in their order")
    return [result]


def looked_up(node: Node) -> Sequence[Result] | None:
    """The class at the chosen place of a table, or what a LabelEncoder makes of a chosen class;
    None where the node reads no chosen class in that way."""
    first, second = [*node.inputs, None, None][:2]
    if isinstance(second, Chosen) and node.kind in ("ArrayFeatureExtractor", "Gather"):
        return [_chosen(node, second, _looked_up(second, _table(node, first)))]
    if isinstance(first, Chosen) and node.kind == "LabelEncoder":
        return [_chosen(node, first, _encoded(node, first))]
    return None


def _chosen(node: Node, chosen: Chosen, names: ClassNames) -> Chosen:
    return Chosen(chosen.scores, (*chosen.by, node.place), names)


def _table(node: Node, value: Result | None) -> ClassNames:
    """The entries along the axis of the lookup. Raises UserError where another axis is longer than
    1: a row of several entries is no name."""
    if not isinstance(value, Constant | Names):
        raise UserError("the class is looked up in values that depend on the network's input")
    shape = value.shape
    last = node.kind == "ArrayFeatureExtractor"
    axis = axis_of(-1 if last else node.integer("axis", 0), len(shape))
    if not one_group(shape, (axis,)):
        raise UserError(f"a class is looked up along axis {axis} of a table {list(shape)}")
    if isinstance(value, Names):
        return value.texts
    return tuple(_text(entry) for entry in value.values.reshape(-1).tolist())


def _looked_up(chosen: Chosen, table: ClassNames) -> ClassNames:
    count = chosen.scores.ids.size
    places = tuple(map(str, range(count))) if chosen.names is None else chosen.names
    if not all(place.isdecimal() and int(place) < len(table) for place in places):
        raise UserError(f"a class is looked up in a table of {len(table)}")
    return tuple(table[int(place)] for place in places)


def _encoded(node: Node, chosen: Chosen) -> ClassNames:
    keys, values = _pairs(node)
    table = dict(zip(keys, values, strict=True))
    count = chosen.scores.ids.size
    names = tuple(map(str, range(count))) if chosen.names is None else chosen.names
    missing = next((name for name in names if name not in table), None)
    if missing is not None:
        raise UserError(f"it has no key {shown(missing)}")
    return tuple(table[name] for name in names)


def _pairs(node: Node) -> tuple[ClassNames, ClassNames]:
    if node.opset == 1:
        raise UserError("its operator set 1, where types say what is a key, is not supported")
    found = []
    for side in ("keys", "values"):
        kinds = (f"{side}_{kind}" for kind in ("int64s", "strings", "floats", "tensor"))
        named = [name for name in kinds if node.attributes.get(name) not in (None, [])]
        if len(named) != 1:
            raise UserError(f"its {side} are given {len(named)} times")
        value = node.attributes[named[0]]
        listed = value.values.reshape(-1).tolist() if isinstance(value, Constant) else value
        listed = value.texts if isinstance(value, Names) else listed
        found.append(tuple(part if isinstance(part, str) else _text(part) for part in listed))
    keys, values = found
    if len(keys) != len(values) or len(set(keys)) < len(keys):
        raise UserError(f"{len(keys)} keys, {len(values)} values, or a key twice")
    return keys, values


def label_encoder(node: Node) -> Sequence[Result]:
    """Of anything but a chosen class."""
    node.value(0)
    raise UserError("it is of values that are no class of the largest score")


CLASS_OPERATORS: dict[str, Operator] = {"LabelEncoder": label_encoder, "ZipMap": zip_map}


class Registry:
    """Which score of a graph has which name."""

    def __init__(self) -> None:
        self._named: list[tuple[Tensor, ClassNames]] = []

    def add(self, scores: Tensor, names: ClassNames) -> None:
        """These scores, in C order, have these names. Raises UserError for another number of names,
        and for one that stands there twice."""
        if scores.ids.size != len(names):
            raise UserError(f"{len(names)} class names for {scores.ids.size} scores")
        if len(set(names)) < len(names):
            raise UserError("two classes have one name")
        self._named.append((scores, names))

    def of(self, outputs: Sequence[Tensor]) -> tuple[ClassNames | None, ClassNames | None]:
        """The names of these scores, None where they are 0, 1, .. or there are none; and names in
        the file of which it is not known to which scores they belong.

        Raises UserError where a score has two names.
        """
        if len(outputs) != 1:
            return None, next((names for _, names in self._named if not plain(names)), None)
        scores = outputs[0]
        own = {int(place): "" for place in scores.ids.reshape(-1)}
        astray: ClassNames | None = None
        for named, names in self._named:
            places = [int(place) for place in named.ids.reshape(-1)]
            if named.forms is not scores.forms or set(places) != set(own):
                astray = names
                continue
            for place, name in zip(places, names, strict=True):
                if own[place] not in ("", name):
                    raise UserError(f"one score is named {shown(own[place])} and {shown(name)}")
                own[place] = name
        found = tuple(own[int(place)] for place in scores.ids.reshape(-1))
        if not all(found):
            return None, None if astray is None or plain(astray) else astray
        return None if plain(found) else found, None


def plain(names: ClassNames) -> bool:
    """Whether the names are the numbers of the scores."""
    return names == tuple(map(str, range(len(names))))
