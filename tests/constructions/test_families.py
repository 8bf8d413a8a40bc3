"""Families: members are the construction's own networks, and what has no scale is named."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions import halfspaces
from constructions.families import (
    BY_RATIO,
    LIFTABLE,
    UP_TO,
    WITHOUT_BUDGET,
    family_of,
    family_up_to,
    lift,
)
from constructions.hypotheses import budget_of_ratio, power_separation
from constructions.registry import REGISTRY, entry_of
from constructions.spheres import ball_points
from tests.oracles.random_data import random_data
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network

ALMOST = 1 - Fraction(1, 10**30)


def built(dataset: Dataset, name: str, parameter: Fraction) -> Network:
    """What the construction gives for this budget; for a ratio where the family is by ratio."""
    if name in BY_RATIO:
        power = power_separation(dataset, "2")
        return halfspaces.network(dataset, halfspaces.cover(dataset, "2", power), parameter, power)
    options = {"rank": dataset.dimension} if name == "narrow-linf" else {}
    return entry_of(name).builder(dataset, parameter, **options).network


def check_equal(first: Network, second: Network) -> None:
    assert first.layers == second.layers
    for a, b in ((first.units, second.units), (first.outputs, second.outputs)):
        assert a.count == b.count
        for v in range(a.count):
            assert a.fractions(v) == b.fractions(v), v


@pytest.mark.parametrize("name", LIFTABLE)
def test_members_are_the_networks_of_the_construction(name):
    for seed in range(2):
        rng = Random(seed)
        dataset = random_data(seed, 5, 2, 3, denominator=1 + seed)
        family = family_of(dataset, name)
        shares = [Fraction(0), ALMOST, *(Fraction(rng.randrange(10**9), 10**9) for _ in range(8))]
        for share in shares:
            check_equal(family.member(share * family.end), built(dataset, name, share * family.end))


@pytest.mark.parametrize("name", LIFTABLE)
def test_the_family_network_over_its_denominator_is_the_member_everywhere(name):
    dataset, rng = random_data(5, 6, 2, 2), Random(1)
    family = family_of(dataset, name)
    zero, slope = family.denominator
    assert zero + slope * family.end == 0
    for _ in range(6):
        m = family.end * Fraction(rng.randrange(1000), 1000)
        x = [Fraction(rng.randrange(-90, 90), 2) for _ in range(2)]
        (whole,) = evaluate(family.network, [(*x, m)])[0]
        (part,) = evaluate(family.member(m), [tuple(x)])[0]
        assert whole / (zero + slope * m) == part


@pytest.mark.parametrize("name", WITHOUT_BUDGET)
def test_a_network_without_budget_is_every_member(name):
    dataset = random_data(2, 6, 2, 3 if name == "lipschitz-ovr" else 2)
    family, rng = family_of(dataset, name), Random(3)
    network = entry_of(name).builder(dataset, Fraction(0)).network
    for share in (Fraction(0), Fraction(1, 3), ALMOST):
        check_equal(family.member(share * family.end), network)
    x = [Fraction(rng.randrange(-90, 90), 2) for _ in range(2)]
    at = [evaluate(family.network, [(*x, m)]) for m in (Fraction(0), family.end)]
    assert at[0] == at[1] == evaluate(network, [tuple(x)])
    assert family.terms().open and family.denominator == (1, 0)


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {*LIFTABLE, *WITHOUT_BUDGET}))
def test_a_construction_without_a_family_is_refused_by_name(name):
    with pytest.raises(UserError, match=rf"^{name} has no family for every budget"):
        family_of(random_data(0, 6, 2, 2), name)


def of_unit(bias: Fraction, weight: Fraction, other: Fraction) -> Network:
    b = NetworkBuilder(1)
    (x,) = b.inputs
    y, z = b.layer([x * weight + bias, x * other])
    (r,) = b.layer([y + z])
    return b.network([r])


def lifted(build) -> None:
    lift("net", build, norm="inf", unit=Fraction(1), end=Fraction(1))


def test_what_has_no_scale_or_is_not_affine_is_named():
    one = Fraction(1)
    with pytest.raises(UserError, match="row 2 has no scale: variables 1 and 2"):
        lifted(lambda m: of_unit(Fraction(0), 1 / (2 - m), one))
    with pytest.raises(UserError, match="the bias of row 0 is not affine"):
        lifted(lambda m: of_unit(m * m, one, one))
    with pytest.raises(UserError, match="the scale of row 0 is not affine"):
        lifted(lambda m: of_unit(Fraction(0), 1 / (2 - m * m), one))
    with pytest.raises(UserError, match="the architecture depends on the budget"):
        lifted(lambda m: of_unit(m, one, m))


def test_only_parameters_of_the_family_have_a_member():
    family = family_of(random_data(0, 6, 2, 2), "linf")
    for wrong in (family.end, -Fraction(1, 10**9)):
        with pytest.raises(UserError, match="is not in"):
            family.member(wrong)


def test_carried_inputs_do_not_bend_where_a_ball_reaches_below_zero():
    """iris has entries from 1/10, less than half its separation in L1."""
    family = family_of(load("iris"), "l1")
    assert family.network.inputs == 5 and np.all(family.network.units.denominators > 0)


@pytest.mark.parametrize("name", UP_TO)
def test_families_up_to_a_budget_are_right_on_all_balls(name):
    """The member at the largest budget is the construction's network; others answer the labels at
    exact points of their balls, most of them on the sphere."""
    dataset, norm = random_data(4, 6, 3, 3, denominator=2), entry_of(name).norm
    power = power_separation(dataset, norm)
    budget = budget_of_ratio(Fraction(9, 10), power, norm)
    family = family_up_to(dataset, name, budget)
    check_equal(family.member(budget), entry_of(name).builder(dataset, budget).network)
    assert not family.terms().open
    rng, rays = np.random.default_rng(1), 6
    for share in (Fraction(0), Fraction(1, 10**6), Fraction(1, 3), Fraction(99, 100)):
        member = family.member(share * budget)
        for i in range(dataset.size):
            points = ball_points(tuple(dataset.point(i)), norm, share * budget, rays, rng)
            assert all(y == [dataset.labels[i]] for y in evaluate(member, points))
    with pytest.raises(UserError, match=r"is not in \[0, .*\]"):
        family.member(budget * Fraction(1001, 1000))
    with pytest.raises(UserError):
        family_up_to(dataset, name, budget * 2)
