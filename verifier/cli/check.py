"""`robmem check`: replay a run, or one proof, from its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.cli.options import table_options
from verifier.cli.samples import LABELS_HELP
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from verifier.checker.checked import CheckerName
    from verifier.data.layout import Layout


@click.command(
    name="check",
    epilog="Example: robmem check runs/digits-linf-0a1b2c3d --sample 100",
    short_help="Replay a run, or one proof, from its files.",
)
@click.argument("target", type=click.Path(), metavar="FOLDER|FILE")
@click.option("--network", "file", metavar="FILE", help="Believe this network, not the folder's.")
@click.option("--data", "spec", metavar="DATA", help="Believe these data, not the folder's.")
@click.option("--labels", metavar="A,B,..", help=f"Of these data: {LABELS_HELP.lower()}")
@table_options
@click.option(
    "--sample", "part", type=click.IntRange(min=1), metavar="K", help="A random part of the proofs."
)
@click.option("--seed", type=click.IntRange(min=0), help="Which random part.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--proved", is_flag=True, help="Replay by the kernel that is proved in Coq.")
@click.option(
    "--by-theorem", is_flag=True, help="Recognise the network, of which a theorem is proved in Coq."
)
@click.option("--kernel", is_flag=True, help="Replay by the kernel in exact fractions: slow.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    target: str,
    file: str | None,
    spec: str | None,
    layout: Layout,
    labels: str | None,
    part: int | None,
    seed: int | None,
    jobs: int | None,
    proved: bool,
    by_theorem: bool,
    kernel: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Replay every proof and every flip of a run, or the one in a proof file.

    Every question is built again from the network, the data and the manifest; every
    byte of the folder is compared with its seal. Exit code 4, with the name of the
    flaw, if anything is missing, altered, or does not prove its claim; 3 if the run
    left samples undecided; 0 for true evidence, be it of proofs or of flips.

    With --proved the program extracted from the Coq development replays it, see
    docs/kernel.md; with --sample K a random part.

    With --kernel proofs are spelled out and replayed by `verifier.kernel`, which is small
    enough to be read, and slow; with --sample K a random part.

    With --by-theorem no proof is replayed: the network is recognised, row by row, as
    the one of the theorem that the manifest names, and the separation is checked; by
    the program extracted from Coq if it is there (with --proved, by no other), else by
    its twin. A folder that is certified by a theorem alone is checked so in any case.

    A file that ends in .vipr is a VIPR 1.0 certificate, checked in the strict subset that
    `robmem export` writes; its claim is about the mixed-integer program in the file.
    """
    from constructions.least.folder import is_least
    from verifier.cli.check_file import check_file
    from verifier.cli.check_run import RunCheck, check_run_folder
    from verifier.cli.least import check_least
    from verifier.cli.theorem import check_by_theorem
    from verifier.runs.folder import RunFolder
    from verifier.runs.place import require_run

    path = Path(target)
    if by_theorem and (kernel or part is not None or not path.is_dir()):
        raise UserError("--by-theorem is about a whole run, without --kernel and --sample")
    if path.is_file():
        if spec is not None or part is not None:
            raise UserError(f"{path}: one proof; --data and --sample are for a run")
        return check_file(path, file, _checker(proved, kernel), as_json)
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder")
    if is_least(path):
        if file is not None or spec is not None or part is not None or by_theorem:
            raise UserError(f"{path}: claims about least networks are replayed whole, as they are")
        return check_least(path, _checker(proved, kernel), quiet=quiet, as_json=as_json)
    require_run(path)
    manifest = RunFolder(path).manifest()
    if by_theorem or not manifest.results:
        if kernel or part is not None:
            raise UserError(f"{path}: certified by a theorem alone; there are no proofs to replay")
        return check_by_theorem(path, file, spec, layout, proved=proved, jobs=jobs, as_json=as_json)
    by = _checker(proved, kernel)
    return check_run_folder(
        RunCheck(path, file, spec, layout, labels, part, seed, jobs, by, quiet, as_json)
    )


def _checker(proved: bool, kernel: bool) -> CheckerName:
    """Who replays."""
    if proved and kernel:
        raise UserError("--proved and --kernel: one of them replays")
    if proved:
        from verifier.checker.proved import find_program

        find_program()  # or says at once how to build it
    return "proved kernel" if proved else "kernel" if kernel else "checker"
