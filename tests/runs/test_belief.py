"""What comes from a database, a folder or a worker claims nothing until it was replayed here."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import sqlite3
import weakref
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.oracles.runs import started
from verifier.checker.checked import Checked, Facts
from verifier.checker.manifest import Question
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.packed import unpack
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.runs import by_kernel, processes, work
from verifier.runs.admission import Unbelievable, admitted, result_of, shaped, with_check
from verifier.runs.by_kernel import KernelShare, replay_some
from verifier.runs.centers import centers_of_run
from verifier.runs.checking import Replayers
from verifier.runs.executor import Finished, Lost
from verifier.runs.records import Record
from verifier.runs.run import Run, begin, continue_run
from verifier.runs.store import Store
from verifier.runs.work import Context, Job, solve
from verifier.search.options import Options

LINE = Dataset.from_rows("line", [(0,), (1,), (2,), (3,)], [0, 0, 1, 1])
ASKED = Question("inf", "argmax", Fraction(1, 4))


def network(threshold: Fraction) -> Network:
    """Reads label 1 from x = threshold on."""
    build = NetworkBuilder(1)
    (z,) = build.layer([build.inputs[0]])
    return build.network([threshold - z, z - threshold])


GOOD, BAD = network(Fraction(3, 2)), network(Fraction(5, 2))  # BAD loses sample 2


@pytest.fixture
def flips(tmp_path: Path) -> Path:
    """A run that has one flip among four samples."""
    summary = continue_run(begin(LINE, BAD, ASKED, tmp_path / "flips"))
    assert (summary.robust, summary.flips) == (3, 1)
    return tmp_path / "flips"


def edited(folder: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()


def again(folder: Path, **how: Any) -> Any:
    return continue_run(begin(LINE, BAD, ASKED, folder), **how)


# ------------------------------------------------------------------ databases


def test_a_flip_that_is_renamed_is_refused(flips: Path, capsys: Any, tmp_path: Path) -> None:
    edited(flips, "UPDATE samples SET state = 'robust', rival = NULL")
    with pytest.raises(RefusedError, match="another verdict: sample 2"):
        again(flips)
    summary = again(flips, replay=False)
    assert (summary.robust, summary.checked, summary.recorded) == (0, 0, 4)
    assert summary.claim.startswith("0 of 4 samples keep")
    assert "4 recorded, not replayed here" in summary.claim
    capsys.readouterr()
    assert main(["runs", "seal", str(flips), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["checked"], facts["recorded"]) == (0, 4)
    assert facts["claim"].startswith("0 of 4 samples keep")
    assert main(["check", str(flips), "--jobs", "1"]) == 4
    assert "another verdict: sample 2" in capsys.readouterr().err
    for option, checked in (("--no-replay", 0), ("--jobs=1", 3)):
        assert main(["report", str(flips), "-o", str(tmp_path / option), option]) == 0
        values = json.loads((tmp_path / option / "report.json").read_text())
        assert (values["counts"]["robust"], values["checked"]) == (checked, checked)
        assert values["recorded"] == 4 - checked
        assert not values["claim"].startswith("All")
        page = (tmp_path / option / "index.html").read_text()
        assert "recorded, not replayed here" in page
        assert "recorded, not replayed here" in (tmp_path / option / "report.tex").read_text()
    assert "sample 2: another verdict" in page


def test_accuracies_count_what_was_replayed(flips: Path) -> None:
    run = begin(LINE, BAD, ASKED, flips)
    asked = run.place, run.network, run.points, ASKED
    before = centers_of_run(*asked, again(flips).shown)
    assert before.facts == {"misread": 1, "clean": 3, "certified": 3, "flips": 0}
    edited(flips, "UPDATE samples SET state = 'robust', rival = NULL")
    after = centers_of_run(*asked, again(flips, replay=False).shown)
    assert after.misread == (2,)
    assert after.facts == {"misread": 1, "clean": 3, "certified": 0, "flips": 0}


def test_a_certificate_of_the_database_must_be_there(flips: Path) -> None:
    edited(flips, "UPDATE samples SET certificate = ? WHERE sample = 2", "0" * 64)
    with pytest.raises(RefusedError, match="certificate missing"):
        again(flips)


def test_lists_say_that_nothing_was_replayed(flips: Path, capsys: Any) -> None:
    for call in (["runs", "list", str(flips)], ["runs", "show", str(flips)],
                 ["runs", "watch", "--once", str(flips)]):  # fmt: skip
        capsys.readouterr()
        assert main(call) == 0
        assert "recorded" in capsys.readouterr().out
    assert main(["runs", "show", str(flips), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["checked"], facts["recorded"], facts["misread"]) == (0, 4, 1)


def test_a_part_of_the_proofs_claims_that_part(flips: Path, capsys: Any) -> None:
    capsys.readouterr()
    assert main(["check", str(flips), "--sample", "1", "--seed", "0", "--json", "--jobs", "1"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["checked"], facts["recorded"], facts["robust"] + facts["flips"]) == (1, 3, 1)
    assert "3 recorded, not replayed here" in facts["claim"]


def test_a_continued_run_claims_what_it_replayed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert again(folder, budget_seconds=0).recorded == 0
    first = begin(LINE, BAD, ASKED, tmp_path / "two")
    continue_run(first)
    edited(
        tmp_path / "two", "UPDATE samples SET state = 'open', certificate = NULL WHERE sample = 0"
    )
    done: list[tuple[int, int]] = []
    kept = again(tmp_path / "two", replay=False)
    assert (kept.checked, kept.recorded) == (1, 3)
    whole = again(tmp_path / "two", replayed=lambda *one: done.append(one))
    assert (whole.checked, whole.recorded, done[-1]) == (4, 0, (4, 4))


# ------------------------------------------------------------------ folders


@pytest.mark.parametrize("name", ["network.robmem", "data.robmem.gz"])
@pytest.mark.parametrize("jobs", [0, 1])
def test_a_folder_with_the_files_of_another_run_is_refused(
    tmp_path: Path, name: str, jobs: int
) -> None:
    other = Dataset.from_rows("other", [(0,), (1,), (2,), (4,)], [0, 0, 1, 1])
    begin(other, GOOD, ASKED, tmp_path / "other")
    begin(LINE, BAD, ASKED, tmp_path / "run")
    shutil.copy(tmp_path / "other" / name, tmp_path / "run" / name)
    with pytest.raises(RefusedError, match=f"{name.split('.')[0]} altered"):
        again(tmp_path / "run", jobs=jobs)


def test_a_worker_refuses_a_folder_that_changes_under_it(tmp_path: Path) -> None:
    """The files are exchanged after the run was begun: the workers see it, each for itself."""
    run = begin(LINE, BAD, ASKED, tmp_path / "run")
    begin(LINE, GOOD, ASKED, tmp_path / "other")
    shutil.copy(tmp_path / "other/network.robmem", tmp_path / "run/network.robmem")
    with pytest.raises(Exception, match="network altered"):
        continue_run(run, jobs=1)


# ------------------------------------------------------------------ workers


def context(asked: Question = ASKED) -> Context:
    from verifier.runs.run import points_of

    return Context(BAD, points_of(LINE), Job(asked, Options()))


HERE = context()
RECORDS = solve(HERE, [0, 1, 2, 3])


def from_afar(record: Record) -> Record:
    """The record as another process hands it over."""
    assert isinstance(record.checked, Checked)
    return replace(record, checked=record.checked.facts)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r[0], state="robust", certificate=b"junk", digest="0" * 64, text_bytes=4),
        lambda r: replace(r[0], sample=1),
        lambda r: replace(r[0], digest="0" * 64),
        lambda r: replace(r[0], certificate=None),
        lambda r: replace(r[0], certificate=r[2].certificate),
        lambda r: replace(r[0], state="undecided"),
        lambda r: replace(r[0], state="open", certificate=None, digest=None),
        lambda r: replace(r[0], lower_bound="much"),
        lambda r: replace(r[0], worker="\x1b[2J"),
        lambda r: replace(r[0], nodes=-1),
        lambda r: replace(r[0], seconds={"check": "long"}),
        lambda r: replace(r[0], rivals=("one",)),
        lambda r: "robust",
        lambda r: None,
    ],
)
def test_junk_is_not_taken(change: Callable[[list[Record]], object]) -> None:
    with pytest.raises(Unbelievable) as caught:
        shaped([RECORDS[3], change(RECORDS)], [3, 0])
    assert caught.value.place == 1
    for few in (None, [], [RECORDS[0]], tuple(RECORDS[:2])):
        with pytest.raises(Unbelievable):
            shaped(few, [0, 1])
    assert shaped(RECORDS[:2], [0, 1]) == RECORDS[:2]


def test_a_process_is_taken_at_its_word_for_what_was_asked_alone() -> None:
    far = [from_afar(record) for record in RECORDS]
    taken = admitted(HERE, far)
    assert [one.checked.verdict for one in taken] == ["robust", "robust", "flip", "robust"]  # type: ignore[union-attr]
    facts = far[0].checked
    assert isinstance(facts, Facts)
    flip = far[2].checked
    assert isinstance(flip, Facts)
    for wrong in (
        None,
        replace(facts, network=GOOD.digest),
        replace(facts, asked=replace(facts.asked, data="0" * 64)),
        replace(facts, asked=replace(facts.asked, sample=1)),
        replace(facts, certificate=far[1].digest) if far[1].digest != far[0].digest else None,
    ):
        with pytest.raises(Unbelievable):
            admitted(HERE, [replace(far[0], checked=wrong)])
    with pytest.raises(Unbelievable, match="another verdict"):
        admitted(HERE, [replace(far[2], state="robust")])
    wide = context(replace(ASKED, radius=Fraction(2)))
    with pytest.raises(Unbelievable, match="another question"):
        admitted(wide, far[:1])


def test_certificates_from_afar_are_replayed(tmp_path: Path) -> None:
    """One that proves something else, or nothing, is refused with its flaw."""
    run: Run = begin(LINE, BAD, ASKED, tmp_path / "run")
    other = solve(Context(GOOD, run.points, Job(ASKED, Options())), [2])[0]  # holds of GOOD
    claimed = [RECORDS[0], replace(RECORDS[2], state="robust"), other, RECORDS[2]]
    texts = {record.digest or "": unpack(record.certificate or b"") for record in claimed}
    results = [result_of(record, ASKED) for record in claimed]
    with Replayers(BAD, run.points, ASKED, run.folder, 1) as replayers:
        shown = replayers.taken(results, replayers.submit(results, texts))
    flaws = [one.flaw if isinstance(one, RefusedError) else None for one in shown]
    assert flaws == [None, "another verdict", "another network", None]
    assert isinstance(shown[3], Checked) and shown[3].verdict == "flip"
    assert with_check(HERE, RECORDS[2], shown[3]).rival == "0"
    with pytest.raises(RefusedError, match="another verdict"):
        with_check(HERE, replace(RECORDS[2], state="robust"), shown[3])


def lying(pipe: Any, *rest: Any) -> None:
    """A worker process that answers "robust" without a proof."""
    pipe.send(0)
    while True:
        samples = pipe.recv()
        pipe.send([Record(s, "robust", b"junk", "0" * 64, 4) for s in samples])


def test_a_process_that_lies_is_lost_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_work", lying)
    run = begin(LINE, BAD, ASKED, tmp_path / "run")
    backend = processes.Processes(run.folder.path, HERE, 1)
    try:
        backend.submit(0, (0, 1))
        events: list[Any] = []
        while not events:
            events = backend.wait(1.0)
    finally:
        backend.close()
    (event,) = events
    assert isinstance(event, Lost) and not isinstance(event, Finished)
    assert "not believed: sample 0" in event.reason
    assert event.worker == "process-0"


LIAR = """
import verifier.runs.cluster as cluster
from verifier.runs.records import Record
def solve(context, samples, *rest, **named):
    return [Record(s, "robust", b"junk", "0" * 64, 4, nodes=1) for s in samples]
cluster.solve = solve
"""


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs Dask")
def test_a_worker_of_a_cluster_that_lies_costs_attempts_and_is_named(tmp_path: Path) -> None:
    from distributed import LocalCluster

    (tmp_path / "liar.py").write_text(LIAR)
    run = begin(LINE, BAD, ASKED, tmp_path / "run")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50,
        preload=[str(tmp_path / "liar.py")],
    ) as cluster:  # fmt: skip
        summary = continue_run(run, cluster=cluster.scheduler_address)
        (address,) = [worker.worker_address for worker in cluster.workers.values()]
    assert (summary.robust, summary.checked, summary.counts["failed"]) == (0, 0, 4)
    with Store(tmp_path / "run" / "run.sqlite", read_only=True) as store:
        attempts = store.attempts(store.run().id)
    assert all(address in (one.reason or "") for one in attempts)
    assert all("not believed" in (one.reason or "") for one in attempts)
    assert len(attempts) == 4 * 3


def test_the_kernel_replays_what_fits_into_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(LINE, BAD, ASKED, tmp_path / "run")
    summary = continue_run(run)
    given = run.folder, BAD, run.points, ASKED, summary.shown
    assert replay_some(*given, 1e9, 7) == KernelShare(4, 4, 7)
    assert replay_some(*given, 0.0, 7) == KernelShare(0, 4, 7)
    flip = next(one for one in summary.shown.values() if one.verdict == "flip")
    with pytest.raises(RefusedError, match="sample 0: .*kernel"):
        replay_some(*given[:4], {0: flip}, 1e9, 7)
    before = signal.getsignal(signal.SIGALRM)
    begun: list[int] = []

    def endless(*about: Any) -> None:
        begun.append(1)
        number = Fraction(1, 3)
        while len(begun) > 1:
            number = 1 / (number + 1).limit_denominator(9)

    monkeypatch.setattr(by_kernel, "kernel_check_result", endless)
    assert replay_some(*given, 0.5, 7) == KernelShare(1, 4, 7)  # the second one is given up
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_alarm_is_never_raised_where_python_would_swallow_it(monkeypatch) -> None:
    """In a callback of a weak reference: it comes when that is over."""
    ended: list[bool] = []

    def slow(reference: object) -> None:
        until = monotonic() + 0.3
        while monotonic() < until:
            pass
        ended.append(True)

    with pytest.raises(by_kernel._LateError), by_kernel._alarm(0.1):
        kept = Mark()
        watched = weakref.ref(kept, slow)
        del kept
        assert ended == [True] and watched() is None
        number = Fraction(1, 3)
        while True:
            number = 1 / (number + 1).limit_denominator(9)


def test_an_alarm_of_somebody_else_is_left_alone() -> None:
    before = signal.signal(signal.SIGALRM, lambda number, frame: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, 60)
        with by_kernel._alarm(0.001):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Mark:
    """Something to hold a weak reference to."""


def test_all_of_it_holds_of_a_construction(tmp_path: Path) -> None:
    """What is shown is of this network, these data and each sample."""
    run = started(tmp_path / "six")
    shown = continue_run(run, jobs=1).shown
    assert sorted(shown) == list(range(6))
    for sample, one in shown.items():
        assert work.asked_of_run(run.points.digest, run.job.question, [sample]) == [one.facts.asked]
        assert (one.facts.network, one.facts.process) == (run.network.digest, "local")


def test_how_many_samples_there_are_is_read_from_the_data(flips: Path, capsys: Any) -> None:
    """A claim names it, and a database may say anything of it."""
    for size in ("2", '"4 (the others were proved elsewhere)"', "null"):
        edited(flips, f"UPDATE runs SET about = json_set(about, '$.size', json('{size}'))")
        assert again(flips).claim.startswith("3 of 4 samples keep their label on Linf balls")
