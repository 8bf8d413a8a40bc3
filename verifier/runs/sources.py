"""Which files a run was read from: facts for people, of which no claim depends.

They stand in the database of the run as they were when it was begun, and enter neither what a run
is about nor the root of its manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.evidence.files import file_digest

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """The file `name`, of this SHA-256, was read for `kind`, the network or the data."""

    kind: str
    name: str
    digest: str

    @property
    def title(self) -> str:
        return f"{self.kind} file {self.name}"

    @property
    def facts(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "sha256": self.digest}


def read_sources(kind: str, paths: Iterable[Path | str]) -> list[Source]:
    """The files as they are now. Raises UserError if one cannot be read."""
    return [Source(kind, Path(path).name, file_digest(path)) for path in paths]


def sources_of(about: Mapping[str, Any]) -> list[Source]:
    """What a run has noted; what is no such note is left out."""
    found = []
    stored = about.get("sources")
    for entry in stored if isinstance(stored, list) else ():
        match entry:
            case {"kind": ("network" | "data") as kind, "name": str(name), "sha256": str(digest)}:
                if _DIGEST.fullmatch(digest):
                    found.append(Source(kind, name, digest))
    return found
