"""The step about maxima in arrays says what it says in Python's numbers, one unit after another."""

import gc
import weakref
from contextlib import suppress
from fractions import Fraction
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from constructions.registry import build
from tests.oracles.maxima_networks import checker_of
from tests.oracles.maxima_queries import query_of
from tests.oracles.random_queries import random_query
from verifier.checker import branch, maxima, maxima_pass, maxima_tables
from verifier.checker.maxima import Form, Maximum, maxima_of
from verifier.checker.maxima_pass import MaximaPass, Table
from verifier.checker.maxima_tables import DoesNotFitError, FormTables, Sums
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import InputSplit, Lemma, MaximaStep, UnitSplit
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def all_bounds(checker: TreeChecker):
    units = range(checker.network.units.count)
    return [checker.unit_ends(v) for v in units], checker._all_rows


def prepared(query, rng):
    """Two checkers in the same branch, with a few bounds of units set."""
    count = query.network.units.count
    bounds = [
        Lemma(
            rng.randrange(count), rng.random() < 0.5, F(rng.randint(-9, 9), rng.choice((1, 4))), ()
        )
        for _ in range(rng.randint(0, 3) if count else 0)
    ]
    split = rng.random() < 0.3 and count
    checkers = checker_of(query), checker_of(query)
    for checker in checkers:
        for lemma in bounds:
            checker.assume(lemma)
        if split:
            checker.restrict(UnitSplit(bounds[0].unit if bounds else 0), high=True)
        if rng is not None and split:
            middle = (query.region.lower[0] + query.region.upper[0]) / 2
            checker.restrict(InputSplit(0, middle), high=False)
    return checkers


@pytest.mark.parametrize(("many", "forms"), [(1, 64), (3, 64), (12, 64), (12, 1)])
@pytest.mark.parametrize("block", range(3))
def test_both_ways_find_the_same_bounds(block, many, forms, monkeypatch):
    """Where forms with maxima are few, and in arrays."""
    monkeypatch.setattr(maxima_pass, "MANY", many)
    monkeypatch.setattr(maxima_pass, "MANY_FORMS", forms)
    fitting = 0
    for seed in range(40 * block, 40 * block + 40):
        query, rng = query_of(seed)
        if seed % 3 == 0:
            query = random_query(seed)
        first, second = prepared(query, rng)
        slow = second._tighten_one_by_one(lambda: None)
        before, mark = all_bounds(first)[0], first.mark()
        try:
            fast = first._tighten_at_once(lambda: None)
        except DoesNotFitError:
            continue
        fitting += 1
        assert (fast.raised, fast.dropped) == (sorted(slow.raised), sorted(slow.dropped)), seed
        assert all_bounds(first)[0] == all_bounds(second)[0], seed
        assert first.snapshot() == first.snapshot()
        copied = checker_of(query)
        copied.copy(first.snapshot())
        assert all_bounds(copied)[0] == all_bounds(first)[0]
        first.undo(mark)
        assert all_bounds(first)[0] == before, seed
    assert fitting >= 14


def test_a_second_pass_starts_from_the_first_and_a_later_bound():
    """The bounds of a step stand where a later lemma and another step find them."""
    rng = Random(5)
    for seed in range(40):
        query, _ = query_of(300 + seed)
        first, second = checker_of(query), checker_of(query)
        unit = rng.randrange(query.network.units.count)
        lemma = Lemma(unit, True, F(rng.randint(-3, 5)), ())
        for checker, tighten in (
            (first, first._tighten_at_once),
            (second, second._tighten_one_by_one),
        ):
            try:
                checker.assume(Lemma(unit, False, F(seed - 20, 4), ()))
                tighten(lambda: None)
                checker.assume(lemma)
                tighten(lambda: None)
            except DoesNotFitError:
                break
        else:
            assert all_bounds(first)[0] == all_bounds(second)[0], seed


@pytest.mark.parametrize("layout", ["l1", "l1-parallel"])
def test_in_a_network_of_hundreds_of_units_a_level(layout):
    rows = [[k, (7 * k) % 31, (k * k) % 17] for k in range(60)]
    data = Dataset.from_rows("rows", rows, [k % 3 for k in range(60)])
    made = build(layout, data, ratio=F(9, 10))
    query = Query(made.network, ball("1", data.point(7), made.budget), made.goals(1, 3))
    first, second = checker_of(query), checker_of(query)
    for checker in (first, second):
        for v in range(query.network.units.count):
            if v % 11 == 0 and checker.lower(v) < 0 < checker.upper(v):
                checker.assume(Lemma(v, True, F(0), ()))
    first._tighten_at_once(lambda: None)
    second._tighten_one_by_one(lambda: None)
    assert all_bounds(first) == all_bounds(second)


@pytest.mark.parametrize("layout", ["lipschitz-ovr", "lipschitz-parallel", "linf"])
def test_forms_with_maxima_in_arrays(layout, monkeypatch):
    """Maxima in maxima, of units that are on, off and undecided; 64 forms a level and fewer."""
    used = []
    of_units = maxima_tables.FormBounds.of_units

    def counted(self, units):
        used.append(len(units))
        return of_units(self, units)

    monkeypatch.setattr(maxima_tables.FormBounds, "of_units", counted)
    rng = Random(3)
    rows = [[rng.randint(0, 40) for _ in range(20)] for _ in range(160)]
    data = Dataset.from_rows("rows", rows, [k % 2 for k in range(160)])
    made = build(layout, data, ratio=F(99, 100))
    for sample in (1, 54, 152):
        goals = made.goals(int(data.labels[sample]), 2)
        query = Query(made.network, ball("inf", data.point(sample), made.budget), goals)
        first, second = checker_of(query), checker_of(query)
        for v in range(query.network.units.count):
            bounded = rng.random() < 0.1 and first.lower(v) < 0 < first.upper(v)
            for checker in (first, second) if bounded else ():
                checker.assume(Lemma(v, (v + sample) % 3 > 0, F(0), ()))
        first._tighten_at_once(lambda: None)
        second._tighten_one_by_one(lambda: None)
        assert all_bounds(first)[0] == all_bounds(second)[0]
    assert (max(used, default=0) >= 64) == (layout != "linf")


def test_forms_that_arrays_do_not_hold_are_bounded_one_by_one(monkeypatch):
    """Where a row has weights that are large beside those of others, or fractions."""
    monkeypatch.setattr(maxima_pass, "MANY_FORMS", 1)
    monkeypatch.setattr(maxima_tables, "MOST", 40)
    fallen = 0
    for seed in range(30):
        query, rng = query_of(seed)
        first, second = prepared(query, rng)
        second._tighten_one_by_one(lambda: None)
        try:
            FormTables(maxima_of(first.scaled))
        except DoesNotFitError:
            fallen += 1
        first.tighten_maxima()
        assert all_bounds(first)[0] == all_bounds(second)[0], seed
    assert 0 < fallen < 30


@pytest.mark.parametrize("forms", [1, 64])
def test_nothing_of_a_pass_stays(forms, monkeypatch):
    """Its arrays are as long as the network has units; a run has thousands of passes."""
    monkeypatch.setattr(maxima_pass, "MANY_FORMS", forms)
    passes = []

    class Noted(maxima_pass.MaximaPass):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            passes.append(weakref.ref(self))

    monkeypatch.setattr(branch, "MaximaPass", Noted)
    gc.disable()
    try:
        for seed in range(8):
            first, second = prepared(*query_of(seed))
            first.tighten_maxima()
            with suppress(KeyboardInterrupt):
                second.tighten_maxima(interrupted)
    finally:
        gc.enable()
    assert len(passes) == 16 and {each() for each in passes} == {None}


def interrupted():
    raise KeyboardInterrupt


def test_sums_in_arrays():
    lists = [[(0, 2), (1, -3)], [], [(1, 1)]]
    low, high = np.array([-1, 5]), np.array([4, 7])
    found = Sums(lists).interval(np.array([2, 1, 0, 0]), lambda j: (low[j], high[j]))
    assert [values.tolist() for values in found] == [[5, 0, -23, -23], [7, 0, -7, -7]]
    most = maxima_tables.MOST
    assert Sums([[(0, most - 1)], [(0, -5)]]).largest == most - 1
    for wrong in (F(1, 2), F(2), most, -most):
        with pytest.raises(DoesNotFitError):
            Sums([[(0, 1)], [(0, wrong)]])
    half = Sums([[(0, most // 2)], [(0, 1)]])
    half.interval(np.array([0]), lambda j: (np.array([-1]), np.array([1])))
    for ends in ((-2, 1), (-1, 2)):
        with pytest.raises(DoesNotFitError):
            half.interval(
                np.array([1]), lambda j, ends=ends: tuple(map(np.array, ([x] for x in ends)))
            )


def test_numbers_that_do_not_fit_are_left_to_python():
    """The bounds are those of the step all the same."""
    for seed in range(10):
        query, _ = query_of(seed)
        lemma = Lemma(0, True, F(1, 3), ())
        first, second = checker_of(query), checker_of(query)
        for checker in (first, second):
            checker.assume(lemma)
        if first.upper(0).denominator == 1:
            continue
        with pytest.raises(DoesNotFitError):
            first._tighten_at_once(lambda: None)
        first.apply(MaximaStep())
        second._tighten_one_by_one(lambda: None)
        assert all_bounds(first) == all_bounds(second)


def test_bounds_of_tables_are_numbers():
    for places in range(4):
        for value in range(-20, 21):
            ends = np.array([value]), np.array([value + 1])
            table = Table(Given([0, 7], [1, 9]), 2, places, np.array([0]), ends)
            assert table.lower_of(0) == F(value, 2**places)
            assert table.upper_of(0) == F(value + 1, 2**places)
            assert (table.lower_of(1), table.upper_of(1)) == (7, 9)
            for finer in range(places + 1):  # the bounds behind it, in units of their own
                table = Table(Given([0, 7], [1, 9], finer), 2, places, np.array([0]), ends)
                low, high = table.bounds_of(np.array([1, 0, 1]))
                more = places - finer
                assert low.tolist() == [7 << more, value, 7 << more]
                assert high.tolist() == [9 << more, value + 1, 9 << more]


def test_bounds_of_tables_that_do_not_fit_are_refused():
    """Of those that are asked for, and of no others."""
    ends = np.array([0]), np.array([0])
    for side in (-1, 1):
        bounds = [0, side * 2**60, side * (2**60 - 1)]
        given = Given(*((bounds, [0] * 3) if side < 0 else ([0] * 3, bounds)))
        table = Table(given, 3, 2, np.array([0]), ends)
        table.bounds_of(np.array([0, 2]))
        with pytest.raises(DoesNotFitError):
            table.bounds_of(np.array([1]))


@pytest.mark.parametrize("side", [-1, 1])
def test_constants_of_forms_that_do_not_fit_are_refused(side):
    """From a fourth of the limit on, so that three sums of that size add up to less than it."""
    most = maxima_tables.MOST

    def bounds(constant, places):
        numbers = np.array([0, side * constant])
        tables = SimpleNamespace(units=np.zeros(0, dtype=np.int64), constants=numbers)
        return maxima_tables.FormBounds(tables, places, None, None)

    for places in (0, 1, 5):
        assert abs(bounds((most >> places) - 1, places)._constants[1]) < most
        with pytest.raises(DoesNotFitError):
            bounds(most >> places, places)


def test_a_form_that_is_needed_twice_has_one_number():
    """As both parts of a maximum, and as one of the next one."""
    leaf = Form(((0, 1),), 0, ((0, 1),), ())
    inner = Form(((1, 1),), 0, (), ((1, Maximum(0, None, leaf, leaf)),))
    outer = Form(((2, 1),), 5, (), ((1, Maximum(1, None, inner, leaf)),))
    shape = SimpleNamespace(network=SimpleNamespace(units=SimpleNamespace(count=2)))
    listed = {0: inner, 1: outer}
    rows = SimpleNamespace(scaled=shape, with_maxima=[0, 1], row=listed.__getitem__)
    tables = FormTables(rows)
    assert tables.form_of.tolist() == [1, 2] and tables.constants.tolist() == [0, 0, 5]
    assert (tables.low.tolist(), tables.high.tolist()) == ([0, 1], [0, 0])
    assert tables.depth.tolist() == [1, 2]


class Given:
    """Bounds of all units, in units of 2^-places."""

    def __init__(self, lower, upper, places=0):
        self.lower, self.upper, self.places = np.array(lower), np.array(upper), places

    def lower_of(self, v):
        return F(self.lower.item(v), 2**self.places)

    def upper_of(self, v):
        return F(self.upper.item(v), 2**self.places)

    def bounds_of(self, units):
        return self.lower[units], self.upper[units]


def passes(network, lower, upper, places=0, known=None, boxes=((0, 1),)):
    """A pass over a branch of the network in which the units have these bounds."""
    scaled = ScaledNetwork(network, 1)
    return MaximaPass(maxima_of(scaled), Given(lower, upper, places), known or ({}, {}), boxes)


def read_all(**case):
    """The same, with the bounds of all units read: in arrays, and one by one."""
    network = case.pop("network", units(1, 1))
    variables = np.arange(1, network.variables)
    first, second = passes(network, **case), passes(network, **case)
    try:
        one_by_one = [second._ends_of(j) for j in variables.tolist()]
    except DoesNotFitError:
        with pytest.raises(DoesNotFitError):
            first._read(variables)
        raise
    first._read(variables)
    assert one_by_one == list(zip(first._low[1:].tolist(), first._high[1:].tolist(), strict=True))


def units(*weights):
    """One input, and one unit for each weight."""
    build = NetworkBuilder(1)
    made = build.layer([build.inputs[0] * weight for weight in weights])
    return build.network([Affine.sum(made)])


def test_what_just_fits_is_taken_and_no_more():
    """Bounds below 2^62, in units of 2^-24 at least, of units with scales up to 2^64 of these."""
    most = 2**62 - 1
    read_all(lower=[-most, 0], upper=[0, most])
    read_all(lower=[0, 0], upper=[0, 2**38 - 1], known=({0: F(-1, 2**24)}, {}))
    refused = [
        {"lower": [-most - 1, 0], "upper": [0, 0]},
        {"lower": [0, 0], "upper": [0, most + 1]},
        {"lower": [0, -(2**61)], "upper": [0, 0], "boxes": ((0, F(1, 2)),)},
        {"lower": [0, 0], "upper": [2**61, 0], "boxes": ((0, F(1, 2)),)},
        {"lower": [0, 0], "upper": [0, 0], "known": ({0: F(-1, 2**25)}, {})},
        {"lower": [0, 0], "upper": [0, 0], "known": ({0: F(-1, 3)}, {})},
        {"lower": [0, 0], "upper": [0, 0], "known": ({}, {1: F(1, 6)})},
        {"lower": [0, 0], "upper": [0, 0], "boxes": ((0, F(1, 12)),)},
        {"lower": [0, 0], "upper": [0, 0], "boxes": ((-most - 1, 0),)},
    ]
    for case in refused:
        with pytest.raises(DoesNotFitError):
            read_all(**case)
    small, fine = units(F(1, 2**40)), ((0, F(1, 2**24)),)
    passes(small, [0], [1], boxes=fine)
    with pytest.raises(DoesNotFitError):
        passes(units(F(1, 2**41)), [0], [1], boxes=fine)
    with pytest.raises(DoesNotFitError):
        passes(units(F(1, 2**41), 1), [0, 0], [1, 1], boxes=fine)
    build = NetworkBuilder(4)
    network = build.network(build.layer([Affine.sum([x * 2**61 for x in build.inputs])]))
    with pytest.raises(DoesNotFitError):  # 2^63 is what its weights add up to
        passes(network, [0], [0], boxes=((0, 0),) * 4)
    build = NetworkBuilder(4)
    (first,) = build.layer([Affine.sum([x * 2**61 for x in build.inputs])])
    network = build.network(build.layer([first + 1]))
    with pytest.raises(DoesNotFitError):
        passes(network, [0, 0], [0, 1], boxes=((0, 0),) * 4)


@pytest.mark.parametrize("many", [1, 12])
@pytest.mark.parametrize(
    "rows, high, places",
    [
        ([(2**40, 0), (3, 0)], 2**30, 0),
        ([(3, 0), (2**40, 0)], 2**30, 0),
        ([(-(2**40), 0), (3, 0)], 2**30, 0),
        ([(1, 2**61), (1, 1)], 2**61, 0),
        ([(-1, -(2**61)), (1, 1)], 2**61, 0),
        ([(1, 2**60), (1, 1)], 1, 2),
        ([(1, -(2**60)), (1, 1)], 1, 2),
    ],
)
def test_sums_beyond_64_bits_are_refused(rows, high, places, many, monkeypatch):
    """Of units that read one with a bound that has just moved, in arrays and one by one."""
    monkeypatch.setattr(maxima_pass, "MANY", many)
    build = NetworkBuilder(1)
    (first,) = build.layer([build.inputs[0]])
    second = build.layer([first * weight + constant for weight, constant in rows])
    network = build.network([Affine.sum(second)])
    most = (2**62 - 1) >> places
    boxes = ((0, F(1, 2**places)),)
    lower, upper = [0, -most, -most], [high, most, most]
    begun = passes(network, lower, upper, known=({}, {}), boxes=boxes)
    with pytest.raises(DoesNotFitError):
        list(begun.run(np.array([1]), np.zeros(0, dtype=np.int64)))


def test_rows_that_read_a_variable_twice_wait_always():
    """Copies stand for their units; other rows without maxima do not wait."""
    build = NetworkBuilder(2)
    first, second = build.layer([build.inputs[0], build.inputs[1]])
    (copy,) = build.layer([first * 1])
    rows = build.layer([copy - first * 2, copy - second, first * 2 - second])
    network = build.network([Affine.sum(rows)])
    found = maxima_of(ScaledNetwork(network, 1)).maxima_of_all[0].tolist()
    assert found == [False, False, False, True, False, False]


@pytest.mark.parametrize("beside", [0, 1])
def test_a_maximum_in_a_maximum_is_seen_where_the_outer_unit_is_off(beside):
    """max(max(a, b), c) is at most max(a, b), of which intervals do not know; with a simple maximum
    of negative weight in the same row, or without."""
    build = NetworkBuilder(5)
    a, b, c, d, e = build.layer(list(build.inputs))
    inner, other = build.layer([b - a, e - d])
    (outer,) = build.layer([c - a - inner])
    row = a + inner + outer - (d + other) * beside
    network = build.network([build.layer([row])[0]])
    region = box([F(0)] * 5, [F(1), F(1), F(0), F(1), F(0)])
    checker = checker_of(Query(network, region, (Goal((Atom((), (), F(0), True),), "no"),)))
    assert last_bounds(checker) != (-beside, 1)
    checker.apply(MaximaStep())
    assert last_bounds(checker) == (-beside, 1)


def last_bounds(checker):
    unit = checker.network.units.count - 1
    return checker.lower(unit), checker.upper(unit)


def test_a_maximum_is_seen_where_its_unit_has_the_upper_bound_1():
    checker = max_of_two()
    assert last_bounds(checker) == (0, 2)
    checker.apply(MaximaStep())
    assert last_bounds(checker) == (0, 1)


def max_of_two():
    """max(a, b) of the two inputs on the unit square."""
    build = NetworkBuilder(2)
    a, b = build.layer(list(build.inputs))
    (rise,) = build.layer([b - a])
    network = build.network([build.layer([a + rise])[0]])
    region = box([F(0)] * 2, [F(1)] * 2)
    return checker_of(Query(network, region, (Goal((Atom((), (), F(0), True),), "no"),)))


def test_a_step_stands_in_place_of_lemmas_that_say_less():
    """Of the first unit as of others."""
    checker = max_of_two()
    for unit in (0, 1):
        checker.assume(Lemma(unit, True, F(3, 4), ()))
        checker.restrict(InputSplit(unit, F(1, 2)), high=False)
    checker.apply(MaximaStep())
    assert [checker.upper(unit) for unit in (0, 1)] == [F(1, 2)] * 2
    assert last_bounds(checker) == (0, F(1, 2))


def test_a_second_step_keeps_the_list_of_what_the_first_has_changed():
    """A snapshot, which a branch is made again from, holds both."""
    checker = max_of_two()
    checker.restrict(InputSplit(0, F(1, 2)), high=False)
    checker.apply(MaximaStep())
    assert checker.snapshot().high[0] == F(1, 2)
    checker.assume(Lemma(1, True, F(1, 4), ()))
    checker.apply(MaximaStep())
    found = checker.snapshot().high
    assert (found[0], found[1]) == (F(1, 2), F(1, 4))


@pytest.mark.parametrize("way", ["_tighten_at_once", "_tighten_one_by_one"])
def test_a_step_can_be_stopped(way):
    class Stopped(Exception):
        pass

    def stop():
        raise Stopped

    with pytest.raises(Stopped):
        getattr(max_of_two(), way)(stop)


def test_a_maximum_above_a_sum_of_units_is_seen():
    """max(c, b) where b is a unit that adds up others, the first one among them."""
    build = NetworkBuilder(3)
    first, second, c = build.layer(list(build.inputs))
    (b,) = build.layer([first + second])
    (rise,) = build.layer([c - first - second])
    network = build.network([build.layer([b + rise])[0]])
    region = box([F(0)] * 3, [F(1)] * 3)
    checker = checker_of(Query(network, region, (Goal((Atom((), (), F(0), True),), "no"),)))
    assert last_bounds(checker) == (0, 3)
    checker.apply(MaximaStep())
    assert last_bounds(checker) == (0, 2)


def test_a_maximum_above_a_sum_with_another_scale_is_seen():
    """max(u + 1/2, c + 1/2): in integers half of the sum's row stands in that of the rise."""
    build = NetworkBuilder(2)
    u, c = build.layer(list(build.inputs))
    (b,) = build.layer([u + F(1, 2)])
    (rise,) = build.layer([c - u])
    network = build.network([build.layer([b + rise])[0]])
    region = box([F(0)] * 2, [F(1), F(2)])
    checker = checker_of(Query(network, region, (Goal((Atom((), (), F(0), True),), "no"),)))
    assert last_bounds(checker) == (1, 7)
    checker.apply(MaximaStep())
    assert last_bounds(checker) == (1, 5)


def test_a_difference_of_units_is_no_sum():
    """It may be off where its row is negative: u = 0, v = 2, c = 5 give 5."""
    build = NetworkBuilder(3)
    u, v, c = build.layer(list(build.inputs))
    (b,) = build.layer([u - v])
    (rise,) = build.layer([c - u])
    network = build.network([build.layer([b + rise])[0]])
    region = box([F(0), F(1), F(5)], [F(3), F(2), F(5)])
    checker = checker_of(Query(network, region, (Goal((Atom((), (), F(0), True),), "no"),)))
    checker.apply(MaximaStep())
    assert last_bounds(checker)[1] >= 5
    assert maxima_of(checker.scaled).row(5).maxima == ()


def test_a_row_shows_one_maximum_of_each_sign():
    """That of the greatest unit."""
    build = NetworkBuilder(8)
    units = build.layer(list(build.inputs))
    rises = build.layer([units[k + 1] - units[k] for k in (0, 2, 4, 6)])
    largest = [units[2 * k] + rise for k, rise in enumerate(rises)]
    row = largest[0] + largest[1] - largest[2] * 2 - largest[3] * 2
    network = build.network([build.layer([row])[0]])
    found = maxima_of(ScaledNetwork(network, 1)).row(12).maxima
    assert [(weight, maximum.unit) for weight, maximum in found] == [(1, 9), (-2, 11)]


def test_more_maxima_than_the_limit_are_refused(monkeypatch):
    build = NetworkBuilder(2)
    a, b = build.layer(list(build.inputs))
    (rise,) = build.layer([b - a])
    network = build.network([build.layer([a + rise])[0]])
    assert len(maxima_of(ScaledNetwork(network, 1)).row(3).maxima) == 1
    monkeypatch.setattr(maxima, "MAXIMA", 0)
    with pytest.raises(RefusedError) as refusal:
        maxima_of(ScaledNetwork(network, 1)).row(3)
    assert refusal.value.flaw == "too many maxima"


def test_a_table_is_not_written_to():
    table = passes(units(1, 1), [-1, 0], [0, 1]).table([1])
    for array in (table.low, table.high):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_passes_are_as_quick_to_read_as_one(seed):
    """A proof may ask for as many as it likes: the bounds of each stand in one table."""
    query, _ = query_of(seed)
    once, often = checker_of(query), checker_of(query)
    for _ in range(2):
        once.tighten_maxima()
    for _ in range(1500):
        often.tighten_maxima()
    assert all_bounds(once) == all_bounds(often)
    assert not isinstance(often._table.before, Table)
