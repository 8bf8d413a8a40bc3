"""How a run is shown while it works: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from verifier.runs.records import State
from verifier.runs.run import Progress

_LINE_SECONDS = 10.0


def animated() -> bool:
    """Whether standard error is a terminal on which somebody looks: a notebook, which runs commands
    on one too, would keep every picture of a bar."""
    return sys.stderr.isatty() and "JPY_PARENT_PID" not in os.environ


@contextmanager
def shown_progress(*, quiet: bool, lines: bool) -> Iterator[Callable[[Progress], None]]:
    """A function that shows how the run stands.

    A bar if standard error is a terminal; else a line every ten seconds if `lines`; else nothing.
    """
    if quiet or not (animated() or lines):
        yield lambda progress: None
    elif animated():
        with _bar() as show:
            yield show
    else:
        yield _line_printer()


def _line_printer() -> Callable[[Progress], None]:
    last = monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        if monotonic() - last >= _LINE_SECONDS:
            last = monotonic()
            print(line(progress), file=sys.stderr, flush=True)

    return show


def line(progress: Progress) -> str:
    """One line: how many samples are answered, how, and how fast."""
    counts = progress.counts
    answered = progress.total - counts["open"]
    rate = progress.finished_now / progress.seconds if progress.seconds > 0 else 0.0
    parts = [f"{answered}/{progress.total} samples", *_counted(counts), f"{rate:.1f}/s"]
    if progress.worst is not None:
        parts.append(f"worst open bound {float(progress.worst):.4g}")
    if rate > 0 and counts["open"]:
        parts.append(f"{counts['open'] / rate:.0f} s left")
    return ", ".join(parts)


def _counted(counts: Mapping[State, int]) -> list[str]:
    """How many samples have which answer; of distances and margins there are intervals alone."""
    texts = [f"robust {counts['robust']}", f"flips {counts['flip']}"]
    if counts["measured"]:
        texts = [f"measured {counts['measured']}"]
    if counts["misread"]:
        texts.append(f"misread {counts['misread']}")
    return [*texts, f"undecided {counts['undecided'] + counts['failed']}"]


def _bars() -> Any:
    """Bars on stderr that go when they end, whose times say what they are."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def counted(total: int, *, quiet: bool, what: str = "checking") -> Iterator[Callable[[int], None]]:
    """A function that shows how many of `total` are done, on a terminal."""
    if quiet or not animated():
        yield lambda done: None
        return
    with _bars() as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.update(task, completed=done)


@contextmanager
def counted_of(*, quiet: bool, what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows how many of how many are done, on a terminal."""
    if quiet or not animated():
        yield lambda done, total: None
        return
    with _bars() as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def staged(first: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A function that says what is being done now, with the time since it began, on a terminal;
    begun with `first`."""
    if quiet or not animated():
        yield lambda stage: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TextColumn("elapsed")
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(first, total=None)
        yield lambda stage: bars.update(task, description=stage)


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    with _bars() as bars:
        task = bars.add_task("", total=None)

        def show(progress: Progress) -> None:
            counts = progress.counts
            rate = progress.finished_now / progress.seconds if progress.seconds > 1 else 0.0
            worst = "" if progress.worst is None else f" worst bound {float(progress.worst):.3g}"
            bars.update(
                task,
                total=progress.total,
                completed=min(progress.total, progress.total - counts["open"] + progress.underway),
                description=f"{' '.join(_counted(counts))}{worst} {rate:.1f}/s",
            )

        yield show
