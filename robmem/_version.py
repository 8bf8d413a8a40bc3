"""The version of the distribution."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

CHECKOUT = "0.2.0"  # the version of a checkout that is not installed

try:
    version = version_of("robmem")
except PackageNotFoundError:
    version = CHECKOUT
