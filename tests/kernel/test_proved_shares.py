"""What the proved kernel has accepted is said in summaries, runs and reports, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.run_report import run_report
from reports.stored_run import read_run
from reports.write import files_of
from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder
from tests.oracles.report_runs import DATA, sealed, started
from verifier.checker.checked import Checked
from verifier.question.errors import RefusedError, UserError
from verifier.runs import by_kernel
from verifier.runs.by_kernel import noted_shares
from verifier.runs.place import find_run
from verifier.runs.run import continue_run
from verifier.runs.store import Store

ASKED = ("--data", "iris", "--samples", "0:4", "--quiet", "--jobs", "0")


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))


def test_certify_says_what_it_has_replayed(capsys: Any) -> None:
    code, out, _ = run(capsys, "certify", *ASKED, "--out", "run", "--proved")
    assert code == 0 and "by the proved kernel  4 of 4" in out
    with Store(find_run("run").database, read_only=True) as store:
        (share,) = noted_shares(store.hosts(store.run().id), "proved kernel")
    assert (share.count, share.of) == (4, 4)
    assert "by the proved kernel  4 of 4\n" in run(capsys, "runs", "show", "run")[1]
    assert run(capsys, "check", "run", "--quiet")[0] == 0  # the database is as it was sealed
    # A sealed run is replayed again, and noted no second time; without the option nothing is said.
    facts = json.loads(run(capsys, "certify", *ASKED, "--out", "run", "--proved", "--json")[1])
    assert facts["proved_kernel"] == 4
    facts = json.loads(run(capsys, "certify", *ASKED, "--out", "run", "--json")[1])
    assert facts["proved_kernel"] == 0
    assert run(capsys, "check", "run", "--quiet")[0] == 0


@pytest.mark.parametrize("every", [True, False])
def test_check_says_who_replayed(capsys: Any, every: bool) -> None:
    budgets = ("--every-budget",) if every else ()
    assert run(capsys, "certify", *ASKED, *budgets, "--out", "run")[0] == 0
    for options, by in ((("--proved",), "proved kernel"), (("--kernel",), "kernel"),
                        ((), "checker")):  # fmt: skip
        code, out, _ = run(capsys, "check", "run", "--quiet", "--json", *options)
        facts = json.loads(out)
        assert (code, facts["checked"], facts["checker"]) == (0, 4, by)
    out = run(capsys, "check", "run", "--quiet", "--proved", "--sample", "1", "--seed", "3")[1]
    assert "1 of 4, seed 3, by the proved kernel" in out
    assert "1 of 4 samples" in out and "3 recorded, not replayed here" in out
    assert run(capsys, "check", "run", "--proved", "--kernel")[0] == 2


def test_a_value_of_its_own_kind_is_held(tmp_path: Path) -> None:
    summary = continue_run(started(tmp_path / "run"), proved=True)
    assert sorted(summary.by_proved) == sorted(summary.shown)
    for sample, one in summary.by_proved.items():
        assert isinstance(one, Checked) and one.facts.checker == "proved kernel"
        assert summary.shown[sample].facts.checker == "checker"
        assert one.facts.asked == summary.shown[sample].facts.asked
        assert one.certificate == summary.shown[sample].certificate


def test_a_program_that_refuses_ends_the_session_unsealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefusedError("refused by the proved kernel", "sample 0")

    monkeypatch.setattr(by_kernel, "replay_run", refuse)
    with pytest.raises(RefusedError, match="proved kernel"):
        continue_run(started(tmp_path / "run"), proved=True)
    assert not find_run(tmp_path / "run").folder.sealed


def test_without_the_program_nothing_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBMEM_KERNEL", str(tmp_path))
    with pytest.raises(UserError, match="build it"):
        continue_run(started(tmp_path / "run"), proved=True)
    with Store(find_run(tmp_path / "run").database, read_only=True) as store:
        assert len(store.pending(store.run().id, ("open",))) == DATA.size


def test_a_report_shows_what_was_replayed_for_it(tmp_path: Path, capsys: Any) -> None:
    folder = sealed(tmp_path / "run")

    def shown(**options: Any) -> dict[str, Any]:
        files = files_of(run_report(read_run(find_run(folder), **options)))
        return json.loads(files["report.json"])

    report = shown(proved=2)
    assert len(report["shown_by"]["proved kernel"]) == 2 and not report["shown_by"]["kernel"]
    rows = [row for row in report["tables"]["checked"]["rows"] if "once more" in row[0]]
    by = "replayed for this report by robmem-kernel, extracted from its proof in Coq"
    assert [row[1:] for row in rows] == [[2, by]]
    assert shown(proved=2) == report
    assert len(shown(proved=100)["shown_by"]["proved kernel"]) == DATA.size
    assert shown()["shown_by"]["proved kernel"] == []
    assert run(capsys, "report", folder, "-o", "page", "--proved", "3", "--quiet")[0] == 0
    assert "robmem-kernel" in Path("page", "index.html").read_text(encoding="utf-8")
    refused = run(capsys, "report", folder, "-o", "page", "--proved", "3", "--no-replay")
    assert refused[0] == 2 and "--proved" in refused[2]
