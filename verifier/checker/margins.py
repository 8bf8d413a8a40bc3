"""The least margin on a ball: between what is proved of every point and what one point has.

Let m be the infimum, over the points of a closed region, of the margin: minus the largest, over the
goals, of a goal's least atom. Moved by u, all atoms of a goal are at least zero at some point of
the region: that point has a margin of at most u, so m <= u. Moved by l, all atoms of a goal are
positive at no point: the margin is nowhere below l, so l <= m. Both together show l <= m <= u, and
m = l where they are equal. Whether the goals' own atoms are strict does not matter.
"""

from __future__ import annotations

from collections.abc import Callable

from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.margin import Margin
from verifier.question.errors import RefusedError
from verifier.question.margin import margin_at_most, margin_below
from verifier.question.query import Query
from verifier.question.rational import is_exact


def check_margin(
    query: Query,
    claim: object,
    check: Callable[[Query, Robust | Flip], object] = replay,
) -> Margin:
    """The claim, if its evidence shows the interval; raises RefusedError, naming the flaw.

    `check` is `replay`, or replays a question by a kernel.
    """
    if not isinstance(claim, Margin):
        raise RefusedError("another verdict", "a margin is claimed, this is none")
    lower, upper = claim.lower, claim.upper
    if not is_exact(upper) or not (lower is None or is_exact(lower)):
        raise RefusedError("not exact", "the ends of a margin are no Fractions")
    if lower is not None and upper < lower:
        raise RefusedError("no interval", f"from {lower} to {upper}")
    if query.region.open:
        raise RefusedError("open region", "a least margin is shown on a closed region")
    if (claim.proof is None) != (lower is None) or not isinstance(claim.proof, Robust | None):
        raise RefusedError("no proof", f"no margin below {lower} is claimed")
    if not isinstance(claim.point, Flip):
        raise RefusedError("no point", f"a point with a margin of at most {upper} is claimed")
    check(margin_at_most(query, upper), claim.point)
    if lower is not None and claim.proof is not None:
        check(margin_below(query, lower), claim.proof)
    return claim
