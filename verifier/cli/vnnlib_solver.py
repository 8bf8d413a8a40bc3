"""`robmem vnnlib verify` and `robmem vnnlib supports`: the solver's commands of VNN-LIB 2."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.cli.options import SECONDS
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.formats.vnnlib.property import Property
    from verifier.tasks.instances import FloatPoint, Violation

_CODES = {"unsat": 0, "sat": 1, "unknown": 3, "timed-out": 3}

_THEORIES = {
    "hidden-node-theories": ("NH", "H"),
    "multiple-input-output-theories": ("SIO", "MIO"),
    "multiple-network-theories": ("SNET", "MENET", "MINET", "MNET"),
    "multiple-node-comparison-theories": ("SNC", "MNC"),
    "arithmetic-complexity-theories": ("BND", "OUTC", "LIN"),
    "onnx-element-types": ("real", "float32", "float64"),
    "optimised-disjunctive-reasoning": ("false",),
    "serialise-assignments": ("false",),
    "unsat-proofs": ("false",),
}
"""Capabilities with the lines that name what is supported."""
_FROM_READERS = ("onnx-opset-versions", "onnx-operators", "vnnlib-versions")


@click.command(
    name="verify",
    epilog="Example: robmem vnnlib verify query.vnnlib --network f=f.onnx --network g=g.onnx",
)
@click.argument("query", metavar="QUERY")
@click.option("--network", "networks", multiple=True, metavar="NAME=FILE", help="Of each declared.")
@click.option("--timeout", type=SECONDS, help="Seconds.")
@click.option("--nodes", type=click.IntRange(min=1), help="Most branches of a proof.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--proof", metavar="FILE", help="Write the evidence there; .gz packs it.")
def verify_command(
    query: str,
    networks: tuple[str, ...],
    timeout: float | None,
    nodes: int | None,
    seed: int,
    proof: str | None,
) -> int:
    """Say whether some values satisfy the VNN-LIB QUERY, as its standard asks a solver.

    The first line is sat, unsat, unknown or timed-out; of sat, the values of all
    declared variables follow. Networks whose tensors are declared float32 or float64
    are answered for as executed in that format, with any order of summation.
    """
    from verifier.formats.vnnlib.read import read_property
    from verifier.search.options import Options, cores
    from verifier.tasks.instances import (
        answer,
        float_point,
        join_files,
        save_proofs,
        semantics_of,
    )

    question = read_property(query)
    semantics = semantics_of(question)
    files = read_networks(question, networks)
    joined = join_files(question, files, semantics)
    options = Options(timeout, nodes, "exact", seed, jobs=cores())
    found = answer(joined.network, joined.question, options, semantics)
    word = {"timeout": "timed-out"}.get(found.word.competition, found.word.competition)
    print(word)
    if joined.question.note is not None:
        print(f"note: {joined.question.note}", file=sys.stderr)
    if found.violation is not None:
        near = None
        if semantics == "real":
            model = next(iter(files.values())) if joined.plain else None
            near = float_point(joined.network, joined.question, found.violation, model)
        print("\n".join(_assignments(joined.question, found.violation, near)))
    if proof is not None and word in ("unsat", "sat"):
        save_proofs(Path(proof), found)
    return _CODES[word]


def read_networks(question: Property, networks: tuple[str, ...]) -> dict[str, Path]:
    """The files by the names of the networks; raises UserError for one too many or too few."""
    files: dict[str, Path] = {}
    equal = {network.name for network in question.networks if network.equal_to is not None}
    for text in networks:
        name, sign, path = text.partition("=")
        if not sign or not name or not path:
            raise UserError(f"--network: {text!r} is not NAME=FILE")
        if name in files:
            raise UserError(f"--network: {name} is given twice")
        if name in equal:
            raise UserError(f"--network: {name} is declared to be equal to another and has no file")
        files[name] = Path(path)
    if not files and question.networks:
        raise UserError(
            f"no file for network {question.networks[0].name}: give --network NAME=FILE"
        )
    return files


def _assignments(
    question: Property, violation: Violation, near: FloatPoint | None
) -> Iterator[str]:
    """Name, type and shape of each declared variable, then its values, one a line."""
    from verifier.tasks.instances import shown_values

    inputs, outputs = shown_values(question, violation, near)
    for network in question.networks:
        for tensor in network.tensors:
            values = inputs if tensor.kind == "input" else outputs
            element = "Real" if tensor.element == "real" else tensor.element
            yield f"{tensor.name} {element} [{','.join(map(str, tensor.shape))}]"
            yield from map(repr, values[tensor.first : tensor.first + tensor.size])
    if not question.networks:
        yield from (f"X_{k} {x!r}" for k, x in enumerate(inputs))
        yield from (f"Y_{k} {y!r}" for k, y in enumerate(outputs))


@click.command(
    name="supports",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: robmem vnnlib supports --onnx-operators",
)
@click.argument("capability", metavar="--CAPABILITY")
def supports_command(capability: str) -> int:
    """Say what VNN-LIB queries may hold: one of the capabilities of its standard.

    \b
    --onnx-opset-versions    --onnx-element-types    --onnx-operators
    --vnnlib-versions        --hidden-node-theories  --multiple-input-output-theories
    --multiple-network-theories             --multiple-node-comparison-theories
    --arithmetic-complexity-theories        --optimised-disjunctive-reasoning
    --serialise-assignments                 --unsat-proofs
    """
    print("\n".join(supports(capability.removeprefix("--"))))
    return 0


def supports(capability: str) -> list[str]:
    """The lines that VNN-LIB's standard asks of a solver about a capability, such as
    `onnx-operators`. Raises UserError for another one."""
    if capability in _THEORIES:
        return list(_THEORIES[capability])
    if capability == "vnnlib-versions":
        from verifier.formats.vnnlib.version_2 import NEWEST, OLDEST

        return [OLDEST, NEWEST]
    if capability == "onnx-opset-versions":
        import onnx

        return ["1", str(onnx.defs.onnx_opset_version())]
    if capability == "onnx-operators":
        from verifier.formats.onnx.operators import OPERATORS
        from verifier.formats.onnx.single_sums import EXECUTABLE

        names = sorted({name for _, name in OPERATORS})
        return [name if name in EXECUTABLE else f"{name} real" for name in names]
    raise UserError(f"--{capability} is not one of {', '.join(_all())}")


def _all() -> list[str]:
    return [f"--{name}" for name in (*_FROM_READERS, *_THEORIES)]
