"""The oracle: its flips are flips, sampling never contradicts it, known distances come out."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.oracle import distance_squared, exact, find_flip, fraction, nearest
from tests.oracles.random_queries import outputs_at, points_of, random_query
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


@pytest.mark.parametrize("block", range(4))
def test_flips_are_flips_and_samples_never_contradict(block):
    kinds = set()
    for seed in range(100 * block, 100 * block + 100):
        query = random_query(seed)
        found = find_flip(query)
        kinds.add((query.region.norm, found is None))
        if found is not None:
            goal, point = found
            assert query.region.contains(point)
            outputs = outputs_at(query.network, point)
            assert all(atom.holds(point, outputs) for atom in query.goals[goal].atoms)
        else:
            for point in points_of(Random(seed), query.region, 20):
                outputs = outputs_at(query.network, point)
                for goal in query.goals:
                    assert not all(atom.holds(point, outputs) for atom in goal.atoms), seed
    assert len(kinds) == 6  # every norm, with and without a flip


def test_projection_on_a_wedge_and_on_nothing():
    rows = [([exact(F(1)), exact(F(1))], exact(F(2))), ([exact(F(1)), exact(F(-1))], exact(F(2)))]
    origin = [exact(F(0))] * 2
    assert [fraction(x) for x in nearest(origin, rows)] == [2, 0]
    assert nearest(origin, [*rows, ([exact(F(-1)), exact(F(0))], exact(F(-1)))]) is None


def hat():
    """max(1 - |x0| - |x1|, 0)"""
    build = NetworkBuilder(2)
    x = build.inputs
    parts = build.layer([x[0], -x[0], x[1], -x[1]])
    return build.network(build.layer([1 - parts[0] - parts[1] - parts[2] - parts[3]]))


def test_strict_and_weak_atoms_at_the_boundary():
    network = hat()
    for norm, radius, meets in (("1", F(1), True), ("inf", F(1, 2), True), ("2", F(1, 2), False)):
        region = ball(norm, [F(0), F(0)], radius)
        weak = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
        assert (find_flip(Query(network, region, (weak,))) is not None) == meets
        strict = Goal((Atom((), ((0, F(-1)),), F(0), True),), "0")
        assert find_flip(Query(network, region, (strict,))) is None
    # an L2 ball that touches the zero set at (1/2, 1/2), and one a hair smaller
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
    touching = ball("2", [F(0), F(0)], radius_squared=F(1, 2))
    assert find_flip(Query(network, touching, (goal,))) is not None
    smaller = ball("2", [F(0), F(0)], radius_squared=F(1, 2) - F(1, 10**30))
    assert find_flip(Query(network, smaller, (goal,))) is None
    assert distance_squared(network, [goal.atoms], [F(0), F(0)]) == F(1, 2)


def test_a_strict_atom_on_the_sphere_only():
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0]])
    goal = Goal((Atom(((0, F(1)),), (), F(-1), True),), "beyond 1")
    assert find_flip(Query(network, ball("2", [F(0)], F(1)), (goal,))) is None
    assert find_flip(Query(network, ball("2", [F(0)], F(1) + F(1, 10**20)), (goal,))) is not None
    assert find_flip(Query(network, box([F(1)], [F(1)]), (goal,))) is None
