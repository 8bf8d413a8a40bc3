"""The question about a network as floating point executes it, and what an execution is."""

from fractions import Fraction
from itertools import permutations
from random import Random

import numpy as np
import pytest

from tests.oracles.random_queries import points_of, random_query
from verifier.checker.scaled import evaluate
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.executed import (
    denominator_of_errors,
    error_of_sum,
    executable,
    executed,
    is_number,
    rounded,
    unit_roundoff,
)
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.tasks.semantics import execute

F = Fraction
FORMATS = ("float32", "float64")


@pytest.mark.parametrize("semantics", FORMATS)
def test_numbers_of_the_format(semantics):
    kind = np.dtype(semantics).type
    info = np.finfo(semantics)
    rng = Random(3)
    for value in (info.max, info.tiny, info.smallest_subnormal, info.eps, kind(0), kind(-1.5)):
        assert is_number(F(float(value)), semantics)
    for _ in range(200):
        value = kind(rng.gauss(0, 1)) * kind(2.0 ** rng.randint(-60, 60))
        exact = F(float(value))
        assert is_number(exact, semantics) and is_number(-exact, semantics)
        assert not is_number(exact * (1 + unit_roundoff(semantics) / 2), semantics) or not exact
    for wrong in (F(1, 3), 2 * F(float(info.max)), F(float(info.smallest_subnormal)) / 2):
        assert not is_number(wrong, semantics)
    assert not is_number(F(2 ** (info.nmant + 2) + 1), semantics)
    for beyond in (F(float(info.max)) + F(2) ** (info.maxexp - info.nmant - 1), F(2) ** 1025):
        assert not is_number(beyond, semantics) and not is_number(-beyond, semantics)


def test_sums_in_every_order_stay_within_the_error_bound():
    rng = Random(4)
    for _ in range(60):
        size = rng.randint(1, 5)
        scale = 2.0 ** rng.randint(-20, 20)
        w = np.array([rng.gauss(0, scale) for _ in range(size)], dtype=np.float32)
        z = np.array([rng.gauss(0, 1) for _ in range(size)], dtype=np.float32)
        bias = np.float32(-np.dot(w, z) * (1 + rng.gauss(0, 1e-6)))  # cancels
        exact = sum((F(float(a)) * F(float(b)) for a, b in zip(w, z, strict=True)), F(float(bias)))
        magnitude = sum(abs(F(float(a)) * F(float(b))) for a, b in zip(w, z, strict=True))
        bound = error_of_sum(size, magnitude + abs(F(float(bias))), F(0), "float32")
        terms = [a * b for a, b in zip(w, z, strict=True)] + [bias]
        for order in permutations(terms):
            total = np.float32(0)
            for term in order:
                total = np.float32(total + term)
            assert abs(F(float(total)) - exact) <= bound


@pytest.mark.parametrize("semantics", FORMATS)
def test_rounding_is_that_of_the_processor(semantics):
    """To nearest, ties to even, into the subnormal numbers."""
    kind, rng = np.dtype(semantics).type, Random(5)
    info = np.finfo(semantics)
    for _ in range(400):
        one, other = (kind(rng.gauss(0, 1) * 2.0 ** rng.randint(-70, 50)) for _ in range(2))
        exact, small = F(float(one)) * F(float(other)), F(float(info.tiny))
        assert rounded(exact, semantics) == F(float(one * other))
        assert rounded(F(float(one)) + F(float(other)), semantics) == F(float(one + other))
        assert rounded(exact * small, semantics) == F(float(one * other * info.tiny)) or exact
    step = F(2) ** -info.nmant
    for k in range(8):
        half = 1 + (k + F(1, 2)) * step
        assert rounded(half, semantics) == 1 + (k + k % 2) * step
        assert rounded(-half, semantics) == -1 - (k + k % 2) * step
        tiny = F(float(info.smallest_subnormal))
        assert rounded((k + F(1, 2)) * tiny, semantics) == (k + k % 2) * tiny


@pytest.mark.parametrize("semantics", FORMATS)
def test_any_fraction_is_rounded_to_the_nearest_number(semantics):
    kind, rng = np.dtype(semantics).type, Random(6)
    for _ in range(400):
        value = F(rng.randint(-(10**9), 10**9), rng.randint(1, 10**9)) * F(3) ** rng.randint(
            -60, 50
        )
        found = rounded(value, semantics)
        assert is_number(found, semantics) and rounded(found, semantics) == found
        near = [F(float(np.nextafter(kind(float(found)), kind(end)))) for end in (-np.inf, np.inf)]
        assert all(abs(value - found) <= abs(value - other) for other in near)


@pytest.mark.parametrize("semantics", FORMATS)
def test_the_plain_execution_is_what_numpy_computes_in_order(semantics):
    for seed in range(40):
        query = random_query(seed, scale="halves", max_units=6, max_inputs=3)
        form, rng = executable(query.network, semantics), Random(seed)
        question = executed(query, semantics)
        for point in points_of(rng, query.region, 4):
            start = [rounded(x, semantics) for x in point]
            values = form.run(start)
            outputs = values[query.network.variables :]
            assert outputs == execute(query.network, start, semantics) == form.outputs(start)
            found = form.point(values)
            assert form.is_execution(found)
            assert evaluate(question.network, [found])[0] == list(outputs)
            place = rng.randrange(len(start), len(found))
            moved = [*found]
            moved[place] += F(1, 2**160)
            assert not form.is_execution(moved)
            assert not form.is_execution([start[0] + F(1, 2**1080), *found[1:]])
            if query.region.contains(start):
                assert question.region.contains(found)
                sides = (*question.region.lower, *question.region.upper)
                common = query.region.dimension
                errors = [x for k, x in enumerate(sides) if k % len(found) >= common]
                multiple = denominator_of_errors(semantics)
                assert multiple == 2 ** (146 if semantics == "float32" else 1042)
                assert all(multiple % e.denominator == 0 for e in errors)


def test_an_output_that_rounds_to_0_has_the_error_that_was_made():
    """2^24 x - y / 2 - 2^24 is -1/2 at (1, 1); float32 computes 0."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    form = executable(build.network([x * 2**24 - y * F(1, 2) - 2**24]), "float32")
    values = form.run([F(1), F(1)])
    assert values == (1, 1, 0) and form.point(values) == (1, 1, F(1, 2))


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_a_ball_grows_by_the_errors_alone(norm):
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([x + y, x - 3 * y])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    region = ball(norm, [F(1), F(2)], F(1, 2))
    found = executed(Query(network, region, (goal,)), "float32").region
    errors = found.upper[2:]
    assert (
        found.norm == norm and found.lower[:2] == region.lower and found.upper[:2] == region.upper
    )
    if norm != "inf":
        more = sum(errors) if norm == "1" else sum(e * e for e in errors)
        assert (found.center, found.size) == ((*region.center, 0, 0), region.size + more)
    far = Query(network, box([F(0), F(0)], [F(1), F(2) ** 127]), (goal,))
    with pytest.raises(UserError, match="beyond the numbers of the format"):
        executed(far, "float32")


def cancelling():
    """In real numbers the output is 1 on [0, 1]; in float32, ((x + 2^25) + 1) - x - 2^25 is not."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    high, copy = build.layer([x + 2**25, x])
    sum_, copy = build.layer([high + 1, copy])
    return build.network([sum_ - copy - 2**25])


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_the_region_holds_every_error_beside_every_input(norm):
    query = cancelling()
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
    region = ball(norm, [F(3)], F(2), clip=(F(1, 2), F(4)))
    question = executed(Query(query, region, (goal,)), "float32")
    errors = question.region.upper[1:]
    assert len(errors) == 5 and all(e > 0 for e in errors)
    for x in (F(4), F(1), F(1, 2), F(3)):
        for sign in (-1, 0, 1):
            assert question.region.contains((x, *(sign * e for e in errors))) == region.contains(
                [x]
            )
    assert not question.region.contains((F(4), *errors[:-1], errors[-1] * 2))


def test_every_order_of_summation_is_an_execution_of_the_question():
    """The errors of sums in other orders, fused or in float64, fit into the boxes as well."""
    rng = Random(8)
    for seed in range(40):
        query = random_query(seed, scale="halves", max_units=5, max_inputs=3)
        question = executed(query, "float32")
        for point in points_of(rng, query.region, 4):
            start = [F(float(np.float32(float(v)))) for v in point]
            if not query.region.contains(start):
                continue
            values = list(start)
            network = query.network
            rows = [(network.units, v) for v in range(network.units.count)]
            rows += [(network.outputs, j) for j in range(network.outputs.count)]
            for part, i in rows:
                total = summed(rng, *part.fractions(i), values)
                values.append(max(total, F(0)) if part is network.units else total)
            point = executable(network, "float32").point(values)
            assert question.region.contains(point) and list(point[: len(start)]) == start
            assert evaluate(question.network, [point])[0] == values[network.variables :]


def summed(rng, weights, constant, values):
    """One affine form in float32, its terms in a random order, in one of three ways."""
    terms = [(np.float32(float(w)), np.float32(float(values[j]))) for j, w in weights.items()]
    terms.append((np.float32(float(constant)), np.float32(1)))
    rng.shuffle(terms)
    way = rng.choice(("single", "fused", "double"))
    total = np.float64(0)
    for w, z in terms:
        product = w * z if way == "single" else np.float64(w) * np.float64(z)
        total = total + product if way == "double" else np.float64(np.float32(total + product))
    return F(float(np.float32(total)))


def test_what_cannot_be_executed_is_refused():
    build = NetworkBuilder(1)
    x = build.inputs[0]
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    third = Query(build.network([x * F(1, 3)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="output 0: a weight is no float32 number"):
        executed(third, "float32")
    tenth = Query(build.network([x * F(0.1)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="no float32 number"):
        executed(tenth, "float32")
    executed(tenth, "float64")
    huge = Query(build.network([x * 2**100]), ball("2", [F(0)], F(2) ** 28), (goal,))
    with pytest.raises(UserError, match="overflow"):
        executed(huge, "float32")
    executed(huge, "float64")


def reference_bounds(network, region, semantics):
    """E_v of every unit and output, by the formula, in fractions."""
    u, t = unit_roundoff(semantics), F(float(np.finfo(semantics).tiny))
    sides = list(zip(region.lower, region.upper, strict=True))
    found = []
    rows = [(network.units, v) for v in range(network.units.count)]
    rows += [(network.outputs, j) for j in range(network.outputs.count)]
    for part, i in rows:
        weights, bias = part.fractions(i)
        size = {j: max(map(abs, sides[j])) for j in weights}
        m = len(weights)
        g = (m + 1) * u / (1 - (m + 1) * u)
        magnitude = abs(bias) + sum(abs(w) * size[j] for j, w in weights.items())
        factors = sum(abs(w) + size[j] for j, w in weights.items())
        error = g * magnitude + (1 + g) * t * (factors + 4 * (m + 1))
        found.append(error)
        ends = [bias + sum(w * sides[j][(w > 0) == high] for j, w in weights.items())
                for high in (False, True)]  # fmt: skip
        sides.append((max(ends[0] - error, F(0)), max(ends[1] + error, F(0))))
    return found


@pytest.mark.parametrize("semantics", FORMATS)
def test_the_bounds_are_those_of_the_formula(semantics):
    """Rounded up to 20 bits, and by nothing else that shows."""
    for seed in range(40):
        query = random_query(seed, scale="halves", max_units=6, max_inputs=3)
        question = executed(query, semantics)
        errors = question.region.upper[query.region.dimension :]
        formula = reference_bounds(query.network, query.region, semantics)
        for found, error in zip(errors, formula, strict=True):
            assert error <= found <= error * (1 + F(1, 2**18))
            assert found.numerator.bit_length() <= 21 or found.denominator == 1
        assert question.region.lower[query.region.dimension :] == tuple(-e for e in errors)


def test_what_is_lost_below_the_normal_numbers_and_in_long_sums():
    """Where nothing but flushed operands is lost, and where a layer of many terms is read with a
    negative weight: bounds from below matter as those from above."""
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    build = NetworkBuilder(2)
    x, y = build.inputs
    flat = build.network([x * 2**20 - y * 2**18])
    at_zero = Query(flat, box([F(0), F(0)], [F(0), F(0)]), (goal,))
    (error,) = executed(at_zero, "float32").region.upper[2:]
    assert F(2) ** -126 * (2**20 + 2**18 + 12) <= error <= F(2) ** -126 * (2**20 + 2**18 + 16)
    build = NetworkBuilder(1)
    tiny = build.network([build.inputs[0] * F(1, 2**149)])  # times 2^30: flushed, all of it is lost
    large = Query(tiny, box([F(0)], [F(2) ** 30]), (goal,))
    (error,) = executed(large, "float32").region.upper[1:]
    assert F(2) ** -126 * (2**30 + 8) <= error <= F(2) ** -126 * (2**30 + 2**13)
    many = 1 << 12
    build = NetworkBuilder(many)
    (mean,) = build.layer([sum(build.inputs[1:], build.inputs[0]) * F(1, many)])
    (rest,) = build.layer([2 - mean])
    network = build.network([rest * 1])
    query = Query(network, box([F(1)] * many, [F(3, 2)] * many), (goal,))
    found = executed(query, "float32").region.upper[many:]
    for bound, error in zip(found, reference_bounds(network, query.region, "float32"), strict=True):
        assert error <= bound <= error * (1 + F(1, 2**18))


@pytest.mark.parametrize("semantics", FORMATS)
def test_the_ends_of_the_format(semantics):
    """Sums below half of the largest number are executed, others may overflow."""
    largest = F(2) ** (127 if semantics == "float32" else 1023)
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    build = NetworkBuilder(1)
    affine = build.network([build.inputs[0] * 1])
    below = largest * (1 - 4 * unit_roundoff(semantics))
    for bound, fits in ((below, True), (largest, False)):
        for region in (box([F(0)], [bound]), box([-bound], [F(0)])):
            query = Query(affine, region, (goal,))
            if fits:
                executed(query, semantics)
            else:
                with pytest.raises(UserError, match="beyond the numbers of the format"):
                    executed(query, semantics)
    nearly = Query(affine, box([F(0)], [largest * (1 - unit_roundoff(semantics))]), (goal,))
    with pytest.raises(UserError, match="overflow is possible in a sum of 1 terms"):
        executed(nearly, semantics)
    build = NetworkBuilder(1)
    hidden = build.layer([build.inputs[0] * -1, build.inputs[0] * 1])
    both = Query(build.network([hidden[0] + hidden[1]]), box([-below / 4], [below / 4]), (goal,))
    executed(both, semantics)
    big = Query(both.network, box([-below], [below]), (goal,))
    with pytest.raises(UserError, match="overflow is possible in a sum of 2 terms"):
        executed(big, semantics)
    with pytest.raises(UserError, match="open ball"):
        executed(Query(affine, ball("2", [F(0)], F(1), open=True), (goal,)), semantics)
    terms = 2 ** (24 if semantics == "float32" else 53) - 1
    assert error_of_sum(terms - 1, F(1), F(0), semantics) > 2**20
    with pytest.raises(UserError, match=f"no error bound for a sum of {terms} terms"):
        error_of_sum(terms, F(1), F(0), semantics)


def test_a_network_is_prepared_once_a_format():
    query = random_query(1, scale="halves")
    first = executed(query, "float32")
    assert executed(query, "float32").network is first.network
    assert executed(query, "float64").network is not first.network
    assert executable(query.network, "float32").inputs == query.network.inputs
