"""The files that a run was read from, and what the kernel replayed, stand beside the claim."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reports.run_report import run_report
from reports.stored_run import read_run
from reports.write import write_report
from tests.oracles.commands import run
from verifier.data.load import load
from verifier.data.load import source_files as data_files
from verifier.formats.load import load_any_network
from verifier.formats.load import source_files as network_files
from verifier.question.errors import UserError
from verifier.runs.by_kernel import noted_shares
from verifier.runs.place import find_run
from verifier.runs.sources import sources_of
from verifier.runs.store import Store

ASKED = ("--data", "line.csv", "--network", "line.npz", "--radius", "1/4", "--quiet", "--jobs", "0")


def sha(path: Path | str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("line.npz", W0=[[1.0], [-1.0]], b0=[0.0, 0], W1=[[0.0, 0], [1, -1]], b1=[0.0, -2])
    Path("line.csv").write_text("0,0\n1,0\n3,1\n")


def test_they_are_shown_everywhere(capsys: Any) -> None:
    assert run(capsys, "certify", *ASKED, "--out", "run")[0] == 0
    network, data = sha("line.npz"), sha("line.csv")
    facts = json.loads(run(capsys, "runs", "show", "run", "--json")[1])
    assert facts["about"]["sources"] == [
        {"kind": "network", "name": "line.npz", "sha256": network},
        {"kind": "data", "name": "line.csv", "sha256": data},
    ]
    out = run(capsys, "runs", "show", "run")[1]
    assert f"network file line.npz  {network}" in out and data in out
    facts = json.loads(run(capsys, "check", "run", "--json", "--quiet")[1])
    assert [(s["sha256"], s["checked"]) for s in facts["sources"]] == [
        (network, False),
        (data, False),
    ]
    assert f"{network} as recorded" in run(capsys, "check", "run", "--quiet")[1]
    write_report(run_report(read_run(find_run("run"), jobs=1)), Path("report"))
    for name in ("index.html", "report.md", "tables/identity.tex", "report.json"):
        text = Path("report", name).read_text()
        assert network[:12] in text and data[:12] in text, name


def test_they_are_no_part_of_the_claim(capsys: Any) -> None:
    """The same exact network and data from other files: the same root, other sources."""
    assert run(capsys, "certify", *ASKED, "--out", "run")[0] == 0
    Path("more").mkdir()
    Path("more/line.csv").write_text("x,label\n0,0\n1.0,0\n3,1\n")
    shutil.copy("run/network.robmem", "more/line.npz")
    other = ("--data", "more/line.csv", "--network", "more/line.npz", "--radius", "1/4", "--quiet")
    assert run(capsys, "certify", *other, "--out", "other", "--jobs", "0")[0] == 0
    manifests = [json.loads(Path(name, "manifest.json").read_text()) for name in ("run", "other")]
    assert manifests[0] == manifests[1]
    listed = json.loads(run(capsys, "runs", "list", ".", "--json")[1])
    digests = [[s["sha256"] for s in one["about"]["sources"]] for one in listed]
    assert sorted(digests) == sorted(
        [[sha("line.npz"), sha("line.csv")], [sha("more/line.npz"), sha("more/line.csv")]]
    )
    given = ("--data", "more/line.csv", "--network", "more/line.npz")
    facts = json.loads(run(capsys, "check", "run", *given, "--json", "--quiet")[1])
    assert [(s["sha256"], s["checked"]) for s in facts["sources"]] == [
        (sha("more/line.npz"), True), (sha("more/line.csv"), True),
    ]  # fmt: skip


def test_a_construction_has_data_alone_and_bundled_tables_no_file(capsys: Any) -> None:
    assert run(capsys, "certify", "--data", "line.csv", "--out", "run", "--quiet")[0] == 0
    facts = json.loads(run(capsys, "runs", "show", "run", "--json")[1])
    assert [source["kind"] for source in facts["about"]["sources"]] == ["data"]
    assert data_files("iris") == []


def test_of_every_form_of_data_the_files_are_those_read() -> None:
    """Without any of them the data cannot be read; without others they are the same."""
    np.savez("a.npz", x_train=[[0.0], [1.0]], y_train=[0, 1], x_test=[[2.0], [3.0]], y_test=[0, 1])
    np.save("x.npy", [[0.0], [1.0]])
    np.save("y.npy", [0, 1])
    np.save("xy.npy", [[0.0, 0.0], [1.0, 1.0]])
    Path("s.svm").write_text("0 1:1\n1 1:2\n")
    Path("t.csv.gz").write_bytes(gzip.compress(Path("line.csv").read_bytes()))
    images = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 1, 1) + b"\x01\x02"
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 2) + b"\x00\x01"
    for part in ("train", "t10k"):
        Path("m/raw").mkdir(parents=True, exist_ok=True)
        Path(f"m/raw/{part}-images-idx3-ubyte").write_bytes(images)
        Path(f"m/raw/{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    pair = "m/raw/train-images-idx3-ubyte:m/raw/train-labels-idx1-ubyte.gz"
    for spec in ("line.csv", "t.csv.gz", "a.npz:train", "a.npz:test", "x.npy:y.npy", "xy.npy",
                 "s.svm", "m", "m:train", "m:test", pair):  # fmt: skip
        named = data_files(spec)
        assert len(named) == (2 if spec[0] == "m" or spec == "x.npy:y.npy" else 1), spec
        before = load(spec).digest()
        every = [path for path in Path().rglob("*") if path.is_file()]
        for path in every:
            kept = path.read_bytes()
            path.unlink()
            if path in named:
                with pytest.raises(Exception, match=r"."):
                    load(spec)
            else:
                assert load(spec).digest() == before, (spec, path)
            path.write_bytes(kept)


def beside(name: str, location: str) -> TensorProto:
    """The 1 x 1 weight 1, which lies in that file."""
    weight = numpy_helper.from_array(np.ones((1, 1), np.float32), name)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    return weight


def write_onnx(*weights: TensorProto, outputs: tuple[str, ...] = ("y",)) -> onnx.ModelProto:
    """n.onnx: y is x times w, and z is x times v."""
    Path("w.bin").write_bytes(np.ones(1, np.float32).tobytes())
    x, *made = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1]) for n in ("x", *outputs)
    ]
    pairs = [("w", "y"), ("v", "z")]
    nodes = [helper.make_node("MatMul", ["x", w], [y]) for w, y in pairs if y in outputs]
    graph = helper.make_graph(nodes, "g", [x], made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    Path("n.onnx").write_bytes(model.SerializeToString())
    return model


@pytest.mark.parametrize("place", ["../private", "/etc/hostname", "link.bin", "absent.bin", "pipe"])
def test_a_weight_that_nothing_reads_opens_no_file(place: str, capsys: Any) -> None:
    Path("link.bin").symlink_to("/etc/hostname")
    os.mkfifo("pipe")
    write_onnx(beside("w", "w.bin"), beside("v", place))
    assert network_files("n.onnx") == [Path("n.onnx"), Path("w.bin")]
    Path("line.csv").write_text("0,0\n1,1\n")
    ask = ("--data", "line.csv", "--network", "n.onnx", "--radius", "1/4", "--quiet", "--jobs", "0")
    assert run(capsys, "certify", *ask, "--out", "run")[0] in (0, 1)
    facts = json.loads(run(capsys, "runs", "show", "run", "--json")[1])
    names = [source["name"] for source in facts["about"]["sources"]]
    assert names == ["n.onnx", "w.bin", "line.csv"]


def test_the_files_are_those_of_the_outputs_that_are_asked_about() -> None:
    write_onnx(beside("w", "w.bin"), beside("v", "../private"), outputs=("y", "z"))
    assert network_files("n.onnx", ["y"]) == [Path("n.onnx"), Path("w.bin")]
    with pytest.raises(UserError, match=r"'v': its data lie in '\.\./private', outside the folder"):
        network_files("n.onnx")


def test_weights_beside_an_onnx_file_are_among_its_files() -> None:
    model = write_onnx(beside("w", "w.bin"))
    assert isinstance(model, onnx.ModelProto) and load_any_network("n.onnx").inputs == 1
    assert network_files("n.onnx") == [Path("n.onnx"), Path("w.bin")]
    assert network_files("line.npz") == [Path("line.npz")]


@pytest.mark.parametrize(
    "stored", [None, "x", [1], [{}], [{"kind": "x", "name": "a", "sha256": "0" * 64}],
               [{"kind": "data", "name": 1, "sha256": "0" * 64}],
               [{"kind": "data", "name": "a", "sha256": "0"}]],
)  # fmt: skip
def test_what_is_no_note_is_left_out(stored: Any) -> None:
    assert sources_of({"sources": stored}) == []
    assert noted_shares([{"kernel": stored}]) == []


def test_what_the_kernel_replayed_is_noted_before_the_seal(capsys: Any) -> None:
    """Number and seed, zero included, with the session; the root does not depend on it."""
    out = run(capsys, "certify", *ASKED, "--out", "run", "--json")[1]
    facts = json.loads(out)
    assert facts["kernel"]["seed"] == int(facts["root"][:8], 16) and facts["kernel"]["of"] == 3
    place = find_run("run")
    with Store(place.database, read_only=True) as store:
        (share,) = noted_shares(store.hosts(store.run().id))
    assert share.facts == facts["kernel"]
    assert run(capsys, "check", "run", "--quiet")[0] == 0  # the database is as it was sealed
    said = f"{share.count} of 3, drawn with seed {share.seed}"
    assert said in run(capsys, "runs", "show", "run")[1]
    report = run_report(read_run(place, jobs=1), with_timings=True)
    assert report.values["kernel"] == [share.facts]
    assert "kernel" not in run_report(read_run(place, jobs=1)).values
