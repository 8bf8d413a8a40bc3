"""The multipliers and splits that the search finds for sums of functions of one direction each."""

from fractions import Fraction
from random import Random

import pytest

from constructions.registry import build
from tests.test_verified_constructions import random_data
from verifier.builder import Affine, NetworkBuilder
from verifier.search.propagation import Propagation
from verifier.search.separable import SeparableSearch, is_worth_trying, shortened, simplest
from verifier.trusted.certificate import InputSplit, Lemma, Robust, SeparableStep
from verifier.trusted.fast import FastChecker, check_fast
from verifier.trusted.intervals import interval_bounds
from verifier.trusted.query import Query
from verifier.trusted.reference import check_reference
from verifier.trusted.region import ball
from verifier.trusted.replay import scaled_for

F = Fraction


def checker_of(query):
    scaled = scaled_for(query.network, [query])
    return FastChecker(query, scaled, interval_bounds(scaled, [query.region])[0])


def ball_query(name, dataset, sample, ratio):
    construction = build(name, dataset, ratio=ratio)
    region = ball(construction.norm, dataset.point(sample), construction.budget)
    goals = construction.goals(int(dataset.labels[sample]), dataset.classes)
    return Query(construction.network, region, goals)


def test_the_simplest_fraction_has_the_least_denominator():
    rng = Random(0)
    for _ in range(300):
        low = F(rng.randint(1, 400), rng.randint(1, 60))
        high = low + F(rng.randint(0, 30), rng.randint(1, 900))
        found = simplest(low, high)
        assert low <= found <= high
        for below in range(1, found.denominator):
            assert -(-low.numerator * below // low.denominator) > high * below


def test_a_multiplier_that_is_a_fraction_is_found_again():
    assert shortened(0.0) == [0]
    for value in (F(1), F(9, 484), F(22**2, 7**2), F(1, 324)):
        assert value in shortened(float(value))


@pytest.mark.parametrize("name", ["l1", "l2", "l2-serial", "l2-parallel", "l2-shallow"])
def test_steps_alone_prove_a_ball_in_ten_dimensions(name):
    """Two or three multipliers for the whole network, and both checkers agree."""
    query = ball_query(name, random_data(2, 3, 10, 3), 1, F(9, 10))
    propagation = Propagation(checker_of(query))
    assert propagation.run()
    assert 1 <= len(propagation.steps) <= 4
    assert all(isinstance(step, SeparableStep) for step in propagation.steps)
    proof = Robust(tuple(propagation.steps), tuple(t for t in propagation.trees if t is not None))
    check_fast(query, proof)
    check_reference(query, proof)
