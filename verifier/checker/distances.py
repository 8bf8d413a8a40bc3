"""The distance to the nearest flip: between the size of a ball that has none and that of one that
has one.

Let d be the infimum of the distances from a sample to the points of the clip at which one of its
goals holds, for norm 2 its square. A flip in the closed ball of size u shows d <= u; a proof that
the closed or the open ball of size l has no such point shows d >= l. So the pair shows
l <= d <= u, and d = l where both are equal: the proof is then about the open ball, for the closed
one has the flip. At l = 0 nothing has to be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.distance import Distance
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Query
from verifier.question.rational import is_exact

Balls = Callable[[Fraction, bool], Query]
"""The question about the ball of a size around a sample, an open ball or not."""


def check_distance(
    ball: Balls,
    claim: object,
    check: Callable[[Query, Robust | Flip], object] = replay,
) -> Distance:
    """The claim, if its evidence shows the interval; raises RefusedError, naming the flaw.

    `check` is `replay`, or replays a question by a kernel.
    """
    if not isinstance(claim, Distance):
        raise RefusedError("another verdict", "a distance is claimed, this is none")
    lower, upper = claim.lower, claim.upper
    if not is_exact(lower) or not (upper is None or is_exact(upper)):
        raise RefusedError("not exact", "the ends of a distance are no Fractions")
    if lower < 0 or (upper is not None and upper < lower):
        raise RefusedError("no interval", f"from {lower} to {upper}")
    if (claim.proof is None) != (lower == 0) or not isinstance(claim.proof, Robust | None):
        raise RefusedError("no proof", f"no flip below {lower} is claimed")
    if (claim.flip is None) != (upper is None) or not isinstance(claim.flip, Flip | None):
        raise RefusedError("no flip", f"a flip within {upper} is claimed")
    if claim.flip is None and claim.proof is None:
        raise RefusedError("no evidence", "neither a proof nor a flip")
    try:
        if upper is not None and claim.flip is not None:
            check(ball(upper, False), claim.flip)
        if claim.proof is not None:
            check(ball(lower, claim.exact), claim.proof)
    except RefusedError:
        raise
    except UserError as error:  # a ball that does not meet the clip
        raise RefusedError("no ball", str(error)) from None
    return claim
