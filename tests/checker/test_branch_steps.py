"""What a branch makes of the bounds of sums, unit by unit."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest

from tests.oracles.maxima_networks import checker_of
from tests.oracles.maxima_queries import query_of
from tests.oracles.random_families import random_sum_family
from tests.oracles.random_queries import random_goals, random_region
from tests.oracles.ridge_networks import separable_network
from verifier.checker.branch import Branch, _shifted
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.ridge_minima import sum_bounds
from verifier.checker.ridge_tables import tables_of
from verifier.evidence.certificate import InputSplit, Lemma, PlaneSplit, SumsStep, UnitSplit
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
STEP = SumsStep((F(0), F(1, 3), F(2)), (F(5, 2), F(1, 7)))


def branches() -> list[tuple[Branch, Fraction]]:
    """Of balls, and of the ends of families, with the parameter there; all have sums."""
    found: list[tuple[Branch, Fraction]] = []
    for seed in range(40):
        rng = Random(seed)
        network = separable_network(rng, rng.randint(1, 3))
        region = random_region(rng, network.inputs, rng.choice(("1", "2")))
        query = Query(network, region, random_goals(rng, network, region))
        try:
            if len(tables_of(checker_of(query).scaled).final.units):
                found.append((checker_of(query), F(0)))
        except RefusedError:  # numbers beyond 64 bits
            continue
    for seed in range(20):
        family, _ = random_sum_family(seed)
        scaled = family_scaled(family.network, [family])
        if family.cone.norm == "inf" or not len(tables_of(scaled).final.units):
            continue
        for number in (0, 1):
            (roots,) = family_roots(scaled, [family])
            end = FamilyChecker(family, scaled, roots).ends[number]
            found.append((end, end.parameter))
    return found


def test_a_sum_takes_a_bound_that_is_better() -> None:
    """And says which did; at one parameter of a family with what the parameter adds."""
    changed = moved = 0
    for branch, parameter in branches():
        scaled, final = branch.scaled, tables_of(branch.scaled).final
        rates = dict(zip(final.units.tolist(), final.rates, strict=True))
        units = range(branch.network.units.count)
        current = {(v, up): branch.upper(v) if up else branch.lower(v)
                   for v in units for up in (False, True)}  # fmt: skip
        wanted = []
        for upper, multipliers in ((False, STEP.lower), (True, STEP.upper)):
            for t in multipliers:
                for v, without in sum_bounds(
                    scaled, branch.region, branch.minima(), t, upper=upper
                ):
                    value = without + rates[v] * parameter * scaled.denominator
                    old = current[v, upper]
                    if value < old if upper else value > old:
                        current[v, upper] = value
                        wanted.append((v, upper, t, value))
                        moved += rates[v] != 0
        mark = branch.mark()
        assert branch.tighten_sums(STEP) == wanted
        for (v, up), value in current.items():
            assert (branch.upper(v) if up else branch.lower(v)) == value
        changed += len(wanted)
        branch.undo(mark)
        assert branch.tighten_sums(STEP) == wanted
    assert changed > 60 and moved > 5


@pytest.mark.parametrize("value", [F(1, 3), F(2), F(-7, 2**70), F(1, 3**50), F(-1, 3**60)])
def test_bounds_are_rounded_outwards_to_few_bits(value: Fraction) -> None:
    """What has a denominator above 2^64, of a, to a multiple of 2^-64; the others stay."""
    for branch, _ in branches()[:6]:
        for v in range(branch.network.units.count):
            scale = branch.scaled.scales[branch.inputs + v]
            for upper in (False, True):
                found = branch._shortly(v, value, upper=upper)
                outwards = F((ceil if upper else floor)(value / scale * 2**64), 2**64)
                long = (value / scale).denominator > 2**64
                assert F(found) / scale == (outwards if long else value / scale)
                assert branch._shortly(v, 5, upper=upper) == 5


def test_bounds_on_a_grid_are_numbers() -> None:
    assert [_shifted(6, by) for by in (-2, -1, 0, 1, 2)] == [24, 12, 6, 3, F(3, 2)]


@pytest.mark.parametrize("block", range(4))
def test_live_units_are_those_with_an_upper_bound_above_zero(block: int) -> None:
    """Of the root, of a step about maxima, or of a lemma, at 0 and one step of the scale beside it
    as elsewhere."""
    near = 0
    for seed in range(40 * block, 40 * block + 40):
        query, rng = query_of(seed)
        checker, count = checker_of(query), query.network.units.count
        for v in {0, rng.randrange(count)}:
            scale = checker.scaled.scales[checker.inputs + v]
            bound = rng.choice((F(0), F(1, scale), F(1, 2 * scale), F(-1, scale), F(1)))
            if rng.random() < 0.5:
                checker.assume(Lemma(v, True, bound, ()))
            if rng.random() < 0.5:
                checker.tighten_maxima()
            upper = [checker.upper(w) for w in range(count)]
            assert checker.live().tolist() == [value > 0 for value in upper], seed
            near += sum(0 <= value <= 1 for value in upper)
    assert near > 20


def test_what_has_changed_since_a_place() -> None:
    """All, if the place was left since, even if as many changes have come again; or if a step has
    bounded all units."""
    build = NetworkBuilder(1)
    units = build.layer([build.inputs[0] * k for k in range(1, 5)])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    checker = checker_of(Query(build.network([sum(units)]), box([F(-1)], [F(1)]), (goal,)))
    start = checker.place()
    assert checker.changed(start) == set()
    checker.assume(Lemma(1, True, F(-1), ()))
    mark, place = checker.mark(), checker.place()
    assert checker.changed(start) == {1} and checker.changed(place) == set()
    checker.assume(Lemma(0, True, F(-1, 2), ()))
    assert checker.changed(start) == {0, 1} and checker.changed(place) == {0}
    checker.undo(mark)
    assert checker.changed(place) == set()
    later = (mark[0] - 1, mark[1])
    checker.undo(later)
    assert checker.changed(place) is None and checker.changed(start) == set()
    for v in (2, 3):
        checker.assume(Lemma(v, True, F(-1), ()))
        assert checker.changed(place) is None
    assert checker.changed(start) == {2, 3}
    here = checker.place()
    checker.tighten_maxima()
    assert checker.changed(start) is None and checker.changed(here) is None
    assert checker.changed(checker.place()) == set()


def test_minima_are_kept_where_only_units_have_other_bounds() -> None:
    """They are of a box and of cuts: other ones where an input has another bound on either side, or
    there is a cut; after that the first ones again, in new tables."""
    rng = Random(1)
    network = separable_network(rng, 2)
    region = box([F(0)] * 2, [F(2)] * 2)
    query = Query(network, region, random_goals(rng, network, region))
    branch, line = checker_of(query), 0
    first, mark = branch.minima(), branch.mark()
    branch.assume(Lemma(0, False, F(-1), ()))
    branch.restrict(UnitSplit(1), high=True)
    assert branch.minima() is first
    ends = first.interval(line)
    for split in (InputSplit(0, F(1)), PlaneSplit(((0, F(1)),), F(1))):
        for high in (False, True):
            branch.restrict(split, high=high)
            assert branch.minima() is not first
            assert branch.minima().interval(line) != ends
            branch.undo(mark)
            assert branch.minima() is not first
            assert branch.minima().interval(line) == ends
