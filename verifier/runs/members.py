"""Flips in open balls of which no proof was found: a run about every ball stores proofs alone.

An open ball is asked about as all closed ones of smaller radius, with the radius m as an input that
the network does not read. A flip in one of them is a flip in the open ball. It is looked for in one
that is almost as large, and checked as a flip of that closed ball; whoever replays the run finds
the sample undecided, and this again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.checker.manifest import Question, sample_family
from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.question.region import distance
from verifier.runs.summary import ShownFlip
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

_SHARE = 1 - Fraction(1, 1 << 20)  # of an open ball's radius
_NODES = 1000  # of the search in one ball


def has_single_member(question: Question) -> bool:
    """Whether the networks of all m are the same one."""
    return question.family is not None and not question.family.denominator[1]


def flips_in_open_balls(
    network: Network,
    points: Points,
    question: Question,
    samples: Sequence[int],
    options: Options,
) -> list[ShownFlip]:
    """The flips that are found in the open balls of these samples, each checked exactly."""
    if question.family is None or not samples:
        return []
    terms = question.family
    largest = terms.last * _SHARE if terms.open else terms.last
    m = max(largest, terms.first)
    queries = [sample_family(network, points, question, k).at(m) for k in samples]
    limits = replace(options, nodes=min(options.nodes or _NODES, _NODES))
    found = []
    for sample, query, outcome in zip(
        samples, queries, verify_batch(network, queries, limits), strict=True
    ):
        flip = outcome.verdict
        if not isinstance(flip, Flip) or outcome.checked is None:
            continue
        (values,) = evaluate(network, [flip.point])
        rival = query.goals[flip.goal].rival
        found.append(
            ShownFlip(
                sample,
                points.label_names[int(points.labels[sample])],
                points.label_names[int(rival)] if rival.isdigit() else rival,
                distance(question.norm, points.point(sample), flip.point[:-1]),
                tuple(values),
                flip.point[:-1],
            )
        )
    return found
