"""Regions are the sets that they say, and the minimum on a ball is decided to the last digit."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from verifier.question.errors import UserError
from verifier.question.region import (
    Region,
    ball,
    ball_of_size,
    box,
    distance,
    integer_root,
    linear_minimum_holds,
    read_norm,
    root_upper,
)

F = Fraction
HAIR = F(1, 10**30)


def region(norm, lower, upper, center=(), size=0, clipped=False, is_open=False):
    sides = [tuple(map(F, side)) for side in (lower, upper, center)]
    return Region(norm, *sides, F(size), clipped, is_open)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inf", [], []), "0 lower bounds"),
        (("inf", [0], [1, 1]), "1 lower bounds, 2 upper"),
        (("inf", [0, 1], [1, HAIR]), "at input 1"),
        (("65", [0], [1], [0], 1), "norm '65' is not"),
        (("inf", [0], [1], [0]), "no center"),
        (("inf", [0], [1], [], 1), "no center"),
        (("inf", [0], [1], [], 0, True), "no center"),
        (("1", [-1], [1]), "0 inputs, the box 1"),
        (("1", [-1, -1], [1, 1], [0], 1), "1 inputs, the box 2"),
        (("inf", [-1], [1], [], 1, False, True), "0 inputs, the box 1"),
        (("1", [-1], [1], [0], -HAIR, True), "negative"),
        (("2", [-1], [1], [0], -HAIR, True), "negative"),
        (("1", [1], [2], [0], 1 - HAIR, True), "does not meet"),
        (("1", [-2], [-1], [0], 1 - HAIR, True), "does not meet"),
        (("2", [1, 1], [2, 2], [0, 0], 2 - HAIR, True), "does not meet"),
        (("1", [1, 1], [2, 2], [0, 0], 2 - HAIR, True), "does not meet"),
        (("1", [1], [2], [0], 1, True, True), "does not meet"),
        (("2", [0], [0], [0], 0, True, True), "does not meet"),
        (("inf", [1], [2], [0], 1, True, True), "does not meet"),
        (("1", [HAIR - 1], [1], [0], 1), "cuts the ball at input 0"),
        (("1", [-1, -1], [1, 1 - HAIR], [0, 0], 1), "cuts the ball at input 1"),
        (("2", [-2], [2 - HAIR], [0], 4), "cuts the ball at input 0"),
        (("2", [HAIR - F(1, 2)], [1], [0], F(1, 4)), "cuts the ball at input 0"),
        (("2", [1], [3], [0], 1), "cuts the ball at input 0"),
        (("inf", [HAIR - 1], [1], [0], 1, False, True), "cuts the ball at input 0"),
    ],
)
def test_what_is_no_region_is_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        region(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("inf", [0], [0]),
        ("1", [-1, -1], [1, 1], [0, 0], 1),
        ("1", [-1], [1], [0], 1, True),
        ("1", [1], [2], [0], 1, True),
        ("2", [1, 1], [2, 2], [0, 0], 2, True),
        ("2", [F(-1, 2)], [F(1, 2)], [0], F(1, 4)),
        ("2", [-2], [2], [0], 4),
        ("1", [0], [0], [0], 0),
        ("2", [0], [0], [0], 0),
        ("inf", [-1], [1], [0], 1, False, True),
        ("inf", [F(1, 2)], [2], [0], 1, True, True),
    ],
)
def test_what_is_a_region(arguments):
    assert region(*arguments).dimension == len(arguments[1])


def test_floats_and_whole_numbers_are_no_entries():
    for place in range(4):
        for wrong in (1.0, 1):
            sides = [[F(0)], [F(2)], [F(1)], [F(1)]]
            sides[place] = [wrong]
            lower, upper, center, size = sides
            with pytest.raises(UserError, match="not an exact number"):
                Region("1", tuple(lower), tuple(upper), tuple(center), *size)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("is_open", [False, True])
def test_a_ball_ends_where_it_should(norm, is_open):
    where = ball(norm, [F(1), F(2)], F(5), open=is_open)
    ends = {
        "inf": [(6, 7), (-4, -3), (6, 0)],
        "1": [(6, 2), (1, -3), (3, 5)],
        "2": [(6, 2), (4, 6), (-2, -2)],
    }[norm]
    for end in ends:
        inner, outer = ([F(1) + (end[0] - 1) * s, F(2) + (end[1] - 2) * s]
                        for s in (1 - HAIR, 1 + HAIR))  # fmt: skip
        assert where.contains([F(x) for x in end]) == (not is_open)
        assert where.contains(inner) and not where.contains(outer)
        assert where.closed().contains([F(x) for x in end])
        assert distance(norm, [F(1), F(2)], [F(x) for x in end]) == (25 if norm == "2" else 5)
    assert not where.contains([F(1)]) and not where.contains([F(1), F(2), F(0)])
    assert where.closed() == ball(norm, [F(1), F(2)], F(5))
    assert where.closed().closed() == where.closed() and not where.closed().open


def test_a_box_holds_its_sides():
    where = box([F(-1), F(0)], [F(1), F(0)])
    for x, y in product((-1 - HAIR, -1, 0, 1, 1 + HAIR), (-HAIR, 0, HAIR)):
        assert where.contains([F(x), F(y)]) == (-1 <= x <= 1 and y == 0)


def test_a_clip_box_cuts_what_lies_beyond():
    for norm in ("inf", "1", "2"):
        center = [F(0), F(1)]
        whole = ball(norm, center, F(1))
        assert ball(norm, center, F(1), clip=(F(-1), F(2))) == whole
        assert ball(norm, center, F(1), clip=((F(-1), F(0)), (F(1), F(2)))) == whole
        for low, high in ((HAIR - 1, F(2)), (F(-1), 2 - HAIR)):
            cut = ball(norm, center, F(1), clip=(low, high))
            assert cut.lower == (max(F(-1), low), F(0)) and cut.upper == (F(1), min(F(2), high))
            assert cut.clipped == (norm != "inf")
        for k in range(2):
            sides = [[F(-9), F(-9)], [F(9), F(9)]]
            sides[0][k] = center[k]
            cut = ball(norm, center, F(1), clip=sides)
            assert cut.lower[k] == center[k] and cut.lower[1 - k] == center[1 - k] - 1
        for sides in (((F(0),), (F(1), F(1))), ((F(0), F(0)), (F(1),))):
            with pytest.raises(UserError, match="clip box has 1 inputs, the center 2"):
                ball(norm, center, F(1), clip=sides)
        with pytest.raises(UserError, match="empty"):
            ball(norm, center, F(1), clip=(F(5), F(6)))


def test_the_size_of_a_ball_is_given_once():
    for arguments, words in (
        (("1", None, None), "exactly one"),
        (("2", F(1), F(1)), "exactly one"),
        (("1", None, F(1)), "not for norm 1"),
        (("inf", None, F(1)), "not for norm inf"),
        (("inf", F(-1), None), "negative"),
        (("2", -HAIR, None), "negative"),
        (("2", None, -HAIR), "negative"),
    ):
        norm, radius, squared = arguments
        with pytest.raises(UserError, match=words):
            ball(norm, [F(0)], radius, radius_squared=squared)
    assert ball("2", [F(0)], F(3)).size == 9 and ball("2", [F(0)], F(3)).upper == (3,)
    two = ball("2", [F(0)], radius_squared=F(2))
    assert two.size == 2 and 2 <= two.upper[0] ** 2 < 2 + F(1, 2**21)
    assert ball_of_size("2", [F(0)], F(9)) == ball("2", [F(0)], F(3))  # closed, unless asked
    assert ball("1", [F(0)], F(3)).size == 3 and ball("inf", [F(0)], F(0)) == box([F(0)], [F(0)])
    assert ball("1", [F(0)], F(0)).size == 0
    assert ball("2", [F(0)], radius_squared=F(0)).upper == (0,)
    assert ball("inf", [F(0)], F(3), open=True).size == 3


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("strict", [False, True])
def test_the_minimum_on_a_ball(is_open, strict):
    """3 x0 - 4 x1 around (2, 1): the center has 2, the ball of radius r takes 4 r or 5 r off."""
    gradient, center = {0: F(3), 1: F(-4)}, [F(2), F(1)]
    for norm, loss in (("1", 4), ("2", 5)):
        for radius in (F(1), F(1, 3), F(7)):
            where = ball(norm, center, radius, open=is_open)
            edge = loss * radius - 2
            for constant, holds in (
                (edge - HAIR, False),
                (edge, is_open or not strict),
                (edge + HAIR, True),
                (-edge - 4, False),  # as far below zero
                (-edge - 5, False),
            ):
                assert linear_minimum_holds(where, gradient, constant, strict) == holds
            for none in ({}, {0: F(0)}):  # no share of the ball
                for constant in (-HAIR, F(0), HAIR):
                    found = linear_minimum_holds(where, none, constant, strict)
                    assert found == (constant > 0 or (constant == 0 and not strict))
            some = linear_minimum_holds(where, {0: F(0), 1: F(1)}, radius - 1, strict)
            assert some == (is_open or not strict)


def test_the_minimum_without_a_ball():
    for where in (box([F(0)], [F(1)]), ball("inf", [F(0)], F(1), open=True)):
        for strict in (False, True):
            for constant in (-HAIR, F(0), HAIR):
                for none in ({}, {0: F(0)}):
                    found = linear_minimum_holds(where, none, constant, strict)
                    assert found == (constant > 0 or (constant == 0 and not strict))
            for some in ({0: F(1)}, {0: F(0), 1: F(1)}):
                with pytest.raises(UserError, match="no ball share"):
                    linear_minimum_holds(where, some, F(9), strict)


def test_only_the_ends_of_an_open_interval_recede():
    where = ball("inf", [F(1), F(5)], F(2), open=True)
    for side, recedes in ((-1, True), (3, True), (3 - HAIR, False), (HAIR - 1, False), (4, True)):
        assert where.recedes(0, F(side)) == recedes
    assert where.recedes(1, F(3)) and not where.recedes(1, F(4))
    assert not box([F(-1)], [F(1)]).recedes(0, F(1))
    assert not ball("1", [F(0)], F(1)).recedes(0, F(1))


@pytest.mark.parametrize("k", [2, 3, 4, 7, 64])
def test_integer_roots_are_the_largest_that_fit(k):
    for root in (0, 1, 2, 3, 10, 2**31 - 1, 2**31, 3**50):
        for value in {max(root**k - 1, 0), root**k, root**k + 1, (root + 1) ** k - 1}:
            found = integer_root(value, k)
            assert found**k <= value < (found + 1) ** k


def test_roots_have_24_bits_and_lie_above():
    assert root_upper(F(0)) == 0 and root_upper(F(4)) == 2 and root_upper(F(9, 16)) == F(3, 4)
    for top, bottom in product((1, 2, 3, 5, 10**40 + 1, 2**201 - 1), (1, 3, 2**200, 10**61 + 7)):
        for square in (F(top, bottom), F(top, bottom) / 2**99):
            root = root_upper(square)
            assert root * root >= square
            assert root * root <= square * (1 + F(1, 2**22))
            assert root.denominator & (root.denominator - 1) == 0
            odd = root.numerator // (root.numerator & -root.numerator)
            assert odd.bit_length() <= 26


def test_the_names_of_the_norms():
    names = {"inf": ("Linf", "max", " inf"), "1": (1, 1.0, "L1"), "2": (2, np.int64(2), "l_2 "),
             "3": (3, 3.0, "L3"), "64": (64, "l_64", "l64")}  # fmt: skip
    for norm, written in names.items():
        assert [read_norm(name) for name in written] == [norm] * 3
    for other in (0, 65, 1.5, True, None, "", "L0", "03", "Infinity2"):
        with pytest.raises(UserError, match="is not inf, or an integer from 1 to 64"):
            read_norm(other)
    assert read_norm(2, 2) == "2" and read_norm("inf", 2) == "inf"
    with pytest.raises(UserError, match="norm 3 is not inf, 1 or 2"):
        read_norm(3, 2)
