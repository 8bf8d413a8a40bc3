"""Fixtures that several test files use."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("robmem", deadline=None)  # how fast a machine is decides no test
settings.load_profile("robmem")
# In the background of a shell Ctrl-C is ignored, by the commands that tests interrupt as well.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder. net.npz reads a where |x| >= y + 1/2, else b; three.csv has three samples,
    all read as labelled."""
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    last = np.array([[1.0, 1, 0, 0], [0, 0, 1, -1]])
    np.savez("net.npz", W0=first, b0=np.zeros(4), W1=last, b1=np.array([0, 0.5]))
    Path("three.csv").write_text("0,0,b\n2,0,a\n3,3,b\n")
    return tmp_path
