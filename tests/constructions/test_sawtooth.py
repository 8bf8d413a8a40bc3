"""Squares by sawtooths, powers by interpolation and by products, and short rationals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructions.hypotheses import budget_of_ratio, power_separation, root_lower
from constructions.power_interpolant import pieces_of
from constructions.registry import build
from constructions.sampled import sampled_flips
from constructions.sawtooth import Scale, scale_of
from constructions.simplest import simplest_between
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError

rationals = st.fractions(-50, 50, max_denominator=400)


@pytest.mark.parametrize("levels", [0, 1, 2, 5])
def test_the_sawtooth_square_is_above_the_square_by_at_most_a_quarter_power(levels: int) -> None:
    build_network = NetworkBuilder(1)
    tooth, total = build_network.inputs[0], build_network.inputs[0]
    for level in range(1, levels + 1):
        units = build_network.layer([tooth, tooth - Fraction(1, 2), total])
        tooth = 2 * units[0] - 4 * units[1]
        total = units[2] - tooth * Fraction(1, 4**level)
    network = build_network.network([total])
    points = [[Fraction(k, 96)] for k in range(193)]
    for (t,), (value,) in zip(points, evaluate(network, points), strict=True):
        if t <= 1:
            assert 0 <= value - t * t <= Fraction(1, 4 ** (levels + 1))
        else:
            assert value >= 1


@given(low=rationals, width=st.fractions(0, 3, max_denominator=500))
def test_the_simplest_number_of_an_interval(low: Fraction, width: Fraction) -> None:
    high = low + width
    found = simplest_between(low, high)
    assert low <= found <= high
    for denominator in range(1, found.denominator):
        assert floor(high * denominator) < low * denominator


@pytest.mark.parametrize("dimension", [1, 4, 64, 784])
@pytest.mark.parametrize("ratio", ["0", "1/2", "9/10", "99/100", "999/1000"])
def test_the_levels_are_those_of_the_formula(dimension: int, ratio: str) -> None:
    rho = Fraction(ratio)
    scale = scale_of(dimension, rho / 2, Fraction(1))
    q = dimension * (2 - rho) ** 2 / (4 * (1 - rho))
    assert scale.levels == max(0, floor(log2(q) / 2))
    assert scale.threshold < 1 and scale.unit <= 1 - rho / 2


@pytest.mark.parametrize(
    ("ratio", "pieces"), [("0", 15), ("1/2", 15), ("9/10", 25), ("99/100", 71)]
)
def test_the_pieces_are_the_least_of_the_formula(ratio: str, pieces: int) -> None:
    """J > sqrt(n p(p - 1) / (8(1 - (mu / M)^p))) for n = 784, p = 2."""
    budget = Fraction(ratio) / 2
    found, unit = pieces_of(784, budget, Fraction(1), 2)
    assert found == pieces and unit <= 1 - budget
    inside = (budget / unit) ** 2
    assert (
        inside + Fraction(196, found**2)
        < 1
        <= (budget / (1 - budget)) ** 2 + Fraction(196, (found - 1) ** 2)
    )


def test_without_the_allowance_for_the_interpolation_error_the_network_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With tau = (mu / M)^2 alone the sum on the own ball exceeds it."""
    dataset = Dataset.from_rows("two", [[0] * 6, [4, 3, 2, 1, 0, 0]], [0, 1])
    assert sampled_flips(build("l2", dataset, ratio=Fraction(4, 5)), dataset, count=40) == []

    def without_allowance(*arguments: object) -> Scale:
        scale = scale_of(*arguments)  # type: ignore[arg-type]
        allowance = Fraction(6, 4 ** (scale.levels + 1))
        return replace(scale, threshold=scale.threshold - allowance)

    monkeypatch.setattr("constructions.sawtooth.scale_of", without_allowance)
    assert sampled_flips(build("l2", dataset, ratio=Fraction(4, 5)), dataset, count=40)


@pytest.mark.parametrize("norm", ["2", "3", "4"])
def test_a_ratio_is_rounded_up_to_a_short_budget(norm: str) -> None:
    dataset = Dataset.from_rows("two", [[0, 0], [4, 3], [1, 7]], [0, 1, 0])
    exponent = int(norm)
    power = power_separation(dataset, norm)
    for ratio in (Fraction(1, 2), Fraction(99, 100), Fraction(999999, 1000000)):
        budget = budget_of_ratio(ratio, power, norm)
        asked = (ratio / 2) ** exponent * power
        assert asked <= budget**exponent < power / 2**exponent
        assert budget**exponent <= asked * (1 + (1 - ratio) * Fraction(exponent, 400))
    assert budget_of_ratio(Fraction(1), Fraction(25), "2") == Fraction(5, 2)


@given(value=st.fractions(0, 100), exponent=st.integers(1, 5))
def test_roots_are_rounded_down(value: Fraction, exponent: int) -> None:
    root = root_lower(value, exponent, 20)
    step = Fraction(1, 1 << 20) if exponent > 1 else Fraction(0)
    assert root**exponent <= value
    assert exponent == 1 or (root + step) ** exponent > value


def test_the_exponent_must_be_an_integer_of_at_least_two() -> None:
    from constructions.power_interpolant import shallow
    from constructions.power_products import deep

    dataset = Dataset.from_rows("two", [[0], [4]], [0, 1])
    with pytest.raises(UserError, match="p >= 2"):
        shallow(dataset, Fraction(1), exponent=1)
    with pytest.raises(UserError, match="p >= 2"):
        deep(dataset, Fraction(1), exponent=1)
