"""`python -m robmem` is the command `robmem`."""

from __future__ import annotations

import sys

import robmem  # refuses files that shadow its packages
from verifier.cli.main import main

__all__ = ["main", "robmem"]

if __name__ == "__main__":
    sys.exit(main())
