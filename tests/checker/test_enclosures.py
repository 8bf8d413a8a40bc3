"""Enclosures hold what the rule of a leaf computes, whatever the numbers; and where these are
tame, they are narrow."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.enclosed import exact_form, rows_of, waiting_leaf
from tests.oracles.maxima_networks import checker_of
from tests.oracles.random_queries import random_goals, random_network, random_region
from verifier.checker import enclosures as rules
from verifier.checker.enclosures import EnclosedNetwork, fits
from verifier.checker.put_off import PutOff
from verifier.evidence.certificate import InputSplit, Leaf, Lemma, UnitSplit
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import sqrt_upper
from verifier.question.region import ball, box, linear_minimum_holds

F = Fraction
ENDS = (F(0), F(1), F(1, 2), F(1, 3), F(2**60 - 1, 2**60), F(1, 2**50))


def some(rng, count, draw, chance):
    return {k: draw() for k in range(count) if rng.random() < chance}


def random_leaf(rng, units, atoms, scale=1, inputs=0):
    """Shares are bounded over the box of so many inputs."""
    return Leaf(
        some(rng, atoms, lambda: F(rng.randint(0, 3), 3), 0.8),
        some(rng, units, lambda: rng.choice((*ENDS, F(rng.random()))), 0.6),
        some(rng, units, lambda: scale * F(rng.randint(-9, 9), rng.choice((1, 2, 3))), 0.3),
        box=some(rng, inputs, lambda: scale * F(rng.randint(-9, 9), 7), 0.2),
        usual=rng.random() < 0.5,
    )


def random_branch(rng, query, *, wild):
    """A checker in some branch of the query, and what puts leaves off there. A wild branch may be
    empty, with bounds far from those of the root."""
    checker = checker_of(query)
    put_off = PutOff(checker)
    for _ in range(rng.randint(0, 3)):
        if query.network.units.count and rng.random() < 0.7:
            split = UnitSplit(rng.randrange(query.network.units.count))
        else:
            k = rng.randrange(query.network.inputs)
            share = F(rng.randint(-9, 20), 7) if wild else F(rng.randint(1, 6), 7)
            width = query.region.upper[k] - query.region.lower[k]
            split = InputSplit(k, query.region.lower[k] + width * share)
        checker.restrict(split, high=rng.random() < 0.5)
    if wild and query.network.units.count and rng.random() < 0.3:
        v = rng.randrange(query.network.units.count)
        bound = (-1) ** rng.randint(0, 1) * F(rng.randint(0, 9), 3) * 10 ** rng.randint(0, 9)
        checker.assume(Lemma(v, rng.random() < 0.5, bound, ()))
    return checker, put_off


def random_target(rng, query):
    if query.network.units.count and rng.random() < 0.3:
        v = rng.randrange(query.network.units.count)
        return Lemma(v, rng.random() < 0.5, F(rng.randint(-9, 9), 7), ())
    return rng.choice(query.goals)


def is_enclosed(checker, put_off, leaf, target):
    """Whether the leaf is not lost; then its form lies within its enclosure."""
    state = rows_of(put_off, [waiting_leaf(put_off, leaf, target)])
    coefficients, constant, value = exact_form(checker, leaf, target)
    if state.lost[0]:
        return False
    block = state.blocks[0] or (np.zeros((1, checker.inputs), dtype=np.int64),) * 2
    shift = int(state.shifts[0])
    if shift == rules.FREE:
        assert not any(coefficients)
    else:
        for exact, near, error in zip(coefficients, block[0][0], block[1][0], strict=True):
            assert abs(exact * F(2) ** shift - int(near)) <= int(error)
    assert state.constants()[0] <= constant
    least = put_off.enclosure.least([waiting_leaf(put_off, leaf, target)])[0]
    assert least <= value
    if checker.region.norm != "inf":
        gradient = dict(enumerate(coefficients))
        assert linear_minimum_holds(checker.region, gradient, constant - least, strict=False)
    return True


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("scale", ["integers", "decimals", "floats", "wide", "bits"])
def test_forms_are_enclosed(scale, block, norm):
    held = 0
    for seed in range(40):
        rng = Random(f"{scale} {block} {seed}")
        network = random_network(rng, rng.randint(1, 3), rng.randint(0, 8), 2, scale)
        region = random_region(rng, network.inputs, norm)
        query = Query(network, region, random_goals(rng, network, region))
        checker, put_off = random_branch(rng, query, wild=True)
        target = random_target(rng, query)
        atoms = 0 if isinstance(target, Lemma) else len(target.atoms)
        large = F(10) ** rng.choice((0, 0, -30, 30))
        boxed = 0 if norm == "inf" else network.inputs
        leaf = random_leaf(rng, network.units.count, atoms, large, boxed)
        held += is_enclosed(checker, put_off, leaf, target)
    assert held > (20 if scale in ("wide", "bits") else 38)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("seed", range(20))
def test_leaves_together_have_the_forms_that_each_has_alone(seed, norm):
    """Those that start with nothing, with units, with pre-activations, or with inputs alone; what
    is near is near alone and together, as rows are lowered by other powers of two."""
    rng = Random(seed)
    network = random_network(rng, 2, rng.randint(3, 8), 3, "decimals")
    region = random_region(rng, 2, norm)
    query = Query(network, region, random_goals(rng, network, region))
    listed = []
    checker, put_off = random_branch(rng, query, wild=False)
    for _ in range(9):
        target = random_target(rng, query)
        atoms = 0 if isinstance(target, Lemma) else len(target.atoms)
        leaf = random_leaf(rng, network.units.count, atoms)
        if rng.random() < 0.3:
            leaf = Leaf({k: F(0) for k in leaf.atoms}, leaf.slopes)
        listed.append((waiting_leaf(put_off, leaf, target), exact_form(checker, leaf, target)[2]))
    leaves = [leaf for leaf, _ in listed]
    together = put_off.enclosure.least(leaves)
    for leaf, (_, value), found in zip(leaves, listed, together, strict=True):
        (alone,) = put_off.enclosure.least([leaf])
        assert found <= value and alone <= value
        assert abs(found - alone) <= F(1, 2**30) * (1 + abs(value))


def dense(rng, inputs, widths, weight, *, skips=False, biased=True):
    """Every unit reads all of the layer before, or of all before; one output."""
    build = NetworkBuilder(inputs)
    everything = previous = list(build.inputs)
    for width in widths:
        read = everything if skips else previous
        previous = build.layer([
            Affine.sum([v * weight() for v in read]) + biased * weight() for _ in range(width)
        ])  # fmt: skip
        everything = everything + previous
    return build.network([Affine.sum([v * weight() for v in (everything if skips else previous)])])


def asked(network, low="-1/3", high="1/2"):
    low, high = F(low), F(high)
    goal = Goal((Atom((), ((0, F(1)),), F(1, 7), False),), "0")
    return Query(network, box([low] * network.inputs, [high] * network.inputs), (goal,))


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_enclosures_of_trained_networks_are_narrow(seed, skips, norm):
    """Within 2^-30 of the sum of all sizes, where a search keeps 2^-23 clear of zero. Biases and
    the center may be 0, which has no size of its own."""
    rng, biased = Random(f"{seed} {skips}"), seed % 3 > 0
    weight = lambda: F(np.float32(rng.gauss(0, 0.4)).item())  # noqa: E731
    network = dense(rng, 4, [8, 7, 6], weight, skips=skips, biased=biased)
    query = asked(network)
    if norm != "inf":
        middle = [F(biased * rng.randint(-9, 9), 7) for _ in range(4)]
        query = Query(network, ball(norm, middle, F(rng.randint(1, 9), 11)), query.goals)
    checker, put_off = random_branch(rng, query, wild=False)
    target = random_target(rng, query)
    leaf = random_leaf(rng, 21, 0)
    assert is_enclosed(checker, put_off, leaf, target)
    least = put_off.enclosure.least([waiting_leaf(put_off, leaf, target)])[0]
    _, _, value = exact_form(checker, leaf, target)
    bounds = [abs(F(checker.lower(v))) / checker.scaled.scales[4 + v] for v in range(21)]
    assert value - least <= F(1, 2**30) * (100 + sum(bounds) * 20)


@pytest.mark.parametrize("kind", ["equal", "signs", "floors"])
@pytest.mark.parametrize(("inputs", "width"), [(1, 127), (2, 128), (2, 255), (1500, 3), (3, 1024)])
def test_extremes(inputs, width, kind):
    """All numbers as long as they get, in the widest layers: nothing overflows."""
    rng = Random(f"{inputs} {width} {kind}")
    bits = 2 * EnclosedNetwork(dense(rng, inputs, [width], lambda: F(1))).limb
    most = F(2**bits - 1) if kind != "floors" else F(2**bits) - F(1, 3)

    def weight():
        return most * (1 if kind == "equal" else rng.choice((-1, 1)))

    network = dense(rng, inputs, [width, 2], weight)
    query = asked(network, -most, most)
    checker = checker_of(query)
    put_off = PutOff(checker)
    for leaf in (
        Leaf(slopes=dict.fromkeys(range(width + 2), F(1))),
        Leaf(slopes=dict.fromkeys(range(width + 2), 1 - F(1, 3 * 2**40))),
        Leaf(bounds=dict.fromkeys(range(width), most)),
        Leaf(bounds=dict.fromkeys(range(width), -most)),
    ):
        assert is_enclosed(checker, put_off, leaf, query.goals[0])


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize(("inputs", "limb"), [(1, 23), (100, 23), (2**14, 22)])
def test_extremes_on_balls(inputs, limb, norm):
    """Forms and centers as long as they get, and errors; a form of zeros loses nothing."""
    most = 2 ** (2 * limb)
    center = [F(most - 1), F(1 - most), F(most) - F(1, 3)] * inputs
    region = ball(norm, center[:inputs], F(10**9, 7))
    found = rules.Ball.of(region, limb)
    for size, error in ((most, 2**limb), (most, 0), (0, 2**limb), (1, 0), (0, 0)):
        signs = np.where(np.arange(inputs) % 3 == 1, -1, 1)
        values, errors = column(*(signs * size)), column(*[error] * inputs)
        (loss,) = found.losses(values, errors, limb)
        loss = F(loss) / F(2) ** found.radius_grid
        assert region.loss([F(size + error)] * inputs) <= loss**region.power
        length = F(size + error) * (1 if norm == "1" else sqrt_upper(F(inputs)))
        wide = length + 2 ** (limb + 1) if size + error else 0
        assert loss <= F(10**9, 7) * wide * (1 + F(1, 2**40))
        terms = rules.along(values, errors, found.center, found.more, limb)
        along = F(int(terms[0])) * F(2) ** (2 * limb - found.grid)
        for near in (values - errors, values + errors):
            pairs = zip(near[0].tolist(), center, strict=False)
            assert along <= sum(g * x for g, x in pairs)


def test_limbs_fit():
    for inputs, width, limb in (
        (1, 127, 23),
        (1, 128, 22),
        (784, 127, 23),
        (2**14 - 1, 1, 23),
        (2**14, 1, 22),
    ):
        build = NetworkBuilder(inputs)
        layer = build.layer([build.inputs[0]] * width)
        assert EnclosedNetwork(build.network([layer[0]])).limb == limb


def test_matrices_are_mostly_full_and_not_too_large(monkeypatch):
    rng = Random(0)
    full = dense(rng, 4, [4, 4], lambda: F(1))
    assert fits(full)
    monkeypatch.setattr(rules, "CELLS", 32)
    assert fits(full)
    monkeypatch.setattr(rules, "CELLS", 31)
    assert not fits(full)
    monkeypatch.undo()
    for read, fitting in ((2, True), (1, False)):  # of four
        build = NetworkBuilder(4)
        layer = build.layer([Affine.sum(build.inputs[:read]) for _ in range(5)])
        assert fits(build.network([layer[0]])) is fitting


LIMB = 23
ENDS_OF_SLOPES = [0, 1, 2**37 + 12345, 2**38 - 1, 2**38]
ENDS_OF_VALUES = [0, 1, -1, 2**23, -(2**23), 2**46 - 1, 2**46, -(2**46), 12345678901234]


def column(*values):
    return np.array([values], dtype=np.int64)


@pytest.mark.parametrize("slope", ENDS_OF_SLOPES)
@pytest.mark.parametrize("value", ENDS_OF_VALUES)
def test_parts_are_floors(value, slope):
    assert rules.part(column(value), column(slope), LIMB)[0, 0] == value * slope >> 38


@pytest.mark.parametrize("value", ENDS_OF_VALUES)
@pytest.mark.parametrize("factor", ENDS_OF_VALUES)
def test_dots_are_at_most_the_sum_and_hardly_less(value, factor):
    found = int(rules.dot(column(value, 7), column(factor, -3), LIMB)[0])
    exact = F(value * factor - 21, 2**46)
    assert exact - 3 <= found <= exact
    if not value * factor % 2**46:
        assert found == exact + F(21, 2**46) - 1


@pytest.mark.parametrize("value", ENDS_OF_VALUES)
@pytest.mark.parametrize("floor", ENDS_OF_VALUES)
def test_sums_along_numbers_are_at_most_all_that_are_enclosed(value, floor):
    for error in (0, 1, 2**23):
        for more in (0, 1):
            given = column(value), column(error), np.array([floor]), np.array([more])
            found = int(rules.along(*given, LIMB)[0])
            products = [
                c * x for c in (value - error, value + error) for x in (floor, floor + more)
            ]
            least = F(min(products), 2**46)
            assert found <= least
            assert least - found <= 5 + (error > 0)


def test_the_excess_of_many_numbers_is_not_lost():
    """Of signs that cancel, and in all places."""
    for values, least in (((-1, 1), F(-1, 2**46)), ((-(2**46),) * 10, F(-10))):
        given = column(*values), column(*[0] * len(values))
        numbers = np.zeros(len(values), dtype=np.int64), np.ones(len(values), dtype=np.int64)
        assert least - 1 <= int(rules.along(*given, *numbers, LIMB)[0]) <= least


def rows_over_inputs(inputs, *, low=0, high=0):
    """Of one leaf that starts with nothing, on a box with these ends, in a network of one unit."""
    build = NetworkBuilder(inputs)
    units = build.layer([build.inputs[0]])
    network = EnclosedNetwork(build.network(units))
    one, box_of = np.zeros(1, dtype=np.int64), lambda end: np.full(inputs, end, dtype=np.int64)
    ends = rules.Ends(one, one, one, one, box_of(low), box_of(high))
    return rules.Rows(network, [rules.Enclosed(None, {}, F(0), {}, False, ends)])


@pytest.mark.parametrize(
    ("value", "error"), [(1, 0), (-1, 0), (0, 2**23), (2**46, 0), (-(2**46), 2**23), (3, 1)]
)
@pytest.mark.parametrize("reach", [2**46, 2**23 - 1, 1])
def test_forms_of_inputs_on_a_box(value, error, reach):
    """Many of them, as small and as large as they get: errors count, and so does each sign."""
    count = 50
    state = rows_over_inputs(count, low=-reach, high=reach)
    state.blocks[0] = column(*[value] * count), column(*[error] * count)
    state.shifts[:] = 0
    (found,) = state.on_box(46)  # so that what is found are the products over 2^46
    exact = -F(count * (abs(value) + error) * reach, 2**46)
    assert exact - 3 - count * (1 + F(error, 2**23)) <= found <= exact


def test_rows_are_lost_from_one_error_above_a_limb_on():
    for errors, lost in (((0, 2**23), False), ((2**23 + 1, 0), True), ((0, 2**23 + 1), True)):
        state = rows_over_inputs(2)
        state._normal([(column(5, 7), column(*errors))], np.array([0]))
        assert state.lost.tolist() == [lost], errors
    state = rows_over_inputs(1)
    ((values, errors),), shifts = state._normal([(column(2**46 - 1), column(3))], np.array([9]))
    assert (values.tolist(), errors.tolist(), shifts.tolist()) == ([[2**46 - 1]], [[3]], [9])
    ((values, errors),), shifts = state._normal([(column(2**48), column(0))], np.array([9]))
    assert (values.tolist(), shifts.tolist()) == ([[2**45]], [6])


def test_a_form_that_reads_nothing_at_last_is_exact():
    """With slopes 0, each of the units is as large as its bound where it is counted against."""
    build = NetworkBuilder(1)
    units = build.layer([build.inputs[0]] * 9)
    query = asked(build.network([sum(units)]), "1", "3/2")
    checker = checker_of(query)
    put_off = PutOff(checker)
    leaf = Leaf(slopes=dict.fromkeys(range(9), F(0)))
    _, _, value = exact_form(checker, leaf, query.goals[0])
    (found,) = put_off.enclosure.least([waiting_leaf(put_off, leaf, query.goals[0])])
    assert F(found) == F(value)


@pytest.mark.parametrize("more", [0, 1, 2**20])
@pytest.mark.parametrize("slope", ENDS_OF_SLOPES)
def test_heights_are_those_of_the_rule(slope, more):
    if slope + more > 2**38:
        return
    for low, high in ((-7, 12345), (-(2**46), 2**46), (3, 2**40), (-(2**40), -3), (5, -9), (0, 0)):
        found = rules.heights(column(slope), column(more), column(low), column(high), LIMB)
        down, up = (int(part[0, 0]) for part in found)
        for s in {F(slope, 2**38), F(2 * slope + more, 2**39)}:
            below = (1 - s) * max(low, 0) + s * max(-high, 0)
            above = max((1 - s) * max(high, 0), s * max(-low, 0))
            wide = 2 + more * F(max(abs(low), abs(high)), 2**37)
            assert below - wide <= down <= below
            assert above <= up <= above + wide
        if slope in (0, 2**38) and not more:
            assert (down, up) == (below, above)


@pytest.mark.parametrize("error", [0, 1, 2**23])
@pytest.mark.parametrize("more", [0, 1, 2**37])
@pytest.mark.parametrize("slope", ENDS_OF_SLOPES)
@pytest.mark.parametrize("value", ENDS_OF_VALUES)
def test_products_with_slopes_are_enclosed(value, slope, more, error):
    if slope + more > 2**38:
        return
    found = rules.times_slopes(column(value), column(error), column(slope), column(more), LIMB)
    near, wrong = (int(part[0, 0]) for part in found)
    for c in (value - error, value, value + error):
        for s in (F(slope, 2**38), F(slope + more, 2**38)):
            assert abs(c * s - near) <= wrong
    assert wrong <= error + 2 + (more and 1 + abs(value) * more // 2**37)
    if not more and slope in (0, 2**38):
        assert (near, wrong) == (value * (slope > 0), error * (slope > 0))
    if not value and not error:
        assert (near, wrong) == (0, 0)


def test_usual_slopes_are_those_of_the_sign_and_of_both_where_it_is_unknown():
    """And of no unit that is named, or decided, or in a leaf without them."""
    build = NetworkBuilder(1)
    units = build.layer([build.inputs[0]] * 4 + [build.inputs[0] + 5])
    query = asked(build.network([sum(units[1:], units[0])]), "-1", "3")
    put_off = PutOff(checker_of(query))
    chord = 3 * 2**22
    for slopes, usual, expected in (
        ({}, True, [2**38, chord << 14, chord << 14, chord << 14, 2**38]),
        ({0: F(0), 1: F(1, 2)}, True, [0, 2**37, chord << 14, chord << 14, 2**38]),
        ({}, False, [0, 0, 0, 0, 2**38]),
    ):
        leaf = waiting_leaf(put_off, Leaf(slopes=slopes, usual=usual), query.goals[0])
        state = rules.Rows(put_off.enclosure.network, [leaf])
        slope, more = state._slopes(slice(0, 5), column(8, -8, 7, -7, -9), column(7, 7, 7, 7, 9))
        assert slope[0].tolist() == expected
        wide = (2**38 - (chord << 14)) * usual
        assert more[0].tolist() == [0, 0, wide, wide, 0]


@pytest.mark.parametrize("by", [0, 1, 30, 63, 64, 2**40])
def test_lowered_rows_are_enclosed(by):
    for value in ENDS_OF_VALUES:
        for error in (0, 1, 12345):
            found = rules.lowered(column(value), column(error), np.array([by]))
            near, wrong = (int(part[0, 0]) for part in found)
            for c in (value - error, value + error):
                assert abs(F(c, 2 ** min(by, 99)) - near) <= wrong
            assert wrong <= (error if by == 0 else error + 2)
            assert wrong == 0 if not (value or error) else True


@pytest.mark.parametrize(
    "weight", [F(2**23 - 1), F(2**46 - 1), F(2**38) + F(2, 3), -F(2**38) - F(2, 3)]
)
@pytest.mark.parametrize(
    ("factor", "error"), [(0, 2**23), (1, 0), (2**46 - 1, 0), (1 - 2**46, 2**20)]
)
def test_sums_of_rows_are_enclosed(weight, factor, error):
    """Of errors times weights that have no upper limb, and of weights that are not exact; beside a
    leaf that reads nothing there."""
    count = 100
    build = NetworkBuilder(1)
    (x,) = build.inputs
    units = build.layer([x * weight] * count + [x * (2**46 - 1)])  # which makes the shift 0
    network = EnclosedNetwork(build.network([units[0]]))
    empty = np.zeros(count + 1, dtype=np.int64)
    ends = rules.Ends(empty, empty, empty, empty, empty[:1], empty[:1])
    state = rules.Rows(network, [rules.Enclosed(None, {}, F(0), {}, False, ends)] * 2)
    state.blocks.pop()
    values, errors = (
        np.array([[number] * count + [0], [0] * (count + 1)]) for number in (factor, error)
    )
    state._read(network.layers[0], values, errors, np.array([0, rules.FREE]))
    assert not any(part[1].any() for part in state.blocks[0])
    if weight == 2**46 - 1 and error:
        assert state.lost.tolist() == [factor == 0, False]
        return
    assert not state.lost.any()
    near, wrong = (int(part[0, 0]) for part in state.blocks[0])
    for c in (factor - error, factor, factor + error):
        exact = c * weight * count * F(2) ** int(state.shifts[0])
        assert abs(exact - near) <= wrong
    assert wrong <= 5 + count * (1 + error * (1 + abs(weight) / 2**46))
