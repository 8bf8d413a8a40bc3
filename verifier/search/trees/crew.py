"""Processes of this machine that share the questions of one search.

Each makes for itself, once, what answers, and then is asked one question after another. What they
say is as good as what the search says itself: a hint that the checker replays. A process that dies
is missed, and the search goes on without it.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

from verifier.search.clock import tick
from verifier.search.parent import end_with_parent
from verifier.search.threads import one_thread
from verifier.search.used import note, tally


class Starts(Protocol):
    """Makes in a process of its own what answers questions; can be pickled."""

    def __call__(self) -> Callable[..., Any]: ...


class GoneError(Exception):
    """A process has died, for want of memory or by somebody's hand."""


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection


class Crew:
    """`count` processes that answer questions as `start()` does; `end` is to be called."""

    def __init__(self, count: int, start: Starts) -> None:
        self._workers = [_started(start) for _ in range(count)]

    def answers(self, questions: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """The answers in the order of the questions, each of which is one call's arguments.

        Raises what a call raises, and GoneError if a process is lost. After either, or where not
        all answers were taken, the crew is of no more use."""
        idle, busy, found = list(self._workers), dict[Any, tuple[_Worker, int]](), dict[int, Any]()
        asked = 0
        for number in range(len(questions)):
            while number not in found:
                while idle and asked < len(questions):
                    worker = idle.pop()
                    with contextlib.suppress(OSError):  # it has died: there will be no answer
                        worker.pipe.send(questions[asked])
                    busy[worker.pipe] = worker, asked
                    asked += 1
                for pipe in wait(list(busy), 0.5):
                    worker, which = busy.pop(pipe)
                    found[which] = _answer(worker)
                    idle.append(worker)
                tick()
            answer = found.pop(number)
            if isinstance(answer, Exception):
                raise answer
            said, counts = answer
            for name, times in counts.items():
                note(name, times)
            yield said

    def end(self) -> None:
        """Ends the processes, whatever they do."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()


def _answer(worker: _Worker) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        return GoneError()


def _started(start: Starts) -> _Worker:
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_work, args=(theirs, start), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(pipe: Connection, start: Starts) -> None:
    """The life of a process: answers what comes until nobody is there."""

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with contextlib.suppress(EOFError, OSError), one_thread():
        answer = start()
        while True:
            question = pipe.recv()
            with tally() as counts:
                try:
                    pipe.send((answer(*question), dict(counts)))
                except Exception as error:  # noqa: BLE001 - the search has to know, whatever it is
                    pipe.send(error)
