"""Nearly equal halves: the same function, in which what differs is small."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.checker.scaled import evaluate
from verifier.evidence.network_file import save_network
from verifier.formats.merged import merged
from verifier.formats.side_by_side import side_by_side
from verifier.formats.twins import by_differences
from verifier.formats.vnnlib.join import join
from verifier.formats.vnnlib.read import parse_property
from verifier.question.build import chain_from_floats
from verifier.question.network import Network, Rows
from verifier.search.options import Options
from verifier.tasks.instances import Word, answer, check_proofs, save_proofs


def chain(rng: np.random.Generator, sizes: list[int]) -> list[np.ndarray]:
    return [rng.integers(-16, 17, size=(b, a)) / 16 for a, b in pairwise(sizes)]


def network(weights: list[np.ndarray]) -> Network:
    return chain_from_floats(weights, [np.full(len(w), 0.25) for w in weights])


def beside(weights: list[np.ndarray], other: list[np.ndarray]) -> Network:
    inputs = weights[0].shape[1]
    parts = [network(weights), network(other)]
    return side_by_side([(part, list(range(inputs))) for part in parts], inputs)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([[2, 3, 2], [3, 4, 4, 1], [1, 5, 3, 2, 2]]))
def test_the_function_is_the_same(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    weights = chain(rng, sizes)
    moved = [w + rng.integers(-1, 2, size=w.shape) / 512 for w in weights]
    if rng.random() < 0.3:
        moved[0] = weights[0]
    whole = beside(weights, moved)
    for changed in (by_differences(whole), merged(by_differences(whole))):
        points = [[Fraction(int(x), 8) for x in rng.integers(-16, 17, size=sizes[0])]
                  for _ in range(12)]  # fmt: skip
        for ours, theirs in zip(evaluate(whole, points), evaluate(changed, points), strict=True):
            assert list(ours) == list(theirs)


def test_ordinary_networks_are_left_alone() -> None:
    rng = np.random.default_rng(4)
    for sizes in ([2, 8, 8, 2], [5, 6, 3], [784, 4, 2]):
        plain = network([rng.normal(size=w.shape) for w in chain(rng, sizes)])
        assert by_differences(plain) is plain
    far = chain(rng, [3, 4, 2])
    apart = beside(far, [w + rng.normal(size=w.shape) for w in far])
    assert by_differences(apart) is apart
    empty = np.zeros(0, dtype=np.int64)
    none = Rows(np.zeros(1, dtype=np.int64), empty, empty, empty, empty)
    affine = Network(1, (), none, network([np.ones((1, 1))]).outputs)
    assert by_differences(affine) is affine


def test_native_files_are_left_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    weights = chain(rng, [2, 4, 2])
    whole = beside(weights, [w + 2.0**-9 for w in weights])
    path = tmp_path / "n.robmem"
    save_network(whole, path)
    text = "".join(f"(declare-const {v} Real)" for v in ("X_0", "X_1", "Y_0", "Y_1", "Y_2", "Y_3"))
    question = parse_property(text + "(assert (and (<= 0 X_0 1) (<= 0 X_1 1) (>= Y_0 Y_2)))")
    assert join(question, {"": path}).network.digest == whole.digest


@pytest.mark.parametrize("tight", [False, True])
def test_pairs_that_differ_slightly_are_decided(tmp_path: Path, tight: bool) -> None:
    rng = np.random.default_rng(1)
    sizes = [4, 16, 3]
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in pairwise(sizes)]
    moved = [w + 1e-3 * rng.uniform(-1, 1, size=w.shape) for w in weights]
    for name, layers in (("f", weights), ("g", moved)):
        arrays = {f"W{k}": w for k, w in enumerate(layers)}
        arrays |= {f"b{k}": np.zeros(len(w)) for k, w in enumerate(layers)}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    bound = 0.05 if not tight else 1e-5
    ends = " ".join(
        f"(>= (- Y[{j}] V[{j}]) {bound}) (<= (- Y[{j}] V[{j}]) -{bound})" for j in range(3)
    )
    text = (
        "(vnnlib-version <2.0>)"
        "(declare-network f (declare-input X Real [4]) (declare-output Y Real [3]))"
        "(declare-network g (declare-input U Real [4]) (declare-output V Real [3]))"
        + "".join(f"(assert (and (<= -1 X[{k}] 1) (== X[{k}] U[{k}])))" for k in range(4))
        + f"(assert (or {ends}))"
    )
    question = parse_property(text.replace("1e-05", "0.00001"))
    joined = join(question, {name: tmp_path / f"{name}.npz" for name in "fg"})
    found = answer(joined.network, joined.question, Options(nodes=200))
    assert found.word is (Word.VIOLATED if tight else Word.HOLDS)
    save_proofs(tmp_path / "p.proof", found)
    assert check_proofs(joined.network, joined.question, tmp_path / "p.proof") is found.word
