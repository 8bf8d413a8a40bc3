"""The folder of somebody who reads the documents: small files by the names that the pages print."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np

from tests.oracles.nnet_text import NNET
from verifier.cli.main import main

_INPUT = "(declare-const X_{0} Real)\n(assert (>= X_{0} 0))\n(assert (<= X_{0} 1))\n"
UNSAFE = (
    "".join(map(_INPUT.format, range(64)))
    + "".join(map("(declare-const Y_{} Real)\n".format, range(10)))
    + "(assert (<= Y_0 -1000))\n"
)
TWO_NETWORKS = """(vnnlib-version <2.0>)
(declare-network f (declare-input X Real [1,64]) (declare-output Y Real [1,10]))
(declare-network g (isomorphic-to f) (declare-input U Real [1,64]) (declare-output V Real [1,10]))
"""


def written() -> None:
    """Networks, data, properties and proofs, made in the working folder.

    A network of 64 inputs and ten outputs is called net.*, f.onnx and g.onnx; digits.csv and
    data.csv have 30 digits, plane.csv and table.csv 14 points of the plane."""
    examples = files("robmem").joinpath("examples")
    for source, names in (("digits.npz", ["net.npz"]), ("digits.csv", ["digits.csv", "data.csv"]),
                          ("moons.csv", ["plane.csv", "table.csv"])):  # fmt: skip
        for name in names:
            Path(name).write_bytes(examples.joinpath(source).read_bytes())
    shutil.copytree(str(examples), "examples")
    Path("net.nnet").write_text(NNET.format(low="0.25", mean="0"))
    _make("export net.npz --to native -o net.bin", "export net.npz --to onnx --round -o net.onnx")
    for name in ("f.onnx", "g.onnx"):
        shutil.copy("net.onnx", name)
    for name in ("p.vnnlib", "prop_3.vnnlib", "property.vnnlib"):
        Path(name).write_text(UNSAFE)
    same = "".join(
        f"(assert (== X[0,{k}] U[0,{k}]))\n(assert (>= X[0,{k}] 0))\n(assert (<= X[0,{k}] 1))\n"
        for k in range(64)
    )
    Path("query.vnnlib").write_text(TWO_NETWORKS + same + "(assert (> Y[0,0] (+ V[0,0] 1)))\n")
    Path("instances.csv").write_text("net.onnx,p.vnnlib,60\n")
    Path("published.csv").write_text(
        "network,property,tool,verdict\nnet.onnx,p.vnnlib,one,sat\nnet.onnx,p.vnnlib,two,unsat\n"
    )
    _mnist(Path("mnist"))
    for label, name in ((7, "proof"), (6, "flip")):
        ball = f"net.npz --center digits:7 --radius 1/100 --label {label}"
        _make(f"verify {ball} --proof {name}.json.gz")


def begun_runs() -> None:
    """Runs of few samples, by the names that the pages print."""
    digits = "digits.csv --network net.npz --radius 1/4"
    for name, more in (("wine", "wine"), ("iris", "iris"), ("first", "iris"),
                       ("second", "iris --ratio 1/2"), ("digits", digits),
                       ("digits-linf-0a1b2c3d", digits)):  # fmt: skip
        _make(f"certify --data {more} --samples 0:2 --out runs/{name}")
    for name, radius in (("plain", "1/8"), ("noise", "1/4")):
        about = "digits.csv --samples 0:2"
        _make(f"certify --data {about} --network net.npz --radius {radius} --out runs/{name}",
              f"radius net.npz --data {about} --proofs radii-{name}")  # fmt: skip


def _make(*commands: str) -> None:
    for command in commands:
        assert main(command.split()) in (0, 1, 3), command


def _mnist(folder: Path) -> None:
    """Four pictures of two pixels each way, as idx files."""
    folder.mkdir()
    pictures = np.array([[[0, 0], [0, 0]], [[255, 0], [0, 0]], [[0, 0], [0, 255]],
                         [[255, 255], [255, 255]]], dtype=np.uint8)  # fmt: skip
    head = b"\x00\x00\x08\x03" + b"".join(n.to_bytes(4, "big") for n in pictures.shape)
    (folder / "train-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
    labels = b"\x00\x00\x08\x01\x00\x00\x00\x04" + bytes([0, 1, 2, 3])
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
