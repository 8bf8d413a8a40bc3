"""`robmem report`: stored runs, and what theory says, as pages, tables and figures."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.cli.options import image_option, table_options
from verifier.formats.extras import needing

if TYPE_CHECKING:
    from reports.document import Document
    from verifier.data.layout import Layout


class _RunsOrCommand(click.Group):
    """`report RUN ..` is `report runs RUN ..`; a run called like a command is reached by a path."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args[:1] == ["runs"] and (len(args) == 1 or args[1].startswith("-"))
        if named and Path("runs").is_dir() and not {*args} & {*ctx.help_option_names}:
            args = ["runs", *args]  # the folder, for the command has nothing to report
        elif args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["runs", *args]
        return super().parse_args(ctx, args)


@click.group(
    name="report",
    cls=_RunsOrCommand,
    epilog="Example: robmem report runs/wine -o report",
    short_help="Make pages, tables and figures of runs.",
    no_args_is_help=True,
)
def command() -> None:
    """Show stored runs: robmem report RUN [RUN ..] -o FOLDER.

    The folder gets a page that needs nothing else (index.html), Markdown, LaTeX, CSV,
    JSON, and figures as SVG and PDF. Proofs are replayed, nothing is solved, and the
    same run gives the same bytes. `report theory` shows the theorems beside measurements,
    `report serve` lets you browse a folder of runs.
    """


@command.command(short_help="Report runs; the word `runs` may be left out.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(), metavar="RUN [RUN ..]")
@click.option("-o", "--output", required=True, type=click.Path(), metavar="FOLDER")
@click.option("--with-timings", is_flag=True, help="Seconds, hosts and dates too.")
@image_option
@click.option("--all-distances", is_flag=True, help="Nearest rivals of very large data too.")
@click.option("--slices", type=click.IntRange(min=0), metavar="N", help="Of the worst samples.")
@click.option("--no-replay", is_flag=True, help="Replay nothing; the page says so.")
@click.option(
    "--kernel",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="The kernel replays N of them too, drawn at random: slow.",
)
@click.option(
    "--proved",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="The kernel proved in Coq replays N of them too, drawn at random.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--compare", is_flag=True, help="The comparison alone, no page of each run.")
@click.option(
    "--radii",
    multiple=True,
    type=click.Path(),
    metavar="FOLDER",
    help="Of robmem radius --proofs; with several runs one each, in their order.",
)
def runs(
    runs: tuple[str, ...],
    output: str,
    with_timings: bool,
    shape: tuple[int, int] | None,
    all_distances: bool,
    slices: int | None,
    no_replay: bool,
    kernel: int,
    proved: int,
    jobs: int | None,
    quiet: bool,
    compare: bool,
    radii: tuple[str, ...],
) -> int:
    """Write the report of one run, or of several with a comparison first.

    Every certificate is replayed first. With --no-replay none is: the answers of the
    run are then called recorded, and nothing is claimed of them.

    With --radii, the robustness radii that `robmem radius --proofs FOLDER` found for the
    network of a run are replayed and shown. --compare sets the runs side by side, their
    certified accuracy over the radius in one drawing.
    """
    from reports.run_report import runs_report
    from reports.stored_run import read_run
    from reports.theorem_report import theorem_report
    from verifier.cli.progress import counted_of, staged
    from verifier.question.errors import UserError
    from verifier.question.printable import printable
    from verifier.runs.by_theorem import certified_alone
    from verifier.runs.place import find_run

    _require_libraries()
    for option, count in (("--kernel", kernel), ("--proved", proved)):
        if count and no_replay:
            raise UserError(
                f"{option}: with --no-replay there is nothing that it replays once more"
            )
    if radii and len(radii) != len(runs):
        raise UserError(
            f"--radii: {len(radii)} folders for {len(runs)} runs; give one for each, in their order"
        )
    evidence = list(map(Path, radii)) if radii else [None] * len(runs)
    alone = [run for run in runs if certified_alone(Path(run)) is not None]
    if alone and len(runs) == 1:
        return _write(theorem_report(Path(alone[0])), output)
    if alone:
        raise UserError(f"{alone[0]}: certified by a theorem alone; it has a report of its own")
    stored = []
    for run, found in zip(runs, evidence, strict=True):
        with counted_of(quiet=quiet, what=f"replaying {printable(run)}") as show:
            stored.append(
                read_run(
                    find_run(run), image_shape=shape, all_distances=all_distances, radii=found,
                    replay=not no_replay, kernel=kernel, proved=proved, jobs=jobs, progress=show,
                )
            )  # fmt: skip
    with staged("drawing and comparing", quiet=quiet) as say:
        document = runs_report(stored, with_timings=with_timings, slices=slices, compare=compare)
        say("writing pages, tables and figures")
        return _write(document, output)


def _require_libraries() -> None:
    """UserError where one that draws pages is missing, before anything is replayed for them."""
    with needing():
        for library in ("jinja2", "matplotlib"):
            import_module(library)


def _write(document: Document, output: str) -> int:
    from reports.write import write_report
    from verifier.question.printable import printable

    files = write_report(document, Path(output))
    for notice in document.notices:
        print(printable(notice.text))
    print(printable(document.summary))
    print(f"{len(files)} files in {output}, begin with {Path(output) / 'index.html'}")
    return 0


@command.command(short_help="The theorems beside measurements of a data set.")
@click.option("--data", "spec", default="iris", show_default=True, metavar="DATA")
@table_options
@click.option("--ratios", metavar="Q,..", help="Of budget to half the separation.")
@click.option("--samples", metavar="A:B", help="Take these samples alone.")
@click.option("--limit", type=click.IntRange(min=1), help="Build no network of more weights.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(), metavar="FOLDER")
def theory(
    spec: str,
    layout: Layout,
    ratios: str | None,
    samples: str | None,
    limit: int | None,
    seed: int,
    output: str,
) -> int:
    """Build every construction for DATA at several ratios, and show sizes beside the bounds."""
    from reports.theory import MOST_WEIGHTS, RATIOS, theory_report
    from reports.write import write_report
    from verifier.cli.construct import load_samples
    from verifier.cli.options import number
    from verifier.cli.progress import staged
    from verifier.question.printable import printable

    _require_libraries()
    dataset = load_samples(spec, layout, samples)
    asked = RATIOS
    if ratios is not None:
        asked = tuple(number("--ratios", text) for text in ratios.split(","))
    with staged(f"building every construction for {printable(dataset.name)}") as say:
        document = theory_report(
            dataset, asked, limit=limit or MOST_WEIGHTS, seed=seed, samples=samples
        )
        say("writing pages, tables and figures")
        files = write_report(document, Path(output))
    print(printable(document.summary))
    print(f"{len(files)} files in {output}, begin with {Path(output) / 'index.html'}")
    return 0


@command.command(short_help="Report least networks.")
@click.argument("folder", type=click.Path(), metavar="FOLDER")
@click.option("-o", "--output", required=True, type=click.Path(), metavar="FOLDER")
@click.option("--kernel", is_flag=True, help="The kernel replays the proofs too.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def least(folder: str, output: str, kernel: bool, quiet: bool) -> int:
    """Write the report of a folder that `robmem least --out` left, replaying every proof.

    With one of `least --all-labelings` it has a table of all labelings.
    """
    from reports.least_report import least_report
    from verifier.cli.progress import counted_of

    _require_libraries()
    with counted_of(quiet=quiet, what="replaying") as progress:
        document = least_report(Path(folder), "kernel" if kernel else "checker", progress)
    return _write(document, output)


@command.command(short_help="Browse a folder of runs, at 127.0.0.1.")
@click.argument("store", default="runs", type=click.Path(), metavar="[STORE]")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@image_option
def serve(store: str, port: int, shape: tuple[int, int] | None) -> int:
    """Show the runs in the folder STORE to a browser on this machine, until interrupted."""
    from reports.serve import server

    with server(Path(store), port, shape) as running:
        try:
            print(f"http://127.0.0.1:{running.server_address[1]}/  (Ctrl-C ends)", flush=True)
            running.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print("ended")
    return 0
