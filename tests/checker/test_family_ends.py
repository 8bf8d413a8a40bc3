"""What the ends of a cone decide about a unit, bound by bound."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest

from tests.oracles.random_families import cone_of
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.leaf import Form, usual_slope
from verifier.evidence.certificate import InputSplit, Leaf, PairLemma, UnitSplit
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal

F = Fraction
USUAL, PLAIN = Leaf(usual=True), Leaf()


def checker() -> FamilyChecker:
    """One unit, x, on the balls of m in [1, 3] around 0."""
    build = NetworkBuilder(2)
    (unit,) = build.layer([build.inputs[0]])
    network = build.network([unit])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")
    query = FamilyQuery(network, cone_of("inf", [0], 1, 3), (goal,))
    scaled = family_scaled(network, [query])
    (roots,) = family_roots(scaled, [query])
    return FamilyChecker(query, scaled, roots)


def all_bounds():
    pairs = [(low, high) for low in range(-2, 3) for high in range(low, 3)]
    return product(pairs, pairs)


def put(state: FamilyChecker, one: tuple[int, int], two: tuple[int, int]) -> None:
    for end, (low, high) in zip(state.ends, (one, two), strict=True):
        end._low[0], end._high[0] = low, high


def test_a_unit_is_decided_at_both_ends_or_not_at_all() -> None:
    state = checker()
    for one, two in all_bounds():
        put(state, one, two)
        on, off = one[0] >= 0 and two[0] >= 0, one[1] <= 0 and two[1] <= 0
        for end in state.ends:
            assert (end.on(0), end.off(0)) == (on, off)
            assert end.undecided(0) is (not on and not off)
        assert state.on(0) is on
        assert state._decided(0) == (1 if on else -1 if off else 0)
        assert state.contradicts(0) is False
        low, high = state.variable_bounds(2)
        assert low == ((one[0], two[0]) if on else (0, 0))
        assert high == (max(one[1], 0), max(two[1], 0))
    put(state, (1, 0), (1, 0))
    assert state.contradicts(0)
    put(state, (1, 0), (0, 0))
    assert not state.contradicts(0)


@pytest.mark.parametrize("coefficient", [-3, -1, 1, 4])
def test_slopes_are_those_of_the_middle(coefficient: int) -> None:
    """Where no slope is named: 1 if on, 0 if off; else 0, or the usual one of the middle."""
    state = checker()
    for one, two in all_bounds():
        put(state, one, two)
        on, off = one[0] >= 0 and two[0] >= 0, one[1] <= 0 and two[1] <= 0
        low, high = one[0] + two[0], one[1] + two[1]
        for end in state.ends:
            assert end.slope_of(Leaf(slopes={0: F(2, 7)}), 0, coefficient) == F(2, 7)
            if on or off:
                wanted = F(1 if on else 0)
            elif low >= 0 or high <= 0:
                wanted = F(1 if low >= 0 else 0)
            else:
                wanted = usual_slope(coefficient, low, high)
            assert end.slope_of(USUAL, 0, coefficient) == wanted
            assert end.slope_of(PLAIN, 0, coefficient) == F(1 if on else 0)


@pytest.mark.parametrize("named", [F(0), F(1, 4), F(1)])
def test_a_line_is_below_the_unit_at_every_value(named: Fraction) -> None:
    """What replaces coefficient * relu(a) at an end is not above it, wherever a may be there."""
    state, tight = checker(), 0
    for one, two in all_bounds():
        put(state, one, two)
        for coefficient in (-4, 4):
            for end, (low, high) in zip(state.ends, (one, two), strict=True):
                form = Form({}, {}, 0)
                kept = end._relax(form, 0, coefficient, Leaf(slopes={0: named}))
                constant = F(form.constant)
                assert kept == coefficient * named
                gaps = [coefficient * max(a, 0) - kept * a - constant for a in range(low, high + 1)]
                assert min(gaps) >= 0
                tight += min(gaps) == 0
    assert tight > 200


def test_the_last_bound_is_kept_unless_it_is_weaker_at_both_ends() -> None:
    rng = Random(1)
    for _ in range(400):
        state = checker()
        one, two = sorted((rng.randint(-2, 2), rng.randint(-2, 2))), (-2, 2)
        put(state, (one[0], one[1]), two)
        values = (F(rng.randint(-3, 3)), F(rng.randint(-3, 3)))
        upper = rng.random() < 0.5
        old = [end.upper(0) if upper else end.lower(0) for end in state.ends]
        mark = state.mark()
        if upper:
            weaker = values[0] >= old[0] and values[1] >= old[1]
        else:
            weaker = values[0] <= old[0] and values[1] <= old[1]
        assert state._bound(0, upper, values) is not weaker
        now = [end.upper(0) if upper else end.lower(0) for end in state.ends]
        assert now == (old if weaker else list(values))
        state.undo(mark)
        assert [end.upper(0) if upper else end.lower(0) for end in state.ends] == old


def test_sides_of_splits_bound_both_ends() -> None:
    for high in (False, True):
        state = checker()
        state.restrict(UnitSplit(0), high=high)
        bounds = [(end.lower(0), end.upper(0)) for end in state.ends]
        assert bounds == ([(0, 1), (0, 3)] if high else [(-1, 0), (-3, 0)])
        state = checker()
        state.restrict(InputSplit(0, F(1, 2)), high=high)
        size = state.scaled.denominator
        boxes = [tuple(F(x, size) for x in end.input_bounds(0)) for end in state.ends]
        assert boxes == ([(F(1, 2), 1), (F(1, 2), 3)] if high else [(-1, F(1, 2)), (-3, F(1, 2))])
        assert [end.input_bounds(1) for end in state.ends] == [(size, size), (3 * size, 3 * size)]


def test_a_split_on_m_moves_an_end() -> None:
    """Bounds there lie on the line between the two ends; undone, everything is as before."""
    for high in (False, True):
        state = checker()
        mark = state.mark()
        put(state, (-1, 1), (-3, 2))
        for end, threshold in zip(state.ends, (F(1), F(3)), strict=True):
            assert end.parameter == threshold
        for outside in (F(1), F(3), F(0), F(4)):
            with pytest.raises(RefusedError, match="split outside"):
                state.restrict(InputSplit(1, outside), high=high)
        state.restrict(InputSplit(1, F(3, 2)), high=high)
        parameters = [end.parameter for end in state.ends]
        assert parameters == ([F(3, 2), 3] if high else [1, F(3, 2)])
        middle = (F(-3, 2), F(5, 4))
        bounds = [(end.lower(0), end.upper(0)) for end in state.ends]
        assert bounds == ([middle, (-3, 2)] if high else [(-1, 1), middle])
        first, last = state.ends
        assert first.twin is last and last.twin is first
        assert first._all_rows and last._all_rows
        state.undo(mark)
        assert [end.parameter for end in state.ends] == [1, 3]
        first, last = state.ends
        assert first.twin is last and last.twin is first


def test_steps_of_plain_proofs_and_units_that_are_none_are_refused() -> None:
    state = checker()
    with pytest.raises(RefusedError):
        state.apply(PairLemma(7, True, (F(1), F(1)), ()))
    with pytest.raises(RefusedError):
        state.restrict(UnitSplit(1), high=True)
    with pytest.raises(RefusedError):
        state.restrict(InputSplit(2, F(0)), high=True)
