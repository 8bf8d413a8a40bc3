"""A worker process ends with the process that started it, also if that one is killed."""

from __future__ import annotations

import os
import threading
from time import sleep

LOOK = 0.5  # seconds between two looks at who the parent is


def end_with_parent() -> None:
    """From now on: this process ends when its parent is gone. A worker that waits for a task, or is
    busy for hours, would stay, and with it what it holds, such as the output of the command."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        sleep(LOOK)
    os._exit(1)
