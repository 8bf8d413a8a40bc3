"""Which methods worked on a query, how often, and what was turned down: for tables alone.

Counts are of calls, so that they are the same in every run (time-outs aside).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TALLY: ContextVar[Counter[str] | None] = ContextVar("tally", default=None)


@contextmanager
def tally() -> Iterator[Counter[str]]:
    """What is noted here, by name."""
    counts = Counter[str]()
    token = _TALLY.set(counts)
    try:
        yield counts
    finally:
        _TALLY.reset(token)


def note(name: str, times: int = 1) -> None:
    """Counts a method, or a refusal: a name that begins with "refused: " and says what."""
    counts = _TALLY.get()
    if counts is not None:
        counts[name] += times
