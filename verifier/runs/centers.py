"""What the network reads at the samples themselves: no radius is to blame for a wrong label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.checker.checked import Checked
from verifier.checker.manifest import Question, sample_goals
from verifier.checker.scaled import evaluate
from verifier.evidence.data_file import Points
from verifier.question.executed import executable
from verifier.question.family import family_goals
from verifier.question.network import Network
from verifier.runs.place import Place
from verifier.runs.store import Store


@dataclass(frozen=True, slots=True)
class Centers:
    """What is shown of the `samples` samples that were looked at, see `centers`.

    At the `misread` ones the network does not read their own label, a tie included; evaluated
    exactly. `certified` keep it on their balls, `flips` lose it there, by what the checker has
    accepted, and of both the sample itself is read right.
    """

    samples: int
    misread: tuple[int, ...]
    certified: int
    flips: int

    @property
    def facts(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "misread": len(self.misread),
            "clean": self.clean,
            "certified": self.certified,
            "flips": self.flips,
        }

    @property
    def clean(self) -> int:
        """How many samples are read right."""
        return self.samples - len(self.misread)


def goals_at_centers(
    network: Network, points: Points, question: Question, samples: Sequence[int]
) -> list[int | None]:
    """The number of the first goal that holds at the sample itself, None where its label is read;
    exact, or as the question says the plain execution at the sample in the format. Of a family it
    is the member of the first m that reads it."""
    centers = [question.center(points.point(sample)) for sample in samples]
    if question.semantics == "real":
        values: Sequence[Sequence[Fraction]] = evaluate(network, centers)
    else:
        form = executable(network, question.semantics)
        values = [form.outputs(center) for center in centers]
    found: list[int | None] = []
    for sample, center, outputs in zip(samples, centers, values, strict=True):
        goals = sample_goals(network, points, question, sample)
        if question.family is not None:
            goals = family_goals(goals, question.family.denominator, points.dimension)
        holds = (
            k for k, goal in enumerate(goals)
            if all(atom.holds(center, outputs) for atom in goal.atoms)
        )  # fmt: skip
        found.append(next(holds, None))
    return found


def misread_samples(
    network: Network, points: Points, question: Question, samples: Sequence[int]
) -> list[int]:
    """The samples at which a goal of their question holds, in their order; see
    `goals_at_centers`."""
    goals = goals_at_centers(network, points, question, samples)
    return [sample for sample, goal in zip(samples, goals, strict=True) if goal is not None]


def centers(
    network: Network,
    points: Points,
    question: Question,
    samples: Sequence[int],
    shown: Mapping[int, Checked],
) -> Centers:
    """Of these samples, of which `shown` holds what was checked: the centers of robust ones are
    read right by their proofs, unless they lie outside of what inputs are clipped to; the others
    are evaluated here."""
    robust = {k for k in samples if k in shown and shown[k].verdict == "robust"}
    evaluated = [k for k in samples if k not in robust or not question.within(points.point(k))]
    misread = misread_samples(network, points, question, evaluated)
    wrong = set(misread)
    flips = sum(k in shown and k not in wrong for k in samples if k not in robust)
    return Centers(len(samples), tuple(misread), len(robust - wrong), flips)


def centers_of_run(
    place: Place,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
) -> Centers:
    """The same of all samples of a run; what is recorded of their balls alone is not counted."""
    with Store(place.database, read_only=True) as store:
        samples = [row.sample for row in store.samples(place.row(store).id)]
    return centers(network, points, question, samples, shown)
