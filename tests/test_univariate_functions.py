"""Functions of one variable in integers are what they stand for, at every kind of place."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from tests.test_checkers_agree import answer
from verifier.builder import NetworkBuilder
from verifier.trusted.certificate import Leaf, Node, Robust
from verifier.trusted.errors import RefusedError
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.reference import check_reference
from verifier.trusted.region import box
from verifier.trusted.univariate import Function, combined, positive_part

F = Fraction


def random_function(rng):
    """Small numbers, so that zeros lie at points, beside them and nowhere."""
    points = sorted(rng.sample(range(-6, 7), rng.randint(1, 4)))
    slopes = [rng.randint(-2, 2) for _ in range(len(points) + 1)]
    values = [rng.randint(-3, 3)]
    for k in range(1, len(points)):
        values.append(values[-1] + slopes[k] * (points[k] - points[k - 1]))
    return Function(rng.choice((1, 1, 2, 3)), points, values, slopes)


def value(function, u):
    """By the definition: from the point before u, or back from the first one."""
    x = u * function.size
    k = max((k for k, point in enumerate(function.points) if point <= x), default=None)
    if k is None:
        y = function.values[0] + function.slopes[0] * (x - function.points[0])
    else:
        y = function.values[k] + function.slopes[k + 1] * (x - function.points[k])
    return F(y) / function.size


def places(*functions):
    """All points, points between and far outside."""
    points = sorted({F(x, f.size) for f in functions for x in f.points})
    between = [(a + b) / 2 for a, b in pairwise(points)]
    return [points[0] - 50, points[0] - F(1, 7), *points, *between, points[-1] + 50]


def only_bends(function):
    bends = [a != b for a, b in pairwise(function.slopes)]
    return all(bends) or len(bends) == 1


@pytest.mark.parametrize("seed", range(300))
def test_sums_and_positive_parts(seed):
    rng = Random(seed)
    parts = [(random_function(rng), rng.choice((-2, -1, 1, 3))) for _ in range(rng.randint(0, 3))]
    slope, constant = rng.randint(-2, 2), rng.randint(-2, 2)
    total = combined(slope, constant, parts)
    above = positive_part(total)
    assert only_bends(total) and only_bends(above)
    for u in places(total, above, *(part for part, _ in parts)):
        expected = slope * u + constant + sum(w * value(f, u) for f, w in parts)
        assert value(total, u) == expected
        assert value(above, u) == max(expected, 0)
        size = total.size * u.denominator
        assert total.at(int(u * size), size) == expected * size


@pytest.mark.parametrize("seed", range(100))
def test_an_interval_and_what_lies_between(seed):
    rng = Random(seed)
    function = random_function(rng)
    low, high = sorted(F(rng.randint(-14, 14), rng.choice((1, 2, 5))) for _ in range(2))
    size = function.size * low.denominator * high.denominator * 2
    points, values = function.between(low, high, size)
    inside = {F(x, function.size) for x in function.points if low < F(x, function.size) < high}
    assert [F(x, size) for x in points] == sorted({low, high} | inside)
    assert [F(y, size) for y in values] == [value(function, F(x, size)) for x in points]


def sawtooth(bends):
    slopes = [k % 2 for k in range(bends + 1)]
    values = [k // 2 for k in range(bends)]
    return Function(1, list(range(bends)), values, slopes)


def test_a_function_of_4096_points_is_the_longest():
    assert len(combined(0, 0, [(sawtooth(4096), 1)]).points) == 4096
    with pytest.raises(RefusedError) as caught:
        combined(0, 0, [(sawtooth(4097), 1)])
    assert caught.value.flaw == "too many pieces"


@pytest.mark.parametrize(("low", "refused"), [(F(0), True), (F(3, 2**13), False)])
def test_4096_places_where_a_unit_bends_are_the_most_for_the_reference(low, refused):
    """A sawtooth of 2^11 teeth bends at the multiples of 2^-11, and a unit at half its height at
    the odd multiples of 2^-12; with both ends of the interval."""
    build = NetworkBuilder(1)
    g = build.inputs[0]
    for _ in range(11):
        a, b = build.layer([g, g - F(1, 2)])
        g = 2 * a - 4 * b
    network = build.network(build.layer([g - F(1, 2)]))
    goal = Goal((Atom((), ((0, F(1)),), F(-2), False),), "0")
    query = Query(network, box([low], [F(1)]), (goal,))
    found = answer(check_reference, query, Robust((), ((Node((), Leaf(ball=F(0))),),)))
    assert found == ("too many pieces" if refused else "accepted")
