"""Workers of a Dask cluster: its scheduler places tasks, repeats those of lost workers, and scales.

Network and data travel once to each worker, as the files that a run folder holds; certificates come
back with the answers. Nothing that a worker says is believed: processes of this machine replay each
certificate before it is written. Needs the extra `robmem[cluster]`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from importlib import import_module
from time import monotonic
from typing import Any, ClassVar

from verifier.checker.manifest import Result
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.evidence.packed import unpack
from verifier.question.errors import RefusedError, UserError
from verifier.runs.admission import Unbelievable, result_of, shaped, with_check
from verifier.runs.checking import Replayers
from verifier.runs.executor import Event, Finished, Lost
from verifier.runs.folder import RunFolder
from verifier.runs.processes import prepare
from verifier.runs.records import Record
from verifier.runs.work import Context, Job, require_same, solve

_AHEAD = 2  # tasks for every thread of the cluster, so that none waits for the next
_COUNT_SECONDS = 2.0  # after which the threads are counted again: clusters scale
_CONNECT_SECONDS = 30


def prepare_local() -> None:
    """Workers of a cluster on this machine begin to load what they need."""
    prepare("distributed", "verifier.runs.cluster")


class Cluster:
    """A back end on the scheduler at `address`, or on `local:N`, N processes of this machine.

    `hard_limit` is for how many seconds a task of one sample may run before its worker is
    restarted, multiplied by the number of samples of a task; Dask itself limits the memory.
    `checkers` processes of this machine replay what comes back.
    """

    def __init__(
        self,
        context: Context,
        address: str,
        folder: RunFolder,
        checkers: int = 1,
        hard_limit: float | None = None,
    ) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError:
            raise UserError("--cluster needs Dask: pip install 'robmem[cluster]'") from None
        self._distributed: Any = distributed
        self._hard_limit = hard_limit
        self._local: Any = None
        target: Any = address
        if address.startswith("local:"):
            count = address.removeprefix("local:")
            if not (count.isascii() and count.isdigit() and int(count) > 0):
                raise UserError(f"--cluster: {address!r} is not local:N")
            prepare_local()
            dask: Any = import_module("dask")
            with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
                self._local = target = distributed.LocalCluster(
                    n_workers=int(count),
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",  # any free port, beside other clusters
                    silence_logs=logging.CRITICAL,
                )
        try:
            self._client: Any = distributed.Client(
                target, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise UserError(f"--cluster: {address}: {error or 'no answer'}") from None
        self._texts = (
            network_bytes(context.network),
            data_bytes(
                context.points.numerators,
                context.points.denominator,
                context.points.labels,
                context.points.label_names,
            ),
        )
        self._context = context
        self._replayers = Replayers(
            context.network, context.points, context.job.question, folder, checkers
        )
        self._expected = context.network.digest, context.points.digest
        self._files = self._scattered()
        self._replaying: dict[int, _Replay] = {}
        self._running: dict[int, tuple[Any, tuple[int, ...], float]] = {}
        self._counted, self._threads = 0.0, 0

    def free(self) -> list[int]:
        if monotonic() - self._counted > _COUNT_SECONDS:
            self._counted = monotonic()
            self._threads = sum(self._client.nthreads().values())
        taken = self._running.keys() | self._replaying.keys()
        return [slot for slot in range(_AHEAD * self._threads) if slot not in taken]

    def _scattered(self) -> Any:
        """Network and data on every worker that is there; later ones fetch them from these."""
        return self._client.scatter(self._texts, broadcast=True, hash=False)

    def submit(self, slot: int, samples: tuple[int, ...]) -> None:
        if any(file.status != "finished" for file in self._files):
            with contextlib.suppress(TimeoutError):  # no worker is left: the task will be lost
                self._files = self._scattered()  # the last worker that held them has died
        future = self._client.submit(
            remote, self._files, self._expected, self._context.job.of(samples), samples, pure=False
        )
        self._running[slot] = future, samples, monotonic()

    def wait(self, seconds: float) -> list[Event]:
        futures = [future for future, _, _ in self._running.values()]
        if any(replay.future.done() for replay in self._replaying.values()):
            pass  # there is something to hand over
        elif futures:
            with contextlib.suppress(TimeoutError, CancelledError), self._client.as_current():
                self._distributed.wait(futures, seconds, return_when="FIRST_COMPLETED")
        elif self._replaying:
            waiting = [replay.future for replay in self._replaying.values()]
            concurrent.futures.wait(waiting, seconds, return_when="FIRST_COMPLETED")
        events: list[Event] = []
        for slot, (future, samples, begun) in list(self._running.items()):
            try:
                lost = self._ended(slot, future, samples, begun)
            except Unbelievable as error:
                lost = self._not_believed(slot, future, error, begun)
            if lost is not None or slot in self._replaying:
                del self._running[slot]
            events += [] if lost is None else [lost]
        for slot, replay in list(self._replaying.items()):
            if replay.future.done():
                del self._replaying[slot]
                events.append(self._replayed(slot, replay))
        return events

    def _ended(self, slot: int, future: Any, samples: tuple[int, ...], begun: float) -> Lost | None:
        """How the task was lost; None if it runs, or is being replayed from now on."""
        seconds = monotonic() - begun
        if future.status == "finished":
            try:
                found = future.result()
            except Exception as lost:  # noqa: BLE001 - its worker ended meanwhile, or sent junk
                return Lost(slot, 0, _died(lost), seconds, "dask")
            records = shaped(found, samples)
            self._replaying[slot] = self._begin_replay(future, records, begun)
            return None
        if future.status == "pending":
            limit = self._hard_limit
            if limit is None or seconds < limit * len(samples) * _AHEAD:
                return None
            self._restart_worker_of(future)
            return Lost(slot, 0, f"no answer in {seconds:.0f} s: restarted", seconds, "dask")
        error = future.exception() if future.status == "error" else future.status
        return Lost(slot, 0, _died(error), seconds, "dask")

    def _begin_replay(self, task: Any, records: list[Record], begun: float) -> _Replay:
        claimed = [record for record in records if record.digest is not None]
        results = [result_of(record, self._context.job.question) for record in claimed]
        texts = {record.digest or "": unpack(record.certificate or b"") for record in claimed}
        return _Replay(task, self._replayers.submit(results, texts), results, records, begun)

    def _replayed(self, slot: int, replay: _Replay) -> Event:
        """The records with what was checked of them; a flaw costs the worker the task."""
        shown = dict(
            zip(
                [result.sample for result in replay.results],
                self._replayers.taken(replay.results, replay.future),
                strict=True,
            )
        )
        taken = []
        for place, record in enumerate(replay.records):
            if record.digest is not None:
                try:
                    answer = shown[record.sample]
                    if isinstance(answer, RefusedError):
                        raise answer
                    record = with_check(self._context, record, answer)
                except RefusedError as flaw:
                    error = Unbelievable(place, str(flaw))
                    return self._not_believed(slot, replay.task, error, replay.begun)
            taken.append(record)
        return Finished(slot, taken)

    def _not_believed(self, slot: int, task: Any, error: Unbelievable, begun: float) -> Lost:
        """The worker that holds the result, by the scheduler's own word, is named."""
        holders = self._client.who_has([task]).get(task.key) or ("a worker that has left",)
        reason = f"{holders[0]} is not believed: {error.reason}"
        return Lost(slot, error.place, reason, monotonic() - begun, str(holders[0]))

    def _restart_worker_of(self, future: Any) -> None:
        at = [address for address, keys in self._client.processing().items() if future.key in keys]
        future.cancel(force=True)
        if at:
            self._client.restart_workers(at, raise_for_error=False)

    def underway(self) -> int:
        return 0

    def close(self) -> None:
        for future, _, _ in self._running.values():
            future.cancel(force=True)
        self._running.clear()
        self._replaying.clear()
        self._replayers.close()
        self._client.close()
        if self._local is not None:
            self._local.close()


@dataclass(frozen=True, slots=True)
class _Replay:
    """A task of the cluster, begun at `begun`, that has come back and is being replayed."""

    task: Any
    future: Future[Any]
    results: list[Result]
    records: list[Record]
    begun: float


def _died(error: object) -> str:
    return "worker died: " + " ".join(f"{type(error).__name__}: {error}".split())[:300]


class _Worker:
    """What a worker of the cluster has loaded, by the digests of network and data."""

    held: ClassVar[dict[tuple[str, str], Context]] = {}


def remote(
    files: tuple[bytes, bytes], expected: tuple[str, str], job: Job, samples: Sequence[int]
) -> list[Record]:
    """The records of the samples, computed where Dask runs this. `expected` are the digests of
    network and data."""
    context = _Worker.held.get(expected)
    if context is None or context.job != job:
        context = Context(parse_network(files[0]), parse_data(files[1]), job)
        require_same(context, expected)
        _Worker.held.clear()
        _Worker.held[expected] = context
    name = f"dask-{import_module('distributed').get_worker().name}"
    return [replace(record, worker=name) for record in solve(context, samples)]
