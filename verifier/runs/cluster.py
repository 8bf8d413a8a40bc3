"""Workers of a Dask cluster: its scheduler places tasks, repeats those of lost workers, and scales.

Network and data travel once to each worker, as the files that a run folder holds; certificates come
back with the answers and are written here. Needs the extra `robmem[cluster]`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from time import monotonic
from typing import Any, ClassVar

from verifier.evidence.data_file import data_bytes, parse_data
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.question.errors import UserError
from verifier.runs.executor import Event, Finished, Lost
from verifier.runs.processes import prepare
from verifier.runs.records import Record
from verifier.runs.work import Context, Job, solve

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
    """

    def __init__(self, context: Context, address: str, hard_limit: float | None = None) -> None:
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
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
        try:
            self._client: Any = distributed.Client(
                target, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise UserError(f"--cluster: {address}: {error or 'no answer'}") from None
        files = (
            network_bytes(context.network),
            data_bytes(
                context.points.numerators,
                context.points.denominator,
                context.points.labels,
                context.points.label_names,
            ),
        )
        self._key = f"{context.network.digest}-{context.points.digest}"
        self._files = self._client.scatter(files, broadcast=True, hash=False)
        self._job = context.job
        self._running: dict[int, tuple[Any, tuple[int, ...], float]] = {}
        self._counted, self._threads = 0.0, 0

    def free(self) -> list[int]:
        if monotonic() - self._counted > _COUNT_SECONDS:
            self._counted = monotonic()
            self._threads = sum(self._client.nthreads().values())
        return [slot for slot in range(_AHEAD * self._threads) if slot not in self._running]

    def submit(self, slot: int, samples: tuple[int, ...]) -> None:
        future = self._client.submit(remote, self._files, self._key, self._job, samples, pure=False)
        self._running[slot] = future, samples, monotonic()

    def wait(self, seconds: float) -> list[Event]:
        futures = [future for future, _, _ in self._running.values()]
        if futures:
            with contextlib.suppress(TimeoutError), self._client.as_current():
                self._distributed.wait(futures, seconds, return_when="FIRST_COMPLETED")
        events: list[Event] = []
        for slot, (future, samples, begun) in list(self._running.items()):
            lost = self._ended(slot, future, samples, begun)
            if lost is not None:
                del self._running[slot]
                events.append(lost)
        return events

    def _ended(
        self, slot: int, future: Any, samples: tuple[int, ...], begun: float
    ) -> Event | None:
        seconds = monotonic() - begun
        if future.status == "finished":
            return Finished(slot, future.result())
        if future.status == "pending":
            limit = self._hard_limit
            if limit is None or seconds < limit * len(samples) * _AHEAD:
                return None
            self._restart_worker_of(future)
            return Lost(slot, 0, f"no answer in {seconds:.0f} s: restarted", seconds, "dask")
        error = future.exception() if future.status == "error" else future.status
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Lost(slot, 0, f"worker died: {reason}", seconds, "dask")

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
        self._client.close()
        if self._local is not None:
            self._local.close()


class _Worker:
    """What a worker of the cluster has loaded, by the digests of network and data."""

    held: ClassVar[dict[str, Any]] = {}


def remote(files: tuple[bytes, bytes], key: str, job: Job, samples: Sequence[int]) -> list[Record]:
    """The records of the samples, computed where Dask runs this."""
    if key not in _Worker.held:
        _Worker.held.clear()
        _Worker.held[key] = parse_network(files[0]), parse_data(files[1])
    network, points = _Worker.held[key]
    name = f"dask-{import_module('distributed').get_worker().name}"
    records = solve(Context(network, points, job), samples)
    return [replace(record, worker=name) for record in records]
