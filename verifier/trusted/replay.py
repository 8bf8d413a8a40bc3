"""Checks many proofs about one network at once: root bounds batched, then proof after proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from verifier.trusted.certificate import Flip, Robust
from verifier.trusted.errors import RefusedError
from verifier.trusted.fast import check_fast
from verifier.trusted.intervals import interval_bounds
from verifier.trusted.network import Network
from verifier.trusted.query import Query
from verifier.trusted.scaled import ScaledNetwork, common_denominator

MEMORY = 300 << 20  # bytes for the root bounds of one chunk


def chunk_size(network: Network) -> int:
    """How many regions' root bounds fit into `MEMORY`."""
    return max(1, min(256, MEMORY // (16 * network.variables)))


def scaled_for(network: Network, queries: Iterable[Query]) -> ScaledNetwork:
    """The scaled network that serves all of these regions."""
    vectors = [side for query in queries for side in (query.region.lower, query.region.upper)]
    return ScaledNetwork(network, common_denominator(vectors))


def check_batch(
    network: Network,
    queries: Sequence[Query],
    verdicts: Sequence[Robust | Flip],
    progress: Callable[[int], None] = lambda done: None,
) -> list[RefusedError | None]:
    """For each query None if its verdict is shown to be true, else the flaw. All queries must ask
    about `network`."""
    if len(queries) != len(verdicts):
        raise RefusedError("count", f"{len(queries)} questions, {len(verdicts)} verdicts")
    scaled, size = scaled_for(network, queries), chunk_size(network)
    flaws: list[RefusedError | None] = []
    for begin in range(0, len(queries), size):
        part = queries[begin : begin + size]
        for query in part:
            if query.network is not network:
                raise RefusedError("another network", "a question is about another network")
        roots = interval_bounds(scaled, [query.region for query in part])
        roots.reverse()
        for query, verdict in zip(part, verdicts[begin : begin + size], strict=True):
            try:
                check_fast(query, verdict, scaled, roots.pop())
                flaws.append(None)
            except RefusedError as flaw:
                flaws.append(flaw)
        progress(len(flaws))
    return flaws
