"""When the time of a query is over: what takes long asks, and is left where it is."""

from __future__ import annotations

from time import monotonic


class LateError(Exception):
    """The time of the query is over; what was begun about it is of no use."""


def check_time(deadline: float | None) -> None:
    """Raises LateError after `deadline`, a moment of the monotonic clock, if there is one."""
    if deadline is not None and monotonic() > deadline:
        raise LateError
