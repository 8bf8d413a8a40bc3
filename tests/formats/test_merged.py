"""Units with equal rows become one; the function, at every point, stays the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.checker.scaled import evaluate
from verifier.formats.merged import merged
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network

weights = st.integers(-2, 2)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Layers that read all before them, with rows drawn from few, so that many are equal."""
    build = NetworkBuilder(2)
    known = list(build.inputs)
    scale = draw(st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(2) ** 80]))

    def row() -> Affine:
        return Affine.sum(form * (draw(weights) * scale) for form in known) + draw(weights)

    for _ in range(draw(st.integers(1, 3))):
        few = [row() for _ in range(draw(st.integers(1, 3)))]
        known += build.layer([draw(st.sampled_from(few)) for _ in range(draw(st.integers(1, 5)))])
    return build.network([row() for _ in range(draw(st.integers(1, 2)))])


@settings(max_examples=80, deadline=None)
@given(networks())
def test_the_function_is_the_same_and_no_two_rows_of_a_layer_are(network: Network) -> None:
    result = merged(network)
    points = [[Fraction(a, 2), Fraction(b, 3)] for a in (-3, 0, 1, 4) for b in (-2, 0, 5)]
    for ours, theirs in zip(evaluate(network, points), evaluate(result, points), strict=True):
        assert list(ours) == list(theirs)
    assert result.units.count <= network.units.count
    for first, last in result.layer_ranges():
        rows = [result.units.fractions(v) for v in range(first, last)]
        assert all(a != b for k, a in enumerate(rows) for b in rows[:k])
    assert merged(result) is result


def test_nothing_to_merge_is_the_network_itself() -> None:
    build = NetworkBuilder(1)
    (x,) = build.inputs
    network = build.network([sum(build.layer([x, -x, x + 1]), Affine())])
    assert merged(network) is network


def test_a_network_minus_its_copy_is_zero() -> None:
    rng = np.random.default_rng(2)
    build = NetworkBuilder(3)
    halves = [list(build.inputs), list(build.inputs)]
    for size in (6, 6, 4):
        matrix = rng.normal(size=(size, len(halves[0])))
        rows = [
            [Affine.sum(f * Fraction(w) for f, w in zip(half, row, strict=True)) for row in matrix]
            for half in halves
        ]
        units = build.layer(rows[0] + rows[1])
        halves = [units[:size], units[size:]]
    network = build.network([a - b for a, b in zip(*halves, strict=True)])
    result = merged(network)
    assert (result.units.count, result.layers) == (0, ())
    assert len(result.outputs.indices) == 0
    assert not np.any(result.outputs.constants)
