"""Damaged and hostile files end in one-line errors, in bounded time and memory."""

from __future__ import annotations

import contextlib
import resource
import sys
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from verifier.evidence.certificate import Leaf, Node, Robust
from verifier.formats.files import read_bytes
from verifier.formats.nnet import parse_nnet
from verifier.formats.npz import parse_npz
from verifier.formats.onnx.read import network_of_model, parse_onnx
from verifier.formats.onnx.stored import read_tensor
from verifier.formats.vipr.check import check_vipr_text
from verifier.formats.vipr.write import vipr_texts
from verifier.formats.vnnlib.read import parse_property
from verifier.formats.write import npz_bytes, onnx_bytes
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

NODE = helper.make_node


def network() -> Network:
    build = NetworkBuilder(2)
    a, b = build.inputs
    hidden = build.layer([a - b * Fraction(1, 2), b, a + b + 1])
    return build.network([hidden[0] + hidden[1] * 3 - hidden[2]])


def certificate() -> bytes:
    one = Fraction(1)
    goal = Goal((Atom((), ((0, one),), Fraction(-50), False),), "0")
    query = Query(network(), box([-one, -one], [one, one]), (goal,))
    return vipr_texts(query, Robust((), ((Node((), Leaf()),),)))[0].encode()


NNET = b"""1,2,1,2,
2,1,
0,
-1,-1,
1,1,
0,0,0,
1,1,1,
0.5,-1e-3,
0.25,
"""
PROPERTY = b"""(declare-const X_0 Real)
(declare-const Y_0 Real)
(assert (and (>= X_0 -1) (<= X_0 1)))
(assert (or (<= Y_0 0.5) (and (>= Y_0 1e1) (<= (+ Y_0 (* 2 X_0)) 3))))
"""
Reader = Callable[[bytes], Any]
READERS: dict[str, tuple[bytes, Reader]] = {
    "onnx": (onnx_bytes(network())[0], parse_onnx),
    "npz": (npz_bytes(network())[0], parse_npz),
    "nnet": (NNET, lambda data: parse_nnet(data.decode("utf-8", "replace"))),
    "vnnlib": (PROPERTY, lambda data: parse_property(data.decode("utf-8", "replace"))),
    "vipr": (certificate(), lambda data: check_vipr_text(data.decode("utf-8", "replace"))),
}

edits = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "copy", "end"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


def damaged(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    data = bytearray(content)
    for kind, where, piece in changes:
        at = int(where * (len(data) + 1))
        if kind == "set":
            data[at : at + len(piece)] = piece
        elif kind == "cut":
            del data[at : at + 8 * len(piece)]
        elif kind == "insert":
            data[at:at] = piece
        elif kind == "copy":
            data[at:at] = data[at : at + 16 * len(piece)]
        else:
            del data[at:]
    return bytes(data)


def survives(name: str, data: bytes) -> None:
    """The reader returns, or refuses in one line."""
    try:
        READERS[name][1](data)
    except UserError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000


@pytest.mark.parametrize("name", READERS)
def test_the_undamaged_file_is_read(name: str) -> None:
    content, read = READERS[name]
    assert read(content) is not None


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=edits)
def test_damaged_files_are_refused_in_one_line(
    name: str, changes: list[tuple[str, float, bytes]]
) -> None:
    survives(name, damaged(READERS[name][0], changes))


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=edits)
def test_damaged_files_are_refused_in_one_line_for_longer(
    name: str, changes: list[tuple[str, float, bytes]]
) -> None:
    survives(name, damaged(READERS[name][0], changes))


@contextlib.contextmanager
def memory(extra: int) -> Iterator[None]:
    """At most `extra` bytes more than now; a reader that wants more ends in MemoryError."""
    if not sys.platform.startswith("linux"):
        yield
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def model(nodes: list[Any], constants: dict[str, Any], shape: list[int]) -> Any:
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


F = np.float32
HOSTILE: dict[str, tuple[list[Any], dict[str, Any], list[int]]] = {
    "doubling": (
        [
            NODE("Concat", [f"v{k}" if k else "x"] * 2, [f"v{k + 1}" if k < 59 else "y"], axis=0)
            for k in range(60)
        ],
        {},
        [1, 4],
    ),
    "many large copies": (
        [NODE("Expand", ["x", "s"], ["v0"])]
        + [NODE("Concat", [f"v{k}", "x"], [f"v{k + 1}"], axis=0) for k in range(200)]
        + [NODE("Relu", ["v200"], ["y"])],
        {"s": np.array([1 << 22, 1])},
        [1, 1],
    ),
    "pads": (
        [NODE("Conv", ["x", "w"], ["y"], pads=[10**9, 10**9])],
        {"w": np.ones((1, 1, 3), dtype=F)},
        [1, 1, 4],
    ),
    "kernel": (
        [NODE("MaxPool", ["x"], ["y"], kernel_shape=[10**9], pads=[10**9, 10**9])],
        {},
        [1, 1, 4],
    ),
    "dense": (
        [NODE("Expand", ["x", "s"], ["v"]), NODE("MatMul", ["v", "w"], ["y"])],
        {"s": np.array([1 << 12, 1 << 12]), "w": np.ones((1 << 12, 1 << 8), dtype=F)},
        [1, 1],
    ),
    "rank": (
        [NODE("Reshape", ["x", "s"], ["y"])],
        {"s": np.ones(5000, dtype=np.int64)},
        [1, 1],
    ),
    "units": (
        [NODE("Expand", ["x", "s"], ["v0"])]
        + [NODE("Relu", [f"v{k}"], [f"v{k + 1}"]) for k in range(40)]
        + [NODE("Identity", ["v40"], ["y"])],
        {"s": np.array([1 << 20, 1])},
        [1, 1],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_small_graphs_that_ask_for_much_are_refused(name: str) -> None:
    with memory(4 << 30), pytest.raises(UserError) as caught:
        network_of_model(model(*HOSTILE[name]))
    assert "\n" not in str(caught.value)


def test_a_packed_file_of_zeros_is_not_unpacked_without_end(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 24)
    parts = [packer.compress(block) for _ in range(20)]  # 320 MiB of zeros
    path = tmp_path / "net.onnx.gz"
    path.write_bytes(b"".join(parts) + packer.flush())
    assert path.stat().st_size < 1 << 20
    with memory(64 << 20), pytest.raises(UserError, match="more than 1048576 bytes"):
        read_bytes(path, 1 << 20)


def test_a_signalling_nan_is_a_nan() -> None:
    """Found by the changed bytes above: numpy warns when it widens one."""
    tensor = TensorProto(dims=[1], data_type=TensorProto.FLOAT, raw_data=b"\x00\x00\x81\x7f")
    assert np.isnan(read_tensor(tensor, None).values).all()


@pytest.mark.parametrize("name", [b"Ge\nm", b"Ge\x80m"])
def test_operators_are_named_on_one_line(name: bytes) -> None:
    data = onnx_bytes(network())[0].replace(b"Gemm", name)
    assert name in data
    with pytest.raises(UserError, match="operator .*Ge.*m.* is not supported") as error:
        parse_onnx(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_small_file_is_read_with_little_memory(tmp_path: Path, packed: bool) -> None:
    """However much a large one may hold."""
    path = tmp_path / "net.nnet"
    path.write_bytes(zlib.compress(b"x" * 1000, wbits=31) if packed else b"x" * 1000)
    with memory(64 << 20):
        assert read_bytes(path) == b"x" * 1000
