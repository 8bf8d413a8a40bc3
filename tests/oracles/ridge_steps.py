"""Bounds that a separable step leaves, and networks with units above the sums."""

from fractions import Fraction

from tests.oracles.random_queries import number
from tests.oracles.reference import _Checker
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.question.build import Affine, NetworkBuilder

F = Fraction


def with_units_above(network, rng):
    """The network and units that read no direction, but sums of functions of several."""
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            forms.append(Affine.sum([known[j] * w for j, w in weights.items()]) + constant)
        known += build.layer(forms)
    sums = known[-1:] if rng.random() < 0.3 else known[-2:]
    upper = build.layer(
        [Affine.sum([s * number(rng, "halves") for s in sums]) + number(rng, "decimals")
         for _ in range(3)]
    )  # fmt: skip
    last = build.layer([Affine.sum([u * number(rng, "integers") for u in upper]) + F(1, 3)])
    return build.network(last)


def bounds_of(query, steps):
    """Lower and upper bounds of all units, by the fast checker and by the reference."""
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    fast = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
    slow = _Checker(query)
    for step in steps:
        fast.apply(step)
        slow.apply(step)
    scales = scaled.scales[query.network.inputs :]
    found = [(F(fast.lower(v)) / s, F(fast.upper(v)) / s) for v, s in enumerate(scales)]
    return found, list(zip(slow.lower, slow.upper, strict=True))
