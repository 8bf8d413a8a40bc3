"""Where nothing may be written a command ends with 2 and one line; pipes are not waited for."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.permissions import permissions_hold
from tests.oracles.runs import started
from verifier.cli.main import main
from verifier.runs.run import continue_run

PROPERTY = """(declare-const X_0 Real) (declare-const X_1 Real)
(declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (>= X_0 0)) (assert (<= X_0 1)) (assert (>= X_1 0)) (assert (<= X_1 1))
(assert (<= Y_0 -1))
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    np.savez(folder / "net.npz", W0=np.eye(2), b0=np.zeros(2))
    (folder / "data.csv").write_text("0,9,1\n9,0,0\n1,8,1\n")
    (folder / "one.vnnlib").write_text(PROPERTY)
    (folder / "list.csv").write_text("net.npz,one.vnnlib,9\n")
    np.savez(folder / "images.npz", X=np.arange(16).reshape(4, 2, 2), y=[0, 1, 0, 1])
    np.savez(folder / "four.npz", W0=np.ones((2, 4)), b0=np.zeros(2))
    continue_run(started(folder / "run"))
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def closed(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which nobody may write."""
    folder = inputs / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    monkeypatch.chdir(inputs)
    with permissions_hold():
        yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


LABEL = ("--box", "0:1,3:4", "--label", "1")
COMMANDS = {
    "construct": ("construct", "linf", "--data", "data.csv", "-o", "{}"),
    "construct in a stream": ("construct", "linf-pipelined", "--data", "data.csv", "--stream",
                              "-o", "{}"),
    "proof": ("verify", "net.npz", *LABEL, "--proof", "{}.json"),
    "packed proof": ("verify", "net.npz", *LABEL, "--proof", "{}.json.gz"),
    "flips": ("search", "net.npz", "--data", "data.csv", "--radius", "1", "--out", "{}.json"),
    "flips as arrays": ("search", "net.npz", "--data", "data.csv", "--radius", "9",
                        "--out", "{}.npz"),
    "pictures": ("search", "four.npz", "--data", "images.npz", "--radius", "9", "--picture", "{}"),
    "radii": ("radius", "net.npz", "--data", "data.csv", "--proofs", "{}"),
    "answer": ("vnnlib", "net.npz", "one.vnnlib", "--proof", "{}"),
    "answers": ("vnnlib", "--instances", "list.csv", "--table", "{}.csv"),
    "proofs of answers": ("vnnlib", "--instances", "list.csv", "--table", "/dev/shm/none/x.csv",
                          "--proofs", "{}"),
    "program": ("export", "net.npz", "--property", "one.vnnlib", "--to", "lp", "-o", "{}.lp"),
    "network": ("export", "net.npz", "--to", "onnx", "-o", "{}.onnx"),
    "native network": ("export", "net.npz", "--to", "native", "-o", "{}"),
    "table": ("runs", "export", "run", "-o", "{}"),
    "table as Parquet": ("runs", "export", "run", "--parquet", "-o", "{}"),
    "report": ("report", "run", "-o", "{}"),
    "theory": ("report", "theory", "--data", "data.csv", "--ratios", "1/2", "--limit", "1",
               "-o", "{}"),
    "run": ("certify", "--data", "data.csv", "--network", "net.npz", "--radius", "1",
            "--jobs", "0", "--out", "{}"),
    "store": ("certify", "--data", "data.csv", "--network", "net.npz", "--radius", "1",
              "--jobs", "0", "--store", "{}"),
}  # fmt: skip


def ends_in_one_line(
    command: str, target: str, capsys: pytest.CaptureFixture[str], *messages: str
) -> None:
    code = main([part.format(target) for part in COMMANDS[command]] + ["--quiet"] * (
        COMMANDS[command][0] in ("search", "radius", "certify")
    ))  # fmt: skip
    said = capsys.readouterr()
    assert code == 2, (command, said)
    assert said.err.startswith("error: ") and said.err.count("\n") == 1, (command, said.err)
    assert any(message in said.err for message in messages), (command, said.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_permission(command, closed, capsys):
    ends_in_one_line(command, "closed/x", capsys, "Permission denied", "No such file")
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_place_of_a_folder(command, inputs, monkeypatch, capsys):
    monkeypatch.chdir(inputs)
    ends_in_one_line(command, "data.csv/x", capsys, "Not a directory", "File exists", "No such")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in (
    "pictures", "radii", "proofs of answers", "report", "theory", "run", "store", "answer",
)])  # fmt: skip
def test_devices_and_pipes_are_not_replaced(command, inputs, monkeypatch, capsys):
    monkeypatch.chdir(inputs)
    ending = COMMANDS[command][-1].removeprefix("{}")
    pipe = inputs / f"pipe{ending}"
    if not pipe.exists():
        os.mkfifo(pipe)
    ends_in_one_line(command, "pipe", capsys, "not a regular file")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "pipe"),
        ("data", "pipe.csv"),
        ("data", "pipe.npz"),
        ("data", "pipe:pipe"),
        ("check", "pipe"),
        ("verify", "pipe.npz", *LABEL),
        ("verify", "pipe", *LABEL),
        ("verify", "net.npz", "--center", "pipe.csv:0", "--radius", "1", "--label", "1"),
        ("verify", "net.npz", "--box", "pipe", "--label", "1"),
        ("vnnlib", "net.npz", "pipe"),
        ("vnnlib", "--instances", "pipe.csv"),
        ("certify", "--data", "data.csv", "--network", "pipe", "--radius", "1"),
        ("search", "net.npz", "--data", "pipe.csv", "--radius", "1"),
        ("runs", "show", "piped"),
        ("runs", "list", "piped"),
    ],
)
def test_a_pipe_is_never_waited_for(arguments, inputs, monkeypatch, capsys):
    monkeypatch.chdir(inputs)
    (inputs / "piped").mkdir(exist_ok=True)
    for name in ("pipe.csv", "pipe.npz", "piped/run.sqlite"):
        if not (inputs / name).exists():
            os.mkfifo(inputs / name)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and said.err.count("\n") == 1


def test_links_in_a_run_are_replaced_and_not_followed(inputs, tmp_path, capsys):
    """Also where every name that the process could take for a temporary file is a link."""
    folder = Path(shutil.copytree(inputs / "run", tmp_path / "run"))
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("manifest.json", "seal.json"):
        (folder / name).unlink()
        (folder / name).symlink_to(victim)
        (folder / f".{name}.{os.getpid()}.tmp").symlink_to(victim)
    assert main(["runs", "seal", str(folder)]) == 0
    assert victim.read_bytes() == b"precious"
    assert not (folder / "manifest.json").is_symlink()
    capsys.readouterr()
    assert main(["check", str(folder), "--jobs", "1", "--quiet"]) == 0


def test_a_report_is_not_written_through_a_link(inputs, tmp_path, capsys):
    (tmp_path / "outside").mkdir()
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "figures").symlink_to(tmp_path / "outside")
    assert main(["report", str(inputs / "run"), "-o", str(tmp_path / "page")]) == 2
    assert "figures: a link that leads out of" in capsys.readouterr().err
    assert list((tmp_path / "outside").iterdir()) == []
