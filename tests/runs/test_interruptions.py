"""Whatever happens to a run, it continues, and ends with the same bytes as an undisturbed one."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from constructions.registry import build
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.question.errors import UserError
from verifier.runs.place import place_of
from verifier.runs.run import Progress, Run, Summary, begin, continue_run
from verifier.runs.store import Attempt, Store
from verifier.search.options import Options

SAMPLES = 60


def wine() -> Dataset:
    return load("wine")


def started(folder: Path, **changes: Any) -> Run:
    dataset = wine()
    construction = build("linf", dataset, ratio=Fraction(99, 100))
    return begin(dataset, construction, folder=folder, samples=range(SAMPLES), **changes)


def evidence(folder: Path) -> dict[str, bytes]:
    """The files that must not depend on what happened; the history may."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and not path.name.startswith(("run.sqlite", "seal"))
    }


def history(folder: Path) -> list[Attempt]:
    place = place_of(folder)
    with Store(place.database, read_only=True) as store:
        return store.attempts(place.row(store).id)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert continue_run(started(folder)).robust == SAMPLES
    return evidence(folder)


def once(act: Callable[[], None]) -> Callable[[Progress], None]:
    """Acts at the first report in which work is under way."""
    done = False

    def observe(progress: Progress) -> None:
        nonlocal done
        if not done and progress.counts["open"] < SAMPLES:
            done = True
            act()

    return observe


def children() -> list[int]:
    return [child.pid or 0 for child in multiprocessing.active_children()]


def complete(folder: Path, summary: Summary, undisturbed: dict[str, bytes]) -> None:
    assert (summary.robust, summary.undecided) == (SAMPLES, 0)
    assert evidence(folder) == undisturbed
    assert main(["check", str(folder), "--json"]) == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes], jobs: int
) -> None:
    complete(tmp_path / "run", continue_run(started(tmp_path / "run"), jobs=jobs), undisturbed)
    assert {attempt.worker for attempt in history(tmp_path / "run")} <= {"process-0", "process-1"}


def test_a_killed_worker_costs_an_attempt(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "run"

    def kill() -> None:
        os.kill(children()[0], signal.SIGKILL)

    summary = continue_run(started(folder), jobs=2, observe=once(kill))
    complete(folder, summary, undisturbed)
    failed = [attempt for attempt in history(folder) if attempt.state == "failed"]
    assert len(failed) <= 1  # none if it was between two tasks
    for attempt in failed:
        assert attempt.reason == "worker died: SIGKILL"


def test_a_hanging_worker_is_killed(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "run"

    def stop() -> None:
        for child in children():
            os.kill(child, signal.SIGSTOP)

    summary = continue_run(started(folder), jobs=2, hard_limit=3, observe=once(stop))
    complete(folder, summary, undisturbed)
    failed = [attempt for attempt in history(folder) if attempt.state == "failed"]
    assert failed
    assert {attempt.reason for attempt in failed} == {"no answer in 3 s: killed"}


def test_a_worker_without_memory_fails_and_the_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(UserError, match="worker processes in a row ended before"):
        continue_run(started(folder), jobs=1, memory=20 << 20)
    summary = continue_run(started(folder), jobs=1)
    assert summary.robust == SAMPLES


def test_samples_that_need_too_much_memory_are_undecided_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifier.runs import work

    def exhausted(*arguments: Any, **named: Any) -> Any:
        raise MemoryError

    folder = tmp_path / "run"
    monkeypatch.setattr(work, "verify_batch", exhausted)
    counts = continue_run(started(folder)).counts
    assert (counts["undecided"], counts["failed"]) == (SAMPLES, 0)
    monkeypatch.undo()
    assert continue_run(started(folder), retry=("undecided",)).robust == SAMPLES


# ------------------------------------------------------------- the main process


def command(folder: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "verifier.cli.main", "certify", "--data", "wine",
        "--samples", f"0:{SAMPLES}", "--out", str(folder), "--jobs", "2", "--json", *more,
    ]  # fmt: skip


def answered(folder: Path) -> int:
    if not (folder / "run.sqlite").exists():
        return 0
    try:
        place = place_of(folder)
        with Store(place.database, read_only=True) as store:
            row = place.row(store)
        return row.samples - row.counts["open"]
    except UserError:  # it is being made at this moment
        return 0


def wait_for_answers(folder: Path, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 60
    while answered(folder) == 0 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)


def interrupt(folder: Path, signal_number: int) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(
        command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for_answers(folder, process)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "run"
    said = interrupt(folder, signal.SIGINT)
    if said.returncode != 0:  # else it was done before the signal came
        assert said.returncode == 130
        assert said.stderr.endswith("interrupted\n")
        assert "Traceback" not in said.stderr
        assert "the same command continues" in said.stderr
        assert answered(folder) > 0
    complete(folder, continue_run(started(folder)), undisturbed)


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(command(folder), stdout=subprocess.DEVNULL) as process:
        wait_for_answers(folder, process)
        started_by_it = descendants(process.pid)
        process.kill()
    assert len(started_by_it) > 2  # the server of the workers, and the workers
    end = time.monotonic() + 60
    while any(map(alive, started_by_it)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, started_by_it))


WAITING = """
import sys, time
from pathlib import Path
from verifier.runs.checking import Replayers
from verifier.runs.folder import RunFolder
if __name__ == "__main__":
    folder = RunFolder(Path(sys.argv[1]))
    manifest = folder.manifest()
    about = folder.network(), folder.points(), manifest.question, folder
    with Replayers(*about, 2) as replayers:
        for result in manifest.results[:2]:
            replayers.taken([result], replayers.submit([result]))
        print("ready", flush=True)
        time.sleep(600)
"""


def test_replaying_processes_do_not_outlive_a_killed_command(tmp_path: Path) -> None:
    """Nor do they hold its output open: who reads it sees its end."""
    folder, script = tmp_path / "run", tmp_path / "waiting.py"
    continue_run(started(folder))
    script.write_text(WAITING)
    there = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    asked = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, env=there) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        started_by_it = descendants(process.pid)
        process.kill()
        assert process.stdout.read() == b""
    assert len(started_by_it) >= 2
    end = time.monotonic() + 60
    while any(map(alive, started_by_it)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, started_by_it))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """None of a process that has ended."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in listed]


def descendants(pid: int) -> list[int]:
    found = []
    for child in children_of(pid):
        found += [child, *descendants(child)]
    return found


def kill_at_random(
    folder: Path, arguments: list[str], moments: int, longest: float, seed: int
) -> None:
    """Starts the command again and again and kills it at random moments of its life."""
    chance = random.Random(seed)
    for _ in range(moments):
        with subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(chance.uniform(0.3, longest))
            process.kill()
    for path in folder.rglob("*.json.gz"):
        if not path.name.startswith("."):
            assert path.stat().st_size > 20  # never half a file under a certificate's name


def test_kill_9_at_random_moments(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "run"
    kill_at_random(folder, command(folder), 4, 4.0, seed=1)
    complete(folder, continue_run(started(folder)), undisturbed)


@pytest.mark.slow
def test_kill_9_at_20_random_moments_of_digits(tmp_path: Path) -> None:
    def arguments(folder: Path) -> list[str]:
        return [
            sys.executable, "-m", "verifier.cli.main", "certify", "--out", str(folder),
            "--jobs", "2", "--json", "--quiet",
        ]  # fmt: skip

    began = time.monotonic()
    assert subprocess.run(arguments(tmp_path / "whole"), check=False).returncode == 0
    seconds = time.monotonic() - began
    folder = tmp_path / "run"
    kill_at_random(folder, arguments(folder), 20, seconds / 5, seed=2)
    assert subprocess.run(arguments(folder), check=False).returncode == 0
    assert evidence(folder) == evidence(tmp_path / "whole")
    assert main(["check", str(folder), "--json"]) == 0


# ------------------------------------------------------------------- the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB, where mounting one is possible."""
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(mount)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("mounting a tmpfs is not possible here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_full_disk_stops_the_run_and_the_store_stays_whole(
    small_disk: Path, undisturbed: dict[str, bytes]
) -> None:
    folder = small_disk / "run"
    run = started(folder)
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    ballast.write_bytes(bytes(free - (70 << 10)))
    with pytest.raises(UserError, match=r"No space left|disk is full|disk I/O"):
        continue_run(run)
    ballast.unlink()
    with Store(folder / "run.sqlite") as store:
        store.check_integrity()
    complete(folder, continue_run(started(folder)), undisturbed)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_of_the_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes], call: str
) -> None:
    folder = tmp_path / "run"
    run = started(folder)

    def full(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(UserError, match="No space left on device"):
        continue_run(run)
    monkeypatch.undo()
    assert list(folder.rglob("*.tmp")) == []
    assert answered(folder) == 0
    complete(folder, continue_run(started(folder)), undisturbed)


# --------------------------------------------------------------- a shared store


def test_two_runs_on_one_store_at_once(tmp_path: Path) -> None:
    store = tmp_path / "store"
    commands = [
        [sys.executable, "-m", "verifier.cli.main", "certify", "--data", data, "--json",
         "--store", str(store), "--jobs", "1"]
        for data in ("wine", "iris")
    ]  # fmt: skip
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    with Store(store / "runs.sqlite", read_only=True) as database:
        database.check_integrity()
        runs = database.runs()
    assert sorted(run.samples for run in runs) == [150, 178]
    for run in runs:
        assert run.counts["robust"] == run.samples
        assert main(["check", str(store / run.folder), "--json"]) == 0
        assert main(["runs", "show", str(store / run.folder)]) == 0
    assert main(["runs", "list", str(store)]) == 0
    assert main(["runs", "gc", str(store)]) == 0
    for c in commands:  # again: nothing is left to do
        assert subprocess.run(c, stdout=subprocess.DEVNULL, check=False).returncode == 0


# ------------------------------------------------------------------------ Dask


def test_dask_gives_the_same_bytes(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """Nor does a cluster beside another one, which has the port of Dask's dashboard."""
    pytest.importorskip("distributed")
    folder = tmp_path / "run"
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # it is taken, as it should be
            other.bind(("", 8787))
            other.listen()
        done = subprocess.run(
            [*command(folder), "--cluster", "local:2"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert evidence(folder) == undisturbed
    assert {attempt.worker for attempt in history(folder)} <= {"dask-0", "dask-1"}


def test_a_killed_dask_worker_changes_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    pytest.importorskip("distributed")
    folder = tmp_path / "run"
    with subprocess.Popen(
        [*command(folder), "--cluster", "local:2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wait_for_answers(folder, process)
        direct = children_of(process.pid)
        victims = [pid for pid in descendants(process.pid) if pid not in direct]
        if victims and process.poll() is None:
            os.kill(victims[-1], signal.SIGKILL)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, (process.returncode, output[-2000:], errors)
    assert evidence(folder) == undisturbed


# ----------------------------------------------------------------------- sizes


def statements_to_list_and_resume(folder: Path, count: int) -> list[str]:
    """What the database is asked when a run of so many samples is listed and resumed."""
    from verifier.runs.store import Identity

    folder.mkdir()
    with Store(folder / "run.sqlite", create=True) as store:
        store.add_run("r", ".", Identity("n", "d", {}, {}, tuple(range(count))), {})
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute(
            "UPDATE samples SET state = 'robust', certificate = printf('%064x', 7)"
            " WHERE sample % 2 = 0"
        )
    connection.close()
    asked: list[str] = []
    with Store(folder / "run.sqlite") as store:
        store._connection.set_trace_callback(asked.append)
        row = store.run()
        assert len(store.pending(row.id, ("open", "undecided"))) == count // 2
        assert len(store.samples(row.id)) == count
        assert row.counts["robust"] == count // 2
    return asked


def test_a_run_is_listed_and_resumed_by_as_many_statements_whatever_its_size(
    tmp_path: Path,
) -> None:
    """Its seconds at 100,000 samples are measured in `benchmarks/store.py`."""
    few = statements_to_list_and_resume(tmp_path / "few", 10)
    assert few == statements_to_list_and_resume(tmp_path / "many", 10_000)
    assert 0 < len(few) < 20


def test_a_task_of_samples_is_stored_by_one_transaction(tmp_path: Path) -> None:
    """Its milliseconds a sample are measured in `benchmarks/store.py`."""
    from verifier.evidence.packed import pack
    from verifier.runs.records import Record

    run = started(tmp_path / "run", options=Options())
    with Store(run.place.database) as store:
        host = store.add_host(1, "now", {})
        for task in range(0, SAMPLES, 20):
            records = [
                Record(s, "robust", pack(bytes([s]) * 2000), f"{s:064x}", 2000)
                for s in range(task, task + 20)
            ]
            asked: list[str] = []
            store._connection.set_trace_callback(asked.append)
            run.folder.write_certificates(records)
            store.record(1, host, records)
            store._connection.set_trace_callback(None)
            assert sum(text.startswith("COMMIT") for text in asked) == 1
