"""The networks that a property is about, as one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from pathlib import Path

from verifier.formats.files import naming, read_bytes, shown
from verifier.formats.load import is_native, load_any_network, load_file
from verifier.formats.merged import merged
from verifier.formats.parts import Parts
from verifier.formats.side_by_side import side_by_side
from verifier.formats.twins import by_differences
from verifier.formats.vnnlib.property import Declared, Property, Tensor, fixed
from verifier.question.errors import UserError
from verifier.question.network import Network


@dataclass(frozen=True, slots=True)
class Joined:
    """`question` asks about the inputs and outputs of `network`.

    `plain` says that the network is that of one file as it stands: its inputs and outputs are those
    of the file in the file's order.
    """

    network: Network
    question: Property
    plain: bool


def join(
    question: Property, files: Mapping[str, Path], parts: Parts = Parts(), *, merge: bool = True
) -> Joined:
    """The networks in these files, by the names that the property declares, side by side.

    The outputs are all hidden values and outputs in the order of their declaration. A property of
    one network takes its file under any name, one of version 1 under the name "". `parts` of the
    file of one network: its outputs are these alone, in this order. merge: units with equal rows
    become one, and nearly equal halves are written by their differences.

    Raises UserError for a file too many or too few, and where one lacks what is declared.
    """
    if parts and len(files) != 1:
        raise UserError("--output and --input-shape are for a property of one network")
    if not question.networks:
        if len(files) != 1:
            raise UserError(f"the property is about one network; {len(files)} files are given")
        (path,) = files.values()
        return Joined(_alone(path, parts, merge=merge), question, plain=not parts)
    given = _named(question, files)
    made: dict[str, _Part] = {}
    for declared in question.networks:
        path = given[_source(question, declared)]
        with naming(f"network {declared.name}"):
            made[declared.name] = part = _part(declared, path, parts)
            if declared.isomorphic_to is not None:
                _require_isomorphic(part.network, made[declared.isomorphic_to].network, declared)
    columns = question.columns or tuple(range(question.inputs))
    values = {
        columns[number]: value for part in made.values() for number, value in part.initial.items()
    }
    placed = [(part.network, [columns[k] for k in part.inputs]) for part in made.values()]
    plain = len(placed) == 1 and all(part.plain for part in made.values())
    if plain and not _is_onnx(path):
        network = _alone(path, parts, merge=merge)
    else:
        network = placed[0][0] if plain else side_by_side(placed, question.inputs)
        network = merged(by_differences(network)) if merge else network
    return Joined(network, fixed(question, values) if values else question, plain)


def _alone(path: Path, parts: Parts, *, merge: bool) -> Network:
    """The network in the file; a native one holds its units as they are."""
    loaded = load_file(path, parts.outputs, parts.shapes, merge=False)
    with naming(path):
        network = loaded.network_for(None)
    return network if not merge or is_native(path) else merged(by_differences(network))


def _named(question: Property, files: Mapping[str, Path]) -> dict[str, Path]:
    """The file of each network that needs one."""
    needed = [network.name for network in question.networks if network.equal_to is None]
    if len(needed) == 1 and set(files) == {""}:
        return {needed[0]: files[""]}
    missing = [name for name in needed if name not in files]
    if missing:
        raise UserError(
            f"no file for network {', '.join(missing)}: give --network {missing[0]}=FILE"
        )
    by_name = {network.name: network for network in question.networks}
    extra = [
        name
        for name, path in files.items()
        if name not in needed
        and not (name in by_name and _is_same(path, files[_source(question, by_name[name])]))
    ]
    if extra:
        equal = [network.name for network in question.networks if network.equal_to is not None]
        why = "is declared to be equal to another" if extra[0] in equal else "is not declared"
        raise UserError(f"a file for network {shown(extra[0])}, which {why}")
    return dict(files)


def _is_same(path: Path, other: Path) -> bool:
    return path == other or read_bytes(path) == read_bytes(other)


def _source(question: Property, declared: Declared) -> str:
    """The name under which the file of a network is given."""
    by_name = {network.name: network for network in question.networks}
    while declared.equal_to is not None:
        declared = by_name[declared.equal_to]
    return declared.name


def _require_isomorphic(network: Network, other: Network, declared: Declared) -> None:
    ours, theirs = ((n.inputs, *n.layers, n.outputs.count) for n in (network, other))
    if ours != theirs:
        raise UserError(
            f"declared to be isomorphic to {declared.isomorphic_to}, but its layers are "
            f"{ours}, the others {theirs}"
        )


# ------------------------------------------------------------------ one declared network


@dataclass(frozen=True, slots=True)
class _Part:
    """`inputs` are the declared inputs of the network's, in its order; `initial` gives those that
    have the value of an initializer, and which the network does not read."""

    network: Network
    inputs: tuple[int, ...]
    initial: dict[int, Fraction]
    plain: bool


def _part(declared: Declared, path: Path, parts: Parts) -> _Part:
    if _is_onnx(path):
        return _onnx_part(declared, path, parts)
    if parts:
        raise UserError("--output and --input-shape are for .onnx files")
    network = load_any_network(path, merge=False)
    inputs, outputs = declared.of("input"), declared.of("hidden", "output")
    special = [t.name for t in declared.tensors if t.onnx_name is not None or t.initialized]
    if special:
        raise UserError(f"{special[0]} names a value of an ONNX file, and {path} is none")
    _require_count("input", sum(t.size for t in inputs), network.inputs)
    _require_count("output", sum(t.size for t in outputs), network.outputs.count)
    return _Part(network, _entries(inputs), {}, plain=True)


def _is_onnx(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".onnx")


def _onnx_part(declared: Declared, path: Path, parts: Parts) -> _Part:
    from verifier.formats.onnx.read import loaded_model
    from verifier.formats.onnx.signature import Value, read_model, signature, with_outputs
    from verifier.formats.onnx.stored import read_tensor

    model = read_model(path)
    found = signature(model, parts.outputs)

    def matched(tensors: Sequence[Tensor], values: Sequence[Value], what: str) -> list[Value]:
        """The value of each tensor: by name where it has one, else in order."""
        if any(tensor.onnx_name is None for tensor in tensors):
            _require_count(what, len(tensors), len(values))
            return list(values)
        by_name = {value.name: value for value in values}
        for tensor in tensors:
            if tensor.onnx_name not in by_name:
                raise UserError(
                    f"{tensor.name}: the file has no {what} {shown(str(tensor.onnx_name))}, "
                    f"it has {', '.join(shown(name) for name in by_name)}"
                )
        return [by_name[str(tensor.onnx_name)] for tensor in tensors]

    own = [tensor for tensor in declared.of("input") if tensor.initialized]
    free = [tensor for tensor in declared.of("input") if not tensor.initialized]
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    values = matched(free, found.inputs, "input")
    if len({value.name for value in values}) != len(found.inputs):
        raise UserError(f"{len(free)} inputs are declared, the file has {len(found.inputs)}")
    known = matched(own, found.initialized, "input with an initializer")
    initial: dict[int, Fraction] = {}
    for tensor, value in zip(own, known, strict=True):
        stored_value = read_tensor(stored[value.name], path.parent)
        entries = stored_value.values.reshape(-1).tolist()
        _require_count(f"{tensor.name}: entries of the initializer", tensor.size, len(entries))
        initial.update({tensor.first + k: Fraction(entry) for k, entry in enumerate(entries)})
    ends = matched(declared.of("output"), found.outputs, "output")
    hidden = [str(tensor.onnx_name) for tensor in declared.of("hidden")]
    asked, made = with_outputs(model, [*hidden, *(value.name for value in ends)])
    wanted = declared.of("hidden", "output")
    for tensor, value in [*zip(free, values, strict=True), *zip(wanted, made, strict=True)]:
        _require_same(tensor, value.name, value.element, value.size)
    plain = not hidden and values == list(found.inputs) and ends == list(found.outputs) and not own
    plain = plain and not parts
    # Axes that the file leaves open are those that are declared.
    pairs = zip(free, values, strict=True)
    shapes = {value.name: tensor.shape or (1,) for tensor, value in pairs if value.size is None}
    single = found.inputs[0].name if len(found.inputs) == 1 else ""
    named = {name or single: shape for name, shape in parts.shapes.items()}
    loaded = loaded_model(model if plain else asked, path.parent, shapes=shapes | named)
    network = loaded.network_for(None)
    _require_count("output entries", sum(t.size for t in wanted), network.outputs.count)
    # What the file declares of its values may be wrong: these are the sizes that were computed.
    sizes = {port.name: prod(port.shape) for port in loaded.outputs}
    for tensor, value in zip(wanted, made, strict=True):
        _require_count(f"{tensor.name}: entries", tensor.size, sizes.get(value.name, 0))
    place = {value.name: tensor for tensor, value in zip(free, values, strict=True)}
    return _Part(network, _entries([place[v.name] for v in found.inputs]), initial, plain)


def _require_same(tensor: Tensor, name: str, element: str, size: int | None) -> None:
    if size is not None and size != tensor.size:
        raise UserError(
            f"{tensor.name} has {tensor.size} entries, {shown(name)} of the file has {size}"
        )
    if tensor.element not in ("real", element or tensor.element):
        raise UserError(
            f"{tensor.name} is declared {tensor.element}, {shown(name)} of the file is {element}"
        )


def _require_count(what: str, declared: int, found: int) -> None:
    if declared != found:
        raise UserError(f"{what}: {declared} declared, the file has {found}")


def _entries(tensors: Sequence[Tensor]) -> tuple[int, ...]:
    return tuple(tensor.first + k for tensor in tensors for k in range(tensor.size))
