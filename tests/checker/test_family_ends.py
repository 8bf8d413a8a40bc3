"""What the ends of a cone decide about a unit, bound by bound."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest

from tests.oracles.random_families import cone_of, random_sum_family
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.leaf import Form, usual_slope
from verifier.checker.ridge_minima import sum_bounds
from verifier.checker.ridge_tables import tables_of
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Node,
    PairLemma,
    PlaneSplit,
    SumsStep,
    UnitSplit,
)
from verifier.question.build import Affine, NetworkBuilder
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
                if coefficient > 0 and (end.on(0) or end.off(0)):
                    assert min(gaps) == 0
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


def sums_of_the_document(
    query: FamilyQuery, state: FamilyChecker, step: SumsStep
) -> list[tuple[int, bool, Fraction, list[Fraction]]]:
    """In order the bounds of each sum at both ends: that of the last ball, at the first end with
    the share of the smaller ball, and what m adds itself."""
    first, last = state.ends
    final = tables_of(state.scaled).final
    rates = dict(zip(final.units.tolist(), final.rates, strict=True))
    size = state.scaled.denominator
    found = []
    for upper, multipliers in ((False, step.lower), (True, step.upper)):
        for t in multipliers:
            bounds = sum_bounds(state.scaled, last.region, last.minima(), t, upper=upper)
            for v, value in bounds:
                scale = state.scaled.scales[query.network.inputs + v]
                share = t * (last.region.size - first.region.size) * scale
                at_first = F(value) + (-share if upper else share)
                ends = [at_first + rates[v] * query.cone.first * size,
                        F(value) + rates[v] * query.cone.last * size]  # fmt: skip
                found.append((v, upper, t, ends))
    return found


def test_sums_are_bounded_at_both_ends() -> None:
    """As the document says; a bound that is weaker at both ends changes nothing."""
    changes = 0
    for seed in range(40):
        query, _ = random_sum_family(seed)
        if query.cone.norm == "inf":
            continue
        scaled = family_scaled(query.network, [query])
        (roots,) = family_roots(scaled, [query])
        state = FamilyChecker(query, scaled, roots)
        step = SumsStep((F(0), F(1, 3), F(1)), (F(5, 2), F(1, 7)))
        if not len(tables_of(scaled).final.units):
            assert state.tighten_sums(step) == []
            continue
        wanted = []
        current = {
            (v, upper): [F(end.upper(v) if upper else end.lower(v)) for end in state.ends]
            for v in range(query.network.units.count)
            for upper in (False, True)
        }
        for v, upper, t, ends in sums_of_the_document(query, state, step):
            sign = -1 if upper else 1
            if any(sign * new > sign * old for new, old in zip(ends, current[v, upper],
                                                               strict=True)):  # fmt: skip
                current[v, upper] = ends
                wanted.append((v, upper, t, ends))
        found = [(v, upper, t, list(values)) for v, upper, t, values in state.tighten_sums(step)]
        assert found == wanted, seed
        changes += len(found)
        for (v, upper), ends in current.items():
            assert [end.upper(v) if upper else end.lower(v) for end in state.ends] == ends
    assert changes > 40


def test_a_box_has_no_step_about_sums() -> None:
    with pytest.raises(RefusedError, match="no ball"):
        checker().tighten_sums(SumsStep((F(0),), ()))


def test_the_largest_ball_and_box_serve_all_parameters() -> None:
    """Whichever end is asked."""
    state = checker()
    state.restrict(InputSplit(0, F(0)), high=True)
    for end in state.ends:
        minima = end.minima()
        assert minima.region == state.ends[1].region
        low, high = minima._box
        assert (low[0], high[0], low[1], high[1]) == (0, 3, 1, 3)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_maxima_are_bounded_at_both_ends_wherever_they_stand(norm) -> None:
    """max(a, b) above a copy, and units above it: what follows is looked at again."""
    build = NetworkBuilder(3)
    x, y, m = build.inputs
    a, b = build.layer([x + 2, y + 2 - m])
    (rise,) = build.layer([b - a])
    (largest,) = build.layer([a + rise])
    (copy,) = build.layer([largest])
    (above,) = build.layer([copy * 2 - 1])
    (higher,) = build.layer([above + 1])
    (highest,) = build.layer([higher + 1])
    network = build.network([highest])
    query = FamilyQuery(network, cone_of(norm, [0, 0], F(1, 2), 1), (
        Goal((Atom((), ((0, F(1)),), F(0), True),), "0"),))  # fmt: skip
    scaled = family_scaled(network, [query])
    (roots,) = family_roots(scaled, [query])
    state = FamilyChecker(query, scaled, roots)
    before = [(end.lower(3), end.upper(3)) for end in state.ends]
    seen: list[int] = []
    changes = state.tighten_maxima(lambda: seen.append(1))
    assert seen and {v for v, *_ in changes} == {3, 5, 6, 7}
    size = [scaled.scales[3 + v] for v in (3, 5)]
    after = [(F(end.lower(3), size[0]), F(end.upper(3), size[0])) for end in state.ends]
    assert after == [(F(3, 2), F(5, 2)), (F(1), F(3))] != before
    top = [(F(end.lower(5), size[1]), F(end.upper(5), size[1])) for end in state.ends]
    assert top == [(2, 4), (1, 5)]
    assert state.tighten_maxima() == []


def test_a_split_of_any_input_is_one_of_both_ends() -> None:
    build = NetworkBuilder(4)
    network = build.network(build.layer([Affine.sum(build.inputs)]))
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")
    query = FamilyQuery(network, cone_of("inf", [0, 0, 0], 1, 3), (goal,))
    scaled = family_scaled(network, [query])
    (roots,) = family_roots(scaled, [query])
    for k in range(3):
        state = FamilyChecker(query, scaled, roots)
        state.restrict(InputSplit(k, F(0)), high=True)
        for end, size in zip(state.ends, (1, 3), strict=True):
            size *= scaled.denominator
            boxes = [end.input_bounds(j) for j in range(3)]
            assert boxes == [(0 if j == k else -size, size) for j in range(3)]


def test_steps_in_a_tree_hold_in_its_branch_alone() -> None:
    """A node's lemma is proved and used there; when the tree is done, and where another side of a
    split begins, everything is as before."""
    state = checker()
    before = [(end.lower(0), end.upper(0)) for end in state.ends], state.mark()
    halves = [PairLemma(0, True, (F(1, 2), F(1, 2)), ((Node((), Leaf()),))),
              PairLemma(0, False, (F(1, 2), F(1, 2)), ((Node((), Leaf()),)))]  # fmt: skip
    tree = (
        Node((), InputSplit(0, F(1, 2))),
        Node((halves[0],), Leaf(slopes={0: F(0)})),
        Node((halves[1],), Leaf(slopes={0: F(0)})),
    )
    goal = Goal((Atom((), ((0, F(1)),), F(-4), True),), "above 4")
    state.refute(tree, goal)
    assert ([(end.lower(0), end.upper(0)) for end in state.ends], state.mark()) == before
    wrong = (tree[0], Node((halves[1],), tree[1].body), tree[2])
    with pytest.raises(RefusedError, match="bound too weak"):
        state.refute(wrong, goal)


def test_what_follows_of_a_lemma_is_looked_at_again() -> None:
    """Units of one direction each: none is the rise of a maximum."""
    build = NetworkBuilder(2)
    (unit,) = build.layer([build.inputs[0] + 1])
    for _ in range(3):
        (unit,) = build.layer([unit * 2 + 1])
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "0")
    query = FamilyQuery(build.network([unit]), cone_of("inf", [0], 1, 3), (goal,))
    scaled = family_scaled(query.network, [query])
    (roots,) = family_roots(scaled, [query])
    state = FamilyChecker(query, scaled, roots)
    state.assume(PairLemma(0, True, (F(1), F(2)), ()))
    assert [v for v, *_ in state.tighten_maxima()] == [1, 2, 3]
    assert [F(end.upper(3), scaled.scales[5]) for end in state.ends] == [15, 23]


def test_a_plane_cuts_both_ends() -> None:
    state = checker()
    state.restrict(PlaneSplit(((0, F(2)),), F(1)), high=True)
    assert [end.cuts for end in state.ends] == [[(((0, F(2)),), F(-1))]] * 2
