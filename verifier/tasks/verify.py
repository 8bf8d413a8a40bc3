"""Ask and answer: `verify` one query, `verify_batch` many about one network, `check` a verdict.

The verdicts of this module are already checked: a `Robust` or `Flip` that the checker refuses is
never returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from verifier.checker.exact_maximum import check_maximum
from verifier.checker.exact_radius import check_radius
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust, Undecided
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.search.options import Options, Outcome


def verify(query: Query, options: Options = Options()) -> Outcome:
    """The checked answer to one query."""
    return verify_batch(query.network, [query], options)[0]


def verify_batch(
    network: Network,
    queries: Sequence[Query],
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
    hints: Sequence[Sequence[tuple[Fraction, ...]]] | None = None,
) -> list[Outcome]:
    """The checked answers to all queries, in their order; bounds are computed for all at once.

    `hints` are points a query, in the region or near it, at which a flip is looked for first.

    `progress` is called with the number of finished queries. The verdict of a query does not
    depend on the others (time-outs aside).
    """
    from verifier.search.engine import search_batch

    return search_batch(network, queries, options, progress, hints)


def check(query: Query, verdict: Robust | Flip | Radius | Maximum) -> None:
    """Returns if the verdict is shown to be true; raises RefusedError, naming the flaw."""
    if isinstance(verdict, Radius):
        check_radius(query, verdict)
    elif isinstance(verdict, Maximum):
        check_maximum(query, verdict)
    else:
        replay(query, verdict)


__all__ = ["Flip", "Options", "Outcome", "Robust", "Undecided", "check", "verify", "verify_batch"]
