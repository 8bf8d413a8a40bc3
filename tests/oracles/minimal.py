"""The third checker, as a module, and what it leaves to the others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

BEYOND_MINIMAL = (b'"symbolic"', b'"separable"', b'"ball"')  # rules that it does not know

FILE = Path(__file__).parents[2] / "tools" / "checker_minimal.py"
_SPEC = importlib.util.spec_from_file_location("checker_minimal", FILE)
minimal = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(minimal)
