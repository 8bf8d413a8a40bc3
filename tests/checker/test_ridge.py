"""Sums of functions of one direction each: both checkers agree, and neither is ever wrong."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import both
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import number, random_goals, random_region
from tests.oracles.reference_ridge import ball_weights, direction_of
from tests.oracles.ridge_guesses import guess
from tests.oracles.ridge_networks import separable_network
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Robust,
    SeparableStep,
    certificate_bytes,
    parse_certificate,
)
from verifier.formats.vipr.write import vipr_texts
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def separable_query(seed):
    rng = Random(seed)
    network = separable_network(rng, rng.randint(1, 3), rng.choice((1, 1, 2)))
    region = random_region(rng, network.inputs, rng.choice(("inf", "1", "2", "2")))
    return Query(network, region, random_goals(rng, network, region))


@pytest.mark.parametrize("block", range(4))
def test_guessed_proofs_agree_and_are_never_wrong(block):
    flaws, accepted = set(), 0
    for seed in range(60 * block, 60 * block + 60):
        query, rng = separable_query(seed), Random(seed)
        truth = None
        for depth in (0, 0, 1, 2, 3):
            flaw = both(query, guess(rng, query, depth))
            flaws.add(flaw)
            if flaw == "accepted":
                truth = find_flip(query) if truth is None else truth
                assert truth is None, seed
                accepted += 1
    assert "accepted" in flaws and "bound too weak" in flaws
    assert accepted > 10


# ------------------------------------------------------------- the bound itself

GRID = 120  # breakpoints of `grid_network` are multiples of 1 / GRID


def grid_network(rng, inputs):
    """The last unit is a sum of functions of one input each, with breakpoints on the grid."""
    build = NetworkBuilder(inputs)
    towers = []
    for x in build.inputs:
        signs = [rng.choice((-1, 1)) for _ in range(rng.randint(1, 2))]
        towers.append([x * s + F(rng.randint(-8, 8), 4) for s in signs])
    first = iter(build.layer([row for rows in towers for row in rows]))
    towers = [[next(first) for _ in rows] for rows in towers]
    # slopes of at most 1 + 4 = 5 in absolute value, with zeros at quarters over 1 .. 5
    second = build.layer(
        [Affine.sum(t[:1]) - 4 * (t[-1] - F(rng.randint(0, 4), 4)) for t in towers]
    )
    terms = [u * rng.choice((-2, -1, 1, 3)) for u in (*second, *(u for t in towers for u in t))]
    raw = [x * rng.randint(-1, 1) for x in build.inputs]
    (top,) = build.layer([Affine.sum([*terms, *raw]) + 100])
    return build.network([top])


def sum_value(network, v, point):
    values = list(point)
    for u in range(v + 1):
        weights, constant = network.units.fractions(u)
        a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
        values.append(max(a, F(0)))
    return a


def on_grid(network, v, region, multiplier, sign):
    """The bound of sign * a_v, evaluated at every multiple of 1 / GRID and between."""
    inputs = network.inputs
    zero = [F(0)] * inputs
    at_zero = sum_value(network, v, zero)
    total = sign * at_zero - multiplier * region.size
    for k in range(inputs):
        low, high = region.lower[k], region.upper[k]
        center = region.center[k]
        first, last = -(-low * GRID // 1), high * GRID // 1
        points = sorted({low, high, *(F(n, GRID) for n in range(int(first), int(last) + 1))})
        values = []
        for u in points:
            point = list(zero)
            point[k] = u
            values.append(sign * (sum_value(network, v, point) - at_zero))
        power = int(region.norm)
        best = min(
            value + multiplier * abs(u - center) ** power
            for u, value in zip(points, values, strict=True)
        )
        for a, b, p, q in zip(points, points[1:], values, values[1:], strict=False):
            slope = (q - p) / (b - a)
            turn = center
            if power == 2 and multiplier:
                turn = center - slope / (2 * multiplier)
            if a < turn < b:
                here = p + slope * (turn - a) + multiplier * abs(turn - center) ** power
                best = min(best, here)
        total += best
    return total


def sum_query(network, region, threshold, sign, strict):
    """sign * output <= threshold, the output being on and the sum itself."""
    atom = Atom((), ((0, F(-sign)),), threshold, strict)
    return Query(network, region, (Goal((atom,), "0"),))


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("seed", range(12))
def test_the_bound_of_a_sum_is_what_the_rule_says(norm, seed):
    rng = Random(seed)
    network = grid_network(rng, rng.randint(1, 2))
    v = network.units.count - 1
    center = [F(rng.randint(-6, 6), 4) for _ in range(network.inputs)]
    region = ball(norm, center, F(rng.randint(1, 6), 4))
    multiplier = F(rng.randint(0, 12), 4)
    hair = F(1, 10**12)
    for sign in (1, -1):
        bound = on_grid(network, v, region, multiplier, sign)
        leaf = Leaf(ball=multiplier)
        lemma = Lemma(v, sign < 0, sign * bound, (Node((), leaf),))
        wrong = replace(lemma, bound=sign * (bound + hair))
        done = (Node((), Conflict(v)),)
        assert both(sum_query(network, region, F(0), 1, False), Robust((wrong,), (done,))) == (
            "bound too weak"
        )
        # The goal is the sum itself, closed by the leaf; or by the box that lemma or step leaves.
        boxed = Leaf(slopes={v: F(0)})
        step = SeparableStep((multiplier,))
        ways = [((), leaf), ((lemma,), boxed)]
        if network.inputs > 1:  # else the sum lies on a direction, and is no concern of the step
            ways.append(((step,), boxed))
        for steps, last in ways:
            proof = Robust(steps, ((Node((), last),),))
            for threshold, strict, expected in (
                (bound, True, "accepted"),
                (bound, False, "bound too weak"),
                (bound + hair, True, "bound too weak"),
                (bound - hair, False, "accepted"),
            ):
                query = sum_query(network, region, threshold, sign, strict)
                found = both(query, proof)
                if last is boxed and expected != "accepted" and found == "accepted":
                    continue  # interval bounds of the root are better
                assert found == expected, (sign, steps, strict)


def test_selberg_weights_never_exceed_the_ball():
    for seed in range(100):
        rng = Random(seed)
        inputs = rng.randint(1, 4)
        rows = []
        for _ in range(rng.randint(1, 4)):
            row = tuple((k, number(rng, "halves")) for k in range(inputs) if rng.random() < 0.7)
            if row:
                rows.append(direction_of(row))
        rows = list(dict.fromkeys(rows))
        y = [number(rng, "halves") for _ in range(inputs)]
        for norm in ("1", "2"):
            weights = ball_weights(rows, norm)
            power = int(norm)
            weighted = sum(
                (s * abs(sum(g * y[k] for k, g in d)) ** power for d, s in weights.items()), F(0)
            )
            assert weighted <= sum(abs(c) ** power for c in y)
            assert all(s > 0 for s in weights.values())


def test_orthogonal_directions_lose_nothing():
    rows = [((0, F(1)), (1, F(2))), ((0, F(1)), (1, F(-1, 2)))]
    assert ball_weights(rows, "2") == {rows[0]: F(1, 5), rows[1]: F(4, 5)}
    rounded = [((0, F(1)), (1, F(1, 10**6))), ((0, F(1)), (1, F(-(10**6) + 1)))]
    first, second = ball_weights(rounded, "2").values()
    assert first > 1 - F(1, 10**5) and second * 10**12 > 1 - F(1, 10**4)
    units = [((k, F(1)),) for k in range(5)]
    for norm in ("1", "2"):
        assert set(ball_weights(units, norm).values()) == {F(1)}


# ---------------------------------------------------------------------- refusals


def hill():
    """1 - |x0| - |x1|, positive parts: a sum, then a unit over it."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    parts = build.layer([x, -x, y, -y])
    (top,) = build.layer([1 - Affine.sum(parts)])
    return build.network([top])


def positive(region, strict=False):
    """The output is positive on the region; 1 - r for the ball of norm 1."""
    return Query(hill(), region, (Goal((Atom((), ((0, F(-1)),), F(0), strict),), "0"),))


HALF_BALL = ball("1", [F(0), F(0)], F(1, 2))
GOOD = Leaf(slopes={4: F(1)}, ball=F(1))


def test_the_ball_closes_what_boxes_cannot():
    assert both(positive(HALF_BALL), Robust((), ((Node((), GOOD),),))) == "accepted"
    wrong = replace(GOOD, ball=None)
    assert both(positive(HALF_BALL), Robust((), ((Node((), wrong),),))) == "bound too weak"
    small = replace(GOOD, ball=F(1, 2))
    ball_ = ball("1", [F(0), F(0)], F(9, 10))
    assert both(positive(ball_), Robust((), ((Node((), GOOD),),))) == "accepted"
    assert both(positive(ball_), Robust((), ((Node((), small),),))) == "bound too weak"
    touching = ball("1", [F(0), F(0)], F(1))
    assert both(positive(touching), Robust((), ((Node((), GOOD),),))) == "bound too weak"
    assert both(positive(touching, True), Robust((), ((Node((), GOOD),),))) == "accepted"


@pytest.mark.parametrize(
    ("leaf", "flaw"),
    [
        (replace(GOOD, ball=F(-1)), "negative multiplier"),
        (replace(GOOD, ball=1), "not exact"),
        (replace(GOOD, ball=1.0), "not exact"),
        (replace(GOOD, box={0: F(1)}), "box beside ball"),
        (replace(GOOD, slopes={9: F(1)}), "index out of range"),
    ],
)
def test_leaves_with_a_flaw(leaf, flaw):
    assert both(positive(HALF_BALL), Robust((), ((Node((), leaf),),))) == flaw


@pytest.mark.parametrize(
    ("multipliers", "flaw"),
    [((F(1), F(-1)), "negative multiplier"), ((F(1), 2), "not exact"), ((F(1),), "bound too weak")],
)
def test_steps_with_a_flaw(multipliers, flaw):
    steps = (SeparableStep(multipliers),)
    never = Leaf(atoms={0: F(0)})
    assert both(positive(HALF_BALL), Robust(steps, ((Node((), never),),))) == flaw
    assert both(positive(HALF_BALL), Robust((), ((Node(steps, never),),))) == flaw


def test_a_box_has_no_ball():
    query = positive(box([F(0), F(0)], [F(1, 4), F(1, 4)]))
    zero = replace(GOOD, ball=F(0))
    assert both(query, Robust((), ((Node((), zero),),))) == "accepted"
    assert both(query, Robust((), ((Node((), GOOD),),))) == "no ball"
    step = SeparableStep((F(0), F(1)))
    assert both(query, Robust((step,), ((Node((), zero),),))) == "no ball"


@pytest.mark.parametrize(
    ("normal", "threshold", "flaw"),
    [
        ([F(2)], F(-1, 2), "accepted"),
        ([F(-2)], F(1, 2), "accepted"),
        ([F(1), F(0)], F(-1, 4), "accepted"),
        ([F(2)], F(-1), "bound too weak"),
        ([F(1), F(1)], F(-1, 4), "bound too weak"),
    ],
)
def test_a_cut_bounds_the_direction_that_it_is_about(normal, threshold, flaw):
    """x0 < -1/4 and x0 > -1/4: a contradiction on either side of x0 = -1/4, by no multiplier."""
    below = Atom(((0, F(-1)),), (), F(-1, 4), True)
    above = Atom(((0, F(1)),), (), F(1, 4), True)
    query = Query(hill(), HALF_BALL, (Goal((below, above), "0"),))
    leaves = [Node((), Leaf(atoms={k: F(1)}, ball=F(0))) for k in (0, 1)]
    low, high = leaves if normal[0] < 0 else leaves[::-1]
    split = Node((), PlaneSplit(tuple(enumerate(normal)), threshold))
    assert both(query, Robust((), ((split, low, high),))) == flaw
    assert both(query, Robust((), ((split, high, low),))) == "bound too weak"


def test_an_empty_interval_closes_and_a_flat_ball_is_a_point():
    query = positive(ball("2", [F(0), F(0)], F(3)))
    beyond = (
        Node((), InputSplit(0, F(-4))),
        Node((SeparableStep((F(0), F(1))),), Leaf(ball=F(0))),
        Node((), Leaf(ball=F(0))),
    )
    assert both(query, Robust((), (beyond,))) == "bound too weak"  # the high side is the ball
    point = positive(ball("2", [F(0), F(1, 3)], F(0)))
    assert both(point, Robust((), ((Node((), Leaf(ball=F(7))),),))) == "accepted"
    on_edge = positive(ball("2", [F(0), F(1)], F(0)))
    assert both(on_edge, Robust((), ((Node((), Leaf(ball=F(7))),),))) == "bound too weak"


def test_too_many_pieces_are_refused():
    build = NetworkBuilder(1)
    (x,) = build.inputs
    g = x
    for _ in range(14):  # 2^14 teeth
        a, b = build.layer([g, g - F(1, 2)])
        g = 2 * a - 4 * b
    (top,) = build.layer([g + 1])
    query = Query(
        build.network([top]),
        box([F(0)], [F(1)]),
        (Goal((Atom((), ((0, F(-1)),), F(0), False),), "0"),),
    )
    assert both(query, Robust((), ((Node((), Leaf(ball=F(0))),),))) == "too many pieces"
    interval = both(query, Robust((), ((Node((), Leaf()),),)))
    assert interval in ("accepted", "bound too weak")


def test_what_is_written_is_read_back():
    proof = Robust(
        (SeparableStep((F(0), F(7, 3))), SeparableStep(())),
        ((Node((SeparableStep((F(1),)),), replace(GOOD, ball=F(22, 7))),),),
    )
    data = certificate_bytes(proof, "abc")
    assert parse_certificate(data, "abc") == proof
    for old, new, flaw in (
        (b'"22/7"', b'"-22/7"', "negative multiplier"),
        (b'"22/7"', b"1.5", "float"),
        (b'"7/3"', b"-1", "negative multiplier"),
        (b"[0,", b"[null,", "malformed"),
        (b'{"separable":[]}', b'{"separable":[],"x":1}', "unknown field"),
        (b'{"separable":[]}', b'{"separable":0}', "malformed"),
    ):
        assert old in data
        with pytest.raises(RefusedError) as error:
            parse_certificate(data.replace(old, new), "abc")
        assert error.value.flaw == flaw, new


def test_vipr_names_the_rule_that_it_lacks():
    query = positive(HALF_BALL)
    for proof in (
        Robust((), ((Node((), GOOD),),)),
        Robust((SeparableStep((F(1),)),), ((Node((), Leaf(slopes={4: F(0)})),),)),
    ):
        assert both(query, proof) == "accepted"
        with pytest.raises(UserError, match="sums of functions of one direction"):
            vipr_texts(query, proof)
