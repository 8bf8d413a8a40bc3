"""Who works on which samples: one loop, over any back end that can take a task and report its end.

A task is a few samples, so that bounds are computed for all of them at once; how many adapts to the
time they take, and the answers do not depend on it. A worker that is lost costs the sample it was
at an attempt; that sample is then tried alone and the others in two halves, so that a bad sample
costs no other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Protocol

from verifier.runs.records import Record, failure
from verifier.runs.work import Context, solve

ATTEMPTS = 3  # in which a sample may lose its worker before it is given up
_QUICK, _SLOW = 2.0, 8.0  # seconds of a task, between which its size is kept
_LONG = 30.0  # above it, what a lost worker costs counts more than what a task has to prepare


@dataclass(frozen=True, slots=True)
class Finished:
    """The task in `slot` ended with these records."""

    slot: int
    records: list[Record]


@dataclass(frozen=True, slots=True)
class Lost:
    """The task in `slot` ended without records, after `done` of its samples.

    `begun` is false if the worker had not yet looked at the task, which then is not to blame.
    """

    slot: int
    done: int
    reason: str
    seconds: float
    worker: str = ""
    begun: bool = True


Event = Finished | Lost


class Backend(Protocol):
    """Takes a task a slot. `wait` returns after about `seconds` at the latest."""

    def free(self) -> list[int]:
        """The slots that can take a task."""

    def submit(self, slot: int, samples: tuple[int, ...]) -> None: ...

    def wait(self, seconds: float) -> list[Event]: ...

    def underway(self) -> int:
        """How many samples of running tasks are finished, as far as is known."""

    def close(self) -> None:
        """Ends all work at once, finished or not."""


class InProcess:
    """Works in this process, task after task; it cannot interrupt one that hangs."""

    def __init__(self, context: Context, progress: Callable[[], None] = lambda: None) -> None:
        self._context = context
        self._progress = progress
        self._task: tuple[int, ...] | None = None
        self._done = 0

    def free(self) -> list[int]:
        return [0] if self._task is None else []

    def submit(self, slot: int, samples: tuple[int, ...]) -> None:
        self._task = samples

    def wait(self, seconds: float) -> list[Event]:
        task, self._task = self._task, None
        if task is None:
            return []
        records = solve(self._context, task, self._note, worker="main")
        self._done = 0
        return [Finished(0, records)]

    def _note(self, done: int) -> None:
        self._done = done
        self._progress()

    def underway(self) -> int:
        return self._done

    def close(self) -> None:
        self._task = None


@dataclass(slots=True)
class Executor:
    """Runs samples through a back end.

    `finished` gets the records of a task as soon as it ends; `lost` gets the record of an attempt
    that will be repeated; `tick` is called at least once a second.
    """

    backend: Backend
    finished: Callable[[Sequence[Record]], None]
    lost: Callable[[Record], None]
    tick: Callable[[], None] = lambda: None
    first_size: int = 1
    largest_size: int = 256
    deadline: float | None = None
    grace: float = 0.0
    _size: int = 1
    _losses: Counter[int] = field(default_factory=Counter)
    _waiting: deque[int] = field(default_factory=deque)
    _again: deque[tuple[int, ...]] = field(default_factory=deque)
    _running: dict[int, tuple[tuple[int, ...], float]] = field(default_factory=dict)

    def run(self, samples: Sequence[int]) -> bool:
        """Whether all samples came to an end before the deadline."""
        self._waiting.extend(samples)
        self._size = self.first_size
        try:
            while self._waiting or self._again or self._running:
                if self._left() <= 0:
                    if not self._running or self._left() + self.grace <= 0:
                        return False
                else:
                    self._hand_out()
                for event in self.backend.wait(1.0):
                    self._take(event)
                self.tick()
            return True
        finally:
            self.backend.close()

    def _left(self) -> float:
        """Seconds until the deadline."""
        return inf if self.deadline is None else self.deadline - monotonic()

    def _hand_out(self) -> None:
        free = self.backend.free()
        slots = len(free) + len(self._running)
        for slot in free:
            if self._again:
                task = self._again.popleft()
            elif self._waiting:
                # Towards the end smaller tasks, so that no worker is left waiting for another; but
                # not so small that preparing them takes the time.
                share = max(-(-len(self._waiting) // slots), self.first_size // 4)
                count = min(self._size, share, len(self._waiting))
                task = tuple(self._waiting.popleft() for _ in range(count))
            else:
                return
            self._running[slot] = (task, monotonic())
            self.backend.submit(slot, task)

    def _take(self, event: Event) -> None:
        task, started = self._running.pop(event.slot)
        if isinstance(event, Finished):
            seconds = monotonic() - started
            if len(task) >= self._size and seconds < _QUICK:
                self._size = min(2 * self._size, self.largest_size)
            elif seconds > _SLOW:
                least = 1 if seconds > _LONG else min(self.first_size, self._size)
                self._size = max(least, min(self._size, len(task)) // 2)
            self.finished(event.records)
            return
        if not event.begun:
            self._waiting.extendleft(reversed(task))
            return
        culprit = task[min(event.done, len(task) - 1)]
        self._losses[culprit] += 1
        record = failure(culprit, event.reason, event.worker, event.seconds)
        if self._losses[culprit] < ATTEMPTS:
            self.lost(record)
            self._again.append((culprit,))
        else:
            self.finished([record])
        rest = tuple(sample for sample in task if sample != culprit)
        half = len(rest) // 2
        self._again.extend(part for part in (rest[:half], rest[half:]) if part)
