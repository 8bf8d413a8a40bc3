"""The exact radius: how far the nearest point is that satisfies a goal, as a pair of proofs.

The question is asked on the open ball of that radius, in which a proof shows that there is no such
point; and one on its sphere is given. On the open ball every closing bound is > 0, or = 0 with a
share that the ball bears and only its sphere attains, see `Region.recedes` and
`linear_minimum_holds`; all lemmas hold on the closed ball, hence on the open one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from verifier.trusted.certificate import Flip, Robust
from verifier.trusted.errors import RefusedError
from verifier.trusted.fast import check_fast
from verifier.trusted.query import Query
from verifier.trusted.region import distance


@dataclass(frozen=True, slots=True)
class Radius:
    """Of a query on an open ball: `proof` shows that no goal is satisfied there, `flip` is a point
    of the sphere that satisfies one. So the distance from the center to the nearest such point (of
    the region's box) is the radius of the ball."""

    proof: Robust
    flip: Flip


def check_radius(
    query: Query,
    radius: Radius,
    check: Callable[[Query, Robust | Flip], None] = check_fast,
) -> Fraction:
    """The exact radius, for norm 2 its square, if the pair shows it; else RefusedError.

    `check` is `check_fast` or `check_reference`.
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
