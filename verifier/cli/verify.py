"""`robmem verify`: one question about one network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from verifier.cli.networks import network_options
from verifier.cli.options import NORM, SECONDS, engine_option, query_jobs, table_options

if TYPE_CHECKING:
    from verifier.cli.question import Box
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.question.network import Network
    from verifier.question.query import Query
    from verifier.question.region import Region, Vector
    from verifier.search.options import Options
    from verifier.tasks.semantics import Execution
    from verifier.tasks.verify import CheckedOutcome

_LONG = 400  # characters of a point shown exactly


@click.command(
    name="verify",
    epilog="Example: robmem verify net.onnx --center digits:7 --radius 1/2 --label 3",
    short_help="Answer one question about one network.",
)
@click.argument("net", metavar="NET")
@click.option("--center", metavar="VALUES|FILE[:ROW]", help="Of the ball; rows count from 0.")
@network_options
@table_options
@click.option("--radius", metavar="R", help="Of the closed ball.")
@click.option("--radius-squared", metavar="Q", help="The same for norm 2, squared.")
@click.option("--norm", type=NORM, default="inf", show_default=True)
@click.option("--clip", metavar="LO:HI", help="Only inputs in this range.")
@click.option(
    "--box",
    "box_",
    metavar="BOX",
    help="LO:HI, one LO:HI for each input, a FILE of them, or the word file: the box in NET.",
)
@click.option("--label", metavar="Y", help="That the decoder is to read everywhere.")
@click.option(
    "--labels",
    metavar="A,B,..",
    help="All labels; of argmax one for each output.  [default: of argmax those of the file, else "
    "0, 1, ..]",
)
@click.option(
    "--decoder",
    type=click.Choice(["nearest", "sign", "argmax", "value"]),
    help="[default: argmax for several outputs, else nearest]",
)
@click.option(
    "--unsafe",
    multiple=True,
    metavar="ATOMS",
    help="Such as 'Y_0 <= 0 and X_1 > 1/2', which no point may satisfy; may be repeated.",
)
@click.option("--worst", "least", is_flag=True, help="Ask how small the margin becomes.")
@click.option(
    "--maximise",
    metavar="FORM",
    help="Ask how large a form such as 'Y_0 - Y_1' becomes, instead of --label or --unsafe.",
)
@click.option("--within", metavar="Q", help="For --worst, --maximise: an interval is enough.")
@click.option("--normalise", is_flag=True, help="Of a .nnet file: fold its normalisation in.")
@click.option("--timeout", type=SECONDS, help="Seconds.")
@click.option("--nodes", type=click.IntRange(min=1), help="Most branches of a proof.")
@click.option(
    "--memory",
    metavar="SIZE",
    help="Most data a process may hold, such as 4G; what needs more is undecided.",
)
@engine_option
@query_jobs
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--semantics",
    type=click.Choice(["real", "float32", "float64"]),
    default="real",
    show_default=True,
    help="Of the arithmetic: exact, or rounded after every operation, in any order.",
)
@click.option("--proof", metavar="FILE", help="Write proof or flip there; .gz packs it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**given: Any) -> int:
    """Prove that the network keeps a label on a ball or box, or show a point where it does not.

    NET is any network file. The region is a closed ball around --center, a --box, or
    what they have in common. Either --label says what is to be read there, and a tie
    is a flip; or each --unsafe is a conjunction, joined by "and" or commas, that no
    point may satisfy. All numbers are exact: 0.1 is one tenth.

    With --semantics float32 or float64 the answer is about the network as executed in
    that format, for inputs of the format and any order of summation: proved of all
    executions, or refuted by an input at which sums from first to last give such outputs.

    A network that does not read the label at the center itself misreads it: that is
    looked at first, and said.

    With --worst the answer is the least margin, the distance of the outputs from an
    unsafe set or another label, as an exact number with a point that has it and a proof
    that none has less; with --maximise it is the largest value of a form. --within Q is
    content with an interval of that length, and needed for norm 2.

    Exit code 0 with a checked proof, 1 with an exact point, 3 if undecided.
    """
    return _verify(_Given(**given))


@dataclass(frozen=True, slots=True)
class _Given:
    """The arguments and options, by their names."""

    net: str
    center: str | None
    layout: Layout
    parts: Parts
    radius: str | None
    radius_squared: str | None
    norm: str
    clip: str | None
    box_: str | None
    label: str | None
    labels: str | None
    decoder: str | None
    unsafe: tuple[str, ...]
    least: bool
    maximise: str | None
    within: str | None
    normalise: bool
    timeout: float | None
    nodes: int | None
    memory: str | None
    engine: str
    jobs: int | None
    seed: int
    semantics: Any
    proof: str | None
    as_json: bool


class _Read(NamedTuple):
    """What the files and texts of the command line mean."""

    network: Network
    region: Region
    point: Vector | None  # the center
    boxed: bool
    decoder: str | None
    notes: tuple[str, ...]
    names: Sequence[str] | None  # of the labels


def _verify(given: _Given) -> int:
    from verifier.cli.question import read_goals
    from verifier.evidence.certificate import Undecided
    from verifier.evidence.proof_file import save_proof
    from verifier.question.errors import UserError
    from verifier.question.query import Query
    from verifier.search.options import Options, cores

    started = monotonic()
    read = _read(given)
    jobs = given.jobs or cores()
    options = Options(given.timeout, given.nodes, given.engine, given.seed, jobs=jobs)
    if given.maximise is not None or given.least:
        return _extreme(given, read, options)
    if given.within is not None:
        raise UserError("--within goes with --worst or --maximise")
    goals, claim, rivals = read_goals(
        read.network.outputs.count,
        given.label,
        given.labels,
        read.decoder,
        given.unsafe,
        read.names,
    )
    query = Query(read.network, read.region, goals)
    seconds = monotonic() - started
    outcome, execution, misread = _answer(given, read, query, options)
    if given.proof is not None and not isinstance(outcome.verdict, Undecided):
        save_proof(given.proof, query, outcome.verdict, semantics=given.semantics)
    where = _where(given, read)
    claim = f"for no point of {where}: {claim}" if given.unsafe else f"on all of {where}, {claim}"
    if given.semantics != "real":
        claim = f"as executed in {given.semantics}, {claim}"
    facts = _facts(query, outcome, claim, rivals, execution)
    if misread:
        facts |= {"verdict": "misread", "flips": 0, "misread": 1}
    facts |= {"semantics": given.semantics, "notes": list(read.notes)}
    if read.names is not None and not given.unsafe:
        facts["labels"] = list(read.names)
    facts["seconds"] = {"read": round(seconds, 3), **facts["seconds"]}
    facts["seconds"]["wall"] = round(monotonic() - started, 3)
    print(json.dumps(facts) if given.as_json else _shown(facts))
    return {"robust": 0, "flip": 1, "misread": 1, "undecided": 3}[facts["verdict"]]


def _read(given: _Given) -> _Read:
    from verifier.cli.options import number
    from verifier.cli.question import read_box, read_point, read_region
    from verifier.cli.working import limit_memory, memory_bytes
    from verifier.question.errors import UserError

    size, squared = (
        None if text is None else number(option, text)
        for option, text in (
            ("--radius", given.radius),
            ("--radius-squared", given.radius_squared),
        )
    )
    if size is not None and squared is not None:
        raise UserError("give either --radius or --radius-squared, not both")
    if given.memory is not None:
        memory_bytes(given.memory)  # or an error before anything is read
    if given.timeout is not None and not isfinite(given.timeout):
        raise UserError(f"--timeout: {given.timeout} is no number of seconds")
    if given.semantics != "real":
        _require_executable(given.net, given.normalise, given.semantics)
    network, own, decoder, notes, names = _network(
        given.net,
        given.parts,
        given.decoder,
        given.labels,
        normalise=given.normalise,
        with_box=given.box_ == "file",
        exact=bool(given.unsafe),
        merge=given.semantics == "real",
    )
    boxes = [
        read_box(option, text, network.inputs, own)
        for option, text in (("--clip", given.clip), ("--box", given.box_))
        if text is not None
    ]
    center, layout = given.center, given.layout
    point = None if center is None else read_point(center, network.inputs, layout)
    region = read_region(given.norm, point, size, squared, boxes)
    if given.memory is not None:
        network.digest  # noqa: B018 - known before the limit, which is about the query
        limit_memory(given.memory)
    return _Read(network, region, point, bool(boxes), decoder, notes, names)


def _extreme(given: _Given, read: _Read, options: Options) -> int:
    """Answers --worst or --maximise; the exit code."""
    from verifier.cli.extreme import answer_extreme, form_goal
    from verifier.cli.question import read_goals
    from verifier.question.errors import UserError
    from verifier.question.query import Query

    if given.semantics != "real":
        raise UserError(f"--worst and --maximise are about exact arithmetic, not {given.semantics}")
    outputs = read.network.outputs.count
    if given.maximise is None:
        goals, _, _ = read_goals(
            outputs, given.label, given.labels, read.decoder, given.unsafe, read.names
        )
    elif given.unsafe or given.label is not None or given.least:
        raise UserError("give --maximise alone, or --label or --unsafe")
    else:
        goals = (form_goal(given.maximise),)
    query = Query(read.network, read.region, goals)
    return answer_extreme(query, given.maximise, given.within, options, given.proof, given.as_json)


def _answer(
    given: _Given, read: _Read, query: Query, options: Options
) -> tuple[CheckedOutcome, Execution | None, bool]:
    """The answer; its execution in floats, if it is about these; whether it is a flip at the
    center itself, which misreads the label."""
    from verifier.evidence.certificate import Flip
    from verifier.question.executed import rounded
    from verifier.tasks.semantics import verify_executed
    from verifier.tasks.verify import verify_batch

    point, semantics = read.point, given.semantics
    if semantics == "real":
        # The center first: whoever misreads it needs no search, and no other flip says so.
        hints = None if point is None else [[point]]
        outcome = verify_batch(read.network, [query], options, hints=hints)[0]
        execution, center = None, point
        at = getattr(outcome.verdict, "point", None)
    else:
        center = None if point is None else tuple(rounded(x, semantics) for x in point)
        answer = verify_executed(query, semantics, options, [] if center is None else [center])
        outcome, execution = answer.outcome, answer.execution
        at = None if execution is None else execution.point
    is_flip = isinstance(outcome.verdict, Flip) and given.label is not None and center is not None
    return outcome, execution, is_flip and at == center


def _network(
    path: str,
    parts: Parts,
    decoder: str | None,
    labels: str | None,
    *,
    normalise: bool,
    with_box: bool,
    exact: bool,
    merge: bool,
) -> tuple[Network, Box | None, str | None, tuple[str, ...], Sequence[str] | None]:
    """The network in the file and, of a .nnet file, the box there; the decoder of a label, what was
    done to the network, and the labels that its outputs stand for, if it is said. `exact`: its very
    numbers are asked about, and no label."""
    from verifier.cli.networks import read_network, read_numbers
    from verifier.cli.question import read_labels
    from verifier.cli.samples import label_list
    from verifier.formats.merged import merged
    from verifier.formats.nnet import read_nnet
    from verifier.question.errors import UserError

    if not path.removesuffix(".gz").lower().endswith(".nnet"):
        if normalise:
            raise UserError(f"{path}: --normalise is for .nnet files")
        if exact:
            network, notes = read_numbers(path, parts, merge=merge)
            return network, None, decoder, notes, None
        try:
            numbers = [] if labels is None else [Fraction(q) for q in read_labels(labels)]
        except UserError:
            numbers = []  # names, which argmax alone reads
        read = read_network(path, parts, decoder, numbers, label_list(labels), merge=merge)
        return read.network, None, read.decoder, read.notes, read.names
    file = read_nnet(path)
    if with_box and file.is_normalised and not normalise:
        raise UserError(
            f"{path}: its box is in units from before its normalisation; give --normalise as well"
        )
    network = file.network(normalise=normalise)
    network = merged(network) if merge else network
    return network, (file.lower, file.upper), decoder, (), label_list(labels)


def _require_executable(path: str, normalise: bool, semantics: str) -> None:
    """Raises UserError where the file computes something else than one sum a unit."""
    from verifier.formats.load import require_executable
    from verifier.question.errors import UserError

    if normalise:
        raise UserError(
            f"{path}: --normalise changes the weights; not with --semantics {semantics}"
        )
    require_executable(path, semantics)


def _where(given: _Given, read: _Read) -> str:
    if read.point is None:
        return f"the box of {read.region.dimension} inputs"
    squared = given.radius_squared
    size = f"radius {given.radius}" if squared is None else f"squared radius {squared}"
    within = " within the box" if read.boxed else ""
    return f"the closed L{given.norm} ball of {size}{within}"


def _facts(
    query: Query,
    outcome: CheckedOutcome,
    claim: str,
    rivals: tuple[str, ...],
    execution: Execution | None,
) -> dict[str, Any]:
    from verifier.checker.scaled import evaluate
    from verifier.evidence.certificate import Flip, Undecided, certificate_bytes
    from verifier.question.rational import format_rational

    verdict, shown = outcome.verdict, outcome.checked
    name = "undecided" if shown is None else shown.verdict
    facts: dict[str, Any] = {}
    if isinstance(verdict, Undecided):
        facts["reason"] = verdict.reason
    elif isinstance(verdict, Flip):
        if execution is None:
            point, outputs = verdict.point, evaluate(query.network, [verdict.point])[0]
        else:
            point, outputs = execution.point, list(execution.outputs)
        facts["flip"] = {
            "point": [format_rational(x) for x in point],
            "outputs": [format_rational(y) for y in outputs],
            "goal": verdict.goal,
            "rival": rivals[verdict.goal],
        }
    if outcome.solver:
        facts["solver"] = outcome.solver
    size = 0
    if not isinstance(verdict, Undecided):
        size = len(certificate_bytes(verdict, query.network.digest))
    return {
        "claim": claim,
        "verdict": name,
        "samples": 1,
        "robust": int(name == "robust"),
        "misread": 0,
        "flips": int(name == "flip"),
        "undecided": int(name == "undecided"),
        "checked": int(outcome.checked is not None),
        "proof_bytes": size,
        "seconds": {phase: round(value, 3) for phase, value in outcome.seconds.items()},
        "nodes": outcome.nodes,
        "methods": outcome.methods,
        "network": query.network.digest,
        **facts,
    }


def _shown(facts: dict[str, Any]) -> str:
    from verifier.cli.options import table
    from verifier.question.printable import size_text

    rows: list[tuple[str, object]] = [("verdict", facts["verdict"]), ("asked", facts["claim"])]
    if "flip" in facts:
        flip = facts["flip"]
        where = "at the center" if facts["verdict"] == "misread" else "flip at X"
        for name, key in ((where, "point"), ("outputs Y", "outputs")):
            rows.append((name, _listed(flip[key])))
        rows.append(("there", flip["rival"]))
    if "reason" in facts:
        rows.append(("reason", facts["reason"]))
    elif "solver" in facts:
        rows.append(("solver", facts["solver"]))
    seconds = facts["seconds"]
    phases = ", ".join(f"{name} {seconds[name]:.2f}" for name in seconds if name != "wall")
    rows.append(("seconds", f"{phases}, in all {seconds['wall']:.2f}"))
    rows.append(("nodes", facts["nodes"]))
    if facts["checked"]:
        rows.append(("evidence", f"{size_text(facts['proof_bytes'])}, checked"))
    return table(rows)


def _listed(values: list[str]) -> str:
    """The numbers, exactly if that is short."""
    from verifier.cli.options import short
    from verifier.question.rational import parse_rational

    whole = ", ".join(values)
    if len(whole) <= _LONG:
        return whole
    text = ", ".join(short(parse_rational(value)) for value in values[:20])
    more = f", and {len(values) - 20} more" if len(values) > 20 else ""
    return f"{text}{more} (exactly with --json)"
