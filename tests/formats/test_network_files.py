"""Every kind of network file holds the exact network that it says, or is refused in one line."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.shared_data import DATA
from verifier.checker.scaled import evaluate
from verifier.evidence.network_file import save_network
from verifier.formats.load import load_any_network
from verifier.formats.nnet import load_nnet, parse_nnet, read_nnet
from verifier.formats.npz import parse_npz
from verifier.question.build import chain_from_floats
from verifier.question.errors import UserError

NNET = """// a comment
2,2,1,3,
2,3,1,
0,
-1,0,
1,5,
0.5,1,10,
2,4,3,
1,0.1,
0,-1,
1e-1,2,
0,
1,
-0.5,
1,1,-1,
0.25,
"""


def test_nnet_decimals_are_exact() -> None:
    file = parse_nnet(NNET)
    network = file.network()
    assert network.layers == (3,)
    assert network.units.fractions(0) == ({0: 1, 1: Fraction(1, 10)}, 0)
    assert (file.lower, file.upper) == ((-1, 0), (1, 5))
    assert file.is_normalised


def test_nnet_normalisation_is_a_change_of_units() -> None:
    file = parse_nnet(NNET)
    x = [Fraction(3, 7), Fraction(22, 9)]
    scaled = [(v - m) / r for v, m, r in zip(x, file.means, file.ranges, strict=False)]
    inner = evaluate(file.network(), [scaled])[0][0]
    outer = evaluate(file.network(normalise=True), [x])[0][0]
    assert outer == inner * 3 + 10


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1,0.1,\n", "1,0.1,3,\n", "line 9: 3 weights of layer 0, not 2"),
        ("1,0.1,\n", "1,x,\n", "line 9: not a rational number"),
        ("1,0.1,\n", "1,nan,\n", "line 9: not a rational number"),
        ("1,0.1,\n", "1,,0.1,\n", "line 9: 3 weights of layer 0, not 2"),
        ("1,0.1,\n", "1,,\n", "line 9: not a rational number"),
        ("2,2,1,3", "٢,2,1,3", "line 2 is not the numbers of layers"),
        ("1,0.1,\n", "1,1e999999999,\n", "line 9: "),
        ("0.25,\n", "", "truncated"),
        ("0.25,\n", "0.25,\n7,\n", "line 17: more lines"),
        ("2,4,3,", "2,0,3,", "range of the normalisation is zero"),
        ("-1,0,\n1,5,", "-1,9,\n1,5,", "empty box"),
        ("2,2,1,3", "9,2,1,3", "says 9 layers"),
        ("2,2,1,3,\n2,3,1", "2,2,1,3,\n2,300000000,1", "the limit is"),
    ],
)
def test_damaged_nnet_files_name_the_line(old: str, new: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_nnet(NNET.replace(old, new, 1))


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_npz_chains() -> None:
    weights = [np.array([[0.1, 2.0], [3.0, -1.0]], dtype=np.float32), np.array([[1, 2]])]
    biases = [np.array([0.0, 1.0]), np.array([2**60])]
    network = parse_npz(npz(W0=weights[0], b0=biases[0], W1=weights[1], b1=biases[1]))
    assert network.units.fractions(0)[0][0] == Fraction(float(np.float32(0.1)))
    assert network.outputs.fractions(0) == ({2: 1, 3: 2}, 2**60)
    floats = [np.eye(2) * 0.3, np.ones((1, 2))]
    zeros = [np.zeros(2), np.ones(1)]
    same = parse_npz(npz(W0=floats[0], W1=floats[1], b0=zeros[0], b1=zeros[1]))
    assert same.digest == chain_from_floats(floats, zeros).digest


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"W0": np.ones((2, 2))}, "b0 is missing|1 arrays"),
        ({"W0": np.ones((2, 2)), "b0": np.ones(3)}, "layer 0: weights"),
        ({"W0": np.ones((2, 2)), "b1": np.ones(2)}, "b0 is missing"),
        ({"W0": np.ones((2, 2)), "b0": np.ones(2), "x": np.ones(2)}, "array 'x' is not W0"),
        ({"W0": np.array([[np.inf]]), "b0": np.ones(1)}, "layer 0: a weight is NaN"),
        ({"W0": np.array([["a"]]), "b0": np.ones(1)}, "array W0: type"),
        ({"W0": np.array([[None]], dtype=object), "b0": np.ones(1)}, "array W0: type"),
        ({"W0": np.ones((1, 1)) * 1j, "b0": np.ones(1)}, "array W0: type"),
        (
            {"W0": np.ones((2, 2)), "b0": np.ones(2), "W1": np.ones((1, 3)), "b1": np.ones(1)},
            "layer 1: weights",
        ),
    ],
)
def test_damaged_archives_name_the_array(arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_npz(npz(**arrays))


def test_an_archive_that_claims_a_huge_array_takes_no_memory() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)}
        )
        archive.writestr("W0.npy", header.getvalue())
    with pytest.raises(UserError, match="the limit is"):
        parse_npz(file.getvalue())
    content = npz(W0=np.ones((3, 3)), b0=np.ones(3))
    for cut in range(4, len(content), 50):
        with pytest.raises(UserError):
            parse_npz(content[:cut])


def test_one_door_for_all_files(tmp_path: Path) -> None:
    network = chain_from_floats([np.eye(2), np.ones((1, 2))], [np.zeros(2), np.ones(1)])
    save_network(network, tmp_path / "net.bin")
    assert load_any_network(tmp_path / "net.bin").digest == network.digest
    (tmp_path / "net.npz").write_bytes(
        npz(W0=np.eye(2), b0=np.zeros(2), W1=np.ones((1, 2)), b1=np.ones(1))
    )
    assert load_any_network(tmp_path / "net.npz").digest == network.digest
    (tmp_path / "net.nnet.gz").write_bytes(gzip.compress(NNET.encode()))
    assert load_any_network(tmp_path / "net.nnet.gz").layers == (3,)
    assert load_nnet(tmp_path / "net.nnet.gz", normalise=True).layers == (3,)
    (tmp_path / "net.txt").write_text("hello")
    with pytest.raises(UserError, match="neither a robmem network"):
        load_any_network(tmp_path / "net.txt")
    with pytest.raises(UserError, match=r"net\.txt"):
        read_nnet(tmp_path / "net.txt")
    os.mkfifo(tmp_path / "pipe.nnet")
    with pytest.raises(UserError, match="not a regular file"):
        load_any_network(tmp_path / "pipe.nnet")
    with pytest.raises(UserError, match="null"):
        load_any_network("a\0.nnet")
    with pytest.raises(UserError, match="Is a directory"):
        load_any_network(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_collision_avoidance_networks_load() -> None:
    files = sorted((DATA / "coav").glob("*.nnet"))
    for path in files[:10]:
        file = read_nnet(path)
        assert file.network().layers == (40, 40, 38, 19)
        assert not file.is_normalised
        assert len(file.lower) == 6
