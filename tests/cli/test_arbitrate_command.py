"""`robmem arbitrate`: published verdicts against exact answers, and the evidence that refutes."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.commands import run
from verifier.evidence.certificate import Undecided
from verifier.question.errors import UserError
from verifier.tasks import instances
from verifier.tasks.arbitration import read_published
from verifier.tasks.instance_lists import Word

PROPERTY = (
    "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
    "(assert (>= X_0 0))\n(assert (<= X_0 1))\n(assert (>= Y_0 {}))\n"
)
DATA = Path(os.environ.get("ROBMEM_DATA", "")) / "knife_edge"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The network relu(x) + relu(-x) = |x| on [0, 1]: its maximum is 1, at one end alone."""
    monkeypatch.chdir(tmp_path)
    weights = {"W0": np.array([[1.0], [-1.0]]), "b0": np.zeros(2),
               "W1": np.array([[1.0, 1.0]]), "b1": np.zeros(1)}  # fmt: skip
    for name, bound in (("touches", "1"), ("beyond", "1.0000001"), ("well", "0.5")):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "net.npz", **weights)
        (tmp_path / name / "p.vnnlib").write_text(PROPERTY.format(bound))
    (tmp_path / "list.csv").write_text(
        "instance,tool,verdict,seconds\n"
        "touches,one,unsat,1\ntouches,two,sat,2\ntouches,three,timeout,60\n"
        "beyond,one,unsat,1\nbeyond,two,sat,2\nbeyond,three,unknown,3\n"
        "well,one,falsified,1\nwell,two,sat,2\nwell,three,error,3\n"
    )
    return tmp_path


def _facts(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any], str]:
    code, printed, error = run(capsys, "arbitrate", "list.csv", "--json", *more)
    return code, json.loads(printed), error


def test_wrong_verdicts_are_contradicted_by_evidence_that_is_replayed(here, capsys):
    code, facts, _ = _facts(capsys)
    assert code == 1 and (facts["robust"], facts["flips"], facts["undecided"]) == (1, 2, 0)
    wrong = {(one["network"], one["tool"]): one for one in facts["contradicted"]}
    assert set(wrong) == {("touches/net.npz", "one"), ("beyond/net.npz", "two")}
    assert facts["claim"].startswith("2 of 9 published verdicts are contradicted")
    for one in wrong.values():
        (file,) = one["evidence"]
        code, printed, _ = run(capsys, "vnnlib", one["network"], one["property"], "--check", file)
        assert code == 0 and printed.strip() == one["is"]
    standings = {one["tool"]: one for one in facts["tools"]}
    assert standings["one"] == {"tool": "one", "right": 2, "contradicted": 1,
                                "not settled here": 0, "no verdict": 0}  # fmt: skip
    assert standings["three"]["no verdict"] == 3
    code, printed, _ = run(capsys, "arbitrate", "list.csv")
    assert code == 1 and "touches/net.npz touches/p.vnnlib" in printed
    assert "list-evidence/" in printed and "contradicted" in printed


def test_an_answer_counts_by_its_evidence_and_not_by_the_table(here, monkeypatch, capsys):
    assert _facts(capsys)[0] == 1
    table = here / "list-answers.csv"
    table.write_text(table.read_text().replace(",violated,", ",holds,", 1))
    code, _, error = run(capsys, "arbitrate", "list.csv")
    assert code == 4 and "another verdict" in error
    shutil.rmtree(here / "list-evidence")
    code, facts, _ = _facts(capsys)  # without its evidence everything is settled again
    assert code == 1 and facts["checked"] == 3 and len(facts["contradicted"]) == 2
    monkeypatch.setattr(instances, "solve", lambda *_: pytest.fail("it was settled before"))
    assert _facts(capsys)[1]["checked"] == 3


def test_what_is_not_settled_contradicts_nobody(here, monkeypatch, capsys):
    real = instances.answer

    def late(*given: Any) -> Any:
        found = real(*given)
        outcomes = tuple(replace(one, verdict=Undecided("timeout")) for one in found.outcomes)
        return replace(found, word=Word.TIMEOUT, outcomes=outcomes, violation=None)

    monkeypatch.setattr(instances, "answer", late)
    code, facts, _ = _facts(capsys)
    assert code == 3 and facts["contradicted"] == [] and facts["undecided"] == 3
    assert facts["disputed"] == [["touches/net.npz", "touches/p.vnnlib"],
                                 ["beyond/net.npz", "beyond/p.vnnlib"]]  # fmt: skip
    code, printed, _ = run(capsys, "arbitrate", "list.csv")
    assert code == 3 and printed.count("tools contradict one another, not settled here") == 2


def test_networks_and_properties_may_be_named(here, capsys):
    (here / "named.csv").write_text(
        "tool,network,property,verdict\none,touches/net.npz,touches/p.vnnlib,holds\n"
    )
    code, printed, _ = run(capsys, "arbitrate", "named.csv", "--json", "--jobs", "2")
    facts = json.loads(printed)
    assert code == 1 and facts["contradicted"][0]["is"] == "violated"
    (here / "right.csv").write_text(
        "tool,network,property,verdict\none,touches/net.npz,touches/p.vnnlib,violated\n"
    )
    assert run(capsys, "arbitrate", "right.csv")[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("instance,tool\na,b\n", "no column verdict"),
        ("tool,verdict\na,sat\n", "neither a column instance nor network and property"),
        ("instance,tool,verdict\ntouches,one,maybe\n", "line 2: the verdict 'maybe' is not one of"),
        ("instance,tool,verdict\nnone,one,sat\n", "none is no folder"),
        ("instance,tool,verdict\n../x,one,sat\n", "is not the name of a folder beside the list"),
        ("instance,tool,verdict\ntouches,one,sat\ntouches,one,sat\n", "one stands there twice"),
        ("instance,tool,verdict\ntouches,one\n", "line 2: 2 cells, not 3"),
        ("instance,tool,verdict\n", "0 results"),
    ],
)
def test_a_list_that_is_none_is_one_line(here, capsys, text, said):
    (here / "bad.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        read_published("bad.csv")
    code, _, error = run(capsys, "arbitrate", "bad.csv")
    assert code == 2 and said in error and error.count("\n") == 1
    assert not (here / "bad-evidence").exists()


def test_a_folder_with_two_networks_is_refused(here):
    np.savez(here / "well/other.npz", W0=np.eye(1), b0=np.zeros(1))
    with pytest.raises(UserError, match="2 files that may be its network"):
        read_published("list.csv")


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="ROBMEM_DATA has no knife_edge")
def test_published_counterexamples_at_the_edge_are_refuted(tmp_path, monkeypatch, capsys):
    """Of the instances whose published answers contradict one another all hold."""
    monkeypatch.chdir(tmp_path)
    chosen = ("meap11", "milp21", "milp7")
    lines = (DATA / "published.csv").read_text().splitlines()
    listed = [line for line in lines[1:] if line.split(",")[0] in chosen]
    (tmp_path / "edge.csv").write_text("\n".join([lines[0], *listed]) + "\n")
    for name in chosen:
        shutil.copytree(DATA / name, tmp_path / name)
    code, printed, _ = run(capsys, "arbitrate", "edge.csv", "--timeout", "900", "--json")
    facts = json.loads(printed)
    assert code == 1 and facts["robust"] == 3
    assert {(one["network"].split("/")[0], one["tool"]) for one in facts["contradicted"]} == {
        ("meap11", "marabou"), ("milp21", "marabou"), ("milp21", "nnenum"),
        ("milp7", "marabou"), ("milp7", "neuralsat"), ("milp7", "nnenum"),
    }  # fmt: skip
