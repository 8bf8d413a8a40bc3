"""Exact radii, true and wrong in one named way."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from tests.oracles.naive_prover import prove
from tests.oracles.oracle import distance_squared, find_flip
from tests.oracles.random_queries import random_query
from verifier.evidence.certificate import Flip, Radius
from verifier.question.query import Query
from verifier.question.region import Norm, ball

F = Fraction


NORMS: tuple[Norm, ...] = ("inf", "1", "2")


def at_distance(query: Query, size: Fraction) -> Query:
    """The same question on the open ball of that size, around the middle of the region."""
    region = query.region
    center = region.center or tuple(
        (a + b) / 2 for a, b in zip(region.lower, region.upper, strict=True)
    )
    squared = size if region.norm == "2" else None
    radius = None if region.norm == "2" else size
    around = ball(region.norm, center, radius, radius_squared=squared, open=True)
    return Query(query.network, around, query.goals)


def nearest_flip(query: Query) -> Fraction | None:
    """The exact distance (norm 2: its square) of the nearest flip by brute force, None if it is
    not below 40, or no short fraction."""
    region = at_distance(query, F(1)).region
    if region.norm == "2":
        goals = [goal.atoms for goal in query.goals]
        return distance_squared(query.network, goals, region.center)
    low, high = F(0), F(40)
    if find_flip(at_distance(query, high)) is None:
        return None
    while high - low > F(1, 10**8):
        middle = (low + high) / 2
        if find_flip(at_distance(query, middle)) is None:
            low = middle
        else:
            high = middle
    guessed = high.limit_denominator(3000)
    if not guessed or find_flip(at_distance(query, guessed)) is not None:
        return None
    closed = Query(query.network, at_distance(query, guessed).region.closed(), query.goals)
    return guessed if find_flip(closed) is not None else None


def true_pairs(seeds: range) -> list[tuple[Query, Radius]]:
    """Queries on open balls with the naive prover's pair; goals without strict atoms."""
    pairs = []
    for seed in seeds:
        norm = NORMS[seed % 3]
        query = random_query(seed, max_units=4, max_inputs=2, norm=norm, scale="integers")
        if any(atom.strict for goal in query.goals for atom in goal.atoms):
            continue
        size = nearest_flip(query)
        if not size:
            continue
        asked = at_distance(query, size)
        found = find_flip(Query(query.network, asked.region.closed(), query.goals))
        proof = prove(asked, Random(seed) if seed % 2 else None)
        assert found is not None and proof is not None, seed
        pairs.append((asked, Radius(proof, Flip(found[1], found[0]))))
    return pairs


PAIRS = true_pairs(range(120))
