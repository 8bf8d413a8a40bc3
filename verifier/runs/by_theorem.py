"""Runs that are certified by a theorem: a folder without proofs, or a run that takes both ways.

A folder that is certified by a theorem alone holds network, data, manifest and seal; there is
nothing to continue, so it has no database. Of a run the database notes which theorem it was, and
the manifest says so when it is sealed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj

from verifier.checker.manifest import Manifest, built_text, manifest_bytes
from verifier.evidence.data_file import Points, data_parts
from verifier.evidence.files import open_regular, replacing, write_bytes
from verifier.evidence.network_file import network_bytes
from verifier.evidence.packed import pack
from verifier.question.built import Built
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.runs.folder import CERTIFICATES, DATA, MANIFEST, NETWORK, SEAL, RunFolder
from verifier.runs.identity import THEOREM, theorem_of
from verifier.runs.run import Run
from verifier.runs.store import Store


@dataclass(frozen=True, slots=True)
class Subject:
    """A network in memory, or the native file of one that need not fit."""

    network: Network | Path

    def save(self, path: Path) -> None:
        """Writes the native file."""
        if isinstance(self.network, Network):
            write_bytes(path, network_bytes(self.network))
            return
        if path.exists() and path.samefile(self.network):
            return
        with open_regular(self.network) as source, replacing(path) as target:
            copyfileobj(source, target, 1 << 20)


def write_certified(path: Path, subject: Subject, points: Points, manifest: Manifest) -> None:
    """The folder holds what the manifest is about, and is sealed; the same claim gives the same
    bytes. Call it with what was checked in hand.

    Raises UserError if the folder holds anything else, or cannot be written.
    """
    folder = RunFolder(path)
    ours = {NETWORK, DATA, MANIFEST, SEAL, CERTIFICATES}
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: exists and is not a folder")
    others = [] if not path.exists() else sorted(e.name for e in path.iterdir())
    foreign = [name for name in others if name not in ours and not name.startswith(".")]
    if foreign or any((path / CERTIFICATES).glob("*")):
        what = foreign[0] if foreign else CERTIFICATES
        raise UserError(f"{path}: holds {what}: give another folder, or --by-ball for a run")
    text = manifest_bytes(manifest)
    if (path / MANIFEST).exists() and (path / MANIFEST).read_bytes() != text:
        raise UserError(f"{path}: holds another claim; give another folder")
    folder.make()
    with folder.lock():
        folder.unseal()
        subject.save(path / NETWORK)
        parts = data_parts(points.numerators, points.denominator, points.labels, points.label_names)
        write_bytes(path / DATA, pack(b"".join(parts)))
        folder.seal(manifest)


def certified_alone(path: Path) -> Manifest | None:
    """What a folder claims that is certified by a theorem alone; None of any other. Raises
    RefusedError if its manifest is altered."""
    folder = RunFolder(path)
    if folder.database.exists() or not folder.sealed:
        return None
    manifest = folder.manifest()
    return None if manifest.theorem is None or manifest.results else manifest


def note_theorem(run: Run, built: Built) -> None:
    """The manifest of the run names this theorem from now on."""
    with run.folder.lock(), Store(run.place.database) as store:
        row = run.place.row(store)
        if theorem_of(row.about) != built:
            store.note_about(row.id, THEOREM, json.loads(built_text(built)))
            run.folder.unseal()
        store.settle(shared=run.place.shared)
