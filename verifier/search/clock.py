"""When the time of a query is over: what takes long asks, and is left where it is.

A deadline is handed on as an argument, or stands over all that is called `within` it, so that a
loop far below asks with `tick()` what the time of its query is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)


class LateError(Exception):
    """The time of the query is over; what was begun about it is of no use."""


def check_time(deadline: float | None) -> None:
    """Raises LateError after `deadline`, a moment of the monotonic clock, if there is one."""
    if deadline is not None and monotonic() > deadline:
        raise LateError


@contextmanager
def within(deadline: float | None) -> Iterator[None]:
    """What is done here ends at `deadline`, or at one that stood over it before if that is
    earlier."""
    outer = _DEADLINE.get()
    known = [moment for moment in (outer, deadline) if moment is not None]
    token = _DEADLINE.set(min(known, default=None))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def tick() -> None:
    """Raises LateError after the deadline that stands over the caller."""
    check_time(_DEADLINE.get())


def seconds_left() -> float | None:
    """How long it is until then, None without a deadline; raises LateError after it."""
    deadline = _DEADLINE.get()
    if deadline is None:
        return None
    left = deadline - monotonic()
    if left <= 0:
        raise LateError
    return left


def halved(deadline: float | None) -> float | None:
    """The moment at which half of the time that is left is over."""
    now = monotonic()
    return None if deadline is None else now + (deadline - now) / 2
