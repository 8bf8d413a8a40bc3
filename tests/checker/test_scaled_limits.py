"""What a scaled network says of its sizes is true: overflow is judged by it."""

from random import Random

import pytest

from tests.oracles.random_queries import random_network
from verifier.checker.scaled import ScaledNetwork


@pytest.mark.parametrize("denominator", [1, 12, 2**40, 3**50])
def test_no_constant_or_row_is_larger_than_it_is_said_to_be(denominator):
    for seed in range(40):
        network = random_network(Random(seed), 2, 5, 2)
        scaled = ScaledNetwork(network, denominator)
        for layer in scaled.layers:
            constants = [abs(int(c)) for c in layer.constants]
            assert layer.largest_constant == max(constants, default=0)
            sums = [0] * (layer.last - layer.first)
            bounds = [*layer.starts.tolist(), len(layer.indices)]
            for row, begin, end in zip(layer.filled.tolist(), bounds, bounds[1:], strict=False):
                sums[row] = sum(abs(int(w)) for w in layer.weights[begin:end])
            assert layer.largest_row == max(sums, default=0)


def test_axes_are_the_inputs_without_the_parameter_of_a_family():
    network = random_network(Random(1), 3, 2, 1)
    assert ScaledNetwork(network, 1).axes == 3
    assert ScaledNetwork(network, 1, family=True).axes == 2
