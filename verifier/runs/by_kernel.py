"""At the end of a session the kernel replays some answers, drawn at random, in little time.

The kernel (`verifier.kernel`) is small and slow. What it replays is in no verdict: everything was
checked before; it says by how much less one has to believe of a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from time import monotonic

from verifier.checker.checked import Checked
from verifier.checker.elaborate import kernel_check_result
from verifier.checker.manifest import Kind, Question, Result
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.runs.folder import RunFolder

SHARE = 0.1  # of the time of the session
_SECONDS = 2e-5  # of the kernel for a weight or unit: each is a few operations on Fractions


@dataclass(frozen=True, slots=True)
class KernelShare:
    """`count` of `of` answers were replayed by the kernel as well: the first ones in the order that
    `seed` gives, as many as fitted into the time."""

    count: int
    of: int
    seed: int


def replay_some(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
    seconds: float,
    seed: int,
) -> KernelShare:
    """As many of these answers as are likely to fit into so many seconds, none if one does not.

    Raises RefusedError, naming the flaw, if the kernel refuses what the checker has accepted.
    """
    if question.family is not None:
        return KernelShare(0, len(shown), seed)  # runs about every budget are the checker's alone
    order = sorted(shown)
    Random(seed).shuffle(order)
    end, count = monotonic() + seconds, 0
    longest = _SECONDS * (network.units.count + len(network.units.indices))
    for sample in order:
        started = monotonic()
        if started + longest > end:
            break
        one = shown[sample]
        kind: Kind = "robust" if one.verdict == "robust" else "flip"
        result = Result(sample, kind, one.certificate)
        kernel_check_result(network, points, question, result, folder.fetch)
        count += 1
        longest = max(longest, monotonic() - started)
    return KernelShare(count, len(order), seed)
