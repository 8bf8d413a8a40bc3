"""Functions of one variable in integers are what they stand for, at every kind of place."""

import itertools
from itertools import pairwise
from random import Random

import pytest

from tests.oracles.checkers import answer, both
from tests.oracles.reference import check_reference
from tests.oracles.reference_ridge import interval
from tests.oracles.ridge_values import F, value
from verifier.checker.ridge import (
    Function,
    Minima,
    Restricted,
    combined,
    least,
    positive_part,
    univariate_of,
)
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Leaf, Node, Robust, SeparableStep
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box, root_upper


def random_function(rng):
    """Small numbers, so that zeros lie at points, beside them and nowhere."""
    points = sorted(rng.sample(range(-6, 7), rng.randint(1, 4)))
    slopes = [rng.randint(-2, 2) for _ in range(len(points) + 1)]
    values = [rng.randint(-3, 3)]
    for k in range(1, len(points)):
        values.append(values[-1] + slopes[k] * (points[k] - points[k - 1]))
    return Function(rng.choice((1, 1, 2, 3)), points, values, slopes)


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
    line = len(function.points) == 1 and function.slopes[0] == function.slopes[1]
    bends = [] if line else [F(x, function.size) for x in function.points]
    inside = {u for u in bends if low < u < high}
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


def test_the_least_value_between_neighbours():
    """u^2 - u on [0, 1], whose derivative is -1 and 1 at the ends, and u^2 + u on [-1, 0]."""
    assert F(*least(Restricted(1, [0, 1], [0, -1]), 1, "2", 1, 1)) == F(-1, 4)
    assert F(*least(Restricted(1, [-1, 0], [-1, 0]), 1, "2", 1, 1)) == F(-1, 4)
    assert F(*least(Restricted(1, [0, 1], [0, 1]), -1, "2", 1, 1)) == F(-1, 4)


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


@pytest.mark.parametrize(
    ("sides", "constant", "least_flip", "flaw"),
    [
        ((-1, 2), -1, F(5, 2), "accepted"),  # the first sum is off, at most 0
        ((-1, 2), -1, F(2), "bound too weak"),
        ((-1, 2), 0, F(5, 2), "bound too weak"),  # undecided, at most 1: nothing is known
        ((0, 1), 0, F(7, 4), "accepted"),  # on, at least 0: the second is a sum of both
        ((0, 1), 0, F(3, 2), "bound too weak"),
    ],
)
def test_a_sum_reads_other_sums_that_are_on_or_off(sides, constant, least_flip, flaw):
    """hat(x) + hat(y) + constant, of max(x, 0) - 2 max(x - 1/2, 0), then that and max(x, 0)."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    a, b, c, d = build.layer([x, x - F(1, 2), y, y - F(1, 2)])
    (first,) = build.layer([a - 2 * b + c - 2 * d + constant])
    network = build.network(build.layer([first + a]))
    goal = Goal((Atom((), ((0, F(1)),), -least_flip, False),), "0")
    low, high = map(F, sides)
    query = Query(network, box([low, low], [high, high]), (goal,))
    leaf = Leaf(slopes={5: F(0)})  # the box of the last unit
    assert both(query, Robust((SeparableStep((F(0),)),), ((Node((), leaf),),))) == flaw


@pytest.mark.parametrize("seed", range(60))
def test_the_interval_of_a_direction(seed):
    """On boxes and balls that hold or cut each other, and by cuts of either sign."""
    rng = Random(seed)
    direction = ((0, F(1)), (1, rng.choice((F(4, 3), F(-3, 4), F(5, 2), F(-1)))))
    if rng.random() < 0.2:
        direction = ((1, F(1)),)
    center = [F(rng.randint(-4, 4), 2) for _ in range(2)]
    norm, radius = rng.choice(("inf", "1", "2")), F(rng.randint(1, 9), rng.randint(1, 3))
    where = ball(norm, center, radius)
    corners = [[center[k] - radius, center[k] + radius] for k in range(2)]
    for sides in corners:
        if rng.random() < 0.4:
            sides[rng.randrange(2)] = sides[0] + (sides[1] - sides[0]) * F(rng.randint(1, 9), 10)
            sides.sort()
    low, high = zip(*corners, strict=True)

    def product(point):
        return sum((g * point[k] for k, g in direction), F(0))

    values = [product(point) for point in itertools.product(*corners)]
    least_value, largest_value = min(values), max(values)
    if norm != "inf":
        sizes = [abs(g) for _, g in direction]
        reach = radius * max(sizes)
        if norm == "2":
            reach = root_upper(radius**2 * sum(g * g for g in sizes))
        least_value = max(least_value, product(center) - reach)
        largest_value = min(largest_value, product(center) + reach)
    cuts = []
    for _ in range(rng.randint(0, 2)):
        factor, offset = F(rng.choice((-3, -1, 1, 2))), F(rng.randint(-9, 9), 2)
        cuts.append((tuple((k, factor * g) for k, g in direction), offset))
        if factor > 0:
            least_value = max(least_value, -offset / factor)
        else:
            largest_value = min(largest_value, -offset / factor)
    cuts.append((((0, F(1)), (1, F(7))), F(-100)))  # about another direction
    expected = least_value, largest_value
    assert interval(direction, where, (low, high), cuts) == expected
    build = NetworkBuilder(2)
    form = Affine.sum([build.inputs[k] * g for k, g in direction])
    scaled = ScaledNetwork(build.network(build.layer([form * 3])), 1)
    line = univariate_of(scaled).number_of_direction[direction]
    assert Minima(univariate_of(scaled), where, (low, high), cuts).interval(line) == expected


@pytest.mark.parametrize("norm", ["1", "2"])
def test_a_center_outside_of_the_interval_is_no_point_of_it(norm):
    """max(x, 0) is at least 1/2 where x is, though it is 0 at the center."""
    build = NetworkBuilder(1)
    network = build.network(build.layer(build.inputs))
    goal = Goal((Atom((), ((0, F(-1)),), F(1, 4), False),), "0")
    query = Query(network, ball(norm, [F(0)], F(1), clip=(F(1, 2), F(2))), (goal,))
    assert both(query, Robust((), ((Node((), Leaf(ball=F(0))),),))) == "accepted"


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
