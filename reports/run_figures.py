"""The figures of a run."""

from __future__ import annotations

from reports.document import Figure
from reports.stored_run import StoredRun


def radius_figures(run: StoredRun, prefix: str) -> list[Figure]:
    return []


def effort_figures(run: StoredRun, prefix: str) -> list[Figure]:
    return []


def region_figures(run: StoredRun, prefix: str) -> list[Figure]:
    return []
