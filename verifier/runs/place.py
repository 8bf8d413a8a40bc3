"""Where runs are stored: a folder with a database of its own, or one of many that share one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from verifier.question.errors import UserError
from verifier.runs.folder import DATABASE, FILES, MANIFEST, NETWORK, RunFolder
from verifier.runs.store import EmptyStoreError, RunRow, Store

SHARED = "runs.sqlite"  # the database of many runs, in the folder above theirs
DEFAULT = Path("runs")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of a run, its database, and its name there."""

    folder: RunFolder
    database: Path
    name: str

    @property
    def shared(self) -> bool:
        return self.database != self.folder.database

    def row(self, store: Store) -> RunRow:
        """The row of the run; a folder that was copied or renamed still holds its only run."""
        return store.run(self.name if self.shared else None)

    def exists(self) -> bool:
        """Whether the database knows the run."""
        if not self.database.exists():
            return False
        try:
            with Store(self.database, read_only=True) as store:
                runs = store.runs()
        except EmptyStoreError:
            return False
        return any(run.name == self.name for run in runs) if self.shared else bool(runs)


def place_of(path: Path | str, *, shared: bool = False) -> Place:
    """The place of the run in the folder `path`; its database is beside the folder if `shared`."""
    folder = RunFolder(Path(path))
    name = folder.path.absolute().name
    return Place(folder, folder.path.parent / SHARED if shared else folder.database, name)


def find_run(text: Path | str) -> Place:
    """The place of an existing run: a folder, or the name of one in ./runs.

    Raises UserError if no run is stored there.
    """
    for path in (Path(text), DEFAULT / text):
        if (path / DATABASE).is_file():
            return place_of(path)
        if (path / NETWORK).is_file() and (path.parent / SHARED).is_file():
            return place_of(path, shared=True)
    raise UserError(f"{text}: {_instead(Path(text))}")


def _instead(path: Path) -> str:
    """Why the path is no run; of a folder of runs, how one of them is named."""
    refused: list[Refusal] = []
    stored = [place.folder.path for place, _ in all_runs(path, refused)] if path.is_dir() else []
    if not stored:
        return "no run is stored there"
    listed = ", ".join(map(str, stored[:3])) + (", .." if len(stored) > 3 else "")
    return f"a folder of {len(stored)} runs; name one of them: {listed}"


def require_run(path: Path) -> None:
    """Returns if the folder has any file of a run; of what is missing then replay tells.

    Raises UserError that names the runs below it, or says that there is none, and what to type.
    """
    if any((path / name).exists() for name in FILES):
        return
    said = _instead(path)
    if not said.startswith("a folder of"):
        empty = "an empty folder, " if not any(path.iterdir()) else ""
        said = f"{empty}{said} (no {MANIFEST}); robmem certify --out {path} makes one"
    raise UserError(f"{path}: {said}")


Refusal = tuple[Path, UserError]
"""A database that cannot be read, and why."""


def all_runs(root: Path, refused: list[Refusal] | None = None) -> Iterator[tuple[Place, RunRow]]:
    """The runs in the folder `root`: itself, those below it, and those of its shared database.

    A database that cannot be read is added to `refused`, and the others are read all the same.
    Raises UserError if there is no such folder, and without `refused` for such a database; a
    missing ./runs is empty.
    """
    if not root.exists() and root != DEFAULT:
        raise UserError(f"{root}: no such folder")
    databases = [root / DATABASE] if (root / DATABASE).exists() else []
    databases = databases or sorted(root.glob(f"*/{DATABASE}"))
    for database in [*databases, *sorted([*root.glob(SHARED), *root.glob(f"*/{SHARED}")])]:
        try:
            yield from _runs_of(database)
        except UserError as error:
            if refused is None:
                raise
            refused.append((database, error))


def _runs_of(database: Path) -> list[tuple[Place, RunRow]]:
    shared = database.name == SHARED
    with Store(database, read_only=True) as store:
        if not shared:
            place = place_of(database.parent)
            return [(place, place.row(store))]
        runs = store.runs()
    for run in runs:
        if run.folder != Path(run.folder).name or run.folder in ("", ".."):
            raise UserError(f"{database}: run {run.name} names the folder {run.folder!r}")
    return [(place_of(database.parent / run.folder, shared=True), run) for run in runs]
