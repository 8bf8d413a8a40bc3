"""What a run about least margins has shown, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from verifier.checker.checked import Checked
from verifier.checker.manifest import Question, sample_goals
from verifier.evidence.certificate import Flip
from verifier.evidence.curve import MarginCurve, parse_curve
from verifier.evidence.data_file import Points
from verifier.evidence.margin import Margin, parse_margin
from verifier.question.errors import RefusedError
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.question.shown import Shown
from verifier.runs.folder import RunFolder
from verifier.runs.store import SampleRow
from verifier.tasks.margin import Curve


@dataclass(frozen=True, slots=True, repr=False)
class MarginInterval(Shown):
    """On the ball of `sample` the margin of its label is nowhere below `lower` and is at most
    `upper` at `point`, against `rival`; both are checked. `lower` is None where nothing is proved.

    `reached`: they are as close as asked; else `reason` says why not. `proof_bytes` is the size of
    the evidence, `queries` how many regions were asked about.
    """

    sample: int
    label: str
    lower: Fraction | None
    upper: Fraction
    rival: str
    point: tuple[Fraction, ...]
    reached: bool
    reason: str
    proof_bytes: int
    queries: int
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether the least margin is known."""
        return self.lower == self.upper


def margins(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    rows: Mapping[int, SampleRow],
    shown: Mapping[int, Checked],
) -> list[MarginInterval]:
    """Of the samples in `shown`, in their order, the interval that was checked, with its point.

    `rows` are what the database says, for times and reasons; a copied folder has none. Raises
    RefusedError where a certificate is another one by now.
    """
    terms = question.margin or MarginTerms()
    found = []
    for sample in sorted(shown):
        one, row = shown[sample], rows.get(sample)
        text = folder.fetch(one.certificate or "")
        evidence = _parsed(text, network, terms)
        if one.facts.ends != (evidence.lower, evidence.upper):
            raise RefusedError("certificate altered", f"sample {sample}: it was another one")
        found.append(_interval(network, points, question, terms, sample, evidence, row, len(text)))
    return found


def curves(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    rows: Mapping[int, SampleRow],
    shown: Mapping[int, Checked],
) -> list[tuple[MarginInterval, Curve]]:
    """The same with the whole curve, of a run about the balls of all radii."""
    found = []
    for one in margins(folder, network, points, question, rows, shown):
        text = folder.fetch(shown[one.sample].certificate or "")
        evidence = parse_curve(text, network.digest)
        found.append((one, Curve.of(evidence, one.reason, one.queries, one.seconds)))
    return found


def _parsed(text: bytes, network: Network, terms: MarginTerms) -> Margin | MarginCurve:
    parse = parse_curve if terms.curve else parse_margin
    return parse(text, network.digest)


def _interval(
    network: Network,
    points: Points,
    question: Question,
    terms: MarginTerms,
    sample: int,
    evidence: Margin | MarginCurve,
    row: SampleRow | None,
    size: int,
) -> MarginInterval:
    reached = terms.is_reached(evidence.lower, evidence.upper)
    if isinstance(evidence, MarginCurve):  # of which a row shows the last ball
        reached, last = evidence.exact, evidence.pieces[-1]
        point = Flip(last.points[1], last.goal)
    else:
        point = evidence.point
    reason = "" if reached else (row.reason if row else None) or "not as close as asked"
    rival = sample_goals(network, points, question, sample)[point.goal].rival
    seconds = 0.0
    if row is not None:
        seconds = row.bounds_seconds + row.search_seconds + row.check_seconds
    return MarginInterval(
        sample,
        points.label_names[int(points.labels[sample])],
        evidence.lower,
        evidence.upper,
        points.label_names[int(rival)] if rival.isdigit() else rival,
        point.point,
        reached,
        reason,
        size,
        0 if row is None else row.nodes,
        seconds,
    )
