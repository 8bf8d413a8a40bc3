"""`robmem construct` and `robmem width` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from constructions.registry import REGISTRY
from constructions.rows import MOST_WEIGHTS, at_most_weights
from tests.oracles.commands import run
from verifier.evidence.network_file import load_network


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "some.csv"
    path.write_text("0,0,a\n4,1,b\n1,5.5,a\n9,-3,c\n7,7,b\n")
    return str(path)


def test_the_list_names_every_construction(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "construct", "list")
    assert code == 0 and len(out.splitlines()) == len(REGISTRY) + 1
    code, out, _ = run(capsys, "construct", "list", "--json")
    assert [entry["construction"] for entry in json.loads(out)] == list(REGISTRY)


@pytest.mark.parametrize("name", list(REGISTRY))
def test_every_construction_is_built_and_written(
    capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path, name: str
) -> None:
    ratio = "1/50" if name in ("small-rho", "moderate-rho") else "9/10"
    data = ["--data", table]
    if name in ("lipschitz", "lipschitz-parallel"):
        data += ["--data", "breast_cancer", "--samples", "0:30"]
    out_file = tmp_path / "network"
    code, out, err = run(
        capsys, "construct", name, *data, "--ratio", ratio, "-o", str(out_file), "--json"
    )
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["construction"] == name and facts["broken_promises"] == []
    assert load_network(out_file).digest == facts["network"]
    assert facts["sizes"]["depth"]["actual"] == facts["sizes"]["depth"]["promised"]


def test_the_comparison_has_a_row_or_a_reason_for_each(
    capsys: pytest.CaptureFixture[str], table: str
) -> None:
    code, out, _ = run(capsys, "construct", "compare", "--data", table, "--json")
    rows = json.loads(out)
    assert code == 0 and [row["construction"] for row in rows] == list(REGISTRY)
    reasons = {row["construction"]: row["reason"] for row in rows if "reason" in row}
    assert set(reasons) == {"lipschitz", "lipschitz-parallel", "small-rho", "moderate-rho"}
    assert "Theorem 4.2 (i)" in reasons["small-rho"]
    code, out, _ = run(capsys, "construct", "compare", "--data", table, "--limit", "50")
    assert "linf: the network has more than 50 weights" in out


def test_a_streamed_network_is_the_built_one(
    capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path
) -> None:
    for name, depth in (("linf-pipelined", 5 + 2), ("linf-parallel", 3 + 3)):
        command = ("construct", name, "--data", table, "-o")
        assert run(capsys, *command, str(tmp_path / "whole"))[0] == 0
        code, out, _ = run(capsys, *command, str(tmp_path / "streamed"), "--stream", "--json")
        assert code == 0 and json.loads(out)["promises"]["depth"] == depth
        assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()
    command = (*command, str(tmp_path / "every"), "--stream", "--every-budget")
    code, out, _ = run(capsys, *command, "--json")
    assert code == 0 and (json.loads(out)["budget"], json.loads(out)["promises"]) == ("every", {})
    assert run(capsys, *command) == (0, f"written to    {tmp_path / 'every'}\n", "")
    assert load_network(tmp_path / "every").inputs == 3


def test_a_streamed_network_is_refused_beyond_memory_alone(
    capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path
) -> None:
    command = ("construct", "linf-pipelined", "--data", table, "-o")
    assert run(capsys, *command, str(tmp_path / "whole"))[0] == 0
    code, out, _ = run(capsys, *command, str(tmp_path / "streamed"), "--stream", "--json")
    assert code == 0 and json.loads(out)["promises"]["depth"] == 5 + 2
    assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_network_that_memory_does_not_hold_is_refused_and_can_be_streamed(
    capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path
) -> None:
    assert MOST_WEIGHTS == 10**8
    command = ("construct", "linf-pipelined", "--data", table, "-o", str(tmp_path / "file"))
    with at_most_weights(20):
        code, _, said = run(capsys, *command)
        assert (code, said) == (2, "error: the network has more than 20 weights\n")
        assert not (tmp_path / "file").exists()
        assert run(capsys, *command, "--stream")[0] == 0


def test_the_same_command_prints_the_same_bytes(
    capsys: pytest.CaptureFixture[str], table: str
) -> None:
    arguments = ("construct", "narrow-l2", "--data", table, "--rank", "2", "--ratio", "1/3")
    assert run(capsys, *arguments) == run(capsys, *arguments)


def test_the_width_command_shows_bounds_and_constructions(
    capsys: pytest.CaptureFixture[str], table: str
) -> None:
    code, out, _ = run(capsys, "width", table, "--norm", "inf", "--json")
    facts = json.loads(out)
    assert code == 0 and max(bound["at_least"] for bound in facts["bounds"]) == 2
    built = [row for row in facts["constructions"] if row["reason"] is None]
    assert all(row["first_layer_rank"] >= 2 for row in built)
    code, out, _ = run(capsys, "width", table)
    assert code == 0 and "these data" in out
    code, out, _ = run(capsys, "width", table, "--norm", "1")
    assert code == 0 and "Proposition C.6" in out


def test_a_control_says_that_its_budget_is_to_be_refuted(
    capsys: pytest.CaptureFixture[str], table: str
) -> None:
    code, out, _ = run(capsys, "construct", "vardi", "--data", table, "--budget", "1")
    assert code == 0 and "none above 0: a control, whose budget is what is to be refuted" in out
    assert "of 5 samples are within the budget" in out
    code, out, _ = run(capsys, "construct", "linf", "--data", table)
    assert code == 0 and "robust         yes" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("construct", "vardi", "--budget", "3"), "is not below half the separation, about 2.06"),
        (("construct", "park", "--budget", "-1"), "budget -1 is negative"),
        (("construct", "narrow-l2", "--kind", "qr"), "no projection 'qr'"),
        (("construct", "l2", "--ratio", "1"), "is not below half the separation, about 2.06"),
        (("construct", "linff"), "no construction 'linff'; there are linf,"),
        (("construct", "linf", "--ratio", "1"), "is not below half the separation, "),
        (("construct", "linf", "--ratio", "nan"), "--ratio: not a rational number: 'nan'"),
        (("construct", "linf", "--ratio", "-1"), "ratio -1 is negative"),
        (("construct", "linf", "--budget", "-1/2"), "budget -1/2 is negative"),
        (("construct", "linf", "--ratio", "1/2", "--budget", "1"), "either --ratio or --budget"),
        (("construct", "linf", "--rank", "2"), "construction linf has no option 'rank'"),
        (("construct", "narrow-l2", "--rank", "3"), "projection to 3 coordinates: the data have 2"),
        (("construct", "narrow-l2", "--rank", "1", "--kind", "qr"), "no projection 'qr'"),
        (("construct", "lipschitz"), "has 3 classes; the Lipschitz network (Theorem 5.2)"),
        (("construct", "small-rho"), "Theorem 4.2 (i) is for small ratios"),
        (("construct", "moderate-rho"), "Theorem 4.2 (ii) is for ratios"),
        (("construct", "moderate-rho", "--error", "2"), "error share 2 is not between 0 and 1"),
        (("construct", "linf", "--samples", "0:1"), "two classes are needed"),
        (("construct", "linf", "--samples", "x"), "--samples: 'x' is neither a number nor A:B"),
        (("construct", "compare", "-o", "x"), "writes none"),
        (
            ("construct", "linf", "--stream", "-o", "x"),
            "only linf-pipelined and linf-parallel are written in a stream",
        ),
        (("construct", "linf", "--every-budget"), "--every-budget goes with --stream"),
        (
            ("construct", "linf-parallel", "--stream", "--every-budget", "--ratio", "1/2"),
            "--every-budget goes with --stream, without --ratio",
        ),
        (("construct", "linf-pipelined", "--stream"), "--stream needs a file to write to"),
        (("width", "--ratio", "1"), "is not below half the separation"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], table: str, arguments: tuple[str, ...], message: str
) -> None:
    data = [table] if arguments[0] == "width" else ["--data", table]
    code, out, err = run(capsys, *arguments, *data)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and message in err


@pytest.mark.parametrize("name", list(REGISTRY))
def test_numbers_beyond_floats_are_built_or_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    huge = tmp_path / "huge.csv"
    huge.write_text("1e400,0,0\n-1e400,3,1\n5,1e400,0\n")
    for asked in (("--ratio", "1/2"), ("--budget", "2e400")):
        code, _, said = run(capsys, "construct", name, "--data", str(huge), *asked)
        assert code in (0, 2)
        assert said.count("\n") == (1 if code else 0)
        assert asked[0] == "--ratio" or code == 2
