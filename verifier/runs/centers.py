"""What the network reads at the samples themselves: no radius is to blame for a wrong label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.checker.checked import Checked
from verifier.checker.manifest import Question, sample_goals
from verifier.checker.scaled import evaluate
from verifier.evidence.data_file import Points
from verifier.question.network import Network
from verifier.runs.place import Place
from verifier.runs.store import Store


@dataclass(frozen=True, slots=True)
class Centers:
    """What is shown of the `samples` samples that were looked at, see `centers`.

    At the `misread` ones the network does not read their own label, a tie included; evaluated
    exactly. `certified` keep it on their balls, `flips` lose it there though the sample itself is
    read right; both by what the checker has accepted.
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


def misread_samples(
    network: Network, points: Points, question: Question, samples: Sequence[int]
) -> list[int]:
    """The samples at which a goal of their question holds, in their order; exact."""
    if question.family is not None:
        return []  # its networks are those of every m; what is not proved is undecided
    centers = [points.point(sample) for sample in samples]
    found = []
    for sample, center, outputs in zip(samples, centers, evaluate(network, centers), strict=True):
        goals = sample_goals(network, points, question, sample)
        if any(all(atom.holds(center, outputs) for atom in goal.atoms) for goal in goals):
            found.append(sample)
    return found


def centers(
    network: Network,
    points: Points,
    question: Question,
    samples: Sequence[int],
    shown: Mapping[int, Checked],
) -> Centers:
    """Of these samples, of which `shown` holds what was checked: the centers of robust ones are
    read right by their proofs, the others are evaluated here."""
    if question.family is not None:  # whose other samples have no single network to be read by
        samples = [k for k in samples if k in shown]
    others = [k for k in samples if k not in shown or shown[k].verdict != "robust"]
    misread = misread_samples(network, points, question, others)
    wrong = set(misread)
    flips = sum(k in shown and k not in wrong for k in others)
    return Centers(len(samples), tuple(misread), len(samples) - len(others), flips)


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
