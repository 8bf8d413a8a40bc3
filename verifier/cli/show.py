"""`robmem show`: what a network file holds, and what it computes at a point."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import table_options
from verifier.formats.parts import Parts

if TYPE_CHECKING:
    from verifier.data.layout import Layout
    from verifier.formats.loaded import Loaded, Port
    from verifier.question.network import Network

_LISTED = 12  # inputs, outputs and layers in the table; all of them with --json


@click.command(
    name="show",
    epilog="Example: robmem show net.onnx --at digits:7",
    short_help="Say what a network file holds.",
)
@click.argument("net", metavar="NET")
@network_options
@click.option("--at", metavar="VALUES|FILE[:ROW]", help="A point: its exact outputs, and more.")
@table_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(net: str, parts: Parts, at: str | None, layout: Layout, as_json: bool) -> int:
    """Say what a network file holds: inputs and outputs, layers, units, weights, what was
    done to it while it was read.

    Inputs are one vector: those of the file one after another, each row by row; [a:b] says
    which entries. Units with equal rows were made one. With --at the exact outputs at that
    point, what numpy computes there in float32, and for .onnx files onnxruntime, if it is
    installed.
    """
    from verifier.cli.networks import loaded_network
    from verifier.cli.question import read_point

    loaded = loaded_network(net, parts)
    facts = _facts(net, loaded)
    if at is not None:
        point = read_point(at, loaded.scores.inputs, layout, "--at")
        facts["at"] = _at(net, parts, loaded, point)
    print(json.dumps(facts) if as_json else _shown(facts))
    return 0


def _facts(net: str, loaded: Loaded) -> dict[str, Any]:
    network = _network(loaded)
    value, place = largest_weight(network)
    from verifier.question.rational import format_rational

    facts: dict[str, Any] = {
        "network": network.digest,
        "inputs": _ports(loaded.inputs),
        "outputs": _ports(loaded.outputs),
        "layers": list(network.layers),
        "units": network.units.count,
        "chain": network.is_chain,
        "parameters": network.nonzero_parameters,
        "bits": network.bits,
        "largest_weight": format_rational(value),
        "largest_weight_at": place,
        "operators": dict(sorted(loaded.kinds.items())),
        "notes": list(loaded.said(_decoder(loaded))),
    }
    names = loaded.classes or loaded.astray
    if names is not None:
        facts["classes"] = list(names)
    if loaded.tail is not None:
        facts["last_layer"] = {
            "nodes": list(loaded.tail.by),
            "decoder": _decoder(loaded),
            "threshold": None if loaded.tail.threshold is None else str(loaded.tail.threshold),
        }
    return facts


def _decoder(loaded: Loaded) -> str | None:
    """With which the outputs are read, where the last layer is not piecewise linear."""
    if loaded.tail is None or loaded.tail.exact is not None:
        return None
    return "argmax" if loaded.scores.outputs.count > 1 else "sign"


def _network(loaded: Loaded) -> Network:
    tail = loaded.tail
    return loaded.scores if tail is None or tail.exact is None else tail.exact


def _ports(ports: Sequence[Port]) -> list[dict[str, Any]]:
    from math import prod

    listed, first = [], 0
    for port in ports:
        last = first + prod(port.shape)
        entry: dict[str, Any] = {"name": port.name, "shape": list(port.shape)}
        listed.append(
            entry | {"entries": [first, last]} | ({"type": port.kind} if port.kind else {})
        )
        first = last
    return listed


def largest_weight(network: Network) -> tuple[Fraction, str]:
    """The weight or bias of the largest absolute value, and where it stands."""
    import numpy as np

    best, place = Fraction(0), "nowhere: all are 0"
    for name, rows in (("unit", network.units), ("output", network.outputs)):
        owner = np.repeat(np.arange(rows.count), np.diff(rows.starts)).tolist()
        bottoms = rows.denominators.tolist()
        for k, top in enumerate(rows.numerators.tolist()):
            if abs(top) * best.denominator > abs(best.numerator) * bottoms[owner[k]]:
                best = Fraction(top, bottoms[owner[k]])
                place = f"{name} {owner[k]}, of variable {int(rows.indices[k])}"
        for i, top in enumerate(rows.constants.tolist()):
            if abs(top) * best.denominator > abs(best.numerator) * bottoms[i]:
                best, place = Fraction(top, bottoms[i]), f"bias of {name} {i}"
    return best, place


def _at(net: str, parts: Parts, loaded: Loaded, point: Sequence[Fraction]) -> dict[str, Any]:
    """The exact outputs, those of numpy in float32, and those of a runtime on the file itself."""
    from verifier.checker.scaled import evaluate
    from verifier.question.rational import format_rational
    from verifier.tasks.runtime import runtime_values
    from verifier.tasks.semantics import execute

    network = _network(loaded)
    facts: dict[str, Any] = {
        "point": [format_rational(x) for x in point],
        "exact": [format_rational(y) for y in evaluate(network, [point])[0]],
        "numpy_float32": [float(y) for y in execute(network, point, "float32")],
    }
    if net.removesuffix(".gz").lower().endswith(".onnx"):
        values = runtime_values(net, loaded.inputs, [port.name for port in loaded.outputs], point)
        if values is not None:
            facts["onnxruntime"] = values
    return facts


def _shown(facts: dict[str, Any]) -> str:
    from verifier.cli.options import short, table
    from verifier.question.rational import parse_rational

    rows: list[tuple[str, object]] = [("network", facts["network"])]
    for what in ("inputs", "outputs"):
        for number, port in enumerate(facts[what]):
            if number == _LISTED:
                rows.append(("", f"and {len(facts[what]) - _LISTED} more"))
                break
            first, last = port["entries"]
            kind = f" {port['type']}" if "type" in port else ""
            text = f"{port['name']}{kind} {port['shape']} [{first}:{last}]"
            rows.append((what if not number else "", text))
    sizes = facts["layers"]
    largest = short(parse_rational(facts["largest_weight"])) + ", " + facts["largest_weight_at"]
    text = ", ".join(map(str, sizes[:_LISTED])) + (", .." if len(sizes) > _LISTED else "")
    rows += [
        ("layers", f"{len(sizes)} of units: {text}" if sizes else "affine, without units"),
        ("units", f"{facts['units']}{'' if facts['chain'] else ', some read earlier layers'}"),
        ("weights", f"{facts['parameters']} not 0, up to {facts['bits']} bits"),
        ("largest", largest),
    ]  # fmt: skip
    if "classes" in facts:
        rows.append(("classes", ", ".join(facts["classes"])))
    if facts["operators"]:
        listed = ", ".join(f"{count} {name}" for name, count in facts["operators"].items())
        rows.append(("operators", listed))
    rows += [("note", note) for note in facts["notes"]]
    if "at" in facts:
        rows += _rows_at(facts["at"])
    return table(rows)


def _rows_at(at: dict[str, Any]) -> list[tuple[str, object]]:
    from verifier.cli.options import short
    from verifier.question.rational import parse_rational

    exact = [parse_rational(text) for text in at["exact"]]
    rows: list[tuple[str, object]] = [
        ("at", _cut([short(parse_rational(text)) for text in at["point"]])),
        ("exact", _cut([short(value) for value in exact])),
        ("numpy", _cut([f"{value:.9g}" for value in at["numpy_float32"]]) + ", in float32"),
    ]
    if "onnxruntime" in at:
        rows.append(("runtime", _cut([f"{value:.9g}" for value in at["onnxruntime"]])))
    return rows


def _cut(values: Sequence[str]) -> str:
    more = f", .. ({len(values)} in all)" if len(values) > _LISTED else ""
    return ", ".join(values[:_LISTED]) + more
