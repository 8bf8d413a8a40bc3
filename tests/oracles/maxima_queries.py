"""Random questions about networks with maxima."""

from random import Random

from tests.oracles.maxima_networks import maxima_network
from tests.oracles.random_queries import random_goals, random_region
from verifier.question.query import Query


def query_of(seed, norm=None):
    """A question about such a network, and the generator after it."""
    rng = Random(seed)
    inputs = rng.randint(1, 3)
    network = maxima_network(rng, inputs)
    region = random_region(rng, inputs, norm)
    return Query(network, region, random_goals(rng, network, region)), rng
