"""The exact radius: how far the nearest point is that satisfies a goal, as a pair of proofs.

The question is asked on the open ball of that radius, in which a proof shows that there is no such
point; and one on its sphere is given. On the open ball every closing bound is > 0, or = 0 with a
share that the ball bears and only its sphere attains, see `Region.recedes` and
`linear_minimum_holds`; all lemmas hold on the closed ball, hence on the open one.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Radius, Robust
from verifier.question.errors import RefusedError
from verifier.question.query import Query
from verifier.question.region import distance


def check_radius(
    query: Query,
    radius: Radius,
    check: Callable[[Query, Robust | Flip], None] = replay,
) -> Fraction:
    """The exact radius, for norm 2 its square, if the pair shows it; else RefusedError.

    `check` is `replay` or `check_reference`.
    """
    region = query.region
    if not region.open:
        raise RefusedError("closed region", "an exact radius is proved on an open ball")
    if not isinstance(radius.proof, Robust) or not isinstance(radius.flip, Flip):
        raise RefusedError("another verdict", "an exact radius is a proof and a flip")
    check(Query(query.network, region.closed(), query.goals), radius.flip)
    if distance(region.norm, region.center, radius.flip.point) != region.size:
        raise RefusedError("inside", "the flip does not lie on the sphere")
    check(query, radius.proof)
    return region.size
