"""Lemma B.10 and the bit readers, on all integers of the range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.construction import actual_sizes
from constructions.exact_layers import chain_values
from constructions.integer_memorizer import memorizer_network, table_of
from verifier.checker.scaled import evaluate
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network


def values(network: Network, points: list[int]) -> list[Fraction]:
    return [v for (v,) in evaluate(network, [[Fraction(x)] for x in points])]


@pytest.mark.parametrize("reader", ["threshold", "sawtooth"])
@pytest.mark.parametrize("serial", [False, True])
@settings(max_examples=20, deadline=None)
@given(
    labels=st.dictionaries(st.integers(0, 60), st.integers(1, 9), min_size=1, max_size=12),
    slots=st.sampled_from([None, 1, 2, 3, 5]),
)
def test_the_label_on_every_key_and_zero_on_every_other_integer(
    reader: str, serial: bool, labels: dict[int, int], slots: int | None
) -> None:
    network, promises = memorizer_network(labels, slots=slots, reader=reader, serial=serial)
    actual = actual_sizes(network)
    for name, size in promises.sizes().items():
        assert size.holds(actual[name]), (name, actual[name], str(size))
    points = list(range(1 << max(1, max(labels).bit_length())))
    assert values(network, points) == [labels.get(x, 0) for x in points]


@pytest.mark.parametrize(("size", "dense"), [(64, 1994), (256, 5674), (1024, 10783)])
def test_the_parameters_grow_like_the_square_root(size: int, dense: int) -> None:
    rng = np.random.default_rng(size)
    keys = np.unique(rng.integers(0, size * size, 2 * size))[:size].tolist()
    labels = {key: 1 + int(rng.integers(10)) for key in keys}
    network, _ = memorizer_network(labels)
    assert network.dense_parameters <= 1.2 * dense
    assert values(network, keys) == [labels[key] for key in keys]


def test_a_float_gives_wrong_labels_where_the_exact_value_is_right() -> None:
    rng = np.random.default_rng(3)
    keys = np.unique(rng.integers(0, 10**6, 300))[:200].tolist()
    labels = {key: 1 + int(rng.integers(10)) for key in keys}
    network, _ = memorizer_network(labels, slots=5)
    assert network.bits > 64
    assert values(network, keys) == [labels[key] for key in keys]
    wrong = sum(abs(_in_floats(network, key) - labels[key]) > 0.5 for key in keys)
    assert wrong > 20


def _in_floats(network: Network, point: float) -> float:
    space = np.zeros(network.variables)
    space[0] = point

    def row(rows: object, i: int) -> float:
        indices, numerators, constant, denominator = rows.row(i)  # type: ignore[attr-defined]
        weights = np.array([n / denominator for n in numerators])
        return float(weights @ space[indices]) + constant / denominator

    for v in range(network.units.count):
        space[network.inputs + v] = max(row(network.units, v), 0.0)
    return row(network.outputs, 0)


def test_the_hypotheses_are_named() -> None:
    with pytest.raises(UserError, match=r"Lemma B\.10\) needs at least one key"):
        table_of({})
    with pytest.raises(UserError, match="least key -1"):
        table_of({-1: 1, 3: 1})
    with pytest.raises(UserError, match="least label 0"):
        table_of({1: 0, 3: 1})
    with pytest.raises(UserError, match="0 keys a group"):
        table_of({1: 1}, 0)
    with pytest.raises(UserError, match="no bit reader 'telgarsky'"):
        memorizer_network({1: 1}, reader="telgarsky")


@pytest.mark.parametrize("reader", ["threshold", "sawtooth"])
@pytest.mark.parametrize("serial", [False, True])
def test_layerwise_values_are_the_values(reader: str, serial: bool) -> None:
    rng = np.random.default_rng(8)
    keys = np.unique(rng.integers(0, 10**12, 150)).tolist()
    labels = {key: 1 + int(rng.integers(10)) for key in keys}
    network, _ = memorizer_network(labels, slots=3, reader=reader, serial=serial)
    points = [[Fraction(key)] for key in keys[:70]]
    points += [[Fraction(int(v), 7)] for v in rng.integers(-(10**3), 10**13, 30)]
    assert chain_values(network, points, batch=64) == evaluate(network, points)
    assert chain_values(network, []) == []


def test_layerwise_values_need_a_chain() -> None:
    build_network = NetworkBuilder(1)
    (unit,) = build_network.layer([build_network.inputs[0]])
    build_network.layer([unit])
    network = build_network.network([unit])
    with pytest.raises(UserError, match="form a chain"):
        chain_values(network, [[Fraction(1)]])


@pytest.mark.slow
def test_one_hundred_thousand_keys() -> None:
    size = 100_000
    rng = np.random.default_rng(0)
    keys = rng.permutation(np.unique(rng.integers(0, size * size, 2 * size)))[:size]
    labels = {int(key): 1 + int(rng.integers(10)) for key in keys}
    network, promises = memorizer_network(labels)
    assert promises.dense is not None and promises.dense.holds(network.dense_parameters)
    assert network.dense_parameters < 2 * size
    values = chain_values(network, [[Fraction(key)] for key in labels])
    assert [v for (v,) in values] == list(labels.values())
