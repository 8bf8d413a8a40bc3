"""How a run stands: what was checked in this process, and what is recorded alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.checker.checked import Asked, Checked, Facts
from verifier.checker.manifest import (
    Kind,
    Question,
    Result,
    asked_of_run,
    claim_text,
    network_of,
    question_of,
)
from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.region import distance
from verifier.question.shown import Shown
from verifier.runs.by_kernel import KernelShare
from verifier.runs.folder import RunFolder
from verifier.runs.identity import question_from
from verifier.runs.place import Place, find_run
from verifier.runs.records import ANSWERED, State, end_text
from verifier.runs.store import RunRow, SampleRow, Store


@dataclass(frozen=True, slots=True, repr=False)
class ShownFlip(Shown):
    """`point` lies in the ball of `sample`, and there the network gives `outputs`: `rival` wins.

    `distance` is ||point - sample|| in the norm of the run, its square for norm 2. All exact.
    """

    sample: int
    label: str
    rival: str
    distance: Fraction
    outputs: tuple[Fraction, ...]
    point: tuple[Fraction, ...]


_NONE = KernelShare(0, 0, 0)


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Shown):
    """How a run stands. `counts` is what its database says, by state; `open` samples were
    not reached, `failed` ones ended in errors.

    `robust` and `flips` count the samples of which `shown` holds what the checker has accepted in
    this call; other answers are `recorded`, not replayed here. `proof_bytes` is the size of all
    certificates as text, `packed_bytes` on the disk, where equal ones are stored once. `seconds` by
    phase are summed over workers, `wall` is of this session. `root` names the sealed claim.
    `kernel` counts what the kernel has replayed of this session's answers, `by_proved` holds what
    the proved kernel has accepted of `shown`.
    """

    folder: Path
    question: Question
    size: int
    samples: int
    counts: dict[State, int]
    proof_bytes: int
    packed_bytes: int
    seconds: dict[str, float]
    root: str | None
    shown: Mapping[int, Checked] = field(default_factory=dict, repr=False)
    kernel: KernelShare = _NONE
    by_proved: Mapping[int, Checked] = field(default_factory=dict, repr=False)

    @property
    def robust(self) -> int:
        return sum(one.verdict == "robust" for one in self.shown.values())

    @property
    def flips(self) -> int:
        return sum(one.verdict == "flip" for one in self.shown.values())

    @property
    def measured(self) -> int:
        """Of a question about distances or margins: samples of which an interval was shown."""
        return sum(one.verdict in ("distance", "margin") for one in self.shown.values())

    @property
    def checked(self) -> int:
        return len(self.shown)

    @property
    def recorded(self) -> int:
        """Answers that the database holds and that were not replayed in this call."""
        return sum(self.counts[state] for state in ANSWERED) - self.checked

    @property
    def undecided(self) -> int:
        """Samples without an answer: undecided, failed, or not reached."""
        return self.samples - self.checked - self.recorded

    @property
    def claim(self) -> str:
        """What has been shown, in a sentence."""
        counts: dict[Kind, int] = {
            "robust": self.robust,
            "flip": self.flips,
            "undecided": self.undecided,
        }
        if self.question.measured is not None:
            counts[self.question.measured] = self.measured
        return claim_text(self.question, self.size, counts, self.recorded)

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("claim", repr(self.claim)),
            ("robust", str(self.robust)),
            ("flips", str(self.flips)),
            ("undecided", str(self.undecided)),
            ("folder", repr(str(self.folder))),
        ]

    def rows(self) -> list[dict[str, Any]]:
        """One row a sample, as the run's database has it; `checked` says what was replayed in this
        call, the rest is recorded, not replayed here."""
        place = find_run(self.folder)
        with Store(place.database, read_only=True) as store:
            found = store.samples(place.row(store).id)
        points = place.folder.points()
        return [
            {
                "sample": entry.sample,
                "label": points.label_names[int(points.labels[entry.sample])],
                "state": entry.state,
                "checked": entry.sample in self.shown,
                "rival": entry.rival,
                "reason": entry.reason,
                "lower": entry.lower,
                "upper": entry.upper,
                "proof_bytes": entry.text_bytes,
                "nodes": entry.nodes,
                "seconds": entry.bounds_seconds + entry.search_seconds + entry.check_seconds,
            }
            for entry in found
        ]

    def to_frame(self) -> Any:
        """The rows as a frame of pandas; raises UserError where it is not installed."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise UserError(
                "to_frame needs pandas (pip install pandas); rows() gives the same as a list"
            ) from None
        return pandas.DataFrame(self.rows())


def summarize(place: Place, size: int, shown: Mapping[int, Checked], wall: float = 0.0) -> Summary:
    """How the run stands by its database, and what of it is among `shown`. `size` is the number of
    samples of the data, which a claim names: not what a database says of it."""
    with Store(place.database, read_only=True) as store:
        row = place.row(store)
        samples = store.samples(row.id)
    return Summary(
        place.folder.path,
        question_from(row.question),
        size,
        len(samples),
        row.counts,
        sum(sample.text_bytes for sample in samples),
        sum({sample.certificate: sample.packed_bytes for sample in samples}.values()),
        {
            "bounds": sum(sample.bounds_seconds for sample in samples),
            "search": sum(sample.search_seconds for sample in samples),
            "check": sum(sample.check_seconds for sample in samples),
            "wall": wall,
        },
        row.root,
        shown_of(row, samples, shown),
    )


def result_of(row: SampleRow, question: Question) -> Result:
    """What the database says of a sample, as a claim."""
    if row.state not in ANSWERED or row.certificate is None:
        return Result(row.sample, "undecided", None)
    ends = (row.lower, row.upper) != (None, None)
    if ends and question.measured is not None and row.state in ("measured", "misread"):
        return Result(row.sample, question.measured, row.certificate)
    return Result(row.sample, "robust" if row.state == "robust" else "flip", row.certificate)


def shown_of(
    row: RunRow, samples: Sequence[SampleRow], shown: Mapping[int, Checked]
) -> dict[int, Checked]:
    """What was checked of exactly the answers that the database holds: of this network, question
    and sample, the same verdict by the same certificate."""
    question = question_from(row.question)
    asked = asked_of_run(row.data, question, [sample.sample for sample in samples])
    return {
        sample.sample: shown[sample.sample]
        for sample, about in zip(samples, asked, strict=True)
        if sample.sample in shown and _is_of(shown[sample.sample], row, question, sample, about)
    }


def _is_of(
    shown: Checked, row: RunRow, question: Question, sample: SampleRow, asked: Asked
) -> bool:
    facts = shown.facts
    return (
        facts.network == row.network
        and facts.asked == asked
        and facts.verdict == result_of(sample, question).kind
        and facts.certificate == sample.certificate
        and ends_text(facts) == (sample.lower, sample.upper)
    )


def ends_text(facts: Facts) -> tuple[str | None, str | None]:
    """The ends of the interval that was checked, as a database has them; none of a verdict."""
    lower, upper = facts.ends or (None, None)
    return end_text(lower), end_text(upper)


def require_ends(samples: Iterable[SampleRow], shown: Mapping[int, Checked], place: str) -> None:
    """Returns if the database has the intervals that were checked; raises RefusedError, naming the
    first sample where it has others."""
    for row in samples:
        one = shown.get(row.sample)
        if one is None or one.certificate != row.certificate:
            continue
        stored, due = (row.lower, row.upper), ends_text(one.facts)
        if stored != due:
            said, is_ = (" to ".join(end or "none" for end in ends) for ends in (stored, due))
            raise RefusedError(
                "database differs",
                f"{place}: sample {row.sample}: its interval is {said}, its evidence shows {is_}",
            )


def shown_flips(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    checked: Mapping[int, Checked],
    limit: int | None = None,
) -> list[ShownFlip]:
    """The first `limit` of the flips among what was checked, each evaluated once more, exactly."""
    wanted = sorted(sample for sample, one in checked.items() if one.verdict == "flip")
    flips = []
    for sample in wanted[:limit]:
        text = folder.fetch(checked[sample].certificate or "")
        verdict = parse_certificate(text, network.digest)
        if isinstance(verdict, Flip):
            flips.append((sample, verdict))
    asked = network_of(network, question)
    outputs = evaluate(asked, [flip.point for _, flip in flips])
    shown = []
    for (sample, flip), values in zip(flips, outputs, strict=True):
        query = question_of(network, points, question, sample)
        if isinstance(query, FamilyQuery):
            query = query.at(flip.point[-1])
        goal = query.goals[flip.goal]
        if not query.region.contains(flip.point) or not all(
            atom.holds(flip.point, values) for atom in goal.atoms
        ):
            raise RefusedError("no flip", f"sample {sample}: its flip does not hold")
        label = points.label_names[int(points.labels[sample])]
        rival = points.label_names[int(goal.rival)] if goal.rival.isdigit() else goal.rival
        point = flip.point[: points.dimension]  # without rounding errors, and without m
        away = distance(question.norm, points.point(sample), point)
        shown.append(ShownFlip(sample, label, rival, away, tuple(values), point))
    return shown
