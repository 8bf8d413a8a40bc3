"""`robmem export`: networks, questions and proofs as files that other tools read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from verifier.cli.networks import read_numbers, read_parts

if TYPE_CHECKING:
    from verifier.evidence.proof_file import Claim
    from verifier.formats.parts import Parts
    from verifier.question.query import Query

_Entry = TypeVar("_Entry")
_NETWORKS = ("onnx", "npz", "native")
_PROGRAMS = ("lp", "mps")


@click.command(
    name="export",
    epilog="Example: robmem export net.onnx --property p.vnnlib --to lp -o p.lp",
    short_help="Write networks as ONNX, questions as LP, proofs as VIPR.",
)
@click.argument("source", metavar="NET|QUERY|PROOF|RUN")
@click.option(
    "--to",
    "kind",
    required=True,
    type=click.Choice([*_NETWORKS, *_PROGRAMS, "vipr", "kernel", "coq"]),
)
@click.option("-o", "--output", required=True, metavar="FILE")
@click.option("--property", "prop", metavar="PROP", help="The VNN-LIB question about NET.")
@click.option("--network", "net", metavar="NET", help="For a proof file that holds none.")
@click.option(
    "--network-output",
    "outputs",
    multiple=True,
    metavar="NAME",
    help="Of an .onnx file: this output alone; may be repeated.",
)
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    metavar="[NAME=]N,N,..",
    help="Of an .onnx file: of an input with symbolic axes.",
)
@click.option("--goal", type=click.IntRange(min=0), help="Only this goal.  [default: all]")
@click.option("--float", "float_kind", type=click.Choice(["float32", "float64"]),
              help="Of the weights.  [default: float32 if that is exact]")  # fmt: skip
@click.option("--round", "rounded", is_flag=True, help="Round weights that do not fit.")
@click.option("--normalise", is_flag=True, help="Of a .nnet file: fold its normalisation in.")
@click.option("--decimal", is_flag=True, help="LP, MPS: decimals instead of exact p/q.")
@click.option(
    "--bounds",
    type=click.Choice(["interval", "tightened"]),
    default="interval",
    show_default=True,
    help="LP, MPS: of the units.",
)
@click.option("--feasibility", is_flag=True, help="LP, MPS: no margin to maximise.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    source: str,
    kind: str,
    output: str,
    prop: str | None,
    net: str | None,
    outputs: tuple[str, ...],
    shapes: tuple[str, ...],
    goal: int | None,
    float_kind: Any,
    rounded: bool,
    normalise: bool,
    decimal: bool,
    bounds: str,
    feasibility: bool,
    as_json: bool,
) -> int:
    """Write a network, a question or a proof for other tools.

    onnx, npz and native take a network, or the one in a proof file. lp and mps take a
    proof file, or NET with --property: the big-M program of each goal, exact unless
    --decimal. vipr takes a proof file: a certificate for each goal, checked before it
    is written. kernel takes a proof file or the folder of a run: the stream that the
    proved kernel reads; coq a proof file: a theorem for Coq (docs/kernel.md). Where there
    are several goals, -1, -2, .. precedes the suffix of FILE.
    """
    from verifier.cli.check_file import require_evidence
    from verifier.cli.proved import export_coq, export_stream
    from verifier.question.errors import UserError

    target, parts = Path(output), read_parts(outputs, shapes)
    if parts and (kind not in (*_NETWORKS, *_PROGRAMS) or _is_proof(source)):
        raise UserError("--network-output and --input-shape are for the file of a network as NET")
    if kind in _NETWORKS:
        if prop is not None or goal is not None:
            raise UserError(f"--property and --goal are not for --to {kind}")
        lines = _export_network(source, kind, target, float_kind, rounded, net, normalise, parts)
    else:
        if float_kind is not None or rounded or normalise:
            raise UserError(
                f"--float, --round and --normalise are not for --to {kind}; lp has --decimal"
            )
        if kind in ("kernel", "coq"):
            if prop is not None or goal is not None:
                raise UserError(f"--property and --goal are not for --to {kind}")
            require_evidence(Path(source))
            write = export_stream if kind == "kernel" else export_coq
            lines = write(source, target, net)
        elif kind == "vipr":
            if prop is not None:
                raise UserError("--to vipr takes a proof file, not a property")
            lines = _export_proof(source, target, net, goal)
        else:
            lines = _export_programs(
                source, kind, target, prop, net, goal, decimal, bounds == "tightened", feasibility,
                parts,
            )  # fmt: skip
    print(json.dumps({"files": lines}) if as_json else "\n".join(f"{a}: {b}" for a, b in lines))
    return 0


def _is_proof(path: str) -> bool:
    """Whether the file looks like a proof file (perhaps packed), by its first bytes."""
    from verifier.formats.files import read_bytes

    return read_bytes(path)[:20].lstrip().startswith(b'{"robmem_proof"')


def _read_proof(path: str, net: str | None) -> tuple[Query, Claim]:
    from verifier.ask import proof_about

    proof = proof_about(path, net)
    return proof.query, proof.verdict


def _export_network(
    source: str,
    kind: str,
    target: Path,
    float_kind: Any,
    rounded: bool,
    net: str | None,
    normalise: bool,
    parts: Parts,
) -> list[tuple[str, str]]:
    from verifier.evidence.files import write_bytes
    from verifier.evidence.network_file import save_network
    from verifier.formats.nnet import load_nnet
    from verifier.formats.write import npz_bytes, onnx_bytes
    from verifier.question.errors import UserError

    is_proof = _is_proof(source)
    if is_proof:
        network = _read_proof(source, net)[0].network
    else:
        network, _ = read_numbers(source, parts)
    if normalise:
        if Path(source.removesuffix(".gz")).suffix != ".nnet":
            raise UserError(f"{source}: --normalise is for .nnet files")
        network = load_nnet(source, normalise=True)
    if kind == "native":
        if float_kind is not None or rounded:
            raise UserError("a native file is exact: --float and --round are not for it")
        save_network(network, target)
        return [(str(target), "exact")]
    write = onnx_bytes if kind == "onnx" else npz_bytes
    content, rounding = write(network, float_kind, rounded=rounded)
    write_bytes(target, content)
    return [(str(target), str(rounding))]


def _export_programs(
    source: str,
    kind: str,
    target: Path,
    prop: str | None,
    net: str | None,
    goal: int | None,
    decimal: bool,
    tightened: bool,
    feasibility: bool,
    parts: Parts,
) -> list[tuple[str, str]]:
    from verifier.evidence.files import write_bytes
    from verifier.formats.lp_mps import lp_text, mps_text
    from verifier.program.big_m import big_m, root_bounds

    queries = _queries(source, prop, net, parts)
    programs = []
    for query in queries:
        bounds = root_bounds(query, tightened=tightened)
        for entry in query.goals:
            programs.append(big_m(query, entry, bounds, margin=not feasibility).program)
    programs = _chosen(programs, goal)
    written = []
    write = lp_text if kind == "lp" else mps_text
    for path, program in zip(_paths(target, len(programs)), programs, strict=True):
        text = write(program, decimal=decimal)
        write_bytes(path, text.encode())
        marked = any("ROUNDED" in line for line in text.split("\n", 6)[:6])
        shape = (
            f"{len(program.names)} variables, {len(program.integers)} binaries, "
            f"{len(program.rows)} rows"
        )
        written.append((str(path), f"{shape}, {'rounded to float64' if marked else 'exact'}"))
    return written


def _queries(source: str, prop: str | None, net: str | None, parts: Parts) -> list[Query]:
    from verifier.formats.vnnlib.join import join
    from verifier.formats.vnnlib.read import read_property
    from verifier.question.errors import UserError
    from verifier.tasks.instances import semantics_of

    if _is_proof(source):
        if prop is not None:
            raise UserError("a proof file holds its own question; --property is for a network")
        return [_read_proof(source, net)[0]]
    if prop is None:
        raise UserError(f"{source} is a network; which question? give --property")
    question = read_property(prop)
    semantics_of(question, "real")
    joined = join(question, {"": Path(source)}, parts)
    return joined.question.queries(joined.network)


def _export_proof(
    source: str, target: Path, net: str | None, goal: int | None
) -> list[tuple[str, str]]:
    from verifier.evidence.certificate import Radius, Robust
    from verifier.evidence.files import write_bytes
    from verifier.formats.vipr.check import check_vipr_text
    from verifier.formats.vipr.write import vipr_texts
    from verifier.question.errors import UserError
    from verifier.tasks.verify import check

    if not _is_proof(source):
        raise UserError(f"{source} is not a proof file")
    query, verdict = _read_proof(source, net)
    if isinstance(verdict, Radius):
        raise UserError(f"{source} holds an exact radius; it is not about a closed region")
    if not isinstance(verdict, Robust):
        raise UserError(f"{source} holds a flip; its point is its own certificate")
    check(query, verdict)
    texts = _chosen(vipr_texts(query, verdict), goal)
    written = []
    for path, text in zip(_paths(target, len(texts)), texts, strict=True):
        summary = check_vipr_text(text)
        write_bytes(path, text.encode())
        written.append((str(path), f"{summary.claim}, {summary.derivations} derivations, checked"))
    return written


def _chosen(entries: list[_Entry], goal: int | None) -> list[_Entry]:
    from verifier.question.errors import UserError

    if goal is None:
        return entries
    if goal >= len(entries):
        raise UserError(f"--goal {goal}: there are {len(entries)} goals, the first is 0")
    return [entries[goal]]


def _paths(target: Path, count: int) -> list[Path]:
    from verifier.tasks.instances import proof_paths

    return proof_paths(target, count)
