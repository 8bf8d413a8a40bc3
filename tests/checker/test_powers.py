"""Balls of norms p > 2: lengths, leaves and sums of ridge functions, in every checker.

Roots are rational only after rounding, so that a bound is what the rule says up to a rounding, and
never more: compared with exact values where the roots are whole, and with points elsewhere.
"""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from constructions.registry import build
from tests.oracles.checkers import answer, both, guess, symbolic_guess
from tests.oracles.kernel import kernel_answer
from tests.oracles.maxima_networks import checker_of
from tests.oracles.oracle import find_flip
from tests.oracles.random_data import random_data
from tests.oracles.random_queries import (
    number,
    outputs_at,
    points_of,
    random_goals,
    random_network,
    random_region,
)
from tests.oracles.reference import _Checker as ReferenceChecker
from tests.oracles.ridge_guesses import guess as guess_sums
from tests.oracles.ridge_networks import separable_network
from verifier.checker import ridge_minima
from verifier.checker.elaborate import elaborate, kernel_check_proof
from verifier.checker.replay import replay
from verifier.checker.ridge import Restricted, check_weights, least, univariate_of
from verifier.checker.ridge_lemmas import sums_spelled_out
from verifier.checker.ridge_tables import tables_of
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.symbolic import SymbolicNetwork
from verifier.evidence.certificate import Leaf, Node, Robust, SumsStep, Weight
from verifier.kernel.question import Region as KernelRegion
from verifier.kernel.ridge import Ridges
from verifier.kernel.text import Refused
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, distance, linear_minimum_holds, root_upper
from verifier.search.options import Options
from verifier.tasks.verify import verify

F = Fraction
POWERS = ("3", "4", "5")


def flips_inside(query):
    """A flip in the L2 ball of this radius, which lies in the ball, exactly; for one input, where
    all balls are the same interval, a flip if there is one."""
    region, p = query.region, query.region.power
    root = root_upper(region.size, p, 200)
    if root**p > region.size:
        root -= F(1, 2**150) * root
    assert root**p <= region.size
    inner = ball("2", region.center, root, clip=(region.lower, region.upper))
    return find_flip(Query(query.network, inner, query.goals))


def truth_contradicts(query, rng):
    """A point of the region at which a goal holds, if one of many shows it."""
    for point in points_of(rng, query.region, 40):
        outputs = outputs_at(query.network, point)
        if any(all(a.holds(point, outputs) for a in goal.atoms) for goal in query.goals):
            return True
    return flips_inside(query) is not None


# ------------------------------------------------------------------------ lengths


def test_distances_and_regions_compare_powers():
    center, point = [F(1), F(2)], [F(2), F(4)]
    assert distance("3", center, point) == 9 and distance("4", center, point) == 17
    for norm, size in (("3", F(9)), ("4", F(17))):
        p = int(norm)
        inside, outside = root_upper(size, p), root_upper(size - F(1, 1000), p)
        assert ball(norm, center, inside).contains(point)
        assert not ball(norm, center, outside - F(1, 1000)).contains(point)
    whole = ball("3", [F(0)] * 3, F(3))
    assert whole.size == 27 and whole.power == 3
    assert whole.contains([F(3), F(0), F(0)]) and not whole.contains([F(3), F(1, 99), F(0)])
    assert whole.contains([F(-2), F(2), F(2)]) and not whole.contains([F(3), F(2), F(2)])
    opened = ball("3", [F(0)] * 3, F(3), open=True)
    assert not opened.contains([F(-3), F(0), F(0)]) and opened.contains([F(-2), F(2), F(2)])


@pytest.mark.parametrize("p", [1, 2, 3, 4, 7, 40])
def test_roots_are_above_and_near(p):
    rng = Random(p)
    for bits in (24, 80):
        for _ in range(60):
            value = F(rng.getrandbits(rng.randint(1, 200)), rng.getrandbits(70) + 1)
            root = root_upper(value, p, bits)
            assert root**p >= value
            assert (root * (1 - F(2, 2**bits))) ** p <= value
        for exact in (F(0), F(3, 4), F(5), F(1, 2**40)):
            assert root_upper(exact**p, p, bits) == exact


@pytest.mark.parametrize("norm", POWERS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_symbolic_bounds_take_the_least_ball_of_norm_2_around(norm, n):
    """Of radius r n^(1/2 - 1/p), which the corners of the ball reach; compared by powers."""
    p, region = int(norm), ball(norm, [F(0)] * n, F(7, 3))
    build = NetworkBuilder(n)
    symbolic = SymbolicNetwork(build.network(build.layer([build.inputs[0]])), region)
    share = F(symbolic.radius, 2**symbolic.input_grid) ** (2 * p)
    share /= F(7, 3) ** (2 * p) * n ** (p - 2)
    assert 1 <= share <= (1 + F(5, 2**22)) ** (2 * p)  # 2^-20 more, and roundings


@pytest.mark.parametrize("norm", POWERS)
def test_the_loss_is_the_dual_norm_where_roots_are_whole(norm):
    """|g_k|^(1/(p-1)) = s_k: then (r ||g||_q)^p is r^p times the sum of s_k^p, to the power p - 1;
    and it is attained at r sign(g_k) s_k / ||s||_p."""
    p, rng = int(norm), Random(3)
    for _ in range(20):
        roots = [F(rng.randint(0, 6), 2) for _ in range(3)]
        g = [rng.choice((-1, 1)) * s ** (p - 1) for s in roots]
        radius = F(rng.randint(1, 9), 4)
        region = ball(norm, [F(1), F(-2), F(0)], radius)
        total = sum(s**p for s in roots)
        assert region.loss(g) == radius**p * total ** (p - 1)
        bound = region.reach(g)
        assert bound**p >= region.loss(g) >= (bound * (1 - F(1, 2**22))) ** p
        # g . x + constant >= 0 holds on the ball from that constant on: of a whole ||s||_p^(p-1).
        if total:
            scaled = [value * total**2 for value in g]  # any multiple loses in proportion
            assert region.loss(scaled) >= total ** (2 * p) * region.loss(g)
            value = -sum(a * c for a, c in zip(g, region.center, strict=True))
            assert not linear_minimum_holds(region, dict(enumerate(g)), value, False)
            assert linear_minimum_holds(region, dict(enumerate(g)), value + bound, False)
            assert not linear_minimum_holds(
                region, dict(enumerate(g)), value + bound * (1 - F(1, 2**21)), False
            )


@pytest.mark.parametrize("norm", POWERS)
def test_no_point_of_the_ball_is_below_the_loss(norm):
    p, rng = int(norm), Random(17)
    for _ in range(60):
        g = [number(rng, "decimals") for _ in range(3)]
        region = ball(norm, [F(0)] * 3, F(rng.randint(1, 8), 4))
        worst = F(0)
        for _ in range(30):
            x = [F(rng.randint(-100, 100), 100) for _ in range(3)]
            size = distance(norm, x, region.center)
            if size:
                scale = 1 / root_upper(size / region.size, p, 80)
                worst = max(worst, abs(sum(a * t * scale for a, t in zip(g, x, strict=True))))
        assert worst**p <= region.loss(g)


# --------------------------------------------------------------- leaves and trees


@pytest.mark.parametrize("norm", POWERS)
def test_guessed_leaves_agree_and_are_never_wrong(norm):
    flaws = set()
    for seed in range(150):
        rng = Random(f"{norm} {seed}")
        network = random_network(rng, rng.randint(1, 3), rng.randint(1, 5), rng.randint(1, 2))
        region = random_region(rng, network.inputs, norm)
        query = Query(network, region, random_goals(rng, network, region))
        proof = guess(rng, query)
        flaw = both(query, proof)
        assert kernel_answer(query, proof) == flaw
        flaws.add(flaw)
        assert flaw != "accepted" or not truth_contradicts(query, rng), seed
    assert flaws >= {"accepted", "bound too weak"}


@pytest.mark.parametrize("norm", POWERS)
def test_symbolic_bounds_are_never_wrong_and_spelled_out(norm):
    accepted = 0
    for seed in range(60):
        rng = Random(f"symbolic {norm} {seed}")
        network = random_network(rng, rng.randint(1, 3), rng.randint(1, 5), rng.randint(1, 2))
        region = random_region(rng, network.inputs, norm)
        query = Query(network, region, random_goals(rng, network, region))
        proof = symbolic_guess(rng, query, rng.randint(0, 2))
        if answer(replay, query, proof) != "accepted":
            continue
        accepted += 1
        assert not truth_contradicts(query, rng), seed
        assert kernel_answer(query, elaborate(query, proof)) == "accepted"
    assert accepted > 8


@pytest.mark.parametrize("norm", POWERS)
def test_guessed_sums_agree_and_are_never_wrong(norm):
    flaws, accepted = set(), 0
    for seed in range(60):
        rng = Random(f"sums {norm} {seed}")
        network = separable_network(rng, rng.randint(1, 3), rng.choice((1, 1, 2)))
        region = random_region(rng, network.inputs, norm)
        query = Query(network, region, random_goals(rng, network, region))
        for depth in (0, 0, 1, 2):
            proof = guess_sums(rng, query, depth)
            flaw = both(query, proof)
            flaws.add(flaw)
            if flaw == "accepted":
                accepted += 1
                assert not truth_contradicts(query, rng), seed
                assert kernel_answer(query, elaborate(query, proof)) == "accepted", seed
    assert flaws >= {"accepted", "bound too weak"}
    assert accepted > 10


# ----------------------------------------------------------------------- minima


def plain(inputs):
    build = NetworkBuilder(inputs)
    return build.network(build.inputs)


def kernel_minimum(points, values, rate, p):
    return Ridges(plain(1), 1).minimum(points, values, rate, F(0), p)


@pytest.mark.parametrize("p", [3, 4, 5])
def test_minima_are_at_most_and_nearly_those_of_a_grid(p):
    rng = Random(p)
    for _ in range(80):
        points = sorted({F(rng.randint(-12, 12), 4) for _ in range(rng.randint(1, 5))})
        values = [F(rng.randint(-40, 40), 4)]
        for a, b in pairwise(points):
            values.append(values[-1] + rng.randint(-9, 9) * (b - a))
        rate = F(rng.randint(1, 40), 8)
        found = kernel_minimum(points, values, rate, p)
        size = 4
        ints = Restricted(size, [int(u * size) for u in points], [int(v * size) for v in values])
        top, bottom = least(ints, 1, str(p), rate.numerator, rate.denominator)
        assert F(top, bottom) == found
        grid = [v + rate * abs(u) ** p for u, v in zip(points, values, strict=True)]
        for (a, va), (b, vb) in zip(
            zip(points, values, strict=True), list(zip(points, values, strict=True))[1:],
            strict=False,
        ):  # fmt: skip
            for k in range(1, 400):
                u = a + (b - a) * F(k, 400)
                grid.append(va + (vb - va) * (u - a) / (b - a) + rate * abs(u) ** p)
        assert found <= min(grid)
        assert min(grid) - found <= F(1, 20) + rate * F(1, 10)


def test_a_turn_just_before_an_end_is_seen():
    """-2 x + x^3 on [0, 1], whose slopes at the ends are -2 and 1, is least at sqrt(2/3)."""
    top, bottom = least(Restricted(1, [0, 1], [0, -2]), 1, "3", 1, 1)
    found, turn = F(top, bottom), F(81649658, 10**8)
    assert 0 <= turn**3 - 2 * turn - found <= F(1, 10**6)


@pytest.mark.parametrize(("least", "flaw"), [(-7, "bound too weak"), (F(-701, 100), "accepted")])
def test_a_line_has_no_point_between_its_ends(least, flaw):
    """u + 3 |u - 1/3|^3 turns at 0, where its root is rounded: no checker has the value there."""
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0]])
    goal = Goal((Atom((), ((0, F(-1)),), F(least), True),), "least")
    query = Query(network, ball("3", [F(1, 3)], F(4, 3)), (goal,))
    proof = Robust((), ((Node((), Leaf(ball=F(3))),),))
    assert both(query, proof) == flaw == answer(kernel_check_proof, query, proof)


def test_a_turn_with_a_whole_root_is_exact():
    """-12 x + x^3 on [0, 5] is least at 2, -16; 12 x + x^3 on [-5, 0] at -2; beyond at an end."""
    for points, values, least_value in (
        ([F(0), F(5)], [F(0), F(-60)], F(-16)),
        ([F(-5), F(0)], [F(-60), F(0)], F(-16)),
        ([F(3), F(5)], [F(-36), F(-60)], F(-9)),
        ([F(0), F(1)], [F(0), F(-12)], F(-11)),
        ([F(2), F(5)], [F(-24), F(-60)], F(-16)),
        ([F(0), F(2)], [F(0), F(-24)], F(-16)),
    ):
        assert kernel_minimum(points, values, F(1), 3) == least_value
        # Parts of a piece say the same.
        middle = (points[0] + points[1]) / 2
        split = [points[0], middle, points[1]]
        inside = [values[0], (values[0] + values[1]) / 2, values[1]]
        assert kernel_minimum(split, inside, F(1), 3) == least_value


# ------------------------------------------------------------------------ weights


def flaw_of(weights, norm):
    try:
        check_weights(weights, norm)
    except RefusedError as error:
        fast = error.flaw
    else:
        fast = "accepted"
    region = KernelRegion(norm, [F(-9)] * 2, [F(9)] * 2, [F(0)] * 2, F(1), True)
    entries = [
        [[[k, text(g)] for k, g in w.direction], text(w.share)]
        for w in sorted(weights, key=lambda w: w.direction)
    ]
    try:
        Ridges(plain(2), 2).shares(entries, region.norm)
    except Refused as error:
        return fast, error.args[0]
    return fast, "accepted"


def text(q):
    return int(q) if q.denominator == 1 else f"{q.numerator}/{q.denominator}"


X, Y, SUM, STEEP = (
    ((0, F(1)),), ((1, F(1)),), ((0, F(1)), (1, F(1))), ((0, F(1)), (1, F(-2))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("norm", "given", "flaw"),
    [
        # ||x + y||_1 = 2, so that |x + y|^3 <= 4 (|x|^3 + |y|^3); ||x - 2 y||_1 = 3.
        ("3", [(SUM, F(1, 4))], "accepted"),
        ("3", [(SUM, F(26, 100))], "weights too large"),
        ("3", [(X, F(1)), (Y, F(1))], "accepted"),
        ("3", [(X, F(1, 2)), (SUM, F(1, 8))], "accepted"),
        ("3", [(X, F(1, 2)), (SUM, F(13, 100))], "weights too large"),
        ("3", [(STEEP, F(1, 18))], "accepted"),
        ("3", [(STEEP, F(1, 17))], "weights too large"),
        ("4", [(SUM, F(1, 8))], "accepted"),
        ("4", [(SUM, F(13, 100))], "weights too large"),
        ("4", [(STEEP, F(1, 54))], "accepted"),
        ("4", [(STEEP, F(1, 53))], "weights too large"),
        ("4", [(STEEP, F(1, 108)), (Y, F(1, 2))], "accepted"),
        ("4", [(STEEP, F(1, 108)), (Y, F(51, 100))], "weights too large"),
    ],
)
def test_shares_of_the_ball(norm, given, flaw):
    weights = [Weight(d, share, None) for d, share in given]
    assert flaw_of(weights, norm) == (flaw, flaw)
    assert flaw_of([replace(w, scale=F(1)) for w in weights], norm)[0] == "malformed"


@pytest.mark.parametrize("norm", POWERS)
def test_derived_shares_fit_at_every_point(norm):
    p = int(norm)
    for seed in range(40):
        rng = Random(seed)
        network = separable_network(rng, rng.randint(1, 3))
        univariate = univariate_of(ScaledNetwork(network, 1))
        lines = tuple(range(len(univariate.directions)))
        shares = univariate.ball_weights(lines, norm)
        directions = [univariate.directions[line] for line in lines]
        weights = [Weight(d, s, None) for d, s in zip(directions, shares, strict=True)]
        check_weights(weights, norm)
        for _ in range(10):
            y = [number(rng, "halves") for _ in range(network.inputs)]
            weighted = sum(
                s * abs(sum((g * y[k] for k, g in d), F(0))) ** p
                for d, s in zip(directions, shares, strict=True)
            )
            assert weighted <= sum(abs(c) ** p for c in y)


# ------------------------------------------------------------------ constructions


@pytest.mark.parametrize("name", ["l3-shallow", "l4-shallow", "l3-deep"])
def test_a_construction_is_proved_and_its_proof_spelled_out(name):
    data = random_data(4, 4, 2, 2)
    made = build(name, data, ratio=F(9, 10))
    for i in range(data.size):
        goals = made.goals(int(data.labels[i]), data.classes)
        query = Query(made.network, ball(made.norm, data.point(i), made.budget), goals)
        found = verify(query, Options(timeout=60))
        assert isinstance(found.verdict, Robust), (i, found)
        replay(query, found.verdict)
        assert kernel_answer(query, elaborate(query, found.verdict)) == "accepted"


@pytest.mark.parametrize("norm", ["3", "4"])
def test_a_step_about_final_sums_is_true_and_spelled_out(norm):
    """Both checkers have the same bounds, which points keep, and lemmas that the kernel accepts."""
    accepted = 0
    for seed in range(50):
        rng = Random(f"steps {norm} {seed}")
        network = separable_network(rng, rng.randint(1, 3))
        region = random_region(rng, network.inputs, norm)
        beyond = region.center[0] + region.size + 2
        never = Goal((Atom(((0, F(1)),), (), -beyond, True),), "none")
        query = Query(network, region, (never,))
        try:
            tables_of(checker_of(query).scaled)
        except RefusedError:  # numbers beyond 64 bits
            continue
        step = SumsStep((share(rng), share(rng)), (share(rng),))
        fast, slow = checker_of(query), ReferenceChecker(query)
        fast.apply(step)
        slow.apply(step)
        found = bounds_of(fast)
        assert found == list(zip(slow.lower, slow.upper, strict=True)), seed
        for point in points_of(rng, region, 6):
            values = list(point)
            for v, (low, high) in enumerate(found):
                weights, constant = network.units.fractions(v)
                a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
                assert low <= a <= high, seed
                values.append(max(a, F(0)))
        lemmas = sums_spelled_out(checker_of(query), step)
        proof = Robust(tuple(lemmas), ((Node((), Leaf()),),))
        assert kernel_answer(query, elaborate(query, proof)) == "accepted", seed
        accepted += len(lemmas)
    assert accepted > 20


def share(rng):
    return F(rng.randint(0, 60), 3 ** rng.choice((1, 1, 3, 30)))


def bounds_of(checker):
    scales = checker.scaled.scales[checker.inputs :]
    return [(F(checker.lower(v)) / s, F(checker.upper(v)) / s) for v, s in enumerate(scales)]


@pytest.mark.parametrize("p", [2, 3, 4, 7, 64])
def test_a_slope_turns_at_the_least_place(p):
    rng = Random(p)
    steep = [0, 0, 1, 1, 2**29, *(rng.randint(0, 2**29) for _ in range(60))]
    rate = [0, 5, 0, 1, 2**31 - 1, *(rng.choice((0, rng.randint(0, 2**31 - 1))) for _ in range(60))]
    for kind in (np.int64, object):
        arrays = np.array(steep, dtype=kind), np.array(rate, dtype=kind)
        found = ridge_minima._turns(p, *arrays)
        assert found.dtype == kind
        for x, s, t in zip(found.tolist(), steep, rate, strict=True):
            wanted = s << (30 * (p - 1))
            assert 0 <= x <= ridge_minima.FAR == 2**31
            assert x == 2**31 or p * t * x ** (p - 1) >= wanted
            assert x == 0 or p * t * (x - 1) ** (p - 1) < wanted
