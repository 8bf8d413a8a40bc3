"""Ask and answer: `verify` one query, `verify_batch` many about one network, `check` a verdict.

The verdicts of this module are already checked: a `Robust` or `Flip` that the checker refuses is
never returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from verifier.trusted.certificate import Flip, Robust, Undecided, Verdict
from verifier.trusted.fast import check_fast
from verifier.trusted.network import Network
from verifier.trusted.query import Query
from verifier.trusted.radius import Radius, check_radius


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how the search may look; none of it can make a verdict wrong.

    timeout: seconds a query, None for no limit. nodes: the most branch-and-bound nodes a query.
    engine: "exact", or "milp:highs", "milp:cbc", ... to ask a MILP solver first. seed: the attack's
    """

    timeout: float | None = None
    nodes: int | None = None
    engine: str = "exact"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A checked verdict and what it cost: seconds by phase (bounds, search, check) and nodes.

    `margins` are the lower bounds of the margins of the goals that the search has seen, None where
    it has none; exact, and not looked at by the checker, which asks for their sign alone.
    """

    verdict: Verdict
    seconds: dict[str, float] = field(default_factory=dict)
    nodes: int = 0
    margins: tuple[Fraction | None, ...] = ()


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


def check(query: Query, verdict: Robust | Flip | Radius) -> None:
    """Returns if the verdict is shown to be true; raises RefusedError, naming the flaw."""
    if isinstance(verdict, Radius):
        check_radius(query, verdict)
    else:
        check_fast(query, verdict)


__all__ = ["Flip", "Options", "Outcome", "Robust", "Undecided", "check", "verify", "verify_batch"]
