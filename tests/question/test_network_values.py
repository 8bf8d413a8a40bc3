"""What a network computes at points that are given to it, and that its rows stay what they are."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Rows, digest_of, integers

F = Fraction


def network():
    """u = (x - 2 y + 1)+, v = (x / 3 + y)+, w = (u - v / 2)+; the outputs w + x and 5 - v."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    u, v = build.layer([x - 2 * y + 1, x * F(1, 3) + y])
    (w,) = build.layer([u - v * F(1, 2)])
    return build.network([w + x, 5 - v])


def by_hand(x, y):
    u, v = max(x - 2 * y + 1, F(0)), max(x / 3 + y, F(0))
    return [max(u - v / 2, F(0)) + x, 5 - v]


POINTS = [(F(1), F(2)), (F(3), F(1, 10)), (F(-3), F(1)), (F(0), F(0)), (F(1, 7), F(-5, 3))]


def test_outputs_are_exact_one_by_one_and_in_rows():
    net = network()
    for point in POINTS:
        found = net(point)
        assert found.tolist() == by_hand(*point) and found.shape == (2,)
        assert all(type(value) is Fraction for value in found)
    expected = [by_hand(*point) for point in POINTS]
    assert net(POINTS).tolist() == expected
    assert net(POINTS[:1]).tolist() == expected[:1]
    assert net(np.array(POINTS, dtype=object).reshape(5, 1, 2)).tolist() == expected
    assert net([0.1, 2]).tolist() == by_hand(F(0.1), F(2))  # a float is the number that it is
    assert net(np.zeros((0, 2))).shape == (0, 2)


def test_floats_give_floats():
    net = network()
    found = net(POINTS, dtype=float)
    assert found.dtype == np.float64
    assert found == pytest.approx(np.array([by_hand(*p) for p in POINTS], dtype=float))
    assert net(POINTS[1], dtype=float).tolist() == found[1].tolist()
    assert net(np.zeros((0, 2)), dtype=float).shape == (0, 2)


def test_one_input_may_stand_in_rows_but_not_alone():
    build = NetworkBuilder(1)
    net = build.network([build.inputs[0] * 3])
    assert net([2]).tolist() == [6] and net([[2], [4]]).tolist() == [[6], [12]]
    for dtype in (None, float):
        with pytest.raises(UserError, match=r"^points of shape \(\), the network has 1 inputs"):
            net(2, dtype=dtype)
        with pytest.raises(UserError, match="of shape"):
            net([1, 2], dtype=dtype)


@pytest.mark.parametrize("dtype", [None, float])
@pytest.mark.parametrize(
    "points",
    [5, [], [[]], [1], [1, 2, 3], [[1], [2]], [[1, 2, 3]], [[1, 2], [3]], ["a", 1], [None, 1],
     [float("nan"), 1], [[1, 2], [float("inf"), 1]], {}],
)  # fmt: skip
def test_what_is_no_point_is_refused_in_one_line(points, dtype):
    with pytest.raises(UserError, match="^points") as caught:
        network()(points, dtype=dtype)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("large", [5, 2**70])
def test_rows_are_copies_that_nobody_writes_into(large):
    given = [np.array([0, 1, 2]), np.array([0, 0]), integers([large, -large])]
    given += [integers([large, 1]), integers([1, large])]
    rows = Rows(*given)
    before = [getattr(rows, name).tolist() for name in Rows.__slots__]
    for array in given:
        array[...] = 1
    for name, values in zip(Rows.__slots__, before, strict=True):
        array = getattr(rows, name)
        assert array.tolist() == values
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("block", [1, 2, 3, 1 << 62])
def test_the_digest_does_not_depend_on_the_block(block):
    net = network()
    arrays = [getattr(rows, name) for rows in (net.units, net.outputs) for name in Rows.__slots__]
    narrow = [array.astype(np.int8) for array in arrays]
    assert digest_of(net.inputs, net.layers, narrow, block) == net.digest


def test_networks_that_came_by_pickle_cannot_be_written_into_either() -> None:
    """Nor are arrays that lie in a part of some bytes copied as the whole of them."""
    build = NetworkBuilder(1)
    made = build.network(build.layer([build.inputs[0] + k for k in range(200)]))
    for protocol in range(6):
        network = pickle.loads(pickle.dumps(made, protocol=protocol))  # noqa: S301
        with pytest.raises(ValueError, match="read-only"):
            network.units.constants[0] = -5
        assert copy.deepcopy(network).digest == network.digest == made.digest
    numbers = np.array([9, 0, 1, 2, 9], dtype=np.int64).tobytes()
    part = np.frombuffer(numbers, dtype=np.int64, count=3, offset=8)
    apart = np.ndarray((2,), np.int64, buffer=numbers, strides=(8 * 2,), offset=8)
    one = np.array([1, 1], dtype=np.int64)
    rows = copy.deepcopy(Rows(part, apart, one, one, one))
    assert (rows.starts.tolist(), rows.indices.tolist()) == ([0, 1, 2], [0, 2])
