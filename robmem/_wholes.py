"""What needs more than one of the packages: `construct`, `least` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from constructions.construction import Construction
from constructions.least.answer import Least
from constructions.least.answer import least as least_of
from constructions.registry import build, entry_of
from verifier.ask import load_data
from verifier.data.dataset import Dataset
from verifier.data.held import Number, exact_number
from verifier.formats.extras import needing
from verifier.question.errors import UserError
from verifier.question.region import read_norm
from verifier.runs.place import find_run
from verifier.runs.summary import Summary


def construct(
    name: str,
    data: Dataset | str | PathLike[str],
    *,
    ratio: Number | None = None,
    budget: Number | None = None,
    seed: int = 0,
    **options: Any,
) -> Construction:
    """The network of this name that memorizes the data with balls of radius `budget`.

    Instead of the budget, the ratio of it to half the separation; 99/100 if neither is given.
    Raises UserError for an unknown name, listing those known, and for a hypothesis that does not
    hold.

    >>> built = robmem.construct("linf", data, ratio="1/2")
    >>> built.budget, built.network
    (Fraction(1, 2), Network(inputs=1, layers=(3, 2, 3, .. 4 in all), outputs=1, parameters=23))
    """
    entry_of(name)
    size = None if budget is None else exact_number(budget, "budget")
    share = None if ratio is None else exact_number(ratio, "ratio")
    if size is None and share is None:
        share = exact_number("99/100")
    return build(name, load_data(data), ratio=share, budget=size, seed=seed, options=options)


def least(
    data: Dataset | str | PathLike[str],
    *,
    norm: object = "inf",
    budgets: Sequence[Number] | None = None,
    max_width: int = 4,
    folder: str | PathLike[str] | None = None,
    timeout: float | None = None,
) -> Least:
    """The least width of a network of depth 2 that memorizes the data with balls of these radii.

    For all radii if `budgets` is None: a step function. Every claim has certificates, which were
    checked; with a folder they are stored there, for `robmem check`. timeout: seconds for one
    width and radius. Raises UserError for what `constructions.least.answer.least` refuses.

    >>> found = robmem.least(data)
    >>> found.claim
    'two, Linf: the least width of a robust memorizer of depth 2 is 1 for 0 <= mu < 1'
    """
    kind = read_norm(norm)
    sizes = None
    if budgets is not None:
        sizes = [exact_number(budget, "budgets") for budget in budgets]
        if min(sizes, default=0) < 0:
            raise UserError("budgets: one is negative")
        sizes = [size * size for size in sizes] if kind == "2" else sizes
    where = None if folder is None else Path(folder)
    return least_of(load_data(data), kind, sizes, max_width, where, seconds=timeout)


def report(
    run: Summary | str | PathLike[str] | Sequence[Summary | str | PathLike[str]],
    output: str | PathLike[str],
    *,
    image_shape: tuple[int, int] | None = None,
    with_timings: bool = False,
    compare: bool = False,
    radii: Sequence[str | PathLike[str]] = (),
) -> list[Path]:
    """The files of the report of a run, or of several with a comparison, written to a folder.

    The first to read is index.html. With `compare` the comparison alone is written, of at least two
    runs; `radii` are folders of `robmem radius --proofs`, one for each run in their order. Raises
    UserError where there is no run.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     summary = robmem.certify(data, network, "1/4", folder=f"{folder}/run")
    ...     files = robmem.report(summary, f"{folder}/report")
    >>> "index.html" in [file.name for file in files]
    True
    """
    with needing():
        from reports.run_report import runs_report
        from reports.stored_run import read_run
        from reports.write import write_report

    listed = [run] if isinstance(run, Summary | str | PathLike) else run
    if not isinstance(listed, Sequence) or not all(
        isinstance(entry, Summary | str | PathLike) for entry in listed
    ):
        raise UserError(f"a run of type {type(run).__name__}: give a folder, a summary, or several")
    folders = [entry.folder if isinstance(entry, Summary) else Path(entry) for entry in listed]
    if radii and len(radii) != len(folders):
        raise UserError(f"radii: {len(radii)} folders for {len(folders)} runs; give one for each")
    measured: list[Path | None] = [*map(Path, radii)] or [None] * len(folders)
    stored = [
        read_run(find_run(folder), image_shape=image_shape, radii=own)
        for folder, own in zip(folders, measured, strict=True)
    ]
    folder = Path(output)
    return [
        folder / file
        for file in write_report(
            runs_report(stored, with_timings=with_timings, compare=compare), folder
        )
    ]
