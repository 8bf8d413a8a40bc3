"""How many threads linear algebra uses while a search runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of the linear algebra that is loaded; looking for them takes a while."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra in one thread: matrices are small, sums come in one order, and where the other
    cores are busy, threads that wait for each other take a hundred times as long."""
    with _pools().limit(limits=1, user_api="blas"):
        yield
