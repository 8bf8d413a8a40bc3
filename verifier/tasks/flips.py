"""Counterexample search over a data set: exact flips, the strongest attack before exact search.

for found in search_flips(network, points, Question("inf", "argmax", Fraction(1, 10))):
    print(found.sample, found.verdict, found.flips)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic
from typing import Literal

from verifier.checker.manifest import Question
from verifier.evidence.certificate import Flip, Robust, Undecided, certificate_bytes
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.region import power
from verifier.question.shown import Shown
from verifier.search.clock import LateError, within
from verifier.search.options import Options
from verifier.search.threads import one_thread
from verifier.tasks.around import Around, Floats, FoundFlip, Vector
from verifier.tasks.radius import interval_around
from verifier.tasks.verify import verify

Hint = tuple[Vector, str]
"""A point that may be a flip, and the method that gave it."""


@dataclass(frozen=True, slots=True, repr=False)
class SearchedSample(Shown):
    """`flips` are exact points of the ball of `sample`; without any, `verdict` says what is known.

    misread: the sample itself, or as a format holds it, is a flip. robust: the checked proofs
    exclude every rival. undecided: `reason` says why the search ended. With all rivals asked,
    `flips` has one for each rival that has one, and `open_rivals` names those of which nothing is
    known. Of nearest flips, no flip is nearer than `proved_radius`, and `exact` says that each is
    the nearest, by a checked proof.
    `reads_right` says whether the network reads the label at the sample itself, exactly.
    `solver` is what a MILP solver said last, if one was asked.
    """

    sample: int
    label: str
    flips: tuple[FoundFlip, ...]
    open_rivals: tuple[str, ...]
    reason: str
    proof_bytes: int
    reads_right: bool
    proved_radius: Fraction | None = None
    exact: bool = False
    solver: str = ""

    @property
    def verdict(self) -> Literal["misread", "flip", "robust", "undecided"]:
        if any(not flip.distance or flip.method == "sample" for flip in self.flips):
            return "misread"
        if self.flips:
            return "flip"
        return "undecided" if self.open_rivals else "robust"


def search_flips(
    network: Network,
    points: Points,
    question: Question,
    *,
    samples: Sequence[int] | None = None,
    limit: int | None = None,
    all_rivals: bool = False,
    nearest: bool = False,
    options: Options = Options(),
    hints: Mapping[int, Sequence[Hint]] | None = None,
    progress: Callable[[int], None] = lambda done: None,
    keep: Callable[[SearchedSample], None] = lambda found: None,
) -> list[SearchedSample]:
    """What is found in the ball of each of these samples, in their order; all if None.

    limit: stop after so many samples with flips. all_rivals: a flip to each rival that has one, not
    to the first found. nearest: a flip than which none is nearer, with a proof of that unless the
    time ends (the decoder `value` has none: one than which none is nearer by a 1024th of its
    distance). options.timeout: seconds a sample. hints: for a sample,
    points to be tried first. `progress` is called with the number of finished samples,
    `keep` with each result as soon as it is there.
    """
    floats = Floats(network)
    found: list[SearchedSample] = []
    flipped = 0
    for sample in range(points.size) if samples is None else samples:
        around = Around(floats, points, question, sample, options.seed)
        size = size_of(question)
        tried = (hints or {}).get(sample, ())
        groups = [[goal] for goal in range(len(around.goals))]
        if not all_rivals:
            groups = [list(range(len(around.goals)))]
        empty = around.beyond_clip(size)
        if empty is not None:
            rivals = tuple(around.rival(goal) for group in groups for goal in group)
            result = SearchedSample(sample, around.label, (), rivals, empty, 0, around.reads_right)
        elif nearest:
            result = _nearest(around, groups, size, options, tried)
        else:
            result = _any(around, groups, size, options, tried)
        found.append(result)
        keep(result)
        progress(len(found))
        flipped += bool(result.flips)
        if limit is not None and flipped >= limit:
            break
    return found


def size_of(question: Question) -> Fraction:
    """The radius, for norm p its p-th power."""
    if question.radius is None:
        return question.radius_squared or Fraction(0)
    return question.radius ** power(question.norm)


def _any(
    around: Around,
    groups: Sequence[Sequence[int]],
    size: Fraction,
    options: Options,
    hints: Sequence[Hint],
) -> SearchedSample:
    """A flip of each group of goals that has one: the sample itself, by attack, by exact search."""
    started = monotonic()
    flips: list[FoundFlip] = []
    unclear: list[str] = []
    reason, proved, solver = "", 0, ""
    for group in groups:
        shown = attacked(around, group, size, hints, _remaining(options, started))
        if shown is None:
            query = around.query(size, group)
            outcome = verify(query, _remaining(options, started))
            verdict, solver = outcome.verdict, outcome.solver
            match verdict:
                case Flip():
                    shown = around.shown(verdict, group, "exact")
                case Robust():
                    proved += len(certificate_bytes(verdict, query.network.digest))
                case Undecided():
                    unclear += [around.rival(goal) for goal in group]
                    reason = reason or verdict.reason
        if shown is not None:
            around.check(shown, size)
            flips.append(shown)
            proved += _flip_bytes(around, shown)
    return SearchedSample(
        around.sample,
        around.label,
        tuple(flips),
        tuple(unclear),
        reason,
        proved,
        around.reads_right,
        solver=solver,
    )


def attacked(
    around: Around,
    group: Sequence[int],
    size: Fraction,
    hints: Sequence[Hint],
    options: Options = Options(),
) -> FoundFlip | None:
    """A flip of one of these goals in the ball of that size: the sample itself, or by attack in
    half of the time."""
    shown = around.misread(group)
    if shown is not None:
        return shown
    end = None if options.timeout is None else monotonic() + options.timeout / 2
    try:
        with one_thread(), within(end):
            attacks = (around.attack(size, goal, hints) for goal in group)
            return next((flip for flip in attacks if flip is not None), None)
    except (LateError, MemoryError):
        return None


def _nearest(
    around: Around,
    groups: Sequence[Sequence[int]],
    size: Fraction,
    options: Options,
    hints: Sequence[Hint],
) -> SearchedSample:
    """The same with the nearest flip of each group."""
    started = monotonic()
    flips: list[FoundFlip] = []
    unclear: list[str] = []
    reason, proved, solver = "", 0, ""
    radius: Fraction | None = None
    exact = True
    points = [point for point, _ in hints]
    for group in groups:
        limits = _remaining(options, started)
        found = interval_around(
            around,
            group,
            length=None,
            most=size,
            options=limits,
            hints=points,
            exact=around.decoder != "value",
        )
        reason, solver = reason or found.reason, found.solver
        if found.flip is not None:
            flips.append(found.flip)
            exact = exact and found.exact
            proved += _flip_bytes(around, found.flip)
        elif not found.reached:
            unclear += [around.rival(goal) for goal in group]
        if found.proof is not None:
            proved += len(certificate_bytes(found.proof, around.network.digest))
        radius = found.lower if radius is None else min(radius, found.lower)
    return SearchedSample(
        around.sample,
        around.label,
        tuple(flips),
        tuple(unclear),
        reason,
        proved,
        around.reads_right,
        radius,
        exact and bool(flips),
        solver,
    )


def _flip_bytes(around: Around, flip: FoundFlip) -> int:
    return len(certificate_bytes(Flip(flip.point, flip.goal), around.network.digest))


def _remaining(options: Options, started: float) -> Options:
    """The options with what is left of the time."""
    if options.timeout is None:
        return options
    return replace(options, timeout=max(0.01, options.timeout - (monotonic() - started)))
