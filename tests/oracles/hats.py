"""Networks on one input with known extremes."""

from __future__ import annotations

from fractions import Fraction

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query

F = Fraction


ONE = F(1)


def hat(scale: Fraction = ONE) -> Network:
    """scale * (|x0| + |x1|) as four units."""
    build = NetworkBuilder(2)
    x = build.inputs
    parts = build.layer([x[0] * scale, x[0] * -scale, x[1] * scale, x[1] * -scale])
    return build.network([Affine.sum(parts)])


def at_most(network: Network, region: object, bound: Fraction, *, strict: bool) -> Query:
    """Is the output at most `bound` (below it if `strict`) everywhere?"""
    atom = Atom((), ((0, ONE),), -bound, not strict)
    return Query(network, region, (Goal((atom,), "above"),))  # type: ignore[arg-type]
