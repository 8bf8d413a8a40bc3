"""Commands as the shell calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The exit code of `robmem ARGUMENTS`, and what it printed on standard output and error."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err
