"""Replaying a sealed run, in this process or in several."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ClassVar

from verifier.checker.intervals import LARGEST_CHUNK
from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    check_results,
    scaled_network,
)
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.runs.folder import RunFolder
from verifier.runs.store import Store
from verifier.runs.work import rare_collections


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the evidence for a sample."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Held:
    network: Network
    points: Points
    question: Question
    folder: RunFolder
    scaled: ScaledNetwork


class _Process:
    """What a checking process holds, set once when it starts."""

    held: ClassVar[_Held | None] = None


def check_files(folder: RunFolder, manifest: Manifest) -> None:
    """Returns if every file is as it was sealed and the database says what the manifest says.

    Raises RefusedError, naming the file.
    """
    folder.check_seal(manifest)
    if not folder.database.exists():
        return  # a run of a shared store, copied without it
    with Store(folder.database, read_only=True) as store:
        store.check_integrity()
        stored = {row.sample: row for row in store.samples(store.run().id)}
    for result in manifest.results:
        row = stored.pop(result.sample, None)
        if row is None or row.certificate != result.certificate:
            raise RefusedError(
                "database differs", f"{folder.database}: sample {result.sample} is not as claimed"
            )
    if stored:
        raise RefusedError(
            "sample missing", f"{folder.path}: sample {min(stored)} is not in the manifest"
        )


def check_run(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    jobs: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Flaw]:
    """The flaws of these results, by sample; the questions are rebuilt from the arguments alone."""
    if jobs <= 1:
        return _flaws(_hold(network, points, question, folder), results, progress)
    count = min(LARGEST_CHUNK, -(-len(results) // jobs))
    parts = [results[begin : begin + count] for begin in range(0, len(results), count)]
    count, held = min(jobs, len(parts)), (network, points, question, folder)
    done, flaws = 0, list[Flaw]()
    try:
        with ProcessPoolExecutor(count, get_context("spawn"), _start, held) as pool:
            for part, found in zip(parts, pool.map(_check_part, parts), strict=True):
                flaws += found
                done += len(part)
                progress(done)
    except BrokenProcessPool:
        raise UserError(
            f"{folder.path}: a checking process died after {done} samples; try --jobs 1"
        ) from None
    return flaws


def _hold(network: Network, points: Points, question: Question, folder: RunFolder) -> _Held:
    return _Held(network, points, question, folder, scaled_network(network, points, question))


def _start(network: Network, points: Points, question: Question, folder: RunFolder) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ctrl-C ends us without a word
    _Process.held = _hold(network, points, question, folder)


def _check_part(results: Sequence[Result]) -> list[Flaw]:
    if _Process.held is None:
        raise RuntimeError("a checking process was not started")
    return _flaws(_Process.held, results, lambda done: None)


def _flaws(held: _Held, results: Sequence[Result], progress: Callable[[int], None]) -> list[Flaw]:
    found = check_results(
        held.network, held.points, held.question, results, held.folder.fetch, held.scaled
    )
    flaws = []
    with rare_collections():
        for done, flaw in enumerate(found, start=1):
            if flaw is not None:
                flaws.append(Flaw(flaw.flaw, flaw.detail))
            progress(done)
    return flaws
