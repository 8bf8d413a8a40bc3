"""What a run about distances has shown, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.checker.checked import Checked
from verifier.checker.manifest import Question
from verifier.evidence.certificate import Radius
from verifier.evidence.data_file import Points
from verifier.evidence.distance import parse_distance
from verifier.question.distance import DistanceTerms
from verifier.question.network import Network
from verifier.runs.centers import misread_samples
from verifier.runs.folder import RunFolder
from verifier.runs.store import SampleRow
from verifier.tasks.around import Around, Floats
from verifier.tasks.radius import RadiusInterval, largest_asked


def intervals(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    rows: Mapping[int, SampleRow],
    shown: Mapping[int, Checked],
) -> list[RadiusInterval]:
    """Of the samples in `shown`, in their order, the interval that was checked, with its flip.

    `rows` are what the database says, for times and reasons; a copied folder has none. Raises
    RefusedError where a certificate is another one by now.
    """
    terms = question.distance or DistanceTerms()
    floats, order = Floats(network), sorted(shown)
    misread = set(misread_samples(network, points, question, order))
    found = []
    for sample in order:
        one, row = shown[sample], rows.get(sample)
        lower, upper = one.facts.ends or (None, None)
        if lower is None:
            continue
        around = Around(floats, points, question, sample)
        evidence = parse_distance(folder.fetch(one.certificate or ""), network.digest)
        flip, seen = evidence.flip, None
        if flip is not None:
            seen = around.found(flip.goal, flip.point, "stored")
        reached = terms.is_reached(question.norm, largest_asked(around, terms.most), lower, upper)
        reason = "" if reached else (row.reason if row else None) or "not as close as asked"
        pair, balls, seconds = None, 0, 0.0
        if evidence.exact and evidence.proof is not None and flip is not None:
            pair = Radius(evidence.proof, flip)
        if row is not None:
            balls = row.nodes
            seconds = row.bounds_seconds + row.search_seconds + row.check_seconds
        found.append(
            RadiusInterval(
                sample, around.label, question.norm, lower, evidence.proof, None, upper, seen, pair,
                reached, reason, balls, seconds, sample not in misread,
            )
        )  # fmt: skip
    return found
