"""The least width of a robust memorizer of given data: `least`, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from constructions.hypotheses import check_budget, power_separation
from constructions.least.evidence import Shown
from constructions.least.find import Finder
from constructions.least.folder import DEPTHS, Asked, LeastFolder
from constructions.least.questions import NORMS, Below, Collapsed, Impossible, Possible
from constructions.least.steps import Search, Segment, bounds_at, segments
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import Points, data_bytes, parse_data
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational
from verifier.question.region import Norm
from verifier.search.trees.branching import CONJUNCTION_INPUTS

COUNTS = ("width", "units", "parameters")
MOST_SAMPLES = 128
LARGEST = 10**60  # of a coordinate, and of 1 / separation: the search squares them in floats


@dataclass(frozen=True)
class Least:
    """What is shown of the least width of a network of depth 2 that memorizes the data robustly.

    Sizes are radii, of norm 2 their squares; all of them are below `top`, where balls of different
    labels touch. `claims` are what everything rests on, each with certificates that were checked.
    `undecided` says why a question about a width and a size was left open.
    """

    name: str
    asked: Asked
    top: Fraction
    points: Points = field(repr=False)
    claims: tuple[Shown, ...] = field(repr=False)
    undecided: dict[tuple[int, Fraction], str] = field(repr=False, default_factory=dict)

    @property
    def segments(self) -> list[Segment]:
        """The answer: the budgets that were asked about, or all of them from 0 to `top`."""
        if self.asked.sizes is None:
            found = segments(self.claims, self.top)
        else:
            found = [
                Segment(size, size, True, True, *bounds_at(self.claims, size))
                for size in self.asked.sizes
            ]
        return found if self.asked.depth == 2 else deeper(found, self.points.classes, self.claims)

    @property
    def exact(self) -> bool:
        """Whether the least width is known for all that was asked about."""
        return all(segment.exact for segment in self.segments)

    @property
    def unit(self) -> str:
        """What sizes are."""
        return "mu^2" if self.asked.norm == "2" else "mu"

    def at(self, size: Fraction) -> tuple[int, int | None]:
        """At least, and at most, so many units for closed balls of this size; None: not known."""
        bounds = bounds_at(self.claims, size)
        if self.asked.depth == 2:
            return bounds
        part = Segment(size, size, True, True, *bounds)
        (only,) = deeper([part], self.points.classes, self.claims)
        return only.at_least, only.at_most

    @property
    def claim(self) -> str:
        """The answer in a sentence."""
        parts = [f"{width_text(part)} for {part.text(self.unit)}" for part in self.segments]
        return (
            f"{self.name}, L{self.asked.norm}: the least width of a robust memorizer of "
            f"depth {self.asked.depth} is " + "; ".join(parts)
        )


def deeper(found: Sequence[Segment], classes: int, claims: Sequence[Shown] = ()) -> list[Segment]:
    """What these bounds for depth 2, and claims about the first layer, say of depth 3.

    At most: outputs of units are not negative, so a further layer can hand them on, and no width is
    lost. At least, for two labels: with layers of width 1 f is monotone in one form v . x, so that
    f > 1/2 on a half-space v . x > t (or <), and as balls are compact one unit of depth 2 reads all
    labels as well; where depth 2 needs two units, so does any depth. For more labels nothing. A
    first layer that is too narrow, `questions.Collapsed`, is so at any depth.
    """
    floor = 2 if classes == 2 else 1
    parts: list[Segment] = []
    for part in found:
        firsts = [
            one.claim.width + 1 for one in claims
            if isinstance(one.claim, Collapsed) and one.claim.size <= part.first
        ]  # fmt: skip
        part = replace(part, at_least=max([min(part.at_least, floor), *firsts]))
        last = parts[-1] if parts else None
        if last and part.first == last.last and part.first < part.last and (
            last.at_least, last.at_most
        ) == (part.at_least, part.at_most):  # fmt: skip
            parts[-1] = replace(last, last=part.last, with_last=part.with_last)
        else:
            parts.append(part)
    return parts


def counted(width: int, count: str, dimension: int) -> int:
    """The size of a network of depth 2, one output and this width: the units of its hidden layer,
    which are as many; or its parameters, all weights and biases, zeros among them: w (n + 2) + 1
    as papers count them (n weights, a bias and a weight of the output for each unit, and the bias
    of the output). Both increase with the width, so that the least width says their least values.
    """
    return width * (dimension + 2) + 1 if count == "parameters" else width


def width_text(segment: Segment, count: str = "width", dimension: int = 0) -> str:
    """The width, or what is known of it; or another count of the same networks, see `counted`."""
    least = counted(segment.at_least, count, dimension)
    if segment.exact:
        return str(least)
    if segment.at_most is None:
        return f"at least {least}"
    return f"{least}..{counted(segment.at_most, count, dimension)}"


def steps_text(found: Least, count: str = "width") -> str:
    """The least width, or another count, of all that was asked, on one line."""
    n = found.points.dimension
    return "; ".join(
        f"{width_text(part, count, n)} for {part.text(found.unit)}" for part in found.segments
    )


def claim_text(one: Shown, norm: str) -> str:
    """What is claimed, in a sentence."""
    claim = one.claim
    size = f"{'squared ' if norm == '2' else ''}radius {format_rational(claim.size)}"
    if isinstance(claim, Collapsed):
        return (
            f"no network with a first layer of width {claim.width}, of any depth, is right on the "
            f"closed L{norm} balls of {size}: one ball meets another in every direction"
        )
    if isinstance(claim, Impossible):
        count = sum(map(len, claim.points))
        return (
            f"no network of width {claim.width} is right on the closed L{norm} balls of {size}: "
            f"{len(claim.points)} proofs about {count} points"
        )
    if isinstance(claim, Below):
        width = sum(claim.network.layers)
        axes = ("axis" if len(claim.scaled) == 1 else "axes") + " "
        axes += ", ".join(map(str, claim.scaled))
        scaled = f", {axes} scaled by what is left" if claim.scaled else ""
        return (
            f"networks of width {width}, one for each, are right on the closed L{norm} balls of "
            f"every {'squared ' if norm == '2' else ''}radius below "
            f"{format_rational(claim.size)}{scaled}"
        )
    kind = "open" if claim.open else "closed"
    width = sum(claim.network.layers)
    return f"a network of width {width} is right on the {kind} L{norm} balls of {size}"


def least(
    dataset: Dataset,
    norm: Norm = "inf",
    sizes: Sequence[Fraction] | None = None,
    most: int = 4,
    folder: Path | None = None,
    *,
    depth: int = 2,
    families: Sequence[Network] = (),
    scaled: Sequence[int] = (),
    seconds: float | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Least:
    """The least width for closed balls of these sizes (of norm 2 squared radii), for all if None.

    Of depth 3 the answer is what that of depth 2 says, see `deeper`.
    Labels are numbered 0, 1, .. in their order, those alone of which there are samples: the names
    that a selection keeps of others do not count. Widths up to `most` are looked at. With a folder
    every claim is stored as soon as it is shown, and what is there is replayed and taken up; at the
    end it is sealed. seconds: for one question. `families` are networks of the inputs,
    those in `scaled` multiplied with it, and of what is left of the largest size, one for each
    budget, see `questions.Below`; or of the inputs alone, one for all balls that it reaches. They
    are checked, and taken up as claims.

    Raises UserError for contradictory points, for one class, for budgets that are not below half
    the separation, and for data beyond what the method takes; RefusedError for a folder whose
    claims do not hold.
    """
    dataset = of_its_labels(dataset)
    top = check_asked(dataset, norm, sizes, most)
    if depth not in DEPTHS:
        raise UserError(
            f"depth {depth}: least networks are known of depth 2, and what that says of depth 3; "
            "with more layers the outputs are products of weights, see docs/least.md"
        )
    asked = Asked(norm, None if sizes is None else tuple(sizes), most, depth)
    data = data_bytes(dataset.numerators, dataset.denominator, dataset.labels, dataset.label_names)
    points = parse_data(data)
    store = None if folder is None else LeastFolder(folder)
    with nullcontext() if store is None else store.taken(data, asked):
        claims = [] if store is None else store.read(points)
        finder = Finder(points, norm, seconds, progress)
        undecided: dict[tuple[int, Fraction], str] = {}

        def save(fresh: Shown) -> None:
            if store is not None:
                store.save(asked, claims)

        search = Search(finder, top, claims, save, undecided)
        axes = tuple(sorted(scaled))
        of_budgets = any(network.inputs > points.dimension for network in families)
        for network in families:
            width = sum(network.layers)
            if network.inputs == points.dimension and (of_budgets or not axes):
                search.take_network(Possible(width, top, True, network))
            else:
                search.take(Below(width, top, axes, network))
        if asked.sizes is None:
            search.all_budgets(most)
        for size in asked.sizes or ():
            search.at_budget(size, most)
        if store is not None:
            store.save(asked, claims)
            store.seal()
    return Least(dataset.name, asked, top, points, tuple(claims), undecided)


def of_its_labels(dataset: Dataset) -> Dataset:
    """The same samples, with the names of those labels alone that one of them has."""
    there = np.unique(dataset.labels)
    if len(there) == dataset.classes:
        return dataset
    names = tuple(dataset.label_names[k] for k in there.tolist())
    labels = np.searchsorted(there, dataset.labels).astype(np.int64)
    return replace(dataset, labels=labels, label_names=names)


def read_least(
    folder: Path, by: str = "checker", progress: Callable[[int, int], None] = lambda d, t: None
) -> Least:
    """The answer in a folder, every byte compared with the seal and every certificate replayed.

    Raises RefusedError, naming the flaw.
    """
    store = LeastFolder(folder)
    store.check_seal()
    asked, points = store.asked(), store.points()
    claims = store.read(points, by, progress)  # type: ignore[arg-type]
    found = Least(folder.name, asked, top_of(points, asked.norm), points, tuple(claims))
    for segment in found.segments:
        if segment.at_most is not None and segment.at_most < segment.at_least:
            raise RefusedError(
                "contradiction", f"at least {segment.at_least} and at most {segment.at_most} units"
            )
    return found


def top_of(points: Points, norm: Norm) -> Fraction:
    """Half the separation (of norm 2 its square, quartered)."""
    from verifier.question.region import distance

    gaps = [
        distance(norm, points.point(i), points.point(j))
        for i in range(points.size)
        for j in range(i)
        if points.labels[i] != points.labels[j]
    ]
    if not gaps:
        raise RefusedError("one label", "all samples have the same label: nothing can flip")
    return min(gaps) / (4 if norm == "2" else 2)


def check_asked(
    dataset: Dataset, norm: Norm, sizes: Sequence[Fraction] | None, most: int
) -> Fraction:
    """The size at which balls touch, after all that can be wrong with a question was looked at."""
    if dataset.size > MOST_SAMPLES:
        raise UserError(
            f"{dataset.name}: {dataset.size} samples; the search over activation patterns of all "
            f"points is for {MOST_SAMPLES}"
        )
    if norm not in NORMS:
        raise UserError(f"norm {norm}: least networks are for the norms {', '.join(NORMS)}")
    power = power_separation(dataset, norm)
    top = power / (4 if norm == "2" else 2)
    furthest = max(abs(x) for k in range(dataset.size) for x in dataset.point(k))
    if furthest > LARGEST or power * LARGEST < 1:
        raise UserError(
            f"{dataset.name}: a coordinate is beyond 10^60, or the separation below 10^-60; the "
            "answer scales with the data: divide all coordinates by one number"
        )
    for size in sizes or ():
        if norm == "2":
            if not 0 <= size < top:
                raise UserError(
                    f"squared budget {format_rational(size)} is not in [0, {format_rational(top)}),"
                    " below the square of half the separation"
                )
        else:
            check_budget(dataset, norm, size, power)
    if most < 1:
        raise UserError(f"width {most}: at least 1 is looked at")
    inputs = most * (dataset.dimension + 1) + (1 if dataset.classes == 2 else 2)
    if inputs > CONJUNCTION_INPUTS:
        raise UserError(
            f"width {most} in dimension {dataset.dimension} has {inputs} weights; questions about "
            f"all networks are for {CONJUNCTION_INPUTS}: give a smaller --max-width"
        )
    return top
