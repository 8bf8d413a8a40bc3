"""Counterexample search for a network as executed in a float format, over a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verifier.checker.manifest import Question
from verifier.evidence.certificate import Undecided, certificate_bytes
from verifier.evidence.data_file import Points
from verifier.question.errors import UserError
from verifier.question.executed import executable
from verifier.question.network import Network
from verifier.question.region import distance
from verifier.search.options import Options
from verifier.tasks.around import Around, Floats, FoundFlip
from verifier.tasks.flips import SearchedSample, size_of
from verifier.tasks.semantics import verify_executed


def search_executed(
    network: Network,
    points: Points,
    question: Question,
    *,
    samples: Sequence[int] | None = None,
    limit: int | None = None,
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
    keep: Callable[[SearchedSample], None] = lambda found: None,
) -> list[SearchedSample]:
    """What is found in the ball of each of these samples, in their order; all if None.

    The format is the one that the question names.
    A flip is an input of the format at which the plain execution loses the label, a proof is about
    all executions; see `question.executed`. The sample itself is read first, as the format holds
    it, each entry rounded. Raises UserError for a weight that is no number of the format, and where
    overflow cannot be excluded.
    """
    floats = Floats(network)
    found: list[SearchedSample] = []
    flipped = 0
    for sample in range(points.size) if samples is None else samples:
        around = Around(floats, points, question, sample, options.seed)
        found.append(_searched(around, question, options))
        keep(found[-1])
        progress(len(found))
        flipped += bool(found[-1].flips)
        if limit is not None and flipped >= limit:
            break
    return found


def _searched(around: Around, question: Question, options: Options) -> SearchedSample:
    size, semantics = size_of(question), question.semantics
    if semantics == "real":
        raise UserError("a question about real arithmetic is not executed in a format")
    goals = range(len(around.goals))
    center = question.center(around.center)
    outputs = executable(around.network, semantics).outputs(center)
    right = not any(
        all(atom.holds(center, outputs) for atom in goal.atoms) for goal in around.goals
    )
    unclear = tuple(map(around.rival, goals))
    empty = around.beyond_clip(size)
    if empty is not None:
        return SearchedSample(around.sample, around.label, (), unclear, empty, 0, right)
    query = around.query(size, goals)
    answered = verify_executed(query, semantics, options, [center])
    verdict, seen, reason, length = answered.verdict, answered.execution, "", 0
    flips: tuple[FoundFlip, ...] = ()
    if isinstance(verdict, Undecided):
        reason = verdict.reason
    else:
        length, unclear = len(certificate_bytes(verdict, answered.question.network.digest)), ()
    if seen is not None:
        away = distance(around.norm, around.center, seen.point)
        rival = around.rival(seen.goal)
        method = "sample" if seen.point == center else "executed"
        flips = (FoundFlip(around.sample, seen.goal, rival, seen.point, seen.outputs, away,
                           method),)  # fmt: skip
    return SearchedSample(around.sample, around.label, flips, unclear, reason, length, right)
