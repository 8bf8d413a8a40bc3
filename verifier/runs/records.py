"""What comes out of the work on one sample, in a form that crosses process boundaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from verifier.checker.checked import Checked, Facts
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.evidence.packed import pack
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.query import Query
from verifier.question.rational import format_rational
from verifier.search.options import Outcome
from verifier.tasks.verify import CheckedOutcome

State = Literal["open", "robust", "measured", "misread", "flip", "undecided", "failed", "recorded"]
STATES: tuple[State, ...] = (
    "open", "robust", "measured", "misread", "flip", "undecided", "failed",
)  # fmt: skip
"""What is stored. `open`: no answer yet. `misread`: the network does not read the label at the
sample itself, which is its own flip; `flip` is any other. `measured`: of a question about
distances or least margins, an interval is shown. `failed`: every attempt ended in an
error; nothing is claimed. Who shows a run says `recorded` of an answer that was not replayed, which
is not stored."""
ANSWERED: tuple[State, ...] = ("robust", "measured", "misread", "flip")
"""The states that have a certificate."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What came out against one rival of a sample, in a goal of its question.

    `state` is that of the sample, but at a flip against another rival `open`: nothing was asked
    any more. `lower_bound` is the one of the margin that the search has proved, exact, where it
    computes one. `nodes` are those of the proof's tree for this goal.
    """

    goal: int
    rival: str
    state: State
    lower_bound: str | None = None
    nodes: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """The end of one attempt at `sample`.

    `certificate` is packed, `digest` the SHA-256 of its text of `text_bytes` bytes; all of a robust
    sample or a flip, and checked. `rival` is who wins at a flip. The bounds are of the margin of an
    undecided sample, as far as they are known. `seconds` by phase. `rivals` are in the order of the
    goals, none if the attempt ended in an error. `checked` is there of a robust sample or a flip:
    as `Checked` in the process where the checker accepted it, as bare facts elsewhere. A sample
    whose own point is the flip is `misread`. Of a distance or margin `ends` are its interval's, and
    `reason` says why it is not as close as asked; `nodes` then counts the balls asked about.
    """

    sample: int
    state: State
    certificate: bytes | None = None
    digest: str | None = None
    text_bytes: int = 0
    rival: str | None = None
    reason: str | None = None
    lower_bound: str | None = None
    lowest_seen: str | None = None
    nodes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    worker: str = ""
    rivals: tuple[Rival, ...] = ()
    checked: Checked | Facts | None = None
    ends: tuple[str | None, str | None] | None = None


def interval_record(
    sample: int,
    checked: Checked,
    rivals: Sequence[str],
    *,
    reason: str | None,
    balls: int,
    seconds: dict[str, float],
    worker: str = "",
) -> Record:
    """The record of what was checked of the sample's distance or margin; `rivals` by the goals."""
    if checked.facts.ends is None:
        raise RefusedError("another verdict", f"sample {sample}: no interval was checked")
    lower, upper = checked.facts.ends
    checked, text = checked.written()
    goal = checked.facts.goal
    return Record(
        sample,
        interval_state(checked.facts),
        certificate=pack(text),
        digest=checked.certificate,
        text_bytes=len(text),
        rival=None if goal is None else rivals[goal],
        reason=reason,
        nodes=balls,
        seconds=seconds,
        worker=worker,
        checked=checked,
        ends=(end_text(lower), end_text(upper)),
    )


def interval_state(facts: Facts) -> State:
    """The state of a sample of which this was checked: its distance is zero if it is misread; a
    margin says nothing of the sample itself."""
    is_flip = facts.verdict == "distance" and facts.ends is not None and facts.ends[1] == 0
    return "misread" if is_flip else "measured"


def record_of(
    sample: int,
    query: Query | FamilyQuery,
    outcome: CheckedOutcome,
    center: Sequence[Fraction],
    worker: str = "",
) -> Record:
    """The record of a checked outcome about the sample, which the network reads as `center`."""
    verdict = outcome.verdict
    nodes, seconds = outcome.nodes, outcome.seconds
    if isinstance(verdict, Undecided):
        return Record(
            sample,
            "undecided",
            reason=verdict.reason,
            lower_bound=end_text(verdict.lower_bound),
            lowest_seen=end_text(verdict.lowest_seen),
            nodes=nodes,
            seconds=seconds,
            worker=worker,
            rivals=_rivals(query, outcome),
        )
    if outcome.checked is None:
        raise RefusedError("not checked", f"sample {sample}: an answer that nobody has checked")
    checked, text = outcome.checked.written()
    return Record(
        sample,
        state_of(verdict, center),
        certificate=pack(text),
        digest=checked.certificate,
        text_bytes=len(text),
        rival=query.goals[verdict.goal].rival if isinstance(verdict, Flip) else None,
        nodes=nodes,
        seconds=seconds,
        worker=worker,
        rivals=_rivals(query, outcome),
        checked=checked,
    )


def state_of(verdict: Robust | Flip, center: Sequence[Fraction]) -> State:
    """The state of the sample at `center`, of which this was checked. The point of a flip as
    executed has the rounding errors after its inputs."""
    if isinstance(verdict, Robust):
        return "robust"
    return "misread" if tuple(verdict.point[: len(center)]) == tuple(center) else "flip"


def _rivals(query: Query | FamilyQuery, outcome: Outcome) -> tuple[Rival, ...]:
    verdict = outcome.verdict
    margins = outcome.margins or (None,) * len(query.goals)
    found = []
    for number, (goal, margin) in enumerate(zip(query.goals, margins, strict=True)):
        state: State = "undecided"
        if isinstance(verdict, Robust):
            state = "robust"
        elif isinstance(verdict, Flip):
            state = "flip" if number == verdict.goal else "open"
        nodes = len(verdict.trees[number]) if isinstance(verdict, Robust) else 0
        found.append(Rival(number, goal.rival, state, end_text(margin), nodes))
    return tuple(found)


def failure(sample: int, reason: str, worker: str = "", seconds: float = 0.0) -> Record:
    """The record of an attempt that ended without an answer."""
    return Record(sample, "failed", reason=reason, seconds={"lost": seconds}, worker=worker)


def end_text(value: Fraction | None) -> str | None:
    """The number as it is stored, None for None."""
    return None if value is None else format_rational(value)
