"""Runs: what is stored, continued, sealed, and noticed when it is altered."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from constructions.registry import build
from tests.oracles.runs import DATA, RATIO, checked, database, files, started
from verifier.checker.manifest import Manifest, Question, Result, manifest_bytes
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Undecided
from verifier.evidence.packed import pack, unpack
from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import parse_rational
from verifier.runs import store as store_module
from verifier.runs import work
from verifier.runs.executor import Event, Executor, Finished, Lost
from verifier.runs.folder import RunFolder
from verifier.runs.identity import options_text
from verifier.runs.place import all_runs, place_of
from verifier.runs.records import Record, Rival, failure
from verifier.runs.run import begin, continue_run, question_of, summarize
from verifier.runs.store import SCHEMA, Identity, Store
from verifier.search.options import Options, Outcome


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "six"
    summary = continue_run(started(folder))
    assert (summary.robust, summary.flips, summary.undecided) == (6, 0, 0)
    return folder


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "copy"))


# ------------------------------------------------------------------ sealed runs


def test_a_sealed_run_is_replayed_from_its_files_alone(copy: Path) -> None:
    code, text = checked(copy)
    assert code == 0
    facts = json.loads(text)
    assert (facts["samples"], facts["robust"], facts["checked"]) == (6, 6, 6)
    assert facts["claim"].startswith("all 6 samples keep their label")


def test_checking_changes_nothing(copy: Path) -> None:
    before = files(copy, database=True)
    assert checked(copy)[0] == 0
    assert main(["runs", "show", str(copy)]) == 0
    assert main(["runs", "watch", "--once", str(copy)]) == 0
    assert files(copy, database=True) == before


def test_a_part_is_checked(copy: Path) -> None:
    code, text = checked(copy, "--sample", "2", "--seed", "1")
    assert code == 0
    assert json.loads(text)["checked"] == 2


def test_every_changed_byte_is_noticed(sealed: Path, tmp_path: Path) -> None:
    random_bytes = random.Random(0)
    folder = tmp_path / "run"
    shutil.copytree(sealed, folder)
    for name, content in files(sealed, database=True).items():
        few = len(content) <= 300
        positions = range(len(content)) if few else random_bytes.sample(range(len(content)), 40)
        for position in positions:
            changed = bytearray(content)
            changed[position] ^= 1 << random_bytes.randrange(8)
            (folder / name).write_bytes(changed)
            code, text = checked(folder)
            assert code == 4, f"{name} byte {position}: {text}"
            assert "Traceback" not in text
        (folder / name).write_bytes(content)
    assert checked(folder)[0] == 0


def test_every_missing_or_truncated_file_is_named(sealed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(sealed, folder)
    kinds = {
        "network.robmem": "network",
        "data.robmem.gz": "data",
        "run.sqlite": "database",
        "manifest.json": "manifest",
        "seal.json": "seal",
    }
    for name, content in files(sealed, database=True).items():
        kind = kinds.get(name, "certificate")
        (folder / name).unlink()
        code, text = checked(folder)
        assert (code, f"{kind} missing" in text) == (4, True), text
        (folder / name).write_bytes(content[:-3])
        code, text = checked(folder)
        assert code == 4
        assert kind in text
        (folder / name).write_bytes(content)
    assert checked(folder)[0] == 0


def test_a_database_that_says_something_else_is_refused(copy: Path) -> None:
    """Sealed again by somebody who can write every file; the evidence is as it was."""
    with contextlib.closing(sqlite3.connect(copy / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE samples SET state = 'flip' WHERE sample = 2")
    files_ = RunFolder(copy)
    files_.seal(files_.manifest())
    code, text = checked(copy)
    assert code == 4 and "database differs" in text, text


def reseal(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """What somebody would do who can write every file."""
    files_ = RunFolder(folder)
    manifest = change(files_.manifest())
    with sqlite3.connect(folder / "run.sqlite") as connection:
        for result in manifest.results:
            connection.execute(
                "UPDATE samples SET certificate = ?, state = ? WHERE sample = ?",
                (result.certificate, result.kind, result.sample),
            )
    connection.close()
    files_.seal(manifest)


def test_a_forged_radius_is_refused_for_the_proof(copy: Path) -> None:
    def wider(manifest: Manifest) -> Manifest:
        return replace(manifest, question=replace(manifest.question, radius=Fraction(2)))

    reseal(copy, wider)
    code, text = checked(copy)
    assert code == 4
    assert "sample" in text


def test_a_run_that_leaves_out_a_sample_claims_less(copy: Path) -> None:
    reseal(copy, lambda manifest: replace(manifest, results=manifest.results[1:]))
    code, text = checked(copy)
    assert code == 4
    assert "sample missing: " in text


def test_network_and_data_may_be_given(copy: Path, tmp_path: Path) -> None:
    rows = "\n".join(
        [*(f"{x},{y},{label}" for (x, y), label in zip(
            [(0, 0), (3, 0), (0, 4), (9, 9), (5, 5), (9, 1)], [0, 1, 2, 0, 1, 2], strict=True))]
    )  # fmt: skip
    (tmp_path / "six.csv").write_text(rows)
    given = ["--network", str(copy / "network.robmem"), "--data", str(tmp_path / "six.csv")]
    assert checked(copy, *given)[0] == 0
    (tmp_path / "six.csv").write_text(rows.replace("9,9,0", "9,8,0"))
    code, text = checked(copy, *given)
    assert (code, "other data" in text) == (4, True)
    other = build("linf", DATA, ratio=Fraction(1, 2)).network
    from verifier.evidence.network_file import save_network

    save_network(other, tmp_path / "other.robmem")
    code, text = checked(copy, "--network", str(tmp_path / "other.robmem"))
    assert (code, "another network" in text) == (4, True)


def test_an_unsealed_run_is_not_evidence(tmp_path: Path) -> None:
    run = started(tmp_path / "run")
    continue_run(run, seal=False)
    code, text = checked(tmp_path / "run")
    assert (code, "manifest missing" in text) == (4, True)
    assert main(["runs", "seal", str(tmp_path / "run")]) == 0
    assert checked(tmp_path / "run")[0] == 0


# ------------------------------------------------------------------ continuing


def test_same_question_same_bytes(sealed: Path, tmp_path: Path) -> None:
    continue_run(started(tmp_path / "again"))
    assert files(tmp_path / "again") == files(sealed)


def interrupt_after(count: int) -> Callable[..., list[Outcome]]:
    """A `verify_batch` that is interrupted like ctrl-C after so many calls."""
    from verifier.tasks.verify import verify_batch

    calls = 0

    def verify(*arguments: Any, **named: Any) -> list[Outcome]:
        nonlocal calls
        calls += 1
        if calls > count:
            raise KeyboardInterrupt
        return verify_batch(*arguments, **named)

    return verify


def test_a_run_continues_where_it_was_interrupted(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr(work, "verify_batch", interrupt_after(1))
    with pytest.raises(KeyboardInterrupt):
        continue_run(started(folder))
    with Store(folder / "run.sqlite", read_only=True) as store:
        counts = store.run().counts
    assert 0 < counts["robust"] < 6
    monkeypatch.undo()
    summary = continue_run(started(folder))
    assert summary.robust == 6
    assert files(folder) == files(sealed)
    with Store(folder / "run.sqlite", read_only=True) as store:
        assert len(store.attempts(1)) == 6
        assert len(store.hosts(1)) == 2


def test_a_finished_run_is_not_touched(copy: Path) -> None:
    before = files(copy, database=True)
    assert continue_run(started(copy)).robust == 6
    assert files(copy, database=True) == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"samples": [0, 1, 2]}, "samples 0:6, now asked is 0:3"),
        ({"options": Options(timeout=5)}, "timeout none, now asked is 5"),
        ({"options": Options(seed=7)}, "seed 0, now asked is 7"),
    ],
)
def test_a_run_about_something_else_is_refused(
    copy: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        started(copy, **changes)


def test_a_run_about_other_data_or_another_network_is_refused(copy: Path) -> None:
    other = Dataset.from_rows("other", [(0, 0), (3, 0)], [0, 1])
    with pytest.raises(UserError, match="this run has network"):
        begin(other, build("linf", other, ratio=RATIO), folder=copy)
    construction = build("linf", DATA, ratio=RATIO)
    asked = replace(question_of(construction), radius=Fraction(1, 7))
    with pytest.raises(UserError, match="has radius .*, now asked is 1/7"):
        begin(DATA, construction, asked, copy)
    moved = Dataset.from_rows("moved", [(0, 0), (3, 0), (0, 4), (9, 9), (5, 5), (9, 2)],
                              [0, 1, 2, 0, 1, 2])  # fmt: skip
    with pytest.raises(UserError, match="this run has data"):
        begin(moved, construction, folder=copy)


def test_a_run_that_was_never_begun_is_begun(tmp_path: Path, sealed: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.sqlite").write_bytes(b"")  # killed while the database was made
    (folder / ".network.robmem.123.tmp").write_bytes(b"half")
    with pytest.raises(UserError, match="no run has been begun"):
        summarize(place_of(folder), 6, {})
    continue_run(started(folder))
    (folder / ".network.robmem.123.tmp").unlink()
    assert files(folder) == files(sealed)


def test_new_starts_beside(copy: Path) -> None:
    run = started(copy, samples=[0], new=True)
    assert run.folder.path.name == "copy-2"
    assert continue_run(run).samples == 1


def test_limits_may_change_when_samples_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"

    def give_up(
        network: Any, queries: Sequence[Any], *rest: Any, answered: Any, **named: Any
    ) -> None:
        for number in range(len(queries)):
            answered(number, Outcome(Undecided("too hard", Fraction(-1, 2), Fraction(3))))

    monkeypatch.setattr(work, "verify_batch", give_up)
    summary = continue_run(started(folder, options=Options(nodes=1)))
    assert summary.undecided == 6
    with Store(folder / "run.sqlite", read_only=True) as store:
        row = store.samples(1)[0]
    assert (row.reason, row.lower_bound, row.lowest_seen) == ("too hard", "-1/2", "3")
    monkeypatch.undo()
    assert checked(folder)[0] == 3
    run = started(folder, options=Options(nodes=1))
    assert continue_run(run).undecided == 6  # nothing is open
    with pytest.raises(UserError, match="nodes"):
        started(folder, options=Options())
    run = started(folder, options=Options(), change_limits=True)
    assert continue_run(run, retry=("undecided",)).robust == 6
    assert checked(folder)[0] == 0


def test_an_error_of_the_search_fails_one_sample_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifier.tasks.verify import verify_batch

    def stumble(network: Any, queries: Sequence[Any], *rest: Any, **named: Any) -> list[Outcome]:
        if any(query.region.lower[0] < 0 < query.region.upper[1] < 3 for query in queries):
            raise ZeroDivisionError("division by zero")
        return verify_batch(network, queries, *rest, **named)

    folder = tmp_path / "run"
    monkeypatch.setattr(work, "verify_batch", stumble)
    summary = continue_run(started(folder))
    assert (summary.robust, summary.counts["failed"]) == (5, 1)
    with Store(folder / "run.sqlite", read_only=True) as store:
        assert store.samples(1, ("failed",))[0].reason == "ZeroDivisionError: division by zero"
    monkeypatch.undo()
    assert continue_run(started(folder)).counts["failed"] == 1
    assert continue_run(started(folder), retry=("failed",)).robust == 6


def test_the_whole_run_may_have_a_limit(tmp_path: Path) -> None:
    summary = continue_run(started(tmp_path / "run"), budget_seconds=0)
    assert summary.counts["open"] == summary.undecided == 6
    assert continue_run(started(tmp_path / "run")).robust == 6


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="is not a run"):
        started(tmp_path)
    with pytest.raises(UserError, match="is not a run"):
        started(tmp_path / "thesis.tex")


def test_two_processes_do_not_work_on_one_run(tmp_path: Path) -> None:
    run = started(tmp_path / "run")
    with run.folder.lock(), pytest.raises(UserError, match="another process is working"):
        continue_run(run)


# ---------------------------------------------------------------------- the store


def answer(sample: int) -> Record:
    packed = pack(b"proof")
    return Record(sample, "robust", packed, "0" * 64, 5, seconds={"search": 0.5})


def test_an_answer_is_never_replaced(tmp_path: Path) -> None:
    with database(tmp_path) as store:
        store.record(1, 1, [answer(0)])
        store.record(1, 1, [failure(0, "died"), Record(0, "undecided", reason="slow")])
        store.record(1, 1, [Record(1, "undecided", reason="slow")])
        store.record(1, 1, [failure(1, "died")])
        assert [row.state for row in store.samples(1)] == ["robust", "undecided", "open"]
        assert [row.attempts for row in store.samples(1)] == [3, 2, 0]
        assert [attempt.state for attempt in store.attempts(1)] == [
            "robust", "failed", "undecided", "undecided", "failed",
        ]  # fmt: skip


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with database(tmp_path) as store:
        bad = Record(1, "robust")  # an answer without a certificate
        with pytest.raises(UserError, match="CHECK"):
            store.record(1, 1, [answer(0), bad])
        assert store.run().counts["open"] == 3
        assert store.attempts(1) == []


def test_an_unknown_sample_is_refused_by_its_foreign_key(tmp_path: Path) -> None:
    with database(tmp_path) as store, pytest.raises(UserError, match="FOREIGN KEY"):
        store.attempt(1, 1, failure(7, "died"))


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    database(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(UserError, match=f"version {SCHEMA + 1}, this program reads {SCHEMA}"):
            Store(tmp_path / "run.sqlite", read_only=read_only)


def test_a_database_of_version_1_is_read_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(store_module._MIGRATIONS[0] + "PRAGMA user_version = 1;")
        connection.execute(
            "INSERT INTO runs VALUES (1, 'r', '.', 'n', 'd', '{}', '{}', '{}', ?)", ("0" * 64,)
        )
        connection.executemany("INSERT INTO samples (run, sample) VALUES (1, ?)", [(0,), (1,)])
        connection.execute(
            "UPDATE samples SET state='robust', certificate=? WHERE sample = 0", ("1" * 64,)
        )
        connection.execute("INSERT INTO hosts VALUES (1, 1, 'now', '{}')")
        connection.execute(
            "INSERT INTO attempts VALUES (1, 1, 0, 1, 'main', 'now', 'robust', NULL, 0.5)"
        )
    connection.close()
    before = path.read_bytes()
    with Store(path, read_only=True) as store:
        assert store.run().counts["robust"] == 1
        assert [row.state for row in store.samples(1)] == ["robust", "open"]
        assert store.rivals(1) == []
        store.check_integrity()
    assert path.read_bytes() == before
    with Store(path) as store:
        store.record(1, 1, [replace(answer(1), rivals=(Rival(0, "2", "robust", "1/3", 5),))])
        store.settle()
    with Store(path, read_only=True) as store:
        assert store._query("PRAGMA user_version") == [(SCHEMA,)]
        assert (store.run().root, store.run().counts["robust"]) == ("0" * 64, 2)
        assert len(store.attempts(1)) == 2
        (row,) = store.rivals(1)
        assert (row.sample, row.rival, row.lower_bound, row.certificate) == (
            1, "2", "1/3", "0" * 64,
        )  # fmt: skip
        store.check_integrity()


def test_a_row_for_every_sample_and_rival(sealed: Path) -> None:
    """On Linf balls the decoder `value` has two goals, and both margins are proved at least 0."""
    with Store(sealed / "run.sqlite", read_only=True) as store:
        rows = store.rivals(1)
    assert [(row.sample, row.goal) for row in rows] == [(i, k) for i in range(6) for k in (0, 1)]
    assert {row.state for row in rows} == {"robust"}
    for row in rows:
        assert row.certificate is not None and row.text_bytes > 0
        assert row.nodes >= 1
        assert parse_rational(row.lower_bound or "-1") >= 0


def test_a_flip_says_which_rival_won(tmp_path: Path) -> None:
    construction = build("linf", DATA, ratio=RATIO)
    wider = replace(question_of(construction), radius=Fraction(3))
    continue_run(begin(DATA, construction, wider, tmp_path / "run"))
    with Store(tmp_path / "run" / "run.sqlite", read_only=True) as store:
        samples = {row.sample: row for row in store.samples(1)}
        rivals = store.rivals(1)
    assert {row.state for row in samples.values()} == {"flip"}
    for sample, row in samples.items():
        own = [rival for rival in rivals if rival.sample == sample]
        assert sorted(rival.state for rival in own) == ["flip", "open"]
        assert [rival.rival for rival in own if rival.state == "flip"] == [row.rival]


def test_an_answer_keeps_its_rivals(tmp_path: Path) -> None:
    with database(tmp_path) as store:
        unknown = (Rival(0, "1", "undecided", "-1/2"), Rival(1, "2", "undecided"))
        store.record(1, 1, [Record(0, "undecided", reason="slow", rivals=unknown)])
        assert [row.lower_bound for row in store.rivals(1)] == ["-1/2", None]
        proved = (Rival(0, "1", "robust", "1/2", 3), Rival(1, "2", "robust", None, 1))
        store.record(1, 1, [replace(answer(0), rivals=proved)])
        store.record(1, 1, [Record(0, "undecided", reason="slow", rivals=unknown)])
        assert [(row.state, row.nodes) for row in store.rivals(1)] == [("robust", 3), ("robust", 1)]


def test_what_the_data_do_not_say_is_kept_for_readers(tmp_path: Path) -> None:
    images = replace(
        DATA, image_shape=(1, 2), pixel_range=(Fraction(0), Fraction(21, 2)),
        feature_names=("height", "width"),
    )  # fmt: skip
    run = begin(images, build("linf", images, ratio=RATIO), folder=tmp_path / "run")
    with Store(run.place.database, read_only=True) as store:
        about = store.run().about
    assert about["image_shape"] == [1, 2]
    assert about["pixel_range"] == ["0", "21/2"]
    assert about["feature_names"] == ["height", "width"]


def test_a_damaged_page_is_found_and_named(tmp_path: Path) -> None:
    with database(tmp_path, samples=5000) as store:
        store.settle()
    content = bytearray((tmp_path / "run.sqlite").read_bytes())
    for at in range(3 * 4096, 4 * 4096):
        content[at] = 0xA5
    (tmp_path / "run.sqlite").write_bytes(content)
    with (
        pytest.raises(RefusedError, match=r"database damaged: .*run\.sqlite"),
        Store(tmp_path / "run.sqlite", read_only=True) as store,
    ):
        store.check_integrity()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").write_text("no database at all, but long enough to be read as one")
    with pytest.raises(RefusedError, match="database damaged"):
        Store(tmp_path / "run.sqlite")
    with pytest.raises(UserError, match="no such run database"):
        Store(tmp_path / "missing.sqlite")


def test_two_writers_share_a_database(tmp_path: Path) -> None:
    with database(tmp_path) as first, Store(tmp_path / "run.sqlite") as second:
        first.record(1, 1, [answer(0)])
        second.record(1, 1, [answer(1)])
        assert first.run().counts["robust"] == second.run().counts["robust"] == 2


def test_flips_and_proofs_lie_under_their_hash(sealed: Path) -> None:
    import hashlib

    found = sorted((sealed / "certificates").iterdir())
    assert found
    for path in found:
        text = unpack(path.read_bytes())
        assert path.name == f"{hashlib.sha256(text).hexdigest()}.json.gz"


def test_gc_removes_what_no_run_names(copy: Path) -> None:
    (copy / "certificates" / f"{'0' * 64}.json.gz").write_bytes(pack(b"x"))
    (copy / "certificates" / ".half.tmp").write_bytes(b"x")
    kept = files(copy)
    assert main(["runs", "gc", str(copy)]) == 0
    del kept[f"certificates/{'0' * 64}.json.gz"]
    assert files(copy) == kept
    assert checked(copy)[0] == 0


@pytest.mark.parametrize("folder", ["..", "../elsewhere", "/tmp", ""])
def test_a_shared_store_names_no_folder_outside(tmp_path: Path, folder: str) -> None:
    with Store(tmp_path / "runs.sqlite", create=True) as store:
        store.add_run("r", folder, Identity("n", "d", {}, {}, (0,)), {})
    with pytest.raises(UserError, match="run r names the folder"):
        list(all_runs(tmp_path))


def test_summary_is_that_of_the_database(sealed: Path) -> None:
    summary = summarize(place_of(sealed), 6, {})
    assert (summary.robust, summary.checked, summary.size) == (0, 0, 6)
    assert (summary.counts["robust"], summary.recorded, summary.undecided) == (6, 6, 0)
    assert summary.claim.startswith("0 of 6 samples keep their label")
    assert summary.claim.endswith("6 recorded, not replayed here")
    assert summary.proof_bytes > 0


def test_manifest_needs_a_result() -> None:
    question = Question("inf", "nearest", Fraction(1))
    manifest = Manifest("0" * 64, "1" * 64, 2, question, (Result(1, "undecided", None),))
    assert b'"undecided", null' in manifest_bytes(manifest)


class Scripted:
    """A back end of two slots that ends tasks as it is told, and notes them."""

    def __init__(self, bad: set[int], seconds: float = 0.0) -> None:
        self.bad, self.seconds = bad, seconds
        self.tasks: dict[int, tuple[int, ...]] = {}
        self.seen: list[tuple[int, ...]] = []
        self.closed = False

    def free(self) -> list[int]:
        return [slot for slot in (0, 1) if slot not in self.tasks]

    def submit(self, slot: int, samples: tuple[int, ...]) -> None:
        self.tasks[slot] = samples
        self.seen.append(samples)

    def wait(self, seconds: float) -> list[Event]:
        time.sleep(self.seconds)
        events: list[Event] = []
        for slot, samples in self.tasks.items():
            if self.bad & set(samples):
                events.append(Lost(slot, 0, "worker died", 0.1))
            else:
                events.append(Finished(slot, [answer(sample) for sample in samples]))
        self.tasks.clear()
        return events

    def underway(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def test_a_bad_sample_costs_no_other() -> None:
    backend = Scripted({5, 30})
    finished: list[Record] = []
    lost: list[Record] = []
    executor = Executor(backend, finished.extend, lost.append, first_size=16)
    assert executor.run(range(64))
    assert backend.closed
    assert sorted(record.sample for record in finished) == list(range(64))
    assert {record.sample for record in finished if record.state == "failed"} == {5, 30}
    assert len(backend.seen) < 60  # halving, not one after another
    assert sum(task == (5,) for task in backend.seen) <= 3


def test_slow_samples_make_tasks_smaller_than_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a worker which is lost takes little along; tasks of under half a minute stay."""
    clock = [0.0]
    monkeypatch.setattr("verifier.runs.executor.monotonic", lambda: clock[0])

    class Slow(Scripted):
        def free(self) -> list[int]:
            return [] if self.tasks else [0]

        def wait(self, seconds: float) -> list[Event]:
            clock[0] += 2.0 * len(self.tasks[0])
            return super().wait(seconds)

    backend, finished = Slow(set()), list[Record]()
    assert Executor(backend, finished.extend, finished.append, first_size=64).run(range(200))
    assert [len(task) for task in backend.seen] == [64, 32, 16, *[8] * 11]


def test_a_worker_that_did_not_begin_costs_no_attempt() -> None:
    class Late(Scripted):
        def wait(self, seconds: float) -> list[Event]:
            if len(self.seen) > 4:
                return super().wait(seconds)
            events: list[Event] = [Lost(s, 0, "died", 0.1, begun=False) for s in self.tasks]
            self.tasks.clear()
            return events

    finished: list[Record] = []
    lost: list[Record] = []
    assert Executor(Late(set()), finished.extend, lost.append, first_size=4).run(range(8))
    assert [record.state for record in finished] == ["robust"] * 8
    assert lost == []


def test_no_task_begins_after_the_deadline() -> None:
    backend = Scripted(set(), seconds=0.05)
    finished: list[Record] = []
    executor = Executor(
        backend, finished.extend, finished.append, deadline=time.monotonic() + 0.12, grace=10
    )
    assert not executor.run(range(1000))
    assert backend.closed
    assert 0 < len(finished) < 1000
    assert sorted(record.sample for record in finished) == list(range(len(finished)))
    begun = {sample for task in backend.seen for sample in task}
    assert begun == {record.sample for record in finished}  # what had begun could end


def test_a_lock_that_sqlite_does_not_wait_for_is_waited_for(tmp_path: Path) -> None:
    """Another process may change the mode of the journal, or remove it, at any moment."""

    class Locked:
        """A connection that is locked the first two times."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection, self.left = connection, 2

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
            if self.left:
                self.left -= 1
                raise sqlite3.OperationalError("database is locked")
            return self.connection.execute(statement, values)

    with Store(tmp_path / "run.sqlite", create=True) as store:
        store._connection = locked = Locked(store._connection)  # type: ignore[assignment]
        assert store.runs() == []
        assert locked.left == 0


def test_settling_waits_for_whoever_reads(tmp_path: Path) -> None:
    """SQLite itself does not: a change of the journal fails at once while a reader is there."""
    store = database(tmp_path)
    reader = sqlite3.connect(tmp_path / "run.sqlite", check_same_thread=False)
    assert reader.execute("SELECT count(*) FROM samples").fetchone() == (3,)  # it stays open
    timer = threading.Timer(0.5, reader.close)
    timer.start()
    with store:
        store.settle()
    timer.join()
    assert not list(tmp_path.glob("*-wal"))


def test_how_many_processes_share_a_question_is_no_other_run() -> None:
    one, many = options_text(Options()), options_text(Options(jobs=7))
    assert one == many and one != options_text(Options(seed=1))
