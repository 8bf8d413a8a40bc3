"""Functions of one variable in integers are what they stand for, at every kind of place."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from tests.test_checkers_agree import answer, both
from verifier.builder import Affine, NetworkBuilder
from verifier.trusted.certificate import Leaf, Node, Robust, SeparableStep
from verifier.trusted.errors import RefusedError
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.reference import check_reference
from verifier.trusted.region import ball, box
from verifier.trusted.univariate import Function, Restricted, combined, least, positive_part

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


def random_restricted(rng, norm):
    """Small integers, with the center last for norm 1 if it is none of the points."""
    points = sorted(rng.sample(range(-5, 6), rng.randint(1, 4)))
    values = [rng.randint(-4, 4)]
    for before, x in pairwise(points):
        values.append(values[-1] + rng.randint(-3, 3) * (x - before))
    if norm == "1" and points[0] < 0 < points[-1] and 0 not in points:
        k = next(k for k, x in enumerate(points) if x > 0)
        slope = (values[k] - values[k - 1]) // (points[k] - points[k - 1])
        points, values = [*points, 0], [*values, values[k - 1] - slope * points[k - 1]]
    return Restricted(rng.choice((1, 1, 2, 3)), points, values)


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("seed", range(150))
def test_the_least_value_beside_a_ball(norm, seed):
    """By the definition, piece by piece: at its ends, and where the derivative is zero."""
    rng = Random(seed)
    function, sign = random_restricted(rng, norm), rng.choice((-1, 1))
    top, bottom = rng.randint(1, 4), rng.randint(1, 4)
    rate, size = F(top, bottom), function.size
    known = sorted(zip(function.points, function.values, strict=True))
    places = [(F(x, size), F(sign * y, size)) for x, y in known]
    found = [y + rate * abs(x) ** int(norm) for x, y in places]
    if norm == "2":
        for (x0, y0), (x1, y1) in pairwise(places):
            slope = (y1 - y0) / (x1 - x0)
            turn = min(max(-slope / (2 * rate), x0), x1)
            found.append(y0 + slope * (turn - x0) + rate * turn**2)
    assert F(*least(function, sign, norm, top, bottom)) == min(found)


def test_a_step_bounds_units_whose_upper_bound_is_small():
    """z = max(max(x0, 0) + max(x1, 0) - 1, 0) is 0 on the ball of norm 1, and at most 1 on its
    box."""
    build = NetworkBuilder(2)
    (top,) = build.layer([Affine.sum(build.layer(build.inputs)) - 1])
    query = Query(
        build.network([top]),
        ball("1", [F(0), F(0)], F(1)),
        (Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "0"),),
    )
    for steps, flaw in (((), "bound too weak"), ((SeparableStep((F(1),)),), "accepted")):
        assert both(query, Robust(steps, ((Node((), Leaf()),),))) == flaw


def test_a_step_bounds_units_that_read_no_direction_by_intervals():
    """max(z + w - 1/4, 0) is 0 on the ball, on which z and w are 0 as above."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    parts = build.layer([x, y, -y])
    z, w = build.layer([parts[0] + parts[1] - 1, parts[0] + parts[2] - 1])
    network = build.network(build.layer([z + w - F(1, 4)]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "0")
    query = Query(network, ball("1", [F(0), F(0)], F(1)), (goal,))
    for steps, flaw in (((), "bound too weak"), ((SeparableStep((F(1),)),), "accepted")):
        assert both(query, Robust(steps, ((Node((), Leaf()),),))) == flaw


def test_parts_of_other_sums_are_bounded_without_the_ball():
    """The first test of a step again, with a unit that adds a function of x to the sum: the sum is
    at most 1 by its box, and no multiplier is tried."""
    build = NetworkBuilder(2)
    parts = build.layer(build.inputs)
    (top,) = build.layer([Affine.sum(parts) - 1])
    (above,) = build.layer([top + parts[0]])
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "0")
    proof = Robust((SeparableStep((F(0), F(1))),), ((Node((), Leaf()),),))
    query = Query(build.network([top, above]), ball("1", [F(0), F(0)], F(1)), (goal,))
    assert both(query, proof) == "bound too weak"


def test_a_unit_may_add_an_input_to_the_first_unit():
    """max(max(x, 0) + y - 1, 0) is a sum of a function of x and one of y, 0 on the ball."""
    build = NetworkBuilder(2)
    (part,) = build.layer([build.inputs[0]])
    network = build.network(build.layer([part + build.inputs[1] - 1]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "0")
    query = Query(network, ball("1", [F(0), F(0)], F(1)), (goal,))
    for multiplier, flaw in ((F(1), "accepted"), (F(0), "bound too weak")):
        assert both(query, Robust((SeparableStep((multiplier,)),), ((Node((), Leaf()),),))) == flaw


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
