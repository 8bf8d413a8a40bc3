"""Bounds of sums of ridge functions in fixed point: the same in both checkers to the last digit,
true at points, never better than the exact rule, and spelled out as lemmas."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.checkers import both
from tests.oracles.kernel import kernel_answer
from tests.oracles.maxima_networks import checker_of
from tests.oracles.random_queries import points_of, random_goals, random_region
from tests.oracles.reference import _Checker
from tests.oracles.reference_sums import Curve, ReferenceSums
from tests.oracles.reference_sums import _least as least_of_the_document
from tests.oracles.reference_sums import _on_piece as piece_of_the_document
from tests.oracles.ridge_networks import separable_network
from tests.oracles.ridge_steps import with_units_above
from verifier.checker.elaborate import elaborate
from verifier.checker.ridge import Minima, univariate_of
from verifier.checker.ridge_lemmas import sums_spelled_out
from verifier.checker.ridge_minima import FixedGrid, _minima, _on_piece, grid_of, sum_bounds
from verifier.checker.ridge_tables import distinct_rows, tables_of
from verifier.evidence.certificate import Leaf, Node, Robust, SeparableStep, SumsStep
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def query_of(seed):
    rng = Random(seed)
    inputs = rng.randint(1, 3)
    network = separable_network(rng, inputs)
    if rng.random() < 0.5:
        network = with_units_above(network, rng)
    region = random_region(rng, inputs, rng.choice(("1", "2")))
    if rng.random() < 0.3:
        region = ball(region.norm, region.center, F(rng.randint(1, 40), 3 ** rng.choice((1, 4))))
    query = Query(network, region, random_goals(rng, network, region))
    try:
        tables_of(checker_of(query).scaled)
    except RefusedError:  # numbers beyond 64 bits
        return query_of(seed + 10**6)
    return query, rng


def multiplier(rng):
    return F(rng.randint(0, 60), 3 ** rng.choice((1, 1, 3, 30)))


def bounds_of_all(fast):
    scales = fast.scaled.scales[fast.inputs :]
    return [(F(fast.lower(v)) / s, F(fast.upper(v)) / s) for v, s in enumerate(scales)]


@pytest.mark.parametrize("block", range(8))
def test_both_checkers_find_the_same_bounds_and_they_are_true(block):
    for seed in range(25 * block, 25 * block + 25):
        query, rng = query_of(seed)
        step = SumsStep((multiplier(rng), multiplier(rng)), (multiplier(rng),))
        fast, slow = checker_of(query), _Checker(query)
        fast.apply(step)
        slow.apply(step)
        found = bounds_of_all(fast)
        assert found == list(zip(slow.lower, slow.upper, strict=True)), seed
        for point in points_of(rng, query.region, 4):
            values = list(point)
            for v, (low, high) in enumerate(found):
                weights, constant = query.network.units.fractions(v)
                a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
                assert low <= a <= high, seed
                values.append(max(a, F(0)))


def test_the_exact_rule_is_at_least_as_good_and_hardly_better():
    """Of sums that read no others, on balls without clips: what is lost is about 2^-24."""
    close = 0
    for seed in range(300, 420):
        query, rng = query_of(seed)
        t = multiplier(rng)
        fixed, exact = checker_of(query), checker_of(query)
        changes = fixed.tighten_sums(SumsStep((t,), ()))
        exact.apply(SeparableStep((t,)))
        for v, _, _, _ in changes:
            scale = fixed.scaled.scales[fixed.inputs + v]
            gap = F(exact.lower(v)) / scale - F(fixed.lower(v)) / scale
            if exact.lower(v) > exact.root.lower_of(v):
                assert gap >= -F(1, 2**64)
                close += gap <= F(1, 1000) * max(1, abs(F(exact.lower(v)) / scale))
    assert close > 10


@pytest.mark.parametrize("block", range(4))
def test_lemmas_spell_the_step_out(block):
    for seed in range(500 + 20 * block, 520 + 20 * block):
        query, rng = query_of(seed)
        step = SumsStep((multiplier(rng),), (multiplier(rng),))
        lemmas = sums_spelled_out(checker_of(query), step)
        fast, slow, short = checker_of(query), _Checker(query), checker_of(query)
        for lemma in lemmas:
            fast.apply(lemma)
            slow.apply(lemma)
        short.apply(step)
        for v, (low, high) in enumerate(bounds_of_all(short)):
            found = bounds_of_all(fast)[v]
            assert found[0] >= low and found[1] <= high, seed


def distance_query(norm, radius, bound):
    """|x| + |y| (p = 1), or tents above x^2 + y^2, minus 1, is below `bound` on the ball."""
    build = NetworkBuilder(2)
    parts = build.layer([s * x for x in build.inputs for s in (1, -1)])
    (total,) = build.layer([Affine.sum(parts)])
    region = ball(norm, [F(0), F(0)], radius)
    goal = Goal((Atom((), ((0, F(1)),), -bound, True),), "above")
    return Query(build.network([total]), region, (goal,))


def test_the_sum_of_distances_on_a_ball_is_at_most_its_radius_and_hardly_more():
    proof = Robust((SumsStep((), (F(1),)),), ((Node((), Leaf(slopes={4: F(0)})),),))
    for shift, flaw in ((F(1, 10**6), "accepted"), (-F(1, 10**6), "bound too weak")):
        assert both(distance_query("1", F(3), 3 + shift), proof) == flaw
    bare = Robust((), proof.trees)
    assert both(distance_query("1", F(3), F(4)), bare) == "bound too weak"  # 6 by intervals


def test_the_kernel_accepts_what_the_step_stands_for():
    """Goals that the step closes: a sum is not above its upper bound, or below its lower one."""
    accepted = 0
    for seed in range(600, 660):
        query, rng = query_of(seed)
        fast, network = checker_of(query), query.network
        step = SumsStep((multiplier(rng),), (multiplier(rng),))
        changes = fast.tighten_sums(step)
        if not changes:
            continue
        v, upper, _, _ = changes[-1]
        build = NetworkBuilder(network.inputs)
        known = list(build.inputs)
        for first, last in network.layer_ranges():
            known += build.layer([_form(network, known, u) for u in range(first, last)])
        form = _form(network, known, v) * (1 if upper else -1)
        low, high = bounds_of_all(fast)[v]
        atom = Atom((), ((0, F(1)),), -F(1, 10**6) - (high if upper else -low), True)
        asked = Query(build.network([form]), query.region, (Goal((atom,), "beyond"),))
        proof = Robust((step,), ((Node((), Leaf(ball=changes[-1][2])),),))
        if both(asked, proof) == "accepted":
            accepted += 1
            assert kernel_answer(asked, elaborate(asked, proof)) == "accepted"
    assert accepted > 10


def _form(network, known, v):
    weights, constant = network.units.fractions(v)
    return Affine.sum([known[j] * w for j, w in weights.items()]) + constant


def test_a_box_has_no_such_step():
    query = distance_query("1", F(3), F(4))
    flat = Query(query.network, box([F(-1)] * 2, [F(1)] * 2), query.goals)
    assert both(flat, Robust((SumsStep((F(0),), ()),), ((Node((), Leaf()),),))) == "no ball"


def test_an_upper_multiplier_shows_no_lower_bound():
    query = distance_query("1", F(3), F(3) + F(1, 100))
    for step in (SumsStep((F(1),), ()), SumsStep((), (F(1, 2),)), SumsStep((), (F(3),))):
        leaf = Leaf(slopes={4: F(0)})
        assert both(query, Robust((step,), ((Node((), leaf),),))) == "bound too weak"


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
def test_a_piece_with_the_share_of_the_ball_is_not_below_its_bound(exponent):
    """At many places of the piece, in exact arithmetic; and somewhere it is nearly attained."""
    rng = Random(exponent)
    for _ in range(300):
        slope = rng.choice((0, rng.randint(-(2**29), 2**29), rng.randint(-50, 50)))
        rate = rng.choice((0, rng.randint(0, 2**31 - 1), rng.randint(0, 2**12)))
        left = rng.randint(-(2**29), 2**29)
        right = min(left + rng.choice((0, 3, rng.randint(0, 2**29))), 2**29 + 2)
        arrays = [np.array([x], dtype=np.int64) for x in (slope, rate, left, right)]
        bound = int(_on_piece(exponent, *arrays)[0])
        places = {left, right, 0, *(left + (right - left) * k // 40 for k in range(41))}
        if exponent > 1 and rate:
            turn = (abs(slope) / (exponent * rate)) ** (1 / (exponent - 1)) * 2**30
            places |= {round(-turn if slope > 0 else turn) + k for k in range(-3, 4)}
        values = [
            slope * x + F(rate * abs(x) ** exponent, 2 ** (30 * (exponent - 1)))
            for x in places
            if left <= x <= right
        ]
        assert bound <= min(values)
        assert min(values) - bound <= 2**36


def test_distinct_rows_are_found_without_and_with_equal_hashes():
    table = np.array([[1, 2], [3, 4], [1, 2], [0, 2]], dtype=np.int64)
    rows, numbers = distinct_rows(table)
    assert (rows[numbers] == table).all() and len(rows) == 3


def test_equal_tests_of_many_samples_are_one_function():
    """Two samples with one coordinate in common have five functions on three coordinates, not six,
    and a sum each."""
    build = NetworkBuilder(3)
    samples = [(1, 2, 3), (4, 2, 5)]
    parts = build.layer(
        [s * (x - c) for sample in samples for x, c in zip(build.inputs, sample, strict=True)
         for s in (1, -1)]
    )  # fmt: skip
    sums = build.layer([Affine.sum(parts[:6]), Affine.sum(parts[6:])])
    network = build.network([sums[0] - sums[1]])
    query = Query(network, ball("2", [F(0)] * 3, F(1)), (Goal((Atom((), (), F(0), True),), "no"),))
    tables = tables_of(checker_of(query).scaled)
    assert len(tables.profiles) == 5
    assert tables.final.units.tolist() == [12, 13]


NO_GOAL = Goal((Atom((), (), F(0), True),), "no")


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("bits", [30, 31, 32, 33, 34, 45, 54])
def test_far_from_the_origin_both_checkers_find_the_same_bounds(norm, bits):
    """Where places of kinks, or their distance from the center, are beyond 64 bits, and at the
    powers of two where the numbers just fit; on balls of a point as well."""
    far, third = F(2**bits), F(1, 3)
    for kink, center, share, steep in (
        (far, (far, -far), F(1), F(1)),
        (far, (far - third, far), F(1, 5), F(3)),
        (far, (F(0), third), F(40), F(1)),  # the share of the ball is cut off
        (F(0), (far, F(0)), F(10**12), F(1, 7)),
        (F(0), (F(0), far), F(1), F(1)),
    ):
        build = NetworkBuilder(2)
        x, y = build.inputs
        parts = build.layer([x + kink, third - x, x - 1, (y - 3) * steep, kink - y, y])
        sums = build.layer([Affine.sum(parts[:5]), parts[5] - parts[0] * 2 + parts[3] * third])
        network = build.network([sums[0] - sums[1]])
        step = SumsStep((share, share / 3), (share,))
        for radius in (F(1), F(3, 4), F(0)):
            query = Query(network, ball(norm, center, radius), (NO_GOAL,))
            fast, slow = checker_of(query), _Checker(query)
            fast.apply(step)
            slow.apply(step)
            assert bounds_of_all(fast) == list(zip(slow.lower, slow.upper, strict=True))


@pytest.mark.parametrize("directions, kind", [(1024, np.int64), (1025, object)])
def test_many_directions_are_added_up_without_a_limit_of_bits(directions, kind):
    """The longest sum decides, whatever other sums there are."""
    build = NetworkBuilder(directions)
    parts = build.layer([x - k for k, x in enumerate(build.inputs)])
    sums = build.layer([Affine.sum(parts), parts[0] + parts[1] * 2])
    network = build.network([sums[0] - sums[1]])
    query = Query(network, ball("1", [F(0)] * directions, F(1)), (NO_GOAL,))
    scaled = checker_of(query).scaled
    assert FixedGrid(scaled, tables_of(scaled), 0).kind is kind


def test_places_have_29_bits_on_a_ball_that_is_a_point():
    build = NetworkBuilder(2)
    x, y = build.inputs
    parts = build.layer([x, y])
    network = build.network([build.layer([Affine.sum(parts)])[0]])
    scaled = checker_of(Query(network, ball("1", [F(0)] * 2, F(0)), (NO_GOAL,))).scaled
    grid = grid_of(scaled, ball("1", [F(0)] * 2, F(0)))
    assert (grid.place, grid.value) == (29, 58)


def test_a_network_without_sums_has_no_grid():
    build = NetworkBuilder(1)
    network = build.network([build.layer([build.inputs[0]])[0]])
    query = Query(network, ball("1", [F(0)], F(1)), (NO_GOAL,))
    with pytest.raises(RefusedError) as refusal:
        grid_of(checker_of(query).scaled, query.region)
    assert refusal.value.flaw == "unsupported"


@pytest.mark.parametrize("empty", [0, 1])
def test_nothing_is_bounded_where_an_interval_is_empty(empty):
    """Of one direction among two: the branch is empty, and other rules say so."""

    class OneEmpty(Intervals):
        def interval(self, line):
            return (F(1), F(0)) if line == empty else super().interval(line)

    query = distance_query("1", F(3), F(3))
    assert sum_bounds(checker_of(query).scaled, query.region, OneEmpty(1), F(1), upper=True) == []


def test_nothing_is_lost_where_an_interval_is_a_point():
    query = distance_query("1", F(3), F(3))
    bounds = {
        width: sum_bounds(
            checker_of(query).scaled, query.region, Intervals(width), F(1), upper=False
        )
        for width in (0, 1)
    }
    assert [v for v, _ in bounds[0]] == [v for v, _ in bounds[1]] != []


class Intervals:
    """Of each direction the same interval, of this width."""

    def __init__(self, width):
        self.width = F(width)

    def interval(self, line):
        return F(0), self.width


@pytest.mark.parametrize("norm", ["1", "2"])
def test_the_share_of_the_ball_has_31_bits(norm):
    """A multiplier that is far too large: it is cut off at the same number in both checkers, on a
    large ball and with steep functions, where one more is seen."""
    build = NetworkBuilder(2)
    x, y = (z * 2**10 for z in build.inputs)
    parts = build.layer([x + 2**12, x - 1, y, y - 2**19])
    sums = build.layer([Affine.sum(parts), parts[0] - parts[2] - parts[3]])
    network = build.network([sums[0] - sums[1]])
    region = ball(norm, [F(1, 3), F(-1, 5)], F(2**10))
    fast = checker_of(Query(network, region, (NO_GOAL,)))
    box, sums = (region.lower, region.upper), ReferenceSums(network, region)
    minima = Minima(univariate_of(fast.scaled), region, box, [])
    for share in (F(2**k, 3) for k in range(0, 40, 2)):
        for upper in (False, True):
            found = dict(sum_bounds(fast.scaled, region, minima, share, upper=upper))
            wanted = sums.bounds(share, box, [], upper=upper)
            scales = fast.scaled.scales[fast.inputs :]
            assert {v: F(bound, scales[v]) for v, bound in found.items()} == wanted != {}


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_the_least_value_of_a_function_is_that_of_the_document(exponent):
    """To the last digit, before sums drop any."""
    compared = 0
    for seed in range(700, 800):
        query, rng = query_of(seed)
        try:
            grid = grid_of(checker_of(query).scaled, query.region)
        except RefusedError:
            continue
        count = len(grid.lines)
        center = [rng.randint(-(2**29), 2**29) for _ in range(count)]
        low = [-rng.choice((0, rng.randint(0, 2**29))) for _ in range(count)]
        high = [rng.choice((0, rng.randint(0, 2**29))) for _ in range(count)]
        rates = [rng.choice((0, 2**31 - 1, rng.randint(0, 2**31))) for _ in range(count)]
        for upper in (False, True):
            pieces, _ = grid.side(upper)
            least, without = _minima(grid, pieces, exponent, center, low, high, rates)
            for number, (function, share) in enumerate(grid._functions):
                size, at = function.size, grid.lines.index(grid.line_of[number])
                curve = Curve.__new__(Curve)
                curve.places = [F(u, size) for u in function.points]
                curve.values = [share * y / size for y in function.values]
                curve.slopes = [share * slope for slope in function.slopes]
                wanted = least_of_the_document(
                    curve, -1 if upper else 1, exponent, rates[at], grid.place, grid.value,
                    (center[at], low[at], high[at]),
                )  # fmt: skip
                assert (wanted is None) == without[number]
                if wanted is not None:
                    compared += 1
                    assert int(least[number]) == wanted
    assert compared > 100


@pytest.mark.parametrize(
    "exponent, slope, rate, left, right, least",
    [
        (1, 1, 0, 1, 5, 1),
        (1, -1, 0, -5, -1, 1),
        (1, 1, 7, 1, 5, 8),
        (1, 3, 7, -2, 5, 0),
        (1, 9, 7, -2, 5, -4),
        (1, -9, 7, -2, 5, -10),
        (1, 1, 2, 0, 4, 0),
        (2, 1, 0, 1, 5, 1),
        (2, -1, 0, 1, 5, -5),
        (2, 0, 3, 1 << 20, 1 << 22, 3 << 10),
        (2, 0, 3, -(1 << 22), -(1 << 20), 3 << 10),
    ],
)
def test_the_least_value_of_a_short_piece(exponent, slope, rate, left, right, least):
    arrays = [np.array([x], dtype=np.int64) for x in (slope, rate, left, right)]
    assert _on_piece(exponent, *arrays).tolist() == [least]


@pytest.mark.parametrize("exponent", [1, 2, 3, 4, 5, 9, 64])
def test_the_bound_of_a_piece_is_that_of_the_document(exponent):
    """To the last digit, with ends beside the place where the slope turns, for slopes and shares
    of all sizes, 0 included."""
    rng, most = Random(exponent), 2**29
    rows = []
    for _ in range(3000):
        slope = rng.choice((0, 1, -1, rng.randint(-most, most), rng.randint(-9, 9), most, -most))
        rate = rng.choice((0, 1, rng.randint(0, 2**31 - 1), rng.randint(0, 9), 2**31 - 1))
        turn = 0
        if exponent > 1:
            ratio = abs(slope) / (exponent * max(rate, 1))
            turn = min(int(ratio ** (1 / (exponent - 1)) * 2**30), most)
        sign = -1 if slope > 0 else 1
        near = [sign * turn + k for k in range(-3, 4)]
        ends = [rng.choice((*near, 0, 1, -1, 2, rng.randint(-most, most))) for _ in range(2)]
        left, right = (max(min(end, most), -most) for end in sorted(ends))
        rows.append((slope, rate, left, right))
    wanted = [piece_of_the_document(exponent, *row) for row in rows]
    for kind in (np.int64, object):
        arrays = [np.array(column, dtype=kind) for column in zip(*rows, strict=True)]
        assert _on_piece(exponent, *arrays).tolist() == wanted


def test_sums_that_are_added_up_one_term_after_another():
    """Hats of one input after another, each in two terms: that a sum is not negative follows from
    the lower bound of the one before the hat, however many were added before."""
    build, inputs = NetworkBuilder(9), 9
    bends = [build.layer([x + 1, x, x - 1]) for x in build.inputs]
    total, sums = Affine({}, 0), []
    for up, middle, down in bends:
        for term in (up - middle, down - middle):
            (total,) = build.layer([total + term])
            sums.append(3 * inputs + len(sums))
    network = build.network([total])
    region = ball("2", [F(0)] * inputs, F(2))
    query = Query(network, region, (Goal((Atom((), ((0, F(-1)),), F(-1), True),), "below"),))
    lemmas = sums_spelled_out(checker_of(query), SumsStep((F(0),), ()))
    checker, slopes = checker_of(query), {}
    for lemma in lemmas:
        checker.apply(lemma)
        ((node,),) = (lemma.tree,)
        slopes[lemma.unit] = sorted(node.body.slopes)
    assert not any(v in slopes for v in sums[:2])  # they lie on a line, on which the next ones end
    assert not slopes[sums[2]] and not slopes[sums[3]]
    for k in range(4, len(sums) - 1):
        assert slopes[sums[k]] == [sums[k - 1 - k % 2]]
    assert all(checker.lower(v) >= 0 for v in sums[2:-1])
