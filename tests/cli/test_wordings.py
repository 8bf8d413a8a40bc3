"""What a new user mistypes is answered in one line that names the place and the remedy."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.permissions import permissions_hold


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with networks of 4 and 64 inputs, data, runs by themselves and in a store."""
    folder = tmp_path_factory.mktemp("wordings")
    generator = np.random.default_rng(0)
    points, labels = generator.random((40, 4)), generator.integers(0, 3, 40)
    weights = {"W0": generator.normal(size=(8, 4)), "b0": np.zeros(8)}
    np.savez(folder / "net.npz", **weights, W1=generator.normal(size=(3, 8)), b1=np.zeros(3))
    np.savez(folder / "other.npz", W0=np.ones((3, 4)), b0=np.zeros(3))
    np.savez(folder / "wide.npz", W0=np.ones((10, 64)), b0=np.zeros(10))
    np.savez(folder / "many.npz", W0=np.ones((12, 4)), b0=np.zeros(12))
    np.savez(folder / "t.npz", X=points, y=labels)
    (folder / "table.csv").write_text("1,2,3,4,0\n2,3,4,5,1\n")
    (folder / "index.csv").write_text(",a,b,y\n0,0.5,1,0\n1,0.25,2,1\n")
    with zipfile.ZipFile(folder / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", "x")
    (folder / "m.pkl").write_bytes(b"\x80\x04.")
    np.savez(folder / "turned.npz", W0=np.ones((4, 8)), b0=np.zeros(8))
    np.savez(folder / "nobias.npz", W0=np.ones((4, 8)))
    np.savez(folder / "short.npz", X=points, y=labels[:39])
    np.savez(folder / "nan.npz", X=points, y=np.where(np.arange(40) == 3, np.nan, labels))
    for name in ("empty.npz", "empty.csv", "t.xlsx"):
        (folder / name).touch()
    for name in ("folder.npz", "folder.csv", "empty", "other"):
        (folder / name).mkdir()
    (folder / "other/notes.txt").touch()
    (folder / "missing.csv").write_text("1,2,3,4,0\n2,,4,5,1\n")
    (folder / "zürich.csv").write_text("1,2,3,4,ä\n2,3,4,5,ö\n", encoding="utf-8")
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


NET = "--network net.npz --data t.npz"
CASES = {
    f"certify {NET} --radius 5%": "--radius: not a rational number: '5%'; write 0.05 or 1/20",
    f"certify {NET} --radius 0,05": "write 0.05 or 1/20",
    f"certify {NET} --radius five": "--radius: not a rational number: 'five'",
    f"certify {NET}": "net.npz comes without a radius: give --radius R",
    f"certify {NET} --radius 1 --timeout 10s": "'10s' is not a number of seconds, such as 10",
    f"certify {NET} --radius 1 --norm l70": "norm 'l70' is not inf, or an integer from 1 to 64",
    f"certify {NET} --radius 1 --memory 4GB --out none": "'4GB' is not a size such as 4G or 500M",
    "certify --network wide.npz --data iris --radius 0.05": "iris has 4 inputs, the network wide",
    "certify --network many.npz --data iris --radius 1": "12 outputs, 3 labels",
    "verify net.npz --box 0:1 --label seven": "--label: 'seven' is not a number; a label called",
    "verify net.npz --box 0:1 --label setosa": "the number of its output, counted from 0",
    "verify net.npz --box 0:1 --unsafe y0<=0": "outputs are Y_0, Y_1, ..",
    "verify m.pt --box 0:1 --label 0": "m.pt: weights of PyTorch; torch.onnx.export(",
    "verify m.pkl --box 0:1 --label 0": "m.pkl: a pickled model is not opened; export it as .onnx",
    "verify none.npz --box 0:1 --label 0": "none.npz",
    "verify net.npz --center nofile --radius 1 --label 0": "neither numbers nor an existing file",
    "verify net.npz --center none.csv:0 --radius 1 --label 0": "none.csv",
    "verify net.npz --center 1,2 --radius 1 --label 0": "--center has 2 inputs, the network 4",
    "verify net.npz --center t.npz:99 --radius 1 --label 0": "t.npz has 40 rows, counted from 0",
    "verify net.npz --box 0:1 --label 9": "9 is not one of the labels 0, 1, 2",
    "search net.npz --data t.npz --radius 0.1 --picture p.png": "arrays of shape (samples, rows,",
    "search net.npz --data t.npz --radius 0.1 --samples 9:99": "--samples: 9:99 is not within 0:40",
    "search net.npz --data nothing --radius 0.1": "'nothing' is no data set",
    "radius net.npz --data t.npz --within 0": "--within",
    "check net.npz": "net.npz: a network, not evidence; check a run's folder",
    "check table.csv": "table.csv: data, not evidence",
    "check nothing": "nothing: no such file or folder",
    "check empty": "empty: an empty folder, no run is stored there (no manifest.json)",
    "check other": "other: no run is stored there (no manifest.json); robmem certify --out other",
    "data index.csv": "the first column has no name",
    "construct l9 --data iris": "no construction 'l9'",
    "construct linf --data iris --ratio 2": "is not below",
    "report nothing -o x": "nothing: no run is stored there",
    "worst net.npz --data t.npz": "Missing option '--radius'",
    "worst net.npz --data t.npz --radius 0.1 --samples 99": "--samples: 99 is not within 0:40",
    "radius net.npz --data t.npz --jobs 2": "--jobs is for a run: give its folder with --out",
    "radius net.npz --data t.npz --max -1": "--max: -1 is not positive",
    "radius net.npz --data t.npz --norm 3": "norm 3: distances are measured in inf, 1 and 2",
    "radius wide.npz --data t.npz": "t has 4 inputs, the network wide.npz 64",
    "search net.npz --data t.npz": "give either --radius or --radius-squared",
    "search net.npz --data t.npz --radius 1 --out f.txt": "f.txt is neither .json nor .npz",
    "search net.npz --data t.npz --radius 1 --image 2x3 --picture p": "2x3 are 6 pixels, t has 4",
    "search net.npz --data t.npz --radius 1 --image 8": "'8' is not ROWSxCOLUMNS, such as 28x28",
    "certify --data iris --construction linf --network net.npz": "--construction or --network",
    "certify --data iris --ratio 1 --budget 1/10": "give either --ratio or --budget, not both",
    "certify --data iris --clip": "iris has no pixel range; give LO:HI",
    "certify --data iris --every-budget --ratio 1/2": "--every-budget does not go with --ratio",
    f"certify {NET} --radius -1": "--radius: -1 is negative",
    f"certify {NET} --radius 1 --samples 5:2": "--samples: 5:2 is not within 0:40",
    "verify net.npz --box 0:1": "give --label or --unsafe",
    "verify net.npz --box 1:0 --label 0": "lower bound 1 above upper bound 0 at input 0",
    "verify net.npz --center 0,0,0,0 --label 0": "--center needs --radius",
    "verify net.npz --label 0": "give --center and --radius, or --box",
    "check t.npz --kernel --proved": "--proved and --kernel: one of them replays",
    "data iris --separator xx": "'xx' is neither one sign nor one of comma",
    "construct linf --data iris --rank 3": "construction linf has no option 'rank'",
    "export --to kernel net.npz -o x": "net.npz: a network, not evidence; check a run's folder",
    "export --to onnx none -o x.onnx": "none: No such file or directory",
    "runs show none": "none: no run is stored there",
    "runs list none": "none: no such folder",
    "vnnlib net.npz none.vnnlib": "none.vnnlib: No such file or directory",
    "certifiy --data iris": "No such command 'certifiy'",
    # options and places of other programs
    "verify net.npz --center t.npz:0 --eps 0.1 --label 0": "'--eps': it is --radius here",
    "radius --network net.npz --data t.npz": "the network's file stands without an option",
    "certify --model net.npz --data t.npz --radius 1": "'--model': it is --network here",
    "certify net.npz --data t.npz --radius 1": "stands after --network or --data",
    "certify iris": "(iris): what it is about stands after --network or --data",
    "construct linf iris": "(iris): what it is about stands after --data",
    "certify --data iris --construction L2": "no construction 'L2'; it is called l2",
    "construct linf --data iris -o net.onnx": "robmem export --to onnx (or npz) writes it",
    "certify --data iris --ratio 3/2": "budget 3/20 (0.15) is not below half the separation, 1/10",
    # points, and atoms of unsafe sets
    "show net.npz --at 1,2": "--at has 2 inputs, the network 4",
    "verify net.npz --center iris:a --radius 1 --label 0": "iris has rows 0, 1, ..; 'a' is none",
    "verify net.npz --center t.npz:-1 --radius 1 --label 0": "t.npz has rows 0, 1, ..; '-1' is",
    "verify net.npz --center 1;2;3;4 --radius 1 --label 0": "write the numbers with commas",
    "verify net.npz --center [1,2,3,4] --radius 1 --label 0": "write the numbers with commas",
    "worst net.npz --data t.npz --radius 1/10 --norm 2": "may be irrational: give --within",
    "verify net.npz --box 0:1 --unsafe Y_9<=0": "Y_9: the network has 3 outputs",
    "verify net.npz --box 0:1 --unsafe X_9<=0": "X_9: the network has 4 inputs",
    # files that are something else
    "verify t.npz --box 0:1 --label 0": "array 'X' is not W0, b0, W1, b1, ...; that is data",
    "show turned.npz": "layer 0: weights (4, 8), bias (8,); weights have shape (outputs, inputs)",
    "show nobias.npz": "array b0 is missing among 1 arrays",
    "show empty.npz": "neither a robmem network, nor .onnx, .nnet or .npz",
    "show folder.npz": "folder.npz: Is a directory",
    "data folder.csv": "folder.csv: Is a directory",
    "data IRIS": "no data set 'IRIS'; it is called iris",
    "data iris:train": "iris has no part 'train': it is one table",
    "data https://example.org/t.csv": "an address; download the file first",
    "data t.xlsx": "t.xlsx: files .xlsx are not read as data; save it as .csv",
    "data empty.csv": "empty.csv: no samples",
    "data missing.csv": "missing.csv: line 2, column 2: '' is not a number: fill it in",
    "data short.npz": "array y has shape (39,), array X has 40 samples",
    "data nan.npz": "array y: entry 3, nan, is not an integer",
    "certify --network net.npz --data zürich.csv --radius 1": "3 outputs, 2 labels in zurich (",
}


@pytest.mark.parametrize("line", CASES)
def test_one_line_says_what_and_how(here, capsys, line):
    before = sorted(here.iterdir())
    code, printed, error = run(capsys, *line.split())
    assert (code, printed) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1
    assert CASES[line] in error
    assert sorted(here.iterdir()) == before  # nothing is left behind


def test_a_folder_of_runs_is_told_from_a_run(here, capsys):
    certify = f"certify {NET} --radius 0.01 --samples 0:1 --quiet".split()
    assert run(capsys, *certify, "--out", "runs/a")[0] in (0, 1)
    assert run(capsys, *certify, "--store", "shared")[0] in (0, 1)
    for folder in ("runs", "shared"):
        for command in (("check", folder), ("report", f"./{folder}", "-o", "x")):
            code, _, error = run(capsys, *command)
            assert code == 2 and "a folder of 1 runs; name one of them: " in error, command
    code, _, error = run(capsys, "report", "runs", "-o", "x")
    assert code == 2 and "name one of them: runs/a" in error
    assert run(capsys, "report", "runs", "--help")[0] == 0


def test_a_run_about_something_else_is_named(here, capsys):
    first = f"certify {NET} --radius 0.01 --samples 0:1 --quiet --out runs/b".split()
    assert run(capsys, *first)[0] in (0, 1)
    other = [part.replace("net.npz", "other.npz") for part in first]
    code, _, error = run(capsys, *other)
    assert code == 2 and "this run has network" in error and "(net.npz), now asked is" in error
    assert len(error) < 200
    other = [part.replace("t.npz", "iris") for part in first]
    other[2] = "net.npz"
    code, _, error = run(capsys, *other)
    assert code == 2 and "this run has data" in error and "(t), now asked" in error
    code, _, error = run(capsys, *first, "--norm", "1")
    assert code == 2 and "norm inf, now asked is 1" in error


@pytest.mark.parametrize("norm", ["2", "l2", "L2"])
def test_the_norm_chooses_the_construction(here, capsys, norm):
    (here / "four.csv").write_text("0,0,0\n0,1,1\n3,0,1\n3,1,0\n")
    code, printed, _ = run(
        capsys, "certify", "--data", "four.csv", "--norm", norm, "--json", "--out",
        f"runs/norm-{norm}",
    )  # fmt: skip
    assert code == 0 and "L2 balls" in json.loads(printed)["claim"]
    code, printed, _ = run(capsys, "runs", "show", f"runs/norm-{norm}")
    assert "l2" in printed


def test_files_that_may_not_be_written_are_named(here, capsys, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    assert run(capsys, *f"certify {NET} --radius 0.01 --samples 0:1 --out runs/c".split())[0] < 2
    closed.chmod(0o500)
    try:
        with permissions_hold():
            for command in (
                ("construct", "linf", "--data", "table.csv", "-o", closed / "x.net"),
                ("report", "runs/c", "-o", closed / "x"),
                ("certify", "--data", "table.csv", "--out", closed / "run"),
            ):
                code, _, error = run(capsys, *command)
                assert code == 2 and error.count("\n") == 1 and "closed" in error, error
    finally:
        closed.chmod(0o700)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_the_shell_completes(monkeypatch, capsys, shell):
    from verifier.cli.main import main

    monkeypatch.setenv("_ROBMEM_COMPLETE", f"{shell}_source")
    monkeypatch.setattr("sys.argv", ["robmem"])
    assert main() == 0
    assert "_ROBMEM_COMPLETE" in capsys.readouterr().out


def test_names_of_commands_are_completed(monkeypatch, capsys):
    from verifier.cli.main import main

    for key, value in {
        "_ROBMEM_COMPLETE": "bash_complete", "COMP_WORDS": "robmem cert", "COMP_CWORD": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    monkeypatch.setattr("sys.argv", ["robmem"])
    main()
    assert "certify" in capsys.readouterr().out.split(",")[-1]
