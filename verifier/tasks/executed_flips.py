"""Counterexample search for a network as executed in a float format, over a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from verifier.checker.manifest import Question
from verifier.evidence.certificate import Undecided, certificate_bytes
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.region import distance
from verifier.search.options import Options
from verifier.tasks.around import Around, Floats, FoundFlip
from verifier.tasks.flips import SearchedSample, size_of
from verifier.tasks.semantics import Format, execute, is_number, verify_executed


def search_executed(
    network: Network,
    points: Points,
    question: Question,
    semantics: Format,
    *,
    samples: Sequence[int] | None = None,
    limit: int | None = None,
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
    keep: Callable[[SearchedSample], None] = lambda found: None,
) -> list[SearchedSample]:
    """What is found in the ball of each of these samples, in their order; all if None.

    A flip is an input of the format at which numpy computes outputs that lose the label, a proof is
    about all executions; see `tasks.semantics`. The sample itself is read first, if its entries are
    numbers of the format. Raises UserError for a weight that is none, and where overflow cannot be
    excluded.
    """
    floats = Floats(network)
    found: list[SearchedSample] = []
    flipped = 0
    for sample in range(points.size) if samples is None else samples:
        around = Around(floats, points, question, sample, options.seed)
        found.append(_searched(around, size_of(question), semantics, options))
        keep(found[-1])
        progress(len(found))
        flipped += bool(found[-1].flips)
        if limit is not None and flipped >= limit:
            break
    return found


def _searched(
    around: Around, size: Fraction, semantics: Format, options: Options
) -> SearchedSample:
    goals = range(len(around.goals))
    right = around.reads_right
    if all(is_number(x, semantics) for x in around.center):
        outputs = execute(around.network, around.center, semantics)
        right = not any(
            all(atom.holds(around.center, outputs) for atom in goal.atoms) for goal in around.goals
        )
    unclear = tuple(map(around.rival, goals))
    empty = around.beyond_clip(size)
    if empty is not None:
        return SearchedSample(around.sample, around.label, (), unclear, empty, 0, right)
    query = around.query(size, goals)
    answered = verify_executed(query, semantics, options, [around.center])
    verdict, seen, reason, length = answered.verdict, answered.execution, "", 0
    flips: tuple[FoundFlip, ...] = ()
    if isinstance(verdict, Undecided):
        reason = verdict.reason
    else:
        length, unclear = len(certificate_bytes(verdict, answered.question.network.digest)), ()
    if seen is not None:
        away = distance(around.norm, around.center, seen.point)
        rival = around.rival(seen.goal)
        flips = (FoundFlip(around.sample, seen.goal, rival, seen.point, seen.outputs, away,
                           "executed"),)  # fmt: skip
    return SearchedSample(around.sample, around.label, flips, unclear, reason, length, right)
