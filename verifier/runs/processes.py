"""Worker processes on this machine: each loads the network once, and may be killed at any time.

They are forked from a server process of one thread, which has imported what they need: a worker,
also one in the place of another that died, is at work a few hundredths of a second later.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import connection, forkserver, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic

from verifier.question.errors import UserError
from verifier.runs.admission import Unbelievable, admitted, shaped
from verifier.runs.executor import Event, Finished, Lost
from verifier.runs.folder import RunFolder
from verifier.runs.work import Context, Job, require_same, solve
from verifier.search.parent import end_with_parent

_STILLBORN = 4  # in a row, until the run is given up
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


_PRELOADED = ("verifier.runs.processes", "verifier.search.engine")


def prepare(*modules: str) -> None:
    """Starts the server from which workers are forked, if it does not run, and returns at once;
    besides what all workers need it imports these modules."""
    get_context("forkserver").set_forkserver_preload([*_PRELOADED, *modules])
    with _single_threaded():
        forkserver.ensure_running()


@dataclass(slots=True)
class _Worker:
    process: ForkServerProcess
    pipe: connection.Connection
    name: str
    task: tuple[int, ...] = ()
    done: int = 0
    ready: bool = False  # it has loaded network and data
    heard: float = 0.0  # when it last reported anything
    begun: float = 0.0


class Processes:
    """A back end of `count` processes that read network and data from the run folder.

    `hard_limit` is for how many seconds a worker may work on one sample without a report before it
    is killed; `memory` how many bytes of data each may hold.
    """

    def __init__(
        self,
        folder: Path,
        context: Context,
        count: int,
        hard_limit: float | None = None,
        memory: int | None = None,
    ) -> None:
        self._folder, self._context, self._memory = folder, context, memory
        self._hard_limit = hard_limit
        self._stillborn = 0  # workers in a row that died before they were ready
        prepare()
        self._workers = [self._start(slot) for slot in range(count)]

    def _start(self, slot: int) -> _Worker:
        server = get_context("forkserver")
        ours, theirs = server.Pipe()
        context = self._context
        expected = context.network.digest, context.points.digest
        process = server.Process(
            target=_work,
            args=(theirs, str(self._folder), expected, context.job, self._memory),
            daemon=True,
        )
        process.start()
        theirs.close()
        return _Worker(process, ours, f"process-{slot}", heard=monotonic())

    @property
    def pids(self) -> list[int]:
        """Of the workers, for those who watch them."""
        return [worker.process.pid or 0 for worker in self._workers]

    def free(self) -> list[int]:
        return [slot for slot, worker in enumerate(self._workers) if not worker.task]

    def submit(self, slot: int, samples: tuple[int, ...]) -> None:
        worker = self._workers[slot]
        worker.task, worker.done = samples, 0
        worker.heard = worker.begun = monotonic()
        with contextlib.suppress(OSError):  # it died meanwhile: `wait` will see that
            worker.pipe.send(samples)

    def wait(self, seconds: float) -> list[Event]:
        busy = {worker.pipe: slot for slot, worker in enumerate(self._workers) if worker.task}
        events: list[Event] = []
        for ready in connection.wait(list(busy), seconds):
            slot = busy[ready]  # type: ignore[index]
            worker = self._workers[slot]
            try:
                message: object = worker.pipe.recv()
            except (EOFError, OSError):
                events.append(self._lose(slot, None))
                continue
            if isinstance(message, str):
                events.append(self._lose(slot, message))
                continue
            worker.heard = monotonic()
            worker.ready, self._stillborn = True, 0
            if isinstance(message, int):
                worker.done = message
            else:
                events.append(self._taken(slot, message))
        if self._hard_limit is not None:
            for slot in busy.values():
                worker = self._workers[slot]
                if worker.task and monotonic() - worker.heard > self._hard_limit:
                    events.append(self._lose(slot, f"no answer in {self._hard_limit:g} s: killed"))
        return events

    def _taken(self, slot: int, message: object) -> Event:
        """The records, if they are of the samples asked about and were checked; else the worker is
        lost."""
        worker = self._workers[slot]
        try:
            records = admitted(self._context, shaped(message, worker.task))
        except Unbelievable as error:
            worker.done = error.place
            return self._lose(slot, f"not believed: {error.reason}")
        worker.task = ()
        return Finished(slot, [replace(record, worker=worker.name) for record in records])

    def _lose(self, slot: int, reason: str | None) -> Lost:
        """Ends the worker, if it still lives, and starts another in its place."""
        worker = self._workers[slot]
        if reason is not None:
            worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        if reason is None:
            reason = f"worker died: {_ending(worker.process.exitcode)}"
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise UserError(
                    f"{self._folder}: {self._stillborn} worker processes in a row ended before "
                    f"they had loaded the network, the last one: {reason}"
                )
        self._workers[slot] = self._start(slot)
        seconds = monotonic() - worker.begun
        return Lost(slot, worker.done, reason, seconds, worker.name, worker.ready)

    def underway(self) -> int:
        return sum(worker.done for worker in self._workers if worker.task)

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Processes started here use one thread each for linear algebra."""
    before = {name: os.environ.get(name) for name in _SINGLE_THREADED}
    os.environ.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(
    pipe: connection.Connection,
    folder: str,
    expected: tuple[str, str],
    job: Job,
    memory: int | None,
) -> None:
    """The life of a worker: load, then task after task until the pipe closes. `expected` are the
    digests of network and data."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the process that started us
    end_with_parent()  # the server, which goes with the process that started it
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    files = RunFolder(Path(folder))
    try:
        context = Context(files.network(), files.points(), job)
        require_same(context, expected)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process that started us says it
        pipe.send(" ".join(f"worker did not start: {type(error).__name__} {error}".split()))
        return
    try:
        pipe.send(0)
        while True:
            samples: tuple[int, ...] = pipe.recv()
            pipe.send(solve(context, samples, pipe.send))
    except (EOFError, OSError):
        return
