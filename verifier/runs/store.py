"""The database of runs: a row a run, a sample, a sample and rival, and an attempt.

SQLite in WAL mode with foreign keys. A row is written only after the certificate it names is whole
on the disk, so a process may be killed at any moment. Facts about hosts and clock times stand apart
from results, which are the same wherever they were computed. `PRAGMA user_version` is the version
of the schema; an older one is read as it is, and migrated when it is opened for writing.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import parse_rational
from verifier.runs.fields import checked_rows, parse_object
from verifier.runs.records import ANSWERED, STATES, Record, State

SCHEMA = 4
_LONGEST = 1 << 28  # bytes of one value
_T = TypeVar("_T")
_BUSY_SECONDS = 60.0  # how long to wait for another writer of a shared store

_MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        folder TEXT NOT NULL,      -- of its files, relative to that of the database
        network TEXT NOT NULL,     -- digests
        data TEXT NOT NULL,
        question TEXT NOT NULL,    -- JSON, as in the manifest
        options TEXT NOT NULL,     -- JSON, of the search
        about TEXT NOT NULL,       -- JSON: names and numbers for people
        root TEXT                  -- of the manifest, once sealed
    );
    CREATE TABLE samples (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        sample INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'robust', 'flip', 'undecided', 'failed')),
        certificate TEXT,          -- SHA-256 of its text, and the name of its file
        text_bytes INTEGER NOT NULL DEFAULT 0,
        packed_bytes INTEGER NOT NULL DEFAULT 0,
        rival TEXT,
        reason TEXT,
        lower_bound TEXT,          -- of the margin, exact
        lowest_seen TEXT,
        nodes INTEGER NOT NULL DEFAULT 0,
        bounds_seconds REAL NOT NULL DEFAULT 0,
        search_seconds REAL NOT NULL DEFAULT 0,
        check_seconds REAL NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, sample),
        CHECK ((state IN ('robust', 'flip')) = (certificate IS NOT NULL))
    ) WITHOUT ROWID;
    CREATE INDEX samples_by_state ON samples (run, state);
    CREATE TABLE hosts (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        started TEXT NOT NULL,
        facts TEXT NOT NULL        -- JSON
    );
    CREATE TABLE attempts (        -- append only
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        sample INTEGER NOT NULL,
        host INTEGER NOT NULL REFERENCES hosts(id),
        worker TEXT NOT NULL,
        ended TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        state TEXT NOT NULL,
        reason TEXT,
        seconds REAL NOT NULL,
        FOREIGN KEY (run, sample) REFERENCES samples(run, sample) ON DELETE CASCADE
    );
    """,
    """
    CREATE TABLE rivals (          -- of samples that were answered or are undecided
        run INTEGER NOT NULL,
        sample INTEGER NOT NULL,
        goal INTEGER NOT NULL,     -- its number in the question
        rival TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'robust', 'flip', 'undecided')),
        lower_bound TEXT,          -- of the margin, exact, where the search computes one
        nodes INTEGER NOT NULL,    -- of the proof's tree for this goal
        PRIMARY KEY (run, sample, goal),
        FOREIGN KEY (run, sample) REFERENCES samples(run, sample) ON DELETE CASCADE
    ) WITHOUT ROWID;
    """,
    # A column of its own, for the states that a table may hold are fixed when it is made: of a
    # flip, whether its point is the sample itself.
    """
    ALTER TABLE samples ADD COLUMN misread INTEGER NOT NULL DEFAULT 0 CHECK (misread IN (0, 1));
    """,
    # Of a distance: the ends of its interval, exact; upper is NULL where no flip is known. Of a
    # margin: lower is NULL where nothing is proved.
    """
    ALTER TABLE samples ADD COLUMN lower TEXT;
    ALTER TABLE samples ADD COLUMN upper TEXT;
    """,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be equal for a run to be continued; the dictionaries hold texts and numbers."""

    network: str
    data: str
    question: dict[str, Any]
    options: dict[str, Any]
    samples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SampleRow:
    """What the database says of one sample."""

    sample: int
    state: State
    certificate: str | None
    text_bytes: int
    packed_bytes: int
    rival: str | None
    reason: str | None
    lower_bound: str | None
    lowest_seen: str | None
    nodes: int
    bounds_seconds: float
    search_seconds: float
    check_seconds: float
    attempts: int
    lower: str | None = None
    upper: str | None = None

    @property
    def is_close(self) -> bool:
        """Whether nothing more was asked: a distance that is not as close has a reason."""
        return self.state in ANSWERED and self.reason is None


@dataclass(frozen=True, slots=True)
class RivalRow:
    """What the database says of one sample and rival, with what the two share with the other
    rivals of the sample: the proof, which is one file, its size, and the seconds by phase."""

    sample: int
    goal: int
    rival: str
    state: State
    lower_bound: str | None
    nodes: int
    certificate: str | None
    text_bytes: int
    packed_bytes: int
    bounds_seconds: float
    search_seconds: float
    check_seconds: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the history."""

    sample: int
    worker: str
    ended: str
    state: str
    reason: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RunRow:
    """What the database says of a run; `counts` by state."""

    id: int
    name: str
    folder: str
    network: str
    data: str
    question: dict[str, Any]
    options: dict[str, Any]
    about: dict[str, Any]
    root: str | None
    counts: dict[State, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return sum(self.counts.values())


class EmptyStoreError(UserError):
    """The database was being made when its process ended."""


def _make(connection: sqlite3.Connection, before: int, after: int) -> None:
    for script in _MIGRATIONS[before:after]:
        for statement in script.split(";"):
            connection.execute(statement)


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Of everything in the database, by kind and name, how it was made, without comments."""
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return {
        (str(kind), str(name)): f"{table}: " + " ".join(re.sub("--.*", "", str(made)).split())
        for kind, name, table, made in found
    }


@cache
def _expected(version: int) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _make(connection, 0, version)
        return _schema(connection)


def _stored(state: State) -> tuple[State, int]:
    """The columns state and misread of a sample in this state."""
    return ("flip", 1) if state == "misread" else ("robust" if state == "measured" else state, 0)


def _state(stored: State, misread: int, measured: int) -> State:
    """The state of a sample by these columns; the second one says something of a flip alone, the
    third one, whether it has an interval, of what is stored as robust."""
    if measured and stored == "robust":
        return "measured"
    return "misread" if misread and stored == "flip" else stored


def _number(text: str | None) -> Fraction | None:
    return None if text is None else parse_rational(text)


def _where(run: int, states: Sequence[State]) -> tuple[str, tuple[Any, ...]]:
    """The samples of the run that may be in these states, as a condition and its values."""
    stored = sorted({_stored(state)[0] for state in states})
    marks = ", ".join("?" * len(stored))
    return f"WHERE run = ? AND state IN ({marks}) ORDER BY sample", (run, *stored)


class Store:
    """An open database. Use it as a context manager, in one thread."""

    def __init__(self, path: Path | str, *, create: bool = False, read_only: bool = False) -> None:
        """Opens the database at `path`.

        Raises UserError, naming the file, if it is missing, cannot be written, or of a version that
        is not known; RefusedError if it is damaged.
        """
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise UserError(f"{self.path}: no such run database")
        mode = "ro" if read_only else "rwc" if create else "rw"
        if read_only and not os.access(self.path.parent, os.W_OK):
            mode += "&immutable=1"  # no room for the files that readers and writers share
        with self._named():
            self._connection = sqlite3.connect(
                f"file:{quote(str(self.path.absolute()))}?mode={mode}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
            )
        try:
            with self._named():
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute("PRAGMA trusted_schema = OFF")
                self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
                version = self._known_version(read_only)
                if not read_only:
                    self._write_ahead()
                    if version < SCHEMA:
                        self._migrate()
                self._version = version if read_only else SCHEMA
        except UserError:
            self._connection.close()
            raise

    def _write_ahead(self) -> None:
        """Readers and a writer do not wait for each other from now on."""
        self._patiently("PRAGMA journal_mode = WAL")
        self._patiently("PRAGMA synchronous = NORMAL")

    def _patiently(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Executes it, also where SQLite does not wait by itself: while another process changes the
        mode, or begins or removes the log."""
        return self._patiently_done(lambda: self._connection.execute(statement, values))

    def _patiently_done(self, action: Callable[[], _T]) -> _T:
        end = monotonic() + _BUSY_SECONDS
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or monotonic() > end:
                    raise
            sleep(0.05)

    def _version_and_schema(self) -> tuple[Any, dict[tuple[str, str], str]]:
        """Both as they are at one moment."""
        self._connection.execute("BEGIN")
        try:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            return version, _schema(self._connection)
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            damaged = type(error) is sqlite3.DatabaseError
            if damaged:
                raise RefusedError("database damaged", f"{self.path}: {error}") from None
            raise UserError(f"{self.path}: {error}; what was finished is kept") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._named():
            self._patiently("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._patiently("COMMIT")

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._named():
            return self._patiently(statement, values).fetchall()

    def _rows(
        self, table: str, columns: str, rest: str, values: Sequence[Any] = (), *optional: str
    ) -> list[tuple[Any, ...]]:
        """The columns of the rows, each a value of its kind; raises RefusedError."""
        found = self._query(f"SELECT {columns} FROM {table} {rest}", values)
        names = [column.split()[-1].rpartition(".")[2] for column in columns.split(",")]
        return checked_rows(f"{self.path}: {table}", names, found, *optional)

    def _objects(self, table: str, texts: Iterable[str]) -> list[dict[str, Any]]:
        return [parse_object(f"{self.path}: {table}: {text[:20]!r}", text) for text in texts]

    def _known_version(self, read_only: bool) -> int:
        """The version of the database, which holds the tables of that version and nothing else.

        Before any table is read: a view in the place of one is somebody else's query, which need
        not end, and what a trigger does is not known.
        """
        version, found = self._patiently_done(self._version_and_schema)
        if version > SCHEMA:
            raise UserError(
                f"{self.path}: run database version {version}, this program reads {SCHEMA}"
            )
        expected = _expected(version) if version >= 0 else {}
        unknown = set(found) - set(expected)
        for kind, name in sorted(unknown, key=lambda made: (made[0] in ("table", "index"), made)):
            raise RefusedError("database damaged", f"{self.path}: it holds a {kind}, {name}")
        for kind, name in expected:
            if found.get((kind, name)) != expected[kind, name]:
                raise RefusedError(
                    "database damaged",
                    f"{self.path}: its {kind} {name} is not that of version {version}",
                )
        if version < 0:
            raise RefusedError("database damaged", f"{self.path}: version {version}")
        if read_only and version == 0:
            raise EmptyStoreError(f"{self.path}: no run has been begun in this database")
        return int(version)

    def _migrate(self) -> None:
        with self._transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version < SCHEMA:
                _make(connection, version, SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def runs(self) -> list[RunRow]:
        """All runs, in the order in which they were begun."""
        counts: dict[int, dict[State, int]] = {}
        for run, stored, misread, measured, count in self._query(
            f"SELECT run, state, {self._misread}, {self._measured}, count(*) FROM samples"
            " GROUP BY 1, 2, 3, 4"
        ):
            row = (run, stored, misread, measured)
            checked_rows(f"{self.path}: samples", ("run", "state", "misread", "measured"), [row])
            of_run = counts.setdefault(run, dict.fromkeys(STATES, 0))
            of_run[_state(stored, misread, measured)] += count
        found = self._rows(
            "runs",
            "id, name, folder, network, data, question, options, about, root",
            "ORDER BY id",
        )
        runs = []
        for number, name, folder, network, data, question, options, about, root in found:
            asked, limits, facts = self._objects("runs", (question, options, about))
            count = counts.get(number, dict.fromkeys(STATES, 0))
            runs.append(
                RunRow(number, name, folder, network, data, asked, limits, facts, root, count)
            )
        return runs

    def run(self, name: str | None = None) -> RunRow:
        """The run of that name, or the only one; raises UserError if there is none."""
        runs = self.runs()
        found = [run for run in runs if name is None or run.name == name]
        if len(found) != 1:
            listed = ", ".join(run.name for run in runs) or "none"
            raise UserError(f"{self.path}: no run {name or 'alone'}; there are: {listed}")
        return found[0]

    def add_run(self, name: str, folder: str, identity: Identity, about: dict[str, Any]) -> RunRow:
        """A new run with all samples open."""
        texts = [json.dumps(part) for part in (identity.question, identity.options, about)]
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (name, folder, network, data, question, options, about)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, folder, identity.network, identity.data, *texts),
            )
            run = cursor.lastrowid
            connection.executemany(
                "INSERT INTO samples (run, sample) VALUES (?, ?)",
                [(run, sample) for sample in identity.samples],
            )
        return self.run(name)

    def add_host(self, run: int, started: str, facts: dict[str, Any]) -> int:
        """Notes who continues the run from now on."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO hosts (run, started, facts) VALUES (?, ?, ?)",
                (run, started, json.dumps(facts)),
            )
        return cursor.lastrowid or 0

    def note_kernel(self, host: int, checker: str, share: dict[str, int]) -> None:
        """Notes with the session of this number what this kernel has replayed at its end."""
        with self._transaction() as connection:
            (text,) = connection.execute("SELECT facts FROM hosts WHERE id = ?", (host,)).fetchone()
            facts = json.loads(text) | {checker: share}
            connection.execute("UPDATE hosts SET facts = ? WHERE id = ?", (json.dumps(facts), host))

    def note_about(self, run: int, name: str, value: Any) -> None:
        """One more fact about the run, or another value of it; its seal is void."""
        with self._transaction() as connection:
            row = connection.execute("SELECT about FROM runs WHERE id = ?", (run,)).fetchone()
            facts = json.dumps(json.loads(row[0]) | {name: value})
            connection.execute("UPDATE runs SET about = ?, root = NULL WHERE id = ?", (facts, run))

    def set_options(self, run: int, options: dict[str, Any]) -> None:
        """The options under which open samples are searched from now on."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET options = ? WHERE id = ?", (json.dumps(options), run)
            )

    def record(self, run: int, host: int, records: Iterable[Record]) -> None:
        """Notes the ends of attempts; their certificates must be on the disk.

        A sample that has a proof or a flip keeps it, and an error does not replace an answer; but
        an interval that is not as close as asked gives way to one within it.
        """
        with self._transaction() as connection:
            for record in records:
                seconds = record.seconds
                connection.execute(
                    "INSERT INTO attempts (run, sample, host, worker, state, reason, seconds)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (run, record.sample, host, record.worker, _stored(record.state)[0],
                     record.reason, sum(seconds.values())),
                )  # fmt: skip
                connection.execute(
                    "UPDATE samples SET attempts = attempts + 1 WHERE run = ? AND sample = ?",
                    (run, record.sample),
                )
                replaceable = (
                    ("open", "failed") if record.state == "failed"
                    else ("open", "failed", "undecided")
                )  # fmt: skip
                lower, upper = record.ends or (None, None)
                changed = connection.execute(
                    "UPDATE samples SET lower = ?, upper = ?,"
                    " state = ?, misread = ?, certificate = ?, text_bytes = ?,"
                    " packed_bytes = ?, rival = ?, reason = ?, lower_bound = ?, lowest_seen = ?,"
                    " nodes = ?, bounds_seconds = ?, search_seconds = ?, check_seconds = ?"
                    " WHERE run = ? AND sample = ? AND (state IN"
                    f" ({', '.join('?' * len(replaceable))}) OR ?)",
                    (
                        lower, upper,
                        *_stored(record.state), record.digest, record.text_bytes,
                        len(record.certificate or b""), record.rival, record.reason,
                        record.lower_bound, record.lowest_seen, record.nodes,
                        seconds.get("bounds", 0.0), seconds.get("search", 0.0),
                        seconds.get("check", 0.0), run, record.sample, *replaceable,
                        self._is_within(run, record),
                    ),
                ).rowcount  # fmt: skip
                if changed:
                    connection.execute(
                        "DELETE FROM rivals WHERE run = ? AND sample = ?", (run, record.sample)
                    )
                    connection.executemany(
                        "INSERT INTO rivals (run, sample, goal, rival, state, lower_bound, nodes)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        [
                            (run, record.sample, rival.goal, rival.rival, rival.state,
                             rival.lower_bound, rival.nodes)
                            for rival in record.rivals
                        ],
                    )  # fmt: skip

    def _is_within(self, run: int, record: Record) -> bool:
        """Whether the record is an interval within the one that is stored."""
        if record.ends is None:
            return False
        found = self._rows(
            "samples", "lower, upper", "WHERE run = ? AND sample = ?", (run, record.sample)
        )
        lower, upper = map(_number, record.ends)
        least, most = map(_number, found[0]) if found else (None, None)
        if least is None and most is None:
            return False
        above = least is None or (lower is not None and lower >= least)
        return above and (most is None or (upper is not None and upper <= most))

    def attempt(self, run: int, host: int, record: Record) -> None:
        """Notes an attempt that ended in an error and will be repeated; the sample stays."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO attempts (run, sample, host, worker, state, reason, seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, record.sample, host, record.worker, _stored(record.state)[0], record.reason,
                 sum(record.seconds.values())),
            )  # fmt: skip
            connection.execute(
                "UPDATE samples SET attempts = attempts + 1 WHERE run = ? AND sample = ?",
                (run, record.sample),
            )

    def samples(self, run: int, states: Sequence[State] = STATES) -> list[SampleRow]:
        """The samples in these states, increasing."""
        found = self._rows(
            "samples",
            "sample, state, certificate, text_bytes, packed_bytes, rival, reason,"
            " lower_bound, lowest_seen, nodes, bounds_seconds, search_seconds, check_seconds,"
            f" attempts, {self._ends}, {self._misread}",
            *_where(run, states),
            "rival",
        )
        rows = []
        for sample, stored, certificate, *others, misread in found:
            if (stored in ANSWERED) != (certificate is not None):
                raise RefusedError(
                    "database damaged",
                    f"{self.path}: sample {sample} is {stored}, certificate {certificate}",
                )
            if (others[-2], others[-1]) != (None, None) and certificate is None:
                raise RefusedError(
                    "database damaged", f"{self.path}: sample {sample} has ends and no certificate"
                )
            state = _state(stored, misread, (others[-2], others[-1]) != (None, None))
            if state in states:
                rows.append(SampleRow(sample, state, certificate, *others))
        return rows

    @property
    def _misread(self) -> str:
        """The column that says so of a flip; of earlier versions it is not known."""
        return "misread" if self._version >= 3 else "0 AS misread"

    @property
    def _ends(self) -> str:
        """The columns of an interval; earlier versions have none."""
        return "lower, upper" if self._version >= 4 else "NULL AS lower, NULL AS upper"

    @property
    def _measured(self) -> str:
        some = "(lower IS NOT NULL OR upper IS NOT NULL)" if self._version >= 4 else "0"
        return f"{some} AS measured"

    def rivals(self, run: int) -> list[RivalRow]:
        """The samples and rivals on which something is known, by sample and goal; none in a
        database of version 1."""
        if self._version < 2:
            return []
        found = self._rows(
            "rivals",
            "sample, goal, rivals.rival, rivals.state, rivals.lower_bound, rivals.nodes,"
            " certificate, text_bytes, packed_bytes, bounds_seconds, search_seconds,"
            " check_seconds, reason",
            "JOIN samples USING (run, sample) WHERE run = ? ORDER BY sample, goal",
            (run,),
        )
        return [RivalRow(*row) for row in found]

    def pending(self, run: int, states: Sequence[State]) -> list[int]:
        """The numbers of the samples in these states, increasing."""
        columns = f"sample, state, {self._misread}, {self._measured}"
        found = self._rows("samples", columns, *_where(run, states))
        return [number for number, *those in found if _state(*those) in states]

    def unsettled(self, run: int) -> list[int]:
        """The samples with an interval that is not as close as asked, increasing."""
        rows = self.samples(run, ("measured",))
        return [row.sample for row in rows if not row.is_close]

    def attempts(self, run: int) -> list[Attempt]:
        """The history, oldest first."""
        columns = "sample, worker, ended, state, reason, seconds"
        found = self._rows("attempts", columns, "WHERE run = ? ORDER BY id", (run,))
        return [Attempt(*row) for row in found]

    def hosts(self, run: int) -> list[dict[str, Any]]:
        """Who worked on the run, oldest first."""
        found = self._rows("hosts", "started, facts", "WHERE run = ? ORDER BY id", (run,))
        return [{**self._objects("hosts", (facts,))[0], "started": at} for at, facts in found]

    def certificates(self, run: int) -> set[str]:
        """The hashes that samples of the run name."""
        where = "WHERE run = ? AND certificate NOT NULL GROUP BY certificate"
        found = self._rows("samples", "certificate", where, (run,))
        return {row[0] for row in found}

    def set_root(self, run: int, root: str | None) -> None:
        """Notes that the run is sealed under this root, or no longer sealed."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET root = ? WHERE id = ?", (root, run))

    def settle(self, *, shared: bool = False) -> None:
        """Everything is in the one file, which changes no more until it is opened for writing.

        If `shared`, others may be writing, and the file stays as they need it.
        """
        with self._named():
            if not shared:
                self._patiently("PRAGMA wal_checkpoint(TRUNCATE)")
                self._patiently("PRAGMA journal_mode = DELETE")  # not while somebody reads

    def check_integrity(self) -> None:
        """Returns if the database is whole; raises RefusedError, naming what is damaged."""
        found = self._query("PRAGMA integrity_check(1)") + self._query("PRAGMA foreign_key_check")
        if found[0] != ("ok",) or len(found) > 1:
            detail = " ".join(str(found[0 if found[0] != ("ok",) else 1][0]).split())
            raise RefusedError("database damaged", f"{self.path}: {detail}")
