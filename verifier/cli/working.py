"""Commands that work on a run: how many processes, how long, and what an interruption leaves."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import click

from verifier.cli.options import SECONDS, gathered
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from verifier.checker.checked import Checked
    from verifier.runs.run import Run
    from verifier.runs.summary import Summary


class Work(Protocol):
    """How a run is worked on, as the command line says it."""

    @property
    def jobs(self) -> int | None: ...
    @property
    def cluster(self) -> str | None: ...
    @property
    def retry(self) -> tuple[Literal["undecided", "failed"], ...]: ...
    @property
    def budget_seconds(self) -> float | None: ...
    @property
    def memory(self) -> str | None: ...
    @property
    def no_seal(self) -> bool: ...
    @property
    def no_replay(self) -> bool: ...
    @property
    def proved(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a run is stored and how it is worked on; no run without `out` or `store`."""

    out: str | None
    store: str | None
    new: bool
    retry: tuple[Literal["undecided", "failed"], ...]
    budget_seconds: float | None
    jobs: int | None
    memory: str | None
    cluster: str | None
    no_replay: bool
    proved: bool
    no_seal: bool

    def require_run(self) -> bool:
        """Whether a run is asked for; raises UserError for an option that only a run has."""
        if self.out is not None or self.store is not None:
            return True
        named = {
            "new": self.new, "retry": self.retry, "budget-seconds": self.budget_seconds,
            "jobs": self.jobs is not None, "memory": self.memory, "cluster": self.cluster,
            "no-replay": self.no_replay, "proved": self.proved, "no-seal": self.no_seal,
        }  # fmt: skip
        for option, given in named.items():
            if given:
                raise UserError(f"--{option} is for a run: give its folder with --out")
        return False


_OPTIONS = {
    "store": click.option(
        "--store", type=click.Path(file_okay=False), help="A folder of runs, one database."
    ),
    "new": click.option("--new", is_flag=True, help="Start another run."),
    "retry": click.option(
        "--retry",
        multiple=True,
        type=click.Choice(["undecided", "failed"]),
        help="Try these again; may be repeated.",
    ),
    "budget_seconds": click.option(
        "--budget-seconds", type=SECONDS, help="Stop after so long; go on another day."
    ),
    "jobs": click.option(
        "--jobs", type=click.IntRange(min=0), help="Worker processes of a run; 0 for none."
    ),
    "memory": click.option(
        "--memory", metavar="SIZE", help="Most data a worker may hold, such as 4G."
    ),
    "cluster": click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler, or local:N."),
    "no_replay": click.option(
        "--no-replay", is_flag=True, help="Do not replay what earlier sessions answered."
    ),
    "proved": click.option(
        "--proved", is_flag=True, help="The kernel proved in Coq replays all answers too."
    ),
    "no_seal": click.option("--no-seal", is_flag=True, help="Write no manifest."),
}
_OUT = click.option("--out", type=click.Path(file_okay=False), help="A folder: be a run.")
stored_options = gathered("stored", Stored, {"out": _OUT, **_OPTIONS})
"""Of commands that may store what they find as a run, as the argument `stored`."""
search_stored_options = gathered("stored", lambda **given: Stored(out=None, **given), _OPTIONS)
"""The same of `robmem search`, whose --out may be a file."""


def work_on(
    run: Run,
    work: Work,
    *,
    timeout: float | None,
    quiet: bool,
    as_json: bool,
    answered: Callable[[Mapping[int, Checked]], None] = lambda shown: None,
) -> Summary:
    """Works on the run; SIGTERM ends that like ctrl-C, and both keep what is finished."""
    from verifier.cli.progress import counted_of, shown_progress
    from verifier.runs.run import continue_run, suggested_jobs

    memory = None if work.memory is None else memory_bytes(work.memory)
    jobs = work.jobs
    if jobs is None:
        limits = (timeout, work.memory, work.budget_seconds)
        limited = any(limit is not None for limit in limits)
        jobs = suggested_jobs(run.network, run.samples, limited=limited)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            counted_of(quiet=quiet, what="replaying") as replayed,
            shown_progress(quiet=quiet, lines=not as_json) as show,
        ):
            return continue_run(
                run,
                jobs=jobs,
                cluster=work.cluster,
                retry=work.retry,
                budget_seconds=work.budget_seconds,
                memory=memory,
                seal=not work.no_seal,
                replay=not work.no_replay,
                proved=work.proved,
                replayed=replayed,
                observe=show,
                answered=answered,
            )
    except KeyboardInterrupt:
        print(
            f"stopped; what was finished is in {run.folder.path}, the same command continues",
            file=sys.stderr,
        )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


def limit_memory(text: str | None) -> None:
    """From here to its end the process holds at most so much data; raises UserError."""
    if text is not None:
        import resource

        size = memory_bytes(text)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def memory_bytes(text: str) -> int:
    """The size that `--memory` names; raises UserError."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    digits = text[:-1] if text[-1:].upper() in units else text
    if not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
        raise UserError(f"--memory: {text!r} is not a size such as 4G or 500M")
    return int(digits) * units.get(text[-1:].upper(), 1)
