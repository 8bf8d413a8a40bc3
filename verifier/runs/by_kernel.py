"""At the end of a session a kernel replays answers once more.

The kernel (`verifier.kernel`) is small and slow: it replays some, drawn at random, in little time.
The proved kernel replays all of them, where it is asked to. What they replay is in no verdict:
everything was checked before; it says by how much less one has to believe.
"""

from __future__ import annotations

import fractions
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from threading import current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Any

import verifier.checker
import verifier.kernel
from verifier.checker.checked import Checked, CheckerName
from verifier.checker.elaborate import kernel_check_result
from verifier.checker.manifest import Kind, Question, Result
from verifier.checker.proved import replay_run
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.runs.folder import RunFolder

_KINDS: Mapping[str, Kind] = {
    "robust": "robust", "flip": "flip", "distance": "distance", "margin": "margin",
}  # fmt: skip
SHARE = 0.1  # of the time of the session
_SHORTEST = 1e-3  # seconds of an alarm: 0 would be none
_REPLAYING = (verifier.kernel.__path__[0], verifier.checker.__path__[0], fractions.__file__)
_SECONDS = 2e-5  # of the kernel for a weight or unit: each is a few operations on Fractions


@dataclass(frozen=True, slots=True)
class KernelShare:
    """`count` of `of` answers were replayed by the kernel as well: the first ones in the order that
    `seed` gives, as many as fitted into the time."""

    count: int
    of: int
    seed: int

    @property
    def facts(self) -> dict[str, int]:
        """The same by name."""
        return {"checked": self.count, "of": self.of, "seed": self.seed}


def noted_shares(
    hosts: Sequence[Mapping[str, Any]], checker: CheckerName = "kernel"
) -> list[KernelShare]:
    """What sessions have noted of this kernel, oldest first; it is recorded alone. What is no note
    is left out."""
    found = []
    for host in hosts:
        match host.get(checker):
            case {"checked": int(count), "of": int(of), "seed": int(seed)}:
                found.append(KernelShare(count, of, seed))
    return found


def shares_text(shares: Sequence[KernelShare]) -> str:
    """The same for people, a part a session."""
    return "; ".join(map(share_text, shares)) or "none"


def share_text(share: KernelShare) -> str:
    """How many of how many, and how they were chosen."""
    drawn = f", drawn with seed {share.seed}" if share.seed or share.count < share.of else ""
    return f"{share.count} of {share.of}{drawn}"


def replay_all(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
    jobs: int,
) -> dict[int, Checked]:
    """All of these answers by the proved kernel. Raises RefusedError, naming the flaw, if it
    refuses what the checker has accepted, and UserError where there is no such program."""
    results = [
        Result(sample, _KINDS[shown[sample].verdict], shown[sample].certificate)
        for sample in sorted(shown)
    ]
    return replay_run(network, points, question, results, folder.fetch, jobs)


def replay_some(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
    seconds: float,
    seed: int,
) -> KernelShare:
    """As many of these answers as fit into so many seconds, which may be none.

    Before one is begun its time is guessed; in the main thread, where an alarm can be set, one that
    takes longer all the same is given up at the end.

    Raises RefusedError, naming the flaw, if the kernel refuses what the checker has accepted.
    """
    if question.measured is not None or question.semantics != "real":
        # the checker's alone: executions; intervals by `check --kernel`
        return KernelShare(0, len(shown), seed)
    order = sorted(shown)
    Random(seed).shuffle(order)
    end, count = monotonic() + seconds, 0
    longest = _SECONDS * (network.units.count + len(network.units.indices))
    with suppress(_LateError), _alarm(seconds):
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


class _LateError(BaseException):
    """The time is over; nothing that handles errors may take it for one."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raises _LateError after so many seconds, where a signal can: in the main thread, on POSIX,
    if nobody else has set this alarm.

    Only out of what replays: out of a callback of the garbage collector or of a weak reference the
    error would not come, for Python swallows it. Elsewhere the alarm goes off again a little later.
    """
    usable = current_thread() is main_thread() and hasattr(signal, "setitimer")
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    over = False

    def late(number: int, frame: FrameType | None) -> None:
        if over:
            return
        if frame is not None and frame.f_code.co_filename.startswith(_REPLAYING):
            raise _LateError
        signal.setitimer(signal.ITIMER_REAL, _SHORTEST)

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, _SHORTEST))
    try:
        yield
    finally:
        over = True  # before the alarm is off: from here on it raises nothing and sets none
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
