"""Replaying certificates, in this process or in several of this machine."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, ClassVar

from verifier.checker.checked import Checked, Checker, Facts, of_local_process
from verifier.checker.intervals import LARGEST_CHUNK
from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    asked_of_run,
    check_results,
    run_checker,
)
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.runs.folder import RunFolder
from verifier.runs.store import Store
from verifier.runs.summary import require_ends, result_of
from verifier.runs.work import rare_collections
from verifier.search.parent import end_with_parent

_Answer = Facts | RefusedError | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was shown of the samples whose certificates hold, and the flaws of the others."""

    checked: dict[int, Checked]
    flaws: dict[int, RefusedError]

    def require(self) -> dict[int, Checked]:
        """What was shown, if there is no flaw; else RefusedError with the first one."""
        if self.flaws:
            first = self.flaws[min(self.flaws)]
            count = len(self.flaws) - 1
            more = f"; and {count} more flaw{'s' if count > 1 else ''}" if count else ""
            raise RefusedError(first.flaw, first.detail + more)
        return self.checked


@dataclass(frozen=True, slots=True)
class _Held:
    points: Points
    question: Question
    folder: RunFolder
    checker: Checker


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
        if row is None or result_of(row, manifest.question) != result:
            raise RefusedError(
                "database differs", f"{folder.database}: sample {result.sample} is not as claimed"
            )
    if stored:
        raise RefusedError(
            "sample missing", f"{folder.path}: sample {min(stored)} is not in the manifest"
        )


def check_ends(folder: RunFolder, shown: Mapping[int, Checked]) -> None:
    """Returns if the database has the intervals that were checked, of those that it has; raises
    RefusedError, naming the sample."""
    if folder.database.exists():
        with Store(folder.database, read_only=True) as store:
            require_ends(store.samples(store.run().id), shown, str(folder.database))


def check_run(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    jobs: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Replayed:
    """What the certificates of these results show; the questions are rebuilt from the arguments
    alone. An undecided result shows nothing."""
    shown = Replayed({}, {})
    if not results:
        return shown
    if jobs <= 1:
        held = _Held(points, question, folder, run_checker(network, points, question))
        with rare_collections():
            found = check_results(points, question, results, folder.fetch, held.checker)
            for done, (result, answer) in enumerate(zip(results, found, strict=True), start=1):
                _sort(shown, result, answer)
                progress(done)
        held.checker.current = None  # a round and its checker hold each other, and its bounds
        return shown
    count = min(LARGEST_CHUNK, -(-len(results) // jobs))
    parts = [results[begin : begin + count] for begin in range(0, len(results), count)]
    with Replayers(network, points, question, folder, min(jobs, len(parts))) as replayers:
        done = 0
        for part, future in [(part, replayers.submit(part)) for part in parts]:
            for result, answer in zip(part, replayers.taken(part, future), strict=True):
                _sort(shown, result, answer)
            done += len(part)
            progress(done)
    return shown


def _sort(shown: Replayed, result: Result, answer: Checked | RefusedError | None) -> None:
    if isinstance(answer, Checked):
        shown.checked[result.sample] = answer
    elif answer is not None:
        shown.flaws[result.sample] = answer


class Replayers:
    """Processes of this machine that replay certificates, and do nothing else."""

    def __init__(
        self, network: Network, points: Points, question: Question, folder: RunFolder, count: int
    ) -> None:
        self._network, self._points, self._question = network, points, question
        self._folder = folder
        held = (network, points, question, folder)
        self._pool = ProcessPoolExecutor(count, get_context("spawn"), _start, held)

    def __enter__(self) -> Replayers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def submit(
        self, results: Sequence[Result], texts: Mapping[str, bytes] | None = None
    ) -> Future[list[_Answer]]:
        """Begins with these; certificates are read from the folder, or are `texts` by hash."""
        return self._pool.submit(_check_part, tuple(results), texts)

    def taken(
        self, results: Sequence[Result], future: Future[list[_Answer]]
    ) -> list[Checked | RefusedError | None]:
        """What came of it, once it is there."""
        try:
            found = future.result()
        except BrokenProcessPool:
            raise UserError(f"{self._folder.path}: a checking process died; try --jobs 1") from None
        samples = [result.sample for result in results]
        asked = asked_of_run(self._points.digest, self._question, samples)
        digest = self._network.digest
        return [
            of_local_process(answer, about, digest, result.certificate or "")
            if isinstance(answer, Facts) else answer
            for result, about, answer in zip(results, asked, found, strict=True)
        ]  # fmt: skip

    def close(self) -> None:
        """Ends the processes; what has not begun is dropped."""
        self._pool.shutdown(cancel_futures=True)


def _start(network: Network, points: Points, question: Question, folder: RunFolder) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ctrl-C ends us without a word
    end_with_parent()
    checker = run_checker(network, points, question)
    _Process.held = _Held(points, question, folder, checker)


def _check_part(results: Sequence[Result], texts: Mapping[str, bytes] | None) -> list[Any]:
    """What `check_results` says; pickled on their way back, `Checked` values become facts."""
    held = _Process.held
    if held is None:
        raise RuntimeError("a checking process was not started")
    fetch = held.folder.fetch if texts is None else texts.__getitem__
    with rare_collections():
        return list(check_results(held.points, held.question, results, fetch, held.checker))
