"""Where public data sets are that the project measures on and does not ship."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(os.environ.get("ROBMEM_DATA", Path(__file__).parents[3] / "shared" / "data"))
