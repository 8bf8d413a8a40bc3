"""Checks many proofs about one network at once: root bounds batched, then proof after proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache, partial

from verifier.checker.intervals import chunks, interval_bounds
from verifier.checker.replay import replay, replay_flip
from verifier.checker.scaled import ScaledNetwork, common_denominator, evaluate
from verifier.evidence.certificate import Flip, Robust, check_numbers
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.query import Query


def scaled_for(network: Network, queries: Iterable[Query]) -> ScaledNetwork:
    """The scaled network that serves all of these regions; the last one is kept for the next."""
    vectors = [side for query in queries for side in (query.region.lower, query.region.upper)]
    return _scaled(network, common_denominator(vectors))


@lru_cache(maxsize=1)
def _scaled(network: Network, denominator: int) -> ScaledNetwork:
    return ScaledNetwork(network, denominator)


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
    for query in queries:
        if query.network is not network:
            raise RefusedError("another network", "a question is about another network")
    flaws: dict[int, RefusedError | None] = {}
    flips = [k for k, verdict in enumerate(verdicts) if isinstance(verdict, Flip)]
    outputs = outputs_at(network, [verdicts[k] for k in flips])
    for k, values in zip(flips, outputs, strict=True):
        flaws[k] = _flaw(partial(_check_flip, queries[k], verdicts[k], values))
    progress(len(flaws))
    proofs = [k for k, verdict in enumerate(verdicts) if isinstance(verdict, Robust)]
    if not proofs:
        return [flaws[k] for k in range(len(queries))]
    scaled = scaled_for(network, [queries[k] for k in proofs])
    for chunk in chunks(scaled, len(proofs)):
        part = proofs[chunk]
        roots = interval_bounds(scaled, [queries[k].region for k in part])
        roots.reverse()
        for k in part:
            check = partial(replay, queries[k], verdicts[k], scaled, roots.pop())
            flaws[k] = _flaw(check)
        progress(len(flaws))
    return [flaws[k] for k in range(len(queries))]


def outputs_at(network: Network, flips: Sequence[Robust | Flip]) -> list[list[Fraction] | None]:
    """The network's outputs at the points of the flips, None where the dimension is wrong or a
    coordinate not exact, which is refused when its turn comes."""
    points = [flip.point for flip in flips if isinstance(flip, Flip)]
    usable = [
        len(point) == network.inputs and all(type(x) is Fraction for x in point) for point in points
    ]
    values = iter(evaluate(network, [p for p, good in zip(points, usable, strict=True) if good]))
    return [next(values) if good else None for good in usable]


def _check_flip(query: Query, flip: Robust | Flip, outputs: list[Fraction] | None) -> None:
    check_numbers(flip)
    if isinstance(flip, Flip):
        replay_flip(query, flip, outputs)


def _flaw(check: Callable[[], None]) -> RefusedError | None:
    try:
        check()
    except RefusedError as flaw:
        return flaw
    return None
