"""`robmem certify`: every ball of a data set, answered, checked and stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import network_options
from verifier.cli.options import NORM, SECONDS, engine_option, read_clip, table_options
from verifier.cli.samples import LABELS_HELP
from verifier.cli.summaries import flip_json, shown_run, summary_json
from verifier.cli.working import memory_bytes, work_on

if TYPE_CHECKING:
    from verifier.checker.manifest import Question
    from verifier.cli.networks import Read
    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout
    from verifier.formats.parts import Parts
    from verifier.question.network import Network
    from verifier.runs.run import Run

_LARGE = 50_000  # numbers in a data set, from which worker processes are likely
_SHOWN_FLIPS = 5
_LISTED_FLIPS = 25  # in JSON; the certificates hold all of them


@click.command(
    name="certify",
    epilog="Example: robmem certify --data wine --ratio 999/1000 --out runs/wine-limit",
    short_help="Certify every ball of a data set.",
)
@click.option("--data", "spec", default="digits", show_default=True, metavar="DATA")
@network_options
@table_options
@click.option(
    "--construction",
    "name",
    metavar="NAME",
    help="Build this.  [default: linf; l1, l2, l3-shallow or l4-shallow with that norm]",
)
@click.option("--network", "file", metavar="FILE", help="Certify this network instead.")
@click.option("--ratio", metavar="Q", help="budget / (separation / 2).  [default: 99/100]")
@click.option("--budget", metavar="Q", help="For which the network is built, instead of --ratio.")
@click.option(
    "--every-budget",
    is_flag=True,
    help="One proof a sample for every budget below half the separation.",
)
@click.option(
    "--open",
    is_flag=True,
    help="The open balls of a network that has no budget: of half the separation, or --radius.",
)
@click.option(
    "--by-theorem",
    is_flag=True,
    help="By recognising the network of a theorem that is proved in Coq.",
)
@click.option("--by-ball", is_flag=True, help="Ball by ball as well, with --by-theorem.")
@click.option("--from", "from_budget", metavar="Q", help="The least budget of --every-budget.")
@click.option("--norm", type=NORM, help="[default: the construction's]")
@click.option(
    "--radius", metavar="R", help="Of the balls; --network needs it.  [default: the budget]"
)
@click.option("--radius-squared", metavar="Q", help="The same for norm 2, squared.")
@click.option(
    "--clip",
    is_flag=False,
    flag_value="range",
    metavar="LOW:HIGH",
    help="Only inputs in this range; without a value, in the pixel range of the data.",
)
@click.option(
    "--decoder",
    type=click.Choice(["nearest", "sign", "argmax", "value"]),
    help="[default: the construction's; argmax for several outputs, else nearest]",
)
@click.option("--labels", metavar="A,B,..", help=LABELS_HELP)
@click.option(
    "--semantics",
    type=click.Choice(["real", "float32", "float64"]),
    default="real",
    show_default=True,
    help="Of which arithmetic.",
)
@click.option("--samples", metavar="A:B", help="Ask about these alone, such as 0:100 or 3,10:20.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--rank", type=int, metavar="K", help="Coordinates of a projection (narrow-*, *-rho)."
)
@click.option("--kind", metavar="KIND", help="rounded, householder or cayley (with --rank).")
@click.option("--error", metavar="Q", help="Share of each ball that may err (moderate-rho).")
@engine_option
@click.option("--out", type=click.Path(file_okay=False), help="The folder of the run.")
@click.option("--store", type=click.Path(file_okay=False), help="A folder of runs, one database.")
@click.option("--new", is_flag=True, help="Start another run where there is one already.")
@click.option(
    "--retry",
    "retry",
    multiple=True,
    type=click.Choice(["undecided", "failed"]),
    help="Try these again; may be repeated.",
)
@click.option("--timeout", type=SECONDS, help="Seconds a sample.")
@click.option("--nodes", type=click.IntRange(min=1), help="Most branches of a proof.")
@click.option(
    "--budget-seconds",
    type=SECONDS,
    help="Stop after so long; go on another day.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    help="Worker processes; 0 for none.  [default: one a core, none for small work]",
)
@click.option("--memory", metavar="SIZE", help="Most data a worker may hold, such as 4G.")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler, or local:N.")
@click.option("--no-replay", is_flag=True, help="Do not replay what earlier sessions answered.")
@click.option("--proved", is_flag=True, help="The kernel proved in Coq replays all answers too.")
@click.option("--no-seal", is_flag=True, help="Write no manifest.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**given: Any) -> int:
    """Build or load a network, and prove of every sample that its ball keeps its label.

    The balls are closed and have the radius of the budget, or --radius. Every proof
    and every flip is checked and stored in a folder; the same command continues a
    run that was interrupted, and replays what was answered before. With --no-replay
    such answers are counted as recorded, and nothing is claimed of them.
    `robmem check FOLDER` replays it all.

    With --semantics float32 or float64 the claims are about the network as executed
    in that format, in any order of summation; they are stored as such.

    With --by-theorem there are no proofs of balls: the data are checked to be
    separated, and the network (built, or of a file) to be that of --construction,
    row by row, about which a theorem is proved in Coq; see docs/theorems.md. By the
    program that is extracted from Coq, if ROBMEM_THEOREM or PATH has it, else by its
    twin in Python. With --by-ball too, both ways are taken, in one run.
    """
    from verifier.checker.theorem_task import theorem_of
    from verifier.cli.theorem import (
        certify_by_theorem,
        construction_of,
        recognise_run,
        require_plain,
    )
    from verifier.data.dataset import check_labelled
    from verifier.data.load import load
    from verifier.question.errors import UserError
    from verifier.runs.centers import centers_of_run
    from verifier.runs.summary import shown_flips

    options = _Options(**given)
    if options.by_theorem:
        require_plain(options)
        theorem_name = construction_of(options)
        decoder = None if options.every_budget else theorem_of(theorem_name).decoder
        options = replace(options, name=theorem_name, decoder=decoder)
    elif options.by_ball:
        raise UserError("--by-ball is for --by-theorem; without it every ball is proved anyway")
    sizes, built = _numbers(options), _built(options)
    if options.memory is not None:
        memory_bytes(options.memory)  # or an error before anything is read
    dataset = load(options.spec, options.layout)
    if options.by_theorem and not options.by_ball:
        return certify_by_theorem(options, dataset, sizes)
    if options.file is None:
        check_labelled(dataset)
        if options.labels is not None:
            raise UserError("--labels is for a network from a file; a construction has its own")
    if options.jobs or (options.jobs is None and dataset.numerators.size > _LARGE):
        _prepare(options.cluster)
    run, about = _begin(options, dataset, sizes, built)
    theorem = recognise_run(options, dataset, run, sizes) if options.by_theorem else None
    summary = work_on(
        run, options, timeout=options.timeout, quiet=options.quiet, as_json=options.as_json
    )
    about_run = run.network, run.points, run.job.question
    centers = centers_of_run(run.place, *about_run, summary.shown)
    most = _LISTED_FLIPS if options.as_json else _SHOWN_FLIPS
    flips = shown_flips(run.folder, *about_run, summary.shown, most)
    if options.as_json:
        print(
            json.dumps(
                summary_json(summary)
                | {
                    **centers.facts,
                    "labels": list(run.points.label_names),
                    "flips_shown": list(map(flip_json, flips)),
                    **({} if theorem is None else {"theorem": theorem.facts}),
                }
            )
        )
    else:
        print(shown_run(run, summary, centers, flips, about, theorem))
    if summary.flips:
        return 1
    return 3 if summary.undecided or summary.recorded else 0


@dataclass(frozen=True, slots=True)
class _Options:
    """What was given on the command line, as click names it."""

    spec: str
    layout: Layout
    parts: Parts
    name: str | None
    file: str | None
    ratio: str | None
    budget: str | None
    every_budget: bool
    open: bool
    by_theorem: bool
    by_ball: bool
    from_budget: str | None
    norm: str | None
    radius: str | None
    radius_squared: str | None
    clip: str | None
    decoder: str | None
    labels: str | None
    semantics: Any
    samples: str | None
    seed: int
    rank: int | None
    kind: str | None
    error: str | None
    engine: str
    out: str | None
    store: str | None
    new: bool
    retry: tuple[Any, ...]
    timeout: float | None
    nodes: int | None
    budget_seconds: float | None
    jobs: int | None
    memory: str | None
    cluster: str | None
    no_replay: bool
    proved: bool
    no_seal: bool
    quiet: bool
    as_json: bool


def _numbers(options: _Options) -> dict[str, Fraction | None]:
    """Ratio, budget and radius as exact numbers, of which not two may say the same."""
    from verifier.cli.options import number
    from verifier.question.errors import UserError

    given = {
        "ratio": options.ratio,
        "budget": options.budget,
        "radius": options.radius,
        "radius-squared": options.radius_squared,
        "construction": options.name,
        "network": options.file,
    }
    for one, other in (
        ("ratio", "budget"),
        ("construction", "network"),
        ("radius", "radius-squared"),
    ):
        both = given[one] is not None and given[other] is not None
        if both and not (one == "construction" and options.by_theorem):
            raise UserError(f"give either --{one} or --{other}, not both")
    numbers: dict[str, Fraction | None] = {}
    sized = ("ratio", "budget", "radius", "radius-squared")
    sizeless = options.file is not None and not any(given[option] for option in sized)
    if sizeless and not options.by_theorem:
        raise UserError(f"{options.file} comes without a radius: give --radius R, such as 0.1")
    for option in sized:
        text = given[option]
        value = numbers[option] = None if text is None else number(f"--{option}", text)
        if value is not None and value < 0:
            raise UserError(f"--{option}: {value} is negative")
    return numbers


def _built(options: _Options) -> dict[str, Any]:
    """The options of a construction that were given."""
    from verifier.cli.options import number
    from verifier.question.errors import UserError

    error = None if options.error is None else number("--error", options.error)
    given = {"rank": options.rank, "kind": options.kind, "error": error}
    built = {option: value for option, value in given.items() if value is not None}
    if options.file is not None and built:
        raise UserError(
            f"--{next(iter(built))} is for a construction, not for a network from a file"
        )
    return built


def _prepare(cluster: str | None) -> None:
    """Workers of this machine begin to load what they need while the network is built."""
    from verifier.runs.processes import prepare

    if cluster is None:
        prepare()
    elif cluster.startswith("local:"):
        from verifier.runs.cluster import prepare_local

        prepare_local()


def _begin(
    options: _Options,
    dataset: Dataset,
    sizes: dict[str, Fraction | None],
    built: dict[str, Any],
) -> tuple[Run, dict[str, Any]]:
    """The run that was asked for, and what is known about its network."""
    from verifier.cli.every_budget import every_budget, open_balls_of_construction, opened
    from verifier.cli.options import sample_numbers
    from verifier.data.load import source_files as data_files
    from verifier.formats.load import source_files as network_files
    from verifier.runs.run import begin
    from verifier.runs.sources import read_sources
    from verifier.search.options import Options

    chosen = sample_numbers(options.samples, dataset.size)
    if options.every_budget or options.from_budget is not None:
        name = f"{options.name or 'linf'}-every"
        network, asked, about = every_budget(options, dataset)
    elif options.open and options.file is None:
        name = f"{options.name or 'lipschitz-ovr'}-open"
        network, asked, about = open_balls_of_construction(options, dataset)
    elif options.file is None:
        name = options.name or _default(options.norm or "inf")
        network, asked, about = _constructed(
            dataset, name, sizes, options.norm, options.seed, built
        )
    else:
        name = Path(options.file).name.split(".")[0]
        read, asked, about = _loaded(options, dataset, options.file, sizes)
        network, dataset = read.network, read.relabelled(dataset)
        if options.open:
            network, asked = opened(network, asked)
    if options.decoder is not None:
        asked = replace(asked, decoder=options.decoder)
    asked = replace(asked, semantics=options.semantics)
    if options.clip is not None:
        asked = replace(asked, clip=read_clip(options.clip, dataset))
    sources = []
    if options.file is not None:
        files = network_files(options.file, options.parts.outputs, options.parts.shapes)
        sources = read_sources("network", files)
    sources += read_sources("data", data_files(options.spec))
    about["sources"] = [source.facts for source in sources]
    run = begin(
        dataset,
        network,
        asked,
        options.out,
        samples=chosen,
        options=Options(options.timeout, options.nodes, options.engine, options.seed),
        about=about,
        name=name,
        store=options.store,
        new=options.new,
        change_limits=bool(options.retry),
    )
    return run, about


def _default(norm: str) -> str:
    """The construction that is built for balls of this norm, if none is named."""
    from constructions.registry import REGISTRY
    from verifier.question.errors import UserError

    name = next((name for name in (f"l{norm}", f"l{norm}-shallow") if name in REGISTRY), None)
    if name is None:
        raise UserError(
            f"--norm {norm}: there is no construction for it; name one of another norm by "
            f"--construction, or a network by --network"
        )
    return name


def _constructed(
    dataset: Dataset,
    name: str,
    numbers: dict[str, Fraction | None],
    norm: str | None,
    seed: int,
    options: dict[str, Any],
) -> tuple[Network, Question, dict[str, Any]]:
    from constructions.registry import build
    from verifier.question.rational import format_rational
    from verifier.runs.run import question_of

    ratio, budget = numbers["ratio"], numbers["budget"]
    if budget is None and ratio is None:
        ratio = Fraction(99, 100)
    construction = build(name, dataset, ratio=ratio, budget=budget, seed=seed, options=options)
    question = question_of(construction) if norm is None else None
    question = _asked(question, norm or construction.norm, construction.decoder,
                      construction.budget, numbers)  # fmt: skip
    about = {
        "construction": name,
        "source": construction.promises.source,
        "ratio": None if ratio is None else format_rational(ratio),
        "budget": format_rational(construction.budget),
        "construction_norm": construction.norm,
        "seed": seed,
        **{option: str(value) for option, value in options.items()},
    }
    return construction.network, question, about


def _loaded(
    options: _Options, dataset: Dataset, file: str, numbers: dict[str, Fraction | None]
) -> tuple[Read, Question, dict[str, Any]]:
    from constructions.hypotheses import budget_of_ratio, power_separation
    from verifier.cli.networks import read_network, require_inputs
    from verifier.cli.samples import label_list, label_numbers
    from verifier.formats.load import require_executable
    from verifier.question.rational import format_rational

    if options.semantics != "real":
        require_executable(file, options.semantics)
    read = read_network(
        file, options.parts, options.decoder, label_numbers(dataset), label_list(options.labels),
        merge=options.semantics == "real",
    )  # fmt: skip
    require_inputs(file, read.network, dataset.dimension, dataset.name)
    norm = options.norm or "inf"
    budget, about = numbers["budget"], {"network_file": Path(file).name}
    if read.notes:
        about["notes"] = "; ".join(read.notes)
    if budget is None and numbers["radius"] is None and numbers["radius-squared"] is None:
        ratio = numbers["ratio"] if numbers["ratio"] is not None else Fraction(99, 100)
        of: Any = "inf" if norm == "inf" else int(norm)
        budget = budget_of_ratio(ratio, power_separation(dataset, of), of)
        about["ratio"] = format_rational(ratio)
    return read, _asked(None, norm, read.decoder, budget, numbers), about


def _asked(
    question: Question | None,
    norm: str,
    decoder: str,
    budget: Fraction | None,
    numbers: dict[str, Fraction | None],
) -> Question:
    from verifier.checker.manifest import Question

    of: Any = norm
    radius, squared = numbers["radius"], numbers["radius-squared"]
    if radius is None and squared is None:
        return question or Question(of, decoder, budget)
    return Question(of, decoder, radius, squared)
