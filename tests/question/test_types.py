"""The trusted types refuse what is no region, question, network or number, each with its reason."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from verifier.checker import intervals
from verifier.checker.checked import Checked, check_batch
from verifier.checker.intervals import chunks, interval_bounds
from verifier.checker.scaled import ScaledNetwork, evaluate
from verifier.evidence.certificate import Flip, Leaf, Node, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network, Rows, integers
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.rational import (
    MAX_EXPONENT,
    MAX_TEXT,
    format_rational,
    parse_rational,
    sqrt_lower,
    sqrt_upper,
)
from verifier.question.region import Region, ball, box, linear_minimum_holds

F = Fraction


def refused(message, build):
    with pytest.raises(UserError, match=message):
        build()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("box: 0 lower bounds, 0 upper", ("inf", (), ())),
        ("box: 0 lower bounds, 1 upper", ("inf", (), (F(1),))),
        ("box: 1 lower bounds, 2 upper", ("inf", (F(0),), (F(1), F(1)))),
        ("box: 2 lower bounds, 1 upper", ("inf", (F(0), F(0)), (F(1),))),
        ("empty box: .* at input 0", ("inf", (F(1),), (F(0),))),
        ("empty box: .* at input 1", ("inf", (F(0), F(1)), (F(0), F(0)))),
        ("norm '65' is not", ("65", (F(0),), (F(1),))),
        ("norm 2 is not", (2, (F(0),), (F(1),))),
        ("a box has no center", ("inf", (F(0),), (F(1),), (F(0),))),
        ("a box has no center", ("inf", (F(0),), (F(1),), (), F(1))),
        ("a box has no center", ("inf", (F(0),), (F(1),), (), F(0), True)),
        ("center has 0 inputs", ("1", (F(0),), (F(1),), (), F(1))),
        ("center has 2 inputs", ("2", (F(0),), (F(1),), (F(0), F(0)), F(1))),
        ("radius is negative", ("1", (F(0),), (F(1),), (F(0),), F(-1))),
        ("radius is negative", ("2", (F(0),), (F(1),), (F(0),), F(-1, 10**9))),
        ("empty region", ("1", (F(3),), (F(4),), (F(1),), F(1))),
        ("empty region", ("1", (F(-4),), (F(-3),), (F(-1),), F(1))),
        ("empty region", ("2", (F(3), F(3)), (F(4), F(4)), (F(1), F(1)), F(4))),
    ],
)
def test_regions(message, arguments):
    refused(message, lambda: Region(*arguments))


def test_regions_that_just_meet():
    for arguments in (
        ("inf", (F(0),), (F(0),)),
        ("1", (F(3),), (F(4),), (F(1),), F(2), True),
        ("2", (F(3), F(3)), (F(4), F(4)), (F(1), F(1)), F(8), True),
        ("2", (F(0),), (F(0),), (F(0),), F(0)),
    ):
        region = Region(*arguments)
        assert region.dimension == len(arguments[1])


@pytest.mark.parametrize(("norm", "size"), [("1", F(2)), ("2", F(4))])
def test_a_box_that_cuts_the_ball_says_so(norm, size):
    center, reach, hair = (F(1), F(5)), F(2), F(1, 10**9)
    whole = [tuple(c + sign * reach for c in center) for sign in (-1, 1)]
    assert Region(norm, *whole, center, size) == ball(norm, center, reach)
    for side, sign in ((0, 1), (1, -1)):
        for k in (0, 1):
            cut = [list(corner) for corner in whole]
            cut[side][k] += sign * hair
            sides = [tuple(corner) for corner in cut]
            assert Region(norm, *sides, center, size, True).clipped
            with pytest.raises(UserError, match=f"cuts the ball at input {k}"):
                Region(norm, *sides, center, size)
            sides[side] = tuple(x + 4 * sign for x in whole[side])  # beyond the center
            sides[1 - side] = tuple(x + 9 * sign for x in whole[1 - side])
            with pytest.raises(UserError, match="cuts the ball|empty region"):
                Region(norm, *sides, center, size)


@pytest.mark.parametrize(
    ("norm", "point", "inside"),
    [
        ("inf", (2, 2), True),
        ("inf", (2, F(201, 100)), False),
        ("inf", (-2, -2), True),
        ("inf", (F(-201, 100), 0), False),
        ("1", (1, 1), True),
        ("1", (-1, 1), True),
        ("1", (1, F(101, 100)), False),
        ("2", (F(6, 5), F(8, 5)), True),
        ("2", (F(6, 5), F(-8, 5)), True),
        ("2", (F(6, 5), F(161, 100)), False),
        ("2", (2, F(1, 10**9)), False),
        ("2", (2,), False),
        ("2", (0, 0, 0), False),
        ("inf", (), False),
    ],
)
def test_membership(norm, point, inside):
    region = ball(norm, [F(0), F(0)], F(2))
    assert region.contains([F(x) for x in point]) == inside


def test_balls():
    assert ball("2", [F(1)], F(3, 2)).size == F(9, 4)
    assert ball("2", [F(1)], radius_squared=F(9, 4)).size == F(9, 4)
    assert ball("1", [F(1)], F(3, 2)).size == F(3, 2)
    assert ball("inf", [F(1)], F(3, 2)) == box([F(-1, 2)], [F(5, 2)])
    for square in (F(2), F(1, 3), F(10) ** 40, F(1, 10**40), F(9, 4), F(0), F(2**48 - 1)):
        region = ball("2", [F(0)], radius_squared=square)
        reach = region.upper[0]
        assert reach == -region.lower[0]
        assert reach * reach >= square
        if square:
            assert (reach * (1 - F(1, 2**22))) ** 2 < square
    clipped = ball("2", [F(0), F(0)], F(1), clip=(F(0), F(2)))
    assert clipped.clipped and clipped.lower == (0, 0) and clipped.upper == (1, 1)
    assert not ball("1", [F(0)], F(1), clip=(F(-1), F(1))).clipped
    assert ball("1", [F(0)], F(1), clip=(F(-1), F(1, 2))).clipped
    assert ball("1", [F(0), F(0)], F(1), clip=([F(-2), F(0)], [F(2), F(2)])).lower == (-1, 0)
    assert ball("inf", [F(0)], F(1), clip=(F(0), F(5))) == box([F(0)], [F(1)])
    assert not ball("1", [F(0)], F(1)).clipped and not ball("2", [F(0)], F(1)).clipped
    for low, high in (([-2, 0], [2, 2]), ([-2, -2], [2, 0]), ([0, -2], [2, 2]), ([-2, -2], [0, 2])):
        sides = [F(x) for x in low], [F(x) for x in high]
        assert ball("1", [F(0), F(0)], F(1), clip=sides).clipped
        assert not ball("1", [F(0), F(0)], F(1), clip=([F(-1)] * 2, [F(1)] * 2)).clipped
    for norm in ("1", "inf"):
        refused("radius_squared is for norm 2", lambda n=norm: ball(n, [F(0)], radius_squared=F(1)))
    for arguments in ({}, {"radius": F(1), "radius_squared": F(1)}):
        refused("exactly one of radius", lambda a=arguments: ball("2", [F(0)], **a))
    refused("clip box has 1 inputs", lambda: ball("1", [F(0)] * 2, F(1), clip=([F(0)], [F(1)] * 2)))
    refused("clip box has 1 inputs", lambda: ball("1", [F(0)] * 2, F(1), clip=([F(0)] * 2, [F(1)])))
    refused("radius is negative", lambda: ball("inf", [F(0)], F(-1)))
    most = F(2**32767 + 1, 2**32767)  # 2^21 bits to the power 64
    assert ball("64", [F(0)], most).size == most**64
    for longer in (F(2**32768 + 1, 2**32768), F(1, 2**32768), F(2**32768)):
        refused("bits; the limit is 2097152", lambda q=longer: ball("64", [F(0)], q))
        assert ball("2", [F(0)], longer).size == longer**2
    long = F(2**2**20)
    assert ball("2", [F(0)], long).size == long**2
    refused("a radius whose power 3 has 3145731 bits", lambda: ball("3", [F(0)], long))
    assert ball("2", [F(0)], radius_squared=F(2)).upper[0] == F(23726567, 2**24)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("norm", "gradient", "least"),
    [
        ("inf", {}, 0),
        ("1", {0: 3, 1: -4}, -4 * 2 + 3 * 1 - 4 * 5),
        ("2", {0: 3, 1: -4}, -5 * 2 + 3 * 1 - 4 * 5),
        ("1", {}, 0),
        ("2", {}, 0),
        ("2", {0: 1}, -2 + 1),
        ("1", {1: 1}, -2 + 5),
    ],
)
def test_linear_minimum(norm, gradient, least, strict):
    region = ball(norm, [F(1), F(5)], F(2))
    g = {k: F(v) for k, v in gradient.items()}
    assert linear_minimum_holds(region, g, F(-least), strict) == (not strict)
    assert linear_minimum_holds(region, g, F(-least) + F(1, 10**20), strict)
    assert not linear_minimum_holds(region, g, F(-least) - F(1, 10**20), strict)
    assert not linear_minimum_holds(region, g, F(-least) - 100, strict)


def test_a_box_has_no_ball_share():
    region = box([F(0)], [F(1)])
    refused("no ball share", lambda: linear_minimum_holds(region, {0: F(1)}, F(1), False))


def line():
    build = NetworkBuilder(1)
    return build.network([build.inputs[0], build.inputs[0] * 2])


def test_questions():
    network, region = line(), box([F(0)], [F(1)])
    refused("without atoms", lambda: Goal((), "0"))
    refused("without goals", lambda: Query(network, region, ()))
    goal = Goal((Atom((), ((1, F(1)),), F(0), False),), "0")
    refused("region has 2 inputs", lambda: Query(network, box([F(0)] * 2, [F(1)] * 2), (goal,)))
    outside = Goal((Atom((), ((2, F(1)),), F(0), False),), "0")
    refused("Y_2: the network has 2 outputs", lambda: Query(network, region, (goal, outside)))
    second = Goal((goal.atoms[0], outside.atoms[0]), "0")
    refused("Y_2: the network has 2 outputs", lambda: Query(network, region, (second,)))
    other = Goal((Atom(((1, F(1)),), (), F(0), False),), "0")
    refused("X_1: the network has 1 inputs", lambda: Query(network, region, (other,)))
    Query(network, region, (Goal((Atom(((0, F(1)),), ((0, F(1)),), F(0), True),), "0"),))
    for indices in ((1, 0), (0, 0), (-1, 0), (-1,)):
        terms = tuple((k, F(1)) for k in indices)
        refused("do not increase from 0", lambda terms=terms: Atom(terms, (), F(0), False))
        refused("do not increase from 0", lambda terms=terms: Atom((), terms, F(0), False))


def test_atoms_hold():
    weak = Atom(((0, F(2)),), ((1, F(-3)),), F(1), False)
    strict = Atom(((0, F(2)),), ((1, F(-3)),), F(1), True)
    for y, sign in ((F(1), 0), (F(2), -1), (F(0), 1)):
        assert weak.holds((F(1),), (F(9), y)) == (sign >= 0)
        assert strict.holds((F(1),), (F(9), y)) == (sign > 0)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("do not increase", ("nearest", 0, [1, 1], 1)),
        ("do not increase", ("nearest", 0, [2, 1], 1)),
        ("is not one of the 2", ("nearest", 2, [0, 1], 1)),
        ("is not one of the 2", ("nearest", -1, [0, 1], 1)),
        ("one label only", ("nearest", 0, [0], 1)),
        ("is not one of the 0", ("nearest", 0, [], 1)),
        ("argmax: 2 outputs, 3 labels", ("argmax", 0, [0, 1, 2], 2)),
        ("argmax: 4 outputs, 3 labels", ("argmax", 0, [0, 1, 2], 4)),
        ("it needs 1", ("nearest", 0, [0, 1], 2)),
        ("it needs 1", ("sign", 0, [-1, 1], 0)),
        ("they must be -1, 1", ("sign", 0, [0, 1], 1)),
        ("they must be -1, 1", ("sign", 0, [-1, 0, 1], 1)),
        ("is not one of nearest", ("closest", 0, [0, 1], 1)),
    ],
)
def test_labels(message, arguments):
    refused(message, lambda: label_goals(*arguments))


@pytest.mark.parametrize("decoder", ["nearest", "value", "sign", "argmax"])
def test_decoders_mean_what_they_say(decoder):
    """No goal holds at an output exactly when the decoder reads the label, ties being flips."""
    labels = [-1, 1] if decoder == "sign" else [-3, 0, 1]
    grid = [F(k, 2) for k in range(-9, 10)]
    points = [(v,) for v in grid] if decoder != "argmax" else [
        (a, b, c) for a in grid[6:13] for b in grid[6:13] for c in grid[6:13]
    ]  # fmt: skip
    for label in range(len(labels)):
        goals = label_goals(decoder, label, labels, len(points[0]))
        for y in points:
            flips = {g.rival for g in goals if all(a.holds((), y) for a in g.atoms)}
            if decoder == "argmax":
                expected = {str(j) for j in range(3) if j != label and y[j] >= y[label]}
                assert flips == expected
            elif decoder == "sign":
                assert flips <= {str(1 - label)}
                assert (not flips) == (y[0] * labels[label] > 0)
            elif decoder == "value":
                assert (not flips) == (y[0] == labels[label])
            else:
                own = abs(y[0] - labels[label])
                others = [abs(y[0] - v) for k, v in enumerate(labels) if k != label]
                assert (not flips) == (own < min(others))
                assert flips <= {str(label + (1 if y[0] > labels[label] else -1))}


def test_interval_bounds_that_grow_beyond_int64_in_the_middle():
    """One side fits, the other does not, and a later layer is small again."""
    build = NetworkBuilder(1)
    (big,) = build.layer([build.inputs[0] * 2**61])
    (small,) = build.layer([big * F(1, 2**61)])
    (other,) = build.layer([small - 1])
    network = build.network([other])
    for low, high in ((F(0), F(8)), (F(-8), F(0)), (F(-1), F(8)), (F(0), F(1))):
        scaled = ScaledNetwork(network, 1)
        found = interval_bounds(scaled, [box([low], [high]), box([F(0)], [F(1)])])[0]
        ends = [(low * 2**61, high * 2**61), (max(low, 0), max(high, 0))]
        ends.append((ends[1][0] - 1, ends[1][1] - 1))
        for v, (least, most) in enumerate(ends):
            scale = scaled.scales[1 + v]
            assert (int(found.lower[v]), int(found.upper[v])) == (least * scale, most * scale)
            assert type(int(found.lower[v])) is int


def rows(*parts):
    return Rows(*(np.array(part, dtype=np.int64) for part in parts))


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("starts do not increase", ([], [], [], [], [])),
        ("starts do not increase", ([1, 1], [0], [1], [0], [1])),
        ("starts do not increase", ([0, 2], [0], [1], [0], [1])),
        ("starts do not increase", ([0, 0], [0], [1], [0], [1])),
        ("starts do not increase", ([0, 2, 1, 2], [0, 1], [1, 1], [0] * 3, [1] * 3)),
        ("1 indices, 2 numerators", ([0, 1], [0], [1, 1], [0], [1])),
        ("1 rows, 2 constants, 1", ([0, 1], [0], [1], [0, 0], [1])),
        ("1 rows, 1 constants, 0", ([0, 1], [0], [1], [0], [])),
        ("denominator is not positive", ([0, 1], [0], [1], [0], [0])),
        ("denominator is not positive", ([0, 0, 1], [0], [1], [0, 0], [1, -1])),
        ("negative index or a zero", ([0, 1], [-1], [1], [0], [1])),
        ("negative index or a zero", ([0, 1], [0], [0], [0], [1])),
        ("negative index or a zero", ([0, 2], [-1, 3], [1, 1], [0], [1])),
        ("negative index or a zero", ([0, 2], [1, 3], [1, 0], [0], [1])),
        ("do not increase", ([0, 2], [1, 0], [1, 1], [0], [1])),
        ("do not increase", ([0, 2], [1, 1], [1, 1], [0], [1])),
        ("do not increase", ([0, 0, 1, 3], [5, 1, 1], [1] * 3, [0] * 3, [1] * 3)),
    ],
)
def test_rows(message, parts):
    refused(message, lambda: rows(*parts))


def test_rows_may_start_anywhere_and_be_empty():
    assert rows([0], [], [], [], []).count == 0
    kept = rows([0, 2, 2, 3, 4], [3, 5, 1, 0], [1, 2, 3, 4], [0, 5, 0, 1], [1, 2, 3, 1])
    assert kept.count == 4
    assert kept.row(0) == ([3, 5], [1, 2], 0, 1)
    assert kept.row(1) == ([], [], 5, 2)
    assert kept.fractions(2) == ({1: F(1)}, F(0))
    assert kept.fractions(3) == ({0: F(4)}, F(1))


ONE = ([0, 1], [0], [1], [0], [1])


@pytest.mark.parametrize(
    ("message", "inputs", "layers", "units", "outputs"),
    [
        ("0 inputs, 1 outputs", 0, (), ([0], [], [], [], []), ([0, 0], [], [], [1], [1])),
        ("1 inputs, 0 outputs", 1, (), ([0], [], [], [], []), ([0], [], [], [], [])),
        ("layers add up to 2", 1, (2,), ONE, ONE),
        ("layers add up to 0", 1, (), ONE, ONE),
        ("layers add up to 1", 1, (2, -1), ONE, ONE),
        ("layer 0 refers", 1, (1,), ([0, 1], [1], [1], [0], [1]), ONE),
        ("layer 0 refers", 1, (2,), ([0, 0, 1], [1], [1], [0, 0], [1, 1]), ONE),
        ("layer 1 refers", 1, (1, 1), ([0, 1, 2], [0, 2], [1, 1], [0, 0], [1, 1]), ONE),
        ("does not exist", 1, (1,), ONE, ([0, 1], [2], [1], [0], [1])),
        ("does not exist", 1, (1,), ONE, ([0, 2], [0, 2], [1, 1], [0], [1])),
        ("layer 0 refers", 1, (1,), ([0, 2], [0, 1], [1, 1], [0], [1]), ONE),
    ],
)
def test_networks(message, inputs, layers, units, outputs):
    refused(message, lambda: Network(inputs, layers, rows(*units), rows(*outputs)))


def test_a_unit_may_read_any_earlier_layer():
    units = rows([0, 1, 3, 5], [0, 0, 1, 1, 2], [1] * 5, [0] * 3, [1] * 3)
    network = Network(1, (1, 1, 0, 1), units, rows([0, 1], [3], [1], [0], [1]))
    assert evaluate(network, [[F(2)]]) == [[F(6)]]
    assert network.depth == 5 and network.width == 1 and network.variables == 4


def test_what_a_network_says_of_itself():
    build = NetworkBuilder(2)
    x, y = build.inputs
    first = build.layer([x + y, x - y + 1, y + 0])
    second = build.layer([first[0] - first[2], first[1] + F(1, 1000)])
    chain = build.network([second[0] + second[1] * 5])
    assert chain.is_chain and chain.width == 3 and chain.depth == 3 and chain.variables == 7
    assert chain.nonzero_parameters == (5 + 1) + (3 + 1) + 2
    assert chain.dense_parameters == 3 * 3 + 4 * 2 + 3 * 1
    assert chain.bits == 11  # 1/1000
    assert not build.network([second[0] + x]).is_chain
    assert not build.network([second[0] + first[2]]).is_chain
    third = build.layer([first[0] + second[0]])
    assert not build.network([third[0]]).is_chain
    affine = NetworkBuilder(1)
    plain = affine.network([affine.inputs[0] * 7])
    assert plain.is_chain and plain.width == 0 and plain.depth == 1 and plain.bits == 4
    constant = NetworkBuilder(1)
    flat = constant.network([constant.inputs[0] * 0 + 1])
    assert flat.is_chain and flat.nonzero_parameters == 1 and flat.bits == 2
    skip = NetworkBuilder(1)
    (unit,) = skip.layer([skip.inputs[0]])
    (late,) = skip.layer([skip.inputs[0] * 2])
    assert not skip.network([late]).is_chain and not skip.network([unit]).is_chain


def test_digests_tell_networks_apart():
    seen = set()
    for change in range(12):
        build = NetworkBuilder(2)
        x, y = build.inputs
        big = 2**80 if change == 1 else 2**80 + 1 if change == 2 else 3
        units = build.layer(
            [x * big + (1 if change == 3 else 2), y * F(1, 3 if change == 4 else 5)]
        )
        if change == 5:
            units = build.layer(units)
        if change == 6:
            build.layer([])
        out = units[0] + (x if change == 7 else y) + (F(1, 7) if change == 8 else 0)
        seen.add(build.network([out, out] if change == 9 else [out]).digest)
        same = build.network([out, out] if change == 9 else [out]).digest
        assert same in seen
    assert len(seen) == 10  # changes 0, 10 and 11 are the same network


NUMBERS = [
    ("0", 0), ("-0", 0), ("7", 7), ("+7", 7), ("-7", -7), (" 7 ", 7), ("007", 7),
    ("1/3", F(1, 3)), ("-1/3", F(-1, 3)), ("2/6", F(1, 3)), ("1/-3", F(-1, 3)),
    ("0x1f", 31), ("-0x1f", -31), ("0xff/0x10", F(255, 16)), ("1/0x10", F(1, 16)),
    ("0.1", F(1, 10)), (".5", F(1, 2)), ("5.", 5), ("-2.50", F(-5, 2)),
    ("1e3", 1000), ("1E-3", F(1, 1000)), ("-1.5e+2", -150), ("12.34e1", F(1234, 10)),
    ("0." + "0" * 3000 + "1", F(1, 10**3001)), ("1" * 4000, int("1" * 4000)),
    ("1" * 3000 + "." + "5" * 3000, F(int("1" * 3000) * 10**3000 + int("5" * 3000), 10**3000)),
    (f"1e{MAX_EXPONENT}", 10**MAX_EXPONENT), (f"1e-{MAX_EXPONENT}", F(1, 10**MAX_EXPONENT)),
]  # fmt: skip


def test_numbers_are_read_as_they_print():
    for text, value in NUMBERS:
        assert parse_rational(text) == value


NO_NUMBERS = [
    "", " ", ".", "-", "+", "e5", "1e", "nan", "inf", "1/0", "0x1/0x0", "1/2/3", "1//2", "/2",
    "1/", "0x", "0xg", "1_000", "١", "1 2", "1,5", "--1", "+-1", "0X1F", "0x1F", "1.5/2",
    f"1e{MAX_EXPONENT + 1}", f"1e-{MAX_EXPONENT + 1}", "1e9999999", "1" * 4001,
    "1e5001",
    "0x" + "f" * (1 << 20),
    "0." + "1" * 4001, "1/" + "1" * 4001, "0x" + "f" * MAX_TEXT, "-0x1/0x", "1\n/2", "½",
]  # fmt: skip


def test_what_is_no_number():
    for text in NO_NUMBERS:
        with pytest.raises(UserError) as caught:
            parse_rational(text)
        assert len(str(caught.value)) < 200


def test_the_longest_number_is_read():
    text = "0x" + "f" * (MAX_TEXT - 2)
    assert parse_rational(text).numerator.bit_length() == 4 * (MAX_TEXT - 2)


def test_the_longest_decimal_is_read():
    value = parse_rational("1" * 4000 + "." + "5" * 4000)
    assert value * 10**4000 == int("1" * 4000) * 10**4000 + int("5" * 4000)


def test_printed_numbers_are_read_back():
    for value in (F(0), F(-3), F(1, 3), F(2**4096 - 1), F(2**4096), F(-(2**5000), 3**5000)):
        assert parse_rational(format_rational(value)) == value
    assert format_rational(F(2**4096 - 1)) == str(2**4096 - 1)
    assert format_rational(2**4096) == hex(2**4096)


def test_roots_are_rounded_to_their_side():
    for value in (F(0), F(2), F(9, 4), F(1, 3), F(10**30 + 1), F(1, 10**30)):
        for bits in (0, 1, 64):
            low, high = sqrt_lower(value, bits), sqrt_upper(value, bits)
            unit = F(1, 2**bits)
            assert low * low <= value <= high * high
            assert (low + unit) ** 2 > value
            assert high == low if low * low == value else high == low + unit
    assert sqrt_upper(F(9, 4), 1) == F(3, 2) and sqrt_upper(F(2), 0) == 2
    assert sqrt_lower(F(2)) == F(isqrt(2 << 128), 2**64)
    with pytest.raises(UserError, match="negative"):
        sqrt_lower(F(-1))


def test_integers_pass_arrays_through():
    array = np.array([1, 2])
    assert integers(array) is array


def test_batches():
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1), False),), "0")  # output >= 1
    holds = Query(network, box([F(-1)], [F(1, 2)]), (goal,))
    flips = Query(network, box([F(0)], [F(4, 3)]), (goal,))
    proof = Robust((), ((Node((), Leaf()),),))
    done = []
    flaws = check_batch(
        network,
        [holds, flips, flips, holds],
        [proof, proof, Flip((F(1),), 0), Flip((F(1, 2),), 0)],
        done.append,
    )
    assert [None if isinstance(flaw, Checked) else flaw.flaw for flaw in flaws] == [
        None,
        "bound too weak",
        None,
        "no flip",
    ]
    assert done[-1] == 4 and done == sorted(done)
    wrong = [
        Flip((0.5,), 0),
        Flip((F(1), F(1)), 0),
        Flip((), 0),
        Flip((F(2),), 0),
        Flip((F(1),), 1),
    ]
    flaws = check_batch(network, [flips] * 6, [*wrong, Flip((F(1),), 0)])
    expected = ["not exact", "dimension", "dimension", "outside", "index out of range", None]
    assert [None if isinstance(flaw, Checked) else flaw.flaw for flaw in flaws] == expected
    other = build.network([build.inputs[0]])
    stranger = Query(other, holds.region, holds.goals)
    with pytest.raises(RefusedError, match="another network"):
        check_batch(network, [holds, stranger], [proof, proof])
    with pytest.raises(RefusedError, match="2 questions, 1 verdicts"):
        check_batch(network, [holds, flips], [proof])


@pytest.mark.parametrize("fitting", [1, 3, 7])
def test_a_chunk_takes_no_more_memory_than_there_is(fitting, monkeypatch):
    """Two bounds of each variable, of eight bytes each."""
    build = NetworkBuilder(2)
    scaled = ScaledNetwork(build.network(build.layer([*build.inputs, build.inputs[0] + 1])), 1)
    monkeypatch.setattr(intervals, "MEMORY", fitting * 8 * scaled.tables.height + 7)
    assert [part.stop - part.start for part in chunks(scaled, 21)] == [fitting] * (21 // fitting)


def test_chunks_are_equal_and_fit():
    build = NetworkBuilder(1)
    scaled = ScaledNetwork(build.network(build.layer([build.inputs[0]])), 1)
    for count in (0, 1, 255, 256, 257, 1000):
        parts = [range(count)[part] for part in chunks(scaled, count)]
        assert [k for part in parts for k in part] == list(range(count))
        sizes = {len(part) for part in parts}
        assert max(sizes, default=0) <= 256 and max(sizes, default=0) - min(sizes, default=0) <= 1


def test_more_regions_than_one_chunk():
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-300), False),), "0")
    queries = [Query(network, box([F(k)], [F(k) + F(1, 2)]), (goal,)) for k in range(301)]
    proof, done = Robust((), ((Node((), Leaf()),),)), []
    flaws = check_batch(network, queries, [proof] * 301, done.append)
    assert [k for k, flaw in enumerate(flaws) if not isinstance(flaw, Checked)] == [300]
    assert done[-1] == 301 and done == sorted(done)
    points = [[F(k, 3)] for k in range(150)]
    assert evaluate(network, points) == [[F(k, 3)] for k in range(150)]
    assert evaluate(network, []) == []


def test_interval_bounds_of_wide_batches():
    build = NetworkBuilder(2)
    network = build.network(build.layer([build.inputs[0] - build.inputs[1]]))
    boxes = [box([F(-k), F(0)], [F(k), F(2 * k)]) for k in range(5)]
    for k, found in enumerate(interval_bounds(ScaledNetwork(network, 1), boxes)):
        assert (int(found.lower[0]), int(found.upper[0])) == (-3 * k, k)
