"""What needs more than one of the packages: `construct` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from constructions.construction import Construction
from constructions.registry import build, entry_of
from verifier.ask import load_data
from verifier.data.dataset import Dataset
from verifier.data.held import Number, exact_number
from verifier.formats.extras import needing
from verifier.question.errors import UserError
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


def report(
    run: Summary | str | PathLike[str] | Sequence[Summary | str | PathLike[str]],
    output: str | PathLike[str],
    *,
    image_shape: tuple[int, int] | None = None,
    with_timings: bool = False,
) -> list[Path]:
    """The files of the report of a run, or of several with a comparison, written to a folder.

    The first to read is index.html. Raises UserError where there is no run.

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
    stored = [read_run(find_run(folder), image_shape=image_shape) for folder in folders]
    folder = Path(output)
    return [
        folder / file
        for file in write_report(runs_report(stored, with_timings=with_timings), folder)
    ]
