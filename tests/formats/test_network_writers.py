"""What is written is the same function when read again, exactly, or says what was rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.shared_data import DATA
from verifier.checker.scaled import evaluate
from verifier.formats.floats import float_network
from verifier.formats.load import load_any_network
from verifier.formats.npz import parse_npz
from verifier.formats.onnx.read import parse_onnx
from verifier.formats.write import npz_bytes, onnx_bytes
from verifier.question.build import Affine, NetworkBuilder, chain_from_floats
from verifier.question.errors import UserError
from verifier.question.network import Network


def random_chain(seed: int, kind: type = np.float64) -> Network:
    generator = np.random.default_rng(seed)
    sizes = [3, 5, 4, 2]
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [generator.normal(size=shape).astype(kind) for shape in shapes]
    return chain_from_floats(weights, [generator.normal(size=n).astype(kind) for n in sizes[1:]])


def skip_network() -> Network:
    build = NetworkBuilder(2)
    x, y = build.inputs
    a, b = build.layer([x - y * 3, y - Fraction(1, 2)])
    (c,) = build.layer([a + x * Fraction(5, 4)])
    build.layer([])
    d, e = build.layer([Affine({}, 2), c - b + y])
    return build.network([d + e - x, Affine({}, 7), a * Fraction(1, 1 << 60)])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_chain_comes_back_with_the_same_rows(kind: type) -> None:
    network = random_chain(3, kind)
    content, rounding = onnx_bytes(network)
    assert rounding.kind == kind.__name__
    assert not rounding.count
    assert parse_onnx(content).digest == network.digest
    assert onnx_bytes(network)[0] == content
    packed, _ = npz_bytes(network)
    assert parse_npz(packed).digest == network.digest
    assert npz_bytes(network)[0] == packed


def test_a_skip_network_comes_back_as_the_same_function() -> None:
    network = skip_network()
    again = parse_onnx(onnx_bytes(network)[0])
    points = [[Fraction(a, 3), Fraction(b, 5)] for a in range(-4, 5) for b in range(-4, 5)]
    assert evaluate(again, points) == evaluate(network, points)
    with pytest.raises(UserError, match="not a chain"):
        npz_bytes(network)


def test_onnxruntime_runs_what_is_written() -> None:
    runtime = pytest.importorskip("onnxruntime")
    for network in (skip_network(), random_chain(5), random_chain(6, np.float32)):
        content, rounding = onnx_bytes(network)
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        points = np.random.default_rng(0).normal(size=(4, network.inputs)).astype(rounding.kind)
        (got,) = session.run(None, {"x": points})
        exact = evaluate(network, [[Fraction(float(v)) for v in point] for point in points])
        wanted = np.array([[float(value) for value in row] for row in exact])
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_weights_that_do_not_fit_are_refused_or_named() -> None:
    build = NetworkBuilder(1)
    (z,) = build.layer([build.inputs[0] * Fraction(1, 3)])
    network = build.network([z + Fraction(1, 10)])
    with pytest.raises(UserError, match="2 weights rounded to float64.*in unit 0; ask for"):
        onnx_bytes(network)
    content, rounding = onnx_bytes(network, rounded=True)
    assert rounding.count == 2
    assert rounding.error == abs(Fraction(1 / 3) - Fraction(1, 3))
    assert parse_onnx(content).units.fractions(0)[0][0] == Fraction(1 / 3)
    _, single = onnx_bytes(network, "float32", rounded=True)
    assert single.error > rounding.error


def test_weights_beyond_the_largest_float_are_refused() -> None:
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0] * 10**400])
    for rounded in (False, True):
        with pytest.raises(UserError, match="variable 0 in output 0.*(too large|largest float)"):
            onnx_bytes(network, rounded=rounded)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=2, max_size=5))
def test_every_float_survives(values: list[float]) -> None:
    array = np.array([values])
    network = chain_from_floats([array], [np.array([values[0]])])
    floats = float_network(network)
    assert not floats.rounding.count
    assert parse_onnx(onnx_bytes(network)[0]).digest == network.digest


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_benchmark_networks_survive_a_round_trip() -> None:
    names = ["acasxu/onnx/ACASXU_run2a_2_3_batch_2000.onnx", "rl_cartpole/onnx/cartpole.onnx"]
    names += ["cersyve/onnx/lane_keep_finetune_inv.onnx", "onnx_zoo/conv_mp1.onnx"]
    for name in names:
        network = load_any_network(DATA / name)
        again = parse_onnx(onnx_bytes(network)[0])
        if network.is_chain:
            assert again.digest == network.digest
        generator = np.random.default_rng(1)
        points = [[Fraction(float(v)) for v in generator.normal(size=network.inputs)]]
        assert evaluate(again, points) == evaluate(network, points)
