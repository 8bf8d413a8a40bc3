"""A run on the disk: the files from which everything can be replayed.

    network.robmem                  the native file of the network
    data.robmem.gz                  the whole data set, exact
    certificates/<sha256>.json.gz   a proof or a flip, under the hash of its text
    run.sqlite                      what came out of every sample, and how (see `store.py`);
                                    of a shared store: ../runs.sqlite
    manifest.json                   what is claimed, once the run is sealed
    seal.json                       the hashes of all these files

Every file is written under another name, synced, and renamed, so that it is whole or missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.checker.manifest import Manifest, manifest_bytes, parse_manifest
from verifier.evidence.data_file import Points, parse_data
from verifier.evidence.files import open_regular, read_regular, sync_folder, write_bytes
from verifier.evidence.network_file import load_network, network_bytes
from verifier.evidence.packed import pack, read_bytes, unpack
from verifier.evidence.strict_json import parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.runs.records import Record

NETWORK = "network.robmem"
DATA = "data.robmem.gz"
DATABASE = "run.sqlite"
CERTIFICATES = "certificates"
MANIFEST = "manifest.json"
SEAL = "seal.json"
FILES = (NETWORK, DATA, DATABASE, CERTIFICATES, MANIFEST, SEAL)
"""What a run has in its folder; one that has none of them is no damaged run, but none."""
_LOCK = ".lock"
_SYNCS = 8  # at once; the file system commits them together


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run, and how they are read and written."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def certificate(self, digest: str) -> Path:
        return self.path / CERTIFICATES / f"{digest}.json.gz"

    @property
    def sealed(self) -> bool:
        return (self.path / SEAL).exists() and (self.path / MANIFEST).exists()

    def make(self) -> None:
        """The folder exists. Raises UserError if it cannot be made, or leads elsewhere."""
        self._refuse_links()
        try:
            (self.path / CERTIFICATES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.path}: {error.strerror or error}") from None

    def _refuse_links(self) -> None:
        for name in (CERTIFICATES, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", _LOCK):
            if (self.path / name).is_symlink():
                raise UserError(f"{self.path / name}: a link; no run is written through links")

    def create(self, network: Network, data: bytes) -> None:
        """Writes network and data. Raises UserError if they cannot be written."""
        write_bytes(self.path / NETWORK, network_bytes(network))
        write_bytes(self.path / DATA, pack(data))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else writes to the run meanwhile; raises UserError if somebody does, or if
        one of its files is a symbolic link."""
        self._refuse_links()
        try:
            handle = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise UserError(f"{self.path}: {error.strerror or error}") from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{self.path}: another process is working on this run") from None
            yield
        finally:
            os.close(handle)

    def network(self) -> Network:
        """The network of the run; raises RefusedError if it is missing or altered."""
        try:
            return load_network(self._present(NETWORK))
        except RefusedError:
            raise
        except UserError as error:
            raise RefusedError("network altered", str(error)) from None

    def points(self) -> Points:
        """The data of the run; raises RefusedError if they are missing or altered."""
        try:
            return parse_data(read_bytes(self._present(DATA)))
        except RefusedError as error:
            raise RefusedError("data altered", f"{self.path / DATA}: {error}") from None

    def manifest(self) -> Manifest:
        """What the run claims; raises RefusedError if the manifest is missing or altered."""
        path = self.path / MANIFEST
        if not path.exists() and self.database.exists():
            raise RefusedError("manifest missing", f"{path}: seal the run with: robmem runs seal")
        try:
            return parse_manifest(read_bytes(self._present(MANIFEST)))
        except RefusedError as error:
            if error.flaw.endswith("missing"):
                raise
            raise RefusedError("manifest altered", f"{path}: {error}") from None

    def _present(self, name: str) -> Path:
        if not (self.path / name).is_file():
            raise RefusedError(f"{name.split('.')[0]} missing", f"{self.path / name}: no such file")
        return self.path / name

    def fetch(self, digest: str) -> bytes:
        """The text of the certificate; raises RefusedError if it is missing or altered."""
        path = self.certificate(digest)
        try:
            packed = read_regular(path)
        except FileNotFoundError:
            raise RefusedError("certificate missing", str(path)) from None
        except OSError as error:
            raise RefusedError("certificate unreadable", f"{path}: {error.strerror}") from None
        try:
            text = unpack(packed)
        except RefusedError as error:
            raise RefusedError("certificate altered", f"{path}: {error}") from None
        # Whoever reads it once more after the checker gets what the checker got, or this error.
        found = hashlib.sha256(text).hexdigest()
        if found != digest:
            raise RefusedError("certificate altered", f"{path}: the hash of its text is {found}")
        return text

    def sizes(self, digests: Iterable[str]) -> tuple[int, int]:
        """The bytes of these certificates as text, each time, and packed, equal ones once.

        The size of a text is read off the end of its file and not checked here.
        """
        text, packed = dict[str, int](), dict[str, int]()
        total = 0
        for digest in digests:
            if digest not in text:
                content = self.certificate(digest).read_bytes()
                text[digest] = int.from_bytes(content[-4:], "little")
                packed[digest] = len(content)
            total += text[digest]
        return total, sum(packed.values())

    def write_certificates(self, records: Iterable[Record]) -> None:
        """The certificates of the records are on the disk, whole, when this returns."""
        found = {r.digest: r.certificate for r in records if r.certificate is not None and r.digest}
        if not found:
            return
        try:
            with ThreadPoolExecutor(min(_SYNCS, len(found))) as pool:
                for _ in pool.map(self._write_certificate, found, found.values()):
                    pass
            sync_folder(self.path / CERTIFICATES)
        except OSError as error:
            raise UserError(f"{self.path / CERTIFICATES}: {error.strerror or error}") from None

    def _write_certificate(self, digest: str, packed: bytes) -> None:
        path = self.certificate(digest)
        try:
            if path.exists() and path.read_bytes() == packed:
                return
        except OSError:
            pass  # unreadable: written again below
        write_bytes(path, packed, settle=False)

    def unnamed(self, digests: set[str]) -> list[Path]:
        """Certificates under other hashes than these, and what interrupted writing left behind."""
        found = [
            path
            for path in (self.path / CERTIFICATES).iterdir()
            if path.name.removesuffix(".json.gz") not in digests
        ]
        return sorted([*found, *self.path.glob(".*.tmp")])

    def unseal(self) -> None:
        """The run is open again."""
        for name in (SEAL, MANIFEST):
            (self.path / name).unlink(missing_ok=True)

    def seal(self, manifest: Manifest) -> None:
        """Writes the manifest, then the hashes of all files; the database must be settled."""
        write_bytes(self.path / MANIFEST, manifest_bytes(manifest))
        write_bytes(self.path / SEAL, _seal_bytes(self._hashes(self._sealed_names(manifest))))

    def check_seal(self, manifest: Manifest) -> None:
        """Returns if every byte is as it was sealed; raises RefusedError, naming the file."""
        path = self._present(SEAL)
        data = read_bytes(path)
        try:
            stated = parse_json(data)
        except RefusedError as error:
            raise RefusedError("seal altered", f"{path}: {error}") from None
        if (
            not isinstance(stated, dict)
            or set(stated) != {"robmem_seal", "files"}
            or not isinstance(stated["files"], dict)
            or _seal_bytes(stated["files"]) != data
        ):
            raise RefusedError("seal altered", f"{path}: it is not written as this program does")
        files: dict[str, Any] = stated["files"]
        names = self._sealed_names(manifest, database=DATABASE in files)
        if sorted(files) != sorted(names):
            differ = sorted(set(files) ^ set(names))[0]
            raise RefusedError("seal altered", f"{path}: it does not fit the manifest: {differ}")
        for name, digest in self._hashes(names).items():
            if files[name] != digest:
                raise RefusedError(
                    f"{_kind(name)} altered",
                    f"{self.path / name}: its hash is {digest}, the seal says {files[name]}",
                )

    def _sealed_names(self, manifest: Manifest, *, database: bool = False) -> list[str]:
        names = [NETWORK, DATA, MANIFEST] + [DATABASE] * (database or self.database.exists())
        digests = {r.certificate for r in manifest.results if r.certificate is not None}
        return names + [f"{CERTIFICATES}/{digest}.json.gz" for digest in sorted(digests)]

    def _hashes(self, names: Iterable[str]) -> dict[str, str]:
        found = {}
        for name in names:
            state = hashlib.sha256()
            try:
                with open_regular(self.path / name) as stream:
                    while block := stream.read(1 << 20):
                        state.update(block)
            except FileNotFoundError:
                raise RefusedError(f"{_kind(name)} missing", str(self.path / name)) from None
            except OSError as error:
                raise RefusedError(
                    f"{_kind(name)} unreadable", f"{self.path / name}: {error.strerror}"
                ) from None
            found[name] = state.hexdigest()
        return found


def _seal_bytes(files: dict[str, str]) -> bytes:
    return json.dumps({"robmem_seal": 1, "files": files}, indent=0, sort_keys=True).encode() + b"\n"


def _kind(name: str) -> str:
    if name.startswith(CERTIFICATES):
        return "certificate"
    return "database" if name == DATABASE else name.split(".")[0]
