"""What a run has found, in the words of a search: a flip, a proof of none, or neither."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.checker.checked import Checked
from verifier.checker.manifest import Question, network_of, sample_query
from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.region import distance
from verifier.runs.centers import misread_samples
from verifier.runs.folder import RunFolder
from verifier.runs.store import SampleRow
from verifier.tasks.around import FoundFlip
from verifier.tasks.flips import SearchedSample


def searched_samples(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    rows: Mapping[int, SampleRow],
    shown: Mapping[int, Checked],
) -> list[SearchedSample]:
    """Of the samples in `shown` what was checked, each flip evaluated once more, exactly; of those
    that the database calls undecided or failed, that. Others are left out.

    Raises RefusedError where a certificate is another one by now.
    """
    listed = [
        row for row in rows.values() if row.sample in shown or row.state in ("undecided", "failed")
    ]
    others = [row.sample for row in listed if not _is_robust(shown.get(row.sample))]
    misread = set(misread_samples(network, points, question, others))
    flips = _flips(folder, network, points, question, shown, misread)
    found = []
    for row in listed:
        one, label = shown.get(row.sample), points.label_names[int(points.labels[row.sample])]
        flip = flips.get(row.sample)
        open_rivals = ("any",) if one is None else ()
        reason = (row.reason or row.state) if one is None else ""
        size = row.text_bytes if one is not None else 0
        found.append(
            SearchedSample(
                row.sample, label, () if flip is None else (flip,), open_rivals, reason, size,
                row.sample not in misread,
            )
        )  # fmt: skip
    return found


def _is_robust(one: Checked | None) -> bool:
    return one is not None and one.verdict == "robust"


def _flips(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
    misread: set[int],
) -> dict[int, FoundFlip]:
    """By sample the flip that was checked, with what the network gives there."""
    verdicts: dict[int, Flip] = {}
    for sample in sorted(shown):
        if shown[sample].verdict == "flip":
            text = folder.fetch(shown[sample].certificate or "")
            verdict = parse_certificate(text, network.digest)
            if not isinstance(verdict, Flip):
                raise RefusedError("certificate altered", f"sample {sample}: it was a flip")
            verdicts[sample] = verdict
    asked = network_of(network, question)
    outputs = evaluate(asked, [flip.point for flip in verdicts.values()])
    found = {}
    for (sample, flip), values in zip(verdicts.items(), outputs, strict=True):
        goal = sample_query(network, points, question, sample).goals[flip.goal]
        rival = points.label_names[int(goal.rival)] if goal.rival.isdigit() else goal.rival
        point = flip.point[: network.inputs]  # without the rounding errors of an execution
        away = distance(question.norm, points.point(sample), point)
        method = "sample" if sample in misread and not away else "stored"
        found[sample] = FoundFlip(sample, flip.goal, rival, point, tuple(values), away, method)
    return found
