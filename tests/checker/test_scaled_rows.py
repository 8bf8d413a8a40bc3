"""Rows in integers are the rows of the network times the least scales, and values those of plain
fractions, wherever 64 bits end."""

from fractions import Fraction
from math import lcm
from random import Random

import pytest

from tests.oracles.reference import forward
from verifier.checker.scaled import ScaledNetwork, evaluate
from verifier.question.build import Affine, NetworkBuilder

F = Fraction


def entry(rng, bits):
    """About so many bits above and below."""
    top = rng.choice((1, 3, 2 ** rng.randint(0, bits), 2**bits - 1))
    below = rng.choice((1, 2, 3, 2 ** rng.randint(0, bits), 2**bits + 1))
    return F(rng.choice((-1, 1)) * top, below)


def network_of(rng, bits):
    build = NetworkBuilder(2)
    known = list(build.inputs)
    for _ in range(rng.randint(1, 3)):
        forms = []
        for _ in range(rng.randint(1, 3)):
            read = [u for u in known if rng.random() < 0.6]
            form = Affine.sum([u * entry(rng, rng.choice((1, bits))) for u in read])
            forms.append(form + (entry(rng, rng.choice((1, bits))) if rng.random() < 0.7 else 0))
        known += build.layer([*forms, known[-1] * 1])
    return build.network([Affine.sum([u * entry(rng, bits) for u in known[-3:]])])


@pytest.mark.parametrize("bits", [1, 10, 15, 16, 20, 21, 30, 31, 32, 33, 60, 61, 62, 63, 64, 100])
@pytest.mark.parametrize("seed", range(10))
def test_rows_and_values(bits, seed):
    rng = Random(f"{bits} {seed}")
    network = network_of(rng, bits)
    denominator = rng.choice((1, 2, 2 ** rng.randint(0, 64), 3**20))
    scaled = ScaledNetwork(network, denominator)
    inputs = network.inputs
    whole = [F(scale, denominator) for scale in scaled.scales]  # those for whole inputs
    assert whole[:inputs] == [1] * inputs
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        least = lcm(constant.denominator, *((w / whole[j]).denominator for j, w in weights.items()))
        assert whole[inputs + v] == least
        variables, found, offset = scaled.row(v)
        assert variables == list(weights)
        assert found == [w / whole[j] * least for j, w in weights.items()]
        assert offset == constant * least * denominator
    points = [
        tuple(F(rng.randint(-9, 9) * 2 ** rng.choice((0, bits)), rng.choice((1, 3))) for _ in "xy")
        for _ in range(3)
    ]
    assert evaluate(network, points) == [forward(network, point) for point in points]


@pytest.mark.parametrize(
    ("weights", "point"),
    [
        ([2**61] * 4, [1, 1, 1, 1]),  # 2^63
        ([2**40, 2**40], [1, -(2**40)]),
        ([2**40, 2**40], [-1, 2**40]),
        ([2**40, 2**40], [1, 2**40]),
        ([-(2**40), -1], [2**22, 0]),
        ([3, 2**62 - 2], [1, 2]),
    ],
)
def test_sums_that_leave_64_bits(weights, point):
    """Of products that are larger than one of the weights or inputs alone shows."""
    build = NetworkBuilder(len(weights))
    form = Affine.sum([x * w for x, w in zip(build.inputs, weights, strict=True)])
    unit, other = build.layer([form, form * -1])
    network = build.network([unit - other])
    value = sum(w * x for w, x in zip(weights, point, strict=True))
    assert evaluate(network, [tuple(map(F, point))]) == [[value]]


@pytest.mark.parametrize("bits", [8, 40, 80])
@pytest.mark.parametrize("denominator", [1, 6])
def test_nobody_writes_into_what_is_derived(bits, denominator):
    scaled = ScaledNetwork(network_of(Random(bits), bits), denominator)
    arrays = [scaled.weights, scaled.constants, scaled.origins, scaled.levels]
    arrays += [full.weights for full in scaled.full_layers or ()]
    arrays += [scaled.tables.lower_row, scaled.tables.upper_row]
    for array in arrays:
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_the_parameter_of_a_family_is_no_axis():
    network = network_of(Random(0), 8)
    assert ScaledNetwork(network, 1).axes == network.inputs
    assert ScaledNetwork(network, 1, family=True).axes == network.inputs - 1
