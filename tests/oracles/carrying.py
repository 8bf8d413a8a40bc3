"""Networks of which most units are copies of others, and questions about them."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from tests.oracles.random_queries import number, random_goals, random_region
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network
from verifier.question.query import Query

F = Fraction


def carrying(seed: int, layers: int = 5) -> Network:
    """Values that are carried from layer to layer: copies of copies, and what looks like one."""
    rng, build = Random(seed), NetworkBuilder(2)
    scale = rng.choice(("integers", "halves", "bits"))
    known = list(build.inputs)
    for _ in range(layers):
        rows = [unit * 1 for unit in known]  # an input may be negative: its row is no copy
        for _ in range(2):
            one, two = rng.sample(known, 2)
            rows += [rng.choice((one * 2, one + 1, one * F(1, 3), one * -1,
                                 one * number(rng, scale) + two * number(rng, scale)))]  # fmt: skip
        layer = build.layer(rows)
        known = [*layer, rng.choice(known)] if rng.random() < 0.5 else layer
    return build.network([Affine.sum(known), rng.choice(known) - rng.choice(known)])


def carried_query(seed: int, norm: str | None = None) -> Query:
    rng, network = Random(seed), carrying(seed, layers=4)
    region = random_region(rng, 2, norm)
    return Query(network, region, random_goals(rng, network, region))
